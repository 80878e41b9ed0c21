"""Newton's methods: where they arrive at once, and where they must not be taken at their word."""

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError, LinAlgError, SingularError


def leaf(values):
    return ag.tensor(np.array(values, float), requires_grad=True)


def coupled(n, condition, seed=0):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return (q * np.geomspace(1, condition, n)) @ q.T, rng.normal(size=n)


@pytest.mark.parametrize("condition", [10, 1e4, 1e8])
@pytest.mark.parametrize("n", [1, 5, 20])
def test_on_a_quadratic_it_arrives_in_one_step(n, condition):
    a, b = coupled(n, condition)
    w = leaf(np.arange(n) + 3.0)
    optim.Newton([w]).step(lambda: ag.sum(w * (a @ w)) / 2 + ag.sum(b * w))
    np.testing.assert_allclose(
        w.numpy(), np.linalg.solve(a, -b), rtol=0, atol=1e-14 * condition + 1e-12
    )


@pytest.mark.parametrize("condition", [1, 100])
def test_it_converges_inside_of_the_proved_region_and_diverges_outside(condition):
    """Claim O15: 0 < η < 2, whatever the condition number."""
    a, _ = coupled(5, condition)
    for eta, share in ((0.01, 0.99), (1.99, 0.99), (2.0, 1.0), (2.01, 1.01)):
        w = leaf(np.arange(5) + 1.0)
        optimizer = optim.Newton([w], lr=eta)
        for _ in range(30):
            optimizer.step(lambda w=w: ag.sum(w * (a @ w)) / 2)
        left = np.linalg.norm(w.numpy()) / np.linalg.norm(np.arange(5) + 1.0)
        assert left == pytest.approx(share**30, rel=1e-8)


@pytest.mark.parametrize("eta", [0.5, 1.5, 1.9])
def test_the_error_shrinks_by_one_less_eta_in_every_direction(eta):
    a, _ = coupled(5, 100)
    w = leaf(np.ones(5))
    optimizer = optim.Newton([w], lr=eta)
    for k in range(1, 5):
        optimizer.step(lambda: ag.sum(w * (a @ w)) / 2)
        np.testing.assert_allclose(w.numpy(), (1 - eta) ** k * np.ones(5), rtol=1e-10)


@pytest.mark.parametrize("strategy", ["trust_region", "line_search"])
@pytest.mark.parametrize(("n", "condition"), [(2, 10), (5, 100), (20, 100)])
def test_conjugate_gradients_arrive_in_as_many_products_as_there_are_coordinates(
    n, condition, strategy
):
    a, b = coupled(n, condition)
    w = leaf(np.zeros(n))
    optimizer = optim.NewtonCG([w], tolerance=1e-8, most_products=n, radius=1e6, strategy=strategy)
    optimizer.step(lambda: ag.sum(w * (a @ w)) / 2 + ag.sum(b * w))
    assert optimizer.products <= n
    # Rounding spoils what is conjugate: of 20 coordinates a last share is left.
    assert np.abs(a @ w.numpy() + b).max() < (1e-4 if n == 20 else 1e-8) * np.abs(b).max()
    assert optimizer.products <= n


def saddle(w):
    """A saddle at 0, with minima at (0, ±1)."""
    return ag.sum(w[0] ** 2) - w[1] ** 2 / 2 + w[1] ** 4 / 4


def test_an_indefinite_hessian_is_refused_or_changed_by_name():
    w = leaf([0.3, 0.2])
    with pytest.raises(LinAlgError, match=r"1 negative eigenvalues of 2.*saddle or a maximum"):
        optim.Newton([w]).step(lambda: saddle(w))
    np.testing.assert_array_equal(w.numpy(), [0.3, 0.2])
    optim.minimize(optim.Newton([w], indefinite="ignore"), lambda: saddle(w))
    np.testing.assert_allclose(w.numpy(), [0, 0], atol=1e-6)  # the saddle, as printed
    for how in ("shift", "absolute"):
        v = leaf([0.3, 0.2])
        found = optim.minimize(
            optim.Newton([v], indefinite=how, line_search="backtracking"), lambda v=v: saddle(v)
        )
        assert found.converged
        np.testing.assert_allclose(v.numpy(), [0, 1], atol=1e-6)
    v = leaf([0.3, 0.2])
    optim.minimize(optim.Newton([v], damping=2.0), lambda: saddle(v), updates=200)
    np.testing.assert_allclose(v.numpy(), [0, 1], atol=1e-6)


@pytest.mark.parametrize("strategy", ["trust_region", "line_search"])
def test_negative_curvature_is_followed_downhill(strategy):
    w = leaf([0.3, 1e-3])
    found = optim.minimize(optim.NewtonCG([w], strategy=strategy), lambda: saddle(w))
    assert found.converged
    np.testing.assert_allclose(np.abs(w.numpy()), [0, 1], atol=1e-6)


def test_at_the_saddle_itself_nothing_moves_or_it_is_named():
    for kind in (optim.NewtonCG, optim.LBFGS, optim.DiagonalNewton):
        w = leaf([0.0, 0.0])
        kind([w]).step(lambda w=w: saddle(w))
        np.testing.assert_array_equal(w.numpy(), [0, 0])
    with pytest.raises(LinAlgError, match="1 negative"):
        optim.Newton([w]).step(lambda: saddle(w))


def test_a_slope_without_curvature_is_singular():
    w = leaf([1.0, 1.0])
    with pytest.raises(LinAlgError, match="singular to rounding"):
        optim.Newton([w]).step(lambda: w[0] ** 2 + w[1])
    with pytest.raises(SingularError, match="a slope and no curvature"):
        optim.Newton([w], indefinite="ignore").step(lambda: w[0] ** 2 + w[1])
    np.testing.assert_array_equal(w.numpy(), [1, 1])
    optim.Newton([w], damping=0.5).step(lambda: w[0] ** 2 + w[1])
    np.testing.assert_allclose(w.numpy(), [1 - 2 / 2.5, -1])


def test_a_hessian_too_large_is_refused_before_it_is_formed():
    w = leaf(np.zeros(4000))
    with pytest.raises(ConfigError, match=r"4,000 parameters has 16,000,000 entries \(0.128 GB\)"):
        optim.Newton([w]).step(lambda: ag.sum(w * w))


def test_the_diagonal_is_the_same_formed_or_not(monkeypatch):
    a, b = coupled(6, 10)

    def arrived():
        w = leaf(np.ones(6))
        optim.DiagonalNewton([w], lr=0.5).step(lambda: ag.sum(w * (a @ w)) / 2 + ag.sum(b * w))
        return w.numpy().copy()

    whole = arrived()
    np.testing.assert_allclose(whole, 1 - 0.5 * (a @ np.ones(6) + b) / np.diag(a), rtol=1e-12)
    monkeypatch.setattr(optim.DiagonalNewton, "max_entries", 10)
    np.testing.assert_allclose(arrived(), whole, rtol=1e-12)


def test_second_derivatives_that_are_not_positive_go_by_name():
    def hill(w):
        return -(w[0] ** 2) + w[1] ** 2 + 3 * w[2]

    for how, expected in (("absolute", [2.0, 0.0, 1.0]), ("skip", [1.0, 0.0, 1.0])):
        w = leaf([1.0, 1.0, 1.0])
        optim.DiagonalNewton([w], negative=how).step(lambda w=w: hill(w))
        np.testing.assert_allclose(w.numpy(), expected)
    with pytest.raises(LinAlgError, match="2 of 3 second derivatives are not positive"):
        optim.DiagonalNewton([w], negative="raise").step(lambda: hill(w))


def test_gauss_newton_needs_the_outputs_and_is_newton_where_they_are_linear():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(9, 3)), rng.normal(size=9)
    w = leaf(np.zeros(3))
    with pytest.raises(ConfigError, match="return loss, outputs"):
        optim.GaussNewton([w]).step(lambda: ag.sum((x @ w - t) ** 2))

    def loss():
        z = x @ w
        return ag.sum((z - t) ** 2), z

    optim.GaussNewton([w], tolerance=1e-12, radius=1e6).step(loss)
    np.testing.assert_allclose(w.numpy(), np.linalg.lstsq(x, t, rcond=None)[0], rtol=1e-8)


def test_a_trial_that_leaves_the_numbers_is_taken_back():
    for kind in (optim.LBFGS, optim.NewtonCG):
        w = leaf([30.0])
        found = optim.minimize(
            kind([w]), lambda w=w: ag.sum(ag.exp(w * w / 10) + 1 / ag.sqrt(w)), updates=500
        )
        assert found.converged
        assert 0 < w.item() < 30
