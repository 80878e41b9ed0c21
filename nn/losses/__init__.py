"""Losses as modules: each the mean over the batch of a divergence, of role ``"loss"``."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .classification import CrossEntropyLoss
from .regression import MSELoss, SquaredErrorLoss

__all__ = ["CrossEntropyLoss", "MSELoss", "SquaredErrorLoss"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
