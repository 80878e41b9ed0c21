"""The reading for vmap: what its rules are given, and those that hold for whole kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...abstract import Abstract
from ...errors import CaptureError
from ...kinds import Call, Elementwise, Loop, Reduce, Scan
from ...ops import concatenate
from ...ops.views import Index
from ...primitives import Primitive, apply
from ...readings import Reading
from ...shapes import Dim
from ...shelves import ARRAYS, Shelf
from ...tensors import Tensor, leaf

__all__ = [
    "BATCHED",
    "WHOLE",
    "Rule",
    "Value",
    "aligned",
    "along",
    "as_batches",
    "batch",
    "call",
    "moved",
    "one_by_one",
    "rank_of",
    "spread",
]

# A value, and whether its axis 0 is the mapped one. Of a primitive with several outputs: a tuple of
# each.
Value: TypeAlias = tuple[Any, Any]
WHOLE = ("slice", None, None, None)

# rule(xp, primitive, values, whether each has the mapped axis, params, size) to the result, which has the
# axis in front; of a loop or a call to the results and whether each has.
Rule: TypeAlias = Callable[[Shelf, Primitive, list[Any], list[bool], Any, Any], Any]

BATCHED: Reading[Rule] = Reading("vmap")


def batch(xp: Shelf, p: Primitive, operands: Sequence[Value], params: Any, size: Any) -> Value:
    """A primitive of operands of which some have the mapped axis in front."""
    values, flags = [v for v, _ in operands], [f for _, f in operands]
    if not any(flags):
        found = call(xp, p, values, params)
        return found, ((False,) * len(found) if type(found) is tuple else False)
    rule = BATCHED.of(p) or one_by_one
    found = rule(xp, p, values, flags, params, size)
    if type(p.kind) in (Call, Loop):
        return found
    return found, ((True,) * len(found) if type(found) is tuple else True)


def call(xp: Shelf, p: Primitive, operands: Sequence[Any], params: Any) -> Any:
    """A primitive by name on a shelf."""
    if xp is ARRAYS:
        return p.forward(*operands, **params)
    return apply(p, tuple(operands), params)


def spread(xp: Shelf, x: Any, size: Any) -> Any:
    """A value without the mapped axis, repeated along it."""
    return xp.broadcast_to(x, shape=(size, *x.shape))


def rank_of(x: Any, batched: bool) -> int:
    """The rank of an operand without the mapped axis."""
    return len(getattr(x, "shape", ())) - batched


def aligned(xp: Shelf, x: Any, rank: int) -> Any:
    """A batch with axes of size 1 put in, so that without the mapped axis it has ``rank``."""
    shape = x.shape
    missing = rank + 1 - len(shape)
    return xp.reshape(x, shape=(shape[0], *(1,) * missing, *shape[1:])) if missing > 0 else x


def as_batches(xp: Shelf, xs: list[Any], flags: list[bool], size: Any) -> list[Any]:
    """All operands as batches."""
    return [x if f else spread(xp, x, size) for x, f in zip(xs, flags, strict=True)]


@BATCHED.kind(Elementwise)
def _elementwise(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    rank = max(rank_of(x, f) for x, f in zip(xs, flags, strict=True))
    return call(
        xp, p, [aligned(xp, x, rank) if f else x for x, f in zip(xs, flags, strict=True)], params
    )


def moved(params: Any, size: Any) -> Any:
    """Params of views, reductions, scans and gathers with an axis in front."""
    found = dict(params)
    if "axis" in found:
        axis = found["axis"]
        found["axis"] = tuple(a + 1 for a in axis) if isinstance(axis, tuple) else axis + 1
    if "axes" in found:
        found["axes"] = (0, *(a + 1 for a in found["axes"]))
    if "shape" in found:
        found["shape"] = (size, *found["shape"])
    if "index" in found:
        found["index"] = Index((WHOLE, *found["index"].entries))
    return found


@BATCHED.kind(Reduce, Scan)
def along(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    """The primitive itself, with its params moved on by one."""
    return call(xp, p, as_batches(xp, xs, flags, size), moved(params, size))


def one_by_one(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    """Each row by itself, and the results joined: for what has no rule of its own."""
    if isinstance(size, Dim):
        raise CaptureError(
            "vmap",
            f"{p.name} is run row by row, and the mapped size {size} is symbolic. Expected a "
            "number of rows; trace with arrays of fixed shape.",
        )
    if size == 0:
        ones = [Abstract(x.shape[1:], x.dtype) if f else x for x, f in zip(xs, flags, strict=True)]
        ones = [o._value if type(o) is Tensor else o for o in ones]
        abstract = p.abstract(tuple(ones), params)
        empty = [
            np.zeros((0, *part.shape), part.dtype)
            for part in (abstract if type(abstract) is tuple else (abstract,))
        ]
        parts = empty if xp is ARRAYS else [leaf(e) for e in empty]
        return tuple(parts) if type(abstract) is tuple else parts[0]
    rows = []
    for i in range(size):
        row = [xp.slice_(x, index=Index((i,))) if f else x for x, f in zip(xs, flags, strict=True)]
        rows.append(call(xp, p, row, params))
    if type(rows[0]) is tuple:
        return tuple(stacked(xp, column) for column in zip(*rows, strict=True))
    return stacked(xp, rows)


def stacked(xp: Shelf, rows: Sequence[Any]) -> Any:
    parts = [xp.reshape(r, shape=(1, *r.shape)) for r in rows]
    return np.concatenate(parts) if xp is ARRAYS else concatenate(parts, 0)
