"""The way of dot products: vectors along k, folded at the end; for one or a few columns, or rows, and a long k."""

from __future__ import annotations

from collections.abc import Sequence

from ..assembly import V, constant, first_lanes, integer
from .emitter import ZERO
from .operands import Operand, turned
from .packing import pack_columns
from .plans import accumulators
from .scratch import dots_at_once
from .shuffles import store_some, totals
from .tiles import in_rounds, joined
from .writer import Writer

__all__ = ["Dots"]

STRAIGHT = 8  # vectors of a round that are written out: a loop of few would be entered in each


class Dots(Writer):
    """A few columns, or rows: vectors along k, folded at the end.

    Attributes
    ----------
    long, short : Operand
        The one with rows, and the few columns. Of a flipped plan they are B and A, each transposed.
    count : int
        Rows of the long one.
    at_once : bool
        Whether the epilogue takes all rows, which have a few numbers each.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        flipped = self.plan.flipped
        self.long, few = (self.b.transposed, self.a.transposed) if flipped else (self.a, self.b)
        self.short = few.transposed  # so that both are vectors along k, row by row
        self.count = self.n if flipped else self.m
        self.at_once = dots_at_once(self.plan, self.kind, self.m, self.n)

    def write(self) -> None:
        """Write all of the product."""
        plan = self.plan
        if plan.packed:
            pack_columns(self, self.short, plan.vectors, self.k, self.pack)
            self.short = Operand(self.pack, self.k, 1)
        tiles, left = divmod(self.count, plan.rows)

        def some(start: V, stop: V) -> None:
            self.over(start, stop, 1, lambda i: self.part(self.times(i, plan.rows), plan.rows))
            if self.at_once and self.share is not None:
                self.finish_rows(self.times(start, plan.rows), self.times(stop, plan.rows))

        def last() -> None:
            self.part(integer(tiles * plan.rows), left)
            if self.at_once and self.share is not None:
                self.finish_rows(integer(tiles * plan.rows), integer(self.m))

        self.shared(tiles, some)
        if left:
            self.lastly(last)
        if self.at_once and self.share is None:
            self.finish_rows(integer(0), integer(self.m))

    def finish_rows(self, row: V, stop: V) -> None:
        """Finish whole rows of a tile that holds all of them."""
        self.finish(row, stop, ZERO, self.n, (ZERO, ZERO))

    def part(self, first: V, count: int) -> None:
        """Some rows, or columns, of the result."""
        sums = self.sums(first, count)
        few, end = self.plan.vectors, self.plus(first, integer(count))
        if self.plan.flipped:  # columns of the result are rows of these dots
            base = self.target(ZERO, first, (ZERO, first))
            lines = [[sums[r * few + s] for r in range(count)] for s in range(few)]
            self.fold(lines, base, self.stride)
            self.finish(ZERO, integer(self.m), first, count)
            return
        base = self.target(first, ZERO, (ZERO if self.at_once else first, ZERO))
        if few == 1:
            self.fold([sums], base, 0)
        else:
            lines = [sums[r * few : (r + 1) * few] for r in range(count)]
            self.fold(lines, base, self.stride)
        if not self.at_once:
            self.finish(first, end, ZERO, self.n)

    def sums(self, first: V, count: int) -> list[V]:
        """The vectors whose totals are a tile of dot products."""
        code, lanes, kind = self.code, self.lanes, self.type
        few, k = self.plan.vectors, self.k
        in_vectors = k // lanes
        sets = min(accumulators(count * few), max(in_vectors, 1))
        sums: list[V] = [constant(0, kind)] * (count * few * sets)

        def steps(pa: V, pb: V, number: int, before: Sequence[V], mask: V | None) -> list[V]:
            after = list(before)
            for u in range(number):
                ys = [
                    code.load(self.moved(pb, u * lanes + s * self.short.rows), kind, mask)
                    for s in range(few)
                ]
                for r in range(count):
                    x = code.load(self.moved(pa, u * lanes + r * self.long.rows), kind, mask)
                    for s in range(few):
                        at = (u % sets * count + r) * few + s
                        after[at] = code.fma(x, ys[s], after[at])
            return after

        def some(pa: V, pb: V, before: Sequence[V]) -> list[V]:
            sums = list(before)
            turns, left = divmod(in_vectors, sets)
            if self.rounds and in_vectors <= STRAIGHT:
                turns, left = 0, in_vectors
            if turns == 1:
                sums = steps(pa, pb, sets, sums, None)
                pa, pb = self.moved(pa, sets * lanes), self.moved(pb, sets * lanes)
            elif turns:
                with code.loop(0, turns, 1, [pa, pb, *sums]) as loop:
                    x, y, *held = loop.values
                    held = steps(x, y, sets, held, None)
                    loop.next(self.moved(x, sets * lanes), self.moved(y, sets * lanes), *held)
                pa, pb, *sums = loop.results
            sums = steps(pa, pb, left, sums, None)
            if k % lanes:
                pa, pb = self.moved(pa, left * lanes), self.moved(pb, left * lanes)
                sums = steps(pa, pb, 1, sums, first_lanes(k % lanes, lanes))
            return sums

        pa, pb = self.at(self.long.pointer, first, self.long.rows), self.short.pointer
        rounds = turned(self.rounds) if self.plan.flipped else self.rounds
        return joined(self, in_rounds(self, rounds, pa, pb, sums, some), sets)

    def fold(self, lines: list[list[V]], base: V, stride: int) -> None:
        """Store the totals of vectors, line by line."""
        for i, line in enumerate(lines):
            for s in range(0, len(line), self.lanes):
                vectors = line[s : s + self.lanes]
                total = totals(self.code, vectors, self.type)
                store_some(self.code, total, len(vectors), self.moved(base, i * stride + s))
