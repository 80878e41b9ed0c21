"""The table of conventions at kinks, one test a row."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag


def second(function, otherwise=lambda x: 3 * x):
    """Of which the slope is the second derivative, behind a mask: the function is taken above -1."""

    def first(x):
        return ag.grad(lambda x: ag.sum(ag.where(x > -1, function(x), otherwise(x))))(x)

    return first


def untaken(function):
    """The first derivative where the function is not taken."""
    return second(lambda x: 3 * x + ag.where(x > 5, function(x), 0.0))


def slope(function, *at):
    gradient = ag.grad(lambda *xs: ag.sum(function(*xs)), tuple(range(len(at))), unreachable="zero")
    with np.errstate(all="ignore"):
        return [float(g.sum()) for g in gradient(*(np.array([float(a)]) for a in at))]


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (ag.relu, (0,), [0]),
        (ag.absolute, (0,), [0]),
        (ag.copysign, (0, 2), [0, 0]),
        (ag.copysign, (0, -2), [0, 0]),
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
        (ag.std, (3,), [0]),
        (ag.linalg.norm, (0,), [0]),
        (ag.floor, (1,), [0]),
        (ag.ceil, (1.5,), [0]),
        (ag.trunc, (0,), [0]),
        (ag.rint, (0.5,), [0]),
        (lambda x: ag.round(x, 1), (0.25,), [0]),
        (ag.floor_divide, (1, 0.5), [0, 0]),
        (ag.mod, (1, 0.5), [1, -2]),
        (ag.mod, (-0.7, 0.5), [1, 2]),
        (ag.fmod, (-0.7, 0.5), [1, 1]),
        (ag.hypot, (0, 0), [0, 0]),
        (ag.arctan2, (0, 0), [0, 0]),
        (ag.arctan2, (0, -2), [-0.5, 0]),
        (ag.sinc, (0,), [0]),
        (lambda x: ag.nan_to_num(x), (np.nan,), [0]),
        (lambda x: ag.nan_to_num(x), (np.inf,), [0]),
        (lambda x, y: ag.prod(ag.stack([x, y])), (0, 3), [3, 0]),
        (lambda x, y: ag.prod(ag.stack([x, y])), (0, 0), [0, 0]),
        (lambda x, y: ag.cumprod(ag.concatenate([x, y])), (0, 3), [4, 0]),
        (lambda x, y: ag.min(ag.stack([x, y])), (1, 1), [0.5, 0.5]),
        (lambda x, y: ag.sort(ag.concatenate([x, y]))[0], (1, 1), [1, 0]),
        (lambda x, y: ag.median(ag.concatenate([x, y])), (1, 1), [0.5, 0.5]),
        (ag.cbrt, (0,), [np.inf]),
        (ag.log2, (0,), [np.inf]),
        (ag.log10, (0,), [np.inf]),
        (ag.arcsin, (1,), [np.inf]),
        (ag.arccos, (-1,), [-np.inf]),
        (ag.arctanh, (1,), [np.inf]),
        (ag.arccosh, (1,), [np.inf]),
        (lambda x: ag.where(x < 1, ag.arcsin(x), 0.0), (1,), [0]),
        (lambda x: ag.where(x > 0, ag.cbrt(x), 0.0), (0,), [0]),
        (lambda x: ag.sqrt(ag.relu(x)), (-1,), [0]),
        (ag.sqrt, (0,), [np.inf]),
        (ag.log, (0,), [np.inf]),
        (lambda x: x**2, (0,), [0]),
        (lambda x: x**1, (0,), [1]),
        (lambda x: x**0, (0,), [0]),
        (lambda x: x**0.5, (0,), [np.inf]),
        (ag.power, (0, 2), [0, 0]),
        (lambda x: ag.xlogy(x, x), (1,), [1]),
        (untaken(lambda x: ag.log(ag.sqrt(x))), (0,), [0]),
        (untaken(lambda x: ag.exp(ag.log(x))), (0,), [0]),
        (untaken(lambda x: ag.sqrt(x) * ag.exp(x)), (0,), [0]),
        (untaken(lambda x: ag.square(1 / x)), (0,), [0]),
        (second(lambda x: (x - 1) ** 2), (1,), [2]),
        (second(lambda x: ag.square(ag.square(x) - 1)), (1,), [8]),
        (second(lambda x: ag.sin((x - 1) ** 2)), (1,), [2]),
        (second(lambda x: x ** np.array([2])), (0,), [2]),
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


def test_sinc_is_smooth_at_zero_to_second_order():
    second = ag.grad(lambda x: ag.sum(ag.grad(lambda v: ag.sum(ag.sinc(v)))(x)))
    np.testing.assert_allclose(second(np.array([0.0])).data, [-(np.pi**2) / 3], rtol=1e-14)


def test_vectors_of_equal_eigenvalues_have_no_gradient_that_nobody_asks_for():
    gradient = ag.grad(lambda a: ag.sum(ag.linalg.eigvalsh(a)))(np.eye(3))
    np.testing.assert_allclose(gradient.data, np.eye(3))


@pytest.mark.parametrize(
    "a", [np.ones((2, 2)), np.zeros((2, 2)), np.arange(9.0).reshape(3, 3), np.zeros((1, 1))]
)
def test_the_gradient_of_a_determinant_at_a_singular_matrix_is_the_cofactors(a):
    n = len(a)
    minors = [
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)]
        for i in range(n)
    ]
    found = ag.grad(lambda a: ag.linalg.det(a))(a)
    np.testing.assert_allclose(np.asarray(found), minors, atol=1e-13)


def test_the_second_derivative_of_a_determinant_at_a_singular_matrix_is_nan_there_alone():
    stack = np.array([np.ones((2, 2)), np.eye(2)])
    found = np.asarray(ag.hessian(lambda a: ag.sum(ag.linalg.det(a)))(stack))
    assert np.isnan(found[0, :, :, 0]).any()
    np.testing.assert_array_equal(
        found[1, :, :, 1], np.asarray(ag.hessian(ag.linalg.det)(np.eye(2)))
    )
    np.testing.assert_array_equal(found[1, :, :, 0], 0)
