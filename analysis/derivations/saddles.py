"""Saddles: what one is, and what gradient descent does near one."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation
from optim import SGD

__all__: list[str] = []

SURFACE = "The Error Surface"


def turned(x: Any, y: Any, p: Any, q: Any, t: Any) -> Any:
    """½(p u² − q v²), with the axes u, v turned by the angle whose half has the tangent t: coupled weights."""
    c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    u, v = c * x + s * y, c * y - s * x
    return (p * u * u - q * v * v) / 2


def _slopes(x: Any, y: Any, p: Any, q: Any, t: Any) -> Any:
    return ag.grad(turned, argnums=(0, 1))(x, y, p, q, t)


def _step(x: Any, y: Any, p: Any, q: Any, t: Any, eta: Any) -> Any:
    g, h = _slopes(x, y, p, q, t)
    options = {"lr": eta, "momentum": None, "nesterov": False, "weight_decay": None}
    return tuple(SGD.update(w, s, step=1, **options)[0] for w, s in ((x, g), (y, h)))


def _second(function: Any) -> Any:
    """The engine's Hessian of a function of two weights, row by row."""

    def run(x: Any, y: Any, *rest: Any) -> Any:
        h = ag.hessian(lambda w: function(w[0], w[1], *rest))(ag.stack([x, y]))
        return h[0, 0], h[0, 1], h[1, 0], h[1, 1]

    return run


def monkey(x: Any, y: Any) -> Any:
    """Three ways up and three ways down, around 0."""
    return x * x * x - 3 * x * y * y


SLOPES, STEP, SECOND = OnSymbols(_slopes), OnSymbols(_step), OnSymbols(_second(turned))
VALUE, MONKEY = OnSymbols(turned), OnSymbols(monkey)
OF_MONKEY = OnSymbols(ag.grad(monkey, argnums=(0, 1)))
SECOND_OF_MONKEY = OnSymbols(_second(monkey))

p, q, eta, delta = sympy.symbols("p q eta delta", positive=True)
t, x, y = sympy.symbols("t x y", real=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)
COS, SIN = (1 - t**2) / (1 + t**2), 2 * t / (1 + t**2)


def axes(w: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, sympy.Expr]:
    """Two weights along the axes of the saddle: up, and down."""
    return COS * w[0] + SIN * w[1], COS * w[1] - SIN * w[0]


@claim(
    "O16",
    slide=SURFACE,
    formula=r"\nabla E = 0, \ \lambda_{+} > 0 > \lambda_{-}: \quad u^{(k)} = (1 - \eta \lambda_{+})^k u^{(0)}, \ v^{(k)} = (1 + \eta |\lambda_{-}|)^k v^{(0)}",
    words="At a nondegenerate saddle the slope is 0 and the Hessian has eigenvalues of both signs; descent draws near along the one kind, and is driven off along the other by 1 + η|λ| in each step.",
    assumptions=[
        "a quadratic of two coupled weights, p, q > 0, in axes that are turned by any angle"
    ],
    method="the engine's gradient and Hessian; the optimizer's rule, along the axes, solved by sympy as a recurrence",
    runs=[SGD.update, ag.hessian],
)
def saddle() -> list[Finding]:
    a, b, c, d = SECOND(0, 0, p, q, t)
    after = axes(STEP(x, y, p, q, t, eta))
    before = axes((x, y))
    solved = []
    for w, start, of in zip(after, before, ("u", "v"), strict=True):
        # Along its axis a step is a number times where it was: read off at a point, and tried everywhere above.
        factor = sympy.cancel(w.subs({x: COS, y: SIN}) if of == "u" else w.subs({x: -SIN, y: COS}))
        f = sympy.Function("f")
        solved.append(sympy.rsolve(f(k + 1) - factor * f(k), f(k), {f(0): start}))
    return [
        Finding(
            "the slope is 0",
            equation("O16", dict(zip("xy", SLOPES(0, 0, p, q, t), strict=True)), {"x": 0, "y": 0}, ran=[SLOPES]),
        ),
        Finding(
            "the Hessian's eigenvalues are p and −q: its trace and determinant",
            equation("O16", {"trace": a + d, "det": a * d - b * c}, {"trace": p - q, "det": -p * q}, ran=[SECOND]),
        ),
        Finding(
            "a step multiplies what is along the one axis by 1 − ηp, along the other by 1 + ηq",
            equation(
                "O16",
                dict(zip("uv", after, strict=True)),
                {"u": (1 - eta * p) * before[0], "v": (1 + eta * q) * before[1]},
                ran=[STEP],
            ),
        ),
        Finding(
            "and k steps by its power, as sympy solves the recurrence",
            equation(
                "O16",
                dict(zip("uv", solved, strict=True)),
                {"u": (1 - eta * p) ** k * before[0], "v": (1 + eta * q) ** k * before[1]},
                ran=[STEP],
            ),
        ),
    ]  # fmt: skip


@erratum(
    "O16b",
    "CLAIM",
    slide=SURFACE,
    formula=r"\text{gradient descent algorithms like saddle points}",
    words="Descent reaches a strict saddle only from the line through it that leads there; from δ beside that line it is a distance of 1 away after log(1/δ)/log(1 + η|λ|) steps.",
    assumptions=["a quadratic saddle of two coupled weights, p, q > 0"],
    method="the optimizer's rule along the saddle's axes; the time to leave as sympy solves it",
    runs=[SGD.update],
)
def liked() -> Erratum:
    # A point at u along the way up, and v along the way down.
    u, v = sympy.symbols("u v", real=True)

    def after(u: sympy.Expr, v: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
        return axes(STEP(COS * u - SIN * v, SIN * u + COS * v, p, q, t, eta))

    _, off = after(u, v)
    along, still = after(u, 0)
    growth = sympy.cancel(after(0, delta)[1] / delta)
    z = sympy.Symbol("z", positive=True)
    (leaving,) = sympy.solve(sympy.log(delta) + z * sympy.log(growth), z)
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "from any start a step leads nearer along every axis, as to a minimum",
                equation("nearer", Step(v**2 - off**2), 1, ran=[STEP], at={u: 1, v: 1, p: 1, q: 1, t: 0, eta: 1}),
            ),
            Finding(
                "from the line v = 0, and that alone, it goes to the saddle as to a minimum: v stays 0, u is "
                "multiplied by 1 − ηp",
                equation("manifold", {"u": along, "v": still}, {"u": (1 - eta * p) * u, "v": 0}, ran=[STEP]),
            ),
        ),
        correction=(
            Finding(
                "from every other start it is driven off, by this positive amount in each step",
                equation("driven off", off**2 - v**2, (2 * eta * q + (eta * q) ** 2) * v**2, ran=[STEP]),
            ),
            Finding(
                "the time after which δ has grown to 1, as sympy solves it",
                equation("time", leaving * sympy.log(1 + eta * q), -sympy.log(delta), ran=[STEP]),
                r"k = \frac{\log(1/\delta)}{\log(1 + \eta |\lambda|)}",
            ),
        ),
        source="too strong: slopes near a saddle are small, so descent is slow there; it does not stay",
    )  # fmt: skip


@erratum(
    "X21",
    "ASSUME",
    slide=SURFACE,
    formula=r"\text{saddle: some eigenvalues of the Hessian are positive; others are negative}",
    words="Eigenvalues of both signs make a saddle, but a saddle need not have them: x³ − 3xy² rises and falls around 0, where its Hessian is 0.",
    method="the engine's gradient and Hessian at 0, and values on either side",
    runs=[ag.hessian],
)
def degenerate() -> Erratum:
    a, b, c, d = SECOND_OF_MONKEY(0, 0)
    e, f, g, h = SECOND(0, 0, p, q, t)
    up, down = VALUE(COS, SIN, p, q, t)[0], VALUE(-SIN, COS, p, q, t)[0]
    s = sympy.Symbol("s", positive=True)
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "at the saddle of x³ − 3xy² the determinant of the Hessian is below 0, as with both signs it is",
                equation("both signs", Step(b * c - a * d), 1, ran=[SECOND_OF_MONKEY]),
            ),
            Finding(
                "at a nondegenerate one, of coupled weights, it is below 0",
                equation("both signs", Step(f * g - e * h), 1, ran=[SECOND]),
            ),
        ),
        correction=(
            Finding(
                "eigenvalues of both signs suffice: along their axes the surface rises and falls",
                equation(
                    "rises and falls",
                    {"up": up, "down": down},
                    {"up": p / 2, "down": -q / 2},
                    ran=[VALUE],
                ),
                r"\lambda_{+} > 0 > \lambda_{-} \ \Rightarrow \ \text{saddle}",
            ),
            Finding(
                "and x³ − 3xy² is a saddle without: its slope at 0 is 0, it rises to one side and falls to the other",
                equation(
                    "monkey",
                    {
                        "slope x": OF_MONKEY(0, 0)[0],
                        "slope y": OF_MONKEY(0, 0)[1],
                        "right": MONKEY(s, 0)[0],
                        "left": MONKEY(-s, 0)[0],
                    },
                    {"slope x": 0, "slope y": 0, "right": s**3, "left": -(s**3)},
                    ran=[OF_MONKEY, MONKEY],
                ),
            ),
        ),
        source="wording",
    )
