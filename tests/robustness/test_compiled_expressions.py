"""Random programs as native code: expressions with their gradients, and steps that write state.

The expressions are those of `test_expressions`. A random step draws from everything that can be
compiled: views, folds, products, gathers, loops over an axis, NumPy's own sort, several dtypes, sizes
0 and 1, state that is assigned to other state, swapped and returned. `make fuzz` runs 1,000 more of
each, from ``GRADPROOF_SEED`` on (a tenth of ``GRADPROOF_FUZZ``).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import AutogradError
from autograd_core.ops.indexing import Pattern

pytest.importorskip("llvmlite")
_spec = importlib.util.spec_from_file_location(
    "random_expressions", Path(__file__).with_name("test_expressions.py")
)
expressions = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(expressions)

EXPRESSIONS = 500
STEPS = 100
CHUNKS = 10
CHUNK = pytest.mark.parametrize(
    "chunk", [pytest.param(n, marks=pytest.mark.slow) if n % 2 else n for n in range(CHUNKS)]
)
EPS = float(np.finfo(np.float32).eps)


def count_and_start():
    count = int(os.environ.get("GRADPROOF_FUZZ", "10000")) // 10
    return count, int(os.environ.get("GRADPROOF_SEED", "1000"))


# --- expressions ------------------------------------------------------------------------------


def check_expression(native, seed):
    """Value and gradients beside eager's; False where a kink is too near to tell."""
    expression = expressions.Expression(seed)
    if not expressions.clear_of_kinks(expression):
        return False
    function, every, value, gradients = expressions.ours(expression)
    derive = ag.value_and_grad(function, every, unreachable="zero")
    step = native(derive, *expression.inputs)
    for _ in range(2):
        found = step(*expression.inputs)
        for f, w in zip(found, [value, *gradients], strict=True):
            expressions.near(f, w, 1e-12, "compiled", expression)
    return True


@CHUNK
def test_expressions_and_their_gradients(native, chunk):
    told = sum(check_expression(native, seed) for seed in range(chunk, EXPRESSIONS, CHUNKS))
    assert told > EXPRESSIONS / CHUNKS / 2


def check_single(seed, backend):
    """In single precision, by `ag.jit`, with at most twice the error that eager mode has."""
    expression = expressions.Expression(seed)
    if not expressions.clear_of_kinks(expression):
        return
    function, every, *_ = expressions.ours(expression)
    derive = ag.value_and_grad(function, every, unreachable="zero")
    singles = [x.astype(np.float32) for x in expression.inputs]

    def flat(pair):
        return [np.asarray(t.data) for t in (pair[0], *pair[1])]

    exact = flat(derive(*(x.astype(np.float64) for x in singles)))
    usual, found = flat(derive(*singles)), flat(ag.jit(derive, backend=backend)(*singles))
    for e, u, f in zip(exact, usual, found, strict=True):
        assert (f.shape, f.dtype) == (u.shape, u.dtype)
        size = max(1.0, float(np.max(np.abs(e), initial=0.0)))
        allowed = 2 * max(float(np.max(np.abs(u - e), initial=0.0)), 4 * EPS * size)
        worst = float(np.max(np.abs(f - e), initial=0.0))
        assert worst <= allowed, f"off by {worst:.1e}, not within {allowed:.1e}\n{expression}"


@CHUNK
@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_expressions_in_single_precision(backend, chunk):
    for seed in range(EXPRESSIONS + chunk, EXPRESSIONS + 100, CHUNKS):
        check_single(seed, backend)


@pytest.mark.slow
def test_many_expressions(native):
    count, start = count_and_start()
    told = sum(check_expression(native, seed) for seed in range(start, start + count))
    assert told > count / 2


# --- steps ------------------------------------------------------------------------------------

SIZES = [(), (1,), (3,), (5,), (2, 3), (1, 3), (3, 1), (4, 5), (5, 4), (2, 1, 3), (0,), (0, 3), (17,),
         (3, 3), (9, 33)]  # fmt: skip
UNARY = [
    ag.tanh, ag.sigmoid, ag.square, ag.relu, ag.sin, ag.softplus, abs, lambda x: ag.exp(x * 0.1),
    lambda x: -x, lambda x: x * 0.5, lambda x: x / 3, lambda x: 1 - x, lambda x: x**2,
    lambda x: ag.sqrt(ag.square(x) + 1), lambda x: ag.where(x > 0.1, x, -1.0),
    lambda x: ag.log1p(x * x), lambda x: ag.floor(x) * 0.5, lambda x: (x > 0) * 1.0,
    lambda x: ag.clip(x, -1, 1), lambda x: ag.cast(x, np.float32), lambda x: ag.cast(x, np.float64),
]  # fmt: skip
BINARY = [
    ag.add, ag.subtract, ag.multiply, ag.maximum, ag.minimum, ag.logaddexp,
    lambda a, b: a / (ag.square(b) + 1), lambda a, b: ag.where(a > b, a, b * 2),
    lambda a, b: ag.where(b < 0.5, a, 0.0), lambda a, b: (a > b) * a,
]  # fmt: skip
VIEWS = [
    lambda x: x.T, lambda x: x.reshape(-1), lambda x: x[::-1], lambda x: ag.broadcast_to(x, (2, *x.shape)),
    lambda x: ag.expand_dims(x, 0), lambda x: ag.expand_dims(x, -1), lambda x: x[1:],
    lambda x: x[..., ::2], lambda x: x[-1], lambda x: ag.pad(x, 1), ag.flip,
    lambda x: ag.swapaxes(x, 0, -1), lambda x: ag.roll(x, 1), ag.squeeze, lambda x: x[:, :2],
    ag.tril, ag.diagonal, lambda x: ag.concatenate([x, x * 2], -1), lambda x: ag.stack([x, x + 1], -1),
    lambda x: ag.sliding_window_view(x, 2), lambda x: x.reshape(-1, 1),
]  # fmt: skip
FOLDS = [
    lambda x, k, keep: ag.sum(x, axis=k, keepdims=keep), lambda x, k, keep: ag.max(x, axis=k, keepdims=keep),
    lambda x, k, keep: ag.mean(x, axis=k, keepdims=keep), lambda x, k, keep: ag.min(x, axis=k, keepdims=keep),
    lambda x, k, keep: ag.logsumexp(x, axis=k, keepdims=keep),
    lambda x, k, keep: ag.var(x, axis=k, keepdims=keep), lambda x, k, keep: ag.sum(x, keepdims=keep),
    lambda x, k, keep: ag.cumsum(x, k), lambda x, k, keep: ag.softmax(x, k),
    lambda x, k, keep: ag.sort(x, axis=k),
]  # fmt: skip
PRODUCTS = [
    lambda x, y: x @ y, lambda x, y: x @ y.T, lambda x, y: ag.einsum("...i,...i->...", x, y), ag.outer,
    lambda x, y: ag.einsum("ij,kj->ki", x, y),
]  # fmt: skip
PICKS = [
    lambda x, i: x[i % x.shape[0]], lambda x, i: ag.take(x, i % x.shape[0], 0),
    lambda x, i: x[i % x.shape[0], i % x.shape[1]],
    lambda x, i: x[(i % x.shape[0])[0]],
    lambda x, i: ag.take_along_axis(x, ag.broadcast_to(i[:1] % x.shape[1], (x.shape[0], 1)), 1),
    lambda x, i: ag.ops.indexing.scatter_add(
        x, ag.broadcast_to(i[:1] % x.shape[0], x.shape[:1]), pattern=Pattern(("#",)), shape=x.shape
    ),
]  # fmt: skip


class Step:
    """A step of random operations on arguments and state, what it assigns, and what it returns."""

    def __init__(self, seed, dtype):
        rng = np.random.default_rng([7, seed])
        self.dtype = dtype

        def drawn(k):
            return rng.normal(size=SIZES[k]).astype(dtype)

        self.leaves = [ag.tensor(drawn(k)) for k in rng.integers(0, len(SIZES), 5)]
        twins = [rng.normal(size=self.leaves[0].shape).astype(dtype) for _ in range(2)]
        self.leaves += map(ag.tensor, twins)
        arrays = [drawn(k) for k in rng.integers(0, len(SIZES), 3)]
        self.args = [*arrays, rng.integers(-9, 9, 4), float(rng.normal())]
        self.choices = rng.integers(0, 2**31, (int(rng.integers(3, 25)), 4)).tolist()
        self.writes = rng.integers(0, 2**31, (int(rng.integers(0, 7)), 2)).tolist()
        self.outputs = rng.integers(0, 2**31, 4).tolist()

    def __call__(self, *args):
        *arrays, indices, number = args
        values = [*arrays, *self.leaves, number]
        for kind, a, b, more in self.choices:
            x, y = (values[self._place(k, len(values))] for k in (a, b))
            try:
                v = self._grown(kind % 10, x, y, more, indices)
            except (AutogradError, ZeroDivisionError, IndexError):
                continue  # these shapes do not fit
            if isinstance(v, ag.Tensor) and v.size < 600 and v.ndim < 5:
                values.append(v)
        with ag.no_grad():
            for target, k in self.writes:
                t = self.leaves[target % len(self.leaves)]
                fitting = [
                    v for v in values
                    if isinstance(v, ag.Tensor) and v.shape == t.shape and v.dtype.kind == "f"
                ]  # fmt: skip
                if fitting:
                    t.assign(fitting[k % len(fitting)])
        last = [values[k % len(values)] if k % 4 else values[-1 - k % 3] for k in self.outputs]
        return last, self.leaves[0], self.leaves[self.outputs[0] % len(self.leaves)]

    @staticmethod
    def _place(k, count):
        """Recent values are likelier, so that programs grow deep."""
        back = int(-4 * np.log(1 - (k % 9973) / 9973))
        return max(0, count - 1 - back) if k % 3 else k % count

    @staticmethod
    def _grown(kind, x, y, more, indices):
        if kind < 3:
            return BINARY[more % len(BINARY)](x, y)
        if kind < 5:
            return UNARY[more % len(UNARY)](x)
        if getattr(x, "ndim", 0) == 0:
            return None
        if kind == 5 and x.size:
            return FOLDS[more // 7 % len(FOLDS)](x, more % x.ndim, more % 2 == 0)
        if kind in (6, 7):
            return VIEWS[more % len(VIEWS)](x)
        if kind == 8 and getattr(y, "ndim", 0):
            return PRODUCTS[more % len(PRODUCTS)](x, y)
        return PICKS[more % len(PICKS)](x, indices) if kind == 9 else None


def check_step(native, seed, dtype=np.float64, level=None, threads=1):
    """Three calls beside NumPy's evaluation of the program: outputs, and what was written."""
    drawn = Step(seed, dtype)
    step = native(drawn, *drawn.args, level=level, threads=threads)
    handed = []
    for n in range(3):
        args = [
            type(a)(a + 0.1 * n) if type(a) is float
            else a if a.dtype.kind == "i" else (a * (1 + 0.1 * n)).astype(dtype)
            for a in drawn.args
        ]  # fmt: skip
        wanted, writes = step.expected(*args)
        tolerance = 1e-12 * magnitude(step, args)
        if dtype == np.float32 or any(v.dtype == np.float32 for v in step_values(step, args)):
            tolerance = 4e-5 * magnitude(step, args)
        found = step(*args)
        for f, w in zip(found, wanted, strict=True):
            assert_close(f, w, tolerance, seed)
        for leaf, w in writes:
            assert_close(leaf.numpy(), w.astype(leaf.dtype), tolerance, seed)
        handed.append((found, [np.array(f) for f in found]))
    for outputs, copies in handed:  # nothing that was handed out has changed since
        for o, c in zip(outputs, copies, strict=True):
            np.testing.assert_array_equal(o, c)


def step_values(step, args):
    arrays, numbers = step.inputs(args)
    with np.errstate(all="ignore"):
        values = step.captured.program.values(*arrays, *numbers)
    return [v for v in map(np.asarray, values.values()) if v.dtype.kind == "f"]


def magnitude(step, args):
    """The largest number on the way, of which rounding leaves traces."""
    finite = [np.abs(v[np.isfinite(v)]).max(initial=0.0) for v in step_values(step, args)]
    return max([1.0, *map(float, finite)])


def assert_close(found, wanted, tolerance, seed):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype), f"seed {seed}"
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(found, wanted, err_msg=f"seed {seed}")
        return
    kept = np.isfinite(wanted)
    np.testing.assert_array_equal(found[~kept], wanted[~kept], err_msg=f"seed {seed}")
    np.testing.assert_allclose(
        found[kept], wanted[kept], rtol=0, atol=tolerance, err_msg=f"seed {seed}"
    )


@CHUNK
def test_random_steps_in_double_precision(native, chunk):
    for seed in range(chunk, STEPS, CHUNKS):
        check_step(native, seed)


@CHUNK
def test_random_steps_in_single_precision(native, chunk):
    for seed in range(STEPS + chunk, 2 * STEPS, CHUNKS):
        check_step(native, seed, np.float32)


@pytest.mark.parametrize("level", ["avx2", "baseline"])
def test_random_steps_on_older_machines(native, level):
    for seed in range(20):
        check_step(native, seed, level=level)


def test_random_steps_of_two_threads(native):
    for seed in range(40):
        check_step(native, seed, threads=2)


@pytest.mark.slow
@pytest.mark.parametrize("level", [None, "avx2", "baseline"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_steps(native, dtype, level):
    count, start = count_and_start()
    for seed in range(start, start + count):
        check_step(native, seed, dtype, level)
