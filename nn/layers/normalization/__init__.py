"""Layers that move units to mean 0 and variance 1."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .batch import BatchNorm1d, BatchNorm2d, estimate_statistics
from .group import GroupNorm
from .inputs import InputNorm
from .instance import InstanceNorm1d, InstanceNorm2d
from .layer import LayerNorm

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "GroupNorm",
    "InputNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LayerNorm",
    "estimate_statistics",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
