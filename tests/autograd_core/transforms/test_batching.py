"""vmap: options, nestings, errors. That each primitive is right under it stands in tests/contracts."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import Abstract
from autograd_core.kinds import View
from autograd_core.primitives import REGISTRY, primitive


class Layer(NamedTuple):
    weight: object
    bias: object


def same(found, wanted, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(found.detach()), wanted, rtol=rtol, atol=1e-13)


# --- axes and nestings --------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "out"), list(itertools.product((0, 1, -1), (0, 1, -1))))
def test_axes_go_in_and_come_out_where_asked(rng, axis, out):
    x = rng.normal(size=(3, 4, 3))
    x = np.moveaxis(x, 0, axis)
    found = ag.vmap(lambda t: ag.exp(t).T, axis, out)(x)
    same(found, np.moveaxis(np.swapaxes(np.exp(np.moveaxis(x, axis, 0)), 1, 2), 0, out))


def test_arguments_and_results_are_nestings(rng):
    params = {"layers": [Layer(rng.normal(size=(5, 3, 2)), rng.normal(size=(2,)))]}
    x = rng.normal(size=(4, 5, 3))
    axes = ({"layers": [Layer(0, None)]}, 1)

    def f(p, x, scale):
        layer = p["layers"][0]
        y = x @ layer.weight + layer.bias
        return {"y": y * scale, "same": layer.bias, "none": None}

    found = ag.vmap(
        lambda p, x, scale=None: f(p, x, scale), axes, {"y": 1, "same": None, "none": 0}
    )(params, x, scale=np.arange(5.0))
    weight, bias = params["layers"][0]
    same(found["y"], np.einsum("bni,nio->bno", x, weight) * np.arange(5.0)[:, None] + bias * np.arange(5.0)[:, None])  # fmt: skip
    assert found["same"].shape == (2,)
    assert found["none"] is None


def test_what_does_not_depend_on_the_mapped_arguments_is_repeated(rng):
    found = ag.vmap(lambda x: (ag.tensor(2.0), 3, np.ones(2), x))(np.zeros(4))
    assert [f.shape for f in found] == [(4,), (4,), (4, 2), (4,)]
    assert found[1].data.tolist() == [3] * 4


def test_results_have_memory_of_their_own():
    x = np.ones((2, 3))
    found = ag.vmap(lambda t: t)(x)
    x[:] = 7
    assert found.data.max() == 1
    t = ag.tensor(np.ones((2, 3)))
    found = ag.vmap(lambda t: t[1:])(t)
    with ag.no_grad():
        t += 1
    assert found.data.max() == 1


def test_nothing_mapped_of_size_zero():
    found = ag.vmap(lambda x: (ag.sum(x), ag.linalg.solve_sylvester(x, x, x)))(np.ones((0, 2, 2)))
    assert [f.shape for f in found] == [(0,), (0, 2, 2)]


def test_vmap_nests_with_itself(rng):
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    pairwise = ag.vmap(ag.vmap(lambda x, y: ag.sum(x * y), (None, 0)), (0, None))
    same(pairwise(a, b), a @ b.T)
    other = ag.vmap(ag.vmap(lambda x, y: ag.sum(x * y), (None, 0), 0), (0, None), 1)
    same(other(a, b), b @ a.T)


# --- with derivatives ---------------------------------------------------------------------------


def network(w, x):
    hidden = ag.tanh(ag.affine(x, ag.reshape(w[:6], (2, 3)), w[6:9]))
    return ag.sum(ag.sigmoid(hidden @ w[9:12]) * x[..., 0])


def test_gradients_of_every_element_are_those_of_a_loop(rng):
    w, xs = rng.normal(size=12), rng.normal(size=(7, 2))
    found = ag.vmap(ag.grad(network), (None, 0))(w, xs)
    same(found, np.stack([ag.grad(network)(w, x).data for x in xs]))


@pytest.mark.parametrize(
    "derive",
    [
        lambda f: ag.grad(f),
        lambda f: ag.hessian(f),
        lambda f: ag.jacobian(ag.grad(f)),
        lambda f: lambda w, x: ag.hvp(f)(w, x, w * 2),
        lambda f: lambda w, x: ag.vjp(lambda u: f(u, x), w)[1](np.array(1.5))[0],
        lambda f: lambda w, x: ag.jvp(lambda u: f(u, x), (w,), (w * w,))[1],
        lambda f: ag.grad(lambda w, x: ag.sum(ag.square(ag.grad(f)(w, x)))),
    ],
    ids=["grad", "hessian", "jacobian", "hvp", "vjp", "jvp", "third"],
)
def test_vmap_of_a_derivative_and_a_derivative_of_vmap(rng, derive):
    w, xs = rng.normal(size=12), rng.normal(size=(4, 2))
    single = [np.asarray(derive(network)(w, x)) for x in xs]
    same(ag.vmap(derive(network), (None, 0))(w, xs), np.stack(single), 1e-9)

    program = ag.trace(ag.vmap(derive(network), (None, 0)))(w, xs)
    np.testing.assert_allclose(program(w, xs), np.stack(single), rtol=1e-9, atol=1e-13)
    at_once = derive(lambda w, xs: ag.sum(ag.vmap(network, (None, 0))(w, xs)))
    loop = derive(lambda w, xs: sum(network(w, xs[k]) for k in range(4)))
    same(at_once(w, xs), np.asarray(loop(w, xs)), 1e-9)


def test_closed_over_tensors_get_their_gradients(rng):
    w = ag.tensor(rng.normal(size=(3, 2)), requires_grad=True)
    scale = ag.tensor(2.0, requires_grad=True)
    xs = rng.normal(size=(5, 3))
    deep = w * scale  # computed before: the function closes over a node, not a leaf
    ag.sum(ag.vmap(lambda x: ag.tanh(x @ deep))(xs)).backward()
    u = ag.tensor(w.data, requires_grad=True)
    v = ag.tensor(2.0, requires_grad=True)
    ag.sum(ag.tanh(ag.tensor(xs) @ (u * v))).backward()
    same(w.grad, u.grad.data)
    same(scale.grad, v.grad.data)


def test_a_vmapped_function_inside_grad_sees_the_variable(rng):
    """Also where the variable is linked to something outside, as in second derivatives."""
    xs = rng.normal(size=5)
    f = lambda w: ag.sum(ag.vmap(lambda x: ag.sin(w * x) * w)(xs))  # noqa: E731
    by_hand = lambda w: ag.sum(ag.sin(w * xs) * w)  # noqa: E731
    for derive in (ag.grad, lambda g: ag.grad(ag.grad(g)), lambda g: ag.grad(ag.grad(ag.grad(g)))):
        same(derive(f)(0.7), derive(by_hand)(0.7).item(), 1e-9)


def test_a_derivative_inside_leaves_no_gradient_to_be_asked_for(rng):
    w, xs = rng.normal(size=12), rng.normal(size=(4, 2))
    found = ag.vmap(ag.grad(network), (None, 0))(w, xs)
    assert not found.requires_grad
    assert found.is_leaf
    steps, _ = ag.scan(lambda c, x: (c + ag.grad(network)(w, x), None), np.zeros(12), xs)
    assert not steps.requires_grad
    same(steps, found.data.sum(0))
    t = ag.tensor(w, requires_grad=True)
    ag.sum(ag.vmap(ag.grad(network), (None, 0))(t, xs)).backward()
    loop = ag.grad(lambda w: sum(ag.sum(ag.grad(network)(w, x)) for x in xs))
    same(t.grad, loop(w).data, 1e-9)


def test_a_traced_program_reads_captured_tensors_when_it_is_run(rng):
    w, xs = ag.tensor(rng.normal(size=12)), rng.normal(size=(4, 2))
    mapped = lambda xs: ag.vmap(lambda x: ag.grad(network)(w, x) * ag.exp(w))(xs)  # noqa: E731
    scanned = lambda xs: ag.scan(lambda c, x: (c + ag.grad(network)(w, x), None), np.zeros(12), xs)[0]  # noqa: E731  # fmt: skip
    programs = [ag.trace(f)(xs) for f in (mapped, scanned)]
    with ag.no_grad():
        w *= 2
    for program, f in zip(programs, (mapped, scanned), strict=True):
        np.testing.assert_allclose(program(xs), f(xs).data, rtol=1e-12)


def test_no_grad_is_kept(rng):
    w = ag.tensor(1.0, requires_grad=True)
    with ag.no_grad():
        assert not ag.vmap(lambda x: x * w)(np.ones(3)).requires_grad
        assert not ag.vmap(lambda x: w * 1.0)(np.ones(3)).requires_grad
    assert ag.vmap(lambda x: x * w)(np.ones(3)).requires_grad


def test_layers_may_be_mapped(rng):
    model = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 1, rng=rng))
    xs = rng.normal(size=(6, 3)).astype(np.float32)
    loss = lambda x: ag.sum(model(x) ** 2)  # noqa: E731
    rows = ag.vmap(ag.grad(loss))(xs)
    same(rows, np.stack([ag.grad(loss)(x).data for x in xs]), 1e-5)
    ag.sum(ag.vmap(loss)(xs)).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_dropout_layer_has_one_mask_for_all_and_draws_once(rng):
    layer = nn.Dropout(0.5, rng=rng)
    masks = ag.vmap(layer)(np.ones((4, 16)))
    assert (masks.data == masks.data[0]).all()
    again = ag.vmap(layer)(np.ones((4, 16)))
    assert (again.data != masks.data).any()


def test_random_bits_of_mapped_keys_are_drawn_row_by_row():
    keys = np.arange(6, dtype=np.uint64).reshape(3, 2)
    found = ag.vmap(lambda k: ag.random_bits(k, np.uint64(1), shape=(4,)))(keys)
    for row, key in zip(found.data, keys, strict=True):
        assert (row == ag.random_bits(key, np.uint64(1), shape=(4,)).data).all()


# --- programs -----------------------------------------------------------------------------------


def test_a_product_by_a_matrix_that_is_not_mapped_is_one_product(rng):
    w = rng.normal(size=(3, 2))
    program = ag.trace(ag.vmap(lambda x: x @ w))(rng.normal(size=(5, 4, 3)))
    products = [s for s in program if s.primitive.name == "matmul"]
    assert len(products) == 1
    assert products[0].result.shape == (20, 2)


def test_the_mapped_size_may_be_symbolic():
    N, D = ag.dims("N D")
    program = ag.trace(ag.vmap(ag.grad(lambda x: ag.sum(ag.tanh(x) * ag.softmax(x)))))(
        Abstract((N, D))
    )
    assert program.outputs[0].shape == (N, D)
    x = np.random.default_rng(0).normal(size=(3, 4))
    wanted = ag.grad(lambda x: ag.sum(ag.tanh(x) * ag.softmax(x, -1)))(x).data
    np.testing.assert_allclose(program(x), wanted, rtol=1e-12)
    labels = ag.trace(ag.vmap(lambda x, i: x[i]))(Abstract((N, D)), Abstract((N,), np.int64))
    assert labels(x, np.array([1, 0, 2])).tolist() == x[[0, 1, 2], [1, 0, 2]].tolist()
    with pytest.raises(ag.CaptureError, match=r"solve_sylvester is run row by row.*fixed shape"):
        ag.trace(ag.vmap(lambda a: ag.linalg.solve_sylvester(a, a, a)))(Abstract((N, 2, 2)))


def test_steps_keep_their_scope_and_phase(rng):
    model = nn.Sequential(nn.Linear(3, 1, rng=rng))
    program = ag.trace(ag.vmap(ag.grad(lambda x: ag.sum(model(x) ** 2))))(np.ones((4, 3)))
    assert any(s.scope and s.backward for s in program)
    assert any("Linear" in "/".join(s.scope) for s in program if not s.backward)


def test_a_primitive_without_a_rule_is_run_row_by_row(rng):
    @primitive(View(lambda x: (x[1], x[0])), vjp=lambda xp, g, y, x: xp.transpose(g, axes=(1, 0)))
    def turned_for_the_test(x: ag.ArrayLike):
        """A matrix transposed; counts its axes from the front."""
        return np.asarray(x).T

    try:
        x = rng.normal(size=(3, 2, 4))
        same(ag.vmap(turned_for_the_test)(x), x.swapaxes(1, 2))
        f = lambda x: ag.sum(ag.vmap(turned_for_the_test)(x) ** 3)  # noqa: E731
        same(ag.grad(f)(x), 3 * x**2)
    finally:
        del REGISTRY["turned_for_the_test"]


def test_patterns_of_indices(rng):
    """Index arrays side by side, apart, behind slices, with ints and None, against a loop."""
    x = rng.normal(size=(4, 5, 6, 7))
    i, j = np.array([[0, 1], [2, 3]]), np.array([1, 0])
    whole = slice(None)
    for index in (
        (i,), (whole, i), (whole, i, j), (i, whole, j), (whole, 1, i), (0, whole, i),
        (Ellipsis, i), (Ellipsis, i, j), (i, None, j), (None, i), (whole, i, whole, j),
        (slice(1, 3), i), (i, Ellipsis, j),
    ):  # fmt: skip
        xs = np.stack([x, x * 2, x * 3])
        rows = np.stack([r[index] for r in xs])
        same(ag.vmap(lambda r, index=index: r[index])(xs), rows)
        gradient = ag.grad(lambda r, index=index: ag.sum(ag.vmap(lambda u: u[index] ** 2)(r)))(xs)
        same(gradient, ag.grad(lambda r, index=index: sum(ag.sum(u[index] ** 2) for u in r))(xs).data)  # fmt: skip
        k = next(p for p, e in enumerate(index) if isinstance(e, np.ndarray))
        moved = np.stack([index[k], (index[k] + 1) % 4, index[k]])

        def at(r, m, index=index, k=k):
            return r[(*index[:k], m, *index[k + 1 :])]

        for r, axes in ((x, (None, 0)), (xs, (0, 0))):
            wanted = [np.asarray(at(r if axes[0] is None else r[n], moved[n])) for n in range(3)]
            same(ag.vmap(at, axes)(r, moved), np.stack(wanted))
            total = lambda r, axes=axes, at=at, moved=moved: ag.sum(ag.vmap(at, axes)(r, moved) ** 2)  # noqa: E731  # fmt: skip
            loop = lambda r, axes=axes, at=at, moved=moved: sum(ag.sum(at(r if axes[0] is None else r[n], moved[n]) ** 2) for n in range(3))  # noqa: E731  # fmt: skip
            same(ag.grad(total)(r), ag.grad(loop)(r).data)


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: ag.vmap(3), ag.ConfigError, r"vmap: expected a function"),
        (lambda x: ag.vmap(ag.exp)(1.0), ag.ShapeError, r"vmap of exp: .*without an axis 0"),
        (lambda x: ag.vmap(ag.exp, 2)(x), ag.ShapeError, r"shape \(2, 3\), without an axis 2"),
        (lambda x: ag.vmap(ag.exp)([1.0, 2.0]), ag.ShapeError, r"a list is a nesting"),
        (lambda x: ag.vmap(ag.add)(x, x.T), ag.ShapeError, r"sizes differ: .* 2 on axis 0, .* 3 on axis 0"),
        (lambda x: ag.vmap(ag.exp, None)(x), ag.ConfigError, r"nothing is mapped"),
        (lambda x: ag.vmap(ag.add, (0,))(x, x), ag.ConfigError, r"in_axes has 1 entries.*2 positional"),
        (lambda x: ag.vmap(ag.exp, ({"a": 0},))(x), ag.ConfigError, r"in_axes \{'a': 0\} does not fit"),
        (lambda x: ag.vmap(ag.exp, 0, 5)(x), ag.ConfigError, r"out_axes 5 is out of range"),
        (lambda x: ag.vmap(ag.exp, 0, None)(x), ag.ConfigError, r"out_axes is None .* depends on mapped"),
        (lambda x: ag.vmap(ag.exp, 0, (0, 1))(x), ag.ConfigError, r"out_axes \(0, 1\) does not fit"),
        (lambda x: ag.vmap(lambda t: t if t[0] > 0 else -t)(x), ag.CaptureError, r"vmap of lambda: bool.*outside of vmap"),
        (lambda x: ag.vmap(lambda t: t * t[0].item())(x), ag.CaptureError, r"vmap of lambda: Tensor.item"),
        (lambda x: ag.vmap(lambda t: ag.vmap(lambda u: float(u))(t))(x), ag.CaptureError, r"^vmap of lambda: float"),
        (lambda x: ag.vmap(lambda t: t[t > 0])(x), ag.CaptureError, r"vmap of lambda: t\[index\]"),
        (lambda x: ag.vmap(lambda t: "no")(x), ag.DTypeError, r"vmap"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call(np.ones((2, 3)))


def test_assigning_what_differs_along_the_axis_is_refused():
    total, count = ag.tensor(0.0, name="total"), ag.tensor(0.0)

    def both(x):
        count.assign(count + 1)
        total.assign(total + x)
        return x

    with pytest.raises(ag.ConfigError, match=r"differs along the mapped axis to the leaf 'total'"):
        ag.vmap(both)(np.ones(3))

    def once(x):
        count.assign(count + 1)
        return x + count

    assert ag.vmap(once)(np.ones(3)).data.tolist() == [count.item() + 1] * 3
    before = count.item()
    ag.trace(lambda x: ag.vmap(once)(x))(np.ones(3))
    assert count.item() == before


def test_backward_inside_is_refused():
    w = ag.tensor(1.0, requires_grad=True)
    with pytest.raises(ag.ConfigError, match=r"vmap of lambda: the function set \.grad.*ag\.grad"):
        ag.vmap(lambda x: (w * x).backward())(np.ones(3))
    assert w.grad is None


def test_errors_of_primitives_are_those_of_a_loop():
    with pytest.raises(ag.ShapeError, match="inner sizes differ"):
        ag.vmap(lambda x: x @ x)(np.ones((2, 3, 4)))
    with pytest.raises(ag.LinAlgError, match=r"singular|Singular"):
        ag.vmap(lambda a: ag.linalg.solve(a, np.ones(2)))(np.zeros((3, 2, 2)))
    with pytest.raises(ag.ShapeError, match="out of bounds"):
        ag.vmap(lambda x, i: x[i])(np.ones((3, 2)), np.array([0, 1, 7]))


# --- jacobian and hessian -----------------------------------------------------------------------


def rosenbrock(w):
    return ag.sum(100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2)


@pytest.mark.parametrize("n", [2, 7, 40, 300])
def test_the_hessian_is_that_of_one_product_a_column(rng, n):
    """Few rows, one by one; many at once; more, in chunks."""
    w = rng.normal(size=n)
    found = ag.hessian(rosenbrock)(w).data
    for k in (0, n // 2, n - 1):
        np.testing.assert_allclose(found[k], ag.hvp(rosenbrock)(w, np.eye(n)[k]).data, rtol=1e-10)
    np.testing.assert_allclose(found, found.T, rtol=1e-10)


def test_a_traced_hessian_is_a_program_of_a_few_dozen_steps(rng):
    x, t = rng.normal(size=(64, 2)), rng.normal(size=(64, 1))

    def loss(w):
        hidden = ag.tanh(ag.affine(x, ag.reshape(w[:16], (2, 8)), w[16:24]))
        return ag.mean((ag.affine(hidden, ag.reshape(w[24:32], (8, 1)), w[32:33]) - t) ** 2)

    w = rng.normal(size=33)
    program = ag.trace(ag.hessian(loss))(w)
    assert len(program) < 100
    np.testing.assert_allclose(program(w), ag.hessian(loss)(w).data, rtol=1e-9, atol=1e-12)


def test_jacobians_of_nested_arguments_and_results(rng):
    p = {"a": rng.normal(size=(4, 3)), "b": rng.normal(size=3), "unused": rng.normal(size=2)}
    f = lambda p: (p["a"] @ p["b"], ag.tanh(p["a"]) * 2)  # noqa: E731
    derive = ag.jacobian(f, unreachable="zero")
    found = derive(p)
    traced = ag.trace(derive)(p)(*p.values())
    for k in range(2):
        for name, shape in (("a", (4, 3)), ("b", (3,)), ("unused", (2,))):
            assert found[k][name].shape == (*f(p)[k].shape, *shape)
            np.testing.assert_allclose(traced[k][name], found[k][name].data, rtol=1e-12)
    same(found[0]["b"], p["a"])
    assert not found[1]["b"].data.any()
    assert found[0]["unused"].dtype == np.float64


def test_jacobians_nest_and_keep_gradients(rng):
    x = rng.normal(size=9)
    f = lambda x: ag.sin(x) * ag.sum(x * x)  # noqa: E731
    third = ag.jacobian(ag.jacobian(ag.grad(lambda x: ag.sum(ag.sin(x) * x))))(x).data
    index = np.arange(9)
    np.testing.assert_allclose(
        third[index, index, index], -3 * np.sin(x) - x * np.cos(x), rtol=1e-10
    )
    trace = lambda x: ag.sum(ag.jacobian(f)(x) * np.eye(9))  # noqa: E731
    assert ag.gradcheck(trace, x)
    w = ag.tensor(2.0, requires_grad=True)
    ag.sum(ag.jacobian(lambda x: ag.exp(w * x))(x)).backward()
    np.testing.assert_allclose(w.grad.item(), (np.exp(2 * x) * (1 + 2 * x)).sum())


def test_a_jacobian_at_symbolic_sizes():
    (N,) = ag.dims("N")
    program = ag.trace(ag.jacobian(lambda x: ag.tanh(x)))(Abstract((N,)))
    x = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(program(x), np.diag(1 - np.tanh(x) ** 2), rtol=1e-12)


def test_a_pullback_that_meets_a_non_finite_value_is_named_in_anomaly_mode():
    with ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match=r"sqrt|xdivy|divide"):
        ag.jacobian(lambda x: ag.sqrt(x * 0.0))(np.ones(20))
