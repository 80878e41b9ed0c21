"""Faults of schedules, of descent on them and of how sums are judged, and the claims that each must turn."""

from __future__ import annotations

import optim
from optim.derivations import growth
from optim.schedules import Constant, Exponential, Linear, Power, Quadratic, Step

sgd, bounds = optim.SGD.update, growth.bounds
linear, exponential, power = Linear.__call__, Exponential.__call__, Power.__call__
SLOW = {"O18"}  # six seconds, most of them sympy's


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def half(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=lr / 2, **options)


def later(self, k):
    """Linear decay that begins with η0/2."""
    return linear(self, k + 1)


def slower(self, k):
    """Between linear and none."""
    return self.initial / (k + 1) ** (self.power / 4)


MUTANTS = [
    ("η0/2 first", (Linear, "__call__", later), ("O18", "X38")),
    ("a sum of squares that is infinite", (Linear, "__call__", lambda self, k: self.initial / (k + 1) ** 0.5), ("O18", "X39")),
    ("linear for quadratic", (Quadratic, "__call__", linear), ("O18",)),
    ("exponential decay that grows", (Exponential, "__call__", lambda self, k: 1 / exponential(self, k)), ("O18",)),
    ("constant, but decaying", (Constant, "__call__", lambda self, k: self.value / (k + 1)), ("O18",)),
    ("plateaus that end at once", (Step, "__call__", lambda self, k: self.initial * self.factor**k), ("O18",)),
    ("a quarter of the power", (Power, "__call__", slower), ("O18b", "X11")),
    ("twice the power", (Power, "__call__", lambda self, k: power(self, (k + 1) * (k + 1) - 1)), ("O18b", "X11")),
    ("uphill", (optim.SGD, "update", uphill), ("X38", "X39", "X40", "X49", "O22", "X13", "X14")),
    ("half a step", (optim.SGD, "update", half), ("X38", "X39", "X40", "X49", "O22", "X13")),
    ("every scale is a constant", (growth, "bounds", lambda e, k: growth.Bounds.exactly(1)), ("X20", "X11")),
]  # fmt: skip
