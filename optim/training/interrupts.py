"""Ctrl-C during training: end after the present batch, in good order."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["Interrupts"]


class Interrupts:
    """Context in which the first Ctrl-C is noted, for who asks when it suits, and a second one interrupts at once.

    An update that is cut in two would leave some parameters updated and others not. Outside of the
    main thread, or where a program has a handler of its own, everything is left as it is.
    """

    def __init__(self) -> None:
        self._pressed = 0
        self._installed = False

    def __enter__(self) -> Interrupts:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._pressed += 1
        if self._pressed > 1:
            signal.default_int_handler(number, frame)

    @property
    def requested(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._pressed > 0

    @property
    def insisted(self) -> bool:
        """Whether it was pressed again: something was interrupted, and may have ended as if it were done."""
        return self._pressed > 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
