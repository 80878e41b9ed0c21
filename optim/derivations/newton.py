"""Newton's method: where it arrives, where its step size is optimal, and where it leads to a saddle."""

from __future__ import annotations

import itertools
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..curvature.diagonal_newton import DiagonalNewton
from ..curvature.lbfgs import two_loops
from ..curvature.newton import Newton
from .quadratic import descend

GENERIC = "For generic differentiable convex objectives"
HESSIAN = "Issues: 1. The Hessian"
DIAGONAL = "QuickProp: Modification 1"

x, y, z, a, b, c, d, e, f, p, q, r = sympy.symbols(
    "w1 w2 w3 a11 a12 a22 a13 a23 a33 b1 b2 b3", real=True
)
w, eta, mu = sympy.symbols("w eta mu", real=True)
s, t, u = sympy.symbols("s t u", positive=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)


# --- the library's steps, with the engine's derivatives -------------------------------------------


def bowl(w: Any, a: Any, b: Any, c: Any, p: Any, q: Any) -> Any:
    """½ wᵀAw + wᵀ(p, q), A = [[a, b], [b, c]]."""
    return a * w[0] ** 2 / 2 + b * w[0] * w[1] + c * w[1] ** 2 / 2 + p * w[0] + q * w[1]


def _bowl3(w: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """½ wᵀAw with a coupled A in three weights."""
    squares = a * w[0] ** 2 + c * w[1] ** 2 + f * w[2] ** 2
    return squares / 2 + b * w[0] * w[1] + d * w[0] * w[2] + e * w[1] * w[2]


def _normalized(surface: Any, count: int) -> OnSymbols:
    """w − η (H + μI)⁻¹ ∇E by `Newton`'s own function: ``(*w, *coefficients, η, μ) -> w``."""

    def step(*given: Any) -> Any:
        at, (*numbers, eta, mu) = ag.stack(given[:count]), given[count:]

        def loss(w: Any) -> Any:
            return surface(w, *numbers)

        new = at - eta * Newton.normalized(ag.grad(loss)(at), ag.hessian(loss)(at), mu)
        return tuple(new[i] for i in range(count))

    return OnSymbols(step)


def _coordinates(*given: Any) -> Any:
    """w_i − η E'_i/E''_i for each coordinate by itself, by `DiagonalNewton`'s own function."""
    at, (*numbers, eta) = ag.stack(given[:2]), given[2:]

    def loss(w: Any) -> Any:
        return bowl(w, *numbers)

    second = ag.diag(ag.hessian(loss)(at))
    new = at - eta * DiagonalNewton.normalized(ag.grad(loss)(at), second, 0)
    return new[0], new[1]


NEWTON, NEWTON3 = _normalized(bowl, 2), _normalized(_bowl3, 3)
SEPARATE = OnSymbols(_coordinates)
SLOPES = OnSymbols(
    lambda x, y, *n: tuple(ag.grad(lambda w: bowl(w, *n))(ag.stack([x, y]))[i] for i in (0, 1))
)
HEIGHT = OnSymbols(lambda x, y, *n: bowl(ag.stack([x, y]), *n))


def _optimum() -> tuple[sympy.Expr, sympy.Expr]:
    """Where both of the engine's derivatives of the bowl are 0, by sympy."""
    found = sympy.solve(SLOPES(x, y, a, b, c, p, q), [x, y], dict=True)[0]
    return found[x], found[y]


class Scalar:
    """One weight's loss: its engine derivatives, and a step of the optimizer's rule with η/E''."""

    def __init__(self, function: Any) -> None:
        slope = ag.grad(function)
        curve = ag.grad(slope)
        self.slope, self.curve = OnSymbols(slope), OnSymbols(curve)
        self.step = OnSymbols(lambda w, eta: descend(w, slope(w), eta))
        self.scaled = OnSymbols(lambda w, eta: descend(w, slope(w), eta / curve(w)))
        self.height = OnSymbols(function)


ROOT = Scalar(lambda w: ag.sqrt(1 + w * w))
QUARTIC = Scalar(lambda w: w**4 / 4)
MIXED = Scalar(lambda w: w * w / 2 + w**4 / 4)
PARABOLA = Scalar(lambda w: w * w / 2)
STEEP = Scalar(lambda w: ag.where(ag.greater(w, 0), w * w / 2, 5 * w * w))


# --- claims ------------------------------------------------------------------------------------------


@claim(
    "O7",
    slide="Convergence for quadratic surfaces",
    formula=r"\mathbf{w}_{\mathrm{min}} = \mathbf{w}^{(k)} - H_E(\mathbf{w}^{(k)})^{-1} \nabla E(\mathbf{w}^{(k)})",
    words="On any quadratic, its weights coupled or not, one step normalized by the Hessian leads to the point where the gradient is 0, from anywhere.",
    assumptions=["A is invertible"],
    method="the optimizer's own function on the engine's gradient and Hessian, against the point that sympy "
    "solves for; beside it η = 1/E'' in one weight, where the Taylor parabola's minimum is solved for",
    runs=[Newton.normalized, ag.hessian, ag.grad],
)
def newton_on_quadratics() -> list[Finding]:
    arrived = dict(zip(("w1", "w2"), NEWTON(x, y, a, b, c, p, q, 1, 0), strict=True))
    expected = dict(zip(("w1", "w2"), _optimum(), strict=True))
    slopes = SLOPES(*NEWTON(x, y, a, b, c, p, q, 1, 0), a, b, c, p, q)
    value, first, second, at = sympy.symbols("E0 E1 E2 at", real=True)
    taylor = value + first * (at - w) + second * (at - w) ** 2 / 2
    (least,) = sympy.solve(sympy.diff(taylor, at), at)
    printed = w - first / second
    given = ["det A is not 0"]
    return [
        Finding("it arrives where sympy finds the optimum", equation("O7", arrived, expected, ran=[NEWTON, SLOPES], given=given)),
        Finding("and both slopes are 0 there", equation("O7", {"w1": slopes[0], "w2": slopes[1]}, {"w1": 0, "w2": 0}, ran=[NEWTON, SLOPES], given=given)),
        Finding("the minimum of the Taylor parabola, as sympy solves for it, is the printed step", equation("O7", least, printed, given=["E'' is not 0"])),
    ]  # fmt: skip


@claim(
    "O7b",
    slide=DIAGONAL,
    formula=r"w_i^{k+1} = w_i^k - E''(w_i^k \mid w_j^k, j \neq i)^{-1} E'(w_i^k \mid w_j^k, j \neq i)",
    words="Newton's step in each dimension by itself arrives at once where A is diagonal. Where weights are coupled its error is multiplied by I − D⁻¹A, and η = 1 may diverge.",
    assumptions=["a quadratic in two weights with a₁₁ and a₂₂ not 0"],
    method="the optimizer's own function on the engine's derivatives, against the printed formula with sympy's "
    "derivatives, and the optimum that sympy solves for",
    runs=[DiagonalNewton.normalized],
)
def diagonal_newton() -> list[Finding]:
    error = a * x**2 / 2 + b * x * y + c * y**2 / 2 + p * x + q * y
    printed = [v - sympy.diff(error, v) / sympy.diff(error, v, 2) for v in (x, y)]
    new = SEPARATE(x, y, a, b, c, p, q, 1)
    alone = SEPARATE(x, y, a, 0, c, p, q, 1)
    best = [v.subs(b, 0) for v in _optimum()]
    ours = SEPARATE(x, y, a, b, c, 0, 0, eta)
    matrix = sympy.eye(2) - eta * sympy.Matrix([[1, b / a], [b / c, 1]])
    shrunk = matrix * sympy.Matrix([x, y])
    # a11 = a22 = 1, a12 = 3/4 is positive definite; a third weight would make η = 1 diverge, two need η > 8/7.
    far = SEPARATE(1, 1, 1, sympy.Rational(3, 4), 1, 0, 0, sympy.Rational(3, 2))

    def both(pair: Any) -> dict[str, Any]:
        return dict(zip(("w1", "w2"), pair, strict=True))

    return [
        Finding("it is the printed formula", equation("O7b", both(new), both(printed), ran=[SEPARATE])),
        Finding("a diagonal A: one step arrives", equation("O7b", both(alone), both(best), ran=[SEPARATE, SLOPES])),
        Finding("any A: the error after a step", equation("O7b", both(ours), both(shrunk), ran=[SEPARATE])),
        Finding(
            "a₁₁ = a₂₂ = 1, a₁₂ = 3/4, η = 3/2: it leads farther away",
            equation("O7b", Step(far[0] ** 2 + far[1] ** 2 - 2), 1, ran=[SEPARATE]),
        ),
    ]  # fmt: skip


@claim(
    "O8",
    slide=GENERIC,
    formula=r"\eta_{\mathrm{opt}} = \left( \frac{d^2 E(w^{(k)})}{dw^2} \right)^{-1}",
    words="For other than quadratic objectives 1/E'' is the best step only to second order: it does not arrive, but its error shrinks like its cube here. A step of 2η_opt can diverge, as the slide says.",
    assumptions=["E = w²/2 + w⁴/4; and a slope of w above 0, of 10w below"],
    method="the optimizer's rule with the engine's derivatives; the limit of the error's quotient by sympy",
    runs=[ag.grad],
)
def local_optimum() -> list[Finding]:
    (after,) = MIXED.scaled(w, 1)
    quotient = sympy.limit(sympy.cancel(after / w**3), w, 0)
    at, path = sympy.Integer(1), []
    for _ in range(4):
        (at,) = STEEP.step(at, 2)
        path.append(at)
    return [
        Finding("where a step of η_opt leads", equation("O8", after, 2 * w**3 / (1 + 3 * w**2), ran=[MIXED.scaled])),
        Finding("the error over the cube of the one before, at 0", equation("O8", quotient, 2, ran=[MIXED.scaled])),
        Finding(
            "η = 2 = 2η_opt at w = 1 diverges: −1, 19 … where E' = w above 0 and 10w below",
            equation(
                "O8", dict(numbered(path)), dict(numbered([-1, 19, -19, 361])), ran=[STEEP.step]
            ),
        ),
    ]  # fmt: skip


def numbered(values: Any) -> list[tuple[str, Any]]:
    """Values by their number, as names."""
    return [(str(i), v) for i, v in enumerate(values, 1)]


@claim(
    "O15",
    slide=HESSIAN,
    formula=r"\mathbf{w}^{(k+1)} = \mathbf{w}^{(k)} - \eta H_E(\mathbf{w}^{(k)})^{-1} \nabla_{\mathbf{w}} E(\mathbf{w}^{(k)})^T",
    words="With the step normalized by the Hessian the error is multiplied by 1 − η in every direction, whatever the condition number: it converges for 0 < η < 2.",
    assumptions=["a quadratic with an invertible A"],
    method="the optimizer's own function on the engine's gradient and Hessian, in two weights around the optimum "
    "that sympy solves for, in three around 0; k steps by sympy's rsolve",
    runs=[Newton.normalized, ag.hessian],
)
def hessian_normalized() -> list[Finding]:
    best = _optimum()
    new = NEWTON(x, y, a, b, c, p, q, eta, 0)
    got = {n: v - o for n, v, o in zip(("w1", "w2"), new, best, strict=True)}
    expected = {n: (1 - eta) * (v - o) for n, v, o in zip(("w1", "w2"), (x, y), best, strict=True)}
    three = NEWTON3(x, y, z, a, b, c, d, e, f, eta, 0)
    names = ("w1", "w2", "w3")
    error, start = sympy.Function("e"), sympy.Symbol("e0", real=True)
    factor = sympy.cancel(NEWTON(x, y, a, b, c, 0, 0, eta, 0)[0] / x)
    solved = sympy.rsolve(error(k + 1) - factor * error(k), error(k), {error(0): start})
    below, between = t / (1 + t), 1 + t / (1 + t)  # η in (0, 1) and in (1, 2)

    def nearer(eta: Any) -> sympy.Expr:
        """w1² before a step less that after it, in terms of w1²."""
        after = NEWTON(x, y, a, b, c, 0, 0, eta, 0)[0]
        return sympy.cancel((x**2 - after**2) / x**2)

    given = ["det A is not 0"]
    return [
        Finding("two weights", equation("O15", got, expected, ran=[NEWTON, SLOPES], given=given)),
        Finding(
            "three weights",
            equation(
                "O15",
                dict(zip(names, three, strict=True)),
                {n: (1 - eta) * v for n, v in zip(names, (x, y, z), strict=True)},
                ran=[NEWTON3],
                given=given,
            ),
        ),
        Finding("k steps", equation("O15", solved, (1 - eta) ** k * start, ran=[NEWTON], given=given)),
        Finding("0 < η < 1: w² shrinks by a positive share", equation("O15", nearer(below), t * (t + 2) / (1 + t) ** 2, ran=[NEWTON], given=given)),
        Finding("1 < η < 2: likewise", equation("O15", nearer(between), (1 + 2 * t) / (1 + t) ** 2, ran=[NEWTON], given=given)),
        Finding("η > 2: it grows", equation("O15", nearer(2 + t), -t * (t + 2), ran=[NEWTON], given=given)),
    ]  # fmt: skip


@claim(
    "O15b",
    slide=derived(HESSIAN),
    formula=r"\tilde{H} y = s, \quad s = w^{(k+1)} - w^{(k)}, \quad y = \nabla E(w^{(k+1)}) - \nabla E(w^{(k)})",
    words="L-BFGS's matrix, which is never formed, takes the newest change of the gradient to the newest step, as H⁻¹ does on a quadratic; with pairs along two conjugate directions of two weights it is H⁻¹.",
    assumptions=["sᵀy is not 0"],
    method="the optimizer's two loops on symbols",
    runs=[two_loops],
)
def secant_of_lbfgs() -> list[Finding]:
    def older(s1: Any, s2: Any, y1: Any, y2: Any, u1: Any, u2: Any, v1: Any, v2: Any) -> Any:
        old, new = (
            (ag.stack([u1, u2]), ag.stack([v1, v2])),
            (ag.stack([s1, s2]), ag.stack([y1, y2])),
        )
        found = two_loops(new[1], [old, new])
        return found[0], found[1]

    def conjugate(g1: Any, g2: Any, a: Any, b: Any, c: Any, s1: Any, s2: Any) -> Any:
        """Pairs along a direction and one that is conjugate to it, of A = [[a, b], [b, c]]."""

        def times(v: Any) -> Any:
            return ag.stack([a * v[0] + b * v[1], b * v[0] + c * v[1]])

        first = ag.stack([s1, s2])
        turned = times(first)
        second = ag.stack([-turned[1], turned[0]])
        pairs = [(first, turned), (second, times(second))]
        found = times(two_loops(ag.stack([g1, g2]), pairs))
        return found[0], found[1]

    both = OnSymbols(older)
    s1, s2, y1, y2, u1, u2, v1, v2 = sympy.symbols("s1 s2 y1 y2 u1 u2 v1 v2", real=True)
    got = both(s1, s2, y1, y2, u1, u2, v1, v2)
    inverse = OnSymbols(conjugate)
    back = inverse(x, y, a, b, c, s1, s2)
    return [
        Finding("H̃ y = s, after an older pair", equation("O15b", {"1": got[0], "2": got[1]}, {"1": s1, "2": s2}, ran=[both])),
        Finding("A H̃ g = g with two conjugate pairs", equation("O15b", {"1": back[0], "2": back[1]}, {"1": x, "2": y}, ran=[inverse])),
    ]  # fmt: skip


# --- errata -------------------------------------------------------------------------------------------


@erratum(
    "X34",
    "ASSUME",
    slide=GENERIC,
    formula=r"\eta_{\mathrm{opt}} = \left( \frac{d^2 E(w^{(k)})}{dw^2} \right)^{-1}, \quad \eta \geq 2 \eta_{\mathrm{opt}}: \text{divergence possible}",
    words="1/E'' at the present point is no bound to rely on: on √(1 + w²), convex and differentiable, a step of η_opt leads from w to −w³, farther away beyond 1; w⁴ has no η_opt at 0. A bound that holds everywhere is 2/L, L the largest E''.",
    assumptions=["the slide's class: differentiable convex objectives of one weight"],
    method="the optimizer's rule with the engine's derivatives; at every η = 2/(L(1 + u)) below the bound, where L = 1 "
    "and w² = s² − 1",
    runs=[ag.grad],
)
def no_global_bound() -> Erratum:
    (after,) = ROOT.scaled(w, 1)
    nearer = Step(w**2 - after**2)
    (curve,) = QUARTIC.curve(w)
    (bounded,) = ROOT.step(w, 2 / (1 + u))
    root = sympy.sqrt(1 + w**2)
    share = 2 / ((1 + u) * root)  # of w, in (0, 2): since √(1 + w²) ≥ 1
    (quadratic,) = PARABOLA.scaled(w, 1)
    return Erratum(
        "ASSUME",
        readings=(
            Finding("on √(1 + w²) a step of η_opt leads nearer", equation("nearer", nearer, 1, ran=[ROOT.scaled], at={w: 2})),
            Finding("on w⁴/4 there is an η_opt at 0: E'' is not 0", equation("curved", Step(curve**2), 1, ran=[QUARTIC.curve], at={w: 0})),
            Finding("on a quadratic a step of η_opt arrives", equation("arrives", quadratic, 0, ran=[PARABOLA.scaled])),
        ),
        correction=(
            Finding("where the step of η_opt leads", equation("leads", after, -(w**3), ran=[ROOT.scaled])),
            Finding(
                "below 2/L the error shrinks: w² by the positive amount w² · share · (2 − share)",
                equation("shrinks", w**2 - bounded**2, w**2 * share * (2 - share), ran=[ROOT.step]),
                r"\eta < \frac{2}{L}, \quad L = \max_w E''(w)",
            ),
            Finding("and no E'' is larger than L = 1: 1 − E''² is w² times a positive number",
                equation("curved", 1 - ROOT.curve(w)[0] ** 2, w**2 * (3 + 3 * w**2 + w**4) / (1 + w**2) ** 3, ran=[ROOT.curve])),
        ),
        source="an assumption: the expansion holds near w",
    )  # fmt: skip


@erratum(
    "X35",
    "CLAIM",
    slide="Issues: 2. The learning rate",
    formula=r"\text{always } \eta > 2 \eta_{\mathrm{opt}} \Rightarrow \text{never ever a solution}",
    words="Always η > 2η_opt does not exclude a solution: on w⁴/4, where η_opt = 1/(3w²), a step of 3η_opt arrives at the minimum from anywhere. On a quadratic the slide is right.",
    assumptions=["the slide's class: losses that need not be convex"],
    method="the optimizer's rule with the engine's derivatives",
    runs=[ag.grad],
)
def never_ever() -> Erratum:
    (after,) = QUARTIC.scaled(w, 3)
    (swings,) = PARABOLA.scaled(w, 2 + t)
    return Erratum(
        "CLAIM",
        readings=(
            Finding("any loss: a step of 3η_opt does not arrive", equation("never", Step(after**2), 1, ran=[QUARTIC.scaled], at={w: 2})),
            Finding("a quadratic: w² grows at every η = (2 + t)η_opt", equation("grows", swings**2 - w**2, w**2 * t * (2 + t), ran=[PARABOLA.scaled])),
        ),
        correction=(
            Finding(
                "on w⁴/4, 3η_opt arrives in one step",
                equation("arrives", after, 0, ran=[QUARTIC.scaled]),
                r"E = \frac{w^4}{4}: \quad \eta = 3 \eta_{\mathrm{opt}} \Rightarrow w^{(k+1)} = 0",
            ),
        ),
        source="wording",
    )  # fmt: skip


@erratum(
    "X36",
    "ASSUME",
    slide=HESSIAN,
    formula=r"\mathbf{w}^{(k+1)} = \mathbf{w}^{(k)} - \eta H_E(\mathbf{w}^{(k)})^{-1} \nabla_{\mathbf{w}} E(\mathbf{w}^{(k)})^T",
    words="The normalized step needs a positive definite Hessian: with an indefinite one it goes to the saddle, with a negative definite one to the maximum. With damping above the most negative eigenvalue it descends.",
    assumptions=["E = ½ wᵀAw in two weights"],
    method="the optimizer's own function; E before and after; the corrected step also run on coupled weights",
    runs=[Newton.normalized],
)
def indefinite() -> Erratum:
    saddle = (s, 0, -u, 0, 0)  # eigenvalues s > 0 and −u < 0
    (before,) = HEIGHT(x, y, *saddle)
    printed = NEWTON(x, y, *saddle, 1, 0)
    (after,) = HEIGHT(*printed, *saddle)
    damped = NEWTON(x, y, *saddle, 1, u + t)
    (lower,) = HEIGHT(*damped, *saddle)
    first, second = s / (s + u + t), u / t  # what is left of w1 is 1 − first; w2 grows by second
    gain = s * x**2 * first * (2 - first) / 2 + u * y**2 * second * (2 + second) / 2
    (bowl_before,) = HEIGHT(x, y, s, 0, u, 0, 0)
    (bowl_after,) = HEIGHT(*NEWTON(x, y, s, 0, u, 0, 0, 1, 0), s, 0, u, 0, 0)
    # A = [[1, 2], [2, 1]] has the eigenvalues 3 and −1.
    coupled, at, heights = (1, 2, 1, 0, 0), (sympy.Integer(3), sympy.Integer(-2)), []
    for _ in range(3):
        heights.append(HEIGHT(*at, *coupled)[0])
        at = NEWTON(*at, *coupled, 1, 2)
    heights.append(HEIGHT(*at, *coupled)[0])
    falls = {str(i): Step(i0 - i1) for i, (i0, i1) in enumerate(itertools.pairwise(heights), 1)}
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "any Hessian: the step goes down",
                equation("descends", Step(before - after), 1, ran=[NEWTON, HEIGHT], at={x: 0, y: 1, s: 1, u: 1}),
            ),
            Finding(
                "a positive definite one: E falls by all of itself",
                equation("descends", bowl_before - bowl_after, bowl_before, ran=[NEWTON, HEIGHT]),
            ),
        ),
        correction=(
            Finding(
                "eigenvalues s and −u: the printed step arrives at the saddle, from anywhere",
                equation("saddle", {"w1": printed[0], "w2": printed[1]}, {"w1": 0, "w2": 0}, ran=[NEWTON]),
            ),
            Finding(
                "with μ = u + t, E falls by a positive amount",
                equation("descends", before - lower, gain, ran=[NEWTON, HEIGHT]),
                r"\mathbf{w}^{(k+1)} = \mathbf{w}^{(k)} - \eta (H_E + \mu I)^{-1} \nabla E^T, \quad \mu > -\lambda_{\mathrm{min}}",
            ),
            Finding(
                "coupled weights, A = [[1, 2], [2, 1]], μ = 2: each of three steps goes down",
                equation("descends", falls, dict.fromkeys(falls, 1), ran=[NEWTON, HEIGHT]),
            ),
        ),
        source="an assumption: convexity, of the slides before",
    )  # fmt: skip
