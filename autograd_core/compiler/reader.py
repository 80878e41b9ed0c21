"""What a function reads while it runs: followed instruction by instruction, and noted.

A tracer stops before each instruction of the user's code and of Python's own, looks at the operands
on the stack (`frames`), and notes in a `Watch` what the instruction is about to read of an object
that was there before: a global, a cell, an attribute, an entry, the contents of what is handed to a
function in C. The path that was run depends on nothing else, so if all of that is the same, so is the
result. What cannot be followed is refused by name.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import gc
import importlib
import inspect
import keyword
import operator
import random
import string
import sys
import types
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..context import Capture, Structured
from ..errors import CaptureError
from ..tensors import Tensor
from .frames import function_of, opcodes_traced, slot, variables
from .guards import GONE, PLAIN, Kind, Watch, contents, found_in_classes, same_again
from .instructions import Followed
from .known import QUIET, home, is_static, kind_of, library, of_engine, of_python

__all__ = ["Reader"]

_ENTRIES = 100  # that are watched one by one
_LARGEST = 1 << 24  # bytes of an array that are compared at every call

# Classes in C whose attributes are looked up like any others.
_AS_USUAL = tuple(
    k.__getattribute__
    for k in (
        object,
        dict,
        list,
        tuple,
        set,
        frozenset,
        int,
        float,
        str,
        bytes,
        deque,
        BaseException,
    )
)
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_CONTAINERS = (list, tuple, dict, set, frozenset, deque, bytearray, types.MappingProxyType, *_VIEWS)
_GENERATORS = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
_SUSPENDED = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_METHODS_IN_C = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)  # fmt: skip
_ARRAY_FUNCTIONS = (np.ufunc, type(np.sum))  # callables of NumPy that are no functions
_GETTERS = (operator.attrgetter, operator.itemgetter, operator.methodcaller)
_CACHED = functools._lru_cache_wrapper
_FIXED = frozenset((*PLAIN, types.CodeType, types.BuiltinFunctionType, types.FrameType, type(Ellipsis), type(NotImplemented)))  # fmt: skip
_PASSED = _FIXED | {Tensor}  # of which an operator reads nothing that is noted, and gives the like
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
_MADE = (list, dict, set, bytearray, deque)
_GENERATES = 0x20 | 0x80 | 0x200  # flags of code that makes a generator or the like

Then = Callable[[Any], None]


class Reader:
    """Runs a function and notes what it reads.

    Parameters
    ----------
    title : str
        What errors call the function.

    Attributes
    ----------
    watch : Watch
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.watch = Watch()
        self.refusal: CaptureError | None = None
        self._inner: dict[int, Any] = {}  # made since it began; held, so that ids stay theirs
        self._fixed: dict[int, Any] = {}  # reached through what was declared fixed
        self._drawn: dict[
            int, tuple[Any, Any]
        ] = {}  # generators that ours were given, their states
        self._ours: dict[int, types.CodeType] = {}  # code that is not looked into
        self._muted: types.FrameType | None = None
        self._entries: dict[int, int] = {}  # how many of a container's were read, by its id
        self._before: dict[int, tuple[Any, tuple[Any, ...]]] = {}  # contents of what was changed
        self._suppressing = False  # whether a context may have swallowed an error
        self._written: dict[tuple[int, str], Any] = {}  # attributes set since it began; held
        self._classes: set[type] = set()  # of objects with a structure
        self._explicit: types.CodeType | None = None
        self._suspended: list[types.FrameType] = []
        self._frame: Followed | None = None

    # --- running ----------------------------------------------------------------------------------

    def run(self, function: Callable[..., Any], args: Any, kwargs: Any, capture: Capture) -> Any:
        """What the function returns.

        Raises
        ------
        CaptureError
            If it depends on something that cannot be watched.
        """
        self.capture = capture
        self._nest((args, kwargs))
        before, collecting = sys.gettrace(), gc.isenabled()
        self._other = before
        self._tracer: Any = self._entered
        shared = np.random.get_state(legacy=False), random.getstate()  # noqa: NPY002 - to look after it
        gc.disable()  # what others left behind is not ours to follow
        opcodes_traced()
        try:
            self._called(function, list(args), kwargs)
            sys.settrace(self._tracer)
            result = function(*args, **kwargs)
            if self.refusal is None and sys.gettrace() is not self._tracer:
                self.refuse(
                    "another tracer, as of a debugger, was set while it ran", "Set it before."
                )
        except BaseException:
            if self.refusal is not None:
                raise self.refusal from None
            raise
        finally:
            sys.settrace(before)
            if collecting:
                gc.enable()
            self._frame = None
            # What they hold would else live until garbage is collected.
            self._tracer = None
            while self._suspended:
                _left_alone(self._suspended.pop())
            self._check_drawn(shared)
        if self.refusal is not None:
            raise self.refusal
        list(self._within([result]))  # containers that were there before
        self._check_ended()
        for held in (self._inner, self._written, self._before, self._fixed):
            held.clear()
        if self.watch.weakly:
            gc.collect(0)  # frames that were followed hold one another from Python 3.13 on
        return result

    def _nest(self, tree: Any) -> None:
        """The containers of the arguments are made anew for each call."""
        self._made(tree)
        for part in tree.values() if isinstance(tree, dict) else tree:
            if isinstance(part, (list, tuple, dict)):
                self._nest(part)

    def _check_drawn(self, shared: tuple[Any, Any]) -> None:
        """Refuse what was drawn from generators that ours were handed, and put them back."""
        drawn = []
        for generator, before in self._drawn.values():
            if not _same_state(_state(generator), before):
                drawn.append(type(generator).__name__)
                _put_back(generator, before)
        numpy, python = shared
        if not _same_state(np.random.get_state(legacy=False), numpy):  # noqa: NPY002
            drawn.append("numpy.random")
            np.random.set_state(numpy)  # noqa: NPY002 - to look after it
        if random.getstate() != python:
            drawn.append("random")
            random.setstate(python)
        if drawn and self.refusal is None:
            with contextlib.suppress(CaptureError):
                self._refuse_random(", ".join(drawn), here=False)

    # --- refusing ---------------------------------------------------------------------------------

    def refuse(self, what: str, remedy: str, here: bool = True) -> None:
        """Raise a CaptureError, now and, should that be swallowed, at the end."""
        where = f", at {self._frame.line()}" if here and self._frame is not None else ""
        self.refusal = CaptureError(
            f"jit of {self.title}: {what}{where}. Expected a function whose result depends on its "
            f"arguments and on what can be watched. {remedy}"
        )
        raise self.refusal

    def _refuse_random(self, name: str, here: bool = True) -> None:
        self.refuse(
            f"random numbers were drawn from {name}, which would be the same numbers at every run",
            "Draw them outside, and pass them as an argument; or use ag.random_bits (as in nn.Dropout), "
            "whose key and counter are arrays.",
            here,
        )

    def _refuse_call(self, function: Any) -> None:
        name = _named(function)
        self.refuse(
            f"it calls {name}, and what that depends on is not known",
            "Call it outside, and pass what it gives as an argument; or, if it gives the same for the same "
            f"arguments, declare it fixed: ag.static({name.removeprefix('builtins.')}).",
        )

    # --- the tracer -------------------------------------------------------------------------------

    def _entered(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        """Called for each new frame: what looks at its instructions, or None."""
        code = frame.f_code
        if self._other is None and id(code) in self._ours:
            self._explicit = None
            return None
        other = None
        if self._other is not None:  # a debugger's, or one that measures coverage
            other = self._other(frame, event, arg)  # type: ignore[arg-type]
            if sys.gettrace() is not self._tracer:
                sys.settrace(self._tracer)
        if self._muted is not None:
            return other
        module = frame.f_globals.get("__name__", "")
        if library(module):
            self._explicit = None
            if not self._of_structured(frame, code):
                self._ours[id(code)] = code
            return other
        if module.partition(".")[0] in QUIET or (module == "logging" and code.co_name in _LOGGING):
            self._muted = frame
            return _Muted(self, other).event
        if of_python(code) and not self._follows(frame.f_back):
            return other  # called by ours
        function = function_of(frame)
        if is_static(function):
            self._muted = frame
            return _Muted(self, other).event
        inside = Followed(self, frame, other)
        outer, self._frame = self._frame, inside
        try:
            self._begin(frame, code, function)
        except CaptureError:
            raise
        except Exception as error:  # noqa: BLE001 - what is not followed is refused
            self._broken(error)
        inside.caller = outer
        frame.f_trace = inside.event  # Python 3.13 wants it there when instructions are asked for
        frame.f_trace_opcodes = True
        if code.co_flags & _GENERATES:
            self._suspended.append(frame)
        return inside.event

    def _of_structured(self, frame: types.FrameType, code: types.CodeType) -> bool:
        """Whether code of ours is a method of what has a structure, which is noted before it runs.

        What our code reads is not watched one by one.
        """
        first = slot(frame, 0) if code.co_argcount else None
        if type(first) is types.CellType:
            first = first.cell_contents
        if not isinstance(first, Structured):
            return False
        new = code.co_name == "__init__" and not isinstance(type(first).__new__, types.FunctionType)
        if new and not self.watch.knows(first):
            self._made(first)
        self._met(first)
        return True

    def _follows(self, frame: types.FrameType | None) -> bool:
        """Whether a frame is one that is followed, or where it began."""
        if frame is None:
            return False
        inside = getattr(frame.f_trace, "__self__", None)
        return isinstance(inside, Followed) or frame.f_code is Reader.run.__code__

    def _broken(self, error: Exception) -> None:
        self.refuse(
            f"what it reads cannot be followed ({type(error).__name__}: {error})",
            "Compute that part outside, and pass the result as an argument.",
        )

    def _begin(self, frame: types.FrameType, code: types.CodeType, function: Any) -> None:
        """Note what a call itself reads: which function it is, and its defaults."""
        explicit, self._explicit = self._explicit is code, None
        for place in range(variables(code) - len(code.co_freevars)) if code.co_cellvars else ():
            if type(cell := slot(frame, place)) is types.CellType:
                self._made(cell)
        if code.co_flags & inspect.CO_VARKEYWORDS:
            place = (
                code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)
            )
            self._made(slot(frame, place))  # of this call
        if type(function) is not types.FunctionType or function.__code__ is not code:
            return
        first = slot(frame, 0) if code.co_argcount else None
        if type(first) is types.CellType:
            first = first.cell_contents
        if not explicit and first is not None:
            if code.co_name == "__init__" and not isinstance(
                type(first).__new__, types.FunctionType
            ):
                self._made(
                    first
                )  # by a call of its class (a __new__ of its own may give an old one)
            self._looked_up(first, function)
        if id(function) in self._inner or of_python(code):
            return
        self.watch.note(Kind.ATTRIBUTE, function, "__code__", code)
        if function.__defaults__:
            self.watch.note(Kind.ATTRIBUTE, function, "__defaults__", function.__defaults__)
        if function.__kwdefaults__:
            self.watch.note(Kind.ATTRIBUTE, function, "__kwdefaults__", function.__kwdefaults__)
            self._contents(function.__kwdefaults__)

    def _looked_up(self, o: Any, function: Any) -> None:
        """A method that an operator, a function in C or one of ours has looked up in a class."""
        kind = o if isinstance(o, type) else type(o)
        for one in kind.__mro__:
            if library(one.__module__):
                break
            for name, value in one.__dict__.items() if not self._known(one) else ():
                if value is function and getattr(kind, name, None) is function:
                    self.watch.note(Kind.ATTRIBUTE, kind, name, function)

    # --- what was there before --------------------------------------------------------------------

    def _made(self, o: Any) -> None:
        """Remember what is new. It is held, so that its id stays its own; not so that it cannot end."""
        key, inner = id(o), self._inner
        if _made_in_python(type(o)) and type(o).__weakrefoffset__:
            inner[key] = weakref.ref(o, lambda _: inner.pop(key, None))
        else:
            inner[key] = o

    def _check_ended(self) -> None:
        """Refuse what ended later than it would have, and says by ``__del__`` that this matters."""
        for o in [o() for o in self._inner.values() if type(o) is weakref.ref]:
            if type(found_in_classes(type(o), "__del__")) is types.FunctionType and any(
                id(held) in self._inner for held in gc.get_referrers(o)
            ):
                self.refuse(
                    f"it makes {_the(type(o))}, which has __del__, and keeps it in a container: when it ends "
                    "is not known",
                    "End it outside, or keep it in a variable.",
                    here=False,
                )

    def _known(self, o: Any) -> bool:
        """Whether nothing of an object is to be watched: it is new, or declared fixed."""
        key = id(o)
        return key in self._inner or key in self._fixed or is_static(o)

    def _fixed_too(self, o: Any) -> Then | None:
        """Of an object that is declared fixed: what is done with what is reached through it."""
        if id(o) in self._fixed or is_static(o):
            return lambda result: self._fixed.__setitem__(id(result), result)
        return None

    def _new_array(self, a: Any) -> bool:
        """Whether the memory of an array is new, fixed or read-only."""
        while True:
            if self._known(a):
                return True
            base: Any = a.base
            if not isinstance(base, np.ndarray):
                return not a.flags.writeable and (base is None or isinstance(base, bytes))
            a = base

    # --- reads ------------------------------------------------------------------------------------

    def _item(self, o: Any, key: Any) -> None:
        """An entry of a container."""
        if self._known(o):
            return
        if id(o) in self._before:
            self._contents(o)
        elif isinstance(o, (dict, list, deque, np.ndarray)):
            count = self._entries[id(o)] = self._entries.get(id(o), 0) + 1
            if count > _ENTRIES:  # as a whole instead
                self._deep([o] if isinstance(o, np.ndarray) else ())
                self._contents(o)
                return
        if isinstance(o, np.ndarray):
            self._element(o, key)
        elif isinstance(o, (str, bytes, range)) or o is None:
            pass
        elif isinstance(o, dict):
            if not _hashed(key):
                self._contents(o)
            elif dict.__contains__(o, key):
                own = type(o).__getitem__ is dict.__getitem__
                value = dict.__getitem__(o, key)
                self.watch.note(Kind.ITEM if own else _ENTRY, o, key, value)
            else:
                self._has(o, key)
        elif type(o) in (list, tuple, deque) and type(key) in (int, bool):
            if type(o) is not tuple and -len(o) <= key < len(o):
                self.watch.note(Kind.ITEM, o, key, o[key])
            elif type(o) is not tuple:
                self._contents(o)
        elif isinstance(o, _CONTAINERS):
            self._contents(o)
            self._deep([key])
        elif isinstance(o, (memoryview, *_ARRAYS)):
            self._contents(o)
        elif isinstance(o, np.void):
            self._array(o)
        elif of_engine(o) or library(type(o).__module__):
            if type(o) is Tensor or isinstance(o, np.generic):
                self._handed([o, key])
            else:
                with contextlib.suppress(Exception):
                    value = o[key]
                    if isinstance(value, PLAIN):
                        self.watch.note(Kind.ANSWER, operator.getitem, (o, key), value)
        elif (
            isinstance(o, type)
            or type(found_in_classes(type(o), "__getitem__")) is types.FunctionType
        ):
            pass  # list[int]; or a frame of its own
        else:
            self._unknown_object(o, f"entries of {_the(type(o))}")

    def _element(self, a: np.ndarray[Any, Any], key: Any) -> None:
        parts = key if type(key) is tuple else (key,)
        if any(isinstance(p, Tensor) for p in parts):
            self._handed([a, *parts])
            return
        self._deep(parts)
        if self._new_array(a):
            return
        if a.dtype.names is not None:
            self._array(a)  # what it gives is a view of it
        elif all(type(p) in (int, np.intp) for p in parts) and len(parts) == a.ndim:
            with contextlib.suppress(IndexError):
                self.watch.note(Kind.ITEM, a, key, a[key], quick=False)
        elif any(isinstance(p, (np.ndarray, list, bool, np.bool_)) for p in parts):
            self._array(a)

    def _has(self, o: Any, key: Any) -> None:
        """Whether a key is in a mapping or a set."""
        if self._known(o):
            return
        if isinstance(o, (dict, set, frozenset, types.MappingProxyType)) and _hashed(key):
            if not isinstance(o, frozenset):
                self.watch.note(Kind.IN, o, key, key in o)
        else:
            self._deep([o, key])

    def _attribute(self, o: Any, name: str) -> Then | None:
        """An attribute, as Python finds it."""
        kind = type(o)
        if kind is super:
            self._attribute_above(o.__thisclass__, o.__self__, o.__self_class__, name)
            return None
        if _fixed(o):
            return None
        if self._known(o):
            if id(o) in self._inner and not isinstance(o, (type, types.ModuleType)):
                own = _own(o)  # what its class says was there before
                if not of_engine(o) and (own is None or name not in own) and _made_in_python(kind):
                    self._attribute_of_class(kind, name)
            return self._fixed_too(o)
        if kind is Tensor:
            if name in ("requires_grad", "name", "role"):
                self.watch.note(Kind.ATTRIBUTE, o, name, getattr(o, name))
        elif isinstance(o, np.ndarray):
            if not library(kind.__module__) and self._users(kind, name):
                self._attribute_of_object(o, name)
            else:
                self._attribute_of_array(o, name)
        elif isinstance(o, np.void):
            self._array(o)
        elif isinstance(o, types.ModuleType):
            if library(o.__name__):
                pass  # our own code, and NumPy's, is taken as it is
            elif name in o.__dict__:
                self._note_attribute(o, name, o.__dict__[name])
            else:
                self.watch.note(Kind.IN, o.__dict__, name, False)
        elif isinstance(o, type):
            self._attribute_of_class(o, name)
        elif kind is types.MethodType:
            if name not in ("__func__", "__self__"):
                self._attribute(o.__func__, name)
        else:
            self._attribute_of_object(o, name)
        return None

    def _note_attribute(self, o: Any, name: str, value: Any, kind: Kind = Kind.ATTRIBUTE) -> None:
        if self._known(o):
            return
        self._met(value)
        quick = name.isidentifier() and not keyword.iskeyword(name)
        self.watch.note(kind, o, name, value, quick)

    def _met(self, value: Any) -> None:
        """Remember the state of a generator of random numbers, the structure of a module."""
        if isinstance(value, _GENERATORS) and id(value) not in self._inner:
            self._drawn.setdefault(id(value), (value, _state(value)))
        elif isinstance(value, Structured) and not self._known(value):
            self.watch.note_structure(value)
            self._note_class(type(value))

    def _note_class(self, kind: type) -> None:
        """What a class of the user's may say in the place of ours, where methods of ours may ask for it."""
        if kind in self._classes:
            return
        self._classes.add(kind)
        ours = [one for one in kind.__mro__ if library(one.__module__)]
        if (
            kind in ours or "__structure__" in ours[0].__dict__
        ):  # whose methods ask for nothing else
            return
        for name in {n: None for one in ours for n, v in vars(one).items() if isinstance(v, PLAIN)}:
            if not name.startswith("__"):
                self._note_attribute(kind, name, getattr(kind, name))

    def _attribute_of_array(self, a: np.ndarray[Any, Any], name: str) -> None:
        if name in ("shape", "dtype", "ndim", "size", "strides", "itemsize", "nbytes"):
            if not self._new_array(a):
                self.watch.note(Kind.ATTRIBUTE, a, name, getattr(a, name), quick=False)
        elif name in ("T", "mT", "real", "imag", "base") or callable(getattr(a, name, None)):
            pass  # a view; a method
        else:
            self._array(a)

    def _attribute_of_class(self, o: type, name: str) -> None:
        if self._known(o) or library(o.__module__):
            return
        meta = found_in_classes(type(o), name)
        found = found_in_classes(o, name)
        if meta is not GONE and (found is GONE or hasattr(type(meta), "__set__")):
            if isinstance(meta, (types.GetSetDescriptorType, types.MemberDescriptorType)):
                if name in ("__name__", "__qualname__", "__module__", "__bases__", "__doc__"):
                    self.watch.note(Kind.ATTRIBUTE, o, name, getattr(o, name), quick=False)
            elif not isinstance(meta, _METHODS_IN_C):
                self._found_in_class(type(o), o, name, meta)
        elif found is GONE:
            self.watch.note(Kind.STORED, o, name, GONE)
        elif isinstance(found, (types.FunctionType, staticmethod)) or not hasattr(
            type(found), "__get__"
        ):
            where = next(k for k in o.__mro__ if name in k.__dict__)
            if self._known(where) or library(where.__module__):
                return
            value = found.__func__ if isinstance(found, staticmethod) else found
            self._note_attribute(o, name, value)
        elif isinstance(found, classmethod) and isinstance(found.__func__, types.FunctionType):
            self._note_attribute(o, name, found.__func__, Kind.METHOD)
        elif not isinstance(found, _METHODS_IN_C):
            self.watch.note(Kind.STORED, o, name, found)

    def _attribute_of_object(self, o: Any, name: str) -> None:
        kind = type(o)
        ours = of_engine(o) or library(kind.__module__)
        if ours and not of_engine(o):
            self._plain_of_ours(o, name)  # NumPy's own
            return
        looked = found_in_classes(kind, "__getattribute__")
        found = found_in_classes(kind, name)
        if type(looked) is types.FunctionType and not ours:
            return  # a frame of its own
        own = _own(o)
        if hasattr(type(found), "__set__") and not isinstance(found, type):
            if isinstance(found, types.MemberDescriptorType):
                self._note_attribute(o, name, getattr(o, name, GONE))
            elif isinstance(found, types.GetSetDescriptorType):
                if name == "__class__":
                    self._note_attribute(o, name, kind)
                elif name == "__dict__":
                    self._note_attribute(o, name, own)
                elif name != "__weakref__" and not ours:
                    self._computed(o, name)
            elif ours and not self._users(kind, name):
                self._plain_of_ours(o, name)
            else:
                self._found_in_class(kind, o, name, found)
        elif own is not None and name in own:
            if (id(o), name) in self._written:
                return
            if _registers(kind) and name in o._registry:
                self._met(o)  # which counts when that changes
            elif ours and not _registers(kind):
                self._plain_of_ours(o, name)
            else:
                self._note_attribute(o, name, own[name])
        elif looked not in _AS_USUAL and looked is not GONE and not ours:
            self._computed(o, name)
        elif found is not GONE:
            if not ours or self._users(kind, name):
                self._found_in_class(kind, o, name, found)
        elif not ours:
            self.watch.note(Kind.STORED, o, name, GONE)
            asked = found_in_classes(kind, "__getattr__")
            if asked is not GONE and not isinstance(asked, types.FunctionType):
                self._computed(o, name)  # by code in C

    def _users(self, kind: type, name: str) -> bool:
        """Whether the user's own class, of those of an object, says what a name means."""
        where = next((k for k in kind.__mro__ if name in k.__dict__), object)
        return not library(where.__module__)

    def _plain_of_ours(self, o: Any, name: str) -> None:
        with contextlib.suppress(Exception):
            value = getattr(o, name)
            if isinstance(value, PLAIN):
                self.watch.note(Kind.ATTRIBUTE, o, name, value, quick=False)

    def _found_in_class(self, kind: type, o: Any, name: str, found: Any) -> None:
        """What the class of an object says: a method, a property, a value."""
        if isinstance(found, types.FunctionType):
            self._note_attribute(o, name, found, Kind.METHOD)
        elif isinstance(found, classmethod) and isinstance(found.__func__, types.FunctionType):
            self._note_attribute(o, name, found.__func__, Kind.METHOD)
        elif isinstance(found, staticmethod):
            self._note_attribute(o, name, found.__func__)
        elif isinstance(found, property):
            self.watch.note(Kind.ATTRIBUTE, kind, name, found)
            if not isinstance(found.fget, types.FunctionType) and found.fget is not None:
                self._called(found.fget, [o], {})
        elif type(found).__module__ == "_collections" and type(found).__name__ == "_tuplegetter":
            pass  # of a tuple, which does not change
        elif isinstance(found, (*_METHODS_IN_C, types.BuiltinFunctionType)):
            if not self._builtin_class(kind, name):
                self.watch.note(Kind.STORED, o, name, found)
        elif hasattr(type(found), "__get__"):
            self.watch.note(Kind.STORED, o, name, found)
            if not isinstance(found_in_classes(type(found), "__get__"), types.FunctionType):
                self._computed(o, name)
        else:
            self._note_attribute(o, name, found)

    def _builtin_class(self, kind: type, name: str) -> bool:
        return kind_of(kind) in ("pure", "numpy")

    def _computed(self, o: Any, name: str) -> None:
        """An attribute that code in C gives: asked again, where it gives the same twice."""
        try:
            one, two = getattr(o, name), getattr(o, name)
        except AttributeError:
            self.watch.note(Kind.ATTRIBUTE, o, name, GONE)
            return
        if one is two:
            self._note_attribute(o, name, one)
        elif isinstance(
            one, (types.BuiltinFunctionType, types.MethodWrapperType, types.MethodType)
        ):
            pass  # a method, which is looked at when it is called
        elif isinstance(one, (*PLAIN, tuple)) and type(one) is type(two) and repr(one) == repr(two):
            self.watch.note(Kind.ATTRIBUTE, o, name, one, quick=False)
        else:
            self._unknown_object(o, f"attribute {name!r} of {_the(type(o))}")

    def _attribute_above(self, this: type, o: Any, kind: type, name: str) -> None:
        """``super().name``: from the classes after one."""
        mro = kind.__mro__
        above = mro[mro.index(this) + 1 :]
        found = next((k.__dict__[name] for k in above if name in k.__dict__), GONE)
        where = next((k for k in above if name in k.__dict__), object)
        if found is not GONE and not isinstance(found, (*_METHODS_IN_C, types.BuiltinFunctionType)):
            if library(where.__module__) and not isinstance(found, types.FunctionType):
                return
            self.watch.note(_ABOVE, (this, kind), name, found, quick=False)
            if isinstance(found, property) and not isinstance(found.fget, types.FunctionType):
                self._called(found.fget, [o], {})

    def _set(self, o: Any, name: str) -> Then | None:
        """An attribute that the function itself sets: what it reads of it from then on is its own."""
        kind = type(o)
        plain: Any = kind.__setattr__  # not one of the user's, which may refuse
        if plain is not object.__setattr__ and not (_registers(kind) and library(home(plain))):
            return None
        if hasattr(type(found_in_classes(kind, name)), "__set__") or type(_own(o)) is not dict:
            return None
        if id(o) in self._inner:
            return None
        return lambda _: self._written.__setitem__((id(o), name), o)

    def _changed(self, o: Any) -> None:
        """A container that is about to be changed by more than what a second time would leave as it is.

        That reads nothing yet; but what is read of it later is read of what it was before.
        """
        if (
            isinstance(o, (*_CONTAINERS, *_ARRAYS))
            and not self._known(o)
            and id(o) not in self._before
        ):
            self._before[id(o)] = o, contents(o)

    # --- whole values -----------------------------------------------------------------------------

    def _contents(self, o: Any) -> None:
        """All entries of a container, as objects."""
        if self._known(o) or type(o) in (tuple, frozenset, str, bytes, range):
            return
        if isinstance(o, (np.ndarray, np.void)):
            self._array(o)
        elif isinstance(o, (*_CONTAINERS, memoryview, *_ARRAYS)):
            before = self._before.get(id(o))
            self.watch.note(Kind.CONTENTS, o, None, contents(o) if before is None else before[1])

    def _array(self, a: Any) -> None:
        """The values of an array, or of a record, which is a view of one."""
        if self._new_array(a):
            return
        if a.dtype.hasobject:
            self.watch.note(Kind.CONTENTS, a, None, contents(a))
        elif a.nbytes > _LARGEST:
            self.refuse(
                f"it computes with the values of an array of {a.nbytes:,} bytes, which are too many to "
                "compare at every call",
                "Pass it as an argument; or, if it stays as it is, write-protect it "
                "(a.flags.writeable = False) or declare it fixed: ag.static(a).",
            )
        else:
            self.watch.note(Kind.MEMORY, a, None, (a.shape, a.dtype, a.tobytes()))

    def _within(self, values: Iterable[Any]) -> Iterator[Any]:
        """All values, those in containers too; the contents of the containers are noted."""
        waiting, seen = list(values), set()
        while waiting:
            o = waiting.pop()
            if _fixed(o) or id(o) in seen:
                continue
            seen.add(id(o))
            if isinstance(o, _CONTAINERS):
                self._contents(o)
                if id(o) not in self._fixed and not is_static(o):
                    waiting.extend(contents(o))
            elif isinstance(o, np.ndarray):
                if o.dtype.hasobject and o.dtype.names is None:
                    waiting.extend(o.ravel().tolist())
            elif _of_numpy(o) and (own := _own(o)) is not None and not self._known(o):
                self._contents(own)
                waiting.extend(own.values())
            yield o

    def _deep(self, values: Iterable[Any]) -> None:
        """Values that are looked at as a whole, as by a function in C."""
        for o in self._within(values):
            if isinstance(o, (np.ndarray, np.void)):
                self._array(o)
            elif isinstance(o, (memoryview, *_ARRAYS)):
                self._contents(o)
            elif hasattr(type(o), "__next__"):
                self._advanced(o)
            elif type(o).__module__ == "decimal":
                self._precision()
            else:
                self._met(o)

    def _precision(self) -> None:
        """The context that decimal numbers are computed in."""
        import decimal

        context = decimal.getcontext()
        self.watch.note(Kind.ANSWER, decimal.getcontext, (), context, quick=False)
        for name in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp"):
            self.watch.note(Kind.ATTRIBUTE, context, name, getattr(context, name), quick=False)
        self._asked(_traps)

    def _advanced(self, o: Any) -> None:
        """An iterator that is about to be used up."""
        if id(o) in self._inner or isinstance(
            found_in_classes(type(o), "__next__"), types.FunctionType
        ):
            return
        if type(o).__name__ == "_grouper" and any(
            id(r) in self._inner for r in gc.get_referents(o)
        ):
            return  # of an itertools.groupby that was made inside
        if of_engine(o) or library(type(o).__module__):
            return
        self.refuse(
            f"it takes values from {_the(type(o))} that was made outside, which each call would find further on",
            "Make the iterator inside, or pass what it gives as an argument.",
        )

    def _handed(self, values: list[Any]) -> Then:
        """Values that ours are given: arrays become operands, whose memory is read at every run.

        An array that does not was looked at for its values.
        """
        arrays = []
        for o in self._within(v for v in values if type(v) not in _PASSED):
            if isinstance(o, np.ndarray):
                if not self._new_array(o):
                    arrays.append(o)
            elif hasattr(type(o), "__next__"):
                self._advanced(o)
            else:
                self._met(o)
        held = self.capture.held
        for a in arrays:
            held.pop(id(a), None)
        given = set(map(id, values))

        def then(result: Any) -> None:
            for a in arrays:
                if id(a) not in held:
                    self._array(a)
            if (
                id(result) not in given
                and _unstarted(result)
                and library(result.gi_frame.f_globals["__name__"])
            ):
                self._made(result)

        return then

    def _iterated(self, o: Any) -> Then | None:
        """What is gone through."""
        if id(o) in self._fixed or is_static(o):
            return self._fixed_too(o)
        if isinstance(o, (*_CONTAINERS, np.ndarray, np.void, memoryview, *_ARRAYS)):
            if type(found_in_classes(type(o), "__iter__")) is not types.FunctionType:
                self._contents(o)
        elif hasattr(type(o), "__next__"):
            self._advanced(o)
            return None
        return self._made_iterator(o)

    def _made_iterator(self, o: Any) -> Then:
        way = found_in_classes(type(o), "__iter__")
        if isinstance(way, types.FunctionType) and not (
            way.__code__.co_flags & _GENERATES or library(home(way))
        ):
            return _nothing_known  # it may give one that it holds

        def then(result: Any) -> None:
            if result is not o and (not isinstance(result, _SUSPENDED) or _unstarted(result)):
                self._made(result)

        return then

    def _true(self, o: Any) -> None:
        """Whether a value is true."""
        if isinstance(o, (*_CONTAINERS, np.ndarray, memoryview, *_ARRAYS)):
            self._contents(o)
        elif not _fixed(o) and not self._known(o) and not of_engine(o):
            kind = type(o)
            for name in ("__bool__", "__len__"):
                if found_in_classes(kind, name) is GONE and _made_in_python(kind):
                    self.watch.note(Kind.STORED, kind, name, GONE)

    def _operated(self, values: list[Any]) -> Then | None:
        """The operands of an operator."""
        if all(type(o) in _PASSED for o in values):
            return None
        for o in values:
            if of_engine(o):
                return self._handed(values)
        if any(isinstance(o, (np.ndarray, np.generic)) for o in values):
            self._may_raise()
        self._deep(values)
        return self._result_of(values)

    def _may_raise(self) -> None:
        """NumPy is about to compute; whether that raises is of matter to who catches errors."""
        if self._suppressing or (self._frame is not None and self._frame.catching()):
            self._asked(_raised)

    def _result_of(self, given: Iterable[Any]) -> Then:
        """Of what a function in C gives, what is new."""
        given = list(given)
        old = {id(o) for o in given}
        old.update(id(p) for o in given if isinstance(o, (list, tuple, deque)) for p in o)
        # An object of the user's may give what it likes.
        if not all(map(self._builtin, given)):
            return _nothing_known

        def then(result: Any) -> None:
            if id(result) in old:
                return
            if isinstance(result, np.ndarray):
                if result.flags.owndata:
                    self._made(result)
            elif isinstance(result, (tuple, list)):
                if type(result) is list:
                    self._made(result)
                for part in result:
                    if isinstance(part, np.ndarray):
                        then(part)
            elif isinstance(result, _MADE) or (
                hasattr(type(result), "__next__") and not isinstance(result, _SUSPENDED)
            ):
                self._made(result)

        return then

    def _builtin(self, o: Any) -> bool:
        """Whether no code of the user's runs where an object is operated on."""
        if id(o) in self._inner or isinstance(
            o, (*_CONTAINERS, np.ndarray, types.FunctionType, type)
        ):
            if isinstance(o, np.ndarray) and o.dtype.hasobject:
                return False  # it gives what is in it, and lets that compute
            return (
                type(o).__module__ in ("builtins", "collections", "numpy", "types")
                or id(o) in self._inner
            )
        return _fixed(o) or kind_of(type(o)) in ("pure", "numpy")

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
            return self._made if f.__code__.co_flags & _GENERATES else None
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
        if isinstance(f, _METHODS_IN_C) and args:
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
        given = list(self._within(values))
        if any(of_engine(o) for o in given):
            return self._handed(values)
        if name in _SHOWN:
            return self._shown(values)
        self._may_raise()
        self._deep([f, *values])
        return self._result_of(given)

    def _asked(self, settings: Callable[[], Any]) -> None:
        """What NumPy is set to."""
        self.watch.note(Kind.ANSWER, settings, (), settings(), quick=False)

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
        if values and isinstance(values[0], _GENERATORS) and not isinstance(f, type):
            owner, values = values[0], values[1:]
        seeded = bool(values) and all(
            (v is not None and not isinstance(v, _GENERATORS)) or id(v) in self._inner
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
        if not _fixed(result):
            self._made(result)

    def _with_callables(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Functions that a function in C is given to call."""
        for f in (*args, *kwargs.values()):
            if isinstance(f, _GETTERS):
                for values in args:
                    if isinstance(values, _CONTAINERS):
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
            given = list(self._within(values))
            if any(of_engine(o) for o in given):
                return self._handed(values)
        if name in ("isinstance", "issubclass"):
            if any(isinstance(kind, abc.ABCMeta) for kind in self._within(args[1:])):
                token = abc.get_cache_token()  # another after a class was registered
                self.watch.note(Kind.ANSWER, abc.get_cache_token, (), token, quick=False)
            kind = type(args[0]) if name == "isinstance" else args[0]
            if isinstance(kind, type) and _made_in_python(kind) and not library(kind.__module__):
                self._note_attribute(kind, "__mro__", kind.__mro__)
            if name == "isinstance":
                self._attribute(args[0], "__class__")
            return None
        if name == "callable":
            o = args[0]
            if not _fixed(o) and not isinstance(o, type):
                found = found_in_classes(type(o), "__call__")
                self.watch.note(Kind.STORED, type(o), "__call__", found)
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
        if isinstance(o, _GENERATORS):
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
            self._deep(values if isinstance(o, _CONTAINERS) else ())
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
            given = list(self._within(values))
            if any(of_engine(v) for v in given):
                return self._handed([o, *values])
            if name in _SHOWN:
                return self._shown([o, *values])
            if name == "copy" and self._new_array(o):
                return self._result_of([o])
            self._may_raise()
            self._deep([o, *values])
            return self._result_of([o, *given])
        if isinstance(o, _SUSPENDED):
            self._advanced(o)
            return None
        if name in ("__reduce_ex__", "__reduce__", "__getstate__", "__dir__") and not isinstance(
            o, _CONTAINERS
        ):
            own = _own(o)
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
        if isinstance(o, dict) and args and _hashed(args[0]) and name in _OF_KEY:
            self._item(o, args[0])
            return None
        if name == "__contains__" and args:
            self._has(o, args[0])
            return None
        if name == "__next__":
            self._advanced(o)
            return None
        if isinstance(o, (*_CONTAINERS, memoryview, *_ARRAYS)):
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
        if _fixed(o) or kind_of(type(o)) in ("pure", "numpy", "quiet") or id(o) in self._inner:
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
        if isinstance(f, types.MethodWrapperType) and owner is None and _made_in_python(type(o)):
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
        own, found = _own(o), found_in_classes(o if isinstance(o, type) else type(o), name)
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
        elif isinstance(o, (*_CONTAINERS, memoryview, *_ARRAYS)):
            self._contents(o)
        elif _of_numpy(o):
            self._deep([o])

    def _nothing(self, args: list[Any]) -> None:
        pass

    def _namespace(self, args: list[Any]) -> None:
        pass  # a dict that is looked into as any other

    def _unknown_object(self, o: Any, what: str) -> None:
        self.refuse(
            f"it reads {what}, which cannot be watched",
            "Read it outside, and pass the value as an argument; or, if it stays as it is, declare the "
            "object fixed with ag.static.",
        )


_SPECIAL: dict[Any, Callable[[Reader, list[Any]], Then | None]] = {
    getattr: Reader._getattr,
    hasattr: Reader._getattr,
    vars: Reader._vars,
    dir: Reader._dir,
    next: Reader._next,
    iter: Reader._iter,
    len: Reader._len,
    globals: Reader._namespace,
    locals: Reader._namespace,
    setattr: Reader._nothing,
    delattr: Reader._getattr,
}
_OF_KEY = frozenset({"get", "__getitem__", "pop", "setdefault"})
_TEXTS = (repr, format, ascii)
_OF_TEXTS = frozenset({"format", "format_map", "__repr__", "__str__", "__format__"})
_SHALLOW = frozenset({"items", "keys", "values", "copy", "__iter__", "__len__", "__reversed__"})
_WRITES = frozenset(
    {"append", "appendleft", "add", "clear", "discard", "extend", "extendleft", "insert", "update"}
)
_GROWS = frozenset({"append", "appendleft", "extend", "extendleft", "insert"})
_LOGGING = frozenset({"_log", "handle", "callHandlers"})
_ARRAYS = (__import__("array").array,)
_ENTRY = Kind("entry", dict.__getitem__)
_ABOVE = Kind(
    "method above",
    lambda o, name: next(
        (
            k.__dict__[name]
            for k in o[1].__mro__[o[1].__mro__.index(o[0]) + 1 :]
            if name in k.__dict__
        ),
        GONE,
    ),
)
_CACHE_INFO = Kind("cache", lambda o, _: o.cache_info())
_LIVES = Kind("weak reference", lambda o, _: weakref.ref.__call__(o) is not None)
_REMEMBERED = Kind("cache", lambda o, was: tuple(o.values())[: len(was)])


def _left_alone(frame: types.FrameType) -> None:
    frame.f_trace_opcodes = False
    frame.f_trace = None


def _printed() -> str:
    return repr(np.get_printoptions())


def _raised() -> tuple[Any, ...]:
    """What decides whether NumPy's floating-point errors are raised."""
    return (*np.geterr().values(), np.geterrcall(), *warnings.filters)


def _traps() -> tuple[Any, ...]:
    import decimal

    return tuple(decimal.getcontext().traps.values())


def _of_errors() -> str:
    return repr((np.geterr(), np.geterrcall(), np.getbufsize()))


_SETTINGS = {
    **dict.fromkeys(("array2string", "array_repr", "array_str", "get_printoptions"), _printed),
    **dict.fromkeys(("format_float_positional", "format_float_scientific"), _printed),
    **dict.fromkeys(("geterr", "geterrcall", "getbufsize"), _of_errors),
}


def _of_numpy(o: Any) -> bool:
    """Whether a function of NumPy may compute with what is in an object of its own: a polynomial."""
    return type(o).__module__.startswith(("numpy", "scipy")) and _made_in_python(type(o))


def _nothing_known(result: Any) -> None:
    """What is done with a result that may have been there before."""


def _fixed(o: Any) -> bool:
    """Whether nothing of an object can change (a class of the user's may add attributes)."""
    return type(o) in _FIXED or (
        isinstance(o, (np.generic, np.dtype)) and not isinstance(o, np.void)
    )


def _field_of(field: str) -> tuple[Any, Any]:
    """The parts of ``0.k[a]``, as `str.format` reads it."""
    return importlib.import_module("_string").formatter_field_name_split(field)


def _hashed(key: Any) -> bool:
    """Whether a key is compared without code of the user's."""
    if type(key) is tuple:
        return all(map(_hashed, key))
    return isinstance(key, (*PLAIN[:7], np.generic, type, types.FunctionType)) and not (
        isinstance(key, type) and type(key) is not type
    )


def _own(o: Any) -> dict[str, Any] | None:
    try:
        own = object.__getattribute__(o, "__dict__")
    except AttributeError:
        return None
    return own if isinstance(own, dict) else None


def _registers(kind: type) -> bool:
    """Whether attributes of its objects may be registered, and are part of their structure then."""
    return issubclass(kind, Structured) and hasattr(kind, "_registry")


def _made_in_python(kind: type) -> bool:
    return bool(kind.__flags__ & (1 << 9)) and not kind.__flags__ & (1 << 8)


def _unstarted(o: Any) -> bool:
    return (
        isinstance(o, types.GeneratorType) and inspect.getgeneratorstate(o) == inspect.GEN_CREATED
    )


def _the(kind: type) -> str:
    return f"an object of {kind.__module__}.{kind.__qualname__}"


def _named(f: Any) -> str:
    owner = getattr(f, "__self__", None)
    name = getattr(f, "__qualname__", None) or getattr(f, "__name__", type(f).__name__)
    module = getattr(f, "__module__", None)
    if module is None and owner is not None and not isinstance(owner, types.ModuleType):
        module = type(owner).__module__
    module = {"posix": "os", "_io": "io"}.get(module or "", module)
    return f"{module}.{name}" if module else str(name)


def _state(generator: Any) -> Any:
    if isinstance(generator, random.SystemRandom):
        return None  # it has none
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.BitGenerator):
        return generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.getstate()


def _same_state(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same_state(v, b[k]) for k, v in a.items())
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else bool(a == b)


def _put_back(generator: Any, state: Any) -> None:
    """Undo what was drawn."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.BitGenerator):
        generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)


class _Muted:
    """Waits for the end of a call whose doing is not looked into."""

    def __init__(self, reader: Reader, other: Any) -> None:
        self.reader = reader
        self.other = other

    def event(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        if self.other is not None:
            self.other = self.other(frame, event, arg)
        if event == "return":
            self.reader._muted = None
        return self.event
