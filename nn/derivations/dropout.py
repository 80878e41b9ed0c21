"""Dropout: expectations over the mask, and what is scaled at test time."""

from __future__ import annotations

from typing import Any

import sympy

import autograd_core as ag
from autograd_core.errors import ProofError
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F
from ..layers.noise import Dropout

NEURON = "What each neuron computes"
TEST = "Dropout during test: implementation"

x = sympy.Symbol("x", real=True)
alpha = sympy.Symbol("alpha", positive=True)


SHARE = sympy.Rational(3, 4)  # α of the layers that are run; a float holds it exactly
BITS = 2**32  # random bits are whole numbers below this, all equally likely


class Drawn:
    """`nn.Dropout` in training, as a function of the bits that it draws.

    That its mask is a comparison of the bits with a threshold is recorded; so its values at both ends
    and on both sides of α 2³² are its values everywhere.
    """

    def __init__(self, layer: Dropout) -> None:
        self.layer = OnSymbols(layer, exact=True)

    def __call__(self, bits: Any) -> sympy.Expr:
        """The output, if all random bits were these."""
        return self.layer(x, bits=int(bits))[0]

    def finding(self, kept: sympy.Expr) -> Finding:
        """Which bits keep the unit; ``kept`` is its output then."""
        border = SHARE * BITS
        places = {"0": 0, "α2³² − 1": border - 1, "α2³²": border, "2³² − 1": BITS - 1}
        computed = {name: self(bits) for name, bits in places.items()}
        readers = [
            step.primitive.name
            for program in self.layer.programs
            for drawn in program
            if drawn.primitive.name == "random_bits"
            for step in program
            if drawn.result in step.operands
        ]
        if readers != ["less"]:
            raise ProofError(
                f"{self.layer.function!r}",
                f"the random bits are read by {readers}. Expected one "
                "comparison with a threshold; the four values say nothing of the rest otherwise.",
            )
        expected = dict.fromkeys(places, sympy.Integer(0)) | dict.fromkeys(["0", "α2³² − 1"], kept)
        return Finding(
            f"{self.layer.function!r} keeps a share of α = 3/4 of all bits, and gives 0 for the rest",
            equation("bits", computed, expected, ran=[self.layer]),
        )

    def mean(self, of: Any = lambda y: y) -> sympy.Expr:
        """The mean over all bits: a share of α is like the first, the rest like the last."""
        return SHARE * of(self(0)) + (1 - SHARE) * of(self(BITS - 1))


def evaluated(**options: Any) -> tuple[sympy.Expr, OnSymbols]:
    """What the layer gives in evaluation."""
    layer = OnSymbols(Dropout(**options).eval(), exact=True)
    return layer(x)[0], layer


def expected(of: Any) -> sympy.Expr:
    """The expectation over D: 1 with probability α, else 0."""
    return alpha * of(sympy.Integer(1)) + (1 - alpha) * of(sympy.Integer(0))


@claim(
    "D2",
    slide=NEURON,
    formula=r"\mathrm{E}[D \sigma(z)] = \alpha \sigma(z)",
    words="The expected output of a unit that is kept with probability α is α times its output.",
    assumptions=["D is independent of the unit's inputs; x = σ(z)"],
    method="sum over the two values of the mask that the layer's function is given; the layer itself as a "
    "function of the bits that it draws, at α = 3/4",
    runs=[F.dropout, Dropout.forward],
)
def expectation() -> list[Finding]:
    layer = OnSymbols(F.dropout)
    mean = expected(lambda d: layer(x, d)[0])
    drawn = Drawn(Dropout(keep=float(SHARE), rng=0, scale="test"))
    test, ran = evaluated(keep=float(SHARE), rng=0, scale="test")
    return [
        Finding("mean over the mask", equation("D2", mean, alpha * x, ran=[layer])),
        drawn.finding(x),
        Finding("so its mean is α x", equation("D2", drawn.mean(), SHARE * x, ran=[drawn.layer])),
        Finding(
            "and that is what it gives in evaluation", equation("D2", test, SHARE * x, ran=[ran])
        ),
    ]


@claim(
    "D12",
    slide=derived(NEURON),
    formula=r"\mathrm{E}\left[ \frac{D x}{\alpha} \right] = x, \quad \mathrm{Var}\left[ \frac{D x}{\alpha} \right] = \frac{1 - \alpha}{\alpha} x^2",
    words="Inverted dropout, which divides by α in training, has the input as its mean, so that nothing is scaled at test time.",
    assumptions=["α > 0"],
    method="sum over the two values of the mask that the layer's function is given; the layer itself as a "
    "function of the bits that it draws, at α = 3/4",
    runs=[F.dropout, Dropout.forward],
)
def inverted() -> list[Finding]:
    layer = OnSymbols(F.dropout)
    mean = expected(lambda d: layer(x, d, alpha)[0])
    spread = expected(lambda d: (layer(x, d, alpha)[0] - mean) ** 2)
    drawn = Drawn(Dropout(p=float(1 - SHARE), rng=0))
    varied = drawn.mean(lambda y: (y - drawn.mean()) ** 2)
    test, ran = evaluated(p=float(1 - SHARE), rng=0)
    return [
        Finding("mean", equation("D12", mean, x, ran=[layer])),
        Finding("variance", equation("D12", spread, (1 - alpha) / alpha * x**2, ran=[layer])),
        drawn.finding(x / SHARE),
        Finding("so its mean is x", equation("D12", drawn.mean(), x, ran=[drawn.layer])),
        Finding("and its variance", equation("D12", varied, x**2 / 3, ran=[drawn.layer])),
        Finding("in evaluation it gives its input", equation("D12", test, x, ran=[ran])),
    ]


@claim(
    "D4",
    slide=TEST,
    formula=r"\alpha \sigma\left( \sum_j w_{ji} \alpha y_j + b_i \right) = \alpha \sigma\left( \sum_j (\alpha w_{ji}) y_j + b_i \right)",
    words="Scaling the outputs that come in by α is the same as scaling the weights by α, and not the biases.",
    method="normal form of sums, with tanh for σ; once with a symbol for α, once with the layers in "
    "evaluation, whose α is a number; and sympy solves for the weights and the bias that give the scaled sum for every y",
    runs=[F.linear, Dropout.forward],
)
def scaled_weights() -> list[Finding]:
    y, w, b = arrays("y:B,J W:J,I b:I")
    keep = scalar("alpha", positive=True)
    outputs = keep * ag.tanh(F.linear(keep * y, w, b))
    weights = keep * ag.tanh(F.linear(y, keep * w, b))
    share = float(SHARE)
    drop = Dropout(keep=share, rng=0, scale="test").eval()
    layers = drop(ag.tanh(F.linear(drop(y), w, b)))
    written = share * ag.tanh(ag.sum(ag.expand_dims(share * y, 2) * w, axis=1) + b)
    folded = share * ag.tanh(F.linear(y, share * w, b))
    unit = OnSymbols(
        lambda p, q, v, u, c: F.linear(ag.stack([p, q])[None], ag.stack([v, u])[:, None], c[None])
    )
    inputs, old, new = (sympy.symbols(names, real=True) for names in ("y1:3", "w1:3 b", "v1:3 c"))
    gap = unit(*inputs, *new)[0] - unit(*(alpha * y for y in inputs), *old)[0]
    solution = sympy.solve(sympy.Poly(gap, *inputs).coeffs(), new)
    return [
        Finding("as printed", prove.equal(outputs, weights, wrt=[y, w, b, keep])),
        Finding(
            "as derived: solved for what is to be put in place of w and b, of two inputs",
            equation(
                "D4",
                {str(name): solution[name] for name in new},
                dict(zip(map(str, new), (alpha * old[0], alpha * old[1], old[2]), strict=True)),
                ran=[unit],
            ),
            r"W_{test} = \alpha W, \quad b_{test} = b",
        ),
        Finding("the layers in evaluation", prove.equal(layers, written, wrt=[y, w, b])),
        Finding("and with the weights scaled", prove.equal(layers, folded, wrt=[y, w, b])),
    ]


@claim(
    "D5",
    slide="Dropout",
    formula=r"\frac{\partial L}{\partial w_{ik}} = \sum_{t} D_{ti} D_{tk} (\dots)_{tik}, \quad \frac{\partial L}{\partial b_k} = \sum_{t} D_{tk} (\dots)_{tk}",
    words="An input gives gradients to weights only from units that are on to units that are on, and to biases only of units that are on.",
    assumptions=["two layers of tanh behind inputs that are dropped, too"],
    method="engine's gradients against the chain rule written with the masks, and against sympy's derivatives; the layer as "
    "a function of the bits that it draws, at α = 3/4, with the engine's gradients and sympy's",
    runs=[F.dropout, F.linear, Dropout.forward],
)
def on_to_on() -> list[Finding]:
    x_, w1, b1, w2, b2, g = arrays("x:T,I W1:I,J b1:J W2:J,K b2:K g:T,K")
    d0, d1, d2 = arrays("D0:T,I D1:T,J D2:T,K")
    inputs = F.dropout(x_, d0)

    def units(w1: ag.Tensor, b1: ag.Tensor) -> ag.Tensor:
        return ag.tanh(F.linear(inputs, w1, b1))

    def outputs(*parameters: ag.Tensor) -> ag.Tensor:
        hidden = F.dropout(units(*parameters[:2]), d1)
        return ag.tanh(F.linear(hidden, *parameters[2:]))

    def loss(*parameters: ag.Tensor) -> ag.Tensor:
        return ag.sum(g * F.dropout(outputs(*parameters), d2))

    parameters = (w1, b1, w2, b2)
    found = ag.grad(loss, argnums=(0, 1, 2, 3))(*parameters)
    h = units(w1, b1)
    last = g * (1 - outputs(*parameters) ** 2)
    first = ((d2 * last) @ w2.T) * (1 - h**2)
    closed = {
        "weights from inputs to units": (d0 * x_).T @ (d1 * first),
        "biases of units": ag.sum(d1 * first, axis=0),
        "weights from units to outputs": (d1 * h).T @ (d2 * last),
        "biases of outputs": ag.sum(d2 * last, axis=0),
    }
    leaves = [x_, g, d0, d1, d2, *parameters]
    drop = Dropout(keep=float(SHARE), rng=0, scale="test")
    w, b = sympy.symbols("w b", real=True)

    def by_both(x: ag.Tensor, w: ag.Tensor, b: ag.Tensor) -> Any:
        return ag.grad(lambda w, b: drop(ag.tanh(x * w + b)), argnums=(0, 1))(w, b)

    layer = OnSymbols(by_both, exact=True)
    forward = OnSymbols(lambda x, w, b: drop(ag.tanh(x * w + b)), exact=True)
    values = {"on": forward(x, w, b, bits=0)[0], "off": forward(x, w, b, bits=BITS - 1)[0]}
    slope = 1 - sympy.tanh(x * w + b) ** 2
    names = ("weight", "bias")
    return [
        *(
            Finding(name, prove.equal(gradient, expected, wrt=leaves))
            for (name, expected), gradient in zip(closed.items(), found, strict=True)
        ),
        Finding("as derived", prove.backward(loss(*parameters), wrt=leaves)),
        Finding(
            "behind the layer, when it is on",
            equation(
                "D5",
                dict(zip(names, layer(x, w, b, bits=0), strict=True)),
                dict(zip(names, (x * slope, slope), strict=True)),
                ran=[layer],
            ),
        ),
        Finding(
            "and when it is off",
            equation(
                "D5",
                dict(zip(names, layer(x, w, b, bits=BITS - 1), strict=True)),
                dict.fromkeys(names, 0),
                ran=[layer],
            ),
        ),
        Finding(
            "as derived behind the layer, on and off",
            equation(
                "D5",
                {f"{at}, {s}": sympy.diff(y, s) for at, y in values.items() for s in (w, b)},
                {"on, w": x * slope, "on, b": slope, "off, w": 0, "off, b": 0},
                ran=[forward],
            ),
        ),
    ]


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
