from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("epsilon", ["inside", "outside"])
@pytest.mark.parametrize(("adapt", "correction"), [(True, True), (True, False), (False, True)])
def test_it_agrees_with_plain_numpy(rng, decay, epsilon, adapt, correction):
    shapes = [(3, 4), (4,), ()]
    tensors = [ag.tensor(rng.normal(size=s), requires_grad=True) for s in shapes]
    optimizer = optim.LAMB(
        tensors, lr=0.05, betas=(0.8, 0.95), eps=1e-2, weight_decay=decay, epsilon=epsilon,
        adapt=adapt, correction=correction,
    )  # fmt: skip
    theta = [t.numpy().copy() for t in tensors]
    m, v = [0.0] * 3, [0.0] * 3
    for k in range(1, 6):
        for i, t in enumerate(tensors):
            g = rng.normal(size=t.shape)
            t.grad = ag.tensor(g)
            m[i], v[i] = 0.8 * m[i] + 0.2 * g, 0.95 * v[i] + 0.05 * g * g
            first, second = (1 - 0.8**k, 1 - 0.95**k) if correction else (1, 1)
            below = v[i] / second
            below = np.sqrt(below + 1e-2) if epsilon == "inside" else np.sqrt(below) + 1e-2
            r = m[i] / first / below + decay * theta[i]
            rate = np.linalg.norm(theta[i]) / np.linalg.norm(r) if adapt else 1.0
            theta[i] = theta[i] - 0.05 * rate * r
        optimizer.step()
    for t, expected in zip(tensors, theta, strict=True):
        np.testing.assert_allclose(t.numpy(), expected, rtol=1e-12)


def test_without_its_norms_it_is_adamw(rng):
    a, b = (ag.tensor(np.ones(3), requires_grad=True) for _ in range(2))
    one = optim.LAMB([a], lr=0.1, weight_decay=0.25, adapt=False)
    other = optim.AdamW([b], lr=0.1, weight_decay=0.25)
    for g in rng.normal(size=(5, 3)):
        a.grad, b.grad = ag.tensor(g), ag.tensor(g)
        one.step()
        other.step()
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-13)
