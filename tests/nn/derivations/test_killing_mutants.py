"""Every claim about layers and losses has a fault that turns it: what it checks is the library's own code.

The faults stand in the files ``mutants_<topic>.py`` beside this one, a topic each: ``MUTANTS``, rows of what `mutant`
gives, and ``SLOW``, the ids of claims that take longer than a few seconds.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path

import pytest

import nn
from autograd_core.symbolic.claims import collected
from autograd_core.symbolic.equations import OnSymbols

F = nn.functional
squared_error = F.squared_error
CLAIMS = collected(["nn"])
CHECKED = [name for name, claim in CLAIMS.items() if claim.check is not None]


def loaded(path):
    """A file of faults."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOPICS = [loaded(path) for path in sorted(Path(__file__).parent.glob("mutants_*.py"))]
MUTANTS = [row for topic in TOPICS for row in topic.MUTANTS]
SLOW = {name for topic in TOPICS for name in getattr(topic, "SLOW", ())}
ROWS = [
    pytest.param(
        change, claim, marks=pytest.mark.slow if claim in SLOW else (), id=f"{claim}-{words}"
    )
    for words, change, claims in MUTANTS
    for claim in claims
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("change", "name"), ROWS)
def test_it_is_killed(monkeypatch, change, name):
    monkeypatch.setattr(*change)
    module = sys.modules[CLAIMS[name].module]
    for attribute, value in list(vars(module).items()):
        if isinstance(value, OnSymbols):  # which remembers what it recorded before
            monkeypatch.setattr(module, attribute, value.anew())
    outcome = CLAIMS[name].run()
    assert not outcome.as_declared
    assert outcome.status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize("name", CHECKED)
def test_every_claim_has_one(name):
    assert any(name in claims for _, _, claims in MUTANTS)


def test_a_false_statement_about_a_layer_is_refuted(monkeypatch):
    monkeypatch.setattr(F, "squared_error", lambda o, t: squared_error(o, t) / 2)
    outcome = CLAIMS["S2"].run()
    assert outcome.status == "REFUTED"
    assert outcome.findings[0].verdict.witness is not None


def test_what_a_claim_runs_is_what_it_says_it_runs():
    for claim in CLAIMS.values():
        if claim.check is not None:
            assert claim.runs
            assert all(f.__module__.startswith(("nn.", "autograd_core.")) for f in claim.runs)
            assert dataclasses.replace(claim, runs=()).sources().keys() == {"check"}
