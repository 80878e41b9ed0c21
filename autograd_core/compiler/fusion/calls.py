"""What is no loop nest: calls of NumPy, and random bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...program import Application, Literal
from ..kernels import Access, Bits, Call
from .core import Core
from .places import Base, Place, static

__all__ = ["Calls"]


class Calls(Core):
    """Steps that run as they are."""

    def on_random_bits(self, step: Application) -> Place:
        key, counter = (self._place(o) for o in step.operands)
        shape = static(step.result.shape)
        base = Base(shape, np.dtype(np.uint32))
        base.buffer = self._scratch(base.dtype, base.size)
        key, counter = (self._typed(p, np.dtype(np.uint64)) for p in (key, counter))
        if key.strides != (1,):
            key = self._copied(key)
        self.kernels.append(
            Bits(
                Access(self._memory(key.base), key.offset, list(key.strides)),
                Access(self._memory(counter.base), counter.offset, []),
                base.buffer,
                self.scope,
            )
        )
        base.index = len(self.kernels) - 1
        return Place.whole(base)

    def _call(self, step: Application) -> Place | None:
        operands: list[Any] = []
        for o in step.operands:
            if isinstance(o, Literal):
                operands.append(o)
                continue
            place = self._place(o)
            operands.append((self._buffer(place), place.shape))
        parts = step.result.parts or (step.result,)
        bases = tuple(Base(static(p.shape), np.dtype(p.dtype)) for p in parts)
        for base in bases:
            base.buffer = self._scratch(base.dtype, base.size)
            base.index = len(self.kernels)
        self.kernels.append(
            Call(
                step,
                tuple(operands),
                tuple((b.buffer, b.shape) for b in bases),  # type: ignore[misc]
                self.scope,
            )
        )
        self.scalar_nest = -1
        if step.result.parts:
            self.tuples[step.result] = bases
            return None
        bases[0].weak = step.result.weak
        return Place.whole(bases[0])
