"""Views: made once where what they look at stays where it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import views
from ...program import Application, Var
from .writer import CALLS, Writer


@CALLS(views.broadcast_to, views.slice_, views.flip)
def _view(w: Writer, n: int, step: Application) -> bool:
    v, operand = step.result, step.operands[0]
    if not _of_arrays(step):
        return False
    p, params = step.primitive, dict(step.params)

    def make(array: Any) -> Any:
        return p.forward(array, **params)

    if operand in w.static:
        base = w.namespace[w.names[operand]]
        made = make(base)
        if np.may_share_memory(made, base):
            w.names[v] = w.constant(made, "w")
            w.static.add(v)
            return True
    elif operand in w.fixed:
        leaf_like = np.empty(operand.shape, operand.dtype)
        if np.may_share_memory(make(leaf_like), leaf_like) and w.contiguous(operand):
            name = w.names[v] = w.constant(None, "w")
            w.leaf_views.append((name, make, w.names[operand]))
            w.fixed.add(v)
            return True
    return False


@CALLS(views.transpose)
def _transpose(w: Writer, n: int, step: Application) -> bool:
    if _view(w, n, step):
        return True
    v, (operand,), axes = step.result, step.operands, tuple(step.params["axes"])
    if not _of_arrays(step):
        return False
    turned = ".T" if axes == tuple(range(len(axes)))[::-1] else f".transpose({axes})"
    w.names[v] = f"v{v.number}"
    w.line(f"v{v.number} = {w.name(operand)}{turned}")
    return True


@CALLS(views.reshape)
def _reshape(w: Writer, n: int, step: Application) -> bool:
    if _view(w, n, step):
        return True
    v, (operand,) = step.result, step.operands
    if not _of_arrays(step):
        return False
    w.names[v] = f"v{v.number}"
    w.line(f"v{v.number} = {w.name(operand)}.reshape({v.shape})")
    return True


def _of_arrays(step: Application) -> bool:
    """Whether operand and result are arrays, not numbers."""
    (operand,) = step.operands
    return isinstance(operand, Var) and () not in (step.result.shape, operand.shape)
