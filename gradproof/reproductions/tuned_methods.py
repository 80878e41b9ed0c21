"""The adaptive methods beside gradient descent and momentum, each by the best rate of a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import nn
import optim

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

UPDATES = 1_500
LEAST = 1_000
BATCH = 32
UNITS = (64, 64, 10)
HELD, TEST, TRAINING = "validation loss", "test error %", "training loss"

Make = Callable[[Any, float], optim.Optimizer]
# Each with rates ten, or three, times apart around what is usual for it.
METHODS: Mapping[str, tuple[Make, tuple[float, ...]]] = {
    "SGD": (lambda params, lr: optim.SGD(params, lr=lr), (0.03, 0.1, 0.3, 1.0)),
    "momentum": (
        lambda params, lr: optim.Momentum(params, lr=lr),
        (0.003, 0.01, 0.03, 0.1),
    ),
    "Nesterov": (
        lambda params, lr: optim.Nesterov(params, lr=lr),
        (0.003, 0.01, 0.03, 0.1),
    ),
    "Adagrad": (lambda params, lr: optim.Adagrad(params, lr=lr), (0.01, 0.03, 0.1, 0.3)),
    "AdaDelta": (lambda params, lr: optim.Adadelta(params, lr=lr), (0.3, 1.0, 3.0, 10.0)),
    "RMSProp": (lambda params, lr: optim.RMSprop(params, lr=lr), (0.0003, 0.001, 0.003, 0.01)),
    "Adam": (lambda params, lr: optim.Adam(params, lr=lr), (0.001, 0.003, 0.01, 0.03)),
    "AdaMax": (lambda params, lr: optim.Adamax(params, lr=lr), (0.001, 0.003, 0.01, 0.03)),
}
ADAPTIVE = ("Adagrad", "AdaDelta", "RMSProp", "Adam", "AdaMax")


def _named(method: str, lr: float) -> str:
    return f"{method}, η = {lr:g}"


ROWS = {_named(method, lr): (make, lr) for method, (make, rates) in METHODS.items() for lr in rates}


def _trained(row: str, seed: int, work: Work) -> Measured:
    train, validation, test = nn.data.digits(rng=0)
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(*UNITS[:2], rng=rng), nn.ReLU(), nn.Linear(*UNITS[1:], rng=rng))
    make, lr = ROWS[row]
    criterion = nn.CrossEntropyLoss()
    work.fit(model, criterion, make(model.parameters(), lr), train, batch_size=BATCH, rng=rng)
    parts = {"train": train, "validation": validation, "test": test}
    found = {name: optim.evaluate(model, criterion, part) for name, part in parts.items()}
    return Measured(
        {
            TRAINING: found["train"]["loss"],
            HELD: found["validation"]["loss"],
            TEST: 100 * found["test"]["error"],
        }
    )


def chosen(results: Results, method: str) -> str:
    """The row of a method that held-out data choose.

    Raises
    ------
    KeyError
        If none of them was run to the end.
    """
    held = {}
    for lr in METHODS[method][1]:
        row = _named(method, lr)
        if any(ran.row == row and not ran.measured.ended for ran in results.runs):
            held[row] = results.mean(row, HELD)
    if not held:
        raise KeyError(_named(method, METHODS[method][1][0]))
    return min(held, key=lambda row: held[row])


def _equivalent(results: Results) -> bool:
    errors = [results.mean(chosen(results, method), TEST) for method in ADAPTIVE]
    return max(errors) - min(errors) < 1.5


def _tuning_counts(results: Results) -> bool:
    """Between the best and the worst rate of some method lies more than between the methods at their best."""
    errors = [results.mean(chosen(results, method), TEST) for method in METHODS]
    within = []
    for method, (_, rates) in METHODS.items():
        of_rates = [results.mean(_named(method, lr), TEST) for lr in rates]
        within.append(max(of_rates) - min(of_rates))
    return max(within) > max(errors) - min(errors)


def _picture(results: Results) -> Chart:
    """Test errors against rates, a line for each method; those of gradient descent apart."""
    from viz import Chart
    from viz.drawing.marks import Line
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    panels = []
    for title, methods in (
        ("gradient descent", [m for m in METHODS if m not in ADAPTIVE]),
        ("adaptive", ADAPTIVE),
    ):
        lines = []
        for n, method in enumerate(methods):
            rates = METHODS[method][1]
            there = [
                lr for lr in rates if any(ran.row == _named(method, lr) for ran in results.runs)
            ]
            if there:
                errors = np.array([results.mean(_named(method, lr), TEST) for lr in there])
                lines.append(Line(np.array(there), errors, method, colour=CYCLE[n], key=method))
        if lines:
            axes = Axis(f"rate, {title}", scale="log"), Axis(TEST, low=0)
            panels.append(Panel(tuple(lines), *axes))
    return Chart(
        "tuned-methods",
        "Each method over its rates",
        tuple(panels),
        columns=len(panels),
        size=(8.0, 3.6),
    )


@reproduction(
    title="The adaptive methods, tuned",
    source="The lecture, slide “More recent methods”, 2020; on digits",
    claimed="RMSProp, Adam, Adagrad, AdaDelta and AdaMax are all roughly equivalent in performance.",
    budget="100%",
)
def tuned_methods() -> Experiment:
    """A network of 64-64-10 rectified units on digits, batches of 32; four rates for each of eight methods."""
    statements = [
        Statement(
            "Tuned on held-out data, the adaptive methods are within 1.5 points of test error.",
            _equivalent,
            LEAST,
        ),
        Statement(
            "Between rates of one method lies more than between the methods at their best.",
            _tuning_counts,
            LEAST,
        ),
    ]
    return Experiment(
        "tuned-methods", tuple(ROWS), _trained, UPDATES, statements=statements, picture=_picture
    )
