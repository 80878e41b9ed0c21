"""Sums, maxima and running sums along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import reductions, views
from ...program import Application
from ..kernels import Access, Fold, Load, Nest, Store, Value, refitted, row_major
from .core import FITS, KERNELS, Core, as_dtype, compute
from .places import Base, Place, static

KERNELS.absent(
    reductions.argmax,
    reductions.argsort,
    reason="NumPy is called: a position is no fold of numbers",
)
KERNELS.absent(reductions.logsumexp, reason="it is written out before")


@FITS(reductions.sum, reductions.max)
def _of_numbers(step: Application) -> bool:
    """NumPy takes booleans apart, and has words for what has no elements."""
    (x,) = step.operands
    return 0 not in x.shape and step.result.dtype != bool  # type: ignore[union-attr]


@KERNELS(reductions.sum)
def _summed(core: Core, step: Application) -> Place:
    return _folded(core, step, "sum")


@KERNELS(reductions.max)
def _maximum(core: Core, step: Application) -> Place:
    return _folded(core, step, "max")


def _folded(core: Core, step: Application, how: str) -> Place:
    x, axes = core.place(step.operands[0]), step.params["axis"]
    shape = static(step.result.shape)
    kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
    target = [0 if i in axes else s for i, s in enumerate(row_major(kept))]
    return accumulated(core, x, shape, step.result.dtype, how, target, False)


def accumulated(
    core: Core,
    x: Place,
    shape: tuple[int, ...],
    dtype: Any,
    how: str,
    target: list[int],
    overlap: bool,
) -> Place:
    """A value folded into places of memory: element by element of ``x``, at strides ``target``."""
    target = [0 if n == 1 else s for n, s in zip(x.shape, target, strict=True)]
    if not overlap and all(n == 1 or s for n, s in zip(x.shape, target, strict=True)):
        same = core.computed(  # nothing is folded
            x.shape, [x], dtype, None, {}, lambda nest, o: as_dtype(nest, o[0], x.base, dtype)
        )
        return Place(same.base, shape, 0, tuple(row_major(shape)))
    number, nest = core.home(x.shape, [x], products=False)
    value = core.operand(nest, number, x, x.shape)
    value = as_dtype(nest, value, x.base, dtype)
    base = Base(shape, np.dtype(dtype), index=number)
    base.buffer = core.scratch(dtype, base.size)
    fitted = refitted(target, x.shape, nest.sizes)
    nest.body.append(Fold(how, value, Access(base.buffer, 0, fitted), overlap))
    return Place.whole(base)


@KERNELS(views.overlap_add)
def _overlap_add(core: Core, step: Application) -> Place:
    x, axis = core.place(step.operands[0]), step.params["axis"]
    shape = static(step.result.shape)
    apart = step.params["step"], step.params["dilation"]
    reached = len(
        {i * apart[0] + j * apart[1] for i in range(x.shape[axis]) for j in range(x.shape[-1])}
    )
    if 1 in (x.shape[axis], x.shape[-1]) and reached == shape[axis]:
        # No two elements meet, and none is left out: another order of the axes.
        places = list(x.strides[:-1])
        if x.shape[axis] == 1:
            places[axis] = x.strides[-1]
        return Place(x.base, shape, x.offset, tuple(places))
    strides = row_major(shape)
    target = [*strides, strides[axis] * apart[1]]
    target[axis] *= apart[0]
    return accumulated(core, x, shape, step.result.dtype, "sum", target, True)


@KERNELS(reductions.cumsum)
def _cumsum(core: Core, step: Application) -> Place:
    x, axis = core.place(step.operands[0]), step.params["axis"]
    shape = static(step.result.shape)
    sums = Base(shape, step.result.dtype)
    sums.buffer = core.scratch(sums.dtype, sums.size)
    if sums.size == 0:
        return Place.whole(sums)
    own = row_major(shape)
    core.memory(x.base)
    order = [axis, *(i for i in range(len(shape)) if i != axis)]
    for start, count in ((0, 1), (1, shape[axis] - 1)):
        if count == 0:
            continue
        sizes = [count, *(shape[i] for i in order[1:])]
        nest = Nest(sizes, scope=core.scope, ordered=0)
        core.kernels.append(nest)
        number = len(core.kernels) - 1
        strides = [x.strides[i] for i in order]
        value: Value = core.loaded(
            nest, number, x.base, x.offset + start * x.strides[axis], strides, sizes
        )
        value = as_dtype(nest, value, x.base, sums.dtype)
        out = [own[i] for i in order]
        if start:
            before = Load(Access(sums.buffer, 0, out), sums.dtype)
            total = compute("add", (before, value), sums.dtype)
            nest.body += [before, total]
            value = total
        nest.body.append(Store(value, Access(sums.buffer, start * own[axis], list(out))))
        sums.index = number
    return Place.whole(sums)
