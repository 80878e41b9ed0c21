"""Folds on symbols: sums over indices, and the largest element as the one at a label of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import sympy

from ...kinds import Reduce, Scan
from ...ops import reductions
from ...primitives import Primitive
from ...shapes import Shape, reduced
from ..atoms import Step
from ..exact import EXACT, SYMBOLIC, Exact, Read, exact_array
from ..indexed import (
    INDEXED,
    Indexed,
    IndexedArray,
    copied,
    moving,
    over,
    put,
    total,
    unsupported,
)

INDEXED.absent(Reduce, reason="no reading is known for this fold")
INDEXED.absent(Scan, reason="each of its results depends on the order of a whole axis")
EXACT.absent(Reduce, reason="no fold is known for it")
EXACT.absent(reductions.argsort, reason="an order of symbols is not known")


def _folded(fold: Callable[[list[sympy.Expr]], sympy.Expr]) -> Read:
    """A fold over axes, entry by entry."""

    def read(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
        x = exact_array(operands[0])
        axes, keepdims = params["axis"], params["keepdims"]
        kept = [i for i in range(x.ndim) if i not in axes]
        rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[i] for i in kept), -1)
        result = np.empty(rows.shape[:-1], SYMBOLIC)
        for index in np.ndindex(*result.shape):
            result[index] = fold(list(rows[index]))
        if keepdims:
            result = result.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))
        return result

    return read


def _largest_of(values: list[sympy.Expr]) -> sympy.Expr:
    """A fold from the left; each step compares with the largest so far."""
    best = values[0]
    for value in values[1:]:
        best = best + (value - best) * Step(value - best)
    return best


def _position(values: list[sympy.Expr]) -> sympy.Expr:
    """The position of the first largest."""
    best, position = values[0], sympy.S.Zero
    for i, value in enumerate(values[1:], 1):
        wins = Step(value - best)
        best, position = best + (value - best) * wins, position + (i - position) * wins
    return position


EXACT(reductions.sum)(_folded(lambda values: sympy.Add(*values)))
EXACT(reductions.max)(_folded(_largest_of))
EXACT(reductions.argmax)(_folded(_position))


@EXACT(reductions.cumsum)
def _running(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    return ev.on_objects(p, operands, params)


@INDEXED(reductions.sum)
def _sum(ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
    (x,) = arrays
    shape, indices = _without(x, params)
    return IndexedArray(shape, indices, total(x.body, over(x, params["axis"])))


@INDEXED(reductions.cumsum)
def _cumulated(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    """At each place the sum of the elements that do not stand behind it."""
    (x,) = arrays
    slots = moving(ev, p, x.indices[params["axis"]])
    if not slots:
        return x
    (i,) = slots
    (to,) = copied(slots)
    indices = (*x.indices[: params["axis"]], to, *x.indices[params["axis"] + 1 :])
    return IndexedArray(x.shape, indices, total((1 - Step(i - to)) * x.body, slots))


@INDEXED(reductions.max)
def _largest(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    shape, indices = _without(x, params)
    return IndexedArray(shape, indices, put(x.body, _argmax(ev, x, params["axis"])))


@INDEXED(reductions.argmax)
def _position_of_largest(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    (x,) = arrays
    shape, indices = _without(x, params)
    places = _argmax(ev, x, params["axis"])
    if len(places) != 1:
        raise unsupported(p, "over several axes, or one of size 1, at symbolic sizes")
    return IndexedArray(shape, indices, next(iter(places.values())))


def _argmax(ev: Indexed, x: IndexedArray, axes: Iterable[int]) -> dict[sympy.Symbol, sympy.Expr]:
    """For each folded index, the label where the element is largest."""
    folded = over(x, axes)
    kept = [i for i in x.flat if i not in folded]
    places = dict(zip(folded, ev.symbols.place(x.body, folded, kept), strict=True))
    if places:
        ev.ties.append(x.body - put(x.body, places))
    return places


def _without(x: IndexedArray, params: Any) -> tuple[Shape, tuple[Any, ...]]:
    """Shape and indices after a reduction."""
    axes, keepdims = params["axis"], params["keepdims"]
    kept = [
        (None if a in axes else i) for a, i in enumerate(x.indices) if keepdims or a not in axes
    ]
    return reduced(x.shape, axes, keepdims), tuple(kept)
