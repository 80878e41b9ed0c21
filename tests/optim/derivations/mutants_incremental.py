"""Faults of updates on one example after the other, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import optim

sgd, mean = optim.SGD.update, ag.mean


def half_as_far(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=lr / 2, **options)


def creeps(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=lr * (1 + lr), **options)


MUTANTS = [
    ("half as far", (optim.SGD, "update", half_as_far), ("O28", "O28c", "O28d", "X48")),
    ("a step that is longer by η", (optim.SGD, "update", creeps), ("O28b",)),
    ("a mean over one more", (ag, "mean", lambda x, *a, **k: mean(x, *a, **k) * 0.5), ("O28",)),
]  # fmt: skip
