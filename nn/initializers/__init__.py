"""First values of parameters: an initializer is a function of shape, generator and dtype.

Neurons with identical connections that start identically never part [Other tricks], so weights are
drawn. Numbers are drawn in float64 and rounded once, so equal generators give the same weights in
every dtype, up to that rounding.
"""

# The rest is made by `make docs`, of the `__all__` of each file.
from .constants import constant, ones, zeros
from .draws import normal, truncated_normal, uniform
from .gains import gain
from .initializer import Initializer
from .lsuv import lsuv
from .orthogonal import orthogonal
from .scaled import (
    fans,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
)

__all__ = [
    "Initializer",
    "constant",
    "fans",
    "gain",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "lsuv",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "zeros",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
