"""Chosen elements: take, diagonals, triangles, and assignment as a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..abstract import Abstract
from ..aliases import Array, ArrayLike
from ..context import CONTEXT, within
from ..errors import CaptureError, ConfigError, ShapeError
from ..exchange import plain
from ..ops.indexing import Pattern, basic, getitem, take_along_axis as one_along
from ..ops.views import Index, concatenate
from ..primitives import composite
from ..shapes import broadcast, count
from ..tensors import Tensor
from .reductions import argsort
from .reshaping import moveaxis, ravel
from .shared import answers, array_of, axes_of, axis_of, shape_of

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "index_update",
    "matrix_trace",
    "take",
    "take_along_axis",
    "tril",
    "triu",
]

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


@answers(np.take_along_axis)
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int | None = -1) -> Tensor:
    """One element of ``x`` for each index, along an axis; other axes broadcast.

    Parameters
    ----------
    x : array_like, shape (…, n, …)
    indices : array_like of int, shape (…, m, …), in [-n, n)
    axis : int or None
        None: of the flattened ``x``, at a vector of indices.

    Returns
    -------
    Tensor, shape of ``indices`` broadcast with ``x`` off the axis

    Raises
    ------
    ShapeError
        If shapes do not fit, or an index is out of range.
    DTypeError
        If indices are no integers.
    """
    t, i = array_of("take_along_axis", x), array_of("take_along_axis", indices)
    if axis is None:
        if len(i.shape) != 1:
            raise ShapeError(
                "take_along_axis",
                f"expected a vector of indices without an axis; received shape {i.shape}.",
            )
        t, axis = ravel(t), 0
    along = axis_of("take_along_axis", axis, t.shape)
    off = [tuple(1 if k == along else n for k, n in enumerate(v.shape)) for v in (t, i)]
    if len(off[0]) == len(off[1]) and off[0] != off[1]:
        try:
            wide = broadcast(*off)
        except ShapeError as error:
            raise ShapeError(
                "take_along_axis",
                f"indices of shape {i.shape} do not fit {t.shape} off the axis {axis}: {error}.",
            ) from None
        t, i = (
            ops.broadcast_to(v, (*wide[:along], v.shape[along], *wide[along + 1 :])) for v in (t, i)
        )
    return one_along(t, i, along)


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
    CaptureError
        If a mask is traced and each of its places has a value of its own.
    """
    t, v = array_of("index_update", x), array_of("index_update", values)
    parts = index if isinstance(index, tuple) else (index,)
    if all(map(basic, parts)):
        where = Index.of(parts)
        try:
            shape = where.shape(t.shape)
        except ShapeError as error:
            raise ShapeError(
                "index_update", f"x{list(where.entries)} of shape {t.shape}: {error}."
            ) from None
        new = ops.embed(_spread(v, shape, t.dtype), where, t.shape)
        return ops.where(ops.embed(ops.broadcast_to(np.True_, shape), where, t.shape), new, t)
    if len(parts) == 1 and type(index) is Tensor and index.dtype == bool and _unknown(index):
        return _masked(t, index, v)
    # The index runs on the places, so that every rule of indexing is the one of `getitem`.
    places = np.arange(count(t.shape)).reshape(t.shape)
    capture = CONTEXT.get().capture
    if any(_unknown(p) for p in parts) or (
        # (An array may be written before the next run.)
        capture is not None and capture.blind and any(isinstance(p, np.ndarray) for p in parts)
    ):
        return _at_run(t, getitem(places, index), parts, v)
    with within(capture=None, recording=False):
        where = getitem(places, index)._value
    new = _spread(v, where.shape, t.dtype)
    if where.size == 0:
        return t
    source: Array = np.full(places.size, -1)
    source[where.ravel()] = np.arange(where.size)
    source = source.reshape(t.shape)
    return ops.where(source >= 0, take(new, np.maximum(source, 0)), t)


def _unknown(part: Any) -> bool:
    """Whether an entry of an index has other values at another run."""
    if type(part) is not Tensor:
        return False
    capture = CONTEXT.get().capture
    return isinstance(part._value, Abstract) or (capture is not None and capture.blind)


def _spread(v: Tensor, shape: Any, dtype: Any) -> Tensor:
    """Values in the shape and dtype of what they are written to; NumPy lets leading ones go."""
    extra = len(v.shape) - len(shape)
    if extra > 0 and all(n == 1 for n in v.shape[:extra]):
        v = ops.reshape(v, v.shape[extra:])
    try:
        return ops.cast(ops.broadcast_to(v, shape), dtype)
    except ShapeError:
        raise ShapeError(
            "index_update",
            f"values of shape {v.shape} do not fit x[index] of shape {tuple(shape)}.",
        ) from None


def _masked(t: Tensor, mask: Tensor, v: Tensor) -> Tensor:
    """Where a mask without values is true; how many places that are is not known."""
    ndim = len(mask.shape)
    if mask.shape != t.shape[:ndim]:
        raise ShapeError(
            "index_update", f"a mask of shape {mask.shape} does not fit x of shape {t.shape}."
        )
    behind = t.shape[ndim:]
    if len(v.shape) > len(behind) and v.shape[0] != 1:
        raise CaptureError(
            "index_update",
            f"values of shape {v.shape}, one for each place of a mask that has no values "
            "while it is traced. Expected values that are the same for every place. Use "
            "ag.where(mask, values, x) with values of the shape of x.",
        )
    wide = ops.reshape(mask, (*mask.shape, *(1,) * len(behind)))
    return ops.where(wide, _spread(v, (1,) * ndim + behind if ndim else behind, t.dtype), t)


def _at_run(t: Tensor, where: Tensor, parts: tuple[Any, ...], v: Tensor) -> Tensor:
    """`index_update` at places that are known only when the program runs.

    Sorted by place (stably), the last value of each run of equals is the one that counts.
    """
    new, flat = _spread(v, where.shape, t.dtype), ops.reshape(where, (count(where.shape),))
    many = flat.shape[0]
    if many == 0:
        return t
    number: Any = np.arange(1, many + 1)
    if any(count(shape_of(p)) != 1 for p in parts if not basic(p)):  # places may be named twice
        order = argsort(flat)
        flat = take(flat, order)
        last = concatenate([ops.not_equal(flat[1:], flat[:-1]), np.ones(1, bool)])
        number = ops.where(last, order + 1, 0)
    sums = ops.scatter_add(number, flat, pattern=Pattern(("#",)), shape=(count(t.shape),))
    source = ops.reshape(sums, t.shape)
    return ops.where(source > 0, take(new, ops.maximum(source - 1, 0)), t)


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
        raise ShapeError("diagonal", f"expected two dimensions or more; received shape {t.shape}.")
    a, b = (axis_of("diagonal", v, t.shape) for v in (axis1, axis2))
    axes_of("diagonal", (a, b), t.shape)
    t = moveaxis(t, (a, b), (-2, -1))
    rows, columns = _line(t.shape[-2], t.shape[-1], offset)
    return getitem(t, (..., rows, columns))


def _line(n: int, m: int, offset: int) -> tuple[Any, Any]:
    """Row and column numbers of a diagonal."""
    if not hasattr(offset, "__index__"):
        raise ConfigError("diagonal", f"expected an integer offset; received {offset!r:.40}.")
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
        raise ShapeError("diag", f"expected one or two dimensions; received shape {t.shape}.")
    size = t.shape[0] + abs(k)
    rows, columns = _line(size, size, k)
    return ops.scatter_add(t, rows, columns, pattern=Pattern(("#", "#")), shape=(size, size))


@composite
def diagflat(x: ArrayLike, k: int = 0) -> Tensor:
    """The matrix with the flattened operand on its diagonal ``k``."""
    return diag(ravel(array_of("diagflat", x)), k)


@composite
@answers(np.trace)
def matrix_trace(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum along diagonals: NumPy's ``trace``, whose name here is the tracer's."""
    return ops.sum(diagonal(x, offset, axis1, axis2), -1)


def _triangle(operation: str, x: ArrayLike, k: int) -> tuple[Tensor, Any]:
    t = array_of(operation, x)
    if not t.shape:
        raise ShapeError(operation, "expected one dimension or more; received shape ().")
    if not hasattr(k, "__index__"):
        raise ConfigError(operation, f"expected an integer k; received {k!r:.40}.")
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
