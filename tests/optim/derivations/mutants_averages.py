"""Faults of averages, and the claims that each must turn."""

from __future__ import annotations

import optim

update, sgd = optim.Average.update, optim.SGD.update


def one_late(inner, theta, g, average, *, step, **options):
    return update(inner, theta, g, average, step=step + 1, **options)


def forgets_half(inner, theta, g, average, **options):
    return update(inner, theta, g, average / 2, **options)


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


MUTANTS = [
    ("counts one late", (optim.Average, "update", staticmethod(one_late)), ("O20b", "O21b")),
    ("forgets half", (optim.Average, "update", staticmethod(forgets_half)), ("O20b", "O21b")),
    ("uphill", (optim.SGD, "update", uphill), ("O21b",)),
]
