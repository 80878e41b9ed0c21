"""Equal steps are written once, unneeded ones not at all."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.passes import alive, shared

X = np.array([[0.5, -1.0, 2.0], [0.0, -0.0, 3.0]])


def test_equal_steps_are_one(passes):
    _, after = passes.kept(shared, lambda x: ag.exp(x) * 2 + ag.exp(x) * 2, passes.hostile)
    assert passes.names(after) == ["exp", "multiply", "add"]
    assert after.applications[-1].operands == (after.applications[1].result,) * 2


def test_what_depends_on_equal_steps_is_equal_too(passes):
    def deep(x):
        a, b = x, x
        for _ in range(20):
            a, b = ag.tanh(a) + 1, ag.tanh(b) + 1
        return a, b

    _, after = passes.kept(shared, deep, X)
    assert len(after) == 40
    assert after.outputs[0] is after.outputs[1]


@pytest.mark.parametrize(
    "pair",
    [
        (lambda x: x * 0.0, lambda x: x * -0.0),
        (lambda x: x * 2.0, lambda x: x * 3.0),
        (lambda x: ag.sum(x, axis=0), lambda x: ag.sum(x, axis=1)),
        (lambda x: ag.sum(x, axis=0), lambda x: ag.sum(x, axis=0, keepdims=True)),
        (lambda x: x - 1.5, lambda x: 1.5 - x),
        (lambda x: x[0], lambda x: x[1]),
        (lambda x: ag.cast(x > 0, np.float32), lambda x: ag.cast(x > 0, np.float64)),
        (lambda x: ag.cast(x, np.int64) * True, lambda x: ag.cast(x, np.int64) * 1.0),
        (lambda x: ag.transpose(x), lambda x: ag.flip(x)),
    ],
)
def test_what_differs_stays_apart(passes, pair):
    first, second = pair
    with np.errstate(invalid="ignore"):
        _, after = passes.kept(shared, lambda x: (first(x), second(x)), X)
    assert after.outputs[0] is not after.outputs[1]


def test_random_bits_of_one_counter_are_one(passes):
    def drawn(key):
        return [ag.random_bits(key, counter + k, (3,)) for k in (1, 1, 2)]

    counter = ag.tensor(np.uint64(7))
    _, after = passes.kept(shared, drawn, np.array([3, 5], np.uint64))
    a, b, c = after.outputs
    assert a is b
    assert a is not c


def test_identities_are_their_operands(passes):
    _, after = passes.kept(shared, lambda x: ag.stop_gradient(ag.tanh(x)) + 1, X)
    assert passes.names(after) == ["tanh", "add"]


def test_the_reverse_walk_shares_with_the_forward(passes):
    def derived(x):
        return ag.value_and_grad(lambda x: ag.sum(ag.sigmoid(x)))(x)

    before, after = passes.kept(shared, derived, X)
    assert passes.names(before).count("sigmoid") == passes.names(after).count("sigmoid") == 1


def test_scopes_and_writes_stay(passes):
    w = ag.tensor(np.ones((2, 3)))

    def step(x):
        with ag.named_scope("layer"):
            y = ag.tanh(x * w)
        w.assign(y)
        return ag.sum(y)

    before, after = passes.kept(shared, step, X)
    assert [s.scope for s in after] == [s.scope for s in before] == [("layer",), ("layer",), ()]
    assert after.writes == before.writes


def test_the_phase_of_a_step_that_was_shared_away_is_its_twin(passes):
    def twice(x):
        def loss(x):
            return ag.sum(ag.tanh(x) + ag.tanh(x))

        return ag.grad(loss)(x)

    _, after = passes.kept(shared, twice, X)
    made = {s.result for s in after}
    phases = [s.phase for s in after if s.phase is not None]
    assert phases
    assert set(phases) <= made
    assert all(s.backward for s in after if s.phase is not None)


def test_sharing_is_linear(passes):
    def long(x, count):
        for k in range(count // 2):
            x = ag.tanh(x) * (k % 7)
        return x

    passes.assert_linear(shared, long)


# --- dead code --------------------------------------------------------------------------------


def test_unneeded_steps_go(passes):
    program = ag.trace(lambda x: (ag.tanh(x), ag.exp(x) * 2))(X)
    program = type(program)(
        "f", program.inputs, program.captures, program.applications, program.outputs[:1], None
    )
    assert passes.names(alive(program)) == ["tanh"]
    np.testing.assert_array_equal(alive(program).values(X)[program.outputs[0]], np.tanh(X))


def test_what_is_written_is_needed(passes):
    w = ag.tensor(np.ones(3))

    def step(x):
        w.assign(ag.tanh(x))
        return x

    _, after = passes.kept(alive, step, np.ones(3))
    assert passes.names(after) == ["tanh"]


def test_a_needed_step_keeps_its_place(passes):
    before, after = passes.kept(
        alive, lambda x: ag.value_and_grad(lambda x: ag.mean(ag.tanh(x) * x))(x), X
    )
    kept = [s.result for s in after]
    assert kept == [s.result for s in before if s.result in set(kept)]


def test_dropping_is_linear(passes):
    def long(x, count):
        for _ in range(count):
            x = ag.tanh(x)
        return x

    passes.assert_linear(alive, long)
