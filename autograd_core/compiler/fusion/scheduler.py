"""The pass over a program: each step by its rule, then outputs, checks and the state's new values.

Columns of ``a`` made to sum to one, five by three: four steps, two kernels, and no transpose::

    b = transpose a        over (3, 5):  p = a[i + 3 j];  q = exp(p)
    c = exp b                            scratch1[i] += q;  scratch2[5 i + j] = q
    d = sum c axis=(1,)
    e = divide c d         over (3, 5):  output0[5 i + j] = scratch2[5 i + j] / scratch1[i]

The transpose is the strides of an access. ``exp`` waits until the sum asks for it, and stands in the
kernel where that is; the sum joins it, and is ready after it, so what divides by the sum cannot stand
there. What the second kernel needs of the first is stored, once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...kinds import Elementwise, Gather, Loop
from ...program import Application, Atom, Literal, Program, Var
from ..kernels import (
    Access,
    Bits,
    Buffer,
    Call,
    Kernel,
    Load,
    Nest,
    Repeat,
    Schedule,
    Store,
    row_major,
)
from ..passes import simplified
from ..scratch import plan
from .core import FITS, KERNELS, Core, as_dtype
from .places import Base, Place, in_memory_order, static
from .views import assembled, put

__all__ = ["Scheduler", "schedule"]

DTYPES = frozenset("?bBhHiIlLqQfd")  # of what native code computes with


class Scheduler(Core):
    """The pass itself."""

    def run(self) -> Schedule:
        """Kernels of the whole program: what is computed, the checks, and then what is written."""
        steps = _bits_first(self.program.applications)
        # An index out of range, as a failed check, must be known before anything is written.
        gated = self.check_count > 0 or any(map(self._may_fail, steps))
        late = self._only_written() if gated else set()
        for step in steps:
            if step.result not in late:
                self._step(step)
        outputs = self.program.outputs
        checks = [self.buffer(self.place(o)) for o in outputs[len(outputs) - self.check_count :]]
        barrier = len(self.kernels)
        if gated:
            self.floor = barrier
            self.scalar_nest = -1
        for step in steps:
            if step.result in late:
                self._step(step)
        placed: list[tuple[Any, tuple[int, ...], Any]] = []
        for o in outputs[: len(outputs) - self.check_count]:
            placed.append(self._output(o, len(placed)))
        self._writes(barrier if gated else 0)
        result = Schedule(self.program, self.kernels, barrier if gated else -1, placed, checks)
        result.buffers = _buffers(self.kernels)
        return result

    def _only_written(self) -> set[Var]:
        """Results that lead to nothing but writes: they are computed after the checks.

        What may fail is not among them.
        """
        needed = {o for o in self.program.outputs if isinstance(o, Var)}
        needed.update(s.result for s in self.program.applications if self._may_fail(s))
        for step in reversed(self.program.applications):
            if step.result in needed:
                needed.update(o for o in step.operands if isinstance(o, Var))
        return {s.result for s in self.program.applications if s.result not in needed}

    def _step(self, step: Application) -> None:
        self.scope = "/".join(step.scope)
        if step.primitive.picks:
            base = self.tuples[step.operands[0]][step.params["index"]]  # type: ignore[index]
            self.places[step.result] = Place.whole(base)
            return
        rule = KERNELS.of(step.primitive)
        found = rule(self, step) if rule is not None and self._native(step) else self.call(step)
        if found is not None:
            self.places[step.result] = found

    def _may_fail(self, step: Application) -> bool:
        """Whether a computed index may be out of range, or NumPy be called, which may raise."""
        p = step.primitive
        if isinstance(p.kind, Loop):
            return any(map(self._may_fail, step.params["body"]))
        return isinstance(p.kind, Gather) or not self._native(step)

    def _native(self, step: Application) -> bool:
        """Whether dtypes and primitive are such that native code computes the step."""
        parts = step.result.parts
        dtypes = [p.dtype for p in parts] if parts else [step.result.dtype]
        dtypes += [o.dtype for o in step.operands if isinstance(o, Var)]
        if any(d.char not in DTYPES for d in dtypes):
            return False
        p = step.primitive
        if isinstance(p.kind, Elementwise):
            return self.computes(step)
        fits = FITS.of(p)
        known = p.picks or KERNELS.of(p) is not None
        return known and (fits is None or fits(step))

    def assembled(self, var: Var) -> Place:
        """The memory of embedded parts."""
        return assembled(self, var)

    # --- results ----------------------------------------------------------------------------

    def _output(self, atom: Atom, number: int) -> tuple[Any, tuple[int, ...], Any]:
        """Where an output is: memory of its own that the kernel which computes it writes to."""
        place = self.place(atom)
        base = self.settled(place.base)
        if base.constant is not None and self.constants:
            return base.constant, place.shape, base.dtype
        if base.constant is not None:
            base = Base(place.shape, base.dtype, constant=base.constant)
            place = Place.whole(base)
            self.memory(base)
        if in_memory_order(place) is not None and math.prod(place.shape) == base.size:
            base = Base(place.shape, base.dtype, base.weak)  # the same in another order
            base.buffer = self.scratch(base.dtype, base.size)
            put(self, place, base, 0, row_major(place.shape))
        elif (
            base.index < 0
            or not place.plain
            or (base.buffer is not None and base.buffer.place != "scratch")
        ):
            base = self._own(place)
        buffer = self.memory(base)
        buffer.place, buffer.number = "output", number
        return buffer, place.shape, base.dtype

    def _own(self, place: Place) -> Base:
        """A copy in memory of its own, made in a kernel of its own."""
        self.settled(place.base)
        number, nest = self.new(place.shape)
        value = self.operand(nest, number, place, place.shape)
        return Base(place.shape, place.base.dtype, place.base.weak, number, value)

    def _writes(self, barrier: int) -> None:
        """Make state change.

        In the kernel that computes the new value, where no one still needs the old one; else at the end.
        """
        writes = [
            (self.state[target], self.place(value), target) for target, value in self.program.writes
        ]
        last: list[tuple[Buffer, Place]] = []
        for _, place, _ in writes:
            self.settled(place.base)
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
                home = self.kernels[base.index]
                assert isinstance(home, Nest)  # noqa: S101
                home.body.sort(
                    key=lambda one: isinstance(one, Store) and one.access.buffer is state
                )
        # All that is still to be read is read before any of it is written.
        ready = []
        for state, place in last:
            base = place.base
            fresh = base.constant is not None or (
                base.buffer is not None and base.buffer.place == "scratch" and place.plain
            )
            ready.append((state, place if fresh else Place.whole(self._own(place))))
            if base.constant is None:
                self.memory(ready[-1][1].base)
        for state, place in ready:
            number, nest = self.new(place.shape)
            value = self.operand(nest, number, place, place.shape)
            value = as_dtype(nest, value, place.base, state.dtype)
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


def _reads(kernel: Kernel) -> list[tuple[Buffer, Access | None]]:
    """What a kernel reads; None for reads that are not point by point."""
    if isinstance(kernel, Bits):
        return [(kernel.key.buffer, None), (kernel.counter.buffer, None)]
    if isinstance(kernel, Call):
        return [(o[0], None) for o in kernel.operands if not isinstance(o, Literal)]
    if isinstance(kernel, Repeat):
        return [(b, None) for b in kernel.buffers()]
    loaded = [
        (step.access.buffer, None if step.dynamic else step.access)
        for step in kernel.body
        if isinstance(step, Load)
    ]
    if kernel.product is not None:
        loaded += [(kernel.product.a.buffer, None), (kernel.product.b.buffer, None)]
    return loaded


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
    buffers: dict[int, Buffer] = {}
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
        buffers.update((id(b), b) for b in used)
    return list(buffers.values())


def _bits_first(steps: tuple[Application, ...]) -> list[Application]:
    """Random bits, and what they need, before everything else: then masks join what they mask."""
    if not any(s.primitive.random for s in steps):
        return list(steps)
    needed: set[Any] = set()
    early = []
    for step in reversed(steps):
        if step.primitive.random or step.result in needed:
            needed.update(step.operands)
            early.append(step)
    first = set(map(id, early))
    return [*reversed(early), *(s for s in steps if id(s) not in first)]


@KERNELS.kind(Loop)
def _loop(core: Core, step: Application) -> Place | None:
    params = step.params
    consts, carries, length = params["consts"], params["carries"], params["length"]
    picked = [i for i in range(len(step.result.parts or ())) if (step.result, i) in core.picked]
    ys = [i for i in picked if i >= carries]
    body = _pruned(params["body"], [*range(carries), *ys])
    inner = Scheduler(
        simplified(body)[0], len(body.inputs), 0, core.computes, constants=False
    ).run()
    if any(isinstance(k, Call) for k in inner.kernels) or length == 0:
        return core.call(step)
    operands = [core.place(o) for o in step.operands]
    for n, (place, var) in enumerate(zip(operands, body.inputs, strict=True)):
        if place.base.dtype != var.dtype or place.base.weak != var.weak:
            operands[n] = core.typed(place, np.float64 if var.weak else var.dtype)
    buffers = [core.buffer(p) for p in operands]
    parts = step.result.parts or ()
    bases = [Base(static(p.shape), np.dtype(p.dtype)) for p in parts]
    turns = []
    for first, base in zip(buffers[consts : consts + carries], bases, strict=False):
        two = [core.scratch(base.dtype, base.size) for _ in range(2)]
        base.buffer = two[(length - 1) % 2]
        turns.append((first, two[0], two[1]))
    stacked = [core.scratch(bases[i].dtype, bases[i].size) for i in ys]
    for i, buffer in zip(ys, stacked, strict=True):
        bases[i].buffer = buffer
    arena = core.scratch(np.uint8, plan(inner))
    core.kernels.append(
        Repeat(
            inner, buffers[:consts], turns, buffers[consts + carries :], stacked, arena, length,
            params["reverse"], core.scope,
        )
    )  # fmt: skip
    core.scalar_nest = -1
    for base in bases:
        base.index = len(core.kernels) - 1
    core.tuples[step.result] = tuple(bases)
    return None


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


def schedule(
    program: Program[Any],
    arguments: int,
    checks: int = 0,
    *,
    computes: Callable[[Application], bool],
) -> Schedule:
    """Kernels for a program of fixed shapes.

    Parameters
    ----------
    program : Program
    arguments : int
        How many inputs are arrays; the others are scalars.
    checks : int
        How many of the last outputs are conditions for anything to be written.
    computes : callable
        Whether the code to come computes an elementwise step; what it does not, NumPy is called for.
    """
    return Scheduler(program, arguments, checks, computes).run()
