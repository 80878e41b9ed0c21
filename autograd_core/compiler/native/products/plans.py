"""How a product is computed: which way, and how large its tiles, panels and blocks are.

Each way that fits the strides is thought through in cycles: what a step of k takes in registers, how often it is
taken, what the copies and the code itself cost. The cheapest one is the `Plan`. Nothing is written here, so
plans can be read and compared without a machine; the numbers that decide are measured ones.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..machine import Machine
from .operands import BYTES, Round, Strides

__all__ = ["TILE", "Plan", "accumulators", "planned", "settled"]

NEAR = 1 << 19  # bytes of B, or of A, that stay in a second-level cache while the other goes by
DEPTH = 2048  # steps of k in one go
TILE = 1 << 16  # bytes of a product that lie in a tile before the epilogue
SHORT = 24  # steps of k under which writing C is most of the work
PAGE = 4096  # bytes after which the places of a first-level cache begin anew
CROWD = 512  # bytes: rows a multiple of that apart lie in an eighth of the places, and are copied


class Plan(NamedTuple):
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
    rounds : int
        How many times those, where they are no steps of one stride.
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
    rounds: int = 1


def settled(m: int, n: int, k: int, a: Strides, b: Strides) -> tuple[Strides, Strides]:
    """Strides where those that no step is made along say the best about an operand."""
    return (
        (k if m == 1 else a[0], 1 if k == 1 else a[1]),
        (n if k == 1 else b[0], 1 if n == 1 else b[1]),
    )


def planned(
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a: Strides,
    b: Strides,
    direct: bool,
    rounds: tuple[Round, ...] = (),
) -> Plan:
    """The cheapest plan for a product of (m, k) and (k, n) with these strides.

    ``direct``: whether panels can be stored into C itself. Each of the ``rounds`` has k steps.
    """
    full, turns = machine.lanes(BYTES[kind]), math.prod(r.times for r in rounds)
    plans = [_panels(machine, kind, m, n, k, a, b, direct, rounds)]
    if a[0] == 1 and (n == 1 or (n <= 2 * full and n <= 12)) and m > 1:
        plans.append(_turned(machine, kind, m, n, k, turns))
    # What packs dots makes one line of k of each column.
    if n <= 12 and k >= full // 2 and a[1] == 1 and (not rounds or b[0] == 1):
        plans.append(_dots(machine, kind, m, n, k, a[0], b[0], False, turns))
    if m <= 12 and k >= full // 2 and b[0] == 1 and (not rounds or a[1] == 1):
        plans.append(_dots(machine, kind, n, m, k, b[1], a[1], True, turns))
    return min(plans, key=lambda plan: plan.cycles)


# --- what things take -----------------------------------------------------------------------------


def _room(machine: Machine) -> int:
    """Registers for sums and operands: without fused steps, products need one, too."""
    return machine.registers - (1 if machine.width > 16 or machine.registers > 16 else 3)


def accumulators(sums: int) -> int:
    """Sets of sums, taken in turn: one sum waits four cycles for the last, and two go on at once."""
    return min(4, -(-8 // sums))


def _tile_cycles(rows: int, vectors: int) -> float:
    """Cycles of a step of k: two sums and two loads are done in one."""
    sets = accumulators(rows * vectors)
    return max(rows * vectors / 2, (rows + vectors) / 2 + 0.2, 4.0 / sets)


def _code_cycles(rows: int, vectors: int) -> float:
    """What the code of a tile costs: the time to compile it, in cycles of a product's."""
    return 2.0 * rows * vectors


def _pages_apart(stride: int, size: int) -> bool:
    """Whether neighbours lie a multiple of 4096 bytes apart: they share the same few places of the cache."""
    return stride != 0 and stride * size % PAGE == 0


# --- turned, and dots -----------------------------------------------------------------------------


def _turned(machine: Machine, kind: str, m: int, n: int, k: int, turns: int) -> Plan:
    full = machine.lanes(BYTES[kind])
    lanes = min(full, 1 << (m - 1).bit_length())
    across = -(-m // lanes)
    plans = []
    for vectors in range(1, min(8, across) + 1):
        if n * vectors + vectors > _room(machine):
            break
        panels, vectors_left = divmod(across, vectors)
        cycles = panels * (turns * k * _tile_cycles(n, vectors) + 10)
        if vectors_left:
            cycles += turns * k * _tile_cycles(n, vectors_left) + 10
            cycles += _code_cycles(n, vectors_left)
        cycles += (3.0 if n > 1 else 0.1) * m + _code_cycles(n, vectors)
        plans.append(Plan("turned", n, vectors, lanes, cycles, depth=k, rounds=turns))
    return min(plans, key=lambda p: p.cycles, default=Plan("turned", 0, 0, 0, float("inf")))


def _dots(
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    far: int,
    short: int,
    flipped: bool,
    turns: int,
) -> Plan:
    """Dots of ``m`` rows, ``far`` apart, and ``n`` columns whose numbers are ``short`` apart."""
    lanes = min(machine.lanes(BYTES[kind]), 1 << (k - 1).bit_length())
    packed = short != 1
    most = lanes if n == 1 or flipped else 8
    if _pages_apart(far, BYTES[kind]) and n == 1:
        most = min(most, 4)  # 1024x1x1024: 36 µs instead of 45 with 16 rows
    rows = max(1, min((_room(machine) - n) // n, most, m))
    if n * 2 + 1 > _room(machine) and n > 1:
        return Plan("dots", 0, 0, 0, float("inf"))
    steps = turns * -(-k // lanes)
    cycles = m / rows * (steps * _tile_cycles(rows, n) + 12) + m * n * 1.5 + packed * k * n * 0.7
    return Plan("dots", rows, n, lanes, cycles, flipped, packed, depth=k, rounds=turns)


# --- panels ---------------------------------------------------------------------------------------


def _panels(
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a: Strides,
    b: Strides,
    direct: bool,
    rounds: tuple[Round, ...],
) -> Plan:
    size, turns = BYTES[kind], math.prod(r.times for r in rounds)
    k *= turns
    lanes = min(machine.lanes(size), 1 << (n - 1).bit_length())
    rows, vectors, cycles = _tile(machine, size, lanes, m, n, k, a, b)
    width = vectors * lanes
    panels = n // width
    far = max(map(abs, (b[0], *(r.b for r in rounds)))) * size
    packed = b[1] != 1 or (
        m > 2 * rows
        and k > 8
        and n > lanes
        and (far % CROWD == 0 or far > 2048 or min(k, DEPTH) * width * size > 1 << 15)
    )
    if b[1] != 1:
        cycles += k * n * (0.4 if b[0] == 1 else 1.5)
    depth = k
    if k > DEPTH and not rounds and (direct or m * width * size <= NEAR // 2):
        depth = DEPTH
    block = _block(size, m, n, k, rows, depth, direct)
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
    depth //= turns
    return Plan(
        "panels", rows, vectors, lanes, cycles, False, packed, depth, block, chunk, group, by_rows,
        turns,
    )  # fmt: skip


def _tile(
    machine: Machine, size: int, lanes: int, m: int, n: int, k: int, a: Strides, b: Strides
) -> tuple[int, int, float]:
    """Rows and vectors of the best tile, and the cycles of all tiles, narrower and lower ones included."""
    best, least = (1, 1), float("inf")
    across = -(-n // lanes)
    most = 8 if _pages_apart(a[0], size) and k > 16 else 16
    # Of columns of A that lie so, each step of k waits for one from the second-level cache, however few
    # the rows of the tile: 1024x1024x128 took 12 % longer in 8x2 than in 13x2.
    waits = 1.0 if a[0] == 1 and a[1] * size % PAGE == 0 and k > 16 else 0.0
    if m <= 16 and b[1] == 1 and _pages_apart(b[0], size) and k > 16:
        waits += 1.0  # the same, of rows of B that few rows of A do not pay to copy
    for vectors in range(1, min(8, across) + 1):
        panels, vectors_left = divmod(across, vectors)
        # A panel that no first-level cache holds: 1024³ in double took 4 % longer in 8x2 than in 6x4.
        streams = 0.04 if k * vectors * lanes * size > 1 << 15 else 0.0
        for rows in range(1, min(most, m) + 1):
            if rows * vectors + vectors > _room(machine):
                break
            tiles, rows_left = divmod(m, rows)
            cycles, bodies = 0.0, 0
            for count, width in ((panels, vectors), (int(vectors_left > 0), vectors_left)):
                if not count:
                    continue
                for times, height in ((tiles, rows), (int(rows_left > 0), rows_left)):
                    if times:
                        step = _tile_cycles(height, width) + waits + streams * (height + width)
                        tile = step * k + 8 + height * width
                        cycles += count * times * tile + _code_cycles(height, width)
                        bodies += 1
            if n % lanes and not vectors_left and panels > 1:
                cycles += _code_cycles(rows, vectors)  # the last panel has a mask
                bodies += 1 + bool(rows_left)
            # At equal speed, less code: 1024³ in 6x4 and in 5x5 with its tails differ in the time to
            # compile alone, 8 and 15 ms.
            cycles *= 1 + 0.01 * (bodies - 1)
            if cycles < least:
                best, least = (rows, vectors), cycles
    return *best, least


def _block(size: int, m: int, n: int, k: int, rows: int, depth: int, direct: bool) -> int:
    """Rows that are gone through for each panel: all of them, or as many as stay in the cache."""
    if depth < k and not direct:
        return m  # the tile of all rows is summed up in several goes
    if k <= SHORT and n * k * size <= NEAR and m > rows:
        # A panel of many rows would be written a few numbers to a page of memory: 128x1024x10 took
        # three times as long.
        return rows
    if m * depth * size > NEAR or m > 192:
        near = NEAR // (max(depth, 1) * size)
        return max(1, min(near, 104) // rows) * rows
    return m


def _group(panels: int, size: int) -> int:
    """How many panels an epilogue takes at once: of one alone each row is two lines of a page."""
    most = max(1, min(panels, TILE // size))
    return next(g for g in range(most, 0, -1) if panels % g == 0) if panels else 1


def _uneven(units: float, single: bool) -> float:
    """By how much the larger of two shares exceeds a half."""
    return 2.0 if single or units <= 1 else -(-units // 2) * 2 / units
