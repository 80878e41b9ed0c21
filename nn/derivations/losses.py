"""Losses: their gradients, and the shift that leaves the softmax as it is."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.symbolic import arrays, facts, labels, prove
from autograd_core.symbolic.claims import Finding, claim, derived

from .. import functional as F

OBJECTIVE = "Objective function for neural networks"


@claim(
    "S1",
    slide=derived(OBJECTIVE),
    formula=r"\frac{\partial L}{\partial z_{bc}} = \frac{1}{B} \left( p_{bc} \sum_{k} y_{bk} - y_{bc} \right), \quad = \frac{1}{B} (p_{bc} - y_{bc}) \text{ where } \sum_{k} y_{bk} = 1",
    words="The gradient of softmax and cross-entropy is (p − y)/B where each row of targets sums to 1, and (p Σy − y)/B in general.",
    assumptions=["for the short form: every row of y sums to 1"],
    method="engine's gradient against the closed forms; the fact is declared for the second alone",
    runs=[F.cross_entropy],
)
def cross_entropy() -> list[Finding]:
    z, y = arrays("z:B,C y:B,C")
    batch = z.shape[0]
    gradient = ag.grad(lambda z: F.cross_entropy(z, y))(z)
    p = F.softmax(z, axis=1)
    general = (p * ag.sum(y, axis=1, keepdims=True) - y) / batch
    one = facts.sums_to_one(y, axis=1)
    return [
        Finding("for any targets", prove.equal(gradient, general, wrt=[z, y])),
        Finding(
            "for probabilities", prove.equal(gradient, (p - y) / batch, wrt=[z, y], given=[one])
        ),
        Finding("as derived", prove.backward(F.cross_entropy(z, y), wrt=[z, y])),
    ]


@claim(
    "S2",
    slide=derived(OBJECTIVE),
    formula=r"\frac{\partial}{\partial Y} \frac{1}{B} \sum_{t=1}^{B} \| Y_t - d_t \|^2 = \frac{2}{B} (Y - d)",
    words="The gradient of the mean squared error, summed over outputs, is 2/B (Y − d).",
    method="engine's gradient against the closed form",
    runs=[F.squared_error, F.mse_loss],
)
def squared_error() -> list[Finding]:
    y, d = arrays("Y:B,D d:B,D")
    gradient = ag.grad(lambda y: F.squared_error(y, d))(y)
    rows, columns = y.shape
    return [
        Finding("summed over outputs", prove.equal(gradient, 2 * (y - d) / rows, wrt=[y, d])),
        Finding(
            "as a mean over the outputs too: PyTorch's and Keras's loss",
            prove.equal(
                ag.grad(lambda y: F.mse_loss(y, d))(y), 2 * (y - d) / (rows * columns), wrt=[y, d]
            ),
            r"\frac{\partial}{\partial Y} \frac{1}{B D} \sum_{t=1}^{B} \| Y_t - d_t \|^2 = \frac{2}{B D} (Y - d)",
        ),
    ]


@claim(
    "S3",
    slide=derived(OBJECTIVE),
    formula=r"m + \log \sum_{c=1}^{C} e^{z_c - m} = \log \sum_{c=1}^{C} e^{z_c}",
    words="Log-sum-exp, and with it softmax and cross-entropy, do not depend on the number that is subtracted to keep exp from overflowing.",
    method="normal form of sums, for every number m; the code that runs on floats and subtracts the "
    "maximum, on symbols",
    runs=[F.softmax, F.log_softmax],
)
def shift() -> list[Finding]:
    z, m = arrays("z:B,C m:B,1")
    shifted = m + ag.log(ag.sum(ag.exp(z - m), axis=1, keepdims=True))
    log_total = ag.logsumexp(z, axis=1, keepdims=True)
    powers = ag.exp(z)
    leaves = [z, m]
    return [
        Finding("the float code, which subtracts the maximum", prove.forward("logsumexp")),
        Finding(
            "softmax is the share of each power",
            prove.equal(
                F.softmax(z, axis=1), powers / ag.sum(powers, axis=1, keepdims=True), wrt=[z]
            ),
            r"\mathrm{softmax}(z)_c = e^{z_c} / \sum_k e^{z_k}",
        ),
        Finding(
            "log-softmax is its logarithm",
            prove.equal(F.log_softmax(z, axis=1), z - log_total, wrt=[z]),
            r"\log \mathrm{softmax}(z)_c = z_c - \log \sum_k e^{z_k}",
        ),
        Finding("log-sum-exp", prove.equal(log_total, shifted, wrt=leaves)),
        Finding("softmax", prove.equal(F.softmax(z - m, axis=1), F.softmax(z, axis=1), wrt=leaves)),
        Finding(
            "log-softmax",
            prove.equal(F.log_softmax(z - m, axis=1), F.log_softmax(z, axis=1), wrt=leaves),
        ),
    ]


@claim(
    "S4",
    slide=derived(OBJECTIVE),
    formula=r"\frac{\partial}{\partial z_{bc}} \left( -\frac{1}{B} \sum_{b=1}^{B} \log p_{b y_b} \right) = \frac{1}{B} (p_{bc} - \delta_{c y_b})",
    words="Cross-entropy of integer labels, which picks one entry of each row, has the gradient (p − one-hot)/B.",
    assumptions=["labels from 0 to C − 1"],
    method="engine's gradient, weighed by free symbols v, against the closed form; and against sympy's derivative",
    runs=[F.cross_entropy],
)
def integer_labels() -> list[Finding]:
    z, v = arrays("z:B,C v:B,C")
    (y,) = labels("y:B")
    loss = F.cross_entropy(z, y)
    gradient = ag.grad(lambda z: F.cross_entropy(z, y))(z)
    # Σ v one-hot, for every v, is what one-hot is.
    hot = ag.sum(ag.take_along_axis(v, ag.expand_dims(y, 1), axis=1))
    closed = (ag.sum(v * F.softmax(z, axis=1)) - hot) / z.shape[0]
    return [
        Finding("the closed form", prove.equal(ag.sum(v * gradient), closed, wrt=[z, v])),
        Finding("as derived", prove.backward(loss, wrt=[z])),
    ]
