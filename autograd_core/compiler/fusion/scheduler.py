"""The pass over a program: each step by its rule, then outputs, checks and the state's new values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...kinds import Contract, Elementwise, Gather, Random, Reduce, Scan, View
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
from ..memory import plan
from ..passes import simplified
from .core import as_dtype
from .gathers import Gathers
from .places import Base, Place, static

__all__ = ["Scheduler", "schedule"]

DTYPES = frozenset("?bBhHiIlLqQfd")  # of what native code computes with
_INDEXED = frozenset({"gather", "put_along_axis", "scatter_add", "take_along_axis"})
_KNOWN = frozenset({
    "concatenate_", "cumsum", "einsum_", "einsum_still", "embed", "eye", "flip", "gather", "identity", "matmul", "matmul_still",
    "overlap_add", "put_along_axis", "random_bits", "reshape", "scatter_add", "slice_",
    "stop_gradient", "take_along_axis", "transpose", "broadcast_to", "windows", "pick",
})  # fmt: skip


class Scheduler(Gathers):
    """All rules, and the pass itself."""

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
        needed.update(s.result for s in self.program.applications if self._may_fail(s))
        for step in reversed(self.program.applications):
            if step.result in needed:
                needed.update(o for o in step.operands if isinstance(o, Var))
        return {s.result for s in self.program.applications if s.result not in needed}

    def _step(self, step: Application) -> None:
        self.scope = "/".join(step.scope)
        kind = step.primitive.kind
        if step.primitive.picks:
            base = self.tuples[step.operands[0]][step.params["index"]]  # type: ignore[index]
            self.places[step.result] = Place.whole(base)
            return
        rule = getattr(self, "on_" + step.primitive.name, None)
        if not self._native(step):
            rule = self._call
        elif rule is None:
            if isinstance(kind, Elementwise):
                rule = self._elementwise
            else:
                rule = self._call
        found = rule(step)
        if found is not None:
            self.places[step.result] = found

    def _may_fail(self, step: Application) -> bool:
        """Whether a computed index may be out of range, or NumPy be called, which may raise."""
        if step.primitive.name == "scan":
            return any(map(self._may_fail, step.params["body"]))
        return step.primitive.name in _INDEXED or not self._native(step)

    def _native(self, step: Application) -> bool:
        """Whether dtypes and primitive are such that native code computes the step."""
        parts = step.result.parts
        dtypes = [p.dtype for p in parts] if parts else [step.result.dtype]
        dtypes += [o.dtype for o in step.operands if isinstance(o, Var)]
        if any(d.char not in DTYPES for d in dtypes):
            return False
        p = step.primitive
        if p.name == "scan":
            return True
        if isinstance(p.kind, Elementwise):
            return self.computes(step)
        if isinstance(p.kind, Reduce):
            shape = static(step.operands[0].shape)  # type: ignore[union-attr]
            return p.name in ("sum", "max") and 0 not in shape and step.result.dtype != bool
        if isinstance(p.kind, (View, Contract, Gather, Scan, Random)):
            products = p.name in ("matmul", "matmul_still", "einsum_", "einsum_still")
            return p.name in _KNOWN and not (products and step.result.dtype == bool)
        return False

    # --- loops ------------------------------------------------------------------------------

    def on_scan(self, step: Application) -> Place | None:
        params = step.params
        consts, carries, length = params["consts"], params["carries"], params["length"]
        picked = [i for i in range(len(step.result.parts or ())) if (step.result, i) in self.picked]
        ys = [i for i in picked if i >= carries]
        body = _pruned(params["body"], [*range(carries), *ys])
        inner = Scheduler(
            simplified(body)[0], len(body.inputs), 0, self.computes, constants=False
        ).run()
        if any(isinstance(k, Call) for k in inner.kernels) or length == 0:
            return self._call(step)
        given = [self._place(o) for o in step.operands]
        for n, (place, var) in enumerate(zip(given, body.inputs, strict=True)):
            if place.base.dtype != var.dtype or place.base.weak != var.weak:
                given[n] = self._typed(place, np.float64 if var.weak else var.dtype)
        buffers = [self._buffer(p) for p in given]
        parts = step.result.parts or ()
        bases = [Base(static(p.shape), np.dtype(p.dtype)) for p in parts]
        turns = []
        for first, base in zip(buffers[consts : consts + carries], bases, strict=False):
            two = [self._scratch(base.dtype, base.size) for _ in range(2)]
            base.buffer = two[(length - 1) % 2]
            turns.append((first, two[0], two[1]))
        stacked = [self._scratch(bases[i].dtype, bases[i].size) for i in ys]
        for i, buffer in zip(ys, stacked, strict=True):
            bases[i].buffer = buffer
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
                self._memory(ready[-1][1].base)
        for state, place in ready:
            number, nest = self._new(place.shape)
            value = self._operand(nest, number, place, place.shape)
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
    found = [
        (one.access.buffer, None if one.dynamic else one.access)
        for one in kernel.body
        if isinstance(one, Load)
    ]
    if kernel.product is not None:
        found += [(kernel.product.a.buffer, None), (kernel.product.b.buffer, None)]
    return found


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
