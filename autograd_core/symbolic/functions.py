r"""The functions of the symbolic side, a record each.

What a formula may call, which sympy class it is, where it has a value, how it is enclosed in intervals,
what the normal form and the null sets know of it, which function of arrays computes it, and how it is
written as NumPy source and as LaTeX stand beside each other here; whatever reads expressions asks these
records. So a new function is one record::

    declare(
        Function(
            "si", sympy.Si, array=sine_integral, arb=lambda x: x.si(), latex=r"\mathrm{{Si}}({})"
        )
    )

Sums, products, powers, elements and the like are no functions but what expressions are built of: each
reader has its own way with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath
import numpy as np
import sympy
from sympy.logic.boolalg import Boolean

from .. import functional, ops
from ..errors import ConfigError, ProofError
from ..functional import special
from .atoms import Floor, Side, Step, Vanishes

__all__ = ["CLASSES", "FUNCTIONS", "SCALARS", "Condition", "Function", "ScalarShelf", "declare"]

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
    sided : callable, optional
        Its value (a number or an interval) by its operand and the operand's sign: of a function with a
        kink or jump at 0.
    method : str
        The method of the normal form that reads it.
    odd : bool
        Whether f(-u) = -f(u); without a method, the normal form knows nothing else of it.
    sign : int, optional
        1 if it is positive, 0 if nonnegative, wherever it has a value.
    countable : bool
        Whether it takes each value on a countable set only.
    transcendental : bool
        Whether no polynomial in it and its argument vanishes on an open set.
    steady : bool
        Whether it is constant nearby.
    jumps : bool
        Whether it is constant but for jumps.
    array : callable, optional
        The engine's function of arrays. Of an indicator it may be a condition.
    rewritten : callable, optional
        Operands to an expression in other functions: for arrays and intervals, where they have none
        of their own.
    orders : int
        How many operands, from the first, are whole numbers from 0.
    folds : bool
        Whether it takes any number of operands in any order, two at a time.
    numpy : callable, optional
        Of float arrays.
    source : str
        NumPy source, operands in braces; empty: ``numpy``'s name and its operands.
    imports : str
        The line that the source needs.
    latex : str
        LaTeX, operands in one pair of braces; empty: as sympy, or a method of the printer, has it.
    becomes : str
        What it is for arrays, in a table; empty: the name of ``array``.
    """

    name: str
    made: Any
    asks: Callable[..., list[Condition]] = _everywhere
    listed: bool = True
    interval: str = ""
    ends: Any = None
    arb: Any = None
    sided: Any = None
    method: str = ""
    odd: bool = False
    sign: int | None = None
    countable: bool = False
    transcendental: bool = False
    steady: bool = False
    jumps: bool = False
    array: Any = None
    rewritten: Any = None
    orders: int = 0
    folds: bool = False
    numpy: Any = None
    source: str = ""
    imports: str = ""
    latex: str = ""
    becomes: str = ""

    def __call__(self, *operands: sympy.Expr) -> sympy.Expr:
        """The expression of these operands."""
        return self.made(*operands)

    @property
    def condition(self) -> bool:
        """Whether it is true or false, no number."""
        return isinstance(self.made, type) and issubclass(self.made, Boolean)

    def text(self, *operands: str) -> str:
        """NumPy source; empty if there is none."""
        if self.source:
            return self.source.format(*operands)
        return f"np.{self.numpy.__name__}({', '.join(operands)})" if self.numpy else ""


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


def _logaddexp(a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
    return sympy.log(sympy.exp(a) + sympy.exp(b))


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


def _heaviside(u: sympy.Expr, at_zero: sympy.Expr) -> sympy.Expr:
    """Step(u), and the stated value where u = 0."""
    if not at_zero.is_Rational:
        raise ProofError(
            "symbolic",
            f"Heaviside({u}, {at_zero}) has the value {at_zero} at 0. Expected a number.",
        )
    return Step(u) + at_zero * Vanishes(u) if at_zero else Step(u)


def _lower_gamma(a: Any, x: Any) -> Any:
    return special.gammainc(a, x) * special.gamma(a)


def _incomplete_beta(a: Any, b: Any, low: Any, x: Any) -> Any:
    if not isinstance(low, int) or low:
        raise ProofError(
            "symbolic", "betainc has arrays from 0 on alone. Expected betainc(a, b, 0, x)."
        )
    return special.betainc(a, b, x) * special.beta(a, b)


# --- the records ----------------------------------------------------------------------------------

# By name, and by class.
FUNCTIONS: dict[str, Function] = {}
CLASSES: dict[Any, Function] = {}


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
        known = ", ".join([*(f.name for f in FUNCTIONS.values() if f.listed), "where"])
        raise AttributeError(
            f"s.{name}: the scalar shelf of the EXACT evaluator has no such function. Expected one "
            f"of {known}; write the formula with these."
        )


SCALARS = ScalarShelf()


def declare(*records: Function) -> None:
    """Make functions known: to formulas, proofs, arrays, source and LaTeX.

    Raises
    ------
    ConfigError
        If there is one of that name or class.
    """
    for f in records:
        if f.name in FUNCTIONS or f.made in CLASSES:
            raise ConfigError("declare", f"{f.name} ({f.made}) has a record already.")
        FUNCTIONS[f.name] = f
        if isinstance(f.made, type):
            CLASSES[f.made] = f
        if f.listed:
            setattr(ScalarShelf, f.name, staticmethod(f.made))


_SMOOTH: Any = {"countable": True, "transcendental": True}
_BY_MATH = "np.vectorize(math.{}, otypes=[float])({{}})"


def _of_math(name: str) -> Any:
    """A function that the standard library has, and NumPy has not."""
    return {"source": _BY_MATH.format(name), "imports": "import math"}


def _of_scipy(name: str, operands: int) -> Any:
    """A function that SciPy has, and NumPy has not."""
    places = ", ".join(["{}"] * operands)
    return {"source": f"scipy.special.{name}({places})", "imports": "import scipy.special"}


declare(
    Function(
        "exp", sympy.exp, interval="exp", method="exponential", sign=1, **_SMOOTH,
        array=ops.exp, numpy=np.exp,
    ),
    Function(
        "log", sympy.log, _positive, interval="log", method="logarithm", **_SMOOTH,
        array=ops.log, numpy=np.log, becomes="log; logsumexp of a sum of exponentials",
    ),
    Function("sqrt", sympy.sqrt, lambda u: [(">=", u)], interval="sqrt"),
    Function("sin", sympy.sin, interval="sin", odd=True, **_SMOOTH, array=ops.sin, numpy=np.sin),
    Function(
        "cos", sympy.cos, interval="cos", method="cos", **_SMOOTH, array=ops.cos, numpy=np.cos
    ),
    Function(
        "tanh", sympy.tanh, interval="tanh", method="tanh", odd=True, **_SMOOTH,
        array=ops.tanh, numpy=np.tanh,
    ),
    Function(
        "arcsin", sympy.asin, _between, interval="asin", ends=mpmath.asin, method="arcsin",
        odd=True, countable=True, array=ops.arcsin, numpy=np.arcsin,
    ),
    Function(
        "arccos", sympy.acos, _between, interval="acos", ends=mpmath.acos, method="arccos",
        array=ops.arccos, numpy=np.arccos,
    ),
    Function(
        "arctan", sympy.atan, interval="atan", ends=mpmath.atan, odd=True, **_SMOOTH,
        array=ops.arctan, numpy=np.arctan,
    ),
    Function(
        "erf", sympy.erf, interval="erf", ends=mpmath.erf, odd=True, **_SMOOTH,
        array=ops.erf, **_of_math("erf"),
    ),
    # With kinks and jumps.
    Function(
        "floor", Floor, method="floor", steady=True, jumps=True,
        array=ops.floor, numpy=np.floor, latex=r"\left\lfloor {} \right\rfloor",
    ),
    Function(
        "step", Step, method="step", sign=0, jumps=True, sided=lambda u, sign: int(sign > 0),
        array=ops.step, numpy=lambda u: (u > 0) * 1.0, source="np.where({} > 0, 1.0, 0.0)",
        becomes="step: 1 where positive, 0 at 0",
    ),
    Function(
        "side", Side, listed=False, method="side", steady=True,
        sided=lambda u, sign: 1 if sign > 0 else -1, rewritten=lambda u: 2 * Step(u) - 1,
        numpy=lambda u: np.where(u > 0, 1.0, -1.0),
        source="np.where({} > 0, 1.0, -1.0)", becomes="step, from -1 to 1",
    ),
    Function(
        "vanishes", Vanishes, listed=False, method="vanishing", sign=0, jumps=True,
        sided=lambda u, sign: int(sign == 0), array=lambda x: ops.equal(x, 0),
        numpy=lambda u: (u == 0) * 1.0, source="np.where({} == 0, 1.0, 0.0)",
        latex=r"\mathbb{{1}}[{} = 0]", becomes="equal to 0",
    ),
    Function(
        "absolute", sympy.Abs, listed=False, method="absolute", sign=0,
        sided=lambda u, sign: u * sign, array=ops.absolute, numpy=np.absolute,
    ),
    Function(
        "sign", sympy.sign, listed=False, method="sign", sided=lambda u, sign: sign,
        array=ops.sign, numpy=np.sign, latex=r"\mathrm{{sign}}\left({}\right)",
    ),
    # Made of others.
    Function("power", _power, power_asks),
    Function("gammainc", _gammainc, lambda a, u: [(">", a), (">=", u)]),
    Function(
        "betainc", _betainc, lambda a, b, u: [(">", a), (">", b), (">=", u), (">=", 1 - u)]
    ),
    Function(
        "logaddexp", _logaddexp, listed=False, folds=True, array=ops.logaddexp, numpy=np.logaddexp
    ),
    # Functions without relations: the normal form takes each value as a symbol of its own, and their
    # derivatives (by sympy) are others of them. The logarithm of the gamma function and its derivatives
    # are read on the positive numbers.
    Function(
        "erfinv", sympy.erfinv, lambda u: [(">", 1 - u**2)], arb=lambda x: x.erfinv(),
        array=special.erfinv, **_of_scipy("erfinv", 1),
    ),
    Function(
        "gammaln", sympy.loggamma, _positive, arb=lambda x: x.lgamma(),
        array=special.gammaln, **_of_math("lgamma"),
    ),
    Function(
        "polygamma", sympy.polygamma, lambda n, u: [(">", u)], arb=_polygamma,
        array=special.polygamma, orders=1, **_of_scipy("polygamma", 2),
        becomes="polygamma of a whole order; digamma is that of order 0",
    ),
    Function(
        "iv", sympy.besseli, _of_the_first_kind, arb=lambda v, x: x.bessel_i(v),
        array=special.iv, **_of_scipy("iv", 2),
    ),
    Function(
        "jv", sympy.besselj, _of_the_first_kind, arb=lambda v, x: x.bessel_j(v),
        array=special.jv, **_of_scipy("jv", 2),
    ),
    Function(
        "kv", sympy.besselk, lambda v, u: [(">", u)], arb=lambda v, x: x.bessel_k(v),
        array=special.kv, **_of_scipy("kv", 2),
    ),
    Function(
        "yv", sympy.bessely, lambda v, u: [(">", u)], arb=lambda v, x: x.bessel_y(v),
        array=special.yv, **_of_scipy("yv", 2),
    ),
    Function(
        "lowergamma", sympy.lowergamma, listed=False, arb=lambda a, x: x.gamma_lower(a),
        array=_lower_gamma, becomes="gammainc gamma",
        source="(scipy.special.gammainc({0}, {1}) * scipy.special.gamma({0}))",
        imports="import scipy.special",
    ),
    Function(
        "betainc from 0", sympy.betainc, listed=False, arb=lambda a, b, _, x: x.beta_lower(a, b),
        array=_incomplete_beta, becomes="betainc beta, from 0 on",
        source="(scipy.special.betainc({0}, {1}, {3}) * scipy.special.beta({0}, {1}))",
        imports="import scipy.special",
    ),
    # Of arrays alone: formulas are written, and proofs made, without them.
    *(
        Function(made.__name__, made, listed=False, array=array, numpy=numpy)
        for made, array, numpy in (
            (sympy.tan, ops.tan, np.tan),
            (sympy.atan2, ops.arctan2, np.arctan2),
            (sympy.sinh, ops.sinh, np.sinh),
            (sympy.cosh, ops.cosh, np.cosh),
            (sympy.asinh, ops.arcsinh, np.arcsinh),
            (sympy.acosh, ops.arccosh, np.arccosh),
            (sympy.atanh, ops.arctanh, np.arctanh),
            (sympy.ceiling, ops.ceil, np.ceil),
        )
    ),
    Function("floor by sympy", sympy.floor, listed=False, array=ops.floor, numpy=np.floor),
    Function("erfc", sympy.erfc, listed=False, array=special.erfc, **_of_math("erfc")),
    Function("gamma", sympy.gamma, listed=False, array=special.gamma, **_of_math("gamma")),
    Function(
        "heaviside", sympy.Heaviside, listed=False, rewritten=_heaviside,
        becomes="step, with the stated value at 0",
    ),
    Function(
        "maximum", sympy.Max, listed=False, folds=True, array=ops.maximum, numpy=np.maximum,
        latex=r"\max\left({}\right)",
    ),
    Function(
        "minimum", sympy.Min, listed=False, folds=True, array=ops.minimum, numpy=np.minimum
    ),
    # What arrays, and intervals, have in other words.
    *(
        Function(made.__name__, made, listed=False, rewritten=rewritten, becomes=becomes)
        for made, rewritten, becomes in (
            (sympy.sec, lambda u: 1 / sympy.cos(u), "1/cos"),
            (sympy.csc, lambda u: 1 / sympy.sin(u), "1/sin"),
            (sympy.cot, lambda u: sympy.cos(u) / sympy.sin(u), "cos/sin"),
            (sympy.sech, lambda u: 1 / sympy.cosh(u), "1/cosh"),
            (sympy.csch, lambda u: 1 / sympy.sinh(u), "1/sinh"),
            (sympy.coth, lambda u: 1 / sympy.tanh(u), "1/tanh"),
            (sympy.asec, lambda u: sympy.acos(1 / u), "arccos of 1/x"),
            (sympy.acsc, lambda u: sympy.asin(1 / u), "arcsin of 1/x"),
            (sympy.acot, lambda u: sympy.atan(1 / u), "arctan of 1/x"),
            (sympy.frac, lambda u: u - Floor(u), "x - floor(x)"),
            (sympy.re, lambda u: u, "the operand: arrays are real"),
            (sympy.conjugate, lambda u: u, "the operand: arrays are real"),
            (sympy.im, lambda u: sympy.S.Zero, "0: arrays are real"),
            (sympy.Implies, lambda a, b: ~a | b, "logical_or of the opposite"),
            (sympy.ITE, lambda c, a, b: (c & a) | (~c & b), "logical_or of both cases"),
        )
    ),
    Function(
        "erfcinv", sympy.erfcinv, listed=False, array=special.erfcinv, **_of_scipy("erfcinv", 1)
    ),
    Function(
        "beta", sympy.beta, listed=False, array=special.beta, **_of_scipy("beta", 2)
    ),
    Function(
        "logical_xor", sympy.Xor, listed=False, folds=True,
        array=functional.logical_xor, numpy=np.logical_xor,
    ),
    # Conditions.
    *(
        Function(array.__name__, made, listed=False, array=array, numpy=numpy, source=f"({{}} {sign} {{}})")
        for made, sign, array, numpy in (
            (sympy.StrictGreaterThan, ">", ops.greater, np.greater),
            (sympy.GreaterThan, ">=", ops.greater_equal, np.greater_equal),
            (sympy.StrictLessThan, "<", ops.less, np.less),
            (sympy.LessThan, "<=", ops.less_equal, np.less_equal),
            (sympy.Equality, "==", ops.equal, np.equal),
            (sympy.Unequality, "!=", ops.not_equal, np.not_equal),
        )
    ),
    Function(
        "logical_and", sympy.And, listed=False, folds=True,
        array=functional.logical_and, numpy=np.logical_and,
    ),
    Function(
        "logical_or", sympy.Or, listed=False, folds=True,
        array=functional.logical_or, numpy=np.logical_or,
    ),
    Function("logical_not", sympy.Not, listed=False, array=ops.logical_not, numpy=np.logical_not),
)  # fmt: skip
