"""Random bits, which are no loop nest."""

from __future__ import annotations

import numpy as np

from ...ops import random
from ...program import Application
from ..kernels import Access, Bits
from .core import KERNELS, Core
from .places import Base, Place, static


@KERNELS(random.random_bits)
def _random_bits(core: Core, step: Application) -> Place:
    key, counter = (core.place(o) for o in step.operands)
    shape = static(step.result.shape)
    base = Base(shape, np.dtype(np.uint32))
    base.buffer = core.scratch(base.dtype, base.size)
    key, counter = (core.typed(p, np.dtype(np.uint64)) for p in (key, counter))
    if key.strides != (1,):
        key = core.copied(key)
    core.kernels.append(
        Bits(
            Access(core.memory(key.base), key.offset, list(key.strides)),
            Access(core.memory(counter.base), counter.offset, []),
            base.buffer,
            core.scope,
        )
    )
    base.index = len(core.kernels) - 1
    return Place.whole(base)
