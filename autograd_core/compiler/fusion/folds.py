"""Sums, maxima and running sums along axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops import arithmetic, piecewise, reductions
from ...program import Application
from ..kernels import Access, Fold, Load, Nest, Store, Value, refitted, row_major
from .core import DEEPEST, FITS, KERNELS, Core, as_dtype, compute, elementary
from .places import Base, Place, in_memory_order, permuted, static

FEW = 16  # elements of a fold that are written out

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
    shape, dtype = static(step.result.shape), step.result.dtype
    order = in_memory_order(x) or list(range(len(x.shape)))
    lines = [i for i in order if i not in axes]
    sizes = tuple(x.shape[i] for i in lines)
    axis_of = [i for i in range(len(x.shape)) if i not in axes or step.params["keepdims"]]
    few = _written_out(core, x, lines, sizes, axes, how, dtype)
    if few is None:
        own = dict(zip(lines, row_major(sizes), strict=True))
        target = [own.get(i, 0) for i in order]
        few = accumulated(core, permuted(x, order), sizes, dtype, how, target).base
    strides = dict(zip(lines, row_major(sizes), strict=True))
    return Place(few, shape, 0, tuple(strides.get(i, 0) for i in axis_of))


def _written_out(
    core: Core,
    x: Place,
    lines: list[int],
    sizes: tuple[int, ...],
    axes: tuple[int, ...],
    how: str,
    dtype: Any,
) -> Base | None:
    """A fold of a few elements that lie apart, as windows do, point by point: it joins what comes before and after.

    None where there are many, or where those that are folded are neighbours in memory.
    """
    base, counts = x.base, [x.shape[i] for i in axes]
    if base.constant is not None or base.dtype != dtype or base.weak or in_memory_order(x) is None:
        return None
    if not 1 < math.prod(counts) <= FEW or math.prod(sizes) < math.prod(counts):
        return None
    near = min((abs(x.strides[i]) for i in lines if x.shape[i] != 1), default=0)
    if any(abs(x.strides[i]) <= near for i in axes if x.shape[i] != 1):
        return None
    step = elementary({"sum": arithmetic.add, "max": piecewise.maximum}[how])
    parts = []
    for index in itertools.product(*map(range, counts)):
        offset = x.offset + sum(i * x.strides[a] for i, a in zip(index, axes, strict=True))
        parts.append(Place(base, sizes, offset, tuple(x.strides[i] for i in lines)))
    depth = base.depth if base.recipe else 0
    if depth + len(parts) > DEEPEST:
        return None
    total, ready = parts[0], base.ready if base.recipe else base.index + 1
    for part in parts[1:]:
        depth += 1
        recipe = (step, [total, part])
        whole = Base(sizes, np.dtype(dtype), recipe=recipe, depth=depth, ready=ready)
        total = Place.whole(whole)
    return total.base


def accumulated(
    core: Core,
    x: Place,
    shape: tuple[int, ...],
    dtype: Any,
    how: str,
    target: list[int],
) -> Place:
    """A value folded into places of memory: element by element of ``x``, at strides ``target``."""
    target = [0 if n == 1 else s for n, s in zip(x.shape, target, strict=True)]
    if all(n == 1 or s for n, s in zip(x.shape, target, strict=True)):
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
    nest.body.append(Fold(how, value, Access(base.buffer, 0, fitted)))
    return Place.whole(base)


def added(core: Core, x: Place, whole: Base, offset: int, strides: Sequence[int]) -> None:
    """A value added up in memory at strides along its axes, where several elements may meet."""
    order = in_memory_order(x)
    if order is not None:
        x, strides = permuted(x, order), [strides[i] for i in order]
    number, nest = core.home(x.shape, [x], splits=True)
    value = core.operand(nest, number, x, x.shape)
    value = as_dtype(nest, value, x.base, whole.dtype)
    target = [0 if n == 1 else s for n, s in zip(x.shape, strides, strict=True)]
    fitted = refitted(target, x.shape, nest.sizes)
    assert whole.buffer is not None  # noqa: S101
    nest.body.append(Fold("sum", value, Access(whole.buffer, offset, fitted), True))
    whole.index = number


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
