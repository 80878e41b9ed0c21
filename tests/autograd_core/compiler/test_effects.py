"""What a step does to objects of Python at each call, what ends inside of it, and errors that it catches.

Each program is made twice: one is compiled, the other runs as it is, and both give the same at every
call, or the compiled one is refused by name.
"""

# Each form is written as somebody may write it.
# ruff: noqa: SIM105

from __future__ import annotations

import array
import bisect
import collections
import contextlib
import decimal
import functools
import heapq
import importlib
import operator
import queue
import sys
import types
import warnings
import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

X = np.array([1.0, 2.0])
PROGRAMS = {}


def program(function):
    """A function that makes a step, or a step and what happens before its k-th call."""
    PROGRAMS[function.__name__.strip("_")] = function
    return function


def grows(make, act, read=len):
    """A container, what a step does to it, and what it reads of it afterwards."""

    def made():
        o = make()

        def f(x):
            act(o)
            return ag.tensor(x) * read(o)

        return f

    return made


ONE = functools.partial(list, (1.0,))
NINE = functools.partial(list, (1.0,) * 9)
PROGRAMS |= {
    "append": grows(ONE, lambda o: o.append(2.0)),
    "append and sum": grows(ONE, lambda o: o.append(2.0), sum),
    "append and a look": grows(ONE, lambda o: o.append(len([1, 2, 3])), lambda o: o[-1] + o[0]),
    "append, unbound": grows(ONE, lambda o: list.append(o, 2.0)),
    "append by map": grows(ONE, lambda o: list(map(o.append, [1, 2]))),
    "append by a partial": grows(ONE, lambda o: functools.partial(o.append, 2)()),
    "append by name": grows(ONE, lambda o: operator.methodcaller("append", 2)(o)),
    "extend": grows(ONE, lambda o: o.extend([2.0, 3.0])),
    "insert": grows(ONE, lambda o: o.insert(0, 2.0)),
    "plus": grows(ONE, lambda o: operator.iadd(o, [2.0])),
    "iconcat": grows(ONE, lambda o: operator.iconcat(o, [2.0])),
    "slice at the front": grows(ONE, lambda o: o.__setitem__(slice(0, 0), [2.0])),
    "setitem of a slice": grows(ONE, lambda o: operator.setitem(o, slice(0, 0), [2.0])),
    "delitem": grows(NINE, lambda o: operator.delitem(o, 0)),
    "pop": grows(NINE, lambda o: o.pop()),
    "reverse": grows(lambda: [1.0, 2.0], lambda o: o.reverse(), lambda o: o[0]),
    "heap": grows(ONE, lambda o: heapq.heappush(o, 0.5)),
    "insort": grows(ONE, lambda o: bisect.insort(o, 0.5)),
    "deque": grows(
        lambda: collections.deque([1.0, 2.0], 2), lambda o: o.append(3.0), lambda o: o[0]
    ),
    "rotate": grows(lambda: collections.deque([1.0, 2.0]), lambda o: o.rotate(1), lambda o: o[0]),
    "array": grows(lambda: array.array("d", [1.0]), lambda o: o.append(2.0)),
    "bytes": grows(lambda: bytearray(b"a"), lambda o: o.extend(b"bc")),
    "user's list": grows(lambda: type("L", (list,), {})([1.0]), lambda o: o.append(2.0)),
    "UserList": grows(lambda: collections.UserList([1.0]), lambda o: o.append(2.0)),
    "queue": grows(queue.Queue, lambda o: o.put(1), lambda o: o.qsize()),
    "counter": grows(collections.Counter, lambda o: o.update("a"), lambda o: o["a"]),
    "set of objects": grows(set, lambda o: o.add(object())),
    "key that is an object": grows(dict, lambda o: o.__setitem__(object(), 1)),
    "update by an object": grows(dict, lambda o: o.update({object(): 1})),
    "popitem": grows(lambda: dict.fromkeys(range(9), 1.0), lambda o: o.popitem()),
    "add.at": grows(lambda: np.ones(2), lambda o: np.add.at(o, [0], 1.0), lambda o: float(o[0])),
    "out=": grows(lambda: np.ones(2), lambda o: np.multiply(o, 2, out=o), lambda o: float(o[0])),
    "put": grows(lambda: np.ones(2), lambda o: o.put([0], o[0] + 1), lambda o: float(o[0])),
    "sort": grows(lambda: np.array([2.0, 1.0]), lambda o: o.sort(), lambda o: float(o[0])),
}


@program
def _slice_store():
    entries = [1.0]

    def f(x):
        entries[9:] = [2.0]
        return ag.tensor(x) * sum(entries)

    return f


@program
def _delete_item_key_attribute_name():
    entries, table, box = [1.0] * 9, {"k": 1.0}, types.SimpleNamespace(k=1.0)
    space = {"ag": ag, "K": 1.0}
    exec("def named(x):\n    global K\n    del K\n    return ag.tensor(x)", space)

    def f(x):
        del entries[0:1]
        y = ag.tensor(x) * len(entries)
        for act in (
            lambda: table.__delitem__("k"),
            lambda: delattr(box, "k"),
            lambda: space["named"](x),
        ):
            try:
                act()
            except (KeyError, AttributeError, NameError):
                y = y * 2.0
        return y

    return f


@pytest.mark.parametrize("kind", ["entry", "attribute", "slot", "cell"])
def test_what_is_deleted_is_gone_at_the_second_call(kind):
    class Slotted:
        __slots__ = ("k",)

    table, box, slotted, k = {"k": 1.0}, types.SimpleNamespace(k=1.0), Slotted(), 1.0
    slotted.k = 1.0

    def f(x):
        nonlocal k
        if kind == "entry":
            del table["k"]
        elif kind == "attribute":
            del box.k
        elif kind == "slot":
            del slotted.k
        else:
            del k
        return ag.tensor(x) * 2.0

    step = ag.jit(f, backend="numpy")
    assert step(X).tolist() == [2, 4]
    with pytest.raises((KeyError, AttributeError, NameError)):
        step(X)


# --- what ends --------------------------------------------------------------------------------


def _ending(table):
    class Ending:
        def __del__(self):
            table["k"] = table.get("k", 0.0) + 2.0

    return Ending


@program
def _ends_by_del():
    table = {}
    kind = _ending(table)

    def f(x):
        table["k"] = 1.0
        o = kind()
        o.note = 1
        del o
        return ag.tensor(x) * table["k"]

    return f


@program
def _ends_at_once():
    log = []
    kind = type("Ending", (), {"__del__": lambda self: log.append(1)})

    def f(x):
        kind()
        return ag.tensor(x) * len(log)

    return f


@program
def _ends_with_the_call():
    table = {}
    kind = _ending(table)

    def f(x):
        o = kind()  # noqa: F841
        return ag.tensor(x) * table.get("k", 1.0)

    return f


@program
def _ends_in_a_list():
    table = {}
    kind = _ending(table)

    def f(x):
        table["k"] = 1.0
        held = [kind()]
        del held
        return ag.tensor(x) * table["k"]

    return f


@program
def _a_weak_reference_to_what_ends():
    class Thing:
        pass

    def f(x):
        o = Thing()
        r = weakref.ref(o)
        del o
        return ag.tensor(x) * (2.0 if r() is None else 3.0)

    return f


class Thing:
    def __init__(self, k):
        self.k = k

    def scale(self):
        return self.k


def weakly(make, read):
    """Things, a weak container of them, and what a step reads; they are let go before its second call."""

    def made():
        things = [Thing(2.0), Thing(3.0)]
        weak = make(things)
        return (
            lambda x: ag.tensor(x) * (1.0 + read(weak)),
            lambda k: things[-1:] and things.pop(),
        )

    return made


PROGRAMS |= {
    "weak set": weakly(weakref.WeakSet, lambda w: sum(o.k for o in w)),
    "weak set, its length": weakly(weakref.WeakSet, len),
    "weak values": weakly(
        lambda things: weakref.WeakValueDictionary(enumerate(things)),
        lambda w: sum(o.k for o in w.values()),
    ),
    "weak value": weakly(
        lambda things: weakref.WeakValueDictionary(enumerate(things)),
        lambda w: w[1].k if 1 in w else 9.0,
    ),
    "weak value by get": weakly(
        lambda things: weakref.WeakValueDictionary(enumerate(things)),
        lambda w: getattr(w.get(1), "k", 7.0),
    ),
    "weak keys": weakly(
        lambda things: weakref.WeakKeyDictionary((o, o.k) for o in things),
        lambda w: sum(w.values()),
    ),
    "weak references": weakly(
        lambda things: [weakref.ref(o) for o in things],
        lambda w: sum(o.scale() for r in w if (o := r()) is not None),
    ),
    "weak methods": weakly(
        lambda things: [weakref.WeakMethod(o.scale) for o in things],
        lambda w: sum(m() for r in w if (m := r()) is not None),
    ),
}


@program
def _weak_modules():
    layers = [nn.Tanh()]
    weak = weakref.WeakSet(layers)

    def f(x):
        y = ag.tensor(x)
        for layer in weak:
            y = layer(y)
        return y

    def before(k):
        if k % 2:
            layers.clear()
        else:
            layers.append(nn.Softplus())
            weak.add(layers[0])

    return f, before


# --- errors that are caught -------------------------------------------------------------------

ZERO = np.float64(0.0)
LARGE = np.full(2, 1e308)


def catching(act, kind):
    def made():
        def f(x):
            try:
                act()
                k = 2.0
            except kind:
                k = 3.0
            return ag.tensor(x) * k

        return f, lambda k: np.seterr(all="raise" if k % 2 else "ignore")

    return made


PROGRAMS |= {
    "an operator raises": catching(lambda: 1 / ZERO, FloatingPointError),
    "an array raises": catching(lambda: LARGE * LARGE, ArithmeticError),
    "a method raises": catching(lambda: LARGE.sum(), Exception),
    "a function raises": catching(lambda: np.log(ZERO), FloatingPointError),
    "a helper raises": catching(lambda: [np.multiply(a, a) for a in (LARGE,)], FloatingPointError),
    "reduce raises": catching(lambda: np.add.reduce(LARGE), FloatingPointError),
}


def suppressing(context):
    def made():
        def f(x):
            k = 2.0
            with context():
                1 / ZERO
                k = 3.0
            return ag.tensor(x) * k

        return f, lambda k: np.seterr(all="raise" if k % 2 else "ignore")

    return made


@contextlib.contextmanager
def _swallows():
    try:
        yield
    except FloatingPointError:
        pass


class Swallows:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return True


PROGRAMS |= {
    "suppress": suppressing(lambda: contextlib.suppress(FloatingPointError)),
    "a generator swallows": suppressing(_swallows),
    "an object swallows": suppressing(Swallows),
}


@program
def _warnings_that_are_errors():
    def f(x):
        try:
            1 / ZERO
            k = 2.0
        except RuntimeWarning:
            k = 3.0
        return ag.tensor(x) * k

    return f, lambda k: warnings.simplefilter("error" if k % 2 else "ignore")


@program
def _decimal_traps():
    def f(x):
        try:
            decimal.Decimal(1) / decimal.Decimal(0)
            k = 2.0
        except decimal.DivisionByZero:
            k = 3.0
        return ag.tensor(x) * k

    def before(k):
        decimal.getcontext().traps[decimal.DivisionByZero] = bool(k % 2)

    return f, before


@program
def _no_such_name():
    space = {"ag": ag}
    exec(
        "def f(x):\n    try:\n        k = K\n    except NameError:\n        k = 1.0\n    return ag.tensor(x) * k",
        space,
    )
    return space["f"], lambda k: space.__setitem__("K", float(k))


@program
def _no_such_module():
    name = "gradproof_test_of_no_module"

    def f(x):
        try:
            return ag.tensor(x) * importlib.import_module(name).k
        except ImportError:
            return ag.tensor(x)

    def before(k):
        sys.modules[name] = types.SimpleNamespace(k=float(k))

    return f, before


@program
def _no_such_module_in_a_statement():
    space = {"ag": ag}
    exec(
        "def f(x):\n    try:\n        import gradproof_test_of_no_module as m\n    except ImportError:\n"
        "        return ag.tensor(x)\n    return ag.tensor(x) * m.k",
        space,
    )

    def before(k):
        sys.modules["gradproof_test_of_no_module"] = types.SimpleNamespace(k=float(k))

    return space["f"], before


REFUSED = {"ends_in_a_list": r"has __del__, and keeps it in a container.*End it outside"}


@pytest.fixture(autouse=True)
def _as_it_was():
    before = sys.modules.copy()
    with np.errstate(all="ignore"), decimal.localcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]


def _made(name):
    made = PROGRAMS[name]()
    return made if isinstance(made, tuple) else (made, lambda k: None)


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_python_does(name):
    (one, before), (two, also) = _made(name), _made(name)
    step = ag.jit(one, backend="numpy")
    if name in REFUSED:
        with pytest.raises(ag.CaptureError, match=REFUSED[name]):
            step(X)
        return
    for k in range(4):
        if k:
            before(k)
            also(k)
        assert step(X).tolist() == two(X).tolist()


def test_a_step_that_only_keeps_its_losses_is_captured_once():
    losses, table = [], {}

    def f(x):
        loss = ag.sum(ag.tensor(x))
        losses.append(loss)
        table["loss"] = loss
        return loss

    step = ag.jit(f, backend="numpy")
    step(X)
    entry = step._last
    for _ in range(3):
        step(X)
        assert step._last is entry


@pytest.mark.parametrize("name", ["state_dict", "load_state_dict"])
def test_the_state_of_an_optimizer_is_not_of_one_moment(name):
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    state = optimizer.state_dict()

    def f(x):
        getattr(optimizer, name)(*([state] if name.startswith("load") else []))
        return ag.sum(w * x)

    with pytest.raises(ag.CaptureError, match=f"{name}: called inside of a compiled step"):
        ag.jit(f, backend="numpy")(X)
