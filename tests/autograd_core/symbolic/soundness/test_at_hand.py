"""A proof leaves out kinks and asks for a domain: the statement itself must not lie on the one, or off the other.

Everything that a statement closes over has one value: captured arrays, constants. Where those values
make what is left out everything that is asked about, or an open set of it, nothing is PROVED.
"""

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, at_hand, facts, prove
from autograd_core.symbolic.places import index
from autograd_core.symbolic.values import Values

Z, OF = sympy.symbols("z of", real=True)
Abs = sympy.Abs
METHODS = (None, "INDEXED", "EXACT")
X = np.array([0.5, -1.25])


def held(*values, name="d"):
    return ag.tensor(np.array(values), name=name)


D, SAME, OTHER, ZERO = (
    held(1.0, 2.5),
    held(1.0, 2.5, name="e"),
    held(1.0, 0.3, name="e"),
    held(0.0, 2.0),
)
NEGATIVE = held(-1.0, 2.0)


def indicator(condition, x):
    return ag.where(condition, x, 0 * x)


# A function that is x where it is on a kink, and 0 off it: with captured values on the kink for all x,
# or for some entries.
ON_A_KINK = {
    "equal arrays": lambda x: indicator(ag.equal(D + 0 * x, SAME + 0 * x), x),
    "one equal entry": lambda x: indicator(ag.equal(D + 0 * x, OTHER + 0 * x), x),
    "a product with 0": lambda x: indicator(ag.equal(ZERO * x, 0), x),
    "a difference of products": lambda x: indicator(ag.equal(D * x, SAME * x), x),
    "below a function": lambda x: indicator(ag.equal(ag.exp(D * x), ag.exp(SAME * x)), x),
    "a sum over a row": lambda x: indicator(ag.equal(ag.sum(ZERO[:1] * x), 0), x),
    "a root of a square": lambda x: indicator(ag.equal(ag.sqrt((D - SAME + 0 * x) ** 2), 0), x),
    "a maximum": lambda x: indicator(ag.equal(ag.maximum(D, SAME) * x, SAME * x), x),
    "inside of a dead unit": lambda x: indicator(ag.equal(ag.relu(x) * (D - SAME), 0), x),
    "ends of a range": lambda x: indicator(ag.equal(ag.clip(x, 0.3, 0.3), 0.3), x),
    "ends that are captured": lambda x: indicator(
        ag.equal(ag.minimum(ag.maximum(x, D), SAME), D), x
    ),
    "a constant and its double": lambda x: indicator(ag.equal(0.6 * x, 2 * (0.3 * x)), x),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ON_A_KINK)
def test_what_lies_on_a_kink_is_not_taken_to_lie_off_it(name, method):
    f = ON_A_KINK[name]
    at = ag.tensor(X)
    assert np.abs(f(at).data).max() > 0  # so it is not 0
    verdict = prove.equal(f, lambda x: 0 * x, args=[X], method=method)
    assert verdict.status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize("name", ON_A_KINK)
def test_nor_on_leaves_with_values(name):
    x = ag.tensor(X, requires_grad=True, name="x")
    assert prove.equal(ON_A_KINK[name](x), 0 * x, wrt=[x]).status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["equal arrays", "a product with 0", "a difference of products"])
def test_off_the_kink_it_is_proved(name, method, monkeypatch):
    for tensor, values in ((SAME, [3.0, 4.5]), (ZERO, [1.0, 2.0])):
        monkeypatch.setattr(tensor, "_value", np.array(values))
    f = ON_A_KINK[name]
    assert prove.equal(f, lambda x: 0 * x, args=[X], method=method).status == "PROVED"


def larger(k):
    """A maximum whose rule gives each operand k shares of a tie: right for 1/2."""
    formula = ag.Elementwise(lambda s, a, b: b + (a - b) * s.step(a - b))

    def left(xp, g, y, a, b):
        return xp.where(a > b, g, 0) + xp.where(xp.equal(a, b), g * k, 0)

    def right(xp, g, y, a, b):
        return xp.where(b > a, g, 0) + xp.where(xp.equal(a, b), g * k, 0)

    @ag.primitive(formula, vjp=(left, right))
    def larger_(a: ag.ArrayLike, b: ag.ArrayLike):
        return np.maximum(a, b)

    return larger_


@pytest.mark.parametrize("method", METHODS)
def test_gradients_at_ties_of_what_is_closed_over(method, declared):
    both = larger(1)
    wrong = prove.backward(
        lambda x: ag.sum(both(D * x, SAME * x)), args=[X], method=method
    )  # twice its derivative
    assert wrong.status in ("REFUTED", "UNDECIDED")
    right = prove.backward(lambda x: ag.sum(both(D * x, 2 * D * x)), args=[X], method=method)
    assert right.status == "PROVED"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x / (D - SAME) * (D - SAME),
        lambda x: x * ag.log(NEGATIVE + 0 * x),
        lambda x: ag.where(x > 0, x, ag.sqrt(NEGATIVE + 0 * x)),
        lambda x: ag.where(x > 0, x, 1 / (ZERO * x)),
        lambda x: x * ag.arccos(D + 0 * x),
    ],
    ids=["divisor", "logarithm", "root that is not taken", "divisor that is not taken", "arccos"],
)
def test_what_is_defined_nowhere_is_not_proved(f, method):
    with np.errstate(all="ignore"):
        verdict = prove.equal(f, lambda x: f(x) * 1, args=[X], method=method)
    assert verdict.status == "UNDECIDED"


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_zeros(method):
    """A row of data that is 0 puts its unit on the kink, whatever the weights are."""
    data = ag.tensor(np.eye(3, 2), name="data")
    for f in (lambda u: ag.relu(u) ** 2, abs):
        verdict = prove.backward(lambda w, f=f: ag.sum(f(data @ w)), args=[X], method=method)
        assert verdict.status == "PROVED"  # on the kink, too: these are constant there
        edges = [e for e in verdict.excluded if e.startswith("edge of")]
        assert len(edges) == 1
        assert edges == list(verdict.excluded) or "[2,0]" in edges[0]  # that of this row alone


# Functions of u with a kink at 0, whose gradients there are right where u is 0 on an open set.
WITH_A_KINK_AT_ZERO = {
    "absolute": abs,
    "times its sign": lambda u: u * ag.sign(u),
    "both sides": lambda u: ag.relu(u) + ag.relu(-u),
    "copysign": lambda u: ag.copysign(u, 1.0),
    "where": lambda u: ag.where(u > 0, u, -u),
    "below a function": lambda u: ag.log1p(abs(u)),
    "huber": lambda u: ag.where(abs(u) < 1, u * u / 2, abs(u) - 0.5),
}


@pytest.mark.parametrize(
    "name",
    [
        n if n == "absolute" else pytest.param(n, marks=pytest.mark.slow)
        for n in WITH_A_KINK_AT_ZERO
    ],
)
def test_errors_of_dead_units_against_labels(name):
    """Where all units are dead the error is minus a label, which is 0 for most: for all weights near."""
    data = ag.tensor(np.random.default_rng(0).normal(size=(3, 4)), name="data")
    labels = ag.tensor(np.eye(3, 2), name="labels")

    def loss(w, v):
        return ag.sum(WITH_A_KINK_AT_ZERO[name](ag.relu(data @ w) @ v - labels))

    shapes = [ag.Abstract((4, 2)), ag.Abstract((2, 2))]
    verdict = prove.backward(loss, args=shapes, method="INDEXED")
    assert verdict.status == "PROVED", verdict


@pytest.mark.parametrize("method", METHODS)
def test_only_what_lies_on_a_kink_is_taken_at_all_of_its_values(method):
    """A label is 0, so the kink of a dead unit is everything; data off the kinks stay off them."""
    data = ag.tensor(np.array([[1.0, -0.5], [2.0, 0.25]]), name="data")
    labels = ag.tensor(np.array([1.0, 0.0]), name="labels")
    verdict = prove.backward(
        lambda w: ag.sum(ag.maximum(ag.relu(data @ w), labels)), args=[X], method=method
    )
    assert verdict.status == "PROVED", verdict
    assert not all(e.startswith("edge of") for e in verdict.excluded)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("labels", [np.eye(2)[[0, 1, 1]], np.zeros((3, 2))], ids=["one", "none"])
def test_a_mask_of_data_and_the_data(labels, method):
    """[d = 0] d is 0 for every d: what a loss guards by its labels has the labels as a factor."""
    d = ag.tensor(labels, name="d")
    z = ag.tensor(np.random.default_rng(0).normal(size=(3, 2)), requires_grad=True, name="z")
    loss = -ag.sum(ag.still(d * ag.log_softmax(z, axis=1), d))
    assert prove.backward(loss, wrt=[z], method=method).status == "PROVED"
    twice = -ag.sum(ag.still(d * (d * z), d) + ag.still(d * ag.exp(z), d))
    assert prove.backward(twice, wrt=[z], method=method).status == "PROVED"


def test_data_off_the_kinks_costs_nothing():
    rng = np.random.default_rng(0)
    data, target = ag.tensor(rng.normal(size=(6, 2)), name="data"), ag.tensor(rng.normal(size=6))
    verdict = prove.backward(lambda w: ag.sum(abs(data @ w - target)), args=[X])
    assert verdict.status == "PROVED"
    assert not any(e.startswith("edge of") for e in verdict.excluded)


def test_a_unit_with_a_bias_is_not_computed(monkeypatch):
    x, w, b, g = arrays("x:B,D w:D,H b:H g:B,H")
    monkeypatch.setattr(at_hand, "_points", lambda *where: pytest.fail("it was computed"))
    assert prove.backward(ag.sum(ag.relu(0.3 * (x @ w) + b) * g), [w, b]).status == "PROVED"


def test_a_bias_that_something_else_reads_may_lie_on_a_kink():
    """z + |z| is 0 wherever z is below 0: not by one value of z."""
    assert not at_hand._moved_by_one(Z + Abs(Z), {Z})
    assert at_hand._moved_by_one(Z / 3 + Abs(OF), {Z})
    assert not at_hand._moved_by_one(Z * OF + Abs(OF), {Z})
    assert not at_hand._moved_by_one(Z / 3 + Abs(OF), {OF})


def test_ties_between_elements_are_told_from_an_element_and_itself():
    (z,) = arrays("z:B,3")
    for weights, status in (([1.0, 3.0, 2.0], "PROVED"), ([0.0, 0.0, 2.0], "UNDECIDED")):
        loss = ag.sum(ag.max(z * ag.tensor(np.array(weights), name="weights"), 1))
        assert prove.backward(loss, wrt=[z]).status == status


def test_facts_that_make_a_kink_everything():
    """What is left out is all that the facts allow, at every size or at one of them."""
    (y,) = arrays("y:M,N")
    rows = [facts.sums_to_one(y, 1)]
    total = ag.sum(y, 1)
    for a, b in (
        (ag.equal(total, 1) * 1.0, 0 * total),
        (ag.equal(2 * total, total + 1) * 1.0, 0 * total),
        (ag.equal(y, 1) * y, 0 * y),  # at N = 1 that is y itself
    ):
        assert prove.equal(a, b, given=rows).status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize(
    "other",
    [
        lambda x: ag.sum(x, 1, keepdims=True),
        lambda x: ag.mean(x, 1, keepdims=True),
        lambda x: ag.max(x, 1, keepdims=True),
        lambda x: ag.sum(0 * x + 1, 1, keepdims=True) * x,
    ],
    ids=["sum", "mean", "max", "size"],
)  # fmt: skip
def test_sizes_of_one(other):
    """At one column these are x itself, so the tie is everything."""
    (x,) = arrays("x:M,N")
    assert prove.equal(ag.equal(other(x), x) * x, 0 * x).status in ("REFUTED", "UNDECIDED")


def test_one_operand_given_twice():
    x = ag.tensor(X, requires_grad=True, name="x")
    verdict = prove.equal(ag.equal(x, x) * x, 0 * x, wrt=[x])
    assert verdict.status == "REFUTED"
    assert prove.backward(ag.sum(ag.maximum(x, x)), wrt=[x]).status == "PROVED"


def test_values_of_expressions():
    """Sums, labels and elements beside NumPy's."""
    import sympy

    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(3, 4)), rng.normal(size=4)
    i, k, j = index("i", 3), index("k", 4), index("j", 3)
    A, B, M = sympy.IndexedBase("A"), sympy.IndexedBase("B"), sympy.Symbol("top", integer=True)
    at = Values({A.label: a, B.label: b}, {M: (A[i, k], (k,), (i,), 0)})
    top = sympy.IndexedBase(M)[i]
    for e, expected in (
        (sympy.Sum(A[i, k] * B[k], (k, 0, 3)), a @ b),
        (sympy.Sum(sympy.exp(A[i, k]) + B[k], (k, 0, 3)), (np.exp(a) + b).sum(1)),
        (sympy.Sum(2, (k, 0, 3)), 8),
        (A[i, 2] ** 2, a[:, 2] ** 2),
        (A[i, top], a.max(1)),
        (A[i, k] * B[2], a * b[2]),
    ):
        np.testing.assert_allclose(at.entries(e), expected)
    np.testing.assert_array_equal(np.isnan(at.apart(A[i, 0] - A[j, 0])), np.eye(3, dtype=bool))
