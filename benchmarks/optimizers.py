"""A step of every optimizer beside the same in in-place NumPy written by hand, float32, one thread, best times.

    python benchmarks/optimizers.py             # every optimizer
    python benchmarks/optimizers.py Adam LAMB   # these

By hand: a loop over the parameters, with ``out=`` everywhere, scratch arrays made once, and scalars taken out of
it; no check of the gradients, so ours has ``nonfinite="ignore"``. After three steps both are compared.
"""

from __future__ import annotations

import os

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")})

import itertools
import sys
from collections.abc import Callable
from typing import Any

import measuring
import numpy as np
from measuring import duration

import autograd_core as ag
import optim

SHAPES = [(784, 512), (512,), (512, 512), (512,), (512, 10), (10,)]
EPS = 1e-3
Array = Any


class Hand:
    """Parameters, gradients, slots and scratch arrays."""

    def __init__(self, thetas: list[Array], gradients: list[Array]) -> None:
        self.rows = [
            (t, g, np.zeros_like(t), np.zeros_like(t), np.zeros_like(t), np.empty_like(t), np.empty_like(t))
            for t, g in zip(thetas, gradients, strict=True)
        ]  # fmt: skip
        self.slots = [row[2:] for row in self.rows]
        self.extra: dict[Any, tuple[Array, Array]] = {}
        self.k = 0
        self.numbers = [0.0] * len(thetas)

    def more(self, like: Array) -> tuple[Array, Array]:
        """Two scratch arrays besides."""
        return self.extra.setdefault(like.shape, (np.empty_like(like), np.empty_like(like)))

    def given(self, gradients: list[Array]) -> None:
        """Other gradients."""
        self.rows = [
            (t, g, *slots)
            for (t, *_), g, slots in zip(self.rows, gradients, self.slots, strict=True)
        ]


def mean(slot: Array, x: Array, keep: float, a: Array) -> None:
    """slot ← keep · slot + (1 − keep) x, by way of a."""
    np.multiply(slot, np.float32(keep), out=slot)
    np.multiply(x, np.float32(1 - keep), out=a)
    np.add(slot, a, out=slot)


def root(v: Array, scale: float, a: Array) -> None:
    """a ← √(scale · v + ε)."""
    np.multiply(v, np.float32(scale), out=a)
    np.add(a, np.float32(EPS), out=a)
    np.sqrt(a, out=a)


def sgd(h: Hand) -> None:
    """W ← W − η g."""
    for t, g, *_, a, _b in h.rows:
        np.multiply(g, np.float32(0.01), out=a)
        np.subtract(t, a, out=t)


def momentum(h: Hand) -> None:
    """ΔW ← β ΔW − η g, W ← W + ΔW."""
    for t, g, v, *_, a, _b in h.rows:
        np.multiply(g, np.float32(0.01), out=a)
        np.multiply(v, np.float32(0.9), out=v)
        np.subtract(v, a, out=v)
        np.add(t, v, out=t)


def nesterov(h: Hand) -> None:
    """ΔW ← β ΔW − η g, W ← W + β ΔW − η g."""
    for t, g, v, *_, a, b in h.rows:
        np.multiply(g, np.float32(0.01), out=a)
        np.multiply(v, np.float32(0.9), out=v)
        np.subtract(v, a, out=v)
        np.multiply(v, np.float32(0.9), out=b)
        np.subtract(b, a, out=b)
        np.add(t, b, out=t)


def rmsprop(h: Hand) -> None:
    """By the root of the mean square."""
    for t, g, v, *_, a, b in h.rows:
        np.multiply(g, g, out=b)
        mean(v, b, 0.9, a)
        root(v, 1.0, a)
        np.divide(np.float32(0.01), a, out=a)
        np.multiply(a, g, out=a)
        np.subtract(t, a, out=t)


def adagrad(h: Hand) -> None:
    """By the root of the sum."""
    for t, g, v, *_, a, b in h.rows:
        np.multiply(g, g, out=b)
        np.add(v, b, out=v)
        root(v, 1.0, a)
        np.divide(np.float32(0.01), a, out=a)
        np.multiply(a, g, out=a)
        np.subtract(t, a, out=t)


def adadelta(h: Hand) -> None:
    """By the ratio of two root mean squares."""
    for t, g, v, u, _, a, b in h.rows:
        np.multiply(g, g, out=b)
        mean(v, b, 0.9, a)
        root(v, 1.0, a)
        root(u, 1.0, b)
        np.divide(b, a, out=b)
        np.multiply(b, g, out=b)
        np.subtract(t, b, out=t)
        np.multiply(b, b, out=b)
        mean(u, b, 0.9, a)


def adam(h: Hand, decay: float = 0.0) -> None:
    """Both moments, corrected."""
    h.k += 1
    first, second = 1 / (1 - 0.9**h.k), 1 / (1 - 0.999**h.k)
    for t, g, m, v, _, a, b in h.rows:
        if decay:
            np.multiply(t, np.float32(1 - 0.01 * decay), out=t)
        mean(m, g, 0.9, a)
        np.multiply(g, g, out=b)
        mean(v, b, 0.999, a)
        root(v, second, a)
        np.divide(np.float32(0.01), a, out=a)
        np.multiply(m, np.float32(first), out=b)
        np.multiply(a, b, out=a)
        np.subtract(t, a, out=t)


def adamw(h: Hand) -> None:
    """With decay beside the step."""
    adam(h, 0.01)


def adamax(h: Hand) -> None:
    """By the largest that is remembered."""
    h.k += 1
    rate = 0.01 / (1 - 0.9**h.k)
    for t, g, m, u, _, a, b in h.rows:
        mean(m, g, 0.9, a)
        np.absolute(g, out=b)
        np.add(b, np.float32(EPS), out=b)
        np.multiply(u, np.float32(0.999), out=u)
        np.maximum(u, b, out=u)
        np.divide(m, u, out=a)
        np.multiply(a, np.float32(rate), out=a)
        np.subtract(t, a, out=t)


def nadam(h: Hand) -> None:
    """Extended as Nesterov's."""
    h.k += 1
    mu, ahead = (0.9 * (1 - 0.96 ** (k * 4e-3) / 2) for k in (h.k, h.k + 1))
    second = 1 / (1 - 0.999**h.k)
    for i, (t, g, m, v, _, a, b) in enumerate(h.rows):
        c = h.numbers[i] = mu * h.numbers[i] + 1 - mu
        mean(m, g, 0.9, a)
        np.multiply(g, g, out=b)
        mean(v, b, 0.999, a)
        root(v, second, a)
        np.divide(np.float32(0.01), a, out=a)
        np.multiply(a, g, out=b)
        np.multiply(b, np.float32((1 - mu) / c), out=b)
        np.subtract(t, b, out=t)
        np.multiply(a, m, out=b)
        np.multiply(b, np.float32(ahead / (ahead * c + 1 - ahead)), out=b)
        np.subtract(t, b, out=t)


def lion(h: Hand) -> None:
    """By signs."""
    for t, g, m, *_, a, b in h.rows:
        np.multiply(m, np.float32(0.9), out=a)
        np.multiply(g, np.float32(1 - 0.9), out=b)
        np.add(a, b, out=a)
        np.sign(a, out=b)  # over its operand it takes twelve times as long
        np.multiply(b, np.float32(0.01), out=a)
        np.subtract(t, a, out=t)
        mean(m, g, 0.99, a)


def norm(x: Array) -> float:
    """One that does not overflow, as ours."""
    largest = float(np.abs(x).max())
    return largest * float(np.sqrt(np.square(x / largest).sum()))


def lars(h: Hand) -> None:
    """A share of the norm, with momentum."""
    for t, g, v, *_, a, _b in h.rows:
        np.multiply(g, np.float32(0.01 * 1e-3 * norm(t) / norm(g)), out=a)
        np.multiply(v, np.float32(0.9), out=v)
        np.subtract(v, a, out=v)
        np.add(t, v, out=t)


def lamb(h: Hand) -> None:
    """Adam's direction by the norm."""
    h.k += 1
    first, second = 1 / (1 - 0.9**h.k), 1 / (1 - 0.999**h.k)
    for t, g, m, v, _, a, b in h.rows:
        mean(m, g, 0.9, a)
        np.multiply(g, g, out=b)
        mean(v, b, 0.999, a)
        root(v, second, a)
        np.multiply(m, np.float32(first), out=b)
        np.divide(b, a, out=b)
        np.multiply(b, np.float32(0.01 * norm(t) / norm(b)), out=b)
        np.subtract(t, b, out=t)


def rprop(h: Hand) -> None:
    """Signs and sizes, with backtracking."""
    h.k += 1
    for t, g, size, before, _, a, b in h.rows:
        if h.k == 1:
            size.fill(0.1)
        np.sign(g, out=a)
        np.multiply(before, size, out=b)  # the step before, back
        np.multiply(before, a, out=before)
        c, stay = h.more(t)
        np.minimum(before, 0, out=stay)
        np.add(
            stay, 1, out=stay
        )  # 0 where the sign has turned, else 1: arithmetic, since masks are slower
        np.maximum(before, 0, out=c)
        np.multiply(c, np.float32(0.2), out=c)
        np.add(c, np.float32(0.5), out=c)
        np.multiply(stay, np.float32(0.5), out=before)
        np.add(c, before, out=c)
        np.multiply(size, c, out=size)  # by 1.2, 1 or 0.5
        np.clip(size, np.float32(1e-6), np.float32(50), out=size)
        np.multiply(a, stay, out=before)
        np.subtract(1, stay, out=stay)
        np.multiply(b, stay, out=b)
        np.multiply(before, size, out=a)
        np.subtract(b, a, out=b)
        np.add(t, b, out=t)


def quickprop(h: Hand) -> None:
    """Secants, and plain descent where there is none that leads downhill."""
    for t, g, slope, moved, *_, a, b in h.rows:
        np.subtract(g, slope, out=slope)  # the change
        np.multiply(slope, moved, out=a)
        np.copyto(a, a > 0)  # 1 where there is a secant, else 0
        np.subtract(1, a, out=b)
        np.multiply(slope, a, out=slope)
        np.add(slope, b, out=slope)
        np.divide(g, slope, out=slope)
        np.multiply(slope, moved, out=slope)
        np.multiply(slope, np.float32(-0.01), out=slope)
        np.multiply(slope, a, out=slope)
        np.multiply(g, np.float32(-0.1), out=moved)
        np.multiply(moved, b, out=moved)
        np.add(moved, slope, out=moved)
        np.add(t, moved, out=t)
        np.copyto(slope, g)


ADAPTIVE = {"lr": 0.01, "eps": EPS}
ROWS: dict[str, tuple[dict[str, Any], Callable[[Hand], None]]] = {
    "SGD": ({"lr": 0.01}, sgd),
    "Momentum": ({"lr": 0.01}, momentum),
    "Nesterov": ({"lr": 0.01}, nesterov),
    "RMSprop": (ADAPTIVE, rmsprop),
    "Adagrad": (ADAPTIVE, adagrad),
    "Adadelta": ({"eps": EPS}, adadelta),
    "Adam": (ADAPTIVE, adam),
    "AdamW": (ADAPTIVE, adamw),
    "Adamax": (ADAPTIVE, adamax),
    "NAdam": (ADAPTIVE, nadam),
    "Lion": ({"lr": 0.01}, lion),
    "LARS": ({"lr": 0.01}, lars),
    "LAMB": (ADAPTIVE, lamb),
    "Rprop": ({}, rprop),
    "Quickprop": ({"lr": 0.01}, quickprop),
}


def steps(name: str) -> dict[str, Callable[[], Any]]:
    """A step of ours and one by hand, from the same start; compared."""
    options, hand = ROWS[name]
    rng = np.random.default_rng(0)
    thetas = [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
    # Their signs turn, as in training: of one gradient over and over, masks would be known beforehand.
    gradients = [[rng.normal(size=shape).astype(np.float32) for shape in SHAPES] for _ in range(5)]
    tensors = [[ag.tensor(g) for g in one] for one in gradients]
    params = [ag.tensor(t, requires_grad=True) for t in thetas]
    optimizer = getattr(optim, name)(params, nonfinite="ignore", **options)
    state = Hand(thetas, gradients[0])
    counts = {"ours": itertools.count(), "by hand": itertools.count()}

    def ours() -> None:
        for t, g in zip(params, tensors[next(counts["ours"]) % 5], strict=True):
            t.grad = g
        optimizer.step()

    def by_hand() -> None:
        state.given(gradients[next(counts["by hand"]) % 5])
        hand(state)

    for _ in range(3):
        ours()
        by_hand()
    for t, row in zip(params, state.rows, strict=True):
        assert np.allclose(t.numpy(), row[0], rtol=1e-4, atol=1e-5), f"{name}: results differ"
    return {"ours": ours, "by hand": by_hand}


def main() -> None:
    """Print the table."""
    measuring.pin()
    wanted = sys.argv[1:]
    count = sum(int(np.prod(shape)) for shape in SHAPES)
    print(f"{measuring.environment()}; {len(SHAPES)} parameters of {count:,} numbers")
    print(f"{'optimizer':10} {'gradproof':>10} {'by hand':>10} {'ratio':>6}")
    for name in ROWS:
        if wanted and name not in wanted:
            continue
        with measuring.frozen():
            times = measuring.sample(steps(name), 1.0, clock=measuring.time.process_time)
        best = {way: min(found) for way, found in times.items()}
        print(
            f"{name:10} {duration(best['ours']):>10} {duration(best['by hand']):>10} "
            f"{best['ours'] / best['by hand']:>6.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
