"""The array API standard: every name is there, and each does what NumPy's function of that name does."""

from __future__ import annotations

import builtins
import inspect

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import array_api as xp
from autograd_core.exchange import CPU

# The standard, version 2024.12, section by section.
CONSTANTS = "e inf nan newaxis pi"
DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64"
CREATION = """arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones
    ones_like tril triu zeros zeros_like"""
DATA_TYPES = "astype can_cast finfo iinfo isdtype result_type"
ELEMENTWISE = """abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift
    bitwise_invert bitwise_or bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide
    equal exp expm1 floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less
    less_equal log log1p log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum
    minimum multiply negative nextafter not_equal positive pow real reciprocal remainder round sign
    signbit sin sinh square sqrt subtract tan tanh trunc"""
INDEXING = "take take_along_axis"
LINEAR = "matmul matrix_transpose tensordot vecdot"
MANIPULATION = """broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat
    reshape roll squeeze stack tile unstack"""
SEARCHING = "argmax argmin count_nonzero nonzero searchsorted where"
SETS = "unique_all unique_counts unique_inverse unique_values"
SORTING = "argsort sort"
STATISTICS = "cumulative_prod cumulative_sum max mean min prod std sum var"
UTILITIES = "all any diff"
LINALG = """cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm"""
ABSENT = {"complex64", "complex128", "fft"}

MAIN = [
    name
    for section in (CONSTANTS, DTYPES, CREATION, DATA_TYPES, ELEMENTWISE, INDEXING, LINEAR,
                    MANIPULATION, SEARCHING, SETS, SORTING, STATISTICS, UTILITIES)
    for name in section.split()
]  # fmt: skip

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
Y = RNG.normal(size=(3, 4))
U = np.clip(np.abs(X), 0.1, 0.9)
I = RNG.integers(-5, 6, (3, 4))
J = RNG.integers(0, 4, (3, 4))
B = X > 0
SQUARE = X[:, :3] @ X[:, :3].T + np.eye(3)
NAN = np.array([1.0, np.nan, -0.0, np.inf, -np.inf])


def call(*args, **options):
    return args, options


# What each function is called with; NumPy is called with the same.
CALLS = {
    "arange": [call(5), call(2, 8.0, 1.5), call(3, dtype=np.float32)],
    "asarray": [call(X), call([1, 2]), call(X, dtype=np.float32)],
    "empty_like": [], "empty": [],  # values unknown; tested below
    "eye": [call(3), call(2, 4, k=1, dtype=np.int32)],
    "from_dlpack": [call(X)],
    "full": [call((2, 3), 7), call((), 1.5), call(2, 1, dtype=np.float32)],
    "full_like": [call(X, 2.0), call(I, 2), call(X, 2, dtype=np.float32)],
    "linspace": [call(0.0, 1.0, 5), call(0, 4, 4, endpoint=False, dtype=np.float32)],
    "meshgrid": [call(X[0], Y[0, :2]), call(X[0], Y[0, :2], X[1, :3], indexing="ij"), call(X[0])],
    "ones": [call((2, 3)), call(3, dtype=np.int16)],
    "zeros": [call((2, 3)), call((), dtype=np.bool)],
    "ones_like": [call(X), call(X, dtype=np.int8)],
    "zeros_like": [call(X), call(I)],
    "tril": [call(X), call(X, k=1)],
    "triu": [call(X), call(X, k=-1)],
    "astype": [call(X, np.float32), call(I, np.float64), call(X, np.int64), call(X, np.float64)],
    "can_cast": [call(np.int8, np.int16), call(np.float64, np.int8)],
    "finfo": [], "iinfo": [],  # tested below
    "isdtype": [call(np.dtype("f4"), "real floating"), call(np.dtype("i4"), ("bool", "integral"))],
    "result_type": [call(np.float32, np.int8), call(np.float32, 1.0)],
    "bitwise_left_shift": [call(I, J)],
    "bitwise_right_shift": [call(I, J)],
    "bitwise_invert": [call(I), call(B)],
    "clip": [call(X, -0.5, 0.5), call(X, min=0.0), call(X), call(I, 0, 3)],
    "copysign": [call(X, Y), call(X, -1.0), call(X, Y[0])],
    "nextafter": [call(X, Y)],
    "pow": [call(U, Y), call(X, 2)],
    "take": [call(X, np.array([2, 0]), axis=0), call(X[0], np.array([1, 1, 3]))],
    "take_along_axis": [call(X, J[:, :2], axis=1), call(X, J, axis=-1)],
    "matmul": [call(X, Y.T), call(X, Y[0])],
    "matrix_transpose": [call(X), call(X[None])],
    "tensordot": [call(X, Y.T, axes=1), call(X, Y), call(X, Y, axes=((0,), (0,)))],
    "vecdot": [call(X, Y), call(X, Y, axis=0), call(X, Y[0])],
    "broadcast_arrays": [call(X, Y[0])],
    "broadcast_to": [call(X, (2, 3, 4))],
    "concat": [call([X, Y]), call((X, Y), axis=1), call([X, Y], axis=None)],
    "expand_dims": [call(X, axis=1), call(X, axis=-1)],
    "flip": [call(X), call(X, axis=0)],
    "moveaxis": [call(X[None], 0, 2)],
    "permute_dims": [call(X[None], (2, 0, 1))],
    "repeat": [call(X, 2), call(X, 3, axis=1), call(X, np.array([0, 1, 2]), axis=0)],
    "reshape": [call(X, (4, 3)), call(X, (-1,))],
    "roll": [call(X, 1), call(X, (1, -1), axis=(0, 1))],
    "squeeze": [call(X[None], axis=0), call(X[None, :, None], axis=(0, 2))],
    "stack": [call([X, Y]), call([X, Y], axis=-1)],
    "tile": [call(X, (2, 1))],
    "unstack": [call(X), call(X, axis=1)],
    "argmax": [call(X), call(X, axis=1, keepdims=True)],
    "argmin": [call(X), call(X, axis=0)],
    "count_nonzero": [call(I), call(I, axis=0), call(B, axis=1, keepdims=True)],
    "nonzero": [call(I), call(B[0])],
    "searchsorted": [call(np.sort(X[0]), Y), call(I[0], J, side="right", sorter=np.argsort(I[0]))],
    "where": [call(B, X, Y), call(B, X, 0.0)],
    "unique_all": [call(J), call(NAN)],
    "unique_counts": [call(J), call(NAN)],
    "unique_inverse": [call(J)],
    "unique_values": [call(J), call(B)],
    "argsort": [call(X), call(J, axis=0), call(J, descending=True)],
    "sort": [call(X), call(J, axis=0), call(X, descending=True)],
    "cumulative_sum": [call(X, axis=1), call(X[0], include_initial=True), call(I, axis=0, dtype=np.float32)],
    "cumulative_prod": [call(X, axis=0), call(X, axis=1, include_initial=True)],
    "mean": [call(X), call(X, axis=0, keepdims=True)],
    "sum": [call(X), call(np.int8(I), axis=0), call(X, axis=(0, 1), dtype=np.float32), call(B)],
    "prod": [call(X), call(I, axis=1), call(X, dtype=np.float32)],
    "std": [call(X), call(X, axis=1, correction=1), call(X, axis=0, correction=0.5, keepdims=True)],
    "var": [call(X), call(X, axis=1, correction=1), call(X, axis=0, correction=0.5)],
    "diff": [call(X), call(X, axis=0, n=2), call(X, prepend=Y[:, :1], append=Y[:, 1:3])],
}  # fmt: skip
for name in ELEMENTWISE.split():  # the others by their number of operands
    if name not in CALLS:
        n = 1 if name in ("signbit", "conj", "real", "imag", "round", "positive") else 0
        function = getattr(np, name)
        n = n or function.nin
        kind = (I, J) if name.startswith("bitwise") else (U, Y)
        shift = 1.0 if name == "acosh" else 0.0
        CALLS[name] = [call(*(a + shift if shift else a for a in kind[:n]))]
        if name.startswith(("bitwise", "logical")):
            CALLS[name].append(call(*(B, ~B[0])[:n]))
        if name in ("isnan", "isinf", "isfinite", "sign", "signbit", "abs", "trunc"):
            CALLS[name].append(call(NAN))
for name in ("max", "min"):
    CALLS[name] = [call(X), call(X, axis=0), call(I, axis=(0, 1), keepdims=True)]
for name in ("all", "any"):
    CALLS[name] = [call(B), call(X, axis=1), call(B, axis=0, keepdims=True)]

LINALG_CALLS = {
    "cholesky": [call(SQUARE), call(SQUARE, upper=True)],
    "cross": [call(X[:, :3], Y[:, :3]), call(X, Y, axis=0)],
    "det": [call(SQUARE)],
    "diagonal": [call(X[None]), call(X, offset=1)],
    "eigh": [],  # signs are free; tested below
    "eigvalsh": [call(SQUARE)],
    "inv": [call(SQUARE)],
    "matmul": CALLS["matmul"],
    "matrix_norm": [call(X), call(X, ord=1, keepdims=True), call(X, ord="nuc"), call(X, ord=2)],
    "matrix_power": [call(SQUARE, 3), call(SQUARE, -1), call(SQUARE, 0)],
    "matrix_rank": [call(X), call(X[[0, 0, 1]]), call(np.stack([SQUARE, 0 * SQUARE]))],
    "matrix_transpose": CALLS["matrix_transpose"],
    "outer": [call(X[0], Y[1])],
    "pinv": [call(X)],
    "qr": [call(X.T), call(X)],
    "slogdet": [call(SQUARE)],
    "solve": [call(SQUARE, X), call(SQUARE, X[:, 0])],
    "svd": [],
    "svdvals": [call(X)],
    "tensordot": CALLS["tensordot"],
    "trace": [call(X), call(X[None], offset=1), call(I, dtype=np.float32)],
    "vecdot": CALLS["vecdot"],
    "vector_norm": [call(X), call(X, axis=1, ord=1), call(X[None], axis=(0, 2), keepdims=True), call(X, axis=0, ord=np.inf)],
}  # fmt: skip


def clipped(x, low=None, high=None, *, min=None, max=None):  # NumPy 2.0 has other names for them
    bounds = [b for b in (low, min) if b is not None], [b for b in (high, max) if b is not None]
    for function, given in zip((np.maximum, np.minimum), bounds, strict=True):
        x = function(x, given[0]) if given else x
    return x


DESCENDING = {  # NumPy lacks the option
    "sort": lambda x, **_: -np.sort(-x, axis=-1),
    "argsort": lambda x, **_: np.argsort(-x, axis=-1, kind="stable"),
}
NEWER = {"cumulative_sum", "cumulative_prod", "unstack"}  # in NumPy 2.1


def test_every_name_of_the_standard_is_there():
    missing = [name for name in MAIN if not hasattr(xp, name)]
    missing += [f"linalg.{name}" for name in LINALG.split() if not hasattr(xp.linalg, name)]
    assert missing == []
    assert not [name for name in ABSENT if hasattr(xp, name)]
    assert len(MAIN) == len(set(MAIN))


def test_every_function_is_tried():
    functions = {
        n for n in MAIN if callable(getattr(xp, n)) and not isinstance(getattr(xp, n), type)
    }
    assert functions == set(CALLS)
    assert set(LINALG.split()) == set(LINALG_CALLS)


def tensors_of(value):
    if isinstance(value, np.ndarray):
        return ag.tensor(value)
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
        return type(value)(map(tensors_of, value))
    return value


def same(found, wanted, name):
    if isinstance(wanted, tuple | list):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            same(a, b, name)
        return
    if isinstance(wanted, builtins.bool | np.dtype):
        assert found == wanted
        return
    wanted = np.asarray(wanted)
    assert type(found) is ag.Tensor, name
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype), name
    np.testing.assert_allclose(found.data, wanted, rtol=1e-6 if wanted.dtype == "f4" else 1e-12,
                               atol=1e-14, err_msg=name)  # fmt: skip


@pytest.mark.together
@pytest.mark.parametrize("name", [n for n in CALLS if CALLS[n]])
def test_the_functions_give_what_numpy_gives(name):
    reference = clipped if name == "clip" else getattr(np, name, None)
    if reference is None and name in NEWER:
        pytest.skip("not in this NumPy")
    for args, options in CALLS[name]:
        truth = DESCENDING[name] if options.get("descending") else reference
        wanted = truth(*args, **options)
        same(getattr(xp, name)(*map(tensors_of, args), **options), wanted, name)


@pytest.mark.parametrize("name", [n for n in LINALG_CALLS if LINALG_CALLS[n]])
def test_linear_algebra_gives_what_numpy_gives(name):
    for args, options in LINALG_CALLS[name]:
        wanted = getattr(np.linalg, name)(*args, **options)
        same(getattr(xp.linalg, name)(*map(tensors_of, args), **options), wanted, name)


def test_decompositions_multiply_back():
    x, s = ag.tensor(X), ag.tensor(SQUARE)
    values, vectors = xp.linalg.eigh(s)
    np.testing.assert_allclose(((vectors * values) @ vectors.T).data, SQUARE, atol=1e-12)
    for full in (True, False):
        found = xp.linalg.svd(x, full_matrices=full)
        k = found.S.shape[0]
        assert found.U.shape == (3, 3)
        back = (found.U[:, :k] * found.S) @ found.Vh[:k]
        np.testing.assert_allclose(back.data, X, atol=1e-12)
        assert found.Vh.shape == ((4, 4) if full else (3, 4))


def test_what_has_no_derivative_is_refused_only_where_one_is_asked_for():
    assert xp.linalg.qr(ag.tensor(X.T), mode="complete").Q.shape == (4, 4)
    x = ag.tensor(X, requires_grad=True)
    with pytest.raises(ag.AutogradError):
        xp.linalg.svd(x)
    with pytest.raises(ag.AutogradError):
        xp.linalg.qr(x, mode="complete")


def test_limits_are_numpys():
    limits = xp.finfo(ag.tensor(np.float32(1)))
    for name in ("eps", "max", "min", "smallest_normal"):
        assert getattr(limits, name) == getattr(np.finfo("f4"), name)
        assert type(getattr(limits, name)) is float
    assert (limits.bits, limits.dtype) == (32, np.float32)
    assert xp.iinfo(xp.int8).max == 127
    assert xp.empty((2, 3), dtype=xp.int8).shape == xp.empty_like(ag.tensor(X[:2, :3])).shape


GRADIENTS = {
    "copysign": lambda x: xp.copysign(x, Y),
    "cumulative_sum": lambda x: xp.cumulative_sum(x, axis=1, include_initial=True),
    "cumulative_prod": lambda x: xp.cumulative_prod(x, axis=0),
    "diff": lambda x: xp.diff(x, prepend=x[:, :1] * 2, n=2),
    "sort": lambda x: xp.sort(x, descending=True),
    "unique_values": lambda x: xp.unique_values(x),
    "vector_norm": lambda x: xp.linalg.vector_norm(x, axis=0, ord=3),
    "vecdot": lambda x: xp.vecdot(x, x * 2, axis=0),
    "meshgrid": lambda x: xp.meshgrid(x[0], x[1])[0],
    "unstack": lambda x: xp.unstack(x, axis=1)[2],
    "std": lambda x: xp.std(x, axis=1, correction=0.5),
    "clip": lambda x: xp.clip(x, -0.5, 0.5),
    "astype": lambda x: xp.astype(x, xp.float64),
    "asarray": lambda x: xp.asarray(x, copy=True),
    "real": lambda x: xp.real(x),
    "matrix_norm": lambda x: xp.linalg.matrix_norm(x),
    "svdvals": lambda x: xp.linalg.svdvals(x),
    "trace": lambda x: xp.linalg.trace(x[:, :3]),
}  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_what_is_adapted_keeps_its_gradient(name):
    assert ag.gradcheck(lambda x: (GRADIENTS[name](x) ** 2).sum(), X)


def test_a_gradient_is_never_cut_in_silence():
    x = ag.tensor(X, requires_grad=True)
    with pytest.raises(ag.NotDifferentiableError):
        xp.nextafter(x, 0.0)
    for counted in (xp.count_nonzero(x), xp.signbit(x), xp.searchsorted(x[0], x), xp.nonzero(x)[0]):
        assert not counted.requires_grad


def test_the_namespace_is_found_and_its_version_checked():
    t = ag.tensor(X)
    assert t.__array_namespace__() is xp
    assert t.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ag.ConfigError, match="api_version one of"):
        t.__array_namespace__(api_version="2030.12")
    info = xp.__array_namespace_info__()
    assert info.devices() == [info.default_device()] == [t.device]
    assert info.default_dtypes()["real floating"] == t.dtype
    assert set(info.dtypes()) == set(DTYPES.split())
    assert set(info.dtypes(kind=("integral", "bool"))) == {
        n for n in DTYPES.split() if "f" not in n
    }
    assert info.dtypes(kind="complex floating") == {}
    assert info.capabilities()["boolean indexing"]


def test_the_array_object_has_the_standards_attributes():
    t = ag.tensor(X)
    np.testing.assert_array_equal(t.mT.data, X.T)
    assert t.to_device("cpu") is t
    with pytest.raises(ag.ConfigError, match='expected "cpu"'):
        t.to_device("cuda:0")
    assert t.__dlpack_device__() == CPU
    with pytest.raises(ag.ShapeError, match="two axes"):
        t[0].mT  # noqa: B018
    i, j, b = ag.tensor(I), ag.tensor(J), ag.tensor(B)
    for found, wanted in [
        (i & j, I & J), (i | 3, I | 3), (i ^ j, I ^ J), (~i, ~I), (i << j, I << J), (i >> 1, I >> 1),
        (b & ~b, B & ~B), (b | True, B | True), (True ^ b, True ^ B), (7 & j, 7 & J),
    ]:  # fmt: skip
        np.testing.assert_array_equal(found.data, wanted)
        assert found.dtype == wanted.dtype


def test_masks_are_recorded_and_traced():
    program = ag.trace(lambda x: ag.where((x > 0) & ~(x > 1), x, 0.0))(ag.Abstract((5,)))
    x = np.array([-1.0, 0.5, 2.0, 0.1, 0.0])
    np.testing.assert_array_equal(program(x).data, np.where((x > 0) & (x <= 1), x, 0.0))


def test_there_is_one_device_and_no_shared_memory():
    for make in (lambda: xp.zeros(3, device="gpu"), lambda: xp.asarray(X, copy=False)):
        with pytest.raises(ag.ConfigError, match=r"array API|asarray"):
            make()
    t = ag.tensor(X)
    assert xp.asarray(t, copy=False) is t
    assert xp.asarray(t, copy=True) is not t
    np.testing.assert_array_equal(xp.reshape(t, (4, 3), copy=True).data, X.reshape(4, 3))


@pytest.mark.parametrize("call", [
    lambda: xp.take(ag.tensor(X), ag.tensor([0])),
    lambda: xp.cumulative_sum(ag.tensor(X)),
    lambda: xp.nonzero(ag.tensor(1.0)),
    lambda: xp.vecdot(ag.tensor(X), ag.tensor(X[:, :3])),
    lambda: xp.linalg.matrix_rank(ag.tensor(X[0])),
])  # fmt: skip
def test_what_the_standard_refuses_is_refused(call):
    with pytest.raises(ag.ShapeError):
        call()


def test_options_carry_the_standards_names():
    # A few whose names differ from NumPy's or ours.
    for function, names in {
        xp.std: "correction", xp.sort: "descending stable", xp.cumulative_sum: "include_initial",
        xp.diff: "prepend append", xp.sum: "dtype", xp.reshape: "copy", xp.linalg.cholesky: "upper",
    }.items():  # fmt: skip
        assert set(names.split()) <= inspect.signature(function).parameters.keys()


@pytest.mark.parametrize("name", sorted(n for n in dir(xp) if n.startswith("bitwise_")))
def test_bitwise_functions_have_the_standards_parameters(name):
    parameters = inspect.signature(getattr(xp, name)).parameters
    assert list(parameters) == (["x"] if name == "bitwise_invert" else ["x1", "x2"])
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.POSITIONAL_ONLY}
