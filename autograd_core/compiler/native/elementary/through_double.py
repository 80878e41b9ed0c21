"""What is rare in a training step: float by a short formula in double, double by the C library.

A formula that loses some digits of double is right to half a unit in float, and takes a tenth of
the time of a call for every lane. Double numbers have no such wider type.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..assembly import Code, V, element, lanes, vector
from .exponentials import exp, expm1
from .formats import magnitude, number, polynomial, with_sign
from .lanewise import per_lane
from .logarithms import log, log1p

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "cosh",
    "in_double",
    "log2",
    "log10",
    "sinh",
]

Function = Callable[..., V]


def in_double(name: str, formula: Function) -> Function:
    """The function that is ``formula`` in double for float, and C's ``name`` for double."""

    def function(code: Code, *operands: V) -> V:
        kind = operands[0].type
        if element(kind) == "double":
            return per_lane(code, name, *operands)
        wide = [code.convert("fpext", x, vector("double", lanes(kind))) for x in operands]
        return code.convert("fptrunc", formula(code, *wide), kind)

    function.__doc__ = formula.__doc__
    return function


def _sinh(code: Code, x: V) -> V:
    """Hyperbolic sine: (u + u/(u+1)) / 2 for u = expm1|x|."""
    u = expm1(code, magnitude(code, x))
    # 2 - 1/(u+1) of u, which is not inf/inf where u is inf.
    inverse = code.fdiv(number(0.5, x), code.fadd(u, number(1.0, x)))
    y = code.fadd(code.fmul(u, number(0.5, x)), code.fmul(u, inverse))
    y = code.select(code.compare("olt", u, number(1e50, x)), y, u)
    return with_sign(code, y, x)


def _cosh(code: Code, x: V) -> V:
    """Hyperbolic cosine."""
    half = code.fmul(exp(code, magnitude(code, x)), number(0.5, x))
    return code.fadd(half, code.fdiv(number(0.25, x), half))


def _arcsinh(code: Code, x: V) -> V:
    """Inverse hyperbolic sine: log1p(a + a²/(1 + √(a²+1))) for a = |x|."""
    one, a = number(1.0, x), magnitude(code, x)
    square = code.fmul(a, a)
    below = code.fadd(one, code.call("llvm.sqrt", x.type, code.fadd(square, one)))
    # a/below first: at infinity it is nan, and infinity stays itself.
    y = log1p(code, code.fma(a, code.fdiv(a, below), a))
    y = code.select(code.compare("oeq", a, number(math.inf, x)), a, y)
    return with_sign(code, y, x)


def _arccosh(code: Code, x: V) -> V:
    """Inverse hyperbolic cosine: log1p(t + √(t(t+2))) for t = x - 1; nan below 1."""
    t = code.fsub(x, number(1.0, x))
    root = code.call("llvm.sqrt", x.type, code.fmul(t, code.fadd(t, number(2.0, x))))
    y = log1p(code, code.fadd(t, root))
    return code.select(code.compare("olt", x, number(1.0, x)), number(math.nan, x), y)


def _arctanh(code: Code, x: V) -> V:
    """Inverse hyperbolic tangent: log1p(2x/(1-x)) / 2; ±inf at ±1, nan beyond."""
    a = magnitude(code, x)
    y = log1p(code, code.fdiv(code.fadd(a, a), code.fsub(number(1.0, x), a)))
    return with_sign(code, code.fmul(y, number(0.5, x)), x)


def _cbrt(code: Code, x: V) -> V:
    """Cube root, of numbers of either sign."""
    y = exp(code, code.fmul(log(code, magnitude(code, x)), number(1 / 3, x)))
    return with_sign(code, y, x)


def _log2(code: Code, x: V) -> V:
    """Logarithm to the base 2."""
    return code.fmul(log(code, x), number(1 / math.log(2), x))


def _log10(code: Code, x: V) -> V:
    """Logarithm to the base 10."""
    return code.fmul(log(code, x), number(1 / math.log(10), x))


# (arctan t - t) / t³ in t², on [0, 1]; minimax, relative error of arctan 2^-28.4.
_ARCTAN = (-0.333333045, 0.199986637, -0.142651349, 0.109555803, -0.0841042697, 0.0580353551,
           -0.0312196761, 0.0109201707, -0.00179146172)  # fmt: skip


def _angle(code: Code, ordinate: V, abscissa: V) -> V:
    """The angle, from 0 to π/2, of a point with coordinates that are 0 or more."""
    over = code.compare("ogt", ordinate, abscissa)
    small = code.select(over, abscissa, ordinate)
    t = code.fdiv(small, code.select(over, ordinate, abscissa))
    # 0/0 at the origin, and equal infinities.
    t = code.select(code.compare("oeq", small, number(0.0, t)), number(0.0, t), t)
    both = code.compare("oeq", small, number(math.inf, t))
    t = code.select(both, number(1.0, t), t)
    z = code.fmul(t, t)
    y = code.fma(code.fmul(t, z), polynomial(code, z, _ARCTAN), t)
    return code.select(over, code.fsub(number(math.pi / 2, y), y), y)


def _arctan(code: Code, x: V) -> V:
    """Inverse tangent, in [-π/2, π/2]."""
    return with_sign(code, _angle(code, magnitude(code, x), number(1.0, x)), x)


def _arctan2(code: Code, a: V, b: V) -> V:
    """Angle of the point with ordinate a and abscissa b, in [-π, π]."""
    zero = number(0.0, a)
    y = _angle(code, magnitude(code, a), magnitude(code, b))
    # By the sign bit, for -0 lies to the left.
    left = code.compare("olt", with_sign(code, number(1.0, b), b), zero)
    y = code.select(left, code.fsub(number(math.pi, y), y), y)
    y = with_sign(code, y, a)
    missing = code.compare("uno", a, b)
    return code.select(missing, number(math.nan, y), y)


def _arcsin(code: Code, x: V) -> V:
    """Inverse sine, in [-π/2, π/2]; nan outside of [-1, 1]."""
    one, a = number(1.0, x), magnitude(code, x)
    product = code.fmul(code.fsub(one, a), code.fadd(one, a))
    y = _angle(code, a, code.call("llvm.sqrt", x.type, product))
    outside = code.compare("ugt", a, one)
    return with_sign(code, code.select(outside, number(math.nan, x), y), x)


def _arccos(code: Code, x: V) -> V:
    """Inverse cosine, in [0, π]; nan outside of [-1, 1]."""
    one, zero, a = number(1.0, x), number(0.0, x), magnitude(code, x)
    product = code.fmul(code.fsub(one, a), code.fadd(one, a))
    y = _angle(code, code.call("llvm.sqrt", x.type, product), a)
    y = code.select(code.compare("olt", x, zero), code.fsub(number(math.pi, x), y), y)
    return code.select(code.compare("ugt", a, one), number(math.nan, x), y)


arccos = in_double("acos", _arccos)
arccosh = in_double("acosh", _arccosh)
arcsin = in_double("asin", _arcsin)
arcsinh = in_double("asinh", _arcsinh)
arctan = in_double("atan", _arctan)
arctan2 = in_double("atan2", _arctan2)
arctanh = in_double("atanh", _arctanh)
cbrt = in_double("cbrt", _cbrt)
cosh = in_double("cosh", _cosh)
log2 = in_double("log2", _log2)
log10 = in_double("log10", _log10)
sinh = in_double("sinh", _sinh)
