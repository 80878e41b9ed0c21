import numpy as np
import pytest

import autograd_core as ag
import nn
from analysis import ends_of, objective_of, spectrum_ends
from autograd_core.errors import AnomalyError, ConfigError

RNG = np.random.default_rng(0)
N = 60


def matrix(values):
    q, _ = np.linalg.qr(RNG.normal(size=(len(values), len(values))))
    a = (q * values) @ q.T
    return (a + a.T) / 2


SPECTRA = {
    "spread": np.linspace(-1, 4, N),
    "positive": np.geomspace(1e-3, 10, N),
    "repeated": np.repeat([1.0, 2.0, 5.0], N // 3),
    "all the same": np.full(N, 3.0),
    "zero": np.zeros(N),
    "low rank": np.r_[np.zeros(N - 2), 1.0, 2.0],
    "twice the top": np.r_[np.linspace(0.1, 1, N - 2), 7.0, 7.0],
    "far outliers": np.r_[-100.0, np.linspace(0.1, 1, N - 2), 1000.0],
    "negative": -np.linspace(1, 2, N),
    "two": np.array([1.0, 2.0]),
    "one": np.array([-3.0]),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("seed", range(3))
def test_both_ends_lie_within_their_bounds(name, seed):
    values, a = SPECTRA[name], matrix(SPECTRA[name])
    ends = ends_of(lambda v: a @ v, len(a), tolerance=1e-6, rng=seed)
    scale = np.abs(values).max()
    for pair, due in ((ends.lowest, values.min()), (ends.highest, values.max())):
        # An eigenvalue within the bound is a theorem; that it is the end is so for these starts.
        assert np.abs(np.linalg.eigvalsh(a) - pair.value).min() <= pair.bound + 1e-13 * scale
        assert abs(pair.value - due) <= 1e-9 * scale + ends.beyond
        assert pair.value == pytest.approx(due, abs=1e-6 * scale)
        assert np.linalg.norm(a @ pair.vector - pair.value * pair.vector) <= pair.bound + 1e-13
        assert np.linalg.norm(pair.vector) == pytest.approx(1)
    assert ends.converged
    few = len(np.unique(values)) < 20
    assert ends.complete == (few or ends.steps == len(a))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("spread", "indefinite"),
        ("repeated", "positive"),
        ("all the same", "positive"),
        ("zero", "zero"),
        ("low rank", "undecided"),
        ("negative", "negative"),
        ("far outliers", "indefinite"),
        ("one", "negative"),
        ("two", "positive"),
    ],
)
def test_what_is_definite(name, kind):
    a = matrix(SPECTRA[name])
    ends = ends_of(lambda v: a @ v, len(a), steps=len(a), tolerance=1e-12, rng=0)
    assert ends.definite == kind
    if kind == "positive":
        assert ends.condition == pytest.approx(SPECTRA[name].max() / SPECTRA[name].min())
    elif kind != "undecided":
        assert np.isnan(ends.condition)
    else:
        assert ends.condition == np.inf


@pytest.mark.parametrize("steps", [3, 6, 12, 25])
def test_what_lies_beyond_is_within_what_is_said(steps):
    """The bound of Kuczyński and Woźniakowski, over many starts."""
    values = np.geomspace(1e-3, 1, 200)
    for seed in range(40):
        ends = ends_of(lambda v: values * v, 200, steps=steps, tolerance=0.0, rng=seed)
        assert values.max() - ends.highest.value <= ends.beyond
        assert ends.lowest.value - values.min() <= ends.beyond
        assert ends.steps == steps


def test_a_network_beside_its_whole_hessian():
    x, y = RNG.normal(size=(20, 5)), RNG.integers(0, 3, 20)
    for dtype, close in ((np.float64, 1e-6), (np.float32, 1e-4)):
        model = nn.Sequential(
            nn.Linear(5, 12, rng=0, dtype=dtype), nn.Tanh(), nn.Linear(12, 3, rng=1, dtype=dtype)
        )
        e = objective_of(model, nn.CrossEntropyLoss(), x, y)
        ends, due = spectrum_ends(e, rng=0), np.linalg.eigvalsh(e.hessian())
        assert ends.lowest.value == pytest.approx(due[0], abs=close)
        assert ends.highest.value == pytest.approx(due[-1], abs=close)
        assert ends.definite == "indefinite"
        assert ends.highest.bound < 1e-4


def test_products_are_few():
    calls = []

    def product(v):
        calls.append(v)
        return values * v

    values = np.r_[np.random.default_rng(0).normal(size=9_995) / 10, -1.0, 1.5, 2.0, 3.0, 4.0]

    ends = ends_of(product, 10_000, rng=0)
    assert ends.converged
    assert ends.steps == len(calls) - 5 < 60
    hard = ends_of(lambda v: np.linspace(-1, 4, 2000) * v, 2000, steps=50, rng=0)
    assert not hard.converged
    assert 0 < 4 - hard.highest.value < hard.beyond
    assert ends.highest.value == pytest.approx(4, abs=1e-3)
    assert ends.highest.value <= 4 <= ends.highest.value + ends.beyond


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": float("nan")}, "tolerance"),
        ({"tolerance": 1.0}, "tolerance"),
        ({"steps": 0}, "steps"),
        ({"steps": 2.5}, "steps"),
        ({"rng": -1}, "spectrum_ends"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ConfigError, match=words):
        spectrum_ends(lambda w: ag.sum(w**2), [1.0, 2.0], **options)


def test_what_is_not_finite_is_told():
    with np.errstate(all="ignore"), pytest.raises(AnomalyError, match="gradient"):
        spectrum_ends(lambda w: ag.sum(ag.log(w)), [0.0, 1.0])


def test_a_loss_with_kinks_has_the_curvature_of_its_pieces():
    assert spectrum_ends(lambda w: ag.sum(ag.relu(w)), np.ones(50), rng=0).definite == "zero"
    bent = spectrum_ends(lambda w: ag.sum(ag.relu(w) ** 2), np.linspace(-1, 1, 50), rng=0)
    assert (round(bent.lowest.value, 9), round(bent.highest.value, 9)) == (0, 2)
