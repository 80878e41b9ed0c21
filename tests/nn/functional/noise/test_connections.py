"""Weighted sums where each input may have weights of its own."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from nn import functional as F

RNG = np.random.default_rng(0)
X, ONE, EACH = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 2)), RNG.normal(size=(5, 3, 2))


@pytest.mark.parametrize("weight", [ONE, EACH], ids=["one for all", "one for each"])
@pytest.mark.parametrize("bias", [None, RNG.normal(size=2), RNG.normal(size=(5, 2))])
def test_each_input_is_summed_by_its_weights(weight, bias):
    own = np.broadcast_to(weight, EACH.shape)
    shift = np.broadcast_to(0 if bias is None else bias, (5, 2))
    expected = [x @ w + b for x, w, b in zip(X, own, shift, strict=True)]
    np.testing.assert_allclose(F.connected(X, weight, bias).numpy(), expected, rtol=1e-12)
    ag.gradcheck(lambda x, w: F.connected(x, w, bias), X, weight)
