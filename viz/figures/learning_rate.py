"""Five step sizes on a parabola: what the learning rate decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autograd_core.errors import ConfigError

from ..drawing.chart import Chart
from ..drawing.marks import Arrows, Line, Note, Points
from ..drawing.plan import Axis, Panel
from ..drawing.style import CYCLE, INK, MUTED
from ..drawing.text import number
from ..registry import figure

if TYPE_CHECKING:
    from analysis import Descent

__all__ = ["chart_learning_rate"]

SHARES = (0.25, 1.0, 1.6, 2.0, 2.15)  # of η_opt
EXPECTED = ("monotone", "one step", "oscillating", "swinging", "diverging")


def example() -> list[Descent]:
    """A parabola, and `optim.SGD` from the same start with five step sizes."""
    from analysis import Quadratic, descend

    parabola = Quadratic(1.0)
    return [descend(parabola, 1.0, share * parabola.best_lr, 4) for share in SHARES]


def holds(chart: Chart) -> bool:
    """Each panel's points go as its title says, and stand on its parabola."""
    seen = []
    for panel in chart.panels:
        path, bowl = panel.named("steps"), panel.named("error")
        apart = np.abs(path.y - np.interp(path.x, bowl.x, bowl.y)).max()
        if apart > 0.01 * bowl.y.max() or bowl.y.min() > 0.01 * bowl.y.max():
            return False
        seen.append(_seen(path.x))
    told = [panel.title.partition("\n")[2] for panel in chart.panels]
    return seen == told == list(EXPECTED)


def _seen(w: np.ndarray) -> str:
    """What points around an optimum of 0 do."""
    if abs(w[0]) < 0.1:
        return "nothing"
    if np.abs(w[1:]).max() < 1e-9:
        return "one step"
    growth = np.abs(w[1:]) / np.abs(w[:-1])
    sides = np.sign(w[1:]) != np.sign(w[:-1])
    if not sides.any():
        return "monotone" if growth.max() < 0.95 else "nothing"
    if not sides.all():
        return "nothing"
    return (
        "oscillating" if growth.max() < 0.95 else "diverging" if growth.min() > 1.05 else "swinging"
    )


@figure(
    "learning-rate",
    statement="On a parabola, gradient descent comes nearer from one side below η_opt = 1/E″, arrives in "
    "one step at it, comes nearer from both sides in turn up to 2 η_opt, swings for ever there, and "
    "diverges beyond.",
    example=example,
    holds=holds,
)
def chart_learning_rate(runs: Sequence[Descent]) -> Chart:
    r"""Runs of gradient descent on a parabola, a panel for each step size, over the error's curve.

    Parameters
    ----------
    runs : sequence of analysis.Descent
        On the same parabola (one dimension).

    Raises
    ------
    ConfigError
        If there are no runs, or they are not of one dimension.

    Examples
    --------
    >>> from analysis import Quadratic, descend
    >>> from viz.figures import chart_learning_rate
    >>> run = descend(Quadratic(2.0), 1.0, lr=0.75, steps=3)
    >>> chart_learning_rate([run]).panels[0].title
    'η = 1.5 η_opt\noscillating'
    """
    if not runs or any(run.points.shape[1] != 1 for run in runs):
        shapes = ", ".join(str(run.points.shape) for run in runs) or "none"
        raise ConfigError(
            "learning-rate",
            "expected runs in one dimension, as descend(Quadratic(2.0), …) gives them; "
            f"received points of shapes {shapes}.",
        )
    parabola = runs[0].quadratic
    optimum = float(parabola.optimum[0])
    reach = 1.12 * max(float(np.abs(run.points - optimum).max()) for run in runs)
    w = np.linspace(optimum - reach, optimum + reach, 201)
    error = parabola.matrix[0, 0] * (w - optimum) ** 2 / 2
    across = Axis("w", low=w[0], high=w[-1])
    upright = Axis("error E(w)", low=-0.06 * error.max(), high=error.max())
    panels = [
        Panel(_marks(run, w, error), across, upright, _title(run, parabola.best_lr)) for run in runs
    ]
    return Chart(
        "learning-rate",
        "Gradient descent on a parabola: the step size decides",
        tuple(panels),
        columns=len(panels),
        joined="both",
        size=(max(2.0 * len(panels), 4.0), 3.3),
    )


def _title(run: Descent, best: float) -> str:
    return f"η = {number(run.lr / best)} η_opt\n{run.regimes[0]}"


def _marks(
    run: Descent, w: np.ndarray, error: np.ndarray
) -> tuple[Line | Points | Arrows | Note, ...]:
    at, value = run.points[:, 0], run.values
    return (
        Line(w, error, "error", colour=MUTED, width=1.2),
        Arrows(at[:-1], value[:-1], np.diff(at), np.diff(value), colour=CYCLE[0], width=1.3),
        Points(at, value, "steps", colour=CYCLE[0], size=4.5),
        Points(at[:1], value[:1], "start", colour=INK, marker="o", size=9, hollow=True),
    )
