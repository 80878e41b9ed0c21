from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim


@pytest.mark.parametrize(("decay", "decoupled"), [(0.0, True), (0.1, True), (0.1, False)])
def test_it_agrees_with_plain_numpy(rng, decay, decoupled):
    t = ag.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    optimizer = optim.Lion([t], lr=0.05, betas=(0.8, 0.95), weight_decay=decay, decoupled=decoupled)
    theta, m = t.numpy().copy(), 0.0
    for _ in range(6):
        g = rng.normal(size=t.shape)
        t.grad = ag.tensor(g)
        if decoupled:
            theta = theta * (1 - 0.05 * decay)
        else:
            g = g + decay * theta
        theta = theta - 0.05 * np.sign(0.8 * m + 0.2 * g)
        m = 0.95 * m + 0.05 * g
        optimizer.step()
    np.testing.assert_allclose(t.numpy(), theta, rtol=1e-12)
    np.testing.assert_allclose(optimizer.slots_of(t)["m"], m, rtol=1e-12)
