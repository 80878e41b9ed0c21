"""Flatten."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ShapeError


@pytest.mark.parametrize(
    ("shape", "flat"), [((5, 2, 3), (5, 6)), ((5,), (5, 1)), ((5, 4), (5, 4)), ((0, 2, 2), (0, 4))]
)
def test_axes_behind_the_first_become_one(shape, flat):
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    np.testing.assert_array_equal(nn.Flatten()(x).numpy(), x.reshape(flat))


def test_the_gradient_has_the_shape_of_the_input():
    x = ag.tensor(np.ones((2, 3, 4)), requires_grad=True)
    g = np.arange(24.0).reshape(2, 12)
    nn.Flatten()(x).backward(g)
    np.testing.assert_array_equal(x.grad.numpy(), g.reshape(2, 3, 4))


def test_the_batch_may_be_symbolic():
    (B,) = ag.dims("B")
    program = ag.trace(nn.Flatten())(ag.Abstract((B, 2, 3)))
    assert program.outputs[0].shape == (B, 6)


def test_a_scalar_has_no_batch():
    with pytest.raises(ShapeError, match="Flatten: expected an input of shape"):
        nn.Flatten()(3.0)
