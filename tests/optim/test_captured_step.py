"""Optimizers inside of ag.jit: their steps are pure, and their numbers are read at every run."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import AnomalyError
from optim.contract import every_optimizer, variants

CASES = [(kind, options) for kind in every_optimizer() for options in variants(kind)]


class Problem:
    """Three parameters, one of them a number, in two groups and two dtypes."""

    def __init__(self, kind, **options):
        rng = np.random.default_rng(0)
        self.w = ag.tensor(rng.normal(size=(3, 2)), requires_grad=True, name="w")
        self.b = ag.tensor(rng.normal(), requires_grad=True, name="b")
        self.u = ag.tensor(rng.normal(size=2).astype(np.float32), requires_grad=True, name="u")
        own = {"lr": 0.05} if "lr" in kind.hyperparameters else {}
        groups = [{"params": [self.w, self.b]}, {"params": [self.u], **own}]
        self.opt = kind(groups, **(options or {"lr": 0.1}))
        self.with_u = True

    def step(self, x):
        self.opt.zero_grad()
        y = x @ self.w + self.b
        loss = ag.mean(ag.square(y * self.u if self.with_u else y))
        loss.backward()
        self.opt.step(loss)
        return loss

    def arrays(self):
        found = {t.name: np.array(t.numpy()) for t in (self.w, self.b, self.u)}
        return {**found, **self.opt.state_dict()["arrays"]}


def assert_alike(a, b):
    found, expected = a.arrays(), b.arrays()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        tolerance = 1e-5 if value.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance, err_msg=name)
        assert found[name].dtype == value.dtype
    assert a.opt.updates == b.opt.updates


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_a_compiled_step_is_the_eager_step(kind, options):
    a, b = Problem(kind, **options), Problem(kind, **options)
    step = ag.jit(a.step, backend="numpy")
    for seed in range(6):
        x = np.random.default_rng(seed).normal(size=(4, 3))
        np.testing.assert_allclose(step(x).item(), b.step(x).item(), rtol=1e-5)
        assert_alike(a, b)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_a_parameter_without_a_gradient_is_left_out(kind, options):
    a, b = Problem(kind, **options), Problem(kind, **options)
    step = ag.jit(a.step, backend="numpy")
    x = np.random.default_rng(1).normal(size=(4, 3))
    for with_u in (True, False, False, True, False, True):
        a.with_u = b.with_u = with_u
        step(x)
        b.step(x)
        assert_alike(a, b)


def test_hyperparameters_of_each_group_are_read_at_every_run():
    a, b = Problem(optim.Adam), Problem(optim.Adam)
    step = ag.jit(a.step, backend="numpy")
    x = np.random.default_rng(1).normal(size=(4, 3))
    for k, (name, value) in enumerate([("lr", 0.2), ("eps", 1e-3), ("delta", 0.5), ("gamma", 0.9)]):
        for problem in (a, b):
            problem.opt.param_groups[k % 2][name] = value
        step(x)
        b.step(x)
        assert_alike(a, b)
    assert len(step._entries) == len(step._runners) == 1


def test_a_step_without_any_gradient_does_nothing_but_count():
    w = ag.tensor([1.0], requires_grad=True)
    opt = optim.SGD([w], lr=0.1)
    ag.jit(opt.step, backend="numpy")()
    assert w.tolist() == [1]
    assert opt.updates == 1


def test_the_error_is_that_of_the_eager_step_with_the_parameter_and_the_count():
    a, b = Problem(optim.SGD), Problem(optim.SGD)
    step = ag.jit(a.step, backend="numpy")
    x = np.ones((4, 3))
    step(x)
    b.step(x)
    bad = x.copy()
    bad[0, 0] = np.nan
    before = a.arrays()
    with pytest.raises(AnomalyError, match=r"parameter 0 \('w'\).*at step 2") as found:
        step(bad)
    with pytest.raises(AnomalyError) as expected:
        b.step(bad)
    assert str(found.value) == str(expected.value)
    assert all((before[name] == value).all() for name, value in a.arrays().items())


def test_a_traced_step_draws_and_prints():
    problem = Problem(optim.Adam)
    program = ag.trace(problem.step)(np.ones((4, 3)))
    names = [v.name for v in program.inputs]
    assert names[0] == "x"
    assert {"Adam.lr", "Adam.step"} < set(names)
    text = str(program)
    assert "slot" in text
    assert text.count("write") == 9
    assert not problem.arrays()["steps"].any()
