"""Element by element: bounds, logic, rounding to decimals, special values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike
from ..errors import ConfigError, DTypeError, ShapeError
from ..primitives import composite
from ..tensors import Tensor
from .reductions import log_softmax
from .reshaping import expand_dims
from .shared import answers, array_of

__all__ = [
    "clip",
    "degrees",
    "floor_divide",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "logit",
    "nan_to_num",
    "one_hot",
    "radians",
    "reciprocal",
    "round",
    "sinc",
    "softmax",
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
        raise ConfigError("clip: expected at least one bound; received min=None and max=None.")
    if min is not None:
        x = ops.where(ops.less(x, min), min, x)
    if max is not None:
        x = ops.where(ops.greater(x, max), max, x)
    return x


@composite
def reciprocal(x: ArrayLike) -> Tensor:
    """``1 / x``, element by element."""
    return ops.divide(1, x)


@composite
def softmax(x: ArrayLike, axis: int = -1) -> Tensor:
    """``exp(x) / sum(exp(x))`` along an axis, without overflow; positive, and sums to 1."""
    return ops.exp(log_softmax(x, axis))


@composite
def logaddexp(a: ArrayLike, b: ArrayLike) -> Tensor:
    """``log(exp(a) + exp(b))``, element by element, without overflow; shapes broadcast."""
    return ops.add(a, ops.softplus(ops.subtract(b, a)))


@composite
def logaddexp2(a: ArrayLike, b: ArrayLike) -> Tensor:
    """``log2(2 ** a + 2 ** b)``, element by element, without overflow; shapes broadcast."""
    ln2 = math.log(2)
    return ops.add(a, ops.softplus(ops.subtract(b, a) * ln2) / ln2)


@composite
@answers(np.rad2deg)
def degrees(x: ArrayLike) -> Tensor:
    """Radians as degrees."""
    return ops.multiply(x, 180 / math.pi)


@composite
@answers(np.deg2rad)
def radians(x: ArrayLike) -> Tensor:
    """Degrees as radians."""
    return ops.multiply(x, math.pi / 180)


answers(np.fabs)(ops.absolute)


@composite
def logit(x: ArrayLike) -> Tensor:
    """``log(x / (1 - x))``, element by element: the inverse of `sigmoid` (SciPy's name)."""
    return ops.log(x) - ops.log1p(ops.negative(x))


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


@composite
def floor_divide(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Largest integer not above ``a / b``, as ``a // b``; its derivative is 0."""
    return ops.rint((a - ops.mod(a, b)) / b)


@composite
@answers(np.around)
def round(x: ArrayLike, decimals: int = 0) -> Tensor:
    """Rounded to a number of decimals, halves to even; its derivative is 0."""
    if not isinstance(decimals, (int, np.integer)):
        raise ConfigError(f"round: expected an integer for decimals; received {decimals!r:.40}.")
    if not decimals:
        return ops.rint(x)
    scale = 10 ** abs(int(decimals))
    if decimals > 0:
        return ops.rint(ops.multiply(x, scale)) / scale
    return ops.rint(ops.divide(x, scale)) * scale


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


def one_hot(indices: ArrayLike, classes: int, dtype: Any = np.float64) -> Tensor:
    """Indicator rows: 1 at the index, 0 elsewhere.

    Parameters
    ----------
    indices : array_like of int, shape S, in [0, classes)
    classes : int
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
        raise DTypeError(f"one_hot: expected integers; received dtype {values.dtype}.")
    if isinstance(values._data, np.ndarray) and values._data.size:
        low, high = values._data.min(), values._data.max()
        if low < 0 or high >= classes:
            raise ShapeError(
                f"one_hot: indices from {low} to {high}; expected them in [0, {classes})."
            )
    return ops.cast(ops.equal(expand_dims(values, -1), np.arange(classes)), dtype)
