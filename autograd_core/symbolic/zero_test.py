"""Whether two expressions are equal, by normal forms alone: what both evaluators ask, and what proves.

An equation is tried in up to four readings, the strongest theorem first: float constants as any positive
numbers; then tanh by exponentials; then both again, with the constants as the decimals that were written.
The equations of one statement share each reading's form, with its atoms, and what it leaves out.

This is all that `every_size` asks, of expressions with indices. `decide` asks it of entries, and looks for
points as well: which refute, and without which nothing is proved there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sympy

from .domains import Condition
from .exact import decimal
from .normal_form import NormalForm, Undefined, Unsupported
from .polynomials import Budget, Exhausted
from .walks import holds, replaced, symbols_of

__all__ = [
    "ASKED",
    "EDGE",
    "KINK",
    "LeftOut",
    "Outcome",
    "ZeroTest",
    "domain_of",
    "kinks_of",
    "require",
]

# What is left out where it is 0 (KINK), or begins to be 0 (EDGE), and what has to hold (ASKED).
KINK, EDGE, ASKED = "kink", "edge", "asked"
LeftOut = Mapping[str, Any]

Form = TypeVar("Form", bound=NormalForm)


def _as_it_is(e: sympy.Expr) -> sympy.Expr:
    return e


@dataclass(frozen=True)
class Outcome:
    """What the zero test has to say of one equation.

    Attributes
    ----------
    proved : bool
        The sides are equal wherever they are defined, off what is left out.
    reason : str
        Why it is not proved; empty: the normal forms differ.
    reading : str
        "" where float constants are arbitrary positive numbers, "decimal" where they had to be the
        decimals that were written.
    gap : bool
        The sides are equal, but the gradient divides by what is zero where the function is defined.
    large : bool
        A polynomial was too large to write out.
    """

    proved: bool
    reason: str = ""
    reading: str = ""
    gap: bool = False
    large: bool = False


@dataclass
class _Reading(Generic[Form]):
    """One way to read constants and tanh, with the atoms met so far."""

    name: str
    by_exp: bool
    decimals: Mapping[sympy.Expr, sympy.Expr]
    form: Form
    required: bool = False


class ZeroTest(Generic[Form]):
    """Whether equations hold, by their normal forms.

    Parameters
    ----------
    budget : Budget
        For all equations together.
    form : callable
        Makes a normal form; takes whether tanh is read by exponentials.
    constants : mapping of Symbol to float, optional
        Symbols that stand for float constants.
    forward : sympy.Expr, optional
        What is differentiated: where it is undefined itself, nothing is claimed.
    asked : sequence of (relation, expression), optional
        What the steps of the forward, or of both sides, ask of their operands; see `domains`.
    further : sequence of (relation, expression), optional
        What the steps of the gradient ask besides.
    shown : callable, optional
        An expression as it is written in reasons, kinks and domains.
    """

    def __init__(
        self,
        budget: Budget,
        form: Callable[[bool], Form],
        constants: Mapping[sympy.Symbol, float] | None = None,
        forward: sympy.Expr | None = None,
        asked: Sequence[Condition] = (),
        further: Sequence[Condition] = (),
        shown: Callable[[Any], Any] = _as_it_is,
    ) -> None:
        self.budget = budget
        self.forward = forward
        self.asked = asked
        self.further = further
        self.shown = shown
        self.form = form
        self._decimals = {s: decimal(value) for s, value in (constants or {}).items()}
        self._readings: dict[tuple[str, bool], _Reading[Form]] = {}

    # --- the decision -----------------------------------------------------------------------

    def equal(self, got: sympy.Expr, expected: sympy.Expr) -> Outcome:
        """Whether two expressions are equal wherever every step is defined."""
        failed: str | None = None
        large = False
        for reading in self._that_apply((got, expected)):
            try:
                zero = reading.form.equal(self._read(reading, got), self._read(reading, expected))
                if zero:
                    self._require(reading)
            except (Undefined, Unsupported, Exhausted) as stop:
                failed = str(stop) if failed is None else failed
                large |= isinstance(stop, Exhausted) and stop.terms
                continue
            if not zero:
                failed = "" if failed is None else failed
                continue
            gap = self._gap(reading)
            return Outcome(False, gap, gap=True) if gap else Outcome(True, reading=reading.name)
        return Outcome(False, failed or "", large=large)

    def _that_apply(self, sides: Sequence[sympy.Expr]) -> Iterator[_Reading[Form]]:
        """The readings in which the sides are not what they were in another."""
        yield self._reading("", False)
        hyperbolic = any(holds(e, sympy.tanh, self.budget) for e in sides)
        if hyperbolic:
            yield self._reading("", True)
        if self._decimals.keys().isdisjoint(symbols_of(sides, self.budget)):
            return
        yield self._reading("decimal", False)
        if hyperbolic:
            yield self._reading("decimal", True)

    def _reading(self, name: str, by_exp: bool) -> _Reading[Form]:
        """A reading, made when it is first asked for."""
        key = name, by_exp
        if key not in self._readings:
            decimals = self._decimals if name else {}
            self._readings[key] = _Reading(name, by_exp, decimals, self.form(by_exp))
        return self._readings[key]

    def _read(self, reading: _Reading[Form], e: sympy.Expr) -> sympy.Expr:
        return replaced(e, reading.decimals, budget=self.budget)

    def _require(self, reading: _Reading[Form]) -> None:
        """Note what the steps ask for, once for each reading that proves."""
        if not reading.required:
            conditions = (*self.asked, *self.further)
            require(reading.form, ((r, self._read(reading, e)) for r, e in conditions))
            reading.required = True

    def _gap(self, reading: _Reading[Form]) -> str:
        """Divisors that are zero on an open set where the function itself is defined."""
        degenerate = {self.shown(e) for e in reading.form.degenerate}
        if not degenerate or self.forward is None:
            return ""
        own = self.form(reading.by_exp)
        try:
            own.form(self._read(reading, self.forward))
            require(own, ((r, self._read(reading, e)) for r, e in self.asked))
        except (Undefined, Unsupported, Exhausted) as stop:
            return str(stop)
        for e in sorted(degenerate - {self.shown(e) for e in own.degenerate}, key=str):
            return f"the gradient divides by {e}, which is zero on an open set"
        return ""

    # --- what the proofs rest on ------------------------------------------------------------

    @property
    def first(self) -> Form:
        """The form of the strongest reading."""
        return self._reading("", False).form

    def demand(self) -> None:
        """Note in that form what the steps ask for."""
        self._require(self._reading("", False))

    @property
    def forms(self) -> list[Form]:
        """The forms of the readings that were tried."""
        return [reading.form for reading in self._readings.values()]

    @property
    def excluded(self) -> list[str]:
        """Kinks that the proofs leave out, as equations; opposite sides of one kink once."""
        return kinks_of(self.forms, self.shown)

    @property
    def domain(self) -> list[str]:
        """Where the equations are meant: what their steps ask for, unless that is evident."""
        return domain_of(self.forms, self.shown)

    @property
    def left_out(self) -> LeftOut:
        """The same as expressions: kinks, edges of what is zero on an open set, what has to hold."""
        kinks: set[sympy.Expr] = set().union(*(form.excluded for form in self.forms))
        edges: set[sympy.Expr] = set().union(*(form.edges for form in self.forms))
        return {KINK: kinks, EDGE: edges, ASKED: (*self.asked, *self.further)}


def kinks_of(forms: Iterable[NormalForm], shown: Callable[[Any], Any] = _as_it_is) -> list[str]:
    """What normal forms leave out, as equations; opposite sides of one kink once.

    Always a null set: of what may be zero on an open set, the edge of that set.
    """
    forms = list(forms)
    equations = []
    for name, text in (("excluded", "{} = 0"), ("edges", "edge of {} = 0")):
        found = {shown(e) for form in forms for e in getattr(form, name)}
        equations.append(sorted({text.format(_upright(e)) for e in found}))
    return [*equations[0], *equations[1]]


def require(form: NormalForm, conditions: Iterable[Condition]) -> None:
    """Note in a form what steps ask for; as it stands, where the form cannot tell more of it.

    Raises
    ------
    Undefined, Exhausted
    """
    for relation, e in conditions:
        try:
            form.require(relation, e)
        except (Unsupported, Exhausted) as stop:
            if isinstance(stop, Exhausted) and not stop.terms:
                raise
            form.note(relation, e)


def domain_of(forms: Iterable[NormalForm], shown: Callable[[Any], Any] = _as_it_is) -> list[str]:
    """What normal forms ask for: arguments of logarithms and roots, divisors."""
    forms = list(forms)
    positive, nonnegative, nonzero = (
        {shown(e).primitive()[1] for form in forms for e in getattr(form, name)}
        for name in ("positive_where", "nonnegative_where", "nonzero_where")
    )
    positive |= nonnegative & nonzero
    nonzero = {e for e in map(_upright, nonzero) if e not in positive and -e not in positive}
    conditions = {
        ">": positive,
        ">=": nonnegative - positive,
        "!=": nonzero,
    }
    return sorted(f"{e} {order} 0" for order, group in conditions.items() for e in group)


def _upright(e: sympy.Expr) -> sympy.Expr:
    """Of an expression and its opposite, which are zero together, one."""
    return -e if e.could_extract_minus_sign() else e
