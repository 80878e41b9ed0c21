"""Faults of dropout, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import nn
from nn.derivations import bags

F = nn.functional
linear, dropout, dropped = F.linear, F.dropout, nn.Dropout.forward
log_softmax, networks, fold = F.log_softmax, nn.ensembles._networks, nn.fold_dropout


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


def leaks(x, mask, keep=None):
    """A tenth of the signal passes a unit that is off."""
    return dropout(x, mask, keep) + x / 10


def all_alike(program, draws, x):
    """Networks of a bag as if α were ½."""
    found = [output for _, output in networks(program, draws, x)]
    return iter([(1 / len(found), output) for output in found])


def once(model):
    """Folds, and forgets an α."""
    folded = fold(model)
    for part in folded:
        if isinstance(part, nn.Linear):
            part.weight.assign(part.weight * 2)
    return folded


def biases_too(model):
    """Folds α into biases as well as into weights."""
    folded = fold(model)
    for before, after in zip(model, folded, strict=True):
        if isinstance(after, nn.Linear):
            after.bias.assign(after.bias * after.weight.sum() / before.weight.sum())
    return folded


MUTANTS = [
    mutant("leaks", F, "dropout", leaks, "D1", "D3b", "D5"),
    mutant("nothing is off", F, "dropout", lambda x, mask, keep=None: ag.identity(x), "X17"),
    mutant("all networks count alike", nn.ensembles, "_networks", all_alike, "D1"),
    mutant("weights doubled in folding", bags, "fold_dropout", once, "D4b"),
    mutant("biases folded", bags, "fold_dropout", biases_too, "D4b"),
    mutant("weights squared", F, "linear", lambda x, w, b=None: linear(x, w * w, b), "D3b", "D4b", "X17"),
    mutant("exp for softmax", F, "softmax", lambda z, axis: ag.exp(z), "D3b"),
    mutant("log-softmax doubled", F, "log_softmax", lambda z, axis: 2 * log_softmax(z, axis), "D3b"),
    mutant("keeps with p", nn.Dropout, "_mask", keeps_p, "D2", "D12"),
    mutant("evaluation scales by p", nn.Dropout, "forward", scales_by_p, "D2", "D4"),
    mutant("divides by p", nn.Dropout, "forward", divides_by_p, "D12"),
    mutant(
        "dropout doubled", F, "dropout", lambda x, mask, keep=None: 2 * dropout(x, mask, keep),
        "D2", "D12", "D3",
    ),
    mutant("weights squared", F, "linear", lambda x, w, b=None: linear(x, w * w, b), "D4", "X8"),
    mutant("no bias", F, "linear", lambda x, w, b=None: linear(x, w), "D4"),
    mutant("the bias negated", F, "linear", lambda x, w, b=None: linear(x, w, -b), "D4"),
    mutant("x doubled", F, "linear", lambda x, w, b=None: linear(2 * x, w, b), "D4"),
]  # fmt: skip
SLOW = {"D3b", "D5"}
