"""What layers ask of their inputs."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import DTypeError, ShapeError
from nn.inputs import as_channels, as_features, as_reals, as_units

DOUBLE = np.dtype(np.float64)


def test_a_fitting_array_or_tensor_is_passed_on():
    x, t = np.ones((2, 3)), ag.tensor(np.ones((2, 3)))
    assert as_features(x, 3, DOUBLE, "L") is x
    assert as_features(t, 3, DOUBLE, "L") is t


@pytest.mark.parametrize(
    "values", [[[1, 2, 3]], np.ones((1, 3), np.float32), np.ones((1, 3), bool)]
)
def test_other_real_dtypes_are_cast(values):
    found = as_features(values, 3, DOUBLE, "L")
    assert isinstance(found, ag.Tensor)
    assert found.dtype == DOUBLE


def test_a_cast_passes_the_gradient_in_the_dtype_of_the_input():
    x = ag.tensor(np.ones((1, 3), np.float32), requires_grad=True)
    as_features(x, 3, DOUBLE, "L").sum().backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("values", [np.ones((2, 3), complex), [["a", "b", "c"]], [[None] * 3]])
def test_what_is_no_real_number_is_refused(values):
    with pytest.raises(DTypeError, match="L: the input is not made of real numbers"):
        as_features(values, 3, DOUBLE, "L")


def test_a_wrong_width_names_layer_shapes_and_remedy():
    with pytest.raises(ShapeError, match=r"^L: .*\(batch, 3\); received \(2, 4\)\. Reshape"):
        as_features(np.ones((2, 4)), 3, DOUBLE, "L")


def test_a_symbolic_width_does_not_fit():
    (D,) = ag.dims("D")
    with pytest.raises(ShapeError, match=r"received \(2, D\)"):
        ag.trace(lambda x: as_features(x, 3, DOUBLE, "L"))(ag.Abstract((2, D)))


@pytest.mark.parametrize("shape", [(2, 3, 5), (3, 5)])
def test_channels_stand_before_the_lengths_with_or_without_a_batch(shape):
    x = np.ones(shape)
    assert as_channels(x, 3, 1, DOUBLE, "L") is x
    assert as_channels(x.astype(np.float32), 3, 1, DOUBLE, "L").dtype == DOUBLE


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((2, 5, 3), "Transpose it"),
        ((2, 4, 5), "Build the layer for 4 channels"),
        ((3,), r"Reshape the input: x.reshape\(len\(x\), 3, …\)"),
    ],
)
def test_other_channels_name_layer_shapes_and_remedy(shape, remedy):
    with pytest.raises(ShapeError, match=rf"^L: .*\(batch, 3, length\), or .*received .*{remedy}"):
        as_channels(np.ones(shape), 3, 1, DOUBLE, "L")


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((5, 8, 9), r"x\[:, None\]"),
        ((8, 9), r"x\[None\]"),
        ((5, 8, 9, 1), "Transpose it"),
        ((8, 9, 1), "Transpose it"),
        ((5, 3, 8, 9), "Build the layer for 3 channels"),
        ((64,), r"x.reshape\(len\(x\), 1, …\)"),
        ((5, 1, 2, 8, 9), r"x.reshape\(len\(x\), 1, …\)"),
    ],
)
def test_pictures_without_channels_are_told_where_the_axis_is_missing(shape, remedy):
    with pytest.raises(ShapeError, match=remedy):
        as_channels(np.ones(shape), 1, 2, DOUBLE, "L")


def test_what_has_more_axes_is_not_told_to_be_a_batch_of_rows():
    with pytest.raises(ShapeError, match=r"Expected shape \(…, 5\); received \(2, 6, 3\)"):
        as_features(np.ones((2, 6, 3)), 5, DOUBLE, "L")


@pytest.mark.parametrize(
    "asked",
    [
        lambda x: nn.Linear(4, 2, rng=0)(x),
        lambda x: nn.Sequential(nn.BatchNorm1d(4), nn.ReLU())(x),
        lambda x: nn.Conv1d(4, 2, 1, rng=0)(x),
        lambda x: nn.Dropout(0.5, rng=0)(x),
        lambda x: nn.CrossEntropyLoss()(x, np.zeros(5, int)),
        lambda x: nn.MSELoss()(x, np.zeros((5, 4))),
    ],
)
def test_what_a_recurrent_layer_gives_is_not_taken_for_one_array(asked):
    given = nn.LSTM(3, 4, rng=0)(np.ones((5, 2, 3), np.float32))
    with pytest.raises(
        ShapeError, match=r"tuple of 2 parts.*received \(\(5, 2, 4\), tuple\).*first"
    ):
        asked(given)


def test_targets_that_lack_the_last_axis_are_told_so():
    with pytest.raises(ShapeError, match=r"targets\[:, None\]"):
        nn.MSELoss()(np.zeros((4, 1)), np.zeros(4))


RAGGED = [[1.0, 2.0, 3.0], [1.0]]


@pytest.mark.parametrize(
    "asked",
    [
        lambda x: as_features(x, 3, DOUBLE, "L"),
        lambda x: as_channels(x, 3, 1, DOUBLE, "L"),
        lambda x: as_units(x, 3, (0, 1), DOUBLE, "L"),
        lambda x: as_reals(x, DOUBLE, "L"),
    ],
)
def test_ragged_lists_are_refused_by_name(asked):
    with pytest.raises(ShapeError, match="L: the values do not form an array"):
        asked(RAGGED)


def test_units_are_the_second_axis_of_a_batch():
    x = np.ones((2, 3, 4))
    assert as_units(x, 3, (0, 1), DOUBLE, "L") is x
    assert as_units(x[..., 0].tolist(), 3, (0, 1), DOUBLE, "L").dtype == DOUBLE
    with pytest.raises(
        ShapeError, match=r"L: .*\(batch, 4\) or \(batch, 4, length\).*channels come"
    ):
        as_units(x, 4, (0, 1), DOUBLE, "L")
