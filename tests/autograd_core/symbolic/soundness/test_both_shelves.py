"""What is proved is the walk on tensors; what trains is the walk on arrays.

Every condition of the walk that tells the two apart is listed here, by its text, with programs that
enter it. They are pulled back on both shelves, and by ``.backward()``, and compared with central
differences. A new condition fails the first test until it is listed with a program of its own.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import re
import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import graph
from autograd_core.graph import history, pullback, seed_for, sum_to
from autograd_core.shelves import ARRAYS, TENSORS
from autograd_core.transforms import compiled, loops

MODULES = (graph, loops, compiled)
TELLS = re.compile(
    r"\b(ARRAYS|TENSORS|arrays|careful|watched|gathered|shelf|np\.ndarray|np\.generic)\b"
)


@pytest.fixture(autouse=True)
def quiet():
    """What is masked may be undefined behind the mask."""
    with np.errstate(all="ignore"):
        yield


def leaf(*shape, low=-1.0, high=1.0, dtype=np.float64):
    values = np.random.default_rng(len(shape) + 7).uniform(low, high, shape).astype(dtype)
    return ag.tensor(values, requires_grad=True)


def bias():
    w, b = leaf(3, 2), leaf(2)
    return [w, b], ag.sum(ag.tanh(np.linspace(-1, 1, 15).reshape(5, 3) @ w + b) ** 2)


def broadcast():
    a, b, c = leaf(3, 1), leaf(1, 4), leaf()
    return [a, b, c], ag.sum(ag.exp(a * b) + c) * ag.sum(a + c)


def masked():
    x = leaf(6)
    return [x], ag.sum(ag.where(x > 0, ag.sqrt(x) * x, 0.0) ** 2)


def masked_to_infinity():
    x = ag.tensor([0.0, 1.0, 4.0], requires_grad=True)
    return [x], ag.sum(ag.where(x > 0, ag.log(x) * ag.sqrt(x), x))


def a_masked_number_to_infinity():
    x = ag.tensor(0.0, requires_grad=True)
    return [x], ag.where(x > 0, ag.log(x) * ag.sqrt(x), 3 * x)


def masked_number():
    x = leaf(4)
    return [x], ag.sum((2.0 * ag.exp(x))[1:3] ** 2)


def slices():
    x = leaf(4, 3)
    return [x], sum(ag.sum(x[k] ** 2 * x[k + 1]) for k in range(3))


def a_matrix_behind_a_mask():
    a, b = leaf(2, 3, 3), leaf(2, 3)
    with ag.no_grad():
        a.assign(a + 4 * np.eye(3))
    keep = np.array([[True], [False]])
    return [a, b], ag.sum(ag.where(keep, ag.linalg.solve(a, b[..., None])[..., 0], 0.0) ** 2)


def loop():
    w, h = leaf(2, 2), leaf(2)
    last, ys = ag.scan(lambda h, x: (ag.tanh(h @ w + x), h * h), h, np.ones((3, 2)))
    return [w, h], ag.sum(last**2) + ag.sum(ys)


def loop_behind_a_mask():
    h = ag.tensor([0.25, 0.0], requires_grad=True)
    last, _ = ag.scan(lambda h, _: (1 / h, None), h, length=1)
    return [h], ag.sum(ag.where(np.array([True, False]), last, 0.0) ** 2)


@ag.jit
def _inner(x, y):
    return ag.tanh(x * y), ag.sum(x)


def a_compiled_call():
    x, y = leaf(3), leaf(3)
    first, second = _inner(x, y)
    return [x, y], ag.sum(first**2) * second


def factors():
    a = leaf(3, 2)
    q, r = ag.linalg.qr(a)
    return [a], ag.sum(q[0] ** 2) + ag.sum(r**3)


def one_number():
    x = leaf()
    return [x], ag.exp(x) * x


def one_entry():
    x = leaf(2, 3)
    return [x], ag.sum(ag.exp(x) * x, keepdims=True)


def narrower():
    x, y = leaf(3), leaf(3, dtype=np.float32)
    return [x, y], ag.sum(x * y * y)


def handed_out_twice():
    x, y = leaf(3), leaf(3)
    return [x, y], ag.sum(ag.reshape(x + y, (3, 1)))


def watched():
    x = leaf(3, low=0.5)
    return [x], ag.sum(ag.log(x) * x)  # in anomaly mode, below


# module: condition -> programs that enter it
LISTED = {
    "graph": {
        "type(data) is np.ndarray": [],  # of `duplicate`: copies, no cotangents
        "xp is ARRAYS and len(g.shape) == 2 and (g.shape[1:] == shape)": [bias],
        "at_risk and (not careful) and any(map(has_nan, cotangents.values()))": [
            masked_to_infinity,
            a_masked_number_to_infinity,
        ],
        "not arrays": [bias],
        "careful": [masked, a_matrix_behind_a_mask],
        "masked and (not careful)": [masked, masked_number],
        "done is not None and (not careful)": [masked, masked_number],
        "hidden and walks and arrays": [loop_behind_a_mask],
        "kind is not type(data) or (kind is np.ndarray and (part.shape != data.shape or "
        "part.dtype is not data.dtype))": [broadcast, narrower],
        "watched": [watched],
        "op.into is not None and arrays and (kind is np.ndarray)": [slices],
        "op.into is not None and a in gathered and (not watched)": [slices],
        "xp is TENSORS and _by_a_number(part, g)": [masked_number],
        "gradient is None and xp is ARRAYS and isinstance(output._value, np.generic)": [one_number],
        "xp is TENSORS": [bias],
        "xp is ARRAYS": [one_entry],  # of `_seed`
        "type(part) is np.ndarray": [handed_out_twice],
    },
    "loops": {"isinstance(x, np.ndarray)": [loop], "xp.shelf == 'ARRAYS'": [loop]},
    "compiled": {"xp is ARRAYS": [a_compiled_call]},
}
PROGRAMS = sorted(
    {p for listed in LISTED.values() for ps in listed.values() for p in ps} | {factors},
    key=lambda p: p.__name__,
)


AT_A_POLE = (masked_to_infinity, a_masked_number_to_infinity, loop_behind_a_mask)


def conditions(module):
    """The places where the two shelves part, by line of what is done there."""
    found = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, (ast.If, ast.IfExp)) and TELLS.search(ast.unparse(node.test)):
            body = node.body[0].lineno if isinstance(node, ast.If) else node.lineno
            found.setdefault(ast.unparse(node.test), set()).add(body)
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.split(".")[-1])
def test_every_condition_that_tells_the_shelves_apart_is_listed(module):
    assert set(conditions(module)) == set(LISTED[module.__name__.split(".")[-1]])


def gradients(make):
    """By .backward() that keeps the graph, by the walk on tensors, by one that frees the graph."""
    leaves, out = make()
    out.backward(retain_graph=True)
    by_arrays = [t.grad.numpy() for t in leaves]
    wanted = {id(t): t for t in leaves}
    seed = seed_for(out, None, TENSORS, "test")
    found = pullback([out], [seed], TENSORS, history([out], True, wanted), wanted)
    by_tensors = [found[t].detach().numpy() for t in leaves]
    again, out = make()
    out.backward()
    return leaves, by_arrays, by_tensors, [t.grad.numpy() for t in again]


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda p: p.__name__)
def test_both_shelves_give_the_derivative(make):
    leaves, by_arrays, by_tensors, freed = gradients(make)
    for k, (t, a, b, c) in enumerate(zip(leaves, by_arrays, by_tensors, freed, strict=True)):
        assert a.shape == b.shape == t.shape
        assert a.dtype == b.dtype == t.dtype
        np.testing.assert_allclose(a, b, rtol=1e-6 if t.dtype == np.float32 else 1e-12, atol=1e-13)
        np.testing.assert_array_equal(a, c)
        if make in AT_A_POLE or t.dtype == np.float32:
            continue  # at a pole that is masked; differences need double precision
        direction = np.random.default_rng(k).uniform(-1, 1, t.shape)

        def at(h, k=k, direction=direction):
            moved, _ = make()
            with ag.no_grad():
                moved[k].assign(moved[k] + h * direction)
            return rerun(make, [m.numpy() for m in moved])

        slope = (at(1e-5) - at(-1e-5)) / 2e-5
        assert np.sum(a * direction) == pytest.approx(slope, rel=1e-6, abs=1e-8)


def rerun(make, values):
    """The value of a program at other leaves."""
    leaves, out = make()
    program = ag.introspect.program(out, wrt=leaves)
    return np.asarray(program(*values)).item()


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_a_cotangent_that_is_given_is_taken_by_both_shelves(shape):
    x = leaf(*shape)
    out, given = ag.exp(x) * x, np.random.default_rng(3).uniform(-1, 1, shape)
    found = [
        seed_for(out, g, xp, "test") for xp in (ARRAYS, TENSORS) for g in (given, ag.tensor(given))
    ]
    for seed in found:
        assert (seed.shape, seed.dtype) == (shape, np.float64)
        np.testing.assert_array_equal(np.asarray(getattr(seed, "_value", seed)), given)


@pytest.mark.skipif(sys.gettrace() is not None, reason="something else traces lines")
def test_the_programs_enter_what_they_are_listed_for():
    entered = set()
    files = {m.__file__: m.__name__.split(".")[-1] for m in MODULES}

    def local(frame, event, _):
        if event == "line":
            entered.add((files[frame.f_code.co_filename], frame.f_lineno))
        return local

    def trace(frame, event, arg):
        return local if frame.f_code.co_filename in files else None

    missed = []
    for module in MODULES:
        name = module.__name__.split(".")[-1]
        places = conditions(module)
        for text, programs in LISTED[name].items():
            for make in programs:
                entered.clear()
                before = sys.gettrace()
                sys.settrace(trace)
                try:
                    with ag.detect_anomaly() if make is watched else contextlib.nullcontext():
                        gradients(make)
                finally:
                    sys.settrace(before)
                if not places[text] & {line for m, line in entered if m == name}:
                    missed.append((text, make.__name__))
    assert not missed, "\n".join(map(str, missed))


def test_undoing_a_broadcast_is_one_linear_map_on_both_shelves():
    """At every pattern up to three axes, on every unit cotangent, exactly: so for all cotangents."""
    sizes = [s for rank in range(4) for s in itertools.product((1, 2, 3), repeat=rank)]
    patterns = 0
    for wide in sizes:
        units = np.eye(int(np.prod(wide))).reshape(-1, *wide)
        narrow = {
            tuple(1 if one else n for n, one in zip(wide[lead:], ones, strict=True))
            for lead in range(len(wide) + 1)
            for ones in itertools.product((False, True), repeat=len(wide) - lead)
        }
        for shape in narrow:
            patterns += 1
            # The transpose of broadcasting, entry by entry.
            places = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), wide)
            for k, g in enumerate(units):
                expected = np.zeros(int(np.prod(shape)))
                expected[places.reshape(-1)[k]] = 1
                by_arrays = sum_to(ARRAYS, g.copy(), shape)
                assert by_arrays.shape == shape
                np.testing.assert_array_equal(np.reshape(by_arrays, -1), expected)
                turned = sum_to(ARRAYS, np.asfortranarray(g), shape)  # a view, in another order
                np.testing.assert_array_equal(np.reshape(turned, -1), expected)
            many = np.random.default_rng(patterns).integers(-9, 9, wide).astype(float)
            on_tensors = sum_to(TENSORS, ag.tensor(many), shape)
            np.testing.assert_array_equal(on_tensors.numpy(), sum_to(ARRAYS, many, shape))
    assert patterns > 150


@pytest.mark.parametrize("rows", [1, 2, graph._ROWS, graph._ROWS + 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bias_of_many_rows(rows, dtype):
    g = np.arange(rows * 2, dtype=dtype).reshape(rows, 2) % 8
    for view in (g, g[::-1], np.asfortranarray(g)):
        found = sum_to(ARRAYS, view, (2,))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, sum_to(TENSORS, ag.tensor(view), (2,)).numpy())
