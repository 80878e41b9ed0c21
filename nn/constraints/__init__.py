"""Hard constraints on weights, R(θ) ≤ r: kept by a projection after each step of an optimizer."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .general import AtMost, Projection
from .norms import L1Ball, L2Ball, MaxNorm
from .sets import Box, NonNegative, Simplex

__all__ = ["AtMost", "Box", "L1Ball", "L2Ball", "MaxNorm", "NonNegative", "Projection", "Simplex"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
