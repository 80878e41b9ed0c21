"""The bundled sets."""

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


REAL = {
    "iris": (150, 4, 3), "wine": (178, 13, 3), "breast_cancer": (569, 30, 2), "diabetes": (442, 10, None),
    "linnerud": (20, 3, None),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_sets_are_whole_named_and_repeatable(name):
    datasets = pytest.importorskip("sklearn.datasets")
    make, (count, width, classes) = getattr(nn.data, name), REAL[name]
    parts = make(rng=0, dtype=np.float64)
    x, y = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    assert x.shape == (count, width)
    assert len(parts.columns) == width
    theirs = getattr(datasets, f"load_{name}")(return_X_y=True)
    order, other = np.lexsort(x.T), np.lexsort(theirs[0].T)
    np.testing.assert_array_equal(x[order], theirs[0][other])
    rows = theirs[1].reshape(count, -1)
    for row in range(count):  # each example has a target that it has there
        same = (theirs[0] == x[row]).all(axis=1)
        assert any(np.array_equal(rows[k], np.ravel(y[row])) for k in np.flatnonzero(same))
    if classes:
        assert (y.dtype, len(parts.classes)) == (np.int64, classes)
        for part in parts:
            np.testing.assert_allclose(
                np.bincount(part.targets) / len(part.targets), np.bincount(y) / count, atol=0.03
            )
    else:
        assert (y.dtype, parts.classes, y.ndim) == (np.float64, (), 2)
    again, other = make(rng=0, dtype=np.float64), make(rng=1)
    assert all(np.array_equal(a.inputs, b.inputs) for a, b in zip(parts, again, strict=True))
    assert np.any(parts.train.inputs != other.train.inputs)
    assert make(rng=0).train.inputs.dtype == np.float32
    assert make().seed is not None


def test_names_are_in_scikit_learns_order():
    datasets = pytest.importorskip("sklearn.datasets")
    for name in ("iris", "breast_cancer"):
        theirs = getattr(datasets, f"load_{name}")()
        assert getattr(nn.data, name)(rng=0).columns == tuple(map(str, theirs.feature_names))
        assert getattr(nn.data, name)(rng=0).classes == tuple(map(str, theirs.target_names))
    assert digits().classes == tuple("0123456789")
