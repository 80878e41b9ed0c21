"""Activations, against NumPy: values, derivatives, those at kinks, extreme values, bad options."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError

X = np.array([[-4.0, -2.0, -0.5, 0.0], [0.25, 1.0, 5.5, 30.0]])
SIGMOID = 1 / (1 + np.exp(-X))
NORMAL = np.array([(1 + math.erf(x / math.sqrt(2))) / 2 for x in X.flat]).reshape(X.shape)
CURVE = np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)
SLOPE = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * X**2)
POSITIVE = (X > 0).astype(float)
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
SOFT = np.log1p(np.exp(X))
HARD = np.clip((X + 3) / 6, 0, 1)

# Layer: value, derivative (that at a kink is a convention: see below).
FORMULAS = {
    "CELU(0.5)": (
        np.where(X > 0, X, 0.5 * np.expm1(np.minimum(X, 0) / 0.5)),
        np.exp(np.minimum(X, 0) / 0.5),
    ),
    "ELU()": (np.where(X > 0, X, np.expm1(np.minimum(X, 0))), np.exp(np.minimum(X, 0))),
    "ELU(0.5)": (
        np.where(X > 0, X, 0.5 * np.expm1(np.minimum(X, 0))),
        np.where(X > 0, 1, 0.5 * np.exp(np.minimum(X, 0))),
    ),
    "GELU()": (X * NORMAL, NORMAL + X * np.exp(-(X**2) / 2) / np.sqrt(2 * np.pi)),
    "GELU('tanh')": (
        X * (1 + np.tanh(CURVE)) / 2,
        (1 + np.tanh(CURVE)) / 2 + X / 2 * (1 - np.tanh(CURVE) ** 2) * SLOPE,
    ),
    "Hardshrink()": (np.where(np.abs(X) > 0.5, X, 0), (np.abs(X) > 0.5).astype(float)),
    "Hardsigmoid()": (HARD, (np.abs(X) < 3) / 6),
    "Hardswish()": (X * HARD, HARD + X * (np.abs(X) < 3) / 6),
    "Hardtanh(-1.5, 2.0)": (np.clip(X, -1.5, 2), ((X > -1.5) & (X < 2)).astype(float)),
    "Identity()": (X, np.ones_like(X)),
    "LeakyReLU(0.1)": (np.where(X > 0, X, 0.1 * X), np.where(X > 0, 1, 0.1)),
    "LogSigmoid()": (np.log(SIGMOID), 1 - SIGMOID),
    "Mish()": (X * np.tanh(SOFT), np.tanh(SOFT) + X * SIGMOID * (1 - np.tanh(SOFT) ** 2)),
    "PReLU(dtype='f8')": (np.where(X > 0, X, 0.25 * X), np.where(X > 0, 1, 0.25)),
    "ReLU()": (np.where(X > 0, X, 0), POSITIVE),
    "ReLU6()": (np.clip(X, 0, 6), ((X > 0) & (X < 6)).astype(float)),
    "SELU()": (
        SCALE * np.where(X > 0, X, ALPHA * np.expm1(np.minimum(X, 0))),
        SCALE * np.where(X > 0, 1, ALPHA * np.exp(np.minimum(X, 0))),
    ),
    "SiLU()": (X * SIGMOID, SIGMOID + X * SIGMOID * (1 - SIGMOID)),
    "Sigmoid()": (SIGMOID, SIGMOID * (1 - SIGMOID)),
    "Softplus()": (SOFT, SIGMOID),
    "Softplus(2.0)": (np.log1p(np.exp(2 * X)) / 2, 1 / (1 + np.exp(-2 * X))),
    "Softshrink()": (np.sign(X) * np.maximum(np.abs(X) - 0.5, 0), (np.abs(X) > 0.5).astype(float)),
    "Softsign()": (X / (1 + np.abs(X)), 1 / (1 + np.abs(X)) ** 2),
    "Tanh()": (np.tanh(X), 1 - np.tanh(X) ** 2),
    "Tanhshrink()": (X - np.tanh(X), np.tanh(X) ** 2),
    "Threshold(0.25, -3.0)": (np.where(X > 0.25, X, -3), (X > 0.25).astype(float)),
}
ROWS = {"GLU", "LogSoftmax", "Softmax", "Softmin"}  # of several units
# Where each has a kink or a jump, the derivative there: PyTorch's.
KINKS = {
    "ELU(0.5)": {0: 0.5},
    "Hardshrink()": {-0.5: 0, 0.5: 0},
    "Hardsigmoid()": {-3: 0, 3: 0},
    "Hardswish()": {-3: 0, 3: 1},
    "Hardtanh()": {-1: 0, 1: 0},
    "LeakyReLU(0.1)": {0: 0.1},
    "PReLU(dtype='f8')": {0: 0.25},
    "ReLU()": {0: 0},
    "ReLU6()": {0: 0, 6: 0},
    "SELU()": {0: SCALE * ALPHA},
    "Softshrink()": {-0.5: 0, 0.5: 0},
    "Threshold(0.25, -3.0)": {0.25: 0},
}


def made(words):
    """The layer that a key of the tables names."""
    name, _, options = words.rstrip(")").partition("(")
    given = [part.strip() for part in options.split(",") if part]
    plain = [eval(part) for part in given if "=" not in part]
    named = {part.split("=")[0]: eval(part.split("=")[1]) for part in given if "=" in part}
    return getattr(nn, name)(*plain, **named)


def derivative(layer, values):
    x = ag.tensor(values, requires_grad=True)
    layer(x).sum().backward()
    return x.grad.numpy()


def test_every_activation_has_its_formula_here():
    told = {words.partition("(")[0] for words in FORMULAS}
    assert told | ROWS == set(nn.layers.activations.__all__)


@pytest.mark.parametrize("words", FORMULAS)
def test_value_and_derivative_are_those_of_the_formula(words):
    value, slope = FORMULAS[words]
    layer = made(words)
    np.testing.assert_allclose(layer(X).detach().numpy(), value, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(derivative(layer, X), slope, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("words", KINKS)
def test_at_a_kink_the_derivative_is_that_of_one_side(words):
    places = np.array(list(KINKS[words]), float)
    expected = np.array(list(KINKS[words].values()), float)
    np.testing.assert_allclose(derivative(made(words), places), expected, rtol=1e-15)


@pytest.mark.parametrize("words", FORMULAS)
def test_extreme_values_neither_overflow_nor_lose_nan(words):
    layer = made(words)
    with np.errstate(over="raise", invalid="raise"):
        far = np.array([-1000.0, 1000.0])
        assert np.isfinite(layer(far).detach().numpy()).all()
        assert np.isfinite(derivative(layer, far)).all()
        assert np.isnan(layer(np.array([np.nan])).detach().numpy()).all()


@pytest.mark.parametrize("words", ["ELU()", "SELU()", "CELU(0.5)", "ReLU()", "LeakyReLU(0.1)", "Softplus()", "Hardtanh()", "ReLU6()"])  # fmt: skip
def test_infinities_go_where_the_limit_is(words):
    layer = made(words)
    far, farther = (layer(np.array([-a, a])).detach().numpy() for a in (1e6, np.inf))
    expected = np.where(np.abs(far) > 1e3, np.copysign(np.inf, far), far)
    np.testing.assert_allclose(farther, expected, atol=1e-12)
    for end in (-np.inf, np.inf):
        assert not np.isnan(derivative(layer, np.array([end]))).any()


@pytest.mark.parametrize("words", FORMULAS)
def test_dtype_is_kept(words):
    if words.startswith("PReLU"):
        words = "PReLU()"
    assert made(words)(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_shares_of_rows(axis):
    shares = np.exp(X) / np.exp(X).sum(axis, keepdims=True)
    turned = np.exp(-X) / np.exp(-X).sum(axis, keepdims=True)
    np.testing.assert_allclose(nn.Softmax(axis)(X).numpy(), shares, rtol=1e-13)
    np.testing.assert_allclose(
        nn.LogSoftmax(axis)(X).numpy(), np.log(shares), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(nn.Softmin(axis)(X).numpy(), turned, rtol=1e-12)
    a, b = np.split(X, 2, axis)
    np.testing.assert_allclose(nn.GLU(axis)(X).numpy(), a / (1 + np.exp(-b)), rtol=1e-13)


def test_slopes_are_learned_a_channel_each():
    layer = nn.PReLU(3, 0.5, dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(5, 3, 4))
    layer(x).sum().backward()
    np.testing.assert_allclose(
        layer.weight.grad.numpy(), np.minimum(x, 0).sum(axis=(0, 2)), rtol=1e-13
    )
    one = nn.PReLU(dtype=np.float64)
    one(x).sum().backward()
    np.testing.assert_allclose(one.weight.grad.numpy(), [np.minimum(x, 0).sum()], rtol=1e-13)
    for shape in [(), (4,), (2, 3, 1)]:
        assert one(np.ones(shape)).shape == shape


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Hardtanh(1.0, 1.0), ConfigError, "min_val below max_val; received 1 and 1"),
        (lambda: nn.Hardtanh(np.nan), ConfigError, "Hardtanh: min_val: expected a finite number"),
        (lambda: nn.LeakyReLU(np.inf), ConfigError, "LeakyReLU: negative_slope: expected"),
        (lambda: nn.ELU(0.0), ConfigError, "ELU: alpha: expected"),
        (lambda: nn.CELU(-1), ConfigError, "CELU: alpha: expected"),
        (lambda: nn.Softplus(0), ConfigError, "Softplus: beta: expected"),
        (lambda: nn.Softshrink(-0.1), ConfigError, "Softshrink: lambd: expected"),
        (lambda: nn.Hardshrink("1"), ConfigError, "Hardshrink: lambd: expected"),
        (lambda: nn.GELU("erf"), ConfigError, "GELU: approximate: expected one of 'none', 'tanh'"),
        (lambda: nn.Threshold(0.0, np.nan), ConfigError, "Threshold: value: expected"),
        (lambda: nn.PReLU(0), ConfigError, "PReLU: num_parameters: expected an integer of 1"),
        (lambda: nn.PReLU(dtype=int), DTypeError, "PReLU: dtype: expected a float dtype"),
        (lambda: nn.Softmax(1.0), ConfigError, "Softmax: axis: expected an integer"),
        (lambda: nn.PReLU(3)(np.ones((5, 2))), ShapeError, r"Expected shape \(batch, 3, …\)"),
        (lambda: nn.PReLU(3)(np.ones(3)), ShapeError, r"received \(3,\)"),
        (lambda: nn.GLU()(np.ones((2, 3))), ShapeError, "expected an even size along axis -1"),
        (lambda: nn.GLU(2)(np.ones((2, 4))), ShapeError, "expected an even size along axis 2"),
        (lambda: nn.GLU()(1.0), ShapeError, "expected an even size"),
        (lambda: nn.Softmax(2)(np.ones((2, 4))), ShapeError, "axis"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
