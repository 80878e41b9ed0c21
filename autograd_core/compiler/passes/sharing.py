"""Common subexpressions are computed once, and what nobody needs is not computed."""

from __future__ import annotations

from typing import Any

from ...program import Literal, Program
from .rewriting import Rewriter

__all__ = ["alive", "shared"]


def shared(program: Program[Any]) -> Program[Any]:
    """The program with equal steps written once.

    Primitives are pure, random bits included: they are a function of key and counter.
    """
    out = Rewriter(program)
    seen: dict[Any, Any] = {}
    for step in program.applications:
        if step.primitive.same:
            out.values[step.result] = out.atom(step.operands[0])
            continue
        operands = tuple(
            _exactly(o.value) if isinstance(o, Literal) else id(out.atom(o)) for o in step.operands
        )
        params = tuple([(name, *_exactly(value)) for name, value in step.params.items()])
        key: Any = (step.primitive.name, operands, params)
        try:
            earlier = seen.get(key)
        except TypeError:  # a param that cannot be looked up
            out.keep(step)
            continue
        if earlier is None:
            seen[key] = out.keep(step).result
        else:
            out.values[step.result] = earlier
    return out.finish()


def _exactly(value: Any) -> tuple[Any, Any]:
    """What tells a value from all others: 0.0 is equal to -0.0, to 0 and to False."""
    return type(value), repr(value) if type(value) is float else value


def alive(program: Program[Any]) -> Program[Any]:
    """The program without the steps whose results are not used."""
    needed = {*program.outputs, *(value for _, value in program.writes)}
    kept = []
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(step.operands)
            kept.append(step)
    out = Rewriter(program)
    for step in reversed(kept):
        out.keep(step)
    return out.finish()
