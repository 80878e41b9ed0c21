"""Units that start alike: training does not tell them apart, and dropout does."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.sin(X.sum(1, keepdims=True))


def trained(alike, *between):
    """A network of six hidden units after fifty steps, and how far its units are from each other."""
    given = {"weight_init": alike} if alike else {}
    model = nn.Sequential(
        nn.Linear(3, 6, rng=0, dtype=np.float64, **given),
        *between,
        nn.Tanh(),
        nn.Linear(6, 1, rng=1, dtype=np.float64, **given),
    )
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    loss = nn.MSELoss()
    for _ in range(50):
        optimizer.zero_grad()
        loss(model(X), Y).backward()
        optimizer.step()
    weight = model[0].weight.numpy()
    assert np.abs(weight - 0.3).max() > 0.1  # it has moved
    return np.ptp(weight, axis=1).max()


@pytest.mark.parametrize("alike", [nn.initializers.constant(0.3), nn.initializers.ones])
def test_units_that_start_alike_stay_alike(alike):
    assert trained(alike) < 1e-12


def test_batch_norm_does_not_tell_them_apart():
    assert trained(nn.initializers.constant(0.3), nn.BatchNorm1d(6, dtype=np.float64)) < 1e-12


def test_under_dropout_they_part():
    assert trained(nn.initializers.constant(0.3), nn.Dropout(0.5, rng=2)) > 0.1


def test_started_at_random_they_are_apart():
    assert trained(None) > 0.1


def test_all_zeros_do_not_even_move():
    model = nn.Sequential(
        nn.Linear(3, 6, weight_init=nn.initializers.zeros, rng=0),
        nn.Tanh(),
        nn.Linear(6, 1, weight_init=nn.initializers.zeros, rng=0),
    )
    gradients = ag.grad(
        lambda w: nn.MSELoss()(nn.functional_call(model, {"0.weight": w}, (X,)), Y)
    )(model[0].weight.numpy())
    assert not gradients.numpy().any()
