"""Names that other libraries have and we have not: reading one says what to write instead."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from .errors import AutogradError, DTypeError

__all__ = ["WORDS", "say_elsewhere", "say_words"]

# Other libraries' words for options, and NumPy's.
WORDS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims"}


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


def say_words(kind: type) -> None:
    """Have the methods of a class that take axes say NumPy's word, where another's was given."""
    for name, method in list(vars(kind).items()):
        if callable(method) and {"axis", "axes"} & inspect.signature(method).parameters.keys():
            setattr(kind, name, _spelled(method))


def _spelled(method: Any) -> Any:
    @functools.wraps(method)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except TypeError as error:
            words = [f"{name}= is {WORDS[name]}= here" for name in kwargs if name in WORDS]
            if isinstance(error, AutogradError) or not words:
                raise
            name = method.__name__
            raise DTypeError(
                name,
                f"the options do not fit: {', '.join(words)}. Expected "
                f"t.{name}{inspect.signature(method.__get__(0))}.",
            ) from None

    return called
