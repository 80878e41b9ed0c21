"""What holds of every optimizer: a subclass that is exported is tested by existing."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core import storage
from autograd_core.errors import ConfigError

# Options under which an optimizer converges on the quadratic and on Rosenbrock's valley, with the
# steps that it may take there. One line per class; a class without a line fails.
SETTINGS = {
    "SGD": [
        ({"lr": 0.1}, 120, {"lr": 1e-3}, 12_000),
        ({"lr": 0.05, "momentum": 0.8}, 120, {"lr": 2e-4, "momentum": 0.95}, 6_000),
        ({"lr": 0.05, "momentum": 0.8, "nesterov": True}, 120,
         {"lr": 2e-4, "momentum": 0.95, "nesterov": True}, 6_000),
    ],
    "Adam": [
        ({"lr": 0.2}, 300, {"lr": 0.05}, 2_500),
        ({"lr": 0.2, "epsilon": "outside"}, 300, {"lr": 0.05, "epsilon": "outside"}, 2_500),
    ],
}  # fmt: skip

CLASSES = [
    value
    for name in optim.__all__
    if isinstance(value := getattr(optim, name), type)
    and issubclass(value, optim.Optimizer)
    and value is not optim.Optimizer
]
CASES = [(cls, *row) for cls in CLASSES for row in SETTINGS.get(cls.__name__, [])]
cases = pytest.mark.parametrize(
    ("cls", "options", "steps", "valley", "valley_steps"),
    CASES,
    ids=[f"{cls.__name__} {options}" for cls, options, *_ in CASES],
)


def leaf(values, dtype=np.float64):
    return ag.tensor(values, dtype, requires_grad=True)


def descend(optimizer, loss, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


@pytest.mark.parametrize("cls", CLASSES)
def test_it_has_settings_here(cls):
    assert cls.__name__ in SETTINGS


@cases
def test_it_finds_the_minimum_of_a_quadratic(cls, options, steps, valley, valley_steps):
    w = leaf([3.0, -2.0, 1.0])
    curvature, centre = np.array([1.0, 4.0, 8.0]), np.array([1.0, 0.5, -1.0])
    descend(cls([w], **options), lambda: 0.5 * ag.sum(curvature * (w - centre) ** 2), steps)
    np.testing.assert_allclose(w.numpy(), centre, atol=2e-3)


@cases
def test_it_goes_down_rosenbrocks_valley(cls, options, steps, valley, valley_steps):
    w = leaf([-1.2, 1.0])

    def loss():
        x, y = w[0], w[1]
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2

    descend(cls([w], **valley), loss, valley_steps)
    np.testing.assert_allclose(w.numpy(), [1.0, 1.0], atol=0.05)


@cases
def test_its_rule_is_pure(cls, options, steps, valley, valley_steps):
    optimizer = cls([leaf(np.ones(3))], **options)
    rule = optimizer.param_groups[0].rule
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(0.5, 1.5, 3) for _ in range(2 + len(rule.slots))]
    before = [a.copy() for a in arrays]
    program = optimizer.program(size=3)
    scalars = [1.0, *optimizer.param_groups[0].scalars]
    first = [np.array(a) for a in program(*arrays, *scalars)]
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first, program(*arrays, *scalars), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(first) == 1 + len(rule.slots)
    assert not program.captures
    assert not program.writes


@cases
def test_a_step_in_place_is_the_rule(cls, options, steps, valley, valley_steps):
    shapes, rng = [(4, 3), (3,), ()], np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        tensors = [leaf(rng.normal(size=s), dtype) for s in shapes]
        optimizer = cls(tensors, **options)
        (group,) = optimizer.param_groups
        values = [
            [t.numpy().copy(), *(np.zeros(t.shape, dtype) for _ in group.rule.slots)]
            for t in tensors
        ]
        for k in range(1, 5):
            for i, t in enumerate(tensors):
                g = rng.normal(size=t.shape).astype(dtype)
                t.grad = ag.tensor(g)
                program = group.rule.program(t.size, dtype)
                flat = [a.reshape(-1) for a in (values[i][0], g, *values[i][1:])]
                values[i] = [a.reshape(t.shape) for a in program(*flat, float(k), *group.scalars)]
            optimizer.step()
        for t, (theta, *slots) in zip(tensors, values, strict=True):
            np.testing.assert_array_equal(t.numpy(), theta)
            for name, slot in zip(group.rule.slots, slots, strict=True):
                np.testing.assert_array_equal(optimizer.slots_of(t)[name], slot)


@cases
def test_its_state_goes_through_a_file_and_on_bit_for_bit(
    tmp_path, cls, options, steps, valley, valley_steps
):
    def run(optimizer, w, k):
        for _ in range(k):
            optimizer.zero_grad()
            ag.sum(ag.cos(w) * ag.exp(w)).backward()
            optimizer.step()

    w = leaf([1.0, -0.5, 0.25])
    optimizer = cls([w], **options)
    run(optimizer, w, 3)
    state = optimizer.state_dict()
    json.dumps(state["scalars"], allow_nan=False)
    storage.save(tmp_path / "state", {**state["arrays"], "w": w.numpy()}, state["scalars"])
    run(optimizer, w, 4)

    arrays, scalars = storage.load(tmp_path / "state")
    u = leaf(arrays.pop("w"))
    other = cls([u], **options)
    other.load_state_dict({"arrays": arrays, "scalars": scalars})
    run(other, u, 4)
    np.testing.assert_array_equal(u.numpy(), w.numpy())
    assert other.updates == optimizer.updates == 7


@cases
def test_a_change_of_the_learning_rate_holds_from_the_next_step_on(
    cls, options, steps, valley, valley_steps
):
    w = leaf([1.0, 2.0])
    optimizer = cls([w], **options)
    w.grad = ag.tensor([1.0, -1.0])
    optimizer.step()
    optimizer.lr = 0.0
    before = w.numpy().copy()
    optimizer.zero_grad()
    w.grad = ag.tensor([1.0, -1.0])
    optimizer.step()
    if "momentum" not in options:  # a velocity with η inside dies out with β instead
        np.testing.assert_array_equal(w.numpy(), before)
    optimizer.lr = 0.5
    w.grad = ag.tensor([1.0, -1.0])
    optimizer.step()
    assert (w.numpy() != before).all()


@pytest.mark.parametrize("cls", CLASSES)
def test_every_hyperparameter_is_an_argument_with_a_checked_range(cls):
    arguments = inspect.signature(cls).parameters
    assert set(cls.hyperparameters) <= set(arguments)
    assert "nonfinite" in arguments
    for name in cls.hyperparameters:
        with pytest.raises(ConfigError, match=f"{cls.__name__}: {name}: expected"):
            cls([leaf([1.0])], **{"lr": 0.1, name: "nonsense"})


@pytest.mark.parametrize("cls", CLASSES)
def test_its_docstring_names_its_slots_and_slides(cls):
    assert "[" in cls.__doc__
    assert "References" in cls.__doc__
    for slot in cls([leaf([1.0])], **SETTINGS[cls.__name__][-1][0]).param_groups[0].rule.slots:
        assert f"``{slot}``" in cls.__doc__


def test_everything_that_training_declares_is_exported():
    for module in vars(optim.training).values():
        if inspect.ismodule(module) and module.__name__ != "optim.training.progress":
            assert set(module.__all__) - {"Interrupts"} <= set(optim.__all__), module.__name__
