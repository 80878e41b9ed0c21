"""Optimizers, one a file: its hyperparameters, its slots and its update rule."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .lamb import LAMB
from .lars import LARS
from .lion import Lion
from .momentum import Momentum
from .nadam import NAdam
from .nesterov import Nesterov
from .quickprop import Quickprop
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "LAMB",
    "LARS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Quickprop",
    "RMSprop",
    "Rprop",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
