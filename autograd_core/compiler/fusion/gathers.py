"""Gather and scatter: loads and stores at computed places."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import indexing, losses
from ...program import Application, Literal
from ...shapes import broadcast
from ..kernels import Access, Iota, Load, Nest, Store, Value, refitted, row_major
from .core import KERNELS, Core, as_dtype, compute
from .places import Base, Place, elsewhere, static, stretched, within
from .views import filled

KERNELS.absent(losses.softmax_cross_entropy, reason="it is written out before")


def _index(core: Core, nest: Nest, number: int, place: Place, shape: Any) -> Value:
    return core.operand(nest, number, place, shape)


@KERNELS(indexing.take_along_axis)
def _take_along_axis(core: Core, step: Application) -> Place:
    x, index = (core.place(o) for o in step.operands)
    axis, shape = step.params["axis"], static(step.result.shape)
    buffer = core.memory(x.base) if x.base.constant is None else None
    if buffer is None:
        return Place(x.base, shape, 0, (0,) * len(shape))
    strides = [0 if i == axis or x.shape[i] == 1 else s for i, s in enumerate(x.strides)]

    def make(nest: Nest, operands: Any) -> Value:
        load = Load(
            Access(buffer, x.offset, refitted(strides, shape, nest.sizes)),
            x.base.dtype,
            dynamic=((operands[0], x.strides[axis], x.shape[axis]),),
        )
        nest.body.append(load)
        return load

    _after(core, x.base)
    return _gathered(core, shape, index, x.base, make)


def _gathered(core: Core, shape: Any, index: Place, base: Base, make: Any) -> Place:
    """A value that is loaded from where computed indices say."""
    # As if the base were an operand, so that its kernel comes first; it is not loaded as one.
    number, nest = core.home(shape, [index, elsewhere(base)])
    operand = core.operand(nest, number, index, shape)
    value = make(nest, (operand,))
    return Place.whole(Base(shape, base.dtype, False, number, value))


def _after(core: Core, base: Base) -> None:
    core.readers.setdefault(base, [])


@KERNELS(indexing.put_along_axis)
def _put_along_axis(core: Core, step: Application) -> Place:
    x, index = (core.place(o) for o in step.operands)
    axis, size = step.params["axis"], step.params["size"]
    shape, dtype = static(step.result.shape), step.result.dtype
    if index.shape[axis] == 1 and x.shape[axis] == 1:
        # One place a line: a comparison with the axis's own index, which fuses with the rest.
        spread = [stretched(p, shape, axis) for p in (index, x)]

        def make(nest: Nest, operands: Any) -> Value:
            unit = [1 if i == axis else 0 for i in range(len(shape))]
            along = Iota(refitted(unit, shape, nest.sizes))
            kept = compute(
                "index", (operands[0],), np.dtype(np.int64), np.dtype(np.int64), size=size
            )
            hit = compute("equal", (along, kept), np.dtype(bool), np.dtype(np.int64))
            nest.body += [along, kept, hit]
            value = as_dtype(nest, operands[1], x.base, dtype)
            chosen = compute("where", (hit, value, Literal(0)), dtype)
            nest.body.append(chosen)
            return chosen

        return core.computed(shape, spread, dtype, None, {}, make)
    written = Base(shape, dtype)
    written.buffer = core.scratch(dtype, written.size)
    filled(core, written, 0)
    strides = row_major(shape)
    fixed = [0 if i == axis else s for i, s in enumerate(strides)]
    return _scattered(core, x, [(index, strides[axis], size)], fixed, x.shape, written)


def _scattered(
    core: Core,
    x: Place,
    indices: list[tuple[Place, int, int]],
    fixed: list[int],
    domain: tuple[int, ...],
    written: Base,
) -> Place:
    """Values added at computed places of memory that is filled already."""
    if 0 in domain:
        return Place.whole(written)
    for p in (x, *(i for i, _, _ in indices)):
        if p.base.constant is None:
            core.memory(p.base)
    nest = Nest(list(domain), scope=core.scope)
    core.kernels.append(nest)
    number = len(core.kernels) - 1
    value = core.operand(nest, number, x, domain)
    value = as_dtype(nest, value, x.base, written.dtype)
    dynamic = tuple(
        (_index(core, nest, number, p, domain), stride, size) for p, stride, size in indices
    )
    target = [0 if n == 1 else s for n, s in zip(domain, fixed, strict=True)]
    nest.body.append(Store(value, Access(written.buffer, 0, target), dynamic, add=True))  # type: ignore[arg-type]
    written.index = number
    return Place.whole(written)


def _pattern(core: Core, pattern: Any, x: tuple[int, ...], indices: list[Place]) -> Any:
    """How a pattern reads an array of shape ``x``.

    Returns
    -------
    The offset; (size, stride) of each axis that is sliced; where among those the axes of the index
    arrays stand, and their shape; (index, stride, size) of each index array.
    """
    entries = list(pattern.entries)
    consumed = len([e for e in entries if e is not None and e != "..."])
    dots = entries.index("...") if "..." in entries else len(entries)
    fill: list[Any] = [("slice", None, None, None)] * (len(x) - consumed)
    entries[dots : dots + 1] = fill
    own = row_major(x)
    offset, axis = 0, 0
    plain: list[tuple[int, int]] = []  # (size, stride) of the axes that are sliced
    places: list[int] = []  # where, among the entries, advanced ones stand
    dynamic: list[tuple[Place, int, int]] = []
    arrays = iter(indices)
    advanced_at: int | None = None
    for position, e in enumerate(entries):
        if e is None:
            plain.append((1, 0))
            continue
        n, s = x[axis], own[axis]
        axis += 1
        if e == "#" or isinstance(e, int):
            places.append(position)
            if advanced_at is None:
                advanced_at = len(plain)
            if e == "#":
                dynamic.append((next(arrays), s, n))
            else:
                offset += (e + n if e < 0 else e) * s
            continue
        start, stop, step = slice(*e[1:]).indices(n)
        offset += start * s
        plain.append((len(range(start, stop, step)), s * step))
    together = places == list(range(places[0], places[0] + len(places)))
    at = advanced_at if together else 0
    shape = broadcast(*(p.shape for p, _, _ in dynamic))
    return offset, plain, at, shape, dynamic


@KERNELS(indexing.gather)
def _gather(core: Core, step: Application) -> Place:
    x, *indices = (core.place(o) for o in step.operands)
    if x.base.constant is not None:
        shape = static(step.result.shape)
        return Place(x.base, shape, 0, (0,) * len(shape))
    if not x.plain:
        x = core.copied(x)
    buffer = core.memory(x.base)
    offset, plain, at, spread, dynamic = _pattern(core, step.params["pattern"], x.shape, indices)
    shape = (*(n for n, _ in plain[:at]), *spread, *(n for n, _ in plain[at:]))
    strides = [*(s for _, s in plain[:at]), *(0 for _ in spread), *(s for _, s in plain[at:])]
    strides = [0 if n == 1 else s for n, s in zip(shape, strides, strict=True)]
    seen = [(within(p, shape, at, spread), s, n) for p, s, n in dynamic]
    number, nest = core.home(shape, [*(p for p, _, _ in seen), elsewhere(x.base)])
    positions = tuple((core.operand(nest, number, p, shape), s, n) for p, s, n in seen)
    load = Load(
        Access(buffer, offset, refitted(strides, shape, nest.sizes)),
        x.base.dtype,
        dynamic=positions,
    )
    nest.body.append(load)
    return Place.whole(Base(shape, x.base.dtype, False, number, load))


@KERNELS(indexing.scatter_add)
def _scatter_add(core: Core, step: Application) -> Place:
    x, *indices = (core.place(o) for o in step.operands)
    written = Base(static(step.result.shape), step.result.dtype)
    written.buffer = core.scratch(written.dtype, written.size)
    filled(core, written, 0)
    if written.size == 0:
        return Place.whole(written)
    offset, plain, at, spread, dynamic = _pattern(
        core, step.params["pattern"], written.shape, indices
    )
    shape = (*(n for n, _ in plain[:at]), *spread, *(n for n, _ in plain[at:]))
    strides = [*(s for _, s in plain[:at]), *(0 for _ in spread), *(s for _, s in plain[at:])]
    seen = [(within(p, shape, at, spread), s, n) for p, s, n in dynamic]
    scattered = _scattered(core, x, seen, strides, shape, written)
    if 0 not in shape:
        nest = core.kernels[scattered.base.index]
        assert isinstance(nest, Nest)  # noqa: S101
        nest.body[-1].access.offset = offset
    return scattered
