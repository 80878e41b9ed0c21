"""Views: accesses of what they look at; and what is put together from parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...ops import arithmetic, linalg, views
from ...program import Application, Literal, Var
from ..kernels import Access, Nest, Store, refitted, row_major
from .core import KERNELS, Core, as_dtype
from .places import Base, Place, apart, indexed, restrided, static

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
    axes, x = step.params["axes"], core.place(step.operands[0])
    return Place(
        x.base, tuple(x.shape[a] for a in axes), x.offset, tuple(x.strides[a] for a in axes)
    )


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
        _put(core, piece, whole, to * own[axis], own)
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
        _put(core, x, whole, start * strides[axis], strides)
        start += x.shape[axis]
    return Place.whole(whole)


@KERNELS(views.embed)
def _embed(core: Core, step: Application) -> None:
    """Noted, and put into memory when it is asked for: sums of parts that do not meet are one."""
    x = core.place(step.operands[0])
    offset, sizes, axes = indexed(static(step.result.shape), step.params["index"])
    steps = {a: (n, k) for n, (a, k) in zip(sizes, axes, strict=True) if a is not None}
    region = []
    for axis, start in enumerate(offset):
        n, k = steps.get(axis, (1, 1))
        region.append(range(start, start + n * k, k))
    core.parts[step.result] = [(x, tuple(region), tuple(axes))]


@KERNELS(arithmetic.add)
def _add(core: Core, step: Application) -> Place | None:
    """A sum; of embedded parts that do not meet, all of them together."""
    a, b = step.operands
    left = core.parts.get(a) if isinstance(a, Var) else None
    right = core.parts.get(b) if isinstance(b, Var) else None
    alike = isinstance(a, Var) and isinstance(b, Var) and a.shape == b.shape and a.dtype == b.dtype
    if left and right and alike and all(apart(p[1], q[1]) for p in left for q in right):
        core.parts[step.result] = [*left, *right]
        return None
    return core.elementwise(step)


def assembled(core: Core, var: Var) -> Place:
    """The memory of embedded parts: zeros, if something is left over, and the parts."""
    whole = Base(static(var.shape), var.dtype)
    whole.buffer = core.scratch(whole.dtype, whole.size)
    parts = core.parts[var]
    if sum(math.prod(map(len, region)) for _, region, _ in parts) < whole.size:
        filled(core, whole, 0)
    own, zeros = row_major(whole.shape), whole.index
    for x, region, axes in parts:
        start = sum(s * r.start for s, r in zip(own, region, strict=True))
        strides = [0 if a is None else own[a] * k for a, k in axes]
        _put(core, x, whole, start, strides, zeros)
    return Place.whole(whole)


def _put(
    core: Core, x: Place, whole: Base, offset: int, strides: Sequence[int], after: int = -1
) -> None:
    """Store a value into a part of memory; ``strides`` are over the value's axes."""
    if 0 in x.shape:
        return
    number, nest = core.home(x.shape, [x])
    if number <= after:  # what fills the rest comes first
        number, nest = core.new(tuple(nest.sizes))
    value = core.operand(nest, number, x, x.shape)
    value = as_dtype(nest, value, x.base, whole.dtype)
    fitted = refitted([0 if n == 1 else s for n, s in zip(x.shape, strides, strict=True)],
                      x.shape, nest.sizes)  # fmt: skip
    nest.body.append(Store(value, Access(whole.buffer, offset, fitted)))  # type: ignore[arg-type]
    whole.index = max(whole.index, number)


def filled(core: Core, whole: Base, value: Any) -> None:
    """Store one number in the whole memory of a base."""
    if whole.size == 0:
        return
    nest = Nest([whole.size], scope=core.scope)
    nest.body.append(Store(Literal(value), Access(whole.buffer, 0, [1])))  # type: ignore[arg-type]
    core.kernels.append(nest)
    whole.index = len(core.kernels) - 1
