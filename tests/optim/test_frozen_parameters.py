"""Frozen parameters: passed over by every optimizer, in the arena, compiled, and over a checkpoint."""

from __future__ import annotations

import copy
import functools

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import CaptureError, ConfigError, DTypeError, GraphError
from optim.contract import every_optimizer, variants
from optim.hyperparameters import NonNegative

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 2))


class Clipped(optim.Optimizer):
    """A step of a length below lr: its rule looks at all parameters at once."""

    scope = "all"
    lr: NonNegative

    @staticmethod
    def update(theta, g, *, step, lr):
        return (theta - lr * g / (ag.sqrt(ag.sum(g * g)) + 1),)


class ClippedEach(Clipped):
    scope = "parameter"


OPTIMIZERS = {
    "a rule over all": lambda p: Clipped(p, lr=0.1),
    "a rule over each": lambda p: ClippedEach(p, lr=0.1),
    **{
        f"{kind.__name__} {options}": functools.partial(kind, **options)
        for kind in every_optimizer()
        for options in (kind.examples[0], variants(kind)[-1])
    },
}


def net():
    return nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=np.float64), nn.Tanh(), nn.Linear(4, 2, rng=1, dtype=np.float64)
    )  # fmt: skip


def stepper(model, optimizer, jit):
    def step():
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X), Y).backward()
        optimizer.step()

    return ag.jit(step) if jit else step


def values(module):
    return {name: np.array(t.numpy()) for name, t in module.named_parameters()}


def same(a, b, tolerance=0.0):
    return all(np.allclose(a[k], b[k], rtol=tolerance, atol=tolerance) for k in a)


@pytest.fixture(params=OPTIMIZERS)
def make(request):
    return OPTIMIZERS[request.param]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("before", [False, True], ids=["frozen later", "frozen before"])
def test_a_frozen_layer_stays_and_the_rest_is_trained_as_if_alone(make, jit, before):
    model = net()
    model[0].requires_grad_(False)
    alone = copy.deepcopy(model)
    frozen = values(model[0])
    reference = stepper(alone, make([alone[2].weight, alone[2].bias]), jit=False)
    if not before:
        model.requires_grad_(True)
    optimizer = make(model.parameters())
    model[0].requires_grad_(False)
    step = stepper(model, optimizer, jit)
    for _ in range(3):
        step()
        reference()
    assert same(values(model[0]), frozen)
    assert same(values(model[2]), values(alone[2]), 1e-12)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("jit", [False, True])
def test_freezing_and_unfreezing_at_any_time(make, jit):
    model = net()
    optimizer = make(model.parameters())
    step = stepper(model, optimizer, jit)
    step()
    model[0].requires_grad_(False)
    held, slots = values(model[0]), copy.deepcopy(optimizer.slots_of(model[0].weight))
    free = values(model[2])
    step()
    step()
    assert same(values(model[0]), held)
    assert all(np.array_equal(slots[k], v) for k, v in optimizer.slots_of(model[0].weight).items())
    assert not same(values(model[2]), free)
    model[0].requires_grad_(True)
    step()
    assert not same(values(model[0]), held)
    # Its count of steps went on from where it was: 2 updates, where the others have had 4.
    assert sorted(optimizer.state_dict()["arrays"]["steps"].tolist()) == [2, 2, 4, 4]


@pytest.mark.parametrize("jit", [False, True])
def test_a_gradient_that_was_left_behind_moves_nothing(make, jit):
    model = net()
    optimizer = make(model.parameters())
    nn.functional.mse_loss(model(X), Y).backward()
    model.requires_grad_(False)
    model[2].bias.requires_grad_(True)
    held = values(model[0])
    assert model[0].weight.grad is not None
    (ag.jit(optimizer.step) if jit else optimizer.step)()
    assert same(values(model[0]), held)


def test_an_infinite_gradient_of_a_frozen_parameter_is_no_anomaly():
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    model[0].weight.grad = ag.tensor(np.full((3, 4), np.inf))
    model[0].requires_grad_(False)
    optimizer.step()


def test_a_whole_model_may_be_frozen_at_first(make):
    model = net().requires_grad_(False)
    optimizer = make(model.parameters())
    optimizer.step()
    model[2].requires_grad_()
    held = values(model[0])
    stepper(model, optimizer, jit=False)()
    assert same(values(model[0]), held)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("jit", [False, True])
def test_fit_and_checkpoints_go_on_bit_for_bit(make, jit, tmp_path):
    def run(epochs, **options):
        model = net()
        model[0].requires_grad_(False)
        optimizer = make(model.parameters())
        optim.fit(
            model, nn.MSELoss(), optimizer, (X, Y), epochs=epochs, batch_size=4, rng=0, jit=jit, **options
        )  # fmt: skip
        return model, optimizer

    path = tmp_path / "run"
    run(2, checkpoint=path)
    (resumed, optimizer), (whole, other) = run(4, resume=path), run(4)
    assert same(values(resumed), values(whole))
    assert same(values(whole[0]), values(net()[0]))
    a, b = optimizer.state_dict()["arrays"], other.state_dict()["arrays"]
    assert all(np.array_equal(a[k], b[k]) for k in b)


def test_copies_and_files_keep_what_is_frozen_apart_from_the_state(tmp_path):
    import pickle

    model = net()
    model[0].requires_grad_(False)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert [t.requires_grad for t in again.parameters()] == [False, False, True, True]
        assert list(again.state_dict()) == list(net().state_dict())
    model.save(tmp_path / "net")
    fresh = net()
    fresh.load(tmp_path / "net")  # numbers only: what is frozen is said by the program
    assert all(t.requires_grad for t in fresh.parameters())


def test_fit_says_that_everything_is_frozen():
    model = net().requires_grad_(False)
    for jit in (False, True):
        with pytest.raises(ConfigError, match=r"fit: the loss depends on no parameter .*frozen"):
            optim.fit(
                model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), (X, Y), epochs=1, batch_size=4,
                jit=jit,
            )  # fmt: skip


def test_what_is_no_parameter_is_refused_still():
    for wrong, what in (
        (nn.BatchNorm1d(2).running_mean, "a buffer"),
        (ag.tensor([1, 2]), "of dtype int64"),
    ):
        with pytest.raises(ConfigError, match=rf"SGD: parameter 1.* is no parameter but {what}"):
            optim.SGD([ag.tensor([1.0], requires_grad=True), wrong], lr=0.1)
    with pytest.raises(ConfigError, match="none of the 1 parameters requires a gradient"):
        optim.SGD([ag.tensor([1.0])], lr=0.1)


def test_a_tensor_is_frozen_by_itself():
    t = ag.tensor([1.0, 2.0])
    assert t.requires_grad_() is t
    assert t.requires_grad
    ag.sum(t * t).backward()
    assert t.grad.tolist() == [2.0, 4.0]
    assert not ag.sum(t.requires_grad_(False) * 2).requires_grad
    with pytest.raises(DTypeError, match="int64 has no gradient"):
        ag.tensor([1]).requires_grad_()
    t.requires_grad_()
    y = t * 2
    with pytest.raises(
        GraphError, match=r"requires_grad_: only a leaf may be asked; .*computed by multiply"
    ):
        y.requires_grad_(False)


def test_in_a_compiled_step_only_what_is_made_there_is_asked():
    outside = ag.tensor([1.0])

    def freezes(x):
        outside.requires_grad_()
        return ag.sum(x * outside)

    with pytest.raises(CaptureError, match="requires_grad_: inside of a compiled step"):
        ag.jit(freezes)(np.ones(1))
    assert not outside.requires_grad

    def inner(x):
        leaf = ag.tensor(x).requires_grad_()
        ag.sum(leaf**3).backward()
        return leaf.grad

    assert ag.jit(inner)(np.array([2.0])).tolist() == inner(np.array([2.0])).tolist() == [12.0]
