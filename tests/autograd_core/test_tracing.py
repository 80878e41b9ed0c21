from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag


def test_the_text_of_a_program_is_what_was_recorded():
    program = ag.trace(ag.grad(lambda w: ag.sum(ag.exp(w))), "gradient")(np.ones(3))
    assert str(program) == (
        "program gradient(a: float64[3] ‹w›)\n"
        "  forward\n"
        "    b  float64[3]  = exp a\n"
        "  backward\n"
        "    c  float64[]   = cast 1 dtype=float64\n"
        "    d  float64[3]  = broadcast_to c shape=(3,)\n"
        "  backward of b (exp)\n"
        "    e  float64[3]  = multiply d b\n"
        "  return e"
    )


def test_a_program_computes_what_the_function_computes(rng):
    w, x = rng.normal(size=(3, 2)), rng.normal(size=(4, 3))

    def f(tree):
        hidden = ag.tanh(tree["x"] @ tree["w"])
        return {"mean": ag.mean(hidden, 0), "pair": (hidden.sum(), [hidden[1:, 0]])}

    found = ag.trace(f)({"x": x, "w": w})(x, w)
    hidden = np.tanh(x @ w)
    np.testing.assert_allclose(found["mean"], hidden.mean(0))
    np.testing.assert_allclose(found["pair"][0], hidden.sum())
    np.testing.assert_allclose(found["pair"][1][0], hidden[1:, 0])


def test_one_trace_stands_for_every_size(rng):
    (batch, width) = ag.dims("B D")

    def normalised(z):
        centred = z - ag.mean(z, 0)
        return ag.sum((centred / ag.sqrt(ag.mean(ag.square(centred), 0) + 1e-5)) ** 3)

    program = ag.trace(ag.grad(normalised))(ag.Abstract((batch, width)))
    for shape in ((2, 1), (5, 3), (1, 4)):
        z = rng.normal(size=shape)
        np.testing.assert_allclose(program(z), ag.grad(normalised)(z).data, rtol=1e-12, atol=1e-12)


def test_sizes_of_inputs_must_agree():
    (batch,) = ag.dims("B")
    program = ag.trace(lambda a, b: a + b)(ag.Abstract((batch,)), ag.Abstract((batch,)))
    with pytest.raises(ag.ShapeError, match=r"with {'B': 2}"):
        program(np.ones(2), np.ones(3))
    with pytest.raises(ag.ShapeError, match="expected 2 inputs"):
        program(np.ones(2))


def test_tracing_has_no_effect():
    state = ag.tensor([1.0, 2.0], name="running mean", role="buffer")
    x = ag.tensor(3.0, requires_grad=True)

    def step(z):
        state.assign(0.9 * state + 0.1 * z)
        loss = (x * z * state).sum()
        loss.backward()
        return loss, x.grad

    program = ag.trace(step)(np.ones(2))
    assert state.data.tolist() == [1, 2]
    assert x.grad is None
    (target, value) = program.writes[0]
    assert target.name == "running mean"
    values = program.values(np.array([10.0, 20.0]))
    np.testing.assert_allclose(values[value], [1.9, 3.8])
    loss, gradient = program(np.array([10.0, 20.0]))
    np.testing.assert_allclose(loss, 3 * (19 + 76))
    np.testing.assert_allclose(gradient, 19 + 76)
    assert "write" in str(program)


@pytest.mark.parametrize(
    ("function", "question"),
    [
        (lambda x: x if x.sum() > 0 else -x, r"bool\(tensor\)"),
        (lambda x: x * float(x.sum()), r"float\(tensor\)"),
        (lambda x: x * x.sum().item(), "item"),
        (lambda x: x * np.asarray(x), "np.asarray"),
        (lambda x: x * x.data, r"Tensor\.data"),
        (lambda x: x[x > 0], r"t\[index\]"),
    ],
)
def test_asking_a_traced_array_for_values_is_a_capture_error(function, question):
    with pytest.raises(ag.CaptureError, match=f"{question}.*has no values yet"):
        ag.trace(function)(np.ones(2))


def test_a_python_float_becomes_a_weak_number():
    program = ag.trace(lambda theta, lr: theta - ag.sqrt(1 - lr) * theta)(
        np.ones(2, np.float32), 0.5
    )
    assert program.inputs[1].weak
    assert program.applications[-1].result.dtype == np.float32
    assert program(np.ones(2, np.float32), 0.19).dtype == np.float32
    np.testing.assert_allclose(program(np.ones(2, np.float32), 0.19), 0.1, rtol=1e-6)


def test_ints_and_flags_are_passed_on():
    program = ag.trace(lambda x, n, flag: x**n if flag else x)(np.full(2, 3.0), 2, flag=True)
    assert len(program.inputs) == 1
    assert program(np.full(2, 3.0)).tolist() == [9, 9]


def test_dead_code_is_left_out():
    def f(x):
        ag.exp(x)
        return x * 2

    assert [s.primitive.name for s in ag.trace(f)(np.ones(2))] == ["multiply"]


def test_a_function_must_return_tensors():
    with pytest.raises(ag.ConfigError, match="returned str"):
        ag.trace(lambda x: "no")(np.ones(2))


def test_buffer_assignment_in_a_traced_function_is_named():
    def f(x):
        buffer = np.zeros(2)
        buffer[0] = x[0]
        return ag.sum(buffer)

    with pytest.raises(ag.CaptureError):
        ag.trace(f)(np.ones(2))


def test_program_as_function_runs_on_tensors_again(rng):
    program = ag.trace(lambda x: ag.sum(ag.tanh(x) ** 2))(np.ones(3))
    x = rng.normal(size=3)
    found = ag.grad(program.as_function())(x)
    np.testing.assert_allclose(found.data, 2 * np.tanh(x) * (1 - np.tanh(x) ** 2))


def test_detached_values_stay_connected_in_a_program():
    f = lambda x: ag.sum(x.detach() * x)  # noqa: E731
    program = ag.trace(ag.value_and_grad(f))(np.ones(2))
    value, gradient = program(np.array([2.0, 3.0]))
    assert (value, gradient.tolist()) == (13, [2, 3])
