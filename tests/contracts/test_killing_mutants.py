"""Every claim has a fault that turns it: what it checks is the library's own code.

The faults stand in ``tests/<package>/derivations/mutants_<topic>.py``, a topic each: ``MUTANTS``, rows of

    (words, (where, name, fault), (claim, ...))

where ``where.name`` is set to ``fault``, and each of the claims must notice; and ``SLOW``, the ids of claims that
take longer than a few seconds.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
from pathlib import Path

import pytest

import nn
import optim
from autograd_core.symbolic.claims import collected
from autograd_core.symbolic.equations import OnSymbols
from gradproof.commands.prove import PACKAGES

CLAIMS = collected(PACKAGES)
CHECKED = [name for name, claim in CLAIMS.items() if claim.check is not None]
TESTS = Path(__file__).parents[1]


def loaded(path):
    """A file of faults."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOPICS = {
    f"{path.parts[-3]}-{path.stem.removeprefix('mutants_')}": loaded(path)
    for path in sorted(TESTS.glob("*/derivations/mutants_*.py"))
}
MUTANTS = [row for topic in TOPICS.values() for row in topic.MUTANTS]
SLOW = {name for topic in TOPICS.values() for name in getattr(topic, "SLOW", ())}
ROWS = [
    pytest.param(
        change, claim, marks=pytest.mark.slow if claim in SLOW else (), id=f"{claim}-{words}"
    )
    for words, change, claims in MUTANTS
    for claim in claims
]


@pytest.fixture
def planted(monkeypatch):
    """Change the library, and forget the programs that were recorded of the old."""

    def plant(where, name, fault):
        before = inspect.getattr_static(where, name)
        kept = staticmethod if isinstance(before, staticmethod) else lambda f: f
        monkeypatch.setattr(where, name, kept(fault))
        for ran in list(
            OnSymbols.known
        ):  # wherever they stand; what they knew comes back afterwards
            for record in ("_programs", "rules", "asked"):
                monkeypatch.setattr(ran, record, {})

    return plant


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("change", "name"), ROWS)
def test_it_is_killed(planted, change, name):
    planted(*change)
    outcome = CLAIMS[name].run()
    assert not outcome.as_declared
    assert outcome.status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize("name", CHECKED)
def test_every_claim_has_one(name):
    assert any(name in claims for _, _, claims in MUTANTS)


def test_every_one_is_of_claims_that_there_are():
    assert {name for _, _, claims in MUTANTS for name in claims} <= set(CHECKED)
    assert set(CHECKED) >= SLOW


@pytest.mark.parametrize("topic", TOPICS)
def test_without_a_fault_nothing_is_found(planted, topic):
    rows = [
        (change, name)
        for _, change, claims in TOPICS[topic].MUTANTS
        for name in claims
        if name not in SLOW
    ]
    for (where, name, _), claim in rows[:1]:
        planted(where, name, getattr(where, name))
        assert CLAIMS[claim].run().as_declared


def test_a_false_statement_is_refuted_by_a_point(planted):
    squared_error = nn.functional.squared_error
    planted(nn.functional, "squared_error", lambda o, t: squared_error(o, t) / 2)
    outcome = CLAIMS["S2"].run()
    assert outcome.status == "REFUTED"
    assert outcome.findings[0].verdict.witness is not None


def test_an_erratum_needs_its_correction(planted):
    adam = optim.Adam.update
    planted(optim.Adam, "update", lambda *a, step, **options: adam(*a, step=step + 1, **options))
    assert "the correction is" in CLAIMS["X1"].run().reason


def test_what_a_claim_runs_is_the_library_s_own():
    ours = tuple(f"{package}." for package in (*PACKAGES, "autograd_core"))
    for claim in CLAIMS.values():
        if claim.check is not None:
            assert claim.runs
            assert all(f.__module__.startswith(ours) for f in claim.runs)
            assert dataclasses.replace(claim, runs=()).sources().keys() == {"check"}


def test_what_a_fault_was_recorded_with_is_forgotten_after_it(monkeypatch, planted):
    """Wherever it stands, an attribute of an object too: else other tests would see the fault."""
    sgd = optim.SGD.update
    before = {f: dict(f._programs) for f in OnSymbols.known}
    with monkeypatch.context():
        planted(optim.SGD, "update", lambda theta, g, *a, **options: sgd(theta, -g, *a, **options))
        for name in ("X34", "O3"):
            assert not CLAIMS[name].run().as_declared
    monkeypatch.undo()
    assert {f: dict(f._programs) for f in before} == before
    for name in ("X34", "O3"):
        assert CLAIMS[name].run().as_declared
