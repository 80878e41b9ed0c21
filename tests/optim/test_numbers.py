"""Slots that are one number for each parameter: eager, compiled, around and in files."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import StateError
from optim import Optimizer
from optim.hyperparameters import NonNegative

SHAPES = [(3, 2), (), (5,), (0,)]


class Travelled(Optimizer):
    """Steps that shorten with the way that was gone; ``seen`` is beside it as an array."""

    scope = "parameter"
    numbers = ("way",)
    lr: NonNegative

    @classmethod
    def slots(cls, options):
        return ("way", "seen")

    @staticmethod
    def update(theta, g, way, seen, *, step, lr):
        way = way + ag.sum(ag.absolute(g))
        return theta - lr / (1 + way) * g, way, seen + g


def by_hand(lr, steps, clip=None, missing=()):
    thetas = [np.full(shape, 1.0) for shape in SHAPES]
    ways = [0.0] * len(SHAPES)
    for n, row in enumerate(steps):
        chosen = [i for i in range(len(SHAPES)) if (n, i) not in missing]
        norm = np.sqrt(sum((row[i] ** 2).sum() for i in chosen))
        factor = 1.0 if clip is None else min(1.0, clip / norm)
        for i in chosen:
            g = row[i] * factor
            ways[i] += np.abs(g).sum()
            thetas[i] = thetas[i] - lr / (1 + ways[i]) * g
    return thetas, ways


@pytest.mark.parametrize("clip", [None, 0.7])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("missing", [(), {(1, 0), (2, 2)}], ids=["whole", "gaps"])
def test_it_is_kept_for_each_parameter(rng, clip, compiled, missing):
    params = [ag.tensor(np.full(shape, 1.0), requires_grad=True) for shape in SHAPES]
    optimizer = Travelled(params, lr=0.5, transforms=[optim.ClipByNorm(clip)] if clip else [])
    steps = [[rng.normal(size=shape) for shape in SHAPES] for _ in range(4)]

    def step(which, *row):
        optimizer.zero_grad()
        parts = [ag.sum(params[i] * row[i]) for i in which]
        sum(parts[1:], parts[0]).backward()
        optimizer.step()

    call = ag.jit(step, backend="numpy") if compiled else step
    for n, row in enumerate(steps):
        call(tuple(i for i in range(len(SHAPES)) if (n, i) not in missing), *row)
    thetas, ways = by_hand(0.5, steps, clip, missing)
    for t, theta, way in zip(params, thetas, ways, strict=True):
        np.testing.assert_allclose(t.numpy(), theta, rtol=1e-12)
        slots = optimizer.slots_of(t)
        assert slots["way"].shape == ()
        assert slots["seen"].shape == t.shape
        np.testing.assert_allclose(slots["way"], way, rtol=1e-12)
    state = optimizer.state_dict()
    other = Travelled(params, lr=0.1, transforms=optimizer.transforms)
    other.load_state_dict(state)
    assert [other.slots_of(t)["way"] for t in params] == [
        optimizer.slots_of(t)["way"] for t in params
    ]
    state["arrays"]["way.0"] = np.zeros(3)
    with pytest.raises(StateError, match=r"wrong shape: way\.0: expected \(\), received \(3,\)"):
        other.load_state_dict(state)


def test_a_rule_that_is_not_called_for_one_parameter_has_none():
    with pytest.raises(TypeError, match="is not called for one parameter"):

        class Wrong(Optimizer):
            numbers = ("way",)
            lr: NonNegative
