"""The decision whether two expressions are equal wherever they are defined, off their kinks.

This is asked of entries, at a fixed shape (`fixed_shape`), and of plain equations (`equations`).
PROVED comes from the zero test alone, and only if some point is known at which both sides are
defined. REFUTED comes from certified intervals alone: at a rational point, their difference
excludes 0. Everything else is PROBABLE (a zero test at random points of a finite field, where the
polynomial is too large to write out) or UNDECIDED.
"""

from __future__ import annotations

import decimal as decimals
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import sympy

from .domains import Condition
from .enclosures import Enclosure, Refused, arithmetics, precision
from .exact import decimal
from .finite_field import Improbable, Probability, probably_zero
from .normal_form import NormalForm, Undefined, Unsupported
from .polynomials import DEFAULT, Budget, Exhausted
from .walks import replaced, symbols_of
from .zero_test import ZeroTest

__all__ = [
    "COMPARED", "NOWHERE", "PROBABLE", "PROVED", "REFUTED", "UNDECIDED", "Decider", "Decision", "Witness", "worst",
]  # fmt: skip

PROVED, PROBABLE, REFUTED, UNDECIDED = "PROVED", "PROBABLE", "REFUTED", "UNDECIDED"
COMPARED = "COMPARED"  # of float code: equal at the points that were tried; `kernels`
_ORDER = (PROVED, PROBABLE, COMPARED, UNDECIDED, REFUTED)
NOWHERE = "no point was found at which both sides are defined: perhaps there is none"
_DOUBLE = 16  # digits that a double holds
_DIGITS = 200  # more are not written, whatever two numbers have in common


def worst(statuses: Iterable[str]) -> str:
    """The verdict on a conjunction: one refutation refutes, one gap (or nothing) leaves it undecided."""
    return max(statuses, key=_ORDER.index, default=UNDECIDED)


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
    sizes : dict of str to int
        Of a statement at every size: those at which it differs.
    """

    point: dict[str, Fraction]
    got: tuple[Fraction, Fraction]
    expected: tuple[Fraction, Fraction]
    difference: tuple[Fraction, Fraction]
    arithmetic: str
    entry: str = ""
    departs: tuple[str, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)

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
        More symbols that nothing is differentiated by: where they change sign is no kink. What is
        proved holds for each of their values.
    forward : sympy.Expr, optional
        What is differentiated: where it is undefined itself, nothing is claimed.
    asked : sequence of (relation, expression), optional
        What the steps of the forward, or of both sides, ask of their operands; see `domains`.
    further : sequence of (relation, expression), optional
        What the steps of the gradient ask besides.
    determined : mapping of Symbol to expression, optional
        Symbols that facts determine, in terms of the others.
    engine : str
        A key of `polynomials.ENGINES`.
    seed : int
        Of the points that are tried.

    Attributes
    ----------
    test : ZeroTest
        What proves.
    used : set of Symbol
        Those of ``determined`` that an equation was put together with.
    """

    def __init__(
        self,
        budget: Budget,
        constants: Mapping[sympy.Symbol, float] | None = None,
        recorded: Mapping[sympy.Symbol, Fraction] | None = None,
        bits: Iterable[sympy.Symbol] = (),
        steady: Iterable[sympy.Symbol] = (),
        forward: sympy.Expr | None = None,
        asked: Sequence[Condition] = (),
        further: Sequence[Condition] = (),
        determined: Mapping[sympy.Symbol, sympy.Expr] | None = None,
        engine: str = DEFAULT,
        seed: int = 0,
    ) -> None:
        self.budget = budget
        self.determined = dict(determined or {})
        self.used: set[sympy.Symbol] = set()
        self._related = self.determined.keys() | {
            s for e in self.determined.values() for s in e.free_symbols
        }
        self.bits = frozenset(bits)
        self.recorded: dict[sympy.Symbol, Fraction] = dict(recorded or {})
        self.arithmetic = arithmetics()[0]
        self._random = random.Random(seed)
        self._constants = {s: Fraction(value) for s, value in (constants or {}).items()}
        self._decimals = {s: decimal(value) for s, value in (constants or {}).items()}
        self._others: set[sympy.Symbol] | None = None
        self._points: list[tuple[dict[sympy.Symbol, Fraction], Enclosure]] = []
        self._free: dict[sympy.Expr, frozenset[sympy.Symbol]] = {}
        self._unmet = ""
        self._asking: tuple[list[Condition], list[Condition]] | None = None
        self._still = self.bits | self._decimals.keys() | (set(steady) & self.recorded.keys())
        fixed = self.bits | self._decimals.keys() | set(steady)
        self.test = ZeroTest(
            budget,
            lambda by_exp: NormalForm(budget, engine, fixed, by_exp),
            constants,
            None if forward is None else self._with_facts(forward),
            [(relation, self._with_facts(e)) for relation, e in asked],
            [(relation, self._with_facts(e)) for relation, e in further],
        )

    # --- the decision -----------------------------------------------------------------------

    def equal(self, got: sympy.Expr, expected: sympy.Expr) -> Decision:
        """Whether ``got`` and ``expected`` are equal wherever every step is defined."""
        if self.determined:
            self.used |= (
                self._symbols_of(got) | self._symbols_of(expected)
            ) & self.determined.keys()
            got, expected = self._with_facts(got), self._with_facts(expected)
        try:
            return self._equal(got, expected)
        except RecursionError:
            return Decision(UNDECIDED, "the expression is nested too deeply for sympy")

    def _equal(self, got: sympy.Expr, expected: sympy.Expr) -> Decision:
        witness, defined = self._search(got, expected, self._usual_points(4))
        if witness is not None:
            return Decision(REFUTED, "a counterexample", witness=witness)
        outcome = self.test.equal(got, expected)
        equal = outcome.proved or outcome.gap
        gap = (self._unmet or outcome.reason) if equal else ""
        if gap:
            return Decision(UNDECIDED, gap)
        if equal:
            if not defined:
                _, defined = self._search(got, expected, self._points_of(got, expected, 60))
            if not defined:
                return Decision(UNDECIDED, NOWHERE)
            return Decision(PROVED, reading=outcome.reading)
        reason = outcome.reason or "the normal forms differ, and no counterexample was found"
        witness, defined_later = self._search(got, expected, self._points_of(got, expected, 60))
        if witness is not None:
            return Decision(REFUTED, "a counterexample", witness=witness)
        if outcome.large and (defined or defined_later) and not self._unmet:
            probability = self._probably(got, expected)
            if probability is not None:
                return Decision(PROBABLE, reason, probability=probability)
        return Decision(UNDECIDED, reason)

    def _with_facts(self, e: sympy.Expr) -> sympy.Expr:
        return replaced(e, self.determined)

    def _probably(self, got: sympy.Expr, expected: sympy.Expr) -> Probability | None:
        algebra = self.test.first
        budget, algebra.budget = (
            algebra.budget,
            Budget(max(1.0, self.budget.left), self.budget.terms),
        )
        try:
            self.test.demand()
            return probably_zero(algebra, got, expected, self._random)
        except (Improbable, Undefined, Unsupported, Exhausted):
            return None
        finally:
            algebra.budget = budget

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
            self._meet(enclosure)
            if self.test.forward is not None:
                # Nothing is claimed where it is not defined; a special function is nan there.
                arithmetic.bounds(enclosure(self.test.forward))
            a, b = enclosure(got), enclosure(expected)
            difference = a - b
            if arithmetic.sign(difference) in (0, None):
                return None
            return arithmetic.bounds(a), arithmetic.bounds(b), arithmetic.bounds(difference)

    def _meet(self, enclosure: Enclosure) -> None:
        """Refuse a point at which a step is not certainly defined.

        Where all of the forward is, and the gradient asks for a number that is positive and finds a
        negative one, it is not the derivative: nothing is proved then.
        """
        if self._asking is None:
            evident = self.test.first.evident
            self._asking = (
                [c for c in self.test.asked if not evident(*c)],
                [c for c in self.test.further if not evident(*c)],
            )
        sign = self.arithmetic.sign
        for conditions in self._asking:
            for relation, e in conditions:
                side = sign(enclosure(e))
                if side == 1 or (side == -1 and relation == "!="):
                    continue
                if side == 0 and relation == ">=":
                    continue
                if side == -1 and conditions is self._asking[1]:
                    self._unmet = (
                        f"the gradient asks for {e} {relation} 0, which is not so everywhere where "
                        "the function is defined"
                    )
                raise Refused(f"{e} is not certainly {relation} 0")

    def _confirmed(
        self, got: sympy.Expr, expected: sympy.Expr, point: dict[sympy.Symbol, Fraction]
    ) -> bool:
        """Whether the difference stays nonzero nearby, so that the point is not on a kink."""
        for _ in range(3):
            moved = {
                s: value
                if s in self._still
                else value + Fraction(self._random.randint(1, 2**7), 2**20)
                for s, value in point.items()
            }
            self._complete(moved)
            try:
                if self._compare(got, expected, moved, self._enclosure(moved)) is None:
                    return False
            except Refused:
                return False
        return True

    def _symbols(self, got: sympy.Expr, expected: sympy.Expr) -> set[sympy.Symbol]:
        if self._others is None:
            expressions = [e for _, e in (*self.test.asked, *self.test.further)]
            expressions += [] if self.test.forward is None else [self.test.forward]
            self._others = self._related | symbols_of(expressions, self.budget)
        return self._others | self._symbols_of(got) | self._symbols_of(expected)

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
        point = {s: self._value(s, k) for s in symbols if s not in self.determined}
        self._complete(point)
        return point

    def _complete(self, point: dict[sympy.Symbol, Fraction]) -> None:
        """Put in what facts determine."""
        if self.determined:
            at = {s: sympy.Rational(v.numerator, v.denominator) for s, v in point.items()}
            for s, e in self.determined.items():
                value = e.xreplace(at)
                if value.is_Rational:
                    point[s] = Fraction(int(value.p), int(value.q))

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
