"""Sums, maxima and running sums along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...program import Application
from ..kernels import Access, Fold, Load, Nest, Store, Value, refitted, row_major
from .core import as_dtype, compute
from .places import Base, Place, static
from .views import Views

__all__ = ["Folds"]


class Folds(Views):
    """Rules of reductions and scans along an axis."""

    def on_sum(self, step: Application) -> Place:
        return self._folded(step, "sum")

    def on_max(self, step: Application) -> Place:
        return self._folded(step, "max")

    def _folded(self, step: Application, how: str) -> Place:
        x, axes = self._place(step.operands[0]), step.params["axis"]
        shape = static(step.result.shape)
        kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
        target = [0 if i in axes else s for i, s in enumerate(row_major(kept))]
        return self._accumulated(x, shape, step.result.dtype, how, target, False)

    def _accumulated(
        self,
        x: Place,
        shape: tuple[int, ...],
        dtype: Any,
        how: str,
        target: list[int],
        overlap: bool,
    ) -> Place:
        target = [0 if n == 1 else s for n, s in zip(x.shape, target, strict=True)]
        if not overlap and all(n == 1 or s for n, s in zip(x.shape, target, strict=True)):
            same = self._computed(  # nothing is folded
                x.shape, [x], dtype, None, {}, lambda nest, o: as_dtype(nest, o[0], x.base, dtype)
            )
            return Place(same.base, shape, 0, tuple(row_major(shape)))
        number, nest = self._home(x.shape, [x], products=False)
        value = self._operand(nest, number, x, x.shape)
        value = as_dtype(nest, value, x.base, dtype)
        base = Base(shape, np.dtype(dtype), index=number)
        base.buffer = self._scratch(dtype, base.size)
        fitted = refitted(target, x.shape, nest.sizes)
        nest.body.append(Fold(how, value, Access(base.buffer, 0, fitted), overlap))
        return Place.whole(base)

    def on_overlap_add(self, step: Application) -> Place:
        x, axis = self._place(step.operands[0]), step.params["axis"]
        shape = static(step.result.shape)
        if 1 in (x.shape[axis], x.shape[-1]):  # no two elements meet: another order of the axes
            places = list(x.strides[:-1])
            if x.shape[axis] == 1:
                places[axis] = x.strides[-1]
            return Place(x.base, shape, x.offset, tuple(places))
        strides = row_major(shape)
        target = [*strides, strides[axis]]
        return self._accumulated(x, shape, step.result.dtype, "sum", target, True)

    def on_cumsum(self, step: Application) -> Place:
        x, axis = self._place(step.operands[0]), step.params["axis"]
        shape = static(step.result.shape)
        whole = Base(shape, step.result.dtype)
        whole.buffer = self._scratch(whole.dtype, whole.size)
        if whole.size == 0:
            return Place.whole(whole)
        own = row_major(shape)
        self._memory(x.base)
        order = [axis, *(i for i in range(len(shape)) if i != axis)]
        for start, count in ((0, 1), (1, shape[axis] - 1)):
            if count == 0:
                continue
            sizes = [count, *(shape[i] for i in order[1:])]
            nest = Nest(sizes, scope=self.scope, ordered=0)
            self.kernels.append(nest)
            number = len(self.kernels) - 1
            strides = [x.strides[i] for i in order]
            value: Value = self._loaded(
                nest, number, x.base, x.offset + start * x.strides[axis], strides, sizes
            )
            value = as_dtype(nest, value, x.base, whole.dtype)
            out = [own[i] for i in order]
            if start:
                before = Load(Access(whole.buffer, 0, out), whole.dtype)
                total = compute("add", (before, value), whole.dtype)
                nest.body += [before, total]
                value = total
            nest.body.append(Store(value, Access(whole.buffer, start * own[axis], list(out))))
            whole.index = number
        return Place.whole(whole)
