"""Calls of LAPACK with an axis in front: its batches are leading axes."""

from __future__ import annotations

from typing import Any

from ...ops import linalg, random
from ...shelves import Shelf
from .rules import BATCHED, aligned, call, rank_of

BATCHED.absent(linalg.solve_sylvester, reason="row by row: LAPACK solves one at a time")
BATCHED.absent(random.random_bits, reason="row by row: each key draws its own bits")


@BATCHED(
    linalg.slogdet, linalg.det, linalg.cofactor, linalg.cholesky, linalg.eigh, linalg.svd, linalg.qr, linalg.pinv
)  # fmt: skip
def _leading(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    """LAPACK's calls on stacks of matrices."""
    return call(xp, p, xs, params)


@BATCHED(linalg.solve)
def _solve(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    (a, b), (fa, fb) = xs, flags
    ra, rb = rank_of(a, fa), rank_of(b, fb)
    column = rb == 1
    if column:
        if not fb:
            return xp.solve(a, b, **params)
        b = xp.reshape(b, shape=(*b.shape, 1))
    rank = max(ra, rb, 2)
    left = aligned(xp, a, rank) if fa else a
    y = xp.solve(left, aligned(xp, b, rank) if fb else b, **params)
    return xp.reshape(y, shape=y.shape[:-1]) if column else y
