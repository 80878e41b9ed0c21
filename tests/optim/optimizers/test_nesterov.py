"""Nesterov's method in the slides' form, and in that without a look ahead: one run, in two variables."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import CaptureError, ConfigError

A = np.array([[2.0, 0.5], [0.5, 1.0]])


def run(how, schedule=False, **options):
    """The slides' W after each of twenty steps."""
    rate = optim.schedules.Exponential(0.3, 0.1) if schedule else 0.3
    w = ag.tensor(np.array([1.0, -2.0]), requires_grad=True)
    kind = optim.Nesterov if how == "without" else optim.Momentum
    optimizer = kind([w], lr=rate, momentum=0.5, **options)
    seen = []
    for _ in range(20):
        optimizer.zero_grad()
        if how == "look ahead":
            with optimizer.look_ahead():
                (ag.sum(w * (A @ w)) / 2).backward()
        else:
            (ag.sum(w * (A @ w)) / 2).backward()
        optimizer.step()
        velocity = optimizer.slots_of(w)["velocity"]
        seen.append(w.numpy() - 0.5 * velocity if how == "without" else w.numpy().copy())
    return np.array(seen)


def by_hand(schedule=False):
    """[Nestorov's Accelerated Gradient], with its index corrected."""
    w, velocity, seen = np.array([1.0, -2.0]), np.zeros(2), []
    for k in range(20):
        eta = 0.3 * np.exp(-0.1 * k) if schedule else 0.3
        velocity = 0.5 * velocity - eta * A @ (w + 0.5 * velocity)
        w = w + velocity
        seen.append(w)
    return np.array(seen)


@pytest.mark.parametrize("schedule", [False, True])
@pytest.mark.parametrize("how", ["look ahead", "without"])
def test_both_forms_are_the_slides(how, schedule):
    np.testing.assert_allclose(run(how, schedule), by_hand(schedule), rtol=1e-12, atol=1e-14)


def test_with_eta_outside_it_looks_ahead_as_far():
    np.testing.assert_allclose(run("look ahead", eta="outside"), by_hand(), rtol=1e-12, atol=1e-14)


def test_after_a_look_ahead_the_weights_are_what_they_were_bit_for_bit():
    w, frozen = (ag.tensor(np.array([0.1, 0.2, 0.7]), requires_grad=True) for _ in range(2))
    optimizer = optim.Momentum([w, frozen], lr=0.1)
    frozen.requires_grad_(False)
    (w * w).sum().backward()
    optimizer.step()
    before = w.numpy().copy()
    try:
        with optimizer.look_ahead():
            ahead = w.numpy().copy()
            assert frozen.tolist() == [0.1, 0.2, 0.7]
            raise RuntimeError("inside")
    except RuntimeError:
        pass
    assert (ahead != before).all()
    assert w.numpy().tobytes() == before.tobytes()


def test_where_it_cannot_look_ahead_it_says_so():
    w = ag.tensor([1.0], requires_grad=True)
    for options in ({}, {"momentum": 0.9, "nesterov": True}):
        with (
            pytest.raises(ConfigError, match="expected momentum, and nesterov=False"),
            optim.SGD([w], lr=0.1, **options).look_ahead(),
        ):
            pass
    optimizer = optim.Momentum([w], lr=0.1)

    def step():
        with optimizer.look_ahead():
            (w * w).sum().backward()

    with pytest.raises(CaptureError, match="has no values yet"):
        ag.jit(step)()
