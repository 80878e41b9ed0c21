"""Dropout: expectations over the mask, and what is scaled at test time."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F

NEURON = "What each neuron computes"
TEST = "Dropout during test: implementation"

x = sympy.Symbol("x", real=True)
alpha = sympy.Symbol("alpha", positive=True)


def expected(of: Any) -> sympy.Expr:
    """The expectation over D: 1 with probability α, else 0."""
    return alpha * of(sympy.Integer(1)) + (1 - alpha) * of(sympy.Integer(0))


@claim(
    "D2",
    slide=NEURON,
    formula=r"\mathrm{E}[D \sigma(z)] = \alpha \sigma(z)",
    words="The expected output of a unit that is kept with probability α is α times its output.",
    assumptions=["D is independent of the unit's inputs; x = σ(z)"],
    method="sum over the two values of the mask that the layer's function is given",
    runs=[F.dropout],
)
def expectation() -> list[Finding]:
    layer = OnSymbols(F.dropout)
    mean = expected(lambda d: layer(x, d)[0])
    return [Finding("mean over the mask", equation("D2", mean, alpha * x, ran=[layer]))]


@claim(
    "D12",
    slide=NEURON,
    formula=r"\mathrm{E}\left[ \frac{D x}{\alpha} \right] = x, \quad \mathrm{Var}\left[ \frac{D x}{\alpha} \right] = \frac{1 - \alpha}{\alpha} x^2",
    words="Inverted dropout, which divides by α in training, has the input as its mean, so that nothing is scaled at test time.",
    assumptions=["α > 0"],
    method="sum over the two values of the mask that the layer's function is given",
    runs=[F.dropout],
)
def inverted() -> list[Finding]:
    layer = OnSymbols(F.dropout)
    mean = expected(lambda d: layer(x, d, alpha)[0])
    spread = expected(lambda d: (layer(x, d, alpha)[0] - mean) ** 2)
    return [
        Finding("mean", equation("D12", mean, x, ran=[layer])),
        Finding("variance", equation("D12", spread, (1 - alpha) / alpha * x**2, ran=[layer])),
    ]


@claim(
    "D4",
    slide=TEST,
    formula=r"\alpha \sigma\left( \sum_j w_{ji} \alpha y_j + b_i \right) = \alpha \sigma\left( \sum_j (\alpha w_{ji}) y_j + b_i \right)",
    words="Scaling the outputs that come in by α is the same as scaling the weights by α, and not the biases.",
    method="normal form of sums, with tanh for σ",
    runs=[F.linear],
)
def scaled_weights() -> list[Finding]:
    y, w, b = arrays("y:B,J W:J,I b:I")
    keep = scalar("alpha", positive=True)
    outputs = keep * ag.tanh(F.linear(keep * y, w, b))
    weights = keep * ag.tanh(F.linear(y, keep * w, b))
    return [Finding("as printed", prove.equal(outputs, weights, wrt=[y, w, b, keep]))]


@erratum(
    "X8",
    "INDEX",
    slide=TEST,
    formula=r"\alpha \sigma\left( \sum_j w_{ji}^{(k)} \alpha \sigma\left( \sum_j w_{ji}^{(k-1)} y_j^{(k-2)} + b_i^{(k-1)} \right) + b_i^{(k)} \right)",
    words="The inner layer is written with the outer layer's indices i and j, so that the output of unit j no longer depends on j.",
    assumptions=["two units in each layer, tanh for σ"],
    method="each reading against the composition of the two layers",
    runs=[F.linear],
)
def inner_indices() -> Erratum:
    y, w1, b1, w2, b2 = arrays("y:2 W1:2,2 b1:2 W2:2,2 b2:2")
    keep = scalar("alpha", positive=True)
    leaves = [y, w1, b1, w2, b2, keep]

    def unit(z: ag.Tensor) -> ag.Tensor:
        return keep * ag.tanh(z)

    layers = unit(F.linear(unit(F.linear(y, w1, b1)), w2, b2))
    inner = unit(F.linear(y, w1, b1))
    anew = unit(ag.einsum("ji,i->i", w2, inner) + b2)
    shared = unit(ag.sum(w2 * unit(w1 * ag.expand_dims(y, 1) + b1), axis=0) + b2)
    hidden = unit(ag.einsum("lj,l->j", w1, y) + b1)
    corrected = unit(ag.einsum("ji,j->i", w2, hidden) + b2)
    return Erratum(
        "INDEX",
        readings=(
            Finding("the inner j runs by itself", prove.equal(anew, layers, wrt=leaves)),
            Finding("both j are one", prove.equal(shared, layers, wrt=leaves)),
        ),
        correction=(
            Finding(
                "unit j of the inner layer, which sums over l",
                prove.equal(corrected, layers, wrt=leaves),
                r"\alpha \sigma\left( \sum_j w_{ji}^{(k)} \alpha \sigma\left( \sum_l w_{lj}^{(k-1)} y_l^{(k-2)} + b_j^{(k-1)} \right) + b_i^{(k)} \right)",
            ),
        ),
        source="mathematics: indices used twice",
    )
