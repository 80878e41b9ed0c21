"""How fast batch gradient descent arrives: the slopes beside the theorems that are cited for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from analysis import bowl, rates_of_values

from ..reproduction import Experiment, Measured, Published, Results, Statement, reproduction
from ..work import Work

FACTOR, POWER = "c of c^k", "p of 1/k^p"
KAPPA, UPDATES = 20.0, 4000


def _quadratic(rng: np.random.Generator) -> tuple[Any, Any, float, float]:
    made = bowl(KAPPA, 5, coupled=True, rng=rng)
    return made, rng.normal(size=5), made.best_lr, 0.0


def _quartic(rng: np.random.Generator) -> tuple[Any, Any, float, float]:
    return lambda w: ag.sum(w**4) / 4, 1 + rng.random(1), 0.1, 0.0


def _separable(rng: np.random.Generator) -> tuple[Any, Any, float, float]:
    x, y = rng.normal(size=(40, 2)), np.ones(40)
    x[:, 0] = (
        np.abs(x[:, 0]) + 0.5
    )  # a line parts them, so the loss has no minimum: its infimum is 0
    y[::2], x[::2] = 0.0, -x[::2]

    def loss(w: Any) -> Any:
        return nn.functional.binary_cross_entropy_with_logits(ag.tensor(x) @ w, y)

    return loss, 0.1 * rng.normal(size=2), 4.0 / float(np.linalg.eigvalsh(x.T @ x / 40)[-1]), 0.0


def _penalized(rng: np.random.Generator) -> tuple[Any, Any, float, float]:
    loss, start, lr, _ = _separable(rng)

    def penalized(w: Any) -> Any:
        return loss(w) + 0.01 * ag.sum(w * w)

    w = start.copy()
    for _ in range(30):  # its optimum, by Newton's method
        g, h = ag.grad(penalized)(w).numpy(), ag.hessian(penalized)(w).numpy()
        w = w - np.linalg.solve(h, g)
    return penalized, start, lr, float(penalized(ag.tensor(w)).item())


PROBLEMS: dict[str, Callable[[np.random.Generator], tuple[Any, Any, float, float]]] = {
    "strongly convex: a quadratic, κ = 20": _quadratic,
    "strongly convex: logistic loss with L2": _penalized,
    "convex: w⁴/4": _quartic,
    "convex: logistic loss, classes apart": _separable,
}


@reproduction(
    title="Rates of batch gradient descent",
    source="the lecture, slide 'Batch gradient convergence'; Nesterov (2004), theorems 2.1.14 and 2.1.15",
    claimed="Within ε after O(log 1/ε) updates for strongly convex functions, which is c^k, and after O(1/ε) for convex ones, "
    "which is 1/k or faster.",
    budget="100%",
)
def convergence_rates() -> Experiment:
    """The slope of the log error against k, and against log k, over the last half of each run."""

    def run(row: str, seed: int, work: Work) -> Measured:
        error, start, lr, least = PROBLEMS[row](np.random.default_rng(seed))
        w = ag.tensor(start, requires_grad=True)
        optimizer, values = optim.SGD([w], lr=lr), []
        for _ in range(work.updates):
            optimizer.zero_grad()
            e = error(w)
            e.backward()
            optimizer.step()
            values.append(max(float(e.item()), least))
            work.step()
        if len(values) < 2:
            return Measured({FACTOR: float("nan"), POWER: float("nan")})
        rates = rates_of_values(values, least)
        curve = (np.arange(len(values)) + 1.0, np.maximum(rates.errors, 1e-300))
        return Measured(
            {FACTOR: rates.factor(), POWER: rates.power()},
            {"error": (list(curve[0]), list(curve[1]))},
        )

    quadratic, penalized, quartic, apart = PROBLEMS
    published = [
        Published(quadratic, ((KAPPA - 1) / (KAPPA + 1)) ** 2, FACTOR, "confirmed"),
        Published(quartic, 2.0, POWER, "recalled"),
        Published(apart, 1.0, POWER, "recalled"),
    ]

    def linear(r: Results) -> bool:
        return max(r.values(quadratic, FACTOR) + r.values(penalized, FACTOR)) < 0.999

    def sublinear(r: Results) -> bool:
        # Of 1/k^p the best c over the last half is about 1 − 4p/(3k): it goes to 1 as runs grow longer.
        return min(r.values(quartic, FACTOR) + r.values(apart, FACTOR)) > 1 - 5 / r.updates and all(
            p > 0.9 for p in r.values(quartic, POWER) + r.values(apart, POWER)
        )

    return Experiment(
        "convergence-rates",
        tuple(PROBLEMS),
        run,
        UPDATES,
        published,
        [
            Statement("Strongly convex errors fall by a factor in each update.", linear, 300),
            Statement(
                "Convex ones fall about as 1/k or faster (p above 0.9), and by no factor.",
                sublinear,
                2000,
            ),
        ],
    )
