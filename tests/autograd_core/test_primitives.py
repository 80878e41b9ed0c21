from __future__ import annotations

import inspect

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.primitives import REGISTRY


@pytest.mark.usefixtures("declared")
def test_one_declaration_is_all_that_a_new_primitive_needs():
    @ag.primitive(
        ag.Elementwise(lambda s, x: x * x * x), vjp=lambda xp, g, y, x: 3 * g * xp.square(x)
    )
    def cube(x: ag.ArrayLike):
        """``x ** 3``."""
        return x * x * x

    assert ag.gradcheck(cube, np.array([0.5, -2.0]))
    assert ag.gradgradcheck(cube, np.array([0.5, -2.0]))
    (batch,) = ag.dims("B")
    assert "cube a" in str(ag.trace(cube)(ag.Abstract((batch,))))
    assert inspect.getdoc(cube) == "``x ** 3``."
    assert repr(REGISTRY["cube"]) == "<primitive cube: Elementwise>"


def test_a_name_is_declared_once():
    with pytest.raises(ag.ConfigError, match="taken"):

        @ag.primitive(ag.Elementwise())
        def exp(x: ag.ArrayLike):
            return x


def test_there_is_a_rule_for_every_operand():
    with pytest.raises(ag.ConfigError, match="one VJP rule per operand, 2; received 1"):

        @ag.primitive(ag.Elementwise(), vjp=lambda xp, g, y, a: g)
        def two_operands(a: ag.ArrayLike, b: ag.ArrayLike):
            return a + b


@pytest.mark.usefixtures("declared")
def test_a_rule_that_asks_for_an_unknown_function_is_told_so():
    @ag.primitive(ag.Elementwise(), vjp=lambda xp, g, y, x: xp.nonsense(g))
    def lost(x: ag.ArrayLike):
        return x * 1

    with pytest.raises(AttributeError, match=r"xp\.nonsense"):
        ag.grad(lambda x: ag.sum(lost(x)))(np.ones(2))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: ag.add(np.ones(2), np.ones(3)),
            ag.ShapeError,
            r"add: .*\(2,\), \(3,\).*do not broadcast.*test_primitives\.py",
        ),
        (
            lambda: ag.matmul(np.ones((2, 3)), np.ones((2, 3))),
            ag.ShapeError,
            "inner sizes differ: 3 .* and 2",
        ),
        (lambda: ag.matmul(1.0, np.ones(2)), ag.ShapeError, "scalar operand"),
        (
            lambda: ag.affine(np.ones((2, 3)), np.ones((4, 2)), np.ones(2)),
            ag.ShapeError,
            "takes 4 inputs",
        ),
        (
            lambda: ag.affine(np.ones((2, 3)), np.ones((3, 2)), np.ones(3)),
            ag.ShapeError,
            "bias has size 3",
        ),
        (lambda: ag.sum(np.ones(2), axis=1), ag.ShapeError, "axis 1 is out of range"),
        (
            lambda: ag.sum(np.ones(2), axes=1),
            TypeError,
            r"received 1 positional arguments and \['axes'\]",
        ),
        (lambda: ag.max(np.ones((0, 2)), axis=0), ag.ShapeError, "over no elements"),
        (lambda: ag.reshape(np.ones(6), (4, 2)), ag.ShapeError, "6 elements cannot be arranged"),
        (lambda: ag.reshape(np.ones(6), (-1, -1)), ag.ShapeError, "one -1"),
        (lambda: ag.transpose(np.ones((2, 3)), (0, 0)), ag.ShapeError, "names one axis twice"),
        (lambda: ag.broadcast_to(np.ones(3), (2,)), ag.ShapeError, "do not broadcast"),
        (
            lambda: ag.concatenate([np.ones((2, 2)), np.ones((2, 3))]),
            ag.ShapeError,
            "differ off the axis 0",
        ),
        (lambda: ag.concatenate([]), ag.ShapeError, "nothing to join"),
        (lambda: ag.stack([np.ones(2), np.ones(3)]), ag.ShapeError, "one shape"),
        (lambda: ag.tensor(np.ones(3))[4], ag.ShapeError, "index 4 is out of range for size 3"),
        (lambda: ag.tensor(np.ones(3))[0, 0], ag.ShapeError, "2 indices for 1 dimensions"),
        (lambda: ag.tensor(np.ones(3))[1.5], ag.DTypeError, "index of dtype float64"),
        (lambda: ag.take(np.ones(3), 7), ag.ShapeError, "take: .*index 7 is out of bounds"),
        (lambda: ag.take_along_axis(np.ones((2, 3)), np.zeros(2, int)), ag.ShapeError, "rank"),
        (lambda: ag.take_along_axis(np.ones((2, 3)), np.zeros((2, 1))), ag.DTypeError, "integers"),
        (lambda: ag.einsum("ij->i->j", np.ones((2, 2))), ag.ShapeError, "one '->'"),
        (
            lambda: ag.einsum("ij,jk->ik", np.ones((2, 3)), np.ones((2, 3))),
            ag.ShapeError,
            "index 'j' has sizes 3 and 2",
        ),
        (lambda: ag.einsum("ij->k", np.ones((2, 3))), ag.ShapeError, "letters of the operands"),
        (lambda: ag.solve(np.ones((2, 3)), np.ones(2)), ag.ShapeError, "square matrix"),
        (lambda: ag.solve(np.zeros((2, 2)), np.ones(2)), ag.LinAlgError, "Singular matrix"),
        (lambda: ag.cumsum(np.ones((2, 2)), 2), ag.ShapeError, "cumsum: axis 2 is out of range"),
        (lambda: ag.cast(np.ones(2), complex), ag.DTypeError, "real or boolean"),
        (lambda: ag.clip(np.ones(2)), ag.ConfigError, "at least one bound"),
        (lambda: ag.one_hot(np.array([0, 3]), 3), ag.ShapeError, r"expected them in \[0, 3\)"),
        (lambda: ag.squeeze(np.ones((2, 1)), 0), ag.ShapeError, "not of size 1"),
        (lambda: ag.pad(np.ones((2, 2)), -1), ag.ShapeError, "not be negative"),
        (lambda: ag.mean(np.ones(2), axis=4), ag.ShapeError, "axis 4"),
        (lambda: ag.exp("a"), ag.DTypeError, "Expected a Tensor, an array or a number"),
        (lambda: ag.exp(None), ag.DTypeError, "NoneType"),
        (lambda: ag.add([ag.tensor(1.0)], 1.0), ag.DTypeError, r"ag\.stack"),
        (lambda: ag.exp(np.array(["a"])), ag.DTypeError, "exp"),
        (lambda: ag.exp(np.array([1j])), ag.DTypeError, "complex"),
    ],
)
def test_bad_operands_are_named(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (None, ag.ConfigError, "astray: a derivative rule gave None"),
        (2.5, ag.ConfigError, "astray: a derivative rule gave 2.5"),
        (np.ones((2, 2)), ag.ShapeError, r"astray: .* of shape \(2, 2\). .* own, \(3,\)"),
        (np.ones(5), ag.ShapeError, r"astray: .* of shape \(5,\)"),
    ],
)
def test_a_rule_that_gives_no_cotangent_is_named(given, error, said):
    @ag.primitive(ag.Elementwise(), vjp=lambda xp, g, y, x: given)
    def astray(x: ag.ArrayLike):
        return x * 1

    with pytest.raises(error, match=said):
        ag.grad(lambda x: ag.sum(astray(x)))(np.ones(3))


def test_a_primitive_of_several_outputs_gives_tensors():
    a = ag.tensor(np.diag([2.0, -3.0]), requires_grad=True)
    sign, logabsdet = ag.slogdet(a)
    assert sign.item() == -1
    logabsdet.backward()
    np.testing.assert_allclose(a.grad.data, np.diag([1 / 2, -1 / 3]))


def test_hashes_of_rules_change_with_the_rules():
    hashes = {p.rule_hash() for p in REGISTRY.values() if p.differentiable}
    assert len(hashes) > 20


@pytest.mark.parametrize("result", [[1.0, 2.0], None, "text", {}])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_forward_that_returns_no_array_is_named(declared, result, requires_grad):
    @ag.primitive(ag.Elementwise(lambda s, x: x), vjp=lambda xp, g, y, x: g)
    def strange(x: ag.ArrayLike) -> ag.Tensor:
        return result

    with pytest.raises(ag.DTypeError, match="strange: its forward returned"):
        strange(ag.tensor([1.0, 2.0], requires_grad=requires_grad))
