"""Loop nests as instructions: which axis is a vector, what stands outside of which loop.

Every value knows how deep it must stand: inside the loops whose index it depends on, and no others.
What does not depend on the innermost axis is a scalar, computed once outside and spread over the
lanes where it meets a vector. The rest of an axis that is no multiple of the lanes is done once
more under a constant mask.

``out[10 i + j] = b[i] a[10 i + j]`` over (3, 10), in vectors of four::

    for i in 0, 1, 2:
        row = 10 i                            an address as far as i decides it
        s = b[i]                              depth 1: a scalar, outside of the loop over j
        for j in 0, 4:
            out[row + j : + 4] = spread(s) * a[row + j : + 4]
        out[row + 8 : + 4] = spread(s) * a[row + 8 : + 4]       under the mask 1100

A sum over j would be four sums in a register, from 0, added up after the loop.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...program import Literal
from ..kernels import (
    Access,
    Buffer,
    Compute,
    Fold,
    Iota,
    Load,
    Nest,
    Product,
    Store,
    Tile,
    Value,
    operation,
    row_major,
)
from .assembly import Code, V, constant, element, vector
from .machine import Machine
from .operations import converted, instruction, memory_type, register_type
from .products import Operand, product, scratch_bytes

__all__ = ["emit_nest", "shareable", "workspace"]

CHUNK = 4096  # elements that one set of float accumulators takes in, before a double does
I64 = "i64"


def workspace(nest: Nest, machine: Machine) -> int:
    """Bytes of scratch memory that the product of a nest packs its operands into."""
    p = nest.product
    if p is None or 0 in nest.sizes:
        return 0
    kind = register_type(p.tile.dtype)
    direct, rest = _parted(nest)
    strides = (p.n, 1) if direct is not None else None
    return scratch_bytes(
        machine, kind, p.m, p.n, p.k, _last_two(p.a.strides), _last_two(p.b.strides),
        strides, bool(rest) or any(p.zeros),
    )  # fmt: skip


def emit_nest(
    code: Code,
    machine: Machine,
    nest: Nest,
    pointers: dict[int, V],
    errors: V,
    scratch: V,
    share: tuple[V, V] | None = None,
) -> None:
    """Write one nest at the present place.

    Parameters
    ----------
    pointers : dict of buffer id to V
    errors : V
        Where 1 is written if a computed index is out of range.
    scratch : V
        Memory of `workspace` bytes.
    share : (V, V), optional
        This thread's part of the nest, and the number of parts; see `shareable`.
    """
    _Writer(code, machine, nest, pointers, errors, scratch, share).write()


def _last_two(strides: list[int]) -> tuple[int, int]:
    return strides[-2], strides[-1]


def shareable(nest: Nest, machine: Machine) -> bool:
    """Whether threads can share a nest, and it is large enough to be worth it."""
    p = nest.product
    if p is not None:
        return math.prod(p.batch) * p.m * p.n * p.k >= 1 << 20
    if math.prod(nest.sizes) < 1 << 15:
        return False
    nothing = V("0", I64)
    writer = _Writer(Code(), machine, nest, {}, nothing, nothing, (nothing, nothing))
    writer.body = list(nest.body)
    writer._arrange()
    return writer.split is not None


def _parted(nest: Nest) -> tuple[Buffer | None, list[Any]]:
    """The buffer that takes a product as it is, if there is one, and the rest of the body."""
    p = nest.product
    order = row_major(nest.sizes)
    direct: Buffer | None = None
    others: list[Any] = []
    for statement in nest.body:
        plain = (
            isinstance(statement, Store)
            and statement.value is p.tile  # type: ignore[union-attr]
            and statement.access.offset == 0
            and all(
                n == 1 or s == o
                for n, s, o in zip(nest.sizes, statement.access.strides, order, strict=True)
            )
        )
        if plain and direct is None:
            direct = statement.access.buffer
        else:
            others.append(statement)
    # Where the tile is written over state that the body still reads, it must wait.
    read = {id(statement.access.buffer) for statement in others if isinstance(statement, Load)}
    if direct is not None and id(direct) in read:
        return None, list(nest.body)
    return direct, others


class _Writer:
    """One nest on its way to instructions: first its axes are arranged, then loops are written inwards.

    Attributes
    ----------
    body : list of statements
        What is still to be written; the nest's own list is left as it is.
    sizes, strides : list of int, dict of id to list of int
        Of the axes as they are walked (`_collapse`, `_choose`), and each access's strides along them.
    ordered : int or None
        The axis that must be walked from its beginning, since points read what earlier ones wrote.
    lanes : int
        Of the last axis, how many points one vector holds.
    depth : dict of id to int
        Inside of how many loops each statement stands.
    values : dict
        What each statement has computed at the present place, as a scalar or as a vector.
    indices : list of V
        Of the loops that are open, the outermost first.
    partial : dict
        Addresses as far as the open loops decide them, by offset, depth and strides: accesses that
        agree so far share one.
    split : int or None
        The axis that threads share.
    """

    def __init__(
        self,
        code: Code,
        machine: Machine,
        nest: Nest,
        pointers: dict[int, V],
        errors: V,
        scratch: V,
        share: tuple[V, V] | None,
    ) -> None:
        self.code = code
        self.machine = machine
        self.nest = nest
        self.pointers = pointers
        self.errors = errors
        self.scratch = scratch
        self.share = share
        self.values: dict[Any, V] = {}
        self.indices: list[V] = []
        self.partial: dict[tuple[Any, ...], V] = {}
        self.kept: list[
            Any
        ] = []  # statements made here, which live on so that no id is given twice
        self.split: int | None = None
        self.totals: dict[
            tuple[int, int], V
        ] = {}  # of folds in registers, by where their lanes begin
        self.chunk = 0  # where on the last axis the vector at hand begins
        self.handed: Load | None = None  # what stands in a register, and is not loaded

    # --- the way down -----------------------------------------------------------------------

    def write(self) -> None:
        nest = self.nest
        self.body = list(nest.body)
        folds = [one for one in self.body if isinstance(one, Fold)]
        if 0 in nest.sizes:
            for fold in folds:
                self._fill(fold)
            return
        if nest.product is not None:
            self._product(nest.product)
            return
        self._arrange()
        self._reciprocals()
        for fold in folds:
            if self._in_memory(fold):
                self._fill(fold)
        self._loops(0)

    def _arrange(self) -> None:
        self._collapse()
        self._choose()
        self.split = self._splittable() if self.share is not None else None

    def _splittable(self) -> int | None:
        """An axis that threads may share: along it no fold meets another thread's."""
        last = len(self.sizes) - 1
        folds = [one for one in self.body if isinstance(one, Fold)]
        if any(isinstance(one, Store) and one.add for one in self.body) or last < 0:
            return None
        for axis in dict.fromkeys((0, last)):
            if axis == self.ordered or self.sizes[axis] < 8 * (self.lanes if axis == last else 1):
                continue
            if all(self.strides[id(f)][axis] and not f.overlap for f in folds) and all(
                not self._in_memory(f)
                or (axis == last and f.access.buffer.size == self.sizes[last])
                for f in folds
            ):
                return axis
        return None

    def _part(self, count: int, lanes: int = 1) -> tuple[V, V]:
        """The range that is this thread's of a loop over ``count`` in steps of ``lanes``."""
        assert self.share is not None  # noqa: S101
        code, (part, parts) = self.code, self.share
        units, n = V(str(count // lanes), I64), V(str(lanes), I64)

        def bound(p: V) -> V:
            first = code.binary("udiv", code.binary("mul", p, units), parts)
            return code.binary("mul", first, n)

        return bound(part), bound(code.binary("add", part, V("1", I64)))

    def _axes(self) -> list[tuple[list[int], Any]]:
        found: list[tuple[list[int], Any]] = []
        for one in self.body:
            if isinstance(one, (Load, Store, Fold)):
                found.append((one.access.strides, one))
            elif isinstance(one, Iota):
                found.append((one.strides, one))
        return found

    def _collapse(self) -> None:
        """Make one axis of neighbours that every access walks through in one stride."""
        nest = self.nest
        self.sizes = list(nest.sizes)
        self.strides: dict[int, list[int]] = {id(one): list(s) for s, one in self._axes()}
        self.ordered = nest.ordered
        i = 0
        while i + 1 < len(self.sizes):
            inner = self.sizes[i + 1]
            if i != self.ordered and all(s[i] == s[i + 1] * inner for s in self.strides.values()):
                self.sizes[i : i + 2] = [self.sizes[i] * inner]
                for s in self.strides.values():
                    s[i : i + 2] = [s[i + 1]]
            else:
                i += 1

    def _choose(self) -> None:
        """Put the axis that vectors lie along last, and say how many lanes they have.

        An ordered axis can be the last one too, without vectors: where it alone lies in memory element
        by element, a cache line is used up before the next is asked for.
        """
        kinds = {id(statement): statement for _, statement in self._axes()}
        scalar = any(isinstance(o, Store) and o.add for o in self.body)
        best, score = None, -math.inf
        for axis in range(len(self.sizes)):
            total = 0.0
            for key, s in self.strides.items():
                statement = kinds[key]
                if isinstance(statement, Iota):
                    continue
                weight = 3.0 if isinstance(statement, Store) else 2.0
                if s[axis] == 1:
                    total += weight
                elif s[axis] == 0:
                    total += 1.0
                else:
                    total -= 2 * weight
                if isinstance(statement, Fold) and statement.overlap and s[axis] not in (0, 1):
                    total -= 100.0
            total -= 2.0 / self.sizes[axis]
            if total >= score:
                best, score = axis, total
        self.lanes = 1
        if best is None:
            return
        scalar = scalar or best == self.ordered
        if self.ordered is not None:
            self.ordered = len(self.sizes) - 1 if best == self.ordered else 0
        order = [a for a in range(len(self.sizes)) if a != best] + [best]
        self.sizes = [self.sizes[a] for a in order]
        for s in self.strides.values():
            s[:] = [s[a] for a in order]
        if not scalar:
            widest = self.machine.lanes(self._itemsize())
            self.lanes = min(widest, 1 << (self.sizes[-1] - 1).bit_length())

    def _itemsize(self) -> int:
        sizes = [
            o.dtype.itemsize
            for o in self.body
            if isinstance(o, (Load, Compute)) and o.dtype.kind == "f" and not o.weak
        ]
        sizes = sizes or [
            o.dtype.itemsize
            for o in self.body
            if isinstance(o, (Load, Compute)) and o.dtype.char != "?"
        ]
        return max(4, min(sizes, default=4))

    def _depths(self) -> None:
        """How many loops each value stands inside of."""
        self.depth: dict[int, int] = {}
        innermost = len(self.sizes)
        for statement in self.body:
            if isinstance(statement, (Load, Iota)):
                own = _deepest(self.strides[id(statement)])
                if isinstance(statement, Load):
                    own = max([own, *(self._depth_of(v) for v, _, _ in statement.dynamic)])
            elif isinstance(statement, Compute):
                own = max((self._depth_of(v) for v in statement.operands), default=0)
            elif isinstance(statement, Store) and not statement.add:
                own = max(self._depth_of(statement.value), _deepest(self.strides[id(statement)]))
            else:
                own = innermost
            self.depth[id(statement)] = own

    def _depth_of(self, v: Any) -> int:
        if isinstance(v, Literal):
            return 0
        if isinstance(v, Tile):
            return len(self.sizes)
        return self.depth[id(v)]

    def _loops(self, level: int) -> None:
        """Write everything from this depth on."""
        if level == 0:
            self._depths()
            self._partials(0)
        if level < len(self.sizes) - 1:
            self._items(level, False, None)
            shared = self.split == level
            start, stop = self._part(self.sizes[level]) if shared else (0, self.sizes[level])
            held = self._in_registers(level)
            first = [self._neutral(f) for f, _ in held]
            with self.code.loop(start, stop, 1, first) as loop:
                self._enter(level, loop.index)
                self.totals = {(id(f), at): v for (f, at), v in zip(held, loop.values, strict=True)}
                self._loops(level + 1)
                loop.next(*(self.totals[id(f), at] for f, at in held))
            self.totals = {}
            for (fold, at), total in zip(held, loop.results, strict=True):
                self.indices[level:] = [V("0", I64), V(str(at), I64)]
                rest = self.sizes[-1] - at
                mask = _mask(rest, self.lanes) if rest < self.lanes else None
                self._kept(fold, total, mask, 0 in self.strides[id(fold)][:level])
            self._leave(level)
            return
        self._items(level, False, None)
        if self.sizes:
            self._vectors(level)

    def _in_registers(self, level: int) -> list[tuple[Fold, int]]:
        """Folds over this loop whose lanes are few enough to stay in registers, with where they begin.

        In memory each round would wait for what the last one has stored.
        """
        last = len(self.sizes) - 1
        chunks = range(0, self.sizes[-1], self.lanes)
        if level != last - 1 or len(chunks) > 4 or len(self.body) > 32 or self.split == last:
            return []
        return [
            (f, at)
            for f in self.body
            if isinstance(f, Fold)
            and not f.overlap
            and self.strides[id(f)][level] == 0
            and self.strides[id(f)][last] != 0
            for at in chunks
        ]

    def _enter(self, level: int, index: V) -> None:
        self.indices[level:] = [index]
        self._partials(level + 1)

    def _leave(self, level: int) -> None:
        del self.indices[level:]

    def _partials(self, level: int) -> None:
        """Addresses as far as the indices down to this level decide them."""
        done: set[Any] = set()
        for one in self.body:
            if not isinstance(one, (Load, Store, Fold)):
                continue
            strides = self.strides[id(one)]
            key = self._key(one, level)
            if key in done:
                continue
            done.add(key)
            if level == 0:
                self.partial[key] = V(str(one.access.offset), I64)
                continue
            before = self.partial[self._key(one, level - 1)]
            self.partial[key] = self._advanced(before, self.indices[level - 1], strides[level - 1])

    def _key(self, one: Any, level: int) -> tuple[Any, ...]:
        return (one.access.offset, level, *self.strides[id(one)][:level])

    def _advanced(self, before: V, index: V, stride: int) -> V:
        if stride == 0 or index.text == "0":
            return before
        step = index if stride == 1 else self.code.binary("mul", index, V(str(stride), I64))
        return step if before.text == "0" else self.code.binary("add", before, step)

    # --- the innermost axis -----------------------------------------------------------------

    def _neutral(self, fold: Fold) -> V:
        return constant(_neutral(fold), vector(_kind(fold), self.lanes))

    def _handed_on(self, level: int) -> bool:
        """An ordered innermost axis: what each point reads of the one before it has in a register.

        From memory each would wait for the other's store.
        """
        stores = [o for o in self.body if isinstance(o, Store)]
        if level != self.ordered or len(stores) != 1 or self.lanes != 1:
            return False
        (store,) = stores
        strides, start = self.strides[id(store)], store.access.offset
        found = [
            o for o in self.body
            if isinstance(o, Load) and o.access.buffer is store.access.buffer and not o.dynamic
            and self.strides[id(o)] == strides and start - o.access.offset == strides[level]
        ]  # fmt: skip
        if len(found) != 1 or not isinstance(store.value, Compute):
            return False
        (before,), outside = found, dict(self.values)
        self._enter_vector(level, V("0", I64))
        first = self._load(before, True, None)
        with self.code.loop(0, self.sizes[level], 1, [first]) as loop:
            self._enter_vector(level, loop.index)
            self.values, self.handed = {**outside, before: loop.values[0]}, before
            self._items(level + 1, True, None)
            loop.next(self._vector(store.value, store.access.buffer.dtype))
        self.values, self.handed = outside, None
        self._leave(level)
        return True

    def _vectors(self, level: int) -> None:
        """The innermost loop: whole vectors, then what is left under a mask."""
        n, size = self.lanes, self.sizes[level]
        if self._handed_on(level):
            return
        whole = size // n * n
        folds = [o for o in self.body if isinstance(o, Fold) and self.strides[id(o)][level] == 0]
        if size > 2 * CHUNK and n > 1 and any(f.how == "sum" for f in folds):
            self._chunks(level, folds)
            return
        totals = [self._neutral(f) for f in folds]
        shared = self.split == level
        if self.totals and whole:
            for self.chunk in range(0, whole, n):
                self._enter_vector(level, V(str(self.chunk), I64))
                totals = self._round(folds, totals, None)
        elif whole == n:
            self._enter_vector(level, V("0", I64))
            totals = self._round(folds, totals, None)
        elif whole:
            start, stop = self._part(whole, n) if shared else (0, whole)
            with self.code.loop(start, stop, n, totals) as loop:
                self._enter_vector(level, loop.index)
                loop.next(*self._round(folds, loop.values, None))
            totals = loop.results
        if size > whole:
            after = self._only_last() if shared else None
            self.chunk = whole
            self._enter_vector(level, V(str(whole), I64))
            totals = self._round(folds, totals, _mask(size - whole, n))
            if after is not None:
                self.code.jump(after)
                self.code.start(after)
        self._leave(level)
        for fold, total in zip(folds, totals, strict=True):
            self._finish(fold, self._across(fold, total), level)

    def _only_last(self) -> str:
        """Begin what only the last thread does; returns the label where all go on."""
        assert self.share is not None  # noqa: S101
        code, (part, parts) = self.code, self.share
        last = code.compare("eq", code.binary("add", part, V("1", I64)), parts)
        inside, after = code.fresh("last"), code.fresh("all")
        code.branch(last, inside, after)
        code.start(inside)
        return after

    def _enter_vector(self, level: int, index: V) -> None:
        self.indices[level:] = [index]

    def _chunks(self, level: int, folds: list[Fold]) -> None:
        """A long axis in chunks, whose sums a double takes in: rounding does not grow with length."""
        code, n, size = self.code, self.lanes, self.sizes[level]
        whole = size // n * n
        wide = [constant(_neutral(f), _wide(f)) for f in folds]
        step = CHUNK // n * n
        with code.loop(0, whole, step, wide) as outer:
            limit = code.binary("add", outer.index, V(str(step), I64))
            over = code.compare("sgt", limit, V(str(whole), I64))
            limit = code.select(over, V(str(whole), I64), limit)
            with code.loop(outer.index, limit, n, [self._neutral(f) for f in folds]) as loop:
                self._enter_vector(level, loop.index)
                loop.next(*self._round(folds, loop.values, None))
            parts = zip(folds, outer.values, loop.results, strict=True)
            outer.next(*(self._widened(f, total, self._across(f, r)) for f, total, r in parts))
        wide = outer.results
        if size > whole:
            self._enter_vector(level, V(str(whole), I64))
            rest = self._round(folds, [self._neutral(f) for f in folds], _mask(size - whole, n))
            parts = zip(folds, wide, rest, strict=True)
            wide = [self._widened(f, total, self._across(f, r)) for f, total, r in parts]
        self._leave(level)
        for fold, total in zip(folds, wide, strict=True):
            self._finish(fold, code.convert("fptrunc", total, _kind(fold)), level)

    def _widened(self, fold: Fold, total: V, part: V) -> V:
        return _combined(self.code, fold, total, self.code.convert("fpext", part, total.type))

    def _round(self, folds: list[Fold], totals: list[V], mask: V | None) -> list[V]:
        """The body at one vector; returns the totals of the folds along it."""
        outside = dict(self.values)
        self._items(len(self.sizes), True, mask)
        found = []
        for fold, total in zip(folds, totals, strict=True):
            v = self._vector(fold.value, fold.access.buffer.dtype)
            if mask is not None:
                v = self.code.select(mask, v, self._neutral(fold))
            found.append(_combined(self.code, fold, total, v))
        self.values = outside
        return found

    def _items(self, depth: int, inner: bool, mask: V | None) -> None:
        """All values and stores of one depth; ``inner``: they are vectors."""
        along = len(self.sizes) - 1
        for one in self.body:
            if self.depth[id(one)] != depth:
                continue
            if isinstance(one, Load):
                if one is not self.handed:
                    self.values[one] = self._load(one, inner, mask)
            elif isinstance(one, Iota):
                self.values[one] = self._iota(one, inner)
            elif isinstance(one, Compute):
                self.values[one] = self._compute(one, inner, mask)
            elif isinstance(one, Store):
                self._store(one, inner, mask)
            elif self.strides[id(one)][along] != 0:
                self._gathered_fold(one, mask)

    # --- values -----------------------------------------------------------------------------

    def _scalar(self, v: Value, dtype: np.dtype[Any]) -> V:
        """A value that stands outside of the innermost loop, in a dtype."""
        if isinstance(v, Literal):
            return constant(_number(v.value, dtype), register_type(dtype))
        key = (v, dtype.char)
        if key not in self.values:
            self.values[key] = converted(self.code, self.values[v], _dtype(v), dtype)
        return self.values[key]

    def _vector(self, v: Value, dtype: np.dtype[Any] | None = None) -> V:
        """A value at the present vector, in a dtype; scalars are spread."""
        dtype = dtype or _dtype(v)
        n = self.lanes
        if isinstance(v, Literal):
            return constant(_number(v.value, dtype), vector(register_type(dtype), n))
        if isinstance(v, Tile) or self.depth[id(v)] == len(self.sizes):
            key = (v, dtype.char)
            if key not in self.values:
                self.values[key] = converted(self.code, self.values[v], _dtype(v), dtype)
            return self.values[key]
        spread = (v, dtype.char, "spread")
        if spread not in self.values:
            self.values[spread] = self.code.splat(self._scalar(v, dtype), n)
        return self.values[spread]

    def _operand(self, v: Value, dtype: np.dtype[Any], inner: bool) -> V:
        return self._vector(v, dtype) if inner else self._scalar(v, dtype)

    def _compute(self, one: Compute, inner: bool, mask: V | None) -> V:
        p, code = one.primitive, self.code
        if p.name == "cast":
            v = self._operand(one.operands[0], one.working, inner)
            return converted(code, v, one.working, one.dtype)
        if p.name == "index":
            return self._checked(one.operands[0], one.params["size"], inner, mask)
        kinds = [one.working] * len(one.operands)
        if p.name == "where":
            kinds[0] = np.dtype(bool)
        operands = [self._operand(o, k, inner) for o, k in zip(one.operands, kinds, strict=True)]
        return instruction(code, p, one.working, operands, one.params)

    def _checked(self, v: Value, size: int, inner: bool, mask: V | None) -> V:
        """An index from 0 on; where it is out of range an error is noted, and 0 stands for it."""
        code, dtype = self.code, np.dtype(np.int64)
        unsigned = not isinstance(v, Literal) and _dtype(v).kind == "u"
        i = self._operand(v, dtype, inner)
        limit = constant(size, i.type)
        if not unsigned:
            negative = code.compare("slt", i, constant(0, i.type))
            i = code.select(negative, code.binary("add", i, limit), i)
        bad = code.compare("uge", i, limit)
        if inner and self.lanes > 1:
            if mask is not None:
                bad = code.binary("and", bad, mask)
            full = f"llvm.vector.reduce.or.v{self.lanes}i1"
            some = code.invoke(full, "i1", bad)
        else:
            some = bad
        old = code.load(self.errors, "i32")
        code.store(code.binary("or", old, code.convert("zext", some, "i32")), self.errors)
        return code.select(bad, constant(0, i.type), i)

    def _iota(self, one: Iota, inner: bool) -> V:
        strides, code = self.strides[id(one)], self.code
        total = V("0", I64)
        depth = len(self.sizes)
        for level in range(depth - 1 if inner else depth):
            if level < len(self.indices):
                total = self._advanced(total, self.indices[level], strides[level])
        if not inner:
            return total
        total = self._advanced(total, self.indices[-1], strides[-1])
        if self.lanes == 1:
            return total
        return code.binary("add", code.splat(total, self.lanes), _ramp(strides[-1], self.lanes))

    def _address(self, access: Access, one: Any, inner: bool) -> tuple[V, int]:
        """Where a point is, and the stride to the next lane."""
        code = self.code
        strides = self.strides[id(one)]
        kind = memory_type(access.buffer.dtype)
        level = len(self.sizes) - 1 if inner else _deepest(strides)
        level = min(level, len(self.indices)) if not inner else level
        offset = self.partial[self._key(one, level)]
        if inner:
            offset = self._advanced(offset, self.indices[-1], strides[-1])
        base = self.pointers[id(access.buffer)]
        return code.address(base, offset, kind), strides[-1] if inner else 0

    def _load(self, one: Load, inner: bool, mask: V | None) -> V:
        code, n = self.code, self.lanes
        buffer = one.access.buffer
        kind = memory_type(buffer.dtype)
        if one.dynamic:
            return self._from_memory(self._gathered(one, inner, mask), buffer)
        pointer, stride = self._address(one.access, one, inner)
        if not inner or n == 1:
            return self._from_memory(code.load(pointer, kind), buffer)
        if stride == 1:
            return self._from_memory(code.load(pointer, vector(kind, n), mask), buffer)
        pointers = self._lanes_of(pointer, kind, stride)
        return self._from_memory(self._gather(pointers, kind, mask), buffer)

    def _from_memory(self, v: V, buffer: Buffer) -> V:
        if buffer.dtype.char != "?":
            return v
        return self.code.compare("ne", v, constant(0, v.type))

    def _lanes_of(self, pointer: V, kind: str, stride: int) -> V:
        ramp = _ramp(stride, self.lanes)
        return self.code.emit(f"<{self.lanes} x ptr>", f"getelementptr {kind}, {pointer}, {ramp}")

    def _gather(self, pointers: V, kind: str, mask: V | None) -> V:
        code, n = self.code, self.lanes
        base = vector(kind, n)
        mask = mask or constant(True, vector("i1", n))
        name = f"llvm.masked.gather.v{n}{_suffix(kind)}.v{n}p0"
        code.declared[name] = f"declare {base} @{name}({pointers.type}, i32, {mask.type}, {base})"
        return code.emit(
            base,
            f"call {base} @{name}({pointers}, i32 {_bytes(kind)}, {mask}, {base} zeroinitializer)",
        )

    def _gathered(self, one: Load, inner: bool, mask: V | None) -> V:
        """Elements at computed places."""
        code = self.code
        kind = memory_type(one.access.buffer.dtype)
        offset = self._dynamic(one, inner, mask)
        base = self.pointers[id(one.access.buffer)]
        if not inner or self.lanes == 1:
            return code.load(code.address(base, offset, kind), kind)
        pointers = code.emit(f"<{self.lanes} x ptr>", f"getelementptr {kind}, {base}, {offset}")
        return self._gather(pointers, kind, mask)

    def _dynamic(self, one: Any, inner: bool, mask: V | None) -> V:
        code, strides = self.code, self.strides[id(one)]
        level = len(self.sizes) - 1 if inner else min(_deepest(strides), len(self.indices))
        offset = self.partial[self._key(one, level)]
        if inner:
            offset = self._advanced(offset, self.indices[-1], strides[-1])
            if self.lanes > 1:
                offset = code.splat(offset, self.lanes)
                if strides[-1]:
                    offset = code.binary("add", offset, _ramp(strides[-1], self.lanes))
        for v, stride, size in one.dynamic:
            i = self._checked(v, size, inner, mask)
            offset = code.binary("add", offset, code.binary("mul", i, constant(stride, i.type)))
        return offset

    def _store(self, one: Store, inner: bool, mask: V | None) -> None:
        code, n = self.code, self.lanes
        buffer = one.access.buffer
        dtype, kind = buffer.dtype, memory_type(buffer.dtype)
        v = self._operand(one.value, dtype, inner)
        if dtype.char == "?":
            v = code.convert("zext", v, vector("i8", n if inner else 1))
        if one.dynamic or one.add:
            base = self.pointers[id(buffer)]
            pointer = code.address(base, self._dynamic(one, inner, mask), kind)
            if one.add:
                v = code.binary("fadd" if dtype.kind == "f" else "add", code.load(pointer, kind), v)
            code.store(v, pointer)
            return
        pointer, stride = self._address(one.access, one, inner)
        if not inner or n == 1:
            code.store(v, pointer)
        elif stride == 1:
            code.store(v, pointer, mask)
        else:
            self._scatter(v, self._lanes_of(pointer, kind, stride), kind, mask)

    def _scatter(self, v: V, pointers: V, kind: str, mask: V | None) -> None:
        code, n = self.code, self.lanes
        mask = mask or constant(True, vector("i1", n))
        name = f"llvm.masked.scatter.v{n}{_suffix(kind)}.v{n}p0"
        code.declared[name] = f"declare void @{name}({v.type}, {pointers.type}, i32, {mask.type})"
        code.do(f"call void @{name}({v}, {pointers}, i32 {_bytes(kind)}, {mask})")

    def _reciprocals(self) -> None:
        """Make products of quotients by what is the same along the innermost axis.

        A division takes as long as eight.
        """
        if not self.sizes:
            return
        body: list[Any] = []
        same: set[int] = set()
        swapped: dict[int, Any] = {}

        def uniform(v: Any) -> bool:
            return isinstance(v, Literal) or id(v) in same

        def make(name: str, operands: tuple[Any, ...], like: Compute) -> Compute:
            computed = Compute(operation(name), operands, {}, like.dtype, False, like.working)
            body.append(computed)
            return computed

        for first in self.body:
            statement = first
            if isinstance(statement, Compute):
                statement = _renamed(statement, swapped)
                if all(map(uniform, statement.operands)):
                    same.add(id(statement))
                elif (
                    statement.primitive.name == "divide"
                    and not isinstance(statement.operands[1], Literal)
                    and uniform(statement.operands[1])
                ):
                    a, c = statement.operands
                    scale, inverse = (
                        make("scale", (c,), statement),
                        make("reciprocal", (c,), statement),
                    )
                    same.update((id(scale), id(inverse)))
                    scaled = make("multiply", (a, inverse), statement)
                    swapped[id(first)] = make("multiply", (scaled, scale), statement)
                    continue
            elif (
                isinstance(statement, Load)
                and not statement.dynamic
                and self.strides[id(statement)][-1] == 0
            ):
                same.add(id(statement))
            elif isinstance(statement, (Load, Store, Fold)):
                statement = _renamed(statement, swapped)
                self.strides[id(statement)] = self.strides[id(first)]
            body.append(statement)
            self.kept.append(statement)
        self.body = body

    # --- folds ------------------------------------------------------------------------------

    def _in_memory(self, fold: Fold) -> bool:
        """Whether a fold goes on adding to memory, which must hold the neutral number first."""
        strides = self.strides[id(fold)]
        if len(strides) > 1 and any(f is fold for f, _ in self._in_registers(len(strides) - 2)):
            return 0 in strides[:-2]
        return fold.overlap or strides[-1] != 0 or 0 in strides[:-1]

    def _fill(self, fold: Fold) -> None:
        """Put the neutral number into all of a fold's memory."""
        code = self.code
        buffer = fold.access.buffer
        kind = memory_type(buffer.dtype)
        n = self.machine.lanes(max(buffer.dtype.itemsize, 1))
        n = min(n, 1 << max(0, buffer.size.bit_length() - 1)) or 1
        base = self.pointers[id(buffer)]
        neutral = constant(_neutral(fold), vector(kind, n))
        whole = buffer.size // n * n
        shared = self.split is not None
        if whole:
            start, stop = (0, whole)
            if shared:  # as the innermost loop is shared: each thread its own columns
                n = self.lanes
                whole = buffer.size // n * n
                neutral = constant(_neutral(fold), vector(kind, n))
                start, stop = self._part(whole, n)  # type: ignore[assignment]
            with code.loop(start, stop, n) as loop:
                code.store(neutral, code.address(base, loop.index, kind))
        after = self._only_last() if shared and whole < buffer.size else None
        for i in range(whole, buffer.size):
            one = constant(_neutral(fold), kind)
            code.store(one, code.address(base, V(str(i), I64), kind))
        if after is not None:
            code.jump(after)
            code.start(after)

    def _across(self, fold: Fold, total: V) -> V:
        """The lanes of a vector folded into one number."""
        if self.lanes == 1:
            return total
        code, n = self.code, self.lanes
        while n > 1:
            n //= 2
            kind = vector(element(total.type), n)
            low = ", ".join(f"i32 {i}" for i in range(n))
            high = ", ".join(f"i32 {i + n}" for i in range(n))
            poison = f"{total.type} poison"
            if n == 1:
                a = code.emit(kind, f"extractelement {total}, i64 0")
                b = code.emit(kind, f"extractelement {total}, i64 1")
            else:
                a = code.emit(kind, f"shufflevector {total}, {poison}, <{n} x i32> <{low}>")
                b = code.emit(kind, f"shufflevector {total}, {poison}, <{n} x i32> <{high}>")
            total = _combined(code, fold, a, b)
        return total

    def _finish(self, fold: Fold, total: V, level: int) -> None:
        """Add what the innermost loop gave to memory."""
        code = self.code
        kind = memory_type(fold.access.buffer.dtype)
        offset = self.partial[self._key(fold, level)]
        pointer = code.address(self.pointers[id(fold.access.buffer)], offset, kind)
        if self._in_memory(fold):
            total = _combined(code, fold, code.load(pointer, kind), total)
        code.store(total, pointer)

    def _gathered_fold(self, fold: Fold, mask: V | None) -> None:
        """A fold over outer loops: lanes stand side by side in registers or memory."""
        v = self._vector(fold.value, fold.access.buffer.dtype)
        key = (id(fold), self.chunk)
        if key in self.totals:
            self.totals[key] = _combined(self.code, fold, self.totals[key], v)
        else:
            self._kept(fold, v, mask, True)

    def _kept(self, fold: Fold, v: V, mask: V | None, more: bool) -> None:
        """Put lanes of a fold into memory; ``more``: together with what is there."""
        code, n = self.code, self.lanes
        kind = memory_type(fold.access.buffer.dtype)
        pointer, stride = self._address(fold.access, fold, True)
        if n == 1:
            v = _combined(code, fold, code.load(pointer, kind), v) if more else v
            code.store(v, pointer)
        elif stride == 1:
            v = _combined(code, fold, code.load(pointer, vector(kind, n), mask), v) if more else v
            code.store(v, pointer, mask)
        else:
            pointers = self._lanes_of(pointer, kind, stride)
            v = _combined(code, fold, self._gather(pointers, kind, mask), v) if more else v
            self._scatter(v, pointers, kind, mask)

    # --- products ---------------------------------------------------------------------------

    def _product(self, p: Product) -> None:
        code = self.code
        direct, epilogue = _parted(self.nest)
        self.body = epilogue if any(isinstance(statement, Store) for statement in epilogue) else []
        self.sizes = list(self.nest.sizes)
        self.strides = {id(statement): list(s) for s, statement in self._axes()}
        self.lanes = 1
        self._reciprocals()
        kind = register_type(p.tile.dtype)
        batch = len(p.batch)

        def matrix(buffer: Buffer, offset: V, strides: list[int]) -> Operand:
            pointer = code.address(self.pointers[id(buffer)], offset, kind)
            return Operand(pointer, strides[0], strides[1])

        def at(level: int, offsets: list[V]) -> None:
            if level < batch:
                with code.loop(0, p.batch[level]) as loop:
                    self.indices[level:] = [loop.index]
                    at(
                        level + 1,
                        [
                            self._advanced(o, loop.index, s)
                            for o, s in zip(
                                offsets,
                                (p.a.strides[level], p.b.strides[level], out[level]),
                                strict=True,
                            )
                        ],
                    )
                return
            a = matrix(p.a.buffer, offsets[0], p.a.strides[-2:])
            b = matrix(p.b.buffer, offsets[1], p.b.strides[-2:])
            c = None if direct is None else matrix(direct, offsets[2], [p.n, 1])
            product(
                code, self.machine, kind, p.m, p.n, p.k, a, b, c, self.scratch,
                epilogue=self._epilogue if self.body else None, share=self.share, zeros=p.zeros,
            )  # fmt: skip

        out = row_major(self.nest.sizes)
        at(0, [V(str(p.a.offset), I64), V(str(p.b.offset), I64), V("0", I64)])

    def _epilogue(
        self,
        code: Code,
        row_start: V,
        row_stop: V,
        column_start: V,
        width: int,
        tile: V,
        tile_stride: int,
    ) -> None:
        """The body at a part of a product that is complete."""
        p = self.nest.product
        assert p is not None  # noqa: S101
        batch = len(p.batch)
        self.lanes = min(self.machine.lanes(p.tile.dtype.itemsize), 1 << (width - 1).bit_length())
        kept = dict(self.values), dict(self.partial), list(self.indices)
        self._depths()
        self._partials(0)
        for level in range(batch):
            self._partials(level + 1)
        for level in range(batch + 1):
            self._items(level, False, None)
        with code.loop(row_start, row_stop) as rows:
            self._enter(batch, rows.index)
            self._items(batch + 1, False, None)
            first = code.binary("sub", rows.index, row_start)
            line = code.binary("mul", first, V(str(tile_stride), I64))
            self._columns(batch + 1, column_start, width, tile, line)
        self.values, self.partial, self.indices = kept

    def _columns(self, level: int, start: V, width: int, tile: V, line: V) -> None:
        code, n = self.code, self.lanes
        p = self.nest.product
        assert p is not None  # noqa: S101
        kind = register_type(p.tile.dtype)

        def one(at: V, mask: V | None) -> None:
            outside = dict(self.values)
            place = at if line.text == "0" else code.binary("add", line, at)
            pointer = code.address(tile, place, kind)
            self.values[p.tile] = code.load(pointer, vector(kind, n), mask if n > 1 else None)
            column = at if start.text == "0" else code.binary("add", start, at)
            self.indices[level:] = [column]
            self._items(level + 1, True, mask)
            self.values = outside

        whole = width // n * n
        if whole == n:
            one(V("0", I64), None)
        elif whole:
            with code.loop(0, whole, n) as loop:
                one(loop.index, None)
        if width > whole:
            one(V(str(whole), I64), _mask(width - whole, n))
        del self.indices[level:]


# --- helpers --------------------------------------------------------------------------------


def _renamed(one: Any, swapped: dict[int, Any]) -> Any:
    """A statement on what stands for its operands; itself where nothing does."""

    def new(v: Any) -> Any:
        return swapped.get(id(v), v)

    changes: dict[str, Any] = {}
    if isinstance(one, Compute):
        changes["operands"] = tuple(map(new, one.operands))
    else:
        if isinstance(one, (Store, Fold)):
            changes["value"] = new(one.value)
        if isinstance(one, (Load, Store)):
            changes["dynamic"] = tuple((new(v), s, n) for v, s, n in one.dynamic)
    if all(getattr(one, k) == v for k, v in changes.items()):
        return one
    found = replace(one, **changes)
    swapped[id(one)] = found
    return found


def _kind(fold: Fold) -> str:
    return register_type(fold.access.buffer.dtype)


def _dtype(v: Any) -> np.dtype[Any]:
    if isinstance(v, Literal):
        return np.asarray(v.value).dtype
    found: np.dtype[Any] = v.dtype
    return found


def _wide(fold: Fold) -> str:
    dtype = fold.access.buffer.dtype
    return "double" if dtype.char == "f" and fold.how == "sum" else register_type(dtype)


def _neutral(fold: Any) -> Any:
    dtype = fold.access.buffer.dtype
    if fold.how == "sum":
        return 0
    if dtype.kind == "f":
        return -math.inf
    return np.iinfo(dtype).min


def _combined(code: Code, fold: Any, a: V, b: V) -> V:
    real = element(a.type) in ("float", "double")
    if fold.how == "sum":
        return code.binary("fadd" if real else "add", a, b)
    dtype = fold.access.buffer.dtype
    return instruction(code, operation("maximum"), dtype, [a, b], {})


def _number(value: Any, dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "iu":
        return int(value)
    return bool(value) if dtype.kind == "b" else float(value)


def _deepest(strides: list[int]) -> int:
    return max((i + 1 for i, s in enumerate(strides) if s != 0), default=0)


def _mask(count: int, n: int) -> V | None:
    if n == 1:
        return None
    bits = ", ".join("i1 true" if i < count else "i1 false" for i in range(n))
    return V(f"<{bits}>", f"<{n} x i1>")


def _ramp(stride: int, n: int) -> V:
    return V("<" + ", ".join(f"i64 {i * stride}" for i in range(n)) + ">", f"<{n} x i64>")


def _bytes(kind: str) -> int:
    return {"float": 4, "double": 8}.get(kind) or max(1, int(kind[1:]) // 8)


def _suffix(kind: str) -> str:
    return {"float": "f32", "double": "f64"}.get(kind, kind)
