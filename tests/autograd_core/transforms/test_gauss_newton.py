"""gnvp: the Gauss-Newton matrix against Jacobian and Hessian, formed."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ConfigError, ShapeError, UnreachableError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.integers(0, 2, 7)
W = [RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))]
V = [RNG.normal(size=a.shape) for a in W]


def outputs(w):
    return ag.tanh(X @ w[0]) @ w[1]


def criterion(z, w):
    """Cross-entropy, a penalty, and a term that mixes both."""
    loss = ag.mean(ag.logsumexp(z, axis=1) - z[np.arange(7), Y])
    return loss + 0.1 * ag.sum(ag.square(w[0])) + 0.05 * ag.sum(z) * ag.sum(w[1])


def network(w):
    z = outputs(w)
    return criterion(z, w), z


def flat(parts):
    return np.concatenate([np.asarray(p).ravel() for p in parts])


def expected(v):
    """Tᵀ ∇²c T v, T = (J; 1), with the Hessian of c by outputs and weights."""
    jacobian = np.concatenate([j.numpy().reshape(14, -1) for j in ag.jacobian(outputs)(W)], 1)
    chain = np.concatenate([jacobian, np.eye(20)])

    def c(u):
        return criterion(
            ag.reshape(u[:14], (7, 2)),
            [ag.reshape(u[14:26], (3, 4)), ag.reshape(u[26:], (4, 2))],
        )

    curve = ag.hessian(c)(np.concatenate([flat([outputs(W)]), flat(W)])).numpy()
    return chain.T @ curve @ chain @ flat(v)


@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_the_hessian_of_the_criterion_between_jacobians(compiled):
    product = ag.gnvp(network)
    found = (ag.jit(product, backend="numpy") if compiled else product)(W, V)
    np.testing.assert_allclose(flat(found), expected(V), rtol=1e-12)
    assert [a.shape for a in found] == [(3, 4), (4, 2)]
    assert not any(a.requires_grad for a in found)


def test_for_outputs_that_are_linear_it_is_the_hessian():
    def line(w):
        z = X @ w
        return ag.mean(ag.square(ag.exp(z))), z

    w, v = RNG.normal(size=3), RNG.normal(size=3)
    hessian = ag.hvp(lambda w: line(w)[0])(w, v)
    np.testing.assert_allclose(ag.gnvp(line)(w, v).numpy(), hessian.numpy(), rtol=1e-12)


def test_outputs_that_are_the_weights_themselves():
    def bowl(w):
        return ag.sum(w**3), w

    np.testing.assert_allclose(ag.gnvp(bowl)(np.array([1.0, 2.0]), np.ones(2)).numpy(), [6, 12])


def test_it_is_differentiable():
    def line(w):
        z = w * w
        return ag.sum(z * z) / 2, z

    slope = ag.grad(lambda w: ag.sum(ag.gnvp(line)(w, np.ones(1))))(np.array([3.0]))
    np.testing.assert_allclose(slope.numpy(), [8 * 3.0])  # of 4w²


def test_a_criterion_without_curvature_gives_zeros():
    found = ag.gnvp(_linear)(W, V)
    assert all(not a.numpy().any() for a in found)


def _linear(w):
    z = outputs(w)
    return ag.sum(z), z


def test_what_does_not_fit_is_named():
    with pytest.raises(ConfigError, match=r"then the vector"):
        ag.gnvp(network)(W)
    with pytest.raises(ConfigError, match=r"returns \(loss, outputs\)"):
        ag.gnvp(lambda w: ag.sum(w))(np.ones(2), np.ones(2))
    with pytest.raises(ShapeError, match="a vector of 2 arrays"):
        ag.gnvp(network)(W, V[:1])
    with pytest.raises(UnreachableError, match="does not depend on the outputs"):
        ag.gnvp(lambda w: (ag.sum(w * w), 2 * w))(np.ones(2), np.ones(2))
