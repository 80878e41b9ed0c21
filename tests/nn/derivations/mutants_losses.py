"""Faults of losses, and the claims that each must turn."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
import nn
from autograd_core.primitives import REGISTRY

F = nn.functional
softmax, log_softmax = F.softmax, F.log_softmax
cross_entropy, squared_error = F.cross_entropy, F.squared_error


def unshifted(x, *, axes=None, keepdims=False, **rest):
    """The float kernel, which forgets to add what it subtracted."""
    largest = np.max(x, axis=axes, keepdims=True)
    return np.log(np.sum(np.exp(x - largest), axis=axes, keepdims=keepdims))


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
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
