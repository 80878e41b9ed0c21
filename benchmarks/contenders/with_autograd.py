"""HIPS/autograd: networks and optimizers written out, for it has none."""

from __future__ import annotations

import itertools
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.misc import flatten
from workloads import LINKS, Network, Work, elementwise, scalars

from . import Contender, contender, in_turn
from .by_hand import update


def _loss(net: Network, layers: Any, x: Any, t: Any, rng: Any = None) -> Any:
    """Without running statistics, which it would have to hand out from inside."""
    h = x
    for k, (W, b, *affine) in enumerate(layers):
        h = anp.dot(h, W) + b
        if k == len(layers) - 1:
            break
        if not net.norm:
            h = anp.tanh(h)
            continue
        h = h - anp.mean(h, 0)
        h = h / anp.sqrt(anp.mean(h * h, 0) + np.float32(1e-5)) * affine[0] + affine[1]
        h = anp.maximum(h, np.float32(0))
        if net.dropout:
            keep = 1 - net.dropout
            mask = rng.integers(0, 256, h.shape, np.uint8) < 256 * keep
            h = h * mask * np.float32(1 / keep)
    if net.loss == "squares":
        return anp.mean(anp.square(h - t))
    h = h - anp.max(h, axis=1, keepdims=True)
    logs = h - anp.log(anp.sum(anp.exp(h), axis=1, keepdims=True))
    return -anp.mean(logs[np.arange(net.rows), t])


@contender("HIPS/autograd", "network")
def network(work: Work) -> Contender:
    """A step in a call; the update in place."""
    net = work.network
    assert net is not None
    layers, first, second = net.start(work.dtype), net.start(work.dtype), net.start(work.dtype)
    for slot in (p for slots in (first, second) for layer in slots for p in layer):
        slot[:] = 0
    parts = [[p for layer in nested for p in layer] for nested in (layers, first, second)]
    rng = np.random.default_rng(3)
    slope = autograd.value_and_grad(lambda ps, x, t: _loss(net, ps, x, t, rng))
    feed, count = in_turn(net.batches(work.dtype)), itertools.count(1)

    def call() -> Any:
        loss, nested = slope(layers, *feed())
        k = next(count)
        for p, m, v, g in zip(*parts, (g for layer in nested for g in layer), strict=True):
            update(net, k, p, m, v, g)
        return loss

    return Contender(call, lambda: [p.copy() for p in parts[0]])


@contender("HIPS/autograd", "elementwise")
def slopes(work: Work) -> Contender:
    """W4."""

    def loss(pair: Any) -> Any:
        x, w = pair
        s = x * x
        return anp.mean(anp.tanh(x * w) * anp.exp(-s) + anp.log1p(s))

    compiled = autograd.value_and_grad(loss)
    feed = in_turn([tuple(p) for p in elementwise(work.dtype)])
    return Contender(lambda: compiled(feed()))


@contender("HIPS/autograd", "product")
def product(work: Work) -> Contender:
    """W5a, reverse over reverse."""
    net = work.network
    assert net is not None
    layers = net.start(work.dtype)

    def along(layers: Any, v: Any, x: Any, t: Any) -> Any:
        g = autograd.grad(lambda ps: _loss(net, ps, x, t))(layers)
        flat = [p for layer in g for p in layer]
        return sum(anp.sum(a * b) for a, b in zip(flat, v, strict=True))

    second = autograd.grad(along)
    arguments = zip(net.directions(work.dtype), net.batches(work.dtype), strict=True)
    feed = in_turn([(v, *batch) for v, batch in arguments])
    return Contender(lambda: second(layers, *feed()))


@contender("HIPS/autograd", "hessian")
def hessian(work: Work) -> Contender:
    """W5b."""
    net = work.network
    assert net is not None
    flat, nested = flatten(net.start(work.dtype))
    matrix = autograd.hessian(lambda p, x, t: _loss(net, nested(p), x, t))
    feed = in_turn(net.batches(work.dtype))
    return Contender(lambda: matrix(flat, *feed()))


@contender("HIPS/autograd", "chain")
def chain(work: Work) -> Contender:
    """W6."""

    def value(pair: Any) -> Any:
        a, b = pair
        v = a
        for _ in range(LINKS):
            v = v * a + b
        return v

    slopes = autograd.value_and_grad(value)
    feed = in_turn([(float(a), float(b)) for a, b in scalars(work.dtype)])
    return Contender(lambda: slopes(feed()))
