"""Objects of which more than the values of arrays decides what a step does, and when that changes."""

from __future__ import annotations

from typing import Any

__all__ = ["STRUCTURE", "Structured", "bump"]


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
