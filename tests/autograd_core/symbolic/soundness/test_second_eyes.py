"""What is proved is run before it leaves: false proofs, and runs that are not what was proved.

Each case once came out as PROVED. Where the prover itself knows better by now, any right answer
will do but PROVED; that the second look alone would have caught it is shown on statements that a
blind prover (all that it is asked is PROVED) lets through.
"""

from __future__ import annotations

import copy
import dataclasses
import re

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import DisagreementError
from autograd_core.kinds import Elementwise
from autograd_core.symbolic import arrays, crosscheck, decide, kernels, prove
from autograd_core.symbolic.assumed import FORMULAS
from autograd_core.symbolic.questions import remembered
from autograd_core.symbolic.sums import IndexedForm

REGISTRY = ag.REGISTRY


@pytest.fixture
def blind(monkeypatch):
    """A prover for which everything is equal: the worst normal form there can be."""
    monkeypatch.setattr(IndexedForm, "equal", lambda self, a, b: True)
    monkeypatch.setattr(decide.Decider, "equal", lambda self, a, b: decide.Decision(decide.PROVED))
    monkeypatch.setattr(remembered, "_VERDICTS", dict(remembered._VERDICTS))


def leaf(values, name):
    return ag.tensor(values, requires_grad=True, name=name)


def centred_at_the_predicted_class():
    (z,) = arrays("z:M,N")
    f = ag.sum(ag.take_along_axis(z - ag.mean(z, 0), ag.argmax(z, 1, keepdims=True), 1))
    return prove.equal(f, 0 * ag.sum(z))


FLAGS = np.array([1, -1, 0])


def sums_of_booleans(method):
    def f(x):
        return ((x > 0) + (x > -1)) * x

    def g(x):
        return ((x > 0) * 1.0 + (x > -1) * 1.0) * x

    return prove.equal(f, g, args=[np.array([2.0, -0.5])], method=method)


def products_of_booleans():
    def f(x):
        return ag.where((x > 0) @ (x > -1), 1.0, 0.0) + 0 * x[0]

    def g(x):
        return ag.sum((x > 0) * (x > -1) * 1.0) + 0 * x[0]

    return prove.equal(f, g, args=[np.array([2.0, 0.5])])


def a_sentinel_in_a_loss():
    flags = ag.tensor(FLAGS)
    return prove.backward(
        lambda x: ag.sum(ag.where(ag.equal(flags, -1), x**2, 0.0)), args=[np.ones(3)]
    )


def a_sentinel():
    flags = ag.tensor(FLAGS)
    return prove.equal(
        lambda x: ag.sum(ag.where(ag.equal(flags, -1), 0.0, x)), ag.sum, args=[np.ones(3)]
    )


def targets_of_both_signs():
    y = ag.tensor(np.array([-1, 1]))
    return prove.equal(
        lambda x: x * ag.sqrt(ag.square(y) * 1.0), lambda x: x * y, args=[np.ones(2)]
    )


def tied_under_an_exponential():
    (z,) = arrays("z:N")
    (n,) = z.shape
    e = ag.exp(ag.relu(z))
    same = ag.equal(ag.expand_dims(e, 1), ag.expand_dims(e, 0)) * 1.0
    return prove.equal(same, REGISTRY["eye"].function(size=n, dtype=np.float64))


def tied_whole_parts():
    def same(x):
        return ag.equal(ag.floor(x[0]), ag.floor(x[1])) * x[0]

    return prove.equal(same, lambda x: 0 * x[0], args=[np.array([0.2, 1.7])], method="EXACT")


FALSE = {
    "A1": centred_at_the_predicted_class,
    "A2 INDEXED": lambda: sums_of_booleans("INDEXED"),
    "A2 EXACT": lambda: sums_of_booleans("EXACT"),
    "A2 matmul": products_of_booleans,
    "A3": a_sentinel,
    "A3 signs": targets_of_both_signs,
    "A4": tied_under_an_exponential,
    "A4 floor": tied_whole_parts,
}


@pytest.mark.parametrize("name", FALSE)
def test_no_false_equation_is_proved(name):
    try:
        verdict = FALSE[name]()
    except ag.ProofError:
        return
    assert verdict.status != "PROVED", str(verdict)


@pytest.mark.parametrize("name", FALSE)
def test_the_second_look_alone_catches_a_false_equation(name, blind):
    with pytest.raises(DisagreementError, match="Please report it"):
        FALSE[name]()


def test_a_loss_is_not_said_to_be_independent_of_what_it_depends_on():
    try:
        verdict = a_sentinel_in_a_loss()
    except ag.ProofError:
        return
    assert not any("does not depend" in fact for fact in map(str, verdict.facts))


# --- gradients ----------------------------------------------------------------------------------


def without_a_rule():
    @ag.primitive(ag.Elementwise(lambda s, x: x * x))
    def sq_(x: ag.ArrayLike):
        return x * x

    w = leaf([3.0], "w")
    return {"w": w}, ag.sum(ag.tanh(w) + sq_(w))


def tied_branches():
    @ag.primitive(
        ag.Elementwise(lambda s, a, b: b + (a - b) * s.step(a - b)),
        vjp=(lambda xp, g, y, a, b: xp.where(a >= b, g, 0), lambda xp, g, y, a, b: xp.where(b >= a, g, 0)),
    )  # fmt: skip
    def pmax_(a: ag.ArrayLike, b: ag.ArrayLike):
        return np.maximum(a, b)

    w, z = leaf(0.5, "w"), ag.tensor([-1.0, -2.0], name="z")
    return {"w": w}, pmax_(w + ag.relu(z[0]), w + ag.relu(z[1]))


def a_fourth_operand(monkeypatch):
    p = REGISTRY["concatenate_"]
    rule = p.vjp

    def bad(xp, asked, g, y, *ops, **kw):
        return {i: t * (2 if i == 3 else 1) for i, t in rule(xp, asked, g, y, *ops, **kw).items()}

    monkeypatch.setattr(p, "_vjp", bad)
    us = {f"u{k}": leaf(np.ones(2) * k, f"u{k}") for k in range(4)}
    return us, ag.sum(ag.concatenate(list(us.values())) ** 2)


def an_output_without_a_cotangent(monkeypatch):
    p = REGISTRY["scan"]
    rule = p.vjp

    def bad(xp, asked, g, y, *ops, **kw):
        found = rule(xp, asked, g, y, *ops, **kw)
        return {k: t * 2 for k, t in found.items()} if any(c is None for c in g) else found

    monkeypatch.setattr(p, "_vjp", bad)
    h = leaf(np.ones(2), "h")
    last, _ = ag.scan(lambda h, x: (ag.tanh(h * 0.5 + x), h), h, np.ones((3, 2)))
    return {"h": h}, ag.sum(last**2)


def a_bias_that_is_summed_twice(monkeypatch):
    monkeypatch.setattr(ag.graph, "_ones", lambda rows, dtype: 2 * np.ones(rows, dtype))
    w, b = leaf(np.ones((3, 2)), "W"), leaf(np.zeros(2), "b")
    return {"W": w, "b": b}, ag.sum(ag.tanh(np.ones((5, 3)) @ w + b) ** 2)


def asked(question, named, loss):
    return prove.graph(named, loss) if question == "graph" else prove.backward(loss, wrt=named)


FAULTS = {
    "C1": lambda patch: without_a_rule(),
    "C2": lambda patch: tied_branches(),
    "C3": a_fourth_operand,
    "C4": an_output_without_a_cotangent,
    "D2": a_bias_that_is_summed_twice,
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("question", ["graph", "backward"])
def test_no_model_with_a_wrong_gradient_is_proved(name, question, monkeypatch, declared):
    named, loss = FAULTS[name](monkeypatch)
    try:
        verdict = asked(question, named, loss)
    except ag.ProofError:
        return
    assert verdict.status != "PROVED", str(verdict)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("question", ["graph", "backward"])
def test_the_second_look_alone_catches_a_wrong_gradient(
    name, question, monkeypatch, declared, blind
):
    named, loss = FAULTS[name](monkeypatch)
    with pytest.raises(DisagreementError, match="Please report it"):
        asked(question, named, loss)
    assert all(t.grad is None for t in named.values())  # it looks, and leaves nothing behind
    loss.backward()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cotangents_that_cancel_leave_rounding_and_no_difference(dtype, rng):
    """Behind a mean that is taken off, a bias has no gradient: in single precision 1e-8 is left of it."""
    w, b, x = (rng.normal(size=shape).astype(dtype) for shape in ((3, 4), (4,), (64, 3)))
    w, b = (ag.tensor(v, requires_grad=True) for v in (w, b))
    z = ag.tensor(x) @ w + b
    u = (z - ag.mean(z, 0)) * 30.0
    loss = ag.mean(ag.tanh(u) * u)
    verdict = prove.graph({"w": w, "b": b}, loss)
    assert verdict.status == "PROVED"
    assert verdict.compared
    loss.backward()
    assert 0 < np.abs(b.grad.numpy()).max() < 1e4 * np.finfo(dtype).eps


def test_a_compiled_function_is_run_as_it_trains(monkeypatch):
    """A program has its body in its place; its rule is what the loss at hand is pulled back by."""
    p = REGISTRY["compiled"]
    rule = p.vjp
    monkeypatch.setattr(p, "_vjp", lambda *a, **kw: {i: 2 * t for i, t in rule(*a, **kw).items()})

    @ag.jit
    def inside(x):
        return ag.tanh(x) * x

    w = leaf(np.array([0.3, -1.2]), "w")
    for question in ("graph", "backward"):
        with pytest.raises(DisagreementError, match="the gradient of the graph itself"):
            asked(question, {"w": w}, ag.sum(inside(w) ** 2))
    assert w.grad is None


def doubled_rules(p):
    """The primitive with every rule doubled."""

    def twice(rule):
        def doubled_rule(*args, **params):
            found = rule(*args, **params)
            return {i: 2 * t for i, t in found.items()} if isinstance(found, dict) else 2 * found

        return doubled_rule

    p = copy.copy(p)
    if p.variadic:
        p.vjp = twice(p.vjp)
    else:
        p.vjp = tuple(r if r is None or r is ag.primitives.ZERO else twice(r) for r in p.vjp)
    return p


# `compiled` is taken apart when it is recorded, and `pick` has no rule of its own.
WITH_RULES = [
    n for n, p in REGISTRY.items() if p.vjp and doubled_rules(p).differentiable
    and (p.variadic or p.pulls) and n not in ("compiled", "pick")
]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if n % 5 == 0 else [pytest.mark.slow])
        for n, name in enumerate(WITH_RULES)
    ],
)
def test_the_second_look_alone_catches_every_rule_that_is_doubled(name, blind):
    with pytest.raises(DisagreementError):
        prove.rule(doubled_rules(REGISTRY[name]), seconds=5)


@pytest.mark.parametrize("name", ["multiply", "cholesky", "betaincc", "kv"])
def test_a_busy_machine_takes_the_time_and_not_the_look(name, blind, monkeypatch):
    monkeypatch.setattr(crosscheck._Time, "left", lambda self, brief: 0.0)
    with pytest.raises(DisagreementError):
        prove.rule(doubled_rules(REGISTRY[name]), seconds=5)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_rule_that_looks_at_sizes_is_run_at_small_ones(size, declared):
    @ag.primitive(
        ag.Elementwise(lambda s, x: x * x),
        vjp=lambda xp, g, y, x: g * x if x.shape[:1] == (size,) else 2 * g * x,
    )
    def sized_(x: ag.ArrayLike):
        return x * x

    (z,) = arrays("z:B")
    for question in (
        lambda: prove.backward(ag.sum(sized_(z)), wrt=[z]),
        lambda: prove.rule("sized_"),
    ):
        try:
            verdict = question()
        except ag.ProofError:
            continue
        assert verdict.status != "PROVED", str(verdict)


def test_a_rule_that_looks_at_the_kind_of_its_operands_disagrees(declared):
    @ag.primitive(
        ag.Elementwise(lambda s, x: x * x),
        vjp=lambda xp, g, y, x: 2 * g * x if isinstance(x, ag.Tensor) else g * x,
    )
    def kinds_(x: ag.ArrayLike):
        return x * x

    with pytest.raises(DisagreementError, match=r"the gradient by \.backward"):
        prove.rule("kinds_")


# --- formulas and float code --------------------------------------------------------------------

WITH_FORMULAS = [
    name
    for name, p in REGISTRY.items()
    if isinstance(p.kind, Elementwise) and p.kind.formula is not None
]
needs_arb = pytest.mark.skipif(bool(kernels._without_arb()), reason="python-flint is absent")


def doubled(p):
    """The primitive itself, read as twice its formula and one."""
    formula = p.kind.formula
    return dataclasses.replace(p.kind, formula=lambda s, *x, **kw: 2 * formula(s, *x, **kw) + 1)


@needs_arb
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if n % 4 == 0 else [pytest.mark.slow])
        for n, name in enumerate(WITH_FORMULAS)
    ],
)
def test_another_formula_turns_every_elementwise_primitive(name, monkeypatch):
    before = prove.forward(name, seconds=5)
    assert before.status in ("PROVED", "COMPARED", "UNDECIDED")
    monkeypatch.setattr(REGISTRY[name], "kind", doubled(REGISTRY[name]))
    after = prove.forward(name, seconds=5)
    assert after.status == "REFUTED", str(after)
    assert after.witness is not None


WITH_UFUNCS = [
    name for name, p in REGISTRY.items() if isinstance(p.kind, Elementwise) and p.ufunc is not None
]
OTHER = dict.fromkeys(("isfinite", "isinf", "isnan", "logical_not"), np.signbit)
OTHER |= {"sin": np.cos, "arctan2": np.hypot}


@needs_arb
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "tanh" else [pytest.mark.slow])
        for name in WITH_UFUNCS
    ],
)
@pytest.mark.parametrize("where", ["forward", "ufunc"])  # what is called, and what replays call
def test_another_ufunc_turns_every_primitive_that_has_one(name, where, monkeypatch):
    p = REGISTRY[name]
    other = OTHER.get(name, np.sin if p.ufunc.nin == 1 else np.arctan2)
    monkeypatch.setattr(p, where, other)
    verdict = prove.forward(name, seconds=5)
    assert verdict.status == "REFUTED", str(verdict)
    assert verdict.witness is not None


@needs_arb
def test_a_cube_root_that_is_declared_as_a_sine(declared):
    @ag.primitive(
        ag.Elementwise(lambda s, x: s.sin(x)), vjp=lambda xp, g, y, x: g * xp.cos(x), ufunc=np.cbrt
    )
    def root3_(x: ag.ArrayLike):
        return np.cbrt(x)

    try:
        verdict = prove.forward("root3_")
        assert verdict.status == "REFUTED"
        assert "value" in str(verdict.witness)
        t = leaf([8.0], "t")
        for question in (
            lambda: prove.rule("root3_"),
            lambda: prove.backward(ag.sum(root3_(t)), wrt=[t]),
            lambda: prove.graph({"t": t}, ag.sum(root3_(t))),
        ):
            with pytest.raises(DisagreementError, match="difference quotient"):
                question()
    finally:
        ag.tensors.NUMPY[np.cbrt] = REGISTRY["cbrt"].function


@needs_arb
@pytest.mark.parametrize("condition", ["any(x > 50)", "all(x < 0.4)", "size == 1", "any(x == 0)"])
def test_a_branch_that_ordinary_numbers_do_not_take(condition, declared):
    test = {
        "any(x > 50)": lambda x: np.any(x > 50),
        "all(x < 0.4)": lambda x: np.all(x < 0.4),
        "size == 1": lambda x: np.size(x) == 1,
        "any(x == 0)": lambda x: np.any(np.equal(x, 0)),
    }[condition]
    p = copy.copy(REGISTRY["softplus"])
    p.name = "branching_"
    p.forward = lambda x: np.logaddexp(x, 0) * (2 if test(x) else 1)
    verdict = prove.forward(p)
    assert verdict.status == "REFUTED", str(verdict)


@needs_arb
def test_a_branch_that_makes_no_difference_is_named():
    p = copy.copy(REGISTRY["softplus"])
    p.name = "branching_"
    p.forward = lambda x: np.logaddexp(x, 0) if np.any(x > 50) else np.logaddexp(0, x)
    verdict = prove.forward(p)
    assert verdict.status == "COMPARED"
    assert "the code branches on data: only the branch of ordinary numbers was read" in map(
        str, verdict.facts
    )


@pytest.mark.parametrize("name", ["exp", "maximum", "jv", "matmul"])
def test_without_arb_nothing_is_compared(name, monkeypatch):
    monkeypatch.setattr(kernels, "arithmetics", lambda: decide.arithmetics()[-1:])
    monkeypatch.setattr(kernels, "ARB", "none")
    verdict = prove.forward(name)
    assert verdict.status == "UNDECIDED"
    assert "python-flint" in verdict.reason


def test_what_rests_on_formulas_says_so():
    (z,) = arrays("z:B")
    for verdict in (prove.backward(ag.sum(ag.tanh(z)), wrt=[z]), prove.rule("tanh")):
        assert FORMULAS in verdict.facts
    w = leaf(np.ones(2), "w")
    facts = prove.graph({"w": w}, ag.sum(ag.tanh(w) * ag.exp(w))).facts
    assert facts.count(FORMULAS) == 1


def test_a_verdict_counts_its_points():
    (z,) = arrays("z:B")
    verdict = prove.backward(ag.sum(ag.tanh(z)), wrt=[z])
    assert verdict.compared >= 5
    assert re.search(r"compared  with what the engine computes, at \d+ points", str(verdict))
    assert f'"compared": {verdict.compared}' in verdict.to_json()


def test_points_of_which_nothing_is_claimed_are_passed_over():
    verdict = prove.equal(
        lambda x, y: ag.equal(ag.relu(x) ** y, 0) * x,
        lambda x, y: 0 * x,
        args=[np.ones(2), np.ones(2)],
    )
    assert verdict.status == "PROVED"  # where the base is positive: the power of a symbol
    assert any("x[" in condition and "> 0" in condition for condition in verdict.domain)


@pytest.mark.parametrize("scale", [1.0, 1e5])
@pytest.mark.parametrize("name", ["floor", "ceil", "rint", "trunc"])
def test_high_stairs_are_no_slope(name, scale):
    x = ag.tensor([0.3, -1.7, 2.6], requires_grad=True, name="x")
    verdict = prove.backward(ag.sum(getattr(ag, name)(ag.exp(x) * scale) + x), wrt=[x])
    assert verdict.status == "PROVED"
    assert list(verdict.leaves) == ["x"]
    assert verdict.compared > 0
