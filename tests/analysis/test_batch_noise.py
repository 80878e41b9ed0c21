"""Variances of batches: measured beside the exact ones, over a grid of models, data and sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
import nn
from analysis import finite_population, gradient_noise, per_example
from autograd_core.errors import AnomalyError, ConfigError, DataError

RNG = np.random.default_rng(0)
X, D = RNG.normal(size=(12, 3)), RNG.integers(0, 2, 12)


def line(dtype=np.float64):
    return nn.Linear(3, 2, rng=0, dtype=dtype)


def network():
    return nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=np.float64), nn.Tanh(), nn.BatchNorm1d(4, dtype=np.float64),
        nn.Dropout(0.5, rng=0), nn.Linear(4, 2, rng=1, dtype=np.float64),
    )  # fmt: skip


class AsksForValues(nn.Module):
    """What `ag.vmap` cannot: it branches on its input."""

    def __init__(self):
        super().__init__()
        self.line = line()

    def forward(self, x):
        y = self.line(x)
        return y if float(ag.sum(x * x)) >= 0 else -y


def by_hand(model, criterion, x, d):
    """Each example's error and gradient, by a backward of its own."""
    model.eval()
    rows = []
    for n in range(len(x)):
        for p in model.parameters():
            p.grad = None
        error = criterion(model(x[n : n + 1]), d[n : n + 1])
        error.backward()
        rows.append(
            (error.item(), np.concatenate([p.grad.numpy().ravel() for p in model.parameters()]))
        )
    return np.array([e for e, _ in rows]), np.array([g for _, g in rows])


@pytest.mark.parametrize("make", [line, network, AsksForValues])
def test_each_example_has_its_own_gradient(make):
    model = make()
    before, training = model.state_dict(), model.training
    found = per_example(model, nn.CrossEntropyLoss(), (X, D))
    assert found.vectorized == (make is not AsksForValues)
    assert model.training == training
    assert all(np.array_equal(a, before[n]) for n, a in model.state_dict().items())
    errors, gradients = by_hand(model, nn.CrossEntropyLoss(), X, D)
    np.testing.assert_allclose(found.errors, errors, rtol=1e-12)
    np.testing.assert_allclose(found.gradients, gradients, rtol=1e-10, atol=1e-14)


def test_frozen_and_unused_parameters():
    model = network()
    model[0].requires_grad_(False)
    assert per_example(model, nn.CrossEntropyLoss(), (X, D)).gradients.shape == (12, 4 + 4 + 10)
    unused = lambda y, d: ag.mean(ag.square(y[:, 0] - d))  # noqa: E731
    found = per_example(line(), unused, (X, D)).gradients.reshape(12, -1)
    assert (found == 0).any(axis=0).sum() == 4


@pytest.mark.parametrize("size", range(1, 6))
def test_the_variance_is_that_of_every_batch_there_is(size):
    """Of five examples all batches are listed, ordered with replacement and as sets without: no chance in it."""
    model, criterion = line(), nn.CrossEntropyLoss()
    x, d = X[:5], D[:5]
    noise = gradient_noise(model, criterion, (x, d), [size], draws=2, rng=0)
    each = per_example(model, criterion, (x, d))

    def exact(batches):
        rows = np.array(list(batches))
        errors, gradients = each.errors[rows].mean(axis=1), each.gradients[rows].mean(axis=1)
        return errors.var(), ((gradients - each.gradients.mean(axis=0)) ** 2).sum(axis=1).mean()

    for drawn, batches in (
        (noise.with_replacement, itertools.product(range(5), repeat=size)),
        (noise.without, itertools.combinations(range(5), size)),
    ):
        error, gradient = exact(batches)
        np.testing.assert_allclose(drawn.error_expected, [error], rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(drawn.gradient_expected, [gradient], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_measured_is_what_is_expected(dtype):
    noise = gradient_noise(
        line(dtype), nn.CrossEntropyLoss(), (X.astype(dtype), D), draws=100, rng=1
    )
    assert noise.without.sizes.tolist() == [1, 2, 4, 8, 12]
    assert noise.vectorized
    assert noise.seed == 1
    for drawn in (noise.with_replacement, noise.without):
        for name in ("error", "gradient"):
            measured, expected, error = (
                getattr(drawn, f"{name}_{what}") for what in ("measured", "expected", "uncertainty")
            )
            assert (np.abs(measured - expected) <= 4 * error + 1e-10).all()
    assert noise.without.gradient_measured[-1] < 1e-10, "all examples are no draw"
    assert noise.with_replacement.gradient_measured[-1] > 0.01
    # The two are apart by more than chance: the finite-population factor is there to be seen.
    first, second = noise.with_replacement, noise.without
    apart = first.gradient_measured[3] - second.gradient_measured[3]
    assert apart > 4 * np.hypot(first.gradient_uncertainty[3], second.gradient_uncertainty[3])


def test_in_parts_it_is_the_same(monkeypatch):
    def found():
        noise = gradient_noise(network(), nn.CrossEntropyLoss(), (X, D), [3], draws=2, rng=0)
        drawn = noise.without
        return drawn.error, drawn.error_variance, drawn.gradient_variance, noise.scale

    whole = found()
    monkeypatch.setattr("analysis.each_example._AT_ONCE", 5 * 60)
    np.testing.assert_allclose(found(), whole, rtol=1e-12)


# --- special cases ----------------------------------------------------------------------------------


def test_one_example():
    noise = gradient_noise(line(), nn.CrossEntropyLoss(), (X[:1], D[:1]), [1, 3], draws=3, rng=0)
    assert noise.without.sizes.tolist() == [1]
    assert noise.with_replacement.sizes.tolist() == [1, 3]
    for drawn in (noise.with_replacement, noise.without):
        assert not drawn.gradient_expected.any()
        np.testing.assert_allclose(drawn.gradient_measured, 0, atol=1e-25)


def test_equal_examples_do_not_vary():
    x, d = np.repeat(X[:1], 6, axis=0), np.repeat(D[:1], 6)
    noise = gradient_noise(line(), nn.CrossEntropyLoss(), (x, d), draws=5, rng=0)
    for drawn in (noise.with_replacement, noise.without):
        for values in (drawn.error_expected, drawn.error_measured, drawn.gradient_measured):
            np.testing.assert_allclose(values, 0, atol=1e-25)
    assert 0 <= noise.scale < 1e-20


def test_at_the_optimum_there_is_noise_and_no_signal():
    model = nn.Linear(1, 1, bias=False, rng=0, dtype=np.float64)
    model.weight.assign([[0.0]])
    x, d = np.ones((2, 1)), np.array([[1.0], [-1.0]])
    assert gradient_noise(model, nn.SquaredErrorLoss(), (x, d), [1], rng=0).scale == np.inf


def test_whole_numbers_as_inputs():
    x = RNG.integers(0, 5, (6, 3))
    one, other = (
        gradient_noise(line(), nn.CrossEntropyLoss(), (a, D[:6]), [2], draws=4, rng=0)
        for a in (x, x.astype(float))
    )
    np.testing.assert_allclose(one.without.distances, other.without.distances, rtol=1e-12)


def test_equal_seeds_give_equal_draws():
    run = lambda seed: gradient_noise(line(), nn.CrossEntropyLoss(), (X, D), [3], draws=4, rng=seed)  # noqa: E731
    assert np.array_equal(run(0).without.errors, run(0).without.errors)
    assert not np.array_equal(run(0).without.errors, run(1).without.errors)


def test_the_share_that_is_left():
    assert finite_population(10, 10) == 0
    assert finite_population(np.array([5.0]), np.array([1.0])).tolist() == [1.0]


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"criterion": lambda y, d: ag.sum(ag.square(y))}, ConfigError, "expected the mean over a batch"),
        ({"criterion": lambda y, d: ag.square(y)}, ConfigError, "expected one number as a Tensor"),
        ({"criterion": lambda y, d: 1.0}, ConfigError, "expected one number as a Tensor; received float"),
        ({"data": (np.full((3, 3), np.nan), D[:3])}, DataError, "not finite"),
        ({"data": (X, D[:5])}, DataError, "as many inputs as targets"),
        ({"sizes": [0]}, ConfigError, "sizes"),
        ({"sizes": [1.5]}, ConfigError, "sizes"),
        ({"sizes": []}, ConfigError, "one at least"),
        ({"draws": 1}, ConfigError, "draws"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change, kind, says):
    given = {"criterion": nn.CrossEntropyLoss(), "data": (X, D), "sizes": [2], "draws": 3, **change}
    with pytest.raises(kind, match=says):
        gradient_noise(line(), rng=0, **given)


def test_a_frozen_model_and_one_that_is_not_finite_are_refused():
    model = line()
    model.weight.assign(np.full((3, 2), np.inf))
    with pytest.raises(AnomalyError, match="of example 0 is not finite"):
        per_example(model, nn.CrossEntropyLoss(), (X, D))
    with pytest.raises(ConfigError, match="no parameter that requires a gradient"):
        per_example(line().requires_grad_(False), nn.CrossEntropyLoss(), (X, D))


def test_too_much_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr("analysis.each_example.LARGEST", 95)
    with pytest.raises(
        ConfigError, match=r"12 examples of 8 parameters are 96 numbers.*gradient_noise"
    ):
        per_example(line(), nn.CrossEntropyLoss(), (X, D))
    assert gradient_noise(line(), nn.CrossEntropyLoss(), (X, D), [1], draws=2, rng=0).vectorized
