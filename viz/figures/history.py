"""Curves of a training run: `plot_history`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.errors import ConfigError

from ..drawing.chart import Chart
from ..drawing.marks import Line, Mark, Note, Points, Rule
from ..drawing.plan import Axis, Panel
from ..drawing.style import CYCLE, INK
from ..registry import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["chart_history", "plot_history"]

# Columns of a history, in the order of the legend: (training, validation, what it is).
_LOSSES = ("loss", "val_loss")
_ERRORS = ("error", "val_error")
_WORDS = {
    "loss": "training loss",
    "val_loss": "validation loss",
    "error": "training error",
    "val_error": "validation error",
}


def example() -> Any:
    """A network that is large for its few, noisy samples, trained for too long."""
    import nn
    import optim

    rng = np.random.default_rng(3)
    x = rng.normal(size=(160, 2))
    wrong = rng.random(160) < 0.2
    y = ((x[:, 0] * x[:, 1] > 0) ^ wrong).astype(np.int64)
    model = nn.Sequential(nn.Linear(2, 64, rng=rng), nn.ReLU(), nn.Linear(64, 2, rng=rng))
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    return optim.fit(
        model, nn.CrossEntropyLoss(), optimizer, (x[:60], y[:60]),
        validation=(x[60:], y[60:]), epochs=60, batch_size=20, rng=rng, progress=False,
    )  # fmt: skip


def holds(chart: Chart) -> bool:
    """Training loss still falls at the end; validation loss has been lower, and stands at its mark."""
    upper = chart.panels[0]
    training, validation = upper.named("training loss").y, upper.named("validation loss").y
    third = len(training) // 3
    falling = training[-third:].mean() < training[third:-third].mean() < training[:third].mean()
    rule = next(m for m in upper.marks if isinstance(m, Rule))
    at = int(rule.at) - 1
    turned = validation[at] == validation.min() and validation[-third:].mean() > validation[at]
    errors = chart.panels[1].named("validation error").y
    return bool(falling and turned and at < third and errors[-third:].mean() > errors[at] + 2)


@figure(
    "history",
    statement="While the training loss goes on falling, validation loss and error have turned: the "
    "best epoch came early.",
    example=example,
    holds=holds,
)
def chart_history(history: Any, *, log: bool = False) -> Chart:
    """Loss and error against the epoch, a panel each, with the best epoch marked.

    Parameters and errors are those of `plot_history`, which draws it at once.
    """
    columns = _columns(history)
    if log:
        _check_positive(columns)
    groups = [names for names in (_LOSSES, _ERRORS) if any(name in columns for name in names)]
    longest = max(len(column) for column in columns.values())
    margin = 0.5 if longest < 20 else 0.02 * longest
    epochs = Axis("epoch", low=1 - min(margin, 0.7), high=longest + margin, whole=True)
    marked = _marked(groups, columns, getattr(history, "best_epoch", None))
    panels = []
    for names, best in zip(groups, marked, strict=True):
        curves = tuple(_curve(name, columns[name], longest) for name in names if name in columns)
        if names is _ERRORS:
            y = Axis("error in %", low=0)
        else:
            y = Axis("loss", scale="log" if log else "linear", high=_headroom(curves, best, log))
        panels.append(Panel((*curves, *best), epochs, y))
    size = (7.2, 4.2 if len(panels) == 1 else 5.6)
    return Chart(
        "plot_history", "Loss and error of a training run", tuple(panels), joined="x", size=size
    )


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
    return chart_history(history, log=log).draw(ax)


def _curve(name: str, column: Any, longest: int) -> Line:
    """Validation is solid, training dashed: told apart without their colours, too."""
    validation = name.startswith("val")
    return Line(
        np.arange(1, len(column) + 1),
        _scale(name) * column,
        _WORDS[name],
        _WORDS[name].split()[0],
        CYCLE[1 if validation else 0],
        "solid" if validation else "dashed",
        1.8 if validation else 1.4,
        "o" if longest <= 12 else "",
        3.5,
    )


def _scale(name: str) -> float:
    return 100.0 if name in _ERRORS else 1.0


def _check_positive(columns: dict[str, Any]) -> None:
    for name in _LOSSES:
        low = np.fmin.reduce(columns[name]) if name in columns else 1.0
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
            # An epoch without a value (None), or whose loss left the range of floats, leaves a gap.
            column = np.array([np.nan if v is None else v for v in values], np.float64)
            columns[name] = np.where(np.isfinite(column), column, np.nan)
    if not columns:
        received = ", ".join(map(repr, list(history)[:6])) or "nothing"
        raise ConfigError(
            "plot_history",
            f"expected at least one epoch of {', '.join((*_LOSSES, *_ERRORS))}; "
            f"received {received}. "
            + (
                "Plot other columns with matplotlib: plt.plot(history[name])."
                if any(len(column) for column in history.values())
                else "Train for an epoch first."
            ),
        )
    return columns


def _marked(groups: Any, columns: dict[str, Any], best: Any) -> list[tuple[Mark, ...]]:
    """For each panel: a rule at the best epoch, and what was reached there."""
    longest = max(len(column) for column in columns.values())
    if best is None or not 1 <= int(best) <= longest:
        return [()] * len(groups)
    best = int(best)
    text = f"best epoch {best}"
    marks: list[list[Mark]] = []
    for names in groups:
        here: list[Mark] = [Rule(best, label="_best")]
        name = names[1]
        column = columns.get(name)
        if column is not None and best <= len(column) and np.isfinite(column[best - 1]):
            shown = _scale(name) * column[best - 1]
            x, y = np.array([best]), np.array([shown])
            here.append(Points(x, y, "_best", colour=INK, size=9, hollow=True))
            text += f"\n{_WORDS[name]} {shown:.3g}{' %' if name in _ERRORS else ''}"
        marks.append(here)
    marks[0].append(Note(text, best, side="left" if best > 0.6 * longest else "right"))
    return [tuple(here) for here in marks]


def _headroom(curves: Sequence[Line], marks: Sequence[Mark], log: bool) -> float | None:
    """An upper limit for the loss, where a curve would run through the note; else None."""
    note = next((mark for mark in marks if isinstance(mark, Note)), None)
    if note is None:
        return None
    x, values = (np.concatenate([getattr(curve, name) for curve in curves]) for name in "xy")
    x, values = x[~np.isnan(values)], values[~np.isnan(values)]
    if not len(values):
        return None
    values = np.log(values) if log else values
    reach = 0.45 * x.max() * (-1 if note.side == "left" else 1)
    under = (x - note.x) * np.sign(reach) > -1, (x - note.x) / reach < 1
    low, top = values.min(), values.max()
    lowest = low - 0.05 * (top - low)
    beneath = values[under[0] & under[1]].max(initial=lowest)
    needed = lowest + (beneath - lowest) / (0.68 - 0.06 * (1 + note.text.count("\n")))
    if needed <= top + 0.05 * (top - low):
        return None
    return float(np.exp(needed) if log else needed)
