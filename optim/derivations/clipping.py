"""Gradient clipping: on both sides, and what becomes of the direction."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation
from autograd_core.symbolic.verdict import Verdict

from ..transforms import ClipAdaptively, ClipByNorm, ClipByValue, ClipParameterByNorm

CLIPPING = "Additional heuristics: Gradient clipping"


def _clipped(kind: Any, g: Any, **numbers: Any) -> Any:
    """What a transform hands to the update inside of it."""
    weights = numbers.pop("theta", g)
    (handed,) = kind.update(lambda theta, g: g, weights, g, step=1, **numbers)
    return handed


def _of_two(kind: Any) -> OnSymbols:
    """A transform on a gradient of two elements."""

    def both(g: Any, h: Any, limit: Any) -> Any:
        clipped = _clipped(kind, ag.stack([g, h]), limit=limit)
        return clipped[0], clipped[1]

    return OnSymbols(both)


def _beside_weights(g: Any, h: Any, w: Any, limit: Any, eps: Any) -> Any:
    clipped = _clipped(
        ClipAdaptively, ag.stack([g, h]), theta=ag.stack([w, 0 * w]), limit=limit, eps=eps
    )
    return clipped[0], clipped[1]


VALUE = OnSymbols(lambda g, limit: _clipped(ClipByValue, g, limit=limit))
VALUES, NORM, EACH = _of_two(ClipByValue), _of_two(ClipByNorm), _of_two(ClipParameterByNorm)
ADAPTIVE = OnSymbols(_beside_weights)
s, t, theta = sympy.symbols("s t theta", positive=True)
g, h = sympy.symbols("g h", real=True)


@erratum(
    "X15",
    "CLAIM",
    slide=CLIPPING,
    formula=r"\text{if } \partial_w D > \theta \text{ then } \partial_w D = \theta",
    words="The ceiling holds on one side only: a derivative of −10 is not clipped at 5. Its magnitude has to be.",
    assumptions=["θ > 0"],
    method="against sign(g) min(|g|, θ), region by region: g and θ in terms of s, t > 0; the "
    "borders follow by continuity; the correction is the transform's own code",
    runs=[ClipByValue.update],
)
def one_sided() -> Erratum:
    printed = OnSymbols(lambda g, theta: ag.where(g > theta, theta, g))
    size = OnSymbols(ag.absolute)
    # g, θ, and what is to come out: the sign of g, and the smaller of |g| and θ
    positive = {"g > θ": (s + t, s, s), "0 < g < θ": (s, s + t, s)}
    negative = {"g < −θ": (-s - t, s, -s), "−θ < g < 0": (-s, s + t, -s)}

    def meets(clip: OnSymbols, regions: dict[str, Any]) -> Verdict:
        return equation(
            "sign(g) min(|g|, θ)",
            {name: clip(g, theta)[0] for name, (g, theta, _) in regions.items()},
            {name: value for name, (_, _, value) in regions.items()},
            ran=[clip],
        )

    (result,) = size(*printed(g, theta))
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "for any derivative: at −10, under the slide's θ = 5, the size should be 5",
                equation("size", result, theta, ran=[printed, size], at={g: -10, theta: 5}),
            ),
            Finding("for positive derivatives", meets(printed, positive)),
        ),
        correction=(
            Finding(
                "clipped on both sides, by the transform",
                meets(VALUE, positive | negative),
                r"\partial_w D \leftarrow \mathrm{sign}(\partial_w D) \min(| \partial_w D |, \theta)",
            ),
        ),
        source="incomplete: a ceiling without a floor",
    )


@claim(
    "G1",
    slide=derived(CLIPPING),
    formula=r"g \min\left( 1, \frac{\theta}{\|g\|} \right) \parallel g, \qquad \mathrm{sign}(g) \min(|g|, \theta) \nparallel g",
    words="Clipping by norm keeps the gradient's direction and brings a longer one to length θ; clipping by value turns it, by as much as what is cut off.",
    assumptions=["a gradient of two elements"],
    method="the transforms' own code: the cross product of the clipped gradient with the gradient, which is 0 where "
    "they are parallel; lengths by regions, in terms of s, t > 0",
    runs=[ClipByNorm.update, ClipParameterByNorm.update, ClipByValue.update, ClipAdaptively.update],
)
def directions() -> list[Finding]:
    def cross(clip: OnSymbols, *arguments: Any) -> sympy.Expr:
        x, y = clip(*arguments)
        return arguments[0] * y - arguments[1] * x

    def length(clip: OnSymbols, *arguments: Any) -> sympy.Expr:
        x, y = clip(*arguments)
        return x**2 + y**2

    w, lam, eps = sympy.symbols("w lambda epsilon", positive=True)
    share = t / (1 + t)  # between 0 and 1
    # Directions in which lengths are fractions; lengths above θ, with an element above θ or not, and below.
    ways = {"3 : 4": (3, 4, 5), "12 : −5": (12, -5, 13), "−4 : −3": (-4, -3, 5)}
    outside, inside = {}, {}
    for name, (a, b, c) in ways.items():
        first, second = sympy.Rational(a, c), sympy.Rational(b, c)
        largest = max(abs(first), abs(second))
        for words, long in {
            "an element above θ": theta / largest * (1 + s),
            "none above θ": theta * (1 + (1 / largest - 1) / (1 + s)),
        }.items():
            outside[f"{name}, {words}"] = (first * long, second * long)
        inside[name] = (first * theta / (1 + s), second * theta / (1 + s))
    # Beside weights of length w > ε, a gradient of length above λ w.
    beside = (lam * w + s, 0, w, lam, w / (1 + t))
    return [
        Finding(
            "by the norm of everything: parallel, for any gradient and θ",
            equation("cross", cross(NORM, g, h, theta), 0, ran=[NORM]),
            r"g_1 c_2 - g_2 c_1 = 0",
        ),
        Finding(
            "by the norm of each parameter: parallel within it",
            equation("cross", cross(EACH, g, h, theta), 0, ran=[EACH]),
        ),
        Finding(
            "adaptively: parallel within a unit",
            equation("cross", cross(ADAPTIVE, g, h, w, lam, eps), 0, ran=[ADAPTIVE]),
        ),
        Finding(
            "a gradient longer than θ comes to length θ, in some directions",
            equation(
                "‖c‖²",
                {name: length(NORM, *at, theta) for name, at in outside.items()},
                dict.fromkeys(outside, theta**2),
                ran=[NORM],
            ),
        ),
        Finding(
            "a shorter one stays, in these",
            equation(
                "c₁",
                {name: NORM(*at, theta)[0] for name, at in inside.items()},
                {name: at[0] for name, at in inside.items()},
                ran=[NORM],
            ),
        ),
        Finding(
            "adaptively a longer one than λ‖w‖ comes to that length",
            equation("‖c‖²", length(ADAPTIVE, *beside), (lam * w) ** 2, ran=[ADAPTIVE]),
            r"\|c\| = \lambda \|w\|",
        ),
        Finding(
            "by value it turns: with g₁ = θ + s cut to θ beside 0 < g₂ < θ the cross product is s g₂ > 0",
            equation(
                "cross", cross(VALUES, theta + s, share * theta, theta), s * share * theta, ran=[VALUES]
            ),
            r"g_1 c_2 - g_2 c_1 = s \, g_2",
        ),
        Finding(
            "and still leads downhill: its product with the gradient is θ(θ + s) + g₂² > 0",
            equation(
                "dot",
                sum(x * y for x, y in zip((theta + s, share * theta), VALUES(theta + s, share * theta, theta), strict=True)),
                theta * (theta + s) + (share * theta) ** 2,
                ran=[VALUES],
            ),
        ),
    ]  # fmt: skip
