"""The table of conventions at kinks, one test a row."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag


def slope(function, *at):
    gradient = ag.grad(lambda *xs: ag.sum(function(*xs)), tuple(range(len(at))), unreachable="zero")
    with np.errstate(all="ignore"):
        return [float(g.sum()) for g in gradient(*(np.array([float(a)]) for a in at))]


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (ag.relu, (0,), [0]),
        (ag.absolute, (0,), [0]),
        (ag.sign, (0,), [0]),
        (ag.sign, (2,), [0]),
        (ag.step, (0,), [0]),
        (ag.maximum, (1, 1), [0.5, 0.5]),
        (ag.minimum, (1, 1), [0.5, 0.5]),
        (lambda x: ag.clip(x, 0, 1), (0,), [1]),
        (lambda x: ag.clip(x, 0, 1), (1,), [1]),
        (lambda x: ag.clip(x, 0, 1), (2,), [0]),
        (lambda x: ag.where(x > 0, ag.sqrt(x), 0.0), (0,), [0]),
        (lambda x: ag.where(x > 0, ag.log(x), 0.0), (0,), [0]),
        (lambda x: ag.where(x > 0, 1 / x, 0.0), (0,), [0]),
        (lambda x: ag.where(x > 0, x**0.5, 0.0), (0,), [0]),
        (ag.norm, (0,), [0]),
        (lambda x: ag.sqrt(ag.relu(x)), (-1,), [0]),
        (ag.sqrt, (0,), [np.inf]),
        (ag.log, (0,), [np.inf]),
        (lambda x: x**2, (0,), [0]),
        (lambda x: x**1, (0,), [1]),
        (lambda x: x**0, (0,), [0]),
        (lambda x: x**0.5, (0,), [np.inf]),
        (ag.power, (0, 2), [0, 0]),
        (lambda x: ag.xlogy(x, x), (1,), [1]),
    ],
)
def test_convention_at_a_kink(function, at, expected):
    assert slope(function, *at) == expected


def test_tied_maxima_share_the_derivative():
    gradient = ag.grad(lambda x: ag.max(x))(np.array([3.0, 1.0, 3.0, 3.0]))
    np.testing.assert_allclose(gradient.data, [1 / 3, 0, 1 / 3, 1 / 3])


@pytest.mark.parametrize(
    "function", [ag.sigmoid, ag.softplus, ag.tanh, ag.log_softmax, ag.softmax, ag.logsumexp]
)
def test_large_numbers_do_not_overflow(function):
    with np.errstate(over="raise", invalid="raise"):
        for x in ([1000.0, -1000.0, 0.0], [1e300, 0.0, -1e300]):
            gradient = ag.grad(lambda v: ag.sum(function(v)[..., None] * 1.5))(np.array(x))
            assert np.isfinite(gradient.data).all()


def test_logsumexp_of_nothing_but_minus_infinity_is_minus_infinity():
    assert ag.logsumexp(np.array([-np.inf, -np.inf])).item() == -np.inf
