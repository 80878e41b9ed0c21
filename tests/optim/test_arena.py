from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from optim import arena as module
from optim.arena import Arena
from optim.rule import Rule

SHAPES = [(3, 4), (5,), (), (0, 2), (1, 1, 7), (40,), (2, 3)]


def update(theta, g, m, v, *, step, lr):
    m = 0.9 * m + g
    v = v + g * g
    return theta - lr * m / (1.0 + v) / step, m, v


RULE = Rule(update, ("m", "v"), ("step", "lr"), {})


def parameters(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [ag.tensor(rng.normal(size=s), dtype, requires_grad=True) for s in SHAPES]


def reference(values, gradients, steps):
    """One parameter at a time, by the rule on plain arrays."""
    values = [np.array(v) for v in values]
    state = [(np.zeros_like(v), np.zeros_like(v)) for v in values]
    counts = [0] * len(values)
    for grads in gradients[:steps]:
        for i, g in enumerate(grads):
            if g is not None:
                counts[i] += 1
                values[i], *state[i] = update(values[i], g, *state[i], step=counts[i], lr=0.1)
    return values, state


def gradients(rng, steps, missing=()):
    return [
        [None if (k, i) in missing else rng.normal(size=s) for i, s in enumerate(SHAPES)]
        for k in range(steps)
    ]


def run(arena, tensors, grads):
    for row in grads:
        for t, g in zip(tensors, row, strict=True):
            t.grad = None if g is None else ag.tensor(g)
        arena.load()
        arena.update(RULE, (0.1,))


def test_parameters_keep_their_values_and_share_one_array():
    tensors = parameters()
    before = [np.array(t.numpy()) for t in tensors]
    Arena(tensors)
    for t, values in zip(tensors, before, strict=True):
        np.testing.assert_array_equal(t.numpy(), values)
    full = [t.numpy() for t in tensors if t.size]
    assert len({id(_root(view)) for view in full}) == 1


def _root(view):
    """The array that owns the memory, below views and read-only buffers."""
    while (below := view.obj if isinstance(view, memoryview) else view.base) is not None:
        view = below
    return view


@pytest.mark.parametrize("block", [2**20, 8 * 16, 8 * 7, 8])
@pytest.mark.parametrize("missing", [(), {(1, 0), (2, 0), (1, 4)}], ids=["all", "some missing"])
def test_blocks_and_missing_gradients_change_no_bit(monkeypatch, rng, block, missing):
    monkeypatch.setattr(module, "BLOCK", block)
    tensors = parameters()
    grads = gradients(rng, 4, missing)
    expected, state = reference([t.numpy() for t in tensors], grads, 4)
    arena = Arena(tensors)
    run(arena, tensors, grads)
    for i, t in enumerate(tensors):
        np.testing.assert_array_equal(t.numpy(), expected[i])
        for name, values in zip(("m", "v"), state[i], strict=True):
            np.testing.assert_array_equal(arena.slot(name, i), values)


def test_a_parameter_without_gradient_keeps_value_slots_and_count(rng):
    tensors = parameters()
    arena = Arena(tensors)
    run(arena, tensors, gradients(rng, 1))
    before = tensors[0].numpy().copy(), arena.slot("m", 0).copy()
    run(arena, tensors, gradients(rng, 1, {(0, 0)}))
    np.testing.assert_array_equal(tensors[0].numpy(), before[0])
    np.testing.assert_array_equal(arena.slot("m", 0), before[1])
    assert arena.steps == [1, 2, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("block", [2**20, 8 * 5])
def test_gradients_of_any_memory_layout_are_read_right(monkeypatch, block):
    monkeypatch.setattr(module, "BLOCK", block)
    values = np.arange(12.0).reshape(3, 4)
    layouts = [np.asfortranarray(values), values[::-1], np.broadcast_to(2.0, (3, 4)), values]
    found = []
    for layout in layouts:
        tensors = [ag.tensor(np.zeros((3, 4)), requires_grad=True) for _ in range(2)]
        arena = Arena(tensors)
        # As backward leaves it: whatever layout the last operation made.
        arena.load([np.ascontiguousarray(layout), layout])
        arena.update(RULE, (0.1,))
        found.append([t.numpy() for t in tensors])
    for a, b in found:
        np.testing.assert_array_equal(a, b)


def test_parameters_that_were_moved_away_are_fetched_back(rng):
    tensors = parameters()
    grads = gradients(rng, 3)
    expected, _ = reference([t.numpy() for t in tensors], grads, 3)
    arena = Arena(tensors)
    run(arena, tensors, grads[:1])
    Arena(tensors[2:5])
    run(arena, tensors, grads[1:2])
    Arena(tensors)
    run(arena, tensors, grads[2:])
    for t, values in zip(tensors, expected, strict=True):
        np.testing.assert_array_equal(t.numpy(), values)


def test_values_assigned_between_steps_are_used():
    t = ag.tensor([1.0, 2.0], requires_grad=True)
    arena = Arena([t])
    t.assign([5.0, 6.0])
    arena.load([np.zeros(2)])
    arena.update(RULE, (0.1,))
    np.testing.assert_array_equal(t.numpy(), [5.0, 6.0])


def test_forgetting_sets_slots_and_counts_to_zero(rng):
    tensors = parameters()
    arena = Arena(tensors)
    run(arena, tensors, gradients(rng, 2))
    arena.forget()
    assert not any(arena.steps)
    assert not arena.slot("m", 0).any()
    run(arena, tensors, gradients(rng, 1))
    assert arena.slot("m", 0).any()
