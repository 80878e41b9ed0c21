"""Gathers and scatters on symbols: index arrays are labels, z[b, y[b]]."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from ...kinds import Gather
from ...ops import indexing
from ...primitives import Primitive
from ...shapes import Shape, broadcast
from ..assumed import Fact
from ..atoms import Vanishes
from ..exact import (
    EXACT,
    SYMBOLIC,
    Exact,
    exact_array,
    is_concrete,
    mapped,
    unsupported as without_reading,
)
from ..indexed import (
    INDEXED,
    Axis,
    Indexed,
    IndexedArray,
    is_index,
    last,
    over,
    parts,
    size,
    together,
    total,
    unsupported,
)
from ..places import indices_in, label_of, size_of
from .views import position

INDEXED.absent(Gather, reason="its indices are computed")


@EXACT.kind(Gather)
def _elements(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    if not all(is_concrete(o) for o in operands[1:]):
        raise without_reading(p, "its indices are computed from symbols")
    return exact_array(p.forward(exact_array(operands[0]), *operands[1:], **params))


def _in_range(ev: Exact) -> None:
    ev.symbols.facts[Fact("indices")] = None


def _along(ev: Exact, x: Any, labels: Any, axis: int, size: int, put: bool) -> Any:
    """Elements of rows at computed places, or put there: at each place, where they are that."""
    x, rows = np.moveaxis(x, axis, -1), np.moveaxis(labels, axis, -1)
    here = mapped(Vanishes, rows[..., :, None] - exact_array(np.arange(size)))
    _in_range(ev)
    terms = np.broadcast_arrays(here, x[..., :, None] if put else x[..., None, :])
    found = _total(terms[0] * terms[1], -2 if put else -1)
    return exact_array(np.moveaxis(found, -1, axis))


@EXACT(indexing.take_along_axis)
def _taken(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    if is_concrete(operands[1]):
        return _elements(ev, p, operands, params)
    x, labels = map(exact_array, operands)
    return _along(ev, x, labels, params["axis"], x.shape[params["axis"]], False)


@EXACT(indexing.put_along_axis)
def _put_there(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    if is_concrete(operands[1]):
        return _elements(ev, p, operands, params)
    x, labels = map(exact_array, operands)
    return _along(ev, x, labels, params["axis"], params["size"], True)


def _everywhere(ev: Exact, p: Primitive, whole: Any, labels: Any, params: Any) -> Any:
    """Each place that computed indices may be, and where they are it, over the rest of the axes."""
    if any(e != "#" for e in params["pattern"].entries):
        raise without_reading(p, "its indices are computed from symbols, and mixed with slices")
    _in_range(ev)
    lead = np.broadcast_arrays(*labels)
    tail = (None,) * (len(whole) - len(labels))
    for place in np.ndindex(*whole[: len(labels)]):
        if ev.budget is not None:
            ev.budget.check()
        here = functools.reduce(
            operator.mul, (mapped(Vanishes, a - k) for a, k in zip(lead, place, strict=True))
        )
        yield place, here[(..., *tail)]


@EXACT(indexing.gather)
def _gathered(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    if all(is_concrete(o) for o in operands[1:]):
        return _elements(ev, p, operands, params)
    x, *labels = map(exact_array, operands)
    lead = np.broadcast_shapes(*(a.shape for a in labels))
    result = np.full((*lead, *x.shape[len(labels) :]), sympy.S.Zero, SYMBOLIC)
    for place, here in _everywhere(ev, p, x.shape, labels, params):
        result = result + here * x[place]
    return exact_array(result)


@EXACT(indexing.scatter_add)
def _scattered(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    if all(is_concrete(o) for o in operands[1:]):
        return _elements(ev, p, operands, params)
    x, *labels = map(exact_array, operands)
    rank = len(np.broadcast_shapes(*(a.shape for a in labels)))
    result = np.full(params["shape"], sympy.S.Zero, SYMBOLIC)
    for place, here in _everywhere(ev, p, params["shape"], labels, params):
        part = here * x
        result[place] = _total(part.reshape(-1, *part.shape[rank:]), 0)
    return exact_array(result)


def _total(values: Any, axis: int) -> Any:
    """Sums along an axis, always as an array."""
    rows = np.moveaxis(values, axis, -1)
    result = np.empty(rows.shape[:-1], SYMBOLIC)
    for index in np.ndindex(*result.shape):
        result[index] = sympy.Add(*rows[index])
    return result


@INDEXED(indexing.gather)
def _gather(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    x, *labels = arrays
    lead, tail, terms = _places(ev, p, x.shape, labels, params["pattern"])
    return IndexedArray((*lead[0], *tail[0]), (*lead[1], *tail[1]), x.at((*terms, *tail[1])))


@INDEXED(indexing.scatter_add)
def _scatter(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    g, *labels = arrays
    shape = tuple(params["shape"])
    lead, tail, terms = _places(ev, p, shape, labels, params["pattern"])
    indices = (*ev.fresh(shape[: len(labels)]), *tail[1])
    here = sympy.Mul(
        *(
            sympy.KroneckerDelta(_single(ev, p, i), t)
            for i, t in zip(indices, terms, strict=False)
            if i is not None
        )
    )
    body = total(here * g.at((*lead[1], *tail[1])), [i for a in lead[1] for i in parts(a)])
    return IndexedArray(shape, indices, body)


def _single(ev: Indexed, p: Primitive, axis: Axis) -> sympy.Symbol:
    if isinstance(axis, tuple):
        raise unsupported(p, "an axis that is split or merged is indexed by labels")
    return axis


def _places(
    ev: Indexed, p: Primitive, shape: Shape, labels: Sequence[IndexedArray], pattern: Any
) -> Any:
    if any(e != "#" for e in pattern.entries):
        raise unsupported(p, f"the pattern {pattern} mixes index arrays with slices")
    lead = broadcast(*(a.shape for a in labels))
    indices = together(*(a.indices for a in labels))
    tail = shape[len(labels) :]
    terms = [
        _term(ev, p, a.at(last(indices, len(a.shape))), n)
        for a, n in zip(labels, shape, strict=False)
    ]
    return (lead, indices), (tail, ev.fresh(tail)), terms


def _term(ev: Indexed, p: Primitive, e: sympy.Expr, n: Any) -> sympy.Expr:
    """What stands for an axis of size ``n`` that is indexed by ``e``."""
    if not is_index(e):
        raise unsupported(p, f"its indices {e} are computed")
    if e.is_Integer:
        return position(ev, p, int(e), n)
    if indices_in(e) != {e}:
        ev.symbols.indexes(label_of(e), size(n))
    elif size_of(e) != size(n):
        raise unsupported(p, f"its indices are a range over part of an axis of size {n}")
    return e


@INDEXED(indexing.take_along_axis)
def _take(ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
    x, labels = arrays
    axis = params["axis"]
    term = _term(ev, p, labels.body, x.shape[axis])
    terms = (*labels.indices[:axis], term, *labels.indices[axis + 1 :])
    return IndexedArray(labels.shape, labels.indices, x.at(terms))


@INDEXED(indexing.put_along_axis)
def _put(ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
    g, labels = arrays
    axis, n = params["axis"], params["size"]
    here = ev.symbols.fresh(n)
    body = g.at(labels.indices)
    if here is not None:
        body = body * sympy.KroneckerDelta(_single(ev, p, here), _term(ev, p, labels.body, n))
    return IndexedArray(
        (*g.shape[:axis], n, *g.shape[axis + 1 :]),
        (*labels.indices[:axis], here, *labels.indices[axis + 1 :]),
        total(body, over(labels, (axis,))),
    )
