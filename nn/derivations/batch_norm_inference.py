"""Batch normalization at inference: averages over the training batches, and what they estimate."""

from __future__ import annotations

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F
from ..layers.normalization import BatchNorm1d, estimate_statistics

INFERENCE = "Batch normalization: Inference"


@claim(
    "B8",
    slide=INFERENCE,
    formula=r"\mu_{BN} = \frac{1}{N} \sum_{\mathrm{batch}} \mu_B, \quad \sigma_{BN}^2 = \frac{B}{(B - 1) N} \sum_{\mathrm{batch}} \sigma_B^2",
    words="In evaluation the layer normalizes by averages over training batches, the variance multiplied by B/(B − 1), which makes it unbiased.",
    assumptions=[
        "for the last part: the samples of a batch are independent, with mean m and variance v"
    ],
    method="the layer in evaluation, with its statistics as symbols; a pass in training; "
    "estimate_statistics on two batches; the mean of σ_B², which is quadratic in the batch, over 2B batches "
    "that have the second moments of independent samples: m ± √(v B) in one place, m in the others",
    runs=[BatchNorm1d.forward, estimate_statistics, F.batch_norm_with_statistics],
)
def inference() -> list[Finding]:
    layer = BatchNorm1d(2, eps=2**-16, momentum=0.25, dtype=np.float64).eval()
    gamma, beta = layer.parameters()

    def fixed(z: ag.Tensor) -> ag.Tensor:
        u = (z - layer.running_mean) / ag.sqrt(layer.running_var + layer.eps)
        return gamma * u + beta

    evaluation = prove.equal(layer, fixed, args=arrays("z:B,2"))
    a, b = sympy.symbols("z1 z2", real=True)
    run = OnSymbols(_running, exact=True)
    mean, variance = (a + b) / 2, (a - b) ** 2 / 4
    averaged = BatchNorm1d(1, dtype=np.float64)
    batches = [np.array([[0.0], [2.0], [4.0], [2.0]]), np.array([[2.0], [6.0], [6.0], [2.0]])]
    estimate_statistics(averaged, batches)
    means, variances = [2, 4], [2, 4]  # of the batches, by hand
    estimated = {
        "mean": sympy.Rational(averaged.running_mean.item()),
        "variance": sympy.Rational(averaged.running_var.item()).limit_denominator(10**6),
    }
    scale = sympy.Rational(4, 3)
    return [
        Finding("in evaluation", evaluation),
        Finding(
            "a pass in training moves the running statistics by momentum, from 0 and 1; B = 2",
            equation(
                "B8",
                dict(zip(("mean", "variance"), run(a, b), strict=True)),
                {"mean": mean / 4, "variance": sympy.Rational(3, 4) + variance * 2 / 4},
                ran=[run],
            ),
        ),
        *unbiased(),
        Finding(
            "estimate_statistics: two batches of four",
            equation(
                "B8",
                estimated,
                {"mean": sympy.Rational(sum(means), 2), "variance": scale * sum(variances) / 2},
            ),
        ),
    ]


def unbiased() -> list[Finding]:
    """E σ_B² = v (B − 1)/B, for any B: a column is a batch."""
    (square,) = arrays("square:B,B")  # lends its size only
    m, v = scalar("m", positive=True), scalar("v", positive=True)
    batch = square.shape[0]
    moved = ag.sqrt(v * batch) * ag.eye(batch) + 0 * square
    up, down = m + moved, m - moved
    products = [ag.matmul(z, ag.matrix_transpose(z)) for z in (up, down)]
    second = (products[0] + products[1]) / (2 * batch)
    variances = [F.batch_norm_with_statistics(z)[2] for z in (up, down)]
    expected = ag.mean(variances[0] + variances[1]) / 2
    leaves = [square, m, v]
    return [
        Finding(
            "the second moments of those batches are m² + v δ_ik",
            prove.equal(second, m * m + v * ag.eye(batch) + 0 * square, wrt=leaves),
        ),
        Finding(
            "so the mean of σ_B² is v (B − 1)/B",
            prove.equal(expected, v * (batch - 1) / batch + 0 * ag.sum(square), wrt=leaves),
            r"\mathrm{E}[\sigma_B^2] = \frac{B - 1}{B} v",
        ),
    ]


def _running(a: ag.Tensor, b: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
    """The running statistics after a batch of two, one unit."""
    layer = BatchNorm1d(1, momentum=0.25, dtype=np.float64)
    layer(ag.stack([a, b])[:, None])
    return ag.sum(layer.running_mean), ag.sum(layer.running_var)


@erratum(
    "X41",
    "ASSUME",
    slide=INFERENCE,
    formula=r"\sigma_{BN}^2 = \frac{B}{(B - 1) N} \sum_{\mathrm{batch}} \sigma_B^2 \text{ is unbiased}",
    words="The factor B/(B − 1) makes an unbiased estimate of the variance within batches. Of all the data it lacks the spread between the batches' means: {0, 2} and {10, 12} give 2, all four 34.67.",
    assumptions=["two batches of two, for the readings; N batches of B, for the correction"],
    method="the average of the library's variances against both variances",
    runs=[F.batch_norm_with_statistics],
)
def within_batches_only() -> Erratum:
    symbols = sympy.symbols("a b c d", real=True)
    spread = OnSymbols(lambda a, b: ag.sum(F.batch_norm_with_statistics(ag.stack([a, b]))[2]))
    a, b, c, d = symbols
    average = 2 * (spread(a, b)[0] + spread(c, d)[0]) / 2
    mean = sum(symbols) / 4
    whole = sum((s - mean) ** 2 for s in symbols) / 3
    within = ((a - b) ** 2 + (c - d) ** 2) / 4
    at = dict(zip(symbols, (0, 2, 10, 12), strict=True))
    # A column is a batch: units do not mix.
    (z,) = arrays("z:B,N")
    _, means, variances = F.batch_norm_with_statistics(z)
    batch = z.shape[0]
    estimate = ag.mean(variances) * batch / (batch - 1)
    every = ag.mean(ag.square(z - ag.mean(z)))
    between = ag.mean(ag.square(means - ag.mean(z)))
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "of the variance within batches, around their own means",
                equation("X41", average, within, ran=[spread]),
            ),
            Finding(
                "of the variance of all the data: {0, 2} and {10, 12}",
                equation("X41", average, whole, ran=[spread], at=at),
            ),
        ),
        correction=(
            Finding(
                "the variance of all the data: within and between",
                prove.equal(every, estimate * (batch - 1) / batch + between, wrt=[z]),
                r"\frac{1}{N B} \sum (z - \mu)^2 = \frac{B - 1}{B} \sigma_{BN}^2 + \frac{1}{N} \sum_{\mathrm{batch}} (\mu_B - \mu)^2",
            ),
        ),
        source="an assumption: batches that are drawn at random from all the data",
    )
