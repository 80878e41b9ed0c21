"""Layers: what stands between the input of a model and its loss, a family a file."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .activations import ELU, GELU, Identity, ReLU, Sigmoid, Softplus, Tanh
from .convolution import Conv1d
from .linear import Linear
from .noise import (
    AlphaDropout,
    Dropout,
    Dropout1d,
    Dropout2d,
    GaussianDropout,
    GaussianNoise,
    StochasticDepth,
)
from .normalization import (
    BatchNorm1d,
    BatchNorm2d,
    GroupNorm,
    InputNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    LayerNorm,
    estimate_statistics,
)
from .reshaping import Flatten

__all__ = [
    "ELU",
    "GELU",
    "AlphaDropout",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNorm",
    "Identity",
    "InputNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LayerNorm",
    "Linear",
    "ReLU",
    "Sigmoid",
    "Softplus",
    "StochasticDepth",
    "Tanh",
    "estimate_statistics",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
