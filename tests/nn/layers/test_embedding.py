"""Embedding: rows by number, a row for nothing, numbers that are none."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DataError, DTypeError


def test_rows_are_those_of_the_table_and_their_gradients_add_up():
    layer = nn.Embedding(4, 2, rng=0, dtype=np.float64)
    table = layer.weight.numpy().copy()
    x = np.array([[0, 3], [3, 1]])
    np.testing.assert_array_equal(layer(x).numpy(), table[x])
    ag.sum(layer(x)).backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[1, 1], [1, 1], [0, 0], [2, 2]])


@pytest.mark.parametrize("padding", [1, -3])
def test_the_row_for_nothing_is_0_at_first_and_gets_no_gradient(padding):
    layer = nn.Embedding(4, 2, padding, rng=0, dtype=np.float64)
    assert layer.padding_idx == 1
    assert not layer.weight.numpy()[1].any()
    layer.weight.assign(np.ones((4, 2)))
    output = layer(np.array([1, 2, 1]))
    assert output.tolist() == [[1, 1]] * 3  # what was written there counts, as in PyTorch
    ag.sum(output).backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[0, 0], [0, 0], [1, 1], [0, 0]])


def test_numbers_out_of_range_are_refused_eager_and_compiled():
    layer = nn.Embedding(4, 2, rng=0)
    step = ag.jit(layer)
    assert step(np.array([3])).shape == (1, 2)
    for run in (layer, step):
        for bad, said in ((4, "received 4"), (-1, "received -1")):
            with pytest.raises(DataError, match=f"from 0 to 3; {said}"):
                run(np.array([0, bad]))
    with pytest.raises(DTypeError, match="an index is no integer"):
        layer(np.array([0.0]))
    with pytest.raises(DTypeError, match="an index is no integer"):
        layer(np.array([True]))


def test_nothing_and_a_single_number_have_their_shapes():
    layer = nn.Embedding(4, 2, rng=0)
    assert layer(np.zeros((0, 3), int)).shape == (0, 3, 2)
    assert layer(2).shape == (2,)
    mapped = ag.vmap(layer)(np.array([1, 2, 3]))
    np.testing.assert_array_equal(mapped.numpy(), layer(np.array([1, 2, 3])).numpy())


def test_a_row_for_nothing_that_is_not_there_is_refused():
    for bad in (4, -5, 1.0, True):
        with pytest.raises(ConfigError, match="padding_idx: expected a row, from -4 to 3"):
            nn.Embedding(4, 2, bad)
