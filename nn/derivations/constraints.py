"""Hard constraints and soft ones: when they are the same."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F

SOFT = "Regularization as soft constraint"

h, lam, p, q, r = sympy.symbols("h lambda p q r", positive=True)
s, theta = sympy.symbols("s theta", real=True)


def objective(w: Any, s: Any, h: Any, lam: Any) -> ag.Tensor:
    """½h(θ − s)² + λθ²: a loss with its optimum at s, and the slide's penalty."""
    return h * (w - s) * (w - s) / 2 + 2 * lam * F.l2([w])


VALUE = OnSymbols(objective)
SLOPE = OnSymbols(ag.grad(objective))
CURVE = OnSymbols(ag.grad(ag.grad(objective)))
BALL = OnSymbols(lambda w: F.project_l2_ball(w, 0.5), exact=True)
HALF = sympy.Rational(1, 2)  # r of the ball that is run
# Lengths outside of that ball and inside: any, since q is any number above 0.
OUTSIDE, INSIDE = HALF * sympy.sqrt(1 + q), HALF / sympy.sqrt(1 + q)


def minimiser() -> sympy.Expr:
    """Where the engine's slope of the penalized loss is 0, solved by sympy."""
    (found,) = sympy.solve(SLOPE(theta, s, h, lam)[0], theta)
    return found


@claim(
    "R12",
    slide=SOFT,
    formula=r"\min_{\| \theta \|^2 \le r^2} \hat{L}(\theta) \iff \min_{\theta} \hat{L}(\theta) + \lambda^{*} \| \theta \|^2",
    words="A hard constraint that binds is a soft one: λ and r belong to each other, one for one, and the soft minimiser solves the hard problem with its own R as r.",
    assumptions=[
        "a convex loss, here a quadratic with a diagonal H, s its optimum; the constraint binds, ‖s‖ > r > 0"
    ],
    method="sympy solves the engine's slope for the soft minimiser, and that for λ*; against the library's projection; "
    "what any other point in the ball is worse by, as a sum of squares",
    runs=[F.l2, F.project_l2_ball],
)
def hard_is_soft() -> list[Finding]:
    (found,) = sympy.solve(minimiser().subs(s, r + p) - r, lam)
    # In two dimensions the objective is a sum, so that its minimiser is one in each.
    s2, u, v = sympy.symbols("s2 u v", real=True)
    curves, optimum = (h, sympy.Symbol("k", positive=True)), (s, s2)
    at = [
        minimiser().subs({h: a, s: b}, simultaneous=True)
        for a, b in zip(curves, optimum, strict=True)
    ]
    penalty = OnSymbols(lambda u, v: 2 * F.l2([u, v]))

    def loss(*point: Any) -> sympy.Expr:
        return sum(VALUE(w, b, a, 0)[0] for w, a, b in zip(point, curves, optimum, strict=True))

    worse = loss(u, v) - loss(*at) - lam * (penalty(*at)[0] - penalty(u, v)[0])
    squares = sum(
        (a + 2 * lam) * (w - m) ** 2 / 2 for w, a, m in zip((u, v), curves, at, strict=True)
    )
    size = penalty(*at)[0]
    falls = -sum(4 * a**2 * b**2 / (a + 2 * lam) ** 3 for a, b in zip(curves, optimum, strict=True))
    strength = found.subs({r: HALF, p: OUTSIDE - HALF}, simultaneous=True)
    soft = minimiser().subs({s: OUTSIDE, lam: strength}, simultaneous=True)
    return [
        Finding(
            "λ* for a given r, solved, with s = r + p",
            equation("R12", found, h * p / (2 * r), ran=[SLOPE]),
            r"\lambda^{*} = \frac{h (s - r)}{2 r}",
        ),
        Finding(
            "the condition of Karush, Kuhn and Tucker holds there: slope 0, and ‖θ‖ = r",
            equation(
                "R12",
                {"slope": SLOPE(r, r + p, h, h * p / (2 * r))[0]},
                {"slope": 0},
                ran=[SLOPE],
            ),
        ),
        Finding(
            "the library's projection of the optimum onto ‖θ‖ ≤ ½ is that minimiser",
            equation(
                "R12",
                {"hard": BALL(OUTSIDE)[0], "soft": soft},
                {"hard": HALF, "soft": HALF},
                ran=[BALL, SLOPE],
            ),
        ),
        Finding(
            "any point with R(θ) ≤ R(θ(λ)) has a loss larger by this sum of squares, and by λ times the slack",
            equation("R12", worse, squares, ran=[VALUE, penalty, SLOPE]),
        ),
        Finding(
            "R(θ(λ)) falls as λ rises: one λ for each r",
            equation("R12", sympy.diff(size, lam), falls, ran=[penalty, SLOPE]),
        ),
    ]


@erratum(
    "X12",
    "ASSUME",
    slide=SOFT,
    formula=r"\min_{R(\theta) \le r} \hat{L}(\theta) \iff \min_{\theta} \hat{L}(\theta) + \lambda^{*} R(\theta) \text{ for some } \lambda^{*} > 0",
    words="A λ* > 0 is there where the constraint binds and the loss is convex. One that does not bind has λ* = 0; −θ⁴ on |θ| ≤ 1 has no equivalent penalty.",
    assumptions=["½h(θ − s)² for the convex loss, with R = θ²"],
    method="the soft minimiser, solved from the engine's slope, against the hard one; for −θ⁴ the second derivative "
    "where the slope is 0",
    runs=[F.l2, F.project_l2_ball],
)
def hard_is_not_always_soft() -> Erratum:
    def quartic(w: Any, lam: Any) -> ag.Tensor:
        return -(w**4) + 2 * lam * F.l2([w])

    slope, curve = OnSymbols(ag.grad(quartic)), OnSymbols(ag.grad(ag.grad(quartic)))
    (strength,) = sympy.solve(slope(1, lam)[0], lam)
    inside = INSIDE
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "an optimum inside of the ball stays where it is, for a λ* > 0",
                equation(
                    "inactive",
                    minimiser().subs(s, inside),
                    BALL(inside)[0],
                    ran=[SLOPE, BALL],
                    at={q: 3, h: 1, lam: 1},
                ),
            ),
            Finding(
                "−θ⁴ on |θ| ≤ 1, least at 1: with the λ for which the slope is 0 there, it is a minimum",
                equation(
                    "not convex",
                    Step(curve(theta, strength)[0]),
                    1,
                    ran=[curve, slope],
                    at={theta: 1},
                ),
            ),
            Finding(
                "a convex loss with its optimum outside: there is a λ* > 0",
                equation(
                    "active",
                    minimiser().subs({s: OUTSIDE, lam: h * (OUTSIDE - HALF)}, simultaneous=True),
                    BALL(OUTSIDE)[0],
                    ran=[SLOPE, BALL],
                ),
            ),
        ),
        correction=(
            Finding(
                "with λ* = max(0, h(s − r)/2r) both agree: outside, and inside, where it is 0",
                equation(
                    "λ* ≥ 0",
                    {
                        "outside": minimiser().subs(
                            {s: OUTSIDE, lam: h * (OUTSIDE - HALF)}, simultaneous=True
                        ),
                        "inside": minimiser().subs({s: inside, lam: 0}, simultaneous=True),
                    },
                    {"outside": BALL(OUTSIDE)[0], "inside": BALL(inside)[0]},
                    ran=[SLOPE, BALL],
                ),
                r"\lambda^{*} \ge 0, \quad \lambda^{*} (R(\theta) - r) = 0, \quad \hat{L} \text{ and } R \text{ convex, some } \theta \text{ with } R(\theta) < r",
            ),
            Finding(
                "−θ⁴ with its λ has a maximum at 1: the second derivative is −8",
                equation("not convex", curve(1, strength)[0], -8, ran=[curve, slope]),
            ),
        ),
        source="an assumption",
    )


@claim(
    "R21",
    slide=derived("Regularization as hard constraint"),
    formula=r"P(w) = w \min\left(1, \frac{r}{\| w \|}\right): \quad \| w - q \|^2 - \| w - P(w) \|^2 = \| P(w) - q \|^2 + 2 (\| w \| - r) \left( r - \frac{w^{\top} q}{\| w \|} \right)",
    words="The library's projection onto the L2 ball gives its nearest point: any other in the ball is farther, by two terms of at least 0.",
    assumptions=[
        "two dimensions, r = ½; w outside of the ball, at any length in the direction (3, 4); q in the ball"
    ],
    method="the projection on symbols, outside of the ball and inside",
    runs=[F.project_l2_ball],
)
def nearest() -> list[Finding]:
    q1, q2 = sympy.symbols("q1 q2", real=True)
    unit = sympy.Rational(3, 5), sympy.Rational(4, 5)

    def projected(x: Any, y: Any) -> Any:
        found = F.project_l2_ball(ag.stack([x, y]), 0.5)
        return found[0], found[1]

    ball = OnSymbols(projected, exact=True)
    w = [OUTSIDE * e for e in unit]
    within = [INSIDE * e for e in unit]
    inside = ball(*within)
    at = [HALF * e for e in unit]
    other = (q1, q2)

    def apart(a: Any, b: Any) -> sympy.Expr:
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))

    over = HALF - sum(a * b for a, b in zip(unit, other, strict=True))
    return [
        Finding(
            "outside: it is on the ball, in the same direction",
            equation(
                "R21",
                dict(zip("xy", ball(*w), strict=True)),
                dict(zip("xy", at, strict=True)),
                ran=[ball],
            ),
        ),
        Finding(
            "inside nothing is moved",
            equation(
                "R21",
                dict(zip("xy", inside, strict=True)),
                dict(zip("xy", within, strict=True)),
                ran=[ball],
            ),
        ),
        Finding(
            "any q is farther by these terms; the last bracket is not below 0 for ‖q‖ ≤ ½",
            equation(
                "R21",
                apart(w, other) - apart(w, at),
                apart(at, other) + 2 * (OUTSIDE - HALF) * over,
                ran=[ball],
            ),
        ),
    ]
