"""Products in which a zero wins over an infinity or a nan; see `autograd_core.zeros` for why.

A part of C that is complete is looked at once: without a nan in it no such term is in a sum, or it made no difference.
Else the part is computed again, term by term.
"""

from __future__ import annotations

from ..assembly import I64, Code, V, constant, integer, ramp
from .emitter import ZERO, Emitter

__all__ = ["settling"]


def settling(code: Code, kind: str, lanes: int, left: bool, right: bool, rounds: int = 0) -> str:
    """The name of a function that computes a part of C again, if there is a nan in it.

    Term by term, without those of a zero of A, or of B, as they win. To look costs a product for each
    vector of the part, which is in the cache: little beside the products that it is the sum of. One
    function for all of a module: it would take a fifth of the time to compile a product, each time.
    """
    name = f"settle_{kind}_{lanes}_{left:d}{right:d}" + (f"_{rounds}" if rounds else "")
    if name in code.declared:
        return name
    w = Emitter(Code(), kind, lanes, None)
    pointers = [V(f"%{x}", "ptr") for x in ("tile", "a", "b")]
    words = ["rows", "width", "stride", "ar", "ac", "br", "bc", "k"]
    words += [f"{what}{i}" for i in range(rounds) for what in ("count", "a", "b")]
    numbers = [V(f"%{x}", I64) for x in words]
    after = w.when(_has_nan(w, pointers[0], *numbers[:3]))
    _again(w, pointers, numbers, (left, right))
    w.end(after)
    parameters = ", ".join(map(str, (*pointers, *numbers)))
    lines = "\n".join(w.code.lines)
    code.declared.update(w.code.declared)
    code.declared[name] = (
        f"define internal void @{name}({parameters}) nounwind {{\nentry:\n{lines}\n  ret void\n}}"
    )
    return name


def _step(w: Emitter, base: V, index: V, stride: V) -> V:
    """``base`` moved by ``index`` steps of a stride that a caller gives."""
    return w.code.address(base, w.code.binary("mul", index, stride), w.kind)


def _has_nan(w: Emitter, tile: V, rows: V, width: V, stride: V) -> V:
    """Whether a number of the tile is nan, or infinite: 0 times it is nan, and so is the sum of those."""
    code, lanes, wide = w.code, w.lanes, w.type
    zeros, four = constant(0, wide), 4 * lanes

    def taken(place: V, total: V, mask: V | None = None) -> V:
        return code.fma(code.load(place, wide, mask), zeros, total)

    slot = code.emit("ptr", f"alloca {wide}, align 64")
    code.store(zeros, slot)
    count = code.binary("udiv", width, integer(four))
    in_fours = code.binary("mul", count, integer(four))
    with code.loop(0, rows) as i:
        line = _step(w, tile, i.index, stride)
        # Four vectors at a time: each sum waits for the one before it.
        after = w.when(code.compare("ne", count, ZERO))
        with code.loop(ZERO, in_fours, four, [zeros] * 4) as j:
            here = code.address(line, j.index, w.kind)
            places = [code.address(here, integer(v * lanes), w.kind) for v in range(4)]
            j.next(*(taken(place, x) for place, x in zip(places, j.values, strict=True)))
        total = code.load(slot, wide)
        for x in j.results:
            total = code.fadd(total, x)
        code.store(total, slot)
        w.end(after)
        after = w.when(code.compare("ne", in_fours, width))
        with code.loop(in_fours, width, lanes, [code.load(slot, wide)]) as j:
            place, mask = code.address(line, j.index, w.kind), None
            if lanes > 1:
                left = code.splat(code.binary("sub", width, j.index), lanes)
                mask = code.compare("slt", ramp(1, lanes), left)
            j.next(taken(place, j.values[0], mask))
        code.store(j.results[0], slot)
        w.end(after)
    total = code.load(slot, wide)
    is_nan = code.compare("uno", total, total)
    if lanes == 1:
        return is_nan
    bits = code.convert("bitcast", is_nan, f"i{lanes}")
    return code.compare("ne", bits, V("0", f"i{lanes}"))


def _again(w: Emitter, pointers: list[V], numbers: list[V], wins: tuple[bool, bool]) -> None:
    """Every element of the tile as a sum of terms, 0 where a zero that wins is a factor."""
    code, zero = w.code, constant(0, w.kind)
    tile, a, b = pointers
    rows, width, stride, ar, ac, br, bc, k, *rounds = numbers

    def some(pa: V, pb: V, total: V, rounds: list[V]) -> V:
        if rounds:
            count, a_step, b_step, *others = rounds
            with code.loop(0, count, 1, [total]) as r:
                x, y = _step(w, pa, r.index, a_step), _step(w, pb, r.index, b_step)
                r.next(some(x, y, r.values[0], others))
            return r.results[0]
        with code.loop(0, k, 1, [total]) as t:
            x = code.load(_step(w, pa, t.index, ac), w.kind)
            y = code.load(_step(w, pb, t.index, br), w.kind)
            term = code.fmul(x, y)
            for factor, its_zeros_win in zip((x, y), wins, strict=True):
                if its_zeros_win:
                    term = code.select(code.compare("oeq", factor, zero), zero, term)
            t.next(code.fadd(t.values[0], term))
        return t.results[0]

    with code.loop(0, rows) as i:
        line, pa = _step(w, tile, i.index, stride), _step(w, a, i.index, ar)
        with code.loop(0, width) as j:
            pb = _step(w, b, j.index, bc)
            total = some(pa, pb, zero, rounds)
            code.store(total, code.address(line, j.index, w.kind))
