"""Schedules: numbers that follow the count of updates, one form a file."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .cosine import Cosine
from .exponential import Exponential
from .inverse_sqrt import InverseSqrt
from .linear import Linear
from .one_cycle import OneCycle
from .polynomial import Polynomial
from .power import Power
from .quadratic import Quadratic
from .ramp import Ramp
from .schedule import Constant, Epochs, Joined, Scaled, Schedule
from .step import Step
from .warm_restarts import WarmRestarts
from .warm_up import WarmUp

__all__ = [
    "Constant",
    "Cosine",
    "Epochs",
    "Exponential",
    "InverseSqrt",
    "Joined",
    "Linear",
    "OneCycle",
    "Polynomial",
    "Power",
    "Quadratic",
    "Ramp",
    "Scaled",
    "Schedule",
    "Step",
    "WarmRestarts",
    "WarmUp",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
