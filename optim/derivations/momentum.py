"""Momentum and Nesterov's accelerated gradient."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.sgd import SGD
from .several_weights import SLOPES
from .steps import landed, steps_of

NESTEROV = "Nestorov's Accelerated Gradient"

w, v, g, h, a, eta, beta = sympy.symbols("W Delta g h a eta beta", real=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)
TYPICAL = {w: 1, a: 1, eta: sympy.Rational(1, 10), beta: sympy.Rational(9, 10)}


JURY = "Jury's criterion: both roots of z² − tz + d lie inside of the unit circle if and only if 1 − t + d > 0, 1 + t + d > 0 and d < 1"


def _rule(nesterov: bool, place: str = "inside") -> OnSymbols:
    def update(w: Any, v: Any, g: Any, eta: Any, beta: Any) -> Any:
        return SGD.update(
            w, g, v, step=1, lr=eta, momentum=beta, nesterov=nesterov, weight_decay=None, eta=place
        )

    return OnSymbols(update)


MOMENTUM, LOOK_AHEAD = _rule(False), _rule(True)
MOMENTUM_OUTSIDE, LOOK_AHEAD_OUTSIDE = _rule(False, "outside"), _rule(True, "outside")


def _polynomial(rule: OnSymbols) -> tuple[sympy.Expr, sympy.Expr]:
    """Trace and determinant of a step on a parabola of curvature a, from (W, ΔW) to (W, ΔW)."""
    after = sympy.Matrix(rule(w, v, a * w, eta, beta))
    step = after.jacobian([w, v])
    return sympy.expand(step.trace()), sympy.expand(step.det())


def _jury(rule: OnSymbols) -> dict[str, sympy.Expr]:
    """What has to be positive."""
    t, d = _polynomial(rule)
    return {"at 1": 1 - t + d, "at -1": 1 + t + d, "product": 1 - d}


# Two coupled weights, on which procedures are run: E = ½ wᵀAw.
COUPLED = {"a": 2, "b": 1, "c": 3}
START = (sympy.Integer(1), sympy.Integer(-2))
RATE, SHARE = sympy.Rational(1, 4), sympy.Rational(1, 2)


def _run(steps: int, ahead: bool = False, wiped: bool = False) -> dict[str, sympy.Expr]:
    """The procedure on the coupled weights: the engine's gradient, and the optimizer's rule on each of them."""
    here, moving = list(START), [sympy.Integer(0), sympy.Integer(0)]
    for _ in range(steps):
        moving = [sympy.Integer(0)] * 2 if wiped else moving
        place = [x + SHARE * m if ahead else x for x, m in zip(here, moving, strict=True)]
        slopes = SLOPES(*place, *COUPLED.values())
        after = [
            MOMENTUM(x, m, slope, RATE, SHARE)
            for x, m, slope in zip(here, moving, slopes, strict=True)
        ]
        here, moving = [x for x, _ in after], [m for _, m in after]
    return dict(zip("xy", here, strict=True))


def _published(steps: int, ahead: bool) -> dict[str, sympy.Expr]:
    """The same in one variable, by matrices: Polyak's heavy ball, and Nesterov's method."""
    a, b, c = COUPLED.values()
    matrix, here = sympy.Matrix([[a, b], [b, c]]), sympy.Matrix(START)
    before = here
    for _ in range(steps):
        far = here + SHARE * (here - before)
        before, here = here, far - RATE * matrix * (far if ahead else here)
    return dict(zip("xy", here, strict=True))


@claim(
    "O25",
    slide="Momentum Update",
    formula=r"\Delta W^{(k)} = \beta \Delta W^{(k-1)} - \eta \nabla_W \mathrm{Err}(W^{(k-1)}), \quad W^{(k)} = W^{(k-1)} + \Delta W^{(k)}",
    words="Momentum is right as printed; under gradients g the step grows to ηg/(1 − β), under ±g it shrinks to ηg/(1 + β); on a parabola it converges iff 0 < ηa < 2(1 + β).",
    assumptions=["the first velocity is 0"],
    method="the optimizer's rule against the printed recursion; its recurrence, solved by sympy; Jury's "
    "criterion on the polynomial of a step",
    runs=[SGD.update],
)
def recursion() -> list[Finding]:
    # g is the gradient at W^(k-1), where the parameters are when the rule is called.
    moved, velocity = MOMENTUM(w, v, g, eta, beta)
    steps = steps_of(SGD, {"lr": eta, "momentum": beta}, lr=0.5, momentum=0.5)
    printed = beta * v - eta * g
    y = sympy.Function("y")
    following = velocity.subs(v, y(k))
    solved = sympy.rsolve(y(k + 1) - following, y(k), {y(0): 0})
    t = sympy.Symbol("t", positive=True)  # β = 1/(1 + t), between 0 and 1
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    swinging = velocity.subs({v: y(k), g: (-1) ** k * g}, simultaneous=True)
    swings = sympy.rsolve(y(k + 1) - swinging, y(k), {y(0): 0})
    limit = sympy.limit(solved.subs(beta, 1 / (1 + t)), k, sympy.oo)
    return [
        Finding(
            "as printed",
            equation(
                "momentum",
                {"Delta": velocity, "W": moved},
                {"Delta": printed, "W": w + printed},
                ran=[MOMENTUM],
            ),
        ),
        Finding(
            "constant gradient, after k steps",
            equation(
                "geometric sum",
                solved,
                -eta * g * (1 - beta**k) / (1 - beta),
                ran=[MOMENTUM],
                given=["a constant gradient g"],
            ),
            r"\Delta W^{(k)} = -\eta g \frac{1 - \beta^k}{1 - \beta}",
        ),
        Finding(
            "constant gradient, in the limit",
            equation(
                "limit",
                limit,
                -eta * g / (1 - 1 / (1 + t)),
                ran=[MOMENTUM],
                given=["a constant gradient g", "β = 1/(1 + t)"],
            ),
            r"\Delta W^{(k)} \to -\frac{\eta g}{1 - \beta}",
        ),
        Finding(
            "gradients that alternate in sign",
            equation(
                "alternating",
                swings,
                eta * g * ((-1) ** k - beta**k) / (1 + beta),
                ran=[MOMENTUM],
                given=["gradients g, −g, g, …"],
            ),
            r"\Delta W^{(k)} = \eta g \frac{(-1)^k - \beta^k}{1 + \beta}",
        ),
        Finding(
            "in the limit of an odd number of them",
            equation(
                "limit of alternating",
                sympy.limit(swings.subs(k, 2 * n + 1).subs(beta, 1 / (1 + t)), n, sympy.oo),
                -eta * g / (1 + 1 / (1 + t)),
                ran=[MOMENTUM],
                given=["gradients g, −g, g, …", "β = 1/(1 + t)"],
            ),
            r"|\Delta W^{(k)}| \to \frac{\eta g}{1 + \beta}",
        ),
        Finding(
            "on a parabola: what has to be positive is ηa, 2(1 + β) − ηa and 1 − β",
            equation(
                "stable",
                _jury(MOMENTUM),
                {"at 1": eta * a, "at -1": 2 * (1 + beta) - eta * a, "product": 1 - beta},
                ran=[MOMENTUM],
                given=[JURY],
            ),
            r"0 < \eta a < 2 (1 + \beta)",
        ),
        Finding(
            "two of the optimizer's own steps",
            equation(
                "steps",
                steps(w, g, h)[0],
                w - eta * g + beta * (-eta * g) - eta * h,
                ran=[steps],
            ),
        ),
        Finding(
            "on floats, from 0, with η = 2, β = ½ and gradients 1, 1, 1: −2, −5, −8½",
            equation(
                "floats", landed(SGD, [1, 1, 1], lr=2.0, momentum=0.5), sympy.Rational(-17, 2)
            ),
        ),
    ]


@erratum(
    "X3",
    "INDEX",
    slide=NESTEROV,
    formula=r"\Delta W^{(k)} = \beta \Delta W^{(k-1)} - \eta \nabla_W \mathrm{Err}(W^{(k)} + \beta \Delta W^{(k-1)}), \quad W^{(k)} = W^{(k-1)} + \Delta W^{(k)}",
    words="The gradient is taken at W⁽ᵏ⁾ + βΔW⁽ᵏ⁻¹⁾, which needs the result of the very step; the method extends W⁽ᵏ⁻¹⁾.",
    method="two steps on Err = ½ a W² from rest: each reading against Nesterov's published method, "
    "y = x + β(x − x'), x = y' − η∇Err(y')",
    runs=[SGD.update],
)
def nesterov() -> Erratum:
    new = sympy.Symbol("new", real=True)

    def published(steps: int) -> sympy.Expr:
        before, at = w, w
        for _ in range(steps):
            after = at - eta * a * at
            at = after + beta * (after - before)
            before = after
        return before

    def followed(place: Any, steps: int) -> sympy.Expr:
        """W after steps of the slide's recursion; ``place`` is where the gradient is taken."""
        here, velocity = w, sympy.Integer(0)
        for _ in range(steps):
            step = beta * velocity - eta * a * place(here, velocity, here + new)
            (velocity,) = sympy.solve(new - step, new)
            here = here + velocity
        return here

    def differs(name: str, place: Any, steps: int) -> Any:
        return equation(name, followed(place, steps), published(steps), at=TYPICAL)

    corrected = followed(lambda old, v, _: old + beta * v, 2)
    # The library keeps the point where the gradient is taken: θ = W + βΔ.
    theta, velocity = LOOK_AHEAD(w + beta * v, v, g, eta, beta)
    step = beta * v - eta * g
    return Erratum(
        "INDEX",
        readings=(
            Finding(
                "as printed: an equation for the step, solved",
                differs("implicit", lambda _, v, new: new + beta * v, 1),
                r"\Delta W^{(k)} = \frac{\beta \Delta W^{(k-1)} - \eta a (W^{(k-1)} + \beta \Delta W^{(k-1)})}{1 + \eta a}",
            ),
            Finding(
                "the first W⁽ᵏ⁾ as the point already extended, so that it is extended twice",
                differs("twice", lambda old, v, _: old + 2 * beta * v, 2),
                r"\nabla_W \mathrm{Err}(W^{(k-1)} + 2 \beta \Delta W^{(k-1)})",
            ),
        ),
        correction=(
            Finding(
                "gradient at W⁽ᵏ⁻¹⁾ + βΔW⁽ᵏ⁻¹⁾: Nesterov's method",
                equation("published", corrected, published(2)),
                r"\Delta W^{(k)} = \beta \Delta W^{(k-1)} - \eta \nabla_W \mathrm{Err}(W^{(k-1)} + \beta \Delta W^{(k-1)})",
            ),
            Finding(
                "four steps of it on two coupled weights, in rational numbers: Nesterov's method",
                equation(
                    "coupled", _run(4, ahead=True), _published(4, True), ran=[MOMENTUM, SLOPES]
                ),
            ),
            Finding(
                "the optimizer's rule, which keeps θ = W + βΔW: the same, for any gradient",
                equation(
                    "library",
                    {"Delta": velocity, "theta": theta},
                    {"Delta": step, "theta": w + step + beta * step},
                    ran=[LOOK_AHEAD],
                ),
            ),
        ),
        source="mathematics (an index)",
    )


@erratum(
    "X26",
    "MATH",
    slide="Training with momentum",
    formula=r"\text{Do: } \Delta W = 0, \quad \Delta W = \beta \Delta W - \eta \nabla_W \mathrm{Err}, \quad W = W + \Delta W",
    words="ΔW = 0 stands inside the loop, so that every pass forgets the velocity: plain gradient descent for every β.",
    assumptions=["g and h are the gradients of the first and the second pass"],
    method="two passes of the procedure by the optimizer's rule, against two steps of [Momentum Update]",
    runs=[SGD.update],
)
def wiped_velocity() -> Erratum:
    def passes(wiped: bool) -> sympy.Expr:
        here, velocity = MOMENTUM(w, 0, g, eta, beta)
        here, _ = MOMENTUM(here, 0 if wiped else velocity, h, eta, beta)
        return here

    first = -eta * g
    momentum = w + first + beta * first - eta * h
    return Erratum(
        "MATH",
        readings=(
            Finding(
                "as printed",
                equation(
                    "momentum", passes(True), momentum, ran=[MOMENTUM], at={**TYPICAL, g: 1, h: 1}
                ),
            ),
            Finding(
                "as printed, on two coupled weights",
                equation(
                    "coupled", _run(4, wiped=True), _published(4, False), ran=[MOMENTUM, SLOPES]
                ),
            ),
        ),
        correction=(
            Finding(
                "ΔW = 0 before the loop",
                equation("momentum", passes(False), momentum, ran=[MOMENTUM]),
                r"\Delta W = 0, \quad \text{Do: } \Delta W = \beta \Delta W - \eta \nabla_W \mathrm{Err}, \quad W = W + \Delta W",
            ),
            Finding(
                "four passes on two coupled weights, in rational numbers: Polyak's heavy ball",
                equation("coupled", _run(4), _published(4, False), ran=[MOMENTUM, SLOPES]),
            ),
            Finding(
                "as printed it is plain gradient descent",
                equation("plain", passes(True), w - eta * g - eta * h, ran=[MOMENTUM]),
            ),
        ),
        source="transcription of a procedure",
    )


@claim(
    "X3b",
    slide=derived(NESTEROV),
    formula=r"\theta^{(k)} = W^{(k)} + \beta \Delta W^{(k)}: \quad \theta^{(k)} = \theta^{(k-1)} + \beta \Delta W^{(k)} - \eta \nabla_W \mathrm{Err}(\theta^{(k-1)})",
    words="The slides' Nesterov, corrected, and the form without a look ahead are the same run under a change of variable; η inside or outside of the velocity is the same while it is constant.",
    assumptions=["g is the gradient at W + βΔW, whatever the function"],
    method="a step of momentum with that gradient, in the new variable, against a step of the other form; "
    "the optimizer's own steps, with its look ahead, from rest",
    runs=[SGD.update, SGD.look_ahead],
)
def change_of_variable() -> list[Finding]:
    after, velocity = MOMENTUM(w, v, g, eta, beta)
    theta, kept = LOOK_AHEAD(w + beta * v, v, g, eta, beta)
    slides = Fraction(1), Fraction(0)
    ahead, without = (_descended(kind, 3) for kind in ("look ahead", "nesterov"))
    for _ in range(3):
        here, moving = slides
        moving = moving / 2 - (here + moving / 2) / 4
        slides = here + moving, moving
    findings = [
        Finding(
            "one step, from any W and ΔW: so any number, and both start at W with ΔW = 0",
            equation(
                "change of variable",
                {"theta": theta, "Delta": kept},
                {"theta": after + beta * velocity, "Delta": velocity},
                ran=[MOMENTUM, LOOK_AHEAD],
            ),
        ),
        Finding(
            "on floats: three steps of the optimizer on ½W² from 1, at η = ¼, β = ½",
            equation(
                "floats",
                {"look ahead": ahead[0], "without": without[0] - without[1] / 2},
                dict.fromkeys(("look ahead", "without"), sympy.Rational(slides[0])),
            ),
        ),
    ]
    for words, inside, outside in (
        ("momentum", MOMENTUM, MOMENTUM_OUTSIDE),
        ("Nesterov", LOOK_AHEAD, LOOK_AHEAD_OUTSIDE),
    ):
        slide, pytorch = inside(w, -eta * v, g, eta, beta), outside(w, v, g, eta, beta)
        findings.append(
            Finding(
                f"{words} with η outside of the velocity: ΔW = −ηv",
                equation(
                    "outside",
                    {"W": pytorch[0], "Delta": -eta * pytorch[1]},
                    {"W": slide[0], "Delta": slide[1]},
                    ran=[inside, outside],
                ),
                r"v^{(k)} = \beta v^{(k-1)} + g, \quad W^{(k)} = W^{(k-1)} - \eta v^{(k)}",
            )
        )
    return findings


def _descended(how: str, steps: int) -> tuple[sympy.Rational, sympy.Rational]:
    """Where the optimizer takes a weight of 1 down ½W², and its velocity; exactly."""
    weight = ag.tensor(np.float64(1.0), requires_grad=True)
    optimizer = SGD([weight], lr=0.25, momentum=0.5, nesterov=how == "nesterov")
    for _ in range(steps):
        optimizer.zero_grad()
        with optimizer.look_ahead() if how == "look ahead" else contextlib.nullcontext():
            (weight * weight / 2).backward()
        optimizer.step()
    at = weight.item(), float(optimizer.slots_of(weight)["velocity"])
    first, second = (sympy.Rational(*number.as_integer_ratio()) for number in at)
    return first, second


@claim(
    "O26",
    slide=derived(NESTEROV),
    formula=r"e_k = (1 + \beta)(1 - \eta a) e_{k-1} - \beta (1 - \eta a) e_{k-2}, \quad 0 < \eta a < \frac{2 (1 + \beta)}{1 + 2 \beta}",
    words="Nesterov's method on a parabola is this recursion; it converges iff 0 < ηa < 2(1 + β)/(1 + 2β).",
    assumptions=["Err = ½ a W², a > 0", "0 ≤ β < 1", "the index corrected (X3)"],
    method="two steps of the optimizer's rule, and Jury's criterion on the polynomial of a step",
    runs=[SGD.update],
)
def accelerated() -> list[Finding]:
    once = LOOK_AHEAD(w, v, a * w, eta, beta)
    again = LOOK_AHEAD(once[0], once[1], a * once[0], eta, beta)
    factor = 1 - eta * a
    return [
        Finding(
            "three points in a row, from any W and ΔW",
            equation(
                "recursion",
                again[0],
                (1 + beta) * factor * once[0] - beta * factor * w,
                ran=[LOOK_AHEAD],
            ),
        ),
        Finding(
            "what has to be positive is ηa, 2(1 + β) − (1 + 2β)ηa and 1 − β + βηa",
            equation(
                "stable",
                _jury(LOOK_AHEAD),
                {
                    "at 1": eta * a,
                    "at -1": 2 * (1 + beta) - (1 + 2 * beta) * eta * a,
                    "product": 1 - beta + beta * eta * a,
                },
                ran=[LOOK_AHEAD],
                given=[JURY],
            ),
        ),
    ]


@erratum(
    "X37",
    "CLAIM",
    slide="Momentum update",
    formula=r"\text{The procedure can be made more optimal by reversing the order of operations}",
    words="Nesterov's order damps swings better, but allows smaller learning rates: at ηa = 2, β = 0.9 momentum converges and Nesterov's method does not.",
    assumptions=["Err = ½ a W², a > 0", "0 ≤ β < 1"],
    method="what Jury's criterion asks of the optimizer's two rules, at that point and in general; 2 and 1.8 "
    "lie between the borders of the two",
    runs=[SGD.update],
)
def not_always_more() -> Erratum:
    s, t = sympy.symbols("s t", positive=True)
    b = 1 / (1 + t)  # between 0 and 1
    x = s / (1 + s)
    one, other = _jury(MOMENTUM), _jury(LOOK_AHEAD)

    def stable(jury: dict[str, sympy.Expr], values: Any) -> dict[str, sympy.Expr]:
        """1 for each that is positive, else 0."""
        return {name: Step(e.subs(values)) for name, e in jury.items()}

    yes = dict.fromkeys(one, 1)
    point = {eta: 2, a: 1, beta: sympy.Rational(9, 10)}
    inside = {eta: x, a: 1, beta: b}
    largest = {"momentum": one["at -1"], "nesterov": other["at -1"]}
    border = {name: sympy.solve(e.subs(a, 1), eta)[0].subs(beta, b) for name, e in largest.items()}
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "where momentum converges, Nesterov's method does: at ηa = 2, β = 0.9",
                equation("at -1", Step(other["at -1"]), 1, ran=[LOOK_AHEAD], at=point),
            ),
            Finding(
                "swings are damped better, for 0 < ηa < 1: the product of the two roots is smaller",
                equation(
                    "damped",
                    Step((other["product"] - one["product"]).subs(inside)),
                    1,
                    ran=[MOMENTUM, LOOK_AHEAD],
                ),
            ),
        ),
        correction=(
            Finding(
                "at ηa = 2, β = 0.9 momentum converges",
                equation("stable", stable(one, point), yes, ran=[MOMENTUM], given=[JURY]),
            ),
            Finding(
                "its range is the larger one, for every β",
                equation(
                    "ranges",
                    Step(border["momentum"] - border["nesterov"]),
                    1,
                    ran=[MOMENTUM, LOOK_AHEAD],
                    given=[JURY],
                ),
                r"\frac{2 (1 + \beta)}{1 + 2 \beta} < 2 (1 + \beta)",
            ),
        ),
        source="a heuristic",
    )
