"""Every public function on every dtype, at its extreme values, against NumPy and SciPy: values and dtypes.

Functions are found by walking the table of `gradproof functions`. One that takes one or two arrays and
nothing else is tested by existing; others need a row in `CALLS`, and those that NumPy and SciPy have not a
row in `REFERENCES`. What differs on purpose stands in `DIFFERENT`, with the reason.
"""

from __future__ import annotations

import functools
import inspect
import zlib

import mpmath
import numpy as np
import pytest

import autograd_core as ag
from gradproof import functions

special = pytest.importorskip("scipy.special")
distributions = pytest.importorskip("scipy.stats")
signal = pytest.importorskip("scipy.signal")

DTYPES = ("int8", "uint8", "int16", "uint32", "int64", "bool", "float16", "float32")
RTOL = {"float16": 4e-3, "float32": 1e-5, "float64": 1e-11}


def extremes(dtype):
    """The smallest, the largest, 0 and some others; of floats the infinities and nan as well."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([True, False, True, True])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.array([limits.min, limits.max, 0, 1, 2, 5], dtype)
    limits = np.finfo(dtype)
    return np.array(
        [limits.min, limits.max, 0.0, -0.0, 1.0, -2.5, 0.3, limits.smallest_normal, np.inf, -np.inf, np.nan],
        dtype,
    )  # fmt: skip


class Given:
    """What a call is made of: arrays of one dtype, in several shapes."""

    def __init__(self, dtype, wrap=lambda x: x):
        values = extremes(dtype)
        self.dtype = np.dtype(dtype)
        self.wrap = wrap
        self.x = wrap(values)
        self.row, self.column = wrap(values[None, :]), wrap(values[:, None])
        self.finite = wrap(values[np.isfinite(values)][:4].copy())
        self.matrix = wrap(np.stack([values, values[::-1]])[:, :4].copy())
        self.cube = wrap(np.stack([self._plain(self.matrix)] * 3).copy())
        # Of positive definite matrices and small numbers, for what is about size no more.
        self.square = wrap(np.array([[2, 1, 0], [1, 3, 1], [0, 1, 2]]).astype(dtype))
        self.three = wrap(np.array([1, 0, 1]).astype(dtype))
        self.small = wrap(np.array([0, 1, 1, 1]).astype(dtype))
        self.labels = wrap(np.array([0, 3]))

    @staticmethod
    def _plain(x):
        return x if isinstance(x, np.ndarray) else np.asarray(x.detach())


def infix(name):
    return lambda f, v: f(v.column, v.row)


# name -> call(function, operands), where one or two arrays `x` do not do.
CALLS = {
    "affine": lambda f, v: f(v.square, v.square, v.three),
    "append": lambda f, v: f(v.x, v.x),
    "array_split": lambda f, v: f(v.x, 3),
    "broadcast_to": lambda f, v: f(v.x, (2, *v.x.shape)),
    "clip": lambda f, v: f(v.x, 0, 1),
    "column_stack": lambda f, v: f([v.x, v.x]),
    "concatenate": lambda f, v: f([v.x, v.x]),
    "convolve": lambda f, v: f(v.finite, v.three),
    "correlate": lambda f, v: f(v.finite, v.three),
    "cross": lambda f, v: f(v.square, v.three),
    "delete": lambda f, v: f(v.x, 1),
    "diagonal": lambda f, v: f(v.square),
    "dot": lambda f, v: f(v.matrix, v.finite[:4]),
    "dsplit": lambda f, v: f(v.cube, 2),
    "dstack": lambda f, v: f([v.x, v.x]),
    "einsum": lambda f, v: f("ij,kj->ik", v.matrix, v.matrix),
    "expand_dims": lambda f, v: f(v.x, 0),
    "fliplr": lambda f, v: f(v.matrix),
    "full_like": lambda f, v: f(v.x, 1),
    "gradient": lambda f, v: f(v.finite),
    "hsplit": lambda f, v: f(v.matrix, 2),
    "hstack": lambda f, v: f([v.x, v.x]),
    "interp": lambda f, v: f(v.finite, np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 2.0])),
    "kron": lambda f, v: f(v.square, v.three),
    "linalg.matrix_power": lambda f, v: f(v.square, 3),
    "linspace": lambda f, v: f(v.finite[1], v.finite[0], 5),
    "matmul": lambda f, v: f(v.matrix, v.matrix.T),
    "matrix_trace": lambda f, v: f(v.square),
    "matrix_transpose": lambda f, v: f(v.matrix),
    "matvec": lambda f, v: f(v.matrix, v.matrix[0]),
    "moveaxis": lambda f, v: f(v.cube, 0, 2),
    "nanpercentile": lambda f, v: f(v.matrix, 40.0),
    "nanquantile": lambda f, v: f(v.matrix, 0.4),
    "pad": lambda f, v: f(v.x, 1),
    "partition": lambda f, v: f(v.finite, 2),
    "percentile": lambda f, v: f(v.matrix, 40.0),
    "polyval": lambda f, v: f(v.three, v.small),
    "quantile": lambda f, v: f(v.matrix, 0.4),
    "repeat": lambda f, v: f(v.x, 2),
    "reshape": lambda f, v: f(v.matrix, (4, 2)),
    "roll": lambda f, v: f(v.x, 1),
    "rollaxis": lambda f, v: f(v.cube, 2),
    "rot90": lambda f, v: f(v.matrix),
    "select": lambda f, v: f([v.x > 0, v.x <= 0], [v.x, v.x]),
    "sliding_window_view": lambda f, v: f(v.x, 2),
    "special.betainc": lambda f, v: f(v.three + 1, v.three + 1, v.three),
    "special.betaincc": lambda f, v: f(v.three + 1, v.three + 1, v.three),
    "special.betaincx": lambda f, v: f(v.three + 1, v.three + 1, v.three),
    "special.gammainccx": lambda f, v: f(v.three + 1, v.three),
    "special.gammaincx": lambda f, v: f(v.three + 1, v.three),
    "special.gammainc": lambda f, v: f(v.three + 1, v.three),
    "special.gammaincc": lambda f, v: f(v.three + 1, v.three),
    "special.iv": lambda f, v: f(v.three, v.three),
    "special.ive": lambda f, v: f(v.three, v.three),
    "special.jv": lambda f, v: f(v.three, v.three),
    "special.kv": lambda f, v: f(v.three, v.three),
    "special.stdtr": lambda f, v: f(v.three + 1, v.three),
    "special.yv": lambda f, v: f(v.three, v.three),
    "special.multigammaln": lambda f, v: f(v.three + 2, 2),
    "special.polygamma": lambda f, v: f(1, v.three + 1),
    "split": lambda f, v: f(v.matrix, 2),
    "squeeze": lambda f, v: f(v.row),
    "stack": lambda f, v: f([v.x, v.x]),
    "swapaxes": lambda f, v: f(v.cube, 0, 2),
    "take": lambda f, v: f(v.x, np.array([0, 2])),
    "take_along_axis": lambda f, v: f(v.x, np.array([0, 2]), 0),
    "tensordot": lambda f, v: f(v.matrix, v.matrix, axes=(1, 1)),
    "tile": lambda f, v: f(v.x, 2),
    "vdot": lambda f, v: f(v.matrix, v.matrix),
    "vecmat": lambda f, v: f(v.three, v.square),
    "vsplit": lambda f, v: f(v.matrix, 2),
    "vstack": lambda f, v: f([v.x, v.x]),
    "where": lambda f, v: f(v.x > 0, v.x, v.x),
}  # fmt: skip
SQUARE = frozenset(
    [
        "cholesky",
        "cofactor",
        "det",
        "pinv",
        "slogdet",
        "linalg.eigvalsh",
        "linalg.inv",
        "linalg.svdvals",
    ]
)
CALLS |= {name: lambda f, v: f(v.square) for name in SQUARE}
CALLS |= {"solve": lambda f, v: f(v.square, v.three)}


def real(x):
    return np.asarray(x, x.dtype if x.dtype.kind == "f" else float)


def wide(x):
    return np.asarray(x, np.float64)


def rounded(f):
    """A reference in double precision, rounded to the dtype of what it is given: double of integers."""

    @functools.wraps(f)
    def reference(x, *rest):
        return np.asarray(f(wide(x), *rest)).astype(real(x).dtype)

    return reference


def _cross_entropy(logits, labels):
    z = wide(logits)
    return special.logsumexp(z, axis=1) - z[np.arange(len(z)), labels]


# Of those that neither NumPy nor SciPy have by this name.
def scaled_gamma(function, a, t):
    u, v = np.asarray(a, float), np.asarray(t, float)
    x = np.exp(v)
    return (function(u, x) * np.exp(x + special.gammaln(u) - u * v)).astype(function(a, t).dtype)


def scaled_beta(a, b, t):
    u, v, w = (np.asarray(x, float) for x in (a, b, t))
    x = special.expit(w)
    return special.betainc(u, v, x) * special.beta(u, v) / x**u / special.expit(-w) ** v


def unit_part(a, b):
    """a / hypot(a, b) in double precision, rounded: 0 at the origin; infinite ones are equally large."""
    dtype, (p, q) = np.hypot(a, b).dtype, np.broadcast_arrays(wide(a), wide(b))
    ends = np.isinf(p), np.isinf(q)
    p, q = (
        np.where(end, np.sign(u), np.where(other, 0, u))
        for u, end, other in ((p, *ends), (q, *ends[::-1]))
    )
    length = np.hypot(p, q)
    return np.where(length == 0, 0, p / np.where(length == 0, 1, length)).astype(dtype)


def inverse_part(a, b):
    """a / (a² + b²) in double precision, rounded: 0 at the origin and where one is infinite."""
    length = np.hypot(wide(a), wide(b))
    found = wide(unit_part(wide(a), wide(b))) / np.where(length == 0, 1, length)
    return found.astype(np.hypot(a, b).dtype)


REFERENCES = {
    "affine": lambda x, w, b: np.matmul(x, w) + b,
    "cast": lambda x, dtype: x.astype(dtype),
    "cofactor": rounded(lambda a: np.linalg.det(a) * np.linalg.inv(a).T),
    "inverse_part": inverse_part,
    "log_softmax": rounded(lambda x: special.log_softmax(x, axis=-1)),
    "logsumexp": rounded(special.logsumexp),
    "norm": rounded(lambda x: np.linalg.norm(x.ravel())),
    "one_hot": lambda x, n: (x[..., None] == np.arange(n)).astype(float),
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: (1 / (1 + np.exp(-wide(x)))).astype(np.exp(x).dtype),
    "signal.convolve": lambda a, b: signal.convolve(a, b, method="direct"),
    "softmax": rounded(lambda x: special.softmax(x, axis=-1)),
    "softmax_cross_entropy": lambda x, n: _cross_entropy(x, n).astype(real(x).dtype),
    "softplus": lambda x: np.logaddexp(0, wide(x)).astype(np.exp(x).dtype),
    "special.log_softmax": rounded(special.log_softmax),
    "unit_part": unit_part,
    "special.logsumexp": rounded(special.logsumexp),
    "special.multigammaln": lambda a, d: special.multigammaln(wide(a), d).astype(real(a).dtype),
    "special.betaincx": lambda a, b, t: scaled_beta(a, b, t).astype(special.betainc(a, b, t).dtype),
    "special.gammaincx": lambda a, t: scaled_gamma(special.gammainc, a, t),
    "special.gammainccx": lambda a, t: scaled_gamma(special.gammaincc, a, t),
    "special.polygamma": lambda n, x: special.polygamma(n, wide(x)).astype(real(x).dtype),
    "special.softmax": rounded(special.softmax),
    "squared_distance": lambda a, b: np.sum((wide(a) - wide(b)) ** 2).astype(real(a).dtype),
    "step": lambda x: (x > 0).astype(x.dtype),
    "xdivy": lambda a, b: np.where((a == 0) & (b == 0), 0, np.divide(a, b)).astype(np.divide(a, b).dtype),
}  # fmt: skip
CALLS |= {
    "cast": lambda f, v: f(v.finite, np.float64),
    "one_hot": lambda f, v: f(v.three, 2),
    "signal.convolve": lambda f, v: f(v.finite, v.three),
    "softmax_cross_entropy": lambda f, v: f(v.matrix, v.labels[:2]),
    "log_softmax": lambda f, v: f(v.matrix),
    "softmax": lambda f, v: f(v.matrix),
    "insert": lambda f, v: f(v.x, 1, 1),
    "squared_distance": lambda f, v: f(v.matrix, v.matrix[::-1]),
}  # fmt: skip

# No functions of numbers, but of indices, keys and graphs; several results whose signs are LAPACK's.
_OTHER = frozenset(
    [
        "embed",
        "gather",
        "getitem",
        "index_update",
        "overlap_add",
        "random_bits",
        "scatter_add",
        "slice_",
        "still",
        "stop_gradient",
        "windows",
        "eigh",
        "qr",
        "svd",
        "linalg.eigh",
        "linalg.qr",
        "linalg.svd",
        "linalg.block_diag",
        "linalg.solve_triangular",
        "solve_sylvester",
        "broadcast_arrays",
        "meshgrid",
        "atleast_1d",
        "atleast_2d",
        "atleast_3d",
    ]
)
_DISTRIBUTIONS = "stats."  # below: SciPy takes integers as doubles there


def ours(name):
    return functools.reduce(getattr, name.split("."), ag)


def theirs(row):
    if row.name in REFERENCES:
        return REFERENCES[row.name]
    if (
        not row.numpy
    ):  # another function of ours answers for NumPy's, with its options, and comes here
        return getattr(np, row.name, getattr(np.linalg, row.name, None))
    known = row.numpy.split(", ")
    last = row.name.split(".")[-1]
    first = next((n for n in known if n.split(".")[-1] == last and "linalg" not in n), known[0])
    root, _, rest = first.partition(".")
    module = np if root == "np" else __import__("scipy.special").special
    return functools.reduce(getattr, rest.removeprefix("special.").split("."), module)


def call_of(name):
    if name in CALLS:
        return CALLS[name]
    parameters = list(inspect.signature(ours(name)).parameters.values())
    arrays = [
        p
        for p in parameters
        if p.default is p.empty
        and "ArrayLike" in str(p.annotation)
        and p.kind is not p.VAR_POSITIONAL
    ]
    if len(arrays) == 2:
        return lambda f, v: f(v.column, v.row)
    if "axis" in [p.name for p in parameters]:
        return lambda f, v: f(v.matrix)
    return lambda f, v: f(v.x)


ROWS = {
    row.name: row
    for row in functions.listed()
    if row.name not in _OTHER and not row.name.startswith(_DISTRIBUTIONS)
}


_PAIRS = "factors are multiplied by halves, so that overflow comes in another order"
_ONLY_FLOATS = "1 / x; NumPy's integers leave the integer part, which is 0"
_NO_BOOLEANS = "NumPy refuses booleans; here they are taken as 0 and 1"
INTEGERS, FLOATS = DTYPES[:6], DTYPES[6:]
# (function, what differs) -> dtypes, why
DIFFERENT = {
    ("cofactor", "refused"): (["float16"], "LAPACK has no half precision; the message says so"),
    ("conj", "dtype"): (["bool"], "the operand itself, where NumPy turns booleans into int8"),
    ("cumprod", "values"): (FLOATS, _PAIRS),
    ("nancumprod", "values"): (FLOATS, _PAIRS),
    ("linspace", "values"): (FLOATS, "NumPy's difference of both ends overflows to inf, and inf · 0 is nan"),
    ("reciprocal", "dtype"): (INTEGERS, _ONLY_FLOATS),
    ("reciprocal", "values"): (INTEGERS, _ONLY_FLOATS),
    ("sigmoid", "dtype"): (["bool"], "a number beside booleans makes them int64, so it is in double"),
    ("softplus", "dtype"): (["bool"], "a number beside booleans makes them int64, so it is in double"),
    **{
        (name, "accepted"): (["bool"], _NO_BOOLEANS)
        for name in ("ediff1d", "gradient", "nanpercentile", "nanquantile", "percentile", "quantile")
    },
}  # fmt: skip
# SciPy's own Bessel functions of order 0 and 1 lose digits at 4e9; these are those of any order.
LOOSE = dict.fromkeys(["special.j0", "special.j1", "special.y0", "special.y1"], 1e-5)


def run(name, dtype, function, wrap):
    """The results of a call, as arrays; or the error."""
    try:
        with np.errstate(all="ignore"):
            found = call_of(name)(function, Given(dtype, wrap))
    except Exception as error:  # noqa: BLE001 - to be compared with the other side's
        return error
    found = found if isinstance(found, (list, tuple)) else [found]
    return [np.asarray(t.detach()) if type(t) is ag.Tensor else np.asarray(t) for t in found]


def equal(found, due, rtol):
    if due.dtype.kind in "biu" and found.dtype.kind in "biu":
        return found == due
    with np.errstate(all="ignore"):  # what is beyond the narrower of the two dtypes is inf there
        if found.dtype.kind == due.dtype.kind == "f":
            narrow = min(found.dtype, due.dtype, key=lambda d: d.itemsize)
            found, due = found.astype(narrow), due.astype(narrow)
        return np.isclose(
            np.float64(found),
            np.float64(due),
            rtol=rtol,
            atol=1e-14 * (rtol < 1e-3),
            equal_nan=True,
        )


def differences(name, dtype):
    """In what a function differs from NumPy's or SciPy's on a dtype."""
    reference = theirs(ROWS[name])
    found, due = run(name, dtype, ours(name), ag.tensor), run(name, dtype, reference, lambda x: x)
    if isinstance(found, Exception):
        assert isinstance(found, ag.AutogradError), f"{name} of {dtype}: a bare {found!r}"
        return [] if isinstance(due, Exception) else ["refused"]
    if isinstance(due, Exception):
        return ["accepted"]
    assert [x.shape for x in found] == [x.shape for x in due]
    seen = []
    # SciPy has loops of single and double precision; which of them takes integers and float16 is not
    # the same for all of its functions.
    if (not name.startswith("special.") and name not in SCIPYS) or dtype == "float32":
        seen += ["dtype"] * ([x.dtype for x in found] != [x.dtype for x in due])
    else:
        assert all(x.dtype.kind in "fb" for x in found)
    rtol = max(*(RTOL.get(str(x.dtype), 0) for x in (*found, *due)), LOOSE.get(name, 0))
    if not all(np.all(equal(a, b, rtol)) for a, b in zip(found, due, strict=True)):
        seen.append("values")
    return seen


SCIPYS = frozenset(["erf", "logit", "xlogy"])


@pytest.mark.together
@pytest.mark.parametrize("name", ROWS)
def test_every_function_is_numpys_on_every_dtype(name):
    assert theirs(ROWS[name]) is not None, (
        f"{name} has no counterpart: give it a row in REFERENCES."
    )
    for dtype in DTYPES:
        expected = [
            what for (n, what), (dtypes, _) in DIFFERENT.items() if n == name and dtype in dtypes
        ]
        assert differences(name, dtype) == expected, (name, dtype)


# --- compiled -----------------------------------------------------------------------------------


class Bundle:
    """What `Given` holds, as tensors of a capture."""

    def __init__(self, arrays):
        self.__dict__.update(arrays)


def compiled(name, dtype, backend):
    given = {k: v for k, v in vars(Given(dtype)).items() if isinstance(v, np.ndarray)}
    call, function = call_of(name), ours(name)
    try:
        with np.errstate(all="ignore"):
            found = ag.jit(lambda arrays: call(function, Bundle(arrays)), backend=backend)(given)
    except Exception as error:  # noqa: BLE001 - to be compared with eager mode's
        return error
    found = found if isinstance(found, (list, tuple)) else [found]
    return [np.asarray(t) for t in found]


_ORDER = "the sum of 2**63 and -2**63 in double rounds as its order has it"
APART = {(name, "int64"): _ORDER for name in ("average", "mean", "nanmean")}
PAIRS = [(name, dtype) for name in ROWS for dtype in DTYPES if (name, dtype) not in APART]
SOME = [p for p in PAIRS if zlib.crc32(" ".join(p).encode()) % 10 == 0]


def compare(name, dtype, backend):
    eager, found = run(name, dtype, ours(name), ag.tensor), compiled(name, dtype, backend)
    if isinstance(eager, Exception):
        assert isinstance(found, Exception), (name, dtype, "compiled, it does not raise")
        return
    assert not isinstance(found, Exception), (name, dtype, found)
    assert [(x.shape, x.dtype) for x in found] == [(x.shape, x.dtype) for x in eager], (name, dtype)
    for a, b in zip(found, eager, strict=True):
        assert np.all(equal(a, b, RTOL.get(str(b.dtype), 0) / 4)), (name, dtype, a, b)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize(("name", "dtype"), SOME)
def test_compiled_functions_are_the_eager_ones_on_every_dtype(name, dtype, backend):
    pytest.importorskip("llvmlite")
    compare(name, dtype, backend)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize("name", ROWS)
def test_all_of_them(name, backend):
    pytest.importorskip("llvmlite")
    for dtype in DTYPES:
        if (name, dtype) not in APART:
            compare(name, dtype, backend)


# --- distributions --------------------------------------------------------------------------------

PARAMETERS = {
    "norm": (),
    "expon": (),
    "gamma": (2,),
    "chi2": (3,),
    "beta": (2, 3),
    "t": (3,),
}


@pytest.mark.parametrize("dtype", DTYPES[:6])
@pytest.mark.parametrize("family", PARAMETERS)
def test_distributions_take_integers_as_doubles(family, dtype):
    """Values, parameters, location and scale in the dtype; nothing of it wraps."""
    x, shape = extremes(dtype), PARAMETERS[family]
    shape = [np.array(n, dtype) for n in shape]
    loc, scale = np.array(1, dtype), np.array(1, dtype)
    for function in ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"):
        with np.errstate(all="ignore"):
            found = getattr(getattr(ag.stats, family), function)(
                ag.tensor(x), *map(ag.tensor, shape), loc=ag.tensor(loc), scale=ag.tensor(scale)
            )
            due = getattr(getattr(distributions, family), function)(
                wide(x), *(float(n) for n in shape), loc=1.0, scale=1.0
            )
        assert found.dtype == np.float64
        if function == "logsf" and family in ("gamma", "chi2"):  # where SciPy's underflows
            by = 1 if family == "gamma" else 2
            due = [
                d if np.isfinite(d) else tail(float(shape[0]) / by, (float(v) - 1) / by)
                for d, v in zip(due, wide(x), strict=True)
            ]
        np.testing.assert_allclose(found.numpy(), due, rtol=1e-9, atol=1e-300, err_msg=function)


def tail(a, x):
    """The logarithm of Γ(a, x) / Γ(a), for x > 0."""
    return float(mpmath.log(mpmath.gammainc(a, x, mpmath.inf, regularized=True)))


@pytest.mark.parametrize("dtype", DTYPES[:6])
def test_counts_and_simplices_take_integers_as_doubles(dtype):
    k, mu = extremes(dtype), np.array(3 if dtype != "bool" else 1, dtype)
    for function in ("pmf", "logpmf", "cdf"):
        with np.errstate(all="ignore"):
            found = getattr(ag.stats.poisson, function)(ag.tensor(k), ag.tensor(mu))
            due = getattr(distributions.poisson, function)(wide(k), float(mu))
        np.testing.assert_allclose(found.numpy(), due, rtol=1e-9, atol=1e-300)
    alpha = np.array([1, 2, 2]).astype(dtype)
    share = np.array([0.25, 0.25, 0.5])
    found = ag.stats.dirichlet.pdf(ag.tensor(share), ag.tensor(alpha))
    np.testing.assert_allclose(found.numpy(), distributions.dirichlet.pdf(share, wide(alpha)))
