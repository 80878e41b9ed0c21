"""KLSparsity."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import ConfigError, DataError


def test_kl_sparsity_is_the_sum_over_units_of_the_divergence_of_their_means():
    a = np.random.default_rng(0).uniform(0.01, 0.99, size=(6, 4))
    mean, rho = a.mean(0), 0.1
    each = rho * np.log(rho / mean) + (1 - rho) * np.log((1 - rho) / (1 - mean))
    np.testing.assert_allclose(nn.KLSparsity(0.3, rho=rho)(a).item(), 0.3 * each.sum(), rtol=1e-12)
    both = nn.KLSparsity(0.3, rho=rho)([a, a[:, :2]]).item()
    np.testing.assert_allclose(both, 0.3 * (each.sum() + each[:2].sum()), rtol=1e-12)
    slope = ag.grad(lambda a: nn.KLSparsity(1.0, rho=rho)(a))(a).numpy()
    np.testing.assert_allclose(slope, np.tile((mean - rho) / (mean * (1 - mean)) / 6, (6, 1)))


def test_a_unit_that_is_never_on_costs_what_logarithms_of_minus_100_do():
    penalty = nn.KLSparsity(1.0, rho=0.5)(np.zeros((3, 1))).item()
    np.testing.assert_allclose(penalty, 50 - np.log(2), rtol=1e-12)


@pytest.mark.parametrize(
    "activations", [np.full((3, 2), 1.5), np.full((3, 2), np.nan), -np.ones((3, 2))]
)
def test_activations_that_are_no_shares_are_refused(activations):
    with pytest.raises(DataError, match=r"kl_sparsity: activations: expected numbers from 0 to 1"):
        nn.KLSparsity(1.0)(activations)


@pytest.mark.parametrize("rho", [0.0, 1.0, -0.1, np.nan])
def test_a_share_out_of_range_is_refused(rho):
    with pytest.raises(ConfigError, match="KLSparsity: rho"):
        nn.KLSparsity(1.0, rho=rho)


class Net(nn.Module):
    """One hidden layer, whose activations are kept."""

    def __init__(self):
        self.first = nn.Linear(3, 4, rng=0)
        self.second = nn.Linear(4, 2, rng=1)

    def forward(self, x):
        self.hidden = nn.functional.sigmoid(self.first(x))
        return self.second(self.hidden)


@pytest.mark.parametrize("jit", [False, True])
def test_fit_takes_it_of_activations_that_the_model_keeps(jit):
    x, y = np.random.default_rng(0).normal(size=(2, 32, 3))
    network, sparsity = Net(), nn.KLSparsity(1.0, rho=0.1)
    optimizer = optim.SGD(network.parameters(), lr=1.0)
    history = optim.fit(
        network, nn.MSELoss(), optimizer, (x, y[:, :2]), epochs=60, batch_size=16, rng=0,
        regularizer=lambda model: sparsity(model.hidden), verbose=0, jit=jit,
    )  # fmt: skip
    assert history["penalty"][-1] < 0.02 < history["penalty"][0]
    network(x)
    np.testing.assert_allclose(network.hidden.detach().numpy().mean(0), 0.1, atol=0.03)
