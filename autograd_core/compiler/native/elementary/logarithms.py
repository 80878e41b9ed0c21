"""Logarithms, each one straight line of vector instructions."""

from __future__ import annotations

import math

from ..assembly import Code, V, element, lanes, vector
from .formats import bits, format_of, from_bits, number, polynomial, with_sign

__all__ = ["log", "log1p"]

# log(1+f) = f + f² Q(f) for 1+f in [√½, √2]; relative error 2^-26.9.
_LOG = (-0.5, 0.333333313, -0.250008404, 0.200012833, -0.166226834, 0.141993061, -0.13164936,
        0.127887458, -0.0766079724)  # fmt: skip
# log(1+f) = 2s + s³ R(s²) for s = f/(2+f), on the same interval; 2^-59.4. The form is that of
# fdlibm's e_log.c (Sun Microsystems, 1993), the coefficients are fitted anew.
_ATANH = (0.66666666666667362, 0.39999999999400832, 0.28571428745811139, 0.22222198190089723,
          0.18183585748796172, 0.15313466490590447, 0.14802131828945148)  # fmt: skip
_SQRT_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}
# ln 2 in two parts; the head's product with an exponent is exact.
_LN2 = (0.6931471803691238, 1.9082149292705877e-10)


def _of_parts(code: Code, f: V, k: V) -> V:
    """log(1+f) + k ln 2."""
    if element(f.type) == "float":
        y = code.fma(code.fmul(f, f), polynomial(code, f, _LOG), f)
        return code.fma(k, number(math.log(2), f), y)
    s = code.fdiv(f, code.fadd(f, number(2.0, f)))
    z = code.fmul(s, s)
    rest = code.fmul(z, polynomial(code, z, _ATANH))
    half = code.fmul(code.fmul(number(0.5, f), f), f)
    low = code.fma(k, number(_LN2[1], f), code.fmul(s, code.fadd(half, rest)))
    return code.fma(k, number(_LN2[0], f), code.fsub(f, code.fsub(half, low)))


def _parts(code: Code, x: V) -> tuple[V, V]:
    """f and k, for positive x = (1+f) 2^k with 1+f in [√½, √2]; denormal numbers too."""
    form = format_of(x)
    tiny = code.compare("olt", x, number(2.0 ** -(126 if form.mantissa == 23 else 1022), x))
    up = float(form.mantissa + 1)
    x = code.select(tiny, code.fmul(x, number(2.0**up, x)), x)
    lift = code.select(tiny, number(-up, x), number(0.0, x))
    i = bits(code, x)
    # The exponent of x/√½, still in its place: what is left of x has that of 1 or of ½.
    above = code.binary("sub", i, number(_SQRT_HALF[element(x.type)], i))
    exponent = code.binary("and", above, number(-(1 << form.mantissa), i))
    m = from_bits(code, code.binary("sub", i, exponent))
    k = code.fadd(_exponent(code, exponent, x), lift)
    return code.fsub(m, number(1.0, x)), k


def _exponent(code: Code, exponent: V, like: V) -> V:
    """The number k, of k · 2^mantissa as an integer."""
    form = format_of(like)
    if form.mantissa == 23:
        k = code.convert("sitofp", exponent, like.type)
        return code.fmul(k, number(2.0**-23, like))
    # By 32-bit integers: few machines convert 64-bit ones.
    n = lanes(like.type)
    short = code.binary("ashr", exponent, number(52, exponent))
    return code.convert("sitofp", code.convert("trunc", short, vector("i32", n)), like.type)


def _with_poles(code: Code, y: V, x: V, pole: float) -> V:
    """``y``, but -inf at the pole, nan below it, and x itself at inf and nan."""
    y = code.select(code.compare("olt", x, number(math.inf, x)), y, x)
    at = code.compare("oeq", x, number(pole, x))
    outside = code.select(at, number(-math.inf, x), number(math.nan, x))
    return code.select(code.compare("ogt", x, number(pole, x)), y, outside)


def log(code: Code, x: V) -> V:
    """Natural logarithm; -inf at 0, nan below."""
    f, k = _parts(code, x)
    return _with_poles(code, _of_parts(code, f, k), x, 0.0)


def log1p_within(code: Code, x: V) -> V:
    """log(1 + x) of what is finite and above -1, or nan."""
    form = format_of(x)
    one = number(1.0, x)
    u = bits(code, code.fadd(one, x))
    above = code.binary("sub", u, number(_SQRT_HALF[element(x.type)], u))
    exponent = code.binary("and", above, number(-(1 << form.mantissa), u))
    # 1 + f = (1 + x) 2^-k without the rounding of 1 + x: f = (2^-k - 1) + x 2^-k. The power is
    # formed four times as large, for it would be denormal at the end of the range.
    four = form.one + (2 << form.mantissa)
    scale = from_bits(code, code.binary("sub", number(four, u), exponent))
    scale = code.fmul(scale, number(0.25, x))
    f = code.fma(x, scale, code.fsub(scale, one))
    return _of_parts(code, f, _exponent(code, exponent, x))


def log1p(code: Code, x: V) -> V:
    """log(1 + x), accurate near 0; -inf at -1, nan below."""
    return with_sign(code, _with_poles(code, log1p_within(code, x), x, -1.0), x)
