"""BatchNorm1d and the slides' statistics."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError

RNG = np.random.default_rng(0)
Z = RNG.normal(2.0, 3.0, size=(8, 3))


@pytest.fixture
def layer():
    return nn.BatchNorm1d(3, dtype=np.float64)


def accumulate(layer, *batches, last="own"):
    with layer.accumulate(last=last):
        for batch in batches:
            layer(batch)


def statistics(layer):
    return layer.running_mean.numpy().copy(), layer.running_var.numpy().copy()


def test_training_normalizes_by_the_batch(layer):
    layer.gamma.assign([1.0, 2.0, 3.0])
    layer.beta.assign([-1.0, 0.0, 1.0])
    u = (Z - Z.mean(0)) / np.sqrt(Z.var(0) + 1e-5)
    expected = np.array([1.0, 2.0, 3.0]) * u + np.array([-1.0, 0.0, 1.0])
    np.testing.assert_allclose(layer(Z).detach().numpy(), expected, rtol=1e-12)


def test_running_statistics_move_by_the_momentum_and_the_variance_is_unbiased(layer):
    layer(Z)
    mean, variance = statistics(layer)
    np.testing.assert_allclose(mean, 0.1 * Z.mean(0), rtol=1e-13)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * Z.var(0, ddof=1), rtol=1e-13)
    layer(Z + 1)
    np.testing.assert_allclose(
        layer.running_mean.numpy(), 0.9 * mean + 0.1 * (Z.mean(0) + 1), rtol=1e-13
    )


def test_evaluation_uses_the_running_statistics_and_leaves_them(layer):
    layer(Z)
    mean, variance = statistics(layer)
    layer.eval()
    x = RNG.normal(size=(2, 3))
    expected = (x - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-12)
    assert layer(x[:1]).shape == (1, 3)
    np.testing.assert_array_equal(statistics(layer), (mean, variance))


def test_no_gradient_flows_through_the_running_statistics(layer):
    layer(Z).sum().backward()
    assert layer.running_mean.is_leaf
    assert not layer.running_mean.requires_grad
    layer.zero_grad()
    layer(Z).sum().backward()  # the second pass does not meet a freed graph


def test_without_affine_there_are_no_parameters():
    layer = nn.BatchNorm1d(3, affine=False, dtype=np.float64)
    assert layer.parameter_count() == 0
    u = (Z - Z.mean(0)) / np.sqrt(Z.var(0) + 1e-5)
    np.testing.assert_allclose(layer(Z).numpy(), u, rtol=1e-12)
    assert layer.eval()(Z).shape == Z.shape


def test_a_trace_writes_the_statistics_to_the_program_and_not_to_memory(layer):
    before = statistics(layer)
    (B,) = ag.dims("B")
    program = ag.trace(layer)(ag.Abstract((B, 3)))
    np.testing.assert_array_equal(statistics(layer), before)
    assert {target.name for target, _ in program.writes} == {"running_mean", "running_var"}
    found = program.values(Z)
    written = {target.name: found[value] for target, value in program.writes}
    expected = layer(Z).detach().numpy()
    np.testing.assert_array_equal(program(Z), expected)
    np.testing.assert_array_equal(written["running_mean"], layer.running_mean.numpy())
    np.testing.assert_array_equal(written["running_var"], layer.running_var.numpy())


def test_a_trace_in_evaluation_writes_nothing(layer):
    layer.eval()
    assert ag.trace(layer)(Z).writes == ()


def test_a_bias_before_it_has_no_gradient(layer):
    bias = ag.tensor(np.zeros(3), requires_grad=True)
    (layer(Z + bias) ** 3).sum().backward()
    np.testing.assert_allclose(bias.grad.numpy(), 0, atol=1e-12)


@pytest.mark.parametrize("batch", [0, 1])
def test_a_batch_without_variance_is_refused_in_training(layer, batch):
    with pytest.raises(
        ShapeError, match=rf"BatchNorm1d\(3.*a batch of {batch} has no variance.*at least 2 rows"
    ):
        layer(Z[:batch])
    np.testing.assert_array_equal(layer.running_mean.numpy(), 0)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 3)])
def test_only_batches_of_rows_are_taken(layer, shape):
    with pytest.raises(ShapeError, match=r"no batch of rows. Expected shape \(batch, 3\)"):
        layer(np.ones(shape))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_features": 0}, ConfigError, "num_features: expected an integer of 1 or more"),
        ({"eps": 0}, ConfigError, r"eps: expected a finite number in \(0, inf\)"),
        ({"eps": np.nan}, ConfigError, "eps: expected a finite number"),
        ({"momentum": 1.5}, ConfigError, r"momentum: expected .* in \[0, 1\]; received 1\.5"),
        ({"dtype": int}, DTypeError, "dtype: expected a float dtype"),
    ],
)
def test_options_outside_their_range_are_refused(options, error, message):
    with pytest.raises(error, match=f"BatchNorm1d: .*{message}"):
        nn.BatchNorm1d(**{"num_features": 3, **options})


def test_the_dtype_is_the_layers_own():
    layer = nn.BatchNorm1d(3)
    assert layer(Z).dtype == np.float32
    assert layer.running_mean.dtype == np.float32
    assert layer.eval()(Z).dtype == np.float32


# The slides' statistics ---------------------------------------------------------------------------


def test_accumulate_averages_over_equal_batches(layer):
    accumulate(layer, Z[:4], Z[4:])
    mean, variance = statistics(layer)
    np.testing.assert_allclose(mean, (Z[:4].mean(0) + Z[4:].mean(0)) / 2, rtol=1e-13)
    biased = Z[:4].var(0) + Z[4:].var(0)
    np.testing.assert_allclose(variance, 4 / (3 * 2) * biased, rtol=1e-13)


def test_a_short_last_batch_counts_with_its_own_factor_or_is_dropped(layer):
    parts = [Z[:3], Z[3:6], Z[6:]]
    accumulate(layer, *parts)
    expected = sum(part.var(0, ddof=1) for part in parts) / 3
    np.testing.assert_allclose(layer.running_var.numpy(), expected, rtol=1e-13)
    expected = sum(part.mean(0) for part in parts) / 3
    np.testing.assert_allclose(layer.running_mean.numpy(), expected, rtol=1e-13)
    accumulate(layer, *parts, last="drop")
    expected = sum(part.var(0, ddof=1) for part in parts[:2]) / 2
    np.testing.assert_allclose(layer.running_var.numpy(), expected, rtol=1e-13)


def test_a_last_batch_of_one_can_be_dropped_but_not_counted(layer):
    before = statistics(layer)
    with pytest.raises(ShapeError, match=r'a batch of 1 has no unbiased variance.*last="drop"'):
        accumulate(layer, Z[:7], Z[7:])
    np.testing.assert_array_equal(statistics(layer), before)
    accumulate(layer, Z[:7], Z[7:], last="drop")
    np.testing.assert_allclose(layer.running_mean.numpy(), Z[:7].mean(0), rtol=1e-13)


def test_accumulate_leaves_the_statistics_when_the_block_fails(layer):
    before = statistics(layer)
    with pytest.raises(ShapeError, match="the input does not fit"):
        accumulate(layer, Z, Z[:, :2])
    np.testing.assert_array_equal(statistics(layer), before)
    layer.eval()(Z[:1])  # no longer accumulating


def test_accumulate_refuses_unequal_batches_and_none(layer):
    with pytest.raises(ShapeError, match=r"average is over equal batches.*received sizes \[2, 4\]"):
        accumulate(layer, Z[:2], Z[:4])
    with pytest.raises(ConfigError, match="accumulate saw no batch"):
        accumulate(layer)
    with pytest.raises(ConfigError, match="last: expected one of 'own', 'drop'; received 3"):
        accumulate(layer, Z, last=3)


def test_accumulate_does_not_nest(layer):
    with layer.accumulate():
        layer(Z)
        with pytest.raises(ConfigError, match="accumulate is already running"):
            accumulate(layer, Z + 1)
    np.testing.assert_allclose(layer.running_mean.numpy(), Z.mean(0), rtol=1e-13)


def test_estimate_statistics_sees_the_final_network_without_dropout():
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.Linear(3, 5, rng=rng, dtype=np.float64),
        nn.BatchNorm1d(5, dtype=np.float64),
        nn.ReLU(),
        nn.Dropout(0.5, rng=rng),
        nn.Linear(5, 4, rng=rng, dtype=np.float64),
        nn.BatchNorm1d(4, dtype=np.float64),
    )
    model[2].eval()
    weights = {name: p.numpy() for name, p in model.named_parameters()}
    nn.estimate_statistics(model, (Z[:4], Z[4:]))

    def hidden(z):
        h = z @ weights["0.weight"] + weights["0.bias"]
        u = (h - h.mean(0)) / np.sqrt(h.var(0) + 1e-5)
        return h, np.maximum(u, 0) @ weights["4.weight"] + weights["4.bias"]

    parts = [hidden(Z[:4]), hidden(Z[4:])]
    for layer, position in ((model[1], 0), (model[5], 1)):
        mean = sum(part[position].mean(0) for part in parts) / 2
        variance = sum(part[position].var(0, ddof=1) for part in parts) / 2
        np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(layer.running_var.numpy(), variance, rtol=1e-12)
    assert int(model[3].counter) == 0
    assert [child.training for child in model] == [True, True, False, True, True, True]


def test_estimate_statistics_needs_batch_norm_and_restores_modes_on_error():
    with pytest.raises(ConfigError, match=r"the model has no batch norm.*received ReLU"):
        nn.estimate_statistics(nn.ReLU(), [Z])
    model = nn.Sequential(nn.BatchNorm1d(3))
    with pytest.raises(ShapeError, match="the input does not fit"):
        nn.estimate_statistics(model, [Z, Z[:, :2]])
    assert model.training
    np.testing.assert_array_equal(model[0].running_mean.numpy(), 0)
