from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import AnomalyError, ConfigError, GraphError, StateError
from optim.hyperparameters import NonNegative


def leaf(values, dtype=None, name=None):
    return ag.tensor(values, dtype, requires_grad=True, name=name)


def pair():
    return [leaf(np.ones((2, 3)), name="W"), leaf(np.ones(3), name="b")]


def give(tensors, value=1.0):
    for t in tensors:
        t.grad = ag.tensor(np.full(t.shape, value, t.dtype))


# --- what may be optimized --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([], "no parameters. Expected at least one. A generator can be read once only"),
        (iter(()), "no parameters"),
        ([{"params": []}], "no parameters"),
        ([{"params": leaf([1.0])}, {"params": []}], "no parameters in group 1"),
        ([{"lr": 0.1}], "group 0 is dict. Expected every group to be a dict with the key 'params'"),
        ([{"params": leaf([1.0])}, leaf([1.0])], "group 1 is Tensor"),
        ({"params": leaf([1.0])}, "received dict. Pass model.parameters"),
        (leaf([1.0]), "received Tensor. Pass"),
        (3, "received int"),
        ([np.ones(2)], "parameter 0 is ndarray. Expected a Tensor"),
        ([("weight", leaf([1.0]))], "parameter 0 is tuple"),
        ([ag.tensor([1.0])], "none of the 1 parameters requires a gradient"),
        ([leaf([1.0], name="w") * 2], "was computed. Expected a leaf"),
    ],
)  # fmt: skip
def test_what_cannot_be_optimized_is_refused_by_name(params, message):
    with pytest.raises(ConfigError) as caught:
        optim.SGD(params, lr=0.1)
    assert message in str(caught.value)


def test_a_parameter_given_twice_is_refused_even_across_groups():
    w = leaf([1.0], name="w")
    with pytest.raises(
        ConfigError,
        match=r"parameter 1 \('w'\), shape \(1,\), is given twice, first as parameter 0",
    ):
        optim.SGD([{"params": [w]}, {"params": [w], "lr": 1.0}], lr=0.1)


def test_unknown_hyperparameters_of_a_group_are_refused():
    with pytest.raises(ConfigError, match="SGD: unknown hyperparameter 'betas'"):
        optim.SGD([{"params": [leaf([1.0])], "betas": 1}], lr=0.1)


def test_parameters_of_several_dtypes_and_shapes_are_updated_alike():
    tensors = [
        leaf(1.0),
        leaf([[1.0]], np.float32),
        leaf(np.zeros((0, 3))),
        leaf([1.0], np.float16),
    ]
    optimizer = optim.SGD(tensors, lr=0.5, momentum=0.5)
    for _ in range(2):
        give(tensors)
        optimizer.step()
    for t in tensors:
        np.testing.assert_array_equal(t.numpy(), np.full(t.shape, -0.25))
    assert [t.dtype.name for t in tensors] == ["float64", "float32", "float64", "float16"]


# --- steps ------------------------------------------------------------------------------------


def test_zero_grad_forgets():
    tensors = pair()
    give(tensors)
    optim.SGD(tensors, lr=0.1).zero_grad()
    assert all(t.grad is None for t in tensors)


def test_a_step_without_any_gradient_changes_nothing():
    tensors = pair()
    optimizer = optim.Adam(tensors)
    optimizer.step()
    assert all((t.numpy() == 1).all() for t in tensors)
    assert not optimizer.state_dict()["arrays"]["steps"].any()


def test_a_backward_through_a_graph_from_before_the_step_is_refused():
    w = leaf([1.0, 2.0])
    optimizer = optim.SGD([w], lr=0.1)
    loss = (w * w).sum()
    give([w])
    optimizer.step()
    with pytest.raises(GraphError):
        loss.backward()


def test_a_graph_through_a_parameter_that_had_no_gradient_stays_good():
    w, b = leaf([1.0, 2.0]), leaf([3.0])
    optimizer = optim.SGD([w, b], lr=0.1)
    loss = (b * b).sum()
    give([w])
    optimizer.step()
    loss.backward()
    assert b.grad.item() == 6.0


def test_a_step_inside_a_trace_is_pure_and_its_numbers_are_inputs():
    tensors = pair()
    optimizer = optim.SGD(tensors, lr=0.1, momentum=0.9)
    give(tensors)
    before = [np.array(t.numpy()) for t in tensors]

    def traced(x):
        optimizer.step()
        return x

    program = ag.trace(traced)(np.ones(2))
    assert [v.name for v in program.inputs[1:]] == ["SGD.lr", "SGD.momentum"]
    assert all((t.numpy() == b).all() for t, b in zip(tensors, before, strict=True))
    written = {id(t) for v, t in program.captures if v in dict(program.writes)}
    slots = [t for v, t in program.captures if v.role == "slot"]
    assert written == {id(t) for t in (*tensors, *slots)}
    assert len(slots) == len(tensors)
    assert optimizer.updates == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_named_and_nothing_is_changed(bad):
    tensors = pair()
    optimizer = optim.SGD([{"params": tensors[:1]}, {"params": tensors[1:]}], lr=0.1, momentum=0.9)
    give(tensors)
    tensors[1].grad = ag.tensor([0.0, bad, bad])
    with pytest.raises(
        AnomalyError,
        match=r"SGD.step: the gradient of parameter 1 \('b'\), shape \(3,\), is not finite in 2 of 3 "
        r"elements, at step 1. No parameter was changed. Lower the learning rate",
    ):
        optimizer.step()
    assert all((t.numpy() == 1).all() for t in tensors)
    assert optimizer.updates == 0


def test_a_step_may_be_skipped_or_made_blindly():
    tensors = pair()
    optimizer = optim.SGD(tensors, lr=0.1, nonfinite="skip")
    give(tensors, np.nan)
    optimizer.step()
    assert (optimizer.updates, optimizer.skipped) == (0, 1)
    assert all((t.numpy() == 1).all() for t in tensors)
    give(tensors)
    optimizer.step()
    assert (optimizer.updates, optimizer.skipped) == (1, 1)
    optimizer = optim.SGD(tensors, lr=0.1, nonfinite="ignore")
    give(tensors, np.nan)
    optimizer.step()
    assert np.isnan(tensors[0].numpy()).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_large_gradients_whose_squares_overflow_are_finite(dtype):
    w = leaf(np.ones(3), dtype)
    optimizer = optim.SGD([w], lr=0.0)
    w.grad = ag.tensor(np.full(3, np.finfo(dtype).max))
    optimizer.step()
    assert optimizer.updates == 1


def test_nonfinite_is_one_of_three_words():
    with pytest.raises(
        ConfigError, match="SGD: nonfinite: expected one of 'raise', 'skip', 'ignore'"
    ):
        optim.SGD(pair(), lr=0.1, nonfinite="warn")


def test_lr_reads_and_sets_all_groups():
    w, b = pair()
    optimizer = optim.SGD([{"params": [w]}, {"params": [b]}], lr=0.1)
    assert optimizer.lr == 0.1
    optimizer.lr = 0.2
    assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.2]
    optimizer.param_groups[0]["lr"] = 0.3
    with pytest.raises(ConfigError, match=r"the groups differ: \[0.2, 0.3\]"):
        _ = optimizer.lr
    with pytest.raises(ConfigError, match="SGD: lr: expected"):
        optimizer.lr = -1


def test_slots_are_seen_and_not_touched():
    w, b = pair()
    optimizer = optim.Adam([w, b], lr=0.1)
    give([w, b])
    optimizer.step()
    slots = optimizer.slots_of(b)
    np.testing.assert_allclose(slots["m"], 0.1)
    assert slots["v"].shape == (3,)
    with pytest.raises(ValueError, match="read-only"):
        slots["m"][0] = 1
    with pytest.raises(
        ConfigError, match=r"slots_of: the tensor of shape \(1,\) is none of its parameters"
    ):
        optimizer.slots_of(leaf([1.0]))


# --- state ------------------------------------------------------------------------------------


def stepped(cls=optim.Adam, steps=3, **options):
    tensors = pair()
    optimizer = cls(
        [{"params": tensors[:1]}, {"params": tensors[1:], "weight_decay": 0.1}], **options
    )
    for k in range(steps):
        give(tensors, k + 1.0)
        optimizer.step()
    return optimizer, tensors


def test_a_state_is_a_copy():
    optimizer, tensors = stepped()
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    give(tensors)
    optimizer.step()
    for name, array in before["arrays"].items():
        np.testing.assert_array_equal(state["arrays"][name], array)


def test_a_state_puts_values_that_had_been_set_back():
    optimizer, _ = stepped(optim.SGD, lr=0.1, momentum=0.9)
    state = optimizer.state_dict()
    assert state["arrays"].keys() == {"steps", "velocity.0", "velocity.1"}
    other, _ = stepped(optim.SGD, lr=0.5)
    other.load_state_dict(state)
    assert [dict(g) for g in other.param_groups] == [dict(g) for g in optimizer.param_groups]
    plain = stepped(optim.SGD, lr=0.5)[0].state_dict()
    optimizer.load_state_dict(plain)
    optimizer.param_groups[0]["momentum"] = 0.9
    assert not optimizer.slots_of(optimizer.params[0])["velocity"].any()


def test_every_fault_of_a_state_is_in_one_error_and_nothing_is_changed():
    optimizer, _ = stepped()
    state = copy.deepcopy(optimizer.state_dict())
    arrays = state["arrays"]
    arrays["m.0"] = np.zeros((3, 2))
    arrays["v.0"] = arrays["v.0"].astype(np.float32)
    arrays["m.7"] = arrays.pop("m.1")
    arrays["steps"] = np.array([-1, 3])
    before = optimizer.state_dict()
    with pytest.raises(StateError) as caught:
        optimizer.load_state_dict(state)
    for fault in (
        "wrong shape: m.0: expected (2, 3), received (3, 2)",
        "wrong dtype: v.0: expected float64, received float32",
        "missing: m.1",
        "unexpected: m.7",
        "steps: expected 2 counts",
        "nothing was changed",
    ):
        assert fault in str(caught.value)
    for name, array in optimizer.state_dict()["arrays"].items():
        np.testing.assert_array_equal(array, before["arrays"][name])


def test_a_state_of_another_class_other_groups_or_other_parameters_is_refused():
    optimizer, tensors = stepped()
    state = stepped(optim.SGD, lr=0.1)[0].state_dict()
    with pytest.raises(StateError, match="class: expected Adam, received SGD") as caught:
        optimizer.load_state_dict(state)
    assert "group 0: missing hyperparameter 'delta'" in str(caught.value)
    assert "group 1: unexpected hyperparameter 'momentum'" in str(caught.value)
    with pytest.raises(StateError, match="groups: expected 1, received 2"):
        optim.Adam(tensors).load_state_dict(optimizer.state_dict())
    with pytest.raises(
        StateError, match=r"parameter 0: expected b of shape \(3,\), float64, received W of shape"
    ):
        optim.Adam(tensors[::-1]).load_state_dict(optim.Adam(tensors).state_dict())
    with pytest.raises(StateError, match="group 0: expected 1 parameters, received 2"):
        optim.Adam(tensors[:1]).load_state_dict(optim.Adam(tensors).state_dict())


def test_a_state_with_a_value_outside_its_range_is_refused():
    optimizer, _ = stepped()
    state = optimizer.state_dict()
    state["scalars"]["groups"][1]["gamma"] = 1.5
    with pytest.raises(StateError, match="group 1: Adam: gamma: expected a finite number"):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize(
    "state", [{}, {"arrays": {}}, {"arrays": {}, "scalars": {"groups": 3}}, 3, None]
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(StateError, match="not a state of an optimizer"):
        stepped()[0].load_state_dict(state)


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"]
)
def test_a_copy_with_its_model_goes_on_alike_and_apart(again):
    optimizer, tensors = stepped()
    other, others = again((optimizer, tensors))
    assert all(a is b for a, b in zip(other.params, others, strict=True))
    for each, owned in ((optimizer, tensors), (other, others)):
        give(owned, 2.0)
        each.step()
    for a, b in zip(tensors, others, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert not np.shares_memory(a.numpy(), b.numpy())
    assert other.updates == optimizer.updates == 4


# --- text -------------------------------------------------------------------------------------


def test_its_repr_tells_groups_and_hyperparameters():
    w, b = pair()
    assert repr(optim.SGD([w, b], lr=0.1)) == (
        "SGD(2 parameters of 9 numbers, lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0, "
        "dampening=0.0, eta='inside')"
    )
    two = optim.SGD([{"params": [w]}, {"params": [b], "lr": 0.2, "maximize": True}], lr=0.1)
    assert repr(two).splitlines()[2] == (
        "  1: 1 parameter of 3 numbers, maximize=True, lr=0.2, momentum=0.0, nesterov=False, "
        "weight_decay=0.0, dampening=0.0, eta='inside'"
    )


class Bold(optim.Optimizer):
    """A rate that grows while the loss falls, and is halved when it has risen."""

    lr: NonNegative

    @classmethod
    def slots(cls, options):
        return ("rate", "before")

    @staticmethod
    def update(theta, g, rate, before, *, step, lr, loss):
        rate = ag.where(step == 1, lr, ag.where(loss > before, rate / 2, rate * 1.1))
        return theta - rate * g, rate, loss + 0 * rate


@pytest.mark.parametrize("jit", [False, True])
def test_a_rule_that_names_the_loss_is_told_it(jit):
    w = ag.tensor([3.0, -1.0], requires_grad=True)
    optimizer = Bold([w], lr=0.1)
    assert optimizer.compares_losses
    seen, rates = [], []

    def step():
        optimizer.zero_grad()
        loss = ag.sum(w * w)
        loss.backward()
        optimizer.step(loss)
        return loss

    run = ag.jit(step, backend="numpy") if jit else step
    for _ in range(40):
        seen.append(run().item())
        rates.append(optimizer.slots_of(w)["rate"][0])
    grown = np.diff(seen) <= 0
    np.testing.assert_allclose(
        rates, 0.1 * np.cumprod([1.0, *np.where(grown, 1.1, 0.5)]), rtol=1e-12
    )
    assert not grown.all()
    with pytest.raises(ConfigError, match=r"Bold\.step: its rule compares losses"):
        optimizer.step()


def test_loss_is_no_name_for_a_hyperparameter():
    with pytest.raises(TypeError, match=r"Named.loss: expected another name"):

        class Named(optim.Optimizer):
            loss: NonNegative

            @staticmethod
            def update(theta, g, *, step, loss):
                return (theta - loss * g,)


@pytest.mark.parametrize("name", ["updates", "skipped", "carried", "params", "step", "nonfinite"])
def test_no_hyperparameter_is_called_like_what_every_optimizer_has(name):
    with pytest.raises(TypeError, match=f"{name}: expected another name"):
        type("Named", (optim.Optimizer,), {"__annotations__": {name: bool}, name: False})


def test_its_own_attributes_are_those_whose_names_are_taken():
    """What an instance sets is not seen in the class, where hyperparameters stand: each such name is refused."""
    made = set(vars(optim.SGD([leaf([1.0])], lr=0.1)))
    assert {name for name in made if not name.startswith("_")} == {"updates", "skipped", "carried"}
