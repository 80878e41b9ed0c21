"""Rules as graphs use them: operands, outputs, params, ties, sizes, and what is held constant."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import cases, graph as walk, introspect
from autograd_core.errors import DisagreementError
from autograd_core.evaluators import RECORDING
from autograd_core.kinds import Elementwise, Reduce
from autograd_core.program import Application
from autograd_core.shapes import dims, vanishing, watched
from autograd_core.symbolic import arrays, flows, prove
from autograd_core.symbolic.questions import remembered, rules
from autograd_core.symbolic.shrinking import small


@pytest.fixture
def declare():
    """Declare primitives that are gone after the test."""
    made = []

    def declared(definition, formula, vjp=(), kind=None, **rest):
        made.append(definition.__name__)
        kind = kind or ag.Elementwise(formula)
        return ag.primitive(kind, vjp=vjp, **rest)(definition)

    yield declared
    for name in made:
        ag.REGISTRY.pop(name, None)


def leaf(values, name):
    return ag.tensor(values, requires_grad=True, name=name)


def statuses(verdict):
    return {name: v.status for name, v in verdict.leaves.items()}


def with_rule(name, rule, loss, leaves):
    """The loss once more, with another rule for one primitive; the registry stays as it is."""
    other = copy.copy(ag.REGISTRY[name])
    other.vjp = rule

    class Replaced(type(RECORDING)):
        def apply(self, step, operands):
            if step.primitive.name == name:
                step = Application(other, step.operands, step.params, step.result, step.scope)
            return super().apply(step, operands)

    return introspect.program(loss, wrt=leaves).evaluate(Replaced(), *leaves)


def scaled(x: ag.ArrayLike, k: ag.ArrayLike):
    return x * k


def squared(x: ag.ArrayLike):
    return x * x


def larger(a: ag.ArrayLike, b: ag.ArrayLike):
    return np.maximum(a, b)


# --- operands and steps without a rule --------------------------------------------------------


def test_an_operand_without_a_rule_may_be_data(declare):
    f = declare(scaled, lambda s, x, k: x * k, (lambda xp, g, y, x, k: g * k, None))
    x, k = leaf([1.0, 2.0], "x"), leaf([3.0, 4.0], "k")
    data = ag.tensor([3.0, 4.0])
    assert prove.graph({"x": x}, ag.sum(f(x, data))).status == "PROVED"
    # and of a leaf it is what is missing, for that leaf alone
    verdict = prove.graph({"x": x, "k": k}, ag.sum(f(x, k * k)))
    assert statuses(verdict) == {"x": "PROVED", "k": "REFUTED"}
    assert any("by which scaled has no rule" in fact for fact in map(str, verdict.facts))
    # nobody asks about k, though the engine walks there, too
    assert prove.graph({"x": x}, ag.sum(f(x, k))).status == "PROVED"


@pytest.mark.parametrize("where", ["beside", "before", "in a loop"])
def test_a_step_without_a_rule_counts_on_whatever_path_it_lies(where, declare):
    f = declare(squared, lambda s, x: x * x)
    w = leaf([3.0], "w")
    loss = {
        "beside": lambda: ag.tanh(w) + f(w),
        "before": lambda: ag.tanh(w) * ag.exp(f(w)),
        "in a loop": lambda: ag.scan(lambda h, _: (h + f(h), None), w, length=2)[0],
    }[where]
    verdict = prove.graph({"w": w}, ag.sum(loss()))
    assert verdict.status == "REFUTED"
    assert any("by which squared has no rule" in fact for fact in map(str, verdict.facts))


def test_a_step_without_a_rule_whose_derivative_is_zero_is_no_fault(declare):
    f = declare(squared, lambda s, x: s.floor(x), forward=np.floor)
    w = leaf([3.2], "w")
    verdict = prove.graph({"w": w}, ag.sum(w * f(w)))
    assert verdict.status == "PROVED"
    assert any(e.startswith("squared: ") for e in verdict.excluded)


# --- ties -------------------------------------------------------------------------------------


def test_partials_that_do_not_add_up_at_a_tie_are_not_composed(declare):
    """Off the tie the rules are right; dead units put the tie on an open set."""
    f = declare(
        larger,
        lambda s, a, b: b + (a - b) * s.step(a - b),
        (lambda xp, g, y, a, b: xp.where(a >= b, g, 0), lambda xp, g, y, a, b: xp.where(b >= a, g, 0)),
    )  # fmt: skip
    w = leaf(0.5, "w")
    z = ag.tensor([-1.0, -2.0], name="z")

    def loss(f):
        return f(w + ag.relu(z[0]), w + ag.relu(z[1]))

    assert prove.rule("larger").status == "PROVED"
    verdict = prove.graph({"w": w}, loss(f))
    assert verdict.status == "UNDECIDED"
    assert "operands 0 and 1 tie" in verdict.reason
    verdict = prove.graph({"w": w}, loss(ag.maximum))
    assert verdict.status == "PROVED"
    assert verdict.excluded == ("maximum: a - b = 0",)
    assert any("operands of maximum tie on an open set" in fact for fact in map(str, verdict.facts))


def test_elements_that_tie_under_a_maximum_share():
    w = leaf([0.5, 0.1, 0.2], "w")
    assert prove.graph({"w": w}, ag.max(w * w)).status == "PROVED"
    every = lambda xp, g, y, x, axis, keepdims: g * xp.cast(xp.equal(x, y), dtype=x.dtype)  # noqa: E731
    verdict = prove.graph({"w": w}, with_rule("max", (every,), ag.max(w * w), [w]))
    assert verdict.status == "UNDECIDED"
    assert "elements tie" in verdict.reason


# Whose rules have kinks between operands, or between the elements of one.
TIED = ["copysign", "floor_divide", "fmod", "max", "maximum", "minimum", "mod"]


@pytest.mark.parametrize(
    "name", [n if n == "minimum" else pytest.param(n, marks=pytest.mark.slow) for n in TIED]
)
def test_the_library_adds_up_at_its_ties(name):
    p = ag.REGISTRY[name]
    assert isinstance(p.kind, (Elementwise, Reduce))
    if p.arity == 1:
        x = leaf(np.arange(4.0).reshape(2, 2), "x")
        loss = ag.sum(p.function(x, axis=1, keepdims=False) ** 2)
        assert prove.graph({"x": x}, loss).status == "PROVED"
        return
    a, b = leaf([5.5, 7.1], "a"), leaf([2.0, 3.0], "b")
    verdict = prove.graph({"a": a, "b": b}, ag.sum(p.function(a, b) * np.array([1.0, 2.0])))
    assert verdict.status == "PROVED", verdict


# --- params, outputs, asked -------------------------------------------------------------------


def test_rules_are_decided_at_the_params_of_the_graph():
    right = ag.REGISTRY["concatenate_"].vjp
    us = [leaf(np.ones(2) * k, f"u{k}") for k in range(4)]
    named = {f"u{k}": t for k, t in enumerate(us)}
    loss = ag.sum(ag.concatenate(us) ** 2)
    assert prove.graph(named, loss).status == "PROVED"

    def fourth(xp, asked, g, y, *xs, axis):
        found = right(xp, asked, g, y, *xs, axis=axis)
        return {i: part * (2 if i == 3 else 1) for i, part in found.items()}

    verdict = prove.graph(named, with_rule("concatenate_", fourth, loss, us))
    assert statuses(verdict) == {"u0": "PROVED", "u1": "PROVED", "u2": "PROVED", "u3": "REFUTED"}


@pytest.mark.parametrize("size", [9, 500])
def test_a_step_of_a_slice_is_kept_however_long_the_axis_is(size):
    (right,) = ag.REGISTRY["slice_"].vjp

    def third(xp, g, y, x, index):
        wrong = any(isinstance(e, tuple) and e[3] == 3 for e in index.entries)
        return right(xp, g, y, x, index=index) * (2 if wrong else 1)

    w = leaf(np.ones(size), "w")
    for part, status in ((slice(2, 8, 2), "PROVED"), (slice(2, 8, 3), "REFUTED"), (slice(8, 2, -3), "PROVED")):  # fmt: skip
        loss = with_rule("slice_", (third,), ag.sum(w[part] ** 2), [w])
        assert prove.graph({"w": w}, loss).status == status


def _none_for_outputs(right):
    def bad(xp, asked, g, y, *xs, **params):
        found = right(xp, asked, g, y, *xs, **params)
        return {i: t * 2 for i, t in found.items()} if any(c is None for c in g) else found

    return bad


def _one_alone(right):
    def bad(xp, asked, g, y, *xs, **params):
        found = right(xp, asked, g, y, *xs, **params)
        return {i: t * 2 for i, t in found.items()} if len(asked) == 1 else found

    return bad


@pytest.mark.parametrize(
    "fault", [_none_for_outputs, pytest.param(_one_alone, marks=pytest.mark.slow)]
)
def test_joint_rules_are_decided_for_the_outputs_and_operands_that_are_used(fault):
    h = leaf(np.ones(2), "h")
    step = lambda h, x: (ag.tanh(h * 0.5 + x), h)  # noqa: E731
    loss = ag.sum(ag.scan(step, h, np.ones((3, 2)))[0] ** 2)
    assert prove.graph({"h": h}, loss).status == "PROVED"
    faulty = copy.copy(ag.REGISTRY["scan"])
    faulty.vjp = fault(faulty.vjp)
    assert prove.rule(faulty).status == "REFUTED"
    verdict = prove.graph({"h": h}, with_rule("scan", faulty.vjp, loss, [h]))
    assert verdict.status == "REFUTED"
    assert "scan" in verdict.reason


@pytest.mark.parametrize(("size", "shift"), [(5, -1), (8, 3), (4, 6)])
def test_a_turn_keeps_its_direction_at_small_sizes(size, shift):
    """A rule that turns the cotangent the wrong way; right where half a turn is its own inverse."""
    h = leaf(np.arange(1.0, 8 * size + 1).reshape(size, 8), "h")
    loss = ag.sum(ag.roll(h, shift, axis=0) * h**3)
    assert prove.graph({"h": h}, loss).status == "PROVED"
    other = (lambda xp, g, y, x, shift, axis: xp.roll_(g, shift=shift, axis=axis),)
    wrong = with_rule("roll_", other, loss, [h])
    expected = "PROVED" if 2 * (shift % size) == size else "REFUTED"
    assert prove.graph({"h": h}, wrong).status == expected


def test_small_operands_keep_what_a_step_does():
    """For every primitive with cases: sizes shrink, the operation stays one of its kind."""
    tried = 0
    for p in ag.REGISTRY.values():
        for operands, params in cases.small(p)[:6]:
            shapes = [getattr(o, "shape", ()) for o in operands]
            if any(not isinstance(n, int) for shape in shapes for n in shape):
                continue
            if not all(isinstance(o, ag.Abstract) for o in operands) or not p.differentiable:
                continue
            program = ag.trace(lambda *xs, p=p, params=params: ag.primitives.apply(p, xs, dict(params)))(*operands)  # fmt: skip
            step = next((s for s in program if s.primitive is p), None)
            if not isinstance(step, Application):
                continue
            found = small(step)
            assert found is not None, p.name
            tried += 1
            for before, after in zip(shapes, found[0], strict=True):
                assert len(before) == len(after.shape)
                assert [n == 1 for n in before] == [n == 1 for n in after.shape]
    assert tried > 50


# --- what is remembered -----------------------------------------------------------------------


def test_what_is_remembered_depends_on_all_that_is_used(declare):
    """The text of the declaration is the same each time."""
    w = leaf(np.ones((2, 3)), "w")

    def helper(factor):
        return lambda x: factor * x

    def decided(k=3, power=3, factor=1, reading=1):
        ag.REGISTRY.pop("squared", None)
        help_ = helper(factor)
        f = declare(
            squared,
            lambda s, x: reading * s.power(x, power),
            lambda xp, g, y, x: help_(g * k * x * x),
            forward=lambda x: reading * x**power,
        )
        return prove.graph({"w": w}, ag.sum(f(w))).status

    assert decided() == "PROVED"
    for changed in ({"k": 2}, {"power": 4}, {"factor": 2}, {"reading": 2}):
        assert decided(**changed) == "REFUTED", changed
    assert decided() == "PROVED"


def test_the_walk_is_decided_again_when_it_was_changed(monkeypatch):
    w = leaf(np.ones(3), "w")
    assert prove.graph({"w": w}, ag.sum(ag.tanh(w))).status == "PROVED"
    before = len(remembered._VERDICTS)
    prove.graph({"w": w}, ag.sum(ag.tanh(w)))
    assert len(remembered._VERDICTS) == before  # nothing was decided twice
    right = walk.sum_to
    monkeypatch.setattr(walk, "sum_to", lambda xp, g, shape: right(xp, g, shape) * 2)
    assert prove.graph({"w": w}, ag.sum(ag.tanh(w))).status != "PROVED"


# --- sizes that are asked about ---------------------------------------------------------------

QUESTIONS = {
    "a shape": lambda x: x.shape[:1] == (1,),
    "one size": lambda x: x.shape[0] == 7,
    "among": lambda x: x.shape[0] in (5, 6),
    "elements": lambda x: x.size == 1,
    "a difference": lambda x: x.shape[0] - 3 == 0,
    "unequal": lambda x: (2, *x.shape) == (2, 4),
}


@pytest.mark.parametrize(
    "name", [n if "size" in n else pytest.param(n, marks=pytest.mark.slow) for n in QUESTIONS]
)
def test_a_rule_is_decided_at_the_sizes_that_it_asks_about(name, declare):
    ask = QUESTIONS[name]
    wrong = lambda xp, g, y, x: g * x if x.shape and ask(x) else 2 * g * x  # noqa: E731
    f = declare(squared, lambda s, x: x * x, wrong)
    (z,) = arrays("z:B")
    assert prove.rule("squared").status == "REFUTED"
    verdict = prove.backward(ag.sum(f(z)), wrt=[z])
    assert verdict.status == "REFUTED"
    assert "asks for" in verdict.reason


def test_a_rule_that_asks_and_is_right_is_proved_at_every_size(declare):
    f = declare(
        squared,
        lambda s, x: x * x,
        lambda xp, g, y, x: g * x + g * x if 1 in x.shape else 2 * g * x,
    )
    z, y = arrays("z:B,D y:B")
    verdict = prove.backward(ag.sum(f(z) * ag.expand_dims(y, 1)), wrt=[z, y])
    assert verdict.status == "PROVED"
    assert verdict.scope.startswith("for every B ≥ 1, D ≥ 1;")
    assert [f.split(",")[0] for f in map(str, verdict.facts) if f.startswith("decided apart")] == [
        "decided apart: B = 1",
        "decided apart: D = 1",
    ]
    x = leaf(np.ones((7, 3)), "x")
    assert prove.graph({"x": x}, ag.sum(f(x))).status == "PROVED"


@pytest.mark.parametrize("right", [True, False])
def test_sizes_that_cannot_be_solved_for_are_left_out_in_words(right, declare):
    def rule(xp, g, y, x):
        asked = len(x.shape) == 2 and 2 * x.shape[0] == 3 * x.shape[1]
        return g * x * (2 if right or not asked else 1)

    f = declare(squared, lambda s, x: x * x, rule)
    (z,) = arrays("z:B,D")
    verdict = prove.backward(ag.sum(f(z)), wrt=[z])
    assert verdict.status == ("PROVED" if right else "REFUTED")  # at (3, 2)
    assert verdict.scope.startswith("for every B ≥ 1, D ≥ 1 but 2*B - 3*D = 0 (asked by ")
    x = leaf(np.ones((4, 5)), "x")
    for verdict in (prove.rule("squared"), prove.graph({"x": x}, ag.sum(f(x)))):
        assert any("left out: 2*" in fact for fact in map(str, verdict.facts)), verdict.facts


def test_a_forward_that_asks_is_run_again_or_the_size_is_left_out():
    def f(z):
        return ag.sum(z) if z.shape[0] == 7 else ag.sum(z * z)

    (z,) = arrays("z:B")
    verdict = prove.backward(f, args=[z])
    assert verdict.status == "PROVED"
    assert verdict.scope.startswith("for every B ≥ 1;")
    assert any(fact.startswith("decided apart: B = 7") for fact in map(str, verdict.facts))
    assert prove.equal(f, lambda z: ag.sum(z * z), args=[z]).status == "REFUTED"
    verdict = prove.backward(f(z), wrt=[z])  # what was recorded cannot be run again
    assert verdict.status == "PROVED"
    assert verdict.scope.startswith("for every B ≥ 1 but B = 7 (asked by ")
    (y,) = arrays("y:B")
    assert "but" not in prove.backward(ag.sum(y), wrt=[y]).scope  # other arrays, other questions


def test_the_sizes_for_which_a_difference_is_zero():
    B, D = dims("B D")
    assert vanishing(B - 1) == [{"B": 1}]
    assert vanishing(2 * B - 4) == [{"B": 2}]
    assert vanishing(B * B - 4) == [{"B": 2}]
    assert vanishing(B - D) == [{"B": D}]
    assert vanishing(B - D - 1) == [{"B": D + 1}]
    assert vanishing(B * D - D) == [{"B": 1}]
    assert vanishing(B * D - 2) == [{"B": 1, "D": 2}, {"B": 2, "D": 1}]
    assert vanishing(B + 1) == vanishing(2 * B - 3) == vanishing(B * B - 3) == []
    assert vanishing(2 * B - 3 * D) is None
    for difference in (B - 1, B * D - 12, B - D - 1, B * D * 2 - 8):
        found = {
            (b, d)
            for sizes in vanishing(difference)
            for b in range(1, 14)
            for d in range(1, 14)
            if all({"B": b, "D": d}[n] == (v if isinstance(v, int) else v.substitute({"D": d}))
                   for n, v in sizes.items())
        }  # fmt: skip
        whole = {(b, d) for b in range(1, 14) for d in range(1, 14)}
        assert found == {(b, d) for b, d in whole if difference.substitute({"B": b, "D": d}) == 0}


def test_what_the_engine_asks_on_every_way_is_no_question_of_a_rule():
    z, w = arrays("z:B,D w:D")
    with watched() as looks:
        prove.backward(ag.sum(ag.tanh(z * w + 1.0) @ w), wrt=[z, w])
    assert not looks.found


# --- what is held constant --------------------------------------------------------------------


def _stopped(xp, g, y, x):
    return 2 * g * xp.stop_gradient(x)


def _silently(xp, g, y, x):
    with ag.no_grad():
        double = 2 * x
    return g * double


@pytest.mark.parametrize("rule", [_stopped, _silently])
def test_a_rule_may_not_hide_a_part_of_the_second_derivative(rule, declare):
    f = declare(squared, lambda s, x: x * x, rule)
    verdict = prove.rule("squared")
    assert verdict.status == "UNDECIDED"
    assert "second derivative" in verdict.reason
    inner = lambda x: ag.sum(ag.grad(lambda z: ag.sum(f(z)))(x) * np.array([1.0, 2.0]))  # noqa: E731
    assert any(
        "held constant" in fact for fact in map(str, prove.backward(inner, args=[np.ones(2)]).facts)
    )


def test_a_rule_may_hold_what_is_constant(declare):
    declare(
        squared,
        lambda s, x: x * s.step(x),
        lambda xp, g, y, x: g * xp.stop_gradient(xp.cast(x > 0, dtype=x.dtype)),
        forward=lambda x: np.maximum(x, 0),
    )
    assert prove.rule("squared").status == "PROVED"


def test_no_rule_of_the_library_holds_anything():
    """What `prove.rule` refuses: at the first case of each, which is enough to run its rules."""
    seen = 0
    for p in ag.REGISTRY.values():
        known = cases.declared(p)
        if not p.differentiable or not known or p.name in ("identity", "pick"):
            continue
        operands, params = known[0]
        weighted = rules.weighted(p, operands, params)
        numbers = [n for n, v in enumerate(weighted.inputs) if v.dtype.kind == "f"]
        combined = ag.trace(ag.value_and_grad(weighted.as_function(), numbers, unreachable="zero"))(
            *(ag.Abstract(v.shape, v.dtype, v.weak) for v in weighted.inputs)
        )
        held = flows.held(combined, combined.inputs, combined.outputs[1:], rules.of_a_rule)
        assert [h for h in held if h.how != "ZERO"] == [], p.name
        seen += 1
    assert seen > 80


def test_what_is_held_constant_is_a_fact_that_names_the_step():
    (z,) = arrays("z:B")
    with ag.no_grad():
        silent = z * z
    for inner, word in (
        (ag.stop_gradient(z * z), "held constant: b (stop_gradient, step 2)"),
        ((z * z).detach(), "held constant: b, an array without values"),
        (silent, "held constant: b"),
        (ag.sign(z), "sign has the derivative 0 off its kinks by z (step 1)"),
        (ag.floor(z), "floor has the derivative 0 off its kinks by z (step 1)"),
    ):
        verdict = prove.backward(ag.sum(inner * z), wrt=[z])
        assert verdict.status == "PROVED"
        assert any(fact.startswith(word) for fact in map(str, verdict.facts)), (word, verdict.facts)
    x = leaf(np.ones(3), "x")
    loss = ag.sum(ag.scan(lambda h, _: (h * ag.stop_gradient(h), None), x, length=2)[0])
    for verdict in (prove.backward(loss, wrt=[x]), prove.graph({"x": x}, loss)):
        assert any("of the body of scan" in fact for fact in map(str, verdict.facts)), verdict.facts


def test_a_leaf_behind_what_is_held_constant_is_told_from_one_that_is_not_there():
    x, y, z = (leaf(np.ones(2), name) for name in "xyz")
    verdict = prove.graph({"x": x, "y": y, "z": z}, ag.sum(ag.stop_gradient(x) * y))
    assert statuses(verdict) == {"x": "UNDECIDED", "y": "PROVED", "z": "UNDECIDED"}
    assert verdict.leaves["x"].reason.endswith("but through what is held constant")
    assert verdict.leaves["z"].reason == "the loss does not depend on it"


def test_a_fault_of_the_prover_on_the_way_is_no_open_question(declare):
    """Where what is run is not what was proved, at small sizes."""
    rule = lambda xp, g, y, x: g * x if str(x.shape) == "(1,)" else 2 * g * x  # noqa: E731
    f = declare(squared, lambda s, x: x * x, rule)
    x = leaf(np.ones(3), "x")
    with pytest.raises(DisagreementError):
        prove.graph({"x": x}, ag.sum(f(x)))


# --- a wrong rule, and a gradient that is right -----------------------------------------------------

CANCELLED = {
    "two faults": lambda p, w: p(w) - p(w),
    "a factor of 0": lambda p, w: 0.0 * p(w),
    "data of zeros": lambda p, w: ag.tensor([0.0, 0.0]) * p(w),
    "on the way to one leaf": lambda p, w: p(w) * ag.stop_gradient(w) - ag.stop_gradient(w) * p(w) + w,
    "a dead unit": lambda p, w: ag.relu(-1 - p(w)),
}  # fmt: skip
STANDING = {
    "alone": lambda p, w: p(w),
    "one more than cancel": lambda p, w: p(w) - p(w) + p(2 * w),
    "below a function": lambda p, w: ag.tanh(p(w)),
    "beside zeros": lambda p, w: ag.tensor([0.0, 1.0]) * p(w),
}


def faulty_square():
    @ag.primitive(ag.Elementwise(lambda s, x: x * x), vjp=lambda xp, g, y, x: 3 * g * x)
    def faulty(x: ag.ArrayLike):
        return x * x

    return faulty


@pytest.mark.parametrize("name", [*CANCELLED, *STANDING])
def test_a_whole_is_refuted_by_a_run_of_the_whole(name, declared):
    p = faulty_square()
    w = ag.tensor([1.0, -2.0], requires_grad=True, name="w")
    verdict = prove.graph({"w": w}, ag.sum((CANCELLED | STANDING)[name](p, w)))
    reason = verdict.leaves["w"].reason
    assert "the VJP rules of faulty" in reason
    if name in STANDING:
        assert verdict.status == "REFUTED"
        assert "run: the gradient by .backward()" in reason
        assert verdict.witness is not None
    else:
        assert verdict.status == "UNDECIDED"
        assert "may cancel" in reason
        assert verdict.witness is None


def test_leaves_behind_one_wrong_rule_are_judged_each_by_itself(declared):
    p = faulty_square()
    w, u = (ag.tensor([1.0, -2.0], requires_grad=True, name=n) for n in "wu")
    verdict = prove.graph({"w": w, "u": u}, ag.sum(p(w * u) - p(u * w) + p(w)))
    assert {n: v.status for n, v in verdict.leaves.items()} == {"w": "REFUTED", "u": "UNDECIDED"}
    assert "at 9 points" in verdict.leaves["u"].reason


def test_a_rule_that_is_wrong_at_other_sizes_refutes_no_graph(declared):
    @ag.primitive(
        ag.Elementwise(lambda s, x: x * x),
        vjp=lambda xp, g, y, x: (3 if x.shape == (7,) else 2) * g * x,
    )
    def odd_size(x: ag.ArrayLike):
        return x * x

    for size, status in ((2, "UNDECIDED"), (7, "REFUTED")):
        w = ag.tensor(np.ones(size), requires_grad=True, name="w")
        assert prove.graph({"w": w}, ag.sum(odd_size(w))).status == status
