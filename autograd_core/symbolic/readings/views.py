"""Views on symbols: indices are renamed; axes are split and merged by regrouping them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from ...kinds import View
from ...ops import linalg, views
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
    parts,
    put,
    regrouped,
    size,
    together,
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
        raise unsupported(p, "it joins parts of different sizes")
    _may_split(ev, p, "it joins parts of an axis")
    part = ev.symbols.fresh(len(arrays))
    indices = together(*(x.indices for x in arrays))
    body = sympy.Add(*(_there(ev, p, parts(part), a) * x.at(indices) for a, x in enumerate(arrays)))
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
    for entry, axis in _entries(p, params["index"].entries, x.shape):
        if axis is None:
            shape.append(1)
            indices.append(None)
        elif entry == _WHOLE:
            shape.append(x.shape[axis])
            indices.append(x.indices[axis])
        elif isinstance(entry, _Block):
            first, rest = _blocks(ev, p, entry, x.indices[axis])
            shape.append(entry.size)
            indices.append(rest)
            fixed |= dict(zip(first, _digits(ev, p, first, entry.place), strict=True))
        else:
            place = position(ev, p, entry, x.shape[axis])
            slots = parts(x.indices[axis])
            fixed |= dict(zip(slots, _digits(ev, p, slots, place), strict=True))
    return IndexedArray(tuple(shape), tuple(indices), put(x.body, fixed))


@INDEXED(views.embed)
def _embed(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    shape = tuple(params["shape"])
    indices = ev.fresh(shape)
    terms: list[Any] = []
    here = sympy.S.One
    for entry, axis in _entries(p, params["index"].entries, shape):
        if axis is None:
            terms.append(None)
        elif entry == _WHOLE:
            terms.append(indices[axis])
        elif isinstance(entry, _Block):
            first, rest = _blocks(ev, p, entry, indices[axis])
            terms.append(rest)
            here *= _there(ev, p, first, entry.place)
        else:
            place = position(ev, p, entry, shape[axis])
            here *= _there(ev, p, parts(indices[axis]), place)
    return IndexedArray(shape, indices, here * x.at(terms))


def _blocks(
    ev: Indexed, p: Primitive, block: _Block, axis: Axis
) -> tuple[tuple[sympy.Symbol, ...], Axis]:
    """The indices of the blocks that an axis consists of, and those inside of a block."""
    _may_split(ev, p, "a slice of part of an axis")
    first, rest = regrouped(parts(axis), (block.count, size(block.size)))
    return parts(first), rest


def _digits(
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


def _there(
    ev: Indexed, p: Primitive, indices: Sequence[sympy.Symbol], place: sympy.Expr | int
) -> sympy.Expr:
    """1 at one place of an axis, 0 elsewhere."""
    digits = _digits(ev, p, indices, sympy.Integer(place))
    return sympy.Mul(*map(sympy.KroneckerDelta, indices, digits))


def position(ev: Indexed, p: Primitive, entry: int, n: Any) -> sympy.Expr:
    """A place of an axis of size ``n``, counted from the front."""
    if isinstance(n, Dim) and entry < 0:
        raise unsupported(p, "an index from the end of a symbolic axis")
    if isinstance(n, Dim) and entry > 0:
        ev.symbols.labels.append(f"{entry} in {n}")  # the statement is for sizes above it
    return sympy.Integer(entry if entry >= 0 else entry + n)


# --- basic indices ---------------------------------------------------------------------------

_WHOLE = "whole"


@dataclass(frozen=True)
class _Block:
    """A slice that is one of the ``count`` equal blocks of an axis."""

    size: Any
    place: sympy.Expr
    count: sympy.Expr


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


def _entries(p: Primitive, entries: Sequence[Any], shape: Shape) -> list[tuple[Any, int | None]]:
    """Each entry of a basic index as an int, None (a new axis) or a whole axis, with its axis."""
    consumed = len([e for e in entries if e is not None and e != "..."])
    full = list(entries)
    dots = full.index("...") if "..." in full else len(full)
    full[dots : dots + 1] = [("slice", None, None, None)] * (len(shape) - consumed)
    axes = iter(range(len(shape)))
    found: list[tuple[Any, int | None]] = []
    for e in full:
        if e is None:
            found.append((None, None))
            continue
        axis = next(axes)
        if isinstance(e, tuple):
            _, start, stop, step = e
            if start in (None, 0) and step in (None, 1) and (stop is None or stop == shape[axis]):
                e = _WHOLE
            elif (e := _block(start, stop, step, shape[axis])) is None:
                raise unsupported(p, "a slice of part of an axis")
        found.append((e, axis))
    return found
