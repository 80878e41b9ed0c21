"""Convolutions and pooling as native code: each beside the same without compiling, whatever the options.

A case is a network of one or two of them with an activation: its value and gradients, the product of its
Hessian with a vector, or a batch of batches by `vmap`. What is not finite must be where it is in eager mode.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F
from nn.functional.convolutions import convolved

pytest.importorskip("llvmlite")


def pooled(y, size, step, padding, how):
    """Maxima or sums over windows, laid out as convolutions are."""
    axes = y.ndim - 2
    if how in ("max_pool", "avg_pool"):
        return getattr(F, f"{how}{axes}d")(y, size, step, padding)
    y = ag.transpose(y, (*range(1, axes + 2), 0))
    if padding:
        nothing = -np.inf if how == "max" else 0.0
        y = ag.pad(y, [(0, 0), *[(padding, padding)] * axes, (0, 0)], constant_values=nothing)
    for axis in range(1, axes + 1):
        y = ag.windows(y, axis, size, step)
    y = (ag.max if how == "max" else ag.sum)(y, axis=tuple(range(-axes, 0)))
    return ag.transpose(y, (axes + 1, *range(axes + 1)))


class Case:
    """Sizes, options and numbers, drawn from a seed."""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.axes = axes = draw.choice([1, 2, 2, 2])
        groups = draw.choice([1, 1, 1, 2, 3])
        batch = draw.choice([1, 2, 3, 8, 9, 16])
        inputs, outputs = (
            groups * draw.choice([1, 1, 2, 3, 5, 8]),
            groups * draw.choice([1, 2, 4, 7, 16]),
        )
        kernel = [draw.choice([1, 2, 3, 5]) for _ in range(axes)]
        steps = [draw.choice([1, 1, 2, 3]) for _ in range(axes)]
        between = [draw.choice([1, 1, 2]) for _ in range(axes)]
        zeros = [draw.choice([0, 0, 1, 2]) for _ in range(axes)]
        lengths = [
            draw.randint(max(1, d * (k - 1) + 1 - 2 * p), 15)
            for k, d, p in zip(kernel, between, zeros, strict=True)
        ]
        self.options = steps, zeros, between, groups
        self.dtype = draw.choice([np.float32, np.float64])
        self.activation = draw.choice([lambda y: y, F.relu, ag.tanh])
        self.pool = draw.choice(
            [
                None,
                None,
                (2, 2, 0, "max"),
                (3, 2, 1, "max"),
                (2, 1, 0, "sum"),
                (2, 3, 0, "max"),
                (2, 2, 0, "max_pool"),
                (3, 2, 1, "max_pool"),
                (2, 1, 0, "avg_pool"),
            ]
        )
        self.second = draw.random() < 0.5
        self.asked = draw.choice(["gradients", "gradients", "gradients", "product", "vmap"])
        numbers = np.random.default_rng(seed)
        shapes = [
            (batch, inputs, *lengths), (outputs, inputs // groups, *kernel), (outputs,),
            (3, outputs, *[1] * axes),
        ]  # fmt: skip
        self.arrays = [numbers.normal(size=shape).astype(self.dtype) for shape in shapes]
        if draw.random() < 0.25:
            self.arrays[draw.randrange(2)].flat[0] = draw.choice([np.nan, np.inf, -np.inf, -0.0])

    def network(self, x, weight, bias, second):
        y = self.activation(convolved("network", self.axes, x, weight, bias, self.options))
        if self.pool and min(y.shape[2:]) + 2 * self.pool[2] >= self.pool[0]:
            y = pooled(y, *self.pool)
        return convolved("network", self.axes, y, second, None, (1, 0, 1, 1)) if self.second else y

    def loss(self, *arrays):
        y = self.network(*arrays)
        return ag.sum(y * y) + 0 * ag.sum(arrays[-1])

    def function(self):
        x, *others = self.arrays
        if self.asked == "vmap":
            return ag.vmap(lambda x: self.network(x, *others)), [np.stack([x, x + 1])]
        if self.asked == "product":
            product = ag.hvp(lambda arrays: self.loss(*arrays))
            return lambda *arrays: product(list(arrays), list(arrays)), self.arrays
        return ag.value_and_grad(self.loss, (0, 1, 2, 3)), self.arrays


def leaves(found):
    if isinstance(found, (list, tuple)):
        return list(itertools.chain.from_iterable(map(leaves, found)))
    return [found.numpy()]


def check(seed):
    case = Case(seed)
    function, arrays = case.function()
    with np.errstate(all="ignore"):
        expected = leaves(function(*arrays))
        found = leaves(ag.jit(function, backend="native")(*arrays))
    for got, want in zip(found, expected, strict=True):
        assert got.dtype == want.dtype
        finite = np.isfinite(want)
        size = max(1.0, np.abs(want[finite]).max(initial=0.0))
        bound = size * (1e-11 if case.dtype == np.float64 else 2e-3)
        np.testing.assert_allclose(
            got[finite], want[finite], rtol=0, atol=bound, err_msg=f"seed {seed}"
        )
        np.testing.assert_array_equal(got[~finite], want[~finite], err_msg=f"seed {seed}")


@pytest.mark.parametrize("seed", range(10))
def test_compiled_convolutions_are_those_of_eager_mode(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 400, 25))
def test_many_compiled_convolutions_are_those_of_eager_mode(seed):
    for one in range(seed, seed + 25):
        check(one)


@pytest.mark.parametrize(
    ("subscripts", "first", "second"),
    [
        ("bhqd,bhkd->bhqk", (2, 3, 5, 4), (2, 3, 6, 4)),
        ("abc,cbd->da", (4, 5, 6), (6, 5, 7)),
        ("aib,ajb->ijab", (3, 4, 5), (3, 6, 5)),
        ("xaby,bzay->xz", (2, 8, 9, 8), (9, 3, 8, 8)),
    ],
)
def test_letters_need_not_lie_side_by_side(subscripts, first, second):
    numbers = np.random.default_rng(0)
    arrays = numbers.normal(size=first), numbers.normal(size=second)

    def loss(a, b):
        a, b = (ag.transpose(ag.tanh(ag.transpose(x))) for x in (a, b))
        return ag.sum(ag.sin(ag.einsum(subscripts, a, b)))

    function = ag.value_and_grad(loss, (0, 1))
    found = leaves(ag.jit(function, backend="native")(*arrays))
    for got, want in zip(found, leaves(function(*arrays)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_short_windows_are_folded_place_by_place(backend):
    x = np.random.default_rng(0).normal(size=(3, 20, 30, 4))

    def loss(x):
        y = [f(ag.windows(ag.tanh(x), 1, 2, 2), -1) for f in (ag.max, ag.sum)]
        y += [
            f(ag.windows(ag.windows(x, 1, 3), 2, 3), (-2, -1), keepdims=True)
            for f in (ag.max, ag.sum)
        ]
        return sum(ag.sum(ag.square(one)) for one in y)

    function = ag.value_and_grad(loss)
    found = leaves(ag.jit(function, backend=backend)(x))
    for got, want in zip(found, leaves(function(x)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def products(function, *arrays):
    """The kernels of products in what a function is compiled to, and its other kernels."""
    step = ag.jit(function, backend="native")
    step(*arrays)
    kernels = ag.jit.explain(step).kernels
    return [k for k in kernels if k.name == "product"], [k for k in kernels if k.name != "product"]


def test_windows_are_read_where_they_are_and_gradients_added_where_they_belong():
    numbers = np.random.default_rng(0)
    x, weight, bias = (numbers.normal(size=s) for s in ((8, 4, 9, 9), (16, 4, 3, 3), (16,)))

    def loss(x, weight, bias):
        y = F.relu(convolved("loss", 2, x, weight, bias, (1, 1, 1, 1)))
        return ag.sum(ag.where(y > 1, y, y * y))

    found, others = products(ag.value_and_grad(loss, (0, 1, 2)), x, weight, bias)
    assert found[0].steps[:3] == ("product", "add", "relu")
    assert (
        len(found) == 3
    )  # forward, and a gradient each; nothing beside them is as large as columns
    assert "sum over axes" in found[1].steps + found[2].steps
    assert max(k.bytes for k in others) < 8 * 36 * 648


def test_pooling_with_its_gradient_is_two_loops():
    x = np.random.default_rng(0).normal(size=(4, 6, 8, 8))

    def loss(x):
        return ag.sum(ag.square(pooled(ag.tanh(ag.transpose(x, (0, 1, 3, 2))), 2, 2, 0, "max")))

    found, others = products(ag.grad(loss), x)
    assert not found
    assert len(others) <= 4, others
