"""What the prover says of the engine's own gradients."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ConfigError, GraphError, ProofError
from autograd_core.symbolic import arrays, labels, prove

LABELS = np.array([0, 2, 1])


def shapes(*given):
    return [ag.Abstract(s) for s in given]


def batch_norm(z, gamma, beta, eps=1e-5):
    return (z - ag.mean(z, 0)) / ag.sqrt(ag.var(z, 0) + eps) * gamma + beta


def cross_entropy(z):
    labels = LABELS[: z.shape[0], None] % z.shape[1]
    picked = ag.take_along_axis(ag.log_softmax(z), labels, axis=1)
    return -ag.mean(picked)


def mlp(activation, loss):
    def forward(x, w1, b1, w2, b2):
        return loss(ag.affine(activation(ag.affine(x, w1, b1)), w2, b2))

    return forward


MLP = shapes((2, 2), (2, 3), (3,), (3, 2), (2,))
PARAMETERS = [1, 2, 3, 4]


# --- the claims of the demo -------------------------------------------------------------------


def test_batch_norm_is_proved_for_every_epsilon(rng):
    z, gamma, beta = (
        ag.tensor(a, requires_grad=True) for a in (rng.normal(size=(4, 2)), np.ones(2), np.zeros(2))
    )
    start = time.thread_time()
    verdict = prove.backward(
        (batch_norm(z, gamma, beta) ** 2).sum(), wrt={"z": z, "gamma": gamma, "beta": beta}
    )
    assert time.thread_time() - start < 10
    assert verdict.status == "PROVED"
    assert verdict.scope == (
        "shapes z (4, 2), gamma (2,), beta (2,); for every c1 > 0 (written 1e-05)"
    )
    assert {k: v.entries for k, v in verdict.leaves.items()} == {"z": 8, "gamma": 2, "beta": 2}
    assert verdict.excluded == verdict.domain == ()
    assert verdict.rules["sqrt"] == ag.REGISTRY["sqrt"].rule_hash()


@pytest.mark.parametrize("dense", [False, True])
def test_softmax_cross_entropy_is_proved(dense, rng):
    z = ag.tensor(rng.normal(size=(3, 4)), requires_grad=True, name="z")
    target = ag.tensor(rng.dirichlet(np.ones(4), 3), name="target")
    loss = -ag.sum(target * ag.log_softmax(z)) / 3 if dense else cross_entropy(z)
    verdict = prove.backward(loss, wrt=[z])
    assert verdict.status == "PROVED"
    assert verdict.scope == "shape z (3, 4)"
    assert any("logsumexp is read as its meaning" in fact for fact in map(str, verdict.facts))
    assert any("labels in range" in fact for fact in map(str, verdict.facts)) is not dense
    by_entry = prove.backward(loss, wrt=[z], method="EXACT")
    assert by_entry.status == "PROVED"
    assert any("taken at their values" in fact for fact in map(str, by_entry.facts)) is not dense


@pytest.mark.parametrize("loss", [lambda o: ag.mean(ag.square(o)), cross_entropy])
@pytest.mark.parametrize("activation", [ag.tanh, ag.sigmoid, ag.relu, ag.softplus])
def test_a_network_of_two_layers_is_proved(activation, loss):
    verdict = prove.backward(mlp(activation, loss), args=MLP, wrt=PARAMETERS)
    assert [v.status for v in verdict.leaves.values()] == ["PROVED"] * 4
    assert len(verdict.excluded) == (1 if activation is ag.relu else 0)
    by_entry = prove.backward(mlp(activation, loss), args=MLP, wrt=PARAMETERS, method="EXACT")
    assert [v.status for v in by_entry.leaves.values()] == ["PROVED"] * 4
    assert len(by_entry.excluded) == (6 if activation is ag.relu else 0)


def test_dropout_with_penalty_is_proved_for_any_mask_and_rate(rng):
    x, w = (ag.tensor(rng.normal(size=(2, 2)), requires_grad=True, name=n) for n in "xw")
    bits = ag.random_bits(np.array([1, 2], np.uint64), np.uint64(0), shape=(2, 2))
    mask = ag.cast(ag.less(bits, 0.8 * 2**32), np.float64)
    loss = ag.mean(ag.square(ag.relu(x @ w) * mask / 0.8)) + 0.01 * ag.sum(ag.square(w))
    verdict = prove.backward(loss, wrt=[x, w])
    assert verdict.status == "PROVED"
    assert "random integers may be any: bits1" in map(str, verdict.facts)
    by_entry = prove.backward(loss, wrt=[x, w], method="EXACT")
    assert by_entry.status == "PROVED"
    assert "4 random integers may be any" in map(str, by_entry.facts)
    assert "for every c1, c2, c3 > 0" in verdict.scope
    assert not any("bits" in kink for kink in verdict.excluded)  # a mask has no derivative to lose


def test_batch_norm_inside_a_network_is_proved():
    def forward(x, w1, gamma, beta, w2):
        return cross_entropy(ag.relu(batch_norm(x @ w1, gamma, beta)) @ w2)

    args = shapes((3, 2), (2, 2), (2,), (2,), (2, 3))
    assert prove.backward(forward, args=args, wrt=[1, 2, 3, 4]).status == "PROVED"


def test_second_order_is_proved(rng):
    x = ag.tensor(rng.normal(size=(2, 2)), requires_grad=True, name="x")
    ag.sum(ag.tanh(x @ x)).backward(create_graph=True)
    assert prove.backward(ag.sum(ag.square(x.grad)), wrt=[x]).status == "PROVED"

    def product(z, v):
        return ag.sum(ag.grad(cross_entropy)(z) * v)

    assert prove.backward(product, args=shapes((2, 3), (2, 3)), wrt=[0]).status == "PROVED"


def test_fan_out_and_repeated_operands_are_proved():
    def forward(x):
        y = x * x
        return ag.sum(y * y + ag.exp(y) * x)

    assert prove.backward(forward, args=shapes((2,))).status == "PROVED"


# --- rules ------------------------------------------------------------------------------------

# Programs hold what these consist of: their own rules take no part.
LEFT_OUT = {"pick", "compiled"}
DIFFERENTIABLE = [n for n, p in ag.REGISTRY.items() if p.differentiable and n not in LEFT_OUT]


# Two seconds and more each; the sample of changed rules, and `gradproof functions`, go by them as well.
DEAR = {"beta", "betainc", "betaln", "gammainc", "gammaincc", "ive", "iv", "rgamma", "svd", "yv"}


@pytest.mark.sampled(2)  # each is held to differences to second order in test_every_primitive
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in DEAR else n for n in DIFFERENTIABLE],
)
def test_the_rules_of_every_primitive_are_proved(name):
    verdict = prove.rule(name)
    assert verdict.status == "PROVED", str(verdict)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("gammasgn", [lambda xp, g, y, x: g * y]),
        ("stdtr", [None, lambda xp, g, y, df, t: g * xp.exp(-(t * t / 2))]),
    ],
)
def test_a_wrong_rule_of_a_distribution_or_a_sign_is_refuted(name, rules):
    wrong = copy.copy(ag.REGISTRY[name])
    wrong.vjp = rules
    verdict = prove.rule(wrong)
    assert verdict.status == "REFUTED"
    assert verdict.witness is not None


def test_an_operand_that_is_a_number_in_every_case_is_a_fact():
    assert "df is one of 1, 2, 3, 4, 5" in map(str, prove.rule("stdtr").facts)
    assert not any(" is one of " in fact for fact in map(str, prove.rule("power").facts))


def test_a_rule_may_be_given_its_own_cases():
    verdict = prove.rule("sum", [((ag.Abstract((1, 3)),), {"axis": 0, "keepdims": False})])
    assert verdict.status == "PROVED"
    assert verdict.scope == "(1, 3) axis=0 keepdims=False"


@pytest.mark.parametrize(
    ("name", "match"),
    [("argmax", "no gradient"), ("nonsense", "no primitive"), ("pick", "no operands are known")],
)
def test_a_rule_that_cannot_be_decided_says_why(name, match):
    with pytest.raises(ProofError, match=match):
        prove.rule(name)


# --- equality ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        (ag.softplus, lambda x: x + ag.softplus(-x)),
        (ag.tanh, lambda x: 2 * ag.sigmoid(2 * x) - 1),
        (ag.relu, lambda x: ag.maximum(x, 0)),
        (ag.absolute, lambda x: ag.sqrt(x * x)),
        (ag.absolute, lambda x: ag.sign(x) * x),
        (ag.softmax, lambda x: ag.exp(x) / ag.sum(ag.exp(x))),
        (lambda x: ag.sum(ag.softmax(x)), lambda x: ag.sum(x) * 0 + 1),
        (  # the stabilised form
            lambda x: ag.logsumexp(x, axis=0),
            lambda x: ag.max(x) + ag.log(ag.sum(ag.exp(x - ag.max(x)))),
        ),
        (lambda x: ag.minimum(x, 2) + ag.maximum(x, 2), lambda x: x + 2),
        (lambda x: ag.sin(x) ** 2 + ag.cos(-x) ** 2, lambda x: x * 0 + 1),
    ],
)
def test_identities_are_proved(lhs, rhs):
    assert prove.equal(lhs, rhs, args=shapes((3,))).status == "PROVED"


def test_tensors_of_one_graph_are_compared(rng):
    x = ag.tensor(rng.normal(size=(2,)), requires_grad=True, name="x")
    assert prove.equal(ag.exp(x) * ag.exp(-x), x - x + 1).status == "PROVED"
    verdict = prove.equal(x * x, x * x * x, wrt=[x])
    assert verdict.status == "REFUTED"
    assert (
        verdict.witness.point["x[0]"] == verdict.witness.got[0] ** 1 / verdict.witness.point["x[0]"]
    )


def test_both_sides_take_their_leaves_in_one_order():
    """Whichever side a leaf is met on first: otherwise x - y would be y - x."""
    x, y = arrays("x:M y:M")
    w = arrays("w:M,N")[0]
    (k,) = labels("k:M")
    for wrt in (None, [y], [x, y]):
        assert prove.equal(x - y, y - x, wrt=wrt).status == "REFUTED"
        assert prove.equal(x - 2 * y, -2 * y + x, wrt=wrt).status == "PROVED"
    picked = ag.take_along_axis(w, ag.expand_dims(k, 1), 1)
    assert prove.equal(ag.sum(picked) * ag.sum(x), ag.sum(x) * ag.sum(picked)).status == "PROVED"


def test_unequal_sides_are_refuted_with_the_entry_and_point():
    verdict = prove.equal(
        lambda x: x * 2, lambda x: x * ag.concatenate([x[:1] * 0 + 2, x[1:]]), args=shapes((2,))
    )
    assert verdict.status == "REFUTED"
    assert verdict.witness.entry == "value[1]"
    assert "REFUTED" in str(verdict)
    assert "value[1]" in str(verdict.witness)


# --- constants, kinks, domains ----------------------------------------------------------------


def test_constants_that_must_fit_together_are_read_as_decimals():
    verdict = prove.equal(lambda x: 0.1 * x + 0.9 * x, lambda x: x, args=shapes((2,)))
    assert verdict.status == "PROVED"
    assert verdict.scope == "shape x (2,); with the constants 0.1, 0.9 as decimals"


def test_a_power_with_a_rounded_exponent_is_proved():
    verdict = prove.backward(lambda x: ag.sum(x**2.2), args=shapes((2,)))  # 2.2 - 1 is rounded
    assert verdict.status == "PROVED"
    assert verdict.domain == ("x[i] > 0",)


def test_what_rounding_of_constants_could_explain_is_not_refuted():
    third = 1 / 3
    verdict = prove.equal(lambda x: third * x * 3, lambda x: x, args=shapes((1,)))
    assert verdict.status == "UNDECIDED"


def test_a_kink_that_is_zero_on_an_open_set_is_taken_apart():
    verdict = prove.backward(lambda x: ag.sum(ag.relu(ag.relu(x) * 2)), args=shapes((2,)))
    assert verdict.status == "PROVED"


def test_a_gradient_that_is_nan_on_an_open_set_is_not_proved():
    """sqrt(relu(x)) is 0 for x < 0, where the backward computes inf * 0."""
    verdict = prove.backward(lambda x: ag.sum(ag.sqrt(ag.relu(x))), args=shapes((1,)))
    assert verdict.status == "UNDECIDED"
    assert "zero on an open set" in verdict.reason


def test_where_both_sides_are_nowhere_defined_nothing_is_proved():
    verdict = prove.equal(
        lambda x: ag.sqrt(-1 - x * x), lambda x: ag.sqrt(-1 - x * x), args=shapes((1,))
    )
    assert verdict.status == "UNDECIDED"
    assert "no point was found" in verdict.reason


def test_stopped_gradients_are_constants_for_the_derivative():
    forward = lambda x: ag.sum(ag.stop_gradient(ag.stop_gradient(ag.tanh(x)) * x) * x)  # noqa: E731
    assert prove.backward(forward, args=shapes((2,))).status == "PROVED"


def test_the_masked_norm_is_proved_off_zero():
    verdict = prove.backward(lambda x: ag.norm(x), args=shapes((2,)))
    assert verdict.status == "PROVED"
    assert "Sum(x[i]**2, (i, 0, 1)) = 0" in verdict.excluded


# --- budgets ----------------------------------------------------------------------------------


def test_too_many_terms_are_tested_at_random_points_and_called_probable():
    args = shapes((4, 1), (1,), (1,))
    verdict = prove.backward(
        lambda z, g, b: ag.sum(ag.square(batch_norm(z, g, b))), args=args, terms=40, method="EXACT"
    )
    assert verdict.status == "PROBABLE"
    for word in ("modulo 2305843009213693951", "degree at most", "probability of error", "terms"):
        assert word in verdict.reason


def test_no_time_leaves_everything_undecided():
    verdict = prove.backward(mlp(ag.tanh, cross_entropy), args=MLP, wrt=PARAMETERS, seconds=1e-6)
    assert verdict.status == "UNDECIDED"
    assert "budget of 1e-06 s" in verdict.reason


# --- the record -------------------------------------------------------------------------------


def test_a_verdict_is_json_with_everything_in_it():
    verdict = prove.backward(lambda x: ag.sum(ag.relu(x) * 0.3), args=shapes((2,)))
    record = json.loads(verdict.to_json())
    assert record["status"] == "PROVED"
    assert record["excluded"] == ["x[i] = 0"]
    assert set(record["versions"]) >= {"python", "numpy", "sympy", "gradproof"}
    assert record["leaves"]["x"] | {"seconds": 0} == {
        "status": "PROVED", "shape": [2], "entries": 2, "reason": "", "witness": None, "seconds": 0,
        "method": "INDEXED",
    }  # fmt: skip
    refuted = prove.equal(ag.sin, ag.cos, args=shapes((1,)))
    point = json.loads(refuted.to_json())["witness"]["point"]["x[0]"]
    assert Fraction(point) == refuted.witness.point["x[0]"]


def test_leaves_of_one_name_are_kept_apart(rng):
    a, b = (ag.tensor(rng.normal(size=2), requires_grad=True, name="w") for _ in range(2))
    verdict = prove.backward(ag.sum(a * b), wrt=[a, b])
    assert list(verdict.leaves) == ["w", "w'"]


def test_the_same_question_has_the_same_answer():
    records = [
        json.loads(prove.equal(ag.sin, ag.cos, args=shapes((2,))).to_json()) for _ in range(2)
    ]
    assert records[0]["witness"] == records[1]["witness"]


def test_a_leaf_without_influence_is_named():
    verdict = prove.backward(lambda x, y: ag.sum(x), args=shapes((2,), (2,)))
    assert verdict.status == "PROVED"
    assert "the loss does not depend on y" in map(str, verdict.facts)


# --- bad input --------------------------------------------------------------------------------


def test_bad_input_is_named(rng):
    x = ag.tensor(rng.normal(size=2), requires_grad=True)
    loss = ag.sum(ag.exp(x))
    with pytest.raises(ProofError, match="expected wrt"):
        prove.backward(loss)
    with pytest.raises(ProofError, match="wrt is empty"):
        prove.backward(loss, wrt=[])
    with pytest.raises(ProofError, match="Expected one scalar"):
        prove.backward(ag.exp(x), wrt=[x])
    with pytest.raises(ProofError, match="does not fit the 1 inputs"):
        prove.backward(lambda x: ag.sum(x), args=shapes((2,)), wrt=[1])
    with pytest.raises(ConfigError, match="engine"):
        prove.backward(loss, wrt=[x], engine="abacus")
    with pytest.raises(ProofError, match="the sides have shapes"):
        prove.equal(ag.sum, ag.exp, args=shapes((2,)))
    loss.backward()
    with pytest.raises(GraphError, match="retain_graph"):
        prove.backward(loss, wrt=[x])


def test_the_exact_evaluator_refuses_symbolic_sizes_by_name():
    (batch,) = ag.dims("B")
    args = [ag.Abstract((batch,))]
    assert prove.backward(lambda x: ag.sum(x), args=args).status == "PROVED"
    with pytest.raises(ProofError, match="fixed shape; received sizes B"):
        prove.backward(lambda x: ag.sum(x), args=args, method="EXACT")
    with pytest.raises(ConfigError, match="'INDEXED' or 'EXACT'; received 'FLOAT'"):
        prove.backward(lambda x: ag.sum(x), args=args, method="FLOAT")


# --- without extras ---------------------------------------------------------------------------

WITHOUT_FLINT = """
import sys
sys.modules["flint"] = None
import numpy as np
import autograd_core as ag
from autograd_core.symbolic import prove, polynomials
assert list(polynomials.ENGINES) == ["sympy"], polynomials.ENGINES
def batch_norm(z, g):
    return ag.sum(ag.square((z - ag.mean(z, 0)) / ag.sqrt(ag.var(z, 0) + 1e-5) * g))
args = [ag.Abstract((5, 1)), ag.Abstract((1,))]
print(prove.backward(batch_norm, args=args).status)
refuted = prove.equal(lambda x: ag.tanh(x) + ag.sin(x), ag.log1p, args=[ag.Abstract((2,))])
print(refuted.status, refuted.witness.arithmetic)
print(prove.backward(batch_norm, args=args, terms=60, method="EXACT").status)
try:
    prove.rule("exp", engine="flint")
except ImportError as error:
    print("gradproof[proof]" in str(error))
"""


def test_everything_works_without_python_flint():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_FLINT],
        capture_output=True,
        text=True,
        check=False,
        env={"SYMPY_GROUND_TYPES": "python", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:4] == [
        "PROVED", "REFUTED mpmath intervals", "PROBABLE", "True",
    ]  # fmt: skip


def test_importing_the_engine_imports_no_sympy():
    code = "import sys, autograd_core; print('sympy' in sys.modules, 'autograd_core.symbolic' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("engine", ["sympy", None])
def test_both_engines_agree(engine):
    args = shapes((4, 1), (1,), (1,))
    forward = lambda z, g, b: ag.sum(ag.square(batch_norm(z, g, b)))  # noqa: E731
    assert prove.backward(forward, args=args, engine=engine).status == "PROVED"


def test_one_leaf_need_not_stand_in_a_list():
    x = ag.tensor([0.5, 2.0], requires_grad=True, name="x")
    assert prove.backward((x * x).sum(), wrt=x).status == "PROVED"


def test_what_is_no_function_is_named():
    with pytest.raises(ag.errors.ProofError, match="received int"):
        prove.backward(3, wrt=[])
