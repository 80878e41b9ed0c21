"""SGD through noise: runs beside the exact error, for every schedule that there is, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import optim
from analysis import Quadratic, log_slope, noise_floor, noisy_descent
from autograd_core.errors import AnomalyError, ConfigError
from optim.contract import every_schedule

BOWL = Quadratic([[2.0, 0.5], [0.5, 1.0]], [1.0, -1.0])
SCHEDULES = [kind(**example) for kind in every_schedule() for example in kind.examples]


def agrees(run):
    for measured, exact, error in (
        (run.measured, run.exact, run.uncertainty),
        (run.averaged_measured, run.averaged_exact, run.averaged_uncertainty),
    ):
        assert (np.abs(measured - exact) <= 5 * error + 1e-9 * exact.max()).all()


@pytest.mark.parametrize("lr", [0.1, *SCHEDULES], ids=str)
def test_what_runs_is_what_is_exact(lr):
    agrees(noisy_descent(BOWL, [4.0, 0.0], lr, 0.7, 12, runs=2_000, rng=0))


def test_without_noise_it_is_descent_itself():
    run = noisy_descent(BOWL, [4.0, 0.0], 0.3, 0.0, 10, runs=2, rng=0)
    np.testing.assert_allclose(run.errors[:, 0], run.exact, rtol=1e-12)
    np.testing.assert_allclose(run.averaged_errors[:, 1], run.averaged_exact, rtol=1e-12)
    assert run.exact[-1] < run.exact[0]


@pytest.mark.parametrize("a", [0.5, 3.0])
@pytest.mark.parametrize("start", [0.0, 100.0])
def test_the_slides_rate_gives_the_closed_form_at_every_k(a, start):
    run = noisy_descent(Quadratic(a), start, optim.schedules.Linear(1 / a), 2.0, 40, runs=1, rng=0)
    k = np.arange(1, 41)
    np.testing.assert_allclose(run.exact[1:], 4 / (a * a * k), rtol=1e-9)
    assert log_slope(k, run.exact[1:]) == pytest.approx(-1)


def test_one_step_size_stalls_at_the_floor():
    run = noisy_descent(BOWL, [4.0, 0.0], 0.4, 0.7, 400, runs=1, rng=0)
    assert run.exact[-1] == pytest.approx(run.floor, rel=1e-9)
    assert run.floor == pytest.approx(sum(noise_floor(0.4, v, 0.7) for v in BOWL.eigenvalues))
    assert run.averaged_exact[-1] < run.floor / 20, "the average goes on"
    assert noisy_descent(Quadratic(1.0), 1.0, 2.0, 0.1, 2, runs=1, rng=0).floor == np.inf


def test_equal_seeds_give_equal_runs():
    one, again, other = (
        noisy_descent(BOWL, [1.0, 1.0], 0.1, 1.0, 3, rng=s).errors for s in (0, 0, 1)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": [1.0]}, r"shape \(2,\)"),
        ({"start": [np.nan, 1.0]}, "finite start"),
        ({"start": "here"}, "finite start"),
        ({"noise": -1.0}, "noise"),
        ({"noise": np.nan}, "noise"),
        ({"steps": 0}, "steps"),
        ({"runs": 0}, "runs"),
        ({"lr": -0.1}, "lr"),
    ],
)
def test_what_cannot_be_is_refused(change, says):
    given = {"start": [1.0, 1.0], "lr": 0.1, "noise": 1.0, "steps": 2, **change}
    with pytest.raises(ConfigError, match=says):
        noisy_descent(BOWL, rng=0, **given)


def test_a_run_that_leaves_the_floats_says_so():
    with pytest.raises(AnomalyError), np.errstate(over="ignore"):
        noisy_descent(Quadratic(1e200), 1e200, 1.0, 0.0, 3, runs=1, rng=0)


@pytest.mark.parametrize(
    "at", [([1.0], [1.0]), ([1.0, 1.0], [1.0, 2.0]), ([0.0, 1.0], [1.0, 2.0]), ([], [])]
)
def test_a_slope_needs_two_points(at):
    with pytest.raises(ConfigError, match="two points or more"):
        log_slope(*at)
