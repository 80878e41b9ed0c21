"""Guards: what a captured step has read beside its arguments, and whether it is still the same.

A function's closure cells, the globals that it names, attributes of plain objects and modules
reached through them, and the same of the user's functions that it calls. Numbers and strings count
by value, small containers by what is in them, everything else by identity. What modules and
optimizers hold is not looked at: they count their changes (`context.STRUCTURE`).
"""

from __future__ import annotations

import dis
import functools
import pickle
import random
import sys
import types
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from ..context import OURS
from ..errors import CaptureError
from ..tensors import Tensor

__all__ = ["Drawn", "Watch"]

_CONTENTS = attrgetter("cell_contents")
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
_CONTAINERS = (list, tuple, dict, set, frozenset)
_MOST = 1000  # entries of a container that are looked at
_GONE = object()
_CACHED = functools._lru_cache_wrapper
_FUNCTIONS = 500  # of the user's that are looked into


class Watch:
    """What a function has read, as it was.

    Parameters
    ----------
    function : callable
        Functions, methods, partials, modules, and what `ag.grad` and its kin make of them.
    given : dict of str to object
        Arguments of the function, by the names of their parameters, that are no arrays.

    Attributes
    ----------
    cells : list of (cell, object)
        Closure cells and what was in them.
    globals : list of (dict, str, object)
        Names of globals and of attributes, where they are looked up, and what they meant.
    others : bool
        Whether there is more, for `others_unchanged`.
    version : int
        How often this was taken anew.
    """

    def __init__(self, function: Callable[..., Any], given: dict[str, Any] | None = None) -> None:
        self.version = 0
        self._cells: list[Any] = []
        self._named: dict[int, tuple[dict[str, Any], dict[str, None]]] = {}
        self._chains: dict[tuple[int, str], tuple[Any, str]] = {}
        self._held: list[Any] = []  # whose ids are in use here stay alive
        _Search(self, function, given or {}).run()
        self._sources: list[Callable[[], Any]] = [
            functools.partial(_CONTENTS, cell) for cell in self._cells
        ]
        self._sources += [
            functools.partial(_item, names, name)
            for names, wanted in self._named.values()
            for name in wanted
        ]
        self._sources += [
            functools.partial(_attribute, o, name) for o, name in self._chains.values()
        ]
        self.note()

    def note(self) -> None:
        """Take what is there now as what was read."""
        values = [_read(source) for source in self._sources]
        self._values = values
        self._snapshots = [_snapshot(v) for v in values]
        found = iter(values)
        self.cells = [(cell, next(found)) for cell in self._cells]
        self.globals = [
            (names, name, next(found)) for names, wanted in self._named.values() for name in wanted
        ]
        self._by_attribute = []
        for o, name in self._chains.values():
            value, own = next(found), getattr(o, "__dict__", {})
            if type(own) is dict and name in own:  # looked up like a global, which is quick
                self.globals.append((own, name, value))
            else:
                self._by_attribute.append((o, name, value))
        self._contents = [
            (v, s)
            for v, s in zip(values, self._snapshots, strict=True)
            if isinstance(v, _CONTAINERS) and v and not _fixed(v)
        ]
        self.others = bool(self._by_attribute or self._contents)
        self.version += 1

    def others_unchanged(self) -> bool:
        """Whether attributes are the very same objects, and containers hold the same."""
        for o, name, value in self._by_attribute:
            if _attribute(o, name) is not value:
                return False
        return all(_snapshot(v) == s for v, s in self._contents)

    def same(self) -> bool:
        """Whether everything is the same by value; if so it is taken as what was read."""
        values = [_read(source) for source in self._sources]
        if [_snapshot(v) for v in values] != self._snapshots:
            return False
        self.note()
        return True

    def generators(self) -> list[Any]:
        """Generators of random numbers among what was read."""
        kinds = (np.random.Generator, np.random.RandomState, random.Random)
        found = {id(v): v for v in self._values if isinstance(v, kinds)}
        return list(found.values())

    def described(self) -> str:
        """How much is watched, in a line."""
        names = [name for _, wanted in self._named.values() for name in wanted]
        parts = [
            f"{len(self._cells)} closure cells",
            f"{len(names)} globals ({', '.join(names)})" if names else "no globals",
            f"{len(self._chains)} attributes, {len(self._contents)} containers",
        ]
        return ", ".join(parts)


def _item(names: dict[str, Any], name: str) -> Any:
    return names.get(name, _GONE)


def _attribute(o: Any, name: str) -> Any:
    """An attribute as it is stored; no property runs."""
    own = getattr(o, "__dict__", None)
    if own is not None and name in own:
        return own[name]
    for kind in o.__mro__ if isinstance(o, type) else type(o).__mro__:
        if name in kind.__dict__:
            found = kind.__dict__[name]
            if isinstance(found, types.MemberDescriptorType) and not isinstance(o, type):
                return getattr(o, name, _GONE)  # a slot
            return found
    return _GONE


def _read(source: Callable[[], Any]) -> Any:
    try:
        return source()
    except ValueError:  # an empty cell
        return _GONE


def _snapshot(value: Any, depth: int = 4) -> Any:
    """What is compared: equal for what counts as the same."""
    kind = type(value)
    if kind is float or isinstance(value, (float, np.floating)):
        return (kind, repr(value))
    if isinstance(value, _PLAIN):
        return (kind, value)
    if isinstance(value, _CONTAINERS) and depth and len(value) <= _MOST:
        if isinstance(value, dict):
            entries = [(_snapshot(k, depth - 1), _snapshot(v, depth - 1)) for k, v in value.items()]
            return (kind, id(value), entries)
        if isinstance(value, (set, frozenset)):
            return (kind, id(value), {repr(_snapshot(v, depth - 1)) for v in value})
        return (kind, id(value), [_snapshot(v, depth - 1) for v in value])
    return id(value)


def _fixed(value: Any) -> bool:
    """Whether nothing in a value can change, so that the same object holds the same."""
    return isinstance(value, _PLAIN) or (type(value) is tuple and all(map(_fixed, value)))


class _Search:
    """Goes through a function, and the user's functions that it may call."""

    def __init__(self, watch: Watch, function: Any, given: dict[str, Any]) -> None:
        self.watch = watch
        # Functions, and which objects their arguments are.
        self.waiting: list[tuple[Any, dict[str, Any]]] = [(function, given)]
        for value in given.values():
            self._follow(value)
        self.seen: set[Any] = set()
        self.cells: set[int] = set()

    def run(self) -> None:
        while self.waiting and len(self.seen) < _FUNCTIONS:
            self._look_into(*self.waiting.pop())

    def _look_into(self, o: Any, given: dict[str, Any]) -> None:
        if isinstance(o, functools.partial):
            self.waiting.extend((part, {}) for part in (o.func, *o.args, *o.keywords.values()))
            return
        if isinstance(o, types.MethodType):
            self._method(o.__func__, o.__self__, given)
            return
        if isinstance(o, (staticmethod, classmethod)):
            self.waiting.append((o.__func__, {}))
            return
        if not isinstance(o, types.FunctionType):
            self._look_into_object(o)
            return
        key = (id(o), *((name, id(value)) for name, value in given.items()))
        if key in self.seen:
            return
        self.seen.add(key)
        self.watch._held.append((o, given))
        if not _of_user(o):
            # A function that one of ours was made of, as by ag.grad.
            if _ours(o):
                for cell in o.__closure__ or ():
                    self._follow(_read(functools.partial(_CONTENTS, cell)))
            return
        for default in (*(o.__defaults__ or ()), *(o.__kwdefaults__ or {}).values()):
            self._follow(default)
        free = dict(zip(o.__code__.co_freevars, o.__closure__ or (), strict=True))
        for cell in free.values():
            if id(cell) not in self.cells:
                self.cells.add(id(cell))
                self.watch._cells.append(cell)
                self._follow(_read(functools.partial(_CONTENTS, cell)))
        self._scan(o.__code__, o.__globals__, free, given)

    def _method(self, function: Any, owner: Any, given: dict[str, Any]) -> None:
        """Look into a function whose first argument is ``owner``."""
        if isinstance(function, types.FunctionType) and function.__code__.co_argcount:
            given = {**given, function.__code__.co_varnames[0]: owner}
        self.waiting.append((function, given))

    def _look_into_object(self, o: Any) -> None:
        """The user's code of a callable object; of a module with parts, of each."""
        if hasattr(type(o), "__wrapped_step__"):
            self.waiting.append((o.function, {}))
            return
        if isinstance(o, _CACHED):
            self.waiting.append((o.__wrapped__, {}))
            return
        if isinstance(o, (type, types.ModuleType, Tensor, np.ndarray)) or not callable(o):
            return
        if id(o) in self.seen:
            return
        self.seen.add(id(o))
        self.watch._held.append(o)
        parts = [o]
        modules = getattr(o, "modules", None)
        if callable(modules) and hasattr(type(o), "forward"):
            parts = list(modules())
        for part in parts:
            # Those that a class overrides may be called by super().
            methods = [
                k.__dict__.get(n) for k in type(part).__mro__ for n in ("__call__", "forward")
            ]
            for method in methods:
                if isinstance(method, types.FunctionType) and _of_user(method):
                    self._method(method, part, {})

    def _follow(self, value: Any) -> None:
        if isinstance(value, (list, tuple)) and len(value) <= _MOST:
            for entry in value:
                self._follow(entry)
        elif isinstance(value, dict) and len(value) <= _MOST:
            for entry in value.values():
                self._follow(entry)
        elif callable(value):
            self.waiting.append((value, {}))

    def _scan(
        self,
        code: types.CodeType,
        names: dict[str, Any],
        free: dict[str, Any],
        given: dict[str, Any],
    ) -> None:
        """Globals, and attributes of what is read, in a function and those inside of it."""
        base: Any = _GONE
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                name = step.argval
                if name in names:
                    self.watch._named.setdefault(id(names), (names, {}))[1][name] = None
                    base = names[name]
                    self._follow(base)
                else:
                    base = _GONE
            elif step.opname in ("LOAD_DEREF", "LOAD_CLASSDEREF") and step.argval in free:
                base = _read(functools.partial(_CONTENTS, free[step.argval]))
            elif step.opname.startswith("LOAD_FAST"):  # of two at once the second stays on top
                name = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
                base = given.get(name, _GONE)
            elif step.opname in ("STORE_FAST", "STORE_DEREF") and base is not _GONE:
                given = {**given, step.argval: base}
                base = _GONE
            elif step.opname in ("LOAD_DEREF", "LOAD_CLOSURE") and step.argval in given:
                base = given[step.argval]  # an argument that a function inside of this one reads
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and base is not _GONE:
                base = self._attribute_of(base, step.argval)
            elif step.opname not in (
                "CACHE",
                "RESUME",
                "PRECALL",
                "NOP",
                "PUSH_NULL",
                "EXTENDED_ARG",
            ):
                base = _GONE
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                inner = {n: c for n, c in free.items() if n in constant.co_freevars}
                mine = {n: v for n, v in given.items() if n in constant.co_freevars}
                self._scan(constant, names, inner, mine)

    def _attribute_of(self, o: Any, name: str) -> Any:
        """Watch an attribute of a plain object or a module of Python; what follows from it."""
        if isinstance(o, (*_PLAIN, *_CONTAINERS, Tensor, np.ndarray)) or o is None:
            return _GONE
        if isinstance(o, types.ModuleType):
            if not _user_module(o.__name__):
                return _GONE
        elif not isinstance(o, type) and not _user_module(type(o).__module__) and not _simple(o):
            return _GONE
        value = _attribute(o, name)
        if isinstance(value, property):
            self._method(value.fget, o, {})
            return _GONE
        if value is _GONE:
            return _GONE
        if isinstance(value, types.FunctionType) and name not in getattr(o, "__dict__", {}):
            self._method(value, o, {})
            return _GONE
        own = getattr(o, "__dict__", {})
        if not _counts_itself(o) or isinstance(value, _CONTAINERS) or name not in own:
            self.watch._chains[id(o), name] = (o, name)
        self._follow(value)
        return value


def _simple(o: Any) -> bool:
    return isinstance(o, types.SimpleNamespace)


def _counts_itself(o: Any) -> bool:
    """Whether changes of its attributes count as changes of structure."""
    return hasattr(type(o), "named_parameters") and hasattr(type(o), "register_buffer")


@functools.lru_cache(maxsize=4096)
def _user_module(name: str | None) -> bool:
    root = (name or "").split(".")[0]
    return (root not in OURS and root not in sys.stdlib_module_names) or root == "__main__"


def _of_user(function: types.FunctionType) -> bool:
    return _user_module(function.__module__)


def _ours(function: types.FunctionType) -> bool:
    return (function.__module__ or "").split(".")[0] in OURS


class Drawn:
    """Context that raises if random numbers are drawn inside, and puts the generators back.

    They would be drawn when a step is captured, and be the same numbers at every run.
    """

    def __init__(self, title: str, watch: Watch) -> None:
        self._title = title
        self._generators = watch.generators()

    def __enter__(self) -> None:
        self._states = [_state(g) for g in self._generators]
        self._shared = np.random.get_state(legacy=False), random.getstate()  # noqa: NPY002 - to look after it

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        drawn = [
            type(g).__name__
            for g, before in zip(self._generators, self._states, strict=True)
            if pickle.dumps(_state(g)) != pickle.dumps(before)
        ]
        for g, before in zip(self._generators, self._states, strict=True):
            _put_back(g, before)
        numpy, python = self._shared
        if pickle.dumps(np.random.get_state(legacy=False)) != pickle.dumps(numpy):  # noqa: NPY002
            drawn.append("numpy.random")
            np.random.set_state(numpy)  # noqa: NPY002 - to look after it
        if random.getstate() != python:
            drawn.append("random")
            random.setstate(python)
        if drawn and error is None:
            raise CaptureError(
                f"jit of {self._title}: random numbers were drawn from {', '.join(drawn)}, which would be "
                "the same numbers at every run. Expected none, or those of ag.random_bits (as in "
                "nn.Dropout), whose key and counter are arrays. Draw them outside, and pass them as an "
                "argument."
            )


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.getstate()


def _put_back(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)
