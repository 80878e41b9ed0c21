"""Matrix products into buffers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import contractions, losses
from ...ops.arithmetic import subtract
from ...program import Application, Literal, Var
from ...readings import record_of
from ...zeros import has_nan, settled
from .writer import BLAS, CALLS, Writer

_FEW = 1024  # squares that are summed by a product, as in eager
_SUBTRACT = record_of(subtract)


def product(w: Writer, v: Var, a: Any, b: Any, n: int, step: Application) -> str | None:
    """``a @ b`` into a buffer; its name."""
    if len(v.shape) != 2 or len(a.shape) != 2 or v.dtype.char not in BLAS:
        return None
    if not a.dtype == b.dtype == v.dtype:
        return None
    out = w.buffer(v, n, step, over=False)
    w.line(f"dot({w.name(a)}, {w.name(b)}, {out})")
    return out


@CALLS(contractions.matmul)
def _matmul(w: Writer, n: int, step: Application) -> bool:
    a, b = step.operands
    if product(w, step.result, a, b, n, step) is not None:
        return True
    v = step.result
    if isinstance(a, Literal) or isinstance(b, Literal):
        return False
    if v.shape == () or v.dtype.char not in BLAS or not a.dtype == b.dtype == v.dtype:
        return False
    out = w.buffer(v, n, step, over=False)
    w.line(f"matmul({w.name(a)}, {w.name(b)}, {out})")
    return True


@CALLS(contractions.matmul_still)
def _matmul_still(w: Writer, n: int, step: Application) -> bool:
    if not _matmul(w, n, step):
        return False
    a, b = map(w.name, step.operands)
    settle = w.function("settle", _settle)
    w.line(f"{settle}({w.name(step.result)}, {a}, {b}, {step.params['zeros']})")
    return True


@CALLS(contractions.affine)
def _affine(w: Writer, n: int, step: Application) -> bool:
    x, weight, bias = step.operands
    out = product(w, step.result, x, weight, n, step)
    if out is None:
        return False
    w.line(f"add({out}, {w.name(bias)}, {out})")
    return True


@CALLS(losses.squared_distance)
def _squared_distance(w: Writer, n: int, step: Application) -> bool:
    v, (a, b) = step.result, step.operands
    if not (isinstance(a, Var) and isinstance(b, Var)) or not a.dtype == b.dtype == v.dtype:
        return False
    if v.dtype.char not in BLAS:  # float16 is summed in float32
        return False
    # The difference is needed again for the gradient.
    error = np.zeros(np.broadcast_shapes(a.shape, b.shape), v.dtype)
    w.bytes += error.nbytes
    name = w.shared[_SUBTRACT, step.operands] = w.constant(error, "e")
    flat = w.constant(error.reshape(-1), "w")
    w.line(f"subtract({w.name(a)}, {w.name(b)}, {name})")
    w.names[v] = f"v{v.number}"
    if error.size <= _FEW:  # as in eager
        w.line(f"v{v.number} = dot({flat}, {flat})")
    else:
        w.line(f"v{v.number} = add_reduce(square({flat}))")
    return error.size > 0


def _settle(out: Any, a: Any, b: Any, zeros: tuple[int, ...]) -> None:
    """A product in which zeros win, where a plain one is; no more than read where it has no nan."""
    if has_nan(out):
        np.copyto(out, settled(np.matmul, (a, b), zeros))
