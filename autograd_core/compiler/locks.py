"""Locks that a fork leaves open in the child.

One compiled step, and one piece of its memory, is used by one thread at a time. A child of `os.fork` has
only the thread that forked: a lock that another one held would never be opened there, and what that one
was writing would be half written. So a fork waits until the steps of other threads are done.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

__all__ = ["Locked"]

_SECONDS = 10.0  # that a fork waits for one step; the child then goes on with what there is


class Locked:
    """What has a lock of its own, ``_lock``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _ALL.add(self)


_ALL: weakref.WeakSet[Locked] = weakref.WeakSet()
_TAKEN: list[Any] = []


def _locked() -> list[Locked]:
    while True:
        try:
            return list(_ALL)
        except RuntimeError:  # another thread made one just now
            continue


def _before() -> None:
    _TAKEN.extend([o._lock for o in _locked() if o._lock.acquire(timeout=_SECONDS)])


def _in_parent() -> None:
    while _TAKEN:
        _TAKEN.pop().release()


def _in_child() -> None:
    _TAKEN.clear()
    for o in _locked():
        o._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
