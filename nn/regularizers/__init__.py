"""Penalties on weights, to be added to the loss."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .norms import L2

__all__ = ["L2"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
