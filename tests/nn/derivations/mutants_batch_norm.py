"""Faults of batch norm, and the claims that each must turn."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
import nn
from autograd_core.primitives import REGISTRY
from nn.derivations import batch_norm_inference as chapter

F = nn.functional
normalize, linear, batch_norm = F.normalize, F.linear, F.batch_norm
normalized, estimated = nn.BatchNorm1d.forward, nn.estimate_statistics
SLOW = {"B4", "B5", "B6", "B11", "B12", "B12b"}  # some take ten seconds


def unbiased(z, gamma=None, beta=None, eps=1e-5):
    """The variance over B + 1 instead of B."""
    mean = ag.mean(z, axis=0)
    variance = ag.sum(ag.square(z - mean), axis=0) / (z.shape[0] + 1)
    return (z - mean) / ag.sqrt(variance + eps), mean, variance


def by_place(z, gamma=None, beta=None, eps=1e-5):
    """Over the batch alone: a mean for each pixel."""
    mean = ag.mean(z, axis=0)
    variance = ag.mean(ag.square(z - mean), axis=0)
    return (z - mean) / ag.sqrt(variance + eps), mean, variance


def outside(z, gamma=None, beta=None, eps=1e-5):
    """ε outside the root."""
    mean = ag.mean(z, axis=0)
    u = (z - mean) / (ag.sqrt(ag.mean(ag.square(z - mean), axis=0)) + eps)
    scaled = u if gamma is None else gamma * u
    return scaled if beta is None else scaled + beta


def by_the_batch(self, z):
    """Evaluation by the batch's own statistics."""
    if self.training or self._collected is not None:
        return normalized(self, z)
    mean, variance = ag.mean(z, axis=0), ag.mean(ag.square(z - ag.mean(z, axis=0)), axis=0)
    return F.normalize(z, mean, variance, self.gamma, self.beta, self.eps)


def biased(self, z):
    """The running variance without B/(B − 1)."""
    before = self.running_var * 1
    output = normalized(self, z)
    if self.training:
        moved = self.running_var - (1 - self.momentum) * before
        rows = z.shape[0]
        kept = (1 - self.momentum) * before
        self.running_var.assign(kept + moved * (rows - 1) / rows)
    return output


def uncorrected(model, batches, last="own"):
    batches = list(batches)
    estimated(model, batches, last)
    rows = len(batches[0])
    model.running_var.assign(model.running_var * (rows - 1) / rows)


def doubled(primitive):
    return tuple(
        lambda *args, rule=rule, **params: 2 * rule(*args, **params) for rule in primitive.vjp
    )


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("variance over B + 1", F, "batch_norm_with_statistics", unbiased, "B1"),
    mutant("variance over B + 1", F, "batch_norm_with_statistics", unbiased, "B8", "X41"),
    mutant("statistics of each pixel", F, "batch_norm_with_statistics", by_place, "B1b"),
    mutant("all units", nn.BatchNorm1d, "_selected", lambda self, output, z: output, "B13"),
    mutant(
        "the other units are 0", nn.BatchNorm1d, "_selected",
        lambda self, output, z: ag.where(np.isin(np.arange(3), self.units), output, 0 * z), "B13",
    ),
    mutant(  # where batch_norm looks for it
        "variance over B + 1", F.normalization, "batch_norm_with_statistics", unbiased, "B4"
    ),
    mutant("ε outside the root", F, "batch_norm", outside, "B4", "B5", "B6", "B12"),
    mutant(
        "the input added", F, "batch_norm", lambda z, *a, **k: batch_norm(z, *a, **k) + z, "B11", "B6b"
    ),
    mutant(
        "twice the variance", F, "normalize",
        lambda z, m, v, *a, **k: normalize(z, m, 2 * v, *a, **k), "B2", "B3", "B8",
    ),
    mutant("evaluation by the batch", nn.BatchNorm1d, "forward", by_the_batch, "B8"),
    mutant("a biased running variance", nn.BatchNorm1d, "forward", biased, "B8"),
    mutant("estimates without B/(B − 1)", chapter, "estimate_statistics", uncorrected, "B8"),
    mutant("Tanh is the identity", nn.Tanh, "forward", lambda self, x: ag.identity(x), "B12b"),
    mutant("linear doubled", F, "linear", lambda x, w, b=None: 2 * linear(x, w, b), "B12", "B12b"),
    mutant(
        "a rule that is twice too large", REGISTRY["tanh"], "vjp", doubled(REGISTRY["tanh"]), "B12"
    ),
    mutant("NumPy's sin for tanh", REGISTRY["tanh"], "forward", np.sin, "B12", "B12b"),
]  # fmt: skip
