"""JAX: one jit for the whole step, buffers donated; and many steps of it in one jit."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from workloads import LINKS, Array, Network, Work, elementwise, scalars

from . import Contender, contender, in_turn, many

# Handing a call over to another thread costs 7 us of W1: off, in its favour.
jax.config.update("jax_cpu_enable_async_dispatch", False)


def _forward(net: Network, layers: Any, statistics: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """The output, and the running statistics after it."""
    kept, h = [], x
    for k, (W, b, *affine) in enumerate(layers):
        h = h @ W + b
        if k == len(layers) - 1:
            break
        if not net.norm:
            h = jnp.tanh(h)
            continue
        mean, variance = jnp.mean(h, 0), jnp.var(h, 0)
        gamma, beta = affine
        m, v = statistics[k]
        unbiased = variance * (net.rows / (net.rows - 1))
        kept.append((0.9 * m + 0.1 * mean, 0.9 * v + 0.1 * unbiased))
        h = jax.nn.relu((h - mean) * jax.lax.rsqrt(variance + 1e-5) * gamma + beta)
        if net.dropout:
            keep = 1 - net.dropout
            mask = jax.random.bernoulli(jax.random.fold_in(key, k), keep, h.shape)
            h = jnp.where(mask, h / keep, 0)
    return h, kept


def _loss(net: Network, output: Any, t: Any) -> Any:
    if net.loss == "squares":
        return jnp.mean(jnp.square(output - t))
    logs = jax.nn.log_softmax(output)
    return -jnp.mean(jnp.take_along_axis(logs, t[:, None], 1))


def training(net: Network, dtype: Any, generator: str = "threefry2x32") -> tuple[Any, Any]:
    """A step (state, x, t) -> (state, loss), not yet compiled, and the state to start from."""

    def step(state: Any, x: Any, t: Any) -> Any:
        layers, statistics, first, second, count, key = state

        def value(layers: Any) -> Any:
            mask_key = jax.random.fold_in(key, count.astype(int)) if net.dropout else None
            output, kept = _forward(net, layers, statistics, x, mask_key)
            return _loss(net, output, t), kept

        (loss, kept), g = jax.value_and_grad(value, has_aux=True)(layers)
        count = None if count is None else count + 1
        if net.rule == "descent":
            layers = jax.tree.map(lambda p, g: p - net.lr * g, layers, g)
        elif net.rule == "momentum":
            first = jax.tree.map(lambda m, g: 0.9 * m + g, first, g)
            layers = jax.tree.map(lambda p, m: p - net.lr * m, layers, first)
        else:
            first = jax.tree.map(lambda m, g: 0.9 * m + (1 - 0.9) * g, first, g)
            second = jax.tree.map(lambda v, g: 0.999 * v + (1 - 0.999) * g * g, second, g)
            fix, fix2 = 1 - 0.9**count, 1 - 0.999**count
            layers = jax.tree.map(
                lambda p, m, v: p - net.lr * (m / fix) / (jnp.sqrt(v / fix2) + 1e-8),
                layers, first, second,
            )  # fmt: skip
        return (layers, kept, first, second, count, key), loss

    def layers() -> Any:
        return jax.tree.map(jnp.asarray, net.start(dtype))

    def zeros() -> Any:
        return jax.tree.map(jnp.zeros_like, layers())

    statistics = [
        (jnp.zeros(n, dtype), jnp.ones(n, dtype)) for n in (net.sizes[1:-1] if net.norm else ())
    ]
    slots = {"descent": 0, "momentum": 1, "adam": 2}[net.rule]
    first, second = (zeros() if slots > k else [] for k in range(2))
    # None and [] cost nothing in a call, every array does.
    key = jax.random.key(0, impl=generator) if net.dropout else None
    count = jnp.zeros((), dtype) if net.dropout or net.rule == "adam" else None
    return step, (layers(), statistics, first, second, count, key)


def _contender(work: Work, step: Any, state: Any, batches: Any, steps: int) -> Contender:
    compiled = jax.jit(step, donate_argnums=0)
    feed = in_turn(jax.tree.map(jnp.asarray, batches))

    def call() -> Any:
        nonlocal state
        state, loss = compiled(state, *feed())
        return loss.block_until_ready()

    def numbers() -> list[Array]:
        return [np.array(p) for p in jax.tree.leaves(state[:2])]

    return Contender(call, numbers, steps)


@contender("JAX jit", "network")
def network(work: Work) -> Contender:
    """A step in a call."""
    assert work.network is not None
    step, state = training(work.network, work.dtype)
    return _contender(work, step, state, _labelled(work.network.batches(work.dtype)), 1)


@contender("JAX jit, rbg bits", "network", lambda work: work.name == "W3")
def network_rbg(work: Work) -> Contender:
    """With the other generator of random bits."""
    assert work.network is not None
    step, state = training(work.network, work.dtype, "rbg")
    return _contender(work, step, state, _labelled(work.network.batches(work.dtype)), 1)


@contender("JAX jit, many", "network", many)
def network_many(work: Work) -> Contender:
    """Many steps in a call."""
    net = work.network
    assert net is not None
    step, state = training(net, work.dtype)

    def loop(state: Any, xs: Any, ts: Any) -> Any:
        # As measured: 4 is best for W1, 1 for W2.
        unroll = 4 if net.rule == "descent" else 1
        return jax.lax.scan(lambda s, b: step(s, *b), state, (xs, ts), unroll=unroll)

    return _contender(work, loop, state, _labelled(net.stacks(work.dtype)), net.steps)


def _labelled(batches: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """Labels as int32, JAX's usual integer."""
    return [(x, t.astype(np.int32) if t.dtype == np.int64 else t) for x, t in batches]


def _on_images(channels_last: bool) -> Any:
    """A step on images; kernels and images in the order of axes that is asked for."""
    axes = ("NHWC", "HWIO", "NHWC") if channels_last else ("NCHW", "OIHW", "NCHW")

    def make(work: Work) -> Contender:
        net = work.images
        assert net is not None

        def value(layers: Any, x: Any, t: Any) -> Any:
            for (W, b), layer in zip(layers, net.layers, strict=False):
                around = [(layer.padding, layer.padding)] * 2
                x = jax.lax.conv_general_dilated(
                    x, W, (layer.stride,) * 2, around, dimension_numbers=axes
                )
                x = jax.nn.relu(x + (b if channels_last else b[:, None, None]))
                if layer.pool > 1:
                    window = (layer.pool, layer.pool)
                    window = (1, *window, 1) if channels_last else (1, 1, *window)
                    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
            if channels_last:
                x = x.transpose(0, 3, 1, 2)
            W, b = layers[-1]
            logs = jax.nn.log_softmax(x.reshape(x.shape[0], -1) @ W + b)
            return -jnp.mean(jnp.take_along_axis(logs, t[:, None], 1))

        def step(state: Any, x: Any, t: Any) -> Any:
            layers, first = state
            loss, g = jax.value_and_grad(value)(layers, x, t)
            first = jax.tree.map(lambda m, g: 0.9 * m + g, first, g)
            return (jax.tree.map(lambda p, m: p - net.lr * m, layers, first), first), loss

        def turned(a: Array, order: tuple[int, ...]) -> Array:
            return np.ascontiguousarray(a.transpose(order)) if channels_last and a.ndim == 4 else a

        start = [[turned(p, (2, 3, 1, 0)) for p in layer] for layer in net.start(work.dtype)]
        layers = jax.tree.map(jnp.asarray, start)
        state = (layers, jax.tree.map(jnp.zeros_like, layers))
        batches = [(turned(x, (0, 2, 3, 1)), t) for x, t in net.batches(work.dtype)]
        made = _contender(work, step, state, _labelled(batches), 1)

        def numbers() -> list[Array]:
            found = made.state()[: 2 * len(start)]
            return [turned(p, (3, 2, 0, 1)) for p in found]

        return Contender(made.call, numbers)

    return make


contender("JAX jit", "images")(_on_images(False))
contender("JAX jit, channels last", "images")(_on_images(True))


@contender("JAX jit", "elementwise")
def slopes(work: Work) -> Contender:
    """W4."""

    def loss(x: Any, w: Any) -> Any:
        s = x * x
        return jnp.mean(jnp.tanh(x * w) * jnp.exp(-s) + jnp.log1p(s))

    compiled = jax.jit(jax.value_and_grad(loss, (0, 1)))
    feed = in_turn([tuple(map(jnp.asarray, pair)) for pair in elementwise(work.dtype)])
    return Contender(lambda: jax.block_until_ready(compiled(*feed())))


@contender("JAX jit", "product")
def product(work: Work) -> Contender:
    """W5a, forward over reverse."""
    net = work.network
    assert net is not None

    def loss(layers: Any, x: Any, t: Any) -> Any:
        return _loss(net, _forward(net, layers, [], x, None)[0], t)

    def at(layers: Any, v: Any, x: Any, t: Any) -> Any:
        return jax.jvp(lambda p: jax.grad(loss)(p, x, t), (layers,), (v,))[1]

    compiled = jax.jit(at)
    start = jax.tree.map(jnp.asarray, net.start(work.dtype))
    vectors = [jax.tree.unflatten(jax.tree.structure(start), v) for v in net.directions(work.dtype)]
    arguments = zip(vectors, _labelled(net.batches(work.dtype)), strict=True)
    feed = in_turn([jax.tree.map(jnp.asarray, (v, *batch)) for v, batch in arguments])
    return Contender(lambda: jax.block_until_ready(compiled(start, *feed())))


@contender("JAX jit", "hessian")
def hessian(work: Work) -> Contender:
    """W5b."""
    net = work.network
    assert net is not None
    flat, nested = ravel_pytree(jax.tree.map(jnp.asarray, net.start(work.dtype)))

    def loss(p: Any, x: Any, t: Any) -> Any:
        return _loss(net, _forward(net, nested(p), [], x, None)[0], t)

    compiled = jax.jit(jax.hessian(loss))
    feed = in_turn(jax.tree.map(jnp.asarray, net.batches(work.dtype)))
    return Contender(lambda: compiled(flat, *feed()).block_until_ready())


def _chain(unroll: int) -> Any:
    def make(work: Work) -> Contender:
        def chain(a: Any, b: Any) -> Any:
            def link(v: Any, _: Any) -> Any:
                return v * a + b, None

            return jax.lax.scan(link, a, None, length=LINKS, unroll=unroll)[0]

        compiled = jax.jit(jax.value_and_grad(chain, (0, 1)))
        feed = in_turn([tuple(map(jnp.asarray, pair)) for pair in scalars(work.dtype)])
        return Contender(lambda: jax.block_until_ready(compiled(*feed())))

    return make


contender("JAX jit, scan", "chain")(_chain(1))
contender("JAX jit, scan, unroll 10", "chain")(_chain(10))


def _sequences(unroll: int) -> Any:
    def make(work: Work) -> Contender:
        net = work.sequences
        assert net is not None

        def value(parameters: Any, x: Any, t: Any) -> Any:
            W, U, b, V, c = parameters

            def cell(state: Any, z: Any) -> Any:
                h, c = state
                i, f, g, o = jnp.split(z + h @ U, 4, axis=-1)
                c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
                return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

            zero = jnp.zeros((net.rows, net.hidden), x.dtype)
            (h, _), _ = jax.lax.scan(cell, (zero, zero), x @ W + b, unroll=unroll)
            logs = jax.nn.log_softmax(h @ V + c)
            return -jnp.mean(jnp.take_along_axis(logs, t[:, None], 1))

        def step(state: Any, x: Any, t: Any) -> Any:
            (parameters,) = state
            loss, g = jax.value_and_grad(value)(parameters, x, t)
            return (jax.tree.map(lambda p, g: p - net.lr * g, parameters, g),), loss

        state = ([jnp.asarray(p) for p in net.start(work.dtype)],)
        return _contender(work, step, state, _labelled(net.batches(work.dtype)), 1)

    return make


contender("JAX jit, scan", "sequences")(_sequences(1))
contender("JAX jit, scan, unroll 4", "sequences")(_sequences(4))
