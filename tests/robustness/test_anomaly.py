"""Anomaly mode through layers, losses and the training loop: the operation, its module, the user's line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

HERE = Path(__file__)
LINES = {}  # the number of each line of this file that bears a mark
for _number, _text in enumerate(HERE.read_text(encoding="utf-8").splitlines(), 1):
    for _mark in re.findall(r"# <(\w+)>", _text):
        LINES[_mark] = _number


def at(mark):
    """What an error says of a marked line."""
    return re.escape(f"{HERE}:{LINES[mark]}") + r"\b"


class Root(nn.Module):
    """A layer of the user's own: the root, whose derivative at 0 is infinite."""

    def forward(self, x):
        return ag.sqrt(x)  # <root>


class Inverse(nn.Module):
    def forward(self, x):
        shifted = x - 1.0
        return 1.0 / shifted  # <inverse>


def net(*layers):
    return nn.Sequential(nn.Linear(2, 2, rng=np.random.default_rng(0)), nn.ReLU(), *layers)


ONES = np.ones((3, 2), np.float32)


@pytest.fixture(autouse=True)
def _quiet():
    with ag.detect_anomaly(), np.errstate(all="ignore"):
        yield


def test_forward_in_a_layer_of_the_users_own():
    model = nn.Sequential(Inverse())
    with pytest.raises(ag.AnomalyError, match=rf"divide: the forward.*0:Inverse.*{at('inverse')}"):
        model(ag.tensor(ONES))


def test_forward_in_a_layer_of_ours_names_the_call():
    model = net(nn.Linear(2, 2, rng=np.random.default_rng(0)))
    model[0].weight.assign(np.ones((2, 2)))
    model[2].weight.assign(np.full((2, 2), 3e38))
    with pytest.raises(
        ag.AnomalyError, match=rf"(matmul|affine): the forward.*2:Linear.*{at('call')}"
    ):
        model(ONES)  # <call>


def test_forward_in_a_loss_names_its_call():
    with pytest.raises(ag.AnomalyError, match=rf"log: the forward.*{at('loss')}"):
        ag.log(net()(0 * ONES)).sum()  # <loss>


def test_backward_in_a_layer_of_the_users_own():
    model = net(Root())
    loss = model(0 * ONES).sum()
    with pytest.raises(ag.AnomalyError, match=rf"sqrt: the backward.*2:Root.*{at('root')}"):
        loss.backward()


def test_backward_names_the_line_that_recorded_and_not_the_one_that_walks():
    def forward(x):
        return ag.sqrt(nn.functional.relu(x))  # <recorded>

    x = ag.tensor([0.0, 1.0], requires_grad=True)
    y = forward(x).sum()
    with pytest.raises(ag.AnomalyError, match=at("recorded")):
        y.backward()
    with pytest.raises(ag.AnomalyError, match=at("recorded")):
        ag.grad(lambda v: forward(v).sum())(np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    ("layer", "mark", "direction"), [(Root, "root", "backward"), (Inverse, "inverse", "forward")]
)
def test_in_the_training_loop(layer, mark, direction):
    model = net(layer())
    model[0].weight.assign(np.zeros((2, 2)))
    if layer is Inverse:
        model[0].bias.assign(np.ones(2))
    with pytest.raises(ag.AnomalyError, match=rf"the {direction}.*{at(mark)}"):
        optim.fit(
            model, nn.losses.MSELoss(), optim.SGD(model.parameters(), lr=0.1), (ONES, ONES),
            epochs=1, batch_size=3, rng=np.random.default_rng(0), verbose=0,
        )  # fmt: skip


def test_what_was_not_finite_before_is_not_blamed():
    x = ag.tensor([np.nan, 1.0], requires_grad=True)
    y = ag.tanh(x * 2.0)
    assert np.isnan(y.data[0])


def test_without_the_mode_nothing_is_raised_and_no_line_is_kept():
    with ag.detect_anomaly():
        pass
    with ag.context.within(anomaly=False):
        y = net(Root())(0 * ONES)
        y.sum().backward()
    assert y._line is None
