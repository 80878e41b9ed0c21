"""Faults of what the slides' notes are about, and the claims that each must turn."""

from __future__ import annotations

import optim

sgd, rmsprop = optim.SGD.update, optim.RMSprop.update


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def forgetful(theta, g, velocity=None, **options):
    return sgd(theta, g, velocity if velocity is None else 0 * velocity, **options)


def from_one(theta, g, v, *rest, **options):
    """A running mean that begins at 1."""
    return rmsprop(theta, g, v + 1, *rest, **options)


def straight(self, k):
    """A straight line in the place of a hyperbola."""
    return self.initial * (1 - k / 10)


MUTANTS = [
    ("uphill", (optim.SGD, "update", uphill), ("X24", "X25")),
    ("forgetful", (optim.SGD, "update", forgetful), ("X25",)),
    ("a mean from 1", (optim.RMSprop, "update", from_one), ("X24",)),
    ("a straight line", (optim.schedules.Linear, "__call__", straight), ("X25",)),
]
