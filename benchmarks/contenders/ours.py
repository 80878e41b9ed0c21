"""gradproof: eager, compiled, many steps in a call, and replayed in NumPy without native code."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from workloads import LINKS, Array, Images, Network, Sequences, Work, elementwise, scalars

import autograd_core as ag
import nn
import optim

from . import Contender, LeftOutError, contender, in_turn, many

EAGER: dict[str, Any] | None = None  # instead of options for ag.jit: not compiled


def jit(function: Any, options: dict[str, Any] | None) -> Any:
    """Compile, with options; EAGER leaves the function as it is."""
    if options is EAGER:
        return function
    if not hasattr(ag, "jit"):
        raise LeftOutError("ag.jit is not there")
    return ag.jit(**options)(function) if options else ag.jit(function)


def two(work: Work) -> bool:
    """Whether this is the round with two threads."""
    return work.threads == 2


VARIANTS: list[tuple[str, dict[str, Any] | None, Any]] = [
    ("gradproof jit", {}, lambda work: True),
    ("gradproof jit, 2 threads", {"threads": 2}, two),
    ("gradproof jit, NumPy", {"backend": "numpy"}, lambda work: True),
    ("gradproof eager", EAGER, lambda work: True),
]


# --- training steps ---------------------------------------------------------------------------


def model_of(net: Network, dtype: str) -> nn.Sequential:
    """The network as a user writes it."""
    rng = np.random.default_rng(0)
    layers: list[Any] = []
    for k, (inputs, outputs) in enumerate(net.widths):
        layers.append(nn.Linear(inputs, outputs, rng=rng, dtype=dtype))
        layers[-1].weight.assign(net.start(dtype)[k][0])
        if k == len(net.widths) - 1:
            break
        if net.norm:
            layers += [nn.BatchNorm1d(outputs, dtype=dtype), nn.ReLU()]
        else:
            layers.append(nn.Tanh())
        if net.dropout:
            layers.append(nn.Dropout(net.dropout, rng=rng))
    return nn.Sequential(*layers)


def training(net: Network, dtype: str, options: dict[str, Any] | None) -> tuple[Any, Any]:
    """The model and its training step."""
    model = model_of(net, dtype)
    criterion = nn.CrossEntropyLoss() if net.loss == "labels" else nn.MSELoss()
    opt: Any = {
        "descent": lambda: optim.SGD(model.parameters(), lr=net.lr),
        "momentum": lambda: optim.SGD(model.parameters(), lr=net.lr, momentum=0.9),
        "adam": lambda: optim.Adam(model.parameters(), lr=net.lr, epsilon="outside"),
    }[net.rule]()

    def step(x: Array, t: Array) -> Any:
        opt.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        opt.step()
        return loss

    return model, jit(step, options)


def _state(model: nn.Sequential) -> list[Array]:
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]
    running = [s for m in norms for s in (m.running_mean, m.running_var)]
    return [np.array(p.data) for p in (*model.parameters(), *running)]


def network(options: dict[str, Any] | None) -> Any:
    """A training step, one in a call."""

    def make(work: Work) -> Contender:
        assert work.network is not None
        model, step = training(work.network, work.dtype, options)
        feed = in_turn(work.network.batches(work.dtype))
        return Contender(lambda: step(*feed()), lambda: _state(model))

    return make


@contender("gradproof jit, many", "network", many)
def network_many(work: Work) -> Contender:
    """Many steps in a call."""
    net = work.network
    assert net is not None
    model, step = training(net, work.dtype, {})
    feed = in_turn(net.stacks(work.dtype))
    return Contender(lambda: step.many(*feed()), lambda: _state(model), net.steps)


# --- images -----------------------------------------------------------------------------------


def convolutional(net: Images, dtype: str) -> nn.Sequential:
    """The network on images as a user writes it."""
    layers: list[Any] = []
    for layer, (inputs, *_) in zip(net.layers, net.maps, strict=False):
        options = {"stride": layer.stride, "padding": layer.padding}
        layers.append(
            nn.Conv2d(inputs, layer.channels, layer.kernel, **options, rng=0, dtype=dtype)
        )
        layers.append(nn.ReLU())
        if layer.pool > 1:
            layers.append(nn.MaxPool2d(layer.pool))
    features = math.prod(net.maps[-1])
    layers += [nn.Flatten(), nn.Linear(features, net.outputs, rng=0, dtype=dtype)]
    model = nn.Sequential(*layers)
    start = [p for layer in net.start(dtype) for p in layer]
    for p, value in zip(model.parameters(), start, strict=True):
        p.assign(value)
    return model


def images(options: dict[str, Any] | None) -> Any:
    """A training step on images."""

    def make(work: Work) -> Contender:
        net = work.images
        assert net is not None
        model, criterion = convolutional(net, work.dtype), nn.CrossEntropyLoss()
        opt = optim.SGD(model.parameters(), lr=net.lr, momentum=0.9)

        def step(x: Array, t: Array) -> Any:
            opt.zero_grad()
            loss = criterion(model(x), t)
            loss.backward()
            opt.step()
            return loss

        whole, feed = jit(step, options), in_turn(net.batches(work.dtype))
        return Contender(
            lambda: whole(*feed()), lambda: [np.array(p.data) for p in model.parameters()]
        )

    return make


# --- functions --------------------------------------------------------------------------------


def slopes(options: dict[str, Any] | None) -> Any:
    """W4's function."""

    def loss(x: Any, w: Any) -> Any:
        s = x * x
        return ag.mean(ag.tanh(x * w) * ag.exp(-s) + ag.log1p(s))

    return jit(ag.value_and_grad(loss, (0, 1)), options)


def _elementwise(options: dict[str, Any] | None) -> Any:
    def make(work: Work) -> Contender:
        at, feed = slopes(options), in_turn(elementwise(work.dtype))
        return Contender(lambda: at(*feed()))

    return make


def _product(options: dict[str, Any] | None) -> Any:
    def make(work: Work) -> Contender:
        net = work.network
        assert net is not None

        def loss(parameters: list[Any], x: Any, t: Any) -> Any:
            h = x
            for k in range(0, len(parameters), 2):
                h = h @ parameters[k] + parameters[k + 1]
                if k < len(parameters) - 2:
                    h = ag.tanh(h)
            return nn.functional.cross_entropy(h, t)

        product = jit(ag.hvp(loss), options)
        start = [p for layer in net.start(work.dtype) for p in layer]
        batches, vectors = net.batches(work.dtype), net.directions(work.dtype)
        feed = in_turn([(start, x, t, v) for (x, t), v in zip(batches, vectors, strict=True)])
        return Contender(lambda: product(*feed()))

    return make


def _hessian(options: dict[str, Any] | None) -> Any:
    def make(work: Work) -> Contender:
        net = work.network
        assert net is not None
        (inputs, hidden), _ = net.widths
        first, second, third = np.cumsum([inputs * hidden, hidden, hidden]).tolist()

        def loss(p: Any, x: Any, t: Any) -> Any:
            h = ag.tanh(x @ p[:first].reshape(inputs, hidden) + p[first:second])
            return ag.mean(ag.square(h @ p[second:third].reshape(hidden, 1) + p[third:] - t))

        matrix = jit(ag.hessian(loss), options)
        start = np.concatenate([p.ravel() for layer in net.start(work.dtype) for p in layer])
        feed = in_turn([(start, *batch) for batch in net.batches(work.dtype)])
        return Contender(lambda: matrix(*feed()))

    return make


@contender("gradproof eager", "chain")
def chain(work: Work) -> Contender:
    """W6 by `backward`."""
    feed = in_turn([[ag.tensor(v, requires_grad=True) for v in p] for p in scalars(work.dtype)])

    def call() -> Any:
        a, b = feed()
        a.grad = b.grad = None
        v = a
        for _ in range(LINKS):
            v = v * a + b
        v.backward()
        return v, a.grad, b.grad

    return Contender(call)


def _chain(options: dict[str, Any] | None) -> Any:
    def value(a: Any, b: Any) -> Any:
        return ag.scan(lambda v, _: (v * a + b, None), a, length=LINKS)[0]

    def make(work: Work) -> Contender:
        at, feed = jit(ag.value_and_grad(value, (0, 1)), options), in_turn(scalars(work.dtype))
        return Contender(lambda: at(*feed()))

    return make


class Reader(nn.Module):
    """An LSTM, and a dense layer of its last output."""

    def __init__(self, net: Sequences, dtype: str) -> None:
        self.lstm = nn.LSTM(net.inputs, net.hidden, dtype=dtype, rng=0)
        self.out = nn.Linear(net.hidden, net.outputs, dtype=dtype, rng=0)
        W, U, b, V, c = net.start(dtype)
        values = [W.T, U.T, b, np.zeros_like(b), V, c]
        for p, value in zip(self.parameters(), values, strict=True):
            p.assign(value)

    def forward(self, x: Any) -> Any:
        """Scores of classes."""
        output, _ = self.lstm(x)
        return self.out(output[-1])


def _sequences(options: dict[str, Any] | None) -> Any:
    def make(work: Work) -> Contender:
        net = work.sequences
        assert net is not None
        model, criterion = Reader(net, work.dtype), nn.CrossEntropyLoss()
        # One of the two biases: together they would move by twice as much as the others' one.
        model.lstm.bias_hh_l0.requires_grad_(False)
        parameters = [p for p in model.parameters() if p.requires_grad]
        opt = optim.SGD(parameters, lr=net.lr)

        def step(x: Array, t: Array) -> Any:
            opt.zero_grad()
            loss = criterion(model(x), t)
            loss.backward()
            opt.step()
            return loss

        run, feed = jit(step, options), in_turn(net.batches(work.dtype))

        def state() -> list[Array]:
            W, U, *others = (np.array(p.data) for p in parameters)
            return [W.T, U.T, *others]

        return Contender(lambda: run(*feed()), state)

    return make


for _name, _options, _enters in VARIANTS:
    contender(_name, "sequences", _enters)(_sequences(_options))
    contender(_name, "network", _enters)(network(_options))
    contender(_name, "images", _enters)(images(_options))
    contender(_name, "elementwise", _enters)(_elementwise(_options))
    contender(_name, "product", _enters)(_product(_options))
    contender(_name, "hessian", _enters)(_hessian(_options))
    if _options is not EAGER:
        contender(_name, "chain", _enters)(_chain(_options))
