"""How a graph uses the rules of one operation: for which operands, of which outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..abstract import Abstract
from ..primitives import Primitive

__all__ = ["NO_PART", "RULES", "Use", "uses_of"]

# What is claimed of a primitive, and why its rule cannot be decided alone.
RULES = "the VJP rules of {} are its derivatives, for every cotangent"
NO_PART = (
    "a program has in the place of {} what it consists of, so that its own rule takes no part in a proof. "
    "Prove a loss that uses it: the second look pulls the loss itself back, by that rule"
)


@dataclass(frozen=True)
class Use:
    """How a graph uses the rules of one operation.

    Attributes
    ----------
    asked : tuple of int
        The positions of the operands that a cotangent is wanted for.
    outputs : tuple of int
        The outputs that have a cotangent; a joint rule is given None for the others.
    """

    asked: tuple[int, ...]
    outputs: tuple[int, ...]

    def __str__(self) -> str:
        asked, outputs = (", ".join(map(str, part)) for part in (self.asked, self.outputs))
        return f" of outputs {outputs} by operands {asked}"


def uses_of(p: Primitive, operands: Sequence[Any], params: Mapping[str, Any]) -> list[Use]:
    """Uses of fewer than all operands and outputs, each of them alone, and all but each.

    Rules that are joint are told which operands are asked for, and may differ by that.
    """
    result = p.abstract(
        tuple(operands), p.prepare(operands, dict(params)) if p.prepare else dict(params)
    )
    count = len(result) if isinstance(result, tuple) else 1
    floats = [n for n, o in enumerate(operands) if isinstance(o, Abstract) and o.dtype.kind == "f"]
    every = tuple(floats), tuple(range(count))
    found = [Use(part, every[1]) for part in _parts(every[0])]
    return found + [Use(every[0], part) for part in _parts(every[1])]


def _parts(whole: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Each alone, and all but each."""
    if len(whole) < 2:
        return []
    rest = [tuple(n for n in whole if n != one) for one in whole]
    return list(dict.fromkeys([*((n,) for n in whole), *rest]))
