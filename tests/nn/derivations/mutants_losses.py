"""Faults of losses, and the claims that each must turn."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
import nn
from autograd_core.primitives import REGISTRY

F = nn.functional
softmax, log_softmax = F.softmax, F.log_softmax
cross_entropy, squared_error = F.cross_entropy, F.squared_error
with_logits, kl_div, huber_loss = F.binary_cross_entropy_with_logits, F.kl_div, F.huber_loss


def unshifted(x, *, axes=None, keepdims=False, **rest):
    """The float kernel, which forgets to add what it subtracted."""
    largest = np.max(x, axis=axes, keepdims=True)
    return np.log(np.sum(np.exp(x - largest), axis=axes, keepdims=keepdims))


def on_both(z, y, weight=None, pos_weight=None, **options):
    """The weight of a yes on a no too."""
    return with_logits(z, y, pos_weight if weight is None else weight, **options)


def unsmoothed(z, y, weight=None, *, label_smoothing=0.0, **options):
    return cross_entropy(z, y, weight, **options)


def weighed_first(z, y, weight=None, *, label_smoothing=0.0, **options):
    """Weights before the smoothing, which then has none."""
    plain = (1 - label_smoothing) * cross_entropy(z, y, weight, **options)
    uniform = (0 * y + 1) / y.shape[1]
    return plain + label_smoothing * cross_entropy(z, uniform, **options)


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("a weight on both", F, "binary_cross_entropy_with_logits", on_both, "S5"),
    mutant("no smoothing", F, "cross_entropy", unsmoothed, "S6"),
    mutant("weights before the smoothing", F, "cross_entropy", weighed_first, "S6"),
    mutant("doubled", F, "kl_div", lambda p, t: 2 * kl_div(p, t), "S7"),
    mutant(
        "δ ignored", F, "huber_loss", lambda y, d, delta=1.0, **o: huber_loss(y, d, 1.0, **o), "S8"
    ),
    mutant("twice", F, "cross_entropy", lambda z, y: 2 * cross_entropy(z, y), "S1", "S4"),
    mutant("halved", F, "squared_error", lambda o, t: squared_error(o, t) / 2, "S2"),
    mutant(
        "a mean over rows only", F, "mse_loss",
        lambda o, t: ag.squared_distance(o, t) / o.shape[0], "S2",
    ),
    mutant("not normalized", F, "softmax", lambda z, axis: ag.exp(z), "S1", "S3", "S4"),
    mutant(
        "temperature ½", F, "softmax", lambda z, axis: ag.exp(2 * log_softmax(z, axis)), "S3"
    ),
    mutant("doubled", F, "log_softmax", lambda z, axis: 2 * log_softmax(z, axis), "S3"),
    mutant("forgets the maximum", REGISTRY["logsumexp"], "forward", unshifted, "S3"),
]  # fmt: skip
