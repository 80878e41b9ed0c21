"""Sums, extrema and scans along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..aliases import ArrayLike, Axis, Params
from ..dtypes import floating, widened
from ..errors import ShapeError
from ..kinds import Reduce, Scan, shape_of
from ..primitives import primitive
from ..shelves import ARRAYS

__all__ = ["argmax", "argsort", "logsumexp", "max", "sum"]


def _spread(xp: Any, g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A cotangent of the result, repeated over the axes that the reduction had folded."""
    return xp.broadcast_to(_kept(xp, g, x, axis, keepdims), shape=x.shape)


def _kept(xp: Any, t: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """``t``, shaped like the result, with the folded axes as axes of size 1 (a scalar fits as it is)."""
    if keepdims or not axis or len(axis) == len(x.shape):
        return t
    return xp.reshape(t, shape=tuple(1 if i in axis else n for i, n in enumerate(x.shape)))


@primitive(
    Reduce(),
    vjp=lambda xp, g, y, x, axis, keepdims: _spread(xp, g, x, axis, keepdims),
    label="Σ",
    numpy=np.sum,
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
    if x.dtype.char == "e":
        y = np.add.reduce(x, axis=axis, dtype=np.float32, keepdims=keepdims)  # type: ignore[call-overload]
        return y.astype(x.dtype)
    return np.add.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


def _max_rule(xp: Any, g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Of float16 the count is in float32: it may be beyond 65504.
    ties = xp.cast(xp.equal(x, _kept(xp, y, x, axis, keepdims)), dtype=widened(g.dtype))
    share = ties / xp.sum(ties, axis=axis, keepdims=True)
    return _kept(xp, g, x, axis, keepdims) * share


def _not_empty(operands: Any, params: Params) -> Params:
    params = Reduce().prepare(operands, params)
    shape = shape_of(operands[0])
    if any(shape[a] == 0 for a in params["axis"]):
        raise ShapeError("a maximum over no elements is not defined")
    return params


@primitive(Reduce(), vjp=_max_rule, label="max", prepare=_not_empty, numpy=np.max)
def max(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest element over axes; tied elements share the derivative equally."""
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


def _one_axis(operands: Any, params: Params) -> Params:
    axis = params["axis"]
    params = Reduce().prepare(operands, params)
    if axis is not None and len(params["axis"]) != 1:
        raise ShapeError(f"argmax takes one axis or None; received {axis}")
    return params


@primitive(Reduce(), label="argmax", prepare=_one_axis, numpy=np.argmax)
def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the largest element (the first of equals) along an axis; without a gradient.

    ``axis=None`` counts over the flattened array.
    """
    x = np.asarray(x)
    along = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else None
    return np.argmax(x, axis=along, keepdims=keepdims)


# NumPy folds rows one by one, and columns all at once: of short rows the transpose is folded.
_SHORT = 32


@primitive(
    Reduce(),
    vjp=lambda xp, g, y, x, axis, keepdims: (
        _kept(xp, g, x, axis, keepdims) * xp.exp(x - _kept(xp, y, x, axis, keepdims))
    ),
    meaning=lambda xp, x, axis, keepdims: xp.log(xp.sum(xp.exp(x), axis=axis, keepdims=keepdims)),
    label="log Σ exp",
    prepare=_not_empty,
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
)
def cumsum(x: ArrayLike, axis: int = 0) -> Any:
    """Running sum along an axis; the public one takes none as well. Of float16 it is kept in float32."""
    if x.dtype.char == "e":
        return np.add.accumulate(x, axis=axis, dtype=np.float32).astype(x.dtype)
    return np.add.accumulate(x, axis=axis)


@primitive(Scan(), label="argsort", numpy=np.argsort)
def argsort(x: ArrayLike, axis: int = -1) -> Any:
    """Indices that put the elements along an axis in rising order (stable, nan last); no gradient."""
    return np.argsort(np.asarray(x), axis=axis, kind="stable")
