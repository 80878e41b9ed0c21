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
    assert "pass functions that take them" in verdict.reason
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


def test_nor_are_functions_that_close_over_arrays():
    """Each trace captures an array of NumPy's anew; it is one array."""
    d = np.array([1.0, -2.0, 0.5])
    x = np.ones(3)
    for f, g in (
        (lambda x: x * d, lambda x: x * d),
        (lambda x: x * d + d, lambda x: d * (x + 1)),
        (lambda x: x * d, lambda x: x * np.array([1.0, -2.0, 0.5])),
    ):
        for method in (None, "INDEXED", "EXACT"):
            assert prove.equal(f, g, args=[x], method=method).status == "PROVED"
    made = prove.equal(lambda x: x * (d * d), lambda x: x * d * d, args=[x])
    assert made.status == "UNDECIDED"
    assert "pass functions that take them" in made.reason
    assert prove.equal(lambda x: x * d, lambda x: x * (d + 1), args=[x]).status == "REFUTED"


def test_arrays_that_are_told_apart_stay_apart():
    x = ag.tensor(np.ones(3), requires_grad=True, name="x")
    a, b = (ag.tensor(np.ones(3), requires_grad=True, name=n) for n in "ab")
    assert prove.equal(x * a, x * b, wrt=[x, a, b]).status == "REFUTED"
    assert prove.equal(x * a, x * b, wrt=[x]).status != "PROVED"
