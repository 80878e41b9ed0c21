from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
import nn
from analysis import Chord, convexity_along_lines, is_below_its_midpoint, objective_of, surface
from analysis.certainty import Enclosed, Uncertain
from autograd_core.errors import AnomalyError, ConfigError

pytest.importorskip("flint")
RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(8, 3)), np.array([0, 1, 2, 0, 1, 2, 0, 1])
SINGULAR = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])

CONVEX = {
    "softplus": lambda w: ag.sum(ag.softplus(w)),
    "log-sum-exp": lambda w: ag.logsumexp(w, axis=0),
    "singular quadratic": lambda w: ag.sum(w * (ag.tensor(SINGULAR) @ w)),
    "linear": lambda w: ag.sum(w),
    "constant along": lambda w: w[0] ** 2 + 0 * ag.sum(w),
    "absolute": lambda w: ag.sum(ag.absolute(w)),
    "largest": lambda w: ag.max(w),
    "hinge": lambda w: ag.sum(ag.relu(1 - w)),
    "fourth power": lambda w: ag.sum(w**4),
    "huge": lambda w: 1e12 + ag.sum(w**2),
    "norm": lambda w: ag.sqrt(ag.sum(w**2) + 1e-3),
}
OTHERS = {
    "double well": lambda w: ag.sum(w**4 - w**2),
    "tanh": lambda w: ag.sum(ag.tanh(w) ** 2),
    "concave": lambda w: -ag.sum(w**2),
    "concave kink": lambda w: -ag.sum(ag.absolute(w)),
    "smallest": lambda w: ag.min(w),
    "saddle": lambda w: w[0] ** 2 - w[1] ** 2,
    "sine": lambda w: ag.sum(ag.sin(w)),
}


@pytest.mark.parametrize("name", CONVEX)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_what_is_convex_has_no_counterexample_and_is_not_said_to_be_proved(name, scale):
    found = convexity_along_lines(CONVEX[name], np.full(3, 0.1), lines=20, rng=0, scale=scale)
    assert found.counterexample is None
    assert found.verdict == "no counter-example found"
    assert "no proof" in str(found)
    assert found.chords == 20 * 16


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_has_one_that_is_certain(name):
    found = convexity_along_lines(OTHERS[name], np.full(3, 0.1), lines=50, rng=0, scale=1.0)
    chord = found.counterexample
    assert found.verdict == "not convex"
    assert chord.excess[0] > 0
    (u, v, m) = ((low + high) / 2 for low, high in chord.heights)
    assert float(m - (u + v) / 2) == pytest.approx(float(chord.excess[0]), rel=1e-6)
    assert [Fraction(x) for x in chord.middle] == [
        (Fraction(a) + Fraction(b)) / 2 for a, b in zip(chord.first, chord.second, strict=True)
    ]
    for w, height in zip((chord.first, chord.second, chord.middle), chord.heights, strict=True):
        assert float(OTHERS[name](ag.tensor(w)).item()) == pytest.approx(
            float(height[0]), abs=1e-12
        )


def layers(dtype, *between):
    return nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=dtype), *between, nn.Linear(4, 3, rng=1, dtype=dtype)
    )


MODELS = {
    "tanh": lambda: layers(np.float64, nn.Tanh()),
    "float32": lambda: layers(np.float32, nn.Tanh()),
    "ReLU": lambda: layers(np.float64, nn.ReLU()),
    "batch norm": lambda: layers(np.float64, nn.BatchNorm1d(4, dtype=np.float64), nn.Sigmoid()),
    "dropout": lambda: layers(np.float64, nn.Dropout(0.5, rng=0)),
    "linear twice": lambda: layers(np.float64),
}


@pytest.mark.parametrize("name", MODELS)
def test_networks_are_not_convex_certainly(name):
    e = objective_of(MODELS[name](), nn.CrossEntropyLoss(), X, LABELS)
    found = convexity_along_lines(e, scale=3.0, lines=30, rng=0)
    assert found.verdict == "not convex", str(found)
    assert found.counterexample.first.shape == (e.size,)


def test_in_many_dimensions_the_way_down_is_found():
    c = np.r_[-0.05, np.ones(799)]

    def loss(w):
        return ag.sum(c * w**2) + ag.sum(w) ** 2 / 800

    found = convexity_along_lines(loss, np.zeros(800), lines=3, rng=0)
    assert found.verdict == "not convex"
    assert found.lines == 1
    assert abs(found.counterexample.first[0]) > 0.9


def test_logistic_regression_has_no_counterexample():
    for dtype in (np.float32, np.float64):
        e = objective_of(nn.Linear(3, 3, rng=0, dtype=dtype), nn.CrossEntropyLoss(), X, LABELS)
        assert convexity_along_lines(e, scale=3.0, lines=20, rng=0).counterexample is None


def test_a_chord_of_ones_own():
    assert isinstance(is_below_its_midpoint(surface("saddle"), [0.0, -1.0], [0.0, 1.0]), Chord)
    reason = is_below_its_midpoint(surface("saddle"), [-1.0, 0.0], [1.0, 0.0])
    assert reason == "the excess lies between -1 and -1"
    level = is_below_its_midpoint(lambda w: ag.sum(w), [0.0], [1.0])
    assert level == "the excess lies between 0 and 0"
    # Below rounding of floats, and certain all the same.
    tiny = is_below_its_midpoint(lambda w: 1e20 - ag.sum(w**2), [-1.0], [1.0])
    assert tiny.excess == (1, 1)


def test_lines_of_ones_own():
    found = convexity_along_lines(
        surface("saddle"), [0.0, 0.0], lines=[([-1, 0], [1, 0]), ([0, -1], [0, 1])]
    )
    assert found.lines == 2
    assert not found.counterexample.first[0]

    def hair(w):
        return ag.sum(w**2) - 1.0001 * w[0] ** 2

    off = [([-1, -1, 0], [1, 1, 0]), ([0, 1, 1], [1, 0, 1])]
    assert convexity_along_lines(hair, np.zeros(3), lines=off).verdict == "no counter-example found"
    assert convexity_along_lines(hair, np.zeros(3), lines=1, rng=0).verdict == "not convex"
    along = [([-1, 0, 0], [1, 0, 0])]
    assert convexity_along_lines(hair, np.zeros(3), lines=along).verdict == "not convex"


def test_values_alone_are_enough():
    for flat in (lambda w: ag.tensor(2.0) + 0 * ag.sum(w.detach()), lambda w: ag.sum(ag.floor(w))):
        found = convexity_along_lines(flat, [0.5, 0.5], lines=4, scale=0.1, rng=0)
        assert found.verdict == "no counter-example found"


def test_where_nothing_can_be_certified_it_is_said(monkeypatch):
    def absent(self, w):
        raise Uncertain("certified bounds need python-flint")

    monkeypatch.setattr(Enclosed, "value", absent)
    found = convexity_along_lines(OTHERS["double well"], [0.1], lines=20, rng=0)
    assert found.counterexample is None
    assert found.verdict == "not certified"
    assert "python-flint" in str(found)


@pytest.mark.parametrize(
    "options",
    [
        {"lines": 0},
        {"lines": []},
        {"points": 2},
        {"scale": 0.0},
        {"scale": float("nan")},
        {"lines": [([1.0], [2.0, 3.0])]},
    ],
)
def test_bad_options_are_named(options):
    with pytest.raises(ConfigError):
        convexity_along_lines(lambda w: ag.sum(w**2), [1.0], **options)


def test_losses_that_are_no_numbers_are_told():
    with np.errstate(all="ignore"), pytest.raises(AnomalyError):
        convexity_along_lines(lambda w: ag.sum(ag.log(w)), [0.1], lines=20, rng=0)
