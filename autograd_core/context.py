"""What surrounds an operation: recording, scope, phase, anomaly, capture. One context variable.

A context is immutable and shared by all tensors made in it, so a node knows its scope and phase
for the price of one pointer. Threads and async tasks each have their own.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import sys
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from typing import Any

from .errors import AutogradError, CaptureError, ConfigError

__all__ = [
    "CONTEXT",
    "OURS",
    "STRUCTURE",
    "Capture",
    "Context",
    "Structured",
    "bump",
    "called",
    "detect_anomaly",
    "enable_grad",
    "entry_of",
    "named_scope",
    "no_grad",
    "refused",
    "unveiled",
    "user_line",
    "warn",
    "within",
]


def entry_of(numbers: list[float], place: int) -> Callable[[], float]:
    """What reads one entry of a list of numbers, without a frame of Python: a source for `scalar`."""
    return functools.partial(operator.getitem, numbers, place)  # type: ignore[return-value]


class Structured:
    """An object of which more than the values of arrays decides what a step does: a module, a rule.

    Where that changes it calls `bump`. A compiled step knows such objects that it depends on, and asks
    them again when the count has moved: what has changed elsewhere is of no matter to it.
    """

    __slots__ = ()

    def __structure__(self) -> tuple[Any, ...]:
        """What decides, as it is now: flat; other such objects may stand in it."""
        raise NotImplementedError


class _Structure:
    """How often the structure of any object has changed."""

    count = 0


STRUCTURE = _Structure()


def bump() -> None:
    """Note a change of structure: a mode, a layer, a rule. Captured steps then look whether it is theirs."""
    STRUCTURE.count += 1


class Capture:
    """Where the effects of a captured function go instead of memory.

    Parameters
    ----------
    blind : bool
        Whether values of captured tensors are as unknown as those of arguments: so in `jit`, where
        a program is run again when they have changed. `trace` lets a function see them.
    reading : str
        What reads the function, as messages have it: "trace", "vmap", "scan".

    Attributes
    ----------
    writes : dict of int to (leaf, value)
        What ``assign`` wrote, by ``id`` of the leaf.
    gradients : dict of int to (leaf, gradient)
        What ``.grad`` became, by ``id`` of the leaf.
    read : dict of int to (leaf, gradient or None)
        What ``.grad`` was before, where the function asked for it: a tensor without values.
    owners : dict of int to leaf
        The leaf whose new value a tensor is, by ``id`` of that tensor: gradients go to the leaf.
    scalars : list of (tensor, callable, float)
        Numbers that are read at every run: where from, and how much they grow in a step.
    checks : list of (condition, callable, tuple of tensors)
        Conditions without which nothing may be written; the error for the values of the tensors.
    counts : list of (condition, callable)
        Who is told in how many steps a condition held, and of how many.
    effects : list of callable
        Who is told how many steps were made.
    held : dict of int to array
        Arrays that became operands, by ``id``: their memory is read at every run.
    refused : list of CaptureError
        What the function asked for and cannot have; it is refused even if it swallows them.
    notes : dict
        What those who write here remember during one capture.
    serial : bool
        Whether one step must have told of its effects before the next.
    undo : list of callable
        What puts attributes back that were set, the last first, if the function raises.
    """

    __slots__ = (
        "blind", "checks", "counts", "effects", "gradients", "held", "notes", "owners", "read",
        "reading", "refused", "scalars", "serial", "undo", "writes",
    )  # fmt: skip

    def __init__(self, blind: bool = False, reading: str = "trace") -> None:
        self.blind, self.reading = blind, reading
        self.writes: dict[int, tuple[Any, Any]] = {}
        self.gradients: dict[int, tuple[Any, Any]] = {}
        self.read: dict[int, tuple[Any, Any]] = {}
        self.owners: dict[int, Any] = {}
        self.scalars: list[tuple[Any, Callable[[], float], float]] = []
        self.checks: list[tuple[Any, Callable[..., Exception], tuple[Any, ...]]] = []
        self.counts: list[tuple[Any, Callable[[int, int], None]]] = []
        self.effects: list[Callable[[int], None]] = []
        self.held: dict[int, Any] = {}
        self.refused: list[CaptureError] = []
        self.notes: dict[Any, Any] = {}
        self.serial = False
        self.undo: list[Callable[[], None]] = []

    def current(self, t: Any) -> Any:
        """What stands for a tensor now: the value that was written to it, or itself."""
        return self.writes[id(t)][1] if id(t) in self.writes else t

    def scalar(self, t: Any, getter: Callable[[], float], increment: float = 0.0) -> Any:
        """Make a weak tensor without values a number that is read at every run; returns it.

        Parameters
        ----------
        getter : callable
            Gives the number before a step.
        increment : float
            By how much it grows in a step.
        """
        self.scalars.append((t, getter, increment))
        return t

    def check(
        self, condition: Any, error: Callable[..., Exception], values: tuple[Any, ...] = ()
    ) -> None:
        """Let nothing be written where a boolean tensor of shape () is False.

        Parameters
        ----------
        error : callable
            Takes the values of ``values`` as arrays and returns what is raised.
        """
        self.checks.append((condition, error, values))

    def count(self, condition: Any, told: Callable[[int, int], None]) -> None:
        """Have ``told`` called with in how many steps a boolean tensor was True, and of how many."""
        self.counts.append((condition, told))
        self.serial = True

    def effect(self, told: Callable[[int], None]) -> None:
        """Have ``told`` called with the number of steps that were made, after they were."""
        self.effects.append(told)


class Context:
    """The surroundings of an operation; immutable."""

    __slots__ = (
        "anomaly",
        "capture",
        "masked",
        "modules",
        "phase",
        "plain",
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
    ) -> None:
        self.recording = recording
        self.scope = scope
        self.phase = phase  # sequence number of the node whose backward this is; None: forward
        self.anomaly = anomaly
        self.capture = capture
        self.transform = transform  # inside grad, vjp, trace …: float(t) would cut a gradient
        self.masked = masked  # in a rule whose cotangents have passed a mask
        self.plain = capture is None and not anomaly  # the recorder's fast path
        self.modules: dict[tuple[str | None, type], Context] = {}

    def replace(self, **changes: Any) -> Context:
        """A copy with ``changes``."""
        copied = Context(
            self.recording, self.scope, self.phase, self.anomaly, self.capture, self.transform,
            self.masked,
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


def user_line() -> str | None:
    """``file:line`` of the innermost frame outside gradproof's packages and NumPy."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] not in OURS:
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return None


def warn(message: str, category: type[Warning]) -> None:
    """Give a warning at the user's line."""
    level, frame = 2, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)


_COMPOSITES = ("autograd_core.functional.", "autograd_core.ops.")
_SHARED = "autograd_core.functional.shared"  # its functions are no composites


def called(operation: str) -> str:
    """What an error calls an operation: the composite that the user called, if it ran inside of one.

    Found on the stack, where the error is made: nothing is noted while all goes well.
    """
    frame, name = sys._getframe(1), operation.rstrip("_")
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith("autograd_core."):
            break
        function = frame.f_code.co_name
        if module.startswith(_COMPOSITES) and module != _SHARED:
            name = function if function in frame.f_globals["__all__"] else name
        frame = frame.f_back  # type: ignore[assignment]
    return name


OURS = frozenset(
    {"analysis", "autograd_core", "contextlib", "gradproof", "nn", "numpy", "optim", "viz"}
)
