"""Shapes: axes moved, added and cut; arrays joined, split, repeated, turned and padded."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike, Axis
from ..errors import AutogradError, ConfigError, ShapeError
from ..exchange import plain
from ..frames import called
from ..ops.indexing import getitem
from ..ops.views import Index, concatenate
from ..options import Choice
from ..primitives import composite
from ..shapes import Dim, broadcast, count
from ..tensors import Tensor
from .shared import answers, array_of, axes_of, axis_of, reals_of, sequence_of, shape_of

__all__ = [
    "append",
    "array_split",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block",
    "broadcast_arrays",
    "column_stack",
    "delete",
    "dsplit",
    "dstack",
    "expand_dims",
    "fftshift",
    "fliplr",
    "flipud",
    "full_like",
    "hsplit",
    "hstack",
    "ifftshift",
    "insert",
    "linspace",
    "matrix_transpose",
    "meshgrid",
    "moveaxis",
    "ones_like",
    "pad",
    "ravel",
    "repeat",
    "roll",
    "rollaxis",
    "rot90",
    "sliding_window_view",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "unstack",
    "vsplit",
    "vstack",
    "zeros_like",
]

composite(concatenate)
answers(np.copy)(ops.identity)


# --- axes ---------------------------------------------------------------------------------------


@composite
def ravel(x: ArrayLike, order: str = "C") -> Tensor:
    """Flattened, the last axis varying fastest (order "C") or the first one ("F").

    NumPy's "A" and "K", which ask how an array lies in memory, mean "C" here.

    Raises
    ------
    ConfigError
        If there is no such order.
    """
    Choice(("C", "F", "A", "K")).check("ravel: order", order)
    x = array_of("ravel", x)
    return ops.reshape(ops.transpose(x) if order == "F" else x, (count(x.shape),))


@composite
def expand_dims(x: ArrayLike, axis: Axis) -> Tensor:
    """With axes of size 1 inserted at ``axis``, an int or a tuple of places in the result."""
    x = array_of("expand_dims", x)
    shape = list(x.shape)
    extra = len(axis) if isinstance(axis, (tuple, list)) else 1
    places = axes_of("expand_dims", axis, (*shape, *(1,) * extra))
    for place in places:
        shape.insert(place, 1)
    return ops.reshape(x, tuple(shape))


@composite
def squeeze(x: ArrayLike, axis: Axis = None) -> Tensor:
    """Without axes of size 1 (all of them by default).

    Raises
    ------
    ShapeError
        If a named axis has another size.
    """
    shape = shape_of(x)
    axes = axes_of("squeeze", axis, shape)
    if axis is not None and any(shape[a] != 1 for a in axes):
        raise ShapeError("squeeze", f"axis {axis} of shape {shape} is not of size 1.")
    return ops.reshape(x, tuple(n for i, n in enumerate(shape) if i not in axes or n != 1))


@composite
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Tensor:
    """With two axes exchanged."""
    x = array_of("swapaxes", x)
    order = list(range(len(x.shape)))
    a = axis_of("swapaxes", axis1, shape_of(x))
    b = axis_of("swapaxes", axis2, shape_of(x))
    order[a], order[b] = order[b], order[a]
    return ops.transpose(x, tuple(order))


@composite
@answers(np.linalg.matrix_transpose)
def matrix_transpose(x: ArrayLike) -> Tensor:
    """Matrices, the last two axes, transposed.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    """
    t = array_of("matrix_transpose", x)
    if len(t.shape) < 2:
        raise ShapeError(
            "matrix_transpose", f"expected two dimensions or more; received shape {t.shape}."
        )
    return swapaxes(t, -1, -2)


@composite
def moveaxis(
    x: ArrayLike, source: int | tuple[int, ...], destination: int | tuple[int, ...]
) -> Tensor:
    """With axes moved to other positions; the rest keep their order."""
    x = array_of("moveaxis", x)
    shape = x.shape
    lists = [list(a) if isinstance(a, (tuple, list)) else [a] for a in (source, destination)]
    if len(lists[0]) != len(lists[1]):
        raise ShapeError(
            "moveaxis", f"{len(lists[0])} axes for {len(lists[1])} places; expected as many."
        )
    for axes in lists:
        axes_of("moveaxis", tuple(axes), shape)
    ndim = len(shape)
    pairs = sorted((b % ndim, a % ndim) for a, b in zip(*lists, strict=True))
    order = [i for i in range(ndim) if i not in {a for _, a in pairs}]
    for b, a in pairs:
        order.insert(b, a)
    return ops.transpose(x, tuple(order))


@composite
def rollaxis(x: ArrayLike, axis: int, start: int = 0) -> Tensor:
    """With an axis moved back until it stands before the axis ``start`` (NumPy's older `moveaxis`)."""
    x = array_of("rollaxis", x)
    shape = x.shape
    a, ndim = axis_of("rollaxis", axis, shape), len(shape)
    place = start + ndim if start < 0 else start
    if not 0 <= place <= ndim:
        raise ShapeError("rollaxis", f"start {start} is out of range for {ndim} dimensions.")
    return moveaxis(x, a, place - 1 if a < place else place)


def _each(operation: str, function: Any, xs: tuple[Any, ...]) -> Any:
    found = tuple(function(array_of(operation, x)) for x in xs)
    return found[0] if len(found) == 1 else found


@composite
def atleast_1d(*xs: ArrayLike) -> Any:
    """Scalars as vectors of one element; of several operands, a tuple."""
    return _each("atleast_1d", lambda x: x if x.shape else ops.reshape(x, (1,)), xs)


@composite
def atleast_2d(*xs: ArrayLike) -> Any:
    """Vectors as one row, scalars as one element of two dimensions; of several operands, a tuple."""
    return _each(
        "atleast_2d",
        lambda x: x if len(x.shape) > 1 else ops.reshape(x, (1, *(x.shape or (1,)))),
        xs,
    )


@composite
def atleast_3d(*xs: ArrayLike) -> Any:
    """With three dimensions or more: (), (n,), (n, m) become (1, 1, 1), (1, n, 1), (n, m, 1)."""

    def deep(x: Tensor) -> Tensor:
        if len(x.shape) > 2:
            return x
        sizes = (*(1,) * (len(x.shape) < 2), *x.shape)
        return ops.reshape(x, (*sizes, *(1,) * (3 - len(sizes))))

    return _each("atleast_3d", deep, xs)


@composite
def broadcast_arrays(*xs: ArrayLike) -> Any:
    """Operands broadcast against each other: a tuple of tensors of one shape."""
    try:
        shape = broadcast(*map(shape_of, xs))
    except ShapeError as error:
        raise ShapeError(called("broadcast_arrays"), f"{error}.") from None
    return tuple(ops.broadcast_to(x, shape) for x in xs)


# --- constants ----------------------------------------------------------------------------------


@composite
def full_like(x: ArrayLike, fill_value: ArrayLike, dtype: Any = None) -> Tensor:
    """``fill_value`` broadcast to the shape of ``x``, in its dtype unless another is given."""
    t = array_of("full_like", x)
    return ops.broadcast_to(ops.cast(fill_value, dtype or t.dtype), t.shape)


@composite
def zeros_like(x: ArrayLike, dtype: Any = None) -> Tensor:
    """Zeros of the shape and dtype of ``x``: a constant."""
    return full_like(x, 0, dtype)


@composite
def ones_like(x: ArrayLike, dtype: Any = None) -> Tensor:
    """Ones of the shape and dtype of ``x``: a constant."""
    return full_like(x, 1, dtype)


@composite
def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Evenly spaced numbers from ``start`` to ``stop``, which broadcast.

    Parameters
    ----------
    num : int
        How many, 0 or more.
    endpoint : bool
        Whether ``stop`` is the last of them.
    retstep : bool
        Return the spacing, too.
    dtype : dtype-like, optional
        Of the result; real.
    axis : int
        Where the new axis stands.

    Raises
    ------
    ConfigError
        If ``num`` is no count.
    """
    if not hasattr(num, "__index__") or num.__index__() < 0:
        raise ConfigError("linspace", f"expected a count num of 0 or more; received {num!r:.40}.")
    n = num.__index__()
    a, b = broadcast_arrays(*reals_of("linspace", start, stop))
    gaps = n - 1 if endpoint else n
    step = (b - a) / gaps if gaps > 0 else (b - a) * float("nan")
    # Weights that end at exactly 1, so that the last number is `stop` itself.
    weights = np.arange(n) / max(gaps, 1)
    kind = step.dtype if step.dtype.kind == "f" else np.dtype(float)
    column = weights.astype(kind).reshape(-1, *(1,) * len(a.shape))
    if dtype is None or np.dtype(dtype).kind not in "iu":
        points = a * (1 - column) + b * column
    else:  # rounded down, from the very numbers that NumPy rounds
        place = np.arange(n).astype(kind).reshape(column.shape)
        points = a + (place * step if gaps > 0 else 0 * place)
        if endpoint and n > 1:
            points = ops.where(place == n - 1, b, points)
        points = ops.floor(points)
    points = points if dtype is None else ops.cast(points, dtype)
    if axis_of("linspace", axis, (n, *a.shape)):
        points = moveaxis(points, 0, axis)
    return (points, step) if retstep else points


# --- joining ------------------------------------------------------------------------------------


def _cast(operation: str, xs: list[Tensor], dtype: Any) -> list[Tensor]:
    """The operands of a join, in the dtype that is asked for."""
    return xs if dtype is None else [ops.cast(x, dtype) for x in xs]


@composite
def stack(xs: Any, axis: int = 0, dtype: Any = None) -> Tensor:
    """Tensors or arrays of equal shape joined along a new axis.

    Raises
    ------
    ShapeError
        If shapes differ, or there is nothing to join.
    """
    xs = _cast("stack", sequence_of("stack", xs), dtype)
    shapes = {shape_of(x) for x in xs}
    if len(shapes) != 1:
        listed = ", ".join(map(str, shapes)) or "none"
        raise ShapeError(called("stack"), f"expected operands of one shape; received {listed}.")
    return concatenate(
        [expand_dims(x, axis) for x in xs], axes_of("stack", axis, (*shapes.pop(), 1))[0]
    )


def _joined(operation: str, xs: list[Tensor], axis: int) -> Tensor:
    try:
        return concatenate(xs, axis)
    except ShapeError as error:
        raise ShapeError(operation, str(error)) from None


@composite
def vstack(xs: Any, dtype: Any = None) -> Tensor:
    """Joined along the first axis; vectors are rows."""
    parts = _cast("vstack", sequence_of("vstack", xs), dtype)
    return _joined("vstack", [atleast_2d(x) for x in parts], 0)


@composite
def hstack(xs: Any, dtype: Any = None) -> Tensor:
    """Joined along the second axis; vectors along their only one."""
    parts = [atleast_1d(x) for x in _cast("hstack", sequence_of("hstack", xs), dtype)]
    return _joined("hstack", parts, 1 if parts and len(parts[0].shape) > 1 else 0)


@composite
def dstack(xs: Any) -> Tensor:
    """Joined along the third axis; see `atleast_3d`."""
    return _joined("dstack", [atleast_3d(x) for x in sequence_of("dstack", xs)], 2)


@composite
def column_stack(xs: Any) -> Tensor:
    """Joined along the second axis; vectors are columns."""
    parts = sequence_of("column_stack", xs)
    return _joined(
        "column_stack",
        [x if len(x.shape) > 1 else ops.reshape(x, (-1, 1)) for x in parts],
        1,
    )


@composite
def append(x: ArrayLike, values: ArrayLike, axis: int | None = None) -> Tensor:
    """``values`` joined to the end of ``x`` along an axis; without one, both flattened.

    A sequence of tensors is stacked.
    """
    parts = [stack(v) if _holds_tensors(v) else array_of("append", v) for v in (x, values)]
    if axis is None:
        return concatenate([ravel(p) for p in parts])
    return _joined("append", parts, axis_of("append", axis, parts[0].shape))


def _holds_tensors(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and any(type(v) is Tensor for v in x)


@composite
def delete(x: ArrayLike, obj: Any, axis: int | None = None) -> Tensor:
    """Without the elements at ``obj`` (an int, a slice, ints or booleans) along an axis.

    Without an axis, of the flattened array.

    Raises
    ------
    ShapeError
        If ``obj`` does not fit.
    """
    t = array_of("delete", x)
    if axis is None:
        t, axis = ravel(t), 0
    along = axis_of("delete", axis, t.shape)
    try:
        kept = np.delete(
            np.arange(t.shape[along]), obj if type(obj) is not Tensor else plain("delete", obj)
        )
    except (IndexError, ValueError, TypeError) as error:
        raise ShapeError(
            "delete", f"{obj!r:.40} does not fit size {t.shape[along]}: {error}."
        ) from None
    return getitem(t, (*(slice(None),) * along, kept))


@composite
def meshgrid(*xs: ArrayLike, indexing: str = "xy", sparse: bool = False) -> Any:
    """Coordinates of a grid, from the coordinates along its axes: a tuple of tensors.

    Parameters
    ----------
    *xs : array_like, shapes (n,), (m,), …
    indexing : str
        "ij": axes in the order of the operands. "xy": the first two exchanged.
    sparse : bool
        Leave the other axes at size 1, to be broadcast.

    Raises
    ------
    ConfigError
        If there is no such indexing.
    """
    Choice(("xy", "ij")).check("meshgrid: indexing", indexing)
    places = list(range(len(xs)))
    if indexing == "xy":
        places[:2] = reversed(places[:2])
    lines = []
    for place, x in zip(places, xs, strict=True):
        t = array_of("meshgrid", x)
        lines.append(ops.reshape(t, tuple(-1 if i == place else 1 for i in range(len(xs)))))
    return tuple(lines) if sparse else broadcast_arrays(*lines)


@composite
def insert(x: ArrayLike, obj: Any, values: ArrayLike, axis: int | None = None) -> Tensor:
    """``values`` put before the places ``obj`` (an int, a slice, ints or booleans) along an axis.

    Without an axis, of the flattened array. NumPy's rules: places are those before anything is put in.

    Raises
    ------
    ShapeError
        If places or values do not fit.
    """
    t, v = array_of("insert", x), array_of("insert", values)
    if axis is None:
        t, axis = ravel(t), 0
    along = axis_of("insert", axis, t.shape)
    n = t.shape[along]
    try:
        # NumPy's own rules, on the numbers of the places: what is new is -1, -2 …
        if isinstance(obj, (int, np.integer)) and not isinstance(obj, bool):
            at_one_place = True
            many = v.shape[0] if axis is not None and len(v.shape) == len(t.shape) == 1 else None
            if len(v.shape) == len(t.shape) and len(t.shape) > 1:
                v = moveaxis(v, 0, along)
                many = v.shape[along]
            many = 1 if many is None else many
            order = np.insert(np.arange(n), obj, -1 - np.arange(many))
        else:
            at_one_place = False
            places = plain("insert", obj) if not isinstance(obj, slice) else obj
            fresh = np.insert(np.arange(n), places, -1)
            many = len(fresh) - n
            order = np.insert(np.arange(n), places, -1 - np.arange(many))
    except (IndexError, ValueError, TypeError) as error:
        if isinstance(error, AutogradError):
            raise
        raise ShapeError(
            "insert", f"the places {obj!r:.40} do not fit size {n}: {str(error).rstrip('.')}."
        ) from None
    if at_one_place and len(v.shape) == len(t.shape) - 1 and v.shape:
        v = expand_dims(v, along)
    shape = tuple(many if i == along else m for i, m in enumerate(t.shape))
    try:
        v = ops.cast(ops.broadcast_to(v, shape), t.dtype)
    except ShapeError:
        raise ShapeError(
            "insert", f"values of shape {v.shape} do not fit {shape}, the shape of what is put in."
        ) from None
    joined = concatenate([t, v], along)
    return getitem(joined, (*(slice(None),) * along, np.where(order < 0, n - 1 - order, order)))


@composite
def block(arrays: Any) -> Tensor:
    """Arrays joined from nested lists: the innermost lists along the last axis, and so outwards.

    Raises
    ------
    ShapeError
        If lists nest to different depths, or shapes do not fit.
    """

    def depth(part: Any) -> int:
        if not isinstance(part, list):
            return 0
        depths = {depth(p) for p in part}
        if len(depths) != 1:
            raise ShapeError(
                "block",
                "expected lists nested to one depth, none of them empty; received depths "
                f"{sorted(depths)}.",
            )
        return 1 + depths.pop()

    deep = depth(arrays)
    leaves: list[Tensor] = []

    def gathered(part: Any) -> None:
        if isinstance(part, list):
            for p in part:
                gathered(p)
        else:
            leaves.append(array_of("block", part))

    gathered(arrays)
    ndim = max(deep, *(len(t.shape) for t in leaves), 0)

    def built(part: Any, level: int) -> Tensor:
        if level == 0:
            t = array_of("block", part)
            return ops.reshape(t, (*(1,) * (ndim - len(t.shape)), *t.shape))
        return _joined("block", [built(p, level - 1) for p in part], ndim - level)

    return built(arrays, deep)


# --- splitting ----------------------------------------------------------------------------------


def _sections(operation: str, x: Tensor, where: Any, axis: int, equal: bool) -> list[Tensor]:
    along = axis_of(operation, axis, x.shape)
    n = x.shape[along]
    bounds: list[Any]
    if isinstance(where, (int, np.integer)):
        if not 1 <= where <= sys.maxsize:
            raise ShapeError(operation, f"expected 1 section or more; received {str(where)[:40]}.")
        if isinstance(n, Dim):  # exact, or it says that it is not known to be
            small, larger = n // int(where), 0
        elif equal and n % where:
            raise ShapeError(
                operation,
                f"size {n} of axis {axis} is not a multiple of {where} sections. Use "
                "ag.array_split for sections of different size.",
            )
        else:
            small, larger = divmod(n, int(where))
        bounds = [small * i + min(i, larger) for i in range(int(where) + 1)]
    else:
        try:
            bounds = [0, *(w if isinstance(w, Dim) else int(w.__index__()) for w in where), n]
        except (TypeError, AttributeError):
            raise ShapeError(
                operation,
                "expected a number of sections or a sequence of places to cut; received "
                f"{where!r:.40}.",
            ) from None
    before = (slice(None),) * along
    return [getitem(x, (*before, slice(a, b))) for a, b in itertools.pairwise(bounds)]


@composite
def split(x: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Cut along an axis, into so many equal sections or at the given places.

    Raises
    ------
    ShapeError
        If equal sections do not go.
    """
    return _sections("split", array_of("split", x), indices_or_sections, axis, True)


@composite
def unstack(x: ArrayLike, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts along an axis, without it: the inverse of `stack`."""
    t = array_of("unstack", x)
    if not t.shape:
        raise ShapeError("unstack", "expected one dimension or more; received shape ().")
    before = (slice(None),) * axis_of("unstack", axis, t.shape)
    return tuple(getitem(t, (*before, i)) for i in range(t.shape[len(before)]))


@composite
def array_split(x: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """As `split`, with the first sections one larger where equal ones do not go."""
    return _sections("array_split", array_of("array_split", x), indices_or_sections, axis, False)


def _split_along(operation: str, x: ArrayLike, where: Any, axis: int, least: int) -> list[Tensor]:
    t = array_of(operation, x)
    if len(t.shape) < least:
        raise ShapeError(
            operation, f"expected {least} dimensions or more; received shape {t.shape}."
        )
    return _sections(operation, t, where, axis, True)


@composite
def vsplit(x: ArrayLike, indices_or_sections: Any) -> list[Tensor]:
    """Cut along the first axis of two or more; see `split`."""
    return _split_along("vsplit", x, indices_or_sections, 0, 2)


@composite
def hsplit(x: ArrayLike, indices_or_sections: Any) -> list[Tensor]:
    """Cut along the second axis, or the only one; see `split`."""
    axis = 1 if len(shape_of(x)) > 1 else 0
    return _split_along("hsplit", x, indices_or_sections, axis, 1)


@composite
def dsplit(x: ArrayLike, indices_or_sections: Any) -> list[Tensor]:
    """Cut along the third axis; see `split`."""
    return _split_along("dsplit", x, indices_or_sections, 2, 3)


# --- repeating and turning ----------------------------------------------------------------------


@composite
def roll(x: ArrayLike, shift: int | tuple[int, ...], axis: Axis = None) -> Tensor:
    """Elements moved along axes, round the end; without an axis, in the flattened order."""
    t = array_of("roll", x)
    if axis is None:
        total = sum(shift) if isinstance(shift, (tuple, list)) else shift
        return ops.reshape(roll(ops.reshape(t, (count(t.shape),)), total, 0), t.shape)
    axes = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    shifts = list(shift) if isinstance(shift, (tuple, list)) else [shift] * len(axes)
    if len(axes) == 1 and len(shifts) > 1:
        axes = axes * len(shifts)
    if len(shifts) != len(axes):
        raise ShapeError("roll", f"{len(shifts)} shifts for {len(axes)} axes; expected as many.")
    for s, a in zip(shifts, axes, strict=True):
        along = axis_of("roll", a, t.shape)
        if s:
            t = ops.views.roll_(t, shift=s, axis=along)
    return t


def _shifted(operation: str, x: ArrayLike, axes: Axis, toward: int) -> Tensor:
    t = array_of(operation, x)
    if not t.shape:
        raise ShapeError(operation, "expected one dimension or more; received shape ().")
    chosen = axes_of(operation, axes, t.shape)
    return roll(t, tuple(toward * (t.shape[a] // 2) % (t.shape[a] or 1) for a in chosen), chosen)


@composite
@answers(np.fft.fftshift)
def fftshift(x: ArrayLike, axes: Axis = None) -> Tensor:
    """Axes (all by default) turned by half their size, as NumPy puts frequency zero in the middle."""
    return _shifted("fftshift", x, axes, 1)


@composite
@answers(np.fft.ifftshift)
def ifftshift(x: ArrayLike, axes: Axis = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted("ifftshift", x, axes, -1)


@composite
def repeat(x: ArrayLike, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element (without an axis, of the flattened array) so many times in a row.

    Parameters
    ----------
    repeats : int or array of int
        One count for all, or one for each.

    Raises
    ------
    ShapeError
        If counts do not fit, or one is negative.
    """
    t = array_of("repeat", x)
    if axis is None:
        t, axis = ops.reshape(t, (count(t.shape),)), 0
    along = axis_of("repeat", axis, t.shape)
    counts = plain("repeat", repeats)
    try:
        places = np.repeat(np.arange(t.shape[along]), counts)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            "repeat", f"repeats {repeats!r:.60} does not fit size {t.shape[along]}: {error}."
        ) from None
    return getitem(t, (*(slice(None),) * along, places))


@composite
def tile(x: ArrayLike, reps: int | tuple[int, ...]) -> Tensor:
    """The whole array, so many times along each axis.

    Raises
    ------
    ShapeError
        If a number is negative.
    """
    t = array_of("tile", x)
    times = tuple(reps) if isinstance(reps, (tuple, list, np.ndarray)) else (reps,)
    if any(not hasattr(r, "__index__") or r < 0 for r in times):
        raise ShapeError("tile", f"expected integers of 0 or more; received {reps!r:.60}.")
    ndim = max(len(times), len(t.shape))
    times = (*(1,) * (ndim - len(times)), *(int(r) for r in times))
    shape = (*(1,) * (ndim - len(t.shape)), *t.shape)
    apart = tuple(v for n in shape for v in (1, n))
    wide = tuple(v for r, n in zip(times, shape, strict=True) for v in (r, n))
    spread = ops.broadcast_to(ops.reshape(t, apart), wide)
    return ops.reshape(spread, tuple(r * n for r, n in zip(times, shape, strict=True)))


@composite
def fliplr(x: ArrayLike) -> Tensor:
    """Order of columns reversed."""
    x = array_of("fliplr", x)
    if len(shape_of(x)) < 2:
        raise ShapeError(
            "fliplr", f"expected two dimensions or more; received shape {shape_of(x)}."
        )
    return ops.flip(x, 1)


@composite
def flipud(x: ArrayLike) -> Tensor:
    """Order of rows reversed."""
    x = array_of("flipud", x)
    if not shape_of(x):
        raise ShapeError("flipud", "expected one dimension or more; received shape ().")
    return ops.flip(x, 0)


@composite
def rot90(x: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turned ``k`` times by a quarter in the plane of two axes, from the first to the second."""
    x = array_of("rot90", x)
    shape = x.shape
    if len(axes_of("rot90", tuple(axes), shape)) != 2:
        raise ShapeError("rot90", f"expected two axes; received {axes}.")
    a, b = (v % len(shape) for v in axes)
    if not hasattr(k, "__index__"):
        raise ConfigError("rot90", f"expected a whole number of turns; received {k!r:.40}.")
    turns = k % 4
    if turns == 0:
        return ops.reshape(x, shape)
    if turns == 2:
        return ops.flip(x, (a, b))
    if turns == 1:
        return swapaxes(ops.flip(x, b), a, b)
    return ops.flip(swapaxes(x, a, b), b)


# --- padding and windows ------------------------------------------------------------------------

_PLACED = ("edge", "reflect", "symmetric", "wrap")
_FOLDED: dict[str, Callable[..., Tensor]] = {}  # filled by `reductions`, which stands on this file
_PADS = ("constant", *_PLACED, "linear_ramp", "maximum", "mean", "median", "minimum")


@composite
def pad(
    x: ArrayLike,
    pad_width: Any,
    mode: str = "constant",
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
) -> Tensor:
    """With elements added around.

    Parameters
    ----------
    pad_width : int, (before, after), or one (before, after) per axis
        Non-negative.
    mode : str
        What is added: "constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum",
        "mean", "median" or "minimum", as in NumPy.
    constant_values, end_values : float, (before, after), or one (before, after) per axis
        For the modes "constant" and "linear_ramp" (the value at the edge).
    stat_length : int, (before, after), or one (before, after) per axis, optional
        How many elements the modes "maximum" to "minimum" look at. Default: all.

    Raises
    ------
    ShapeError
        If widths do not fit or are negative.
    ConfigError
        If there is no such mode.
    """
    x = array_of("pad", x)
    shape = x.shape
    Choice(_PADS).check("pad: mode", mode)
    try:
        widths = np.broadcast_to(np.asarray(pad_width, int), (len(shape), 2)).tolist()
    except (ValueError, TypeError):
        raise ShapeError(
            "pad",
            f"pad_width {pad_width} does not fit {len(shape)} axes: expected a pair of integers for each.",
        ) from None
    if any(w < 0 for pair in widths for w in pair):
        raise ShapeError(
            "pad", f"widths must not be negative; expected 0 or more, received {pad_width}."
        )
    if mode in _PLACED:
        t = x
        for axis, (n, pair) in enumerate(zip(shape, widths, strict=True)):
            if any(pair):
                _something_to_add(axis, n, mode)
                places = np.pad(np.arange(n), pair, mode=mode)  # type: ignore[call-overload]
                t = getitem(t, (*(slice(None),) * axis, places))
        return t
    if mode == "constant" and isinstance(constant_values, (int, float)):
        return _constant_pad(x, widths, constant_values)
    values = {"constant": constant_values, "linear_ramp": end_values}.get(mode, stat_length)
    ends = _pairs(mode, values, len(shape))
    t = x
    for axis, (n, pair) in enumerate(zip(shape, widths, strict=True)):
        if any(pair):
            if mode != "constant":
                _something_to_add(axis, n, mode)
            t = _with_ends(t, axis, pair, mode, ends[axis])
    return t


def _something_to_add(axis: int, n: Any, mode: str) -> None:
    if n == 0:
        raise ShapeError("pad", f"axis {axis} is empty; mode {mode!r} has nothing to add.")


def _constant_pad(x: Tensor, widths: Any, value: float) -> Tensor:
    """One number all around: `embed`, and a mask unless the number is 0."""
    entries = tuple(slice(b, b + n) for (b, _), n in zip(widths, x.shape, strict=True))
    padded = tuple(b + n + a for (b, a), n in zip(widths, x.shape, strict=True))
    result = ops.embed(x, Index.of(entries), padded)
    if value == 0:
        return result
    inside = np.zeros(padded, bool)
    inside[entries] = True
    return ops.where(inside, result, value)


def _pairs(mode: str, values: Any, ndim: int) -> list[Any]:
    """Values for both ends of each axis, which may be numbers in tensors."""
    if values is None:
        return [(None, None)] * ndim
    if type(values) is Tensor and not values.shape:
        return [(values, values)] * ndim
    try:
        return list(np.broadcast_to(np.asarray(values), (ndim, 2)).tolist())
    except (ValueError, TypeError) as error:
        if isinstance(error, AutogradError):
            raise
        option = {"constant": "constant_values", "linear_ramp": "end_values"}.get(
            mode, "stat_length"
        )
        raise ShapeError(
            "pad",
            f"{option} {values!r:.40} does not fit {ndim} axes: expected a number, or a pair for each.",
        ) from None


def _with_ends(t: Tensor, axis: int, widths: Any, mode: str, ends: Any) -> Tensor:
    """``t`` with both ends of one axis added."""
    n, before = t.shape[axis], (slice(None),) * axis
    parts = [t]
    for side, (width, end) in enumerate(zip(widths, ends, strict=True)):
        if not width:
            continue
        shape = tuple(width if i == axis else m for i, m in enumerate(t.shape))
        if mode == "constant":
            part = ops.broadcast_to(ops.cast(end, t.dtype), shape)
        elif mode == "linear_ramp":
            edge = getitem(t, (*before, slice(0, 1) if side == 0 else slice(n - 1, n)))
            share = np.arange(width) / width  # 0 at the outer end
            share = share if side == 0 else share[::-1]
            share = share.reshape(-1, *(1,) * (len(t.shape) - 1 - axis))
            if t.dtype.kind == "f":
                share = share.astype(t.dtype)
            part = ops.cast(end + (edge - end) * share, t.dtype)
        else:
            many = n if end is None else end
            if many < 1:
                raise ShapeError("pad", f"expected a stat_length of 1 or more; received {many}.")
            looked = slice(0, many) if side == 0 else slice(max(n - many, 0), n)
            value = _FOLDED[mode](getitem(t, (*before, looked)), axis, True)
            if t.dtype.kind != "f" and value.dtype.kind == "f":
                value = ops.rint(value)
            part = ops.broadcast_to(ops.cast(value, t.dtype), shape)
        parts.insert(0 if side == 0 else len(parts), part)
    return concatenate(parts, axis)


@composite
@answers(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: ArrayLike, window_shape: int | tuple[int, ...], axis: Axis = None
) -> Tensor:
    """All windows of a shape: the windows' axes come last, and every place is kept.

    Parameters
    ----------
    window_shape : int or tuple of int
        Sizes along ``axis``, or along all axes.

    Returns
    -------
    Tensor
        In memory of its own, where NumPy gives a view.

    Raises
    ------
    ShapeError
        If a window is larger than its axis, or sizes and axes do not agree in number.
    """
    t = array_of("sliding_window_view", x)
    sizes = tuple(window_shape) if isinstance(window_shape, (tuple, list)) else (window_shape,)
    if axis is None:
        axes: list[int] = list(range(len(t.shape)))
    else:
        axes = [
            axis_of("sliding_window_view", a, t.shape)
            for a in (axis if isinstance(axis, (tuple, list)) else (axis,))
        ]
    if len(sizes) != len(axes):
        raise ShapeError(
            "sliding_window_view",
            f"{len(sizes)} window sizes for {len(axes)} axes; expected as many.",
        )
    for size, a in zip(sizes, axes, strict=True):
        n = t.shape[a]
        if not 0 <= size <= n:
            raise ShapeError(
                "sliding_window_view", f"a window of size {size} does not fit size {n} of axis {a}."
            )
        if size:
            t = ops.windows(t, a, size)
        else:
            t = zeros_like(getitem(t, (*(slice(None),) * a, np.zeros((n + 1, 0), int))))
            t = moveaxis(t, a + 1, -1)
    return t
