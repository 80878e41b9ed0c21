"""Faults of the adaptive rules, and the claims that each must turn."""

from __future__ import annotations

import optim
from optim import captured_step
from optim.arena import Arena

adam, rms, sgd = optim.Adam.update, optim.RMSprop.update, optim.SGD.update
adagrad, adadelta, adamax = optim.Adagrad.update, optim.Adadelta.update, optim.Adamax.update
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


def always_corrected(*arrays, correction=True, **options):
    return adam(*arrays, **options)


def adds_without_weight(theta, g, v, *others, gamma, **options):
    """The mean square as it is, and the step by one that is too large."""
    new, kept, *rest = rms(theta, g, v, *others, gamma=gamma, **options)
    return (new, kept + gamma * (g * g), *rest)


def never_forgets(theta, g, v, *others, **options):
    new, kept, *rest = rms(theta, g, v, *others, **options)
    return (new, kept + v, *rest)


def root_forgotten(theta, g, v, *others, **options):
    new, *rest = rms(theta, g, v, *others, **options)
    return (theta - (theta - new) * g, *rest)


def centred_by_the_new_mean(theta, g, v, *others, centered=False, gamma, **options):
    if not centered:
        return rms(theta, g, v, *others, gamma=gamma, **options)
    mean = others[0] + (1 - gamma) * (g - others[0])
    return rms(theta, g, v, mean, centered=True, gamma=gamma, **options)


def decays_twice(theta, g, velocity=None, *, weight_decay, **options):
    lam = None if weight_decay is None else 2 * weight_decay
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def sums_sizes(theta, g, total, **options):
    new, kept = adagrad(theta, g, total, **options)
    return new, kept + g * g


def by_the_old_sum(theta, g, total, **options):
    return adagrad(theta, g, total - g * g, **options)[0], total + g * g


def of_gradients_alone(theta, g, v, u, **options):
    new, v, _ = adadelta(theta, g, v, u, **options)
    return new, v, u + g * g


def without_fading(theta, g, m, u, *, gamma, **options):
    return adamax(theta, g, m, u, gamma=1, **options)


def by_sign(theta, g, m, u, **options):
    theta, m, u = adamax(theta, g, m, u, **options)
    return theta, m, u + g


def rule(kind, fault, *claims):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return fault.__name__, (kind, "update", fault), claims


MUTANTS = [
    rule(optim.Adam, one_late, "X1", "O31"),
    rule(optim.Adam, unweighted, "X1", "O31"),
    rule(optim.Adam, negative_outside, "O31"),
    rule(optim.Adam, grows, "O31"),
    rule(optim.Adam, climbs_the_penalty, "O31", "O31c"),
    rule(optim.Adam, grows, "O31c"),
    rule(optim.Adam, always_corrected, "O31b"),
    rule(optim.RMSprop, adds_without_weight, "O30", "O30b", "O31b", "X27"),
    rule(optim.RMSprop, never_forgets, "O30", "O30b", "O31b", "X27"),
    rule(optim.RMSprop, root_forgotten, "O30", "O31b", "X27"),
    rule(optim.RMSprop, centred_by_the_new_mean, "O30b"),
    rule(optim.SGD, decays_twice, "O31c"),
    rule(optim.Adagrad, sums_sizes, "O32"),
    rule(optim.Adagrad, by_the_old_sum, "O32"),
    rule(optim.Adadelta, of_gradients_alone, "O32b"),
    rule(optim.Adamax, without_fading, "O32c"),
    rule(optim.Adamax, by_sign, "O32c"),
    ("two steps are counted for one", (Arena, "update", counts_two), ("O31",)),
    (
        "a captured step counts by two",
        (captured_step, "_count", lambda arena, i, ahead: 2 * count(arena, i, ahead)),
        ("O31",),
    ),
]
