"""PyTorch: the usual nn and optim, the leanest eager step, and the whole step compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from workloads import LINKS, Array, Network, Work, elementwise, scalars

from . import Contender, contender, in_turn

# Lets torch.compile follow autograd.grad, so that a step is one graph: without, it is cut there.
torch._dynamo.config.trace_autograd_ops = True


# Called from C++, W1 is a fifth faster than from Python; max_autotune changes nothing anywhere.
OPTIONS = {"cpp_wrapper": True}


def compiled(function: Any, options: Any = OPTIONS) -> Any:
    """Compile for these shapes, as one graph or not at all."""
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, dynamic=False, options=options)


def _batches(work: Work) -> Any:
    assert work.network is not None
    torch.set_num_threads(work.threads)
    return in_turn([tuple(map(torch.tensor, b)) for b in work.network.batches(work.dtype)])


# --- training steps ---------------------------------------------------------------------------


@contender("PyTorch nn, optim", "network")
def network(work: Work) -> Contender:
    """As its tutorials write it."""
    net = work.network
    assert net is not None
    dtype = getattr(torch, work.dtype)
    start = net.start(work.dtype)
    parts: list[Any] = []
    for k, (inputs, outputs) in enumerate(net.widths):
        parts.append(torch.nn.Linear(inputs, outputs, dtype=dtype))
        with torch.no_grad():
            parts[-1].weight.copy_(torch.tensor(start[k][0].T))
            parts[-1].bias.zero_()
        if k == len(net.widths) - 1:
            break
        if net.norm:
            parts += [torch.nn.BatchNorm1d(outputs, dtype=dtype), torch.nn.ReLU()]
        else:
            parts.append(torch.nn.Tanh())
        if net.dropout:
            parts.append(torch.nn.Dropout(net.dropout))
    model = torch.nn.Sequential(*parts)
    criterion = torch.nn.CrossEntropyLoss() if net.loss == "labels" else torch.nn.MSELoss()
    rule: Any = {
        "descent": lambda: torch.optim.SGD(model.parameters(), lr=net.lr),
        "momentum": lambda: torch.optim.SGD(model.parameters(), lr=net.lr, momentum=0.9),
        "adam": lambda: torch.optim.Adam(model.parameters(), lr=net.lr),
    }[net.rule]()
    feed = _batches(work)

    def call() -> Any:
        x, t = feed()
        rule.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        rule.step()
        return loss.detach()

    def state() -> list[Array]:
        norms = [p for p in parts if isinstance(p, torch.nn.BatchNorm1d)]
        running = [s for m in norms for s in (m.running_mean, m.running_var)]
        return [np.array(p.detach().numpy().T) for p in (*model.parameters(), *running)]

    return Contender(call, state)


class _Lean:
    """A network of bare tensors, and its loss."""

    def __init__(self, net: Network, dtype: str) -> None:
        self.net = net
        self.layers = [[torch.tensor(p) for p in layer] for layer in net.start(dtype)]
        self.parameters = [p.requires_grad_() for layer in self.layers for p in layer]
        self.statistics = [
            (torch.zeros(n), torch.ones(n)) for n in (net.sizes[1:-1] if net.norm else ())
        ]
        self.first, self.second = (
            [torch.zeros_like(p, requires_grad=False) for p in self.parameters] for _ in "mv"
        )

    def loss(self, x: Any, t: Any) -> Any:
        h, net = x, self.net
        for k, (W, b, *affine) in enumerate(self.layers):
            h = torch.addmm(b, h, W)
            if k == len(self.layers) - 1:
                break
            if not net.norm:
                h = torch.tanh(h)
                continue
            h = F.relu(F.batch_norm(h, *self.statistics[k], *affine, True, 0.1, 1e-5))
            if net.dropout:
                h = F.dropout(h, net.dropout)
        return F.cross_entropy(h, t) if net.loss == "labels" else F.mse_loss(h, t)

    def state(self) -> list[Array]:
        running = [s for pair in self.statistics for s in pair]
        return [np.array(p.detach().numpy()) for p in (*self.parameters, *running)]


@contender("PyTorch leanest", "network")
def network_lean(work: Work) -> Contender:
    """No modules, no optimizer object: the kernels that fused optimizers call."""
    net = work.network
    assert net is not None
    lean = _Lean(net, work.dtype)
    ps, count = lean.parameters, [torch.tensor(0.0) for _ in lean.parameters]
    feed = _batches(work)

    def call() -> Any:
        loss = lean.loss(*feed())
        g = torch.autograd.grad(loss, ps)
        with torch.no_grad():
            if net.rule == "descent":
                torch._foreach_add_(ps, g, alpha=-net.lr)
            elif net.rule == "momentum":
                torch._foreach_mul_(lean.first, 0.9)
                torch._foreach_add_(lean.first, g)
                torch._foreach_add_(ps, lean.first, alpha=-net.lr)
            else:
                torch._foreach_add_(count, 1)
                torch._fused_adam_(
                    ps, list(g), lean.first, lean.second, [], count, lr=net.lr, beta1=0.9,
                    beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
                )  # fmt: skip
        return loss.detach()

    return Contender(call, lean.state)


@contender("torch.compile, whole step", "network")
def network_compiled(work: Work, options: Any = OPTIONS) -> Contender:
    """Forward, backward and update as one graph."""
    net = work.network
    assert net is not None
    lean = _Lean(net, work.dtype)
    count = torch.tensor(0.0, dtype=getattr(torch, work.dtype))

    def step(x: Any, t: Any) -> Any:
        loss = lean.loss(x, t)
        slopes = torch.autograd.grad(loss, lean.parameters)
        with torch.no_grad():
            count.add_(1)
            fix, fix2 = 1 - 0.9**count, 1 - 0.999**count
            slots = zip(lean.parameters, slopes, lean.first, lean.second, strict=True)
            for p, g, m, v in slots:
                if net.rule == "descent":
                    p.sub_(net.lr * g)
                elif net.rule == "momentum":
                    m.mul_(0.9).add_(g)
                    p.sub_(net.lr * m)
                else:
                    m.lerp_(g, 1 - 0.9)
                    v.mul_(0.999).add_((1 - 0.999) * g * g)
                    p.sub_(net.lr * (m / fix) / ((v / fix2).sqrt() + 1e-8))
        return loss.detach()

    whole, feed = compiled(step, options), _batches(work)
    return Contender(lambda: whole(*feed()), lean.state)


# --- images -----------------------------------------------------------------------------------


def _images(work: Work, channels_last: bool) -> tuple[Any, Any, Any]:
    """A step that is not compiled, the parameters, and what feeds it."""
    net = work.images
    assert net is not None
    torch.set_num_threads(work.threads)
    order = torch.channels_last if channels_last else torch.contiguous_format

    def laid(a: Array) -> Any:
        t = torch.tensor(a)
        return t.to(memory_format=order) if t.ndim == 4 else t

    layers = [[laid(p).requires_grad_() for p in layer] for layer in net.start(work.dtype)]
    parameters = [p for layer in layers for p in layer]
    slots = [torch.zeros_like(p, requires_grad=False) for p in parameters]

    def loss(x: Any, t: Any) -> Any:
        for (W, b), layer in zip(layers, net.layers, strict=False):
            x = F.relu(F.conv2d(x, W, b, layer.stride, layer.padding))
            if layer.pool > 1:
                x = F.max_pool2d(x, layer.pool)
        W, b = layers[-1]
        return F.cross_entropy(torch.addmm(b, x.flatten(1), W), t)

    def step(x: Any, t: Any) -> Any:
        value = loss(x, t)
        slopes = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            torch._foreach_mul_(slots, 0.9)
            torch._foreach_add_(slots, slopes)
            torch._foreach_add_(parameters, slots, alpha=-net.lr)
        return value.detach()

    batches = [(laid(x), torch.tensor(t)) for x, t in net.batches(work.dtype)]
    return step, parameters, in_turn(batches)


def _on_images(channels_last: bool, whole: bool) -> Any:
    def make(work: Work) -> Contender:
        step, parameters, feed = _images(work, channels_last)
        step = compiled(step) if whole else step
        return Contender(
            lambda: step(*feed()), lambda: [np.array(p.detach().numpy()) for p in parameters]
        )

    return make


for _last, _named in ((False, ""), (True, ", channels last")):
    contender(f"PyTorch leanest{_named}", "images")(_on_images(_last, False))
    contender(f"torch.compile, whole step{_named}", "images")(_on_images(_last, True))


@contender("PyTorch nn, optim", "images")
def images_usual(work: Work) -> Contender:
    """As its tutorials write it."""
    net = work.images
    assert net is not None
    torch.set_num_threads(work.threads)
    parts: list[Any] = []
    start = [torch.tensor(p) for layer in net.start(work.dtype) for p in layer]
    for layer, (inputs, *_) in zip(net.layers, net.maps, strict=False):
        parts += [
            torch.nn.Conv2d(inputs, layer.channels, layer.kernel, layer.stride, layer.padding),
            torch.nn.ReLU(),
        ]
        if layer.pool > 1:
            parts.append(torch.nn.MaxPool2d(layer.pool))
    parts += [torch.nn.Flatten(), torch.nn.Linear(*start[-2].shape)]
    model = torch.nn.Sequential(*parts)
    with torch.no_grad():
        for p, value in zip(model.parameters(), start, strict=True):
            p.copy_(value.T if value.ndim == 2 else value)
    criterion = torch.nn.CrossEntropyLoss()
    rule = torch.optim.SGD(model.parameters(), lr=net.lr, momentum=0.9)
    feed = in_turn([tuple(map(torch.tensor, batch)) for batch in net.batches(work.dtype)])

    def call() -> Any:
        x, t = feed()
        rule.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        rule.step()
        return loss.detach()

    def state() -> list[Array]:
        found = [p.detach().numpy() for p in model.parameters()]
        return [np.array(p.T if p.ndim == 2 else p) for p in found]

    return Contender(call, state)


# --- functions --------------------------------------------------------------------------------


def _first_order(function: Any) -> Any:
    def at(a: Any, b: Any) -> Any:
        value = function(a, b)
        return value.detach(), *torch.autograd.grad(value, (a, b))

    return at


def _pairs(work: Work, pairs: Any) -> Any:
    torch.set_num_threads(work.threads)
    return in_turn([tuple(torch.tensor(v, requires_grad=True) for v in pair) for pair in pairs])


def _elementwise(x: Any, w: Any) -> Any:
    s = x * x
    return (torch.tanh(x * w) * torch.exp(-s) + torch.log1p(s)).mean()


def _chain(a: Any, b: Any) -> Any:
    v = a
    for _ in range(LINKS):
        v = v * a + b
    return v


@contender("PyTorch eager", "elementwise")
def slopes(work: Work) -> Contender:
    """W4."""
    at, feed = _first_order(_elementwise), _pairs(work, elementwise(work.dtype))
    return Contender(lambda: at(*feed()))


@contender("torch.compile", "elementwise")
def slopes_compiled(work: Work) -> Contender:
    """W4."""
    feed = _pairs(work, elementwise(work.dtype))
    at = compiled(_first_order(_elementwise))
    return Contender(lambda: at(*feed()))


@contender("PyTorch eager", "chain")
def chain(work: Work) -> Contender:
    """W6."""
    at, feed = _first_order(_chain), _pairs(work, scalars(work.dtype))
    return Contender(lambda: at(*feed()))


@contender("torch.compile, unrolled", "chain")
def chain_compiled(work: Work) -> Contender:
    """W6: its scan has no derivative, so 250 links one after the other."""
    feed = _pairs(work, scalars(work.dtype))
    at = compiled(_first_order(_chain))
    return Contender(lambda: at(*feed()))


def _product(work: Work) -> tuple[Any, Any]:
    net = work.network
    assert net is not None
    lean = _Lean(net, work.dtype)

    def at(v: Any, x: Any, t: Any) -> Any:
        g = torch.autograd.grad(lean.loss(x, t), lean.parameters, create_graph=True)
        return torch.autograd.grad(g, lean.parameters, v)

    torch.set_num_threads(work.threads)
    arguments = zip(net.directions(work.dtype), net.batches(work.dtype), strict=True)
    return at, in_turn([([*map(torch.tensor, v)], *map(torch.tensor, b)) for v, b in arguments])


@contender("PyTorch leanest", "product")
def product(work: Work) -> Contender:
    """W5a, reverse over reverse."""
    at, feed = _product(work)
    return Contender(lambda: at(*feed()))


def _functional(net: Network, parameters: Any, x: Any, t: Any) -> Any:
    h = x
    for k in range(0, len(parameters), 2):
        h = torch.addmm(parameters[k + 1], h, parameters[k])
        if k < len(parameters) - 2:
            h = torch.tanh(h)
    return F.cross_entropy(h, t) if net.loss == "labels" else F.mse_loss(h, t)


@contender("torch.compile", "product")
def product_compiled(work: Work) -> Contender:
    """W5a, forward over reverse, by torch.func."""
    net = work.network
    assert net is not None
    parameters = [torch.tensor(p) for layer in net.start(work.dtype) for p in layer]

    def at(v: Any, x: Any, t: Any) -> Any:
        slope = torch.func.grad(lambda ps: _functional(net, ps, x, t))
        return torch.func.jvp(slope, (parameters,), (v,))[1]

    _, feed = _product(work)
    whole = compiled(at)
    return Contender(lambda: whole(*feed()))


def _hessian(work: Work) -> tuple[Any, Any]:
    net = work.network
    assert net is not None
    start = [torch.tensor(p) for layer in net.start(work.dtype) for p in layer]
    sizes, shapes = [p.numel() for p in start], [p.shape for p in start]
    flat = torch.cat([p.ravel() for p in start])

    def loss(p: Any, x: Any, t: Any) -> Any:
        parts = [q.reshape(s) for q, s in zip(p.split(sizes), shapes, strict=True)]
        return _functional(net, parts, x, t)

    matrix = torch.func.hessian(loss)
    return lambda x, t: matrix(flat, x, t), _batches(work)


@contender("PyTorch func", "hessian")
def hessian(work: Work) -> Contender:
    """W5b."""
    at, feed = _hessian(work)
    return Contender(lambda: at(*feed()))


@contender("torch.compile", "hessian")
def hessian_compiled(work: Work) -> Contender:
    """W5b."""
    at, feed = _hessian(work)
    whole = compiled(at)
    return Contender(lambda: whole(*feed()))


def _sequences(work: Work) -> tuple[Any, Any, Any]:
    """The loss, the parameters and the next batch of W9; bias_hh is fixed at 0."""
    net = work.sequences
    assert net is not None
    torch.set_num_threads(work.threads)
    dtype = getattr(torch, work.dtype)
    lstm = torch.nn.LSTM(net.inputs, net.hidden, dtype=dtype)
    out = torch.nn.Linear(net.hidden, net.outputs, dtype=dtype)
    W, U, b, V, c = (torch.tensor(p) for p in net.start(work.dtype))
    lstm.bias_hh_l0.requires_grad_(False)
    parameters = [lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, out.weight, out.bias]
    with torch.no_grad():
        lstm.bias_hh_l0.zero_()
        for p, value in zip(parameters, (W.T, U.T, b, V.T, c), strict=True):
            p.copy_(value)

    def loss(x: Any, t: Any) -> Any:
        output, _ = lstm(x)
        return F.cross_entropy(out(output[-1]), t)

    feed = in_turn([tuple(map(torch.tensor, batch)) for batch in net.batches(work.dtype)])
    return loss, parameters, feed


def _transposed(parameters: Any) -> Any:
    return lambda: [np.array(p.detach().numpy().T) for p in parameters]


@contender("PyTorch nn, optim", "sequences")
def sequences(work: Work) -> Contender:
    """W9 with its own kernel of an LSTM."""
    assert work.sequences is not None
    loss, parameters, feed = _sequences(work)
    rule = torch.optim.SGD(parameters, lr=work.sequences.lr)

    def call() -> Any:
        rule.zero_grad()
        found = loss(*feed())
        found.backward()
        rule.step()
        return found.detach()

    return Contender(call, _transposed(parameters))


@contender("torch.compile, unrolled", "sequences")
def sequences_compiled(work: Work) -> Contender:
    """W9, step by step: the backward of its own LSTM is one that it cannot compile (2.13)."""
    net = work.sequences
    assert net is not None
    torch.set_num_threads(work.threads)
    parameters = [torch.tensor(p, requires_grad=True) for p in net.start(work.dtype)]
    W, U, b, V, c = parameters

    def step(x: Any, t: Any) -> Any:
        z = torch.addmm(b, x.reshape(-1, net.inputs), W).reshape(net.time, net.rows, -1)
        h = cell = torch.zeros(net.rows, net.hidden, dtype=x.dtype)
        for k in range(net.time):
            i, f, g, o = torch.addmm(z[k], h, U).chunk(4, 1)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(cell)
        loss = F.cross_entropy(torch.addmm(c, h, V), t)
        slopes = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, slope in zip(parameters, slopes, strict=True):
                p.sub_(net.lr * slope)
        return loss.detach()

    whole = compiled(step)
    feed = in_turn([tuple(map(torch.tensor, batch)) for batch in net.batches(work.dtype)])
    return Contender(
        lambda: whole(*feed()), lambda: [np.array(p.detach().numpy()) for p in parameters]
    )
