"""MyGrad: eager, no second derivatives."""

from __future__ import annotations

import itertools
from typing import Any

import mygrad
import numpy as np
from mygrad.nnet.layers import batchnorm
from mygrad.nnet.losses import softmax_crossentropy
from workloads import LINKS, Work, elementwise, scalars

from . import Contender, contender, in_turn
from .by_hand import update


@contender("MyGrad", "network")
def network(work: Work) -> Contender:
    """A step in a call; the update in place, without running statistics."""
    net = work.network
    assert net is not None
    layers = [[mygrad.tensor(p) for p in layer] for layer in net.start(work.dtype)]
    parameters = [p for layer in layers for p in layer]
    slots = [(np.zeros_like(p.data), np.zeros_like(p.data)) for p in parameters]
    rng = np.random.default_rng(3)
    feed, count = in_turn(net.batches(work.dtype)), itertools.count(1)

    def call() -> Any:
        x, t = feed()
        h = x
        for k, (W, b, *affine) in enumerate(layers):
            h = mygrad.matmul(h, W) + b
            if k == len(layers) - 1:
                break
            if not net.norm:
                h = mygrad.tanh(h)
                continue
            h = mygrad.nnet.relu(batchnorm(h, gamma=affine[0], beta=affine[1], eps=1e-5))
            if net.dropout:
                keep = 1 - net.dropout
                mask = rng.integers(0, 256, h.shape, np.uint8) < 256 * keep
                h = h * (mask * np.float32(1 / keep))
        loss = softmax_crossentropy(h, t) if net.loss == "labels" else mygrad.mean((h - t) ** 2)
        loss.backward()
        k = next(count)
        for p, (m, v) in zip(parameters, slots, strict=True):
            update(net, k, p.data, m, v, p.grad)
        return loss.data

    return Contender(call, lambda: [np.array(p.data) for p in parameters])


@contender("MyGrad", "elementwise")
def slopes(work: Work) -> Contender:
    """W4."""
    feed = in_turn([tuple(map(mygrad.tensor, pair)) for pair in elementwise(work.dtype)])

    def call() -> Any:
        x, w = feed()
        s = x * x
        loss = mygrad.mean(mygrad.tanh(x * w) * mygrad.exp(-s) + mygrad.log1p(s))
        loss.backward()
        return loss.data, x.grad, w.grad

    return Contender(call)


@contender("MyGrad", "chain")
def chain(work: Work) -> Contender:
    """W6."""
    feed = in_turn([tuple(map(mygrad.tensor, pair)) for pair in scalars(work.dtype)])

    def call() -> Any:
        a, b = feed()
        v = a
        for _ in range(LINKS):
            v = v * a + b
        v.backward()
        return v.data, a.grad, b.grad

    return Contender(call)
