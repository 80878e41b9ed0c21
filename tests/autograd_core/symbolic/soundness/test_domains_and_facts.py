"""Where a statement is made, and under which facts: domains, witnesses, several facts, arguments."""

from __future__ import annotations

import contextlib
import itertools
import json
import random

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core import cases, symbolic
from autograd_core.errors import AutogradError, ProofError
from autograd_core.kinds import Elementwise
from autograd_core.symbolic import arrays, dims, facts, labels, prove, scalar
from autograd_core.symbolic.domains import ASKING, Asked
from autograd_core.symbolic.equations import OnSymbols, equation
from autograd_core.symbolic.exact import Exact, Symbols, exact_array
from autograd_core.symbolic.functions import FUNCTIONS, ScalarShelf

METHODS = ("INDEXED", "EXACT")

# --- domains ------------------------------------------------------------------------------------

# sympy writes each of these without what it asks for.
CANCELLED = {
    "exp(log x)": (lambda x: ag.exp(ag.log(x)), "{} > 0"),
    "sqrt(x)²": (lambda x: ag.sqrt(x) ** 2, "{} > 0"),
    "x/x": (lambda x: x / x, "{} != 0"),
    "x/x x": (lambda x: x / x * x, "{} != 0"),
    "0 x/x": (lambda x: 0 * x / x, "{} != 0"),
    "log x - log x": (lambda x: ag.log(x) - ag.log(x), "{} > 0"),
    "1/(1/relu)": (lambda x: 1 / (1 / ag.relu(x)), "{} > 0"),
    "relu/relu": (lambda x: ag.relu(x) / ag.relu(x), "{} > 0"),
    "x¹ᐟ² x¹ᐟ²": (lambda x: x**0.5 * x**0.5, "{} > 0"),
    "1/x x": (lambda x: x**-1 * x, "{} != 0"),
    "x^p / x^p": (lambda x: x**0.3 / x**0.3, "{} > 0"),
    "sin(arcsin x)": (lambda x: ag.sin(ag.arcsin(x)), "1 - {}**2 >= 0"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CANCELLED)
def test_what_sympy_cancels_is_still_asked_for(name, method):
    function, condition = CANCELLED[name]
    verdict = prove.backward(lambda x: ag.sum(function(x)), args=[np.array([0.5])], method=method)
    assert verdict.status == "PROVED"
    element = "x" if method == "INDEXED" else "x[0]"
    assert condition.format(element) in verdict.domain
    same = prove.equal(function, function, args=[np.array([0.5])], method=method)
    assert same.status == "PROVED"
    assert same.domain


def test_what_is_evident_is_not_listed():
    x, y = arrays("x:B y:B")
    eps = scalar("eps", positive=True)
    loss = ag.sum(ag.log(1 + ag.exp(x)) / ag.sqrt(x**2 + y**2 + eps) + 1 / (2 + ag.absolute(y)))
    verdict = prove.backward(loss, wrt=[x, y])
    assert verdict.status == "PROVED"
    assert verdict.domain == ()


def test_steps_that_lead_nowhere_ask_for_nothing():
    for method in METHODS:
        verdict = prove.backward(
            lambda x: [ag.log(x), ag.sum(x * x)][1], args=[np.array([0.5])], method=method
        )
        assert (verdict.status, verdict.domain) == ("PROVED", ())


def test_a_witness_lies_where_every_step_is_defined():
    (z,) = arrays("z:B")
    (q,) = arrays("q:B,1")
    for loss, leaf in (
        (ag.sum(ag.relu(z) ** 2 / ag.relu(z)), z),
        (ag.sum(ag.relu(q) / ag.sum(ag.relu(q), axis=1, keepdims=True)), q),
    ):
        verdict = prove.backward(loss, wrt=[leaf])
        assert verdict.status == "PROVED"
        assert any(d.endswith("[b] > 0") for d in verdict.domain)
    wrong = prove.equal(
        lambda x: ag.relu(x) ** 2 / ag.relu(x), lambda x: 2 * ag.relu(x), args=[np.ones(1)]
    )
    assert wrong.status == "REFUTED"
    assert wrong.witness.point["x[0]"] > 0


def test_a_gradient_that_asks_for_more_than_the_function_is_not_proved(planted):
    """Its steps are nan on an open set where the function is smooth, whatever sympy cancels."""
    (x,) = arrays("x:2")
    program = ag.introspect.program(ag.sum(ag.square(x)), wrt=[x])
    for rule in (
        lambda xp, g, y, a: g * (a + a) * xp.exp(xp.log(a)) / a,
        lambda xp, g, y, a: g * (a + a) + 0 * xp.sqrt(a - 1),
        lambda xp, g, y, a: g * (a + a) * xp.relu(a) / xp.relu(a),
        lambda xp, g, y, a: g * (a + a) + xp.arcsin(a) - xp.arcsin(a),
    ):
        for method in METHODS:
            verdict = prove.backward(planted(program, "square", rule), wrt=[0], method=method)
            assert verdict.status != "PROVED", method
    # At a point alone it is an exclusion, and listed.
    at_zero = planted(program, "square", lambda xp, g, y, a: g * (a + a) * (a / a))
    verdict = prove.backward(at_zero, wrt=[0])
    assert (verdict.status, verdict.domain) == ("PROVED", ("x[i] != 0",))


def test_an_equation_of_what_the_library_computes_keeps_its_domain():
    x = sympy.Symbol("x", real=True)
    function = OnSymbols(lambda x: ag.exp(ag.log(x)) + x / x)
    verdict = equation("the same", function(x)[0], x + 1, ran=[function])
    assert (verdict.status, verdict.domain) == ("PROVED", ("x > 0",))
    nowhere = OnSymbols(lambda x: 0 / (x - x + 0 * ag.exp(x)))
    verdict = equation("nothing", nowhere(x)[0], 0 * x, ran=[nowhere])
    assert verdict.status == "UNDECIDED"


# --- every formula says where it is defined -----------------------------------------------------


def test_every_function_of_the_shelf_has_a_row():
    functions = {n for n in vars(ScalarShelf) if not n.startswith("_")}
    assert functions == {n for n, f in FUNCTIONS.items() if f.listed} | {"where"}


GRID = [-2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0]  # halves: off 0 and ±1


def _holds(relation, e):
    value = sympy.N(e, 15)
    return value.is_real and {">": value > 0, ">=": value >= 0, "!=": value != 0}[relation]


@pytest.mark.parametrize(
    "name", [n for n, p in ag.REGISTRY.items() if getattr(p.kind, "formula", None) is not None]
)
def test_where_a_formula_asks_for_nothing_more_the_float_code_is_finite(name):
    p = ag.REGISTRY[name]
    whole = {"jv": 1, "iv": 1, "ive": 1, "kv": 1, "yv": 1, "stdtr": 1, "gammainc": 1, "gammaincc": 1, "betainc": 2}  # fmt: skip
    first = whole.get(name, 0)
    params = {"n": 1} if name == "polygamma" else {}
    inside = 0
    grid = GRID if p.arity == 1 else GRID[1::2]
    for point in itertools.product(*([[1, 2]] * first), *([grid] * (p.arity - first))):
        if name in {"mod", "fmod", "floor_divide"} and point[1] == 0:
            assert ("!=", sympy.S.Zero) in _asked(p, point, params)
            continue
        asked = _asked(p, point, params)
        if not all(_holds(*c) for c in asked):
            continue
        if name == "gammasgn" and point[0] < 0 and point[0] == int(point[0]):
            continue  # where it jumps: the sine in its formula is 0
        inside += 1
        operands = [np.float64(v) for v in point]
        with np.errstate(all="ignore"):
            assert np.isfinite(p.forward(*operands, **params)), point
    assert inside, "nowhere"


def _asked(p, point, params):
    found = p.kind.formula(ASKING, *(Asked(sympy.Rational(v)) for v in point), **params)
    return found.asks if isinstance(found, Asked) else frozenset()


# Calls that are no formulas: what each asks for, at a matrix for which it does not hold.
SINGULAR = {
    "cholesky": [np.array([[-1, 0], [0, 1]])],
    "solve": [np.array([[1, 1], [1, 1]]), np.array([1, 2])],
    "slogdet": [np.array([[1, 2], [2, 4]])],
    "det": [np.array([[1, 2], [2, 4]])],  # its meaning is sign(d) exp(log |d|)
    "cofactor": [np.array([[1, 2], [2, 4]])],
    "pinv": [np.array([[1, 1], [1, 1], [0, 0]])],
    "solve_sylvester": [np.array([[1]]), np.array([[-1]]), np.array([[1]])],
}
FACTORED = {"eigh", "qr", "svd"}  # facts say of which matrices


@pytest.mark.parametrize("name", [n for n, p in ag.REGISTRY.items() if type(p.kind).__name__ == "Opaque"])  # fmt: skip
def test_every_opaque_call_says_where_it_is_defined(name):
    if name in FACTORED:
        assert prove.rule(name, cases.declared(ag.REGISTRY[name])[:1]).facts
        return
    asked = []
    for operands in (SINGULAR[name], [2 * np.eye(*m.shape) + 1 for m in SINGULAR[name]]):
        evaluator = Exact(Symbols())
        operands = [exact_array(o.astype(int)) for o in operands]
        evaluator.run(ag.REGISTRY[name], tuple(operands), {})
        asked.append(list(evaluator.asked))
    assert not all(_holds(*c) for c in asked[0])
    assert all(_holds(*c) for c in asked[1])


def test_operators_in_a_meaning_ask_as_operators_of_a_program_do():
    @ag.primitive(
        Elementwise(),
        meaning=lambda xp, a, b: a / b * b - (-a) + 2 - a**2,
        vjp=(lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: g),
    )
    def _meant(a: ag.ArrayLike, b: ag.ArrayLike):
        return a / b * b + a + 2 - a**2

    ag.REGISTRY.pop("_meant")
    x, y = arrays("x:B y:B")
    found = prove.equal(_meant(x, y), 2 * x + 2 - x * x, wrt=[x, y])
    assert (found.status, found.domain) == ("PROVED", ("y[b] != 0",))


# --- facts ----------------------------------------------------------------------------------------


def test_facts_are_listed_by_both_methods():
    (y,) = arrays("y:3")
    fact = facts.sums_to_one(y, axis=0)
    for total, method in (
        (ag.sum(y), "INDEXED"), (ag.sum(y), "EXACT"), (ag.cumsum(y, 0)[2], None), (y[0] + y[1] + y[2], None)
    ):  # fmt: skip
        verdict = prove.equal(total, 1 + 0 * total, wrt=[y], given=[fact], method=method)
        assert verdict.status == "PROVED"
        assert "y sums to 1 over axis 0" in map(str, verdict.facts)
        assert "y sums to 1 over axis 0" in json.loads(verdict.to_json())["facts"]
        assert prove.equal(total, 1 + 0 * total, wrt=[y]).status == "REFUTED"
    unused = prove.equal(ag.exp(y) ** 2, ag.exp(2 * y), wrt=[y], given=[fact])
    assert not any("sums" in f for f in map(str, unused.facts))


def test_facts_of_one_array_are_solved_together():
    (x,) = arrays("x:2,2")
    both = [facts.sums_to_one(x, 0), facts.sums_to_one(x, 1)]
    for left, right in (
        (x[0, 0], x[1, 1]), (x[0, 1], x[1, 0]), (ag.cumsum(x, 1)[1, 1], 1 + 0 * x[0, 0]),
        (ag.sum(x), 2 + 0 * x[0, 0]), (x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0], 2 * x[0, 0] - 1),
    ):  # fmt: skip
        verdict = prove.equal(left, right, wrt=[x], given=both)
        assert verdict.status == "PROVED"
        used = {str(f) for f in both} & {*map(str, verdict.facts)}
        assert used == {str(f) for f in both} or verdict.leaves["value"].method == "INDEXED"
        assert used
    (t,) = arrays("t:2,3")
    six = [facts.sums_to(t, 0, 2), facts.sums_to(t, 1, 3)]
    assert prove.equal(ag.sum(t), 6 + 0 * ag.sum(t), wrt=[t], given=six).status == "PROVED"
    (s,) = arrays("s:M,M")
    doubly = [facts.sums_to_one(s, 0), facts.sums_to_one(s, 1)]
    for axis in (0, 1):
        ones = 1 + 0 * ag.sum(s, axis)
        assert prove.equal(ag.sum(s @ s, axis), ones, wrt=[s], given=doubly).status == "PROVED"


@pytest.mark.parametrize("seed", range(4))
def test_a_witness_satisfies_every_fact(seed):
    draw = random.Random(seed)
    shape = [(2, 2), (3, 3), (2, 3), (2, 2, 2)][seed % 4]
    axes = [n for n in range(len(shape)) if draw.random() < 0.8] or [0]
    mean = draw.choice([1, 2, -1]) * (6 if len(shape) == 2 else 2)
    (x,) = arrays(f"x:{','.join(map(str, shape))}")
    given = [facts.sums_to(x, a, mean * shape[a] // 6 if len(shape) == 2 else mean) for a in axes]
    statement = ag.sum(ag.exp(x)), ag.sum(x**2)
    verdict = prove.equal(*statement, wrt=[x], given=given)
    assert verdict.status == "REFUTED"
    point = verdict.witness.point
    values = np.array([point[f"x[{','.join(map(str, i))}]"] for i in np.ndindex(*shape)], object)
    values = values.reshape(shape)
    for fact in given:
        assert (values.sum(axis=fact.axis) == fact.value).all()
    for n, side in enumerate((verdict.witness.got, verdict.witness.expected)):
        floats = ag.tensor(values.astype(float))
        value = (ag.sum(ag.exp(floats)), ag.sum(floats**2))[n]
        assert np.isclose(float(side[0]), float(value))


@pytest.mark.parametrize("method", METHODS)
def test_facts_that_contradict_one_another_are_refused_by_name(method):
    (x,) = arrays("x:2,2")
    (t,) = arrays("t:2,3")
    (r,) = arrays("r:M,N")
    for leaf, given, message in (
        (x, [facts.sums_to(x, 0, 1), facts.sums_to(x, 0, 2)], "sums to 1 over axis 0, and x sums to 2"),
        (x, [facts.sums_to(x, 0, 1), facts.sums_to(x, -1, 2)], "contradict"),
        (t, [facts.sums_to(t, 0, 1), facts.sums_to(t, 1, 1)], "in all that is 1·3 or 1·2"),
        (r, [facts.sums_to(r, 0, 1), facts.sums_to(r, 1, 1)], "under one name"),
    ):  # fmt: skip
        for ask in (
            lambda leaf=leaf, given=given: prove.equal(leaf, leaf, wrt=[leaf], given=given, method=method),
            lambda leaf=leaf, given=given: prove.backward(ag.sum(leaf), wrt=[leaf], given=given, method=method),
        ):  # fmt: skip
            with pytest.raises(ProofError, match=message):
                ask()
    nothing = [facts.sums_to(r, 0, 0), facts.sums_to(r, 1, 0), facts.sums_to(r, 1, 0)]
    assert prove.equal(ag.sum(r), 0 * ag.sum(r), wrt=[r], given=nothing).status == "PROVED"


def test_a_fact_holds_where_points_are_looked_for():
    """1/(1 - Σy) is nowhere defined where y sums to 1: nothing is proved of it."""
    (y,) = arrays("y:3")
    inverse = 1 / (1 - ag.sum(y))
    for method in METHODS:
        verdict = prove.equal(
            inverse, inverse, wrt=[y], given=[facts.sums_to_one(y, 0)], method=method
        )
        assert verdict.status == "UNDECIDED"


def test_gradients_are_taken_before_a_fact_is_used():
    (y,) = arrays("y:3")
    for method in METHODS:
        verdict = prove.backward(
            ag.sum(y**3), wrt=[y], given=[facts.sums_to_one(y, 0)], method=method
        )
        assert verdict.status == "PROVED"


def test_a_wrong_gradient_is_refuted_where_every_fact_holds(planted):
    (x,) = arrays("x:2,2")
    program = ag.introspect.program(ag.sum(ag.exp(x) * ag.log(x)), wrt=[x])
    faulty = planted(program, "exp", lambda xp, g, y, a: g * (y + y))
    (name,) = (v.name for v in program.inputs)
    given = [facts.sums_to(name, 0, 1), facts.sums_to(name, 1, 1)]
    verdict = prove.backward(faulty, wrt=[0], given=given)
    assert verdict.status == "REFUTED"
    point = verdict.witness.point
    for line in ("00 01", "10 11", "00 10", "01 11"):
        assert sum(point[f"x[{i},{j}]"] for i, j in line.split()) == 1
    assert all(value > 0 for value in point.values())


def test_a_fact_of_a_matrix_that_is_factored_is_refused():
    (a,) = arrays("a:2,2")
    loss = ag.sum(ag.linalg.eigh(a)[0] ** 2)
    assert prove.backward(loss, wrt=[a]).status == "PROVED"
    with pytest.raises(ProofError, match="a matrix that is factored"):
        prove.backward(loss, wrt=[a], given=[facts.sums_to_one(a, 0)])


# --- wrong arguments ------------------------------------------------------------------------------


def _mistakes():
    x = arrays("x:2")[0]
    loss = ag.sum(ag.tanh(x))
    whole = lambda x: ag.sum(x)  # noqa: E731
    ones = np.ones(2)
    case = ((ag.Abstract((2,)),), {})
    return [
        (lambda: prove.rule(ag.tanh), "expected the name of a primitive.*Pass 'tanh'"),
        (lambda: prove.forward(np.tanh), "expected the name of a primitive"),
        (lambda: prove.rule("tanhh"), "there is no primitive 'tanhh'"),
        (lambda: prove.rule(None), "expected the name of a primitive"),
        (lambda: prove.rule("tanh", [3]), "cases holds 3"),
        (lambda: prove.rule("tanh", 5), "expected cases such as"),
        (lambda: prove.rule("tanh", [(case[0] * 2, {})]), "takes 1 operands"),
        (lambda: prove.rule("tanh", [(case[0], {"axis": 0})]), "takes no params"),
        (lambda: prove.rule("sum", [(case[0], {"axes": 0})]), "unexpected keyword argument"),
        (lambda: arrays(["x:B"]), "expected names and sizes in one text"),
        (lambda: arrays("x:B D"), "'D' cannot be read.*'s:' is a scalar"),
        (lambda: labels(3), "expected names and sizes in one text"),
        (lambda: scalar(3), "3 is not a name"),
        (lambda: dims(3), "expected names in one text"),
        (lambda: prove.backward(loss, wrt=[x], seconds="10"), "a number of seconds; received '10'"),
        (lambda: prove.backward(loss, wrt=[x], seconds=float("nan")), "seconds of 0 or more"),
        (lambda: prove.equal(loss, loss, seconds=-1), "seconds of 0 or more"),
        (lambda: prove.rule("tanh", seconds=None), "a number of seconds"),
        (lambda: prove.graph({"x": x}, loss, seconds=True), "a number of seconds"),
        (lambda: prove.forward("tanh", seconds="1"), "a number of seconds"),
        (lambda: prove.backward(loss, wrt=[x], terms=2.5), "a whole number of terms"),
        (lambda: prove.backward(loss, wrt=[x], engine=["flint"]), "expected the engine"),
        (lambda: prove.backward(loss, wrt=[x], engine="maple"), "expected the engine"),
        (lambda: prove.backward(loss, wrt=[x], method="exact"), "expected the method"),
        (lambda: prove.equal(ag.tanh, loss), "two recorded tensors, or two functions"),
        (lambda: prove.equal(loss, ag.tanh, wrt=[x]), "two recorded tensors, or two functions"),
        (lambda: prove.equal(3.0, 4.0), "expected a recorded Tensor, a Program or a function"),
        (lambda: prove.backward(whole, args=ones), r"For one argument x pass args=\[x\]"),
        (lambda: prove.backward(whole), "missing a required argument: 'x'"),
        (lambda: prove.backward(whole, args=["a"]), "an operand is 'a'"),
        (lambda: prove.backward(lambda x: "s", args=[ones]), "returned str"),
        (lambda: prove.backward(loss, wrt=[x], given=facts.sums_to_one(x, 0)), "a list of facts"),
        (lambda: prove.backward(loss, wrt=[x], given=["x"]), "given holds 'x'"),
        (lambda: prove.backward(loss), "expected wrt="),
        (lambda: prove.backward(loss, wrt=[]), "wrt is empty"),
        (lambda: prove.backward(loss, wrt="x"), "expected wrt as a list"),
        (lambda: prove.backward(loss, wrt=5), "expected wrt as a list"),
        (lambda: prove.backward(loss, wrt=[x, x]), "wrt holds x twice"),
        (lambda: prove.backward(loss, wrt={3: x}), "names a leaf 3"),
        (lambda: prove.backward(whole, wrt=0, args=[ones]), "numbers of inputs, each once"),
        (lambda: prove.backward(whole, wrt=[True], args=[ones]), "numbers of inputs, each once"),
        (lambda: prove.backward(whole, wrt=[1], args=[ones]), "numbers of inputs, each once"),
        (lambda: prove.backward(None), "received NoneType"),
        (lambda: prove.graph({"a": 3}, loss), "holds 3"),
        (lambda: prove.graph({3: x}, loss), "names a leaf 3"),
        (lambda: prove.graph({}, loss), "no parameters"),
        (lambda: prove.graph({"x": x}, "loss"), "a recorded scalar loss"),
        (lambda: facts.sums_to(3, 0, 1), "a leaf, or the name of an input"),
        (lambda: facts.sums_to(x, 0.5, 1), "a whole number as the axis"),
        (lambda: facts.sums_to(x, 0, 0.5), "a whole number as the value"),
        (lambda: facts.sums_to(x, 7, 1), "axis 7 is not among"),
        (
            lambda: prove.equal(whole, whole, args=[ones], given=[facts.sums_to("x", 5, 1)]),
            r"x has the shape \(2,\)",
        ),
    ]


@pytest.mark.parametrize("n", range(len(_mistakes())))
def test_a_wrong_argument_is_named(n):
    call, message = _mistakes()[n]
    with pytest.raises(AutogradError, match=message):
        call()


HOSTILE = [
    None, 3, "x", [1], {}, object(), np.ones(2), float("nan"), True, b"x", lambda a: a,
    sympy.Symbol("x") > 0, sympy.Matrix([1]),
]  # fmt: skip


def _public(b, x, loss, verdict):
    """Every public question and given, with ``b`` in each place."""
    u = sympy.Symbol("u", real=True)
    yield lambda: symbolic.to_latex(b)
    yield lambda: symbolic.to_sympy(b)
    yield lambda: symbolic.to_sympy(loss, constants=b)
    yield lambda: symbolic.from_sympy(b, {"x": x})
    yield lambda: symbolic.from_sympy(u**2, b)
    yield lambda: symbolic.from_sympy(u**2, {"u": b})
    yield lambda: verdict.latex(b)
    yield lambda: verdict.numpy(b)
    yield from (lambda given=given: given(b) for given in (arrays, labels, scalar, dims))
    yield lambda: scalar("s", b)
    yield lambda: prove.rule(b)
    yield lambda: prove.rule("identity", b, seconds=1)
    yield lambda: prove.rule("tanh", [((b,), {})], seconds=1)
    yield lambda: prove.forward(b)
    yield lambda: prove.backward(b)
    yield lambda: prove.backward(loss, b)
    yield lambda: prove.equal(b, loss)
    yield lambda: prove.equal(loss, loss, b)
    yield lambda: prove.graph(b, loss)
    yield lambda: prove.graph({"x": x}, b)
    yield lambda: facts.sums_to_one(b, 0)
    yield lambda: facts.sums_to_one(x, b)
    yield lambda: facts.sums_to(x, 0, b)
    for place in ("seconds", "terms", "method", "engine", "args", "given"):
        yield lambda place=place: prove.equal(loss, loss, [x], **{place: b})


@pytest.mark.parametrize("b", HOSTILE, ids=lambda b: type(b).__name__)
def test_a_hostile_argument_is_taken_or_named(b):
    (x,) = arrays("x:B")
    loss = ag.sum(x)
    verdict = prove.backward(loss, wrt=[x])
    for call in _public(b, x, loss, verdict):
        with contextlib.suppress(AutogradError):
            call()


@pytest.mark.parametrize("name", ["jv", "yv", "iv", "kv", "gammainc", "gammaincc", "betainc", "stdtr"])  # fmt: skip
def test_a_parameter_without_a_derivative_is_left_open_with_its_reason(name):
    """Raw primitives: those of `autograd_core.special` refuse a parameter with a gradient."""
    p = ag.REGISTRY[name]
    leaves = arrays(" ".join(f"{c}:2" for c in "abc"[: p.arity]))
    verdict = prove.backward(ag.sum(p.function(*leaves)), wrt=[leaves[0]], seconds=2)
    assert verdict.status == "UNDECIDED"
    assert verdict.reason


# --- random programs --------------------------------------------------------------------------

UNARY = [
    ag.log, ag.sqrt, ag.exp, ag.relu, ag.tanh, ag.absolute, ag.arcsin, ag.log1p, ag.cbrt, ag.square,
    lambda u: 1 / u, lambda u: u**-2, lambda u: u**0.5, lambda u: u**-0.5, lambda u: 0 * u,
    lambda u: ag.where(u > 0.5, u, 1.0), lambda u: ag.arctanh(u), lambda u: ag.softplus(u),
]  # fmt: skip
BINARY = [
    lambda u, v: u + v, lambda u, v: u - v, lambda u, v: u * v, lambda u, v: u / v, ag.maximum,
    ag.hypot, ag.xlogy,
]  # fmt: skip
PLACES = [-1.75, -0.6, 0.35, 0.9, 1.6]


def _drawn(draw, depth):
    """A function of two numbers, as a closure; parts of it occur twice, so that sympy cancels."""
    if depth == 0:
        n = draw.randrange(2)
        return lambda *x: x[n]
    f = _drawn(draw, depth - 1)
    if draw.random() < 0.5:
        outer = draw.choice(UNARY)
        return lambda *x: outer(f(*x))
    g = f if draw.random() < 0.4 else _drawn(draw, draw.randrange(depth))
    both = draw.choice(BINARY)
    return lambda *x: both(f(*x), g(*x))


def _at(text, point):
    """Whether a listed condition or equation holds at a point; None if it is too close to tell."""
    left, relation, _ = text.removeprefix("edge of ").rsplit(" ", 2)
    names = {f"x{n}": sympy.Float(v, 30) for n, v in enumerate(point)}
    step = lambda u: sympy.nan if not u.is_real else sympy.Integer(int(bool(u > 0)))  # noqa: E731
    value = sympy.sympify(left, {**names, "Step": step, "c1": sympy.Rational(1, 10)})
    value = sympy.N(value, 20)
    if not value.is_real:
        return False  # a part of it is not defined, and has its own condition
    if abs(value) < 1e-9:
        return None
    return {">": value > 0, ">=": value >= 0, "!=": True, "=": False}[relation]


def _checked(seed, method):
    draw = random.Random(seed)
    f = _drawn(draw, draw.randint(2, 4))
    shape = [np.float64(0.5), np.float64(0.7)]
    function = lambda x0, x1: f(x0, x1) + 0 * x0 * x1  # noqa: E731
    verdict = prove.backward(
        function, args=[np.asarray(v) for v in shape], method=method, seconds=5
    )
    assert verdict.status in ("PROVED", "UNDECIDED", "PROBABLE"), seed
    if verdict.status != "PROVED":
        return 0
    slopes = ag.grad(function, (0, 1))
    inside = 0
    for point in itertools.product(PLACES, PLACES):
        with np.errstate(all="ignore"):
            value = float(function(*map(ag.tensor, point)))
            found = [float(t) for t in slopes(*map(np.float64, point))]
            near = [
                [float(function(*map(ag.tensor, _moved(point, n, h)))) for h in (1e-6, -1e-6)]
                for n in range(2)
            ]
        holds = [_at(text, point) for text in verdict.domain]
        off = [_at(text, point) for text in verdict.excluded]
        if None in holds or None in off or True in off:
            continue
        if not all(holds):
            continue
        inside += 1
        assert np.isfinite([value, *found]).all(), (seed, point, verdict.domain)
        for slope, (up, down) in zip(found, near, strict=True):
            estimate = (up - down) / 2e-6
            scale = 1 + abs(slope) + abs(value)
            assert abs(slope - estimate) <= 1e-3 * scale or abs(slope) > 1e6, (seed, point)
    return inside


def _moved(point, n, h):
    return [v + h * (k == n) for k, v in enumerate(point)]


def test_what_random_programs_ask_for_is_where_they_are_finite():
    assert sum(_checked(seed, METHODS[seed % 2]) for seed in range(10)) > 30


@pytest.mark.slow
def test_what_more_random_programs_ask_for_is_where_they_are_finite():
    assert sum(_checked(seed, METHODS[seed % 2]) for seed in range(10, 1000)) > 3000


def _refuted(seed):
    """Two random functions, with a fact or without: a witness is run."""
    draw = random.Random(seed)
    f, g = _drawn(draw, draw.randint(1, 3)), _drawn(draw, draw.randint(1, 3))
    (x,) = arrays("x:2")
    given = [facts.sums_to(x, 0, draw.choice([1, 2]))] if draw.random() < 0.5 else []
    sides = [h(x[0], x[1]) + 0 * x[0] for h in (f, g)]
    verdict = prove.equal(*sides, wrt=[x], given=given, seconds=5)
    if verdict.status != "REFUTED":
        return 0
    point = [verdict.witness.point.get(f"x[{n}]", 0.5) for n in range(2)]
    for fact in given:
        assert sum(point) == fact.value, seed
    floats = ag.tensor(np.array(point, float))
    with np.errstate(all="ignore"):
        values = [float(h(floats[0], floats[1])) for h in (f, g)]
    assert np.isfinite(values).all(), (seed, point)
    for value, side in zip(values, (verdict.witness.got, verdict.witness.expected), strict=True):
        assert np.isclose(value, float(side[0]), rtol=1e-6, atol=1e-9), (seed, point)
    return 1


def test_every_witness_is_a_point_where_the_engine_runs():
    assert sum(map(_refuted, range(10))) > 3


@pytest.mark.slow
def test_more_witnesses_are_points_where_the_engine_runs():
    assert sum(map(_refuted, range(10, 1000))) > 400
