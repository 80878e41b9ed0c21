"""Quotients by what is the same along the innermost axis as products with its reciprocal.

A division takes as long as eight products. ``x / c`` becomes ``x · (1 / (c s)) · s`` with s a power of two: 1, but for
c so small or so large that its reciprocal is no normal number. The result is rounded twice in place of once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....ops import arithmetic
from ....program import Literal
from ....readings import record_of
from ...kernels import Compute, Fold, Load, Store, operation
from .axes import Axes, Statement

__all__ = ["divide_once"]

_DIVIDE, _MULTIPLY = record_of(arithmetic.divide), record_of(arithmetic.multiply)
_SCALE, _RECIPROCAL = operation("scale"), operation("reciprocal")


def divide_once(axes: Axes) -> None:
    """Put products in the places of such quotients, and what reads them on new statements."""
    if not axes.sizes:
        return
    body: list[Statement] = []
    uniform: set[Statement] = set()  # the same along the innermost axis
    instead: dict[Statement, Statement] = {}

    def is_uniform(value: Any) -> bool:
        return isinstance(value, Literal) or value in uniform

    def make(primitive: Any, operands: tuple[Any, ...], like: Compute) -> Compute:
        computed = Compute(primitive, operands, {}, like.dtype, False, like.working)
        body.append(computed)
        return computed

    for original in axes.body:
        statement = original
        if isinstance(statement, Compute):
            statement = _on(instead, statement)
            if all(map(is_uniform, statement.operands)):
                uniform.add(statement)
            elif (
                statement.primitive is _DIVIDE
                and not isinstance(statement.operands[1], Literal)
                and is_uniform(statement.operands[1])
            ):
                x, c = statement.operands
                scale = make(_SCALE, (c,), statement)
                inverse = make(_RECIPROCAL, (c,), statement)
                uniform.update((scale, inverse))
                scaled = make(_MULTIPLY, (x, inverse), statement)
                instead[original] = make(_MULTIPLY, (scaled, scale), statement)
                continue
        elif (
            isinstance(statement, Load)
            and not statement.dynamic
            and axes.strides[statement][-1] == 0
        ):
            uniform.add(statement)
        elif isinstance(statement, (Load, Store, Fold)):
            statement = _on(instead, statement)
            axes.strides[statement] = axes.strides[original]
        body.append(statement)
    axes.body = body


def _on(instead: dict[Statement, Statement], statement: Any) -> Any:
    """A statement on what stands for its operands; itself where nothing does."""

    def new(value: Any) -> Any:
        return instead.get(value, value)

    changes: dict[str, Any] = {}
    if isinstance(statement, Compute):
        changes["operands"] = tuple(map(new, statement.operands))
    else:
        if isinstance(statement, (Store, Fold)):
            changes["value"] = new(statement.value)
        if isinstance(statement, (Load, Store)):
            changes["dynamic"] = tuple((new(v), s, n) for v, s, n in statement.dynamic)
    if all(getattr(statement, name) == now for name, now in changes.items()):
        return statement
    replaced = replace(statement, **changes)
    instead[statement] = replaced
    return replaced
