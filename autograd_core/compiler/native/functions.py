"""Kernels as functions of the buffers that they use: those that differ only in their memory are one.

A nest is recognized by what it is made of before anything is written (`_form`), other kernels by their text.
"""

from __future__ import annotations

from typing import Any

from ...program import Literal
from ..kernels import Bits, Buffer, Call, Compute, Iota, Load, Nest, Repeat, Store
from .assembly import Code, V, integer
from .machine import Machine
from .nests import emit_nest
from .philox import PHILOX, philox

__all__ = ["Functions"]

ERRORS, WORK = V("%errors", "ptr"), V("%work", "ptr")


class Functions:
    """Kernels as functions of the buffers that they use; equal ones are made once."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.made: dict[str, str] = {}
        self.declared: dict[str, str] = {}
        self.known: dict[
            Any, str
        ] = {}  # names by what nests are made of, so that equal ones are written once

    def texts(self) -> list[str]:
        """All of them, and declarations of what they call."""
        found = [text.replace("@KERNEL", f"@{name}") for text, name in self.made.items()]
        return [*self.declared.values(), *found]

    def of(self, kernel: Nest | Bits | Repeat, shared: bool = False) -> tuple[str, list[Buffer]]:
        """The name of a kernel's function, and the buffers to call it with."""
        if isinstance(kernel, Nest):
            used = [access.buffer for access, _ in kernel.accesses()]
        elif isinstance(kernel, Bits):
            used = [kernel.key.buffer, kernel.counter.buffer, kernel.result]
        else:
            used = kernel.buffers()
        buffers = list(dict.fromkeys(used))
        key = _form(kernel, shared, buffers) if isinstance(kernel, Nest) else None
        if key in self.known:
            return self.known[key], buffers
        pointers = {buffer: V(f"%p{i}", "ptr") for i, buffer in enumerate(buffers)}
        code = Code()
        share = (V("%part", "i64"), V("%parts", "i64")) if shared else None
        if isinstance(kernel, Nest):
            emit_nest(code, self.machine, kernel, pointers, ERRORS, WORK, share)
        elif isinstance(kernel, Bits):
            self._bits(code, kernel, pointers)
        else:
            self._repeat(code, kernel, pointers)
        self.declared.update(code.declared)
        parts = ["i64 %part", "i64 %parts"] if shared else []
        parameters = ", ".join([str(ERRORS), str(WORK), *parts, *map(str, pointers.values())])
        lines = "\n".join(code.lines)
        text = f"define internal void @KERNEL({parameters}) nounwind {{\nentry:\n{lines}\n  ret void\n}}"
        name = self.made.setdefault(text, f"k{len(self.made)}")
        if key is not None:
            self.known[key] = name
        return name, buffers

    def _bits(self, code: Code, kernel: Bits, pointers: dict[Buffer, V]) -> None:
        self.made.setdefault(philox(), PHILOX)
        key, counter = (
            code.address(pointers[a.buffer], integer(a.offset), "i64")
            for a in (kernel.key, kernel.counter)
        )
        out, n = pointers[kernel.result], integer(kernel.result.size)
        code.do(f"call void @{PHILOX}({key}, {counter}, {out}, {n})")

    def _repeat(self, code: Code, kernel: Repeat, pointers: dict[Buffer, V]) -> None:
        """A loop that calls the body's kernels, with addresses that move on."""
        body, length = kernel.body, kernel.length
        held = [pointers[b] for b in kernel.consts]
        moving = []  # (address, bytes to the next)
        for stack in (*kernel.xs, *kernel.ys):
            step = stack.bytes // length
            start = step * (length - 1) if kernel.reverse else 0
            first = code.address(pointers[stack], integer(start), "i8")
            moving.append((first, -step if kernel.reverse else step))
        turns = [pointers[b] for carry in kernel.carries for b in carry]
        carried = [*turns, *(first for first, _ in moving)]
        with code.loop(0, length, 1, carried) as loop:
            slots, at = loop.values[: len(turns)], loop.values[len(turns) :]
            now, new = slots[0::3], slots[1::3]
            arguments = [*held, *now, *at[: len(kernel.xs)]]
            outputs = [*new, *at[len(kernel.xs) :]]
            arena = pointers[kernel.arena]
            for inner in body.kernels:
                assert not isinstance(inner, Call)  # noqa: S101 - NumPy runs a loop that needs it
                name, buffers = self.of(inner)
                operands = [ERRORS, WORK]
                for buffer in buffers:
                    if buffer.place == "scratch":
                        operands.append(code.address(arena, integer(buffer.start), "i8"))
                    else:
                        places = arguments if buffer.place == "argument" else outputs
                        operands.append(places[buffer.number])
                code.do(f"call void @{name}({', '.join(map(str, operands))})")
            nexts: list[V] = []
            for b, c in zip(slots[1::3], slots[2::3], strict=True):
                nexts += [b, c, b]
            moved = [
                code.address(p, integer(step), "i8")
                for p, (_, step) in zip(at, moving, strict=True)
            ]
            loop.next(*nexts, *moved)


def _form(nest: Nest, shared: bool, buffers: list[Buffer]) -> Any:
    """What a nest is made of, whatever memory it works on; None if that cannot be compared."""
    order = {buffer: i for i, buffer in enumerate(buffers)}
    places: dict[Any, int] = {}

    def value(v: Any) -> Any:
        return (type(v.value), v.value) if isinstance(v, Literal) else places[v]

    def access(a: Any) -> Any:
        buffer = a.buffer
        return order[buffer], buffer.dtype.char, buffer.size, a.offset, tuple(a.strides)

    form: list[Any] = [shared, tuple(nest.sizes), nest.ordered]
    if nest.product is not None:
        p = nest.product
        places[p.tile] = -1
        form.append((p.batch, p.m, p.n, p.terms, p.sizes, p.tile.dtype.char, p.zeros))
        form += [access(p.a), access(p.b)]
    for statement in nest.body:
        row: list[Any] = [type(statement)]
        if isinstance(statement, Compute):
            row += [statement.primitive, *map(value, statement.operands)]
            row += [
                tuple(statement.params.items()),
                statement.dtype.char,
                statement.weak,
                statement.working.char,
            ]
        elif isinstance(statement, Iota):
            row += statement.strides
        else:
            row.append(access(statement.access))
            if isinstance(statement, (Load, Store)):
                row += [(value(v), s, n) for v, s, n in statement.dynamic]
            if isinstance(statement, Load):
                row += [statement.dtype.char, statement.weak]
            else:
                row += [
                    value(statement.value),
                    getattr(statement, "add", None),
                    getattr(statement, "how", None),
                ]
                row.append(getattr(statement, "overlap", None))
        places[statement] = len(places)
        form.append(tuple(row))
    key = tuple(form)
    try:
        hash(key)
    except TypeError:
        return None
    return key
