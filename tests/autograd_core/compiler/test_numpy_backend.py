"""The NumPy backend: straight lines of calls in memory that is used again and again."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core import memory
from autograd_core.compiler.capture import capture
from autograd_core.compiler.packing import flat_memory
from autograd_core.compiler.straight_line import prepare
from autograd_core.errors import CaptureError, ShapeError
from autograd_core.trees import flatten

SHAPES = [(3, 4), (4,), (3, 1), (), (1, 4), (4, 3), (2, 3, 4)]
UNARY = [ag.tanh, ag.sigmoid, ag.exp, ag.square, ag.relu, ag.sin, lambda x: -x, lambda x: x * 0.5,
         lambda x: x / 3, lambda x: 1 - x, ag.softplus, lambda x: ag.sqrt(ag.square(x) + 1)]  # fmt: skip
BINARY = [ag.add, ag.subtract, ag.multiply, ag.maximum, ag.minimum,
          lambda a, b: a / (ag.square(b) + 1), lambda a, b: ag.where(a > b, a, b * 2),
          lambda a, b: ag.squared_distance(a, b)]  # fmt: skip


class Random:
    """A step of random operations on arguments and state, and what it assigns."""

    def __init__(self, seed, dtype):
        rng = np.random.default_rng(seed)
        self.dtype = dtype
        self.leaves = [
            ag.tensor(rng.normal(size=SHAPES[k]).astype(dtype)) for k in rng.integers(0, 7, 4)
        ]
        if rng.integers(2):
            memory.pack(self.leaves)
        self.shapes = [SHAPES[k] for k in rng.integers(0, 7, 2)]
        self.choices = rng.integers(0, 2**31, (int(rng.integers(3, 25)), 4))
        self.writes = rng.integers(0, 2**31, (int(rng.integers(0, 5)), 2))
        self.outputs = rng.integers(0, 2**31, 3)

    def arguments(self, k):
        rng = np.random.default_rng(k)
        return [rng.normal(size=s).astype(self.dtype) for s in self.shapes]

    def __call__(self, *args):
        values = [*map(ag.identity, args), *self.leaves]
        for kind, a, b, more in self.choices.tolist():
            values += self.grown(kind % 8, values[a % len(values)], values[b % len(values)], more)
        with ag.no_grad():
            for target, value in self.writes.tolist():
                t, v = self.leaves[target % 4], values[value % len(values)]
                if v.shape == t.shape:
                    t.assign(v)
        return [values[k % len(values)] for k in self.outputs.tolist()], list(self.leaves)

    def grown(self, kind, x, y, more):
        try:
            if kind < 3:
                return [BINARY[more % len(BINARY)](x, y)]
            if kind < 5:
                return [UNARY[more % len(UNARY)](x)]
            if kind == 5 and x.ndim:
                axis = more % x.ndim
                return [
                    (ag.sum, ag.max, ag.logsumexp)[more % 3](x, axis=axis, keepdims=more % 2 == 0)
                ]
            if kind == 6 and x.ndim == 2:
                return [x.T, x.reshape(-1), x[::-1], ag.broadcast_to(x, (2, *x.shape))][more % 4 :][
                    :1
                ]
            if kind == 7 and x.ndim and y.ndim:
                return [x @ y]
        except ShapeError:
            pass
        return []


@pytest.mark.parametrize(
    "chunk", [pytest.param(n, marks=pytest.mark.slow) if n % 2 else n for n in range(8)]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_random_steps_again_and_again(chunk, dtype):
    tolerance = 1e-12 if dtype == np.float64 else 2e-4
    for seed in range(40 * chunk, 40 * chunk + 40):
        eager, compiled = Random(seed, dtype), Random(seed, dtype)
        step = ag.jit(compiled, backend="numpy")
        handed = []
        for k in range(3):
            args = eager.arguments(k)
            with np.errstate(all="ignore"):
                expected = flatten(eager(*args))[0]
            kept = [np.array(o.numpy()) for o in expected]
            found = flatten(step(*args))[0]
            for o, e in zip(found, kept, strict=True):
                assert o.shape == e.shape
                assert o.dtype == e.dtype
                finite = np.isfinite(e)  # exp overflows now and then
                np.testing.assert_array_equal(np.isnan(o.numpy()), np.isnan(e))
                scale = max(1.0, float(np.abs(e[finite]).max(initial=0)))
                np.testing.assert_allclose(
                    o.numpy()[finite] / scale, e[finite] / scale, rtol=0, atol=tolerance,
                    err_msg=f"seed {seed}",
                )  # fmt: skip
            handed.append((found, [np.array(o.numpy()) for o in found]))
        for outputs, copies in handed:  # nothing that was handed out has changed since
            for o, c in zip(outputs, copies, strict=True):
                np.testing.assert_array_equal(o.numpy(), c)


def source(function, *args):
    leaves, structure = flatten((args, {}))
    return prepare(capture(function, leaves, structure, title="f")).source


def parameters(*shapes):
    rng = np.random.default_rng(0)
    return [ag.tensor(rng.normal(size=s), requires_grad=True) for s in shapes]


def trained(params, optimizer):
    def step(x):
        optimizer.zero_grad()
        loss = ag.mean(ag.square(ag.tanh(x @ params[0] + params[1]) @ params[2] * params[3]))
        loss.backward()
        optimizer.step()
        return loss

    return step


SIZES = (2, 5), (5,), (5,), ()


@pytest.mark.parametrize("options", [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "nesterov": True}])
def test_a_rule_is_taken_once_over_all_parameters(options):
    params, twins = parameters(*SIZES), parameters(*SIZES)
    step = trained(params, optim.SGD(params, **options))
    eager = trained(twins, optim.SGD(twins, **options))
    text = source(step, np.ones((3, 2)))
    assert text.count("subtract(flat") == (1 if "momentum" not in options else 0)
    assert text.count("flat0)") == 1  # one step writes the parameters
    compiled = ag.jit(step, backend="numpy")
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(3, 2))
        np.testing.assert_allclose(compiled(x).item(), eager(x).item(), rtol=1e-12)
    for p, q in zip(params, twins, strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-12)


def test_packs_with_gradients_that_are_handed_out_and_values_that_are_used():
    params, twins = parameters(*SIZES), parameters(*SIZES)
    steps = []
    for ps in (params, twins):
        optimizer = optim.Adam(ps, lr=0.1)
        inner = trained(ps, optimizer)

        def step(x, ps=ps, inner=inner):
            loss = inner(x)
            after = [ag.sum(p * 2) for p in ps]
            return loss, [p.grad for p in ps], after, list(ps)

        steps.append(step)
    compiled = ag.jit(steps[0], backend="numpy", keep_grads=True)
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(3, 2))
        found, expected = flatten(compiled(x))[0], flatten(steps[1](x))[0]
        for o, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(o.numpy(), e.numpy(), rtol=1e-10)


def test_parameters_that_move_are_found_again():
    params, twins = parameters(*SIZES), parameters(*SIZES)
    compiled = ag.jit(trained(params, optim.SGD(params, lr=0.1)), backend="numpy")
    eager = trained(twins, optim.SGD(twins, lr=0.1))
    x = np.ones((3, 2))
    for moved in (
        lambda: None,
        lambda: memory.pack(params[::-1]),
        lambda: [memory.pack([p]) for p in params],
    ):
        moved()
        compiled(x)
        eager(x)
        for p, q in zip(params, twins, strict=True):
            np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-12)


def test_a_long_way_to_the_new_values():
    leaves = [ag.tensor(np.ones(n)) for n in (2, 3)]
    memory.pack(leaves)

    def step():
        for t in leaves:
            value = t
            for _ in range(3000):
                value = value * 1.5 - 0.5
            t.assign(value)

    ag.jit(step, backend="numpy")()
    assert [t.tolist() for t in leaves] == [[1, 1], [1, 1, 1]]


def test_memory_that_lies_end_to_end():
    a, b, c = (ag.tensor(np.ones(n)) for n in (2, 3, 4))
    assert flat_memory([a, b]) is None
    arena = memory.pack([a, b, c])
    assert flat_memory([a, b, c]).shape == (9,)
    assert np.shares_memory(flat_memory([b, c]), arena[2:])
    assert flat_memory([a, c]) is None
    assert flat_memory([b, a]) is None
    assert flat_memory([ag.tensor(1.0)]) is None


def test_a_state_of_numbers_and_of_arrays_of_no_dimensions():
    number, array = ag.tensor(1.0), ag.tensor(2.0)
    memory.pack([array])
    assert isinstance(array._value, np.ndarray)

    @ag.jit(backend="numpy")
    def step(x):
        number.assign(number + x)
        array.assign(array * number)
        return number, array

    assert [o.item() for o in step(1.0)] == [2, 4]
    assert [o.item() for o in step(2.0)] == [4, 16]
    memory.pack([number])
    assert [o.item() for o in step(0.0)] == [4, 64]
    assert isinstance(array._value, np.ndarray)


def test_an_index_out_of_range_is_named():
    step = ag.jit(lambda x, i: x[i], backend="numpy")
    assert step(np.arange(3.0), np.array([2, 0])).tolist() == [2, 0]
    with pytest.raises(ShapeError, match=r"an index is out of range.*without jit"):
        step(np.arange(3.0), np.array([3, 0]))


def test_symbolic_sizes_are_refused():
    (n,) = ag.dims("n")
    leaves, structure = flatten(((np.ones(2),), {}))
    w = ag.tensor(ag.Abstract((n,)))
    with pytest.raises(CaptureError, match=r"symbolic sizes. Expected arrays of fixed shapes"):
        prepare(capture(lambda x: (ag.sum(x), w * 2), leaves, structure, title="f"))


def test_constants_are_computed_when_prepared():
    text = source(lambda x: x * ag.broadcast_to(ag.cast(2, np.float64) / 4, (3,)), np.ones(3))
    assert "cast" not in text
    assert "broadcast" not in text


def test_explain_shows_the_calls():
    step = ag.jit(lambda x: ag.tanh(x) + 1, backend="numpy")
    step(np.ones(3))
    text = str(ag.jit.explain(step))
    for part in ("def step(x0):", "tanh(x0, ", "bytes in buffers"):
        assert part in text
