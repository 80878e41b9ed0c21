"""Variance and depth: as many units at every depth, networks that do not see each other, the region as it is drawn."""

from __future__ import annotations

import numpy as np
import pytest

import nn
import optim
from gradproof.reproductions.depth_variance import DEPTHS, Several, margin, network


@pytest.mark.parametrize("depth", DEPTHS)
def test_660_hidden_units_at_every_depth(depth):
    layers = [
        m for m in network(depth, np.random.default_rng(0)).modules() if isinstance(m, nn.Linear)
    ]
    assert len(layers) == depth + 1
    assert sum(layer.weight.shape[1] for layer in layers[:-1]) == 660


def small(seed):
    return nn.Sequential(nn.Linear(2, 3, rng=seed), nn.Tanh(), nn.Linear(3, 1, rng=seed + 1))


def test_networks_side_by_side_are_those_trained_alone():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 2, 2)).astype(np.float32)
    labels = rng.integers(0, 2, (20, 2)).astype(np.float32)

    def trained(model, x, labels):
        adam = optim.Adam(model.parameters(), lr=1e-2, eps=1e-30)
        options = {"epochs": 3, "batch_size": 5, "rng": 1, "verbose": 0}
        optim.fit(model, nn.BCEWithLogitsLoss(), adam, (x, labels), **options)
        return model

    both = trained(Several([small(0), small(2)]), x, labels)
    for n, alone in enumerate((small(0), small(2))):
        trained(Several([alone]), x[:, n : n + 1], labels[:, n : n + 1])
        for p, q in zip(both.networks[n].parameters(), alone.parameters(), strict=True):
            # Half of the slope, which Adam does not see.
            np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-4, atol=1e-5)


def test_the_region_is_two_pentagons_with_straight_sides():
    assert (margin(np.array([[-0.42, 0.1], [0.45, -0.12]])) > 0.3).all()
    assert (margin(np.array([[0.9, 0.9], [-0.9, -0.9], [0.02, 0.9]])) < 0).all()
    # Between two points of one pentagon all are inside: it is convex; of both together some are not.
    points = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    left = points[(margin(points) > 0) & (points[:, 0] < -0.03)]
    assert (
        margin((left[::2][: len(left) // 2] + left[1::2][: len(left) // 2]) / 2) > 0
    ).mean() > 0.99
    share = (margin(points) > 0).mean()
    assert 0.15 < share < 0.35
