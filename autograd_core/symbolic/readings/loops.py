"""Loops, calls and random bits on symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ...kinds import Call, Loop, Random
from ...primitives import Primitive
from ...shapes import Dim, Shape
from ..exact import EXACT, SYMBOLIC, Exact, unsupported
from ..indexed import (
    INDEXED,
    Indexed,
    IndexedArray,
    parts,
    put,
    together,
    unsupported as not_at_every_size,
)
from .views import digits_at, one_at

_LOOP = "it is a loop, whose iterations are a number of steps"

INDEXED.absent(Random, reason="the evaluator takes a symbol for it")
for _reading in (INDEXED, EXACT):
    _reading.absent(Call, reason="programs write its body out before they are read")


@EXACT.kind(Random)
def _bits(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    key, counter = (np.asarray(o) for o in operands)
    return ev.symbols.random(key, counter, tuple(params["shape"]))


@EXACT.kind(Loop)
def _loop(ev: Exact, p: Primitive, operands: tuple[Any, ...], params: Any) -> tuple[Any, ...]:
    """One iteration after the other."""
    body, length = params["body"], params["length"]
    if isinstance(length, Dim):
        raise unsupported(p, f"its length {length} is not a number")
    first = params["consts"]
    split = first + params["carries"]
    carried = list(operands[first:split])
    rows: list[Any] = [None] * length
    for t in reversed(range(length)) if params["reverse"] else range(length):
        slices = [np.asarray(x)[t, ...] for x in operands[split:]]
        values = body.fold(ev, *operands[:first], *carried, *slices)
        outputs = [np.asarray(values[o]) for o in body.outputs]
        carried, rows[t] = outputs[: len(carried)], outputs[len(carried) :]
    shapes = [o.shape for o in body.outputs[len(carried) :]]
    ys = [np.stack(column) for column in zip(*rows, strict=True)] if length else [
        np.empty((0, *shape), SYMBOLIC) for shape in shapes
    ]  # fmt: skip
    return (*carried, *ys)


@INDEXED.kind(Loop)
def _unrolled(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> tuple[IndexedArray, ...]:
    """One iteration after the other, each on arrays of any size; how many there are is a number."""
    body, length = params["body"], params["length"]
    if isinstance(length, Dim) or not length:
        raise not_at_every_size(p, _LOOP)
    if not any(isinstance(n, Dim) for x in arrays for n in x.shape):
        # Written out, a loop is long: entries are simpler than sums over axes, and as good.
        raise not_at_every_size(p, _LOOP)
    first = params["consts"]
    split = first + params["carries"]
    carried = list(arrays[first:split])
    rows: list[Any] = [None] * length
    for t in reversed(range(length)) if params["reverse"] else range(length):
        slices = [_row(ev, p, x, t) for x in arrays[split:]]
        values = body.fold(ev, *arrays[:first], *carried, *slices)
        outputs = [ev.value(values[o]) for o in body.outputs]
        carried, rows[t] = outputs[: len(carried)], outputs[len(carried) :]
    shapes = [o.shape for o in body.outputs[len(carried) :]]
    ys = [
        _stacked(ev, p, [row[k] for row in rows], shape, length) for k, shape in enumerate(shapes)
    ]
    return (*carried, *ys)


def _row(ev: Indexed, p: Primitive, x: IndexedArray, t: int) -> IndexedArray:
    """x[t]."""
    slots = parts(x.indices[0])
    at = dict(zip(slots, digits_at(ev, p, slots, sympy.Integer(t)), strict=True))
    return IndexedArray(x.shape[1:], x.indices[1:], put(x.body, at))


def _stacked(
    ev: Indexed, p: Primitive, rows: list[IndexedArray], shape: Shape, length: int
) -> IndexedArray:
    """The rows with an axis for them in front: each is at its own place of it."""
    indices = together(*(row.indices for row in rows), (None,) * len(shape))
    new = ev.symbols.fresh(length)
    terms = [one_at(ev, p, parts(new), t) * row.at(indices) for t, row in enumerate(rows)]
    return IndexedArray((length, *shape), (new, *indices), sympy.Add(*terms))
