"""The nearest points themselves, against other ways to find them."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, ShapeError

F = nn.functional
W = np.random.default_rng(0).normal(size=(5, 4))


def halved(excess, low, high):
    """The root of a falling function."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


@pytest.mark.parametrize("radius", [0.0, 0.3, 2.0, 1e3])
def test_the_l1_ball_by_halving(radius):
    size = np.abs(W)
    t = halved(lambda t: np.maximum(size - t, 0).sum() - radius, 0, size.max())
    t = t if size.sum() > radius else 0
    expected = np.sign(W) * np.maximum(size - t, 0)
    np.testing.assert_allclose(F.project_l1_ball(W, radius).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("total", [0.0, 1.0, 7.0])
def test_the_simplex_by_halving(axis, total):
    rows = np.moveaxis(W, axis, -1)
    t = [
        halved(lambda t, r=r: np.maximum(r - t, 0).sum() - total, r.min() - total - 1, r.max())
        for r in rows
    ]
    expected = np.moveaxis(np.maximum(rows - np.array(t)[:, None], 0), -1, axis)
    np.testing.assert_allclose(F.project_simplex(W, total, axis).numpy(), expected, atol=1e-12)


def test_the_l2_ball_and_max_norm_scale():
    np.testing.assert_allclose(
        F.project_l2_ball(W, 0.5).numpy(), W / np.linalg.norm(W) / 2, rtol=1e-13
    )
    norms = np.linalg.norm(W, axis=0)
    found = F.project_max_norm(W, norms.mean()).numpy()
    np.testing.assert_allclose(
        np.linalg.norm(found, axis=0), np.minimum(norms, norms.mean()), rtol=1e-13
    )
    kernels = np.random.default_rng(1).normal(size=(3, 2, 4))
    found = F.project_max_norm(kernels, 1.0).numpy()
    assert np.sqrt((found**2).sum((1, 2))).max() <= 1 + 1e-12


def test_what_is_inside_is_not_changed_by_a_bit():
    for project in (F.project_l2_ball, F.project_l1_ball, F.project_max_norm):
        np.testing.assert_array_equal(project(W, 1e3).numpy(), W)
    np.testing.assert_array_equal(F.project_l2_ball(np.zeros(3), 0.5).numpy(), np.zeros(3))


@pytest.mark.parametrize("project", [F.project_l2_ball, F.project_l1_ball, F.project_simplex])
def test_bad_input_is_refused(project):
    for radius in (-1.0, np.nan, np.inf, "1"):
        with pytest.raises(ConfigError, match="expected a finite number"):
            project(W, radius)
    with pytest.raises(ShapeError, match="not empty"):
        project(W[:0], 1.0)


@pytest.mark.parametrize("project", [F.project_l2_ball, F.project_l1_ball, F.project_simplex])
def test_sums_of_float16_do_not_overflow(project):
    w = np.array([3e4, 4e4, 4e4], np.float16)
    with np.errstate(over="raise"):
        found = project(w, 2.0)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found.numpy(), project(w.astype(np.float64), 2.0).numpy(), rtol=2e-3)
