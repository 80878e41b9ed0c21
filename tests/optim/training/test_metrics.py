from __future__ import annotations

import numpy as np
import pytest

import optim
from autograd_core.errors import DataError


def test_the_error_rate_counts_wrong_classes():
    outputs = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 2.0], [5.0, 5.0, 5.0]])
    assert optim.error_rate(outputs, np.array([0, 1, 1, 0])) == 0.25
    assert optim.accuracy(outputs, np.array([0, 1, 1, 0])) == 0.75
    assert optim.error_rate(outputs, np.eye(3)[[0, 1, 1, 0]]) == 0.25


@pytest.mark.parametrize(
    ("outputs", "targets"), [((3,), (3,)), ((3, 1), (3,)), ((3, 2), (2,)), ((3, 2), (3, 1))]
)
def test_shapes_that_name_no_classes_are_refused(outputs, targets):
    with pytest.raises(DataError, match=r"error_rate: expected outputs of shape \(B, C\)"):
        optim.error_rate(np.zeros(outputs), np.zeros(targets, int))
