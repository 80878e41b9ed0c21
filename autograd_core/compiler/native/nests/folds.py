"""Folds: sums and maxima over axes, in registers as long as they can be, from the neutral number on.

A fold along the innermost axis is a vector of totals, folded across its lanes after the loop. One over outer axes has its lanes
side by side: in registers over the loop around (`Axes.in_registers`) where they are few, else in memory, which
then holds the neutral number before the nest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels import Fold
from ..assembly import Code, V, constant, element, integer, vector
from ..operations import largest, memory_type, register_type
from .memory import Memory

__all__ = ["Folds", "combined", "neutral"]


class Folds(Memory):
    """Memory, and what is folded into it.

    Attributes
    ----------
    totals : dict of (fold, int) to V
        Of folds in registers, by where on the last axis their lanes begin.
    chunk : int
        Where on the last axis the vector at hand begins.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.totals: dict[tuple[Fold, int], V] = {}
        self.chunk = 0

    def neutral(self, fold: Fold) -> V:
        """The neutral number in all lanes."""
        kind = register_type(fold.access.buffer.dtype)
        return constant(neutral(fold), vector(kind, self.axes.lanes))

    def fill(self, fold: Fold) -> None:
        """Put the neutral number into all of a fold's memory."""
        code, buffer = self.code, fold.access.buffer
        kind, base = memory_type(buffer.dtype), self.pointers[buffer]
        n = self.machine.lanes(max(buffer.dtype.itemsize, 1))
        n = min(n, 1 << max(0, buffer.size.bit_length() - 1)) or 1
        numbers = constant(neutral(fold), vector(kind, n))
        in_vectors = buffer.size // n * n
        shared = self.axes.split is not None
        if in_vectors:
            start: V | int = 0
            stop: V | int = in_vectors
            if shared:  # as the innermost loop is shared: each thread its own columns
                n = self.axes.lanes
                in_vectors = buffer.size // n * n
                numbers = constant(neutral(fold), vector(kind, n))
                start, stop = self.part(in_vectors, n)
            with code.loop(start, stop, n) as loop:
                code.store(numbers, code.address(base, loop.index, kind))
        after = self.only_last() if shared and in_vectors < buffer.size else None
        for i in range(in_vectors, buffer.size):
            code.store(constant(neutral(fold), kind), code.address(base, integer(i), kind))
        if after is not None:
            code.jump(after)
            code.start(after)

    # --- along the innermost axis -----------------------------------------------------------

    def across(self, fold: Fold, total: V) -> V:
        """The lanes of a vector folded into one number, half of them onto the other half each time."""
        code, n = self.code, self.axes.lanes
        while n > 1:
            n //= 2
            kind = vector(element(total.type), n)
            low = ", ".join(f"i32 {i}" for i in range(n))
            high = ", ".join(f"i32 {i + n}" for i in range(n))
            poison = f"{total.type} poison"
            if n == 1:
                a = code.emit(kind, f"extractelement {total}, i64 0")
                b = code.emit(kind, f"extractelement {total}, i64 1")
            else:
                a = code.emit(kind, f"shufflevector {total}, {poison}, <{n} x i32> <{low}>")
                b = code.emit(kind, f"shufflevector {total}, {poison}, <{n} x i32> <{high}>")
            total = combined(code, fold, a, b)
        return total

    def widened(self, fold: Fold, total: V, part: V) -> V:
        """A part of a long sum taken in by a total of a wider dtype."""
        return combined(self.code, fold, total, self.code.convert("fpext", part, total.type))

    def finish(self, fold: Fold, total: V, level: int) -> None:
        """Put what the innermost loop gave into memory."""
        code, buffer = self.code, fold.access.buffer
        kind = memory_type(buffer.dtype)
        offset = self.partial[self.axes.key(fold, level)]
        pointer = code.address(self.pointers[buffer], offset, kind)
        if self.axes.in_memory(fold):
            total = combined(code, fold, code.load(pointer, kind), total)
        code.store(total, pointer)

    # --- over outer axes --------------------------------------------------------------------

    def take(self, fold: Fold, mask: V | None) -> None:
        """A fold over outer loops: lanes stand side by side in registers or memory."""
        v = self.vector(fold.value, fold.access.buffer.dtype)
        key = (fold, self.chunk)
        if key in self.totals:
            self.totals[key] = combined(self.code, fold, self.totals[key], v)
        else:
            self.keep(fold, v, mask, True)

    def keep(self, fold: Fold, v: V, mask: V | None, more: bool) -> None:
        """Put lanes of a fold into memory; ``more``: together with what is there."""
        code, lanes = self.code, self.axes.lanes
        kind = memory_type(fold.access.buffer.dtype)
        pointer, stride = self.address(fold, True)
        if lanes == 1:
            v = combined(code, fold, code.load(pointer, kind), v) if more else v
            code.store(v, pointer)
        elif stride == 1:
            wide = vector(kind, lanes)
            v = combined(code, fold, code.load(pointer, wide, mask), v) if more else v
            code.store(v, pointer, mask)
        else:
            pointers = self.addresses(pointer, kind, stride)
            v = combined(code, fold, code.gather(pointers, kind, mask), v) if more else v
            code.scatter(v, pointers, mask)

    # --- threads ----------------------------------------------------------------------------

    def part(self, count: int, lanes: int = 1) -> tuple[V, V]:
        """The range that is this thread's of a loop over ``count`` in steps of ``lanes``."""
        assert self.share is not None  # noqa: S101
        code, (part, parts) = self.code, self.share
        units, step = integer(count // lanes), integer(lanes)

        def bound(p: V) -> V:
            first = code.binary("udiv", code.binary("mul", p, units), parts)
            return code.binary("mul", first, step)

        return bound(part), bound(code.binary("add", part, integer(1)))

    def only_last(self) -> str:
        """Begin what only the last thread does; returns the label where all go on."""
        assert self.share is not None  # noqa: S101
        code, (part, parts) = self.code, self.share
        last = code.compare("eq", code.binary("add", part, integer(1)), parts)
        inside, after = code.fresh("last"), code.fresh("all")
        code.branch(last, inside, after)
        code.start(inside)
        return after


def neutral(fold: Fold) -> float:
    """What changes nothing: 0 in a sum, the least number in a maximum."""
    dtype = fold.access.buffer.dtype
    if fold.how == "sum":
        return 0
    if dtype.kind == "f":
        return -math.inf
    return int(np.iinfo(dtype).min)


def combined(code: Code, fold: Fold, a: V, b: V) -> V:
    """Two parts of a fold as one."""
    if fold.how == "sum":
        real = element(a.type) in ("float", "double")
        return code.binary("fadd" if real else "add", a, b)
    return largest(code, fold.access.buffer.dtype, a, b)
