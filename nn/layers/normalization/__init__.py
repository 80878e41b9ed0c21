"""Layers that move units to mean 0 and variance 1."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .batch import BatchNorm1d, estimate_statistics

__all__ = ["BatchNorm1d", "estimate_statistics"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
