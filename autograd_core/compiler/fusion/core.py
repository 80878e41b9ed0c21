"""Where a value is computed: the kernels so far, who reads what, and the memory of each value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...abstract import Abstract
from ...kinds import Call as CallKind, Elementwise, Opaque
from ...ops import piecewise
from ...program import Application, Atom, Literal, Program, Var
from ...readings import Reading, record_of
from ..kernels import (
    Access,
    Buffer,
    Call as NumPyCall,
    Compute,
    Kernel,
    Load,
    Nest,
    Store,
    Value,
    operation,
    refined,
    refitted,
    row_major,
    without_ones,
)
from .places import (
    Base,
    Place,
    back,
    followed,
    in_memory_order,
    over,
    permuted,
    restrided,
    static,
    through,
)

__all__ = [
    "DEEPEST",
    "FITS",
    "KERNELS",
    "Core",
    "as_dtype",
    "compute",
    "covers",
    "elementary",
    "working_dtype",
]

LONGEST = 192  # statements of one kernel: LLVM's time grows faster than the length of a function
DEEPEST = 32  # steps on top of each other that wait for a kernel
_CAST = record_of(piecewise.cast)  # which kernels have where programs convert without saying so


# rule(core, step): the value of the step; None where it has several, or no memory yet.
Rule: TypeAlias = Callable[["Core", Application], Place | None]
KERNELS: Reading[Rule] = Reading("native code")
# Where kernels have a primitive for some operands alone: which.
FITS: Reading[Callable[[Application], bool]] = Reading("operands of native code", optional=True)

KERNELS.absent(Opaque, reason="NumPy is called: LAPACK's")
KERNELS.absent(CallKind, reason="programs write its body out before they are compiled")


class Core:
    """Kernels in the making, which the rules for primitives write to."""

    def __init__(
        self,
        program: Program[Any],
        arguments: int,
        checks: int,
        computes: Callable[[Application], bool],
        constants: bool = True,
    ) -> None:
        self.program = program
        self.computes = computes  # whether native code has an elementwise step
        self.constants = constants  # whether an output that is a known number needs no memory
        self.picked = {(s.operands[0], s.params["index"]) for s in program if s.primitive.picks}
        self.kernels: list[Kernel] = []
        self.places: dict[Var, Place] = {}
        self.tuples: dict[Var, tuple[Base, ...]] = {}
        self.parts: dict[Var, list[Any]] = {}  # of embedded values that have no memory yet
        self.turned: dict[tuple[Base, int], Base] = {}  # copies with another axis last
        self.readers: dict[Base, list[int]] = {}  # kernels that load it
        self.scalar_nest = -1
        self.floor = 0  # kernels before may not be joined any more
        self._scratches = 0
        self.scope = ""
        self.state: dict[Var, Base] = {}
        for n, var in enumerate(program.inputs):
            place, number = ("argument", n) if n < arguments else ("scalar", n - arguments)
            self._given(var, place, number)
        for n, (var, _) in enumerate(program.captures):
            self.state[var] = self._given(var, "state", n)
        self.check_count = checks

    def _given(self, var: Var, place: str, number: int) -> Base:
        shape = static(var.shape)
        dtype = np.dtype(np.float64) if var.weak else var.dtype
        base = Base(shape, dtype, var.weak)
        base.buffer = Buffer(place, number, dtype, math.prod(shape))
        self.places[var] = Place.whole(base)
        return base

    # --- places -----------------------------------------------------------------------------

    def place(self, atom: Atom) -> Place:
        """Where a value is."""
        if isinstance(atom, Literal):
            value = atom.value
            dtype = np.asarray(value).dtype
            return Place.whole(Base((), dtype, True, constant=value))
        if atom not in self.places:
            self.places[atom] = self.assembled(atom)
        return self.places[atom]

    def assembled(self, var: Var) -> Place:
        """The memory of embedded parts."""
        raise NotImplementedError

    def scratch(self, dtype: Any, size: int) -> Buffer:
        """New memory, for as long as it is used."""
        self._scratches += 1
        return Buffer("scratch", self._scratches, np.dtype(dtype), size)

    def memory(self, base: Base) -> Buffer:
        """The memory of a base, in which its kernel stores it."""
        self.settled(base)
        if base.buffer is None:
            base.buffer = self.scratch(base.dtype, base.size)
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

    def buffer(self, place: Place) -> Buffer:
        """Memory that holds the value in order: the base's own, or a copy's."""
        return self.memory((place if place.plain else self.copied(place)).base)

    def copied(self, place: Place) -> Place:
        """The value in memory of its own."""
        return self.computed(place.shape, [place], place.base.dtype, None, {})

    def lying(self, place: Place) -> Place | None:
        """The place, or the same of a copy of its base, with the elements of the last axis side by side.

        None where copying the base costs more than copying what the place shows of it.
        """
        axes = [i for i, n in enumerate(place.shape) if n != 1]
        base = self.settled(place.base)
        if base.constant is not None or not axes:
            return None
        if place.strides[axes[-1]] == 1:
            return place
        found = followed(place)
        if found is None or base.size > math.prod(place.shape):
            return None
        start, follows = found
        last = follows[axes[-1]][0]
        if last < 0:
            return None
        order = [i for i in range(len(base.shape)) if i != last] + [last]
        if (base, last) not in self.turned:
            own = row_major(base.shape)
            seen = Place(base, tuple(base.shape[i] for i in order), 0, tuple(own[i] for i in order))
            self.turned[base, last] = self.copied(seen).base
        copy = self.turned[base, last]
        own = [0] * len(order)
        for i, s in zip(order, row_major(copy.shape), strict=True):
            own[i] = s
        offset = sum(i * s for i, s in zip(start, own, strict=True))
        strides = tuple(0 if a < 0 else k * own[a] for a, k in follows)
        return Place(copy, place.shape, offset, strides)

    def typed(self, place: Place, dtype: Any) -> Place:
        """The place, or what it holds in another dtype."""
        if place.base.dtype == dtype and not place.base.weak:
            return place
        whole = Place.whole(place.base)
        cast = self.computed(
            place.base.shape,
            [whole],
            dtype,
            None,
            {},
            lambda nest, o: as_dtype(nest, o[0], place.base, dtype),
        )
        return Place(cast.base, place.shape, place.offset, place.strides)

    # --- calls of NumPy -------------------------------------------------------------------

    def call(self, step: Application) -> Place | None:
        """The step as a call of NumPy, on memory."""
        operands: list[Any] = []
        for o in step.operands:
            if isinstance(o, Literal):
                operands.append(o)
                continue
            place = self.place(o)
            operands.append((self.buffer(place), place.shape))
        parts = step.result.parts or (step.result,)
        bases = tuple(Base(static(p.shape), np.dtype(p.dtype)) for p in parts)
        for base in bases:
            base.buffer = self.scratch(base.dtype, base.size)
            base.index = len(self.kernels)
        self.kernels.append(
            NumPyCall(
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

    # --- elementwise ------------------------------------------------------------------------

    def elementwise(self, step: Application) -> Place:
        """A step point by point: beside an operand, or where it is first asked for."""
        places = [self.place(o) for o in step.operands]
        constants = [p.base.constant for p in places]
        shape = static(step.result.shape)
        if all(c is not None for c in constants):
            with np.errstate(all="ignore"):
                value = step.primitive.forward(*constants, **step.params)
            value = float(value) if step.result.weak else np.asarray(value, step.result.dtype)[()]
            base = Base(shape, step.result.dtype, step.result.weak, constant=value)
            return Place.whole(base)
        order = self._order(places, shape)
        if order is not None:
            seen = [
                p if p.base.constant is not None else permuted(over(p, shape), order)
                for p in places
            ]
            inner = tuple(shape[i] for i in order)
            return back(self._elementwise(step, seen, inner).base, shape, order)
        return self._elementwise(step, places, shape)

    def _order(self, places: Sequence[Place], shape: tuple[int, ...]) -> list[int] | None:
        """The order in which a step over a shape is computed, if it is not that of its axes.

        That of memory, of the first of its operands that was computed and is not stretched.
        """
        for p in places:
            computed = p.base.index >= 0 or p.base.recipe is not None
            if p.base.constant is None and computed and math.prod(p.shape) == math.prod(shape):
                return in_memory_order(over(p, shape))
        return None

    def _elementwise(
        self, step: Application, places: Sequence[Place], shape: tuple[int, ...]
    ) -> Place:
        depth = 1 + max(p.base.depth if p.base.recipe else 0 for p in places)
        # Where one of its operands is at hand as the others are ready, it is computed there.
        at_hand = [bool(p.base.value) and self._aligned(p, shape) for p in places]
        ready = max(
            p.base.ready if p.base.recipe else p.base.index + (not here)
            for p, here in zip(places, at_hand, strict=True)
        )
        placed = any(
            here and p.base.index >= ready for p, here in zip(places, at_hand, strict=True)
        )
        if shape and not placed and depth < DEEPEST:
            # Nothing says yet where: beside what it is first used with.
            base = Base(shape, step.result.dtype, recipe=(step, places), depth=depth, ready=ready)
            return Place.whole(base)
        return self.computed(shape, places, step.result.dtype, step, step.params)

    def settled(self, base: Base) -> Base:
        """The base, computed by now."""
        if base.recipe is not None:
            step, places = base.recipe
            base.recipe = None
            found = self.computed(base.shape, places, base.dtype, step, step.params).base
            base.index, base.value = found.index, found.value
        return base

    def computed(
        self,
        shape: tuple[int, ...],
        places: Sequence[Place],
        dtype: Any,
        step: Application | None,
        params: dict[str, Any],
        make: Any = None,
    ) -> Place:
        """A value computed point by point over ``shape``; without a step a copy of the one place."""
        number, nest = self.home(shape, places, joins=make is None)
        operands = tuple(self.operand(nest, number, p, shape) for p in places)
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
            working = working_dtype(step, places, own)
            value = Compute(step.primitive, operands, params, own, weak, working)
            nest.body.append(value)
            if truth:
                value = conversion(value, own, dtype, weak=True)
                nest.body.append(value)
        base = Base(shape, dtype, weak, number, value)
        return Place.whole(base)

    def home(
        self,
        shape: tuple[int, ...],
        places: Sequence[Place],
        products: bool = True,
        splits: bool = False,
        joins: bool = False,
    ) -> tuple[int, Nest]:
        """The kernel in which a value over ``shape`` of these operands is computed.

        Parameters
        ----------
        products : bool
            Whether it may be that of a product, which folds may not.
        splits : bool
            Whether a product's axes may be split for it.
        joins : bool
            Whether it can be seen over fewer axes, each the union of some of its own.
        """
        sizes = without_ones(shape)
        earliest = self.floor
        candidates: set[int] = set()
        there: set[Base] = set()
        waiting = [(p, shape) for p in places]  # each with the domain that it is seen from
        met: set[Any] = set()
        leaves: list[tuple[Place, tuple[int, ...]]] = []  # what is read
        while waiting:
            p, around = waiting.pop()
            base = p.base
            if base.constant is not None or (base, p.offset, p.strides, around) in met:
                continue
            met.add((base, p.offset, p.strides, around))
            if base.recipe is not None:
                finer = refined(sizes, without_ones(base.shape))
                straight = self._aligned(p, around) and finer is not None
                if straight and finer is not None:
                    sizes = finer
                    there.add(base)
                    waiting += [(q, base.shape) for q in base.recipe[1]]
                    continue
                beyond = through(p, around)
                if beyond is not None:
                    waiting += [(q, around) for q in beyond]
                    continue
                self.settled(base)
                if base in there:  # seen as it is, too: its elements must all be there before
                    return self.home(shape, places, products, splits, joins)
            leaves.append((p, around))
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
            joint = refined(nest.sizes, sizes)
            if joint is None:
                continue
            if nest.product is not None and (
                not splits or joint == without_ones(tuple(nest.sizes))
            ):
                # The product stays whole: all that is read is to be seen over its rows and columns.
                cut = not covers(nest.sizes, sizes)
                if cut and (not joins or any(self._cut(p, around, nest) for p, around in leaves)):
                    continue
                joint = nest.sizes
            nest.refine(joint)
            return number, nest
        number, nest = self.new(tuple(sizes))
        if not sizes:
            self.scalar_nest = number
        return number, nest

    def _cut(self, place: Place, shape: tuple[int, ...], nest: Nest) -> bool:
        """Whether a place, seen from a domain, is no place over the axes of a nest."""
        return restrided(shape, over(place, shape).strides, tuple(nest.sizes)) is None

    def new(self, shape: tuple[int, ...]) -> tuple[int, Nest]:
        """A kernel of its own."""
        nest = Nest(without_ones(shape), scope=self.scope)
        self.kernels.append(nest)
        return len(self.kernels) - 1, nest

    def _aligned(self, place: Place, shape: tuple[int, ...]) -> bool:
        """Whether the place, seen from a domain, is at each point the base's own element there."""
        return place.plain and place.base.size == math.prod(shape)

    def operand(self, nest: Nest, number: int, place: Place, shape: tuple[int, ...]) -> Value:
        base = place.base
        if base.constant is not None:
            return Literal(base.constant)
        if base.recipe is not None and self._aligned(place, shape):
            step, places = base.made = base.recipe
            base.recipe = None
            operands = tuple(self.operand(nest, number, p, base.shape) for p in places)
            working = working_dtype(step, places, base.dtype)
            base.value = Compute(step.primitive, operands, step.params, base.dtype, False, working)
            base.index = number
            nest.body.append(base.value)
            return base.value
        if base.index == number and base.value is not None and self._aligned(place, shape):
            return base.value
        if base.recipe is not None or (base.made is not None and base.index == number):
            beyond = through(place, shape)
            if beyond is not None:
                return self._seen(nest, number, place, beyond, shape)
        strides = [0] * (len(shape) - len(place.shape)) + [
            0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)
        ]
        full = [1] * (len(shape) - len(place.shape)) + list(place.shape)
        # An axis that broadcasting stretches has stride 0 over the whole of the domain's axis.
        strides = [0 if m == 1 else s for m, s in zip(full, strides, strict=True)]
        return self.loaded(nest, number, base, place.offset, strides, shape)

    def _seen(
        self, nest: Nest, number: int, place: Place, beyond: list[Place], shape: tuple[int, ...]
    ) -> Value:
        """A cheap step computed through a view: at the places where its operands are seen."""
        step, places = place.base.recipe or place.base.made
        key = (id(place.base), place.offset, place.strides, shape, tuple(nest.sizes))
        if key not in nest.seen:
            operands = tuple(self.operand(nest, number, p, shape) for p in beyond)
            dtype = place.base.dtype
            working = working_dtype(step, places, dtype)
            value = Compute(step.primitive, operands, step.params, dtype, False, working)
            nest.body.append(value)
            nest.seen[key] = value, place.base  # which keeps its id its own
        return nest.seen[key][0]

    def loaded(
        self, nest: Nest, number: int, base: Base, offset: int, strides: list[int], shape: Any
    ) -> Load:
        buffer = self.memory(base)
        fitted = fitted_to(strides, shape, nest.sizes)
        key = (id(buffer), offset, tuple(fitted), tuple(nest.sizes))
        if key not in nest.loads:
            load = Load(Access(buffer, offset, fitted), base.dtype, base.weak)
            nest.body.append(load)
            nest.loads[key] = load
            self.readers.setdefault(base, []).append(number)
        return nest.loads[key]


def fitted_to(strides: Sequence[int], shape: tuple[int, ...], sizes: list[int]) -> list[int]:
    """Strides over the axes of a nest, which split those of ``shape``, or are unions of them."""
    found = restrided(shape, tuple(strides), tuple(sizes))
    return refitted(list(strides), shape, sizes) if found is None else list(found)


def working_dtype(step: Application, places: Sequence[Place], dtype: Any) -> np.dtype[Any]:
    """The dtype in which a step computes: that of the result, or of what a comparison compares."""
    if step.primitive.predicate:
        given = [
            o.value if isinstance(o, Literal) else (0.0 if o.weak else o.dtype)
            for o in step.operands
        ]
        return np.result_type(*given)
    if step.primitive.converts:
        return places[0].base.dtype
    return np.dtype(dtype)


def elementary(function: Any) -> Application:
    """A step that stands for any of a primitive's."""
    return Application(record_of(function), (), {}, Var(0, Abstract((), np.float64), None, None))


def covers(sizes: list[int], other: list[int]) -> bool:
    """Whether a domain splits another into axes of its own."""
    mine = [n for n in sizes if n != 1]
    return refined(mine, other) == mine


def compute(
    name: str, operands: tuple[Any, ...], dtype: Any, working: Any = None, **params: Any
) -> Compute:
    """A step of a kernel's body, computed as ``working`` and kept as ``dtype``."""
    return Compute(
        operation(name), operands, params, np.dtype(dtype), False, np.dtype(working or dtype)
    )


def conversion(value: Value, old: np.dtype[Any], new: np.dtype[Any], weak: bool = False) -> Compute:
    """A value in another dtype, as a step of a kernel's body."""
    return Compute(_CAST, (value,), {}, new, weak, old)


def as_dtype(nest: Nest, value: Value, base: Base, dtype: Any) -> Value:
    """A value in another dtype."""
    if isinstance(value, Literal) or (base.dtype == dtype and not base.weak):
        return value
    converted = conversion(value, base.dtype, np.dtype(dtype))
    nest.body.append(converted)
    return converted


@KERNELS.kind(Elementwise)
def _elementwise(core: Core, step: Application) -> Place:
    return core.elementwise(step)
