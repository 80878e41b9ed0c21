"""The memory of leaves: views that explain themselves, writes that are stamped, and arenas."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from .aliases import Array
from .errors import GraphError, ShapeError
from .graph import WRITES
from .nodes import Node

__all__ = ["SEQUENCE", "ReadOnlyArray", "adopt", "pack", "stamp"]

# One order for everything that happens: creation of nodes and writes to leaves.
SEQUENCE = itertools.count(1).__next__


def _writing(operation: Any) -> Any:
    """An operator in place, for the arrays below."""

    def in_place(self: Array, other: Any) -> Array:
        self[...] = operation(np.asarray(self), other) if self.flags.writeable else other
        return self

    return in_place


class ReadOnlyArray(np.ndarray[Any, Any]):
    """A view of a tensor's memory that explains itself when written to; its copies are plain arrays."""

    def copy(self, order: Any = "C") -> Array:  # type: ignore[override]
        """A plain array of one's own."""
        return np.array(self, order=order, subok=False)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self.flags.writeable:  # rows that were picked from it, which NumPy has copied
            super().__setitem__(key, value)
            return
        raise GraphError(
            "Tensor.data",
            "this view is read-only, since a recorded graph may still need the values. "
            "Write with tensor.assign(values), or `with ag.no_grad(): tensor += …`, or take a copy "
            "with np.array(tensor.data).",
        )

    __iadd__, __isub__, __imul__ = _writing(np.add), _writing(np.subtract), _writing(np.multiply)
    __itruediv__, __ipow__, __imatmul__ = (
        _writing(np.divide),
        _writing(np.power),
        _writing(np.matmul),
    )

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else np.asarray(array)


def stamp(tensors: Iterable[Node]) -> None:
    """Note that the memory of leaves was written from outside (an optimizer's arena)."""
    now = WRITES.last = SEQUENCE()
    for t in tensors:
        t._written = now


def adopt(t: Node, memory: Array) -> None:
    """Make ``memory`` (same shape and dtype) the leaf's own, keeping its values."""
    if memory.shape != t.shape or memory.dtype != t.dtype:
        raise ShapeError(
            "adopt",
            f"expected memory of shape {t.shape}, {t.dtype}; received {memory.shape}, {memory.dtype}.",
        )
    memory[...] = t._value
    t._value = memory


def pack(tensors: Iterable[Node]) -> Array:
    """Move leaves of one dtype into one flat array, in order; returns the array.

    The leaves become views of it, so one vectorised write updates them all (then `stamp`).
    """
    leaves = list(tensors)
    arena = np.empty(sum(int(t.size) for t in leaves), leaves[0].dtype)
    start = 0
    for t in leaves:
        adopt(t, arena[start : start + t.size].reshape(t.shape))
        start += t.size
    return arena
