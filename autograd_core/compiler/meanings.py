"""What a call reads: of a function of the user's nothing yet; of one in C what it is handed, by its name."""

from __future__ import annotations

import abc
import functools
import gc
import importlib
import operator
import random
import string
import sys
import types
import weakref
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..frames import library
from ..structure import Structured
from ..tensors import Tensor
from .guards import GONE, PLAIN, Kind, contents, found_in_classes, same_again
from .known import home, is_static, kind_of, of_engine, of_python
from .objects import (
    ARRAYS,
    CONTAINERS,
    GENERATES,
    GENERATORS,
    METHODS_IN_C,
    SUSPENDED,
    fixed,
    hashed,
    made_in_python,
    of_numpy,
    own_attributes,
)
from .reads import Reads, Then

__all__ = ["Calls"]

_ARRAY_FUNCTIONS = (np.ufunc, type(np.sum))  # callables of NumPy that are no functions
_GETTERS = (operator.attrgetter, operator.itemgetter, operator.methodcaller)
_CACHED = functools._lru_cache_wrapper
_NO_READ = frozenset(
    {
        *("__init__", "__setattr__", "__delattr__", "__init_subclass__", "__set__", "__delete__"),
        *("__new__", "__repr__", "__str__", "__format__", "__sizeof__", "__class_getitem__", "__prepare__"),
        *("__instancecheck__", "__subclasscheck__", "__subclasshook__", "__set_name__", "mro"),
    }
)  # fmt: skip
# What gives a view of an array, as a rule: its values are not looked at.
_SHOWN = frozenset(
    {
        *("asarray", "ascontiguousarray", "asanyarray", "atleast_1d", "atleast_2d", "atleast_3d", "reshape"),
        *("broadcast_to", "transpose", "permute_dims", "squeeze", "expand_dims", "moveaxis", "swapaxes", "ravel"),
        *("flip", "flipud", "fliplr", "rollaxis", "matrix_transpose", "view", "diagonal", "rot90"),
        *("shape", "ndim", "size", "result_type", "may_share_memory", "shares_memory", "iscomplexobj"),
        *("ones_like", "zeros_like", "empty_like", "full_like", "setflags", "__array__", "__len__"),
    }
)  # fmt: skip
_OF_KEY = frozenset({"get", "__getitem__", "pop", "setdefault"})
_TEXTS = (repr, format, ascii)
_OF_TEXTS = frozenset({"format", "format_map", "__repr__", "__str__", "__format__"})
_SHALLOW = frozenset({"items", "keys", "values", "copy", "__iter__", "__len__", "__reversed__"})
_WRITES = frozenset(
    {"append", "appendleft", "add", "clear", "discard", "extend", "extendleft", "insert", "update"}
)
_GROWS = frozenset({"append", "appendleft", "extend", "extendleft", "insert"})
_CACHE_INFO = Kind("cache", lambda o, _: o.cache_info())
_LIVES = Kind("weak reference", lambda o, _: weakref.ref.__call__(o) is not None)
_REMEMBERED = Kind("cache", lambda o, was: tuple(o.values())[: len(was)])


class Calls(Reads):
    """Notes what calls read, too."""

    # --- calls ------------------------------------------------------------------------------------

    def _called(self, f: Any, args: list[Any], kwargs: dict[str, Any]) -> Then | None:
        """A call that is about to be made; what is to be done with its result."""
        if is_static(f) or id(f) in self._fixed:
            return lambda result: self._fixed.__setitem__(id(result), result)
        kind = type(f)
        if kind is types.MethodType:
            return self._called(f.__func__, [f.__self__, *args], kwargs)
        if kind is types.FunctionType:
            if library(home(f)):
                return self._called_ours(f, args, kwargs)
            if f is importlib.import_module:
                self._imported(kwargs.get("name", *args[:1]))
            self._explicit = f.__code__
            return self._made if f.__code__.co_flags & GENERATES else None
        if kind is functools.partial or isinstance(f, functools.partial):
            if not self._known(f):
                self._contents(f.keywords)
            return self._called(f.func, [*f.args, *args], {**f.keywords, **kwargs})
        if isinstance(f, _CACHED):
            self._remembered(f)
            return None
        if isinstance(f, type):
            return self._called_class(f, args, kwargs)
        if isinstance(f, (types.BuiltinFunctionType, types.MethodWrapperType)):
            owner = f.__self__
            if (
                owner is None
                or isinstance(owner, types.ModuleType)
                or (
                    isinstance(owner, type)
                    and f.__name__ != "__new__"
                    and not hasattr(type, f.__name__)
                )
            ):
                return self._called_in_c(f, args, kwargs)
            return self._called_method(owner, f.__name__, args, kwargs, f)
        if isinstance(f, METHODS_IN_C) and args:
            return self._called_method(args[0], f.__name__, args[1:], kwargs, f)
        if isinstance(f, _ARRAY_FUNCTIONS):
            return self._called_numpy(f, args, kwargs)
        if isinstance(f, _GETTERS):
            self._got(f, args)
            return None
        call = found_in_classes(kind, "__call__")
        if isinstance(call, types.FunctionType):
            return self._called_ours(call, [f, *args], kwargs) if library(home(call)) else None
        if of_engine(f) or library(kind.__module__) or library(home(f)):
            return self._called_ours(f, args, kwargs)
        if isinstance(f, weakref.ref):
            return self._referred(f)
        if kind_of(kind) == "pure" and callable(f):
            self._deep([*args, *kwargs.values()])
            return self._result_of([*args, *kwargs.values()])
        if kind.__module__ in ("types", "typing"):
            origin = getattr(f, "__origin__", None)  # list[int](…)
            return self._called(origin, args, kwargs) if origin is not None else None
        self._refuse_call(f)
        return None

    def _imported(self, name: Any) -> None:
        """Whether a module is there, and which one."""
        if isinstance(name, str) and name.strip("."):
            found = sys.modules.get(name)
            self.watch.note(Kind.IN, sys.modules, name, name in sys.modules)
            if found is not None:
                self.watch.note(Kind.ITEM, sys.modules, name, found)

    def _referred(self, f: weakref.ref[Any]) -> Then:
        """A weak reference gives one object as long as that lives, which it must not for a guard's sake."""
        o = weakref.ref.__call__(f)
        self.watch.note(_LIVES, f, None, o is not None, quick=False)
        return self.watch.hold_weakly

    def _called_ours(self, f: Any, args: list[Any], kwargs: dict[str, Any]) -> Then | None:
        if (home(f) or "").startswith(("numpy", "scipy")):
            return self._called_numpy(f, args, kwargs)
        return self._handed([*args, *kwargs.values()])

    def _called_numpy(self, f: Any, args: list[Any], kwargs: dict[str, Any]) -> Then | None:
        values = [*args, *kwargs.values()]
        module, name = str(home(f)), str(getattr(f, "__name__", ""))
        if module.startswith("numpy.random") or name == "rvs":
            return self._called_random(f, values)
        if name in ("load", "fromfile", "loadtxt", "genfromtxt", "memmap", "DataSource"):
            self._refuse_call(f)
        if name in _SETTINGS:
            self._asked(_SETTINGS[name])
        handed = list(self._within(values))
        if any(of_engine(o) for o in handed):
            return self._handed(values)
        if name in _SHOWN:
            return self._shown(values)
        self._may_raise()
        self._deep([f, *values])
        return self._result_of(handed)

    def _written_out(self, values: Iterable[Any]) -> None:
        """Values that are made text: of arrays, by NumPy's settings."""
        for o in self._within(values):
            if isinstance(o, (np.ndarray, np.generic, Tensor)):
                self._asked(_printed)

    def _shown(self, values: list[Any]) -> Then:
        """What is expected to be a view of an array; if it is none, its values were looked at."""
        arrays = [o for o in values if isinstance(o, np.ndarray)]
        self._deep([o for o in values if not isinstance(o, np.ndarray)])
        made = self._result_of(values)

        def then(result: Any) -> None:
            for a in arrays:
                if isinstance(result, np.ndarray) and not np.may_share_memory(a, result):
                    self._array(a)
            made(result)

        return then

    def _called_random(self, f: Any, values: list[Any], owner: Any = None) -> Then | None:
        """A new generator with a seed draws the same numbers at each call of the function, too."""
        owner = getattr(f, "__self__", None) if owner is None else owner
        if values and isinstance(values[0], GENERATORS) and not isinstance(f, type):
            owner, values = values[0], values[1:]
        seeded = bool(values) and all(
            (v is not None and not isinstance(v, GENERATORS)) or id(v) in self._inner
            for v in values
        )
        if (isinstance(f, type) or f is np.random.default_rng) and seeded:
            self._deep(values)
            return self._made
        if owner is not None and id(owner) in self._inner:
            self._deep(values)
            return self._result_of(values)
        if isinstance(f, type) or f is np.random.default_rng:
            self._refuse_random("a generator without a seed, made inside")
        else:
            shared = owner is None or owner is np.random.mtrand._rand
            self._refuse_random("numpy.random" if shared else type(owner).__name__)
        return None

    def _remembered(self, f: Any) -> None:
        """A function with a cache: what is in it now decides, as well as what is computed anew."""
        if self._known(f):
            return
        for o in gc.get_referents(f):
            if type(o) is dict and o is not f.__dict__:
                self.watch.note(_REMEMBERED, o, tuple(o.values()), tuple(o.values()), quick=False)

    def _called_class(self, f: type, args: list[Any], kwargs: dict[str, Any]) -> Then | None:
        if f is type and len(args) == 1:
            self._attribute(args[0], "__class__")
            return None
        if f is super:
            return None
        name = f.__module__
        if library(name):
            if name.startswith(("numpy", "scipy")):
                return self._called_numpy(f, args, kwargs)
            then = self._handed([*args, *kwargs.values()])
            if not issubclass(f, Structured):
                return then

            def made(result: Any) -> None:
                then(result)
                self._made(result)

            return made
        if issubclass(f, random.Random) and kind_of(f) != "pure":
            seeded = bool(args) and args[0] is not None
            if f in (random.Random,) and seeded:
                return self._made
            self._refuse_random("a generator without a seed, made inside")
        new: Any = f.__new__
        init: Any = f.__init__  # type: ignore[misc]
        in_c = not isinstance(new, types.FunctionType)
        known = isinstance(new, types.BuiltinFunctionType) and kind_of(new.__self__) == "pure"
        if in_c and not known and kind_of(f) != "pure":
            self._refuse_call(f)
        if f is str:
            self._written_out(args)
        if in_c and (new is not object.__new__ or not isinstance(init, types.FunctionType)):
            self._with_callables(args, kwargs)
            self._deep([*args, *kwargs.values()])
        meta = found_in_classes(type(f), "__call__")
        if (
            in_c
            and meta is type.__dict__["__call__"]
            and not issubclass(f, (tuple, frozenset, type))
        ):
            if f in (map, filter, zip, enumerate, reversed):
                return self._made
            return self._result_of_class
        return None

    def _result_of_class(self, result: Any) -> None:
        if not fixed(result):
            self._made(result)

    def _with_callables(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Functions that a function in C is given to call."""
        for f in (*args, *kwargs.values()):
            if isinstance(f, _GETTERS):
                for values in args:
                    if isinstance(values, CONTAINERS):
                        for value in contents(values):
                            self._got(f, [value])
            elif is_static(f):
                pass
            elif f is str:
                self._written_out([*args, *kwargs.values()])
            elif isinstance(f, (types.BuiltinFunctionType, types.MethodWrapperType)):
                owner = f.__self__
                if f in (getattr, next, vars, globals):
                    self._refuse_call(f)
                if f in _TEXTS:
                    self._written_out([*args, *kwargs.values()])
                if owner is not None and not isinstance(owner, types.ModuleType):
                    self._called_method(owner, f.__name__, [], {}, f)
                elif kind_of(f) not in ("pure", "quiet", "numpy"):
                    self._refuse_call(f)
            elif isinstance(f, (functools.partial, _CACHED)):
                self._called(f, [], {})
            elif isinstance(f, types.MethodType) and library(home(f.__func__)):
                self._handed([f.__self__])

    def _got(self, f: Any, args: list[Any]) -> None:
        """What ``operator.attrgetter`` and its kin read."""
        names = f.__reduce__()[1]
        for o in args[:1]:
            if isinstance(f, operator.itemgetter):
                for name in names:
                    self._item(o, name)
            elif isinstance(f, operator.attrgetter):
                for name in names:
                    value = o
                    for part in name.split("."):
                        self._attribute(value, part)
                        value = getattr(value, part)
            else:
                self._attribute(o, names[0])
                self._called(getattr(o, names[0]), list(names[1:]), {})

    def _called_in_c(self, f: Any, args: list[Any], kwargs: dict[str, Any]) -> Then | None:
        """A function of a module in C."""
        name, values = f.__name__, [*args, *kwargs.values()]
        special = _SPECIAL.get(f)
        if special is not None:
            return special(self, args)
        what = kind_of(f)
        if what == "python":
            what = "pure" if self._in_python() else "unknown"
        if what == "quiet":
            return None
        if what == "asked" and not values:
            self.watch.note(Kind.ANSWER, f, (), f(), quick=False)
            return None
        if what == "numpy":
            return self._called_numpy(f, args, kwargs)
        if what != "pure":
            if (f.__module__ or "").partition(".")[0] in ("random", "_random"):
                self._refuse_random("random")
            self._refuse_call(f)
        self._with_callables(args, kwargs)
        if name in (
            "sum",
            "any",
            "all",
            "max",
            "min",
            "sorted",
            "mul",
            "add",
            "sub",
            "matmul",
            "truediv",
        ):
            handed = list(self._within(values))
            if any(of_engine(o) for o in handed):
                return self._handed(values)
        if name in ("isinstance", "issubclass"):
            if any(isinstance(kind, abc.ABCMeta) for kind in self._within(args[1:])):
                token = abc.get_cache_token()  # another after a class was registered
                self.watch.note(Kind.ANSWER, abc.get_cache_token, (), token, quick=False)
            kind = type(args[0]) if name == "isinstance" else args[0]
            if isinstance(kind, type) and made_in_python(kind) and not library(kind.__module__):
                self._note_attribute(kind, "__mro__", kind.__mro__)
            if name == "isinstance":
                self._attribute(args[0], "__class__")
            return None
        if name == "callable":
            o = args[0]
            if not fixed(o) and not isinstance(o, type):
                method = found_in_classes(type(o), "__call__")
                self.watch.note(Kind.STORED, type(o), "__call__", method)
            return None
        if name in (
            "id",
            "setattr",
            "delattr",
            "is_",
            "is_not",
        ):
            return None
        if name == "__build_class__":
            return self._made
        if f in _TEXTS:
            self._written_out(values)
        self._deep(values)
        return (
            None
            if name in ("reduce", "__import__")
            else self._result_of(list(self._within(values)))
        )

    def _called_method(
        self, o: Any, name: str, args: list[Any], kwargs: dict[str, Any], f: Any
    ) -> Then | None:
        """A method in C of an object, also as a class of Python calls it by super()."""
        values = [*args, *kwargs.values()]
        if isinstance(o, GENERATORS):
            if id(o) in self._inner:
                self._deep(values)
                return self._result_of(values)
            if isinstance(o, random.Random):
                self._refuse_random("random" if o is random._inst else type(o).__name__)
            return self._called_random(f, values, o)
        if name == "__new__":
            return self._made_by_new(o, values)
        if name in ("__getattribute__", "__getattr__") and args:
            if isinstance(args[0], str):
                self._attribute_as_usual(o, args[0])
            return None
        if name in _NO_READ:
            self._deep(values if isinstance(o, CONTAINERS) else ())
            return None
        if isinstance(o, _CACHED) and name == "cache_info":
            self.watch.note(_CACHE_INFO, o, None, o.cache_info(), quick=False)
            return None
        if isinstance(o, ContextVar):
            if name == "get":
                self.watch.note(Kind.ANSWER, ContextVar.get, (o, GONE), o.get(GONE), quick=False)
            return None
        if name == "__get__":
            if args and isinstance(o, (types.MemberDescriptorType, types.GetSetDescriptorType)):
                self._note_attribute(args[0], o.__name__, getattr(args[0], o.__name__, GONE))
            return None
        if name == "__call__":
            if isinstance(o, weakref.ref):
                return self._referred(o)
            return self._called(o, args, kwargs)
        if isinstance(o, np.ufunc):
            return self._called_numpy(f, args, kwargs)
        if isinstance(o, np.ndarray):
            handed = list(self._within(values))
            if any(of_engine(v) for v in handed):
                return self._handed([o, *values])
            if name in _SHOWN:
                return self._shown([o, *values])
            if name == "copy" and self._new_array(o):
                return self._result_of([o])
            self._may_raise()
            self._deep([o, *values])
            return self._result_of([o, *handed])
        if isinstance(o, SUSPENDED):
            self._advanced(o)
            return None
        if name in ("__reduce_ex__", "__reduce__", "__getstate__", "__dir__") and not isinstance(
            o, CONTAINERS
        ):
            own = own_attributes(o)
            if own is not None and not self._known(o):
                self._contents(own)
            return self._result_of([])
        if name in _OF_TEXTS:
            self._written_out([o, *values])
        if isinstance(o, str) and name in ("format", "format_map"):
            self._formatted(o, args, kwargs if name == "format" else args[0])
        if isinstance(o, type):
            if name == "__subclasses__":
                self._refuse_call(f)
            return self._called(o, args, kwargs) if name == "__call__" else None
        if isinstance(o, dict) and args and hashed(args[0]) and name in _OF_KEY:
            self._item(o, args[0])
            return None
        if name == "__contains__" and args:
            self._has(o, args[0])
            return None
        if name == "__next__":
            self._advanced(o)
            return None
        if isinstance(o, (*CONTAINERS, memoryview, *ARRAYS)):
            if name in _WRITES:
                for v in values if name in ("extend", "extendleft", "update") else ():
                    self._iterated(v)
                if name in _GROWS or not all(map(same_again, values)):
                    self._changed(o)
                return None
            self._with_callables(args, kwargs)
            self._contents(o)
            self._deep([*(contents(o) if name not in _SHALLOW else ()), *values])
            return self._result_of([o, *contents(o), *values])
        module = type(o).__module__
        if of_engine(o) or library(module):
            return self._handed([o, *values])
        if fixed(o) or kind_of(type(o)) in ("pure", "numpy", "quiet") or id(o) in self._inner:
            self._deep(values)
            if hasattr(type(o), "__next__"):
                self._advanced(o)
            return self._result_of(values)
        owner = getattr(f, "__objclass__", None)
        if owner is object or owner in (tuple, str, int, float, type, BaseException):
            self._deep(values)
            return None
        if (module, name) in (("_io", "write"), ("_io", "flush")) or module == "_thread":
            return None  # writing is an effect, which happens once
        if isinstance(f, types.MethodWrapperType) and owner is None and made_in_python(type(o)):
            return None  # object's own, of a class of Python
        self._refuse_call(f)
        return None

    def _formatted(self, text: str, args: list[Any], named: Any) -> None:
        """What a format reads: ``"{0.k}"`` and ``"{o[k].a}"``."""
        for _, field, _, _ in string.Formatter().parse(text):
            first, rest = _field_of(field or "")
            parts = list(rest)
            if parts and first != "":
                o = args[first] if isinstance(first, int) else named[first]
            elif parts:
                self.refuse(
                    "it formats by a text with attributes of unnumbered values",
                    "Number them: {0.k}.",
                )
            for attribute, name in parts:
                self._attribute(o, name) if attribute else self._item(o, name)
                o = getattr(o, name) if attribute else o[name]

    def _in_python(self) -> bool:
        """Whether the frame that is followed is of Python's own library."""
        return self._frame is not None and of_python(self._frame.code)

    def _attribute_as_usual(self, o: Any, name: str) -> None:
        """What ``object.__getattribute__`` finds, for a class that overrides it."""
        if self._known(o):
            return
        own, found = (
            own_attributes(o),
            found_in_classes(o if isinstance(o, type) else type(o), name),
        )
        if hasattr(type(found), "__set__"):
            self._found_in_class(type(o), o, name, found)
        elif own is not None and name in own:
            self.watch.note(Kind.ITEM, own, name, own[name])
        else:
            self.watch.note(Kind.STORED, o, name, found)

    def _made_by_new(self, kind: Any, values: list[Any]) -> Then | None:
        self._deep([v for v in values if not isinstance(v, type)])
        if isinstance(kind, type) and issubclass(kind, (tuple, frozenset, *PLAIN[:6])):
            return None
        return self._result_of_class

    # --- functions of Python's own that are more than pure ----------------------------------------

    def _getattr(self, args: list[Any]) -> Then | None:
        return self._attribute(args[0], args[1]) if isinstance(args[1], str) else None

    def _vars(self, args: list[Any]) -> None:
        if not args:
            return
        self._attribute(args[0], "__dict__")

    def _dir(self, args: list[Any]) -> Then | None:
        if args and not self._known(args[0]):
            self._contents(getattr(args[0], "__dict__", ()))
        return self._made

    def _next(self, args: list[Any]) -> Then | None:
        self._advanced(args[0]) if hasattr(type(args[0]), "__next__") else None
        return self._fixed_too(args[0])

    def _iter(self, args: list[Any]) -> Then | None:
        if len(args) == 1:
            return self._iterated(args[0])
        self._called(args[0], [], {})  # until it gives a value
        return self._made

    def _len(self, args: list[Any]) -> None:
        o = args[0]
        if isinstance(o, np.ndarray):
            self._attribute_of_array(o, "shape")
        elif isinstance(o, (*CONTAINERS, memoryview, *ARRAYS)):
            self._contents(o)
        elif of_numpy(o):
            self._deep([o])

    def _nothing(self, args: list[Any]) -> None:
        pass

    def _namespace(self, args: list[Any]) -> None:
        pass  # a dict that is looked into as any other


_SPECIAL: dict[Any, Callable[[Calls, list[Any]], Then | None]] = {
    getattr: Calls._getattr,
    hasattr: Calls._getattr,
    vars: Calls._vars,
    dir: Calls._dir,
    next: Calls._next,
    iter: Calls._iter,
    len: Calls._len,
    globals: Calls._namespace,
    locals: Calls._namespace,
    setattr: Calls._nothing,
    delattr: Calls._getattr,
}


def _printed() -> str:
    return repr(np.get_printoptions())


def _of_errors() -> str:
    return repr((np.geterr(), np.geterrcall(), np.getbufsize()))


def _field_of(field: str) -> tuple[Any, Any]:
    """The parts of ``0.k[a]``, as `str.format` reads it."""
    return importlib.import_module("_string").formatter_field_name_split(field)


_SETTINGS = {
    **dict.fromkeys(("array2string", "array_repr", "array_str", "get_printoptions"), _printed),
    **dict.fromkeys(("format_float_positional", "format_float_scientific"), _printed),
    **dict.fromkeys(("geterr", "geterrcall", "getbufsize"), _of_errors),
}
