"""Matrix products as instructions: register tiles of the exact shape, panels packed where that pays.

C = A B is computed in one of three ways, the one that seems cheapest for the shape and strides:

- *panels*: a few vectors of columns at a time. Tiles of a few rows stay in registers while the loop
  over k goes by: each step loads the panel's row, and one number for each of the tile's rows. Panels
  whose rows lie far apart, or whose columns are not side by side, are copied into scratch memory first.
- *turned*: Cᵀ = Bᵀ Aᵀ in panels, turned around in registers as it is stored; for a few columns, of which
  a vector would be half empty, where the columns of A lie side by side.
- *dots*: vectors along k, folded at the end; for one or a few columns (or rows) and a long k.

A product of (128, 128) matrices of doubles with 16 registers of four: panels, in tiles of 4 rows by 2
vectors, 8 panels (64 columns) to a group::

    for g in 0, 1:                            two threads: a group each
        for column in 64 g, 64 g + 8, … :     a panel: 8 columns of B, which stay in the nearest cache
            for i in 0, 4, …, 124:            a tile: 8 sums in registers, from 0
                for k in 0 … 127:
                    B[k, column : + 8] as 2 vectors;  A[i + r, k] spread, for 4 rows r;  8 fused steps
                the sums to C[i : + 4, column : + 8]
        the epilogue on C[:, 64 g : + 64]     bias, activation: while it is in the cache
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .assembly import Code, V, constant, element, lanes as lanes_of, vector
from .machine import Machine

__all__ = ["Epilogue", "Operand", "product", "scratch_bytes"]

I64 = "i64"
BYTES = {"float": 4, "double": 8}
NEAR = 1 << 19  # bytes of B, or of A, that stay in a second-level cache while the other goes by
DEPTH = 2048  # steps of k in one go
TILE = 1 << 16  # bytes of a product that lie in a tile before the epilogue
SHORT = 24  # steps of k under which writing C is most of the work
UNROLL = 4
PAGE = 4096  # bytes after which the places of a first-level cache begin anew


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
Strides = tuple[int, int]


# --- plans ----------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """How a product is computed.

    Attributes
    ----------
    way : str
        "panels", "turned" or "dots".
    rows, vectors, lanes : int
        Of a tile: its rows, its columns in vectors, and how many columns a vector has. Of dots: the
        tile's rows and columns, and how many steps of k a vector has.
    cycles : float
        What it is thought to take.
    flipped : bool
        Dots of a few rows: they are dots of the transposed product, which has a few columns.
    packed : bool
        Whether panels, or the few columns of dots, are copied.
    depth : int
        Steps of k in one go.
    block : int
        Rows of C in one go.
    chunk : int
        Groups of panels that are copied, and then used for all rows, in one go.
    group : int
        Panels that the epilogue takes at once.
    by_rows : bool
        Whether threads share rows of C, not columns.
    """

    way: str
    rows: int
    vectors: int
    lanes: int
    cycles: float
    flipped: bool = False
    packed: bool = False
    depth: int = 0
    block: int = 0
    chunk: int = 1
    group: int = 1
    by_rows: bool = False


def _settled(m: int, n: int, k: int, a: Strides, b: Strides) -> tuple[Strides, Strides]:
    """Strides where those that no step is made along say the best about an operand."""
    return (
        (k if m == 1 else a[0], 1 if k == 1 else a[1]),
        (n if k == 1 else b[0], 1 if n == 1 else b[1]),
    )


def _plan(
    machine: Machine, kind: str, m: int, n: int, k: int, a: Strides, b: Strides, direct: bool
) -> _Plan:
    full = machine.lanes(BYTES[kind])
    plans = [_panels(machine, kind, m, n, k, a, b, direct)]
    if a[0] == 1 and (n == 1 or (n <= 2 * full and n <= 12)) and m > 1:
        plans.append(_turned(machine, kind, m, n, k))
    if n <= 12 and k >= full // 2 and a[1] == 1:
        plans.append(_dots(machine, kind, m, n, k, a[0], b[0], False))
    if m <= 12 and k >= full // 2 and b[0] == 1:
        plans.append(_dots(machine, kind, n, m, k, b[1], a[1], True))
    return min(plans, key=lambda plan: plan.cycles)


def _room(machine: Machine) -> int:
    """Registers for sums and operands: without fused steps, products need one, too."""
    return machine.registers - (1 if machine.width > 16 or machine.registers > 16 else 3)


def _ways(sums: int) -> int:
    """Sets of sums, taken in turn: one sum waits four cycles for the last, and two go on at once."""
    return min(4, -(-8 // sums))


def _tile_cycles(rows: int, vectors: int) -> float:
    """Cycles of a step of k: two sums and two loads are done in one."""
    ways = _ways(rows * vectors)
    return max(rows * vectors / 2, (rows + vectors) / 2 + 0.2, 4.0 / ways)


def _code_cycles(rows: int, vectors: int) -> float:
    """What the code of a tile costs: the time to compile it, in cycles of a product's."""
    return 2.0 * rows * vectors


def _turned(machine: Machine, kind: str, m: int, n: int, k: int) -> _Plan:
    full = machine.lanes(BYTES[kind])
    lanes = min(full, 1 << (m - 1).bit_length())
    across = -(-m // lanes)
    found = []
    for vectors in range(1, min(8, across) + 1):
        if n * vectors + vectors > _room(machine):
            break
        whole, rest = divmod(across, vectors)
        cycles = whole * (k * _tile_cycles(n, vectors) + 10)
        if rest:
            cycles += k * _tile_cycles(n, rest) + 10 + _code_cycles(n, rest)
        cycles += (3.0 if n > 1 else 0.1) * m + _code_cycles(n, vectors)
        found.append(_Plan("turned", n, vectors, lanes, cycles, depth=k))
    return min(found, key=lambda p: p.cycles, default=_Plan("turned", 0, 0, 0, float("inf")))


def _dots(
    machine: Machine, kind: str, m: int, n: int, k: int, far: int, short: int, flipped: bool
) -> _Plan:
    """Dots of ``m`` rows, ``far`` apart, and ``n`` columns whose numbers are ``short`` apart."""
    lanes = min(machine.lanes(BYTES[kind]), 1 << (k - 1).bit_length())
    packed = short != 1
    most = lanes if n == 1 or flipped else 8
    if far and far * BYTES[kind] % PAGE == 0 and n == 1:
        most = min(most, 4)  # 1024x1x1024: 36 µs instead of 45 with 16 rows
    rows = max(1, min((_room(machine) - n) // n, most, m))
    if n * 2 + 1 > _room(machine) and n > 1:
        return _Plan("dots", 0, 0, 0, float("inf"))
    steps = -(-k // lanes)
    cycles = m / rows * (steps * _tile_cycles(rows, n) + 12) + m * n * 1.5 + packed * k * n * 0.7
    return _Plan("dots", rows, n, lanes, cycles, flipped, packed, depth=k)


def _panels(
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a: Strides,
    b: Strides,
    direct: bool,
) -> _Plan:
    size = BYTES[kind]
    lanes = min(machine.lanes(size), 1 << (n - 1).bit_length())
    best, least = (1, 1), float("inf")
    across = -(-n // lanes)
    # Rows of A that lie a multiple of 4096 bytes apart share the same few places of the cache.
    most = 8 if a[0] and a[0] * size % PAGE == 0 and k > 16 else 16
    # Of columns of A that lie so, each step of k waits for one from the second-level cache, however few
    # the rows of the tile: 1024x1024x128 took 12 % longer in 8x2 than in 13x2.
    waits = 1.0 if a[0] == 1 and a[1] * size % PAGE == 0 and k > 16 else 0.0
    if m <= 16 and b[1] == 1 and b[0] and b[0] * size % PAGE == 0 and k > 16:
        waits += 1.0  # the same, of rows of B that few rows of A do not pay to copy
    for vectors in range(1, min(8, across) + 1):
        wide, rest = divmod(across, vectors)
        # A panel that no first-level cache holds: 1024³ in double took 4 % longer in 8x2 than in 6x4.
        streams = 0.04 if k * vectors * lanes * size > 1 << 15 else 0.0
        for rows in range(1, min(most, m) + 1):
            if rows * vectors + vectors > _room(machine):
                break
            whole, left = divmod(m, rows)
            cycles, bodies = 0.0, 0
            for count, width in ((wide, vectors), (int(rest > 0), rest)):
                if not count:
                    continue
                for times, high in ((whole, rows), (int(left > 0), left)):
                    if times:
                        step = _tile_cycles(high, width) + waits + streams * (high + width)
                        tile = step * k + 8 + high * width
                        cycles += count * times * tile + _code_cycles(high, width)
                        bodies += 1
            if n % lanes and not rest and wide > 1:
                cycles += _code_cycles(rows, vectors)  # the last panel has a mask
                bodies += 1 + bool(left)
            # At equal speed, less code: 1024³ in 6x4 and in 5x5 with its tails differ in the time to
            # compile alone, 8 and 15 ms.
            cycles *= 1 + 0.01 * (bodies - 1)
            if cycles < least:
                best, least = (rows, vectors), cycles
    rows, vectors = best
    width = vectors * lanes
    panels = n // width
    far = b[0] * size
    packed = b[1] != 1 or (
        m > 2 * rows
        and k > 8
        and n > lanes
        and (far % PAGE == 0 or far > 2048 or min(k, DEPTH) * width * size > 1 << 15)
    )
    if b[1] != 1:
        least += k * n * (0.4 if b[0] == 1 else 1.5)
    depth = k
    if k > DEPTH and (direct or m * width * size <= NEAR // 2):
        depth = DEPTH
    # Rows that are gone through for each panel: all of them, or as many as stay in the cache.
    block = m
    if depth < k and not direct:
        pass  # the tile of all rows is summed up in several goes
    elif k <= SHORT and n * k * size <= NEAR and m > rows:
        # A panel of many rows would be written a few numbers to a page of memory: 128x1024x10 took
        # three times as long.
        block = rows
    elif m * depth * size > NEAR or m > 192:
        near = NEAR // (max(depth, 1) * size)
        block = max(1, min(near, 104) // rows) * rows
    if (packed and block == m) or (depth < k and not direct):
        chunk = group = 1
    else:
        group = _group(panels, block * width * size)
        chunk = n
        if packed or depth < k:
            chunk = max(1, NEAR // (max(depth, 1) * width * size) // group)
    # Shares of columns are groups, and shares of rows are blocks: whichever halves better.
    groups = panels // group
    uneven = _uneven(groups + (n - panels * width) / (width * group), groups < 2)
    by_rows = False
    if uneven > 1.1 and m >= 2 * rows and depth == k:
        by_rows = _uneven(m / rows, False) < uneven
    return _Plan(
        "panels", rows, vectors, lanes, least, False, packed, depth, block, chunk, group, by_rows
    )  # fmt: skip


def _uneven(units: float, single: bool) -> float:
    """By how much the larger of two shares exceeds a half."""
    return 2.0 if single or units <= 1 else -(-units // 2) * 2 / units


def _group(panels: int, size: int) -> int:
    """How many panels an epilogue takes at once: of one alone each row is two lines of a page."""
    most = max(1, min(panels, TILE // size))
    return next(g for g in range(most, 0, -1) if panels % g == 0) if panels else 1


# --- scratch memory -------------------------------------------------------------------------------


def _is_direct(plan_way: str, m: int, n: int, c: Strides | None, epilogue: bool) -> bool:
    """Whether C itself is what the epilogue sees, or can be written without turning it around."""
    if c is None:
        return False
    if n == 1:
        return c[0] == 1 or m == 1 or plan_way == "panels"
    if plan_way == "turned" and c[0] == 1 and not epilogue:
        return True
    return c[1] == 1


def _packed_bytes(plan: _Plan, kind: str, n: int) -> int:
    if not plan.packed:
        return 0
    size = BYTES[kind]
    if plan.way == "dots":
        count = plan.vectors * plan.depth
    else:
        width = plan.vectors * plan.lanes
        panels = min(plan.chunk * plan.group, -(-n // width))
        count = (-(-plan.depth // plan.lanes) * plan.lanes) * panels * width
    return -(-count * size // 64) * 64


def _dots_at_once(plan: _Plan, kind: str, m: int, n: int) -> bool:
    """Whether the epilogue takes all rows of dots, which have a few each."""
    return not plan.flipped and m * n * BYTES[kind] <= TILE


def _columns_at_once(plan: _Plan, m: int, n: int) -> int:
    """Columns of a tile in scratch memory."""
    if plan.way == "turned" or (plan.way == "dots" and not plan.flipped):
        return n
    if plan.way == "dots":
        return plan.rows
    return plan.group * plan.vectors * plan.lanes


def _tile_bytes(plan: _Plan, kind: str, m: int, n: int) -> int:
    if plan.way == "turned":
        rows = plan.vectors * plan.lanes
    elif plan.way == "dots":
        rows = m if plan.flipped or _dots_at_once(plan, kind, m, n) else plan.rows
    else:
        rows = plan.block
    return -(-rows * _columns_at_once(plan, m, n) * BYTES[kind] // 64) * 64


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
    a, b = _settled(m, n, k, a_strides, b_strides)
    direct = _is_direct("panels", m, n, c_strides, epilogue)
    plan = _plan(machine, kind, m, n, k, a, b, direct)
    tile = _is_direct(plan.way, m, n, c_strides, epilogue)
    return _packed_bytes(plan, kind, n) + (0 if tile else _tile_bytes(plan, kind, m, n))


# --- writing --------------------------------------------------------------------------------------


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
    zeros: tuple[bool, bool] = (False, False),
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
    zeros : (bool, bool)
        Whether a zero of A, and of B, wins over an infinity or a nan.
    """
    if 0 in (m, n):
        return
    a_strides, b_strides = _settled(m, n, k, (a.rows, a.columns), (b.rows, b.columns))
    strides = None if c is None else (c.rows, c.columns)
    direct = _is_direct("panels", m, n, strides, epilogue is not None or any(zeros))
    plan = _plan(machine, kind, m, n, k, a_strides, b_strides, direct)
    a, b = Operand(a.pointer, *a_strides), Operand(b.pointer, *b_strides)
    writer = {"panels": _Panels, "turned": _Turned, "dots": _Dots}[plan.way]
    full = machine.lanes(BYTES[kind])
    writer(code, kind, m, n, k, a, b, c, scratch, epilogue, share, plan, zeros, full).write()


def _n(value: int) -> V:
    return V(str(value), I64)


ZERO = _n(0)


class _Writer:
    """What the three ways have in common."""

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
        zeros: tuple[bool, bool],
        full: int,
    ) -> None:
        self.code, self.kind, self.plan = code, kind, plan
        self.m, self.n, self.k, self.a, self.b, self.c = m, n, k, a, b, c
        self.epilogue, self.share, self.zeros, self.full = epilogue, share, zeros, full
        # As A and B, whatever a way of computing makes of them.
        self.factors = a, b
        self.lanes = plan.lanes
        self.type = vector(kind, plan.lanes)
        strides = None if c is None else (c.rows, c.columns)
        self.direct = _is_direct(plan.way, m, n, strides, epilogue is not None or any(zeros))
        self.pack = scratch
        self.tile = self.moved(scratch, _packed_bytes(plan, kind, n) // BYTES[kind])
        self.stride = c.rows if self.direct and c else _columns_at_once(plan, m, n)

    # --- integers and addresses ---------------------------------------------------------------

    def times(self, x: V, factor: int) -> V:
        """An integer, computed now where it is known."""
        if x.text.isdigit():
            return _n(int(x.text) * factor)
        return x if factor == 1 else self.code.binary("mul", x, _n(factor))

    def plus(self, x: V, y: V) -> V:
        if x.text.isdigit() and y.text.isdigit():
            return _n(int(x.text) + int(y.text))
        if "0" in (x.text, y.text):
            return y if x.text == "0" else x
        return self.code.binary("add", x, y)

    def moved(self, base: V, elements: int) -> V:
        return self.code.address(base, _n(elements), self.kind) if elements else base

    def at(self, base: V, offset: V, stride: int) -> V:
        """``base`` moved by ``offset`` steps of ``stride`` elements."""
        if stride == 0 or offset.text == "0":
            return base
        return self.code.address(base, self.times(offset, stride), self.kind)

    # --- control ------------------------------------------------------------------------------

    def smaller(self, x: V, y: V) -> V:
        if x.text.isdigit() and y.text.isdigit():
            return _n(min(int(x.text), int(y.text)))
        return self.code.select(self.code.compare("slt", x, y), x, y)

    def over(self, start: V, stop: V, step: int, body: Callable[[V], None]) -> None:
        """A loop; no loop where there is one round."""
        if start.text.isdigit() and stop.text.isdigit():
            if int(start.text) >= int(stop.text):
                return
            if int(start.text) + step >= int(stop.text):
                body(start)
                return
        with self.code.loop(start, stop, step) as loop:
            body(loop.index)

    def shared(self, count: int, body: Callable[[V, V], None]) -> None:
        """``body(start, stop)`` on this thread's part of ``count`` units, if it has any."""
        code = self.code
        if not count:
            return
        if self.share is None:
            body(_n(0), _n(count))
            return
        part, parts = self.share
        start = code.binary("udiv", self.times(part, count), parts)
        stop = code.binary("udiv", self.times(self.plus(part, _n(1)), count), parts)
        after = self.when(code.compare("slt", start, stop))
        body(start, stop)
        self.end(after)

    def lastly(self, body: Callable[[], None]) -> None:
        """What is left over, for the last thread."""
        if self.share is None:
            body()
            return
        part, parts = self.share
        after = self.when(self.code.compare("eq", self.plus(part, _n(1)), parts))
        body()
        self.end(after)

    def when(self, condition: V) -> str:
        inside, after = self.code.fresh("some"), self.code.fresh("none")
        self.code.branch(condition, inside, after)
        self.code.start(inside)
        return after

    def end(self, after: str) -> None:
        self.code.jump(after)
        self.code.start(after)

    # --- results ------------------------------------------------------------------------------

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

    # --- zeros that win -----------------------------------------------------------------------

    def settle(self, row: V, stop: V, column: V, width: int, tile: V) -> None:
        """A part of C, once more where there is a nan in it; see `_settling`."""
        code, (a, b) = self.code, self.factors
        name = _settling(code, self.kind, self.full, *self.zeros)
        rows = code.binary("sub", stop, row)
        numbers = (self.stride, a.rows, a.columns, b.rows, b.columns, self.k)
        given = [
            tile, self.at(a.pointer, row, a.rows), self.at(b.pointer, column, b.columns),
            rows, _n(width), *map(_n, numbers),
        ]  # fmt: skip
        code.do(f"call void @{name}({', '.join(map(str, given))})")

    # --- copies -------------------------------------------------------------------------------

    def turn(self, source: V, far: int, count: int, target: V, stride: int, length: int) -> None:
        """Copy ``count`` (at most a vector's) lines of ``length`` numbers as columns.

        The lines are side by side in memory and ``far`` apart; of the target, ``length`` rows are
        ``stride`` apart, the last few of which are filled up to whole vectors.
        """
        code, lanes = self.code, self.lanes
        kind = self.type
        whole = length // lanes * lanes

        def square(at: V, mask: V | None) -> None:
            here = self.at(source, at, 1)
            lines = [code.load(self.moved(here, i * far), kind, mask) for i in range(count)]
            there = self.at(target, at, stride)
            for i, x in enumerate(_transposed(code, lines, kind)):
                code.store(x, self.moved(there, i * stride))

        if lanes == 1:
            self.over(_n(0), _n(length), 1, lambda at: square(at, None))
            return
        if whole == length:
            self.over(_n(0), _n(length), lanes, lambda at: square(at, None))
        elif whole == 0:
            square(_n(0), _mask(length, lanes))
        elif lanes <= 4:
            self.over(_n(0), _n(whole), lanes, lambda at: square(at, None))
            square(_n(whole), _mask(length - whole, lanes))
        else:
            # One body for whole and part vectors: a transpose is a hundred instructions to compile.
            steps = ", ".join(f"i64 {i}" for i in range(lanes))
            counts = V(f"<{steps}>", f"<{lanes} x i64>")

            def masked(at: V) -> None:
                left = code.splat(code.binary("sub", _n(length), at), lanes)
                square(at, code.compare("slt", counts, left))

            self.over(_n(0), _n(length), lanes, masked)

    def gather(self, place: V, stride: int, mask: V | None) -> V:
        code, lanes = self.code, self.lanes
        if lanes == 1:
            return code.load(place, self.kind)
        use = mask or constant(True, vector("i1", lanes))
        far = ", ".join(f"i64 {i * stride}" for i in range(lanes))
        places = code.emit(
            f"<{lanes} x ptr>", f"getelementptr {self.kind}, {place}, <{lanes} x i64> <{far}>"
        )
        suffix = {"float": "f32", "double": "f64"}[self.kind]
        name = f"llvm.masked.gather.v{lanes}{suffix}.v{lanes}p0"
        code.declared[name] = f"declare {self.type} @{name}({places.type}, i32, {use.type}, {self.type})"  # fmt: skip
        zero = f"{self.type} zeroinitializer"
        return code.emit(
            self.type, f"call {self.type} @{name}({places}, i32 {BYTES[self.kind]}, {use}, {zero})"
        )

    # --- tiles --------------------------------------------------------------------------------

    def sums(
        self,
        a: Operand,
        rows: int,
        b: V,
        b_stride: int,
        vectors: int,
        mask: V | None,
        depth: int,
    ) -> list[V]:
        """The sums of a tile of ``rows`` times ``vectors``, row by row, over ``depth`` steps.

        ``a`` points to the tile's first row; the rows of ``b`` are whole vectors in memory.
        """
        code, lanes, kind = self.code, self.lanes, self.type
        ways = min(_ways(rows * vectors), max(depth, 1))
        sums = [constant(0, kind)] * (rows * vectors * ways)

        def steps(pa: V, pb: V, count: int, sums: Sequence[V]) -> list[V]:
            sums = list(sums)
            for u in range(count):
                bs = []
                for v in range(vectors):
                    use = mask if v == vectors - 1 else None
                    bs.append(code.load(self.moved(pb, u * b_stride + v * lanes), kind, use))
                for r in range(rows):
                    x = code.load(self.moved(pa, r * a.rows + u * a.columns), self.kind)
                    x = code.splat(x, lanes)
                    for v in range(vectors):
                        at = (u % ways * rows + r) * vectors + v
                        sums[at] = code.fma(x, bs[v], sums[at])
            return sums

        unroll = UNROLL if rows * vectors <= 12 else 2
        if depth <= min(8, max(unroll, 96 // (rows * vectors))):
            return self.joined(steps(a.pointer, b, depth, sums), ways)
        rounds = depth // unroll
        with code.loop(0, rounds, 1, [a.pointer, b, *sums]) as loop:
            x, y, *held = loop.values
            held = steps(x, y, unroll, held)
            loop.next(self.moved(x, unroll * a.columns), self.moved(y, unroll * b_stride), *held)
        x, y, *held = loop.results
        return self.joined(steps(x, y, depth - rounds * unroll, held), ways)

    def joined(self, sums: list[V], ways: int) -> list[V]:
        """The sum of several sets of sums."""
        while ways > 1:
            each = len(sums) // ways
            joined = [
                self.code.fadd(sums[2 * w * each + i], sums[(2 * w + 1) * each + i])
                for w in range(ways // 2)
                for i in range(each)
            ]
            sums = joined + sums[ways // 2 * 2 * each :]
            ways = -(-ways // 2)
        return sums


class _Panels(_Writer):
    """Panels of columns: vectors along n."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.width = self.plan.vectors * self.plan.lanes
        depth = self.plan.depth
        if self.plan.packed:
            depth = -(-depth // self.lanes) * self.lanes
        self.held = depth * self.width  # elements of a packed panel
        self.block = self.plan.block
        if self.share is not None and self.plan.by_rows:
            # Eight blocks or so, to be shared evenly.
            rows = self.plan.rows
            self.block = min(self.block, max(1, self.m // rows // 8) * rows)

    def write(self) -> None:
        plan = self.plan
        whole, rest = divmod(self.n, self.width)
        groups = whole // plan.group

        def columns(start: V, stop: V) -> None:
            def chunk(first: V) -> None:
                last = self.smaller(self.plus(first, _n(plan.chunk)), stop)
                self.chunk(first, last)

            if plan.chunk >= groups:
                self.chunk(start, stop)
            else:
                self.over(start, stop, plan.chunk, chunk)

        if plan.by_rows:
            if groups:
                columns(_n(0), _n(groups))
        else:
            self.shared(groups, columns)
        if rest:
            if plan.by_rows:
                self.edge(whole * self.width, rest)
            else:
                self.lastly(lambda: self.edge(whole * self.width, rest))

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

        def deep(at: V, depth: int, more: bool) -> None:
            first, last = self.times(start, plan.group), self.times(stop, plan.group)

            def copy(p: V) -> None:
                number = p if first.text == "0" else self.code.binary("sub", p, first)
                self.copy(self.times(p, self.width), at, depth, plan.vectors, 0, number)

            def compute(row: V, end: V, g: V) -> None:
                self.group(row, end, g, start, at, depth, more)
                if not more:
                    finish(row, end, g)

            if plan.packed and depth:
                self.over(first, last, 1, copy)
            each(compute)

        if not self.deeply(lambda: each(zero), deep):
            each(finish)

    def edge(self, first: int, rest: int) -> None:
        """The last panel, which is narrower."""
        vectors = -(-rest // self.lanes)
        last = rest - (vectors - 1) * self.lanes
        mask, column = _mask(last, self.lanes), _n(first)

        def zero() -> None:
            self.blocks(lambda row, end: self.zero(row, end, column, rest))

        def deep(at: V, depth: int, more: bool) -> None:
            def compute(row: V, end: V) -> None:
                self.panel(row, end, column, (row, column), _n(0), vectors, mask, at, depth, more)
                if not more:
                    self.finish(row, end, column, rest)

            if self.plan.packed and depth:
                self.copy(column, at, depth, vectors, last, _n(0))
            self.blocks(compute)

        if not self.deeply(zero, deep):
            self.blocks(lambda row, end: self.finish(row, end, column, rest))

    def deeply(self, zero: Callable[[], None], body: Callable[[V, int, bool], None]) -> bool:
        """All steps of k, in one go or more: ``body(at, depth, more)``; whether it is one."""
        depth = self.plan.depth
        if depth == self.k:
            body(_n(0), depth, False)
            return True
        zero()
        whole, rest = divmod(self.k, depth)
        self.over(_n(0), _n(whole * depth), depth, lambda at: body(at, depth, True))
        if rest:
            body(_n(whole * depth), rest, True)
        return False

    def blocks(self, body: Callable[[V, V], None]) -> None:
        """All rows, or this thread's, in blocks: ``body(start, stop)``."""
        size, rows = self.block, self.plan.rows
        by_rows = self.plan.by_rows and self.share is not None
        if size >= self.m and not by_rows:
            body(_n(0), _n(self.m))
            return
        whole = self.m // rows * rows
        count = -(-whole // size)

        def some(start: V, stop: V) -> None:
            def one(i: V) -> None:
                row = self.times(i, size)
                end = self.plus(row, _n(size))
                body(row, self.smaller(end, _n(whole)) if whole % size else end)

            self.over(start, stop, 1, one)

        if by_rows:
            self.shared(count, some)
        else:
            some(_n(0), _n(count))
        if self.m > whole:
            if by_rows:
                self.lastly(lambda: body(_n(whole), _n(self.m)))
            else:
                body(_n(whole), _n(self.m))

    def group(self, row: V, end: V, g: V, start: V, at: V, depth: int, more: bool) -> None:
        """A block of rows in some panels side by side."""
        plan = self.plan
        origin = self.times(g, plan.group * self.width)
        held = g if g.text == start.text == "0" else self.code.binary("sub", g, start)
        held = self.times(held, plan.group)

        def one(p: V) -> None:
            column = self.plus(origin, self.times(p, self.width)) if p.text != "0" else origin
            self.panel(
                row, end, column, (row, origin), self.plus(held, p), plan.vectors, None, at, depth, more
            )  # fmt: skip

        self.over(_n(0), _n(plan.group), 1, one)

    def panel(
        self,
        row: V,
        end: V,
        column: V,
        origin: tuple[V, V],
        number: V,
        vectors: int,
        mask: V | None,
        at: V,
        depth: int,
        more: bool,
    ) -> None:
        """A block of rows in one panel."""
        rows = self.plan.rows
        if self.plan.packed:
            b, b_stride, loads = self.at(self.pack, number, self.held), self.width, None
        else:
            b = self.at(self.at(self.b.pointer, at, self.b.rows), column, self.b.columns)
            b_stride, loads = self.b.rows, mask
        a = self.at(self.at(self.a.pointer, row, self.a.rows), at, self.a.columns)
        target = self.target(row, column, origin)

        def tile(i: V, count: int) -> None:
            here = Operand(self.at(a, i, self.a.rows), self.a.rows, self.a.columns)
            sums = self.sums(here, count, b, b_stride, vectors, loads, depth)
            line = self.at(target, i, self.stride)
            for j, x in enumerate(sums):
                r, v = divmod(j, vectors)
                place = self.moved(line, r * self.stride + v * self.lanes)
                use = mask if v == vectors - 1 else None
                if more:
                    x = self.code.fadd(x, self.code.load(place, self.type, use))
                self.code.store(x, place, use)

        if row.text.isdigit() and end.text.isdigit():
            height = int(end.text) - int(row.text)
            whole = height // rows * rows
            self.over(_n(0), _n(whole), rows, lambda i: tile(i, rows))
            if height > whole:
                tile(_n(whole), height - whole)
        elif self.block == rows:
            tile(_n(0), rows)
        else:
            self.over(_n(0), self.code.binary("sub", end, row), rows, lambda i: tile(i, rows))

    def zero(self, row: V, end: V, column: V, width: int) -> None:
        """Zeros, where a part of the product is summed up in several goes."""
        code = self.code
        target = self.target(row, column, (row, column))
        height = code.binary("sub", end, row)
        with code.loop(0, height) as i:
            line = self.at(target, i.index, self.stride)
            with code.loop(0, width) as j:
                code.store(constant(0, self.kind), code.address(line, j.index, self.kind))

    def copy(self, column: V, at: V, depth: int, vectors: int, last: int, number: V) -> None:
        """Copy a panel: its rows one after the other, in whole vectors; ``last``: of the last one."""
        code, lanes, b = self.code, self.lanes, self.b
        source = self.at(self.at(b.pointer, at, b.rows), column, b.columns)
        target = self.at(self.pack, number, self.held)
        part = last if last != lanes else 0
        if b.columns != 1 and b.rows == 1:
            whole = vectors - bool(part)

            def turned(v: V, count: int) -> None:
                here = self.at(source, v, lanes * b.columns)
                self.turn(here, b.columns, count, self.at(target, v, lanes), self.width, depth)

            if whole:
                self.over(_n(0), _n(whole), 1, lambda v: turned(v, lanes))
            if part:
                turned(_n(whole), part)
            return
        mask = _mask(part, lanes) if part else None

        def line(i: V) -> None:
            here, there = self.at(source, i, b.rows), self.at(target, i, self.width)
            for v in range(vectors):
                use = mask if v == vectors - 1 else None
                place = self.moved(here, v * lanes * b.columns)
                if b.columns == 1:
                    x = code.load(place, self.type, use)
                else:
                    x = self.gather(place, b.columns, use)
                code.store(x, self.moved(there, v * lanes))

        self.over(_n(0), _n(depth), 1, line)


class _Turned(_Writer):
    """Panels of the transposed product: vectors along m, turned around as they are stored."""

    def write(self) -> None:
        plan = self.plan
        width = plan.vectors * plan.lanes
        whole, rest = divmod(self.m, width)

        def some(start: V, stop: V) -> None:
            self.over(start, stop, 1, lambda i: self.panel(self.times(i, width), width))

        self.shared(whole, some)
        if rest:
            self.lastly(lambda: self.panel(_n(whole * width), rest))

    def panel(self, row: V, height: int) -> None:
        """Some rows of C, whole."""
        code, lanes, n = self.code, self.lanes, self.n
        vectors = -(-height // lanes)
        last = height - (vectors - 1) * lanes
        mask = _mask(last, lanes)
        columns = Operand(self.b.pointer, self.b.columns, self.b.rows)
        pa = self.at(self.a.pointer, row, 1)
        sums = self.sums(columns, n, pa, self.a.columns, vectors, mask, self.k)
        target = self.target(row, _n(0), (row, _n(0)))
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
                    for i, x in enumerate(_transposed(code, lines, self.type)[:count]):
                        place = self.moved(target, (v * lanes + i) * self.stride + s)
                        _store_some(self.code, x, wide, place)
        self.finish(row, self.plus(row, _n(height)), _n(0), n)


class _Dots(_Writer):
    """A few columns, or rows: vectors along k, folded at the end."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        a, b = self.a, self.b
        if self.plan.flipped:  # the long operand has rows, and the short one columns
            a, b = Operand(b.pointer, b.columns, b.rows), Operand(a.pointer, a.columns, a.rows)
        self.long, self.short = a, Operand(b.pointer, b.columns, b.rows)
        self.count = self.n if self.plan.flipped else self.m
        self.at_once = _dots_at_once(self.plan, self.kind, self.m, self.n)

    def write(self) -> None:
        plan = self.plan
        if plan.packed:
            self.copy()
            self.short = Operand(self.pack, self.k, 1)
        whole, rest = divmod(self.count, plan.rows)

        def some(start: V, stop: V) -> None:
            self.over(start, stop, 1, lambda i: self.some(self.times(i, plan.rows), plan.rows))
            if self.at_once and self.share is not None:
                self.finish_rows(self.times(start, plan.rows), self.times(stop, plan.rows))

        def left() -> None:
            self.some(_n(whole * plan.rows), rest)
            if self.at_once and self.share is not None:
                self.finish_rows(_n(whole * plan.rows), _n(self.m))

        self.shared(whole, some)
        if rest:
            self.lastly(left)
        if self.at_once and self.share is None:
            self.finish_rows(_n(0), _n(self.m))

    def finish_rows(self, row: V, stop: V) -> None:
        self.finish(row, stop, ZERO, self.n, (ZERO, ZERO))

    def some(self, first: V, count: int) -> None:
        """Some rows, or columns, of the result."""
        sums = self.dots(first, count)
        few, end = self.plan.vectors, self.plus(first, _n(count))
        if self.plan.flipped:  # columns of the result are rows of these dots
            base = self.target(ZERO, first, (ZERO, first))
            lines = [[sums[r * few + s] for r in range(count)] for s in range(few)]
            self.folded(lines, base, self.stride)
            self.finish(ZERO, _n(self.m), first, count)
            return
        base = self.target(first, ZERO, (ZERO if self.at_once else first, ZERO))
        if few == 1:
            self.folded([sums], base, 0)
        else:
            lines = [sums[r * few : (r + 1) * few] for r in range(count)]
            self.folded(lines, base, self.stride)
        if not self.at_once:
            self.finish(first, end, ZERO, self.n)

    def dots(self, first: V, count: int) -> list[V]:
        """The vectors whose totals are a tile of dot products."""
        code, lanes, kind = self.code, self.lanes, self.type
        few, k = self.plan.vectors, self.k
        whole = k // lanes
        ways = min(_ways(count * few), max(whole, 1))
        sums: list[V] = [constant(0, kind)] * (count * few * ways)

        def steps(pa: V, pb: V, number: int, sums: Sequence[V], mask: V | None) -> list[V]:
            sums = list(sums)
            for u in range(number):
                ys = [
                    code.load(self.moved(pb, u * lanes + s * self.short.rows), kind, mask)
                    for s in range(few)
                ]
                for r in range(count):
                    x = code.load(self.moved(pa, u * lanes + r * self.long.rows), kind, mask)
                    for s in range(few):
                        at = (u * count + r) * few + s
                        sums[at] = code.fma(x, ys[s], sums[at])
            return sums

        pa, pb = self.at(self.long.pointer, first, self.long.rows), self.short.pointer
        rounds, left = divmod(whole, ways)
        if rounds == 1:
            sums = steps(pa, pb, ways, sums, None)
            pa, pb = self.moved(pa, ways * lanes), self.moved(pb, ways * lanes)
        elif rounds:
            with code.loop(0, rounds, 1, [pa, pb, *sums]) as loop:
                x, y, *held = loop.values
                found = steps(x, y, ways, held, None)
                loop.next(self.moved(x, ways * lanes), self.moved(y, ways * lanes), *found)
            pa, pb, *sums = loop.results
        sums = steps(pa, pb, left, sums, None)
        if k % lanes:
            pa, pb = self.moved(pa, left * lanes), self.moved(pb, left * lanes)
            sums = steps(pa, pb, 1, sums, _mask(k % lanes, lanes))
        return self.joined(sums, ways)

    def folded(self, lines: list[list[V]], base: V, stride: int) -> None:
        """Store the totals of vectors, line by line."""
        for i, line in enumerate(lines):
            for s in range(0, len(line), self.lanes):
                some = line[s : s + self.lanes]
                total = _totals(self.code, some, self.type)
                _store_some(self.code, total, len(some), self.moved(base, i * stride + s))

    def copy(self) -> None:
        """The few columns, each side by side in memory."""
        code, short, few, k = self.code, self.short, self.plan.vectors, self.k
        if short.rows == 1 and few > 1 and self.lanes > 1 and few <= self.lanes:
            lanes = self.lanes
            mask = _mask(few, lanes)

            def square(at: V, count: int) -> None:
                here = self.at(short.pointer, at, short.columns)
                lines = [
                    code.load(self.moved(here, i * short.columns), self.type, mask)
                    for i in range(count)
                ]
                for s, x in enumerate(_transposed(code, lines, self.type)[:few]):
                    _store_some(code, x, count, self.moved(self.at(self.pack, at, 1), s * k))

            whole = k // lanes * lanes
            self.over(_n(0), _n(whole), lanes, lambda at: square(at, lanes))
            if k > whole:
                square(_n(whole), k - whole)
            return

        def column(s: V) -> None:
            here, there = self.at(short.pointer, s, short.rows), self.at(self.pack, s, k)
            with code.loop(0, k) as i:
                x = code.load(self.at(here, i.index, short.columns), self.kind)
                code.store(x, code.address(there, i.index, self.kind))

        self.over(_n(0), _n(few), 1, column)


# --- zeros that win -------------------------------------------------------------------------------


def _settling(code: Code, kind: str, lanes: int, left: bool, right: bool) -> str:
    """The name of a function that computes a part of C again, if there is a nan in it.

    Term by term, without those of a zero of A, or of B, as they win. To look costs a product for each
    vector of the part, which is in the cache: little beside the products that it is the sum of. One
    function for all of a module: it would take a fifth of the time to compile a product, each time.
    """
    name = f"settle_{kind}_{lanes}_{left:d}{right:d}"
    if name in code.declared:
        return name
    inside = Code()
    wide, group = vector(kind, lanes), 4 * lanes
    none, zero = constant(0, wide), constant(0, kind)
    tile, a, b = (V(f"%{x}", "ptr") for x in ("tile", "a", "b"))
    words = ("rows", "width", "stride", "ar", "ac", "br", "bc", "k")
    rows, width, stride, ar, ac, br, bc, k = (V(f"%{x}", I64) for x in words)

    def at(base: V, index: V, step: V) -> V:
        return inside.address(base, inside.binary("mul", index, step), kind)

    def seen(place: V, total: V, mask: V | None = None) -> V:
        return inside.fma(inside.load(place, wide, mask), none, total)

    def when(condition: V) -> str:
        some, after = inside.fresh("some"), inside.fresh("none")
        inside.branch(condition, some, after)
        inside.start(some)
        return after

    def end(after: str) -> None:
        inside.jump(after)
        inside.start(after)

    slot = inside.emit("ptr", f"alloca {wide}, align 64")
    inside.store(none, slot)
    count = inside.binary("udiv", width, _n(group))
    whole = inside.binary("mul", count, _n(group))
    with inside.loop(0, rows) as i:
        line = at(tile, i.index, stride)
        after = when(inside.compare("ne", count, ZERO))
        with inside.loop(ZERO, whole, group, [none] * 4) as j:
            here = inside.address(line, j.index, kind)
            places = [inside.address(here, _n(w * lanes), kind) for w in range(4)]
            j.next(*(seen(place, x) for place, x in zip(places, j.values, strict=True)))
        total = inside.load(slot, wide)
        for x in j.results:
            total = inside.fadd(total, x)
        inside.store(total, slot)
        end(after)
        after = when(inside.compare("ne", whole, width))
        with inside.loop(whole, width, lanes, [inside.load(slot, wide)]) as j:
            place, mask = inside.address(line, j.index, kind), None
            if lanes > 1:
                steps = ", ".join(f"i64 {n}" for n in range(lanes))
                left_over = inside.splat(inside.binary("sub", width, j.index), lanes)
                mask = inside.compare("slt", V(f"<{steps}>", f"<{lanes} x i64>"), left_over)
            j.next(seen(place, j.values[0], mask))
        inside.store(j.results[0], slot)
        end(after)
    total = inside.load(slot, wide)
    any_nan = inside.compare("uno", total, total)
    if lanes > 1:
        bits = inside.convert("bitcast", any_nan, f"i{lanes}")
        any_nan = inside.compare("ne", bits, V("0", f"i{lanes}"))
    after = when(any_nan)
    with inside.loop(0, rows) as i:
        line, pa = at(tile, i.index, stride), at(a, i.index, ar)
        with inside.loop(0, width) as j:
            pb = at(b, j.index, bc)
            with inside.loop(0, k, 1, [zero]) as t:
                x = inside.load(at(pa, t.index, ac), kind)
                y = inside.load(at(pb, t.index, br), kind)
                term = inside.fmul(x, y)
                for factor, wins in ((x, left), (y, right)):
                    if wins:
                        term = inside.select(inside.compare("oeq", factor, zero), zero, term)
                t.next(inside.fadd(t.values[0], term))
            inside.store(t.results[0], inside.address(line, j.index, kind))
    end(after)
    parameters = ", ".join(map(str, (tile, a, b, rows, width, stride, ar, ac, br, bc, k)))
    lines = "\n".join(inside.lines)
    code.declared.update(inside.declared)
    code.declared[name] = (
        f"define internal void @{name}({parameters}) nounwind {{\nentry:\n{lines}\n  ret void\n}}"
    )
    return name


# --- vectors --------------------------------------------------------------------------------------


def _pair(code: Code, a: V | None, b: V | None, how: str) -> tuple[V | None, V | None]:
    """Two vectors rearranged into two; None stands for lanes that nobody looks at.

    "numbers" interleaves the lower halves, and the upper ones, of each 128 bits; "parts" takes 128 bits
    in turn. Each is one instruction: with less regular shuffles a transpose of 16 floats took 10 ms to
    compile instead of 5, and index vectors at run time.
    """
    if a is None:
        return None, None
    n, base = lanes_of(a.type), element(a.type)
    if how == "numbers":
        inner = min(n, 16 // BYTES[base])
        low = [
            first + i + there
            for first in range(0, n, inner)
            for i in range(inner // 2)
            for there in (0, n)
        ]
        high = [pick + inner // 2 for pick in low]
    else:
        inner = 16 // BYTES[base]
        low = [first + i for first in range(0, 2 * n, 2 * inner) for i in range(inner)]
        high = [pick + inner for pick in low]
    other = b or V("poison", a.type)
    texts = (", ".join(f"i32 {pick}" for pick in picks) for picks in (low, high))
    lower, upper = (
        code.emit(a.type, f"shufflevector {a}, {other}, <{n} x i32> <{text}>") for text in texts
    )
    return lower, upper


def _cast(code: Code, rows: list[V | None], kind: str) -> list[V | None]:
    return [None if x is None else code.convert("bitcast", x, kind) for x in rows]


def _transposed(code: Code, lines: Sequence[V], kind: str) -> list[V]:
    """The columns of at most as many vectors as they have lanes.

    Squares of 128 bits first, pairs of floats as doubles; then their places in the vector.
    """
    n, base = lanes_of(kind), element(kind)
    rows: list[V | None] = [*lines, *[None] * (n - len(lines))]
    if n > 1:
        rows = [x for i in range(0, n, 2) for x in _pair(code, rows[i], rows[i + 1], "numbers")]
    inner = 2
    if base == "float" and n > 2:
        rows = _cast(code, rows, vector("double", n // 2))
        rows = [
            x
            for i in range(0, n, 4)
            for j in (i, i + 1)
            for x in _pair(code, rows[j], rows[j + 2], "numbers")
        ]
        inner = 4
    found = list(rows)
    for c in range(inner if n > inner else 0):
        column = rows[c::inner]
        if len(column) == 2:
            column = [*_pair(code, column[0], column[1], "parts")]
        else:
            even, odd = zip(
                *(_pair(code, column[i], column[i + 1], "parts") for i in (0, 2)), strict=True
            )
            first, third = _pair(code, even[0], even[1], "parts")
            second, fourth = _pair(code, odd[0], odd[1], "parts")
            column = [first, second, third, fourth]
        found[c::inner] = column
    return [x for x in _cast(code, found, kind) if x is not None]


def _totals(code: Code, lines: Sequence[V], kind: str) -> V:
    """A vector of the totals of at most as many vectors as they have lanes.

    The steps of a transpose, but of two vectors becomes their sum: two shuffles and a sum for each
    total, instead of four or so.
    """
    n, base = lanes_of(kind), element(kind)
    rows: list[V | None] = [*lines, *[None] * (n - len(lines))]
    inner = min(n, 16 // BYTES[base])
    size = 1
    while len(rows) > 1:
        if (size == 2 and inner == 4) or (size == inner and base == "float"):
            rows = _cast(code, rows, vector("double", n // 2))
        halves = [
            _pair(code, rows[i], rows[i + 1], "numbers" if size < inner else "parts")
            for i in range(0, len(rows), 2)
        ]
        rows = []
        for lower, upper in halves:
            x, y = _cast(code, [lower, upper], kind)
            rows.append(None if x is None or y is None else code.fadd(x, y))
        size *= 2
    return rows[0] or constant(0, kind)


def _store_some(code: Code, x: V, count: int, place: V) -> None:
    """Store the first few lanes."""
    lanes = lanes_of(x.type)
    if count == 1 and lanes > 1:
        code.store(code.emit(element(x.type), f"extractelement {x}, i64 0"), place)
        return
    code.store(x, place, _mask(count, lanes))


def _mask(count: int, lanes: int) -> V | None:
    if count == lanes:
        return None
    bits = ", ".join("i1 true" if i < count else "i1 false" for i in range(lanes))
    return V(f"<{bits}>", f"<{lanes} x i1>")
