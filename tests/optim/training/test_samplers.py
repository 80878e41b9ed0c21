from __future__ import annotations

import numpy as np

import optim


def test_a_permutation_is_new_each_time_and_holds_every_example_once(rng):
    first, second = optim.permutation(50, rng), optim.permutation(50, rng)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))
    assert first.tolist() != second.tolist()


def test_permutations_follow_from_the_generator():
    a, b = (optim.permutation(20, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_all_orders_are_equally_likely(rng):
    counts = {}
    for _ in range(6000):
        order = tuple(optim.permutation(3, rng).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert max(abs(c - 1000) for c in counts.values()) < 5 * np.sqrt(1000)


def test_in_order_draws_nothing(rng):
    before = rng.bit_generator.state
    assert optim.in_order(4, rng).tolist() == [0, 1, 2, 3]
    assert rng.bit_generator.state == before
