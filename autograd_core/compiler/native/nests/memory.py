"""Loads and stores: of a scalar, of lanes side by side, of lanes apart, and at computed places (gather, scatter)."""

from __future__ import annotations

from ...kernels import Buffer, Load, Store
from ..assembly import V, constant, ramp, vector
from ..operations import memory_type
from .values import Values

__all__ = ["Memory"]


class Memory(Values):
    """Values, and the memory that they come from and go to."""

    def load(self, load: Load, inner: bool, mask: V | None) -> V:
        """An element, or those of all lanes; under the mask nothing else is touched."""
        code, lanes, buffer = self.code, self.axes.lanes, load.access.buffer
        kind = memory_type(buffer.dtype)
        if load.dynamic:
            return self._loaded(self._gathered(load, inner, mask), buffer)
        pointer, stride = self.address(load, inner)
        if not inner or lanes == 1:
            return self._loaded(code.load(pointer, kind), buffer)
        if stride == 1:
            return self._loaded(code.load(pointer, vector(kind, lanes), mask), buffer)
        pointers = self.addresses(pointer, kind, stride)
        return self._loaded(code.gather(pointers, kind, mask), buffer)

    def store(self, store: Store, inner: bool, mask: V | None) -> None:
        """Write a value, or add it to what is there."""
        code, lanes, buffer = self.code, self.axes.lanes, store.access.buffer
        dtype, kind = buffer.dtype, memory_type(buffer.dtype)
        v = self.operand(store.value, dtype, inner)
        if dtype.char == "?":
            v = code.convert("zext", v, vector("i8", lanes if inner else 1))
        if store.dynamic or store.add:
            pointer = code.address(self.pointers[buffer], self._computed(store, inner, mask), kind)
            if store.add:
                v = code.binary("fadd" if dtype.kind == "f" else "add", code.load(pointer, kind), v)
            code.store(v, pointer)
            return
        pointer, stride = self.address(store, inner)
        if not inner or lanes == 1:
            code.store(v, pointer)
        elif stride == 1:
            code.store(v, pointer, mask)
        else:
            code.scatter(v, self.addresses(pointer, kind, stride), mask)

    # --- computed places --------------------------------------------------------------------

    def _gathered(self, load: Load, inner: bool, mask: V | None) -> V:
        """Elements at computed places."""
        code, lanes = self.code, self.axes.lanes
        kind = memory_type(load.access.buffer.dtype)
        offset = self._computed(load, inner, mask)
        base = self.pointers[load.access.buffer]
        if not inner or lanes == 1:
            return code.load(code.address(base, offset, kind), kind)
        pointers = code.emit(f"<{lanes} x ptr>", f"getelementptr {kind}, {base}, {offset}")
        return code.gather(pointers, kind, mask)

    def _computed(self, statement: Load | Store, inner: bool, mask: V | None) -> V:
        """The offset of a place that indices decide, of each lane."""
        code, lanes = self.code, self.axes.lanes
        stride = self.axes.strides[statement][-1] if inner else 0
        offset = self.offset(statement, inner)
        if inner and lanes > 1:
            offset = code.splat(offset, lanes)
            if stride:
                offset = code.binary("add", offset, ramp(stride, lanes))
        for value, step, size in statement.dynamic:
            i = self.checked(value, size, inner, mask)
            offset = code.binary("add", offset, code.binary("mul", i, constant(step, i.type)))
        return offset

    def _loaded(self, v: V, buffer: Buffer) -> V:
        """A boolean is a byte in memory, and a bit in a register."""
        if buffer.dtype.char != "?":
            return v
        return self.code.compare("ne", v, constant(0, v.type))
