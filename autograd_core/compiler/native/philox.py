"""Philox4x64-10 as instructions: the bits of `autograd_core.random_bits`, which are NumPy's.

Each block of a counter is four 64-bit words. NumPy counts up before it draws, so the first block is
that of (1, counter, 0, 0). Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as
1, 2, 3", for the rounds and their constants.
"""

from __future__ import annotations

from .assembly import Code, V

__all__ = ["PHILOX", "philox"]

PHILOX = "philox"
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10


def _int(value: int) -> V:
    return V(str(value - (1 << 64) if value >> 63 else value), "i64")


def _product(code: Code, a: V, multiplier: int) -> tuple[V, V]:
    """High and low word of a product of 64-bit words."""
    wide = code.convert("zext", a, "i128")
    full = code.binary("mul", wide, V(str(multiplier), "i128"))
    high = code.binary("lshr", full, V("64", "i128"))
    return code.convert("trunc", high, "i64"), code.convert("trunc", full, "i64")


def _block(code: Code, counter: list[V], keys: list[tuple[V, V]]) -> list[V]:
    c = counter
    for k0, k1 in keys:
        high0, low0 = _product(code, c[0], _MULTIPLIERS[0])
        high1, low1 = _product(code, c[2], _MULTIPLIERS[1])
        c = [
            code.binary("xor", code.binary("xor", high1, c[1]), k0),
            low1,
            code.binary("xor", code.binary("xor", high0, c[3]), k1),
            low0,
        ]
    return c


def philox() -> str:
    """The function ``philox(key, counter, out, n)``: n words of 32 bits at ``out``."""
    code = Code()
    k0 = code.load(V("%key", "ptr"), "i64")
    k1 = code.load(code.address(V("%key", "ptr"), V("1", "i64"), "i64"), "i64")
    counter = code.load(V("%counter", "ptr"), "i64")
    keys = []
    for _ in range(_ROUNDS):
        keys.append((k0, k1))
        k0, k1 = (code.binary("add", k, _int(w)) for k, w in zip((k0, k1), _WEYL, strict=True))
    out, n = V("%out", "ptr"), V("%n", "i64")
    blocks = code.binary("lshr", n, V("3", "i64"))
    left = code.binary("and", n, V("7", "i64"))
    zero = V("0", "i64")
    code.branch(code.compare("sgt", blocks, zero), "whole", "tail")
    code.start("whole")
    with code.loop(0, blocks) as loop:
        first = code.binary("add", loop.index, V("1", "i64"))
        start = code.binary("shl", loop.index, V("2", "i64"))
        for i, word in enumerate(_block(code, [first, counter, zero, zero], keys)):
            place = code.binary("add", start, V(str(i), "i64"))
            code.store(word, code.address(out, place, "i64"))
    code.jump("tail")
    code.start("tail")
    code.branch(code.compare("sgt", left, zero), "part", "end")
    code.start("part")
    last = code.emit("ptr", "alloca [4 x i64], align 8")
    first = code.binary("add", blocks, V("1", "i64"))
    for i, word in enumerate(_block(code, [first, counter, zero, zero], keys)):
        code.store(word, code.address(last, V(str(i), "i64"), "i64"))
    done = code.binary("shl", blocks, V("3", "i64"))
    with code.loop(0, left) as loop:
        word = code.load(code.address(last, loop.index, "i32"), "i32")
        code.store(word, code.address(out, code.binary("add", done, loop.index), "i32"))
    code.jump("end")
    code.start("end")
    lines = "\n".join(code.lines)
    head = f"define internal void @{PHILOX}(ptr %key, ptr %counter, ptr %out, i64 %n) nounwind"
    return f"{head} {{\nentry:\n{lines}\n  ret void\n}}"
