"""Certified values: an expression at a rational point, as an interval that contains it.

Arb balls where python-flint is installed, mpmath's intervals elsewhere. A point where a function
is not defined, or where an interval cannot tell which side of a kink it is on, is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any, Protocol

import mpmath
import sympy

from .atoms import Floor
from .functions import CLASSES, FUNCTIONS, Function

try:
    import flint
except ImportError:  # the extra `proof` is not installed
    flint = None  # type: ignore[assignment]

__all__ = ["Arithmetic", "Enclosure", "Refused", "arithmetics", "enclose", "precision"]

BITS = 256
ROUNDING = Fraction(1, 2**50)  # of a double, and of what was computed from one or two
LARGEST = 100_000  # binary exponents beyond this are refused rather than written out


class Refused(Exception):  # noqa: N818 - an outcome, not an error
    """The expression has no certain value at this point."""


class Arithmetic(Protocol):
    """Intervals of one library."""

    name: str

    def rational(self, value: Fraction) -> Any:
        """An interval around a rational number."""

    def around(self, value: Fraction, radius: Fraction) -> Any:
        """An interval that contains all numbers within ``radius`` of ``value``."""

    def function(self, f: Function, x: Any) -> Any:
        """A function that has intervals."""

    def sign(self, x: Any) -> int | None:
        """1, 0 (exactly zero) or -1, or None where the interval cannot tell."""

    def power(self, x: Any, n: int) -> Any:
        """An integer power."""

    def bounds(self, x: Any) -> tuple[Fraction, Fraction]:
        """Rational numbers below and above."""

    def pi(self) -> Any:
        """An interval around pi."""


class _Arb:
    name = "Arb"

    def rational(self, value: Fraction) -> Any:
        return flint.arb(flint.fmpq(value.numerator, value.denominator))

    def around(self, value: Fraction, radius: Fraction) -> Any:
        return self.rational(value - radius).union(self.rational(value + radius))

    def function(self, f: Function, x: Any) -> Any:
        return getattr(x, f.interval)()

    def sign(self, x: Any) -> int | None:
        if not x.is_finite():
            return None
        return 1 if x > 0 else -1 if x < 0 else 0 if x.is_zero() else None

    def power(self, x: Any, n: int) -> Any:
        return x**n

    def bounds(self, x: Any) -> tuple[Fraction, Fraction]:
        if not x.is_finite():
            raise Refused("an interval without end")
        # lower() and upper() are balls themselves; their middle is exact and their radius outward.
        ends = []
        for ball, side in ((x.lower(), -1), (x.upper(), 1)):
            middle = _dyadic(*ball.mid().man_exp())
            radius = _dyadic(*ball.rad().mid().man_exp())
            ends.append(middle + side * 2 * radius)  # twice: a radius is a ball, too
        return ends[0], ends[1]

    def pi(self) -> Any:
        return flint.arb.pi()


class _Mpmath:
    name = "mpmath intervals"

    def rational(self, value: Fraction) -> Any:
        return mpmath.iv.mpf(value.numerator) / value.denominator

    def around(self, value: Fraction, radius: Fraction) -> Any:
        low, high = self.rational(value - radius), self.rational(value + radius)
        return mpmath.iv.mpf([low.a, high.b])

    def function(self, f: Function, x: Any) -> Any:
        iv = mpmath.iv
        if max(map(abs, self.bounds(x))) > LARGEST:  # mpmath would write the digits out
            raise Refused(f"{f.name} of a value that is too large")
        if f is _TANH:  # 1 - 2/(exp(2x) + 1): x occurs once, so the bounds stay tight
            return 1 - 2 / (iv.exp(2 * x) + 1)
        if f.ends is not None:
            return self._monotone(f.ends, x)
        return getattr(iv, f.interval)(x)

    def _monotone(self, function: Any, x: Any) -> Any:
        # mpmath has no intervals for these: its values at the ends, with 64 bits to spare, widened.
        with mpmath.workprec(BITS + 64):
            ends = [function(mpmath.mpf(b.numerator) / b.denominator) for b in self.bounds(x)]
            slack = (abs(ends[0]) + abs(ends[1])) * mpmath.mpf(2) ** -BITS
            low, high = min(ends) - slack, max(ends) + slack
        return mpmath.iv.mpf([low, high])

    def sign(self, x: Any) -> int | None:
        try:
            low, high = self.bounds(x)
        except Refused:
            return None
        return 1 if low > 0 else -1 if high < 0 else 0 if low == high == 0 else None

    def power(self, x: Any, n: int) -> Any:
        if n < 0:
            return 1 / self.power(x, -n)
        result, square = mpmath.iv.mpf(1), x
        while n:
            if n & 1:
                result = result * square
            n >>= 1
            square = square * square
        return result

    def bounds(self, x: Any) -> tuple[Fraction, Fraction]:
        low, high = x._mpi_  # the ends as (sign, mantissa, exponent, bits), unrounded
        return _unpacked(low), _unpacked(high)

    def pi(self) -> Any:
        return mpmath.iv.pi


def _unpacked(end: Any) -> Fraction:
    sign, mantissa, exponent, _ = end
    if not mantissa and exponent:
        raise Refused("an interval without end")
    return _dyadic(-mantissa if sign else mantissa, exponent)


def _dyadic(mantissa: Any, exponent: Any) -> Fraction:
    if abs(int(exponent)) > LARGEST:
        raise Refused("a value too large or too small to be written")
    return Fraction(2) ** int(exponent) * int(mantissa)


def arithmetics() -> list[Arithmetic]:
    """What is installed, the best first."""
    return [_Arb(), _Mpmath()] if flint is not None else [_Mpmath()]


class Enclosure:
    """Values of expressions at one point; shared subexpressions are computed once.

    Parameters
    ----------
    point : mapping of sympy.Symbol to Fraction
    arithmetic : Arithmetic
    rounded : set of sympy.Symbol, optional
        Symbols that stand for rounded numbers: all values within rounding of the point's.
    bits : int
        That the intervals carry.

    Attributes
    ----------
    touched : bool
        An argument of a step was exactly zero: the point may be on a kink, unless the argument is
        zero all around it.
    """

    def __init__(
        self,
        point: Mapping[sympy.Symbol, Fraction],
        arithmetic: Arithmetic,
        rounded: Collection[sympy.Symbol] = (),
        bits: int = BITS,
    ) -> None:
        self.arithmetic = arithmetic
        self.touched = False
        with precision(bits):
            self._values: dict[sympy.Expr, Any] = {
                s: arithmetic.around(value, abs(value) * ROUNDING)
                if s in rounded
                else arithmetic.rational(value)
                for s, value in point.items()
            }

    def known(self, values: Mapping[sympy.Expr, Any]) -> None:
        """Take intervals as they are given."""
        self._values |= values

    def __call__(self, expression: sympy.Expr) -> Any:
        """An interval around the value.

        Raises
        ------
        Refused
            Outside the domain, on a kink, or where the interval is too wide to tell.
        """
        values = self._values
        stack = [expression]
        while stack:
            e = stack[-1]
            if e in values:
                stack.pop()
                continue
            missing = [a for a in e.args if a not in values]
            if missing:
                stack.extend(missing)
                continue
            values[e] = self._value(e, [values[a] for a in e.args])
            stack.pop()
        return values[expression]

    def _value(self, e: sympy.Expr, operands: list[Any]) -> Any:
        a = self.arithmetic
        if e.is_Rational:
            return a.rational(Fraction(int(e.p), int(e.q)))
        if e.is_Add:
            total = operands[0]
            for x in operands[1:]:
                total = total + x
            return total
        if e.is_Mul:
            product = operands[0]
            for x in operands[1:]:
                product = product * x
            return product
        if e.is_Pow:
            return self._power(e, *operands)
        if e is sympy.E:
            return a.function(_EXP, a.rational(Fraction(1)))
        if e is sympy.pi:
            return a.pi()
        if not operands:
            raise Refused(f"{e} has no value")
        f = CLASSES.get(e.func)
        if f is not None and f.arb is not None:
            # Outside of their domains these give no finite interval.
            if a.name != _Arb.name:
                raise Refused(f"{e.func.__name__} has intervals with python-flint alone")
            return f.arb(*operands)
        if f is not None and f.rewritten is not None and not (f.interval or f.sided):
            return self(f.rewritten(*e.args))
        if len(operands) != 1:
            raise Refused(f"{e.func.__name__} of {len(operands)} arguments has no intervals")
        (x,) = operands
        if f is not None and f.sided is not None:
            sign = a.sign(x)
            if sign is None:
                raise Refused(f"the sign of {e.args[0]} is not certain")
            self.touched |= sign == 0
            value = f.sided(x, sign)
            return a.rational(Fraction(value)) if isinstance(value, int) else value
        if e.func is Floor:
            below, above = (int(b // 1) for b in a.bounds(x))
            if below != above:
                raise Refused(f"the whole part of {e.args[0]} is not certain")
            self.touched |= a.sign(x - a.rational(Fraction(below))) == 0
            return a.rational(Fraction(below))
        if f is None or not f.interval:
            raise Refused(f"{e.func.__name__} has no interval")
        for relation, part in f.asks(*e.args):
            if a.sign(self(part)) not in _SIGNS[relation]:
                raise Refused(f"{part} {relation} 0 is not certain")
        return a.function(f, x)

    def _power(self, e: sympy.Expr, base: Any, exponent: Any) -> Any:
        a = self.arithmetic
        sign = a.sign(base)
        p = e.exp
        if p.is_Integer:
            if p < 0 and sign in (0, None):
                raise Refused(f"{e.base} is not certainly nonzero")
            return a.power(base, int(p))
        if sign != 1:
            raise Refused(f"{e.base} is not certainly positive")
        if p.is_Rational and p.q == 2:
            return a.power(a.function(_SQRT, base), int(p.p))
        return a.function(_EXP, exponent * a.function(_LOG, base))


def enclose(
    expression: sympy.Expr, point: Mapping[sympy.Symbol, Fraction], arithmetic: Arithmetic
) -> tuple[Fraction, Fraction]:
    """Rational bounds of an expression at a point."""
    with precision():
        return arithmetic.bounds(Enclosure(point, arithmetic)(expression))


class precision:  # noqa: N801 - used like a function
    """Context in which intervals carry so many bits."""

    def __init__(self, bits: int = BITS) -> None:
        self._bits = bits

    def __enter__(self) -> None:
        self._before = (flint.ctx.prec if flint is not None else 0, mpmath.iv.prec)
        mpmath.iv.prec = self._bits
        if flint is not None:
            flint.ctx.prec = self._bits

    def __exit__(self, *exception: object) -> None:
        if flint is not None:
            flint.ctx.prec = self._before[0]
        mpmath.iv.prec = self._before[1]


_EXP, _LOG, _SQRT, _TANH = (FUNCTIONS[name] for name in ("exp", "log", "sqrt", "tanh"))
_SIGNS = {">": (1,), ">=": (0, 1), "!=": (-1, 1)}  # with which a condition holds for certain
