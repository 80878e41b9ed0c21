"""The decision whether two expressions are equal wherever they are defined, off their kinks.

PROVED comes from the normal form alone, and only if some point is known at which both sides are
defined. REFUTED comes from certified intervals alone: at a rational point, their difference
excludes 0. Everything else is PROBABLE (a zero test at random points of a finite field, where the
polynomial is too large to write out) or UNDECIDED.
"""

from __future__ import annotations

import decimal as decimals
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import sympy

from .enclosures import Enclosure, Refused, arithmetics, precision
from .exact import decimal
from .finite_field import Improbable, Probability, probably_zero
from .normal_form import NormalForm, Undefined, Unsupported
from .polynomials import DEFAULT, Budget, Exhausted
from .walks import holds, replaced, symbols_of

__all__ = [
    "COMPARED", "PROBABLE", "PROVED", "REFUTED", "UNDECIDED", "Decider", "Decision", "Witness", "worst",
]  # fmt: skip

PROVED, PROBABLE, REFUTED, UNDECIDED = "PROVED", "PROBABLE", "REFUTED", "UNDECIDED"
COMPARED = "COMPARED"  # of float code: equal at the points that were tried; `kernels`
_ORDER = (PROVED, PROBABLE, COMPARED, UNDECIDED, REFUTED)
_DOUBLE = 16  # digits that a double holds
_DIGITS = 200  # more are not written, whatever two numbers have in common


def _as_it_is(e: sympy.Expr) -> sympy.Expr:
    return e


def worst(statuses: Iterable[str]) -> str:
    """The verdict on a conjunction: one refutation refutes, one gap (or nothing) leaves it undecided."""
    return max(statuses, key=_ORDER.index, default=UNDECIDED)


def kinks_of(forms: Iterable[NormalForm], shown: Callable[[Any], Any] = _as_it_is) -> list[str]:
    """What normal forms leave out, as equations; opposite sides of one kink once."""
    found = {shown(e) for form in forms for e in form.excluded}
    return sorted({f"{-e if e.could_extract_minus_sign() else e} = 0" for e in found})


def domain_of(forms: Iterable[NormalForm], shown: Callable[[Any], Any] = _as_it_is) -> list[str]:
    """Where normal forms are defined: arguments of logarithms and roots, divisors."""
    forms = list(forms)
    positive, nonnegative, nonzero = (
        {shown(e) for form in forms for e in getattr(form, name)}
        for name in ("positive_where", "nonnegative_where", "nonzero_where")
    )
    positive |= nonnegative & nonzero
    conditions = {
        ">": positive,
        ">=": nonnegative - positive,
        "!=": nonzero - positive,
    }
    return sorted(f"{e} {order} 0" for order, group in conditions.items() for e in group)


@dataclass(frozen=True)
class Witness:
    """A certified counterexample.

    Attributes
    ----------
    point : dict of str to Fraction
        Where; symbols by name.
    got, expected, difference : pair of Fraction
        Bounds of both sides and of their difference, which exclude 0.
    arithmetic : str
        What computed them.
    entry : str
        The leaf and position that differ; empty for a single equation.
    departs : tuple of str
        Captured arrays whose values at the point are not those that were recorded.
    """

    point: dict[str, Fraction]
    got: tuple[Fraction, Fraction]
    expected: tuple[Fraction, Fraction]
    difference: tuple[Fraction, Fraction]
    arithmetic: str
    entry: str = ""
    departs: tuple[str, ...] = ()

    def of(self, entry: str) -> Witness:
        """The same for a named entry."""
        return replace(self, entry=entry)

    def __str__(self) -> str:
        at = ", ".join(f"{name} = {value}" for name, value in self.point.items())
        entry = f"{self.entry}: " if self.entry else ""
        got, expected = _apart(sum(self.got, Fraction(0)) / 2, sum(self.expected, Fraction(0)) / 2)
        low, high = map(_written, self.difference)
        where = f"at {at}" if at else "everywhere"
        return f"{entry}{got} instead of {expected} {where} (difference in [{low}, {high}], {self.arithmetic})"


def _apart(a: Fraction, b: Fraction) -> tuple[str, str]:
    """Two numbers, in as many digits as it takes to see that they differ; at least six."""
    shown, digits = (_written(a), _written(b)), 6
    while shown[0] == shown[1] and a != b and digits < _DIGITS:
        digits += 2
        shown = _written(a, digits), _written(b, digits)
    return shown


def _written(value: Fraction, digits: int = 6) -> str:
    if digits > _DOUBLE:
        with decimals.localcontext() as context:
            context.prec = digits
            return str(decimals.Decimal(value.numerator) / decimals.Decimal(value.denominator))
    try:
        return f"{float(value):.{digits}g}"
    except OverflowError:
        return f"about {'-' * (value < 0)}2^{math.floor(math.log2(abs(value.numerator)) - math.log2(value.denominator))}"


@dataclass(frozen=True)
class Decision:
    """The answer for one equation.

    Attributes
    ----------
    status : str
        PROVED, PROBABLE, REFUTED or UNDECIDED.
    reason : str
        Why not PROVED; empty for PROVED.
    reading : str
        "" where float constants are arbitrary positive numbers, "decimal" where they had to be the
        decimals that were written.
    witness : Witness or None
    probability : Probability or None
    """

    status: str
    reason: str = ""
    reading: str = ""
    witness: Witness | None = None
    probability: Probability | None = None


@dataclass
class _Reading:
    """One way to read constants and tanh, with the atoms met so far."""

    name: str
    translate: Callable[[sympy.Expr], sympy.Expr]
    algebra: NormalForm
    applies: Callable[[sympy.Expr], bool] = field(default=lambda e: True)


class Decider:
    """Decides equations over one set of symbols; atoms are shared between them.

    Parameters
    ----------
    budget : Budget
        For all equations together.
    constants : mapping of Symbol to float, optional
        Symbols that stand for float constants.
    recorded : mapping of Symbol to Fraction, optional
        Symbols that a refutation tries at these values first.
    bits : set of Symbol, optional
        Symbols for random 32-bit integers.
    steady : set of Symbol, optional
        More symbols that nothing is differentiated by: where they change sign is no kink.
    forward : sympy.Expr, optional
        What is differentiated: where it is undefined itself, nothing is claimed.
    engine : str
        A key of `polynomials.ENGINES`.
    seed : int
        Of the points that are tried.
    """

    def __init__(
        self,
        budget: Budget,
        constants: Mapping[sympy.Symbol, float] | None = None,
        recorded: Mapping[sympy.Symbol, Fraction] | None = None,
        bits: Iterable[sympy.Symbol] = (),
        steady: Iterable[sympy.Symbol] = (),
        forward: sympy.Expr | None = None,
        engine: str = DEFAULT,
        seed: int = 0,
    ) -> None:
        self.budget = budget
        self.bits = frozenset(bits)
        self.recorded: dict[sympy.Symbol, Fraction] = dict(recorded or {})
        self.forward = forward
        self.arithmetic = arithmetics()[0]
        self._random = random.Random(seed)
        self._constants = {s: Fraction(value) for s, value in (constants or {}).items()}
        self._decimals = {s: decimal(value) for s, value in (constants or {}).items()}
        self._points: list[tuple[dict[sympy.Symbol, Fraction], Enclosure]] = []
        self._open_domain: dict[sympy.Expr, bool] = {}
        self._free: dict[sympy.Expr, frozenset[sympy.Symbol]] = {}

        fixed = self.bits | self._decimals.keys() | set(steady)

        def decimals(e: sympy.Expr) -> sympy.Expr:
            return replaced(e, self._decimals, budget=budget)

        def reading(name: str, translate: Any, applies: Any, by_exp: bool) -> _Reading:
            return _Reading(name, translate, NormalForm(budget, engine, fixed, by_exp), applies)

        def same(e: sympy.Expr) -> sympy.Expr:
            return e

        def constant(e: sympy.Expr) -> bool:
            return not self._decimals.keys().isdisjoint(self._symbols_of(e))

        def hyperbolic(e: sympy.Expr) -> bool:
            return holds(e, sympy.tanh, budget)

        # The strongest theorem first.
        self._readings = [
            reading("", same, lambda e: True, False),
            reading("", same, hyperbolic, True),
            reading("decimal", decimals, constant, False),
            reading("decimal", decimals, lambda e: constant(e) and hyperbolic(e), True),
        ]

    # --- what the proofs rest on ------------------------------------------------------------

    @property
    def excluded(self) -> list[str]:
        """Kinks that the proofs leave out, as equations; opposite sides of one kink once."""
        return kinks_of(r.algebra for r in self._readings)

    @property
    def domain(self) -> list[str]:
        """Where the equations are meant: arguments of logarithms and roots, divisors."""
        return domain_of(r.algebra for r in self._readings)

    # --- the decision -----------------------------------------------------------------------

    def equal(self, got: sympy.Expr, expected: sympy.Expr) -> Decision:
        """Whether ``got`` and ``expected`` are equal wherever both are defined."""
        try:
            return self._equal(got, expected)
        except RecursionError:
            return Decision(UNDECIDED, "the expression is nested too deeply for sympy")

    def _equal(self, got: sympy.Expr, expected: sympy.Expr) -> Decision:
        witness, defined = self._search(got, expected, self._usual_points(4))
        if witness is not None:
            return Decision(REFUTED, "a counterexample", witness=witness)
        reason, large = "", False
        for reading in self._readings:
            if not (reading.applies(got) or reading.applies(expected)):
                continue
            try:
                zero = self._zero(reading, got, expected)
            except (Undefined, Unsupported, Exhausted) as stop:
                reason = reason or str(stop)
                large |= isinstance(stop, Exhausted) and stop.terms
                continue
            if not zero:
                reason = reason or "the normal forms differ, and no counterexample was found"
                continue
            gap = self._gap(reading)
            if gap:
                return Decision(UNDECIDED, gap)
            if not defined:
                _, defined = self._search(got, expected, self._points_of(got, expected, 60))
            if not defined:
                return Decision(
                    UNDECIDED,
                    "no point was found at which both sides are defined: perhaps there is none",
                )
            return Decision(PROVED, reading=reading.name)
        witness, found = self._search(got, expected, self._points_of(got, expected, 60))
        if witness is not None:
            return Decision(REFUTED, "a counterexample", witness=witness)
        if large and (defined or found):
            probability = self._probably(got, expected)
            if probability is not None:
                return Decision(PROBABLE, reason, probability=probability)
        return Decision(UNDECIDED, reason)

    def _zero(self, reading: _Reading, got: sympy.Expr, expected: sympy.Expr) -> bool:
        return reading.algebra.equal(reading.translate(got), reading.translate(expected))

    def _gap(self, reading: _Reading) -> str:
        """Divisors that are zero on an open set where the function itself is defined."""
        degenerate = reading.algebra.degenerate
        if not degenerate or self.forward is None:
            return ""
        own = NormalForm(
            self.budget, reading.algebra.engine, reading.algebra.steady, reading.algebra.tanh_by_exp
        )
        try:
            own.form(reading.translate(self.forward))
        except (Undefined, Unsupported, Exhausted) as stop:
            return str(stop)
        for e in degenerate - own.degenerate:
            return f"the gradient divides by {e}, which is zero on an open set"
        return ""

    def _probably(self, got: sympy.Expr, expected: sympy.Expr) -> Probability | None:
        algebra = self._readings[0].algebra
        whole, algebra.budget = (
            algebra.budget,
            Budget(max(1.0, self.budget.left), self.budget.terms),
        )
        try:
            return probably_zero(algebra, got, expected, self._random)
        except (Improbable, Undefined, Unsupported, Exhausted):
            return None
        finally:
            algebra.budget = whole

    # --- certified points -------------------------------------------------------------------

    def at(
        self, point: Mapping[sympy.Symbol, Fraction], got: sympy.Expr, expected: sympy.Expr
    ) -> Witness | None:
        """The certified counterexample at a point, if it is one."""
        given = dict(point)
        return self._search(got, expected, iter([(given, self._enclosure(given))]))[0]

    def _search(
        self,
        got: sympy.Expr,
        expected: sympy.Expr,
        points: Iterator[tuple[dict[sympy.Symbol, Fraction], Enclosure]],
    ) -> tuple[Witness | None, bool]:
        """A certified counterexample among ``points``; whether both sides were defined at one."""
        defined = False
        for point, enclosure in points:
            try:
                bounds = self._compare(got, expected, point, enclosure)
            except Refused:
                continue
            defined = True
            if bounds is None:
                continue
            if enclosure.touched and not self._confirmed(got, expected, point):
                continue
            needed = self._symbols(got, expected)
            departs = tuple(
                s.name
                for s, value in self.recorded.items()
                if s in needed and point.get(s) != value
            )
            names = {s.name: point[s] for s in sorted(needed & point.keys(), key=lambda s: s.name)}
            return Witness(names, *bounds, self.arithmetic.name, departs=departs), True
        return None, defined

    def _compare(
        self,
        got: sympy.Expr,
        expected: sympy.Expr,
        point: dict[sympy.Symbol, Fraction],
        enclosure: Enclosure,
    ) -> tuple[Any, Any, Any] | None:
        """Bounds of both sides and of the difference, if it excludes 0."""
        if not self._symbols(got, expected) <= point.keys():
            raise Refused("a symbol without a value")
        arithmetic = self.arithmetic
        with precision():
            if self.forward is not None:
                # Nothing is claimed where it is not defined; a special function is nan there.
                arithmetic.bounds(enclosure(self.forward))
            a, b = enclosure(got), enclosure(expected)
            difference = a - b
            if arithmetic.sign(difference) in (0, None):
                return None
            return arithmetic.bounds(a), arithmetic.bounds(b), arithmetic.bounds(difference)

    def _confirmed(
        self, got: sympy.Expr, expected: sympy.Expr, point: dict[sympy.Symbol, Fraction]
    ) -> bool:
        """Whether the difference stays nonzero nearby, so that the point is not on a kink."""
        for _ in range(3):
            moved = {
                s: value
                if s in self.bits or s in self._decimals
                else value + Fraction(self._random.randint(1, 2**7), 2**20)
                for s, value in point.items()
            }
            try:
                if self._compare(got, expected, moved, self._enclosure(moved)) is None:
                    return False
            except Refused:
                return False
        return True

    def _symbols(self, got: sympy.Expr, expected: sympy.Expr) -> set[sympy.Symbol]:
        found = self._symbols_of(got) | self._symbols_of(expected)
        return found if self.forward is None else found | self._symbols_of(self.forward)

    def _symbols_of(self, e: sympy.Expr) -> frozenset[sympy.Symbol]:
        if e not in self._free:
            self._free[e] = frozenset(symbols_of([e], self.budget))
        return self._free[e]

    def _enclosure(self, point: dict[sympy.Symbol, Fraction]) -> Enclosure:
        return Enclosure(point, self.arithmetic, self._decimals)

    def _usual_points(self, n: int) -> Iterator[tuple[dict[sympy.Symbol, Fraction], Enclosure]]:
        """A few points that all equations share, so that common subexpressions are evaluated once."""
        return iter(self._points[:n])

    def prepare(self, symbols: Iterable[sympy.Symbol], n: int = 4) -> None:
        """Choose the points that every equation is tried at first."""
        ordered = sorted(symbols, key=lambda s: s.name)
        for k in range(n):
            point = self._point(ordered, k)
            self._points.append((point, self._enclosure(point)))

    def _points_of(
        self, got: sympy.Expr, expected: sympy.Expr, n: int
    ) -> Iterator[tuple[dict[sympy.Symbol, Fraction], Enclosure]]:
        symbols = sorted(self._symbols(got, expected), key=lambda s: s.name)
        for k in range(n):
            if k > 8 and not self.budget.left:
                return
            point = self._point(symbols, k)
            yield point, self._enclosure(point)

    def _point(self, symbols: list[sympy.Symbol], k: int) -> dict[sympy.Symbol, Fraction]:
        """The k-th point: recorded values at first, then free ones; of all signs, positive, near 1, large."""
        return {s: self._value(s, k) for s in symbols}

    def _value(self, s: sympy.Symbol, k: int) -> Fraction:
        if s in self._constants:
            return self._constants[s]
        if s in self.bits:
            return Fraction(self._random.getrandbits(32))
        recorded = self.recorded.get(s)
        if recorded is not None and k % 2 == 0:
            return recorded
        # Dyadic, so that intervals stay exact through sums and products and zeros are seen as such.
        size: Fraction = Fraction(self._random.randint(1, 2**11), 2**10)
        style = k // 2 % 4
        if style == 1 or s.is_positive or s.is_nonnegative:
            return size
        if style == 2:
            return size / 8 + 1
        if style == 3:  # far out, where a rule may take another turn
            size *= 2 ** self._random.randint(1, 7)
        return size if self._random.random() < 0.5 else -size
