"""What holds of every optimizer: one that stands in the folder is tested by existing.

Each is tried with its own examples, with every choice, with every term there and not, and with
schedules in place of its numbers.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import pkgutil

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core import storage
from autograd_core.errors import ConfigError
from optim import Schedule
from optim.contract import every_optimizer, variants
from optim.hyperparameters import dropped

KINDS = every_optimizer()
BACKENDS = ["numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)
SHAPES = [(3, 2), (), (5,)]


def words(kind, options):
    usual = {a.name: a.default for a in inspect.signature(kind).parameters.values()}
    changed = (f"{name}={value}" for name, value in options.items() if value != usual[name])
    return f"{kind.__name__}({', '.join(changed)})".replace("schedule=", "")


def of_each(chosen):
    """A test of every case; by default of those whose place among an optimizer's own is chosen."""
    params = []
    for kind in KINDS:
        found = variants(kind)
        for n, options in enumerate(found):
            by_default = chosen(n, len(kind.examples), len(found))
            name = words(kind, options).split("Joined")[0]
            marks = () if by_default else pytest.mark.slow
            params.append(pytest.param(kind, options, id=name, marks=marks))
    return pytest.mark.parametrize(("kind", "options"), params)


# Examples, and the last, which has schedules for its numbers; where it takes longer, the first and the last.
cases = of_each(lambda n, examples, count: n < examples or n == count - 1)
dear = of_each(lambda n, examples, count: n == 0 or n == count - 1)
kinds = pytest.mark.parametrize("kind", KINDS)


def leaf(values, dtype=np.float64, name=None):
    return ag.tensor(values, dtype, requires_grad=True, name=name)


def parameters(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [leaf(rng.normal(size=shape), dtype) for shape in SHAPES]


def factors(count):
    """What the parameters are multiplied by in each step's loss."""
    rng = np.random.default_rng(1)
    return [[rng.normal(size=shape) for shape in SHAPES] for _ in range(count)]


def by_hand(kind, options, steps, missing=()):
    """Parameters, slots and counts by the rule's own function, called on what its scope states."""
    slots_there = kind.slots(options)
    thetas = [t.numpy().copy() for t in parameters()]
    slots = [
        [np.zeros(() if name in kind.numbers else shape) for name in slots_there]
        for shape in SHAPES
    ]
    counts = [0] * len(SHAPES)

    def named(k):
        return {
            name: None
            if dropped(kind.hyperparameters[name], value)
            else float(value(k - 1))
            if isinstance(value, Schedule)
            else value
            for name, value in options.items()
            if name not in optim.Optimizer.hyperparameters
        }

    def updated(theta, g, slots, k):
        told = {"loss": loss} if kind.asks_for_loss(options) else {}
        new = kind.update(ag.tensor(theta), ag.tensor(g), *slots, step=k, **named(k), **told)
        return [np.asarray(a) for a in new]

    for n, row in enumerate(steps):
        gradients = [f * np.cos(t * f) for t, f in zip(thetas, row, strict=True)]
        chosen = [i for i in range(len(SHAPES)) if (n, i) not in missing]
        loss = sum(np.sin(thetas[i] * row[i]).sum() for i in chosen)
        if kind.scope == "all":
            k = 1 + max(counts[i] for i in chosen)
            flat = [np.concatenate([a[i].ravel() for i in chosen]) for a in (thetas, gradients)]
            own = [
                np.concatenate([slots[i][j].ravel() for i in chosen])
                for j, _ in enumerate(slots_there)
            ]
            ends = np.cumsum([thetas[i].size for i in chosen])[:-1]
            rows = zip(*(np.split(a, ends) for a in updated(*flat, own, k)), strict=True)
            news = [
                [a.reshape(SHAPES[i]) for a in new] for i, new in zip(chosen, rows, strict=True)
            ]
        else:
            news = [updated(thetas[i], gradients[i], slots[i], counts[i] + 1) for i in chosen]
        for i, (theta, *kept) in zip(chosen, news, strict=True):
            thetas[i], slots[i] = theta, kept
            counts[i] += 1
    named_slots = [dict(zip(slots_there, rows, strict=True)) for rows in slots]
    return thetas, named_slots, counts


class Run:
    """Parameters and their optimizer, and a step that leaves out some of them."""

    def __init__(self, kind, options, dtype=np.float64):
        self.params = parameters(dtype)
        self.optimizer = kind(self.params, **options)

    def step(self, which, *row):
        self.optimizer.zero_grad()
        parts = [ag.sum(ag.sin(self.params[i] * row[i])) for i in which]
        loss = sum(parts[1:], parts[0])
        loss.backward()
        self.optimizer.step(loss)
        return loss

    def all(self, steps, call=None, missing=()):
        for n, row in enumerate(steps):
            which = tuple(i for i in range(len(SHAPES)) if (n, i) not in missing)
            (call or self.step)(which, *(f.astype(self.params[0].dtype) for f in row))
        return self

    def assert_is(self, expected, tolerance=1e-12):
        thetas, slots, counts = expected
        for t, theta, rows in zip(self.params, thetas, slots, strict=True):
            np.testing.assert_allclose(t.numpy(), theta, rtol=tolerance, atol=tolerance)
            own = self.optimizer.slots_of(t)
            assert own.keys() == rows.keys()
            for name, values in rows.items():
                np.testing.assert_allclose(own[name], values, rtol=tolerance, atol=tolerance)
        assert self.optimizer.state_dict()["arrays"]["steps"].tolist() == counts


# The second parameter misses two steps, the last one the first.
MISSING = {(1, 1), (2, 1), (0, 2)}


def test_there_are_some():
    assert {optim.SGD, optim.Adam} <= set(KINDS)
    assert all(kind.examples for kind in KINDS)


@cases
@pytest.mark.parametrize("missing", [frozenset(), frozenset(MISSING)], ids=["whole", "gaps"])
def test_a_step_is_the_rule_applied_to_each_parameter(kind, options, missing):
    steps = factors(6)
    Run(kind, options).all(steps, missing=missing).assert_is(by_hand(kind, options, steps, missing))


@dear
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_compiled_step_is_the_eager_step(kind, options, backend):
    steps = factors(6)
    expected = by_hand(kind, options, steps)
    run = Run(kind, options)
    compiled = ag.jit(run.step, backend=backend)
    run.all(steps, compiled).assert_is(expected)
    assert len(compiled._entries) == 1  # nothing is captured again as the count grows


@dear
def test_a_compiled_step_looks_at_objects_alone_between_runs(kind, options):
    """What the rule's recording makes on the way, lists and dicts, is none of its dependences."""
    a, b = leaf(np.ones(3)), leaf(np.ones(2))
    transforms = [optim.ClipByNorm(5.0)] if kind.scope == "all" else [optim.Average(0.5)]
    optimizer = kind([{"params": [a]}, {"params": [b], "transforms": transforms}], **options)

    def step():
        optimizer.zero_grad()
        loss = ag.sum(a * a) + ag.sum(b * b)
        loss.backward()
        optimizer.step(loss)

    compiled = ag.jit(step, backend="numpy")
    compiled()
    assert not any(entry.watch.slow for entry in compiled._entries.values())


@dear
def test_many_compiled_steps_in_one_call_in_single_precision(kind, options):
    steps = factors(6)
    run = Run(kind, options, np.float32)
    stacked = [np.stack(column).astype(np.float32) for column in zip(*steps, strict=True)]
    which = tuple(range(len(SHAPES)))
    ag.jit(lambda *row: run.step(which, *row), backend=BACKENDS[-1]).many(*stacked)
    assert all(t.dtype == np.float32 for t in run.params)
    run.assert_is(by_hand(kind, options, steps), 1e-3)


@pytest.mark.sampled(3)
@kinds
@pytest.mark.parametrize("backend", BACKENDS)
def test_compiled_steps_with_gaps(kind, backend):
    options, steps = variants(kind)[-1], factors(6)
    run = Run(kind, options)
    run.all(steps, ag.jit(run.step, backend=backend), MISSING)
    run.assert_is(by_hand(kind, options, steps, MISSING))


@dear
def test_groups_and_dtypes_go_apart(kind, options):
    """Two groups, of which one has a learning rate of its own, and two dtypes."""
    steps = factors(4)
    other = {name: value * 0.5 for name, value in options.items() if name == "lr"}
    a, b, c = parameters()
    c = leaf(c.numpy(), np.float32)
    optimizer = kind([{"params": [a]}, {"params": [c]}, {"params": [b], **other}], **options)
    for row in steps:
        optimizer.zero_grad()
        loss = 0.0
        for t, f in zip((a, b, c), row, strict=True):
            part = ag.sum(ag.sin(t * ag.tensor(f, t.dtype)))
            part.backward()
            loss += part.item()
        optimizer.step(loss)
    if kind.scope == "all":
        return  # what each group sees is another question
    ours, theirs = by_hand(kind, options, steps)[0], by_hand(kind, {**options, **other}, steps)[0]
    np.testing.assert_allclose(a.numpy(), ours[0], rtol=1e-12)
    np.testing.assert_allclose(b.numpy(), theirs[1], rtol=1e-12)
    np.testing.assert_allclose(c.numpy(), ours[2], rtol=2e-3, atol=1e-4)
    assert c.dtype == np.float32


@dear
def test_its_rule_is_pure(kind, options):
    optimizer = kind([leaf(np.ones(3))], **options)
    rule = optimizer.param_groups[0].rule
    rng = np.random.default_rng(0)
    shapes = [3, 3, *(rule.shape_of(name, 3) for name in rule.slots)]
    arrays = [rng.uniform(0.5, 1.5, shape) for shape in shapes]
    before = [a.copy() for a in arrays]
    program = optimizer.program(size=3)
    scalars = [1.0, *optimizer.param_groups[0].scalars, *([0.5] if rule.asks_for_loss else [])]
    first = [np.array(a) for a in program(*arrays, *scalars)]
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first, program(*arrays, *scalars), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(first) == 1 + len(rule.slots)
    assert not program.captures
    assert not program.writes


@dear
def test_its_state_goes_through_a_file_and_on_bit_for_bit(tmp_path, kind, options):
    """In the middle of a schedule, too: after three steps of seven, where it changes."""
    steps = factors(7)
    run = Run(kind, options).all(steps[:3])
    state = run.optimizer.state_dict()
    json.dumps(state["scalars"], allow_nan=False)
    values = {f"theta.{i}": t.numpy() for i, t in enumerate(run.params)}
    storage.save(tmp_path / "state", {**state["arrays"], **values}, state["scalars"])
    run.all(steps[3:])

    arrays, scalars = storage.load(tmp_path / "state")
    other = Run(kind, kind.examples[0])
    with ag.no_grad():
        for i, t in enumerate(other.params):
            t.assign(arrays.pop(f"theta.{i}"))
    other.optimizer.load_state_dict({"arrays": arrays, "scalars": scalars})
    assert dict(other.optimizer.param_groups[0]) == dict(run.optimizer.param_groups[0])
    other.all(steps[3:])
    for a, b in zip(run.params, other.params, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert other.optimizer.updates == 7
    found, expected = (o.optimizer.state_dict()["arrays"] for o in (other, run))
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@dear
def test_a_frozen_parameter_is_left_as_it_is(kind, options):
    steps = factors(4)
    run = Run(kind, options)
    run.params[0].requires_grad_(False)
    before = run.params[0].numpy().copy()
    run.all(steps[:2], missing={(0, 0), (1, 0)})
    np.testing.assert_array_equal(run.params[0].numpy(), before)
    assert not any(slot.any() for slot in run.optimizer.slots_of(run.params[0]).values())
    run.params[0].requires_grad_(True)
    run.all(steps[2:])
    run.assert_is(by_hand(kind, options, steps, {(0, 0), (1, 0)}))


@pytest.mark.parametrize(
    ("kind", "example"),
    [pytest.param(k, e, id=words(k, e)) for k in KINDS for e in k.examples],
)
def test_it_finds_the_minimum_of_a_bowl(kind, example):
    w = leaf([3.0, -2.0, 1.0])
    curvature, centre = np.array([1.0, 4.0, 8.0]), np.array([1.0, 0.5, -1.0])
    optimizer = kind([w], **example)
    for _ in range(300):
        optimizer.zero_grad()
        loss = 0.5 * ag.sum(curvature * (w - centre) ** 2)
        loss.backward()
        optimizer.step(loss)
    np.testing.assert_allclose(w.numpy(), centre, atol=2e-3)


@pytest.mark.parametrize("kind", [k for k in KINDS if "lr" in k.hyperparameters])
def test_a_change_of_the_learning_rate_holds_from_the_next_step_on(kind):
    options = {**kind._given((), kind.examples[0]), "lr": 0.1}
    steps = factors(4)
    run = Run(kind, options).all(steps[:2])
    run.optimizer.lr *= 0.5
    run.all(steps[2:])
    halved = optim.schedules.Joined(
        optim.schedules.Constant(options["lr"]), optim.schedules.Constant(options["lr"] / 2), 2
    )
    run.assert_is(by_hand(kind, {**options, "lr": halved}, steps))


@pytest.mark.parametrize("jit", [False, True])
@kinds
def test_a_function_in_place_of_the_loss_is_not_passed_over(kind, jit):
    w = leaf([3.0, -2.0, 1.0])
    optimizer = kind([w], **kind.examples[0])

    def step():
        optimizer.step(lambda: (w * w).sum())

    run = ag.jit(step, backend="numpy") if jit else step
    with pytest.raises(
        ConfigError, match=rf"{kind.__name__}\.step: expected the loss.* received the function"
    ):
        run()
    assert w.tolist() == [3.0, -2.0, 1.0]


@kinds
def test_every_hyperparameter_is_an_argument_with_a_checked_range(kind):
    arguments = inspect.signature(kind).parameters
    assert set(kind.hyperparameters) <= set(arguments)
    assert {"params", "transforms", "nonfinite"} <= set(arguments)
    for name in kind.hyperparameters:
        with pytest.raises(ConfigError, match=f"{kind.__name__}: {name}: expected"):
            kind([leaf([1.0])], **{**kind.examples[0], name: "nonsense"})
        optimizer = kind([leaf([1.0])], **kind.examples[0])
        assert getattr(optimizer, name) == optimizer.param_groups[0][name]


@kinds
def test_its_docstring_names_its_hyperparameters_slots_and_slides(kind):
    assert "[" in kind.__doc__
    assert "References" in kind.__doc__
    told = kind.__doc__.partition("Parameters\n")[2].partition("Raises\n")[0]
    for name in inspect.signature(kind).parameters:
        assert name in told or name in optim.Optimizer.hyperparameters, name
    for options in variants(kind):
        for slot in kind.slots(options):
            assert f"``{slot}``" in kind.__doc__


@kinds
def test_its_cost(kind, record_property):
    """Printed, and not judged: operations and passes over memory for each element."""
    for options in variants(kind):
        program = kind([leaf([1.0])], **options).program()
        steps = [s for s in program.applications if s.result.shape != ()]
        flops = sum(s.primitive.flops for s in steps)
        arrays = len(program.outputs) + sum(v.shape != () for v in program.inputs)
        words_ = f"{flops} operations, {len(steps)} passes, {arrays} arrays for each element"
        record_property(words(kind, options), words_)
        print(f"{words(kind, options)}: {words_}")
        assert flops >= 2


def test_every_callback_of_training_is_exported():
    """Those of the progress bar apart, which ``verbose`` chooses among."""
    found = set()
    for part in pkgutil.iter_modules(optim.training.__path__, "optim.training."):
        module = importlib.import_module(part.name)
        found |= {
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == part.name != "optim.training.progress"
            and hasattr(value, "on_epoch_end") and not name.startswith("_")
        }  # fmt: skip
    assert len(found) > 10
    assert found <= set(optim.__all__)
