"""ProximalL1."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim


def descended(steps=400, jit=False, transforms=(), penalty=None):
    """Gradient descent on ½ Σ H (w − w*)², with a penalty in the loss or a transform after the step."""
    w = ag.tensor([3.0, -2.0, 0.4, -0.1, 1.0], requires_grad=True)
    optimum, curvature = np.array([2.0, -1.0, 0.2, -0.3, 0.5]), np.array([1.0, 2.0, 0.5, 1.5, 0.8])
    optimizer = optim.SGD([w], lr=0.3, transforms=transforms)

    def step():
        optimizer.zero_grad()
        loss = ag.sum(curvature * ag.square(w - optimum)) / 2
        (loss if penalty is None else loss + penalty([w])).backward()
        optimizer.step()

    step = ag.jit(step) if jit else step
    for _ in range(steps):
        step()
    return w.numpy(), optimum, curvature


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("l2", [0.0, 0.6])
def test_it_arrives_at_the_closed_form_and_its_zeros_are_zeros(jit, l2):
    w, optimum, h = descended(jit=jit, transforms=[optim.ProximalL1(0.25, l2)])
    expected = np.sign(optimum) * np.maximum(h * np.abs(optimum) - 0.25, 0) / (h + l2)
    np.testing.assert_allclose(w, expected, rtol=1e-12, atol=1e-15)
    assert ((w == 0) == (np.abs(optimum) <= 0.25 / h)).all()


def test_the_gradient_of_the_penalty_reaches_no_zero():
    w, optimum, h = descended(penalty=nn.L1(0.25))
    assert not (w == 0).any()
    assert np.abs(w[np.abs(optimum) <= 0.25 / h]).max() < 0.3 * 0.25 * 2


def test_one_step_is_the_penaltys_own_proximal_map():
    moved = np.array([1.0, -0.2, 0.05])
    for penalty, options in (
        (nn.L1(0.5), {"l1": 0.5}),
        (nn.ElasticNet(0.5, beta=0.75), {"l1": 0.5, "l2": 2 * 0.5 * 0.75}),
    ):
        w = ag.tensor(moved, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.2, transforms=[optim.ProximalL1(**options)])
        (w * 0.0).sum().backward()
        optimizer.step()
        np.testing.assert_allclose(w.numpy(), penalty.proximal(moved, 0.2).numpy(), rtol=1e-15)
