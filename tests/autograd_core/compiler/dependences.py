"""Ways in which a function can depend on a number that is no argument: how it is read, how it is changed.

A way takes the number and gives two functions: one reads it (and runs inside of a compiled step), one
puts another in its place.
"""

# Each form is written as somebody may write it.
# ruff: noqa: B007, RUF012, C417, FLY002, ICN001, RET503, RET504, RUF005, RUF015, SIM208, SIM401, UP030, UP031, UP032

from __future__ import annotations

import argparse
import array
import collections
import configparser
import contextlib
import contextvars
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import importlib
import itertools
import json
import math
import operator
import os
import re
import string
import sys
import threading
import types
import typing
import weakref

import numpy as np

import autograd_core as ag
import nn

WAYS = {}


def way(function):
    WAYS[function.__name__.strip("_")] = function
    return function


class Box:
    """A plain object."""

    def __init__(self, k=None):
        self.k = k


def boxed(read):
    """A way that reads a number out of a plain object, here ``o.k``."""

    def of(v):
        o = Box(v)
        return read(o), lambda new: setattr(o, "k", new)

    WAYS[read.__name__.strip("_")] = of
    return read


def listed(read):
    """A way that reads the first entry of a list."""

    def of(v):
        o = [v]
        return read(o), lambda new: o.__setitem__(0, new)

    WAYS[read.__name__.strip("_")] = of
    return read


# --- names ------------------------------------------------------------------------------------


@way
def closure(v):
    k = v

    def put(new):
        nonlocal k
        k = new

    return (lambda: k), put


@way
def closure_of_a_closure(v):
    k = v

    def outer():
        def inner():
            return k

        return inner()

    def put(new):
        nonlocal k
        k = new

    return outer, put


K = 0


@way
def a_global(v):
    globals()["K"] = v
    return (lambda: K), lambda new: globals().__setitem__("K", new)


def _helper_of_helper():
    return _helper()


def _helper():
    return K


@way
def a_global_in_a_helper(v):
    globals()["K"] = v
    return _helper_of_helper, lambda new: globals().__setitem__("K", new)


@way
def globals_by_name(v):
    globals()["K"] = v
    return (lambda: globals()["K"]), lambda new: globals().__setitem__("K", new)


@way
def a_builtin_that_is_hidden(v):
    # `ord` is the builtin at first, then a global.
    globals().pop("ord", None)
    if v != 1:
        globals()["ord"] = lambda c: v
    return (lambda: ord("\x01")), lambda new: globals().__setitem__("ord", lambda c: new)


@way
def exec_of_text(v):
    space = {"k": v}
    return (lambda: eval("k + 0", space)), lambda new: space.__setitem__("k", new)


# --- attributes -------------------------------------------------------------------------------


@boxed
def attribute(o):
    return lambda: o.k


@boxed
def attribute_through_a_name(o):
    def read():
        c = o
        k = c.k
        return k

    return read


@boxed
def attribute_handed_to_a_helper(o):
    def helper(c):
        return c.k

    return lambda: helper(o)


@boxed
def attribute_handed_on_twice(o):
    def helper(c, deep):
        return c.k if not deep else helper(c=c, deep=False)

    return lambda: helper(o, True)


@boxed
def attribute_of_a_default(o):
    def read(c=o):
        return c.k

    return read


@boxed
def attribute_of_a_keyword_default(o):
    def read(*, c=o):
        return c.k

    return read


@boxed
def attribute_of_a_partial(o):
    return functools.partial(lambda c: c.k, o)


@boxed
def attribute_of_a_partial_keyword(o):
    return functools.partial(lambda *, c: c.k, c=o)


@boxed
def attribute_after_unpacking(o):
    def read():
        a, b = o, 1
        return a.k * b

    return read


@boxed
def attribute_after_starred_unpacking(o):
    pair = (1, o, 2)

    def read():
        _, *rest = pair
        return rest[0].k

    return read


@boxed
def attribute_by_walrus(o):
    return lambda: (c := o).k + 0 * (c is None)


@boxed
def attribute_by_condition(o):
    return lambda: (o if o is not None else None).k


@boxed
def attribute_by_or(o):
    return lambda: (None or o).k


@boxed
def attribute_by_and(o):
    return lambda: (1 and o).k


@boxed
def attribute_in_a_loop(o):
    def read():
        for c in (o,):
            k = c.k
        return k

    return read


@boxed
def getattr_by_name(o):
    return lambda: getattr(o, "k")  # noqa: B009


@boxed
def getattr_of_a_computed_name(o):
    return lambda: getattr(o, "".join(["", "k"]))


@boxed
def getattr_with_a_default(o):
    return lambda: getattr(o, "k", 5)


@way
def getattr_that_is_missing_at_first(v):
    o = Box()
    del o.k
    return (lambda: getattr(o, "k", v)), lambda new: setattr(o, "k", new)


@way
def hasattr_at_first_not(v):
    o = Box()

    def put(new):
        o.__dict__.pop("more", None)
        if new > 1:
            o.more = None

    put(v)
    return (lambda: 2 if hasattr(o, "more") else 1), put


@boxed
def vars_of(o):
    return lambda: vars(o)["k"]


@boxed
def dict_of(o):
    return lambda: o.__dict__["k"]


@boxed
def attrgetter(o):
    get = operator.attrgetter("k")
    return lambda: get(o)


@boxed
def mapped_attrgetter(o):
    return lambda: list(map(operator.attrgetter("k"), [o]))[0]


@boxed
def object_getattribute(o):
    return lambda: object.__getattribute__(o, "k")


@boxed
def attribute_of_an_attribute(o):
    top = Box(Box(o))
    return lambda: top.k.k.k


@boxed
def attribute_of_an_entry(o):
    table = {"a": [0, {"b": (o,)}]}
    return lambda: table["a"][1]["b"][0].k


@boxed
def what_a_method_gives(o):
    class Holder:
        def get(self):
            return o

    holder = Holder()
    return lambda: holder.get().k


@boxed
def bound_method(o):
    o.__class__ = type("Bound", (Box,), {"read": lambda self: self.k})
    return o.read


@boxed
def method_type(o):
    return types.MethodType(lambda self: self.k, o)


@boxed
def weak_reference(o):
    r = weakref.ref(o)
    return lambda: r().k


@boxed
def weak_proxy(o):
    p = weakref.proxy(o)
    return lambda: p.k


@boxed
def matched(o):
    def read():
        match o:
            case Box(k=value):
                return value

    return read


@boxed
def copied(o):
    return lambda: copy.copy(o).k


@boxed
def deeply_copied(o):
    return lambda: copy.deepcopy([o])[0].k


@boxed
def made_inside_from_it(o):
    return lambda: Box(o.k).k


@boxed
def accumulated_in_an_object_made_inside(o):
    def read():
        total = Box(0)
        for _ in range(3):
            total.k += o.k
        return total.k // 3

    return read


@boxed
def contextmanager(o):
    @contextlib.contextmanager
    def within():
        yield o.k

    def read():
        with within() as k:
            return k

    return read


@boxed
def exit_stack(o):
    def read():
        with contextlib.ExitStack() as stack:
            found = []
            stack.callback(lambda: found.append(o.k))
        return found[0]

    return read


@boxed
def suppressed_error(o):
    def read():
        with contextlib.suppress(AttributeError):
            return o.missing
        return o.k

    return read


@boxed
def try_and_except(o):
    def read():
        try:
            if o.k > 1:
                raise KeyError
            return 1
        except KeyError:
            return 2
        finally:
            pass

    return read


@boxed
def decorated(o):
    def twice(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            return f(*args, **kwargs)

        return wrapper

    @twice
    def read():
        return o.k

    return read


@boxed
def recursion(o):
    def read(n=3):
        return o.k if n == 0 else read(n - 1)

    return read


@boxed
def generator_function(o):
    def numbers():
        yield o.k

    def read():
        for k in numbers():
            return k

    return read


@boxed
def generator_that_delegates(o):
    def inner():
        yield o.k

    def outer():
        yield from inner()

    return lambda: next(outer())


@boxed
def generator_expression(o):
    return lambda: sum(c.k for c in [o])


@boxed
def list_comprehension(o):
    return lambda: [c.k for c in (o,)][0]


@boxed
def dict_comprehension(o):
    return lambda: {c: c.k for c in (o,)}[o]


@boxed
def set_comprehension(o):
    return lambda: max({c.k for c in (o,)})


@boxed
def lambda_in_map(o):
    return lambda: list(map(lambda c: c.k, [o]))[0]


@boxed
def key_of_sorted(o):
    other = Box(1.5)
    return lambda: 1 if sorted([o, other], key=lambda c: c.k)[0] is o else 2


@boxed
def key_of_max(o):
    other = Box(1.5)
    return lambda: 2 if max([other, o], key=operator.attrgetter("k")) is o else 1


@boxed
def filtered(o):
    return lambda: 1 + len(list(filter(lambda c: c.k > 1, [o])))


@boxed
def reduced(o):
    return lambda: functools.reduce(lambda a, c: a + c.k, [o], 0)


@boxed
def f_string(o):
    return lambda: int(f"{o.k:d}")


@boxed
def percent_format(o):
    return lambda: int("%d" % o.k)


@boxed
def format_method(o):
    return lambda: int("{0.k}".format(o))


@boxed
def nested_jit(o):
    inner = ag.jit(lambda x: x * o.k, backend="numpy")
    return lambda: inner.function(1)


@boxed
def class_made_inside(o):
    def read():
        class Inside:
            k = o.k

        return Inside.k

    return read


@boxed
def called_with_unpacked_arguments(o):
    args = (o,)
    return lambda: (lambda c: c.k)(*args)


@boxed
def called_with_unpacked_keywords(o):
    options = {"c": o}
    return lambda: (lambda c: c.k)(**options)


@boxed
def method_caller(o):
    o.get = lambda: o.k
    return lambda: operator.methodcaller("get")(o)


@boxed
def function_attribute(o):
    def f():
        pass

    f.box = o
    return lambda: f.box.k


# --- classes ----------------------------------------------------------------------------------


class Slotted:
    __slots__ = ("k",)


@way
def slot(v):
    o = Slotted()
    o.k = v
    return (lambda: o.k), lambda new: setattr(o, "k", new)


def of_class(read):
    """A way that reads a number out of a class or an object of it: ``read(class, object)``."""

    def of(v):
        kind = type("Kind", (_Rich,), {"k": v})
        o = kind()
        return read(kind, o), lambda new: setattr(kind, "k", new)

    WAYS[read.__name__.strip("_")] = of
    return read


class _Rich:
    @classmethod
    def by_class(cls):
        return cls.k

    @staticmethod
    def by_static(kind):
        return kind.k

    def by_type(self):
        return type(self).k

    def by_dunder_class(self):
        return self.__class__.k

    @property
    def by_property(self):
        return self.k

    c_property = property(operator.attrgetter("k"))

    def method(self):
        return self.k


@of_class
def class_attribute(kind, o):
    return lambda: kind.k


@of_class
def class_attribute_by_an_object(kind, o):
    return lambda: o.k


@of_class
def class_attribute_of_an_object_made_inside(kind, o):
    return lambda: kind().k


@of_class
def class_method(kind, o):
    return lambda: kind.by_class()


@of_class
def static_method(kind, o):
    return lambda: o.by_static(kind)


@of_class
def type_of_self(kind, o):
    return o.by_type


@of_class
def dunder_class(kind, o):
    return o.by_dunder_class


@of_class
def property_(kind, o):
    return lambda: o.by_property


@of_class
def property_in_c(kind, o):
    return lambda: o.c_property


@of_class
def inherited(kind, o):
    class Derived(kind):
        pass

    d = Derived()
    return lambda: d.k


@of_class
def super_attribute(kind, o):
    class Derived(kind):
        k = None

        def read(self):
            return super().k

    return Derived().read


@of_class
def super_method(kind, o):
    class Derived(kind):
        def method(self):
            return super().method()

    d = Derived()
    return lambda: d.method()


@of_class
def super_in_a_class_method(kind, o):
    class Derived(kind):
        @classmethod
        def by_class(cls):
            return super().by_class()

    return Derived.by_class


@of_class
def super_with_arguments(kind, o):
    class Derived(kind):
        pass

    d = Derived()
    return lambda: super(Derived, d).k


@way
def metaclass_attribute(v):
    class Meta(type):
        k = v

    kind = Meta("kind", (), {})
    return (lambda: kind.k), lambda new: setattr(Meta, "k", new)


@way
def attribute_that_hides_a_class_attribute(v):
    class Kind:
        k = v

    o = Kind()
    return (lambda: o.k), lambda new: setattr(o, "k", new)


@way
def method_that_is_replaced(v):
    class Kind:
        def get(self):
            return v

    o = Kind()
    return (lambda: o.get()), lambda new: setattr(Kind, "get", lambda self: new)


@way
def method_that_an_object_hides(v):
    class Kind:
        def get(self):
            return v

    o = Kind()
    return (lambda: o.get()), lambda new: setattr(o, "get", lambda: new)


@way
def method_of_an_object_made_inside_that_is_replaced(v):
    class Kind:
        def get(self):
            return v

    return (lambda: Kind().get()), lambda new: setattr(Kind, "get", lambda self: new)


@way
def class_of_an_object_that_is_replaced(v):
    def made(k):
        return type("Kind", (), {"get": lambda self: k})

    o = made(v)()
    return (lambda: o.get()), lambda new: setattr(o, "__class__", made(new))


@way
def function_that_is_replaced(v):
    space = types.SimpleNamespace(f=lambda: v)
    return (lambda: space.f()), lambda new: setattr(space, "f", lambda: new)


@way
def code_that_is_replaced(v):
    def made(k):
        space = {}
        exec(f"def f(): return {k}", space)
        return space["f"]

    f = made(v)
    return (lambda: f()), lambda new: setattr(f, "__code__", made(new).__code__)


@way
def defaults_that_are_replaced(v):
    def f(k=v):
        return k

    return (lambda: f()), lambda new: setattr(f, "__defaults__", (new,))


@way
def keyword_defaults_that_are_written(v):
    def f(*, k=v):
        return k

    return (lambda: f()), lambda new: f.__kwdefaults__.__setitem__("k", new)


class _Data:
    """A descriptor with a setter."""

    def __get__(self, o, kind=None):
        return o.hidden

    def __set__(self, o, value):
        o.hidden = value


@way
def descriptor(v):
    kind = type("Kind", (), {"k": _Data()})
    o = kind()
    o.k = v
    return (lambda: o.k), lambda new: setattr(o, "k", new)


class _View:
    """A descriptor without one."""

    def __init__(self, held):
        self.held = held

    def __get__(self, o, kind=None):
        return self.held


@way
def descriptor_without_a_setter(v):
    view = _View(v)
    o = type("Kind", (), {"k": view})()
    return (lambda: o.k), lambda new: setattr(view, "held", new)


@way
def cached_property(v):
    class Kind:
        def __init__(self):
            self.k = v

        @functools.cached_property
        def cached(self):
            return self.k

    o = Kind()

    def put(new):
        o.k = new
        o.__dict__.pop("cached", None)

    return (lambda: o.cached), put


@way
def partialmethod(v):
    class Kind:
        def get(self, box):
            return box.k

        short = functools.partialmethod(get, box := Box(v))

    o = Kind()
    return (lambda: o.short()), lambda new: setattr(Kind.box, "k", new)


@way
def getattr_method(v):
    class Config:
        def __init__(self):
            self._values = {"k": v}

        def __getattr__(self, name):
            try:
                return self.__dict__["_values"][name]
            except KeyError:
                raise AttributeError(name) from None

    o = Config()
    return (lambda: o.k), lambda new: o._values.__setitem__("k", new)


@way
def getattribute_method(v):
    class Config:
        def __init__(self):
            self.k = v

        def __getattribute__(self, name):
            return super().__getattribute__(name)

    o = Config()
    return (lambda: o.k), lambda new: setattr(o, "k", new)


def special(name, use):
    """A way by a special method, which returns ``self.k``."""

    def of(v):
        kind = type("Special", (Box,), {name: lambda self, *args: self.k})
        o = kind(v)
        return (lambda: use(o)), lambda new: setattr(o, "k", new)

    WAYS[f"special {name}"] = of

    def replaced(v):
        kind = type("Special", (Box,), {name: lambda self, *args: v})
        o = kind()
        return (lambda: use(o)), lambda new: setattr(kind, name, lambda self, *args: new)

    WAYS[f"special {name} replaced"] = replaced


special("__getitem__", lambda o: o[0])
special("__len__", len)
special("__call__", lambda o: o())
special("__index__", operator.index)
special("__int__", int)
special("__mul__", lambda o: o * 1)
special("__rmul__", lambda o: 1 * o)
special("__add__", lambda o: o + 0)
special("__neg__", lambda o: -o)
special("__abs__", abs)
special("__enter__", lambda o: _entered(o))
special("__hash__", hash)
special("__round__", round)
special("__floor__", math.floor)
special("__matmul__", lambda o: o @ o)
special("__length_hint__", operator.length_hint)

_Entered = type("Entered", (), {"__exit__": lambda *args: None})


def _entered(o):
    kind = type(o)
    if "__exit__" not in kind.__dict__:
        kind.__exit__ = lambda *args: None
    with o as k:
        return k


def asked(name, use):
    """A way by a special method that answers whether ``self.k`` is larger than 1."""

    def of(v):
        kind = type("Asked", (Box,), {name: lambda self, *args: self.k > 1, "__hash__": None})
        o = kind(v)
        return (lambda: 2 if use(o) else 1), lambda new: setattr(o, "k", new)

    WAYS[f"asked {name}"] = of


asked("__bool__", lambda o: o)
asked("__bool__", lambda o: not not o)
asked("__contains__", lambda o: 1 in o)
asked("__eq__", lambda o: o == 1)
asked("__lt__", lambda o: o < 1)
asked("__ge__", lambda o: o >= 1)


@way
def truth_of_an_object_that_learns_it(v):
    class Kind:
        pass

    def put(new):
        Kind.__bool__ = lambda self: new > 1

    o = Kind()
    return (lambda: 2 if o else 1), put


@way
def special_iter(v):
    class Kind(Box):
        def __iter__(self):
            return iter([self.k])

    o = Kind(v)

    def read():
        (k,) = o
        return k

    return read, lambda new: setattr(o, "k", new)


@way
def special_iter_that_yields(v):
    class Kind(Box):
        def __iter__(self):
            yield self.k

    o = Kind(v)
    return (lambda: sum(o)), lambda new: setattr(o, "k", new)


@way
def special_next(v):
    class Kind(Box):
        def __iter__(self):
            self.done = False
            return self

        def __next__(self):
            if self.done:
                raise StopIteration
            self.done = True
            return self.k

    o = Kind(v)
    return (lambda: list(o)[0]), lambda new: setattr(o, "k", new)


@way
def special_float(v):
    class Kind(Box):
        def __float__(self):
            return float(self.k)

    o = Kind(v)
    return (lambda: int(float(o))), lambda new: setattr(o, "k", new)


@way
def special_format(v):
    class Kind(Box):
        def __format__(self, spec):
            return str(self.k)

    o = Kind(v)
    return (lambda: int(f"{o}")), lambda new: setattr(o, "k", new)


@way
def special_array(v):
    class Kind(Box):
        def __array__(self, dtype=None, copy=None):
            return np.array(self.k, dtype)

    o = Kind(v)
    return (lambda: int(np.asarray(o))), lambda new: setattr(o, "k", new)


# --- kinds of objects ---------------------------------------------------------------------------


@dataclasses.dataclass
class Options:
    k: int
    more: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Frozen:
    k: int


class Pair(typing.NamedTuple):
    box: Box
    n: int = 0


class Colour(enum.Enum):
    RED = 1
    BLUE = 2
    GREEN = 3


class Several(enum.IntEnum):
    ONE = 1
    TWO = 2
    THREE = 3


def assigned(make):
    """A way by the attribute ``k`` of an object of another kind."""

    def of(v):
        o = make(v)
        return (lambda: o.k), lambda new: setattr(o, "k", new)

    WAYS[make.__name__.strip("_")] = of
    return make


@assigned
def dataclass(v):
    return Options(v)


@assigned
def simple_namespace(v):
    return types.SimpleNamespace(k=v)


@assigned
def argparse_namespace(v):
    return argparse.Namespace(k=v)


@assigned
def thread_local(v):
    o = threading.local()
    o.k = v
    return o


@assigned
def own_thread_local(v):
    o = type("Own", (threading.local,), {})()
    o.k = v
    return o


@assigned
def module_attribute(v):
    o = types.ModuleType("made_for_a_test")
    o.k = v
    return o


@assigned
def module_named_like_one_of_pythons(v):
    o = types.ModuleType("code")
    o.k = v
    return o


@assigned
def exception_attribute(v):
    o = ValueError()
    o.k = v
    return o


@assigned
def subclass_of_dict(v):
    o = type("D", (dict,), {})()
    o.k = v
    return o


@assigned
def subclass_of_tuple(v):
    o = type("T", (tuple,), {})()
    o.k = v
    return o


@assigned
def subclass_of_int(v):
    o = type("I", (int,), {})()
    o.k = v
    return o


@way
def function_in_a_module_named_like_one_of_pythons(v):
    module = types.ModuleType("code")
    exec("def f(): return k", module.__dict__)
    module.k = v
    return module.f, lambda new: setattr(module, "k", new)


@way
def frozen_dataclass_that_is_replaced(v):
    o = Frozen(v)

    def put(new):
        nonlocal o
        o = dataclasses.replace(o, k=new)

    return (lambda: o.k), put


@way
def dataclass_replaced_inside(v):
    o = Options(v)
    return (lambda: dataclasses.replace(o, more=[]).k), lambda new: setattr(o, "k", new)


@way
def dataclass_as_dict(v):
    o = Options(v)
    return (lambda: dataclasses.asdict(o)["k"]), lambda new: setattr(o, "k", new)


@way
def named_tuple_field(v):
    p = Pair(Box(v))
    return (lambda: p.box.k), lambda new: setattr(p.box, "k", new)


@way
def enum_value(v):
    c = Colour(v)

    def put(new):
        nonlocal c
        c = Colour(new)

    return (lambda: c.value), put


@way
def int_enum(v):
    c = Several(v)

    def put(new):
        nonlocal c
        c = Several(new)

    return (lambda: int(c)), put


@way
def enum_as_key(v):
    table = {Colour.RED: v}
    return (lambda: table[Colour.RED]), lambda new: table.__setitem__(Colour.RED, new)


@way
def context_variable(v):
    k = contextvars.ContextVar("k", default=v)
    return (lambda: k.get()), k.set


@way
def context_variable_without_a_default(v):
    k = contextvars.ContextVar("k")
    return (lambda: k.get(v)), k.set


@way
def environment(v):
    os.environ["GRADPROOF_TEST"] = str(v)
    return (
        lambda: int(os.environ["GRADPROOF_TEST"]),
        lambda new: os.environ.__setitem__("GRADPROOF_TEST", str(new)),
    )


@way
def environment_by_getenv(v):
    os.environ["GRADPROOF_TEST"] = str(v)
    return (
        lambda: int(os.getenv("GRADPROOF_TEST", "7")),
        lambda new: os.environ.__setitem__("GRADPROOF_TEST", str(new)),
    )


@way
def environment_that_is_missing_at_first(v):
    os.environ.pop("GRADPROOF_TEST", None)
    return (
        lambda: int(os.environ.get("GRADPROOF_TEST", v)),
        lambda new: os.environ.__setitem__("GRADPROOF_TEST", str(new)),
    )


def _module(v):
    module = types.ModuleType("gradproof_made_for_a_test")
    module.k = v
    sys.modules[module.__name__] = module
    return module


@way
def imported_inside(v):
    module = _module(v)

    def read():
        import gradproof_made_for_a_test as cfg

        return cfg.k

    return read, lambda new: setattr(module, "k", new)


@way
def imported_from_inside(v):
    module = _module(v)

    def read():
        from gradproof_made_for_a_test import k

        return k

    return read, lambda new: setattr(module, "k", new)


@way
def imported_module_that_is_replaced(v):
    _module(v)

    def read():
        import gradproof_made_for_a_test

        return gradproof_made_for_a_test.k

    return read, _module


@way
def import_module(v):
    module = _module(v)
    return (
        lambda: importlib.import_module("gradproof_made_for_a_test").k,
        lambda new: setattr(module, "k", new),
    )


@way
def module_getattr(v):
    module = types.ModuleType("made_for_a_test")
    held = {"k": v}
    module.__getattr__ = lambda name: held[name]
    return (lambda: module.k), lambda new: held.__setitem__("k", new)


@way
def module_of_a_nn_module(v):
    class Scale(nn.Module):
        def __init__(self):
            self.k = v

        def forward(self, x):
            return self.k

    m = Scale()
    return (lambda: m(1)), lambda new: setattr(m, "k", new)


@way
def list_of_a_nn_module(v):
    class Scale(nn.Module):
        def __init__(self):
            self.ks = [v]

        def forward(self, x):
            return self.ks[0]

    m = Scale()
    return (lambda: m(1)), lambda new: m.ks.__setitem__(0, new)


@way
def forward_that_is_replaced(v):
    class Scale(nn.Module):
        def forward(self, x):
            return v

    m = Scale()
    return (lambda: m(1)), lambda new: setattr(Scale, "forward", lambda self, x: new)


@way
def property_of_a_nn_module(v):
    class Scale(nn.Module):
        def __init__(self, box):
            self.box = box

        @property
        def k(self):
            return self.box.k

        def forward(self, x):
            return self.k

    box = Box(v)
    m = Scale(box)
    return (lambda: m(1)), lambda new: setattr(box, "k", new)


@way
def written_past_a_nn_module(v):
    class Scale(nn.Module):
        def __init__(self):
            self.k = v

        def forward(self, x):
            return self.k

    m = Scale()
    return (lambda: m(1)), lambda new: m.__dict__.__setitem__("k", new)


# --- containers ---------------------------------------------------------------------------------


@listed
def entry_of_a_list(o):
    return lambda: o[0]


@listed
def entry_from_the_end(o):
    return lambda: o[-1]


@listed
def slice_of_a_list(o):
    return lambda: o[:1][0]


@listed
def unpacked_list(o):
    def read():
        (k,) = o
        return k

    return read


@listed
def starred_list(o):
    return lambda: [*o][0]


@listed
def loop_over_a_list(o):
    def read():
        total = 0
        for k in o:
            total += k
        return total

    return read


@listed
def list_of_a_partial(o):
    return functools.partial(lambda c: c[0], o)


@listed
def default_list(o):
    def read(c=o):
        return c[0]

    return read


@listed
def sum_of_a_list(o):
    return lambda: sum(o)


@listed
def max_of_a_list(o):
    return lambda: max(o)


@listed
def sorted_list(o):
    return lambda: sorted(o)[0]


@listed
def reversed_list(o):
    return lambda: next(reversed(o))


@listed
def zipped(o):
    return lambda: [a for a, _ in zip(o, "a", strict=True)][0]


@listed
def enumerated(o):
    return lambda: [a for _, a in enumerate(o)][0]


@listed
def chained(o):
    return lambda: list(itertools.chain(o, ()))[0]


@listed
def accumulated(o):
    return lambda: list(itertools.accumulate(o))[-1]


@listed
def product_of_a_list(o):
    return lambda: math.prod(o)


@listed
def counted(o):
    return lambda: 1 + o.count(2)


@listed
def in_a_list(o):
    return lambda: 2 if 2 in o else 1


@listed
def any_of_a_list(o):
    return lambda: 1 + any(k > 1 for k in o)


@listed
def equal_lists(o):
    return lambda: 2 if o == [2] else 1


@listed
def compared_lists(o):
    return lambda: 2 if o > [1, 5] else 1


@listed
def added_lists(o):
    return lambda: (o + [1])[0]


@listed
def repeated_list(o):
    return lambda: (o * 2)[1]


@listed
def list_made_a_tuple(o):
    return lambda: tuple(o)[0]


@listed
def list_made_an_array(o):
    return lambda: int(np.array(o).max())


@listed
def list_copied(o):
    return lambda: o.copy()[0]


@listed
def list_joined(o):
    return lambda: int("".join(map(str, o)))


@listed
def list_as_json(o):
    return lambda: json.loads(json.dumps(o))[0]


@listed
def nested_deep(o):
    for _ in range(12):
        o = [o]

    def read():
        c = o
        for _ in range(12):
            c = c[0]
        return c[0]

    return read


@listed
def flattened_deep(o):
    nest = [[[[[[o]]]]]]

    def flat(c):
        return sum(map(flat, c)) if isinstance(c, list) else c

    return lambda: flat(nest)


@listed
def itemgetter(o):
    get = operator.itemgetter(0)
    return lambda: get(o)


@listed
def matched_sequence(o):
    def read():
        match o:
            case [k]:
                return k

    return read


@listed
def memory_of_a_list_in_a_tuple(o):
    t = (o, 1)
    return lambda: t[0][0]


@listed
def getitem_of_operator(o):
    return lambda: operator.getitem(o, 0)


@listed
def method_of_a_list(o):
    return lambda: o.__getitem__(0)


@listed
def text_of_a_list(o):
    return lambda: int(str(o)[1:-1])


@way
def long_list(v):
    o = [0] * 5000 + [v]
    return (lambda: sum(o)), lambda new: o.__setitem__(-1, new)


@way
def list_of_lists(v):
    o = [[[0], [v]]]
    return (lambda: sum(map(sum, o[0]))), lambda new: o[0][1].__setitem__(0, new)


@way
def length_of_a_list(v):
    o = [0] * v

    def put(new):
        o[:] = [0] * new

    return (lambda: len(o)), put


@way
def empty_list_filled_later(v):
    o = []
    return (lambda: sum(o) or v), lambda new: o.__setitem__(slice(None), [new])


@way
def empty_list_that_is_gone_through(v):
    o = []

    def read():
        k = v
        for k in o:
            pass
        return k

    return read, lambda new: o.__setitem__(slice(None), [new])


@way
def empty_dict_filled_later(v):
    o = {}
    return (lambda: o.get("k", v)), lambda new: o.__setitem__("k", new)


@way
def empty_dict_asked(v):
    o = {}
    return (lambda: o["k"] if "k" in o else v), lambda new: o.__setitem__("k", new)


@way
def empty_set_filled_later(v):
    o = set()

    def put(new):
        o.clear()
        o.add(new)

    return (lambda: max(o) if o else v), put


@way
def key_error(v):
    o = {}

    def read():
        try:
            return o["k"]
        except KeyError:
            return v

    return read, lambda new: o.__setitem__("k", new)


def mapped(make):
    """A way by an entry ``"k"`` of a mapping."""

    def of(v):
        o = make({"k": v})
        return (lambda: o["k"]), lambda new: o.__setitem__("k", new)

    WAYS[make.__name__.strip("_")] = of

    def walked(v):
        o = make({"k": v})
        return (lambda: [b for a, b in o.items() if a == "k"][0]), lambda new: o.__setitem__(
            "k", new
        )

    WAYS[f"{make.__name__.strip('_')} gone through"] = walked
    return make


@mapped
def plain_dict(d):
    return d


@mapped
def ordered_dict(d):
    return collections.OrderedDict(d)


@mapped
def default_dict(d):
    return collections.defaultdict(int, d)


@mapped
def counter(d):
    return collections.Counter(d)


@mapped
def user_dict(d):
    return collections.UserDict(d)


@mapped
def chain_map(d):
    return collections.ChainMap({}, d)


@mapped
def own_dict(d):
    return type("Own", (dict,), {})(d)


@mapped
def own_dict_with_getitem(d):
    return type("Own", (dict,), {"__getitem__": lambda self, key: dict.__getitem__(self, key)})(d)


@mapped
def own_mapping(d):
    class Own(collections.abc.MutableMapping):
        def __init__(self):
            self.held = dict(d)

        def __getitem__(self, key):
            return self.held[key]

        def __setitem__(self, key, value):
            self.held[key] = value

        def __delitem__(self, key):
            del self.held[key]

        def __iter__(self):
            return iter(self.held)

        def __len__(self):
            return len(self.held)

    return Own()


def dictionary(read):
    def of(v):
        o = {"k": v}
        return read(o), lambda new: o.__setitem__("k", new)

    WAYS[read.__name__.strip("_")] = of
    return read


@dictionary
def dict_get(o):
    return lambda: o.get("k")


@dictionary
def dict_values(o):
    return lambda: list(o.values())[0]


@dictionary
def dict_view(o):
    values = o.values()
    return lambda: next(iter(values))


@dictionary
def dict_merged(o):
    return lambda: (o | {"a": 1})["k"]


@dictionary
def dict_unpacked(o):
    return lambda: {**o}["k"]


@dictionary
def dict_as_keywords(o):
    return lambda: (lambda k: k)(**o)


@dictionary
def dict_by_proxy(o):
    p = types.MappingProxyType(o)
    return lambda: p["k"]


@dictionary
def dict_setdefault(o):
    return lambda: o.setdefault("k", 9)


@dictionary
def dict_matched(o):
    def read():
        match o:
            case {"k": k}:
                return k

    return read


@dictionary
def dict_in_a_template(o):
    return lambda: int(string.Template("$k").substitute(o))


@dictionary
def dict_formatted(o):
    return lambda: int("{k}".format_map(o))


@way
def dict_in_order(v):
    o = dict.fromkeys([v, 9])

    def put(new):
        o.clear()
        o.update(dict.fromkeys([new, 9]))

    return (lambda: next(iter(o))), put


@way
def key_in_a_set(v):
    o = {v}

    def put(new):
        o.clear()
        o.add(new)

    return (lambda: 2 if 2 in o else 1), put


@way
def set_gone_through(v):
    o = {v}

    def put(new):
        o.clear()
        o.add(new)

    return (lambda: sum(o)), put


@way
def set_operation(v):
    o = {v}

    def put(new):
        o.clear()
        o.add(new)

    return (lambda: max(o & {1, 2, 3})), put


@way
def deque(v):
    o = collections.deque([v])
    return (lambda: o[0]), lambda new: o.__setitem__(0, new)


@way
def deque_gone_through(v):
    o = collections.deque([v], maxlen=1)
    return (lambda: sum(o)), o.append


@way
def user_list(v):
    o = collections.UserList([v])
    return (lambda: o[0]), lambda new: o.__setitem__(0, new)


@way
def array_of_python(v):
    o = array.array("i", [v])
    return (lambda: o[0]), lambda new: o.__setitem__(0, new)


@way
def array_of_python_summed(v):
    o = array.array("i", [v])
    return (lambda: sum(o)), lambda new: o.__setitem__(0, new)


@way
def byte_array(v):
    o = bytearray([v])
    return (lambda: o[0]), lambda new: o.__setitem__(0, new)


@way
def memory_view(v):
    o = bytearray([v])
    m = memoryview(o)
    return (lambda: m[0]), lambda new: o.__setitem__(0, new)


@way
def bisected(v):
    import bisect

    o = [v]
    return (lambda: 2 - bisect.bisect_left(o, 2) + (o == [3])), lambda new: o.__setitem__(0, new)


@way
def config_parser(v):
    o = configparser.ConfigParser()
    o["a"] = {"k": str(v)}
    return (lambda: o.getint("a", "k")), lambda new: o.set("a", "k", str(new))


@way
def regular_expression(v):
    text = f"k={v}"

    def put(new):
        nonlocal text
        text = f"k={new}"

    return (lambda: int(re.search(r"k=(\d)", text).group(1))), put


@way
def fraction(v):
    o = fractions.Fraction(v, 1)

    def put(new):
        nonlocal o
        o = fractions.Fraction(new, 1)

    return (lambda: o.numerator), put


@way
def decimal_(v):
    o = decimal.Decimal(v)

    def put(new):
        nonlocal o
        o = decimal.Decimal(new)

    return (lambda: int(o)), put


@way
def time_delta(v):
    o = datetime.timedelta(days=v)

    def put(new):
        nonlocal o
        o = datetime.timedelta(days=new)

    return (lambda: o.days), put


@way
def remembered(v):
    box = Box(v)

    @functools.lru_cache
    def get():
        return box.k

    def put(new):
        box.k = new
        get.cache_clear()

    return (lambda: get()), put


@way
def remembered_and_filled_elsewhere(v):
    box = Box(v)

    @functools.cache
    def get():
        return box.k

    def put(new):
        box.k = new
        get.cache_clear()
        get()

    return (lambda: get()), put


@way
def single_dispatch(v):
    @functools.singledispatch
    def get(o):
        return 7

    def put(new):
        get.register(Box, lambda o: new)

    put(v)
    box = Box()
    return (lambda: get(box)), put


# --- arrays -------------------------------------------------------------------------------------


def arrayed(read):
    """A way by an array of integers that is written in place."""

    def of(v):
        a = np.array([v, v])
        return read(a), lambda new: a.__setitem__(slice(None), new)

    WAYS[f"array {read.__name__.strip('_')}"] = of
    return read


@arrayed
def element(a):
    return lambda: int(a[0])


@arrayed
def element_as_it_is(a):
    return lambda: a[0]


@arrayed
def element_of_a_slice(a):
    return lambda: int(a[1:][0])


@arrayed
def element_of_a_view(a):
    view = a[::-1].reshape(2, 1)
    return lambda: int(view[0, 0])


@arrayed
def maximum(a):
    return lambda: int(a.max())


@arrayed
def numpy_max(a):
    return lambda: int(np.max(a))


@arrayed
def item(a):
    return lambda: a.item(0)


@arrayed
def to_list(a):
    return lambda: a.tolist()[0]


@arrayed
def gone_through(a):
    def read():
        for k in a:
            return int(k)

    return read


@arrayed
def unpacked(a):
    def read():
        k, _ = a
        return int(k)

    return read


@arrayed
def compared(a):
    return lambda: 2 if (a > 1).all() else 1


@arrayed
def computed_with(a):
    return lambda: int((a * 2).sum() // 4)


@arrayed
def doubled_as_an_operand(a):
    return lambda: a[0] * 1


@arrayed
def copied_first(a):
    return lambda: int(a.copy()[0])


@arrayed
def converted(a):
    return lambda: int(a.astype(np.float64)[0])


@arrayed
def transposed(a):
    return lambda: int(a.T[0])


@arrayed
def flat(a):
    return lambda: int(a.flat[0])


@arrayed
def stacked(a):
    return lambda: int(np.stack([a, a])[0, 0])


@arrayed
def counted_nonzero(a):
    return lambda: int(np.count_nonzero(a > 1)) // 2 + 1


@arrayed
def in_a_list_of_arrays(a):
    held = [a]
    return lambda: int(held[0][0])


@arrayed
def handed_to_python(a):
    return lambda: max(a)


@arrayed
def sorted_copy(a):
    return lambda: int(np.sort(a)[0])


@arrayed
def written_into_one_made_inside(a):
    def read():
        b = np.zeros(2, int)
        b[0] = a[0]
        b[1] += b[0]
        return int(b[1])

    return read


@arrayed
def summed_by_reduce(a):
    return lambda: int(np.add.reduce(a)) // 2


@arrayed
def viewed_as_bytes(a):
    return lambda: a.tobytes()[0]


@arrayed
def unique(a):
    return lambda: int(np.unique(a)[0])


@way
def array_of_zero_axes(v):
    a = np.array(v)
    return (lambda: int(a)), lambda new: a.__setitem__((), new)


@way
def array_of_objects(v):
    a = np.array([v, None], object)
    return (lambda: a[0]), lambda new: a.__setitem__(0, new)


@way
def shape_of_an_array(v):
    o = Box(np.zeros(v))
    return (lambda: o.k.shape[0]), lambda new: setattr(o, "k", np.zeros(new))


@way
def shape_of_an_array_that_is_changed(v):
    a = np.zeros(6)
    a.resize((v, 6 // v), refcheck=False)
    return (lambda: a.shape[0]), lambda new: a.resize((new, 6 // new), refcheck=False)


@way
def record_array(v):
    a = np.array([(v, 0.0)], [("k", int), ("w", float)])
    return (lambda: int(a["k"][0])), lambda new: a["k"].__setitem__(0, new)


@way
def masked_by_a_flag(v):
    flags = np.array([v > 1])

    def put(new):
        flags[0] = new > 1

    return (lambda: 2 if flags[0] else 1), put


# --- what gives an old object ---------------------------------------------------------------------


@way
def singleton(v):
    class Single:
        one = None

        def __new__(cls):
            if cls.one is None:
                cls.one = super().__new__(cls)
                cls.one.k = v
            return cls.one

        def __init__(self):
            pass

    return (lambda: Single().k), lambda new: setattr(Single(), "k", new)


@way
def singleton_by_a_metaclass(v):
    class Meta(type):
        ones = {}

        def __call__(cls):
            if cls not in Meta.ones:
                Meta.ones[cls] = super().__call__()
            return Meta.ones[cls]

    class Single(metaclass=Meta):
        def __init__(self):
            self.k = v

    return (lambda: Single().k), lambda new: setattr(Single(), "k", new)


@way
def list_that_an_operator_gives(v):
    class Kind:
        held = [v]

        def __add__(self, other):
            return self.held

    o = Kind()
    return (lambda: (o + 1)[0]), lambda new: Kind.held.__setitem__(0, new)


@way
def array_that_array_gives(v):
    class Kind:
        def __init__(self):
            self.held = np.array([v])

        def __array__(self, dtype=None, copy=None):
            return self.held

    o = Kind()
    return (lambda: int(np.asarray(o)[0])), lambda new: o.held.__setitem__(0, new)


@way
def list_that_a_module_gives(v):
    class Holder(nn.Module):
        def __init__(self):
            self.held = [v]

        def forward(self, x):
            return self.held

    m = Holder()
    return (lambda: m(1)[0]), lambda new: m.held.__setitem__(0, new)


@way
def dict_of_an_object_that_is_replaced(v):
    o = Box(v)
    return (lambda: vars(o)["k"]), lambda new: setattr(o, "__dict__", {"k": new})


@way
def class_that_is_asked_for(v):
    kinds = [type(f"Kind{k}", (Box,), {}) for k in range(4)]
    o = kinds[v]()
    return (
        lambda: next(k for k in range(4) if isinstance(o, kinds[k])),
        lambda new: setattr(o, "__class__", kinds[new]),
    )


@way
def record(v):
    a = np.array([(v, 0.0)], [("k", int), ("w", float)])
    return (lambda: int(a[0]["k"])), lambda new: a["k"].__setitem__(0, new)


@way
def precision_of_decimals(v):
    context = decimal.getcontext()
    context.prec = v + 3

    def put(new):
        context.prec = new + 3

    return (lambda: len(str(decimal.Decimal(1) / 3)) - 5), put


@way
def many_entries(v):
    o = [0] * 1000
    o[777] = v
    return (lambda: sum(o[i] for i in range(1000))), lambda new: o.__setitem__(777, new)


@way
def many_elements(v):
    a = np.zeros(1000, int)
    a[777] = v
    return (lambda: int(sum(a[i] for i in range(1000)))), lambda new: a.__setitem__(777, new)


@way
def many_keys(v):
    o = {str(i): 0 for i in range(1000)}
    o["777"] = v
    return (
        lambda: sum(o[str(i)] for i in range(1000)),
        lambda new: o.__setitem__("777", new),
    )


@way
def many_objects(v):
    o = [Box(0) for _ in range(1000)]
    o[777].k = v
    return (lambda: sum(c.k for c in o)), lambda new: setattr(o[777], "k", new)


@way
def kept_in_a_cache(v):
    box, cache = Box(v), {}

    def read():
        if box.k not in cache:
            cache[box.k] = [box.k]
        return cache[box.k][0]

    return read, lambda new: setattr(box, "k", new)


@way
def missing(v):
    class Kind(dict):
        def __missing__(self, key):
            return self.other

    o = Kind()
    o.other = v
    return (lambda: o["k"]), lambda new: setattr(o, "other", new)


@way
def vectorized(v):
    box = Box(v)
    return (
        lambda: int(np.vectorize(lambda n: n * box.k)(np.ones(2, int))[0]),
        lambda new: setattr(box, "k", new),
    )


@way
def bound_get_as_a_key(v):
    o = {"a": 1.5, "b": v}
    return (
        lambda: 1 if min(o, key=o.get) == "b" else 2,
        lambda new: o.__setitem__("b", new),
    )


@way
def counter_of_its_own(v):
    o = Box(v)

    def read():
        o.calls = getattr(o, "calls", 0) * 0
        return o.k

    return read, lambda new: setattr(o, "k", new)


@way
def interned_constant(v):
    o = Box(float(v))
    return (lambda: int(o.k)), lambda new: setattr(o, "k", float(new))


@way
def grouped(v):
    o = [v, v]
    return (lambda: next(sum(g) // 2 for _, g in itertools.groupby(o))), lambda new: o.__setitem__(
        slice(None), [new, new]
    )


@way
def text_of_a_dataclass(v):
    o = Options(v)
    return (lambda: int(re.search(r"k=(\d)", repr(o)).group(1))), lambda new: setattr(o, "k", new)


# --- records, objects of NumPy's own, settings ----------------------------------------------------


def recorded(read):
    """A way by a record that was taken out of its array before, whose memory it shares."""

    def of(v):
        a = np.zeros(2, [("k", int), ("w", float)]).view(np.recarray)
        a["k"] = v
        return read(a[0]), lambda new: a["k"].__setitem__(slice(None), new)

    WAYS[f"record {read.__name__.strip('_')}"] = of
    return read


@recorded
def field(r):
    return lambda: int(r["k"])


@recorded
def field_by_attribute(r):
    return lambda: int(r.k)


@recorded
def as_a_tuple(r):
    return lambda: r.item()[0]


@recorded
def unpacked_record(r):
    def read():
        k, _ = r
        return int(k)

    return read


@recorded
def handed_to_a_getter(r):
    return lambda: sum(map(operator.itemgetter("k"), [r]))


@way
def polynomial(v):
    p = np.polynomial.Polynomial([v, 0.0])
    return (lambda: int(p(0.0))), lambda new: p.coef.__setitem__(0, new)


@way
def polynomial_of_old(v):
    p = np.poly1d([v])
    return (lambda: int(p(0))), lambda new: p.coeffs.__setitem__(0, new)


@way
def length_of_a_polynomial(v):
    p = np.polynomial.Polynomial([1] * v)
    return (lambda: len(p)), lambda new: setattr(p, "coef", np.ones(new))


@way
def attribute_of_a_subclass_of_arrays(v):
    a = np.ones(1).view(type("A", (np.ndarray,), {}))
    a.k = v
    return (lambda: a.k), lambda new: setattr(a, "k", new)


@way
def list_in_an_array_of_objects(v):
    a = np.array([[v], [0, 0]], object)
    held = a[0]
    return (lambda: sum(map(sum, a))), lambda new: held.__setitem__(0, new)


@way
def array_in_an_array_of_objects(v):
    a, inner = np.empty(1, object), np.array([v])
    a[0] = inner
    return (lambda: int(a[0].max())), lambda new: inner.__setitem__(0, new)


def array_out_of_a_list(read):
    """A way by an array that stays the old one where the list that it is in is made anew."""

    def of(v):
        a = np.array([v])
        held = [a, np.array([0])]
        return (lambda: int(read(held).max())), lambda new: a.__setitem__(0, new)

    WAYS[f"array {read.__name__.strip('_')}"] = of
    return read


@array_out_of_a_list
def of_a_slice_of_a_list(o):
    return o[:1][0]


@array_out_of_a_list
def of_added_lists(o):
    return (o + [1])[0]


@array_out_of_a_list
def of_a_repeated_list(o):
    return (o * 2)[2]


@array_out_of_a_list
def of_a_starred_rest(o):
    *a, _ = o
    return a[0]


def printed(text):
    """A way by NumPy's print options."""

    def of(v):
        def put(new):
            np.set_printoptions(precision=new)

        put(v)
        a = np.array([1 / 3])
        return (lambda: text(a).count("3")), put

    WAYS[f"printed {text.__name__.strip('_')}"] = of
    return text


@printed
def by_str(a):
    return str(a)


@printed
def by_repr_of_a_list(a):
    return repr([a])


@printed
def by_an_f_string(a):
    return f"{a}"


@printed
def by_percent(a):
    return "%s" % a


@printed
def by_format(a):
    return "{}".format(a)


@printed
def by_map(a):
    return "".join(map(str, [a]))


@printed
def by_array2string(a):
    return np.array2string(a)


@way
def print_options(v):
    np.set_printoptions(precision=v)
    return (
        lambda: np.get_printoptions()["precision"],
        lambda new: np.set_printoptions(precision=new),
    )


@way
def error_state(v):
    def put(new):
        np.seterr(over="warn" if new > 1 else "ignore")

    put(v)
    return (lambda: 2 if np.geterr()["over"] == "warn" else 1), put


# --- what classes and caches are asked ------------------------------------------------------------


@way
def registered_with_an_abstract_class(v):
    import abc

    kinds = [abc.ABCMeta(f"I{k}", (), {}) for k in range(4)]
    held = Box()

    def put(new):
        kind = type("Kind", (), {})
        kinds[new].register(kind)
        held.k = kind()

    put(v)
    one = held.k

    def later(new):
        if new > 1:
            kinds[new].register(type(one))

    return (lambda: next((k for k in (3, 2) if isinstance(one, kinds[k])), 1)), later


@way
def bases_that_are_replaced(v):
    kinds = [type(f"Kind{k}", (), {}) for k in range(4)]
    kind = type("Derived", (kinds[v],), {})
    o = kind()
    return (
        lambda: next(k for k in range(4) if isinstance(o, kinds[k]) and issubclass(kind, kinds[k])),
        lambda new: setattr(kind, "__bases__", (kinds[new],)),
    )


@way
def whether_it_can_be_called(v):
    class Kind:
        pass

    def put(new):
        if new > 1:
            Kind.__call__ = lambda self: 1
        elif "__call__" in Kind.__dict__:
            del Kind.__call__

    o = Kind()
    return (lambda: 2 if callable(o) else 1), put


@way
def cache_info(v):
    @functools.lru_cache
    def get(n):
        return n

    def put(new):
        get.cache_clear()
        for n in range(new):
            get(n)

    put(v)
    return (lambda: get.cache_info().currsize), put


@way
def weak_reference_that_dies(v):
    held = [Box(), Box()]
    refs = [weakref.ref(o) for o in held]

    def put(new):
        if new > 1 and held:
            held.pop()

    return (lambda: 1 + sum(r() is None for r in refs)), put


@way
def config_that_wraps_what_it_gives(v):
    class Config(dict):
        def __getattr__(self, name):
            value = self[name]
            return Config(value) if isinstance(value, dict) else value

    o = Config(a={"b": {"k": v}})
    return (lambda: o.a.b.k), lambda new: o["a"]["b"].__setitem__("k", new)


@way
def getattr_in_c(v):
    held = {"k": v}
    o = type("Kind", (), {"__getattr__": staticmethod(held.__getitem__)})()
    return (lambda: o.k), lambda new: held.__setitem__("k", new)


# --- what a call makes and changes itself: right, and not captured anew ----------------------------


@boxed
def total_in_an_attribute(o):
    top = Box()

    def read():
        top.total = 0
        for _ in range(2):
            top.total += o.k
        return top.total // 2

    return read


@boxed
def set_and_deleted(o):
    def read():
        o.other = 7
        del o.other
        return o.k

    return read


@way
def set_where_that_is_refused(v):
    o = Frozen(v)

    def read():
        with contextlib.suppress(dataclasses.FrozenInstanceError):
            o.k = 7
        return o.k

    return read, lambda new: object.__setattr__(o, "k", new)


@listed
def slice_that_is_changed(o):
    def read():
        c = o[:]
        c.append(0)
        return c.pop(0)

    return read


@listed
def starred_rest_that_is_changed(o):
    def read():
        *c, _ = [*o, 0]
        return c.pop()

    return read


@listed
def group_that_is_filled(o):
    def read():
        groups = collections.defaultdict(list)
        for k in o:
            groups[0].append(k)
        return groups[0].pop()

    return read
