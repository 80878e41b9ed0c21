"""Figures of numbers: one file each, a function that takes a result and draws it."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .architecture import House, Room, draw_architecture, read_house
from .augmentation import Variant, chart_augmentation
from .dropout_mask import chart_dropout_mask, plot_dropout_mask
from .history import chart_history, plot_history
from .learning_rate import chart_learning_rate

__all__ = [
    "House",
    "Room",
    "Variant",
    "chart_augmentation",
    "chart_dropout_mask",
    "chart_history",
    "chart_learning_rate",
    "draw_architecture",
    "plot_dropout_mask",
    "plot_history",
    "read_house",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
