from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError


@pytest.fixture
def optimizer():
    w = ag.tensor(np.ones((2, 2)), requires_grad=True)
    b = ag.tensor(np.ones(2, np.float32), requires_grad=True)
    return optim.SGD([{"params": [w], "weight_decay": 0.1}, {"params": b}], lr=0.5)


def test_each_group_has_its_own_values_over_common_defaults(optimizer):
    first, second = optimizer.param_groups
    others = {"dampening": 0.0, "eta": "inside", "maximize": False}
    own = {"lr": 0.5, "momentum": 0.0, "nesterov": False, "weight_decay": 0.1}
    assert dict(first) == {**own, **others}
    assert dict(second) == {**own, "weight_decay": 0.0, **others}
    assert [t.shape for t in second.params] == [(2,)]
    for t in optimizer.params:
        t.grad = ag.tensor(np.zeros(t.shape, t.dtype))
    optimizer.step()
    np.testing.assert_array_equal(first.params[0].numpy(), np.full((2, 2), 1 - 0.5 * 0.1))
    np.testing.assert_array_equal(second.params[0].numpy(), [1, 1])


def test_a_value_may_change_between_steps(optimizer):
    group = optimizer.param_groups[1]
    (b,) = group.params
    for lr, momentum, expected in [
        (0.5, 0.0, 0.5),
        (0.25, 0.0, 0.25),
        (0.25, 0.5, 0.0),
        (0.25, 0.5, -0.375),
    ]:
        group["lr"], group["momentum"] = lr, momentum
        b.grad = ag.tensor(np.ones(2, np.float32))
        optimizer.step()
        np.testing.assert_array_equal(b.numpy(), [expected] * 2)


@pytest.mark.parametrize(
    ("name", "value"), [("lr", -1), ("momentum", 1.0), ("nesterov", 1), ("weight_decay", "x")]
)
def test_a_value_outside_its_range_is_refused_and_the_old_one_kept(optimizer, name, value):
    group = optimizer.param_groups[0]
    before = dict(group)
    with pytest.raises(ConfigError, match=f"SGD: {name}: expected"):
        group[name] = value
    assert dict(group) == before


def test_values_that_do_not_go_together_are_refused(optimizer):
    with pytest.raises(ConfigError, match="nesterov=True needs momentum"):
        optimizer.param_groups[0]["nesterov"] = True


def test_unknown_names_and_deletions_are_refused(optimizer):
    group = optimizer.param_groups[0]
    with pytest.raises(ConfigError, match=r"'rate'\. Expected one of maximize, lr, momentum"):
        group["rate"] = 0.1
    with pytest.raises(ConfigError, match="'lr' cannot be deleted"):
        del group["lr"]


def test_its_repr_counts_parameters(optimizer):
    assert repr(optimizer.param_groups[0]).startswith("1 parameter of 4 numbers, lr=0.5")


def test_a_hyperparameter_that_is_not_there_is_named_and_is_a_missing_key(optimizer):
    group = optimizer.param_groups[0]
    for read in (lambda: group["rate"], lambda: group.now("rate")):
        with pytest.raises(
            ConfigError, match=r"expected one of its hyperparameters, .*received 'rate'"
        ) as found:
            read()
        assert isinstance(found.value, KeyError)
    assert "rate" not in group
    assert group.get("rate", 5) == 5


@pytest.mark.parametrize("compiled", [False, True])
def test_a_slot_that_is_there_again_begins_anew_as_it_does_after_a_resume(compiled):
    """Momentum off for a while: its velocity is in no state of that time, so it cannot go on with it."""

    def leg(w, optimizer, settings):
        def step():
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()

        run = ag.jit(step, backend="numpy") if compiled else step
        for momentum in settings:
            optimizer.momentum = momentum
            run()
            run()

    w, again = (ag.tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
    optimizer, resumed = optim.SGD([w], lr=0.1), optim.SGD([again], lr=0.1)
    leg(w, optimizer, [0.5, 0.0])
    with ag.no_grad():
        again.assign(w.numpy().copy())
    resumed.load_state_dict(optimizer.state_dict())
    for one, other in ((w, optimizer), (again, resumed)):
        leg(one, other, [0.5])
    np.testing.assert_array_equal(w.numpy(), again.numpy())
    np.testing.assert_array_equal(
        optimizer.slots_of(w)["velocity"], resumed.slots_of(again)["velocity"]
    )
