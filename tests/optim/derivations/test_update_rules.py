"""A fault in an update rule makes its claims fail: what is checked is the optimizer's own rule."""

import pytest

import optim
from autograd_core.symbolic.claims import collected
from autograd_core.symbolic.equations import OnSymbols
from optim.derivations import adaptive, momentum, quadratic

CLAIMS = collected(["optim"])
sgd, adam = optim.SGD.update, optim.Adam.update


def uphill(theta, g, velocity=None, **options):
    return sgd(theta, -g, velocity, **options)


def forgetful(theta, g, velocity=None, **options):
    return sgd(theta, g, velocity if velocity is None else 0 * velocity, **options)


def twice_decayed(theta, g, velocity=None, *, weight_decay, **options):
    lam = None if weight_decay is None else 2 * weight_decay
    return sgd(theta, g, velocity, weight_decay=lam, **options)


def unextended(theta, g, velocity=None, *, nesterov, **options):
    return sgd(theta, g, velocity, nesterov=False, **options)


def one_late(theta, g, m, v, *, step, **options):
    return adam(theta, g, m, v, step=step + 1, **options)


def unweighted(theta, g, m, v, *, delta, **options):
    theta, m, v = adam(theta, g, m, v, delta=delta, **options)
    return theta, m + delta * g, v


@pytest.fixture
def planted(monkeypatch):
    """Put a rule in an optimizer's place, and forget the programs that were recorded of the old."""

    def plant(optimizer, rule):
        monkeypatch.setattr(optimizer, "update", staticmethod(rule))
        for module in (adaptive, momentum, quadratic):
            for name, value in list(vars(module).items()):
                if isinstance(value, OnSymbols):
                    monkeypatch.setattr(module, name, OnSymbols(value.function))

    return plant


@pytest.mark.parametrize(
    ("optimizer", "rule", "claims"),
    [
        (optim.SGD, uphill, ["O2", "O3", "O4", "O5", "X4", "X18", "X22", "R13"]),
        (optim.SGD, forgetful, ["O25", "X26", "X3"]),
        (optim.SGD, twice_decayed, ["R13"]),
        (optim.SGD, unextended, ["X3"]),
        (optim.Adam, one_late, ["X1"]),
        (optim.Adam, unweighted, ["X1"]),
    ],
)
def test_a_fault_is_found(planted, optimizer, rule, claims):
    planted(optimizer, rule)
    for claim in claims:
        outcome = CLAIMS[claim].run()
        assert not outcome.as_declared, claim
        assert outcome.status in ("REFUTED", "UNDECIDED")


def test_without_a_fault_nothing_is_found(planted):
    planted(optim.SGD, sgd)
    planted(optim.Adam, adam)
    assert all(CLAIMS[name].run().as_declared for name in ("O3", "O25", "X1", "X3", "R13"))


def test_an_erratum_needs_its_correction(planted):
    planted(optim.Adam, one_late)
    assert "the correction is" in CLAIMS["X1"].run().reason
