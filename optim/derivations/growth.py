"""How fast a sequence grows or falls, eventually; and whether its sum is finite.

Every sequence is held between two *terms*, a number times a *scale*::

    lower · L(k) ≲ f(k) ≲ upper · U(k),      liminf f/L ≥ lower,  limsup f/U ≤ upper

A scale is the exponential of a sum of powers of k and of its logarithms, e^(c₁φ₁ + c₂φ₂ + …): k^(−1) is e^(−ln k),
1/(k ln k) is e^(−ln k − ln ln k), 2^(−k) is e^(−k ln 2). Two scales are compared by the fastest φ in which they
differ, so of a sum the larger term is left, and of a product the exponents are added. Where ⌊u⌋ stands, u − θ
is read with 0 ≤ θ ≤ 1; where a condition is settled from some k on, its outcome is read; where it never is, any
number between 0 and 1.

Of scales it is known which have a finite sum (Bertrand's series): by the fastest φ beyond ln k the sign of its
coefficient decides; else k^c has one for c < −1 and none for c > −1; and at c = −1 it is the integral of what is
left, with x = ln k.

Nothing here is computed with rounded numbers. A sign that cannot be told is `Open`, and nothing follows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from autograd_core.symbolic.atoms import Floor, Side, Step, Vanishes
from autograd_core.symbolic.enclosures import Refused, arithmetics, enclose

__all__ = ["Bounds", "Open", "Scale", "Term", "bounds", "sign", "subsequences"]

_Power = tuple[sympy.Expr, ...]  # exponents of k, ln k, ln ln k, ln ln ln k
_DEPTH = 4
_SIZE = 20_000  # operations of an expression beyond which nothing is tried
_RESIDUES = 64


class Open(Exception):  # noqa: N818 - an outcome, not an error
    """A sign, or the growth of a function, that is not known here."""


def sign(x: sympy.Expr) -> int:
    """1, 0 or -1, for all values of the symbols; of numbers by intervals.

    Raises
    ------
    Open
        If it is not the same for all, or not certain.
    """
    x = sympy.sympify(x)
    if x.is_Rational:
        return int(x.p > 0) - int(x.p < 0)
    if not x.free_symbols:
        x = sympy.expand(x)
        if x.is_Rational:
            return int(x.p > 0) - int(x.p < 0)
        for arithmetic in arithmetics():
            try:
                low, high = enclose(x, {}, arithmetic)
            except Refused:
                continue
            if low > 0 or high < 0:
                return 1 if low > 0 else -1
        raise Open(f"the sign of {x} is not certain")
    over, under = sympy.fraction(sympy.together(x))
    found = _of_sum(sympy.expand(over)) * _of_sum(sympy.expand(under))
    if found == 0 and over != 0:
        raise Open(f"the sign of {x} is not certain")
    return found


def _of_sum(x: sympy.Expr) -> int:
    """The sign of a sum whose parts all have one and the same."""
    signs = {_of_product(part) for part in sympy.Add.make_args(x)} - {0}
    if len(signs) > 1:
        raise Open(f"the sign of {x} is not the same for all values")
    return signs.pop() if signs else 0


def _of_product(x: sympy.Expr) -> int:
    found = 1
    for factor in sympy.Mul.make_args(x):
        base, exponent = factor.as_base_exp()
        if not factor.free_symbols:
            found *= sign(factor)
        elif base.is_positive or (base.is_Symbol and base.is_nonzero and exponent.is_even):
            continue  # a power of it is positive
        elif base.is_negative and exponent.is_Integer:
            found *= -1 if exponent % 2 else 1
        else:
            raise Open(f"the sign of {x} is not known")
    return found


# --- scales --------------------------------------------------------------------------------------


def _unit(place: int) -> _Power:
    return tuple(sympy.Integer(int(i == place)) for i in range(_DEPTH))


K, LOG = _unit(0), _unit(1)


def _order(a: _Power, b: _Power) -> int:
    """Which of two φ grows faster: 1, 0 or -1."""
    return next((s for s in (sign(x - y) for x, y in zip(a, b, strict=True)) if s), 0)


@dataclass(frozen=True)
class Scale:
    """e^(Σ c φ), by the coefficient of each φ."""

    parts: tuple[tuple[_Power, sympy.Expr], ...] = ()

    @classmethod
    def of(cls, parts: Mapping[_Power, sympy.Expr]) -> Scale:
        """The parts that are there, the fastest φ first."""
        kept = [(phi, c) for phi, c in parts.items() if sign(c)]
        fastest = functools.cmp_to_key(lambda a, b: _order(b[0], a[0]))  # type: ignore[index]
        return cls(tuple(sorted(kept, key=fastest)))

    @classmethod
    def power(cls, phi: _Power) -> Scale:
        """φ itself: its exponents are coefficients of the logarithms."""
        return cls.of({_unit(i + 1): e for i, e in enumerate(phi[:-1])} | _beyond(phi[-1]))

    def times(self, other: Scale, by: Any = 1) -> Scale:
        """The product with a power of another."""
        parts = dict(self.parts)
        for phi, c in other.parts:
            parts[phi] = sympy.expand(parts.get(phi, sympy.S.Zero) + c * by)
        return Scale.of(parts)

    def raised(self, by: Any) -> Scale:
        """Its power."""
        return Scale().times(self, by)

    def compared(self, other: Scale) -> int:
        """Whether it grows faster (1), as fast (0) or slower (-1)."""
        left = self.times(other, -1).parts
        return sign(left[0][1]) if left else 0

    @property
    def phi(self) -> _Power:
        """The φ that it is, if it is a product of powers that tends to infinity."""
        exponents = [sympy.S.Zero] * _DEPTH
        for phi, c in self.parts:
            places = [i for i in range(1, _DEPTH) if phi == _unit(i)]
            if not places:
                raise Open(f"the exponential of {self}")
            exponents[places[0] - 1] = c
        if self.compared(Scale()) <= 0:
            raise Open(f"{self} does not grow")
        return tuple(exponents)

    @property
    def sums(self) -> bool:
        """Whether Σ over k is finite."""
        coefficients = dict(self.parts)
        for phi, c in self.parts:
            if _order(phi, LOG) > 0:
                return sign(c) < 0
        by_log = sign(coefficients.get(LOG, sympy.S.Zero) + 1)
        if by_log:
            return by_log < 0
        left = {phi: c for phi, c in self.parts if phi != LOG}
        if not left:
            return False
        # k^(-1) g(ln k) is summed as g is integrated.
        return Scale.of({(*phi[1:], sympy.S.Zero): c for phi, c in left.items()}).sums

    def __str__(self) -> str:
        if not self.parts:
            return "1"
        names = {_unit(i + 1): name for i, name in enumerate(("k", "(ln k)", "(ln ln k)"))}
        powers = [f"{names[p]}^({_short(c)})" for p, c in self.parts if p in names]
        rest = [f"{_short(c)}·{_written(p)}" for p, c in self.parts if p not in names]
        return " ".join([*([f"e^({' + '.join(rest)})"] if rest else []), *powers])


def _beyond(exponent: sympy.Expr) -> dict[_Power, sympy.Expr]:
    if exponent != 0:
        raise Open("a logarithm of a logarithm of a logarithm, and so on")
    return {}


def _written(phi: _Power) -> str:
    names = ("k", "(ln k)", "(ln ln k)", "(ln ln ln k)")
    return " ".join(
        f"{n}^({e})" if e != 1 else n for n, e in zip(names, phi, strict=True) if e != 0
    )


@dataclass(frozen=True)
class Term:
    """A number times a scale."""

    factor: sympy.Expr
    scale: Scale = Scale()

    @property
    def sign(self) -> int:
        """That of the number."""
        return sign(self.factor)

    def __str__(self) -> str:
        if self.factor == 1 and self.scale.parts:
            return str(self.scale)
        there = self.scale.parts and self.factor != 0
        return f"{_short(self.factor)} · {self.scale}" if there else _short(self.factor)


def _short(x: sympy.Expr) -> str:
    """A number in words: of a long one, such as the fraction that a float is, the first digits."""
    return str(x) if x.free_symbols or len(str(x)) < 12 else f"{float(x):.6g}…"


# --- bounds --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bounds:
    """Two terms between which a sequence eventually lies, in the sense of the top of this file.

    ``zero``: it is 0 from some k on.
    """

    lower: Term
    upper: Term
    zero: bool = False

    @classmethod
    def exactly(cls, factor: Any, scale: Scale | None = None) -> Bounds:
        """Both ends alike."""
        factor = sympy.sympify(factor)
        term = Term(factor, scale or Scale())
        return cls(term, term, sign(factor) == 0)

    @classmethod
    def between(cls, low: Any, high: Any) -> Bounds:
        """Two numbers."""
        return cls(Term(sympy.sympify(low)), Term(sympy.sympify(high)))

    def __neg__(self) -> Bounds:
        low, high = self.upper, self.lower
        return Bounds(Term(-low.factor, low.scale), Term(-high.factor, high.scale), self.zero)

    def __add__(self, other: Bounds) -> Bounds:
        if self.zero or other.zero:
            return other if self.zero else self
        return Bounds(_larger_of(self.lower, other.lower), _larger_of(self.upper, other.upper))

    def __mul__(self, other: Bounds) -> Bounds:
        if self.zero or other.zero:
            return Bounds.exactly(0)
        a, b = self, other
        if a.upper.sign < 0:
            return -(-a * b)
        if b.upper.sign < 0:
            return -(a * -b)
        if a.lower.sign < 0 or b.lower.sign < 0:
            most = _times(a.size, b.size)
            return Bounds(Term(-most.factor, most.scale), most)
        upper = _times(a._above, b._above)
        if a.lower.sign > 0 and b.lower.sign > 0:
            return Bounds(_times(a.lower, b.lower), upper)
        # One of them is above −ε times a scale alone: so is the product.
        return Bounds(Term(sympy.S.Zero, _times(a._wide, b._wide).scale), upper)

    @property
    def _wide(self) -> Term:
        """The faster of the two scales."""
        return max(self.lower, self.upper, key=functools.cmp_to_key(_faster))

    @property
    def _above(self) -> Term:
        """An upper term of what is not negative."""
        wide = self._wide.scale
        if self.upper.sign <= 0 or (self.lower.sign == 0 and self.upper.scale != wide):
            return Term(sympy.S.Zero, wide)
        return self.upper

    @property
    def size(self) -> Term:
        """An upper term of the absolute value."""
        low, high = self.lower, self.upper
        compared = low.scale.compared(high.scale)
        if compared:
            wide = low if compared > 0 else high
            return Term(wide.factor * sign(wide.factor), wide.scale)
        both = [f * sign(f) for f in (low.factor, high.factor)]
        return Term(both[0] if sign(both[0] - both[1]) > 0 else both[1], low.scale)

    @property
    def positive(self) -> bool:
        """Whether it is positive from some k on."""
        return self.lower.sign > 0

    @property
    def negative(self) -> bool:
        """Whether it is negative from some k on."""
        return self.upper.sign < 0

    @property
    def finite(self) -> bool | None:
        """Whether its sum over k converges (absolutely), or goes to infinity; None if neither shows."""
        if self.zero or self.size.scale.sums:
            return True
        return False if self.positive and not self.lower.scale.sums else None

    def __str__(self) -> str:
        if self.zero:
            return "0"
        if self.lower == self.upper:
            return f"like {self.lower}"
        return f"between {self.lower} and {self.upper}"


def _faster(a: Term, b: Term) -> int:
    return a.scale.compared(b.scale)


def _larger_of(a: Term, b: Term) -> Term:
    """What is left of a sum of two lower, or of two upper terms."""
    compared = _faster(a, b)
    if compared:
        return a if compared > 0 else b
    return Term(sympy.expand(a.factor + b.factor), a.scale)


def _times(a: Term, b: Term) -> Term:
    return Term(a.factor * b.factor, a.scale.times(b.scale))


# --- of expressions ------------------------------------------------------------------------------


def bounds(expression: sympy.Expr, k: sympy.Symbol) -> Bounds:
    """How an expression in ``k`` behaves from some k on.

    Raises
    ------
    Open
        If a part of it has no rule here, or a sign is not certain.
    """
    return _Reader(k).whole(expression)


class _Reader:
    """Reads one expression; what its conditions and whole parts became is kept for all of it."""

    def __init__(self, k: sympy.Symbol) -> None:
        self.k = k
        self.between: dict[sympy.Symbol, Bounds] = {}  # what stands for θ, and for open conditions
        self._read: dict[sympy.Expr, Bounds] = {}

    def whole(self, expression: sympy.Expr) -> Bounds:
        settled = self.settled(expression)
        if settled.is_Add and settled.is_rational_function(self.k, *self.between):
            # 1/k − 1/(k + 1) is like k^(−2): what cancels is seen over one denominator.
            over, under = sympy.fraction(sympy.together(settled))
            return self(sympy.expand(over)) * self._power(
                self(sympy.expand(under)), sympy.S.NegativeOne
            )
        return self(settled)

    def settled(self, e: sympy.Expr) -> sympy.Expr:
        """Without jumps: each is what it is from some k on, or a symbol of its own."""
        if e.count_ops() > _SIZE:
            raise Open("it is too large")
        jumps = sorted(e.atoms(Floor, Step, Side, Vanishes), key=lambda a: a.count_ops())
        if not jumps:
            return sympy.expand(e)
        jump = jumps[0]  # of those the smallest holds no other
        u = sympy.expand(jump.args[0])
        if isinstance(jump, Floor):
            return self.settled(e.xreplace({jump: u - self._some("θ", 0, 1)}))
        return self.settled(e.xreplace({jump: self._condition(jump, u)}))

    def _condition(self, jump: sympy.Expr, u: sympy.Expr) -> sympy.Expr:
        here, there = {Step: (0, 1), Side: (-1, 1), Vanishes: (1, 0)}[jump.func], 0
        if u == 0:
            return sympy.Integer(here[0])
        try:
            found = self(u)
        except Open:
            return self._some("σ", *sorted(here))
        if found.positive:
            return sympy.Integer(here[1])
        if found.negative:
            return sympy.Integer(here[0] if jump.func is not Vanishes else there)
        return self._some("σ", *sorted(here))

    def _some(self, name: str, low: int, high: int) -> sympy.Symbol:
        symbol = sympy.Dummy(name, real=True)
        self.between[symbol] = Bounds.between(low, high)
        return symbol

    def __call__(self, e: sympy.Expr) -> Bounds:
        if e not in self._read:
            self._read[e] = self._bounds(e)
        return self._read[e]

    def _is_exponential(self, e: sympy.Expr) -> bool:
        return isinstance(e, sympy.exp) or (e.is_Pow and self._varies(e.exp))

    def _varies(self, e: sympy.Expr) -> bool:
        return bool(e.free_symbols & {self.k, *self.between})

    def _bounds(self, e: sympy.Expr) -> Bounds:
        if not self._varies(e):
            return Bounds.exactly(e)
        if e == self.k:
            return Bounds.exactly(1, Scale.power(K))
        if e in self.between:
            return self.between[e]
        if e.is_Add:
            return functools.reduce(lambda a, b: a + b, map(self, e.args))
        if e.is_Mul:
            raised = [a for a in e.args if self._is_exponential(a)]
            others = [self(a) for a in e.args if a not in raised]
            if raised:
                others.append(self._exponential(sympy.Add(*map(_exponent_of, raised))))
            return functools.reduce(lambda a, b: a * b, others)
        if self._is_exponential(e):
            return self._exponential(_exponent_of(e))
        if e.is_Pow:
            return self._power(self(sympy.expand(e.base)), e.exp)
        if isinstance(e, sympy.log):
            return self._logarithm(self(sympy.expand(e.args[0])))
        if isinstance(e, sympy.Abs):
            u = self(sympy.expand(e.args[0]))
            signed = u.positive or u.negative
            return (
                (-u if u.negative else u)
                if signed
                else Bounds(Term(sympy.S.Zero, u.size.scale), u.size)
            )
        if isinstance(e, sympy.cos | sympy.sin | sympy.tanh):
            return Bounds.between(-1, 1)
        raise Open(f"{e.func.__name__} has no rule here")

    def _power(self, base: Bounds, n: sympy.Expr) -> Bounds:
        if n.is_Integer and base.negative:
            found = self._power(-base, n)
            return -found if n % 2 else found
        if base.zero and sign(n) > 0:
            return base
        if not base.positive:
            if n.is_Integer and n > 0:
                if n % 2 == 0:
                    size = base.size
                    most = Term(size.factor**n, size.scale.raised(n))
                    return Bounds(Term(sympy.S.Zero, most.scale), most)
                return functools.reduce(lambda a, b: a * b, [base] * int(n))
            if base.lower.sign == 0 and sign(n) > 0:  # it has a value, so the base is not negative
                wide = base._wide.scale.raised(n)
                return Bounds(
                    Term(sympy.S.Zero, wide), Term(base.upper.factor**n, base.upper.scale.raised(n))
                )
            raise Open("a power of what is not positive from some k on")
        ends = [Term(t.factor**n, t.scale.raised(n)) for t in (base.lower, base.upper)]
        return Bounds(*(ends if sign(n) > 0 else reversed(ends)))

    def _logarithm(self, u: Bounds) -> Bounds:
        if not u.positive:
            raise Open("the logarithm of what is not positive from some k on")
        return Bounds(self._log_of(u.lower), self._log_of(u.upper))

    def _log_of(self, t: Term) -> Term:
        if not t.scale.parts:
            return Term(sympy.log(t.factor))
        phi, c = t.scale.parts[0]
        return Term(c, Scale.power(phi))

    # --- e to the power of something -------------------------------------------------------------

    def _exponential(self, u: sympy.Expr) -> Bounds:
        """What grows in the exponent, to within a bounded rest, is the scale; the rest is its factor."""
        parts: dict[_Power, sympy.Expr] = {}
        rest = Bounds.exactly(0)
        try:
            alike: dict[
                sympy.Expr, sympy.Expr
            ] = {}  # what stands before one and the same, together
            for piece in sympy.Add.make_args(sympy.expand(u)):
                factor, inner = piece.as_independent(self.k, *self.between, as_Add=False)
                alike[inner] = alike.get(inner, sympy.S.Zero) + factor
            for inner, factor in alike.items():
                for phi, c in self._exponent(factor, inner):
                    if phi is None:
                        rest += c
                    else:
                        parts[phi] = parts.get(phi, sympy.S.Zero) + c
        except Open:
            return self._crude(self(u))
        return Bounds(
            Term(sympy.exp(_end(rest.lower)), Scale.of(parts)),
            Term(sympy.exp(_end(rest.upper)), Scale.of(parts)),
        )

    def _exponent(
        self, factor: sympy.Expr, inner: sympy.Expr
    ) -> Iterator[tuple[_Power | None, Any]]:
        """A part of an exponent: coefficients of φ, and (None, bounds) of what stays bounded."""
        found = Bounds.exactly(factor) * self(inner)
        if found.zero or found.size.scale.compared(Scale()) <= 0:
            yield None, found
        elif inner == self.k or (
            inner.is_Pow and inner.base == self.k and not self._varies(inner.exp)
        ):
            yield self(inner).lower.scale.phi, factor
        elif isinstance(inner, sympy.log):
            of = self(sympy.expand(inner.args[0]))
            if of.lower.scale != of.upper.scale or not of.positive:
                raise Open("a logarithm that is not known to within a constant")
            for phi, c in of.lower.scale.parts:
                yield phi, factor * c
            logs = Bounds.between(sympy.log(of.lower.factor), sympy.log(of.upper.factor))
            yield None, logs * Bounds.exactly(factor)
        else:
            raise Open("an exponent that is not known to within a constant")

    def _crude(self, u: Bounds) -> Bounds:
        """e^u of what is known to within a factor: below any smaller multiple of it."""
        if u.positive or u.negative:
            near = u.upper if u.negative else u.lower
            half = Scale.of({near.scale.phi: near.factor / 2})
            if u.negative:
                return Bounds(Term(sympy.S.Zero, half), Term(sympy.S.One, half))
        raise Open("an exponential that is not known to within a factor")


def _exponent_of(e: sympy.Expr) -> sympy.Expr:
    """u of e^u, or of a power of a positive number."""
    return e.args[0] if isinstance(e, sympy.exp) else e.exp * sympy.log(e.base)


def _end(t: Term) -> sympy.Expr:
    """A number that a bounded rest comes to."""
    return t.factor if not t.scale.parts else sympy.S.Zero


# --- some of its terms ---------------------------------------------------------------------------


def subsequences(expression: sympy.Expr, k: sympy.Symbol) -> Iterator[tuple[str, sympy.Expr]]:
    """Terms at infinitely many k, as an expression in ``k`` = 0, 1, 2, … again; with words for which.

    At multiples of the periods of all whole parts, and a few places after these; and where the whole
    part of a logarithm changes.
    """
    yield from _along(expression, k, k, 0)


def _along(
    e: sympy.Expr, k: sympy.Symbol, at: sympy.Expr, depth: int
) -> Iterator[tuple[str, sympy.Expr]]:
    e = _without_what_is_settled(e, k)
    floors = sorted(e.atoms(Floor), key=lambda f: f.count_ops())
    if depth > 3 or not floors:
        return
    inner = [f for f in floors if not f.args[0].atoms(Floor)]
    linear = [f for f in inner if f.args[0].is_polynomial(k) and sympy.degree(f.args[0], k) == 1]
    rational = [f for f in linear if sympy.diff(f.args[0], k).is_Rational]
    if rational:
        period = sympy.ilcm(*(sympy.diff(f.args[0], k).q for f in rational), 1)
        numbers = [int(n) for n in e.atoms(sympy.Integer)]  # a place may be said by one of them
        near = [(s * n + d) % period for d in (0, 1, -1) for n in sorted(numbers) for s in (1, -1)]
        spread = [int(period * i // _RESIDUES) for i in range(_RESIDUES)]
        for r in dict.fromkeys([0, *near[:_RESIDUES], *spread]):
            moved = e.xreplace({k: period * k + r})
            new = moved.replace(Floor, lambda u: _linear_floor(u, k))
            place = at.xreplace({k: period * k + r})
            yield f"k = {_named(place, k)}", new
            yield from _along(new, k, place, depth + 1)
        return
    for f in inner:
        change = _changes(f.args[0], k)
        if change is not None:
            new = e.xreplace({k: change}).replace(Floor, lambda u: _whole(u, k))
            place = at.xreplace({k: change})
            yield f"k = {_named(place, k)}", new
            yield from _along(new, k, place, depth + 1)


def _without_what_is_settled(e: sympy.Expr, k: sympy.Symbol) -> sympy.Expr:
    """With conditions as they are from some k on, where that is known; whole parts stay."""
    for jump in sorted(e.atoms(Step, Side, Vanishes), key=lambda a: a.count_ops()):
        reader = _Reader(k)
        settled = reader.settled(jump)
        if not settled.free_symbols & set(reader.between):
            return _without_what_is_settled(e.xreplace({jump: settled}), k)
    return e


def _named(place: sympy.Expr, k: sympy.Symbol) -> str:
    return str(place.subs(k, sympy.Symbol("j")))


def _linear_floor(u: sympy.Expr, k: sympy.Symbol) -> sympy.Expr:
    """⌊a k + b⌋ with whole a is a k + ⌊b⌋."""
    u = sympy.expand(u)
    a, b = u.coeff(k), u.subs(k, 0)
    if a.is_Integer and b.is_Rational and sympy.expand(a * k + b - u) == 0:
        return a * k + Floor(b)
    return Floor(u)


def _whole(u: sympy.Expr, k: sympy.Symbol) -> sympy.Expr:
    u = sympy.expand(sympy.expand_log(sympy.expand(u)))
    return _linear_floor(u, k)


def _changes(u: sympy.Expr, k: sympy.Symbol) -> sympy.Expr | None:
    """k = (m^j − b)/a, at which u = ln(a k + b)/ln m is j; None if u is none, or these are not whole."""
    factor, inner = u.as_independent(k, as_Add=False)
    if not isinstance(inner, sympy.log) or not inner.args[0].is_polynomial(k):
        return None
    m = sympy.exp(1 / factor)
    line = sympy.expand(inner.args[0])
    a, b = line.coeff(k), line.subs(k, 0)
    if not m.is_Integer or m < 2 or not a.is_Rational or a <= 0 or not b.is_Rational:
        return None
    if sympy.expand(a * k + b - line) != 0:
        return None
    # x_0 = (1 − b)/a, x_(j+1) = m x_j + b (m − 1)/a
    first, more = (1 - b) / a, b * (m - 1) / a
    return (m**k - b) / a if first.is_Integer and first >= 0 and more.is_Integer else None
