"""BatchNorm1d and the slides' statistics."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError, StateError

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


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [
        (nn.BatchNorm1d, (3,), r"\(batch, 3\) or \(batch, 3, length\).*axis of the batch before"),
        (nn.BatchNorm1d, (3, 2), "Transpose it: the batch is the first axis"),
        (nn.BatchNorm1d, (2, 4, 3), "Transpose it: channels come before places"),
        (nn.BatchNorm1d, (2, 3, 1, 1), r"nn\.Flatten"),
        (nn.BatchNorm2d, (2, 3), r"Expected shape \(batch, 3, height, width\); received \(2, 3\)"),
        (nn.BatchNorm2d, (3, 4, 4), "axis of the batch before"),
        (nn.BatchNorm2d, (2, 4, 4, 3), "Transpose it: channels"),
    ],
)
def test_only_batches_of_its_units_are_taken(kind, shape, message):
    with pytest.raises(ShapeError, match=f"the input does not fit.*{message}"):
        kind(3)(np.ones(shape))


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
    with pytest.raises(ConfigError, match="it saw no batch"):
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


def test_later_layers_may_see_what_evaluation_gives_instead():
    """earlier="final": the statistics are those of what evaluation computes, layer by layer."""
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.BatchNorm1d(3, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(3, 4, rng=rng, dtype=np.float64),
        nn.BatchNorm1d(4, dtype=np.float64),
        nn.Tanh(),
        nn.BatchNorm1d(4, dtype=np.float64),
    )
    batches = (batch for batch in (Z[:4], Z[4:]))  # read once, all the same
    nn.estimate_statistics(model, batches, earlier="final")
    model.eval()
    for place in (0, 3, 5):
        parts = [model[:place](z).numpy() if place else z for z in (Z[:4], Z[4:])]
        mean, variance = statistics(model[place])
        np.testing.assert_allclose(mean, sum(p.mean(0) for p in parts) / 2, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(variance, sum(p.var(0, ddof=1) for p in parts) / 2, rtol=1e-12)
    final = [statistics(model[place]) for place in (0, 3, 5)]
    nn.estimate_statistics(model, [Z[:4], Z[4:]])
    np.testing.assert_array_equal(statistics(model[0]), final[0])
    assert np.abs(model[3].running_mean.numpy() - final[1][0]).max() > 1e-3


class Backwards(nn.Module):
    """Its layers are called in another order than they were made in."""

    def __init__(self):
        self.second = nn.BatchNorm1d(3, dtype=np.float64)
        self.first = nn.BatchNorm1d(3, dtype=np.float64)

    def forward(self, z):
        return self.second(ag.tanh(self.first(z)))


def test_the_order_is_that_of_the_calls():
    model = Backwards()
    nn.estimate_statistics(model, [Z[:4], Z[4:]], earlier="final")
    seen = [np.tanh(model.first.eval()(z).detach().numpy()) for z in (Z[:4], Z[4:])]
    expected = sum(z.mean(0) for z in seen) / 2
    np.testing.assert_allclose(model.second.running_mean.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("earlier", ["batch", "final"])
@pytest.mark.parametrize(
    "batches", [[Z[:4], Z[4:], Z[:1]], [Z[:4], Z[4:] * np.nan], [Z[:4], Z[4:, :2]]]
)
def test_a_fault_in_any_batch_leaves_all_statistics(earlier, batches):
    model = Backwards()
    before = model.state_dict()
    with pytest.raises((ShapeError, DataError)):
        nn.estimate_statistics(model, batches, earlier=earlier)
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, before[name])
    model(Z)  # no longer collecting


def test_a_layer_that_is_called_twice_has_two_statistics_of_each_batch(layer):
    model = nn.Sequential(layer, nn.Tanh(), layer)
    parts = [Z[:3], Z[3:6], Z[6:]]
    later = [np.tanh((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5)) for z in parts]
    nn.estimate_statistics(model, parts)
    expected = np.mean([z.mean(0) for z in (*parts, *later)], axis=0)
    np.testing.assert_allclose(layer.running_mean.numpy(), expected, rtol=1e-12)
    nn.estimate_statistics(model, parts, last="drop")
    expected = np.mean([z.mean(0) for z in (*parts[:2], *later[:2])], axis=0)
    np.testing.assert_allclose(layer.running_mean.numpy(), expected, rtol=1e-12)


def test_inputs_come_without_targets(layer):
    with pytest.raises(ConfigError, match=r"a tuple of 2\. Pass the inputs alone"):
        nn.estimate_statistics(layer, [(Z, Z)])


def test_the_rule_of_inference_has_a_name():
    layer = nn.BatchNorm1d(3, inference="average", dtype=np.float64)
    layer(Z)
    assert np.isnan(statistics(layer)).all()  # which training leaves alone
    layer.eval()
    for use in (layer, ag.jit(layer)):
        with pytest.raises(StateError, match=r'inference="average".*first call nn\.estimate_stat'):
            use(Z)
    nn.estimate_statistics(layer, [Z[:4], Z[4:]])
    expected = statistics(layer)
    np.testing.assert_array_equal(layer(Z).detach().numpy(), ag.jit(layer)(Z).numpy())
    layer.train()(Z)
    np.testing.assert_array_equal(statistics(layer), expected)
    other = nn.BatchNorm1d(3, inference="average", dtype=np.float64)
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(
        other.eval()(Z).detach().numpy(), layer.eval()(Z).detach().numpy()
    )


def test_evaluation_before_any_training_takes_mean_0_and_variance_1(layer):
    np.testing.assert_allclose(layer.eval()(Z).detach().numpy(), Z / np.sqrt(1 + 1e-5), rtol=1e-14)


# Images and sequences -----------------------------------------------------------------------------

IMAGES = RNG.normal(2.0, 3.0, size=(6, 3, 2, 2))


@pytest.mark.parametrize(
    ("kind", "x"), [(nn.BatchNorm1d, IMAGES[..., 0]), (nn.BatchNorm2d, IMAGES)]
)
def test_statistics_count_batch_and_places(kind, x):
    layer, axes = kind(3, dtype=np.float64), (0, *range(2, x.ndim))
    layer(x)
    mean, variance = statistics(layer)
    np.testing.assert_allclose(mean, 0.1 * x.mean(axes), rtol=1e-13)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * x.var(axes, ddof=1), rtol=1e-13)
    nn.estimate_statistics(layer, [x[:4], x[4:]])
    mean, variance = statistics(layer)
    np.testing.assert_allclose(mean, (x[:4].mean(axes) + x[4:].mean(axes)) / 2, rtol=1e-13)
    expected = (x[:4].var(axes, ddof=1) + x[4:].var(axes, ddof=1)) / 2
    np.testing.assert_allclose(variance, expected, rtol=1e-13)


def test_a_single_image_is_a_batch_if_it_has_places():
    layer = nn.BatchNorm2d(3, dtype=np.float64)
    layer(IMAGES[:1])
    with pytest.raises(ShapeError, match=r"a batch of 1 has no variance.*2 values of each unit"):
        layer(IMAGES[:1, :, :1, :1])


# Selected units -----------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [[2, 0], (-1, -3), np.array([True, False, True])])
@pytest.mark.parametrize("training", [True, False])
def test_only_the_selected_units_are_normalized(units, training):
    layer = nn.BatchNorm1d(3, units=units, dtype=np.float64)
    order = [0, 2] if isinstance(units, np.ndarray) else [2, 0]
    whole = nn.BatchNorm1d(2, dtype=np.float64)
    for part in (layer, whole):
        part.gamma.assign([2.0, 3.0])
        part.beta.assign([-1.0, 1.0])
    for z in (Z, Z + 1):
        found, expected = layer(z), whole(z[:, order])
    if not training:
        found, expected = layer.eval()(Z), whole.eval()(Z[:, order])
        z = Z
    np.testing.assert_array_equal(found.detach().numpy()[:, order], expected.detach().numpy())
    np.testing.assert_array_equal(found.detach().numpy()[:, 1], z[:, 1])
    np.testing.assert_array_equal(statistics(layer), statistics(whole))
    assert layer.parameter_count() == 4
    nn.estimate_statistics(layer, [Z[:4], Z[4:]])
    nn.estimate_statistics(whole, [Z[:4, order], Z[4:, order]])
    np.testing.assert_array_equal(statistics(layer), statistics(whole))


def test_an_unselected_unit_passes_even_if_it_has_no_numbers():
    z = Z.copy()
    z[:, 1] = np.nan
    output = nn.BatchNorm1d(3, units=[0, 2], dtype=np.float64)(z).detach().numpy()
    assert np.isfinite(output[:, [0, 2]]).all()


@pytest.mark.parametrize(
    "units", [[], [3], [-4], [0, 0], [0, -3], [True, False], [False] * 3, 1, [0.5], "ab", [[0]]]
)
def test_what_selects_no_units_is_refused(units):
    with pytest.raises(
        ConfigError, match=r"BatchNorm1d: units: expected different indices from -3"
    ):
        nn.BatchNorm1d(3, units=units)


# Precision ----------------------------------------------------------------------------------------


def test_in_float16_statistics_are_kept_in_float32():
    layer = nn.BatchNorm1d(3, dtype=np.float16)
    z = (Z * 400).astype(np.float16)
    for _ in range(200):
        layer(z)
    assert layer.gamma.dtype == np.float16
    assert layer.running_var.dtype == np.float32
    np.testing.assert_allclose(layer.running_var.numpy(), z.astype(float).var(0, ddof=1), rtol=1e-3)
    for training in (True, False):
        output = layer.train(training)(z)
        assert output.dtype == np.float16
        assert np.isfinite(output.detach().numpy()).all()


def test_a_frozen_layer_keeps_its_statistics_in_evaluation_and_moves_them_in_training(layer):
    layer.requires_grad_(False)
    z = ag.tensor(Z, requires_grad=True)
    (layer(z) ** 3).sum().backward()
    assert layer.gamma.grad is None
    assert np.abs(layer.running_mean.numpy()).min() > 0
    assert z.grad is not None


def test_a_unit_that_never_changes_gives_the_shift_and_a_finite_gradient(layer):
    z = ag.tensor(np.concatenate([Z[:, :2], np.full((8, 1), 0.1)], 1), requires_grad=True)
    output = layer(z)
    np.testing.assert_allclose(output.detach().numpy()[:, 2], 0, atol=1e-12)
    (output * Z).sum().backward()
    assert np.isfinite(z.grad.numpy()).all()


def test_a_compiled_step_moves_the_running_statistics_as_an_eager_one():
    layers = [nn.BatchNorm2d(3, dtype=np.float64) for _ in range(2)]
    compiled = ag.jit(lambda x: ag.sum(layers[0](x) ** 3))
    for k in range(3):
        a, b = compiled(IMAGES + k), ag.sum(layers[1](IMAGES + k) ** 3)
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(statistics(layers[0]), statistics(layers[1]), rtol=1e-12)
