"""Derived NumPy source, run here and compared with the engine."""

import inspect
import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.symbolic import arrays, dims, labels, prove, scalar

B, C, D = dims("B C D")
SIZES = (
    {"B": 4, "C": 3, "D": 5, "H": 2, "I": 6, "T": 3, "K": 2, "S": 4},
    {"B": 1, "C": 3, "D": 1, "H": 2, "I": 1, "T": 1, "K": 2, "S": 1},
    {"B": 3, "C": 1, "D": 4, "H": 1, "I": 2, "T": 4, "K": 1, "S": 2},
)


def batch_norm():
    z, gamma, beta, g = arrays("z:B,D gamma:D beta:D G:B,D")
    eps = scalar("eps", positive=True)
    return (nn.functional.batch_norm(z, gamma, beta, eps=eps) * g).sum(), [z, gamma, beta, eps]


def layer_norm():
    z, gamma, g = arrays("z:B,D gamma:D G:B,D")
    u = z - z.mean(axis=1, keepdims=True)
    u = u / ag.sqrt(ag.var(z, axis=1, keepdims=True) + 1e-5)
    return (u * gamma * g).sum(), [z, gamma]


def cross_entropy():
    z, t = arrays("z:B,C t:B,C")
    return -ag.sum(t * ag.log_softmax(z, axis=1)) / B, [z, t]


def cross_entropy_of_labels():
    (z,), (y,) = arrays("z:B,C"), labels("y:B")
    return nn.functional.cross_entropy(z, y), [z]


def mse():
    o, y = arrays("o:B,C y:B,C")
    return ag.sum((o - y) ** 2) / B, [o]


def network(activation):
    def build():
        x, w1, b1, w2, b2, t = arrays("x:B,I W1:I,H b1:H W2:H,C b2:C t:B,C")
        o = ag.affine(activation(ag.affine(x, w1, b1)), w2, b2)
        return ((o - t) ** 2).mean(), [w1, b1, w2, b2, x]

    return build


def batch_norm_inside_a_network():
    x, w1, gamma, beta, w2, t = arrays("x:B,I W1:I,H gamma:H beta:H W2:H,C t:B,C")
    h = ag.relu(nn.functional.batch_norm(x @ w1, gamma, beta))
    return ((h @ w2 - t) ** 2).mean(), [w1, gamma, x]


def attention():
    q, k, v, g = arrays("q:T,K k:S,K v:S,D G:T,D")
    p = ag.softmax(q @ k.T / ag.sqrt(ag.tensor(3.0)), axis=1)
    return ((p @ v) * g).sum(), [q, k, v]


def penalties():
    w, m = arrays("W:I,H m:I,H")
    return 0.01 * ag.sum(ag.absolute(w)) + 0.02 * ag.sum((w * m) ** 2), [w]


def mean():
    (z,) = arrays("z:B,C")
    return z.mean(), [z]


def largest():
    x, w, g = arrays("x:B,C w:C,D g:B")
    return (ag.max(x @ w, axis=1) * g).sum(), [x, w]


LOSSES = {
    "batch norm": batch_norm,
    "layer norm": layer_norm,
    "cross-entropy": cross_entropy,
    "labels": cross_entropy_of_labels,
    "mse": mse,
    "tanh": network(ag.tanh),
    "relu": network(ag.relu),
    "gelu": network(nn.GELU()),
    "sigmoid": network(ag.sigmoid),
    "batch norm inside": batch_norm_inside_a_network,
    "attention": attention,
    "penalties": penalties,
    "mean": mean,
    "largest": largest,
}


def run(text, name, values):
    """Run the text as a person would, and call the function in it."""
    space = {}
    exec(compile(text, "derived.py", "exec"), space)
    function = space[f"gradient_{name}"]
    return function(**{k: values[k] for k in inspect.signature(function).parameters})


def sample(program, sizes):
    random = np.random.default_rng(7)
    values = []
    for v in program.inputs:
        shape = tuple(n if isinstance(n, int) else n.substitute(sizes) for n in v.shape)
        if v.dtype.kind == "i":
            values.append(random.integers(0, sizes["C"], shape))
        else:
            positive = v.role == "positive"
            values.append(
                random.uniform(0.5, 1.5, shape) if positive else random.normal(size=shape)
            )
    return values


DEAR = {"batch norm inside", "gelu"}


@pytest.mark.parametrize(
    "which",
    [pytest.param(n, marks=pytest.mark.slow) if n in DEAR else n for n in LOSSES],
)
def test_it_agrees_with_the_engine(which):
    loss, wrt = LOSSES[which]()
    verdict = prove.backward(loss, wrt=wrt)
    derivation = verdict.derivation
    texts = {name: verdict.numpy(name) for name in verdict.leaves}
    for sizes in SIZES:
        values = sample(derivation.program, sizes)
        _, gradients = derivation.combined(*values)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        by_name = dict(zip((v.name for v in derivation.program.inputs), values, strict=True))
        for name, expected in zip(verdict.leaves, gradients, strict=True):
            got = run(texts[name], name, by_name)
            assert got.shape == expected.shape
            scale = max(1.0, np.abs(expected).max(initial=0.0))
            assert np.abs(got - expected).max(initial=0.0) < 1e-12 * scale, (name, sizes)


def test_batch_norm_reads_as_the_lecture_writes_it():
    loss, wrt = batch_norm()
    text = prove.backward(loss, wrt=wrt).numpy("z")
    assert (
        text
        == """import numpy as np


def gradient_z(z, gamma, eps, G):
    B = z.shape[0]
    mean = z.sum(axis=0) / B
    variance = ((z - mean)**2).sum(axis=0) / B
    s = np.sqrt(eps + variance)
    u = (z - mean) / s
    return gamma / (B * s) * (B * G - G.sum(axis=0) - np.einsum("bd,bd->d", G, u) * u)
"""
    )


def test_a_kink_has_the_value_of_the_engine():
    x = ag.tensor(np.array([-1.0, 0.0, 2.0]), requires_grad=True, name="x")
    loss = ag.sum(ag.relu(x)) + ag.sum(ag.absolute(x))
    verdict = prove.backward(loss, wrt=[x])
    got = run(verdict.numpy("x"), "x", {"x": x.numpy()})
    loss.backward()
    assert got.tolist() == x.grad.numpy().tolist()


def test_large_logits_do_not_overflow():
    loss, wrt = cross_entropy()
    text = prove.backward(loss, wrt=wrt).numpy("z")
    z = np.array([[1000.0, 0.0, -1000.0]])
    got = run(text, "z", {"z": z, "t": np.array([[1.0, 0.0, 0.0]])})
    assert np.isfinite(got).all()


def test_names_that_python_does_not_have():
    w = ag.tensor(np.ones((2, 1)), requires_grad=True, name="0.weight")
    v = ag.tensor(np.ones((2, 1)), requires_grad=True, name="lambda")
    verdict = prove.backward(((w * v) ** 2).sum(), wrt=[w, v])
    text = verdict.numpy("0.weight")
    assert "def gradient_weight_0(weight_0, lambda_):" in text
    got = run(text, "weight_0", {"weight_0": w.numpy(), "lambda_": v.numpy()})
    assert got.shape == (2, 1)  # an axis of size 1 comes back
    assert got.tolist() == [[2.0], [2.0]]


def test_an_array_without_a_name_is_an_argument():
    data = np.arange(6.0).reshape(3, 2)
    w = ag.tensor(np.ones(2), requires_grad=True, name="w")
    verdict = prove.backward(((ag.tensor(data) @ w) ** 2).sum(), wrt=[w])
    got = run(verdict.numpy("w"), "w", {"w": w.numpy(), "x": data})
    assert np.allclose(got, 2 * data.T @ (data @ np.ones(2)), rtol=1e-14)


def test_math_is_imported_where_it_is_needed():
    (z,) = arrays("z:B")
    text = prove.backward(ag.sum(ag.erf(z) * z), wrt=[z]).numpy("z")
    assert text.startswith("import math\n")
    got = run(text, "z", {"z": np.array([0.3])})
    expected = math.erf(0.3) + 0.3 * 2 / math.sqrt(math.pi) * math.exp(-0.09)
    assert got[0] == pytest.approx(expected, rel=1e-14)
