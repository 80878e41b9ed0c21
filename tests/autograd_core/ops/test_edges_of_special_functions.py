"""Special functions and densities far out, at poles and at the ends of their support.

Values and first two derivatives, against mpmath's (differences at 60 digits) or closed forms.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import autograd_core as ag

pytest.importorskip("scipy")
S, D = ag.special, ag.stats
INF = math.inf


def exactly(f, x, order, digits=100):
    """The derivative of an mpmath function, by differences at so many digits that none show."""
    with mpmath.workdps(digits):
        x = mpmath.mpf(float(x))
        return float(mpmath.re(mpmath.diff(f, x, order, h=(abs(x) or 1) * mpmath.mpf(10) ** -30)))


def erfcx(x):
    return mpmath.exp(x * x) * mpmath.erfc(x)


def log_ndtr(x):
    return mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2)


def logit(x):
    return mpmath.log(x / (1 - x))


FAR = (-1e3, -40.0, -6.0, -1.0, 0.0, 1.0, 6.0, 12.0)
# Where the derivative of a sigmoid is y - y², as in PyTorch and JAX: to an ulp of 1, not of itself.
SATURATES = frozenset(["log_expit", "softplus", "sigmoid", "logaddexp", "logaddexp2"])
ATOL = {"sinc": 1e-16, "logit": 1e-16}  # that cross 0
# Where a small number is found beside a large one.
DIGITS = dict.fromkeys(
    [
        "log_ndtr",
        "log_expit",
        "softplus",
        "sigmoid",
        "logaddexp",
        "logaddexp2",
        "ndtr",
        "expm1",
        "erfc",
        "erf",
    ],
    450,
)
# name: ours, mpmath's, points, and what is allowed for a relative error, of (x, order of the derivative)
FUNCTIONS = {
    "log_ndtr": (S.log_ndtr, log_ndtr, FAR, lambda x, n: 1e-12 + (n > 1) * x * x * 1e-15),
    "erfcx": (S.erfcx, erfcx, (-20.0, -3.0, 0.0, 1.0, 10.0, 1e3), lambda x, n: 1e-12 + abs(x) ** (2 * n) * 1e-15),
    "erfc": (S.erfc, mpmath.erfc, (-6.0, 0.0, 1e-10, 3.0, 20.0), None),
    "erf": (S.erf, mpmath.erf, (-6.0, -1e-8, 0.0, 1e-8, 0.84375, 1.25, 6.0), None),
    "ndtr": (S.ndtr, mpmath.ncdf, (-37.0, -8.0, 0.0, 8.0), None),
    "log_expit": (
        S.log_expit,
        lambda x: -mpmath.log1p(mpmath.exp(-x)),
        (-700.0, -40.0, -1.0, 0.0, 1.0, 30.0),
        None,
    ),
    "softplus": (ag.softplus, lambda x: mpmath.log1p(mpmath.exp(x)), (-700.0, -40.0, 0.0, 30.0), None),
    "sigmoid": (ag.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), (-700.0, -40.0, 0.0, 1.0), None),
    "logit": (ag.logit, logit, (1e-300, 1e-10, 0.5, 1 - 1e-10), None),
    "expm1": (ag.expm1, mpmath.expm1, (-700.0, -40.0, -1e-12, 0.0, 1e-12, 30.0), None),
    "log1p": (ag.log1p, mpmath.log1p, (-1 + 1e-10, -1e-12, 0.0, 1e-20, 1e10), None),
    "rgamma": (
        S.rgamma,
        mpmath.rgamma,
        (*(float(-k) for k in range(8)), -3.5, -1 + 1e-9, 0.5, 1.0, 2.0, 7.0, 30.5),
        None,
    ),
    "gammaln": (S.gammaln, mpmath.loggamma, (1e-300, 1e-10, 0.5, 1.0, 2.0, 1e3, 1e10), None),
    "gamma": (S.gamma, mpmath.gamma, (-3.5, 1e-10, 0.5, 1.0, 5.0, 60.0), None),
    "digamma": (S.digamma, mpmath.digamma, (1e-10, 0.5, 1.0, 30.0, 1e5), None),
    "entr": (S.entr, lambda x: -x * mpmath.log(x), (1e-300, 1e-10, 1.0, 1e10), None),
    "arctan": (ag.arctan, mpmath.atan, (-1e5, -1.0, 0.0, 1e-10, 1e5), None),
    "sinc": (ag.sinc, lambda x: mpmath.sincpi(x), (0.0, 1e-8, 0.25, 0.5, 1.0), None),
    "logaddexp": (
        lambda x: ag.logaddexp(x, 0.5),
        lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(mpmath.mpf(0.5))),
        (-700.0, -40.0, 0.5, 0.7, 30.0),
        None,
    ),
    "logaddexp2": (
        lambda x: ag.logaddexp2(x, 0.5),
        lambda x: mpmath.log(2**x + mpmath.sqrt(2), 2),
        (-700.0, -40.0, 0.5, 0.7, 30.0),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives_are_mpmaths(name):
    ours, theirs, points, allowed = FUNCTIONS[name]
    for x in points:
        for order, f in enumerate((ours, ag.grad(ours), ag.grad(ag.grad(ours)))):
            rtol = allowed(x, order) if allowed else 2e-12
            atol = 4e-16 if order and name in SATURATES else ATOL.get(name, 1e-300)
            found, due = float(f(np.float64(x))), exactly(theirs, x, order, DIGITS.get(name, 100))
            assert found == pytest.approx(due, rel=rtol, abs=atol), (name, x, order)


@pytest.mark.parametrize("x", [-1e8, -1e5, -1e4, -1e3, -1e2, 1e2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_slope_of_log_ndtr_is_right_however_far_out(x, dtype):
    found = ag.grad(S.log_ndtr)(dtype(x))
    due = exactly(log_ndtr, x, 1) if x > -1e5 else -x - 1 / x
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), due, rtol=4 * np.finfo(dtype).eps, atol=1e-300)


# --- logarithms of tails --------------------------------------------------------------------------


def student(df, t):
    x = df / (df + t * t)
    return mpmath.betainc(df / 2, 0.5, 0, x, regularized=True) / 2


def lower(a, x):
    return mpmath.gammainc(a, 0, x, regularized=True)


def upper(a, x):
    return mpmath.gammainc(a, x, mpmath.inf, regularized=True)


def share(a, b, x):
    return mpmath.betainc(a, b, 0, x, regularized=True)


# Each distribution function, its parameters, mpmath's probability, and values: far out, and inside.
TAILS = [
    (D.gamma.logsf, (2.0,), upper, (1e-3, 5.0, 200.0, 1000.0, 1e5)),
    (D.gamma.logsf, (0.5,), upper, (1e-3, 800.0)),
    (D.gamma.logsf, (50.0,), upper, (60.0, 700.0, 2000.0)),
    (D.gamma.logcdf, (2.0,), lower, (1e-300, 1e-100, 1e-3, 2.0)),
    (D.gamma.logcdf, (50.0,), lower, (1e-20, 1e-3, 0.5, 40.0)),
    (D.chi2.logsf, (3.0,), lambda k, x: upper(k / 2, x / 2), (1.0, 2000.0)),
    (D.chi2.logcdf, (3.0,), lambda k, x: lower(k / 2, x / 2), (1e-250, 1.0)),
    (D.beta.logcdf, (2.0, 3.0), share, (1e-300, 1e-160, 0.5, 0.9)),
    (D.beta.logcdf, (300.0, 400.0), share, (1e-3, 0.1, 0.4)),
    (D.beta.logcdf, (1e-3, 5.0), share, (1e-200, 0.5)),
    (D.beta.logsf, (2.0, 300.0), lambda a, b, x: share(b, a, 1 - x), (0.1, 0.95, 1 - 1e-10)),
    (D.beta.logsf, (300.0, 400.0), lambda a, b, x: share(b, a, 1 - x), (0.5, 0.9, 0.99)),
    (D.t.logcdf, (1.0,), student, (-1e300, -1e160, -3.0)),
    (D.t.logcdf, (30.0,), student, (-1e100, -1e20, -5.0)),
    (D.t.logcdf, (1e6,), student, (-40.0, -36.0)),
    (D.norm.logcdf, (), mpmath.ncdf, (-1e8, -1e3, 2.0, 40.0)),
    (D.expon.logcdf, (), lambda x: -mpmath.expm1(-x), (1e-300, 1.0, 600.0)),
    (D.expon.logsf, (), lambda x: mpmath.exp(-x), (1e-300, 1e5)),
]


@pytest.mark.parametrize(
    ("function", "shape", "theirs", "values"),
    TAILS,
    ids=[f"{f.__self__.name}{f.__name__[3:]}{shape}" for f, shape, *_ in TAILS],
)
def test_the_logarithm_of_a_tail_does_not_underflow(function, shape, theirs, values):
    given = [mpmath.mpf(v) for v in shape]
    for x in values:
        with mpmath.workdps(150 if shape else 900):
            point = mpmath.mpf(x)
            h = abs(point) * mpmath.mpf(10) ** -40
            if shape and 0.5 < x < 1:
                h = (1 - point) * mpmath.mpf(10) ** -40
            y = [mpmath.log(theirs(*given, point + k * h)) for k in (-1, 0, 1)]
            due = [y[1], (y[2] - y[0]) / (2 * h), (y[2] - 2 * y[1] + y[0]) / h / h]
            due = [float(mpmath.re(d)) for d in due]

        def f(u):
            return function(u, *shape)

        slope = ag.grad(f)
        found = [g(np.float64(x)) for g in (f, slope, ag.grad(slope, unreachable="zero"))]
        np.testing.assert_allclose(found[:2], due[:2], rtol=1e-11, atol=1e-300, err_msg=repr(x))
        # The second one of an exponential tail is small beside the square of the first.
        allowed = min(1e-14 * min(abs(due[1]), 1e150) ** 2, 1e290)
        np.testing.assert_allclose(found[2], due[2], rtol=1e-9, atol=allowed, err_msg=repr(x))
        if function.__self__ is D.t or function.__self__ is D.norm:  # the other tail is the same
            mirrored = function.__self__.logsf
            np.testing.assert_array_equal(mirrored(-x, *shape).numpy(), found[0].numpy())
        # Of the location and the scale likewise.
        by_loc, by_scale = ag.grad(
            lambda loc, scale, x=x: function(np.float64(x), *shape, loc=loc, scale=scale), (0, 1)
        )(0.0, 1.0)
        np.testing.assert_allclose(
            [by_loc, by_scale], [-due[1], -x * due[1]], rtol=1e-11, atol=1e-300
        )


@pytest.mark.parametrize(
    ("f", "x", "due"),
    [
        (lambda x: D.gamma.logcdf(x, 2.0), 0.0, (-INF, INF, -INF)),
        (lambda x: D.gamma.logcdf(x, 0.5), -0.0, (-INF, INF, -INF)),
        (lambda x: D.gamma.logsf(x, 2.0), 0.0, (0.0, 0.0, -1.0)),
        (lambda x: D.gamma.logsf(x, 2.0), INF, (-INF, -1.0, 0.0)),
        (lambda x: D.gamma.logcdf(x, 2.0), INF, (0.0, 0.0, 0.0)),
        (lambda x: D.chi2.logsf(x, 3.0), INF, (-INF, -0.5, 0.0)),
        (lambda x: D.chi2.logcdf(x, 3.0), 0.0, (-INF, INF, -INF)),
        (lambda x: D.beta.logcdf(x, 2.0, 3.0), 0.0, (-INF, INF, -INF)),
        (lambda x: D.beta.logcdf(x, 2.0, 2.0), 1.0, (0.0, 0.0, -6.0)),
        (lambda x: D.beta.logsf(x, 2.0, 3.0), 1.0, (-INF, -INF, -INF)),
        (lambda x: D.t.logcdf(x, 3.0), -INF, (-INF, 0.0, 0.0)),
        (lambda x: D.t.logpdf(x, 3.0), INF, (-INF, 0.0, 0.0)),
        (lambda x: D.t.logpdf(x, 1.0), 1e300, (-1382.6957856822767, -2e-300, 0.0)),
        (D.expon.logcdf, 0.0, (-INF, INF, -INF)),
        (lambda x: D.beta.pdf(x, 0.5, 0.5), 0.0, (INF, -INF, INF)),
        (lambda x: D.beta.pdf(x, 0.5, 0.5), 1.0, (INF, INF, INF)),
        (lambda x: D.gamma.pdf(x, 0.5), -0.0, (INF, -INF, INF)),
        (lambda x: D.gamma.logpdf(x, 2.0), -0.0, (-INF, INF, -INF)),
        (lambda x: D.chi2.pdf(x, 1.0), -0.0, (INF, -INF, INF)),
        (lambda x: S.betainc(0.5, 0.5, x), 0.0, (0.0, INF, -INF)),
        (lambda a: S.beta(a, -1.5), 0.5, (0.0, -4 * math.pi / 3, 19.991372891191993)),
        (lambda a: S.beta(-1.5, a), -1.5, (0.0, -32 * math.pi / 3, 37.05980378913514)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("compiled", [lambda f: f, ag.jit])
def test_the_ends_of_tails_and_poles_of_densities(f, x, due, compiled):
    slope = ag.grad(f, unreachable="zero")
    functions = (f, slope, ag.grad(slope, unreachable="zero"))
    with np.errstate(all="ignore"):
        found = [float(compiled(g)(np.float64(x))) for g in functions]
    np.testing.assert_allclose(found, due, rtol=1e-9, atol=1e-14)


# --- logaddexp, logsumexp -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "value", "slopes"),
    [
        (-INF, 2.0, 2.0, (0.0, 1.0)),
        (2.0, -INF, 2.0, (1.0, 0.0)),
        (INF, 2.0, INF, (1.0, 0.0)),
        (INF, -INF, INF, (1.0, 0.0)),
        (INF, INF, INF, (0.5, 0.5)),
        (-INF, -INF, -INF, (0.5, 0.5)),
        (-1e17, 1.0, 1.0, (0.0, 1.0)),
        (-40.0, 0.0, math.log1p(math.exp(-40)), (math.exp(-40), 1.0)),
        (0.0, -40.0, math.log1p(math.exp(-40)), (1.0, math.exp(-40))),
        (-1e10, 1.234567890123, 1.234567890123, (0.0, 1.0)),
        (1e10, 1e10, 1e10 + math.log(2), (0.5, 0.5)),
    ],
)
@pytest.mark.parametrize("compiled", [lambda f: f, ag.jit, lambda f: ag.jit(f, backend="numpy")])
def test_logaddexp_of_infinities_and_by_cancellation(a, b, value, slopes, compiled):
    found = compiled(lambda a, b: ag.logaddexp(a, b))(np.array(a), np.array(b))
    np.testing.assert_allclose(found.numpy(), value, rtol=1e-15)
    both = compiled(ag.grad(ag.logaddexp, (0, 1)))(np.array(a), np.array(b))
    np.testing.assert_allclose([g.numpy() for g in both], slopes, rtol=1e-15)
    second = compiled(ag.hessian(ag.logaddexp))(np.array(a), np.array(b))
    assert np.isfinite(second.numpy())


def test_weights_of_zero_have_a_slope_and_leave_out_what_is_no_number():
    b = np.array([2.0, 0.0, 5.0])
    np.testing.assert_allclose(ag.grad(lambda b: S.logsumexp(np.zeros(3), b=b))(b).numpy(), 1 / 7)
    by_a, by_b = ag.grad(lambda a, b: S.logsumexp(a, b=b), (0, 1))(np.array([0.0, 1.0, 2.0]), b)
    e = np.exp([0.0, 1.0, 2.0])
    np.testing.assert_allclose(by_a.numpy(), b * e / (b @ e))
    np.testing.assert_allclose(by_b.numpy(), e / (b @ e))
    for odd in (INF, np.nan, 1e300):
        a = np.array([0.0, odd, 1.0])
        assert float(S.logsumexp(a, b=b)) == pytest.approx(math.log(2 + 5 * math.e))
        found = ag.grad(lambda a, b: S.logsumexp(a, b=b), (0, 1))(a, b)
        assert all(np.isfinite(g.numpy()).all() for g in found)
    with np.errstate(divide="ignore"):  # log 0, as in NumPy
        assert float(S.logsumexp(np.zeros(2), b=np.zeros(2))) == -INF


# --- densities at the ends of their support -------------------------------------------------------

ENDS = [
    ("beta(2, 2) at 0", lambda x: D.beta.pdf(x, 2.0, 2.0), 0.0, (0.0, 6.0, -12.0)),
    ("beta(2, 2) at 1", lambda x: D.beta.pdf(x, 2.0, 2.0), 1.0, (0.0, -6.0, -12.0)),
    ("beta(1, 3) at 0", lambda x: D.beta.pdf(x, 1.0, 3.0), 0.0, (3.0, -6.0, 6.0)),
    ("beta(3, 1) at 1", lambda x: D.beta.pdf(x, 3.0, 1.0), 1.0, (3.0, 6.0, 6.0)),
    ("beta(1, 1) at 0", lambda x: D.beta.pdf(x, 1.0, 1.0), 0.0, (1.0, 0.0, 0.0)),
    ("gamma(1) at 0", lambda x: D.gamma.pdf(x, 1.0), 0.0, (1.0, -1.0, 1.0)),
    ("gamma(2) at 0", lambda x: D.gamma.pdf(x, 2.0), 0.0, (0.0, 1.0, -2.0)),
    ("gamma(3) at 0", lambda x: D.gamma.pdf(x, 3.0), 0.0, (0.0, 0.0, 1.0)),
    ("gamma(2), scaled", lambda x: D.gamma.pdf(x, 2.0, scale=0.5), 0.0, (0.0, 4.0, -16.0)),
    ("chi2(2) at 0", lambda x: D.chi2.pdf(x, 2.0), 0.0, (0.5, -0.25, 0.125)),
    ("chi2(4) at 0", lambda x: D.chi2.pdf(x, 4.0), 0.0, (0.0, 0.25, -0.25)),
    ("expon at 0", D.expon.pdf, 0.0, (1.0, -1.0, 1.0)),
    ("poisson(0) at 0", lambda m: D.poisson.pmf(np.array(0), m), 0.0, (1.0, -1.0, 1.0)),
    ("poisson(1) at 0", lambda m: D.poisson.pmf(np.array(1), m), 0.0, (0.0, 1.0, -2.0)),
    ("poisson(2) at 0", lambda m: D.poisson.pmf(np.array(2), m), 0.0, (0.0, 0.0, 1.0)),
    ("gammainc(1) at 0", lambda x: S.gammainc(1.0, x), 0.0, (0.0, 1.0, -1.0)),
    ("gammainc(2) at 0", lambda x: S.gammainc(2.0, x), 0.0, (0.0, 0.0, 1.0)),
    ("gammaincc(2) at 0", lambda x: S.gammaincc(2.0, x), 0.0, (1.0, 0.0, -1.0)),
    ("betainc(1, 2) at 0", lambda x: S.betainc(1.0, 2.0, x), 0.0, (0.0, 2.0, -2.0)),
    ("betainc(2, 2) at 1", lambda x: S.betainc(2.0, 2.0, x), 1.0, (1.0, 0.0, -6.0)),
]


@pytest.mark.parametrize(("name", "f", "x", "due"), ENDS, ids=[row[0] for row in ENDS])
def test_densities_have_their_derivatives_at_the_ends_of_the_support(name, f, x, due):
    found = [float(g(np.float64(x))) for g in (f, ag.grad(f), ag.grad(ag.grad(f)))]
    np.testing.assert_allclose(found, due, rtol=1e-13, atol=1e-15)
    near = ag.grad(f)(np.float64(x + (1e-6 if x == 0 else -1e-6)))
    np.testing.assert_allclose(near.numpy(), due[1], rtol=1e-4, atol=1e-4)


def test_a_density_with_a_pole_at_its_end_is_infinite_there_without_a_warning():
    assert float(D.beta.pdf(np.float64(0.0), 0.5, 0.5)) == INF
    assert float(D.gamma.pdf(np.float64(0.0), 0.5)) == INF
    assert float(D.gamma.logpdf(np.float64(0.0), 2.0)) == -INF


def test_large_parameters_do_not_overflow():
    import scipy.stats

    for a in (200.0, 1e4):
        u = np.array([a - 10, a, a + 10])
        np.testing.assert_allclose(
            D.gamma.pdf(u, a).numpy(), scipy.stats.gamma.pdf(u, a), rtol=1e-9
        )
        slope = ag.grad(lambda u, a=a: ag.sum(D.gamma.pdf(u, a)))(u).numpy()
        np.testing.assert_allclose(
            slope, scipy.stats.gamma.pdf(u, a) * ((a - 1) / u - 1), rtol=1e-7, atol=1e-12
        )


def test_the_simplex_has_its_derivatives_at_its_corners():
    alpha = np.array([2.0, 1.0, 3.0])
    x = np.array([0.0, 0.5, 0.5])
    constant = math.gamma(6) / (math.gamma(2) * math.gamma(1) * math.gamma(3))
    assert float(D.dirichlet.pdf(x, alpha)) == 0.0
    found = ag.grad(lambda x: D.dirichlet.pdf(x, alpha))(x)
    np.testing.assert_allclose(found.numpy(), [constant * 0.25, 0.0, 0.0], rtol=1e-13)


def test_relative_entropies_of_nan_are_nan():
    for x, y in ((np.nan, 1.0), (1.0, np.nan), (0.0, np.nan), (np.nan, 0.0), (-1.0, np.nan)):
        assert np.isnan(S.rel_entr(x, y).numpy()), (x, y)
        assert np.isnan(S.kl_div(x, y).numpy()), (x, y)
