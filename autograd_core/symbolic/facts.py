"""Facts that a proof may use, declared by name and listed in its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from ..errors import ConfigError
from ..tensors import Tensor

__all__ = ["Facts", "SumsTo", "contradiction", "solved", "sums_to", "sums_to_one"]


@dataclass(frozen=True)
class SumsTo:
    """An array's sum over an axis is the same number everywhere.

    Attributes
    ----------
    array : Tensor or str
        A leaf, or the name of an input.
    axis : int
    value : int
    """

    array: Any
    axis: int
    value: int

    def __str__(self) -> str:
        name = self.array if isinstance(self.array, str) else self.array.name or "an array"
        return f"{name} sums to {self.value} over axis {self.axis}"


# Facts of a program's inputs, each with the name that the input has in the proof.
Facts = Sequence[tuple[str, SumsTo]]


def contradiction(shape: Sequence[Any], facts: Sequence[SumsTo]) -> str:
    """Why facts of one array cannot hold together; empty if they can.

    They can if they give the array one mean, whichever axis is summed: then the array that is this
    mean everywhere is one for which all of them hold.
    """
    for n, a in enumerate(facts):
        for b in facts[:n]:
            if a.axis == b.axis and a.value != b.value:
                return f"{b}, and {a}"
            if a.value * shape[b.axis] != b.value * shape[a.axis]:
                return (
                    f"{b}, and {a}: in all that is {b.value}·{shape[a.axis]} or "
                    f"{a.value}·{shape[b.axis]}"
                )
    return ""


def solved(facts: Facts, inputs: Mapping[str, Any]) -> dict[sympy.Symbol, sympy.Expr]:
    """What facts say of arrays of symbols, solved: some elements, in terms of all others.

    Of a single fact these are the last along its axis. The facts are known not to contradict one
    another.
    """
    rows: dict[sympy.Symbol, tuple[dict[sympy.Symbol, Fraction], Fraction]] = {}
    for name, fact in facts:
        lines = np.moveaxis(inputs[name], fact.axis, -1)
        for index in np.ndindex(*lines.shape[:-1]):
            total, value = dict.fromkeys(lines[index], Fraction(1)), Fraction(fact.value)
            while held := [s for s in total if s in rows]:
                value = _without(held[0], total, value, rows)
            if total:  # otherwise the others say it already
                last = list(total)[-1]
                c = total.pop(last)
                rows[last] = {s: -d / c for s, d in total.items()}, value / c
    for last in reversed(rows):
        row, value = rows[last]
        for s in [s for s in row if s in rows]:
            value = _without(s, row, value, rows, -1)
        rows[last] = row, value
    return {
        s: sympy.Add(_rational(value), *(_rational(c) * t for t, c in row.items()))
        for s, (row, value) in rows.items()
    }


def _without(
    s: sympy.Symbol,
    total: dict[sympy.Symbol, Fraction],
    value: Fraction,
    rows: Mapping[sympy.Symbol, tuple[dict[sympy.Symbol, Fraction], Fraction]],
    side: int = 1,
) -> Fraction:
    """Write a sum without ``s``, which a row gives; the new right-hand side, or constant for -1."""
    c = total.pop(s)
    row, constant = rows[s]
    for t, d in row.items():
        total[t] = total.get(t, Fraction(0)) + c * d
        if not total[t]:
            del total[t]
    return value - side * c * constant


def _rational(value: Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)


def sums_to(array: Tensor | str, axis: int, value: int) -> SumsTo:
    """The fact that ``array`` sums to ``value`` over ``axis``.

    Parameters
    ----------
    array : Tensor or str
        A leaf that the statement is made of, or the name of an input of a function.
    axis : int
    value : int

    Raises
    ------
    ConfigError
        If the array has no such axis, or is computed.
    """
    if not isinstance(array, (Tensor, str)):
        raise ConfigError(
            "sums_to", f"expected a leaf, or the name of an input; received {type(array).__name__}."
        )
    for what, n in (("axis", axis), ("value", value)):
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            raise ConfigError(
                "sums_to", f"expected a whole number as the {what}; received {n!r:.40}."
            )
    axis, value = int(axis), int(value)
    if isinstance(array, Tensor):
        if array._op is not None:
            raise ConfigError(
                "sums_to",
                "expected a leaf; received a computed tensor. State the fact of what it is "
                "computed from, or prove it with prove.equal.",
            )
        if not -array.ndim <= axis < array.ndim:
            raise ConfigError("sums_to", f"axis {axis} is not among the {array.ndim} of the array.")
        axis %= array.ndim
    return SumsTo(array, axis, value)


def sums_to_one(array: Tensor | str, axis: int) -> SumsTo:
    """The fact that ``array`` sums to 1 over ``axis``: rows of probabilities, one-hot labels."""
    return sums_to(array, axis, 1)
