"""Operands copied side by side, before they are gone through again and again.

Rows of B that lie far apart need a page each, and those a multiple of 4096 bytes apart share the same few places of
the cache; columns that are not side by side are no vectors. Where all of A goes by, to copy B once is cheaper.
"""

from __future__ import annotations

from ..assembly import V, first_lanes, integer, ramp
from .emitter import ZERO, Emitter
from .operands import Operand
from .shuffles import store_some, transposed

__all__ = ["pack_columns", "pack_panel"]


def pack_panel(
    w: Emitter, b: Operand, depth: int, vectors: int, last: int, target: V, width: int
) -> None:
    """Copy a panel: its rows one after the other, in whole vectors.

    Parameters
    ----------
    b : Operand
        The panel's first element, and its strides.
    last : int
        Columns of the last vector.
    width : int
        Elements from one row of the copy to the next.
    """
    code, lanes = w.code, w.lanes
    part = last if last != lanes else 0
    if b.columns != 1 and b.rows == 1:
        full = vectors - bool(part)

        def lines(v: V, count: int) -> None:
            here = w.at(b.pointer, v, lanes * b.columns)
            _turn(w, here, b.columns, count, w.at(target, v, lanes), width, depth)

        if full:
            w.over(ZERO, integer(full), 1, lambda v: lines(v, lanes))
        if part:
            lines(integer(full), part)
        return
    mask = first_lanes(part, lanes) if part else None

    def row(i: V) -> None:
        here, there = w.at(b.pointer, i, b.rows), w.at(target, i, width)
        for v in range(vectors):
            use = mask if v == vectors - 1 else None
            place = w.moved(here, v * lanes * b.columns)
            x = (
                code.load(place, w.type, use)
                if b.columns == 1
                else _apart(w, place, b.columns, use)
            )
            code.store(x, w.moved(there, v * lanes))

    w.over(ZERO, integer(depth), 1, row)


def pack_columns(w: Emitter, few: Operand, count: int, k: int, target: V) -> None:
    """Copy a few columns, whose numbers are ``few.columns`` apart, each side by side in memory."""
    code, lanes = w.code, w.lanes
    if few.rows == 1 and count > 1 and lanes > 1 and count <= lanes:
        # The columns' numbers for one k are neighbours: a vector of them is loaded, and squares are turned.
        mask = first_lanes(count, lanes)

        def square(at: V, steps: int) -> None:
            here = w.at(few.pointer, at, few.columns)
            lines = [code.load(w.moved(here, i * few.columns), w.type, mask) for i in range(steps)]
            for s, x in enumerate(transposed(code, lines, w.type)[:count]):
                store_some(code, x, steps, w.moved(w.at(target, at, 1), s * k))

        in_squares = k // lanes * lanes
        w.over(ZERO, integer(in_squares), lanes, lambda at: square(at, lanes))
        if k > in_squares:
            square(integer(in_squares), k - in_squares)
        return

    def column(s: V) -> None:
        here, there = w.at(few.pointer, s, few.rows), w.at(target, s, k)
        with code.loop(0, k) as i:
            x = code.load(w.at(here, i.index, few.columns), w.kind)
            code.store(x, code.address(there, i.index, w.kind))

    w.over(ZERO, integer(count), 1, column)


def _turn(w: Emitter, source: V, far: int, count: int, target: V, stride: int, length: int) -> None:
    """Copy ``count`` (at most a vector's) lines of ``length`` numbers as columns.

    The lines are side by side in memory and ``far`` apart; of the target, ``length`` rows are
    ``stride`` apart, the last few of which are filled up to whole vectors.
    """
    code, lanes, kind = w.code, w.lanes, w.type
    in_squares = length // lanes * lanes

    def square(at: V, mask: V | None) -> None:
        here = w.at(source, at, 1)
        lines = [code.load(w.moved(here, i * far), kind, mask) for i in range(count)]
        there = w.at(target, at, stride)
        for i, x in enumerate(transposed(code, lines, kind)):
            code.store(x, w.moved(there, i * stride))

    if lanes == 1:
        w.over(ZERO, integer(length), 1, lambda at: square(at, None))
        return
    if in_squares == length:
        w.over(ZERO, integer(length), lanes, lambda at: square(at, None))
    elif in_squares == 0:
        square(ZERO, first_lanes(length, lanes))
    elif lanes <= 4:
        w.over(ZERO, integer(in_squares), lanes, lambda at: square(at, None))
        square(integer(in_squares), first_lanes(length - in_squares, lanes))
    else:
        # One body for whole and part vectors: a transpose is a hundred instructions to compile.
        counts = ramp(1, lanes)

        def masked(at: V) -> None:
            left = code.splat(code.binary("sub", integer(length), at), lanes)
            square(at, code.compare("slt", counts, left))

        w.over(ZERO, integer(length), lanes, masked)


def _apart(w: Emitter, place: V, stride: int, mask: V | None) -> V:
    """A vector of numbers that are ``stride`` apart."""
    if w.lanes == 1:
        return w.code.load(place, w.kind)
    steps = ramp(stride, w.lanes)
    places = w.code.emit(f"<{w.lanes} x ptr>", f"getelementptr {w.kind}, {place}, {steps}")
    return w.code.gather(places, w.kind, mask)
