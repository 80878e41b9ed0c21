"""Chosen elements: take, diagonals, triangles, and assignment as a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..aliases import Array, ArrayLike
from ..errors import ConfigError, ShapeError
from ..exchange import plain
from ..ops.indexing import Pattern, getitem
from ..primitives import composite
from ..shapes import count
from ..tensors import Tensor
from .reshaping import moveaxis, ravel
from .shared import answers, array_of, axes_of, axis_of, shape_of

__all__ = ["diag", "diagonal", "index_update", "matrix_trace", "take", "tril", "triu"]

composite(getitem)


@composite
def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Tensor:
    """Elements at integer ``indices`` along an axis (of the flattened array by default)."""
    x = array_of("take", x)
    if axis is None:
        x, axis = ravel(x), 0
    position = axis_of("take", axis, shape_of(x))
    chosen = indices if type(indices) is Tensor else plain("take", indices)
    entries = (("slice", None, None, None),) * position
    return ops.gather(x, chosen, pattern=Pattern((*entries, "#")))


@composite
def index_update(x: ArrayLike, index: Any, values: ArrayLike) -> Tensor:
    """``x`` with ``x[index] = values``, as a new tensor: assignment as a function.

    Parameters
    ----------
    x : array_like
    index : int, slice, None, Ellipsis, integer or boolean array, or a tuple of them
        Where. Of places named twice, the last counts, as in NumPy.
    values : array_like
        Broadcast to the shape of ``x[index]`` and cast to the dtype of ``x``.

    Raises
    ------
    ShapeError
        If the index or the values do not fit.
    """
    t, v = array_of("index_update", x), array_of("index_update", values)
    places = np.arange(count(t.shape)).reshape(t.shape)
    # The index runs on the places, so that every rule of indexing is the one of `getitem`.
    where = getitem(places, index).detach().numpy()
    try:
        v = ops.broadcast_to(v, where.shape)
    except ShapeError:
        raise ShapeError(
            f"index_update: values of shape {v.shape} do not fit x[index] of shape {where.shape}."
        ) from None
    if where.size == 0:
        return t
    source: Array = np.full(places.size, -1)
    source[where.ravel()] = np.arange(where.size)
    source = source.reshape(t.shape)
    chosen = take(ops.cast(v, t.dtype), np.maximum(source, 0))
    return ops.where(source >= 0, chosen, t)


@composite
def diagonal(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Diagonals of the matrices in the plane of two axes; they come last.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions, or the axes are one.
    """
    t = array_of("diagonal", x)
    if len(t.shape) < 2:
        raise ShapeError(f"diagonal: expected two dimensions or more; received shape {t.shape}.")
    a, b = (axis_of("diagonal", v, t.shape) for v in (axis1, axis2))
    axes_of("diagonal", (a, b), t.shape)
    t = moveaxis(t, (a, b), (-2, -1))
    rows, columns = _line(t.shape[-2], t.shape[-1], offset)
    return getitem(t, (..., rows, columns))


def _line(n: int, m: int, offset: int) -> tuple[Any, Any]:
    """Row and column numbers of a diagonal."""
    if not hasattr(offset, "__index__"):
        raise ConfigError(f"diagonal: expected an integer offset; received {offset!r:.40}.")
    start = (max(-offset, 0), max(offset, 0))
    steps = np.arange(max(0, min(n - start[0], m - start[1])))
    return steps + start[0], steps + start[1]


@composite
def diag(x: ArrayLike, k: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal.

    Raises
    ------
    ShapeError
        If there are neither one nor two dimensions.
    """
    t = array_of("diag", x)
    if len(t.shape) == 2:
        return diagonal(t, k)
    if len(t.shape) != 1:
        raise ShapeError(f"diag: expected one or two dimensions; received shape {t.shape}.")
    size = t.shape[0] + abs(k)
    rows, columns = _line(size, size, k)
    return ops.scatter_add(t, rows, columns, pattern=Pattern(("#", "#")), shape=(size, size))


@composite
@answers(np.trace)
def matrix_trace(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum along diagonals: NumPy's ``trace``, whose name here is the tracer's."""
    return ops.sum(diagonal(x, offset, axis1, axis2), -1)


def _triangle(operation: str, x: ArrayLike, k: int) -> tuple[Tensor, Any]:
    t = array_of(operation, x)
    if not t.shape:
        raise ShapeError(f"{operation}: expected one dimension or more; received shape ().")
    if not hasattr(k, "__index__"):
        raise ConfigError(f"{operation}: expected an integer k; received {k!r:.40}.")
    rows, columns = t.shape[-2:] if len(t.shape) > 1 else (t.shape[-1], t.shape[-1])
    return t, np.tri(rows, columns, k, dtype=bool)


@composite
def tril(x: ArrayLike, k: int = 0) -> Tensor:
    """Matrices with zeros above the diagonal ``k``; leading axes are batches."""
    t, mask = _triangle("tril", x, k)
    return ops.cast(ops.where(mask, t, 0), t.dtype)


@composite
def triu(x: ArrayLike, k: int = 0) -> Tensor:
    """Matrices with zeros below the diagonal ``k``; leading axes are batches."""
    t, mask = _triangle("triu", x, k - 1 if hasattr(k, "__index__") else k)
    return ops.cast(ops.where(mask, 0, t), t.dtype)


# Places and counts, which depend on the values: NumPy's own answers, in plain arrays.
def _asked(function: Any) -> None:
    @answers(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        plain = [a._concrete(f"np.{function.__name__}") if type(a) is Tensor else a for a in args]
        return function(*plain, **kwargs)


for _function in (np.argwhere, np.count_nonzero, np.flatnonzero, np.nonzero, np.searchsorted):
    _asked(_function)
