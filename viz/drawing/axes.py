"""Axes of matplotlib for what is plotted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd_core.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["new_axes"]


def new_axes(operation: str, height: float = 4.2) -> Axes:
    """Axes of a new figure of pyplot's: those are what a notebook and ``plt.show()`` show.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingDependencyError(
            operation,
            "matplotlib is not installed. Install the extra that brings it: "
            "pip install 'gradproof[plots]'.",
        ) from None
    axes: Axes = plt.figure(figsize=(7.2, height), layout="constrained").subplots()
    return axes
