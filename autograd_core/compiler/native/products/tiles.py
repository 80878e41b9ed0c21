"""The sums of a tile, in registers: the innermost loop of a product.

One sum waits four cycles for the one before it, and two go on at the same time; so a tile of fewer than eight sums
keeps several sets of them, which take the steps of k in turn and are added up at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..assembly import V, constant
from .emitter import Emitter
from .operands import Operand, Round
from .plans import accumulators

__all__ = ["in_rounds", "joined", "sums_of"]

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
    rounds: Sequence[Round] = (),
) -> list[V]:
    """The sums of a tile of ``rows`` times ``vectors``, row by row, over ``depth`` steps (in each of the rounds).

    ``a`` points to the tile's first row; the rows of ``b`` are vectors in memory, ``b_stride`` apart, the last one
    of each under the mask.
    """
    code, lanes, kind = w.code, w.lanes, w.type
    sets = min(accumulators(rows * vectors), max(depth, 1))
    zeros: list[V] = [constant(0, kind)] * (rows * vectors * sets)

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

    def some(pa: V, pb: V, before: Sequence[V]) -> list[V]:
        if depth <= min(8, max(unroll, 96 // (rows * vectors))):
            return steps(pa, pb, depth, before)
        turns = depth // unroll
        with code.loop(0, turns, 1, [pa, pb, *before]) as loop:
            pa, pb, *held = loop.values
            held = steps(pa, pb, unroll, held)
            loop.next(w.moved(pa, unroll * a.columns), w.moved(pb, unroll * b_stride), *held)
        pa, pb, *held = loop.results
        return steps(pa, pb, depth - turns * unroll, held)

    return joined(w, in_rounds(w, rounds, a.pointer, b, zeros, some), sets)


def in_rounds(
    w: Emitter,
    rounds: Sequence[Round],
    pa: V,
    pb: V,
    sums: Sequence[V],
    some: Callable[[V, V, Sequence[V]], list[V]],
) -> list[V]:
    """``some(pa, pb, sums)`` in each round, on the sums that the one before has left."""
    if not rounds:
        return some(pa, pb, sums)
    first, *others = rounds
    with w.code.loop(0, first.times, 1, [pa, pb, *sums]) as loop:
        x, y, *held = loop.values
        held = in_rounds(w, others, x, y, held, some)
        loop.next(w.moved(x, first.a), w.moved(y, first.b), *held)
    return loop.results[2:]


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
