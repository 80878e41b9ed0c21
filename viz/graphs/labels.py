"""The words in a node: what a step does, what its operands are called, what is known of it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from autograd_core.kinds import Reduce
from autograd_core.markup import visible
from autograd_core.program import Application, Literal, Var

from ..drawing.text import number, shorten

__all__ = [
    "arrow_labels",
    "details_of",
    "features",
    "nth",
    "operand_names",
    "size_of",
    "title_of",
]

_INFIX = frozenset("+−×÷<>≤≥=≠@")


def nth(name: str, place: int, many: int) -> str:
    """A name with its number, where there are several."""
    return name if many == 1 else f"{name} {place}"


def features(var: Var | None) -> str:
    """Sizes of one example: the axes after the first."""
    if var is None or len(var.shape) < 2:
        return ""
    return " × ".join(visible(n) for n in var.shape[1:])


def arrow_labels(step: Application, operands: list[tuple[int, Var]]) -> list[str]:
    """Operands' names for the arrows, where order matters and the tokens do not tell it."""
    nameless = [""] * len(operands)
    if len(operands) < 2 or step.primitive.commutes:
        return nameless
    names = operand_names(step)
    labels = []
    for place, var in operands:
        own = (var.name or "").rpartition(".")[2] if var.role in ("parameter", "buffer") else ""
        name = names[place] if len(names[place]) <= 5 else names[place][:4] + "…"
        labels.append("" if own == names[place] else name)
    return labels if sum(map(bool, labels)) > 1 else nameless


def size_of(var: Var) -> int:
    """How many elements a value has; 0 while a size is a symbol."""
    total: Any = 1
    for n in var.shape:
        total = total * n
    return total if isinstance(total, int) else 0


def details_of(step: Application) -> list[tuple[str, str]]:
    """Everything known of a step besides its value."""
    details = [("operation", step.primitive.name)]
    details += [(str(key), shorten(value, 80)) for key, value in step.params.items()]
    if step.scope:
        details.append(("scope", visible(shorten("/".join(step.scope), 120))))
    if step.phase is not None:
        details.append(("backward of", step.phase.letter))
    if step.line:
        details.append(("line", shorten(step.line, 120)))
    return details


def operand_names(step: Application) -> list[str]:
    """The operands' names in the primitive's declaration; numbers where there are none."""
    try:
        names = list(inspect.signature(step.primitive.function).parameters)[: len(step.operands)]
    except (TypeError, ValueError):
        names = []
    if step.primitive.variadic or len(names) < len(step.operands):
        return [str(k + 1) for k in range(len(step.operands))]
    return names


def title_of(step: Application) -> str:
    """What stands first in a step's node: "tanh", "a − b", "x + 1e−05", "Σ axis 0", "u = a ÷ b"."""
    primitive = step.primitive
    try:
        label = primitive.label.format(**step.params)
    except (IndexError, KeyError, ValueError):
        label = primitive.name
    literals = [o for o in step.operands if isinstance(o, Literal)]
    if label in _INFIX and len(step.operands) == 2:
        if literals:
            drawn = step.result.role == "dropout mask" and any(
                isinstance(o, Var) and o.dtype == np.uint32 for o in step.operands
            )
            parts = [_share(o) if drawn else _operand_text(o, "x") for o in step.operands]
            label = f"{parts[0]} {label} {parts[1]}"
        elif not primitive.commutes or step.result.name:
            names = operand_names(step)
            label = f"{names[0]} {label} {names[1]}"
    elif literals:
        label = f"{label}({', '.join(_operand_text(o, '·') for o in step.operands)})"
    if isinstance(primitive.kind, Reduce):
        axes = step.params.get("axis")
        every_axis = step.operands and axes == tuple(
            range(len(getattr(step.operands[0], "shape", ())))
        )
        if axes is not None and not every_axis:
            label += f" axis {', '.join(map(str, np.atleast_1d(axes)))}"
    elif "axis" in step.params and "{axis}" not in primitive.label:
        label += f" axis {step.params['axis']}"
    name = step.result.role if step.result.role == "dropout mask" else step.result.name
    return shorten(
        f"{name}: {label}" if name == "dropout mask" else f"{name} = {label}" if name else label, 44
    )


def _share(operand: Var | Literal) -> str:
    """A threshold for random bits as a share of all 2³²: the probability to keep."""
    if isinstance(operand, Literal) and type(operand.value) is int:
        return f"{operand.value / 2**32:.3g} · 2³²"
    return _operand_text(operand, "bits")


def _operand_text(operand: Var | Literal, stand_in: str) -> str:
    if isinstance(operand, Var):
        return stand_in
    value = operand.value
    return number(value) if isinstance(value, (bool, int, float)) else visible(value)
