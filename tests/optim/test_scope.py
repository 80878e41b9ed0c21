"""A rule is one rule: over an arena, over its blocks, for each parameter, eager and compiled."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError
from optim import arena
from optim.hyperparameters import Decay, Fraction, NonNegative, Positive

BACKENDS = ["numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)


def norm(x):
    return ag.sqrt(ag.sum(x * x))


class Lars(optim.Optimizer):
    """You, Gitman and Ginsburg (2017): a parameter's own rate, by the ratio of its norms."""

    scope = "parameter"
    lr: NonNegative = 0.1
    weight_decay: NonNegative = 0.01

    @classmethod
    def slots(cls, options):
        return ("v",)

    @staticmethod
    def update(theta, g, v, *, step, lr, weight_decay):
        trust = norm(theta) / (norm(g) + weight_decay * norm(theta) + 1e-9)
        v = 0.9 * v + lr * trust * (g + weight_decay * theta)
        return theta - v, v


class Lamb(optim.Optimizer):
    """You et al. (2020): Adam's step, scaled to the parameter's norm."""

    scope = "parameter"
    lr: NonNegative = 0.1
    beta: Fraction = 0.9

    @classmethod
    def slots(cls, options):
        return ("m", "v")

    @staticmethod
    def update(theta, g, m, v, *, step, lr, beta):
        m = beta * m + (1 - beta) * g
        v = beta * v + (1 - beta) * g * g
        r = m / (1 - beta**step) / (ag.sqrt(v / (1 - beta**step)) + 1e-6)
        size = norm(r)
        return theta - lr * ag.where(size > 0, norm(theta) / (size + 1e-12), 1.0) * r, m, v


class Rows(optim.Optimizer):
    """By the norms of rows: a rule that needs the parameter's shape."""

    scope = "parameter"
    lr: NonNegative = 0.1

    @staticmethod
    def update(theta, g, *, step, lr):
        size = ag.sum(g * g, axis=-1, keepdims=True) if g.ndim else g * g
        return (theta - lr * g / ag.sqrt(size + 1e-9),)


class Clipped(optim.Optimizer):
    """Descent by a gradient that is clipped by the norm of all of it."""

    scope = "all"
    lr: NonNegative = 0.1
    limit: Positive = 0.5

    @classmethod
    def slots(cls, options):
        return ("v",)

    @staticmethod
    def update(theta, g, v, *, step, lr, limit):
        v = 0.5 * v + g * ag.minimum(1.0, limit / norm(g))
        return theta - lr / step * v, v


class Signs(optim.Optimizer):
    """Element by element; here to see that nothing changes for such rules."""

    lr: NonNegative = 0.1

    @staticmethod
    def update(theta, g, *, step, lr):
        return (theta - lr / step * ag.tanh(g),)


RULES = [Lars, Lamb, Rows, Clipped, Signs]
SHAPES = [(5, 7), (7,), (), (3, 1, 2), (40,)]


def parameters(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [ag.tensor(rng.normal(size=s).astype(dtype), requires_grad=True) for s in SHAPES]


def losses(count):
    """A factor for each parameter and step; None where it has no gradient."""
    rng = np.random.default_rng(1)
    return [[rng.normal(size=s) for s in SHAPES] for _ in range(count)]


def reference(kind, steps, missing=()):
    """The rule by itself, on what its scope states, by nothing but its own function."""
    thetas = [t.numpy().copy() for t in parameters()]
    optimizer = kind(parameters())
    names, options = optimizer.param_groups[0].rule.slots, dict(optimizer.param_groups[0])
    del options["maximize"]  # which is no argument of the rule
    slots = [[np.zeros(s) for _ in names] for s in SHAPES]
    counts = [0] * len(SHAPES)
    for n, factors in enumerate(steps):
        gradients = [f * np.cos(t * f) for t, f in zip(thetas, factors, strict=True)]
        chosen = [i for i in range(len(SHAPES)) if (n, i) not in missing]
        if kind.scope != "all":
            for i in chosen:
                counts[i] += 1
                new = kind.update(thetas[i], gradients[i], *slots[i], step=counts[i], **options)
                thetas[i], *slots[i] = (np.asarray(a) for a in new)
            continue
        step = 1 + max(counts[i] for i in chosen)
        flat = [np.concatenate([np.ravel(a[i]) for i in chosen]) for a in (thetas, gradients)]
        flat += [np.concatenate([np.ravel(slots[i][k]) for i in chosen]) for k in range(len(names))]
        new = kind.update(*flat, step=step, **options)
        ends = np.cumsum([thetas[i].size for i in chosen])[:-1]
        for k, whole in enumerate(new):
            for i, part in zip(chosen, np.split(np.asarray(whole), ends), strict=True):
                part = part.reshape(SHAPES[i])
                if k:
                    slots[i][k - 1] = part
                else:
                    thetas[i] = part
        for i in chosen:
            counts[i] += 1
    return thetas, slots


def run(kind, steps, wrap=lambda f: f, missing=(), dtype=np.float64):
    params = parameters(dtype)
    optimizer = kind(params)

    def step(which, *factors):
        optimizer.zero_grad()
        parts = [ag.sum(ag.sin(params[i] * factors[i])) for i in which]
        sum(parts[1:], parts[0]).backward()
        optimizer.step()
        return sum(parts[1:], parts[0])

    call = wrap(step)
    for n, factors in enumerate(steps):
        which = tuple(i for i in range(len(SHAPES)) if (n, i) not in missing)
        call(which, *(f.astype(dtype) for f in factors))
    found = [[*optimizer.slots_of(t).values()] for t in params]
    return [t.numpy() for t in params], found


def assert_equal(found, wanted, tolerance=1e-12):
    for f, w in zip(found[0], wanted[0], strict=True):
        np.testing.assert_allclose(f, w, rtol=tolerance, atol=tolerance)
    for f, w in zip(found[1], wanted[1], strict=True):
        for one, other in zip(f, w, strict=True):
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


# The third parameter misses two steps, and the last one the first.
MISSING = {(1, 2), (2, 2), (0, 4)}


@pytest.mark.parametrize("missing", [frozenset(), frozenset(MISSING)])
@pytest.mark.parametrize("kind", RULES)
def test_every_way_of_running_a_rule_gives_the_same(kind, missing, monkeypatch):
    steps = losses(5)
    wanted = reference(kind, steps, missing)
    assert_equal(run(kind, steps, missing=missing), wanted)
    for backend in BACKENDS:
        found = run(kind, steps, lambda f, b=backend: ag.jit(f, backend=b), missing)
        assert_equal(found, wanted)
    for size in (8, 64, 200):  # bytes: blocks that end within parameters
        monkeypatch.setattr(arena, "BLOCK", size)
        assert_equal(run(kind, steps, missing=missing), wanted)


@pytest.mark.parametrize("kind", RULES)
def test_many_steps_in_one_call_in_single_precision(kind):
    steps = losses(4)
    wanted = reference(kind, steps)
    stacked = [np.stack(column).astype(np.float32) for column in zip(*steps, strict=True)]
    for backend in BACKENDS:
        params = parameters(np.float32)
        optimizer = kind(params)

        def step(*factors, params=params, optimizer=optimizer):
            optimizer.zero_grad()
            loss = sum(ag.sum(ag.sin(t * f)) for t, f in zip(params, factors, strict=True))
            loss.backward()
            optimizer.step()
            return loss

        ag.jit(step, backend=backend).many(*stacked)
        for t, w in zip(params, wanted[0], strict=True):
            np.testing.assert_allclose(t.numpy(), w, rtol=2e-4, atol=2e-4)
        assert optimizer.updates == 4


def test_all_means_all_of_a_group():
    a, b = (ag.tensor(np.full(2, v), requires_grad=True) for v in (3.0, 4.0))
    for groups in ([{"params": [a, b]}], [{"params": [a]}, {"params": [b]}]):
        with ag.no_grad():
            a.assign(np.zeros(2))
            b.assign(np.zeros(2))
        optimizer = Clipped(groups, lr=1.0, limit=1.0)
        (ag.sum(a * 3.0) + ag.sum(b * 4.0)).backward()
        optimizer.step()
        optimizer.zero_grad()
        size = np.sqrt(50.0) if len(groups) == 1 else 3 * np.sqrt(2.0)
        np.testing.assert_allclose(a.numpy(), -3 / size)


# --- rules that lie ----------------------------------------------------------------------------------


def lying(update, slots=()):
    """An optimizer of scope "element" with that rule of a learning rate of 0.1."""

    class Lies(optim.Optimizer):
        lr: NonNegative = 0.1

    Lies.update = staticmethod(update)
    return lambda: Lies([ag.tensor([1.0, 2.0, 3.0], requires_grad=True)])


TABLE = np.ones(3)
LIES = {
    "sum": lambda theta, g, *, step, lr: (theta - lr * g / norm(g),),
    "mean": lambda theta, g, *, step, lr: (theta - lr * (g - ag.mean(g)),),
    "max": lambda theta, g, *, step, lr: (theta - lr * g / ag.max(ag.abs(g)),),
    "cumsum": lambda theta, g, *, step, lr: (theta - lr * ag.cumsum(g),),
    "flip": lambda theta, g, *, step, lr: (theta - lr * ag.flip(g),),
    "sort": lambda theta, g, *, step, lr: (theta - lr * ag.sort(g),),
    "first": lambda theta, g, *, step, lr: (theta - lr * g[0],),
    "outer": lambda theta, g, *, step, lr: (theta - lr * (g[:, None] * g) @ g,),
    "size": lambda theta, g, *, step, lr: (theta - lr * g / g.size,),
    "places": lambda theta, g, *, step, lr: (theta - lr * g * TABLE,),
    "shape": lambda theta, g, *, step, lr: (theta - lr * g * (1 if g.shape[0] > 2 else 2),),
    "number": lambda theta, g, *, step, lr: (lr * 1.0,),
    "reshape": lambda theta, g, *, step, lr: (theta - lr * ag.reshape(g, (1, -1))[0],),
}


@pytest.mark.parametrize("name", LIES)
def test_a_rule_that_looks_beyond_its_element_is_refused(name):
    with pytest.raises(ConfigError, match=r"not of scope .element..*scope = .parameter"):
        lying(LIES[name])()


def test_the_refusal_names_the_step():
    with pytest.raises(ConfigError, match=r"Lies: .*sum in it"):
        lying(LIES["sum"])()


@pytest.mark.parametrize("kind", [k for k in RULES if k.scope != "element"])
def test_the_same_rules_without_their_scope_are_refused(kind):
    silent = type(f"Silent{kind.__name__}", (kind,), {"scope": "element"})
    with pytest.raises(ConfigError, match=f"Silent{kind.__name__}: "):
        silent(parameters())


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}],
)
def test_the_rules_of_the_house_keep_to_theirs(options):
    assert optim.SGD(parameters(), lr=0.1, **options).scope == "element"


def test_a_choice_that_is_made_later_is_looked_at_too():
    class Late(optim.Optimizer):
        lr: NonNegative = 0.1
        decay: Decay = 0.0

        @staticmethod
        def update(theta, g, *, step, lr, decay):
            return (theta - lr * (g if decay is None else g * norm(theta)),)

    optimizer = Late(parameters())
    with pytest.raises(ConfigError, match="not of scope 'element'"):
        optimizer.param_groups[0]["decay"] = 0.1
    assert optimizer.param_groups[0]["decay"] == 0.0


def test_unknown_scopes_and_groups_of_two_dtypes_are_refused():
    odd = type("Odd", (Signs,), {"scope": "group"})
    with pytest.raises(ConfigError, match="expected scope, one of"):
        odd(parameters())
    mixed = [*parameters(), *parameters(np.float32)]
    with pytest.raises(ConfigError, match="dtypes float64, float32"):
        Clipped(mixed)
    Lars(mixed)
