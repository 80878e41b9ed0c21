"""Memory written behind a graph's back: the right gradient or a named error, never a wrong one.

A thousand generated cases: values enter a loss in some way, through some views; memory is written
in some way, before or after the recording; then the gradient is taken in some way. The oracle is
NumPy, on copies made when the loss was recorded.
"""

from __future__ import annotations

import collections
import itertools
from dataclasses import dataclass

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.memory import pack, stamp
from optim import SGD

SHAPE = (3, 4)
CASES = 1_000
CHUNKS = 10

# --- what a case is made of -----------------------------------------------------------------

# How a view is taken of a tensor or an array; all of them share memory in NumPy.
VIEWS = {
    "T": lambda a: a.T,
    "[::-1]": lambda a: a[::-1],
    "[1:]": lambda a: a[1:],
    "[..., ::2]": lambda a: a[..., ::2],
    "[None]": lambda a: a[None],
    "reshape": lambda a: a.reshape(-1),
    "swapaxes": lambda a: np.swapaxes(a, 0, -1),
    "broadcast_to": lambda a: np.broadcast_to(a, (2, *a.shape)),
    "expand_dims": lambda a: np.expand_dims(a, -1),
    "flip": lambda a: np.flip(a, 0),
}
# loss = sum(f(x, w)), with df/dx and df/dw.
FORMULAS = {
    "x w": (lambda x, w: x * w, lambda x, w: w, lambda x, w: x),
    "x² w": (lambda x, w: x * x * w, lambda x, w: 2 * x * w, lambda x, w: x * x),
    "w / (1 + x²)": (
        lambda x, w: w / (x * x + 1.0),
        lambda x, w: -2 * x * w / (x * x + 1) ** 2,
        lambda x, w: 1 / (x * x + 1),
    ),
    "tanh(x) w": (
        lambda x, w: np.tanh(x) * w,
        lambda x, w: w * (1 - np.tanh(x) ** 2),
        lambda x, w: np.tanh(x),
    ),
    "exp(x w)": (
        lambda x, w: np.exp(x * w),
        lambda x, w: w * np.exp(x * w),
        lambda x, w: x * np.exp(x * w),
    ),
    "x + w²": (lambda x, w: x + w * w, lambda x, w: np.ones_like(w), lambda x, w: 2 * w),
}


class Holder:
    """An object that gives its own memory away, as data frames do."""

    def __init__(self, memory):
        self.memory = memory

    def __array__(self, dtype=None, copy=None):
        return self.memory


# How the values enter: raw memory of the caller's and what is handed to the loss.
def _frozen(values):
    memory = values.copy()
    frozen = memory.view()
    frozen.flags.writeable = False
    return memory, frozen


def _frozen_owner(values):
    memory = values.copy()
    writable = memory[...]
    memory.flags.writeable = False
    return writable, memory


def _strided(values):
    memory = np.zeros((2 * SHAPE[0], SHAPE[1] + 1))
    part = memory[::2, 1:]
    part[...] = values
    return part, part


def _same(values):
    memory = values.copy()
    return memory, memory


def _fortran(values):
    memory = np.asfortranarray(values)
    return memory, memory


RAW = {
    "an array": _same,
    "a Fortran array": _fortran,
    "a strided view": _strided,
    "a read-only view": _frozen,
    "a read-only array with a writable view": _frozen_owner,
}
RAW_WRITES = {
    "memory[...] = new": lambda m, new: np.copyto(m, new),
    "memory += new": lambda m, new: m.__iadd__(new),
    "memory.fill(7)": lambda m, new: m.fill(7.0),
    "memory.T[0] = 7": lambda m, new: m.T.__setitem__(0, 7.0),
    "memory.sort()": lambda m, new: m.sort(axis=0),
    "np.negative(memory, out=memory)": lambda m, new: np.negative(m, out=m),
    "memory[::2][:, 1:] *= 3": lambda m, new: m[::2][:, 1:].__imul__(3.0),
}


def _under_no_grad(write):
    def run(t, new):
        with ag.no_grad():
            write(t, new)

    return run


def _in_place(name, view=None):
    def write(t, new):
        target = t if view is None else view(t)
        getattr(target, name)(new if view is None else 5.0)

    return _under_no_grad(write)


def _step(t, new):
    t.grad = ag.tensor(new)
    SGD([t], lr=0.5).step()


def _packed(t, new):
    arena = pack([t, ag.tensor([1.0], requires_grad=True)])
    arena += 3.0
    stamp([t])


def _nested(t, new):
    with ag.no_grad():
        inner = t.T[1:]
        inner = inner[::-1]
        inner += 4.0


# Writes to a leaf. The first group is the engine's own way, the second tries the views given out.
LEAF_WRITES = {
    "t.assign(new)": lambda t, new: t.assign(new),
    "t.assign(t[::-1])": lambda t, new: t.assign(ag.flip(t, 0)),
    "no_grad: t += new": _in_place("__iadd__"),
    "no_grad: t -= new": _in_place("__isub__"),
    "no_grad: t *= new": _in_place("__imul__"),
    "no_grad: t /= new": _in_place("__itruediv__"),
    "no_grad: t[1:] = 9": _under_no_grad(lambda t, new: t.__setitem__(slice(1, None), 9.0)),
    "no_grad: v = t[1:]; v += 5": _in_place("__iadd__", lambda t: t[1:]),
    "no_grad: v = t.T; v *= 5": _in_place("__imul__", lambda t: t.T),
    "no_grad: v = t.reshape(-1); v.assign(5)": _under_no_grad(
        lambda t, new: t.reshape(-1).assign(5.0)
    ),
    "no_grad: v = identity(t); v += 5": _in_place("__iadd__", lambda t: ag.identity(t)),
    "no_grad: v = t.T[1:][::-1]; v += 4": _nested,
    "pack([t, …])[...] += 3; stamp": _packed,
    "SGD([t]).step()": _step,
    "t.data[0] = 1": lambda t, new: t.data.__setitem__(0, 1.0),
    "t.data += 1": lambda t, new: t.data.__iadd__(1.0),
    "t.data.T[0] = 1": lambda t, new: t.data.T.__setitem__(0, 1.0),
    "t.data.fill(1)": lambda t, new: t.data.fill(1.0),
    "t.data.sort()": lambda t, new: t.data.sort(),
    "t.data.flat[0] = 1": lambda t, new: t.data.flat.__setitem__(0, 1.0),
    "np.copyto(t.numpy(), new)": lambda t, new: np.copyto(t.numpy(), new),
    "np.add(t.numpy(), 1, out=t.numpy())": lambda t, new: np.add(t.data, 1, out=t.numpy()),
    "t.numpy().view(ndarray)[...] = new": lambda t, new: (
        t.numpy().view(np.ndarray).__setitem__(..., new)
    ),
    "np.asarray(t.detach())[...] = new": lambda t, new: np.asarray(t.detach()).__setitem__(
        ..., new
    ),
    "u = t.detach(); u += 1": _in_place("__iadd__", lambda t: t.detach()),
    "np.array(t.data)[...] = new": lambda t, new: np.array(t.data).__setitem__(..., new),
}
LEAVES = ("a variable", "a constant tensor", "a packed variable", "a tensor of a holder")
WAYS = ("backward", "backward, create_graph", "vjp")
LINKS = ("recorded", "stop_gradient", "no_grad")


@dataclass(frozen=True)
class Case:
    """One program; ``str`` of it is what a person would have written."""

    source: str
    views: tuple[str, ...]
    link: str
    formula: str
    write: str
    before: bool
    way: str
    seed: int

    def __str__(self) -> str:
        taken = "".join(f" .{v}" for v in self.views) or " as it is"
        order = ("write, record, " if self.before else "record, write, ") + self.way
        return (
            f"x is {self.source}, used{taken} ({self.link}); loss = sum({self.formula}); "
            f"write: {self.write}; order: {order}; seed {self.seed}"
        )


def _leaf_write(rng):
    """Mostly the engine's own ways to write; the others are refused."""
    ways = list(LEAF_WRITES)
    own = ways.index("SGD([t]).step()") + 1
    return str(rng.choice(ways[:own] if rng.random() < 0.75 else ways[own:]))


def cases():
    rng = np.random.default_rng(20_26)
    for seed in range(CASES):
        raw = rng.random() < 0.35
        source = str(rng.choice(list(RAW) if raw else LEAVES))
        views = tuple(str(v) for v in rng.choice(list(VIEWS), size=rng.integers(0, 4)))
        yield Case(
            source,
            views,
            "recorded" if raw else str(rng.choice(LINKS, p=[0.6, 0.2, 0.2])),
            str(rng.choice(list(FORMULAS))),
            str(rng.choice(list(RAW_WRITES))) if raw else _leaf_write(rng),
            bool(rng.random() < 0.2),
            str(rng.choice(WAYS)),
            seed,
        )


# --- running one ----------------------------------------------------------------------------


def through(views, a):
    for v in views:
        a = VIEWS[v](a)
    return a


def oracle(case, values, weight):
    """Gradients by x (None where it is a constant) and by w: NumPy on copies."""
    _, by_x, by_w = FORMULAS[case.formula]
    seen = through(case.views, values)
    gx = np.zeros(values.size)
    places = through(case.views, np.arange(values.size).reshape(values.shape))
    np.add.at(gx, places, by_x(seen, weight))
    linked = case.source in LEAVES and case.source != "a constant tensor"
    return (
        gx.reshape(values.shape) if linked and case.link == "recorded" else None,
        by_w(seen, weight),
    )


def run(case):
    """How the case ended: "gradient" or the name of the error. Raises AssertionError if wrong."""
    rng = np.random.default_rng(case.seed)
    values, new = rng.uniform(0.5, 2.0, (2, *SHAPE))
    weight = rng.uniform(0.5, 2.0, through(case.views, values).shape)
    w = ag.tensor(weight, requires_grad=True)
    refused = None
    if case.source in RAW:
        memory, given = RAW[case.source](values)
        x, write = given, lambda: RAW_WRITES[case.write](memory, new)
    else:
        x = ag.tensor(values, requires_grad=case.source != "a constant tensor")
        if case.source == "a packed variable":
            pack([ag.tensor([1.0], requires_grad=True), x])
        elif case.source == "a tensor of a holder":
            x = ag.tensor(Holder(values.copy()), requires_grad=True)
        write = lambda: LEAF_WRITES[case.write](x, new)  # noqa: E731

    def attempt():
        nonlocal refused
        try:
            write()
        except ag.AutogradError as error:
            refused = type(error).__name__
        except ValueError as error:  # NumPy's own, for what goes round our view's methods
            if "read-only" not in str(error):
                raise
            refused = "ValueError"

    def current():
        return np.array(x.data if isinstance(x, ag.Tensor) else x)

    def loss(w):
        if case.link == "no_grad":
            with ag.no_grad():
                v = through(case.views, x)
        else:
            v = through(case.views, ag.stop_gradient(x) if case.link == "stop_gradient" else x)
        return FORMULAS[case.formula][0](v, w).sum()

    if case.before:
        attempt()
    at_recording = current()
    value, pull = (None, None)
    if case.way == "vjp":
        value, pull = ag.vjp(lambda w: loss(w), w)
    else:
        value = loss(w)
    if isinstance(x, ag.Tensor):
        x.grad = None
    if not case.before:
        attempt()
    want_x, want_w = oracle(case, at_recording, weight)
    if isinstance(x, ag.Tensor):
        x.grad = None
    try:
        if case.way == "vjp":
            got = {"w": pull(np.ones(()))[0]}
        else:
            value.backward(create_graph=case.way != "backward")
            got = {"w": w.grad}
            if want_x is not None:
                got["x"] = x.grad
    except ag.AutogradError as error:
        if case.before:
            raise AssertionError(f"{case}\n  nothing was written after, yet: {error}") from error
        return type(error).__name__
    for name, want in (("w", want_w), ("x", want_x)):
        if name in got:
            np.testing.assert_allclose(
                got[name].detach().data,
                want,
                rtol=1e-12,
                atol=1e-12,
                err_msg=f"{case}\n  the gradient by {name} is not that of the values at recording",
            )
    return f"gradient, the write refused: {refused}" if refused else "gradient"


# --- the tests ------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_memory_written_around_a_recording(chunk):
    wrong = []
    for case in itertools.islice(cases(), chunk, None, CHUNKS):
        try:
            run(case)
        except AssertionError as error:
            wrong.append(str(error))
    assert not wrong, f"{len(wrong)} cases went wrong:\n" + "\n\n".join(wrong[:5])


def variable(*values):
    return ag.tensor(list(values), requires_grad=True)


def by_w_of_a_view(take, requires_grad):
    """d/dw of sum(w view(x)) after a write to x; 1, 2 are the values at recording."""
    x, w = ag.tensor([1.0, 2.0], requires_grad=requires_grad), variable(3.0, 4.0)
    loss = (w * take(x)).sum()
    x.assign([10.0, 20.0])
    loss.backward()
    return w.grad


def _without_recording(take):
    def view(x):
        with ag.no_grad():
            return take(x)

    return view


def _written_view(of_result):
    x = variable(1.0, 2.0)
    y = x * 1
    loss = (y * y).sum() if of_result else (x * x).sum()
    with ag.no_grad():
        view = (y if of_result else x)[:1]
        view += 10.0
    loss.backward()
    return x.grad / 2


def _pulled(function, primal):
    x = variable(1.0, 2.0)
    _, pull = ag.vjp(*((function, x) if primal is None else (lambda u: function(x) * u, primal)))
    x.assign([10.0, 20.0])
    return pull(np.ones(2))[0].detach()


def _read_only_owner(multiply=lambda w, memory: w * memory):
    memory, w = np.array([1.0, 2.0]), variable(3.0, 4.0)
    writable = memory[:]
    memory.flags.writeable = False
    loss = multiply(w, memory).sum()
    writable[:] = 9.0
    loss.backward()
    return w.grad


def _held_memory():
    holder = Holder(np.array([1.0, 2.0]))
    x = ag.tensor(holder, requires_grad=True)
    loss = (x * x).sum()
    holder.memory[:] = 9.0
    loss.backward()
    return x.grad / 2


ONCE_WRONG = {
    "a view of a constant tensor": lambda: by_w_of_a_view(lambda x: x[:], False),
    "a transposing einsum of a constant tensor": lambda: by_w_of_a_view(
        lambda x: np.einsum("ij->ji", x.reshape(2, 1)).reshape(2), False
    ),
    "identity of a constant tensor": lambda: by_w_of_a_view(ag.identity, False),
    "a view taken under no_grad": lambda: by_w_of_a_view(_without_recording(lambda x: x[:]), True),
    "stop_gradient": lambda: by_w_of_a_view(ag.stop_gradient, True),
    "a view of stop_gradient": lambda: by_w_of_a_view(lambda x: ag.stop_gradient(x)[:], True),
    "a write to a view of a leaf": lambda: _written_view(of_result=False),
    "a write to a view of a result": lambda: _written_view(of_result=True),
    "the primal of vjp": lambda: _pulled(lambda x: x * x / 2.0, None),
    "a view of what vjp closes over": lambda: _pulled(lambda x: x[:], np.ones(2)),
    "a read-only array with a writable view": _read_only_owner,
    "a read-only array among many operands": lambda: _read_only_owner(
        lambda w, memory: np.einsum("i,i,i->i", w, memory, np.ones(2))
    ),
    "memory handed out by __array__": _held_memory,
}


@pytest.mark.parametrize("name", ONCE_WRONG)
def test_what_once_gave_a_wrong_gradient(name):
    try:
        got = ONCE_WRONG[name]()
    except ag.GraphError:
        return
    assert got.data.tolist() == [1.0, 2.0]


def test_the_cases_reach_every_way_to_end():
    ends = collections.Counter()
    for case in cases():
        ends[run(case)] += 1
    assert ends["gradient"] > 200, ends
    assert ends["GraphError"] > 50, ends
    assert any("refused" in end for end in ends), ends
