"""Gradients proved for every batch size and every width at once."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, ProofError
from autograd_core.symbolic import arrays, dims, facts, labels, prove, scalar
from autograd_core.symbolic.assumed import FORMULAS

B, C, D = dims("B C D")
MLP = "x:B,I W1:I,H b1:H W2:H,C b2:C t:B,C"


def every(loss, wrt, **options):
    """The leaves' verdicts, if each is for every size."""
    verdict = prove.backward(loss, wrt=wrt, method="INDEXED", **options)
    assert {leaf.method for leaf in verdict.leaves.values()} == {"INDEXED"}
    return {name: leaf.status for name, leaf in verdict.leaves.items()}


def proved(loss, wrt, **options):
    return set(every(loss, wrt, **options).values()) == {"PROVED"}


def cross_entropy(z, y):
    return -ag.sum(y * ag.log_softmax(z, axis=1)) / B


def test_batch_norm_alone():
    z, gamma, beta, g = arrays("z:B,D gamma:D beta:D G:B,D")
    eps = scalar("eps", positive=True)
    loss = (nn.functional.batch_norm(z, gamma, beta, eps=eps) * g).sum()
    verdict = prove.backward(loss, wrt=[z, gamma, beta, g, eps])
    assert {k: v.status for k, v in verdict.leaves.items()} == dict.fromkeys(
        ("z", "gamma", "beta", "G", "eps"), "PROVED"
    )
    assert verdict.scope == (
        "for every B ≥ 1, D ≥ 1; shapes z (B, D), gamma (D,), beta (D,), G (B, D), eps (); "
        "for every eps > 0"
    )
    assert verdict.excluded == verdict.domain == ()
    assert verdict.facts == (FORMULAS,)
    assert verdict.compared > 4
    assert verdict.witness is None
    assert "every entry" in str(verdict)


@pytest.mark.parametrize(
    ("activation", "criterion"),
    [
        *((f, "mse") for f in (ag.tanh, ag.sigmoid, ag.softplus, ag.relu, nn.GELU())),
        (nn.GELU(), "cross-entropy"),
        *(  # (test_prove.py has these at sizes that are numbers, which are read in the same way)
            pytest.param(f, "cross-entropy", marks=pytest.mark.slow)
            for f in (ag.tanh, ag.sigmoid, ag.softplus, ag.relu)
        ),
    ],
)
def test_a_network_of_two_layers(activation, criterion):
    x, w1, b1, w2, b2, t = arrays(MLP)
    o = ag.affine(activation(ag.affine(x, w1, b1)), w2, b2)
    loss = ((o - t) ** 2).mean() if criterion == "mse" else cross_entropy(o, t)
    assert proved(loss, [x, w1, b1, w2, b2, t])


@pytest.mark.slow  # (B12 and B12b among the claims are such networks as well)
@pytest.mark.parametrize("criterion", ["mse", "cross-entropy"])
def test_batch_norm_inside_a_network(criterion):
    x, w1, b1, w2, b2, t = arrays(MLP)
    gamma, beta = arrays("gamma:H beta:H")
    eps = scalar("eps", positive=True)
    h = ag.tanh(nn.functional.batch_norm(ag.affine(x, w1, b1), gamma, beta, eps=eps))
    o = ag.affine(h, w2, b2)
    loss = ((o - t) ** 2).mean() if criterion == "mse" else cross_entropy(o, t)
    assert proved(loss, [x, w1, b1, gamma, beta, eps, w2, b2, t])


def test_cross_entropy_of_dense_and_integer_labels():
    z, t = arrays("z:B,C t:B,C")
    (y,) = labels("y:B")
    assert proved(cross_entropy(z, t), [z, t])
    assert proved(-ag.sum(ag.log(ag.softmax(z, axis=1)) * t), [z, t])
    picked = ag.take_along_axis(ag.log_softmax(z, axis=1), ag.expand_dims(y, 1), axis=1)
    assert proved(-picked.mean(), [z])
    verdict = prove.backward(nn.functional.cross_entropy(z, y), wrt=[z])
    assert verdict.status == "PROVED"
    assert "labels in range: y" in map(str, verdict.facts)


def test_dropout_and_penalties():
    x, w1, b1, w2, b2, t = arrays(MLP)
    m = arrays("m:B,H")[0]
    o = ag.affine(ag.relu(ag.affine(x, w1, b1)) * m, w2, b2)
    penalty = 0.01 * ag.sum(ag.absolute(w1)) + 0.002 * ag.sum(w1**2)
    verdict = prove.backward(((o - t) ** 2).mean() + penalty, wrt=[w1, b1, w2, b2])
    assert verdict.status == "PROVED"
    assert "for every c1, c2 > 0 (written 0.01, 0.002)" in verdict.scope
    assert "W1[i, h] = 0" in verdict.excluded


def test_layer_norm_and_attention():
    z, gamma, beta, g = arrays("z:B,D gamma:D beta:D G:B,D")
    eps = scalar("eps", positive=True)
    mean = z.mean(axis=1, keepdims=True)
    u = (z - mean) / ag.sqrt(ag.var(z, axis=1, keepdims=True) + eps)
    assert proved(((u * gamma + beta) * g).sum(), [z, gamma, beta, eps])
    q, k, v, g = arrays("q:T,K k:S,K v:S,D G:T,D")
    weights = ag.softmax(q @ k.T / ag.sqrt(ag.tensor(3.0)), axis=1)
    assert proved(((weights @ v) * g).sum(), [q, k, v])


@pytest.mark.parametrize("which", ["cross-entropy", "network", "batch norm"])
def test_hessian_vector_products(which):
    if which == "cross-entropy":
        z, t, v = arrays("z:B,C t:B,C v:B,C")
        leaves, direction, loss = [z, t], v, lambda z: cross_entropy(z, t)
    elif which == "network":
        x, z, w2, t, v = arrays("x:B,I z:I,H W2:H,C t:B,C v:I,H")
        leaves, direction = [z, w2], v

        def loss(z):
            return ag.sum((ag.tanh(x @ z) @ w2 - t) ** 2)
    else:
        z, gamma, g, v = arrays("z:B,D gamma:D G:B,D v:B,D")
        leaves, direction = [z, gamma], v

        def loss(z):
            return ag.sum(nn.functional.batch_norm(z, gamma, 0 * gamma, eps=1e-5) * g)

    assert proved(ag.sum(ag.grad(loss)(z) * direction), leaves)


def test_maxima_index_by_a_label_of_their_own():
    x, w, g = arrays("x:B,C W:C,D g:B")
    verdict = prove.backward((ag.max(x @ w, axis=1) * g).sum(), wrt=[x, w, g])
    assert verdict.status == "PROVED"
    assert any("argmax[b]" in kink for kink in verdict.excluded)  # off ties


def test_sizes_that_are_numbers_cost_nothing():
    z, gamma, g = arrays("z:64,128 gamma:128 G:64,128")
    loss = ag.sum(nn.functional.batch_norm(z, gamma, 0 * gamma, eps=1e-5) * g)
    verdict = prove.backward(loss, wrt=[z, gamma])
    assert verdict.status == "PROVED"
    assert verdict.scope.startswith("shapes z (64, 128), gamma (128,)")


def test_a_fact_is_used_and_listed():
    z, y = arrays("z:B,C y:B,C")
    gradient = ag.grad(lambda z: cross_entropy(z, y))(z)
    closed = (ag.softmax(z, axis=1) - y) / B
    without = prove.equal(gradient, closed, wrt=[z, y])
    assert without.status == "REFUTED"
    assert without.leaves["value"].reason == "a counterexample at B = 2, C = 2"
    verdict = prove.equal(gradient, closed, wrt=[z, y], given=[facts.sums_to_one(y, axis=1)])
    assert verdict.status == "PROVED"
    assert "y sums to 1 over axis 1" in map(str, verdict.facts)
    with pytest.raises(ProofError, match="speaks of no input"):
        prove.equal(gradient, closed, wrt=[z], given=[facts.sums_to_one("w", axis=1)])
    with pytest.raises(ConfigError, match="expected a leaf"):
        facts.sums_to_one(ag.exp(y), axis=1)


def test_a_wrong_rule_is_refuted_at_small_sizes(planted):
    z, gamma, g = arrays("z:B,D gamma:D G:B,D")
    loss = ag.sum(nn.functional.batch_norm(z, gamma, 0 * gamma, eps=1e-5) * g)
    program = ag.introspect.program(loss, wrt=[z, gamma, g])
    faulty = planted(program, "sqrt", lambda xp, g, y, x: xp.xdivy(g, y))  # a half is missing
    verdict = prove.backward(faulty, wrt=[0])
    assert verdict.status == "REFUTED"
    assert verdict.witness is not None
    assert verdict.leaves["z"].reason == "a counterexample at B = 2, D = 2"


def test_what_has_no_reading_at_symbolic_sizes_is_undecided_with_its_reason():
    a, x = arrays("A:B,B x:B")
    verdict = prove.backward(ag.sum(ag.solve(a, x) ** 2), wrt=[x])
    assert verdict.status == "UNDECIDED"
    assert "solve (Opaque) has no reading at symbolic sizes" in verdict.reason
    assert "at B = 2: PROVED" in verdict.reason
    with pytest.raises(ProofError, match="solve"):
        prove.backward(ag.sum(ag.solve(a, x) ** 2), wrt=[x], method="INDEXED")


def test_a_statement_about_nothing_is_not_proved():
    (x,) = arrays("x:B")
    verdict = prove.backward(ag.sum(ag.log(-(x**2) - 1)), wrt=[x])
    assert verdict.status == "UNDECIDED"


def test_arrays_are_read_or_refused():
    w, s = arrays("W:I,3 s:")
    assert (str(w.shape), s.shape) == ("(I, 3)", ())
    assert math.prod(arrays("a:2,3")[0].shape) == 6
    for text, message in (
        ("", "names nothing"), ("z:B,", "cannot be read"), ("1z:B", "cannot be read"),
        ("z:B z:C", "given twice"), ("z:0", "sizes from 1"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            arrays(text)
    with pytest.raises(ConfigError):
        scalar("not a name")


def test_first_mistakes_are_named(rng):
    z, g = arrays("z:B,D g:D")
    loss = (ag.tanh(z) * g).sum()
    for call, message in (
        (lambda: prove.backward(loss, wrt=["z"]), "wrt holds 'z' .str.. Expected tensors"),
        (
            lambda: prove.equal(z * 2, z + z, wrt=[z], given=["y"]),
            "given holds 'y' .str.. Expected facts",
        ),
        (lambda: prove.graph("model", loss), "the model is str. Expected a Module"),
        (lambda: prove.equal(ag.tanh(z), g, wrt=[z, g]), "the sides have shapes"),
    ):
        with pytest.raises(ProofError, match=message):
            call()
    with pytest.raises(ag.CaptureError, match=r"backward: .* without values"):
        loss.backward()
    loss.backward(create_graph=True)  # recorded, so it may be stated about
    assert prove.equal(g * (1 - ag.tanh(z) ** 2), z.grad, wrt=[z, g]).status == "PROVED"


def test_bits_are_named_by_a_counter_that_was_counted_on():
    """As layers count before they draw: by the number that comes out, not by how it did."""
    key = ag.tensor(np.array([3, 4], np.uint64))
    counter = ag.tensor(np.uint64(5))
    (x,) = arrays("x:B,3")

    def masked(counter, key=key):
        return x * ag.less(ag.random_bits(key, counter, shape=x.shape), 2**31)

    for counted in ((counter + 1) + 1, counter + 2, 2 + counter, ag.tensor(np.uint64(7))):
        verdict = prove.equal(masked(counter + 2), masked(counted), wrt=[x])
        assert verdict.status == "PROVED"
        assert "for every B ≥ 1" in verdict.scope
    assert prove.equal(masked(counter + 2), masked(counter + 1), wrt=[x]).status != "PROVED"
    assert prove.equal(masked(counter), masked(counter, key + 1), wrt=[x]).status != "PROVED"
