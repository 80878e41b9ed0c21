"""A compiled step: which of its captures fits a call, and a new one where none does."""

from __future__ import annotations

import copy
import functools
import sys
import time
import types
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..arrays import as_array
from ..context import CONTEXT, Context
from ..errors import ConfigError, ShapeError
from ..memory import SEQUENCE
from ..program import Program
from ..shelves import TENSORS
from ..structure import STRUCTURE
from ..tensors import Tensor
from ..tracing import names
from ..trees import flatten, unflatten
from .backends import Runner, compiled_by, prepared
from .capture import NotCompiledError, capture
from .captured import Captured, CheckFailed, identity_of
from .comparison import Comparison, State, compared, compiled_outcome, nudged, outcome
from .entries import Entry, always_miss, frozen, refusal_of
from .explanation import Explanation
from .hot_path import MISS
from .locks import Locked
from .reader import Reader
from .recompiles import Recompiles
from .results import spent

__all__ = ["KEPT", "Step"]

KEPT = 64  # captures, and runners, of one step
_NUDGES = 8  # runs of `check` with arguments and leaves moved by a rounding


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
        captures: int = KEPT,
    ) -> None:
        super().__init__()
        self.function = function
        self.backend = backend
        self.keep_grads = keep_grads
        self.threads = threads
        self.captures = captures
        self.title = str(getattr(function, "__name__", type(function).__name__)).strip("<>")
        self._recompiles = Recompiles(self.title, captures)
        self._entries: OrderedDict[Any, Entry | None] = OrderedDict()
        self._runners: OrderedDict[Any, tuple[str, Runner]] = OrderedDict()
        self._quick: Callable[[tuple[Any, ...]], Any] = always_miss
        self._quick_many: Callable[..., Any] = always_miss
        self._last: Entry | None = None
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
        self._quick = entry.quick(context, args) if simple else always_miss
        return entry.run(arrays, given)

    def _entry(
        self, context: Context, leaves: list[Any], structure: Any
    ) -> tuple[Entry | None, list[Any], list[Any]]:
        """What runs these arguments, None for the function itself; those that are arrays, and as arrays."""
        handed, arrays, numbers, key = self._signature(leaves, structure, context.recording)
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
        return entry, handed, arrays

    def _signature(
        self, leaves: list[Any], structure: Any, recording: bool
    ) -> tuple[list[Any], list[Any], list[float], Any]:
        """The arguments that are arrays, as arrays; those that are numbers; what decides on a capture."""
        handed: list[Any] = []
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
                handed.append(v)
                arrays.append(array if type(array) is np.ndarray else np.asarray(array))
                carries = recording and type(v) is Tensor and v.requires_grad
                parts.append((array.shape, array.dtype.char, carries))
            elif isinstance(v, (bool, int, str, bytes, type(None))):
                parts.append((type(v), v))
            else:
                parts.append((type(v), id(v)))
        return handed, arrays, numbers, (recording, frozen(structure), tuple(parts))

    def _captured(self, context: Context, leaves: list[Any], structure: Any) -> Entry | None:
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
        return Entry(
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
                self._quick_many = entry.quick_many(context, tuple(heads)) if alone else always_miss
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
            refusal = {"refusal": refusal_of(self.title)}
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
