"""k-means: each method against its own definition written out, and what may be wrong with data."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from analysis import METHODS, cluster_step, clusterings, k_means, nearest
from autograd_core.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.normal(at, 1.0, (30, 2)) for at in (-5.0, 0.0, 6.0)])
every = pytest.mark.parametrize("method", METHODS)


def squares(x, centres):
    return ((x[:, None] - centres) ** 2).sum(axis=2)


def lloyd(x, centres, passes):
    for _ in range(passes):
        at = squares(x, centres).argmin(axis=1)
        centres = np.array(
            [x[at == j].mean(axis=0) if (at == j).any() else c for j, c in enumerate(centres)]
        )
    return centres


def sculley(x, centres, batches):
    """The published procedure: nearest centres of the batch first, then example after example."""
    centres, counts = centres.copy(), np.zeros(len(centres))
    for rows in batches:
        at = squares(x[rows], centres).argmin(axis=1)
        for row, j in zip(rows, at, strict=True):
            counts[j] += 1
            centres[j] += (x[row] - centres[j]) / counts[j]
    return centres


def start_and_batches(count, k, size, seed, passes):
    rng = np.random.default_rng(seed)
    first = rng.choice(count, k, replace=False)
    orders = [rng.permutation(count) for _ in range(passes)]
    return first, [o[n : n + size] for o in orders for n in range(0, count, size)]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_method_is_what_was_published(jit, dtype):
    x = X.astype(dtype)
    for method, size in (("batch", 90), ("SGD", 1), ("mini-batch", 8)):
        first, batches = start_and_batches(90, 4, size, 3, 2)
        expected = lloyd(X, X[first], 2) if method == "batch" else sculley(X, X[first], batches)
        found = k_means(x, 4, method, size=8, examples=180, seed=3, jit=jit)
        assert found.centres.dtype == dtype
        tolerance = 1e-10 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose(found.start, X[first], rtol=tolerance)
        np.testing.assert_allclose(found.centres, expected, rtol=tolerance, atol=tolerance)
        assert found.errors[-1] == pytest.approx(squares(X, expected).min(axis=1).mean(), rel=1e-4)
        assert (found.examples[-1], found.updates[-1]) == (180, len(batches))
        assert found.errors[0] == pytest.approx(squares(X, X[first]).min(axis=1).mean(), rel=1e-4)


def test_an_update_is_newtons_step_on_the_error_with_everyone_at_his_centre():
    centres = X[[0, 40, 70]]
    at = nearest(centres, X).numpy()

    def half(flat):
        return ag.sum(ag.square(X - ag.take(ag.reshape(flat, (3, 2)), at, axis=0))) / 2

    flat = centres.ravel()
    newton = flat - np.linalg.solve(ag.hessian(half)(flat).numpy(), ag.grad(half)(flat).numpy())
    moved, _ = cluster_step(centres, np.zeros(3), X, remember=False)
    np.testing.assert_allclose(moved.numpy().ravel(), newton, rtol=1e-12)


def test_batch_never_rises_and_all_see_the_same_starts():
    found = clusterings(X, 3, seeds=range(3), size=10, jit=True)
    assert (np.diff(found.errors("batch"), axis=1) <= 1e-12).all()
    for runs in zip(*found.runs.values(), strict=True):
        assert len({run.errors[0] for run in runs}) == 1
    for method in METHODS:
        assert found.errors(method).shape == (3, len(found.examples(method)))
        assert found.spread(method).shape == found.seconds(method).shape == found.mean(method).shape
        assert (np.diff(found.seconds(method)) >= 0).all()
    assert clusterings(X, 3, methods=["SGD"], seeds=[0]).spread("SGD").any() == 0


@every
def test_equal_seeds_give_equal_runs(method):
    run = lambda seed: k_means(X, 3, method, size=7, examples=90, seed=seed).centres  # noqa: E731
    assert np.array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


# --- special cases ----------------------------------------------------------------------------------


@every
def test_one_centre_is_the_mean(method):
    found = k_means(X, 1, method, size=8, examples=90)
    np.testing.assert_allclose(found.centres, X.mean(axis=0, keepdims=True), rtol=1e-12)


@every
def test_as_many_centres_as_examples(method):
    found = k_means(X[:6], 6, method, size=4)
    assert found.errors[-1] == pytest.approx(0, abs=1e-25)
    assert found.empty == ()


@every
def test_equal_examples_leave_centres_empty_and_everything_finite(method):
    found = k_means(np.ones((5, 2)), 3, method, size=2)
    assert found.empty == (1, 2)
    assert found.errors.tolist() == [0.0] * len(found.errors)
    assert found.centres.tolist() == [[1.0, 1.0]] * 3


@every
def test_an_empty_centre_stays_where_it_is(method):
    moved, counts = cluster_step(
        [[0.0], [100.0]], [0.0, 0.0], [[1.0], [3.0]], remember=method != "batch"
    )
    assert moved.tolist() == [[2.0], [100.0]]
    assert counts.tolist() == [2.0, 0.0]


@every
def test_one_example(method):
    found = k_means([[3, 4]], 1, method, size=50)
    assert found.centres.tolist() == [[3.0, 4.0]]
    assert found.size == 1


@every
def test_whole_numbers_and_truths_are_numbers(method):
    x = RNG.integers(-9, 9, (20, 2))
    expected = k_means(x.astype(float), 3, method, size=6)
    for given in (x, x.tolist(), ag.tensor(x), np.asfortranarray(x)):
        np.testing.assert_array_equal(k_means(given, 3, method, size=6).centres, expected.centres)
    k_means(np.array([[True], [False]]), 2, method)
    assert k_means(x.astype(np.float16), 3, method, size=6).centres.dtype == np.float32
    k_means(np.array([[200], [250], [3]], np.uint8), 2, method)


@every
def test_far_from_the_origin_it_is_as_near_it(method):
    near, far = (
        k_means(X, 3, method, size=9, examples=180),
        k_means(X + 1e8, 3, method, size=9, examples=180),
    )
    np.testing.assert_allclose(far.errors, near.errors, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"x": X[:3], "k": 4}, ConfigError, "at most the 3 examples there are; received 4"),
        ({"k": 0}, ConfigError, "k"),
        ({"x": np.where(X[5, 0] == X, np.nan, X)}, DataError, "row 5 is not finite"),
        ({"x": np.full((2, 2), np.inf)}, DataError, "row 0 is not finite"),
        ({"x": X[:0]}, DataError, "expected a matrix"),
        ({"x": X[:, :0]}, DataError, "expected a matrix"),
        ({"x": X[0]}, DataError, "expected a matrix"),
        ({"x": X.astype(complex)}, DataError, "expected a matrix of numbers"),
        ({"x": [["a"]]}, DataError, "expected a matrix of numbers"),
        ({"method": "online"}, ConfigError, "method"),
        ({"size": 0}, ConfigError, "size"),
        ({"examples": 0}, ConfigError, "examples"),
        ({"looks": 0}, ConfigError, "looks"),
        ({"seed": -1}, ConfigError, "seed"),
        ({"seed": None}, ConfigError, "seed"),
        ({"x": np.array([[0.0], [1e200]])}, DataError, "row 1 has a number beyond"),
        ({"x": np.array([[0.0], [1e25]], np.float32)}, DataError, "leaves the range of float32"),
    ],
)
def test_what_cannot_be_is_refused(change, kind, says):
    with pytest.raises(kind, match=says):
        k_means(**{"x": X, "k": 2, **change})


def test_no_method_and_no_seed():
    for given in ({"methods": []}, {"seeds": []}):
        with pytest.raises(ConfigError, match="a method and a seed"):
            clusterings(X, 2, **given)
