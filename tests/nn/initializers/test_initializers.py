"""Initializers: spread, limits, reproducibility."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.errors import ShapeError
from nn import initializers as init

SHAPE = (300, 200)  # fan-in 300, fan-out 200
VARIANCES = {
    "he_normal": 2 / 300,
    "he_uniform": 2 / 300,
    "glorot_normal": 2 / 500,
    "glorot_uniform": 2 / 500,
}


def draw(name, seed=0, shape=SHAPE, dtype=np.float64):
    return getattr(init, name)(shape, rng=np.random.default_rng(seed), dtype=dtype)


@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_is_that_of_the_paper(name):
    values = draw(name)
    # 60,000 draws: the variance of a sample is known to about half a percent.
    assert abs(values.var() / VARIANCES[name] - 1) < 0.03
    assert abs(values.mean()) < 5 * np.sqrt(VARIANCES[name] / values.size)


def test_fans_of_a_kernel_count_its_places():
    assert init.fans((300, 200)) == (300, 200)
    assert init.fans((8, 4, 5)) == (20, 40)
    assert init.fans((8, 4, 3, 2)) == (24, 48)
    kernels = init.he_normal((64, 32, 3, 3), rng=0, dtype=np.float64)
    assert abs(kernels.var() * 32 * 9 / 2 - 1) < 0.05


@pytest.mark.parametrize(("name", "fans"), [("he_uniform", 300), ("glorot_uniform", 500)])
def test_uniform_values_stay_within_their_limit(name, fans):
    limit = np.sqrt(6 / fans)
    largest = np.abs(draw(name)).max()
    assert 0.999 * limit < largest <= limit


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize("shape", [(3,), (), (0, 3), (4, 0, 3)])
def test_a_shape_without_fans_is_refused(name, shape):
    with pytest.raises(ShapeError, match=rf"{name}: .*Expected shape \(in, out\), or \(out, in"):
        draw(name, shape=shape)


def test_constants_fill_any_shape():
    assert init.zeros((2,)).tolist() == [0.0, 0.0]
    assert init.ones((1, 2), dtype=np.float64).tolist() == [[1.0, 1.0]]
    filled = init.constant(0.1)((2,), rng=np.random.default_rng(0), dtype=np.float32)
    assert filled.dtype == np.float32
    assert filled.tolist() == [np.float32(0.1)] * 2
