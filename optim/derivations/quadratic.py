"""Gradient descent on a quadratic: rates, the Taylor expansion, and what happens at the borders."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.sgd import SGD

COMPONENTS = "Problem with vector update rule"

__all__ = ["descend"]


def descend(w: Any, g: Any, eta: Any) -> Any:
    """One step of plain gradient descent, by the optimizer's own rule."""
    (after,) = SGD.update(w, g, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=None)
    return after


def parabola(w: Any, a: Any, b: Any, c: Any) -> Any:
    """E = ½ a w² + b w + c."""
    return a * w * w / 2 + b * w + c


E = OnSymbols(parabola)
SLOPE = OnSymbols(ag.grad(parabola))
CURVE = OnSymbols(ag.grad(ag.grad(parabola)))
STEP = OnSymbols(lambda w, a, b, c, eta: descend(w, ag.grad(parabola)(w, a, b, c), eta))

a, b, c, eta, w = sympy.symbols("a b c eta w", real=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)


def optimum() -> sympy.Expr:
    """Where the engine's derivative of the parabola is 0."""
    (found,) = sympy.solve(SLOPE(w, a, b, c)[0], w)
    return found


@claim(
    "O1",
    slide=derived("Convex Loss Functions"),
    formula=r"\frac{d^2}{dz^2} \mathrm{softplus}(z) = \sigma(z)(1 - \sigma(z)), \quad v^{\top} \nabla^2 \left( \log \sum_c e^{z_c} \right) v = \sum_c p_c \left( v_c - \sum_k p_k v_k \right)^2",
    words="Logistic loss and softmax cross-entropy are convex in the scores: their second derivatives are a product of positive numbers, and a sum of squares with positive weights.",
    method="engine's second derivatives against the closed forms, which are seen to be at least 0",
    runs=[ag.softplus, ag.logsumexp, ag.hvp],
)
def convex_losses() -> list[Finding]:
    z, v = arrays("z:C v:C")

    slope = ag.grad(lambda z: ag.sum(ag.softplus(z)))
    second = ag.grad(lambda z: ag.sum(slope(z)))(z)
    s, p = ag.sigmoid(z), ag.softmax(z, axis=0)
    along = ag.sum(v * ag.hvp(lambda z: ag.logsumexp(z, axis=0))(z, v))
    return [
        Finding("softplus", prove.equal(second, s * (1 - s), wrt=[z])),
        Finding(
            "log-sum-exp", prove.equal(along, ag.sum(p * (v - ag.sum(p * v)) ** 2), wrt=[z, v])
        ),
    ]


@claim(
    "O2",
    slide="Convergence and convergence rate",
    formula=r"R = \frac{| E(w^{(k+1)}) - E(w^{*}) |}{| E(w^{(k)}) - E(w^{*}) |} = (1 - \eta a)^2",
    words="On a quadratic the rate R is constant, (1 − ηa)²: the convergence is linear.",
    assumptions=["a ≠ 0"],
    method="the optimizer's rule on the engine's gradient",
    runs=[SGD.update],
)
def rate() -> list[Finding]:
    lowest = E(optimum(), a, b, c)[0]
    (after,) = STEP(w, a, b, c, eta)
    before, then = E(w, a, b, c)[0] - lowest, E(after, a, b, c)[0] - lowest
    equal = equation("O2", then, (1 - eta * a) ** 2 * before, ran=[STEP, SLOPE])
    errors = [E(solved(k + n), a, b, c)[0] - lowest for n in (0, 1)]
    return [
        Finding("the error of each step, by that of the one before", equal),
        Finding(
            "and of the k-th and next, where sympy's solution of the recurrence leads",
            equation("O2", errors[1], (1 - eta * a) ** 2 * errors[0], ran=[STEP, SLOPE, E]),
        ),
    ]


def solved(steps: sympy.Expr) -> sympy.Expr:
    """Where so many steps lead, as sympy solves the recurrence of the optimizer's rule."""
    (after,) = STEP(w, a, b, c, eta)
    start, y = sympy.Symbol("w0", real=True), sympy.Function("y")
    factor, rest = sympy.diff(after, w), after.subs(w, 0)
    found = sympy.rsolve(y(k + 1) - factor * y(k) - rest, y(k), {y(0): start})
    return found.subs(k, steps)


@claim(
    "O3",
    slide="Convergence and convergence rate",
    formula=r"w^{(k)} - w^{*} = (1 - \eta a)^k (w^{(0)} - w^{*})",
    words="On a quadratic, k steps of gradient descent multiply the error by (1 − ηa) to the power k.",
    assumptions=["a ≠ 0", "one and the same step size η"],
    method="recurrence of the optimizer's rule on the engine's gradient, solved by sympy, against "
    "the closed form",
    runs=[SGD.update],
)
def linear_rate() -> list[Finding]:
    closed = (1 - eta * a) ** k * (sympy.Symbol("w0", real=True) - optimum())
    return [
        Finding("after k steps", equation("O3", solved(k) - optimum(), closed, ran=[STEP, SLOPE]))
    ]


@claim(
    "O4",
    slide="Convergence for quadratic surfaces",
    formula=r"w_{\mathrm{min}} = w^{(k)} - E''(w^{(k)})^{-1} E'(w^{(k)}), \quad \eta_{\mathrm{opt}} = E''(w^{(k)})^{-1}",
    words="On a quadratic, one step of size 1/E'' (Newton's) leads to the optimum from anywhere.",
    assumptions=["a ≠ 0"],
    method="the optimizer's rule, with the engine's first and second derivatives",
    runs=[SGD.update],
)
def newton() -> list[Finding]:
    (second,) = CURVE(w, a, b, c)
    (after,) = STEP(w, a, b, c, 1 / second)
    printed = w - SLOPE(w, a, b, c)[0] / second
    ran = [STEP, SLOPE, CURVE]
    here = sympy.Symbol("w_k", real=True)
    expansion = (
        E(here, a, b, c)[0]
        + SLOPE(here, a, b, c)[0] * (w - here)
        + CURVE(here, a, b, c)[0] * (w - here) ** 2 / 2
    )
    series = sympy.series(E(w, a, b, c)[0], w, here, 3).removeO()
    (lowest,) = sympy.solve(sympy.diff(expansion, w), w)
    return [
        Finding(
            "the expansion as printed is the series that sympy expands",
            equation("O4", expansion, series, ran=[E, SLOPE, CURVE]),
        ),
        Finding(
            "and where sympy finds it lowest is the printed formula",
            equation("O4", lowest, printed.subs(w, here), ran=[E, SLOPE, CURVE]),
        ),
        Finding(
            "gradient descent with η = 1/E'' arrives", equation("O4", after, optimum(), ran=ran)
        ),
        Finding("and it is the printed formula", equation("O4", after, printed, ran=ran)),
    ]


@claim(
    "O5",
    slide="With non-optimal step size",
    formula=r"\eta < \eta_{\mathrm{opt}}: \text{monotone}, \quad \eta_{\mathrm{opt}} < \eta < 2 \eta_{\mathrm{opt}}: \text{oscillating}, \quad \eta > 2 \eta_{\mathrm{opt}}: \text{divergent}",
    words="Below η_opt gradient descent converges from one side, between η_opt and 2η_opt from both sides in turn, and beyond it diverges.",
    assumptions=["a > 0, η > 0", "a start that is not the optimum"],
    method="the error's factor of one step of the optimizer's rule, region by region: t/(1 + t) is any number between 0 and 1",
    runs=[SGD.update],
)
def regions() -> list[Finding]:
    curve, t = sympy.symbols("a t", positive=True)

    def factor(name: str, share: sympy.Expr, expected: sympy.Expr) -> Finding:
        """What a step with η = share · η_opt makes of an error of 1."""
        (after,) = STEP(1, curve, 0, 0, share / curve)
        return Finding(name, equation("factor", after, expected, ran=[STEP]))

    below = t / (1 + t)  # between 0 and 1, and any number there
    of_step = sympy.expand(STEP(1, curve, 0, 0, eta)[0])
    (arrives,), (swings,) = (sympy.solve(of_step - there, eta) for there in (0, -1))
    return [
        Finding(
            "the borders, as sympy solves them: a factor of 0 at η_opt = 1/a, of −1 at 2η_opt",
            equation(
                "factor",
                {"0": arrives, "-1": swings},
                {"0": 1 / CURVE(w, curve, 0, 0)[0], "-1": 2 / CURVE(w, curve, 0, 0)[0]},
                ran=[STEP, CURVE],
            ),
        ),
        factor("η < η_opt: the factor is between 0 and 1", 1 - below, below),
        factor("η_opt < η < 2η_opt: it is between −1 and 0", 1 + below, -below),
        factor("η > 2η_opt: it is below −1", 2 + t, -1 - t),
    ]


@claim(
    "O6",
    slide="Convergence for quadratic surfaces",
    formula=r"E(w) = E(w^{(k)}) + E'(w^{(k)}) (w - w^{(k)}) + \frac{1}{2} E''(w^{(k)}) (w - w^{(k)})^2",
    words="A quadratic is its own Taylor expansion to second order, around any point, in any number of dimensions.",
    method="engine's gradient and Hessian-vector product",
    runs=[ag.grad, ag.hvp],
)
def taylor() -> list[Finding]:
    matrix, vector, at, d = arrays("A:N,N b:N w:N d:N")

    def surface(w: ag.Tensor) -> ag.Tensor:
        return ag.sum(w * (matrix @ w)) / 2 + ag.sum(vector * w)

    first = ag.sum(ag.grad(surface)(at) * d)
    second = ag.sum(d * ag.hvp(surface)(at, d))
    expansion = surface(at) + first + second / 2
    leaves = [matrix, vector, at, d]
    return [
        Finding("for any matrix A", prove.equal(surface(at + d), expansion, wrt=leaves)),
    ]


@erratum(
    "X6",
    "CONST",
    slide="For functions of multivariate inputs",
    formula=r"E = \frac{1}{2} \sum_i (a_{ii} w_i^2 + b_i w_i) + c",
    words="For a diagonal A, the slide halves the linear term too: it differs from ½wᵀAw + wᵀb + c by ½Σbw.",
    method="the quadratic of the line above, with a diagonal matrix, against the printed sum; at "
    "three dimensions, since a diagonal matrix is not yet made at symbolic sizes",
    runs=[ag.diag],
)
def diagonal() -> Erratum:
    d, vector, at, constant = arrays("a:3 b:3 w:3 c:")
    error = ag.sum(at * (ag.diag(d) @ at)) / 2 + ag.sum(at * vector) + constant
    printed = ag.sum(d * at**2 + vector * at) / 2 + constant
    corrected = ag.sum(d * at**2 / 2 + vector * at) + constant
    all_halved = ag.sum(d * at**2 + vector * at) / 2 + constant / 2
    leaves = [d, vector, at, constant]
    return Erratum(
        "CONST",
        readings=(
            Finding("½ before the sum over both terms", prove.equal(error, printed, wrt=leaves)),
            Finding("½ before everything", prove.equal(error, all_halved, wrt=leaves)),
        ),
        correction=(
            Finding(
                "½ inside the sum, on the square",
                prove.equal(error, corrected, wrt=leaves),
                r"E = \sum_i \left( \frac{1}{2} a_{ii} w_i^2 + b_i w_i \right) + c",
            ),
        ),
        source="mathematics",
    )


@erratum(
    "X18",
    "BOUNDARY",
    slide=COMPONENTS,
    formula=r"\eta < 2 \min_i \eta_{i,\mathrm{opt}}, \text{ otherwise: divergence}; \quad \eta_{i,\mathrm{opt}} \le \eta < 2 \eta_{i,\mathrm{opt}}: \text{oscillation}",
    words="At η = 2η_opt a quadratic's descent does not diverge: it swings between two points. At η = η_opt it does not oscillate: it arrives.",
    assumptions=["one component of the slide's own quadratic: E = ½ a w², a > 0"],
    method="the optimizer's rule at the borders, and beyond",
    runs=[SGD.update],
)
def borders() -> Erratum:
    curve, t, start = sympy.symbols("a t w", positive=True)

    def after(w: sympy.Expr, eta: sympy.Expr) -> sympy.Expr:
        return STEP(w, curve, 0, 0, eta)[0]

    def farther(eta: sympy.Expr) -> sympy.Expr:
        """1 if a step leads away from the optimum, else 0."""
        return Step(after(start, eta) ** 2 - start**2)

    def opposite(eta: sympy.Expr) -> sympy.Expr:
        """1 if a step leads to the other side of the optimum, else 0."""
        return Step(-after(start, eta) * start)

    at = {curve: 1, start: 1}
    twice, once = 2 / curve, 1 / curve
    return Erratum(
        "BOUNDARY",
        readings=(
            Finding(
                "at η = 2η_opt a step leads away from the optimum",
                equation("diverges", farther(twice), 1, ran=[STEP], at=at),
            ),
            Finding(
                "at η = η_opt a step leads to the other side",
                equation("oscillates", opposite(once), 1, ran=[STEP], at=at),
            ),
            Finding(
                "beyond 2η_opt every step leads away",
                equation("diverges", farther((2 + t) / curve), 1, ran=[STEP]),
            ),
            Finding(
                "between η_opt and 2η_opt every step leads to the other side",
                equation("oscillates", opposite((1 + t / (1 + t)) / curve), 1, ran=[STEP]),
            ),
        ),
        correction=(
            Finding(
                "at 2η_opt, two steps lead back",
                equation("2-cycle", after(after(start, twice), twice), start, ran=[STEP]),
                r"\eta = 2 \eta_{\mathrm{opt}}: w^{(k+2)} = w^{(k)}",
            ),
            Finding(
                "at η_opt, one step arrives",
                equation("arrives", after(start, once), 0, ran=[STEP]),
                r"\eta = \eta_{\mathrm{opt}}: w^{(k+1)} = w^{*}",
            ),
        ),
        source="wording",
    )


@erratum(
    "X22",
    "ASSUME",
    slide=COMPONENTS,
    formula=r"\eta < 2 \min_i \eta_{i,\mathrm{opt}}, \quad \eta_{i,\mathrm{opt}} = a_{ii}^{-1}",
    words="The bound on the learning rate needs a diagonal A: with a₁₁ = a₂₂ = 1 and a₁₂ = 0.9 descent diverges at η = 1.5, below the bound of 2.",
    assumptions=["E = ½ wᵀAw in two dimensions"],
    method="‖w‖² before and after a step of the optimizer's rule; for a diagonal A at every η below "
    "the bound, which is η = 2/(m + u) with the larger m of a₁₁, a₂₂, and u > 0",
    runs=[SGD.update],
)
def coupled() -> Erratum:
    u, x, y, first, second, off = sympy.symbols("u w1 w2 a11 a22 a12", positive=True)
    more = sympy.Symbol("d", nonnegative=True)

    def surface(x: Any, y: Any, first: Any, second: Any, off: Any) -> Any:
        return first * x * x / 2 + second * y * y / 2 + off * x * y

    def step(x: Any, y: Any, first: Any, second: Any, off: Any, eta: Any) -> Any:
        g, h = ag.grad(surface, argnums=(0, 1))(x, y, first, second, off)
        return descend(x, g, eta), descend(y, h, eta)

    both = OnSymbols(step)

    def shrinks(first: Any, second: Any, off: Any, eta: Any) -> sympy.Expr:
        """1 if the step leads nearer to the optimum 0, else 0."""
        after = both(x, y, first, second, off, eta)
        return Step(x**2 + y**2 - after[0] ** 2 - after[1] ** 2)

    example = {first: 1, second: 1, off: sympy.Rational(9, 10), x: 1, y: 1}
    three_halves = shrinks(first, second, off, sympy.Rational(3, 2))
    bound = 2 / (second + more + u)
    i, j = both(x, y, second + more, second, 0, bound)
    narrow = (u / (second + more + u)) * (second + more) / (second + more + u)
    wide = second * (more + u) / (second + more + u) ** 2
    symmetric = 2 / (first + off + u)
    along, across = (
        both(x, x, first, first, off, symmetric),
        both(x, -x, first, first, off, symmetric),
    )
    total = (first + off + u) ** 2
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "for any A: a step leads nearer",
                equation("shrinks", three_halves, 1, ran=[both], at=example),
            ),
            Finding(
                "for a diagonal A: w₁² and w₂² shrink by these positive amounts",
                equation(
                    "shrinks",
                    {"w1": x**2 - i**2, "w2": y**2 - j**2},
                    {"w1": 4 * narrow * x**2, "w2": 4 * wide * y**2},
                    ran=[both],
                ),
            ),
        ),
        correction=(
            Finding(
                "for a₁₁ = a₂₂, where the largest eigenvalue is a₁₁ + a₁₂: below 2/λ_max both "
                "eigenvectors shrink, by these positive amounts",
                equation(
                    "eigenvectors",
                    {"(1, 1)": x**2 - along[0] ** 2, "(1, -1)": x**2 - across[0] ** 2},
                    {
                        "(1, 1)": 4 * u * (first + off) / total * x**2,
                        "(1, -1)": 4 * (first - off) * (2 * off + u) / total * x**2,
                    },
                    ran=[both],
                    given=["a11 > a12: A is positive definite"],
                ),
                r"\eta < \frac{2}{\lambda_{\mathrm{max}}}",
            ),
        ),
        source="an assumption of two slides earlier",
    )
