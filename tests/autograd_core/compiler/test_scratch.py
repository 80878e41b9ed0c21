"""The memory plan: what lives at the same time never overlaps, and what does not shares."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.compiler.kernels import Access, Buffer, Load, Nest, Schedule, Store
from autograd_core.compiler.scratch import LINE, plan


def chained(uses, sizes, checks=()):
    """A schedule whose kernel k touches the buffers ``uses[k]``."""
    buffers = [Buffer("scratch", n, np.dtype(np.float64), size) for n, size in enumerate(sizes)]
    kernels = []
    for used in uses:
        load = Load(Access(buffers[used[0]], 0, [1]), np.dtype(np.float64))
        stores = [Store(load, Access(buffers[n], 0, [1])) for n in used[1:]]
        kernels.append(Nest([1], [load, *stores]))
    return Schedule(None, kernels, len(kernels), [], [buffers[n] for n in checks]), buffers


@pytest.mark.parametrize("seed", range(50))
def test_lives_that_meet_have_memory_of_their_own(seed):
    rng = np.random.default_rng(seed)
    count, kernels = 12, 20
    sizes = rng.integers(1, 300, count).tolist()
    uses = [
        rng.choice(count, size=rng.integers(1, 4), replace=False).tolist() for _ in range(kernels)
    ]
    schedule, buffers = chained(uses, sizes)
    total = plan(schedule)
    lives = {}
    for k, used in enumerate(uses):
        for n in used:
            lives.setdefault(n, [k, k])[1] = k
    for n, (first, last) in lives.items():
        b = buffers[n]
        assert b.start >= 0
        assert b.start % LINE == 0
        assert b.start + b.bytes <= total
        for m, (other, end) in lives.items():
            if m < n and first <= end and other <= last:
                c = buffers[m]
                assert b.start + b.bytes <= c.start or c.start + c.bytes <= b.start
    most = max(
        sum(buffers[n].bytes for n, (a, z) in lives.items() if a <= k <= z) for k in range(kernels)
    )
    apart = sum(-(-buffers[n].bytes // LINE) * LINE for n in lives)
    assert most <= total <= apart


def test_one_after_the_other_share():
    schedule, buffers = chained([[k, k + 1] for k in range(40)], [64] * 41)
    assert plan(schedule) == 2 * 64 * 8
    assert len({b.start for b in buffers}) == 2


def test_a_condition_is_kept_until_it_is_looked_at():
    schedule, buffers = chained([[0, 1], [2, 3], [4, 5]], [8] * 6, checks=(1,))
    plan(schedule)
    assert all(buffers[1].start != buffers[n].start for n in (2, 3, 4, 5))
