"""What a step costs: counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.costs import cost_of_call


def of(*shape):
    return ag.Abstract(shape, np.float64)


CASES = {
    "matmul": (lambda a, b: a @ b, (of(7, 3, 4), of(4, 5)), 7 * 3 * 5 * 4 * 2),
    "product of vectors": (lambda a, b: a @ b, (of(6), of(6)), 12),
    "einsum of two": (
        lambda a, b: ag.einsum("ij,jk->ik", a, b), (of(3, 4), of(4, 5)), 3 * 4 * 5 * 2,
    ),
    "einsum without a sum": (lambda a, b: ag.einsum("i,j->ij", a, b), (of(3), of(4)), 12),
    "einsum of one": (lambda a: ag.einsum("ij->j", a), (of(3, 4),), 12),
    "einsum of three": (
        lambda a, b, c: ag.einsum("i,i,i->", a, b, c), (of(3), of(3), of(3)), 3 * 3,
    ),
    "sum": (lambda a: ag.sum(a), (of(3, 4),), 12),
    "an exponential": (lambda a: ag.exp(a), (of(3, 4),), 12 * 10),
    "a running sum": (lambda a: ag.cumsum(a, 1), (of(3, 4),), 12),
    "a distance": (lambda a, b: ag.squared_distance(a, b), (of(3, 4), of(4)), 3 * 12),
    "a view": (lambda a: a.T, (of(3, 4),), 0),
    "a comparison": (lambda a: ag.greater(a, 0), (of(3, 4),), 0),
    "a loop": (
        lambda h, xs: ag.scan(lambda c, x: (ag.exp(c + x), c * 2), h, xs),
        (of(3), of(5, 3)), 5 * 3 * (1 + 10 + 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_operations_are_counted(name):
    function, given, expected = CASES[name]
    program = ag.trace(function)(*given)
    assert sum(cost_of_call(step).flops for step in program.applications) == expected


def test_a_product_with_a_bias_adds_it():
    program = ag.trace(lambda x, w, b: ag.affine(x, w, b))(of(6, 4), of(4, 5), of(5))
    assert cost_of_call(program.applications[0]).flops == 6 * 5 * (2 * 4 + 1)
