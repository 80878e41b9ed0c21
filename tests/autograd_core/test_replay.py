from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd_core as ag
from autograd_core.replay import _memory

SHAPE = ag.Abstract((5,), np.float32)


def momentum(theta, g, m, lr, beta):
    m = beta * m - lr * g
    return theta + m, m


def test_an_update_in_place_is_the_update():
    replay = ag.Replay(ag.trace(momentum)(SHAPE, SHAPE, SHAPE, 0.1, 0.9))
    theta, m = np.ones(5, np.float32), np.zeros(5, np.float32)
    expected, velocity = theta.copy(), m.copy()
    for k in range(4):
        g = np.full(5, k, np.float32)
        velocity = np.float32(0.9) * velocity - np.float32(0.1) * g
        expected = expected + velocity
        replay(theta, g, m, 0.1, 0.9, out=(theta, m))
    np.testing.assert_array_equal(theta, expected)
    np.testing.assert_array_equal(m, velocity)


def test_exchanging_two_arrays_in_place_is_right():
    replay = ag.Replay(ag.trace(lambda a, b: (b + 0.0, a + 0.0))(np.ones(3), np.ones(3)))
    a, b = np.arange(3.0), np.arange(3.0) * 10
    replay(a, b, out=(a, b))
    assert (a.tolist(), b.tolist()) == ([0, 10, 20], [0, 1, 2])
    replay = ag.Replay(ag.trace(lambda a, b: (b, a))(np.ones(3), np.ones(3)))
    replay(a, b, out=(a, b))
    assert (a.tolist(), b.tolist()) == ([0, 1, 2], [0, 10, 20])


def test_results_do_not_change_under_a_later_run():
    replay = ag.Replay(ag.trace(lambda a: ag.reshape(ag.exp(a) * 2, (1, 3)))(np.ones(3)))
    (first,) = replay(np.zeros(3))
    kept = first.copy()
    replay(np.ones(3))
    np.testing.assert_array_equal(first, kept)


def test_scratch_behind_a_view_is_not_reused():
    def f(a):
        row = ag.reshape(ag.exp(a), (1, 3))
        other = ag.sin(a) * ag.cos(a)
        return row + other + ag.tanh(a)

    replay = ag.Replay(ag.trace(f)(np.ones(3)))
    a = np.array([0.1, 0.2, 0.3])
    np.testing.assert_array_equal(
        replay(a)[0], (np.exp(a) + np.sin(a) * np.cos(a) + np.tanh(a))[None]
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12
    ),
    st.data(),
)
def test_random_programs_replay_as_they_run(steps, data):
    operations = (
        ag.add,
        ag.multiply,
        ag.subtract,
        ag.maximum,
        lambda a, b: ag.flip(a) + b,
        lambda a, b: ag.tanh(a),
    )

    def f(a, b):
        values = [a, b]
        for kind, i, j in steps:
            values.append(operations[kind](values[i % len(values)], values[j % len(values)]))
        return values[-1], values[len(values) // 2]

    program = ag.trace(f)(np.ones(4), np.ones(4))
    a, b = np.array([0.1, -0.2, 0.3, 0.5]), np.array([0.7, 0.2, -0.4, 0.9])
    expected = [np.array(e) for e in program(a, b)]  # an output may be an input
    targets = data.draw(st.sampled_from([None, (a, b), (b, a), (a, None)]))
    found = ag.Replay(program)(a, b, out=targets)
    for e, r in zip(expected, found, strict=True):
        np.testing.assert_array_equal(e, r)


def test_symbolic_sizes_and_wrong_counts_are_refused():
    with pytest.raises(ag.CaptureError, match="symbolic sizes"):
        ag.Replay(ag.trace(ag.exp)(ag.Abstract(ag.dims("B"))))
    with pytest.raises(ag.ShapeError, match="expected 1 inputs"):
        ag.Replay(ag.trace(ag.exp)(np.ones(2)))(np.ones(2), np.ones(2))


def test_memory_that_overlaps_is_refused():
    replay = ag.Replay(ag.trace(lambda a, b: (a + b, a * b))(np.ones(3), np.ones(3)))
    memory = np.ones(4)
    for inputs, out in (
        ((memory[:3], np.ones(3)), (memory[1:], None)),
        ((memory[:3], memory[:3]), (memory[:3], None)),
        ((np.ones(3), np.ones(3)), (memory[1:], memory[:3])),
    ):
        with pytest.raises(ag.ConfigError, match="shares memory"):
            replay(*inputs, out=out)
    a = np.ones(3)
    with pytest.raises(ag.ConfigError, match="shares memory"):
        replay(a, a, out=(a, None))


def test_sign_has_memory_of_its_own():
    """Over its operand NumPy's takes twelve times as long; every other step goes over what is read no more."""
    for function, apart in ((ag.sign, True), (ag.absolute, False), (ag.sqrt, False)):
        program = ag.trace(lambda x, f=function: 3 * f(2 * x))(ag.Abstract((9,), np.float32))
        memory, _ = _memory(program, (-1,))
        first, second, _ = (step.result for step in program.applications)
        assert (memory[first] is not memory[second]) == apart
        x = np.linspace(-1, 1, 9, dtype=np.float32)
        with np.errstate(invalid="ignore"):
            (found,) = ag.Replay(program)(x)
            np.testing.assert_array_equal(found, 3 * function(2 * x))
