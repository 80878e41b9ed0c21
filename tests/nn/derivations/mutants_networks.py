"""Faults of networks, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import nn

F = nn.functional
linear = F.linear


def unlike(x, weight, bias=None):
    """Of units that are alike, the first has more influence than the rest."""
    y = linear(x, weight, bias)
    return y + ag.take_along_axis(y, ag.argmax(y, 1, keepdims=True), 1)


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("one unit is stronger", F, "linear", unlike, "O34"),
]  # fmt: skip
