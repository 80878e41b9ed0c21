from __future__ import annotations

import numpy as np

import autograd_core as ag

KEY = np.array([11, 22], np.uint64)


def test_bits_are_numpys_philox():
    generator = np.random.Philox(counter=np.array([0, 7, 0, 0], np.uint64), key=KEY)
    expected = generator.random_raw(8).view(np.uint32)[:15].reshape(3, 5)
    np.testing.assert_array_equal(ag.random_bits(KEY, np.uint64(7), shape=(3, 5)).data, expected)


def test_bits_depend_on_key_and_counter_alone():
    def draw(key, counter):
        return ag.random_bits(
            np.array(key, np.uint64), np.uint64(counter), shape=(4,)
        ).data.tolist()

    first = draw((1, 2), 0)
    assert draw((1, 2), 1) != first
    assert draw((1, 3), 0) != first
    assert draw((1, 2), 0) == first


def test_bits_are_uniform():
    bits = ag.random_bits(KEY, np.uint64(0), shape=(200_000,)).data
    for p in (0.1, 0.5, 0.8):
        share = np.mean(bits < p * 2**32)
        assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / bits.size)
