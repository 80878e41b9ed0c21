"""Matrix products, and contractions as such products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...abstract import Abstract
from ...ops import arithmetic, contractions, losses, piecewise
from ...program import Application, Literal, Var
from ...readings import record_of
from ...shapes import broadcast
from ..kernels import Access, Fold, Iota, Nest, Product, Tile, Value, refitted, row_major
from .core import FITS, KERNELS, Core, as_dtype, compute, elementary
from .folds import accumulated
from .places import Base, Place, back, batched, chained, inserted, static

FEW = 4  # terms of a product that are written out
LONG = 8  # steps that fill a vector
AT_ONCE = 12  # columns that dots are taken of at once
NEAR = 1 << 18  # bytes that stay in a cache while others go by
ENOUGH = 1024  # steps of dots that are folded at their end

KERNELS.absent(contractions.affine, losses.squared_distance, reason="it is written out before")


@FITS(
    contractions.matmul, contractions.matmul_still, contractions.einsum_, contractions.einsum_still
)
def _of_numbers(step: Application) -> bool:
    """NumPy takes products of booleans as or of ands."""
    return bool(step.result.dtype != bool)


@KERNELS(contractions.matmul)
def _matmul_step(core: Core, step: Application) -> Place | None:
    return _matmul(core, step, ())


@KERNELS(contractions.matmul_still)
def _matmul_still(core: Core, step: Application) -> Place | None:
    return _matmul(core, step, step.params["zeros"])


def _matmul(core: Core, step: Application, winning: tuple[int, ...]) -> Place:
    a, b = (core.place(o) for o in step.operands)
    dtype = step.result.dtype
    left, right = len(a.shape), len(b.shape)
    ax = a if left > 1 else inserted(a, 0)
    bx = b if right > 1 else inserted(b, 1)
    batch = broadcast(ax.shape[:-2], bx.shape[:-2])
    sa, sb = batched(ax, batch), batched(bx, batch)
    m, k, n = ax.shape[-2], ax.shape[-1], bx.shape[-1]
    shape, zeros = static(step.result.shape), (0 in winning, 1 in winning)
    return _product(core, list(batch), sa, sb, m, n, k, ax, bx, dtype, shape, zeros)


def _product(
    core: Core,
    batch: list[int],
    sa: list[int],
    sb: list[int],
    m: int,
    n: int,
    k: int,
    a: Place,
    b: Place,
    dtype: Any,
    shape: tuple[int, ...],
    zeros: tuple[bool, bool],
) -> Place:
    """A batch of matrix products; ``sa`` and ``sb`` are strides over (batch, m, k), (batch, k, n).

    ``zeros``: whether those of one operand, and of the other, win.
    """
    alike = a.base.dtype == b.base.dtype == dtype and dtype.kind == "f"
    if 1 <= k <= FEW and n > 1 and m > 0 and alike and 0 not in batch:
        # A few outer products are steps like others: they join what follows.
        domain = (*batch, m, n)
        total: Base | None = None
        for i in range(k):
            left = Place(a.base, domain, a.offset + i * sa[-1], (*sa[:-1], 0))
            right = Place(b.base, domain, b.offset + i * sb[-2], (*sb[:-2], 0, sb[-1]))
            part = Base(domain, np.dtype(dtype), recipe=(_MULTIPLY, [left, right]))
            for factor, wins in zip((left, right), zeros, strict=True):
                if wins:
                    part = _without(factor, part)
            if total is not None:
                both = [Place.whole(total), Place.whole(part)]
                part = Base(domain, np.dtype(dtype), recipe=(_ADD, both))
            total = part
        assert total is not None  # noqa: S101
        return Place(total, shape, 0, tuple(row_major(shape)))
    if dtype.kind != "f" or a.base.constant is not None or b.base.constant is not None:
        return _contracted(core, batch, sa, sb, m, n, k, a, b, dtype, shape, zeros)
    # Rows of a batch that meet one matrix are rows of one product.
    while batch and sb[-3] == 0 and (m == 1 or batch[-1] == 1 or sa[-3] == sa[-2] * m):
        row = sa[-3] if m == 1 else sa[-2]
        m *= batch.pop()
        sa, sb = [*sa[:-3], row, sa[-1]], [*sb[:-3], *sb[-2:]]
    if batch and n == 1 and sa[-3] == 0 and m > 1:
        # One matrix times many columns: the columns, as rows, times the transposed matrix.
        a, b = b, a
        sa, sb = [*sb[:-3], sb[-3], sb[-2]], [*sa[:-3], sa[-1], sa[-2]]
        m, n, zeros = batch.pop(), m, zeros[::-1]
    a, b = core.typed(a, dtype), core.typed(b, dtype)
    if not batch and sa == [1, sa[-1]] and _crowded(sa[-1] * dtype.itemsize, m, n, k):
        a = core.copied(Place(a.base, (m, k), a.offset, (sa[-2], sa[-1])))
        sa = [k, 1]
    pa, pb = core.memory(a.base), core.memory(b.base)
    tile = Tile(np.dtype(dtype))
    nest = Nest([*batch, m, n], scope=core.scope)
    lead = len(batch)
    of_a = Access(pa, a.offset, [*sa[:lead], sa[-2], 0, sa[-1]])
    of_b = Access(pb, b.offset, [*sb[:lead], 0, sb[-1], sb[-2]])
    sizes = (*batch, m, n)
    nest.product = Product(tuple(batch), m, n, (k,), sizes, of_a, of_b, tile, zeros)
    return _kernel(core, nest, (a, b), shape, dtype)


def _crowded(stride: int, m: int, n: int, k: int) -> bool:
    """Whether columns that lie side by side, in rows ``stride`` bytes apart, are worth copying into rows.

    Each step of k then reads another line of few places of the first-level cache, for each panel of columns
    anew. (128, 896) times (896, 512) in float32: 2.3 ms, and 1.5 with the copy; from 2 KiB on the copy waits
    as long.
    """
    return stride % 512 == 0 and stride <= 1024 and m >= 16 and n >= 256 and k >= 256


def _kernel(core: Core, nest: Nest, factors: Any, shape: tuple[int, ...], dtype: Any) -> Place:
    core.kernels.append(nest)
    number = len(core.kernels) - 1
    for p in factors:
        core.readers.setdefault(p.base, [])
    assert nest.product is not None  # noqa: S101
    return Place.whole(Base(shape, np.dtype(dtype), False, number, nest.product.tile))


def _contracted(
    core: Core,
    batch: Any,
    sa: Any,
    sb: Any,
    m: int,
    n: int,
    k: int,
    a: Place,
    b: Place,
    dtype: Any,
    shape: Any,
    zeros: tuple[bool, bool],
) -> Place:
    """A product as a fold of products, for dtypes that no matrix kernel has."""
    domain = (*batch, m, k, n)
    left = Place(a.base, domain, a.offset, (*sa[:-2], sa[-2], sa[-1], 0))
    right = Place(b.base, domain, b.offset, (*sb[:-2], 0, sb[-2], sb[-1]))
    winning = [i for i, wins in enumerate(zeros) if wins]
    product = _multiplied(core, [left, right], domain, dtype, winning)
    target = row_major((*batch, m, 1, n))
    target[-2] = 0
    folded = accumulated(core, product, (*batch, m, n), dtype, "sum", target)
    return Place(folded.base, shape, 0, tuple(row_major(shape)))


def _multiplied(
    core: Core, places: list[Place], domain: tuple[int, ...], dtype: Any, winning: Sequence[int]
) -> Place:
    name = "logical_and" if np.dtype(dtype).kind == "b" else "multiply"

    def make(nest: Nest, operands: tuple[Any, ...]) -> Value:
        values = [as_dtype(nest, o, p.base, dtype) for o, p in zip(operands, places, strict=True)]
        total = values[0]
        for v in values[1:]:
            total = compute(name, (total, v), np.dtype(dtype))
            nest.body.append(total)
        for i in winning:
            if not isinstance(values[i], Literal):  # the cotangent of a number is none
                zero = compute("equal", (values[i], Literal(0)), np.dtype(bool), dtype)
                total = compute("where", (zero, Literal(0), total), np.dtype(dtype))
                nest.body += [zero, total]
        return total

    return core.computed(domain, places, dtype, None, {}, make)


@KERNELS(contractions.einsum_)
def _einsum_step(core: Core, step: Application) -> Place:
    return _einsum(core, step, ())


@KERNELS(contractions.einsum_still)
def _einsum_still(core: Core, step: Application) -> Place:
    return _einsum(core, step, step.params["zeros"])


def _einsum(core: Core, step: Application, winning: tuple[int, ...]) -> Place:
    left, result = step.params["subscripts"].split("->")
    terms = left.split(",")
    places = [_diagonal(core, core.place(o), t) for o, t in zip(step.operands, terms, strict=True)]
    dtype, shape = step.result.dtype, static(step.result.shape)
    sizes: dict[str, int] = {}
    strides: list[dict[str, int]] = []
    for place, letters in places:
        strides.append(dict(zip(letters, place.strides, strict=True)))
        sizes.update(zip(letters, place.shape, strict=True))
    if len(places) == 2 and dtype.kind == "f":
        as_product = _einsum_product(core, places, strides, sizes, result, dtype, shape, winning)
        if as_product is not None:
            return as_product
    order = [*result, *(c for c in sizes if c not in result)]
    domain = tuple(sizes[c] for c in order)
    spread = [
        Place(p.base, domain, p.offset, tuple(s.get(c, 0) for c in order))
        for (p, _), s in zip(places, strides, strict=True)
    ]
    product = _multiplied(core, spread, domain, dtype, winning)
    if len(order) == len(result):
        return Place(product.base, shape, 0, tuple(row_major(shape)))
    target = [*row_major(shape), *(0 for _ in order[len(result) :])]
    return accumulated(core, product, shape, dtype, "sum", target)


def _diagonal(core: Core, place: Place, term: str) -> tuple[Place, str]:
    letters = "".join(dict.fromkeys(term))
    shape = tuple(place.shape[term.index(c)] for c in letters)
    strides = tuple(
        sum(s for s, t in zip(place.strides, term, strict=True) if t == c) for c in letters
    )
    return Place(place.base, shape, place.offset, strides), letters


def _einsum_product(
    core: Core,
    places: Any,
    strides: Any,
    sizes: dict[str, int],
    result: str,
    dtype: Any,
    shape: Any,
    winning: tuple[int, ...],
) -> Place | None:
    """Two operands as a batch of matrix products, if every summed letter is in both.

    Rows are the letters of one operand alone, columns those of the other, and the batch is what is left. The
    result has these in order, and is seen through a view if it is to have another one. Letters need
    not lie side by side: those of a convolution's windows do not.
    """
    inner = [c for c in sizes if c not in result]
    if not inner or any(c not in s for c in inner for s in strides):
        return None
    splits = []
    for first, second in ((0, 1), (1, 0)):
        rows = [c for c in result if c not in strides[second]]
        columns = [c for c in result if c not in strides[first]]
        batch = [c for c in result if c in strides[0] and c in strides[1]]
        long = [c for c in columns if strides[second][c] == 1]
        if [*batch, *rows, *columns] != list(result):  # then each as it lies in memory
            rows = _as_they_lie(rows, strides[first])
            columns = _as_they_lie(columns, strides[second])
        order = [*batch, *rows, *columns]
        # Best in the order that is asked for; else with columns that vectors lie along.
        splits.append(
            (order != list(result), -math.prod(sizes[c] for c in long), first, order, rows, columns)
        )
    turned, _, first, order, rows, columns = min(splits)
    second = 1 - first
    batch = order[: len(order) - len(rows) - len(columns)]
    a, sa, b, sb = places[first][0], strides[first], places[second][0], strides[second]
    # Summed letters in the order of memory, so that as many as can be are one axis.
    inner.sort(key=lambda c: (-abs(sa[c]), -abs(sb[c])))
    m, n = (math.prod(sizes[c] for c in letters) for letters in (rows, columns))
    zeros = (first in winning, second in winning)
    extent = tuple(sizes[c] for c in order)
    chain = [
        chained(letters, sizes, operands, keep=True)
        for letters, operands in ((rows, [sa]), (columns, [sb]), (inner, [sa, sb]))
    ]
    if all(chain):
        (m, row), (n, column), (k, inner_a, inner_b) = chain
        lead = [[s.get(c, 0) for c in batch] for s in (sa, sb)]
        found = _product(core,
            [sizes[c] for c in batch], [*lead[0], row, inner_a], [*lead[1], inner_b, column],
            m, n, k, a, b, dtype, extent, zeros,
        )  # fmt: skip
    else:
        ready = _laid(core, (a, sa), (b, sb), columns, inner, sizes, dtype)
        if ready is None:
            return None
        (a, sa), (b, sb) = ready
        maps = [[s.get(c, 0) if sizes[c] != 1 else 0 for c in (*order, *inner)] for s in (sa, sb)]
        part = _part(a, [sa, sb], columns, inner, sizes, m, n) if not batch else 0
        if part:
            return _in_parts(
                core, (a, b), maps, part, inner, sizes, order, result, m, n, dtype, zeros
            )
        nest = Nest([*(sizes[c] for c in batch), m, n], scope=core.scope)
        nest.product = Product(
            tuple(sizes[c] for c in batch), m, n, tuple(sizes[c] for c in inner), extent,
            Access(core.memory(a.base), a.offset, maps[0]),
            Access(core.memory(b.base), b.offset, maps[1]), Tile(np.dtype(dtype)), zeros,
        )  # fmt: skip
        found = _kernel(core, nest, (a, b), extent, dtype)
    if not turned:
        return Place(found.base, shape, 0, tuple(row_major(shape)))
    return back(found.base, shape, [result.index(c) for c in order])


def _as_they_lie(letters: list[str], strides: dict[str, int]) -> list[str]:
    return sorted(letters, key=lambda c: -abs(strides[c]))


def _part(
    a: Place,
    strides: Any,
    columns: list[str],
    inner: list[str],
    sizes: dict[str, int],
    m: int,
    n: int,
) -> int:
    """How much of the first summed letter is a part, where dots are taken part by part; 0 where they are not.

    All of A goes by for a few columns at a time: more of it than a cache holds would come from beyond, each time.
    """
    steps = math.prod(sizes[c] for c in inner)
    dots = all(s[inner[-1]] == 1 for s in strides) and strides[1][columns[-1]] != 1
    if not dots or n <= AT_ONCE or m * steps * a.base.dtype.itemsize <= NEAR:
        return 0
    size, each = sizes[inner[0]], steps // sizes[inner[0]]
    parts = (d for d in range(1, size) if size % d == 0 and d * each >= ENOUGH)
    return next(parts, 0)


def _in_parts(
    core: Core,
    factors: tuple[Place, Place],
    maps: list[list[int]],
    part: int,
    inner: list[str],
    sizes: dict[str, int],
    order: list[str],
    result: str,
    m: int,
    n: int,
    dtype: Any,
    zeros: tuple[bool, bool],
) -> Place:
    """A product whose parts along the first summed letter are added up in memory."""
    a, b = factors
    count, at = sizes[inner[0]] // part, len(order)
    extent = tuple(sizes[c] for c in order)
    terms = (part, *(sizes[c] for c in inner[1:]))
    left, right = ([s[at] * part, *s] for s in maps)
    tile = Tile(np.dtype(dtype))
    nest = Nest([count, m, n], scope=core.scope)
    nest.product = Product(
        (count,), m, n, terms, (count, *extent), Access(core.memory(a.base), a.offset, left),
        Access(core.memory(b.base), b.offset, right), tile, zeros,
    )  # fmt: skip
    base = _kernel(core, nest, factors, extent, dtype).base
    base.value, base.buffer = None, core.scratch(dtype, base.size)
    nest.body.append(Fold("sum", tile, Access(base.buffer, 0, [0, n, 1]), True))
    return back(base, tuple(sizes[c] for c in result), [result.index(c) for c in order])


def _laid(
    core: Core,
    a: Any,
    b: Any,
    columns: list[str],
    inner: list[str],
    sizes: dict[str, int],
    dtype: Any,
) -> Any:
    """Two operands as a product can go through them; None where that is no product of floats in memory.

    What vectors go along is to lie side by side, if a copy is little beside the product.
    """
    if 0 in sizes.values() or not columns:
        return None
    for place, _ in (a, b):
        if place.base.constant is not None or place.base.dtype != dtype or place.base.weak:
            return None
    # Vectors go along columns of B; or else, as dots, along the steps of both.
    along = [c for c in columns if sizes[c] != 1][-1:]
    straight = max((sizes[c] for c in along if b[1][c] == 1), default=1)
    steps = max((sizes[c] for c in inner if b[1][c] == 1), default=1)
    dots = steps > straight and steps >= LONG
    ready = []
    for (place, s), last in ((a, inner if dots else []), (b, inner if dots else columns)):
        letters = [c for c in s if c not in last] + last
        seen = Place(
            place.base, tuple(sizes[c] for c in letters), place.offset, tuple(s[c] for c in letters)
        )
        lain = (core.lying(seen) if last else None) or seen
        ready.append((lain, dict(zip(letters, lain.strides, strict=True))))
    return ready


@KERNELS(contractions.eye)
def _eye(core: Core, step: Application) -> Place:
    n = step.params["size"]

    def make(nest: Nest, operands: Any) -> Value:
        difference = Iota(refitted([1, -1], (n, n), nest.sizes))
        equal = compute("equal", (difference, Literal(0)), np.dtype(bool), np.dtype(np.int64))
        nest.body += [difference, equal]
        return as_dtype(nest, equal, Base((), np.dtype(bool)), step.result.dtype)

    return core.computed((n, n), [], step.result.dtype, None, {}, make)


def _without(factor: Place, product: Base) -> Base:
    """A product, and 0 wherever this factor is."""
    zero = Place.whole(Base((), np.dtype(np.int64), True, constant=0))
    given = Var(0, Abstract((), factor.base.dtype), None, None)
    equal = Application(record_of(piecewise.equal), (given, Literal(0)), {}, given)
    none = Base(product.shape, np.dtype(bool), recipe=(equal, [factor, zero]))
    operands = [Place.whole(none), zero, Place.whole(product)]
    return Base(product.shape, product.dtype, recipe=(_WHERE, operands))


_MULTIPLY, _ADD, _WHERE = (
    elementary(f) for f in (arithmetic.multiply, arithmetic.add, piecewise.where)
)
