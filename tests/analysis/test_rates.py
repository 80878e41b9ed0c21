import numpy as np
import pytest

import optim
from analysis import bowl, descend, race, rates_of_points, rates_of_values
from autograd_core.errors import ConfigError
from optim.training.history import History


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.5, 1.9])
def test_on_a_parabola_it_is_constant_in_both_forms(share):
    made = bowl(1.0, 1, smallest=2.0)
    run = descend(made, [1.0], share / 2, 8)
    f, w = rates_of_values(run.values, 0.0), rates_of_points(run.points, [0.0])
    np.testing.assert_allclose(f.ratios, (1 - share) ** 2)
    np.testing.assert_allclose(w.ratios, abs(1 - share))
    assert f.worst == pytest.approx(f.factor())
    assert f.kind() == w.kind() == "linear"


def test_in_many_dimensions_it_comes_to_the_rate_of_the_slowest():
    made = bowl(20.0, 5, coupled=True, rng=0)
    run = descend(made, np.ones(5), made.best_lr, 200)
    assert rates_of_points(run.points, made.optimum).factor(0.2) == pytest.approx(
        run.rate, rel=1e-3
    )
    assert rates_of_values(run.values, 0.0).factor(0.2) == pytest.approx(run.rate**2, rel=1e-3)


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0])
def test_a_power_is_told_from_a_factor(p):
    k = np.arange(1, 400)
    rates = rates_of_values(3 + 5.0 / np.r_[1, k] ** p, 3.0)
    assert rates.kind() == "sublinear"
    assert rates.power() == pytest.approx(p, rel=1e-6)
    assert rates_of_values(5 * 0.9**k, 0.0).kind() == "linear"
    assert rates_of_values(1.1**k, 0.0).kind() == "none"


def test_arriving_leaves_nothing_to_measure():
    run = descend(bowl(1.0, 1), [1.0], 1.0, 3)
    rates = rates_of_values(run.values, 0.0)
    assert rates.ratios[0] == 0
    assert np.isnan(rates.ratios[1:]).all()
    assert rates.worst == 0
    assert np.isnan(rates.factor())
    assert rates_of_values([2.0, 2.0]).kind() == "none"


def test_without_an_optimum_the_best_stands_for_it():
    history = History()
    for k in range(30):
        history.append({"loss": 1 + 0.5**k})
    rates = rates_of_values(history["loss"])
    assert not rates.known
    np.testing.assert_allclose(rates.ratios[:15], 0.5, rtol=1e-3)
    assert rates_of_points([[2.0], [1.0], [0.5]]).errors.tolist() == [1.5, 0.5, 0]


def test_from_a_race():
    run = race(bowl(4.0), {"gd": lambda p: optim.SGD(p, lr=0.4)}, updates=30)
    track = run.paths["gd"]
    assert rates_of_points(track.points, [0, 0]).factor() == pytest.approx(0.6, rel=1e-3)
    assert rates_of_values(track.values, 0.0).factor() == pytest.approx(0.36, rel=1e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rates_of_values([1.0]),
        lambda: rates_of_values([1.0, np.nan]),
        lambda: rates_of_values([[1.0, 2.0]]),
        lambda: rates_of_values("fast"),
        lambda: rates_of_values([1.0, 0.5], best=0.7),
        lambda: rates_of_values([1.0, 0.5], best=float("nan")),
        lambda: rates_of_points([1.0, 2.0]),
        lambda: rates_of_points([[1.0], [2.0]], [1.0, 2.0]),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(ConfigError, match="expected"):
        call()
