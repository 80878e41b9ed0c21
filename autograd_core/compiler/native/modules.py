"""A schedule as one module of LLVM text: a function for each kernel, and one that calls them.

Kernels that differ only in the memory that they are given are one function. The step takes a table
of addresses: the arena, the arguments, the captured leaves, the scalars, the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..fusion import Schedule
from ..kernels import Bits, Buffer, Call, Nest
from .assembly import Code, V
from .machine import Machine
from .nests import emit_nest, workspace
from .philox import PHILOX, philox

__all__ = ["FAILED_INDEX", "Module", "module"]

HEADER = 64  # bytes at the start of the arena, for the error flag
FAILED_INDEX = -1  # what a step returns where an index was out of range


@dataclass
class Module:
    """Text and layout.

    Attributes
    ----------
    text : str
    segments : list of (int or Call)
        In order: functions ``run<n>`` by number, and what NumPy computes between them.
    table : dict of str to int
        Where the addresses of each place begin in the table.
    length : int
        Entries of the table.
    arena : int
        Bytes of scratch memory.
    functions : int
        How many different kernels there are.
    """

    text: str
    segments: list[int | Call]
    table: dict[str, int]
    length: int
    arena: int
    functions: int


def module(schedule: Schedule, machine: Machine, scratch: int, counts: dict[str, int]) -> Module:
    """The module of a schedule.

    Parameters
    ----------
    scratch : int
        Bytes of the memory plan.
    counts : dict
        How many buffers there are of each place: argument, state, output.
    """
    table = {"arena": 0, "scalar": 1, "argument": 2}
    table["state"] = table["argument"] + counts["argument"]
    table["output"] = table["state"] + counts["state"]
    length = table["output"] + counts["output"]
    extra = max((workspace(k, machine) for k in schedule.kernels if isinstance(k, Nest)), default=0)
    made: dict[str, str] = {}
    declared: dict[str, str] = {}
    segments: list[int | Call] = []
    mains: list[str] = []
    current: _Main | None = None

    def close() -> None:
        nonlocal current
        if current is not None:
            segments.append(len(mains))
            mains.append(current.finish(len(mains)))
            current = None

    for number, kernel in enumerate(schedule.kernels):
        if number == schedule.barrier:
            current = current or _Main(table, scratch)
            current.checks(schedule.checks)
        if isinstance(kernel, Call):
            close()
            segments.append(kernel)
            continue
        current = current or _Main(table, scratch)
        if isinstance(kernel, Bits):
            made.setdefault("philox", philox())
            current.bits(kernel)
            continue
        text, buffers = _kernel(kernel, machine, declared)
        name = made.get(text)
        if name is None:
            name = made[text] = f"k{len(made)}"
        current.call(name, buffers)
    if schedule.barrier == len(schedule.kernels) or not schedule.kernels:
        current = current or _Main(table, scratch)
        current.checks(schedule.checks if schedule.barrier >= 0 else [])
    close()
    parts = [*declared.values()]
    for text, name in made.items():
        parts.append(name if text == "philox" else text.replace("@KERNEL", f"@{name}"))
    parts += mains
    if segments == [0]:
        parts.append(_many(length))
    return Module("\n".join(parts), segments, table, length, HEADER + scratch + extra, len(made))


def _kernel(nest: Nest, machine: Machine, declared: dict[str, str]) -> tuple[str, list[Buffer]]:
    """A nest as a function of the buffers that it uses."""
    code = Code()
    buffers: dict[int, Buffer] = {}
    for access, _ in nest.accesses():
        buffers.setdefault(id(access.buffer), access.buffer)
    pointers = {key: V(f"%p{i}", "ptr") for i, key in enumerate(buffers)}
    emit_nest(code, machine, nest, pointers, V("%errors", "ptr"), V("%work", "ptr"))
    declared.update(code.declared)
    given = ", ".join(["ptr %errors", "ptr %work", *(f"ptr {p.text}" for p in pointers.values())])
    lines = "\n".join(code.lines)
    text = f"define internal void @KERNEL({given}) nounwind {{\nentry:\n{lines}\n  ret void\n}}"
    return text, list(buffers.values())


class _Main:
    """The function that calls kernels one after the other."""

    def __init__(self, table: dict[str, int], scratch: int) -> None:
        self.table = table
        self.code = Code()
        self.scratch = scratch
        self.loaded: dict[Any, V] = {}
        self.arena = self._entry(0)
        self.errors = self.arena

    def _entry(self, place: int) -> V:
        if place not in self.loaded:
            code = self.code
            pointer = code.address(V("%table", "ptr"), V(str(place), "i64"), "ptr")
            self.loaded[place] = code.load(pointer, "ptr")
        return self.loaded[place]

    def pointer(self, buffer: Buffer) -> V:
        if buffer.place == "scratch":
            return self._at(HEADER + buffer.start)
        if buffer.place == "scalar":
            base = self._entry(self.table["scalar"])
            return self.code.address(base, V(str(buffer.number), "i64"), "double")
        return self._entry(self.table[buffer.place] + buffer.number)

    def _at(self, byte: int) -> V:
        key = ("arena", byte)
        if key not in self.loaded:
            self.loaded[key] = self.code.address(self.arena, V(str(byte), "i64"), "i8")
        return self.loaded[key]

    def call(self, name: str, buffers: list[Buffer]) -> None:
        work = self._at(HEADER + self.scratch)
        given = [self.errors, work, *(self.pointer(b) for b in buffers)]
        self.code.do(f"call void @{name}({', '.join(map(str, given))})")

    def bits(self, kernel: Bits) -> None:
        code = self.code
        key, counter = (
            code.address(self.pointer(a.buffer), V(str(a.offset), "i64"), "i64")
            for a in (kernel.key, kernel.counter)
        )
        out, n = self.pointer(kernel.result), V(str(kernel.result.size), "i64")
        code.do(f"call void @{PHILOX}({key}, {counter}, {out}, {n})")

    def checks(self, conditions: list[Buffer]) -> None:
        """End here, with the number of what failed, if an index or a condition did."""
        code = self.code
        flag = code.load(self.errors, "i32")
        failed = code.compare("ne", flag, V("0", "i32"))
        self._leave(failed, FAILED_INDEX)
        for number, buffer in enumerate(conditions, 1):
            value = code.load(self.pointer(buffer), "i8")
            self._leave(code.compare("eq", value, V("0", "i8")), number)

    def _leave(self, failed: V, result: int) -> None:
        code = self.code
        out, on = code.fresh("fail"), code.fresh("good")
        code.branch(failed, out, on)
        code.start(out)
        code.store(V("0", "i32"), self.errors)
        code.do(f"ret i32 {result}")
        code.start(on)

    def finish(self, number: int) -> str:
        lines = "\n".join(self.code.lines)
        return f"define i32 @run{number}(ptr %table) nounwind {{\nentry:\n{lines}\n  ret i32 0\n}}"


def _many(length: int) -> str:
    """``many(table, n, strides, scalars, grow, count)``: n steps, each with tables and scalars moved on."""
    code = Code()
    table, strides = V("%table", "ptr"), V("%strides", "ptr")
    code.jump("step")
    code.start("step")
    code.lines.append("  %i = phi i64 [ 0, %entry ], [ %next, %more ]")
    failed = code.emit("i32", "call i32 @run0(ptr %table)")
    code.branch(code.compare("ne", failed, V("0", "i32")), "out", "on")
    code.start("on")
    with code.loop(0, length) as loop:
        place = code.address(table, loop.index, "i64")
        move = code.load(code.address(strides, loop.index, "i64"), "i64")
        code.store(code.binary("add", code.load(place, "i64"), move), place)
    code.branch(code.compare("sgt", V("%count", "i64"), V("0", "i64")), "grown", "more")
    code.start("grown")
    with code.loop(0, V("%count", "i64")) as loop:
        place = code.address(V("%scalars", "ptr"), loop.index, "double")
        by = code.load(code.address(V("%grow", "ptr"), loop.index, "double"), "double")
        code.store(code.fadd(code.load(place, "double"), by), place)
    code.jump("more")
    code.start("more")
    code.lines.append("  %next = add i64 %i, 1")
    code.branch(code.compare("slt", V("%next", "i64"), V("%n", "i64")), "step", "end")
    code.start("end")
    code.do("store i64 %next, ptr %done")
    code.do("ret i32 0")
    code.start("out")
    code.do("store i64 %i, ptr %done")
    code.do(f"ret i32 {failed.text}")
    lines = "\n".join(code.lines)
    head = (
        "define i32 @many(ptr %table, i64 %n, ptr %strides, ptr %scalars, ptr %grow, i64 %count, "
        "ptr %done) nounwind"
    )
    return f"{head} {{\nentry:\n{lines}\n}}"
