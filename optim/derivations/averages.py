"""Averages of weights: what they are, and what averaging does to the noise of SGD."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.claims import Finding, claim, derived
from autograd_core.symbolic.equations import OnSymbols, equation

from ..transforms.average import Average
from .quadratic import descend, parabola

SGD_CONVERGENCE = "SGD Convergence"

w, mean, a, eta, rho, xi = sympy.symbols("w m a eta rho xi", real=True)
n = sympy.Symbol("n", integer=True, positive=True)
k = sympy.Symbol("k", integer=True, positive=True)
t, sigma = sympy.symbols("t sigma", positive=True)


def _averaged(form: str, start: int = 0, every: int = 1) -> OnSymbols:
    """The average after a step that leads to w: ``(w, average, step, ρ) -> average``."""

    def update(w: Any, average: Any, step: Any, rho: Any) -> Any:
        return Average.update(
            lambda theta, g: theta, w, 0 * w, average, step=step, decay=rho, form=form, start=start,
            every=every,
        )[1]  # fmt: skip

    return OnSymbols(update)


UNIFORM, EXPONENTIAL = _averaged("uniform"), _averaged("exponential")


def _step(w: Any, average: Any, step: Any, a: Any, eta: Any, xi: Any) -> Any:
    """A step of SGD on ½ a w² with noise ξ in its gradient, and the average of where it leads."""
    slope = ag.grad(parabola)(w, a, 0, 0) + xi
    return Average.update(
        lambda theta, g: descend(theta, g, eta), w, slope, average, step=step, decay=0, form="uniform",
        start=0, every=1,
    )  # fmt: skip


STEP = OnSymbols(_step)


@claim(
    "O20b",
    slide=derived(SGD_CONVERGENCE),
    formula=r"\bar{w}_n = \frac{1}{n} \sum_{k=1}^{n} w_k, \quad \bar{w}_n = \frac{\sum_k \rho^{n-k} w_k}{\sum_k \rho^{n-k}}",
    words="The averages that are kept are means of all weights that were met: with equal shares, or with shares that fall by ρ a step, which add up to 1 from the first step on.",
    assumptions=["ρ ≠ 1"],
    method="the transform's own update: n (Σ of shares) times the new average is what it was before, with the newest "
    "weight added; the sum of shares by sympy",
    runs=[Average.update],
)
def means() -> list[Finding]:
    (uniform,) = UNIFORM(w, mean, n, rho)
    (running,) = EXPONENTIAL(w, mean, n, rho)
    shares = sympy.Function("s")
    # s_n = ρ s_{n−1} + 1, s_0 = 0: what the weights' shares add up to.
    total = sympy.rsolve(shares(n + 1) - rho * shares(n) - 1, shares(n), {shares(0): 0})
    before = total.subs(n, n - 1)
    return [
        Finding("equal shares: n w̄_n = (n − 1) w̄_{n−1} + w_n", equation("O20b", n * uniform, (n - 1) * mean + w, ran=[UNIFORM])),
        Finding("falling shares: s_n w̄_n = ρ s_{n−1} w̄_{n−1} + w_n", equation("O20b", total * running, rho * before * mean + w, ran=[EXPONENTIAL])),
        Finding("the first average is the first weight", equation("O20b", {"1": UNIFORM(w, mean, 1, rho)[0], "2": EXPONENTIAL(w, mean, 1, rho)[0]}, {"1": w, "2": w}, ran=[UNIFORM, EXPONENTIAL])),
    ]  # fmt: skip


@claim(
    "O21b",
    slide=derived(SGD_CONVERGENCE),
    formula=r"E[\bar{w}_n^2] = \frac{\sigma^2}{n^2 a^2} \sum_{m=1}^{n} (1 - q^m)^2 \to \frac{\sigma^2}{n a^2}, \quad q = 1 - \eta a",
    words="On a quadratic with independent noise in its slope, the mean of the weights of SGD with a constant η comes as near as the best decaying one, σ²/(a²n), whatever η is, while the last weight stalls at ησ²/(a(2 − ηa)).",
    assumptions=[
        "E = ½ a w², start at the optimum",
        "noise of mean 0 and variance σ², independent",
        "0 < ηa < 1 for the limit",
    ],
    method="the optimizer's rule and the transform's, run for n = 1 … 5 on symbols of the noise: the squares of their "
    "factors, against the closed sum, which holds for every n by induction; its limit by sympy",
    runs=[Average.update],
)
def averaging_takes_the_noise() -> list[Finding]:
    noise = sympy.symbols("xi1:6", real=True)
    factor = 1 - eta * a
    at, average = sympy.Integer(0), sympy.Integer(0)
    found, expected = {}, {}
    for count, x in enumerate(noise, 1):
        at, average = STEP(at, average, count, a, eta, x)
        linear = sympy.expand(average)
        found[str(count)] = sum((linear.coeff(y) ** 2 for y in noise), sympy.Integer(0))
        parts = ((1 - factor**m) ** 2 for m in range(1, count + 1))
        expected[str(count)] = sum(parts, sympy.Integer(0)) / (count * a) ** 2
    q = t / (1 + t)  # between 0 and 1
    closed = n - 2 * q * (1 - q**n) / (1 - q) + q**2 * (1 - q ** (2 * n)) / (1 - q**2)
    grows = closed.subs(n, n + 1) - closed
    power = sympy.Symbol("p", positive=True)  # q^n, bounded by 1
    bounded = closed.subs({q ** (2 * n): power**2, q**n: power})
    rest = sympy.limit(bounded / n, n, sympy.oo)
    last = sympy.expand(at)
    variance = sum((last.coeff(y) ** 2 for y in noise), sympy.Integer(0))
    powers = sum((factor ** (2 * j) for j in range(5)), sympy.Integer(0))
    stalled = eta**2 / (1 - factor**2)
    return [
        Finding("n = 1 … 5, by the rules", equation("O21b", found, expected, ran=[STEP])),
        Finding(
            "the sum for every n: its closed form is 0 at n = 0 and grows by the next term",
            equation(
                "O21b",
                {"n = 0": closed.subs(n, 0), "grows": grows},
                {"n = 0": 0, "grows": (1 - q ** (n + 1)) ** 2},
            ),
        ),
        Finding("n times it tends to 1 in units of σ²/a²", equation("O21b", rest, 1)),
        Finding("the last weight: a geometric sum", equation("O21b", variance, eta**2 * powers, ran=[STEP])),
        Finding("of which all terms add up to η/(a(2 − ηa))", equation("O21b", stalled, eta / (a * (2 - eta * a)))),
    ]  # fmt: skip
