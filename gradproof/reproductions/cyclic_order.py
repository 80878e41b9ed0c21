"""Examples in the same order again and again, beside a new random order each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import nn
import optim
from analysis import ORDERS, orders
from optim.training.callbacks import Callback, Run

from .. import work as settings
from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

EXAMPLES = 60
RATE = 0.3
UPDATES = 300  # epochs
LEAST = 200
ROWS = {
    f"{order}, {steps}": (order, steps)
    for steps in ("one rate", "shrinking rate")
    for order in ORDERS
}
SWING, GAP = "swing of the weights in an epoch", "gap to the epoch before, over the swing"
EXCESS = "error above the least, after an epoch"


def _data(seed: int) -> nn.data.Split:
    """Two clouds that overlap, the first class first: logistic regression has a finite optimum."""
    rng = np.random.default_rng(seed)
    labels = np.arange(EXAMPLES) * 2 // EXAMPLES
    x = rng.normal(size=(EXAMPLES, 2)) + np.where(labels[:, None] == 1, 0.7, -0.7)
    return nn.data.Split(x, labels)


class _Counted(Callback):
    def __init__(self, work: Work) -> None:
        self._work = work

    def on_epoch_end(self, run: Run) -> None:
        if self._work.made < self._work.updates:
            self._work.step()


def _line() -> nn.Linear:
    return nn.Linear(2, 2, rng=0, dtype=np.float64)


def _least(data: nn.data.Split) -> float:
    """The least error that any weights have: by batch descent until it stands."""
    model = _line()
    optimizer = optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
    optim.fit(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        data,
        epochs=400,
        batch_size=EXAMPLES,
        rng=0,
        verbose=0,
    )
    return optim.evaluate(model, nn.CrossEntropyLoss(), data)["loss"]


def run(row: str, seed: int, work: Work) -> Measured:
    """SGD on one example after the other; an update is an epoch."""
    order, steps = ROWS[row]
    data = _data(seed)

    def sgd(parameters: Sequence[Any], size: int) -> optim.Optimizer:
        shrinking = optim.schedules.Linear(RATE).epochs(EXAMPLES)
        return optim.SGD(parameters, lr=RATE if steps == "one rate" else shrinking)

    found = orders(
        _line(), nn.CrossEntropyLoss(), sgd, data, epochs=max(2, work.updates), seed=seed,
        samplers={order: ORDERS[order]}, jit=settings.JIT, callbacks=[_Counted(work)],
    )[order]  # fmt: skip
    least = _least(data)
    # The first two of W's four numbers: scores of one class, along either input.
    path = np.concatenate([found.before, found.last])[:, [0, 2]]
    excess = found.errors - least
    tail = excess[len(excess) // 2 :]
    return Measured(
        {SWING: found.swing, GAP: found.gap / found.swing, EXCESS: float(tail.mean())},
        {
            "excess": (list(range(len(excess))), excess.tolist()),
            "path": (path[:, 0].tolist(), path[:, 1].tolist()),
        },
    )


def _picture(results: Results) -> Chart:
    """Where two weights go in the last two epochs, and the error after each epoch."""
    from viz import Chart
    from viz.drawing.marks import Line
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    panels, errors = [], []
    for n, row in enumerate(ROWS):
        ran = next((r for r in results.runs if r.row == row), None)
        if ran is None:
            continue
        x, y = map(np.array, ran.measured.curves["path"])
        half = len(x) // 2
        lines = (
            Line(x[:half], y[:half], "last epoch but one", colour=CYCLE[0], width=2.6),
            Line(x[half:], y[half:], "last epoch", colour=CYCLE[1], width=1.1),
        )
        panels.append(Panel(lines, Axis("weight 1"), Axis("weight 2"), row.capitalize()))
        at, excess = map(np.array, ran.measured.curves["excess"])
        errors.append(Line(at, np.maximum(excess, 1e-9), row, colour=CYCLE[n], width=1.1))
    panels.append(
        Panel(
            tuple(errors),
            Axis("epochs", low=0),
            Axis("error above the least", "log"),
            "Error of all examples",
        )
    )
    return Chart(
        "cyclic-order", "The order of presentation", tuple(panels), columns=2,
        size=(8.4, 3.3 * ((len(panels) + 1) // 2)),
        caption=f"Logistic regression, {EXAMPLES} examples, one class first; SGD on one at a time, η = {RATE} at first.",
    )  # fmt: skip


CYCLE_, RANDOM, SHRUNK = "in order, one rate", "random, one rate", "in order, shrinking rate"
STATEMENTS = [
    Statement(
        "In the same order, at one rate, the weights run in a closed cycle: each epoch goes where the one before went.",
        lambda r: r.mean(CYCLE_, GAP) < 0.01,
        LEAST,
    ),
    Statement(
        "In random orders they do not.",
        lambda r: r.mean(RANDOM, GAP) > 30 * r.mean(CYCLE_, GAP),
        LEAST
    ),
    Statement(
        "Random orders leave less error after an epoch than the one order, which ends with one class.",
        lambda r: r.mean(RANDOM, EXCESS) < r.mean(CYCLE_, EXCESS),
        LEAST,
    ),
    Statement(
        "Shrinking the rate shrinks the cycle, too.",
        lambda r: r.mean(SHRUNK, SWING) < r.mean(CYCLE_, SWING) / 10,
        LEAST,
    ),
]  # fmt: skip


@reproduction(
    title="The order of presentation",
    source="The lecture, slides “Caveats: order of presentation” (115, 116) and “Caveats: learning rate” (117), 2020; on made-up points",
    claimed="If we loop through the samples in the same order, we may get cyclic behavior; we must go through them randomly to get more convergent "
    "behavior.",
    budget="100%",
)
def cyclic_order() -> Experiment:
    """Logistic regression on 60 points, one example at a time, in order of their classes and at random."""
    return Experiment(
        "cyclic-order",
        tuple(ROWS),
        run,
        UPDATES,
        statements=STATEMENTS,
        batch=EXAMPLES,
        picture=_picture,
    )
