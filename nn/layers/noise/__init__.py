"""Layers that draw: noise while training, and its expectation in evaluation."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .additive import GaussianNoise
from .alpha import AlphaDropout
from .channels import Dropout1d, Dropout2d
from .depth import StochasticDepth
from .drop_connect import DropConnect
from .dropout import Dropout
from .labels import LabelFlip
from .multiplicative import GaussianDropout
from .shakeout import Shakeout
from .weights import WeightNoise
from .whiteout import Whiteout

__all__ = [
    "AlphaDropout",
    "DropConnect",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "GaussianDropout",
    "GaussianNoise",
    "LabelFlip",
    "Shakeout",
    "StochasticDepth",
    "WeightNoise",
    "Whiteout",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
