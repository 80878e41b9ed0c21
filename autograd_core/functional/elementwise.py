"""Element by element: bounds, logic, rounding to decimals, special values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike
from ..dtypes import of_ufuncs
from ..errors import ConfigError, DTypeError, ShapeError
from ..primitives import composite, told
from ..shapes import Dim
from ..shelves import TENSORS
from ..tensors import Tensor
from .reductions import log_softmax
from .reshaping import expand_dims, ones_like, stack, zeros_like
from .shared import answers, array_of, computed_in, real_of, shape_of

__all__ = [
    "angle",
    "clip",
    "conj",
    "degrees",
    "float_power",
    "fmax",
    "fmin",
    "heaviside",
    "imag",
    "interp",
    "isclose",
    "iscomplex",
    "isneginf",
    "isposinf",
    "isreal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "logit",
    "modf",
    "nan_to_num",
    "one_hot",
    "polyval",
    "radians",
    "real",
    "real_if_close",
    "reciprocal",
    "round",
    "select",
    "signbit",
    "sinc",
    "softmax",
    "vander",
]


@composite
def clip(
    x: ArrayLike,
    min: ArrayLike | None = None,
    max: ArrayLike | None = None,
    *,
    a_min: ArrayLike | None = None,
    a_max: ArrayLike | None = None,
) -> Tensor:
    """``x`` held between bounds; at a bound the derivative in ``x`` is 1.

    ``a_min`` and ``a_max`` are NumPy's older names for the bounds.

    Raises
    ------
    ConfigError
        If both bounds are None.
    """
    min, max = (a_min if min is None else min), (a_max if max is None else max)
    if min is None and max is None:
        raise ConfigError("clip", "expected at least one bound; received min=None and max=None.")
    if min is not None:
        x = ops.where(_beyond(ops.less(x, min), min), min, x)
    if max is not None:
        x = ops.where(_beyond(ops.greater(x, max), max), max, x)
    return x


def _beyond(outside: Tensor, bound: ArrayLike) -> Tensor:
    """Where the bound holds: outside of it, and everywhere if it is nan."""
    if type(bound) is int or (type(bound) is float and bound == bound):
        return outside
    return ops.where(outside, True, ops.isnan(bound))


@composite
def float_power(x: ArrayLike, exponent: ArrayLike) -> Tensor:
    """``x ** exponent``, element by element, in double precision at least."""
    a, b = (array_of("float_power", v) for v in (x, exponent))
    return ops.power(*(computed_in(np.result_type(v.dtype, np.float64), v) for v in (a, b)))


@composite
def isposinf(x: ArrayLike) -> Tensor:
    """Whether it is +infinity, element by element: booleans, without a gradient."""
    return ops.equal(x, math.inf)


@composite
def isneginf(x: ArrayLike) -> Tensor:
    """Whether it is -infinity, element by element: booleans, without a gradient."""
    return ops.equal(x, -math.inf)


@composite
def modf(x: ArrayLike) -> tuple[Tensor, Tensor]:
    """Fractional and integral part, both with the sign of ``x``; derivatives 1 and 0."""
    t = _as_ufuncs_take("modf", x)
    whole = ops.trunc(t)
    inside = ops.where(ops.isinf(t), ops.cast(0, t.dtype), t)
    return ops.copysign(inside - ops.trunc(inside), t), whole


@composite
def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """Matrix of the powers of a vector, the highest first unless ``increasing``.

    Parameters
    ----------
    x : array_like, shape (n,)
    N : int, optional
        How many powers; n by default.

    Raises
    ------
    ShapeError
        If ``x`` is no vector.
    ConfigError
        If ``N`` is no count.
    """
    t = array_of("vander", x)
    if len(t.shape) != 1:
        raise ShapeError("vander", f"expected one dimension; received shape {t.shape}.")
    t = computed_in(np.promote_types(t.dtype, np.int64), t)  # as NumPy: float32 becomes float64
    many = t.shape[0] if N is None else N
    if not hasattr(many, "__index__") or not 0 <= many < 2**31:
        raise ConfigError(
            "vander",
            f"expected a count N of 0 or more; received {str(type(N).__name__) if isinstance(N, int) else repr(N)[:40]}.",
        )
    columns = [ones_like(t)]
    for _ in range(many - 1):
        columns.append(columns[-1] * t)
    columns = columns[:many]
    if not columns:
        return expand_dims(t, 1)[:, :0]
    return stack(columns if increasing else columns[::-1], 1)


@composite
def reciprocal(x: ArrayLike) -> Tensor:
    """``1 / x``, element by element."""
    return ops.divide(1, x)


@composite
def softmax(x: ArrayLike, axis: int = -1) -> Tensor:
    """``exp(x) / sum(exp(x))`` along an axis, without overflow; positive, and sums to 1."""
    return ops.exp(log_softmax(x, axis))


@composite
@answers(np.rad2deg)
def degrees(x: ArrayLike) -> Tensor:
    """Radians as degrees."""
    return ops.multiply(_as_ufuncs_take("degrees", x), 180 / math.pi)


@composite
@answers(np.deg2rad)
def radians(x: ArrayLike) -> Tensor:
    """Degrees as radians."""
    return ops.multiply(_as_ufuncs_take("radians", x), math.pi / 180)


def _as_ufuncs_take(operation: str, x: ArrayLike) -> Tensor:
    t = array_of(operation, x)
    return computed_in(of_ufuncs(t.dtype), t)


@answers(np.fabs)
def _fabs(x: ArrayLike) -> Tensor:
    return ops.absolute(_as_ufuncs_take("fabs", x))


answers(np.positive)(ops.identity)
answers(np.fix)(ops.trunc)


@answers(np.divmod)
def _divmod(a: ArrayLike, b: ArrayLike) -> tuple[Tensor, Tensor]:
    return ops.floor_divide(a, b), ops.mod(a, b)


@answers(np.where)
def _where(condition: ArrayLike, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:  # the places, as NumPy has it: plain arrays, without a gradient
        return array_of("where", condition).nonzero()
    if x is None or y is None:
        raise ConfigError(
            "np.where",
            "expected a condition alone, or a condition and two branches; received one branch.",
        )
    return ops.where(condition, x, y)


@composite
def fmax(a: ArrayLike, b: ArrayLike) -> Tensor:
    """The larger of two, element by element, and of nan and a number the number; else as `maximum`."""
    return ops.where(ops.isnan(a), b, ops.where(ops.isnan(b), a, ops.maximum(a, b)))


@composite
def fmin(a: ArrayLike, b: ArrayLike) -> Tensor:
    """The smaller of two, element by element, and of nan and a number the number; else as `minimum`."""
    return ops.where(ops.isnan(a), b, ops.where(ops.isnan(b), a, ops.minimum(a, b)))


@composite
def heaviside(x: ArrayLike, at_zero: ArrayLike) -> Tensor:
    """0 below 0, 1 above, ``at_zero`` at 0, element by element; the derivative in ``x`` is 0.

    `step` is the one with 0 at 0.
    """
    given = [v if type(v) in (int, float) else array_of("heaviside", v) for v in (x, at_zero)]
    asked = [v.dtype if type(v) is Tensor else type(v) for v in given]
    wide = np.heaviside.resolve_dtypes((*asked, None))[-1]
    t, level = (computed_in(wide, array_of("heaviside", v)) for v in given)
    beside = ops.where(ops.isnan(t), t, ops.step(t))
    return ops.where(ops.equal(t, 0), level, beside)


@composite
def signbit(x: ArrayLike) -> Tensor:
    """Whether the sign is minus, element by element, that of -0.0 too: booleans, without a gradient."""
    return ops.less(ops.arctan2(x, -1), 0)  # ±π at zeros


@composite
def logit(x: ArrayLike) -> Tensor:
    """``log(x / (1 - x))``, element by element: the inverse of `sigmoid` (SciPy's name)."""
    t = real_of("logit", x)
    return ops.log(t) - ops.log1p(-t)


@composite
def sinc(x: ArrayLike) -> Tensor:
    """``sin(πx) / (πx)``, element by element, and 1 at 0.

    Near 0 a series takes over, so that derivatives of every order are right there, too.
    """
    u = math.pi * array_of("sinc", x)
    near = ops.less(ops.absolute(u), 1)
    square = ops.square(ops.where(near, u, 0))
    series: Any = 0.0
    for n in range(10, -1, -1):  # the first term left out is below 1e-22 for |u| < 1
        series = (-1) ** n / math.factorial(2 * n + 1) + square * series
    far = ops.where(near, 1, u)
    return ops.where(near, series, ops.sin(far) / far)


@composite
def nan_to_num(
    x: ArrayLike,
    copy: bool = True,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """``x`` with nan and infinities replaced by numbers; the derivative there is 0.

    Parameters
    ----------
    copy : bool
        Ignored: the result is always new.
    nan, posinf, neginf : float, optional
        Default: 0, and the largest and smallest number of the dtype.
    """
    t = array_of("nan_to_num", x)
    if t.dtype.kind != "f":
        return t
    limits = np.finfo(t.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    y = ops.where(ops.isnan(t), nan, t)
    y = ops.where(ops.equal(t, math.inf), high, y)
    return ops.where(ops.equal(t, -math.inf), low, y)


_DECIMALS = 400  # beyond what a float holds


@composite
@answers(np.around)
def round(x: ArrayLike, decimals: int = 0) -> Tensor:
    """Rounded to a number of decimals, halves to even; integers stay integers. Its derivative is 0."""
    if not isinstance(decimals, (int, np.integer)):
        raise ConfigError("round", f"expected an integer for decimals; received {decimals!r:.40}.")
    if abs(decimals) > _DECIMALS:
        raise ConfigError(
            "round", f"expected decimals from -{_DECIMALS} to {_DECIMALS}; received more."
        )
    t, scale = array_of("round", x), 10 ** abs(int(decimals))
    if t.dtype.kind in "iu":
        if decimals >= 0:
            return ops.identity(t)
        if scale >= 2**63:
            return zeros_like(t)
        return ops.cast(ops.cast(ops.rint(t / scale), np.int64) * scale, t.dtype)
    if not decimals:
        return ops.rint(t)
    if decimals > 0:
        return ops.rint(ops.multiply(t, scale)) / scale
    return ops.rint(ops.divide(t, scale)) * scale


@composite
def select(condlist: Any, choicelist: Any, default: ArrayLike = 0) -> Tensor:
    """From the choice of the first condition that holds, element by element; else ``default``.

    Parameters
    ----------
    condlist : sequence of array_like of bool
    choicelist : sequence of array_like, as many
    default : array_like

    Raises
    ------
    ShapeError
        If there are not as many choices as conditions, or none.
    """
    if not len(condlist) == len(choicelist) > 0:
        raise ShapeError(
            "select",
            "expected as many choices as conditions, one or more; received "
            f"{len(condlist)} conditions and {len(choicelist)} choices.",
        )
    # A number stays one: it takes the dtype of the choices, as in NumPy.
    chosen: Any = default if type(default) in (int, float) else array_of("select", default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        chosen = ops.where(condition, choice, chosen)
    return chosen


@composite
def polyval(p: ArrayLike, x: ArrayLike) -> Tensor:
    """Polynomial with the coefficients ``p``, the highest power first, at ``x`` (Horner's rule).

    Raises
    ------
    ShapeError
        If ``p`` is not of one dimension.
    """
    c, t = array_of("polyval", p), array_of("polyval", x)
    if len(c.shape) != 1:
        raise ShapeError("polyval", f"expected coefficients of one dimension; received {c.shape}.")
    y = zeros_like(t)
    for k in range(c.shape[0]):
        y = y * t + c[k]
    return y


@composite
def interp(
    x: ArrayLike,
    xp: ArrayLike,
    fp: ArrayLike,
    left: ArrayLike | None = None,
    right: ArrayLike | None = None,
) -> Tensor:
    """Linear interpolation between samples.

    Parameters
    ----------
    x : array_like
        Where.
    xp, fp : array_like, shape (n,)
        Places, rising, and values of the samples.
    left, right : array_like, optional
        Outside. Default: the first and the last value.

    Raises
    ------
    ShapeError
        If ``xp`` and ``fp`` are not of one dimension and one size, or empty.

    Notes
    -----
    In double precision at least, as in NumPy. At a sample the derivative in ``x`` is that of the piece to
    the right.
    """
    t, s, f = (array_of("interp", v) for v in (x, xp, fp))
    t, s, f = (ops.cast(v, np.result_type(v.dtype, np.float64)) for v in (t, s, f))
    if len(s.shape) != 1 or s.shape != f.shape or 0 in s.shape:
        raise ShapeError(
            "interp",
            f"expected xp and fp of one dimension and size; received {s.shape} and {f.shape}.",
        )
    n = s.shape[0]
    after = clip(_count_up_to(s, t), 1, max(n - 1, 1))
    a, b = after - 1, ops.minimum(after, n - 1)
    width = s[b] - s[a] if n > 1 else 1.0
    held = clip(t, s[0], s[n - 1])  # what lies outside must not overflow on the way
    inside = f[a] + (held - s[a]) / width * (f[b] - f[a])
    inside = ops.where(ops.less(t, s[0]), f[0] if left is None else left, inside)
    return ops.where(ops.greater(t, s[n - 1]), f[n - 1] if right is None else right, inside)


def _count_up_to(places: Tensor, at: Tensor) -> Tensor:
    """How many of the rising ``places`` are not above each of ``at``, by halves: operations alone."""
    places, at = ops.stop_gradient(places), ops.stop_gradient(at)
    n, found = places.shape[0], ops.cast(zeros_like(at), np.int64)
    step = 1 << (n.bit_length() - 1)
    while step:
        tried = found + step
        fits = ops.less_equal(places[ops.minimum(tried, n) - 1], at)
        found = ops.where(logical_and(fits, ops.less_equal(tried, n)), tried, found)
        step >>= 1
    return found


# --- of complex numbers, which there are none ---------------------------------------------------


@composite
def real(x: ArrayLike) -> Tensor:
    """Real part: the operand itself, for complex numbers are refused."""
    return ops.identity(array_of("real", x))


@composite
def real_if_close(x: ArrayLike, tol: float = 100) -> Tensor:
    """Real part if the imaginary one is small: the operand itself; ``tol`` is not needed."""
    return ops.identity(array_of("real_if_close", x))


@composite
@answers(np.conjugate)
def conj(x: ArrayLike) -> Tensor:
    """Complex conjugate: the operand itself, for complex numbers are refused."""
    return ops.identity(array_of("conj", x))


@composite
def imag(x: ArrayLike) -> Tensor:
    """Imaginary part: zeros."""
    return zeros_like(array_of("imag", x))


@composite
def angle(x: ArrayLike, deg: bool = False) -> Tensor:
    """Angle in the complex plane: 0 for positive numbers, π (or 180 degrees) for negative ones."""
    turned = ops.arctan2(0, array_of("angle", x))
    return degrees(turned) if deg else turned


@composite
def isreal(x: ArrayLike) -> Tensor:
    """Whether the imaginary part is 0, element by element: True."""
    return ones_like(array_of("isreal", x), np.bool_)


@composite
def iscomplex(x: ArrayLike) -> Tensor:
    """Whether the imaginary part is not 0, element by element: False."""
    return zeros_like(array_of("iscomplex", x), np.bool_)


@answers(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return False


@answers(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return True


# --- logic --------------------------------------------------------------------------------------


@composite
def logical_and(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Whether both are true (not 0), element by element: booleans, without a gradient."""
    return ops.where(a, ops.cast(b, np.bool_), np.False_)


@composite
def logical_or(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Whether one or both are true, element by element: booleans, without a gradient."""
    return ops.where(a, np.True_, ops.cast(b, np.bool_))


@composite
def logical_xor(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Whether exactly one is true, element by element: booleans, without a gradient."""
    return ops.not_equal(ops.cast(a, np.bool_), ops.cast(b, np.bool_))


@composite
def isclose(
    a: ArrayLike, b: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether ``|a - b| <= atol + rtol |b|``, element by element: booleans, without a gradient.

    Equal infinities are close; nan is close to nan only if ``equal_nan`` says so.
    """
    s, t = real_of("isclose", a), real_of("isclose", b)
    finite = logical_and(ops.isfinite(s), ops.isfinite(t))
    gap = ops.absolute(ops.where(finite, s, 0) - ops.where(finite, t, 0))
    near = ops.less_equal(gap, atol + rtol * ops.absolute(t))
    close = ops.where(finite, near, ops.equal(s, t))
    if equal_nan:
        close = logical_or(close, logical_and(ops.isnan(s), ops.isnan(t)))
    return close


@answers(np.allclose)
def _allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return bool(ops.equal(ops.sum(ops.logical_not(isclose(a, b, rtol, atol, equal_nan))), 0))


@answers(np.array_equal)
def _array_equal(a: Any, b: Any, equal_nan: bool = False) -> bool:
    return shape_of(a) == shape_of(b) and _allclose(a, b, 0.0, 0.0, equal_nan)


@told
def one_hot(indices: ArrayLike, classes: int | Dim, dtype: Any = np.float64) -> Tensor:
    """Indicator rows: 1 at the index, 0 elsewhere.

    Parameters
    ----------
    indices : array_like of int, shape S, in [0, classes)
    classes : int, or Dim in a trace
    dtype : dtype-like

    Returns
    -------
    Tensor, shape (*S, classes)

    Raises
    ------
    ShapeError
        If an index is out of range (checked where the values are at hand).
    DTypeError
        If indices are no numbers.
    """
    values = array_of("one_hot", indices)
    if values.dtype.kind not in "iub" and values.dtype.kind != "f":
        raise DTypeError("one_hot", f"expected integers; received dtype {values.dtype}.")
    if isinstance(values._value, np.ndarray) and values._value.size:
        low, high = values._value.min(), values._value.max()
        if low < 0 or high >= classes:
            raise ShapeError(
                "one_hot", f"indices from {low} to {high}; expected them in [0, {classes})."
            )
    places = expand_dims(values, -1)
    if isinstance(classes, Dim):
        ones = ops.broadcast_to(ops.cast(1, dtype), places.shape)
        return TENSORS.put_along_axis(ones, places, axis=places.ndim - 1, size=classes)
    return ops.cast(ops.equal(places, np.arange(classes)), dtype)
