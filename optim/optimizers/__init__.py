"""Optimizers, one a file: its hyperparameters, its slots and its update rule."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .adam import Adam
from .quickprop import Quickprop
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = ["SGD", "Adam", "Quickprop", "RMSprop", "Rprop"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
