"""Module: registration, traversal, modes, state, text."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, StateError
from autograd_core.structure import STRUCTURE
from nn.module import ELSEWHERE


class Branch(nn.Module):
    """Two layers, a buffer and a plain attribute; no super().__init__()."""

    def __init__(self, rng):
        self.first = nn.Linear(3, 4, rng=rng, dtype=np.float64)
        self.register_buffer("seen", np.zeros((), np.int64))
        self.scale = ag.tensor([2.0], requires_grad=True)
        self.note = "plain"
        self.second = nn.Linear(4, 2, rng=rng, dtype=np.float64)

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


@pytest.fixture
def branch():
    return Branch(np.random.default_rng(0))


def test_attributes_become_parameters_buffers_and_children_in_order(branch):
    assert [name for name, _ in branch.named_parameters()] == [
        "scale",
        "first.weight",
        "first.bias",
        "second.weight",
        "second.bias",
    ]
    assert [name for name, _ in branch.named_buffers()] == ["seen"]
    assert [name for name, _ in branch.named_children()] == ["first", "second"]
    assert [name for name, _ in branch.named_modules()] == ["", "first", "second"]
    assert list(branch.modules()) == [branch, branch.first, branch.second]
    assert list(branch.children()) == [branch.first, branch.second]
    assert list(branch.buffers()) == [branch.seen]


def test_parameters_and_buffers_are_labelled_with_role_and_path(branch):
    assert (branch.scale.role, branch.scale.name) == ("parameter", "scale")
    assert (branch.first.weight.role, branch.first.weight.name) == ("parameter", "first.weight")
    assert (branch.seen.role, branch.seen.name) == ("buffer", "seen")
    whole = nn.Sequential(branch)
    assert all(tensor.name == path for path, tensor in whole.named_parameters())
    assert branch.seen.name == "0.seen"


def test_a_name_given_by_the_user_stays():
    class Named(nn.Module):
        def __init__(self):
            self.w = ag.tensor([1.0], requires_grad=True, name="omega", role="weight")

    module = Named()
    nn.Sequential(module)
    assert (module.w.name, module.w.role) == ("omega", "weight")


def test_only_leaves_that_require_a_gradient_are_parameters():
    class Keeps(nn.Module):
        pass

    module = Keeps()
    module.weight = ag.tensor([1.0], requires_grad=True)
    module.constant = ag.tensor([1.0])
    module.activation = module.weight * 2
    assert [name for name, _ in module.named_parameters()] == ["weight"]
    assert list(module.named_buffers()) == []


def test_super_init_may_be_called_and_need_not():
    class Called(nn.Module):
        def __init__(self):
            self.before = nn.Tanh()
            super().__init__()
            self.after = nn.Tanh()

    assert [name for name, _ in Called().named_children()] == ["before", "after"]


def test_shared_modules_and_parameters_are_listed_once_under_the_first_name():
    rng = np.random.default_rng(0)
    layer = nn.Linear(3, 3, rng=rng)
    other = nn.Linear(3, 3, rng=rng)
    other.weight = layer.weight
    model = nn.Sequential(layer, nn.Sequential(layer, other))
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.1.bias"]
    assert [name for name, _ in model.named_modules()] == ["", "0", "1", "1.1"]
    assert model.parameter_count() == 9 + 3 + 3
    assert set(model.state_dict()) == {"0.weight", "0.bias", "1.1.bias"}


def test_parameter_count_counts_numbers(branch):
    assert branch.parameter_count() == 1 + (3 * 4 + 4) + (4 * 2 + 2)
    assert nn.Tanh().parameter_count() == 0


def test_operations_carry_the_path_of_the_modules_that_made_them(branch):
    program = ag.trace(nn.Sequential(branch, nn.Tanh()))(np.zeros((5, 3)))
    scopes = [step.scope for step in program.applications]
    assert scopes == [
        ("Sequential", "0:Branch", "first:Linear"),
        ("Sequential", "0:Branch", "second:Linear"),
        ("Sequential", "0:Branch"),
        ("Sequential", "1:Tanh"),
    ]


def test_train_and_eval_set_the_whole_tree_and_return_the_module(branch):
    assert branch.training
    assert branch.eval() is branch
    assert not any(module.training for module in branch.modules())
    assert branch.train() is branch
    assert all(module.training for module in branch.modules())
    branch.train(False)
    assert not branch.second.training


def test_train_refuses_what_is_no_mode(branch):
    with pytest.raises(ConfigError, match=r"Branch\.train: expected mode True or False; .* int 10"):
        branch.train(10)


def test_zero_grad_forgets_gradients(branch):
    branch(np.ones((2, 3))).sum().backward()
    assert all(p.grad is not None for p in branch.parameters())
    branch.zero_grad()
    assert all(p.grad is None for p in branch.parameters())


def test_apply_visits_each_module_once_children_first_and_from_the_left(branch):
    seen = []
    shared = nn.Tanh()
    model = nn.Sequential(branch, shared, shared)
    assert model.apply(seen.append) is model
    assert seen == [branch.first, branch.second, branch, shared, model]


def test_traversals_do_not_recurse():
    model = nn.Tanh()
    for _ in range(3000):
        outer = nn.Sequential()
        object.__setattr__(outer, "0", model)
        outer._registry["0"] = "child"
        model = outer
    assert sum(1 for _ in model.modules()) == 3001
    assert model.eval() is model


# State --------------------------------------------------------------------------------------------


def test_state_dict_holds_copies_of_parameters_and_buffers(branch):
    state = branch.state_dict()
    assert list(state) == [
        "scale",
        "first.weight",
        "first.bias",
        "second.weight",
        "second.bias",
        "seen",
    ]
    assert all(type(array) is np.ndarray and array.flags.writeable for array in state.values())
    state["scale"][:] = 7
    assert branch.scale.numpy().tolist() == [2.0]
    branch.scale.assign([3.0])
    assert state["scale"].tolist() == [7.0]


def test_a_state_makes_an_equal_model(branch):
    other = Branch(np.random.default_rng(1))
    x = np.ones((2, 3))
    assert not np.array_equal(other(x).detach().numpy(), branch(x).detach().numpy())
    branch.seen.assign(5)
    assert other.load_state_dict(branch.state_dict()) == ([], [])
    assert np.array_equal(other(x).detach().numpy(), branch(x).detach().numpy())
    assert int(other.seen) == 5
    other.scale.assign([9.0])
    assert branch.scale.numpy().tolist() == [2.0]


def test_a_bad_state_is_one_error_that_lists_everything_and_changes_nothing(branch):
    before = branch.state_dict()
    state = branch.state_dict()
    state["scale"] = np.array([5.0])
    del state["first.bias"]
    state["first.weight"] = state["first.weight"].T
    state["second.bias"] = state["second.bias"].astype(np.float32)
    state["second.weight"] = [[1.0], [2.0, 3.0]]
    state["third.weight"] = np.zeros(3)
    with pytest.raises(StateError) as caught:
        branch.load_state_dict(state)
    message = str(caught.value)
    for part in (
        "Branch.load_state_dict: the state does not fit; nothing was changed.",
        "missing: first.bias",
        "unexpected: third.weight",
        "wrong shape: first.weight: expected (3, 4), received (4, 3)",
        "wrong dtype: second.bias: expected float64, received float32",
        "not an array: second.weight:",
        "strict=False",
    ):
        assert part in message
    assert all(np.array_equal(before[name], now) for name, now in branch.state_dict().items())


def test_without_strict_missing_and_unexpected_keys_are_skipped_and_returned(branch):
    found = branch.load_state_dict({"scale": np.array([4.0]), "x": np.zeros(1)}, strict=False)
    assert found.unexpected == ["x"]
    assert found.missing == ["first.weight", "first.bias", "second.weight", "second.bias", "seen"]
    assert branch.scale.numpy().tolist() == [4.0]


def test_without_strict_a_wrong_shape_is_still_an_error(branch):
    with pytest.raises(StateError, match=r"wrong shape: scale: expected \(1,\), received \(2,\)"):
        branch.load_state_dict({"scale": np.zeros(2)}, strict=False)


def test_a_state_may_hold_tensors_and_foreign_byte_order(branch):
    branch.load_state_dict({"scale": ag.tensor([6.0], requires_grad=True)}, strict=False)
    assert branch.scale.numpy().tolist() == [6.0]
    branch.load_state_dict({"scale": np.array([8.0], ">f8")}, strict=False)
    assert branch.scale.numpy().tolist() == [8.0]


def test_a_state_that_is_no_mapping_is_refused(branch):
    with pytest.raises(StateError, match="expected a mapping of names to arrays; received list"):
        branch.load_state_dict([1, 2])


def test_deepcopy_gives_an_equal_and_independent_model(branch):
    twin = copy.deepcopy(branch)
    x = np.ones((2, 3))
    assert np.array_equal(twin(x).detach().numpy(), branch(x).detach().numpy())
    twin.first.weight.assign(np.zeros((3, 4)))
    assert np.any(branch.first.weight.numpy())
    assert {id(p) for p in twin.parameters()}.isdisjoint(id(p) for p in branch.parameters())


def test_deepcopy_keeps_sharing():
    layer = nn.Linear(2, 2, rng=np.random.default_rng(0))
    twin = copy.deepcopy(nn.Sequential(layer, nn.Tanh(), layer))
    assert twin[0] is twin[2]


def test_modules_survive_pickling_between_processes(branch):
    twin = pickle.loads(pickle.dumps(branch))
    x = np.ones((2, 3))
    assert np.array_equal(twin(x).detach().numpy(), branch(x).detach().numpy())
    assert next(name for name, _ in twin.named_parameters()) == "scale"


# Replacing and removing ---------------------------------------------------------------------------


def test_none_and_del_take_an_entry_out(branch):
    branch.scale = None
    del branch.second
    assert branch.scale is None
    assert not hasattr(branch, "second")
    assert [name for name, _ in branch.named_parameters()] == ["first.weight", "first.bias"]


def test_parameters_children_and_buffers_can_be_replaced_by_their_like(branch):
    branch.scale = ag.tensor([4.0], requires_grad=True)
    branch.first = nn.Identity()
    branch.seen = ag.tensor(np.array(3))
    assert branch.parameter_count() == 1 + (4 * 2 + 2)
    assert int(branch.state_dict()["seen"]) == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("scale", np.zeros(1), r"registered parameter cannot be replaced .*\.scale\.assign"),
        ("scale", nn.Tanh(), r"registered parameter cannot be replaced by a child"),
        ("seen", 3, r"registered buffer cannot be replaced .*\.seen\.assign"),
        ("first", 3, r"registered child cannot be replaced .*Assign a Module"),
        ("first", ag.tensor([1.0], requires_grad=True), r"child cannot be replaced by a parameter"),
        ("seen", ag.tensor([1.0], requires_grad=True), r"a buffer is not trained"),
        ("blocks", [nn.Tanh()], r"inside a list would be neither trained nor saved.*Sequential"),
        ("blocks", (nn.Tanh(),), r"inside a tuple would be neither trained nor saved"),
        ("blocks", {"a": nn.Tanh()}, r"inside a list would be neither|inside a dict would be"),
        ("w", [ag.tensor([1.0], requires_grad=True)], r"inside a list would be neither"),
        ("forward", nn.Tanh(), r"'forward' cannot name a child"),
        ("a.b", nn.Tanh(), r"'a\.b' cannot name a child"),
        ("", ag.tensor([1.0], requires_grad=True), r"'' cannot name a parameter"),
    ],
)
def test_an_assignment_that_would_lose_parameters_is_refused(branch, name, value, message):
    before = branch.state_dict()
    with pytest.raises(ConfigError, match=message):
        setattr(branch, name, value)
    assert list(branch.state_dict()) == list(before)


def test_a_module_cannot_contain_itself(branch):
    outer = nn.Sequential(branch)
    with pytest.raises(ConfigError, match=r"Branch\.loop: the module would contain itself"):
        branch.loop = outer


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("seen", 0.0, "the name 'seen' is taken"),
        ("note", 0.0, "the name 'note' is taken"),
        ("parameters", 0.0, "'parameters' cannot name a buffer"),
        ("v", ag.tensor([1.0], requires_grad=True), "a buffer is not trained"),
    ],
)
def test_register_buffer_refuses_taken_names_and_trained_tensors(branch, name, values, message):
    with pytest.raises(ConfigError, match=message):
        branch.register_buffer(name, values)


def test_register_buffer_copies_arrays_and_keeps_their_dtype(branch):
    memory = np.arange(3, dtype=np.uint8)
    branch.register_buffer("table", memory)
    memory[:] = 0
    assert branch.table.dtype == np.uint8
    assert branch.table.numpy().tolist() == [0, 1, 2]


def test_a_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(ConfigError, match=r"Empty: forward is not written.*Define it in the class"):
        Empty()(np.ones(3))


def test_a_module_without_options_takes_none():
    with pytest.raises(TypeError, match="takes no arguments"):
        nn.ReLU(3)


def test_repr_shows_the_tree(branch):
    assert repr(nn.Sequential(branch, nn.Tanh())).splitlines() == [
        "Sequential(",
        "  (0): Branch(",
        "    (first): Linear(3, 4, dtype=float64)",
        "    (second): Linear(4, 2, dtype=float64)",
        "  )",
        "  (1): Tanh()",
        ")",
    ]


def test_changes_are_counted_for_captured_steps(branch):
    def changed(act):
        before = STRUCTURE.count
        act()
        return STRUCTURE.count > before

    assert not changed(branch.train)
    assert changed(branch.eval)
    assert not changed(branch.eval)
    assert changed(lambda: setattr(branch, "note", "other"))
    assert not changed(lambda: setattr(branch, "note", "other"))
    assert not changed(lambda: setattr(branch, "first", branch.first))
    assert changed(lambda: setattr(branch, "first", nn.Tanh()))
    assert changed(lambda: branch.register_buffer("more", np.zeros(2)))
    assert changed(lambda: delattr(branch, "note"))
    assert changed(lambda: setattr(branch, "scale", ag.tensor([1.0], requires_grad=True)))
    assert not changed(lambda: branch.load_state_dict(branch.state_dict()))


def test_names_from_elsewhere_say_what_to_write():
    model = nn.Sequential(nn.Linear(2, 2, rng=0))
    for name, instead in ELSEWHERE.items():
        assert not hasattr(model, name)
        assert name not in dir(model)
        with pytest.raises(AttributeError) as found:
            getattr(model, name)
        assert str(found.value) == f"Module.{name}: a module has no such name. Use {instead}."
    model.to, model.weights = 3.0, "own"
    assert (model.to, model.weights) == (3.0, "own")
    assert "to" in dir(model)
    model.type = nn.Tanh()
    assert [name for name, _ in model.named_children()] == ["0", "type"]


# --- parameters by name, frozen ones, files ---------------------------------------------------


def test_a_parameter_is_a_leaf_of_its_own_memory():
    values = np.ones(3, np.float32)
    module = nn.Module()
    module.w = nn.Parameter(values)
    module.frozen = nn.Parameter(ag.tensor([1.0, 2.0]), requires_grad=False)
    values[:] = 7
    assert module.w.tolist() == [1.0, 1.0, 1.0]
    assert (module.w.dtype, module.w.role, module.w.name) == (np.float32, "parameter", "w")
    assert [(n, t.requires_grad) for n, t in module.named_parameters()] == [
        ("w", True),
        ("frozen", False),
    ]
    assert list(module.state_dict()) == ["w", "frozen"]
    with pytest.raises(DTypeError, match="int64 has no gradient"):
        nn.Parameter([1, 2])


def test_a_frozen_parameter_stays_one_when_it_is_assigned_again():
    module, other = nn.Linear(2, 2, rng=0), nn.Module()
    assert module.requires_grad_(False) is module
    other.weight = module.weight
    module.weight = nn.Parameter(np.ones((2, 2)), requires_grad=False)
    assert [n for n, _ in other.named_parameters()] == ["weight"]
    assert [n for n, _ in module.named_parameters()] == ["weight", "bias"]
    module.load_state_dict(
        nn.Linear(2, 2, rng=1, dtype=np.float32).state_dict() | {"weight": np.zeros((2, 2))}
    )
    assert not any(t.requires_grad for t in module.parameters())
    assert module.weight.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_a_model_is_saved_and_loaded(tmp_path):
    def make(seed):
        return nn.Sequential(nn.Linear(3, 4, rng=seed), nn.BatchNorm1d(4), nn.Dropout(rng=seed))

    first, second, path = make(0), make(1), tmp_path / "model.safetensors"
    first(np.random.default_rng(0).normal(size=(5, 3)))
    first.save(path)
    assert second.load(path) == ([], [])
    for name, value in first.state_dict().items():
        np.testing.assert_array_equal(second.state_dict()[name], value)
    with pytest.raises(
        StateError, match=r"wrong shape: 0\.weight: expected \(3, 5\), received \(3, 4\)"
    ):
        nn.Sequential(nn.Linear(3, 5, rng=0)).load(path)
    assert nn.Sequential(nn.Linear(3, 4, rng=0)).load(path, strict=False).unexpected[0] == "1.gamma"
    with pytest.raises(ag.CheckpointError, match=r"none.*there is no|No such file"):
        second.load(tmp_path / "none")
