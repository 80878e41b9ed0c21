"""Where the parts of a product lie: what is packed, and the tile that an epilogue sees.

Scratch memory holds the packed operand first, whole cache lines of it, and then the tile. There is no tile where C
itself can be what the epilogue sees, or what is written as the sums lie in registers.
"""

from __future__ import annotations

from .operands import BYTES, Strides
from .plans import TILE, Plan

__all__ = ["columns_at_once", "dots_at_once", "held", "is_direct", "packed_bytes", "tile_bytes"]


def is_direct(way: str, m: int, n: int, c: Strides | None, epilogue: bool) -> bool:
    """Whether C itself is what the epilogue sees, or can be written without turning it around."""
    if c is None:
        return False
    if n == 1:
        return c[0] == 1 or m == 1 or way == "panels"
    if way == "turned" and c[0] == 1 and not epilogue:
        return True
    return c[1] == 1


def packed_bytes(plan: Plan, kind: str, n: int) -> int:
    """Bytes of what is packed at a time; whole lines."""
    if not plan.packed:
        return 0
    size = BYTES[kind]
    if plan.way == "dots":
        count = plan.vectors * plan.depth
    else:
        width = plan.vectors * plan.lanes
        panels = min(plan.chunk * plan.group, -(-n // width))
        count = held(plan) * panels * width
    return -(-count * size // 64) * 64


def held(plan: Plan) -> int:
    """Steps of k in the memory of a panel: where it is packed, the last ones fill whole vectors."""
    steps = plan.depth * plan.rounds
    if not plan.packed:
        return steps
    more = plan.lanes if plan.rounds > 1 else 0  # each round fills its last vector
    return -(-steps // plan.lanes) * plan.lanes + more


def dots_at_once(plan: Plan, kind: str, m: int, n: int) -> bool:
    """Whether the epilogue takes all rows of dots, which have a few each."""
    return not plan.flipped and m * n * BYTES[kind] <= TILE


def columns_at_once(plan: Plan, m: int, n: int) -> int:
    """Columns of a tile in scratch memory."""
    if plan.way == "turned" or (plan.way == "dots" and not plan.flipped):
        return n
    if plan.way == "dots":
        return plan.rows
    return plan.group * plan.vectors * plan.lanes


def tile_bytes(plan: Plan, kind: str, m: int, n: int) -> int:
    """Bytes of the tile that an epilogue sees; whole lines."""
    if plan.way == "turned":
        rows = plan.vectors * plan.lanes
    elif plan.way == "dots":
        rows = m if plan.flipped or dots_at_once(plan, kind, m, n) else plan.rows
    else:
        rows = plan.block
    return -(-rows * columns_at_once(plan, m, n) * BYTES[kind] // 64) * 64
