"""A fault in a layer or a loss makes its claims fail: what is checked is the library's own code."""

import dataclasses

import pytest

import autograd_core as ag
import nn
from autograd_core.symbolic.claims import collected

F = nn.functional
CLAIMS = collected(["nn"])
normalize, linear, l2, dropout = F.normalize, F.linear, F.l2, F.dropout
statistics, batch_norm = F.batch_norm_with_statistics, F.batch_norm
cross_entropy, squared_error = F.cross_entropy, F.squared_error


def unbiased(z, gamma=None, beta=None, eps=1e-5):
    """The variance over B + 1 instead of B."""
    mean = ag.mean(z, axis=0)
    variance = ag.sum(ag.square(z - mean), axis=0) / (z.shape[0] + 1)
    return (z - mean) / ag.sqrt(variance + eps), mean, variance


def outside(z, gamma=None, beta=None, eps=1e-5):
    """ε outside the root."""
    mean = ag.mean(z, axis=0)
    u = (z - mean) / (ag.sqrt(ag.mean(ag.square(z - mean), axis=0)) + eps)
    scaled = u if gamma is None else gamma * u
    return scaled if beta is None else scaled + beta


@pytest.mark.parametrize(
    ("name", "fault", "claims"),
    [
        ("batch_norm_with_statistics", unbiased, ["B1", "B4"]),
        ("batch_norm", outside, ["B4", "B5", "B6"]),
        ("batch_norm", lambda z, *a, **k: batch_norm(z, *a, **k) + z, ["B11"]),
        ("normalize", lambda z, m, v, *a, **k: normalize(z, m, 2 * v, *a, **k), ["B2", "B3"]),
        ("cross_entropy", lambda z, y: 2 * cross_entropy(z, y), ["S1", "S4"]),
        ("squared_error", lambda o, t: squared_error(o, t) / 2, ["S2"]),
        ("softmax", lambda z, axis: ag.exp(z), ["S1", "S3", "S4"]),
        ("l2", lambda weights: 2 * l2(weights), ["R2", "X23"]),
        ("dropout", lambda x, mask, keep=None: dropout(x, mask, keep) * 2, ["D2", "D12"]),
        ("linear", lambda x, w, b=None: linear(x, w * w, b), ["D4", "X8"]),
    ],
)
def test_a_fault_is_found(monkeypatch, name, fault, claims):
    monkeypatch.setattr(F, name, fault)
    for claim in claims:
        outcome = CLAIMS[claim].run()
        assert not outcome.as_declared
        assert outcome.status in ("REFUTED", "UNDECIDED")


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
