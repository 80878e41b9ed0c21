"""The functions that sympy's own would get wrong at a kink.

sympy's Heaviside is 1/2 at 0 and its derivative is a DiracDelta; Max and Abs differentiate into
both. Ours have the library's value at 0 and the derivative 0, which holds wherever the argument
is nonzero or is constant nearby: off the kink. sympy leaves the derivative of floor open; ours has
the derivative 0, which holds off the integers.
"""

from __future__ import annotations

import sympy

__all__ = ["Floor", "Side", "Step", "Vanishes"]


class _Indicator(sympy.Function):  # type: ignore[misc]
    """A function with values 0 and 1 only, so that its powers are itself."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Zero: the function is constant on each side of its kink."""
        return sympy.S.Zero

    # Real, and no more: a sign would let sympy split sqrt(x Step(x)), which is 0 for x < 0, into
    # sqrt(x) sqrt(Step(x)), which is not defined there.
    def _eval_is_real(self) -> bool:
        return True

    def _eval_power(self, exponent: sympy.Expr) -> sympy.Expr | None:
        return self if exponent.is_Integer and exponent > 0 else None


class Step(_Indicator):
    """1 where the argument is positive, 0 elsewhere (also at 0)."""

    @classmethod
    def eval(cls, u: sympy.Expr) -> sympy.Expr | None:
        """Evaluate at rational numbers only; everything else is decided by the normal form."""
        return sympy.Integer(int(u.p > 0)) if u.is_Rational else None


class Vanishes(_Indicator):
    """1 where the argument is zero, 0 elsewhere."""

    @classmethod
    def eval(cls, u: sympy.Expr) -> sympy.Expr | None:
        """Evaluate at rational numbers only."""
        return sympy.Integer(int(u.p == 0)) if u.is_Rational else None


class Side(sympy.Function):  # type: ignore[misc]
    """A sign that is never 0: 1 where the argument is positive, -1 elsewhere (also at 0)."""

    nargs = 1

    @classmethod
    def eval(cls, u: sympy.Expr) -> sympy.Expr | None:
        """Evaluate at rational numbers only."""
        return sympy.Integer(1 if u.p > 0 else -1) if u.is_Rational else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Zero: the function is constant on each side of 0."""
        return sympy.S.Zero

    def _eval_is_real(self) -> bool:
        return True

    def _eval_power(self, exponent: sympy.Expr) -> sympy.Expr | None:
        if not exponent.is_Integer:
            return None
        return self if exponent % 2 else sympy.S.One


class Floor(sympy.Function):  # type: ignore[misc]
    """The largest integer not above the argument."""

    nargs = 1

    @classmethod
    def eval(cls, u: sympy.Expr) -> sympy.Expr | None:
        """Evaluate at rational numbers only."""
        return sympy.Integer(u.p // u.q) if u.is_Rational else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Zero: the function is constant between integers."""
        return sympy.S.Zero

    def _eval_is_real(self) -> bool:
        return True
