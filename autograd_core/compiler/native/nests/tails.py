"""The body of a nest at the end of a matrix product: bias, activation, update, while a part of it is in the cache.

The product says where a part is complete (`products`), and the body is written there, over the part's rows and columns.
Where the body stores the product as it is, the product is computed in that memory, and the store is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import Buffer, Fold, Load, Nest, Product, Store, row_major
from ..assembly import Code, V, first_lanes, integer, vector
from ..machine import Machine
from ..operations import register_type
from ..products import Operand, product, scratch_bytes
from .axes import Axes, Statement
from .factors import Factors
from .loops import Loops
from .reciprocals import divide_once

__all__ = ["Tail", "workspace"]

STRAIGHT = 16  # statements of a few vectors that are written out without a loop


def workspace(nest: Nest, machine: Machine) -> int:
    """Bytes of scratch memory that the product of a nest packs its operands into."""
    p = nest.product
    if p is None or 0 in nest.sizes:
        return 0
    kind = register_type(p.tile.dtype)
    direct, others = _parted(nest, p)
    axes = Axes(nest, _written(others) + ([direct] if direct is not None else []))
    f = Factors(nest, axes)
    strides = _last_two(axes.strides[direct]) if direct is not None else None
    return scratch_bytes(
        machine, kind, f.m, f.n, f.k, _last_two(f.a), _last_two(f.b),
        strides, bool(_written(others)) or any(p.zeros), f.rounds,
    )  # fmt: skip


class Tail(Loops):
    """A product, and the body that is written on its parts.

    Attributes
    ----------
    product : Product
    factors : Factors
    direct : Store or None
        What stores the product as it is.
    """

    def __init__(
        self,
        code: Code,
        machine: Machine,
        nest: Nest,
        pointers: dict[Buffer, V],
        errors: V,
        share: tuple[V, V] | None,
    ) -> None:
        assert nest.product is not None  # noqa: S101
        self.product = nest.product
        self.direct, others = _parted(nest, nest.product)
        axes = Axes(nest, _written(others) + ([self.direct] if self.direct is not None else []))
        self.factors = Factors(nest, axes)
        self.to = [] if self.direct is None else axes.strides.pop(self.direct)
        axes.body = [statement for statement in axes.body if statement is not self.direct]
        divide_once(axes)
        axes.settle()
        super().__init__(code, machine, axes, pointers, errors, share)

    def write_product(self, scratch: V) -> None:
        """Write the product over its batch, and the body on each part of it."""
        p, f, code, share = self.product, self.factors, self.code, self.share
        kind, loops = register_type(p.tile.dtype), f.loops
        stacks = [f.a, f.b] + ([self.to] if self.direct is not None else [])
        for fold in self.axes.folds():
            self.fill(fold)

        def matrix(buffer: Buffer, offset: V, strides: list[int]) -> Operand:
            pointer = code.address(self.pointers[buffer], offset, kind)
            return Operand(pointer, *_last_two(strides))

        def at(level: int, offsets: list[V]) -> None:
            if level < len(loops):
                with code.loop(0, loops[level]) as loop:
                    self.indices[level:] = [loop.index]
                    moved = [
                        self.advanced(offset, loop.index, strides[level])
                        for offset, strides in zip(offsets, stacks, strict=True)
                    ]
                    at(level + 1, moved)
                return
            a = matrix(p.a.buffer, offsets[0], f.a)
            b = matrix(p.b.buffer, offsets[1], f.b)
            c = None
            if self.direct is not None:
                c = matrix(self.direct.access.buffer, offsets[2], self.to)
            product(
                code, self.machine, kind, f.m, f.n, f.k, a, b, c, scratch,
                epilogue=self._part if self.axes.body else None, share=share, zeros=p.zeros,
                rounds=f.rounds,
            )  # fmt: skip

        at(0, [integer(p.a.offset), integer(p.b.offset), integer(0)][: len(stacks)])

    def _part(
        self,
        code: Code,
        row_start: V,
        row_stop: V,
        column_start: V,
        width: int,
        tile: V,
        tile_stride: int,
    ) -> None:
        """The body at a part of a product that is complete: an `Epilogue`."""
        batch, itemsize = len(self.factors.loops), self.product.tile.dtype.itemsize
        self.axes.lanes = min(self.machine.lanes(itemsize), 1 << (width - 1).bit_length())
        # Each part is written at a place of its own: what one has computed the next one does not see.
        outside = dict(self.values), dict(self.partial), list(self.indices)
        for level in range(batch + 1):
            self.advance_all(level)
        for level in range(batch + 1):
            self.items(level, False, None)

        def line(row: V) -> None:
            first = code.binary("sub", row, row_start)
            at = code.binary("mul", first, integer(tile_stride))
            self._columns(batch + len(self.factors.rows), column_start, width, tile, at)

        if (row_start.text, row_stop.text) == ("0", str(self.factors.m)):
            self._all_rows(batch, integer(0), line)
        else:
            with code.loop(row_start, row_stop) as rows:
                for level, index in enumerate(self._indices(rows.index), batch):
                    self.enter(level, index)
                    self.items(level + 1, False, None)
                line(rows.index)
        self.values, self.partial, self.indices = outside

    def _all_rows(self, level: int, row: V, line: Callable[[V], None]) -> None:
        """All rows, in a loop for each axis of the body that they are."""
        code, axis = self.code, level - len(self.factors.loops)
        if axis == len(self.factors.rows):
            line(row)
            return
        size = self.factors.rows[axis]
        with code.loop(0, size) as loop:
            self.enter(level, loop.index)
            self.items(level + 1, False, None)
            before = row if row.text == "0" else code.binary("mul", row, integer(size))
            at = loop.index if row.text == "0" else code.binary("add", before, loop.index)
            self._all_rows(level + 1, at, line)

    def _indices(self, row: V) -> list[V]:
        """A row of the product as indices along the axes of the body that its rows are."""
        code, indices = self.code, []
        for size in self.factors.rows[:0:-1]:
            indices.append(code.binary("urem", row, integer(size)))
            row = code.binary("udiv", row, integer(size))
        return [row, *reversed(indices)]

    def _columns(self, level: int, start: V, width: int, tile: V, line: V) -> None:
        """One row of a part, from column ``start`` on; of the tile, from element ``line`` on."""
        code, lanes, element = self.code, self.axes.lanes, self.product.tile
        kind = register_type(element.dtype)

        def columns(at: V, mask: V | None) -> None:
            outside = dict(self.values)
            place = at if line.text == "0" else code.binary("add", line, at)
            pointer = code.address(tile, place, kind)
            self.values[element] = code.load(pointer, vector(kind, lanes), mask)
            column = at if start.text == "0" else code.binary("add", start, at)
            self.indices[level:] = [column]
            self.items(level + 1, True, mask)
            self.values = outside

        in_vectors = width // lanes * lanes
        if in_vectors <= STRAIGHT // max(len(self.axes.body), 1) * lanes:
            for at in range(0, in_vectors, lanes):
                columns(integer(at), None)
        elif in_vectors == lanes:
            columns(integer(0), None)
        elif in_vectors:
            with code.loop(0, in_vectors, lanes) as loop:
                columns(loop.index, None)
        if width > in_vectors:
            columns(integer(in_vectors), first_lanes(width - in_vectors, lanes))
        self.leave(level)


def _last_two(strides: list[int]) -> tuple[int, int]:
    return strides[-2], strides[-1]


def _written(body: list[Statement]) -> list[Statement]:
    """The body, if anything of it is written to memory."""
    return body if any(isinstance(statement, (Store, Fold)) for statement in body) else []


def _parted(nest: Nest, p: Product) -> tuple[Store | None, list[Statement]]:
    """What stores a product as it is, if anything does, and the others of the body."""
    order = row_major(nest.sizes)
    direct: Store | None = None
    others: list[Any] = []
    for statement in nest.body:
        plain = (
            isinstance(statement, Store)
            and statement.value is p.tile
            and statement.access.offset == 0
            and all(
                n == 1 or s == o
                for n, s, o in zip(nest.sizes, statement.access.strides, order, strict=True)
            )
        )
        if plain and direct is None:
            direct = statement
        else:
            others.append(statement)
    # Where the tile is written over state that the body still reads, it must wait.
    loaded = [statement.access.buffer for statement in others if isinstance(statement, Load)]
    if direct is not None and any(buffer is direct.access.buffer for buffer in loaded):
        return None, list(nest.body)
    return direct, others
