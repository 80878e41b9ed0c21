"""Penalties as functions: to second order, compiled, and at their kinks."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, ShapeError

F = nn.functional
W = np.random.default_rng(0).normal(size=(4, 3))
SHARES = np.random.default_rng(1).uniform(0.2, 0.8, size=(5, 3))

SMOOTH = {
    "l1": (lambda w: F.l1([w]), (W,)),
    "elastic_net": (lambda w: F.elastic_net([w], 0.7), (W,)),
    "group_lasso": (lambda w: F.group_lasso([w]), (W,)),
    "soft_threshold": (lambda w: ag.sum(ag.square(F.soft_threshold(w, 0.2))), (W,)),
    "kl_sparsity": (lambda a: F.kl_sparsity(a, 0.3), (SHARES,)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_agree_with_differences_to_second_order_and_compiled(name):
    function, args = SMOOTH[name]
    ag.gradcheck(function, *args)
    ag.gradgradcheck(function, *args)
    np.testing.assert_allclose(ag.jit(function)(*args).numpy(), function(*args).numpy(), rtol=1e-13)


@pytest.mark.parametrize("function", [F.l1, F.elastic_net, F.group_lasso])
def test_nothing_to_penalize_is_an_error(function):
    with pytest.raises(ConfigError, match="there are no weights to penalize"):
        function([])


def test_soft_threshold_has_a_dead_zone_with_its_border():
    x = np.array([-2.0, -1.0, -0.5, 0.0, 1.0, 1.5])
    assert F.soft_threshold(x, 1.0).numpy().tolist() == [-1, 0, 0, 0, 0, 0.5]
    assert F.soft_threshold(x, np.abs(x)).numpy().tolist() == [0] * 6
    assert F.soft_threshold(x.astype(np.float16), 1.0).dtype == np.float16


def test_an_axis_that_there_is_not_is_an_error():
    with pytest.raises(ShapeError, match="expected an axis of the units, of 2 axes; received 2"):
        F.group_lasso([W], axis=2)


@pytest.mark.parametrize("shape", [(), (0, 3)])
def test_activations_without_a_batch_are_refused(shape):
    with pytest.raises(ShapeError, match=r"expected activations of shape \(batch, …\)"):
        F.kl_sparsity(np.zeros(shape))
