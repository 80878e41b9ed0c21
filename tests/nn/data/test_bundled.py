"""The bundled digits."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, MissingDependencyError


def digits(seed=0, **options):
    pytest.importorskip("sklearn")
    return nn.data.digits(rng=np.random.default_rng(seed), **options)


def test_the_parts_are_named_and_hold_the_whole_set():
    splits = digits()
    train, _, test = splits
    assert splits.train is train
    assert [len(part.inputs) for part in splits] == [1169, 269, 359]
    assert all(part.inputs.shape == (len(part.targets), 64) for part in splits)
    # Counts of the ten digits in the file that scikit-learn brings.
    whole = np.bincount(np.concatenate([part.targets for part in splits]))
    assert whole.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert min(np.bincount(test.targets)) >= 34


def test_pixels_are_scaled_to_one_and_labels_are_integers():
    train, *_ = digits()
    assert (train.inputs.min(), train.inputs.max()) == (0.0, 1.0)
    assert (train.inputs.dtype, train.targets.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(train.inputs * 16, np.round(train.inputs * 16))
    assert digits(dtype=np.float64).test.inputs.dtype == np.float64


def test_no_image_is_in_two_parts_and_equal_generators_agree():
    first, again, other = digits(0), digits(0), digits(1)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.inputs, b.inputs)
    assert np.any(first.train.inputs != other.train.inputs)
    rows = [row.tobytes() for part in first for row in part.inputs]
    assert len(set(rows)) == len(rows) == 1797


def test_fractions_can_be_chosen():
    _, validation, test = digits(validation=0, test=0.5)
    assert len(validation.inputs) == 0
    assert abs(len(test.inputs) - 1797 / 2) < 6
    with pytest.raises(ConfigError, match="leave nothing to train on"):
        digits(validation=0.6, test=0.4)


def test_options_are_checked():
    with pytest.raises(
        ConfigError, match=r"digits: rng is neither a generator nor a seed.*received '3'"
    ):
        nn.data.digits(rng="3")


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(
        MissingDependencyError, match=r'extra "data".*pip install "gradproof\[data\]"'
    ):
        nn.data.digits(rng=np.random.default_rng(0))
