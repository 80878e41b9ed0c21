"""Every primitive at sizes 0 and 1, compiled by both backends: eager's values and gradients.

The operands are those of `test_every_primitive`, cut down along one axis or along all of them,
wherever that is still a call.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.primitives import REGISTRY
from autograd_core.trees import flatten

BACKENDS = ["numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)
_spec = importlib.util.spec_from_file_location(
    "samples_for_sizes", Path(__file__).with_name("test_every_primitive.py")
)
samples = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)

NAMES = sorted(n for n in REGISTRY if n != "pick" and samples.samples_of(REGISTRY[n]))
SOME = ["add", "cumsum", "einsum_", "gather", "max", "overlap_add", "scatter_add", "slice_", "sum",
        "windows"]  # fmt: skip
# No operand gives them a size, or a body fixes it; `embed` is what the gradients of `slice_` are.
FIXED = {"compiled", "embed", "eye", "random_bits", "scan"}


def cut(arrays):
    """Operands of size 0 and 1, along one axis from either end and along all."""
    axes = max((a.ndim for a in arrays), default=0)

    def along(k, n, a):
        k += a.ndim * (k < 0)
        return a[tuple(slice(0, n) if i == k else slice(None) for i in range(a.ndim))]

    for n in (0, 1):
        yield [a[tuple(slice(0, n) for _ in a.shape)] for a in arrays]
        for k in range(-axes, axes):
            yield [along(k, n, a) for a in arrays]


def fits(name, operands, params):
    """Whether it is a call that users or rules make; `embed` is of what its index selects."""
    if name != "embed":
        return True
    chosen = REGISTRY["slice_"].forward(np.zeros(params["shape"]), index=params["index"])
    return chosen.shape == operands[0].shape


def small_calls(name):
    """A function of all operands of all small calls, and the operands."""
    p, seen, calls, operands = REGISTRY[name], set(), [], []
    for given, params in samples.samples_of(p):
        for arrays in cut([np.asarray(o) for o in given]):
            key = tuple((a.shape, a.dtype) for a in arrays), repr(params)
            if key in seen:
                continue
            seen.add(key)
            try:
                p.function(*arrays, **params)
            except (
                ag.errors.AutogradError
            ):  # of the reduction of nothing, of a shape that does not fit
                continue
            if fits(name, arrays, params):
                calls.append((range(len(operands), len(operands) + len(arrays)), params))
                operands += arrays

    def function(*tensors):
        return [p.function(*(tensors[i] for i in at), **params) for at, params in calls]

    return function, operands, len(calls)


def assert_same(found, wanted):
    found, wanted = flatten(found)[0], flatten(wanted)[0]
    assert len(found) == len(wanted)
    for k, (f, w) in enumerate(zip(found, wanted, strict=True)):
        assert (f.shape, f.dtype) == (w.shape, w.dtype), k
        np.testing.assert_allclose(f.numpy(), w.numpy(), rtol=1e-12, atol=1e-12, err_msg=str(k))


@pytest.mark.sampled(2)
@pytest.mark.filterwarnings("ignore")  # NumPy's, of nothing
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_values_at_sizes_0_and_1(name, backend):
    function, operands, count = small_calls(name)
    assert count > 1 or name in FIXED
    assert_same(ag.jit(function, backend=backend)(*operands), function(*operands))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in SOME else pytest.mark.slow) for n in NAMES]
)
def test_gradients_at_sizes_0_and_1(name, backend):
    function, operands, _ = small_calls(name)
    floats = tuple(i for i, o in enumerate(operands) if o.dtype.kind == "f")
    if not floats or not REGISTRY[name].differentiable:
        return

    def total(*tensors):
        found = [t for t in flatten(function(*tensors))[0] if t.dtype.kind == "f"]
        return sum(ag.sum(t * t * 0.5 + t) for t in found)

    slopes = ag.grad(total, floats, unreachable="zero")
    assert_same(ag.jit(slopes, backend=backend)(*operands), slopes(*operands))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolutions_of_one_two_and_three(mode, backend):
    for n, m in [(1, 1), (1, 2), (2, 1), (3, 1), (2, 3)]:
        a, b = np.arange(1.0, n + 1), np.arange(2.0, m + 2)
        slopes = ag.grad(lambda a, b: ag.sum(ag.convolve(a, b, mode) ** 2), (0, 1))
        assert_same(ag.jit(slopes, backend=backend)(a, b), slopes(a, b))
    one = ag.jit(ag.grad(lambda a: ag.sum(ag.convolve(a, a))), backend=backend)
    assert one(np.ones(1)).tolist() == [2]


def test_no_windows_are_refused():
    for shape in [(0, 3), (3, 0)]:
        with pytest.raises(ag.errors.ShapeError, match="not empty"):
            ag.overlap_add(np.ones(shape), 0)


def test_an_index_into_nothing_is_refused_by_name():
    for function in (ag.take, ag.jit(ag.take)):
        with pytest.raises(ag.errors.ShapeError, match=r"take|gather"):
            function(np.zeros((0, 3)), np.array([0]), 0)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32, np.uint8, np.bool_])
def test_running_sums_along_every_axis(dtype, backend):
    rng = np.random.default_rng(0)
    for shape in [(1,), (7,), (3, 5), (1, 9), (9, 1), (4, 1, 6), (2, 3, 4, 5), (33, 17)]:
        x = (rng.normal(size=shape) * 3).astype(dtype)
        axes = range(len(shape))

        def sums(x, axes=axes):
            return [
                *(ag.cumsum(x, axis) for axis in axes),
                *(ag.flip(ag.cumsum(ag.flip(x, axis), axis), axis) for axis in axes),
                *(ag.cumsum(ag.transpose(x), axis) for axis in axes),
                *(ag.cumsum(ag.cumsum(x * x, axis), -1) for axis in axes if dtype != np.bool_),
                *(ag.cumsum(x[::2], axis) for axis in axes),
            ]

        assert_same(ag.jit(sums, backend=backend)(x), sums(ag.tensor(x)))


def test_two_threads_share_running_sums():
    pytest.importorskip("llvmlite")
    x = np.random.default_rng(0).normal(size=(300, 400))
    for axis in (0, 1):
        step = ag.jit(lambda x, axis=axis: ag.cumsum(x, axis), backend="native", threads=2)
        assert_same([step(x)], [ag.cumsum(ag.tensor(x), axis)])
