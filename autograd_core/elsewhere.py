"""Names that other libraries have and we have not: reading one says what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["say_elsewhere"]


class _Elsewhere:
    """One such name, in a class. An object may have an attribute of its own under it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        raise AttributeError(self._text)


def say_elsewhere(kind: type, said: str, what: str, instead: Mapping[str, str]) -> None:
    """Have a class answer names that its users may know from elsewhere.

    Parameters
    ----------
    kind : type
    said : str
        What errors call the class.
    what : str
        What its objects are.
    instead : mapping of str to str
        What to write, by name.
    """
    for name, way in instead.items():
        setattr(kind, name, _Elsewhere(f"{said}.{name}: {what} has no such name. Use {way}."))
