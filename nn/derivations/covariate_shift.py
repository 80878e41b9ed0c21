"""Covariate shift: what batch norm moves away, between batches and between training and test."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum

from .. import functional as F
from ..layers.normalization import BatchNorm1d

STANDARD = "Solution: Move all subgroups to a “standard” location"
STORY = "Story so far"


def _shifted() -> tuple[Finding, ...]:
    """The layer in evaluation, of inputs that are moved by s."""
    layer = BatchNorm1d(2, dtype=np.float64).eval()
    gamma, _ = layer.parameters()

    def moved(z: ag.Tensor, s: ag.Tensor) -> ag.Tensor:
        return layer(z + s) - layer(z)

    def passed(z: ag.Tensor, s: ag.Tensor) -> ag.Tensor:
        return gamma * s / ag.sqrt(layer.running_var + layer.eps) + 0 * z

    return (
        Finding(
            "in evaluation the shift passes, times the slope",
            prove.equal(moved, passed, args=arrays("z:B,2 s:2")),
            r"\mathrm{BN}(z + s) - \mathrm{BN}(z) = \frac{\gamma s}{\sqrt{\sigma_{BN}^2 + \varepsilon}}",
        ),
    )


@claim(
    "B9",
    slide=derived(STORY),
    formula=r"\mathrm{BN}(z + s) - \mathrm{BN}(z) = \frac{\gamma s}{\sqrt{\sigma_{BN}^2 + \varepsilon}}",
    words="A shift between training and test passes through batch norm, scaled. In training, a shift of a whole batch has no effect.",
    method="the layer in evaluation, with its statistics as symbols; the function with the batch's own",
    runs=[BatchNorm1d.forward, F.batch_norm],
)
def shift_in_evaluation() -> list[Finding]:
    z, s, gamma, beta = arrays("z:B,D s:D gamma:D beta:D")
    eps = scalar("eps", positive=True)
    own = prove.equal(
        F.batch_norm(z + s, gamma, beta, eps),
        F.batch_norm(z, gamma, beta, eps),
        wrt=[z, s, gamma, beta, eps],
    )
    return [*_shifted(), Finding("with the statistics of the shifted batch it is gone", own)]


@erratum(
    "X42",
    "CLAIM",
    slide=STORY,
    formula=r"\text{batch norm handles a covariate shift between training and test}",
    words="With the statistics of the training batches, as on the slide of inference, a shift of the test data is not removed but passes through. It is removed where statistics are those of the test batch.",
    method="what comes out for shifted inputs, by either statistics",
    runs=[F.normalize, F.batch_norm, BatchNorm1d.forward],
)
def shift_between_training_and_test() -> Erratum:
    z, s, mean, sigma2 = arrays("z:B,D s:D mu:D sigma2:D")
    eps = scalar("eps", positive=True)
    leaves = [z, s, mean, sigma2, eps]
    given, moved = (F.normalize(x, mean, sigma2, eps=eps) for x in (z, z + s))
    own, moved_too = (F.batch_norm(x, eps=eps) for x in (z, z + s))
    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "by the averages over training batches",
                prove.equal(moved, given, wrt=leaves),
            ),
            Finding(
                "by the test batch's own statistics", prove.equal(moved_too, own, wrt=[z, s, eps])
            ),
        ),
        correction=_shifted(),
        source='a statement that is too strong: "may be handled"',
    )


@erratum(
    "X43",
    "CLAIM",
    slide=STANDARD,
    formula=r"\text{moving all batches to mean 0 and standard deviation 1 eliminates covariate shift between batches}",
    words="Batches have the same mean and variance then; their distributions may differ in everything else, such as the third moment.",
    assumptions=["ε = 0, and no batch whose values are all alike"],
    method="moments of two normalized batches of one unit",
    runs=[F.batch_norm],
)
def two_moments() -> Erratum:
    z, y, eps = *arrays("z:B y:M"), scalar("eps", positive=True)
    a, b = arrays("a:3 b:3")

    def moment(x: ag.Tensor, power: int) -> ag.Tensor:
        return ag.mean(F.batch_norm(x, eps=0) ** power, axis=0)

    return Erratum(
        "CLAIM",
        readings=(
            Finding("the mean", prove.equal(moment(z, 1), moment(y, 1), wrt=[z, y])),
            Finding("the mean square", prove.equal(moment(z, 2), moment(y, 2), wrt=[z, y])),
            Finding("the mean cube", prove.equal(moment(a, 3), moment(b, 3), wrt=[a, b])),
        ),
        correction=(
            Finding(
                "the first moment is 0",
                prove.equal(ag.mean(F.batch_norm(z, eps=eps), axis=0), 0 * eps, wrt=[z, eps]),
                r"\frac{1}{B} \sum_i u_i = 0",
            ),
            Finding(
                "the second is 1 for ε = 0",
                prove.equal(moment(z, 2), 1 + 0 * moment(z, 1), wrt=[z]),
                r"\frac{1}{B} \sum_i u_i^2 = 1",
            ),
        ),
        source="wording: two moments for a distribution",
    )
