"""The sums of a tile, in registers: the innermost loop of a product.

One sum waits four cycles for the one before it, and two go on at the same time; so a tile of fewer than eight sums
keeps several sets of them, which take the steps of k in turn and are added up at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..assembly import V, constant
from .emitter import Emitter
from .operands import Operand
from .plans import accumulators

__all__ = ["joined", "sums_of"]

UNROLL = 4


def sums_of(
    w: Emitter,
    a: Operand,
    rows: int,
    b: V,
    b_stride: int,
    vectors: int,
    mask: V | None,
    depth: int,
) -> list[V]:
    """The sums of a tile of ``rows`` times ``vectors``, row by row, over ``depth`` steps.

    ``a`` points to the tile's first row; the rows of ``b`` are vectors in memory, ``b_stride`` apart, the last one
    of each under the mask.
    """
    code, lanes, kind = w.code, w.lanes, w.type
    sets = min(accumulators(rows * vectors), max(depth, 1))
    zeros = [constant(0, kind)] * (rows * vectors * sets)

    def steps(pa: V, pb: V, count: int, before: Sequence[V]) -> list[V]:
        sums = list(before)
        for u in range(count):
            row_of_b = []
            for v in range(vectors):
                use = mask if v == vectors - 1 else None
                row_of_b.append(code.load(w.moved(pb, u * b_stride + v * lanes), kind, use))
            for r in range(rows):
                x = code.load(w.moved(pa, r * a.rows + u * a.columns), w.kind)
                x = code.splat(x, lanes)
                for v in range(vectors):
                    at = (u % sets * rows + r) * vectors + v
                    sums[at] = code.fma(x, row_of_b[v], sums[at])
        return sums

    # As much in a round as hides the loop's own instructions, and no more than there are registers for.
    unroll = UNROLL if rows * vectors <= 12 else 2
    if depth <= min(8, max(unroll, 96 // (rows * vectors))):
        return joined(w, steps(a.pointer, b, depth, zeros), sets)
    rounds = depth // unroll
    with code.loop(0, rounds, 1, [a.pointer, b, *zeros]) as loop:
        pa, pb, *held = loop.values
        held = steps(pa, pb, unroll, held)
        loop.next(w.moved(pa, unroll * a.columns), w.moved(pb, unroll * b_stride), *held)
    pa, pb, *held = loop.results
    return joined(w, steps(pa, pb, depth - rounds * unroll, held), sets)


def joined(w: Emitter, sums: list[V], sets: int) -> list[V]:
    """The sum of several sets of sums, pair by pair."""
    while sets > 1:
        each = len(sums) // sets
        pairs = [
            w.code.fadd(sums[2 * s * each + i], sums[(2 * s + 1) * each + i])
            for s in range(sets // 2)
            for i in range(each)
        ]
        sums = pairs + sums[sets // 2 * 2 * each :]
        sets = -(-sets // 2)
    return sums
