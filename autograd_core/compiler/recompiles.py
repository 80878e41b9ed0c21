"""Tells of a step that is compiled again and again, once, with the reason and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import CompileWarning, RecompileWarning
from ..frames import warn

__all__ = ["Recompiles"]

_MOST = 100_000  # of what is remembered
_OFTEN = 8  # so many values of one argument, or kinds of what is closed over, are told of


class Recompiles:
    """What one step was compiled for.

    Parameters
    ----------
    title : str
    kept : int
        How many captures the step keeps.
    """

    def __init__(self, title: str, kept: int) -> None:
        self._title = title
        self._kept = kept
        self._told: set[Any] = set()
        self._values: dict[Any, set[Any]] = {}
        self._times: dict[Any, int] = {}
        self._dropped: set[int] = set()  # hashes of what was let go

    def dropped(self, key: Any) -> None:
        """Note that a capture was let go."""
        if len(self._dropped) < _MOST:
            self._dropped.add(hash(key))

    def captured(
        self, key: Any, parts: Sequence[Any], names: Sequence[str | None], compiled: bool
    ) -> None:
        """Note that the step was captured for arguments.

        Parameters
        ----------
        key : hashable
            Of all arguments.
        parts : sequence
            Of each: ``(type, value)`` where it is a plain value that is part of what is compiled.
        names : sequence of (str or None)
            The parameters that they belong to.
        compiled : bool
            Whether code had to be made: else the program was known.
        """
        if hash(key) in self._dropped:
            self._tell(
                "dropped",
                f"it is called with more than {self._kept} shapes or values in turn, and no more captures are "
                f"kept. Pass captures={4 * self._kept} to ag.jit, or bring the arguments to a few shapes (pad "
                "batches to one size).",
            )
        for place, (part, name) in enumerate(zip(parts, names, strict=False)):
            if type(part) is tuple and isinstance(part[0], type):
                self._value(place, name or f"number {place}", *part)
        if not compiled:
            return
        if len(self._times) > _MOST:
            self._times.clear()
        times = self._times[key] = self._times.get(key, 0) + 1
        if times == _OFTEN:
            self._tell(
                "same",
                f"it was compiled {_OFTEN} times for the same arguments, since what it closes over was another "
                "each time (a tensor made anew, a number that counts). Pass that as an argument, or write new "
                "values into the same tensor (assign).",
            )

    def _value(self, place: int, name: str, kind: type, value: Any) -> None:
        """Note one value of an argument that is part of what is compiled."""
        seen = self._values.setdefault((place, kind), set())
        if len(seen) < _OFTEN:
            seen.add(value)
        if len(seen) < _OFTEN:
            return
        if kind in (int, bool, str, bytes):
            what = f"{_OFTEN} different values of type {kind.__name__}"
            remedy = f"Pass np.asarray({name}), or a float, if it is a number to compute with."
        else:
            what = f"{_OFTEN} different objects of type {kind.__name__}"
            remedy = "Pass the same object, or the arrays and numbers that it holds."
        self._tell(
            (place, kind),
            f"the argument {name} was {what}, each of which is compiled for: what is neither an array nor a "
            f"float is part of what is compiled. {remedy}",
        )

    def not_compiled(self) -> None:
        """The function takes the gradient of an argument: it is called itself, at every call."""
        self._tell(
            "argument",
            "it asks for the .grad of an argument, which has to be that tensor's own, so it is run without "
            "being compiled. Close over the tensor instead, or take ag.grad of a function of the argument.",
            CompileWarning,
        )

    def _tell(self, what: Any, why: str, kind: type[CompileWarning] = RecompileWarning) -> None:
        if what not in self._told:
            self._told.add(what)
            warn(f"jit of {self._title}: {why}", kind)
