"""Faults of units that are alike, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import nn

F = nn.functional
dropout, linear = F.dropout, F.linear


def unlike(x, weight, bias=None):
    """Of units that are alike, the first has more influence than the rest."""
    y = linear(x, weight, bias)
    return y + ag.take_along_axis(y, ag.argmax(y, 1, keepdims=True), 1)


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("one unit is stronger", F, "linear", unlike, "O34"),
    mutant(
        "dropout doubled", F, "dropout", lambda x, mask, keep=None: 2 * dropout(x, mask, keep),
        "D6", "X44",
    ),
    mutant("nothing is dropped", F, "dropout", lambda x, mask, keep=None: x + 0 * mask, "D6", "X44"),
    mutant("linear doubled", F, "linear", lambda x, w, b=None: 2 * linear(x, w, b), "D6", "X44"),
]  # fmt: skip
