"""How long proofs take: layers, losses and optimizers as people write them, at symbolic size.

    python benchmarks/proofs.py [WORD]... [--against TREE]

Each row is a statement with its verdict and the processor time that it took, cross-checks included.
Words choose rows. ``--against`` names another checkout of this repository: each row is then decided
by both, in turn, in a process each.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from autograd_core.errors import AutogradError
from autograd_core.symbolic import arrays, dims, labels, prove, scalar
from optim import SGD, Adam

F = nn.functional
B, C, D, H, K, T = dims("B C D H K T")
SECONDS = 300.0  # of processor time, for a row; far more than any takes

ROWS: dict[str, tuple[Callable[[], Any], str]] = {}


def row(title: str, expected: str = "PROVED") -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register a row and the verdict that it should have."""

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        assert title not in ROWS, title
        ROWS[title] = function, expected
        return function

    return register


def gradients(loss: Any, leaves: Sequence[Any], **options: Any) -> Any:
    """Whether the gradient of a loss is its derivative, by each leaf."""
    return prove.backward(loss, wrt=leaves, **({"seconds": SECONDS} | options))


def equal(a: Any, b: Any, leaves: Sequence[Any], **options: Any) -> Any:
    """Whether two programs are one function."""
    return prove.equal(a, b, wrt=leaves, **({"seconds": SECONDS} | options))


def positive(*names: str) -> list[Any]:
    """Positive scalars."""
    return [scalar(name, positive=True) for name in names]


# --- normalization ------------------------------------------------------------------------------


def _normalized(z: Any, axis: Any, eps: Any) -> Any:
    mean = ag.mean(z, axis=axis, keepdims=True)
    return (z - mean) / ag.sqrt(ag.var(z, axis=axis, keepdims=True) + eps)


@row("group norm, groups as axes")
def _() -> Any:
    x, gamma, beta, g = arrays("x:B,G,K gamma:G,K beta:G,K g:B,G,K")
    (eps,) = positive("eps")
    return gradients(ag.sum((_normalized(x, 2, eps) * gamma + beta) * g), [x, gamma, beta, g, eps])


def _by_reshape(x: Any, gamma: Any, beta: Any, g: Any, groups: int) -> Any:
    (eps,) = positive("eps")
    b, c = x.shape
    u = _normalized(ag.reshape(x, (b, groups, c // groups)), 2, eps)
    loss = ag.sum((ag.reshape(u, (b, c)) * gamma + beta) * g)
    return gradients(loss, [x, gamma, beta, g, eps])


@row("group norm by reshape at (2, 4)")
def _() -> Any:
    return _by_reshape(*arrays("x:2,4 gamma:4 beta:4 g:2,4"), groups=2)


@row("group norm by reshape")
def _() -> Any:
    (groups,) = dims("G")
    return _by_reshape(*arrays("x:B,G*K gamma:G*K beta:G*K g:B,G*K"), groups=groups)


@row("RMSNorm")
def _() -> Any:
    x, gamma, g = arrays("x:B,D gamma:D g:B,D")
    (eps,) = positive("eps")
    scale = ag.sqrt(ag.mean(x * x, axis=1, keepdims=True) + eps)
    return gradients(ag.sum(x / scale * gamma * g), [x, gamma, eps])


@row("weight norm")
def _() -> Any:
    x, v, s, g = arrays("x:B,D v:D,H s:H g:B,H")
    weight = s * v / ag.sqrt(ag.sum(v * v, axis=0))
    return gradients(ag.sum((x @ weight) * g), [x, v, s])


def _layer_norm(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    return _normalized(x, -1, eps) * gamma + beta


@row("layer norm after a residual, 6 leaves")
def _() -> Any:
    x, w, b, gamma, beta, g = arrays("x:B,D W:D,D b:D gamma:D beta:D g:B,D")
    (eps,) = positive("eps")
    y = _layer_norm(x + ag.tanh(x @ w + b), gamma, beta, eps)
    return gradients(ag.sum(y * g), [x, w, b, gamma, beta, eps])


@row("layer norm before a residual, 6 leaves")
def _() -> Any:
    x, w, b, gamma, beta, g = arrays("x:B,D W:D,D b:D gamma:D beta:D g:B,D")
    (eps,) = positive("eps")
    y = x + ag.tanh(_layer_norm(x, gamma, beta, eps) @ w + b)
    return gradients(ag.sum(y * g), [x, w, b, gamma, beta, eps])


# --- losses -------------------------------------------------------------------------------------


@row("label smoothing, dense targets")
def _() -> Any:
    z, y = arrays("z:B,C y:B,C")
    a = scalar("a")
    smooth = (1 - a) * y + a / C
    return gradients(-ag.sum(smooth * ag.log_softmax(z, axis=1)) / B, [z, y, a])


@row("label smoothing, integer labels")
def _() -> Any:
    (z,) = arrays("z:B,C")
    (y,) = labels("y:B")
    a = scalar("a")
    scores = ag.log_softmax(z, axis=1)
    picked = ag.take_along_axis(scores, ag.expand_dims(y, 1), axis=1)
    return gradients(-((1 - a) * ag.mean(picked) + a * ag.mean(scores)), [z, a])


@row("focal loss, gamma = 2")
def _() -> Any:
    z, y = arrays("z:B,C y:B,C")
    p = ag.softmax(z, axis=1)
    return gradients(-ag.sum(y * (1 - p) ** 2 * ag.log_softmax(z, axis=1)) / B, [z, y])


@row("focal loss, any gamma")
def _() -> Any:
    z, y = arrays("z:B,C y:B,C")
    (gamma,) = positive("gamma")
    p = ag.softmax(z, axis=1)
    return gradients(-ag.sum(y * (1 - p) ** gamma * ag.log(p)) / B, [z, y])


@row("focal loss, binary")
def _() -> Any:
    z, y = arrays("z:B y:B")
    p = ag.sigmoid(z)
    loss = y * (1 - p) ** 2 * ag.softplus(-z) + (1 - y) * p**2 * ag.softplus(z)
    return gradients(ag.mean(loss), [z, y])


@row("Huber, three leaves")
def _() -> Any:
    y, d = arrays("y:B d:B")
    (delta,) = positive("delta")
    e = ag.absolute(y - d)
    loss = ag.where(e <= delta, e * e / 2, delta * (e - delta / 2))
    return gradients(ag.mean(loss), [y, d, delta])


@row("smooth L1")
def _() -> Any:
    y, d = arrays("y:B d:B")
    e = ag.absolute(y - d)
    return gradients(ag.mean(ag.where(e < 1, e * e / 2, e - 0.5)), [y, d])


@row("KL divergence of logits")
def _() -> Any:
    z, q = arrays("z:B,C q:B,C")
    a, b = ag.log_softmax(z, axis=1), ag.log_softmax(q, axis=1)
    return gradients(ag.sum(ag.exp(a) * (a - b)) / B, [z, q])


def _norm(x: Any, eps: Any = 0) -> Any:
    return ag.sqrt(ag.sum(x * x, axis=1) + eps)


@row("cosine loss with eps")
def _() -> Any:
    x, y = arrays("x:B,D y:B,D")
    (eps,) = positive("eps")
    cosine = ag.sum(x * y, axis=1) / (_norm(x, eps) * _norm(y, eps))
    return gradients(ag.mean(1 - cosine), [x, y, eps])


@row("cosine loss")
def _() -> Any:
    x, y = arrays("x:B,D y:B,D")
    return gradients(ag.mean(1 - ag.sum(x * y, axis=1) / (_norm(x) * _norm(y))), [x, y])


@row("InfoNCE")
def _() -> Any:
    x, y = arrays("x:B,D y:B,D")
    (tau,) = positive("tau")
    scores = x @ y.T / tau
    own = ag.sum(x * y, axis=1) / tau
    return gradients(ag.mean(ag.logsumexp(scores, axis=1) - own), [x, y, tau])


@row("InfoNCE, normalized")
def _() -> Any:
    x, y = arrays("x:B,D y:B,D")
    (tau,) = positive("tau")
    u, v = (a / ag.expand_dims(_norm(a), 1) for a in (x, y))
    own = ag.sum(u * v, axis=1) / tau
    return gradients(ag.mean(ag.logsumexp(u @ v.T / tau, axis=1) - own), [x, y, tau])


@row("hinge")
def _() -> Any:
    z, y = arrays("z:B y:B")
    return gradients(ag.mean(ag.relu(1 - y * z)), [z, y])


@row("multiclass hinge")
def _() -> Any:
    (z,) = arrays("z:B,C")
    (y,) = labels("y:B")
    own = ag.take_along_axis(z, ag.expand_dims(y, 1), axis=1)
    return gradients(ag.sum(ag.relu(1 + z - own)) / B, [z])


@row("quantile loss")
def _() -> Any:
    y, d = arrays("y:B d:B")
    q = scalar("q", positive=True)
    return gradients(ag.mean(ag.maximum(q * (d - y), (q - 1) * (d - y))), [y, d, q])


@row("triplet loss")
def _() -> Any:
    a, p, n = arrays("a:B,D p:B,D n:B,D")
    (margin,) = positive("margin")
    gap = ag.sum((a - p) ** 2, axis=1) - ag.sum((a - n) ** 2, axis=1) + margin
    return gradients(ag.mean(ag.relu(gap)), [a, p, n, margin])


@row("VAE, ELBO")
def _() -> Any:
    x, mu, s, e, w = arrays("x:B,D mu:B,K s:B,K e:B,K W:K,D")
    z = mu + ag.exp(s / 2) * e
    kl = ag.sum(ag.exp(s) + mu * mu - 1 - s) / 2
    return gradients((ag.sum((x - ag.tanh(z @ w)) ** 2) + kl) / B, [x, mu, s, e, w])


@row("Gaussian likelihood")
def _() -> Any:
    x, mu, s = arrays("x:B mu:B s:B")
    return gradients(ag.mean(s / 2 + (x - mu) ** 2 / (2 * ag.exp(s))), [x, mu, s])


@row("Poisson likelihood")
def _() -> Any:
    y, z = arrays("y:B z:B")
    return gradients(ag.mean(ag.exp(z) - y * z), [y, z])


@row("log-cosh")
def _() -> Any:
    y, d = arrays("y:B d:B")
    return gradients(ag.mean(ag.log(ag.cosh(y - d))), [y, d])


@row("Charbonnier")
def _() -> Any:
    y, d = arrays("y:B d:B")
    (eps,) = positive("eps")
    return gradients(ag.mean(ag.sqrt((y - d) ** 2 + eps)), [y, d, eps])


@row("Dice")
def _() -> Any:
    z, y = arrays("z:B,D y:B,D")
    (eps,) = positive("eps")
    p = ag.sigmoid(z)
    shared = ag.sum(p * y, axis=1)
    return gradients(
        ag.mean(1 - (2 * shared + eps) / (ag.sum(p, axis=1) + ag.sum(y * y, axis=1) + eps)), [z, y]
    )


@row("MMD")
def _() -> Any:
    x, y = arrays("x:B,D y:C,D")

    def kernel(a: Any, b: Any) -> Any:
        apart = ag.expand_dims(a, 1) - ag.expand_dims(b, 0)
        return ag.mean(ag.exp(-ag.sum(apart * apart, axis=2)))

    return gradients(kernel(x, x) + kernel(y, y) - 2 * kernel(x, y), [x, y])


@row("Barlow twins")
def _() -> Any:
    x, y = arrays("x:B,D y:B,D")
    (lam,) = positive("lam")
    c = x.T @ y / B
    on = ag.sum(x * y, axis=0) / B
    loss = ag.sum((1 - on) ** 2) + lam * (ag.sum(c * c) - ag.sum(on * on))
    return gradients(loss, [x, y, lam])


# --- attention, activations, embeddings ---------------------------------------------------------


def _attend(q: Any, k: Any, v: Any, change: Callable[[Any], Any] = lambda scores: scores) -> Any:
    return ag.softmax(change(q @ k.T / ag.sqrt(ag.tensor(3.0))), axis=1) @ v


QKV = "q:T,K k:S,K v:S,D g:T,D"


@row("attention")
def _() -> Any:
    q, k, v, g = arrays(QKV)
    return gradients(ag.sum(_attend(q, k, v) * g), [q, k, v])


@row("attention, additive mask")
def _() -> Any:
    q, k, v, g, m = arrays(QKV + " m:T,S")
    return gradients(ag.sum(_attend(q, k, v, lambda s: s + m) * g), [q, k, v, m])


@row("attention, multiplicative mask")
def _() -> Any:
    q, k, v, g, m = arrays(QKV + " m:T,S")
    return gradients(ag.sum(_attend(q, k, v, lambda s: s * m) * g), [q, k, v, m])


@row("attention, where(mask, scores, -1e9)")
def _() -> Any:
    q, k, v, g, m = arrays(QKV + " m:T,S")
    return gradients(ag.sum(_attend(q, k, v, lambda s: ag.where(m > 0, s, -1e9)) * g), [q, k, v])


@row("attention with projections")
def _() -> Any:
    x, wq, wk, wv, wo, g = arrays("x:T,D Wq:D,K Wk:D,K Wv:D,K Wo:K,D g:T,D")
    y = _attend(x @ wq, x @ wk, x @ wv) @ wo
    return gradients(ag.sum(y * g), [x, wq, wk, wv, wo])


@row("attention of several heads, by einsum")
def _() -> Any:
    x, wq, wk, wv, g = arrays("x:T,D Wq:N,D,K Wk:N,D,K Wv:N,D,K g:N,T,K")
    q, k, v = (ag.einsum("td,ndk->ntk", x, w) for w in (wq, wk, wv))
    scores = ag.softmax(ag.einsum("ntk,nsk->nts", q, k), axis=2)
    return gradients(ag.sum(ag.einsum("nts,nsk->ntk", scores, v) * g), [x, wq, wk, wv])


@row("SwiGLU")
def _() -> Any:
    x, w, v, u, g = arrays("x:B,D W:D,H V:D,H U:H,D g:B,D")
    z = x @ w
    return gradients(ag.sum((z * ag.sigmoid(z) * (x @ v)) @ u * g), [x, w, v, u])


@row("maxout")
def _() -> Any:
    x, w, v, g = arrays("x:B,D W:D,H V:D,H g:B,H")
    return gradients(ag.sum(ag.maximum(x @ w, x @ v) * g), [x, w, v])


def _activation(function: Callable[[Any], Any]) -> Callable[[], Any]:
    def decide() -> Any:
        x, g = arrays("x:B,D g:B,D")
        return gradients(ag.sum(function(x) * g), [x, g])

    return decide


def _gelu_tanh(x: Any) -> Any:
    return x / 2 * (1 + ag.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


row("GELU")(_activation(nn.GELU()))
row("GELU by tanh")(_activation(_gelu_tanh))
row("mish")(_activation(lambda x: x * ag.tanh(ag.softplus(x))))
row("SELU")(_activation(lambda x: 1.0507 * ag.where(x > 0, x, 1.6733 * (ag.exp(x) - 1))))
row("hard swish")(_activation(lambda x: x * ag.clip(x + 3, 0, 6) / 6))


@row("embedding and cross-entropy")
def _() -> Any:
    e, w = arrays("E:V,D W:D,C")
    n, y = labels("n:B y:B")
    return gradients(F.cross_entropy(e[n] @ w, y), [e, w])


# --- second order -------------------------------------------------------------------------------


@row("logistic regression, Hessian times vector")
def _() -> Any:
    x, w, y, v = arrays("x:B,D w:D y:B v:D")

    def loss(w: Any) -> Any:
        return ag.mean(ag.softplus(x @ w) - y * (x @ w))

    found = ag.grad(lambda w: ag.sum(ag.grad(loss)(w) * v))(w)
    p = ag.sigmoid(x @ w)
    return equal(found, x.T @ (p * (1 - p) * (x @ v)) / B, [x, w, y, v])


@row("logistic regression, second order")
def _() -> Any:
    x, w, y, v = arrays("x:B,D w:D y:B v:D")

    def loss(w: Any) -> Any:
        return ag.mean(ag.softplus(x @ w) - y * (x @ w))

    return gradients(ag.sum(ag.grad(loss)(w) * v), [x, w, y, v])


@row("softmax, Hessian times vector")
def _() -> Any:
    z, y, v = arrays("z:B,C y:B,C v:B,C")

    def loss(z: Any) -> Any:
        return -ag.sum(y * ag.log_softmax(z, axis=1)) / B

    return gradients(ag.sum(ag.grad(loss)(z) * v), [z, y, v])


# --- recurrent cells and networks ---------------------------------------------------------------


def _gate(x: Any, h: Any, name: str) -> tuple[Any, list[Any]]:
    w, u, b = arrays(f"W{name}:D,H U{name}:H,H b{name}:H")
    return x @ w + h @ u + b, [w, u, b]


@row("GRU cell, 11 leaves")
def _() -> Any:
    x, h, g = arrays("x:B,D h:B,H g:B,H")
    z, first = _gate(x, h, "z")
    r, second = _gate(x, h, "r")
    n, third = _gate(x, ag.sigmoid(r) * h, "n")
    z = ag.sigmoid(z)
    return gradients(ag.sum(((1 - z) * ag.tanh(n) + z * h) * g), [x, h, *first, *second, *third])


@row("LSTM cell, 15 leaves")
def _() -> Any:
    x, h, c, g = arrays("x:B,D h:B,H c:B,H g:B,H")
    gates, leaves = zip(*(_gate(x, h, name) for name in "ifoz"), strict=True)
    i, f, o, z = gates
    c_new = ag.sigmoid(f) * c + ag.sigmoid(i) * ag.tanh(z)
    loss = ag.sum(ag.sigmoid(o) * ag.tanh(c_new) * g)
    return gradients(loss, [x, h, c, *(leaf for group in leaves for leaf in group)])


@row("tanh RNN, 5 steps, shared weights")
def _() -> Any:
    x, h, w, g = arrays("x:B,H h:B,H W:H,H g:B,H")
    state = h
    for _step in range(5):
        state = ag.tanh(state @ w + x)
    return gradients(ag.sum(state * g), [x, h, w])


MLP = "x:B,I W1:I,H b1:H W2:H,C b2:C t:B,C"


@row("relu network, two layers")
def _() -> Any:
    x, w1, b1, w2, b2, t = arrays(MLP)
    o = F.linear(ag.relu(F.linear(x, w1, b1)), w2, b2)
    return gradients(-ag.sum(t * ag.log_softmax(o, axis=1)) / B, [x, w1, b1, w2, b2, t])


@row("batch norm and relu in a network")
def _() -> Any:
    x, w1, b1, w2, b2, t = arrays(MLP)
    gamma, beta = arrays("gamma:H beta:H")
    (eps,) = positive("eps")
    h = ag.relu(F.batch_norm(F.linear(x, w1, b1), gamma, beta, eps=eps))
    o = F.linear(h, w2, b2)
    loss = -ag.sum(t * ag.log_softmax(o, axis=1)) / B
    return gradients(loss, [x, w1, b1, gamma, beta, eps, w2, b2, t])


def _transformer(x: Any, parameters: Sequence[Any], eps: Any) -> Any:
    wq, wk, wv, wo, gamma, beta, w1, b1, w2, b2 = parameters
    x1 = x + _attend(x @ wq, x @ wk, x @ wv) @ wo
    return x1 + ag.relu(_layer_norm(x1, gamma, beta, eps) @ w1 + b1) @ w2 + b2


def _block() -> tuple[Any, Any, list[Any], Any]:
    x, *attention, g = arrays("x:T,D Wq:D,K Wk:D,K Wv:D,K Wo:K,D g:T,D")
    parameters = [*attention, *arrays("gamma:D beta:D W1:D,H b1:H W2:H,D b2:D")]
    (eps,) = positive("eps")
    return x, g, parameters, ag.sum(_transformer(x, parameters, eps) * g)


@row("transformer block, 8 leaves as one expression")
def _() -> Any:
    _, _, parameters, loss = _block()
    return gradients(loss, parameters[2:])


@row("transformer block, queries and keys as one expression, in 5 s", "any")
def _() -> Any:
    _, _, parameters, loss = _block()
    return gradients(loss, parameters[:2], seconds=5)


@row("transformer block, 10 leaves by composition")
def _() -> Any:
    rng = np.random.default_rng(0)
    shapes = [(6, 4)] * 3 + [(4, 6), (6,), (6,), (6, 7), (7,), (7, 6), (6,)]
    x, g = ag.tensor(rng.normal(size=(5, 6))), ag.tensor(rng.normal(size=(5, 6)))
    parameters = [ag.tensor(rng.normal(size=s), requires_grad=True) for s in shapes]
    loss = ag.sum(_transformer(x, parameters, 1e-5) * g)
    return prove.graph({f"parameter {n}": p for n, p in enumerate(parameters)}, loss)


def _deep(layers: int) -> Any:
    x, g = arrays("x:B,D g:B,D")
    weights = [arrays(f"W{n}:D,D")[0] for n in range(layers)]
    h = x
    for w in weights:
        h = ag.tanh(h @ w)
    return gradients(ag.sum(h * g), [x, *weights], seconds=5)


row("tanh network of 6 layers, in 5 s", "any")(lambda: _deep(6))
row("tanh network of 10 layers, in 5 s", "any")(lambda: _deep(10))


# --- optimizers ---------------------------------------------------------------------------------

STATE = "w:D g:D m:D v:D"


def _adam(w: Any, g: Any, m: Any, v: Any, s: Sequence[Any], **options: Any) -> Any:
    lr, delta, gamma, eps, lam = s
    options = {"epsilon": "inside", "decoupled": False, "weight_decay": None} | options
    return Adam.update(w, g, m, v, step=1, lr=lr, delta=delta, gamma=gamma, eps=eps, **options), lam


def _moved(w: Any, g: Any, m: Any, v: Any, s: Sequence[Any], outside: bool = False) -> Any:
    lr, delta, gamma, eps, _ = s
    m, v = delta * m + (1 - delta) * g, gamma * v + (1 - gamma) * g * g
    m, v = m / (1 - delta), v / (1 - gamma)
    return w - lr * m / (ag.sqrt(v) + eps if outside else ag.sqrt(v + eps))


def _adam_row(**options: Any) -> Any:
    state, s = arrays(STATE), positive("lr", "delta", "gamma", "eps", "lam")
    w, g, m, v = state
    lam = s[-1]
    if "weight_decay" in options:
        options["weight_decay"] = lam
    (found, *_), _ = _adam(w, g, m, v, s, **options)
    shrunk, slope = w, g
    if options.get("decoupled"):
        shrunk = (1 - s[0] * lam) * w
    elif "weight_decay" in options:
        slope = g + lam * w
    written = _moved(shrunk, slope, m, v, s, options.get("epsilon") == "outside")
    leaves = [*state, *(s if "weight_decay" in options else s[:-1])]
    return equal(found, written, leaves)


row("Adam, eps inside")(_adam_row)
row("Adam, eps outside")(lambda: _adam_row(epsilon="outside"))
row("AdamW")(lambda: _adam_row(weight_decay=True, decoupled=True))
row("Adam with L2")(lambda: _adam_row(weight_decay=True))


@row("gradients through Adam, 8 leaves")
def _() -> Any:
    state, s = arrays(STATE), positive("lr", "delta", "gamma", "eps", "lam")
    (found, *_), _ = _adam(*state, s)
    return gradients(ag.sum(found * found), [*state, *s[:-1]])


@row("Adam with 0.9 and 0.999 against literals", "UNDECIDED")
def _() -> Any:
    w, g, m, v = arrays(STATE)
    (found, *_), _ = _adam(w, g, m, v, (0.01, 0.9, 0.999, 1e-8, None))
    first = (0.9 * m + 0.1 * g) / 0.1
    second = (0.999 * v + 0.001 * g * g) / 0.001
    return equal(found, w - 0.01 * first / ag.sqrt(second + 1e-8), [w, g, m, v], seconds=5)


def _sgd(nesterov: bool) -> Any:
    w, g, v = arrays("w:D g:D v:D")
    lr, beta = positive("lr", "beta")
    found, _ = SGD.update(
        w, g, v, step=1, lr=lr, momentum=beta, nesterov=nesterov, weight_decay=None
    )
    moved = beta * v - lr * g
    return equal(found, w + (beta * moved - lr * g if nesterov else moved), [w, g, v, lr, beta])


row("momentum")(lambda: _sgd(False))
row("Nesterov")(lambda: _sgd(True))


@row("RMSprop, gradients through a step")
def _() -> Any:
    w, g, v = arrays("w:D g:D v:D")
    lr, gamma, eps = positive("lr", "gamma", "eps")
    moved = w - lr * g / ag.sqrt(gamma * v + (1 - gamma) * g * g + eps)
    return gradients(ag.sum(moved * moved), [w, g, v, lr, gamma, eps])


@row("Lion, gradients through a step")
def _() -> Any:
    w, g, m = arrays("w:D g:D m:D")
    lr, beta, lam = positive("lr", "beta", "lam")
    moved = w - lr * (ag.sign(beta * m + (1 - beta) * g) + lam * w)
    return gradients(ag.sum(moved * moved), [w, g, m, lr, beta, lam])


@row("Adagrad, gradients through a step")
def _() -> Any:
    w, g, s = arrays("w:D g:D s:D")
    lr, eps = positive("lr", "eps")
    moved = w - lr * g / (ag.sqrt(s + g * g) + eps)
    return gradients(ag.sum(moved * moved), [w, g, s, lr, eps])


# --- what has no reading at symbolic size -------------------------------------------------------


def _at_every_size(function: Callable[[Any], Any], shape: str) -> Callable[[], Any]:
    def decide() -> Any:
        (x,) = arrays(f"x:{shape}")
        return gradients(ag.sum(function(x) ** 2), [x], seconds=5)

    return decide


row("cumsum", "any")(_at_every_size(ag.cumsum, "B"))
row("sort", "any")(_at_every_size(ag.sort, "B"))
row("determinant", "any")(_at_every_size(ag.linalg.det, "B,B"))
row("merged axes", "any")(_at_every_size(lambda x: ag.reshape(x, (B * D,)), "B,D"))
row("differences of neighbours", "any")(_at_every_size(lambda x: x[1:] - x[:-1], "B"))
row("a triangle", "any")(_at_every_size(ag.tril, "B,B"))
row("median", "any")(_at_every_size(ag.median, "B"))
row("a scan of a length with a name", "any")(
    _at_every_size(
        lambda x: ag.scan(lambda h, a: (ag.tanh(h + a), None), ag.tensor(0.0), x)[0], "B"
    )
)


# --- running ------------------------------------------------------------------------------------


def decided(title: str) -> dict[str, Any]:
    """The verdict of a row, and the processor time that it took."""
    start = time.process_time()
    try:
        verdict = ROWS[title][0]()
        status, reason = verdict.status, verdict.reason
    except (AutogradError, AttributeError, TypeError, ValueError) as error:
        status, reason = type(error).__name__, str(error)
    return {"status": status, "seconds": time.process_time() - start, "reason": reason}


def _serve() -> None:
    """Decide the rows whose titles come in, line by line."""
    for line in sys.stdin:
        print(json.dumps(decided(line.rstrip("\n"))), flush=True)


def _process(tree: Path) -> Callable[[str], dict[str, Any]]:
    """A process of another checkout that decides rows."""
    serving = subprocess.Popen(
        [sys.executable, __file__, "--serve"], env=os.environ | {"PYTHONPATH": str(tree)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip

    def ask(title: str) -> dict[str, Any]:
        assert serving.stdin is not None
        assert serving.stdout is not None
        serving.stdin.write(title + "\n")
        serving.stdin.flush()
        return json.loads(serving.stdout.readline())

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only rows with it in their title")
    parser.add_argument("--against", type=Path, metavar="TREE", help="another checkout")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve()
        return
    here = Path(ag.__file__).parents[1]
    ask: list[Callable[[str], dict[str, Any]]] = [decided]
    if options.against is not None:
        ask = [_process(tree.absolute()) for tree in (options.against, here)]
    for decide in ask:
        decide("hinge")  # imports, and what is computed once
    heads = ["verdict", "s"] if len(ask) == 1 else ["before", "s", "now", "s", "ratio"]
    print(f"{'statement':50}" + "".join(f"{h:>12}" for h in heads))
    wrong = []
    for title, (_, expected) in ROWS.items():
        if options.words and not any(word in title for word in options.words):
            continue
        found = [decide(title) for decide in ask]
        cells = [c for f in found for c in (f["status"][:11], f"{f['seconds']:.2f}")]
        if len(ask) > 1:
            cells.append(f"{found[1]['seconds'] / found[0]['seconds']:.2f}")
        print(f"{title:50}" + "".join(f"{c:>12}" for c in cells), flush=True)
        if found[-1]["status"] != expected and expected != "any":
            wrong.append(f"{title}: {found[-1]['status']}, not {expected}: {found[-1]['reason']}")
        elif found[-1]["status"] != "PROVED":
            print(f"    {found[-1]['reason'][:200]}")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
