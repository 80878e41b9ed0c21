"""What the demo claims is true, and would not be claimed if it were not."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.symbolic import PROVED, REFUTED
from gradproof.demo import build
from gradproof.proofs import statements


def small(inputs, hidden, classes):
    return build(inputs, hidden, classes, np.random.default_rng(0))


@pytest.fixture(scope="module")
def verdicts():
    return [(s, s.decide()) for s in statements(1e-5, small)]


def test_every_statement_is_proved(verdicts):
    assert {s.text: v.status for s, v in verdicts} == {s.text: PROVED for s, _ in verdicts}
    assert [s.topic for s, _ in verdicts] == [
        *("Batch norm",) * 2,
        *("Cross-entropy",) * 2,
        "The whole network",
    ]


def test_sizes_may_be_any(verdicts):
    for _, verdict in verdicts[:-1]:
        assert verdict.scope.startswith("for every B ≥ 1, ")
        assert {leaf.method for leaf in verdict.leaves.values()} == {"INDEXED"}
    network = verdicts[-1][1]
    assert {leaf.method for leaf in network.leaves.values()} == {"COMPOSED"}
    assert {k: leaf.shape for k, leaf in network.leaves.items()} == {
        k: tuple(t.shape) for k, t in small(64, 128, 10).named_parameters()
    }


def test_epsilon_may_be_any_positive_number(verdicts):
    assert all("for every c1 > 0 (written 1e-05)" in v.scope for _, v in verdicts[:2])


def test_only_the_network_with_its_relu_has_kinks(verdicts):
    assert [bool(v.excluded) for _, v in verdicts] == [False, False, False, False, True]


def test_labels_may_be_any(verdicts):
    for _, verdict in verdicts[2:]:
        assert any("labels in range: labels" in fact for fact in map(str, verdict.facts))


def test_another_batch_norm_has_its_gradient_and_not_the_lectures(monkeypatch):
    def unbiased(z, gamma, beta, eps):
        mean = ag.mean(z, axis=0)
        variance = ag.sum(ag.square(z - mean), axis=0) / (z.shape[0] - 1)
        return gamma * (z - mean) / ag.sqrt(variance + eps) + beta

    monkeypatch.setattr(nn.functional, "batch_norm", unbiased)
    derivative, lecture, *_ = statements(1e-5, small)
    assert derivative.decide().status == PROVED
    assert lecture.decide().status == REFUTED
