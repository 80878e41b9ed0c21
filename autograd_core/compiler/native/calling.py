"""The function that calls a step's kernels one after the other, and where its threads wait for each other."""

from __future__ import annotations

from ..kernels import Buffer
from .assembly import Code, V, integer

__all__ = ["FAILED_INDEX", "HEADER", "Main", "meeting"]

HEADER = 192  # bytes at the start of the arena: the error flag, and what threads meet by
MEET = "meet"
GROUP = 128  # calls in one function
FAILED_INDEX = -1  # what a step returns where an index was out of range


class Main:
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
        at = self.code.address(V("%table", "ptr"), integer(place), "ptr")
        return self.code.load(at, "ptr")

    def _at(self, byte: int) -> V:
        return self.code.address(self.arena, integer(byte), "i8")

    def pointer(self, buffer: Buffer) -> V:
        """Where a buffer is."""
        if buffer.place == "scratch":
            return self._at(HEADER + buffer.start)
        first = self.table[buffer.place]
        if buffer.place == "scalar":
            return self.code.address(self._entry(first), integer(buffer.number), "double")
        return self._entry(first + buffer.number)

    def call(self, name: str, buffers: list[Buffer], shared: bool) -> None:
        """One kernel."""
        if shared:
            self._meet()
            part, parts = V("%part", "i64"), V("%parts", "i64")
            shift = self.code.binary("mul", part, integer(self.extra))
            work = self.code.address(self._at(HEADER + self.scratch), shift, "i8")
            arguments = [self.arena, work, part, parts]
            self.apart = True
        else:
            self._first()
            arguments = [self.arena, self._at(HEADER + self.scratch)]
        arguments += [self.pointer(b) for b in buffers]
        self.code.do(f"call void @{name}({', '.join(map(str, arguments))})")
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
        code.branch(code.compare("eq", V("%part", "i64"), integer(0)), inside, self.alone)
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


def meeting() -> str:
    """``meet(arena, parts)``: returns when all threads have called it.

    The last to come begins a new generation; the others watch for it, and let others run if it
    takes long. The header of the arena holds the count and the generation, on lines of their own.
    """
    code = Code()
    arena, parts = V("%arena", "ptr"), V("%parts", "i64")
    count = code.address(arena, integer(HEADER - 128), "i8")
    generation = code.address(arena, integer(HEADER - 64), "i8")
    now = code.emit("i64", f"load atomic i64, {generation} acquire, align 8")
    before = code.emit("i64", f"atomicrmw add {count}, i64 1 acq_rel, align 8")
    here = code.binary("add", before, integer(1))
    code.branch(code.compare("eq", here, parts), "last", "watch")
    code.start("last")
    code.do(f"store atomic i64 0, {count} monotonic, align 8")
    following = code.binary("add", now, integer(1))
    code.do(f"store atomic {following}, {generation} release, align 8")
    code.jump("done")
    code.start("watch")
    code.lines.append("  %tries = phi i64 [ 0, %entry ], [ %more, %again ]")
    seen = code.emit("i64", f"load atomic i64, {generation} acquire, align 8")
    code.branch(code.compare("ne", seen, now), "done", "idle")
    code.start("idle")
    code.lines.append("  %more = add i64 %tries, 1")
    code.branch(code.compare("ugt", V("%more", "i64"), integer(20000)), "rest", "again")
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
