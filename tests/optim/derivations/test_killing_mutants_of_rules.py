"""Every claim about optimization has a fault that turns it: what it checks is the optimizer itself."""

from __future__ import annotations

import pytest

import autograd_core as ag
import optim
from autograd_core.primitives import REGISTRY
from autograd_core.symbolic.claims import collected
from autograd_core.symbolic.equations import OnSymbols
from optim import captured_step
from optim.arena import Arena
from optim.derivations import adaptive, momentum, quadratic

CLAIMS = collected(["optim"])
CHECKED = [name for name, claim in CLAIMS.items() if claim.check is not None]
sgd, adam = optim.SGD.update, optim.Adam.update
diag, update, count = ag.diag, Arena.update, captured_step._count


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def forgetful(theta, g, velocity=None, **options):
    return sgd(theta, g, velocity if velocity is None else 0 * velocity, **options)


def twice_decayed(theta, g, velocity=None, *, weight_decay, **options):
    lam = None if weight_decay is None else 2 * weight_decay
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def undecayed_with_momentum(theta, g, velocity=None, *, weight_decay, **options):
    lam = weight_decay if velocity is None else None
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def unextended(theta, g, velocity=None, *, nesterov, **options):
    return sgd(theta, g, velocity, nesterov=False, **options)


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


def doubled(name):
    """The first rule of a primitive, twice as large."""
    first, *rest = REGISTRY[name].vjp
    return (lambda *args, **params: 2 * first(*args, **params), *rest)


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


def rule(kind, fault, *claims):
    return mutant(fault.__name__, kind, "update", staticmethod(fault), *claims)


MUTANTS = [
    rule(optim.SGD, uphill, "O2", "O3", "O4", "O5", "X4", "X18", "X22", "R13", "X5"),
    rule(optim.SGD, forgetful, "O25", "X26", "X3"),
    rule(optim.SGD, twice_decayed, "R13"),
    rule(optim.SGD, undecayed_with_momentum, "R13"),
    rule(optim.SGD, unextended, "X3"),
    rule(optim.Adam, one_late, "X1", "O31"),
    rule(optim.Adam, unweighted, "X1", "O31"),
    rule(optim.Adam, negative_outside, "O31"),
    rule(optim.Adam, grows, "O31"),
    rule(optim.Adam, climbs_the_penalty, "O31"),
    mutant("two steps are counted for one", Arena, "update", counts_two, "O31"),
    mutant(
        "a captured step counts by two", captured_step, "_count",
        lambda arena, i, ahead: 2 * count(arena, i, ahead), "O31",
    ),
    mutant("softplus's rule", REGISTRY["softplus"], "vjp", doubled("softplus"), "O1"),
    mutant("the rule of products", REGISTRY["multiply"], "vjp", doubled("multiply"), "O6"),
    mutant("twice the diagonal", ag, "diag", lambda *a, **k: 2 * diag(*a, **k), "X6"),
    mutant("a floor alone", ag, "clip", lambda x, low, high: ag.maximum(x, low), "X15"),
]  # fmt: skip
ROWS = [
    pytest.param(change, c, id=f"{c}-{words}") for words, change, claims in MUTANTS for c in claims
]


@pytest.fixture
def planted(monkeypatch):
    """Change the library, and forget the programs that were recorded of the old."""

    def plant(where, name, fault):
        monkeypatch.setattr(where, name, fault)
        for module in (adaptive, momentum, quadratic):
            for attribute, value in list(vars(module).items()):
                if isinstance(value, OnSymbols):
                    monkeypatch.setattr(module, attribute, value.anew())

    return plant


@pytest.mark.parametrize(("change", "name"), ROWS)
def test_it_is_killed(planted, change, name):
    planted(*change)
    outcome = CLAIMS[name].run()
    assert not outcome.as_declared
    assert outcome.status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize("name", CHECKED)
def test_every_claim_has_one(name):
    assert any(name in claims for _, _, claims in MUTANTS)


def test_without_a_fault_nothing_is_found(planted):
    planted(optim.SGD, "update", staticmethod(sgd))
    planted(optim.Adam, "update", staticmethod(adam))
    assert all(CLAIMS[name].run().as_declared for name in ("O3", "O25", "X1", "X3", "R13"))


def test_an_erratum_needs_its_correction(planted):
    planted(optim.Adam, "update", staticmethod(one_late))
    assert "the correction is" in CLAIMS["X1"].run().reason
