"""Losses as modules: each the mean over the batch of a divergence, of role ``"loss"``."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .binary import BCELoss, BCEWithLogitsLoss
from .classification import CrossEntropyLoss, HingeLoss, MultiMarginLoss, NLLLoss
from .divergences import KLDivLoss
from .regression import HuberLoss, L1Loss, MSELoss, SmoothL1Loss, SquaredErrorLoss

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HingeLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MultiMarginLoss",
    "NLLLoss",
    "SmoothL1Loss",
    "SquaredErrorLoss",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
