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


# --- lists of modules ---------------------------------------------------------------------------


def three():
    return [nn.Linear(2, 2, rng=k) for k in range(3)]


@pytest.mark.parametrize("kind", [nn.ModuleList, nn.Sequential])
def test_both_grow_and_are_read_like_lists(kind):
    layers = three()
    made = kind()
    assert made.append(layers[0]) is made
    assert made.extend(iter(layers[1:])) is made
    assert list(made) == layers
    assert (len(made), made[0], made[-1], made["1"]) == (3, layers[0], layers[2], layers[1])
    assert layers[1] in made
    assert nn.Tanh() not in made
    part = made[1:]
    assert type(part) is kind
    assert list(part) == layers[1:]
    assert [name for name, _ in part.named_children()] == ["0", "1"]
    assert list(made.state_dict()) == [f"{k}.{n}" for k in range(3) for n in ("weight", "bias")]
    made[1] = fresh = nn.Linear(2, 2, rng=9)
    made[-1] = nn.Tanh()
    assert made[1] is fresh
    assert [type(m).__name__ for m in made] == ["Linear", "Linear", "Tanh"]
    assert part[0] is layers[1]  # a slice shares modules, not the list


@pytest.mark.parametrize("kind", [nn.ModuleList, nn.Sequential])
def test_what_does_not_belong_into_either_is_told(kind):
    name = kind.__name__
    made = kind().extend(three())
    for wrong, message in (
        (nn.Tanh, r"Make one: Tanh\(\.\.\.\)"),
        (np.tanh, "layer form of a function"),
    ):
        with pytest.raises(ConfigError, match=rf"{name}: child '3' is no module.*{message}"):
            made.append(wrong)
        with pytest.raises(ConfigError, match=rf"{name}: child '4' is no module"):
            made.extend([nn.Tanh(), wrong])
        with pytest.raises(ConfigError, match=rf"{name}: child '0' is no module"):
            made[0] = wrong
    assert len(made) == 3
    for wrong in (3, -4):
        with pytest.raises(IndexError, match=rf"{name}: there is no child {wrong}\. Expected .*2"):
            made[wrong]
        with pytest.raises(IndexError, match=rf"{name}: there is no child {wrong}"):
            made[wrong] = nn.Tanh()
    with pytest.raises(IndexError, match="It is empty"):
        kind()[0]
    with pytest.raises(KeyError):
        made["none"]
    with pytest.raises(KeyError):
        made["none"] = nn.Tanh()


def test_a_list_of_modules_is_trained_and_saved_but_not_called():
    class Tower(nn.Module):
        def __init__(self, layers):
            self.layers = nn.ModuleList(layers)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    tower = Tower(three())
    ag.sum(tower(np.ones((1, 2)))).backward()
    assert all(t.grad is not None for t in tower.parameters())
    other = Tower(nn.Linear(2, 2, rng=k + 5) for k in range(3))
    other.load_state_dict(tower.state_dict())
    np.testing.assert_array_equal(other(np.ones((1, 2))).detach(), tower(np.ones((1, 2))).detach())
    assert repr(tower).splitlines()[:2] == ["Tower(", "  (layers): ModuleList("]
    with pytest.raises(
        ConfigError, match=r"ModuleList: a list of modules is not called.*nn\.Sequential"
    ):
        tower.layers(np.ones((1, 2)))
    with pytest.raises(
        ConfigError, match="ModuleList: expected one iterable of modules; received Linear"
    ):
        nn.ModuleList(nn.Linear(2, 2))


@pytest.mark.parametrize("wrap", [list, tuple, set, lambda found: dict(enumerate(found))])
def test_a_plain_list_of_modules_is_refused_with_advice(wrap):
    module = nn.Module()
    for hidden in (three(), [nn.Parameter([1.0]), nn.Parameter([1.0], requires_grad=False)]):
        with pytest.raises(
            ConfigError, match=r"neither trained nor saved.*nn\.ModuleList\(\[\.\.\.\]\)"
        ):
            module.layers = wrap(hidden)


@pytest.mark.parametrize("kind", [nn.ModuleList, nn.Sequential])
def test_a_list_within_is_told_to_be_unpacked(kind):
    given = [three()] if kind is nn.ModuleList else three()
    with pytest.raises(
        ConfigError,
        match=rf"{kind.__name__}: child '0' .*one by one: nn\.{kind.__name__}\(\*layers",
    ):
        kind(given)
