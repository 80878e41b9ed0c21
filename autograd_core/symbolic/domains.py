"""Where a program is defined: what each of its steps asks of its operands.

An expression that sympy has simplified no longer knows where it came from: exp(log x) is x in it,
and x/x is 1. So what a step asks is noted when the step is read, of its operands' values. A formula
says it itself: it is run on numbers that carry along what their making asks for, a divisor that is
not 0, a logarithm of what is positive. `functions` has a record of each function that a formula may call;
what is no formula (matrices) states its domain beside its reading.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import sympy

from .functions import FUNCTIONS, SCALARS, Condition, power_asks

__all__ = ["ASKING", "Asked", "Asking", "Condition", "noted"]

Conditions = frozenset[Condition]

NOWHERE: Conditions = frozenset()


class Asked:
    """A number in a formula: its value, and what has to hold for it to have one."""

    __slots__ = ("asks", "value")

    def __init__(self, value: Any, asks: Conditions = NOWHERE) -> None:
        self.value = value
        self.asks = asks

    def __neg__(self) -> Asked:
        return Asked(-self.value, self.asks)

    def __pos__(self) -> Asked:
        return self

    def __abs__(self) -> Asked:
        return Asked(abs(self.value), self.asks)

    def __add__(self, other: Any) -> Asked:
        return _both(operator.add, self, other)

    def __radd__(self, other: Any) -> Asked:
        return _both(operator.add, other, self)

    def __sub__(self, other: Any) -> Asked:
        return _both(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Asked:
        return _both(operator.sub, other, self)

    def __mul__(self, other: Any) -> Asked:
        return _both(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Asked:
        return _both(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Asked:
        return _both(operator.truediv, self, other, _divisor)

    def __rtruediv__(self, other: Any) -> Asked:
        return _both(operator.truediv, other, self, _divisor)

    def __pow__(self, other: Any) -> Asked:
        return _both(operator.pow, self, other, power_asks)

    def __rpow__(self, other: Any) -> Asked:
        return _both(operator.pow, other, self, power_asks)


def _plain(x: Any) -> Any:
    return sympy.sympify(x.value if isinstance(x, Asked) else x)


def _carried(operands: Iterable[Any]) -> Conditions:
    return NOWHERE.union(*(x.asks for x in operands if isinstance(x, Asked)))


def _both(
    function: Any, a: Any, b: Any, asks: Callable[..., Iterable[Condition]] | None = None
) -> Asked:
    x, y = _plain(a), _plain(b)
    return Asked(function(x, y), _carried((a, b)).union(asks(x, y) if asks is not None else ()))


# --- what the functions of a formula ask ----------------------------------------------------------


def _divisor(a: sympy.Expr, b: sympy.Expr) -> list[Condition]:
    return [("!=", b)]


class Asking:
    """The scalar shelf of `atoms`, on numbers that carry what their making asks for."""

    @staticmethod
    def where(condition: Any, u: Any, v: Any) -> Asked:
        """As the shelf has it: of a known condition one branch counts, of another one both do."""
        c = _plain(condition)
        used = (condition, u if c else v) if c.is_Rational else (condition, u, v)
        return Asked(SCALARS.where(c, _plain(u), _plain(v)), _carried(used))

    def __getattr__(self, name: str) -> Callable[..., Asked]:
        function: Any = getattr(SCALARS, name)
        asks = FUNCTIONS[name].asks

        def run(*operands: Any) -> Asked:
            plain = list(map(_plain, operands))
            return Asked(function(*plain), _carried(operands).union(asks(*plain)))

        return run


ASKING = Asking()


def noted(
    formula: Callable[..., Any], arity: int, into: Callable[[Iterable[Condition]], Any]
) -> Callable[..., Any] | None:
    """A formula that hands on what it asks for; None if it asks for nothing, whatever it is given.

    Parameters
    ----------
    formula : callable
        ``formula(shelf, *scalars)``.
    arity : int
    into : callable
        Gets the conditions of each call.
    """
    blank = [Asked(sympy.Dummy(real=True)) for _ in range(arity)]
    answer = formula(ASKING, *blank)
    if not (isinstance(answer, Asked) and answer.asks):
        return None

    def run(*scalars: Any) -> Any:
        result = formula(ASKING, *map(Asked, scalars))
        into(_carried((result,)))
        return _plain(result)

    return run
