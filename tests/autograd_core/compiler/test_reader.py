"""What a compiled function cannot depend on is refused, with the place and a remedy."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import itertools
import os
import random
import secrets
import sys
import threading
import time
import uuid
import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.compiler import instructions, operand_stack

X = np.array([1.0, 2.0, 3.0])
RNG = np.random.default_rng(0)
OUTSIDE = iter([1, 2, 3])
GENERATOR = (n for n in range(100))
COUNT = itertools.count()
DRAWN = random.Random(0)
TEXT = io.StringIO("1 2 3")


def compiled(function):
    return ag.jit(function, backend="numpy")


def _times(number):
    return lambda x: ag.tensor(x) * number()


class Noise(nn.Module):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        return x + self.rng.normal(size=x.shape)


def _by_default(x, rng=RNG):
    return x * rng.normal()


def _within(x):
    with open(__file__) as file:
        return ag.tensor(x) * len(file.read())


def _thread(x):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return ag.tensor(x)


def _traced(x):
    sys.settrace(None)
    return ag.tensor(x) * 2


REFUSED = {
    "time.time": (_times(time.time), "time.time"),
    "time.perf_counter": (_times(lambda: time.perf_counter()), "time.perf_counter"),
    "time.monotonic_ns": (_times(lambda: 0 * time.monotonic_ns()), "time.monotonic_ns"),
    "datetime.now": (_times(lambda: dt.datetime.now().year), "now"),
    "date.today": (_times(lambda: dt.date.today().year), "today"),
    "urandom": (_times(lambda: os.urandom(1)[0]), "urandom"),
    "secrets": (_times(lambda: secrets.randbelow(5)), "calls"),
    "uuid": (_times(lambda: uuid.uuid4().int % 7), "calls"),
    "open": (_within, "open"),
    "input": (_times(lambda: input()), "input"),
    "os.stat": (_times(lambda: os.stat(__file__).st_size), "os.stat"),
    "os.listdir": (_times(lambda: len(os.listdir("."))), "os.listdir"),
    "breakpoint": (_times(lambda: breakpoint() or 1), "breakpoint"),
    "random.random": (_times(random.random), "random numbers were drawn from random"),
    "random.gauss": (_times(lambda: random.gauss(0, 1)), "random numbers were drawn from random"),
    "random.choice": (_times(lambda: random.choice([1, 2])), "random numbers were drawn from"),
    "a Random of one's own": (_times(lambda: DRAWN.random()), "drawn from Random"),
    "a Random made inside": (_times(lambda: random.Random().random()), "without a seed"),
    "numpy.random": (_times(lambda: np.random.rand()), "drawn from numpy.random"),  # noqa: NPY002 - what is refused
    "a generator": (_times(lambda: RNG.normal()), "drawn from Generator"),
    "a generator as a method": (_times(RNG.normal), "drawn from"),
    "a generator in a list": ((lambda held: lambda x: x * held[0].normal())([RNG]), "Generator"),
    "a generator in a dict": (
        (lambda held: lambda x: x * held["rng"].normal())({"rng": RNG}),
        "Generator",
    ),
    "a generator by default": (_by_default, "Generator"),
    "a generator in a partial": (functools.partial(lambda g, x: x * g.normal(), RNG), "Generator"),
    "a generator of a module": (Noise(), "Generator"),
    "a generator made inside": (
        lambda x: x * np.random.default_rng().normal(size=3),
        "without a seed",
    ),
    "a seed drawn from a generator": (
        lambda x: x * np.random.default_rng(RNG).normal(size=3),
        "random numbers",
    ),
    "a generator that a layer is given": (
        lambda x: nn.Dropout(0.5, rng=RNG)(x),
        "buffer is made inside|random numbers",
    ),
    "an iterator": (_times(lambda: next(OUTSIDE)), "made outside"),
    "an iterator that is gone through": (_times(lambda: sum(OUTSIDE)), "made outside"),
    "a generator expression": (_times(lambda: next(GENERATOR)), "made outside"),
    "an endless iterator": (_times(lambda: next(COUNT)), "made outside"),
    "a file in memory": (_times(lambda: len(TEXT.read())), "StringIO"),
    "a thread": (_thread, "thread"),
    "a tracer": (_traced, "settrace"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_watched(case):
    function, said = REFUSED[case]
    with pytest.raises(ag.CaptureError, match=said) as caught:
        compiled(function)(X)
    text = str(caught.value)
    assert "jit" in text
    assert "as an argument" in text or "inside" in text or "outside" in text or "__init__" in text
    if case != "a generator that a layer is given":
        assert ".py:" in text  # where
    assert sys.gettrace() is None


def test_a_generator_is_left_as_it_was():
    rng, twin = np.random.default_rng(5), np.random.default_rng(5)
    with pytest.raises(ag.CaptureError):
        compiled(
            lambda x: (
                ag.tensor(x) * nn.initializers.normal()(rng, (3,)) if False else x * rng.normal()
            )
        )(X)
    assert rng.normal() == twin.normal()


def test_a_generator_with_a_seed_draws_the_same_at_each_call():
    def f(x):
        return ag.tensor(x) * np.random.default_rng(3).normal(size=3) + random.Random(3).random()

    step = compiled(f)
    for _ in range(3):
        np.testing.assert_array_equal(step(X).numpy(), f(X).numpy())


# --- swallowed ------------------------------------------------------------------------------------


def _branched(x):
    try:
        if ag.sum(x) > 0:
            return x * 2
    except Exception:  # noqa: BLE001 - what is refused
        pass
    return x * 3


def _suppressed(x):
    with contextlib.suppress(Exception):
        return x * float(ag.sum(x))
    return x * 3


def _clock(x):
    with contextlib.suppress(BaseException):
        return ag.tensor(x) * time.time()
    return ag.tensor(x) * 3


def _everything(x):
    try:
        return x * int(x[0])
    except BaseException:  # noqa: BLE001 - what is refused
        return x * 3


def _reworded(x):
    try:
        return x * time.time()
    except Exception as error:
        raise ValueError("no") from error


def _layer_inside(x):
    try:
        nn.Linear(3, 2, rng=np.random.default_rng(0))
    except ag.CaptureError:
        return x * 2
    return x * 3


@pytest.mark.parametrize(
    "function", [_branched, _suppressed, _clock, _everything, _reworded, _layer_inside]
)
def test_a_refusal_that_the_function_swallows(function):
    step = compiled(function)
    with pytest.raises(ag.CaptureError):
        step(ag.tensor(X))
    with pytest.raises(ag.CaptureError):
        step(ag.tensor(X))


def test_errors_of_the_function_are_its_own():
    def f(x):
        try:
            return x * {}["k"]
        except KeyError:
            return x * 2

    assert compiled(f)(X).tolist() == [2, 4, 6]
    with pytest.raises(ZeroDivisionError):
        compiled(lambda x: x * (1 / 0))(X)


# --- what is declared fixed -----------------------------------------------------------------------


class Box:
    def __init__(self, k):
        self.k = k


def test_what_is_declared_fixed_is_not_watched():
    box, table, array = Box([2.0]), {"a": [3.0]}, np.array([4.0, 5.0])
    for o in (box, table, array):
        assert ag.static(o) is o

    def f(x):
        return ag.tensor(x) * box.k[0] * table["a"][0] * float(array.max())

    step = compiled(f)
    assert step(X).tolist() == [30, 60, 90]
    box.k[0], table["a"][0] = 7.0, 7.0
    array[:] = 7
    assert step(X).tolist() == [30, 60, 90]
    assert compiled(f)(X).tolist() == [343, 686, 1029]


def test_a_function_that_is_declared_fixed():
    clock = ag.static(lambda: time.time())
    step = compiled(lambda x: ag.tensor(x) * clock())
    assert step(X).tolist() == step(X).tolist()
    loaded = ag.static(lambda: np.loadtxt(io.StringIO("1 2 3")))
    assert compiled(lambda x: ag.tensor(x) * loaded())(X).tolist() == [1, 4, 9]


def test_fixed_within_the_function():
    box = Box(2.0)
    step = compiled(lambda x: ag.tensor(x) * ag.static(box).k)
    assert step(X).tolist() == [2, 4, 6]
    box.k = 3.0
    assert step(X).tolist() == [2, 4, 6]
    assert ag.static(5) == 5
    assert ag.static("text") == "text"


def test_a_large_array_is_refused_or_declared_fixed():
    large = np.zeros(1 << 22)

    def f(x):
        return ag.tensor(x) * (1 + large.max())

    with pytest.raises(ag.CaptureError, match=r"33,554,432 bytes.*ag\.static"):
        compiled(f)(X)
    large.flags.writeable = False
    assert compiled(f)(X).tolist() == X.tolist()


# --- tracers --------------------------------------------------------------------------------------


def test_another_tracer_goes_on_and_is_put_back():
    seen = []

    def tracer(frame, event, arg):
        if frame.f_code is f.__code__:
            seen.append((event, frame.f_lineno))
            return tracer
        return None

    box = Box(2)

    def f(x):
        y = ag.tensor(x)
        return y * box.k

    step = compiled(f)
    sys.settrace(tracer)
    try:
        found = step(X)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(None)
    assert found.tolist() == [2, 4, 6]
    assert seen[0][0] == "call"
    assert len([line for event, line in seen if event == "line"]) >= 2
    box.k = 3
    assert step(X).tolist() == [3, 6, 9]


def test_an_instruction_that_is_not_known(monkeypatch):
    monkeypatch.delitem(instructions._HANDLERS, "LOAD_DEREF")
    k = 2

    def f(x):
        return ag.tensor(x) * k

    with pytest.raises(
        ag.CaptureError, match=r"an instruction that is not known, LOAD_DEREF, at .*test_reader"
    ):
        compiled(f)(X)


def test_every_instruction_of_this_python_is_known():
    import dis

    known = instructions._HARMLESS | set(instructions._HANDLERS)
    pseudo = {
        "JUMP",
        "JUMP_NO_INTERRUPT",
        "LOAD_METHOD",
        "POP_BLOCK",
        "RESERVED",
        "INSTRUMENTED_LINE",
    }
    names = {
        name
        for name, code in dis.opmap.items()
        if code < 256 and not name.startswith(("INSTRUMENTED", "SETUP_"))
    }
    assert names - known <= pseudo | {
        "DICT_MERGE",
        "GET_YIELD_FROM_ITER",
        "IMPORT_STAR",
        "LOAD_ASSERTION_ERROR",
    }


def test_an_instruction_without_being_shown(monkeypatch):
    monkeypatch.setattr(instructions.Followed, "event", _blind)
    with pytest.raises(ag.CaptureError, match="not shown to a tracer"):
        compiled(lambda x: ag.tensor(x))(X)


_EVENT = instructions.Followed.event


def _blind(self, frame, event, arg):
    if event != "opcode":
        _EVENT(self, frame, event, arg)
    return lambda *args: _blind(self, *args)


def test_frames_that_cannot_be_read(monkeypatch):
    operand_stack._layout.cache_clear()
    monkeypatch.setattr(operand_stack, "_TAGS", ~0)  # addresses that are none
    try:
        with pytest.raises(
            ag.CaptureError, match=r"cannot be followed in this interpreter.*CPython 3\.11"
        ):
            operand_stack._layout()
    finally:
        operand_stack._layout.cache_clear()


def test_stacks_are_as_deep_as_the_code_says():
    import dis
    import inspect

    for module in (contextlib, functools, inspect, dis, threading, random):
        waiting = [compile(inspect.getsource(module), "m", "exec")]
        while waiting:
            code = waiting.pop()
            found = operand_stack.depths(code)
            assert min(found.values()) >= 0
            assert max(found.values()) <= code.co_stacksize
            waiting += [c for c in code.co_consts if isinstance(c, type(code))]


def test_threads_have_values_of_their_own():
    local = threading.local()
    step = compiled(lambda x: ag.tensor(x) * local.k)
    found = {}

    def run(k):
        local.k = k
        for _ in range(3):
            found.setdefault(k, []).append(step(X).tolist())

    threads = [threading.Thread(target=run, args=(k,)) for k in (1, 2, 3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {k: [[k, 2 * k, 3 * k]] * 3 for k in (1, 2, 3)}


def test_a_thread_that_runs_beside_is_not_followed():
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            time.time()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        assert compiled(lambda x: ag.tensor(x) * 2)(X).tolist() == [2, 4, 6]
    finally:
        stop.set()
        thread.join()


def test_what_is_said_and_shown_happens_once():
    import logging

    def f(x):
        print("traced", file=sys.stderr)
        logging.getLogger(__name__).debug("traced %s", x.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("traced", stacklevel=1)
        return ag.tensor(x) * 2

    step = compiled(f)
    assert step(X).tolist() == step(X).tolist() == [2, 4, 6]


def test_a_tensor_that_the_function_keeps():
    cache, constants = {}, {}
    w = ag.tensor([1.0, 2.0, 3.0])

    def f(x):
        if "w" not in cache:
            cache["w"] = w * 2
        return ag.tensor(x) * cache["w"]

    step = compiled(f)
    assert step(X).tolist() == [2, 8, 18]
    with pytest.raises(
        ag.CaptureError, match=r"kept a tensor of shape .* Fill it before the first call"
    ):
        step(X)
    cache["w"] = w * 2
    assert step(X).tolist() == step(X).tolist() == [2, 8, 18]

    def g(x):
        if "table" not in constants:
            constants["table"] = ag.sin(ag.tensor(np.arange(3.0)) * 2)
        return ag.tensor(x) * constants["table"]

    step = compiled(g)
    for _ in range(3):
        np.testing.assert_allclose(step(X).numpy(), X * np.sin(2 * np.arange(3.0)))


class Remembering(nn.Module):
    """Keeps of each forward what users look at, and adds up a loss beside."""

    def __init__(self):
        self.linear = nn.Linear(3, 3, rng=np.random.default_rng(0))
        self.hidden = None
        self.beside = 0.0
        self.seen = {"last": None}
        self.all = [None, None]

    def forward(self, x):
        self.beside = 0.0
        for i in range(2):
            x = np.tanh(self.linear(x))
            self.hidden = self.seen["last"] = self.all[i] = x
            self.beside = self.beside + ag.mean(ag.square(x))
        return x


def test_attributes_that_a_forward_sets_are_its_own():
    model = Remembering()
    x = np.ones((2, 3), np.float32)
    step = ag.jit(lambda x: ag.sum(model(x)) + model.beside, backend="numpy")
    step(x)
    first = step._last
    for _ in range(3):
        assert step(x).item() == step(x).item()
        assert step._last is first  # not captured anew


def test_an_attribute_that_is_read_before_it_is_set_counts():
    class Lazy(nn.Module):
        def __init__(self):
            self.scale = None

        def forward(self, x):
            if self.scale is None:
                self.scale = 3.0
                return x * 2
            return x * self.scale

    model, plain = Lazy(), Lazy()
    step = ag.jit(lambda x: model(x), backend="numpy")
    for _ in range(3):
        assert step(np.ones(1)).item() == plain(np.ones(1)).item()
