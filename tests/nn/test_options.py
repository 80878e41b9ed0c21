"""Checks of what constructors are given."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autograd_core.errors import ConfigError, DTypeError
from nn.options import check_dtype, check_number, check_size


def test_values_in_range_come_back_as_plain_python_numbers():
    assert type(check_size(np.int64(3), "L", "n")) is int
    assert type(check_number(np.float32(0.5), "L", "p", 0, 1)) is float
    assert check_number(1, "L", "p", 0, 1) == 1.0
    assert check_dtype("float32", "L") == np.dtype(np.float32)


@pytest.mark.parametrize("value", [0, -3, 1.0, True, "2", None])
def test_a_size_is_an_int_from_one(value):
    with pytest.raises(ConfigError, match=r"L: n is no size\. Expected an int from 1; received"):
        check_size(value, "L", "n")


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf, "0.5", None, True, 1j])
def test_a_number_lies_in_its_range(value):
    with pytest.raises(ConfigError, match=r"L: p is out of range\. Expected .* \[0, 1\]; received"):
        check_number(value, "L", "p", 0, 1)


def test_an_open_end_is_excluded_and_written_so():
    with pytest.raises(ConfigError, match=r"in \(0, inf\); received 0"):
        check_number(0, "L", "eps", 0, above=True)
    with pytest.raises(ConfigError, match=r"in \(-inf, inf\); received nan"):
        check_number(math.nan, "L", "x")


@pytest.mark.parametrize("dtype", [int, bool, complex, object, None, "float33"])
def test_a_dtype_is_a_float_dtype(dtype):
    with pytest.raises(DTypeError, match="L: parameters need a float dtype"):
        check_dtype(dtype, "L")
