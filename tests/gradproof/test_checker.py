"""The second opinion: right where it agrees, certain where it objects, and loud about what it cannot read."""

import ast
import copy
import json
import random
import re
import sys
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy

import autograd_core as ag
import nn
from autograd_core.symbolic import arrays, facts, labels, prove, scalar, statements
from autograd_core.symbolic.equations import equation
from gradproof import checker, records
from gradproof.checker import AGREES, FALLS, OPEN, Graph, Values, checked

F = nn.functional


def read(verdict):
    return json.loads(verdict.to_json())


def test_it_shares_no_code_with_the_prover():
    tree = ast.parse(Path(checker.__file__).read_text("utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module.partition(".")[0])
    assert names - sys.stdlib_module_names == {"numpy"}


# --- arithmetic --------------------------------------------------------------------------------------


def is_prime(n):
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for a in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):  # exact below 3e24; for 2^127 - 1 a test
        y = pow(a, d, n)
        if y not in (1, n - 1) and all((y := y * y % n) != n - 1 for _ in range(s - 1)):
            return False
    return True


def test_the_primes_are_what_they_are_said_to_be():
    assert all(map(is_prime, [*checker.CHAIN, checker.LARGE]))
    for p, q in zip(checker.CHAIN, checker.CHAIN[1:], strict=False):
        assert q == 2 * p + 1
        assert pow(4, p, q) == 1  # 4 is a square, and so of the order p
    assert checker.LARGE % 4 == 3
    assert all(p % 4 == 3 for p in checker.CHAIN[1:])


def test_exponentials_and_logarithms_are_homomorphisms():
    g = Graph()
    a, b = g.node("in", "a"), g.node("in", "b")
    rng = random.Random(0)
    values = Values(g, {n: Fraction(rng.getrandbits(400) + 1, 2**400) for n in "ab"}, 0)
    difference = g.sub(g.node("exp", g.add(a, b)), g.mul(g.node("exp", a), g.node("exp", b)))
    log = g.node("log", g.mul(g.node("exp", a), g.add(b, g.const(1))))
    parts = g.add(a, g.node("log", g.add(b, g.const(1))))
    for k in (1, 2, 3):
        assert values.residue(difference, k) == 0
        assert values.residue(g.node("exp", a), k) != values.residue(g.node("exp", b), k)
    assert values.residue(g.sub(log, parts), 1) == 0
    assert values.residue(g.sub(log, g.add(parts, b)), 1) != 0


REAL = {
    "exp": (mpmath.exp, 200), "log": (mpmath.log, 1), "arctan": (mpmath.atan, 100),
    "arcsin": (mpmath.asin, 1), "erf": (mpmath.erf, 7.9), "sin": (mpmath.sin, 60),
    "cos": (mpmath.cos, 60), "sqrt": (mpmath.sqrt, 1), "inv": (lambda x: 1 / x, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_intervals_hold_the_value_and_are_narrow(name):
    function, most = REAL[name]
    rng = random.Random(name)
    with mpmath.workdps(190):
        for _ in range(60):
            x = rng.uniform(-most, most) * 2.0 ** -rng.choice([0, 0, 0, 3, 50])
            if name in ("log", "sqrt"):
                x = abs(x) * rng.choice([1, 1e6, 1e-6])
            low, high = checker._REALS[name](checker._rational(Fraction(x)))
            value = function(mpmath.mpf(x)) * mpmath.mpf(2) ** checker.BITS
            assert low <= value <= high
            assert high - low < 2**160 * max(1, abs(low) >> 340)
        low, high = checker._pi()
        assert low <= mpmath.pi * mpmath.mpf(2) ** checker.BITS <= high


def test_degrees_bound_those_of_the_numerators():
    g = Graph()
    a, b = g.node("in", "a"), g.node("in", "b")
    assert checker.degree_of(g, [g.whole(g.add(a, b), 5)]) == (5, True)
    assert checker.degree_of(g, [g.add(g.inv(a), g.inv(b))]) == (1, True)  # (a + b)/(a b)
    quotient = g.div(g.mul(a, b), g.add(a, g.const(1)))
    assert checker.degree_of(g, [g.sub(quotient, quotient)]) == (0, True)
    assert checker.degree_of(g, [g.add(quotient, g.inv(quotient))]) == (4, True)
    assert checker.degree_of(g, [g.mul(g.exp(a), b)]) == (2, False)


# --- what is right --------------------------------------------------------------------------------------


def _right():
    z, y, w, g = arrays("z:B,C y:B,C w:C,D g:B,C")
    (label,) = labels("label:B")
    eps = scalar("eps", positive=True)
    b, x = arrays("b:D x:3")
    return {
        "batch norm": lambda: prove.backward(ag.sum(g * F.batch_norm(z, eps=eps)), wrt=[z, g, eps]),
        "entropy": lambda: prove.backward(F.cross_entropy(z, y), wrt=[z, y]),
        "labels": lambda: prove.backward(F.cross_entropy(z, label), wrt=[z]),
        "a fact": lambda: prove.equal(
            ag.grad(lambda z: F.cross_entropy(z, y))(z), (ag.softmax(z, axis=1) - y) / z.shape[0],
            wrt=[z, y], given=[facts.sums_to_one(y, axis=1)],
        ),
        "layers": lambda: prove.backward(ag.sum(ag.tanh(ag.relu(z @ w + b) * 0.1) ** 2), wrt=[z, w, b]),
        "softplus": lambda: prove.equal(ag.softplus(x), x + ag.softplus(-x), wrt=[x]),
        "maxima": lambda: prove.backward(ag.max(x) ** 2 + ag.sum(ag.cumsum(x, 0) ** 2), wrt=[x]),
        "waves": lambda: prove.backward(ag.sum(ag.sin(z) * ag.cos(z) + ag.arctan(z) * ag.special.erf(z)), wrt=[z]),
        "a loop": lambda: prove.backward(
            ag.scan(lambda h, t: (h * t + ag.sin(h), None), x[0], x)[0], wrt=[x]
        ),
        "a rule": lambda: prove.rule("multiply"),
        "fractions": lambda: equation("b", *_geometric()),
    }  # fmt: skip


def _geometric():
    k, q = sympy.Symbol("k", integer=True, positive=True), sympy.Symbol("q", positive=True)
    return (1 - q**k) * (1 + q**k) / (1 - q), (1 - q ** (2 * k)) / (1 - q)


RIGHT = _right()


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_agrees(name):
    verdict = RIGHT[name]()
    assert verdict.status == "PROVED", verdict
    found = checked(read(verdict), seed=1)
    assert found.status == AGREES, found
    assert "probability of error at most" in found.text or "the same expression" in found.text


def test_regions_between_kinks_are_drawn_and_said_to_be():
    (x,) = arrays("x:2")
    found = checked(read(prove.equal(ag.relu(3 * x), 3 * ag.relu(x), wrt=[x])), seed=0)
    assert found.status == AGREES
    assert "the same expression" not in found.text
    assert "in the regions between kinks that were drawn" in found.text


def test_every_size_is_tried_and_the_bound_says_what_it_rests_on():
    (z,) = arrays("z:B,C")
    rational = checked(read(prove.equal((z + 1) ** 2, z * z + 2 * z + 1, wrt=[z])), seed=0)
    assert "(B = 1, C = 1; B = 2, C = 3; B = 3, C = 2)" in rational.text
    assert "behave as" not in rational.text
    other = checked(read(prove.equal(ag.exp(z) ** 2, ag.exp(2 * z), wrt=[z])), seed=0)
    assert other.text.endswith("behave as independent variables") or "the same" in other.text


# --- what is wrong --------------------------------------------------------------------------------------


def test_a_false_statement_that_was_said_to_be_proved_falls():
    """The false proofs that attacks from outside found, as records would have said them."""
    rows, few = ag.Abstract(ag.dims("M N")), ag.Abstract((2,))

    def picked(z):
        top = ag.argmax(z, 1, keepdims=True)
        return ag.sum(ag.take_along_axis(z - ag.mean(z, 0), top, 1))

    false = [
        (picked, lambda z: 0 * ag.sum(z), rows),
        (lambda x: ((x > 0) + (x > -1)) * x, lambda x: ((x > 0) * 1.0 + (x > -1) * 1.0) * x, few),
        (lambda z: ag.sum(ag.square(z), 0), lambda z: ag.square(ag.sum(z, 0)), rows),
        (lambda x: ag.equal(ag.exp(ag.relu(x))[0], ag.exp(ag.relu(x))[1]) * 1.0, lambda x: 0 * x[0], few),
        (lambda x: ag.equal(ag.floor(x[0]), ag.floor(x[1])) * x[0], lambda x: 0 * x[0], few),
    ]  # fmt: skip
    for left, right, shape in false:
        said = statements.equal(ag.trace(left)(shape), ag.trace(right)(shape)).plain()
        found = checked({"status": "PROVED", "statement": json.loads(json.dumps(said))}, seed=2)
        assert found.status == FALLS, found
        assert "it is not so" in found.text


SWAPPED = {
    "add": "subtract", "subtract": "add", "multiply": "divide", "divide": "multiply",
    "exp": "tanh", "tanh": "sigmoid", "square": "negative", "negative": "square",
    "sigmoid": "tanh", "relu": "tanh", "softplus": "exp", "log": "exp", "sqrt": "square",
}  # fmt: skip


def mutants(statement):
    """Statements with one step, one operand or one number changed."""
    side = "right" if "right" in statement else "combined"
    steps = statement[side]["steps"]
    for n, (name, operands, _, _) in enumerate(steps):
        if name in SWAPPED:
            made = copy.deepcopy(statement)
            made[side]["steps"][n][0] = SWAPPED[name]
            yield made
        for m, o in enumerate(operands):
            if isinstance(o, dict) and isinstance(o["value"], int):
                made = copy.deepcopy(statement)
                made[side]["steps"][n][1][m] = {"value": o["value"] + 1}
                yield made


def numbers(statement, sizes, seed):
    """Both sides by the engine's own primitives, in floats."""
    rng = np.random.default_rng(seed)
    point = {}
    for name, shape in (("z", (2, 3)), ("w", (3, 2)), ("y", (2, 3))):
        for i in np.ndindex(*shape):
            point[f"{name}[{','.join(map(str, i))}]"] = rng.uniform(0.3, 1.7)
    with np.errstate(all="ignore"):
        return [
            np.concatenate([np.ravel(o) for o in records._floats(statement[s], sizes, point)])
            for s in ("left", "right", "forward", "combined")
            if s in statement
        ]


@pytest.mark.parametrize("n", range(3))
def test_each_changed_step_falls_or_changes_nothing(n):
    z, w, y = arrays("z:2,3 w:3,2 y:2,3")
    verdict = (
        lambda: prove.equal(
            ag.tanh(z @ w) * 2 - 1, 2 * ag.sigmoid(2 * (z @ w)) * 2 - 3, wrt=[z, w]
        ),
        lambda: prove.backward(ag.sum(ag.exp(ag.square(z) * 0.5) / (2 + y * y)), wrt=[z, y]),
        lambda: prove.equal((z + y) * (z - y), ag.square(z) - ag.square(y) + 0 * z, wrt=[z, y]),
    )[n]()
    plain = read(verdict)
    assert verdict.status == "PROVED"
    before = numbers(plain["statement"], {}, 0)
    tried = 0
    for statement in mutants(plain["statement"]):
        try:
            after = numbers(statement, {}, 0)
        except (TypeError, ValueError):
            continue
        found = checked({**plain, "statement": statement}, seed=3)
        changed = any(not np.allclose(a, b, rtol=1e-9) for a, b in zip(before, after, strict=True))
        if found.status == AGREES:
            assert not changed, statement
        elif changed:
            assert found.status == FALLS, found
        tried += 1
    assert tried > 5


# --- what cannot be told ----------------------------------------------------------------------------


def test_what_has_no_reading_is_named():
    x = np.array([1.5, 2.5])
    found = checked(read(prove.backward(lambda x: ag.sum(ag.special.gammaln(x)), args=[x])))
    assert found.status == OPEN
    assert "the primitive gammaln" in found.text


def test_a_relation_that_is_missing_is_no_accusation():
    x = sympy.Symbol("x", real=True)
    verdict = read(equation("twice the angle", sympy.sin(2 * x), 2 * sympy.sin(x) * sympy.cos(x)))
    found = checked({**verdict, "status": "PROVED"}, seed=0)
    assert found.status == OPEN
    assert "a relation that residues do not have" in found.text


@pytest.mark.parametrize(
    "damage",
    [
        lambda v: v.pop("statement"),
        lambda v: v["statement"].pop("left"),
        lambda v: v["statement"].update(question="why"),
        lambda v: v["statement"]["left"]["steps"].append(["add", [99, 99], {}, "float64"]),
        lambda v: v["statement"]["left"]["steps"].append(["add", "x", {}, "float64"]),
        lambda v: v["statement"]["left"].update(outputs=[None]),
        lambda v: v["statement"]["left"]["inputs"][0].update(shape=[10**9, 10**9]),
        lambda v: v["statement"].update(facts=[[0, 7, "1"]]),
        lambda v: v.update(statement=[1]),
        lambda v: v.update(status="UNDECIDED"),
    ],
)
def test_a_damaged_statement_never_agrees_and_never_raises(damage):
    (z,) = arrays("z:2")
    verdict = read(prove.equal(z * 2, z + z, wrt=[z]))
    assert checked(verdict).status == AGREES
    damage(verdict)
    assert checked(verdict).status in (OPEN, FALLS)


def test_it_comes_back_in_time():
    (z,) = arrays("z:B,C")
    deep = z
    for _ in range(14):
        deep = ag.exp(ag.tanh(deep))
    verdict = {**read(prove.equal(deep, deep * 1, wrt=[z], seconds=0.5)), "status": "PROVED"}
    found = checked(verdict, seed=0, seconds=1)
    assert found.status in (AGREES, OPEN)


# --- counterexamples ------------------------------------------------------------------------------------


def test_counterexamples_are_run_again():
    (z,) = arrays("z:B,C")
    x, y = arrays("x:2 y:2")
    for verdict in (
        prove.equal(ag.sum(z * z, 0), ag.sum(z, 0), wrt=[z]),
        prove.equal(x * y, x + y * 0.1, wrt=[x, y]),
    ):
        assert verdict.status == "REFUTED"
        plain = read(verdict)
        assert checked(plain).status == AGREES
        entry = {"id": "?", "findings": [{"words": "w", "verdict": plain}]}
        ((_, found),) = records.opinions(records.Record("?", entry, {}))
        assert found.text.endswith("the engine agrees")


def test_a_planted_rule_is_refuted_by_all_three():
    @ag.primitive(
        ag.Elementwise(lambda s, x: s.exp(x) * x), vjp=lambda xp, g, y, x: g * xp.exp(x) * (x + 2)
    )
    def planted_for_the_checker(x: ag.ArrayLike):
        return np.exp(x) * x

    try:
        x = ag.tensor([0.5, 1.0], requires_grad=True, name="x")
        verdict = prove.backward(ag.sum(planted_for_the_checker(x)), wrt=[x])
        assert verdict.status == "REFUTED"
        found = checked(read(verdict))
        assert found.status == OPEN  # it has no reading of what it does not know
        assert "planted_for_the_checker" in found.text
    finally:
        ag.REGISTRY.pop("planted_for_the_checker")


# Rules that it has no reading of, or no time for: discrete logarithms are dear.
UNREAD = {
    "arctan2", "beta", "betainc", "betaincc", "betaincx", "betaln", "cholesky", "cofactor", "det", "erfcinv",
    "erfcx", "erfinv", "gamma", "gammainc", "gammaincc", "gammainccx", "gammaincx", "gammaln", "gammasgn",
    "identity", "ierfcx", "iv", "ive", "jv", "kv", "log_ndtr", "pinv", "polygamma", "power",
    "rgamma", "rint", "slogdet", "solve", "solve_sylvester", "stdtr", "yv",
}  # fmt: skip
FACTORS = ("eigh", "pick", "qr", "svd")  # of which rules are decided by other questions
RULES = sorted(n for n, p in ag.REGISTRY.items() if p.differentiable and n not in FACTORS)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "arccosh" else [pytest.mark.slow]) for n in RULES]
)
def test_every_rule_that_is_proved_agrees_or_has_no_reading(name):
    verdict = prove.rule(name, seconds=5)
    if verdict.status == "PROVED":
        found = checked(read(verdict), seconds=10)
        expected = (AGREES, OPEN) if name in UNREAD else (AGREES,)
        assert found.status in expected, found


def test_what_has_roots_is_drawn_anew_in_parts():
    """Of eight roots all are there at one point of 256; each is at every other draw of its own."""
    (z,) = arrays("z:8")
    root = ag.sqrt(z * z + 1)
    verdict = read(prove.equal(root * root * z, z**3 + z, wrt=[z]))
    found = checked(verdict, seed=0)
    draws = int(re.search(r"degree times draws at most (\d+)", found.text)[1])
    assert found.status == AGREES
    assert draws >= 3 * 2  # the ways to choose are counted, and not the draws alone
    g = Graph()
    xs = [g.node("in", f"x{n}") for n in range(8)]
    roots = [g.sqrt(g.add(g.mul(x, x), g.const(1))) for x in xs]
    draws = checker._Draws(
        g, roots, dict.fromkeys((f"x{n}" for n in range(8)), ""), random.Random(0)
    )
    first = draws.again(None)
    stop = checker.Undefined("no root")
    stop.node = roots[3]
    for _ in range(4):
        second = draws.again(stop)
    assert {n for n in first if first[n] != second[n]} == {"x3"}
    stop.node = roots[5]
    draws.again(stop)
    assert draws.count == 5 * 2
    again = draws.again(None)
    assert all(again[n] != second[n] for n in first)
    assert draws.count == 5 * 2 + 1


def test_a_false_relation_of_roots_and_logarithms_falls():
    (z,) = arrays("z:4")
    verdict = read(prove.equal(ag.log(ag.exp(z) * ag.sqrt(z * z + 1)), z + ag.log(z * z + 1) / 2))
    assert checked(verdict).status == AGREES
    wrong = copy.deepcopy(verdict)
    for step in wrong["statement"]["right"]["steps"]:
        if step[0] == "divide":
            step[1][1] = {"value": 3}
    assert checked(wrong).status == FALLS
