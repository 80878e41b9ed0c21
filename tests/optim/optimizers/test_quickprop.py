"""Quickprop: its formula weight by weight, its safeguard, its limit of growth, and where it goes astray."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim

FAHLMAN = {"mu": 1.75, "descent": 0.01}


def leaf(values, dtype=np.float64):
    return ag.tensor(values, dtype, requires_grad=True)


def quadratics(n, condition, count=9):
    """Coupled positive definite matrices, turned at random, and starts."""
    rng = np.random.default_rng([n, condition])
    turns = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(count))
    return np.array([q * np.geomspace(1, condition, n) @ q.T for q in turns]), rng.normal(
        size=(count, n)
    )


def stepped(optimizer, w, *gradients):
    for g in gradients:
        w.grad = ag.tensor(g, w.dtype)
        optimizer.step()
    return w.numpy().copy()


@pytest.mark.parametrize("safeguard", [True, False])
@pytest.mark.parametrize("mu", [0.0, 1.75])
def test_twenty_steps_are_those_of_the_formula_on_coupled_weights(safeguard, mu):
    A, start = quadratics(5, 10, 1)
    v = leaf(start[0])
    optimizer = optim.Quickprop([v], 0.9, 0.05, safeguard, mu)
    w, slope, moved = start[0].copy(), np.zeros(5), np.zeros(5)
    for _ in range(20):
        g = A[0] @ w
        for i in range(5):
            D = (g[i] - slope[i]) / moved[i] if moved[i] else 0.0
            if D == 0 or (safeguard and D < 0):
                step = -0.05 * g[i]
            else:
                step = -0.9 * g[i] / D
                if mu and abs(step) > mu * abs(moved[i]):
                    step = np.sign(step) * mu * abs(moved[i])
            w[i], moved[i] = w[i] + step, step
        slope = g
        stepped(optimizer, v, A[0] @ v.numpy())
        np.testing.assert_allclose(v.numpy(), w, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("options", [{}, {"safeguard": False}])
def test_with_a_diagonal_matrix_the_second_step_arrives(options):
    w, curvature = leaf([3.0, -2.0, 0.5]), np.array([1.0, 4.0, 100.0])
    optimizer = optim.Quickprop([w], **options)
    stepped(optimizer, w, curvature * w.numpy())
    np.testing.assert_allclose(stepped(optimizer, w, curvature * w.numpy()), 0, atol=1e-13)


@pytest.mark.parametrize("condition", [10, 100])
@pytest.mark.parametrize("n", [2, 5, 20])
def test_coupled_quadratics_are_descended_with_fahlman_s_limit(n, condition):
    """The rate of plain descent is 1/λ_max of the worse condition."""
    A, start = quadratics(n, condition)
    w = leaf(start)
    optimizer = optim.Quickprop([w], **FAHLMAN)
    first = np.linalg.norm(np.einsum("bij,bj->bi", A, start), axis=1)
    least = first.copy()
    for _ in range(20_000):
        g = np.einsum("bij,bj->bi", A, w.numpy())
        least = np.minimum(least, np.linalg.norm(g, axis=1))
        if (least < 1e-3 * first).all():
            break
        stepped(optimizer, w, g)
    assert (least < 1e-3 * first).all()


def test_where_the_slope_steepens_the_safeguard_descends_and_the_formula_climbs():
    """E' of −cos at 2 and 1.8: beyond the inflection at π/2 the secant leads to the maximum at π."""
    found = {}
    for safeguard in (True, False):
        w = leaf([2.0])
        optimizer = optim.Quickprop([w], 1.0, 0.2, safeguard)
        stepped(optimizer, w, np.sin(w.numpy()))
        found[safeguard] = stepped(optimizer, w, np.sin(w.numpy())).item()
    here = 2 - 0.2 * np.sin(2)
    assert found[True] == pytest.approx(here - 0.2 * np.sin(here))
    assert found[False] > 2.5


@pytest.mark.parametrize("safeguard", [True, False])
def test_where_there_is_no_secant_the_step_is_plain_descent(safeguard):
    w = leaf([5.0, 5.0, 5.0])
    optimizer = optim.Quickprop([w], 1.0, 0.1, safeguard)
    stepped(optimizer, w, [1.0, 0.0, -0.0])
    # The first has the same derivative twice; the others have not moved.
    after = stepped(optimizer, w, [1.0, 2.0, 2.0])
    np.testing.assert_allclose(after, [4.8, 4.8, 4.8])


@pytest.mark.parametrize("safeguard", [True, False])
@pytest.mark.parametrize("mu", [0.0, 1.75])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_the_minimum_it_stands(safeguard, mu, dtype):
    w = leaf([2.0, 0.0], dtype)
    optimizer = optim.Quickprop([w], 1.0, 0.5, safeguard, mu)
    for _ in range(20):
        stepped(optimizer, w, w.numpy() * 1.0)
    assert w.tolist() == [0.0, 0.0]
    assert w.dtype == dtype
    assert not any(a.any() for a in optimizer.slots_of(w).values())
    assert stepped(optimizer, w, [1.0, -1.0]).tolist() == [-0.5, 0.5]  # and goes on from there


def test_a_step_is_at_most_mu_times_the_one_before():
    w = leaf([1.0])
    optimizer = optim.Quickprop([w], 1.0, 0.1, mu=1.75)
    seen = []
    for g in (1.0, 0.999, 0.998, -5.0):
        before = w.item()
        seen.append(stepped(optimizer, w, [g]).item() - before)
    np.testing.assert_allclose(seen[:3], [-0.1, -0.175, -0.30625])
    assert 0 < seen[3] < 1.75 * 0.30625


@pytest.mark.parametrize("safeguard", [True, False])
def test_special_values_stay_in_their_own_weight(safeguard):
    w = leaf([1.0, 1.0, 1.0, 1.0])
    optimizer = optim.Quickprop([w], safeguard=safeguard, nonfinite="ignore")
    with np.errstate(all="ignore"):
        for _ in range(3):
            stepped(optimizer, w, [w.numpy()[0], np.nan, np.inf, 5e-324])
    assert np.isfinite(w.numpy()).tolist() == [True, False, False, True]


def test_a_parameter_frozen_in_the_middle_takes_its_secant_up_again():
    w = leaf([4.0])
    optimizer = optim.Quickprop([w], descent=0.25)
    stepped(optimizer, w, w.numpy())
    w.requires_grad_(False)
    optimizer.step()
    assert w.item() == 3.0
    w.requires_grad_(True)
    assert stepped(optimizer, w, w.numpy()) == 0.0


def test_it_is_unstable_where_the_objective_is_not_convex():
    """[Quickprop]: of many starts on a surface with saddles and maxima, the formula loses most; the safeguards none."""
    starts = np.random.default_rng(0).uniform(-2, 2, (200, 2))

    def ends(**options):
        w = leaf(starts)
        optimizer = optim.Quickprop([w], descent=0.05, nonfinite="ignore", **options)
        with np.errstate(all="ignore"):
            for _ in range(500):
                x, y = w.numpy().T
                stepped(optimizer, w, np.stack([x**3 - x + 0.5 * y, y**3 - y + 0.5 * x], 1))
        return w.numpy()

    def minima(w):
        x, y = w.T
        with np.errstate(all="ignore"):
            flat = np.hypot(x**3 - x + 0.5 * y, y**3 - y + 0.5 * x) < 1e-6
            curved = (3 * x**2 - 1 > 0) & ((3 * x**2 - 1) * (3 * y**2 - 1) > 0.25)
        return (flat & curved).mean()

    printed, safe = minima(ends(safeguard=False)), minima(ends(mu=1.75))
    assert safe > 0.95 > printed
