"""Gathers and scatters with an axis in front: one more index array, or slice, in front."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...ops import indexing, losses
from ...ops.indexing import Pattern
from ...shapes import Dim
from ...shelves import ARRAYS, Shelf
from ...tensors import leaf
from .rules import BATCHED, WHOLE, aligned, along, as_batches, call, rank_of, spread

BATCHED(indexing.take_along_axis, indexing.put_along_axis)(along)


@BATCHED(losses.softmax_cross_entropy)
def _cross_entropy(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    logits, labels = as_batches(xp, xs, flags, size)
    rows, classes = logits.shape[1], logits.shape[2]
    flat = xp.reshape(logits, shape=(size * rows, classes))
    y = call(xp, p, [flat, xp.reshape(labels, shape=(size * rows,))], params)
    return xp.reshape(y, shape=(size, rows))


@functools.lru_cache(maxsize=1024)
def _block(pattern: Pattern, rank: int) -> int:
    """Where the axes of the index arrays stand in ``x[pattern]``, ``x`` of ``rank``.

    NumPy's rules: in front where a slice, None or Ellipsis stands between two of them, and ints
    count as index arrays.
    """
    entries = pattern.entries
    chosen = [k for k, e in enumerate(entries) if e == "#" or isinstance(e, int)]
    before = entries[: chosen[0]]
    if chosen[-1] - chosen[0] + 1 > len(chosen):
        return 0
    used = len([e for e in entries if e is not None and e != "..."])
    return len(before) + (rank - used - 1 if "..." in before else 0)


def _numbers(xp: Shelf, size: Any) -> Any:
    """0, 1, …, size - 1."""
    if isinstance(size, Dim):
        ones = xp.broadcast_to(xp.cast(1, dtype=np.int64), shape=(size,))
        return xp.cumsum(ones, axis=0) - 1
    numbers = np.arange(size)
    return numbers if xp is ARRAYS else leaf(numbers)


def _order(start: int, length: int, to: int, rank: int) -> tuple[int, ...]:
    """Axes with those from ``start`` on, ``length`` of them, moved to stand at ``to``."""
    moved = list(range(start, start + length))
    rest = [i for i in range(rank) if i not in moved]
    return (*rest[:to], *moved, *rest[to:])


def _turned(xp: Shelf, x: Any, order: tuple[int, ...]) -> Any:
    return x if order == tuple(range(len(order))) else xp.transpose(x, axes=order)


def _indices(xp: Shelf, indices: list[Any], flags: list[bool]) -> tuple[list[Any], int]:
    """Index arrays of which some are batches, aligned, and the rank that they broadcast to."""
    rank = max(rank_of(i, f) for i, f in zip(indices, flags, strict=True))
    return [aligned(xp, i, rank) if f else i for i, f in zip(indices, flags, strict=True)], rank


@BATCHED(indexing.gather)
def _gather(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    pattern: Pattern = params["pattern"]
    x, fx = xs[0], flags[0]
    block = _block(pattern, rank_of(x, fx))
    indices, rank = _indices(xp, xs[1:], flags[1:])
    front = Pattern((WHOLE, *pattern.entries))
    if not fx:  # the mapped axis is the first of those of the index arrays
        y = xp.gather(x, *indices, pattern=pattern)
        return _turned(xp, y, _order(block, 1, 0, len(y.shape)))
    if not any(flags[1:]) and (block or not _symbolic(x)):
        y = xp.gather(x, *indices, pattern=front)
        apart = _block(front, len(x.shape)) != block + 1  # then NumPy puts index axes first
        return _turned(xp, y, _order(rank, 1, 0, len(y.shape))) if apart else y
    numbers = xp.reshape(_numbers(xp, size), shape=(size, *(1,) * rank))
    y = xp.gather(x, numbers, *indices, pattern=Pattern(("#", *pattern.entries)))
    return _turned(xp, y, _order(1, rank, 1 + block, len(y.shape)))


def _symbolic(x: Any) -> bool:
    return any(isinstance(n, Dim) for n in x.shape)


@BATCHED(indexing.scatter_add)
def _scatter_add(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    pattern, shape = params["pattern"], params["shape"]
    block = _block(pattern, len(shape))
    indices, rank = _indices(xp, xs[1:], flags[1:])
    g = xs[0] if flags[0] else spread(xp, xs[0], size)
    target = (size, *shape)
    if not any(flags[1:]) and not any(isinstance(n, Dim) for n in target):
        front = Pattern((WHOLE, *pattern.entries))
        if _block(front, len(target)) != block + 1:
            g = _turned(xp, g, _order(0, 1, rank, len(g.shape)))
        return xp.scatter_add(g, *indices, pattern=front, shape=target)
    g = _turned(xp, g, _order(1 + block, rank, 1, len(g.shape)))
    numbers = xp.reshape(_numbers(xp, size), shape=(size, *(1,) * rank))
    return xp.scatter_add(
        g, numbers, *indices, pattern=Pattern(("#", *pattern.entries)), shape=target
    )
