"""How step sizes should shrink: the slides' schedules, the two sums, and what follows from them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.assumed import Fact
from autograd_core.symbolic.atoms import Floor, Step as Positive
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.decide import PROVED, UNDECIDED
from autograd_core.symbolic.equations import OnSymbols, equation
from autograd_core.symbolic.verdict import LeafVerdict, Verdict

from ..optimizers.sgd import SGD
from ..schedules import Constant, Exponential, Linear, Power, Quadratic, Step
from . import growth
from .quadratic import descend
from .step_sizes import conditions

WHEN = "When does SGD work"
DECAY = "Decaying learning rate"

k = sympy.Symbol("k", integer=True, nonnegative=True)
eta, beta, t, u = sympy.symbols("eta_0 beta t u", positive=True)
n = sympy.Symbol("n", integer=True, positive=True)


def _with(**numbers: Any) -> Any:
    """What a schedule's formula reads its numbers of, where they are symbols."""
    return SimpleNamespace(**numbers)


# The library's own formulas, for every value of their numbers.
LINEAR = OnSymbols(lambda k, eta: Linear.__call__(_with(initial=eta), k))
QUADRATIC = OnSymbols(lambda k, eta: Quadratic.__call__(_with(initial=eta), k))
EXPONENTIAL = OnSymbols(lambda k, eta, beta: Exponential.__call__(_with(initial=eta, beta=beta), k))
CONSTANT = OnSymbols(lambda k, eta: Constant.__call__(_with(value=eta), k))
POWER = OnSymbols(lambda k, eta, p: Power.__call__(_with(initial=eta, power=p), k))
STAGES = OnSymbols(
    lambda k, eta, n, alpha: Step.__call__(_with(initial=eta, every=n, factor=alpha), k)
)


def sums(words: str, formula: sympy.Expr, infinite: bool, finite: bool, tex: str = "") -> Finding:
    """That Σ η_k = ∞, or not, and Σ η_k² < ∞, or not; with the argument as what is used."""
    found = conditions(formula, k)
    wanted = (infinite, finite)
    meets = [
        c.status == (PROVED if w else "REFUTED")
        for c, w in zip((found.steps, found.squares), wanted, strict=True)
    ]
    status = PROVED if all(meets) else UNDECIDED
    leaves = {
        c.statement: LeafVerdict(PROVED if meet else UNDECIDED, (), 1, "" if meet else c.argument)
        for c, meet in zip((found.steps, found.squares), meets, strict=True)
    }
    texts = tuple(dict.fromkeys(c.argument for c in (found.steps, found.squares)))
    scope = equation("", formula, formula).every
    facts = tuple(Fact("given", (text,)) for text in texts)
    return Finding(words, Verdict(words, status, scope, leaves, facts=facts, every=scope), tex)


def added(formula: sympy.Expr) -> sympy.Expr:
    """Σ over all k, as sympy adds it up; of a geometric series by its ratio, between 0 and 1."""
    ratio = sympy.simplify(formula.subs(k, k + 1) / formula)
    if ratio.free_symbols & {k} or growth.sign(1 - ratio) <= 0:
        return sympy.summation(formula, (k, 0, sympy.oo))
    q = sympy.Symbol("q", positive=True)
    total = sympy.piecewise_fold(sympy.summation(formula.subs(k, 0) * q**k, (k, 0, sympy.oo)))
    return total.args[0][0].subs(q, ratio)  # sympy's case |q| < 1


@claim(
    "O18",
    slide=DECAY,
    formula=r"\sum_k \frac{\eta_0}{k+1} = \infty, \quad \sum_k \frac{\eta_0^2}{(k+1)^2} = \frac{\pi^2}{6} \eta_0^2, \quad \sum_k \frac{\eta_0}{(k+1)^2} = \frac{\pi^2}{6} \eta_0, \quad \sum_k \eta_0 e^{-\beta k} = \frac{\eta_0}{1 - e^{-\beta}}",
    words="Of the slides' schedules linear decay alone meets both conditions: quadratic and exponential decay and lowering on plateaus fail the first, a constant rate the second.",
    assumptions=["η0 > 0, β > 0, 0 < α < 1", "a plateau lasts n updates at most"],
    method="each schedule's own formula on symbols, held between scales of which the sums are known; "
    "where the sum is finite, what sympy adds it up to",
    runs=[
        Linear.__call__,
        Quadratic.__call__,
        Exponential.__call__,
        Constant.__call__,
        Step.__call__,
    ],
)
def decays() -> list[Finding]:
    alpha = 1 / (1 + t)  # between 0 and 1, and any number there
    (linear,), (quadratic,) = LINEAR(k, eta), QUADRATIC(k, eta)
    (exponential,) = EXPONENTIAL(k, eta, beta)
    (constant,), (stages,) = CONSTANT(k, eta), STAGES(k, eta, n, alpha)
    (stage,) = STAGES(n * k, eta, n, alpha)  # the rate of stage k; the whole part of k is k
    stage = stage.xreplace({Floor(k): k})
    zeta = sympy.pi**2 / 6
    # With q for e^(−β), which sympy adds up: any number between 0 and 1.
    (by_ratio,) = EXPONENTIAL(k, eta, sympy.log(1 + t))
    return [
        sums("linear decay meets both", linear, True, True, r"\sum \eta_k = \infty, \sum \eta_k^2 < \infty"),
        Finding(
            "the sum of its squares",
            equation("Σ η²", added(linear**2), zeta * eta**2, ran=[LINEAR]),
            r"\sum_k \frac{\eta_0^2}{(k+1)^2} = \frac{\pi^2}{6} \eta_0^2",
        ),
        sums("quadratic decay fails the first", quadratic, False, True, r"\sum \eta_k < \infty"),
        Finding(
            "its steps add up to no more than this",
            equation("Σ η", added(quadratic), zeta * eta, ran=[QUADRATIC]),
            r"\sum_k \frac{\eta_0}{(k+1)^2} = \frac{\pi^2}{6} \eta_0",
        ),
        sums("exponential decay fails the first", exponential, False, True, r"\sum \eta_k < \infty"),
        Finding(
            "its steps add up to no more than this, with e^(−β) = 1/(1 + t)",
            equation("Σ η", added(by_ratio), eta / (1 - alpha), ran=[EXPONENTIAL]),
            r"\sum_k \eta_0 e^{-\beta k} = \frac{\eta_0}{1 - e^{-\beta}}",
        ),
        sums("a constant rate fails the second", constant, True, False, r"\sum \eta_k^2 = \infty"),
        sums(
            "lowered after n updates each time, it fails the first; shorter plateaus leave terms out",
            stages, False, True, r"\sum \eta_k < \infty",
        ),
        Finding(
            "the steps of plateaus of n updates add up to no more than this",
            equation("Σ η", n * added(stage), n * eta / (1 - alpha), ran=[STAGES]),
            r"\sum_k \eta_0 \alpha^{\lfloor k/n \rfloor} = \frac{n \eta_0}{1 - \alpha}",
        ),
    ]  # fmt: skip


@claim(
    "O18b",
    slide=derived(WHEN),
    formula=r"\sum_k k^{-p} = \infty, \ \sum_k k^{-2p} < \infty \quad \Leftrightarrow \quad \frac{1}{2} < p \le 1",
    words="Among powers of the count both conditions are met for ½ < p ≤ 1, and for no other p.",
    method="the schedule's own formula on symbols, range by range: 1/(1 + t) is any number between 0 and 1",
    runs=[Power.__call__],
)
def powers() -> list[Finding]:
    def of(words: str, p: Any, infinite: bool, finite: bool) -> Finding:
        (formula,) = POWER(k, eta, p)
        return sums(words, formula, infinite, finite)

    half = sympy.Rational(1, 2)
    return [
        of("½ < p < 1: both", half + half / (1 + t), True, True),
        of("p = 1: both", sympy.Integer(1), True, True),
        of("p > 1: not the first", 1 + t, False, True),
        of("p = ½: not the second", half, True, False),
        of("0 < p < ½: not the second", half / (1 + t), True, False),
    ]


@erratum(
    "X11",
    "CLAIM",
    slide=WHEN,
    formula=r"\text{the fastest converging series that satisfies both: } \eta_k \propto \frac{1}{k}",
    words="1/(k log k) satisfies both conditions and falls faster than 1/k; 1/k is the fastest power.",
    method="both conditions for 1/((k + 2) ln(k + 2)), and how its ratio to 1/(k + 1) falls; the "
    "powers by the schedule's own formula",
    runs=[Power.__call__, Linear.__call__],
)
def fastest() -> Erratum:
    s = k + 2
    (ours,) = LINEAR(k, sympy.S.One)
    faster = 1 / (s * sympy.log(s))
    exponent = 1 / (1 + t)
    (slower,) = POWER(k, sympy.S.One, sympy.Rational(1, 2) + exponent / 2)
    (too_fast,) = POWER(k, sympy.S.One, 1 + t)
    (one,) = POWER(k, sympy.S.One, sympy.S.One)
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "no series that satisfies both is below 1/(k + 1), as 1/((k + 2) ln(k + 2)) is at k = 2",
                equation("below", Positive(ours - faster), 0, ran=[LINEAR], at={k: 2}),
            ),
            Finding(
                "no power that satisfies both is below 1/(k + 1): it is the power 1",
                equation("the power", one, ours, ran=[POWER, LINEAR]),
            ),
            sums("a larger power does not satisfy both", too_fast, False, True),
            sums("a smaller one above ½ does, and falls more slowly", slower, True, True),
        ),
        correction=(
            sums(
                "1/(k log k) satisfies both",
                faster, True, True,
                r"\sum_k \frac{1}{k \ln k} = \infty, \quad \sum_k \frac{1}{k^2 \ln^2 k} < \infty",
            ),
            _vanishes(
                "and its ratio to 1/k tends to 0",
                faster / ours,
                r"\frac{1/(k \ln k)}{1/k} \rightarrow 0",
            ),
        ),
        source="mathematics: there is no fastest series",
    )  # fmt: skip


def _vanishes(words: str, formula: sympy.Expr, tex: str = "") -> Finding:
    """That an expression tends to 0."""
    try:
        found = growth.bounds(formula, k)
        small = found.zero or found.size.scale.compared(growth.Scale()) < 0
        argument = f"it is eventually {found}"
    except growth.Open as gap:
        small, argument = False, f"open is {gap}"
    status = PROVED if small else UNDECIDED
    leaf = LeafVerdict(status, (), 1, "" if small else argument)
    scope = equation("", formula, formula).every
    verdict = Verdict(
        words, status, scope, {"value": leaf}, facts=(Fact("given", (argument,)),), every=scope
    )
    return Finding(words, verdict, tex)


# --- what the two sums do not give ----------------------------------------------------------------


def _quartic(w: Any) -> Any:
    return w * w * w * w / 4


def _parabola(w: Any, a: Any) -> Any:
    return a * w * w / 2


def _saddle(x: Any, y: Any, d: Any) -> Any:
    """One sample's divergence: a saddle at (d, 0)."""
    return ((x - d) * (x - d) - y * y) / 2


def _of_samples(x: Any, y: Any, d: Any, eta: Any) -> Any:
    g, h = ag.grad(_saddle, argnums=(0, 1))(x, y, d)
    return descend(x, g, eta), descend(y, h, eta)


ON_QUARTIC = OnSymbols(lambda w, eta: descend(w, ag.grad(_quartic)(w), eta))
ON_PARABOLA = OnSymbols(lambda w, a, eta: descend(w, ag.grad(_parabola)(w, a), eta))
ON_SADDLE = OnSymbols(_of_samples)


@erratum(
    "X38",
    "ASSUME",
    slide=WHEN,
    formula=r"\sum_k \eta_k = \infty, \ \sum_k \eta_k^2 < \infty \quad \Rightarrow \quad \text{convergence}",
    words="The two sums do not suffice: from w₁ = 2 descent on w⁴/4 with η_k = 1/k diverges. They do where the slope grows no faster than the distance.",
    method="the optimizer's rule on the engine's slope, by induction: if |w_k| ≥ k + 1 then "
    "|w_(k+1)| ≥ k + 2, with k = m + 1 and |w_k| = k + 1 + s; on a parabola the factor of each step",
    runs=[SGD.update, Linear.__call__],
)
def two_sums_are_not_enough() -> Erratum:
    m, s, a = (
        sympy.Symbol("m", nonnegative=True),
        sympy.Symbol("s", nonnegative=True),
        sympy.Symbol("a", positive=True),
    )
    (rate,) = LINEAR(k, sympy.S.One)
    (first,) = ON_QUARTIC(2, LINEAR(0, 1)[0])
    count = m + 1
    size = count + 1 + s
    (step_size,) = LINEAR(m, sympy.S.One)  # η_k = 1/k from k = 1 on
    beyond = {}
    for name, side in (("from the right", 1), ("from the left", -1)):
        (after,) = ON_QUARTIC(side * size, step_size)
        # |w_(k+1)| − (k + 2), times k: what sympy multiplies out has no negative term.
        beyond[name] = sympy.expand(sympy.cancel((-side * after - (count + 2)) * count))
    least = sympy.expand((m + 2 + s) * ((m + 2 + s) ** 2 - (m + 1)) - (m + 3) * (m + 1))
    positive = all(c > 0 for c in sympy.Poly(least, m, s).coeffs())
    (on_parabola,) = ON_PARABOLA(u, a, 1 / (a * (k + 1)))
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "for any E: the first step of descent on w⁴/4 from 2 does not lead away",
                equation("away", Positive(first**2 - sympy.Symbol("w", real=True) ** 2), 0,
                         ran=[ON_QUARTIC, LINEAR], at={sympy.Symbol("w", real=True): 2}),
            ),
            Finding(
                "on a parabola, with η_k = 1/(a(k + 1)): the error's factor is k/(k + 1), between 0 and 1",
                equation("factor", on_parabola, k / (k + 1) * u, ran=[ON_PARABOLA]),
            ),
            _vanishes("and the product of these, 1/(k + 1), tends to 0", 1 / (k + 1)),
        ),
        correction=(
            sums("1/k satisfies both", rate, True, True),
            Finding(
                "induction: k (|w_(k+1)| − (k + 2)) is a polynomial in m ≥ 0 and s ≥ 0 "
                + ("with positive coefficients alone" if positive else "of unknown sign"),
                equation(
                    "k (|w_(k+1)| − (k + 2))",
                    beyond,
                    dict.fromkeys(beyond, least if positive else least + 1),
                    ran=[ON_QUARTIC, LINEAR],
                ),
                r"|w_k| \ge k + 1 \ \Rightarrow \ |w_{k+1}| = |w_k| \left( \frac{w_k^2}{k} - 1 \right) \ge k + 2",
            ),
            Finding(
                "it begins: |w_1| = 2, and w_2 = −6",
                equation("w_2", first, -6, ran=[ON_QUARTIC, LINEAR]),
            ),
        ),
        source="an assumption: a bound on the slope, as in Robbins and Monro",
    )  # fmt: skip


@erratum(
    "X39",
    "CLAIM",
    slide=WHEN,
    formula=r"\text{for non-convex losses SGD converges to a local minimum}",
    words="SGD can end on a saddle: from any point of the line y = 0 all samples lead to (x*, 0) and none away from it; every other start is led away.",
    assumptions=["each sample's divergence is ½(x − d)² − ½y², whose mean has a saddle"],
    method="the optimizer's rule on the engine's gradient of one sample",
    runs=[SGD.update, Linear.__call__],
)
def ends_on_a_saddle() -> Erratum:
    x, y, d = sympy.symbols("x y d", real=True)
    (rate,) = LINEAR(k, eta)
    _, after = ON_SADDLE(x, y, d, rate)
    _, stays = ON_SADDLE(x, 0, d, rate)
    along, _ = ON_SADDLE(x, y, d, rate)
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "from every start a step leads away from the line y = 0, as towards a minimum it must",
                equation("away", Positive(after**2 - y**2), 1, ran=[ON_SADDLE, LINEAR],
                         at={x: 1, y: 0, d: 0, k: 1, eta: 1}),
            ),
            Finding(
                "from y ≠ 0 it does: the distance is multiplied by 1 + η_k",
                equation("factor", after, (1 + rate) * y, ran=[ON_SADDLE, LINEAR]),
            ),
            sums("and these factors' product is infinite, as Σ η_k is", rate, True, True),
        ),
        correction=(
            Finding(
                "on the line it stays there, whatever the sample",
                equation("stays", stays, 0, ran=[ON_SADDLE, LINEAR]),
                r"y = 0 \ \Rightarrow \ y - \eta_k \nabla_y \mathrm{Div} = 0",
            ),
            Finding(
                "while x goes to the mean of the samples as on any parabola",
                equation("along", along, (1 - rate) * x + rate * d, ran=[ON_SADDLE, LINEAR]),
            ),
        ),
        source="too strong: for almost every start",
    )  # fmt: skip


# --- SGD on a parabola with noise -----------------------------------------------------------------


def expected(square: sympy.Expr, noise: sympy.Symbol, variance: sympy.Expr) -> sympy.Expr:
    """The mean of a polynomial of second degree in noise of mean 0."""
    poly = sympy.Poly(sympy.expand(square), noise)
    if poly.degree() > 2:
        raise ValueError(f"{square} is of degree {poly.degree()} in {noise}")
    return poly.coeff_monomial(1) + poly.coeff_monomial(noise**2) * variance


NOISY = OnSymbols(lambda e, a, xi, eta: descend(e, ag.grad(_parabola)(e, a) + xi, eta))
a, sigma = sympy.symbols("a sigma", positive=True)
m = sympy.Symbol("m", nonnegative=True)  # E e²


def mean_square(step_size: sympy.Expr, before: sympy.Expr = m) -> sympy.Expr:
    """E e² after a step of the optimizer's rule, from E e² before it; ξ has mean 0, variance σ²."""
    e, xi = sympy.symbols("e xi", real=True)
    (after,) = NOISY(e, a, xi, step_size)
    mean = sympy.Poly(sympy.expand(expected(after**2, xi, sigma**2)), e)
    return mean.coeff_monomial(1) + mean.coeff_monomial(e**2) * before


@erratum(
    "X49",
    "ASSUME",
    slide=WHEN,
    formula=r"\eta_k \propto \frac{1}{k} \text{ is the optimal rate of shrinking the step size for strongly convex functions}",
    words="c/k is optimal only for c > 1/(2a): with c = 1/(4a) the error on a parabola falls more slowly than 1/k, however long it runs.",
    assumptions=["E = ½ a e², a > 0", "noise of mean 0 and variance σ²"],
    method="k E e_k² along the recursion of the optimizer's rule: with c = 1/(4a) each step multiplies it by more than "
    "1 + 1/(4k) from k = 2 on, whose product is infinite; with c = (1 + t)/(2a) it stays below 2c²σ²/t once it is, from k = 2(ac)²/t on",
    runs=[SGD.update],
)
def only_for_large_c() -> Erratum:
    s = sympy.Symbol("s", nonnegative=True)
    count = 2 + s
    slow = mean_square(1 / (4 * a * count))
    grown = (count + 1) * slow  # (k + 1) E e_(k+1)², where k E e_k² = k m
    # What it is more than (1 + 1/(4k)) k m, times 16 k²: no term of it is negative.
    more = sympy.expand(sympy.cancel((grown - (1 + 1 / (4 * count)) * count * m) * 16 * count**2))
    least = sympy.expand(
        ((count + 1) * (4 * count - 1) ** 2 - 4 * count**2 * (4 * count + 1)) * m
        + (count + 1) * sigma**2 / a**2
    )
    known = all(c > 0 for c in sympy.Poly(sympy.expand(least * a**2), s, m, sigma, a).coeffs())
    # c = (1 + t)/(2a); a bound C/k with C = 2c²σ²/t, at k = 2(ac)²/t (1 + s).
    ac = (1 + t) / 2
    c = ac / a
    bound = 2 * c**2 * sigma**2 / t
    late = 2 * ac**2 / t * (1 + s)
    gap = bound / (late + 1) - mean_square(c / late, bound / late)
    over, under = sympy.fraction(sympy.together(sympy.factor(gap)))
    room = sympy.expand(over) / sympy.expand(under)
    fine = growth_sign(room)
    limit = sympy.Symbol("c", positive=True)
    value = limit**2 * sigma**2 / (2 * a * limit - 1)  # of k E e_k², for c > 1/(2a)
    (best,) = [r for r in sympy.solve(sympy.diff(value, limit), limit) if r != 0]
    tried = {s: 0, a: 1, m: 1, sigma: 1}
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "for any c: a step does not raise k E e_k², at c = 1/(4a)",
                equation("raised", Positive(grown - count * m), 0, ran=[NOISY], at=tried),
            ),
            Finding(
                "for c > 1/(2a): what is below C/k is below C/(k + 1) after a step, by this much, "
                + ("which is positive" if fine > 0 else "of unknown sign"),
                equation("room", gap, room if fine > 0 else room + 1, ran=[NOISY]),
            ),
        ),
        correction=(
            Finding(
                "c = 1/(4a), k ≥ 2: k E e_k² is multiplied by more than 1 + 1/(4k), by this much, "
                + ("of which no term is negative" if known else "of unknown sign"),
                equation("grows", more, least if known else least + 1, ran=[NOISY]),
                r"(k+1) E e_{k+1}^2 \ge \left( 1 + \frac{1}{4k} \right) k E e_k^2",
            ),
            sums("and the product of these factors is infinite, as Σ 1/(4k) is", 1 / (4 * (k + 1)), True, True),
            Finding(
                "of the limits c²σ²/(2ac − 1) for c > 1/(2a) the least is that of c = 1/a, which sympy finds",
                equation("best", {"c": best, "limit": value.subs(limit, best)},
                         {"c": 1 / a, "limit": sigma**2 / a**2}),
                r"c = \frac{1}{a}: \ k E e_k^2 = \frac{\sigma^2}{a^2}",
            ),
        ),
        source="an assumption: c large enough for the curvature, which one does not know",
    )  # fmt: skip


def growth_sign(x: sympy.Expr) -> int:
    """1 if all terms of numerator and denominator are positive, else 0."""
    over, under = sympy.fraction(x)
    parts = [sympy.Poly(e, *sorted(e.free_symbols, key=str)).coeffs() for e in (over, under)]
    return int(all(c > 0 for part in parts for c in part))


# --- rates ---------------------------------------------------------------------------------------


@claim(
    "O22",
    slide="Batch gradient convergence",
    formula=r"c^k = \varepsilon \ \Leftrightarrow \ k = \frac{\log(1/\varepsilon)}{\log(1/c)} = O\left( \log \frac{1}{\varepsilon} \right)",
    words="Linear convergence gives an error of ε in O(log 1/ε) iterations: on a parabola, where the error is (1 − ηa)^k, in log(1/ε)/log(1/c).",
    assumptions=["0 < c < 1, here c = 1 − ηa = 1/(1 + t)"],
    method="the error after k steps of the optimizer's rule, solved by sympy; k solved for the error ε",
    runs=[SGD.update],
)
def iterations_to_epsilon() -> list[Finding]:
    eps = sympy.Symbol("epsilon", positive=True)
    (after,) = ON_PARABOLA(u, a, t / (a * (1 + t)))
    c = sympy.simplify(sympy.diff(after, u))
    y, count = sympy.Function("y"), sympy.Symbol("K", positive=True)
    error = sympy.rsolve(y(k + 1) - c * y(k), y(k), {y(0): 1})
    (needed,) = sympy.solve(
        sympy.log(error.subs(k, count)).expand(force=True) - sympy.log(eps), count
    )
    return [
        Finding("the error after k steps", equation("error", error, (1 / (1 + t)) ** k, ran=[ON_PARABOLA])),
        Finding(
            "the iterations to ε, as sympy solves for them",
            equation("k", needed, sympy.log(1 / eps) / sympy.log(1 + t), ran=[ON_PARABOLA]),
            r"k = \frac{\log(1/\varepsilon)}{\log(1/c)}",
        ),
        Finding(
            "halving ε once more costs log 2/log(1/c) more, whatever it was",
            equation("more", needed.subs(eps, eps / 2) - needed, sympy.log(2) / sympy.log(1 + t), ran=[ON_PARABOLA]),
        ),
    ]  # fmt: skip


@erratum(
    "X13",
    "CLAIM",
    slide="Convergence and convergence rate",
    formula=r"R \text{ constant (or upper bounded)}: \quad |f(x^{(k)}) - f(x^*)| = c^k |f(x^{(0)}) - f(x^*)|",
    words="The equality holds for a constant R only; if R is bounded by c, the error is at most c^k times the first, and c has to be below 1.",
    method="R of the optimizer's steps on w⁴/4, where it is not constant, and on a parabola, where it is; a step "
    "with R = c − s, s ≥ 0",
    runs=[SGD.update],
)
def bounded_rate() -> Erratum:
    w, s = sympy.Symbol("w", positive=True), sympy.Symbol("s", nonnegative=True)
    bound, error = sympy.symbols("c f", positive=True)
    step = sympy.Rational(1, 4)

    def ratio(x: sympy.Expr) -> sympy.Expr:
        return (ON_QUARTIC(x, step)[0] / x) ** 4

    (after,) = ON_QUARTIC(w, step)
    second = ON_QUARTIC(after, step)[0]
    (line,) = ON_PARABOLA(w, a, eta)
    (twice,) = ON_PARABOLA(line, a, eta)
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "R ≤ 1 on w⁴/4 near its optimum, and the error after two steps is R² times the first",
                equation("two steps", second**4 / 4, ratio(w) ** 2 * w**4 / 4, ran=[ON_QUARTIC], at={w: 1}),
            ),
            Finding(
                "where R is constant, as on a parabola, it is R² times the first",
                equation("two steps", a * twice**2 / 2, (1 - eta * a) ** 4 * a * w**2 / 2, ran=[ON_PARABOLA]),
            ),
        ),
        correction=(
            Finding(
                "a step with R = c − s leaves c f − R f = s f ≥ 0: by induction at most c^k times the first",
                equation("at most", bound * error - (bound - s) * error, s * error),
                r"R \le c \ \Rightarrow \ |f(x^{(k)}) - f(x^*)| \le c^k |f(x^{(0)}) - f(x^*)|",
            ),
            Finding(
                "and for c < 1 that is below any ε: c = 1/(1 + t)",
                _vanishes("", (1 / (1 + t)) ** k).verdict,
                r"c < 1",
            ),
        ),
        source="wording",
    )  # fmt: skip


@erratum(
    "X14",
    "BOUNDARY",
    slide="Batch gradient convergence",
    formula=r"|W^{(k)} - W^*| < c^k |W^{(0)} - W^*|",
    words="The inequality is false at k = 0, where both sides are equal, and at a start in the optimum; ≤ holds.",
    assumptions=["a parabola, with c above the error's factor"],
    method="the distance before and after steps of the optimizer's rule, with 1 − ηa = 1/(1 + t), c = 1 − ηa + s",
    runs=[SGD.update],
)
def strict_at_the_start() -> Erratum:
    s = sympy.Symbol("s", positive=True)
    start = sympy.Symbol("e", positive=True)
    rate = t / (a * (1 + t))
    (after,) = ON_PARABOLA(start, a, rate)
    c = 1 / (1 + t) + s

    def less(power: Any, error: sympy.Expr) -> sympy.Expr:
        return Positive(c**power * start - error)

    (at_optimum,) = ON_PARABOLA(0, a, rate)
    tried = {t: 1, s: 1, start: 1, a: 1}
    return Erratum(
        "BOUNDARY",
        readings=(
            Finding(
                "at k = 0",
                equation("strictly", less(0, start), 1, ran=[ON_PARABOLA], at=tried),
            ),
            Finding(
                "at k = 1, away from the optimum: c|e| − |e after| is s|e| > 0",
                equation("strictly", c * start - after, s * start, ran=[ON_PARABOLA]),
            ),
        ),
        correction=(
            Finding(
                "at k = 0 they are equal",
                equation("equal", c**0 * start, start, ran=[ON_PARABOLA]),
                r"|W^{(k)} - W^*| \le c^k |W^{(0)} - W^*|",
            ),
            Finding(
                "and so they are in the optimum, where every step stays",
                equation("equal", at_optimum, 0, ran=[ON_PARABOLA]),
            ),
        ),
        source="wording",
    )  # fmt: skip


def _bowl_with_walls(w: Any) -> Any:
    """½ w² + ¼ w⁴: strongly convex, with no bound on how steep it gets."""
    return w * w / 2 + w * w * w * w / 4


ON_WALLS = OnSymbols(lambda w, eta: descend(w, ag.grad(_bowl_with_walls)(w), eta))
CURVE_OF_WALLS = OnSymbols(ag.grad(ag.grad(_bowl_with_walls)))


@erratum(
    "X40",
    "ASSUME",
    slide="Batch gradient convergence",
    formula=r"|W^{(k)} - W^*| < c^k |W^{(0)} - W^*| \quad \text{for strongly convex functions}",
    words="Strong convexity does not suffice: on ½w² + ¼w⁴ descent with η = 1 takes w to −w³, away from 2. It does with a bound on the curvature too: within |w| ≤ r, η = 1/(1 + r²) leaves at most the part r²/(1 + r²) of w.",
    assumptions=["the optimum is 0, and its slope w + w³ is the engine's"],
    method="the optimizer's rule on the engine's slope, from the right and from the left; the curvature by the engine",
    runs=[SGD.update],
)
def strongly_convex_is_not_enough() -> Erratum:
    left = sympy.Symbol("left", nonnegative=True)  # 1 − |w|/r
    r = sympy.Symbol("r", positive=True)
    real = sympy.Symbol("w", real=True)
    (curve,) = CURVE_OF_WALLS(real)
    (first,) = ON_WALLS(2, 1)
    (anywhere,) = ON_WALLS(real, 1)
    (on_parabola,) = ON_PARABOLA(u, a, eta)
    factor = r**2 / (1 + r**2)
    inside = r / (1 + left)  # every |w| from 0, excluded, to r
    remains = {}
    for name, side in (("from the right", 1), ("from the left", -1)):
        (after,) = ON_WALLS(side * inside, 1 / (1 + r**2))
        remains[name] = sympy.factor(side * after)
    kept = inside * factor * (1 - 1 / (1 + left) ** 2)
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "for every strongly convex E and every η: a step with η = 1 from 2 does not lead away",
                equation("away", Positive(first**2 - real**2), 0, ran=[ON_WALLS], at={real: 2}),
            ),
            Finding(
                "on a parabola, of bounded curvature: each step leaves the part 1 − ηa of the error",
                equation("factor", on_parabola, (1 - eta * a) * u, ran=[ON_PARABOLA]),
            ),
        ),
        correction=(
            Finding(
                "it is strongly convex: the curvature is 1 + 3w², never below 1, and not bounded",
                equation("curvature", curve, 1 + 3 * real**2, ran=[CURVE_OF_WALLS]),
            ),
            Finding(
                "with η = 1 a step is the cube, turned round: beyond 1 it leads away, faster and faster",
                equation("step", anywhere, -(real**3), ran=[ON_WALLS]),
                r"w \to -w^3",
            ),
            Finding(
                "within |w| ≤ r and with η = 1/(1 + r²): |w after| = |w| · (r² − w²)/(1 + r²)",
                equation("after", remains, dict.fromkeys(remains, kept), ran=[ON_WALLS]),
                r"|w_{k+1}| = \frac{r^2 - w_k^2}{1 + r^2} |w_k| \le c |w_k|, \quad c = \frac{r^2}{1 + r^2} < 1",
            ),
            Finding(
                "of which c |w| − |w after| = |w|³/(1 + r²) is not negative",
                equation(
                    "what is less",
                    {name: factor * inside - value for name, value in remains.items()},
                    dict.fromkeys(remains, inside**3 / (1 + r**2)),
                    ran=[ON_WALLS],
                ),
            ),
        ),
        source="an assumption: a bound on the curvature, as in every proof of a linear rate",
    )


@erratum(
    "X20",
    "CLAIM",
    slide="Minibatch convergence",
    formula=r"O\left( \frac{1}{\sqrt{b k}} + \frac{1}{k} \right): \text{ we actually get a degradation of } \sqrt{b}",
    words="For equal numbers of gradients, n = bk, the bound of mini-batches is 1 + b/√n times that of SGD, which tends to 1: there is no degradation of √b.",
    assumptions=["the bounds are taken as printed"],
    method="the two bounds at equal costs, and how their ratio falls; per iteration they differ by √b",
    runs=[growth.bounds],
)
def no_degradation() -> Erratum:
    b = sympy.Symbol("b", positive=True)
    many = k + 1  # n, the gradients that are computed
    batches = many / b
    minibatch = 1 / sympy.sqrt(b * batches) + 1 / batches
    single = 1 / sympy.sqrt(many)
    steps = sympy.Symbol("K", positive=True)
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "at the same number of gradients the bound is √b times that of SGD: b = 4, n = 400",
                equation("ratio", minibatch / single, sympy.sqrt(b), at={b: 4, k: 399}),
            ),
            Finding(
                "at the same number of iterations the leading term is √b times better, for b times the gradients",
                equation("ratio", (1 / sympy.sqrt(steps)) / (1 / sympy.sqrt(b * steps)), sympy.sqrt(b)),
            ),
        ),
        correction=(
            Finding(
                "the ratio at the same number n of gradients",
                equation("ratio", minibatch / single, 1 + b / sympy.sqrt(many)),
                r"\left( \frac{1}{\sqrt{n}} + \frac{b}{n} \right) : \frac{1}{\sqrt{n}} = 1 + \frac{b}{\sqrt{n}}",
            ),
            _vanishes("and what it is above 1 tends to 0", b / sympy.sqrt(many), r"\frac{b}{\sqrt{n}} \rightarrow 0"),
        ),
        source="reasoning: b times the cost, against √b from b times the samples",
    )  # fmt: skip
