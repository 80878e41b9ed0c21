from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim


def clipped(*gradients, limit=5.0, dtype=np.float64):
    """What descent at η = 1 is given of these gradients."""
    params = [ag.tensor(np.zeros(np.shape(g), dtype), requires_grad=True) for g in gradients]
    optimizer = optim.SGD(params, lr=1.0, transforms=[optim.ClipByNorm(limit)])
    for t, g in zip(params, gradients, strict=True):
        t.grad = ag.tensor(np.asarray(g, dtype))
    optimizer.step()
    return [-t.numpy() for t in params]


def test_all_parameters_of_a_group_have_one_factor():
    a, b = clipped([3.0, 0.0], [[4.0]], limit=1.0)
    np.testing.assert_allclose(a, [0.6, 0.0])
    np.testing.assert_allclose(b, [[0.8]])


def test_what_is_within_the_limit_stays_to_the_last_bit(rng):
    g = rng.normal(size=7)
    np.testing.assert_array_equal(clipped(g, limit=100.0)[0], g)
    np.testing.assert_array_equal(clipped([3.0, 4.0])[0], [3.0, 4.0])
    assert not clipped(np.zeros(3))[0].any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("part", [1.0, 0.25])
def test_squares_that_overflow_are_clipped_in_their_direction(dtype, part):
    large = part * np.finfo(dtype).max
    (found,) = clipped([large, -large, 0.0], dtype=dtype)
    np.testing.assert_allclose(
        found, np.array([1, -1, 0]) * 5 / np.sqrt(2), rtol=4 * np.finfo(dtype).eps
    )


def test_tiny_gradients_and_empty_parameters_go_through():
    a, b = clipped([1e-300, 0.0], np.zeros((0, 3)))
    np.testing.assert_array_equal(a, [1e-300, 0.0])
    assert b.shape == (0, 3)


def test_the_direction_is_kept_and_by_value_it_is_not():
    g = np.array([30.0, 1.0])
    (by_norm,) = clipped(g)
    np.testing.assert_allclose(by_norm / np.linalg.norm(by_norm), g / np.linalg.norm(g))
    t = ag.tensor(np.zeros(2), requires_grad=True)
    optimizer = optim.SGD([t], lr=1.0, transforms=[optim.ClipByValue(5.0)])
    t.grad = ag.tensor(g)
    optimizer.step()
    np.testing.assert_array_equal(t.numpy(), [-5.0, -1.0])


def test_a_nonfinite_gradient_is_still_an_error():
    with pytest.raises(ag.AnomalyError, match="is not finite in 1 of 2"):
        clipped([np.inf, 1.0])
