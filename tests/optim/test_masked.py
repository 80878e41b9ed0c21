"""Masks: which parameters a term, or other values of hyperparameters, hold for."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError


def parameters():
    return [
        ag.tensor(np.ones(shape), requires_grad=True, name=f"p{len(shape)}")
        for shape in ((2, 2), (2,), ())
    ]


@pytest.mark.parametrize(
    "mask", [lambda t: t.ndim > 1, [True, False, np.False_], iter([True, False, False])]
)
def test_the_others_have_other_values(mask):
    params = parameters()
    optimizer = optim.AdamW(optim.masked(params, mask, weight_decay=0.0), lr=0.5, weight_decay=0.5)
    for t in params:
        t.grad = ag.tensor(np.zeros(t.shape))
    optimizer.step()
    assert [float(t.numpy().mean()) for t in params] == [0.75, 1.0, 1.0]
    assert [len(group.params) for group in optimizer.param_groups] == [1, 2]


def test_layers_without_adaptation(rng):
    """LARS as it is used: norms for matrices, plain momentum for the rest."""
    params = parameters()
    optimizer = optim.LARS(
        optim.masked(params, lambda t: t.ndim > 1, adapt=False, weight_decay=0.0),
        lr=0.5,
        weight_decay=0.1,
    )
    for t in params:
        t.grad = ag.tensor(np.ones(t.shape))
    optimizer.step()
    np.testing.assert_allclose(params[1].numpy(), 0.5)
    np.testing.assert_allclose(
        params[0].numpy(), 1 - 0.5 * 1e-3 * 2 * 1.1 / (2 + 0.1 * 2), rtol=1e-12
    )


def test_a_mask_of_all_is_one_group():
    assert len(optim.masked(parameters(), lambda t: True, weight_decay=0.0)) == 1


@pytest.mark.parametrize(
    ("params", "mask", "message"),
    [
        (parameters(), [True], "expected a mask of 3, one for each parameter; received 1"),
        (parameters(), lambda t: t.ndim, "expected True or False for parameter 0; received 2"),
        (parameters(), lambda t: False, "chooses none of 3 parameters"),
        ([{"params": parameters()}], [True], "parameter 0 is dict"),
        ([], [], "chooses none of 0"),
    ],
)  # fmt: skip
def test_what_is_no_mask_is_refused(params, mask, message):
    with pytest.raises(ConfigError, match=message):
        optim.masked(params, mask)
