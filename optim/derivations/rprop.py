"""Rprop: the procedure, what is wrong with it as printed, and that corrected it descends coupled weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.rprop import Rprop

SIMPLIFIED = "Rprop (simplified)"

# The slides' numbers; ones that a reader can check the runs by.
ALPHA, BETA = sympy.Rational(6, 5), sympy.Rational(1, 2)
FLOOR, CEILING = sympy.Rational(1, 10**6), sympy.Integer(50)
MATRIX, START = (4, 1, 1), (-2, 3)  # a11, a12, a22
SHARE = sympy.Rational(1, 100)
ROUNDS = 24

w, g, alpha, beta, low, high = sympy.symbols("w D alpha beta Delta_min Delta_max", positive=True)
size = sympy.Symbol("Delta", positive=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)


def _rule(form: str, bounded: bool) -> OnSymbols:
    """One weight's update: ``(w, D, |Δw|, sign(prevD), kept, …) -> (w, |Δw|, sign(D), kept)``.

    kept is the loss of the update before, or, as printed, the sign of Δw.
    """

    def update(
        w: Any, g: Any, delta: Any, direction: Any, kept: Any, step: Any, loss: Any, delta0: Any,
        alpha: Any, beta: Any, low: Any, high: Any,
    ) -> Any:  # fmt: skip
        theta, delta, direction, *more = Rprop.update(
            w, g, delta, direction, kept if form in ("irprop+", "printed") else None, step=step,
            delta0=delta0, alpha=alpha, beta=beta, delta_min=low if bounded else None,
            delta_max=high if bounded else None, form=form, loss=loss if form == "irprop+" else None,
        )  # fmt: skip
        return theta, delta, direction, *(more or [kept])

    return OnSymbols(update)


PLUS, BOUNDED = _rule("rprop+", False), _rule("rprop+", True)
REVERSE, STAYING, COMPARED = (
    _rule("reverse", False),
    _rule("irprop-", False),
    _rule("irprop+", False),
)
PRINTED, PRINTED_BOUNDED = _rule("printed", False), _rule("printed", True)


def paraboloid(x: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
    """½ (x, y) A (x, y)ᵀ with A = [[a, b], [b, c]]."""
    return a * x * x / 2 + b * x * y + c * y * y / 2


def pulled(x: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
    """½ a (x − c)² + ½ b (y − x)²: y is pulled by x alone."""
    return a * (x - c) ** 2 / 2 + b * (y - x) ** 2 / 2


SURFACE, SLOPES = OnSymbols(paraboloid), OnSymbols(ag.grad(paraboloid, argnums=(0, 1)))
PULLED, PULL = OnSymbols(pulled), OnSymbols(ag.grad(pulled, argnums=(0, 1)))


class Run:
    """Two weights, stepped at once by the optimizer's rule, in rational numbers.

    Parameters
    ----------
    rule : OnSymbols
        One of those above.
    matrix : sequence of number
        Numbers of the surface.
    start : sequence of number
    pulled : bool
        Whether the surface is the second of those above.
    """

    def __init__(
        self, rule: OnSymbols, matrix: Any = MATRIX, start: Any = START, pulled: bool = False
    ) -> None:
        self._surface, self._slopes = (PULLED, PULL) if pulled else (SURFACE, SLOPES)
        self._rule, self._matrix = rule, matrix
        self.ran = [rule, self._slopes]
        self.at = [sympy.Rational(x) for x in start]
        self.kept: list[tuple[Any, ...]] = [(sympy.Integer(0),) * 3] * 2
        self._count = 0
        self._first = self._square()

    def slopes(self) -> tuple[sympy.Expr, ...]:
        """The gradient at the weights as they are."""
        return self._slopes(*self.at, *self._matrix)

    def _square(self) -> sympy.Expr:
        return sum((d**2 for d in self.slopes()), sympy.Integer(0))

    def rounds(self, count: int = ROUNDS, which: Sequence[int] = (0, 1)) -> Run:
        """Make updates of both weights, or of some, each by derivatives where both are."""
        for _ in range(count):
            self._count += 1
            loss = self._surface(*self.at, *self._matrix)[0] if self._rule is COMPARED else 0
            numbers = self._count, loss, 1, ALPHA, BETA, FLOOR, CEILING
            slopes = self.slopes()
            for i in which:
                self.at[i], *kept = self._rule(self.at[i], slopes[i], *self.kept[i], *numbers)
                self.kept[i] = tuple(kept)
        return self

    def anew(self) -> Run:
        """Forget what was kept, as for another loop."""
        self.kept, self._count = [(sympy.Integer(0),) * 3] * 2, 0
        return self

    @property
    def near(self) -> sympy.Expr:
        """1 if the gradient is below a hundredth of its first size, else 0."""
        return Step(SHARE**2 * self._first - self._square())

    def finding(self, words: str, expected: int = 1, formula: str = "") -> Finding:
        """That it is near the minimum now, or that it is not."""
        return Finding(words, equation("near", self.near, expected, ran=self.ran), formula)


def _read(matrix: Any, start: Any, *, bounded: bool, renewed: bool, in_turn: bool) -> Finding:
    """That a reading of the printed text arrives: line by line, in rational numbers.

    bounded: floor and ceiling, on the size; renewed: prevD = D after a change of sign, too; in_turn: one weight
    after the other, each by a derivative of its own.
    """
    at = [sympy.Rational(x) for x in start]

    def square() -> sympy.Expr:
        return sum((d**2 for d in SLOPES(*at, *matrix)), sympy.Integer(0))

    first, previous = square(), list(SLOPES(*at, *matrix))
    step = [sympy.sign(d) for d in previous]

    def judged(i: int, d: sympy.Expr) -> None:
        same = sympy.sign(previous[i]) == sympy.sign(d)
        if not same:
            at[i] += step[i]
        size = abs(step[i]) * (ALPHA if same else BETA)
        if bounded:
            size = min(size, CEILING) if same else max(size, FLOOR)
        step[i] = sympy.sign(step[i]) * size
        if same or renewed:
            previous[i] = d

    for _ in range(ROUNDS):
        if in_turn:
            for i in range(2):
                at[i] -= step[i]
                judged(i, SLOPES(*at, *matrix)[i])
        else:
            at = [x - s for x, s in zip(at, step, strict=True)]
            for i, d in enumerate(SLOPES(*at, *matrix)):
                judged(i, d)
    words = {
        (True, False, False): "with floor and ceiling on the size, as X9 corrects them",
        (False, True, False): "prevD = D in both cases",
        (False, False, True): "one weight after the other in every round, A = [[1, 1], [1, 2]]",
    }[bounded, renewed, in_turn]
    near = Step(SHARE**2 * first - square())
    return Finding(words, equation("arrives", near, 1, ran=[SLOPES]))


def _part(
    words: str, rule: OnSymbols, state: Any, *expected: Any, bounds: Any = (low, high)
) -> Finding:
    """That the rule makes of a state (w, D, |Δw|, sign(prevD), k, Δ_0) what is expected of w, |Δw|, sign(D)."""
    names = ("w", "size", "direction")
    *kept, step, first = state
    got = rule(*kept, 0, step, 0, first, alpha, beta, *bounds)[:3]
    return Finding(
        words,
        equation(
            "Rprop",
            dict(zip(names, got, strict=True)),
            dict(zip(names, expected, strict=True)),
            ran=[rule],
        ),
    )


@claim(
    "O23",
    slide="Rprop",
    formula=r"\mathrm{sign}(D) = \mathrm{sign}(\mathrm{prevD}): |\Delta w| = \alpha |\Delta w|, \quad \text{else: } \hat{w} = \hat{w} + \Delta w, \; |\Delta w| = \beta |\Delta w|",
    words="Rprop with sign and size apart: a step grows by α while the sign stays, to αⁿΔ after n; when it changes the weight goes back, and the next step is β times as long, along the sign found there.",
    assumptions=["α, β, Δ, |D| > 0", "the direction is taken anew after a change of sign (X31)"],
    method="the optimizer's rule on symbols; its recurrences, solved by sympy; runs on two coupled weights in "
    "rational numbers",
    runs=[Rprop.update],
)
def procedure() -> list[Finding]:
    y = sympy.Function("y")
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    after, grown, *_ = PLUS(w, 1, size, 1, 0, 2, 0, 1, alpha, beta, low, high)
    sizes = sympy.rsolve(y(n + 1) - grown.subs(size, y(n)), y(n), {y(0): size}).subs(n, k)
    moved = (after - w).subs(size, size * alpha**n)
    way = sympy.rsolve(y(n + 1) - y(n) - moved, y(n), {y(0): 0}).subs(n, k)
    onward, shorter = alpha * size, beta * size
    worse, better = (
        COMPARED(w, -g, size, 1, 5, 2, loss, 1, alpha, beta, low, high) for loss in (6, 4)
    )
    return [
        _part("the first step is of size Δ", PLUS, (w, g, 0, 0, 1, size), w - size, size, 1),
        _part("against a negative D, too", PLUS, (w, -g, 0, 0, 1, size), w + size, size, -1),
        _part("the sign stays", PLUS, (w, g, size, 1, 2, 1), w - onward, onward, 1),
        _part("a negative sign stays", PLUS, (w, -g, size, -1, 2, 1), w + onward, onward, -1),
        _part("it changes: back, and shorter", PLUS, (w, -g, size, 1, 2, 1), w + size, shorter, 0),
        _part("it changes the other way", PLUS, (w, g, size, -1, 2, 1), w - size, shorter, 0),
        _part("the direction is taken anew", PLUS, (w, -g, size, 0, 3, 1), w + size, size, -1),
        _part("where D = 0 it stands", PLUS, (w, 0, size, 1, 2, 1), w, size, 0),
        _part(
            "iRprop−: it changes, the weight stays", STAYING, (w, -g, size, 1, 2, 1), w, shorter, 0
        ),
        _part("iRprop−: the sign stays", STAYING, (w, g, size, 1, 2, 1), w - onward, onward, 1),
        Finding(
            "iRprop+: it goes back if the loss has risen from 5 to 6, and stays if it is 4; either is kept",
            equation(
                "iRprop+",
                {
                    f"{name}{i}": x
                    for name, got in (("worse", worse), ("better", better))
                    for i, x in enumerate(got)
                },
                {
                    f"{name}{i}": x
                    for name, there in (
                        ("worse", (w + size, shorter, 0, 6)),
                        ("better", (w, shorter, 0, 4)),
                    )
                    for i, x in enumerate(there)
                },
                ran=[COMPARED],
            ),
        ),
        Finding(
            "the size after k steps with the same sign",
            equation("size", sizes, size * alpha**k, ran=[PLUS]),
            r"|\Delta w|_k = \alpha^k \Delta",
        ),
        Finding(
            "the way of k steps with the same sign",
            equation("way", way, -size * alpha * (alpha**k - 1) / (alpha - 1), ran=[PLUS]),
            r"w_k - w_0 = -\alpha \Delta \frac{\alpha^k - 1}{\alpha - 1}",
        ),
        Run(PLUS)
        .rounds()
        .finding(f"two coupled weights, A = [[4, 1], [1, 1]]: near after {ROUNDS} updates"),
        Run(STAYING).rounds().finding("iRprop−, the same"),
        Run(COMPARED).rounds().finding("iRprop+, the same"),
    ]


@erratum(
    "X9",
    "MATH",
    slide=SIMPLIFIED,
    formula=r"\Delta w = \min(\alpha \Delta w, \Delta_{\mathrm{max}}), \quad \Delta w = \max(\beta \Delta w, \Delta_{\mathrm{min}})",
    words="Floor and ceiling act on a Δw that has a sign: −1 becomes +Δ_min, which turns it round, and −100 grows to −120, which no ceiling caps.",
    assumptions=["0 < Δ_min ≤ Δ_max"],
    method="the printed procedure by the optimizer's rule, where the derivative is negative, against bounds on |Δw|; "
    "the corrected one on symbols, and on two coupled weights in rational numbers",
    runs=[Rprop.update],
)
def signed_bounds() -> Erratum:
    numbers = {alpha: ALPHA, beta: BETA, low: FLOOR, high: CEILING}

    def printed(g: Any) -> sympy.Expr:
        """Δw after a derivative g, where it was −Δ before, by a negative derivative."""
        _, length, _, way = PRINTED_BOUNDED(w, g, size, -1, -1, 2, 0, 1, alpha, beta, low, high)
        return way * length

    floored, capped = -sympy.Max(beta * size, low), -sympy.Min(alpha * size, high)
    both = sympy.Min(sympy.Max(-beta * size, low), high)
    t, m = sympy.symbols("t m", positive=True)
    over = alpha * size / (1 + t)  # a ceiling that is in the way
    under = beta * size + m  # a floor that is
    return Erratum(
        "MATH",
        readings=(
            Finding(
                "the floor, as printed",
                equation("floor", printed(g), floored, ran=[PRINTED_BOUNDED], at={**numbers, size: 1, g: 1}),
            ),
            Finding(
                "the ceiling, as printed",
                equation("ceiling", printed(-g), capped, ran=[PRINTED_BOUNDED], at={**numbers, size: 100, g: 1}),
            ),
            Finding(
                "both in either case",
                equation("both", both, floored, at={**numbers, size: 1}),
                r"\Delta w = \min(\max(\beta \Delta w, \Delta_{\mathrm{min}}), \Delta_{\mathrm{max}})",
            ),
        ),
        correction=(
            _part(
                "a ceiling on the size", BOUNDED, (w, g, size, 1, 2, 1), w - over, over, 1,
                bounds=(over / (1 + m), over),
            ),
            _part(
                "where the derivative is negative, too", BOUNDED, (w, -g, size, -1, 2, 1), w + over, over, -1,
                bounds=(over / (1 + m), over),
            ),
            _part(
                "a floor under the size", BOUNDED, (w, -g, size, 1, 2, 1), w + size, under, 0,
                bounds=(under, under + t),
            ),
            _part(
                "neither in the way of what grows", BOUNDED, (w, -g, size, -1, 2, 1), w + alpha * size,
                alpha * size, -1, bounds=(alpha * size / (1 + m), alpha * size + t),
            ),
            _part(
                "nor of what shrinks", BOUNDED, (w, g, size, -1, 2, 1), w - size, beta * size, 0,
                bounds=(beta * size / (1 + m), beta * size + t),
            ),
            Finding(
                "as printed, −Δ becomes the floor itself, and −αΔ is never capped",
                equation(
                    "printed",
                    {"floor": printed(g), "ceiling": printed(-g)},
                    {"floor": low, "ceiling": -alpha * size},
                    ran=[PRINTED_BOUNDED],
                ),
            ),
            Run(BOUNDED).rounds().finding(
                "two coupled weights with floor and ceiling on the size arrive",
                formula=r"|\Delta w| = \min(\alpha |\Delta w|, \Delta_{\mathrm{max}}), \quad |\Delta w| = \max(\beta |\Delta w|, \Delta_{\mathrm{min}})",
            ),
        ),
        source="mathematics",
    )  # fmt: skip


@erratum(
    "X29",
    "NOTE",
    slide=SIMPLIFIED,
    formula=r"\text{for each } l, i, j: \; \ldots \; \text{while not converged}",
    words="Read literally each weight is trained to the end before the next begins: one sweep of coordinate descent, which does not reach a minimum of coupled weights. All step at once.",
    assumptions=["E = ½ wᵀAw in two weights"],
    method="one sweep and joint updates by the optimizer's rule in rational numbers; the sweep's end, solved by sympy",
    runs=[Rprop.update],
)
def each_to_its_end() -> Erratum:
    x, y, a, b, c = sympy.symbols("w1 w2 a11 a12 a22", real=True)
    run = Run(PLUS).rounds(which=(0,)).anew().rounds(which=(1,))
    start = sympy.Symbol("w2_0", real=True)
    (first,) = sympy.solve(SLOPES(x, start, a, b, c)[0], x)
    (second,) = sympy.solve(SLOPES(first, y, a, b, c)[1], y)
    left, none = SLOPES(first, second, a, b, c)
    return Erratum(
        "NOTE",
        readings=(
            run.finding(f"literally, {ROUNDS} updates of w₁ and then {ROUNDS} of w₂: not near", 0),
            Finding(
                "the sweep's end, as sympy finds it: the first derivative is no longer 0",
                equation(
                    "sweep",
                    {"w1": left, "w2": none},
                    {"w1": b * (second - start), "w2": 0},
                    ran=[SLOPES],
                ),
                r"\frac{\partial E}{\partial w_1} = a_{12} (w_2^{*} - w_2^{(0)})",
            ),
        ),
        correction=(Run(PLUS).rounds().finding("all weights at once: near after as many updates"),),
        source="a way of writing",
    )


@erratum(
    "X31",
    "MATH",
    slide=SIMPLIFIED,
    formula=r"\text{else: } w = w + \Delta w, \quad \Delta w = \beta \Delta w \quad (\text{with the sign it had, and prevD as it was})",
    words="After a change of sign the step keeps its old direction, so that a weight whose derivative has turned by what the others did goes nowhere: coupled weights stand still at points that are not critical.",
    assumptions=["weights that are coupled: in one dimension and for a diagonal A it works"],
    method="every reading of the procedure in rational numbers, A = [[4, 1], [1, 1]] from (−2, 3) with steps of 1; "
    "that it stands, on symbols; the corrected forms by the optimizer's rule",
    runs=[Rprop.update],
)
def stands_still() -> Erratum:
    t = sympy.Symbol("t", positive=True)
    shape = {"bounded": False, "renewed": False, "in_turn": False}
    # An update judges the step before and makes the next: after the eighth, seven are judged, and the weights are
    # where the next one leads.
    kept = (stuck := Run(PRINTED).rounds(8)).kept
    here = [x + size * way for x, (size, _, way) in zip(stuck.at, kept, strict=True)]
    slopes = SLOPES(*here, *MATRIX)
    # Whatever part 1/(1 + t) of that step is tried, the weights come back, and half of it is tried next.
    steps = [size * way / (1 + t) for size, _, way in kept]
    tried = [x - step for x, step in zip(here, steps, strict=True)]
    again = [
        PRINTED(x, d, size / (1 + t), direction, way, 9, 0, 1, ALPHA, BETA, low, high)
        for x, d, (size, direction, way) in zip(tried, SLOPES(*tried, *MATRIX), kept, strict=True)
    ]
    third = sympy.Rational(1, 125)
    pull = (1, 1, 1), (0, 0)
    return Erratum(
        "MATH",
        readings=(
            Run(PRINTED).rounds().finding("as printed on the second slide"),
            Run(PRINTED_BOUNDED)
            .rounds()
            .finding("as printed on the first, with floor and ceiling"),
            _read(MATRIX, START, **{**shape, "bounded": True}),
            _read(MATRIX, START, **{**shape, "renewed": True}),
            _read((1, 1, 2), START, **{**shape, "in_turn": True}),
            Run(PRINTED, *pull, pulled=True)
            .rounds(36)
            .finding("½ (w₁ − 1)² + ½ (w₂ − w₁)² from (0, 0): sign(0) Δw = 0, and w₂ never moves"),
        ),
        correction=(
            Run(PLUS)
            .rounds()
            .finding(
                "back, shorter, and the direction anew from the derivative where all weights now are",
                formula=r"\text{else: } w = w + \Delta w, \; |\Delta w| = \beta |\Delta w|; \quad \Delta w = \mathrm{sign}\left( \frac{d \mathrm{Err}}{dw} \right) |\Delta w|",
            ),
            Run(PLUS, *pull, pulled=True)
            .rounds(36)
            .finding("the same from (0, 0), of the second surface"),
            Run(PRINTED, (4, 0, 1)).rounds().finding("as printed, for a diagonal A: it arrives"),
            Finding(
                "as printed it is at (22/125, −44/125) after 7 rounds, where the gradient is (44/125, −22/125)",
                equation(
                    "stands",
                    {"w1": here[0], "w2": here[1], "d1": slopes[0], "d2": slopes[1]},
                    {"w1": 22 * third, "w2": -44 * third, "d1": 44 * third, "d2": -22 * third},
                    ran=stuck.ran,
                ),
            ),
            Finding(
                "and stays: whatever part of its step it tries, it comes back and tries half",
                equation(
                    "stays",
                    {
                        f"{name}{i}": x
                        for i, (x, size, _, way) in enumerate(again)
                        for name, x in (("w", x + size * way), ("step", size * way))
                    },
                    {
                        f"{name}{i}": x
                        for i in range(2)
                        for name, x in (("w", here[i]), ("step", BETA * steps[i]))
                    },
                    ran=[PRINTED, SLOPES],
                ),
            ),
        ),
        source="mathematics",
    )


@erratum(
    "X32",
    "ASSUME",
    slide="RProp",
    formula=r"\text{reduce the step and reverse direction}: \; p - \Delta + \beta \Delta, \quad \text{return and take the smaller step}: \; p - \beta \Delta",
    words="[RProp] reverses from beyond the minimum, [Rprop] returns and steps again: the two lead to the same place only for β = ½, the slides' number.",
    assumptions=["from p with a positive derivative, which is negative at p − Δ"],
    method="two updates of one rule and three of the other, on symbols; where they meet, solved by sympy",
    runs=[Rprop.update],
)
def reverse() -> Erratum:
    other = sympy.Symbol("beta", real=True)

    def led(rule: OnSymbols, signs: Sequence[int]) -> sympy.Expr:
        here: sympy.Expr = w
        kept: list[sympy.Expr] = [sympy.Integer(0)] * 3
        for step, sign in enumerate(signs, 1):
            here, *kept = rule(here, sign, *kept, step, 0, size, alpha, other, low, high)
        return sympy.expand(here)

    turned, returned = led(REVERSE, (1, -1)), led(PLUS, (1, -1, 1))
    found = sympy.solve(turned - returned, other)
    ran = [REVERSE, PLUS]
    third = {other: sympy.Rational(1, 3), size: 1, w: 1}
    half = {other: BETA}
    return Erratum(
        "ASSUME",
        readings=(
            Finding("for any β", equation("places", turned, returned, ran=ran, at=third)),
            Finding(
                "for β = ½", equation("places", turned.subs(half), returned.subs(half), ran=ran)
            ),
        ),
        correction=(
            Finding(
                "each is a form by its name",
                equation(
                    "places",
                    {"reverse": turned, "return": returned},
                    {"reverse": w - size + other * size, "return": w - other * size},
                    ran=ran,
                ),
            ),
            Finding(
                "they meet at β = ½ alone",
                equation("β", {f"{i}": x for i, x in enumerate(found)}, {"0": BETA}, ran=ran),
            ),
            Run(REVERSE).rounds().finding("reversing arrives on two coupled weights, too"),
        ),
        source="two descriptions",
    )
