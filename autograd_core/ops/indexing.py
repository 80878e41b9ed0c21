"""Gather and scatter: elements chosen by integer arrays, and their transposes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..aliases import Array, ArrayLike, Params
from ..errors import DTypeError, ShapeError
from ..exchange import plain
from ..kinds import Gather, shape_of
from ..primitives import primitive
from ..shapes import Shape, broadcast, normalise_axes
from ..shelves import ARRAYS
from ..tensors import Tensor
from .views import Index, slice_

__all__ = ["gather", "getitem", "scatter_add"]


@dataclass(frozen=True)
class Pattern:
    """An advanced index as a hashable param: a basic index with holes for the index arrays.

    Attributes
    ----------
    entries : tuple
        Entries of `Index`, or "#" where the next index array goes.
    """

    entries: tuple[Any, ...]

    def key(self, indices: tuple[Any, ...]) -> tuple[Any, ...]:
        """What NumPy takes between the brackets."""
        rest = iter(indices)
        return tuple(next(rest) if e == "#" else Index((e,)).key()[0] for e in self.entries)

    def axis(self) -> int | None:
        """The one axis that is indexed, by one array; None for anything else."""
        if self.entries.count("#") != 1:
            return None
        axis = self.entries.index("#")
        rest = self.entries[:axis] + self.entries[axis + 1 :]
        return axis if all(e == _WHOLE for e in rest) else None

    def __repr__(self) -> str:
        return repr(Index(self.entries))


_RATIO = 16  # elements of a whole array that are added in the time that one takes at its place
_WHOLE = ("slice", None, None, None)


def _gathered(x: Shape, *indices: Shape, pattern: Pattern) -> Shape:
    if all(isinstance(n, int) for s in (x, *indices) for n in s):
        # NumPy's own rules for where the indexed axes go, on arrays without memory.
        probe = np.broadcast_to(np.zeros(()), x)
        zeros = tuple(np.zeros(s, np.intp) for s in indices)
        return tuple(probe[pattern.key(zeros)].shape)
    if pattern.entries[0] == "#" and all(e == "#" for e in pattern.entries):
        return (*broadcast(*indices), *x[len(indices) :])
    raise ShapeError(f"the pattern {pattern} on a symbolic shape {x} is not supported; use ag.take")


def _part(xp: Any, i: int, g: Any, y: Any, x: Any, *indices: Any, pattern: Pattern) -> Any:
    return xp.scatter_add(g, *indices, pattern=pattern, shape=x.shape)


def _integers(operands: Any, params: Params) -> Params:
    for o in operands[1:]:
        if np.dtype(getattr(o, "dtype", int)).kind not in "iu":
            raise DTypeError(f"index arrays must be integers; received dtype {o.dtype}.")
    return params


def _add_gathered(whole: Array, g: Array, *indices: Array, pattern: Pattern) -> None:
    # (Of float16 the parts of one place are summed in float32 first.)
    if g.size * _RATIO < whole.size and g.dtype.char != "e":
        np.add.at(whole, pattern.key(indices), g)
    else:
        whole += ARRAYS.scatter_add(g, *indices, pattern=pattern, shape=whole.shape)


# A variadic rule answers for every operand; the walk asks it only for those with a gradient,
# and index arrays have none.
_MIXED = Pattern(("#", ("slice", None, None, None), "#"))  # a slice between two index arrays


@primitive(
    Gather(_gathered),
    vjp=_part,
    passes="parts",
    label="x[indices]",
    prepare=_integers,
    into=_add_gathered,
    cases=lambda c: [
        ((c.real(c.N), c.labels(c.M, below=c.N)), {"pattern": Pattern(("#",))}),
        ((c.real(c.N, c.P), c.labels(c.R, c.M, below=c.N)), {"pattern": Pattern(("#",))}),
        (
            (c.real(c.N, c.P), c.labels(c.M, below=c.N), c.labels(c.M, below=c.P)),
            {"pattern": Pattern(("#", "#"))},
        ),
        (
            (c.real(c.N, c.P), c.labels(c.R, 1, below=c.N), c.labels(c.M, below=c.P)),
            {"pattern": Pattern(("#", "#"))},
        ),
        *(
            [((c.real(3, 2, 4), c.labels(5, below=3), c.labels(5, below=4)), {"pattern": _MIXED})]
            if c.numbers
            else ()
        ),
    ],
)
def gather(*operands: ArrayLike, pattern: Pattern) -> Any:
    """``x[pattern]`` with index arrays: operands are ``x``, then the arrays; see `getitem`."""
    x, *indices = operands
    axis = pattern.axis()
    if axis is not None:
        return _taken(np.asarray(x), np.asarray(indices[0], np.intp), axis)
    return np.asarray(x)[pattern.key(tuple(indices))]


def _scattered(
    xp: Any, i: int, g: Any, y: Any, x: Any, *indices: Any, pattern: Pattern, shape: Any
) -> Any:
    return xp.gather(g, *indices, pattern=pattern)


@primitive(
    Gather(lambda x, *indices, pattern, shape: shape),
    vjp=_scattered,
    label="scatter add",
    prepare=_integers,
    cases=lambda c: [
        ((c.real(c.M), c.labels(c.M, below=c.N)), {"pattern": Pattern(("#",)), "shape": (c.N,)}),
        (
            (c.real(c.R, c.M, c.P), c.labels(c.R, c.M, below=c.N)),
            {"pattern": Pattern(("#",)), "shape": (c.N, c.P)},
        ),
        (
            (c.real(c.M), c.labels(c.M, below=c.N), c.labels(c.M, below=c.P)),
            {"pattern": Pattern(("#", "#")), "shape": (c.N, c.P)},
        ),
        *(
            [
                (
                    (c.real(5, 2), c.labels(5, below=3), c.labels(5, below=4)),
                    {"pattern": _MIXED, "shape": (3, 2, 4)},
                )
            ]
            if c.numbers
            else ()
        ),
    ],
)
def scatter_add(*operands: ArrayLike, pattern: Pattern, shape: Any) -> Any:
    """Zeros of ``shape`` with values added at index arrays: the transpose of `gather`.

    Operands are the values, then the index arrays; repeated places add up.
    """
    x, *indices = operands
    x = np.asarray(x)
    if x.dtype.char == "e":  # as all sums of float16
        return ARRAYS.scatter_add(
            x.astype(np.float32), *indices, pattern=pattern, shape=shape
        ).astype(x.dtype)
    axis = pattern.axis()
    if axis is not None:
        return _added_rows(x, np.asarray(indices[0], np.intp), axis, shape)  # (narrow ones wrap)
    if x.dtype.char in "fd" and pattern.entries == ("#",) * len(shape):
        sums = _added(x, tuple(map(np.asarray, indices)), shape)
        if sums is not None:
            return sums
    target: Array = np.zeros(shape, x.dtype)
    np.add.at(target, pattern.key(tuple(indices)), x)
    return target


_FEW = 8  # runs


def _runs(places: Array, size: int) -> list[tuple[slice, Any]] | None:
    """Places as a few runs with steps of 1, -1 or 0, of whom slices take care; None if there are more.

    A run is where it stands, and the slice that it is of (an int where a place is repeated). Such
    are the places of an axis that is padded.
    """
    if places.ndim != 1 or len(places) < _FEW or not _inside(places, size):
        return None
    steps = np.diff(places)
    bounds = np.flatnonzero(steps[1:] != steps[:-1]) + 2
    if len(bounds) >= _FEW:
        return None
    runs: list[tuple[slice, Any]] = []
    start, ends = 0, [*bounds.tolist(), len(places)]
    for end in ends:
        if start >= end:  # a run of the last one's end alone
            continue
        first, last = int(places[start]), int(places[end - 1])
        step = int(steps[start]) if end - start > 1 else 1
        if abs(step) > 1:
            return None
        stop = last + step
        part = slice(first, stop if stop >= 0 else None, step) if step else slice(first, first + 1)
        runs.append((slice(start, end), part))
        start = end
    return runs


def _taken(x: Array, indices: Array, axis: int) -> Array:
    """Rows along an axis: by slices where that does, else row by row."""
    n = x.shape[axis]
    runs = _runs(indices, n) if x.size > _LITTLE else None
    if runs is None:  # copies whole rows, where indexing goes element by element
        return x.take(indices, axis)
    y: Array = np.empty((*x.shape[:axis], len(indices), *x.shape[axis + 1 :]), x.dtype)
    before: tuple[Any, ...] = (slice(None),) * axis
    for there, part in runs:
        y[(*before, there)] = x[(*before, part)]
    return y


_LITTLE = 1024  # elements, that are quicker taken one by one


def _inside(indices: Array, size: int) -> bool:
    """Whether every index counts from the front."""
    return indices.size > 0 and bool(indices.min() >= 0) and bool(indices.max() < size)


def _added(x: Array, indices: tuple[Array, ...], shape: Shape) -> Array | None:
    """`numpy.add.at` into zeros, at a fifth of its time; None where an index counts from the end."""
    if not all(map(_inside, indices, shape)):
        return None
    places = np.ravel_multi_index(indices, shape)
    places, x = np.broadcast_arrays(places, x)
    sums = np.bincount(places.ravel(), x.ravel(), math.prod(shape))  # in float64
    return sums.astype(x.dtype, copy=False).reshape(shape)


def _added_rows(x: Array, indices: Array, axis: int, shape: Shape) -> Array:
    """Rows of ``x`` added at their places along an axis: those of one place stand together first."""
    target: Array = np.zeros(shape, x.dtype)
    rows = x.reshape(*x.shape[:axis], indices.size, *x.shape[axis + indices.ndim :])
    places = indices.ravel()
    if not places.size:
        return target
    before: tuple[Any, ...] = (slice(None),) * axis
    runs = _runs(indices, shape[axis]) if x.size > _LITTLE else None
    if runs is not None:
        for there, part in runs:
            run = x[(*before, there)]
            if part.step is None:  # one place, again and again
                run = run.sum(axis, keepdims=True)
            target[(*before, part)] += run
        return target
    if places.min() < 0:
        places = np.where(places < 0, places + shape[axis], places)
    order = np.argsort(places, kind="stable")
    sorted_places = places[order]
    starts = np.flatnonzero(np.diff(sorted_places, prepend=-1))
    if len(starts) == len(places):
        target[(*before, places)] = rows
    else:
        sums = np.add.reduceat(rows.take(order, axis), starts, axis, dtype=x.dtype)
        target[(*before, sorted_places[starts])] = sums
    return target


def basic(part: Any) -> bool:
    """Whether an entry of an index is an int, a slice, None or Ellipsis (booleans are masks)."""
    if part is None or part is Ellipsis:
        return True
    return isinstance(part, (int, np.integer, slice)) and not isinstance(part, bool)


def getitem(x: ArrayLike, index: Any) -> Any:
    """``x[index]``, under NumPy's rules.

    Parameters
    ----------
    x : array_like
    index : int, slice, None, Ellipsis, integer or boolean array or Tensor, or a tuple of them

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If an index is out of range, or there are too many.
    DTypeError
        If an index is not an integer, boolean or slice.
    """
    parts = index if isinstance(index, tuple) else (index,)
    if all(map(basic, parts)):
        return slice_(x, Index.of(parts))
    parts = tuple([p if basic(p) else _chooser(p) for p in parts])
    if any(_lone(p) for p in parts):
        # A boolean of no dimensions is an axis of size 1 with an index array of one place or none.
        widened = [entry for p in parts for entry in _widened(p)]
        x = slice_(x, Index.of(tuple(widened)))
        parts = tuple([np.zeros(int(p), np.intp) if _lone(p) else p for p in parts])
    entries: list[Any] = []
    arrays: list[Any] = []
    for p in parts:
        if basic(p):
            entries.extend(Index.of((p,)).entries)
        elif p.dtype == bool:
            nonzero = np.nonzero(p)
            entries.extend("#" * len(nonzero))
            arrays.extend(nonzero)
        else:
            entries.append("#")
            arrays.append(p)
    return gather(x, *arrays, pattern=Pattern(tuple(entries)))


def _chooser(part: Any) -> Any:
    """An entry of an index that is no basic one: a boolean array, or an array or Tensor of integers."""
    values = part._concrete("t[index]") if type(part) is Tensor and part.dtype == bool else part
    array = values if type(values) is Tensor else plain("t[index]", values)
    if array.dtype.kind in "biu":
        return array
    if array.size == 0 and type(array) is not Tensor:
        return array.astype(np.intp)
    raise DTypeError(
        "t[index]",
        f"an index of dtype {array.dtype}. Expected integers, booleans, slices, None or Ellipsis.",
    )


def _lone(part: Any) -> bool:
    """Whether an entry is a boolean of no dimensions."""
    return not basic(part) and part.dtype == bool and not part.shape


def _widened(part: Any) -> list[Any]:
    """What gives an axis to each boolean of no dimensions, and leaves the other entries for later."""
    if part is None:
        return []
    if part is Ellipsis:
        return [part]
    if basic(part):
        return [slice(None)]
    if _lone(part):
        return [None]
    return [slice(None)] * (len(part.shape) if part.dtype == bool else 1)


def _along(operands: Any, params: Params) -> Params:
    x, indices = shape_of(operands[0]), shape_of(operands[1])
    if len(x) != len(indices):
        raise ShapeError(f"indices of shape {indices} must have the rank of {x}")
    (axis,) = normalise_axes(params["axis"], len(x))
    if any(m != n for i, (m, n) in enumerate(zip(x, indices, strict=True)) if i != axis):
        raise ShapeError(f"indices of shape {indices} must agree with {x} off the axis {axis}")
    _integers(operands, params)
    return {**params, "axis": axis}


@primitive(
    Gather(lambda x, indices, axis: indices),
    vjp=(
        lambda xp, g, y, x, indices, axis: xp.put_along_axis(
            g, indices, axis=axis, size=x.shape[axis]
        ),
        None,
    ),
    passes="parts",
    label="take along axis {axis}",
    prepare=_along,
    cases=lambda c: [
        ((c.real(c.M, c.N), c.labels(c.M, c.P, below=c.N)), {"axis": 1}),
        ((c.real(c.M, c.N), c.labels(c.M, 1, below=c.N)), {"axis": 1}),
        ((c.real(c.M, c.N), c.labels(c.R, c.N, below=c.M)), {"axis": 0}),
    ],
)
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int = -1) -> Any:
    """One element of ``x`` for each index, along an axis.

    Parameters
    ----------
    x : array_like, shape (…, n, …)
    indices : array_like of int, shape (…, m, …), in [-n, n)
    axis : int
        Where the sizes n and m stand; the other sizes agree.

    Returns
    -------
    Tensor, shape of ``indices``
    """
    x, indices = np.asarray(x), np.asarray(indices)
    n, last = x.shape[axis], axis in (-1, x.ndim - 1)
    if last and x.flags.c_contiguous and x.shape[:-1] == indices.shape[:-1] and _inside(indices, n):
        if x.ndim == 1:
            return x.take(indices)
        starts = np.arange(0, x.size, n).reshape((*x.shape[:-1], 1))
        return x.ravel().take(indices + starts)
    return np.take_along_axis(x, indices, axis)


def _put_shape(x: Shape, indices: Shape, axis: int, size: Any) -> Shape:
    return (*x[:axis], size, *x[axis + 1 :])


@primitive(
    Gather(_put_shape),
    vjp=(lambda xp, g, y, x, indices, axis, size: xp.take_along_axis(g, indices, axis=axis), None),
    label="put along axis {axis}",
    cases=lambda c: [
        ((c.real(c.M, c.N), c.labels(c.M, c.N, below=c.P)), {"axis": 1, "size": c.P}),
        ((c.real(c.M, 1), c.labels(c.M, 1, below=c.N)), {"axis": 1, "size": c.N}),
    ],
)
def put_along_axis(x: ArrayLike, indices: ArrayLike, axis: int, size: Any) -> Any:
    """Zeros with ``x`` added at ``indices`` along an axis: the transpose of `take_along_axis`."""
    x, indices = np.asarray(x), np.asarray(indices)
    target: Array = np.zeros(_put_shape(x.shape, indices.shape, axis, size), x.dtype)
    grid = [
        indices if i == axis else np.arange(n).reshape((n,) + (1,) * (x.ndim - 1 - i))
        for i, n in enumerate(x.shape)
    ]
    if x.shape[axis] == 1:  # no place twice
        target[tuple(grid)] = x
        return target
    sums = _added(x, tuple(grid), target.shape) if x.dtype.char in "fd" else None
    if sums is not None:
        return sums
    np.add.at(target, tuple(grid), x)
    return target
