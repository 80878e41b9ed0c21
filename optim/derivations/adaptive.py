"""RMSprop, Adam, and their relatives."""

from __future__ import annotations

from typing import Any

import sympy

from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.adadelta import Adadelta
from ..optimizers.adagrad import Adagrad
from ..optimizers.adam import Adam
from ..optimizers.adamax import Adamax
from ..optimizers.rmsprop import RMSprop
from ..optimizers.sgd import SGD
from .several_weights import SLOPES
from .steps import landed, steps_of

ADAM = "ADAM: RMSprop with momentum"
RMSPROP, VARIANTS = "RMS Prop", "Other variants of the same theme"

w, g, m, v, eta = sympy.symbols("w g m v eta", real=True)
lam = sympy.Symbol("lambda", real=True)
delta, gamma, eps = sympy.symbols("delta gamma epsilon", positive=True)
k = sympy.Symbol("k", integer=True, positive=True)


def _update(w: Any, g: Any, m: Any, v: Any, k: Any, eta: Any, d: Any, gamma: Any, eps: Any) -> Any:
    return Adam.update(
        w, g, m, v, step=k, lr=eta, delta=d, gamma=gamma, eps=eps,
        weight_decay=None, epsilon="inside", decoupled=False,
    )  # fmt: skip


STEP = OnSymbols(_update)
FIXED: dict[str, Any] = {"step": 1, "weight_decay": None, "epsilon": "inside"}
MEAN_SQUARE = OnSymbols(
    lambda w, g, v, eta, gamma, eps: RMSprop.update(w, g, v, lr=eta, gamma=gamma, eps=eps, **FIXED)
)
CENTRED = OnSymbols(
    lambda w, g, v, m, eta, gamma, eps: RMSprop.update(
        w, g, v, m, lr=eta, gamma=gamma, eps=eps, centered=True, **FIXED
    )
)
UNCORRECTED = OnSymbols(
    lambda w, g, m, v, eta, delta, gamma, eps: Adam.update(
        w,
        g,
        m,
        v,
        lr=eta,
        delta=delta,
        gamma=gamma,
        eps=eps,
        decoupled=False,
        correction=False,
        **FIXED,
    )
)
SUMMED = OnSymbols(
    lambda w, g, s, eta, eps: Adagrad.update(w, g, s, lr=eta, initial=None, eps=eps, **FIXED)
)
WITHOUT_RATE = OnSymbols(
    lambda w, g, v, u, gamma, eps: Adadelta.update(w, g, v, u, lr=1, gamma=gamma, eps=eps, **FIXED)
)
LARGEST = OnSymbols(
    lambda g, u, gamma: Adamax.update(
        g, g, g, u, lr=1, delta=0, gamma=gamma, eps=0, decoupled=False, **FIXED
    )[2]
)
DESCENT = OnSymbols(
    lambda w, g, eta, lam: SGD.update(
        w, g, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=lam
    )
)


# Two coupled weights, on which procedures are run: E = ½ wᵀAw, from where both slopes are ±12.
COUPLED = (2, 1, 3)
BEGIN = (sympy.Rational(48, 5), sympy.Rational(-36, 5))
HALF, THREE_QUARTERS = sympy.Rational(1, 2), sympy.Rational(3, 4)
Two = dict[str, sympy.Expr]


def _adam_on_two() -> tuple[Two, Two]:
    """Two steps of the optimizer's rule, and the corrected formulas, unrolled; ε = 25, so that a root is 13."""
    here, slots = list(BEGIN), [(sympy.Integer(0), sympy.Integer(0))] * 2
    seen: list[Any] = []
    for n in (1, 2):
        seen.append(SLOPES(*here, *COUPLED))
        after = [
            STEP(x, slope, *kept, n, 1, HALF, THREE_QUARTERS, 25)
            for x, slope, kept in zip(here, seen[-1], slots, strict=True)
        ]
        here, slots = [x for x, *_ in after], [(a, b) for _, a, b in after]
    written = []
    for x, first, second in zip(BEGIN, *seen, strict=True):
        mean = (HALF * HALF * first + HALF * second) / (1 - HALF**2)
        square = (THREE_QUARTERS * first**2 + second**2) / 4 / (1 - THREE_QUARTERS**2)
        written.append(x - first / 13 - mean / sympy.sqrt(square + 25))
    return dict(zip("xy", here, strict=True)), dict(zip("xy", written, strict=True))


def _mean_square_on_two(reset: bool) -> tuple[Two, Two]:
    """Two epochs of the optimizer's rule, and [RMS Prop], unrolled; γ = ¾ and ε = 28, so that a root is 8."""
    here, memory = list(BEGIN), [sympy.Integer(0)] * 2
    seen: list[Any] = []
    for _ in range(2):
        seen.append(SLOPES(*here, *COUPLED))
        memory = [sympy.Integer(0)] * 2 if reset else memory
        after = [
            MEAN_SQUARE(x, slope, kept, 1, THREE_QUARTERS, 28)
            for x, slope, kept in zip(here, seen[-1], memory, strict=True)
        ]
        here, memory = [x for x, _ in after], [kept for _, kept in after]
    written = [
        x - first / 8 - second / sympy.sqrt((THREE_QUARTERS * first**2 + second**2) / 4 + 28)
        for x, first, second in zip(BEGIN, *seen, strict=True)
    ]
    return dict(zip("xy", here, strict=True)), dict(zip("xy", written, strict=True))


def moments() -> tuple[sympy.Expr, sympy.Expr]:
    """m and v after k of the optimizer's steps under one and the same gradient, by sympy."""
    _, m1, v1 = STEP(w, g, m, v, k, eta, delta, gamma, eps)
    y = sympy.Function("y")
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    solved = (
        sympy.rsolve(y(n + 1) - following.subs(slot, y(n)), y(n), {y(0): 0}).subs(n, k)
        for following, slot in ((m1, m), (v1, v))
    )
    first, second = solved
    return first, second


@erratum(
    "X1",
    "INDEX",
    slide=ADAM,
    formula=r"m_k = \hat{m}_k + (1 - \delta)(\partial_w D)_k, \quad v_k = \hat{v}_k + (1 - \gamma)(\partial_w^2 D)_k, \quad \hat{m}_k = \frac{m}{1 - \delta^k}, \quad \hat{v}_k = \frac{v_k}{1 - \gamma^k}",
    words="The running means are printed in terms of their own corrected values, which is circular; the means of the step before are meant, with weights δ and γ.",
    assumptions=["the first m and v are 0"],
    method="m̂ is to be g when every gradient is g: each reading at the slide's δ = 0.9, and the "
    "recurrence of the optimizer's rule as sympy solves it, against that",
    runs=[Adam.update],
)
def moments_in_circles() -> Erratum:
    assumed = ["a constant gradient g"]
    typical = {delta: sympy.Rational(9, 10), g: 1}
    hat = 1 - delta**k
    circular = sympy.Symbol("m_k", real=True)
    (solved,) = sympy.solve(circular - circular / hat - (1 - delta) * g, circular)

    def corrected(steps: int, keep: Any) -> sympy.Expr:
        """m̂ after steps of m ← kept + (1 − δ) g."""
        value = sympy.Integer(0)
        for n in range(steps):
            value = keep(value, n) + (1 - delta) * g
        return value / (1 - delta**steps)

    def uncorrected(value: sympy.Expr, n: int) -> sympy.Expr:
        return value / (1 - delta**n) if n else value

    first, second = moments()
    after, m1, v1 = STEP(w, g, m, v, k, eta, delta, gamma, eps)
    root = sympy.sqrt(v1 / (1 - gamma**k) + eps)
    return Erratum(
        "INDEX",
        readings=(
            Finding(
                "as printed: an equation for m, solved. Its weight is negative: the step climbs",
                equation("circular", solved / hat, g, given=assumed, at={**typical, k: 1}),
                r"m_k = -(1 - \delta) \frac{1 - \delta^k}{\delta^k} g",
            ),
            Finding(
                "the corrected mean of the step before",
                equation(
                    "corrected before", corrected(2, uncorrected), g, given=assumed, at=typical
                ),
                r"m_k = \hat{m}_{k-1} + (1 - \delta) g",
            ),
            Finding(
                "the mean of the step before, without a weight",
                equation(
                    "unweighted", corrected(2, lambda value, n: value), g, given=assumed, at=typical
                ),
                r"m_k = m_{k-1} + (1 - \delta) g",
            ),
        ),
        correction=(
            Finding(
                "the optimizer's rule: m̂ = g after any number of steps, and v̂ = g²",
                equation(
                    "unbiased",
                    {"m": first / hat, "v": second / (1 - gamma**k)},
                    {"m": g, "v": g**2},
                    ran=[STEP],
                    given=assumed,
                ),
                r"m_k = \delta m_{k-1} + (1 - \delta) g_k, \quad v_k = \gamma v_{k-1} + (1 - \gamma) g_k^2",
            ),
            Finding(
                "the optimizer's step is along m̂, over the root of v̂, for any gradient",
                equation("step", after, w - eta / root * (m1 / hat), ran=[STEP]),
                r"w_{k+1} = w_k - \frac{\eta}{\sqrt{\hat{v}_k + \varepsilon}} \hat{m}_k, \quad \hat{m}_k = \frac{m_k}{1 - \delta^k}",
            ),
            Finding(
                "two steps of it on two coupled weights",
                equation("coupled", *_adam_on_two(), ran=[STEP, SLOPES]),
            ),
        ),
        source="typesetting: δ m₍ₖ₋₁₎ read as a letter with a hat",
    )


@claim(
    "O31",
    slide=derived(ADAM),
    formula=r"w_{1} = w_{0} - \frac{\eta \, g}{\sqrt{g^2 + \varepsilon}} \quad \text{or} \quad w_{0} - \frac{\eta \, g}{|g| + \varepsilon}",
    words="Adam's first step is as long as η for every g, but for ε inside or outside of the root; weight decay is a part of g, or, decoupled, shrinks the weight by 1 − ηλ.",
    assumptions=["g > 0 and h > 0 are the gradients of the first and the second step"],
    method="two of the optimizer's own steps with each of its options, against the recursion written out; "
    "three steps on floats, where every one is exactly 3",
    runs=[Adam.update],
)
def options() -> list[Finding]:
    numbers = {"lr": eta, "delta": delta, "gamma": gamma, "eps": eps, "weight_decay": lam}
    up, next_up = sympy.symbols("g h", positive=True)

    def written(outside: bool, gradients: Any, decayed: Any = None, decoupled: bool = False) -> Any:
        """W, from the corrected recursion."""
        here, m, v = w, sympy.Integer(0), sympy.Integer(0)
        for k, g in enumerate(gradients, 1):
            g = g if decayed is None or decoupled else g + decayed * here
            m, v = delta * m + (1 - delta) * g, gamma * v + (1 - gamma) * g**2
            hat, square = m / (1 - delta**k), v / (1 - gamma**k)
            root = sympy.sqrt(square) + eps if outside else sympy.sqrt(square + eps)
            here = (here if not decoupled else (1 - eta * decayed) * here) - eta / root * hat
        return here

    def option(name: str, expected: Any, count: int = 2, **made: Any) -> Finding:
        ran = steps_of(Adam, numbers, lr=0.5, delta=0.5, gamma=0.25, eps=0.5, **made)
        computed = ran(w, *(up, next_up)[:count])[0]
        return Finding(name, equation("Adam", computed, expected, ran=[ran]))

    both = (up, next_up)
    exact = landed(Adam, [3, 3, 3], lr=5.0, delta=0.5, gamma=0.5, eps=16.0)
    return [
        option("the first step", w - eta * up / sympy.sqrt(up**2 + eps), 1),
        option("the first step, ε outside", w - eta * up / (up + eps), 1, epsilon="outside"),
        option("two steps", written(False, both)),
        option("ε outside", written(True, both), epsilon="outside"),
        option("weight decay", written(False, both, lam), weight_decay=0.5),
        option(
            "decoupled weight decay: AdamW",
            written(False, both, lam, True),
            weight_decay=0.5,
            decoupled=True,
        ),
        Finding("on floats: g = 3, ε = 16, η = 5", equation("floats", exact, -9)),
    ]


@claim(
    "O30",
    slide=RMSPROP,
    formula=r"E[\partial_w^2 D]_k = \gamma E[\partial_w^2 D]_{k-1} + (1 - \gamma) (\partial_w^2 D)_k, \quad w_{k+1} = w_k - \frac{\eta}{\sqrt{E[\partial_w^2 D]_k + \epsilon}} \partial_w D",
    words="RMSProp is right as printed; E is a sum of squares with weights (1 − γ)γ^(k−j), which add to 1 − γ^k; with ε = 0 a loss times c > 0 makes the same steps.",
    assumptions=["E_0 = 0"],
    method="the optimizer's rule against the printed one; four of its steps against the sum; the weights as sympy "
    "adds them and as it solves the recurrence; the gradient and its memory scaled",
    runs=[RMSprop.update],
)
def mean_square() -> list[Finding]:
    after, kept = MEAN_SQUARE(w, g, v, eta, gamma, eps)
    mean = gamma * v + (1 - gamma) * g**2
    gradients = sympy.symbols("g1:5", real=True)
    memory = sympy.Integer(0)
    for one in gradients:
        _, memory = MEAN_SQUARE(w, one, memory, eta, gamma, eps)
    t, c, z = sympy.symbols("t c z", positive=True)
    share = 1 / (1 + t)  # γ, between 0 and 1
    j = sympy.Symbol("j", integer=True, positive=True)
    added = sympy.summation((1 - share) * share ** (k - j), (j, 1, k))
    y = sympy.Function("y")
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    following = MEAN_SQUARE(w, 1, y(n), eta, gamma, eps)[1]
    solved = sympy.rsolve(y(n + 1) - following, y(n), {y(0): 0}).subs(n, k)
    plain, scaled = (MEAN_SQUARE(w, f * g, f**2 * z, eta, gamma, 0)[0] for f in (1, c))
    return [
        Finding(
            "as printed",
            equation(
                "RMSProp",
                {"w": after, "E": kept},
                {"w": w - eta / sympy.sqrt(mean + eps) * g, "E": mean},
                ran=[MEAN_SQUARE],
            ),
        ),
        Finding(
            "four steps, unrolled",
            equation(
                "unrolled",
                memory,
                sum((1 - gamma) * gamma ** (4 - i) * one**2 for i, one in enumerate(gradients, 1)),
                ran=[MEAN_SQUARE],
            ),
            r"E[\partial_w^2 D]_k = (1 - \gamma) \sum_{j=1}^{k} \gamma^{k-j} g_j^2",
        ),
        Finding(
            "the weights of k steps, as sympy solves the recurrence",
            equation("solved", solved, 1 - gamma**k, ran=[MEAN_SQUARE], given=["gradients of 1"]),
        ),
        Finding(
            "the weights of k steps, as sympy adds them",
            equation("added", sympy.simplify(added), 1 - share**k, given=["γ = 1/(1 + t)"]),
            r"(1 - \gamma) \sum_{j=1}^{k} \gamma^{k-j} = 1 - \gamma^k",
        ),
        Finding(
            "the step under c g, with a memory of the same, at ε = 0",
            equation("scale", scaled, plain, ran=[MEAN_SQUARE]),
        ),
    ]


@claim(
    "O30b",
    slide=derived(RMSPROP),
    formula=r"E[\partial_w^2 D]_k - m_k^2 = \gamma \left( E[\partial_w^2 D]_{k-1} - m_{k-1}^2 + (1 - \gamma)(g_k - m_{k-1})^2 \right)",
    words="The variance by which centred RMSProp divides is a running sum of squares, so it is never negative.",
    assumptions=["E_0 = m_0² , as for zeros"],
    method="a step of the centred rule against the difference of the two running means; with V ≥ 0 before it, its sign",
    runs=[RMSprop.update],
)
def centred() -> list[Finding]:
    _, variance, mean = CENTRED(w, g, v - m**2, m, eta, gamma, eps)
    raw = gamma * v + (1 - gamma) * g**2
    first = gamma * m + (1 - gamma) * g
    t, before = sympy.symbols("t V", positive=True)
    share = 1 / (1 + t)
    after = CENTRED(w, g, before, m, eta, share, eps)[1]
    return [
        Finding(
            "V is E − m², and stays so",
            equation(
                "variance",
                {"V": variance, "m": mean},
                {"V": raw - first**2, "m": first},
                ran=[CENTRED],
            ),
        ),
        Finding(
            "a sum of squares with positive weights",
            equation(
                "squares",
                after,
                share * before + share * (1 - share) * (g - m) ** 2,
                ran=[CENTRED],
            ),
        ),
    ]


@claim(
    "O31b",
    slide=derived(ADAM),
    formula=r"\delta = 0, \; \hat{m} = m, \; \hat{v} = v: \quad w_{k+1} = w_k - \frac{\eta}{\sqrt{v_k + \varepsilon}} g_k",
    words="Adam with δ = 0 and without correction is RMSProp; with the correction it is RMSProp in the long run.",
    method="the two rules on the same symbols; the corrected rule with γ^k for a number that goes to 0",
    runs=[Adam.update, RMSprop.update],
)
def without_momentum() -> list[Finding]:
    here, mean, square = UNCORRECTED(w, g, m, v, eta, 0, gamma, eps)
    other, kept = MEAN_SQUARE(w, g, v, eta, gamma, eps)
    corrected = STEP(w, g, m, v, k, eta, 0, gamma, eps)[0]
    late = corrected.subs(gamma**k, 0)
    return [
        Finding(
            "one step, whatever is remembered",
            equation(
                "RMSProp",
                {"w": here, "v": square, "m": mean},
                {"w": other, "v": kept, "m": g},
                ran=[UNCORRECTED, MEAN_SQUARE],
            ),
        ),
        Finding(
            "with the correction, where γ^k is 0",
            equation("late", late, other, ran=[STEP, MEAN_SQUARE], given=["γ^k → 0"]),
        ),
    ]


@claim(
    "O31c",
    slide=derived(ADAM),
    formula=r"(1 - \eta \lambda) w - \eta g = w - \eta (g + \lambda w)",
    words="Weight decay beside the step and in the gradient are the same for plain descent, and not for Adam: where g = 0, w = 3, λ = 1, ε = 16, η = 1 it goes to 0, or to 12/5.",
    method="the rule of plain descent, with λ in the gradient, of a weight that was decayed; one step of Adam on "
    "numbers, either way",
    runs=[SGD.update, Adam.update],
)
def where_decay_stands() -> list[Finding]:
    lam = sympy.Symbol("lambda", positive=True)
    inside = DESCENT(w, g, eta, lam)[0]
    beside = DESCENT((1 - eta * lam) * w, g, eta, 0)[0]
    numbers: dict[str, Any] = {"lr": 1.0, "delta": 0.5, "gamma": 0.5, "eps": 16.0}
    ways = {
        words: steps_of(Adam, {}, **numbers, weight_decay=1.0, decoupled=decoupled)
        for words, decoupled in (("inside", False), ("beside", True))
    }
    found = {words: ran(3, 0)[0] for words, ran in ways.items()}
    return [
        Finding("plain descent", equation("SGD", inside, beside, ran=[DESCENT])),
        Finding(
            "Adam",
            equation(
                "Adam",
                found,
                {"inside": sympy.Rational(12, 5), "beside": 0},
                ran=list(ways.values()),
            ),
        ),
    ]


@claim(
    "O32",
    slide=derived(VARIANTS),
    formula=r"s_k = k g^2, \quad |w_{k+1} - w_k| = \frac{\eta}{\sqrt{k}}",
    words="Adagrad's steps under one and the same gradient are η/√k, whatever its size.",
    assumptions=["ε = 0, s_0 = 0, g > 0"],
    method="the rule's recurrence, solved by sympy, and its step there",
    runs=[Adagrad.update],
)
def summed() -> list[Finding]:
    size = sympy.Symbol("g", positive=True)
    y = sympy.Function("y")
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    following = SUMMED(w, size, y(n), eta, 0)[1]
    solved = sympy.rsolve(y(n + 1) - following, y(n), {y(0): 0})
    count = sympy.Symbol("k", positive=True)
    after = SUMMED(w, size, solved.subs(n, count - 1), eta, 0)[0]
    return [
        Finding(
            "the sum, as sympy solves it",
            equation("sum", solved.subs(n, k), k * size**2, ran=[SUMMED]),
        ),
        Finding(
            "the k-th step",
            equation("step", after, w - eta / sympy.sqrt(count), ran=[SUMMED]),
        ),
    ]


@claim(
    "O32b",
    slide=derived(VARIANTS),
    formula=r"\Delta w = -\frac{\mathrm{RMS}[\Delta w]}{\mathrm{RMS}[c g]} c g = -\frac{\mathrm{RMS}[\Delta w]}{\mathrm{RMS}[g]} g",
    words="AdaDelta makes the same steps for a loss times c > 0, but for ε; in other units of the weight its steps are in those.",
    assumptions=["ε = 0 beside what is remembered"],
    method="the rule with gradient and memory scaled by c; with the weight in units of 1/c, where gradients are c g",
    runs=[Adadelta.update],
)
def without_units() -> list[Finding]:
    c, z, moved = sympy.symbols("c z u", positive=True)
    plain = WITHOUT_RATE(w, g, z, moved, gamma, 0)
    scaled = WITHOUT_RATE(w, c * g, c**2 * z, moved, gamma, 0)
    units = WITHOUT_RATE(w / c, c * g, c**2 * z, moved / c**2, gamma, 0)
    return [
        Finding(
            "a loss times c",
            equation(
                "scale",
                {"w": scaled[0], "u": scaled[2]},
                {"w": plain[0], "u": plain[2]},
                ran=[WITHOUT_RATE],
            ),
        ),
        Finding(
            "a weight in units of 1/c",
            equation(
                "units",
                {"w": units[0], "u": units[2]},
                {"w": plain[0] / c, "u": plain[2] / c**2},
                ran=[WITHOUT_RATE],
            ),
        ),
    ]


@claim(
    "O32c",
    slide=derived(VARIANTS),
    formula=r"u_k = \max_j \gamma^{k-j} |g_j| = \lim_{p \to \infty} \left( \sum_j \gamma^{p (k-j)} |g_j|^p \right)^{1/p}",
    words="AdaMax divides by the largest remembered derivative: the limit of the p-th root of a sum of p-th powers.",
    assumptions=["two gradients, of which either is the larger one; ε = 0"],
    method="the rule, region by region; the limit by sympy",
    runs=[Adamax.update],
)
def largest() -> list[Finding]:
    s, t, p = sympy.symbols("s t p", positive=True)
    # The older gradient has faded to t, the newer one is of size s more, or of size s where the older is more.
    older, newer = LARGEST(t, (s + t) / gamma, gamma)[0], LARGEST(-s - t, t / gamma, gamma)[0]
    limit = sympy.limit(((1 + s) ** p + 1) ** (1 / p), p, sympy.oo)
    return [
        Finding(
            "the older one is the larger, or the newer",
            equation(
                "maximum",
                {"older": older, "newer": newer},
                {"older": s + t, "newer": s + t},
                ran=[LARGEST],
            ),
        ),
        Finding(
            "the limit of the root of two p-th powers, of 1 and of 1 + s",
            equation("limit", limit, LARGEST(1, (1 + s) / gamma, gamma)[0], ran=[LARGEST]),
        ),
    ]


@erratum(
    "X27",
    "MATH",
    slide="RMS Prop (updates are for each weight of each layer)",
    formula=r"\text{Do: } k = 1, \; E[\partial_w^2 D]_k = 0, \dots",
    words="k = 1 and E = 0 stand inside the loop over epochs, so every epoch forgets the mean square, and begins with a step of η/√(1 − γ) as the first.",
    assumptions=[
        "an epoch of one block; g and h are the derivatives of two epochs; “sum derivative” is declared"
    ],
    method="two epochs of the procedure by the optimizer's rule, against two updates of [RMS Prop]",
    runs=[RMSprop.update],
)
def forgotten() -> Erratum:
    h = sympy.Symbol("h", real=True)

    def epochs(reset: bool) -> dict[str, sympy.Expr]:
        here, memory = MEAN_SQUARE(w, g, 0, eta, gamma, eps)
        after = MEAN_SQUARE(here, h, 0 if reset else memory, eta, gamma, eps)
        return dict(zip("wE", after, strict=True))

    first = w - eta / sympy.sqrt((1 - gamma) * g**2 + eps) * g
    mean = gamma * (1 - gamma) * g**2 + (1 - gamma) * h**2
    kept = {"w": first - eta / sympy.sqrt(mean + eps) * h, "E": mean}
    at = {w: 1, g: 1, h: 1, eta: 1, gamma: sympy.Rational(9, 10), eps: 1}
    size = sympy.Symbol("h", positive=True)
    again = MEAN_SQUARE(w, size, 0, eta, gamma, 0)[0]
    return Erratum(
        "MATH",
        readings=(
            Finding(
                "as printed",
                equation("mean square", epochs(True), kept, ran=[MEAN_SQUARE], at=at),
            ),
            Finding(
                "as printed, on two coupled weights",
                equation("coupled", *_mean_square_on_two(True), ran=[MEAN_SQUARE, SLOPES]),
            ),
        ),
        correction=(
            Finding(
                "k = 1 and E = 0 before the loop",
                equation("mean square", epochs(False), kept, ran=[MEAN_SQUARE]),
                r"k = 1, \; E[\partial_w^2 D]_0 = 0, \quad \text{Do: } \dots",
            ),
            Finding(
                "two epochs on two coupled weights",
                equation("coupled", *_mean_square_on_two(False), ran=[MEAN_SQUARE, SLOPES]),
            ),
            Finding(
                "as printed each epoch begins with a step of that size, at ε = 0",
                equation("first step", again, w - eta / sympy.sqrt(1 - gamma), ran=[MEAN_SQUARE]),
            ),
        ),
        source="transcription of a procedure",
    )
