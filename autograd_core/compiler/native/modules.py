"""A schedule as one module of LLVM text: a function for each kernel, and one that calls them.

Kernels that differ only in the memory that they are given are one function. The step takes a table
of addresses: the arena, the arguments, the captured leaves, the scalars, the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...program import Literal
from ..kernels import (
    Bits,
    Buffer,
    Call,
    Compute,
    Iota,
    Kernel,
    Load,
    Nest,
    Repeat,
    Schedule,
    Store,
)
from .assembly import Code, V
from .machine import Machine
from .nests import emit_nest, shareable, workspace
from .philox import PHILOX, philox

__all__ = ["FAILED_INDEX", "Module", "module"]

HEADER = 192  # bytes at the start of the arena: the error flag, and what threads meet by
MEET = "meet"
GROUP = 128  # calls in one function
FAILED_INDEX = -1  # what a step returns where an index was out of range
_ERRORS, _WORK = V("%errors", "ptr"), V("%work", "ptr")


# The step with its table held by the code: a call without arguments is the quickest from Python.
_GO = """@held = internal global ptr null
define void @bind(ptr %table) nounwind {
  store ptr %table, ptr @held
  ret void
}
define i32 @go() nounwind {
  %table = load ptr, ptr @held
  %code = call i32 @run0(ptr %table)
  ret i32 %code
}"""


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


def module(
    schedule: Schedule, machine: Machine, scratch: int, counts: dict[str, int], threads: int = 1
) -> Module:
    """The module of a schedule.

    Parameters
    ----------
    scratch : int
        Bytes of the memory plan.
    counts : dict
        How many buffers there are of each place: argument, state, output.
    threads : int
        With more than one, ``run<n>(table, part, parts)`` is called by each of them at the same time.
    """
    table = {"arena": 0, "scalar": 1, "argument": 2}
    table["state"] = table["argument"] + counts["argument"]
    table["output"] = table["state"] + counts["state"]
    length = table["output"] + counts["output"]
    extra = max(map(_workspace, schedule.kernels, [machine] * len(schedule.kernels)), default=0)
    functions = _Functions(machine)
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
            current = current or _Main(table, scratch, extra, threads)
            current.checks(schedule.checks)
        if isinstance(kernel, Call):
            close()
            segments.append(kernel)
            continue
        current = current or _Main(table, scratch, extra, threads)
        shared = threads > 1 and isinstance(kernel, Nest) and shareable(kernel, machine)
        current.call(*functions.of(kernel, shared), shared)
    if schedule.barrier == len(schedule.kernels) or not schedule.kernels:
        current = current or _Main(table, scratch, extra, threads)
        current.checks(schedule.checks if schedule.barrier >= 0 else [])
    close()
    parts = functions.texts()
    if threads > 1:
        parts.append(_meeting())
    parts += mains
    if segments == [0] and threads == 1:
        parts += [_GO, _many(length)]
    arena = HEADER + scratch + threads * extra
    return Module("\n".join(parts), segments, table, length, arena, len(functions.made))


def _workspace(kernel: Kernel, machine: Machine) -> int:
    """Bytes that products of a kernel pack into; whole lines."""
    if isinstance(kernel, Repeat):
        return max((_workspace(k, machine) for k in kernel.body.kernels), default=0)
    size = workspace(kernel, machine) if isinstance(kernel, Nest) else 0
    return -(-size // 64) * 64


class _Functions:
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
            emit_nest(code, self.machine, kernel, pointers, _ERRORS, _WORK, share)
        elif isinstance(kernel, Bits):
            self._bits(code, kernel, pointers)
        else:
            self._repeat(code, kernel, pointers)
        self.declared.update(code.declared)
        parts = ["i64 %part", "i64 %parts"] if shared else []
        given = ", ".join([str(_ERRORS), str(_WORK), *parts, *map(str, pointers.values())])
        lines = "\n".join(code.lines)
        text = f"define internal void @KERNEL({given}) nounwind {{\nentry:\n{lines}\n  ret void\n}}"
        name = self.made.setdefault(text, f"k{len(self.made)}")
        if key is not None:
            self.known[key] = name
        return name, buffers

    def _bits(self, code: Code, kernel: Bits, pointers: dict[Buffer, V]) -> None:
        self.made.setdefault(philox(), PHILOX)
        key, counter = (
            code.address(pointers[a.buffer], V(str(a.offset), "i64"), "i64")
            for a in (kernel.key, kernel.counter)
        )
        out, n = pointers[kernel.result], V(str(kernel.result.size), "i64")
        code.do(f"call void @{PHILOX}({key}, {counter}, {out}, {n})")

    def _repeat(self, code: Code, kernel: Repeat, pointers: dict[Buffer, V]) -> None:
        """A loop that calls the body's kernels, with addresses that move on."""
        body, length = kernel.body, kernel.length
        held = [pointers[b] for b in kernel.consts]
        moving = []  # (address, bytes to the next)
        for stack in (*kernel.xs, *kernel.ys):
            step = stack.bytes // length
            start = step * (length - 1) if kernel.reverse else 0
            first = code.address(pointers[stack], V(str(start), "i64"), "i8")
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
                operands = [_ERRORS, _WORK]
                for buffer in buffers:
                    if buffer.place == "scratch":
                        operands.append(code.address(arena, V(str(buffer.start), "i64"), "i8"))
                    else:
                        places = arguments if buffer.place == "argument" else outputs
                        operands.append(places[buffer.number])
                code.do(f"call void @{name}({', '.join(map(str, operands))})")
            nexts: list[V] = []
            for b, c in zip(slots[1::3], slots[2::3], strict=True):
                nexts += [b, c, b]
            moved = [
                code.address(p, V(str(step), "i64"), "i8")
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
        form.append((p.batch, p.m, p.n, p.k, p.tile.dtype.char, p.zeros, access(p.a), access(p.b)))
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


class _Main:
    """The function that calls kernels one after the other.

    With threads, all of them run it: kernels that can be shared are, the others are the first
    thread's, and all wait for one another where the one kind follows the other.
    """

    def __init__(self, table: dict[str, int], scratch: int, extra: int, threads: int) -> None:
        self.table = table
        self.code = Code()
        self.scratch = scratch
        self.extra = extra
        self.threads = threads
        self.arena = self.first = self._entry(0)
        self.main = self.code
        self.groups: list[str] = []
        self.calls = 0
        self.alone: str | None = None  # inside of what only the first thread does: where it ends
        self.apart = False  # whether one thread may be ahead of another

    def _entry(self, place: int) -> V:
        # Anew at each call: addresses that live from the start of a long function to its end
        # make LLVM's time grow with the square of its length.
        at = self.code.address(V("%table", "ptr"), V(str(place), "i64"), "ptr")
        return self.code.load(at, "ptr")

    def _at(self, byte: int) -> V:
        return self.code.address(self.arena, V(str(byte), "i64"), "i8")

    def pointer(self, buffer: Buffer) -> V:
        """Where a buffer is."""
        if buffer.place == "scratch":
            return self._at(HEADER + buffer.start)
        first = self.table[buffer.place]
        if buffer.place == "scalar":
            return self.code.address(self._entry(first), V(str(buffer.number), "i64"), "double")
        return self._entry(first + buffer.number)

    def call(self, name: str, buffers: list[Buffer], shared: bool) -> None:
        """One kernel."""
        if shared:
            self._meet()
            part, parts = V("%part", "i64"), V("%parts", "i64")
            shift = self.code.binary("mul", part, V(str(self.extra), "i64"))
            work = self.code.address(self._at(HEADER + self.scratch), shift, "i8")
            given = [self.arena, work, part, parts]
            self.apart = True
        else:
            self._first()
            given = [self.arena, self._at(HEADER + self.scratch)]
        given += [self.pointer(b) for b in buffers]
        self.code.do(f"call void @{name}({', '.join(map(str, given))})")
        self.calls += 1
        if self.threads == 1 and self.calls % GROUP == 0:
            self._group()

    def _group(self) -> None:
        """Go on in a function of its own: LLVM's time grows faster than the length of a function."""
        self._gathered()
        self.main.do(f"call void @GROUP{len(self.groups)}(ptr %table)")
        self.code = Code()
        self.arena = self._entry(0)

    def _gathered(self) -> None:
        """End the function of a group, and go on in the main one."""
        if self.code is not self.main:
            lines = "\n".join(self.code.lines)
            self.groups.append(
                f"define internal void @GROUP{len(self.groups)}(ptr %table) nounwind {{\n"
                f"entry:\n{lines}\n  ret void\n}}"
            )
        self.code, self.arena = self.main, self.first

    def _first(self) -> None:
        """What follows is the first thread's alone."""
        if self.threads == 1 or self.alone is not None:
            return
        if self.apart:
            self._wait()
        code = self.code
        inside, self.alone = code.fresh("first"), code.fresh("all")
        code.branch(code.compare("eq", V("%part", "i64"), V("0", "i64")), inside, self.alone)
        code.start(inside)

    def _meet(self) -> None:
        """All threads are here, and see what any has done."""
        if self.threads == 1:
            return
        if self.alone is not None:
            self.code.jump(self.alone)
            self.code.start(self.alone)
            self.alone, self.apart = None, True
        if self.apart:
            self._wait()

    def _wait(self) -> None:
        self.code.do(f"call void @{MEET}({self.arena}, i64 %parts)")
        self.apart = False

    def checks(self, conditions: list[Buffer]) -> None:
        """End here, with the number of what failed, if an index or a condition did."""
        self._meet()
        self._gathered()
        code = self.code
        for number, buffer in enumerate(conditions, 1):
            value = code.load(self.pointer(buffer), "i8")
            self._leave(code.compare("eq", value, V("0", "i8")), number)
        # A condition says what is wrong; an index out of range may be what it is about.
        flag = code.load(self.arena, "i32")
        self._leave(code.compare("ne", flag, V("0", "i32")), FAILED_INDEX)

    def _leave(self, failed: V, result: int) -> None:
        code = self.code
        out, on = code.fresh("fail"), code.fresh("good")
        code.branch(failed, out, on)
        code.start(out)
        code.do(f"ret i32 {result}")
        code.start(on)

    def finish(self, number: int) -> str:
        """The function's text."""
        self._meet()
        self._gathered()
        parts = ", i64 %part, i64 %parts" if self.threads > 1 else ""
        lines = "\n".join(self.code.lines)
        whole = (
            f"define i32 @run{number}(ptr %table{parts}) nounwind {{\nentry:\n{lines}\n"
            "  ret i32 0\n}"
        )
        return "\n".join([*self.groups, whole]).replace("@GROUP", f"@run{number}part")


def _meeting() -> str:
    """``meet(arena, parts)``: returns when all threads have called it.

    The last to come begins a new generation; the others watch for it, and let others run if it
    takes long. The header of the arena holds the count and the generation, on lines of their own.
    """
    code = Code()
    arena, parts = V("%arena", "ptr"), V("%parts", "i64")
    count = code.address(arena, V(str(HEADER - 128), "i64"), "i8")
    generation = code.address(arena, V(str(HEADER - 64), "i64"), "i8")
    now = code.emit("i64", f"load atomic i64, {generation} acquire, align 8")
    before = code.emit("i64", f"atomicrmw add {count}, i64 1 acq_rel, align 8")
    here = code.binary("add", before, V("1", "i64"))
    code.branch(code.compare("eq", here, parts), "last", "watch")
    code.start("last")
    code.do(f"store atomic i64 0, {count} monotonic, align 8")
    following = code.binary("add", now, V("1", "i64"))
    code.do(f"store atomic {following}, {generation} release, align 8")
    code.jump("done")
    code.start("watch")
    code.lines.append("  %tries = phi i64 [ 0, %entry ], [ %more, %again ]")
    seen = code.emit("i64", f"load atomic i64, {generation} acquire, align 8")
    code.branch(code.compare("ne", seen, now), "done", "idle")
    code.start("idle")
    code.lines.append("  %more = add i64 %tries, 1")
    code.branch(code.compare("ugt", V("%more", "i64"), V("20000", "i64")), "rest", "again")
    code.start("rest")
    code.do("call i32 @sched_yield()")
    code.jump("again")
    code.start("again")
    code.jump("watch")
    code.start("done")
    lines = "\n".join(code.lines)
    return (
        "declare i32 @sched_yield()\n"
        f"define internal void @{MEET}(ptr %arena, i64 %parts) nounwind {{\nentry:\n{lines}\n  ret void\n}}"
    )


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
