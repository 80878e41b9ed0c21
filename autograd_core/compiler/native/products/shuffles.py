"""Vectors rearranged in registers: squares turned around, totals of several vectors in one."""

from __future__ import annotations

from collections.abc import Sequence

from ..assembly import Code, V, constant, element, first_lanes, lanes as lanes_of, vector
from .operands import BYTES

__all__ = ["store_some", "totals", "transposed"]


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


def _as_type(code: Code, rows: list[V | None], kind: str) -> list[V | None]:
    return [None if x is None else code.convert("bitcast", x, kind) for x in rows]


def transposed(code: Code, lines: Sequence[V], kind: str) -> list[V]:
    """The columns of at most as many vectors as they have lanes.

    Squares of 128 bits first, pairs of floats as doubles; then their places in the vector.
    """
    n, base = lanes_of(kind), element(kind)
    rows: list[V | None] = [*lines, *[None] * (n - len(lines))]
    if n > 1:
        rows = [x for i in range(0, n, 2) for x in _pair(code, rows[i], rows[i + 1], "numbers")]
    inner = 2
    if base == "float" and n > 2:
        rows = _as_type(code, rows, vector("double", n // 2))
        rows = [
            x
            for i in range(0, n, 4)
            for j in (i, i + 1)
            for x in _pair(code, rows[j], rows[j + 2], "numbers")
        ]
        inner = 4
    # Now rows[i] has its numbers in order within 128 bits, and parts of 128 bits that belong to other columns.
    columns = list(rows)
    for c in range(inner if n > inner else 0):
        parts = rows[c::inner]
        if len(parts) == 2:
            parts = [*_pair(code, parts[0], parts[1], "parts")]
        else:
            even, odd = zip(
                *(_pair(code, parts[i], parts[i + 1], "parts") for i in (0, 2)), strict=True
            )
            first, third = _pair(code, even[0], even[1], "parts")
            second, fourth = _pair(code, odd[0], odd[1], "parts")
            parts = [first, second, third, fourth]
        columns[c::inner] = parts
    return [x for x in _as_type(code, columns, kind) if x is not None]


def totals(code: Code, lines: Sequence[V], kind: str) -> V:
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
            rows = _as_type(code, rows, vector("double", n // 2))
        halves = [
            _pair(code, rows[i], rows[i + 1], "numbers" if size < inner else "parts")
            for i in range(0, len(rows), 2)
        ]
        rows = []
        for lower, upper in halves:
            x, y = _as_type(code, [lower, upper], kind)
            rows.append(None if x is None or y is None else code.fadd(x, y))
        size *= 2
    return rows[0] or constant(0, kind)


def store_some(code: Code, x: V, count: int, place: V) -> None:
    """Store the first few lanes."""
    lanes = lanes_of(x.type)
    if count == 1 and lanes > 1:
        code.store(code.emit(element(x.type), f"extractelement {x}, i64 0"), place)
        return
    code.store(x, place, first_lanes(count, lanes))
