"""Powers and distances: float by way of double, double by the C library."""

from __future__ import annotations

import math

from ..assembly import Code, V, element, lanes, vector
from .exponentials import exp
from .formats import magnitude, number, with_sign
from .lanewise import per_lane
from .logarithms import log

__all__ = ["hypot", "power", "power_by"]


def _wide(code: Code, x: V) -> V:
    return code.convert("fpext", x, vector("double", lanes(x.type)))


def power(code: Code, a: V, b: V) -> V:
    """a^b with C99's special cases, which are NumPy's."""
    if element(a.type) == "double":
        return per_lane(code, "pow", a, b)
    zero, ones, inf = number(0.0, a), number(1.0, a), number(math.inf, a)
    size = magnitude(code, a)
    # b log|a| in double: its error, 2^-46 at the ends of float's range, is out of sight in float.
    product = code.fmul(_wide(code, b), log(code, _wide(code, size)))
    y = code.convert("fptrunc", exp(code, product), a.type)
    half = code.fmul(b, number(0.5, b))
    is_whole = code.compare("oeq", code.call("llvm.trunc", b.type, b), b)
    odd = code.binary(
        "and", is_whole, code.compare("une", code.call("llvm.trunc", b.type, half), half)
    )
    y = code.select(odd, with_sign(code, y, a), y)
    # A negative number has no fractional power, but for -inf, whose sign is taken off.
    negative = code.binary("and", code.compare("olt", a, zero), code.compare("one", size, inf))
    fractional = code.compare("une", code.call("llvm.trunc", b.type, b), b)
    y = code.select(code.binary("and", negative, fractional), number(math.nan, a), y)
    # 1^b and a^0 are 1 even where the other is nan, and so is (-1)^±inf.
    unit = code.compare("oeq", a, ones)
    unit = code.binary("or", unit, code.compare("oeq", b, zero))
    endless = code.binary(
        "and",
        code.compare("oeq", size, ones),
        code.compare("oeq", magnitude(code, b), inf),
    )
    return code.select(code.binary("or", unit, endless), ones, y)


def power_by(code: Code, a: V, exponent: float) -> V | None:
    """a^b for an exponent known beforehand, where products do it to 2 ulp; else None."""
    if exponent == 0:
        return number(1.0, a)
    if exponent == 1:
        return a
    if exponent == -1:
        return code.fdiv(number(1.0, a), a)
    if exponent == 0.5:
        # √-0 is -0 and √-∞ nan, but powers: 0 and ∞.
        root = code.call("llvm.sqrt", a.type, code.fadd(a, number(0.0, a)))
        least = code.compare("oeq", a, number(-math.inf, a))
        return code.select(least, number(math.inf, a), root)
    if exponent in (2, 3, 4):
        square = code.fmul(a, a)
        if exponent == 2:
            return square
        return code.fmul(square, a if exponent == 3 else square)
    return None


def hypot(code: Code, a: V, b: V) -> V:
    """√(a² + b²) without overflow; infinite if either is, even beside nan."""
    if element(a.type) == "double":
        return per_lane(code, "hypot", a, b)
    x, y = _wide(code, a), _wide(code, b)
    length = code.call("llvm.sqrt", x.type, code.fma(x, x, code.fmul(y, y)))
    size = code.convert("fptrunc", length, a.type)
    inf = number(math.inf, a)
    for operand in (a, b):
        endless = code.compare("oeq", magnitude(code, operand), inf)
        size = code.select(endless, inf, size)
    return size
