"""Faults of momentum, and the claims that each must turn."""

from __future__ import annotations

import contextlib

import optim

sgd = optim.SGD.update


def forgetful(theta, g, velocity=None, **options):
    return sgd(theta, g, velocity if velocity is None else 0 * velocity, **options)


def unextended(theta, g, velocity=None, *, nesterov, **options):
    return sgd(theta, g, velocity, nesterov=False, **options)


def slower_under_alternation(theta, g, velocity=None, *, momentum, **options):
    return sgd(theta, g, velocity, momentum=momentum * momentum, **options)


def outside_by_its_old_velocity(theta, g, velocity=None, *, lr, eta="inside", **options):
    new, moved = sgd(theta, g, velocity, lr=lr, eta=eta, **options)
    return (theta - lr * velocity if eta == "outside" else new), moved


def not_extended(self):
    """A look ahead that stays where it is."""
    return contextlib.nullcontext()


def twice_as_far(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=2 * lr, **options)


def rule(kind, fault, *claims):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return fault.__name__, (kind, "update", fault), claims


MUTANTS = [
    rule(optim.SGD, forgetful, "O25", "X26", "X3", "O26", "X3b"),
    rule(optim.SGD, unextended, "X3", "O26", "X37", "X3b"),
    rule(optim.SGD, slower_under_alternation, "O25", "O26", "X26"),
    rule(optim.SGD, twice_as_far, "O25", "O26", "X37"),
    rule(optim.SGD, outside_by_its_old_velocity, "X3b"),
    ("not extended", (optim.SGD, "look_ahead", not_extended), ("X3b",)),
]
