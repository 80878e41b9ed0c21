"""Sequential."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(4, 2, rng=rng, dtype=np.float64),
    )


def test_children_are_called_in_order(model):
    x = np.random.default_rng(1).normal(size=(5, 3))
    first, _, last = model
    hidden = np.tanh(x @ first.weight.numpy() + first.bias.numpy())
    expected = hidden @ last.weight.numpy() + last.bias.numpy()
    np.testing.assert_allclose(model(x).detach().numpy(), expected, rtol=1e-13)


def test_it_reads_like_a_list(model):
    assert len(model) == 3
    assert [type(child) for child in model] == [nn.Linear, nn.Tanh, nn.Linear]
    assert model[1] is list(model)[1]
    assert model[-1] is model[2]
    assert isinstance(model[0:2], nn.Sequential)


def test_a_slice_shares_layers_and_numbers_them_anew(model):
    tail = model[1:]
    assert list(tail) == list(model)[1:]
    assert [name for name, _ in tail.named_parameters()] == ["1.weight", "1.bias"]
    assert [name for name, _ in model.named_parameters()][-1] == "2.bias"
    assert model[2].bias.name == "2.bias"


def test_children_may_be_named():
    model = nn.Sequential({"squash": nn.Tanh(), "switch": nn.ReLU()})
    assert [name for name, _ in model.named_children()] == ["squash", "switch"]
    assert model["switch"] is model[1] is model.switch
    assert [name for name, _ in model[1:].named_children()] == ["switch"]
    with pytest.raises(KeyError, match="other"):
        model["other"]


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_outside_says_what_there_is(model, index):
    with pytest.raises(IndexError, match=rf"there is no child {index}\. .* from -3 to 2"):
        model[index]


def test_a_layer_used_twice_is_called_twice_in_its_own_place():
    squash = nn.Tanh()
    model = nn.Sequential(squash, nn.ReLU(), squash)
    assert len(model) == 3
    assert len(list(model.named_children())) == 2
    program = ag.trace(model)(np.ones(2))
    assert [step.scope[-1] for step in program.applications] == ["0:Tanh", "1:ReLU", "2:Tanh"]


def test_an_empty_one_is_the_identity():
    x = ag.tensor([1.0])
    assert nn.Sequential()(x) is x
    assert len(nn.Sequential()) == 0


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((nn.ReLU,), r"child '0' is no module.*Make one: ReLU\(\.\.\.\)"),
        ((nn.ReLU(), np.tanh), r"child '1' is no module.*layer form of a function"),
        (({"a": 3},), r"child 'a' is no module"),
        (({"a.b": nn.ReLU()},), r"'a\.b' cannot name a child"),
        (({"forward": nn.ReLU()},), r"'forward' cannot name a child"),
    ],
)
def test_what_is_no_module_is_refused(layers, message):
    with pytest.raises(ConfigError, match=message):
        nn.Sequential(*layers)
