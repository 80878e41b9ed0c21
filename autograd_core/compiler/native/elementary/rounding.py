"""Signs, roots, extrema, whole numbers and remainders, as NumPy has them."""

from __future__ import annotations

from collections.abc import Callable

from ..assembly import Code, V, lanes, vector
from .formats import at_least, magnitude, number, with_sign
from .lanewise import per_lane

__all__ = [
    "absolute",
    "ceil",
    "copysign",
    "floor",
    "floor_divide",
    "fmod",
    "maximum",
    "minimum",
    "mod",
    "relu",
    "rint",
    "sign",
    "sqrt",
    "step",
    "trunc",
]


def _intrinsic(name: str) -> Callable[[Code, V], V]:
    def function(code: Code, x: V) -> V:
        return code.call(name, x.type, x)

    return function


# One instruction each where the machine has SSE 4.1 or better.
sqrt = _intrinsic("llvm.sqrt")
floor = _intrinsic("llvm.floor")
ceil = _intrinsic("llvm.ceil")
trunc = _intrinsic("llvm.trunc")
rint = _intrinsic("llvm.rint")

absolute = magnitude
copysign = with_sign


def sign(code: Code, x: V) -> V:
    """-1, 0 or 1; 0 for either zero, nan for nan."""
    zero, one = number(0.0, x), number(1.0, x)
    below = code.select(code.compare("olt", x, zero), number(-1.0, x), x)
    above = code.select(code.compare("ogt", x, zero), one, below)
    return code.select(code.compare("oeq", x, zero), zero, above)


def step(code: Code, x: V) -> V:
    """1 where x > 0, else 0, also for nan."""
    zero = number(0.0, x)
    return code.select(code.compare("ogt", x, zero), number(1.0, x), zero)


def relu(code: Code, x: V) -> V:
    """max(x, 0); nan stays nan."""
    return at_least(code, x, 0.0)


def maximum(code: Code, a: V, b: V) -> V:
    """The larger; nan if either is."""
    return _extremum(code, "ogt", a, b)


def minimum(code: Code, a: V, b: V) -> V:
    """The smaller; nan if either is."""
    return _extremum(code, "olt", a, b)


def _extremum(code: Code, how: str, a: V, b: V) -> V:
    # x86's instruction, and this comparison, give the second operand if either is nan; so a known
    # number goes first, and then nothing is left to mend. Of two zeros it is the second, too.
    if _is_number(b):
        a, b = b, a
    y = code.select(code.compare(how, a, b), a, b)
    return y if _is_number(a) else code.select(code.compare("uno", a, a), a, y)


def _is_number(x: V) -> bool:
    """Whether it is a constant, and surely not nan."""
    return not x.text.startswith("%") and "0x7FF8" not in x.text and "0xFFF8" not in x.text


def fmod(code: Code, a: V, b: V) -> V:
    """Remainder with the sign of the dividend, exact."""
    return per_lane(code, "fmod", a, b)


def floor_divide(code: Code, a: V, b: V) -> V:
    """The quotient rounded down, as NumPy makes it from fmod; of a divisor 0 the quotient itself."""
    zero, one = number(0.0, a), number(1.0, a)
    r, plain = fmod(code, a, b), code.fdiv(a, b)
    flag = vector("i1", lanes(a.type))
    differ = code.binary("xor", code.compare("olt", r, zero), code.compare("olt", b, zero))
    below = code.binary("and", V(differ.text, flag), code.compare("une", r, zero))
    y = code.fdiv(code.fsub(a, r), b)  # nearly a whole number
    y = code.select(below, code.fsub(y, one), y)
    whole = floor(code, y)
    more = code.compare("ogt", code.fsub(y, whole), number(0.5, a))
    whole = code.select(more, code.fadd(whole, one), whole)
    whole = code.select(code.compare("oeq", y, zero), with_sign(code, zero, plain), whole)
    return code.select(code.compare("oeq", b, zero), plain, whole)


def mod(code: Code, a: V, b: V) -> V:
    """Remainder with the sign of the divisor, as NumPy makes it from fmod."""
    zero = number(0.0, a)
    r = fmod(code, a, b)
    flag = vector("i1", lanes(a.type))
    behind = code.compare("olt", r, zero)
    differ = code.binary("xor", behind, code.compare("olt", b, zero))
    there = code.compare("une", r, zero)
    r = code.select(code.binary("and", V(differ.text, flag), there), code.fadd(r, b), r)
    return code.select(there, r, with_sign(code, zero, b))
