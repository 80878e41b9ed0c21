"""LayerNorm, GroupNorm, InstanceNorm: what is refused, and that the batch does not matter."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError

X = np.random.default_rng(0).normal(2.0, 3.0, size=(4, 6, 3, 2))
LAYERS = {
    "LayerNorm": (nn.LayerNorm, (2,), X),
    "GroupNorm": (nn.GroupNorm, (3, 6), X),
    "InstanceNorm1d": (nn.InstanceNorm1d, (6,), X[..., 0]),
    "InstanceNorm2d": (nn.InstanceNorm2d, (6,), X),
}
every = pytest.mark.parametrize("name", LAYERS)


@every
def test_an_instance_does_not_depend_on_the_rest_of_its_batch(name):
    kind, args, x = LAYERS[name]
    layer = kind(*args, dtype=np.float64)
    whole = layer(x).detach().numpy()
    np.testing.assert_array_equal(layer.eval()(x[1:2]).detach().numpy(), whole[1:2])
    assert layer(x[:0]).shape == (0, *x.shape[1:])


@every
def test_options_outside_their_range_are_refused(name):
    kind, args, _ = LAYERS[name]
    with pytest.raises(ConfigError, match=f"{name}: .*expected an integer of 1 or more"):
        kind(0, *args[1:])
    with pytest.raises(ConfigError, match=f"{name}: eps: expected a finite number in"):
        kind(*args, eps=-1.0)
    with pytest.raises(DTypeError, match=f"{name}: dtype: expected a float dtype"):
        kind(*args, dtype=int)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LayerNorm(1), ConfigError, "normalized_shape: expected two values or more"),
        (lambda: nn.LayerNorm(())(X), ConfigError, "normalized_shape: expected an integer"),
        (
            lambda: nn.LayerNorm(6)(X),
            ShapeError,
            r"Expected shape \(…, 6\); received \(4, 6, 3, 2\)",
        ),
        (lambda: nn.GroupNorm(4, 6), ConfigError, "num_channels: expected a multiple of num_gro"),
        (lambda: nn.GroupNorm(6, 6)(X[..., 0, 0]), ShapeError, "a group of one value, or none"),
        (lambda: nn.GroupNorm(3, 6)(X[:, :, :0]), ShapeError, "a group of one value, or none"),
        (lambda: nn.GroupNorm(3, 6)(X[0]), ShapeError, "the input does not fit"),
        (lambda: nn.InstanceNorm1d(6)(X[..., 0, :1]), ShapeError, "a single place has no variance"),
        (lambda: nn.InstanceNorm2d(6)(X[..., 0]), ShapeError, r"\(batch, 6, height, width\)"),
    ],
)
def test_what_has_no_variance_or_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_repr_says_what_is_not_the_default():
    assert repr(nn.LayerNorm((3, 2), bias=False)) == "LayerNorm((3, 2), eps=1e-05, bias=False)"
    assert repr(nn.GroupNorm(3, 6, affine=False)) == "GroupNorm(3, 6, eps=1e-05, affine=False)"
    text = repr(nn.InstanceNorm2d(6, affine=True, dtype=np.float16))
    assert text == "InstanceNorm2d(6, eps=1e-05, affine=True, dtype=float16)"
