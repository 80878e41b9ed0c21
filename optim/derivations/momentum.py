"""Momentum and Nesterov's accelerated gradient."""

from __future__ import annotations

from typing import Any

import sympy

from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.sgd import SGD
from .steps import landed, steps_of

NESTEROV = "Nestorov's Accelerated Gradient"

w, v, g, h, a, eta, beta = sympy.symbols("W Delta g h a eta beta", real=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)
TYPICAL = {w: 1, a: 1, eta: sympy.Rational(1, 10), beta: sympy.Rational(9, 10)}


def _rule(nesterov: bool) -> OnSymbols:
    def update(w: Any, v: Any, g: Any, eta: Any, beta: Any) -> Any:
        return SGD.update(
            w, g, v, step=1, lr=eta, momentum=beta, nesterov=nesterov, weight_decay=None
        )

    return OnSymbols(update)


MOMENTUM, LOOK_AHEAD = _rule(False), _rule(True)


@claim(
    "O25",
    slide="Momentum Update",
    formula=r"\Delta W^{(k)} = \beta \Delta W^{(k-1)} - \eta \nabla_W \mathrm{Err}(W^{(k-1)}), \quad W^{(k)} = W^{(k-1)} + \Delta W^{(k)}",
    words="The momentum recursion is right as printed, its index included; under a constant gradient g the step grows to ηg/(1 − β).",
    assumptions=["the first velocity is 0"],
    method="the optimizer's rule against the printed recursion; its recurrence, solved by sympy",
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
        ),
        correction=(
            Finding(
                "ΔW = 0 before the loop",
                equation("momentum", passes(False), momentum, ran=[MOMENTUM]),
                r"\Delta W = 0, \quad \text{Do: } \Delta W = \beta \Delta W - \eta \nabla_W \mathrm{Err}, \quad W = W + \Delta W",
            ),
            Finding(
                "as printed it is plain gradient descent",
                equation("plain", passes(True), w - eta * g - eta * h, ran=[MOMENTUM]),
            ),
        ),
        source="transcription of a procedure",
    )
