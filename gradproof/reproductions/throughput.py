"""How many examples a second a training step takes, against the size of its batch; eager and compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import nn
import optim
from analysis import WAYS, throughput as timed

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
UPDATES = 100  # rounds, in each of which every size is timed once
LEAST = 20
RATE, TIME = "examples a second", "microseconds a step"


def _adam(parameters: Sequence[Any]) -> optim.Optimizer:
    return optim.Adam(parameters)


def run(row: str, seed: int, work: Work) -> Measured:
    """Steps of 64-128-64-10 tanh units, cross-entropy and Adam; an update is a round of all sizes."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Linear(64, 128, rng=rng),
        nn.Tanh(),
        nn.Linear(128, 64, rng=rng),
        nn.Tanh(),
        nn.Linear(64, 10, rng=rng),
    )
    data = rng.normal(size=(max(SIZES), 64)).astype(np.float32), rng.integers(0, 10, max(SIZES))
    found = timed(
        model, nn.CrossEntropyLoss(), _adam, data, SIZES,
        ways=[row], rounds=work.updates, told=work.step,
    )  # fmt: skip
    rates, times = found.per_second(row, 0), 1e6 * found.step(row, 0)
    values = {f"{RATE}, b = {b}": float(rate) for b, rate in zip(SIZES, rates, strict=True)}
    curves = {RATE: (list(SIZES), rates.tolist()), TIME: (list(SIZES), times.tolist())}
    return Measured({}, clocked=Measured(values, curves))


def _picture(results: Results) -> Chart:
    """Examples a second and time of a step against b, both in logarithms."""
    from viz import Chart
    from viz.drawing.marks import Line
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    panels = []
    for what in (RATE, TIME):
        lines = []
        for n, row in enumerate(WAYS):
            ran = next((r for r in results.runs if r.row == row), None)
            if ran is not None:
                b, y = map(np.array, ran.measured.all_curves[what])
                lines.append(Line(b, y, row, key=row, colour=CYCLE[n], marker="o"))
        panels.append(Panel(tuple(lines), Axis("b", "log"), Axis(what, "log"), what.capitalize()))
    return Chart(
        "throughput", "Examples a second against the size of a batch", tuple(panels), columns=2, size=(8.0, 3.4),
        caption="64-128-64-10 tanh, cross-entropy, Adam: outputs, backward and update; the fastest of the rounds.",
    )  # fmt: skip


def _ratio(results: Results, row: str, larger: int, smaller: int) -> float:
    of = [results.mean(row, f"{RATE}, b = {b}") for b in (larger, smaller)]
    return of[0] / of[1]


STATEMENTS = [
    Statement(
        "A batch of 64 passes more than ten times as many examples a second as single ones do, eager and compiled.",
        lambda r: all(_ratio(r, row, 64, 1) > 10 for row in WAYS),
        LEAST,
    ),
    Statement(
        "From 256 to 1,024 there is little more to be had: less than twice as many.",
        lambda r: all(_ratio(r, row, 1024, 256) < 2 for row in WAYS),
        LEAST,
    ),
    Statement(
        "Compiled steps pass more single examples a second than eager ones.",
        lambda r: r.mean("compiled", f"{RATE}, b = 1") > r.mean("eager", f"{RATE}, b = 1"),
        LEAST,
    ),
]


@reproduction(
    title="Examples a second against the size of a batch",
    source="The lecture, slide “Minibatch convergence” (128), 2020; a network of 64-128-64-10 units on made-up numbers",
    claimed="We also get additional benefits of vector processing.",
    budget="100%",
)
def throughput() -> Experiment:
    """Training steps of a small network, of 1 to 1,024 examples."""
    return Experiment("throughput", WAYS, run, UPDATES, statements=STATEMENTS, picture=_picture)
