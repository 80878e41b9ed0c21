"""Loop nests: rests under masks, memory that ends at a wall, long sums, orders of axes."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import pytest

import autograd_core as ag

pytest.importorskip("llvmlite")

LEVELS = [None, "avx2", "baseline"]
PAGE = mmap.PAGESIZE
SIZES = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65]


class Walled:
    """An array that ends, or begins, where the process may not go: a step too far is a crash."""

    def __init__(self, like, at_end):
        inner = max(1, -(-like.nbytes // PAGE)) * PAGE
        self.map = mmap.mmap(-1, inner + 2 * PAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        libc = ctypes.CDLL(None, use_errno=True)
        for wall in (address, address + PAGE + inner):
            assert libc.mprotect(ctypes.c_void_p(wall), ctypes.c_size_t(PAGE), 0) == 0
        start = PAGE + (inner - like.nbytes if at_end else 0)
        self.array = np.frombuffer(self.map, like.dtype, like.size, start).reshape(like.shape)
        self.array[...] = like


def held(values, at_end):
    """Leaves whose memory is between walls: native code reads and writes it where it lies."""
    leaves = [ag.tensor(v) for v in values]
    walls = [Walled(v, at_end) for v in values]
    for leaf, wall in zip(leaves, walls, strict=True):
        leaf._value = wall.array
    return leaves, walls


def check(run, *args):
    outputs, writes = run.expected(*args)
    for found, wanted in zip(run(*args), outputs, strict=True):
        tolerance = 1e-12 if np.asarray(wanted).dtype != np.float32 else 2e-6
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    for leaf, wanted in writes:
        np.testing.assert_allclose(leaf.numpy(), wanted, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["d", "f", "b", "?", "q"])
@pytest.mark.parametrize("at_end", [True, False])
def test_no_element_outside_of_an_array_is_touched(native, level, dtype, at_end):
    rng = np.random.default_rng(0)
    leaves, walls = held([rng.integers(0, 2, n).astype(dtype) for n in SIZES], at_end)

    def step(s):
        found = []
        for w in leaves:
            found += [w * s, ag.sum(w * 1), w[::-1] * s, w[::2] * s, ag.cumsum(w * 1, 0)]
            if dtype != "?":
                found.append(ag.max(w))
            w.assign(w[::-1] if w.size % 2 else w)
        return found

    run = native(step, 1.5, level=level)
    for _ in range(2):
        check(run, 1.5)
    del run
    assert len(walls) == len(SIZES)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("at_end", [True, False])
def test_no_element_outside_of_a_matrix_is_touched(native, level, at_end):
    rng = np.random.default_rng(1)
    shapes = [(3, 5), (5, 3), (1, 9), (9, 1), (17, 4), (4, 17), (8, 8), (33, 2)]
    leaves, walls = held([rng.normal(size=s) for s in shapes], at_end)

    def step():
        found = []
        for w in leaves:
            rows, columns = w.shape
            found += [w.T * 2, ag.sum(w, axis=0), ag.sum(w, axis=1), ag.max(w, axis=0), w @ w.T, w.T @ w,
                      ag.exp(w - ag.logsumexp(w, axis=1, keepdims=True)), w[:, ::-1] + w[0],
                      ag.sliding_window_view(w, 1, 0) * 1, ag.take(w, np.arange(rows)[::-1] - 1, 0),
                      ag.pad(w, 1), ag.diagonal(w) + 1, w.reshape(columns, rows) * 3]  # fmt: skip
            w.assign(w - 0.1 * ag.mean(w, axis=0))
        return found

    check(native(step, level=level))
    assert len(walls) == len(shapes)


@pytest.mark.parametrize("level", LEVELS)
def test_large_arguments_are_read_where_they_lie_and_no_further(native, level):
    walls = [Walled(np.random.default_rng(n).normal(size=n), True) for n in (5_000, 8_193, 20_011)]
    arrays = [w.array for w in walls]
    run = native(lambda *xs: [(ag.tanh(x), ag.sum(x), ag.max(x), x[::-3] * 2) for x in xs], *arrays, level=level)  # fmt: skip
    check(run, *arrays)


@pytest.mark.parametrize("level", LEVELS)
def test_what_lies_beside_is_neither_read_nor_written(native, level):
    """Neighbours are nan, and indices that are none: a rest under a mask knows nothing of them."""
    wholes, leaves, places = [], [], []
    for n in SIZES:
        whole = np.full(n + 40, np.nan)
        whole[20 : 20 + n] = -np.arange(1.0, n + 1)
        index = np.full(n + 40, 10**9)
        index[20 : 20 + n] = np.arange(n)[::-1]
        leaf, place = ag.tensor(whole[20 : 20 + n]), ag.tensor(index[20 : 20 + n])
        leaf._value, place._value = whole[20 : 20 + n], index[20 : 20 + n]
        wholes.append(whole)
        leaves.append(leaf)
        places.append(place)

    def step():
        found = []
        for w, i in zip(leaves, places, strict=True):
            found += [ag.sum(w), ag.max(w), ag.sum(ag.exp(w)), w[i], ag.logsumexp(w, axis=0)]
            w.assign(w * 1.5)
        return found

    run = native(step, level=level)
    for _ in range(2):
        check(run)
    for n, whole in zip(SIZES, wholes, strict=True):
        assert np.isnan(whole[:20]).all()
        assert np.isnan(whole[20 + n :]).all()


# --- sums -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("size", [1_000, 8_193, 100_003, 1_000_000])
def test_long_sums_in_single_precision_lose_no_digits(native, level, size):
    x = np.random.default_rng(0).uniform(size=size).astype(np.float32)
    run = native(lambda x: (ag.sum(x), ag.mean(x), ag.sum(x * x), ag.max(x)), x, level=level)
    total, mean, squares, most = run(x)
    wide = x.astype(np.float64)
    for found, exact in ((total, wide.sum()), (mean, wide.mean()), (squares, (wide * wide).sum())):
        assert found.dtype == np.float32
        assert abs(found - exact) <= 8 * np.spacing(np.float32(exact))
    assert most == x.max()


@pytest.mark.parametrize("shape", [(100_000, 3), (3, 100_000), (50_000, 33), (2, 40_000, 5)])
@pytest.mark.parametrize("axis", [0, -1, None])
def test_sums_along_any_axis_are_as_good_as_numpys(native, shape, axis):
    x = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    run = native(lambda x: ag.sum(x, axis=axis), x)
    (found,) = run(x)
    exact = x.astype(np.float64).sum(axis)
    theirs = np.abs(x.sum(axis) - exact).max()
    assert np.abs(found - exact).max() <= 2 * max(theirs, 4 * np.spacing(np.float32(exact.max())))


def test_sums_of_nothing_and_of_one(native):
    x = np.zeros((0, 3))
    run = native(
        lambda x: (ag.sum(x), ag.sum(x, axis=0), ag.sum(x, axis=1), x @ np.ones((3, 2))), x
    )
    for found, wanted in zip(
        run(x), (0.0, np.zeros(3), np.zeros(0), np.zeros((0, 2))), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    run = native(lambda x: (ag.sum(x, axis=0), ag.max(x, axis=0)), np.full((1, 3), -2.0))
    for found in run(np.full((1, 3), -2.0)):
        np.testing.assert_array_equal(found, np.full(3, -2.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [3, 16, 37, 9_001])
def test_nan_and_infinities_are_seen_wherever_they_stand(native, bad, size):
    x = np.random.default_rng(0).normal(size=size)
    run = native(lambda x: (ag.max(x), ag.min(x), ag.sum(x), ag.mean(x * 0)), x)
    for place in {0, 1, size // 2, size - 1}:
        y = x.copy()
        y[place] = bad
        with np.errstate(invalid="ignore"):
            wanted = y.max(), y.min(), y.sum(), (y * 0).mean()
        for found, w in zip(run(y), wanted, strict=True):
            np.testing.assert_allclose(found, w, rtol=1e-12, atol=1e-12)


def test_sums_of_whole_numbers_wrap_as_numpys_do(native):
    x = np.array([2**62, 2**62, 2**62, 5], np.int64)
    run = native(lambda x: (ag.sum(x), ag.max(x), x * 4, ag.cumsum(x, 0)), x)
    with np.errstate(over="ignore"):
        for found, wanted in zip(run(x), (x.sum(), x.max(), x * 4, np.cumsum(x)), strict=True):
            np.testing.assert_array_equal(found, wanted)


# --- quotients --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_quotients_by_one_number_are_good_over_the_whole_range(native, dtype):
    """They are products with its reciprocal, scaled where that is no normal number."""
    info = np.finfo(dtype)
    ends = [
        info.smallest_subnormal,
        info.tiny / 3,
        info.tiny,
        1e-3,
        1.0,
        3.0,
        info.max / 3,
        info.max,
    ]
    divisors = np.array([s * e for e in ends for s in (1, -1)] + [0.0, -0.0, np.inf, np.nan], dtype)
    x = np.array([*ends, 0.0, -0.0, np.inf, -np.inf, np.nan, 7.0, -2.5] * 3, dtype)
    run = native(lambda x, d: x[None] / d[:, None], x, divisors)
    with np.errstate(all="ignore"):
        wanted = x[None] / divisors[:, None]
    (found,) = run(x, divisors)
    np.testing.assert_allclose(found, wanted, rtol=2 * info.eps, atol=info.smallest_subnormal)
