"""Targets and inputs as numbers, and features of the plane."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError
from nn.data import PlaneFeatures, Scaling, one_hot, plus_minus, zero_one


def test_one_hot():
    labels = np.array([2, 0, 1, 2])
    rows = one_hot(labels, 4)
    assert (rows.shape, rows.dtype) == ((4, 4), np.float32)
    np.testing.assert_array_equal(rows, np.eye(4)[labels])
    assert one_hot(labels.astype(np.uint8)).shape == (4, 3)
    assert one_hot(labels.astype(">i4"), dtype=np.float16).dtype == np.float16
    for wrong, error in (
        ([0, 3], DataError), ([-1, 0], DataError), ([], DataError), ([0.0], DTypeError), ([[0]], ShapeError),
        (["a"], DTypeError), ([True], DTypeError),
    ):  # fmt: skip
        with pytest.raises(error, match="one_hot"):
            one_hot(wrong, 3)


@pytest.mark.parametrize(("make", "low"), [(zero_one, 0), (plus_minus, -1)])
def test_two_classes_in_a_column(make, low):
    for labels in ([0, 1, 1], [-1, 1, 1], [False, True, True], np.array([0, 1, 1], np.uint8)):
        found = make(labels)
        assert found.dtype == np.float32
        assert found.tolist() == [[low], [1], [1]]
    assert make([1, 1]).tolist() == [[1], [1]]
    for wrong, error in (
        ([0, 2], DataError),
        ([-1, 0], DataError),
        ([], DataError),
        ([0.5], DTypeError),
    ):
        with pytest.raises(error, match=make.__name__):
            make(wrong)


def test_scaling_takes_a_range_to_another_and_back(rng):
    x = rng.normal(size=(20, 3)) * [1, 100, 0] + [0, 5, 7]
    scaling = Scaling.fit(x, (-1, 1))
    np.testing.assert_allclose(scaling(x).min(axis=0), [-1, -1, 0])
    np.testing.assert_allclose(scaling(x).max(axis=0), [1, 1, 0])
    np.testing.assert_allclose(scaling.back(scaling(x)), x)
    beyond = scaling(x * 2 - x.mean(axis=0))
    assert beyond.max() > 1
    one = Scaling.fit(np.arange(6, dtype=np.uint8).reshape(2, 3), by_column=False)
    np.testing.assert_allclose(one(np.array([0, 5], np.uint8)), [0, 1])
    assert one(np.array([0, 5], np.uint8)).dtype == np.float32
    assert one(np.array([0, 5], np.float16)).dtype == np.float16
    assert one(np.array([0, 5], ">f8")).dtype == np.float64
    with pytest.raises(ShapeError, match=r"\(N, 3\).*received \(2, 2\)"):
        scaling(np.ones((2, 2)))
    for wrong in ((1, 0), (0, 0), 1, (0, np.inf), "01"):
        with pytest.raises(ConfigError, match="Scaling"):
            Scaling.fit(x, wrong)
    for wrong, error in (
        (np.array([[np.nan]]), DataError),
        (np.ones((0, 2)), DataError),
        (["a"], DTypeError),
    ):
        with pytest.raises(error, match=r"Scaling\.fit"):
            Scaling.fit(wrong)


def test_features_are_those_of_the_playground(rng):
    x = rng.normal(size=(6, 2))
    a, b = x.T
    expected = np.stack([a, b, a**2, b**2, a * b, np.sin(a), np.sin(b)], axis=1)
    layer = PlaneFeatures()
    assert layer.width == 7
    np.testing.assert_allclose(layer(x).numpy(), expected)
    np.testing.assert_allclose(PlaneFeatures("sin(x2)", "x1")(x).numpy(), expected[:, [6, 0]])
    assert repr(PlaneFeatures("x1x2")) == "PlaneFeatures('x1x2')"
    for wrong in (("x3",), ("x1", "x1")):
        with pytest.raises(ConfigError, match="PlaneFeatures: names"):
            PlaneFeatures(*wrong)
    with pytest.raises(ShapeError, match=r"\(batch, 2\); received \(6, 3\)"):
        layer(np.ones((6, 3)))


def test_with_a_product_xor_is_one_unit(rng):
    x, same = nn.data.xor(300, rng=0)
    found = PlaneFeatures("x1x2")(x).numpy()[:, 0]
    np.testing.assert_array_equal(found > 0, same == 1)


def test_what_no_memory_or_float_holds_is_named():
    with pytest.raises(DataError, match=r"one_hot: 1 rows of .* too many numbers"):
        one_hot([2**62])
    with pytest.raises(DataError, match=r"Scaling\.fit: the range .* wider than float64"):
        Scaling.fit(np.array([[-1e308], [1.7e308]]))
