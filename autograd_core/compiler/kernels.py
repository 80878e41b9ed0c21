"""What a program is scheduled into: loop nests over memory, products, and calls of NumPy.

A `Nest` visits every point of a domain and does its body there: loads, scalar operations, stores,
folds. All memory is row-major and addressed affinely, so views cost nothing: they are strides.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..primitives import REGISTRY, Primitive
from ..program import Application, Literal, Program

__all__ = [
    "Access",
    "Bits",
    "Buffer",
    "Call",
    "Compute",
    "Fold",
    "Iota",
    "Kernel",
    "Load",
    "Nest",
    "Product",
    "Repeat",
    "Schedule",
    "Store",
    "Tile",
    "Value",
    "operation",
    "refined",
    "refitted",
    "row_major",
    "without_ones",
]


@dataclass(eq=False)
class Buffer:
    """Memory: of an argument, a captured leaf, an output, the scalar inputs, or scratch.

    Attributes
    ----------
    place : str
        "argument", "state", "output", "scalar" or "scratch".
    number : int
        Which argument, leaf, output or scalar; of scratch memory its order of creation.
    size : int
        Elements.
    start : int
        Of scratch memory: the byte in the arena where it begins, once it is planned.
    """

    place: str
    number: int
    dtype: np.dtype[Any]
    size: int
    start: int = -1

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.place}{self.number}"


@dataclass(eq=False)
class Access:
    """Element ``offset + Σ stride_i · i`` of a buffer, for a point i of a domain."""

    buffer: Buffer
    offset: int
    strides: list[int]


@dataclass(eq=False)
class Load:
    """An element; ``dynamic`` adds values that are computed: (index value, stride, size)."""

    access: Access
    dtype: np.dtype[Any]
    weak: bool = False
    dynamic: tuple[tuple[Any, int, int], ...] = ()


class Inner:
    """An operation of kernels alone; named like a primitive."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind = None
        self.flops = 1
        self.converts = False


@functools.cache
def _inner(name: str) -> Inner:
    return Inner(name)


def operation(name: str) -> Primitive | Inner:
    """A primitive by name, or an operation that only kernels have."""
    return REGISTRY.get(name) or _inner(name)


@dataclass(eq=False)
class Compute:
    """An elementwise primitive at a point; operands in ``working`` dtype, the result in ``dtype``."""

    primitive: Primitive | Inner
    operands: tuple[Any, ...]
    params: dict[str, Any]
    dtype: np.dtype[Any]
    weak: bool
    working: np.dtype[Any]


@dataclass(eq=False)
class Iota:
    """The integer ``offset + Σ stride_i · i``: where the point stands."""

    strides: list[int]
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.int64))
    weak: bool = False


@dataclass(eq=False)
class Tile:
    """The element of the product that the nest belongs to."""

    dtype: np.dtype[Any]
    weak: bool = False


Value = Load | Compute | Iota | Tile | Literal


@dataclass(eq=False)
class Store:
    """Write a value; with ``add`` add it to what is there, one point after the other (scatter)."""

    value: Value
    access: Access
    dynamic: tuple[tuple[Any, int, int], ...] = ()
    add: bool = False


@dataclass(eq=False)
class Fold:
    """Add values up ("sum") or keep the largest ("max") over the axes whose stride is 0.

    ``overlap``: different points meet in one element although no stride is 0 (overlap_add).
    """

    how: str
    value: Value
    access: Access
    overlap: bool = False


@dataclass(eq=False)
class Product:
    """C[batch, m, n] = Σ_k A[batch, m, k] B[batch, k, n], where each of them may be several axes of memory.

    Attributes
    ----------
    batch : tuple of int
    m, n : int
        How many rows and columns.
    terms : tuple of int
        Sizes of the axes that are summed over.
    sizes : tuple of int
        The axes of memory in order: what the batch, the rows and the columns are split into.
    a, b : Access
        Strides over ``sizes``, and then over ``terms``: any index map, as of the windows of an image.
    zeros : (bool, bool)
        Whether a zero of A, and of B, wins over what it meets.
    """

    batch: tuple[int, ...]
    m: int
    n: int
    terms: tuple[int, ...]
    sizes: tuple[int, ...]
    a: Access
    b: Access
    tile: Tile
    zeros: tuple[bool, bool] = (False, False)

    @property
    def k(self) -> int:
        """How many products each element is the sum of."""
        return math.prod(self.terms)


@dataclass(eq=False)
class Nest:
    """A domain, and what is done at each of its points.

    Attributes
    ----------
    sizes : list of int
        Of the axes, outermost first.
    body : list
        In order: values, stores, folds.
    product : Product or None
        The product whose elements the body works on; the domain is then (batch, m, n).
    ordered : int or None
        An axis whose points depend on those before: the outermost loop, never cut or vectorized.
    """

    sizes: list[int]
    body: list[Any] = field(default_factory=list)
    product: Product | None = None
    ordered: int | None = None
    scope: str = ""
    loads: dict[Any, Load] = field(default_factory=dict)
    seen: dict[Any, tuple[Compute, Any]] = field(default_factory=dict)

    def refine(self, sizes: list[int]) -> None:
        """Split axes, so that the domain has ``sizes``."""
        if sizes == self.sizes:
            return
        for one in self.body:
            if isinstance(one, Iota):
                one.strides = refitted(one.strides, self.sizes, sizes)
            elif isinstance(one, (Load, Store, Fold)):
                one.access.strides = refitted(one.access.strides, self.sizes, sizes)
        self.sizes = sizes

    def accesses(self) -> list[tuple[Access, str]]:
        """Every access with "load", "store" or "fold"; those of the product as "load"."""
        found = [
            (one.access, type(one).__name__.lower())
            for one in self.body
            if isinstance(one, (Load, Store, Fold))
        ]
        if self.product is not None:
            found += [(self.product.a, "operand"), (self.product.b, "operand")]
        return found


@dataclass(eq=False)
class Bits:
    """Random bits of a key and a counter into a buffer."""

    key: Access
    counter: Access
    result: Buffer
    scope: str = ""


@dataclass(eq=False)
class Call:
    """A primitive that NumPy computes, on whole arrays."""

    step: Application
    operands: tuple[tuple[Buffer, tuple[int, ...]] | Literal, ...]  # with shapes, row-major
    results: tuple[tuple[Buffer, tuple[int, ...]], ...]
    scope: str = ""


@dataclass(eq=False)
class Repeat:
    """The kernels of a loop's body, ``length`` times.

    Attributes
    ----------
    body : Schedule
        Its arguments are the consts, the carries and a slice of each x; its outputs the next carries
        and a slice of each y.
    consts, xs, ys : list of Buffer
        Whole; xs and ys with the axis of iterations in front. None for a y that nobody reads.
    carries : list of (Buffer, Buffer, Buffer)
        The first one, and two places that the next ones take in turn.
    arena : Buffer
        The body's scratch memory.
    """

    body: Schedule
    consts: list[Buffer]
    carries: list[tuple[Buffer, Buffer, Buffer]]
    xs: list[Buffer]
    ys: list[Buffer]
    arena: Buffer
    length: int
    reverse: bool
    scope: str = ""

    def buffers(self) -> list[Buffer]:
        """All memory that it uses."""
        turns = [b for carry in self.carries for b in carry]
        return [*self.consts, *turns, *self.xs, *self.ys, self.arena]


Kernel = Nest | Bits | Call | Repeat


@dataclass
class Schedule:
    """Kernels in order, and the memory that they use.

    Attributes
    ----------
    barrier : int
        How many kernels run before the checks; those after it may write state. -1: none can fail.
    outputs : list of (Buffer or number, shape, dtype)
        Where each output of the program is when the kernels have run.
    checks : list of Buffer
        Booleans, of one element; where one is false nothing is written.
    """

    program: Program[Any]
    kernels: list[Kernel] = field(default_factory=list)
    barrier: int = 0
    outputs: list[tuple[Any, tuple[int, ...], Any]] = field(default_factory=list)
    checks: list[Buffer] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)


# --- shapes ---------------------------------------------------------------------------------


def row_major(shape: tuple[int, ...] | list[int]) -> list[int]:
    """Strides of a contiguous array."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return strides[::-1]


def without_ones(shape: tuple[int, ...]) -> list[int]:
    """The sizes that are not 1."""
    return [n for n in shape if n != 1]


def refined(a: list[int], b: list[int]) -> list[int] | None:
    """The coarsest sizes that both are unions of, in order; None where there are none."""
    if a == b:
        return a
    if 0 in a or 0 in b:
        return None
    ends = [_ends(a), _ends(b)]
    if ends[0] and ends[1] and ends[0][0] != ends[1][0]:
        return None
    if bool(ends[0]) != bool(ends[1]):
        return None
    cuts = sorted({*ends[0], *ends[1], 1}, reverse=True)
    sizes = []
    for high, low in itertools.pairwise(cuts):
        if high % low:
            return None
        sizes.append(high // low)
    return sizes


def _ends(sizes: list[int]) -> list[int]:
    ends, total = [], 1
    for n in reversed(sizes):
        total *= n
        ends.append(total)
    return ends[::-1]


def refitted(strides: list[int], shape: list[int] | tuple[int, ...], sizes: list[int]) -> list[int]:
    """Strides over axes of ``shape`` as strides over ``sizes``, which split them."""
    axes = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    found: list[int] = []
    for size in reversed(sizes):
        if size == 1:
            found.append(0)
            continue
        n, s = axes.pop()
        found.append(s)
        if n != size:
            axes.append((n // size, s * size))
    return found[::-1]
