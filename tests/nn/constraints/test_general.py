"""A set that is said by a function, and options of all constraints."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import CaptureError, ConfigError

F = nn.functional
W = np.random.default_rng(0).normal(size=(5, 4))


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
