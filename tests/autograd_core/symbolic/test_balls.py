"""Balls contain what the float code computes, for every primitive, and say where they cannot."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.abstract import Abstract
from autograd_core.cases import declared, small
from autograd_core.errors import NoReadingError, ProofError
from autograd_core.kinds import Elementwise
from autograd_core.primitives import REGISTRY, apply

pytest.importorskip("flint")
from autograd_core.symbolic.balls import Balls, balls, enclosed, interval

# Linear algebra, which the prover reads by factors, and orders.
ABSENT = {
    "argsort", "cholesky", "cofactor", "det", "eigh", "pinv", "qr", "slogdet", "solve",
    "solve_sylvester", "svd",
}  # fmt: skip


def cases_of(p):
    for operands, params in small(p) if not isinstance(p.kind, Elementwise) else declared(p):
        if all(not isinstance(n, ag.Dim) for o in operands for n in getattr(o, "shape", ())):
            yield operands, params


def inside(ball, value, slack):
    return bool(abs(ball - value) <= slack) or (not ball.is_finite() and not np.isfinite(value))


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_floats_of_every_primitive_lie_in_its_balls(name):
    p, rng, compared, refused = REGISTRY[name], np.random.default_rng(0), 0, 0
    for operands, params in cases_of(p):
        abstract = [o for o in operands if isinstance(o, Abstract)]
        if not all(a.dtype.kind == "f" for a in abstract) or not abstract:
            continue

        def applied(*floats, operands=operands, params=params):
            left = iter(floats)
            full = tuple(next(left) if isinstance(o, Abstract) else o for o in operands)
            return apply(p, full, dict(params))

        try:
            program = ag.trace(applied)(*abstract)
        except ag.AutogradError:
            continue
        for _ in range(2):
            values = [rng.uniform(0.1, 0.9, a.shape) for a in abstract]
            try:
                found, _ = enclosed(program, *values)
            except (NoReadingError, ProofError):
                refused += 1
                continue
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                due = program(*values)
            for got, expected in zip(found, due if isinstance(due, tuple) else (due,), strict=True):
                expected = np.asarray(expected, np.float64)
                assert got.shape == expected.shape
                slack = 1e-9 * max(1.0, float(np.abs(expected).max(initial=0.0)))
                assert all(map(inside, got.flat, expected.flat, [slack] * got.size))
                compared += 1
    if compared == 0 and refused:
        assert name in ABSENT, f"{name} has no balls"


def test_a_box_contains_what_its_points_give():
    def loss(w):
        return ag.sum(ag.tanh(w) * ag.exp(-w) + ag.relu(w - 0.2) ** 2) + ag.max(w)

    program, rng = ag.trace(ag.value_and_grad(loss))(np.ones(3)), np.random.default_rng(0)
    low, high = np.array([-0.5, 0.1, 0.0]), np.array([0.5, 0.4, 0.3])
    (value, slope), kinked = enclosed(program, interval(low, high))
    assert kinked
    for _ in range(200):
        there, gradient = ag.value_and_grad(loss)(rng.uniform(low, high))
        assert value.item().contains(balls(there.numpy()).item())
        assert all(
            b.contains(balls(g).item()) for b, g in zip(slope, gradient.numpy(), strict=True)
        )


def test_a_kink_is_told_and_a_smooth_point_is_not():
    program = ag.trace(lambda w: ag.sum(ag.relu(w)))(np.ones(2))
    assert [enclosed(program, np.array([1.0, b]))[1] for b in (2.0, 0.0, -1.0)] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("training", [True, False])
def test_networks_with_masks_statistics_and_kinks(training):
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.Dropout(0.5, rng=0),
        nn.Linear(4, 2, rng=1),
    ).train(training)
    x, y = rng.normal(size=(5, 3)), np.array([0, 1, 0, 1, 1])

    def loss(state):
        return nn.CrossEntropyLoss()(nn.functional_call(model, state, x), y)

    state = {name: t.numpy() for name, t in model.named_parameters()}
    (value,), _ = enclosed(ag.trace(loss)(state), *state.values())
    assert inside(value.item(), float(loss(state).item()), 1e-6)


def test_what_is_not_certain_is_refused():
    program = ag.trace(lambda w: ag.argmax(w) * 1.0)(np.ones(2))
    with pytest.raises(ProofError, match="not certain"):
        enclosed(program, interval([0.0, 0.0], [1.0, 1.0]))
    assert Balls().kinked is False
