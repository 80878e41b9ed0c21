"""jit: a function that is captured once, and from then on run from its Program."""

from __future__ import annotations

import copy
import functools
import sys
import time
import types
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter, is_
from typing import Any, overload

import numpy as np

from ..abstract import Abstract
from ..aliases import Array
from ..arrays import as_array
from ..context import CONTEXT, Context
from ..errors import ConfigError, ShapeError
from ..graph import WRITES
from ..memory import SEQUENCE
from ..program import Literal, Program
from ..shelves import TENSORS
from ..structure import STRUCTURE
from ..tensors import Tensor, leaf
from ..tracing import names
from ..transforms.compiled import keeping
from ..trees import flatten, unflatten
from .backends import Compiled, Runner, check_backend, compiled_by, prepared
from .capture import Captured, CheckFailed, NotCompiledError, capture, identity_of
from .comparison import Comparison, State, compared, compiled_outcome, nudged, outcome
from .explanation import Explanation
from .guards import Watch
from .hot_path import MISS, Node, spent, written_call
from .locks import Locked
from .reader import Reader
from .recompiles import Recompiles

__all__ = ["Step", "jit"]

_NUDGES = 8  # runs of `check` with arguments and leaves moved by a rounding
_KEPT = 64  # captures, and runners, of one step
_REQUIRES = attrgetter("requires_grad")
_LEAF = flatten(0)[1]  # the nesting of one value


class _Entry:
    """One capture of a step, prepared: what it was captured for, and how it is run.

    A call goes down three roads, the fastest first: `quick`, a function written as source for arguments
    like the last (`calls.written_call`), which asks all that `valid` asks, and runs; `run`, which does
    the same step by step; and, where an entry fits no more, a new capture (`Step._captured`).

    Parameters
    ----------
    count : int
        Of changes of structure, before it was captured.
    held : sequence
        The arguments, so that no other object gets an id that the key has.
    body : Program or None
        What is one operation in the graph outside; None where no gradient goes through.
    by : Compiled
        What runs the body's pullback.
    """

    def __init__(
        self,
        captured: Captured,
        runner: Runner,
        watch: Watch,
        count: int,
        held: Any,
        body: Any,
        by: Compiled,
    ) -> None:
        self.captured = captured
        self.runner = runner
        self.watch = watch
        self.count = count
        self.held = held
        program = captured.program
        leaves = [t for _, t in program.captures if t._context.capture is None]
        self.trained = [t for t in leaves if t.requires_grad]
        self.untrained = [
            t for t in leaves if not t.requires_grad and t.dtype.kind == "f" and t.role != "slot"
        ]
        tensors = dict(program.captures)
        self.written = [tensors[v] for v, _ in program.writes]
        self.consumed = [g.leaf for g in captured.gradients if g.present and g.output is None]
        # The rest of what is done after a run.
        self.gradients = [g for g in captured.gradients if not g.present or g.output is not None]
        self._quick: tuple[Context, Any, list[Any], Callable[[Any], Any]] | None = None
        self._flows = _flows(captured)
        # Gradients through it from outside.
        # (complete: its outputs hold all that the pullback reads, or nobody will ask; see `keep`.)
        self.body, self.by, self.complete = body, by, body is None
        self.node = None
        if body is not None:
            outputs = [
                o for o, w in zip(captured.results, captured.ways, strict=True) if type(w) is int
            ]
            self.node = Node(captured, body, outputs, by)
        afterwards = captured.counts or self.gradients or captured.structure is not _LEAF
        self.alone = not afterwards and body is not None  # nothing to do but to hand out one result
        self.refusal = {"refusal": _refusal(program.name)}
        # No gradients and no graph: what is left is to nest the outputs, which the written call does itself.
        self.lean = not captured.counts and not self.gradients and body is None

    def fits_leaves(self) -> bool:
        """Whether the same leaves take part in gradients as when it was captured."""
        return all(map(_REQUIRES, self.trained)) and not any(map(_REQUIRES, self.untrained))

    def fits_structure(self) -> bool:
        """Whether no change of structure since it was captured is one of what it depends on."""
        count = STRUCTURE.count
        if self.count != count:
            if self.watch.restructured():
                return False
            self.count = count
        return True

    def valid(self) -> bool:
        """Whether nothing has changed that the capture depends on, arguments apart."""
        return (
            self.fits_structure()
            and self.watch.same()
            and self.fits_leaves()
            and all(
                (type(t._grad) is Tensor) == present and t._grad is not False
                for t, present in self.captured.reads
            )
            and _flows(self.captured) == self._flows
        )

    def keep(self, ready: Callable[[Captured], tuple[str, Runner]]) -> None:
        """From now on have the step keep what its pullback reads, if a gradient was asked for.

        Parameters
        ----------
        ready : callable
            Gives a backend and its runner of a captured step.
        """
        if self.complete or "pulled" not in self.body.memo:
            return
        captured = self.captured
        carried: Any = captured.carried
        self.complete = True
        longer = keeping(self.body, carried.asked)
        own = len(self.body.outputs)
        numbered = {v.number: v for v in _values(captured.program)}
        more = [numbered[v.number] for v in longer.outputs[own:]]  # type: ignore[union-attr]
        if not more:
            return
        old = captured.program
        place = len(old.outputs) - len(captured.checks) - len(captured.counts)
        outputs = (*old.outputs[:place], *more, *old.outputs[place:])
        program: Program[Any] = Program(
            old.name, old.inputs, old.captures, old.applications, outputs, old.structure, old.writes
        )
        self.captured = replace(captured, program=program)
        _, self.runner = ready(self.captured)
        kept = range(place, place + len(more))
        assert self.node is not None  # noqa: S101 - for mypy
        self.node = Node(self.captured, longer, [*self.node.outputs, *kept], self.by)
        self._quick = None

    def inputs(self, arrays: Sequence[Any]) -> list[Any]:
        """What a runner takes: arguments, gradients that the step reads, computed tensors."""
        captured = self.captured
        read = [t._grad._value for t, present in captured.reads if present]  # type: ignore[union-attr]
        return [*arrays, *read, *(t._value for t in captured.computed)]

    def run(self, arrays: Sequence[Any], given: Sequence[Any]) -> Any:
        """Run once; the results in their nesting.

        Parameters
        ----------
        arrays : sequence
            The arguments that are arrays.
        given : sequence
            The same, as they were given.
        """
        captured = self.captured
        inputs = self.inputs(arrays)
        scalars = [f() for f in captured.scalars]
        operands, number = None, 0
        if self.node is not None:
            operands, number = self.node.operands(given, scalars), SEQUENCE()
        try:
            outputs = self.runner.run(inputs, scalars)
        except CheckFailed as failed:
            raise captured.error(failed.number, inputs, scalars) from None
        self.settle(1)
        if operands is not None:
            return self.joined(outputs, operands, number)
        return self.results(outputs, 1)

    def run_many(self, count: int, arrays: list[Array]) -> Any:
        """Run over the first axis of the arrays; the results stacked."""
        found = self.made_many(count, arrays, [f() for f in self.captured.scalars])
        self.settle(count)
        return self.results(found, count)

    def made_many(self, count: int, arrays: Sequence[Array], scalars: Sequence[float]) -> list[Any]:
        """The outputs of many steps; where one fails, those before it are settled."""
        captured = self.captured
        done, outputs, error = self.runner.many(count, arrays, scalars)
        if error is None:
            return outputs
        if done:
            self.settle(done)
        if isinstance(error, CheckFailed):
            grown = [s + done * g for s, g in zip(scalars, captured.increments, strict=True)]
            error = captured.error(error.number, [a[done] for a in arrays], grown)
        error.add_note(f"In step {done + 1} of {count} of one call; those before were made.")
        raise error

    def settle(self, steps: int) -> None:
        """Stamp what was written, mark the gradients that are used up, tell of the effects."""
        if self.written:
            now = WRITES.last = SEQUENCE()
            for t in self.written:
                t._written = now
        for t in self.consumed:
            t._grad = False
        for told in self.captured.effects:
            told(steps)

    def joined(self, found: Sequence[Any], operands: tuple[Any, ...], number: int) -> Any:
        """The results of a run as outputs of one operation in the graph outside."""
        node: Any = self.node
        carried = node.results(found, operands, number, CONTEXT.get())
        return carried[0] if self.alone else self.results(found, 1, carried)

    def results(self, found: Sequence[Any], steps: int, carried: Sequence[Tensor] = ()) -> Any:
        """Gradients and counts of a run, and its results in their nesting."""
        captured = self.captured
        for g in self.gradients:
            if g.output is None:
                g.leaf._grad = None
            else:
                value = found[g.output]
                g.leaf._grad = leaf(value[-1] if np.ndim(value) > g.leaf.ndim else value)
        for told, held in captured.held(found):
            told(held, steps)
        results: list[Any] = []
        for o, way in zip(captured.results, captured.ways, strict=True):
            if isinstance(o, Literal):
                results.append(o.value)
            elif type(way) is int:
                results.append(carried[way])
            elif way == "spent":
                results.append(spent(found[o], self.refusal, SEQUENCE(), CONTEXT.get()))
            else:
                results.append(leaf(found[o], way == "leaf"))
        return unflatten(captured.structure, results)

    def quick_many(self, context: Context, args: tuple[Any, ...]) -> Callable[..., Any]:
        """The hot path of `Step.many` for a first step's arguments like these."""
        return self._written(context, args, many=self.made_many) or _always_miss

    def quick(self, context: Context, args: tuple[Any, ...]) -> Callable[[Any], Any]:
        """The hot path for arguments like these; see `written_call`."""
        leaves, nesting = flatten(args)
        like = (np.ndarray, np.generic, Tensor, float)
        fixed = [type(a) if isinstance(a, like) else a for a in leaves]
        key = context, (self.watch.version, _frozen(nesting)), fixed
        known = self._quick
        if known is None or not (
            known[0] is context and known[1] == key[1] and _identical(known[2], fixed)
        ):
            call = self._written(context, args, node=self.node)
            known = self._quick = (*key, call or _always_miss)
        return known[3]

    def _written(self, context: Context, args: tuple[Any, ...], **rest: Any) -> Any:
        return written_call(
            self.captured,
            self.watch,
            self.count,
            context,
            args,
            run=self.runner.run,
            rest=self.results if self.node is None else self.joined,
            lean=self.lean,
            refusal=self.refusal,
            stale=None if self.complete else self.body.memo,
            leaves=(self.trained, self.untrained, self.written, self.consumed),
            **rest,
        )


def _flows(captured: Captured) -> list[bool]:
    """Which of the gradients that a step reads carry a gradient themselves."""
    return [type(t._grad) is Tensor and t._grad.requires_grad for t, _ in captured.reads]


def _values(program: Program[Any]) -> list[Any]:
    given = [*program.inputs, *(v for v, _ in program.captures)]
    return [*given, *(step.result for step in program.applications)]


def _refusal(title: str) -> str:
    return (
        f"backward: this is a result of the compiled step {title} (ag.jit), which took gradients or wrote "
        "parameters itself (backward, Optimizer.step, assign), or is of leaves that it made: no gradient "
        "goes through it from outside. Expected a function without such effects. Compile the forward and call "
        "backward outside, or take the gradient of all of it inside the step."
    )


def _identical(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(map(is_, a, b))


def _always_miss(*args: Any) -> Any:
    return MISS


class Step(Locked):
    """A function that was given to `jit`: called like it, run from its Program.

    Attributes
    ----------
    function : callable
        What it was made of: call it to run without compiling.
    backend : str or None
    """

    __wrapped_step__ = True

    def __init__(
        self,
        function: Callable[..., Any],
        backend: str | None = None,
        keep_grads: bool = False,
        threads: int = 1,
        captures: int = _KEPT,
    ) -> None:
        super().__init__()
        self.function = function
        self.backend = backend
        self.keep_grads = keep_grads
        self.threads = threads
        self.captures = captures
        self.title = str(getattr(function, "__name__", type(function).__name__)).strip("<>")
        self._recompiles = Recompiles(self.title, captures)
        self._entries: OrderedDict[Any, _Entry | None] = OrderedDict()
        self._runners: OrderedDict[Any, tuple[str, Runner]] = OrderedDict()
        self._quick: Callable[[tuple[Any, ...]], Any] = _always_miss
        self._quick_many: Callable[..., Any] = _always_miss
        self._last: _Entry | None = None
        self._bodies: OrderedDict[Any, Any] = OrderedDict()
        self._made = False  # whether the last capture had to be compiled
        self._seconds = {"capture": 0.0, "prepare": 0.0}
        functools.update_wrapper(self, function, updated=())

    # --- running ----------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the step; the first time, and whenever something has changed, capture it."""
        with self._lock:
            if not kwargs:
                found = self._quick(args)
                if found is not MISS:
                    return found
            return self._decide(args, kwargs)

    def _decide(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run by an entry that fits, or that is made now."""
        context = CONTEXT.get()
        leaves, structure = flatten((args, kwargs))
        if _is_run_plainly(context, leaves):
            return self.function(*args, **kwargs)
        entry, given, arrays = self._entry(context, leaves, structure)
        if entry is None:
            return self.function(*args, **kwargs)
        simple = not (kwargs or entry.captured.reads)
        self._quick = entry.quick(context, args) if simple else _always_miss
        return entry.run(arrays, given)

    def _entry(
        self, context: Context, leaves: list[Any], structure: Any
    ) -> tuple[_Entry | None, list[Any], list[Any]]:
        """What runs these arguments, None for the function itself; those that are arrays, and as arrays."""
        given, arrays, numbers, key = self._signature(leaves, structure, context.recording)
        entry = self._entries.get(key)
        if key not in self._entries or (entry is not None and not entry.valid()):
            self._made = False
            entry = self._captured(context, leaves, structure)
            self._entries[key] = entry
            while len(self._entries) > self.captures:
                self._recompiles.dropped(self._entries.popitem(last=False)[0])
            labels = names(self.function, *structure)
            self._recompiles.captured(key, key[2], labels, self._made)
        self._entries.move_to_end(key)
        if entry is not None:
            entry.keep(self._ready)
            self._last = entry
            entry.captured.numbers[:] = numbers
        return entry, given, arrays

    def _signature(
        self, leaves: list[Any], structure: Any, recording: bool
    ) -> tuple[list[Any], list[Any], list[float], Any]:
        """The arguments that are arrays, as arrays; those that are numbers; what decides on a capture."""
        given: list[Any] = []
        arrays: list[Any] = []
        numbers: list[float] = []
        parts: list[Any] = []
        for v in leaves:
            if type(v) is float:
                numbers.append(v)
                parts.append(float)
            elif isinstance(v, (Tensor, np.ndarray, np.generic)):
                array = v._concrete("jit") if type(v) is Tensor else as_array("jit", v)
                if not array.dtype.isnative:
                    array = array.astype(array.dtype.newbyteorder("="))
                given.append(v)
                arrays.append(array if type(array) is np.ndarray else np.asarray(array))
                carries = recording and type(v) is Tensor and v.requires_grad
                parts.append((array.shape, array.dtype.char, carries))
            elif isinstance(v, (bool, int, str, bytes, type(None))):
                parts.append((type(v), v))
            else:
                parts.append((type(v), id(v)))
        return given, arrays, numbers, (recording, _frozen(structure), tuple(parts))

    def _captured(self, context: Context, leaves: list[Any], structure: Any) -> _Entry | None:
        """Capture the function for these arguments; a runner of the same program is used again."""
        count, start = STRUCTURE.count, time.perf_counter()
        reader = Reader(self.title)
        try:
            captured = capture(
                self.function,
                leaves,
                structure,
                title=self.title,
                reader=reader,
                keep_grads=self.keep_grads,
                recording=context.recording,
            )
        except NotCompiledError:
            self._recompiles.not_compiled()
            return None
        middle = time.perf_counter()
        name, runner = self._ready(captured)
        self._seconds = {
            "capture": middle - start,
            "prepare": time.perf_counter() - middle,
        }
        body = None if captured.carried is None else self._body(captured.carried.body)
        return _Entry(
            captured, runner, reader.watch, count, leaves, body, compiled_by(name, self.threads)
        )

    def _ready(self, captured: Captured) -> tuple[str, Runner]:
        """A backend and its runner of a captured step: the same as before if it computes the same."""
        key = captured.identity
        if key not in self._runners:
            self._runners[key] = prepared(captured, self.backend, self.threads)
            self._made = True
            while len(self._runners) > self.captures:
                self._runners.popitem(last=False)
        self._runners.move_to_end(key)
        return self._runners[key]

    def _body(self, body: Program[Any]) -> Any:
        """The same body as before if there was one: with what was derived from it and compiled."""
        key = identity_of(body)
        found = self._bodies.setdefault(key, body)
        self._bodies.move_to_end(key)
        while len(self._bodies) > self.captures:
            self._bodies.popitem(last=False)
        return found

    # --- many steps -------------------------------------------------------------------------

    def many(self, *args: Any, **kwargs: Any) -> Any:
        """Many steps in one call: arrays are stacked along a first axis, over which it goes.

        Parameters
        ----------
        *args, **kwargs
            As of the function, each array with a further axis at the front, of the same size in
            all. Numbers and everything else are the same in each step.

        Returns
        -------
        as the function's, each tensor with that axis at the front

        Raises
        ------
        ShapeError
            If there is no array, or the first axes differ in size.
        """
        plain = not kwargs and all(type(a) is np.ndarray and a.ndim > 0 for a in args)
        if plain and args:
            length = len(args[0])
            if length and all(len(a) == length for a in args):
                with self._lock:
                    results = self._quick_many(tuple([a[0] for a in args]), args, length)
                    if results is not MISS:
                        return results
        context = CONTEXT.get()
        leaves, structure = flatten((args, kwargs))
        stacked = [isinstance(v, (Tensor, np.ndarray)) for v in leaves]
        sizes = {v.shape[0] if v.shape else -1 for v, s in zip(leaves, stacked, strict=True) if s}
        if len(sizes) != 1 or min(sizes) < 1:
            raise ShapeError(
                f"jit of {self.title}",
                "many: expected arrays with one size from 1 of their first axes; "
                f"received shapes {[v.shape for v, s in zip(leaves, stacked, strict=True) if s]}. Stack "
                "the arguments of the steps with np.stack.",
            )
        (count,) = sizes
        with self._lock:
            if _is_run_plainly(context, leaves):
                return self._one_by_one(count, leaves, stacked, structure)
            first = [v[0] if s else v for v, s in zip(leaves, stacked, strict=True)]
            entry, _, arrays = self._entry(context, first, structure)
            if entry is None or entry.captured.serial or entry.node is not None:
                return self._one_by_one(count, leaves, stacked, structure)
            batches = [
                np.asarray(v._concrete("jit") if type(v) is Tensor else v, a.dtype)
                for v, a in zip(
                    [v for v, s in zip(leaves, stacked, strict=True) if s], arrays, strict=True
                )
            ]
            if plain and all(a is b for a, b in zip(batches, args, strict=False)):
                heads = [np.asarray(a[0]) for a in args]
                alone = all(type(a[0]) is np.ndarray for a in args)
                self._quick_many = (
                    entry.quick_many(context, tuple(heads)) if alone else _always_miss
                )
            return entry.run_many(count, batches)

    def _one_by_one(
        self, count: int, leaves: list[Any], stacked: list[bool], structure: Any
    ) -> Any:
        rows, nesting = [], None
        for i in range(count):
            args, kwargs = unflatten(
                structure, [v[i] if s else v for v, s in zip(leaves, stacked, strict=True)]
            )
            outputs, nesting = flatten(self(*args, **kwargs))
            rows.append(outputs)
        columns = [
            self._stacked(column) if type(column[0]) is Tensor else column[0]
            for column in zip(*rows, strict=True)
        ]
        return unflatten(nesting, columns)

    def _stacked(self, column: Sequence[Tensor]) -> Tensor:
        """The results of many steps as one, which carries the gradient that they carry."""
        if any(t.requires_grad and not t._carries() for t in column):
            refusal = {"refusal": _refusal(self.title)}
            return spent(np.stack([t._value for t in column]), refusal, SEQUENCE(), CONTEXT.get())
        found: Tensor = TENSORS.stack(column)
        return found

    # --- looking at it ----------------------------------------------------------------------

    def check(self, *args: Any, **kwargs: Any) -> Comparison:
        """See `jit.check`."""
        context = CONTEXT.get()
        with self._lock:
            leaves, structure = flatten((args, kwargs))
            entry, _, arrays = self._entry(context, leaves, structure)
            if entry is None:
                raise ConfigError(
                    f"jit.check of {self.title}",
                    "the step takes the gradient by an argument into its .grad, "
                    "and is not compiled for it. Expected a compiled step. Close over the tensor.",
                )
            captured = entry.captured
            arrays = entry.inputs(arrays)
            scalars = [f() for f in captured.scalars]
            state = State(captured)
            try:
                outputs = entry.runner.run(arrays, scalars)
            except CheckFailed as failed:
                raise captured.error(failed.number, arrays, scalars) from None
            compiled = compiled_outcome(captured, state, outputs)
            state.put_back()

            def eager(values: list[Any]) -> list[tuple[str, Any]]:
                args, kwargs = unflatten(structure, values)
                try:
                    eager_outcome = outcome(captured, state, self.function(*args, **kwargs))
                    for told in captured.effects:
                        told(-1)
                    for counted, held in captured.held(outputs):
                        counted(-held, -1)
                    return eager_outcome
                finally:
                    state.put_back()

            plain = eager(leaves)
            first = len(captured.results)
            comparison = compared(self.title, first, state, compiled, plain)
            if comparison.ok:
                return comparison
            # What differs more may be rounding that is blown up: see what rounding does.
            moved = []
            for seed in range(_NUDGES):
                rng = np.random.default_rng(seed)
                olds = state.nudge(rng)
                moved.append((olds, eager(nudged(leaves, rng))))
            return compared(self.title, first, state, compiled, plain, moved)

    def explain(self) -> Explanation:
        """See `jit.explain`."""
        if self._last is None:
            raise ConfigError(
                f"jit.explain of {self.title}",
                "it has not run yet. Expected a step that was called. Call "
                "it once, so that the shapes are known.",
            )
        captured, made = self._last.captured, self._last.runner.explain()
        numbers = captured.program.inputs[captured.arguments :]
        made["seconds"] = {**self._seconds, **made["seconds"]}
        return Explanation(
            title=self.title,
            program=captured.program,
            numbers={
                v.name or f"number {k}": f()
                for k, (v, f) in enumerate(zip(numbers, captured.scalars, strict=True))
            },
            guards=self._last.watch.described(),
            checks=len(captured.checks),
            captures=len(self._entries),
            **made,
        )

    # --- Python's protocols -----------------------------------------------------------------

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)

    def __deepcopy__(self, memo: dict[int, Any]) -> Step:
        # Functions are copied by reference, methods with their object; captures are not copied.
        function = copy.deepcopy(self.function, memo)
        return Step(function, self.backend, self.keep_grads, self.threads, self.captures)

    def __copy__(self) -> Step:
        return Step(self.function, self.backend, self.keep_grads, self.threads, self.captures)

    def __reduce__(self) -> Any:
        name, module = getattr(self, "__qualname__", ""), sys.modules.get(self.__module__)
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:
            return name
        return Step, (self.function, self.backend, self.keep_grads, self.threads, self.captures)

    def __repr__(self) -> str:
        return f"<compiled step {self.title}: {len(self._entries)} captures>"


def _is_run_plainly(context: Context, leaves: list[Any]) -> bool:
    """Whether the function itself is called: in a capture, where it is looked into, without values."""
    if context.capture is not None or context.anomaly:
        return True
    return any(
        type(v) is Abstract or (type(v) is Tensor and type(v._value) is Abstract) for v in leaves
    )


def _frozen(structure: Any) -> Any:
    """A nesting as something that can be looked up."""
    if isinstance(structure, dict):
        return (dict, tuple((k, _frozen(v)) for k, v in structure.items()))
    if isinstance(structure, (list, tuple)):
        return (type(structure), tuple(map(_frozen, structure)))
    return None


class _Jit:
    """Compile a function: `jit`."""

    @overload
    def __call__(
        self,
        function: Callable[..., Any],
        *,
        backend: str | None = ...,
        keep_grads: bool = ...,
        threads: int = ...,
        captures: int = ...,
    ) -> Step: ...

    @overload
    def __call__(
        self,
        function: None = ...,
        *,
        backend: str | None = ...,
        keep_grads: bool = ...,
        threads: int = ...,
        captures: int = ...,
    ) -> Callable[[Callable[..., Any]], Step]: ...

    def __call__(
        self,
        function: Callable[..., Any] | None = None,
        *,
        backend: str | None = None,
        keep_grads: bool = False,
        threads: int = 1,
        captures: int = _KEPT,
    ) -> Any:
        """Compile a function: a training step, a model, a derivative.

        The first call runs the function once on arrays without values and writes down what it does:
        that Program is run from then on, whenever the function is called with arguments of the same
        shapes. What else it depends on is guarded; a change makes the next call capture it anew.

        Parameters
        ----------
        function : callable
            Of arrays, Tensors, numbers and nested lists, tuples and dicts of them, to the same. It may
            take gradients, call modules, `Optimizer.zero_grad` and `Optimizer.step`, and ``assign`` to
            tensors that it closes over.
        backend : {"native", "numpy"}, optional
            Default: native code where llvmlite is installed (the extra ``jit``), else NumPy.
        keep_grads : bool
            Whether ``.grad`` holds the gradient after a step. By default it is used up within the step,
            and reading it says so.
        threads : int
            How many threads large operations may use.
        captures : int
            How many captures are kept, for different shapes and values; of more, what was not used for
            the longest time is let go.

        Returns
        -------
        Step
            Called like the function. Where the function's own result would require a gradient, so does
            the step's: see the notes. ``step.many(xs, ts)`` makes many steps in one call;
            ``step.function`` is the function.

        Raises
        ------
        CaptureError
            At a call, if the function asks an array for its values (``if x > 0``, ``float(x)``), assigns
            to an argument, or depends on what cannot be watched (see the notes).
        MissingDependencyError
            At a call, if ``backend="native"`` and llvmlite is not installed.
        ConfigError
            If an option is none.

        Warns
        -----
        RecompileWarning
            Once, where it is compiled again and again: for each value of an ``int`` argument, for a tensor
            that is made anew, for more shapes than captures are kept.
        CompileWarning
            Once, where it cannot be compiled: it asks for the ``.grad`` of an argument that requires one.

        Notes
        -----
        * In a graph outside, a call is one operation. Gradients of any order go through it to arguments
          that require one, and to whatever the function closes over: parameters, tensors that were
          computed before, what an outer `grad` differentiates by. Its pullback is compiled, too, from the
          second time on that one is asked for. Under `no_grad` nothing is recorded.
        * A step that took gradients itself (``backward``, ``Optimizer.step``) or wrote what is trained has
          used its graph up: a gradient that is asked of its results is an error that says so.
        * Arrays become inputs, Python floats number inputs; ints, bools, strings and other objects are
          part of what was captured.
        * What a compiled function depends on is an argument, is watched, or is refused by name; it is
          never stale. The function is followed while it is captured, instruction by instruction: the
          globals, closure cells, attributes, entries and containers that it and what it calls read,
          whatever the way, are watched (numbers and strings by value, containers by what they hold, all
          else by identity), as are shapes and dtypes, arguments that are no arrays, modules and
          their modes, the rule of an optimizer and ``requires_grad``. A change captures it anew.
          Learning rate, momentum and the like are read at every run. The code of this library and of
          NumPy is taken as it is.
        * Refused with a CaptureError is what cannot be watched: clocks, files, random numbers, iterators
          that were made outside, functions in C that are not known. Pass what they give as an argument,
          or declare it fixed with `static`.
        * Arrays that the function closes over are read at every run, where they are operands. Those
          whose values NumPy or Python looks at (as an index, a mask, a count, ``a.max()``) are compared
          with a copy at every call. (A new array in the place of an old one is captured anew, which takes
          milliseconds: pass batches as arguments.) One that lies in the memory of a tensor which the
          step writes is refused; an argument that does is what it was at the call.
        * However arrays lie in memory (order of bytes, strides, alignment) they are read as numbers;
          results have this machine's order of bytes and memory of their own.
        * Other effects of Python (``print``, appending to a list) happen when it is captured, and not
          again; where the function reads what they changed, it is captured at each call.
        * Floating-point warnings of NumPy are not given.
        * In a capture, a trace, `vmap` or `scan`, for arrays without values, and under `detect_anomaly`
          the function itself is called.
        * One step runs at a time: threads wait for one another.

        Examples
        --------
        >>> import numpy as np, autograd_core as ag
        >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
        >>> @ag.jit
        ... def descend(x):
        ...     loss = (w * x).sum()
        ...     loss.backward()
        ...     with ag.no_grad():
        ...         w.assign(w - 0.5 * w.grad)
        ...     w.grad = None
        ...     return loss
        >>> descend(np.array([1.0, 1.0])).item(), w.tolist()
        (3.0, [0.5, 1.5])
        """
        check_backend(backend, threads, captures)
        if function is None:
            return functools.partial(
                self, backend=backend, keep_grads=keep_grads, threads=threads, captures=captures
            )
        if not callable(function):
            raise ConfigError(
                "jit",
                f"expected a function; received {type(function).__name__}. Write @ag.jit above it.",
            )
        return Step(function, backend, keep_grads, threads, captures)

    def check(self, step: Step, *args: Any, **kwargs: Any) -> Comparison:
        """Compare one compiled step with the same step without compiling; nothing is changed.

        Parameters
        ----------
        step : Step
        *args, **kwargs
            As the step takes them.

        Returns
        -------
        Comparison
            Prints a row for each output and each written tensor; ``.ok`` says whether all errors are
            within their tolerances. An error is the largest difference over the largest element, of a
            written tensor over the largest change, so that a lost update shows at every learning rate;
            of integers and booleans it is the share of elements that differ, where no rounding decides.

        Notes
        -----
        The tolerance is 1e-9 in float64 and 1e-4 in float32. Where that is exceeded, the step is also
        run without compiling on arguments and leaves moved by a rounding, and what that changes may
        change here by 8 times as much. (The bias before a batch norm has gradient 0: what comes out is
        rounding, and Adam, which divides a gradient by its own size, makes a step of it. A unit may
        stand at relu's kink up to rounding.)

        Examples
        --------
        >>> import numpy as np, autograd_core as ag
        >>> print(ag.jit.check(ag.jit(ag.exp, backend="numpy"), np.zeros(3)))
        exp: compiled and not compiled give the same
          output  float64[3]        error 0.0e+00 of 1.0e-09
        """
        return _step("check", step).check(*args, **kwargs)

    def explain(self, step: Step) -> Explanation:
        """What a step was compiled to: program, passes, kernels, memory, cost, guards, time.

        Returns
        -------
        Explanation
            Printed it is a page of text, in a notebook a table; ``.kernels``, ``.passes``, ``.memory``,
            ``.flops``, ``.bytes`` and so on are what is printed, as data.

        Raises
        ------
        ConfigError
            If it has not run yet.
        """
        return _step("explain", step).explain()


def _step(operation: str, step: Any) -> Step:
    if not isinstance(step, Step):
        raise ConfigError(
            f"jit.{operation}",
            f"expected what ag.jit gave; received {type(step).__name__}. Decorate the "
            "function with @ag.jit.",
        )
    return step


jit = _Jit()
