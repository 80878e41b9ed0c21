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


# --- as a list is changed ---------------------------------------------------------------------------


def places(model):
    return [type(child).__name__ for child in model]


def labels(model):
    """Every tensor bears the name under which the state lists it."""
    named = [*model.named_parameters(), *model.named_buffers()]
    return all(tensor.name == path for path, tensor in named)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (0, "ReLU Linear Tanh Linear"),
        (1, "Linear ReLU Tanh Linear"),
        (3, "Linear Tanh Linear ReLU"),
        (99, "Linear Tanh Linear ReLU"),
        (-1, "Linear Tanh ReLU Linear"),
        (-99, "ReLU Linear Tanh Linear"),
    ],
)
def test_a_layer_is_inserted_where_a_list_would_have_it(model, index, expected):
    assert model.insert(index, nn.ReLU()) is model
    assert places(model) == expected.split()
    assert [name for name, _ in model.named_children()] == ["0", "1", "2", "3"]
    assert labels(model)
    x = np.ones((2, 3))
    program = ag.trace(model)(x)
    assert {step.scope[-1] for step in program.applications} == {
        f"{place}:{kind}" for place, kind in enumerate(places(model))
    }


def test_layers_are_taken_out(model):
    last = model[2]
    assert model.pop() is last
    assert places(model) == ["Linear", "Tanh"]
    model.append(last)
    del model[1]
    assert places(model) == ["Linear", "Linear"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert labels(model)
    del model[:1]
    assert places(model) == ["Linear"]
    with pytest.raises(IndexError, match="there is no child 5"):
        model.pop(5)
    assert model.pop(0) is last
    with pytest.raises(IndexError, match="It is empty"):
        model.pop()


def test_names_follow_inside_of_another_model(model):
    whole = nn.Sequential(nn.Identity(), model)
    model.insert(0, nn.ReLU())
    assert labels(whole)


def test_two_are_joined_to_a_third_that_shares_their_layers(model):
    joined = model + nn.Sequential(nn.ReLU())
    assert places(joined) == ["Linear", "Tanh", "Linear", "ReLU"]
    assert joined[0] is model[0]
    assert len(model) == 3
    with pytest.raises(TypeError):
        model + "layers"


@pytest.mark.parametrize("kind", [nn.Sequential, nn.ModuleList])
def test_what_cannot_be_put_in_leaves_everything_as_it_was(kind):
    first, second = nn.Linear(2, 2, rng=0), nn.Tanh()
    model = kind(first, second) if kind is nn.Sequential else kind([first, second])
    with pytest.raises(ConfigError, match="no module"):
        model.insert(0, nn.ReLU)
    with pytest.raises(ConfigError, match="would contain itself"):
        model.insert(0, nn.Sequential(model))
    assert list(model) == [first, second]
    assert [name for name, _ in model.named_children()] == ["0", "1"]


def test_children_with_names_of_their_own_are_not_renumbered():
    model = nn.Sequential({"squash": nn.Tanh(), "switch": nn.ReLU()})
    for change in (lambda: model.insert(0, nn.ReLU()), model.pop, lambda: model.__delitem__(0)):
        with pytest.raises(ConfigError, match="named by their positions; they are squash, switch"):
            change()
    del model.squash
    assert places(model) == ["ReLU"]


# --- by name ------------------------------------------------------------------------------------------


def test_a_dict_of_modules_is_one():
    heads = nn.ModuleDict({"mean": nn.Linear(4, 1, rng=0), "spread": nn.Tanh()})
    assert list(heads) == heads.keys() == ["mean", "spread"]
    assert heads["mean"] is heads.mean is heads.values()[0]
    assert heads.items() == list(heads.named_children())
    assert "mean" in heads
    assert "other" not in heads
    heads["other"] = nn.ReLU()
    heads.update([("mean", nn.Identity())])
    assert [type(m).__name__ for m in heads.values()] == ["Identity", "Tanh", "ReLU"]
    taken = heads.pop("other")
    del heads["mean"]
    assert (type(taken), len(heads)) == (nn.ReLU, 1)
    for wrong in (lambda: heads["mean"], lambda: heads.pop("mean"), lambda: heads.__delitem__("x")):
        with pytest.raises(KeyError):
            wrong()
    with pytest.raises(ConfigError, match="not called"):
        heads(1.0)


@pytest.mark.parametrize("name", ["a.b", "keys", "forward", ""])
def test_a_name_that_would_hide_something_is_refused(name):
    with pytest.raises(ConfigError, match="cannot name a child"):
        nn.ModuleDict({name: nn.ReLU()})


def test_one_that_is_no_module_leaves_the_dict_as_it_was():
    heads = nn.ModuleDict()
    with pytest.raises(ConfigError, match="no module"):
        heads.update({"a": nn.ReLU(), "b": np.tanh})
    assert len(heads) == 0


def test_layers_of_two_lists_have_scopes_of_their_own():
    class Both(nn.Module):
        def __init__(self):
            self.up = nn.ModuleList([nn.Tanh()])
            self.down = nn.ModuleList()
            self.down.append(nn.Tanh())
            self.heads = nn.ModuleDict({"one": nn.Tanh()})

        def forward(self, x):
            return self.heads["one"](self.down[0](self.up[0](x)))

    program = ag.trace(Both())(np.ones(2))
    scopes = [step.scope[-1] for step in program.applications]
    assert scopes == ["up.0:Tanh", "down.0:Tanh", "heads.one:Tanh"]


@pytest.mark.parametrize("kind", ["parameters", "buffers"])
def test_those_of_a_module_itself_are_told_from_those_below(kind):
    model = nn.Sequential(nn.BatchNorm1d(3))
    model.scale = ag.tensor(1.0, requires_grad=True)
    model.register_buffer("count", 0)
    own = {"parameters": ["scale"], "buffers": ["count"]}[kind]
    named = getattr(model, f"named_{kind}")
    assert [name for name, _ in named(recurse=False)] == own
    assert len(list(named())) == 3
    assert len(list(getattr(model, kind)(recurse=False))) == 1
