"""Sizes of batches and orders of examples, from the same weights on the same data."""

from __future__ import annotations

import numpy as np
import pytest

import nn
import optim
from analysis import batch_sizes, orders
from autograd_core.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 2))
Y = X @ [[1.0], [-2.0]] + 0.5 * RNG.normal(size=(10, 1))


def line():
    return nn.Linear(2, 1, rng=0, dtype=np.float64)


def sgd(lr=0.05, **options):
    return lambda parameters, b: optim.SGD(parameters, lr=lr, **options)


def by_hand(size, epochs, lr=0.05, seed=0):
    """Errors of all examples after each update: the slide's procedure, written out."""
    model, rng = line(), np.random.default_rng(seed)
    w, b = model.weight.numpy().copy(), model.bias.numpy().copy()
    error = lambda: float(((X @ w + b - Y) ** 2).mean())  # noqa: E731
    found = [error()]
    for _ in range(epochs):
        order = rng.permutation(10)
        for start in range(0, 10, size):
            rows = order[start : start + size]
            left = X[rows] @ w + b - Y[rows]
            w, b = w - lr * 2 * X[rows].T @ left / len(rows), b - lr * 2 * left.mean(axis=0)
            found.append(error())
    return found


@pytest.mark.parametrize("size", [1, 3, 10, 25])
def test_each_size_is_the_slides_procedure(size):
    (run,) = batch_sizes(line(), nn.MSELoss(), sgd(), (X, Y), [size], epochs=3, looks=100)
    expected = by_hand(min(size, 10), 3)
    assert run.size == min(size, 10)
    assert run.updates[-1] == len(expected) - 1
    np.testing.assert_allclose(run.errors, np.array(expected)[run.updates], rtol=1e-10)
    assert run.examples[0] == 0
    assert run.examples[-1] == 30
    assert (np.diff(run.examples) > 0).all()
    assert (np.diff(run.examples) <= run.size * np.diff(run.updates)).all(), "a short last batch"
    assert (np.diff(run.seconds) >= 0).all()


def test_all_begin_alike_and_the_model_stays_as_it_is():
    model = line()
    before = model.weight.numpy().copy()
    runs = batch_sizes(model, nn.MSELoss(), sgd(), (X, Y), [1, 5, 10], epochs=2, jit=True)
    assert len({run.errors[0] for run in runs}) == 1
    assert [run.updates[-1] for run in runs] == [20, 4, 2]
    assert np.array_equal(model.weight.numpy(), before)


def test_dropped_examples_are_not_counted():
    (run,) = batch_sizes(line(), nn.MSELoss(), sgd(), (X, Y), [4], epochs=2, last_batch="drop")
    assert run.examples.tolist() == (4 * run.updates).tolist()
    assert run.updates[-1] == 4


def test_when_an_error_was_reached():
    (run,) = batch_sizes(line(), nn.MSELoss(), sgd(), (X, Y), [2], epochs=4, looks=100)
    at = 3
    assert run.reached(run.errors[at]) == (run.updates[at], run.examples[at])
    assert run.reached(-1.0) is None


def test_in_order_they_end_in_a_cycle_and_at_random_they_do_not():
    found = orders(line(), nn.MSELoss(), sgd(), (X, Y), epochs=400, jit=True)
    assert found["in order"].closed
    assert found["in order"].swing > 0.01, "it never comes to rest"
    assert not found["random"].closed
    assert found["random"].gap > 0.5 * found["random"].swing
    assert found["in order"].before.shape == found["in order"].last.shape == (10, 3)
    assert len(found["random"].errors) == 401


def test_shrinking_steps_come_to_rest_in_either_order():
    shrinking = sgd(optim.schedules.Exponential(0.05, beta=0.01).epochs(10))
    found = orders(line(), nn.MSELoss(), shrinking, (X, Y), epochs=400, jit=True)
    least = np.linalg.lstsq(np.column_stack([X, np.ones(10)]), Y, rcond=None)[1].item() / 10
    for orbit in found.values():
        assert orbit.errors[-1] == pytest.approx(least, rel=0.02)
        assert orbit.swing < 0.01


@pytest.mark.parametrize("count", [1, 2])
def test_few_examples_and_equal_ones(count):
    x, y = np.repeat(X[:1], count, axis=0), np.repeat(Y[:1], count, axis=0)
    runs = batch_sizes(line(), nn.MSELoss(), sgd(), (x, y), [1, 7], epochs=2)
    assert [run.updates[-1] for run in runs] == [2 * count, 2]
    found = orders(line(), nn.MSELoss(), sgd(), (x, y), epochs=300)
    assert not any(orbit.closed and orbit.swing > 1e-6 for orbit in found.values())


def test_an_optimizer_with_a_memory_takes_part():
    (run,) = batch_sizes(
        line(), nn.MSELoss(), lambda p, b: optim.Adam(p, lr=0.1), (X, Y), [5], epochs=20
    )
    assert run.errors[-1] < run.errors[0]


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"sizes": [0]}, ConfigError, "sizes"),
        ({"sizes": []}, ConfigError, "one at least"),
        ({"epochs": 0}, ConfigError, "epochs"),
        ({"data": (X * np.nan, Y)}, DataError, "not finite"),
        ({"optimizer": lambda p, b: None}, ConfigError, "expected an Optimizer"),
    ],
)
def test_what_cannot_be_is_refused(change, kind, says):
    given = {"optimizer": sgd(), "data": (X, Y), "sizes": [2], "epochs": 1, **change}
    with pytest.raises(kind, match=says):
        batch_sizes(line(), nn.MSELoss(), **given)


def test_an_orbit_needs_two_epochs_and_room(monkeypatch):
    with pytest.raises(ConfigError, match="two at least"):
        orders(line(), nn.MSELoss(), sgd(), (X, Y), epochs=1)
    monkeypatch.setattr("analysis.incremental.LARGEST", 59)
    with pytest.raises(ConfigError, match="are 60 numbers"):
        orders(line(), nn.MSELoss(), sgd(), (X, Y), epochs=2)
