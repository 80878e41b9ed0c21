"""Matrix products, and contractions as such products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...abstract import Abstract
from ...ops import arithmetic, contractions, losses, piecewise
from ...primitives import Primitive
from ...program import Application, Literal, Var
from ...readings import record_of
from ...shapes import broadcast
from ..kernels import Access, Iota, Nest, Product, Tile, Value, refitted, row_major
from .core import FITS, KERNELS, Core, as_dtype, compute
from .folds import accumulated
from .places import Base, Place, batched, chained, inserted, static, tail

FEW = 4  # terms of a product that are written out

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
    pa, pb = core.memory(a.base), core.memory(b.base)
    tile = Tile(np.dtype(dtype))
    nest = Nest([*batch, m, n], scope=core.scope)
    nest.product = Product(
        tuple(batch), m, n, k, Access(pa, a.offset, sa), Access(pb, b.offset, sb), tile, zeros
    )
    core.kernels.append(nest)
    number = len(core.kernels) - 1
    for p in (a, b):
        core.readers.setdefault(p.base, [])
    return Place.whole(Base(shape, np.dtype(dtype), False, number, tile))


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
    folded = accumulated(core, product, (*batch, m, n), dtype, "sum", target, False)
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
    return accumulated(core, product, shape, dtype, "sum", target, False)


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

    The end of the result's letters are the rows and the columns, what comes before the batch. An
    operand whose letters of a group do not lie side by side is copied first, if that is little
    beside the product: the windows of a convolution are.
    """
    inner = [c for c in sizes if c not in result]
    if not inner or any(c not in s for c in inner for s in strides):
        return None
    splits = []
    for first, second in ((0, 1), (1, 0)):
        columns = tail(result, strides[second], strides[first])
        before = result[: len(result) - len(columns)]
        rows = tail(before, strides[first], strides[second])
        batch = before[: len(before) - len(rows)]
        splits.append((math.prod(sizes[c] for c in batch), first, second, batch, rows, columns))
    _, first, second, batch, rows, columns = min(splits)
    flops = math.prod(sizes.values())
    sides = [
        (places[first][0], strides[first], rows),
        (places[second][0], strides[second], columns),
    ]
    cheapest: Any = None
    for by in (0, 1):  # the order of the summed letters is that of one operand
        order = sorted(inner, key=lambda c: -abs(sides[by][1][c]))
        loose = [
            chained(order, sizes, [s], keep=True) is None
            or chained(list(own), sizes, [s], keep=True) is None
            for _, s, own in sides
        ]
        work = sum(p.base.size for (p, _, _), copied in zip(sides, loose, strict=True) if copied)
        if cheapest is None or work < cheapest[0]:
            cheapest = work, order, loose
    _, order, loose = cheapest
    ready = []
    for (place, s, own), copied, turned in zip(sides, loose, (False, True), strict=True):
        if copied:
            inside = [*order, *own] if turned else [*own, *order]
            letters = [*(c for c in batch if c in s), *inside]
            extent = tuple(sizes[c] for c in letters)
            if 4 * math.prod(extent) > flops:
                return None
            view = Place(place.base, extent, place.offset, tuple(s[c] for c in letters))
            place = core.copied(view)
            s = dict(zip(letters, place.strides, strict=True))
        ready.append((place, s))
    (a, sa), (b, sb) = ready
    k, inner_a = chained(order, sizes, [sa], keep=True)
    _, inner_b = chained(order, sizes, [sb], keep=True)
    m, row = chained(list(rows), sizes, [sa], keep=True)
    n, column = chained(list(columns), sizes, [sb], keep=True)
    return _product(core,
        [sizes[c] for c in batch],
        [*(sa.get(c, 0) for c in batch), row, inner_a],
        [*(sb.get(c, 0) for c in batch), inner_b, column],
        m, n, k, a, b, dtype, shape, (first in winning, second in winning),
    )  # fmt: skip


@KERNELS(contractions.eye)
def _eye(core: Core, step: Application) -> Place:
    n = step.params["size"]

    def make(nest: Nest, operands: Any) -> Value:
        difference = Iota(refitted([1, -1], (n, n), nest.sizes))
        equal = compute("equal", (difference, Literal(0)), np.dtype(bool), np.dtype(np.int64))
        nest.body += [difference, equal]
        return as_dtype(nest, equal, Base((), np.dtype(bool)), step.result.dtype)

    return core.computed((n, n), [], step.result.dtype, None, {}, make)


def _elementary(p: Primitive) -> Application:
    """A step that stands for any of its kind."""
    return Application(p, (), {}, Var(0, Abstract((), np.float64), None, None))


def _without(factor: Place, product: Base) -> Base:
    """A product, and 0 wherever this factor is."""
    zero = Place.whole(Base((), np.dtype(np.int64), True, constant=0))
    given = Var(0, Abstract((), factor.base.dtype), None, None)
    equal = Application(record_of(piecewise.equal), (given, Literal(0)), {}, given)
    none = Base(product.shape, np.dtype(bool), recipe=(equal, [factor, zero]))
    operands = [Place.whole(none), zero, Place.whole(product)]
    return Base(product.shape, product.dtype, recipe=(_WHERE, operands))


_MULTIPLY, _ADD, _WHERE = (
    _elementary(record_of(f)) for f in (arithmetic.multiply, arithmetic.add, piecewise.where)
)
