"""L2."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng, dtype=np.float64, bias_init=nn.initializers.ones),
        nn.BatchNorm1d(4, dtype=np.float64),
        nn.Linear(4, 2, rng=rng, dtype=np.float64),
    )


def squares(*tensors):
    return sum((t.numpy() ** 2).sum() for t in tensors)


def test_it_penalizes_matrices_and_neither_biases_nor_norm_parameters(model):
    expected = 0.3 / 2 * squares(model[0].weight, model[2].weight)
    penalty = nn.L2(0.3)(model)
    np.testing.assert_allclose(penalty.detach().numpy(), expected, rtol=1e-13)
    penalty.backward()
    np.testing.assert_allclose(
        model[0].weight.grad.numpy(), 0.3 * model[0].weight.numpy(), rtol=1e-13
    )
    assert model[0].bias.grad is None
    assert model[1].gamma.grad is None


def test_all_parameters_can_be_asked_for(model):
    expected = 0.3 / 2 * squares(*model.parameters())
    found = nn.L2(0.3, parameters="all")(model)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-13)


def test_given_arrays_are_penalized_as_they_are(model):
    expected = 0.3 / 2 * squares(model[0].bias)
    np.testing.assert_allclose(nn.L2(0.3)([model[0].bias]).detach().numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(nn.L2(2)([np.array([3.0])]).numpy(), 9.0)


def test_without_the_half_it_is_the_slides_other_form(model):
    np.testing.assert_allclose(
        nn.L2(0.3, half=False)(model).detach().numpy(),
        0.3 * squares(model[0].weight, model[2].weight),
        rtol=1e-13,
    )


def test_a_step_with_the_penalty_is_the_slides_update():
    weight = ag.tensor([[1.0, -2.0]], requires_grad=True)
    x, d, lam = np.array([[0.5]]), np.array([[1.0, 1.0]]), 0.1
    (nn.SquaredErrorLoss()(x @ weight, d) + nn.L2(lam)([weight])).backward()
    w = weight.numpy()
    np.testing.assert_allclose(weight.grad.numpy(), 2 * x.T @ (x @ w - d) + lam * w, rtol=1e-13)


def test_float32_weights_give_a_float32_penalty():
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    assert nn.L2(0.1)(model).dtype == np.float32


@pytest.mark.parametrize("lam", [-0.1, np.inf, np.nan, "1"])
def test_a_strength_out_of_range_is_refused(lam):
    with pytest.raises(ConfigError, match=r"L2: lam: expected a finite number in \[0, inf\)"):
        nn.L2(lam)


def test_a_name_for_parameters_is_checked_and_nothing_to_penalize_is_an_error():
    with pytest.raises(ConfigError, match="L2: parameters: expected one of 'weights', 'all'"):
        nn.L2(0.1, parameters="biases")
    with pytest.raises(ConfigError, match="no weights to penalize"):
        nn.L2(0.1)(nn.BatchNorm1d(3))


def test_repr_names_strength_and_form():
    assert repr(nn.L2(1e-4)) == "L2(0.0001)"
    assert repr(nn.L2(2, half=False, parameters="all")) == 'L2(2, half=False, parameters="all")'
