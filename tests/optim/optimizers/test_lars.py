from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("beta", [0.0, 0.9])
@pytest.mark.parametrize("adapt", [True, False])
def test_it_agrees_with_plain_numpy(rng, decay, beta, adapt):
    shapes = [(3, 4), (4,), ()]
    tensors = [ag.tensor(rng.normal(size=s), requires_grad=True) for s in shapes]
    optimizer = optim.LARS(
        tensors, lr=0.5, momentum=beta, weight_decay=decay, trust=0.02, adapt=adapt
    )
    theta, velocity = [t.numpy().copy() for t in tensors], [0.0] * 3
    for _ in range(5):
        for i, t in enumerate(tensors):
            g = rng.normal(size=t.shape)
            t.grad = ag.tensor(g)
            size, slope = np.linalg.norm(theta[i]), np.linalg.norm(g)
            rate = 0.02 * size / (slope + decay * size) if adapt else 1.0
            velocity[i] = beta * velocity[i] - 0.5 * rate * (g + decay * theta[i])
            theta[i] = theta[i] + velocity[i]
        optimizer.step()
    for t, expected in zip(tensors, theta, strict=True):
        np.testing.assert_allclose(t.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("size", [1e-45, 1e-30, 1.0, 1e30, 3e38])
@pytest.mark.parametrize("slope", [1e-45, 1e-30, 1.0, 1e30, 3e38])
@pytest.mark.parametrize("kind", ["LARS", "LAMB"])
def test_no_norm_overflows_or_vanishes(kind, size, slope):
    """In single precision, where squares of such numbers would."""
    w = ag.tensor(np.array([size, 0.0], np.float32), requires_grad=True)
    if kind == "LAMB" and slope > 1e19:
        pytest.skip("its memory is of squares, which overflow as in every rule that has such")
    options = {"trust": 1.0, "momentum": 0.0} if kind == "LARS" else {"eps": 1e-30}
    optimizer = getattr(optim, kind)([w], lr=0.5, **options)
    w.grad = ag.tensor(np.array([slope, 0.0], np.float32))
    before = w.numpy().copy()
    optimizer.step()
    if kind == "LARS" or slope > 1e-10:  # squares of less are lost to LAMB's memory
        tolerance = 1e-45 if size < 1e-40 else 1e-5 * size
        np.testing.assert_allclose(w.numpy(), 0.5 * before, rtol=0, atol=tolerance)
    assert np.isfinite(w.numpy()).all()


def test_what_has_no_norm_moves_as_plain_descent_does():
    nothing = ag.tensor(np.zeros((2, 0)), requires_grad=True)
    zero, still = (ag.tensor(np.full(2, x), requires_grad=True) for x in (0.0, 3.0))
    optimizer = optim.LARS([nothing, zero, still], lr=0.5, momentum=0.0)
    nothing.grad, zero.grad, still.grad = (
        ag.tensor(np.zeros((2, 0))),
        ag.tensor(np.ones(2)),
        ag.tensor(np.zeros(2)),
    )
    optimizer.step()
    assert zero.tolist() == [-0.5, -0.5]
    assert still.tolist() == [3.0, 3.0]
