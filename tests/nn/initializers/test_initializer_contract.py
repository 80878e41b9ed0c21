"""What every initializer keeps to: one that is exported by `nn.initializers` is tested by existing."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, DTypeError
from nn import initializers

SHAPES = [(4, 3), (6, 4, 3), (6, 2, 3, 3)]
DTYPES = [np.float16, np.float32, np.float64]


def made(value):
    """A function itself, or what a function that makes one gives for numbers of 0.5."""
    signature = inspect.signature(value)
    if signature.return_annotation != "Initializer":
        return value
    needed = [p for p in signature.parameters.values() if p.default is p.empty]
    return value(*(0.5 for _ in needed))


def draws(value):
    """Whether it is an initializer, by what it is called with, or makes one; types may be left out."""
    signature = inspect.signature(value)
    called = {"shape", "rng"} <= signature.parameters.keys()
    return called or signature.return_annotation == "Initializer"


INITIALIZERS = {
    name: made(value)
    for name in initializers.__all__
    if inspect.isfunction(value := getattr(initializers, name)) and draws(value)
}
every = pytest.mark.parametrize("name", INITIALIZERS)


def values(name, shape=(4, 3), seed=0, dtype=np.float64):
    return INITIALIZERS[name](shape, rng=np.random.default_rng(seed), dtype=dtype)


def test_there_are_initializers_to_test():
    assert {"he_normal", "zeros", "constant", "orthogonal"} <= INITIALIZERS.keys()
    assert not {"fans", "gain", "lsuv"} & INITIALIZERS.keys()


@pytest.mark.together
@every
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_it_gives_finite_values_of_the_shape_and_dtype_it_is_asked_for(name, shape, dtype):
    found = values(name, shape, dtype=dtype)
    assert (type(found), found.shape, found.dtype) == (np.ndarray, shape, dtype)
    assert np.isfinite(found).all()
    assert found.flags.writeable


@every
def test_equal_generators_give_equal_values_rounded_to_the_dtype(name):
    double, single = values(name), values(name, dtype=np.float32)
    np.testing.assert_array_equal(double.astype(np.float32), single)
    drawn = np.unique(double).size > 1
    assert drawn == bool(np.any(values(name, seed=1) != double))


@every
def test_the_default_is_float32_and_another_source_is_refused_if_it_draws(name):
    assert INITIALIZERS[name]((4, 3), rng=0).dtype == np.float32
    if np.unique(values(name)).size > 1:
        with pytest.raises(
            ConfigError, match=rf"{name}: rng is neither a generator nor a seed.*received 0\.5"
        ):
            INITIALIZERS[name]((4, 3), rng=0.5)


@every
def test_a_layer_takes_it(name):
    layer = nn.Linear(4, 3, rng=np.random.default_rng(5), weight_init=INITIALIZERS[name])
    expected = values(name, seed=5, dtype=np.float32)
    np.testing.assert_array_equal(layer.weight.numpy(), expected)


@every
def test_it_is_documented(name):
    assert inspect.getdoc(getattr(initializers, name))


@every
@pytest.mark.parametrize("dtype", [int, complex, None, "letters"])
def test_a_dtype_that_is_no_float_s_is_refused(name, dtype):
    with pytest.raises(DTypeError, match=f"{name}: dtype: expected a float dtype"):
        values(name, dtype=dtype)


@pytest.mark.parametrize("shape", [(), (3,), (0, 3)])
@pytest.mark.parametrize(
    "name", ["zeros", "ones", "constant", "uniform", "normal", "truncated_normal"]
)
def test_what_needs_no_fans_takes_any_shape(name, shape):
    found = values(name, shape)
    assert (type(found), found.shape) == (np.ndarray, shape)


@pytest.mark.parametrize(
    ("init", "error", "message"),
    [
        (
            initializers.normal(std=1e6),
            ConfigError,
            "normal: expected values that are finite in float16",
        ),
        (
            initializers.constant(1e6),
            ConfigError,
            "constant: expected values that are finite in float16",
        ),
        (lambda shape, *, rng, dtype: np.full(shape, np.nan), ConfigError, "weight_init: .*finite"),
        (
            lambda shape, *, rng, dtype: np.full(shape, 1e9),
            ConfigError,
            "weight_init: .*finite in float16",
        ),
        (
            lambda shape, *, rng, dtype: np.full(shape, 1j),
            DTypeError,
            "weight_init: expected real numbers",
        ),
        (
            lambda shape, *, rng, dtype: np.full(shape, "x"),
            DTypeError,
            "weight_init: expected real",
        ),
    ],
)
def test_first_values_are_finite_real_numbers(init, error, message):
    with pytest.raises(error, match=message):
        nn.Linear(2, 2, rng=0, dtype=np.float16, weight_init=init)
