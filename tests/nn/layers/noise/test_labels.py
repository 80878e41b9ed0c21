"""Flipped labels: which, how often, and what they may be."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError

F = nn.functional
LABELS = np.arange(30_000) % 5


def test_a_share_of_p_is_flipped_and_to_all_others_alike():
    flipped = nn.LabelFlip(5, 0.4, rng=0)(LABELS).numpy()
    moved = (flipped - LABELS) % 5
    assert flipped.dtype == LABELS.dtype
    shares = np.bincount(moved, minlength=5) / len(moved)
    np.testing.assert_allclose(shares, [0.6, 0.1, 0.1, 0.1, 0.1], atol=0.012)


def test_rows_are_flipped_as_labels_are():
    layer, same = nn.LabelFlip(5, 0.4, rng=0), nn.LabelFlip(5, 0.4, rng=0)
    rows = layer(np.eye(5)[LABELS]).numpy()
    np.testing.assert_array_equal(rows.argmax(1), same(LABELS).numpy())
    np.testing.assert_array_equal(rows.sum(1), 1)


def test_soft_rows_are_turned_round():
    rows = np.array([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])
    turned = F.flip_labels(rows, np.array([1, 2], np.uint8), 3).numpy()
    np.testing.assert_array_equal(turned, [[0.1, 0.7, 0.2], [0.25, 0.25, 0.5]])


def test_evaluation_and_p_zero_leave_labels_as_they_are():
    for layer in (nn.LabelFlip(5, 0.4, rng=0).eval(), nn.LabelFlip(5, 0.0, rng=0)):
        np.testing.assert_array_equal(layer(LABELS).numpy(), LABELS)
        assert int(layer.counter) == 0


def test_p_one_leaves_none():
    assert not (nn.LabelFlip(2, 1.0, rng=0)(LABELS % 2).numpy() == LABELS % 2).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64])
def test_many_classes_fit_into_a_narrow_dtype(dtype):
    classes = 120
    labels = (np.arange(2000) % classes).astype(dtype)
    flipped = nn.LabelFlip(classes, 1.0, rng=0)(labels).numpy()
    assert flipped.dtype == dtype
    assert flipped.max() < classes
    assert set(np.bincount(flipped.astype(int), minlength=classes) > 0) == {True}


def test_compiled_labels_are_the_same_and_are_checked():
    layer, twin = nn.LabelFlip(5, 0.4, rng=0), nn.LabelFlip(5, 0.4, rng=0)
    compiled = ag.jit(lambda y: layer(y), backend="numpy")
    for _ in range(2):
        np.testing.assert_array_equal(compiled(LABELS[:50]).numpy(), twin(LABELS[:50]).numpy())
    with pytest.raises(DataError, match="a label is no class"):
        compiled(LABELS[:50] + 1)


@pytest.mark.parametrize("bad", [[0, 5], [-1, 0]])
def test_what_is_no_class_is_refused(bad):
    with pytest.raises(
        DataError, match=f"Expected labels from 0 to 4; received {max(bad, key=abs)}"
    ):
        nn.LabelFlip(5, 0.4, rng=0)(np.array(bad))


def test_what_is_no_label_is_refused():
    layer = nn.LabelFlip(5, 0.4, rng=0)
    with pytest.raises(ShapeError, match=r"or rows of 5 probabilities; received shape \(3, 4\)"):
        layer(np.ones((3, 4)))
    with pytest.raises(ShapeError, match="received shape"):
        layer(1.0)
    with pytest.raises(DTypeError, match="labels are integers"):
        layer(np.array([True, False]))
    with pytest.raises(DTypeError, match="expected whole numbers as shift; received float64"):
        F.flip_labels(LABELS, LABELS * 1.0, 5)
    with pytest.raises(ShapeError, match="expected labels of the shape of shift"):
        F.flip_labels(LABELS[:3], LABELS[:4], 5)
    for options in (
        {"classes": 1, "p": 0.1},
        {"classes": 3, "p": 1.5},
        {"classes": 3, "p": np.nan},
    ):
        with pytest.raises(ConfigError, match=r"LabelFlip: (classes|p): expected"):
            nn.LabelFlip(**options)


def test_an_empty_batch_is_empty():
    assert nn.LabelFlip(5, 0.4, rng=0)(LABELS[:0]).shape == (0,)
