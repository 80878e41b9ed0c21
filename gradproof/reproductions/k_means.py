"""k-means by batch, SGD and mini-batch: the error against examples and time, and the spread between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import METHODS, k_means as clustered
from autograd_core.aliases import Array

from .. import work as settings
from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

POINTS, GROUPS, WIDTH = 10_000, 20, 16
BATCH = 500
UPDATES = 40  # of 500 examples: two passes
STARTS = 5  # runs of each method, from centres of their own
ERROR, SPREAD, EARLY = "error", "spread over starts", "error after a tenth of a pass"
SECONDS = "seconds of updates"
LEAST = 40


def points(seed: int) -> Array:
    """A mixture of normal clouds that overlap, of unequal weights."""
    rng = np.random.default_rng(seed)
    centres = 1.5 * rng.normal(size=(GROUPS, WIDTH))
    groups = rng.choice(GROUPS, POINTS, p=rng.dirichlet(np.full(GROUPS, 2.0)))
    return np.asarray((centres[groups] + rng.normal(size=(POINTS, WIDTH))).astype(np.float32))


def run(row: str, seed: int, work: Work) -> Measured:
    """One method from five starts; an update is 500 examples, in as many steps as the method makes of them."""
    x, each = points(seed), BATCH * work.updates
    found = []
    for start in range(STARTS):

        def told(passed: int, before: int = start * each) -> None:
            while work.made < min((before + passed) // (STARTS * BATCH), work.updates):
                work.step()

        found.append(
            clustered(
                x,
                GROUPS,
                row,
                size=BATCH,
                examples=each,
                looks=24,
                seed=STARTS * seed + start,
                jit=settings.JIT,
                told=told,
            )
        )
    while work.made < work.updates:
        work.step()
    errors = np.array([ran.errors for ran in found])
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1)
    passed = found[0].examples
    seconds = np.median([ran.seconds for ran in found], axis=0)
    early = float(np.interp(POINTS / 10, passed, mean)) if row != "batch" else float(mean[0])
    return Measured(
        {ERROR: float(mean[-1]), SPREAD: float(spread[-1]), EARLY: early},
        {
            ERROR: (passed.tolist(), mean.tolist()),
            SPREAD: (passed.tolist(), spread.tolist()),
        },
        clocked=Measured(
            {SECONDS: float(seconds[-1])}, {SECONDS: (passed.tolist(), seconds.tolist())}
        ),
    )


def _picture(results: Results) -> Chart:
    """Error against examples, and against time, with a band of one deviation over the starts."""
    from viz import Chart
    from viz.drawing.marks import Band, Line
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    by_examples: list[Any] = []
    by_time: list[Any] = []
    for n, row in enumerate(METHODS):
        ran = next((r for r in results.runs if r.row == row), None)
        if ran is None:
            continue
        curves = {k: tuple(map(np.array, v)) for k, v in ran.measured.all_curves.items()}
        (passed, mean), (_, spread), (_, seconds) = (curves[k] for k in (ERROR, SPREAD, SECONDS))
        for marks, x in ((by_examples, passed), (by_time, 1000 * seconds)):
            there = x > 0  # before the first update there is no logarithm of time
            x, m, s = x[there], mean[there], spread[there]
            marks += [
                Band(x, m - s, m + s, "_", colour=CYCLE[n]),
                Line(x, m, row, key=row, colour=CYCLE[n], marker="o" if len(x) < 4 else ""),
            ]
    error = Axis("mean squared distance")
    panels = (
        Panel(tuple(by_examples), Axis("examples", "log"), error, "By examples"),
        Panel(tuple(by_time), Axis("milliseconds", "log"), error, "By time"),
    )
    return Chart(
        "k-means", "k-means by batch, SGD and mini-batch", panels, columns=2, size=(8.4, 3.6),
        caption=f"{POINTS:,} points, {GROUPS} centres; mean of {STARTS} starts, and one deviation.",
    )  # fmt: skip


def _at(results: Results, row: str, examples: float) -> float:
    """The error of a row after so many examples."""
    passed, errors = results[row][0].curves[ERROR]
    return float(np.interp(examples, passed, errors))


STATEMENTS = [
    Statement(
        "After a tenth of a pass SGD and mini-batch are most of the way, and batch has made no step.",
        lambda r: all(
            r.mean(row, EARLY) < (r.mean("batch", EARLY) + r.mean("batch", ERROR)) / 2
            for row in ("SGD", "mini-batch")
        ),
        LEAST,
    ),
    Statement(
        "Mini-batch ends no higher than batch, after as many examples.",
        lambda r: r.mean("mini-batch", ERROR) <= r.mean("batch", ERROR),
        LEAST,
    ),
    Statement(
        "Half a pass of mini-batch is worth more than a whole one of batch.",
        lambda r: _at(r, "mini-batch", POINTS / 2) < _at(r, "batch", POINTS),
        LEAST,
    ),
    Statement(
        "SGD ends higher than mini-batch, and its runs spread more.",
        lambda r: (
            r.mean("SGD", ERROR) > r.mean("mini-batch", ERROR)
            and r.mean("SGD", SPREAD) > r.mean("mini-batch", SPREAD)
        ),
        LEAST,
    ),
    Statement(
        "For as many examples SGD takes more than ten times mini-batch's time.",
        lambda r: r.mean("SGD", SECONDS) > 10 * r.mean("mini-batch", SECONDS),
        LEAST,
    ),
]


@reproduction(
    title="k-means by batch, SGD and mini-batch",
    source="The lecture, both slides “SGD example” (121, 129), 2020; after Sculley (2010), Web-scale k-means clustering, figure 1; on "
    "made-up points",
    claimed="SGD converges slower, with a rather large variation between runs; mini-batch performs comparably to batch training on this simple "
    "problem, but converges orders of magnitude faster.",
    budget="100%",
)
def k_means() -> Experiment:
    """10,000 points of 20 clouds in 16 dimensions, 20 centres, two passes from each of five starts."""
    return Experiment(
        "k-means", METHODS, run, UPDATES, statements=STATEMENTS, batch=BATCH, picture=_picture
    )
