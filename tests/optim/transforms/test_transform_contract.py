"""What holds of every transform: one that stands in the folder is tested by existing."""

from __future__ import annotations

import copy
import importlib.util
import inspect
import itertools
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError
from autograd_core.options import Choice, Interval
from optim import arena
from optim.contract import every_transform
from optim.hyperparameters import NonNegative
from optim.schedules import Linear

BACKENDS = ["numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)
KINDS = every_transform()
EXAMPLES = [kind(**options) for kind in KINDS for options in kind.examples]
SHAPES = [(3, 2), (), (5,)]


def norm(x):
    return ag.sqrt(ag.sum(x * x))


class Lars(optim.Optimizer):
    """A rule that looks at one parameter as a whole, and counts."""

    scope = "parameter"
    lr: NonNegative = 0.1

    @classmethod
    def slots(cls, options):
        return ("v",)

    @staticmethod
    def update(theta, g, v, *, step, lr):
        v = 0.5 * v + lr / step * norm(theta) / (norm(g) + 1e-9) * g
        return theta - v, v


class Whole(optim.Optimizer):
    """A rule that looks at all."""

    scope = "all"
    lr: NonNegative = 0.1

    @staticmethod
    def update(theta, g, *, step, lr):
        return (theta - lr / step * g / (norm(g) + norm(theta)),)


class Centred(optim.Transform):
    """Scope "parameter", with a slot, and a number of the optimizer's."""

    scope = "parameter"
    slots = ("mean",)
    keep: NonNegative = 0.5

    @staticmethod
    def update(inner, theta, g, mean, *, step, lr, keep):
        mean = keep * mean + ag.mean(g)
        return inner((1 - 0.1 * lr) * theta, g - mean / step), mean


class Slower(optim.Transform):
    """Scope "all"; it changes what comes out, by all of it."""

    scope = "all"
    slots = ("before",)

    @staticmethod
    def update(inner, theta, g, before, *, step):
        move = inner(theta, g) - theta
        move = move / (1 + norm(move)) + 0.1 * before
        return theta + move, move


RULES = {
    "descent": lambda p, **o: optim.SGD(p, lr=0.1, momentum=0.5, **o),
    "Adam": lambda p, **o: optim.Adam(p, lr=Linear(0.1), **o),
    "each": Lars,
    "all": Whole,
}
CHAINS = {
    "clipped, decayed, averaged": [
        optim.ClipByNorm(0.5),
        optim.WeightDecay(0.1),
        optim.Average(0.5),
        optim.ClipByValue(0.2),
    ],
    "all, each, element": [Slower(), Centred(), optim.Average(Linear(0.9))],
    "each, element": [Centred(), optim.WeightDecay(0.1)],
    "all twice": [optim.ClipByNorm(Linear(2.0)), Slower()],
    "by value around by norm": [optim.ClipByValue(0.3), optim.ClipByNorm(0.5)],
    "every width around every other": [
        optim.Average(0.9),
        Slower(),
        Centred(),
        optim.ClipByNorm(0.5),
        optim.Average(Linear(0.5)),
        Centred(0.25),
        Slower(),
    ],
    **{repr(example): [example] for example in EXAMPLES},
}
# A rule for each chain; the chains of several parts are tried with every rule.
RULE_OF = dict(zip(CHAINS, itertools.cycle(RULES), strict=False))
CASES = [(r, c) for r in RULES for c in CHAINS if len(CHAINS[c]) > 1 or RULE_OF[c] == r]
cases = pytest.mark.parametrize(("rule", "chain"), CASES)


def parameters(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [ag.tensor(rng.normal(size=s).astype(dtype), requires_grad=True) for s in SHAPES]


def factors(count):
    rng = np.random.default_rng(1)
    return [[rng.normal(size=s) for s in SHAPES] for _ in range(count)]


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


def cut(array, like):
    ends = np.cumsum([a.size for a in like])[:-1]
    return [part.reshape(a.shape) for part, a in zip(np.split(array, ends), like, strict=True)]


def by_hand(rule, chain, steps, missing):
    """One after the other, in plain NumPy arrays: each stage is called on what its scope states.

    Where one that sees a parameter stands around what sees all, each of its calls has a thread of its
    own, which waits for the others at its call of what is inside.
    """
    optimizer = RULES[rule](parameters())
    kind, group = type(optimizer), optimizer.param_groups[0]
    thetas = [t.numpy().copy() for t in optimizer.params]
    kept = [{} for _ in SHAPES]
    counts = [0] * len(SHAPES)

    def numbers(options, k):
        found = {
            n: float(v(k - 1)) if isinstance(v, optim.Schedule) else v for n, v in options.items()
        }
        found.pop("maximize", None)  # which is no argument of a rule
        return {n: None if v == 0 and n in ("weight_decay", "momentum") else v for n, v in found.items()}  # fmt: skip

    def stage(level, which, theta, g):
        """New values of some parameters, from a level of the chain on."""
        at = kind if level == len(chain) else chain[level]
        if at.scope != "all" and len(which) > 1:
            return each(level, which, theta, g)
        inner = lambda t, h: stage(level + 1, which, t, h)  # noqa: E731
        return one_call(level, which, theta, g, inner)

    def each(level, which, theta, g):
        handed, answers = {}, {}

        def answer():
            rows = zip(*(handed[i] for i in which), strict=True)
            answers.update(zip(which, stage(level + 1, which, *map(list, rows)), strict=True))

        together = threading.Barrier(len(which), answer)

        def of(i, t, h):
            def inner(ts, hs):
                handed[i] = ts[0], hs[0]
                together.wait(10)
                return [answers[i]]

            return one_call(level, [i], [t], [h], inner)[0]

        with ThreadPoolExecutor(len(which)) as threads:
            return list(threads.map(of, which, theta, g))

    def one_call(level, which, theta, g, within):
        last = level == len(chain)
        at = kind if last else chain[level]
        join, part = (flat, cut) if at.scope == "all" else ((lambda a: a[0]), lambda a, _: [a])
        k = max(counts[i] for i in which)
        names = kind.slots(dict(group)) if last else at.slots
        own = [join([kept[i].get((level, n), np.zeros(SHAPES[i])) for i in which]) for n in names]
        inner = lambda t, h: ag.tensor(  # noqa: E731
            join(within(part(np.asarray(t), theta), part(np.asarray(h), theta)))
        )
        ours, theirs = numbers(dict(group), k), {} if last else numbers(vars(at), k)
        asked = ours if last else {**{n: ours[n] for n in at.reads}, **theirs}
        given = (ag.tensor(join(theta)), ag.tensor(join(g)), *map(ag.tensor, own))
        new, *slots = at.update(*([] if last else [inner]), *given, step=k, **asked)
        for n, values in zip(names, slots, strict=True):
            for i, values_i in zip(which, part(np.asarray(values), theta), strict=True):
                kept[i][level, n] = values_i
        return part(np.asarray(new), theta)

    for n, row in enumerate(steps):
        gradients = [f * np.cos(t * f) for t, f in zip(thetas, row, strict=True)]
        chosen = [i for i in range(len(SHAPES)) if (n, i) not in missing]
        for i in chosen:
            counts[i] += 1
        news = stage(0, chosen, [thetas[i] for i in chosen], [gradients[i] for i in chosen])
        for i, theta in zip(chosen, news, strict=True):
            thetas[i] = theta
    return thetas, [
        {name_of(chain, level, name): values for (level, name), values in slots.items()}
        for slots in kept
    ]


def name_of(chain, level, slot):
    """Under what name a slot is kept."""
    if level == len(chain):
        return slot
    kind = type(chain[level])
    nth = sum(type(t) is kind for t in chain[level:])
    return f"{kind.__name__}.{slot}" if nth == 1 else f"{kind.__name__}.{nth}.{slot}"


def run(rule, chain, steps, missing=(), wrap=lambda f: f, dtype=np.float64):
    params = parameters(dtype)
    optimizer = RULES[rule](params, transforms=chain)

    def step(which, *row):
        optimizer.zero_grad()
        parts = [ag.sum(ag.sin(params[i] * row[i])) for i in which]
        loss = sum(parts[1:], parts[0])
        loss.backward()
        optimizer.step()
        return loss

    call = wrap(step)
    for n, row in enumerate(steps):
        which = tuple(i for i in range(len(SHAPES)) if (n, i) not in missing)
        call(which, *(f.astype(dtype) for f in row))
    return optimizer


def assert_is(optimizer, expected, tolerance=1e-12):
    for t, theta, slots in zip(optimizer.params, *expected, strict=True):
        np.testing.assert_allclose(t.numpy(), theta, rtol=tolerance, atol=tolerance)
        found = optimizer.slots_of(t)
        assert found.keys() == slots.keys()
        for name, values in slots.items():
            np.testing.assert_allclose(found[name], values, rtol=tolerance, atol=tolerance)


MISSING = frozenset({(1, 1), (2, 1), (0, 2)})


def test_there_are_some():
    assert {optim.ClipByNorm, optim.Average} <= set(KINDS)
    assert all(kind.examples for kind in KINDS)


@pytest.mark.sampled(2)
@cases
@pytest.mark.parametrize("missing", [frozenset(), MISSING], ids=["whole", "gaps"])
def test_each_stage_sees_what_it_states(rule, chain, missing, monkeypatch):
    chain, steps = CHAINS[chain], factors(4)
    expected = by_hand(rule, chain, steps, missing)
    assert_is(run(rule, chain, steps, missing), expected)
    monkeypatch.setattr(arena, "BLOCK", 24)  # bytes: blocks that end within parameters
    assert_is(run(rule, chain, steps, missing), expected)
    compiled = run(rule, chain, steps, missing, lambda f: ag.jit(f, backend="numpy"))
    assert_is(compiled, expected)


@pytest.mark.parametrize("chain", CHAINS)
def test_in_native_code(chain):
    missing = MISSING if len(CHAINS[chain]) > 1 else ()
    rule = RULE_OF[chain]
    chain, steps = CHAINS[chain], factors(4)
    found = run(rule, chain, steps, missing, lambda f: ag.jit(f, backend=BACKENDS[-1]))
    assert_is(found, by_hand(rule, chain, steps, missing))


@pytest.mark.parametrize("chain", [c for c in CHAINS if len(CHAINS[c]) > 1])
def test_a_compiled_step_looks_at_objects_alone_between_runs(chain):
    compiled = []

    def wrap(step):
        compiled.append(ag.jit(step, backend="numpy"))
        return compiled[0]

    run(RULE_OF[chain], CHAINS[chain], factors(3), wrap=wrap)
    (entry,) = compiled[0]._entries.values()
    assert not entry.watch.slow


@pytest.mark.parametrize("chain", CHAINS)
def test_single_precision_stays(chain):
    rule = RULE_OF[chain]
    chain, steps = CHAINS[chain], factors(4)
    optimizer = run(rule, chain, steps, dtype=np.float32)
    assert all(t.dtype == np.float32 for t in optimizer.params)
    assert_is(optimizer, by_hand(rule, chain, steps, ()), 1e-4)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_state_goes_on_bit_for_bit(chain):
    rule = RULE_OF[chain]
    steps = factors(6)
    whole = run(rule, CHAINS[chain], steps)
    first = run(rule, CHAINS[chain], steps[:3])
    state = first.state_dict()
    if CHAINS[chain][0] in EXAMPLES:
        state["scalars"] = json.loads(json.dumps(state["scalars"], allow_nan=False))
    params = parameters()
    other = RULES[rule](params)  # the transforms come with the state
    with ag.no_grad():
        for t, values in zip(params, first.params, strict=True):
            t.assign(values.numpy())
    other.load_state_dict(state)
    assert other.param_groups[0].transforms == tuple(CHAINS[chain])
    for row in steps[3:]:
        other.zero_grad()
        sum(ag.sum(ag.sin(t * f)) for t, f in zip(params, row, strict=True)).backward()
        other.step()
    for a, b in zip(other.params, whole.params, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    found, expected = other.state_dict()["arrays"], whole.state_dict()["arrays"]
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("backend", [None, *BACKENDS])
def test_two_calls_that_clip_are_the_transforms_that_clip(backend):
    """By value and then by the norm of everything, as by hand before a step."""
    steps = factors(4)

    def trained(transforms, clip):
        params = parameters()
        optimizer = optim.Adam(params, lr=0.1, transforms=transforms)

        def step(*row):
            optimizer.zero_grad()
            sum(ag.sum(ag.sin(t * f)) for t, f in zip(params, row, strict=True)).backward()
            if clip:
                for t in params:
                    t.grad = ag.clip(t.grad, -0.2, 0.2)
                size = norm(ag.concatenate([ag.ravel(t.grad) for t in params]))
                for t in params:
                    t.grad = t.grad * ag.minimum(1.0, 0.4 / size)
            optimizer.step()

        call = step if backend is None else ag.jit(step, backend=backend)
        for row in steps:
            call(*row)
        return optimizer

    ours = trained([optim.ClipByValue(0.2), optim.ClipByNorm(0.4)], False)
    theirs = trained([], True)
    for a, b in zip(ours.params, theirs.params, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kind", [*KINDS, Centred, Slower])
def test_its_slots_are_those_of_no_other(kind):
    """With an optimizer that has slots of the same names, and another of its class within."""
    if not kind.slots:
        return
    options = kind.examples[0] if kind.examples else {}

    class Alike(optim.Optimizer):
        lr: NonNegative = 0.1

        @classmethod
        def slots(cls, options):
            return kind.slots

        @staticmethod
        def update(theta, g, *own, step, lr):
            return (theta - lr * g, *(s + 1.0 for s in own))

    def trained(rule, count):
        w = ag.tensor([1.0, 2.0], requires_grad=True)
        optimizer = rule([w], lr=0.1, transforms=[kind(**options)] * count)
        for _ in range(3):
            w.grad = ag.tensor([0.5, -0.25])
            optimizer.step()
        return optimizer.slots_of(w)

    alone, beside, twice = trained(optim.SGD, 1), trained(Alike, 1), trained(Alike, 2)
    name = kind.__name__
    assert list(twice) == [p + s for p in ("", f"{name}.", f"{name}.2.") for s in kind.slots]
    for slot in kind.slots:
        assert twice[slot].tolist() == [3.0, 3.0]
        np.testing.assert_array_equal(beside[f"{name}.{slot}"], alone[f"{name}.{slot}"])


@pytest.mark.parametrize("kind", KINDS)
def test_its_docstring_says_numbers_slots_and_source(kind):
    assert "References" in kind.__doc__
    assert "Examples" in kind.__doc__
    for name, allowed in kind.hyperparameters.items():
        kinds = {Interval: "float", Choice: "{"}
        what = next((w for kind_, w in kinds.items() if isinstance(allowed, kind_)), "int")
        assert f"\n{name} : {what}" in inspect.getdoc(kind)
    assert all(f"``{slot}``" in kind.__doc__ for slot in kind.slots)


# --- what cannot be ---------------------------------------------------------------------------------


def made(*transforms, kind=optim.SGD):
    return kind([ag.tensor([1.0, 2.0], requires_grad=True)], lr=0.1, transforms=list(transforms))


class Forgets(optim.Transform):
    @staticmethod
    def update(inner, theta, g, *, step):
        return (theta - g,)


class Doubles(optim.Transform):
    @staticmethod
    def update(inner, theta, g, *, step):
        return (inner(inner(theta, g), g),)


class Sums(optim.Transform):
    @staticmethod
    def update(inner, theta, g, *, step):
        return (inner(theta, g / ag.sum(g)),)


class Asks(optim.Transform):
    @staticmethod
    def update(inner, theta, g, *, step, beta):
        return (inner(theta, g * beta),)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: made(Forgets()), "Forgets did not call the update inside"),
        (lambda: made(Doubles()), "Doubles called the update inside of it twice"),
        (lambda: made(Sums()), "not of scope 'element'.*sum in it"),
        (lambda: made(Sums(), kind=Lars), "not of scope 'element'.*sum in it"),
        (lambda: made(Sums(), optim.ClipByNorm(), kind=Whole), "not of scope 'element'.*sum in it"),
        (lambda: made(optim.Average(), optim.ClipByNorm(), Doubles()), "Doubles called the update inside of it twice"),
        (lambda: made(optim.ClipByNorm(), Forgets()), "Forgets did not call the update inside"),
        (lambda: made(Asks()), "Asks asks for beta, which this optimizer does not have"),
        (lambda: made(optim.Average), r"SGD: transforms: expected a list of optim.Transform"),
        (lambda: optim.ClipByNorm(0.0), "ClipByNorm: limit: expected a finite number"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_names_are_checked_when_the_class_is_made():
    with pytest.raises(TypeError, match=r"Lost.update: .* missing: limit"):

        class Lost(optim.Transform):
            limit: NonNegative

            @staticmethod
            def update(inner, theta, g, *, step):
                return (inner(theta, g),)


@pytest.mark.parametrize("slots", [("a", "a"), ("a.b",), "average", ("",)])
def test_slots_are_checked_when_the_class_is_made(slots):
    with pytest.raises(TypeError, match=r"Odd.slots: expected a tuple of identifiers, each once"):
        type("Odd", (optim.Transform,), {"slots": slots})


def test_a_scope_is_checked_when_the_class_is_made():
    with pytest.raises(TypeError, match=r"Odd.scope: expected one of .*; received 'group'"):
        type("Odd", (optim.Transform,), {"scope": "group"})


@pytest.mark.parametrize("slots", [("m", "m"), ("theta",), ("g",), ("step",), ("lr",), ("a.b",)])
def test_an_optimizers_slots_are_named_apart_from_all_that_its_rule_is_given(slots):
    class Odd(optim.Optimizer):
        lr: NonNegative = 0.1

        @staticmethod
        def update(theta, g, *own, step, lr):
            return (theta - lr * g, *own)

    Odd.slots = classmethod(lambda cls, options: slots)
    with pytest.raises(ConfigError, match=r"Odd: its slots are .*expected identifiers, each once"):
        made(kind=Odd)


def test_one_that_sees_all_needs_one_dtype_whenever_it_is_set():
    params = [ag.tensor(np.ones(2, d), requires_grad=True) for d in (np.float32, np.float64)]
    with pytest.raises(ConfigError, match="dtypes float32, float64"):
        optim.SGD(params, 0.1, transforms=[optim.ClipByNorm()])
    optimizer = optim.SGD(params, 0.1)
    with pytest.raises(ConfigError, match="dtypes float32, float64"):
        optimizer.transforms = [optim.ClipByNorm()]
    assert optimizer.transforms == ()
    optimizer.transforms = [optim.ClipByValue()]
    assert optimizer.param_groups[0].transforms == (optim.ClipByValue(5.0),)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_alike_and_apart(again):
    w = ag.tensor([3.0, 4.0], requires_grad=True)
    optimizer = optim.Adam(
        [w], lr=Linear(0.1), transforms=[optim.ClipByNorm(1.0), optim.Average(0.5)]
    )
    for _ in range(2):
        w.grad = ag.tensor([3.0, -4.0])
        optimizer.step()
    other, u = again((optimizer, w))
    assert other.transforms == optimizer.transforms
    assert other.lr == optimizer.lr
    for o, t in ((optimizer, w), (other, u)):
        t.grad = ag.tensor([1.0, 2.0])
        o.step()
    np.testing.assert_array_equal(u.numpy(), w.numpy())
    name = "Average.average"
    np.testing.assert_array_equal(other.slots_of(u)[name], optimizer.slots_of(w)[name])
    assert not np.shares_memory(u.numpy(), w.numpy())


def test_they_may_be_set_between_steps_and_for_each_group():
    w, u = (ag.tensor([0.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD(
        [{"params": [w]}, {"params": [u], "transforms": [optim.ClipByValue(1.0)]}], lr=1.0
    )

    def step():
        optimizer.zero_grad()
        ((w + u) * 3.0).backward(np.ones(1))
        optimizer.step()

    call = ag.jit(step, backend="numpy")
    call()
    assert (w.item(), u.item()) == (-3, -1)
    optimizer.param_groups[1].transforms = []
    optimizer.param_groups[0].transforms = [optim.ClipByNorm(2.0)]
    call()
    assert (w.item(), u.item()) == (-5, -4)
    assert "transforms=[ClipByNorm(limit=2.0)]" in repr(optimizer)
