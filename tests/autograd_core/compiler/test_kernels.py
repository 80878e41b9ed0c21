"""Domains of kernels: how shapes are cut so that both fit, and strides over what was cut."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from autograd_core.compiler.kernels import (
    Access,
    Buffer,
    Iota,
    Load,
    Nest,
    refined,
    refitted,
    row_major,
    without_ones,
)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (1, 4, 1, 2), (0, 3), (3, 0)])
def test_row_major_strides_are_numpys(shape):
    x = np.empty(shape, np.int8)
    if x.size:
        reached = [s for n, s in zip(shape, row_major(shape), strict=True) if n > 1]
        assert reached == [s for n, s in zip(shape, x.strides, strict=True) if n > 1]
    assert len(row_major(shape)) == len(shape)


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ([6], [2, 3], [2, 3]),
        ([2, 3], [6], [2, 3]),
        ([4, 6], [2, 12], [2, 2, 6]),
        ([4, 6], [8, 3], [4, 2, 3]),
        ([6, 4], [4, 6], None),
        ([2, 3], [3, 2], None),
        ([6], [5], None),
        ([], [], []),
        ([], [2], None),
        ([1, 3, 1], [3], [3]),
        ([0], [0], [0]),
        ([0, 3], [3, 0], None),
    ],
)
def test_the_coarsest_common_cut(a, b, found):
    assert refined(a, b) == found


def test_a_common_cut_cuts_both():
    splits = [s for n in range(1, 4) for s in itertools.product((2, 3, 4, 6), repeat=n)]
    met = 0
    for a, b in itertools.product(map(list, splits), repeat=2):
        sizes = refined(a, b)
        assert sizes == refined(b, a)
        if sizes is None:
            continue
        met += 1
        assert math.prod(sizes) == math.prod(a) == math.prod(b)
        whole = row_major(sizes)
        for shape in (a, b):
            assert refitted(row_major(shape), shape, sizes) == whole
    assert met > 200


@pytest.mark.parametrize("seed", range(30))
def test_refitted_strides_reach_the_same_elements_in_the_same_order(seed):
    rng = np.random.default_rng(seed)
    shape = [int(n) for n in rng.choice([1, 2, 4, 6, 12], rng.integers(1, 4))]
    strides = [int(s) for s in rng.integers(-9, 10, len(shape))]
    sizes = []
    for n in shape:
        while n > 1:
            divisors = [d for d in range(2, n + 1) if n % d == 0]
            sizes.append(int(rng.choice(divisors)))
            n //= sizes[-1]
        if rng.integers(2):
            sizes.append(1)

    def reached(steps, extents):
        return [
            sum(i * s for i, s in zip(point, steps, strict=True))
            for point in itertools.product(*map(range, extents))
        ]

    assert reached(refitted(strides, shape, sizes), sizes) == reached(strides, shape)


def test_sizes_of_one_are_no_axes():
    assert without_ones((1, 3, 1, 2, 1)) == [3, 2]
    assert without_ones((1, 1)) == []
    assert without_ones((0, 1)) == [0]


def test_a_nest_that_is_refined_refits_all_that_is_in_it():
    buffer = Buffer("scratch", 0, np.dtype(float), 24)
    nest = Nest([24], [Load(Access(buffer, 0, [1]), np.dtype(float)), Iota([1])])
    nest.refine([2, 3, 4])
    assert nest.sizes == [2, 3, 4]
    assert nest.body[0].access.strides == [12, 4, 1]
    assert nest.body[1].strides == [12, 4, 1]
