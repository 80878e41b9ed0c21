"""Guards: what a captured step has read beside its arguments, and whether it is still the same.

`Reader` notes each read while a step is captured; a `Watch` holds them, and asks again. Numbers and
strings count by value, everything else by identity: what was read *of* it is a read of its own.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable
from operator import is_
from typing import Any

import numpy as np

from ..structure import Structured

__all__ = [
    "GONE",
    "PLAIN",
    "Kind",
    "Watch",
    "alike",
    "contents",
    "found_in_classes",
    "same_again",
    "stored",
]

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, range, slice, np.dtype)
_WRITTEN = 400  # reads that are tested in source; of more, a loop takes less time to prepare
GONE = type("Gone", (), {"__repr__": lambda _: "nothing", "__slots__": ()})()


def alike(a: Any, b: Any) -> bool:
    """Whether two values are the same object, or of one type and the same value to the last bit."""
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, frozenset):
        return a == b and sorted(map(repr, a)) == sorted(map(repr, b))
    if isinstance(a, (float, complex, np.generic, slice)):
        return repr(a) == repr(b)  # tells 0.0 from -0.0, and not nan from nan
    return kind in PLAIN and bool(a == b)


def same_again(key: Any) -> bool:
    """Whether a key, or each of some, is equal to itself when it is made anew: put in twice, it is there once."""
    if isinstance(key, (tuple, list, set, frozenset, dict)):
        return all(map(same_again, key))
    return isinstance(key, PLAIN)


def found_in_classes(kind: type, name: str) -> Any:
    """What the classes of an object say about a name, without running anything."""
    for one in kind.__mro__:
        if name in one.__dict__:
            return one.__dict__[name]
    return GONE


def stored(o: Any, name: str) -> Any:
    """An attribute as it is stored in an object or its classes; nothing of the user's runs."""
    own = getattr(o, "__dict__", None)
    if type(own) is dict and name in own:
        return own[name]
    return found_in_classes(o if isinstance(o, type) else type(o), name)


def contents(o: Any) -> tuple[Any, ...]:
    """What is in a container, in order: of a mapping, keys and values."""
    if isinstance(o, (dict, types.MappingProxyType)):
        return (*o, *o.values())
    if isinstance(o, np.ndarray):
        return (o.shape, o.dtype, *o.ravel().tolist())
    return tuple(o)


def _memory(o: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return o.shape, o.dtype, o.tobytes()


class Kind:
    """A way of reading: how it is done again, and how a test of it is written where that is quick.

    Parameters
    ----------
    again : callable
        Of the owner and the key.
    test : str or None
        Source that is true if there is another value, with ``{o}``, ``{k}`` and ``{v}``.
    """

    __slots__ = ("again", "name", "test")

    def __init__(
        self, name: str, again: Callable[[Any, Any], Any], test: str | None = None
    ) -> None:
        self.name = name
        self.again = again
        self.test = test

    CELL: Kind
    ITEM: Kind
    IN: Kind
    ATTRIBUTE: Kind
    METHOD: Kind
    STORED: Kind
    CONTENTS: Kind
    MEMORY: Kind
    ANSWER: Kind


Kind.CELL = Kind("closure cell", lambda o, _: o.cell_contents, "{o}.cell_contents is not {v}")
Kind.ITEM = Kind("entry", lambda o, k: o[k], "{o}[{k}] is not {v}")
Kind.IN = Kind("key", lambda o, k: k in o, "({k} in {o}) is not {v}")
Kind.ATTRIBUTE = Kind("attribute", getattr, "{o}.{name} is not {v}")
Kind.METHOD = Kind("method", lambda o, k: getattr(o, k).__func__, "{o}.{name}.__func__ is not {v}")
Kind.STORED = Kind("attribute", stored)
Kind.CONTENTS = Kind("container", lambda o, _: contents(o))
Kind.MEMORY = Kind("array", lambda o, _: _memory(o))
Kind.ANSWER = Kind("answer", lambda o, k: o(*k))


class _Read:
    """Something that was read."""

    __slots__ = ("key", "kind", "owner", "quick", "value", "weak")

    def __init__(
        self, kind: Kind, owner: Any, key: Any, value: Any, quick: bool, weak: bool = False
    ) -> None:
        self.kind = kind
        self.owner = weakref.ref(owner) if weak else owner
        self.weak = weak
        self.key = key
        self.value = value
        self.quick = quick and kind.test is not None and value is not GONE

    def now(self) -> Any:
        owner = self.owner() if self.weak else self.owner
        if owner is None and self.weak:
            return GONE
        try:
            return self.kind.again(owner, self.key)
        except (AttributeError, LookupError, ReferenceError, ValueError):  # gone, or an empty cell
            return GONE

    def unchanged(self) -> bool:
        now, was = self.now(), self.value
        if now is was:
            return True
        if self.kind is Kind.CONTENTS:
            return len(now) == len(was) and (all(map(is_, now, was)) or all(map(alike, now, was)))
        if self.kind is Kind.MEMORY:
            return bool(now == was)
        return alike(now, was)


class Watch:
    """What a function has read beside its arguments, as it was.

    Attributes
    ----------
    version : int
        How often values were taken anew.
    weakly : dict of int to weak reference
        Objects that were found through a weak reference, by ``id``: no guard keeps them alive.
    """

    def __init__(self) -> None:
        self.version = 0
        self._reads: dict[Any, _Read] = {}
        self._slow: tuple[_Read, ...] | None = None
        self._structures: dict[int, tuple[Callable[[], Any], tuple[Any, ...]]] = {}
        self.weakly: dict[int, weakref.ref[Any]] = {}

    def hold_weakly(self, o: Any) -> None:
        """Have what is read of an object not keep it alive: it was found through a weak reference."""
        if type(o).__weakrefoffset__:
            self.weakly[id(o)] = weakref.ref(o)

    def note(self, kind: Kind, owner: Any, key: Any, value: Any, quick: bool = True) -> None:
        """Note that a value was read; what was read first stands for what was there before.

        Parameters
        ----------
        quick : bool
            Whether the same object is found where nothing has changed: not so with what is computed.
        """
        same = tuple(map(id, key)) if type(key) is tuple else key
        known = (kind, id(owner), type(key), same)
        if known not in self._reads:
            quick = quick and len(self._reads) < _WRITTEN
            weak = isinstance(self._held(owner), weakref.ref)
            self._reads[known] = _Read(kind, owner, key, value, quick, weak)
            self._slow = None

    def _held(self, o: Any) -> Callable[[], Any]:
        """What gives an object, and keeps it alive, or does not if it was found through a weak reference."""
        found = self.weakly.get(id(o))
        return found if found is not None and found() is o else lambda: o

    def note_structure(self, o: Structured) -> None:
        """Note the structure of an object, and of those within it."""
        waiting = [o]
        while waiting:
            o = waiting.pop()
            if id(o) not in self._structures:
                said = o.__structure__()
                self._structures[id(o)] = self._held(o), said
                waiting.extend(part for part in said if isinstance(part, Structured))

    def knows(self, o: Any) -> bool:
        """Whether the structure of an object is noted."""
        return id(o) in self._structures

    def restructured(self) -> bool:
        """Whether the structure of one of them has changed: asked where the count of changes has moved."""
        return not all(
            (o := held()) is not None and alike(o.__structure__(), said)
            for held, said in self._structures.values()
        )

    @property
    def slow(self) -> bool:
        """Whether there is more to look at than `tests` say."""
        return bool(self._others())

    def _others(self) -> tuple[_Read, ...]:
        if self._slow is None:
            self._slow = tuple(r for r in self._reads.values() if not r.quick)
        return self._slow

    def others_unchanged(self) -> bool:
        """Whether what `tests` do not say is unchanged."""
        return all(read.unchanged() for read in self._others())

    def tests(self, name: Callable[[str, Any], str]) -> list[str]:
        """Source that is true if something is another object than it was, one a read.

        Parameters
        ----------
        name : callable
            Of a stem and an object: a name for it.
        """
        owners: dict[int, str] = {}
        tests = []
        for r in self._reads.values():
            if r.quick and r.kind.test is not None:
                if id(r.owner) not in owners:
                    owners[id(r.owner)] = name("of", r.owner) + "()" * r.weak
                written = type(r.key) in (str, int, bool)
                key = repr(r.key) if written else name("key", r.key)
                value = (
                    str(r.value) if type(r.value) in (bool, type(None)) else name("was", r.value)
                )
                test = r.kind.test.format(o=owners[id(r.owner)], k=key, v=value, name=r.key)
                tests.append(test)
        return tests

    def same(self) -> bool:
        """Whether everything is the same by value; if so it is taken as what was read."""
        reads = self._reads.values()
        if not all(read.unchanged() for read in reads):
            return False
        for read in reads:
            if read.quick:
                read.value = read.now()
        self.version += 1
        return True

    def described(self) -> str:
        """How much is watched, in a line."""
        count: dict[str, int] = {}
        for read in self._reads.values():
            count[read.kind.name] = count.get(read.kind.name, 0) + 1
        if self._structures:
            count["structure"] = len(self._structures)
        named = [r.key for r in self._reads.values() if r.kind is Kind.ITEM and type(r.key) is str]
        parts = [f"{n} {_plural(kind, n)}" for kind, n in count.items()]
        names = f" ({', '.join(dict.fromkeys(named))})" if named else ""
        return (", ".join(parts) or "nothing") + names


def _plural(word: str, count: int) -> str:
    if count == 1:
        return word
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2] not in "aeiou" else f"{word}s"
