"""What the parts of an object are to one who reads them: each is noted in a `Watch`, or refused."""

from __future__ import annotations

import contextlib
import gc
import keyword
import operator
import types
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..effects import Capture
from ..errors import CaptureError
from ..frames import library
from ..structure import Structured
from ..tensors import Tensor
from .guards import GONE, PLAIN, Kind, Watch, contents, found_in_classes
from .known import home, is_static, kind_of, of_engine
from .objects import (
    ARRAYS,
    CONTAINERS,
    FIXED,
    GENERATES,
    GENERATORS,
    METHODS_IN_C,
    SUSPENDED,
    described,
    fixed,
    hashed,
    made_in_python,
    named,
    of_numpy,
    own_attributes,
    registers,
    state_of,
    unstarted,
)

__all__ = ["Reads", "Then"]

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
_PASSED = FIXED | {Tensor}  # of which an operator reads nothing that is noted, and gives the like
_MADE = (list, dict, set, bytearray, deque)
Then = Callable[[Any], None]
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


class Reads:
    """Notes what is read: an attribute, an entry, the contents of what is handed on.

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
        self._frame: Any = None  # the `Followed` one that runs
        self.capture: Capture
        self._tracer: Any = None  # what Python calls for each new frame

    # --- refusing ---------------------------------------------------------------------------------

    def refuse(self, what: str, remedy: str, here: bool = True) -> None:
        """Raise a CaptureError, now and, should that be swallowed, at the end."""
        where = f", at {self._frame.line()}" if here and self._frame is not None else ""
        self.refusal = CaptureError(
            f"jit of {self.title}",
            f"{what}{where}. Expected a function whose result depends on its "
            f"arguments and on what can be watched. {remedy}",
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
        name = named(function)
        self.refuse(
            f"it calls {name}, and what that depends on is not known",
            "Call it outside, and pass what it gives as an argument; or, if it gives the same for the same "
            f"arguments, declare it fixed: ag.static({name.removeprefix('builtins.')}).",
        )

    def _broken(self, error: Exception) -> None:
        self.refuse(
            f"what it reads cannot be followed ({type(error).__name__}: {error})",
            "Compute that part outside, and pass the result as an argument.",
        )

    def _unknown_object(self, o: Any, what: str) -> None:
        self.refuse(
            f"it reads {what}, which cannot be watched",
            "Read it outside, and pass the value as an argument; or, if it stays as it is, declare the "
            "object fixed with ag.static.",
        )

    # --- what a class on top says -----------------------------------------------------------------

    def _called(self, f: Any, args: list[Any], kwargs: dict[str, Any]) -> Then | None:
        """A call that is about to be made; see `meanings.Calls`."""
        raise NotImplementedError

    # --- what was there before --------------------------------------------------------------------

    def _made(self, o: Any) -> None:
        """Remember what is new. It is held, so that its id stays its own; not so that it cannot end."""
        key, inner = id(o), self._inner
        if made_in_python(type(o)) and type(o).__weakrefoffset__:
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
                    f"it makes {described(type(o))}, which has __del__, and keeps it in a container: when it ends "
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
            if not hashed(key):
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
        elif isinstance(o, CONTAINERS):
            self._contents(o)
            self._deep([key])
        elif isinstance(o, (memoryview, *ARRAYS)):
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
            self._unknown_object(o, f"entries of {described(type(o))}")

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
        if isinstance(o, (dict, set, frozenset, types.MappingProxyType)) and hashed(key):
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
        if fixed(o):
            return None
        if self._known(o):
            if id(o) in self._inner and not isinstance(o, (type, types.ModuleType)):
                own = own_attributes(o)  # what its class says was there before
                if not of_engine(o) and (own is None or name not in own) and made_in_python(kind):
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
        if isinstance(value, GENERATORS) and id(value) not in self._inner:
            self._drawn.setdefault(id(value), (value, state_of(value)))
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
        stored = found_in_classes(o, name)
        if meta is not GONE and (stored is GONE or hasattr(type(meta), "__set__")):
            if isinstance(meta, (types.GetSetDescriptorType, types.MemberDescriptorType)):
                if name in ("__name__", "__qualname__", "__module__", "__bases__", "__doc__"):
                    self.watch.note(Kind.ATTRIBUTE, o, name, getattr(o, name), quick=False)
            elif not isinstance(meta, METHODS_IN_C):
                self._found_in_class(type(o), o, name, meta)
        elif stored is GONE:
            self.watch.note(Kind.STORED, o, name, GONE)
        elif isinstance(stored, (types.FunctionType, staticmethod)) or not hasattr(
            type(stored), "__get__"
        ):
            where = next(k for k in o.__mro__ if name in k.__dict__)
            if self._known(where) or library(where.__module__):
                return
            value = stored.__func__ if isinstance(stored, staticmethod) else stored
            self._note_attribute(o, name, value)
        elif isinstance(stored, classmethod) and isinstance(stored.__func__, types.FunctionType):
            self._note_attribute(o, name, stored.__func__, Kind.METHOD)
        elif not isinstance(stored, METHODS_IN_C):
            self.watch.note(Kind.STORED, o, name, stored)

    def _attribute_of_object(self, o: Any, name: str) -> None:
        kind = type(o)
        ours = of_engine(o) or library(kind.__module__)
        if ours and not of_engine(o):
            self._plain_of_ours(o, name)  # NumPy's own
            return
        looked = found_in_classes(kind, "__getattribute__")
        stored = found_in_classes(kind, name)
        if type(looked) is types.FunctionType and not ours:
            return  # a frame of its own
        own = own_attributes(o)
        if hasattr(type(stored), "__set__") and not isinstance(stored, type):
            if isinstance(stored, types.MemberDescriptorType):
                self._note_attribute(o, name, getattr(o, name, GONE))
            elif isinstance(stored, types.GetSetDescriptorType):
                if name == "__class__":
                    self._note_attribute(o, name, kind)
                elif name == "__dict__":
                    self._note_attribute(o, name, own)
                elif name != "__weakref__" and not ours:
                    self._computed(o, name)
            elif ours and not self._users(kind, name):
                self._plain_of_ours(o, name)
            else:
                self._found_in_class(kind, o, name, stored)
        elif own is not None and name in own:
            if (id(o), name) in self._written:
                return
            if registers(kind) and name in o._registry:
                self._met(o)  # which counts when that changes
            elif ours and not registers(kind):
                self._plain_of_ours(o, name)
            else:
                self._note_attribute(o, name, own[name])
        elif looked not in _AS_USUAL and looked is not GONE and not ours:
            self._computed(o, name)
        elif stored is not GONE:
            if not ours or self._users(kind, name):
                self._found_in_class(kind, o, name, stored)
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

    def _found_in_class(self, kind: type, o: Any, name: str, stored: Any) -> None:
        """What the class of an object says: a method, a property, a value."""
        if isinstance(stored, types.FunctionType):
            self._note_attribute(o, name, stored, Kind.METHOD)
        elif isinstance(stored, classmethod) and isinstance(stored.__func__, types.FunctionType):
            self._note_attribute(o, name, stored.__func__, Kind.METHOD)
        elif isinstance(stored, staticmethod):
            self._note_attribute(o, name, stored.__func__)
        elif isinstance(stored, property):
            self.watch.note(Kind.ATTRIBUTE, kind, name, stored)
            if not isinstance(stored.fget, types.FunctionType) and stored.fget is not None:
                self._called(stored.fget, [o], {})
        elif type(stored).__module__ == "_collections" and type(stored).__name__ == "_tuplegetter":
            pass  # of a tuple, which does not change
        elif isinstance(stored, (*METHODS_IN_C, types.BuiltinFunctionType)):
            if not self._builtin_class(kind, name):
                self.watch.note(Kind.STORED, o, name, stored)
        elif hasattr(type(stored), "__get__"):
            self.watch.note(Kind.STORED, o, name, stored)
            if not isinstance(found_in_classes(type(stored), "__get__"), types.FunctionType):
                self._computed(o, name)
        else:
            self._note_attribute(o, name, stored)

    def _builtin_class(self, kind: type, name: str) -> bool:
        return kind_of(kind) in ("pure", "numpy")

    def _computed(self, o: Any, name: str) -> None:
        """An attribute that code in C gives: asked again, where it gives the same twice."""
        try:
            first, second = getattr(o, name), getattr(o, name)
        except AttributeError:
            self.watch.note(Kind.ATTRIBUTE, o, name, GONE)
            return
        if first is second:
            self._note_attribute(o, name, first)
        elif isinstance(
            first, (types.BuiltinFunctionType, types.MethodWrapperType, types.MethodType)
        ):
            pass  # a method, which is looked at when it is called
        elif (
            isinstance(first, (*PLAIN, tuple))
            and type(first) is type(second)
            and repr(first) == repr(second)
        ):
            self.watch.note(Kind.ATTRIBUTE, o, name, first, quick=False)
        else:
            self._unknown_object(o, f"attribute {name!r} of {described(type(o))}")

    def _attribute_above(self, this: type, o: Any, kind: type, name: str) -> None:
        """``super().name``: from the classes after one."""
        mro = kind.__mro__
        above = mro[mro.index(this) + 1 :]
        found = next((k.__dict__[name] for k in above if name in k.__dict__), GONE)
        where = next((k for k in above if name in k.__dict__), object)
        if found is not GONE and not isinstance(found, (*METHODS_IN_C, types.BuiltinFunctionType)):
            if library(where.__module__) and not isinstance(found, types.FunctionType):
                return
            self.watch.note(_ABOVE, (this, kind), name, found, quick=False)
            if isinstance(found, property) and not isinstance(found.fget, types.FunctionType):
                self._called(found.fget, [o], {})

    def _set(self, o: Any, name: str) -> Then | None:
        """An attribute that the function itself sets: what it reads of it from then on is its own."""
        kind = type(o)
        plain: Any = kind.__setattr__  # not one of the user's, which may refuse
        if plain is not object.__setattr__ and not (registers(kind) and library(home(plain))):
            return None
        if (
            hasattr(type(found_in_classes(kind, name)), "__set__")
            or type(own_attributes(o)) is not dict
        ):
            return None
        if id(o) in self._inner:
            return None
        return lambda _: self._written.__setitem__((id(o), name), o)

    def _changed(self, o: Any) -> None:
        """A container that is about to be changed by more than what a second time would leave as it is.

        That reads nothing yet; but what is read of it later is read of what it was before.
        """
        if (
            isinstance(o, (*CONTAINERS, *ARRAYS))
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
        elif isinstance(o, (*CONTAINERS, memoryview, *ARRAYS)):
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
            if fixed(o) or id(o) in seen:
                continue
            seen.add(id(o))
            if isinstance(o, CONTAINERS):
                self._contents(o)
                if id(o) not in self._fixed and not is_static(o):
                    waiting.extend(contents(o))
            elif isinstance(o, np.ndarray):
                if o.dtype.hasobject and o.dtype.names is None:
                    waiting.extend(o.ravel().tolist())
            elif of_numpy(o) and (own := own_attributes(o)) is not None and not self._known(o):
                self._contents(own)
                waiting.extend(own.values())
            yield o

    def _deep(self, values: Iterable[Any]) -> None:
        """Values that are looked at as a whole, as by a function in C."""
        for o in self._within(values):
            if isinstance(o, (np.ndarray, np.void)):
                self._array(o)
            elif isinstance(o, (memoryview, *ARRAYS)):
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
            f"it takes values from {described(type(o))} that was made outside, which each call would find further on",
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
        handed = set(map(id, values))

        def then(result: Any) -> None:
            for a in arrays:
                if id(a) not in held:
                    self._array(a)
            if (
                id(result) not in handed
                and unstarted(result)
                and library(result.gi_frame.f_globals["__name__"])
            ):
                self._made(result)

        return then

    def _iterated(self, o: Any) -> Then | None:
        """What is gone through."""
        if id(o) in self._fixed or is_static(o):
            return self._fixed_too(o)
        if isinstance(o, (*CONTAINERS, np.ndarray, np.void, memoryview, *ARRAYS)):
            if type(found_in_classes(type(o), "__iter__")) is not types.FunctionType:
                self._contents(o)
        elif hasattr(type(o), "__next__"):
            self._advanced(o)
            return None
        return self._made_iterator(o)

    def _made_iterator(self, o: Any) -> Then:
        way = found_in_classes(type(o), "__iter__")
        if isinstance(way, types.FunctionType) and not (
            way.__code__.co_flags & GENERATES or library(home(way))
        ):
            return _nothing_known  # it may give one that it holds

        def then(result: Any) -> None:
            if result is not o and (not isinstance(result, SUSPENDED) or unstarted(result)):
                self._made(result)

        return then

    def _true(self, o: Any) -> None:
        """Whether a value is true."""
        if isinstance(o, (*CONTAINERS, np.ndarray, memoryview, *ARRAYS)):
            self._contents(o)
        elif not fixed(o) and not self._known(o) and not of_engine(o):
            kind = type(o)
            for name in ("__bool__", "__len__"):
                if found_in_classes(kind, name) is GONE and made_in_python(kind):
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

    def _result_of(self, operands: Iterable[Any]) -> Then:
        """Of what a function in C gives, what is new."""
        operands = list(operands)
        old = {id(o) for o in operands}
        old.update(id(p) for o in operands if isinstance(o, (list, tuple, deque)) for p in o)
        # An object of the user's may give what it likes.
        if not all(map(self._builtin, operands)):
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
                hasattr(type(result), "__next__") and not isinstance(result, SUSPENDED)
            ):
                self._made(result)

        return then

    def _builtin(self, o: Any) -> bool:
        """Whether no code of the user's runs where an object is operated on."""
        if id(o) in self._inner or isinstance(
            o, (*CONTAINERS, np.ndarray, types.FunctionType, type)
        ):
            if isinstance(o, np.ndarray) and o.dtype.hasobject:
                return False  # it gives what is in it, and lets that compute
            return (
                type(o).__module__ in ("builtins", "collections", "numpy", "types")
                or id(o) in self._inner
            )
        return fixed(o) or kind_of(type(o)) in ("pure", "numpy")

    def _asked(self, settings: Callable[[], Any]) -> None:
        """What NumPy is set to."""
        self.watch.note(Kind.ANSWER, settings, (), settings(), quick=False)


def _raised() -> tuple[Any, ...]:
    """What decides whether NumPy's floating-point errors are raised."""
    return (*np.geterr().values(), np.geterrcall(), *warnings.filters)


def _traps() -> tuple[Any, ...]:
    import decimal

    return tuple(decimal.getcontext().traps.values())


def _nothing_known(result: Any) -> None:
    """What is done with a result that may have been there before."""
