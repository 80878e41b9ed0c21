"""The surfaces on which optimizers are compared: each is its formula, and Beale's has the points that it has."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.claims import Finding, claim, derived
from autograd_core.symbolic.equations import OnSymbols, equation

from ..surfaces import SURFACES, beale, himmelblau, long_valley, rosenbrock, saddle

__all__: list[str] = []

RACES = "More recent methods"
EVERY = {
    name: OnSymbols(SURFACES[name].function)
    for name in ("beale", "long valley", "saddle", "rosenbrock", "himmelblau")
}
SLOPES = OnSymbols(ag.grad(SURFACES["beale"].function, argnums=(0, 1)))


def _second(x: Any, y: Any) -> Any:
    h = ag.hessian(lambda w: SURFACES["beale"].function(w[0], w[1]))(ag.stack([x, y]))
    return h[0, 0], h[0, 1], h[1, 0], h[1, 1]


SECOND = OnSymbols(_second)
x, y = sympy.symbols("x y", real=True)


@claim(
    "O33",
    slide=derived(RACES),
    formula=r"E = \sum_{i=1}^{3} (c_i - x (1 - y^i))^2, \ c = \left( \frac{3}{2}, \frac{9}{4}, \frac{21}{8} \right): \quad E = 0 \iff (x, y) = \left( 3, \frac{1}{2} \right)",
    words="Beale's function is 0 at (3, ½) alone, a minimum; (0, 1) is a saddle of height 909/64 with a Hessian of determinant −12321/16.",
    method="the library's function, the engine's gradient and Hessian of it; that two squares vanish nowhere else, by "
    "writing x − 3 and y − ½ as combinations of them, and as sympy solves it",
    runs=[beale, ag.hessian],
)
def of_beale() -> list[Finding]:
    constants = [sympy.Rational(*c) for c in ((3, 2), (9, 4), (21, 8))]
    e, f, g = (c - x * (1 - y**i) for i, c in enumerate(constants, 1))
    half, three = sympy.Rational(1, 2), sympy.Integer(3)
    found = sympy.solve([e, f], [x, y], dict=True)
    beale_ = EVERY["beale"]
    a, b, c, d = SECOND(3, half)
    i, j, k, m = SECOND(0, 1)
    lowest = y - half, x - three
    combined = (
        sympy.Rational(2, 3) * ((1 + y) * e - f),
        -2 * e + 2 * x * sympy.Rational(2, 3) * ((1 + y) * e - f),
    )
    return [
        Finding("it is a sum of three squares", equation("O33", beale_(x, y)[0], e**2 + f**2 + g**2, ran=[beale_])),
        Finding(
            "y − ½ and x − 3 are combinations of the first two: where these are 0, so are those",
            equation("O33", dict(zip("yx", combined, strict=True)), dict(zip("yx", lowest, strict=True))),
        ),
        Finding(
            "sympy solves them so, too",
            equation("O33", {"x": found[0][x], "y": found[0][y], "one": len(found)}, {"x": 3, "y": half, "one": 1}),
        ),
        Finding(
            "there the value and the slope are 0, and the Hessian has a positive trace and determinant",
            equation(
                "O33",
                {
                    "E": beale_(3, half)[0],
                    "x": SLOPES(3, half)[0],
                    "y": SLOPES(3, half)[1],
                    "trace": a + d,
                    "det": a * d - b * c,
                },
                {
                    "E": 0, "x": 0, "y": 0,
                    "trace": sympy.diff(e**2 + f**2 + g**2, x, 2).subs({x: 3, y: half})
                    + sympy.diff(e**2 + f**2 + g**2, y, 2).subs({x: 3, y: half}),
                    "det": sympy.hessian(e**2 + f**2 + g**2, (x, y)).det().subs({x: 3, y: half}),
                },
                ran=[beale_, SLOPES, SECOND],
            ),
        ),
        Finding(
            "(0, 1) is a saddle: a slope of 0, and a negative determinant",
            equation(
                "O33",
                {"E": beale_(0, 1)[0], "x": SLOPES(0, 1)[0], "y": SLOPES(0, 1)[1], "det": i * m - j * k},
                {"E": sympy.Rational(909, 64), "x": 0, "y": 0, "det": -sympy.Rational(12321, 16)},
                ran=[beale_, SLOPES, SECOND],
            ),
        ),
    ]  # fmt: skip


@claim(
    "O33b",
    slide=derived(RACES),
    formula=r"(1 - x)^2 + 100 (y - x^2)^2, \quad (x^2 + y - 11)^2 + (x + y^2 - 7)^2, \quad x^2 - y^2, \quad \frac{x^2}{200} + \frac{y^2}{2}",
    words="What the races run on is what is written beside each surface: Rosenbrock's, Himmelblau's, the saddle, the long valley, and Beale's.",
    method="the library's functions on symbols, against their formulas as sympy reads them",
    runs=[beale, long_valley, saddle, rosenbrock, himmelblau],
)
def formulas() -> list[Finding]:
    return [
        Finding(
            name,
            equation(
                "O33b",
                function(x, y)[0],
                sympy.sympify(SURFACES[name].formula, {"x": x, "y": y}),
                ran=[function],
            ),
        )
        for name, function in EVERY.items()
    ]
