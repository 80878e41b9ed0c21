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
    own = {"lr": 0.5, "momentum": 0.0, "nesterov": False, "weight_decay": 0.1}
    assert dict(first) == {**own, "maximize": False}
    assert dict(second) == {
        "lr": 0.5,
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
        "maximize": False,
    }
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
