"""Faults of units that are alike, and the claims that each must turn."""

from __future__ import annotations

import nn

F = nn.functional
dropout, linear = F.dropout, F.linear


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant(
        "dropout doubled", F, "dropout", lambda x, mask, keep=None: 2 * dropout(x, mask, keep),
        "D6", "X44",
    ),
    mutant("nothing is dropped", F, "dropout", lambda x, mask, keep=None: x + 0 * mask, "D6", "X44"),
    mutant("linear doubled", F, "linear", lambda x, w, b=None: 2 * linear(x, w, b), "D6", "X44"),
]  # fmt: skip
