import numpy as np
import pytest

import optim
from analysis import REGIMES, Quadratic, best_lr, descend, regime
from autograd_core.errors import ConfigError

RNG = np.random.default_rng(0)
ROOTS = RNG.normal(size=(3, 3))
BOWLS = [
    Quadratic(2.5, 1.0),
    Quadratic([[1.0, 0.0], [0.0, 8.0]], [1.0, -2.0]),
    Quadratic([[1.0, 0.9], [0.9, 1.0]]),
    Quadratic(ROOTS @ ROOTS.T + np.eye(3), RNG.normal(size=3)),
]


@pytest.mark.parametrize("bowl", BOWLS, ids=lambda bowl: f"{len(bowl.optimum)}d")
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999, 1.0, 1.2])
def test_each_axis_goes_as_predicted(bowl, share):
    lr = share * bowl.largest_lr
    start = bowl.optimum + np.linspace(1, 2, len(bowl.optimum))
    run = descend(bowl, start, lr, 6)
    known = ~np.isnan(run.multipliers)
    assert known[0].all()
    expected = np.broadcast_to(bowl.factors(lr), known.shape)
    np.testing.assert_allclose(run.multipliers[known], expected[known], rtol=0, atol=1e-9)
    assert run.regimes == tuple(regime(m) for m in run.multipliers[0])
    # The rate is the least bound on what a step leaves of the distance.
    assert (run.distances[1:] <= run.rate * run.distances[:-1] + 1e-12).all()
    d = run.points - bowl.optimum
    np.testing.assert_allclose(run.values, np.einsum("ki,ij,kj->k", d, bowl.matrix, d) / 2)


def test_the_distance_shrinks_at_the_rate_in_the_long_run():
    bowl = BOWLS[1]
    run = descend(bowl, [3.0, 3.0], 0.98 * bowl.largest_lr, 60)
    np.testing.assert_allclose(run.distances[-1] / run.distances[-2], run.rate, rtol=1e-6)


def test_a_parabola_has_the_regimes_of_the_lecture():
    parabola = Quadratic(4.0)
    assert (parabola.best_lr, parabola.largest_lr, parabola.condition) == (0.25, 0.5, 1.0)
    found = [
        descend(parabola, 1.0, share * parabola.best_lr, 2).regimes
        for share in (0, 0.5, 1, 1.5, 2, 2.1)
    ]
    assert found == [(name,) for name in REGIMES]


def test_no_other_step_size_is_faster_than_the_best():
    bowl = Quadratic([[1.0, 0.0], [0.0, 9.0]])
    rates = [bowl.rate(lr) for lr in np.linspace(0.01, bowl.largest_lr, 400)]
    assert min(rates) >= bowl.rate(bowl.best_lr) == pytest.approx(8 / 10)
    assert bowl.best_lr == best_lr(1.0, 9.0)


def test_the_bound_of_coupled_coordinates_is_that_of_the_eigenvalues():
    coupled = BOWLS[2]
    assert coupled.largest_lr == pytest.approx(2 / 1.9)
    run = descend(coupled, [1.0, 1.0], 1.5, 20)
    assert run.values[-1] > run.values[0]
    assert run.regimes == ("monotone", "diverging")


def test_what_runs_is_the_optimizer(monkeypatch):
    monkeypatch.setattr(optim, "SGD", lambda params, lr: optim.Adam(params, lr=lr))
    run = descend(Quadratic(1.0), 1.0, 0.1, 1)
    np.testing.assert_allclose(run.points[1], 0.9, rtol=1e-6)  # Adam's first step is η long
    assert descend(Quadratic(1.0), 1.0, 0.1, 0).points.shape == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, 2.0]],), r"symmetric.*received an array of shape \(1, 2\)"),
        (([[1.0, 2.0], [0.0, 1.0]],), "symmetric"),
        (([[1.0, 0.0], [0.0, 0.0]],), "positive definite"),
        ((-1.0,), "positive definite"),
        ((np.nan,), "expected finite numbers in A; received nan"),
        ((np.array([[1.0, np.inf], [np.inf, 1.0]]),), "expected finite numbers"),
        ((np.inf,), "expected finite numbers in A; received inf"),
        ((1.0, [1.0, 2.0]), r"optimum of shape \(1,\)"),
    ],
)
def test_what_is_no_bowl_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Quadratic(*arguments)


def test_a_start_and_a_count_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match=r"start of shape \(1,\).*received \(2,\)"):
        descend(Quadratic(1.0), [1.0, 2.0], 0.1, 3)
    with pytest.raises(ConfigError, match="0 steps or more"):
        descend(Quadratic(1.0), 1.0, 0.1, -1)
    with pytest.raises(ConfigError, match="lr"):
        descend(Quadratic(1.0), 1.0, -0.1, 1)
