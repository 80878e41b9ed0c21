"""Quickprop: a secant for each weight, its printed sign, and what its quotient is when weights are coupled."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.quickprop import Quickprop

QUICKPROP, SECOND = "QuickProp", "QuickProp: Modification 2"

a, b, c, d, p, q, x, y, u, v = sympy.symbols("a11 a12 a22 d b1 b2 w1 w2 u v", real=True)
w, w_old, slope, slope_old = sympy.symbols("w w_old e e_old", real=True)
eta, epsilon, mu = sympy.symbols("eta epsilon mu", positive=True)


def _rule(safeguard: bool, limited: bool = False) -> OnSymbols:
    """One weight's update: ``(w, E', E'_old, Δw, η, ε, μ) -> (w, E', Δw)``."""

    def update(w: Any, g: Any, slope: Any, moved: Any, eta: Any, epsilon: Any, mu: Any) -> Any:
        return Quickprop.update(
            w, g, slope, moved, step=2, lr=eta, descent=epsilon, safeguard=safeguard,
            mu=mu if limited else None,
        )  # fmt: skip

    return OnSymbols(update)


SAFE, PLAIN, LIMITED = _rule(True), _rule(False), _rule(True, limited=True)


def quadratic(x: Any, y: Any, a: Any, b: Any, c: Any, p: Any, q: Any) -> Any:
    """½ wᵀAw + wᵀ(p, q) in two weights, A = [[a, b], [b, c]]."""
    return a * x * x / 2 + b * x * y + c * y * y / 2 + p * x + q * y


SLOPES = OnSymbols(ag.grad(quadratic, argnums=(0, 1)))


def _secant() -> sympy.Expr:
    """Where the line through (w_old, e_old) and (w, e) is 0, by sympy."""
    at = sympy.Symbol("at", real=True)
    line = slope + (slope - slope_old) / (w - w_old) * (at - w)
    (found,) = sympy.solve(line, at)
    return found


def _run(rule: OnSymbols, matrix: Any, rounds: int, start: Any = (-2, 3)) -> list[tuple[Any, ...]]:
    """Gradients at two weights that are stepped at once, in rational numbers; ε = 3/10, μ = 7/4."""
    numbers = 1, sympy.Rational(3, 10), sympy.Rational(7, 4)
    at = [sympy.Rational(n) for n in start]
    kept: list[Any] = [(sympy.Integer(0),) * 2] * 2
    seen = [SLOPES(*at, *matrix, 0, 0)]
    for _ in range(rounds):
        new = [rule(w, g, *k, *numbers) for w, g, k in zip(at, seen[-1], kept, strict=True)]
        at, kept = [w for w, *_ in new], [k for _, *k in new]
        seen.append(SLOPES(*at, *matrix, 0, 0))
    return seen


def _near(seen: list[tuple[Any, ...]]) -> sympy.Expr:
    """1 if the last gradient is below a thousandth of the first, else 0."""
    first, last = (sum((e**2 for e in g), sympy.Integer(0)) for g in (seen[0], seen[-1]))
    return Step(first / 10**6 - last)


@claim(
    "O24",
    slide=QUICKPROP,
    formula=r"w^{(k+1)} = w^{(k)} - \left( \frac{E'(w^{(k)}) - E'(w^{(k-1)})}{\Delta w^{(k-1)}} \right)^{-1} E'(w^{(k)})",
    words="Quickprop's step is the secant's: to where the line through the last two derivatives is 0. On a quadratic with a diagonal A its second step arrives at the minimum.",
    assumptions=[
        "Δw⁽ᵏ⁻¹⁾ = w⁽ᵏ⁾ − w⁽ᵏ⁻¹⁾ ≠ 0, E'(w⁽ᵏ⁾) ≠ E'(w⁽ᵏ⁻¹⁾)",
        "A is diagonal (X33) where it arrives",
    ],
    method="the optimizer's rule on symbols, against the zero of the line as sympy solves for it; two updates of two "
    "weights on the engine's gradients",
    runs=[Quickprop.update],
)
def secant() -> list[Finding]:
    step, t = sympy.symbols("s t", positive=True)
    curve, other = sympy.symbols("a c", positive=True)
    # The derivative was e_old = e + D s, or e − D s, before a step of s down, or up.
    printed = w - eta * slope / ((slope - slope_old) / (w - w_old))

    def moved(
        name: str, rule: OnSymbols, g: Any, before: Any, way: Any, expected: Any, **at: Any
    ) -> Finding:
        got = rule(w, g, before, way, eta, epsilon, mu)
        names = ("w", "slope", "moved")
        there = dict(zip(names, (w + expected, g, expected), strict=True))
        return Finding(
            name, equation("Quickprop", dict(zip(names, got, strict=True)), there, ran=[rule], **at)
        )

    def at_secant(way: sympy.Expr, change: sympy.Expr) -> dict[Any, Any]:
        return {w_old: w - way, slope_old: slope - change}

    findings = [
        moved(
            f"by the rule, {words}",
            rule,
            slope,
            slope - change,
            way,
            printed.subs(at_secant(way, change)) - w,
        )
        for words, rule, way, change in (
            ("a step up and a slope that grows", SAFE, step, t),
            ("a step down and a slope that falls", SAFE, -step, -t),
            ("without the safeguard", PLAIN, step, t),
            ("without it, a quotient below 0", PLAIN, step, -t),
        )
    ]
    short = sympy.Symbol("m", positive=True)
    growth = mu * step
    zero = _secant()
    first = SLOPES(x, y, curve, 0, other, p, q)
    one = [SAFE(s, e, 0, 0, 1, epsilon, mu) for s, e in zip((x, y), first, strict=True)]
    lowest = sympy.solve(SLOPES(x, y, curve, 0, other, p, q), [x, y])
    positive = sympy.symbols("g h", positive=True)

    def second(sign: int) -> dict[str, sympy.Expr]:
        """The second update from a distance of g/a and h/c beyond the minimum, on either side of it."""
        away = dict(
            zip(
                (x, y),
                (lowest[s] + sign * g for s, g in zip((x, y), positive, strict=True)),
                strict=True,
            )
        )
        here = [s.subs(away) for s, *_ in one]
        slopes = SLOPES(*here, curve, 0, other, p, q)
        after = [
            SAFE(
                s,
                sympy.expand(e),
                sympy.expand(old.subs(away)),
                sympy.expand(way.subs(away)),
                1,
                epsilon,
                mu,
            )[0]
            for s, e, (_, old, way) in zip(here, slopes, one, strict=True)
        ]
        return dict(zip(("w1", "w2"), after, strict=True))

    return [
        Finding(
            "the printed formula with η = 1 is the zero of the line, as sympy finds it",
            equation("secant", printed.subs(eta, 1), zero),
            r"w^{(k+1)} = \frac{w^{(k-1)} E'_k - w^{(k)} E'_{k-1}}{E'_k - E'_{k-1}}",
        ),
        *findings,
        moved("a quotient below 0: plain descent", SAFE, slope, slope + t, step, -epsilon * slope),
        moved("no step before: plain descent", SAFE, slope, slope - t, 0, -epsilon * slope),
        moved("no change of slope: plain descent", PLAIN, slope, slope, step, -epsilon * slope),
        moved("no step before, without the safeguard", PLAIN, slope, slope - t, 0, -epsilon * slope),
        # g / (g − g_old) = −long/(η s), so that the secant's step is −η g s/(g − g_old) = long.
        moved(
            "Fahlman's limit: a secant's step that is longer than μ times the one before is cut",
            LIMITED, -(mu + short) * t / eta, -(mu + short) * t / eta - t, step, growth,
        ),
        moved(
            "and one that leads back",
            LIMITED, (mu + short) * t / eta, (mu + short) * t / eta - t, step, -growth,
        ),
        moved(
            "one that is shorter is not",
            LIMITED, -mu * t / (eta * (1 + short)), -mu * t / (eta * (1 + short)) - t, step, growth / (1 + short),
        ),
        *(
            Finding(
                f"with a diagonal A the second step arrives, from {side} the minimum",
                equation("arrives", second(sign), {"w1": lowest[x], "w2": lowest[y]}, ran=[SAFE, SLOPES]),
            )
            for side, sign in (("above", 1), ("below", -1))
        ),
    ]  # fmt: skip


@erratum(
    "X2",
    "SIGN",
    slide=QUICKPROP,
    formula=r"\Delta w^{(k)} = \frac{\Delta w^{(k-1)}}{\mathrm{Err}'(w^{(k)}) - \mathrm{Err}'(w^{(k-1)})} \mathrm{Err}'(w^{(k)}), \quad w^{(k+1)} = w^{(k)} - \Delta w^{(k)}",
    words="The last two lines take Δw with one sign and subtract it with the other: on a parabola the step doubles the distance to the minimum, where the line above them arrives.",
    assumptions=["any derivatives e₀, e₁, e₂, as those of a network are"],
    method="each reading of the two lines, for any derivatives, against the zero of the line through the last two "
    "points as sympy finds it; the corrected recursion under both signs of Δw, and by the optimizer's rule, which is "
    "run on two coupled weights in rational numbers",
    runs=[Quickprop.update],
)
def printed_sign() -> Erratum:
    w0, w1, e0, e1, e2 = sympy.symbols("w0 w1 e0 e1 e2", real=True)
    typical = {w0: 4, w1: 3, e0: 4, e1: 3, e2: 1}

    def secant_of(old: Any, new: Any, before: Any, now: Any) -> sympy.Expr:
        return _secant().subs(
            {w_old: old, w: new, slope_old: before, slope: now}, simultaneous=True
        )

    def followed(first: Any, sign: int, turned: int) -> tuple[sympy.Expr, sympy.Expr]:
        """w2 and w3: Δ ← turned · Δ e/(e − e'), w ← w + sign · Δ, from the first Δ."""
        step = turned * first / (e1 - e0) * e1
        w2 = w1 + sign * step
        return w2, w2 + sign * turned * step / (e2 - e1) * e2

    def against(got: tuple[sympy.Expr, sympy.Expr]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Both points, and where the secants lead."""
        w2, w3 = got
        return {"w2": w2, "w3": w3}, {
            "w2": secant_of(w0, w1, e0, e1),
            "w3": secant_of(w1, w2, e1, e2),
        }

    def reading(words: str, got: Any, formula: str = "") -> Finding:
        return Finding(words, equation("secant", *against(got), at=typical), formula)

    def corrected(words: str, got: Any, formula: str = "") -> Finding:
        return Finding(words, equation("secant", *against(got)), formula)

    after = sympy.Symbol("after", real=True)
    (unmoved,) = sympy.solve(w1 - (after - w1) - after, after)
    anew = w1 - (w1 - w0) / (e1 - e0) * e1
    curve, far = sympy.symbols("a w", positive=True)
    printed = far - (2 * far - far) / (curve * far - curve * 2 * far) * curve * far
    step, t = sympy.symbols("s t", positive=True)
    by_rule = PLAIN(w, slope, slope - t, step, 1, epsilon, mu)[0]
    matrix, rounds = (4, 1, 1), 8
    return Erratum(
        "SIGN",
        readings=(
            reading("the first Δw by the last line, w⁽⁰⁾ − w⁽¹⁾", followed(w0 - w1, -1, 1)),
            reading("the first Δw as on the line above, w⁽¹⁾ − w⁽⁰⁾", followed(w1 - w0, -1, 1)),
            reading(
                "Δw⁽ᵏ⁾ = w⁽ᵏ⁺¹⁾ − w⁽ᵏ⁾ throughout: the last line, solved, makes no step",
                (unmoved, unmoved),
                r"w^{(k+1)} = w^{(k)} - (w^{(k+1)} - w^{(k)})",
            ),
            reading(
                "Δw added, as on the line above",
                followed(w1 - w0, 1, 1),
                r"w^{(k+1)} = w^{(k)} + \Delta w^{(k)}",
            ),
        ),
        correction=(
            corrected(
                "the difference turned round, Δw⁽ᵏ⁾ = w⁽ᵏ⁺¹⁾ − w⁽ᵏ⁾ added",
                followed(w1 - w0, 1, -1),
                r"\Delta w^{(k)} = \frac{\Delta w^{(k-1)}}{\mathrm{Err}'(w^{(k-1)}) - \mathrm{Err}'(w^{(k)})} \mathrm{Err}'(w^{(k)})",
            ),
            corrected("or, with the other sign, subtracted", followed(w0 - w1, -1, -1)),
            corrected(
                "or w⁽ᵏ⁾ − w⁽ᵏ⁻¹⁾ written in every step, in place of a Δw that was subtracted",
                (anew, anew - (anew - w1) / (e2 - e1) * e2),
                r"w^{(k+1)} = w^{(k)} - \frac{w^{(k)} - w^{(k-1)}}{\mathrm{Err}'(w^{(k)}) - \mathrm{Err}'(w^{(k-1)})} \mathrm{Err}'(w^{(k)})",
            ),
            Finding(
                "the optimizer's rule",
                equation("secant", by_rule, secant_of(w - step, w, slope - t, slope), ran=[PLAIN]),
            ),
            Finding(
                "as printed, from 2w to w on a parabola, and then to 2w",
                equation("doubled", printed, 2 * far),
            ),
            Finding(
                f"corrected, with Fahlman's limit, A = [[4, 1], [1, 1]] from (−2, 3): near after {rounds} updates",
                equation("near", _near(_run(LIMITED, matrix, rounds)), 1, ran=[LIMITED, SLOPES]),
            ),
        ),
        source="mathematics",
    )


@erratum(
    "X33",
    "ASSUME",
    slide=SECOND,
    formula=r"D(w_i^k, w_i^{k-1}) = \frac{E'(w_i^k) - E'(w_i^{k-1})}{w_i^k - w_i^{k-1}} \approx E''(w_i^k | w_j^k, j \neq i)",
    words="The quotient is the second derivative of a quadratic only if one weight moves at a time or A is diagonal: where the other moves too it is a₁₁ + a₁₂ v/u, of any sign.",
    assumptions=["E = ½ wᵀAw + wᵀb in two weights, which move by u and v"],
    method="engine's gradients before and after; the quotient by which the optimizer's rule steps, −E'/Δw, without "
    "its safeguard",
    runs=[Quickprop.update],
)
def coupled_quotient() -> Erratum:
    step, more = sympy.symbols("u s", positive=True)

    def quotient(matrix: Any, way: Any, other: Any) -> sympy.Expr:
        """From the engine's gradients at (x, y) and at (x + way, y + other)."""
        before, after = (SLOPES(*at, *matrix, p, q)[0] for at in ((x, y), (x + way, y + other)))
        return sympy.expand(after - before) / way

    def by_rule(matrix: Any, way: Any, other: Any) -> sympy.Expr:
        """The step of the rule, of 1 from a derivative there of −1: 1/quotient."""
        change = sympy.expand(quotient(matrix, way, other) * way)
        return PLAIN(0, -1, -1 - change, way, 1, epsilon, mu)[2]

    coupled, diagonal = (a, b, c), (a, 0, c)
    example = {a: 1, b: sympy.Rational(1, 2), step: 1, v: -4}
    negative = quotient(coupled, step, v).subs(example)
    curve, off = sympy.symbols("a11 a12", positive=True)
    ran = [SLOPES]
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "for any A",
                equation("quotient", quotient(coupled, step, v), a, ran=ran, at=example),
            ),
            Finding(
                "for a diagonal A", equation("quotient", quotient(diagonal, step, v), a, ran=ran)
            ),
            Finding(
                "one weight at a time", equation("quotient", quotient(coupled, step, 0), a, ran=ran)
            ),
        ),
        correction=(
            Finding(
                "what it is",
                equation("quotient", quotient(coupled, step, v), a + b * v / step, ran=ran),
                r"\frac{E'(w_1 + u, w_2 + v) - E'(w_1, w_2)}{u} = a_{11} + a_{12} \frac{v}{u}",
            ),
            Finding(
                "the optimizer's rule steps by it",
                equation(
                    "step",
                    by_rule((curve, off, c), step, more),
                    1 / (curve + off * more / step),
                    ran=[PLAIN, SLOPES],
                ),
            ),
            Finding(
                "A = [[1, ½], [½, 1]], u = 1, v = −4: it is −1, for a positive definite A",
                equation("quotient", negative, -1, ran=ran),
            ),
        ),
        source="an assumption",
    )
