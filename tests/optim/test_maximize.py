"""Any optimizer climbs instead: what it does to a loss is what it else does to the negative one."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from optim.contract import every_optimizer

KINDS = every_optimizer()


def run(kind, sign, compiled=False, **options):
    """Three parameters after five steps, on a function times ``sign``."""
    rng = np.random.default_rng(0)
    params = [ag.tensor(rng.normal(size=n), requires_grad=True) for n in ((3, 2), (), (4,))]
    optimizer = kind(params, **kind.examples[-1], **options)

    def step():
        optimizer.zero_grad()
        loss = sign * sum((ag.sum(ag.sin(t) * ag.square(t + 1)) for t in params), ag.tensor(0.0))
        loss.backward()
        optimizer.step(loss)

    for _ in range(5):
        (ag.jit(step, backend="numpy") if compiled else step)()
    return [t.numpy() for t in params]


@pytest.mark.parametrize("kind", KINDS)
def test_climbing_is_descending_the_negative(kind):
    transforms = (
        [optim.ClipByNorm(2.0), optim.WeightDecay(0.1)] if "lr" in kind.hyperparameters else []
    )
    for around in ([], transforms):
        down = run(kind, -1, transforms=around)
        for compiled in (False, True):
            for a, b in zip(
                down, run(kind, 1, compiled, maximize=True, transforms=around), strict=True
            ):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_one_group_may_climb_while_another_descends():
    a, b = (ag.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "maximize": True}], lr=0.5)
    (a * a + b * b).sum().backward()
    optimizer.step()
    assert (a.item(), b.item()) == (0.0, 2.0)
    assert optimizer.state_dict()["scalars"]["groups"][1]["maximize"] is True


def test_decay_shrinks_the_weights_whichever_way_it_goes():
    w = ag.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5, weight_decay=0.5, maximize=True)
    (0.0 * w).sum().backward()
    optimizer.step()
    assert w.item() == 0.75
