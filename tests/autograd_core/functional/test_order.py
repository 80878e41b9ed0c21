"""Quantiles by every method, interpolation, and writes by index: eager, compiled, mapped and scanned."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.functional.quantiles import _PLACES

BACKENDS = ("numpy", "native")


def everywhere(function, *args, rtol=1e-13):
    """Checks that a function gives the same compiled, mapped and as the body of a loop; returns it."""
    want = function(*args).numpy()
    for backend in BACKENDS:
        got = ag.jit(function, backend=backend)(*args)
        np.testing.assert_allclose(got.numpy(), want, rtol=rtol)
        assert got.dtype == want.dtype
        # What is closed over is no argument.
        got = ag.jit(lambda x: function(x, *args[1:]), backend=backend)(args[0])
        np.testing.assert_allclose(got.numpy(), want, rtol=rtol)
    twice = [np.stack([a, a]) for a in args]
    np.testing.assert_allclose(ag.vmap(function)(*twice).numpy()[1], want, rtol=rtol)
    first = ag.vmap(lambda x: function(x, *args[1:]))(twice[0])
    np.testing.assert_allclose(first.numpy()[1], want, rtol=rtol)
    carry = lambda c, xs: (c + 1, function(*xs))  # noqa: E731
    _, ys = ag.scan(carry, 0.0, tuple(twice))
    np.testing.assert_allclose(ys.numpy()[1], want, rtol=rtol)
    return want


@pytest.mark.sampled(2)
@pytest.mark.parametrize("method", _PLACES)
@pytest.mark.parametrize("name", ["quantile", "percentile", "nanquantile", "nanpercentile"])
def test_quantiles_are_numpys(name, method, rng):
    if method == "closest_observation" and np.lib.NumpyVersion(np.__version__) < "2.1.0":
        pytest.skip("NumPy 2.0 rounds to odd places")
    whole = 100 if "percentile" in name else 1
    for dtype in (np.float64, np.float32, np.int64):
        for shape, axis in (
            ((7,), None),
            ((8,), None),
            ((3, 5), 1),
            ((4, 2, 3), (0, 2)),
            ((1,), 0),
        ):
            x = (10 * rng.normal(size=shape)).astype(dtype)
            for missing in (False, True):
                if missing and (dtype == np.int64 or x.size < 2):
                    continue
                x.flat[0] = np.nan if missing else x.flat[0]
                for q in (
                    0.5,
                    0.0,
                    1.0,
                    1 / 3,
                    dtype(0.3) if dtype != np.int64 else 0.3,
                    [0.1, 0.9],
                ):
                    scaled = np.multiply(q, whole) if type(q) is not float else q * whole
                    for keepdims in (False, True):
                        options = {"axis": axis, "method": method, "keepdims": keepdims}
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")
                            want = getattr(np, name)(x, scaled, **options)
                        got = getattr(np, name)(ag.tensor(x), scaled, **options)
                        rtol = 1e-5 if dtype == np.float32 else 1e-12
                        np.testing.assert_allclose(got.numpy(), want, rtol=rtol, atol=1e-6)
                        assert (got.dtype, got.shape) == (want.dtype, want.shape)


@pytest.mark.parametrize("method", _PLACES)
def test_quantiles_everywhere_and_their_derivatives(method, rng):
    x, q = rng.normal(size=9), np.array([0.33, 0.71])
    everywhere(lambda x, q: ag.quantile(x, q, method=method), x, q)
    for f in (ag.quantile, ag.nanquantile):
        ag.gradcheck(lambda x, f=f: f(x, q, method=method), x)
        ag.gradcheck(lambda q, f=f: f(x, q, method=method), q)


@np.errstate(over="ignore", invalid="ignore")  # of the differences, as NumPy's
@pytest.mark.parametrize("name", ["quantile", "nanquantile", "nanmedian"])
def test_quantiles_of_infinities_and_of_numbers_far_apart(name, rng):
    """Nan only halfway from -inf to inf; a quantile that is an element is that element."""
    inf, function = np.inf, getattr(np, name)
    asked = (0.5,) if name == "nanmedian" else (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)
    undefined = 0
    for _ in range(300):
        x = rng.choice([-inf, inf, -1.5e308, 1.5e308, 0.0, 1.0, 2.0], size=rng.integers(1, 6))
        for q in asked:
            at = q * (x.size - 1)
            low, high = np.sort(x)[[int(np.floor(at)), int(np.ceil(at))]]
            share = at - np.floor(at)
            due = low if low == high else low * (1 - share) + high * share
            call = function if name == "nanmedian" else lambda t, q=q: function(t, q)
            np.testing.assert_allclose(call(ag.tensor(x)).numpy(), due, rtol=1e-12)
            undefined += np.isnan(due)
            weights = ag.grad(call)(x).numpy()
            assert np.isnan(due) or ((weights >= 0).all() and abs(weights.sum() - 1) < 1e-12)
    assert undefined


def test_medians_without_nan(rng):
    x = rng.normal(size=(4, 5))
    x[0, :2] = x[1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = np.nanmedian(x, 1)
    np.testing.assert_allclose(everywhere(lambda x: ag.nanmedian(x, 1), x), want)


def test_quantiles_say_what_does_not_fit():
    x = np.ones(3)
    for call, match in (
        (lambda: ag.quantile(x, 0.5, method="best"), "quantile: expected a method out of linear"),
        (lambda: np.percentile(ag.tensor(x), 101), r"percentile: expected q in \[0, 100\]"),
        (lambda: np.quantile(ag.tensor(x), 0.5, weights=x), "weights"),
        (lambda: ag.quantile(np.ones(0), 0.5), "of no elements"),
    ):
        with pytest.raises(ag.AutogradError, match=match):
            call()


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("ends", [{}, {"left": -1.0, "right": 5.0}])
def test_interpolation_everywhere(n, ends, rng):
    xp, fp = np.sort(rng.normal(size=n)), rng.normal(size=n)
    at = np.concatenate([2 * rng.normal(size=20), xp, [np.inf, -np.inf]])
    if n > 1:
        at = np.append(at, np.nan)
    found = everywhere(lambda a, b, c: ag.interp(a, b, c, **ends), at, xp, fp)
    np.testing.assert_allclose(found, np.interp(at, xp, fp, **ends), rtol=1e-12)
    inside = rng.uniform(xp[0], xp[-1], 5) if n > 1 else np.array([xp[0] + 1])
    ag.gradcheck(lambda a, b, c: ag.interp(a, b, c, **ends), inside, xp, fp, step=1e-5, rtol=1e-4)
    weights = ag.grad(lambda f: ag.sum(ag.interp(np.array([np.inf, 0.0]), xp, f)))(fp)
    assert np.isfinite(weights.numpy()).all()


X = np.random.default_rng(1).normal(size=(4, 5))
KINDS = {
    "int": 0,
    "negative": -1,
    "slice": slice(1, 3),
    "steps": (slice(None, None, -2), slice(0, 4, 3)),
    "None": (None, 1),
    "Ellipsis": (..., 2),
    "element": (0, 1),
    "ints, one twice": [0, 2, 0],
    "pairs": ([0, 1, 1, 0], [2, 3, 3, 2]),
    "ints and slice": (slice(1, 3), [0, 0, 4]),
    "apart": ([0, 1], slice(None), None),
    "rows of a mask": X[:, 0] > 0,
    "mask": X > 0,
    "columns of a mask": (slice(None), X[0] > 0),
    "True": True,
    "False": False,
    "np.True_": (np.True_, [0, 1]),
    "boolean between": (slice(0, 2), True, 1),
    "boolean apart": (True, slice(None), [0, 1]),
    "two booleans": (True, np.array(True)),
    "none": [],
    "empty slice": slice(0, 0),
    "array": np.array([-1, -4, 3]),
    "array of no dimensions": np.array(2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_writes_by_index_everywhere(kind, rng):
    index = KINDS[kind]
    np.testing.assert_array_equal(ag.tensor(X)[index].numpy(), X[index])
    further = np.ones((1, 1, *X[index].shape))  # NumPy lets leading ones go, but not everywhere
    same = ag.index_update(X, index, further[0, 0]).numpy()
    np.testing.assert_array_equal(ag.index_update(X, index, further).numpy(), same)
    for values in (np.array(7.0), rng.normal(size=X[index].shape)):
        want = X.copy()
        want[index] = values
        update = lambda x, v: ag.index_update(x, index, v)  # noqa: E731
        np.testing.assert_array_equal(everywhere(update, X, values), want)
        for backend in (None, *BACKENDS):
            held = ag.tensor(X)

            @ag.no_grad()
            def step(v, held=held):
                held[index] = v
                return ag.sum(held)

            run = step if backend is None else ag.jit(step, backend=backend)
            assert run(values).item() == pytest.approx(want.sum())
            np.testing.assert_array_equal(held.numpy(), want)
    ag.gradcheck(lambda x: ag.sin(ag.index_update(x, index, 2.0)), X)
    values = rng.normal(size=X[index].shape)
    if values.size:
        ag.gradcheck(lambda v: ag.sin(ag.index_update(X, index, v)), values)


@pytest.mark.parametrize("index", [np.array(2), np.array([0, 2, 0]), np.array([[3], [3]])])
def test_writes_at_places_that_are_arguments(index, rng):
    values = rng.normal(size=X[index].shape)
    want = X.copy()
    want[index] = values
    update = lambda i, v: ag.index_update(X, i, v)  # noqa: E731
    np.testing.assert_array_equal(everywhere(update, index, values), want)
    compiled = ag.jit(ag.grad(lambda v, i: ag.sum(ag.index_update(X, i, v) ** 2)), backend="numpy")
    np.testing.assert_allclose(
        compiled(values, index).numpy(),
        ag.grad(lambda v: ag.sum(ag.index_update(X, index, v) ** 2))(values).numpy(),
    )


def test_writes_where_a_mask_says_that_has_no_values_yet():
    np.testing.assert_array_equal(
        everywhere(lambda x: ag.index_update(x, x > 0, 1.0), X), np.where(X > 0, 1, X)
    )
    rows = everywhere(lambda x: ag.index_update(x, x[:, 0] > 0, np.arange(5.0)), X)
    np.testing.assert_array_equal(rows, np.where(X[:, :1] > 0, np.arange(5.0), X))
    with pytest.raises(ag.CaptureError, match=r"mask that has no values.*ag\.where"):
        ag.jit(lambda x: ag.index_update(x, x > 0, np.ones(3)))(X)


def test_an_array_of_places_is_read_at_every_run():
    places = np.array([0, 1])
    step = ag.jit(lambda x: ag.index_update(x, places, 9.0), backend="numpy")
    assert step(np.zeros(3)).tolist() == [9, 9, 0]
    places[:] = [2, 2]
    assert step(np.zeros(3)).tolist() == [0, 0, 9]


def test_tensors_without_dimensions_take_booleans():
    t = ag.tensor(3.0)
    assert t[t > 0].tolist() == [3]
    assert t[t < 0].tolist() == []
    assert t[True].shape == (1,)
    assert ag.tensor([1.0, 2.0])[True].shape == (1, 2)
    assert ag.index_update(t, t > 0, 5.0).item() == 5
    assert ag.grad(lambda x: ag.sum(x[x > 0] ** 2))(3.0).item() == 6


def test_writes_outside_of_no_grad_are_refused_in_a_step_too():
    held = ag.tensor(X)

    def step(v):
        held[0] = v

    for run in (step, ag.jit(step, backend="numpy")):
        with pytest.raises(ag.GraphError, match="index_update"):
            run(np.ones(5))
