import numpy as np
import pytest

import autograd_core as ag
import nn
from analysis import bowl, descend, diagonal, objective_of, step_sizes, surface
from autograd_core.errors import ConfigError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [1, 2, 5, 20])
@pytest.mark.parametrize("coupled", [False, True])
def test_a_quadratic_has_the_step_sizes_that_are_known_of_it(n, coupled):
    made = bowl(1.0 if n == 1 else 30.0, n, coupled=coupled, smallest=0.7, rng=0)
    found = step_sizes(made, np.ones(n))
    for name in ("best_lr", "largest_lr", "condition"):
        assert getattr(found, name) == pytest.approx(getattr(made, name))
    np.testing.assert_allclose(found.eigenvalues, made.eigenvalues)
    np.testing.assert_allclose(found.diagonal.best_lr, 1 / np.diag(made.matrix))
    run = descend(made, np.ones(n) + made.optimum, 1.3 * found.monotone_lr, 1)
    assert found.regimes(1.3 * found.monotone_lr) == run.regimes
    g = found.along
    assert made.eigenvalues[0] - 1e-12 <= g <= made.eigenvalues[-1] + 1e-12
    assert [name for *_, name in found.regions] == ["monotone", "oscillating", "diverging"]
    assert found.regions[1][:2] == (found.monotone_lr, found.largest_lr)
    assert not found.indefinite


def test_a_saddle_is_said_to_be_one():
    found = step_sizes(surface("saddle"), [1.0, 0.5])
    assert found.indefinite
    assert np.isnan(found.best_lr)
    assert np.isnan(found.condition)
    assert found.largest_lr == pytest.approx(1)
    assert found.regimes(0.75) == ("escaping", "oscillating")
    assert found.regions[0][2] == "monotone, escaping along others"
    assert np.isnan(found.diagonal.best_lr[1])
    top = step_sizes(lambda w: -ag.sum(w**2), [1.0])
    assert top.regions == ((0.0, np.inf, "escaping"),)


def test_a_flat_loss_bounds_nothing():
    found = step_sizes(lambda w: ag.sum(w), [1.0, 2.0])
    assert found.largest_lr == np.inf
    assert found.regions == ((0.0, np.inf, "monotone"),)
    assert np.isnan(found.best_along)
    at_rest = step_sizes(lambda w: ag.sum(w**2), [0.0])
    assert np.isnan(at_rest.along)
    assert at_rest.slope == 0


def test_the_borders_are_where_descent_turns_in_a_network():
    """Along the top eigenvector of a small net's minimum: nearer below 2/λ, farther above."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    model = nn.Sequential(nn.Linear(2, 3, rng=0, dtype=np.float64), nn.Tanh())
    model = nn.Sequential(model, nn.Linear(3, 1, rng=1, dtype=np.float64))
    e = objective_of(model, nn.MSELoss(), x, y)
    found = step_sizes(e)
    v = found.ends.highest.vector
    small, g = 1e-5 * v, e.gradient()
    for share, name in ((0.5, "nearer"), (1.9, "nearer"), (2.2, "farther")):
        lr = share * found.monotone_lr
        moved = small - lr * (e.gradient(e.at + small) - g)
        assert (abs(moved @ v) < 1e-5) == (name == "nearer")


def test_of_a_large_one_the_ends_are_found_and_the_diagonal_is_estimated():
    c = np.r_[np.linspace(0.1, 1, 598), 5.0, 10.0]

    def loss(w):
        return ag.sum(c * w**2) / 2 + ag.sum(w) ** 2 / 1200

    found = step_sizes(loss, np.ones(600), rng=1)
    assert found.eigenvalues is None
    assert len(found.regimes(0.1)) == 2
    assert found.diagonal.probes == 100
    assert found.largest_lr == pytest.approx(0.2, rel=0.01)
    off = np.abs(found.diagonal.values - (c + 1 / 600))
    assert (off <= 5 * found.diagonal.spread).mean() > 0.999
    assert found.diagonal.spread.max() < 0.01


@pytest.mark.parametrize("n", [3, 501])
def test_the_exact_diagonal_and_that_by_probes(n):
    a = RNG.normal(size=(n, n)) / np.sqrt(n)
    a = a @ a.T

    def loss(w):
        return ag.sum(w * (ag.tensor(a) @ w)) / 2

    exact = diagonal(loss, np.ones(n), probes=0)
    np.testing.assert_allclose(exact.values, np.diag(a))
    assert not exact.spread.any()
    guessed = diagonal(loss, np.ones(n), probes=400, rng=0)
    assert (np.abs(guessed.values - np.diag(a)) <= 5 * guessed.spread).mean() > 0.99
    # The variance of the estimate is the sum of the squares beside the diagonal.
    beside = np.sqrt((a**2).sum(1) - np.diag(a) ** 2)
    np.testing.assert_allclose(guessed.spread, beside / 20, rtol=0.3)


@pytest.mark.parametrize("probes", [-1, 1, 2.5, "all"])
def test_bad_probes_are_named(probes):
    with pytest.raises(ConfigError, match="diagonal"):
        diagonal(lambda w: ag.sum(w**2), [1.0], probes=probes)


def test_a_negative_step_size_is_refused():
    with pytest.raises(ConfigError, match="lr"):
        step_sizes(lambda w: ag.sum(w**2), [1.0]).regimes(-1.0)
