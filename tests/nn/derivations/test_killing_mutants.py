"""Every claim about layers and losses has a fault that turns it: what it checks is the library's own code."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.primitives import REGISTRY
from autograd_core.symbolic.claims import collected
from nn.derivations import batch_norm as chapter

F = nn.functional
CLAIMS = collected(["nn"])
CHECKED = [name for name, claim in CLAIMS.items() if claim.check is not None]
SLOW = {"B4", "B5", "B6", "B11", "B12", "B12b"}  # some take ten seconds
normalize, linear, l2, dropout = F.normalize, F.linear, F.l2, F.dropout
statistics, batch_norm, softmax, log_softmax = (
    F.batch_norm_with_statistics,
    F.batch_norm,
    F.softmax,
    F.log_softmax,
)
cross_entropy, squared_error = F.cross_entropy, F.squared_error
dropped, normalized, estimated = (
    nn.Dropout.forward,
    nn.BatchNorm1d.forward,
    nn.estimate_statistics,
)


def unbiased(z, gamma=None, beta=None, eps=1e-5):
    """The variance over B + 1 instead of B."""
    mean = ag.mean(z, axis=0)
    variance = ag.sum(ag.square(z - mean), axis=0) / (z.shape[0] + 1)
    return (z - mean) / ag.sqrt(variance + eps), mean, variance


def outside(z, gamma=None, beta=None, eps=1e-5):
    """ε outside the root."""
    mean = ag.mean(z, axis=0)
    u = (z - mean) / (ag.sqrt(ag.mean(ag.square(z - mean), axis=0)) + eps)
    scaled = u if gamma is None else gamma * u
    return scaled if beta is None else scaled + beta


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


def by_the_batch(self, z):
    """Evaluation by the batch's own statistics."""
    if self.training or self._collected is not None:
        return normalized(self, z)
    mean, variance = ag.mean(z, axis=0), ag.mean(ag.square(z - ag.mean(z, axis=0)), axis=0)
    return F.normalize(z, mean, variance, self.gamma, self.beta, self.eps)


def biased(self, z):
    """The running variance without B/(B − 1)."""
    before = self.running_var * 1
    output = normalized(self, z)
    if self.training:
        moved = self.running_var - (1 - self.momentum) * before
        rows = z.shape[0]
        kept = (1 - self.momentum) * before
        self.running_var.assign(kept + moved * (rows - 1) / rows)
    return output


def uncorrected(model, batches, last="own"):
    batches = list(batches)
    estimated(model, batches, last)
    rows = len(batches[0])
    model.running_var.assign(model.running_var * (rows - 1) / rows)


def unlike(x, weight, bias=None):
    """Of units that are alike, the first has more influence than the rest."""
    y = linear(x, weight, bias)
    return y + ag.take_along_axis(y, ag.argmax(y, 1, keepdims=True), 1)


def unshifted(x, *, axes=None, keepdims=False, **rest):
    """The float kernel, which forgets to add what it subtracted."""
    largest = np.max(x, axis=axes, keepdims=True)
    return np.log(np.sum(np.exp(x - largest), axis=axes, keepdims=keepdims))


def mutant(words, where, name, fault, *claims):
    """A change of the library, and the claims that it must turn."""
    return words, (where, name, fault), claims


def doubled(primitive):
    return tuple(
        lambda *args, rule=rule, **params: 2 * rule(*args, **params) for rule in primitive.vjp
    )


MUTANTS = [
    mutant("variance over B + 1", F, "batch_norm_with_statistics", unbiased, "B1"),
    mutant(  # where batch_norm looks for it
        "variance over B + 1", F.normalization, "batch_norm_with_statistics", unbiased, "B4"
    ),
    mutant("ε outside the root", F, "batch_norm", outside, "B4", "B5", "B6", "B12"),
    mutant(
        "the input added", F, "batch_norm", lambda z, *a, **k: batch_norm(z, *a, **k) + z, "B11", "B6b"
    ),
    mutant(
        "twice the variance", F, "normalize",
        lambda z, m, v, *a, **k: normalize(z, m, 2 * v, *a, **k), "B2", "B3", "B8",
    ),
    mutant("evaluation by the batch", nn.BatchNorm1d, "forward", by_the_batch, "B8"),
    mutant("a biased running variance", nn.BatchNorm1d, "forward", biased, "B8"),
    mutant("estimates without B/(B − 1)", chapter, "estimate_statistics", uncorrected, "B8"),
    mutant("Tanh is the identity", nn.Tanh, "forward", lambda self, x: ag.identity(x), "B12b"),
    mutant("linear doubled", F, "linear", lambda x, w, b=None: 2 * linear(x, w, b), "B12", "B12b"),
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
    mutant("twice", F, "cross_entropy", lambda z, y: 2 * cross_entropy(z, y), "S1", "S4"),
    mutant("halved", F, "squared_error", lambda o, t: squared_error(o, t) / 2, "S2"),
    mutant(
        "a mean over rows only", F, "mse_loss",
        lambda o, t: ag.squared_distance(o, t) / o.shape[0], "S2",
    ),
    mutant("not normalized", F, "softmax", lambda z, axis: ag.exp(z), "S1", "S3", "S4"),
    mutant(
        "temperature ½", F, "softmax", lambda z, axis: ag.exp(2 * log_softmax(z, axis)), "S3"
    ),
    mutant("doubled", F, "log_softmax", lambda z, axis: 2 * log_softmax(z, axis), "S3"),
    mutant("forgets the maximum", REGISTRY["logsumexp"], "forward", unshifted, "S3"),
    mutant("doubled", F, "l2", lambda weights: 2 * l2(weights), "R2", "X23"),
    mutant("the first weights alone", F, "l2", lambda weights: l2(list(weights)[:1]), "R2"),
    mutant("λ ignored", nn.L2, "forward", without_strength, "R2"),
    mutant("half=False ignored", nn.L2, "forward", always_half, "R2"),
    mutant("biases penalized", nn.L2, "forward", biases_too, "R2"),
    mutant(
        "a rule that is twice too large", REGISTRY["tanh"], "vjp", doubled(REGISTRY["tanh"]), "B12"
    ),
    mutant("NumPy's sin for tanh", REGISTRY["tanh"], "forward", np.sin, "B12", "B12b"),
    mutant("one unit is stronger", F, "linear", unlike, "O34"),
]  # fmt: skip
ROWS = [
    pytest.param(
        change, claim, marks=pytest.mark.slow if claim in SLOW else (), id=f"{claim}-{words}"
    )
    for words, change, claims in MUTANTS
    for claim in claims
]


@pytest.mark.parametrize(("change", "name"), ROWS)
def test_it_is_killed(monkeypatch, change, name):
    monkeypatch.setattr(*change)
    outcome = CLAIMS[name].run()
    assert not outcome.as_declared
    assert outcome.status in ("REFUTED", "UNDECIDED")


@pytest.mark.parametrize("name", CHECKED)
def test_every_claim_has_one(name):
    assert any(name in claims for _, _, claims in MUTANTS)


def test_a_false_statement_about_a_layer_is_refuted(monkeypatch):
    monkeypatch.setattr(F, "squared_error", lambda o, t: squared_error(o, t) / 2)
    outcome = CLAIMS["S2"].run()
    assert outcome.status == "REFUTED"
    assert outcome.findings[0].verdict.witness is not None


def test_what_a_claim_runs_is_what_it_says_it_runs():
    for claim in CLAIMS.values():
        if claim.check is not None:
            assert claim.runs
            assert all(f.__module__.startswith(("nn.", "autograd_core.")) for f in claim.runs)
            assert dataclasses.replace(claim, runs=()).sources().keys() == {"check"}
