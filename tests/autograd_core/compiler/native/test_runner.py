"""Running a native step: forms of arguments, memory of outputs and of state, failures, many steps."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import memory

pytest.importorskip("llvmlite")

LARGE = 1 << 13  # elements: an argument of so many doubles is handed over where it lies


def forms(x):
    """Arrays that are equal to a matrix, and lie otherwise in memory."""
    wide = np.repeat(np.repeat(x, 2, 0), 2, 1)
    off = np.frombuffer(bytearray(x.nbytes + 1), np.uint8)[1:].view(x.dtype).reshape(x.shape)
    off[...] = x
    locked = x.copy()
    locked.flags.writeable = False
    return {
        "as it is": x,
        "Fortran's order": np.asfortranarray(x),
        "every second": wide[::2, ::2],
        "backwards": np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
        "read-only": locked,
        "unaligned": off,
        "repeated": np.broadcast_to(x[:1], x.shape),
        "swapped bytes": x.astype(x.dtype.newbyteorder()),
        "a part of more": np.vstack([x, x, x])[x.shape[0] : 2 * x.shape[0]],
    }


@pytest.mark.parametrize("rows", [3, LARGE // 4])
@pytest.mark.parametrize("form", forms(np.ones((2, 2))))
def test_arguments_may_lie_in_memory_as_they_like(native, rows, form):
    x = np.random.default_rng(0).normal(size=(rows, 8))
    step = native(lambda x: (x * 2, ag.sum(x, axis=0)), x)
    given = forms(x)[form]
    before = given.copy()
    for found, wanted in zip(step(given), (before * 2, before.sum(0)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize("size", [5, LARGE])
def test_outputs_share_memory_with_nothing(native, size):
    w = ag.tensor(np.ones(size))
    x = np.zeros(size)
    step = native(lambda x: (x, w, x + 1, (x + 1).reshape(1, -1), w[::-1], ag.sum(x)), x)
    outputs = [*step(x), *step(x)]
    arrays = [o for o in outputs if isinstance(o, np.ndarray)]
    assert len(arrays) >= 10
    held = [x, w.data, *arrays]
    for i, a in enumerate(held):
        for b in held[:i]:
            assert not np.may_share_memory(a, b)


def test_large_outputs_live_in_memory_that_nobody_holds_any_more(native):
    step = native(lambda x: x + 1, np.zeros(LARGE))
    kept = [step(np.full(LARGE, float(n)))[0] for n in range(7)]
    views = [step(np.full(LARGE, float(n)))[0][10:20] for n in range(7, 14)]
    seen = {step(np.full(LARGE, -1.0))[0].ctypes.data for _ in range(20)}
    assert len(seen) <= 2
    assert [k[0] for k in kept] == list(range(1, 8))
    assert [v[0] for v in views] == list(range(8, 15))


def test_an_output_that_is_written_to_spoils_no_later_call(native):
    step = native(lambda x: (x * 0 + 3, ag.broadcast_to(ag.cast(2, float), (4,))), np.zeros(4))
    for _ in range(3):
        for found, wanted in zip(step(np.zeros(4)), (3, 2), strict=True):
            np.testing.assert_array_equal(found, np.full(4, wanted))
            found[:] = 99


# --- state ------------------------------------------------------------------------------------


def counting(w):
    def step(x):
        w.assign(w + x)
        return ag.sum(w)

    return step


@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (0,), (LARGE,)])
def test_state_of_any_shape_is_written_in_place(native, shape):
    w = ag.tensor(np.zeros(shape))
    step = native(counting(w), np.ones(shape))
    for n in range(1, 4):
        (total,) = step(np.ones(shape))
        np.testing.assert_array_equal(w.data, np.full(shape, n))
        assert total == n * int(np.prod(shape))


def test_state_with_gaps_is_written_where_it_lies(native):
    whole = np.zeros((4, 6))
    w = ag.tensor(np.zeros((2, 3)))
    w._value = whole[::2, ::2]
    step = native(counting(w), np.ones((2, 3)))
    for n in range(1, 4):
        step(np.ones((2, 3)))
        assert np.all(whole[::2, ::2] == n)
    assert whole.sum() == 18
    whole[0, 0] = 100  # by another view, between two steps
    step(np.ones((2, 3)))
    assert whole[0, 0] == 101


def test_state_whose_memory_was_replaced_is_found_again(native):
    w, v = ag.tensor(np.zeros(3)), ag.tensor(1.0)
    step = native(lambda x: ag.sum(w.assign(w + v * x)), np.ones(3))
    step(np.ones(3))
    first = w._value
    memory.pack([w, v])
    step(np.ones(3))
    w._value, v._value = np.full(3, 10.0), np.float64(2.0)
    step(np.ones(3))
    np.testing.assert_array_equal(first, 1)
    np.testing.assert_array_equal(w.data, 12)


@pytest.mark.parametrize("size", [3, LARGE])
def test_an_argument_may_be_the_state_that_is_written(native, size):
    w = ag.tensor(np.arange(float(size)))

    def step(x):
        w.assign(x[::-1] + 1)

    run = native(step, w.data)
    wanted = np.arange(float(size))
    for pack in (False, True, False):
        if pack:
            memory.pack([w])  # in other memory from now on
        run(w.data)
        wanted = wanted[::-1] + 1
        np.testing.assert_array_equal(w.data, wanted)


@pytest.mark.parametrize("size", [3, LARGE])
def test_one_of_many_arguments_may_be_the_state_that_is_written(native, size):
    w = ag.tensor(np.arange(float(size)))

    def step(x):
        w.assign(x[::-1] + w)

    run = native(step, w.data)
    done, _, error = run.runner.many(1, [w.data[None]], [])
    assert (done, error) == (1, None)
    np.testing.assert_array_equal(w.data, np.full(size, size - 1.0))


def test_many_arguments_may_be_the_memory_of_state(native):
    w = ag.tensor(np.arange(12.0).reshape(3, 4))

    def step(x):
        w.assign(w * 0 + x[::-1])

    run = native(step, np.zeros(4))
    data = w._value
    wanted = data.copy()
    run.runner.many(3, [data], [])
    np.testing.assert_array_equal(w.data, np.broadcast_to(wanted[2, ::-1], (3, 4)))


# --- failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "picked",
    [
        lambda x, i: x[i],
        lambda x, i: ag.take_along_axis(x, i, 0),
        lambda x, i: ag.take(x, i, 0),
        lambda x, i: ag.sum(x.reshape(1, -1)[ag.cast(i * 0, np.int64), i]),
        lambda x, i: ag.grad(lambda x: ag.sum(ag.square(x[i])))(x),
    ],
)
@pytest.mark.parametrize("only_written", [False, True])
def test_an_index_out_of_range_raises_and_writes_nothing(native, picked, only_written):
    w, u = ag.tensor(np.zeros(4)), ag.tensor(np.zeros(4))

    def step(x, i):
        u.assign(u + 1)
        y = picked(x, i)
        w.assign(w + ag.sum(y))
        u.assign(u + 1)
        return None if only_written else y

    x, good = np.arange(1.0, 5.0), np.array([0, -4, 3])
    run = native(step, x, good)
    run(x, good)
    held = w.data.copy(), u.data.copy()
    for bad in ([0, 1, 4], [-5, 0, 0], [2**62, 0, 0], [-(2**62), 0, 0]):
        with pytest.raises(ag.errors.ShapeError, match="an index is out of range"):
            run(x, np.array(bad))
        np.testing.assert_array_equal(w.data, held[0])
        np.testing.assert_array_equal(u.data, held[1])
    run(x, good)
    np.testing.assert_array_equal(u.data, held[1] + 2)


def test_what_numpy_raises_leaves_state_as_it_was(native):
    w = ag.tensor(np.zeros((2, 2)))

    def step(x, i):
        y = w * 2 + 1
        w.assign(y)
        return ag.linalg.cholesky(x + y * 0), x[i], ag.sum(y)

    run = native(step, np.eye(2), np.array([0]))
    run(np.eye(2), np.array([0]))
    for i in (0, 7):
        with pytest.raises((ag.LinAlgError, ag.ShapeError)):
            run(-np.eye(2), np.array([i]))
        np.testing.assert_array_equal(w.data, np.ones((2, 2)))
    run(np.eye(2), np.array([1]))  # the index that was wrong before is forgotten
    np.testing.assert_array_equal(w.data, np.full((2, 2), 3.0))


# --- many steps -------------------------------------------------------------------------------


def test_many_steps_are_as_many_single_ones(native):
    def made():
        w = ag.tensor(np.zeros(3))

        def step(x, s):
            w.assign(w * 0.5 + x * s)
            return ag.sum(w), w, ag.cast(1, float) * 2

        return w, native(step, np.zeros(3), 1.5)

    xs = np.random.default_rng(0).normal(size=(6, 3))
    (w, one), (v, all_at_once) = made(), made()
    single = [one(x, 1.5) for x in xs]
    done, outputs, error = all_at_once.runner.many(6, [xs], [1.5])
    assert (done, error) == (6, None)
    for k, column in enumerate(outputs):
        np.testing.assert_array_equal(column, [row[k] for row in single])
    np.testing.assert_array_equal(v.data, w.data)
    np.testing.assert_array_equal(all_at_once(xs[0], 1.5)[1], one(xs[0], 1.5)[1])


@pytest.mark.parametrize("numpys", [False, True])
def test_many_steps_end_where_one_fails(native, numpys):
    w = ag.tensor(np.zeros(3))

    def step(x, i):
        y = ag.sort(x) if numpys else x
        w.assign(w + y[i])
        return ag.sum(w)

    xs, indices = np.ones((5, 3)), np.zeros((5, 3), int)
    indices[3, 1] = 3
    run = native(step, xs[0], indices[0])
    done, (sums,), error = run.runner.many(5, [xs, indices], [])
    assert done == 3
    assert isinstance(error, ag.errors.ShapeError)
    np.testing.assert_array_equal(sums, [3, 6, 9])
    np.testing.assert_array_equal(w.data, [3, 3, 3])
    np.testing.assert_array_equal(run(xs[0], indices[0]), [12])


def test_no_steps_are_no_steps(native):
    w = ag.tensor(np.zeros(3))
    run = native(counting(w), np.ones(3))
    done, outputs, error = run.runner.many(0, [np.ones((0, 3))], [])
    assert (done, error) == (0, None)
    assert [o.shape for o in outputs] == [(0,)]
    np.testing.assert_array_equal(w.data, 0)
