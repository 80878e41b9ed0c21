from __future__ import annotations

import numpy as np
import pytest

from autograd_core.errors import ConfigError, DTypeError
from autograd_core.options import (
    COUNT,
    FLOATS,
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    SWITCH,
    Choice,
    Interval,
    Whole,
)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (FRACTION, [0, 0.0, 0.999, np.float32(0.5)], [1.0, -0.1, 1]),
        (NON_NEGATIVE, [0, 3, np.int64(2), 1e300], [-1e-300, -1]),
        (POSITIVE, [1e-300, 1], [0, 0.0, -1]),
        (PROBABILITY, [0, 1], [1.0001]),
    ],
    ids=str,
)
def test_an_interval_takes_what_lies_in_it_as_a_float(kind, good, bad):
    for value in good:
        found = kind.check("here", value)
        assert type(found) is float
        assert found == value
    for value in [*bad, float("nan"), float("inf"), -float("inf"), True, "1", None, [1.0], 1j]:
        with pytest.raises(ConfigError, match=r"^here: expected a finite number in .*; received "):
            kind.check("here", value)


def test_bounds_are_written_as_they_are():
    assert str(PROBABILITY) == "a finite number in [0, 1]"
    assert str(POSITIVE) == "a finite number in (0, inf)"
    assert str(Interval()) == "a finite number in (-inf, inf)"


def test_a_whole_number_is_an_int_from_its_bound_on():
    for value in (1, np.int64(3), np.uint8(7), 2**70):
        found = COUNT.check("here", value)
        assert type(found) is int
        assert found == value
    assert Whole().check("here", 0) == 0
    for value in (0, -3, 1.0, True, np.True_, "2", None, [1], float("nan")):
        with pytest.raises(ConfigError, match=r"^here: expected an integer of 1 or more; received"):
            COUNT.check("here", value)


def test_a_choice_takes_its_values_and_no_look_alikes():
    assert SWITCH.check("here", True) is True
    assert Choice(("a", "b")).check("here", "b") == "b"
    for value in (1, 0, "True", None, np.bool_(True)):
        with pytest.raises(ConfigError, match="here: expected one of False, True; received"):
            SWITCH.check("here", value)


def test_a_float_dtype_is_one_of_real_floats():
    for value in ("float32", np.float64, np.dtype(np.float16), float):
        assert FLOATS.check("here", value) == np.dtype(value)
    for value in (int, bool, complex, object, None, "float33"):
        with pytest.raises(DTypeError, match=r"^here: expected a float dtype such as .*; received"):
            FLOATS.check("here", value)


def test_an_error_names_the_operation_apart_from_the_option():
    with pytest.raises(ConfigError) as caught:
        COUNT.check("Conv1d: stride", 0)
    assert caught.value.operation == "Conv1d"
    assert caught.value.reason == "stride: expected an integer of 1 or more; received 0."
    with pytest.raises(ConfigError) as caught:
        Choice((None, 2, "a")).check("here", True)
    assert caught.value.operation == "here"
    assert str(caught.value) == "here: expected one of None, 2, 'a'; received True."


def test_what_is_received_is_not_printed_at_length():
    with pytest.raises(ConfigError) as caught:
        COUNT.check("here", "x" * 1000)
    assert len(str(caught.value)) < 150
