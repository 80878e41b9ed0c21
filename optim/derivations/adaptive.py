"""Adam."""

from __future__ import annotations

from typing import Any

import sympy

from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.adam import Adam
from .steps import landed, steps_of

ADAM = "ADAM: RMSprop with momentum"

w, g, m, v, eta = sympy.symbols("w g m v eta", real=True)
lam = sympy.Symbol("lambda", real=True)
delta, gamma, eps = sympy.symbols("delta gamma epsilon", positive=True)
k = sympy.Symbol("k", integer=True, positive=True)


def _update(w: Any, g: Any, m: Any, v: Any, k: Any, eta: Any, d: Any, gamma: Any, eps: Any) -> Any:
    return Adam.update(
        w, g, m, v, step=k, lr=eta, delta=d, gamma=gamma, eps=eps,
        weight_decay=None, epsilon="inside", decoupled=False,
    )  # fmt: skip


STEP = OnSymbols(_update)


def moments() -> tuple[sympy.Expr, sympy.Expr]:
    """m and v after k of the optimizer's steps under one and the same gradient, by sympy."""
    _, m1, v1 = STEP(w, g, m, v, k, eta, delta, gamma, eps)
    y = sympy.Function("y")
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    solved = (
        sympy.rsolve(y(n + 1) - following.subs(slot, y(n)), y(n), {y(0): 0}).subs(n, k)
        for following, slot in ((m1, m), (v1, v))
    )
    first, second = solved
    return first, second


@erratum(
    "X1",
    "INDEX",
    slide=ADAM,
    formula=r"m_k = \hat{m}_k + (1 - \delta)(\partial_w D)_k, \quad v_k = \hat{v}_k + (1 - \gamma)(\partial_w^2 D)_k, \quad \hat{m}_k = \frac{m}{1 - \delta^k}, \quad \hat{v}_k = \frac{v_k}{1 - \gamma^k}",
    words="The running means are printed in terms of their own corrected values, which is circular; the means of the step before are meant, with weights δ and γ.",
    assumptions=["the first m and v are 0"],
    method="m̂ is to be g when every gradient is g: each reading at the slide's δ = 0.9, and the "
    "recurrence of the optimizer's rule as sympy solves it, against that",
    runs=[Adam.update],
)
def moments_in_circles() -> Erratum:
    assumed = ["a constant gradient g"]
    typical = {delta: sympy.Rational(9, 10), g: 1}
    hat = 1 - delta**k
    circular = sympy.Symbol("m_k", real=True)
    (solved,) = sympy.solve(circular - circular / hat - (1 - delta) * g, circular)

    def corrected(steps: int, keep: Any) -> sympy.Expr:
        """m̂ after steps of m ← kept + (1 − δ) g."""
        value = sympy.Integer(0)
        for n in range(steps):
            value = keep(value, n) + (1 - delta) * g
        return value / (1 - delta**steps)

    def uncorrected(value: sympy.Expr, n: int) -> sympy.Expr:
        return value / (1 - delta**n) if n else value

    first, second = moments()
    after, m1, v1 = STEP(w, g, m, v, k, eta, delta, gamma, eps)
    root = sympy.sqrt(v1 / (1 - gamma**k) + eps)
    return Erratum(
        "INDEX",
        readings=(
            Finding(
                "as printed: an equation for m, solved. Its weight is negative: the step climbs",
                equation("circular", solved / hat, g, given=assumed, at={**typical, k: 1}),
                r"m_k = -(1 - \delta) \frac{1 - \delta^k}{\delta^k} g",
            ),
            Finding(
                "the corrected mean of the step before",
                equation(
                    "corrected before", corrected(2, uncorrected), g, given=assumed, at=typical
                ),
                r"m_k = \hat{m}_{k-1} + (1 - \delta) g",
            ),
            Finding(
                "the mean of the step before, without a weight",
                equation(
                    "unweighted", corrected(2, lambda value, n: value), g, given=assumed, at=typical
                ),
                r"m_k = m_{k-1} + (1 - \delta) g",
            ),
        ),
        correction=(
            Finding(
                "the optimizer's rule: m̂ = g after any number of steps, and v̂ = g²",
                equation(
                    "unbiased",
                    {"m": first / hat, "v": second / (1 - gamma**k)},
                    {"m": g, "v": g**2},
                    ran=[STEP],
                    given=assumed,
                ),
                r"m_k = \delta m_{k-1} + (1 - \delta) g_k, \quad v_k = \gamma v_{k-1} + (1 - \gamma) g_k^2",
            ),
            Finding(
                "the optimizer's step is along m̂, over the root of v̂, for any gradient",
                equation("step", after, w - eta / root * (m1 / hat), ran=[STEP]),
                r"w_{k+1} = w_k - \frac{\eta}{\sqrt{\hat{v}_k + \varepsilon}} \hat{m}_k, \quad \hat{m}_k = \frac{m_k}{1 - \delta^k}",
            ),
        ),
        source="typesetting: δ m₍ₖ₋₁₎ read as a letter with a hat",
    )


@claim(
    "O31",
    slide=derived(ADAM),
    formula=r"w_{1} = w_{0} - \frac{\eta \, g}{\sqrt{g^2 + \varepsilon}} \quad \text{or} \quad w_{0} - \frac{\eta \, g}{|g| + \varepsilon}",
    words="Adam's first step is as long as η for every g, but for ε inside or outside of the root; weight decay is a part of g, or, decoupled, shrinks the weight by 1 − ηλ.",
    assumptions=["g > 0 and h > 0 are the gradients of the first and the second step"],
    method="two of the optimizer's own steps with each of its options, against the recursion written out; "
    "three steps on floats, where every one is exactly 3",
    runs=[Adam.update],
)
def options() -> list[Finding]:
    numbers = {"lr": eta, "delta": delta, "gamma": gamma, "eps": eps, "weight_decay": lam}
    up, next_up = sympy.symbols("g h", positive=True)

    def written(outside: bool, gradients: Any, decayed: Any = None, decoupled: bool = False) -> Any:
        """W, from the corrected recursion."""
        here, m, v = w, sympy.Integer(0), sympy.Integer(0)
        for k, g in enumerate(gradients, 1):
            g = g if decayed is None or decoupled else g + decayed * here
            m, v = delta * m + (1 - delta) * g, gamma * v + (1 - gamma) * g**2
            hat, square = m / (1 - delta**k), v / (1 - gamma**k)
            root = sympy.sqrt(square) + eps if outside else sympy.sqrt(square + eps)
            here = (here if not decoupled else (1 - eta * decayed) * here) - eta / root * hat
        return here

    def option(name: str, expected: Any, count: int = 2, **made: Any) -> Finding:
        ran = steps_of(Adam, numbers, lr=0.5, delta=0.5, gamma=0.25, eps=0.5, **made)
        computed = ran(w, *(up, next_up)[:count])[0]
        return Finding(name, equation("Adam", computed, expected, ran=[ran]))

    both = (up, next_up)
    exact = landed(Adam, [3, 3, 3], lr=5.0, delta=0.5, gamma=0.5, eps=16.0)
    return [
        option("the first step", w - eta * up / sympy.sqrt(up**2 + eps), 1),
        option("the first step, ε outside", w - eta * up / (up + eps), 1, epsilon="outside"),
        option("two steps", written(False, both)),
        option("ε outside", written(True, both), epsilon="outside"),
        option("weight decay", written(False, both, lam), weight_decay=0.5),
        option(
            "decoupled weight decay: AdamW",
            written(False, both, lam, True),
            weight_decay=0.5,
            decoupled=True,
        ),
        Finding("on floats: g = 3, ε = 16, η = 5", equation("floats", exact, -9)),
    ]
