"""Faults of zoneout, and the claims that each must turn."""

from __future__ import annotations

import nn

F = nn.functional
zoneout, cell = F.zoneout, F.rnn_cell
drawn, mixed = nn.Zoneout._bernoulli, nn.Zoneout._mixed


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant(
        "old and new exchanged", F, "zoneout",
        lambda old, new, mask, keep=None: zoneout(new, old, mask, keep), "D8",
    ),
    mutant(
        "what is kept is halved", F, "zoneout",
        lambda old, new, mask, keep=None: zoneout(old / 2, new, mask, keep), "D8",
    ),
    mutant("no weight of the state", F, "rnn_cell", lambda x, h, w, u: cell(x, h, w, 0 * u), "D8"),
    mutant(
        "keeps with 1 - z", nn.Zoneout, "_bernoulli",
        lambda self, shape, keep, role: drawn(self, shape, 1 - keep, role), "D8",
    ),
    mutant(
        "evaluation takes the new state", nn.Zoneout, "_mixed",
        lambda self, old, new, rate, mask: new if mask is None else mixed(self, old, new, rate, mask),
        "D8",
    ),
    mutant(
        "inverted without its divisor", nn.Zoneout, "_mixed",
        lambda self, old, new, rate, mask: (
            zoneout(old, new, mask) if mask is not None else mixed(self, old, new, rate, mask)
        ),
        "D8",
    ),
]  # fmt: skip
