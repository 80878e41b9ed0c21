"""The loops of a nest, written inwards: what stands at each depth, then the innermost axis in vectors.

What is left of the innermost axis under a whole vector is done once more under a mask; so no loop has a tail of its own
length, and no memory beyond an array is touched.
"""

from __future__ import annotations

from typing import Any

from ...kernels import Compute, Fold, Iota, Load, Store
from ..assembly import V, constant, first_lanes, integer
from ..operations import register_type
from .folds import Folds, combined, neutral

__all__ = ["Loops"]

CHUNK = 4096  # elements that one set of float accumulators takes in, before a double does


class Loops(Folds):
    """Folds, and the loops around them.

    Attributes
    ----------
    handed : Load or None
        What stands in a register, and is not loaded.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.handed: Load | None = None

    def write(self) -> None:
        """Write all of a nest whose axes are arranged."""
        self.axes.settle()
        self.advance_all(0)
        self._level(0)

    def _level(self, level: int) -> None:
        """Write everything from this depth on."""
        axes = self.axes
        self.items(level, False, None)
        if level == len(axes.sizes) - 1:
            self._vectors(level)
        elif axes.sizes:
            shared = axes.split == level
            start, stop = self.part(axes.sizes[level]) if shared else (0, axes.sizes[level])
            held = axes.in_registers(level)
            first = [self.neutral(fold) for fold, _ in held]
            with self.code.loop(start, stop, 1, first) as loop:
                self.enter(level, loop.index)
                self.totals = dict(zip(held, loop.values, strict=True))
                self._level(level + 1)
                loop.next(*(self.totals[key] for key in held))
            self.totals = {}
            for (fold, at), total in zip(held, loop.results, strict=True):
                self.indices[level:] = [integer(0), integer(at)]
                left = axes.sizes[-1] - at
                mask = first_lanes(left, axes.lanes) if left < axes.lanes else None
                self.keep(fold, total, mask, 0 in axes.strides[fold][:level])
            self.leave(level)

    # --- one point, or one vector -----------------------------------------------------------

    def items(self, depth: int, inner: bool, mask: V | None) -> None:
        """All values and stores of one depth; ``inner``: they are vectors."""
        axes, along = self.axes, len(self.axes.sizes) - 1
        for statement in axes.body:
            if axes.depth[statement] != depth:
                continue
            if isinstance(statement, Load):
                if statement is not self.handed:
                    self.values[statement] = self.load(statement, inner, mask)
            elif isinstance(statement, Iota):
                self.values[statement] = self.position(statement, inner)
            elif isinstance(statement, Compute):
                self.values[statement] = self.computed(statement, inner, mask)
            elif isinstance(statement, Store):
                self.store(statement, inner, mask)
            elif axes.strides[statement][along] != 0:
                self.take(statement, mask)

    def _round(self, folds: list[Fold], totals: list[V], mask: V | None) -> list[V]:
        """The body at one vector; returns the totals of the folds along it."""
        outside = dict(self.values)
        self.items(len(self.axes.sizes), True, mask)
        after = []
        for fold, total in zip(folds, totals, strict=True):
            v = self.vector(fold.value, fold.access.buffer.dtype)
            if mask is not None:
                v = self.code.select(mask, v, self.neutral(fold))
            after.append(combined(self.code, fold, total, v))
        self.values = outside
        return after

    # --- the innermost axis -----------------------------------------------------------------

    def _vectors(self, level: int) -> None:
        """The innermost loop: whole vectors, then what is left under a mask."""
        axes, lanes, size = self.axes, self.axes.lanes, self.axes.sizes[level]
        if self._handed_on(level):
            return
        in_vectors = size // lanes * lanes
        folds = [fold for fold in axes.folds() if axes.strides[fold][level] == 0]
        if size > 2 * CHUNK and lanes > 1 and any(fold.how == "sum" for fold in folds):
            self._chunks(level, folds)
            return
        totals = [self.neutral(fold) for fold in folds]
        shared = axes.split == level
        if self.totals and in_vectors:  # of folds in registers: each vector of the axis has its own
            for self.chunk in range(0, in_vectors, lanes):
                self.enter_vector(level, integer(self.chunk))
                totals = self._round(folds, totals, None)
        elif in_vectors == lanes:
            self.enter_vector(level, integer(0))
            totals = self._round(folds, totals, None)
        elif in_vectors:
            start, stop = self.part(in_vectors, lanes) if shared else (0, in_vectors)
            with self.code.loop(start, stop, lanes, totals) as loop:
                self.enter_vector(level, loop.index)
                loop.next(*self._round(folds, loop.values, None))
            totals = loop.results
        if size > in_vectors:
            after = self.only_last() if shared else None
            self.chunk = in_vectors
            self.enter_vector(level, integer(in_vectors))
            totals = self._round(folds, totals, first_lanes(size - in_vectors, lanes))
            if after is not None:
                self.code.jump(after)
                self.code.start(after)
        self.leave(level)
        for fold, total in zip(folds, totals, strict=True):
            self.finish(fold, self.across(fold, total), level)

    def _chunks(self, level: int, folds: list[Fold]) -> None:
        """A long axis in chunks, whose sums a double takes in: rounding does not grow with length."""
        code, lanes, size = self.code, self.axes.lanes, self.axes.sizes[level]
        in_vectors = size // lanes * lanes
        totals = [constant(neutral(fold), _wide(fold)) for fold in folds]
        step = CHUNK // lanes * lanes

        def taken(totals: list[V], parts: list[V]) -> list[V]:
            return [
                self.widened(fold, total, self.across(fold, part))
                for fold, total, part in zip(folds, totals, parts, strict=True)
            ]

        with code.loop(0, in_vectors, step, totals) as outer:
            limit = code.binary("add", outer.index, integer(step))
            over = code.compare("sgt", limit, integer(in_vectors))
            limit = code.select(over, integer(in_vectors), limit)
            with code.loop(outer.index, limit, lanes, [self.neutral(f) for f in folds]) as loop:
                self.enter_vector(level, loop.index)
                loop.next(*self._round(folds, loop.values, None))
            outer.next(*taken(outer.values, loop.results))
        totals = outer.results
        if size > in_vectors:
            self.enter_vector(level, integer(in_vectors))
            mask = first_lanes(size - in_vectors, lanes)
            totals = taken(totals, self._round(folds, [self.neutral(f) for f in folds], mask))
        self.leave(level)
        for fold, total in zip(folds, totals, strict=True):
            kind = register_type(fold.access.buffer.dtype)
            self.finish(fold, code.convert("fptrunc", total, kind), level)

    def _handed_on(self, level: int) -> bool:
        """An ordered innermost axis: what each point reads of the one before it has in a register.

        From memory each would wait for the other's store.
        """
        axes = self.axes
        stores = [statement for statement in axes.body if isinstance(statement, Store)]
        if level != axes.ordered or len(stores) != 1 or axes.lanes != 1:
            return False
        (store,) = stores
        strides, start = axes.strides[store], store.access.offset
        of_the_one_before = [
            load for load in axes.body
            if isinstance(load, Load) and load.access.buffer is store.access.buffer and not load.dynamic
            and axes.strides[load] == strides and start - load.access.offset == strides[level]
        ]  # fmt: skip
        if len(of_the_one_before) != 1 or not isinstance(store.value, Compute):
            return False
        (before,), outside = of_the_one_before, dict(self.values)
        self.enter_vector(level, integer(0))
        first = self.load(before, True, None)
        with self.code.loop(0, axes.sizes[level], 1, [first]) as loop:
            self.enter_vector(level, loop.index)
            self.values, self.handed = {**outside, before: loop.values[0]}, before
            self.items(level + 1, True, None)
            loop.next(self.vector(store.value, store.access.buffer.dtype))
        self.values, self.handed = outside, None
        self.leave(level)
        return True


def _wide(fold: Fold) -> str:
    """The type in which the chunks of a long fold are taken in."""
    dtype = fold.access.buffer.dtype
    return "double" if dtype.char == "f" and fold.how == "sum" else register_type(dtype)
