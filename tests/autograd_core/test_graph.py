"""The reverse walk: what it asks of nodes, in which order, and what it leaves behind."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import graph
from autograd_core.shelves import ARRAYS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "cotangent",
    [
        lambda n: np.random.default_rng(0).normal(size=(n, 3)),
        lambda n: np.random.default_rng(0).normal(size=(3, n)).T,  # not contiguous
        lambda n: np.broadcast_to(0.5, (n, 3)),  # no memory of its own
    ],
)
@pytest.mark.parametrize("rows", [0, 1, 32, 4096, 4097])
def test_a_bias_gets_the_sum_of_its_rows(rows, cotangent, dtype):
    g = cotangent(rows).astype(dtype, copy=False)
    found = graph.sum_to(ARRAYS, g, (3,))
    wanted = g.astype(np.float64).sum(axis=0)
    assert found.shape == (3,)
    assert found.dtype == dtype
    scale = np.abs(g.astype(np.float64)).sum(axis=0).max(initial=1.0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=8 * np.finfo(dtype).eps * scale)


def test_rows_that_are_not_finite_stay_in_their_column():
    g = np.ones((4, 3))
    g[1, 0], g[2, 2] = np.inf, np.nan
    np.testing.assert_array_equal(graph.sum_to(ARRAYS, g, (3,)), [np.inf, 4, np.nan])


def test_operands_are_given_in_order_and_with_repeats():
    x = ag.tensor(np.ones((2, 2)), requires_grad=True)
    w = ag.tensor(np.ones(2), requires_grad=True)
    for node, operands in [
        (ag.exp(x), (x,)),
        (x * x, (x, x)),
        (x - w, (x, w)),
        (2.0 - x, (2.0, x)),
        (x / 2, (x, 2)),
        (ag.affine(x, x, w), (x, x, w)),
        (ag.sum(x), (x,)),
        (x, ()),
    ]:
        found = graph.operands_of(node)
        assert len(found) == len(operands)
        assert all(
            a is b or (type(b) is not ag.Tensor and a == b)
            for a, b in zip(found, operands, strict=True)
        )


@pytest.mark.parametrize("operation", [ag.exp, lambda x: x * x, lambda x: ag.affine(x, x, x[0])])
def test_a_walked_node_lets_go_of_its_operands(operation):
    x = ag.tensor(np.ones((2, 2)), requires_grad=True)
    y = operation(x)
    y.backward(np.ones((2, 2)))
    assert graph.operands_of(y) is None
    with pytest.raises(ag.GraphError, match="was freed"):
        y.backward(np.ones((2, 2)))


def test_a_graph_that_fans_out_and_in_again_is_walked_newest_first():
    # The long way round is recorded after the short one and must be done before their common root.
    x = ag.tensor(0.7, requires_grad=True)
    root = ag.sin(x)
    short = root * 3.0
    long = root
    for _ in range(5):
        long = ag.tanh(long) + short
    (long * short + root).backward()

    def plain(v):
        r = np.sin(v)
        s, k = 3 * r, r
        for _ in range(5):
            k = np.tanh(k) + s
        return k * s + r

    step = 1e-6
    np.testing.assert_allclose(
        x.grad, (plain(0.7 + step) - plain(0.7 - step)) / (2 * step), rtol=1e-8
    )


def test_a_write_after_recording_is_found_only_where_it_matters():
    x, w, other = (ag.tensor(np.ones(2), requires_grad=True) for _ in range(3))
    y = ag.sum(x * w)
    other.assign([5.0, 5.0])  # a later write elsewhere
    y.backward(retain_graph=True)
    w.assign([5.0, 5.0])
    with pytest.raises(ag.GraphError, match="was written after multiply"):
        y.backward()


def test_a_scalar_node_is_one_object_for_the_collector():
    x = ag.tensor(0.5, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        v = x
        for _ in range(1000):
            v = ag.tanh(v) * x
        assert len(gc.get_objects()) - before < 2010
    finally:
        gc.enable()
