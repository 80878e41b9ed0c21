"""Activations: functions of each unit as layers, and of all units of a row.

To add one: a class in the file of its kind whose ``forward`` calls a function of `nn.functional`, and its
name in ``__all__``.
"""

# The rest is made by `make docs`, of the `__all__` of each file.
from .pieces import Hardshrink, Hardsigmoid, Hardswish, Hardtanh, Softshrink
from .rectifiers import CELU, ELU, SELU, LeakyReLU, PReLU, ReLU, ReLU6, Threshold
from .rows import GLU, LogSoftmax, Softmax, Softmin
from .smooth import (
    GELU,
    Identity,
    LogSigmoid,
    Mish,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
