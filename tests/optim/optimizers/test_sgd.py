from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError

FORMS = {
    "plain": {},
    "momentum": {"momentum": Fraction(1, 2)},
    "Nesterov": {"momentum": Fraction(1, 2), "nesterov": True},
    "weight decay": {"weight_decay": Fraction(1, 3)},
    "all": {"momentum": Fraction(3, 4), "nesterov": True, "weight_decay": Fraction(1, 5)},
}


def options(momentum=None, nesterov=False, weight_decay=None):
    return {"momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}


def exact(form, steps, w=Fraction(2), eta=Fraction(1, 4), a=Fraction(3, 2)):
    """The rule itself, in rational numbers, on E = ½ a w²."""
    found, velocity = [], Fraction(0)
    for k in range(1, steps + 1):
        w, *rest = optim.SGD.update(w, a * w, velocity, step=k, lr=eta, **options(**form))
        velocity = rest[0] if rest else velocity
        found.append(w)
    return found


# By hand: w₀ = 2, η = ¼, a = 3/2, so η g = ⅜ w.
BY_HAND = {
    "plain": [Fraction(5, 4), Fraction(25, 32), Fraction(125, 256)],  # × ⅝
    # ΔW: −3/4; −3/8 − 15/32 = −27/32; −27/64 − 39/256 = −147/256
    "momentum": [Fraction(5, 4), Fraction(13, 32), Fraction(-43, 256)],
    # Δ −3/4, θ 2 − 3/8 − 3/4 = 7/8; Δ −3/8 − 21/64 = −45/64, θ 7/8 − 45/128 − 21/64 = 25/128;
    # Δ −45/128 − 75/1024 = −435/1024, θ 25/128 − 435/2048 − 75/1024 = −185/2048
    "Nesterov": [Fraction(7, 8), Fraction(25, 128), Fraction(-185, 2048)],
    "weight decay": [
        Fraction(13, 12),
        Fraction(169, 288),
        Fraction(2197, 6912),
    ],  # × (1 − ⅜ − 1/12) = 13/24
}


@pytest.mark.parametrize("form", BY_HAND)
def test_three_exact_steps(form):
    assert exact(FORMS[form], 3) == BY_HAND[form]


@pytest.mark.parametrize("form", FORMS)
def test_the_running_optimizer_makes_the_exact_steps(form):
    w = ag.tensor([2.0], requires_grad=True)
    given = {k: v if isinstance(v, bool) else float(v) for k, v in FORMS[form].items()}
    optimizer = optim.SGD([w], lr=0.25, **given)
    for expected in exact(FORMS[form], 3):
        optimizer.zero_grad()
        (0.75 * w * w).sum().backward()
        optimizer.step()
        np.testing.assert_allclose(w.numpy(), [float(expected)], rtol=1e-15)


def test_nesterov_is_the_slides_two_point_recursion_with_its_index_corrected():
    """W_k = W_{k−1} + ΔW_k with the gradient at W_{k−1} + β ΔW_{k−1} (erratum X3)."""
    beta, eta, a = Fraction(3, 4), Fraction(1, 5), Fraction(3, 2)
    w, velocity = Fraction(2), Fraction(0)
    theta = w  # what the optimizer holds: W + β ΔW
    slot = Fraction(0)
    for k in range(1, 6):
        ahead = w + beta * velocity
        assert theta == ahead
        velocity = beta * velocity - eta * a * ahead
        w = w + velocity
        theta, slot = optim.SGD.update(
            theta, a * theta, slot, step=k, lr=eta, momentum=beta, nesterov=True, weight_decay=None
        )
        assert slot == velocity


def test_the_velocity_agrees_with_pytorchs_while_the_rate_is_constant_only():
    """PyTorch: v ← βv + g, W ← W − ηv."""

    def run(rates):
        ours, slot, theirs, v = Fraction(1), Fraction(0), Fraction(1), Fraction(0)
        for k, eta in enumerate(rates, 1):
            ours, slot = optim.SGD.update(
                ours,
                ours,
                slot,
                step=k,
                lr=eta,
                momentum=Fraction(1, 2),
                nesterov=False,
                weight_decay=None,
            )
            v = Fraction(1, 2) * v + theirs
            theirs -= eta * v
        return ours, theirs

    ours, theirs = run([Fraction(1, 4)] * 5)
    assert ours == theirs
    ours, theirs = run([Fraction(1, 4), Fraction(1, 4), Fraction(1, 40)])
    assert ours != theirs


def test_weight_decay_is_the_gradient_of_half_lambda_w_squared(rng):
    a, b = (ag.tensor([1.0, -2.0, 3.0], requires_grad=True) for _ in range(2))
    decayed = optim.SGD([a], lr=0.1, momentum=0.9, weight_decay=0.3)
    penalized = optim.SGD([b], lr=0.1, momentum=0.9)
    for _ in range(5):
        for w, optimizer, penalty in ((a, decayed, 0.0), (b, penalized, 0.3)):
            optimizer.zero_grad()
            (ag.sum(ag.sin(w)) + 0.5 * penalty * ag.sum(w * w)).backward()
            optimizer.step()
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-13)


def test_momentum_zero_keeps_no_velocity():
    w = ag.tensor([1.0], requires_grad=True)
    assert optim.SGD([w], lr=0.1).slots_of(w) == {}
    assert optim.SGD([w], lr=0.1, momentum=0.9).slots_of(w).keys() == {"velocity"}


def test_the_velocity_is_not_wiped_between_epochs():
    """[Training with momentum] sets ΔW = 0 inside the loop: plain descent for every β (X26)."""
    assert exact({"momentum": Fraction(1, 2)}, 3)[1:] != exact({}, 3)[1:]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"lr": -0.1}, r"SGD: lr: expected a finite number in \[0, inf\); received -0.1"),
        ({"lr": float("nan")}, "SGD: lr"),
        ({"momentum": 1.0}, r"SGD: momentum: expected a finite number in \[0, 1\); received 1.0"),
        ({"weight_decay": -1}, "SGD: weight_decay"),
        ({"nesterov": 1}, "SGD: nesterov: expected one of False, True"),
        ({"nesterov": True}, "nesterov=True needs momentum. Pass momentum=0.9"),
    ],
)
def test_hyperparameters_outside_their_range_are_refused(option, message):
    with pytest.raises(ConfigError, match=message):
        optim.SGD([ag.tensor([1.0], requires_grad=True)], **{"lr": 0.1, **option})


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"lr": 1e-3}, 12_000),
        ({"lr": 2e-4, "momentum": 0.95}, 6_000),
        ({"lr": 2e-4, "momentum": 0.95, "nesterov": True}, 6_000),
    ],
)
def test_it_goes_down_rosenbrocks_valley(options, steps):
    w = ag.tensor([-1.2, 1.0], requires_grad=True)
    optimizer = optim.SGD([w], **options)
    for _ in range(steps):
        optimizer.zero_grad()
        x, y = w[0], w[1]
        ((1 - x) ** 2 + 100 * (y - x * x) ** 2).backward()
        optimizer.step()
    np.testing.assert_allclose(w.numpy(), [1.0, 1.0], atol=0.05)
