"""What a function is, as a hash: its code, and all that the code reaches.

Two functions of one text are two functions where a closure, a default or a helper differs. `text_hash`
is for records: of sources where there are any, so that it is the same under every version of
Python. `CodeHash` is for what is remembered within a process: of the code that runs, whatever file
it was read from.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

__all__ = ["CodeHash", "text_hash"]

_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
_BUILTIN = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)
# What the interpreter keeps in a class, or in a module, beside what was written there.
_OF_PYTHON = frozenset(
    ["__builtins__", "__cached__", "__dict__", "__doc__", "__file__", "__firstlineno__", "__loader__", "__path__",
     "__spec__", "__static_attributes__", "__weakref__"]
)  # fmt: skip


def text_hash(values: Iterable[Any]) -> str:
    """SHA-256 of functions, for a record: sources, closures, defaults, and helpers reached.

    Where there is no source (a prompt, ``python -c``, a pipe), bytecode and constants stand for it.
    Objects that are called, and partial functions, are hashed by what they hold. Of the engine's own
    functions those of the same module count as helpers.

    Parameters
    ----------
    values : iterable
        Functions, and anything that may stand beside them.
    """
    walk = _Walk(sources=True)
    for value in values:
        walk.put(value)
    return walk.digest


class CodeHash:
    """Hashes of the code that runs, which agree exactly while nothing that matters was changed.

    Parameters
    ----------
    package : str
        A package that is hashed as a whole, once: what its modules define is named, where it is
        reached, and not hashed again.
    *more
        Tables that belong to it, and to which others add.
    """

    def __init__(self, package: str, *more: Any) -> None:
        self.package = package
        walk = _Walk(package=package)
        for table in more:
            walk.put(table)
        for name in sorted(sys.modules):
            module = sys.modules[name]
            if module is not None and _is_within(name, package):
                walk.put(name)
                for key, value in sorted(vars(module).items()):
                    if key not in _OF_PYTHON and _is_code(value):
                        walk.put(key)
                        walk.inside(value)
        self.whole = walk.digest

    def of(self, *values: Any) -> str:
        """The hash of values, and of the package."""
        walk = _Walk(package=self.package)
        walk.put(self.whole)
        for value in values:
            walk.put(value)
        return walk.digest


def _is_within(module: Any, package: Any) -> bool:
    return isinstance(module, str) and (module == package or module.startswith(f"{package}."))


def _is_code(value: Any) -> bool:
    """Whether a value in a module is part of what the module does, not of what it has met so far."""
    if isinstance(value, (tuple, frozenset)):
        return all(map(_is_code, value))
    if isinstance(value, dict):
        return bool(value) and all(callable(v) for v in value.values())
    return isinstance(value, (*_ATOMS, *_BUILTIN, type)) or callable(value)


class _Walk:
    """Writes values into one hash, each object once: what comes again is a number."""

    def __init__(self, sources: bool = False, package: str | None = None) -> None:
        self._words: list[Any] = []  # repr() of strings, bytes and numbers tells all
        self.sources = sources
        self.package = package
        self._seen: dict[int, tuple[int, Any]] = {}  # the objects too, so that no id comes again

    def _write(self, *words: Any) -> None:
        self._words.extend(words)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written."""
        return hashlib.sha256("\0".join(map(repr, self._words)).encode()).hexdigest()

    def put(self, value: Any) -> None:
        """Write a value, by its name if the package defines it under that name."""
        if self.package is not None and self._is_named(value):
            self._write("named", value.__module__, value.__qualname__)
        else:
            self.inside(value)

    def _is_named(self, value: Any) -> bool:
        """Whether the value is what a module of the package has under the value's own name."""
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
            return False
        if not _is_within(module, self.package):
            return False
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        return found is value

    def inside(self, value: Any) -> None:
        """Write a value by what it holds."""
        kind = type(value)
        if isinstance(value, _ATOMS):
            self._write(value)
            return
        if kind in (tuple, list):
            self._write(kind.__name__, len(value))
            for part in value:
                self.put(part)
            return
        if id(value) in self._seen:
            self._write("again", self._seen[id(value)][0])
            return
        self._seen[id(value)] = (len(self._seen), value)
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._write("method")
            self.put(value.__func__)
            self.put(value.__self__)
        elif isinstance(value, functools.partial):
            self._write("partial")
            for part in (value.func, value.args, value.keywords):
                self.put(part)
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, types.ModuleType):
            self._write("module", value.__name__)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, (staticmethod, classmethod)):
            self._write(kind.__name__)
            self.put(value.__func__)
        elif isinstance(value, property):
            self._write("property")
            for part in (value.fget, value.fset, value.fdel):
                self.put(part)
        elif isinstance(value, dict):
            self._write("dict", len(value))
            for key in sorted(value) if all(type(k) is str for k in value) else value:
                self.put(key)
                self.put(value[key])
        elif isinstance(value, (set, frozenset)):
            self._write("set", len(value))
            self._unordered(value)
        elif isinstance(value, (np.ndarray, np.generic)):
            self._write("array", str(value.dtype), np.shape(value))
            if value.dtype.hasobject:
                self.put(value.tolist())
            else:
                self._write(value.tobytes())
        elif isinstance(value, np.dtype):
            self._write("dtype", str(value))
        elif isinstance(value, np.ufunc):
            self._write("ufunc", value.__name__, value.signature)
        elif hasattr(value, "__wrapped__") and callable(value):  # a cache around a function
            self._write("around")
            self.put(value.__wrapped__)
        elif isinstance(value, _BUILTIN):
            self._write("builtin", value.__qualname__, getattr(value, "__module__", None))
            owner = getattr(value, "__self__", None)
            if owner is not None and not isinstance(owner, types.ModuleType):
                self.put(owner)
        else:
            self._object(value)

    def _unordered(self, values: Iterable[Any]) -> None:
        """Elements of a set, in an order that does not depend on where they lie."""
        for part in sorted(values, key=_order):
            self.put(part)

    def _function(self, f: types.FunctionType) -> None:
        if _is_foreign(f.__module__):
            self._write("function", f.__module__, f.__qualname__)
            return
        self._write("function")
        text = _source(f) if self.sources else None
        if text is None:
            self._code(f.__code__)
        else:
            self._write("source", text)
        self.put(f.__defaults__)
        self.put(sorted((f.__kwdefaults__ or {}).items()))
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            self._write("cell", name)
            try:
                self.put(cell.cell_contents)
            except ValueError:  # not filled yet
                self._write("empty")
        if self.package is not None and _is_within(f.__module__, self.package):
            return  # what its modules define is hashed there, and what they have met does not count
        for name, value in _globals(f):
            if self.sources and not _is_beside(f, value):
                continue  # in a record a name stands for the engine's other parts
            self._write("global", name)
            self.put(value)

    def _code(self, code: types.CodeType) -> None:
        self._write(_code_digest(code))

    def _class(self, kind: type) -> None:
        self._write("class", kind.__module__, kind.__qualname__)
        if _is_foreign(kind.__module__):
            return
        for base in kind.__bases__:
            self.put(base)
        text = _source(kind) if self.sources else None
        if text is not None:
            self._write("source", text)
            return
        for name, value in sorted(vars(kind).items()):
            if name not in _OF_PYTHON:
                self._write(name)
                self.put(value)

    def _object(self, value: Any) -> None:
        """An instance: its class, and its state."""
        self._write("object")
        self.put(type(value))
        state = dict(_slots(value))
        state |= getattr(value, "__dict__", {})
        if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
            self._write(value.__qualname__)
        elif state:
            for name, part in sorted(state.items()):
                self._write(name)
                self.put(part)
        elif not self.sources and not _is_plain(type(value)):
            self._write("unknown", id(value))  # which no other has, while this one is kept


_DIGESTS: dict[int, tuple[types.CodeType, str]] = {}


def _code_digest(code: types.CodeType) -> str:
    """The hash of bytecode, names and constants, which do not change."""
    if id(code) not in _DIGESTS:  # code compares by value, which takes longer
        walk = _Walk()
        walk._write(code.co_code, code.co_exceptiontable, code.co_flags, code.co_argcount)
        for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):
            walk._write(*names, len(names))
        for constant in code.co_consts:
            walk.put(constant)
        _DIGESTS[id(code)] = code, walk.digest
    return _DIGESTS[id(code)][1]


def _order(value: Any) -> tuple[str, str]:
    if isinstance(value, (*_ATOMS, tuple)):
        return type(value).__name__, repr(value)
    return type(value).__name__, str(getattr(value, "__qualname__", ""))


def _is_plain(kind: type) -> bool:
    """Whether instances of a class written in Python hold nothing but their attributes."""
    return all(base is object or base.__flags__ & (1 << 9) for base in kind.__mro__)


def _slots(value: Any) -> Iterator[tuple[str, Any]]:
    for kind in type(value).__mro__:
        names = vars(kind).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if hasattr(value, name):
                yield name, getattr(value, name)


def _globals(f: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function's code reads by name: globals, and what it takes from modules among them."""
    names, attributes = _read(f.__code__)
    for name in names:
        if name not in f.__globals__:
            continue
        value = f.__globals__[name]
        yield name, value
        if isinstance(value, types.ModuleType) and not _is_foreign(value.__name__):
            for attribute in attributes:
                if attribute in vars(value):
                    yield f"{name}.{attribute}", vars(value)[attribute]


def _is_beside(f: types.FunctionType, value: Any) -> bool:
    """Whether a global is a helper of a function: one of its own module, or no part of the engine."""
    if isinstance(value, types.FunctionType) and value.__module__ == f.__module__:
        return True
    engine = __name__.split(".")[0]
    if _is_within(f.__module__, engine):
        return isinstance(value, _ATOMS)
    return not _is_within(getattr(value, "__module__", type(value).__module__), engine)


_READ: dict[int, tuple[types.CodeType, tuple[list[str], list[str]]]] = {}


def _read(code: types.CodeType) -> tuple[list[str], list[str]]:
    """Names that code reads as globals, and all others that it names; those of inner functions too."""
    if id(code) not in _READ:  # code compares by value, which takes longer
        found = {i.argval for i in dis.get_instructions(code) if i.opname in _GLOBAL}
        others = set(code.co_names)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                inner, more = _read(constant)
                found.update(inner)
                others.update(more)
        _READ[id(code)] = code, (sorted(found), sorted(others))
    return _READ[id(code)][1]


_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_FOREIGN = frozenset({"numpy", "scipy", "sympy", "mpmath", "flint", *sys.stdlib_module_names})


def _is_foreign(module: Any) -> bool:
    """Whether a module is another project's, which does not change while a process runs."""
    top = module.split(".")[0] if isinstance(module, str) else ""
    return top in _FOREIGN and top != "__main__"


@functools.lru_cache(maxsize=4096)
def _source(value: Any) -> str | None:
    """The text of a function or class; None where there is none, or none that is sure to be its own."""
    code = getattr(value, "__code__", None)
    # Whatever was typed or piped in has one and the same file name.
    if code is not None and code.co_filename.startswith("<"):
        return None
    if code is not None and getattr(value, "__wrapped__", None) is not None:
        return _text_of(code)
    return _text_of(value)


def _text_of(value: Any) -> str | None:
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
