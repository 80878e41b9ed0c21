"""Algebraic cleaning: cheaper forms that give the same numbers.

Only what holds for every float, nan, infinities and the sign of zeros included; so never
``x - x = 0`` or ``0 x = 0``. A table: primitive to rule, which says another form or None.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...ops import arithmetic
from ...program import Application, Atom, Literal, Program, Var
from ...readings import record_of
from .rewriting import Rewriter, Shorthand

__all__ = ["cleaned"]

_NEGATIVE = record_of(arithmetic.negative)


def _is(x: Atom, value: float) -> bool:
    return isinstance(x, Literal) and isinstance(x.value, (int, float)) and x.value == value


class _Rules:
    """Rules see operands, and behind each the step that made it."""

    def __init__(self, makers: dict[Var, Application]) -> None:
        self.makers = makers

    def negated(self, x: Atom) -> Atom | None:
        """What ``x`` is the negative of."""
        step = self.makers.get(x) if isinstance(x, Var) else None
        return step.operands[0] if step is not None and step.primitive is _NEGATIVE else None

    def multiply(self, xp: Any, a: Atom, b: Atom) -> Atom | None:
        for x, y in ((a, b), (b, a)):
            if _is(x, 1):
                return y
            if _is(x, -1):
                return xp.negative(y)
        if a is b:
            return xp.square(a)
        return None

    def add(self, xp: Any, a: Atom, b: Atom) -> Atom | None:
        for x, y in ((a, b), (b, a)):
            behind = self.negated(y)
            if behind is not None:
                return xp.subtract(x, behind)
        return None

    def subtract(self, xp: Any, a: Atom, b: Atom) -> Atom | None:
        if _is(b, 0) and math.copysign(1, b.value) > 0:  # type: ignore[union-attr]
            return a  # but -0.0 - -0.0 is 0.0
        behind = self.negated(b)
        return None if behind is None else xp.add(a, behind)

    def divide(self, xp: Any, a: Atom, b: Atom) -> Atom | None:
        return a if _is(b, 1) else None

    def negative(self, xp: Any, a: Atom) -> Atom | None:
        return self.negated(a)

    def power(self, xp: Any, a: Atom, b: Atom) -> Atom | None:
        if isinstance(a, Var) and a.dtype.kind == "f":
            if _is(b, 1):
                return a
            if _is(b, 2):
                return xp.square(a)
            if _is(b, 3):
                return xp.multiply(xp.square(a), a)
            if _is(b, 4):
                return xp.square(xp.square(a))
            if _is(b, 0.5):
                return xp.sqrt(a)
            if _is(b, -1):
                return xp.divide(1, a)
        return None

    def cast(self, xp: Any, a: Atom, dtype: Any) -> Atom | None:
        return a if isinstance(a, Var) and not a.weak and a.dtype == dtype else None

    def where(self, xp: Any, condition: Atom, a: Atom, b: Atom) -> Atom | None:
        return a if a is b and isinstance(a, Var) else None


def cleaned(program: Program[Any]) -> Program[Any]:
    """The program with cheaper forms of the same values."""
    out = Rewriter(program)
    makers: dict[Var, Application] = {}
    rules = _Rules(makers)
    for step in program.applications:
        rule: Callable[..., Any] | None = getattr(rules, step.primitive.name, None)
        start = len(out.steps)
        simpler = None
        if rule is not None and not step.result.weak:
            simpler = rule(Shorthand(out, step), *map(out.atom, step.operands), **step.params)
        if isinstance(simpler, Var) and _alike(simpler, step.result):
            if simpler.name is None and simpler.role is None and len(out.steps) > start:
                simpler.name, simpler.role = step.result.name, step.result.role
            out.values[step.result] = simpler
        else:
            del out.steps[start:]
            out.keep(step)
        makers.update((s.result, s) for s in out.steps[start:])
    return out.finish()


def _alike(a: Var, b: Var) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.weak == b.weak
