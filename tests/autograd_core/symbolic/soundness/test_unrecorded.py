"""What is made of arrays that need no gradient is not recorded: that one side holds it alone refutes nothing."""

import numpy as np
import pytest

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
    assert "beyond rounding was found, only for other values of d, b" in verdict.reason
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


def _of_integers(k):
    return ag.sqrt(1.0 * ag.square(k))


def _root(k):
    return ag.sqrt(1.0 * k)


# What may be made of arrays, and sides that are equal as it is made, though not for other values of it.
SIDES = {
    "integers as they are, and as floats": (
        np.array([2, 0]), lambda x, k: x * _of_integers(k) * _of_integers(k), lambda x, k: x * _of_integers(k) * k),
    "a factor that is one": (
        np.array([-1, -1]), lambda x, k: x * _of_integers(k), lambda x, k: x * _of_integers(k) * _of_integers(k)),
    "integers and their squares": (
        np.array([0, 1]), lambda x, k: x * _of_integers(k) * (k * k), lambda x, k: x * _of_integers(k) * k),
    "roots on both sides": (
        np.array([2, 3]), lambda x, k: x * _root(k) * _root(k) * _root(k), lambda x, k: x * _root(k) * k),
    "truths": (
        np.array([True, False]), lambda x, k: x * (k * 1.0), lambda x, k: x * (k * 1.0) * (k * 1.0)),
    "roots, which are rounded": (
        np.array([2, 3]), lambda x, k: x * _root(k) * _root(k), lambda x, k: x * k),
    "roots, less what they are": (
        np.array([2, 3]), lambda x, k: x * _root(k) * _root(k) - x * k, lambda x, k: 0 * x * k),
    "a square of what is held": (
        np.array([1.5, -2.0]), lambda x, d: x * (d * d) * d, lambda x, d: x * (d * d * d)),
    "a type that was changed": (
        np.array([2.0, 0.5]), lambda x, d: x * d * ag.cast(d, np.float32), lambda x, d: x * (d * d)),
    "a gradient that was stopped": (
        np.array([1.0, 0.0]), lambda x, d: x * ag.stop_gradient(d * 1), lambda x, d: x * ag.stop_gradient(d * 1) ** 2),
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "open_"),
    [(None, False), (None, True), ("INDEXED", False), ("INDEXED", True), ("EXACT", False)],
)
@pytest.mark.parametrize("made", SIDES)
def test_no_witness_gives_values_to_what_is_made_of_others(made, method, open_):
    """On both sides there is one array, whose values follow from others: those alone are points."""
    held, left, right = SIDES[made]
    x = arrays("x:N,2")[0] if open_ else ag.tensor(np.ones(2), requires_grad=True, name="x")
    k = ag.tensor(held)
    for a, b in ((left, right), (right, left)):
        verdict = prove.equal(a(x, k), b(x, k), wrt=[x], method=method)
        assert verdict.status in ("PROVED", "UNDECIDED"), verdict
        assert verdict.witness is None
        wrong = prove.equal(a(x, k), 2 * b(x, k) + x, wrt=[x], method=method)
        assert wrong.status == ("UNDECIDED" if method == "INDEXED" else "REFUTED"), wrong
    if not open_:
        functions = [lambda x, f=f: f(x, held) for f in (left, right)]
        verdict = prove.equal(*functions, args=[np.ones(2)], method=method)
        assert verdict.status in ("PROVED", "UNDECIDED"), verdict


# Of an array that has a name, of which a proof speaks at all values.
NAMED = {
    "a number": ([0.0], lambda x, d: x * (d * d) + d, lambda x, d: x * d * d + d),
    "a number on both sides": (
        [1.0], lambda x, d: x * (d * d) * d * d, lambda x, d: x * (d * d) * (d * d)),
    "truths": ([2.0, 1.0], lambda x, d: x * d * (d > 0), lambda x, d: x * ag.relu(d)),
    "truths on one side": ([2.0, 1.0], lambda x, d: ag.where(d > 0, x * d, 0.0), lambda x, d: x * d),
    "integers": ([2.0, 1.0], lambda x, d: x * d * ag.cast(d, np.int64), lambda x, d: x * d * d),
    "labels": ([2.0, 1.0], lambda x, d: (x * d) @ ag.one_hot(ag.argsort(-d), 2), lambda x, d: x * d),
}  # fmt: skip


@pytest.mark.parametrize("open_", [False, True])
@pytest.mark.parametrize("made", NAMED)
def test_nor_to_an_array_and_not_to_what_is_made_of_it(made, open_):
    held, left, right = NAMED[made]
    x = arrays("x:N,2")[0] if open_ else ag.tensor(np.ones(2), requires_grad=True, name="x")
    d = ag.tensor(held, name="d")
    for a, b in ((left, right), (right, left)):
        verdict = prove.equal(a(x, d), b(x, d), wrt=[x])
        assert verdict.status in ("PROVED", "UNDECIDED"), verdict
        assert prove.equal(a(x, d), b(x, d) + x, wrt=[x]).status == "REFUTED"


@pytest.mark.parametrize("open_", [False, True])
def test_a_difference_in_a_corner_is_one_at_the_arrays_at_hand(open_):
    """The witness is a point as well, that random ones may never come near."""
    x = arrays("x:N,2")[0] if open_ else ag.tensor(np.ones(2), requires_grad=True, name="x")
    d = ag.tensor([1.5, 2.0])
    for left in (ag.relu(x - 20) * d, ag.floor(x / 20) * (ag.floor(x / 20) + 1) * d):
        assert prove.equal(left, 0 * x * d, wrt=[x]).status == "REFUTED"


def test_of_several_outputs_each_is_looked_at():
    d = np.array([1.0, 1.0])
    verdict = prove.equal(
        lambda x: (x * d, x + d, x * d), lambda x: (x * d * d, d + x, 2 * x * d), args=[np.ones(2)]
    )
    found = {name: leaf.status for name, leaf in verdict.leaves.items()}
    assert found == {"output 0": "UNDECIDED", "output 1": "PROVED", "output 2": "REFUTED"}
    assert verdict.status == "REFUTED"
    assert verdict.witness.entry.startswith("output 2")


def test_arrays_that_are_told_apart_stay_apart():
    x = ag.tensor(np.ones(3), requires_grad=True, name="x")
    a, b = (ag.tensor(np.ones(3), requires_grad=True, name=n) for n in "ab")
    assert prove.equal(x * a, x * b, wrt=[x, a, b]).status == "REFUTED"
    assert prove.equal(x * a, x * b, wrt=[x]).status != "PROVED"


def test_arrays_without_a_name_are_named_as_held_constant():
    """What was detached cannot be told from data."""
    x, _ = leaves()
    for loss in (ag.sum((x * x).detach() * x), ag.sum(ag.tensor([1.0, 2.0, 3.0]) * x)):
        for verdict in (prove.backward(loss, wrt=[x]), prove.graph({"x": x}, loss)):
            assert verdict.status == "PROVED"
            assert any("held constant: " in f and "detach" in f for f in map(str, verdict.facts)), (
                verdict
            )


def test_a_leaf_alone_may_be_a_side():
    (z,) = arrays("z:N")
    x, _ = leaves()
    for a, b in ((z * 1, z), (z, z + 0), (z, z), (x * 1, x), (x, x)):
        assert prove.equal(a, b).status == "PROVED"
    assert prove.equal(z, 2 * z).status == "REFUTED"
    assert prove.equal(x - x + 1, ag.tensor(np.ones(3))).status != "REFUTED"


def test_a_primitive_that_programs_leave_out_has_no_rule_to_decide():
    verdict = prove.rule("compiled")
    assert verdict.status == "UNDECIDED"
    assert "takes no part in a proof" in verdict.reason


def test_a_condition_is_stated_once():
    verdict = prove.backward(
        lambda x, y: ag.sum(1 / (x - y) + 1 / (y - x) + ag.log(2 * (x - y))),
        args=[np.array([2.0, 3.0]), np.ones(2)],
    )
    assert verdict.domain == ("x[i] - y[i] > 0",)


LOOKS = {
    "in a set": lambda n: n in {7, 8},
    "in a dictionary": lambda n: {7: 2}.get(n, 1) == 2,
    "as a text": lambda n: str(n) == "7",
    "in a text": lambda n: f"{n}" == "7",
    "by a hash": lambda n: hash(n) == 7,
    "as a shape's text": lambda n: repr((n,)) == "(7,)",
}
REFUSED = {
    "int": int, "bool": bool, "float": float, "range": range, "abs": abs, "mod": lambda n: n % 2,
    "divmod": lambda n: divmod(n, 2), "power": lambda n: 2**n, "half": lambda n: n // 2,
    "quotient": lambda n: n / 2, "order": lambda n: n > 3, "bits": lambda n: n & 1,
}  # fmt: skip


@pytest.mark.parametrize("how", LOOKS)
def test_looks_at_sizes_that_are_no_comparisons_are_named(how):
    (z,) = arrays("z:B")

    def asking(x):
        return ag.sum(x) * (2 if LOOKS[how](x.shape[0]) else 1)

    verdict = prove.backward(asking, args=[ag.Abstract(z.shape)])
    assert any("looks up, or writes out, the size B" in f for f in map(str, verdict.facts)), verdict


@pytest.mark.parametrize("how", REFUSED)
def test_or_refused_by_name(how):
    (z,) = arrays("z:B")
    with pytest.raises(ag.CaptureError, match="Dim"):
        prove.backward(
            lambda x: ag.sum(x) * (2 if REFUSED[how](x.shape[0]) else 1),
            args=[ag.Abstract(z.shape)],
        )


def test_code_of_the_library_asks_no_such_questions():
    (z,) = arrays("z:M,N")
    loss = ag.sum(ag.softmax(ag.relu(z - ag.mean(z, 0)), 1) ** 2)
    assert not any("looks up" in f for f in map(str, prove.backward(loss, wrt=[z]).facts))


@pytest.mark.parametrize("method", [None, "INDEXED", "EXACT"])
def test_what_cancels_with_what_is_held_constant_has_a_slope(method):
    for f in (
        lambda x, y: ag.sum((y - x - ag.stop_gradient(ag.max(y - x))) ** 2),
        lambda x, y: ag.sum(x * (y - ag.stop_gradient(y))),
        lambda x, y: ag.sum(ag.exp(y + ag.stop_gradient(-y)) * x),
    ):
        verdict = prove.backward(f, args=[np.array([1.0, 2.0]), np.array(0.5)], method=method)
        assert "the loss does not depend on y" not in map(str, verdict.facts)
        assert verdict.status == "PROVED", verdict
