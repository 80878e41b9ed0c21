"""Faults of gradient descent and of what quadratics are made of, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import optim
from autograd_core.primitives import REGISTRY

sgd, diag = optim.SGD.update, ag.diag


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def doubled(name):
    """The first rule of a primitive, twice as large."""
    first, *rest = REGISTRY[name].vjp
    return (lambda *args, **params: 2 * first(*args, **params), *rest)


MUTANTS = [
    ("uphill", (optim.SGD, "update", uphill), ("O2", "O3", "O4", "O5", "X4", "X18", "X22")),
    ("softplus's rule", (REGISTRY["softplus"], "vjp", doubled("softplus")), ("O1",)),
    ("the rule of products", (REGISTRY["multiply"], "vjp", doubled("multiply")), ("O6",)),
    ("twice the diagonal", (ag, "diag", lambda *a, **k: 2 * diag(*a, **k)), ("X6",)),
]
