"""Losses: their gradients, and the shift that leaves the softmax as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, facts, labels, prove
from autograd_core.symbolic.claims import Finding, claim, derived
from autograd_core.symbolic.equations import OnSymbols, equation

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
    method="engine's gradient against the closed form, and against sympy's derivative",
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
        *(
            Finding(f"as derived: {words}", prove.backward(loss(y, d), wrt=[y, d]))
            for words, loss in (("the sum", F.squared_error), ("the mean", F.mse_loss))
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


@claim(
    "S5",
    slide=derived(OBJECTIVE),
    formula=r"-y \log \sigma(z) - (1 - y) \log(1 - \sigma(z)) = y\, \mathrm{softplus}(-z) + (1 - y)\, \mathrm{softplus}(z), \quad \frac{\partial}{\partial z} = \sigma(z) - y",
    words="Binary cross-entropy of scores, computed without a sigmoid that could saturate, is that of probabilities, and its gradient is σ(z) − y.",
    method="the library's stable form against the definition, and the engine's gradient against the closed form; with a "
    "weight w of a yes, w y (σ(z) − 1) + (1 − y) σ(z); and against sympy's derivatives",
    runs=[F.binary_cross_entropy_with_logits],
)
def binary() -> list[Finding]:
    z, y, w = leaves = arrays("z:B,D y:B,D w:D")
    s, count = ag.sigmoid(z), z.shape[0] * z.shape[1]
    weighed = F.binary_cross_entropy_with_logits(z, y, pos_weight=w, reduction="none")
    slope = ag.grad(lambda z: F.binary_cross_entropy_with_logits(z, y))(z)
    slope_weighed = ag.grad(
        lambda z: F.binary_cross_entropy_with_logits(z, y, pos_weight=w, reduction="sum")
    )(z)
    return [
        Finding(
            "the stable form",
            prove.equal(weighed, -w * y * ag.log(s) - (1 - y) * ag.log(1 - s), wrt=list(leaves)),
        ),
        Finding("the gradient of the mean", prove.equal(slope, (s - y) / count, wrt=[z, y])),
        Finding(
            "with a weight",
            prove.equal(slope_weighed, w * y * (s - 1) + (1 - y) * s, wrt=list(leaves)),
        ),
        Finding(
            "as derived",
            prove.backward(F.binary_cross_entropy_with_logits(z, y), wrt=[z, y]),
        ),
        Finding(
            "as derived, with a weight",
            prove.backward(
                F.binary_cross_entropy_with_logits(z, y, pos_weight=w, reduction="sum"),
                wrt=list(leaves),
            ),
        ),
    ]


@claim(
    "S6",
    slide=derived(OBJECTIVE),
    formula=r"y \to (1 - s) y + \frac{s}{C}: \quad \frac{\partial L}{\partial z} = \frac{1}{B} \left( p - (1 - s) y - \frac{s}{C} \right)",
    words="Label smoothing is cross-entropy with smoothed targets: its gradient is 0 where p is them, not where p is a one-hot row.",
    assumptions=["every row of y sums to 1, for the gradient"],
    method="the library's loss with smoothing ¼ against that with smoothed targets; the engine's gradient against the closed form and sympy's derivative",
    runs=[F.cross_entropy],
)
def smoothing() -> list[Finding]:
    z, y, w = arrays("z:B,C y:B,C w:C")
    s = 0.25
    smoothed = 0.75 * y + (s + 0 * y) / y.shape[1]
    slope = ag.grad(lambda z: F.cross_entropy(z, y, label_smoothing=s))(z)
    one = facts.sums_to_one(y, axis=1)
    closed = (F.softmax(z, axis=1) * (0.75 + s) - smoothed) / z.shape[0]
    return [
        Finding(
            "the loss",
            prove.equal(
                F.cross_entropy(z, y, label_smoothing=s), F.cross_entropy(z, smoothed), wrt=[z, y]
            ),
        ),
        Finding(
            "with weights of classes, which count after the smoothing",
            prove.equal(
                F.cross_entropy(z, y, w, label_smoothing=s),
                F.cross_entropy(z, smoothed, w),
                wrt=[z, y, w],
            ),
        ),
        Finding("the gradient", prove.equal(slope, closed, wrt=[z, y], given=[one])),
        Finding(
            "as derived",
            prove.backward(F.cross_entropy(z, y, label_smoothing=s), wrt=[z, y]),
        ),
    ]


@claim(
    "S7",
    slide=derived(OBJECTIVE),
    formula=r"\sum_c t_c (\log t_c - \log p_c) = \mathrm{CE}(z, t) - \mathrm{H}(t), \quad \frac{\partial}{\partial z} = \frac{1}{B} (p - t)",
    words="The divergence of Kullback and Leibler is cross-entropy less the entropy of the targets, so that both have one gradient.",
    assumptions=["targets above 0; every row sums to 1, for the gradient"],
    method="the library's functions against each other, and the engine's gradient against the closed form and sympy's derivative",
    runs=[F.kl_div, F.cross_entropy],
)
def divergence() -> list[Finding]:
    z, t = arrays("z:B,C t:B,C")
    one = facts.sums_to_one(t, axis=1)
    entropy = -ag.sum(ag.xlogy(t, t)) / z.shape[0]
    slope = ag.grad(lambda z: F.kl_div(F.log_softmax(z, axis=1), t))(z)
    return [
        Finding(
            "cross-entropy less the entropy",
            prove.equal(
                F.kl_div(F.log_softmax(z, axis=1), t), F.cross_entropy(z, t) - entropy, wrt=[z, t]
            ),
        ),
        Finding(
            "the gradient",
            prove.equal(slope, (F.softmax(z, axis=1) - t) / z.shape[0], wrt=[z, t], given=[one]),
        ),
        Finding("as derived", prove.backward(F.kl_div(F.log_softmax(z, axis=1), t), wrt=[z])),
    ]


@claim(
    "S8",
    slide=derived(OBJECTIVE),
    formula=r"\frac{\partial}{\partial e} \mathrm{Huber}_\delta(e) = \max(-\delta, \min(e, \delta))",
    words="Huber's loss has the error as its gradient, clipped to δ: no single instance pulls harder than that.",
    assumptions=["|e| ≠ δ"],
    method="engine's gradient, and sympy's derivative of the loss, in three regions of the error, which are all but their "
    "borders, with δ = ¾",
    runs=[F.huber_loss, F.smooth_l1_loss],
)
def huber() -> list[Finding]:
    delta = sympy.Rational(3, 4)
    share, far = sympy.symbols("s p", positive=True)
    inside = delta * (share - 1) / (share + 1)  # any error between −δ and δ

    def both(loss: Any) -> tuple[OnSymbols, OnSymbols]:
        """The loss of one error, and the engine's gradient of it."""

        def of(e: Any) -> ag.Tensor:
            return loss(ag.expand_dims(e, 0), np.zeros(1), 0.75, reduction="sum")

        return OnSymbols(of, exact=True), OnSymbols(ag.grad(of), exact=True)

    def moved(ran: OnSymbols, e: sympy.Expr) -> sympy.Expr:
        """By the error, as sympy differentiates the loss in a region that one symbol runs through."""
        (by,) = e.free_symbols
        return sympy.diff(ran(e)[0], by) / sympy.diff(e, by)

    regions = {"e > δ": delta + far, "|e| < δ": inside, "e < −δ": -delta - far}
    clipped = {"e > δ": delta, "|e| < δ": inside, "e < −δ": -delta}
    (value, whole), (value_smooth, smooth) = both(F.huber_loss), both(F.smooth_l1_loss)
    return [
        Finding(
            "as printed",
            equation("S8", {n: whole(e)[0] for n, e in regions.items()}, clipped, ran=[whole]),
        ),
        Finding(
            "over δ, of the smooth absolute error",
            equation(
                "S8",
                {n: smooth(e)[0] for n, e in regions.items()},
                {n: e / delta for n, e in clipped.items()},
                ran=[smooth],
            ),
        ),
        Finding(
            "as derived",
            equation("S8", {n: moved(value, e) for n, e in regions.items()}, clipped, ran=[value]),
        ),
        Finding(
            "as derived, of the smooth absolute error",
            equation(
                "S8",
                {n: moved(value_smooth, e) for n, e in regions.items()},
                {n: e / delta for n, e in clipped.items()},
                ran=[value_smooth],
            ),
        ),
    ]
