"""What is one known number everywhere becomes a literal."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.passes import alive, folded, shared
from autograd_core.program import Literal


def fold(program):
    return alive(folded(shared(program)))


def test_the_cotangent_of_a_mean_is_a_number(passes):
    def derived(x):
        return ag.grad(lambda x: ag.mean(ag.square(x)))(x)

    _, after = passes.kept(fold, derived, passes.hostile)
    assert not {"broadcast_to", "reshape", "divide", "cast"} & set(passes.names(after))
    numbers = [o.value for s in after for o in s.operands if isinstance(o, Literal)]
    assert 1 / passes.hostile.size in numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.int64, bool])
@pytest.mark.parametrize(
    "constant",
    [
        lambda d: ag.broadcast_to(ag.cast(1, d), (3,)),
        lambda d: ag.reshape(ag.cast(1, d), (1,)),
        lambda d: ag.flip(ag.broadcast_to(ag.cast(0, d), (3,))),
        lambda d: ag.transpose(ag.broadcast_to(ag.cast(1, d), (3,))),
    ],
)
def test_views_of_numbers_are_numbers_in_their_dtype(passes, dtype, constant):
    x = np.array([1.5, -0.0, np.nan])
    _, after = passes.kept(fold, lambda x: x * constant(dtype), x)
    assert passes.names(after) == ["multiply"]


def test_an_output_keeps_its_array(passes):
    _, after = passes.kept(
        fold, lambda x: (ag.broadcast_to(ag.cast(2, float), (2, 3)), x), np.ones(2)
    )
    assert "broadcast_to" in passes.names(after)


@pytest.mark.parametrize("number", [0.1, 1e-30, -0.0, 1 / 3])
def test_single_precision_is_rounded_where_it_was(passes, number):
    x = np.array([1.0, 3.0, -0.0, np.inf, np.nan], np.float32)

    def function(x):
        c = ag.cast(number, np.float32) * 3
        return x * ag.broadcast_to(c, (5,)), x + c

    passes.kept(fold, function, x)


def test_a_literal_that_would_change_the_dtype_is_none(passes):
    x = np.array([1, 2], np.int8)
    passes.kept(fold, lambda x: x + ag.broadcast_to(ag.cast(1000, np.int64), (2,)), x)
    y = np.array([1.5, 2.5], np.float32)
    _, after = passes.kept(fold, lambda y: y * ag.broadcast_to(ag.cast(0.1, np.float64), (2,)), y)
    assert after.outputs[0].dtype == np.float64


def test_a_literal_that_would_change_the_shape_is_none(passes):
    passes.kept(fold, lambda x: x * ag.broadcast_to(ag.cast(2.0, float), (3, 4)), np.ones(4))


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_infinite_constants_keep_their_meaning(passes, number):
    def function(x):
        c = ag.broadcast_to(ag.cast(number, float), x.shape)
        return x + c, x * c, ag.maximum(x, c), ag.where(x > 0, x, c)

    passes.kept(fold, function, passes.hostile)


def test_weak_numbers_stay_weak(passes):
    x = np.ones(3, np.float32)
    _, after = passes.kept(fold, lambda x, s: x * (s * 2.0) + s, x, 0.1)
    assert [s.result.dtype for s in after if s.result.shape == (3,)] == [np.float32] * 2
    assert after.inputs[1].weak


def test_known_indices_and_comparisons_fold(passes):
    def function(x):
        big = ag.broadcast_to(ag.cast(3, float), (2,)) > 2
        return ag.where(big, x, x * 2)

    passes.kept(fold, function, np.array([1.0, np.nan]))


def test_folding_is_linear(passes):
    def long(x, count):
        for _ in range(count // 3):
            x = x + ag.broadcast_to(ag.cast(2, float), (3,))
        return x

    passes.assert_linear(folded, long)
