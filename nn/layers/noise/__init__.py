"""Layers that draw: noise while training, and its expectation in evaluation."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .dropout import Dropout

__all__ = ["Dropout"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
