"""λ and r, and the quadratic view."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from analysis import hard_to_soft, quadratic_view, soft_to_hard
from autograd_core.errors import ConfigError

RNG = np.random.default_rng(0)
X, D = RNG.normal(size=(20, 3)), np.sign(RNG.normal(size=(20,)))
ROOT = RNG.normal(size=(3, 3))
H = ROOT @ ROOT.T + np.eye(3)
STAR = np.array([1.5, -0.2, 0.6])


def logistic(w):
    """A convex loss that is no quadratic."""
    return ag.mean(ag.softplus(-D * (X @ w))) + 0.02 * ag.sum(ag.square(w))


def bowl(h):
    def loss(w):
        return ag.sum((w - STAR) * (ag.tensor(h) @ (w - STAR))) / 2

    return loss


def squares(w):
    return nn.L2(1.0, half=False)([w])


@pytest.mark.parametrize("loss", [logistic, bowl(H), bowl(np.diag([1.0, 5.0, 0.3]))])
@pytest.mark.parametrize("lam", [0.01, 0.3, 4.0])
def test_there_and_back(loss, lam):
    soft = soft_to_hard(loss, squares, lam, np.zeros(3))
    assert soft.residual < 1e-9
    hard = hard_to_soft(loss, squares, soft.bound, np.zeros(3))
    np.testing.assert_allclose(hard.lam, lam, rtol=1e-5)
    np.testing.assert_allclose(hard.at, soft.at, atol=1e-7)
    assert hard.residual < 1e-7
    assert hard.bound <= soft.bound


def test_the_soft_minimiser_is_what_projected_descent_finds():
    r = 0.4
    hard = hard_to_soft(bowl(H), squares, r**2, np.zeros(3))
    w = np.zeros(3)
    for _ in range(400):
        w = w - 0.1 * ag.grad(bowl(H))(w).numpy()
        w = nn.L2Ball(r).project(w).numpy()
    np.testing.assert_allclose(hard.at, w, atol=1e-6)


def test_a_constraint_that_does_not_bind_has_no_strength():
    found = hard_to_soft(bowl(H), squares, 100.0, np.zeros(3))
    assert found.lam == 0.0
    np.testing.assert_allclose(found.at, STAR, atol=1e-9)


def test_error_rises_and_weights_shrink_with_lambda():
    path = [soft_to_hard(logistic, squares, lam, np.zeros(3)) for lam in (0, 0.01, 0.1, 1, 10)]
    assert (np.diff([p.error for p in path]) > 0).all()
    assert (np.diff([p.bound for p in path]) < 0).all()


@pytest.mark.parametrize("alpha", [0.05, 0.5, 3.0])
def test_for_a_quadratic_the_view_is_exact_and_with_a_diagonal_both_are(alpha):
    view = quadratic_view(bowl(H), STAR, alpha)
    np.testing.assert_allclose(view.hessian, H, atol=1e-12)
    assert view.l2_distance < 1e-9
    q, factors = view.directions, view.factors
    np.testing.assert_allclose(view.l2_predicted, q @ (factors * (q.T @ STAR)), atol=1e-12)
    assert view.off_diagonal > 0.1
    assert view.residual < 1e-9
    plain = quadratic_view(bowl(np.diag([1.0, 5.0, 0.3])), STAR, alpha)
    assert plain.off_diagonal == 0
    assert plain.l1_distance < 1e-9
    dead = np.abs(STAR) <= alpha / np.array([1.0, 5.0, 0.3])
    assert ((plain.l1 == 0) == dead).all()


def test_the_l1_optimum_is_that_of_proximal_descent():
    view = quadratic_view(bowl(H), STAR, 0.5)
    w = np.zeros(3)
    for _ in range(600):
        w = nn.L1(0.5).proximal(w - 0.1 * ag.grad(bowl(H))(w).numpy(), 0.1).numpy()
    np.testing.assert_allclose(view.l1, w, atol=1e-9)
    assert ((view.l1 == 0) == (w == 0)).all()


def test_of_another_loss_it_is_near_for_small_penalties():
    views = [quadratic_view(logistic, np.zeros(3), alpha, refine=True) for alpha in (1e-3, 1e-1)]
    assert views[0].slope < 1e-8
    assert views[0].l2_distance < 1e-4 < views[1].l2_distance
    assert views[0].l1_distance < views[1].l1_distance


def test_a_model_is_seen_through_functional_call():
    layer = nn.Linear(3, 1, rng=0, dtype=np.float64, bias=False)

    def loss(w):
        return nn.SquaredErrorLoss()(nn.functional_call(layer, {"weight": w}, (X,)), D[:, None])

    view = quadratic_view(loss, layer.weight.numpy(), 0.1, refine=True)
    np.testing.assert_allclose(view.hessian, 2 * X.T @ X / 20, atol=1e-12)
    assert view.l2_distance < 1e-8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: quadratic_view(bowl(H), STAR + 1, 0.5), "Pass refine=True"),
        (
            lambda: quadratic_view(lambda w: w[0] * w[1] + 0 * ag.sum(w), np.zeros(2), 0.5),
            "a saddle",
        ),
        (lambda: quadratic_view(bowl(H), STAR, 0.0), "quadratic_view: alpha"),
        (lambda: quadratic_view(ag.sum, np.zeros(2001), 0.5), "at most 2000"),
        (lambda: quadratic_view(lambda w: w, STAR, 0.5), "one number in Tensor operators"),
        (lambda: soft_to_hard(bowl(H), squares, -1.0, STAR), "soft_to_hard: lam"),
        (lambda: soft_to_hard(bowl(H), squares, 1.0, [np.nan] * 3), "finite numbers to start from"),
        (lambda: soft_to_hard(bowl(H), 3.0, 1.0, STAR), "expected a function"),
        (lambda: soft_to_hard(bowl(-H), squares, 0.1, np.zeros(3)), "not convex"),
        (
            lambda: hard_to_soft(bowl(H), lambda w: squares(w) + 1, 0.5, STAR),
            "no point with R ≤ 0.5",
        ),
        (lambda: hard_to_soft(bowl(H), squares, np.inf, STAR), "hard_to_soft: bound"),
    ],
)
def test_what_it_assumes_is_checked(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
