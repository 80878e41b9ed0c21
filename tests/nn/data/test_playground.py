"""The playground's sets: their formulas, their noise, and what all of them have in common."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, DTypeError

CLASSED = [nn.data.circle, nn.data.xor, nn.data.two_gaussians, nn.data.spiral]
MEASURED = [nn.data.plane, nn.data.multi_gaussian]
EACH = pytest.mark.parametrize("make", CLASSED + MEASURED, ids=lambda f: f.__name__)


@EACH
def test_shapes_dtypes_names_and_seeds(make):
    for samples in (2, 3, 501):
        found = make(samples, 0.2, rng=3)
        assert found.inputs.shape == (samples, 2)
        assert found.inputs.dtype == np.float32
        assert (found.columns, found.seed) == (("x1", "x2"), 3)
        if make in CLASSED:
            assert (found.targets.shape, found.targets.dtype) == ((samples,), np.int64)
            assert found.classes == ("negative", "positive")
        else:
            assert (found.targets.shape, found.targets.dtype) == ((samples, 1), np.float32)
    first, again, other = (make(50, 0.1, rng=seed, dtype=np.float64) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert np.any(first.inputs != other.inputs)
    assert first.inputs.dtype == np.float64
    for options in ({"samples": 1}, {"samples": 10.0}, {"noise": -0.1}, {"noise": 1.1}):
        with pytest.raises(ConfigError, match=rf"{make.__name__}: {next(iter(options))}"):
            make(**options)
    with pytest.raises(DTypeError, match=make.__name__):
        make(dtype=int)


@pytest.mark.parametrize("make", CLASSED, ids=lambda f: f.__name__)
def test_half_is_positive_and_the_order_is_drawn(make):
    targets = make(2000, rng=0).targets
    assert abs(targets.mean() - 0.5) < (0.05 if make is nn.data.xor else 1e-9)
    assert 800 < np.count_nonzero(np.diff(targets)) < 1200


def test_the_circle():
    x, inside = nn.data.circle(4000, rng=0, dtype=np.float64)
    radius = np.linalg.norm(x, axis=1)
    for part, low, high in ((radius[inside == 1], 0, 2.5), (radius[inside == 0], 3.5, 5)):
        assert low <= part.min() < part.max() < high
        np.testing.assert_allclose(part.mean(), (low + high) / 2, atol=0.05)  # even in the radius
    angle = np.arctan2(*x.T)
    np.testing.assert_allclose(np.histogram(angle, 4)[0] / 4000, 0.25, atol=0.03)


def test_xor_keeps_a_distance_from_the_axes():
    x, same = nn.data.xor(4000, rng=0, dtype=np.float64)
    assert 0.3 <= abs(x).min() < 0.31
    assert 5.2 < abs(x).max() <= 5.3
    np.testing.assert_array_equal(same == 1, x.prod(axis=1) >= 0)


@pytest.mark.parametrize("noise", [0.0, 0.25, 0.5])
def test_the_noise_of_two_gaussians_is_a_variance(noise):
    x, upper = nn.data.two_gaussians(20_000, noise, rng=0, dtype=np.float64)
    for label, centre in ((1, 2), (0, -2)):
        cloud = x[upper == label]
        np.testing.assert_allclose(cloud.mean(axis=0), centre, atol=0.08)
        # the playground's scale: 0 to 0.5 is 0.5 to 4
        np.testing.assert_allclose(cloud.var(axis=0), 0.5 + 3.5 * noise / 0.5, rtol=0.05)


def test_the_spiral():
    x, positive = nn.data.spiral(400, rng=0, dtype=np.float64)
    i = np.arange(200)
    for label, start in ((1, 0), (0, np.pi)):
        t = 1.75 * i / 200 * 2 * np.pi + start
        expected = (5 * i / 200)[:, None] * np.stack([np.sin(t), np.cos(t)], axis=1)
        arm = x[positive == label]
        arm = arm[np.argsort(np.linalg.norm(arm, axis=1))]
        np.testing.assert_allclose(arm, expected, atol=1e-12)
    noisy = nn.data.spiral(400, 0.3, rng=0, dtype=np.float64).inputs
    moved = abs(noisy - x)  # the order is drawn behind the noise, and there was a draw before, too
    assert 0.2 < moved.max() <= 0.3


@pytest.mark.parametrize(
    ("make", "radius", "clean"),
    [
        (nn.data.circle, 5, lambda x: np.linalg.norm(x, axis=1) < 2.5),
        (nn.data.xor, 5, lambda x: x.prod(axis=1) >= 0),
    ],
)
def test_noise_turns_labels_near_the_boundary_and_moves_no_point(make, radius, clean):
    x, labels = make(20_000, 0.1, rng=0, dtype=np.float64)
    assert not np.all(clean(x) == (labels == 1))
    # as likely as that the point, moved by U(−radius, radius) · noise, is on the other side
    rng = np.random.default_rng(1)
    seen = clean(x + rng.uniform(-radius, radius, x.shape) * 0.1)
    np.testing.assert_allclose((labels == 1).mean(), seen.mean(), atol=0.01)
    np.testing.assert_allclose(
        ((labels == 1) != clean(x)).mean(), (seen != clean(x)).mean(), atol=0.01
    )
    assert (
        not (((labels == 1) != clean(x)) & (np.linalg.norm(x, axis=1) < 0.2)).any()
        or make is nn.data.xor
    )


def test_the_plane_and_the_bumps():
    x, y = nn.data.plane(3000, rng=0, dtype=np.float64)
    np.testing.assert_allclose(y[:, 0], x.sum(axis=1) / 10)
    assert 5.9 < abs(x).max() < 6
    x, y = nn.data.multi_gaussian(3000, rng=0, dtype=np.float64)
    centres = {(-4, 2.5): 1, (0, 2.5): -1, (4, 2.5): 1, (-4, -2.5): -1, (0, -2.5): 1, (4, -2.5): -1}
    for point, value in zip(x[:300], y[:300, 0], strict=True):
        all_of_them = [sign * max(0, 1 - np.hypot(*(point - c)) / 2) for c, sign in centres.items()]
        assert value == pytest.approx(max(all_of_them, key=abs), abs=1e-12)
    noisy = nn.data.plane(20_000, 0.2, rng=0, dtype=np.float64)
    rest = noisy.targets[:, 0] - noisy.inputs.sum(axis=1) / 10
    np.testing.assert_allclose(rest.var(), 2 * (1.2**2 / 3) / 100, rtol=0.05)


def test_moons_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    for samples in (20, 21):
        x, lower = nn.data.moons(samples, 0, rng=0, dtype=np.float64)
        theirs, labels = datasets.make_moons((samples - samples // 2, samples // 2), noise=None)
        for label in (0, 1):
            ours = x[lower == label]
            other = theirs[labels == label]
            np.testing.assert_allclose(
                ours[np.lexsort(ours.T.round(9))], other[np.lexsort(other.T.round(9))], atol=1e-9
            )
    assert nn.data.moons(5000, 0.3, rng=0).classes == ("upper", "lower")


def test_blobs():
    x, which = nn.data.blobs(3001, [[0, 0, 9], [5, 5, -9]], deviation=0.5, rng=0, dtype=np.float64)
    assert np.bincount(which).tolist() == [1501, 1500]
    np.testing.assert_allclose(x[which == 0].mean(axis=0), [0, 0, 9], atol=0.1)
    np.testing.assert_allclose(x[which == 1].std(axis=0), 0.5, rtol=0.1)
    drawn = nn.data.blobs(40, 4, features=3, rng=0)
    assert (drawn.inputs.shape, drawn.classes) == ((40, 3), ("0", "1", "2", "3"))
    for options in (
        {"samples": 2}, {"centres": 0}, {"centres": [1.0, 2.0]}, {"centres": [[0.0, np.nan]]},
        {"centres": "three"}, {"centres": [[0, 0]], "features": 3}, {"deviation": 0}, {"centres": [["a"]]},
    ):  # fmt: skip
        with pytest.raises(
            ConfigError, match=f"blobs: {'samples' if 'samples' in options else ''}"
        ):
            nn.data.blobs(**options)
