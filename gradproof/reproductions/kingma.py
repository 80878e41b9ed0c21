"""Adam beside Nesterov's momentum and Adagrad: logistic regression on MNIST."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import nn
import optim
from optim.training.callbacks import Callback, Run

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

BATCH = 128
PASSES = 45  # that figure 1 shows
UPDATES = PASSES * 469
EARLY = 5  # passes, at which curves are compared, too
COST, FIRST = "training cost", f"training cost of the first {EARLY} passes"
CURVE = "training cost against passes"
WINDOW = 469  # updates that a point of a curve is the mean of: a pass through MNIST

ADAM, NESTEROV, ADAGRAD = "Adam", "SGD with Nesterov momentum", "Adagrad"
CONSTANT = "Adagrad, η constant"
# λ of the L2 penalty is not stated in the source. η0 are those, of some that are about three times apart, with the least
# cost of the first five passes: benchmarks/README.md.
PENALTY = 1e-4
RATES = {ADAM: 0.1, NESTEROV: 0.3, ADAGRAD: 0.1, CONSTANT: 0.1}


def _decaying(row: str) -> optim.Schedule:
    """η_t = η0/√t."""
    return optim.schedules.InverseSqrt(RATES[row])


# As in the source the step size of each decays, on top of what Adagrad's own sum of squares does to it.
WAYS: dict[str, Callable[[Any], optim.Optimizer]] = {
    ADAM: lambda params: optim.Adam(params, lr=_decaying(ADAM)),
    NESTEROV: lambda params: optim.Nesterov(params, lr=_decaying(NESTEROV)),
    ADAGRAD: lambda params: optim.Adagrad(params, lr=_decaying(ADAGRAD)),
    CONSTANT: lambda params: optim.Adagrad(params, lr=RATES[CONSTANT]),
}


class _Costs(Callback):
    """Loss and penalty of each update's batch, before it."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_batch_end(self, run: Run) -> None:
        self.seen.append(run.logs["loss"] + run.logs["penalty"])

    def curve(self) -> tuple[list[float], list[float]]:
        """Means over a pass each; over what there is, of fewer updates."""
        cuts = list(range(0, len(self.seen) - WINDOW + 1, WINDOW)) or [0]
        means = [float(np.mean(self.seen[at : at + WINDOW])) for at in cuts]
        return [(at + WINDOW) / WINDOW for at in cuts], means


def _trained(row: str, seed: int, work: Work) -> Measured:
    train, _ = work.mnist()
    rng = np.random.default_rng(seed)
    model = nn.Linear(784, 10, rng=rng)
    costs = _Costs()
    work.fit(
        model,
        nn.CrossEntropyLoss(),
        WAYS[row](model.parameters()),
        train,
        batch_size=BATCH,
        rng=rng,
        regularizer=nn.L2(PENALTY),
        callbacks=[costs],
    )
    x, y = costs.curve()
    return Measured({COST: y[-1], FIRST: float(np.mean(y[:EARLY]))}, {CURVE: (x, y)})


def _faster(row: str, than: str, quantity: str) -> Callable[[Results], bool]:
    return lambda results: results.mean(row, quantity) < results.mean(than, quantity)


def _alike(results: Results) -> bool:
    """Within a tenth of the lower."""
    a, b = (results.mean(row, FIRST) for row in (ADAM, NESTEROV))
    return abs(a - b) < 0.1 * min(a, b)


STATEMENTS: Sequence[Statement] = (
    Statement("Adam converges about as fast as SGD with Nesterov momentum: within a tenth of its cost.", _alike, passes=EARLY),
    Statement("Adam converges faster than Adagrad.", _faster(ADAM, ADAGRAD, FIRST), passes=EARLY),
    Statement("SGD with Nesterov momentum converges faster than Adagrad.", _faster(NESTEROV, ADAGRAD, FIRST), passes=EARLY),
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
        lines.append(Line(x, y, f"{ran.row}, seed {ran.seed}", **style))
    axes = Axis("passes through the training data", low=0), Axis("training cost", low=0)
    return Chart("kingma", "Logistic regression on MNIST", (Panel(tuple(lines), *axes),))


@reproduction(
    title="Adam beside Nesterov's momentum and Adagrad",
    source="Kingma and Ba (2015), Adam: a method for stochastic optimization, section 6.1 and figure 1 (left), "
    "which shows curves and gives no numbers",
    claimed="On logistic regression with a step size that decays like 1/√t, Adam converges about as fast as SGD with "
    "Nesterov momentum, and both faster than Adagrad.",
    data="mnist",
)
def kingma() -> Experiment:
    """Multi-class logistic regression on 784 pixels with an L2 penalty, batches of 128, 45 passes."""
    return Experiment(
        "kingma",
        tuple(WAYS),
        _trained,
        UPDATES,
        statements=STATEMENTS,
        batch=BATCH,
        picture=_picture,
    )
