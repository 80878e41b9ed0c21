"""Ways into a step from Python beside its function itself: without arguments, and many steps at once."""

from __future__ import annotations

from .assembly import Code, V, integer

__all__ = ["GO", "many"]

# The step with its table held by the code: a call without arguments is the quickest from Python.
GO = """@held = internal global ptr null
define void @bind(ptr %table) nounwind {
  store ptr %table, ptr @held
  ret void
}
define i32 @go() nounwind {
  %table = load ptr, ptr @held
  %code = call i32 @run0(ptr %table)
  ret i32 %code
}"""


def many(length: int) -> str:
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
    code.branch(code.compare("sgt", V("%count", "i64"), integer(0)), "grown", "more")
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
