"""All passes in their order."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.compiler.passes import PASSES, simplified
from autograd_core.program import Var


def close(found, wanted):
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def whole(program):
    return simplified(program)[0]


@pytest.fixture
def layer_norm():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 4))
    model = nn.Sequential(
        nn.Linear(4, 5, rng=rng, dtype=np.float64), nn.BatchNorm1d(5, dtype=np.float64), nn.Tanh()
    )

    def loss(x):
        return ag.value_and_grad(lambda x: ag.mean(ag.square(model(x))))(x)

    return loss, x


def test_a_model_and_its_gradient_stay_the_same(passes, layer_norm):
    _, after = passes.kept(whole, *layer_norm, compare=close)
    assert not {"affine", "identity", "stop_gradient"} & set(passes.names(after))


def test_each_pass_says_how_many_steps_it_left(layer_norm):
    loss, x = layer_norm
    program = ag.trace(loss)(x)
    after, counts = simplified(program)
    assert [title for title, _ in counts] == ["as recorded", *(title for title, _ in PASSES)]
    assert counts[0][1] == len(program)
    assert counts[-1][1] == len(after)


def test_a_second_time_finds_nothing(passes, layer_norm):
    loss, x = layer_norm
    once = whole(ag.trace(loss)(x))
    assert len(whole(once)) == len(once)


def test_operands_stand_before_results_and_numbers_are_unique(layer_norm):
    loss, x = layer_norm
    after = whole(ag.trace(loss)(x))
    known = {*after.inputs, *(v for v, _ in after.captures)}
    for step in after:
        assert {o for o in step.operands if isinstance(o, Var)} <= known
        assert step.phase is None or step.phase in known
        known.add(step.result)
    assert len({v.number for v in known}) == len(known)
    assert {o for o in after.outputs if isinstance(o, Var)} <= known


def test_a_long_program_is_simplified_in_linear_time(passes):
    def long(x, count):
        y = x
        for k in range(count // 4):
            y = ag.tanh(y) * 1.5 + -x - 0.25 * (k % 3)
        return ag.mean(y)

    passes.assert_linear(whole, long)
