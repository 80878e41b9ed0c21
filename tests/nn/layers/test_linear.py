"""Linear."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError


def make(*args, seed=0, **options):
    return nn.Linear(*args, rng=np.random.default_rng(seed), **options)


def test_it_computes_weighted_sums():
    layer = make(2, 3, dtype=np.float64)
    layer.weight.assign([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    layer.bias.assign([0.5, 0.0, -0.5])
    assert layer(np.array([[1.0, 10.0]])).detach().numpy().tolist() == [[41.5, 52.0, 62.5]]


def test_without_bias_it_is_the_product_alone():
    layer = make(2, 1, bias=False, dtype=np.float64)
    assert layer.bias is None
    assert layer.parameter_count() == 2
    x = np.array([[3.0, 4.0]])
    np.testing.assert_array_equal(layer(x).detach().numpy(), x @ layer.weight.numpy())


def test_its_gradients_are_those_of_the_lecture():
    layer = make(3, 2, dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(5, 3))
    g = np.random.default_rng(2).normal(size=(5, 2))
    layer(x).backward(g)
    np.testing.assert_allclose(layer.weight.grad.numpy(), x.T @ g, rtol=1e-13)
    np.testing.assert_allclose(layer.bias.grad.numpy(), g.sum(0), rtol=1e-13)


def test_leading_axes_are_a_batch():
    layer = make(3, 2, dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(4, 5, 3))
    expected = x @ layer.weight.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(layer(x[0, 0]).detach().numpy(), expected[0, 0], rtol=1e-13)


def test_weights_start_by_he_and_biases_at_zero():
    layer = make(400, 300)
    assert layer.weight.shape == (400, 300)
    assert not layer.bias.numpy().any()
    assert abs(layer.weight.numpy().std() / np.sqrt(2 / 400) - 1) < 0.01


def test_equal_generators_give_equal_weights_in_every_dtype():
    single, double = make(3, 2), make(3, 2, dtype=np.float64)
    np.testing.assert_array_equal(single.weight.numpy(), double.weight.numpy().astype(np.float32))


def test_initializers_can_be_chosen():
    layer = make(2, 3, weight_init=nn.initializers.constant(2), bias_init=nn.initializers.ones)
    assert layer.weight.numpy().tolist() == [[2.0] * 3] * 2
    assert layer.bias.numpy().tolist() == [1.0] * 3
    assert layer.weight.dtype == np.float32


def test_it_computes_in_its_own_dtype_and_the_cast_is_recorded():
    layer = make(3, 2)
    assert layer(np.ones((1, 3))).dtype == np.float32
    names = [step.primitive.name for step in ag.trace(layer)(np.ones((1, 3))).applications]
    assert names == ["cast", "affine"]
    same = [s.primitive.name for s in ag.trace(layer)(np.ones((1, 3), np.float32)).applications]
    assert same == ["affine"]


def test_it_is_traced_for_every_batch_size_at_once():
    (B,) = ag.dims("B")
    layer = make(3, 2)
    program = ag.trace(layer)(ag.Abstract((B, 3), np.float32))
    assert program.outputs[0].shape == (B, 2)
    x = np.ones((7, 3), np.float32)
    np.testing.assert_array_equal(program(x), layer(x).detach().numpy())


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((5, 4)), r"Linear\(3, 2\): .* shape \(batch, 3\); received \(5, 4\)"),
        (np.ones((3, 5)), r"received \(3, 5\)\. Transpose it"),
        (np.ones((2, 1, 3, 1)), r"nn\.Flatten\(\)"),
        (np.float64(1), r"received \(\)"),
    ],
)
def test_an_input_of_another_width_is_an_error_that_names_the_layer(x, message):
    with pytest.raises(ShapeError, match=message):
        make(3, 2)(x)


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", None, True])
def test_sizes_are_positive_ints(size):
    with pytest.raises(
        ConfigError, match="Linear: in_features: expected an integer of 1 or more; received"
    ):
        make(size, 2)
    with pytest.raises(ConfigError, match="Linear: out_features: expected an integer of 1 or more"):
        make(2, size)


def test_other_options_are_checked():
    with pytest.raises(ConfigError, match=r"rng is neither a generator nor a seed.*received 7\.0"):
        nn.Linear(2, 2, rng=7.0)
    with pytest.raises(DTypeError, match="Linear: dtype: expected a float dtype"):
        make(2, 2, dtype=np.int64)
    with pytest.raises(ShapeError, match=r"weight_init: expected an array of shape \(2, 3\)"):
        make(2, 3, weight_init=lambda shape, rng, dtype: np.zeros(shape[::-1]))


def test_a_bilinear_layer_sums_over_pairs():
    layer = nn.Bilinear(3, 4, 2, rng=0, dtype=np.float64, bias_init=nn.initializers.ones)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    w = layer.weight.numpy()
    expected = [[a @ w[o] @ b + 1 for o in range(2)] for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(layer(x, y).numpy(), expected, rtol=1e-12)


def test_a_bilinear_layer_keeps_the_variance_of_products():
    layer = nn.Bilinear(30, 40, 50, rng=0, dtype=np.float64)
    rng = np.random.default_rng(0)
    output = layer(rng.normal(size=(200, 30)), rng.normal(size=(200, 40))).numpy()
    assert 0.8 < output.var() < 1.2


def test_a_bilinear_layer_refuses_what_are_no_pairs():
    layer = nn.Bilinear(3, 4, 2, rng=0)
    with pytest.raises(ShapeError, match="the inputs are no pairs"):
        layer(np.zeros((5, 3)), np.zeros((1, 4)))
    with pytest.raises(ShapeError, match="the input does not fit"):
        layer(np.zeros((5, 4)), np.zeros((5, 4)))
