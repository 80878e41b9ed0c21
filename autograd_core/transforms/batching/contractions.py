"""Contractions with an axis in front: one matrix product where one operand has none; einsum gets a letter."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

from ...dtypes import floating
from ...ops import contractions, losses
from ...shapes import count
from ...shelves import Shelf
from ...zeros import winning
from .rules import BATCHED, aligned, one_by_one, rank_of

BATCHED.absent(contractions.eye, reason="it has no operands")


def _merged(xp: Shelf, x: Any, product: Callable[[Any], Any]) -> Any:
    """One product of all rows ``x[..., :]``."""
    lead = x.shape[:-1]
    if len(lead) == 1:
        return product(x)
    y = product(xp.reshape(x, shape=(count(lead), x.shape[-1])))
    return xp.reshape(y, shape=(*lead, *y.shape[1:]))


@BATCHED(contractions.matmul, contractions.matmul_still)
def _matmul(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    (a, b), (fa, fb) = xs, flags
    xp = winning(xp, *(xs[i] for i in params.get("zeros", ())))
    ra, rb = rank_of(a, fa), rank_of(b, fb)
    if fa and not fb and rb <= 2:
        return _merged(xp, a, lambda rows: xp.matmul(rows, b))
    if fb and not fa and rb == 1 and ra <= 2:
        return xp.matmul(b, xp.transpose(a, axes=(1, 0)) if ra == 2 else a)
    if ra == rb == 1:
        return xp.einsum_(a, b, subscripts="bi,bi->b")
    # As matrices, with their batches aligned behind the mapped axis.
    if ra == 1:
        a = xp.reshape(a, shape=(*a.shape[:-1], 1, a.shape[-1]))
    if rb == 1:
        b = xp.reshape(b, shape=(*b.shape, 1))
    rank = max(ra, rb, 2)
    y = xp.matmul(aligned(xp, a, rank) if fa else a, aligned(xp, b, rank) if fb else b)
    shape = y.shape
    kept = (*shape[:-2], *(() if ra == 1 else shape[-2:-1]), *(() if rb == 1 else shape[-1:]))
    return y if kept == shape else xp.reshape(y, shape=kept)


@BATCHED(contractions.affine)
def _affine(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    (x, weight, bias), (fx, fw, fb) = xs, flags
    if fx and not fw and not fb:
        return _merged(xp, x, lambda rows: xp.affine(rows, weight, bias))
    if fx or fw:
        y = _matmul(xp, p, [x, weight], [fx, fw], params, size)
    else:
        y = xp.matmul(x, weight)
    return y + (aligned(xp, bias, rank_of(x, fx)) if fb else bias)


@BATCHED(contractions.einsum_, contractions.einsum_still)
def _einsum(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    subscripts = params["subscripts"]
    spare = next((c for c in string.ascii_letters if c not in subscripts), None)
    if spare is None:
        return one_by_one(xp, p, xs, flags, params, size)
    left, _, result = subscripts.partition("->")
    terms = [spare + t if f else t for t, f in zip(left.split(","), flags, strict=True)]
    xp = winning(xp, *(xs[i] for i in params.get("zeros", ())))
    return xp.einsum_(*xs, subscripts=",".join(terms) + "->" + spare + result)


@BATCHED(losses.squared_distance)
def _squared_distance(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    rank = max(rank_of(x, f) for x, f in zip(xs, flags, strict=True))
    a, b = (aligned(xp, x, rank) if f else x for x, f in zip(xs, flags, strict=True))
    if a.dtype.kind != "f" and b.dtype.kind != "f":
        a = xp.cast(a, dtype=floating(a.dtype))
    return xp.sum(xp.square(a - b), axis=tuple(range(1, rank + 1)), keepdims=False)
