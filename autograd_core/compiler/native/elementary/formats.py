"""What the functions share: the two formats, polynomials, and the bits of a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..assembly import Code, V, constant, element, lanes, vector

__all__ = [
    "FORMATS",
    "Format",
    "at_least",
    "at_most",
    "bits",
    "format_of",
    "from_bits",
    "magnitude",
    "number",
    "polynomial",
    "with_sign",
]


_LONG = 10  # coefficients


@dataclass(frozen=True)
class Format:
    """A floating-point format.

    Attributes
    ----------
    integer : str
        The integer type of as many bits.
    mantissa : int
        Bits of the fraction that are stored: 23 or 52.
    one : int
        The bits of 1.0.
    sign : int
        The sign bit alone, as a signed integer.
    """

    integer: str
    mantissa: int
    one: int
    sign: int

    @property
    def shifter(self) -> float:
        """1.5 · 2^mantissa: added, it rounds to an integer and leaves it in the low bits."""
        return 1.5 * 2.0**self.mantissa


FORMATS = {
    "float": Format("i32", 23, 0x3F800000, -(2**31)),
    "double": Format("i64", 52, 0x3FF0000000000000, -(2**63)),
}


def format_of(x: V) -> Format:
    """The format of a value's lanes."""
    return FORMATS[element(x.type)]


def number(value: float, like: V) -> V:
    """A constant of the type of ``like``."""
    return constant(value, like.type)


def polynomial(code: Code, x: V, coefficients: Sequence[float]) -> V:
    """Σ cᵢ xⁱ, the lowest power first.

    By Horner's rule; a long one by the even and the odd powers apart from its fourth term on, for
    the chain of dependent products is then half as long (erf in double: 1.55 to 1.2 ns an element).
    """
    if len(coefficients) > _LONG:
        first, tail = coefficients[:3], coefficients[3:]
        z = code.fmul(x, x)
        even, odd = _horner(code, z, tail[::2]), _horner(code, z, tail[1::2])
        y = code.fma(odd, x, even)
        for c in reversed(first):
            y = code.fma(y, x, number(c, x))
        return y
    return _horner(code, x, coefficients)


def _horner(code: Code, x: V, coefficients: Sequence[float]) -> V:
    y = number(coefficients[-1], x)
    for c in reversed(coefficients[:-1]):
        y = code.fma(y, x, number(c, x))
    return y


def bits(code: Code, x: V) -> V:
    """The bits of a number, as an integer."""
    return code.convert("bitcast", x, vector(format_of(x).integer, lanes(x.type)))


def from_bits(code: Code, i: V) -> V:
    """The number with these bits."""
    kind = "float" if element(i.type) == "i32" else "double"
    return code.convert("bitcast", i, vector(kind, lanes(i.type)))


def magnitude(code: Code, x: V) -> V:
    """|x|."""
    return code.call("llvm.fabs", x.type, x)


def with_sign(code: Code, y: V, x: V) -> V:
    """|y| with the sign of x, zeros and nan included."""
    return code.call("llvm.copysign", x.type, y, x)


def at_most(code: Code, x: V, bound: float) -> V:
    """min(x, bound); nan stays nan. One instruction: the operands stand as x86's ``min`` wants."""
    limit = number(bound, x)
    return code.select(code.compare("ogt", x, limit), limit, x)


def at_least(code: Code, x: V, bound: float) -> V:
    """max(x, bound); nan stays nan."""
    limit = number(bound, x)
    return code.select(code.compare("olt", x, limit), limit, x)
