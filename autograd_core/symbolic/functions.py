"""The functions of the symbolic side, a record each.

What a formula may call, which sympy class it is, where it has a value, how it is enclosed in intervals,
and what the normal form and the null sets know of it stand beside each other here; the tables of the
modules that use them are made of these records. So a new function is one record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath
import sympy

from .atoms import Floor, Side, Step, Vanishes

__all__ = ["ATOMS", "FUNCTIONS", "SCALARS", "SPECIAL", "Condition", "Function", "ScalarShelf"]

# ">", ">=" or "!=", and what compares so with 0.
Condition: TypeAlias = tuple[str, sympy.Expr]


def _everywhere(*operands: sympy.Expr) -> list[Condition]:
    return []


@dataclass(frozen=True)
class Function:
    """One function.

    Attributes
    ----------
    name : str
        What a formula calls it, ``s.exp(x)``; of an atom of the normal form, its kind.
    made : callable
        The expression: a class of sympy's, one of ours, or a function.
    asks : callable
        Operands to conditions: where it has a value, as its reading has one.
    listed : bool
        Whether formulas may call it.
    interval : str
        What Arb, and mpmath's intervals, call it; empty: it is made of others.
    ends : callable, optional
        mpmath's values, where it has no intervals: of a function that is monotone.
    arb : callable, optional
        Arb's alone, of balls: of a function that is an atom without relations.
    method : str
        The method of the normal form that reads it.
    atom : bool
        Whether it is an atom of the normal form.
    odd : bool
        Whether f(-u) = -f(u), and nothing else is known of it there.
    countable : bool
        Whether it takes each value on a countable set only.
    transcendental : bool
        Whether no polynomial in it and its argument vanishes on an open set.
    steady : bool
        Whether it is constant nearby.
    """

    name: str
    made: Any
    asks: Callable[..., list[Condition]] = _everywhere
    listed: bool = True
    interval: str = ""
    ends: Any = None
    arb: Any = None
    method: str = ""
    atom: bool = False
    odd: bool = False
    countable: bool = False
    transcendental: bool = False
    steady: bool = False

    def __call__(self, *operands: sympy.Expr) -> sympy.Expr:
        """The expression of these operands."""
        return self.made(*operands)


# --- where they have values -----------------------------------------------------------------------


def _positive(u: sympy.Expr) -> list[Condition]:
    return [(">", u)]


def _between(u: sympy.Expr) -> list[Condition]:
    return [(">=", 1 - u**2)]


def _of_the_first_kind(v: sympy.Expr, u: sympy.Expr) -> list[Condition]:
    return [] if v.is_integer else [(">", u)]


def power_asks(u: sympy.Expr, p: sympy.Expr) -> list[Condition]:
    """x^p is a product for a whole p, a root for a fraction, exp(p log x) for all others."""
    if p.is_Integer:
        return [("!=", u)] if p < 0 else []
    if p.is_Rational:
        return [(">" if p < 0 else ">=", u)]
    return [(">", u)]


# --- those that are made of others ----------------------------------------------------------------


def _power(u: sympy.Expr, p: sympy.Expr) -> sympy.Expr:
    return u**p


def _gammainc(a: sympy.Expr, x: sympy.Expr) -> sympy.Expr:
    """The lower incomplete gamma function, regularized: elementary for whole a."""
    return sympy.lowergamma(a, x) * sympy.exp(-sympy.loggamma(a))


def _betainc(a: sympy.Expr, b: sympy.Expr, x: sympy.Expr) -> sympy.Expr:
    """The incomplete beta function, regularized."""
    whole = sympy.loggamma(a) + sympy.loggamma(b) - sympy.loggamma(a + b)
    return sympy.betainc(a, b, 0, x) * sympy.exp(-whole)


def _polygamma(n: Any, x: Any) -> Any:
    import flint  # Arb's, which not everyone has

    return flint.acb(x).polygamma(n).real


_SMOOTH: Any = {"atom": True, "countable": True, "transcendental": True}

FUNCTIONS: tuple[Function, ...] = (
    Function("exp", sympy.exp, interval="exp", method="exponential", **_SMOOTH),
    Function("log", sympy.log, _positive, interval="log", method="logarithm", **_SMOOTH),
    Function("sqrt", sympy.sqrt, lambda u: [(">=", u)]),
    Function("sin", sympy.sin, interval="sin", method="sin", odd=True, **_SMOOTH),
    Function("cos", sympy.cos, interval="cos", method="cos", **_SMOOTH),
    Function("tanh", sympy.tanh, interval="tanh", method="tanh", odd=True, **_SMOOTH),
    Function(
        "arcsin", sympy.asin, _between, interval="asin", ends=mpmath.asin, method="arcsin",
        atom=True, odd=True, countable=True,
    ),
    Function("arccos", sympy.acos, _between, interval="acos", ends=mpmath.acos, method="arccos"),
    Function(
        "arctan", sympy.atan, interval="atan", ends=mpmath.atan, method="arctan", odd=True, **_SMOOTH
    ),
    Function("erf", sympy.erf, interval="erf", ends=mpmath.erf, method="erf", odd=True, **_SMOOTH),
    Function("floor", Floor, method="floor", atom=True, steady=True),
    Function("step", Step, method="step", atom=True),
    Function("side", Side, listed=False, method="side", atom=True, steady=True),
    Function("vanishes", Vanishes, listed=False, method="vanishing", atom=True),
    Function("absolute", sympy.Abs, listed=False, method="absolute"),
    Function("sign", sympy.sign, listed=False, method="sign"),
    Function("power", _power, power_asks),
    Function("gammainc", _gammainc, lambda a, u: [(">", a), (">=", u)]),
    Function(
        "betainc", _betainc, lambda a, b, u: [(">", a), (">", b), (">=", u), (">=", 1 - u)]
    ),
    # Functions without relations: the normal form takes each value as a symbol of its own, and their
    # derivatives (by sympy) are others of them. The logarithm of the gamma function and its derivatives
    # are read on the positive numbers.
    Function(
        "erfinv", sympy.erfinv, lambda u: [(">", 1 - u**2)], arb=lambda x: x.erfinv()
    ),
    Function("gammaln", sympy.loggamma, _positive, arb=lambda x: x.lgamma()),
    Function("polygamma", sympy.polygamma, lambda n, u: [(">", u)], arb=_polygamma),
    Function("iv", sympy.besseli, _of_the_first_kind, arb=lambda v, x: x.bessel_i(v)),
    Function("jv", sympy.besselj, _of_the_first_kind, arb=lambda v, x: x.bessel_j(v)),
    Function("kv", sympy.besselk, lambda v, u: [(">", u)], arb=lambda v, x: x.bessel_k(v)),
    Function("yv", sympy.bessely, lambda v, u: [(">", u)], arb=lambda v, x: x.bessel_y(v)),
    Function(
        "lowergamma", sympy.lowergamma, listed=False, arb=lambda a, x: x.gamma_lower(a)
    ),
    Function(
        "betainc from 0", sympy.betainc, listed=False, arb=lambda a, b, _, x: x.beta_lower(a, b)
    ),
)  # fmt: skip

ATOMS = {f.name: f for f in FUNCTIONS if f.atom}
SPECIAL = frozenset(f.made for f in FUNCTIONS if f.arb is not None)


class ScalarShelf:
    """The functions that an elementwise formula may ask for, on sympy expressions.

    The derivative of each is sympy's, except those of `Step` and `Floor`.
    """

    @staticmethod
    def where(condition: sympy.Expr, u: sympy.Expr, v: sympy.Expr) -> sympy.Expr:
        """u where the condition (0 or 1) is 1, v where it is 0; a known condition takes its branch."""
        if condition.is_Rational:
            return u if condition else v
        return v + (u - v) * condition

    def __getattr__(self, name: str) -> Any:
        known = ", ".join([*(f.name for f in FUNCTIONS if f.listed), "where"])
        raise AttributeError(
            f"s.{name}: the scalar shelf of the EXACT evaluator has no such function. Expected one "
            f"of {known}; write the formula with these."
        )


for _function in FUNCTIONS:
    if _function.listed:
        setattr(ScalarShelf, _function.name, staticmethod(_function.made))

SCALARS = ScalarShelf()
