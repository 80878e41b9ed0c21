"""Faults of Newton's methods, and the claims that each must turn."""

from __future__ import annotations

import optim
from autograd_core.primitives import REGISTRY
from optim.derivations import newton

normalized, separate, sgd = (
    optim.Newton.normalized,
    optim.DiagonalNewton.normalized,
    optim.SGD.update,
)
loops = newton.two_loops


def undamped(g, curve, damping):
    return normalized(g, curve, 0)


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def first_loop(g, pairs):
    """The two loops without the second."""
    for s, y in reversed(pairs):
        g = g - (s @ g) / (y @ s) * y
    return g


def doubled(name):
    """The first rule of a primitive, twice as large."""
    first, *rest = REGISTRY[name].vjp
    return (lambda *args, **params: 2 * first(*args, **params), *rest)


def static(function):
    return staticmethod(function)


MUTANTS = [
    ("twice", (optim.Newton, "normalized", static(lambda g, h, m: 2 * normalized(g, h, m))), ("O7", "O15", "X36")),
    ("undamped", (optim.Newton, "normalized", static(undamped)), ("X36",)),
    ("not normalized", (optim.Newton, "normalized", static(lambda g, h, m: g)), ("O7", "O15", "X36")),
    ("by the square", (optim.DiagonalNewton, "normalized", static(lambda g, h, m: g / (h * h))), ("O7b",)),
    ("uphill", (optim.SGD, "update", uphill), ("O8", "X34", "X35")),
    ("the rule of powers", (REGISTRY["power"], "vjp", doubled("power")), ("O8", "X35")),
    ("one loop", (newton, "two_loops", first_loop), ("O15b",)),
    ("the newest pair alone", (newton, "two_loops", lambda g, pairs: loops(g, pairs[-1:])), ("O15b",)),
]  # fmt: skip
