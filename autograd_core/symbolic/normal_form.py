"""The normal form: an expression as a Laurent polynomial over named atoms.

Every step keeps the value wherever the expression is defined:

- a symbol is a generator;
- exp(u) splits along a basis of exponents that are independent over the rationals, so that
  exp(a + b) = exp(a) exp(b), exp(-u) = 1/exp(u) and exp(n log u) = u^n hold by construction;
- log(u) pulls out what is known to be positive: exponentials, roots, primes, denominators;
- a root is a generator s with s^q = u;
- a denominator of two terms or more is a generator that stands for its value and occurs with
  negative powers; the zero test clears it;
- Step(u) is an idempotent h² = h, with Step(-u) = 1 - h off {u = 0}, which is recorded;
- tanh, sin, arcsin, arctan and erf are odd atoms, cos² = 1 - sin², arccos = π/2 - arcsin;
- Side(u) is an atom s with s² = 1;
- Floor(u) is an atom without relations; its jumps, {sin(πu) = 0}, are recorded;
- the arguments of these are taken apart first: where some values of the idempotents in them, also of
  those inside other functions, make them zero on an open set, each such region is decided by itself.
  What is recorded is a null set: {u = 0} where that is one (`null_sets`), else its edge;
- functions that have Arb's balls alone (log Γ, ψ, Bessel's …) are atoms without relations.

An identity of polynomials over atoms is an identity of functions, so `vanishes` never says True
of a difference that is not zero. The converse may fail where atoms hide a relation.

Two ways to write a sigmoid, with g0 = x::

    exp(x) / (1 + exp(x))                  1 / (1 + exp(-x))
    exp(x)         g1                      exp(-x)        g1⁻¹, since -x is -1 times the basis x
    1 + exp(x)     1 + g1                  1 + exp(-x)    1 + g1⁻¹ = g1⁻¹ (1 + g1)
    1 / that       g2⁻¹, g2 = 1 + g1       1 / that       g1 g2⁻¹, by the same g2
    the product    g1 g2⁻¹

The difference is the polynomial without terms: they are equal. g2 is positive, so nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy.polys.domains import QQ

from .algebra import KINKS, content_of, key_of
from .atoms import Side, Step, Vanishes
from .functions import CLASSES, FUNCTIONS
from .null_sets import NullSets
from .polynomials import DEFAULT, ONE, Budget, Polynomial, generators
from .walks import holds, parts_of

__all__ = ["NormalForm", "Undefined", "Unsupported"]

PRIMES = 10**12  # rationals above this are not factored
REGIONS = 3  # kinks on both sides of which an equation is tried


class Undefined(Exception):  # noqa: N818 - a verdict in the making, not an error
    """The expression is nowhere defined: a division by zero, the logarithm of zero."""


class Unsupported(Exception):  # noqa: N818 - as above
    """A function without a reading in the normal form."""


class NormalForm(NullSets):
    """Conversion of expressions to polynomials over the atoms met so far.

    Parameters
    ----------
    budget, engine
        See `Algebra`.
    steady : set of sympy.Symbol, optional
        Symbols that nothing is differentiated by and that may be anything, such as random bits: a
        step of these alone has no kink to exclude.
    tanh_by_exp : bool
        Read tanh(u) as 1 - 2/(exp(2u) + 1), which finds its relations with exponentials.

    Attributes
    ----------
    excluded : set of sympy.Expr
        u with {u = 0} left out, a null set: kinks that depend on what is differentiated by, and
        those where Step(-u) = 1 - Step(u) was used.
    edges : set of sympy.Expr
        u that may be zero on an open set: only the edge of {u = 0} is left out.
    positive_where, nonnegative_where, nonzero_where : set of sympy.Expr
        Arguments of logarithms, arguments of roots, divisors, unless that is evident.
    degenerate : set of sympy.Expr
        Divisors and arguments of logarithms that are zero on an open set.
    """

    def __init__(
        self,
        budget: Budget,
        engine: str = DEFAULT,
        steady: Iterable[sympy.Symbol] = (),
        tanh_by_exp: bool = False,
    ) -> None:
        super().__init__(budget, engine, steady)
        self.tanh_by_exp = tanh_by_exp
        self.excluded: set[sympy.Expr] = set()
        self.edges: set[sympy.Expr] = set()
        self.positive_where: set[sympy.Expr] = set()
        self.nonnegative_where: set[sympy.Expr] = set()
        self.nonzero_where: set[sympy.Expr] = set()
        self.degenerate: set[sympy.Expr] = set()
        self._basis: list[tuple[int, Polynomial, Any]] = []
        self._memo: dict[sympy.Expr, Polynomial] = {}
        self._signs: dict[sympy.Expr, int | None] = {}
        self._nested: dict[int, set[int]] = {}

    # --- expressions to polynomials -----------------------------------------------------------

    def form(self, expression: sympy.Expr) -> Polynomial:
        """The polynomial of an expression.

        Raises
        ------
        Undefined, Unsupported, Exhausted
        """
        memo = self._memo
        stack = [expression]
        while stack:
            e = stack[-1]
            if e in memo:
                stack.pop()
                continue
            missing = [a for a in self._operands(e) if a not in memo]
            if missing:
                stack.extend(missing)
                continue
            memo[e] = self._convert(e)
            stack.pop()
        return memo[expression]

    def _operands(self, e: sympy.Expr) -> tuple[sympy.Expr, ...]:
        """What has to be converted before ``e``."""
        if isinstance(e, (sympy.Derivative, sympy.Subs)):
            f = e.expr
            raise Unsupported(
                f"the derivative of {f.func.__name__} by its parameter has no closed form; hold "
                "the parameter fixed: as a number, a label, or data"
            )
        return (e.base,) if e.is_Pow and e.exp.is_Rational else e.args

    def _convert(self, e: sympy.Expr) -> Polynomial:
        self.budget.check()
        memo = self._memo
        if e.is_Rational:
            return self.constant(QQ(int(e.p), int(e.q)))
        if e.is_Symbol or e is sympy.pi:
            return self.power(self._atom(("symbol", e), "symbol", {}, symbol=e), 1)
        if e is sympy.E:
            return self.exponential(self.constant(QQ(1)))
        if e.is_Add:
            return self.sum(memo[a] for a in e.args)
        if e.is_Mul:
            product = self.constant(QQ(1))
            for factor in sorted((memo[a] for a in e.args), key=len):
                product = self.product(product, factor)
            return product
        if e.is_Pow:
            return self._power(e)
        f = CLASSES.get(e.func)
        if (
            f is not None and f.arb is not None
        ):  # the first expression met stands for all with equal arguments
            key = ("special", e.func, *(key_of(memo[a]) for a in e.args))
            return self.power(self._atom(key, "symbol", memo[e.args[-1]], symbol=e), 1)
        if f is not None and f.method:
            converted: Polynomial = getattr(self, f.method)(memo[e.args[0]], e.args[0])
            return converted
        if f is not None and f.odd:
            return self._odd(f.name, memo[e.args[0]])
        if e in (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            raise Undefined("a division by zero")
        read = sorted(c.__name__ for c, f in CLASSES.items() if f.method or f.odd or f.arb)
        raise Unsupported(
            f"{e.func.__name__} has no reading in the normal form; expected + - * /, powers, "
            + ", ".join(read)
        )

    def _power(self, e: sympy.Expr) -> Polynomial:
        base, exponent = e.base, e.exp
        p = self._memo[base]
        if not exponent.is_Rational:  # x^p = exp(p log x), for x > 0
            return self.exponential(self.product(self._memo[exponent], self.logarithm(p, base)))
        if exponent.q != 1:
            p = self.root(p, int(exponent.q), base)
        n = int(exponent.p)
        if n < 0:
            p = self.inverse(p, base)
        return self._raise(p, abs(n))

    def _raise(self, p: Polynomial, n: int) -> Polynomial:
        if len(p) == 1:
            ((m, c),) = p.items()
            return {tuple((g, 1 if g in self._idempotent else e * n) for g, e in m): c**n}
        result = self.constant(QQ(1))
        while n:
            if n & 1:
                result = self.product(result, p)
            n >>= 1
            if n:
                p = self.product(p, p)
        return result

    # --- division -----------------------------------------------------------------------------

    def inverse(self, p: Polynomial, e: sympy.Expr | None) -> Polynomial:
        """1/p; ``e`` is the expression that ``p`` came from, None if it is known to be nonzero."""
        numerator, by = self.fraction(p)
        if not numerator:
            e = self.expression(p) if e is None else e
            raise Undefined(f"a division by {e}, which is identically zero")
        known = e is None or self._sign(e) == 1
        c = content_of(numerator) * (1 if numerator[max(numerator)] > 0 else -1)
        inverse: Polynomial = {tuple((g, -n) for g, n in by): 1 / c}
        if e is not None and not known:
            for g, _ in by:
                self._divides(g, e)
        if numerator == {ONE: c}:
            return inverse
        primitive = self.scaled(numerator, 1 / c)
        g = self._atom(
            ("denominator", key_of(primitive)),
            "denominator",
            primitive,
            positive=self.positive(primitive),
        )
        if e is not None and not known:
            self._divides(g, e)
        return self.product(inverse, self.power(g, -1))

    def _divides(self, g: int, e: sympy.Expr) -> None:
        """Note that generator ``g``, met in expression ``e``, is divided by."""
        atom = self.atoms[g]
        if atom.positive:
            return
        self.note("!=", e)
        if atom.kinked and self._annihilated(atom.argument):
            self.degenerate.add(e)

    # --- what is asked ------------------------------------------------------------------------

    def evident(self, relation: str, e: sympy.Expr) -> bool:
        """Whether ``e`` compares with 0 as ``relation`` says, by the form of ``e`` alone."""
        sign = self._sign(e)
        return sign == 1 or (sign == 0 and relation == ">=")

    def note(self, relation: str, e: sympy.Expr) -> None:
        """Take it that ``e`` is ``relation`` 0, in the simplest terms that say so."""
        if self.evident(relation, e) or isinstance(e, Side):  # which is 1 or -1
            return
        steps = [f for f in e.args if isinstance(f, Step)] if e.is_Mul and relation != ">=" else []
        if steps:  # which are 1 where the whole is not 0
            for f in steps:
                self.note("!=", f)
            self.note(relation, sympy.Mul(*(f for f in e.args if f not in steps)))
            return
        if isinstance(e, Step) and relation != ">=":
            relation, e = ">", e.args[0]
        if isinstance(e, sympy.Abs) and relation != ">=":
            relation, e = "!=", e.args[0]
        if holds(e, Vanishes):  # which is 0 off a kink
            e = self.expression(self.form(e))
        kept = {
            ">": self.positive_where,
            ">=": self.nonnegative_where,
            "!=": self.nonzero_where,
        }
        kept[relation].add(e)

    def require(self, relation: str, e: sympy.Expr) -> None:
        """Note that ``e`` is asked to be ``relation`` 0, unless that is evident.

        Raises
        ------
        Undefined
            If it is nowhere.
        Unsupported, Exhausted
        """
        if e.is_Rational:
            if not {">": e.p > 0, ">=": e.p >= 0, "!=": e.p != 0}[relation]:
                raise Undefined(f"{e} is asked to be {relation} 0")
            return
        if self.evident(relation, e):
            return
        if isinstance(e, Step) and relation != ">=":  # it is 1 where its argument is positive
            self.degenerate.add(e)
            self.note(">", e.args[0])
            return
        parts = e.args if e.is_Mul else (e.base,) if e.is_Pow and e.exp.is_Rational else ()
        if relation == "!=" and parts:
            for part in parts:
                self.require(relation, part)
            if not self.degenerate.isdisjoint(parts):
                self.degenerate.add(e)
            return
        steps = {f for f in e.args if isinstance(f, Step)} if e.is_Mul and relation == ">" else ()
        if steps:
            self.degenerate |= {e, *steps}
            self.note(relation, e)
            return
        if e.is_Mul:  # the others have the sign of the whole
            e = sympy.Mul(*(f for f in e.args if self._sign(f) != 1))
        if isinstance(e, sympy.Abs) and relation != ">=":
            self.require("!=", e.args[0])
            return
        if e.is_Pow and e.exp.is_Rational:
            n, q = int(e.exp.p), int(e.exp.q)
            if q == 1 and n % 2:
                self.require(">" if n < 0 else relation, e.base)
            elif relation == ">":  # a root, or an even power
                self.require(">" if q != 1 else "!=", e.base)
            return
        p = self.form(e)
        numerator, by = self.fraction(p)
        if self.positive(numerator) and all(self._is_positive(g, n) for g, n in by):
            return
        if relation == "!=":
            self.inverse(p, e)
        elif relation == ">":
            self.logarithm(p, e)
        else:
            self.root(p, 2, e)

    # --- functions ----------------------------------------------------------------------------

    def exponential(self, u: Polynomial, e: sympy.Expr | None = None) -> Polynomial:
        """exp(u)."""
        result = self.constant(QQ(1))
        remaining = dict(u)
        for m, c in u.items():  # exp(c log v) = v^c
            if len(m) == 1 and m[0][1] == 1 and self.atoms[m[0][0]].kind == "log":
                del remaining[m]
                v, n, q = self.atoms[m[0][0]].argument, int(c.numerator), int(c.denominator)
                # Where this exponential is defined, so is log v: v is positive.
                if q != 1:
                    v = self._root(v, q)
                if n < 0:
                    v = self.inverse(v, None)
                result = self.product(result, self._raise(v, abs(n)))
        for g, vector, lead in self._basis:
            if lead in remaining:
                c = remaining[lead] / vector[lead]
                remaining = self.difference(remaining, self.scaled(vector, c))
                n, q = int(c.numerator), int(c.denominator)
                if q != 1:
                    g = self._atom(
                        ("root", q, g), "root", self.power(g, 1), degree=q, positive=True
                    )
                result = self.product(result, self.power(g, n))
        if remaining:
            g = self._atom(("exp", key_of(remaining)), "exp", remaining, positive=True)
            self._basis.append((g, remaining, max(remaining)))
            result = self.product(result, self.power(g, 1))
        return result

    def logarithm(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """log(u), where u > 0."""
        if not u:
            raise Undefined(f"the logarithm of {e}, which is identically zero")
        if self._sign(e) != 1:
            self.note(">", e)
            if self._annihilated(u):
                self.degenerate.add(e)
        return self._logarithm(u)

    def _logarithm(self, u: Polynomial) -> Polynomial:
        u, by = self.fraction(u)
        if not u:
            raise Undefined("the logarithm of zero")
        content = content_of(u)
        u = self.scaled(u, 1 / content)
        parts = [self._log_of_rational(content)]
        unknown: list[tuple[int, int]] = []
        for g, n in by:
            atom = self.atoms[g]
            if atom.kind == "exp":
                parts.append(self.scaled(atom.argument, QQ(n)))
            elif atom.kind == "root":  # nonzero, since u > 0
                parts.append(self.scaled(self._logarithm(atom.argument), QQ(n, atom.degree)))
            elif atom.positive:
                parts.append(self.scaled(self._log_of_generator(g), QQ(n)))
            else:
                unknown.append((g, n))
        if self.positive(u):
            if u != self.constant(QQ(1)):
                parts.append(self._log_atom(u))
                u = self.constant(QQ(1))
            if not unknown:
                return self.sum(parts)
            if len(unknown) == 1 and unknown[0][1] % 2:
                # The whole is positive and so are all other factors, hence this one too.
                ((g, n),) = unknown
                return self.sum((*parts, self.scaled(self._log_of_generator(g), QQ(n))))
        return self.sum((*parts, self._log_atom(self.product(u, {tuple(unknown): QQ(1)}))))

    def _log_of_generator(self, g: int) -> Polynomial:
        atom = self.atoms[g]
        return self._log_atom(atom.argument if atom.kind == "denominator" else self.power(g, 1))

    def _log_atom(self, u: Polynomial) -> Polynomial:
        return self.power(self._atom(("log", key_of(u)), "log", u), 1)

    def _log_of_rational(self, c: Any) -> Polynomial:
        if c == 1:
            return {}
        a, b = int(c.numerator), int(c.denominator)
        if max(a, b) > PRIMES:
            return self._log_atom(self.constant(c))
        parts = [self.scaled(self._log_atom(self.constant(QQ(p))), QQ(n)) for p, n in _primes(a)]
        parts += [self.scaled(self._log_atom(self.constant(QQ(p))), QQ(-n)) for p, n in _primes(b)]
        return self.sum(parts)

    def root(self, u: Polynomial, q: int, e: sympy.Expr) -> Polynomial:
        """The q-th root of u, where u >= 0."""
        if self._sign(e) is None:
            self.note(">=", e)
        return self._root(u, q)

    def _root(self, u: Polynomial, q: int) -> Polynomial:
        u, by = self.fraction(u)
        if not u:
            return {}
        content = content_of(u)
        u = self.scaled(u, 1 / content)
        result = self._root_of_rational(content, q)
        inside: list[tuple[int, int]] = []
        for g, n in by:
            atom = self.atoms[g]
            if atom.kind == "exp":
                part = self.exponential(self.scaled(atom.argument, QQ(n, q)))
            elif self._is_positive(g, n):
                part = self._raised(g, n // q)
                if n % q:
                    value = atom.argument if atom.kind == "denominator" else self.power(g, 1)
                    s = self._root_atom(key_of(value), value, q, positive=True)
                    part = self.product(part, self.power(s, n % q))
            elif q == 2 and n % 4 == 0:
                part = self._raised(g, n // 2)
            else:
                inside.append((g, n))
                continue
            result = self.product(result, part)
        if u == self.constant(QQ(1)):
            if not inside:
                return result
            if q == 2 and len(inside) == 1 and inside[0][1] % 2 == 0:  # |x|^n with n odd
                ((g, n),) = inside
                magnitude = self.product(self._raised(g, n // 2), self.sign(self.power(g, 1)))
                return self.product(result, magnitude)
        u = self.product(u, {tuple(inside): QQ(1)})
        if u == self.constant(QQ(-1)):
            raise Undefined("the root of a negative number")
        s = self._root_atom(key_of(u), u, q, self.positive(u))
        return self.product(result, self.power(s, 1))

    def _root_atom(self, key: Any, radicand: Polynomial, q: int, positive: bool) -> int:
        return self._atom(("root", q, key), "root", radicand, degree=q, positive=positive)

    def _raised(self, g: int, n: int) -> Polynomial:
        return self.power(g, n) if n else self.constant(QQ(1))

    def _root_of_rational(self, c: Any, q: int) -> Polynomial:
        a, b = int(c.numerator), int(c.denominator)
        result = self.constant(QQ(1))
        if max(a, b) > PRIMES:
            for n, sign in ((a, 1), (b, -1)):
                r, exact = sympy.integer_nthroot(n, q)
                if exact:
                    result = self.scaled(result, QQ(r) ** sign)
                else:
                    s = self._rational_root(n, q)
                    result = self.product(result, self.power(s, sign))
            return result
        for primes, sign in ((_primes(a), 1), (_primes(b), -1)):
            for p, n in primes:
                outside, inside = divmod(n, q)
                result = self.scaled(result, QQ(p) ** (sign * outside))
                if inside:
                    result = self.product(
                        result, self.power(self._rational_root(p, q), sign * inside)
                    )
        return result

    def _rational_root(self, n: int, q: int) -> int:
        return self._root_atom(("rational", n), self.constant(QQ(n)), q, positive=True)

    def tanh(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """tanh(u)."""
        if self.tanh_by_exp:
            below = self.sum((self.exponential(self.scaled(u, QQ(2))), self.constant(QQ(1))))
            inverse = self.inverse(below, 1 + sympy.exp(2 * e))
            return self.difference(self.constant(QQ(1)), self.scaled(inverse, QQ(2)))
        return self._odd("tanh", u)

    def cos(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """cos(u), made after sin(u), which its square reduces to."""
        u = self._argument(u)
        if not u:
            return self.constant(QQ(1))
        minus = self.scaled(u, QQ(-1))
        if ("cos", key_of(minus)) in self._found:
            u = minus
        if ("sin", key_of(u)) not in self._found and ("cos", key_of(u)) not in self._found:
            opposite = self._found.get(("sin", key_of(minus)))
            if opposite is not None:
                u = minus
            else:
                self._atom(("sin", key_of(u)), "sin", u)
        return self.power(self._atom(("cos", key_of(u)), "cos", u), 1)

    def arcsin(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """asin(u), where -1 <= u <= 1."""
        if u and not (len(u) == 1 and ONE in u and abs(u[ONE]) <= 1):
            self.nonnegative_where.add(1 - e**2)
        return self._odd("arcsin", u)

    def arccos(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """acos(u) = π/2 - asin(u), where -1 <= u <= 1."""
        right = self._atom(("symbol", sympy.pi), "symbol", {}, symbol=sympy.pi)
        return self.difference(self.scaled(self.power(right, 1), QQ(1, 2)), self.arcsin(u, e))

    def floor(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """The largest integer not above u."""
        return self._by_region(u, e, self._floor)

    def _floor(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        u = self._argument(u)
        if self._is_integral(u):
            return u
        if len(u) == 1 and ONE in u:
            value = u[ONE]
            return self.constant(QQ(int(value.numerator) // int(value.denominator)))
        if self._varies(e):
            jumps = self.excluded if self._moves_at_all(u) else self.edges
            jumps.add(sympy.sin(sympy.pi * e))
        return self.power(self._atom(("floor", key_of(u)), "floor", u), 1)

    def _moves_at_all(self, u: Polynomial) -> bool:
        """Whether ``u`` is constant on no open set."""
        return any(self._varies_in(u, v) for v in self._variables(u))

    def _is_integral(self, u: Polynomial) -> bool:
        """Whether ``u`` is an integer by its form."""
        return all(
            c.denominator == 1 and all(n > 0 and self._is_integer(g) for g, n in m)
            for m, c in u.items()
        )

    def _is_integer(self, g: int) -> bool:
        atom = self.atoms[g]
        if g in self._idempotent or atom.kind in ("floor", "side"):
            return True
        return atom.symbol is not None and bool(atom.symbol.is_integer)

    def _odd(self, kind: str, u: Polynomial) -> Polynomial:
        u = self._argument(u)
        if not u:
            return {}
        minus = self.scaled(u, QQ(-1))
        opposite = self._found.get((kind, key_of(minus)))
        if opposite is not None:
            return self.scaled(self.power(opposite, 1), QQ(-1))
        return self.power(self._atom((kind, key_of(u)), kind, u), 1)

    def _argument(self, u: Polynomial) -> Polynomial:
        """``u`` with its denominators brought together, so that equal arguments meet."""
        numerator, by = self.fraction(u)
        return self.product(numerator, {by: QQ(1)})

    # --- kinks --------------------------------------------------------------------------------

    def step(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """1 where u > 0, 0 elsewhere."""
        if self._sign(e) == 1:
            return self.constant(QQ(1))
        if self._sign(-e) is not None:
            return {}
        return self._by_region(u, e, self._step)

    def side(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """1 where u > 0, -1 elsewhere."""
        if self._varies(e):
            self.excluded.add(e)
        return self.power(self._atom(("side", key_of(u)), "side", u), 1)

    def _step(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        u, by = self.fraction(u)
        if not u:
            return {}
        inside = tuple((g, n) for g, n in by if not self._is_positive(g, n))
        if all(n % 2 for _, n in inside):  # an odd power has the sign of its base
            inside = tuple((g, 1) for g, _ in inside)
        u = self.scaled(u, 1 / content_of(u), inside)
        if len(u) == 1 and ONE in u:
            return self.constant(QQ(int(u[ONE] > 0)))
        if self.positive(u):
            return self.constant(QQ(1))
        minus = self.scaled(u, QQ(-1))
        if self.positive(minus):
            return {}
        opposite = self._found.get(("step", key_of(minus)))
        if self._may_vanish(u):
            opposite = None
            if self._varies(e):
                self.edges.add(e)
        elif opposite is not None or self._varies(e):
            self.excluded.add(e)
        if opposite is not None:
            return self.difference(self.constant(QQ(1)), self.power(opposite, 1))
        g = self._atom(("step", key_of(u)), "step", u)
        self._idempotent.add(g)
        return self.power(g, 1)

    def vanishing(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """1 where u = 0, 0 elsewhere."""
        return self._by_region(u, e, self._vanishing)

    def _vanishing(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        if self.vanishes(u):
            return self.constant(QQ(1))
        if self.positive(u) or self.positive(self.scaled(u, QQ(-1))):
            return {}
        if not self._may_vanish(u):
            self.excluded.add(e)
            return {}
        if self._varies(e):
            self.edges.add(e)
        u = self._argument(u)
        g = self._atom(("vanishes", key_of(u)), "vanishes", u)
        self._idempotent.add(g)
        if len(u) == 1:
            self._factors[g] = frozenset(h for h, n in next(iter(u)) if n > 0)
        return self.power(g, 1)

    def _varies(self, e: sympy.Expr) -> bool:
        """Whether an expression holds anything that is differentiated by."""
        return any(
            isinstance(part, sympy.Symbol) and not part.is_integer and part not in self.steady
            for part in parts_of([e], self.budget)
        )

    def _may_vanish(self, u: Polynomial) -> bool:
        """Whether ``u`` is zero on an open set, as far as can be told."""
        return not self.surely(u)

    def sign(self, u: Polynomial, e: sympy.Expr | None = None) -> Polynomial:
        """1, 0 or -1."""
        e = self.expression(u) if e is None else e
        return self.difference(self.step(u, e), self.step(self.scaled(u, QQ(-1)), -e))

    def absolute(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """|u|."""
        return self.product(u, self.sign(u, e))

    def _by_region(
        self,
        u: Polynomial,
        e: sympy.Expr,
        function: Callable[[Polynomial, sympy.Expr], Polynomial],
    ) -> Polynomial:
        """``function(u, e)``, taken apart by the idempotents in ``u``, also inside of other atoms.

        It must be where some values of these may make ``u`` zero, and it pays where ``u`` is small.
        ``e`` is an expression of ``u``; a part has its own.
        """
        inside = self._kinks_in(u)
        direct = generators(u) & self._idempotent
        small = len(inside) <= 2 and len(u) <= 4 and inside == direct
        if not inside or len(inside) > KINKS or not (small or self._splits(u, direct)):
            return function(u, e)
        h = max(direct or inside)
        try:
            parts = [self._within(u, h, value) for value in (0, 1)]
        except Undefined:  # in a region where the whole is
            return function(u, e)
        shown = (e if e is _NOTED else self.expression(part) for part in parts)
        off, on = (self._by_region(*region, function) for region in zip(parts, shown, strict=True))
        return self.sum((off, self.product(self.power(h, 1), self.difference(on, off))))

    def _splits(self, u: Polynomial, direct: set[int]) -> bool:
        """Whether some values of the idempotents in ``u`` may make it zero."""
        return self._annihilated(u) if direct else not self.surely(u)

    def _kinks_in(self, u: Polynomial) -> set[int]:
        """The idempotents in ``u`` and in the arguments of its atoms, but for those of idempotents."""
        found: set[int] = set()
        for g in generators(u):
            if g in self._idempotent:
                found.add(g)
            elif self.atoms[g].kinked and self.atoms[g].symbol is None:
                found |= self._kinks_within(g)
        return found

    def _kinks_within(self, g: int) -> set[int]:
        if g not in self._nested:
            self._nested[g] = self._kinks_in(self.atoms[g].argument)
        return self._nested[g]

    def _within(self, p: Polynomial, h: int, value: int) -> Polynomial:
        """``p`` where the idempotent ``h`` has the given value, also inside of its atoms."""
        p = self.restricted(p, h, value)
        parts = []
        for m, c in p.items():
            kept = tuple((g, n) for g, n in m if not self._holds(g, h))
            whole: Polynomial = {kept: c}
            for g, n in m:
                if self._holds(g, h):
                    inner = self._within(self.atoms[g].argument, h, value)
                    whole = self.product(whole, self._with_power(self._made(g, inner), n))
            parts.append(whole)
        return self.sum(parts)

    def _holds(self, g: int, h: int) -> bool:
        atom = self.atoms[g]
        kinked = atom.kinked and g not in self._idempotent and atom.symbol is None
        return kinked and h in self._kinks_within(g)

    def _with_power(self, p: Polynomial, n: int) -> Polynomial:
        """A power of what stands for an atom, which is nonzero where the power is negative."""
        if n > 0:
            return self._raise(p, n)
        if len(p) == 1:
            ((m, c),) = p.items()
            return {tuple((h, e * n) for h, e in m): c**n}
        return self._raise(self.inverse(p, None), -n)

    def _made(self, g: int, u: Polynomial) -> Polynomial:
        """The atom ``g`` with another argument."""
        atom = self.atoms[g]
        excluded, edges = set(self.excluded), set(self.edges)  # noted already
        made, f = _MADE.get(atom.kind), FUNCTIONS.get(atom.kind)
        if made is not None:
            result = made(self, u, atom)
        elif f is not None and f.odd:
            result = self._odd(f.name, u)
        else:
            result = getattr(self, FUNCTIONS[atom.kind].method)(u, _NOTED)
        self.excluded, self.edges = excluded, edges
        return result

    def _sign(self, e: sympy.Expr) -> int | None:
        """1 if positive, 0 if nonnegative, None if nothing is known; by the form of ``e`` alone."""
        if e in self._signs:
            return self._signs[e]
        self._signs[e] = found = self._sign_of(e)
        return found

    def _sign_of(self, e: sympy.Expr) -> int | None:
        if e.is_Rational:
            return 1 if e.p > 0 else 0 if e.p == 0 else None
        if e.is_Symbol or e in (sympy.pi, sympy.E):
            return 1 if e.is_positive else 0 if e.is_nonnegative else None
        f = CLASSES.get(e.func)
        if f is not None and f.sign is not None:
            return f.sign
        if isinstance(e, sympy.log) and e.args[0].is_Rational:
            return 1 if e.args[0] > 1 else None
        if isinstance(e, sympy.log):  # log(1 + u) has the sign of u, where that is nonnegative
            constant, others = e.args[0].as_coeff_Add()
            return self._sign(others) if constant == 1 else None
        if e.is_Pow and not e.exp.is_Rational:
            return 1  # exp(p log x), defined for x > 0 only
        if e.is_Pow:
            base = self._sign(e.base)
            if base is None and e.exp.q == 1 and e.exp % 2:
                return None
            # Nonnegative wherever it is defined; nonzero wherever it is divided by.
            return 1 if base == 1 or e.exp < 0 else 0
        if e.is_Add or e.is_Mul:
            signs = [self._sign(a) for a in e.args]
            known = [s for s in signs if s is not None]
            if len(known) < len(signs):
                return self._sign_of_parts(e) if e.is_Mul else None
            return max(known) if e.is_Add else min(known)
        return None

    def _sign_of_parts(self, e: sympy.Expr) -> int | None:
        """0 for a product of u Step(u), or of |u| = u (Step(u) - Step(-u)), and what is nonnegative."""
        for f in e.args:
            steps = [f] if isinstance(f, Step) else [s for s in f.args if isinstance(s, Step)]
            for u in (s.args[0] for s in steps):
                if f in (Step(u), Step(u) - Step(-u)) and self._sign(e / (f * u)) is not None:
                    return 0
        return None

    def equal(self, a: sympy.Expr, b: sympy.Expr, regions: int = REGIONS) -> bool:
        """Whether two expressions are equal: as they stand, or on each side of each of their kinks.

        True is a proof off the kinks, which are recorded; False says nothing.
        """
        if self.vanishes(self.difference(self.form(a), self.form(b))):
            return True
        if not regions:
            return False
        parts = parts_of([a, b], self.budget)
        bound = {k for s in parts if isinstance(s, sympy.Sum) for k in s.variables}
        steps = (s.args[0] for s in parts if isinstance(s, Step))
        kinks = sorted(
            (u for u in steps if not holds(u, Step, self.budget)), key=sympy.default_sort_key
        )
        u = next((u for u in kinks if u.free_symbols.isdisjoint(bound)), None)
        if u is None or self._may_vanish(self.form(u)):
            return False
        self.excluded.add(u)
        sides = ({Step(u): sympy.Integer(n), Step(-u): sympy.Integer(1 - n)} for n in (1, 0))
        return all(self.equal(a.xreplace(s), b.xreplace(s), regions - 1) for s in sides)

    # --- back to expressions --------------------------------------------------------------------

    def expression(self, p: Polynomial) -> sympy.Expr:
        """A polynomial back as an expression, of equal value."""
        return sympy.Add(
            *(
                sympy.Mul(
                    sympy.Rational(int(c.numerator), int(c.denominator)),
                    *(self._atom_expression(g) ** n for g, n in m),
                )
                for m, c in p.items()
            )
        )

    def _atom_expression(self, g: int) -> sympy.Expr:
        atom = self.atoms[g]
        if atom.symbol is not None:
            return atom.symbol
        u = self.expression(atom.argument)
        if atom.kind == "denominator":
            return u
        if atom.kind == "root":
            return u ** sympy.Rational(1, atom.degree)
        return FUNCTIONS[atom.kind](u)


def _primes(n: int) -> list[tuple[int, int]]:
    return sorted((int(p), int(k)) for p, k in sympy.factorint(n).items())


# What an argument was before a part of it was replaced has been looked at: kinks, domains.
_NOTED = sympy.S.One


# Atoms of other arguments, where their own methods would ask again for what has been noted.
_MADE: dict[str, Callable[[NormalForm, Polynomial, Any], Polynomial]] = {
    "exp": lambda form, u, atom: form.exponential(u),
    "log": lambda form, u, atom: form._logarithm(u),
    "root": lambda form, u, atom: form._root(u, atom.degree),
    "denominator": lambda form, u, atom: u,
    "step": lambda form, u, atom: form._by_region(u, _NOTED, form._step),
}
