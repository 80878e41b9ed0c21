"""Index arithmetic: where the point at hand is in each buffer, as far as the open loops decide it.

An address is ``offset + Σ stride_i · index_i``. Each loop adds its own term when it is entered, once for all accesses
that agree so far; the innermost loop has one product and one sum left, or none.
"""

from __future__ import annotations

from ...kernels import Access, Buffer, Fold, Iota, Load, Store
from ..assembly import Code, V, integer, ramp
from ..machine import Machine
from ..operations import memory_type
from .axes import Axes, deepest

__all__ = ["Addresses"]


class Addresses:
    """The state of a nest that is being written, and the addresses at its present place.

    Attributes
    ----------
    pointers : dict of Buffer to V
    errors : V
        Where 1 is written if a computed index is out of range.
    share : (V, V) or None
        This thread's part of the nest, and the number of parts.
    indices : list of V
        Of the loops that are open, the outermost first.
    partial : dict
        Addresses as far as the open loops decide them, by `Axes.key`.
    """

    def __init__(
        self,
        code: Code,
        machine: Machine,
        axes: Axes,
        pointers: dict[Buffer, V],
        errors: V,
        share: tuple[V, V] | None,
    ) -> None:
        self.code = code
        self.machine = machine
        self.axes = axes
        self.pointers = pointers
        self.errors = errors
        self.share = share
        self.indices: list[V] = []
        self.partial: dict[tuple[int, ...], V] = {}

    # --- loops ------------------------------------------------------------------------------

    def enter(self, level: int, index: V) -> None:
        """A loop is open: addresses take its term."""
        self.enter_vector(level, index)
        self.advance_all(level + 1)

    def enter_vector(self, level: int, index: V) -> None:
        """The innermost loop is open: each access takes the last term where it is made."""
        self.indices[level:] = [index]

    def leave(self, level: int) -> None:
        """A loop, and those in it, are done."""
        del self.indices[level:]

    def advance_all(self, level: int) -> None:
        """Addresses as far as the indices down to this level decide them."""
        done: set[tuple[int, ...]] = set()
        for statement in self.axes.body:
            if not isinstance(statement, (Load, Store, Fold)):
                continue
            key = self.axes.key(statement, level)
            if key in done:
                continue
            done.add(key)
            if level == 0:
                self.partial[key] = integer(statement.access.offset)
                continue
            before = self.partial[self.axes.key(statement, level - 1)]
            stride = self.axes.strides[statement][level - 1]
            self.partial[key] = self.advanced(before, self.indices[level - 1], stride)

    def advanced(self, before: V, index: V, stride: int) -> V:
        """``before + index · stride``; no instruction where one of them is nothing."""
        if stride == 0 or index.text == "0":
            return before
        step = index if stride == 1 else self.code.binary("mul", index, integer(stride))
        return step if before.text == "0" else self.code.binary("add", before, step)

    # --- places -----------------------------------------------------------------------------

    def offset(self, statement: Load | Store | Fold, inner: bool) -> V:
        """Elements from a buffer's start to the present point; ``inner``: to the first lane."""
        strides = self.axes.strides[statement]
        level = len(self.axes.sizes) - 1 if inner else min(deepest(strides), len(self.indices))
        offset = self.partial[self.axes.key(statement, level)]
        return self.advanced(offset, self.indices[-1], strides[-1]) if inner else offset

    def address(self, statement: Load | Store | Fold, inner: bool) -> tuple[V, int]:
        """Where a point is, and the stride to the next lane."""
        access: Access = statement.access
        kind = memory_type(access.buffer.dtype)
        offset = self.offset(statement, inner)
        pointer = self.code.address(self.pointers[access.buffer], offset, kind)
        return pointer, self.axes.strides[statement][-1] if inner else 0

    def addresses(self, pointer: V, kind: str, stride: int) -> V:
        """An address for each lane, ``stride`` elements apart."""
        steps = ramp(stride, self.axes.lanes)
        kinds = f"<{self.axes.lanes} x ptr>"
        return self.code.emit(kinds, f"getelementptr {kind}, {pointer}, {steps}")

    def position(self, iota: Iota, inner: bool) -> V:
        """The number of the present point, or of each lane."""
        strides, code, lanes = self.axes.strides[iota], self.code, self.axes.lanes
        total, depth = integer(0), len(self.axes.sizes)
        for level in range(depth - 1 if inner else depth):
            if level < len(self.indices):
                total = self.advanced(total, self.indices[level], strides[level])
        if not inner:
            return total
        total = self.advanced(total, self.indices[-1], strides[-1])
        if lanes == 1:
            return total
        return code.binary("add", code.splat(total, lanes), ramp(strides[-1], lanes))
