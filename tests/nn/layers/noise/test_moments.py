"""Layers of normal numbers, and of SELU: moments, formulas, what is given in evaluation."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError

F = nn.functional
MANY = np.full(200_000, 2.0)


def within(values, mean, variance):
    """Five standard errors, with room for a kurtosis of normal products."""
    n = values.size
    assert abs(values.mean() - mean) <= 5 * np.sqrt(variance / n) + 1e-6
    assert abs(values.var() - variance) <= 15 * variance / np.sqrt(n) + 1e-6


@pytest.mark.parametrize(("scale", "mean"), [("inverted", 1.0), ("test", 0.8)])
def test_gaussian_dropout_has_the_moments_of_a_mask(scale, mean):
    layer = nn.GaussianDropout(keep=0.8, scale=scale, rng=0)
    within(layer(MANY).numpy(), 2 * mean, 4 * mean**2 * 0.25)
    np.testing.assert_allclose(layer.eval()(MANY).numpy(), mean * MANY, rtol=1e-15)


def test_gaussian_noise_adds_its_variance_to_any_input():
    layer = nn.GaussianNoise(0.3, rng=0)
    within(layer(MANY).numpy(), 2.0, 0.09)
    np.testing.assert_array_equal(layer.eval()(MANY).numpy(), MANY)
    assert int(nn.GaussianNoise(0.0)(MANY).numpy().var()) == 0
    for bad in (-1, np.nan, np.inf, "1"):
        with pytest.raises(ConfigError, match="GaussianNoise: std: expected"):
            nn.GaussianNoise(bad)


def test_alpha_dropout_keeps_mean_0_and_variance_1():
    x = np.random.default_rng(1).normal(size=200_000)
    layer = nn.AlphaDropout(0.2, rng=0)
    within(layer(x).numpy(), 0.0, 1.0)
    np.testing.assert_array_equal(layer.eval()(x).numpy(), x)


def test_alpha_dropout_by_hand():
    x, keep, off = np.linspace(-1, 2, 6).reshape(2, 3), 0.7, -1.7580993408473766
    mask = np.array([[True, False, True], [False, True, True]])
    a = (keep + off**2 * keep * (1 - keep)) ** -0.5
    b = -a * (1 - keep) * off
    expected = a * (x * mask + off * (1 - mask)) + b
    np.testing.assert_allclose(F.alpha_dropout(x, mask, keep).numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(F.alpha_dropout(x, mask).numpy(), np.where(mask, x, off), rtol=1e-15)


def test_a_unit_that_is_off_is_where_selu_ends():
    assert F.alpha_dropout(np.zeros(1), np.array([False])).numpy()[0] == F.selu(-100.0).numpy()


def test_the_slides_rule_for_alpha_dropout_is_its_expected_output():
    layer = nn.AlphaDropout(keep=0.7, scale="test", rng=0)
    mean = layer(MANY).numpy().mean()
    assert abs(mean - layer.eval()(2.0).numpy()) < 5 * 3.76 * np.sqrt(0.21 / MANY.size)


def test_normal_numbers_are_box_and_mullers_and_end_where_bits_do():
    last = 2**32 - 1
    bits = np.array([[0, 0, last, 2**31], [0, 2**31, 0, 2**30]], np.uint32)
    z = F.standard_normal(bits, np.float64).numpy()
    u = (bits[0] + 0.5) / 2**32
    np.testing.assert_allclose(
        z, np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * bits[1] / 2**32), atol=1e-15
    )
    assert np.abs(z).max() < 6.77
    assert np.isfinite(F.standard_normal(bits, np.float16).numpy()).all()


def test_bits_are_bits():
    for wrong in (np.ones((2, 3)), np.ones((2, 3), np.int64)):
        with pytest.raises(DTypeError, match="expected random bits as uint32"):
            F.standard_normal(wrong)
        with pytest.raises(DTypeError, match="expected random bits as uint32"):
            F.bernoulli(wrong, 0.5)
    for shape in ((), (3,), (1, 2)):
        with pytest.raises(ShapeError, match=r"expected bits of shape \(2, …\)"):
            F.standard_normal(np.zeros(shape, np.uint32))
    with pytest.raises(ConfigError, match="bernoulli: keep"):
        F.bernoulli(np.zeros(2, np.uint32), np.nan)
