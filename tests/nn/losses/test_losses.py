"""Losses as modules."""

from __future__ import annotations

import numpy as np

import nn

RNG = np.random.default_rng(0)
Y, D = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
LABELS = np.array([0, 1, 2, 1, 0])


def test_cross_entropy_is_the_mean_negative_log_probability():
    p = np.exp(Y) / np.exp(Y).sum(1, keepdims=True)
    expected = -np.log(p[np.arange(5), LABELS]).mean()
    np.testing.assert_allclose(nn.CrossEntropyLoss()(Y, LABELS).numpy(), expected, rtol=1e-13)


def test_mse_averages_over_elements_and_squared_error_sums_over_outputs():
    np.testing.assert_allclose(nn.MSELoss()(Y, D).numpy(), np.mean((Y - D) ** 2), rtol=1e-13)
    expected = np.sum((Y - D) ** 2) / 5
    np.testing.assert_allclose(nn.SquaredErrorLoss()(Y, D).numpy(), expected, rtol=1e-13)
