"""Faults of updates by mini-batches, and the claims that each must turn."""

from __future__ import annotations

import optim
from optim.derivations import minibatches

sgd, bounds = optim.SGD.update, minibatches.batch_bounds


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def twice_decayed(theta, g, velocity=None, *, weight_decay, **options):
    lam = None if weight_decay is None else 2 * weight_decay
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def undecayed_with_momentum(theta, g, velocity=None, *, weight_decay, **options):
    lam = weight_decay if velocity is None else None
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def overruns(count, size, last_batch="merge"):
    return [(start, start + size) for start, _ in bounds(count, size, last_batch)]


def forgets_one(count, size, last_batch="merge"):
    return bounds(count, size, last_batch)[1:] or bounds(count, size, last_batch)


def rule(kind, fault, *claims):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return fault.__name__, (kind, "update", fault), claims


MUTANTS = [
    ("batches beyond the data", (minibatches, "batch_bounds", overruns), ("X28",)),
    ("a batch that is forgotten", (minibatches, "batch_bounds", forgets_one), ("X28",)),
    rule(optim.SGD, uphill, "R13", "X5", "X28"),
    rule(optim.SGD, twice_decayed, "R13"),
    rule(optim.SGD, undecayed_with_momentum, "R13"),
]
