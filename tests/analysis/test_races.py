import numpy as np
import pytest

import autograd_core as ag
import optim
from analysis import SURFACES, bowl, descend, race, surface
from autograd_core.errors import ConfigError
from optim.contract import every_optimizer


@pytest.mark.parametrize("name", SURFACES)
def test_every_optimizer_can_race_on_every_surface(name):
    def maker(kind, options):
        return lambda params: kind(params, **options)

    racers = {kind.__name__: maker(kind, kind.examples[0]) for kind in every_optimizer()}
    run = race(surface(name), racers, updates=5)
    assert list(run.paths) == list(racers)
    for track in run.paths.values():
        n = len(track.points)
        assert track.points[0].tolist() == list(surface(name).start)
        assert n == 6 or track.ended
        assert len(track.values) == len(track.slopes) == len(track.distances) == n
        for w, value, slope in zip(track.points, track.values, track.slopes, strict=True):
            assert float(surface(name)(w).item()) == value
            assert np.hypot.reduce(surface(name).gradient(w)) == slope


def test_a_racer_goes_where_it_goes_alone():
    made = bowl(9.0, 3, coupled=True, rng=0)
    run = race(made, {"gd": lambda p: optim.SGD(p, lr=made.best_lr)}, updates=20, start=[1, 2, 3])
    alone = descend(made, [1, 2, 3], made.best_lr, 20)
    assert np.array_equal(run.paths["gd"].points, alone.points)
    assert np.array_equal(run.paths["gd"].values, alone.values)
    assert np.allclose(run.paths["gd"].distances, alone.distances)


def test_who_diverges_stops_nobody():
    run = race(
        surface("rosenbrock"),
        {"wild": lambda p: optim.SGD(p, lr=1.0), "tame": lambda p: optim.SGD(p, lr=1e-3)},
        updates=50,
    )
    assert "at update" in run.paths["wild"].ended
    assert np.isfinite(run.paths["wild"].points).all()
    assert not run.paths["tame"].ended
    assert len(run.paths["tame"].points) == 51
    assert run.order(1e-3) == ["tame", "wild"]


def test_arriving_is_for_good():
    run = race(bowl(1.0), {"newton": lambda p: optim.SGD(p, lr=1.0)}, updates=3)
    assert run.paths["newton"].arrived(1e-9) == 1
    swinging = race(bowl(1.0), {"2": lambda p: optim.SGD(p, lr=2.0)}, updates=3)
    assert swinging.paths["2"].arrived(1.0) is None
    assert (
        race(bowl(1.0), {"0": lambda p: optim.SGD(p, lr=1.0)}, start=[0, 0]).paths["0"].arrived(0)
        == 0
    )


@pytest.mark.parametrize("kind", ["LBFGS", "Newton", "NewtonCG"])
def test_those_of_second_order_race_too(kind):
    run = race(
        bowl(50.0, coupled=True, rng=0), {kind: lambda p: getattr(optim, kind)(p)}, updates=8
    )
    assert run.paths[kind].arrived(1e-6) is not None
    assert len(run.paths[kind].points) == 9


class Halving(optim.SGD):
    """Steps after it has asked for the error itself."""

    def step(self, closure=None):
        before = float(closure().item())
        super().step()
        assert float(closure().item()) <= before


def test_a_step_that_takes_a_closure_is_given_one():
    run = race(bowl(4.0), {"closure": lambda p: Halving(p, lr=0.1)}, updates=5)
    assert (np.diff(run.paths["closure"].values) < 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"racers": {}}, "at least one racer"),
        ({"racers": {"none": lambda p: None}}, "make an optimizer"),
        ({"start": [1.0]}, "start of 2 finite"),
        ({"start": [np.nan, 1.0]}, "start of 2 finite"),
        ({"start": [1e200, 1e200]}, "finite error and gradient"),
        ({"updates": -1}, "race: updates"),
        ({"updates": 1.5}, "race: updates"),
    ],
)
def test_bad_input_is_named(options, words):
    given = {"racers": {"gd": lambda p: optim.SGD(p, lr=0.1)}} | options
    racers = given.pop("racers")
    with pytest.raises(ConfigError, match=words):
        race(surface("beale"), racers, **given)


def test_a_function_of_ones_own():
    def valley(w):
        return ag.sum(w**2) + 0.5 * w[0] * w[1]

    with pytest.raises(ConfigError, match="Surface"):
        race(valley, {"gd": lambda p: optim.SGD(p, lr=0.1)})
