"""Faults of clipping, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
from optim import ClipAdaptively, ClipByNorm, ClipByValue

adaptively = ClipAdaptively.update
SLOW = {"G1"}


def floor_alone(inner, theta, g, *, step, limit):
    return (inner(theta, ag.maximum(g, -limit)),)


def by_value(inner, theta, g, *, step, limit):
    return (inner(theta, ag.minimum(ag.maximum(g, -limit), limit)),)


def always(inner, theta, g, *, step, limit):
    """Short ones are made longer."""
    return (inner(theta, g * (limit / ag.sqrt(ag.sum(ag.square(g))))),)


def without_weights(inner, theta, g, *, step, limit, eps):
    return adaptively(inner, 2 * theta, g, step=step, limit=limit, eps=eps)


MUTANTS = [
    ("a floor alone", (ClipByValue, "update", floor_alone), ("X15", "G1")),
    ("element by element", (ClipByNorm, "update", by_value), ("G1",)),
    ("short ones too", (ClipByNorm, "update", always), ("G1",)),
    ("beside twice the weights", (ClipAdaptively, "update", without_weights), ("G1",)),
]
