"""The functions that sympy's own would get wrong at a kink, and the scalar shelf for formulas.

sympy's Heaviside is 1/2 at 0 and its derivative is a DiracDelta; Max and Abs differentiate into
both. Ours have the library's value at 0 and the derivative 0, which holds wherever the argument
is nonzero or is constant nearby: off the kink. sympy leaves the derivative of floor open; ours has
the derivative 0, which holds off the integers.
"""

from __future__ import annotations

import sympy

__all__ = ["SCALARS", "SPECIAL", "Floor", "ScalarShelf", "Side", "Step", "Vanishes"]


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


# Functions without relations: the normal form takes each value as a symbol of its own, and their
# derivatives (by sympy) are others of them.
SPECIAL = frozenset(
    [
        sympy.besseli, sympy.besselj, sympy.besselk, sympy.bessely, sympy.betainc, sympy.erfinv,
        sympy.loggamma, sympy.lowergamma, sympy.polygamma,
    ]
)  # fmt: skip


class ScalarShelf:
    """The functions that an elementwise formula may ask for, on sympy expressions.

    The derivative of each is sympy's, except those of `Step` and `Floor`.
    """

    exp = staticmethod(sympy.exp)
    log = staticmethod(sympy.log)
    sqrt = staticmethod(sympy.sqrt)
    sin = staticmethod(sympy.sin)
    cos = staticmethod(sympy.cos)
    tanh = staticmethod(sympy.tanh)
    arcsin = staticmethod(sympy.asin)
    arccos = staticmethod(sympy.acos)
    arctan = staticmethod(sympy.atan)
    erf = staticmethod(sympy.erf)
    erfinv = staticmethod(sympy.erfinv)
    gammaln = staticmethod(sympy.loggamma)
    polygamma = staticmethod(sympy.polygamma)
    iv = staticmethod(sympy.besseli)
    jv = staticmethod(sympy.besselj)
    kv = staticmethod(sympy.besselk)
    yv = staticmethod(sympy.bessely)
    floor = staticmethod(Floor)
    step = staticmethod(Step)

    @staticmethod
    def power(u: sympy.Expr, p: sympy.Expr) -> sympy.Expr:
        """u to the power p."""
        return u**p

    @staticmethod
    def gammainc(a: sympy.Expr, x: sympy.Expr) -> sympy.Expr:
        """The lower incomplete gamma function, regularized: elementary for whole a."""
        return sympy.lowergamma(a, x) * sympy.exp(-sympy.loggamma(a))

    @staticmethod
    def betainc(a: sympy.Expr, b: sympy.Expr, x: sympy.Expr) -> sympy.Expr:
        """The incomplete beta function, regularized."""
        whole = sympy.loggamma(a) + sympy.loggamma(b) - sympy.loggamma(a + b)
        return sympy.betainc(a, b, 0, x) * sympy.exp(-whole)

    @staticmethod
    def where(condition: sympy.Expr, u: sympy.Expr, v: sympy.Expr) -> sympy.Expr:
        """u where the condition (0 or 1) is 1, v where it is 0; a known condition takes its branch."""
        if condition.is_Rational:
            return u if condition else v
        return v + (u - v) * condition

    def __getattr__(self, name: str) -> object:
        raise AttributeError(
            f"s.{name}: the scalar shelf of the EXACT evaluator has no such function. Expected one "
            "of exp, log, sqrt, sin, cos, tanh, arcsin, arccos, arctan, erf, erfinv, gammaln, polygamma, "
            "gammainc, betainc, iv, jv, kv, yv, floor, step, power, where; write "
            "the formula with these."
        )


SCALARS = ScalarShelf()
