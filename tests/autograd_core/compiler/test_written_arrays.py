"""Arrays that a step closes over and that are written in place, in every place of an operation."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn

T = np.arange(12.0).reshape(3, 4)
CUBE = np.arange(24.0).reshape(2, 3, 4)
V = np.array([0.5, 1.5, 2.5])
SPD = np.array([[2.0, 0.5], [0.5, 1.0]])

# What is called with a tensor and an array; the array before, and after.
CASES = {
    "operand": (lambda a: ag.tensor(V) * a, [1.0, 2, 3], [4.0, 5, 6]),
    "operand on the left": (lambda a: a / ag.tensor(V), [1.0, 2, 3], [4.0, 5, 6]),
    "integers as an operand": (lambda a: ag.tensor(V) + a, [1, 2, 3], [4, 5, 6]),
    "matmul": (lambda a: ag.tensor(V) @ a, [1.0, 2, 3], [4.0, 5, 6]),
    "made a tensor": (lambda a: ag.tensor(a) * ag.tensor(V), [1.0, 2, 3], [4.0, 5, 6]),
    "made a tensor of another dtype": (
        lambda a: ag.tensor(a, dtype=np.float32) * 2,
        [1.0, 2, 3],
        [4.0, 5, 6],
    ),
    "returned": (lambda a: a, [1.0, 2, 3], [4.0, 5, 6]),
    "returned in a list": (lambda a: [a, ag.tensor(V)][0], [1.0, 2, 3], [4.0, 5, 6]),
    "viewed": (lambda a: ag.tensor(V) * a[::-1], [1.0, 2, 3], [4.0, 5, 6]),
    "reshaped": (lambda a: ag.tensor(V) * a.reshape(3, 1), [1.0, 2, 3], [4.0, 5, 6]),
    "transposed": (lambda a: ag.tensor(V) @ a.reshape(1, 3).T, [1.0, 2, 3], [4.0, 5, 6]),
    "doubled by NumPy": (lambda a: ag.tensor(V) * (a * 2), [1.0, 2, 3], [4.0, 5, 6]),
    "copied": (lambda a: ag.tensor(V) * a.copy(), [1.0, 2, 3], [4.0, 5, 6]),
    "cast": (lambda a: ag.tensor(V) * a.astype(np.float32), [1.0, 2, 3], [4.0, 5, 6]),
    "contiguous": (
        lambda a: ag.tensor(V) * np.ascontiguousarray(a[::-1]),
        [1.0, 2, 3],
        [4.0, 5, 6],
    ),
    "stacked by NumPy": (lambda a: ag.tensor(V) * np.stack([a, a]), [1.0, 2, 3], [4.0, 5, 6]),
    "stacked": (lambda a: ag.stack([ag.tensor(V), a]), [1.0, 2, 3], [4.0, 5, 6]),
    "mask": (lambda a: ag.tensor(V)[a], [True, False, True], [True, True, True]),
    "mask as integers": (lambda a: ag.tensor(V)[a > 0], [1, 0, 1], [0, 0, 1]),
    "mask of where": (
        lambda a: ag.where(a, ag.tensor(V), 0.0),
        [True, False, True],
        [False, True, True],
    ),
    "mask of np.where": (
        lambda a: np.where(a, ag.tensor(V), 0.0),
        [True, False, True],
        [False, True, True],
    ),
    "where's places": (
        lambda a: ag.tensor(V)[np.where(a)],
        [True, False, True],
        [True, True, True],
    ),
    "index": (lambda a: ag.tensor(V)[a], [0, 2], [1, 1]),
    "index of rows": (lambda a: ag.tensor(T)[a, 1:], [0, 2], [1, 1]),
    "index pair": (lambda a: ag.tensor(T)[a, a], [0, 2], [1, 1]),
    "index, negative": (lambda a: ag.tensor(V)[a], [-1, 2], [1, -2]),
    "element as an index": (lambda a: ag.tensor(V)[a[0]], [0, 2], [1, 1]),
    "element as an int": (lambda a: ag.tensor(V)[int(a[0]) :], [0, 2], [1, 1]),
    "list of an array as an index": (lambda a: ag.tensor(V)[a.tolist()], [0, 2], [1, 1]),
    "take": (lambda a: ag.take(ag.tensor(V), a), [0, 2], [1, 1]),
    "take along an axis": (
        lambda a: ag.take_along_axis(ag.tensor(T), a[:, None], axis=1),
        [0, 2, 1],
        [1, 1, 3],
    ),
    "counts": (lambda a: ag.repeat(ag.tensor(V), a), [1, 2, 1], [2, 0, 3]),
    "tiles": (lambda a: ag.tile(ag.tensor(V), tuple(a)), [1, 2], [2, 1]),
    "axis": (lambda a: ag.sum(ag.tensor(CUBE), axis=int(a[0])), [0], [2]),
    "axes": (lambda a: ag.sum(ag.tensor(CUBE), axis=tuple(a.tolist())), [0, 1], [1, 2]),
    "order of axes": (lambda a: ag.transpose(ag.tensor(CUBE), tuple(a)), [0, 2, 1], [2, 1, 0]),
    "shape": (lambda a: ag.reshape(ag.tensor(T), tuple(a)), [2, 6], [4, 3]),
    "shape of a broadcast": (lambda a: ag.broadcast_to(ag.tensor(V), tuple(a)), [2, 3], [4, 3]),
    "widths": (lambda a: ag.pad(ag.tensor(V), tuple(a.tolist())), [1, 0], [0, 2]),
    "shift": (lambda a: ag.roll(ag.tensor(V), int(a[0])), [1], [2]),
    "exponent": (lambda a: ag.tensor(V) ** a, [2.0, 2, 2], [3.0, 1, 2]),
    "exponent of a number": (lambda a: ag.tensor(V) ** float(a[0]), [2.0], [3.0]),
    "bounds": (lambda a: ag.clip(ag.tensor(V), a[0], a[1]), [0.0, 1.0], [1.0, 2.0]),
    "bound as an array": (lambda a: ag.minimum(ag.tensor(V), a), [1.0, 1, 1], [2.0, 2, 2]),
    "scale": (lambda a: ag.tensor(V) * a.max(), [1.0, 2], [4.0, 5]),
    "scale by a scalar": (lambda a: ag.tensor(V) * a[0], [1.0, 2], [4.0, 5]),
    "branch": (lambda a: ag.tensor(V) * (2 if a.any() else 3), [0, 0], [0, 1]),
    "length of what it masks": (lambda a: ag.tensor(V) * len(np.flatnonzero(a)), [0, 1], [1, 1]),
    "labels": (
        lambda a: nn.functional.cross_entropy(ag.tensor(T), a),
        [0, 1, 2],
        [3, 3, 0],
    ),
    "targets": (lambda a: nn.functional.mse_loss(ag.tensor(V), a), [0.0, 1, 2], [3.0, 3, 0]),
    "quantile": (lambda a: ag.quantile(ag.tensor(V), a), [0.5, 0.25], [0.25, 1.0]),
    "quantile as a number": (lambda a: ag.quantile(ag.tensor(V), float(a[0])), [0.5], [0.25]),
    "table": (
        lambda a: ag.interp(ag.tensor(V), np.array([0.0, 1.0, 3.0]), a),
        [0.0, 1, 2],
        [3.0, 3, 0],
    ),
    "places of a table": (
        lambda a: ag.interp(ag.tensor(V), a, np.array([0.0, 1.0, 3.0])),
        [0.0, 1, 2],
        [0.0, 2, 3],
    ),
    "einsum": (lambda a: ag.einsum("i,i->", ag.tensor(V), a), [1.0, 2, 3], [4.0, 5, 6]),
    "tensordot": (lambda a: ag.tensordot(ag.tensor(V), a, 1), [1.0, 2, 3], [4.0, 5, 6]),
    "outer": (lambda a: ag.outer(ag.tensor(V), a), [1.0, 2, 3], [4.0, 5, 6]),
    "convolve": (lambda a: ag.convolve(ag.tensor(V), a), [1.0, 2], [4.0, 5]),
    "solve": (lambda a: ag.linalg.solve(ag.tensor(SPD), a), [1.0, 2], [4.0, 5]),
    "comparison": (lambda a: ag.tensor(V) > a, [1.0, 2, 3], [0.0, 5, 2]),
    "assigned": (lambda a: _assigned(a), [1.0, 2, 3], [4.0, 5, 6]),
    "differentiated": (
        lambda a: ag.grad(lambda t: ag.sum(t * t * a))(ag.tensor(V)),
        [1.0, 2, 3],
        [4.0, 5, 6],
    ),
    "an argument of grad": (
        lambda a: ag.grad(lambda t, b: ag.sum(t * t * b))(ag.tensor(V), a),
        [1.0, 2, 3],
        [4.0, 5, 6],
    ),
    "mapped": (lambda a: ag.vmap(lambda t, b: t * b)(ag.tensor(V), a), [1.0, 2, 3], [4.0, 5, 6]),
    "scanned": (
        lambda a: ag.scan(lambda c, b: (c + b, c), ag.tensor(1.0), a)[1],
        [1.0, 2, 3],
        [4.0, 5, 6],
    ),
    "written into one that is new": (lambda a: ag.tensor(V) * _filled(a), [1.0, 2, 3], [4.0, 5, 6]),
    "as an out": (lambda a: ag.tensor(V) * np.add(a, 1, out=np.zeros(3)), [1.0, 2, 3], [4.0, 5, 6]),
    "sum of a product": (lambda a: ag.tensor(V) * np.dot(a, a), [1.0, 2, 3], [4.0, 5, 6]),
    "searched": (lambda a: ag.tensor(V) * np.searchsorted(a, 2.5), [1.0, 2, 3], [1.0, 3, 6]),
    "of Python's sum": (lambda a: ag.tensor(V) * sum(a), [1.0, 2, 3], [4.0, 5, 6]),
    "as text": (lambda a: ag.tensor(V) * float(str(a[0])), [1.0, 2, 3], [4.0, 5, 6]),
    "by memoryview": (lambda a: ag.tensor(V) * memoryview(a)[0], [1.0, 2, 3], [4.0, 5, 6]),
    "linspace": (lambda a: ag.tensor(V) * np.linspace(a[0], a[1], 3), [1.0, 2], [4.0, 5]),
    "arange": (lambda a: ag.tensor(np.arange(a[0])) * 2.0, [3], [5]),
    "range": (lambda a: ag.stack([ag.tensor(V) * k for k in range(a[0])]), [3], [5]),
    "both an operand and an index": (lambda a: ag.tensor(V)[a] * a, [0, 2], [1, 1]),
    "both a mask and an operand": (
        lambda a: ag.tensor(V)[a].sum() * a,
        [True, False, True],
        [True, True, False],
    ),
}


def _assigned(a):
    t = ag.tensor(np.zeros(3))
    with ag.no_grad():
        t.assign(a)
    return t * 1.0


def _filled(a):
    b = np.zeros(3)
    b[:] = a
    return b


@pytest.mark.parametrize("case", CASES)
def test_an_array_that_is_written(case):
    use, before, after = CASES[case]
    array = np.array(before)

    def f():
        return use(array)

    step = ag.jit(f, backend="numpy")
    for values in (before, after, before):
        array[...] = values
        for _ in range(2):
            found, due = step(), f()
            due = due if isinstance(due, np.ndarray) else due.detach().numpy()
            assert found.shape == due.shape
            np.testing.assert_allclose(found.numpy(), due, rtol=1e-14)


@pytest.mark.parametrize(
    "case", ["operand", "viewed", "reshaped", "transposed", "labels", "made a tensor"]
)
def test_operands_are_read_and_not_compared(case):
    use, before, after = CASES[case]
    array = np.array(before)
    step = ag.jit(lambda: use(array), backend="numpy")
    step()
    entry = step._last
    array[...] = after
    step()
    assert step._last is entry
