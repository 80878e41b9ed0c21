"""Random bits as a pure function of a key and a counter."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ..aliases import ArrayLike, Params
from ..kinds import Random
from ..primitives import primitive

__all__ = ["random_bits"]

_LOCAL = threading.local()


def _shape(operands: Any, params: Params) -> Params:
    shape = params["shape"]
    return {"shape": tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)}


@primitive(
    Random(),
    label="random bits",
    prepare=_shape,
    cases=lambda c: (
        [((np.array([3, 5], np.uint64), np.uint64(1)), {"shape": (3, 5)})] if c.numbers else []
    ),
)
def random_bits(key: ArrayLike, counter: ArrayLike, shape: Any) -> Any:
    """Uniform 32-bit integers: NumPy's Philox4x64 at a key and a counter.

    A pure function: the same key, counter and shape give the same bits, on every machine and in
    every thread. Draw afresh with ``counter + 1``; counters are 2**64 blocks apart.

    Parameters
    ----------
    key : array_like of uint64, shape (2,)
    counter : array_like of uint64, shape ()
    shape : tuple of int

    Returns
    -------
    Tensor of uint32, of ``shape``
        ``bits < p * 2**32`` holds with probability p, to within 2**-32.

    References
    ----------
    Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
    """
    generator = getattr(_LOCAL, "philox", None)
    if generator is None:
        generator = _LOCAL.philox = np.random.Philox(0)
    state = generator.state
    state["state"]["key"] = np.asarray(key, np.uint64)
    state["state"]["counter"] = np.array([0, counter, 0, 0], np.uint64)
    state["buffer_pos"] = 4  # what is left of the last block is not used
    state["has_uint32"] = 0
    generator.state = state
    size = int(np.prod(shape, dtype=np.int64))
    return generator.random_raw(-(-size // 2)).view(np.uint32)[:size].reshape(shape)
