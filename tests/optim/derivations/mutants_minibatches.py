"""Faults of updates by mini-batches, and the claims that each must turn."""

from __future__ import annotations

import optim

sgd = optim.SGD.update


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def twice_decayed(theta, g, velocity=None, *, weight_decay, **options):
    lam = None if weight_decay is None else 2 * weight_decay
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def undecayed_with_momentum(theta, g, velocity=None, *, weight_decay, **options):
    lam = weight_decay if velocity is None else None
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def rule(kind, fault, *claims):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return fault.__name__, (kind, "update", fault), claims


MUTANTS = [
    rule(optim.SGD, uphill, "R13", "X5"),
    rule(optim.SGD, twice_decayed, "R13"),
    rule(optim.SGD, undecayed_with_momentum, "R13"),
]
