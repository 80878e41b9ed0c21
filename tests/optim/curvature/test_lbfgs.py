"""L-BFGS against SciPy's and PyTorch's: the same minimizers, in no more evaluations than they take."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize

import autograd_core as ag
import optim
from optim.curvature.lbfgs import two_loops

spec = importlib.util.spec_from_file_location("problems", Path(__file__).parent / "problems.py")
problems = importlib.util.module_from_spec(spec)
spec.loader.exec_module(problems)
PROBLEMS = problems.PROBLEMS

# Evaluations of torch.optim.LBFGS, version 2.13.0, and the value where it ends, by ``python problems.py``.
PYTORCH = {
    ("rosenbrock-2", 10): (45, 6.815915208495974e-17),
    ("rosenbrock-10", 10): (93, 7.340024353940198e-16),
    ("rosenbrock-100", 10): (641, 1.1798612388637725e-15),
    ("quadratic-100", 10): (142, -3.6515782205278557),
    ("quadratic-10000", 10): (775, -2.8273800740596),
    ("logistic", 10): (16, 0.33581133014641407),
    ("beale", 10): (17, 2.694494914258762e-19),
    ("network", 10): (1765, 0.11162050156861635),
    ("rosenbrock-2", 100): (45, 6.431698290549263e-17),
    ("rosenbrock-10", 100): (90, 7.330627865437377e-17),
    ("rosenbrock-100", 100): (573, 8.378623995567688e-16),
    ("quadratic-100", 100): (81, -3.651578220528007),
    ("quadratic-10000", 100): (111, -2.827380074429052),
    ("logistic", 100): (16, 0.33581133014641407),
    ("beale", 100): (17, 2.694249667195558e-19),
    ("network", 100): (117, 0.11162050156761194),
}
SHARE = 1.5
DEAR = {"rosenbrock-100", "quadratic-10000", "network"}  # half a second and more


def tolerance(name):
    """By which a minimizer is found to 1e-8: on these quadratics, of curvature 1 and more, no error is larger than
    the gradient. Beyond it the others end at 1e-5, in rounding, where the condition is 10,000."""
    return 1e-8 if name.startswith("quadratic") else 1e-10


def rows(names):
    """Those that take long are slow."""
    return [
        pytest.param(
            *row,
            marks=pytest.mark.slow
            if (row[0] in DEAR and row[-1] != 100) or row[0] == "rosenbrock-100"
            else (),
        )
        for row in names
    ]


class Ours:
    sum, tanh, reshape, softplus = ag.sum, ag.tanh, ag.reshape, ag.softplus

    @staticmethod
    def constant(a):
        return a


def minimized(name, size):
    start, function = PROBLEMS[name]
    w = ag.tensor(start, requires_grad=True)
    optimizer = optim.LBFGS([w], history_size=size)
    found = optim.minimize(
        optimizer, lambda: function(w, Ours), updates=2000, tolerance_grad=tolerance(name)
    )
    assert found.stopped_by == "gradient"
    assert optimizer.evaluations == found.evaluations
    return w.numpy().copy(), found


def exact(name, near):
    """The minimizer next to a point, by Newton's steps from there."""
    _, function = PROBLEMS[name]
    w = near.copy()
    for _ in range(3):
        g = ag.grad(lambda w: function(w, Ours))(w).numpy()
        curve = ag.hessian(lambda w: function(w, Ours))(w).numpy()
        assert np.linalg.eigvalsh(curve)[0] > 0
        w = w - np.linalg.solve(curve, g)
    return w


@pytest.mark.parametrize(("name", "size"), rows(PYTORCH))
def test_it_arrives_within_the_evaluations_that_pytorch_takes(name, size):
    w, found = minimized(name, size)
    np.testing.assert_allclose(w, exact(name, w), atol=1e-8)
    evaluations, value = PYTORCH[name, size]
    assert found.evaluations <= SHARE * evaluations
    assert found.value == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("name", rows([(name,) for name in PROBLEMS]))
def test_it_arrives_within_the_evaluations_that_scipy_takes(name):
    start, function = PROBLEMS[name]
    both = ag.value_and_grad(lambda w: function(w, Ours))

    def values(w):
        value, g = both(w)
        return value.item(), g.numpy()

    limits = {"maxcor": 10, "ftol": 0, "gtol": 1e-9, "maxiter": 9999, "maxfun": 9999}
    theirs = scipy.optimize.minimize(values, start, jac=True, method="L-BFGS-B", options=limits)
    w, found = minimized(name, 10)
    assert found.evaluations <= SHARE * theirs.nfev
    if name == "rosenbrock-2":
        np.testing.assert_allclose(w, theirs.x, atol=1e-8)
    assert found.value == pytest.approx(theirs.fun, abs=1e-8)


def test_two_loops_are_the_matrix_that_is_updated_pair_by_pair():
    rng = np.random.default_rng(0)
    a = np.diag(np.arange(1.0, 7.0))
    pairs = [(s, a @ s) for s in rng.normal(size=(3, 6))]
    s, y = pairs[-1]
    matrix = (y @ s) / (y @ y) * np.eye(6)
    for s, y in pairs:
        left = np.eye(6) - np.outer(s, y) / (y @ s)
        matrix = left @ matrix @ left.T + np.outer(s, s) / (y @ s)
    g = rng.normal(size=6)
    np.testing.assert_allclose(two_loops(g, pairs), matrix @ g, rtol=1e-12)
    np.testing.assert_allclose(two_loops(y, pairs), s, rtol=1e-12)  # the secant's equation
    np.testing.assert_array_equal(two_loops(g, []), g)


def test_without_a_line_search_pairs_of_negative_curvature_are_left_out():
    w = ag.tensor([0.1], requires_grad=True)
    optimizer = optim.LBFGS([w], lr=0.1, line_search="none")
    optimizer.step(lambda: ag.sum(-w * w / 2 + w**4 / 4))  # curved downwards here
    assert not optimizer.carried["s"].any()
    for _ in range(200):
        optimizer.step(lambda: ag.sum(-w * w / 2 + w**4 / 4))
    assert w.item() == pytest.approx(1.0, abs=1e-6)


def test_fewer_or_more_pairs_may_be_kept_from_some_step_on():
    w = ag.tensor(np.arange(1.0, 6.0), requires_grad=True)
    optimizer = optim.LBFGS([w], history_size=4)
    loss = lambda: ag.sum(np.arange(1.0, 6.0) * w * w + w**4)  # noqa: E731
    for _ in range(4):
        optimizer.step(loss)
    newest = optimizer.carried["s"][-2:].copy()
    optimizer.history_size = 2
    before = w.numpy().copy()
    optimizer.step(loss)
    np.testing.assert_array_equal(optimizer.carried["s"][0], newest[1])
    np.testing.assert_array_equal(optimizer.carried["s"][1], w.numpy() - before)
    optimizer.history_size = 5
    optimizer.step(loss)
    assert optimizer.carried["y"].shape == (5, 5)
    assert optimizer.carried["y"].any(axis=1).sum() == 3
