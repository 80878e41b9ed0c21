"""Options and functions that NumPy's users expect, beside NumPy's own answers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.special

import autograd_core as ag

R = np.random.default_rng(3)
X, V = R.normal(size=(3, 4)), R.normal(size=5)
N = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan], [4.0, 5.0, 6.5]])
S = R.normal(size=(4, 4)) + 4 * np.eye(4)
L = np.linalg

CALLS = {
    "vector_norm": lambda t: [
        L.vector_norm(t(X)),
        L.vector_norm(t(X), axis=1, ord=3, keepdims=True),
    ],
    "matrix_norm": lambda t: [L.matrix_norm(t(X)), L.matrix_norm(t(X), ord=1, keepdims=True)],
    "linalg.trace": lambda t: [L.trace(t(S)), L.trace(t(np.stack([S, S])), offset=1)],
    "linalg.diagonal": lambda t: [L.diagonal(t(np.stack([S, S])), offset=-1)],
    "linalg.cross": lambda t: [L.cross(t(X[:, :3]), t(X[:, 1:]))],
    "multi_dot": lambda t: [
        L.multi_dot([t(X[0]), t(S), t(X.T), t(X[:, 0])]),
        L.multi_dot([t(X), t(S)]),
    ],
    "tensorinv": lambda t: [L.tensorinv(t(S.reshape(2, 2, 4)), ind=2), L.tensorinv(t(S), ind=1)],
    "tensorsolve": lambda t: [L.tensorsolve(t(S.reshape(2, 2, 4)), t(X[:1].reshape(2, 2)))],
    "tensorsolve axes": lambda t: [
        L.tensorsolve(t(S), t(X[0])),
        L.tensorsolve(t(S.reshape(2, 2, 4)), t(X[0]), axes=(0, 1)),
    ],
    "cholesky upper": lambda t: [L.cholesky(t(S @ S.T + np.triu(np.ones((4, 4)), 1)), upper=True)],
    "qr of wide": lambda t: [*L.qr(t(X)), L.qr(t(np.stack([X, X])), mode="r")],
    "copy": lambda t: [np.copy(t(X))],
    "unstack": lambda t: [*np.unstack(t(X), axis=1)],
    "cumulative_sum": lambda t: [
        np.cumulative_sum(t(X), axis=1, include_initial=True),
        np.cumulative_sum(t(V)),
    ],
    "cumulative_prod": lambda t: [np.cumulative_prod(t(X), axis=0, include_initial=True)],
    "diff": lambda t: [np.diff(t(V), prepend=0.0), np.diff(t(X), append=t(X[:, :2]), axis=1, n=2)],
    "ediff1d": lambda t: [np.ediff1d(t(X)), np.ediff1d(t(V), to_begin=[1.0, 2.0], to_end=3.0)],
    "correction": lambda t: [np.var(t(X), correction=1), np.std(t(X), axis=0, correction=0.5)],
    "cov": lambda t: [
        np.cov(t(X), t(X[:1])),
        np.cov(t(X), fweights=[1, 2, 0, 3]),
        np.cov(t(X), aweights=[0.5, 1.0, 2.0, 0.1], ddof=0),
        np.cov(t(X), fweights=[1, 2, 0, 3], aweights=[0.5, 1.0, 2.0, 0.1]),
    ],
    "corrcoef": lambda t: [np.corrcoef(t(X), t(X[:2] ** 2))],
    "nan": lambda t: [
        f(t(N), axis=axis)
        for f in (np.nanstd, np.nanvar, np.nanmedian, np.nanprod, np.nancumsum, np.nancumprod)
        for axis in (None, 0, 1)
    ],
    "nan, of fewer": lambda t: [np.nanvar(t(N), axis=1, ddof=1, keepdims=True)],
    "insert": lambda t: [
        np.insert(t(V), 1, 2.0),
        np.insert(t(V), [1, 1, 4], [1.0, 2.0, 3.0]),
        np.insert(t(V), 2, [7.0, 8.0]),
        np.insert(t(V), slice(0, 4, 2), -1.0),
        np.insert(t(V), np.array([True, False, True, False, False]), 9.0),
        np.insert(t(V), -1, 5.0),
        np.insert(t(X), 1, t(X[:, 0]), axis=1),
        np.insert(t(X), 3, t(X[0]), axis=0),
        np.insert(t(X), [0, 2], t(X[:, :2]), axis=1),
        np.insert(t(X), [1], 0.0, axis=1),
        np.insert(t(X), 5, 1.0),
    ],
    "block": lambda t: [
        np.block([[t(X), t(X[:, :1])], [t(X[:1]), np.ones((1, 1))]]),
        np.block([t(V), 1.0]),
        np.block([[t(V)], [t(V)]]),
        np.block(t(V)),
        np.block([[[t(X)]]]),
    ],
    "vander": lambda t: [
        np.vander(t(V)),
        np.vander(t(V), 2),
        np.vander(t(V), 3, increasing=True),
        np.vander(t(V), 0),
    ],
    "diagflat": lambda t: [np.diagflat(t(X)), np.diagflat(t(V), 1)],
    "float_power": lambda t: [
        np.float_power(t(np.abs(X)), 1.5),
        np.float_power(t(np.array([2], np.int8)), 9),
    ],
    "take_along_axis": lambda t: [
        np.take_along_axis(t(X), np.array([[0, 2]]), axis=1),
        np.take_along_axis(t(X), np.array([5, 1]), axis=None),
        np.take_along_axis(t(X[:1]), np.array([[0], [1], [3]]), axis=1),
    ],
    "argsort": lambda t: [np.argsort(t(X), axis=None), np.argsort(t(X), axis=0)],
    "where alone": lambda t: [*np.where(t(X) > 0)],
    "modf": lambda t: [*np.modf(t(np.array([1.5, -2.25, 0.0, np.inf, -np.inf])))],
    "divmod": lambda t: [*np.divmod(t(X), 0.3)],
    "infinite": lambda t: [np.isposinf(t(N / 0.0)), np.isneginf(t(-1 / (N * 0))), np.fix(t(X * 3))],
    "einsum of size 1": lambda t: [
        np.einsum("ij,ij->ij", t(X), t(X[:1])),
        np.einsum("ij,jk->ik", t(X), t(X[0][:1, None] * 2)),
        np.einsum("ij,ij", t(X[:, :1]), t(X)),
        np.einsum("i,i,i->i", t(V), t(V[:1]), t(V)),
        np.einsum("...i,...i->...", t(X), t(X[:1])),
        np.einsum("ij->i", t(X[:, :1])),
    ],
    "axis of a scalar": lambda t: [
        f(t(np.array(2.5)), axis=axis)
        for f in (np.sum, np.max, np.min, np.prod, np.any, np.all, np.cumsum, np.cumprod)
        for axis in (0, -1)
    ],
}
MODES = ("mean", "maximum", "minimum", "median", "linear_ramp", "constant", "edge", "reflect")


def _answers(call, as_given):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return call(as_given)


@pytest.mark.parametrize("name", CALLS)
def test_they_are_numpys(name):
    ours, theirs = _answers(CALLS[name], ag.tensor), _answers(CALLS[name], np.asarray)
    assert len(ours) == len(theirs)
    for mine, want in zip(ours, theirs, strict=True):
        want = np.asarray(want)
        np.testing.assert_allclose(np.asarray(mine), want, rtol=1e-9, atol=1e-12)
        assert mine.shape == want.shape
        assert mine.dtype == want.dtype


@pytest.mark.parametrize("mode", MODES)
def test_padding_is_numpys(mode):
    options = {
        "linear_ramp": [{}, {"end_values": 2.0}, {"end_values": ((1.0, 2.0), (3.0, 4.0))}],
        "constant": [{}, {"constant_values": (1.0, 2.0)}, {"constant_values": ((1, 2), (3, 4))}],
        "edge": [{}],
        "reflect": [{}],
    }.get(mode, [{}, {"stat_length": 2}, {"stat_length": ((1, 2), (3, 99))}])
    for given in options:
        for widths in (1, (2, 0), ((0, 2), (1, 3))):
            for x in (X, np.arange(12).reshape(3, 4), np.float32(X)):
                want = np.pad(x, widths, mode=mode, **given)
                found = np.pad(ag.tensor(x), widths, mode=mode, **given)
                np.testing.assert_allclose(found.numpy(), want, rtol=1e-6)
                assert found.dtype == want.dtype
            ag.gradcheck(lambda x, w=widths, g=given: ag.pad(x, w, mode, **g), X)


def test_borders_that_are_tensors_have_gradients():
    f = lambda x, c: ag.sum(ag.pad(x, 1, constant_values=c) ** 2)  # noqa: E731
    assert ag.gradcheck(f, X, 0.5)


def test_squares_have_the_weights_derivatives():
    w = np.array([0.5, 1.0, 2.0, 0.1])
    assert ag.gradcheck(lambda x, w: ag.cov(x, aweights=w), X, w)
    assert ag.gradcheck(lambda x: ag.linalg.qr(x), X)
    assert ag.gradcheck(lambda a, b: ag.einsum("ij,jk->ik", a, b), X, X[0][:1, None])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: np.insert(ag.tensor(V), 9, 1.0), "insert: the places 9 do not fit size 5"),
        (lambda: np.insert(ag.tensor(V), "a", 1.0), "insert: "),
        (lambda: np.insert(ag.tensor(X), 0, V, axis=0), "insert: values of shape"),
        (
            lambda: np.block([[ag.tensor(V)], ag.tensor(V)]),
            "block: expected lists nested to one depth",
        ),
        (lambda: ag.block([]), "block: expected lists"),
        (lambda: ag.block([X, V]), "block: "),
        (lambda: np.vander(ag.tensor(X)), "vander: expected one dimension"),
        (lambda: ag.vander(V, -1), "vander: expected a count N"),
        (lambda: np.var(ag.tensor(X), ddof=1, correction=1), "var: ddof=1 and correction=1"),
        (lambda: ag.std(X, correction="1"), "std: expected a number for ddof"),
        (lambda: np.cov(ag.tensor(X), fweights=[0.5] * 4), "cov: expected integers for fweights"),
        (lambda: np.cov(ag.tensor(X), aweights=[0.5] * 3), "cov: aweights of shape"),
        (lambda: np.cov(ag.tensor(X), ag.tensor(V)), "cov: 4 and 5 observations"),
        (lambda: np.cumulative_sum(ag.tensor(X)), "cumulative_sum: expected an axis"),
        (lambda: np.where(ag.tensor(X), 1.0), "np.where: .*received one branch"),
        (lambda: ag.argsort(X, "x"), "argsort: expected one axis"),
        (lambda: L.multi_dot([ag.tensor(X)]), "multi_dot: expected two arrays"),
        (lambda: L.multi_dot([X, ag.tensor(V), X]), "multi_dot: expected matrices"),
        (lambda: L.tensorinv(ag.tensor(X)), "tensorinv: "),
        (lambda: L.tensorsolve(ag.tensor(X), ag.tensor(V)), "tensorsolve: "),
        (lambda: L.matrix_norm(ag.tensor(V)), "matrix_norm: expected two dimensions"),
        (lambda: ag.pad(X, 1, constant_values=(1, 2, 3)), "pad: constant_values"),
        (lambda: ag.pad(X, 1, "mean", stat_length=0), "pad: expected a stat_length of 1 or more"),
        (lambda: ag.pad(np.ones((0, 2)), 1, "mean"), "pad: axis 0 is empty"),
        (lambda: ag.take_along_axis(X, np.zeros((2, 2, 2), int), 1), "take_along_axis: "),
        (lambda: ag.take_along_axis(X, np.zeros((2, 1), int), 1), "take_along_axis: .*do not fit"),
        (lambda: ag.take_along_axis(X, np.zeros((2, 1), int), None), "expected a vector"),
        (lambda: ag.einsum("ii", np.ones((1, 3))), "einsum: "),
        (lambda: ag.sum(np.ones(()), axis=1), "sum: .*axis 1 is out of range"),
    ],
)
def test_what_does_not_fit_is_named(call, match):
    with pytest.raises(ag.AutogradError, match=match):
        call()


def ufuncs_of_two():
    """NumPy's and SciPy's ufuncs of two operands that dispatch, and take floats."""
    for module in (np, scipy.special):
        for name in sorted(vars(module)):
            f = getattr(module, name)
            if isinstance(f, np.ufunc) and (f.nin, f.nout) == (2, 1):
                yield pytest.param(f, id=name)


@pytest.mark.together
@pytest.mark.parametrize("ufunc", list(ufuncs_of_two()))
def test_a_number_of_pythons_takes_the_dtype_that_it_meets(ufunc):
    """On either side: of a constant, float32 does not become float64."""
    # SciPy's have few loops, float16 and integers are float32; and up to 1.17 a number of Python's
    # made float64 of float32 there.
    numpys = ufunc.__name__ in vars(np)
    for dtype in (np.float16, np.float32, np.float64, np.int8) if numpys else (np.float32, float):
        x = np.array([1, 2], dtype)
        for number in (1, 2.0) if numpys else (2.0,):
            for place in (0, 1):
                plain, ours = (
                    (a, number) if place == 0 else (number, a) for a in (x, ag.tensor(x))
                )
                try:
                    want = ufunc(*plain)
                    got = ufunc(*ours)
                except (TypeError, ValueError):  # refused by name, or not for such operands
                    continue
                due = want.dtype if numpys else np.dtype(dtype)
                assert got.dtype == due, (dtype, number, place)
                np.testing.assert_allclose(got.numpy(), want, rtol=1e-2)
