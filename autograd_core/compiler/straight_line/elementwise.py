"""Elementwise steps that are no single ufunc."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import arithmetic, piecewise
from ...program import Application, Literal, Var
from ...readings import record_of
from ...zeros import has_nan
from .writer import CALLS, Writer

_STILL, _XDIVY = record_of(arithmetic.still), record_of(arithmetic.xdivy)


@CALLS(piecewise.cast)
def _cast(w: Writer, n: int, step: Application) -> bool:
    v, (x,) = step.result, step.operands
    if v.shape == () or not isinstance(x, Var):
        return False
    if x.dtype.kind == "f" and v.dtype.kind in "iu":  # not all fit
        return False
    out = w.buffer(v, n, step, over=False)
    w.line(f"copyto({out}, {w.name(x)}, 'unsafe')")
    return True


@CALLS(piecewise.where)
def _where(w: Writer, n: int, step: Application) -> bool:
    v, (condition, a, b) = step.result, step.operands
    if v.shape == () or not isinstance(condition, Var) or condition.dtype != np.bool_:
        return False
    # Written in two parts, so over no operand.
    out = w.buffer(v, n, step, over=False)
    w.line(f"copyto({out}, {w.name(b)}, 'unsafe')")
    w.line(f"copyto({out}, {w.name(a)}, 'unsafe', {w.name(condition)})")
    return True


@CALLS(piecewise.relu)
def _relu(w: Writer, n: int, step: Application) -> bool:
    v, (x,) = step.result, step.operands
    if v.shape == ():
        return False
    out = w.buffer(v, n, step, over=True)
    w.line(f"maximum({w.name(x)}, 0, out={out})")
    return True


@CALLS(arithmetic.xdivy)
def _xdivy(w: Writer, n: int, step: Application) -> bool:
    v, (a, b) = step.result, step.operands
    if v.shape == ():
        return False
    if isinstance(b, Literal) and b.value != 0:
        out = w.buffer(v, n, step, over=True)
        w.line(f"divide({w.name(a)}, {w.name(b)}, {out})")
        return True
    if not isinstance(b, Var) or b.weak:
        return False
    out = w.buffer(v, n, step, over=False)
    over, under = w.name(a), w.name(b)
    xdivy = w.function("xdivy", _XDIVY.forward)
    w.line(f"if {under}.all(): divide({over}, {under}, {out})")
    w.line(f"else: copyto({out}, {xdivy}({over}, {under}))")
    return True


@CALLS(arithmetic.still)
def _still(w: Writer, n: int, step: Application) -> bool:
    v, (part, by) = step.result, step.operands
    if v.shape == () or not (isinstance(part, Var) and isinstance(by, Var)):
        return False
    out = w.buffer(v, n, step, over=True)
    put = w.function("put_still", _put_still)
    w.line(f"{put}({w.name(part)}, {w.name(by)}, {out})")
    return True


def _put_still(part: Any, by: Any, out: Any) -> None:
    """`still` into memory that may be that of an operand; no more than read where there is no nan."""
    if has_nan(part):
        np.copyto(out, _STILL.forward(part, by))
    elif out is not part:
        np.copyto(out, part)
