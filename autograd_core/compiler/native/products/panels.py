"""The way of panels: a few vectors of columns at a time, tiles of a few rows in registers.

The loops, from the outside: chunks of panels that are packed together; stretches of k, where one would be more than a
cache holds; blocks of rows that stay in it; groups of panels for one epilogue; a panel; a tile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..assembly import V, constant, first_lanes, integer
from .operands import Operand, Round
from .packing import pack_panel
from .scratch import held
from .tiles import in_rounds, sums_of
from .writer import Writer

__all__ = ["Panels"]


class Stretch(NamedTuple):
    """Steps of k that are done in one go: where they begin, how many, and whether to add to what is there."""

    start: V
    depth: int
    more: bool


class Panels(Writer):
    """Panels of columns: vectors along n.

    Attributes
    ----------
    width : int
        Columns of a panel.
    held : int
        Elements of a packed one.
    block : int
        Rows that are gone through for each panel.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.width = self.plan.vectors * self.plan.lanes
        self.held = held(self.plan) * self.width
        self.block = self.plan.block
        if self.share is not None and self.plan.by_rows:
            # Eight blocks or so, to be shared evenly.
            rows = self.plan.rows
            self.block = min(self.block, max(1, self.m // rows // 8) * rows)

    def write(self) -> None:
        """Write all of the product."""
        plan = self.plan
        panels, columns_left = divmod(self.n, self.width)
        groups = panels // plan.group
        first_left = panels * self.width

        def columns(start: V, stop: V) -> None:
            def chunk(first: V) -> None:
                last = self.smaller(self.plus(first, integer(plan.chunk)), stop)
                self.chunk(first, last)

            if plan.chunk >= groups:
                self.chunk(start, stop)
            else:
                self.over(start, stop, plan.chunk, chunk)

        # Threads share rows, inside of `blocks`, or groups of columns, of which the last has the edge, too.
        if plan.by_rows:
            if groups:
                columns(integer(0), integer(groups))
        else:
            self.shared(groups, columns)
        if columns_left:
            if plan.by_rows:
                self.edge(first_left, columns_left)
            else:
                self.lastly(lambda: self.edge(first_left, columns_left))

    # --- columns ------------------------------------------------------------------------------

    def chunk(self, start: V, stop: V) -> None:
        """Groups of whole panels: copy them; then all rows."""
        plan = self.plan
        width = plan.group * self.width

        def each(body: Callable[[V, V, V], None]) -> None:
            self.blocks(lambda row, end: self.over(start, stop, 1, lambda g: body(row, end, g)))

        def zero(row: V, end: V, g: V) -> None:
            self.zero(row, end, self.times(g, width), width)

        def finish(row: V, end: V, g: V) -> None:
            self.finish(row, end, self.times(g, width), width)

        def stretch(steps: Stretch) -> None:
            first, last = self.times(start, plan.group), self.times(stop, plan.group)

            def pack(p: V) -> None:
                number = p if first.text == "0" else self.code.binary("sub", p, first)
                self.pack_at(number, self.times(p, self.width), steps, plan.vectors, 0)

            def compute(row: V, end: V, g: V) -> None:
                self.group(row, end, g, start, steps)
                if not steps.more:
                    finish(row, end, g)

            if plan.packed and steps.depth:
                self.over(first, last, 1, pack)
            each(compute)

        if not self.stretches(lambda: each(zero), stretch):
            each(finish)

    def edge(self, first: int, width: int) -> None:
        """The last panel, which is narrower."""
        vectors = -(-width // self.lanes)
        last = width - (vectors - 1) * self.lanes
        mask, column = first_lanes(last, self.lanes), integer(first)

        def zero() -> None:
            self.blocks(lambda row, end: self.zero(row, end, column, width))

        def stretch(steps: Stretch) -> None:
            def compute(row: V, end: V) -> None:
                self.panel(row, end, column, (row, column), integer(0), vectors, mask, steps)
                if not steps.more:
                    self.finish(row, end, column, width)

            if self.plan.packed and steps.depth:
                self.pack_at(integer(0), column, steps, vectors, last)
            self.blocks(compute)

        if not self.stretches(zero, stretch):
            self.blocks(lambda row, end: self.finish(row, end, column, width))

    # --- steps of k, and rows -----------------------------------------------------------------

    def stretches(self, zero: Callable[[], None], body: Callable[[Stretch], None]) -> bool:
        """All steps of k, in one go or in several that add up from ``zero``; whether it is one."""
        depth = self.plan.depth
        if depth == self.k:
            body(Stretch(integer(0), depth, False))
            return True
        zero()
        whole, left = divmod(self.k, depth)
        self.over(
            integer(0), integer(whole * depth), depth, lambda at: body(Stretch(at, depth, True))
        )
        if left:
            body(Stretch(integer(whole * depth), left, True))
        return False

    def blocks(self, body: Callable[[V, V], None]) -> None:
        """All rows, or this thread's, in blocks: ``body(start, stop)``."""
        size, rows = self.block, self.plan.rows
        by_rows = self.plan.by_rows and self.share is not None
        if size >= self.m and not by_rows:
            body(integer(0), integer(self.m))
            return
        # Blocks are whole tiles; what is left of the last one is done apart, with a tile of its height.
        in_tiles = self.m // rows * rows
        count = -(-in_tiles // size)

        def some(start: V, stop: V) -> None:
            def block(i: V) -> None:
                row = self.times(i, size)
                end = self.plus(row, integer(size))
                body(row, self.smaller(end, integer(in_tiles)) if in_tiles % size else end)

            self.over(start, stop, 1, block)

        def last() -> None:
            body(integer(in_tiles), integer(self.m))

        if by_rows:
            self.shared(count, some)
        else:
            some(integer(0), integer(count))
        if self.m > in_tiles:
            if by_rows:
                self.lastly(last)
            else:
                last()

    # --- a block of rows ----------------------------------------------------------------------

    def group(self, row: V, end: V, g: V, start: V, steps: Stretch) -> None:
        """A block of rows in some panels side by side."""
        plan = self.plan
        origin = self.times(g, plan.group * self.width)
        before = g if g.text == start.text == "0" else self.code.binary("sub", g, start)
        before = self.times(before, plan.group)  # packed panels of earlier groups

        def panel(p: V) -> None:
            column = self.plus(origin, self.times(p, self.width)) if p.text != "0" else origin
            number = self.plus(before, p)
            self.panel(row, end, column, (row, origin), number, plan.vectors, None, steps)

        self.over(integer(0), integer(plan.group), 1, panel)

    def panel(
        self,
        row: V,
        end: V,
        column: V,
        origin: tuple[V, V],
        number: V,
        vectors: int,
        mask: V | None,
        steps: Stretch,
    ) -> None:
        """A block of rows in one panel, the ``number``-th of those that are packed."""
        rows = self.plan.rows
        rounds = self.rounds
        if self.plan.packed:
            # A packed panel is filled up to whole vectors: nothing of it lies beyond memory.
            b, b_stride, loads = self.at(self.pack, number, self.held), self.width, None
            rounds = self.packed_rounds
        else:
            b = self.at(self.at(self.b.pointer, steps.start, self.b.rows), column, self.b.columns)
            b_stride, loads = self.b.rows, mask
        a = self.at(self.at(self.a.pointer, row, self.a.rows), steps.start, self.a.columns)
        target = self.target(row, column, origin)

        def tile(i: V, count: int) -> None:
            here = Operand(self.at(a, i, self.a.rows), self.a.rows, self.a.columns)
            depth = steps.depth
            if rounds and self.one_stride(
                rounds, b_stride
            ):  # as where A's steps of k have one stride
                sums = sums_of(self, here, count, b, b_stride, vectors, loads, depth * self.turns)
            else:
                sums = sums_of(self, here, count, b, b_stride, vectors, loads, depth, rounds)
            line = self.at(target, i, self.stride)
            for j, x in enumerate(sums):
                r, v = divmod(j, vectors)
                place = self.moved(line, r * self.stride + v * self.lanes)
                use = mask if v == vectors - 1 else None
                if steps.more:
                    x = self.code.fadd(x, self.code.load(place, self.type, use))
                self.code.store(x, place, use)

        if row.text.isdigit() and end.text.isdigit():
            height = int(end.text) - int(row.text)
            in_tiles = height // rows * rows
            self.over(integer(0), integer(in_tiles), rows, lambda i: tile(i, rows))
            if height > in_tiles:
                tile(integer(in_tiles), height - in_tiles)
        elif self.block == rows:
            tile(integer(0), rows)
        else:
            self.over(integer(0), self.code.binary("sub", end, row), rows, lambda i: tile(i, rows))

    def zero(self, row: V, end: V, column: V, width: int) -> None:
        """Zeros, where a part of the product is summed up in several goes."""
        code = self.code
        target = self.target(row, column, (row, column))
        height = code.binary("sub", end, row)
        with code.loop(0, height) as i:
            line = self.at(target, i.index, self.stride)
            with code.loop(0, width) as j:
                code.store(constant(0, self.kind), code.address(line, j.index, self.kind))

    def pack_at(self, number: V, column: V, steps: Stretch, vectors: int, last: int) -> None:
        """Copy the panel that begins at a column to its place among those that are packed."""
        b = self.b
        source = self.at(self.at(b.pointer, steps.start, b.rows), column, b.columns)
        target = self.at(self.pack, number, self.held)

        def some(source: V, target: V, none: Sequence[V]) -> list[V]:
            panel = Operand(source, b.rows, b.columns)
            pack_panel(self, panel, steps.depth, vectors, last, target, self.width)
            return []

        there = [
            Round(r.times, r.b, packed.b)
            for r, packed in zip(self.rounds, self.packed_rounds, strict=True)
        ]
        in_rounds(self, there, source, target, [], some)

    @property
    def turns(self) -> int:
        """How many rounds there are in all."""
        return math.prod(r.times for r in self.rounds)

    @property
    def packed_rounds(self) -> tuple[Round, ...]:
        """The rounds, where the panel is packed: one step after the other."""
        found, step = [], self.k * self.width
        for r in reversed(self.rounds):
            found.append(Round(r.times, r.a, step))
            step *= r.times
        return tuple(found[::-1])

    def one_stride(self, rounds: Sequence[Round], b_stride: int) -> bool:
        """Whether each round goes on where the one within has ended, in A and in the panel."""
        steps = self.k
        for r in reversed(rounds):
            if r.a != steps * self.a.columns or r.b != steps * b_stride:
                return False
            steps *= r.times
        return True
