"""Matrix products as instructions: register tiles of the exact shape, panels packed where that pays.

C = A B is computed in panels of a few vectors of columns. In a panel, tiles of a few rows stay in
registers while the loop over k goes by: each step loads the panel's row and one number for each of the
tile's rows. A panel whose rows lie far apart (or whose columns are not side by side) is copied into
scratch memory first. Where B would have to be turned around and A is smaller, Cᵀ = Bᵀ Aᵀ is computed
instead and turned around as it is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .assembly import Code, V, constant, vector
from .machine import Machine

__all__ = ["Epilogue", "Operand", "product", "scratch_bytes"]

I64 = "i64"
BYTES = {"float": 4, "double": 8}
BLOCK = 1 << 19  # bytes of A that are gone through for each panel: half of a second-level cache
DEPTH = 2048  # steps of k in one go
TILE = 1 << 16  # bytes of a product that lie in a tile before the epilogue
NEAR = 96  # rows of a block that goes through all panels
UNROLL = 4


class Operand(NamedTuple):
    """A matrix in memory.

    Attributes
    ----------
    pointer : V
    rows, columns : int
        Elements from one row to the next, and from one column to the next.
    """

    pointer: V
    rows: int
    columns: int


Epilogue = Callable[[Code, V, V, V, int, V, int], None]


@dataclass(frozen=True)
class _Plan:
    """How a product is computed.

    Attributes
    ----------
    way : str
        "panels", "turned" (panels of the transposed product) or "dots" (one column).
    rows, vectors : int
        Of a tile: its rows, and its columns in vectors.
    packed : bool
        Whether panels are copied.
    block : int
        Rows that are gone through for a panel.
    depth : int
        Steps of k in one go.
    lanes : int
    first : str
        "panels": all rows of a panel before the next one; "rows": all panels of a block of rows, with
        B packed as a whole before.
    group : int
        Panels that the epilogue takes at once.
    """

    way: str
    rows: int
    vectors: int
    packed: bool
    block: int
    depth: int
    lanes: int
    first: str = "panels"
    group: int = 1


def _plan(
    machine: Machine, kind: str, m: int, n: int, k: int, a: tuple[int, int], b: tuple[int, int]
) -> _Plan:
    lanes = machine.lanes(BYTES[kind])
    if n == 1 and a[1] == 1 and b[0] == 1 and k >= lanes // 2:
        return _Plan("dots", 4, 1, False, m, k, lanes)
    if n == 1 and m > 1 and a[0] == 1:
        return _panels(machine, kind, 1, m, k, (b[1], b[0]), (a[1], a[0]), "turned")
    if b[1] != 1 and 1 < n < lanes and m >= lanes // 2:
        return _panels(machine, kind, n, m, k, (b[1], b[0]), (a[1], a[0]), "turned")
    return _panels(machine, kind, m, n, k, a, b, "panels")


def _panels(
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a: tuple[int, int],
    b: tuple[int, int],
    way: str,
) -> _Plan:
    size = BYTES[kind]
    lanes = min(machine.lanes(size), 1 << (n - 1).bit_length())
    best, least = (1, 1), float("inf")
    room = machine.registers - 3
    across = -(-n // lanes)
    # Rows of A that lie a multiple of 4096 bytes apart share the same few places of the cache.
    most = 8 if a[0] * size % 4096 == 0 and k > 16 else 16
    for vectors in range(1, min(8, across) + 1):
        for rows in range(1, min(most, m) + 1):
            if rows * vectors > room - vectors:
                continue
            step = max(rows * vectors / 2, (rows + vectors) / 2, 4.0)
            blocks = -(-m // rows)
            wide, rest = divmod(across, vectors)
            cycles = 0.0
            for count, width in ((wide, vectors), (1 if rest else 0, rest)):
                if count:
                    tile = max(rows * width / 2, (rows + width) / 2, 4.0)
                    left = m % rows
                    whole = m // rows
                    cycles += count * whole * (tile * k + 8 + rows * width)
                    if left:
                        part = max(left * width / 2, (left + width) / 2, 4.0)
                        cycles += count * (part * k + 8 + left * width)
            kinds = (1 + bool(rest or n % lanes)) * (1 + bool(m % rows))
            cycles += 30 * kinds * rows * vectors / 16 + blocks + step  # code has its price
            if cycles < least:
                best, least = (rows, vectors), cycles
    rows, vectors = best
    depth = min(k, DEPTH)
    block = m
    if m * depth * size > BLOCK * 5 // 4:
        block = max(rows, max(BLOCK // max(1, depth * size), 64) // rows * rows)
    far = b[0] * size
    packed = b[1] != 1 or (
        m > 2 * rows
        and k > 8
        and n > lanes
        and (far % 4096 == 0 or far > 2048 or depth * vectors * lanes * size > 1 << 15)
    )
    if packed and m > 2 * NEAR and k <= DEPTH and n * k * size <= BLOCK * 2 and way == "panels":
        # A panel of many rows would be written a few numbers to a page of memory.
        near = -(-NEAR // rows) * rows
        group = _group(n // (vectors * lanes), near * vectors * lanes * size)
        return _Plan(way, rows, vectors, True, near, depth, lanes, "rows", group)
    group = _group(n // (vectors * lanes), block * vectors * lanes * size) if way == "panels" else 1
    return _Plan(way, rows, vectors, packed, block, depth, lanes, "panels", group)


def _group(panels: int, size: int) -> int:
    """How many panels an epilogue takes at once: of one alone each row is two lines of a page."""
    most = max(1, min(panels, TILE // size))
    return next(g for g in range(most, 0, -1) if panels % g == 0) if panels else 1


def scratch_bytes(
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a_strides: tuple[int, int],
    b_strides: tuple[int, int],
    c_strides: tuple[int, int] | None,
    epilogue: bool,
) -> int:
    """Bytes of scratch memory that `product` needs."""
    if 0 in (m, n):
        return 0
    plan = _plan(machine, kind, m, n, k, a_strides, b_strides)
    size = BYTES[kind]
    width = plan.vectors * plan.lanes
    packed = plan.depth * width * size if plan.packed else 0
    if plan.first == "rows":
        packed *= -(-n // width)
    tile = 0
    if c_strides is None or c_strides[1] != 1:
        if plan.way == "turned":
            tile = width * n * size
        elif plan.way == "dots":
            tile = m * size
        else:
            tile = plan.block * plan.group * width * size
    return -(-packed // 64) * 64 + tile


def product(
    code: Code,
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a: Operand,
    b: Operand,
    c: Operand | None,
    scratch: V,
    *,
    epilogue: Epilogue | None = None,
    share: tuple[V, V] | None = None,
) -> None:
    """Write C = A B at the present place.

    Parameters
    ----------
    kind : str
        "float" or "double".
    m, n, k : int
        A is (m, k), B is (k, n), C is (m, n).
    c : Operand, optional
        None: the result is seen by the epilogue alone.
    scratch : V
        `scratch_bytes` of memory, aligned to 64 bytes.
    epilogue : callable, optional
        ``epilogue(code, row_start, row_stop, column_start, width, tile, tile_stride)`` writes what is
        done where that part of C is complete, in row-major memory at ``tile``.
    share : (V, V), optional
        This thread's part, and the number of parts.
    """
    if 0 in (m, n):
        return
    plan = _plan(machine, kind, m, n, k, (a.rows, a.columns), (b.rows, b.columns))
    _Writer(code, kind, m, n, k, a, b, c, scratch, epilogue, share, plan).write()


def _n(value: int) -> V:
    return V(str(value), I64)


class _Writer:
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
        plan: _Plan,
    ) -> None:
        self.code, self.kind, self.plan = code, kind, plan
        self.turned = plan.way == "turned"
        if self.turned:  # from here on the product is the transposed one
            m, n = n, m
            a, b = Operand(b.pointer, b.columns, b.rows), Operand(a.pointer, a.columns, a.rows)
        self.m, self.n, self.k, self.a, self.b, self.c = m, n, k, a, b, c
        self.epilogue, self.share = epilogue, share
        self.width = plan.vectors * plan.lanes
        size = BYTES[kind]
        self.pack = self.home = scratch
        held = plan.depth * self.width * size if plan.packed else 0
        if plan.first == "rows":
            held *= -(-self.n // self.width)
        held = -(-held // 64) * 64
        self.tile = code.address(scratch, _n(held), "i8")

    def at(self, base: V, offset: V, stride: int) -> V:
        """``base`` moved by ``offset`` steps of ``stride`` elements."""
        if stride == 0 or offset.text == "0":
            return base
        far = offset if stride == 1 else self.code.binary("mul", offset, _n(stride))
        return self.code.address(base, far, self.kind)

    # --- one column --------------------------------------------------------------------------

    def write(self) -> None:
        if self.plan.way == "dots":
            self._dots()
        elif self.plan.first == "rows":
            self._rows_first()
        else:
            self._panels_first()

    def _shared(self, count: int, body: Callable[[V], None]) -> None:
        """A loop of ``count`` rounds, of which this thread takes its part."""
        code = self.code
        if not count:
            return
        if self.share is None:
            if count == 1:
                body(_n(0))
                return
            with code.loop(0, count) as loop:
                body(loop.index)
            return
        part, parts = self.share
        start = code.binary("udiv", code.binary("mul", part, _n(count)), parts)
        end = code.binary("mul", code.binary("add", part, _n(1)), _n(count))
        stop = code.binary("udiv", end, parts)
        guard = self._when(code.compare("slt", start, stop))
        with code.loop(start, stop) as loop:
            body(loop.index)
        self._end(guard)

    def _lastly(self, body: Callable[[], None]) -> None:
        """What is left over, for the last thread."""
        if self.share is None:
            body()
            return
        part, parts = self.share
        guard = self._when(self.code.compare("eq", self.code.binary("add", part, _n(1)), parts))
        body()
        self._end(guard)

    def _blocks(self, body: Callable[[V, int], None]) -> None:
        """All blocks of rows."""
        code, size = self.code, self.plan.block
        blocks, left = divmod(self.m, size)
        if blocks == 1:
            body(_n(0), size)
        elif blocks:
            with code.loop(0, blocks) as loop:
                body(code.binary("mul", loop.index, _n(size)), size)
        if left:
            body(_n(blocks * size), left)

    def _panels_first(self) -> None:
        """Groups of panels, each with all rows."""
        whole, rest = divmod(self.n, self.width)

        def group(index: V) -> None:
            if self.turned:
                first = self.code.binary("mul", index, _n(self.width))
                self._turned(first, self.plan.vectors, None, self.width)
            else:
                self._blocks(lambda start, rows: self._group(start, rows, index))

        self._shared(whole // self.plan.group, group)
        if rest:
            first, (many, mask) = _n(whole * self.width), self._edge(rest)
            if self.turned:
                self._lastly(lambda: self._turned(first, many, mask, rest))
            else:
                self._lastly(lambda: self._blocks(
                    lambda start, rows: self._one(start, rows, first, many, mask, rest)
                ))  # fmt: skip

    def _edge(self, rest: int) -> tuple[int, V | None]:
        """Vectors of a last panel, and the mask of its last one."""
        lanes = self.plan.lanes
        many = -(-rest // lanes)
        return many, _mask(rest - (many - 1) * lanes, lanes)

    def _rows_first(self) -> None:
        """Blocks of rows, each through all panels; B was packed as a whole."""
        code, plan = self.code, self.plan
        whole, rest = divmod(self.n, self.width)
        many, mask = self._edge(rest) if rest else (0, None)
        last = _n(whole * self.width)

        def packed(first: V, index: V, vectors: int, use: V | None) -> None:
            self.pack = self.at(self.home, index, plan.depth * self.width)
            self._pack(self.at(self.b.pointer, first, self.b.columns), vectors, use, self.k)

        if whole:
            with code.loop(0, whole) as loop:
                first = code.binary("mul", loop.index, _n(self.width))
                packed(first, loop.index, plan.vectors, None)
        if rest:
            packed(last, _n(whole), many, mask)

        def block(start: V, rows: int) -> None:
            if whole:
                with code.loop(0, whole // plan.group) as loop:
                    self._group(start, rows, loop.index)
            if rest:
                self.pack = self.at(self.home, _n(whole), plan.depth * self.width)
                self._one(start, rows, last, many, mask, rest)

        blocks, left = divmod(self.m, plan.block)
        self._shared(blocks, lambda i: block(code.binary("mul", i, _n(plan.block)), plan.block))
        if left:
            self._lastly(lambda: block(_n(blocks * plan.block), left))

    def _group(self, start: V, rows: int, index: V) -> None:
        """A block of rows in some panels side by side; then the epilogue on all of them."""
        code, plan = self.code, self.plan
        origin = code.binary("mul", index, _n(plan.group * self.width))

        def panel(p: V) -> None:
            first = origin
            if p.text != "0":
                first = code.binary("add", origin, code.binary("mul", p, _n(self.width)))
            if plan.first == "rows":
                number = code.binary("add", code.binary("mul", index, _n(plan.group)), p)
                self.pack = self.at(self.home, number, plan.depth * self.width)
            self._compute(start, rows, first, plan.vectors, None, self.width, origin)

        if plan.group == 1:
            panel(_n(0))
        else:
            with code.loop(0, plan.group) as loop:
                panel(loop.index)
        self._finish(start, rows, origin, plan.group * self.width)

    def _one(self, start: V, rows: int, first: V, vectors: int, mask: V | None, width: int) -> None:
        """A block of rows in one panel."""
        self._compute(start, rows, first, vectors, mask, width, first)
        self._finish(start, rows, first, width)

    def _finish(self, start: V, rows: int, first: V, width: int) -> None:
        """The epilogue on a part that is complete."""
        if self.c is not None and self.c.columns != 1:
            self._copy(start, rows, first, width)
        if self.epilogue is not None:
            target, stride = self._target(start, first, first)
            stop = self.code.binary("add", start, _n(rows))
            self.epilogue(self.code, start, stop, first, width, target, stride)

    def _when(self, condition: V) -> str:
        inside, after = self.code.fresh("some"), self.code.fresh("none")
        self.code.branch(condition, inside, after)
        self.code.start(inside)
        return after

    def _end(self, after: str) -> None:
        self.code.jump(after)
        self.code.start(after)

    def _dots(self) -> None:
        """One column: vectors along k, a few rows at a time."""
        code, lanes = self.code, self.plan.lanes
        out = self.c.pointer if self.c is not None and self.c.rows == 1 else self.tile
        start: V = _n(0)
        stop: V = _n(self.m)
        guard = None
        if self.share is not None:
            part, parts = self.share
            start = code.binary("udiv", code.binary("mul", part, _n(self.m)), parts)
            end = code.binary("mul", code.binary("add", part, _n(1)), _n(self.m))
            stop = code.binary("udiv", end, parts)
            guard = self._when(code.compare("slt", start, stop))
            with code.loop(start, stop) as loop:
                self._rows_of_dots(loop.index, 1, lanes, out)
        else:
            rows = self.plan.rows
            whole = self.m // rows * rows
            if whole:
                with code.loop(0, whole, rows) as loop:
                    self._rows_of_dots(loop.index, rows, lanes, out)
            if self.m > whole:
                self._rows_of_dots(_n(whole), self.m - whole, lanes, out)
        if self.c is not None and out is self.tile:
            with code.loop(start, stop) as loop:
                v = code.load(code.address(out, loop.index, self.kind), self.kind)
                code.store(v, self.at(self.c.pointer, loop.index, self.c.rows))
        if self.epilogue is not None:
            tile = self.at(out, start, 1)
            self.epilogue(code, start, stop, _n(0), 1, tile, 1)
        if guard is not None:
            self._end(guard)

    def _rows_of_dots(self, row: V, rows: int, lanes: int, out: V) -> None:
        code, kind = self.code, vector(self.kind, lanes)
        pa = self.at(self.a.pointer, row, self.a.rows)
        total = [constant(0, kind)] * rows
        whole = self.k // lanes * lanes

        def step(at: V, sums: list[V], mask: V | None) -> list[V]:
            x = code.load(code.address(self.b.pointer, at, self.kind), kind, mask)
            found = []
            for r in range(rows):
                place = code.binary("add", at, _n(r * self.a.rows)) if r else at
                y = code.load(code.address(pa, place, self.kind), kind, mask)
                found.append(code.fma(y, x, sums[r]))
            return found

        if whole == lanes:
            total = step(_n(0), total, None)
        elif whole:
            with code.loop(0, whole, lanes, total) as loop:
                loop.next(*step(loop.index, loop.values, None))
            total = loop.results
        if self.k > whole:
            total = step(_n(whole), total, _mask(self.k - whole, lanes))
        for r in range(rows):
            v, w = total[r], lanes
            while w > 1:
                w //= 2
                half = vector(self.kind, w)
                low, high = (
                    code.emit(
                        half, f"shufflevector {v}, {v.type} poison, <{w} x i32> <{_range(s, w)}>"
                    )
                    if w > 1
                    else code.emit(half, f"extractelement {v}, i64 {s}")
                    for s in (0, w)
                )
                v = code.fadd(low, high)
            place = code.binary("add", row, _n(r)) if r else row
            code.store(v, code.address(out, place, self.kind))

    # --- panels ------------------------------------------------------------------------------

    def _turned(self, first: V, vectors: int, mask: V | None, width: int) -> None:
        """One panel of the transposed product: some rows of C, whole."""
        self._blocks(
            lambda start, rows: self._compute(start, rows, first, vectors, mask, width, first)
        )
        if self.c is not None and self.c.columns != 1:
            self._copy(first, width, _n(0), self.m)
        if self.epilogue is not None:
            stop = self.code.binary("add", first, _n(width))
            tile, stride = self._target(_n(0), first, first)
            self.epilogue(self.code, first, stop, _n(0), self.m, tile, stride)

    def _target(self, row: V, first: V, origin: V) -> tuple[V, int]:
        """Where a part of the product begins in memory, and its stride.

        C itself, or scratch memory, which begins with column ``origin``. Of a turned product: the rows
        of C from ``first`` on.
        """
        direct = self.c is not None and self.c.columns == 1
        if self.turned:
            if direct:
                assert self.c is not None  # noqa: S101
                return self.at(self.c.pointer, first, self.c.rows), self.c.rows
            return self.tile, self.m
        if direct:
            assert self.c is not None  # noqa: S101
            line = self.at(self.c.pointer, row, self.c.rows)
            return self.at(line, first, 1), self.c.rows
        tile = self.tile
        if first is not origin:
            tile = self.at(tile, self.code.binary("sub", first, origin), 1)
        return tile, self.plan.group * self.width

    def _compute(
        self, start: V, rows: int, first: V, vectors: int, mask: V | None, width: int, origin: V
    ) -> None:
        """A block of rows in one panel, into C or scratch memory."""
        code, plan = self.code, self.plan
        target, stride = self._target(start, first, origin)
        deep, rest = divmod(self.k, plan.depth) if self.k else (0, 0)
        many = deep + bool(rest) > 1
        if many:
            self._zero(target, stride, start, rows, width)
        depths = [(_n(0), plan.depth)] if deep == 1 else []
        if deep > 1:
            with code.loop(0, deep) as loop:
                at = code.binary("mul", loop.index, _n(plan.depth))
                self._deep(start, rows, first, vectors, mask, target, stride, at, plan.depth, many)
        if rest:
            depths.append((_n(deep * plan.depth), rest))
        if not self.k:
            depths = [(_n(0), 0)]
        for at, depth in depths:
            self._deep(start, rows, first, vectors, mask, target, stride, at, depth, many)

    def _zero(self, target: V, stride: int, start: V, rows: int, width: int) -> None:
        """Put zeros into a tile that is summed up in several goes."""
        code = self.code
        zero = constant(0, self.kind)
        with code.loop(0, rows) as i, code.loop(0, width) as j:
            if self.turned:
                row = code.binary("add", start, i.index)
                line = self.at(target, j.index, stride)
                code.store(zero, code.address(line, row, self.kind))
            else:
                code.store(zero, code.address(self.at(target, i.index, stride), j.index, self.kind))

    def _copy(self, start: V, rows: int, first: V, width: int) -> None:
        """A tile into a C whose columns do not lie side by side."""
        code, c = self.code, self.c
        assert c is not None  # noqa: S101
        stride = self.m if self.turned else self.plan.group * self.width
        with code.loop(0, rows) as i:
            line = self.at(self.at(c.pointer, code.binary("add", start, i.index), c.rows), first, c.columns)  # fmt: skip
            held = self.at(self.tile, i.index, stride)
            with code.loop(0, width) as j:
                v = code.load(code.address(held, j.index, self.kind), self.kind)
                code.store(v, self.at(line, j.index, c.columns))

    def _deep(
        self,
        start: V,
        rows: int,
        first: V,
        vectors: int,
        mask: V | None,
        target: V,
        stride: int,
        at: V,
        depth: int,
        more: bool,
    ) -> None:
        """Some steps of k for all rows of a block."""
        code, plan = self.code, self.plan
        panel = self.at(self.at(self.b.pointer, at, self.b.rows), first, self.b.columns)
        row_stride, loads = self.b.rows, mask
        if plan.packed and depth:
            if plan.first == "panels":
                self._pack(panel, vectors, mask, depth)
            panel, row_stride, loads = self.pack, self.width, None
        pa = self.at(self.at(self.a.pointer, start, self.a.rows), at, self.a.columns)
        whole = rows // plan.rows * plan.rows

        def tile(i: V, count: int) -> None:
            self._tile(
                self.at(pa, i, self.a.rows), count, panel, row_stride, vectors, loads, mask,
                target, stride, start, i, depth, more,
            )  # fmt: skip

        if whole == plan.rows:
            tile(_n(0), plan.rows)
        elif whole:
            with code.loop(0, whole, plan.rows) as loop:
                tile(loop.index, plan.rows)
        if rows > whole:
            tile(_n(whole), rows - whole)

    def _pack(self, panel: V, vectors: int, mask: V | None, depth: int) -> None:
        """Copy a panel: its rows one after the other, whole vectors wide."""
        code, lanes = self.code, self.plan.lanes
        kind = vector(self.kind, lanes)
        if self.b.columns != 1 and self.b.rows == 1 and mask is None and lanes > 1:

            def turned(at: V, count: int) -> None:
                source = self.at(panel, at, 1)
                target = self.at(self.pack, at, self.width)
                for v in range(vectors):
                    places = [
                        code.address(source, _n((v * lanes + i) * self.b.columns), self.kind)
                        for i in range(lanes)
                    ]
                    rows = [code.load(p, kind, _mask(count, lanes)) for p in places]
                    for i, x in enumerate(_transposed(code, rows)[:count]):
                        place = code.address(target, _n(i * self.width + v * lanes), self.kind)
                        code.store(x, place)

            done = depth // lanes * lanes
            if done:
                with code.loop(0, done, lanes) as loop:
                    turned(loop.index, lanes)
            if depth > done:
                turned(_n(done), depth - done)
            return
        with code.loop(0, depth) as loop:
            source = self.at(panel, loop.index, self.b.rows)
            target = self.at(self.pack, loop.index, self.width)
            for v in range(vectors):
                use = mask if v == vectors - 1 else None
                if self.b.columns == 1:
                    x = code.load(code.address(source, _n(v * lanes), self.kind), kind, use)
                else:
                    place = code.address(source, _n(v * lanes * self.b.columns), self.kind)
                    x = self._gather(place, self.b.columns, use)
                code.store(x, code.address(target, _n(v * lanes), self.kind))

    def _gather(self, place: V, stride: int, mask: V | None) -> V:
        code, lanes = self.code, self.plan.lanes
        if lanes == 1:
            return code.load(place, self.kind)
        kind = vector(self.kind, lanes)
        use = mask or constant(True, vector("i1", lanes))
        far = ", ".join(f"i64 {i * stride}" for i in range(lanes))
        places = code.emit(
            f"<{lanes} x ptr>", f"getelementptr {self.kind}, {place}, <{lanes} x i64> <{far}>"
        )
        suffix = {"float": "f32", "double": "f64"}[self.kind]
        name = f"llvm.masked.gather.v{lanes}{suffix}.v{lanes}p0"
        code.declared[name] = f"declare {kind} @{name}({places.type}, i32, {use.type}, {kind})"
        return code.emit(
            kind,
            f"call {kind} @{name}({places}, i32 {BYTES[self.kind]}, {use}, {kind} zeroinitializer)",
        )

    def _tile(
        self,
        pa: V,
        rows: int,
        panel: V,
        row_stride: int,
        vectors: int,
        loads: V | None,
        mask: V | None,
        target: V,
        stride: int,
        start: V,
        i: V,
        depth: int,
        more: bool,
    ) -> None:
        """One tile in registers."""
        code, lanes, kind = self.code, self.plan.lanes, vector(self.kind, self.plan.lanes)
        sums = [constant(0, kind)] * (rows * vectors)

        def steps(pa: V, pb: V, count: int, sums: list[V]) -> list[V]:
            sums = list(sums)
            for u in range(count):
                bs = []
                for v in range(vectors):
                    place = _n(u * row_stride + v * lanes)
                    use = loads if v == vectors - 1 else None
                    bs.append(code.load(code.address(pb, place, self.kind), kind, use))
                for r in range(rows):
                    place = _n(r * self.a.rows + u * self.a.columns)
                    x = code.splat(code.load(code.address(pa, place, self.kind), self.kind), lanes)
                    for v in range(vectors):
                        at = r * vectors + v
                        sums[at] = code.fma(x, bs[v], sums[at])
            return sums

        unroll = UNROLL if rows * vectors <= 12 else 2
        if depth <= 8 or depth <= unroll:
            sums = steps(pa, panel, depth, sums)
        else:
            rounds = depth // unroll
            with code.loop(0, rounds, 1, [pa, panel, *sums]) as loop:
                x, y, *held = loop.values
                held = steps(x, y, unroll, held)
                loop.next(
                    code.address(x, _n(unroll * self.a.columns), self.kind),
                    code.address(y, _n(unroll * row_stride), self.kind),
                    *held,
                )
            pa, panel, *sums = loop.results
            sums = steps(pa, panel, depth - rounds * unroll, sums)
        for r in range(rows):
            for v in range(vectors):
                use = mask if v == vectors - 1 else None
                self._put(sums[r * vectors + v], r, v, use, target, stride, start, i, more)

    def _put(
        self,
        value: V,
        r: int,
        v: int,
        mask: V | None,
        target: V,
        stride: int,
        start: V,
        i: V,
        more: bool,
    ) -> None:
        code, lanes = self.code, self.plan.lanes
        if not self.turned:
            line = self.at(target, code.binary("add", i, _n(r)) if r else i, stride)
            place = code.address(line, _n(v * lanes), self.kind)
            if more:
                value = code.fadd(value, code.load(place, value.type, mask))
            code.store(value, place, mask)
            return
        # A row of the transposed product is a column of C.
        column = code.binary("add", start, code.binary("add", i, _n(r)))
        place = code.address(self.at(target, _n(v * lanes), stride), column, self.kind)
        if more:
            value = code.fadd(value, self._gather(place, stride, mask))
        if lanes == 1:
            code.store(value, place)
            return
        use = mask or constant(True, vector("i1", lanes))
        far = ", ".join(f"i64 {j * stride}" for j in range(lanes))
        places = code.emit(
            f"<{lanes} x ptr>", f"getelementptr {self.kind}, {place}, <{lanes} x i64> <{far}>"
        )
        suffix = {"float": "f32", "double": "f64"}[self.kind]
        name = f"llvm.masked.scatter.v{lanes}{suffix}.v{lanes}p0"
        code.declared[name] = f"declare void @{name}({value.type}, {places.type}, i32, {use.type})"
        code.do(f"call void @{name}({value}, {places}, i32 {BYTES[self.kind]}, {use})")


def _transposed(code: Code, rows: list[V]) -> list[V]:
    """The columns of as many vectors as they have lanes: halves change places, quarters, and so on."""
    lanes, kind = len(rows), rows[0].type
    step = lanes // 2
    while step:
        new = list(rows)
        for i in range(lanes):
            if i & step:
                continue
            a, b = rows[i], rows[i + step]
            low = [j if not j & step else lanes + j - step for j in range(lanes)]
            high = [j + step if not j & step else lanes + j for j in range(lanes)]
            for place, picks in ((i, low), (i + step, high)):
                text = ", ".join(f"i32 {p}" for p in picks)
                new[place] = code.emit(kind, f"shufflevector {a}, {b}, <{lanes} x i32> <{text}>")
        rows = new
        step //= 2
    return rows


def _mask(count: int, lanes: int) -> V | None:
    if count == lanes:
        return None
    bits = ", ".join("i1 true" if i < count else "i1 false" for i in range(lanes))
    return V(f"<{bits}>", f"<{lanes} x i1>")


def _range(start: int, count: int) -> str:
    return ", ".join(f"i32 {i}" for i in range(start, start + count))
