"""Whatever a compiled function depends on: after a change it gives what Python gives, or it is refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.compiler.dependences import WAYS

X = np.arange(1.0, 4.0)
CUBE = np.arange(24.0).reshape(2, 3, 4)
SIX = np.arange(6.0)

USES = {
    "number": lambda k: ag.tensor(X) * k,
    "branch": lambda k: ag.tensor(X) * 2 if k > 1 else ag.tensor(X) * 3,
    "index": lambda k: ag.tensor(X)[k - 1],
    "axis": lambda k: ag.sum(ag.tensor(CUBE), axis=int(k) - 1),
    "count": lambda k: sum([ag.tensor(X) for _ in range(k)], ag.tensor(X)),
    "shape": lambda k: ag.reshape(ag.tensor(SIX), (k, -1)),
}
REFUSED = {}


@pytest.fixture(autouse=True)
def _as_it_was():
    from tests.autograd_core.compiler import dependences

    before = dict(vars(dependences))
    with np.errstate(), np.printoptions():
        yield
    vars(dependences).clear()
    vars(dependences).update(before)


# Each way as a number and, in turn, in one of the other uses.
CASES = [(way, "number") for way in WAYS] + [
    (way, [*USES][1 + i % (len(USES) - 1)]) for i, way in enumerate(WAYS)
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("way", "use"), CASES)
def test_after_a_change(way, use):
    read, put = WAYS[way](1)

    def f(x):
        return USES[use](read()) + ag.sum(x)

    step = ag.jit(f, backend="numpy")
    with contextlib.ExitStack() as stack:
        if way in REFUSED:
            stack.enter_context(pytest.raises(ag.CaptureError, match=REFUSED[way]))
        for k in (None, 2, 1, 3):
            if k is not None:
                put(k)
            same(step, f)
            same(step, f)
            entry = step._last
            same(step, f)
            assert step._last is entry


def same(step, f):
    found, due = step(X), f(X)
    assert found.shape == due.shape
    np.testing.assert_array_equal(found.numpy(), due.detach().numpy())


def test_most_are_followed():
    assert len(CASES) >= 600
    assert len(REFUSED) < 0.02 * len(WAYS)
    print(f"{len(WAYS)} ways of reading, {len(CASES)} cases; refused: {sorted(REFUSED)}")
