"""What a backward walk keeps: from the first mask on it may have to be taken again; nothing before."""

import weakref

import numpy as np
import pytest

import autograd_core as ag


def test_memory_before_the_first_mask_is_given_back_on_the_way():
    """A node's inputs are forgotten once it is done, so that later parts use their memory."""
    x = ag.tensor(np.linspace(0.1, 1.0, 5), requires_grad=True)
    a = ag.exp(x)
    y = ag.sum(ag.sin(a) * 2.0)
    alive = []

    def rule(xp, g, y, u):
        alive.append(held() is not None)
        return g * y

    b = ag.sin(a)  # newer than what y is made of; its value dies with its node
    held = weakref.ref(b)
    loss = ag.sum(ag.cos(b)) + y
    del b
    record = ag.REGISTRY["exp"]
    usual = record.vjp
    record.vjp = (rule,)
    try:
        loss.backward()
    finally:
        record.vjp = usual
    assert alive == [False]


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("outer", [lambda t: t, lambda t: ag.sum(ag.exp(t) * 2.0)])
def test_a_walk_that_is_taken_again_from_its_mask_gives_what_is_due(outer, retain):
    """Products before the mask, several outputs waiting, and a pole behind it."""
    x = ag.tensor(np.array([-1.0, 0.0, 4.0]), requires_grad=True)
    w = ag.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    v = ag.tensor(2.0, requires_grad=True)

    def loss():
        with np.errstate(all="ignore"):
            roots = ag.where(x.numpy() > 0, ag.exp(ag.log(x) / 2.0), 0.0)  # nan, -inf, a number
            wide, narrow = ag.linalg.qr(ag.reshape(w, (3, 1)) + ag.eye(3, 1))
            return outer(ag.sum(roots * w) / 9.0 * v + ag.sum(wide * wide) + narrow[0, 0] * v)

    y = loss()
    y.backward(retain_graph=retain)
    slope = (
        1.0
        if y.item() == pytest.approx(loss().item()) and outer(ag.tensor(0.0)).item() == 0.0
        else y.item()
    )
    np.testing.assert_allclose(x.grad.numpy(), slope * np.array([0.0, 0.0, 3.0 / 4 / 9 * 2]))
    assert np.isfinite(w.grad.numpy()).all()
    step = 1e-6
    for t in (w, v):
        found, start = t.grad.numpy().copy(), t.numpy().copy()
        for place in np.ndindex(start.shape):
            values = []
            for sign in (1, -1):
                moved = start.copy()
                moved[place] += sign * step
                with ag.no_grad():
                    t.assign(moved)
                values.append(loss().item())
            with ag.no_grad():
                t.assign(start)
            assert found[place] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-6)
    if not retain:
        with pytest.raises(ag.GraphError, match="freed"):
            y.backward()
