"""A zero that a mask has made stays zero: every primitive at special values beside zeros and nans.

Each value is right by itself, whatever stands beside it, and the same eagerly, in native code and by
the NumPy backend, in first and in second derivatives.
"""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.kinds import Elementwise
from autograd_core.primitives import REGISTRY

INF, NAN = np.inf, np.nan
VALUES = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 1e3, 1e300, -1e300, 1e-300, 5e-324, INF, -INF, NAN]
)
PARAMS = {"cast": {"dtype": np.float64}, "polygamma": {"n": 1}}
# Of these the mask itself is under test; `scan` and the like have no elements.
ELEMENTWISE = [
    name
    for name, p in REGISTRY.items()
    if isinstance(p.kind, Elementwise)
    and p.differentiable
    and p.arity < 3
    and str(p.function.__module__).startswith("autograd_core.")
]
BACKENDS = ["native", "numpy"]


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def derivatives(function, count):
    """First derivatives of the sum by each argument, and derivatives of the sums of these."""
    numbers = tuple(range(count))

    def first(*xs):
        return ag.grad(lambda *xs: ag.sum(function(*xs)), numbers, unreachable="zero")(*xs)

    def both(*xs):
        total = ag.grad(lambda *xs: sum(ag.sum(g) for g in first(*xs)), numbers, unreachable="zero")
        return [*first(*xs), *total(*xs)]

    return both


def evaluated(function, *xs):
    """Results of a function of arrays: eagerly, in native code, by the NumPy backend."""
    runs = [function, *(ag.jit(function, backend=b) for b in BACKENDS)]
    return [[np.asarray(t) for t in run(*xs)] for run in runs]


def operands_of(p):
    """Arrays with all special values, in all pairs for two operands; and an ordinary point last."""
    low, high = p.domain
    grids = np.meshgrid(*[VALUES] * p.arity, indexing="ij")
    return [np.append(g.ravel(), low + (high - low) * (0.6 + 0.1 * k)) for k, g in enumerate(grids)]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_branch_that_is_not_taken_changes_nothing(name):
    p, params = REGISTRY[name], PARAMS.get(name, {})
    taken = [i for i, rule in enumerate(p.vjp) if rule is not None]
    arrays = operands_of(p)
    keep = np.arange(arrays[0].size) == arrays[0].size - 1

    def masked(*xs):
        full = list(arrays)
        for i, x in zip(taken, xs, strict=True):
            full[i] = x
        other = sum(3.0 * x for x in xs)
        return ag.where(keep, p.function(*full, **params), other)

    def alone(*xs):
        full = [a[-1:] for a in arrays]
        for i, x in zip(taken, xs, strict=True):
            full[i] = x
        return p.function(*full, **params)

    given = [arrays[i] for i in taken]
    expected = derivatives(alone, len(taken))(*(x[-1:] for x in given))
    for found in evaluated(derivatives(masked, len(taken)), *given):
        for k, (g, ordinary) in enumerate(zip(found, expected, strict=True)):
            np.testing.assert_array_equal(g[:-1], 3.0 if k < len(taken) else 0.0)
            np.testing.assert_allclose(g[-1:], np.asarray(ordinary), rtol=1e-12)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values_and_slopes_are_the_same_compiled_and_beside_others(name):
    p, params = REGISTRY[name], PARAMS.get(name, {})
    taken = [i for i, rule in enumerate(p.vjp) if rule is not None]
    arrays = operands_of(p)

    def function(*xs):
        full = list(arrays)
        for i, x in zip(taken, xs, strict=True):
            full[i] = x
        return p.function(*full, **params)

    def slopes(*xs):
        numbers = tuple(range(len(xs)))
        found = ag.grad(lambda *xs: ag.sum(function(*xs)), numbers, unreachable="zero")(*xs)
        return [function(*xs), *found]

    given = [arrays[i] for i in taken]
    eager, *compiled = evaluated(slopes, *given)
    for found in compiled:
        for a, b in zip(found, eager, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-300)
    places = range(0, arrays[0].size, 1 if p.arity == 1 else 7)
    for at in places:
        here = [a[at : at + 1] for a in arrays]
        value = p.function(*here, **params)
        np.testing.assert_allclose(np.asarray(value), eager[0][at : at + 1], rtol=1e-14)
        for i, g in zip(taken, eager[1:], strict=True):

            def one(x, i=i, here=here):
                return ag.sum(p.function(*here[:i], x, *here[i + 1 :], **params))

            slope = ag.grad(one, unreachable="zero")(here[i])
            np.testing.assert_allclose(np.asarray(slope), g[at : at + 1], rtol=1e-14)


# --- reductions -------------------------------------------------------------------------------------

REDUCTIONS = {
    "cumprod": lambda x: ag.cumprod(x, 1)[:, -1],
    "cumsum": lambda x: ag.cumsum(x, 1)[:, 1],
    "log_softmax": lambda x: ag.log_softmax(x, 1)[:, 0],
    "logsumexp": lambda x: ag.logsumexp(x, 1),
    "max": lambda x: ag.max(x, 1),
    "mean": lambda x: ag.mean(x, 1),
    "median": lambda x: ag.median(x, 1),
    "min": lambda x: ag.min(x, 1),
    "norm": lambda x: ag.norm(x, 1),
    "norm of order 1": lambda x: ag.linalg.norm(x, 1, 1),
    "norm of order 3": lambda x: ag.linalg.norm(x, 3, 1),
    "norm of order 1/2": lambda x: ag.linalg.norm(x, 0.5, 1),
    "norm of order -1": lambda x: ag.linalg.norm(x, -1, 1),
    "norm of order inf": lambda x: ag.linalg.norm(x, INF, 1),
    "prod": lambda x: ag.prod(x, 1),
    "softmax": lambda x: ag.softmax(x, 1)[:, 0],
    "sort": lambda x: ag.sort(x, 1)[:, 0],
    "std": lambda x: ag.std(x, 1),
    "sum of logarithms": lambda x: ag.sum(ag.log(x), 1),
    "sum of exponentials": lambda x: ag.sum(ag.exp(x), 1),
    "var": lambda x: ag.var(x, 1),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_row_that_is_not_taken_changes_nothing(name):
    function = REDUCTIONS[name]
    pairs = np.stack(np.meshgrid(VALUES, VALUES, indexing="ij"), -1).reshape(-1, 2)
    rows = np.concatenate([pairs, pairs[:, 1:]], 1)
    rows = np.concatenate([rows, np.tile(VALUES[:, None], (1, 3)), [[0.3, 1.1, 0.9]]])
    keep = np.arange(len(rows)) == len(rows) - 1
    expected = derivatives(function, 1)(rows[-1:])
    found = evaluated(derivatives(lambda x: ag.where(keep, function(x), 3.0 * x[:, 0]), 1), rows)
    for first, second in found:
        np.testing.assert_array_equal(first[:-1], [[3.0, 0.0, 0.0]] * (len(rows) - 1))
        np.testing.assert_array_equal(second[:-1], 0.0)
        np.testing.assert_allclose(first[-1:], np.asarray(expected[0]), rtol=1e-12)
        np.testing.assert_allclose(second[-1:], np.asarray(expected[1]), rtol=1e-11, atol=1e-12)


def test_cross_entropy_of_a_row_that_is_not_taken():
    logits = np.array([[1.0, 2.0], [NAN, 0.0], [-INF, -INF], [INF, 0.0], [1e300, -1e300]])
    labels, keep = np.array([0, 1, 0, 1, 0]), np.arange(5) == 0

    def masked(z):
        return ag.where(keep, ag.softmax_cross_entropy(z, labels), 0.0)

    share = 1 / (1 + np.exp(-1.0))
    for first, second in evaluated(derivatives(masked, 1), logits):
        np.testing.assert_allclose(first[0], [-share, share])
        np.testing.assert_array_equal(first[1:], 0)
        np.testing.assert_array_equal(second[1:], 0)


def test_a_class_of_probability_zero_may_have_the_logit_minus_infinity():
    import nn

    logits, targets = np.array([[-INF, 0.0], [1.0, 2.0]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    loss = ag.value_and_grad(nn.functional.cross_entropy)
    expected = (np.log1p(np.exp(-1.0)) + 0.5) / 2
    for value, gradient in evaluated(lambda z: list(loss(z, targets)), logits):
        np.testing.assert_allclose(value, expected)
        np.testing.assert_array_equal(gradient[0], 0)
        assert np.isfinite(gradient).all()


def test_the_weights_of_only_minus_infinity_are_zero():
    for (g,) in evaluated(lambda x: [ag.grad(ag.logsumexp)(x)], np.full(3, -INF)):
        np.testing.assert_array_equal(g, 0)


# --- stacks of matrices -----------------------------------------------------------------------------

GOOD = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
SINGULAR = {
    "ones": np.ones((3, 3)),
    "zeros": np.zeros((3, 3)),
    "one eigenvalue twice": np.eye(3),
}
HOSTILE = {"nan": np.full((3, 3), NAN), "inf": np.diag([INF, 1.0, 2.0])}
WEIGHTS = np.cos(np.arange(9.0) ** 2).reshape(3, 3)
MATRICES = {
    "slogdet": lambda a: ag.slogdet(a)[1],
    "det": ag.linalg.det,
    "cofactor": lambda a: ag.sum(WEIGHTS * ag.linalg.cofactor(a), (-2, -1)),
    "solve": lambda a: ag.sum(WEIGHTS * ag.solve(a, np.eye(3), singular="nan"), (-2, -1)),
    "solve a vector": lambda a: ag.sum(ag.solve(a, np.ones((3, 1)), singular="nan"), (-2, -1)),
    "eigenvalues": lambda a: ag.sum(WEIGHTS[0] * ag.linalg.eigvalsh(a), -1),
    "eigenvectors": lambda a: ag.sum(WEIGHTS * ag.linalg.eigh(a)[1] ** 2, (-2, -1)),
    "singular values": lambda a: ag.sum(WEIGHTS[0] * ag.linalg.svdvals(a), -1),
    "singular vectors": lambda a: ag.sum(WEIGHTS * ag.linalg.svd(a, False)[0] ** 2, (-2, -1)),
    "qr": lambda a: ag.sum(WEIGHTS * ag.linalg.qr(a)[1] ** 2, (-2, -1)),
    "pinv": lambda a: ag.sum(WEIGHTS * ag.linalg.pinv(a), (-2, -1)),
    "nuclear norm": lambda a: ag.sum(ag.linalg.svdvals(a), -1),
}
# LAPACK takes what is not finite here, and NumPy raises in the others.
TOLERANT = {"slogdet", "det", "cofactor", "solve", "solve a vector", "qr"}


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_that_is_not_taken_changes_nothing(name):
    function = MATRICES[name]
    bad = {**SINGULAR, **(HOSTILE if name in TOLERANT else {})}
    stack = np.array([*bad.values(), GOOD])
    keep = np.arange(len(stack)) == len(stack) - 1
    expected = derivatives(function, 1)(GOOD)
    for first, second in evaluated(
        derivatives(lambda a: ag.where(keep, function(a), 3.0 * a[:, 0, 1]), 1), stack
    ):
        other = np.zeros((3, 3))
        other[0, 1] = 3
        np.testing.assert_array_equal(first[:-1], np.broadcast_to(other, (len(bad), 3, 3)))
        np.testing.assert_array_equal(second[:-1], 0)
        np.testing.assert_allclose(first[-1], np.asarray(expected[0]), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(second[-1], np.asarray(expected[1]), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["slogdet", "det", "solve"])
def test_a_singular_matrix_of_a_stack_leaves_the_others_their_gradient(name):
    function = MATRICES[name]
    stack = np.array([np.ones((3, 3)), GOOD])
    expected = np.asarray(ag.grad(function)(GOOD))
    for (g,) in evaluated(lambda a: [ag.grad(lambda a: ag.sum(function(a)))(a)], stack):
        np.testing.assert_allclose(g[1], expected)
        assert np.isnan(g[0]).all() == (name != "det")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ag.linalg.inv, np.linalg.inv),
        (ag.linalg.cholesky, np.linalg.cholesky),
        (lambda a: ag.solve(a, np.ones((3, 1))), lambda a: np.linalg.solve(a, np.ones((3, 1)))),
        (ag.linalg.det, np.linalg.det),
        (lambda a: ag.slogdet(a)[1], lambda a: np.linalg.slogdet(a)[1]),
        (ag.linalg.eigvalsh, np.linalg.eigvalsh),
        (ag.linalg.svdvals, np.linalg.svdvals),
        (ag.linalg.pinv, np.linalg.pinv),
        (lambda a: ag.linalg.qr(a)[1], lambda a: np.linalg.qr(a)[1]),
    ],
)
def test_an_error_where_numpy_has_one_and_nowhere_else(ours, theirs):
    for bad in [*SINGULAR.values(), HOSTILE["nan"], -np.eye(3)]:
        stack = np.array([bad, GOOD])
        try:
            theirs(stack)
        except np.linalg.LinAlgError:
            with pytest.raises(ag.LinAlgError, match="Expected matrices for which it is defined"):
                ours(ag.tensor(stack, requires_grad=True))
            with pytest.raises(np.linalg.LinAlgError):
                ag.jit(ours)(stack)
        else:
            ag.grad(lambda a: ag.sum(ours(a)))(stack)


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e15, 1e19, 1e30])
@pytest.mark.parametrize(
    "name", ["singular values", "singular vectors", "eigenvalues", "eigenvectors", "qr's factor"]
)
def test_gradients_do_not_leave_the_range_at_extreme_scales(name, scale):
    """Values are homogeneous of degree 1, vectors of degree 0."""
    function = {**MATRICES, "qr's factor": lambda a: ag.sum(WEIGHTS * ag.linalg.qr(a)[1])}[name]
    degree = 0 if "vectors" in name else 1
    expected = np.asarray(ag.grad(function)(GOOD)) * float(scale) ** (degree - 1)
    found = np.asarray(ag.grad(function)((GOOD * scale).astype(np.float32)))
    np.testing.assert_allclose(
        found / np.abs(expected).max(), expected / np.abs(expected).max(), atol=2e-5
    )


# --- how it is done ---------------------------------------------------------------------------------


def test_a_zero_by_coincidence_keeps_its_second_derivative():
    functions = [
        (lambda x: (x - 1) ** 2, 1.0, 2.0),
        (lambda x: ag.sin((x - 1) ** 2), 1.0, 2.0),
        (lambda x: ag.square(ag.square(x) - 1), 1.0, 8.0),
        (lambda x: ag.cos(x) * ag.exp(x - x), 0.0, -1.0),
        (lambda x: ag.tanh(x) ** 2, 0.0, 2.0),
    ]
    for function, at, expected in functions:
        hessian = ag.hessian(lambda x, f=function: ag.where(x > -5, f(x), 0.0))
        for run in (hessian, *(ag.jit(hessian, backend=b) for b in BACKENDS)):
            np.testing.assert_allclose(np.asarray(run(at)), expected)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (lambda y: ag.where(np.array([True, False]), y, 0.0), [1, 0]),
        (lambda y: y[0], [1, 0]),
        (lambda y: y[np.array([0, 0])], [2, 0]),
        (lambda y: ag.take_along_axis(y, np.array([0]), 0), [1, 0]),
        (lambda y: ag.minimum(y, np.array([2.0, 5.0])), [1, 0]),
        (lambda y: ag.clip(y, 0.0, 5.0), [1, 0]),
        (lambda y: ag.relu(5.0 - y), [-1, 0]),
    ],
)
def test_every_kind_of_mask(mask, expected):
    for (g,) in evaluated(
        lambda x: [ag.grad(lambda x: ag.sum(mask(ag.exp(x))))(x)], np.array([0.0, 1000.0])
    ):
        np.testing.assert_array_equal(g, expected)


def test_seeds_are_masks_as_well():
    x = np.array([0.0, 1000.0])
    np.testing.assert_array_equal(np.asarray(ag.jacobian(ag.exp)(x)), [[1, 0], [0, INF]])
    _, pull = ag.vjp(ag.exp, x)
    np.testing.assert_array_equal(np.asarray(pull(np.array([2.0, 0.0]))[0]), [2, 0])
    _, tangent = ag.jvp(ag.exp, [x], [np.array([2.0, 0.0])])
    np.testing.assert_array_equal(np.asarray(tangent), [2, 0])
    _, tangent = ag.jvp(ag.sqrt, [np.zeros(1)], [np.ones(1)])
    np.testing.assert_array_equal(np.asarray(tangent), [INF])
    t = ag.tensor(x, requires_grad=True)
    ag.exp(t).backward(np.array([2.0, 0.0]))
    np.testing.assert_array_equal(np.asarray(t.grad), [2, 0])


def test_a_nan_that_no_mask_hides_is_not_hidden():
    """Also where the walk was taken again for another element's sake, and in what is kept."""
    x = ag.tensor([NAN, 1000.0, 1.0], requires_grad=True)
    y = ag.exp(x)
    y.retain_grad()
    ag.sum(ag.where(np.array([True, False, True]), y, 0.0)).backward()
    np.testing.assert_array_equal(np.asarray(x.grad), [NAN, 0, np.e])
    np.testing.assert_array_equal(np.asarray(y.grad), [1, 0, 1])


@pytest.mark.parametrize(
    "function",
    [
        ag.relu,
        lambda x: ag.maximum(x, 0.5),
        lambda x: ag.minimum(x, 0.5),
        lambda x: ag.clip(x, -1.0, 1.0),
    ],
)
def test_a_nan_passes_what_compares(function):
    quotient = lambda p, s: ag.sum(function(p / s))  # noqa: E731
    for (g,) in evaluated(
        lambda p: [ag.grad(lambda p: quotient(p, np.array([4.0, NAN])))(p)], np.array([1.0, 3.0])
    ):
        assert np.isnan(g[1])
        assert np.isfinite(g[0])


@pytest.mark.parametrize(
    "function",
    [lambda x: ag.sqrt(x) ** 2, lambda x: ag.exp(ag.log(x)), lambda x: ag.cos(ag.sqrt(x))],
)
def test_zero_times_infinity_that_no_mask_made_is_zero_and_reported(function):
    for (g,) in evaluated(lambda x: [ag.grad(function)(x)], 0.0):
        assert g == 0
    if function(1.0) == 1:  # the logarithm of 0 is reported itself
        with ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match=r"sqrt|log"):
            ag.grad(function)(0.0)
    with ag.detect_anomaly():
        masked = ag.grad(lambda x: ag.sum(ag.where(x > 0, function(ag.where(x > 0, x, 1.0)), 0.0)))
        np.testing.assert_allclose(np.asarray(masked(np.array([0.0, 4.0])))[0], 0)


RECURRENT = {
    "scan": lambda x: ag.scan(lambda c, _: (c + ag.exp(c) * 0.0 + c * c, None), x, length=4)[0],
    "a compiled function": ag.jit(lambda x: ag.sqrt(x) + ag.exp(x) / x),
    "a compiled function of the NumPy backend": ag.jit(
        lambda x: ag.sqrt(x) + ag.exp(x) / x, backend="numpy"
    ),
    "vmap": ag.vmap(lambda x: ag.sqrt(x) + ag.exp(x) / x),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_what_walks_by_itself_knows_of_the_mask(name):
    function = RECURRENT[name]
    x = np.array([0.0, 1e200, -1.0, NAN, INF, 0.3])
    keep = np.arange(6) == 5
    expected = derivatives(function, 1)(x[-1:])
    for first, second in evaluated(
        derivatives(lambda x: ag.where(keep, function(x), 3.0 * x), 1), x
    ):
        np.testing.assert_array_equal(first[:-1], 3)
        np.testing.assert_array_equal(second[:-1], 0)
        np.testing.assert_allclose(first[-1:], np.asarray(expected[0]), rtol=1e-12)
        np.testing.assert_allclose(second[-1:], np.asarray(expected[1]), rtol=1e-12)
