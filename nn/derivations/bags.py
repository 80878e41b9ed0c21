"""What scaling at test time is the mean of: the bag of all networks that dropout trains."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

import autograd_core as ag
import nn
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F
from ..ensembles import bag
from ..folding import fold_dropout
from .dropout import NEURON, TEST, alpha

KEEP = 0.75  # α of layers that are run; a float holds it exactly


def over_masks(n: int, keep: Any, output: Callable[..., Any]) -> Any:
    """The mean over all masks of n entries, each on with probability α: Σ_D P(D) y(D)."""
    total: Any = 0
    for mask in itertools.product((1, 0), repeat=n):
        share: Any = 1
        for d in mask:
            share = share * (keep if d else 1 - keep)
        total = total + share * output(*mask)
    return total


def rational(values: Any) -> dict[str, sympy.Rational]:
    """Floats that are fractions of small numbers, but for rounding."""
    flat = np.asarray(values, np.float64).ravel()
    return {str(k): sympy.Rational(v).limit_denominator(10**6) for k, v in enumerate(flat)}


@claim(
    "D1",
    slide=NEURON,
    formula=r"\sum_{D} P(D) y_i^{(k)}(D) = \alpha \sigma\left( \sum_j w_{ji}^{(k)} y_j^{(k-1)} + b_i^{(k)} \right)",
    words="The expected output of a layer, given what comes in, is the average over the bag of all networks with units off.",
    assumptions=["what comes in is fixed; for the second part, σ is the identity, at any depth"],
    method="sum over all masks of two units, then of two inputs and two units, as numbers that the library's "
    "function is given; the library's own bag of a small net",
    runs=[F.dropout, F.linear, bag],
)
def bagged() -> list[Finding]:
    y, w, b, u, c = arrays("y:B,I w:I,1 b:1 u:I,1 c:1")
    keep = scalar("alpha", positive=True)
    units = [ag.tanh(F.linear(y, w, b)), ag.tanh(F.linear(y, u, c))]
    v = arrays("v:1,O v2:1,O")
    mean = over_masks(
        2,
        keep,
        lambda *d: sum(F.linear(F.dropout(h, m), o) for h, m, o in zip(units, d, v, strict=True)),
    )
    scaled = F.linear(keep * units[0], v[0]) + F.linear(keep * units[1], v[1])
    p, q, w1, w2, b1, v1, c1 = arrays("p:B,1 q:B,1 w1:1,1 w2:1,1 b1:1 v1:1,O c1:O")

    def linear(d1: Any, d2: Any, d3: Any) -> ag.Tensor:
        hidden = F.linear(F.dropout(p, d1), w1, b1) + F.linear(F.dropout(q, d2), w2)
        return F.linear(F.dropout(hidden, d3), v1, c1)

    through = F.linear(keep * (F.linear(keep * p, w1, b1) + F.linear(keep * q, w2)), v1, c1)
    model, x = small_net()
    found = bag(model, x[None]).mean
    by_hand = sympy.Rational(1, 2) * (sympy.Rational(3, 4) * (2 * 1 - 1 * 3) + 1)
    return [
        Finding("one layer", prove.equal(mean, scaled, wrt=[y, w, b, u, c, *v, keep])),
        Finding(
            "two linear layers",
            prove.equal(over_masks(3, keep, linear), through, wrt=[p, q, w1, w2, b1, v1, c1, keep]),
        ),
        Finding(
            "the bag that the library reckons, of 8 networks",
            equation("D1", rational(found), {"0": by_hand}),
            r"\alpha_1 \left( \alpha_0 (w_1 x_1 + w_2 x_2) + b \right)",
        ),
    ]


def small_net() -> tuple[nn.Sequential, Any]:
    """Inputs kept with ¾, a linear unit kept with ½; its weights 2 and −1, its bias 1; and an input."""
    unit = nn.Linear(2, 1, rng=0, dtype=np.float64, bias_init=nn.initializers.ones)
    unit.weight.assign(np.array([[2.0], [-1.0]]))
    drop = [nn.Dropout(keep=k, rng=0, scale="test") for k in (KEEP, 0.5)]
    return nn.Sequential(drop[0], unit, drop[1]), np.array([1.0, 3.0])


def unit(sigma: Callable[[Any], Any]) -> OnSymbols:
    """A unit with one input that is dropped: σ(w D x + b)."""
    return OnSymbols(
        lambda w, x, b, d: sigma(F.linear(F.dropout(x[None, None], d), w[None, None], b[None]))[
            0, 0
        ]
    )


@claim(
    "D3",
    slide=NEURON,
    formula=r"\mathrm{E}\left[ \sigma\left( \sum_j w_j D_j y_j + b \right) \right] = \sigma\left( \sum_j w_j \alpha y_j + b \right) + \frac{\alpha (1 - \alpha)}{2} \sum_j w_j^2 y_j^2 \sigma''(b) + \dots",
    words="Scaling what comes in is exact for linear units; for others the error begins with half the variance of the sum times σ''.",
    assumptions=["independent masks"],
    method="linear: the sum minus the scaled one is linear in D − α, whose mean is 0. Others: mean over both masks of "
    "one input, and sympy's derivatives of the difference by w, at w = 0",
    runs=[F.dropout, F.linear],
)
def linear_only() -> list[Finding]:
    y, m, w, b = arrays("y:B,J m:B,J W:J,I b:I")
    keep = scalar("alpha", positive=True)
    found = F.linear(F.dropout(y, m), w, b)
    split = F.linear(keep * y, w, b) + F.linear(F.dropout(y, m - keep), w)
    findings = [
        Finding(
            "a linear unit: the rest is linear in D − α",
            prove.equal(found, split, wrt=[y, m, w, b, keep]),
            r"\sum_j w_j D_j y_j + b = \sum_j w_j \alpha y_j + b + \sum_j w_j (D_j - \alpha) y_j",
        )
    ]
    s, x, z = sympy.symbols("w x b", real=True)
    for name, sigma in (("tanh", ag.tanh), ("the logistic function", ag.sigmoid)):
        ran = unit(sigma)
        gap = alpha * ran(s, x, z, 1)[0] + (1 - alpha) * ran(s, x, z, 0)[0] - ran(s, x, z, alpha)[0]
        plain = OnSymbols(sigma)
        curved = sympy.diff(plain(z)[0], z, 2)
        orders = {str(k): sympy.diff(gap, s, k).subs(s, 0) for k in (0, 1, 2)}
        leading = {"0": 0, "1": 0, "2": alpha * (1 - alpha) * x**2 * curved}
        findings.append(
            Finding(
                f"{name}: derivatives of the error by w, of orders 0 to 2",
                equation("D3", orders, leading, ran=[ran, plain]),
                r"\frac{\partial^2}{\partial w^2} \left( \mathrm{E}[\sigma(w D x + b)] - \sigma(w \alpha x + b) \right) = \alpha (1 - \alpha) x^2 \sigma''(b)",
            )
        )
    return findings


@claim(
    "D3b",
    slide=derived(TEST),
    formula=r"\frac{\prod_D p_c(D)^{P(D)}}{\sum_k \prod_D p_k(D)^{P(D)}} = \mathrm{softmax}\left( \sum_j (\alpha w_j) y_j + b \right)_c",
    words="For one layer of softmax, scaling the weights by α is exact for the geometric mean over all masks, made to sum to 1.",
    assumptions=["two inputs, any number of classes"],
    method="the logarithm of the geometric mean is the mean of log-softmax: sum over the four masks",
    runs=[F.dropout, F.linear, F.log_softmax, F.softmax],
)
def geometric() -> list[Finding]:
    p, q, w, v, b = arrays("p:B,1 q:B,1 w:1,C v:1,C b:C")
    keep = scalar("alpha", positive=True)

    def scores(d1: Any, d2: Any) -> ag.Tensor:
        return F.linear(F.dropout(p, d1), w, b) + F.linear(F.dropout(q, d2), v)

    logs = over_masks(2, keep, lambda *d: F.log_softmax(scores(*d), axis=1))
    scaled = F.softmax(F.linear(p, keep * w, b) + F.linear(q, keep * v), axis=1)
    return [
        Finding(
            "two inputs",
            prove.equal(F.softmax(logs, axis=1), scaled, wrt=[p, q, w, v, b, keep]),
        )
    ]


def network(scaling: str, keep: ag.Tensor, leaves: Any, inputs: bool = True) -> ag.Tensor:
    """Two layers of tanh in evaluation, with α on outputs or on weights; see the errata's readings."""
    y, w1, b1, w2, b2 = leaves
    first = keep if inputs else 1
    if scaling == "outputs":
        hidden = keep * ag.tanh(F.linear(first * y, w1, b1))
        return keep * ag.tanh(F.linear(hidden, w2, b2))
    if scaling == "biases":
        hidden = ag.tanh(F.linear(y, keep * w1, keep * b1))
        return keep * ag.tanh(F.linear(hidden, keep * w2, keep * b2))
    hidden = ag.tanh(F.linear(y, keep * w1, b1))
    last = ag.tanh(F.linear(hidden, keep * w2, b2))
    return last if scaling == "without" else keep * last


@claim(
    "D4b",
    slide=TEST,
    formula=r"\alpha \sigma\left( W_2^{\top} \alpha \sigma(W_1^{\top} \alpha y + b_1) + b_2 \right) = \alpha \sigma\left( (\alpha W_2)^{\top} \sigma((\alpha W_1)^{\top} y + b_1) + b_2 \right)",
    words="Scaling every output by α, inputs included, is α times the network with every weight scaled; W^(k) takes the α of layer k − 1.",
    assumptions=["tanh for σ; units that are dropped have α of their own in the second part"],
    method="normal form of sums; the library's folding on exact numbers",
    runs=[F.linear, fold_dropout],
)
def every_weight() -> list[Finding]:
    leaves = arrays("y:B,I W1:I,J b1:J W2:J,O b2:O")
    keep = scalar("alpha", positive=True)
    x = sympy.Symbol("x", real=True)
    findings = [
        Finding(
            "one α",
            prove.equal(
                network("outputs", keep, leaves),
                network("weights", keep, leaves),
                wrt=[*leaves, keep],
            ),
        )
    ]
    for words, keeps, factors in (
        ("inputs, units and outputs dropped", (KEEP, 0.5, 0.25), (KEEP, 0.5, 0.25)),
        ("inputs kept: the first weights stay", (1.0, 0.5, 1.0), (1.0, 0.5, 1.0)),
    ):
        model = chain(keeps)
        folded = OnSymbols(scalar_of(fold_dropout(model)), exact=True)
        written = [sympy.Rational(f) for f in factors]
        hidden = sympy.tanh(written[0] * 2 * x + 1)
        expected = written[2] * sympy.tanh(written[1] * -3 * hidden + 1)
        whole = OnSymbols(scalar_of(model.eval()), exact=True)
        findings += [
            Finding(f"{words}: folded", equation("D4b", folded(x)[0], expected, ran=[folded])),
            Finding(
                f"{words}: as the layers compute it",
                equation("D4b", whole(x)[0], expected, ran=[whole]),
            ),
        ]
    return findings


def chain(keeps: tuple[float, float, float]) -> nn.Sequential:
    """x → 2x + 1 → tanh → −3h + 1 → tanh, with dropout of these α before, between and behind."""
    first, second, third = (nn.Dropout(keep=k, rng=0, scale="test") for k in keeps)
    parts = [
        nn.Linear(
            1, 1, rng=0, dtype=np.float64, weight_init=nn.initializers.constant(w),
            bias_init=nn.initializers.ones,
        )
        for w in (2.0, -3.0)
    ]  # fmt: skip
    return nn.Sequential(first, parts[0], nn.Tanh(), second, parts[1], nn.Tanh(), third)


def scalar_of(model: nn.Module) -> Callable[[Any], Any]:
    """A model of one input and one output, on a number."""
    return lambda x: model(x[None, None])[0, 0]


@erratum(
    "X17",
    "ASSUME",
    slide=TEST,
    formula=r"y_i^{(k)} = \alpha \sigma\left( \sum_j w_{ji}^{(k)} y_j^{(k-1)} + b_i^{(k)} \right), \quad W_{test} = \alpha W_{trained}",
    words="Exact for one layer, and for linear units at any depth; else an approximation. α belongs to the layer before, and to no bias.",
    assumptions=["tanh for σ where it is not linear; 0 < α < 1, as 1/(1 + odds)"],
    method="the means over all masks, and each way to put α into weights, against the network in evaluation",
    runs=[F.dropout, F.linear],
)
def mean_field() -> Erratum:
    leaves = arrays("y:1,1 W1:1,1 b1:1 W2:1,1 b2:1")
    y, w1, b1, w2, b2 = leaves
    odds = scalar("odds", positive=True)  # of being off
    keep = 1 / (1 + odds)
    every = [*leaves, odds]

    def output(sigma: Callable[[Any], Any]) -> Callable[..., ag.Tensor]:
        def run(d: Any, e: Any) -> ag.Tensor:
            hidden = F.dropout(sigma(F.linear(y, w1, b1)), d)
            return F.dropout(sigma(F.linear(hidden, w2, b2)), e)

        return run

    def in_evaluation(sigma: Callable[[Any], Any]) -> ag.Tensor:
        return keep * sigma(F.linear(keep * sigma(F.linear(y, w1, b1)), w2, b2))

    hidden = over_masks(1, keep, lambda d: F.dropout(ag.tanh(F.linear(y, w1, b1)), d))
    scaled = network("outputs", keep, leaves)
    kept = network("outputs", keep, leaves, inputs=False)
    wide = arrays("y:B,I W1:I,J b1:J W2:J,O b2:O")
    before = keep * ag.tanh(
        F.linear(ag.tanh(F.linear(wide[0], wide[1], wide[2])), keep * wide[3], wide[4])
    )
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "the mean of one layer, its inputs fixed",
                prove.equal(hidden, keep * ag.tanh(F.linear(y, w1, b1)), wrt=[y, w1, b1, odds]),
            ),
            Finding(
                "the mean over all networks of two linear layers",
                prove.equal(
                    over_masks(2, keep, output(ag.identity)), in_evaluation(ag.identity), wrt=every
                ),
            ),
            Finding(
                "the mean over all networks of two layers of tanh",
                prove.equal(
                    over_masks(2, keep, output(ag.tanh)), in_evaluation(ag.tanh), wrt=every
                ),
            ),
            Finding(
                "every weight scaled, and no α left outside, though outputs are dropped",
                prove.equal(network("without", keep, leaves), scaled, wrt=every),
            ),
            Finding(
                "every weight scaled, though inputs are not dropped",
                prove.equal(network("weights", keep, leaves), kept, wrt=every),
            ),
            Finding(
                "biases scaled like weights",
                prove.equal(network("biases", keep, leaves), scaled, wrt=every),
            ),
        ),
        correction=(
            Finding(
                "weights that follow dropped units take their α; here inputs are kept, outputs dropped",
                prove.equal(
                    before, network("outputs", keep, wide, inputs=False), wrt=[*wide, keep]
                ),
                r"W_{test}^{(k)} = \alpha^{(k-1)} W^{(k)}, \quad b_{test}^{(k)} = b^{(k)}",
            ),
        ),
        source="an assumption: a mean-field approximation, per layer",
    )
