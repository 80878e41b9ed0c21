"""Updates on one example or a few at a time: what they are together, where they end, what their errors estimate."""

from __future__ import annotations

import itertools
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.sgd import SGD
from .quadratic import descend

UPDATE = "Alternative: Incremental update"
ORDER = "Caveats: order of presentation"
RATE = "Caveats: learning rate"


def one(w: Any, a: Any, d: Any) -> Any:
    """The divergence of one example: ½ a (W − d)²."""
    return a * (w - d) * (w - d) / 2


ERROR = OnSymbols(one)
BATCH = OnSymbols(lambda w, a, *d: ag.mean(one(w, a, ag.stack(d))))
SLOPE = OnSymbols(ag.grad(one))
RULE = OnSymbols(descend)
SGD_STEP = OnSymbols(lambda w, a, d, eta: descend(w, ag.grad(one)(w, a, d), eta))

w, a, eta = sympy.symbols("W a eta", real=True)
c, d = sympy.symbols("d1 d2", real=True)


@claim(
    "O28",
    slide=derived(UPDATE),
    formula=r"W \leftarrow (1 - \eta a) W + \eta a \frac{1}{b} \sum_{t} d_t",
    words="On parabolas ½a(W − d_t)² an update by a batch of b, of one or of all goes towards the mean of the batch's d, by the share ηa.",
    method="the optimizer's rule on the engine's gradient of the mean over a batch, at every size b",
    runs=[SGD.update, ag.grad],
)
def on_a_quadratic() -> list[Finding]:
    (targets,) = arrays("d:b")
    at, curve, rate = scalar("W"), scalar("a"), scalar("eta")

    def batch(w: Any) -> Any:
        return ag.mean(curve * (w - targets) * (w - targets) / 2)

    after = descend(at, ag.grad(batch)(at), rate)
    towards = (1 - rate * curve) * at + rate * curve * ag.mean(targets)
    (single,) = SGD_STEP(w, a, d, eta)
    return [
        Finding(
            "a batch of any size",
            prove.equal(after, towards, wrt=[at, curve, rate, targets]),
        ),
        Finding(
            "one example: SGD",
            equation("O28", single, (1 - eta * a) * w + eta * a * d, ran=[SGD_STEP]),
        ),
    ]


def epoch(gradients: int) -> tuple[sympy.Expr, list[sympy.Function]]:
    """W after a step along each of some gradients in turn, arbitrary functions of W."""
    found = [sympy.Function(f"g{t}") for t in range(1, gradients + 1)]
    here: sympy.Expr = w
    for g in found:
        (here,) = RULE(here, g(here), eta)
    return here, found


@claim(
    "O28b",
    slide=derived(UPDATE),
    formula=r"W^{\mathrm{epoch}} = W - T \eta \nabla \mathrm{Err}(W) + \eta^2 \sum_{s < t} g_t'(W) g_s(W) + O(\eta^3)",
    words="An epoch of SGD at η is one batch step at Tη on the mean error, but for terms of order η²: those that it makes since each step starts where the one before led.",
    assumptions=["differentiable gradients"],
    method="the optimizer's rule along three arbitrary gradients in turn, its expansion in η by sympy; two steps on "
    "quadratics with any matrices, exactly, at every size",
    runs=[SGD.update],
)
def an_epoch() -> list[Finding]:
    after, gradients = epoch(3)
    values = sympy.symbols("g1:4", real=True)
    slopes = sympy.symbols("h1:4", real=True)

    def coefficient(n: int) -> sympy.Expr:
        """Of η^n in W after the epoch, with g_t(W) and g_t'(W) as numbers."""
        found = sympy.diff(after, eta, n).subs(eta, 0).doit() / sympy.factorial(n)
        for g, value, slope in zip(gradients, values, slopes, strict=True):
            found = found.subs(sympy.Derivative(g(w), w), slope).subs(g(w), value)
        return found

    (batch,) = RULE(w, sum(values) / 3, 3 * eta)
    second = slopes[1] * values[0] + slopes[2] * (values[0] + values[1])
    p, q, at, u, v = arrays("A:N,N B:N,N W:N u:N v:N")
    rate = scalar("eta")
    first = descend(at, p @ at - u, rate)
    both = descend(first, q @ first - v, rate)
    whole = descend(at, ((p @ at - u) + (q @ at - v)) / 2, 2 * rate)
    return [
        Finding(
            "the terms in η⁰ and η¹ are those of the batch step",
            equation(
                "O28b",
                {"η⁰": coefficient(0), "η¹": coefficient(1)},
                {"η⁰": batch.subs(eta, 0), "η¹": sympy.diff(batch, eta)},
                ran=[RULE],
            ),
        ),
        Finding(
            "the term in η², which the batch step does not have",
            equation("O28b", coefficient(2), second, ran=[RULE]),
            r"\sum_{s < t} g_t'(W) g_s(W)",
        ),
        Finding(
            "two examples that are quadratics: the difference, exactly, in any number of weights",
            prove.equal(both - whole, rate * rate * (q @ (p @ at - u)), wrt=[p, q, at, u, v, rate]),
            r"W^{\mathrm{epoch}} - W^{\mathrm{batch}} = \eta^2 A_2 (A_1 W - u_1)",
        ),
    ]


@claim(
    "O28c",
    slide=RATE,
    formula=r"\sum_t g_t(W^{*}) = 0, \quad \text{while the steps are} -\eta g_t(W^{*})",
    words="At the optimum of all examples their gradients sum to 0, and a batch step stays; a step on one example leaves it, unless each example is fit perfectly.",
    assumptions=["two examples, a ≠ 0"],
    method="the optimum by sympy from the engine's gradients; the optimizer's rule from there",
    runs=[SGD.update, ag.grad],
)
def at_the_optimum() -> list[Finding]:
    slopes = [SLOPE(w, a, t)[0] for t in (c, d)]
    (best,) = sympy.solve(sum(slopes), w)
    here = [slope.subs(w, best) for slope in slopes]
    (batch,) = RULE(best, sum(here) / 2, eta)
    away = [SGD_STEP(best, a, t, eta)[0] - best for t in (c, d)]
    perfect = [step.subs(d, c) for step in away]
    return [
        Finding("the gradients sum to 0", equation("O28c", sum(here), 0, ran=[SLOPE])),
        Finding("the batch step stays", equation("O28c", batch, best, ran=[RULE, SLOPE])),
        Finding(
            "steps on either example go apart by as much",
            equation(
                "O28c",
                {"first": away[0], "second": away[1]},
                {"first": eta * a * (c - d) / 2, "second": eta * a * (d - c) / 2},
                ran=[SGD_STEP],
            ),
        ),
        Finding(
            "with a perfect fit, d₁ = d₂, they stay",
            equation(
                "O28c",
                {"first": perfect[0], "second": perfect[1]},
                {"first": 0, "second": 0},
                ran=[SGD_STEP],
            ),
        ),
    ]


@claim(
    "O28d",
    slide=ORDER,
    formula=r"W \to \frac{d_2 + (1 - \eta a) d_1}{2 - \eta a} \text{ after the second, } \frac{d_1 + (1 - \eta a) d_2}{2 - \eta a} \text{ after the first}",
    words="In the same order again and again, at one η, SGD on two parabolas ends in a cycle: after each example it is nearer to that one. The cycle shrinks with η.",
    assumptions=["0 < ηa < 2; with q = 1 − ηa"],
    method="recurrence of an epoch of the optimizer's rule, solved by sympy; where it goes, with a power of q² that goes to 0",
    runs=[SGD.update],
)
def a_cycle() -> list[Finding]:
    left = sympy.Symbol("q", real=True)  # 1 − ηa: what a step leaves of an error
    curve = (1 - left) / eta
    (first,) = SGD_STEP(w, curve, c, eta)
    (second,) = SGD_STEP(first, curve, d, eta)
    k = sympy.Symbol("k", integer=True, nonnegative=True)
    y, start = sympy.Function("y"), sympy.Symbol("W0", real=True)
    factor, rest = (sympy.factor(e) for e in (sympy.diff(second, w), second.subs(w, 0)))
    solved = sympy.rsolve(y(k + 1) - factor * y(k) - rest, y(k), {y(0): start})
    (ends,) = sympy.solve(second - w, w)
    (between,) = SGD_STEP(ends, curve, c, eta)
    return [
        Finding(
            "after k epochs: what is left of the start goes with (1 − ηa)²ᵏ",
            equation("O28d", solved, ends + left ** (2 * k) * (start - ends), ran=[SGD_STEP]),
        ),
        Finding(
            "the two points of the cycle",
            equation(
                "O28d",
                {"after the second": ends, "after the first": between},
                {
                    "after the second": (d + left * c) / (1 + left),
                    "after the first": (c + left * d) / (1 + left),
                },
                ran=[SGD_STEP],
            ),
        ),
        Finding(
            "how far it swings",
            equation("O28d", ends - between, (1 - left) * (d - c) / (1 + left), ran=[SGD_STEP]),
            r"\frac{\eta a (d_2 - d_1)}{2 - \eta a}",
        ),
    ]


def _coupled(u: Any, v: Any, p: Any, q: Any, d: Any) -> Any:
    """The divergence of one example on two weights: ½ (pu + qv − d)²."""
    return (p * u + q * v - d) * (p * u + q * v - d) / 2


def _coupled_step(u: Any, v: Any, p: Any, q: Any, d: Any, eta: Any) -> tuple[Any, Any]:
    gu, gv = ag.grad(_coupled, (0, 1))(u, v, p, q, d)
    return descend(u, gu, eta), descend(v, gv, eta)


COUPLED, COUPLED_STEP = OnSymbols(_coupled), OnSymbols(_coupled_step)


@erratum(
    "X48",
    "ASSUME",
    slide="Mini Batches",
    formula=r"\mathrm{E}[\mathrm{BatchErr}(f(X; W), g(X))] = \mathrm{E}[\mathrm{div}(f(X; W), g(X))]",
    words="The batch error is an unbiased estimate of the expected error only while W does not depend on the batch. After a step on it, it is too low, as a training error is.",
    assumptions=["after a step: two examples, equally likely, batches of one"],
    method="the mean over all draws, of divergences at weights before and after the optimizer's step; at numbers, and "
    "for two coupled weights in rationals",
    runs=[SGD.update, ag.grad, ag.mean],
)
def the_batch_one_learned_from() -> Erratum:
    def expected(of: Any) -> sympy.Expr:
        return sum(ERROR(of, a, t)[0] for t in (c, d)) / 2

    def after(t: sympy.Expr) -> sympy.Expr:
        return SGD_STEP(w, a, t, eta)[0]

    three = (c, d, sympy.Symbol("d3", real=True))
    pairs = list(itertools.combinations(three, 2))
    drawn = sum(BATCH(w, a, *pair)[0] for pair in pairs) / len(pairs)
    own = sum(ERROR(after(t), a, t)[0] for t in (c, d)) / 2
    new = sum(ERROR(after(t), a, s)[0] for t in (c, d) for s in (c, d)) / 4
    true = sum(expected(after(t)) for t in (c, d)) / 2
    at = {w: 0, a: 1, c: -1, d: 1, eta: sympy.Rational(1, 2)}
    ran = [ERROR, SGD_STEP]
    r = sympy.Rational
    examples = [(1, r(1, 2), 2), (r(-1, 3), 1, r(3, 4))]  # p, q, d
    moved = [COUPLED_STEP(1, r(1, 2), *e, r(1, 4)) for e in examples]
    two_own = sum(COUPLED(*m, *e)[0] for m, e in zip(moved, examples, strict=True)) / 2
    two_true = sum(COUPLED(*m, *e)[0] for m in moved for e in examples) / 4
    coupled = equation("X48", two_own, two_true, ran=[COUPLED, COUPLED_STEP])
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "at weights that were there before the batch: two of three examples, all draws alike",
                equation("X48", drawn, BATCH(w, a, *three)[0], ran=[BATCH]),
            ),
            Finding(
                "at the weights after a step on it",
                equation("X48", own, true, ran=ran, at=at),
            ),
            Finding("and with two coupled weights, in rationals", coupled),
        ),
        correction=(
            Finding(
                "the error of a second batch, drawn anew, is unbiased after the step too",
                equation("X48", new, true, ran=ran),
                r"\mathrm{E}_{t, s}[\mathrm{div}_s(W_t)] = \mathrm{E}_t[\mathrm{Err}(W_t)]",
            ),
            Finding(
                "by how much its own error is too low",
                equation("X48", true - own, eta * a**2 * (c - d) ** 2 / 4, ran=ran),
                r"\frac{1}{4} \eta a^2 (d_1 - d_2)^2",
            ),
        ),
        source="an assumption: that W was there before the batch",
    )
