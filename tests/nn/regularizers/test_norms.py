"""Penalties on weights."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import ConfigError, DataError
from nn.regularizers.penalty import PenaltySum


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


# --- the others ----------------------------------------------------------------------------------


def absolutes(*tensors):
    return sum(np.abs(t.numpy()).sum() for t in tensors)


def test_l1_and_elastic_net_are_the_slides_sums(model):
    weights = model[0].weight, model[2].weight
    np.testing.assert_allclose(nn.L1(0.3)(model).item(), 0.3 * absolutes(*weights), rtol=1e-13)
    expected = 0.3 * (2.5 * squares(*weights) + absolutes(*weights))
    np.testing.assert_allclose(nn.ElasticNet(0.3, beta=2.5)(model).item(), expected, rtol=1e-13)


def test_the_gradient_of_an_absolute_value_is_its_sign_and_0_at_0():
    slope = ag.grad(lambda w: nn.L1(0.5)([w]))(np.array([2.0, 0.0, -0.0, -3.0]))
    assert slope.numpy().tolist() == [0.5, 0, 0, -0.5]


def test_which_parameters_are_meant_is_said_by_name_by_layer_or_by_a_function(model):
    first, last = model[0], model[2]
    for asked, meant in (
        (["0"], [first.weight, first.bias]),
        (["2.weight", "0.bias"], [last.weight, first.bias]),
        (lambda name, w: name.endswith("bias"), [first.bias, last.bias]),
        (lambda name, w: w.ndim == 2 and w.shape[0] > 3, [last.weight]),
    ):
        found = nn.L2(0.3, parameters=asked)(model).item()
        np.testing.assert_allclose(found, 0.15 * squares(*meant), rtol=1e-13)


def test_a_name_that_there_is_not_is_an_error_that_lists_those_that_there_are(model):
    with pytest.raises(ConfigError, match=r"no parameter or layer '3'.*0\.weight"):
        nn.L2(0.3, parameters=["0", "3"])(model)
    with pytest.raises(ConfigError, match=r"no parameter or layer '0.wei'"):
        nn.L2(0.3, parameters=["0.wei"])(model)
    for wrong in ([], [1], 3, None):
        with pytest.raises(ConfigError, match="L1: parameters: expected"):
            nn.L1(0.3, parameters=wrong)


def test_sums_of_penalties_give_each_layer_its_own_strength(model):
    both = nn.L2(0.3, parameters=["0.weight"]) + nn.L2(0.1, parameters=["2.weight"]) + nn.L1(0.2)
    assert len(both.parts) == 3
    expected = (
        0.15 * squares(model[0].weight)
        + 0.05 * squares(model[2].weight)
        + 0.2 * absolutes(model[0].weight, model[2].weight)
    )
    np.testing.assert_allclose(both(model).item(), expected, rtol=1e-13)
    twice = (nn.L1(1.0) + nn.L2(1.0)) + (nn.L1(1.0) + nn.L2(1.0))
    assert [type(part).__name__ for part in twice.parts] == ["L1", "L2", "L1", "L2"]
    compiled = ag.jit(lambda w: ag.grad(lambda w: twice([w]))(w))
    np.testing.assert_allclose(compiled(np.array([3.0, -1.0])).numpy(), [8, -4], rtol=1e-13)
    with pytest.raises(TypeError):
        nn.L1(1.0) + 3
    with pytest.raises(ConfigError, match="expected penalties on weights"):
        PenaltySum(nn.L1(1.0), nn.ReLU())


def test_a_shared_parameter_counts_once_and_a_frozen_one_too():
    layer = nn.Linear(2, 2, rng=0, dtype=np.float64)
    tied = nn.Sequential(layer, nn.Tanh(), layer)
    assert nn.L2(0.3)(tied).item() == nn.L2(0.3)(layer).item()
    layer.requires_grad_(False)
    assert nn.L2(0.3)(layer).item() == 0.15 * squares(layer.weight)


def test_group_lasso_takes_the_weights_that_come_into_a_unit():
    w, k = np.arange(6.0).reshape(2, 3), np.arange(24.0).reshape(2, 3, 4)
    expected = np.sqrt(2) * np.linalg.norm(w, axis=0).sum()
    np.testing.assert_allclose(nn.GroupLasso(1.0)([w]).item(), expected, rtol=1e-13)
    kernels = np.sqrt(12) * np.sqrt((k**2).sum((1, 2))).sum()
    np.testing.assert_allclose(nn.GroupLasso(1.0)([k]).item(), kernels, rtol=1e-13)
    rows = np.sqrt(3) * np.linalg.norm(w, axis=1).sum()
    np.testing.assert_allclose(nn.GroupLasso(1.0, axis=0)([w]).item(), rows, rtol=1e-13)
    slope = ag.grad(lambda w: nn.GroupLasso(1.0)([w]))(np.zeros((2, 3)))
    assert (slope.numpy() == 0).all()


def test_decay_in_the_loss_in_the_gradient_and_beside_it_agree_for_plain_descent_alone():
    x, d = np.random.default_rng(1).normal(size=(2, 8, 3))

    def trained(kind, how, **options):
        w = ag.tensor(np.ones((3, 3)), requires_grad=True)
        transforms = [optim.WeightDecay(0.4)] if how == "beside" else []
        inside = {"weight_decay": 0.4} if how == "gradient" else {}
        optimizer = kind([w], lr=0.05, transforms=transforms, **inside, **options)
        for _ in range(5):
            optimizer.zero_grad()
            loss = nn.SquaredErrorLoss()(x @ w, d)
            (loss + nn.L2(0.4)([w]) if how == "loss" else loss).backward()
            optimizer.step()
        return w.numpy()

    plain = [trained(optim.SGD, how) for how in ("loss", "gradient", "beside")]
    np.testing.assert_allclose(plain[1:], [plain[0]] * 2, rtol=1e-12)
    for options in ((optim.SGD, {"momentum": 0.9}), (optim.Adam, {})):
        found = [trained(options[0], how, **options[1]) for how in ("loss", "gradient", "beside")]
        np.testing.assert_allclose(found[1], found[0], rtol=1e-9)
        assert np.abs(found[2] - found[0]).max() > 1e-3


def test_soft_threshold_refuses_a_negative_threshold_in_a_compiled_step_too():
    compiled = ag.jit(nn.functional.soft_threshold)
    assert compiled(np.array([2.0, -0.5]), np.array(1.0)).numpy().tolist() == [1, 0]
    for call in (nn.functional.soft_threshold, compiled):
        with pytest.raises(DataError, match="expected numbers of 0 or more; received -1"):
            call(np.array([2.0, -0.5]), np.array(-1.0))


def test_a_network_is_no_steeper_than_the_product_of_its_weights_norms_and_less_so_for_larger_lambdas():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 2))
    d = np.sign(rng.normal(size=(40, 1)))
    bounds, slopes = [], []
    for lam in (0.0, 0.02, 0.2):
        network = nn.Sequential(
            nn.Linear(2, 16, rng=0, dtype=np.float64),
            nn.Tanh(),
            nn.Linear(16, 1, rng=1, dtype=np.float64),
        )
        optimizer = optim.Adam(network.parameters(), lr=0.05)
        step = ag.jit(lambda n=network, o=optimizer, lam=lam: _step(n, o, lam, x, d))
        for _ in range(300):
            step()
        slope = ag.vmap(ag.grad(lambda x, n=network: n(x[None])[0, 0]))(x).numpy()
        slopes.append(np.linalg.norm(slope, axis=1).max())
        bounds.append(np.prod([np.linalg.norm(network[k].weight.numpy()) for k in (0, 2)]))
    assert (np.array(slopes) <= bounds).all()
    assert bounds == sorted(bounds, reverse=True)
    assert slopes == sorted(slopes, reverse=True)


def _step(network, optimizer, lam, x, d):
    optimizer.zero_grad()
    (nn.SquaredErrorLoss()(network(x), d) + nn.L2(lam)(network)).backward()
    optimizer.step()
