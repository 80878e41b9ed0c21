"""Optimizers, and the training loop that uses them.

A name added to the ``__all__`` of one of the files below appears here, and in the optimizer
contract of the tests, by itself.
"""

from __future__ import annotations

from . import adam, optimizer, sgd, training
from .adam import *
from .optimizer import *
from .sgd import *
from .training import *

__all__: list[str] = []
__all__ += adam.__all__
__all__ += optimizer.__all__
__all__ += sgd.__all__
__all__ += training.__all__
__all__.sort()


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
