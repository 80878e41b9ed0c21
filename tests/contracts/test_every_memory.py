"""However an array lies in memory, and wherever it enters, the numbers are the same.

Every primitive, at the samples of `test_every_primitive`: given, and closed over, in the other order
of bytes, in Fortran's order, backwards, with gaps, unaligned, read-only, of a subclass, and repeated
by strides of 0; eager and compiled by both backends. And no result lies in memory that is used again.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.straight_line.writer import CALLS
from autograd_core.primitives import REGISTRY
from autograd_core.trees import flatten

BACKENDS = ["numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)
_spec = importlib.util.spec_from_file_location(
    "samples_for_memory", Path(__file__).with_name("test_every_primitive.py")
)
samples = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)

NAMES = sorted(n for n in REGISTRY if n != "pick" and samples.samples_of(REGISTRY[n]))
# One of each kind, which native code computes in ways of their own; the rest is slow.
SOME = ["add", "affine", "cumsum", "einsum_", "gather", "logsumexp", "matmul", "max", "overlap_add",
        "random_bits", "scan", "scatter_add", "softmax_cross_entropy", "solve", "sum", "transpose",
        "where", "windows"]  # fmt: skip
ALL = [
    pytest.param(
        name, backend, marks=[] if backend == "numpy" or name in SOME else pytest.mark.slow
    )
    for backend in BACKENDS
    for name in NAMES
]


# --- how an array may lie --------------------------------------------------------------------------


class Labelled(np.ndarray):
    """A subclass, as of libraries that hang labels on arrays."""


def swapped(a):
    return a.astype(a.dtype.newbyteorder("S"))


def fortran(a):
    return a.copy(order="F")


def backwards(a):
    every = tuple(slice(None, None, -1) for _ in range(a.ndim))
    return a[every].copy()[every]


def gapped(a):
    wide = np.zeros(tuple(2 * n + 1 for n in a.shape), a.dtype)
    every = tuple(slice(1, None, 2) for _ in range(a.ndim))
    wide[every] = a
    return wide[every]


def unaligned(a):
    memory = np.zeros(a.nbytes + 1, np.uint8)[1:]
    found = np.frombuffer(memory, a.dtype, a.size).reshape(a.shape) if a.size else a.copy()
    found[...] = a
    return found


def locked(a):
    found = a.copy(order="K")
    found.setflags(write=False)
    return found


def labelled(a):
    return a.copy().view(Labelled)


def all_at_once(a):
    return locked(swapped(fortran(backwards(a))))


LAYOUTS = [swapped, fortran, backwards, gapped, unaligned, locked, labelled, all_at_once]


def test_the_layouts_are_what_they_say():
    a = np.arange(24.0).reshape(2, 3, 4)
    assert not swapped(a).dtype.isnative
    assert not unaligned(a).flags.aligned
    assert not fortran(a).flags.c_contiguous
    assert min(backwards(a).strides) < 0
    assert gapped(a).strides[-1] == 16
    assert not locked(a).flags.writeable
    for layout in LAYOUTS:
        np.testing.assert_array_equal(layout(a), a)


def every_sample(name):
    """A function of all operands of all samples, and the operands."""
    p = REGISTRY[name]
    calls, operands = [], []
    for given, params in samples.samples_of(p):
        arrays = [np.asarray(o) for o in given]
        calls.append((range(len(operands), len(operands) + len(arrays)), params))
        operands += arrays

    def function(*tensors):
        return [p.function(*(tensors[i] for i in at), **params) for at, params in calls]

    return function, operands


def values(results):
    return [np.asarray(t.data if type(t) is ag.Tensor else t) for t in flatten(results)[0]]


def assert_same(found, wanted, what):
    assert len(found) == len(wanted)
    for k, (f, w) in enumerate(zip(found, wanted, strict=True)):
        assert (f.shape, f.dtype.str) == (w.shape, w.dtype.str), (what, k)
        size = float(np.abs(w[np.isfinite(w)]).max(initial=1.0)) if w.dtype.kind == "f" else 0
        np.testing.assert_allclose(f, w, rtol=0, atol=1e-12 * size, err_msg=f"{what} {k}")


@pytest.mark.sampled(2)
@pytest.mark.filterwarnings("ignore")  # NumPy's, of samples that lie outside a domain
@pytest.mark.parametrize(("name", "backend"), ALL)
def test_numbers_do_not_depend_on_how_memory_lies(name, backend):
    function, operands = every_sample(name)
    wanted = values(function(*operands))
    step = ag.jit(function, backend=backend)
    for layout in LAYOUTS:
        odd = [layout(a) for a in operands]
        if backend == "numpy":
            assert_same(values(function(*odd)), wanted, f"eager, {layout.__name__}")
        assert_same(values(step(*odd)), wanted, f"compiled, {layout.__name__}")
    for layout in (swapped, gapped, all_at_once):
        odd = [layout(a) for a in operands]
        closed = ag.jit(lambda odd=odd: function(*odd), backend=backend)
        for _ in range(2):
            assert_same(values(closed()), wanted, f"closed over, {layout.__name__}")


@pytest.mark.sampled(2)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "backend"), ALL)
def test_gradients_do_not_depend_on_how_memory_lies(name, backend):
    function, operands = every_sample(name)
    floats = tuple(i for i, o in enumerate(operands) if o.dtype.kind == "f")
    if not floats or not REGISTRY[name].differentiable:
        return

    def total(*tensors):
        found = [t for t in flatten(function(*tensors))[0] if t.dtype.kind == "f"]
        return sum(ag.sum(t * t * 0.5 + t) for t in found)

    slopes = ag.grad(total, floats, unreachable="zero")
    wanted = values(slopes(*operands))
    step = ag.jit(slopes, backend=backend)
    for layout in (swapped, backwards, all_at_once):
        odd = [layout(a) for a in operands]
        if backend == "numpy":
            assert_same(values(slopes(*odd)), wanted, f"eager, {layout.__name__}")
        assert_same(values(step(*odd)), wanted, f"compiled, {layout.__name__}")


def repeated(a):
    """The first row again and again, by a stride of 0."""
    return np.broadcast_to(a[:1], a.shape) if a.ndim and a.size else a


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "backend"), ALL)
def test_rows_repeated_by_strides_of_zero(name, backend):
    p = REGISTRY[name]
    for given, params in samples.samples_of(p):
        odd = [repeated(np.asarray(o)) for o in given]

        def function(*tensors, params=params):
            return p.function(*tensors, **params)

        try:
            wanted = values(function(*(a.copy() for a in odd)))
        except ag.errors.AutogradError as error:  # a singular matrix: so the view, too
            with pytest.raises(type(error)):
                function(*odd)
            continue
        assert_same(values(function(*odd)), wanted, "eager")
        assert_same(values(ag.jit(function, backend=backend)(*odd)), wanted, "compiled")


# --- where arrays enter -----------------------------------------------------------------------------

BIG = np.arange(1.0, 4.0).astype(">f8")
PLACES = np.array([2, 0], ">i8")


def entrances():
    """Tensors, each of an array in the other order of bytes that entered in another way."""
    big, two = swapped(np.arange(1.0, 4.0)), swapped(np.arange(6.0).reshape(2, 3))
    leaf = ag.tensor(big, requires_grad=True)
    (leaf * 2.0).backward(swapped(np.ones(3)))
    yield "tensor", leaf
    yield "gradient", leaf.grad
    yield "dtype", ag.tensor([1.0, 2.0], dtype=BIG.dtype.newbyteorder("S"))
    yield "dtype", ag.tensor([1.0, 2.0], dtype=">f8")
    yield "astype", ag.tensor([1.0, 2.0]).astype(">f4")
    yield "cast", ag.cast(ag.tensor([1.0, 2.0]), ">i4")
    yield "number", ag.tensor(swapped(np.array(3.0)))
    for name in ("reshape", "transpose", "flip", "broadcast_to", "getitem", "stack", "squeeze"):
        found = {
            "reshape": lambda: ag.reshape(big, (3, 1)), "transpose": lambda: ag.transpose(two),
            "flip": lambda: ag.flip(big), "broadcast_to": lambda: ag.broadcast_to(big, (2, 3)),
            "getitem": lambda: ag.tensor(big)[1:], "stack": lambda: ag.stack([big, big]),
            "squeeze": lambda: ag.squeeze(two[:1]),
        }[name]()  # fmt: skip
        yield name, found
    yield "take", ag.take(ag.tensor([1.0, 2.0, 3.0]), PLACES)
    yield "grad", ag.grad(lambda x: ag.sum(x * x))(big)
    yield "vmap", ag.vmap(lambda x: ag.reshape(x, (3, 1)))(two)
    yield "vmap, closed over", ag.vmap(lambda x: ag.flip(big) * 1 + x)(two)
    carry, out = ag.scan(lambda c, x: (c + x, c), big, two)
    yield "scan", carry
    yield "scan", out
    with ag.no_grad():
        leaf.assign(swapped(np.zeros(3)))
        leaf += big
    yield "assign", leaf
    xp = ag.array_api
    yield "array_api.zeros", xp.zeros(3, dtype=BIG.dtype)
    yield "array_api.asarray", xp.asarray(big)
    yield "pickle", __import__("pickle").loads(__import__("pickle").dumps(ag.tensor(big)))
    yield "trace", ag.trace(lambda x: ag.flip(x) + big)(big)(big)


def test_tensors_have_this_machines_order_of_bytes():
    names = set()
    for name, t in entrances():
        assert t.dtype.isnative, name
        found = np.asarray(t.detach() if type(t) is ag.Tensor else t)
        assert (np.abs(found) < 100).all(), name
        names.add(name)
    assert len(names) > 20


@pytest.mark.parametrize("backend", BACKENDS)
def test_steps_of_arrays_in_the_other_order_of_bytes(backend):
    jit = lambda f: ag.jit(f, backend=backend)  # noqa: E731
    ones = np.ones(3)
    assert jit(lambda x: x * BIG)(ones).tolist() == [1, 2, 3]
    assert jit(lambda x: (ag.tensor(BIG), x))(ones)[0].dtype.isnative
    assert jit(lambda x: x[PLACES])(np.arange(3.0)).tolist() == [2, 0]
    assert jit(lambda x, i: ag.take(x, i))(np.arange(3.0), PLACES).tolist() == [2, 0]
    many = jit(lambda x, n: x * n).many(swapped(np.ones((2, 3))), swapped(np.array([2.0, 3.0])))
    assert many.tolist() == [[2, 2, 2], [3, 3, 3]]
    labels = np.array([0, 2], ">i4")
    loss = jit(lambda x: ag.softmax_cross_entropy(x, labels))(np.zeros((2, 3)))
    np.testing.assert_allclose(loss.numpy(), np.log([3.0, 3.0]))
    state = ag.tensor(BIG, requires_grad=True)

    @jit
    def step(x):
        loss = ag.sum(state * x)
        loss.backward()
        with ag.no_grad():
            state.assign(state - state.grad)
        state.grad = None
        return loss

    assert [step(swapped(ones)).item(), step(ones).item()] == [6.0, 3.0]
    assert state.tolist() == [-1, 0, 1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_closed_over_array_in_the_other_order_is_read_at_every_run(backend):
    table = np.arange(3.0).astype(">f8")
    step = ag.jit(lambda x: x + table, backend=backend)
    assert step(np.zeros(3)).tolist() == [0, 1, 2]
    table[:] = 7
    assert step(np.zeros(3)).tolist() == [7, 7, 7]


# --- no result lies in memory that is used again ----------------------------------------------------


@pytest.mark.together
@pytest.mark.parametrize("name", NAMES)
def test_what_the_numpy_backend_takes_for_new_memory_is_new(name):
    """Of every primitive that has a way of its own there: its forward gives no view either."""
    if CALLS.of(REGISTRY[name]) is None or REGISTRY[name].view:
        return
    p = REGISTRY[name]
    for operands, params in samples.samples_of(p):
        arrays = [np.asarray(o) for o in operands]
        made = ag.trace(lambda *ts, params=params: p.function(*ts, **params))(*arrays)
        (step,) = made.applications
        found = step.primitive.forward(*arrays, **step.params)
        assert not any(np.shares_memory(found, a) for a in arrays)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_results_stay_while_their_memory_is_used_again(name):
    """Each result beside buffers that come and go, and beside a leaf that is written."""
    p = REGISTRY[name]
    for given, params in samples.samples_of(p):
        arrays = [np.asarray(o) for o in given]
        leaves = [ag.tensor(a) for a in arrays]

        # The operand a buffer, which others take later.
        def function(*xs, params=params):
            begin = [ag.tanh(x) if x.dtype.kind == "f" else x for x in xs]
            found = flatten(p.function(*begin, **params))[0]
            others = [ag.exp(ag.sin(x * 0.5)) * ag.cos(x) for x in xs if x.dtype.kind == "f"]
            return [*found, *others, *(t * 2 if t.dtype.kind == "f" else t for t in found)]

        try:
            wanted = values(function(*map(ag.tensor, arrays)))
        except ag.errors.AutogradError:  # tanh leads out of the domain
            wanted = None
        if wanted is not None:
            step = ag.jit(function, backend="numpy")
            first = step(*arrays)
            step(*[a * a.dtype.type(0.9) if a.dtype.kind == "f" else a for a in arrays])
            assert_same(values(first), wanted, "kept beside the next run")

        def swap(leaves=leaves, params=params):
            found = flatten(p.function(*leaves, **params))[0]
            with ag.no_grad():
                for t in leaves:
                    t.assign(t * 0 if t.dtype.kind == "f" else t)
            return found

        if not p.random:
            wanted = values(p.function(*map(ag.tensor, arrays), **params))
            assert_same(values(ag.jit(swap, backend="numpy")()), wanted, "a leaf written after")


def convolution(x, w):
    return ag.einsum("bchwij,ocij->bohw", ag.sliding_window_view(x, w.shape[2:], (2, 3)), w)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_convolutions_of_one_image(backend):
    rng = np.random.default_rng(0)
    z, w1, w2 = (
        rng.normal(size=s) for s in ((2, 3, 6, 6), (4, 3, 3, 3), (4, 3, 3, 3))
    )  # fmt: skip

    def total(z, w1, w2):
        return ag.sum(convolution(ag.relu(z), w1) * convolution(ag.tanh(z), w2))

    slopes = ag.grad(total, (0, 1, 2))
    assert_same(values(ag.jit(slopes, backend=backend)(z, w1, w2)), values(slopes(z, w1, w2)), "")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_row_that_is_taken_before_the_leaf_is_written(backend):
    table = ag.tensor(np.arange(6.0).reshape(2, 3))

    @ag.jit(backend=backend)
    def pop(i):
        row = ag.take(table, i, axis=0)
        with ag.no_grad():
            table.assign(table * 0)
        return row

    assert pop(np.array(1)).tolist() == [3, 4, 5]
    assert pop(np.array(1)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_array_in_memory_that_the_step_writes_is_refused(backend):
    state = ag.tensor([1.0, 2.0])
    view = state.numpy()

    def step(x):
        with ag.no_grad():
            state.assign(state + x)
        return state * view

    with pytest.raises(ag.errors.CaptureError, match="lies in the memory of a tensor"):
        ag.jit(step, backend=backend)(np.ones(2))
    assert ag.jit(lambda x: x * view, backend=backend)(np.ones(2)).tolist() == [1, 2]


# Operations whose forwards give views, or write into buffers; on and to matrices of 4 by 4.
STEPS = [
    lambda t, u: ag.einsum("ij->ji", t),
    lambda t, u: ag.flip(t),
    lambda t, u: ag.transpose(t),
    lambda t, u: ag.take(ag.reshape(t, (2, 2, 4)), np.array(1), axis=0)[np.array([0, 1, 1, 0])],
    lambda t, u: ag.sum(ag.sliding_window_view(t, 3, axis=0), axis=-1)[np.array([0, 1, 1, 0])],
    lambda t, u: ag.reshape(ag.sliding_window_view(ag.reshape(t, (16,)), 4), (13, 4))[::4],
    lambda t, u: ag.broadcast_to(t[1:2], (4, 4)),
    lambda t, u: ag.concatenate([t[2:], u[:2]]),
    lambda t, u: ag.scan(lambda c, x: (c, x), t, np.zeros(2))[0],
    lambda t, u: ag.where(t > u, t, ag.transpose(u)),
    lambda t, u: t @ u * 0.1,
    lambda t, u: ag.relu(t),
    lambda t, u: ag.tanh(t),
    lambda t, u: t + u,
    lambda t, u: t * ag.flip(u),
    lambda t, u: ag.cumsum(t, axis=0) * 0.3,
    lambda t, u: ag.broadcast_to(ag.sum(t, axis=0), (4, 4)) * 0.2,
]


def program(rng, state):
    """A random function of two matrices: steps, with a leaf written in between."""
    chosen = rng.integers(len(STEPS), size=rng.integers(4, 14))
    takes = rng.integers(0, 10**6, size=(len(chosen), 2))
    write = rng.integers(len(chosen))
    outputs = rng.integers(0, 10**6, size=3)

    def function(x, y):
        known = [x, y, state, state * 1.0]
        for n, (kind, (i, j)) in enumerate(zip(chosen, takes, strict=True)):
            known.append(STEPS[kind](known[i % len(known)], known[j % len(known)]))
            if n == write:
                with ag.no_grad():
                    state.assign(known[i % len(known)])
        return [known[i % len(known)] for i in outputs] + [known[-1]]

    return function


def run_programs(seeds, backend):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        begin = rng.normal(size=(4, 4))
        state = ag.tensor(begin)
        function = program(rng, state)
        given = [rng.normal(size=(2, 4, 4)) for _ in range(3)]
        wanted = [
            [np.array(v) for v in (*values(function(*pair)), state.numpy())] for pair in given
        ]
        state.assign(begin)
        step = ag.jit(function, backend=backend)
        found = []
        for pair in given:
            kept = step(*pair)
            found.append((kept, state.numpy().copy()))
        for (kept, after), expected in zip(found, wanted, strict=True):  # after all runs
            assert_same([*values(kept), after], expected, f"seed {seed}")


def test_results_of_random_programs_outlive_the_next_runs():
    run_programs(range(60), "numpy")
    if "native" in BACKENDS:
        run_programs(range(3), "native")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_results_of_many_random_programs_outlive_the_next_runs(backend):
    run_programs(range(1000, 2000 if backend == "numpy" else 1150), backend)
