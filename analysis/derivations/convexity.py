"""Convexity: that its definitions agree, what “curving upward” leaves out, and which losses are convex in the scores."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
import nn
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

__all__: list[str] = []

CONVEX = "Convex Loss Functions"
F = nn.functional


def quartic(w: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Any polynomial of degree 4, but for its constant: an error along a line."""
    return w * d + w**2 * c + w**3 * b + w**4 * a


E = OnSymbols(quartic)
SLOPE = OnSymbols(ag.grad(quartic))
CURVE = OnSymbols(ag.grad(ag.grad(quartic)))
a, b, c, d, w, h = sympy.symbols("a b c d w h", real=True)
BY = (a, b, c, d)


@claim(
    "O1b",
    slide=CONVEX,
    formula=r"E(m) \le s E(u) + (1 - s) E(v) \iff E(v) \ge E(u) + \nabla E(u)^{\top} (v - u) \iff v^{\top} \nabla^2 E \, v \ge 0",
    words="The definitions by chords, by tangents and by second derivatives agree for a smooth error.",
    assumptions=[
        "m = su + (1 − s)v, 0 ≤ s ≤ 1",
        "second derivatives along a line: polynomials of degree 4",
    ],
    method="each gap as the engine has it, written as a combination of the next with positive weights; the integral and "
    "the limits by sympy",
    runs=[ag.grad],
)
def definitions() -> list[Finding]:
    # From tangents to chords, in any dimension, for any error: by its values and its slope at m alone.
    (u, v, g) = arrays("u:N v:N g:N")
    s, at_u, at_v, at_m = arrays("s: Eu: Ev: Em:")
    m = s * u + (1 - s) * v
    chord = s * at_u + (1 - s) * at_v - at_m
    tangents = s * (at_u - at_m - ag.sum(g * (u - m))) + (1 - s) * (
        at_v - at_m - ag.sum(g * (v - m))
    )
    r = sympy.Symbol("r", real=True)
    tangent_gap = E(w + h, *BY)[0] - E(w, *BY)[0] - h * SLOPE(w, *BY)[0]
    curved = CURVE(w + r * h, *BY)[0]
    remainder = sympy.integrate(sympy.expand((1 - r) * curved * h**2), (r, 0, 1))
    chord_gap = (E(w + h, *BY)[0] + E(w - h, *BY)[0]) / 2 - E(w, *BY)[0]
    limit = sympy.limit(sympy.expand(2 * chord_gap / h**2), h, 0)
    # The slope of a chord from w on goes to the tangent's.
    touching = sympy.limit(sympy.expand((E(w + h, *BY)[0] - E(w, *BY)[0]) / h), h, 0)
    both = tangent_gap + tangent_gap.subs({w: w + h, h: -h}, simultaneous=True)
    return [
        Finding(
            "tangents below ⇒ chords above: a chord's gap is s and 1 − s times the tangents' at m, for any error",
            prove.equal(chord, tangents, wrt=[u, v, g, s, at_u, at_v, at_m]),
        ),
        Finding(
            "chords above ⇒ tangents below: the slope of ever shorter chords is the tangent's, as sympy takes the limit",
            equation("O1b", touching, SLOPE(w, *BY)[0], ran=[E, SLOPE]),
        ),
        Finding(
            "curving upward everywhere ⇒ tangents below: the gap is ∫ (1 − r) E''(w + rh) h² dr, as sympy integrates it",
            equation("O1b", tangent_gap, remainder, ran=[E, SLOPE, CURVE]),
        ),
        Finding(
            "chords above ⇒ curving upward: E'' is the limit of a chord's gap over h²/2",
            equation("O1b", limit, CURVE(w, *BY)[0], ran=[E, CURVE]),
        ),
        Finding(
            "and two tangents' gaps add up to how much the slope rises, times h",
            equation("O1b", both, h * (SLOPE(w + h, *BY)[0] - SLOPE(w, *BY)[0]), ran=[E, SLOPE]),
        ),
    ]


@erratum(
    "O1c",
    "CLAIM",
    slide=CONVEX,
    formula=r"\text{convex: continuously curving upward}",
    words="A linear error is convex, and does not curve: “continuously curving upward” is more than convex, which asks for E'' ≥ 0.",
    assumptions=["an error along a line, twice differentiable"],
    method="the engine's second derivative and the gap below a chord, of a line, a parabola and w⁴",
    runs=[ag.grad],
)
def curving() -> Erratum:
    up = sympy.Symbol("c", positive=True)
    apart = sympy.Symbol("h", positive=True)

    def gap(*by: sympy.Expr) -> sympy.Expr:
        """How far the chord from w − h to w + h is above the surface at w."""
        return (E(w + apart, *by)[0] + E(w - apart, *by)[0]) / 2 - E(w, *by)[0]

    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "every convex error curves upward: a line, whose chords it does not leave",
                equation("curves upward", Step(CURVE(w, 0, 0, 0, 1)[0]), 1, ran=[CURVE]),
            ),
            Finding(
                "every strictly convex error curves upward everywhere: w⁴ at 0",
                equation("curves upward", Step(CURVE(0, 1, 0, 0, 0)[0]), 1, ran=[CURVE]),
            ),
            Finding(
                "what curves upward is convex: the chords of a parabola are above it",
                equation("convex", {"E''": CURVE(w, 0, 0, up, d)[0], "gap": gap(0, 0, up, d)},
                         {"E''": 2 * up, "gap": up * apart**2}, ran=[E, CURVE]),
            ),
        ),
        correction=(
            Finding(
                "a line has E'' = 0 and chords that lie in it: convex is E'' ≥ 0",
                equation("E'' ≥ 0", {"E''": CURVE(w, 0, 0, 0, d)[0], "gap": gap(0, 0, 0, d)},
                         {"E''": 0, "gap": 0}, ran=[E, CURVE]),
                r"E'' \ge 0",
            ),
            Finding(
                "and w⁴, which is flat at 0, has chords above it everywhere",
                equation("w⁴", gap(1, 0, 0, 0), 6 * w**2 * apart**2 + apart**4, ran=[E]),
            ),
        ),
        source="wording",
    )  # fmt: skip


@claim(
    "O1d",
    slide=derived(CONVEX),
    formula=r"v^{\top} \nabla^2 \left( \frac{1}{B} \sum_i (o_i - y_i)^2 \right) v = \frac{2}{B} \sum_i v_i^2, \quad v^{\top} \nabla^2 \mathrm{BCE} \, v = \frac{1}{B} \sum_i \sigma(z_i)(1 - \sigma(z_i)) v_i^2",
    words="The losses that the lecture trains with are convex in the network's outputs: squared error, logistic loss and softmax cross-entropy; in its weights they are not.",
    method="the engine's second derivatives of the library's losses along any direction: sums of squares with weights "
    "that are not negative",
    runs=[F.squared_error, F.binary_cross_entropy_with_logits, F.cross_entropy],
)
def losses() -> list[Finding]:
    o, target, v = arrays("o:B y:B v:B")
    z, labels, direction = arrays("z:B,C t:B,C u:B,C")
    rows = o.shape[0]
    p = ag.softmax(z, axis=1)
    off = direction - ag.sum(p * direction, axis=1, keepdims=True)
    softmax = ag.sum(direction * ag.hvp(lambda z: F.cross_entropy(z, labels))(z, direction))
    squares = ag.sum(v * ag.hvp(lambda o: F.squared_error(o, target))(o, v))
    logistic = ag.sum(v * ag.hvp(lambda o: F.binary_cross_entropy_with_logits(o, target))(o, v))
    s = ag.sigmoid(o)
    x, weights, along = sympy.symbols("x w1 w2", real=True)
    return [
        Finding(
            "squared error, at every size",
            prove.equal(squares, 2 * ag.sum(v * v) / rows, wrt=[o, target, v]),
        ),
        Finding(
            "logistic loss, at every size",
            prove.equal(logistic, ag.sum(s * (1 - s) * v * v) / rows, wrt=[o, target, v]),
        ),
        Finding(
            "softmax cross-entropy with any targets of 0 or more, at every size",
            prove.equal(
                softmax,
                ag.sum(ag.sum(labels, axis=1, keepdims=True) * p * off * off) / rows,
                wrt=[z, labels, direction],
            ),
        ),
        Finding(
            "in the weights of a network it is not: (w₁w₂x)² has the determinant −12(w₁w₂)²x⁴",
            equation(
                "O1d",
                _determinant(weights, along, x),
                -12 * (weights * along) ** 2 * x**4,
                ran=[PRODUCT],
            ),
        ),
    ]


def _bent(u: Any, v: Any, x: Any) -> Any:
    h = ag.hessian(
        lambda w: F.squared_error(ag.reshape(w[0] * w[1] * x, (1, 1)), ag.reshape(0 * x, (1, 1)))
    )(ag.stack([u, v]))
    return h[0, 0], h[0, 1], h[1, 0], h[1, 1]


PRODUCT = OnSymbols(_bent)


def _determinant(u: sympy.Expr, v: sympy.Expr, x: sympy.Expr) -> sympy.Expr:
    i, j, k, m = PRODUCT(u, v, x)
    return i * m - j * k
