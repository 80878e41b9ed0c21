"""Curves of a training run: `plot_history`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.errors import ConfigError

from ..drawing.axes import new_axes
from ..drawing.style import CYCLE, FAINT, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_history"]

# Columns of a history, in the order of the legend: (training, validation, what it is).
_LOSSES = ("loss", "val_loss")
_ERRORS = ("error", "val_error")
_WORDS = {
    "loss": "training loss",
    "val_loss": "validation loss",
    "error": "training error",
    "val_error": "validation error",
}


def plot_history(
    history: Any, ax: Axes | Sequence[Axes] | None = None, *, log: bool = False
) -> Axes:
    """Plot loss and error against the epoch, one panel each, and mark the best epoch.

    Parameters
    ----------
    history : mapping of str to sequence of float
        As `optim.fit` returns: "loss", "val_loss" (upper panel), "error", "val_error" (lower panel,
        shares shown in percent); columns that are missing are left out, and so is a panel without
        any. Its attribute ``best_epoch``, counted from 1, is marked where there is one.
    ax : matplotlib Axes, or one for each panel, optional
        Where to draw; the place of single Axes is divided where there are two panels. Default: a new
        figure of pyplot's, which a notebook shows, and ``plt.show()`` on a desktop.
    log : bool
        Whether the loss has a logarithmic scale.

    Returns
    -------
    matplotlib Axes
        The upper one; the lower one, where there are errors, is ``ax.figure.axes[-1]``.

    Raises
    ------
    ConfigError
        If there is none of these columns, or no epoch; with ``log``, if a loss is not above 0; if
        there are not as many Axes as panels.
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
    if log:
        _check_positive(columns)
    groups = [names for names in (_LOSSES, _ERRORS) if any(name in columns for name in names)]
    panels = _panels(ax, len(groups))
    longest = max(len(column) for column in columns.values())
    from matplotlib.transforms import offset_copy

    handles: dict[str, Any] = {}
    for panel, names in zip(panels, groups, strict=True):
        for name in names:
            if name in columns:
                (line,) = panel.plot(
                    np.arange(1, len(columns[name]) + 1),
                    _scale(name) * columns[name],
                    color=CYCLE[1 if name.startswith("val") else 0],
                    linewidth=1.8 if name.startswith("val") else 1.4,
                    marker="o" if longest <= 12 else "",
                    markersize=3.5,
                    label=_WORDS[name],
                )
                handles.setdefault(_WORDS[name].split()[0], line)
        panel.set_ylabel("loss" if names is _LOSSES else "error in %", color=MUTED)
        if names is _ERRORS:
            panel.set_ylim(bottom=0)
        elif log:
            _logarithmic(panel)
        panel.grid(color=FAINT, linewidth=0.5, alpha=0.7)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xlim(
            0.5 if longest < 20 else 1, longest + (0.5 if longest < 20 else 0.02 * longest)
        )
        panel.locator_params(axis="x", integer=True)
    _mark_best(panels, groups, columns, getattr(history, "best_epoch", None))
    for panel in panels:
        if panel is panels[-1] or not panel.get_shared_x_axes().joined(panel, panels[-1]):
            panel.set_xlabel("epoch", color=MUTED)
        else:
            panel.tick_params(labelbottom=False)
    # Under the axes, where no curve can pass.
    below = offset_copy(panels[-1].transAxes, panels[-1].figure, y=-34, units="points")
    panels[-1].legend(
        handles=list(handles.values()),
        labels=list(handles),
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=below,
        ncols=len(handles),
        frameon=False,
        fontsize=9,
    )
    return panels[0]


def _logarithmic(panel: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter("{x:g}")  # 0.2 rather than 2 × 10⁻¹
    panel.yaxis.set_minor_formatter(NullFormatter())


def _scale(name: str) -> float:
    return 100.0 if name in _ERRORS else 1.0


def _panels(ax: Axes | Sequence[Axes] | None, count: int) -> list[Any]:
    """As many Axes as there are panels, one below the other."""
    single: Any = new_axes("plot_history", 4.2 if count == 1 else 5.6) if ax is None else ax
    if isinstance(single, list | tuple | np.ndarray):
        found = list(np.ravel(np.array(single, object)))
        if len(found) != count:
            raise ConfigError(
                "plot_history",
                f"expected Axes for {count} panel{'s' if count > 1 else ''}; received "
                f"{len(found)}. Pass as many, or single Axes, which are divided.",
            )
        return found
    if count == 1:
        return [single]
    figure, place = single.figure, single.get_subplotspec()
    if place is None:  # axes at a place of their own, which no grid manages
        x, y, width, height = single.get_position().bounds
        single.set_position((x, y + 0.53 * height, width, 0.47 * height))
        return [single, figure.add_axes((x, y, width, 0.47 * height), sharex=single)]
    rows = place.subgridspec(2, 1)
    single.set_subplotspec(rows[0])
    return [single, figure.add_subplot(rows[1], sharex=single)]


def _check_positive(columns: dict[str, Any]) -> None:
    for name in _LOSSES:
        low = np.nanmin(columns[name]) if name in columns else 1.0
        if low <= 0:
            raise ConfigError(
                "plot_history",
                f"a logarithmic scale has no 0. Expected losses above it; received {low:g} "
                f"in {name!r}. Leave log out.",
            )


def _columns(history: Any) -> dict[str, Any]:
    if not isinstance(history, Mapping):
        raise ConfigError(
            "plot_history",
            "expected a mapping of columns such as "
            f"{{'loss': [...], 'val_loss': [...]}}; received {type(history).__name__}. Pass what "
            "optim.fit returned.",
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
            "plot_history",
            f"expected at least one epoch of {', '.join((*_LOSSES, *_ERRORS))}; "
            f"received {found}. "
            + (
                "Plot other columns with matplotlib: plt.plot(history[name])."
                if any(len(column) for column in history.values())
                else "Train for an epoch first."
            ),
        )
    return columns


def _mark_best(panels: Any, groups: Any, columns: dict[str, Any], best: Any) -> None:
    """A vertical line at the best epoch, and what was reached there."""
    longest = max(len(column) for column in columns.values())
    if best is None or not 1 <= int(best) <= longest:
        return
    best = int(best)
    text = f"best epoch {best}"
    for panel, names in zip(panels, groups, strict=True):
        panel.axvline(best, color=INK, linewidth=0.9, linestyle=":", label="_best")
        name = names[1]
        column = columns.get(name)
        if column is not None and best <= len(column) and np.isfinite(column[best - 1]):
            shown = _scale(name) * column[best - 1]
            panel.plot(
                [best], [shown], "o", color=INK, markersize=9, fillstyle="none", label="_best"
            )
            text += f"\n{_WORDS[name]} {shown:.3g}{' %' if name in _ERRORS else ''}"
    late = best > 0.6 * longest
    panels[0].annotate(
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
