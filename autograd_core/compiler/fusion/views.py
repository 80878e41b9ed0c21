"""Views: accesses of what they look at; and what is put together from parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...ops import arithmetic, linalg, views
from ...program import Application, Literal, Var
from ..kernels import Access, Nest, Store, refitted, row_major
from .core import KERNELS, Core, as_dtype
from .folds import added
from .places import (
    Base,
    Part,
    Place,
    apart,
    back,
    in_memory_order,
    indexed,
    permuted,
    restrided,
    static,
)

KERNELS.absent(linalg.pick, reason="the scheduler takes it itself, of what a call or a loop left")


def _viewed(core: Core, step: Application, change: Any) -> Place:
    x = core.place(step.operands[0])
    return change(x) or change(core.copied(x))


@KERNELS(views.identity, views.stop_gradient)
def _identity(core: Core, step: Application) -> Place:
    return core.place(step.operands[0])


@KERNELS(views.reshape)
def _reshape(core: Core, step: Application) -> Place:
    shape = static(step.result.shape)

    def change(x: Place) -> Place | None:
        if x.base.constant is not None:
            return Place(x.base, shape, 0, (0,) * len(shape))
        strides = restrided(x.shape, x.strides, shape)
        return None if strides is None else Place(x.base, shape, x.offset, strides)

    return _viewed(core, step, change)


@KERNELS(views.transpose)
def _transpose(core: Core, step: Application) -> Place:
    return permuted(core.place(step.operands[0]), step.params["axes"])


@KERNELS(views.broadcast_to)
def _broadcast_to(core: Core, step: Application) -> Place:
    x, shape = core.place(step.operands[0]), static(step.result.shape)
    lead = len(shape) - len(x.shape)
    strides = (0,) * lead + tuple(
        0 if n == 1 else s for n, s in zip(x.shape, x.strides, strict=True)
    )
    return Place(x.base, shape, x.offset, strides)


@KERNELS(views.slice_)
def _slice(core: Core, step: Application) -> Place:
    x = core.place(step.operands[0])
    offset, shape, strides = indexed(x.shape, step.params["index"])
    start = x.offset + sum(s * o for s, o in zip(x.strides, offset, strict=True))
    found = tuple(0 if a is None else x.strides[a] * step_ for a, step_ in strides)
    return Place(x.base, tuple(shape), start, found)


@KERNELS(views.flip)
def _flip(core: Core, step: Application) -> Place:
    x, strides = core.place(step.operands[0]), []
    offset = x.offset
    for axis, (n, s) in enumerate(zip(x.shape, x.strides, strict=True)):
        flipped = axis in step.params["axis"]
        offset += (n - 1) * s if flipped and n else 0
        strides.append(-s if flipped else s)
    return Place(x.base, x.shape, offset, tuple(strides))


@KERNELS(views.roll_)
def _roll(core: Core, step: Application) -> Place:
    """Two pieces, each put where the other was."""
    x, axis = core.place(step.operands[0]), step.params["axis"]
    shift = step.params["shift"] % (x.shape[axis] or 1)  # which may have been traced with a sign
    if shift == 0:
        return x
    whole = Base(static(step.result.shape), step.result.dtype)
    whole.buffer = core.scratch(whole.dtype, whole.size)
    own, n = row_major(whole.shape), whole.shape[axis]
    for start, length, to in ((0, n - shift, shift), (n - shift, shift, 0)):
        shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
        piece = Place(x.base, shape, x.offset + start * x.strides[axis], x.strides)
        put(core, piece, whole, to * own[axis], own)
    return Place.whole(whole)


@KERNELS(views.windows)
def _windows(core: Core, step: Application) -> Place:
    x, axis = core.place(step.operands[0]), step.params["axis"]
    strides = [*x.strides, x.strides[axis] * step.params["dilation"]]
    strides[axis] *= step.params["step"]
    return Place(x.base, static(step.result.shape), x.offset, tuple(strides))


@KERNELS(views.concatenate_)
def _concatenate(core: Core, step: Application) -> Place:
    whole = Base(static(step.result.shape), step.result.dtype)
    whole.buffer = core.scratch(whole.dtype, whole.size)
    axis, start = step.params["axis"], 0
    strides = row_major(whole.shape)
    for o in step.operands:
        x = core.place(o)
        put(core, x, whole, start * strides[axis], strides)
        start += x.shape[axis]
    return Place.whole(whole)


@KERNELS(views.embed)
def _embed(core: Core, step: Application) -> None:
    """Noted, and put into memory when it is asked for: sums of parts that do not meet are one."""
    offset, _, axes = indexed(static(step.result.shape), step.params["index"])
    inner = part_of(core, step.operands[0])
    start = list(offset)
    for at, (axis, k) in zip(inner.start, axes, strict=True):
        if axis is not None:
            start[axis] += at * k
    follows = []
    for a, k in inner.follows:
        axis, step_ = axes[a] if a >= 0 else (None, 0)
        follows.append((-1, 0) if axis is None else (axis, k * step_))
    core.parts[step.result] = [Part(inner.x, start, follows)]


def part_of(core: Core, atom: Any) -> Part:
    """A value as a part of itself, or as what it has been noted to be."""
    parts = core.parts.get(atom, []) if isinstance(atom, Var) and atom not in core.places else []
    if len(parts) == 1:
        return parts[0]
    x = core.place(atom)
    return Part(x, [0] * len(x.shape), [(i, 1) for i in range(len(x.shape))])


@KERNELS(arithmetic.add)
def _add(core: Core, step: Application) -> Place | None:
    """A sum; of embedded parts that do not meet, all of them together."""
    a, b = step.operands
    left = core.parts.get(a) if isinstance(a, Var) else None
    right = core.parts.get(b) if isinstance(b, Var) else None
    alike = isinstance(a, Var) and isinstance(b, Var) and a.shape == b.shape and a.dtype == b.dtype
    if (
        left
        and right
        and alike
        and not any(p.meets for p in (*left, *right))
        and all(apart(p, q) for p in left for q in right)
    ):
        core.parts[step.result] = [*left, *right]
        return None
    return core.elementwise(step)


def assembled(core: Core, var: Var) -> Place:
    """The memory of parts: zeros, if something is left over, and the parts."""
    parts, shape = core.parts[var], static(var.shape)
    if len(parts) == 1 and parts[0].x.base.dtype == var.dtype and not parts[0].x.base.weak:
        view = parts[0].whole(shape)
        if view is not None:
            return view
    # In memory, its axes stand in the order of those that it is put together from.
    of = in_memory_order(parts[0].x)
    order = list(range(len(shape)))
    if of is not None:
        led = list(dict.fromkeys(a for a in (parts[0].follows[i][0] for i in of) if a >= 0))
        order = [a for a in order if a not in led] + led
    whole = Base(tuple(shape[a] for a in order), var.dtype)
    whole.buffer = core.scratch(whole.dtype, whole.size)
    found = back(whole, shape, order)
    own = found.strides
    meets = any(part.meets for part in parts)
    if not meets and sum(math.prod(part.x.shape) for part in parts) < whole.size:
        filled(core, whole, 0)
    zeros = whole.index
    for part in parts:
        start = sum(s * at for s, at in zip(own, part.start, strict=True))
        strides = [0 if a < 0 else own[a] * k for a, k in part.follows]
        if meets:  # of one part alone
            added(core, part.x, whole, start, strides)
        else:
            put(core, part.x, whole, start, strides, zeros)
    return found


def put(
    core: Core, x: Place, whole: Base, offset: int, strides: Sequence[int], after: int = -1
) -> None:
    """Store a value into a part of memory; ``strides`` are over the value's axes."""
    if 0 in x.shape:
        return
    order = in_memory_order(x)
    if order is not None:
        x, strides = permuted(x, order), [strides[i] for i in order]
    number, nest = core.home(x.shape, [x])
    if number <= after:  # what fills the rest comes first
        number, nest = core.new(tuple(nest.sizes))
    value = core.operand(nest, number, x, x.shape)
    value = as_dtype(nest, value, x.base, whole.dtype)
    fitted = refitted([0 if n == 1 else s for n, s in zip(x.shape, strides, strict=True)],
                      x.shape, nest.sizes)  # fmt: skip
    nest.body.append(Store(value, Access(whole.buffer, offset, fitted)))  # type: ignore[arg-type]
    whole.index = max(whole.index, number)


@KERNELS(views.overlap_add)
def _overlap_add(core: Core, step: Application) -> None:
    """Noted, as what is embedded: windows stand where their elements came from, added up where they meet."""
    axis, inner = step.params["axis"], part_of(core, step.operands[0])
    last, paces = len(inner.start) - 1, {axis: step.params["step"]}
    paces[last] = step.params["dilation"]
    start = list(inner.start[:-1])
    start[axis] = start[axis] * paces[axis] + inner.start[-1] * paces[last]
    follows = [(axis if a == last else a, k * paces.get(a, 1)) for a, k in inner.follows]
    core.parts[step.result] = [Part(inner.x, start, follows)]


def filled(core: Core, whole: Base, value: Any) -> None:
    """Store one number in the whole memory of a base."""
    if whole.size == 0:
        return
    nest = Nest([whole.size], scope=core.scope)
    nest.body.append(Store(Literal(value), Access(whole.buffer, 0, [1])))  # type: ignore[arg-type]
    core.kernels.append(nest)
    whole.index = len(core.kernels) - 1
