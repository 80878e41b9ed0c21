"""Faults of the adaptive rules, and the claims that each must turn."""

from __future__ import annotations

import optim
from optim import captured_step
from optim.arena import Arena

adam = optim.Adam.update
update, count = Arena.update, captured_step._count


def one_late(theta, g, m, v, *, step, **options):
    return adam(theta, g, m, v, step=step + 1, **options)


def unweighted(theta, g, m, v, *, delta, **options):
    theta, m, v = adam(theta, g, m, v, delta=delta, **options)
    return theta, m + delta * g, v


def negative_outside(theta, g, m, v, *, eps, epsilon, **options):
    eps = -eps if epsilon == "outside" else eps
    return adam(theta, g, m, v, eps=eps, epsilon=epsilon, **options)


def grows(theta, g, m, v, *, weight_decay, decoupled, **options):
    lam = -weight_decay if weight_decay is not None and decoupled else weight_decay
    return adam(theta, g, m, v, weight_decay=lam, decoupled=decoupled, **options)


def climbs_the_penalty(theta, g, m, v, *, weight_decay, decoupled, **options):
    lam = -weight_decay if weight_decay is not None and not decoupled else weight_decay
    return adam(theta, g, m, v, weight_decay=lam, decoupled=decoupled, **options)


def counts_two(self, rule, scalars):
    update(self, rule, scalars)
    self.steps = [n + 1 for n in self.steps]


def rule(kind, fault, *claims):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return fault.__name__, (kind, "update", fault), claims


MUTANTS = [
    rule(optim.Adam, one_late, "X1", "O31"),
    rule(optim.Adam, unweighted, "X1", "O31"),
    rule(optim.Adam, negative_outside, "O31"),
    rule(optim.Adam, grows, "O31"),
    rule(optim.Adam, climbs_the_penalty, "O31"),
    ("two steps are counted for one", (Arena, "update", counts_two), ("O31",)),
    (
        "a captured step counts by two",
        (captured_step, "_count", lambda arena, i, ahead: 2 * count(arena, i, ahead)),
        ("O31",),
    ),
]
