"""The letter of a value that has no name, by the primitive that made it.

A formula that stops at values needs letters for them: a for what a layer makes of its input, p for a
softmax, s for a root. What reads better written out (a sum, a product, a view) has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from ...kinds import Contract, Elementwise, Reduce
from ...ops import arithmetic, elementary, piecewise, reductions
from ...program import Application, Var
from ...readings import Reading, record_of
from ..indexed import IndexedArray
from ..places import size_of

__all__ = ["LETTERED", "Largest", "Letter", "value_letter"]

Forward = Mapping[Var, Application]


class Largest(sympy.Function):  # type: ignore[misc]
    """The largest term of what is written as a sum: only in the definition of a value."""

    nargs = 1


@dataclass(frozen=True)
class Letter:
    """What the results of a primitive are called.

    Attributes
    ----------
    text : str
        Empty: they are written out.
    unless : callable, optional
        A step, and what the program's other values are made of, to another letter or nothing.
    positive : bool
        Whether all results are positive.
    shown : callable, optional
        The operand's element and the params to a definition that reads better than the evaluator's.
    """

    text: str = ""
    unless: Callable[[Application, Forward], str] | None = None
    positive: bool = False
    shown: Callable[[IndexedArray, Mapping[str, Any]], sympy.Expr] | None = None

    def __call__(self, step: Application, forward: Forward) -> str:
        """The letter of this step's result."""
        return (self.unless(step, forward) if self.unless is not None else "") or self.text


LETTERED: Reading[Letter] = Reading("letters", optional=True)


def value_letter(step: Application, forward: Forward) -> str:
    """A letter for a value that has no name; none where it is better written out."""
    letter = LETTERED.of(step.primitive)
    if letter is None or step.primitive.outputs > 1:
        return ""
    if step.result.dtype.kind != "f" or step.result.weak:
        return ""
    return letter(step, forward)


# --- the letters ----------------------------------------------------------------------------------

_LOGSUMEXP = record_of(reductions.logsumexp)


def _softmax(step: Application, forward: Forward) -> str:
    """P for exp(z - logsumexp(z))."""
    inner = forward.get(step.operands[0]) if isinstance(step.operands[0], Var) else None
    last = inner.operands[-1] if inner is not None else None
    made = forward.get(last) if isinstance(last, Var) else None
    return "p" if made is not None and made.primitive is _LOGSUMEXP else ""


def _standardized(step: Application, forward: Forward) -> str:
    """U for what is divided by an array."""
    below = step.operands[1]
    return "u" if isinstance(below, Var) and below.shape else ""


def _largest(x: IndexedArray, params: Mapping[str, Any]) -> sympy.Expr:
    """The largest of the elements themselves, not the one at the label of the largest."""
    folded = [x.indices[a] for a in params["axis"] if x.indices[a] is not None]
    return Largest(sympy.Sum(x.body, *((k, 0, size_of(k) - 1) for k in folded)))


LETTERED.kind(Contract)(Letter("a"))
LETTERED.kind(Elementwise, Reduce)(Letter("h"))
LETTERED(elementary.exp)(Letter("e", unless=_softmax, positive=True))
LETTERED(elementary.log)(Letter("l"))
LETTERED(elementary.sqrt)(Letter("s", positive=True))
LETTERED(reductions.max)(Letter("m", shown=_largest))
LETTERED(reductions.sum)(Letter("S"))
LETTERED(arithmetic.divide)(Letter(unless=_standardized))
LETTERED(
    arithmetic.add, arithmetic.subtract, arithmetic.multiply, arithmetic.negative,
    arithmetic.square, arithmetic.power, arithmetic.xdivy, piecewise.cast, reductions.logsumexp,
)(Letter())  # fmt: skip
