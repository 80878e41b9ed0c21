from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
import nn
from analysis import KINDS, SURFACES, classify, critical_points, objective_of, surface
from analysis.certainty import _squares, certified_point
from analysis.objectives import objective
from autograd_core.errors import ConfigError

RNG = np.random.default_rng(0)
NAMED = [
    (s, w, kind)
    for s in SURFACES.values()
    for kind, points in (
        ("minimum", s.minimisers),
        ("strict saddle", s.saddles),
        ("maximum", s.maxima),
    )
    for w in points
]


@pytest.mark.parametrize(("s", "w", "kind"), NAMED, ids=lambda x: getattr(x, "name", str(x)))
def test_every_point_of_every_surface_is_certainly_what_it_is(s, w, kind):
    pytest.importorskip("flint")
    found = classify(s, list(w))
    assert found.kind == found.certificate.kind == kind
    assert not found.reason
    assert found.certificate.radius < 1e-14
    assert classify(s, list(w), certify=False).kind == kind
    # Where there is none, none is claimed: a gradient that is not 0, far from the box.
    aside = classify(s, [w[0] + 0.01, w[1] + 0.01])
    assert aside.kind == "not critical"
    assert aside.certificate is None
    assert isinstance(certified_point(objective(s, [w[0] + 0.01, w[1]]), np.add(w, 0.01)), str) or (
        certified_point(objective(s, list(w)), np.add(w, 0.01)).radius >= 0.01
    )


@pytest.mark.parametrize(
    ("loss", "kind", "without"),
    [
        (lambda w: w[0] ** 3 - 3 * w[0] * w[1] ** 2, "degenerate", "undecided"),
        (lambda w: w[0] ** 2 + w[1] ** 4, "degenerate", "undecided"),
        (lambda w: w[0] ** 2 + 0 * w[1], "degenerate", "undecided"),
        (lambda w: w[0] * w[1], "strict saddle", "strict saddle"),
        (lambda w: w[0] ** 2 + 1e-30 * w[1] ** 2, "minimum", "undecided"),
        (lambda w: w[0] ** 2 - 1e-30 * w[1] ** 2, "strict saddle", "undecided"),
        (lambda w: -ag.sum(w**2), "maximum", "maximum"),
        (lambda w: ag.sum(ag.cosh(w)), "minimum", "minimum"),
        (lambda w: ag.sum(w**4), "degenerate", "undecided"),
    ],
)
def test_what_floats_cannot_tell_is_undecided_and_what_is_exact_is_told(loss, kind, without):
    pytest.importorskip("flint")
    found = classify(loss, [0.0, 0.0])
    assert found.kind in (kind, without)
    assert found.kind == kind or found.reason  # a function without bounds says so
    assert classify(loss, [0.0, 0.0], certify=False).kind == without


def test_a_kink_is_not_certified():
    pytest.importorskip("flint")
    found = classify(lambda w: ag.sum(ag.relu(w)), [0.0, -1.0])
    assert "kink" in found.reason
    assert found.kind == "undecided"


def test_a_networks_points_are_found_and_certain():
    pytest.importorskip("flint")
    x = RNG.normal(size=(12, 2))
    model = nn.Sequential(
        nn.Linear(2, 2, rng=0, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(2, 1, rng=1, dtype=np.float64),
    )
    e = objective_of(model, nn.MSELoss(), x, np.tanh(x @ [1.5, -1.0])[:, None])
    penalized = objective(lambda w: e.function(w) + 0.01 * ag.sum(w**2), e.at)
    found = critical_points(penalized, starts=12, rng=0, certify=True, deflate=False)
    assert found.points
    assert sum(found.counts) + found.lost == found.starts == 12
    for p in found.points:
        assert p.slope < 1e-9
        assert p.certificate is not None
        assert p.kind == p.certificate.kind
        assert p.negative == p.certificate.negative
    assert sum(found.table.values()) == len(found.points)
    assert found.downward == len([p for p in found.points if p.negative]) / len(found.points)
    saddle = found.of("strict saddle")[0]
    for side in (-1e-3, 1e-3):
        assert penalized.value(saddle.at + side * saddle.escape) < saddle.value


def test_in_single_precision_what_rounding_leaves_is_enough():
    x = RNG.normal(size=(12, 2))
    model = nn.Sequential(nn.Linear(2, 1, rng=0))
    e = objective_of(model, nn.MSELoss(), x, x[:, :1] + 1)
    found = critical_points(e, starts=3, rng=0, deflate=False)
    assert found.table == {"minimum": 1}
    assert found.counts == (3,)


def test_deflation_finds_what_repetition_does_not():
    starts = [[0.1, 0.1]] * 12
    once = critical_points(surface("himmelblau"), [0.0, 0.0], starts=starts, deflate=False)
    assert (len(once.points), once.counts) == (1, (12,))
    more = critical_points(surface("himmelblau"), [0.0, 0.0], starts=starts)
    assert len(more.points) >= 3


def test_flat_regions_are_no_critical_points():
    found = critical_points(lambda w: ag.sum(ag.tanh(w) ** 2), [0.0], starts=[[0.2], [50.0], [2.0]])
    assert [p.at.tolist() for p in found.points if p.kind == "minimum"] == [[0.0]]
    assert all(abs(p.at[0]) <= 100 for p in found.points)


def test_a_large_one_by_the_ends_of_its_spectrum():
    c = np.r_[-1.0, np.linspace(0.5, 2, 799)]
    for sign, kind in ((1.0, "strict saddle"), (0.0, None)):
        found = classify(lambda w, c=c, s=sign: ag.sum((s * c + (1 - s)) * w**2), np.zeros(800))
        assert found.kind == (kind or "minimum")
        assert found.eigenvalues is None
        assert np.isnan(found.index)
        assert "800 numbers" in found.reason


@pytest.mark.parametrize("seed", range(5))
def test_the_inertia_of_an_exact_matrix(seed):
    rng = np.random.default_rng(seed)
    n = 5
    a = rng.integers(-2, 3, (n, n))
    a = a + a.T
    if seed % 2:
        a[-1] = a[0]
        a[:, -1] = a[:, 0]
        a[-1, -1] = a[0, 0]
    values = np.linalg.eigvalsh(a)
    due = (int((values < -1e-9).sum()), int((values > 1e-9).sum()), int((abs(values) < 1e-9).sum()))
    assert _squares([[Fraction(int(x)) for x in row] for row in a]) == due


@pytest.mark.parametrize(
    "options",
    [
        {"starts": 0},
        {"starts": []},
        {"scale": 0.0},
        {"steps": 0},
        {"tolerance": -1.0},
        {"tolerance": float("nan")},
        {"reach": 0},
        {"deflate": "yes"},
        {"starts": [[1.0, 2.0]]},
    ],
)
def test_bad_options_are_named(options):
    with pytest.raises(ConfigError):
        critical_points(lambda w: ag.sum(w**2), [1.0], **options)


def test_what_is_too_large_or_unknown_is_named():
    with pytest.raises(ConfigError, match="at most 500"):
        critical_points(lambda w: ag.sum(w**2), np.ones(501))
    found = critical_points(lambda w: ag.sum(w**2), [1.0], starts=1, rng=0)
    with pytest.raises(ConfigError, match="expected one of"):
        found.of("bump")
    assert [p.kind for p in found.points] == ["minimum"]
    assert set(found.table) <= set(KINDS)
