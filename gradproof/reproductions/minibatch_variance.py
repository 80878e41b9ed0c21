"""The variance of batch error and batch gradient of a network against 1/b, with and without replacement."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

import nn
import optim
from analysis import Draws, gradient_noise, log_slope

from .. import work as settings
from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

STATES = {"as it starts": 0, "after 300 updates": 300}
SIZES = (1, 3, 10, 30, 100, 300, 1000)
UPDATES = 200  # draws of each size
LEAST = 100
WITH, WITHOUT = "with replacement", "without replacement"
WORST = "largest gap to theory in standard errors"
SLOPE, FACTOR = "slope of log variance on log b", "measured over v/b at b = 300"
SCALE = "batch at which signal is noise"


def _trained(updates: int, train: nn.data.Split, rng: np.random.Generator) -> nn.Sequential:
    model = nn.Sequential(nn.Linear(64, 32, rng=rng), nn.Tanh(), nn.Linear(32, 10, rng=rng))
    if updates:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        inner = Work(updates)
        inner.fit(
            model, nn.CrossEntropyLoss(), optimizer, train, batch_size=32, rng=rng, jit=settings.JIT
        )
    return model


def _gap(draws: Draws) -> float:
    """The largest distance of measured from exact, error and gradient, in standard errors."""
    found = []
    for name in ("error", "gradient"):
        measured, exact, error = (
            getattr(draws, f"{name}_{what}") for what in ("measured", "expected", "uncertainty")
        )
        there = exact > 1e-12  # the batch of all varies by rounding alone
        found.append(np.max(np.abs(measured - exact)[there] / error[there]))
    return float(max(found))


def run(row: str, seed: int, work: Work) -> Measured:
    """The noise of a network at one moment of its training; an update is a draw of each size both ways."""
    rng = np.random.default_rng(seed)
    train, _, _ = nn.data.digits(rng=0)
    train = nn.data.Split(train.inputs[:1000], train.targets[:1000])
    model = _trained(STATES[row], train, rng)
    noise = gradient_noise(
        model, nn.CrossEntropyLoss(), train, SIZES,
        draws=max(2, work.updates), rng=rng, told=_told(work),
    )  # fmt: skip
    values, curves = {}, {}
    for name, draws in ((WITH, noise.with_replacement), (WITHOUT, noise.without)):
        at = SIZES.index(300)
        values[f"{WORST}, {name}"] = _gap(draws)
        values[f"{FACTOR}, {name}"] = float(
            draws.gradient_measured[at] * 300 / draws.gradient_variance
        )
        for what in ("error", "gradient"):
            for kind in ("measured", "expected"):
                curve = getattr(draws, f"{what}_{kind}")
                curves[f"{what}, {name}, {kind}"] = ((1 / draws.sizes).tolist(), curve.tolist())
    measured = noise.with_replacement.gradient_measured
    values[SLOPE] = log_slope(SIZES, measured)
    values[SCALE] = noise.scale
    return Measured(values, curves)


def _told(work: Work) -> Callable[[], None]:
    def told() -> None:
        if work.made < work.updates:
            work.step()

    return told


def _picture(results: Results) -> Chart:
    """Variance against 1/b: dots as measured, lines by theory."""
    from viz import Chart
    from viz.drawing.marks import Line, Points
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    panels: list[Panel] = []
    for ran in results.runs:
        if any(panel.title.startswith(f"Error, {ran.row}") for panel in panels):
            continue
        for what in ("error", "gradient"):
            marks = []
            for n, name in enumerate((WITH, WITHOUT)):
                for kind in ("expected", "measured"):
                    x, y = map(np.array, ran.measured.curves[f"{what}, {name}, {kind}"])
                    x, y = x[y > 1e-12], y[y > 1e-12]
                    marks.append(
                        Line(x, y, f"{name}: theory", key=f"{name}: theory", colour=CYCLE[n])
                        if kind == "expected"
                        else Points(
                            x, y, f"{name}: measured", key=f"{name}: measured", colour=CYCLE[n]
                        )
                    )
            title = f"{what.capitalize()}, {ran.row}"
            panels.append(Panel(tuple(marks), Axis("1/b", "log"), Axis("variance", "log"), title))
    return Chart(
        "minibatch-variance", "The variance of mini-batches", tuple(panels), columns=2,
        size=(8.0, 3.2 * ((len(panels) + 1) // 2)),
        caption="1,000 digits, 64-32-10 tanh; at b = 1,000 without replacement nothing is left.",
    )  # fmt: skip


def _all(results: Results, holds: Callable[[str], bool]) -> bool:
    return all(holds(row) for row in STATES)


STATEMENTS = [
    Statement(
        "Error and gradient vary as theory has it, both ways, within four standard errors at every b.",
        lambda r: _all(
            r, lambda row: all(r.mean(row, f"{WORST}, {way}") < 4 for way in (WITH, WITHOUT))
        ),
        LEAST,
    ),
    Statement(
        "With replacement the variance falls like 1/b.",
        lambda r: _all(r, lambda row: abs(r.mean(row, SLOPE) + 1) < 0.05),
        LEAST,
    ),
    Statement(
        "Without, at 300 of 1,000, it is 0.70 of that, the finite-population factor, and with it is not.",
        lambda r: _all(
            r,
            lambda row: (
                abs(r.mean(row, f"{FACTOR}, {WITHOUT}") - 700 / 999) < 0.1
                and abs(r.mean(row, f"{FACTOR}, {WITH}") - 1) < 0.15
            ),
        ),
        LEAST,
    ),
]


@reproduction(
    title="The variance of mini-batches",
    source="The lecture, slides “Mini Batches” (125-127), 2020; on scikit-learn's digits",
    claimed="The variance of the batch error is 1/b var(div), which will be much smaller than the variance of the sample error in SGD; the batch error is "
    "an unbiased estimate of the expected error.",
    budget="100%",
)
def minibatch_variance() -> Experiment:
    """A network of 64-32-10 units on 1,000 digits: b from 1 to 1,000."""
    return Experiment(
        "minibatch-variance", tuple(STATES), run, UPDATES, statements=STATEMENTS, picture=_picture
    )
