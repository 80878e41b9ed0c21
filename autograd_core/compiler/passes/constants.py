"""Constant folding: values that are one known number everywhere become literals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kinds import Elementwise
from ...program import Application, Literal, Program, Var
from .inference import abstract_of, inferred
from .rewriting import Rewriter

__all__ = ["folded"]


def folded(program: Program[Any]) -> Program[Any]:
    """The program with constants computed, and literals in their places.

    A constant array of equal elements (the cotangent 1 / n of a mean, spread over n elements) counts
    as one number wherever elementwise steps use it; its own step stays for those who need the
    array, and goes with the dead code otherwise.
    """
    out = Rewriter(program)
    known: dict[Var, Any] = {}  # of the new program: a NumPy scalar of the value's dtype

    def value(atom: Any) -> Any:
        return atom.value if isinstance(atom, Literal) else known.get(atom)

    for step in program.applications:
        p = step.primitive
        operands = tuple(out.atom(o) for o in step.operands)
        values = [value(o) for o in operands]
        if p.view and values[0] is not None:
            known[out.keep(step).result] = np.asarray(values[0]).astype(step.result.dtype)[()]
            continue
        if not isinstance(p.kind, Elementwise) or p.outputs > 1:
            out.keep(step)
            continue
        if all(v is not None and not hasattr(v, "terms") for v in values):
            with np.errstate(all="ignore"):
                computed = p.forward(*values, **step.params)
            if step.result.weak:
                out.values[step.result] = Literal(float(computed))
                continue
            known[out.keep(step).result] = np.asarray(computed).astype(step.result.dtype)[()]
            continue
        out.keep(_with_literals(out, step, operands, values))
    return out.finish()


def _with_literals(
    out: Rewriter, step: Application, operands: tuple[Any, ...], values: list[Any]
) -> Application:
    """The step with known operands as numbers, if that changes neither its shape nor its dtype."""
    numbers = tuple(
        Literal(v.item()) if isinstance(o, Var) and v is not None and np.isfinite(v) else o
        for o, v in zip(operands, values, strict=True)
    )
    if numbers == operands or step.primitive.converts:
        return step
    try:
        result = inferred(step.primitive, tuple(map(abstract_of, numbers)), step.params)
    except (ValueError, TypeError, OverflowError):
        return step
    same = tuple(result.shape) == step.result.shape and result.dtype == step.result.dtype
    if not same or result.weak != step.result.weak:
        return step
    for o in numbers:  # `keep` asks what stands for each operand
        if isinstance(o, Var):
            out.values.setdefault(o, o)
    return Application(
        step.primitive, numbers, step.params, step.result, step.scope, step.phase, step.line,
        step.backward,
    )  # fmt: skip
