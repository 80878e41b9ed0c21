"""A Program as calls of NumPy: each is its primitive's forward, whoever takes it, and how often."""

import itertools

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.cases import drawn
from autograd_core.numpy_calls import FAST, CallList, take
from autograd_core.primitives import REGISTRY

DTYPES = ("float16", "float32", "float64", "int8", "int64", "uint8", "uint64", "bool")
ZEROS = np.array(
    [0.0, -0.0, 1.0, -1.0, -2.0]
)  # of which products and sums are zeros of either sign
SPECIAL = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e30, -1e30, 3.7, -3.7, 300.0, -1.0])


def operands(name):
    """Operands and params of a primitive: as it is tried everywhere, and with special values."""
    for arrays, params in drawn(REGISTRY[name]):
        yield arrays, params
        rng = np.random.default_rng(0)
        yield [rng.choice(SPECIAL, np.shape(a)) for a in arrays], params
        yield [rng.normal(size=np.shape(a)) * 100 for a in arrays], params
        for _ in range(8):
            yield [rng.choice(ZEROS, np.shape(a)) for a in arrays], params
    if name in ("matmul", "affine"):  # where one product is all there is
        shapes = [((1,), (1, 1), (1,)), ((1, 1), (1, 1), (1,)), ((2, 1), (1, 1), (1,))]
        shapes += [((1,), (1,)), ((2, 1), (1,))] if name == "matmul" else []
        for chosen in shapes:
            for values in itertools.product(ZEROS, repeat=2):
                pair = [np.full(s, v) for s, v in zip(chosen, values, strict=False)]
                yield pair + [np.zeros(s) for s in chosen[2:] if name == "affine"], {}
    if name == "sum":  # long enough that the order of adding is seen
        yield [rng.normal(size=(1000,))], {"axis": None, "keepdims": False}


def variants(name):
    for arrays, params in operands(name):
        for dtype in DTYPES:
            if name == "pick" and dtype[0] != "f":
                continue  # of decompositions, which take floats
            moved = [a.astype(dtype) for a in map(np.asarray, arrays)]
            targets = DTYPES if name == "cast" else (None,)
            for target in targets:
                yield moved, params if target is None else {**params, "dtype": np.dtype(target)}


def steps_of(name):
    """A step for each, and the arrays that it takes."""
    if name == "pick":
        for k in (0, 1):
            x = np.arange(6.0).reshape(3, 2)
            program = ag.trace(lambda x, k=k: ag.linalg.qr(x)[k])(x)
            (step,) = [s for s in program if s.primitive.picks and s.params["index"] == k]
            yield step, [(x, x.T)]
        return
    for arrays, params in variants(name):
        program = ag.trace(lambda *xs, p=params: REGISTRY[name].function(*xs, **p))(*arrays)
        found = [s for s in program if s.primitive.name == name]
        if len(found) == 1:  # of nothing to do none is recorded
            yield found[0], arrays


@pytest.mark.parametrize("name", sorted(FAST.rules))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_shorter_call_is_the_primitives_forward_bit_for_bit(name):
    shorter = 0
    for step, arrays in steps_of(name):
        call = FAST.rules[name](step)
        if call is None:
            continue
        shorter += 1
        ours, forward = call(*arrays), step.primitive.forward(*arrays, **step.params)
        seen = (name, step.params, [(a.dtype, a.shape) for a in arrays if type(a) is np.ndarray])
        assert type(ours) is type(forward), seen
        assert (ours.dtype, ours.shape) == (forward.dtype, forward.shape), seen
        assert ours.tobytes() == forward.tobytes(), seen
    assert shorter


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("target", ["int8", "int64", "uint64"])
def test_integers_of_floats_that_do_not_fit_are_the_same_in_a_loop_and_a_replay(target):
    eager = ag.cast(SPECIAL, dtype=target).numpy()
    _, looped = ag.scan(lambda h, x: (h, ag.cast(x, dtype=target)), 0.0, SPECIAL)
    program = ag.trace(lambda x: ag.cast(x, dtype=target))(SPECIAL)
    (replayed,) = ag.Replay(program)(SPECIAL)
    np.testing.assert_array_equal(looped.numpy(), eager)
    np.testing.assert_array_equal(replayed, eager)


def test_what_depends_on_fixed_inputs_alone_is_told_apart():
    program = ag.trace(lambda w, x: ag.tanh(w * 2) * x + w)(np.ones(3), np.ones(3))
    calls = CallList(program, fixed=program.inputs[:1])
    assert (len(calls.once), len(calls.steps)) == (2, 2)
    assert not CallList(program).once
    w, x = np.arange(3.0), np.array([0.5, -1.0, 2.0])
    calls.values[:2] = w, x
    take(calls.once, calls.values)
    for _ in range(2):  # no call changes what another run begins with
        take(calls.steps, calls.values)
        (place,) = map(calls.place, program.outputs)
        np.testing.assert_array_equal(calls.values[place], np.tanh(w * 2) * x + w)


def test_results_are_written_where_they_are_said_to_stand():
    program = ag.trace(lambda a: ag.tanh(a * 2) + 1)(np.ones(3))
    first, second, last = (s.result for s in program)
    calls = CallList(program, memory={first: first, second: first, last: program.inputs[0]})
    a, scratch = np.arange(3.0), np.empty(3)
    expected = np.tanh(a * 2) + 1
    calls.values[calls.places[program.inputs[0]]] = a
    calls.values[calls.places[first]] = scratch
    take(calls.steps, calls.values)
    np.testing.assert_array_equal(a, expected)
    np.testing.assert_array_equal(scratch, expected - 1)


def test_a_number_is_taken_for_an_array_of_no_axes():
    def f(x):
        return ag.reshape(x, (1, 1)) + ag.cast(x, dtype="float64")

    (y,) = ag.Replay(ag.trace(f)(np.float32(1.0)))(2.0)
    assert (y.tolist(), y.dtype) == ([[4.0]], np.float64)
