"""Sums, extrema and scans along axes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ..aliases import Array, ArrayLike, Axis, Params
from ..dtypes import floating, widened
from ..errors import ShapeError
from ..kinds import Reduce, Scan, shape_of
from ..primitives import primitive
from ..shelves import ARRAYS

__all__ = ["argmax", "logsumexp", "max", "sum"]


def _spread(xp: Any, g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A cotangent of the result, repeated over the axes that the reduction had folded."""
    return xp.broadcast_to(_kept(xp, g, x, axis, keepdims), shape=x.shape)


def _kept(xp: Any, t: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """``t``, shaped like the result, with the folded axes as axes of size 1 (a scalar fits as it is)."""
    if keepdims or not axis or len(axis) == len(x.shape):
        return t
    return xp.reshape(t, shape=tuple(1 if i in axis else n for i, n in enumerate(x.shape)))


def _folds(c: Any) -> Any:
    """Some axes, one, all and none; of size 1, with and without them."""
    return [
        ((c.real(c.M, c.N),), {"axis": (0,), "keepdims": False}),
        ((c.real(c.M, c.N),), {"axis": (1,), "keepdims": False}),
        ((c.real(c.M, c.N),), {"axis": (1,), "keepdims": True}),
        ((c.real(c.M, c.N),), {"axis": None, "keepdims": False}),
        ((c.real(c.M, c.N),), {"axis": (), "keepdims": False}),
        ((c.real(c.M, 1),), {"axis": (1,), "keepdims": True}),
        ((c.real(c.M, 1, c.N),), {"axis": (0, 1), "keepdims": False}),
    ]


@primitive(
    Reduce(),
    vjp=lambda xp, g, y, x, axis, keepdims: _spread(xp, g, x, axis, keepdims),
    passes="whole",
    label="Σ",
    numpy=np.sum,
    cases=_folds,
)
def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over axes.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        Default: all axes.
    keepdims : bool
        Keep the summed axes with size 1.

    Returns
    -------
    Tensor
        NumPy's dtype (booleans and small integers sum as int64). A sum of float16 is kept in float32
        until it is done.
    """
    if type(x) is not float and x.dtype.char == "e":
        y = np.add.reduce(x, axis=axis, dtype=np.float32, keepdims=keepdims)  # type: ignore[call-overload]
        return y.astype(x.dtype)
    if _is_short(x, axis):
        return _folded(np.add, x, axis, keepdims)
    return np.add.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


_WINDOW = 9  # elements, such as a window of 3 by 3
_MANY = 512  # of them


def _is_short(x: Any, axis: Any) -> bool:
    """Whether many short rows are folded, for which a ufunc starts its loop anew each time."""
    if type(x) is not np.ndarray or not axis or x.dtype.char not in "fd" or x.size < 2 * _MANY:
        return False
    return type(axis) is tuple and has_short_rows(x.shape, axis)


def has_short_rows(shape: Any, axis: tuple[int, ...]) -> bool:
    """Whether a fold of these axes, the last one among them, is of many short rows."""
    if len(shape) - 1 not in axis:
        return False
    length = math.prod([shape[a] for a in axis])
    return 1 < length <= _WINDOW and math.prod(shape) >= length * _MANY


def folded_into(out: Array, ufunc: Any, x: Array, axis: tuple[int, ...], keepdims: bool) -> None:
    """`ufunc.reduce` of many short rows, into memory that is there."""
    y = out if keepdims else np.expand_dims(out, axis)
    first, *others = _places(x, axis)
    if not others:
        np.copyto(y, first)
        return
    ufunc(first, others[0], out=y)
    for part in others[1:]:
        ufunc(y, part, out=y)


def _places(x: Array, axis: tuple[int, ...]) -> list[Array]:
    """What stands at each place of the rows."""
    found = []
    index = [slice(None)] * x.ndim
    for place in itertools.product(*(range(x.shape[a]) for a in axis)):
        for a, i in zip(axis, place, strict=True):
            index[a] = slice(i, i + 1)
        found.append(x[tuple(index)])
    return found


def _folded(ufunc: Any, x: Array, axis: Any, keepdims: bool) -> Array:
    """Axes folded place by place: at each, all windows at once."""
    y: Any = None
    for part in _places(x, axis):
        y = part.copy() if y is None else ufunc(y, part, out=y)
    return y if keepdims else y.squeeze(axis)


def _max_rule(xp: Any, g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Of float16 the count is in float32: it may be beyond 65504.
    ties = xp.cast(xp.equal(x, _kept(xp, y, x, axis, keepdims)), dtype=widened(g.dtype))
    share = _kept(xp, g, x, axis, keepdims) / xp.sum(ties, axis=axis, keepdims=True)
    return share * ties


def _not_empty(operands: Any, params: Params) -> Params:
    params = Reduce().prepare(operands, params)
    shape = shape_of(operands[0])
    if any(shape[a] == 0 for a in params["axis"]):
        raise ShapeError("a maximum over no elements is not defined")
    return params


@primitive(
    Reduce(),
    vjp=_max_rule,
    label="max",
    prepare=_not_empty,
    numpy=np.max,
    cases=lambda c: [
        ((c.real(c.M, c.N),), {"axis": (1,), "keepdims": False}),
        ((c.real(c.M, c.N),), {"axis": (0,), "keepdims": True}),
        ((c.real(c.M),), {"axis": None, "keepdims": False}),
        ((c.real(c.M, 1),), {"axis": (1,), "keepdims": False}),
    ],
)
def max(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest element over axes; tied elements share the derivative equally."""
    if _is_short(x, axis):
        return _folded(np.maximum, x, axis, keepdims)
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


def _one_axis(operands: Any, params: Params) -> Params:
    axis = params["axis"]
    params = Reduce().prepare(operands, params)
    if axis is not None and len(params["axis"]) != 1:
        raise ShapeError(f"argmax takes one axis or None; received {axis}")
    return params


@primitive(
    Reduce(),
    label="argmax",
    prepare=_one_axis,
    numpy=np.argmax,
    cases=lambda c: [
        ((c.real(3, 4),), {"axis": 1, "keepdims": False}),
        ((c.real(3, 4),), {"axis": None, "keepdims": False}),
    ],
)
def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the largest element (the first of equals) along an axis; without a gradient.

    ``axis=None`` counts over the flattened array.
    """
    x = np.asarray(x)
    along = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else None
    return np.argmax(x, axis=along, keepdims=keepdims)


# NumPy folds rows one by one, and columns all at once: of short rows the transpose is folded.
_SHORT = 32


def _softmax(xp: Any, g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Where all elements are -inf, and so is y, each weight is 0. (The other exponential is the one
    # that a softmax has computed.)
    g, y = _kept(xp, g, x, axis, keepdims), _kept(xp, y, x, axis, keepdims)
    return g * xp.where(xp.isfinite(y), xp.exp(x - y), xp.exp(y))


@primitive(
    Reduce(),
    vjp=_softmax,
    meaning=lambda xp, x, axis, keepdims: xp.log(xp.sum(xp.exp(x), axis=axis, keepdims=keepdims)),
    label="log Σ exp",
    prepare=_not_empty,
    cases=_folds,
)
def logsumexp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` over axes, without overflow (the maximum is taken out first).

    Of integers in double precision; of float16 in float32, and rounded.
    """
    wide = widened(x.dtype)
    if wide is not x.dtype and wide != x.dtype:
        y = ARRAYS.logsumexp(x.astype(wide), axis=axis, keepdims=keepdims)
        return y.astype(floating(x.dtype))
    if x.ndim == 2 and axis == (1,) and x.shape[1] <= _SHORT:
        y = ARRAYS.logsumexp(x.T.copy(), axis=(0,), keepdims=True)
        return y.T if keepdims else y[0]
    m = np.maximum.reduce(x, axis=axis, keepdims=True)
    if np.isfinite(m).all():
        y = np.log(np.add.reduce(np.exp(x - m), axis=axis, keepdims=True)) + m
    else:
        m = np.where(np.isfinite(m), m, np.zeros((), np.asarray(m).dtype))
        with np.errstate(divide="ignore"):  # log 0 = -inf is right where every element is -inf
            y = np.log(np.add.reduce(np.exp(x - m), axis=axis, keepdims=True)) + m
    return y if keepdims else y.squeeze(axis)[()]


@primitive(
    Scan(),
    vjp=lambda xp, g, y, x, axis: xp.flip(xp.cumsum(xp.flip(g, axis=axis), axis=axis), axis=axis),
    cases=lambda c: [((c.real(2, 3),), {"axis": 1}), ((c.real(3),), {"axis": 0})],
)
def cumsum(x: ArrayLike, axis: int = 0) -> Any:
    """Running sum along an axis; the public one takes none as well. Of float16 it is kept in float32."""
    if x.dtype.char == "e":
        return np.add.accumulate(x, axis=axis, dtype=np.float32).astype(x.dtype)
    return np.add.accumulate(x, axis=axis)


@primitive(
    Scan(),
    label="argsort",
    cases=lambda c: [((c.real(3, 4),), {"axis": 0}), ((c.real(4),), {"axis": -1})],
)
def argsort(x: ArrayLike, axis: int = -1) -> Any:
    """Indices that put the elements along an axis in rising order (stable, nan last); no gradient."""
    x = np.asarray(x)
    if x.dtype.kind == "f" and x.shape[axis] > 1:
        # The quick sort is stable where no two are equal, which is nearly always.
        order = np.argsort(x, axis=axis)
        rows = np.moveaxis(ARRAYS.take_along_axis(x, order, axis), axis, 0)
        if not (np.equal(rows[1:], rows[:-1]).any() or np.isnan(rows[-1]).any()):
            return order
    return np.argsort(x, axis=axis, kind="stable")
