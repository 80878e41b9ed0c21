"""Batches that are made ahead, in a thread of their own, while the last one is computed with."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Generic, TypeVar

from autograd_core.options import COUNT

__all__ = ["Prefetch", "ahead_of"]

_T = TypeVar("_T")
_PATIENCE = 5.0  # seconds that a thread is waited for which is in the middle of a batch


class Prefetch(Generic[_T]):
    """An iterable whose next items are made by a background thread while one is used.

    Order and items are those of the iterable; an error that it raises comes through where its item would
    have come, with its own traceback.

    Parameters
    ----------
    source : iterable, or a function that gives one
        Begun anew by each ``iter``.
    ahead : int, ≥ 1
        How many items are kept ready.

    Raises
    ------
    ConfigError
        If ``ahead`` is not a positive integer.

    Notes
    -----
    Worth it where batches are read, decoded or drawn by code that leaves the interpreter free: files, NumPy
    on large arrays. ``fit(prefetch=2)`` does the same for whatever it is fed with.

    Examples
    --------
    >>> list(Prefetch([1, 2, 3], ahead=2))
    [1, 2, 3]
    """

    def __init__(self, source: Iterable[_T] | Callable[[], Iterable[_T]], ahead: int = 2) -> None:
        self._source = source
        self._ahead = COUNT.check("Prefetch: ahead", ahead)

    def __iter__(self) -> Iterator[_T]:
        source: Any = self._source
        if isinstance(source, Iterator):  # somebody else's, who may go on with it
            return ahead_of((item for item in source), self._ahead)
        return ahead_of(iter(source if isinstance(source, Iterable) else source()), self._ahead)

    def __getattr__(self, name: str) -> Any:  # a length or a state, if the source has one
        if name.startswith("_") or name not in ("state_dict", "load_state_dict"):
            raise AttributeError(name)
        return getattr(self._source, name)


class _End:
    """What a thread puts last: why there are no more items."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead_of(source: Iterator[_T], count: int) -> Generator[_T, None, None]:
    """The items of an iterator, of which up to ``count`` are made ahead; closing it ends the thread."""
    items: queue.Queue[Any] = queue.Queue(count)
    left = threading.Event()

    def offered(item: Any) -> bool:
        while not left.is_set():
            try:
                items.put(item, timeout=0.05)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in source:
                if not offered(item):
                    break
        except BaseException as raised:  # noqa: BLE001 - raised again where the item is awaited
            error = raised
        try:
            close = getattr(source, "close", None)
            if close is not None:
                close()
        except BaseException as raised:  # noqa: BLE001 - as above
            error = error or raised
        offered(_End(error))

    settings = contextvars.copy_context()  # np.errstate and the like
    thread = threading.Thread(
        target=settings.run, args=(work,), name="gradproof prefetch", daemon=True
    )
    thread.start()
    try:
        while True:
            item = items.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        left.set()
        thread.join(_PATIENCE)
