"""Faults of Rprop and Quickprop, and the claims that each must turn."""

from __future__ import annotations

import optim

rprop, quickprop = optim.Rprop.update, optim.Quickprop.update


def uphill(theta, g, *slots, **options):
    return rprop(theta, -g, *slots, **options)


def blind(theta, g, *slots, form, **options):
    """As printed, whatever was asked for."""
    theta, delta, direction, *_ = rprop(theta, g, *slots[:2], form="printed", **options)
    return theta, delta, direction, *slots[2:]


def never_back(theta, g, *slots, form, **options):
    return rprop(theta, g, *slots, form="irprop-" if form == "rprop+" else form, **options)


def always_back(theta, g, *slots, form, **options):
    kept = rprop(theta, g, *slots[:2], form="rprop+" if form[:2] == "ir" else form, **options)
    return *kept, *slots[2:]


def right_as_printed(theta, g, *slots, form, **options):
    return rprop(theta, g, *slots, form="rprop+" if form == "printed" else form, **options)


def never_shrinks(theta, g, *slots, beta, **options):
    return rprop(theta, g, *slots, beta=1, **options)


def unbounded(theta, g, *slots, delta_min, delta_max, **options):
    return rprop(theta, g, *slots, delta_min=None, delta_max=None, **options)


def floor_alone(theta, g, *slots, delta_max, **options):
    return rprop(theta, g, *slots, delta_max=None, **options)


def ceiling_alone(theta, g, *slots, delta_min, **options):
    return rprop(theta, g, *slots, delta_min=None, **options)


def returns_in_reverse(theta, g, *slots, form, **options):
    return rprop(theta, g, *slots, form="irprop-" if form == "reverse" else form, **options)


def climbing_secant(theta, g, slope, moved, **options):
    return quickprop(theta, g, slope, -moved, **options)


def no_limit(theta, g, slope, moved, *, mu, **options):
    return quickprop(theta, g, slope, moved, mu=None, **options)


def no_safeguard(theta, g, slope, moved, *, safeguard, **options):
    return quickprop(theta, g, slope, moved, safeguard=False, **options)


def half_a_secant(theta, g, slope, moved, *, lr, **options):
    return quickprop(theta, g, slope, moved, lr=lr / 2, **options)


def printed_secant(theta, g, slope, moved, *, lr, **options):
    """Δ E'/(E' − E'_old) subtracted, of a Δ with the sign that it was subtracted with."""
    theta, slope, step = quickprop(theta, g, slope, moved, lr=-lr, **options)
    return theta, slope, step


def forgotten(theta, g, slope, moved, **options):
    theta, slope, moved = quickprop(theta, g, slope, moved, **options)
    return theta, slope, 0 * moved


def rule(kind, fault, *claims):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return fault.__name__, (kind, "update", fault), claims


MUTANTS = [
    rule(optim.Rprop, uphill, "O23", "X29", "X31", "X32"),
    rule(optim.Rprop, blind, "O23", "X9", "X29", "X31", "X32"),
    rule(optim.Rprop, never_back, "O23", "X9", "X32"),
    rule(optim.Rprop, always_back, "O23"),
    rule(optim.Rprop, right_as_printed, "X9", "X31"),
    rule(optim.Rprop, never_shrinks, "O23", "X9", "X31", "X32"),
    rule(optim.Rprop, unbounded, "X9"),
    rule(optim.Rprop, floor_alone, "X9"),
    rule(optim.Rprop, ceiling_alone, "X9"),
    rule(optim.Rprop, returns_in_reverse, "X32"),
    rule(optim.Quickprop, climbing_secant, "O24", "X2", "X33"),
    rule(optim.Quickprop, printed_secant, "O24", "X2", "X33"),
    rule(optim.Quickprop, no_limit, "O24"),
    rule(optim.Quickprop, no_safeguard, "O24"),
    rule(optim.Quickprop, half_a_secant, "O24", "X2", "X33"),
    rule(optim.Quickprop, forgotten, "O24", "X2", "X33"),
]
