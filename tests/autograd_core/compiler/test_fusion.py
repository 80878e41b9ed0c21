"""What becomes one loop; that it computes the same, the tests of primitives and programs say."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.kernels import Call, Nest, Repeat

x = np.random.default_rng(0).normal(size=(6, 40))
w = np.random.default_rng(1).normal(size=(40, 8))
b = np.random.default_rng(2).normal(size=8)


def kernels(native, function, *args):
    """The kernels of a function, which computes what NumPy does."""
    step = native(function, *args)
    for found, wanted in zip(step(*args), step.expected(*args)[0], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
    return step.kernels


def loops(found):
    return [k for k in found if isinstance(k, Nest)]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ag.tanh(x) * ag.exp(-x * x) + 1,
        lambda x: ag.sum(ag.tanh(x) * x),
        lambda x: (ag.sum(x * x, axis=0), ag.max(x, axis=1), ag.sum(x)),
        lambda x: (ag.tanh(x), ag.sum(ag.tanh(x), axis=1)),
        lambda x: (2 * x).T * x.T,
        lambda x: ag.broadcast_to(x, (3, 6, 40)) * 2 + x,
        lambda x: ag.tanh(x).reshape(2, 3, 40) * x.reshape(2, 3, 40),
        lambda x: x[::2, 1:] + x[1::2, :-1],
        lambda x: ag.where(x > 0, x, ag.exp(x) - 1),
    ],
)
def test_one_loop(native, function):
    (kernel,) = kernels(native, function, x)
    assert isinstance(kernel, Nest)


def test_views_are_no_work(native):
    found = kernels(native, lambda x: x.T[::-1].reshape(8, 5, 6)[:, 1:, ::2] * 2, x)
    assert len(found) == 1


def test_what_surrounds_a_product_is_done_on_its_tiles(native):
    found = kernels(native, lambda x, w, b: ag.tanh(x @ w + b) * 2, x, w, b)
    (kernel,) = found
    assert kernel.product is not None
    assert (kernel.product.m, kernel.product.n, kernel.product.k) == (6, 8, 40)
    assert len(kernel.body) > 4


def test_transposes_are_operands_of_products(native):
    found = kernels(native, lambda x, w: (w.T @ x.T, x.T @ x, ag.einsum("ij,kj->ik", x, x)), x, w)
    assert sum(k.product is not None for k in found) == 3
    assert all(k.product is not None for k in found)


def test_a_sum_that_is_needed_ends_a_loop(native):
    found = kernels(native, lambda x: x - ag.mean(x, axis=0), x)
    assert sum(k.sizes == [6, 40] for k in loops(found)) == 2


def test_an_update_happens_where_the_gradient_is_made(native):
    weight = ag.tensor(w.copy())

    def step(x):
        with ag.no_grad():
            weight.assign(weight - 0.1 * (x.T @ ag.tanh(x @ weight)))
        return ag.sum(x)

    run = native(step, x)
    expected = w - 0.1 * (x.T @ np.tanh(x @ w))
    run(x)
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-12)
    products = [k for k in run.kernels if isinstance(k, Nest) and k.product is not None]
    assert len(products) == 2
    last = products[-1]
    assert any(a.buffer.place == "state" and how == "store" for a, how in last.accesses())


def test_loops_are_loops(native):
    def running(x):
        return ag.scan(lambda c, row: (ag.tanh(c + row), c * row), ag.tensor(np.zeros(40)), x)

    found = kernels(native, running, x)
    assert sum(isinstance(k, Repeat) for k in found) == 1
    assert not any(isinstance(k, Call) for k in found)


def test_a_kernel_has_no_more_statements_than_llvm_likes(native):
    def long(x):
        for k in range(1, 600):
            x = ag.tanh(x) + k
        return x

    found = kernels(native, long, x)
    assert 4 <= len(found) <= 12
    assert max(len(k.body) for k in found) < 400


def test_an_expression_with_its_value_and_gradients_is_one_loop_and_numbers(native):
    def loss(x, w):
        return ag.mean(ag.tanh(x * w) * ag.exp(-x * x) + ag.log1p(x * x))

    def derived(x, w):
        return ag.value_and_grad(loss, (0, 1))(x, w)

    first, *rest = kernels(native, derived, x, 2 * x)
    assert first.sizes == [6, 40]
    assert all(k.sizes == [] for k in rest)
    computed = [one.primitive.name for one in first.body if hasattr(one, "primitive")]
    for name in ("tanh", "exp", "log1p"):
        assert computed.count(name) == 1


@pytest.mark.parametrize(
    ("function", "sweeps"),
    [
        (lambda x: ag.softmax(x, 1), 3),  # the largest, the sum, the quotients
        (lambda x: ag.logsumexp(x, axis=1), 2),
        (lambda x: (x - ag.mean(x, axis=0)) / ag.sqrt(ag.var(x, axis=0) + 1e-5), 3),
        (lambda x: x / ag.sqrt(ag.sum(x * x)), 2),
    ],
)
def test_what_goes_over_all_elements_does_so_as_often_as_it_must(native, function, sweeps):
    found = loops(kernels(native, function, x))
    assert sum(np.prod(k.sizes) == x.size for k in found) == sweeps


def test_an_output_twice_and_views_of_it_are_memory_of_their_own(native):
    def several(x):
        y = ag.tanh(x)
        return y, y, y.T, y.reshape(-1), y[1:], x, x

    step = native(several, x)
    found = step(x)
    for k, a in enumerate(found):
        a += k + 1  # none of the others sees it
    for k, (a, wanted) in enumerate(zip(found, step.expected(x)[0], strict=True)):
        np.testing.assert_allclose(a, wanted + k + 1, rtol=1e-12)
    assert x.max() < 10


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 5), (5, 1), (1, 1), (1, 0)])
def test_axes_of_no_and_of_one_element(native, shape):
    def several(x):
        return [
            ag.sum(x), ag.sum(x, axis=0), ag.sum(x, axis=1, keepdims=True), x + x[:, :1], x.T @ x, x @ x.T,
            ag.softmax(x, 0) if x.shape[0] else x, ag.cumsum(x, 1), ag.concatenate([x, x], 0), x[::-1].T * 2,
            ag.pad(x, 1), ag.broadcast_to(x, (3, *x.shape)) * 2, x.reshape(-1) * x.reshape(-1),
        ]  # fmt: skip

    given = np.random.default_rng(3).normal(size=shape)
    if shape[1] == 0:
        with pytest.raises(ag.errors.AutogradError):
            native(lambda x: ag.max(x, axis=1), given)
    kernels(native, several, given)


def test_a_comparison_of_numbers_is_one_or_nought(native):
    def chosen(x, s):
        return ag.where(s > 0.5, x, -x), (s > 0.5) * 2.0, ag.where(s < 0, 1.0, s)

    step = native(chosen, x, 0.7)
    for s in (0.7, 0.3, -1.0):
        for found, wanted in zip(step(x, s), step.expected(x, s)[0], strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_loop_in_single_precision_stays_there(native):
    single = x.astype(np.float32)

    def running(x):
        zero = ag.tensor(np.zeros(40, np.float32))
        return ag.scan(lambda c, row: (ag.tanh(c + row), c * row), zero, x)

    step = native(running, single)
    for found, wanted in zip(step(single), step.expected(single)[0], strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
