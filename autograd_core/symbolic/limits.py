"""Limits that hold everywhere: a budget of processor time and of memory, kept by a second thread.

What is written here asks its `Budget` as it goes. What is not (sympy's own walks, its derivative,
its questions after signs) asks nobody, and on an expression that shares its parts it may take
hours. So a watch stands beside every proof: when the time is up, or the process has grown by more
than is allowed, it raises `Exhausted` in the thread that proves, between two of its instructions,
and again as long as that goes on. One call into C cannot be stopped; products of polynomials, the
only long ones, are bounded by their terms.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

from ..errors import AutogradError
from .polynomials import Budget, Exhausted

__all__ = ["MEMORY", "bounded"]

T = TypeVar("T")

MEMORY = 2**30  # bytes by which the process may grow during one proof
_PAUSE = 0.05  # seconds between two looks at the memory


class _OutOfTime(Exhausted):
    """The time is up; the watch can give no arguments to what it raises."""

    def __init__(self) -> None:
        super().__init__("the budget of seconds was exhausted", False)


class _OutOfMemory(Exhausted):
    """The process has grown too much."""

    def __init__(self) -> None:
        super().__init__(f"the budget of {MEMORY / 2**30:g} GiB of memory was exhausted", False)


def bounded(budget: Budget, decide: Callable[[], T], otherwise: Callable[[str], T]) -> T:
    """``decide()`` within the budget, and ``otherwise(reason)`` where it does not come to an end.

    A fault of the prover decides nothing either: it is named in the reason. What the user got wrong
    (an `AutogradError`) is raised.
    """
    watch = _Watch(budget)
    try:
        watch.start()
        try:
            return decide()
        finally:
            try:
                watch.stop()
            except Exhausted:  # raised on the way here; the next would come much later
                watch.stop()
    except (Exhausted, RecursionError) as stop:
        return otherwise(str(stop) if isinstance(stop, Exhausted) else _DEEP)
    except MemoryError:
        return otherwise("the memory of this machine was exhausted")
    except Exception as error:
        if watch.raised is not None:
            # Raised below a call from C that looked for no error, or took it for another: what comes of
            # that (a SystemError, a missing attribute, a reading that is said not to be) is the limit's.
            return otherwise(str(watch.raised()))  # type: ignore[call-arg]
        if isinstance(error, AutogradError):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)}:{last.lineno}"
        text = str(error).split("\n")[0]
        return otherwise(f"a fault of the prover: {type(error).__name__}: {text} ({where})")


_DEEP = "the expression is nested too deeply for sympy"


class _Watch(threading.Thread):
    """Looks after one proof, in the thread that makes it."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(name="gradproof: limits of a proof", daemon=True)
        self._budget = budget
        self._proof = threading.get_ident()
        self._clock = _clock_of(self._proof)
        self._end = self._clock() + budget.left
        self._grace = 0.3 + budget.seconds / 10  # for what is left to be said
        self._most = _resident() + MEMORY
        self._over = threading.Event()
        self.raised: type[Exhausted] | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        """Until the proof is over."""
        while not self._over.wait(_PAUSE):
            spent = self._clock() >= self._end
            if not spent and _resident() < self._most:
                continue
            if _is_collecting(self._proof):  # Python drops what is raised there
                continue
            self._end = self._clock() + self._grace if spent else self._end
            with self._lock:
                if not self._over.is_set():
                    self.raised = _OutOfTime if spent else _OutOfMemory
                    self._budget.expire(str(self.raised()))
                    _raise_in(self._proof, self.raised)
            if not spent:
                self._over.wait(self._grace)  # what is raised frees the memory

    def stop(self) -> None:
        """The proof is over: what was raised and has not arrived arrives here.

        Taking it back would leave the interpreter's note that something is to arrive; a function that
        is traced (by a debugger, a profiler, `jit`) then never gets beyond its first line, in Python
        3.11.
        """
        with self._lock:
            self._over.set()
        if self.raised is not None:
            with contextlib.suppress(Exhausted):
                _raise_in(self._proof, _OutOfTime)  # in the place of one that has not arrived
                while True:
                    time.sleep(0)
        self.join()


def _is_collecting(thread: int) -> bool:
    """Whether a thread is in a callback of the collector; one may start before what is raised arrives."""
    callbacks = {getattr(f, "__code__", None) for f in gc.callbacks}
    frame = sys._current_frames().get(thread)
    while frame is not None and callbacks:
        if frame.f_code in callbacks:
            return True
        frame = frame.f_back
    return False


def _raise_in(thread: int, kind: type[BaseException]) -> None:
    set_ = ctypes.pythonapi.PyThreadState_SetAsyncExc
    set_(ctypes.c_ulong(thread), ctypes.py_object(kind))


def _clock_of(thread: int) -> Callable[[], float]:
    """Processor time of a thread, as `Budget` counts it; of the process where that is not to be had."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)


def _resident() -> int:
    """Bytes that the process holds; 0 where the system does not tell, so that nothing is bounded."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
