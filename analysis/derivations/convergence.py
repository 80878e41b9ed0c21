"""Gradient descent on a quadratic with several curvatures: the best one step size for all of them."""

from __future__ import annotations

from typing import Any

import sympy

from autograd_core.symbolic.claims import Finding, claim, derived
from autograd_core.symbolic.equations import OnSymbols, equation
from optim import SGD

from ..convergence import best_lr

__all__: list[str] = []


def multiplied(w: Any, curvature: Any, eta: Any) -> Any:
    """What a step of the optimizer's rule makes of an error w on ½ a w²."""
    (after,) = SGD.update(
        w, curvature * w, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=None
    )
    return after


STEP, BEST = OnSymbols(multiplied), OnSymbols(best_lr)


@claim(
    "O14",
    slide=derived("Problem with vector update rule"),
    formula=r"\eta = \frac{2}{\lambda_{\mathrm{min}} + \lambda_{\mathrm{max}}}, \quad \max_i |1 - \eta \lambda_i| = \frac{\kappa - 1}{\kappa + 1}, \quad \kappa = \frac{\lambda_{\mathrm{max}}}{\lambda_{\mathrm{min}}}",
    words="One step size for all directions does best at 2/(λ_min + λ_max), where each step still leaves (κ − 1)/(κ + 1) of the error: the longer the bowl, the slower.",
    assumptions=["0 < λ_min ≤ λ_max", "one and the same step size η"],
    method="the optimizer's rule along the flattest and the steepest axis, at the step size that "
    "analysis.best_lr gives and at any other",
    runs=[SGD.update, best_lr],
)
def best_step() -> list[Finding]:
    low, t, w = sympy.symbols("λ_min t w", positive=True)
    more = sympy.Symbol("d", nonnegative=True)  # λ_max − λ_min
    high = low + more
    (eta,) = BEST(low, high)
    kappa = high / low
    left = (kappa - 1) / (kappa + 1)

    def after(curvature: sympy.Expr, eta: sympy.Expr) -> sympy.Expr:
        return STEP(w, curvature, eta)[0]

    def worse(what: str, curvature: sympy.Expr, other: sympy.Expr) -> Finding:
        """By how much the squared error is larger with another step size: a sum of positive terms."""
        excess = after(curvature, other) ** 2 - (left * w) ** 2
        gained = (2 * left * t * curvature + (t * curvature) ** 2) * w**2
        return Finding(
            f"{what} axis leaves more, by this positive amount",
            equation("O14", excess, gained, ran=[STEP, BEST]),
        )

    any_step = sympy.Symbol("η", positive=True)
    balance = sympy.expand(after(low, any_step) + after(high, any_step))
    (solved,) = sympy.solve(balance, any_step)
    return [
        Finding(
            "where the two axes are left with opposite errors, as sympy solves it",
            equation("O14", solved, eta, ran=[STEP, BEST]),
        ),
        Finding(
            "both extreme axes keep the same share of the error, on opposite sides",
            equation(
                "O14",
                {"flattest": after(low, eta), "steepest": after(high, eta)},
                {"flattest": left * w, "steepest": -left * w},
                ran=[STEP, BEST],
            ),
        ),
        worse("a longer step, along the steepest", high, eta + t),
        worse("a shorter step, along the flattest", low, eta - t),
    ]
