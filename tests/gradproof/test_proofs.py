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


def test_every_entry_of_every_gradient_is_compared(verdicts):
    found = [sum(leaf.entries for leaf in v.leaves.values()) for _, v in verdicts]
    assert found == [12, 12, 12, 12, 16]
    network = verdicts[-1][1]
    assert list(network.leaves) == [name for name, _ in small(2, 2, 2).named_parameters()]


def test_epsilon_may_be_any_positive_number(verdicts):
    for statement, verdict in verdicts:
        if statement.topic != "Cross-entropy":
            assert "for every c1" in verdict.scope


def test_only_the_network_with_its_relu_has_kinks(verdicts):
    assert [bool(v.excluded) for _, v in verdicts] == [False, False, False, False, True]


def test_masks_may_be_any(verdicts):
    assert any("random integers may be any" in fact for fact in verdicts[-1][1].facts)


def test_another_batch_norm_has_its_gradient_and_not_the_lectures(monkeypatch):
    def unbiased(z, gamma, beta, eps):
        mean = ag.mean(z, axis=0)
        variance = ag.sum(ag.square(z - mean), axis=0) / (z.shape[0] - 1)
        return gamma * (z - mean) / ag.sqrt(variance + eps) + beta

    monkeypatch.setattr(nn.functional, "batch_norm", unbiased)
    derivative, lecture, *_ = statements(1e-5, small)
    assert derivative.decide().status == PROVED
    assert lecture.decide().status == REFUTED
