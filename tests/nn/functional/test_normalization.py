"""Normalization over other axes than the batch, and in float16, against formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.symbolic import arrays, prove
from nn import functional as F

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(4, 6, 3, 2))
GAMMA, BETA = RNG.normal(size=6), RNG.normal(size=6)
LAID = (slice(None), None, None)  # a number for each channel


def values(t):
    return t.detach().numpy()


def standardized(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def test_batch_norm_counts_batch_and_places():
    output, mean, variance = F.batch_norm_with_statistics(X, GAMMA, BETA, eps=0.1)
    expected = GAMMA[LAID] * standardized(X, (0, 2, 3), 0.1) + BETA[LAID]
    np.testing.assert_allclose(values(output), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(values(mean), X.mean((0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(values(variance), X.var((0, 2, 3)), rtol=1e-13)
    of_rows = F.batch_norm(np.moveaxis(X, 1, -1).reshape(-1, 6), GAMMA, BETA, 0.1)
    rows = values(of_rows).reshape(4, 3, 2, 6)
    np.testing.assert_allclose(np.moveaxis(rows, -1, 1), values(output), rtol=1e-12, atol=1e-14)


def test_layer_norm_is_over_the_last_axes():
    gamma, beta = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2))
    expected = gamma * standardized(X, (2, 3)) + beta
    found = F.layer_norm(X, (3, 2), gamma, beta)
    np.testing.assert_allclose(values(found), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(values(F.layer_norm(X, 2)), standardized(X, (3,)), rtol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm_is_over_the_channels_of_a_group_and_places(groups):
    cut = X.reshape(4, groups, -1)
    expected = GAMMA[LAID] * standardized(cut, (2,)).reshape(X.shape) + BETA[LAID]
    found = F.group_norm(X, groups, GAMMA, BETA)
    np.testing.assert_allclose(values(found), expected, rtol=1e-12, atol=1e-14)


def test_group_norm_lies_between_layer_norm_and_instance_norm():
    np.testing.assert_allclose(
        values(F.group_norm(X, 1)), values(F.layer_norm(X, X.shape[1:])), rtol=1e-12
    )
    np.testing.assert_allclose(
        values(F.group_norm(X, 6, GAMMA, BETA)), values(F.instance_norm(X, GAMMA, BETA)), rtol=1e-12
    )


def test_instance_norm_is_over_places():
    expected = GAMMA[LAID] * standardized(X, (2, 3)) + BETA[LAID]
    found = F.instance_norm(X, GAMMA, BETA)
    np.testing.assert_allclose(values(found), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.layer_norm(X, 3), ShapeError, r"layer_norm: .*Expected shape \(…, 3\)"),
        (lambda: F.layer_norm(X, ()), ConfigError, "layer_norm: normalized_shape: expected an int"),
        (lambda: F.layer_norm(1.0, 1), ShapeError, "layer_norm: the input does not fit"),
        (lambda: F.group_norm(X, 4), ShapeError, "group_norm: .*a multiple of num_groups=4"),
        (lambda: F.group_norm(X, 0), ConfigError, "group_norm: num_groups: expected an integer"),
        (lambda: F.group_norm(X[0, 0, 0], 1), ShapeError, "group_norm: .*into groups"),
        (
            lambda: F.batch_norm(X[:0]),
            ShapeError,
            "batch_norm: there are no values to average over",
        ),
        (lambda: F.batch_norm(1.0), ShapeError, "batch_norm: there are no values"),
        (lambda: F.group_norm(X[..., :0], 2), ShapeError, "group_norm: there are no values"),
        (lambda: F.batch_norm(X, np.ones(1)), ShapeError, r"γ and β do not fit.*\(6,\).*\(1,\)"),
        (lambda: F.group_norm(X, 2, beta=np.ones(2)), ShapeError, "group_norm: γ and β do not fit"),
        (lambda: F.instance_norm(X, np.ones((6, 1))), ShapeError, "instance_norm: γ and β"),
        (lambda: F.layer_norm(X, 2, np.ones((3, 2))), ShapeError, "layer_norm: γ and β do not fit"),
        (lambda: F.instance_norm(X[0, 0]), ShapeError, "instance_norm: there are no places"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


HALVES = {
    "batch_norm": lambda x: F.batch_norm(x, GAMMA, BETA),
    "group_norm": lambda x: F.group_norm(x, 2, GAMMA, BETA),
    "instance_norm": lambda x: F.instance_norm(x, GAMMA, BETA),
    "layer_norm": lambda x: F.layer_norm(x, (3, 2)),
    "normalize": lambda x: F.normalize(x, 300.0, 9e4),
}


@pytest.mark.parametrize("name", HALVES)
def test_in_float16_it_is_rounded_once(name):
    """Squares of distances that float16 does not reach are none of its business."""
    x = (400 * X).astype(np.float16)
    found = HALVES[name](x)
    assert found.dtype == np.float16
    exact = values(HALVES[name](x.astype(np.float64)))
    assert np.abs(exact).max() > 0.1
    np.testing.assert_allclose(values(found), exact, rtol=2e-3, atol=1e-4)
    t = ag.tensor(x, requires_grad=True)
    ag.sum(HALVES[name](t) * values(found)).backward()
    assert t.grad.dtype == np.float16
    assert np.isfinite(t.grad.numpy()).all()


@pytest.mark.parametrize("name", HALVES)
def test_they_are_taken_as_they_lie_in_memory(name):
    for lying in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X[::-1][::-1]):
        found, expected = values(HALVES[name](lying)), values(HALVES[name](X))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_layer_norm_has_a_gradient_of_every_width():
    x, gamma, beta, g = arrays("x:B,D gamma:D beta:D g:B,D")
    loss = ag.sum(g * F.layer_norm(x, x.shape[1], gamma, beta))
    assert prove.backward(loss, wrt=[x, gamma, beta]).status == "PROVED"
