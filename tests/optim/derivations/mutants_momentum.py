"""Faults of momentum, and the claims that each must turn."""

from __future__ import annotations

import optim

sgd = optim.SGD.update


def forgetful(theta, g, velocity=None, **options):
    return sgd(theta, g, velocity if velocity is None else 0 * velocity, **options)


def unextended(theta, g, velocity=None, *, nesterov, **options):
    return sgd(theta, g, velocity, nesterov=False, **options)


def rule(kind, fault, *claims):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return fault.__name__, (kind, "update", fault), claims


MUTANTS = [
    rule(optim.SGD, forgetful, "O25", "X26", "X3"),
    rule(optim.SGD, unextended, "X3"),
]
