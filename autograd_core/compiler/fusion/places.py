"""Values as accesses: an offset and strides of what was computed or given; views are arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import CaptureError
from ...shapes import Dim
from ..kernels import Buffer, Value, row_major

__all__ = [
    "Base",
    "Part",
    "Place",
    "apart",
    "back",
    "batched",
    "chained",
    "elsewhere",
    "followed",
    "in_memory_order",
    "indexed",
    "inserted",
    "over",
    "permuted",
    "restrided",
    "static",
    "stretched",
    "through",
    "within",
]


@dataclass(eq=False)
class Base:
    """Something computed or given, and where it is: in a kernel, in memory, or a known number.

    Attributes
    ----------
    index : int
        The kernel that computes it; -1 for what is given.
    value : Value or None
        Its element at a point of that kernel, if it is computed point by point.
    buffer : Buffer or None
        Its memory, once it has some.
    constant : number or None
        Its value, if all elements are one known number.
    recipe : (step, places) or None
        An elementwise step of what is given: it is computed where it is first asked for.
    made : (step, places) or None
        What the recipe was: in the kernel that computes it, views are computed from it, too.
    depth, ready : int
        Of a recipe: how many steps it is, and the first kernel in which it can be computed.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    weak: bool = False
    index: int = -1
    value: Value | None = None
    buffer: Buffer | None = None
    constant: Any = None
    recipe: Any = None
    made: Any = None
    depth: int = 0
    ready: int = -1

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)


@dataclass(eq=False)
class Place:
    """A value as an access of a base: element ``offset + Σ stride · i`` of its row-major elements."""

    base: Base
    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]

    @classmethod
    def whole(cls, base: Base) -> Place:
        """A base as it is."""
        return cls(base, base.shape, 0, tuple(row_major(base.shape)))

    @property
    def plain(self) -> bool:
        """Whether it is the base itself, in order, in whatever shape."""
        if self.offset or math.prod(self.shape) != self.base.size:
            return False
        expected = row_major(self.shape)
        return all(
            n == 1 or s == e for n, s, e in zip(self.shape, self.strides, expected, strict=True)
        )


# --- arithmetic -----------------------------------------------------------------------------


def static(shape: Any) -> tuple[int, ...]:
    """A shape of numbers, or an error that says what a symbolic size asks for."""
    if any(isinstance(n, Dim) for n in shape):
        raise CaptureError(
            "jit", "the program has symbolic sizes. Expected fixed shapes; call it with arrays."
        )
    return tuple(shape)


def elsewhere(base: Base) -> Place:
    """A place that is no point's own: its kernel must have ended."""
    return Place(Base(base.shape, base.dtype, base.weak, base.index), (), 0, ())


def inserted(place: Place, axis: int) -> Place:
    """A place with one more axis, of size 1."""
    shape, strides = list(place.shape), list(place.strides)
    shape.insert(axis, 1)
    strides.insert(axis, 0)
    return Place(place.base, tuple(shape), place.offset, tuple(strides))


def permuted(place: Place, order: Sequence[int]) -> Place:
    """A place with its axes in another order."""
    return Place(
        place.base,
        tuple(place.shape[i] for i in order),
        place.offset,
        tuple(place.strides[i] for i in order),
    )


def back(base: Base, shape: tuple[int, ...], order: Sequence[int]) -> Place:
    """A base whose axes are those of ``shape`` in an order, as a value of that shape."""
    strides = [0] * len(shape)
    for i, s in zip(order, row_major([shape[i] for i in order]), strict=True):
        strides[i] = s
    return Place(base, shape, 0, tuple(strides))


def in_memory_order(place: Place) -> list[int] | None:
    """The axes of a computed value in the order of memory, outermost first; None where they stand so.

    What is given stands as it is, and so does what repeats elements.
    """
    base = place.base
    given = base.index < 0 and base.recipe is None
    if base.constant is not None or given or 0 in place.shape:
        return None
    axes = [i for i, n in enumerate(place.shape) if n != 1]
    if any(place.strides[i] == 0 for i in axes):
        return None
    order = sorted(axes, key=lambda i: -abs(place.strides[i]))
    if order == axes:
        return None
    return [i for i, n in enumerate(place.shape) if n == 1] + order


def batched(place: Place, batch: Any) -> list[int]:
    """Strides over (batch, rows, columns)."""
    own = place.shape[:-2]
    lead = [0] * (len(batch) - len(own))
    lead += [0 if n == 1 else s for n, s in zip(own, place.strides[:-2], strict=True)]
    return [*lead, *place.strides[-2:]]


def chained(
    letters: list[str], sizes: dict[str, int], strides: list[dict[str, int]], keep: bool = False
) -> Any:
    """Several letters as one: its size and its stride in each operand, if they lie side by side."""
    if not letters:
        return (1, *(0 for _ in strides))
    order = letters if keep else sorted(letters, key=lambda c: -abs(strides[0][c]))
    order = [c for c in order if sizes[c] != 1] or order[:1]
    for outer, inner in itertools.pairwise(order):
        if any(s[outer] != s[inner] * sizes[inner] for s in strides):
            return None
    return (math.prod(sizes[c] for c in order), *(s[order[-1]] for s in strides))


def stretched(place: Place, shape: tuple[int, ...], axis: int) -> Place:
    """A place with one line along ``axis``, repeated along it."""
    strides = tuple(
        0 if i == axis or n == 1 else s
        for i, (n, s) in enumerate(zip(place.shape, place.strides, strict=True))
    )
    return Place(place.base, shape, place.offset, strides)


def through(place: Place, shape: tuple[int, ...]) -> list[Place] | None:
    """Where a view of a cheap step's result sees the operands of the step.

    None where the step is not cheap, the view repeats elements, or its axes are not steps along axes
    of the result.
    """
    base = place.base
    step, places = base.recipe or base.made
    if not step.primitive.cheap or 0 in base.shape:
        return None
    seen_from = over(place, shape)
    if any(n != 1 and s == 0 for n, s in zip(shape, seen_from.strides, strict=True)):
        return None
    found = followed(seen_from)
    if found is None:
        return None
    start, follows = found
    operand_places = []
    for q in places:
        seen = over(q, base.shape)
        offset = seen.offset + sum(i * s for i, s in zip(start, seen.strides, strict=True))
        strides = tuple(0 if a < 0 else seen.strides[a] * k for a, k in follows)
        operand_places.append(Place(q.base, tuple(shape), offset, strides))
    return operand_places


def followed(place: Place) -> tuple[list[int], list[tuple[int, int]]] | None:
    """Where a place begins in its base, and for each of its axes the base's axis and the step along it.

    None where an axis is no steps along one axis of the base.
    """
    base = place.base
    if 0 in base.shape or 0 in place.shape:
        return None
    own = row_major(base.shape)
    start = [(place.offset // s) % n for n, s in zip(base.shape, own, strict=True)]
    first, last = list(start), list(start)
    follows: list[tuple[int, int]] = []
    for n, s in zip(place.shape, place.strides, strict=True):
        if n == 1 or s == 0:
            follows.append((-1, 0))
            continue
        axis = next((a for a, o in enumerate(own) if base.shape[a] > 1 and o <= abs(s)), None)
        if axis is None or s % own[axis]:
            return None
        k = s // own[axis]
        follows.append((axis, k))
        if k > 0:
            last[axis] += k * (n - 1)
        else:
            first[axis] += k * (n - 1)
    if any(f < 0 for f in first) or any(e >= n for e, n in zip(last, base.shape, strict=True)):
        return None
    return start, follows


def over(place: Place, shape: tuple[int, ...]) -> Place:
    """A place broadcast to a shape."""
    lead = len(shape) - len(place.shape)
    strides = [0] * lead + [
        0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)
    ]
    return Place(place.base, shape, place.offset, tuple(strides))


def within(place: Place, shape: Any, at: int, spread: Any) -> Place:
    """An index array as a place over the whole result, whose axes ``at`` … are those of indices."""
    lead = len(spread) - len(place.shape)
    own = [0] * lead + [0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)]
    strides = [0] * at + own + [0] * (len(shape) - at - len(spread))
    return Place(place.base, tuple(shape), place.offset, tuple(strides))


def restrided(
    shape: tuple[int, ...], strides: tuple[int, ...], target: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Strides of a reshaped view, or None where the elements do not lie as it needs."""
    if 0 in shape:
        return (0,) * len(target)
    axes = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    # Merge what lies side by side, then cut it anew.
    merged: list[list[int]] = []
    for n, s in axes:
        if merged and merged[-1][1] == s * n:
            merged[-1] = [merged[-1][0] * n, s]
        else:
            merged.append([n, s])
    cut: list[int] = []
    for size in reversed(target):
        if size == 1:
            cut.append(0)
            continue
        if not merged:
            return None
        n, s = merged[-1]
        if n % size:
            return None
        cut.append(s)
        if n == size:
            merged.pop()
        else:
            merged[-1] = [n // size, s * size]
    return tuple(cut[::-1])


def indexed(shape: tuple[int, ...], index: Any) -> Any:
    """A basic index: offsets by axis, the result's sizes, and for each the axis and step it follows."""
    entries = list(index.entries)
    consumed = len([e for e in entries if e is not None and e != "..."])
    dots = entries.index("...") if "..." in entries else len(entries)
    fill: list[Any] = [("slice", None, None, None)] * (len(shape) - consumed)
    entries[dots : dots + 1] = fill
    offsets, sizes = [0] * len(shape), []
    follows: list[tuple[int | None, int]] = []
    axis = 0
    for e in entries:
        if e is None:
            sizes.append(1)
            follows.append((None, 0))
            continue
        n = shape[axis]
        if isinstance(e, tuple):
            start, stop, step = slice(*e[1:]).indices(n)
            length = len(range(start, stop, step))
            offsets[axis] = start if length else 0
            sizes.append(length)
            follows.append((axis, step))
        else:
            offsets[axis] = e + n if e < 0 else e
        axis += 1
    return offsets, sizes, follows


@dataclass(eq=False)
class Part:
    """A value at places of a larger one: added where several of its elements meet, and 0 elsewhere.

    Attributes
    ----------
    start : list of int
        Where it begins, for each axis of the larger one.
    follows : list of (int, int)
        For each of its axes the larger one's axis, or -1, and the steps along it.
    """

    x: Place
    start: list[int]
    follows: list[tuple[int, int]]

    def along(self, axis: int) -> list[tuple[int, int, int]]:
        """Steps, size and stride of its axes that follow one of the larger one's, the longest steps first."""
        found = [
            (k, n, s)
            for (a, k), n, s in zip(self.follows, self.x.shape, self.x.strides, strict=True)
            if a == axis and n != 1
        ]
        return sorted(found, key=lambda step: -abs(step[0]))

    def span(self, axis: int) -> tuple[int, int]:
        """The first and the last index along an axis."""
        steps = [k * (n - 1) for k, n, _ in self.along(axis)]
        first = self.start[axis]
        return first + sum(s for s in steps if s < 0), first + sum(s for s in steps if s > 0)

    @property
    def meets(self) -> bool:
        """Whether two of its elements may be at one place."""
        for axis in range(len(self.start)):
            reach = 0
            for k, n, _ in reversed(self.along(axis)):
                if abs(k) <= reach:
                    return True
                reach += abs(k) * (n - 1)
        return False

    def whole(self, shape: tuple[int, ...]) -> Place | None:
        """The larger one as a view of this one, where it is nothing else in another shape."""
        strides = []
        for axis, size in enumerate(shape):
            steps = self.along(axis)
            expected = size
            for k, n, _ in steps:
                if k * n != expected:
                    return None
                expected = k
            if self.start[axis] or expected != 1:
                return None
            if any(a[2] != b[2] * b[1] for a, b in itertools.pairwise(steps)):
                return None
            strides.append(steps[-1][2] if steps else 0)
        return Place(self.x.base, shape, self.x.offset, tuple(strides))


def apart(a: Part, b: Part) -> bool:
    """Whether two parts have no place in common: along some axis they have no index."""
    spans = ((a.span(i), b.span(i)) for i in range(len(a.start)))
    return any(p[1] < q[0] or q[1] < p[0] for p, q in spans)
