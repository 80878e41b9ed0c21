"""Special functions, distributions and convolution: SciPy's values, SciPy's ufuncs, proofs."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import scipy.special
import scipy.stats

import autograd_core as ag
from autograd_core.kinds import Elementwise
from autograd_core.ops import special
from autograd_core.primitives import REGISTRY, Primitive
from autograd_core.symbolic import prove

POSITIVE = np.array([0.05, 0.5, 1.0, 2.5, 11.0, 40.0])
REAL = np.array([-12.0, -2.5, -0.3, 0.0, 0.7, 3.0, 9.0])
INSIDE = np.array([1e-9, 0.01, 0.3, 0.5, 0.8, 0.999])


def close(found, wanted, rtol=1e-11):
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize(
    ("names", "x"),
    [
        ("digamma entr gamma gammaln gammasgn i0 i1 j0 j1 rgamma y0 y1", POSITIVE),
        ("entr erf erfc expit i0 i1 j0 j1 log_expit log_ndtr ndtr", REAL),
        ("erfcinv erfinv logit ndtri", INSIDE),
    ],
)
def test_values_are_scipys_by_our_name_and_by_scipys_own_ufunc(names, x):
    for name in names.split():
        theirs = getattr(scipy.special, name)
        close(getattr(ag.special, name)(ag.tensor(x)), theirs(x))
        found = theirs(ag.tensor(x, requires_grad=True))
        assert isinstance(found, ag.Tensor)
        close(found.detach(), theirs(x))


@pytest.mark.parametrize(
    "name",
    [
        "beta",
        "betaln",
        "gammainc",
        "gammaincc",
        "iv",
        "ive",
        "jv",
        "kl_div",
        "kv",
        "rel_entr",
        "stdtr",
        "xlog1py",
        "xlogy",
        "yv",
    ],
)
def test_values_of_two_operands_are_scipys_and_broadcast(name):
    theirs = getattr(scipy.special, name)
    a, x = np.array([[0.5], [2.0], [3.0]]), POSITIVE[:4]
    close(getattr(ag.special, name)(a, ag.tensor(x)), theirs(a, x))
    close(theirs(a, ag.tensor(x)), theirs(a, x))


def test_names_that_scipy_has_twice_come_here_too():
    x = ag.tensor(POSITIVE[:4])
    close(scipy.special.psi(x), scipy.special.psi(x.data))
    close(scipy.special.jn(2, x), scipy.special.jn(2, x.data))
    close(scipy.special.yn(2, x), scipy.special.yn(2, x.data))


def test_a_ufunc_of_another_module_by_a_name_of_scipys_is_refused():
    gammaln = np.frompyfunc(lambda x: x, 1, 1)
    with pytest.raises(ag.DTypeError, match="not supported on a Tensor"):
        gammaln(ag.tensor([1.0]))
    with pytest.raises(ag.DTypeError, match="zeta: not supported on a Tensor"):
        scipy.special.zeta(ag.tensor([2.0]), 1.0)


def test_edges_of_entropies():
    x, y = np.array([0.0, 0, 1, 0, -1, 2, 2]), np.array([0.0, 2, 0, -1, 1, -1, 3])
    close(ag.special.rel_entr(x, y), scipy.special.rel_entr(x, y))
    close(ag.special.kl_div(x, y), scipy.special.kl_div(x, y))
    close(ag.special.entr(x), scipy.special.entr(x))
    g = ag.grad(lambda x: ag.sum(ag.special.rel_entr(x, np.array([0.0, 2.0]))))(
        np.array([0.0, 1.0])
    )
    close(g, [0, np.log(0.5) + 1])


def test_weighted_logsumexp_leaves_out_what_has_weight_zero():
    a, b = np.array([[1.0, 1e4, -np.inf], [800.0, 1e4, 801.0]]), np.array([2.0, 0.0, 1.0])
    for axis, keepdims in [(None, False), (1, True), (1, False)]:
        close(
            ag.special.logsumexp(a, axis, b, keepdims),
            scipy.special.logsumexp(a, axis, b, keepdims),
        )


def test_parameters_without_a_derivative_are_refused_and_constants_are_not():
    v, x = ag.tensor(1.5, requires_grad=True), ag.tensor([1.0, 2.0], requires_grad=True)
    for name in (
        "gammainc",
        "gammaincc",
        "gammainccx",
        "gammaincx",
        "iv",
        "ive",
        "jv",
        "kv",
        "stdtr",
        "yv",
    ):
        with pytest.raises(ag.NotDifferentiableError, match=f"{name}: its derivative in"):
            getattr(ag.special, name)(v, x)
        assert getattr(ag.special, name)(v.detach(), x).requires_grad
    with pytest.raises(ag.NotDifferentiableError, match="betainc: its derivative in b"):
        scipy.special.betainc(1.0, v, x / 3)


def test_without_scipy_the_call_names_the_extra(monkeypatch):
    def refuse(name, *args, **kwargs):
        if name.startswith("scipy"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    imported = builtins.__import__
    monkeypatch.setattr(special.importlib, "import_module", lambda name: refuse(name))
    with pytest.raises(ag.MissingDependencyError, match=r"gammaln: needs SciPy.*extra `data`"):
        special.scipys("gammaln")(1.0)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ag.MissingDependencyError, match=r"solve_sylvester: needs SciPy"):
        ag.linalg.solve_sylvester(np.eye(2), np.eye(2), np.eye(2))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gammaln", lambda xp, g, y, x: g * xp.polygamma(x, n=1)),
        ("erfinv", lambda xp, g, y, x: g * xp.exp(y * y)),
        ("gamma", lambda xp, g, y, x: g * xp.polygamma(x, n=0)),
    ],
)
def test_a_wrong_rule_is_refuted(name, wrong):
    pytest.importorskip("flint")
    right = REGISTRY[name]
    assert isinstance(right.kind, Elementwise)
    planted = Primitive(
        name, right.kind, right.forward, (wrong,), arity=1, variadic=False, doc="", domain=right.domain,
        label=name, meaning=None, outputs=1, prepare=None, ufunc=None,
    )  # fmt: skip
    planted.function = right.function
    assert prove.rule(planted).status == "REFUTED"


@pytest.mark.parametrize("family", ["norm", "expon", "gamma", "chi2", "beta", "t"])
def test_distributions_are_scipys_in_their_support_and_outside(family):
    ours, theirs = getattr(ag.stats, family), getattr(scipy.stats, family)
    shape = {"gamma": (1.7,), "chi2": (3.5,), "beta": (1.5, 2.5), "t": (4.5,)}.get(family, ())
    x = np.array([-30.0, -1.0, -0.2, 0.1, 0.4, 0.9, 1.1, 7.0, 40.0])
    for function in ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"):
        for scaled in ({}, {"loc": np.array([[0.3], [-2.0]]), "scale": 1.6}):
            with np.errstate(all="ignore"):
                wanted = getattr(theirs, function)(x, *shape, **scaled)
                close(getattr(ours, function)(ag.tensor(x), *shape, **scaled), wanted, 1e-10)


@pytest.mark.parametrize("family", ["gamma", "chi2", "beta", "t"])
@pytest.mark.parametrize("function", ["logpdf", "pdf"])
def test_densities_are_differentiable_in_every_parameter(family, function):
    ours = getattr(getattr(ag.stats, family), function)
    parameters = [1.7, 2.5][: len(getattr(ag.stats, family).parameters)]
    operands = [
        np.array([0.5, 0.8]),
        *map(np.float64, parameters),
        np.float64(0.1),
        np.float64(1.4),
    ]
    assert ag.gradcheck(ours, *operands)
    assert ag.gradgradcheck(ours, *operands)


def test_outside_of_the_support_the_gradient_is_zero():
    g = ag.grad(lambda x: ag.sum(ag.stats.gamma.pdf(x, 0.5)))(np.array([-1.0, 0.5]))
    assert float(np.asarray(g)[0]) == 0
    assert np.isfinite(np.asarray(g)).all()


def test_counts_simplices_and_vectors():
    k, mu = np.array([-1, 0, 1, 2.0, 3.5, 7]), np.array([0.5, 1, 2, 3, 4, 5])
    for name in ("pmf", "logpmf", "cdf"):
        with np.errstate(all="ignore"):
            close(getattr(ag.stats.poisson, name)(k, mu), getattr(scipy.stats.poisson, name)(k, mu))
    x, alpha = np.array([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]]), np.array([1.5, 2, 3])
    close(ag.stats.dirichlet.logpdf(x, alpha), scipy.stats.dirichlet.logpdf(x, alpha))
    close(ag.stats.dirichlet.pdf(x[:, 0], alpha), scipy.stats.dirichlet.pdf(x[:, 0], alpha))
    cov = np.array([[2.0, 0.3], [0.3, 1.0]])
    for name in ("pdf", "logpdf"):
        wanted = getattr(scipy.stats.multivariate_normal, name)(x, alpha[:2], cov)
        close(getattr(ag.stats.multivariate_normal, name)(x, alpha[:2], cov), wanted)
    close(
        ag.stats.multivariate_normal.entropy(alpha[:2], cov),
        scipy.stats.multivariate_normal.entropy(alpha[:2], cov),
    )


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolutions_are_scipys_and_numpys(mode):
    rng = np.random.default_rng(3)
    for s, t in [((4, 3), (2, 2)), ((2, 2), (3, 4)), ((3, 4, 2), (2, 2, 2)), ((5,), (2,))]:
        a, b = rng.normal(size=s), rng.normal(size=t)
        close(ag.signal.convolve(a, b, mode), scipy.signal.convolve(a, b, mode, method="direct"))
    for n in range(1, 6):
        for m in range(1, 6):
            a, b = rng.normal(size=n), rng.normal(size=m)
            close(np.convolve(ag.tensor(a), b, mode), np.convolve(a, b, mode))
            close(np.correlate(a, ag.tensor(b), mode), np.correlate(a, b, mode))


def test_convolution_of_images_over_channels():
    """Batch, channels, height, width with filters of (out, channels, 2, 3): a layer of a network."""
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(4, 3, 2, 3))
    found = ag.signal.convolve(x, w, "valid", axes=([2, 3], [2, 3]), dot_axes=([1], [1]))
    wanted = [
        [sum(scipy.signal.convolve2d(i[c], f[c], "valid") for c in range(3)) for f in w] for i in x
    ]
    close(found, wanted)


def test_triangles_and_blocks():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(3, 2))
    for lower in (False, True):
        for trans in (0, 1, "N", "T"):
            for unit in (False, True):
                wanted = scipy.linalg.solve_triangular(a, b, trans, lower, unit)
                close(ag.linalg.solve_triangular(a, b, trans, lower, unit), wanted)
    close(ag.linalg.block_diag(a, b, [1.0, 2]), scipy.linalg.block_diag(a, b, [1.0, 2]))
    close(ag.linalg.solve_sylvester(a, a.T, a), scipy.linalg.solve_sylvester(a, a.T, a))
    g = ag.grad(lambda a: ag.sum(ag.linalg.solve_triangular(a, b)))(a)
    np.testing.assert_array_equal(np.tril(np.asarray(g), -1), 0)
