"""Loops, calls and random bits on symbols."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kinds import Call, Loop, Random
from ...primitives import Primitive
from ...shapes import Dim
from ..exact import EXACT, SYMBOLIC, Exact, unsupported
from ..indexed import INDEXED

INDEXED.absent(Loop, reason="it is a loop, whose iterations are a number of steps")
INDEXED.absent(Random, reason="the evaluator takes a symbol for it")
for _reading in (INDEXED, EXACT):
    _reading.absent(Call, reason="programs write its body out before they are read")


@EXACT.kind(Random)
def _bits(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    key, counter = (np.asarray(o) for o in operands)
    return ev.symbols.random(key, counter, tuple(params["shape"]))


@EXACT.kind(Loop)
def _loop(ev: Exact, p: Primitive, operands: tuple[Any, ...], params: Any) -> tuple[Any, ...]:
    """One iteration after the other."""
    body, length = params["body"], params["length"]
    if isinstance(length, Dim):
        raise unsupported(p, f"its length {length} is not a number")
    first = params["consts"]
    split = first + params["carries"]
    carried = list(operands[first:split])
    rows: list[Any] = [None] * length
    for t in reversed(range(length)) if params["reverse"] else range(length):
        slices = [np.asarray(x)[t, ...] for x in operands[split:]]
        values = body.fold(ev, *operands[:first], *carried, *slices)
        outputs = [np.asarray(values[o]) for o in body.outputs]
        carried, rows[t] = outputs[: len(carried)], outputs[len(carried) :]
    shapes = [o.shape for o in body.outputs[len(carried) :]]
    ys = [np.stack(column) for column in zip(*rows, strict=True)] if length else [
        np.empty((0, *shape), SYMBOLIC) for shape in shapes
    ]  # fmt: skip
    return (*carried, *ys)
