"""What is made of arrays that need no gradient is not recorded: that one side holds it alone refutes nothing."""

import numpy as np

import autograd_core as ag
from autograd_core.symbolic import arrays, prove


def leaves():
    x = ag.tensor(np.array([1.0, -2.0, 0.5]), requires_grad=True, name="x")
    return x, ag.tensor(np.array([2.0, 3.0, -1.0]), name="d")


def test_equal_functions_are_not_refuted():
    x, d = leaves()
    verdict = prove.equal(ag.sum(x * d * d), ag.sum(x * ag.square(d)), wrt=[x])
    assert verdict.status == "UNDECIDED"
    assert verdict.witness is None
    assert "which one side holds" in verdict.reason
    assert "pass functions" in verdict.reason
    functions = prove.equal(
        lambda x, d: ag.sum(x * d * d), lambda x, d: ag.sum(x * ag.square(d)), args=[x, d]
    )
    assert functions.status == "PROVED"


def test_nor_at_every_size():
    (z,) = arrays("z:N,3")
    _, d = leaves()
    verdict = prove.equal(z * (d + 1), z * d + z * (1 + 0 * d), wrt=[z])
    assert verdict.status == "UNDECIDED"


def test_sides_that_differ_with_the_arrays_at_hand_are_refuted():
    x, d = leaves()
    assert prove.equal(ag.sum(x * d), ag.sum(x * ag.square(d)), wrt=[x]).status == "REFUTED"
    assert prove.equal(ag.sum(x * d), 2 * ag.sum(x * d), wrt=[x]).status == "REFUTED"
