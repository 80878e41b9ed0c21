"""Curves of a training run: `plot_history`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.errors import ConfigError, MissingDependencyError

from .style import CYCLE, FAINT, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["new_axes", "plot_history"]

# Columns of a history, in the order of the legend: (training, validation, what it is).
_LOSSES = ("loss", "val_loss")
_ERRORS = ("error", "val_error")
_WORDS = {
    "loss": "training loss",
    "val_loss": "validation loss",
    "error": "training error",
    "val_error": "validation error",
}


def plot_history(history: Any, ax: Axes | None = None) -> Axes:
    """Plot loss and error against the epoch, and mark the best one.

    Parameters
    ----------
    history : mapping of str to sequence of float
        As `optim.fit` returns: "loss", "val_loss" (left axis), "error", "val_error" (right axis,
        shares shown in percent); columns that are missing are left out. Its attribute
        ``best_epoch``, counted from 1, is marked where there is one.
    ax : matplotlib Axes, optional
        Where to draw; default: axes of a new figure.

    Returns
    -------
    matplotlib Axes
        The left one; the right one, where there are errors, is ``ax.figure.axes[-1]``.

    Raises
    ------
    ConfigError
        If there is none of these columns, or no epoch.
    MissingDependencyError
        If matplotlib is not installed (extra ``plots``).

    Examples
    --------
    >>> import viz
    >>> ax = viz.plot_history({"loss": [2.0, 1.0, 0.5], "val_loss": [2.1, 1.2, 1.3]})
    >>> [line.get_label() for line in ax.get_lines()]
    ['training loss', 'validation loss']
    """
    columns = _columns(history)
    axes = new_axes("plot_history", ax)
    dashed = {"loss": "-", "val_loss": "-", "error": "--", "val_error": "--"}
    colours = {"loss": CYCLE[0], "val_loss": CYCLE[1], "error": CYCLE[0], "val_error": CYCLE[1]}
    right = None
    if any(name in columns for name in _ERRORS):
        right = axes.twinx()
    longest = max(len(column) for column in columns.values())
    for name, column in columns.items():
        side = right if right is not None and name in _ERRORS else axes
        scale = 100.0 if name in _ERRORS else 1.0
        side.plot(
            np.arange(1, len(column) + 1),
            scale * column,
            color=colours[name],
            linestyle=dashed[name],
            linewidth=1.8 if name.startswith("val") else 1.4,
            marker="o" if longest <= 12 else "",
            markersize=3.5,
            label=_WORDS[name],
        )
    _mark_best(axes, right, columns, getattr(history, "best_epoch", None))
    axes.set_xlabel("epoch", color=MUTED)
    axes.set_xlim(0.5 if longest < 20 else 1, longest + (0.5 if longest < 20 else 0.02 * longest))
    axes.locator_params(axis="x", integer=True)
    if any(name in columns for name in _LOSSES):
        axes.set_ylabel("loss (solid)" if right is not None else "loss", color=MUTED)
    if right is not None:
        right.set_ylabel("error in % (dashed)", color=MUTED)
        right.set_ylim(bottom=0)
        right.spines[["top"]].set_visible(False)
    lines = [line for side in (axes, right) if side is not None for line in side.get_lines()]
    named = [line for line in lines if not str(line.get_label()).startswith("_")]
    # Under the axes, where no curve can pass.
    axes.legend(
        handles=named,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        ncols=min(len(named), 4),
        frameon=False,
        fontsize=9,
    )
    axes.grid(color=FAINT, linewidth=0.5, alpha=0.7)
    axes.spines[["top"] if right is not None else ["top", "right"]].set_visible(False)
    return axes


def _columns(history: Any) -> dict[str, Any]:
    if not isinstance(history, Mapping):
        raise ConfigError(
            "plot_history: expected a mapping of columns such as "
            f"{{'loss': [...], 'val_loss': [...]}}; received {type(history).__name__}. Pass what "
            "optim.fit returned."
        )
    columns = {}
    for name in (*_LOSSES, *_ERRORS):
        values: Sequence[Any] = history.get(name, ())
        if len(values):
            # An epoch without a value (None) leaves a gap.
            columns[name] = np.array([np.nan if v is None else v for v in values], np.float64)
    if not columns:
        found = ", ".join(map(repr, list(history)[:6])) or "nothing"
        raise ConfigError(
            f"plot_history: expected at least one epoch of {', '.join((*_LOSSES, *_ERRORS))}; "
            f"received {found}. Train for an epoch first."
        )
    return columns


def _mark_best(axes: Any, right: Any, columns: dict[str, Any], best: Any) -> None:
    """A vertical line at the best epoch, and what was reached there."""
    longest = max(len(column) for column in columns.values())
    if best is None or not 1 <= int(best) <= longest:
        return
    best = int(best)
    axes.axvline(best, color=INK, linewidth=0.9, linestyle=":", label="_best")
    text = f"best epoch {best}"
    for name, side in (("val_error", right), ("val_loss", axes)):
        column = columns.get(name)
        if column is not None and best <= len(column) and np.isfinite(column[best - 1]):
            shown = column[best - 1] * (100 if name == "val_error" else 1)
            side.plot(
                [best], [shown], "o", color=INK, markersize=9, fillstyle="none", label="_best"
            )
            if "\n" not in text:
                unit = " %" if name == "val_error" else ""
                text += f"\n{_WORDS[name]} {shown:.3g}{unit}"
    late = best > 0.6 * longest
    axes.annotate(
        text,
        (best, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if late else 6, -4),
        textcoords="offset points",
        ha="right" if late else "left",
        va="top",
        fontsize=9,
        color=INK,
    )


def new_axes(operation: str, ax: Axes | None) -> Axes:
    """``ax``, or axes of a new figure that belongs to nobody: no window, no global state.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            f"{operation}: matplotlib is not installed. Install the extra that brings it: "
            "pip install 'gradproof[plots]'."
        ) from None
    return Figure(figsize=(7.2, 4.2), layout="constrained").subplots()
