"""Programs of fixed shape run many times by NumPy, in memory that is allocated once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .aliases import Array
from .errors import CaptureError, ConfigError, ShapeError
from .kinds import Elementwise
from .numpy_calls import CallList, take
from .program import Application, Program, Var
from .shapes import Dim

__all__ = ["Plan", "Replay", "in_place"]


class Replay:
    """A program prepared for running many times, writing results into given memory.

    Elementwise ufuncs write into scratch memory that is allocated once and shared by values that
    do not live at the same time, or straight into ``out``.

    Parameters
    ----------
    program : Program
        Of fixed shapes.

    Raises
    ------
    CaptureError
        If the program has symbolic sizes.
    """

    def __init__(self, program: Program[Any]) -> None:
        if any(isinstance(n, Dim) for step in program.applications for n in step.result.shape):
            raise CaptureError(
                "replay", "the program has symbolic sizes. Trace it at fixed shapes."
            )
        self.program = program
        self._plans: dict[tuple[int | None, ...], Plan] = {}
        self._scalars = [k for k, v in enumerate(program.inputs) if v.shape == () and not v.weak]

    def __call__(self, *inputs: Any, out: Sequence[Array | None] | None = None) -> list[Any]:
        """Run; returns the outputs, flat.

        Parameters
        ----------
        *inputs : arrays, and numbers for weak inputs
        out : sequence of (array or None), optional
            Where outputs go. Each array is one of the inputs itself, which is then written over,
            or memory that it shares with no input and no other output.

        Raises
        ------
        ShapeError
            If inputs or ``out`` differ in number from the program's.
        ConfigError
            If an array of ``out`` shares memory with an input that it is not, or is two inputs.
        """
        program = self.program
        if len(inputs) != len(program.inputs) or (out and len(out) != len(program.outputs)):
            raise ShapeError(
                "replay",
                f"expected {len(program.inputs)} inputs and {len(program.outputs)} outputs; "
                f"received {len(inputs)} and {len(out or ())}.",
            )
        if self._scalars:
            values = list(inputs)
            for k in self._scalars:  # a number has no methods, which calls may be of
                if not isinstance(values[k], (np.ndarray, np.generic)):
                    values[k] = np.asarray(values[k], program.inputs[k].dtype)
            inputs = tuple(values)
        if out is None:
            out = (None,) * len(program.outputs)
            key: tuple[int | None, ...] = out
        else:
            # Which outputs go over which inputs decides what may be written where.
            places = {id(a): j for j, a in enumerate(inputs)}
            key = tuple([None if o is None else places.get(id(o), -1) for o in out])
            if -1 in key or len(places) < len(inputs):
                _check_memory(inputs, out)
        return self.plan(key).run(inputs, out)

    def plan(self, targets: tuple[int | None, ...]) -> Plan:
        """What a call does once it knows where outputs go; for those who call again and again.

        Parameters
        ----------
        targets : tuple of (int or None)
            For each output: the input that it goes over, -1 for memory of its own, None for neither.
        """
        if targets not in self._plans:
            self._plans[targets] = Plan(self.program, targets)
        return self._plans[targets]


def _check_memory(inputs: Sequence[Any], out: Sequence[Array | None]) -> None:
    """Refuse targets whose writing would change an input under the program's hands."""
    arrays = [a for a in inputs if isinstance(a, np.ndarray)]
    for k, target in enumerate(out):
        if target is None:
            continue
        same = sum(a is target for a in arrays)
        others = [a for a in arrays if a is not target]
        others += [o for i, o in enumerate(out) if i != k and o is not None]
        if same > 1 or any(np.may_share_memory(target, o) for o in others):
            raise ConfigError(
                "replay",
                f"out[{k}] shares memory with an input or another output. Expected one input "
                "itself, or memory of its own. Pass copies.",
            )


_APART = frozenset(
    {np.sign}
)  # NumPy takes twelve times as long for it over its operand; for no other ufunc


def in_place(step: Application) -> bool:
    """Whether the step can write into given memory, even that of an operand."""
    p = step.primitive
    return (
        p.ufunc is not None
        and p.ufunc.nin <= 2
        and p.ufunc.nout == 1
        and isinstance(p.kind, Elementwise)
        and step.result.shape != ()
        and not step.params
    )


class Plan:
    """The calls of a replay, and the memory that they write to.

    Parameters
    ----------
    program : Program
    targets : tuple of (int or None)
        For each output: the input that it goes over, -1 for memory of its own, None for neither.
    """

    def __init__(self, program: Program[Any], targets: tuple[int | None, ...]) -> None:
        memory, direct = _memory(program, targets)
        calls = CallList(program, memory=memory)
        self._steps, self._values = calls.steps, calls.values
        for owner in dict.fromkeys(memory.values()):
            if owner not in direct and owner not in program.inputs:
                self._values[calls.places[owner]] = np.empty(owner.shape, owner.dtype)
        self._captures = [(calls.places[var], tensor) for var, tensor in program.captures]
        self._direct = [(calls.places[o], k) for o, k in direct.items()]
        self._outputs = [calls.place(o) for o in program.outputs]
        # What may be a view, of scratch memory or of an input that another output goes over, is
        # handed out as a copy.
        made = {step.result: step for step in program.applications}
        writing = any(target is not None and target >= 0 for target in targets)
        self._views = [
            k for k, o in enumerate(program.outputs)
            if (o in made and not in_place(made[o])) or (writing and o in program.inputs)
        ]  # fmt: skip
        written = set(direct.values())
        self._copied = [
            k for k, target in enumerate(targets) if target is not None and k not in written
        ]

    def run(self, inputs: Sequence[Any], out: Sequence[Array | None]) -> list[Any]:
        """Fill in the inputs, take the steps, hand out the outputs."""
        values = self._values
        values[: len(inputs)] = inputs
        for place, tensor in self._captures:
            values[place] = tensor._concrete("replay")
        for place, k in self._direct:
            values[place] = out[k]
        take(self._steps, values)
        results = [values[i] for i in self._outputs]
        for _, k in self._direct:
            results[k] = out[k]  # itself: a ufunc may return a view of it
        for k in self._views:
            if isinstance(results[k], np.ndarray):
                results[k] = results[k].copy()
        for k in self._copied:
            np.copyto(out[k], results[k], casting="same_kind")  # type: ignore[arg-type]
            results[k] = out[k]
        return results


def _memory(
    program: Program[Any], targets: tuple[int | None, ...]
) -> tuple[dict[Var, Var], dict[Var, int]]:
    """Where results are written that need no new memory.

    Parameters
    ----------
    targets : tuple
        See `Plan`.

    Returns
    -------
    memory : dict of Var to Var
        For such a result the value in whose place it is written: an input that lends its memory, an
        earlier result that is read no more, or itself.
    direct : dict of Var to int
        Results that are written where an output belongs as soon as they are computed, and which output.
    """
    steps, outputs = program.applications, program.outputs
    made = {step.result: n for n, step in enumerate(steps)}
    last = _last_uses(program)
    returned = {o for o, target in zip(outputs, targets, strict=True) if target is None}
    direct: dict[Var, int] = {}
    # Inputs that outputs go over lend their memory, from their last use until then.
    lent: dict[Any, int] = {}
    for k, (o, target) in enumerate(zip(outputs, targets, strict=True)):
        if not isinstance(o, Var) or o not in made or o in returned or o in direct:
            continue
        if not in_place(steps[made[o]]):
            continue
        if target is not None and target >= 0:
            over = program.inputs[target]
            if last.get(over, -1) > made[o] or _memory_kind(over) != _memory_kind(o):
                continue
            lent[over] = made[o]
        direct[o] = k
    memory = {o: o for o in direct}
    scratch: set[Any] = set()
    free: dict[Any, list[Var]] = {}
    for n, step in enumerate(steps):
        result = step.result
        dying = [o for o in dict.fromkeys(step.operands) if last.get(o) == n]
        if in_place(step) and result not in returned and result not in memory:
            kind = _memory_kind(result)
            # Element by element, an operand may be written over.
            for o in dying if step.primitive.ufunc not in _APART else ():
                if (
                    isinstance(o, Var)
                    and _memory_kind(o) == kind
                    and (o in scratch or lent.get(o, -1) >= last[result])
                ):
                    memory[result] = memory.get(o, o)
                    if o in lent:
                        lent[result] = lent[o]
                    else:
                        scratch.add(result)
                    dying.remove(o)
                    break
            else:
                memory[result] = free[kind].pop() if free.get(kind) else result
                scratch.add(result)
        for o in dying:
            if o in scratch:
                free.setdefault(_memory_kind(o), []).append(memory[o])  # type: ignore[index]
    return memory, direct


def _memory_kind(o: Any) -> Any:
    return (o.shape, o.dtype) if type(o) is Var else None


def _last_uses(program: Program[Any]) -> dict[Any, int]:
    """The last step that reads each value; a result that may be a view keeps its operands alive."""
    steps = program.applications
    last: dict[Any, int] = {o: n for n, step in enumerate(steps) for o in step.operands}
    last.update(dict.fromkeys(program.outputs, len(steps)))
    for n, step in reversed(list(enumerate(steps))):
        if not in_place(step):
            for o in step.operands:
                last[o] = max(last[o], last.get(step.result, n))
    return last
