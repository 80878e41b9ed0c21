"""Faults of the noise of batches, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import optim
from analysis.derivations import batch_noise
from autograd_core.symbolic.equations import OnSymbols

sgd, mean = optim.SGD.update, ag.mean


def of_all(count, size):
    return (count - size) / count


def half_as_far(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=lr / 2, **options)


def unequal(count, size, last_batch="merge"):
    return [(0, size + 1), (size + 1, count)]


def a_sum(x, *a, **k):
    return 2 * mean(x, *a, **k)


MUTANTS = [
    ("T for T − 1", (batch_noise, "finite_population", of_all), ("O29b", "X19")),
    ("T for T − 1 on symbols", (batch_noise, "SHARE", OnSymbols(of_all)), ("O29b", "X19")),
    ("a mean that is none", (ag, "mean", a_sum), ("O29", "O29b", "X19")),
    ("unequal batches", (batch_noise, "batch_bounds", unequal), ("X19",)),
    ("half as far", (optim.SGD, "update", half_as_far), ("O21",)),
    (
        "a floor without the oscillation",
        (batch_noise, "FLOOR", OnSymbols(lambda eta, a, sigma: eta * sigma * sigma / (2 * a))),
        ("O21",),
    ),
    (
        "a schedule that falls like 1/(k + 2)",
        (optim.schedules.Linear, "__call__", lambda self, k: self.initial / (k + 2)),
        ("O21",),
    ),
]
