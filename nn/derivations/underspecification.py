"""Why a function of many inputs is not given by samples alone."""

from __future__ import annotations

import itertools
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.claims import Finding, claim
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F

N = 3  # inputs of the table that is run
CASES = list(itertools.product((0, 1), repeat=N))
SEEN = 2  # samples: the first cases


def table(theta: ag.Tensor, case: tuple[int, ...]) -> ag.Tensor:
    """A function of binary inputs with a number of its own for each: Σ_c θ_c Π_i [x_i = c_i]."""
    hot: Any = ag.tensor([1.0])
    for bit in case:
        both = ag.tensor([1.0 - bit, 1.0 * bit])
        hot = ag.reshape(ag.expand_dims(hot, 1) * both, (-1,))
    return F.linear(hot[None], theta[:, None])[0, 0]


def error(theta: ag.Tensor, targets: ag.Tensor) -> ag.Tensor:
    """The squared error on the cases that were seen."""
    outputs = ag.stack([table(theta, case) for case in CASES[:SEEN]])
    return F.squared_error(outputs[:, None], targets[:, None])


@claim(
    "U1",
    slide="Data under-specification in learning",
    formula=r"2^{100} \approx 1.27 \cdot 10^{30}, \quad \frac{2^{100}}{10^{15}} \approx 1.27 \cdot 10^{15}",
    words="A function of 100 binary inputs has 2^100 values to be given; 10^15 samples leave all others as they were, unless a penalty fills them in.",
    assumptions=["samples that differ"],
    method=f"a table of {N} binary inputs by the library's linear layer: its values, and gradients of the squared error on "
    f"{SEEN} samples with and without L2, of the engine and of sympy; the counts as whole numbers",
    runs=[F.linear, F.squared_error, F.l2],
)
def samples_and_cases() -> list[Finding]:
    theta = sympy.symbols(f"theta0:{len(CASES)}", real=True)
    targets = sympy.symbols(f"d0:{SEEN}", real=True)
    lam = sympy.Symbol("lambda", positive=True)
    values = OnSymbols(lambda *t: tuple(table(ag.stack(t), case) for case in CASES), exact=True)

    def gradient(*given: ag.Tensor) -> tuple[ag.Tensor, ...]:
        *t, strength = given[:-SEEN]
        d = ag.stack(given[-SEEN:])
        slopes = ag.grad(lambda t: error(t, d) + strength * F.l2([t]))(ag.stack(t))
        return tuple(slopes[k] for k in range(len(CASES)))

    def objective(*given: ag.Tensor) -> ag.Tensor:
        *t, strength = given[:-SEEN]
        return error(ag.stack(t), ag.stack(given[-SEEN:])) + strength * F.l2([ag.stack(t)])

    slopes = OnSymbols(gradient, exact=True)
    loss = OnSymbols(objective, exact=True)
    penalized = loss(*theta, lam, *targets)[0]
    names = [str(t) for t in theta]
    fit = [2 * (t - d) / SEEN for t, d in zip(theta, targets, strict=False)]
    left = [sympy.Integer(0)] * (len(CASES) - SEEN)
    cases, samples = sympy.Integer(2) ** 100, sympy.Integer(10) ** 15
    return [
        Finding(
            f"{len(CASES)} cases of {N} inputs have {len(CASES)} values",
            equation(
                "U1",
                dict(zip(names, values(*theta), strict=True)),
                dict(zip(names, theta, strict=True)),
                ran=[values],
            ),
        ),
        Finding(
            f"{SEEN} samples say nothing of the {len(CASES) - SEEN} others",
            equation(
                "U1",
                dict(zip(names, slopes(*theta, 0, *targets), strict=True)),
                dict(zip(names, [*fit, *left], strict=True)),
                ran=[slopes],
            ),
        ),
        Finding(
            "with L2 they are drawn to 0",
            equation(
                "U1",
                dict(zip(names, slopes(*theta, lam, *targets), strict=True)),
                {name: e + lam * t for name, e, t in zip(names, [*fit, *left], theta, strict=True)},
                ran=[slopes],
            ),
        ),
        Finding(
            "as derived, with L2 and, for λ = 0, without",
            equation(
                "U1",
                {name: sympy.diff(penalized, t) for name, t in zip(names, theta, strict=True)},
                {name: e + lam * t for name, e, t in zip(names, [*fit, *left], theta, strict=True)},
                ran=[loss],
            ),
        ),
        Finding(
            "100 inputs",
            equation(
                "U1",
                {"cases": cases, "cases for each sample": cases / samples},
                {
                    "cases": sympy.Integer("1267650600228229401496703205376"),
                    "cases for each sample": sympy.Rational("1267650600228229.401496703205376"),
                },
            ),
        ),
    ]
