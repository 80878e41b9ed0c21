"""Every claim about training as a whole has a fault that turns it: what it checks is what runs."""

from __future__ import annotations

import pytest

import optim
from analysis.derivations import convergence
from autograd_core.symbolic.claims import collected
from autograd_core.symbolic.equations import OnSymbols

CLAIMS = collected(["analysis"])
CHECKED = [name for name, claim in CLAIMS.items() if claim.check is not None]
sgd = optim.SGD.update


def half_as_far(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=lr / 2, **options)


def for_the_steepest(lowest, highest):
    return 1 / highest


# What is changed, the fault, and the claims that it must turn.
MUTANTS = [
    ("the rule", half_as_far, "O14"),
    ("the step size", for_the_steepest, "O14"),
]  # fmt: skip


@pytest.fixture
def planted(monkeypatch):
    """Change the library, and forget the programs that were recorded of the old."""

    def plant(words, fault):
        step, best = convergence.STEP.anew(), convergence.BEST.anew()
        if words == "the rule":
            monkeypatch.setattr(optim.SGD, "update", staticmethod(fault))
        else:
            best = OnSymbols(fault)
        monkeypatch.setattr(convergence, "STEP", step)
        monkeypatch.setattr(convergence, "BEST", best)

    return plant


@pytest.mark.parametrize(("words", "fault", "name"), MUTANTS)
def test_it_is_killed(planted, words, fault, name):
    planted(words, fault)
    outcome = CLAIMS[name].run()
    assert not outcome.as_declared
    assert outcome.status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize("name", CHECKED)
def test_every_claim_has_one(name):
    assert any(name == claim for _, _, claim in MUTANTS)


def test_without_a_fault_nothing_is_found(planted):
    planted("the rule", sgd)
    assert CLAIMS["O14"].run().as_declared
