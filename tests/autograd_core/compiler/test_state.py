"""Writes of state in place: whatever else reads it, and in whatever order, the old value is read."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.kernels import Nest

SHAPES = [(), (1,), (7,), (6, 6), (1, 6, 1, 6)]


def state(shape, seed=0):
    rng = np.random.default_rng(seed)
    return [ag.tensor(np.asarray(rng.normal(size=shape))) for _ in range(3)]


# What a step does to a, b, c and returns.
STEPS = {
    "swap": lambda a, b, c: ([(a, b), (b, a)], []),
    "rotate": lambda a, b, c: ([(a, b), (b, c), (c, a)], []),
    "swap of new values": lambda a, b, c: ([(a, b * 2), (b, a * 3)], []),
    "chain": lambda a, b, c: ([(a, ag.tanh(b)), (b, ag.tanh(c)), (c, ag.tanh(a))], []),
    "old value returned": lambda a, b, c: ([(a, a * 2)], [a]),
    "new value returned": lambda a, b, c: ([(a, a * 2)], [a * 2]),
    "both returned": lambda a, b, c: ([(a, a * 2)], [a, a * 2, a * 2]),
    "old value kept elsewhere": lambda a, b, c: ([(a, a + 1), (b, a)], []),
    "one new value for all": lambda a, b, c: ([(a, b * c), (b, b * c), (c, b * c)], [b * c]),
    "one number for all": lambda a, b, c: ([(a, c * 0 + 2), (b, ag.cast(c * 0, float) + 2)], []),
    "a sum over the old": lambda a, b, c: ([(a, a - ag.mean(a))], [ag.sum(a)]),
    "a sum over the new": lambda a, b, c: ([(a, ag.tanh(a))], [ag.sum(ag.tanh(a)), ag.sum(a)]),
    "read again later": lambda a, b, c: ([(a, a + b)], [ag.sum(ag.exp(c + ag.sum(b)) * a)]),
    "unchanged": lambda a, b, c: ([(a, a), (b, b * 1)], [a]),
    "the smallest of old and new": lambda a, b, c: ([(a, a + b), (b, ag.minimum(a, a + b))], [b]),
    "a number of another kind": lambda a, b, c: ([(a, ag.cast(b > 0, float))], [b > 0]),
}  # fmt: skip
MATRICES = {
    "transpose": lambda a, b, c: ([(a, a.T)], []),
    "transpose of the new": lambda a, b, c: ([(a, ag.tanh(a.T))], [a]),
    "flip": lambda a, b, c: ([(a, a[::-1])], []),
    "roll": lambda a, b, c: ([(a, ag.roll(a, 1))], []),
    "shift": lambda a, b, c: ([(a, ag.concatenate([a[1:], a[:1] * 0]))], []),
    "product with itself": lambda a, b, c: ([(a, a @ a)], []),
    "product and its epilogue": lambda a, b, c: ([(a, a - 0.1 * (b.T @ ag.tanh(b @ a)))], [a @ b]),
    "rows": lambda a, b, c: ([(a, a - ag.max(a, axis=1, keepdims=True))], []),
    "row of itself": lambda a, b, c: ([(a, a + a[0])], []),
    "column of itself": lambda a, b, c: ([(a, a * a[:, :1])], []),
    "diagonal": lambda a, b, c: ([(a, a * ag.diagonal(a))], []),
    "running sums": lambda a, b, c: ([(a, ag.cumsum(a, 0))], [ag.cumsum(a, 1)]),
    "gathered": lambda a, b, c: ([(a, ag.take(a, np.array([5, 0, 3, 3, 1, 2]), 0))], [a[2]]),
    "sorted by NumPy": lambda a, b, c: ([(a, ag.sort(a, axis=0)), (b, a)], []),
    "reshaped": lambda a, b, c: ([(a, a.T.reshape(6, 6)), (b, a.reshape(3, 12).T.reshape(6, 6))], []),
}  # fmt: skip
CASES = [(name, rule, shape) for name, rule in STEPS.items() for shape in SHAPES] + [
    (name, rule, (6, 6)) for name, rule in MATRICES.items()
]


@pytest.mark.parametrize(
    ("rule", "shape"),
    [pytest.param(rule, shape, id=f"{name} {shape}") for name, rule, shape in CASES],
)
@pytest.mark.parametrize("checked", [False, True])
def test_every_read_is_of_the_value_before_the_step(native, rule, shape, checked):
    leaves = state(shape)

    def step(i):
        writes, outputs = rule(*leaves)
        for target, value in writes:
            # As all at once: the rule has read everything before.
            target.assign(value)
        return [*outputs, i[i]] if checked else outputs

    index = np.array([0, 1])
    run = native(step, index)
    for _ in range(3):
        outputs, writes = run.expected(index)
        for found, wanted in zip(run(index), outputs, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
        for leaf, wanted in writes:
            np.testing.assert_allclose(leaf.numpy(), wanted, rtol=1e-12, atol=1e-13)


def test_swaps_swap(native):
    a, b, _ = state((4,))
    before = a.numpy().copy(), b.numpy().copy()

    def step():
        old = a * 1
        a.assign(b)
        b.assign(old)

    run = native(step)
    run()
    np.testing.assert_array_equal(a.numpy(), before[1])
    np.testing.assert_array_equal(b.numpy(), before[0])
    run()
    np.testing.assert_array_equal(a.numpy(), before[0])


def stores(run, place):
    return [
        n
        for n, k in enumerate(run.kernels)
        if isinstance(k, Nest) and any(a.buffer.place == place and how == "store" for a, how in k.accesses())
    ]  # fmt: skip


def test_a_write_is_in_the_kernel_of_its_value_where_nobody_needs_the_old(native):
    a, b, _ = state((50,))

    def step():
        a.assign(a * 0.9 + b)
        return ag.sum(b)

    run = native(step)
    assert len(run.kernels) == 1
    assert stores(run, "state") == [0]


def test_writes_come_after_the_checks(native):
    a, b, _ = state((50,))

    def step(i):
        a.assign(a * 0.9 + b)
        return b[i]

    run = native(step, np.array([1]))
    barrier = run.runner.schedule.barrier
    assert barrier > 0
    assert min(stores(run, "state")) >= barrier
    assert max(stores(run, "output")) < barrier


def test_an_update_in_single_precision_is_cast_to_its_leaf(native):
    w = ag.tensor(np.ones(5, np.float32))

    def step(x):
        w.assign(w + x)

    run = native(step, np.full(5, 0.1))
    run(np.full(5, 0.1))
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w.numpy(), np.full(5, np.float32(1.1)))
