"""Layers with noise on their connections, against formulas in NumPy, and the moments that they promise."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, ShapeError

F = nn.functional
X = np.random.default_rng(0).normal(size=(40, 3))
ROW = np.tile(np.array([[0.5, -1.0, 2.0]]), (40_000, 1))


def make(kind, *args, **options):
    options = {"rng": 0, "dtype": np.float64, "bias_init": nn.initializers.ones, **options}
    return kind(3, 2, *args, **options)


def values(tensor):
    return tensor.detach().numpy()


def near(drawn, mean, variance):
    """Of many draws for one input: five standard errors of the mean, and room for the variance."""
    n = len(drawn)
    np.testing.assert_array_less(np.abs(drawn.mean(0) - mean), 5 * np.sqrt(variance / n))
    np.testing.assert_allclose(drawn.var(0), variance, rtol=0.05)


def every_mask(size):
    return (np.arange(2**size)[:, None] >> np.arange(size)) & 1


# DropConnect ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "factor"), [("test", 1.0), ("inverted", 1 / 0.75)])
def test_drop_connect_in_training_has_the_mean_and_variance_of_d9(scale, factor):
    layer = make(nn.DropConnect, keep=0.75, scale=scale)
    w = values(layer.weight)
    mean = 0.75 * factor * ROW[0] @ w + 1
    variance = 0.75 * 0.25 * factor**2 * (ROW[0] ** 2) @ (w**2)
    near(values(layer(ROW)), mean, variance)
    np.testing.assert_allclose(values(layer.eval()(ROW[:1]))[0], mean, rtol=1e-12)


def test_drop_connect_has_a_mask_for_each_input_or_for_the_pass():
    each = values(make(nn.DropConnect)(ROW[:50]))
    assert len({row.tobytes() for row in each}) > 30
    whole = values(make(nn.DropConnect, per="batch")(ROW[:50]))
    assert len({row.tobytes() for row in whole}) == 1


def test_drop_connect_per_pass_is_a_linear_layer_with_fewer_weights():
    layer = make(nn.DropConnect, per="batch", scale="test")
    y = values(layer(np.vstack([np.eye(3), np.zeros(3)])))
    kept = (y[:3] - y[3]) / values(layer.weight)
    assert set(np.round(kept.ravel(), 12)) == {0.0, 1.0}
    np.testing.assert_allclose(values(layer(X) - layer(X)).shape, (40, 2))


def test_biases_are_dropped_when_asked():
    layer = make(nn.DropConnect, keep=0.75, drop_bias=True, scale="test")
    y = values(layer(np.zeros((1000, 3))))
    assert set(y.ravel()) == {0.0, 1.0}
    np.testing.assert_array_equal(values(layer.eval()(np.zeros((1, 3)))), [[0.75, 0.75]])


@pytest.mark.parametrize("drop_bias", [False, True])
@pytest.mark.parametrize("scale", ["test", "inverted"])
def test_moment_matching_has_mean_and_variance_of_all_masks(scale, drop_bias):
    """The identity and the square behind the sums: exact, as the sample has these moments exactly."""
    options = {
        "keep": 0.75,
        "scale": scale,
        "drop_bias": drop_bias,
        "test": "gaussian",
        "samples": 5,
    }
    kept = every_mask(8)
    weight = np.prod(np.where(kept == 1, 0.75, 0.25), axis=1)
    layer = make(nn.DropConnect, activation=ag.square, **options).eval()
    factor = 1 / 0.75 if scale == "inverted" else 1.0
    masks = kept[:, :6].reshape(-1, 3, 2)
    biases = kept[:, 6:] * factor if drop_bias else np.ones((256, 2))
    sums = np.einsum("bi,mio->mbo", X, masks * values(layer.weight) * factor) + biases[:, None]
    expected = np.einsum("m,mbo->bo", weight, sums**2)
    np.testing.assert_allclose(values(layer(X)), expected, rtol=1e-12)


def test_moment_matching_of_relu_approaches_the_integral():
    layer = make(nn.DropConnect, keep=0.5, test="gaussian", activation=ag.relu, samples=2000).eval()
    w = values(layer.weight)
    mean, spread = X @ w + 1, np.sqrt((X**2) @ (w**2))
    z = np.linspace(-8, 8, 20_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    relu = np.maximum(mean[..., None] + spread[..., None] * z, 0)
    np.testing.assert_allclose(
        values(layer(X)), (relu * density).sum(-1) * (z[1] - z[0]), atol=2e-3
    )


def test_moment_matching_has_a_gradient_where_there_is_nothing_to_vary():
    layer = make(nn.DropConnect, test="gaussian", activation=ag.tanh).eval()
    x = ag.tensor(np.zeros((1, 3)), requires_grad=True)
    layer(x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_the_activation_stands_in_the_layer_in_both_modes():
    layer = make(nn.DropConnect, 0.0, activation=nn.ReLU())
    np.testing.assert_array_equal(values(layer(X)), values(layer.eval()(X)))
    assert values(layer(X)).min() == 0
    assert "ReLU()" in repr(layer)


def test_gaussian_without_an_activation_is_refused():
    with pytest.raises(
        ConfigError, match=r"DropConnect: test=\"gaussian\" averages behind the act"
    ):
        make(nn.DropConnect, test="gaussian")


# Shakeout ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["units", "weights"])
def test_shakeout_has_the_weights_as_its_mean_and_the_variance_of_d10(of):
    layer = make(nn.Shakeout, 0.25, c=0.5, of=of)
    w = values(layer.weight)
    noise = 0.25 / 0.75 * (np.abs(w) + 0.5) ** 2 * ROW[0][:, None] ** 2
    mean = ROW[0] @ w + 1
    near(values(layer(ROW)), mean, noise.sum(0))
    np.testing.assert_allclose(values(layer.eval()(ROW[:1]))[0], mean, rtol=1e-12)


@pytest.mark.parametrize("of", ["units", "weights"])
@pytest.mark.parametrize("per", ["example", "batch"])
def test_shaken_weights_are_one_of_two(of, per):
    layer = make(nn.Shakeout, 0.25, c=0.5, of=of, per=per)
    w = values(layer.weight)
    seen = np.array([values(layer(row[None]) - 1)[0] for row in np.eye(3) for _ in range(20)])
    shaken = seen.reshape(3, 20, 2)
    a, s = 1 / 0.75, np.sign(w)
    on, off = a * w + (a - 1) * 0.5 * s, -0.5 * s
    kept = np.isclose(shaken, on[:, None])
    assert (kept | np.isclose(shaken, off[:, None])).all()
    assert (kept[..., 0] == kept[..., 1]).all() == (of == "units")


def test_shakeout_without_c_is_inverted_dropout_of_the_inputs():
    layer, drop = make(nn.Shakeout, 0.25, c=0.0), nn.Dropout(0.25, rng=0)
    drop.load_state_dict({"key": layer.key.numpy(), "counter": layer.counter.numpy()})
    plain = F.linear(drop(X), layer.weight, layer.bias)
    np.testing.assert_allclose(values(layer(X)), values(plain), rtol=1e-12, atol=1e-14)


def test_the_printed_shakeout_has_another_mean():
    layer = make(nn.Shakeout, 0.25, c=0.5, form="printed", bias=False)
    w = values(layer.weight)
    mean = (0.75 * (w / 0.75 - np.sign(w) * 0.5 / 3) - 0.25 * 0.5).T @ ROW[0]
    assert np.abs(values(layer(ROW)).mean(0) - mean).max() < 0.03
    assert np.abs(mean - ROW[0] @ w).max() > 0.1


# Whiteout ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize(("form", "signal"), [("additive", 1.0), ("multiplicative", ROW[0] ** 2)])
def test_whiteout_has_the_moments_of_d11(form, signal, gamma):
    layer = make(nn.Whiteout, 0.5, gamma=gamma, lam=0.25, form=form)
    w = values(layer.weight)
    penalty = 0.25 * np.abs(w) ** (2 - gamma) + 0.25 * w**2
    mean = ROW[0] @ w + 1
    near(values(layer(ROW[:20_000])), mean, (np.broadcast_to(signal, 3)[:, None] * penalty).sum(0))
    np.testing.assert_allclose(values(layer.eval()(ROW[:1]))[0], mean, rtol=1e-12)


@pytest.mark.parametrize("kind", [nn.Whiteout, nn.Shakeout, nn.DropConnect])
def test_noise_of_the_pass_is_the_same_for_all_inputs(kind):
    whole = values(make(kind, per="batch")(ROW[:50]))
    assert len({row.tobytes() for row in np.round(whole, 12)}) == 1
    each = values(make(kind, per="example")(ROW[:50]))
    assert len({row.tobytes() for row in np.round(each, 12)}) > 4


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (nn.Whiteout, {}),
        (nn.Whiteout, {"form": "multiplicative"}),
        (nn.Shakeout, {}),
        (nn.Shakeout, {"of": "weights"}),
        (nn.DropConnect, {}),
        (nn.DropConnect, {"drop_bias": True}),
        (nn.DropConnect, {"test": "gaussian", "activation": ag.tanh}),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_axes_before_the_last_are_all_inputs(kind, options, training):
    """Of (8, 5, 3) as of (40, 3), to the same draws."""
    rows, more = (make(kind, **options).train(training) for _ in range(2))
    np.testing.assert_allclose(
        values(more(X.reshape(8, 5, 3))).reshape(40, 2), values(rows(X)), rtol=1e-12
    )
    assert make(kind, **options)(X[0]).shape == (2,)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_a_weight_of_zero_or_nearly_has_finite_noise_and_gradients(dtype, gamma):
    w = ag.tensor(
        np.array([0.0, 1e-7, -1e-7, 1.0, *([] if dtype == np.float16 else [1e-30])], dtype),
        requires_grad=True,
    )
    spread = F.whiteout_spread(w, 0.5, gamma, 0.25)
    assert spread.dtype == dtype
    spread.sum().backward()
    assert np.isfinite(values(spread)).all()
    assert np.isfinite(w.grad.numpy()).all()
    assert w.grad.numpy()[0] == 0
    assert float(values(spread)[0]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"std": -1.0}, "std: expected a finite number"),
        ({"gamma": 2.5}, r"gamma: expected a finite number in \[0, 2\]"),
        ({"lam": np.nan}, "lam: expected a finite number"),
        ({"form": "both"}, "form: expected one of 'additive', 'multiplicative'"),
        ({"per": "unit"}, "per: expected one of 'example', 'batch'"),
        ({"rng": -1}, "rng is neither"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=f"^Whiteout: {message}"):
        make(nn.Whiteout, **options)


@pytest.mark.parametrize("kind", [nn.Whiteout, nn.Shakeout, nn.DropConnect])
def test_messages_name_the_layer(kind):
    with pytest.raises(ConfigError, match=f"^{kind.__name__}: in_features: expected an integer"):
        kind(0, 2)
    with pytest.raises(ShapeError, match=rf"^{kind.__name__}\(3, 2.*the input does not fit"):
        make(kind)(np.ones((5, 4)))


# WeightNoise ------------------------------------------------------------------------------------


def test_noise_on_weights_is_normal_noise_on_outputs_of_variance_x_squared():
    layer = nn.WeightNoise(make(nn.Linear), 0.5, rng=1)
    x = np.array([[0.5, -1.0, 2.0]])
    drawn = np.array([values(layer(x))[0] for _ in range(1000)])
    n = len(drawn)
    mean, variance = values(layer.module(x))[0], 0.25 * (x**2).sum()
    np.testing.assert_array_less(np.abs(drawn.mean(0) - mean), 5 * np.sqrt(variance / n))
    np.testing.assert_allclose(drawn.var(0), variance, rtol=0.25)
    np.testing.assert_array_equal(values(layer.eval()(x))[0], mean)


def test_weights_have_noise_and_biases_only_if_asked():
    for biases in (False, True):
        layer = nn.WeightNoise(make(nn.Linear), 0.5, biases=biases, rng=1)
        at_zero = {tuple(values(layer(np.zeros((1, 3))))[0]) for _ in range(5)}
        assert (len(at_zero) == 1) == (not biases)


def test_buffers_inside_of_disturbed_modules_are_kept():
    model = nn.Sequential(make(nn.Linear), nn.BatchNorm1d(2, dtype=np.float64), nn.Dropout(rng=0))
    layer = nn.WeightNoise(model, 0.5, rng=1)
    before = model.state_dict()
    layer(X)
    after = model.state_dict()
    moved = {name for name in after if np.any(after[name] != before[name])}
    assert moved == {"1.running_mean", "1.running_var", "2.counter"}


def test_the_gradient_at_disturbed_weights_goes_to_the_weights():
    layer = nn.WeightNoise(make(nn.Linear), 0.5, rng=1)
    layer(X).sum().backward()
    np.testing.assert_allclose(
        layer.module.weight.grad.numpy(), np.tile(X.sum(0)[:, None], (1, 2)), rtol=1e-12
    )


def test_what_cannot_be_disturbed_is_refused():
    with pytest.raises(ConfigError, match="expected a Module to disturb; received ndarray"):
        nn.WeightNoise(X, 0.1)
    with pytest.raises(ConfigError, match="ReLU has no weights to disturb"):
        nn.WeightNoise(nn.ReLU(), 0.1)
    with pytest.raises(ConfigError, match="WeightNoise: std: expected"):
        nn.WeightNoise(make(nn.Linear), -0.1)
