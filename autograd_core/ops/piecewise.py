"""Functions with kinks or jumps, comparisons and casts; their conventions stand in `kinks`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..abstract import native
from ..aliases import Array, ArrayLike, Params
from ..arrays import as_dtype
from ..errors import DTypeError
from ..kinds import Elementwise
from ..primitives import ZERO, primitive
from ..tensors import Tensor

__all__ = [
    "absolute",
    "cast",
    "ceil",
    "copysign",
    "equal",
    "floor",
    "floor_divide",
    "fmod",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_not",
    "maximum",
    "minimum",
    "mod",
    "not_equal",
    "relu",
    "rint",
    "sign",
    "step",
    "trunc",
    "where",
]


@primitive(
    Elementwise(lambda s, x: x * (s.step(x) - s.step(-x))),
    vjp=lambda xp, g, y, x: g * xp.sign(x),
    ufunc=np.absolute,
    label="|x|",
    cheap=True,
)
def absolute(x: ArrayLike) -> Any:
    """Absolute value, element by element; derivative 0 at 0."""


@primitive(
    Elementwise(lambda s, a, b: a * (s.step(a) - s.step(-a)) * (2 * s.step(b) - 1)),
    vjp=(lambda xp, g, y, a, b: g * xp.sign(a) * xp.copysign(1, b), ZERO),
    ufunc=np.copysign,
    label="±|a|",
)
def copysign(a: ArrayLike, b: ArrayLike) -> Any:
    """``|a|`` with the sign of ``b``, element by element; the derivative in ``b`` is 0."""


@primitive(Elementwise(lambda s, x: s.step(x) - s.step(-x)), vjp=ZERO, ufunc=np.sign)
def sign(x: ArrayLike) -> Any:
    """-1, 0 or 1, element by element; sign(0) = 0. Its derivative is 0."""


@primitive(Elementwise(lambda s, x: s.step(x)), vjp=ZERO, label="x>0")
def step(x: ArrayLike) -> Any:
    """1 where ``x > 0`` and 0 elsewhere, in the dtype of ``x``. Its derivative is 0."""
    x = np.asarray(x)
    return np.greater(x, 0).astype(x.dtype)


@primitive(
    Elementwise(lambda s, x: x * s.step(x)),
    # Chosen, not multiplied: an infinite cotangent from behind stays out where x < 0. A nan passes.
    vjp=lambda xp, g, y, x: xp.where(xp.less_equal(x, 0), 0, g),
    passes="parts",
    label="relu",
    cheap=True,
)
def relu(x: ArrayLike) -> Any:
    """``max(x, 0)``, element by element; derivative 0 at 0."""
    return np.maximum(x, 0)


def _share(xp: Any, g: Any, loses: Any, ties: Any) -> Any:
    """All of ``g`` but where the operand loses, and half of it where both are equal.

    Nothing loses against a nan: each operand gets ``g``.
    """
    return xp.where(loses, 0, xp.where(ties, g / 2, g))


@primitive(
    Elementwise(lambda s, a, b: b + (a - b) * s.step(a - b)),
    vjp=(
        lambda xp, g, y, a, b: _share(xp, g, xp.less(a, b), xp.equal(a, b)),
        lambda xp, g, y, a, b: _share(xp, g, xp.less(b, a), xp.equal(a, b)),
    ),
    passes="parts",
    ufunc=np.maximum,
    label="max",
    cheap=True,
    commutes=True,
)
def maximum(a: ArrayLike, b: ArrayLike) -> Any:
    """The larger of two, element by element; at ties each gets half of the derivative."""


@primitive(
    Elementwise(lambda s, a, b: a + (b - a) * s.step(a - b)),
    vjp=(
        lambda xp, g, y, a, b: _share(xp, g, xp.greater(a, b), xp.equal(a, b)),
        lambda xp, g, y, a, b: _share(xp, g, xp.greater(b, a), xp.equal(a, b)),
    ),
    passes="parts",
    ufunc=np.minimum,
    label="min",
    cheap=True,
    commutes=True,
)
def minimum(a: ArrayLike, b: ArrayLike) -> Any:
    """The smaller of two, element by element; at ties each gets half of the derivative."""


@primitive(
    Elementwise(lambda s, condition, a, b: s.where(condition, a, b)),
    vjp=(
        None,
        lambda xp, g, y, condition, a, b: xp.where(condition, g, 0),
        lambda xp, g, y, condition, a, b: xp.where(condition, 0, g),
    ),
    passes="parts",
    numpy=np.where,
    cheap=True,
    cases=lambda c: [((c.mask(*s), c.real(*t), c.real(*u)), {}) for s, t, u in c.triples],
)
def where(condition: ArrayLike, a: ArrayLike, b: ArrayLike) -> Any:
    """``a`` where ``condition`` holds and ``b`` elsewhere; the three broadcast.

    Notes
    -----
    The branch not taken gets a zero cotangent, and zero it stays through its poles: for
    ``where(x > 0, sqrt(x), 0)`` the derivative at 0 is 0, not nan.
    """
    condition = np.asarray(condition, bool)
    if condition.size >= _MANY:
        if type(a) is int and a == 0 and _plain(b, condition):
            return _kept(b, condition.view(np.int8) - _ONE)
        if type(b) is int and b == 0 and _plain(a, condition):
            return _kept(a, -condition.view(np.int8))
        if (_plain(a, condition) and _like(b, a)) or (_plain(b, condition) and _like(a, b)):
            return _chosen(condition, a, b)
    elif not condition.ndim:  # all of one
        whole, other = (a, b) if getattr(a, "ndim", 0) else (b, a)
        if getattr(whole, "size", 0) >= _MANY and _plain(whole, whole) and _like(other, whole):
            found = np.empty_like(whole)
            found[...] = a if condition else b
            return found
    return np.where(condition, a, b)


_MANY = 4096  # elements
_ONE = np.int8(1)
_BITS = {"f": np.int32, "d": np.int64}


def _plain(x: Any, condition: Array) -> bool:
    """Whether the bits of an array can be kept or cleared, one by one."""
    if type(x) is not np.ndarray or x.shape != condition.shape:
        return False
    return x.dtype.char in _BITS and x.dtype.isnative


def _like(x: Any, array: Array) -> bool:
    """Whether an operand is a number or an array of the same dtype and shape."""
    if type(x) is float or (type(x) is int and abs(x) < 2**24):
        return True
    if not isinstance(x, (np.ndarray, np.generic)) or x.dtype != array.dtype:
        return False
    return x.ndim == 0 or _plain(x, array)


def _kept(x: Array, kept: Array) -> Array:
    """``x`` where ``kept`` is -1, and 0 where it is 0, infinities and nan included.

    `np.where` branches at each element, which takes eight times as long where no order is in it.
    """
    bits = _BITS[x.dtype.char]
    found = kept.astype(bits)
    return np.bitwise_and(x.view(bits), found, out=found).view(x.dtype)


def _chosen(condition: Array, a: Any, b: Any) -> Array:
    """``a`` or ``b``, bit for bit: b's bits, with those turned over where a is taken that differ."""
    dtype = a.dtype if getattr(a, "ndim", 0) else b.dtype
    bits = _BITS[dtype.char]
    a, b = (np.asarray(x, dtype).view(bits) for x in (a, b))
    found = (-condition.view(np.int8)).astype(bits)
    np.bitwise_and(found, np.bitwise_xor(a, b), out=found)
    return np.bitwise_xor(found, b, out=found).view(dtype)


def _comparison(
    ufunc: Any, function: Any, label: str, commutes: bool = False
) -> Callable[[Callable[[ArrayLike, ArrayLike], Any]], Callable[[ArrayLike, ArrayLike], Tensor]]:
    return primitive(
        Elementwise(), ufunc=ufunc, forward=function, label=label, cheap=True, commutes=commutes
    )


@_comparison(np.equal, operator.eq, "=", commutes=True)
def equal(a: ArrayLike, b: ArrayLike) -> Any:
    """``a == b``, element by element: booleans, without a gradient."""


@_comparison(np.not_equal, operator.ne, "≠", commutes=True)
def not_equal(a: ArrayLike, b: ArrayLike) -> Any:
    """``a != b``, element by element: booleans, without a gradient."""


@_comparison(np.less, operator.lt, "<")
def less(a: ArrayLike, b: ArrayLike) -> Any:
    """``a < b``, element by element: booleans, without a gradient."""


@_comparison(np.less_equal, operator.le, "≤")
def less_equal(a: ArrayLike, b: ArrayLike) -> Any:
    """``a <= b``, element by element: booleans, without a gradient."""


@_comparison(np.greater, operator.gt, ">")
def greater(a: ArrayLike, b: ArrayLike) -> Any:
    """``a > b``, element by element: booleans, without a gradient."""


@_comparison(np.greater_equal, operator.ge, "≥")
def greater_equal(a: ArrayLike, b: ArrayLike) -> Any:
    """``a >= b``, element by element: booleans, without a gradient."""


@primitive(Elementwise(), ufunc=np.logical_not, label="not")
def logical_not(a: ArrayLike) -> Any:
    """Truth inverted, element by element: booleans, without a gradient."""


@primitive(Elementwise(), ufunc=np.isfinite)
def isfinite(x: ArrayLike) -> Any:
    """Whether neither infinite nor nan, element by element: booleans, without a gradient."""


@primitive(Elementwise(), ufunc=np.isnan)
def isnan(x: ArrayLike) -> Any:
    """Whether not a number, element by element: booleans, without a gradient."""


@primitive(Elementwise(), ufunc=np.isinf)
def isinf(x: ArrayLike) -> Any:
    """Whether infinite of either sign, element by element: booleans, without a gradient."""


# --- rounding and remainders --------------------------------------------------------------------


@primitive(Elementwise(lambda s, x: s.floor(x)), vjp=ZERO, ufunc=np.floor)
def floor(x: ArrayLike) -> Any:
    """Largest integer not above, element by element. Its derivative is 0."""


@primitive(Elementwise(lambda s, x: -s.floor(-x)), vjp=ZERO, ufunc=np.ceil)
def ceil(x: ArrayLike) -> Any:
    """Smallest integer not below, element by element. Its derivative is 0."""


@primitive(
    Elementwise(lambda s, x: s.step(x) * s.floor(x) - s.step(-x) * s.floor(-x)),
    vjp=ZERO,
    ufunc=np.trunc,
)
def trunc(x: ArrayLike) -> Any:
    """Rounded toward zero, element by element. Its derivative is 0."""


@primitive(
    # Halves go to the even side: 0.5 to 0, 1.5 to 2.
    Elementwise(lambda s, x: s.floor((2 * x + 1) / 4) - s.floor((1 - 2 * x) / 4)),
    vjp=ZERO,
    ufunc=np.rint,
)
def rint(x: ArrayLike) -> Any:
    """Nearest integer, halves to the even one, element by element. Its derivative is 0."""


@primitive(
    Elementwise(lambda s, a, b: a - b * s.floor(a / b)),
    vjp=(lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: -(g * ((a - y) / b))),
    ufunc=np.mod,
    label="mod",
    domain=(0.5, 2.0),
)
def mod(a: ArrayLike, b: ArrayLike) -> Any:
    """Remainder with the sign of the divisor, as ``a % b``; shapes broadcast."""


@primitive(
    Elementwise(lambda s, a, b: s.floor(a / b)),
    vjp=(ZERO, ZERO),
    ufunc=np.floor_divide,
    forward=operator.floordiv,
    label="//",
    domain=(0.5, 2.0),
)
def floor_divide(a: ArrayLike, b: ArrayLike) -> Any:
    """Largest integer not above ``a / b``, as ``a // b``; its derivative is 0.

    Of integers it is an integer: it can index.
    """


@primitive(
    Elementwise(
        lambda s, a, b: a - b * (s.step(a / b) * s.floor(a / b) - s.step(-a / b) * s.floor(-a / b))
    ),
    vjp=(lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: -(g * ((a - y) / b))),
    ufunc=np.fmod,
    domain=(0.5, 2.0),
)
def fmod(a: ArrayLike, b: ArrayLike) -> Any:
    """Remainder with the sign of the dividend, as C's ``fmod``; shapes broadcast."""


def _real_dtype(operands: Any, params: Params) -> Params:
    dtype = native(params["dtype"])
    if dtype.kind not in "fiub":
        raise DTypeError("cast", f"expected a real or boolean dtype; received {dtype}.")
    return {"dtype": dtype}


@primitive(
    Elementwise(),
    # The walk gives every cotangent its primal's dtype, so the rule has nothing left to do.
    vjp=lambda xp, g, y, x, dtype: g,
    passes="whole",
    label="cast {dtype}",
    prepare=_real_dtype,
    cheap=True,
    converts=True,
    flops=0,
    cases=lambda c: [((c.real(c.M, c.N),), {"dtype": c.dtype})],
)
def cast(x: ArrayLike, dtype: Any) -> Any:
    """The same numbers in another dtype.

    Parameters
    ----------
    x : array_like
    dtype : dtype-like
        Real or boolean. To integers: truncated toward zero and without a gradient; a float that does
        not fit becomes the nearest integer that does, and nan 0, eager and compiled, on every
        machine. (NumPy's ``astype`` leaves that open.)
    """
    given = np.asarray(x)
    if given.dtype.kind == "f" and np.dtype(dtype).kind in "iu":
        return as_dtype(given, dtype)
    return given.astype(dtype)
