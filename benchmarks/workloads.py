"""W1 to W9: what every contender computes, from which numbers. Nothing here knows a library."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Row = Literal["network", "images", "sequences", "elementwise", "product", "hessian", "chain"]

BATCHES = 8  # distinct batches, taken in turn


@dataclass(frozen=True)
class Work:
    """A row of the table."""

    name: str
    title: str
    row: Row  # which contenders there are
    dtype: str
    tolerance: float  # of the check against float64, relative to the largest of what is compared
    per: int = 1  # operations in a call, where the table gives the time of one
    threads: int = 1
    network: Network | None = None
    images: Images | None = None
    sequences: Sequences | None = None


class Convolution(NamedTuple):
    """A layer of kernels, relu after it, and maxima of ``pool`` by ``pool`` places, if that is not 1."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    pool: int = 1


@dataclass(frozen=True)
class Images:
    """A network of convolutions and one dense layer on labelled images; cross-entropy, momentum 0.9."""

    shape: tuple[int, int, int]  # channels, height, width
    layers: tuple[Convolution, ...]
    outputs: int = 10
    rows: int = 32
    lr: float = 0.01

    @property
    def maps(self) -> list[tuple[int, int, int]]:
        """Channels, height and width before each layer, and at the end."""
        found = [self.shape]
        for layer in self.layers:
            sides = [
                ((n + 2 * layer.padding - layer.kernel) // layer.stride + 1) // layer.pool
                for n in found[-1][1:]
            ]
            found.append((layer.channels, *sides))
        return found

    def start(self, dtype: Any) -> list[list[Array]]:
        """W (out, in, height, width) or at last (in, out), and b; layer by layer. Equal from call to call."""
        rng = np.random.default_rng(0)
        found = []
        for layer, (inputs, *_) in zip(self.layers, self.maps, strict=False):
            shape = (layer.channels, inputs, layer.kernel, layer.kernel)
            scale = (2 / math.prod(shape[1:])) ** 0.5
            found.append([_normal(rng, shape, dtype, scale), np.zeros(layer.channels, dtype)])
        features = math.prod(self.maps[-1])
        last = _normal(rng, (features, self.outputs), dtype, features**-0.5)
        return [*found, [last, np.zeros(self.outputs, dtype)]]

    def batches(self, dtype: Any) -> list[tuple[Array, Array]]:
        """Images, and labels in int64."""
        rng = np.random.default_rng(1)
        shape = (self.rows, *self.shape)
        return [
            (_normal(rng, shape, dtype), rng.integers(self.outputs, size=self.rows))
            for _ in range(BATCHES)
        ]


@dataclass(frozen=True)
class Sequences:
    """An LSTM, a dense layer of its last output, labels; cross-entropy, gradient descent."""

    inputs: int
    hidden: int
    outputs: int
    time: int
    rows: int
    lr: float = 0.01

    def start(self, dtype: Any) -> list[Array]:
        """W (inputs, 4 hidden), U (hidden, 4 hidden), b, of gates i, f, g, o; W and b of the dense layer."""
        rng = np.random.default_rng(0)
        n, scale = self.hidden, self.hidden**-0.5
        b = np.zeros(4 * n, dtype)
        b[n : 2 * n] = 1
        return [
            _normal(rng, (self.inputs, 4 * n), dtype, scale),
            _normal(rng, (n, 4 * n), dtype, scale),
            b,
            _normal(rng, (n, self.outputs), dtype, scale),
            np.zeros(self.outputs, dtype),
        ]

    def batches(self, dtype: Any) -> list[tuple[Array, Array]]:
        """Inputs (time, rows, inputs), and labels in int64."""
        rng = np.random.default_rng(1)
        shape = (self.time, self.rows, self.inputs)
        return [
            (_normal(rng, shape, dtype), rng.integers(self.outputs, size=self.rows))
            for _ in range(BATCHES)
        ]


@dataclass(frozen=True)
class Network:
    """A dense network, its loss and its optimizer.

    Between the layers stands tanh; with ``norm`` batch norm, relu and dropout.
    """

    sizes: tuple[int, ...]
    rows: int
    loss: Literal["squares", "labels"]
    rule: Literal["descent", "momentum", "adam"] = "descent"
    norm: bool = False
    dropout: float = 0.0
    steps: int = 0  # in one call, where many are made in one; 0: no such contender

    @property
    def lr(self) -> float:
        """Learning rate."""
        return 0.001 if self.rule == "adam" else 0.01

    @property
    def widths(self) -> list[tuple[int, int]]:
        """Inputs and outputs, layer by layer."""
        return list(itertools.pairwise(self.sizes))

    def start(self, dtype: Any) -> list[list[Array]]:
        """W (in, out), b, and with norm γ and β; layer by layer. Equal from call to call."""
        rng = np.random.default_rng(0)
        layers = []
        for k, (inputs, outputs) in enumerate(self.widths):
            parts = [_normal(rng, (inputs, outputs), dtype, inputs**-0.5), np.zeros(outputs, dtype)]
            if self.norm and k < len(self.widths) - 1:
                parts += [np.ones(outputs, dtype), np.zeros(outputs, dtype)]
            layers.append(parts)
        return layers

    def directions(self, dtype: Any) -> list[list[Array]]:
        """For each batch one array like each parameter, to be multiplied with the Hessian."""
        rng = np.random.default_rng(2)
        shapes = [p.shape for layer in self.start(dtype) for p in layer]
        return [[_normal(rng, s, dtype) for s in shapes] for _ in range(BATCHES)]

    def batches(self, dtype: Any) -> list[tuple[Array, Array]]:
        """Inputs and targets; labels are int64, whatever the dtype."""
        rng = np.random.default_rng(1)
        found: list[tuple[Array, Array]] = []
        for _ in range(BATCHES):
            x = _normal(rng, (self.rows, self.sizes[0]), dtype)
            if self.loss == "labels":
                found.append((x, rng.integers(self.sizes[-1], size=self.rows)))
            else:
                found.append((x, _normal(rng, (self.rows, self.sizes[-1]), dtype)))
        return found

    def stacks(self, dtype: Any) -> list[tuple[Array, Array]]:
        """The same batches in the same order, so many on top of each other as a call takes."""
        batches = self.batches(dtype)
        count = BATCHES // math.gcd(BATCHES, self.steps)
        order = itertools.cycle(batches)
        parts = [list(itertools.islice(order, self.steps)) for _ in range(count)]
        return [(np.stack([x for x, _ in p]), np.stack([t for _, t in p])) for p in parts]


def _normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, scale: float = 1.0
) -> Array:
    """Numbers that float32 holds exactly, so that they are the same in every dtype."""
    return (scale * rng.normal(size=shape)).astype(np.float32).astype(dtype)


class Pair(NamedTuple):
    """The two arguments of W4 and W6."""

    first: Any
    second: Any


def elementwise(dtype: Any) -> list[Pair]:
    """x and w of W4: four pairs, so that no call finds its arguments in cache."""
    rng = np.random.default_rng(0)
    return [Pair(*_normal(rng, (2, 1_000_000), dtype)) for _ in range(4)]


def scalars(dtype: Any) -> list[Pair]:
    """a and b of W6, as arrays without axes."""
    a = np.linspace(0.98, 0.99, BATCHES, dtype=dtype)
    b = np.linspace(0.01, 0.02, BATCHES, dtype=dtype)
    return [Pair(np.array(p), np.array(q)) for p, q in zip(a, b, strict=True)]


LINKS = 250  # of W6, two operations each

_SMALL = Network((2, 16, 1), 32, "squares", steps=100)
_MIDDLE = Network((64, 128, 64, 10), 64, "labels", "adam", steps=50)
_LARGE = Network((784, 1024, 1024, 10), 128, "labels", "momentum", norm=True, dropout=0.5)
_TINY = Network((2, 8, 1), 64, "squares")
_POOLED = Images((1, 28, 28), (Convolution(16, 3, pool=2), Convolution(32, 5, pool=2)))
_STRIDED = Images(
    (3, 32, 32),
    tuple(Convolution(n, 3, s, 1) for n, s in ((16, 1), (32, 2), (32, 2), (64, 2), (64, 2))),
)
_ROWS = Sequences(28, 128, 10, 28, 32)

WORK = {
    work.name: work
    for work in (
        Work("W1", "2-16-1, tanh, 32 rows, squares, gradient descent; float32", "network",
             "float32", 1e-4, network=_SMALL),
        Work("W1f64", "the same in float64", "network", "float64", 1e-9, network=_SMALL),
        # Adam divides by the gradient's size: small gradients' rounding grows.
        Work("W2", "64-128-64-10, tanh, 64 rows, cross-entropy from labels, Adam; float32",
             "network", "float32", 5e-3, network=_MIDDLE),
        Work("W3", "784-1024-1024-10, batch norm, relu, dropout 0.5, 128 rows, cross-entropy, "
             "momentum; float32", "network", "float32", 1e-3, network=_LARGE),
        Work("W4", "mean(tanh(x w) exp(-x x) + log1p(x x)) of 1,000,000 float32, value and both "
             "gradients", "elementwise", "float32", 1e-4),
        Work("W5a", "Hessian of W2's loss in all parameters, times a vector; float32", "product",
             "float32", 1e-4, network=_MIDDLE),
        Work("W5b", "Hessian of 2-8-1's mean squared error, 33 x 33, tanh, 64 rows; float32",
             "hessian", "float32", 1e-4, network=_TINY),
        Work("W6", "v <- v a + b, 250 times on float64 scalars, value and both gradients; time of "
             "one of 500 operations", "chain", "float64", 1e-9, per=2 * LINKS),
        Work("W7", "convolutions of 16 3x3 and 32 5x5, each with relu and max-pooling by 2, 32 images "
             "of 1x28x28, cross-entropy, momentum; float32", "images", "float32", 1e-4, images=_POOLED),
        Work("W8", "five convolutions of 16, 32, 32, 64, 64 3x3, four of stride 2, relu, 32 images of "
             "3x32x32, cross-entropy, momentum; float32", "images", "float32", 1e-4, images=_STRIDED),
        Work("W9", "LSTM of 28 inputs and 128 units, 28 steps of 32 sequences, dense layer of the last "
             "output, cross-entropy, gradient descent; float32", "sequences", "float32", 1e-3,
             sequences=_ROWS),
    )
}  # fmt: skip


def without_dropout(work: Work) -> Work:
    """The same, where masks, which are everyone's own, are switched off."""
    if work.network is None or not work.network.dropout:
        return work
    return replace(work, network=replace(work.network, dropout=0.0))
