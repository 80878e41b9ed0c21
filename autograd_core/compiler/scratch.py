"""The memory plan: one arena, in which values that do not live at the same time share places."""

from __future__ import annotations

import bisect

from ..program import Literal
from .kernels import Bits, Buffer, Kernel, Nest, Repeat, Schedule

__all__ = ["plan"]

LINE = 64  # bytes; where a value starts, so that a vector never lies across two lines


def plan(schedule: Schedule) -> int:
    """Give every scratch buffer its place; returns the size of the arena in bytes."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    buffers: dict[int, Buffer] = {}
    for number, kernel in enumerate(schedule.kernels):
        for buffer in _used(kernel):
            if buffer.place == "scratch":
                buffers[id(buffer)] = buffer
                first.setdefault(id(buffer), number)
                last[id(buffer)] = number
    for buffer in schedule.checks:
        last[id(buffer)] = max(last.get(id(buffer), -1), schedule.barrier)
    begins: dict[int, list[Buffer]] = {}
    ends: dict[int, list[Buffer]] = {}
    for key, buffer in buffers.items():
        begins.setdefault(first[key], []).append(buffer)
        ends.setdefault(last[key], []).append(buffer)
    arena = _Arena()
    for number in range(len(schedule.kernels) + 1):
        # Large ones first: small ones find room between them.
        for buffer in sorted(begins.get(number, ()), key=lambda b: -b.bytes):
            buffer.start = arena.take(_lines(buffer))
        for buffer in ends.get(number, ()):
            arena.give_back(buffer.start, _lines(buffer))
    return arena.size


def _lines(buffer: Buffer) -> int:
    """Bytes of the whole lines that a buffer needs."""
    return max(1, -(-buffer.bytes // LINE)) * LINE


class _Arena:
    """Memory that grows where no gap is large enough; the smallest gap that fits is taken."""

    def __init__(self) -> None:
        self.size = 0
        self.gaps: list[tuple[int, int]] = []  # (start, bytes), in order of start, never adjacent

    def take(self, size: int) -> int:
        """Where so many bytes are free."""
        fitting = [(n, start, i) for i, (start, n) in enumerate(self.gaps) if n >= size]
        if fitting:
            n, start, i = min(fitting)
            self.gaps[i : i + 1] = [(start + size, n - size)] if n > size else []
            return start
        start = self.size
        if self.gaps and sum(self.gaps[-1]) == self.size:  # the last gap grows
            start = self.gaps.pop()[0]
        self.size = start + size
        return start

    def give_back(self, start: int, size: int) -> None:
        """Make bytes free again."""
        i = bisect.bisect(self.gaps, (start, 0))
        if i < len(self.gaps) and self.gaps[i][0] == start + size:
            size += self.gaps.pop(i)[1]
        if i and sum(self.gaps[i - 1]) == start:
            i -= 1
            before, n = self.gaps.pop(i)
            start, size = before, n + size
        self.gaps.insert(i, (start, size))


def _used(kernel: Kernel) -> list[Buffer]:
    if isinstance(kernel, Nest):
        return [access.buffer for access, _ in kernel.accesses()]
    if isinstance(kernel, Bits):
        return [kernel.key.buffer, kernel.counter.buffer, kernel.result]
    if isinstance(kernel, Repeat):
        return kernel.buffers()
    operands = [o[0] for o in kernel.operands if not isinstance(o, Literal)]
    return operands + [b for b, _ in kernel.results]
