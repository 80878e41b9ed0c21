"""Whether a schedule's steps go far enough, and shrink fast enough: the conditions of [When does SGD work]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.errors import AutogradError, ConfigError
from autograd_core.options import NON_NEGATIVE
from autograd_core.symbolic.decide import PROVED, REFUTED, UNDECIDED
from autograd_core.symbolic.equations import OnSymbols
from autograd_core.symbolic.limits import bounded
from autograd_core.symbolic.polynomials import Budget

from ..schedules.schedule import Schedule
from .growth import Bounds, Open, bounds, subsequences

__all__ = ["Condition", "RobbinsMonro", "conditions", "robbins_monro"]

COUNT = sympy.Symbol("k", integer=True, nonnegative=True)
SECONDS = 20.0
STEPS, SQUARES = "Σ η_k = ∞", "Σ η_k² < ∞"


@dataclass(frozen=True)
class Condition:
    """A statement about a sum, and what was decided.

    Attributes
    ----------
    statement : str
    status : str
        PROVED, REFUTED or UNDECIDED.
    argument : str
        What it follows from; of what is undecided, what is missing.
    """

    statement: str
    status: str
    argument: str

    def __str__(self) -> str:
        return f"{self.status:<9}  {self.statement}: {self.argument}"


@dataclass(frozen=True)
class RobbinsMonro:
    """Both conditions for a schedule.

    Attributes
    ----------
    schedule : Schedule or expression
    formula : sympy expression
        η_k as it was read, in k = 0, 1, 2, …
    steps, squares : Condition
        Σ η_k = ∞ and Σ η_k² < ∞.
    """

    schedule: object
    formula: sympy.Expr
    steps: Condition
    squares: Condition

    @property
    def holds(self) -> bool | None:
        """Whether both hold; None if that is not decided."""
        statuses = {self.steps.status, self.squares.status}
        return False if REFUTED in statuses else True if statuses == {PROVED} else None

    def __str__(self) -> str:
        return f"{self.schedule}\n  {self.steps}\n  {self.squares}"


def robbins_monro(schedule: Schedule) -> RobbinsMonro:
    """Prove, or refute, that a schedule's steps sum to infinity and their squares do not.

    They are what [When does SGD work] asks for: with Σ η_k = ∞ the whole of the parameter space can be
    searched, with Σ η_k² < ∞ the noise dies away.

    Parameters
    ----------
    schedule : Schedule
        Any: ours, joined, scaled and counted in epochs, or one of your own, whose ``__call__`` is run on a
        symbol k as the compiler would run it.

    Returns
    -------
    RobbinsMonro
        A verdict on each condition, with its argument: how fast η_k falls, between two scales such as
        k^(−1) (ln k)^(−1), of which it is known whether they have a finite sum (see
        ``optim/derivations/growth.py``). No value is computed. What no rule there reaches is UNDECIDED.

    Raises
    ------
    ConfigError
        If it is no schedule, no formula in Tensor operators, or not a number of 0 or more at some k.

    Notes
    -----
    It is about the real numbers that the formula gives: `Exponential` is 0 in floating point from some k on,
    and its sum is finite for that reason too. Floats in the formula stand for themselves, and `math.pi` for π.
    The two conditions do not suffice for every function (erratum X38).

    References
    ----------
    Robbins and Monro (1951), A stochastic approximation method. [When does SGD work].

    Examples
    --------
    >>> from optim import schedules
    >>> found = robbins_monro(schedules.Linear(0.5))
    >>> found.holds
    True
    >>> print(found)
    Linear(initial=0.5)
      PROVED     Σ η_k = ∞: η_k is eventually like 1/2 · k^(-1), and Σ k^(-1) = ∞
      PROVED     Σ η_k² < ∞: η_k² is eventually like 1/4 · k^(-2), and Σ k^(-2) < ∞
    >>> robbins_monro(schedules.Quadratic(0.5)).steps.status
    'REFUTED'
    """
    if not isinstance(schedule, Schedule):
        raise ConfigError(
            "robbins_monro",
            f"expected a Schedule; received {schedule!r:.60}. A number is optim.schedules.Constant(…); one of "
            "your own is a subclass of optim.schedules.Schedule; what looks at results, as on a plateau, is no "
            "function of k: lowered every n updates it is optim.schedules.Step.",
        )
    schedule.check_values("robbins_monro: schedule", NON_NEGATIVE)

    def formula_of(k: Any) -> Any:
        value = schedule(k)
        return (
            value if isinstance(value, ag.Tensor) else value + 0 * k
        )  # one that is the same for every k

    read = OnSymbols(formula_of, exact=True)

    def decide() -> RobbinsMonro:
        try:
            (formula,) = read(COUNT)
        except AutogradError as error:
            return _open(schedule, sympy.nan, f"its formula has no reading ({error})")
        for relation, part in read.asked:
            missing = _defined(relation, part)
            if missing:
                return _open(schedule, formula, missing)
        return conditions(formula, COUNT, schedule)

    return bounded(
        Budget(SECONDS, 200_000), decide, lambda reason: _open(schedule, sympy.nan, reason)
    )


def conditions(formula: sympy.Expr, k: sympy.Symbol, schedule: object = None) -> RobbinsMonro:
    """The same of an expression in ``k``, which may hold positive symbols besides."""
    return RobbinsMonro(
        formula if schedule is None else schedule,
        formula,
        _condition(formula, k, STEPS, "η_k", lambda b: b, True),
        _condition(formula, k, SQUARES, "η_k²", lambda b: b * b, False),
    )


def _condition(
    formula: sympy.Expr,
    k: sympy.Symbol,
    statement: str,
    name: str,
    of: Callable[[Bounds], Bounds],
    infinite: bool,
) -> Condition:
    try:
        found = of(bounds(formula, k))
        finite, where = found.finite, "is eventually"
        if finite is None:  # of numbers that are not negative, some are enough
            for words, part in subsequences(formula, k):
                try:
                    some = of(bounds(part, k))
                except Open:
                    continue
                if some.finite is False:
                    found, finite, where = some, False, f"at {words}, j = 0, 1, …, is eventually"
                    break
    except Open as gap:
        return Condition(statement, UNDECIDED, f"open is {gap}")
    if finite is None:
        return Condition(statement, UNDECIDED, f"{name} is eventually {found}, which leaves both")
    if found.zero:
        argument = f"{name} is 0 from some k on"
    else:
        scale = found.size.scale if finite else found.lower.scale
        argument = f"{name} {where} {found}, and Σ {scale} {'< ∞' if finite else '= ∞'}"
    return Condition(statement, PROVED if finite != infinite else REFUTED, argument)


def _defined(relation: str, part: sympy.Expr) -> str:
    """Where the formula has no value, or is not known to have one far out; nearby its values were looked at."""
    for k in _near_roots(part):
        value = part.xreplace({COUNT: k})
        if not (value > 0 or (value < 0 and relation == "!=") or (value == 0 and relation == ">=")):
            return f"it has no value at k = {k}, where {part} is {value}"
    try:
        found = bounds(part, COUNT)
    except Open as gap:
        return f"whether {part} {relation} 0 is open ({gap})"
    if found.positive or (found.negative and relation == "!=") or (found.zero and relation == ">="):
        return ""
    return f"whether {part} {relation} 0 from some k on is open"


def _near_roots(part: sympy.Expr) -> list[sympy.Integer]:
    """Of a polynomial in k, whole numbers of which one lies wherever it has one sign for some k."""
    inner = part.args[0] if isinstance(part, sympy.Abs) else part
    if not inner.is_polynomial(COUNT) or not inner.has(COUNT):
        return []
    roots = sympy.Poly(inner, COUNT).real_roots(multiple=False)
    floors = {sympy.floor(root) for root, _ in roots if root >= 0}
    return sorted({sympy.S.Zero, *floors, *(n + 1 for n in floors)})


def _open(schedule: object, formula: sympy.Expr, reason: str) -> RobbinsMonro:
    return RobbinsMonro(
        schedule,
        formula,
        Condition(STEPS, UNDECIDED, reason),
        Condition(SQUARES, UNDECIDED, reason),
    )
