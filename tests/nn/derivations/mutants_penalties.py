"""Faults of penalties, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import nn
from autograd_core.primitives import REGISTRY

F = nn.functional
l1, l2, elastic_net, squared_error = F.l1, F.l2, F.elastic_net, F.squared_error
linear, tanh, soft_threshold, project = F.linear, F.tanh, F.soft_threshold, F.project_l2_ball


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


def summed(output, targets, **options):
    """A sum over the batch, whatever is asked for."""
    return squared_error(output, targets, reduction="sum")


def on_both(weights, beta=1.0):
    """The elastic net's β on the absolute values too."""
    return elastic_net(weights, beta) + (beta - 1) * l1(weights)


def hard_threshold(x, threshold):
    """What is above the threshold is kept as it is."""
    return ag.where(ag.greater(ag.absolute(x), threshold), x, 0 * x)


def past_zero(x, threshold):
    """The step of the printed update, which does not stop at 0."""
    return x - threshold * ag.sign(x)


def shrunk_once(self, w, step=1.0):
    """The elastic net's proximal step without its square."""
    return F.soft_threshold(w, step * self.lam)


def doubled(primitive):
    return tuple(
        lambda *args, rule=rule, **params: 2 * rule(*args, **params) for rule in primitive.vjp
    )


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant(
        "doubled", F, "l2", lambda weights: 2 * l2(weights),
        "R2", "X23", "R4", "R5", "R5b", "R7", "R11", "R12", "X12", "R13b", "R16", "R17", "R18", "R19",
    ),
    mutant(
        "doubled", F, "l1", lambda weights: 2 * l1(weights),
        "R6", "R7", "R8", "R10", "R14", "R19", "X45",
    ),
    mutant("a sum for a mean", F, "squared_error", summed, "R1", "R13b", "X47"),
    mutant("a rule twice too large", REGISTRY["multiply"], "vjp", doubled(REGISTRY["multiply"]), "R3"),
    mutant("β on both", F, "elastic_net", on_both, "R14", "R14b"),
    mutant("λ ignored", nn.L1, "_of", lambda self, weights: F.l1(weights), "R6"),
    mutant("λ ignored", nn.ElasticNet, "_of", lambda self, weights: F.l1(weights), "R14"),
    mutant("λ ignored", nn.L2, "_of", lambda self, weights: F.l2(weights), "R13b"),
    mutant("kept as it is", F, "soft_threshold", hard_threshold, "R8", "R9", "R14b", "R18"),
    mutant("an activation that does not shrink", F, "softshrink", hard_threshold, "R9"),
    mutant("past 0", F, "soft_threshold", past_zero, "R8", "R9", "R18", "X45"),
    mutant("without the square", nn.ElasticNet, "proximal", shrunk_once, "R14b"),
    mutant("no step", nn.L1, "proximal", lambda self, w, step=1.0: w, "X45"),
    mutant("no projection", F, "project_l2_ball", lambda w, r=1.0: w, "R12", "X12", "R21"),
    mutant("onto half the ball", F, "project_l2_ball", lambda w, r=1.0: project(w, r / 2), "R12", "R21"),
    mutant("linear doubled", F, "linear", lambda x, w, b=None: 2 * linear(x, w, b), "R20"),
    mutant("a steep unit", F, "tanh", lambda x: 2 * tanh(x), "R20"),
    mutant("the first weights alone", F, "l2", lambda weights: l2(list(weights)[:1]), "R2"),
    mutant("λ ignored", nn.L2, "forward", without_strength, "R2"),
    mutant("half=False ignored", nn.L2, "forward", always_half, "R2", "R16"),
    mutant("biases penalized", nn.L2, "forward", biases_too, "R2"),
]  # fmt: skip

SLOW = {"R4", "R12", "R13b", "R17", "X47"}  # which take from one second to four
