"""What `fit` costs over the loop that it runs: both in one process, interleaved, on one core.

    python benchmarks/fit.py                 # W2 eager beside a bare loop; W1 compiled beside step.many
    python benchmarks/fit.py --rounds 40     # longer

W2: 64-128-64-10, tanh, 64 rows, cross-entropy from labels, Adam; the bare loop draws an order, takes each
batch, makes the step and adds up the loss: what anybody would write. W1: 2-16-1, tanh, 32 rows, squares,
gradient descent; `step.many` gets a hundred batches that lie ready. README.md has the figures.
"""

from __future__ import annotations

import os

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")})

import argparse
import itertools
import statistics
import time
from typing import Any

import measuring
import numpy as np
from workloads import WORK

import autograd_core as ag
import nn
import optim

BATCHES, EPOCHS = 50, 4  # in an epoch of W2; in a round
STEPS, PASSES = 100, 40  # of W1


class Clock(optim.Callback):
    """The processor's time of each epoch but the first, for an update."""

    every_batch = False

    def __init__(self, updates: int) -> None:
        self.updates = updates
        self.times: list[float] = []

    def on_epoch_begin(self, run: optim.Run) -> None:
        """Start."""
        self._start = time.process_time()

    def on_epoch_end(self, run: optim.Run) -> None:
        """Stop."""
        if run.epoch > 1:
            self.times.append((time.process_time() - self._start) / self.updates)


def network(name: str) -> nn.Module:
    """Dense layers with tanh between."""
    sizes = WORK[name].network.sizes  # type: ignore[union-attr]
    layers: list[nn.Module] = []
    for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.Tanh()] * (k > 0) + [nn.Linear(inputs, outputs, rng=k)]
    return nn.Sequential(*layers)


def data(name: str, batches: int) -> tuple[Any, Any]:
    """Examples of so many batches."""
    found = WORK[name].network.batches(np.float32)  # type: ignore[union-attr]
    pairs = [found[i % len(found)] for i in range(batches)]
    return np.concatenate([x for x, _ in pairs]), np.concatenate([d for _, d in pairs])


def w2(rounds: int) -> dict[str, list[float]]:
    """Seconds for an update of W2, eager."""
    x, d = data("W2", BATCHES)
    loss, rows = nn.CrossEntropyLoss(), 64

    def bare(error: bool) -> list[float]:
        model = network("W2")
        optimizer = optim.Adam(model.parameters(), lr=0.001)
        rng, times = np.random.default_rng(0), []
        for _ in range(EPOCHS):
            start, total = time.process_time(), 0.0
            order = rng.permutation(len(x))
            for first in range(0, len(x), rows):
                batch = order[first : first + rows]
                outputs = model(x[batch])
                value = loss(outputs, d[batch])
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                total += value.item()
                if error:
                    total += optim.error_rate(outputs.numpy(), d[batch])
            times.append((time.process_time() - start) / BATCHES)
        return times[1:]

    def fit(**options: Any) -> list[float]:
        model, clock = network("W2"), Clock(BATCHES)
        optimizer = optim.Adam(model.parameters(), lr=0.001)
        optim.fit(
            model, loss, optimizer, (x, d), epochs=EPOCHS, batch_size=rows, rng=0, callbacks=clock, verbose=0, **options
        )  # fmt: skip
        return clock.times

    ways = {
        "bare loop": lambda: bare(False),
        "fit, metrics=[]": lambda: fit(metrics=[]),
        "bare loop, error": lambda: bare(True),
        "fit": fit,
    }
    return interleaved(ways, rounds)


def w1(rounds: int) -> dict[str, list[float]]:
    """Seconds for an update of W1, compiled."""
    x, d = data("W1", STEPS)
    stacked = x.reshape(STEPS, 32, -1), d.reshape(STEPS, 32, -1)
    loss = nn.MSELoss()
    model = network("W1")
    optimizer = optim.SGD(model.parameters(), lr=0.01)

    @ag.jit
    def step(x: Any, d: Any) -> Any:
        optimizer.zero_grad()
        value = loss(model(x), d)
        value.backward()
        optimizer.step()
        return value

    def many() -> list[float]:
        times = []
        for _ in range(PASSES):
            start = time.process_time()
            step.many(*stacked)
            times.append((time.process_time() - start) / STEPS)
        return times[10:]

    def fit() -> list[float]:
        model, clock = network("W1"), Clock(STEPS)
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        optim.fit(
            model, loss, optimizer, (x, d), epochs=PASSES, batch_size=32, rng=0, callbacks=clock, verbose=0, jit=True
        )  # fmt: skip
        return clock.times[10:]

    return interleaved({"step.many": many, "fit(jit=True)": fit}, rounds)


def interleaved(ways: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    """The least time of each in rounds, in which they take turns in an order that changes."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    with measuring.frozen():
        for k in range(rounds):
            for name in names[k % len(names) :] + names[: k % len(names)]:
                times[name].append(min(ways[name]()))
    return times


def shown(title: str, times: dict[str, list[float]], pairs: list[tuple[str, str, str]]) -> None:
    """Least and median of each; of pairs the median over rounds of ratio and difference, so that drifts cancel."""
    print(title)
    for name, found in times.items():
        least, middle = min(found), statistics.median(found)
        print(f"  {name:18}{measuring.duration(least):>12}{measuring.duration(middle):>12}")
    for ours, theirs, goal in pairs:
        both = list(zip(times[ours], times[theirs], strict=True))
        ratio = statistics.median(a / b for a, b in both)
        more = 1e6 * statistics.median(a - b for a, b in both)
        print(f"  {ours} over {theirs}: {ratio:.3f}, {more:+.2f} us an update ({goal})")


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=24)
    rounds = parser.parse_args().rounds
    measuring.pin()
    print(f"{measuring.environment()}; least and median time of an update, of the processor")
    goal = "goal: below 1.05"
    pairs = [
        ("fit, metrics=[]", "bare loop", goal),
        ("fit", "bare loop, error", goal),
        ("fit", "bare loop", goal),
    ]
    shown("W2, eager", w2(rounds), pairs)
    shown("W1, compiled", w1(rounds), [("fit(jit=True)", "step.many", "goal: below +3 us")])


if __name__ == "__main__":
    main()
