"""Threads that run one native function together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Together"]


class _Worker:
    """A thread that waits for a call, makes it, and waits again; it ends with its owner."""

    def __init__(self) -> None:
        self.wanted = threading.Semaphore(0)
        self.done = threading.Semaphore(0)
        self.call: Callable[[], Any] | None = None
        threading.Thread(target=self._run, name="gradproof jit", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.wanted.acquire()
            if self.call is None:
                return
            self.call()
            self.call = None
            self.done.release()


_WORKERS: list[_Worker] = []
_LOCK = threading.Lock()


def _alone() -> None:
    """A forked process has none of the threads, and perhaps a lock that nobody will open."""
    global _LOCK  # noqa: PLW0603 - there is one crew in a process
    _WORKERS.clear()
    _LOCK = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


class Together:
    """A function ``f(table, part, parts)`` that several threads run at once, each its part.

    Native code lets the interpreter's lock go, so the parts do run at the same time. Workers are
    shared by all steps; one step at a time has them.
    """

    def __init__(self, function: Callable[[int, int, int], int], parts: int) -> None:
        self._function = function
        self._parts = parts

    def __call__(self, table: int) -> int:
        """Run all parts; the result is the first one's."""
        with _LOCK:
            while len(_WORKERS) < self._parts - 1:
                _WORKERS.append(_Worker())
            workers = _WORKERS[: self._parts - 1]
            for part, worker in enumerate(workers, 1):
                worker.call = _bound(self._function, table, part, self._parts)
                worker.wanted.release()
            result = self._function(table, 0, self._parts)
            for worker in workers:
                worker.done.acquire()
        return result


def _bound(f: Callable[..., Any], *args: int) -> Callable[[], Any]:
    return lambda: f(*args)
