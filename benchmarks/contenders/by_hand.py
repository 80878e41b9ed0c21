"""The same in NumPy, derivatives written by hand; in float64 it is what the others are checked
against. And the floors: only the products, or only the traffic, of a row.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from workloads import LINKS, Array, Network, Work, elementwise, scalars

from . import Contender, contender, in_turn

_EPS = 1e-5  # of batch norm


def reference(work: Work) -> Contender:
    """The row in float64; many steps are made one by one."""
    return {
        "network": network,
        "images": images,
        "elementwise": slopes,
        "product": product,
        "hessian": hessian,
        "chain": chain,
        "sequences": sequences,
    }[work.row](replace(work, dtype="float64"))


@contender("NumPy by hand", "network")
def network(work: Work) -> Contender:
    """A training step. Parameters lie in one flat array, as do their gradients."""
    net = work.network
    assert net is not None
    start = net.start(work.dtype)
    flat, grads = (np.concatenate([p.ravel() for layer in start for p in layer]) for _ in "pg")
    layers, slopes_ = _views(flat, start), _views(grads, start)
    statistics = [
        (np.zeros(n, work.dtype), np.ones(n, work.dtype))
        for n in (net.sizes[1:-1] if net.norm else ())
    ]
    first, second, scratch = (np.zeros_like(flat) for _ in range(3))
    rng = np.random.default_rng(3)
    feed = in_turn(net.batches(work.dtype))
    count = itertools.count(1).__next__
    last, rows, keep = len(layers) - 1, net.rows, 1 - net.dropout
    index = np.arange(rows)

    def forward(x: Array) -> tuple[Array, list[Array], list[tuple[Array, Array]]]:
        """The output, the layers' inputs, and for each batch norm u and 1/σ."""
        h, inputs, normed = x, [], []
        for k, (W, b, *affine) in enumerate(layers):
            inputs.append(h)
            z = h.dot(W)
            z += b
            if k == last:
                break
            if not net.norm:
                h = np.tanh(z, out=z)
                continue
            mean = z.mean(0)
            z -= mean
            variance = np.einsum("ij,ij->j", z, z) / rows
            for running, new in zip(
                statistics[k], (mean, variance * (rows / (rows - 1))), strict=True
            ):
                running *= 0.9
                running += 0.1 * new
            scale = 1 / np.sqrt(variance + _EPS)
            z *= scale
            normed.append((z, scale))
            h = z * affine[0]
            h += affine[1]
            np.maximum(h, 0, out=h)
            if net.dropout:
                h *= rng.integers(0, 256, h.shape, np.uint8) < 256 * keep
                h *= 1 / keep
        return z, inputs, normed

    def backward(g: Array, inputs: list[Array], normed: list[tuple[Array, Array]]) -> None:
        for k in range(last, -1, -1):
            np.dot(inputs[k].T, g, out=slopes_[k][0])
            g.sum(0, out=slopes_[k][1])
            if k == 0:
                return
            h = inputs[k]
            g = g.dot(layers[k][0].T)
            if not net.norm:
                g *= 1 - h * h
                continue
            g *= h > 0  # neither switched off by relu nor dropped
            if net.dropout:
                g *= 1 / keep
            u, scale = normed[k - 1]
            _, _, dgamma, dbeta = slopes_[k - 1]
            g.sum(0, out=dbeta)
            np.einsum("ij,ij->j", g, u, out=dgamma)
            g -= dbeta / rows
            g -= u * (dgamma / rows)
            g *= layers[k - 1][2] * scale

    def update() -> None:
        if net.rule == "adam":
            k = count()
            np.subtract(grads, first, out=scratch)
            np.multiply(scratch, 1 - 0.9, out=scratch)
            np.add(first, scratch, out=first)
            np.multiply(grads, grads, out=scratch)
            np.subtract(scratch, second, out=scratch)
            np.multiply(scratch, 1 - 0.999, out=scratch)
            np.add(second, scratch, out=second)
            np.multiply(second, 1 / (1 - 0.999**k), out=scratch)
            np.sqrt(scratch, out=scratch)
            np.add(scratch, 1e-8, out=scratch)
            np.divide(first, scratch, out=scratch)
            np.multiply(scratch, net.lr / (1 - 0.9**k), out=scratch)
            np.subtract(flat, scratch, out=flat)
            return
        step = grads
        if net.rule == "momentum":
            np.multiply(first, 0.9, out=first)
            step = np.add(first, grads, out=first)
        np.multiply(step, net.lr, out=scratch)
        np.subtract(flat, scratch, out=flat)

    def call() -> Any:
        x, t = feed()
        z, inputs, normed = forward(x)
        if net.loss == "labels":
            z -= z.max(1, keepdims=True)
            right = z[index, t]
            g = np.exp(z, out=z)
            total = g.sum(1, keepdims=True)
            loss = (np.log(total[:, 0]) - right).mean()
            g /= total
            g[index, t] -= 1
            g *= 1 / rows
        else:
            z -= t
            loss = np.vdot(z, z) / z.size
            g = z * (2 / z.size)
        backward(g, inputs, normed)
        update()
        return loss

    def state() -> list[Array]:
        return [np.array(p) for parts in (layers, statistics) for part in parts for p in part]

    return Contender(call, state)


@contender("NumPy by hand", "images")
def images(work: Work) -> Contender:
    """A training step on images: columns of windows, the batch innermost, and a product for all of it."""
    net = work.images
    assert net is not None
    layers = net.start(work.dtype)
    slots = [[np.zeros_like(p) for p in layer] for layer in layers]
    feed, index = in_turn(net.batches(work.dtype)), np.arange(net.rows)

    def windows(x: Array, size: int, stride: int) -> Array:
        """Shape (channels, size, size, places, places, rows)."""
        seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
        return seen[:, ::stride, ::stride].transpose(0, 4, 5, 1, 2, 3)

    def call() -> Any:
        x, t = feed()
        h, kept = np.ascontiguousarray(x.transpose(1, 2, 3, 0)), []
        for (W, b), layer in zip(layers, net.layers, strict=False):
            p = layer.padding
            padded = np.pad(h, [(0, 0), (p, p), (p, p), (0, 0)])
            seen = windows(padded, layer.kernel, layer.stride)
            columns = seen.reshape(W[0].size, -1)
            z = W.reshape(len(W), -1).dot(columns).reshape(len(W), *seen.shape[3:])
            z += b[:, None, None, None]
            np.maximum(z, 0, out=z)
            kept.append((padded.shape, columns, z))
            h = windows(z, layer.pool, layer.pool).max((1, 2)) if layer.pool > 1 else z
            kept[-1] += (h,)
        flat = h.reshape(-1, net.rows)
        z = flat.T.dot(layers[-1][0])
        z += layers[-1][1]
        z -= z.max(1, keepdims=True)
        right = z[index, t]
        g = np.exp(z, out=z)
        total = g.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - right).mean()
        g /= total
        g[index, t] -= 1
        g *= 1 / net.rows
        slopes_ = [[flat.dot(g), g.sum(0)]]
        g = layers[-1][0].dot(g.T).reshape(h.shape)
        for k in range(len(net.layers) - 1, -1, -1):
            layer, (W, _), (shape, columns, z, h) = net.layers[k], layers[k], kept[k]
            if layer.pool > 1:  # where several are largest, they are 0, and relu stops them
                whole = np.zeros_like(z)
                for i, j in itertools.product(range(layer.pool), repeat=2):
                    ends = tuple(layer.pool * n for n in h.shape[1:3])
                    at = np.s_[:, i : ends[0] : layer.pool, j : ends[1] : layer.pool]
                    whole[at] = g * (z[at] == h)
                g = whole
            g = (g * (z > 0)).reshape(len(W), -1)
            slopes_.insert(0, [g.dot(columns.T).reshape(W.shape), g.sum(1)])
            if k:
                parts = W.reshape(len(W), -1).T.dot(g).reshape(*W.shape[1:], *z.shape[1:])
                back = np.zeros(shape, z.dtype)
                step, (rows, places) = layer.stride, z.shape[1:3]
                for i, j in itertools.product(range(layer.kernel), repeat=2):
                    ends = i + (rows - 1) * step + 1, j + (places - 1) * step + 1
                    back[:, i : ends[0] : step, j : ends[1] : step] += parts[:, i, j]
                p = layer.padding
                g = back[:, p : shape[1] - p, p : shape[2] - p]
        for layer, slot, slope in zip(layers, slots, slopes_, strict=True):
            for p, m, s in zip(layer, slot, slope, strict=True):
                m *= 0.9
                m += s
                p -= net.lr * m
        return loss

    return Contender(call, lambda: [np.array(p) for layer in layers for p in layer])


def update(net: Network, k: int, p: Array, m: Array, v: Array, g: Array) -> None:
    """The update of one array, in place, for libraries whose arrays are NumPy's."""
    if net.rule == "adam":
        m += (1 - 0.9) * (g - m)
        v += (1 - 0.999) * (g * g - v)
        root = np.sqrt(v * (1 / (1 - 0.999**k)))
        root += 1e-8
        p -= (net.lr / (1 - 0.9**k)) * m / root
    elif net.rule == "momentum":
        m *= 0.9
        m += g
        p -= net.lr * m
    else:
        p -= net.lr * g


def _views(flat: Array, like: list[list[Array]]) -> list[list[Array]]:
    """Parts of a flat array, nested and shaped like others."""
    ends = iter(itertools.accumulate(p.size for layer in like for p in layer))
    found, start = [], 0
    for layer in like:
        parts = []
        for p in layer:
            end = next(ends)
            parts.append(flat[start:end].reshape(p.shape))
            start = end
        found.append(parts)
    return found


@contender("NumPy by hand", "elementwise")
def slopes(work: Work) -> Contender:
    """W4: with s = x², t = tanh(xw), e = exp(−s)."""
    feed = in_turn(elementwise(work.dtype))
    a, b, c, d, e = np.empty((5, 1_000_000), work.dtype)

    def call() -> Any:
        x, w = feed()
        s = np.multiply(x, x, out=a)
        t = np.tanh(np.multiply(x, w, out=b), out=b)
        np.exp(np.negative(s, out=c), out=c)
        product = np.multiply(t, c, out=d)  # tanh(xw) exp(−s)
        value = (product.sum(dtype=np.float64) + np.log1p(s, out=e).sum(dtype=np.float64)) / x.size
        # d/d(xw) = (1 − t²) e
        slope = np.multiply(np.subtract(c, np.multiply(t, product, out=b), out=b), 1 / x.size)
        gx = np.divide(2 / x.size, np.add(s, 1, out=s), out=s)
        np.subtract(gx, np.multiply(product, 2 / x.size, out=product), out=gx)
        gx = gx * x
        gx += np.multiply(slope, w, out=b)
        return value, gx, np.multiply(slope, x, out=slope)

    return Contender(call)


def _second_order(
    net: Network, layers: list[list[Array]], tangents: list[list[Array]], x: Array, t: Array
) -> list[Array]:
    """Hessian times tangents (which may have a leading axis), forward over reverse."""
    h, dh = x, None
    inputs: list[tuple[Array, Any]] = []
    for k, ((W, b), (dW, db)) in enumerate(zip(layers, tangents, strict=True)):
        inputs.append((h, dh))
        z = h @ W + b
        dz = h @ dW + db[..., None, :]
        if dh is not None:
            dz += dh @ W
        if k < len(layers) - 1:
            h = np.tanh(z)
            dh = (1 - h * h) * dz
    if net.loss == "labels":
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        dg = p * (dz - (p * dz).sum(-1, keepdims=True)) * (1 / net.rows)
        g = p
        g[np.arange(net.rows), t] -= 1
        g *= 1 / net.rows
    else:
        g, dg = (z - t) * (2 / z.size), dz * (2 / z.size)
    found = []
    for k in range(len(layers) - 1, -1, -1):
        (h, dh), W, dW = inputs[k], layers[k][0], tangents[k][0]
        slope = h.T @ dg
        if dh is not None:
            slope += dh.swapaxes(-1, -2) @ g
        found += [dg.sum(-2), slope]
        if k:
            gh, dgh = g @ W.T, dg @ W.T + g @ dW.swapaxes(-1, -2)
            s = 1 - h * h
            g, dg = gh * s, dgh * s - gh * (2 * h * dh)
    return found[::-1]


@contender("NumPy by hand", "product")
def product(work: Work) -> Contender:
    """W5a."""
    net = work.network
    assert net is not None
    layers = net.start(work.dtype)
    vectors = [[v[k : k + 2] for k in range(0, len(v), 2)] for v in net.directions(work.dtype)]
    feed = in_turn(list(zip(net.batches(work.dtype), vectors, strict=True)))

    def call() -> Any:
        (x, t), v = feed()
        return _second_order(net, layers, v, x, t)

    return Contender(call)


@contender("NumPy by hand", "hessian")
def hessian(work: Work) -> Contender:
    """W5b: all 33 columns at once."""
    net = work.network
    assert net is not None
    layers = net.start(work.dtype)
    size = sum(p.size for layer in layers for p in layer)
    eye = np.eye(size, dtype=work.dtype)
    tangents, start = [], 0
    for layer in layers:
        parts = []
        for p in layer:
            parts.append(eye[:, start : start + p.size].reshape(size, *p.shape))
            start += p.size
        tangents.append(parts)
    feed = in_turn(net.batches(work.dtype))

    def call() -> Any:
        rows = _second_order(net, layers, tangents, *feed())
        return np.concatenate([r.reshape(size, -1) for r in rows], 1)

    return Contender(call)


@contender("Python by hand", "chain")
def chain(work: Work) -> Contender:
    """W6 on Python's floats."""
    feed = in_turn([(float(a), float(b)) for a, b in scalars(work.dtype)])

    def call() -> Any:
        a, b = feed()
        v, values = a, []
        for _ in range(LINKS):
            values.append(v)
            v = v * a + b
        g, ga, gb = 1.0, 0.0, 0.0
        for u in reversed(values):
            gb += g
            ga += g * u
            g *= a
        return v, ga + g, gb

    return Contender(call)


# --- floors: nothing is computed that could be checked ----------------------------------------


@contender("floor: products by BLAS", "network", lambda work: work.name in ("W2", "W3"))
def step_products(work: Work) -> Contender:
    """x W, xᵀ g and (but for the first layer) g Wᵀ."""
    assert work.network is not None
    return _products(work.network, first=(1, 1, 0), others=(1, 1, 1))


@contender("floor: products by BLAS", "product")
def product_products(work: Work) -> Contender:
    """The eight of a layer: h W, ḣ W, h Ẇ; ġ's and g's with Wᵀ and Ẇᵀ; hᵀ ġ and ḣᵀ g."""
    assert work.network is not None
    return _products(work.network, first=(2, 1, 0), others=(3, 2, 3))


def _products(net: Network, first: tuple[int, int, int], others: tuple[int, int, int]) -> Contender:
    todo = []
    rng = np.random.default_rng(0)
    for k, (inputs, outputs) in enumerate(net.widths):
        x, W, g = (
            rng.normal(size=s).astype(np.float32)
            for s in ((net.rows, inputs), (inputs, outputs), (net.rows, outputs))
        )
        pairs = ((x, W), (x.T, g), (g, W.T))
        for (a, b), times in zip(pairs, others if k else first, strict=True):
            todo += [(a, b, a @ b)] * times

    def call() -> None:
        for a, b, result in todo:
            np.dot(a, b, out=result)

    return Contender(call)


@contender("floor: copy", "elementwise")
def copy(work: Work) -> Contender:
    """W4's traffic: two arrays read, two written."""
    feed = in_turn(elementwise(work.dtype))
    first, second = np.empty((2, 1_000_000), work.dtype)

    def call() -> None:
        x, w = feed()
        np.copyto(first, x)
        np.copyto(second, w)

    return Contender(call)


@contender("NumPy by hand", "sequences")
def sequences(work: Work) -> Contender:
    """W9. What an input gives is one product for all moments, and so are the gradients of weights."""
    net = work.sequences
    assert net is not None
    W, U, b, V, c = parameters = net.start(work.dtype)
    feed = in_turn(net.batches(work.dtype))
    n, rows, time = net.hidden, net.rows, net.time
    i, f, g, o = (np.s_[..., k * n : (k + 1) * n] for k in range(4))

    def call() -> Any:
        x, labels = feed()
        gates = x @ W
        gates += b
        hs, cs = (np.zeros((time + 1, rows, n), work.dtype) for _ in "hc")
        tanhs = np.empty((time, rows, n), work.dtype)
        for t in range(time):
            z = gates[t]
            z += hs[t] @ U
            for part in (i, f, o):
                z[part] = 1 / (1 + np.exp(-z[part]))
            np.tanh(z[g], out=z[g])
            cs[t + 1] = z[f] * cs[t] + z[i] * z[g]
            np.tanh(cs[t + 1], out=tanhs[t])
            np.multiply(z[o], tanhs[t], out=hs[t + 1])
        scores = hs[-1] @ V + c
        scores -= scores.max(1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        loss = -logs[np.arange(rows), labels].mean()
        back = np.exp(logs)
        back[np.arange(rows), labels] -= 1
        back /= rows
        dV, dc = hs[-1].T @ back, back.sum(0)
        dh, dcell = back @ V.T, np.zeros((rows, n), work.dtype)
        for t in range(time - 1, -1, -1):
            z = gates[t]  # becomes its own cotangent
            dcell += dh * z[o] * (1 - tanhs[t] ** 2)
            parts = (
                dcell * z[g] * z[i] * (1 - z[i]),
                dcell * cs[t] * z[f] * (1 - z[f]),
                dcell * z[i] * (1 - z[g] ** 2),
                dh * tanhs[t] * z[o] * (1 - z[o]),
            )
            dcell *= z[f]
            for place, part in zip((i, f, g, o), parts, strict=True):
                z[place] = part
            dh = z @ U.T
        flat = gates.reshape(time * rows, 4 * n)
        slopes_ = (
            x.reshape(time * rows, -1).T @ flat,
            hs[:-1].reshape(time * rows, n).T @ flat,
            flat.sum(0),
            dV,
            dc,
        )
        for p, slope in zip(parameters, slopes_, strict=True):
            p -= net.lr * slope
        return loss

    return Contender(call, lambda: [p.copy() for p in parameters])
