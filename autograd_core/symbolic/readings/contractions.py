"""Contractions on symbols: sums of products over indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ...kinds import Contract
from ...ops import contractions
from ...ops.contractions import _parse
from ...primitives import Primitive
from ...shapes import broadcast
from ..exact import EXACT, Exact, exact_array
from ..indexed import (
    INDEXED,
    Axis,
    Indexed,
    IndexedArray,
    contracted,
    distinct,
    last,
    most,
    parts,
    total,
)

INDEXED.absent(Contract, reason="it has no reading as a sum over indices")


@EXACT.kind(Contract)
def _contracted(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    return ev.on_objects(p, operands, params)


@EXACT(contractions.einsum_)
def _by_subscripts(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    # Its forward looks for an order of contraction with functions that do not know objects.
    return exact_array(np.einsum(params["subscripts"], *map(exact_array, operands)))


@INDEXED(contractions.matmul)
def _matmul(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    a, b = arrays
    (inner,) = most(a.indices[-1:], b.indices[-2:-1] or b.indices)
    lead = broadcast(a.shape[:-2], b.shape[:-2])
    vector = len(b.shape) == 1
    rows, columns = a.shape[-2:-1], () if vector else b.shape[-1:]
    shape = (*lead, *rows, *columns)
    indices = distinct(
        (
            *most(a.indices[:-2], b.indices[:-2]),
            *a.indices[-2:-1],
            *(() if vector else b.indices[-1:]),
        )
    )
    row = indices[len(lead) :][: len(rows)]
    column = indices[len(shape) - len(columns) :]

    def product(k: Axis) -> sympy.Expr:
        left = (*last(indices[: len(lead)], len(a.shape) - 2), *row, k)
        right = (*last(indices[: len(lead)], len(b.shape) - 2), k, *column)
        return a.at(left) * b.at(right)

    return IndexedArray(shape, indices, contracted(product, inner))


@INDEXED(contractions.einsum_)
def _einsum(
    ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
) -> IndexedArray:
    terms, result = _parse(params["subscripts"], tuple(a.shape for a in arrays))
    sizes = {
        c: n for t, a in zip(terms, arrays, strict=True) for c, n in zip(t, a.shape, strict=True)
    }
    met: dict[str, list[tuple[Axis]]] = {c: [] for c in sizes}
    for t, a in zip(terms, arrays, strict=True):
        for c, axis in zip(t, a.indices, strict=True):
            met[c].append((axis,))
    chosen = distinct(most(*axes)[0] for axes in met.values())
    letters = dict(zip(met, chosen, strict=True))
    body = sympy.Mul(*(a.at([letters[c] for c in t]) for t, a in zip(terms, arrays, strict=True)))
    return IndexedArray(
        tuple(sizes[c] for c in result),
        tuple(letters[c] for c in result),
        total(body, [i for c in sizes if c not in result for i in parts(letters[c])]),
    )


@INDEXED(contractions.eye)
def _eye(ev: Indexed, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
    n = params["size"]
    i, j = indices = ev.fresh((n, n))
    same = sympy.Mul(*map(sympy.KroneckerDelta, parts(i), parts(j)))
    return IndexedArray((n, n), indices, same)
