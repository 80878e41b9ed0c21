"""Wrong VJP rules are refuted with a certified counterexample; equivalent rewrites are proved."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import autograd_core as ag
from autograd_core.symbolic import prove


def _batch_norm(z, g):
    return ag.sum((z - ag.mean(z, 0)) / ag.sqrt(ag.var(z, 0) + 1e-5) * g)


def _kept(xp, t, x):
    return xp.reshape(t, shape=(x.shape[0], 1))


def _swapped(xp, t):
    return xp.transpose(t, axes=(1, 0))


# what is wrong -> (function, shapes of its arguments, primitive, its rules)
FAULTS = {
    "tanh: sign lost": (
        lambda x: ag.sum(ag.tanh(x)), [(2,)],
        "tanh", [lambda xp, g, y, x: g * y * y - g],
    ),
    "tanh: 1 - t for 1 - t²": (
        lambda x: ag.sum(ag.tanh(x)), [(2,)],
        "tanh", [lambda xp, g, y, x: g - g * y],
    ),
    "tanh: applied to x for y": (
        lambda x: ag.sum(ag.tanh(x)), [(2,)],
        "tanh", [lambda xp, g, y, x: g - g * x * x],
    ),
    "square: factor 2 lost": (
        lambda x: ag.sum(ag.square(x)), [(2,)],
        "square", [lambda xp, g, y, x: g * x],
    ),
    "sqrt: factor 2 lost": (
        lambda x: ag.sum(ag.sqrt(x)), [(2,)],
        "sqrt", [lambda xp, g, y, x: xp.xdivy(g, y)],
    ),
    "sigmoid: 1 + y for 1 - y": (
        lambda x: ag.sum(ag.sigmoid(x)), [(2,)],
        "sigmoid", [lambda xp, g, y, x: g * (y + y * y)],
    ),
    "softplus: sigmoid of -x": (
        lambda x: ag.sum(ag.softplus(x)), [(2,)],
        "softplus", [lambda xp, g, y, x: g * xp.sigmoid(-x)],
    ),
    "relu: wrong side": (
        lambda x: ag.sum(ag.relu(x)), [(2,)],
        "relu", [lambda xp, g, y, x: g * xp.step(-x)],
    ),
    "relu: everywhere, seen where the unit is dead": (
        lambda x: ag.sum(ag.relu(ag.relu(x))), [(2,)],
        "relu", [lambda xp, g, y, x: g],
    ),
    "absolute: not the sign": (
        lambda x: ag.sum(ag.absolute(x)), [(2,)],
        "absolute", [lambda xp, g, y, x: g * xp.step(x)],
    ),
    "batch norm: eps dropped": (
        _batch_norm, [(4, 2), (4, 2)],
        "sqrt", [lambda xp, g, y, x: xp.xdivy(g, 2 * xp.sqrt(x - 1e-5))],
    ),
    "batch norm: mean term missing": (
        _batch_norm, [(4, 2), (4, 2)],
        "subtract", [lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: g - g],
    ),
    "logsumexp: not normalised": (
        lambda x: ag.sum(ag.logsumexp(x, axis=1)), [(2, 3)],
        "logsumexp", [lambda xp, g, y, x, axis, keepdims: _kept(xp, g, x) * xp.exp(x)],
    ),
    "matmul: operands swapped": (
        lambda a, b: ag.sum(ag.square(a @ b)), [(2, 2), (2, 2)],
        "matmul", [lambda xp, g, y, a, b: xp.matmul(_swapped(xp, b), g),
                   lambda xp, g, y, a, b: xp.matmul(_swapped(xp, a), g)],
    ),
    "matmul: transpose missing": (
        lambda a, b: ag.sum(ag.square(a @ b)), [(2, 2), (2, 2)],
        "matmul", [lambda xp, g, y, a, b: xp.matmul(g, b),
                   lambda xp, g, y, a, b: xp.matmul(_swapped(xp, a), g)],
    ),
    "divide: numerator forgotten": (
        lambda a, b: ag.sum(a / b), [(2,), (2,)],
        "divide", [lambda xp, g, y, a, b: xp.xdivy(g, b),
                   lambda xp, g, y, a, b: -xp.xdivy(g, b * b)],
    ),
    "multiply: operands swapped": (
        lambda a, b: ag.sum(a * b), [(2,), (2,)],
        "multiply", [lambda xp, g, y, a, b: g * a, lambda xp, g, y, a, b: g * b],
    ),
    "exp: off by a part in 10¹²": (
        lambda x: ag.sum(ag.exp(x)), [(2,)],
        "exp", [lambda xp, g, y, x: g * y + g * y / 10**12],
    ),
    "max: the smaller ones win": (
        lambda x: ag.sum(ag.max(x, axis=1)), [(2, 2)],
        "max", [lambda xp, g, y, x, axis, keepdims:
                _kept(xp, g, x) * xp.cast(xp.less(x, _kept(xp, y, x)), dtype=np.float64)],
    ),
    "take_along_axis: shifted by one": (
        lambda x: ag.sum(ag.square(ag.take_along_axis(x, np.array([[0], [1]]), axis=1))), [(2, 2)],
        "take_along_axis", [lambda xp, g, y, x, indices, axis:
                            xp.flip(xp.put_along_axis(g, indices, axis=axis, size=2), axis=(1,)), None],
    ),
}  # fmt: skip

EQUIVALENT = {
    "tanh as (1 - t)(1 + t)": (
        lambda x: ag.sum(ag.tanh(x)), [(2,)],
        "tanh", [lambda xp, g, y, x: g * (1 - y) * (1 + y)],
    ),
    "tanh as 4/(eˣ + e⁻ˣ)²": (
        lambda x: ag.sum(ag.tanh(x)), [(2,)],
        "tanh", [lambda xp, g, y, x: 4 * g / xp.square(xp.exp(x) + xp.exp(-x))],
    ),
    "sigmoid as y σ(-x)": (
        lambda x: ag.sum(ag.sigmoid(x)), [(2,)],
        "sigmoid", [lambda xp, g, y, x: g * y * xp.sigmoid(-x)],
    ),
    "sqrt by 2x": (
        lambda x: ag.sum(ag.sqrt(x)), [(2,)],
        "sqrt", [lambda xp, g, y, x: g * y / (2 * x)],
    ),
    "relu by 1 - step(-x), unequal at the kink only": (
        lambda x: ag.sum(ag.relu(x)), [(2,)],
        "relu", [lambda xp, g, y, x: g * (1 - xp.step(-x))],
    ),
}  # fmt: skip


def _program(function, shapes):
    return ag.trace(function)(*(ag.Abstract(s) for s in shapes))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refuted_with_a_witness(fault, planted, gradient_and_difference):
    function, shapes, name, rules = FAULTS[fault]
    right = _program(function, shapes)
    assert prove.backward(right).status == "PROVED"
    program = planted(right, name, *rules)
    verdict = prove.backward(program)
    assert verdict.status == "REFUTED"
    witness = verdict.witness
    low, high = witness.difference
    assert low > 0 or high < 0
    gradient, slope = gradient_and_difference(program, witness)
    with mpmath.workdps(50):
        assert (
            abs(gradient - mpmath.mpf(witness.got[0].numerator) / witness.got[0].denominator)
            < 1e-12
        )
        expected = mpmath.mpf(witness.expected[0].numerator) / witness.expected[0].denominator
        assert abs(slope - expected) < mpmath.mpf(10) ** -15 * (1 + abs(slope))
        assert abs(gradient - slope) > abs(gradient - slope - (low + high) / 2) * 1000


@pytest.mark.parametrize("rewrite", EQUIVALENT)
def test_an_equivalent_rule_is_proved(rewrite, planted):
    function, shapes, name, rules = EQUIVALENT[rewrite]
    assert prove.backward(planted(_program(function, shapes), name, *rules)).status == "PROVED"


def test_the_missing_epsilon_passes_the_usual_tolerances(planted):
    """The reason for proofs: finite differences at rtol 1e-3, atol 1e-5 let this fault through."""
    function, shapes, name, rules = FAULTS["batch norm: eps dropped"]
    rng = np.random.default_rng(0)
    point = [rng.normal(size=s) for s in shapes]
    right = _program(function, shapes)
    wrong = planted(right, name, *rules)
    gradients = [np.asarray(ag.grad(p.as_function())(*point)) for p in (right, wrong)]
    np.testing.assert_allclose(*gradients, rtol=1e-3, atol=1e-5)
    assert prove.backward(wrong).status == "REFUTED"
