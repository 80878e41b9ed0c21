"""Faults of surfaces, saddles and convexity, and the claims that each must turn."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
import nn
import optim
from analysis import SURFACES
from analysis.derivations import surfaces
from autograd_core.primitives import REGISTRY
from autograd_core.symbolic.equations import OnSymbols

sgd, F = optim.SGD.update, nn.functional
squared, binary, cross = F.squared_error, F.binary_cross_entropy_with_logits, F.cross_entropy
hessian = ag.hessian


def half_as_far(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=lr / 2, **options)


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def doubled(name):
    """The first rule of a primitive, twice as large."""
    first, *rest = REGISTRY[name].vjp
    return (lambda *args, **params: 2 * first(*args, **params), *rest)


def without_one_square(x, y):
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2


def moved(x, y):
    return SURFACES["himmelblau"].function(x, y + 1)


def of(name, fault):
    """The table of functions, with one that is wrong."""
    return {**surfaces.EVERY, name: OnSymbols(fault)}


MUTANTS = [
    ("half as far", (optim.SGD, "update", half_as_far), ("O16", "O16b")),
    ("uphill", (optim.SGD, "update", uphill), ("O16", "O16b")),
    ("the rule of products", (REGISTRY["multiply"], "vjp", doubled("multiply")), ("O16", "O1b", "O1c")),
    ("twice the Hessian", (ag, "hessian", lambda f: lambda *w: 2 * hessian(f)(*w)), ("O16", "O33", "O1d")),
    ("a ridge", (ag, "hessian", lambda f: lambda *w: hessian(f)(*w) + np.eye(2)), ("X21", "O16", "O33")),
    ("Beale without a square", (surfaces, "EVERY", of("beale", without_one_square)), ("O33", "O33b")),
    ("Himmelblau moved", (surfaces, "EVERY", of("himmelblau", moved)), ("O33b",)),
    ("half the squared error", (F, "squared_error", lambda o, y, **k: squared(o, y, **k) / 2), ("O1d",)),
    (
        "no entropy", (F, "binary_cross_entropy_with_logits", lambda z, y, **k: ag.mean(z * y)), ("O1d",),
    ),
    ("a sum over the batch", (F, "cross_entropy", lambda z, y: cross(z, y) * z.shape[0]), ("O1d",)),
]  # fmt: skip
