"""The C library's functions, lane after lane: for what is rare in a training step."""

from __future__ import annotations

from ..assembly import Code, V, element, lanes

__all__ = ["per_lane", "per_lane_seldom"]


def per_lane(code: Code, name: str, *operands: V) -> V:
    """C's function ``name`` (double's name; ``f`` is added for float) of every lane."""
    kind, base = operands[0].type, element(operands[0].type)
    full = name + "f" * (base == "float")
    if lanes(kind) == 1:
        return code.invoke(full, base, *operands)
    result = V("poison", kind)  # every lane of it is written below
    for i in range(lanes(kind)):
        parts = [code.emit(base, f"extractelement {x}, i64 {i}") for x in operands]
        y = code.invoke(full, base, *parts)
        result = code.emit(kind, f"insertelement {result}, {y}, i64 {i}")
    return result


def per_lane_seldom(code: Code, name: str, where: V, y: V, x: V) -> V:
    """``y``, but C's function of x in the lanes ``where``; skipped where there is none.

    A loop, not a row of calls: it hardly ever runs, and should take little room.
    """
    n, base = lanes(x.type), element(x.type)
    full = name + "f" * (base == "float")
    some = where if n == 1 else code.invoke(f"llvm.vector.reduce.or.v{n}i1", "i1", where)
    before, seldom, after = code.block, code.fresh("seldom"), code.fresh("mended")
    code.branch(some, seldom, after)
    code.start(seldom)
    if n == 1:
        mended = code.invoke(full, base, x)
    else:
        with code.loop(0, n, carried=[y]) as loop:
            lane = code.emit(base, f"extractelement {x}, {loop.index}")
            result = code.invoke(full, base, lane)
            loop.next(code.emit(y.type, f"insertelement {loop.values[0]}, {result}, {loop.index}"))
        mended = code.select(where, loop.results[0], y)
    there = code.block
    code.jump(after)
    code.start(after)
    return code.emit(y.type, f"phi {y.type} [ {y.text}, %{before} ], [ {mended.text}, %{there} ]")
