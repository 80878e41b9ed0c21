"""jit: a function that is captured once, and from then on run from its Program."""

from __future__ import annotations

import copy
import functools
import sys
import threading
import time
import types
from collections import OrderedDict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, overload

import numpy as np

from ..aliases import Array
from ..context import CONTEXT, STRUCTURE, Context
from ..errors import ConfigError, ShapeError
from ..graph import WRITES
from ..program import Literal
from ..tensors import SEQUENCE, Tensor, as_array, leaf
from ..trees import flatten, unflatten
from .backends import Runner, check_backend, prepared
from .capture import Captured, CheckFailed, capture
from .guards import Watch

__all__ = ["Step", "jit"]

_KEPT = 16  # captures, and runners, of one step
_REQUIRES = attrgetter("requires_grad")


class _Entry:
    """One capture of a step, prepared: what it was captured for, and how it is run."""

    __slots__ = (
        "after", "captured", "constant", "consumed", "context", "count", "effects", "getters",
        "held", "numbers", "run", "runner", "simple", "single", "stamped", "trained", "untrained",
        "watch",
    )  # fmt: skip

    def __init__(
        self, captured: Captured, runner: Runner, watch: Watch, count: int, held: Any
    ) -> None:
        self.captured = captured
        self.runner = runner
        self.run = runner.run
        self.watch = watch
        self.count = count
        self.held = held  # static arguments: their ids are part of a key
        self.context: Context | None = None
        self.simple: list[tuple[Any, Any]] | None = None
        self.getters = captured.scalars
        self.numbers = captured.numbers
        self.effects = captured.effects
        program = captured.program
        leaves = [t for _, t in program.captures if t._context.capture is None]
        self.trained = [t for t in leaves if t.requires_grad]
        self.untrained = [t for t in leaves if not t.requires_grad and t.dtype.kind == "f"]
        tensors = dict(program.captures)
        written = [tensors[v] for v, _ in program.writes]
        used_up = [g.leaf for g in captured.gradients if g.present and g.output is None]
        ids = {id(t) for t in used_up}
        # Most are both: one loop instead of two.
        self.consumed = used_up
        both = [t for t in written if id(t) in ids]
        self.stamped = [t for t in written if id(t) not in ids]
        self.consumed = both, [t for t in used_up if all(t is not b for b in both)]
        self.after = [g for g in captured.gradients if not g.present or g.output is not None]
        results = captured.results
        self.single = captured.structure is _LEAF_STRUCTURE and results == (0,)
        # What is left to do after a run beside the above.
        self.constant = not captured.counts and not self.after

    def fits_leaves(self) -> bool:
        """Whether the same leaves take part in gradients as when it was captured."""
        return all(map(_REQUIRES, self.trained)) and not any(map(_REQUIRES, self.untrained))


_LEAF_STRUCTURE = flatten(0)[1]


class Step:
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
    ) -> None:
        self.function = function
        self.backend = backend
        self.keep_grads = keep_grads
        self.threads = threads
        self.title = str(getattr(function, "__name__", type(function).__name__)).strip("<>")
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._runners: OrderedDict[Any, tuple[str, Runner]] = OrderedDict()
        self._recent: _Entry | None = None
        self._lock = threading.RLock()
        self._seconds = {"capture": 0.0, "prepare": 0.0}
        functools.update_wrapper(self, function, updated=())

    # --- running ----------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the step; the first time, and whenever something has changed, capture it."""
        context = CONTEXT.get()
        with self._lock:
            entry = self._recent
            if (
                entry is None
                or kwargs
                or context is not entry.context
                or entry.count != STRUCTURE.count
                or not self._simple(entry, args)
                or not entry.watch.unchanged()
                or not entry.fits_leaves()
            ):
                return self._decide(context, args, kwargs)
            return self._run(entry, args)

    def _simple(self, entry: _Entry, args: tuple[Any, ...]) -> bool:
        """Whether arguments are NumPy arrays like those of the last call."""
        simple = entry.simple
        if simple is None or len(args) != len(simple):
            return False
        for a, (shape, dtype) in zip(args, simple, strict=True):
            if type(a) is not np.ndarray or a.shape != shape or a.dtype is not dtype:
                return False
        return True

    def _run(self, entry: _Entry, arrays: Sequence[Any]) -> Any:
        """Run, tell of the effects, and hand out the results."""
        scalars = [f() for f in entry.getters]
        try:
            found = entry.run(arrays, scalars)
        except CheckFailed as failed:
            raise entry.captured.error(failed.number, arrays, scalars) from None
        both, consumed = entry.consumed
        now = WRITES.last = SEQUENCE()
        for t in both:
            t._written = now
            t._grad = False
        for t in entry.stamped:
            t._written = now
        for t in consumed:
            t._grad = False
        for told in entry.effects:
            told(1)
        if entry.constant and entry.single:
            return leaf(found[0])
        return self._results(entry, found, 1)

    def _results(self, entry: _Entry, found: Sequence[Any], steps: int, many: bool = False) -> Any:
        """What is left to do after a run: gradients, counts; and the results in their nesting."""
        captured = entry.captured
        for g in entry.after:
            g.leaf._grad = None if g.output is None else leaf(_last(found[g.output], many))
        start = len(captured.program.outputs) - len(captured.checks) - len(captured.counts)
        for told, held in zip(captured.counts, found[start:], strict=False):
            told(int(np.sum(held)), steps)
        results = [o.value if isinstance(o, Literal) else leaf(found[o]) for o in captured.results]
        return unflatten(captured.structure, results)

    # --- deciding ---------------------------------------------------------------------------

    def _decide(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run by an entry that fits, or that is made now."""
        if context.capture is not None or context.anomaly:
            return self.function(*args, **kwargs)
        leaves, structure = flatten((args, kwargs))
        if context.recording and any(type(v) is Tensor and v.requires_grad for v in leaves):
            return self.function(*args, **kwargs)  # a gradient is to flow through
        entry, arrays = self._entry(context, leaves, structure)
        self._recent = entry
        entry.context = context
        plain = not kwargs and all(type(a) is np.ndarray for a in args)
        entry.simple = [(a.shape, a.dtype) for a in args] if plain else None
        if plain and any(a is not b for a, b in zip(args, arrays, strict=False)):
            entry.simple = None  # they had to be converted
        arrays += [t.grad._data for t, present in entry.captured.reads if present]  # type: ignore[union-attr]
        if entry.captured.reads:
            self._recent = None
        return self._run(entry, arrays)

    def _entry(
        self, context: Context, leaves: list[Any], structure: Any
    ) -> tuple[_Entry, list[Any]]:
        arrays, numbers, key = self._signature(leaves, structure)
        key = (key, context.recording)
        entry = self._entries.get(key)
        if entry is None or not self._valid(entry):
            entry = self._captured(context, leaves, structure)
            self._entries[key] = entry
            while len(self._entries) > _KEPT:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        entry.numbers[:] = numbers
        return entry, arrays

    def _signature(self, leaves: list[Any], structure: Any) -> tuple[list[Any], list[float], Any]:
        """The arguments that are arrays, those that are numbers, and what decides on a capture."""
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
                arrays.append(np.asarray(array))
                parts.append((array.shape, array.dtype.char))
            elif isinstance(v, (bool, int, str, bytes, type(None))):
                parts.append((type(v), v))
            else:
                parts.append((type(v), id(v)))
        return arrays, numbers, (_frozen(structure), tuple(parts))

    def _valid(self, entry: _Entry) -> bool:
        return (
            entry.count == STRUCTURE.count
            and entry.watch.same()
            and entry.fits_leaves()
            and all(
                (type(t._grad) is Tensor) == present and t._grad is not False
                for t, present in entry.captured.reads
            )
        )

    def _captured(self, context: Context, leaves: list[Any], structure: Any) -> _Entry:
        """Capture the function for these arguments; a runner of the same program is used again."""
        count, start = STRUCTURE.count, time.perf_counter()
        watch = Watch(self.function)
        captured = capture(
            self.function,
            leaves,
            structure,
            title=self.title,
            keep_grads=self.keep_grads,
            recording=context.recording,
        )
        middle = time.perf_counter()
        key = captured.identity
        if key not in self._runners:
            self._runners[key] = prepared(captured, self.backend, self.threads)
            while len(self._runners) > _KEPT:
                self._runners.popitem(last=False)
        self._runners.move_to_end(key)
        self._seconds = {
            "capture": middle - start,
            "prepare": time.perf_counter() - middle,
        }
        return _Entry(captured, self._runners[key][1], watch, count, leaves)

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
        context = CONTEXT.get()
        leaves, structure = flatten((args, kwargs))
        stacked = [isinstance(v, (Tensor, np.ndarray)) for v in leaves]
        sizes = {v.shape[0] if v.shape else -1 for v, s in zip(leaves, stacked, strict=True) if s}
        if len(sizes) != 1 or min(sizes) < 1:
            raise ShapeError(
                f"jit of {self.title}: many: expected arrays with one size from 1 of their first axes; "
                f"received shapes {[v.shape for v, s in zip(leaves, stacked, strict=True) if s]}. Stack "
                "the arguments of the steps with np.stack."
            )
        (count,) = sizes
        with self._lock:
            if context.capture is not None or context.anomaly:
                return self._one_by_one(count, leaves, stacked, structure)
            first = [v[0] if s else v for v, s in zip(leaves, stacked, strict=True)]
            entry, arrays = self._entry(context, first, structure)
            if entry.captured.serial:
                return self._one_by_one(count, leaves, stacked, structure)
            whole = [
                np.asarray(v._concrete("jit") if type(v) is Tensor else v, a.dtype)
                for v, a in zip(
                    [v for v, s in zip(leaves, stacked, strict=True) if s], arrays, strict=True
                )
            ]
            return self._run_many(entry, count, whole)

    def _run_many(self, entry: _Entry, count: int, arrays: list[Array]) -> Any:
        captured = entry.captured
        scalars = [f() for f in entry.getters]
        done, found, error = entry.runner.many(count, arrays, scalars)
        if done:
            both, consumed = entry.consumed
            now = WRITES.last = SEQUENCE()
            for t in (*both, *entry.stamped):
                t._written = now
            for t in (*both, *consumed):
                t._grad = False
            for told in entry.effects:
                told(done)
        if error is not None:
            if isinstance(error, CheckFailed):
                grown = [s + done * g for s, g in zip(scalars, captured.increments, strict=True)]
                error = captured.error(error.number, [a[done] for a in arrays], grown)
            error.add_note(f"In step {done + 1} of {count} of one call; those before were made.")
            raise error
        return self._results(entry, found, count, many=True)

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
            leaf(np.stack([o._data for o in column])) if type(column[0]) is Tensor else column[0]
            for column in zip(*rows, strict=True)
        ]
        return unflatten(nesting, columns)

    # --- Python's protocols -----------------------------------------------------------------

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)

    def __deepcopy__(self, memo: dict[int, Any]) -> Step:
        # Functions are copied by reference, methods with their object; captures are not copied.
        function = copy.deepcopy(self.function, memo)
        return Step(function, self.backend, self.keep_grads, self.threads)

    def __copy__(self) -> Step:
        return Step(self.function, self.backend, self.keep_grads, self.threads)

    def __reduce__(self) -> Any:
        name, module = getattr(self, "__qualname__", ""), sys.modules.get(self.__module__)
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:
            return name
        return Step, (self.function, self.backend, self.keep_grads, self.threads)

    def __repr__(self) -> str:
        return f"<compiled step {self.title}: {len(self._entries)} captures>"


def _last(value: Any, many: bool) -> Any:
    return value[-1] if many else value


def _frozen(structure: Any) -> Any:
    """A nesting as something that can be looked up."""
    if isinstance(structure, dict):
        return (dict, tuple((k, _frozen(v)) for k, v in structure.items()))
    if isinstance(structure, (list, tuple)):
        return (type(structure), tuple(map(_frozen, structure)))
    return None


class _Jit:
    """Compile a function: a training step, a model, a derivative.

    See the class's call.
    """

    __name__ = "jit"

    @overload
    def __call__(
        self,
        function: Callable[..., Any],
        *,
        backend: str | None = ...,
        keep_grads: bool = ...,
        threads: int = ...,
    ) -> Step: ...

    @overload
    def __call__(
        self,
        function: None = ...,
        *,
        backend: str | None = ...,
        keep_grads: bool = ...,
        threads: int = ...,
    ) -> Callable[[Callable[..., Any]], Step]: ...

    def __call__(
        self,
        function: Callable[..., Any] | None = None,
        *,
        backend: str | None = None,
        keep_grads: bool = False,
        threads: int = 1,
    ) -> Any:
        """Compile a function; as a decorator with or without options."""
        check_backend(backend, threads)
        if function is None:
            return functools.partial(self, backend=backend, keep_grads=keep_grads, threads=threads)
        if not callable(function):
            raise ConfigError(
                f"jit: expected a function; received {type(function).__name__}. Write @ag.jit above it."
            )
        return Step(function, backend, keep_grads, threads)


jit = _Jit()
