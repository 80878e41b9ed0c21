"""Faults of Rprop and Quickprop, and the claims that each must turn."""

from __future__ import annotations

import optim

rprop, quickprop = optim.Rprop.update, optim.Quickprop.update


def uphill(theta, g, *slots, **options):
    return rprop(theta, -g, *slots, **options)


def as_if(instead):
    """One form in place of another."""

    def fault(theta, g, delta, direction, kept=None, *, form, **options):
        other = instead.get(form, form)
        asked = direction if other == "printed" and form != "printed" else kept
        found = rprop(theta, g, delta, direction, asked, form=other, **options)
        return found[: 3 if kept is None else 4] + (
            (kept,) if len(found) < 4 and kept is not None else ()
        )

    return fault


def never_shrinks(theta, g, *slots, beta, **options):
    return rprop(theta, g, *slots, beta=1, **options)


def unbounded(theta, g, *slots, delta_min, delta_max, **options):
    return rprop(theta, g, *slots, delta_min=None, delta_max=None, **options)


def floor_alone(theta, g, *slots, delta_max, **options):
    return rprop(theta, g, *slots, delta_max=None, **options)


def ceiling_alone(theta, g, *slots, delta_min, **options):
    return rprop(theta, g, *slots, delta_min=None, **options)


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


def rule(kind, fault, *claims, words=None):
    """A change of an optimizer's rule, and the claims that it must turn."""
    return words or fault.__name__, (kind, "update", fault), claims


def form(words, instead, *claims):
    """One form of Rprop in place of another."""
    return rule(optim.Rprop, as_if(instead), *claims, words=words)


MUTANTS = [
    rule(optim.Rprop, uphill, "O23", "X29", "X31", "X32"),
    form(
        "as printed, whatever was asked for",
        {"rprop+": "printed"},
        "O23",
        "X9",
        "X29",
        "X31",
        "X32",
    ),
    form("never back", {"rprop+": "irprop-"}, "O23", "X9", "X32"),
    form("always back", {"irprop-": "rprop+"}, "O23"),
    form("back without comparing", {"irprop+": "rprop+"}, "O23"),
    form("right as printed", {"printed": "rprop+"}, "X9", "X31"),
    rule(optim.Rprop, never_shrinks, "O23", "X9", "X31", "X32"),
    rule(optim.Rprop, unbounded, "X9"),
    rule(optim.Rprop, floor_alone, "X9"),
    rule(optim.Rprop, ceiling_alone, "X9"),
    form("stays in reverse", {"reverse": "irprop-"}, "X32"),
    rule(optim.Quickprop, climbing_secant, "O24", "X2", "X33"),
    rule(optim.Quickprop, printed_secant, "O24", "X2", "X33"),
    rule(optim.Quickprop, no_limit, "O24"),
    rule(optim.Quickprop, no_safeguard, "O24"),
    rule(optim.Quickprop, half_a_secant, "O24", "X2", "X33"),
    rule(optim.Quickprop, forgotten, "O24", "X2", "X33"),
]
