"""Sine, cosine and tangent as vector code for |x| ≤ 10^6; lanes beyond call the C library.

The quadrant's multiple of π/2 is taken off in double or better, by constants whose products with
it are exact. Where a lane lies beyond, which is rare, a branch is taken and that lane alone is
replaced, so that a result never depends on the lanes beside it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..assembly import Code, V, element, lanes, vector
from .formats import bits, format_of, from_bits, magnitude, number, polynomial
from .lanewise import per_lane_seldom

__all__ = ["cos", "sin", "tan"]

_FARTHEST = 1e6
# π/2 in three parts, the first two of 33 bits: their products with integers below 2^20 are exact.
_HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)

# (sin r - r) / r³ and (cos r - 1 + r²/2) / r⁴ in r², on |r| ≤ π/4; minimax, relative errors of
# sin 2^-28 and 2^-56.4, of cos 2^-32 and 2^-59.6.
_SIN = {
    "float": (-0.166666552, 0.00833218917, -0.000195181841),
    "double": (-0.16666666666666632, 0.0083333333333222084, -0.00019841269829635214,
               2.7557313629534802e-06, -2.5050747980960482e-08, 1.5896188258917017e-10),
}  # fmt: skip
_COS = {
    "float": (0.0416666567, -0.00138877612, 2.44765997e-05),
    "double": (0.041666666666666595, -0.0013888888888873843, 2.4801587289298829e-05,
               -2.7557314297106741e-07, 2.0875715479413838e-09, -1.1359230299949725e-11),
}  # fmt: skip


class _Reduced(NamedTuple):
    """x = quadrant · π/2 + r + below, |r| ≤ π/4; the quadrant in the low bits of an integer."""

    quadrant: V
    r: V
    below: V


def _reduced(code: Code, x: V) -> _Reduced:
    """The reduction of double."""
    shifter = number(format_of(x).shifter, x)
    shifted = code.fma(x, number(2 / math.pi, x), shifter)
    k = code.fsub(shifted, shifter)
    first, second, third = (number(c, x) for c in _HALF_PI)
    # x - k·first is exact. The next difference is exact where much cancels, and elsewhere leaves
    # an error that a subtraction finds: so Cody and Waite (1980), with the rests of fdlibm.
    head = code.fma(k, code.fneg(first), x)
    middle = code.fmul(k, second)
    difference = code.fsub(head, middle)
    lost = code.fsub(code.fsub(head, difference), middle)
    small = code.fsub(code.fmul(k, third), lost)
    r = code.fsub(difference, small)
    below = code.fsub(code.fsub(difference, r), small)
    return _Reduced(bits(code, shifted), r, below)


def _reduced_wide(code: Code, x: V) -> tuple[V, V]:
    """The reduction of float, in double, where a remainder of 53 bits is more than enough."""
    wide = code.convert("fpext", x, vector("double", lanes(x.type)))
    shifter = number(format_of(wide).shifter, wide)
    shifted = code.fma(wide, number(2 / math.pi, wide), shifter)
    k = code.fsub(shifted, shifter)
    r = code.fma(k, number(-_HALF_PI[0], wide), wide)
    r = code.fma(k, number(-_HALF_PI[1], wide), r)
    quadrant = code.convert("trunc", bits(code, shifted), vector("i32", lanes(x.type)))
    return quadrant, r


def _sine(code: Code, r: V, below: V | None, table: str) -> V:
    z = code.fmul(r, r)
    cube = code.fmul(r, z)
    tail = polynomial(code, z, _SIN[table])
    if below is None:
        return code.fma(cube, tail, r)
    return code.fadd(r, code.fma(cube, tail, below))


def _cosine(code: Code, r: V, below: V | None, table: str) -> V:
    z = code.fmul(r, r)
    one, half = number(1.0, r), number(0.5, r)
    tail = polynomial(code, z, _COS[table])
    if below is None:
        return code.fma(code.fmul(z, z), tail, code.fma(z, number(-0.5, r), one))
    # What 1 - z/2 loses is found again.
    halved = code.fmul(z, half)
    w = code.fsub(one, halved)
    lost = code.fsub(code.fsub(one, w), halved)
    small = code.fma(code.fmul(z, z), tail, code.fneg(code.fmul(r, below)))
    return code.fadd(w, code.fadd(lost, small))


def _wave(code: Code, x: V, ahead: int) -> V:
    """The sine of x + ahead · π/2."""
    table = element(x.type)
    below: V | None = None
    if table == "double":
        quadrant, r, below = _reduced(code, x)
    else:
        quadrant, wide = _reduced_wide(code, x)
        r = code.convert("fptrunc", wide, x.type)
    if ahead:
        quadrant = code.binary("add", quadrant, number(ahead, quadrant))
    y = code.select(
        _odd(code, quadrant), _cosine(code, r, below, table), _sine(code, r, below, table)
    )
    # Bit 1 of the quadrant is the sign.
    width = 32 if table == "float" else 64
    up = code.binary("shl", quadrant, number(width - 2, quadrant))
    sign = code.binary("and", up, number(format_of(x).sign, up))
    return from_bits(code, code.binary("xor", bits(code, y), sign))


def _odd(code: Code, quadrant: V) -> V:
    low = code.binary("and", quadrant, number(1, quadrant))
    return code.compare("ne", low, number(0, low))


def _mended(code: Code, y: V, x: V, name: str) -> V:
    """``y``, but the C library's result where x is beyond the reduction."""
    beyond = code.compare("ogt", magnitude(code, x), number(_FARTHEST, x))
    return per_lane_seldom(code, name, beyond, y, x)


def _zero_kept(code: Code, y: V, x: V) -> V:
    """``y``, but x itself where it is 0, for the sum of a -0 and a 0 is 0."""
    return code.select(code.compare("oeq", x, number(0.0, x)), x, y)


def sin(code: Code, x: V) -> V:
    """Sine of radians; nan at the infinities."""
    return _mended(code, _zero_kept(code, _wave(code, x, 0), x), x, "sin")


def cos(code: Code, x: V) -> V:
    """Cosine of radians; nan at the infinities."""
    return _mended(code, _wave(code, x, 1), x, "cos")


def tan(code: Code, x: V) -> V:
    """Tangent of radians; nan at the infinities."""
    if element(x.type) == "float":
        quadrant, r = _reduced_wide(code, x)
        odd = _odd(code, quadrant)
        # Float's polynomials, evaluated in double, leave a quotient right to a unit.
        s, c = _sine(code, r, None, "float"), _cosine(code, r, None, "float")
        turned = code.fdiv(code.select(odd, code.fneg(c), s), code.select(odd, s, c))
        y = code.convert("fptrunc", turned, x.type)
    else:
        quadrant, r, below = _reduced(code, x)
        odd = _odd(code, quadrant)
        s, c = _sine(code, r, below, "double"), _cosine(code, r, below, "double")
        y = code.fdiv(code.select(odd, code.fneg(c), s), code.select(odd, s, c))
    return _mended(code, _zero_kept(code, y, x), x, "tan")
