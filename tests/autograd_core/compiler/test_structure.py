"""Modules and optimizers: what changes of their structure a compiled step sees, and which are none of its."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


class Gate(nn.Module):
    """A layer of the user's, with a layer of ours, a parameter, a buffer, and what a forward leaves behind."""

    def __init__(self):
        self.linear = nn.Linear(3, 3, rng=0, dtype=np.float64)
        self.scale = ag.tensor(np.full(3, 0.5), requires_grad=True)
        self.register_buffer("shift", np.zeros(3))
        self.squash, self.power, self.seen = nn.Tanh(), 2.0, None

    def forward(self, x):
        y = self.squash(self.linear(x)) * self.scale + self.shift
        self.attention = ag.softmax(y, axis=1)
        self.parts = [y, self.attention]
        return y * self.power


class Drop(nn.Dropout):
    """Of the user's, with nothing of its own."""


class Body(nn.Module):
    def __init__(self):
        self.gates = nn.ModuleList([Gate(), Gate()])
        self.chain = nn.Sequential({"norm": nn.BatchNorm1d(3, dtype=np.float64), "last": Gate()})
        self.chain["last"].linear.weight = self.gates[0].linear.weight  # shared
        self.also = self.gates[1]  # a shared child
        self.drop = Drop(0.5, rng=0)
        self.__dict__["hidden"] = nn.Softplus()  # that no traversal finds
        self.table = {"act": nn.ReLU}

    def forward(self, x):
        for gate in self.gates:
            x = gate(x)
        x = self.drop(self.chain(x)) + self.hidden(self.also(x))
        return ag.sum(x * x)


class World:
    """A model that is trained, and others beside it."""

    def __init__(self):
        self.model, self.other = Body(), Body()
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.01)
        self.second = optim.SGD(self.other.parameters(), lr=0.01, momentum=0.9)

    def loss(self, x):
        return self.model(x)

    def step(self, x):
        self.model.zero_grad()
        self.optimizer.zero_grad()
        loss = self.model(x)
        loss.backward()
        self.optimizer.step()
        return loss


def _replaced(factory):
    return lambda w: setattr(w.model.gates, "0", factory())


def _param(value):
    return ag.tensor(np.full(3, value), requires_grad=True)


def _swap(w):
    a, b = w.model.gates[:2]
    a.scale, b.scale = b.scale, a.scale


def _swap_children(w):
    gates = w.model.gates
    gates[0], gates[1] = gates[1], gates[0]


def _anew(w):
    w.model.gates[0].linear.__init__(3, 3, rng=7, dtype=np.float64)


def _copied(w, how=copy.deepcopy):
    for gate in (*w.model.gates, w.model.chain["last"]):
        gate.attention = gate.parts = None  # which have a history
    return how(w.model)


def _through_bytes(model):
    return pickle.loads(pickle.dumps(model))


def _renamed(w):
    chain = w.model.chain
    chain.norm, chain.last = nn.Tanh(), nn.Sequential(chain["last"], nn.Tanh())


def _own_forward(w):
    w.model.gates[0].squash.forward = lambda x: x * 3.0


def _without_bias(w):
    del w.model.gates[1].linear.bias
    w.model.gates[1].linear.bias = None


def _collecting(w):
    nn.estimate_statistics(w.model, [X, X + 1.0])


def _another_class(w):
    w.model.gates[0].squash.__class__ = nn.ReLU


class Halved(Drop):
    def forward(self, x):
        y = super().forward(x)
        self.keep = 0.25  # which ours has read before
        return y


CHANGES = {
    "a child is replaced": _replaced(Gate),
    "a child of another class": _replaced(lambda: nn.Linear(3, 3, rng=5, dtype=np.float64)),
    "a child of a child": lambda w: setattr(w.model.gates[1], "squash", nn.ReLU()),
    "a child is added": lambda w: w.model.gates.append(Gate()),
    "a child is removed": lambda w: delattr(w.model.chain, "norm"),
    "a child is set by position": lambda w: w.model.chain.__setitem__(-1, nn.Tanh()),
    "children change places": _swap_children,
    "a shared child": lambda w: setattr(w.model, "also", nn.Tanh()),
    "a child of the shared child": lambda w: setattr(w.model.also, "squash", nn.Softplus()),
    "a hidden child": lambda w: w.model.__dict__.__setitem__("hidden", nn.Tanh()),
    "a hidden child's own": lambda w: setattr(w.model.hidden, "forward", ag.tanh),
    "a parameter is replaced": lambda w: setattr(w.model.gates[0], "scale", _param(0.25)),
    "a parameter of ours": lambda w: setattr(
        w.model.gates[0].linear, "bias", ag.tensor(np.ones(3), requires_grad=True)
    ),
    "parameters change places": _swap,
    "a bias is taken away": _without_bias,
    "a buffer is replaced": lambda w: setattr(w.model.gates[0], "shift", ag.tensor(np.ones(3))),
    "a plain number": lambda w: setattr(w.model.gates[1], "power", 3.0),
    "an option of ours": lambda w: setattr(w.model.drop, "keep", 1.0),
    "momentum": lambda w: setattr(w.model.chain["norm"], "momentum", 0.9),
    "eval": lambda w: w.model.eval(),
    "a part in eval": lambda w: w.model.chain["norm"].eval(),
    "values are loaded": lambda w: w.model.load_state_dict(w.other.state_dict()),
    "frozen": lambda w: w.model.gates[0].requires_grad_(False),
    "initialized anew": _anew,
    "all of a chain": _renamed,
    "a forward of the object": _own_forward,
    "statistics collected": _collecting,
    "another class": _another_class,
    "attributes by object": lambda w: object.__setattr__(w.model.gates[0], "power", 5.0),
    "the forward of a class": lambda w: setattr(Gate, "forward", lambda self, x: x * self.power),
    "a number of a class": lambda w: (
        delattr(w.model.gates[0], "power"),
        setattr(Gate, "power", 7.0),
    ),
    "what ours asks for of a class": lambda w: setattr(Drop, "training", False),
    "a copy in its place": lambda w: setattr(w, "model", _copied(w)),
    "a pickled copy": lambda w: setattr(w, "model", _copied(w, _through_bytes)),
    "a copied part": lambda w: w.model.gates.__setitem__(0, _copied(w).gates[0]),
    "a changed copy in its place": lambda w: (
        setattr(w, "model", _copied(w)),
        setattr(w.model.gates[0], "squash", nn.ReLU()),
    ),
    "a step that writes what ours reads": lambda w: setattr(w.model, "drop", Halved(0.5, rng=1)),
    "a rule": lambda w: w.optimizer.param_groups[0].__setitem__("weight_decay", 0.1),
    "what is not finite": lambda w: setattr(w.optimizer, "nonfinite", "skip"),
    "another optimizer": lambda w: setattr(
        w, "optimizer", optim.SGD(w.model.parameters(), lr=0.1, momentum=0.9)
    ),
    "the optimizer's state": lambda w: w.optimizer.load_state_dict(w.optimizer.state_dict()),
    "a step of the optimizer": lambda w: w.step(X),
}
# Others' changes: a step is not captured again for them.
UNRELATED = {
    name: change
    for name, change in CHANGES.items()
    if " of a class" not in name and name not in ("frozen", "values are loaded")
}
STEPS = {"loss": World.loss, "step": World.step}


@pytest.fixture(autouse=True)
def _classes_as_they_were(monkeypatch):
    monkeypatch.setattr(Gate, "forward", Gate.forward)
    monkeypatch.setattr(Gate, "power", 1.0, raising=False)
    monkeypatch.setattr(Drop, "training", True, raising=False)


def _values(world, loss):
    state = world.model.state_dict() if isinstance(world.model, nn.Module) else {}
    return {"loss": np.asarray(loss.detach()), **state}


def _run(step, world):
    try:
        return _values(world, step(X))
    except ag.AutogradError as error:
        return type(error)


def _same(found, due):
    if isinstance(due, type):
        assert found is due
        return
    assert found.keys() == due.keys()
    for name, value in due.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


# Each in one of the steps; what is done to an optimizer in that which has one.
OF_OPTIMIZERS = [*CHANGES][[*CHANGES].index("a rule") :]
CASES = [
    (change, "step" if i % 2 or change in OF_OPTIMIZERS else "loss")
    for i, change in enumerate(CHANGES)
]


@pytest.mark.parametrize(("change", "name"), CASES)
def test_a_change_is_seen(change, name):
    one, two = World(), World()
    step = ag.jit(lambda x: STEPS[name](one, x), backend="numpy")

    def eager(x):
        return STEPS[name](two, x)

    for _ in range(2):
        _same(_run(step, one), _run(eager, two))
    for world in (one, two) if " of a class" not in change else (one,):
        CHANGES[change](world)
    if " of a class" in change and "number" in change:
        del two.model.gates[0].power
    for _ in range(2):
        _same(_run(step, one), _run(eager, two))
        one.model.gates[0].note, two.model.gates[0].note = "a", "a"


@pytest.mark.parametrize("name", STEPS)
def test_a_change_elsewhere_is_not_captured(name):
    world = World()
    step = ag.jit(lambda x: STEPS[name](world, x), backend="numpy")
    step(X)
    entry = step._last
    for change in UNRELATED.values():
        change(World())
        step(X)
        assert step._last is entry
    assert len(step._runners) == 1


@pytest.mark.parametrize("name", STEPS)
def test_what_a_forward_leaves_behind_in_a_module_of_the_step_is_not_captured(name):
    world = World()
    step = ag.jit(lambda x: STEPS[name](world, x), backend="numpy")
    step(X)
    entry = step._last
    for k in range(3):
        world.model(X)  # sets attention and parts
        world.model.gates[0].attention = k
        world.model.note = k
        world.second.param_groups[0]["nesterov"] = bool(k % 2)
        step(X)
        assert step._last is entry


def test_a_module_that_is_made_inside_is_not_captured_at_each_call():
    weight = ag.tensor(np.eye(3), requires_grad=True)

    class Squash(nn.Module):
        def __init__(self, act):
            self.act = act

        def forward(self, x):
            self.seen = x
            return self.act(x @ weight)

    @ag.jit(backend="numpy")
    def step(x):
        chain = nn.Sequential(Squash(nn.Tanh()), nn.ReLU(), nn.Tanh())
        chain.append(nn.Sequential(nn.Tanh()))
        return ag.sum(chain[:3](x)) + ag.sum(chain(x))

    step(X)
    entry = step._last
    due = step.function(X).item()
    for _ in range(3):
        assert step(X).item() == pytest.approx(due, rel=1e-12)
        assert step._last is entry
    weight.assign(np.full((3, 3), 0.5))
    assert step(X).item() == pytest.approx(step.function(X).item(), rel=1e-12)


def test_groups_of_an_optimizer_that_are_left_out():
    one, two = ([ag.tensor(np.ones(2), requires_grad=True, name=n) for n in "vw"] for _ in range(2))
    rules = [optim.SGD([{"params": [t]} for t in pair], lr=0.1) for pair in (one, two)]

    def made(pair, rule):
        def step(x):
            for t in pair:
                t.grad = None  # also of those that are left out
            ag.sum(pair[0] * pair[1] * x).backward()
            rule.step()

        return step

    steps = ag.jit(made(one, rules[0]), backend="numpy"), made(two, rules[1])
    for groups in (slice(None), slice(1), slice(1, None)):
        both = [rule.param_groups for rule in rules]
        for rule in rules:
            rule.param_groups = rule.param_groups[groups]
        for step in (*steps, *steps):
            step(np.array([1.0, 2.0]))
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-14)
        for rule, before in zip(rules, both, strict=True):
            rule.param_groups = before
