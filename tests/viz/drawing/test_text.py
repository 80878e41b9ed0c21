import numpy as np
import pytest
from hypothesis import given, strategies as st

from viz.drawing.text import describe, number, shape_text, shorten, text_width

ANY = st.text(st.characters(exclude_categories=()))  # lone surrogates and all


def test_long_text_is_cut_and_says_so():
    assert shorten("y" * 20_000, 10) == "yyyyyyyyyy… +19,990 characters"
    assert shorten("short", 10) == "short"


@given(ANY, st.booleans())
def test_width_grows_with_the_text(text, bold):
    assert text_width(text + "m", 10, bold) > text_width(text, 10, bold)
    assert text_width(text, 20, bold) == pytest.approx(2 * text_width(text, 10, bold))


def test_width_is_that_of_a_wide_common_font():
    assert text_width("m", 100) == 97
    assert text_width("m", 100, bold=True) == 104
    assert text_width("漢", 100) > 100


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (-1234567, "−1,234,567"),
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (-1e-7, "−1e−7"),
        (3e20, "3e20"),
        (2**40, "1.1e12"),
        (True, "True"),
        (np.float32(np.nan), "nan"),
        (-np.inf, "−inf"),
        (np.uint8(7), "7"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_shapes_are_written_as_numpy_writes_them():
    assert [shape_text(s) for s in ((), (3,), (2, 3))] == ["scalar", "(3,)", "(2, 3)"]


@pytest.mark.parametrize(
    ("array", "lines", "broken"),
    [
        (np.float64(2), ("= 2",), False),
        (np.array([[2.0]]), ("= 2",), False),
        (np.array([[1, 2], [3, 4]]), ("[[1, 2], [3, 4]]",), False),
        (np.array([1.0, np.nan]), ("[1, nan]",), True),
        (np.arange(5.0), ("2 ± 1.41", "0 … 4"), False),
        (np.ones(9), ("all 1",), False),
        (np.arange(10), ("0 … 9",), False),
        (np.arange(8) < 2, ("25 % true",), False),
        (np.r_[np.ones(8), np.inf], ("all 1", "1 of 9 not finite"), True),
        (np.full(9, np.nan), ("9 of 9 not finite",), True),
        (np.float64(np.nan), ("= nan",), True),
        (np.zeros((0, 3)), ("empty",), False),
    ],
)
def test_values_are_described_in_a_line_or_two(array, lines, broken):
    assert describe(array) == (lines, broken)


def test_values_near_the_largest_float_are_described_without_a_warning():
    lines, broken = describe(np.array([1e308, -1e308, 1e308, 1e308, 0]))
    assert not broken
    assert lines[1] == "−1e308 … 1e308"
