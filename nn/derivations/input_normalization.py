"""Normalization of inputs: what the fitted layer does to its training data."""

from __future__ import annotations

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.claims import Finding, claim
from autograd_core.symbolic.equations import equation

from .. import functional as F
from ..layers.normalization import InputNorm
from ..substitution import functional_call

TRICKS = "Other tricks"


def fitted(x: ag.Tensor, eps: float = 0.0) -> ag.Tensor:
    """The layer, with the mean and the variance of x itself, as `InputNorm.adapt` takes them."""
    layer = InputNorm(3, eps=eps, dtype=np.float64)
    mean = ag.sum(x, axis=0) / x.shape[0]
    variance = ag.sum(ag.square(x - mean), axis=0) / x.shape[0]
    normalized: ag.Tensor = functional_call(layer, {"mean": mean, "variance": variance}, (x,))
    return normalized


@claim(
    "B10",
    slide=TRICKS,
    formula=r"\frac{1}{T} \sum_t u_t = 0, \quad \frac{1}{T} \sum_t u_t^2 = 1, \quad u_t = \frac{x_t - \mu}{\sigma}",
    words="A covariate shift of the entire training data gives each input mean 0 and variance 1.",
    assumptions=["no input has the same value in all of the data"],
    method="moments of the layer's output, with the statistics as sums over the data; that adapt takes "
    "these, in batches of any sizes, on whole numbers",
    runs=[InputNorm.forward, InputNorm.adapt],
)
def moments() -> list[Finding]:
    (x,) = arrays("x:T,3")
    u = fitted(x)
    first, second = ag.mean(u, axis=0), ag.mean(u * u, axis=0)
    data = np.array([[0.0], [2.0], [6.0], [8.0], [9.0]])
    layer = InputNorm(1).adapt([data[:1], data[1:]])
    taken = {
        name: sympy.Rational(t.item()).limit_denominator(10**6)
        for name, t in (("mean", layer.mean), ("variance", layer.variance))
    }
    whole = [sympy.Integer(int(n)) for n in data[:, 0]]
    mean = sum(whole) / sympy.Integer(5)
    by_hand = {"mean": mean, "variance": sum((n - mean) ** 2 for n in whole) / 5}
    return [
        Finding("mean 0", prove.equal(first, 0 * first, wrt=[x])),
        Finding("variance 1", prove.equal(second, 1 + 0 * first, wrt=[x])),
        Finding("what adapt takes of 0 and of 2, 6, 8, 9", equation("B10", taken, by_hand)),
    ]


@claim(
    "B10b",
    slide=TRICKS,
    formula=r"\frac{x_t - \mu}{\sqrt{\sigma^2 + \varepsilon}} = \mathrm{BN}(x)_t \quad \text{for} \quad B = T, \gamma = 1, \beta = 0",
    words="Normalizing the inputs is batch norm on them, over the whole training set as one batch, with γ = 1 and β = 0. Minibatch batch norm is not the same.",
    method="the fitted layer against batch norm, for any ε and without it; and their gradients",
    runs=[InputNorm.forward, F.batch_norm],
)
def batch_norm_of_all() -> list[Finding]:
    x, g = arrays("x:T,3 g:T,3")
    zeros = 0 * ag.sum(x, axis=0)
    ones = 1 + zeros
    found, expected = fitted(x, 2**-10), F.batch_norm(x, ones, zeros, 2**-10)
    by_layer = ag.grad(lambda x: ag.sum(g * fitted(x, 2**-10)))(x)
    by_batch_norm = ag.grad(lambda x: ag.sum(g * F.batch_norm(x, eps=2**-10)))(x)
    return [
        Finding("with ε", prove.equal(found, expected, wrt=[x])),
        Finding("ε = 0", prove.equal(fitted(x), F.batch_norm(x, ones, zeros, 0), wrt=[x])),
        Finding(
            "gradients, where the statistics move with the data",
            prove.equal(by_layer, by_batch_norm, wrt=[x, g]),
        ),
    ]
