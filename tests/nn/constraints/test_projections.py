"""The nearest points themselves, against other ways to find them."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import CaptureError, ConfigError, ShapeError

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


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.MaxNorm(-1.0),
        lambda: nn.MaxNorm(1.0, axis=1.5),
        lambda: nn.L2Ball(np.nan),
        lambda: nn.L1Ball(1.0, each=2),
        lambda: nn.Box(1.0, 0.0),
        lambda: nn.Box(np.nan, 0.0),
        lambda: nn.Box(np.inf, np.inf),
        lambda: nn.Simplex(1.0, axis="0"),
        lambda: nn.NonNegative(parameters="biases"),
        lambda: nn.AtMost(3.0, 1.0),
        lambda: nn.AtMost(ag.sum, np.inf),
    ],
)
def test_options_out_of_range_are_refused(make):
    with pytest.raises(ConfigError, match="expected"):
        make()


# --- a set of one's own --------------------------------------------------------------------------


def squares(w):
    return ag.sum(ag.square(w))


def test_with_the_squares_it_is_the_ball_with_its_multiplier():
    w = W.ravel()
    found = nn.AtMost(squares, 0.25).solve(w)
    np.testing.assert_allclose(found.at, F.project_l2_ball(w, 0.5).numpy(), atol=1e-9)
    # w' = w / (1 + 2μ), so that μ = (‖w‖/r − 1)/2
    np.testing.assert_allclose(found.multiplier, (np.linalg.norm(w) / 0.5 - 1) / 2, rtol=1e-8)
    assert found.residual < 1e-8
    assert found.value <= 0.25 + 1e-9


def test_all_weights_of_a_model_together_are_one_vector():
    network = nn.Sequential(nn.Linear(3, 2, rng=0, dtype=np.float64), nn.Linear(2, 2, rng=0))
    constraint = nn.AtMost(squares, 0.04)
    constraint(network)
    assert constraint.violation(network) <= 1e-7
    total = sum((p.numpy() ** 2).sum() for p in network.parameters() if p.ndim == 2)
    np.testing.assert_allclose(total, 0.04, rtol=1e-5)


@pytest.mark.parametrize(
    ("function", "bound", "message"),
    [
        (lambda w: -squares(w), -100.0, "not convex"),
        (lambda w: squares(w) + 1, 0.5, "no point with R ≤ 0.5 was found"),
        (lambda w: w, 1.0, r"expected one number in Tensor operators; received \(20,\)"),
        (lambda w: 3.0, 1.0, "received float"),
        (lambda w: ag.sum(ag.absolute(w)), 1.0, "see nn.L1Ball"),
    ],
)
def test_what_it_assumes_is_checked(function, bound, message):
    with pytest.raises(ConfigError, match=message):
        nn.AtMost(function, bound).solve(W.ravel())


def test_weights_that_are_no_numbers_and_compiled_steps_are_refused():
    with pytest.raises(ConfigError, match="finite weights"):
        nn.AtMost(squares, 1.0).solve(np.array([np.nan]))
    with pytest.raises(CaptureError):
        ag.jit(nn.AtMost(squares, 1.0).project)(W.ravel())
