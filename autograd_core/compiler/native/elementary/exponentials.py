"""Exponentials and what is made of them: sigmoid, softplus, hyperbolic functions.

Each is one straight line of vector instructions. The polynomials are minimax (Remez's algorithm
in 50 digits, coefficients rounded to the format), each with its largest relative error beside it.
"""

from __future__ import annotations

import math

from ..assembly import Code, V, element
from .formats import (
    FORMATS,
    at_least,
    at_most,
    bits,
    format_of,
    from_bits,
    magnitude,
    number,
    polynomial,
    with_sign,
)
from .logarithms import log1p_within

__all__ = ["exp", "exp2", "exp_within", "expm1", "sigmoid", "softplus", "tanh"]

# ln 2 in two parts. The head has 16 or 42 bits, so that its product with the integer of the
# reduction is exact even where the machine has no fused multiply-add.
_LN2 = {
    "float": (0.693145751953125, 1.4286068203094173e-06),
    "double": (0.6931471805598903, 5.497923018708371e-14),
}

# (exp r - 1 - r) / r² on |r| ≤ ln 2; relative error in exp r 2^-28.4 and 2^-58.8.
_TAIL = {
    "float": (0.5, 0.166666791, 0.0416667536, 0.0083321929, 0.0013883065, 0.000201617004,
              2.58179189e-05),
    "double": (0.5, 0.16666666666666657, 0.041666666666667011, 0.0083333333333369865,
               0.0013888888888826801, 0.00019841269836534098, 2.4801587345314995e-05,
               2.7557322062121964e-06, 2.7557304885468607e-07, 2.5051244084492224e-08,
               2.0878868425298607e-09, 1.618900104498167e-10, 1.1384417394558767e-11),
}  # fmt: skip

# The same on |r| ≤ (ln 2)/2; 2^-28.2 and 2^-57.5.
_SHORT_TAIL = {
    "float": (0.49999994, 0.166665167, 0.0416681096, 0.00836921763, 0.00138385035),
    "double": (0.50000000000000044, 0.16666666666666424, 0.041666666666571643,
               0.0083333333334972524, 0.0013888888934403753, 0.00019841269484952636,
               2.4801501465408188e-05, 2.7557615428736696e-06, 2.7627579295520331e-07,
               2.4988624725239448e-08),
}  # fmt: skip

# (2^r - 1) / r on |r| ≤ 1; relative error in 2^r 2^-27.2 and 2^-55.1.
_EXP2 = {
    "float": (0.693147182, 0.240226552, 0.0555041134, 0.00961785857, 0.00133326463,
              0.000154459616, 1.54458503e-05, 1.13529336e-06),
    "double": (0.69314718055994529, 0.24022650695910069, 0.0555041086648215, 0.009618129107628633,
               0.0013333558146438071, 0.00015403530393282212, 1.5252733799180718e-05,
               1.3215486818882035e-06, 1.0178087255811847e-07, 7.0549075111895472e-09,
               4.4453695708505223e-10, 2.5681153071238722e-11, 1.3806864413322771e-12,
               6.7287328099068243e-14),
}  # fmt: skip

# exp is 0 below and inf above, to the last digit.
_RANGE = {"float": (-104.0, 89.0), "double": (-746.0, 710.0)}


def _reduced(code: Code, x: V) -> tuple[V, V]:
    """``r`` and the half ``j`` of the exponent: x = 2j ln 2 + r, |r| ≤ ln 2.

    An even exponent costs two more terms than the nearest one but splits into two equal factors,
    neither of which overflows or is denormal; so the last product rounds once, even to a denormal.
    ``j`` is left in the low bits of a number, where a shift finds it.
    """
    shifter = number(format_of(x).shifter, x)
    shifted = code.fma(x, number(0.5 / math.log(2), x), shifter)
    j = code.fsub(shifted, shifter)
    head, rest = _LN2[element(x.type)]
    r = code.fma(j, number(-2 * head, x), x)
    return code.fma(j, number(-2 * rest, x), r), shifted


def _in_place(code: Code, i: V) -> V:
    """A small integer moved to where the exponent stands."""
    return code.binary("shl", i, number(52 if element(i.type) == "i64" else 23, i))


def _power_of_two(code: Code, i: V) -> V:
    """2^i, for i in the low bits."""
    up = _in_place(code, i)
    one = FORMATS["double" if element(i.type) == "i64" else "float"].one
    return from_bits(code, code.binary("add", up, number(one, up)))


def exp_within(code: Code, x: V) -> V:
    """exp of what lies in its range, or is nan: to 1.7 ulp."""
    r, shifted = _reduced(code, x)
    scale = _power_of_two(code, bits(code, shifted))
    p = polynomial(code, r, (1.0, 1.0, *_TAIL[element(x.type)]))
    return code.fmul(code.fmul(p, scale), scale)


def _exp_closely(code: Code, x: V) -> V:
    """exp of what lies in its range, to 0.9 ulp: for what goes on computing with it.

    By the nearest exponent k, so that little is added to 1; then 2^k is of two factors.
    """
    shifter = number(format_of(x).shifter, x)
    shifted = code.fma(x, number(1 / math.log(2), x), shifter)
    k = code.fsub(shifted, shifter)
    head, below = _LN2[element(x.type)]
    r = code.fma(k, number(-below, x), code.fma(k, number(-head, x), x))
    tail = polynomial(code, r, _SHORT_TAIL[element(x.type)])
    p = code.fadd(code.fma(code.fmul(r, r), tail, r), number(1.0, x))
    both = bits(code, shifted)
    half = bits(code, code.fma(k, number(0.5, x), shifter))
    # The rest of both's bits is that of half's, and goes.
    other = code.binary("sub", both, half)
    return code.fmul(code.fmul(p, _power_of_two(code, half)), _power_of_two(code, other))


def exp(code: Code, x: V) -> V:
    """Exponential; gradual underflow, inf above the range."""
    low, high = _RANGE[element(x.type)]
    return exp_within(code, at_least(code, at_most(code, x, high), low))


def expm1(code: Code, x: V) -> V:
    """exp(x) - 1, accurate near 0."""
    low = {"float": -20.0, "double": -40.0}[element(x.type)]
    high = _RANGE[element(x.type)][1]
    r, shifted = _reduced(code, at_least(code, at_most(code, x, high), low))
    tail = polynomial(code, r, _TAIL[element(x.type)])
    p = code.fma(code.fmul(r, r), tail, r)
    # s² (p + 1) - 1 = s (s p + (s - 1/s)), for s = 2^j: no factor overflows before the result.
    up = _in_place(code, bits(code, shifted))
    one = number(format_of(x).one, up)
    s = from_bits(code, code.binary("add", up, one))
    inverse = from_bits(code, code.binary("sub", one, up))
    y = code.fmul(s, code.fma(s, p, code.fsub(s, inverse)))
    return with_sign(code, y, x)  # of -0 above all


def exp2(code: Code, x: V) -> V:
    """2^x; gradual underflow, inf above the range."""
    low, high = {"float": (-152.0, 129.0), "double": (-1078.0, 1025.0)}[element(x.type)]
    x = at_least(code, at_most(code, x, high), low)
    shifter = number(format_of(x).shifter, x)
    shifted = code.fma(x, number(0.5, x), shifter)
    r = code.fma(code.fsub(shifted, shifter), number(-2.0, x), x)
    scale = _power_of_two(code, bits(code, shifted))
    p = polynomial(code, r, (1.0, *_EXP2[element(x.type)]))
    return code.fmul(code.fmul(p, scale), scale)


def _exp_of_minus_size(code: Code, x: V) -> V:
    """exp(-|x|)."""
    negative = code.fneg(magnitude(code, x))
    return _exp_closely(code, at_least(code, negative, _RANGE[element(x.type)][0]))


def sigmoid(code: Code, x: V) -> V:
    """1 / (1 + exp(-x)), accurate on either side down to denormal numbers."""
    one = number(1.0, x)
    e = _exp_of_minus_size(code, x)
    # 1 - v or e - e v, for v = e / (1+e): what is lost in 1+e hardly counts where v is small.
    v = code.fdiv(e, code.fadd(one, e))
    most = code.select(code.compare("oge", x, number(0.0, x)), one, e)
    return code.fma(code.fneg(most), v, most)


def softplus(code: Code, x: V) -> V:
    """log(1 + exp x) as max(x, 0) + log1p(exp(-|x|)), which does not overflow."""
    return code.fadd(at_least(code, x, 0.0), log1p_within(code, _exp_of_minus_size(code, x)))


# (tanh x - x) / x³ in x²: a polynomial for |x| < 0.55, 2^-29.8 of tanh, and for double the fraction
# of Cephes (S. L. Moshier, tanh.c, 1995), for |x| < 0.625.
_TANH_NEAR = (-0.333333194, 0.133326367, -0.0538568459, 0.0210882835, -0.00629561488)
_TANH_ABOVE = (-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1)
_TANH_BELOW = (4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0)
# exp 2r on |r| ≤ (ln 2)/4: 2^-25.4 and 2^-53.8.
_TANH_EXP = {
    "float": (1.0, 2.0, 1.99999976, 1.3333261, 0.66667825, 0.267562002, 0.0884346217),
    "double": (1.0, 2.0000000000000013, 2.0000000000000022, 1.3333333333325659,
               0.66666666666514207, 0.26666666680947171, 0.088888889172024352,
               0.025396814577388137, 0.0063491848992990587, 0.0014112920739540362,
               0.00028289752354910478, 4.7065027530309891e-05),
}  # fmt: skip


def tanh(code: Code, x: V) -> V:
    """Hyperbolic tangent, of full relative accuracy near 0, with one division.

    1 - 2 / (exp 2|x| + 1), and an odd polynomial or fraction near 0.
    """
    single = element(x.type) == "float"
    ones, two = number(1.0, x), number(2.0, x)
    a = at_most(code, magnitude(code, x), 9.1 if single else 19.1)  # it rounds to 1 before
    shifter = number(format_of(x).shifter, x)
    shifted = code.fma(a, number(2 / math.log(2), x), shifter)
    k = code.fsub(shifted, shifter)
    # ln 2 in one part: its error counts only for large k, where tanh is flat.
    r = code.fma(k, number(-math.log(2) / 2, x), a)
    e = code.fmul(
        polynomial(code, r, _TANH_EXP[element(x.type)]), _power_of_two(code, bits(code, shifted))
    )
    z = code.fmul(x, x)
    cube = code.fmul(a, z)
    near = code.compare("olt", a, number(0.55 if single else 0.625, x))
    if single:
        far = code.fsub(ones, code.fdiv(two, code.fadd(e, ones)))
        y = code.select(near, code.fma(cube, polynomial(code, z, _TANH_NEAR), a), far)
    else:
        above = code.fmul(cube, polynomial(code, z, _TANH_ABOVE))
        below = polynomial(code, z, _TANH_BELOW)
        quotient = code.fdiv(
            code.select(near, above, number(-2.0, x)), code.select(near, below, code.fadd(e, ones))
        )
        y = code.fadd(code.select(near, a, ones), quotient)
    return with_sign(code, y, x)
