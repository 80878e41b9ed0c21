"""Sums over everything, cut so that threads can share them: partial results, and what is left of them."""

from __future__ import annotations

import math

import numpy as np

from ..kernels import Access, Buffer, Fold, Kernel, Load, Nest, Schedule, Store

__all__ = ["in_parts"]

SMALL = 1 << 15  # points; threads are not woken for fewer
PARTS = (
    16,
    24,
    32,
    20,
    12,
    10,
    8,
    28,
    9,
    15,
    25,
)  # how many partial results, in order of preference


def in_parts(schedule: Schedule) -> None:
    """Cut folds of large kernels to one number into partial ones, along an axis of their own."""
    kernels: list[Kernel] = []
    before = len(schedule.kernels) if schedule.barrier < 0 else schedule.barrier
    for number, kernel in enumerate(schedule.kernels):
        kernels.append(kernel)
        rest = _cut(kernel, schedule.buffers) if isinstance(kernel, Nest) else []
        kernels += rest
        if number < before and schedule.barrier >= 0:
            schedule.barrier += len(rest)
    schedule.kernels[:] = kernels


def _cut(nest: Nest, buffers: list[Buffer]) -> list[Kernel]:
    """Make a kernel's folds partial; the kernels that fold what is left."""
    folds = [step for step in nest.body if isinstance(step, Fold)]
    added = any(isinstance(step, Store) and step.add for step in nest.body)
    if not folds or added or nest.product is not None or nest.ordered is not None:
        return []
    if math.prod(nest.sizes) < SMALL or any(any(f.access.strides) or f.overlap for f in folds):
        return []
    parts = next((p for p in PARTS if nest.sizes[0] % p == 0 and nest.sizes[0] > p), None)
    if parts is None:
        return []
    nest.refine([parts, nest.sizes[0] // parts, *nest.sizes[1:]])
    last_folds: list[Kernel] = []
    for fold in folds:
        total = fold.access
        dtype = total.buffer.dtype
        number = 1 + max(b.number for b in buffers)
        partial = Buffer("scratch", number, np.dtype(dtype), parts)
        buffers.append(partial)
        fold.access = Access(partial, 0, [1] + [0] * (len(nest.sizes) - 1))
        left = Load(Access(partial, 0, [1]), dtype)
        last = Fold(fold.how, left, Access(total.buffer, total.offset, [0]))
        last_folds.append(Nest([parts], [left, last], scope=nest.scope))
    return last_folds
