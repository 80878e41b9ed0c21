"""What the slides write loosely, and is no error: numbering, names, a power of ten."""

from __future__ import annotations

import sympy

from autograd_core.symbolic.claims import Erratum, Finding, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.rmsprop import RMSprop
from ..optimizers.sgd import SGD
from ..schedules import Linear
from . import quadratic, several_weights
from .steps import steps_of

__all__: list[str] = []

eta, gamma, eps = sympy.symbols("eta gamma epsilon", positive=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)
x, y, g = sympy.symbols("x y g", real=True)

FIRST = steps_of(RMSprop, {"lr": eta, "gamma": gamma, "eps": eps})
DECAYED = OnSymbols(lambda k, initial: 1 / Linear.__call__(_Initial(initial), k))  # type: ignore[arg-type]
VELOCITY = OnSymbols(
    lambda v, g, beta: SGD.update(
        0 * g, g, v, step=1, lr=1, momentum=beta, nesterov=False, weight_decay=None
    )[1]
)


class _Initial:
    """What the schedule reads of itself."""

    def __init__(self, initial: object) -> None:
        self.initial = initial


@erratum(
    "X24",
    "NOTE",
    slide="Convergence and convergence rate",
    formula=r"x^{(k+1)} \text{ is the } k\text{-th iteration}, \quad \frac{dE(w_i)}{dw}, \quad E[\partial_w^2 D]_k \text{ set at } k = 1, \text{ read at } k - 1",
    words="Iterations numbered from 0 or from 1, dE(w_i)/dw for ∂E/∂w_i, a running mean that is set at k = 1 and read at k − 1: each is right in one reading, which the library takes.",
    method="the optimizers' rules on symbols: the rate in either numbering; the slope of one weight of an uncoupled error; "
    "the first step with E_0 = 0",
    runs=[SGD.update, RMSprop.step],
)
def numbering() -> Erratum:
    a, b, c = quadratic.a, quadratic.b, quadratic.c
    lowest = quadratic.E(quadratic.optimum(), a, b, c)[0]
    errors = [quadratic.E(quadratic.solved(k + n), a, b, c)[0] - lowest for n in (0, 1, 2)]
    share = (1 - quadratic.eta * a) ** 2
    p, q = sympy.symbols("p q", positive=True)
    alone = sympy.diff(several_weights.E(x, 0, p, 0, q)[0], x)
    return Erratum(
        "NOTE",
        readings=(
            Finding(
                "with x^(k) for the k-th, and with x^(k+1): R is the same",
                equation(
                    "X24", {"0": errors[1], "1": errors[2]}, {"0": share * errors[0], "1": share * errors[1]},
                    ran=[quadratic.STEP, quadratic.E],
                ),
            ),
            Finding(
                "of an uncoupled error dE_i/dw_i is ∂E/∂w_i",
                equation("X24", several_weights.SLOPES(x, y, p, 0, q)[0], alone, ran=[several_weights.SLOPES]),
            ),
        ),
        correction=(
            Finding(
                "the running mean is 0 before the first step, which then sees (1 − γ)g²",
                equation("X24", FIRST(x, g)[0], x - eta * g / sympy.sqrt((1 - gamma) * g**2 + eps), ran=[FIRST]),
                r"E[\partial_w^2 D]_0 = 0",
            ),
        ),
        source="typesetting",
    )  # fmt: skip


@erratum(
    "X25",
    "NOTE",
    slide="Decaying learning rate",
    formula=r"\text{linear decay: } \eta_k = \frac{\eta_0}{k + 1}, \quad \text{running average: } \sum_j \beta^{k-1-j} g_j, \quad 2^{100} = 10^{30}",
    words="“Linear” decay is hyperbolic: 1/η grows linearly. Momentum's running average has weights that add up to 1/(1 − β), not to 1. 2^100 is 1.27 · 10^30.",
    method="the schedule's reciprocal; momentum's rule solved by sympy as a recurrence, with a constant gradient; whole numbers",
    runs=[Linear.__call__, SGD.update],
)
def names() -> Erratum:
    beta = sympy.Symbol("beta", positive=True)
    f = sympy.Function("f")
    v = sympy.Symbol("v", real=True)
    (after,) = VELOCITY(v, -1, beta)  # a gradient of −1: v ← βv + 1
    weights = sympy.rsolve(
        f(k + 1) - sympy.diff(after, v) * f(k) - after.subs(v, 0), f(k), {f(0): 0}
    )
    kept = sympy.Symbol("r", positive=True)  # β^k, which goes to 0
    return Erratum(
        "NOTE",
        readings=(
            Finding(
                "linear in its reciprocal, the number of updates",
                equation("X25", DECAYED(k + 1, eta)[0] - DECAYED(k, eta)[0], 1 / eta, ran=[DECAYED]),
            ),
            Finding(
                "an average up to a factor: 1 − β times it has weights that add up to 1 − β^k",
                equation("X25", (1 - beta) * weights, 1 - beta**k, ran=[VELOCITY]),
            ),
            Finding(
                "10^30 is 2^100 in its order of size",
                equation("X25", sympy.floor(sympy.Rational(2**100, 10**30)), 1),
            ),
        ),
        correction=(
            Finding(
                "the weights add up to (1 − β^k)/(1 − β), as sympy solves it: 1/(1 − β) in the long run",
                equation(
                    "X25",
                    {"k": weights, "limit": sympy.limit((1 - kept) / (1 - beta), kept, 0)},
                    {"k": (1 - beta**k) / (1 - beta), "limit": 1 / (1 - beta)},
                    ran=[VELOCITY],
                ),
                r"\sum_{j=0}^{k-1} \beta^j = \frac{1 - \beta^k}{1 - \beta}",
            ),
            Finding(
                "2^100 in units of 10^28, in whole ones",
                equation("X25", sympy.floor(sympy.Rational(2**100, 10**28)), 126),
            ),
        ),
        source="terminology",
    )  # fmt: skip
