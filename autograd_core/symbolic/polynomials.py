"""Sparse Laurent polynomials over the rationals as dictionaries, and fast products of them.

A monomial is a tuple of (generator number, exponent) pairs in ascending order of generators, with
no zero exponents; a polynomial maps monomials to nonzero rationals. Small products are done here;
large ones go to python-flint where it is installed and to sympy's sparse rings where it is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sympy.polys.domains import QQ
from sympy.polys.rings import ring

from ..errors import ConfigError, MissingDependencyError

try:
    import flint
except ImportError:  # the extra `proof` is not installed
    flint = None  # type: ignore[assignment]

__all__ = [
    "DEFAULT",
    "ENGINES",
    "ONE",
    "Budget",
    "Exhausted",
    "Monomial",
    "Polynomial",
    "chosen",
    "generators",
    "multiply",
]

Monomial = tuple[tuple[int, int], ...]
Coefficient = Any  # an element of sympy's QQ, whatever type that is made of
Polynomial = dict[Monomial, Coefficient]
Engine = Callable[[list[tuple[tuple[int, ...], Any]], list[tuple[tuple[int, ...], Any]], int], Any]

ONE: Monomial = ()
SMALL = 400  # products of terms below which the conversions cost more than they save


class Exhausted(Exception):  # noqa: N818 - a verdict in the making, not an error
    """A budget ran out; the message says which.

    Attributes
    ----------
    terms : bool
        It was that of terms, not that of seconds.
    """

    def __init__(self, message: str, terms: bool) -> None:
        super().__init__(message)
        self.terms = terms


class Budget:
    """How long a decision may take and how many terms its polynomials may have.

    Parameters
    ----------
    seconds : float
        Processor time of this thread: how busy the machine is changes no verdict.
    terms : int
        Terms of any one polynomial.
    """

    def __init__(self, seconds: float, terms: int) -> None:
        self.seconds = seconds
        self.terms = terms
        self._end = time.thread_time() + seconds
        self._over = ""

    def expire(self, reason: str) -> None:
        """Have nothing left from now on.

        Whoever raises `Exhausted` between two instructions (see `limits`) says so here too: Python drops
        what is raised while it looks for an attribute, and goes on as if that were missing. What is decided
        after that is not to be believed.
        """
        self._over = reason

    def check(self, terms: int = 0) -> None:
        """Raise `Exhausted` if the time is up or ``terms`` are too many."""
        if terms > self.terms:
            raise Exhausted(f"the budget of {self.terms} terms was exhausted", True)
        if self._over:
            raise Exhausted(self._over, False)
        if time.thread_time() > self._end:
            raise Exhausted(f"the budget of {self.seconds:g} s was exhausted", False)

    @property
    def left(self) -> float:
        """Seconds left."""
        return 0.0 if self._over else max(0.0, self._end - time.thread_time())


def generators(p: Polynomial) -> set[int]:
    """Numbers of the generators that occur in ``p``."""
    return {g for monomial in p for g, _ in monomial}


def join(a: Monomial, b: Monomial, idempotent: set[int]) -> Monomial:
    """The product of two monomials; a positive power of an idempotent is the idempotent."""
    if not a:
        return b
    if not b:
        return a
    powers = dict(a)
    for g, e in b:
        e += powers.get(g, 0)
        if e > 1 and g in idempotent:
            e = 1
        if e:
            powers[g] = e
        else:
            del powers[g]
    return tuple(sorted(powers.items()))


def multiply(
    a: Polynomial, b: Polynomial, idempotent: set[int], budget: Budget, engine: str
) -> Polynomial:
    """The product of ``a`` and ``b``, reduced by h² = h for the generators in ``idempotent``."""
    if len(a) > len(b):
        a, b = b, a
    size = len(a) * len(b)
    if size > SMALL and len(a) > 3:
        # An upper bound on the work: the engines cannot be interrupted.
        if size > 200 * budget.terms:
            raise Exhausted(f"the budget of {budget.terms} terms was exhausted", True)
        budget.check()
        return _large(a, b, idempotent, budget, ENGINES[engine])
    result: Polynomial = {}
    for m, c in a.items():
        for n, d in b.items():
            key = join(m, n, idempotent)
            value = c * d
            if key in result:
                value += result[key]
                if not value:
                    del result[key]
                    continue
            result[key] = value
    budget.check(len(result))
    return result


def _large(
    a: Polynomial, b: Polynomial, idempotent: set[int], budget: Budget, engine: Engine
) -> Polynomial:
    """A product in dense exponent vectors over the generators that occur."""
    used = sorted(generators(a) | generators(b))
    place = {g: i for i, g in enumerate(used)}

    def dense(p: Polynomial) -> tuple[list[tuple[tuple[int, ...], Any]], list[int]]:
        rows = []
        low = [0] * len(used)
        for monomial in p:
            row = [0] * len(used)
            for g, e in monomial:
                row[place[g]] = e
                low[place[g]] = min(low[place[g]], e)
            rows.append(row)
        return [
            (tuple(e - s for e, s in zip(row, low, strict=True)), c)
            for row, c in zip(rows, p.values(), strict=True)
        ], low

    (first, low), (second, below) = dense(a), dense(b)
    shift = [s + t for s, t in zip(low, below, strict=True)]
    folded = [i for i, g in enumerate(used) if g in idempotent]
    result: Polynomial = {}
    for powers, c in engine(first, second, len(used)):
        row = [int(e) + s for e, s in zip(powers, shift, strict=True)]
        for i in folded:
            row[i] = min(row[i], 1)
        key = tuple((g, e) for g, e in zip(used, row, strict=True) if e)
        if key in result:
            c = c + result[key]
            if not c:
                del result[key]
                continue
        result[key] = c
    budget.check(len(result))
    return result


def _flint(a: Any, b: Any, n: int) -> Any:
    context = flint.fmpq_mpoly_ctx.get(("g", n), "lex")
    product = context.from_dict(dict(a)) * context.from_dict(dict(b))
    return product.to_dict().items()


def _sympy(a: Any, b: Any, n: int) -> Any:
    polynomials, *_ = ring([f"g{i}" for i in range(n)], QQ)
    return (polynomials.from_dict(dict(a)) * polynomials.from_dict(dict(b))).items()


# sympy's rationals are python-flint's where that is installed, so no conversion is needed.
ENGINES: dict[str, Engine] = {"sympy": _sympy}
if flint is not None and QQ.dtype is flint.fmpq:
    ENGINES["flint"] = _flint
DEFAULT = "flint" if "flint" in ENGINES else "sympy"


def chosen(engine: str | None) -> str:
    """The name of an engine; None: the best that is installed.

    Raises
    ------
    MissingDependencyError
        If it is python-flint's and that is not installed.
    ConfigError
        If there is no such engine.
    """
    if engine is None:
        return DEFAULT
    if not isinstance(engine, str):
        raise ConfigError(
            "symbolic", f"expected the engine 'flint' or 'sympy'; received {engine!r:.40}."
        )
    if engine == "flint" and engine not in ENGINES:
        raise MissingDependencyError(
            "symbolic",
            "engine='flint' needs python-flint, which is not installed. "
            "pip install 'gradproof[proof]', or use engine='sympy'.",
        )
    if engine not in ENGINES:
        raise ConfigError(
            "symbolic", f"expected the engine 'flint' or 'sympy'; received {engine!r}."
        )
    return engine
