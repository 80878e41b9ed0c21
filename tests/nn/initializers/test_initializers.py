"""Initializers: spread, limits, reproducibility."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, ShapeError
from nn import initializers as init

SHAPE = (300, 200)  # fan-in 300, fan-out 200
VARIANCES = {
    "he_normal": 2 / 300,
    "he_uniform": 2 / 300,
    "lecun_normal": 1 / 300,
    "lecun_uniform": 1 / 300,
    "glorot_normal": 2 / 500,
    "glorot_uniform": 2 / 500,
}


def draw(name, seed=0, shape=SHAPE, dtype=np.float64):
    return getattr(init, name)(shape, rng=np.random.default_rng(seed), dtype=dtype)


@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_is_that_of_the_paper(name):
    values = draw(name)
    # 60,000 draws: the variance of a sample is known to about half a percent.
    assert abs(values.var() / VARIANCES[name] - 1) < 0.03
    assert abs(values.mean()) < 5 * np.sqrt(VARIANCES[name] / values.size)


def test_fans_of_a_kernel_count_its_places():
    assert init.fans((300, 200)) == (300, 200)
    assert init.fans((8, 4, 5)) == (20, 40)
    assert init.fans((8, 4, 3, 2)) == (24, 48)
    kernels = init.he_normal((64, 32, 3, 3), rng=0, dtype=np.float64)
    assert abs(kernels.var() * 32 * 9 / 2 - 1) < 0.05


@pytest.mark.parametrize(
    ("name", "fans"), [("he_uniform", 300), ("glorot_uniform", 500), ("lecun_uniform", 600)]
)
def test_uniform_values_stay_within_their_limit(name, fans):
    limit = np.sqrt(6 / fans)
    largest = np.abs(draw(name)).max()
    assert 0.999 * limit < largest <= limit


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize("shape", [(3,), (), (0, 3), (4, 0, 3)])
def test_a_shape_without_fans_is_refused(name, shape):
    with pytest.raises(ShapeError, match=rf"{name}: .*Expected shape \(in, out\), or \(out, in"):
        draw(name, shape=shape)


def test_fans_of_a_depthwise_kernel_are_those_of_one_group():
    """As convolutions ask for them: group by group."""
    layer = nn.Conv1d(400, 400, 5, groups=400, rng=0, dtype=np.float64)
    assert init.fans((1, *layer.weight.shape[1:])) == (5, 5)
    assert abs(layer.weight.numpy().var() * 5 / 2 - 1) < 0.1


def test_constants_fill_any_shape():
    assert init.zeros((2,)).tolist() == [0.0, 0.0]
    assert init.ones((1, 2), dtype=np.float64).tolist() == [[1.0, 1.0]]
    filled = init.constant(0.1)((2,), rng=np.random.default_rng(0), dtype=np.float32)
    assert filled.dtype == np.float32
    assert filled.tolist() == [np.float32(0.1)] * 2


def test_a_constant_is_a_number():
    with pytest.raises(ConfigError, match="constant: value: expected a finite number"):
        init.constant(np.nan)


# Draws of a given spread --------------------------------------------------------------------------


def many(initializer):
    return initializer((400, 250), rng=np.random.default_rng(0), dtype=np.float64)


def test_uniform_and_normal_have_the_spread_they_are_asked_for():
    flat, bell = many(init.uniform(1.0, 3.0)), many(init.normal(1.0, 3.0))
    assert (flat.min(), flat.max()) == pytest.approx((1.0, 3.0), abs=1e-3)
    assert (flat.mean(), flat.std()) == pytest.approx((2.0, 2 / np.sqrt(12)), rel=0.01)
    assert (bell.mean(), bell.std()) == pytest.approx((1.0, 3.0), rel=0.02)
    assert abs(bell - 1).max() > 9


@pytest.mark.parametrize(("a", "b"), [(-2, 2), (0, 2), (1, 2.5), (-1, 9)])
def test_a_truncated_normal_is_the_normal_between_its_bounds(a, b):
    bell = statistics.NormalDist()
    share, at_a, at_b = bell.cdf(b) - bell.cdf(a), bell.pdf(a), bell.pdf(b)
    mean = (at_a - at_b) / share
    variance = 1 + (a * at_a - b * at_b) / share - mean**2
    bounds = {} if a == -2 else {"low": 3.0 + 2 * a, "high": 3.0 + 2 * b}  # the default
    found = (many(init.truncated_normal(3.0, 2.0, **bounds)) - 3) / 2
    assert found.min() >= a
    assert found.max() <= b
    assert (found.mean(), found.var()) == pytest.approx((mean, variance), abs=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.uniform(1.0, 0.0), "uniform: high: expected at least low=1; received 0"),
        (lambda: init.uniform(0.0, np.inf), "uniform: high: expected a finite number"),
        (lambda: init.normal(std=-1.0), r"normal: std: expected a finite number in \[0"),
        (lambda: init.truncated_normal(std=0.0), "truncated_normal: std: expected a finite number"),
        (
            lambda: init.truncated_normal(low=9.0, high=10.0),
            "low, high: expected bounds with at least",
        ),
        (lambda: init.truncated_normal(low=0.1, high=0.0), "low, high: expected bounds"),
        (lambda: init.orthogonal(np.nan), "orthogonal: gain: expected a finite number"),
        (lambda: init.gain("cubic"), "gain: nonlinearity: expected one of 'linear', .*'cubic'"),
        (lambda: init.gain("relu", 0.1), "gain: slope: 'relu' has none"),
        (lambda: init.gain("leaky_relu", "steep"), "gain: slope: expected a finite number"),
    ],
)
def test_options_outside_their_range_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


# Orthogonal ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3, 3), (30, 2, 3), (1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_orthogonal_weights_are(shape, dtype):
    weight = init.orthogonal(3.0)(shape, rng=0, dtype=dtype)
    flat = weight.reshape(shape[0], -1)
    gram = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(gram, 9 * np.eye(len(gram)), atol=100 * np.finfo(dtype).eps)


def test_all_orthogonal_matrices_are_alike_likely():
    """A QR decomposition alone has its signs: one sign of R's diagonal, one half of the matrices."""
    rng = np.random.default_rng(0)
    drawn = np.array([init.orthogonal()((2, 2), rng=rng, dtype=np.float64) for _ in range(2000)])
    assert abs((np.linalg.det(drawn) > 0).mean() - 0.5) < 0.05
    assert np.abs(drawn.mean(0)).max() < 0.06
    angles = np.arctan2(drawn[:, 1, 0], drawn[:, 0, 0])
    assert np.abs(np.histogram(angles, 4, (-np.pi, np.pi))[0] / 2000 - 0.25).max() < 0.05


@pytest.mark.parametrize("shape", [(3,), (), (0, 3)])
def test_orthogonal_needs_a_matrix(shape):
    with pytest.raises(ShapeError, match=r"orthogonal: .*Expected shape \(in, out\)"):
        init.orthogonal()(shape)


# Gains --------------------------------------------------------------------------------------------

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(200)
UNITS = {
    "linear": (lambda z: z, 1e-12),
    "relu": (lambda z: np.maximum(z, 0), 1e-12),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), 1e-12),
    "tanh": (np.tanh, 0.05),  # 5/3 is LeCun's, a little more
}


@pytest.mark.parametrize("name", UNITS)
def test_a_gain_keeps_the_second_moment_of_normal_signals(name):
    unit, tolerance = UNITS[name]
    second = WEIGHTS @ unit(NODES) ** 2 / np.sqrt(2 * np.pi)
    assert init.gain(name) * np.sqrt(second) == pytest.approx(1, rel=tolerance)


def test_gains_are_those_of_pytorch():
    names = ("linear", "sigmoid", "tanh", "relu", "selu")
    assert [init.gain(name) for name in names] == [1.0, 1.0, 5 / 3, 2**0.5, 0.75]
    assert init.gain("leaky_relu", 1.0) == 1.0


# Fans by what is connected ------------------------------------------------------------------------


def asked_for(kind, *args, **options):
    """The fans of what a layer asks an initializer for, and the layer, all of whose weights are 1."""
    shapes = []

    def spy(shape, *, rng, dtype):
        shapes.append(shape)
        return init.ones(shape, dtype=dtype)

    layer = kind(*args, rng=0, weight_init=spy, dtype=np.float64, **options)
    assert len(set(shapes)) == 1
    return init.fans(shapes[0]), layer


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (nn.Conv1d, (9,)),
        (nn.Conv2d, (9, 9)),
        (nn.ConvTranspose1d, (9,)),
        (nn.ConvTranspose2d, (9, 9)),
    ],
)
def test_fans_count_what_moves(kind, size, groups):
    """Inputs of one output in the middle, and outputs of one input there; depthwise for four groups."""
    fans, layer = asked_for(kind, 4, 8, 3, groups=groups, bias=False)
    x = np.zeros((1, 4, *size))
    middle = (0, 1, *(n // 2 for n in size))

    def of_one_output(x):
        y = layer(x)
        return y[(0, 1, *(n // 2 for n in y.shape[2:]))]

    moves = ag.grad(of_one_output)(x).numpy()
    x[middle] = 1.0
    moved = layer(x).detach().numpy()
    assert fans == (np.count_nonzero(moves), np.count_nonzero(moved))
