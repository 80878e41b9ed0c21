"""Predictions on average: the bag of all masks, Monte Carlo, and scaling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError

F64 = np.float64
X = np.random.default_rng(0).normal(size=(4, 3))


def net(hidden=2, keep=0.75, scale="test", activation=nn.Tanh):
    return nn.Sequential(
        nn.Dropout(keep=keep, rng=0, scale=scale),
        nn.Linear(3, hidden, rng=1, dtype=F64),
        activation(),
        nn.Dropout(keep=0.5, rng=2, scale=scale),
        nn.Linear(hidden, 1, rng=3, dtype=F64),
    )


def by_hand(model, x, keep=0.75, activation=np.tanh):
    """Every network, with its probability."""
    w1, w2 = (model[k].weight.detach().numpy() for k in (1, 4))
    outputs, chances = [], []
    for inputs in itertools.product((0, 1), repeat=3):
        for units in itertools.product((0, 1), repeat=w1.shape[1]):
            outputs.append((activation((x * inputs) @ w1) * units) @ w2)
            chances.append(np.prod(np.where(inputs, keep, 1 - keep)) * 0.5 ** len(units))
    return np.array(outputs), np.array(chances)


def test_the_bag_is_the_mean_over_all_masks():
    model = net()
    outputs, chances = by_hand(model, X)
    assert len(outputs) == 2**5
    mean = np.einsum("m,mbo->bo", chances, outputs)
    std = np.sqrt(np.einsum("m,mbo->bo", chances, (outputs - mean) ** 2))
    found = nn.bag(model, X)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.std, std, rtol=1e-12)


def test_of_a_linear_net_the_bag_is_scaling_and_of_another_it_is_not():
    for activation, equal in ((nn.Identity, True), (nn.Tanh, False)):
        found = nn.averages(net(activation=activation), X, samples=1000)
        gap = np.abs(found.scaling - found.bag.mean).max()
        assert (gap < 1e-12) if equal else (gap > 1e-3)
        error = np.abs(found.monte_carlo.mean - found.bag.mean)
        assert (error < 5 * found.bag.std / np.sqrt(1000)).all()
        np.testing.assert_allclose(found.monte_carlo.std, found.bag.std, rtol=0.1)


@pytest.mark.parametrize(
    "layer",
    [
        nn.DropConnect(3, 1, keep=0.75, rng=0, dtype=F64, scale="test"),
        nn.DropConnect(3, 1, keep=0.75, rng=0, dtype=F64, per="batch", drop_bias=True),
        nn.Shakeout(3, 1, 0.25, rng=0, dtype=F64),
        nn.Shakeout(3, 1, 0.25, rng=0, dtype=F64, of="weights", per="batch"),
        nn.StochasticDepth(keep=0.75, rng=0),
        nn.StochasticDepth(keep=0.75, rng=0, scale="test", per="example"),
        nn.AlphaDropout(keep=0.75, rng=0, scale="test"),
    ],
    ids=repr,
)
def test_the_bag_of_layers_whose_mean_is_their_evaluation(layer):
    found = nn.bag(layer, X)
    np.testing.assert_allclose(found.mean, layer.eval()(X).detach().numpy(), rtol=1e-12)


def test_spatial_masks_are_counted_by_channel():
    model = nn.Sequential(nn.Dropout2d(keep=0.75, rng=0), nn.Flatten())
    images = np.random.default_rng(1).normal(size=(2, 3, 4, 4))
    np.testing.assert_allclose(nn.bag(model, images, most=8).mean, images.reshape(2, -1))
    with pytest.raises(ConfigError, match="3 entries of masks give 2\\^3 = 8 networks"):
        nn.bag(model, images, most=7)


def test_a_layer_that_is_called_twice_has_two_masks():
    drop = nn.Dropout(keep=0.75, rng=0, scale="test")
    found = nn.bag(nn.Sequential(drop, drop), np.ones((1, 2)))
    np.testing.assert_allclose(found.mean, 0.75**2)
    np.testing.assert_allclose(found.std, np.sqrt(0.75**2 * (1 - 0.75**2)))


def test_nothing_of_the_model_changes():
    model = net().train()
    model.eval()
    model[0].train()
    before, modes = model.state_dict(), [m.training for m in model.modules()]
    for predict in (nn.monte_carlo, nn.bag, nn.averages):
        first, second = predict(model, X), predict(model, X)
        np.testing.assert_equal(first, second)
    after = model.state_dict()
    assert all(np.array_equal(before[k], after[k]) for k in before)
    assert modes == [m.training for m in model.modules()]
    assert np.any(nn.monte_carlo(model, X, rng=5).mean != nn.monte_carlo(model, X).mean)


def test_batch_norm_evaluates_while_dropout_draws():
    norm = nn.BatchNorm1d(3, dtype=F64)
    model = nn.Sequential(norm, nn.Dropout(0.0, rng=0), nn.Dropout(0.5, rng=0))
    expected = norm.eval()(X).detach().numpy()
    np.testing.assert_allclose(nn.bag(model, X).mean, expected, rtol=1e-12)


def test_monte_carlo_takes_every_kind_of_noise_and_the_bag_only_masks():
    model = nn.Sequential(nn.GaussianNoise(0.5, rng=0), nn.Linear(3, 1, rng=0, dtype=F64))
    found = nn.averages(model, X, samples=1000)
    assert found.bag is None
    w = model[1].weight.detach().numpy()
    np.testing.assert_allclose(found.monte_carlo.std, 0.5 * np.linalg.norm(w), rtol=0.1)
    with pytest.raises(ConfigError, match=r"GaussianNoise draws more than masks.*nn\.monte_carlo"):
        nn.bag(model, X)


def test_too_large_a_bag_is_refused_with_its_count():
    with pytest.raises(
        ConfigError, match=r"40 entries of masks give 2\^40 = 1,099,511,627,776 netw"
    ):
        nn.bag(nn.Dropout(rng=0), np.ones((3, 40)))
    with pytest.raises(ConfigError, match=r"2\^100 = about 1\.27·10\^30 networks"):
        nn.bag(nn.Dropout(rng=0), np.ones((3, 100)))


@pytest.mark.parametrize("predict", [nn.monte_carlo, nn.bag])
def test_what_does_not_draw_is_refused(predict):
    with pytest.raises(ConfigError, match="Linear has no layer that draws"):
        predict(nn.Linear(3, 1), X)
    with pytest.raises(ConfigError, match="expected a Module; received function"):
        predict(lambda x: x, X)
    with pytest.raises(ConfigError, match=r"samples|most"):
        predict(net(), X, **{"samples" if predict is nn.monte_carlo else "most": 0})


def test_an_empty_batch_has_no_bag():
    with pytest.raises(ConfigError, match="expected a batch of one input or more"):
        nn.bag(net(), X[:0])


def test_all_off_and_all_on_are_one_network():
    for p, mean in ((0.0, X), (1.0, 0 * X)):
        found = nn.bag(nn.Dropout(p, rng=0, scale="test"), X, most=1)
        np.testing.assert_array_equal(found.mean, mean)
        np.testing.assert_array_equal(found.std, 0 * X)


def test_the_dtype_is_that_of_the_output():
    model = nn.Sequential(nn.Dropout(rng=0), nn.Linear(3, 1, rng=0))
    for found in (nn.bag(model, X.astype(np.float32)), nn.monte_carlo(model, X.astype(np.float32))):
        assert found.mean.dtype == found.std.dtype == np.float32


def test_a_tensor_is_a_batch():
    np.testing.assert_array_equal(nn.bag(net(), ag.tensor(X)).mean, nn.bag(net(), X).mean)


@pytest.mark.parametrize("predict", [nn.monte_carlo, nn.bag])
def test_more_than_one_output_is_refused(predict):
    class Two(nn.Module):
        def __init__(self):
            self.drop = nn.Dropout(0.5, rng=0)

        def forward(self, x):
            return self.drop(x), x

    with pytest.raises(ConfigError, match=r"the model gives a tuple\. Expected one array"):
        predict(Two(), X[:1])
