"""From a Program to kernels: what is computed together, and what lies in memory.

One pass over the steps. A view is an access (an offset and strides) of what it looks at. An
elementwise step joins the kernel that computes one of its operands, or reads the same memory, if its
domain fits and everything it needs is ready there; so chains of them, their folds and the end of a
product become one loop. What another kernel needs is stored once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..errors import CaptureError
from ..kinds import Contract, Elementwise, Gather, Random, Reduce, Scan, View
from ..primitives import REGISTRY
from ..program import Application, Atom, Literal, Program, Var
from ..shapes import Dim, broadcast
from .kernels import (
    Access,
    Bits,
    Buffer,
    Call,
    Compute,
    Fold,
    Iota,
    Kernel,
    Load,
    Nest,
    Product,
    Repeat,
    Store,
    Tile,
    Value,
    refined,
    refitted,
    row_major,
    without_ones,
)
from .passes import simplified

__all__ = ["Schedule", "schedule"]

LONGEST = 192  # statements of one kernel: LLVM's time grows faster than the length of a function
DTYPES = frozenset("?bBhHiIlLqQfd")  # of what native code computes with
# What is computed anew through a view rather than stored and read back.
_CHEAP = frozenset({
    "absolute", "add", "cast", "equal", "greater", "less", "maximum", "minimum", "multiply", "negative",
    "relu", "square", "subtract", "where",
})  # fmt: skip
FEW = 4  # terms of a product that are written out
_INDEXED = frozenset({"gather", "put_along_axis", "scatter_add", "take_along_axis"})
_COMPARISONS = frozenset({"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})


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
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    weak: bool = False
    index: int = -1
    value: Value | None = None
    buffer: Buffer | None = None
    constant: Any = None
    recipe: Any = None

    @property
    def size(self) -> int:
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


class _Scheduler:
    def __init__(
        self, program: Program[Any], arguments: int, checks: int, constants: bool = True
    ) -> None:
        self.program = program
        self.constants = constants  # whether an output that is a known number needs no memory
        self.picked = {
            (s.operands[0], s.params["index"]) for s in program if s.primitive.name == "pick"
        }
        self.kernels: list[Kernel] = []
        self.places: dict[Var, Place] = {}
        self.tuples: dict[Var, tuple[Base, ...]] = {}
        self.parts: dict[Var, list[Any]] = {}  # of embedded values that have no memory yet
        self.readers: dict[Base, list[int]] = {}  # kernels that load it
        self.scalar_nest = -1
        self.floor = 0  # kernels before may not be joined any more
        self.scratch = 0
        self.scope = ""
        self.state: dict[Var, Base] = {}
        for n, var in enumerate(program.inputs):
            place, number = ("argument", n) if n < arguments else ("scalar", n - arguments)
            self._given(var, place, number)
        for n, (var, _) in enumerate(program.captures):
            self.state[var] = self._given(var, "state", n)
        self.check_count = checks

    def _given(self, var: Var, place: str, number: int) -> Base:
        shape = _static(var.shape)
        dtype = np.dtype(np.float64) if var.weak else var.dtype
        base = Base(shape, dtype, var.weak)
        base.buffer = Buffer(place, number, dtype, math.prod(shape))
        self.places[var] = Place.whole(base)
        return base

    # --- driving ----------------------------------------------------------------------------

    def run(self) -> Schedule:
        steps = _bits_first(self.program.applications)
        # An index out of range, as a failed check, must be known before anything is written.
        gated = self.check_count > 0 or any(map(_may_fail, steps))
        late = self._only_written() if gated else set()
        for step in steps:
            if step.result not in late:
                self._step(step)
        outputs = self.program.outputs
        checks = [self._buffer(self._place(o)) for o in outputs[len(outputs) - self.check_count :]]
        barrier = len(self.kernels)
        if gated:
            self.floor = barrier
            self.scalar_nest = -1
        for step in steps:
            if step.result in late:
                self._step(step)
        found: list[tuple[Any, tuple[int, ...], Any]] = []
        for o in outputs[: len(outputs) - self.check_count]:
            found.append(self._output(o, len(found)))
        self._writes(barrier if gated else 0)
        result = Schedule(self.program, self.kernels, barrier if gated else -1, found, checks)
        result.buffers = _buffers(self.kernels)
        return result

    def _only_written(self) -> set[Var]:
        """Results that lead to nothing but writes: they are computed after the checks.

        What may fail is not among them.
        """
        needed = {o for o in self.program.outputs if isinstance(o, Var)}
        needed.update(s.result for s in self.program.applications if _may_fail(s))
        for step in reversed(self.program.applications):
            if step.result in needed:
                needed.update(o for o in step.operands if isinstance(o, Var))
        return {s.result for s in self.program.applications if s.result not in needed}

    def _step(self, step: Application) -> None:
        self.scope = "/".join(step.scope)
        kind = step.primitive.kind
        if step.primitive.name == "pick":
            base = self.tuples[step.operands[0]][step.params["index"]]  # type: ignore[index]
            self.places[step.result] = Place.whole(base)
            return
        rule = getattr(self, "on_" + step.primitive.name, None)
        if not _native(step):
            rule = self._call
        elif rule is None:
            if isinstance(kind, Elementwise):
                rule = self._elementwise
            else:
                rule = self._call
        found = rule(step)
        if found is not None:
            self.places[step.result] = found

    # --- places -----------------------------------------------------------------------------

    def _place(self, atom: Atom) -> Place:
        if isinstance(atom, Literal):
            value = atom.value
            dtype = np.asarray(value).dtype
            return Place.whole(Base((), dtype, True, constant=value))
        if atom not in self.places:
            self.places[atom] = self._assembled(atom)
        return self.places[atom]

    def _scratch(self, dtype: Any, size: int) -> Buffer:
        self.scratch += 1
        return Buffer("scratch", self.scratch, np.dtype(dtype), size)

    def _memory(self, base: Base) -> Buffer:
        """The memory of a base, in which its kernel stores it."""
        self._settled(base)
        if base.buffer is None:
            base.buffer = self._scratch(base.dtype, base.size)
            if base.constant is not None:
                nest = Nest(without_ones(base.shape), scope=self.scope)
                self.kernels.append(nest)
                base.index = len(self.kernels) - 1
                base.value = Literal(base.constant)
            nest = self.kernels[base.index]  # type: ignore[assignment]
            nest.body.append(
                Store(base.value, Access(base.buffer, 0, row_major(nest.sizes)))  # type: ignore[arg-type]
            )
        return base.buffer

    def _buffer(self, place: Place) -> Buffer:
        """Memory that holds the value in order: the base's own, or a copy's."""
        return self._memory((place if place.plain else self._copied(place)).base)

    def _copied(self, place: Place) -> Place:
        """The value in memory of its own."""
        return self._computed(place.shape, [place], place.base.dtype, None, {})

    # --- elementwise ------------------------------------------------------------------------

    def _elementwise(self, step: Application) -> Place:
        places = [self._place(o) for o in step.operands]
        constants = [p.base.constant for p in places]
        shape = _static(step.result.shape)
        if all(c is not None for c in constants):
            with np.errstate(all="ignore"):
                value = step.primitive.forward(*constants, **step.params)
            value = float(value) if step.result.weak else np.asarray(value, step.result.dtype)[()]
            base = Base(shape, step.result.dtype, step.result.weak, constant=value)
            return Place.whole(base)
        if shape and not any(p.base.value and self._aligned(p, shape) for p in places):
            # Nothing says yet where: beside what it is first used with.
            base = Base(shape, step.result.dtype, recipe=(step, places))
            return Place.whole(base)
        return self._computed(shape, places, step.result.dtype, step, step.params)

    def _settled(self, base: Base) -> Base:
        """The base, computed by now."""
        if base.recipe is not None:
            step, places = base.recipe
            base.recipe = None
            found = self._computed(base.shape, places, base.dtype, step, step.params).base
            base.index, base.value = found.index, found.value
        return base

    def _computed(
        self,
        shape: tuple[int, ...],
        places: Sequence[Place],
        dtype: Any,
        step: Application | None,
        params: dict[str, Any],
        make: Any = None,
    ) -> Place:
        """A value computed point by point over ``shape``; without a step a copy of the one place."""
        number, nest = self._home(shape, places)
        operands = tuple(self._operand(nest, number, p, shape) for p in places)
        weak = step is not None and step.result.weak
        dtype = np.dtype(np.float64) if weak else np.dtype(dtype)
        if make is not None:
            value = make(nest, operands)
        elif step is None:
            value = operands[0]
            if isinstance(value, Literal):
                base = Base(shape, dtype, constant=value.value)
                return Place.whole(base)
        else:
            truth = weak and step.result.dtype.kind == "b"  # a comparison of numbers: 1 or 0
            own = step.result.dtype if truth else dtype
            working = _working(step, places, own)
            value = Compute(step.primitive, operands, params, own, weak, working)
            nest.body.append(value)
            if truth:
                value = Compute(REGISTRY["cast"], (value,), {}, dtype, True, own)
                nest.body.append(value)
        base = Base(shape, dtype, weak, number, value)
        return Place.whole(base)

    def _home(
        self, shape: tuple[int, ...], places: Sequence[Place], products: bool = True
    ) -> tuple[int, Nest]:
        """The kernel in which a value over ``shape`` of these operands is computed.

        ``products``: whether it may be that of a product, which folds may not.
        """
        sizes = without_ones(shape)
        earliest = self.floor
        candidates: set[int] = set()
        ways: dict[Base, bool] = {}
        waiting = [(p, shape) for p in places]  # each with the domain that it is seen from
        while waiting:
            p, around = waiting.pop()
            base = p.base
            if base.constant is not None:
                continue
            if base.recipe is not None:
                finer = refined(sizes, without_ones(base.shape))
                straight = self._aligned(p, around) and finer is not None
                if ways.setdefault(base, straight) is not straight:
                    # Seen as it is and through a view: its elements must all be there.
                    self._settled(base)
                    return self._home(shape, places, products)
                if straight and finer is not None:
                    sizes = finer
                    waiting += [(q, base.shape) for q in base.recipe[1]]
                    continue
                through = _through(p, around)
                if through is not None:
                    waiting += [(q, around) for q in through]
                    continue
                self._settled(base)
            if base.value is not None and self._aligned(p, around):
                earliest = max(earliest, base.index)
                candidates.add(base.index)
            else:
                earliest = max(earliest, base.index + 1)
            candidates.update(self.readers.get(base, ()))
        if not sizes:
            candidates.add(self.scalar_nest)
        for number in sorted(candidates):
            if number < earliest:
                continue
            nest = self.kernels[number]
            if not isinstance(nest, Nest) or len(nest.body) > LONGEST or nest.ordered is not None:
                continue
            if nest.product is not None and not products:
                continue
            joint = refined(nest.sizes, sizes) if nest.product is None else nest.sizes
            if joint is None or (nest.product is not None and not _covers(nest.sizes, sizes)):
                continue
            nest.refine(joint)
            return number, nest
        number, nest = self._new(tuple(sizes))
        if not sizes:
            self.scalar_nest = number
        return number, nest

    def _new(self, shape: tuple[int, ...]) -> tuple[int, Nest]:
        """A kernel of its own."""
        nest = Nest(without_ones(shape), scope=self.scope)
        self.kernels.append(nest)
        return len(self.kernels) - 1, nest

    def _aligned(self, place: Place, shape: tuple[int, ...]) -> bool:
        """Whether the place, seen from a domain, is at each point the base's own element there."""
        return place.plain and place.base.size == math.prod(shape)

    def _operand(self, nest: Nest, number: int, place: Place, shape: tuple[int, ...]) -> Value:
        base = place.base
        if base.constant is not None:
            return Literal(base.constant)
        if base.recipe is not None and self._aligned(place, shape):
            step, places = base.recipe
            base.recipe = None
            operands = tuple(self._operand(nest, number, p, base.shape) for p in places)
            working = _working(step, places, base.dtype)
            base.value = Compute(step.primitive, operands, step.params, base.dtype, False, working)
            base.index = number
            nest.body.append(base.value)
            return base.value
        if base.recipe is not None:
            through = _through(place, shape)
            if through is not None:
                return self._seen(nest, number, place, through, shape)
        if base.index == number and base.value is not None and self._aligned(place, shape):
            return base.value
        strides = [0] * (len(shape) - len(place.shape)) + [
            0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)
        ]
        full = [1] * (len(shape) - len(place.shape)) + list(place.shape)
        # An axis that broadcasting stretches has stride 0 over the whole of the domain's axis.
        strides = [0 if m == 1 else s for m, s in zip(full, strides, strict=True)]
        return self._loaded(nest, number, base, place.offset, strides, shape)

    def _seen(
        self, nest: Nest, number: int, place: Place, through: list[Place], shape: tuple[int, ...]
    ) -> Value:
        """A cheap step computed through a view: at the places where its operands are seen."""
        step, places = place.base.recipe
        key = (id(place.base), place.offset, place.strides, shape, tuple(nest.sizes))
        if key not in nest.seen:
            operands = tuple(self._operand(nest, number, p, shape) for p in through)
            dtype = place.base.dtype
            working = _working(step, places, dtype)
            value = Compute(step.primitive, operands, step.params, dtype, False, working)
            nest.body.append(value)
            nest.seen[key] = value, place.base  # which keeps its id its own
        return nest.seen[key][0]

    def _loaded(
        self, nest: Nest, number: int, base: Base, offset: int, strides: list[int], shape: Any
    ) -> Load:
        buffer = self._memory(base)
        fitted = refitted(strides, shape, nest.sizes)
        key = (id(buffer), offset, tuple(fitted), tuple(nest.sizes))
        if key not in nest.loads:
            load = Load(Access(buffer, offset, fitted), base.dtype, base.weak)
            nest.body.append(load)
            nest.loads[key] = load
            self.readers.setdefault(base, []).append(number)
        return nest.loads[key]

    # --- views ------------------------------------------------------------------------------

    def _viewed(self, step: Application, change: Any) -> Place:
        x = self._place(step.operands[0])
        return change(x) or change(self._copied(x))

    def on_identity(self, step: Application) -> Place:
        return self._place(step.operands[0])

    on_stop_gradient = on_identity

    def on_reshape(self, step: Application) -> Place:
        shape = _static(step.result.shape)

        def change(x: Place) -> Place | None:
            if x.base.constant is not None:
                return Place(x.base, shape, 0, (0,) * len(shape))
            strides = _restrided(x.shape, x.strides, shape)
            return None if strides is None else Place(x.base, shape, x.offset, strides)

        return self._viewed(step, change)

    def on_transpose(self, step: Application) -> Place:
        axes, x = step.params["axes"], self._place(step.operands[0])
        return Place(
            x.base, tuple(x.shape[a] for a in axes), x.offset, tuple(x.strides[a] for a in axes)
        )

    def on_broadcast_to(self, step: Application) -> Place:
        x, shape = self._place(step.operands[0]), _static(step.result.shape)
        lead = len(shape) - len(x.shape)
        strides = (0,) * lead + tuple(
            0 if n == 1 else s for n, s in zip(x.shape, x.strides, strict=True)
        )
        return Place(x.base, shape, x.offset, strides)

    def on_slice_(self, step: Application) -> Place:
        x = self._place(step.operands[0])
        offset, shape, strides = _indexed(x.shape, step.params["index"])
        start = x.offset + sum(s * o for s, o in zip(x.strides, offset, strict=True))
        found = tuple(0 if a is None else x.strides[a] * step_ for a, step_ in strides)
        return Place(x.base, tuple(shape), start, found)

    def on_flip(self, step: Application) -> Place:
        x, strides = self._place(step.operands[0]), []
        offset = x.offset
        for axis, (n, s) in enumerate(zip(x.shape, x.strides, strict=True)):
            flipped = axis in step.params["axis"]
            offset += (n - 1) * s if flipped and n else 0
            strides.append(-s if flipped else s)
        return Place(x.base, x.shape, offset, tuple(strides))

    def on_windows(self, step: Application) -> Place:
        x = self._place(step.operands[0])
        shape = _static(step.result.shape)
        return Place(x.base, shape, x.offset, (*x.strides, x.strides[step.params["axis"]]))

    def on_concatenate_(self, step: Application) -> Place:
        whole = Base(_static(step.result.shape), step.result.dtype)
        whole.buffer = self._scratch(whole.dtype, whole.size)
        axis, start = step.params["axis"], 0
        strides = row_major(whole.shape)
        for o in step.operands:
            x = self._place(o)
            self._put(x, whole, start * strides[axis], strides)
            start += x.shape[axis]
        return Place.whole(whole)

    def on_embed(self, step: Application) -> None:
        """Noted, and put into memory when it is asked for: sums of parts that do not meet are one."""
        x = self._place(step.operands[0])
        offset, sizes, axes = _indexed(_static(step.result.shape), step.params["index"])
        steps = {a: (n, k) for n, (a, k) in zip(sizes, axes, strict=True) if a is not None}
        region = []
        for axis, start in enumerate(offset):
            n, k = steps.get(axis, (1, 1))
            region.append(range(start, start + n * k, k))
        self.parts[step.result] = [(x, tuple(region), tuple(axes))]

    def on_add(self, step: Application) -> Place | None:
        """A sum; of embedded parts that do not meet, all of them together."""
        a, b = step.operands
        left = self.parts.get(a) if isinstance(a, Var) else None
        right = self.parts.get(b) if isinstance(b, Var) else None
        alike = (
            isinstance(a, Var) and isinstance(b, Var) and a.shape == b.shape and a.dtype == b.dtype
        )
        if left and right and alike and all(_apart(p[1], q[1]) for p in left for q in right):
            self.parts[step.result] = [*left, *right]
            return None
        return self._elementwise(step)

    def _assembled(self, var: Var) -> Place:
        """The memory of embedded parts: zeros, if something is left over, and the parts."""
        whole = Base(_static(var.shape), var.dtype)
        whole.buffer = self._scratch(whole.dtype, whole.size)
        parts = self.parts[var]
        if sum(math.prod(map(len, region)) for _, region, _ in parts) < whole.size:
            self._filled(whole, 0)
        own, filled = row_major(whole.shape), whole.index
        for x, region, axes in parts:
            start = sum(s * r.start for s, r in zip(own, region, strict=True))
            strides = [0 if a is None else own[a] * k for a, k in axes]
            self._put(x, whole, start, strides, filled)
        return Place.whole(whole)

    def _put(
        self, x: Place, whole: Base, offset: int, strides: Sequence[int], after: int = -1
    ) -> None:
        """Store a value into a part of memory; ``strides`` are over the value's axes."""
        if 0 in x.shape:
            return
        number, nest = self._home(x.shape, [x])
        if number <= after:  # what fills the rest comes first
            number, nest = self._new(tuple(nest.sizes))
        value = self._operand(nest, number, x, x.shape)
        value = _as(nest, value, x.base, whole.dtype)
        fitted = refitted([0 if n == 1 else s for n, s in zip(x.shape, strides, strict=True)],
                          x.shape, nest.sizes)  # fmt: skip
        nest.body.append(Store(value, Access(whole.buffer, offset, fitted)))  # type: ignore[arg-type]
        whole.index = max(whole.index, number)

    def _filled(self, whole: Base, value: Any) -> None:
        if whole.size == 0:
            return
        nest = Nest([whole.size], scope=self.scope)
        nest.body.append(Store(Literal(value), Access(whole.buffer, 0, [1])))  # type: ignore[arg-type]
        self.kernels.append(nest)
        whole.index = len(self.kernels) - 1

    # --- folds ------------------------------------------------------------------------------

    def on_sum(self, step: Application) -> Place:
        return self._folded(step, "sum")

    def on_max(self, step: Application) -> Place:
        return self._folded(step, "max")

    def _folded(self, step: Application, how: str) -> Place:
        x, axes = self._place(step.operands[0]), step.params["axis"]
        shape = _static(step.result.shape)
        kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
        target = [0 if i in axes else s for i, s in enumerate(row_major(kept))]
        return self._accumulated(x, shape, step.result.dtype, how, target, False)

    def _accumulated(
        self,
        x: Place,
        shape: tuple[int, ...],
        dtype: Any,
        how: str,
        target: list[int],
        overlap: bool,
    ) -> Place:
        target = [0 if n == 1 else s for n, s in zip(x.shape, target, strict=True)]
        if not overlap and all(n == 1 or s for n, s in zip(x.shape, target, strict=True)):
            same = self._computed(  # nothing is folded
                x.shape, [x], dtype, None, {}, lambda nest, o: _as(nest, o[0], x.base, dtype)
            )
            return Place(same.base, shape, 0, tuple(row_major(shape)))
        number, nest = self._home(x.shape, [x], products=False)
        value = self._operand(nest, number, x, x.shape)
        value = _as(nest, value, x.base, dtype)
        base = Base(shape, np.dtype(dtype), index=number)
        base.buffer = self._scratch(dtype, base.size)
        fitted = refitted(target, x.shape, nest.sizes)
        nest.body.append(Fold(how, value, Access(base.buffer, 0, fitted), overlap))
        return Place.whole(base)

    def on_overlap_add(self, step: Application) -> Place:
        x, axis = self._place(step.operands[0]), step.params["axis"]
        shape = _static(step.result.shape)
        strides = row_major(shape)
        target = [*strides, strides[axis]]
        return self._accumulated(x, shape, step.result.dtype, "sum", target, True)

    def on_cumsum(self, step: Application) -> Place:
        x, axis = self._place(step.operands[0]), step.params["axis"]
        shape = _static(step.result.shape)
        whole = Base(shape, step.result.dtype)
        whole.buffer = self._scratch(whole.dtype, whole.size)
        if whole.size == 0:
            return Place.whole(whole)
        own = row_major(shape)
        self._memory(x.base)
        order = [axis, *(i for i in range(len(shape)) if i != axis)]
        for start, count in ((0, 1), (1, shape[axis] - 1)):
            if count == 0:
                continue
            sizes = [count, *(shape[i] for i in order[1:])]
            nest = Nest(sizes, scope=self.scope, ordered=0)
            self.kernels.append(nest)
            number = len(self.kernels) - 1
            strides = [x.strides[i] for i in order]
            value: Value = self._loaded(
                nest, number, x.base, x.offset + start * x.strides[axis], strides, sizes
            )
            value = _as(nest, value, x.base, whole.dtype)
            out = [own[i] for i in order]
            if start:
                before = Load(Access(whole.buffer, 0, out), whole.dtype)
                total = _compute("add", (before, value), whole.dtype)
                nest.body += [before, total]
                value = total
            nest.body.append(Store(value, Access(whole.buffer, start * own[axis], list(out))))
            whole.index = number
        return Place.whole(whole)

    # --- products ---------------------------------------------------------------------------

    def on_matmul(self, step: Application) -> Place | None:
        a, b = (self._place(o) for o in step.operands)
        dtype = step.result.dtype
        left, right = len(a.shape), len(b.shape)
        ax = a if left > 1 else _inserted(a, 0)
        bx = b if right > 1 else _inserted(b, 1)
        batch = broadcast(ax.shape[:-2], bx.shape[:-2])
        sa, sb = _batched(ax, batch), _batched(bx, batch)
        m, k, n = ax.shape[-2], ax.shape[-1], bx.shape[-1]
        return self._product(
            list(batch), sa, sb, m, n, k, ax, bx, dtype, _static(step.result.shape)
        )

    def _product(
        self,
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
    ) -> Place:
        """A batch of matrix products; ``sa`` and ``sb`` are strides over (batch, m, k), (batch, k, n)."""
        alike = a.base.dtype == b.base.dtype == dtype and dtype.kind == "f"
        if 1 <= k <= FEW and n > 1 and m > 0 and alike and 0 not in batch:
            # A few outer products are steps like others: they join what follows.
            domain = (*batch, m, n)
            total: Base | None = None
            for i in range(k):
                left = Place(a.base, domain, a.offset + i * sa[-1], (*sa[:-1], 0))
                right = Place(b.base, domain, b.offset + i * sb[-2], (*sb[:-2], 0, sb[-1]))
                part = Base(domain, np.dtype(dtype), recipe=(_MULTIPLY, [left, right]))
                if total is not None:
                    both = [Place.whole(total), Place.whole(part)]
                    part = Base(domain, np.dtype(dtype), recipe=(_ADD, both))
                total = part
            assert total is not None  # noqa: S101
            return Place(total, shape, 0, tuple(row_major(shape)))
        if dtype.kind != "f" or a.base.constant is not None or b.base.constant is not None:
            return self._contracted(batch, sa, sb, m, n, k, a, b, dtype, shape)
        # Rows of a batch that meet one matrix are rows of one product.
        while batch and sb[-3] == 0 and (m == 1 or batch[-1] == 1 or sa[-3] == sa[-2] * m):
            row = sa[-3] if m == 1 else sa[-2]
            m *= batch.pop()
            sa, sb = [*sa[:-3], row, sa[-1]], [*sb[:-3], *sb[-2:]]
        if batch and n == 1 and sa[-3] == 0 and m > 1:
            # One matrix times many columns: the columns, as rows, times the transposed matrix.
            a, b = b, a
            sa, sb = [*sb[:-3], sb[-3], sb[-2]], [*sa[:-3], sa[-1], sa[-2]]
            m, n = batch.pop(), m
        a, b = self._typed(a, dtype), self._typed(b, dtype)
        pa, pb = self._memory(a.base), self._memory(b.base)
        tile = Tile(np.dtype(dtype))
        nest = Nest([*batch, m, n], scope=self.scope)
        nest.product = Product(
            tuple(batch), m, n, k, Access(pa, a.offset, sa), Access(pb, b.offset, sb), tile
        )
        self.kernels.append(nest)
        number = len(self.kernels) - 1
        for p in (a, b):
            self.readers.setdefault(p.base, [])
        return Place.whole(Base(shape, np.dtype(dtype), False, number, tile))

    def _typed(self, place: Place, dtype: Any) -> Place:
        """The place, or what it holds in another dtype."""
        if place.base.dtype == dtype and not place.base.weak:
            return place
        whole = Place.whole(place.base)
        cast = self._computed(
            place.base.shape,
            [whole],
            dtype,
            None,
            {},
            lambda nest, o: _as(nest, o[0], place.base, dtype),
        )
        return Place(cast.base, place.shape, place.offset, place.strides)

    def _contracted(
        self,
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
    ) -> Place:
        """A product as a fold of products, for dtypes that no matrix kernel has."""
        domain = (*batch, m, k, n)
        left = Place(a.base, domain, a.offset, (*sa[:-2], sa[-2], sa[-1], 0))
        right = Place(b.base, domain, b.offset, (*sb[:-2], 0, sb[-2], sb[-1]))
        product = self._multiplied([left, right], domain, dtype)
        target = row_major((*batch, m, 1, n))
        target[-2] = 0
        found = self._accumulated(product, (*batch, m, n), dtype, "sum", target, False)
        return Place(found.base, shape, 0, tuple(row_major(shape)))

    def _multiplied(self, places: list[Place], domain: tuple[int, ...], dtype: Any) -> Place:
        name = "logical_and" if np.dtype(dtype).kind == "b" else "multiply"

        def make(nest: Nest, operands: tuple[Any, ...]) -> Value:
            values = [_as(nest, o, p.base, dtype) for o, p in zip(operands, places, strict=True)]
            total = values[0]
            for v in values[1:]:
                total = _compute(name, (total, v), np.dtype(dtype))
                nest.body.append(total)
            return total

        return self._computed(domain, places, dtype, None, {}, make)

    def on_einsum_(self, step: Application) -> Place:
        left, result = step.params["subscripts"].split("->")
        terms = left.split(",")
        places = [
            self._diagonal(self._place(o), t) for o, t in zip(step.operands, terms, strict=True)
        ]
        dtype, shape = step.result.dtype, _static(step.result.shape)
        sizes: dict[str, int] = {}
        strides: list[dict[str, int]] = []
        for place, letters in places:
            strides.append(dict(zip(letters, place.strides, strict=True)))
            sizes.update(zip(letters, place.shape, strict=True))
        if len(places) == 2 and dtype.kind == "f":
            found = self._einsum_product(places, strides, sizes, result, dtype, shape)
            if found is not None:
                return found
        order = [*result, *(c for c in sizes if c not in result)]
        domain = tuple(sizes[c] for c in order)
        spread = [
            Place(p.base, domain, p.offset, tuple(s.get(c, 0) for c in order))
            for (p, _), s in zip(places, strides, strict=True)
        ]
        product = self._multiplied(spread, domain, dtype)
        if len(order) == len(result):
            return Place(product.base, shape, 0, tuple(row_major(shape)))
        target = [*row_major(shape), *(0 for _ in order[len(result) :])]
        return self._accumulated(product, shape, dtype, "sum", target, False)

    def _diagonal(self, place: Place, term: str) -> tuple[Place, str]:
        letters = "".join(dict.fromkeys(term))
        shape = tuple(place.shape[term.index(c)] for c in letters)
        strides = tuple(
            sum(s for s, t in zip(place.strides, term, strict=True) if t == c) for c in letters
        )
        return Place(place.base, shape, place.offset, strides), letters

    def _einsum_product(
        self, places: Any, strides: Any, sizes: dict[str, int], result: str, dtype: Any, shape: Any
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
            columns = _tail(result, strides[second], strides[first])
            before = result[: len(result) - len(columns)]
            rows = _tail(before, strides[first], strides[second])
            batch = before[: len(before) - len(rows)]
            splits.append((math.prod(sizes[c] for c in batch), first, second, batch, rows, columns))
        _, first, second, batch, rows, columns = min(splits)
        flops = math.prod(sizes.values())
        sides = [
            (places[first][0], strides[first], rows),
            (places[second][0], strides[second], columns),
        ]
        found: Any = None
        for by in (0, 1):  # the order of the summed letters is that of one operand
            order = sorted(inner, key=lambda c: -abs(sides[by][1][c]))
            loose = [
                _chained(order, sizes, [s], keep=True) is None
                or _chained(list(own), sizes, [s], keep=True) is None
                for _, s, own in sides
            ]
            work = sum(
                p.base.size for (p, _, _), copied in zip(sides, loose, strict=True) if copied
            )
            if found is None or work < found[0]:
                found = work, order, loose
        _, order, loose = found
        ready = []
        for (place, s, own), copied, turned in zip(sides, loose, (False, True), strict=True):
            if copied:
                inside = [*order, *own] if turned else [*own, *order]
                letters = [*(c for c in batch if c in s), *inside]
                extent = tuple(sizes[c] for c in letters)
                if 4 * math.prod(extent) > flops:
                    return None
                view = Place(place.base, extent, place.offset, tuple(s[c] for c in letters))
                place = self._copied(view)
                s = dict(zip(letters, place.strides, strict=True))
            ready.append((place, s))
        (a, sa), (b, sb) = ready
        k, inner_a = _chained(order, sizes, [sa], keep=True)
        _, inner_b = _chained(order, sizes, [sb], keep=True)
        m, row = _chained(list(rows), sizes, [sa], keep=True)
        n, column = _chained(list(columns), sizes, [sb], keep=True)
        return self._product(
            [sizes[c] for c in batch],
            [*(sa.get(c, 0) for c in batch), row, inner_a],
            [*(sb.get(c, 0) for c in batch), inner_b, column],
            m, n, k, a, b, dtype, shape,
        )  # fmt: skip

    def on_eye(self, step: Application) -> Place:
        n = step.params["size"]

        def make(nest: Nest, operands: Any) -> Value:
            difference = Iota(refitted([1, -1], (n, n), nest.sizes))
            equal = _compute("equal", (difference, Literal(0)), np.dtype(bool), np.dtype(np.int64))
            nest.body += [difference, equal]
            return _as(nest, equal, Base((), np.dtype(bool)), step.result.dtype)

        return self._computed((n, n), [], step.result.dtype, None, {}, make)

    # --- gathers ----------------------------------------------------------------------------

    def _index(self, nest: Nest, number: int, place: Place, shape: Any) -> Value:
        return self._operand(nest, number, place, shape)

    def on_take_along_axis(self, step: Application) -> Place:
        x, index = (self._place(o) for o in step.operands)
        axis, shape = step.params["axis"], _static(step.result.shape)
        buffer = self._memory(x.base) if x.base.constant is None else None
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

        self._after(x.base)
        return self._gathered(shape, index, x.base, make)

    def _gathered(self, shape: Any, index: Place, base: Base, make: Any) -> Place:
        """A value that is loaded from where computed indices say."""
        # As if the base were an operand, so that its kernel comes first; it is not loaded as one.
        number, nest = self._home(shape, [index, _elsewhere(base)])
        operand = self._operand(nest, number, index, shape)
        value = make(nest, (operand,))
        return Place.whole(Base(shape, base.dtype, False, number, value))

    def _after(self, base: Base) -> None:
        self.readers.setdefault(base, [])

    def on_put_along_axis(self, step: Application) -> Place:
        x, index = (self._place(o) for o in step.operands)
        axis, size = step.params["axis"], step.params["size"]
        shape, dtype = _static(step.result.shape), step.result.dtype
        if index.shape[axis] == 1 and x.shape[axis] == 1:
            # One place a line: a comparison with the axis's own index, which fuses with the rest.
            spread = [_stretched(p, shape, axis) for p in (index, x)]

            def make(nest: Nest, operands: Any) -> Value:
                unit = [1 if i == axis else 0 for i in range(len(shape))]
                along = Iota(refitted(unit, shape, nest.sizes))
                kept = _compute(
                    "index", (operands[0],), np.dtype(np.int64), np.dtype(np.int64), size=size
                )
                hit = _compute("equal", (along, kept), np.dtype(bool), np.dtype(np.int64))
                nest.body += [along, kept, hit]
                value = _as(nest, operands[1], x.base, dtype)
                chosen = _compute("where", (hit, value, Literal(0)), dtype)
                nest.body.append(chosen)
                return chosen

            return self._computed(shape, spread, dtype, None, {}, make)
        whole = Base(shape, dtype)
        whole.buffer = self._scratch(dtype, whole.size)
        self._filled(whole, 0)
        strides = row_major(shape)
        static = [0 if i == axis else s for i, s in enumerate(strides)]
        return self._scattered(x, [(index, strides[axis], size)], static, x.shape, whole)

    def _scattered(
        self,
        x: Place,
        indices: list[tuple[Place, int, int]],
        static: list[int],
        domain: tuple[int, ...],
        whole: Base,
    ) -> Place:
        """Values added at computed places of memory that is filled already."""
        if 0 in domain:
            return Place.whole(whole)
        for p in (x, *(i for i, _, _ in indices)):
            if p.base.constant is None:
                self._memory(p.base)
        nest = Nest(list(domain), scope=self.scope)
        self.kernels.append(nest)
        number = len(self.kernels) - 1
        value = self._operand(nest, number, x, domain)
        value = _as(nest, value, x.base, whole.dtype)
        dynamic = tuple(
            (self._index(nest, number, p, domain), stride, size) for p, stride, size in indices
        )
        target = [0 if n == 1 else s for n, s in zip(domain, static, strict=True)]
        nest.body.append(Store(value, Access(whole.buffer, 0, target), dynamic, add=True))  # type: ignore[arg-type]
        whole.index = number
        return Place.whole(whole)

    def _pattern(self, pattern: Any, x: tuple[int, ...], indices: list[Place]) -> Any:
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

    def on_gather(self, step: Application) -> Place:
        x, *indices = (self._place(o) for o in step.operands)
        if x.base.constant is not None:
            shape = _static(step.result.shape)
            return Place(x.base, shape, 0, (0,) * len(shape))
        if not x.plain:
            x = self._copied(x)
        buffer = self._memory(x.base)
        offset, plain, at, spread, dynamic = self._pattern(step.params["pattern"], x.shape, indices)
        shape = (*(n for n, _ in plain[:at]), *spread, *(n for n, _ in plain[at:]))
        strides = [*(s for _, s in plain[:at]), *(0 for _ in spread), *(s for _, s in plain[at:])]
        strides = [0 if n == 1 else s for n, s in zip(shape, strides, strict=True)]
        seen = [(_within(p, shape, at, spread), s, n) for p, s, n in dynamic]
        number, nest = self._home(shape, [*(p for p, _, _ in seen), _elsewhere(x.base)])
        found = tuple((self._operand(nest, number, p, shape), s, n) for p, s, n in seen)
        load = Load(
            Access(buffer, offset, refitted(strides, shape, nest.sizes)),
            x.base.dtype,
            dynamic=found,
        )
        nest.body.append(load)
        return Place.whole(Base(shape, x.base.dtype, False, number, load))

    def on_scatter_add(self, step: Application) -> Place:
        x, *indices = (self._place(o) for o in step.operands)
        whole = Base(_static(step.result.shape), step.result.dtype)
        whole.buffer = self._scratch(whole.dtype, whole.size)
        self._filled(whole, 0)
        if whole.size == 0:
            return Place.whole(whole)
        offset, plain, at, spread, dynamic = self._pattern(
            step.params["pattern"], whole.shape, indices
        )
        shape = (*(n for n, _ in plain[:at]), *spread, *(n for n, _ in plain[at:]))
        strides = [*(s for _, s in plain[:at]), *(0 for _ in spread), *(s for _, s in plain[at:])]
        seen = [(_within(p, shape, at, spread), s, n) for p, s, n in dynamic]
        found = self._scattered(x, seen, strides, shape, whole)
        if 0 not in shape:
            nest = self.kernels[found.base.index]
            nest.body[-1].access.offset = offset  # type: ignore[union-attr]
        return found

    # --- loops ------------------------------------------------------------------------------

    def on_scan(self, step: Application) -> Place | None:
        params = step.params
        consts, carries, length = params["consts"], params["carries"], params["length"]
        picked = [i for i in range(len(step.result.parts or ())) if (step.result, i) in self.picked]
        ys = [i for i in picked if i >= carries]
        body = _pruned(params["body"], [*range(carries), *ys])
        inner = _Scheduler(simplified(body)[0], len(body.inputs), 0, constants=False).run()
        if any(isinstance(k, Call) for k in inner.kernels) or length == 0:
            return self._call(step)
        given = [self._place(o) for o in step.operands]
        for n, (place, var) in enumerate(zip(given, body.inputs, strict=True)):
            if place.base.dtype != var.dtype or place.base.weak != var.weak:
                given[n] = self._typed(place, np.float64 if var.weak else var.dtype)
        buffers = [self._buffer(p) for p in given]
        parts = step.result.parts or ()
        bases = [Base(_static(p.shape), np.dtype(p.dtype)) for p in parts]
        turns = []
        for first, base in zip(buffers[consts : consts + carries], bases, strict=False):
            two = [self._scratch(base.dtype, base.size) for _ in range(2)]
            base.buffer = two[(length - 1) % 2]
            turns.append((first, two[0], two[1]))
        stacked = [self._scratch(bases[i].dtype, bases[i].size) for i in ys]
        for i, buffer in zip(ys, stacked, strict=True):
            bases[i].buffer = buffer
        from .memory import plan

        arena = self._scratch(np.uint8, plan(inner))
        self.kernels.append(
            Repeat(
                inner, buffers[:consts], turns, buffers[consts + carries :], stacked, arena, length,
                params["reverse"], self.scope,
            )
        )  # fmt: skip
        self.scalar_nest = -1
        for base in bases:
            base.index = len(self.kernels) - 1
        self.tuples[step.result] = tuple(bases)
        return None

    # --- the rest ---------------------------------------------------------------------------

    def on_random_bits(self, step: Application) -> Place:
        key, counter = (self._place(o) for o in step.operands)
        shape = _static(step.result.shape)
        base = Base(shape, np.dtype(np.uint32))
        base.buffer = self._scratch(base.dtype, base.size)
        key, counter = (self._typed(p, np.dtype(np.uint64)) for p in (key, counter))
        if key.strides != (1,):
            key = self._copied(key)
        self.kernels.append(
            Bits(
                Access(self._memory(key.base), key.offset, list(key.strides)),
                Access(self._memory(counter.base), counter.offset, []),
                base.buffer,
                self.scope,
            )
        )
        base.index = len(self.kernels) - 1
        return Place.whole(base)

    def _call(self, step: Application) -> Place | None:
        operands: list[Any] = []
        for o in step.operands:
            if isinstance(o, Literal):
                operands.append(o)
                continue
            place = self._place(o)
            operands.append((self._buffer(place), place.shape))
        parts = step.result.parts or (step.result,)
        bases = tuple(Base(_static(p.shape), np.dtype(p.dtype)) for p in parts)
        for base in bases:
            base.buffer = self._scratch(base.dtype, base.size)
            base.index = len(self.kernels)
        self.kernels.append(
            Call(
                step,
                tuple(operands),
                tuple((b.buffer, b.shape) for b in bases),  # type: ignore[misc]
                self.scope,
            )
        )
        self.scalar_nest = -1
        if step.result.parts:
            self.tuples[step.result] = bases
            return None
        bases[0].weak = step.result.weak
        return Place.whole(bases[0])

    # --- results ----------------------------------------------------------------------------

    def _output(self, atom: Atom, number: int) -> tuple[Any, tuple[int, ...], Any]:
        """Where an output is: memory of its own that the kernel which computes it writes to."""
        place = self._place(atom)
        base = self._settled(place.base)
        if base.constant is not None and self.constants:
            return base.constant, place.shape, base.dtype
        if base.constant is not None:
            base = Base(place.shape, base.dtype, constant=base.constant)
            place = Place.whole(base)
            self._memory(base)
        if (
            base.index < 0
            or not place.plain
            or (base.buffer is not None and base.buffer.place != "scratch")
        ):
            base = self._own(place)
        buffer = self._memory(base)
        buffer.place, buffer.number = "output", number
        return buffer, place.shape, base.dtype

    def _own(self, place: Place) -> Base:
        """A copy in memory of its own, made in a kernel of its own."""
        self._settled(place.base)
        number, nest = self._new(place.shape)
        value = self._operand(nest, number, place, place.shape)
        return Base(place.shape, place.base.dtype, place.base.weak, number, value)

    def _writes(self, barrier: int) -> None:
        """Make state change.

        In the kernel that computes the new value, where no one still needs the old one; else at the end.
        """
        writes = [
            (self.state[target], self._place(value), target)
            for target, value in self.program.writes
        ]
        last: list[tuple[Buffer, Place]] = []
        for _, place, _ in writes:
            self._settled(place.base)
        for old, place, _ in writes:
            state, base = old.buffer, place.base
            assert state is not None  # noqa: S101
            if base is old and place.plain:
                continue
            inside = (
                base.index >= barrier
                and base.value is not None
                and place.plain
                and base.dtype == state.dtype
                and (base.buffer is None or base.buffer.place == "scratch")
                and all(other.base is not old for _, other, _ in writes)  # none takes the old value
                and self._free_to_write(state, base)
            )
            if not inside:
                last.append((state, place))
                continue
            if base.buffer is None:
                base.buffer = state
                nest = self.kernels[base.index]
                assert isinstance(nest, Nest)  # noqa: S101
                assert base.value is not None  # noqa: S101
                nest.body.append(Store(base.value, Access(state, 0, row_major(nest.sizes))))
            else:
                _replaced(self.kernels, base.buffer, state)
                base.buffer = state
                # It is written when all that the kernel reads of the old value has been read.
                body = self.kernels[base.index].body  # type: ignore[union-attr]
                body.sort(key=lambda one: isinstance(one, Store) and one.access.buffer is state)
        # All that is still to be read is read before any of it is written.
        ready = []
        for state, place in last:
            base = place.base
            fresh = base.constant is not None or (
                base.buffer is not None and base.buffer.place == "scratch" and place.plain
            )
            ready.append((state, place if fresh else Place.whole(self._own(place))))
            if base.constant is None:
                self._memory(ready[-1][1].base)
        for state, place in ready:
            number, nest = self._new(place.shape)
            value = self._operand(nest, number, place, place.shape)
            value = _as(nest, value, place.base, state.dtype)
            nest.body.append(Store(value, Access(state, 0, row_major(nest.sizes))))

    def _free_to_write(self, state: Buffer, base: Base) -> bool:
        """Whether the kernel of ``base`` may write over ``state`` as it goes."""
        home = self.kernels[base.index]
        if not isinstance(home, Nest):
            return False
        computed = base.value is not None
        order = row_major(home.sizes)
        for number, kernel in enumerate(self.kernels):
            for buffer, access in _reads(kernel):
                if buffer is not state:
                    continue
                if number > base.index:
                    return False
                if number == base.index and not (
                    computed
                    and access is not None
                    and access.offset == 0
                    and all(
                        n == 1 or s == o
                        for n, s, o in zip(home.sizes, access.strides, order, strict=True)
                    )
                ):
                    return False
        return True


# --- helpers --------------------------------------------------------------------------------


def _reads(kernel: Kernel) -> list[tuple[Buffer, Access | None]]:
    """What a kernel reads; None for reads that are not point by point."""
    if isinstance(kernel, Bits):
        return [(kernel.key.buffer, None), (kernel.counter.buffer, None)]
    if isinstance(kernel, Call):
        return [(o[0], None) for o in kernel.operands if not isinstance(o, Literal)]
    if isinstance(kernel, Repeat):
        return [(b, None) for b in kernel.buffers()]
    found = [
        (one.access.buffer, None if one.dynamic else one.access)
        for one in kernel.body
        if isinstance(one, Load)
    ]
    if kernel.product is not None:
        found += [(kernel.product.a.buffer, None), (kernel.product.b.buffer, None)]
    return found


def _bits_first(steps: tuple[Application, ...]) -> list[Application]:
    """Random bits, and what they need, before everything else: then masks join what they mask."""
    if not any(s.primitive.name == "random_bits" for s in steps):
        return list(steps)
    needed: set[Any] = set()
    early = []
    for step in reversed(steps):
        if step.primitive.name == "random_bits" or step.result in needed:
            needed.update(step.operands)
            early.append(step)
    first = set(map(id, early))
    return [*reversed(early), *(s for s in steps if id(s) not in first)]


def _elementary(name: str) -> Application:
    """A step that stands for any of its kind."""
    return Application(REGISTRY[name], (), {}, Var(0, Abstract((), np.float64), None, None))


_MULTIPLY, _ADD = _elementary("multiply"), _elementary("add")


def _apart(a: tuple[range, ...], b: tuple[range, ...]) -> bool:
    """Whether two regions have no element in common: along some axis they have no index."""
    return any(
        max(min(r, default=0), min(s, default=0)) > min(max(r, default=-1), max(s, default=-1))
        for r, s in zip(a, b, strict=True)
    )


def _may_fail(step: Application) -> bool:
    """Whether a computed index may be out of range, or NumPy be called, which may raise."""
    if step.primitive.name == "scan":
        return any(map(_may_fail, step.params["body"]))
    return step.primitive.name in _INDEXED or not _native(step)


def _pruned(body: Program[Any], kept: list[int]) -> Program[Any]:
    """The body with those of its outputs."""
    return Program(
        body.name,
        body.inputs,
        (),
        body.applications,
        tuple(body.outputs[i] for i in kept),
        [None] * len(kept),
    )


def _replaced(kernels: list[Kernel], old: Buffer, new: Buffer) -> None:
    for kernel in kernels:
        if isinstance(kernel, Nest):
            for access, _ in kernel.accesses():
                if access.buffer is old:
                    access.buffer = new
        elif isinstance(kernel, Call):
            kernel.operands = tuple(
                o if isinstance(o, Literal) else (new if o[0] is old else o[0], o[1])
                for o in kernel.operands
            )
        elif isinstance(kernel, Repeat):
            for held in (kernel.consts, kernel.xs):
                held[:] = [new if b is old else b for b in held]
            kernel.carries = [(new if a is old else a, b, c) for a, b, c in kernel.carries]
        elif isinstance(kernel, Bits):
            for access in (kernel.key, kernel.counter):
                if access.buffer is old:
                    access.buffer = new


def _buffers(kernels: list[Kernel]) -> list[Buffer]:
    found: dict[int, Buffer] = {}
    for kernel in kernels:
        if isinstance(kernel, Nest):
            used = [access.buffer for access, _ in kernel.accesses()]
        elif isinstance(kernel, Bits):
            used = [kernel.key.buffer, kernel.counter.buffer, kernel.result]
        elif isinstance(kernel, Repeat):
            used = kernel.buffers()
        else:
            used = [o[0] for o in kernel.operands if not isinstance(o, Literal)]
            used += [b for b, _ in kernel.results]
        found.update((id(b), b) for b in used)
    return list(found.values())


def _native(step: Application) -> bool:
    """Whether dtypes and primitive are such that native code computes the step."""
    from .native.operations import computes

    parts = step.result.parts
    dtypes = [p.dtype for p in parts] if parts else [step.result.dtype]
    dtypes += [o.dtype for o in step.operands if isinstance(o, Var)]
    if any(d.char not in DTYPES for d in dtypes):
        return False
    p = step.primitive
    if p.name == "scan":
        return True
    if isinstance(p.kind, Elementwise):
        return computes(step)
    if isinstance(p.kind, Reduce):
        shape = _static(step.operands[0].shape)  # type: ignore[union-attr]
        return p.name in ("sum", "max") and 0 not in shape and step.result.dtype != bool
    if isinstance(p.kind, (View, Contract, Gather, Scan, Random)):
        products = p.name in ("matmul", "einsum_")
        return p.name in _KNOWN and not (products and step.result.dtype == bool)
    return False


_KNOWN = frozenset({
    "concatenate_", "cumsum", "einsum_", "embed", "eye", "flip", "gather", "identity", "matmul",
    "overlap_add", "put_along_axis", "random_bits", "reshape", "scatter_add", "slice_",
    "stop_gradient", "take_along_axis", "transpose", "broadcast_to", "windows", "pick",
})  # fmt: skip


def _static(shape: Any) -> tuple[int, ...]:
    if any(isinstance(n, Dim) for n in shape):
        raise CaptureError(
            "jit: the program has symbolic sizes. Expected fixed shapes; call it with arrays."
        )
    return tuple(shape)


def _working(step: Application, places: Sequence[Place], dtype: Any) -> np.dtype[Any]:
    """The dtype in which a step computes: that of the result, or of what a comparison compares."""
    name = step.primitive.name
    if name in _COMPARISONS or name in ("isfinite", "isnan", "isinf", "logical_not"):
        given = [
            o.value if isinstance(o, Literal) else (0.0 if o.weak else o.dtype)
            for o in step.operands
        ]
        return np.result_type(*given)
    if name == "cast":
        return places[0].base.dtype
    return np.dtype(dtype)


def _covers(sizes: list[int], other: list[int]) -> bool:
    """Whether a domain splits another into axes of its own."""
    mine = [n for n in sizes if n != 1]
    return refined(mine, other) == mine


def _compute(
    name: str, operands: tuple[Any, ...], dtype: Any, working: Any = None, **params: Any
) -> Compute:
    from .native.operations import INNER

    return Compute(
        INNER(name), operands, params, np.dtype(dtype), False, np.dtype(working or dtype)
    )


def _as(nest: Nest, value: Value, base: Base, dtype: Any) -> Value:
    """A value in another dtype."""
    if isinstance(value, Literal) or (base.dtype == dtype and not base.weak):
        return value
    cast = _compute("cast", (value,), dtype, base.dtype)
    nest.body.append(cast)
    return cast


def _elsewhere(base: Base) -> Place:
    """A place that is no point's own: its kernel must have ended."""
    return Place(Base(base.shape, base.dtype, base.weak, base.index), (), 0, ())


def _inserted(place: Place, axis: int) -> Place:
    shape, strides = list(place.shape), list(place.strides)
    shape.insert(axis, 1)
    strides.insert(axis, 0)
    return Place(place.base, tuple(shape), place.offset, tuple(strides))


def _batched(place: Place, batch: Any) -> list[int]:
    """Strides over (batch, rows, columns)."""
    own = place.shape[:-2]
    lead = [0] * (len(batch) - len(own))
    lead += [0 if n == 1 else s for n, s in zip(own, place.strides[:-2], strict=True)]
    return [*lead, *place.strides[-2:]]


def _chained(
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


def _tail(letters: str, own: dict[str, int], other: dict[str, int]) -> str:
    """The last letters that one operand has and the other has not."""
    count = 0
    for c in reversed(letters):
        if c not in own or c in other:
            break
        count += 1
    return letters[len(letters) - count :]


def _stretched(place: Place, shape: tuple[int, ...], axis: int) -> Place:
    """A place with one line along ``axis``, repeated along it."""
    strides = tuple(
        0 if i == axis or n == 1 else s
        for i, (n, s) in enumerate(zip(place.shape, place.strides, strict=True))
    )
    return Place(place.base, shape, place.offset, strides)


def _through(place: Place, shape: tuple[int, ...]) -> list[Place] | None:
    """Where a view of a cheap step's result sees the operands of the step.

    None where the step is not cheap, the view repeats elements, or its axes are not steps along axes
    of the result.
    """
    base = place.base
    step, places = base.recipe
    if step.primitive.name not in _CHEAP or 0 in base.shape:
        return None
    own = row_major(base.shape)
    start = [(place.offset // s) % n for n, s in zip(base.shape, own, strict=True)]
    first, last = list(start), list(start)
    follows: list[tuple[int, int]] = []  # for each axis of the view: the base's axis, and the step
    for n, s in zip(shape, _over(place, shape).strides, strict=True):
        if n == 1:
            follows.append((-1, 0))
            continue
        if s == 0:
            return None
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
    found = []
    for q in places:
        seen = _over(q, base.shape)
        offset = seen.offset + sum(i * s for i, s in zip(start, seen.strides, strict=True))
        strides = tuple(0 if a < 0 else seen.strides[a] * k for a, k in follows)
        found.append(Place(q.base, tuple(shape), offset, strides))
    return found


def _over(place: Place, shape: tuple[int, ...]) -> Place:
    """A place broadcast to a shape."""
    lead = len(shape) - len(place.shape)
    strides = [0] * lead + [
        0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)
    ]
    return Place(place.base, shape, place.offset, tuple(strides))


def _within(place: Place, shape: Any, at: int, spread: Any) -> Place:
    """An index array as a place over the whole result, whose axes ``at`` … are those of indices."""
    lead = len(spread) - len(place.shape)
    own = [0] * lead + [0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)]
    strides = [0] * at + own + [0] * (len(shape) - at - len(spread))
    return Place(place.base, tuple(shape), place.offset, tuple(strides))


def _restrided(
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
    found: list[int] = []
    for size in reversed(target):
        if size == 1:
            found.append(0)
            continue
        if not merged:
            return None
        n, s = merged[-1]
        if n % size:
            return None
        found.append(s)
        if n == size:
            merged.pop()
        else:
            merged[-1] = [n // size, s * size]
    return tuple(found[::-1])


def _indexed(shape: tuple[int, ...], index: Any) -> Any:
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


def schedule(program: Program[Any], arguments: int, checks: int = 0) -> Schedule:
    """Kernels for a program of fixed shapes.

    Parameters
    ----------
    program : Program
    arguments : int
        How many inputs are arrays; the others are scalars.
    checks : int
        How many of the last outputs are conditions for anything to be written.
    """
    return _Scheduler(program, arguments, checks).run()
