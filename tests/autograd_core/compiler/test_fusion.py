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
