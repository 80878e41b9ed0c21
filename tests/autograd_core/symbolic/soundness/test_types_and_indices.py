"""No capture of indices, booleans and integers as NumPy has them, no kink that is an open set."""

import itertools
import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core.errors import ProofError
from autograd_core.symbolic import arrays, dims, facts, labels, prove
from autograd_core.symbolic.atoms import Floor, Step, Vanishes
from autograd_core.symbolic.exact import Exact, Symbols, exact_array, inputs_of as exact_inputs
from autograd_core.symbolic.indexed import (
    Indexed,
    IndexedArray,
    IndexedSymbols,
    inputs_of,
    put,
    total,
)
from autograd_core.symbolic.normal_form import NormalForm
from autograd_core.symbolic.places import bound_in, index, is_bound, label_of, size_of
from autograd_core.symbolic.polynomials import Budget

M, N = dims("M N")


def eye(n):
    return ag.REGISTRY["eye"].function(size=n, dtype=np.float64)


def ties(e):
    return ag.equal(ag.expand_dims(e, 1), ag.expand_dims(e, 0)) * 1.0


# --- indices --------------------------------------------------------------------------------------


def picked(z):
    """The centred logits at the predicted class."""
    return ag.take_along_axis(z - ag.mean(z, 0), ag.argmax(z, 1, keepdims=True), 1)


def test_a_label_is_not_captured_by_a_sum_over_the_same_input():
    (z,) = arrays("z:M,N")
    assert prove.equal(ag.sum(picked(z)), 0 * ag.sum(z)).status == "REFUTED"
    z2 = np.array([[1.0, 5.0], [7.0, 2.0]])
    assert ag.sum(picked(ag.tensor(z2))).item() == 4.5
    fixed = prove.equal(lambda z: ag.sum(picked(z)), lambda z: 0 * ag.sum(z), args=[z2])
    assert fixed.status == "REFUTED"
    verdict = prove.backward(ag.sum(picked(z)), wrt=[z])
    assert verdict.status == "PROVED"
    assert "z[m, argmax[m]] - z[m, n] = 0" in verdict.excluded  # where it jumps
    assert "argmax" in verdict.latex("z")
    with pytest.raises(ProofError, match="of the largest"):
        verdict.numpy("z")


def test_a_term_that_would_be_captured_is_an_internal_error():
    i = index("i", sympy.Symbol("N", integer=True, positive=True))
    x = sympy.IndexedBase("x", real=True)
    body = total(x[i], [i])
    (k,) = bound_in(body)
    assert is_bound(k)
    assert not is_bound(i)
    assert bound_in(total(x[i], [i])) != {k}  # each sum binds an index of its own
    with pytest.raises(RuntimeError, match="internal error: an index of"):
        put(body * x[i], {i: k})


@pytest.mark.parametrize("seed", range(3))
def test_sums_bind_indices_that_stand_nowhere_else(seed):
    """Whatever a program is made of, no index of its value is bound, and no binder is free."""
    draw = np.random.default_rng(seed)
    for _ in range(12):
        program = ag.trace(lambda z, y: grown(draw, z, y))(ag.Abstract((M, M)), ag.Abstract((M,)))
        symbols = IndexedSymbols()
        values = program.fold(Indexed(symbols), *inputs_of(program, symbols).values())
        for found in values.values():
            if isinstance(found, IndexedArray):
                free = found.body.free_symbols
                bound = bound_in(found.body)
                assert all(map(is_bound, bound))
                assert not bound & free
                assert not any(map(is_bound, {i for i in found.indices if i is not None}))


# Of arrays z (n, n) and y (n,), an axis, and the label of the largest along it.
_STEPS = [
    lambda z, y, axis, label, n: z - ag.mean(z, axis, keepdims=True),
    lambda z, y, axis, label, n: (
        z * ag.take_along_axis(z - ag.mean(z, axis, keepdims=True), label, axis)
    ),
    lambda z, y, axis, label, n: z @ z,
    lambda z, y, axis, label, n: ag.einsum("ij,kj->ik", z, z - y),
    lambda z, y, axis, label, n: z[ag.argmax(z, 1)] * y,
    lambda z, y, axis, label, n: z[ag.argmax(z, 1), ag.argmax(z, 0)] + z,
    lambda z, y, axis, label, n: ag.REGISTRY["put_along_axis"].function(
        ag.sum(z, axis, keepdims=True), label, axis=axis, size=n
    ),
    lambda z, y, axis, label, n: ag.max(z, axis, keepdims=True) * z + ag.sum(z),
    lambda z, y, axis, label, n: z * eye(n) + ag.expand_dims(ag.sum(z * y, 1), 1),
]


def grown(draw, z, y, n=M):
    """A program of gathers, argmax labels, scatters, contractions and sums of two inputs."""
    for _ in range(draw.integers(2, 5)):
        axis = int(draw.integers(2))
        step = _STEPS[draw.integers(len(_STEPS))]
        z = step(z, y, axis, ag.argmax(z, axis, keepdims=True), n)
    return z


# --- booleans and integers ------------------------------------------------------------------------

METHODS = ("INDEXED", "EXACT")
X = np.array([2.0, -0.5])
A, C = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[-1.0, 2.0], [1.5, 0.5]])


@pytest.mark.parametrize("method", METHODS)
def test_booleans_are_not_added_as_numbers(method):
    def f(x):
        return ((x > 0) + (x > -1)) * x  # NumPy: or

    def g(x):
        return ((x > 0) * 1.0 + (x > -1) * 1.0) * x

    assert prove.equal(f, g, args=[X], method=method).status != "PROVED"

    def h(x):
        return (1 - (1 - (x > 0) * 1.0) * (1 - (x > -1) * 1.0)) * x

    assert prove.equal(f, h, args=[X], method=method).status == "PROVED"

    def f(x):
        return ag.where((x > 0) + (x > -1), x, 0)

    assert prove.equal(f, lambda x: 2 * x, args=[X], method=method).status != "PROVED"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "product",
    [
        lambda a, c: a @ c,
        lambda a, c: ag.einsum("ij,jk->ik", a, c),
        lambda a, c: ag.affine(a, c, c[0]),
        lambda a, c: ag.einsum("ij->i", a),
    ],
)
def test_products_of_booleans_are_ors_of_ands(product, method):
    def f(a, c):
        return product(a > 0, c > 0) * 1.0

    def g(a, c):
        return product((a > 0) * 1.0, (c > 0) * 1.0)

    assert prove.equal(f, g, args=[A, C], method=method).status != "PROVED"

    def some(a, c):
        return ag.greater(g(a, c), 0) * 1.0

    assert prove.equal(f, some, args=[A, C], method=method).status == "PROVED"


@pytest.mark.parametrize("method", METHODS)
def test_sums_of_booleans_count_and_captured_ones_are_booleans(method):
    def count(x):
        return ag.sum(x > 0) * 1.0

    def numbers(x):
        return ag.sum((x > 0) * 1.0)

    assert prove.equal(count, numbers, args=[X], method=method).status == "PROVED"
    mask = ag.tensor(np.array([True, False]))

    def twice(x):
        return (mask + mask) * x

    def once(x):
        return mask * x

    assert prove.equal(twice, once, args=[X], method=method).status == "PROVED"

    def doubled(x):
        return 2 * mask * x

    assert prove.equal(twice, doubled, args=[X], method=method).status != "PROVED"

    def where(x):
        return ag.where(mask, x**2, 0) + ag.where(ag.logical_not(mask), x, 0)

    verdict = prove.backward(lambda x: ag.sum(where(x)), args=[X], method=method)
    assert verdict.status == "PROVED"
    assert not any("in range" in fact for fact in map(str, verdict.facts))
    with pytest.raises(TypeError):
        (ag.tensor(X) > 0) - (ag.tensor(X) > 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("values", [[1, -1, 0], [-100, 2, 1]])
def test_integers_that_index_nothing_are_signed(values, method):
    flags = ag.tensor(np.array(values))

    def loss(x):
        return ag.sum(ag.where(ag.equal(flags, values[0]), x**2, 0.0) + x * flags)

    verdict = prove.backward(loss, args=[np.ones(3)], method=method)
    assert verdict.status == "PROVED"
    assert not any(
        "in range" in fact or "does not depend" in fact for fact in map(str, verdict.facts)
    )
    (leaf,) = verdict.leaves
    space = {}
    exec(verdict.numpy(leaf), space)
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        next(v for k, v in space.items() if k.startswith("gradient"))(x, np.array(values)),
        ag.grad(loss)(x).data,
    )


@pytest.mark.parametrize("method", METHODS)
def test_what_holds_of_nonnegative_integers_alone_is_not_proved(method):
    y = ag.tensor(np.array([-1, 1]))
    for f, g in (
        (lambda x: x * ag.sqrt(ag.square(y) * 1.0), lambda x: x * y),
        (lambda x: ag.sum(ag.where(ag.equal(y, -1), 0, x)), lambda x: ag.sum(x)),
        (lambda x: x * ag.absolute(y), lambda x: x * y),
        (lambda x: x * (y // 2), lambda x: x * ag.trunc(y / 2)),
        (lambda x: ag.where(y, x, 0), lambda x: 0 * x),
    ):
        assert prove.equal(f, g, args=[X], method=method).status != "PROVED"
    holds = (lambda x: x * ag.floor(y * 1.0), lambda x: x * y)
    assert prove.equal(*holds, args=[X], method=method).status == "PROVED"


def test_labels_are_in_range_only_of_what_they_index():
    z, c = arrays("z:M,N c:3")
    (y,) = labels("y:M")
    verdict = prove.backward(ag.sum(ag.exp(z[:, 0]) * y), wrt=[z])
    assert not any("in range: y" in fact for fact in map(str, verdict.facts))
    verdict = prove.backward(ag.sum(z[y] ** 2), wrt=[z])
    assert verdict.status == "PROVED"
    assert "labels in range: y" in map(str, verdict.facts)
    # A row of a one-hot matrix sums to 1 only if its label is one of the columns.
    for values in ([0, 2], [0, -1], [3, 1]):
        wanted = ag.tensor(np.array(values))
        hot = ag.equal(ag.expand_dims(wanted, 1), np.arange(3))
        found = prove.equal(
            lambda x, hot=hot: ag.sum(hot * x, 1), lambda x: x[:, 0], args=[np.ones((2, 1))]
        )
        assert (found.status == "PROVED") == (values == [0, 2])
    hot = ag.sum(ag.equal(ag.expand_dims(y, 1), np.arange(3)) * ag.exp(c), 1)
    assert prove.equal(hot, ag.exp(c)[y], wrt=[c, y], method="INDEXED").status == "PROVED"
    hot = ag.sum(ag.equal(ag.expand_dims(y, 1), np.arange(3)) * 1.0, 1)
    assert prove.equal(hot, 1.0 + 0 * y, method="INDEXED").status != "PROVED"


@pytest.mark.parametrize("values", [[0, -1], [-2, 1]])
def test_captured_labels_outside_of_the_axis_give_no_proof_at_every_size(values):
    wanted = ag.tensor(np.array(values))
    for loss in (
        lambda x: ag.sum(x[wanted] ** 2),
        lambda x: ag.sum(ag.take_along_axis(x, wanted, 0) ** 2),
    ):
        with pytest.raises(ProofError, match="holds values from"):
            prove.backward(loss, args=[np.ones(2)], method="INDEXED")
        assert prove.backward(loss, args=[np.ones(2)]).status == "PROVED"  # at its values


def test_a_range_over_part_of_an_axis_is_not_the_axis():
    (y,) = arrays("y:5")
    part = ag.sum(y[np.arange(3)])
    assert prove.equal(part, ag.sum(y)).status == "REFUTED"
    with pytest.raises(ProofError, match="a range over part of an axis"):
        prove.equal(part, ag.sum(y), method="INDEXED")


@pytest.mark.parametrize("seed", range(2))
def test_gathers_at_computed_indices_are_read_entry_by_entry(seed):
    draw = np.random.default_rng(seed)
    (z,) = arrays("z:2,2")
    for _ in range(6):
        program = ag.trace(lambda z: grown(draw, z, z[0], 2))(z)
        point = draw.uniform(-1, 1, (2, 2))
        symbols = Symbols()
        inputs = exact_inputs(program, symbols)
        found = program.evaluate(Exact(symbols), *inputs.values())
        at = {
            s: sympy.Rational(float(v))
            for s, v in zip(*(a.flat for a in (*inputs.values(), point)), strict=True)
        }
        np.testing.assert_allclose(
            [float(valued(e.xreplace(at))) for e in exact_array(found).flat],
            program(point).ravel(),
            rtol=1e-9,
        )


def valued(e):
    """A constant expression, its steps evaluated."""
    form = NormalForm(Budget(20.0, 20_000))
    return form.expression(form.form(e))


def test_a_captured_infinity_is_no_real_number():
    mask = ag.tensor(np.array([0.0, -np.inf]))
    with pytest.raises(ProofError, match="holds infinities"):
        prove.backward(lambda x: ag.sum(ag.exp(x + mask)), args=[X], method="INDEXED")


def test_every_verdict_says_what_numbers_are_read_as():
    (z,) = arrays("z:N")
    for verdict in (
        prove.backward(ag.sum(ag.exp(z)), wrt=[z]),
        prove.equal(z + z, 2 * z),
        prove.rule("tanh"),
    ):
        assert "real numbers" in verdict.numbers
        assert verdict.numbers in str(verdict)
        assert json.loads(verdict.to_json())["numbers"] == verdict.numbers


# --- kinks ----------------------------------------------------------------------------------------

TIED = {  # functions that are equal at different arguments, on an open set
    "exp relu": lambda z: ag.exp(ag.relu(z)),
    "tanh relu": lambda z: ag.tanh(ag.relu(z)),
    "log relu": lambda z: ag.log(1 + ag.relu(z)),
    "sqrt relu": lambda z: ag.sqrt(1 + ag.relu(z)),
    "1/relu": lambda z: 1 / (1 + ag.relu(z)),
    "relu": ag.relu,
    "relu twice": lambda z: ag.relu(1 - ag.relu(z)),
    "floor": ag.floor,
    "exp floor": lambda z: ag.exp(ag.floor(z)),
    "rint": ag.rint,
    "clip": lambda z: ag.minimum(ag.maximum(z, -1), 1),
    "sign": ag.sign,
    "step": lambda z: (z > 0) * 1.0,
    "sin step": lambda z: ag.sin((z > 0) * 1.0),
    "where": lambda z: ag.where(z > 0, ag.exp(z), 1),
}
APART = {  # and functions that are not
    "exp": ag.exp,
    "softplus": ag.softplus,
    "sigmoid": ag.sigmoid,
    "swish": lambda z: z * ag.sigmoid(z),
    "gelu": lambda z: z * (1 + ag.erf(z)),
    "z exp z": lambda z: z * ag.exp(z),
    "softmax": lambda z: ag.softmax(z, 0),
    "square": ag.square,
    "leaky": lambda z: ag.maximum(z, 0.5 * z),
    "sin": ag.sin,
    "z - floor z": lambda z: z - ag.floor(z),
}


@pytest.mark.parametrize("name", TIED)
def test_ties_on_an_open_set_are_not_left_out(name):
    (z,) = arrays("z:N")
    f = TIED[name]
    verdict = prove.equal(ties(f(z)), eye(N))
    assert verdict.status != "PROVED"
    verdict = prove.equal(
        lambda x: ties(f(x)) * x, lambda x: np.eye(2) * x, args=[X], method="EXACT"
    )
    assert verdict.status != "PROVED"


@pytest.mark.parametrize("name", APART)
def test_ties_on_a_null_set_are_left_out(name):
    (z,) = arrays("z:N")
    verdict = prove.equal(ties(APART[name](z)), eye(N))
    assert verdict.status == "PROVED"
    assert any(" = 0" in kink for kink in verdict.excluded)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("u", "v"),
    [
        (lambda x, y: ag.sqrt(x * x + 2 * x * y + y * y), lambda x, y: x + y),
        (lambda x, y: ag.log(x * x), lambda x, y: 2 * ag.log(x)),
        (lambda x, y: ag.sin(2 * x), lambda x, y: 2 * ag.sin(x) * ag.cos(x)),
        (lambda x, y: ag.floor(x), lambda x, y: ag.floor(y)),
        (
            lambda x, y: ag.arctan(x) + ag.arctan(1 / x),
            lambda x, y: ag.arctan(y) + ag.arctan(1 / y),
        ),
        (lambda x, y: ag.sin(ag.arctan(x)), lambda x, y: x / ag.sqrt(1 + x * x)),
        (lambda x, y: ag.exp(ag.relu(x)), lambda x, y: 1.0 + 0 * y),
        (lambda x, y: ag.exp(ag.relu(x) * ag.relu(-x)), lambda x, y: 1.0 + 0 * y),
    ],
)
def test_a_difference_of_normal_forms_is_no_proof_that_two_functions_differ(u, v, method):
    def equal(x, y):
        return ag.equal(u(x, y), v(x, y)) * x

    found = prove.equal(equal, lambda x, y: 0 * x, args=[X, X + 1], method=method)
    assert found.status != "PROVED"

    def other(x, y):
        return ag.where(ag.greater(u(x, y), v(x, y)), 1.0, 0.0) * x

    def flip(x, y):
        return (1 - ag.where(ag.greater(v(x, y), u(x, y)), 1.0, 0.0)) * x

    assert prove.equal(other, flip, args=[X, X + 1], method=method).status != "PROVED"


@pytest.mark.parametrize("method", METHODS)
def test_what_is_zero_by_a_fact_is_no_kink(method):
    (y,) = arrays("y:3,2")
    known = [facts.sums_to_one(y, axis=1)]
    whole = ag.equal(y[:, 0] + y[:, 1], 1) * 1.0
    assert prove.equal(whole, 0 * y[:, 0], given=known, method=method).status != "PROVED"
    above = ag.greater(y[:, 0] + y[:, 1], 1) * 1.0
    below = 1 - ag.less(y[:, 0] + y[:, 1], 1) * 1.0
    assert prove.equal(above, below, given=known, method=method).status != "PROVED"


def test_labels_are_the_same_only_where_what_they_are_of_is():
    (x,) = arrays("x:M,N")
    (y,) = arrays("y:2")
    one = ag.equal(y[0] + y[1], 1) * 1.0
    row = x[0]
    wide = ag.argmax(ag.broadcast_to(row, shape=(M, N)), 1)  # the same in every row: one label
    assert prove.equal(row[wide], ag.broadcast_to(ag.max(row), shape=(M,))).status == "PROVED"
    tilted = ag.take_along_axis(x, ag.argmax(x * (1 - 2 * one), 1, keepdims=True), 1)
    known = [facts.sums_to_one(y, axis=0)]
    found = prove.equal(tilted, ag.max(x, 1, keepdims=True), wrt=[x, y], given=known)
    assert found.status != "PROVED"


def test_a_rule_that_does_not_share_ties_is_wrong_where_dead_units_tie(planted):
    def whole(xp, g, y, x, axis, keepdims):
        return g * xp.cast(xp.equal(x, y), dtype=np.float64)

    z, w = arrays("z:N w:")
    loss = ag.max(ag.exp(w + ag.relu(z)))  # of one unit all tie where all are dead
    program = ag.introspect.program(loss, wrt=[z, w])
    assert prove.backward(planted(program, "max", whole), wrt=[1]).status != "PROVED"
    found = prove.backward(program, wrt=[1])
    assert found.status == "UNDECIDED"
    assert "may be zero on an open set" in found.reason
    z, w = arrays("z:N w:N")
    loss = ag.max(ag.exp(w + ag.relu(z)))  # here none tie
    program = ag.introspect.program(loss, wrt=[z, w])
    assert prove.backward(program, wrt=[0, 1]).status == "PROVED"


def test_a_largest_of_largest_ties_where_both_of_its_labels_do():
    (z,) = arrays("z:M,N")
    verdict = prove.backward(ag.max(ag.max(z, 1)), wrt=[z])
    assert verdict.status == "PROVED"
    assert not any(kink.startswith("edge of ") for kink in verdict.excluded)


def test_what_may_be_zero_on_an_open_set_has_an_edge():
    (x, w) = arrays("x:M,N w:N")
    hidden = ag.relu(x) @ w  # zero where all units are dead
    verdict = prove.backward(ag.sum(ag.relu(hidden)), wrt=[x, w])
    assert verdict.status == "PROVED"
    kinks = [kink for kink in verdict.excluded if "w[" in kink]
    assert kinks
    assert all(kink.startswith("edge of ") for kink in kinks)
    (b,) = arrays("b:")
    verdict = prove.backward(ag.sum(ag.relu(hidden + b)), wrt=[x, w])
    assert not any(kink.startswith("edge of ") for kink in verdict.excluded)


# --- small random programs, against what the engine computes --------------------------------------

B, D = dims("B D")
F, I, T = "f", "i", "b"  # floats, integers, truths


def _label(z, axis):
    return ag.argmax(z, axis, keepdims=True)


# Arrays broadcast with (B, D): of what types they are made, and of what they are.
_MADE = [
    (F, (F, F), lambda a, b: a + b),
    (F, (F, F), lambda a, b: a * b),
    (F, (F, F), lambda a, b: ag.maximum(a, b)),
    (F, (F,), ag.relu),
    (F, (F,), lambda a: ag.exp(-ag.absolute(a))),
    (F, (F,), ag.floor),
    (F, (F, T), lambda a, c: a * c),
    (F, (F, I), lambda a, k: a * k),
    (F, (T, F, F), ag.where),
    (F, (I, F, F), ag.where),
    (F, (I, I), lambda a, b: a / (1 + b * b)),
    (F, (T,), lambda c: c * 0.5),
    (F, (I,), lambda k: ag.sqrt(k * k + 1.0)),
    (F, (F,), lambda a: ag.sum(a, 0, keepdims=True)),
    (F, (F,), lambda a: a - ag.mean(a, 1, keepdims=True)),
    (F, (F,), lambda a: ag.max(a, 1, keepdims=True)),
    (F, (F, F), lambda a, b: ag.take_along_axis(whole(a), _label(whole(b), 1), 1)),
    (F, (F, F), lambda a, b: ag.take_along_axis(whole(a), _label(whole(b), 0), 0)),
    (F, (F, F), lambda a, b: whole(a)[ag.argmax(whole(b), 0)[ag.argmax(whole(b), 1)]]),
    (F, (F,), lambda a: ag.take_along_axis(whole(a) - ag.mean(whole(a), 0), _label(whole(a), 1), 1)),
    (F, (F, F), lambda a, b: ag.sum(whole(a) @ ag.transpose(whole(b)), 1, keepdims=True)),
    (T, (F, F), ag.less),
    (T, (F, F), ag.equal),
    (T, (F, F), ag.greater_equal),
    (T, (I, I), ag.equal),
    (T, (I, I), ag.less_equal),
    (T, (I, T), ag.not_equal),
    (T, (T, T), lambda c, d: c + d),
    (T, (T, T), lambda c, d: c * d),
    (T, (T, T), ag.less),
    (T, (T,), ag.logical_not),
    (T, (T, T, T), ag.where),
    (T, (I,), lambda k: ag.cast(k, bool)),
    (T, (T,), lambda c: ag.max(c, 1, keepdims=True)),
    (T, (T, T), lambda c, d: ag.max(whole(c) @ ag.transpose(whole(d)), 1, keepdims=True)),
    (T, (T, T), lambda c, d: ag.expand_dims(ag.einsum("ij,ij->i", whole(c), whole(d)), 1)),
    (T, (T,), lambda c: ag.expand_dims(ag.einsum("ij->j", whole(c)), 0)),
    (I, (T,), lambda c: ag.sum(c, 1, keepdims=True)),
    (I, (I, I), lambda a, b: a * b - a),
    (I, (I, T), lambda a, c: a + c),
    (I, (I,), lambda a: a // 2),
    (I, (I,), lambda a: a % -3),
    (I, (I,), ag.sign),
    (I, (I,), lambda a: ag.sum(a, 0, keepdims=True)),
    (I, (F,), lambda a: _label(a, 1)),
    (I, (T, I, I), ag.where),
    (I, (I,), lambda a: -a),
]  # fmt: skip


def whole(a):
    """As large as all that it meets."""
    return a if tuple(a.shape) == tuple(_SHAPE) else ag.broadcast_to(a, shape=tuple(_SHAPE))


_SHAPE: list = []


def drawn(draw, shape, pool):
    """A program on typed arrays: floats last."""
    _SHAPE[:] = shape
    for _ in range(draw.integers(3, 8)):
        result, types, made = _MADE[draw.integers(len(_MADE))]
        operands = [pool[t][draw.integers(len(pool[t]))] for t in types]
        pool[result].append(made(*operands))
        found = pool[result][-1].dtype.kind
        assert (found == "u" and result == I) or found == result, (made, found)
    last = [values[-1] for values in pool.values()]
    return tuple(v * 1 if v.dtype.kind != "b" else v for v in last)


def value(e, at, arrays, memo):
    """An expression at values of its symbols: labels of largest elements by their definition."""
    key = (e, tuple(sorted((str(k), v) for k, v in at.items() if e.has(k))))
    if key not in memo:
        memo[key] = _value(e, at, arrays, memo)
    return memo[key]


def _value(e, at, arrays, memo):
    def inner(part, at=at):
        return value(part, at, arrays, memo)

    if e.is_Number:
        return Fraction(int(e.p), int(e.q))
    if isinstance(e, sympy.Sum):
        ranges = [range(int(inner(size_of(k)))) for k in e.variables]
        runs = itertools.product(*ranges)
        return sum(
            inner(e.function, {**at, **dict(zip(e.variables, r, strict=True))}) for r in runs
        )
    if isinstance(e, sympy.Symbol) and e in at:
        return at[e]
    if isinstance(e, (sympy.Indexed, sympy.Symbol)):
        place = tuple(int(inner(i)) for i in getattr(e, "indices", ()))
        found = arrays[label_of(e)]
        return found(place, inner) if callable(found) else found[place]
    if isinstance(e, sympy.KroneckerDelta):
        return int(inner(e.args[0]) == inner(e.args[1]))
    parts = [inner(a) for a in e.args]
    return _OF[e.func](*parts)


def _power(u, n):
    return u ** int(n) if n == int(n) else math.sqrt(u) ** int(2 * n)


_OF = {
    sympy.Add: lambda *parts: sum(parts),
    sympy.Mul: lambda *parts: math.prod(parts),
    sympy.Pow: _power,
    sympy.exp: lambda u: math.exp(u),
    Step: lambda u: int(u > 0),
    Vanishes: lambda u: int(u == 0),
    Floor: lambda u: math.floor(u),
    sympy.Abs: abs,
    sympy.sign: lambda u: (u > 0) - (u < 0),
}


class Told(IndexedSymbols):
    """Symbols that tell what the labels of largest elements are."""

    def __init__(self, arrays):
        super().__init__()
        self.arrays = arrays

    def place(self, x, folded, kept):
        """Note what a label is of."""
        found = super().place(x, folded, kept)
        for n, label in enumerate(found):
            along = getattr(label, "indices", ())

            def first(place, inner, n=n, kept=along):
                at = dict(zip(kept, place, strict=True))
                runs = itertools.product(*(range(int(inner(size_of(k)))) for k in folded))
                return max(
                    runs, key=lambda r: inner(x, {**at, **dict(zip(folded, r, strict=True))})
                )[n]

            self.arrays.setdefault(label_of(label), first)
        return found


def data(draw, b, d, tied):
    """Values of the inputs: floats that are dyadic, so that sums are exact, with many ties."""

    def floats(*shape):
        return draw.integers(-2, 3, shape) / (2.0 if tied else 1.0) + (
            0 if tied else draw.integers(-64, 65, shape) / 256
        )

    return (
        floats(b, d), floats(1, d), draw.integers(-2, 3, (b, 1)), draw.integers(-1, 2, (1, d)),
        draw.integers(0, 2, (b, d)).astype(bool),
    )  # fmt: skip


def pooled(z, w, s, k, m):
    return {F: [z, w], I: [s, k], T: [m, z > 0]}


def compared(body, indices, shape, arrays, wanted):
    """Every element of a reading beside that of the engine."""
    memo: dict = {}
    for place in np.ndindex(*shape):
        at = {i: p for i, p in zip(indices, place, strict=True) if i is not None}
        found = float(value(body, at, arrays, memo))
        assert found == pytest.approx(float(wanted[place]), rel=1e-9, abs=1e-12), (body, at)


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(s, marks=pytest.mark.slow) for s in range(3, 40))]
)
def test_random_programs_are_read_as_the_engine_runs_them_at_every_size(seed):
    draw = np.random.default_rng(seed)
    types = (float, float, int, int, bool)
    for n in range(12):
        program = ag.trace(
            lambda *a, n=n: drawn(np.random.default_rng((seed, n)), (B, D), pooled(*a))
        )(
            *(
                ag.Abstract(s, np.dtype(t))
                for s, t in zip(((B, D), (1, D), (B, 1), (1, D), (B, D)), types, strict=True)
            )
        )
        arrays = {}
        symbols = Told(arrays)
        named = inputs_of(program, symbols)
        evaluator = Indexed(symbols)
        values = program.fold(evaluator, *named.values())
        for b, d in ((1, 1), (1, 2), (2, 3), (3, 2)):
            given = data(draw, b, d, tied=True)
            for c, v in (("B", b), ("D", d)):
                arrays[sympy.Symbol(c, integer=True, positive=True)] = {(): v}
            for array, held in zip(named.values(), given, strict=True):
                element = array.body.args[0] if isinstance(array.body, Step) else array.body
                kept = tuple(0 if i is None else slice(None) for i in array.indices)
                rows = held.astype(float)[kept]
                arrays[label_of(element)] = np.vectorize(Fraction, otypes=[object])(rows)
            small = program.at({"B": b, "D": d})
            wanted = small.values(*given)
            for out, there in zip(program.outputs, small.outputs, strict=True):
                found = evaluator.value(values[out])
                compared(found.body, found.indices, there.shape, arrays, wanted[there])


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(s, marks=pytest.mark.slow) for s in range(3, 40))]
)
def test_random_programs_are_read_as_the_engine_runs_them_entry_by_entry(seed):
    draw = np.random.default_rng(seed)
    for n in range(12):
        b, d = ((1, 1), (1, 2), (2, 2), (2, 3))[n % 4]
        z, w, s, k, m = data(draw, b, d, tied=True)
        held = [ag.tensor(a) for a in (s, k, m)]
        program = ag.trace(
            lambda z, w, n=n, shape=(b, d), held=held: drawn(
                np.random.default_rng((seed, n)), shape, pooled(z, w, *held)
            )
        )(ag.Abstract((b, d)), ag.Abstract((1, d)))
        symbols = Symbols()
        named = exact_inputs(program, symbols)
        evaluator = Exact(symbols)
        values = program.fold(evaluator, *named.values())
        arrays = {}
        for array, given in zip(named.values(), (z, w), strict=True):
            arrays |= {
                e: {(): Fraction(float(v))} for e, v in zip(array.flat, given.flat, strict=True)
            }
        wanted = program.values(z, w)
        for out in program.outputs:
            found, memo = exact_array(values[out]), {}
            for place in np.ndindex(*found.shape):
                got = float(value(found[place], {}, arrays, memo))
                assert got == pytest.approx(float(wanted[out][place]), rel=1e-9, abs=1e-12)
