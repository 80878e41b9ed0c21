from __future__ import annotations

import numpy as np

import autograd_core as ag
import optim
from optim.rule import Rule


def momentum(theta, g, m, *, step, lr, sign):
    m = 0.5 * m + sign * lr * g
    return theta + m, m


def rule():
    return Rule(momentum, ("m",), ("step", "lr"), {"sign": -1})


def test_a_rule_is_a_printable_program_of_every_size():
    text = str(rule().program(*ag.dims("n"), np.float32))
    assert "float32[n] ‹theta›" in text
    assert "float32[n] ‹m›" in text
    assert "number ‹lr›" in text


def test_numbers_are_inputs_so_one_recording_serves_every_learning_rate():
    r = rule()
    replay = r.replay(3, np.dtype(np.float64))
    assert r.replay(3, np.dtype(np.float64)) is replay
    assert r.replay(4, np.dtype(np.float64)) is not replay
    theta, g, m = np.zeros(3), np.ones(3), np.zeros(3)
    replay(theta, g, m, 1, 0.5, out=(theta, m))
    replay(theta, g, m, 2, 0.25, out=(theta, m))
    np.testing.assert_array_equal(m, [-0.5] * 3)
    np.testing.assert_array_equal(theta, [-1.0] * 3)


def test_the_program_that_runs_is_the_update_that_is_declared():
    optimizer = optim.SGD([ag.tensor([1.0], requires_grad=True)], lr=0.1, momentum=0.9)
    program = optimizer.program(size=2)
    theta, g, velocity = np.array([1.0, 2.0]), np.array([3.0, -1.0]), np.array([0.5, 0.5])
    found = program(theta, g, velocity, 1, 0.1, 0.9)
    expected = optim.SGD.update(
        theta, g, velocity, step=1, lr=0.1, momentum=0.9, nesterov=False, weight_decay=None
    )
    np.testing.assert_array_equal(found, expected)
