"""L1: where its optimum is, that it is 0 for small weights, and what steps arrive there."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F
from ..regularizers import L1, ElasticNet

OPTIMUM = "Effect on the optimal solution"

h, alpha, beta, p, share = sympy.symbols("h alpha beta p s", positive=True)
theta = sympy.Symbol("theta", real=True)
INSIDE = (share - 1) / (share + 1)  # any number between −1 and 1


def lasso(w: Any, s: Any, h: Any, a: Any) -> Any:
    """H/2 (θ − θ*)² + α |θ|."""
    return h * (w - s) * (w - s) / 2 + a * F.l1([w])


# h/2 (θ − θ*)² + α (β θ² + |θ|), by the library's elastic net, which is L1 for β = 0.
OBJECTIVE = OnSymbols(lambda w, s, h, a, b: h * (w - s) * (w - s) / 2 + a * F.elastic_net([w], b))
LASSO = OnSymbols(lasso)
SLOPE = OnSymbols(ag.grad(lasso))
SHRUNK = OnSymbols(lambda s, h, a: F.soft_threshold(s, a / h))
THRESHOLD = OnSymbols(lambda s, t: F.soft_threshold(s, threshold=t))
SIZE = OnSymbols(lambda w: F.l1([w]))

# θ* in three regions, which are all: where it is, its optimum, and the slope of |θ| that is met there.
REGIONS = {
    "θ* > α/H": (alpha / h + p, p, sympy.Integer(1)),
    "|θ*| < α/H": (alpha / h * INSIDE, sympy.Integer(0), INSIDE),
    "θ* < −α/H": (-alpha / h - p, -p, sympy.Integer(-1)),
}
# Of the threshold t = α/H, as one number, at its borders and at 0.
BORDERS = {"θ* = t": p, "θ* = −t": -p, "θ* = 0": sympy.Integer(0)}


def known(expression: sympy.Expr) -> Any:
    """For sympy's solve and limit, which do not know Step; its Heaviside of a positive symbol is 1 at once."""
    return expression.replace(Step, sympy.Heaviside)


def solved(slope: OnSymbols, *numbers: Any) -> dict[str, sympy.Expr]:
    """Where sympy finds a slope 0, on either side of 0; ``numbers`` are what it takes after θ."""
    u = sympy.Symbol("u", positive=True)
    return {
        side: sympy.solve(known(slope(sign * u, *numbers)[0]), u)[0] * sign
        for side, sign in {"θ > 0": 1, "θ < 0": -1}.items()
    }


@claim(
    "R8",
    slide=OPTIMUM,
    formula=r"(\theta_R^{*})_i = \begin{cases} \max\{\theta_i^{*} - \frac{\alpha}{H_{ii}}, 0\} & \theta_i^{*} \ge 0 \\ \min\{\theta_i^{*} + \frac{\alpha}{H_{ii}}, 0\} & \theta_i^{*} < 0 \end{cases}",
    words="The optimum under the L1 penalty is θ* moved towards 0 by α/H and no further, and it is the only one.",
    assumptions=["one coordinate of a diagonal H; H > 0, α > 0"],
    method="where sympy finds the engine's gradient 0, on either side of 0; three regions of θ*: the objective at any θ less that at the optimum is ½H(θ − θ̂)² + α(|θ| − sθ) with s between −1 and 1, "
    "two terms of at least 0",
    runs=[F.l1, F.soft_threshold],
)
def soft_threshold() -> list[Finding]:
    found = []
    for name, (star, optimum, slope) in REGIONS.items():
        (computed,) = SHRUNK(star, h, alpha)
        gap = LASSO(theta, star, h, alpha)[0] - LASSO(computed, star, h, alpha)[0]
        away = h * (theta - optimum) ** 2 / 2 + alpha * (SIZE(theta)[0] - slope * theta)
        found += [
            Finding(f"{name}: it is there", equation("R8", computed, optimum, ran=[SHRUNK])),
            Finding(
                f"{name}: every other θ is worse by two terms",
                equation("R8", gap, away, ran=[LASSO, SIZE, SHRUNK]),
            ),
        ]
    u, star = sympy.Symbol("u", positive=True), sympy.Symbol("theta^*", real=True)
    roots = solved(SLOPE, star, h, alpha)
    over = {
        "θ > 0": SIZE(u)[0] - INSIDE * u,
        "θ < 0": SIZE(-u)[0] + INSIDE * u,
    }
    least = {"θ > 0": 2 * u / (share + 1), "θ < 0": 2 * share * u / (share + 1)}
    borders = {name: THRESHOLD(star, p)[0] for name, star in BORDERS.items()}
    return [
        Finding(
            "solved by sympy: θ* less α/H on the right of 0, θ* and α/H on the left",
            equation(
                "R8",
                roots,
                {"θ > 0": star - alpha / h, "θ < 0": star + alpha / h},
                ran=[SLOPE],
            ),
        ),
        *found,
        Finding("the second term is not below 0", equation("R8", over, least, ran=[SIZE])),
        Finding(
            "at the borders and at 0 it is 0",
            equation("R8", borders, dict.fromkeys(BORDERS, 0), ran=[THRESHOLD]),
        ),
    ]


@claim(
    "R9",
    slide=OPTIMUM,
    formula=r"(\theta_R^{*})_i = \mathrm{sign}(\theta_i^{*}) \max\{ | \theta_i^{*} | - \frac{\alpha}{H_{ii}}, 0 \}",
    words="The compact expression is the one by cases.",
    assumptions=["H > 0, α > 0"],
    method="the library's function, which is the compact form, against the cases with max and min, in each region "
    "and at the borders; and against where sympy finds the engine's gradient 0",
    runs=[F.soft_threshold, F.softshrink],
)
def compact() -> list[Finding]:
    upper = OnSymbols(lambda s, h, a: ag.maximum(s - a / h, 0 * s))
    lower = OnSymbols(lambda s, h, a: ag.minimum(s + a / h, 0 * s))
    size = sympy.Symbol("u", positive=True)
    w, t = arrays("theta:N t:N")
    printed = ag.sign(w) * ag.maximum(ag.absolute(w) - ag.square(t), 0 * w)
    star = sympy.Symbol("theta^*", real=True)
    roots = solved(SLOPE, star, h, alpha)
    beyond = {"θ > 0": alpha / h + p, "θ < 0": -alpha / h - p}
    return [
        Finding(
            "the library's is the compact form, for every θ* and threshold t²",
            prove.equal(F.soft_threshold(w, ag.square(t)), printed, wrt=[w, t]),
        ),
        Finding(
            "and the activation, which is computed by cases, is the same for a number, here ½",
            prove.equal(F.softshrink(w, 0.5), F.soft_threshold(w, 0.5), wrt=[w]),
        ),
        Finding(
            "θ* > 0",
            equation(
                "R9", SHRUNK(size, h, alpha)[0], upper(size, h, alpha)[0], ran=[SHRUNK, upper]
            ),
        ),
        Finding(
            "θ* < 0",
            equation(
                "R9", SHRUNK(-size, h, alpha)[0], lower(-size, h, alpha)[0], ran=[SHRUNK, lower]
            ),
        ),
        Finding(
            "θ* = 0", equation("R9", SHRUNK(0, h, alpha)[0], upper(0, h, alpha)[0], ran=[SHRUNK])
        ),
        Finding(
            "as derived: where θ* is beyond ±α/H, the solution on its side",
            equation(
                "R9",
                {side: SHRUNK(s, h, alpha)[0] for side, s in beyond.items()},
                {side: roots[side].subs(star, s) for side, s in beyond.items()},
                ran=[SHRUNK, SLOPE],
            ),
        ),
    ]


@claim(
    "R14b",
    slide=derived("Summary: Regularization"),
    formula=r"\hat{\theta} = \mathrm{sign}(\theta^{*}) \frac{\max(H | \theta^{*} | - \lambda, 0)}{H + 2 \lambda \beta}",
    words="The optimum under an elastic net is L1's, shrunk once more by H/(H + 2λβ); with H = 1/η it is the proximal step.",
    assumptions=["one coordinate of a diagonal H; H > 0, λ > 0, β > 0"],
    method="three regions of θ*: what any other θ is worse by, as two terms of at least 0; where sympy finds the engine's "
    "gradient 0; the module's proximal step at "
    "λ = ½, β = ¾, η = 1/H",
    runs=[F.elastic_net, F.soft_threshold, ElasticNet.proximal],
)
def elastic_net() -> list[Finding]:
    found, curve = [], h + 2 * alpha * beta
    half, quarter = sympy.Rational(1, 2), sympy.Rational(3, 4)
    proximal = OnSymbols(ElasticNet(0.5, beta=0.75).proximal, exact=True)
    slope_of = OnSymbols(ag.grad(OBJECTIVE.function))
    origin = sympy.Symbol("theta^*", real=True)
    roots = solved(slope_of, origin, h, alpha, beta)
    for name, (star, _, slope) in REGIONS.items():
        optimum = SHRUNK(star, h, alpha)[0] * h / curve
        gap = (
            OBJECTIVE(theta, star, h, alpha, beta)[0] - OBJECTIVE(optimum, star, h, alpha, beta)[0]
        )
        away = curve * (theta - optimum) ** 2 / 2 + alpha * (SIZE(theta)[0] - slope * theta)
        printed = sympy.sign(slope) * p * h if slope != INSIDE else sympy.Integer(0)
        at = {alpha: half, beta: quarter}
        found += [
            Finding(
                f"{name}: every other θ is worse by two terms",
                equation("R14b", gap, away, ran=[OBJECTIVE, SIZE, SHRUNK]),
            ),
            Finding(
                f"{name}: it is as printed",
                equation("R14b", optimum, printed / curve, ran=[SHRUNK]),
            ),
            Finding(
                f"{name}: the module's step",
                equation(
                    "R14b",
                    proximal(star.subs(at), 1 / h)[0],
                    optimum.subs(at),
                    ran=[proximal, SHRUNK],
                ),
            ),
        ]
    return [
        *found,
        Finding(
            "as derived: solved on either side of 0",
            equation(
                "R14b",
                roots,
                {"θ > 0": (h * origin - alpha) / curve, "θ < 0": (h * origin + alpha) / curve},
                ran=[slope_of],
            ),
        ),
    ]


@claim(
    "R18",
    slide=OPTIMUM,
    formula=r"(\theta_R)_i = 0 \iff | \theta_i^{*} | \le \frac{\alpha}{H_{ii}}",
    words="L1 makes just the weights 0 whose optimum is within α/H of 0, and so selects features; L2 makes none 0 that was not.",
    assumptions=["H diagonal and positive, α > 0"],
    method="the library's optimum in each region, and at the borders; sympy's derivative of the objective and its limits at 0 "
    "from both sides; for L2 sympy solves the engine's gradient for θ*",
    runs=[F.soft_threshold, F.l1, F.l2],
)
def zeros() -> list[Finding]:
    found, star = sympy.symbols("theta_R theta^*", real=True)

    def shrunk(w: Any, s: Any, h: Any, a: Any) -> ag.Tensor:
        return h * (w - s) * (w - s) / 2 + a * F.l2([w])

    slope = OnSymbols(ag.grad(shrunk))
    (origin,) = sympy.solve(slope(found, star, h, alpha)[0], star)
    u = sympy.Symbol("u", positive=True)

    def beside(side: int) -> Any:
        """The limit at 0, from one side, of the objective's derivative by θ = ±u."""
        value = known(LASSO(side * u, star, h, alpha)[0])
        return sympy.limit(side * sympy.diff(value, u), u, 0, "+")

    return [
        Finding(
            "within: it is 0",
            equation(
                "R18",
                {
                    "inside": SHRUNK(alpha / h * INSIDE, h, alpha)[0],
                    **{name: THRESHOLD(s, p)[0] for name, s in BORDERS.items()},
                },
                {"inside": 0, **dict.fromkeys(BORDERS, 0)},
                ran=[SHRUNK, THRESHOLD],
            ),
        ),
        Finding(
            "beyond, by any p > 0: it is p, and not 0",
            equation(
                "R18",
                {
                    "above": SHRUNK(alpha / h + p, h, alpha)[0],
                    "below": SHRUNK(-alpha / h - p, h, alpha)[0],
                },
                {"above": p, "below": -p},
                ran=[SHRUNK],
            ),
        ),
        Finding(
            "as derived: beside 0 the objective's slopes, which are ≥ 0 and ≤ 0 just for |θ*| ≤ α/H",
            equation(
                "R18",
                {"right": beside(1), "left": beside(-1)},
                {"right": alpha - h * star, "left": -alpha - h * star},
                ran=[LASSO],
            ),
            r"\lim_{\theta \to 0^{\pm}} \frac{d \hat{L}_R}{d \theta} = -H \theta^{*} \pm \alpha",
        ),
        Finding(
            "L2: the optimum that ends at θ_R is a positive multiple of it, 0 for 0 alone",
            equation("R18", origin, (h + alpha) / h * found, ran=[slope]),
            r"\theta^{*} = \frac{H + \alpha}{H} \theta_R",
        ),
    ]


@erratum(
    "X45",
    "CLAIM",
    slide="Effect on gradient descent",
    formula=r"\theta \leftarrow \theta - \eta \nabla \hat{L}(\theta) - \eta \alpha\, \mathrm{sign}(\theta)",
    words="The printed step does not reach the zeros that the slides promise: around an optimum of 0 it swings between ±η/(2 − η) for ever. The proximal step arrives.",
    assumptions=["½θ² for the loss, α = 1: the optimum is 0; 0 < η < 1, η = t/(1 + t)"],
    method="steps along the engine's gradient, twice, and solved by sympy for where they turn; the proximal step by the library's function, and by the module",
    runs=[F.l1, F.soft_threshold, L1.proximal],
)
def no_zero() -> Erratum:
    t = sympy.Symbol("t", positive=True)
    eta = t / (1 + t)
    step = OnSymbols(lambda w, eta: w - eta * ag.grad(lambda w: w * w / 2 + F.l1([w]))(w))
    proximal = OnSymbols(
        lambda w, eta: F.soft_threshold(w - eta * ag.grad(lambda w: w * w / 2)(w), eta)
    )
    module = L1(1.0)
    stepped = OnSymbols(
        lambda w, eta: module.proximal(w - eta * ag.grad(lambda w: w * w / 2)(w), eta), exact=True
    )
    place = eta / (2 - eta)
    (once,) = step(place, eta)
    u, rate = sympy.symbols("u eta", positive=True)
    (turned,) = sympy.solve(known(step(u, rate)[0]) + u, u)
    near = eta / (1 - eta) * share / (1 + share)  # anything between 0 and η/(1 − η)
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "steps of that kind arrive at the optimum 0",
                equation("two steps", step(once, eta)[0], 0, ran=[step], at={t: 1}),
            ),
            Finding(
                "the optimum is 0",
                equation("optimum", SHRUNK(0, 1, 1)[0], 0, ran=[SHRUNK]),
            ),
        ),
        correction=(
            Finding(
                "a step leads from η/(2 − η) to −η/(2 − η), and the next back",
                equation(
                    "2-cycle",
                    {"one": once, "two": step(once, eta)[0]},
                    {"one": -place, "two": place},
                    ran=[step],
                ),
            ),
            Finding(
                "as derived: solved for the θ > 0 that one step leads to −θ",
                equation("2-cycle", turned.subs(rate, eta), place, ran=[step]),
            ),
            Finding(
                "the proximal step arrives from anywhere within η/(1 − η), and stays",
                equation(
                    "arrives",
                    {
                        "above": proximal(near, eta)[0],
                        "below": proximal(-near, eta)[0],
                        "there": proximal(0, eta)[0],
                        "from the cycle": proximal(place, eta)[0],
                        "the module": stepped(near, eta)[0],
                    },
                    dict.fromkeys(("above", "below", "there", "from the cycle", "the module"), 0),
                    ran=[proximal, stepped],
                ),
                r"\theta \leftarrow S_{\eta \alpha}(\theta - \eta \nabla \hat{L}(\theta))",
            ),
        ),
        source="the subgradient method's known weakness, two slides before the zeros",
    )
