"""Layers that draw: noise while training, and its expectation in evaluation."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .additive import GaussianNoise
from .alpha import AlphaDropout
from .channels import Dropout1d, Dropout2d
from .depth import StochasticDepth
from .dropout import Dropout
from .multiplicative import GaussianDropout

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "GaussianDropout",
    "GaussianNoise",
    "StochasticDepth",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
