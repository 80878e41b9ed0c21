"""Activations, against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_core as ag
import nn

X = np.array([[-2.0, -0.5, 0.0], [0.25, 1.0, 30.0]])
SIGMOID = 1 / (1 + np.exp(-X))
NORMAL = np.array([(1 + math.erf(x / math.sqrt(2))) / 2 for x in X.flat]).reshape(X.shape)

# Layer: value, derivative (that at a kink is a convention).
FORMULAS = {
    nn.ELU: (np.where(X > 0, X, np.expm1(np.minimum(X, 0))), np.exp(np.minimum(X, 0))),
    nn.GELU: (
        X * NORMAL,
        NORMAL + X * np.exp(-(X**2) / 2) / np.sqrt(2 * np.pi),
    ),
    nn.Identity: (X, np.ones_like(X)),
    nn.ReLU: (np.where(X > 0, X, 0), (X > 0).astype(float)),
    nn.Sigmoid: (SIGMOID, SIGMOID * (1 - SIGMOID)),
    nn.Softplus: (np.log1p(np.exp(X)), SIGMOID),
    nn.Tanh: (np.tanh(X), 1 - np.tanh(X) ** 2),
}


def test_every_activation_has_its_formula_here():
    assert {layer.__name__ for layer in FORMULAS} == set(nn.layers.activations.__all__)


@pytest.mark.parametrize("layer", FORMULAS, ids=lambda layer: layer.__name__)
def test_value_and_derivative_are_those_of_the_formula(layer):
    value, derivative = FORMULAS[layer]
    x = ag.tensor(X, requires_grad=True)
    y = layer()(x)
    y.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), value, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(x.grad.numpy(), derivative, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "layer", [nn.ELU, nn.GELU, nn.Softplus, nn.Sigmoid, nn.Tanh], ids=lambda c: c.__name__
)
def test_large_inputs_do_not_overflow(layer):
    with np.errstate(over="raise", invalid="raise"):
        y = layer()(np.array([-1000.0, 1000.0])).numpy()
    assert np.isfinite(y).all()


@pytest.mark.parametrize("layer", FORMULAS, ids=lambda layer: layer.__name__)
def test_dtype_is_kept(layer):
    assert layer()(X.astype(np.float32)).dtype == np.float32
