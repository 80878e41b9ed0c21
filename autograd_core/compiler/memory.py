"""The memory plan: one arena, in which values that do not live at the same time share places."""

from __future__ import annotations

from ..program import Literal
from .fusion import Schedule
from .kernels import Bits, Buffer, Kernel, Nest, Repeat

__all__ = ["plan"]

LINE = 64  # bytes; where a value starts, so that a vector never lies across two lines


def plan(schedule: Schedule) -> int:
    """Give every scratch buffer its place; returns the size of the arena in bytes."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    found: dict[int, Buffer] = {}
    for number, kernel in enumerate(schedule.kernels):
        for buffer in _used(kernel):
            if buffer.place == "scratch":
                found[id(buffer)] = buffer
                first.setdefault(id(buffer), number)
                last[id(buffer)] = number
    for buffer in schedule.checks:
        last[id(buffer)] = max(last.get(id(buffer), -1), schedule.barrier)
    size = 0
    placed: list[Buffer] = []
    # Large ones first: small ones find room between them.
    for buffer in sorted(found.values(), key=lambda b: -b.bytes):
        key = id(buffer)
        taken = sorted(
            (b.start, b.start + max(b.bytes, 1))
            for b in placed
            if first[id(b)] <= last[key] and first[key] <= last[id(b)]
        )
        start = 0
        for low, high in taken:
            if start + buffer.bytes <= low:
                break
            start = max(start, -(-high // LINE) * LINE)
        buffer.start = start
        placed.append(buffer)
        size = max(size, start + buffer.bytes)
    return -(-size // LINE) * LINE


def _used(kernel: Kernel) -> list[Buffer]:
    if isinstance(kernel, Nest):
        return [access.buffer for access, _ in kernel.accesses()]
    if isinstance(kernel, Bits):
        return [kernel.key.buffer, kernel.counter.buffer, kernel.result]
    if isinstance(kernel, Repeat):
        return kernel.buffers()
    operands = [o[0] for o in kernel.operands if not isinstance(o, Literal)]
    return operands + [b for b, _ in kernel.results]
