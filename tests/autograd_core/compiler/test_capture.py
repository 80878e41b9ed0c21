"""What a capture writes down, and that it changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.compiler.capture import capture
from autograd_core.context import CONTEXT
from autograd_core.errors import CaptureError
from autograd_core.trees import flatten


def captured(function, *args, **options):
    leaves, structure = flatten((args, {}))
    return capture(function, leaves, structure, title="f", **options)


def linear():
    model = nn.Linear(2, 1, rng=np.random.default_rng(0), dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)

    def step(x):
        optimizer.zero_grad()
        loss = ag.sum(ag.square(model(x)))
        loss.backward()
        optimizer.step()
        return loss

    return model, optimizer, step


def test_nothing_has_happened_after_a_capture():
    model, optimizer, step = linear()
    x = np.ones((3, 2))
    before = {**model.state_dict(), **optimizer.state_dict()["arrays"]}
    found = captured(step, x)
    after = {**model.state_dict(), **optimizer.state_dict()["arrays"]}
    assert before.keys() == after.keys()
    assert all((before[k] == after[k]).all() for k in before)
    assert all(t.grad is None for t in model.parameters())
    assert optimizer.updates == 0
    assert len(found.program.writes) == 4  # two parameters, a velocity each
    assert len(found.checks) == 1


def test_inputs_are_arrays_then_numbers_and_outputs_end_in_the_checks():
    _, optimizer, step = linear()
    found = captured(step, np.ones((3, 2)))
    assert found.arguments == 1
    assert [v.name for v in found.program.inputs] == ["x", "SGD.lr", "SGD.momentum"]
    assert [f() for f in found.scalars] == [0.1, 0.5]
    optimizer.lr = 0.25
    assert [f() for f in found.scalars] == [0.25, 0.5]
    assert len(found.program.outputs) == 2
    assert found.program.outputs[-1].dtype == np.bool_
    assert found.program.outputs[-1].shape == ()


def test_the_count_of_steps_is_a_number_that_grows():
    w = ag.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([w], lr=0.1)

    def step():
        optimizer.zero_grad()
        ag.sum(w * w).backward()
        optimizer.step()

    found = captured(step)
    names = [v.name for v in found.program.inputs]
    assert found.increments[names.index("Adam.step")] == 1.0
    assert sum(found.increments) == 1.0
    assert found.scalars[names.index("Adam.step")]() == 1.0
    assert found.structure is not None
    assert found.results[0].value is None


def test_slots_are_leaves_in_the_arenas_memory_always_the_same():
    _, optimizer, step = linear()
    first, second = captured(step, np.ones((3, 2))), captured(step, np.ones((3, 2)))
    slots = [t for v, t in first.program.captures if v.role == "slot"]
    assert {id(t) for t in slots} < {id(t) for _, t in second.program.captures}
    arena = optimizer.param_groups[0].arenas[0]
    for t in slots:
        assert np.shares_memory(t._value, arena._flat("velocity"))
    optimizer.load_state_dict(optimizer.state_dict())  # makes the slots anew
    for t in slots:
        assert np.shares_memory(t._value, arena._flat("velocity"))
    assert first.identity == second.identity


@pytest.mark.parametrize("where", ["before", "within", "after"])
def test_an_exception_leaves_everything_as_it_was(where):
    model = nn.Sequential(
        nn.Linear(2, 4, rng=np.random.default_rng(0)),
        nn.BatchNorm1d(4),
        nn.Dropout(0.5, rng=np.random.default_rng(0)),
    )
    optimizer = optim.Adam(model.parameters())
    ag.sum(model(np.ones((3, 2), np.float32))).backward()
    grads = [t.grad for t in model.parameters()]
    before, states = model.state_dict(), optimizer.state_dict()

    def step(x):
        if where == "before":
            model.eval()
            raise KeyError(where)
        optimizer.zero_grad()
        loss = ag.sum(model(x))
        if where == "within":
            model[0].training = False
            raise KeyError(where)
        loss.backward()
        optimizer.step()
        raise KeyError(where)

    context = CONTEXT.get()
    with pytest.raises(KeyError, match=where):
        ag.jit(step, backend="numpy")(np.ones((3, 2), np.float32))
    assert CONTEXT.get() is context
    assert all(module.training for module in model.modules())
    assert all(t.grad is g for t, g in zip(model.parameters(), grads, strict=True))
    assert all((before[k] == v).all() for k, v in model.state_dict().items())
    assert optimizer.state_dict()["scalars"] == states["scalars"]
    assert not optimizer.state_dict()["arrays"]["steps"].any()


@pytest.mark.parametrize(
    ("ask", "question"),
    [
        (lambda x: bool(ag.sum(x) > 0), "bool"),
        (lambda x: float(ag.sum(x)), "float"),
        (lambda x: int(ag.sum(x)), "int"),
        (lambda x: ag.sum(x).item(), "item"),
        (lambda x: np.asarray(x), "np.asarray"),
        (lambda x: x.numpy(), "data"),
        (lambda x: x.tolist(), "data"),
        (lambda x: 1 if ag.sum(x) > 0 else 0, "bool"),
    ],
)
def test_asking_for_values_is_an_error_with_the_line_and_what_to_do(ask, question):
    with pytest.raises(
        CaptureError, match=f"{question}.*test_capture.py:.*ag.where, return the tensor"
    ):
        ag.jit(ask, backend="numpy")(np.ones(3))


def test_values_of_captured_tensors_are_as_unknown_as_those_of_arguments(weight):
    for ask in (
        lambda: float(weight[0]),
        lambda: weight.numpy(),
        lambda: bool((weight.detach() > 0).sum() > 1),
        lambda: weight.tolist(),
        lambda: np.asarray(weight * 2),  # which eagerly would cut a gradient
        lambda: ag.tensor(weight).item() if weight.size == 1 else ag.tensor(weight).numpy(),
    ):
        with pytest.raises(CaptureError, match="has no values yet"):
            ag.jit(ask, backend="numpy")()


def test_lengths_and_shapes_are_known():
    @ag.jit(backend="numpy")
    def f(x):
        assert len(x) == 3
        assert x.shape == (3, 2)
        return sum(row for row in x)

    np.testing.assert_array_equal(f(np.ones((3, 2))).numpy(), [3, 3])


def test_a_write_to_an_argument_is_refused():
    @ag.jit(backend="numpy")
    def f(x):
        x.assign(x + 1)

    with pytest.raises(CaptureError, match=r"writes to its argument 'x'.*Return the new values"):
        f(ag.tensor([1.0]))


def test_what_cannot_be_handed_out_is_refused():
    with pytest.raises(CaptureError, match=r"the step returned object.*make the object outside"):
        ag.jit(lambda x: object(), backend="numpy")(np.ones(2))


def test_parameters_and_buffers_are_not_made_within():
    class Lazy(nn.Module):
        def forward(self, x):
            if "scale" not in self.__dict__:
                self.register_buffer("scale", np.ones(2))
            return x * self.scale

    class Later(nn.Module):
        def forward(self, x):
            self.weight = ag.tensor([1.0], requires_grad=True)
            return x * self.weight

    for kind, what in ((Lazy, "scale: a buffer"), (Later, "weight: a parameter")):
        with pytest.raises(CaptureError, match=f"{what} is made inside of a compiled step"):
            ag.jit(kind(), backend="numpy")(np.ones(2))
    layer = Lazy()
    layer(np.ones(2))
    np.testing.assert_array_equal(ag.jit(layer, backend="numpy")(np.ones(2)).numpy(), [1, 1])


def test_tensors_made_within_may_be_written_and_differentiated_by():
    @ag.jit(backend="numpy")
    def f(x):
        total = ag.tensor(np.zeros(2))
        with ag.no_grad():
            for row in x:
                total += row
        w = ag.tensor(np.ones(2), requires_grad=True)
        ag.sum(w * w * total).backward()
        v = ag.tensor(total, requires_grad=True)
        ag.sum(v * v).backward()
        return total, w.grad, v.grad

    for _ in range(2):
        a, b, c = f(np.ones((3, 2)))
        np.testing.assert_array_equal(a.numpy(), [3, 3])
        np.testing.assert_array_equal(b.numpy(), [6, 6])
        np.testing.assert_array_equal(c.numpy(), [6, 6])


def test_a_leaf_that_was_written_is_read_as_it_is_now_and_its_gradient_is_its_own(weight):
    x = np.array([1.0, 2.0, 3.0])

    def step(x):
        ag.sum(weight * x).backward()
        with ag.no_grad():
            weight.assign(weight - 0.1 * weight.grad)
        weight.grad = None
        loss = ag.sum(weight * weight * x)
        loss.backward()
        return loss, weight.grad

    twin = np.array(weight.numpy())
    loss, grad = ag.jit(step, backend="numpy")(x)
    after = twin - 0.1 * x
    np.testing.assert_allclose(weight.numpy(), after, rtol=1e-15)
    np.testing.assert_allclose(grad.numpy(), 2 * after * x, rtol=1e-15)
    np.testing.assert_allclose(loss.item(), (after * after * x).sum(), rtol=1e-15)


def test_a_leaf_written_and_returned_is_returned_as_it_is_now(weight):
    @ag.no_grad()
    def step():
        weight.assign(weight + 1)
        return weight

    np.testing.assert_array_equal(ag.jit(step, backend="numpy")().numpy(), [2, -1, 4])
    np.testing.assert_array_equal(weight.numpy(), [2, -1, 4])


def test_a_shape_that_does_not_fit_is_said_as_in_eager(weight):
    def step(x):
        weight.assign(x)

    for function in (step, ag.jit(step, backend="numpy")):
        with pytest.raises(
            ag.ShapeError, match=r"assign: expected values of shape \(3,\); received \(2,\)"
        ):
            function(np.ones(2))
