"""The way of the transposed product: panels of Cᵀ = Bᵀ Aᵀ, turned around in registers as they are stored.

For a few columns, of which a vector would be half empty, where the columns of A lie side by side: vectors along m.
"""

from __future__ import annotations

from ..assembly import V, first_lanes, integer
from .emitter import ZERO
from .operands import turned
from .shuffles import store_some, transposed
from .tiles import sums_of
from .writer import Writer

__all__ = ["Turned"]


class Turned(Writer):
    """Panels of the transposed product: vectors along m, turned around as they are stored."""

    def write(self) -> None:
        """Write all of the product."""
        plan = self.plan
        width = plan.vectors * plan.lanes
        panels, left = divmod(self.m, width)

        def some(start: V, stop: V) -> None:
            self.over(start, stop, 1, lambda i: self.panel(self.times(i, width), width))

        self.shared(panels, some)
        if left:
            self.lastly(lambda: self.panel(integer(panels * width), left))

    def panel(self, row: V, height: int) -> None:
        """Some rows of C, whole."""
        code, lanes, n = self.code, self.lanes, self.n
        vectors = -(-height // lanes)
        last = height - (vectors - 1) * lanes
        mask = first_lanes(last, lanes)
        pa = self.at(self.a.pointer, row, 1)
        rounds = turned(self.rounds)
        sums = sums_of(
            self, self.b.transposed, n, pa, self.a.columns, vectors, mask, self.k, rounds
        )
        target = self.target(row, integer(0), (row, integer(0)))
        flat = self.direct and self.c is not None and self.c.columns != 1 and n > 1
        if n == 1 or flat:
            for j, x in enumerate(sums):
                r, v = divmod(j, vectors)
                far = self.c.columns if flat and self.c is not None else 0
                use = mask if v == vectors - 1 else None
                code.store(x, self.moved(target, r * far + v * lanes), use)
        else:
            for v in range(vectors):
                count = last if v == vectors - 1 else lanes
                for s in range(0, n, lanes):
                    wide = min(lanes, n - s)
                    lines = [sums[(s + i) * vectors + v] for i in range(wide)]
                    for i, x in enumerate(transposed(code, lines, self.type)[:count]):
                        place = self.moved(target, (v * lanes + i) * self.stride + s)
                        store_some(self.code, x, wide, place)
        self.finish(row, self.plus(row, integer(height)), ZERO, n)
