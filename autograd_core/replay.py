"""Programs of fixed shape run many times by NumPy, in memory that is allocated once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .aliases import Array
from .errors import CaptureError, ShapeError
from .program import Application, Literal, Program, Var, run
from .shapes import Dim, Shape

__all__ = ["Replay"]


class Replay:
    """A program prepared for running many times, writing its results into given memory.

    Steps that are NumPy ufuncs write into scratch memory, which values that do not live at the
    same time share, or straight into ``out``.

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
        self.program = program
        steps = program.applications
        for step in steps:
            if any(isinstance(n, Dim) for n in step.result.shape):
                raise CaptureError(
                    "replay: the program has symbolic sizes. Trace it at fixed shapes."
                )
        last = _last_reads(program)
        outputs = {o for o in program.outputs if isinstance(o, Var)}
        self._slot = {o: k for k, o in reversed(list(enumerate(program.outputs)))}
        pool: dict[tuple[Shape, Any], list[Array]] = {}
        held: dict[Var, Array] = {}
        # Each step with its scratch: None (not a ufunc), an array, or the later-read operands that
        # an output must not overwrite.
        self._steps: list[tuple[Application, Array | tuple[Var, ...] | None]] = []
        given = [*program.inputs, *(v for v, _ in program.captures)]
        for position, step in enumerate(steps):
            result = step.result
            scratch: Array | tuple[Var, ...] | None = None
            if _in_place(step):
                if result in outputs:
                    scratch = tuple(v for v in given if last.get(v, -1) > position)
                else:
                    free = pool.setdefault((result.shape, result.dtype), [])
                    scratch = free.pop() if free else np.empty(result.shape, result.dtype)
                    held[result] = scratch
            self._steps.append((step, scratch))
            # Memory is handed on only after the step that reads it last.
            for v in [v for v in held if last.get(v, -1) <= position]:
                pool[v.shape, v.dtype].append(held.pop(v))

    def __call__(self, *inputs: Any, out: Sequence[Array | None] | None = None) -> list[Any]:
        """Run; returns the outputs, flat.

        Parameters
        ----------
        *inputs : arrays, and numbers for weak inputs
        out : sequence of (array or None), optional
            Where outputs go, in their shape and dtype; an output may go to the memory of an input.

        Raises
        ------
        ShapeError
            If inputs or ``out`` do not fit the program.
        """
        program = self.program
        if len(inputs) != len(program.inputs) or (out and len(out) != len(program.outputs)):
            raise ShapeError(
                f"replay: expected {len(program.inputs)} inputs and {len(program.outputs)} outputs; "
                f"received {len(inputs)} and {len(out or ())}."
            )
        values: dict[Var, Any] = dict(zip(program.inputs, inputs, strict=True))
        for var, tensor in program.captures:
            values[var] = tensor._concrete("replay")
        for step, scratch in self._steps:
            operands = [o.value if isinstance(o, Literal) else values[o] for o in step.operands]
            if scratch is None:
                values[step.result] = run(step, tuple(operands), {})
                continue
            if type(scratch) is tuple:
                target = None if out is None else out[self._slot[step.result]]
                if target is None or any(np.may_share_memory(values[v], target) for v in scratch):
                    target = np.empty(step.result.shape, step.result.dtype)
                scratch = target
            values[step.result] = step.primitive.ufunc(*operands, out=scratch)
        results = [o.value if isinstance(o, Literal) else values[o] for o in program.outputs]
        # What is not in its place yet may be a view of scratch memory, of an input or of a target.
        placed = [out is not None and out[k] is r for k, r in enumerate(results)]
        results = [
            r
            if at or not isinstance(r, np.ndarray) or (out is None and r.base is None)
            else r.copy()
            for r, at in zip(results, placed, strict=True)
        ]
        for k, at in enumerate(placed):
            target = None if out is None else out[k]
            if target is not None and not at:
                np.copyto(target, results[k], casting="same_kind")
                results[k] = target
        return results


def _in_place(step: Application) -> bool:
    """Whether the step is a ufunc that can write into given memory."""
    ufunc, result = step.primitive.ufunc, step.result
    return ufunc is not None and ufunc.signature is None and bool(result.shape) and not result.weak


def _last_reads(program: Program[Any]) -> dict[Var, int]:
    """Position of the last step that reads each Var, or something that may be a view of it."""
    end = len(program.applications)
    last = {o: end for o in program.outputs if isinstance(o, Var)}
    for position, step in reversed(list(enumerate(program.applications))):
        until = position if _in_place(step) else max(position, last.get(step.result, position))
        for o in step.operands:
            if isinstance(o, Var):
                last[o] = max(last.get(o, -1), until)
    return last
