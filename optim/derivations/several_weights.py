"""Gradient descent with several weights: what a quadratic is made of, which step sizes converge, how slowly."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.sgd import SGD
from .quadratic import COMPONENTS, descend

__all__: list[str] = []

SEVERAL = "For functions of multivariate inputs"

# With two weights: E = ½(a x² + c y²) + b x y.


def coupled(x: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
    """A quadratic of two weights."""
    return (a * x * x + c * y * y) / 2 + b * x * y


def _slopes(*w: Any) -> Any:
    return ag.grad(coupled, argnums=(0, 1))(*w)


def _step(x: Any, y: Any, a: Any, b: Any, c: Any, eta: Any) -> Any:
    g, h = _slopes(x, y, a, b, c)
    return descend(x, g, eta), descend(y, h, eta)


def _bent(u: Any, v: Any, a: Any, b: Any, c: Any) -> Any:
    """vᵀHv, by the engine's second derivatives at 0."""
    product = ag.hvp(lambda w: coupled(w[0], w[1], a, b, c))(
        ag.stack([0 * u, 0 * v]), ag.stack([u, v])
    )
    return u * product[0] + v * product[1]


E = OnSymbols(coupled)
SLOPES = OnSymbols(_slopes)
STEP = OnSymbols(_step)
BENT = OnSymbols(_bent)

x, y, b = sympy.symbols("x y b", real=True)


@claim(
    "O9",
    slide=SEVERAL,
    formula=r"w^{\top} A w = w^{\top} \frac{A + A^{\top}}{2} w, \quad A = \mathrm{diag}(a): \ E = \sum_i E_i(w_i)",
    words="A quadratic's A can always be made symmetric; with a diagonal one the error is a sum of independent quadratics, each of one weight.",
    method="the engine on A and on its symmetric part, at every size; sympy's expansion for two weights",
    runs=[ag.grad],
)
def symmetric() -> list[Finding]:
    matrix, w = arrays("A:N,N w:N")
    half = (matrix + ag.transpose(matrix)) / 2

    def error(m: Any) -> Any:
        return lambda w: ag.sum(w * (m @ w))

    a, c = sympy.symbols("a c", real=True)
    v = sympy.Matrix([x, y])
    printed = (v.T * sympy.Matrix([[a, 0], [b, c]]) * v)[0] / 2
    return [
        Finding("the values agree", prove.equal(error(matrix)(w), error(half)(w), wrt=[matrix, w])),
        Finding(
            "the engine's gradient is that of the symmetric part",
            prove.equal(ag.grad(error(matrix))(w), 2 * (half @ w), wrt=[matrix, w]),
        ),
        Finding(
            "½wᵀAw as sympy multiplies it out, with all of the coupling on one side, is that with half on each",
            equation("O9", sympy.expand(printed), E(x, y, a, b / 2, c)[0], ran=[E]),
        ),
        Finding(
            "for a diagonal A the error is a sum over weights, and so is a step: each looks at itself alone",
            equation(
                "O9",
                {"E": E(x, y, a, 0, c)[0], "x": SLOPES(x, y, a, 0, c)[0], "y": SLOPES(x, y, a, 0, c)[1]},
                {"E": E(x, 0, a, 0, c)[0] + E(0, y, a, 0, c)[0], "x": a * x, "y": c * y},
                ran=[E, SLOPES],
            ),
        ),
    ]  # fmt: skip


@claim(
    "O12",
    slide="Vector update rule",
    formula=r"E(w(t)) = c \ \Rightarrow \ \nabla E(w(t))^{\top} w'(t) = 0",
    words="The gradient is perpendicular to the contour of equal values.",
    assumptions=["a regular curve on which E does not change"],
    method="the engine's change of E along any direction is the gradient's product with it, so it is 0 "
    "along a contour; and along the ellipses of a quadratic as sympy differentiates them",
    runs=[ag.grad, ag.jvp],
)
def perpendicular() -> list[Finding]:
    matrix, vector, w, v = arrays("A:N,N b:N w:N v:N")

    def error(w: Any) -> Any:
        return ag.sum(w * (matrix @ w)) / 2 + ag.sum(ag.softplus(w) * vector)

    _, change = ag.jvp(error, (w,), (v,))
    a, c, height = sympy.symbols("a c h", positive=True)
    t = sympy.Symbol("t", real=True)
    # By the tangent of half the angle, so that all is rational: cos and sin of any angle but one.
    cos, sin = (1 - t**2) / (1 + t**2), 2 * t / (1 + t**2)
    at = (sympy.sqrt(2 * height / a) * cos, sympy.sqrt(2 * height / c) * sin)
    g = SLOPES(*at, a, 0, c)
    along = sum(slope * sympy.diff(w, t) for slope, w in zip(g, at, strict=True))
    return [
        Finding(
            "the change along v is ∇E · v: none where v runs along a contour",
            prove.equal(change, ag.sum(ag.grad(error)(w) * v), wrt=[matrix, vector, w, v]),
        ),
        Finding(
            "on an ellipse the error is one and the same",
            equation("O12", E(*at, a, 0, c)[0], height, ran=[E]),
        ),
        Finding(
            "and the gradient has no part along its tangent",
            equation("O12", along, 0, ran=[SLOPES]),
        ),
    ]


@claim(
    "O13",
    slide=COMPONENTS,
    formula=r"A = \mathrm{diag}(a): \quad w^{(k)} \to w^{*} \iff 0 < \eta < 2 \min_i a_{ii}^{-1} = 2 \min_i \eta_{i,\mathrm{opt}}",
    words="With a diagonal A, descent converges from every start if and only if the learning rate is below twice the smallest optimal one of any weight.",
    assumptions=["A diagonal with positive entries (X22), η > 0"],
    method="the optimizer's rule on two weights, the second as steep or steeper; any η below the bound is "
    "2/(a + d + u), any other 2(1 + t)/(a + d); the bound as sympy solves it",
    runs=[SGD.update],
)
def diagonal() -> list[Finding]:
    a, u, eta = sympy.symbols("a u eta", positive=True)
    d, t = sympy.symbols("d t", nonnegative=True)
    steep = a + d
    i, j = STEP(x, y, a, 0, steep, 2 / (steep + u))
    below = (steep + u) ** 2
    _, far = STEP(x, y, a, 0, steep, 2 * (1 + t) / steep)
    _, after = STEP(x, y, a, 0, steep, eta)
    factor = sympy.diff(after, y)
    (swings,) = sympy.solve(factor + 1, eta)
    (arrives,) = sympy.solve(factor, eta)
    return [
        Finding(
            "below the bound every weight's error shrinks by the same positive share in each step",
            equation(
                "O13",
                {"x": x**2 - i**2, "y": y**2 - j**2},
                {"x": 4 * a * (d + u) / below * x**2, "y": 4 * steep * u / below * y**2},
                ran=[STEP],
            ),
        ),
        Finding(
            "at the bound and beyond, the steepest weight's error does not shrink",
            equation("O13", far**2 - y**2, 4 * t * (1 + t) * y**2, ran=[STEP]),
        ),
        Finding(
            "where the steepest weight swings for ever, as sympy solves it, is twice where it arrives",
            equation(
                "O13", {"2η_opt": swings, "η_opt": arrives}, {"2η_opt": 2 / steep, "η_opt": 1 / steep},
                ran=[STEP],
            ),
        ),
    ]  # fmt: skip


@erratum(
    "X7",
    "CLAIM",
    slide="Convergence",
    formula=r"\frac{\max_i \eta_{i,\mathrm{opt}}}{\min_i \eta_{i,\mathrm{opt}}} \text{ is large: the condition number is small}",
    words="The ratio that the slide says is large is the condition number itself: it is large when learning is slow. What is small is its reciprocal.",
    assumptions=["a quadratic with a diagonal A, 0 < a₁₁ ≤ a₂₂"],
    method="optimal step sizes by the optimizer's rule, solved by sympy; the share of the error that the best step leaves",
    runs=[SGD.update],
)
def condition() -> Erratum:
    a, eta = sympy.symbols("a eta", positive=True)
    d = sympy.Symbol("d", nonnegative=True)
    steep = a + d
    i, j = STEP(x, y, a, 0, steep, eta)
    (slow,), (fast,) = (sympy.solve(sympy.diff(e, w), eta) for e, w in ((i, x), (j, y)))
    ratio, kappa = slow / fast, steep / a
    left, _ = STEP(x, y, a, 0, steep, 2 / (a + steep))
    share = (kappa - 1) / (kappa + 1)
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "κ = λ_max/λ_min is small where the ratio is large: the one is the other's reciprocal",
                equation("X7", kappa, 1 / ratio, ran=[STEP]),
            ),
            Finding(
                "with the reciprocal λ_min/λ_max for the condition number, it is",
                equation("X7", 1 / kappa, 1 / ratio, ran=[STEP]),
            ),
        ),
        correction=(
            Finding(
                "the ratio of optimal step sizes is κ",
                equation("X7", ratio, kappa, ran=[STEP]),
                r"\frac{\max_i \eta_{i,\mathrm{opt}}}{\min_i \eta_{i,\mathrm{opt}}} = \frac{\lambda_{\mathrm{max}}}{\lambda_{\mathrm{min}}} = \kappa \text{ is large}",
            ),
            Finding(
                "and the best single step size leaves (κ − 1)/(κ + 1) of the error, the more the larger κ is",
                equation(
                    "X7",
                    {"share": left, "slope": sympy.diff((b - 1) / (b + 1), b)},
                    {"share": share * x, "slope": 2 / (b + 1) ** 2},
                    ran=[STEP],
                ),
            ),
        ),
        source="wording",
    )


@erratum(
    "X10",
    "CLAIM",
    slide=SEVERAL,
    formula=r"\text{for convex } E, A \text{ is always positive definite}",
    words="A convex quadratic need not have a positive definite A: E = ½w₁² is convex, and flat along w₂. A line before, the slide says paraboloid; of that it is true.",
    method="the engine's second derivatives along a direction; the gap between chord and surface",
    runs=[ag.hvp],
)
def semidefinite() -> Erratum:
    a, d = sympy.symbols("a d", positive=True)
    flat = BENT(0, 1, 1, 0, 0)[0]
    c = (d + b**2) / a  # any number for which ac − b² = d > 0
    matrix, u, v = arrays("A:N,N u:N v:N")

    def error(w: Any) -> Any:
        return ag.sum(w * (matrix @ w)) / 2

    gap = (error(u) + error(v)) / 2 - error((u + v) / 2)
    along = ag.sum((u - v) * ag.hvp(error)((u + v) / 2, u - v)) / 8
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "for the convex E = ½w₁²: vᵀAv > 0 for every v that is not 0",
                equation("X10", Step(flat), 1, ran=[BENT]),
            ),
            Finding(
                "for a paraboloid, which has one lowest point and curves up from it: a sum of squares with positive "
                "weights, 0 at v = 0 alone",
                equation("X10", BENT(x, y, a, b, c)[0], a * (x + b / a * y) ** 2 + d / a * y**2, ran=[BENT]),
            ),
        ),
        correction=(
            Finding(
                "E is convex if and only if vᵀAv ≥ 0 for every v: it is the gap below a chord",
                prove.equal(gap, along, wrt=[matrix, u, v]),
                r"\frac{E(u) + E(v)}{2} - E\left( \frac{u + v}{2} \right) = \frac{1}{8} (u - v)^{\top} A (u - v)",
            ),
        ),
        source="wording",
    )  # fmt: skip


@erratum(
    "X46",
    "CLAIM",
    slide="Convergence",
    formula=r"\text{convergence becomes increasingly unpredictable as dimensions increase}",
    words="On a quadratic the rate is max |1 − ηλ| over the eigenvalues, in any number of dimensions: a weight with a curvature between two others changes nothing.",
    assumptions=["a quadratic along its axes; a third curvature s of the way from λ_min to λ_max"],
    method="the optimizer's rule along three axes, at any step size",
    runs=[SGD.update],
)
def predictable() -> Erratum:
    low, d, eta, u = sympy.symbols("λ_min d eta u", positive=True)
    t = sympy.Symbol("t", nonnegative=True)
    share = t / (1 + t)  # from 0 up to 1, and any number between
    high = low + d

    def factor(curvature: sympy.Expr) -> sympy.Expr:
        """What a step makes of an error of 1."""
        return STEP(1, 0, curvature, 0, 0, eta)[0]

    between = factor(low + share * d)
    mixed = (1 - share) * factor(low) + share * factor(high)
    excess = (1 - share) * factor(low) ** 2 + share * factor(high) ** 2 - between**2
    at = {low: 1, d: 2, t: 1, eta: sympy.Rational(1, 2)}
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "a third dimension, with a curvature between the others', leaves more of its error than either",
                equation(
                    "X46",
                    Step(between**2 - factor(low) ** 2) * Step(between**2 - factor(high) ** 2),
                    1,
                    ran=[STEP],
                    at=at,
                ),
            ),
            Finding(
                "a third dimension with a curvature beyond 2/η diverges where the others did not",
                equation(
                    "X46",
                    {
                        "factor": factor((2 + u) / eta),
                        "diverges": Step(factor((2 + u) / eta) ** 2 - 1),
                    },
                    {"factor": -1 - u, "diverges": 1},
                    ran=[STEP],
                ),
            ),
        ),
        correction=(
            Finding(
                "its factor lies between the others', in proportion",
                equation("X46", between, mixed, ran=[STEP]),
                r"1 - \eta \lambda = (1 - s)(1 - \eta \lambda_{\mathrm{min}}) + s (1 - \eta \lambda_{\mathrm{max}})",
            ),
            Finding(
                "and its square below theirs, by this amount, which is positive: the rate is max |1 − ηλ_i| of the "
                "two extreme ones, in any dimension",
                equation("X46", excess, share * (1 - share) * (eta * d) ** 2, ran=[STEP]),
            ),
        ),
        source="wording",
    )


@claim(
    "O8b",
    slide="For generic differentiable convex objectives",
    formula=r"\eta \ge 2 \eta_{\mathrm{opt}}: \text{ we can get divergence}",
    words="For a differentiable convex error it is right at equality: with slope w above 0 and 10w below it, descent from 1 at twice the optimal step goes 1, −1, 19, −19, 361.",
    assumptions=["E' = w for w ≥ 0 and 10w for w < 0, which is differentiable and convex"],
    method="the optimizer's rule on the engine's gradient of that error, from every start w > 0",
    runs=[SGD.update],
)
def at_equality() -> list[Finding]:
    start = sympy.Symbol("w", positive=True)
    at_one = [sympy.Integer(1)]
    for _ in range(4):
        at_one += KINKED(at_one[-1], 2)
    (there,) = KINKED(start, 2)
    (back,) = KINKED(-start, 2)
    return [
        Finding(
            "at the start E'' is 1, so η = 2 is twice the optimal step",
            equation("O8b", KINKED(start, 1)[0], 0, ran=[KINKED]),
        ),
        Finding(
            "from 1 it goes 1, −1, 19, −19, 361",
            equation(
                "O8b",
                {str(k): w for k, w in enumerate(at_one)},
                {str(k): sympy.Integer(w) for k, w in enumerate((1, -1, 19, -19, 361))},
                ran=[KINKED],
            ),
        ),
        Finding(
            "from every w > 0 to −w, and from there to 19w: nineteen times as far every other step",
            equation("O8b", {"there": there, "back": back}, {"there": -start, "back": 19 * start}, ran=[KINKED]),
        ),
    ]  # fmt: skip


def kinked(w: Any) -> Any:
    """½w² above 0, 5w² below it: differentiable and convex."""
    return ag.relu(w) ** 2 / 2 + 5 * ag.relu(-w) ** 2


KINKED = OnSymbols(lambda w, eta: descend(w, ag.grad(kinked)(w), eta))


@claim(
    "O35",
    slide="Issues: 1. The Hessian",
    formula=r"n = 100{,}000: \quad n^2 = 10^{10} \text{ second derivatives}, \quad 8 \cdot 10^{10} \text{ bytes}",
    words="The Hessian of 100,000 weights has 10^10 entries, 80 GB in double precision; as a symmetric matrix it has half as many different ones, and the products with it need none.",
    method="the shapes of the engine's Hessians at four sizes, through which sympy lays the polynomial",
    runs=[ag.hessian],
)
def size() -> list[Finding]:
    n = sympy.Symbol("n", positive=True)
    count, distinct = [], []
    for k in (1, 2, 3, 4):
        at = [sympy.Rational(i + 1) for i in range(k)]
        found = OnSymbols(lambda *w: tuple(ag.hessian(_quartic)(ag.stack(w)).reshape(-1)))(*at)
        count.append((k, len(found)))
        distinct.append((k, len(set(found))))
    entries, different = sympy.interpolate(count, n), sympy.interpolate(distinct, n)
    large = 100_000
    return [
        Finding("n weights have n² entries", equation("O35", entries, n**2)),
        Finding(
            "of which n(n + 1)/2 differ: 10^10 counts each pair twice",
            equation("O35", different, n * (n + 1) / 2),
        ),
        Finding(
            "of 100,000 weights 10^10, in 80 GB",
            equation(
                "O35",
                {"entries": entries.subs(n, large), "bytes": 8 * entries.subs(n, large)},
                {"entries": sympy.Integer(10) ** 10, "bytes": 80 * sympy.Integer(10) ** 9},
            ),
        ),
    ]


def _quartic(w: Any) -> Any:
    """An error whose second derivatives at 1, 2, 3 and so on are all different."""
    return ag.sum(w * w) ** 2 / 8
