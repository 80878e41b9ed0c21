"""Search for hyperparameters: a grid or random draws, on held-out data, here or on many machines."""

from __future__ import annotations

from .held_out import HeldOut
from .searching import grid_search, random_search
from .space import Integers, LogUniform, Uniform
from .trials import Trials

__all__ = [
    "HeldOut",
    "Integers",
    "LogUniform",
    "Trials",
    "Uniform",
    "grid_search",
    "random_search",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
