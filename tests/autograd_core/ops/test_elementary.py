"""The error function to the last digits, and functions on all of the plane."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import autograd_core as ag


def test_erf_is_right_to_1e_15_everywhere():
    x = np.concatenate([np.linspace(-7, 7, 701), 10.0 ** np.linspace(-300, 0.9, 200)])
    found = ag.erf(x).data
    with mpmath.workdps(30):
        for a, y in zip(x.tolist(), found.tolist(), strict=True):
            true = mpmath.erf(a)
            assert abs(y - true) <= 1e-15 * abs(true)


def test_erf_at_the_ends_keeps_signs_nan_and_dtype():
    found = ag.erf(np.array([np.inf, -np.inf, np.nan, -0.0])).data
    np.testing.assert_array_equal(found, [1, -1, np.nan, 0])
    assert np.signbit(found[3])
    assert ag.erf(np.float32(0.5)).dtype == np.float32
    assert ag.erf(np.array([1])).dtype == np.float64


@pytest.mark.parametrize("a", [-1.3, 0.4])
@pytest.mark.parametrize("b", [-0.8, 1.1])
def test_arctan2_in_every_quadrant(a, b):
    assert ag.gradcheck(ag.arctan2, np.array([a]), np.array([b]))
    assert ag.gradgradcheck(ag.arctan2, np.array([a]), np.array([b]))


@pytest.mark.parametrize("function", [ag.arctan2, ag.hypot])
def test_large_operands_do_not_overflow(function):
    with np.errstate(over="raise", invalid="raise"):
        gradient = ag.grad(lambda a, b: ag.sum(function(a, b)), (0, 1))
        for g in gradient(np.array([3e200]), np.array([-4e200])):
            assert np.isfinite(g.data).all()


def test_cbrt_of_negative_numbers():
    assert ag.gradcheck(ag.cbrt, np.array([-2.0, -0.3]))
    assert ag.gradgradcheck(ag.cbrt, np.array([-2.0, -0.3]))
