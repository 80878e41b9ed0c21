from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag


def test_the_program_of_a_live_graph_computes_its_value(rng):
    w = ag.tensor(rng.normal(size=(3, 2)), requires_grad=True, name="weight")
    loss = ag.sum(ag.tanh(np.ones((4, 3)) @ w) ** 2)
    program = ag.introspect.program(loss)
    assert [v.name for v, _ in program.captures if v.name] == ["weight"]
    np.testing.assert_allclose(program(), loss.item())
    by_weight = ag.introspect.program(loss, wrt=[w])
    np.testing.assert_allclose(by_weight(np.zeros((3, 2))), 0)


def test_masks_and_comparisons_are_part_of_the_graph():
    x = ag.tensor([1.0, -2.0, 3.0], requires_grad=True)
    key = np.array([1, 2], np.uint64)
    mask = ag.mark(ag.random_bits(key, np.uint64(0), shape=(3,)) < 2**31, role="dropout mask")
    loss = ag.sum(ag.where(mask, x, 0.0) * (x > 0))
    names = {s.primitive.name for s in ag.introspect.program(loss)}
    assert {"random_bits", "less", "greater", "where"} <= names
    roles = [s.result.role for s in ag.introspect.program(loss)]
    assert "dropout mask" in roles


def test_a_freed_graph_names_the_remedy():
    loss = (ag.tensor(2.0, requires_grad=True) ** 2).sum()
    loss.backward()
    with pytest.raises(ag.GraphError, match="retain_graph=True"):
        ag.introspect.program(loss)


def test_a_tensor_without_history_is_refused():
    with pytest.raises(ag.GraphError, match="no recorded history"):
        ag.introspect.program(ag.tensor(1.0))


def test_a_leaf_written_since_is_found_out():
    x = ag.tensor(2.0, requires_grad=True, name="x")
    loss = x * x
    x.assign(3.0)
    with pytest.raises(ag.GraphError, match=r"leaf 'x' .* was written after multiply"):
        ag.introspect.program(loss)


@pytest.mark.parametrize("compare", [lambda c, w: c < w, lambda c, w: w > c, lambda c, w: w > 0.5])
def test_a_comparison_with_a_leaf_keeps_its_history(compare):
    w = ag.tensor([0.25, 0.75], requires_grad=True, name="w")
    constant = ag.tensor([0.5, 0.5])
    loss = ag.sum(ag.where(compare(constant, w), w, 0.0))
    program = ag.introspect.program(loss, wrt=[w])
    np.testing.assert_allclose(program(np.array([2.0, 0.0])), 2.0)
