"""What a verdict is about, as plain data: for checkers that share no code with the prover.

A statement is what was handed to the prover, before any of it was read as an expression: Programs,
step by step, or the two sides of an equation. `gradproof.checker` reads it, and so may anybody: it
is JSON, and its form is described here.

- ``{"question": "gradient", "forward": program, "combined": program, "wrt": [input numbers]}``: the
  outputs of ``combined`` are the value and its gradients by ``wrt``.
- ``{"question": "equal", "left": program, "right": program}``: of the same inputs.
- ``{"question": "equation", "sides": {name: [left, right]}, "symbols": …, "at": …}``: nodes in
  ``nodes``, by number; what is written at ``at`` was asked for there alone.
- ``{"question": "all", "parts": {name: statement}}``.

A program has ``inputs`` and ``captures`` (name, shape, dtype; values where they are no reals),
``steps`` ``[primitive, operands, params, result]`` and ``outputs``. An operand is the number of a
value or ``{"value": …}``. Sizes with names are ``{"dim": [[coefficient, name, …], …]}``, floats
``{"float": "0.1"}``, what stands between brackets ``{"index": […]}``. ``facts`` are ``[input, axis, sum]``, ``decimal`` says that float constants are
the decimals that were written rather than any numbers above 0. ``bounds``, if there are any, are
polynomials in sizes: it is said of those sizes at which they are 0 or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from ..program import Literal, Program
from ..shapes import Dim
from .exact import is_number
from .sizes import bounds_of

__all__ = ["Statement", "all_of", "equal", "equation", "gradient"]


@dataclass(frozen=True)
class Statement:
    """What is said, written out when it is asked for.

    Attributes
    ----------
    write : callable
        Gives the statement as JSON has it.
    """

    write: Callable[[], dict[str, Any]]

    def plain(self) -> dict[str, Any]:
        """The statement as JSON has it."""
        return self.write()


def gradient(
    forward: Program[Any],
    combined: Program[Any],
    wrt: Sequence[int],
    facts: Iterable[Any] = (),
    decimal: bool = False,
) -> Statement:
    """That outputs 1, 2, … of ``combined`` are the derivatives of ``forward``, output 0, by ``wrt``."""

    def write() -> dict[str, Any]:
        writer = _Writer()
        return {
            "question": "gradient",
            "forward": writer.program(forward),
            "combined": writer.program(combined),
            "wrt": list(wrt),
            "facts": _facts(facts, forward),
            "decimal": decimal,
        } | writer.bounds((forward, combined))

    return Statement(write)


def equal(
    left: Program[Any], right: Program[Any], facts: Iterable[Any] = (), decimal: bool = False
) -> Statement:
    """That two programs of the same inputs have the same outputs."""

    def write() -> dict[str, Any]:
        writer = _Writer()
        return {
            "question": "equal",
            "left": writer.program(left),
            "right": writer.program(right),
            "facts": _facts(facts, left),
            "decimal": decimal,
        } | writer.bounds((left, right))

    return Statement(write)


def equation(
    left: Mapping[str, sympy.Expr], right: Mapping[str, sympy.Expr], at: Mapping[Any, Any]
) -> Statement:
    """That the sides of each equation are equal, or are not ``at`` a point."""

    def write() -> dict[str, Any]:
        nodes: list[Any] = []
        numbers: dict[sympy.Basic, int] = {}

        def number(e: sympy.Basic) -> int:
            stack = [e]
            while stack:
                top = stack[-1]
                missing = [a for a in top.args if a not in numbers]
                if top in numbers or not missing:
                    stack.pop()
                    if top not in numbers:
                        numbers[top] = len(nodes)
                        nodes.append(_node(top, [numbers[a] for a in top.args]))
                else:
                    stack.extend(missing)
            return numbers[e]

        sides = {name: [number(left[name]), number(right[name])] for name in left}
        symbols = [e for e in numbers if isinstance(e, sympy.Symbol)]
        return {
            "question": "equation",
            "nodes": nodes,
            "sides": sides,
            "symbols": {s.name: _assumed(s) for s in sorted(symbols, key=lambda s: s.name)},
            "at": {str(s): str(v) for s, v in at.items()},
        }

    return Statement(write)


def all_of(parts: Mapping[str, Any]) -> Statement:
    """Several statements together; verdicts or statements, by name."""

    def write() -> dict[str, Any]:
        found = {k: getattr(v, "statement", v) for k, v in parts.items()}
        return {
            "question": "all",
            "parts": {k: v.plain() for k, v in found.items() if v is not None},
        }

    return Statement(write)


def _assumed(s: sympy.Symbol) -> list[str]:
    return [name for name in ("integer", "positive", "nonnegative") if getattr(s, f"is_{name}")]


def _node(e: sympy.Basic, operands: list[int]) -> list[Any]:
    if isinstance(e, sympy.Symbol):
        return ["symbol", e.name]
    if e.is_Rational:
        return ["number", str(e)]
    return [type(e).__name__, *operands] if operands else ["constant", str(e)]


def _facts(facts: Iterable[Any], program: Program[Any]) -> list[Any]:
    names: list[str] = []
    for v in program.inputs:
        name = v.name or v.letter
        while name in names:  # as the prover names them
            name += "'"
        names.append(name)
    return [[names.index(name), fact.axis, str(fact.value)] for name, fact in facts]


class _Writer:
    """Writes the programs of one statement; a captured tensor has one number in all of them."""

    def __init__(self) -> None:
        self._tensors: dict[int, int] = {}

    def program(self, program: Program[Any]) -> dict[str, Any]:
        numbers: dict[Any, int] = {}

        def value(o: Any) -> Any:
            return {"value": self.value(o.value)} if isinstance(o, Literal) else numbers[o]

        for v in (*program.inputs, *(v for v, _ in program.captures)):
            numbers[v] = len(numbers)
        steps = []
        for step in program:
            operands = [value(o) for o in step.operands]
            params = {k: self.value(p) for k, p in sorted(step.params.items())}
            numbers[step.result] = len(numbers)
            steps.append([step.primitive.name, operands, params, str(step.result.dtype)])
        return {
            "inputs": [self._array(v) for v in program.inputs],
            "captures": [self._array(v) | self._captured(t) for v, t in program.captures],
            "steps": steps,
            "outputs": [value(o) for o in program.outputs],
        }

    def bounds(self, programs: Sequence[Program[Any]]) -> dict[str, Any]:
        """What has to be 0 or more at the sizes that are spoken of, if anything has."""
        found = [self.value(b) for b in bounds_of(programs)]
        return {"bounds": found} if found else {}

    def _array(self, v: Any) -> dict[str, Any]:
        found = {
            "name": v.name or v.letter,
            "shape": [self.value(n) for n in v.shape],
            "dtype": str(v.dtype),
        }
        return found | ({"role": v.role} if v.role else {})

    def _captured(self, tensor: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"tensor": self._tensors.setdefault(id(tensor), len(self._tensors))}
        values = np.asarray(tensor.detach())
        if values.dtype.kind in "biu":
            found["values"] = values.tolist()
        elif is_number(tensor):
            found["number"] = {"float": repr(values.item())}
        return found

    def value(self, value: Any) -> Any:
        """A size, number or param."""
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, Dim):
            return {"dim": [[c, *names] for names, c in value.terms.items()]}
        if isinstance(value, float):
            return {"float": repr(value)}
        if isinstance(value, (tuple, list)):
            return [self.value(v) for v in value]
        if isinstance(value, slice):
            return {"slice": [self.value(v) for v in (value.start, value.stop, value.step)]}
        if hasattr(value, "entries"):  # an index, "#" where index arrays go
            return {"index": [self.value(e) for e in value.entries]}
        if isinstance(value, Program):
            return {"program": self.program(value)}
        if isinstance(value, (np.integer, np.bool_)):
            return value.item()
        try:
            return {"dtype": str(np.dtype(value))}
        except TypeError:
            return {"other": type(value).__name__, "text": str(value)}
