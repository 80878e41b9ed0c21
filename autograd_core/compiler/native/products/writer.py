"""What the three ways of computing a product have in common: where results go, and how a part is finished."""

from __future__ import annotations

from ..assembly import Code, V, integer
from .emitter import Emitter
from .operands import BYTES, Epilogue, Operand, Round
from .plans import Plan
from .scratch import columns_at_once, is_direct, packed_bytes
from .zeros import settling

__all__ = ["Writer"]


class Writer(Emitter):
    """One product on its way to instructions.

    Attributes
    ----------
    factors : (Operand, Operand)
        A and B as they were given, whatever a way of computing makes of them.
    direct : bool
        Whether sums are stored into C; else into a tile of scratch memory.
    pack, tile : V
        Where scratch memory holds what is packed, and the tile.
    stride : int
        Elements from one row to the next of what sums are stored into.
    rounds : tuple of Round
        In each of which there are ``k`` steps; none where all are of one stride.
    full : int
        Numbers of the machine's whole vector, of which a narrow product uses a part.
    """

    def __init__(
        self,
        code: Code,
        kind: str,
        m: int,
        n: int,
        k: int,
        a: Operand,
        b: Operand,
        c: Operand | None,
        scratch: V,
        epilogue: Epilogue | None,
        share: tuple[V, V] | None,
        plan: Plan,
        zeros: tuple[bool, bool],
        full: int,
        rounds: tuple[Round, ...],
    ) -> None:
        super().__init__(code, kind, plan.lanes, share)
        self.plan = plan
        self.m, self.n, self.k, self.a, self.b, self.c = m, n, k, a, b, c
        self.rounds = rounds
        self.epilogue, self.zeros, self.full = epilogue, zeros, full
        self.factors = a, b
        strides = None if c is None else (c.rows, c.columns)
        self.direct = is_direct(plan.way, m, n, strides, epilogue is not None or any(zeros))
        self.pack = scratch
        self.tile = self.moved(scratch, packed_bytes(plan, kind, n) // BYTES[kind])
        self.stride = c.rows if self.direct and c else columns_at_once(plan, m, n)

    def write(self) -> None:
        """Write all of the product."""
        raise NotImplementedError

    def target(self, row: V, column: V, origin: tuple[V, V]) -> V:
        """Where an element of the result goes: into C, or into a tile that begins at ``origin``."""
        if self.direct and self.c is not None:
            return self.at(self.at(self.c.pointer, row, self.c.rows), column, self.c.columns)
        base = self.tile
        for here, there, stride in ((row, origin[0], self.stride), (column, origin[1], 1)):
            if here is not there:
                base = self.at(base, self.code.binary("sub", here, there), stride)
        return base

    def finish(
        self, row: V, stop: V, column: V, width: int, origin: tuple[V, V] | None = None
    ) -> None:
        """Copy a tile that is complete, and write the epilogue on it."""
        code, c = self.code, self.c
        tile = self.target(row, column, origin or (row, column))
        if any(self.zeros) and self.k:
            self.settle(row, stop, column, width, tile)
        if c is not None and not self.direct:
            line = self.at(c.pointer, column, c.columns)
            with code.loop(row, stop) as i:
                there = self.at(line, i.index, c.rows)
                here = self.at(tile, code.binary("sub", i.index, row), self.stride)
                with code.loop(0, width) as j:
                    x = code.load(code.address(here, j.index, self.kind), self.kind)
                    code.store(x, self.at(there, j.index, c.columns))
        if self.epilogue is not None:
            self.epilogue(code, row, stop, column, width, tile, self.stride)

    def settle(self, row: V, stop: V, column: V, width: int, tile: V) -> None:
        """A part of C, once more where there is a nan in it; see `settling`."""
        code, (a, b) = self.code, self.factors
        name = settling(code, self.kind, self.full, *self.zeros, len(self.rounds))
        rows = code.binary("sub", stop, row)
        numbers = [self.stride, a.rows, a.columns, b.rows, b.columns, self.k]
        numbers += [number for each in self.rounds for number in each]
        arguments = [
            tile, self.at(a.pointer, row, a.rows), self.at(b.pointer, column, b.columns),
            rows, integer(width), *map(integer, numbers),
        ]  # fmt: skip
        code.do(f"call void @{name}({', '.join(map(str, arguments))})")
