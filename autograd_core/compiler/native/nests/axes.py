"""A nest's axes before anything is written: which are one, which is a vector, which is shared; what stands how deep.

Nothing here writes instructions: an `Axes` is made of a nest and a machine, and can be looked at without one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ....program import Literal
from ...kernels import Access, Compute, Fold, Iota, Load, Nest, Store, Tile
from ..machine import Machine

__all__ = ["Axes", "Statement", "deepest"]

Statement = Load | Compute | Iota | Store | Fold


class Axes:
    """The axes of a nest as they are walked, and each statement's strides along them.

    Parameters
    ----------
    nest : Nest
    body : list of statements, optional
        What is to be written of the nest's body; default: all of it.

    Attributes
    ----------
    body : list of statements
        The nest's own list is left as it is.
    sizes : list of int
        Outermost first.
    strides : dict of statement to list of int
        Of those that know where the point stands: what they access, or count.
    ordered : int or None
        The axis that must be walked from its beginning, since points read what earlier ones wrote.
    lanes : int
        Of the last axis, how many points one vector holds.
    split : int or None
        The axis that threads share.
    depth : dict of statement to int
        Inside of how many loops each stands; see `settle`.
    """

    def __init__(self, nest: Nest, body: Sequence[Statement] | None = None) -> None:
        self.body: list[Statement] = list(nest.body if body is None else body)
        self.sizes = list(nest.sizes)
        self.strides: dict[Statement, list[int]] = {}
        for statement in self.body:
            if isinstance(statement, (Load, Store, Fold)):
                self.strides[statement] = list(statement.access.strides)
            elif isinstance(statement, Iota):
                self.strides[statement] = list(statement.strides)
        self.ordered = nest.ordered
        self.lanes = 1
        self.split: int | None = None
        self.depth: dict[Statement, int] = {}

    def arrange(self, machine: Machine, shared: bool) -> None:
        """Make as few axes of them as there can be, put the vectors' last, and find one for threads."""
        self._collapse()
        self._choose(machine)
        self.split = self._splittable() if shared else None

    def folds(self) -> list[Fold]:
        """The folds of the body."""
        return [statement for statement in self.body if isinstance(statement, Fold)]

    # --- arranging --------------------------------------------------------------------------

    def _collapse(self) -> None:
        """Make one axis of neighbours that every access walks through in one stride."""
        i = 0
        while i + 1 < len(self.sizes):
            inner = self.sizes[i + 1]
            if i != self.ordered and all(s[i] == s[i + 1] * inner for s in self.strides.values()):
                self.sizes[i : i + 2] = [self.sizes[i] * inner]
                for s in self.strides.values():
                    s[i : i + 2] = [s[i + 1]]
            else:
                i += 1

    def _choose(self, machine: Machine) -> None:
        """Put the axis that vectors lie along last, and say how many lanes they have.

        An ordered axis can be the last one too, without vectors: where it alone lies in memory element
        by element, a cache line is used up before the next is asked for.
        """
        best, score = None, -math.inf
        for axis in range(len(self.sizes)):
            total = self._worth(axis)
            if total >= score:
                best, score = axis, total
        self.lanes = 1
        if best is None:
            return
        # What is added to memory is added one point after the other: two lanes may meet in one place.
        scalar = any(isinstance(s, Store) and s.add for s in self.body) or best == self.ordered
        if self.ordered is not None:
            self.ordered = len(self.sizes) - 1 if best == self.ordered else 0
        order = [a for a in range(len(self.sizes)) if a != best] + [best]
        self.sizes = [self.sizes[a] for a in order]
        for s in self.strides.values():
            s[:] = [s[a] for a in order]
        if not scalar:
            widest = machine.lanes(self._itemsize())
            self.lanes = min(widest, 1 << (self.sizes[-1] - 1).bit_length())

    def _worth(self, axis: int) -> float:
        """How well vectors lie along an axis: side by side in memory, or the same for all lanes."""
        total = 0.0
        for statement, strides in self.strides.items():
            if isinstance(statement, Iota):
                continue
            stride, weight = strides[axis], 3.0 if isinstance(statement, Store) else 2.0
            if stride == 1:
                total += weight
            elif stride == 0:
                total += 1.0
            else:
                total -= 2 * weight
            if isinstance(statement, Fold) and statement.overlap and stride not in (0, 1):
                total -= 100.0
        return total - 2.0 / self.sizes[axis]

    def _itemsize(self) -> int:
        """Bytes of the smallest numbers that are computed with: so many fill a vector."""
        numbers = [s for s in self.body if isinstance(s, (Load, Compute))]
        sizes = [s.dtype.itemsize for s in numbers if s.dtype.kind == "f" and not s.weak]
        sizes = sizes or [s.dtype.itemsize for s in numbers if s.dtype.char != "?"]
        return max(4, min(sizes, default=4))

    def _splittable(self) -> int | None:
        """An axis that threads may share: along it no fold meets another thread's."""
        last = len(self.sizes) - 1
        folds = self.folds()
        if any(isinstance(s, Store) and s.add for s in self.body) or last < 0:
            return None
        for axis in dict.fromkeys((0, last)):
            if axis == self.ordered or self.sizes[axis] < 8 * (self.lanes if axis == last else 1):
                continue
            if all(self.strides[f][axis] and not f.overlap for f in folds) and all(
                not self.in_memory(f) or (axis == last and f.access.buffer.size == self.sizes[last])
                for f in folds
            ):
                return axis
        return None

    # --- folds ------------------------------------------------------------------------------

    def in_registers(self, level: int) -> list[tuple[Fold, int]]:
        """Folds over this loop whose lanes are few enough to stay in registers, with where they begin.

        In memory each round would wait for what the last one has stored.
        """
        last = len(self.sizes) - 1
        chunks = range(0, self.sizes[-1], self.lanes)
        if level != last - 1 or len(chunks) > 4 or len(self.body) > 32 or self.split == last:
            return []
        return [
            (fold, at)
            for fold in self.folds()
            if not fold.overlap and self.strides[fold][level] == 0 and self.strides[fold][last] != 0
            for at in chunks
        ]

    def in_memory(self, fold: Fold) -> bool:
        """Whether a fold goes on adding to memory, which must hold the neutral number first."""
        strides = self.strides[fold]
        if len(strides) > 1 and any(f is fold for f, _ in self.in_registers(len(strides) - 2)):
            return 0 in strides[:-2]
        return fold.overlap or strides[-1] != 0 or 0 in strides[:-1]

    # --- depths -----------------------------------------------------------------------------

    def settle(self) -> None:
        """Say inside of how many loops each statement stands: of those that it depends on, and no others."""
        self.depth = {}
        innermost = len(self.sizes)
        for statement in self.body:
            if isinstance(statement, (Load, Iota)):
                depth = deepest(self.strides[statement])
                if isinstance(statement, Load):
                    depth = max([depth, *(self.depth_of(v) for v, _, _ in statement.dynamic)])
            elif isinstance(statement, Compute):
                depth = max((self.depth_of(v) for v in statement.operands), default=0)
            elif isinstance(statement, Store) and not statement.add:
                depth = max(self.depth_of(statement.value), deepest(self.strides[statement]))
            else:
                depth = innermost
            self.depth[statement] = depth

    def depth_of(self, value: Any) -> int:
        """Inside of how many loops a value stands."""
        if isinstance(value, Literal):
            return 0
        if isinstance(value, Tile):
            return len(self.sizes)
        return self.depth[value]

    def key(self, statement: Any, level: int) -> tuple[int, ...]:
        """What the address of an access is as far as the loops down to a level decide it: equal ones are one."""
        access: Access = statement.access
        return (access.offset, level, *self.strides[statement][:level])


def deepest(strides: list[int]) -> int:
    """The number of loops down to the last one that strides depend on."""
    return max((i + 1 for i, s in enumerate(strides) if s != 0), default=0)
