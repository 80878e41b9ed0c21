"""Where the effects of a captured function go: writes, gradients, checks, numbers read at every run."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from .errors import CaptureError

__all__ = ["Capture", "entry_of"]


def entry_of(numbers: list[float], place: int) -> Callable[[], float]:
    """What reads one entry of a list of numbers, without a frame of Python: a source for `scalar`."""
    return functools.partial(operator.getitem, numbers, place)  # type: ignore[return-value]


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
