"""tinygrad: the whole step in a TinyJit. Its processor backend needs clang (or CC=…)."""

from __future__ import annotations

import os

os.environ.setdefault("DEV", "CPU")

from typing import Any

import numpy as np
from tinygrad import Device, Tensor, TinyJit, nn
from tinygrad.helpers import Context
from workloads import Array, Network, Work, elementwise

from . import Contender, contender, in_turn


def _ready(*results: Any) -> Any:
    Device[Device.DEFAULT].synchronize()
    return results


def _tensors(values: Any) -> list[Any]:
    return [Tensor(v).realize() for v in values]


def _loss(net: Network, layers: Any, norms: Any, x: Any, t: Any) -> Any:
    h = x
    for k, (W, b, *_) in enumerate(layers):
        h = h @ W + b
        if k == len(layers) - 1:
            break
        if not net.norm:
            h = h.tanh()
            continue
        h = norms[k](h).relu()
        if net.dropout:
            h = h.dropout(net.dropout)
    if net.loss == "squares":
        return (h - t).square().mean()
    return h.sparse_categorical_crossentropy(t)


@contender("tinygrad TinyJit", "network")
def network(work: Work) -> Contender:
    """A step in a call; batch norm and optimizer are its own."""
    net = work.network
    assert net is not None
    os.environ["OPTIM_DTYPE"] = work.dtype
    layers = [_tensors(layer) for layer in net.start(work.dtype)]
    norms = [nn.BatchNorm(n) for n in (net.sizes[1:-1] if net.norm else ())]
    for (*_, gamma, beta), norm in zip(layers, norms, strict=False):
        norm.weight, norm.bias = gamma, beta
    parameters = [p for layer in layers for p in layer]
    for p in parameters:
        p.requires_grad = True
    rule = {
        "descent": lambda: nn.optim.SGD(parameters, lr=net.lr),
        "momentum": lambda: nn.optim.SGD(parameters, lr=net.lr, momentum=0.9, classic=True),
        "adam": lambda: nn.optim.Adam(parameters, lr=net.lr),
    }[net.rule]()
    # Otherwise nobody asks for the running statistics, and they are not computed.
    running = [s for n in norms for s in (n.running_mean, n.running_var)]

    @TinyJit
    def step(x: Any, t: Any) -> Any:
        rule.zero_grad()
        loss = _loss(net, layers, norms, x, t).backward()
        return loss.realize(*rule.schedule_step(), *running)

    feed = in_turn([tuple(_tensors(b)) for b in net.batches(work.dtype)])

    def call() -> Any:
        with Context(TRAINING=1):
            return _ready(step(*feed()))

    def state() -> list[Array]:
        return [np.array(p.numpy()) for p in (*parameters, *running)]

    return Contender(call, state)


@contender("tinygrad TinyJit", "elementwise")
def slopes(work: Work) -> Contender:
    """W4."""

    @TinyJit
    def at(x: Any, w: Any) -> Any:
        s = x * x
        value = ((x * w).tanh() * (-s).exp() + (1 + s).log()).mean()
        return Tensor.realize(value, *value.gradient(x, w))

    feed = in_turn([tuple(_tensors(pair)) for pair in elementwise(work.dtype)])
    return Contender(lambda: _ready(at(*feed())))


@contender("tinygrad TinyJit", "product")
def product(work: Work) -> Contender:
    """W5a, reverse over reverse."""
    net = work.network
    assert net is not None
    layers = [_tensors(layer) for layer in net.start(work.dtype)]
    parameters = [p for layer in layers for p in layer]

    @TinyJit
    def at(x: Any, t: Any, *v: Any) -> Any:
        slopes = _loss(net, layers, [], x, t).gradient(*parameters)
        along = sum((g * u).sum() for g, u in zip(slopes, v, strict=True))
        return Tensor.realize(*along.gradient(*parameters))

    arguments = zip(net.batches(work.dtype), net.directions(work.dtype), strict=True)
    feed = in_turn([tuple(_tensors((*b, *v))) for b, v in arguments])
    return Contender(lambda: _ready(at(*feed())))
