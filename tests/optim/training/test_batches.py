from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd_core as ag
from autograd_core.errors import ConfigError, DataError
from optim import batch_bounds
from optim.training.batches import Examples


@given(st.integers(1, 60), st.integers(1, 70))
def test_batches_cover_every_example_once_and_in_order(count, size):
    for last in ("merge", "keep"):
        found = batch_bounds(count, size, last)
        assert [n for start, stop in found for n in range(start, stop)] == list(range(count))
        assert all(stop - start <= size + (last == "merge") for start, stop in found)
    if count >= size:
        assert all(stop - start == size for start, stop in batch_bounds(count, size, "drop"))
    padded = batch_bounds(count, size, "pad")
    assert [start for start, _ in padded] == [
        start for start, _ in batch_bounds(count, size, "keep")
    ]
    assert all(stop - start == size for start, stop in padded)


@given(st.integers(2, 60), st.integers(2, 70))
def test_merging_leaves_no_batch_of_one(count, size):
    assert all(stop - start >= 2 for start, stop in batch_bounds(count, size, "merge"))


def test_batches_of_one_stay_batches_of_one():
    assert batch_bounds(3, 1) == [(0, 1), (1, 2), (2, 3)]
    assert batch_bounds(1, 5) == [(0, 1)]


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2", None])
def test_a_batch_size_is_a_positive_integer(size):
    with pytest.raises(ConfigError, match="batch_size: expected an integer of 1 or more; received"):
        batch_bounds(10, size)


def test_dropping_everything_is_refused():
    with pytest.raises(ConfigError, match="leaves nothing of 3 examples in batches of 5"):
        batch_bounds(3, 5, "drop")
    with pytest.raises(
        ConfigError, match="last_batch: expected one of 'merge', 'keep', 'drop', 'pad'"
    ):
        batch_bounds(3, 2, "short")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((4, 2)), r"fit: train: expected a pair \(inputs, targets\) of arrays; received ndarray"),
        ((1, 2, 3), "received tuple of 3"),
        ((np.ones((4, 2)), np.ones(3)), "as many inputs as targets, and at least one; received 4 and 3"),
        ((np.ones((0, 2)), np.ones(0)), "received 0 and 0"),
        ((1.0, np.ones(1)), "fit: train: inputs have no axis"),
        ((np.array(["a"]), np.ones(1)), "fit: train: inputs have dtype <U1"),
        (([[1.0], [1.0, 2.0]], np.ones(2)), "fit: train: inputs do not form an array"),
        ((np.array([[1.0], [np.nan]]), np.ones(2)), r"inputs: 1 of 2 values are not finite, the first at \(1, 0\)"),
        ((np.ones(2), np.array([np.inf, 1.0])), r"targets: 1 of 2 values are not finite, the first at \(0,\)"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_examples_are_refused_by_name(data, message):
    with pytest.raises(DataError, match=message):
        Examples.of("fit", "train", data)


def test_rows_are_taken_together_into_memory_nobody_can_write():
    x, d = np.arange(6.0).reshape(3, 2), [0, 1, 2]
    batch = Examples.of("fit", "train", (ag.tensor(x), d)).take(np.array([2, 0]))
    assert batch.inputs.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert batch.targets.tolist() == [2, 0]
    assert not batch.inputs.flags.writeable
    assert batch.inputs.base is None
