"""What narrow integers, booleans and float16 are computed in, and options that say a dtype."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import autograd_core as ag
import nn

xp = ag.array_api
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def ends(dtype):
    limits = np.iinfo(dtype)
    return np.array([limits.min, limits.max, 0, 1, 3], dtype)


# --- integers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INTEGERS)
def test_quotients_of_integers_are_integers_and_index(dtype):
    x = ends(dtype)
    for divisor in (1, 2, 3, np.array([1, 2, 3, 4, 5], dtype)):
        for found, due in (
            (ag.tensor(x) // divisor, x // divisor),
            (np.floor_divide(ag.tensor(x), divisor), x // divisor),
            (ag.jit(lambda t, d=divisor: t // d)(x), x // divisor),
        ):
            assert found.dtype == due.dtype
            np.testing.assert_array_equal(found.numpy(), due)
    assert float(ag.tensor([10.0, 20.0, 30.0])[ag.tensor(np.array(3, dtype)) // 2]) == 20.0


@pytest.mark.parametrize("compiled", [lambda f: f, ag.jit, lambda f: ag.jit(f, backend="numpy")])
def test_quotients_by_zero_and_infinity_are_numpys(compiled):
    values = np.array([7.0, -7.0, 0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 1e-300])
    a, b = values[:, None], values[None, :]
    for f in (operator.floordiv, operator.mod):
        with np.errstate(all="ignore"):
            found = compiled(lambda a, b, f=f: f(a, b))(ag.tensor(a), ag.tensor(b))
            np.testing.assert_array_equal(found.numpy(), f(a, b))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("decimals", [0, 2, -1, -2, -20])
def test_rounded_integers_are_integers(dtype, decimals):
    x = ends(dtype)[1:] if decimals else ends(dtype)
    found = ag.round(ag.tensor(x), decimals)
    assert found.dtype == x.dtype
    if decimals >= 0:
        np.testing.assert_array_equal(found.numpy(), x)
    elif dtype in ("int8", "int16", "uint8", "uint16"):
        np.testing.assert_array_equal(
            found.numpy(), np.round(x, decimals) if decimals > -20 else 0 * x
        )


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
def test_losses_of_integers_are_those_of_the_numbers(dtype):
    x = (ends(dtype) if dtype != "bool" else np.array([True, False, True, True, False]))[:4]
    rows, labels = np.stack([x, x[::-1]]), np.array([1, 0])
    a, b = ag.tensor(rows), ag.tensor(rows[::-1].copy())
    wide, other = rows.astype(float), rows[::-1].astype(float)
    for compiled in (lambda f: f, ag.jit, lambda f: ag.jit(f, backend="numpy"), ag.vmap):
        if compiled is not ag.vmap:
            found = compiled(lambda a: nn.functional.cross_entropy(a, labels))(a)
            due = nn.functional.cross_entropy(ag.tensor(wide), labels)
            np.testing.assert_allclose(found.numpy(), due.numpy(), rtol=1e-12)
            found = compiled(lambda a, b: nn.functional.mse_loss(a, b))(a, b)
            np.testing.assert_allclose(found.numpy(), np.mean((wide - other) ** 2), rtol=1e-12)
        for f in (ag.softmax, ag.log_softmax):
            found = compiled(lambda a, f=f: f(a))(a)
            np.testing.assert_allclose(found.numpy(), f(ag.tensor(wide)).numpy(), rtol=1e-12)
    distance = ag.vmap(ag.squared_distance)(a, b)
    np.testing.assert_allclose(distance.numpy(), ((wide - other) ** 2).sum(1), rtol=1e-12)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0, -1, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_norms_of_integers_are_numpys(dtype, order):
    with np.errstate(all="ignore"):
        for x in (ends(dtype), ends(dtype)[3:]):
            found = ag.linalg.norm(ag.tensor(x), order)
            np.testing.assert_allclose(
                found.numpy(), np.linalg.norm(x.astype(float), order), rtol=1e-12
            )


def test_a_number_that_does_not_fit_is_refused_by_name():
    for f in (lambda t: t + 300, lambda t: 300 * t, lambda t: ag.maximum(t, -1)):
        with pytest.raises(ag.DTypeError, match="out of bounds for uint8"):
            f(ag.tensor(np.array([1, 2], np.uint8)))


@pytest.mark.parametrize("compiled", [lambda f: f, ag.jit, lambda f: ag.jit(f, backend="numpy")])
def test_a_negative_power_of_an_integer_says_to_take_floats(compiled):
    with pytest.raises(ag.ConfigError, match=r"power: Integers to negative.*a base of floats"):
        compiled(lambda t: t**-1)(ag.tensor(np.array([2])))


@pytest.mark.parametrize("compiled", [lambda f: f, ag.jit, lambda f: ag.jit(f, backend="numpy")])
def test_what_numpy_cannot_compute_while_a_step_runs_is_named(compiled):
    power = compiled(lambda t, n: t**n)
    np.testing.assert_array_equal(power(ag.tensor([2, 3]), ag.tensor([2, 1])).numpy(), [4, 3])
    with pytest.raises(ag.ConfigError, match=r"(power|jit): .*Integers to negative"):
        power(ag.tensor([2, 3]), ag.tensor([-1, 1]))
    np.testing.assert_array_equal(power(ag.tensor([2, 3]), ag.tensor([2, 1])).numpy(), [4, 3])


# --- options that say a dtype ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod"])
def test_folds_are_in_the_dtype_that_is_said(name, dtype):
    x = np.array([[200, 100], [3, 7]], np.uint8)
    f = getattr(np, name)
    found, due = f(ag.tensor(x), dtype=dtype), f(x, dtype=dtype)
    assert found.dtype == due.dtype
    np.testing.assert_array_equal(found.numpy(), due)
    theirs = {"cumsum": "cumulative_sum", "cumprod": "cumulative_prod"}.get(name, name)
    axis = {"axis": 1}
    found = getattr(xp, theirs)(ag.tensor(x), dtype=dtype, **axis)
    due = f(x, dtype=dtype, **axis)
    assert found.dtype == due.dtype
    np.testing.assert_array_equal(found.numpy(), due)
    assert xp.linalg.trace(ag.tensor(x), dtype=dtype).dtype == dtype


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.float16, np.float32])
def test_inner_products_keep_their_dtype(dtype):
    x = np.array([[1, 2], [3, 4]], dtype)
    for f in (xp.vecdot, xp.linalg.vecdot, ag.vecdot):
        assert f(ag.tensor(x), ag.tensor(x)).dtype == dtype


def test_choices_and_signs_promote_as_in_numpy():
    x = np.array([1.0, -2.0], np.float32)
    assert np.select([ag.tensor(x) > 0], [ag.tensor(x)]).dtype == np.float32
    assert ag.copysign(ag.tensor(x), ag.tensor(x.astype(float))).dtype == np.float64
    assert ag.copysign(ag.tensor(2), -1.5).dtype == np.float64
    assert float(ag.copysign(ag.tensor(np.uint8(5)), -1.0)) == -5.0
    found = np.linspace(ag.tensor(-1.5), 2.0, 4, dtype=int)
    np.testing.assert_array_equal(found.numpy(), np.linspace(-1.5, 2.0, 4, dtype=int))
    for dtype in (np.float16, np.float32, np.float64):  # beside a number of Python's
        wide = ag.tensor(np.array([1, 2], dtype))
        assert ag.linspace(0.0, wide, 3).dtype == ag.linspace(wide, 1, 3).dtype == dtype
    for n in range(1, 60):  # rounded down from the very numbers that NumPy rounds
        found = np.linspace(ag.tensor(0.0), 7.0, n, dtype=int)
        np.testing.assert_array_equal(found.numpy(), np.linspace(0.0, 7.0, n, dtype=int))


# --- nan ------------------------------------------------------------------------------------------


def test_nan_goes_where_numpy_lets_it_go():
    nan = np.nan
    for low, high in ((nan, 5.0), (0.0, nan), (nan, nan)):
        for wrap in (lambda v: v, np.float64, ag.tensor):
            assert np.isnan(ag.clip(ag.tensor([1.0, 9.0]), wrap(low), wrap(high)).numpy()).all()
    assert np.isnan(float(ag.clip(ag.tensor(nan), 0.0, 1.0)))
    for a, v in (
        ([1.0, 2.0], [3.0, nan]),
        ([1.0, nan, 3.0, 4.0], [1.0, np.inf]),
        ([np.inf, 1.0], [0.0, 2.0, 3.0]),
    ):
        for mode in ("full", "same", "valid"):
            with np.errstate(all="ignore"):
                for f in (np.convolve, np.correlate):
                    np.testing.assert_array_equal(
                        f(ag.tensor(a), ag.tensor(v), mode).numpy(), f(a, v, mode)
                    )
    for x in ([0.0, 1e10, 0.3, 5.0], [0.0, nan, 0.3, 5.0, 6.0]):
        np.testing.assert_array_equal(np.gradient(ag.tensor(x), 0.5).numpy(), np.gradient(x, 0.5))


# --- float16 --------------------------------------------------------------------------------------

HALF = np.float16
MANY = np.ones(70_000, HALF)
ACCUMULATED = {
    "mean": (lambda x: ag.mean(x), MANY, 1.0),
    "mean of large ones": (lambda x: ag.mean(x), np.full(3000, 30, HALF), 30.0),
    "mean over rows": (lambda x: ag.mean(x, 0), np.full((5000, 3), 0.1, HALF), HALF(0.1)),
    "nanmean": (lambda x: ag.nanmean(x), MANY, 1.0),
    "sum over rows": (lambda x: ag.sum(x, 0), np.ones((5000, 3), HALF), 5000.0),
    "cumsum": (lambda x: ag.cumsum(x)[-1], np.ones(5000, HALF), 5000.0),
    "var": (lambda x: ag.var(x), np.tile(np.array([0, 600], HALF), 500), np.inf),
    "std": (lambda x: ag.std(x), np.tile(np.array([0, 400], HALF), 500), 200.0),
    "norm": (lambda x: ag.norm(x), np.full(100, 300, HALF), 3000.0),
    "linalg.norm": (lambda x: ag.linalg.norm(x, 3), np.full(8, 300, HALF), 600.0),
    "median": (lambda x: ag.median(x), np.full(4, 6e4, HALF), HALF(6e4)),
    "logsumexp": (lambda x: ag.logsumexp(x), np.zeros(70_000, HALF), np.log(70_000)),
    "softmax": (lambda x: ag.sum(ag.softmax(x)[:100]), np.zeros(5000, HALF), 0.02),
    "matmul": (lambda x: (x @ x.T)[0, 0], np.ones((2, 5000), HALF), 5000.0),
    "dot": (lambda x: ag.dot(x, x), np.ones(5000, HALF), 5000.0),
    "einsum": (lambda x: ag.einsum("ij,ik->jk", x, x)[0, 0], np.ones((5000, 2), HALF), 5000.0),
    "einsum of one": (lambda x: ag.einsum("ij->j", x)[0], np.ones((5000, 2), HALF), 5000.0),
    "einsum of three": (lambda x: ag.einsum("ij,ij,ij->j", x, x, x)[0], np.ones((5000, 2), HALF), 5000.0),
    "squared_distance": (lambda x: ag.squared_distance(x, 0 * x), np.ones(5000, HALF), 5000.0),
    "cross-entropy": (
        lambda x: nn.functional.cross_entropy(x, np.array([0, 1])),
        np.zeros((2, 70_000), HALF),
        np.log(70_000),
    ),
    "gradient of max": (lambda x: ag.grad(ag.max)(x)[0], MANY, 1 / 70_000),
    "gradient of a broadcast": (
        lambda x: ag.grad(lambda b: ag.sum(b + x))(np.zeros(2, HALF))[0],
        np.ones((5000, 2), HALF),
        5000.0,
    ),
    "gradient of a gather": (
        lambda x: ag.grad(lambda x: ag.sum(x[np.zeros(5000, int)]))(x)[0],
        np.ones(2, HALF),
        5000.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCUMULATED)
@pytest.mark.parametrize("compiled", [lambda f: f, ag.jit, lambda f: ag.jit(f, backend="numpy")])
def test_sums_of_float16_are_kept_in_float32(name, compiled):
    f, x, due = ACCUMULATED[name]
    with np.errstate(all="ignore"):
        found = compiled(f)(ag.tensor(x))
    assert found.dtype == HALF
    np.testing.assert_allclose(found.numpy(), HALF(due), rtol=2e-3)


# --- conventions of saturation --------------------------------------------------------------------


def test_where_a_sigmoid_saturates_its_slope_is_that_of_its_rounded_value():
    # y - y², 1 - y²: as in PyTorch and JAX. One more exponential would cost more than all the rest.
    for f, x in ((ag.sigmoid, np.float32(17)), (ag.tanh, np.float32(10))):
        assert float(ag.grad(f)(x)) == 0.0
        assert float(ag.grad(f)(-x if f is ag.sigmoid else np.float32(4))) > 0.0
    assert float(ag.grad(ag.grad(ag.softplus))(40.0)) == 0.0
    # The slope of expm1 is an exponential, which does not saturate.
    np.testing.assert_allclose(ag.grad(ag.expm1)(np.float32(-20)).numpy(), np.exp(-20.0), rtol=1e-6)
