"""Faults of penalties, and the claims that each must turn."""

from __future__ import annotations

import nn

F = nn.functional
l2 = F.l2


def penalized(weights):
    """As the module chooses."""
    if isinstance(weights, nn.Module):
        weights = [w for w in weights.parameters() if w.ndim >= 2]
    return F.l2(weights)


def without_strength(self, weights):
    penalty = penalized(weights)
    return penalty if self.half else 2 * penalty


def always_half(self, weights):
    return self.lam * penalized(weights)


def biases_too(self, weights):
    found = weights.parameters() if isinstance(weights, nn.Module) else weights
    penalty = self.lam * F.l2(found)
    return penalty if self.half else 2 * penalty


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("doubled", F, "l2", lambda weights: 2 * l2(weights), "R2", "X23"),
    mutant("the first weights alone", F, "l2", lambda weights: l2(list(weights)[:1]), "R2"),
    mutant("λ ignored", nn.L2, "forward", without_strength, "R2"),
    mutant("half=False ignored", nn.L2, "forward", always_half, "R2"),
    mutant("biases penalized", nn.L2, "forward", biases_too, "R2"),
]  # fmt: skip
