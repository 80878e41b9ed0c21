"""What surrounds an operation: recording, scope, phase, anomaly, capture. One context variable.

A context is immutable and shared by all tensors made in it, so a node knows its scope and phase
for the price of one pointer. Threads and async tasks each have their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import Any

from .effects import Capture
from .errors import AutogradError, CaptureError, ConfigError

__all__ = [
    "CONTEXT",
    "Context",
    "detect_anomaly",
    "enable_grad",
    "named_scope",
    "no_grad",
    "private",
    "refused",
    "unveiled",
    "within",
]


class Context:
    """The surroundings of an operation; immutable."""

    __slots__ = (
        "anomaly",
        "capture",
        "masked",
        "modules",
        "phase",
        "plain",
        "private",
        "recording",
        "scope",
        "transform",
    )

    def __init__(
        self,
        recording: bool = True,
        scope: tuple[str, ...] = (),
        phase: int | None = None,
        anomaly: bool = False,
        capture: Capture | None = None,
        transform: bool = False,
        masked: bool = False,
        private: bool = False,
    ) -> None:
        self.recording = recording
        self.scope = scope
        self.phase = phase  # sequence number of the node whose backward this is; None: forward
        self.anomaly = anomaly
        self.capture = capture
        self.transform = transform  # inside grad, vjp, trace …: float(t) would cut a gradient
        self.masked = masked  # in a rule whose cotangents have passed a mask
        self.private = (
            private  # nobody sees what is computed: views of it need no memory of their own
        )
        self.plain = capture is None and not anomaly  # the recorder's fast path
        self.modules: dict[tuple[str | None, type], Context] = {}

    def replace(self, **changes: Any) -> Context:
        """A copy with ``changes``."""
        copied = Context(
            self.recording, self.scope, self.phase, self.anomaly, self.capture, self.transform,
            self.masked, self.private,
        )  # fmt: skip
        for name, value in changes.items():
            setattr(copied, name, value)
        copied.plain = copied.capture is None and not copied.anomaly
        return copied

    def within_module(self, name: str | None, kind: type) -> Context:
        """The context inside a module: scope ``"name:Kind"``, or the kind alone for a root.

        Kept in ``modules``: the same few are entered at every call.
        """
        entry = kind.__name__ if name is None else f"{name}:{kind.__name__}"
        inside = self.modules[name, kind] = self.replace(scope=(*self.scope, entry))
        return inside


# The default is seen by every new thread.
CONTEXT: ContextVar[Context] = ContextVar("gradproof", default=Context())  # noqa: B039 - immutable


class within(contextlib.ContextDecorator):  # noqa: N801 - used as a function, in `with`
    """Run the block in a context with ``changes``.

    A class, since a generator takes twice as long (2.2 us against 1.2).
    """

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> Context:
        context = CONTEXT.get().replace(**self._changes)
        self._tokens.append(CONTEXT.set(context))
        return context

    def __exit__(self, *_: object) -> None:
        CONTEXT.reset(self._tokens.pop())

    def _recreate_cm(self) -> within:
        # As a decorator: each call, in whatever thread, has tokens of its own.
        return within(**self._changes)


@contextlib.contextmanager
def unveiled() -> Iterator[None]:
    """Raise our own error where NumPy has wrapped it in one of its own (``buffer[i] = tensor``)."""
    try:
        yield
    except ValueError as error:
        if isinstance(error.__cause__, AutogradError):
            raise error.__cause__ from None
        raise


def no_grad() -> contextlib.AbstractContextManager[Context]:
    """Context in which nothing is recorded and leaves may be written in place (PyTorch's name)."""
    return within(recording=False)


def enable_grad() -> contextlib.AbstractContextManager[Context]:
    """Context in which operations are recorded again, inside ``no_grad``."""
    return within(recording=True)


def named_scope(name: str) -> contextlib.AbstractContextManager[Context]:
    """Context whose operations carry ``name`` as the innermost part of their scope path.

    Raises
    ------
    ConfigError
        If ``name`` is not a non-empty str.
    """
    if not isinstance(name, str) or not name:
        raise ConfigError("named_scope", f"expected a non-empty str; received {name!r}.")
    return within(scope=(*CONTEXT.get().scope, name))


def private() -> contextlib.AbstractContextManager[Context]:
    """Context in which views of what needs no gradient share its memory, as all others do.

    Outside, they are copied: a result must not change when its operand is written. For functions that
    hand out none of what they compute on the way, and end in memory of its own.
    """
    return within(private=True)


def detect_anomaly() -> contextlib.AbstractContextManager[Context]:
    """Context that raises AnomalyError at the first non-finite value, forward or backward.

    The error names the operation, its scope and the user's line. Costs a check per operation.
    """
    return within(anomaly=True)


def refused(error: CaptureError) -> CaptureError:
    """``error``, noted, so that a compiled step is refused even if the function swallows it."""
    capture = CONTEXT.get().capture
    if capture is not None and capture.blind:
        capture.refused.append(error)
    return error
