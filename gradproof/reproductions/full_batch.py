"""All examples in each update: descent, signs, secants, and methods that know curvature, to one loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_core as ag
import nn
import optim
from autograd_core.modes import mode

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

UPDATES = 1_000
LEAST = 300
UNITS = (64, 16, 10)
GOAL = 0.1  # training loss
SHARPER = 0.02
TO_GOAL, TO_SHARPER = f"gradients to a loss of {GOAL:g}", f"gradients to a loss of {SHARPER:g}"
SECONDS = f"seconds to a loss of {GOAL:g}"
STEPS = f"updates to a loss of {GOAL:g}"
PRODUCTS = (
    2.0  # gradients that a product of the Hessian with a vector costs; of Gauss-Newton's matrix 3
)
LOSS, ERROR = "training loss at the end", "test error % at the end"
CURVE = "training loss against gradients"

DESCENT, SIGNS, SECANT = "gradient descent", "Rprop", "Quickprop"
LBFGS, NEWTON, GAUSS = "L-BFGS", "Newton-CG", "Gauss-Newton"

# Descent: the best of 0.1, 0.3, 1 and 3 by the updates to the goal; Quickprop's first step is of the same rate, its limit
# Fahlman's. The others have no rate.
RATE, LIMIT = 1.0, 1.75
WAYS: dict[str, Callable[[Any], optim.Optimizer]] = {
    DESCENT: lambda params: optim.SGD(params, lr=RATE),
    SIGNS: lambda params: optim.Rprop(params, 0.01),
    SECANT: lambda params: optim.Quickprop(params, descent=RATE, mu=LIMIT),
    LBFGS: optim.LBFGS,
    NEWTON: optim.NewtonCG,
    GAUSS: optim.GaussNewton,
}


def _trained(row: str, seed: int, work: Work) -> Measured:
    rng = np.random.default_rng(seed)
    train, _, test = nn.data.digits(rng=0)
    inner, outer = nn.Linear(*UNITS[:2], rng=rng), nn.Linear(*UNITS[1:], rng=rng)
    model = nn.Sequential(inner, nn.Tanh(), outer)
    optimizer = WAYS[row](model.parameters())
    criterion = nn.CrossEntropyLoss()
    each = PRODUCTS + (row == GAUSS)

    def loss() -> Any:
        outputs = model(train.inputs)
        return criterion(outputs, train.targets), outputs

    began = time.perf_counter()
    seen: list[tuple[float, float, float]] = []  # gradients, seconds, loss; before each update

    def watch(progress: optim.Minimum) -> bool:
        spent = progress.evaluations + each * progress.products
        seen.append((spent, time.perf_counter() - began, progress.value))
        if len(seen) > 1:
            work.step()
        return progress.value <= SHARPER

    found = optim.minimize(
        optimizer, loss, updates=work.updates, tolerance_grad=1e-6, callback=watch
    )
    with mode(model, training=False), ag.no_grad():
        wrong = np.asarray(model(test.inputs)).argmax(axis=1) != np.asarray(test.targets)
    values = {LOSS: found.value, ERROR: 100 * float(np.mean(wrong))}
    clock: dict[str, float] = {}
    for goal, name in ((GOAL, TO_GOAL), (SHARPER, TO_SHARPER)):
        there = [k for k, moment in enumerate(seen) if moment[2] <= goal]
        if there:
            values[name] = seen[there[0]][0]
            if goal == GOAL:
                values[STEPS], clock[SECONDS] = float(there[0]), seen[there[0]][1]
    curve = [m[0] for m in seen], [m[2] for m in seen]
    return Measured(values, {CURVE: curve}, clocked=Measured(clock))


def _sooner(row: str, than: str, quantity: str) -> Callable[[Results], bool]:
    return lambda results: results.mean(row, quantity) < results.mean(than, quantity)


STATEMENTS: Sequence[Statement] = (
    Statement("Rprop is at the loss sooner than gradient descent.", _sooner(SIGNS, DESCENT, TO_GOAL), LEAST),
    Statement("Quickprop is at the loss sooner than gradient descent.", _sooner(SECANT, DESCENT, TO_GOAL), LEAST),
    Statement("L-BFGS is at the loss sooner than gradient descent.", _sooner(LBFGS, DESCENT, TO_GOAL), LEAST),
    Statement("Newton-CG needs fewer updates than L-BFGS, and more gradients.", lambda r: r.mean(NEWTON, STEPS) < r.mean(LBFGS, STEPS) and r.mean(NEWTON, TO_GOAL) > r.mean(LBFGS, TO_GOAL), LEAST),
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
        lines.append(Line(np.log10(x), np.log10(y), f"{ran.row}, seed {ran.seed}", **style))
    axes = Axis("log₁₀ of gradients computed", low=0), Axis("log₁₀ of the training loss")
    return Chart("full-batch", "All examples in each update", (Panel(tuple(lines), *axes),))


@reproduction(
    title="Full-batch methods",
    source="The lecture, slides “RProp” (82), “Quickprop” (87) and “Issues: 1. The Hessian” (65), 2020; on digits",
    claimed="Rprop is frequently much more efficient than gradient descent; Quickprop is one of the fastest training "
    "algorithms for many problems; the Hessian is extremely difficult to compute, and even harder to invert.",
    budget="100%",
)
def full_batch() -> Experiment:
    """A network of 64-16-10 tanh units on digits, each method until one loss, in gradients, updates and seconds."""
    return Experiment(
        "full-batch", tuple(WAYS), _trained, UPDATES, statements=STATEMENTS, picture=_picture
    )
