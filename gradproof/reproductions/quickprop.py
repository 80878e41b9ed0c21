"""Quickprop's instability, beside what safeguards it, Rprop and gradient descent, all by full batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import nn
import optim
from autograd_core.errors import AnomalyError
from optim.training.callbacks import Callback, Run

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

UPDATES = 400
LEAST = 200
UNITS = (64, 16, 10)
LOSS, LEAST_LOSS, LEFT = "training loss", "least training loss", "updates left undone %"
RAISED = "updates that raised the loss %"
CURVE = "training loss against updates"

PRINTED, SAFE, LIMITED = (
    "Quickprop, the formula",
    "Quickprop, safeguard",
    "Quickprop, safeguard and limit",
)
DESCENT, SIGNS = "gradient descent", "Rprop"

# The rate of descent is the best of 0.1, 0.3, 1 and 3 by the loss after 400 updates; Quickprop's first step is of
# the same rate, and its limit Fahlman's. Rprop has no rate.
RATE, LIMIT = 1.0, 1.75
WAYS: dict[str, Callable[[Any], optim.Optimizer]] = {
    DESCENT: lambda params: optim.SGD(params, lr=RATE),
    SIGNS: lambda params: optim.Rprop(params, 0.01),
    PRINTED: lambda params: optim.Quickprop(params, descent=RATE, safeguard=False),
    SAFE: lambda params: optim.Quickprop(params, descent=RATE),
    LIMITED: lambda params: optim.Quickprop(params, descent=RATE, mu=LIMIT),
}


class _Losses(Callback):
    """The loss before each update."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_batch_end(self, run: Run) -> None:
        self.seen.append(run.logs["loss"])


def _trained(row: str, seed: int, work: Work) -> Measured:
    rng = np.random.default_rng(seed)
    train, _, _ = nn.data.digits(rng=0)
    inner, outer = nn.Linear(*UNITS[:2], rng=rng), nn.Linear(*UNITS[1:], rng=rng)
    model = nn.Sequential(inner, nn.Tanh(), outer)
    losses, away = _Losses(), False
    try:
        work.fit(
            model,
            nn.CrossEntropyLoss(),
            WAYS[row](model.parameters()),
            train,
            batch_size=len(train.inputs),
            rng=rng,
            sampler=optim.in_order,
            callbacks=[losses],
        )
    except (
        AnomalyError
    ):  # the loss or a gradient ran out of the numbers: this is what is looked at here
        if not losses.seen:
            raise
        away = True
    seen = np.array(losses.seen)
    rises = 100 * float(np.mean(np.diff(seen) > 0)) if len(seen) > 1 else 0.0
    return Measured(
        {
            LOSS: float(seen[-1]),
            LEAST_LOSS: float(seen.min()),
            RAISED: rises,
            LEFT: 100 * (1 - len(seen) / work.updates) if away else 0.0,
        },
        {CURVE: (list(range(len(seen))), seen.tolist())},
    )


def _steadier(row: str, than: str) -> Callable[[Results], bool]:
    return lambda results: results.mean(row, RAISED) < results.mean(than, RAISED)


def _lower(row: str, than: str) -> Callable[[Results], bool]:
    return lambda results: results.mean(row, LOSS) < results.mean(than, LOSS)


STATEMENTS: Sequence[Statement] = (
    Statement("The formula alone ends at a higher loss than gradient descent.", _lower(DESCENT, PRINTED), LEAST),
    Statement("The formula alone raises the loss more often than with safeguard and limit.", _steadier(LIMITED, PRINTED), LEAST),
    Statement("With safeguard and limit it ends at a lower loss than gradient descent.", _lower(LIMITED, DESCENT), LEAST),
    Statement("Rprop ends at a lower loss than gradient descent.", _lower(SIGNS, DESCENT), LEAST),
)  # fmt: skip


def _picture(results: Results) -> Chart:
    from viz import Chart
    from viz.drawing.marks import Line
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    lines = []
    for ran in results.runs:
        x, y = (np.array(values) for values in ran.measured.curves[CURVE])
        style: dict[str, Any] = {"colour": CYCLE[list(WAYS).index(ran.row)], "key": ran.row}
        lines.append(Line(x, np.clip(y, 1e-9, 1e3), f"{ran.row}, seed {ran.seed}", **style))
    axes = Axis("updates", low=0), Axis("training loss, cut at 1,000", scale="log")
    return Chart("quickprop", "Secants and signs, full batch", (Panel(tuple(lines), *axes),))


@reproduction(
    title="Quickprop's instability",
    source="The lecture, slides “Quickprop” (87), “QuickProp” (86) and “RProp” (82), 2020; on digits",
    claimed="Quickprop is prone to some instability for non-convex objective functions, but is still one of the "
    "fastest training algorithms for many problems; Rprop is frequently much more efficient than gradient descent.",
    budget="100%",
)
def quickprop() -> Experiment:
    """A network of 64-16-10 tanh units on digits, an update from all of them."""
    return Experiment(
        "quickprop", tuple(WAYS), _trained, UPDATES, statements=STATEMENTS, picture=_picture
    )
