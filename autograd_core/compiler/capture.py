"""Capture: a step run once on arrays without values, so that it can be run again from its Program.

Nothing happens while a step is captured. What it would have done is written down: assigned values,
gradients, numbers that are read at every run, conditions, effects on Python objects.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..context import unveiled, within
from ..effects import Capture, entry_of
from ..errors import CaptureError
from ..graph import history, operands_of
from ..memory import SEQUENCE
from ..ops import linalg
from ..program import Application, Literal, Program, Var
from ..readings import record_of
from ..tensors import Tensor, leaf
from ..tracing import build, names
from ..transforms.loops import sources as reach
from ..trees import flatten, unflatten
from .captured import Captured, Carried, CheckFailed, Gradient
from .reader import Reader

__all__ = ["NotCompiledError", "capture"]


class NotCompiledError(Exception):
    """Raised by a capture where the function has to be called itself."""


def capture(
    function: Callable[..., Any],
    values: Sequence[Any],
    structure: Any,
    *,
    title: str,
    reader: Reader | None = None,
    keep_grads: bool = False,
    recording: bool = True,
) -> Captured:
    """Run a step on arrays without values, without effect, and write down what it does.

    Parameters
    ----------
    function : callable
    values : sequence
        The arguments, flat: arrays, Tensors, Python floats; anything else is passed on.
    structure : tree
        Nesting of ``(args, kwargs)``.
    title : str
        What errors call the step.
    reader : Reader, optional
        Runs the function, and notes what it reads. Without one nothing is watched.
    keep_grads : bool
        Whether gradients are outputs.
    recording : bool
        Whether gradients can be taken, as outside.

    Raises
    ------
    CaptureError
        If the function asks an array for its values, or writes to an argument.
    """
    numbers: list[float] = []
    arrays: list[Tensor] = []
    scalars: list[tuple[Tensor, Callable[[], float], float]] = []
    arguments: list[Any] = []
    for value, name in zip(values, names(function, *structure), strict=True):
        if type(value) is float:
            t = leaf(Abstract((), np.float64, weak=True), False, name, "input")
            getter = entry_of(numbers, len(numbers))
            numbers.append(value)
            scalars.append((t, getter, 0.0))
            arguments.append(t)
        elif isinstance(value, (Tensor, np.ndarray, np.generic)):
            wanted = recording and type(value) is Tensor and value.requires_grad
            t = leaf(Abstract(value.shape, value.dtype), wanted, name, "input")
            arrays.append(t)
            arguments.append(t)
        else:
            arguments.append(value)
    args, kwargs = unflatten(structure, arguments)
    taken = {id(t): t for t in arguments if type(t) is Tensor}
    notes, since = Capture(blind=True), SEQUENCE()
    try:
        with (
            within(capture=notes, recording=recording, transform=False, scope=(), phase=None),
            unveiled(),
        ):
            if reader is None:
                result = function(*args, **kwargs)
            else:
                result = reader.run(function, args, kwargs, notes)
            returned, nesting = flatten(result)
            results = [_returned(title, notes, o) for o in returned]
            if notes.refused:  # and swallowed by the function
                raise notes.refused[0]
            touched = (taken.get(key) for key in (*notes.gradients, *notes.read))
            if any(t is not None and t.requires_grad for t in touched):
                raise NotCompiledError  # whose gradient is its own .grad
    except BaseException:
        for put_back in reversed(notes.undo):
            put_back()
        raise
    for target, _ in notes.writes.values():
        if id(target) in taken:
            raise CaptureError(
                f"jit of {title}",
                f"the step writes to its argument{_named(target)}. Expected writes to "
                "tensors that it closes over. Return the new values instead.",
            )
    return _Builder(
        title,
        notes,
        arrays,
        scalars,
        numbers,
        keep_grads,
        set(taken),
        results,
        nesting,
        since,
        recording,
    ).build()


class _Builder:
    """From what a capture has noted to a Captured."""

    def __init__(
        self,
        title: str,
        notes: Capture,
        arrays: list[Tensor],
        scalars: list[tuple[Tensor, Callable[[], float], float]],
        numbers: list[float],
        keep_grads: bool,
        taken: set[int],
        results: list[Any],
        structure: Any,
        since: int,
        recording: bool,
    ) -> None:
        self.title = title
        self.notes = notes
        self.arrays = arrays
        self.scalars = scalars
        self.numbers = numbers
        self.keep_grads = keep_grads
        self.taken = taken
        self.results = results
        self.structure = structure
        self.since = since
        self.recording = recording

    def _outer(self, t: Tensor) -> bool:
        """Whether a leaf was there before the capture, and is no argument."""
        return t._op is None and t._context.capture is None and id(t) not in self.taken

    def _no_views_of_written(self, program: Program[Any]) -> None:
        """Refuse a closed-over array that lies in memory which the step writes.

        Before a write it is one array, after it another; the program would not say which.
        """
        tensors = dict(program.captures)
        written = [tensors[v] for v, _ in program.writes]
        for t in tensors.values():
            if t._context.capture is None or not isinstance(t._value, np.ndarray):
                continue
            for target in written:
                if np.may_share_memory(t._value, target._value):
                    raise CaptureError(
                        f"jit of {self.title}",
                        f"the step closes over an array of shape {t.shape} that lies in "
                        f"the memory of a tensor{_named(target)} which it writes. Expected one or the other. "
                        "Use the tensor itself, or a copy of the array.",
                    )

    def build(self) -> Captured:
        notes = self.notes
        outputs: list[Tensor] = []
        results: list[Any] = []
        for o in self.results:
            if type(o) is Tensor:
                results.append(len(outputs))
                outputs.append(o)
            else:
                results.append(Literal(o))
        gradients = []
        for target, g in notes.gradients.values():
            if not self._outer(target):
                continue
            place = None
            if g is not None and self.keep_grads:
                place = len(outputs)
                outputs.append(g)
            gradients.append(Gradient(target, g is not None, place))
        writes = [w for w in notes.writes.values() if self._outer(w[0])]
        conditions = [c for c, _ in notes.counts] + [c for c, _, _ in notes.checks]
        outputs += conditions
        # Gradients that the step read, but does not use, are no inputs.
        reads = list(notes.read.values())
        before = [g for _, g in reads if g is not None]
        checks = [
            (c, make, [v if type(v) is Tensor else leaf(np.asarray(v)) for v in values])
            for c, make, values in notes.checks
        ]
        details = [t for _, _, values in checks for t in values]
        roots = [*outputs, *(v for _, v in writes), *details]
        left = [g for _, g in notes.gradients.values() if g is not None]
        self._computed([*self.arrays, *before], left)  # of which nothing may be read
        computed = self._computed([*self.arrays, *before], roots)
        known = {id(t): t for t in computed}
        used = {id(t) for t in history(roots, False, known) if t._op is None}
        scalars = self.scalars + [s for s in notes.scalars if id(s[0]) in used]
        inputs = [*self.arrays, *before, *computed, *(t for t, _, _ in scalars)]
        program = build(self.title, inputs, outputs, None, writes)
        self._no_views_of_written(program)
        errors = tuple(
            (make, build(self.title, inputs, list(values), flatten(values)[1]))
            for _, make, values in checks
        )
        sources: list[tuple[str, Any]] = [("array", k) for k in range(len(self.arrays))]
        sources += [("grad", t) for t, g in reads if g is not None]
        sources += [("tensor", t) for t in computed]
        sources += [("scalar", k) for k in range(len(scalars))]
        program, carried, ways = self._carried(program, inputs, sources, gradients, results)
        return Captured(
            program=program,
            arguments=len(self.arrays) + len(before) + len(computed),
            scalars=tuple(getter for _, getter, _ in scalars),
            increments=tuple(increment for _, _, increment in scalars),
            checks=tuple(functools.partial(CheckFailed, k) for k in range(len(errors))),
            effects=tuple(notes.effects),
            counts=tuple(told for _, told in notes.counts),
            gradients=tuple(gradients),
            reads=tuple((t, g is not None) for t, g in reads),
            results=tuple(results),
            structure=self.structure,
            numbers=self.numbers,
            serial=notes.serial or bool(before) or bool(computed),
            computed=tuple(computed),
            carried=carried,
            ways=ways,
            _errors=errors,
        )

    def _computed(self, inputs: list[Tensor], roots: list[Tensor]) -> list[Tensor]:
        """Tensors that were computed before the step, where the step meets them."""
        tensors: dict[int, Tensor] = {}
        seen = {id(t) for t in inputs}
        stack = list(roots)
        while stack:
            t = stack.pop()
            if id(t) in seen or t._op is None:
                continue
            seen.add(id(t))
            if t._seq < self.since and type(t._value) is not Abstract:
                tensors[id(t)] = t
                continue
            if t._seq < self.since:
                self._kept(t)
            phase = t._context.phase
            if phase is not None and 0 < phase < self.since:
                raise CaptureError(
                    f"jit of {self.title}",
                    "the step takes a gradient through a tensor that was computed outside "
                    "of it, whose graph a backward uses up. Expected gradients by what the step computes. "
                    "Compute it inside, or pass its values (t.detach()).",
                )
            stack.extend([a for a in operands_of(t) or () if type(a) is Tensor])
        return sorted(tensors.values(), key=attrgetter("_seq"))

    def _kept(self, t: Tensor) -> None:
        """Refuse what an earlier capture computed and the function kept, unless of constants alone."""
        for one in history([t], False):
            inside = one._context.capture is not None and type(one._value) is not Abstract
            if one._op is None and not inside:
                raise CaptureError(
                    f"jit of {self.title}",
                    f"the function kept a tensor of shape {t.shape} that it computed from "
                    "others when it was captured before, as in a cache: it has no values. Expected a cache of "
                    "what is computed outside of the step. Fill it before the first call, or compute the tensor "
                    "each time.",
                )

    def _carried(
        self,
        program: Program[Any],
        inputs: list[Tensor],
        sources: list[tuple[str, Any]],
        gradients: list[Gradient],
        results: list[Any],
    ) -> tuple[Program[Any], Carried | None, tuple[Any, ...]]:
        """What gradients go through from outside, and how each result is handed out."""
        ways: list[Any] = [None] * len(results)
        places = [
            k
            for k, o in enumerate(self.results)
            if self.recording and type(o) is Tensor and o.requires_grad
        ]
        if not places:
            return program, None, tuple(ways)
        for k in places:
            made = self.results[k]._op is None or self.results[k]._grad is True
            ways[k] = "leaf" if made else "spent" if _wants(self.results[k]) else None
        written = {id(t) for t, _ in self.notes.writes.values()}
        own = any(g.present for g in gradients)
        if own or any(t.requires_grad for t, _ in self.notes.writes.values() if self._outer(t)):
            return program, None, tuple(["spent" if w else None for w in ways])
        program = _with_all_picked(program)
        tensors = dict(zip(program.inputs, inputs, strict=True)) | dict(program.captures)
        places_of = dict(zip(program.inputs, sources, strict=True))
        for v, t in program.captures:
            places_of[v] = ("copy" if id(t) in written else "tensor", t)
        trained = {v for v in program.inputs if tensors[v].requires_grad}
        trained |= {
            v for v, t in program.captures if t.requires_grad and t._context.capture is None
        }
        body = _part(program, [program.outputs[results[k]] for k in places])
        asked = tuple([k for k, v in enumerate(body.inputs) if v in trained])
        reached = [bool(inputs.intersection(asked)) for inputs in reach(body)]
        if not any(reached):
            return program, None, tuple(ways)
        count = 0
        for k, through in zip(places, reached, strict=True):
            if through:
                ways[k] = count
                count += 1
        if not all(reached):
            body = _part(
                program, [o for o, through in zip(body.outputs, reached, strict=True) if through]
            )
            asked = tuple([k for k, v in enumerate(body.inputs) if v in trained])
        operands = tuple([places_of[v] for v in body.inputs])
        return program, Carried(body, operands, asked), tuple(ways)


def _with_all_picked(program: Program[Any]) -> Program[Any]:
    """The program with a step that picks each output of what has several: all can be kept."""
    picked = {(s.operands[0], s.params["index"]) for s in program if s.primitive.picks}
    steps: list[Application] = []
    number = 1 + max([v.number for v in program.inputs] + [v.number for v, _ in program.captures] + [s.result.number for s in program], default=0)  # fmt: skip
    for step in program.applications:
        steps.append(step)
        for k, part in enumerate(step.result.parts or ()):
            if (step.result, k) not in picked:
                var = Var(number, part, None, None)
                number += 1
                pick = record_of(linalg.pick)
                steps.append(Application(pick, (step.result,), {"index": k}, var, step.scope))
    if len(steps) == len(program):
        return program
    return Program(
        program.name, program.inputs, program.captures, tuple(steps), program.outputs,
        program.structure, program.writes,
    )  # fmt: skip


def _part(program: Program[Any], outputs: Sequence[Any]) -> Program[Any]:
    """What some outputs need, as a Program without captures and writes; the values are the same."""
    needed: set[Any] = set(outputs)
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(step.operands)
    steps = tuple(
        [
            step
            for step in program.applications
            if step.result in needed or (step.primitive.picks and step.operands[0] in needed)
        ]
    )
    variables = (*program.inputs, *(v for v, _ in program.captures))
    inputs = tuple([v for v in variables if v in needed])
    return Program(program.name, inputs, (), steps, tuple(outputs), [None] * len(outputs))


def _returned(title: str, notes: Capture, value: Any) -> Any:
    """A leaf of what the step returned: a tensor, or something that is handed out as it is."""
    if type(value) is Tensor:
        return notes.current(value)
    if isinstance(value, np.ndarray):
        return leaf(value)
    if value is None or isinstance(value, (bool, int, float, str, bytes, np.generic)):
        return value
    raise CaptureError(
        f"jit of {title}",
        f"the step returned {type(value).__name__}. Expected tensors, numbers, strings "
        "or None, in nested lists, tuples and dicts. Return the tensors, and make the object outside.",
    )


def _named(t: Tensor) -> str:
    return f" {t.name!r}" if t.name else ""


def _wants(t: Tensor) -> bool:
    """Whether a gradient is wanted of it for something else than a `grad` inside of the step.

    What `grad` differentiates by requires a gradient there; outside, its result requires none.
    """
    seen: set[int] = set()
    stack = [t]
    while stack:
        t = stack.pop()
        if id(t) in seen or not t.requires_grad:
            continue
        seen.add(id(t))
        if t._op is None or t._grad is True:
            return True
        behind = [a for a in operands_of(t) or () if type(a) is Tensor]
        stack.extend(behind)
    return False
