"""A compiled function inside of a graph is one operation of it: every derivative as without compiling."""

from __future__ import annotations

import contextlib
import copy
import os
import threading
import time

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import CaptureError, GraphError, NotDifferentiableError
from autograd_core.trees import flatten

X = np.random.default_rng(0).normal(size=(4, 3))
V = np.array([0.7, -0.4, 1.3])
U = np.array([0.3, 1.1, -0.2])


def inner(v, x):
    """What is compiled: of a value and data, to an array and more."""
    with ag.no_grad():
        scale = 1 / (1 + ag.sum(ag.square(v)))
    h = ag.tanh(x * v) @ ag.exp(v * 0.1)
    return {"h": h, "more": [ag.sum(ag.sin(v) * scale), ag.argmax(v), 7], "x": ag.sum(x)}


def used(out, v):
    """What is made of it outside."""
    assert out["more"][2] == 7
    assert not out["more"][1].requires_grad
    assert not out["x"].requires_grad
    return ag.sum(ag.square(out["h"])) * out["more"][0] + ag.sum(v**3) * out["x"]


class Box:
    v = None


def argument(wrap):
    f = wrap(inner)
    return lambda v: used(f(v, X), v)


def closed_over(wrap):
    return lambda v: used(wrap(lambda x: inner(v, x))(X), v)


def rebound(wrap):
    box = Box()
    f = wrap(lambda x: inner(box.v, x))

    def outer(v):
        box.v = v
        return used(f(X), v)

    return outer


def computed(wrap):
    def outer(v):
        h = 2 * v - ag.cos(v)
        return used(wrap(lambda x: inner(h, x))(X), v)

    return outer


def twice(wrap):
    f = wrap(inner)
    g = wrap(lambda h, v: ag.cumsum(h) * ag.sum(v))

    def outer(v):
        first = f(v, X)
        return ag.sum(g(first["h"], v) * g(f(2 * v, X)["h"], v)) + used(first, v)

    return outer


def some(wrap):
    f = wrap(lambda a, b, x: (ag.sum(a * x), ag.sum(b * b * x)))
    return lambda v: ag.exp(0.1 * f(v, ag.sin(v), X)[1])


def backward(f):
    def run(v):
        t = ag.tensor(v, requires_grad=True)
        f(t).backward()
        return t.grad

    return run


def penalty(f):
    def run(v):
        t = ag.tensor(v, requires_grad=True)
        f(t).backward(create_graph=True)
        first = t.grad
        t.grad = None
        ag.sum(ag.square(first)).backward()
        return t.grad

    return run


HOWS = {
    "value": lambda f: lambda v: f(ag.tensor(v)),
    "backward": backward,
    "penalty": penalty,
    "grad": ag.grad,
    "value_and_grad": ag.value_and_grad,
    "jacobian": lambda f: ag.jacobian(lambda v: ag.stack([f(v), f(v * v)])),
    "jacobian of many": lambda f: ag.jacobian(lambda v: f(v) * ag.tanh(ag.outer(v, v))),
    "hessian": ag.hessian,
    "third": lambda f: ag.jacobian(ag.hessian(f)),
    "hvp": lambda f: lambda v: ag.hvp(f)(v, U),
    "jvp": lambda f: lambda v: ag.jvp(f, (v,), (U,)),
    "vmap": lambda f: lambda v: ag.vmap(f)(np.stack([v, U, 2 * v])),
    "vmap of grad": lambda f: lambda v: ag.vmap(ag.grad(f))(np.stack([v, U])),
    "grad of vmap": lambda f: ag.grad(lambda v: ag.sum(ag.vmap(lambda s: f(s * v))(U))),
    "scan": lambda f: ag.grad(
        lambda v: ag.scan(lambda c, s: (c + ag.sin(f(v * s)), None), 0.0, U)[0]
    ),
    "trace": lambda f: lambda v: ag.trace(ag.value_and_grad(f))(v)(v),
    "traced": lambda f: ag.grad(ag.trace(f)(V).as_function()),
    "jit": lambda f: ag.jit(ag.value_and_grad(f), backend="numpy"),
    "grad of jit": lambda f: ag.grad(ag.jit(f, backend="numpy")),
    "hessian of jit": lambda f: ag.hessian(ag.jit(f, backend="numpy")),
}


def alike(found, due):
    a, b = ([np.asarray(ag.stop_gradient(t)) for t in flatten(r)[0]] for r in (found, due))
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-11)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", [argument, closed_over, rebound, computed, twice, some])
def test_every_derivative_is_as_without_compiling(kind, how, backend):
    if how == "jit" and kind is rebound:
        pytest.skip("an attribute that the function writes while it is captured")
    if backend == "native" and kind in (closed_over, computed) and "jit" not in how:
        pytest.skip("would compile anew at every call")
    plain = HOWS[how](kind(lambda f: f))
    found = HOWS[how](kind(lambda f: ag.jit(f, backend=backend)))
    for v in (V, V, U, V):  # what is asked for once is compiled from then on
        alike(found(v), plain(v))


# --- modules, with their state ----------------------------------------------------------------


def encoder(seed=3, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(3, 8, rng=rng, dtype=dtype),
        nn.BatchNorm1d(8, dtype=dtype),
        nn.Tanh(),
        nn.Dropout(0.4, rng=rng),
        nn.Linear(8, 4, rng=rng, dtype=dtype),
    )


class World:
    """An encoder that may be compiled, an eager head, and an optimizer of both."""

    def __init__(self, wrap):
        self.encoder = encoder()
        self.head = nn.Linear(4, 1, rng=np.random.default_rng(5), dtype=np.float64)
        self.fast = wrap(self.encoder)
        parameters = [*self.encoder.parameters(), *self.head.parameters()]
        self.opt = optim.Adam(parameters, lr=0.01)

    def loss(self, x):
        return ag.mean(ag.square(self.head(self.fast(x)) - 1))

    def plain(self, x):
        self.loss(x).backward()

    def two_calls(self, x):
        (self.loss(x) + 2 * self.loss(x[:5])).backward()

    def penalised(self, x):
        t = ag.tensor(x, requires_grad=True)
        (g,) = ag.vjp(lambda t: ag.sum(self.head(self.fast(t))), t)[1](1.0)
        (self.loss(t) + ag.mean(ag.square(g))).backward()

    def of_parameters(self, x):
        self.loss(x).backward(create_graph=True)
        grads = [p.grad for p in self.opt_parameters()]
        for p in self.opt_parameters():
            p.grad = None
        total = grads[0].sum() * 0
        for g in grads:
            total = total + ag.sum(ag.square(g))
        total.backward()

    def opt_parameters(self):
        return [*self.encoder.parameters(), *self.head.parameters()]

    def retained(self, x):
        loss = self.loss(x)
        loss.backward(retain_graph=True)
        loss.backward()

    def in_eval(self, x):
        self.encoder.eval()
        self.loss(x).backward()
        self.encoder.train()
        with ag.no_grad():
            self.fast(x)

    def frozen(self, x):
        weight = self.encoder[0].weight
        weight.requires_grad = False
        self.loss(x).backward()
        weight.requires_grad = True

    def step(self, how, x):
        self.opt.zero_grad()
        getattr(self, how)(x)
        grads = [
            None if p.grad is None else np.array(p.grad.numpy()) for p in self.opt_parameters()
        ]
        if how != "frozen":
            self.opt.step()
        return grads

    def state(self):
        return {
            **{f"encoder.{k}": v for k, v in self.encoder.state_dict().items()},
            **{f"head.{k}": v for k, v in self.head.state_dict().items()},
        }


WAYS = ["plain", "two_calls", "penalised", "of_parameters", "retained", "in_eval", "frozen"]


@pytest.mark.parametrize("how", WAYS)
def test_an_encoder_with_state_trains_as_without_compiling(how, backend):
    one, two = World(lambda f: ag.jit(f, backend=backend)), World(lambda f: f)
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(9, 3))
        for a, b in zip(one.step(how, x), two.step(how, x), strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
        for (name, a), b in zip(one.state().items(), two.state().values(), strict=True):
            if b.dtype.kind == "f":
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8, err_msg=name)
            else:
                np.testing.assert_array_equal(a, b, err_msg=name)  # counters, once a call


def test_nothing_is_compiled_twice_for_a_mode(backend):
    world = World(lambda f: ag.jit(f, backend=backend))
    x = np.ones((9, 3))

    def both_modes():
        for training in (True, False):
            world.encoder.train(training)
            for _ in range(3):
                world.loss(x).backward()

    both_modes()
    runners = dict(world.fast._runners)
    bodies = dict(world.fast._bodies)
    for _ in range(3):
        both_modes()
    assert len(runners) == 4  # in two modes, without and with what the pullback reads
    assert {k: id(v) for k, v in world.fast._runners.items()} == {
        k: id(v) for k, v in runners.items()
    }
    assert list(map(id, world.fast._bodies.values())) == list(map(id, bodies.values()))


def test_all_ways_in_turn(backend):
    one, two = World(lambda f: ag.jit(f, backend=backend)), World(lambda f: f)
    rng = np.random.default_rng(1)
    for k in range(12):
        how, x = WAYS[rng.integers(len(WAYS))], rng.normal(size=(9 + k % 2, 3))
        for a, b in zip(one.step(how, x), two.step(how, x), strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8, err_msg=how)


# --- errors, and what carries nothing ---------------------------------------------------------


@pytest.fixture
def leaves():
    w = ag.tensor([1.0, -2.0, 3.0], requires_grad=True, name="w")
    return w, ag.tensor([0.5, 0.5, 2.0], requires_grad=True, name="u")


def test_a_leaf_that_was_written_since_is_refused(leaves, backend):
    w, u = leaves
    buffer = ag.tensor([1.0, 2.0, 3.0], name="buffer")
    step = ag.jit(lambda x: ag.tanh(w * x) * buffer, backend=backend)
    for written in (w, buffer):
        for _ in range(3):
            loss = ag.sum(step(X[0]) * u)
            with ag.no_grad():
                written.assign(written + 1)
            with pytest.raises(
                GraphError, match=f"'{written.name}'.*was written after the compiled lambda"
            ):
                loss.backward()
            ag.sum(step(X[0]) * u).backward()


def test_an_argument_is_as_it_was(leaves, backend):
    w, _ = leaves
    step, x = ag.jit(lambda x: ag.sum(w * w * x), backend=backend), np.ones(3)
    for _ in range(3):
        w.grad = None
        loss = step(x)
        x[:] = 7
        loss.backward()
        assert w.grad.tolist() == [2, -4, 6]
        x[:] = 1


def test_a_graph_is_walked_once_unless_it_is_kept(leaves, backend):
    w, _ = leaves
    loss = ag.sum(ag.jit(lambda x: w * x, backend=backend)(X[0]))
    loss.backward(retain_graph=True)
    loss.backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * X[0])
    with pytest.raises(GraphError, match="was freed by an earlier backward"):
        loss.backward()


def test_who_is_not_depended_on_gets_no_gradient(leaves, backend):
    w, u = leaves
    step = ag.jit(lambda x: (ag.sum(w * x), ag.sum(u * u), ag.sum(x), x > 0), backend=backend)
    for _ in range(3):
        w.grad = u.grad = None
        a, b, c, d = step(X[0])
        assert (a.requires_grad, b.requires_grad) == (True, True)
        assert (c.requires_grad, d.requires_grad) == (False, False)
        b.backward()
        assert w.grad is None
        assert u.grad.tolist() == [1, 1, 4]
    with pytest.raises(ag.UnreachableError, match="does not depend"):
        ag.grad(lambda v: ag.jit(lambda v, x: (v * x, ag.sum(x)), backend=backend)(v, X[0])[1])(V)
    with pytest.raises(ag.UnreachableError, match="does not depend"):
        ag.grad(lambda a, b: ag.jit(lambda a, b: (a * 1, b * 1), backend=backend)(a, b)[0], (0, 1))(
            1.0, 2.0
        )


def test_without_recording_nothing_is_carried(leaves, backend):
    w, _ = leaves
    step = ag.jit(lambda x: w * x, backend=backend)
    for _ in range(3):
        with ag.no_grad():
            y = step(X[0])
        assert y.is_leaf
        assert not y.requires_grad
        assert not step(X[0]).is_leaf
    assert ag.jit(lambda x: 2 * x, backend=backend)(X[0]).is_leaf


def test_who_requires_a_gradient_may_change(leaves, backend):
    w, u = leaves
    step = ag.jit(lambda x: ag.sum(w * u * x), backend=backend)
    for wanted in ([True, True], [True, False], [False, False], [False, True], [True, True]):
        w.requires_grad, u.requires_grad = wanted
        w.grad = u.grad = None
        y = step(X[0])
        assert y.requires_grad == any(wanted)
        if any(wanted):
            y.backward()
        assert [t.grad is not None for t in (w, u)] == wanted


TOOK = {
    "backward": lambda w, x: ag.sum(w * x).backward(),
    "a write": lambda w, x: write(w),
}


def write(w):
    with ag.no_grad():
        w.assign(w * 0.5)


@pytest.mark.parametrize("took", ["backward", "a write"])
def test_what_a_step_has_used_up_is_refused_by_name(leaves, took, backend):
    w, u = leaves

    @ag.jit(backend=backend)
    def training(x):
        loss = ag.sum(w * w * x)
        TOOK[took](w, x)
        return loss, ag.sum(x)

    for _ in range(3):
        loss, plain = training(X[0])
        assert not plain.requires_grad
        assert float(loss) == loss.item() == np.asarray(loss)
        w.grad = None
        for total in (loss, loss + ag.sum(u), ag.sum(u * u) * loss):
            with pytest.raises(NotDifferentiableError, match=r"compiled step training \(ag.jit\)"):
                total.backward()
        assert w.grad is None
    many = training.many(X)[0]
    with pytest.raises(NotDifferentiableError, match=r"ag\.jit"):
        ag.sum(many).backward()
    kept = ag.tensor(np.zeros(3))
    kept.assign(loss)  # nothing is cut by this
    with ag.no_grad():
        if took != "backward":
            assert training(X[0])[0].is_leaf


def test_leaves_that_are_made_inside(backend):
    def made():
        p = ag.tensor(V, requires_grad=True)
        return p, ag.sum(p * p)

    step = ag.jit(made, backend=backend)
    for _ in range(2):
        p, y = step()
        assert p.is_leaf
        assert p.requires_grad
        ag.sum(p * p).backward()
        np.testing.assert_allclose(p.grad.numpy(), 2 * V)
        with pytest.raises(NotDifferentiableError, match=r"ag\.jit"):  # its leaf is nobody's
            y.backward()


def test_explain_and_check_where_gradients_go_through(leaves, backend):
    w, _ = leaves
    step = ag.jit(lambda x: ag.tanh(w * x) * w, backend=backend)
    for _ in range(3):
        ag.sum(step(X[0])).backward()
        assert "tanh" in str(ag.jit.explain(step))
        assert ag.jit.check(step, X[0]).ok


def test_a_backward_inside_by_an_argument_is_its_own(backend):
    step = ag.jit(lambda v, x: ag.sum(v * v * x).backward(), backend=backend)
    for n in range(3):
        v = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
        with (
            contextlib.nullcontext()
            if n
            else pytest.warns(ag.CompileWarning, match=r"\.grad of an")
        ):
            step(v, X[0])
        np.testing.assert_allclose(v.grad.numpy(), 2 * v.numpy() * X[0])


def test_gradients_left_inside_are_detached(leaves, backend):
    w, _ = leaves

    def f(x):
        w.grad = None
        ag.sum(w**3 * x).backward()
        return w.grad * 2

    step = ag.jit(f, backend=backend, keep_grads=True)
    for _ in range(2):
        found, due = step(X[0]), f(X[0])
        assert found.requires_grad == due.requires_grad == False  # noqa: E712 - all three
        np.testing.assert_allclose(found.numpy(), due.numpy())


def test_a_computed_tensor_is_read_as_it_was(leaves, backend):
    w, _ = leaves
    h = w * 2.0
    step = ag.jit(lambda x: ag.sum(h * x), backend=backend)
    for _ in range(3):
        assert step(np.ones(3)).item() == 4
        with ag.no_grad():
            w.assign(w * 11)
    w.assign([1.0, -2.0, 3.0])
    h = w * w
    for _ in range(3):
        w.grad = None
        step(X[0]).backward(retain_graph=True)
        np.testing.assert_allclose(w.grad.numpy(), 2 * w.numpy() * X[0])
    many = step.many(X)
    np.testing.assert_allclose(many.detach().numpy(), X @ h.detach().numpy())
    ag.sum(many).backward()
    h = w * w
    backward_through = ag.jit(lambda x: ag.sum(h * h * x).backward(), backend=backend)
    with pytest.raises(CaptureError, match="computed outside of it"):
        backward_through(X[0])


def test_many_steps_carry_their_gradients(leaves, backend):
    w, _ = leaves
    step = ag.jit(lambda x: (ag.sum(w * w * x), x.sum()), backend=backend)
    for _ in range(2):
        w.grad = None
        losses, sums = step.many(X)
        assert not sums.requires_grad
        ag.sum(losses * np.arange(4.0)).backward()
        np.testing.assert_allclose(w.grad.numpy(), 2 * w.numpy() * (np.arange(4.0) @ X))


def test_programs_and_copies_have_what_is_inside(leaves, backend):
    w, u = leaves
    step = ag.jit(lambda x: ag.tanh(w * x), backend=backend)
    for _ in range(3):
        loss = ag.sum(step(X[0]) * u)
        text = str(ag.introspect.program(loss))
        assert "tanh" in text
        assert "compiled" not in text
        other = copy.deepcopy(loss)
        loss.backward()
    assert other.item() == loss.item()
    check = ag.jit.check(step, X[0])
    assert check.ok, check


def test_arguments_without_values_run_the_function():
    step = ag.jit(lambda x: ag.sum(ag.sin(x)))
    assert step(ag.Abstract((3,))).shape == ()


@pytest.mark.parametrize(
    "f", [inner, lambda v, x: {"h": ag.exp(v) * x, "more": [ag.sum(v), v, 7], "x": x[0, 0]}]
)
def test_finite_differences_agree(f, backend):
    step = ag.jit(f, backend=backend)

    def loss(v):
        out = step(v, X)
        return ag.sum(ag.sin(out["h"])) * ag.sum(ag.square(out["more"][0]))

    for _ in range(2):
        if f is not inner:  # which is cut on purpose
            assert ag.gradcheck(loss, V)
            assert ag.gradgradcheck(loss, V)
        assert ag.gradcheck(lambda v: ag.sum(step(v, X)["h"]), V)
        assert ag.gradgradcheck(lambda v: ag.sum(step(v, X)["h"]), V)


# --- forks --------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # newer Pythons', of any threads
def test_a_child_of_a_fork_does_not_wait_for_a_step_of_another_thread(backend):
    w = ag.tensor(np.eye(120), requires_grad=True)
    step = ag.jit(lambda x: ag.sum((x @ w) @ (x @ w)), backend=backend)
    x = np.ones((120, 120))
    step(x).backward()
    step(x).backward()
    due = step(x).item()
    ended = threading.Event()

    def busy():
        while not ended.is_set():
            step(x).backward()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(5):
            time.sleep(0.01)
            child = os.fork()
            if child == 0:
                try:
                    y = step(x)
                    y.backward()
                    os._exit(0 if y.item() == due else 3)
                finally:
                    os._exit(4)
            end = time.monotonic() + 30
            while True:
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    break
                if time.monotonic() > end:
                    os.kill(child, 9)
                    os.waitpid(child, 0)
                    pytest.fail("the child hangs")
                time.sleep(0.005)
            assert os.waitstatus_to_exitcode(status) == 0
    finally:
        ended.set()
        thread.join()


# --- random programs ----------------------------------------------------------------------------

UNARY = [
    ag.sin,
    ag.tanh,
    lambda a: ag.exp(0.1 * a),
    ag.square,
    lambda a: a.T,
    lambda a: ag.cumsum(a, 0),
    lambda a: ag.softmax(a, -1),
    lambda a: a - ag.mean(a, 0),
    lambda a: ag.reshape(ag.reshape(a, -1)[::-1], a.shape),
    lambda a: a[np.array([2, 0, 0])],
    lambda a: ag.where(M > 0, a, -a),
    lambda a: ag.stop_gradient(a) * a,
    lambda a: ag.scan(lambda c, x: (ag.tanh(c + x), c * x), a[0], a)[1],
    lambda a: ag.linalg.qr(a + 3 * np.eye(3))[1],
    lambda a: ag.concatenate([a[1:], ag.sum(a, 0, keepdims=True)]),
    lambda a: ag.vmap(lambda r: r * ag.sum(r))(a),
    lambda a: ag.grad(lambda v: ag.sum(ag.sin(v) * v))(a),
]
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - 2 * b,
    lambda a, b: a / (2 + ag.square(b)),
    lambda a, b: 0.3 * (a @ b),
    lambda a, b: ag.einsum("ij,kj->ik", a, b) * 0.3,
    ag.maximum,
]
M = np.random.default_rng(2).normal(size=(3, 3))


def unrecorded(a):
    with ag.no_grad():
        s = ag.sum(a)
    return a * s


class Random:
    """A program of lines on 3×3 matrices, some of them in functions that may be compiled.

    Which lines there are is drawn once; parameters, data and what was computed before are read from
    inside of the functions, by closure or as arguments.
    """

    def __init__(self, seed, wrap):
        rng = np.random.default_rng(seed)
        self.parameters = [
            ag.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=f"p{k}") for k in range(3)
        ]
        self.lines = [self.line(rng) for _ in range(rng.integers(4, 9))]
        self.parts = [self.part(rng, wrap) for _ in range(rng.integers(1, 4))]
        self.where = sorted(rng.integers(0, len(self.lines), len(self.parts)))

    @staticmethod
    def line(rng):
        if rng.random() < 0.08:
            return (unrecorded, rng.integers(99), None)
        if rng.random() < 0.5:
            return (UNARY[rng.integers(len(UNARY))], rng.integers(99), None)
        return (BINARY[rng.integers(len(BINARY))], rng.integers(99), rng.integers(99))

    @staticmethod
    def taken(line, values):
        f, a, b = line
        operands = [values[k % len(values)] for k in (a, b) if k is not None]
        return ag.clip(f(*operands), -20, 20)

    def part(self, rng, wrap):
        """A function of some values that reads others where they are."""
        lines = [self.line(rng) for _ in range(rng.integers(2, 6))]
        closed, given = rng.random() < 0.6, rng.integers(0, 3)
        kept = rng.integers(1, 3)

        def function(*args):
            values = [*args, *(self.parameters if closed else self.parameters[:1])]
            for line in lines:
                values.append(Random.taken(line, values))
            return {"last": values[-1], "more": values[-kept:], "n": len(values)}

        step = wrap(function)

        def run(values):
            args = [values[k % len(values)] for k in range(1, 1 + given)]
            found = step(*args)
            assert found["n"] == len(args) + (3 if closed else 1) + len(lines)
            return [found["last"], *found["more"]]

        return run

    def loss(self, x):
        values = [*self.parameters, x]
        parts = dict.fromkeys(self.where, None)
        for k, line in enumerate(self.lines):
            values.append(self.taken(line, values))
            if k in parts:
                for at, part in zip(self.where, self.parts, strict=True):
                    if at == k:
                        values += part(values)
        return ag.sum(ag.sin(values[-1])) + ag.sum(values[len(values) // 2] * values[-2])

    def gradients(self, x, order):
        for p in self.parameters:
            p.grad = None
        t = ag.tensor(x, requires_grad=True)
        loss = self.loss(t)
        if loss.requires_grad:
            loss.backward(create_graph=order == 2)
        if order == 2:
            first = [p.grad for p in (*self.parameters, t) if p.grad is not None]
            for p in (*self.parameters, t):
                p.grad = None
            total = sum(ag.sum(ag.sin(g) * g) for g in first)
            if first and total.requires_grad:
                total.backward()
        return loss.item(), [
            None if p.grad is None else p.grad.numpy() for p in (*self.parameters, t)
        ]


def compare_programs(seeds, backend):
    compared = 0
    for seed in seeds:
        one = Random(seed, lambda f: ag.jit(f, backend=backend))
        two = Random(seed, lambda f: f)
        for order in (1, 2, 2, 1):
            x = np.random.default_rng([seed, order]).normal(size=(3, 3))
            found, due = one.gradients(x, order), two.gradients(x, order)
            np.testing.assert_allclose(found[0], due[0], rtol=1e-9, err_msg=str(seed))
            scale = max((np.abs(b).max() for b in due[1] if b is not None), default=0)
            if not np.isfinite(scale) or scale > 1e8:
                continue  # so steep that rounding counts
            for a, b in zip(found[1], due[1], strict=True):
                assert (a is None) == (b is None), (seed, order)
                if b is not None:
                    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8 * (1 + scale), err_msg=f"{seed} {order}")  # fmt: skip
                    compared += 1
    return compared


def test_gradients_of_random_programs_with_compiled_parts():
    with np.errstate(all="ignore"):
        assert compare_programs(range(30), "numpy") > 250


def test_gradients_of_some_with_native_parts():
    pytest.importorskip("llvmlite")
    with np.errstate(all="ignore"):
        assert compare_programs(range(1000, 1010), "native") > 50


@pytest.mark.slow
def test_gradients_of_many_random_programs_with_compiled_parts(backend):
    with np.errstate(all="ignore"):
        assert compare_programs(range(2000, 2400), backend) > 3000
