from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import autograd_core as ag


class Layer(NamedTuple):
    weight: object
    bias: object


def test_gradients_have_the_nesting_of_the_arguments(rng):
    params = {"layers": [Layer(rng.normal(size=(3, 2)), np.zeros(2))], "scale": np.array(2.0)}
    x = rng.normal(size=(4, 3))

    def loss(p, x):
        layer = p["layers"][0]
        return ag.sum(ag.tanh(ag.affine(x, layer.weight, layer.bias)) * p["scale"])

    value, gradient = ag.value_and_grad(loss)(params, x)
    assert type(gradient["layers"][0]) is Layer
    hidden = np.tanh(x @ params["layers"][0].weight)
    np.testing.assert_allclose(value.item(), 2 * hidden.sum())
    np.testing.assert_allclose(gradient["scale"].item(), hidden.sum())
    np.testing.assert_allclose(gradient["layers"][0].weight.data, x.T @ (2 * (1 - hidden**2)))


def test_argnums_choose_the_arguments():
    f = lambda a, b: ag.sum(a * b)  # noqa: E731
    ga, gb = ag.grad(f, (0, 1))(np.array([2.0]), np.array([5.0]))
    assert (ga.item(), gb.item()) == (5, 2)
    assert ag.grad(f, 1)(np.array([2.0]), np.array([5.0])).item() == 2
    assert ag.grad(f, -1)(np.array([2.0]), np.array([5.0])).item() == 2
    with pytest.raises(ag.ConfigError, match="argnums"):
        ag.grad(f, 2)(1.0, 1.0)


def test_nested_derivatives_do_not_confuse_their_perturbations():
    def outer(x):
        inner = ag.grad(lambda y: x * y)
        return x * inner(x)

    assert ag.grad(outer)(3.0).item() == 6
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(2.0).item() == 1


def test_third_derivatives():
    f = lambda x: x**4  # noqa: E731
    assert ag.grad(ag.grad(ag.grad(f)))(2.0).item() == 48


def test_results_are_detached_unless_something_outside_needs_them():
    w = ag.tensor(3.0, requires_grad=True)
    assert not ag.grad(lambda x: x * x)(2.0).requires_grad
    g = ag.grad(lambda x: w * x * x)(2.0)
    g.backward()
    assert w.grad.item() == 4
    with ag.no_grad():
        assert not ag.grad(lambda x: w * x * x)(2.0).requires_grad


def test_an_unreachable_argument_is_an_error_or_zeros():
    f = lambda a, b: ag.sum(a)  # noqa: E731
    with pytest.raises(ag.UnreachableError, match='unreachable="zero"'):
        ag.grad(f, (0, 1))(np.ones(2), np.ones(3))
    _, zero = ag.grad(f, (0, 1), unreachable="zero")(np.ones(2), np.ones(3))
    assert zero.data.tolist() == [0, 0, 0]
    with pytest.raises(ag.UnreachableError):
        ag.grad(lambda a: ag.sum(np.ones(2)))(1.0)
    with pytest.raises(ag.ConfigError, match="unreachable"):
        ag.grad(f, unreachable="ignore")


@pytest.mark.parametrize(
    ("function", "error", "match"),
    [
        (lambda x: x, ag.ShapeError, "returned shape"),
        (lambda x: 1.0, ag.ShapeError, "returned float"),
        (lambda x: float(ag.sum(x)), ag.NotDifferentiableError, "cut the gradient"),
        (lambda x: ag.sum(np.asarray(x)), ag.NotDifferentiableError, "cut the gradient"),
    ],
)
def test_what_a_differentiated_function_may_not_do(function, error, match):
    with pytest.raises(error, match=match):
        ag.grad(function)(np.ones(2))


def test_writing_into_a_plain_array_is_named():
    def f(x):
        buffer = np.zeros(2)
        buffer[0] = x[0]
        return ag.sum(buffer)

    with pytest.raises(ag.NotDifferentiableError, match="cut the gradient"):
        ag.grad(f)(np.ones(2))


def test_integer_arguments_are_refused():
    with pytest.raises(ag.DTypeError, match=r"Write 1\.0 rather than 1"):
        ag.grad(lambda x: ag.sum(x))(np.ones(2, int))


def test_auxiliary_results_are_handed_through():
    (value, aux), gradient = ag.value_and_grad(lambda x: (ag.sum(x * x), {"x": x}), has_aux=True)(
        np.ones(2)
    )
    assert value.item() == 2
    assert aux["x"].data.tolist() == [1, 1]
    assert gradient.data.tolist() == [2, 2]


def test_vjp_pulls_back_many_times(rng):
    a, x = rng.normal(size=(2, 3)), rng.normal(size=3)
    value, pull = ag.vjp(lambda x: a @ x, x)
    np.testing.assert_allclose(value.data, a @ x)
    for u in np.eye(2):
        np.testing.assert_allclose(pull(u)[0].data, a.T @ u)
    with pytest.raises(ag.ShapeError, match=r"gradient has shape \(3,\)"):
        pull(np.ones(3))


def test_jvp_pushes_forward(rng):
    x, v = rng.normal(size=3), rng.normal(size=3)
    value, tangent = ag.jvp(lambda x: {"y": ag.tanh(x), "z": ag.sum(x * x)}, (x,), (v,))
    np.testing.assert_allclose(value["y"].data, np.tanh(x))
    np.testing.assert_allclose(tangent["y"].data, (1 - np.tanh(x) ** 2) * v)
    np.testing.assert_allclose(tangent["z"].data, 2 * x @ v)
    _, still = ag.jvp(lambda x: ag.sum(np.ones(2)) + 0 * ag.step(x), (1.0,), (1.0,))
    assert still.item() == 0


def test_jvp_can_be_differentiated():
    f = lambda x: ag.jvp(lambda y: y**3, (x,), (1.0,))[1]  # noqa: E731
    assert ag.grad(f)(2.0).item() == 12


def test_jacobian_has_output_then_input_axes(rng):
    a, x = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    found = ag.jacobian(lambda x: a @ x)(x)
    assert found.shape == (2, 4, 3, 4)
    np.testing.assert_allclose(found.data, np.einsum("ij,kl->ikjl", a, np.eye(4)))
    nested = ag.jacobian(lambda p: {"s": ag.sum(p[0]) * p[1]})([np.ones(2), 3.0])
    assert nested["s"][0].data.tolist() == [3, 3]
    assert nested["s"][1].item() == 2
    assert ag.jacobian(lambda x: ag.exp(x))(np.ones(0)).shape == (0, 0)


def test_a_jacobian_of_unreasonable_size_is_refused_before_it_is_computed():
    with pytest.raises(ag.ConfigError, match=r"8 GB.*ag\.hvp"):
        ag.jacobian(lambda x: x * 2)(np.ones(31_623))


def test_stop_gradient_and_detach():
    assert ag.grad(lambda x: x * ag.stop_gradient(x))(3.0).item() == 3
    assert ag.grad(lambda x: x * x.detach())(3.0).item() == 3
