"""Noise as a penalty: on inputs, on units, on connections."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F, initializers
from ..layers.linear import Linear
from ..layers.noise import DropConnect, GaussianNoise, LabelFlip, Shakeout, WeightNoise, Whiteout
from .bags import over_masks
from .dropout import NEURON, alpha

INPUTS = "Data augmentation with Noise"
VARIATIONS = "Variations on dropout"

tau = sympy.Symbol("tau", positive=True)
w, x, c = sympy.symbols("w x c", real=True)
sigma, gamma, lam = sympy.symbols("sigma gamma lambda", positive=True)

ARTICLE = (
    "At every size: the loss is split into its part without noise, one that is linear in the noise and so has mean "
    "0, and a quadratic form, in which products of noise are replaced by their means. Beside it, sympy's mean of what the "
    "library computes for two inputs"
)


def normal_mean(expression: sympy.Expr, noise: dict[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    """The expectation over independent normal noise of given variances, of a polynomial in it."""
    for e, variance in noise.items():
        terms = sympy.Poly(sympy.expand(expression), e).as_dict()
        # Odd moments are 0, even ones are (n − 1)!! v^(n/2).
        expression = sum(
            k * sympy.factorial2(n - 1) * variance ** sympy.Rational(n, 2)
            for (n,), k in terms.items()
            if n % 2 == 0
        )
    return expression


def drawn(layer: Any, shape: tuple[Any, ...]) -> ag.Tensor:
    """The normal numbers that a layer's next pass draws: to be asked for before it."""
    bits = ag.random_bits(layer.key, layer.counter + 1, shape=(2, *shape))
    return F.standard_normal(bits, np.float64)


@claim(
    "R15",
    slide=INPUTS,
    formula=r"\mathrm{E}_{\varepsilon} \| (x + \varepsilon) W + b - d \|^2 = \| x W + b - d \|^2 + \sigma^2 \| W \|_2^2",
    words="Normal noise on the inputs of a linear model is an L2 penalty of σ² in the mean; of other models, to first order in σ².",
    assumptions=["squared error; the noise has mean 0 and covariance σ² I"],
    method=ARTICLE,
    runs=[F.linear, F.squared_error, GaussianNoise.forward],
)
def input_noise() -> list[Finding]:
    a, e, u, b, d = arrays("x:B,I epsilon:B,I W:I,O b:O d:B,O")
    s = scalar("sigma", positive=True)
    plain = F.squared_error(F.linear(a, u, b), d)
    batch = a.shape[0]

    def quadratic(products: ag.Tensor) -> ag.Tensor:
        return ag.sum(products * (u @ u.T)) / batch

    cross = 2 * ag.sum((F.linear(a, u, b) - d) * F.linear(e, u)) / batch
    square = quadratic(ag.expand_dims(e, 2) * ag.expand_dims(e, 1))
    noisy = F.squared_error(F.linear(a + e, u, b), d)
    means = s * s * ag.eye(a.shape[1]) + 0 * ag.expand_dims(e, 2) * ag.expand_dims(e, 1)
    layer = GaussianNoise(0.5, rng=0)
    written = a + 0.5 * drawn(layer, a.shape)
    p, q, v1, v2, t, e1, e2 = sympy.symbols("x1 x2 w1 w2 d e1 e2", real=True)
    error = OnSymbols(
        lambda p, q, v1, v2, t: F.squared_error(
            F.linear(ag.stack([p, q])[None], ag.stack([v1, v2])[:, None]), t[None, None]
        )
    )
    found = normal_mean(error(p + e1, q + e2, v1, v2, t)[0], {e1: sigma**2, e2: sigma**2})
    bent = OnSymbols(
        lambda a, u, b, t: F.squared_error(
            ag.tanh(F.linear(a[None, None], u[None, None], b[None])), t[None, None]
        )
    )
    unit = sympy.tanh(w * x + c)
    slope, curve = sympy.diff(unit, x), sympy.diff(unit, x, 2)
    half = sympy.diff(bent(x, w, c, t)[0], x, 2) / 2
    return [
        Finding("the three parts", prove.equal(noisy, plain + cross + square, wrt=[a, e, u, b, d])),
        Finding(
            "the mean of the third, with σ² δ_ik for ε_i ε_k",
            prove.equal(quadratic(means), s * s * ag.sum(u * u), wrt=[a, e, u, s]),
            r"\sum_{i,k} \sigma^2 \delta_{ik} \sum_o W_{io} W_{ko} = \sigma^2 \| W \|_2^2",
        ),
        Finding("the layer in training", prove.equal(layer(a), written, wrt=[a])),
        Finding("in evaluation", prove.equal(layer.eval()(a), a, wrt=[a])),
        Finding(
            "two inputs, as sympy averages it",
            equation(
                "R15", found, error(p, q, v1, v2, t)[0] + sigma**2 * (v1**2 + v2**2), ran=[error]
            ),
        ),
        Finding(
            "a unit of tanh: what σ² multiplies, to first order",
            equation("R15", half, slope**2 + (unit - t) * curve, ran=[bent]),
            r"\frac{1}{2} \frac{\partial^2}{\partial x^2} (\sigma(w x + b) - d)^2 = \left( \frac{\partial y}{\partial x} \right)^2 + (y - d) \frac{\partial^2 y}{\partial x^2}",
        ),
    ]


@claim(
    "D15",
    slide=INPUTS,
    formula=r"\mathrm{E}_{\varepsilon} \| x (W + \varepsilon) - d \|^2 = \| x W - d \|^2 + \sigma^2 O \| x \|^2, \quad \mathrm{E}_{\varepsilon} \| x W + \varepsilon - d \|^2 = \| x W - d \|^2 + \sigma^2 O",
    words="Normal noise on the weights or on the outputs of a linear model penalizes no weight in the mean: both add what does not depend on W.",
    assumptions=["squared error; the noise has mean 0 and covariance σ² I; O outputs"],
    method="the loss is split into its part without noise, one that is linear in the noise and so has mean 0, and a "
    "quadratic form, in which products of noise are replaced by their means; the layer on a linear one of two inputs",
    runs=[F.linear, F.squared_error, WeightNoise.forward, GaussianNoise.forward],
)
def noise_elsewhere() -> list[Finding]:
    a, e, u, b, d, n = arrays("x:B,I epsilon:I,O W:I,O b:O d:B,O n:B,O")
    s = scalar("sigma", positive=True)
    batch, inputs = a.shape
    outputs = u.shape[1]
    gap = F.linear(a, u, b) - d
    plain = F.squared_error(F.linear(a, u, b), d)
    noise = F.linear(a, e)

    def quadratic(products: ag.Tensor) -> ag.Tensor:
        """Of products ε_io ε_ko, by i, k and o."""
        return ag.sum(ag.expand_dims(a.T @ a, 2) * products) / batch

    pairs = ag.expand_dims(e, 1) * ag.expand_dims(e, 0)
    means = s * s * ag.expand_dims(ag.eye(inputs), 2) + 0 * pairs
    layer = WeightNoise(Linear(2, 1, rng=0, dtype=np.float64), 0.5, rng=0)
    weight, bias = layer.module.parameters()
    rows = arrays("x:B,2")[0]
    leaves = [rows, weight, bias]
    moved = weight + 0.5 * drawn(layer, (2, 1))
    last = GaussianNoise(0.5, rng=0)
    added = F.linear(a, u, b) + 0.5 * drawn(last, (batch, outputs))
    return [
        Finding(
            "weights: the three parts",
            prove.equal(
                F.squared_error(F.linear(a, u + e, b), d),
                plain + 2 * ag.sum(gap * noise) / batch + quadratic(pairs),
                wrt=[a, e, u, b, d],
            ),
        ),
        Finding(
            "the mean of the third, with σ² δ_ik for ε_io ε_ko",
            prove.equal(quadratic(means), s * s * outputs * ag.sum(a * a) / batch, wrt=[a, e, s]),
        ),
        Finding(
            "outputs: the three parts",
            prove.equal(
                F.squared_error(F.linear(a, u, b) + n, d),
                plain + 2 * ag.sum(gap * n) / batch + ag.sum(n * n) / batch,
                wrt=[a, u, b, d, n],
            ),
        ),
        Finding(
            "WeightNoise in training",
            prove.equal(layer(rows), F.linear(rows, moved, bias), wrt=leaves),
        ),
        Finding(
            "in evaluation",
            prove.equal(layer.eval()(rows), F.linear(rows, weight, bias), wrt=leaves),
        ),
        Finding(
            "GaussianNoise behind the last weights",
            prove.equal(
                last(F.linear(a, u, b)),
                added,
                wrt=[a, u, b],
            ),
        ),
    ]


@claim(
    "D7",
    slide=derived(NEURON),
    formula=r"\mathrm{E}_D \| d - (D \circ x) W \|^2 = \| d - \alpha x W \|^2 + \alpha (1 - \alpha) \sum_{r,i} x_{ri}^2 \sum_o W_{io}^2",
    words="Dropout of the inputs of a linear model is an L2 penalty in the mean, each weight by the size of its input.",
    assumptions=["squared error; independent masks"],
    method=ARTICLE,
    runs=[F.dropout, F.linear, F.squared_error],
)
def dropout_of_inputs() -> list[Finding]:
    a, m, u, d = arrays("x:B,I D:B,I W:I,O d:B,O")
    keep = scalar("alpha", positive=True)
    batch = a.shape[0]
    around = m - keep

    def quadratic(products: ag.Tensor) -> ag.Tensor:
        return ag.sum(products * ag.expand_dims(a, 2) * ag.expand_dims(a, 1) * (u @ u.T)) / batch

    plain = F.squared_error(F.linear(keep * a, u), d)
    cross = 2 * ag.sum((F.linear(keep * a, u) - d) * F.linear(around * a, u)) / batch
    pairs = ag.expand_dims(around, 2) * ag.expand_dims(around, 1)
    found = F.squared_error(F.linear(F.dropout(a, m), u), d)
    means = keep * (1 - keep) * ag.eye(a.shape[1]) + 0 * pairs
    penalty = keep * (1 - keep) * ag.sum(a * a * ag.sum(u * u, axis=1)) / batch
    p, q, v1, v2, t = sympy.symbols("x1 x2 w1 w2 d", real=True)
    error = OnSymbols(
        lambda p, q, v1, v2, t, m1, m2: F.squared_error(
            F.linear(
                F.dropout(ag.stack([p, q])[None], ag.stack([m1, m2])[None]),
                ag.stack([v1, v2])[:, None],
            ),
            t[None, None],
        )
    )
    averaged = over_masks(2, alpha, lambda *d: error(p, q, v1, v2, t, *d)[0])
    closed = error(p, q, v1, v2, t, alpha, alpha)[0] + alpha * (1 - alpha) * (
        p**2 * v1**2 + q**2 * v2**2
    )
    return [
        Finding(
            "the three parts",
            prove.equal(found, plain + cross + quadratic(pairs), wrt=[a, m, u, d, keep]),
        ),
        Finding(
            "the mean of the third, with α(1 − α) δ_ik for (D_i − α)(D_k − α)",
            prove.equal(quadratic(means), penalty, wrt=[a, m, u, keep]),
        ),
        Finding("two inputs, as sympy sums it", equation("D7", averaged, closed, ran=[error])),
    ]


def ones(kind: Any, inputs: int = 1, weight: float = 1.0, **options: Any) -> Any:
    """A layer of one unit, all weights alike, without a bias."""
    init = initializers.constant(weight)
    return kind(inputs, 1, rng=0, dtype=np.float64, weight_init=init, bias=False, **options)


def on_number(layer: Any) -> Any:
    """A layer of one input and one unit, as a function of a number."""
    return lambda x: layer(x[None, None])[0, 0]


def at_bits(
    layer: OnSymbols, on: sympy.Expr, off: sympy.Expr
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a layer gives at both ends of the bits and at both sides of α 2³², α = 1/4; and what it should."""
    border = 2**30
    places = {"0": 0, "α2³² − 1": border - 1, "α2³²": border, "2³² − 1": 2**32 - 1}
    found = {name: layer(x, bits=bits)[0] for name, bits in places.items()}
    return found, dict(zip(places, (on, on, off, off), strict=True))


@claim(
    "D9",
    slide=derived(VARIATIONS),
    formula=r"\mathrm{E}_M[x (M \circ w)] = \alpha x w, \quad \mathrm{Var}_M[x (M \circ w)] = \alpha (1 - \alpha) \sum_i w_i^2 x_i^2",
    words="DropConnect's sums have the mean α x w, which evaluation gives, and the variance that its moment matching uses.",
    assumptions=["independent masks"],
    method="normal form of sums, with α(1 − α) δ_ik for (M_i − α)(M_k − α); the layer as a function of the bits that it "
    "draws and in evaluation, at α = 1/4; sums over the masks of two inputs",
    runs=[F.drop_connect, F.moment_matched, DropConnect.forward],
)
def connections() -> list[Finding]:
    a, m, u, b = arrays("x:B,I M:B,I,O W:I,O b:O")
    keep = scalar("alpha", positive=True)
    around = m - keep
    sums, mean = F.drop_connect(a, u, m, b), F.linear(a, keep * u, b)
    signals = ag.expand_dims(a, 2) * u
    rest = ag.sum(signals * around, axis=1)

    def quadratic(products: ag.Tensor) -> ag.Tensor:
        return ag.sum(
            products * ag.expand_dims(signals, 2) * ag.expand_dims(signals, 1), axis=(1, 2)
        )

    pairs = ag.expand_dims(around, 2) * ag.expand_dims(around, 1)
    means = keep * (1 - keep) * ag.expand_dims(ag.eye(a.shape[1]), 2) + 0 * pairs
    variance = keep * (1 - keep) * F.linear(a * a, u * u)
    v1, v2, p, q, spread = sympy.symbols("w1 w2 x1 x2 v", real=True)
    one = OnSymbols(
        lambda p, q, v1, v2, m1, m2: F.drop_connect(
            ag.stack([p, q])[None], ag.stack([v1, v2])[:, None], ag.stack([m1, m2])[:, None]
        )[0, 0]
    )

    def of(m1: Any, m2: Any) -> sympy.Expr:
        return one(p, q, v1, v2, m1, m2)[0]

    center = alpha * (p * v1 + q * v2)
    varied = over_masks(2, alpha, lambda *d: (of(*d) - center) ** 2)
    squares = OnSymbols(lambda mean, v: F.moment_matched(mean, v, ag.square, 2), exact=True)
    positive = sympy.Symbol("v", positive=True)
    findings = [
        Finding("the sum is its mean and what is linear in M − α", prove.equal(sums, mean + rest, wrt=[a, m, u, b, keep])),
        Finding("the square of the rest", prove.equal(rest * rest, quadratic(pairs), wrt=[a, m, u, keep])),
        Finding("its mean", prove.equal(quadratic(means), variance, wrt=[a, m, u, keep])),
        Finding("two inputs, as sympy sums the mean", equation("D9", over_masks(2, alpha, of), center, ran=[one])),
        Finding(
            "and the variance",
            equation("D9", varied, alpha * (1 - alpha) * (v1**2 * p**2 + v2**2 * q**2), ran=[one]),
        ),
        Finding(
            "moment matching has the mean and the variance that it is given",
            equation("D9", squares(x, positive)[0], x**2 + positive, ran=[squares]),
            r"\mathrm{E}[u^2] = \mu^2 + v, \quad u \sim N(\mu, v)",
        ),
    ]  # fmt: skip
    for scale, factor in (("test", 1), ("inverted", 4)):
        layer = OnSymbols(
            on_number(ones(DropConnect, weight=2.0, keep=0.25, scale=scale)), exact=True
        )
        found, expected = at_bits(layer, 2 * factor * x, sympy.Integer(0))
        tested = OnSymbols(
            on_number(ones(DropConnect, weight=2.0, keep=0.25, scale=scale).eval()), exact=True
        )
        matched = ones(
            DropConnect, weight=2.0, keep=0.25, scale=scale, test="gaussian", activation=ag.square,
            samples=2,
        ).eval()  # fmt: skip
        squared = OnSymbols(on_number(matched), exact=True)
        share = sympy.Rational(1, 4)
        spread = share * (2 * factor * positive) ** 2
        findings += [
            Finding(
                f'scale="{scale}": a connection that is on, and off',
                equation("D9", found, expected, ran=[layer]),
            ),
            Finding(
                f'scale="{scale}": evaluation',
                equation("D9", tested(x)[0], share * 2 * factor * x, ran=[tested]),
            ),
            Finding(
                f'scale="{scale}": evaluation by moment matching, of a square behind the sum',
                equation("D9", squared(positive)[0], spread, ran=[squared]),
            ),
        ]
    return findings


@claim(
    "D10",
    slide=derived(VARIATIONS),
    formula=r"\mathrm{E}[\tilde{w}] = w, \quad \mathrm{Var}[\tilde{w}] = \frac{\tau}{1 - \tau} (|w| + c)^2 = \frac{\tau}{1 - \tau} \left( w^2 + 2 c |w| + c^2 \right)",
    words="Shakeout as published has w as its mean, and a variance that penalizes squares, sizes and the number of weights.",
    assumptions=["0 < τ < 1; w not 0"],
    method="sum over both values of a weight that the library's function gives; the layer as a function of the bits that "
    "it draws, at τ = 3/4, w = ∓2, c = 1/2",
    runs=[F.shakeout, Shakeout.forward],
)
def shaken() -> list[Finding]:
    ran = OnSymbols(F.shakeout)
    kept, dropped = ran(w, 1 - tau, c)
    mean = (1 - tau) * kept + tau * dropped
    variance = (1 - tau) * (kept - w) ** 2 + tau * (dropped - w) ** 2
    size = sympy.Abs(w)
    findings = [
        Finding("mean", equation("D10", mean, w, ran=[ran])),
        Finding(
            "variance", equation("D10", variance, tau / (1 - tau) * (size + c) ** 2, ran=[ran])
        ),
    ]
    for of in ("units", "weights"):
        for weight in (2, -2):
            layer = ones(Shakeout, weight=float(weight), keep=0.25, c=0.5, of=of)
            shown = OnSymbols(on_number(layer), exact=True)
            sign = sympy.sign(weight)
            values = (4 * weight + sympy.Rational(3, 2) * sign) * x, -sign * x / 2
            found, expected = at_bits(shown, *values)
            findings.append(
                Finding(
                    f'of="{of}": a weight of {weight}',
                    equation("D10", found, expected, ran=[shown]),
                )
            )
        tested = OnSymbols(
            on_number(ones(Shakeout, weight=2.0, keep=0.25, of=of).eval()), exact=True
        )
        findings.append(
            Finding(f'of="{of}": evaluation', equation("D10", tested(x)[0], 2 * x, ran=[tested]))
        )
    return findings


def whitened(form: str) -> list[Finding]:
    """Mean and penalty of a squared error with noise on the signals of two connections."""
    p, q, v1, v2, t = sympy.symbols("x1 x2 w1 w2 d", real=True)
    spread = OnSymbols(F.whiteout_spread)
    s1, s2 = (spread(v, sigma, gamma, lam)[0] for v in (v1, v2))
    n1, n2 = sympy.symbols("n1 n2", real=True)  # of variance 1, times the spread
    signal = (1, 1) if form == "additive" else (p, q)
    error = OnSymbols(
        lambda p, q, v1, v2, t, n: F.squared_error(
            F.connected(ag.stack([p, q])[None], ag.stack([v1, v2])[:, None]) + n, t[None, None]
        )
    )
    noise = n1 * signal[0] + n2 * signal[1]
    found = normal_mean(
        error(p, q, v1, v2, t, noise)[0], {n1: sympy.Symbol("s1") ** 2, n2: sympy.Symbol("s2") ** 2}
    ).subs({sympy.Symbol("s1"): s1, sympy.Symbol("s2"): s2})
    penalties = [
        k**2 * (sigma**2 * sympy.Abs(v) ** (2 - gamma) + lam * v**2)
        for k, v in zip(signal, (v1, v2), strict=True)
    ]
    squared = error(p, q, v1, v2, t, 0)[0]
    shape = arrays("x:B,2")[0]
    layer = ones(Whiteout, inputs=2, weight=1.0, std=0.5, form=form)
    z = drawn(layer, (shape.shape[0], 2, 1))
    size = F.whiteout_spread(layer.weight, 0.5, 1.0, 0.0)
    written = (
        F.linear(shape, layer.weight) + ag.sum(size * z, axis=1)
        if form == "additive"
        else ag.sum(ag.expand_dims(shape, 2) * (layer.weight + size * z), axis=1)
    )
    leaves = [shape, layer.weight]
    return [
        Finding(
            "the noise of a weight",
            equation("D11", s1**2, sigma**2 * sympy.Abs(v1) ** (2 - gamma) + lam * v1**2, ran=[spread]),
            r"\mathrm{Var}[w e] = w^2 \left( \sigma^2 |w|^{-\gamma} + \lambda \right)",
        ),
        Finding("the mean of the squared error", equation("D11", found, squared + sum(penalties), ran=[error, spread])),
        Finding("the layer in training", prove.equal(layer(shape), written, wrt=leaves)),
        Finding(
            "in evaluation", prove.equal(layer.eval()(shape), F.linear(shape, layer.weight), wrt=leaves)
        ),
    ]  # fmt: skip


@claim(
    "D11",
    slide=VARIATIONS,
    formula=r"\mathrm{E}_e \left( \sum_i w_i (x_i + e_i) - d \right)^2 = \left( \sum_i w_i x_i - d \right)^2 + \sum_i \left( \sigma^2 |w_i|^{2 - \gamma} + \lambda w_i^2 \right)",
    words="Noise of variance σ²|w|^−γ + λ, added to the signal of each connection, is a penalty of the weights: an elastic net for γ = 1.",
    assumptions=["a linear model, squared error, two inputs; w not 0"],
    method="sympy's mean over normal noise of what the library computes; the layer at every batch size",
    runs=[F.whiteout_spread, F.squared_error, Whiteout.forward],
)
def added() -> list[Finding]:
    return whitened("additive")


@claim(
    "D11b",
    slide=VARIATIONS,
    formula=r"\mathrm{E}_e \left( \sum_i w_i x_i (1 + e_i) - d \right)^2 = \left( \sum_i w_i x_i - d \right)^2 + \sum_i x_i^2 \left( \sigma^2 |w_i|^{2 - \gamma} + \lambda w_i^2 \right)",
    words="Multiplied to the signal of each connection, the same noise is the same penalty of each weight, times its input's square.",
    assumptions=["a linear model, squared error, two inputs; w not 0"],
    method="sympy's mean over normal noise of what the library computes; the layer at every batch size",
    runs=[F.whiteout_spread, F.squared_error, Whiteout.forward],
)
def multiplied() -> list[Finding]:
    return whitened("multiplicative")


@claim(
    "D13",
    slide=derived(INPUTS),
    formula=r"z = \sqrt{-2 \log u} \cos 2 \pi v: \quad \int_0^1 \int_0^1 z \, du \, dv = 0, \quad \int_0^1 \int_0^1 z^2 \, du \, dv = 1",
    words="The numbers that layers of normal noise draw have mean 0 and variance 1 if their uniform numbers are uniform.",
    assumptions=["u and v uniform on (0, 1)"],
    method="sympy's integrals of what the library computes of u and v",
    runs=[F.box_muller],
)
def normal_numbers() -> list[Finding]:
    u, v = sympy.symbols("u v", positive=True)
    turn = sympy.Rational(*float(2 * np.pi).as_integer_ratio())
    ran = OnSymbols(F.box_muller, exact=True)
    z = ran(u, v)[0].subs(turn, 2 * sympy.pi)

    def mean(expression: sympy.Expr) -> sympy.Expr:
        return sympy.integrate(sympy.integrate(expression, (v, 0, 1)), (u, 0, 1))

    radius = sympy.sqrt(-2 * sympy.log(u))
    return [
        Finding(
            "what is computed, with the float 2π for 2π",
            equation("D13", ran(u / (1 + u), v)[0], radius.subs(u, u / (1 + u)) * sympy.cos(turn * v), ran=[ran]),
        ),
        Finding("mean", equation("D13", mean(z), 0, ran=[ran])),
        Finding("variance", equation("D13", sympy.simplify(mean(sympy.expand(z**2))), 1, ran=[ran])),
    ]  # fmt: skip


@claim(
    "D14",
    slide=derived(INPUTS),
    formula=r"\mathrm{E}[\mathrm{Div}(z, \tilde{y})] = \mathrm{Div}\left( z, (1 - s) y + \frac{s}{C} \right), \quad s = \frac{p C}{C - 1}",
    words="Labels that are flipped with probability p, to any other class alike, are label smoothing of p C/(C − 1) in the mean of cross-entropy.",
    assumptions=["three classes"],
    method="sum over the three ways in which a target can come out of the library's function, for two "
    "rows that are turned alike; the loss with label_smoothing=3/4, for p = 1/2; the layer's bits on both sides of its threshold",
    runs=[F.flip_labels, F.cross_entropy, LabelFlip.forward],
)
def flipped() -> list[Finding]:
    z, y = arrays("z:2,3 y:2,3")
    p = scalar("p", positive=True)

    def turned(k: int) -> ag.Tensor:
        return ag.concatenate([y[:, 3 - k :], y[:, : 3 - k]], axis=1) if k else y

    mean = sum(
        (share * F.cross_entropy(z, turned(k)) for k, share in ((1, p / 2), (2, p / 2))),
        (1 - p) * F.cross_entropy(z, y),
    )
    smoothing = 3 * p / 2
    rows = (1 - smoothing) * y + smoothing / 3 * ag.sum(y, axis=1, keepdims=True)
    scores = sympy.symbols("z0:3", real=True)
    half = sympy.Rational(1, 2)

    def loss(k: int, **options: Any) -> OnSymbols:
        return OnSymbols(
            lambda *z: F.cross_entropy(
                ag.stack(z)[None], F.flip_labels(np.array([1]), np.array([k]), 3), **options
            ),
            exact=True,
        )

    ways = [loss(k) for k in range(3)]
    average = half * ways[0](*scores)[0] + half / 2 * (ways[1](*scores)[0] + ways[2](*scores)[0])
    smoothed = loss(0, label_smoothing=0.75)
    layer = LabelFlip(3, 0.25, rng=0)
    shown = OnSymbols(
        lambda a, b, c: tuple(layer(ag.stack([a, b, c])[None])[0, k] for k in range(3)), exact=True
    )
    border = 2**30
    # Bits are even, so the other class is the next; the last bits are odd, and not flipped.
    at = {"flipped": border - 2, "as it was": border}
    found = {name: sympy.Tuple(*shown(*scores, bits=bits)) for name, bits in at.items()}
    expected = {"flipped": (scores[2], scores[0], scores[1]), "as it was": scores}
    pairs = {f"{name}, {k}": found[name][k] for name in at for k in range(3)}
    wanted = {f"{name}, {k}": expected[name][k] for name in at for k in range(3)}
    return [
        Finding("the mean over ways to turn rows", prove.equal(mean, F.cross_entropy(z, rows), wrt=[z, y, p])),
        Finding(
            "the library's two losses, for p = 1/2",
            equation("D14", average, smoothed(*scores)[0], ran=[*ways, smoothed]),
        ),
        Finding("the layer flips for a share of p = 1/4 of all bits", equation("D14", pairs, wanted, ran=[shown])),
    ]  # fmt: skip


@erratum(
    "X16",
    "SIGN",
    slide=VARIATIONS,
    formula=r"|w| \rightarrow a |w| + (1 - a) c, \quad w \rightarrow -c",
    words="As printed the mean of a weight is not the weight, with whichever probability it is enlarged: sizes grow by (a − 1) c, and −c has w's sign.",
    assumptions=["a > 1; w and c not 0"],
    method="the mean of both values, against w, in every reading",
    runs=[F.shakeout],
)
def enlarged() -> Erratum:
    a = sympy.Symbol("a", positive=True)
    share = sympy.Symbol("q", positive=True)
    c = sympy.Symbol("c", positive=True)
    printed = OnSymbols(lambda w, keep, c: F.shakeout(w, keep, c, "printed"))
    published = OnSymbols(F.shakeout)
    scale = 1 + a  # above 1
    kept, minus = printed(w, 1 / scale, c)
    _, reversed_ = published(w, 1 / scale, c)
    right, _ = published(w, 1 / scale, c)

    def reading(words: str, q: Any, off: sympy.Expr) -> Finding:
        mean = q * kept + (1 - q) * off
        return Finding(words, equation("X16", mean, w, ran=[printed, published]))

    mean = right / scale + (1 - 1 / scale) * reversed_
    return Erratum(
        "SIGN",
        readings=(
            reading("enlarged with probability 1/a, else −c", 1 / scale, minus),
            reading("enlarged with probability 1/a, else −c sign(w)", 1 / scale, reversed_),
            reading("enlarged with any probability q = 1/(1 + p), else −c", 1 / (1 + share), minus),
            reading(
                "enlarged with any probability q = 1/(1 + p), else −c sign(w)",
                1 / (1 + share),
                reversed_,
            ),
        ),
        correction=(
            Finding(
                "(a − 1) c, and −c sign(w), with probability 1/a",
                equation("X16", mean, w, ran=[published]),
                r"|w| \rightarrow a |w| + (a - 1) c, \quad w \rightarrow -c \, \mathrm{sign}(w)",
            ),
        ),
        source="mathematics: the sign of a difference, as the authors' own layer has it the other way",
    )
