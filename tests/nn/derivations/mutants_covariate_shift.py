"""Faults of what moves distributions, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import nn

F = nn.functional
batch_norm, normalize, normalized = F.batch_norm, F.normalize, nn.BatchNorm1d.forward


def by_the_batch(self, z):
    """Evaluation by the batch's own statistics."""
    if self.training:
        return normalized(self, z)
    return F.batch_norm(z, self.gamma, self.beta, self.eps)


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("evaluation by the batch", nn.BatchNorm1d, "forward", by_the_batch, "B9", "X42"),
    mutant(
        "twice the variance", F, "normalize",
        lambda z, m, v, *a, **k: normalize(z, m, 2 * v, *a, **k), "B9", "X42",
    ),
    mutant(
        "the mean added", F, "batch_norm",
        lambda z, *a, **k: batch_norm(z, *a, **k) + ag.mean(z, axis=0), "B9", "X42", "X43",
    ),
    mutant("doubled", F, "batch_norm", lambda z, *a, **k: 2 * batch_norm(z, *a, **k), "X43"),
]  # fmt: skip
