"""Faults of normalized inputs, and the claims that each must turn."""

from __future__ import annotations

import nn
from nn.layers.normalization.statistics import Moments

F = nn.functional
batch_norm, normalize, taken = F.batch_norm, F.normalize, Moments.taken


def over_count_less_1(self, where):
    mean, variance, constant = taken(self, where)
    return mean, variance * self.count / (self.count - 1), constant


def forgets_the_first(self, where):
    mean, variance, constant = taken(self, where)
    return mean * self.count / (self.count - 1), variance, constant


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant(
        "twice the variance", F, "normalize",
        lambda z, m, v, *a, **k: normalize(z, m, 2 * v, *a, **k), "B10", "B10b",
    ),
    mutant(
        "no mean", F, "normalize", lambda z, m, v, *a, **k: normalize(z, 0, v, *a, **k), "B10", "B10b",
    ),
    mutant("the variance over T − 1", Moments, "taken", over_count_less_1, "B10"),
    mutant("the mean over T − 1", Moments, "taken", forgets_the_first, "B10"),
    mutant("doubled", F, "batch_norm", lambda z, *a, **k: 2 * batch_norm(z, *a, **k), "B10b"),
]  # fmt: skip
