"""Every primitive as native code: NumPy's values and gradients, at every sample, dtype and shape.

The operands are those of `test_every_primitive`, so that a new primitive is compiled by existing.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.kernels import Call
from autograd_core.primitives import REGISTRY
from autograd_core.trees import flatten

pytest.importorskip("llvmlite")
_spec = importlib.util.spec_from_file_location(
    "samples_of_primitives", Path(__file__).with_name("test_every_primitive.py")
)
samples = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)

NAMES = sorted(n for n in REGISTRY if n != "pick" and samples.samples_of(REGISTRY[n]))
ELEMENTWISE = [n for n in NAMES if isinstance(REGISTRY[n].kind, ag.Elementwise)]
# Of one that is computed lane by lane, one of two operands, one with a mask, products, folds, views.
SOME = ["affine", "cumsum", "einsum_", "gather", "logsumexp", "matmul", "max", "mod", "overlap_add",
        "power", "scan", "scatter_add", "sin", "softmax_cross_entropy", "sum", "transpose"]  # fmt: skip
# Not in single precision: rounding decides LAPACK's choice of signs; a loop's body has a dtype.
DOUBLE = {"compiled", "eigh", "pinv", "qr", "scan", "svd"}


def every_sample(name, dtype):
    """A function of all operands of all samples, and the operands."""
    p = REGISTRY[name]
    calls, operands = [], []
    for given, params in samples.samples_of(p):
        arrays = [np.asarray(o) for o in given]
        calls.append((range(len(operands), len(operands) + len(arrays)), params))
        operands += [a.astype(dtype) if a.dtype == np.float64 else a for a in arrays]
    if name == "cast":
        calls = [(at, {"dtype": t}) for at, _ in calls for t in (np.float32, np.float64)]

    def function(*tensors):
        return [p.function(*(tensors[i] for i in at), **params) for at, params in calls]

    return function, operands


def slopes(function, operands):
    """The gradient of a sum over everything that the function returns, or None where there is none."""
    floats = tuple(i for i, o in enumerate(operands) if o.dtype.kind == "f")

    def total(*tensors):
        found = [t for t in flatten(function(*tensors))[0] if t.dtype.kind == "f"]
        return sum(ag.sum(t * t * 0.5 + t) for t in found)

    if not floats:
        return None
    return ag.grad(total, floats, unreachable="zero")


def scale(x):
    x = np.asarray(x, np.float64)
    return float(np.abs(x[np.isfinite(x)]).max(initial=0.0))


def assert_near(found, wanted, exact=None, tolerance=1e-12):
    """Alike: to ``tolerance``, or, of single precision, with at most twice the error that it has.

    ``exact`` is then the same in double precision.
    """
    assert len(found) == len(wanted)
    for k, (f, w) in enumerate(zip(found, wanted, strict=True)):
        f, w = np.asarray(f), np.asarray(w)
        assert (f.shape, f.dtype) == (w.shape, w.dtype), k
        if w.dtype.kind != "f":
            np.testing.assert_array_equal(f, w, err_msg=str(k))
            continue
        np.testing.assert_array_equal(np.isnan(f), np.isnan(w), err_msg=str(k))
        infinite = np.isinf(w)
        np.testing.assert_array_equal(f[infinite], w[infinite], err_msg=str(k))
        kept = np.isfinite(w)
        f, w, size = f[kept].astype(np.float64), w[kept].astype(np.float64), scale(w)
        if exact is None:
            error, most = np.abs(f - w), tolerance * max(1.0, size)
        else:
            e = np.asarray(exact[k], np.float64)[kept]
            floor = float(np.finfo(np.float32).eps) * size
            error, most = np.abs(f - e), 2 * max(floor, np.abs(w - e).max(initial=0.0))
        assert error.max(initial=0.0) <= most, (k, error.max(), most)


def check_samples(native, name, level=None):
    function, operands = every_sample(name, np.float64)
    step = native(function, *operands, level=level)
    exact, _ = step.expected(*operands)
    assert_near(step(*operands), exact)
    if name in DOUBLE:
        return
    single, cast = every_sample(name, np.float32)
    step = native(single, *cast, level=level)
    assert_near(step(*cast), step.expected(*cast)[0], again(function, cast))


def again(function, cast):
    """The values in double precision, of operands that single precision has."""
    wide = [a.astype(np.float64) if a.dtype == np.float32 else a for a in cast]
    with np.errstate(all="ignore"):
        return [t.data for t in flatten(function(*wide))[0]]


def check_slopes(native, name, level=None):
    function, operands = every_sample(name, np.float64)
    if not REGISTRY[name].differentiable or slopes(function, operands) is None:
        return
    step = native(slopes(function, operands), *operands, level=level)
    assert_near(step(*operands), step.expected(*operands)[0], tolerance=4e-12)
    if name in DOUBLE:
        return
    single, cast = every_sample(name, np.float32)
    step = native(slopes(single, cast), *cast, level=level)
    assert_near(step(*cast), step.expected(*cast)[0], again(slopes(function, operands), cast))


@pytest.mark.parametrize("name", NAMES)
def test_values_are_numpys_in_both_precisions(native, name):
    check_samples(native, name)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_numpys_in_both_precisions(native, name):
    check_slopes(native, name)


@pytest.mark.parametrize("level", ["avx2", "baseline"])
@pytest.mark.parametrize("name", SOME)
def test_older_machines_agree(native, name, level):
    check_samples(native, name, level)
    check_slopes(native, name, level)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["avx2", "baseline"])
@pytest.mark.parametrize("name", [n for n in NAMES if n not in SOME])
def test_older_machines_agree_on_all(native, name, level):
    check_samples(native, name, level)
    check_slopes(native, name, level)


# What NumPy computes, since native code has no form of it yet; others would be a loss of speed.
NUMPYS = {
    "argmax", "argsort", "beta", "betainc", "betaincc", "betaincx", "betaln", "cholesky", "cofactor", "det", "eigh", "erfcinv",
    "erfcx", "erfinv", "gamma", "gammainc", "gammaincc", "gammainccx", "gammaincx", "gammaln", "gammasgn", "ierfcx", "iv", "ive", "jv", "kv",
    "log_ndtr", "pinv", "polygamma", "qr", "rgamma", "slogdet", "solve", "solve_sylvester", "stdtr",
    "svd", "yv",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_native_code_computes_all_but_those(native, name):
    function, operands = every_sample(name, np.float64)
    step = native(function, *operands)
    called = {k.step.primitive.name for k in step.kernels if isinstance(k, Call)}
    assert called == {name} & NUMPYS


# --- every pattern of broadcasting ---------------------------------------------------------------

SHAPES = {
    1: [((),), ((1,),), ((7,),), ((33,),), ((3, 5),), ((1, 5),), ((5, 1),), ((0,),), ((0, 3),),
        ((2, 1, 4),), ((16, 17),)],
    2: [((), ()), ((), (5,)), ((1,), (5,)), ((5,), (1,)), ((5, 1), (1, 7)), ((1, 5), (7, 1)),
        ((4, 5), (5,)), ((5,), (4, 5)), ((4, 1), (4, 5)), ((2, 1, 3), (4, 1)), ((0,), ()),
        ((0, 3), (3,)), ((0, 1), (1, 0)), ((1, 1), (1,)), ((33,), ()), ((17, 33), (17, 1)),
        ((1, 33), (17, 33)), ((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 1))],
    3: [((), (), ()), ((5,), (), (1,)), ((1, 7), (5, 1), ()), ((5, 1), (7,), (5, 7)), ((0,), (), (1,)),
        ((4, 5), (4, 5), (4, 5)), ((3, 1, 1), (2, 1), (17,)), ((1,), (0, 3), (3,))],
}  # fmt: skip
PLAIN = [n for n in ELEMENTWISE if n not in NUMPYS]


def drawn(p, place, shape, dtype=np.float64):
    """Numbers inside the domain, off places where derivatives jump."""
    low, high = p.domain
    if p.name == "where" and place == 0:
        return samples.integers(2, *shape).astype(bool)
    cells = np.floor(4 * samples.real(*shape, low=low * 0.9, high=high * 0.9)) / 4
    moved = np.clip(cells + (place + 1) * 0.043, low + 0.01, high - 0.01)
    return np.asarray(moved, dtype)


def params_of(p):
    return samples.samples_of(p)[0][1]


def patterns(p, dtype):
    """Calls of one primitive: functions of two arrays each, and all of the arrays."""
    params = params_of(p)
    calls, operands = [], []

    def add(call, *arrays):
        calls.append((call, range(len(operands), len(operands) + len(arrays))))
        operands.extend(arrays)

    def plain(*ts):
        return p.function(*ts, **params)

    for shapes in SHAPES[p.arity]:
        add(plain, *(drawn(p, k, s, dtype) for k, s in enumerate(shapes)))
    square = [drawn(p, k, (6, 6), dtype) for k in range(p.arity)]
    views = [lambda t: t.T, lambda t: t[::-1], lambda t: t[:, ::2], lambda t: t[1:, 2:4], lambda t: t[3],
             lambda t: t[:, 1:2], lambda t: t.reshape(4, 9)]  # fmt: skip
    for view in views:
        add(lambda *ts, view=view: plain(*map(view, ts)), *square)
    add(lambda *ts: plain(ts[0].T, *ts[1:]), *square)
    add(lambda *ts: plain(*(t[k] for k, t in enumerate(ts))), *square)
    if p.arity == 2:
        low, high = p.domain
        number = low + 0.3 * (high - low)
        x = drawn(p, 0, (5,), dtype)
        add(lambda t: p.function(t, number, **params), x)
        add(lambda t: p.function(number, t, **params), x)
        add(lambda t: p.function(t, 1, **params), x)
        add(lambda t: p.function(t, t, **params), x)

    def function(*tensors):
        return [call(*(tensors[i] for i in at)) for call, at in calls]

    return function, operands


def check_patterns(native, name, level=None):
    p = REGISTRY[name]
    function, operands = samples.seeded(name, lambda: patterns(p, np.float64))
    step = native(function, *operands, level=level)
    assert_near(step(*operands), step.expected(*operands)[0])
    if name == "cast":
        return
    function, operands = samples.seeded(name, lambda: patterns(p, np.float32))
    step = native(function, *operands, level=level)
    assert_near(step(*operands), step.expected(*operands)[0], again(function, operands))


def check_slopes_of_patterns(native, name, level=None):
    p = REGISTRY[name]
    function, operands = samples.seeded(name, lambda: patterns(p, np.float64))
    derive = slopes(function, operands)
    if not p.differentiable or derive is None:
        return
    step = native(derive, *operands, level=level)
    assert_near(step(*operands), step.expected(*operands)[0], tolerance=4e-12)


FEW = ["add", "divide", "maximum", "tanh", "where"]


def half(names):
    """Every second one is left to the slow tests."""
    return [pytest.param(n, marks=[pytest.mark.slow] * (k % 2)) for k, n in enumerate(names)]


@pytest.mark.parametrize("name", half(PLAIN))
def test_every_pattern_of_broadcasting_and_of_views(native, name):
    check_patterns(native, name)


@pytest.mark.parametrize("name", FEW)
def test_gradients_at_every_pattern(native, name):
    check_slopes_of_patterns(native, name)


@pytest.mark.parametrize("level", ["avx2", "baseline"])
@pytest.mark.parametrize("name", FEW)
def test_every_pattern_on_older_machines(native, name, level):
    check_patterns(native, name, level)
    check_slopes_of_patterns(native, name, level)


@pytest.mark.slow
@pytest.mark.parametrize("level", [None, "avx2", "baseline"])
@pytest.mark.parametrize("name", PLAIN)
def test_every_pattern_of_all_on_all_machines(native, name, level):
    check_patterns(native, name, level)
    check_slopes_of_patterns(native, name, level)


# --- every dtype ---------------------------------------------------------------------------------

DTYPES = ["?", "b", "h", "i", "q", "B", "H", "I", "Q", "f", "d"]
NUMBERS = [2, 0.5, True]
# Where NumPy's own steps have fewer digits than the result, or their negative of an unsigned number
# is no negative number.
FEWER = dict.fromkeys(("xdivy", "xlogy", "xlog1py"), "iqIQd") | dict.fromkeys(
    ("sigmoid", "softplus"), "bhiqfd"
)


def mixtures(p):
    """Calls of a primitive on all dtypes that it takes, mixed, and with Python numbers."""
    params = params_of(p)
    calls, operands = [], []

    def add(make, *dtypes):
        arrays = [
            np.array([0, 1, 2, 3, 100, -3, -1][: 5 if c in "BHIQ" or p.name == "power" else 7]).astype(c)[::-1 if k else 1]
            for k, c in enumerate(dtypes)
        ]  # fmt: skip
        shortest = min(a.size for a in arrays)
        arrays = [a[:shortest] for a in arrays]
        try:
            with np.errstate(all="ignore"):
                make(*arrays)
        except (ag.errors.AutogradError, TypeError, ValueError, OverflowError):
            return  # what is refused eagerly
        calls.append((make, range(len(operands), len(operands) + len(arrays))))
        operands.extend(arrays)

    taken = FEWER.get(p.name, DTYPES)
    for dtypes in itertools.product(taken, repeat=min(p.arity, 2)):
        if p.arity == 3:
            add(lambda a, b: p.function(a != 0, a, b, **params), *dtypes)
        else:
            add(lambda *ts: p.function(*ts, **params), *dtypes)
    if p.arity == 2:
        for c, number in itertools.product(taken, NUMBERS[: 2 if p.name in FEWER else 3]):
            add(lambda t, n=number: p.function(t, n, **params), c)
            add(lambda t, n=number: p.function(n, t, **params), c)

    def function(*tensors):
        return [call(*(tensors[i] for i in at)) for call, at in calls]

    return function, operands


@pytest.mark.parametrize("name", half(n for n in PLAIN if n != "cast"))
@pytest.mark.filterwarnings("ignore")  # NumPy's, of quotients by zero
def test_every_mixture_of_dtypes(native, name):
    function, operands = mixtures(REGISTRY[name])
    step = native(function, *operands)
    found, wanted = step(*operands), step.expected(*operands)[0]
    assert len(found) > 1
    for f, w in zip(found, wanted, strict=True):
        exact = None if w.dtype != np.float32 else [w]
        assert_near([f], [w], exact, tolerance=1e-12)


@pytest.mark.parametrize("old", DTYPES)
def test_casts_between_all_dtypes(native, old):
    x = np.array([0, 1, 2, 100, 3.7, 0.2, -3.7, -0.5, -100]).astype(old)
    if old in "fd":
        x = x[:6]  # what a negative float is as an unsigned number is nobody's promise

    def casts(t):
        return [ag.cast(t, np.dtype(new)) for new in DTYPES]

    step = native(casts, x)
    for f, w in zip(step(x), step.expected(x)[0], strict=True):
        assert f.dtype == w.dtype
        np.testing.assert_array_equal(f, w)


# --- nan, infinities, zeros, the smallest and the largest ----------------------------------------

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, np.inf, -np.inf, np.nan]
# Which of two zeros is larger NumPy leaves open.
ZEROS = {"maximum", "minimum", "relu"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", half(n for n in PLAIN if n not in ("cast", "where")))
@pytest.mark.filterwarnings("ignore")  # NumPy's
def test_special_values_are_numpys(native, name, dtype):
    p = REGISTRY[name]
    info = np.finfo(dtype)
    extreme = [info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal]
    x = np.array([*SPECIAL, *extreme], dtype)
    operands = (x,) if p.arity == 1 else (x[:, None].copy(), x[None].copy())
    step = native(lambda *ts: p.function(*ts, **params_of(p)), *operands)
    (found,), (wanted,) = step(*operands), step.expected(*operands)[0]
    np.testing.assert_allclose(found, wanted, rtol=8 * info.eps, atol=4 * info.smallest_subnormal)
    if found.dtype.kind == "f" and name not in ZEROS:
        zero = wanted == 0
        np.testing.assert_array_equal(np.signbit(found)[zero], np.signbit(wanted)[zero])


# --- random bits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [None, "avx2", "baseline"])
def test_random_bits_are_numpys_to_the_last_bit(native, level):
    rng = np.random.default_rng(3)
    shapes = [(), (1,), (2,), (7,), (8,), (9,), (15,), (16,), (17,), (1000,), (3, 5), (2, 1, 3), (0,),
              (0, 4), (64, 33)]  # fmt: skip
    keys = [
        [0, 0],
        [1, 2**64 - 1],
        [2**64 - 1, 2**64 - 1],
        *rng.integers(0, 2**64, (3, 2), np.uint64),
    ]
    counters = [0, 1, 2**63, 2**64 - 1, 12345]
    step = native(
        lambda key, counter: [ag.random_bits(key, counter, s) for s in shapes],
        np.zeros(2, np.uint64), np.uint64(0), level=level,
    )  # fmt: skip
    for key, counter in itertools.product(keys, counters):
        operands = np.array(key, np.uint64), np.uint64(counter)
        for found, wanted in zip(step(*operands), step.expected(*operands)[0], strict=True):
            assert found.dtype == np.uint32
            np.testing.assert_array_equal(found, wanted)


def test_random_bits_of_a_key_that_is_a_view(native):
    keys = np.array([[3, 5, 7], [11, 13, 17]], np.uint64)
    step = native(
        lambda k: [ag.random_bits(v, np.uint64(1), (5,)) for v in (k[:, 1], k[0, ::-2], k[1, 1:])],
        keys,
    )
    for found, wanted in zip(step(keys), step.expected(keys)[0], strict=True):
        np.testing.assert_array_equal(found, wanted)
