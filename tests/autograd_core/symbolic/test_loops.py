"""Loops in proofs: written out at a fixed length, on arrays of any size, and nothing beyond that."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.symbolic import arrays, dims, prove


def test_the_gradient_of_a_recurrent_network_is_proved():
    w, u, h, xs = arrays("w:2,2 u:1,2 h:2 xs:2,1")
    last, ys = ag.scan(lambda h, x: (ag.tanh(h @ w + x @ u), ag.sum(h)), h, xs)
    verdict = prove.backward(ag.sum(last) + ag.sum(ys * ys), wrt=[w, u, h, xs])
    assert verdict.status == "PROVED"
    assert {"scan", "tanh", "matmul"} <= set(verdict.rules)
    assert any(
        "it is a loop, whose iterations are a number of steps" in f for f in map(str, verdict.facts)
    )


@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_is_proved_equal_to_the_same_steps_one_by_one(reverse):
    h, xs = arrays("h: xs:3")
    looped, _ = ag.scan(lambda h, x: (ag.sin(h * x) + x, None), h, xs, reverse=reverse)
    by_hand = h
    for k in (2, 1, 0) if reverse else (0, 1, 2):
        by_hand = ag.sin(by_hand * xs[k]) + xs[k]
    assert prove.equal(looped, by_hand).status == "PROVED"
    assert prove.equal(looped, by_hand + xs[0]).status == "REFUTED"


@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_of_a_number_of_steps_is_proved_on_arrays_of_any_size(reverse):
    w, u, h, xs = arrays("w:H,H u:D,H h:B,H xs:2,B,D")

    def step(h, x):
        h = ag.tanh(h @ w + x @ u)
        return h, h * h

    last, ys = ag.scan(step, h, xs, reverse=reverse)
    first, y = step(h, xs[1 if reverse else 0])
    second, z = step(first, xs[0 if reverse else 1])
    by_hand = (z, y) if reverse else (y, z)
    assert prove.equal(last, second).status == "PROVED"
    assert prove.equal(ys, ag.stack(by_hand)).status == "PROVED"
    assert prove.equal(ys, ag.stack(by_hand[::-1])).status == "REFUTED"
    assert prove.equal(last, first).status == "REFUTED"


def test_the_gradient_of_a_loop_is_proved_at_every_batch_size(monkeypatch):
    def verdict():
        w, h, xs, g = arrays("w:2,2 h:B,2 xs:2,B,2 g:2,B,2")
        _, ys = ag.scan(lambda h, x: (ag.tanh(h @ w + x),) * 2, h, xs)
        return prove.backward(ag.sum(ys * g), wrt=[w, h, xs])

    assert verdict().status == "PROVED"
    monkeypatch.setattr(ag.REGISTRY["tanh"], "vjp", (lambda xp, g, y, x: g * y,))
    assert verdict().status == "REFUTED"


def test_a_wrong_rule_in_the_body_is_refuted(monkeypatch):
    monkeypatch.setattr(ag.REGISTRY["tanh"], "vjp", (lambda xp, g, y, x: g * y,))
    h, xs = arrays("h: xs:2")
    last, _ = ag.scan(lambda h, x: (ag.tanh(h * x), None), h, xs)
    assert prove.backward(last, wrt=[h]).status == "REFUTED"


def test_integers_are_counted_at_their_values():
    (h,) = arrays("h:")
    (last, _), _ = ag.scan(lambda c, _: ((c[0] * c[1], c[1] + 1), None), (h, np.int64(1)), length=3)
    assert prove.equal(last, 6 * h).status == "PROVED"
    nothing, _ = ag.scan(lambda c, _: (c * c, None), h, length=0)
    assert prove.equal(nothing, h * 1).status == "PROVED"


def test_a_symbolic_length_is_out_of_reach_and_said_to_be():
    T, = dims("T")  # fmt: skip
    h, xs = arrays("h: xs:T")
    last, _ = ag.scan(lambda h, x: (h * x, None), h, xs)
    assert xs.shape == (T,)
    verdict = prove.backward(last, wrt=[h])
    assert verdict.status == "UNDECIDED"
    assert "scan (Loop) has no reading at symbolic sizes: it is a loop" in verdict.reason


def test_a_composition_rests_on_the_rules_of_the_body(monkeypatch):
    def verdict():
        w = ag.tensor(np.full((2, 2), 0.3), requires_grad=True)
        last, _ = ag.scan(lambda h, _: (ag.softplus(h @ w), None), np.ones(2), length=2)
        return prove.graph({"w": w}, ag.sum(last))

    assert verdict().status == "PROVED"
    monkeypatch.setattr(ag.REGISTRY["softplus"], "vjp", (lambda xp, g, y, x: g * y,))
    assert verdict().status == "REFUTED"
