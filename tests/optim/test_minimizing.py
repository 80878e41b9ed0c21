"""minimize with optimizers of every kind."""

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import AnomalyError, ConfigError


def bowl(w):
    return ag.sum(w * w * [1.0, 4.0]) / 2


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.3),
        lambda p: optim.Adam(p, lr=0.1),
        lambda p: optim.Rprop(p, 0.1),
        optim.LBFGS,
    ],
)
def test_it_ends_where_a_tolerance_is_met_and_counts_evaluations(make):
    w = ag.tensor([3.0, -2.0], requires_grad=True)
    optimizer, told = make([w]), []
    found = optim.minimize(optimizer, lambda: bowl(w), tolerance_grad=1e-4, callback=told.append)
    assert found.stopped_by == "gradient"
    assert found.converged
    assert found.gradient == np.abs(w.numpy() * [1, 4]).max() <= 1e-4
    assert found.value == bowl(w).item()
    assert optimizer.updates == found.updates < found.evaluations
    assert [m.stopped_by for m in told] == [""] * found.updates + ["gradient"]
    assert told[-1] == found
    assert w.grad is None


def test_first_order_steps_are_those_of_a_loop():
    w, v = (ag.tensor([3.0, -2.0], requires_grad=True) for _ in range(2))
    optim.minimize(optim.Adam([w], lr=0.1), lambda: bowl(w), updates=7)
    optimizer = optim.Adam([v], lr=0.1)
    for _ in range(7):
        optimizer.zero_grad()
        bowl(v).backward()
        optimizer.step()
    np.testing.assert_array_equal(w.numpy(), v.numpy())


def test_each_ending_has_its_name():
    def run(**options):
        w = ag.tensor([3.0, -2.0], requires_grad=True)
        return optim.minimize(optim.SGD([w], lr=0.3), lambda: bowl(w), **options)

    assert run(updates=3).stopped_by == "updates"
    assert run(evaluations=3).evaluations == 3
    assert run(evaluations=3).stopped_by == "evaluations"
    assert run(tolerance_grad=0.0, tolerance_change=1e-3).stopped_by == "change"
    stopped = run(callback=lambda m: m.value < 1)
    assert stopped.stopped_by == "callback"
    assert stopped.value < 1


def test_what_diverges_is_an_error_and_what_is_wrong_is_named():
    w = ag.tensor([3.0, -2.0], requires_grad=True)
    with pytest.raises(AnomalyError, match=r"where update \d+ begins"):
        optim.minimize(optim.SGD([w], lr=10.0), lambda: bowl(w))
    for wrong in (
        {"updates": 0},
        {"evaluations": 0},
        {"tolerance_grad": -1.0},
        {"tolerance_change": np.nan},
    ):
        with pytest.raises(ConfigError, match=f"minimize: {next(iter(wrong))}: expected"):
            optim.minimize(optim.SGD([w], lr=0.1), lambda: bowl(w), **wrong)
    with pytest.raises(ConfigError, match="expected an Optimizer"):
        optim.minimize([w], lambda: bowl(w))
    with pytest.raises(ConfigError, match="expected a closure"):
        optim.minimize(optim.SGD([w], lr=0.1), 3.0)
