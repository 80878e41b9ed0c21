"""Faults of dropout, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import nn

F = nn.functional
linear, dropout, dropped = F.linear, F.dropout, nn.Dropout.forward


def keeps_p(self, shape):
    """A unit is kept with the probability that it should be dropped with."""
    self.counter.assign(self.counter + 1)
    bits = ag.random_bits(self.key, self.counter, shape=shape)
    return ag.less(bits, round(self.p * 2**32))


def scales_by_p(self, x):
    test = not self.training and self.scale == "test"
    return ag.multiply(x, self.p) if test else dropped(self, x)


def divides_by_p(self, x):
    inverted = self.training and self.scale == "inverted"
    return F.dropout(x, self._mask(x.shape), self.p) if inverted else dropped(self, x)


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("keeps with p", nn.Dropout, "_mask", keeps_p, "D2", "D12"),
    mutant("evaluation scales by p", nn.Dropout, "forward", scales_by_p, "D2", "D4"),
    mutant("divides by p", nn.Dropout, "forward", divides_by_p, "D12"),
    mutant(
        "dropout doubled", F, "dropout", lambda x, mask, keep=None: 2 * dropout(x, mask, keep),
        "D2", "D12",
    ),
    mutant("weights squared", F, "linear", lambda x, w, b=None: linear(x, w * w, b), "D4", "X8"),
    mutant("no bias", F, "linear", lambda x, w, b=None: linear(x, w), "D4"),
    mutant("the bias negated", F, "linear", lambda x, w, b=None: linear(x, w, -b), "D4"),
    mutant("x doubled", F, "linear", lambda x, w, b=None: linear(2 * x, w, b), "D4"),
]  # fmt: skip
