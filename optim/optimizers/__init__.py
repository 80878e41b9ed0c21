"""Optimizers, one a file: its hyperparameters, its slots and its update rule."""

from .adam import Adam
from .sgd import SGD

__all__ = ["SGD", "Adam"]
