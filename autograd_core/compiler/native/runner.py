"""Native steps: a captured step as machine code, bound to the memory that it reads and writes."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import time
from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from typing import Any

import numpy as np

from ...abstract import native
from ...aliases import Array
from ...errors import AutogradError, ShapeError
from ...primitives import explained
from ...program import Literal, Var
from ..fusion import in_parts, schedule
from ..kernels import Call, Nest, Schedule
from ..passes import simplified
from ..scratch import plan
from ..source import defined
from .cache import assembled
from .calling import FAILED_INDEX, HEADER
from .crew import Together
from .machine import Machine, host
from .modules import Module, module
from .nests import shareable
from .operations import computes
from .report import explained_step

__all__ = ["NativeRunner", "prepare"]

SMALL = 1 << 15  # bytes; up to here an argument is copied, which is faster than asking where it is
_DATA = attrgetter("_value")


def prepare(captured: Any, *, threads: int = 1, machine: Machine | None = None) -> NativeRunner:
    """A captured step as native code.

    Parameters
    ----------
    captured : Captured
    threads : int
        How many share large kernels. (One where no kernel is large, and where threads cannot wait for
        each other in native code: that needs POSIX.)
    machine : Machine, optional
        Default: the present one.

    Raises
    ------
    MissingDependencyError
        If llvmlite is not installed.
    """
    return NativeRunner(captured, threads if os.name == "posix" else 1, machine or host())


class NativeRunner:
    """A captured step that runs as one native function (several where NumPy has parts to compute).

    Not for two threads of Python at once: scratch memory is the runner's own.
    """

    def __init__(self, captured: Any, threads: int, machine: Machine) -> None:
        start = time.perf_counter()
        self.captured = captured
        self.machine = machine
        self.program, self.passes = simplified(captured.program)
        checks = len(captured.checks)
        self.schedule: Schedule = schedule(
            self.program, captured.arguments, checks, computes=computes
        )
        if threads > 1:
            in_parts(self.schedule)
        self.scratch = plan(self.schedule)
        if not any(isinstance(k, Nest) and shareable(k, machine) for k in self.schedule.kernels):
            threads = 1  # which need not be woken
        outputs = self.schedule.outputs
        counts = {
            "argument": captured.arguments,
            "state": len(self.program.captures),
            "output": len(outputs),
        }
        self.module: Module = module(self.schedule, machine, self.scratch, counts, threads)
        self.threads = threads
        scheduled = time.perf_counter()
        code, self.cached = assembled(machine, self.module.text)
        self.library = machine.load(code)
        done = time.perf_counter()
        self.seconds = {"schedule": scheduled - start, "native code": done - scheduled}
        self.code_bytes = len(code)
        self._bind()

    # --- memory -----------------------------------------------------------------------------

    def _bind(self) -> None:
        m, captured = self.module, self.captured
        self._table = np.zeros(max(m.length, 1), np.uint64)
        self._pointer = self._table.ctypes.data
        self._arena = _aligned(m.arena)
        self._table[0] = self._arena.ctypes.data
        self._scalars = np.zeros(max(1, len(captured.scalars)), np.float64)
        self._table[1] = self._scalars.ctypes.data
        self._given: Any = None
        self._stages: list[Array] = []
        for n, var in enumerate(self.program.inputs[: captured.arguments]):
            stage = np.zeros(var.shape, var.dtype)
            self._stages.append(stage)
            self._table[m.table["argument"] + n] = stage.ctypes.data
        self._large = [s.nbytes > SMALL for s in self._stages]
        self._all_small = not any(self._large)
        self._leaves = [t for _, t in self.program.captures]
        self._bound: list[Any] = [None] * len(self._leaves)
        self._copies: dict[int, Array] = {}  # of leaves that are numbers, or no plain memory
        self._gapped: set[int] = set()
        self._handed: list[tuple[int, Any, Array]] = []
        self._moves: tuple[Any, ...] | None = None
        written = {id(t) for t, _ in ((target, 0) for target, _ in self.program.writes)}
        self._written = [n for n, (v, _) in enumerate(self.program.captures) if id(v) in written]
        self._held: dict[int, Array] = {}  # memory of small outputs
        self._outputs: list[Callable[[], Any]] = []
        self._fresh: list[tuple[int, tuple[int, ...], Any, list[Array]]] = []
        for n, (buffer, shape, dtype) in enumerate(self.schedule.outputs):
            self._outputs.append(self._output(n, buffer, shape, dtype))
        more = (ctypes.c_int64, ctypes.c_int64) if self.threads > 1 else ()
        self._functions: list[Any] = [
            self.library.function(f"run{s}", ctypes.c_int32, ctypes.c_void_p, *more)
            for s in m.segments
            if isinstance(s, int)
        ]
        if self.threads > 1:
            self._functions = [Together(f, self.threads) for f in self._functions]
        self._single = self._functions[0] if m.segments == [0] else None
        self._many: Any = None
        # What runs all of a step without arguments: by threads, or with the table bound once and for all.
        # None where NumPy has parts to compute: then `_segments` takes turns.
        self._go: Any = None
        if self._single is not None and self.threads > 1:
            self._go = functools.partial(self._single, self._pointer)
        if self._single is not None and self.threads == 1:
            self.library.function("bind", None, ctypes.c_void_p)(self._pointer)
            self._go = self.library.function("go", ctypes.c_int32)
            pointer, long = ctypes.c_void_p, ctypes.c_int64
            self._many = self.library.function(
                "many", ctypes.c_int32, pointer, long, pointer, pointer, pointer, long, pointer
            )

        self.run = self._quick()

    def _output(self, n: int, buffer: Any, shape: Any, dtype: Any) -> Callable[[], Any]:
        """What hands out one output after a run."""
        if not hasattr(buffer, "place"):  # a known number
            constant = np.full(shape, buffer, dtype)
            return constant.copy if shape else lambda: constant[()]
        place = self.module.table["output"] + n
        if buffer.bytes > SMALL:
            pool: list[Array] = []
            self._fresh.append((place, shape, dtype, pool))
            return lambda: pool[-1]
        memory = self._held[n] = np.zeros(shape, dtype)
        self._table[place] = memory.ctypes.data
        return memory.copy if shape else lambda: memory[()]

    def _renew(self) -> None:
        """Memory for large outputs: what was handed out before and is no longer held, else new."""
        for place, shape, dtype, pool in self._fresh:
            for i in range(len(pool)):
                if sys.getrefcount(pool[i]) == _UNHELD:
                    pool.append(pool.pop(i))
                    break
            else:
                pool.append(np.empty(shape, dtype))
                del pool[:-4]
            self._table[place] = pool[-1].ctypes.data

    def _rebind(self) -> None:
        """Take the addresses of captured leaves anew."""
        first = self.module.table["state"]
        for n, t in enumerate(self._leaves):
            data = t._concrete("jit")
            if data is self._bound[n] and n not in self._gapped:
                continue
            array = isinstance(data, np.ndarray)
            if array and data.dtype.isnative and data.flags.c_contiguous and data.flags.aligned:
                self._copies.pop(n, None)
                self._gapped.discard(n)
                self._table[first + n] = data.ctypes.data
            else:
                copy = self._copies.get(n)
                if copy is None:
                    copy = self._copies[n] = np.empty(t.shape, native(t.dtype))
                    self._table[first + n] = copy.ctypes.data
                copy[...] = data
                if array:
                    self._gapped.add(n)
            self._bound[n] = data
        self._handed = [(n, self._leaves[n], self._copies[n]) for n in self._written if n in self._copies]  # fmt: skip

    # --- running ----------------------------------------------------------------------------

    run: Callable[[Sequence[Array], Sequence[float]], list[Any]]
    """One step; see `Runner`."""

    def _quick(self) -> Callable[[Sequence[Array], Sequence[float]], list[Any]]:
        """What `run` is, written as source: loops would take longer than what is in them."""
        memory: Any = self._scalars
        names: dict[str, Any] = {
            "self": self,
            "numbers": (ctypes.c_double * len(memory)).from_buffer(memory),
            "bound": self._bound,
            "gapped": self._gapped,
            "go": self._go or self._segments,
            "rebind": self._rebind,
            "data": _DATA,
            "same": is_,
            "leaves": self._leaves,
        }
        lines = []
        if self._all_small:
            for n, stage in enumerate(self._stages):
                names[f"stage{n}"] = stage
            staged = "".join(f"a{n}, " for n in range(len(self._stages)))
            lines += [f"{staged}= arguments"] if staged else []
            lines += [f"stage{n}[...] = a{n}" for n in range(len(self._stages))]
        else:
            lines.append("self._place(arguments)")
        count = len(self.captured.scalars)
        if count:
            lines += [
                "if scalars != self._given:",
                f"    numbers[:{count}] = scalars",
                "    self._given = scalars",
            ]
        tests = ["gapped"]
        if len(self._leaves) > _MOST:
            tests.append("not all(map(same, map(data, leaves), bound))")
        else:
            for n, t in enumerate(self._leaves):
                names[f"leaf{n}"] = t
                tests.append(f"leaf{n}._value is not bound[{n}]")
        lines.append(f"if {' or '.join(tests)}: rebind()")
        lines += ["self._renew()"] if self._fresh else []
        lines += ["code = go()", "if code: self._fail(code)"]
        lines += ["if self._handed: self._hand_back()"] if self._written else []
        results = []
        for n, output in enumerate(self._outputs):
            names[f"out{n}"] = output
            held = self._held.get(n)
            names[f"held{n}"] = held
            number = held is not None and not held.shape
            results.append(f"held{n}[()]" if number else f"out{n}()")
        lines.append(f"return [{', '.join(results)}]")
        source = "def run(arguments, scalars):\n    " + "\n    ".join(lines)
        run: Callable[[Sequence[Array], Sequence[float]], list[Any]]
        run = defined("run", source, names, "run of a native step")
        return run

    def _place(self, arguments: Sequence[Array]) -> None:
        first = self.module.table["argument"]
        for n, (stage, a) in enumerate(zip(self._stages, arguments, strict=True)):
            if not self._large[n]:
                stage[...] = a
                continue
            if not (
                isinstance(a, np.ndarray)
                and a.dtype == stage.dtype
                and a.flags.c_contiguous
                and a.flags.aligned
                and not self._meets_state(a)
            ):
                stage[...] = a
                a = stage
            self._table[first + n] = a.ctypes.data

    def _meets_state(self, a: Array) -> bool:
        """Whether an array lies in memory that the step writes."""
        datas = (self._leaves[n]._value for n in self._written)
        return any(isinstance(data, np.ndarray) and np.may_share_memory(a, data) for data in datas)

    def _hand_back(self) -> None:
        """Values of written leaves that the step holds in copies: numbers, and views with gaps."""
        for n, t, copy in self._handed:
            if isinstance(t._value, np.ndarray):
                t._value[...] = copy
            else:
                self._bound[n] = t._value = copy[()]

    def _segments(self) -> int:
        self._arena[:8] = 0  # an index that was noted before NumPy raised
        for s in self.module.segments:
            if isinstance(s, int):
                code: int = self._functions[s](self._pointer)
                if code:
                    return code
            else:
                self._call(s)
        return 0

    def _call(self, call: Call) -> None:
        operands: list[Any] = []
        for o, atom in zip(call.operands, call.step.operands, strict=True):
            if isinstance(o, Literal):
                operands.append(o.value)
            else:  # a Python number takes the dtype of what it meets, an array of it would not
                weak = isinstance(atom, Var) and atom.weak
                operands.append(self._view(*o).item() if weak else self._view(*o))
        p, params = call.step.primitive, call.step.params
        try:
            with np.errstate(all="ignore"):
                result = p.forward(*operands, **params)
        except (ValueError, TypeError, ArithmeticError) as error:
            if isinstance(error, AutogradError) and error.operation is not None:
                raise
            raise explained(p, operands, params, error) from None
        parts = result if isinstance(result, tuple) else (result,)
        for (buffer, shape), part in zip(call.results, parts, strict=True):
            self._view(buffer, shape)[...] = part

    def _view(self, buffer: Any, shape: tuple[int, ...]) -> Array:
        """A buffer as an array."""
        if buffer.place == "scratch":
            address = int(self._table[0]) + HEADER + buffer.start
        elif buffer.place == "scalar":
            return self._scalars[buffer.number].reshape(shape)
        else:
            address = int(self._table[self.module.table[buffer.place] + buffer.number])
        raw = (ctypes.c_char * max(buffer.bytes, 1)).from_address(address)
        return np.frombuffer(raw, buffer.dtype, buffer.size).reshape(shape)

    def _fail(self, code: int) -> None:
        self._arena[:8] = 0
        if code == FAILED_INDEX:
            raise ShapeError(
                "jit",
                "an index is out of range. Expected indices within the axis that they index, "
                "in this step's gather, take_along_axis or labels; nothing was written. Run the "
                "function without jit to see which.",
            )
        error = self.captured.checks[code - 1]()
        raise error

    def many(
        self, count: int, arguments: Sequence[Array], scalars: Sequence[float]
    ) -> tuple[int, list[Any], Exception | None]:
        """Steps over the first axis of the arguments.

        Returns
        -------
        done : int
            Steps that were made.
        outputs : list of arrays
            Stacked; of the steps that were made.
        error : Exception or None
            Why it ended early.
        """
        if count == 0:
            empty = [np.empty((0, *shape), dtype) for _, shape, dtype in self.schedule.outputs]
            return 0, empty, None
        if self._many is None:
            return self._one_by_one(count, arguments, scalars)
        table, places = self._table, self.module.table
        if self._moves is None:
            self._moves = self._strides()
        moves = self._moves
        self._scalars[: len(scalars)] = scalars
        self._given = None
        if self._gapped or not all(map(is_, map(_DATA, self._leaves), self._bound)):
            self._rebind()
        kept = table.copy()
        held = [
            np.ascontiguousarray(a, s.dtype) for a, s in zip(arguments, self._stages, strict=True)
        ]
        if self._written:  # an array without a base is a caller's own, or all of a leaf's memory
            held = [
                a.copy()
                if (a.base is not None or any(a is d for d in self._bound)) and self._meets_state(a)
                else a
                for a in held
            ]
        for n, stack in enumerate(held, places["argument"]):
            table[n] = stack.__array_interface__["data"][0]
        outputs = []
        for n, (buffer, shape, dtype) in enumerate(self.schedule.outputs, places["output"]):
            if hasattr(buffer, "place"):
                outputs.append(np.empty((count, *shape), dtype))
                table[n] = outputs[-1].__array_interface__["data"][0]
            else:
                outputs.append(np.full((count, *shape), buffer, dtype))
        code = self._many(self._pointer, count, *moves[:4], moves[4])
        table[:] = kept
        if self._handed:
            self._hand_back()
        made = int(moves[5][0])
        if not code:
            return made, outputs, None
        error: Exception | None = None
        try:
            self._fail(code)
        except Exception as failed:  # noqa: BLE001 - handed to the caller with what was done
            error = failed
        return made, [o[:made] for o in outputs], error

    def _strides(self) -> tuple[Any, ...]:
        """What `many` hands to the native loop, but for the count; kept, with the memory it is in."""
        places = self.module.table
        strides = np.zeros(self.module.length, np.int64)
        for n, stage in enumerate(self._stages, places["argument"]):
            strides[n] = stage.nbytes
        for n, (buffer, _, _) in enumerate(self.schedule.outputs, places["output"]):
            strides[n] = buffer.bytes if hasattr(buffer, "place") else 0
        grow = np.array(self.captured.increments, np.float64)
        done = np.zeros(1, np.int64)
        pointers = (strides.ctypes.data, self._scalars.ctypes.data, grow.ctypes.data, len(grow))
        return (*pointers, done.ctypes.data, done, strides, grow)

    def _one_by_one(self, count: int, arguments: Any, scalars: Any) -> Any:
        found: list[list[Any]] = []
        numbers = list(scalars)
        for i in range(count):
            try:
                found.append(self.run([a[i] for a in arguments], list(numbers)))
            except Exception as error:  # noqa: BLE001 - handed to the caller with what was done
                return i, _stacked(found), error
            numbers = [v + g for v, g in zip(numbers, self.captured.increments, strict=True)]
        return count, _stacked(found), None

    def explain(self) -> dict[str, Any]:
        """What was made of the step; see `Runner`."""
        return explained_step(self)


_MOST = 200  # leaves that are spelt out in a call
_pool = [object()]
_UNHELD = sys.getrefcount(_pool[0])  # as Python counts for what nobody but a list holds


def _stacked(rows: list[list[Any]]) -> list[Any]:
    return [np.stack(column) for column in zip(*rows, strict=True)] if rows else []


def _aligned(size: int) -> Array:
    """Zeroed memory that starts at a multiple of 64 bytes."""
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]
