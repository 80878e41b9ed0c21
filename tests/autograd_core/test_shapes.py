from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd_core as ag
from autograd_core.errors import ShapeError
from autograd_core.ops.views import Index
from autograd_core.shapes import Dim, broadcast, count, normalise_axes, substitute

B, D = ag.dims("B D")


@given(st.integers(1, 9), st.integers(1, 9))
def test_dims_compute_like_the_integers_they_stand_for(b, d):
    sizes = {"B": b, "D": d}
    for expression in (
        B + D,
        2 * B * D - 3,
        B - D,
        -B + 1,
        (B * D) // D,
        (4 * B + 2) // 2,
        5 - B,
        B * 0 + 7,
    ):
        text = str(expression)
        value = expression.substitute(sizes) if isinstance(expression, Dim) else expression
        assert value == eval(text, {"B": b, "D": d})


def test_equal_polynomials_are_equal_and_hash_alike():
    assert (B + 1) * D == D * B + D
    assert hash((B + 1) * D) == hash(D * B + D)
    assert B != D
    assert B - B == 0
    assert (B * D, 2)[0] in {D * B}


@pytest.mark.parametrize(
    "question", [int, float, bool, lambda d: d < 3, lambda d: range(d), lambda d: d // 2]
)
def test_what_needs_a_value_raises(question):
    with pytest.raises(ag.CaptureError):
        question(B)


def test_names_must_be_identifiers():
    with pytest.raises(ag.ConfigError, match="not a name"):
        ag.dims("B;D")


@given(st.lists(st.lists(st.sampled_from([1, 2, 3]), max_size=3), min_size=1, max_size=3))
def test_broadcast_is_numpys(shapes):
    try:
        expected = np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        with pytest.raises(ag.ShapeError, match="do not broadcast"):
            broadcast(*map(tuple, shapes))
    else:
        assert broadcast(*map(tuple, shapes)) == expected


def test_symbolic_sizes_broadcast_only_with_themselves_and_one():
    assert broadcast((B, 1), (D,)) == (B, D)
    with pytest.raises(ag.ShapeError):
        broadcast((B,), (D,))
    with pytest.raises(ag.ShapeError):
        broadcast((B,), (2,))


def test_axes_are_checked():
    assert normalise_axes((-1, 0), 3) == (0, 2)
    for axis in (3, -4, (0, 0), (0, -3)):
        with pytest.raises(ag.ShapeError, match="axis"):
            normalise_axes(axis, 3)


def test_count_and_substitute():
    assert count((B, 3, D)) == 3 * B * D
    assert substitute((B, (D, 2)), {"B": 4, "D": 5}) == (4, (5, 2))


def test_slices_at_sizes_are_as_long_as_at_each_value():
    (h,) = ag.dims("h")
    bounds = [None, 0, h, 2 * h, 3 * h, -h, -2 * h, -3 * h]
    known = 0
    for n, start, stop in itertools.product((h, 2 * h, 3 * h), bounds, bounds):
        index = Index.of(slice(start, stop))
        try:
            (size,) = index.shape((n,))
        except ShapeError:
            continue
        known += 1
        for value in (1, 2, 5):
            taken = range(substitute(n, {"h": value}))[index.substitute({"h": value}).key()[0]]
            assert substitute(size, {"h": value}) == len(taken), (n, start, stop)
    assert known > 50
    for n, start, stop in ((h, 2 * h, None), (8, h, None), (h, None, 2 * h), (h, -2, None)):
        with pytest.raises(ShapeError, match="is not known"):
            Index.of(slice(start, stop)).shape((n,))
