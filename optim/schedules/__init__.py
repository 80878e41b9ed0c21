"""Schedules: numbers that follow the count of updates, one form a file."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .cosine import Cosine
from .exponential import Exponential
from .linear import Linear
from .quadratic import Quadratic
from .ramp import Ramp
from .schedule import Constant, Epochs, Joined, Scaled, Schedule
from .step import Step

__all__ = [
    "Constant",
    "Cosine",
    "Epochs",
    "Exponential",
    "Joined",
    "Linear",
    "Quadratic",
    "Ramp",
    "Scaled",
    "Schedule",
    "Step",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
