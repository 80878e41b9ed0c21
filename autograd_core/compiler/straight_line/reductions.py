"""Sums, maxima, and the log-sum-exp that a loss shares with its gradient."""

from __future__ import annotations

import numpy as np

from ...ops import losses, reductions
from ...program import Application, Var
from ...readings import record_of
from .writer import BLAS, CALLS, Writer

_ROWS = 4096  # columns are summed by a product with so many ones at most, as in the eager walk
_TOTALS = "log-sum-exp of the rows"  # of which a loss has computed, for its gradient
_LOGSUMEXP = record_of(reductions.logsumexp)


@CALLS(reductions.sum)
def _sum(w: Writer, n: int, step: Application) -> bool:
    (x,), axis = step.operands, step.params["axis"]
    v = step.result
    if not isinstance(x, Var) or x.dtype != v.dtype or v.dtype.char not in BLAS:
        return False
    if v.shape == ():
        w.names[v] = f"v{v.number}"
        w.line(f"v{v.number} = add_reduce({w.name(x)}, None)")
        return True
    out = w.buffer(v, n, step, over=False)
    if (
        len(x.shape) == 2
        and axis == (0,)
        and 0 < x.shape[0] <= _ROWS
        and len(v.shape) == 1
        and v.dtype.char in BLAS
    ):
        ones = w.filled(1, x.shape[0], v.dtype)
        w.line(f"dot({ones}, {w.name(x)}, {out})")
        return True
    _reduced(w, "add", x, step, out)
    return True


def _reduced(w: Writer, ufunc: str, x: Var, step: Application, out: str) -> None:
    axis, keepdims = step.params["axis"], step.params["keepdims"]
    if (
        x.dtype.char in BLAS
        and x.dtype == step.result.dtype
        and reductions.has_short_rows(x.shape, axis)
    ):
        into = w.function("f_folded_into", reductions.folded_into)
        w.line(f"{into}({out}, {ufunc}, {w.name(x)}, {axis}, {keepdims})")
        return
    along = axis[0] if len(axis) == 1 else axis
    w.line(f"{ufunc}_reduce({w.name(x)}, {along}, None, {out}, {keepdims})")


@CALLS(reductions.max)
def _max(w: Writer, n: int, step: Application) -> bool:
    (x,) = step.operands
    v = step.result
    if v.shape == () or not isinstance(x, Var):
        return False
    out = w.buffer(v, n, step, over=False)
    _reduced(w, "maximum", x, step, out)
    return True


@CALLS(losses.softmax_cross_entropy)
def _softmax_cross_entropy(w: Writer, n: int, step: Application) -> bool:
    v, (logits, labels) = step.result, step.operands
    if not (isinstance(logits, Var) and isinstance(labels, Var)):
        return False
    if logits.dtype.char not in BLAS:
        return False
    total = w.shared[_TOTALS, (logits,)] = f"v{v.number}_total"
    rows = w.constant(np.arange(v.shape[0]), "rows")
    forward = w.function("f_logsumexp", _LOGSUMEXP.forward)
    w.names[v] = f"v{v.number}"
    w.line(f"{total} = {forward}({w.name(logits)}, axis=(1,), keepdims=True)")
    chosen = f"{w.name(logits)}[{rows}, {w.name(labels)}]"
    w.line(f"v{v.number} = {total}.reshape(-1) - {chosen}")
    return True


@CALLS(reductions.logsumexp)
def _logsumexp(w: Writer, n: int, step: Application) -> bool:
    (x,) = step.operands
    total = w.shared.get((_TOTALS, (x,)))
    same = total is not None and step.params["axis"] == (1,) and step.params["keepdims"]
    if same and step.result not in w.assigned:
        w.names[step.result] = total  # type: ignore[assignment]
        return True
    return False
