"""Examples a second: that what is timed is a training step, and that it is counted rightly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nn
import optim
from analysis import Throughput, throughput
from autograd_core.errors import ConfigError, DataError

X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
D = np.array([0, 1, 0, 1, 1, 0])
TICK = 1 / 1024


def sgd(parameters):
    return optim.SGD(parameters, lr=0.1)


def test_examples_a_second_are_b_over_the_median():
    found = Throughput(
        np.array([1, 10]), {"eager": [np.array([0.5, 9.0, 0.5]), np.array([2.0, 2.0, 1.0])]}
    )
    assert found.step("eager").tolist() == [0.5, 2.0]
    assert found.per_second("eager").tolist() == [2.0, 5.0]
    assert found.step("eager", 0).tolist() == [0.5, 1.0]
    assert found.per_second("eager", 1).tolist() == [1 / 9, 5.0]
    assert found.overhead("eager") == pytest.approx((1 / 3, 1 / 6))
    one = Throughput(np.array([1]), {"eager": [np.array([0.5])]})
    assert np.isnan(one.overhead("eager")).all()


def test_what_is_timed_trains_a_copy():
    model, made = (
        nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Linear(4, 2, rng=1)),
        [],
    )

    def kept(parameters):
        made.append(sgd(parameters))
        return made[-1]

    before = model.state_dict()
    found = throughput(
        model,
        nn.CrossEntropyLoss(),
        kept,
        (X, D),
        [4, 2, 50],
        rounds=6,
        told=lambda: made.append(None),
    )
    assert made[2:] == [None] * 6
    assert found.sizes.tolist() == [2, 4, 50]
    assert all(np.array_equal(a, before[name]) for name, a in model.state_dict().items())
    for optimizer, way in zip(made[:2], ("eager", "compiled"), strict=True):
        assert list(map(len, found.seconds[way])) == [6, 6, 6]
        assert optimizer.updates >= (2 + 6) * 3, "each call is an update"
        assert all((times > 0).all() for times in found.seconds[way])


def test_it_lasts_as_long_as_it_is_told_to(monkeypatch):
    """By a clock that goes on whenever it is read."""
    monkeypatch.setattr("time.perf_counter", itertools.count(0, TICK).__next__)

    def rounds(seconds):
        found = throughput(
            nn.Linear(3, 2, rng=0), nn.CrossEntropyLoss(), sgd, (X, D), [1, 2],
            ways=["eager"], seconds=seconds,
        )  # fmt: skip
        np.testing.assert_allclose(found.step("eager"), TICK / 2, rtol=1e-9)
        return len(found.seconds["eager"][0])

    assert rounds(1e-9) == 5, "the least"
    # For each of two sizes as long: a round reads the clock twice for either, and once for its end.
    assert rounds(50 * TICK) in (19, 20, 21)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"sizes": [0]}, ConfigError, "sizes"),
        ({"sizes": []}, ConfigError, "expected sizes"),
        ({"ways": ["fast"]}, ConfigError, "ways of eager, compiled"),
        ({"ways": []}, ConfigError, "ways of eager, compiled"),
        ({"seconds": 0}, ConfigError, "seconds"),
        ({"rounds": 0}, ConfigError, "rounds"),
        ({"data": (X, D[:2])}, DataError, "as many inputs"),
    ],
)
def test_what_cannot_be_is_refused(change, kind, says):
    given = {"data": (X, D), "sizes": [1], "seconds": 0.001, **change}
    with pytest.raises(kind, match=says):
        throughput(nn.Linear(3, 2, rng=0), nn.CrossEntropyLoss(), sgd, **given)
