"""A step of a graph at small sizes, where its rule can be decided entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..abstract import Abstract
from ..cases import Case
from ..errors import AutogradError
from ..kinds import Call, Loop, Opaque
from ..ops import views
from ..ops.views import Index
from ..program import Application, Var
from ..readings import Reading
from ..shapes import Dim

__all__ = ["small"]

# rule(shape of the first operand, params, sizes to small sizes, the smallest) to the small shape of that
# operand and the params that change with it.
Rule: TypeAlias = Callable[[Any, Any, Any, int], Any]
SHRUNK: Reading[Rule] = Reading("small sizes", optional=True)

_FEW = 24  # elements: so many are decided as they are
_MOST = 512  # more are not tried


def small(step: Application) -> Case | None:
    """Operands and params of a step at small sizes, with the params that it has; None if none are found.

    Lengths of axes shrink, in their order, and offsets of slices with them. What is kept: how many
    operands there are, which axes are meant, which sizes are equal or 1, steps and directions, sizes
    of windows, the size of what is small anyway.
    """
    kind = step.primitive.kind
    if any(isinstance(n, Dim) for o in step.operands if isinstance(o, Var) for n in o.shape):
        return None  # sizes without values have no order
    own = [_given(o, tuple(o.shape)) if isinstance(o, Var) else o.value for o in step.operands]
    elements = sum(math.prod(o.shape) for o in own if hasattr(o, "shape"))
    params = step.params
    if isinstance(kind, (Loop, Call)):
        shorter = _shorter(step) if isinstance(kind, Loop) else (own, params)
        elements = sum(math.prod(o.shape) for o in shorter[0] if hasattr(o, "shape"))
        return shorter if elements <= _FEW else None
    if elements <= _FEW and not isinstance(kind, Opaque):
        return own, params
    for smallest in range(2, 12):
        try:
            operands, changed = _shrunk(step, smallest)
            prepared = step.primitive.prepare
            changed = prepared(tuple(operands), dict(changed)) if prepared else dict(changed)
            step.primitive.abstract(tuple(operands), changed)
        except (AutogradError, ValueError, IndexError, TypeError):
            continue
        return operands, changed
    return (own, params) if elements <= _MOST else None


def _given(var: Var, shape: tuple[Any, ...]) -> Any:
    """An operand: floats as symbols, and integers that are in range of whatever they index."""
    if var.dtype.kind == "f":
        return Abstract(shape)
    count = math.prod(shape)
    if var.dtype.kind == "b":
        return (np.arange(count) % 2 == 0).reshape(shape)
    return (np.arange(count) % 2).astype(var.dtype).reshape(shape)


def _shrunk(step: Application, smallest: int) -> Case:
    """A step with its sizes in their order, from ``smallest`` on."""
    params = dict(step.params)
    shapes = [tuple(o.shape) if isinstance(o, Var) else () for o in step.operands]
    sizes = {n for shape in (*shapes, params.get("shape") or ()) for n in shape if n > 1}
    into = {n: min(n, smallest + k) for k, n in enumerate(sorted(sizes))} | {1: 1, 0: 0}

    def of(shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(into[n] for n in shape)

    small_shapes = [of(shape) for shape in shapes]
    rule = SHRUNK.of(step.primitive)
    if rule is not None:
        small_shapes[0], changed = rule(shapes[0], params, into, smallest)
        params |= changed
    elif "shape" in params:
        params["shape"] = of(params["shape"])
    operands = [
        _given(o, shape) if isinstance(o, Var) else o.value
        for o, shape in zip(step.operands, small_shapes, strict=True)
    ]
    return operands, params


@SHRUNK(views.slice_)
def _slice(shape: Any, params: Any, into: Any, smallest: int) -> Any:
    shrunk, index = _shorter_index(params["index"], shape, into)
    return shrunk, {"index": index}


@SHRUNK(views.embed)
def _embed(shape: Any, params: Any, into: Any, smallest: int) -> Any:
    whole, index = _shorter_index(params["index"], tuple(params["shape"]), into)
    return index.shape(whole), {"index": index, "shape": whole}


@SHRUNK(views.reshape)
def _reshape(shape: Any, params: Any, into: Any, smallest: int) -> Any:
    before, after = _refined(shape, tuple(params["shape"]), smallest)
    return before, {"shape": after}


@SHRUNK(views.windows)
def _windows(shape: Any, params: Any, into: Any, smallest: int) -> Any:
    axis = params["axis"]
    length, _ = _fewer_windows(shape[axis], params["size"], params)
    return tuple(length if a == axis else into[n] for a, n in enumerate(shape)), {}


@SHRUNK(views.overlap_add)
def _overlap(shape: Any, params: Any, into: Any, smallest: int) -> Any:
    axis = params["axis"]
    length, number = _fewer_windows(params["length"], shape[-1], params)
    others = [number if a == axis else into[n] for a, n in enumerate(shape[:-1])]
    return (*others, shape[-1]), {"length": length}


def _fewer_windows(length: int, size: int, params: Any) -> tuple[int, int]:
    """A length with two windows at the most, and one element at the most that is in none; their number."""
    step, span = params["step"], views.reach_of(size, params["dilation"])
    number = views.places_of(length, span, step)
    left_over = length - span - (number - 1) * step
    few = min(number, 2)
    return (few - 1) * step + span + min(left_over, 1), few


@SHRUNK(views.roll_)
def _roll(shape: Any, params: Any, into: Any, smallest: int) -> Any:
    """By one place of three, in the direction that is the shorter one; by a half, that of two."""
    axis, n = params["axis"], shape[params["axis"]]
    shift = params["shift"] % (n or 1)
    few = 2 if 2 * shift == n else min(n, 3)
    turned = 0 if shift == 0 else 1 if 2 * shift <= n else few - 1
    sizes = tuple(few if a == axis else into[m] for a, m in enumerate(shape))
    return sizes, {"shift": turned}


def _shorter_index(
    index: Index, shape: Sequence[int], into: Mapping[int, int]
) -> tuple[tuple[int, ...], Index]:
    """An index with shorter slices, and the shape that it is taken of."""
    entries = list(index.entries)
    used = len([e for e in entries if e is not None and e != "..."])
    dots = entries.index("...") if "..." in entries else len(entries)
    entries[dots : dots + 1] = [("slice", None, None, None)] * (len(shape) - used)
    shorter: list[Any] = []
    sizes: list[int] = []
    axes = iter(shape)
    for e in entries:
        if e is None:
            shorter.append(None)
            continue
        n = next(axes)
        if not isinstance(e, tuple):
            at = min(e % n, 1) if e >= 0 else max(e, -2)
            shorter.append(at)
            sizes.append(min(n, 3))
            continue
        where = range(*slice(*e[1:]).indices(n))
        if len(where) == n or not len(where):
            shorter.append(e)
            sizes.append(into[n])
            continue
        # Two of its elements, at most two before and two behind.
        low, high = min(where[0], where[-1]), max(where[0], where[-1])
        kept, step = min(len(where), 2), where.step
        first, last = min(low, 2), min(low, 2) + (kept - 1) * abs(step)
        sizes.append(last + 1 + min(n - 1 - high, 2))
        start, stop = (first, last + 1) if step > 0 else (last, first - 1 if first else None)
        shorter.append(("slice", start, stop, step))
    return tuple(sizes), Index(tuple(shorter))


def _refined(
    old: Sequence[int], new: Sequence[int], smallest: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of a `reshape` at small sizes: axes that merge, or come apart, do so in the same places."""
    groups: list[tuple[list[int], list[int]]] = []
    left, right = list(old), list(new)
    while left or right:
        a = [left.pop(0)] if left else []
        b = [right.pop(0)] if right else []
        while math.prod(a) != math.prod(b):
            side, others = (a, left) if math.prod(a) < math.prod(b) else (b, right)
            side.append(others.pop(0))
        groups.append((a, b))
    before: list[int] = []
    after: list[int] = []
    for a, b in groups:
        parts = max(a, b, key=len)
        names = {n: smallest + k for k, n in enumerate(sorted({n for n in parts if n > 1}))} | {
            1: 1
        }
        if len(a) > 1 and len(b) > 1 and sorted(a) != sorted(b):
            names = {n: n for n in (*a, *b)}
        for side, sizes in ((a, before), (b, after)):
            if len(side) == 1 and side != parts:
                sizes.append(math.prod(names[n] for n in parts))
            else:
                sizes += [names[n] for n in side]
    return tuple(before), tuple(after)


def _shorter(step: Application) -> Case:
    """A loop of at most two iterations."""
    length = step.params["length"]
    few = min(length, 2) if isinstance(length, int) else 2
    fixed = step.params["consts"] + step.params["carries"]
    operands = [
        o.value
        if not isinstance(o, Var)
        else _given(o, tuple(o.shape) if n < fixed else (few, *o.shape[1:]))
        for n, o in enumerate(step.operands)
    ]
    return operands, {**step.params, "length": few}
