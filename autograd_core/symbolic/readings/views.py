"""Views on symbols: indices are renamed; axes are split and merged by regrouping them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from ...kinds import View
from ...ops import linalg, views
from ...ops.views import Index, run_of
from ...primitives import Primitive
from ...shapes import Dim, Shape
from ..exact import EXACT, Exact, exact_array
from ..indexed import (
    INDEXED,
    Axis,
    Indexed,
    IndexedArray,
    array_of,
    copied,
    divides,
    grouped,
    may_move,
    moving,
    parts,
    put,
    regrouped,
    size,
    together,
    total,
    unsupported,
)
from ..places import label_of, size_of

INDEXED.absent(View, reason="it moves elements along an axis by an amount")


@EXACT.kind(View)
def _moved(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    return ev.on_objects(p, operands, params)


INDEXED.absent(linalg.pick, reason="the evaluator takes it itself, of a tuple of arrays")


@EXACT(linalg.pick)
def _picked(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    return operands[0][params["index"]]


@INDEXED(views.identity)
def _same(ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
    return arrays[0]


@INDEXED(views.stop_gradient)
def _stopped(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    if not ev.hold:
        return x
    held = array_of(sympy.Dummy("held", real=True), x.shape, copied(x.indices))
    # With an axis for each index: the element of ``held`` has no others.
    shape = tuple(size_of(i) for i in x.flat)
    ev._held[label_of(held.body)] = IndexedArray(shape, x.flat, x.body)
    return held


@EXACT(views.stop_gradient)
def _held(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    x = exact_array(operands[0])
    return ev.stopped(x) if ev.hold else ev.on_objects(p, operands, params)


@INDEXED(views.reshape)
def _reshape(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    shape = tuple(params["shape"])
    if [n for n in x.shape if n != 1] != [n for n in shape if n != 1]:
        _may_split(ev, p, f"from {x.shape} to {shape} it merges or splits axes")
        return IndexedArray(shape, regrouped(x.flat, map(size, shape)), x.body)
    indices = iter([i for i in x.indices if i is not None])
    return IndexedArray(shape, tuple(None if n == 1 else next(indices) for n in shape), x.body)


def _may_split(ev: Indexed, p: Primitive, what: str) -> None:
    if ev.symbols.factors is None:
        raise unsupported(p, what)


@INDEXED(views.concatenate_)
def _joined(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    """Equal parts: an axis of the parts, merged with that along which they are joined."""
    axis = params["axis"]
    n, *others = (x.shape[axis] for x in arrays)
    if any(n != other for other in others):
        return _joined_along(ev, p, arrays, axis)
    _may_split(ev, p, "it joins parts of an axis")
    part = ev.symbols.fresh(len(arrays))
    indices = together(*(x.indices for x in arrays))
    body = sympy.Add(*(one_at(ev, p, parts(part), a) * x.at(indices) for a, x in enumerate(arrays)))
    whole = grouped((*parts(part), *parts(indices[axis])))
    shape = (*arrays[0].shape[:axis], n * len(arrays), *arrays[0].shape[axis + 1 :])
    return IndexedArray(shape, (*indices[:axis], whole, *indices[axis + 1 :]), body)


@INDEXED(views.transpose)
def _transpose(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    axes = params["axes"]
    return IndexedArray(tuple(x.shape[a] for a in axes), tuple(x.indices[a] for a in axes), x.body)


@INDEXED(views.broadcast_to)
def _broadcast(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    shape = tuple(params["shape"])
    indices = together(x.indices, ev.fresh(shape))
    return IndexedArray(shape, indices, x.at(indices[len(shape) - len(x.shape) :]))


@INDEXED(views.slice_)
def _slice(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    shape: list[Any] = []
    indices: list[Any] = []
    fixed: dict[sympy.Symbol, sympy.Expr] = {}
    for entry, axis in _entries(p, params["index"], x.shape):
        if axis is None:
            shape.append(1)
            indices.append(None)
        elif entry == _WHOLE:
            shape.append(x.shape[axis])
            indices.append(x.indices[axis])
        elif isinstance(entry, _Block):
            first, kept = _blocks(ev, p, entry, x.indices[axis])
            shape.append(entry.size)
            indices.append(kept)
            fixed |= dict(zip(first, digits_at(ev, p, first, entry.place), strict=True))
        elif isinstance(entry, _Run):
            shape.append(entry.size)
            indices.append(_run_along(ev, p, entry))
            (slot,) = moving(ev, p, x.indices[axis])
            fixed[slot] = entry.place(indices[-1])
        else:
            place = position(ev, p, entry, x.shape[axis])
            slots = parts(x.indices[axis])
            fixed |= dict(zip(slots, digits_at(ev, p, slots, place), strict=True))
    return IndexedArray(tuple(shape), tuple(indices), put(x.body, fixed))


@INDEXED(views.embed)
def _embed(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    shape = tuple(params["shape"])
    indices = ev.fresh(shape)
    terms: list[Any] = []
    runs: list[Axis] = []
    here = sympy.S.One
    for entry, axis in _entries(p, params["index"], shape):
        if axis is None:
            terms.append(None)
        elif entry == _WHOLE:
            terms.append(indices[axis])
        elif isinstance(entry, _Block):
            first, kept = _blocks(ev, p, entry, indices[axis])
            terms.append(kept)
            here *= one_at(ev, p, first, entry.place)
        elif isinstance(entry, _Run):
            runs.append(_run_along(ev, p, entry))
            terms.append(runs[-1])
            (slot,) = moving(ev, p, indices[axis])
            here *= sympy.KroneckerDelta(slot, entry.place(runs[-1]))
        else:
            place = position(ev, p, entry, shape[axis])
            here *= one_at(ev, p, parts(indices[axis]), place)
    return IndexedArray(shape, indices, total(here * x.at(terms), runs))


# What moves elements along an axis puts a computed place for its index, and the other way round gives
# to each place the sum of what is moved there: a delta of the two, which the normal form knows.


def _run_along(ev: Indexed, p: Primitive, run: _Run) -> sympy.Symbol | None:
    """An index for the elements of a slice."""
    (i,) = moving(ev, p, ev.symbols.fresh(run.size)) or (None,)
    return i


@INDEXED(views.flip)
def _flip(ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
    (x,) = arrays
    may_move(ev, p)
    slots = [i for a in params["axis"] for i in parts(x.indices[a])]
    return IndexedArray(x.shape, x.indices, put(x.body, {i: size_of(i) - 1 - i for i in slots}))


@INDEXED(views.roll_)
def _roll(ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
    """An element goes on by the shift, and back by the length where that is beyond the end."""
    (x,) = arrays
    axis, shift = params["axis"], params["shift"]
    n = size(x.shape[axis])
    slots = moving(ev, p, x.indices[axis])
    if not slots:
        return x
    (i,) = slots
    (to,) = ev.fresh((x.shape[axis],))
    back = sympy.Integer(shift // abs(shift or 1)) * n
    here = sympy.Add(*(sympy.KroneckerDelta(to, i + shift - by) for by in {sympy.S.Zero, back}))
    indices = (*x.indices[:axis], to, *x.indices[axis + 1 :])
    return IndexedArray(x.shape, indices, total(here * x.body, slots))


@INDEXED(views.windows)
def _windows(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    """At the place i of windows, the element j of a window is an element of the axis: `_seen`."""
    (x,) = arrays
    axis, span = params["axis"], params["size"]
    number = views.places_of(
        x.shape[axis], views.reach_of(span, params["dilation"]), params["step"]
    )
    shape = (*x.shape[:axis], number, *x.shape[axis + 1 :], span)
    slots = moving(ev, p, x.indices[axis])
    ends = [moving(ev, p, ev.symbols.fresh(n)) for n in (number, span)]
    body = put(x.body, dict.fromkeys(slots, _seen(ends, params)))
    i, j = map(grouped, ends)
    return IndexedArray(shape, (*x.indices[:axis], i, *x.indices[axis + 1 :], j), body)


def _seen(ends: list[tuple[sympy.Symbol, ...]], params: Any) -> sympy.Expr:
    """Where the element j of the window i stands: at i · step + j · dilation."""
    apart = params["step"], params["dilation"]
    return sympy.Add(*(n * i for n, end in zip(apart, ends, strict=True) for i in end))


@INDEXED(views.overlap_add)
def _overlap(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    axis = params["axis"]
    shape = (*x.shape[:axis], params["length"], *x.shape[axis + 1 : -1])
    ends = [moving(ev, p, x.indices[a]) for a in (axis, -1)]
    to = ev.symbols.fresh(shape[axis])
    here = [sympy.KroneckerDelta(k, _seen(ends, params)) for k in moving(ev, p, to)]
    indices = (*x.indices[:axis], to, *x.indices[axis + 1 : -1])
    slots = [i for end in ends for i in end]
    return IndexedArray(shape, indices, total(sympy.Mul(*here, x.body), slots))


def _joined_along(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], axis: int
) -> IndexedArray:
    """Parts of any sizes: each is moved to where those before it end."""
    indices = together(*(x.indices for x in arrays))
    shape = list(arrays[0].shape)
    shape[axis] = functools.reduce(operator.add, (x.shape[axis] for x in arrays))
    to = ev.symbols.fresh(shape[axis])
    (slot,) = moving(ev, p, to)
    before: Any = 0
    terms = []
    for x in arrays:
        (i,) = moving(ev, p, ev.symbols.fresh(x.shape[axis])) or (None,)
        at = (*indices[:axis], i, *indices[axis + 1 :])
        place = size(before) + (0 if i is None else i)
        terms.append(total(sympy.KroneckerDelta(slot, place) * x.at(at), [i]))
        before = before + x.shape[axis]
    return IndexedArray(
        tuple(shape), (*indices[:axis], to, *indices[axis + 1 :]), sympy.Add(*terms)
    )


def _blocks(
    ev: Indexed, p: Primitive, block: _Block, axis: Axis
) -> tuple[tuple[sympy.Symbol, ...], Axis]:
    """The indices of the blocks that an axis consists of, and those inside of a block."""
    _may_split(ev, p, "a slice of part of an axis")
    first, rest = regrouped(parts(axis), (block.count, size(block.size)))
    return parts(first), rest


def digits_at(
    ev: Indexed, p: Primitive, indices: Sequence[sympy.Symbol], place: sympy.Expr
) -> list[sympy.Expr]:
    """What each index of an axis is at one place of it."""
    found: list[sympy.Expr] = []
    for i in reversed(indices[1:]):
        if place != 0 and not (place.is_Integer and size_of(i).is_Integer):
            raise unsupported(p, f"the place {place} of an axis that is split at names of sizes")
        place, digit = divmod(place, size_of(i)) if place != 0 else (place, sympy.S.Zero)
        found.append(digit)
    return [*([place] if indices else []), *reversed(found)]


def one_at(
    ev: Indexed, p: Primitive, indices: Sequence[sympy.Symbol], place: sympy.Expr | int
) -> sympy.Expr:
    """1 at one place of an axis, 0 elsewhere."""
    digits = digits_at(ev, p, indices, sympy.Integer(place))
    return sympy.Mul(*map(sympy.KroneckerDelta, indices, digits))


def position(ev: Indexed, p: Primitive, entry: int, n: Any) -> sympy.Expr:
    """A place of an axis of size ``n``, counted from the front."""
    if isinstance(n, Dim) and entry < 0:
        raise unsupported(p, "an index from the end of a symbolic axis")
    if isinstance(n, Dim) and entry > 0:
        ev.symbols.inside(entry, n)
    return sympy.Integer(entry if entry >= 0 else entry + n)


# --- basic indices ---------------------------------------------------------------------------

_WHOLE = "whole"


@dataclass(frozen=True)
class _Block:
    """A slice that is one of the ``count`` equal blocks of an axis."""

    size: Any
    place: sympy.Expr
    count: sympy.Expr


@dataclass(frozen=True)
class _Run:
    """A slice that is every so many elements, from the first on."""

    first: sympy.Expr
    step: int
    size: Any

    def place(self, i: Axis) -> sympy.Expr:
        """The place that its element ``i`` has on the axis."""
        return self.first if i is None else sympy.expand(self.first + self.step * i)


def _block(start: Any, stop: Any, step: Any, n: Any) -> _Block | None:
    """The block that a slice is, for all sizes there are; None if it is not one."""
    if all(v is None or isinstance(v, int) for v in (start, stop, step)) and isinstance(n, int):
        start, stop, step = slice(start, stop, step).indices(n)
    start, stop = 0 if start is None else start, n if stop is None else stop
    if step not in (None, 1):
        return None
    held, first, whole = size(stop - start), size(start), size(n)
    if not held.is_positive or not (divides(held, first) and divides(held, whole)):
        return None
    place, count = first / held, whole / held
    if not place.is_Integer or place < 0 or (place >= count if count.is_Integer else place > 0):
        return None
    return _Block(stop - start, place, count)


def _entries(p: Primitive, index: Index, shape: Shape) -> list[tuple[Any, int | None]]:
    """Each entry of a basic index, with its axis: an int, None (a new axis), or what a slice is."""
    axes = iter(range(len(shape)))
    found: list[tuple[Any, int | None]] = []
    for e, n in index.along(shape):
        axis = None if e is None else next(axes)
        found.append((_slice_of(p, n, *e[1:]) if isinstance(e, tuple) else e, axis))
    return found


def _slice_of(p: Primitive, n: Any, start: Any, stop: Any, step: Any) -> Any:
    if start in (None, 0) and step in (None, 1) and (stop is None or stop == n):
        return _WHOLE
    if block := _block(start, stop, step, n):
        return block
    if all(v is None or isinstance(v, int) for v in (n, start, stop)):
        where = range(n)[slice(start, stop, step)]
        if where:
            return _Run(sympy.Integer(where[0]), where.step, len(where))
    elif run := run_of(n, start, stop, step):
        return _Run(size(run[0]), run[1], run[2])
    raise unsupported(p, "a slice of part of an axis")
