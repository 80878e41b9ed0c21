"""Faults of noise and of what is done to connections, and the claims that each must turn."""

from __future__ import annotations

import autograd_core as ag
import nn
from nn.layers.noise.drawing import Drawing

F = nn.functional
linear, dropout, squared_error, l2 = F.linear, F.dropout, F.squared_error, F.l2
drop_connect, matched, shakeout, whiteout = (
    F.drop_connect,
    F.moment_matched,
    F.shakeout,
    F.whiteout_spread,
)
connected, shaken, whitened = nn.DropConnect.forward, nn.Shakeout.forward, nn.Whiteout.forward
bernoulli, flip = Drawing._bernoulli, F.flip_labels


def noisy_evaluation(forward):
    """What is for training, in evaluation."""

    def fault(self, x):
        self.training, training = True, self.training
        try:
            return forward(self, x)
        finally:
            self.training = training

    return fault


def swapped(self, x):
    """Adds where it should multiply, and the other way round."""
    self.form = {"additive": "multiplicative", "multiplicative": "additive"}[self.form]
    try:
        return whitened(self, x)
    finally:
        self.form = {"additive": "multiplicative", "multiplicative": "additive"}[self.form]


def turned(weight, keep, c, form="published"):
    """c with the other sign: the printed operator, where the weight is kept."""
    return shakeout(weight, keep, -c, form)


def keeps_p(self, shape, keep, role="dropout mask"):
    return bernoulli(self, shape, 1 - keep, role)


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


MUTANTS = [
    mutant("no noise on weights", nn.WeightNoise, "forward", lambda self, x: self.module(x), "D15"),
    mutant("noise on outputs gone", nn.GaussianNoise, "forward", lambda self, x: ag.identity(x), "D15"),
    mutant("errors to the fourth", F, "squared_error", lambda o, t: squared_error(o, t) ** 2, "D15", "R15"),
    mutant("flips the wrong way", F, "flip_labels", lambda y, k, c: flip(y, c - k, c), "D14"),
    mutant("never flips", F, "flip_labels", lambda y, k, c: ag.identity(y), "D14"),
    mutant("evaluation for training", nn.LabelFlip, "forward", lambda self, y: ag.identity(y), "D14"),
    mutant("dropout doubled", F, "dropout", lambda x, mask, keep=None: 2 * dropout(x, mask, keep), "D7"),
    mutant("halved", F, "squared_error", lambda o, t: squared_error(o, t) / 2, "D7", "R15", "U1"),
    mutant("weights squared", F, "linear", lambda x, w, b=None: linear(x, w * w, b), "D7", "R15", "D9"),
    mutant("x doubled", F, "linear", lambda x, w, b=None: linear(2 * x, w, b), "U1", "D10"),
    mutant("no noise", nn.GaussianNoise, "forward", lambda self, x: ag.identity(x), "R15"),
    mutant(
        "noise in evaluation", nn.GaussianNoise, "forward",
        lambda self, x: x + self.std * self._normal(x.shape, x.dtype), "R15",
    ),
    mutant("masks squared away", F, "drop_connect", lambda x, w, m, b=None, k=None: drop_connect(x, w, m, b), "D9"),
    mutant("no variance", F, "moment_matched", lambda mean, v, a, samples=64: a(mean), "D9"),
    mutant("keeps with p", Drawing, "_bernoulli", keeps_p, "D9", "D10"),
    mutant("masks in evaluation", nn.DropConnect, "forward", noisy_evaluation(connected), "D9"),
    mutant("c with the other sign", F, "shakeout", turned, "D10"),
    mutant(
        "the printed form", F, "shakeout", lambda w, keep, c, form="published": shakeout(w, keep, c, "printed"),
        "D10", "X16",
    ),
    mutant("shaken in evaluation", nn.Shakeout, "forward", noisy_evaluation(shaken), "D10"),
    mutant("without λ", F, "whiteout_spread", lambda w, s, g=1.0, k=0.0: whiteout(w, s, g, 0.0), "D11", "D11b"),
    mutant("γ for 2 − γ", F, "whiteout_spread", lambda w, s, g=1.0, k=0.0: whiteout(w, s, 2 - g, k), "D11", "D11b"),
    mutant("added for multiplied", nn.Whiteout, "forward", swapped, "D11", "D11b"),
    mutant("noise in evaluation", nn.Whiteout, "forward", noisy_evaluation(whitened), "D11", "D11b"),
    mutant("a sine", F, "box_muller", lambda u, v: ag.sqrt(-2 * ag.log(u)) * ag.sin(v), "D13"),
    mutant("without the 2", F, "box_muller", lambda u, v: ag.sqrt(-ag.log(u)) * ag.cos(v * 6.283185307179586), "D13"),
    mutant("doubled", F, "l2", lambda weights: 2 * l2(weights), "U1"),
]  # fmt: skip
SLOW = {"D13"}
