"""Losses without a minimum, with kinks, at the ends of the numbers: named endings, and no warning."""

import numpy as np
import pytest

import autograd_core as ag
import optim

KINDS = {
    optim.LBFGS: {},
    optim.NewtonCG: {},
    optim.Newton: {"indefinite": "absolute", "line_search": "backtracking"},
    optim.DiagonalNewton: {"line_search": "backtracking"},
}
LOSSES = {
    "a kink": ([3.0, -2.0], lambda w: ag.sum(ag.abs(w - 1) * [1, 10]) + ag.sum(w * w)),
    "two bowls": ([3.0, -2.0], lambda w: ag.max(ag.stack([ag.sum(w * w), ag.sum((w - 3) ** 2)]))),
    "a slope for ever": ([1.0, 2.0], lambda w: ag.sum(w)),
    "a fall out of the numbers": ([1.0, 2.0], lambda w: -ag.sum(ag.exp(w))),
    "a slope without end at 0": ([4.0, 1.0], lambda w: ag.sum(ag.sqrt(ag.abs(w) + 1e-12))),
    "a large number": ([1e150, 1.0], lambda w: ag.sum(w * w)),
    "squares that overflow": ([1e60, 1.0], lambda w: ag.sum(w**4)),
    "a condition of 1e12": ([1.0, 1.0], lambda w: ag.sum(w * w * [1.0, 1e12])),
    "small numbers": ([1e-8, 1e-9], lambda w: 1e-10 * ag.sum(w * w)),
    "no slope": ([3.0, 1.0], lambda w: ag.sum(0 * w) + 1),
    "nothing to optimize": (np.zeros(0), lambda w: ag.sum(w) + 1),
    "steps": ([1.3, 2.0], lambda w: ag.sum(ag.floor(w)) + ag.sum(w * w)),
}
ENDINGS = {"gradient", "line search", "curvature", "updates"}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_loss_it_ends_no_higher_than_it_began(kind):
    for name, (start, function) in LOSSES.items():
        w = ag.tensor(np.array(start), requires_grad=True)
        before = function(w).item()
        found = optim.minimize(kind([w], **KINDS[kind]), lambda f=function, w=w: f(w), updates=25)
        assert found.stopped_by in ENDINGS, name
        assert found.value <= before, name
        assert np.isfinite(w.numpy()).all(), name
        assert found.value == function(w).item(), name


def test_a_closure_that_raises_leaves_everything_as_it_was():
    w = ag.tensor([3.0, -2.0], requires_grad=True)
    optimizer = optim.LBFGS([w])
    calls = []

    def loss():
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return ag.sum(w**4 + w * w)

    optimizer.step(loss)
    memory = {name: array.copy() for name, array in optimizer.carried.items()}
    before = w.numpy().copy()
    while len(calls) < 3:
        loss()
    with pytest.raises(KeyboardInterrupt):
        optimizer.step(loss)
    np.testing.assert_array_equal(w.numpy(), before)
    for name, array in optimizer.carried.items():
        np.testing.assert_array_equal(array, memory[name])
    value = optimizer.step(loss)
    assert ag.sum(w**4 + w * w).item() < value.item()
