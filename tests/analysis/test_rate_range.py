"""The learning-rate range test: what it finds on a quadratic, and that everything is as it was afterwards."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from analysis import lr_range_test
from autograd_core.errors import AnomalyError, ConfigError
from optim.schedules import Cosine


def data(count=64, scale=1.0):
    x = np.random.default_rng(0).normal(size=(count, 2))
    return x, scale * (x @ np.array([[2.0], [-1.0]]) + 0.5)


def line(**options):
    model = nn.Linear(2, 1, rng=0, dtype=np.float64)
    return model, optim.SGD(model.parameters(), **{"lr": 0.1, **options})


def test_the_rates_grow_and_the_losses_are_those_of_plain_updates():
    model, optimizer = line()
    x, y = data(16)
    found = lr_range_test(
        model, nn.MSELoss(), optimizer, (x, y), low=0.01, high=0.1, updates=5, batch_size=16, rng=3
    )
    np.testing.assert_allclose(found.rates, np.geomspace(0.01, 0.1, 5))
    other, descent = line()
    losses = []
    for rate in found.rates:
        descent.lr = float(rate)
        descent.zero_grad()
        loss = nn.MSELoss()(other(x), y)
        losses.append(loss.item())
        loss.backward()
        descent.step()
    np.testing.assert_allclose(found.losses, losses, rtol=1e-12)
    weights = 0.9 ** np.arange(5)[::-1]
    np.testing.assert_allclose(found.smoothed[-1], np.dot(weights, losses) / weights.sum())
    assert found.diverged is None
    assert found.seed == 3
    linear = lr_range_test(
        model, nn.MSELoss(), optimizer, (x, y), low=0.01, high=0.1, updates=5, batch_size=16, rng=3, growth="linear"
    )  # fmt: skip
    np.testing.assert_allclose(linear.rates, np.linspace(0.01, 0.1, 5))


def test_on_a_quadratic_it_stops_beyond_what_converges_and_suggests_what_does():
    x, y = data()
    rows = np.hstack([x, np.ones((64, 1))])
    largest = 2 / np.linalg.eigvalsh(2 * rows.T @ rows / 64).max()  # 2/λ_max
    model, optimizer = line()
    found = lr_range_test(
        model, nn.MSELoss(), optimizer, (x, y), low=1e-5, high=1e3, updates=60, batch_size=64, rng=0, smoothing=0.5
    )  # fmt: skip
    low, high = found.bounds
    assert 0 < low < found.steepest <= high < largest < found.diverged < 100 * largest
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 300
    assert np.isfinite(found.losses).all()


def stateful():
    return nn.Sequential(
        nn.Linear(2, 8, rng=0), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.5, rng=1), nn.Linear(8, 1, rng=2)
    )  # fmt: skip


@pytest.mark.parametrize("fails", [None, "criterion", "data"])
def test_everything_is_as_it_was_bit_for_bit_also_after_an_error(fails):
    model = stateful()
    model.eval()
    model[0].train()
    optimizer = optim.Adam(
        [{"params": model[0].parameters()}, {"params": model[4].parameters(), "lr": 0.5}],
        lr=Cosine(0.1, updates=50),
        transforms=[optim.Average(0.9)],
        nonfinite="skip",
    )
    x, y = (a.astype(np.float32) for a in data())
    rng = np.random.default_rng(5)
    nn.MSELoss()(model(x), y).backward()
    optimizer.step()
    gradients = [t.grad for t in model.parameters()]
    before = {n: np.array(a) for n, a in model.state_dict().items()}
    state, drawn = optimizer.state_dict(), rng.bit_generator.state
    modes = [m.training for m in model.modules()]
    count = 0

    def criterion(outputs, targets):
        nonlocal count
        count += 1
        if fails == "criterion" and count == 7:
            raise RuntimeError("on purpose")
        return nn.MSELoss()(outputs, targets)

    if fails is None:
        found = lr_range_test(
            model, criterion, optimizer, (x, y), batch_size=16, rng=rng, updates=30
        )
        assert found.seed is None
    else:
        y = np.full_like(y, 1e30) if fails == "data" else y
        with (
            np.errstate(over="ignore"),
            pytest.raises(
                (RuntimeError, AnomalyError), match=r"on purpose|before the first update"
            ),
        ):
            lr_range_test(model, criterion, optimizer, (x, y), batch_size=16, rng=rng)
    after = model.state_dict()
    assert all(np.array_equal(np.array(after[n]), a) for n, a in before.items())
    now = optimizer.state_dict()
    assert now["scalars"] == state["scalars"]
    assert all(np.array_equal(now["arrays"][n], a) for n, a in state["arrays"].items())
    assert rng.bit_generator.state == drawn
    assert [m.training for m in model.modules()] == modes
    assert all(t.grad is g for t, g in zip(model.parameters(), gradients, strict=True))
    assert optimizer.nonfinite == "skip"
    assert optimizer.param_groups[0]["lr"] == Cosine(0.1, updates=50)


@pytest.mark.parametrize(
    "kind", [optim.Adam, optim.Lion, optim.Newton, optim.NewtonCG, optim.LBFGS]
)
def test_any_optimizer_that_has_a_rate(kind):
    model = nn.Linear(2, 1, rng=0, dtype=np.float64)
    optimizer = kind(model.parameters(), lr=0.25)
    before = [t.numpy().copy() for t in model.parameters()]
    found = lr_range_test(
        model, nn.MSELoss(), optimizer, data(), low=0.01, high=1.0, updates=12, batch_size=16, rng=0
    )
    assert found.losses[-1] < 0.9 * found.losses[0]
    assert optimizer.updates == 0
    assert optimizer.lr == 0.25
    for t, b in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(t.numpy(), b)


def test_groups_keep_their_ratios():
    seen = []

    class Notes(optim.SGD):
        def step(self, *arguments):
            seen.append([group["lr"] for group in self.param_groups])
            super().step(*arguments)

    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=0))
    optimizer = Notes(
        [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[1].parameters(), "lr": 0.4}], lr=1.0
    )  # fmt: skip
    x, y = (a.astype(np.float32) for a in data())
    lr_range_test(
        model, nn.MSELoss(), optimizer, (x, y), low=1e-4, high=1e-3, updates=4, batch_size=8, rng=0
    )
    np.testing.assert_allclose([b for _, b in seen], np.geomspace(1e-4, 1e-3, 4))
    np.testing.assert_allclose([a / b for a, b in seen], [0.25] * 4)


def test_a_loss_that_does_not_fall_suggests_nothing():
    model, optimizer = line()
    found = lr_range_test(
        model,
        nn.MSELoss(),
        optimizer,
        data(),
        low=1e-12,
        high=1e-11,
        updates=10,
        batch_size=64,
        rng=0,
    )
    assert not found.falls
    for name in ("bounds", "steepest"):
        with pytest.raises(
            ConfigError, match=r"the loss does not fall at any rate from 1e-12 to 1e-11.*high="
        ):
            getattr(found, name)


class NoRate(optim.Optimizer):
    @staticmethod
    def update(theta, g, *, step):
        return (theta - 0.1 * g,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 0.0}, r"lr_range_test: low: expected a finite number in \(0, inf\)"),
        ({"low": 1.0, "high": 1.0}, "expected low below high; received 1 and 1"),
        ({"high": float("inf")}, "lr_range_test: high"),
        ({"updates": 1}, "lr_range_test: updates: expected an integer of 2 or more"),
        ({"batch_size": 0}, "lr_range_test: batch_size"),
        ({"smoothing": 1.0}, "lr_range_test: smoothing"),
        ({"limit": 1.0}, "lr_range_test: limit"),
        ({"growth": "cubic"}, "lr_range_test: growth: expected one of 'exponential', 'linear'"),
        ({"optimizer": "SGD"}, "expected an Optimizer"),
        ({"optimizer": optim.SGD([ag.tensor([1.0], requires_grad=True)], 0.1)}, "none of this model's parameters"),
    ],
)  # fmt: skip
def test_what_it_cannot_do_is_refused(options, message):
    model, optimizer = line()
    options = {"optimizer": optimizer, "batch_size": 8, **options}
    with pytest.raises(ConfigError, match=message):
        lr_range_test(model, nn.MSELoss(), train=data(), **options)
    with pytest.raises(ConfigError, match="NoRate has no learning rate to try"):
        lr_range_test(model, nn.MSELoss(), NoRate(model.parameters()), data(), batch_size=8)
