"""Faults of descent with several weights, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import optim
from autograd_core.primitives import REGISTRY

sgd, hessian = optim.SGD.update, ag.hessian


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def doubled(name):
    """The first rule of a primitive, twice as large."""
    first, *rest = REGISTRY[name].vjp
    return (lambda *args, **params: 2 * first(*args, **params), *rest)


def first_row(function):
    return lambda *args: hessian(function)(*args)[0]


def crossed(function):
    """Second derivatives that are not symmetric."""

    def run(w):
        h = hessian(function)(w)
        return h + ag.cumsum(h, axis=0)

    return run


MUTANTS = [
    ("uphill", (optim.SGD, "update", uphill), ("O13", "X7", "X46", "O8b")),
    (
        "the rule of products",
        (REGISTRY["multiply"], "vjp", doubled("multiply")),
        ("O9", "O12", "X10"),
    ),
    ("one row of the Hessian", (ag, "hessian", first_row), ("O35",)),
    ("a Hessian that is not symmetric", (ag, "hessian", crossed), ("O35",)),
]
