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
