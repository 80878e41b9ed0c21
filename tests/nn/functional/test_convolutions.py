"""Convolutions, against the sum that they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.symbolic import prove
from nn import functional as F

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 7))
W = RNG.normal(size=(4, 4, 3))
B = RNG.normal(size=4)


def summed(x, weight, bias, stride, before, behind, dilation, groups):
    """y[n, o, i] = b[o] + Σ_c Σ_k w[o, c, k] x[n, c, s i + d k − p], one term after the other."""
    n, length = len(x), x.shape[-1]
    out, inner, size = weight.shape
    places = (length + before + behind - dilation * (size - 1) - 1) // stride + 1
    y = np.zeros((n, out, places)) + bias[:, None]
    for o, i, c, k in itertools.product(range(out), range(places), range(inner), range(size)):
        at = stride * i + dilation * k - before
        if 0 <= at < length:
            y[:, o, i] += weight[o, c, k] * x[:, o // (out // groups) * inner + c, at]
    return y


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_it_is_the_sum_over_channels_and_places(stride, groups):
    for size, dilation, padding in itertools.product((1, 2, 3), (1, 2, 3), (0, 1, 4)):
        weight = RNG.normal(size=(4, 4 // groups, size))
        if 7 + 2 * padding < dilation * (size - 1) + 1:
            continue
        expected = summed(X, weight, B, stride, padding, padding, dilation, groups)
        found = F.conv1d(X, weight, B, stride, padding, dilation, groups)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("size", "dilation"), [(1, 1), (2, 1), (3, 1), (4, 1), (2, 3), (3, 2)])
def test_same_padding_keeps_the_length_with_the_odd_zero_behind(size, dilation):
    weight = RNG.normal(size=(4, 4, size))
    more = dilation * (size - 1)
    expected = summed(X, weight, B, 1, more // 2, more - more // 2, dilation, 1)
    found = F.conv1d(X, weight, B, padding="same", dilation=dilation).numpy()
    assert found.shape == X.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_valid_padding_is_none():
    valid = F.conv1d(X, W, padding="valid").numpy()
    np.testing.assert_array_equal(valid, F.conv1d(X, W).numpy())


def test_one_example_needs_no_batch_and_options_may_be_given_for_each_axis():
    whole = F.conv1d(X, W, B, 2, 1).numpy()
    np.testing.assert_allclose(F.conv1d(X[1], W, B, (2,), [1], (1,)).numpy(), whole[1], rtol=1e-13)


def test_gradients_agree_with_differences_to_second_order_and_are_proved():
    """Everything at once; each option by itself is tried with the layer."""

    def convolved(x, weight, bias):
        return F.conv1d(x, weight, bias, stride=3, padding=2, dilation=2, groups=2)

    x, weight = X[:1, :, :5], W[:, :2]
    ag.gradcheck(convolved, x, weight, B)
    ag.gradgradcheck(convolved, x, weight, B)
    shapes = [t.shape for t in (x, weight, B, convolved(x, weight, B))]
    verdict = prove.backward(
        lambda x, w, b, g: ag.sum(convolved(x, w, b) * g),
        args=[ag.Abstract(shape, np.float64) for shape in shapes],
    )
    assert verdict.status == "PROVED"


def test_it_is_one_program_for_every_batch_and_length():
    n, length = ag.dims("N L")
    program = ag.trace(F.conv1d)(
        ag.Abstract((n, 4, length), np.float64), W, B, padding="same", dilation=2
    )
    for x in (X, RNG.normal(size=(3, 4, 11))):
        expected = F.conv1d(x, W, B, padding="same", dilation=2).numpy()
        np.testing.assert_array_equal(program(x, W, B), expected)


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ((X, W[0]), {}, ShapeError, r"holds no kernels.*\(out, in / groups, length\).*\(4, 3\)"),
        ((X, W[:3, :2]), {"groups": 2}, ShapeError, "out a multiple of groups=2; received"),
        ((X, W[:, :0]), {}, ShapeError, "not empty"),
        ((X[:, :3], W), {}, ShapeError, r"\(batch, 4, length\).*received \(2, 3, 7\)"),
        ((X, W), {"groups": 2}, ShapeError, r"\(batch, 8, length\)"),
        ((X[0, 0], W), {}, ShapeError, r"does not fit the weight.*received \(7,\)"),
        ((X, W), {"dilation": 4}, ShapeError, "a length of 9 or more.*received 7 and 0 zeros"),
        ((X, W, B[:3]), {}, ShapeError, r"a bias of shape \(4,\); received \(3,\)"),
        ((X.astype(int), W), {}, DTypeError, "expected floats; received int64"),
        ((X, W), {"stride": 0}, ConfigError, "stride: expected an integer of 1 or more"),
        ((X, W), {"stride": (1, 2)}, ConfigError, "or a sequence of 1 such"),
        ((X, W), {"padding": -1}, ConfigError, "padding: expected an integer of 0 or more"),
        ((X, W), {"padding": "full"}, ConfigError, "'same' or 'valid'; received 'full'"),
        ((X, W), {"padding": "same", "stride": 2}, ConfigError, "which a stride does not"),
        ((X, W), {"groups": 0}, ConfigError, "groups: expected an integer of 1 or more"),
    ],
)
def test_what_does_not_fit_is_refused(given, options, error, message):
    with pytest.raises(error, match=f"^conv1d: .*{message}"):
        F.conv1d(*given, **options)
