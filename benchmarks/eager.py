"""Eager speed beside HIPS/autograd, MyGrad, PyTorch and micrograd: one run, interleaved, one thread.

    python benchmarks/eager.py                     # everything
    python benchmarks/eager.py W1 W6 chain memory  # some of it

Peers that are not installed are left out, and a line says so. Before anything is timed, every
contender's gradients (or parameters after three steps) are compared with ours. README.md says
what each row does.
"""

from __future__ import annotations

import os

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")})
os.environ.pop("OPENBLAS_CORETYPE", None)  # would hold it to another processor
os.environ.pop("OPENBLAS_L2_SIZE", None)

import gc
import importlib
import itertools
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import measuring
import numpy as np
from measuring import duration

import autograd_core as ag
import nn
import optim

Step = Callable[[], Any]
Make = Callable[[], Iterator[tuple[str, Step, Callable[[], list[Any]]]]]


# In a process that `memory` has started: the workload and the one contender to load.
ALONE = sys.argv[2:4] if sys.argv[1:2] == ["peak"] else []


def _peer(name: str) -> Any:
    """The module, or None where it is not installed or not asked for."""
    if ALONE and not (name == "torch" and "PyTorch" in ALONE[1]):
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


torch, hips, mygrad, micrograd = map(_peer, ("torch", "autograd", "mygrad", "micrograd.engine"))
if torch is not None:
    torch.set_num_threads(1)
    F = torch.nn.functional
if hips is not None:
    anp = _peer("autograd.numpy")


class Workload(NamedTuple):
    """What is measured, with its goals as (numerator, denominators, bound on the ratio)."""

    title: str
    make: Make
    tolerance: float
    goals: list[tuple[str, tuple[str, ...], float]]
    per: int = 1  # operations in a step, where the table gives the time of one


# --- W1: a small network ----------------------------------------------------------------------


def _arrays(rng: np.random.Generator, sizes: list[int], dtype: Any) -> list[Any]:
    """Weights and zero biases, layer by layer."""
    found: list[Any] = []
    for inputs, outputs in itertools.pairwise(sizes):
        found.append((rng.normal(size=(inputs, outputs)) / inputs**0.5).astype(dtype))
        found.append(np.zeros(outputs, dtype))
    return found


def w1_lean() -> Iterator[Any]:
    """2-16-1, tanh, 32 rows, float32: mean squared error and its four gradients."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(32, n)).astype(np.float32) for n in (2, 1))
    start = _arrays(rng, [2, 16, 1], np.float32)

    ours: list[Any] = [ag.tensor(p, requires_grad=True) for p in start]
    tx, ty = ag.tensor(x), ag.tensor(y)

    def gradproof() -> None:
        for p in ours:
            p.grad = None
        a, b, c, d = ours
        ag.mean(ag.square(ag.tanh(tx @ a + b) @ c + d - ty)).backward()

    yield "gradproof", gradproof, lambda: [p.grad.numpy() for p in ours]
    found: list[Any] = []

    def numpy() -> None:
        a, b, c, d = start
        h = np.tanh(x.dot(a) + b)
        error = h.dot(c) + d - y
        loss = np.square(error).sum() / error.size
        g = (loss.dtype.type(1) / error.size) * (error + error)
        gh = g.dot(c.T)
        gz = gh - gh * h * h
        found[:] = x.T.dot(gz), gz.sum(0), h.T.dot(g), g.sum(0)

    yield "NumPy by hand", numpy, lambda: found
    if torch is not None:
        ps = [torch.tensor(p, requires_grad=True) for p in start]
        hx, hy = torch.tensor(x), torch.tensor(y)

        def pytorch() -> None:
            for p in ps:
                p.grad = None
            a, b, c, d = ps
            (torch.tanh(hx @ a + b) @ c + d - hy).square().mean().backward()

        yield "PyTorch", pytorch, lambda: [p.grad.numpy() for p in ps]
    if mygrad is not None:
        ms = [mygrad.tensor(p) for p in start]

        def my_grad() -> None:
            a, b, c, d = ms
            mygrad.mean(mygrad.square(mygrad.tanh(x @ a + b) @ c + d - y)).backward()

        yield "MyGrad", my_grad, lambda: [p.grad for p in ms]
    if hips is not None:

        def loss_of(a: Any, b: Any, c: Any, d: Any) -> Any:
            return anp.mean(anp.square(anp.tanh(x @ a + b) @ c + d - y))

        slope = hips.grad(loss_of, (0, 1, 2, 3))
        yield "HIPS/autograd", lambda: slope(*start), lambda: list(slope(*start))


# --- networks through nn and optim ------------------------------------------------------------


def _network(
    sizes: list[int],
    rows: int,
    optimizer: str,
    *,
    labels: bool,
    norm: bool = False,
    dropout: float = 0.0,
) -> Iterator[Any]:
    """A training step of a dense network: zero_grad, forward, loss, backward, step; float32."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, sizes[0])).astype(np.float32)
    target = (
        rng.integers(sizes[-1], size=rows)
        if labels
        else rng.normal(size=(rows, sizes[-1])).astype(np.float32)
    )
    start = _arrays(rng, sizes, np.float32)
    last = len(sizes) - 2

    layers: list[Any] = []
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        layers.append(nn.Linear(inputs, outputs, rng=rng))
        layers[-1].weight.assign(start[2 * i])
        if i < last:
            layers += [nn.BatchNorm1d(outputs)] if norm else []
            layers.append(nn.ReLU() if norm else nn.Tanh())
            layers += [nn.Dropout(dropout, rng=rng)] if dropout else []
    model = nn.Sequential(*layers)
    loss = nn.CrossEntropyLoss() if labels else nn.MSELoss()
    rules: dict[str, Any] = {
        "sgd": lambda: optim.SGD(model.parameters(), lr=0.01),
        "momentum": lambda: optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
        "adam": lambda: optim.Adam(model.parameters(), lr=0.001, epsilon="outside"),
    }
    update = rules[optimizer]()

    def gradproof() -> None:
        update.zero_grad()
        loss(model(x), target).backward()
        update.step()

    trained = [p for m in layers if isinstance(m, nn.Linear) for p in m.parameters()]
    yield "gradproof", gradproof, lambda: [np.array(p.data) for p in trained]
    if torch is not None:
        parts: list[Any] = []
        for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
            parts.append(torch.nn.Linear(inputs, outputs))
            with torch.no_grad():
                parts[-1].weight.copy_(torch.tensor(start[2 * i].T))
                parts[-1].bias.zero_()
            if i < last:
                parts += [torch.nn.BatchNorm1d(outputs)] if norm else []
                parts.append(torch.nn.ReLU() if norm else torch.nn.Tanh())
                parts += [torch.nn.Dropout(dropout)] if dropout else []
        net = torch.nn.Sequential(*parts)
        criterion = torch.nn.CrossEntropyLoss() if labels else torch.nn.MSELoss()
        hx, hy = torch.tensor(x), torch.tensor(target)
        rule = {
            "sgd": lambda: torch.optim.SGD(net.parameters(), lr=0.01),
            "momentum": lambda: torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9),
            "adam": lambda: torch.optim.Adam(net.parameters(), lr=0.001),
        }[optimizer]()

        def pytorch() -> None:
            rule.zero_grad()
            criterion(net(hx), hy).backward()
            rule.step()

        yield (
            "PyTorch nn",
            pytorch,
            lambda: [
                np.array(p.detach().numpy().T)
                for part in parts
                if isinstance(part, torch.nn.Linear)
                for p in (part.weight, part.bias)
            ],
        )
    if hips is not None:
        ps = [p.copy() for p in start]
        ones = [np.ones(n, np.float32) for n in sizes[1:-1]] if norm else []
        zeros = [np.zeros(n, np.float32) for n in sizes[1:-1]] if norm else []
        weights = [*ps, *ones, *zeros]
        slots = [(np.zeros_like(p), np.zeros_like(p)) for p in weights]
        count = [0]

        def loss_of(ws: Any) -> Any:
            h: Any = x
            for i in range(last + 1):
                h = h @ ws[2 * i] + ws[2 * i + 1]
                if i < last and norm:
                    centred = h - anp.mean(h, 0)
                    h = centred / anp.sqrt(anp.mean(centred * centred, 0) + np.float32(1e-5))
                    h = h * ws[len(ps) + i] + ws[len(ps) + last + i]
                if i < last:
                    h = anp.maximum(h, np.float32(0)) if norm else anp.tanh(h)
                if i < last and dropout:
                    h = h * (rng.random(h.shape, np.float32) >= dropout) / np.float32(1 - dropout)
            if not labels:
                return anp.mean(anp.square(h - target))
            top = anp.max(h, axis=1, keepdims=True)
            log_sum = anp.log(anp.sum(anp.exp(h - top), axis=1, keepdims=True)) + top
            return -anp.mean((h - log_sum)[np.arange(rows), target])

        slope = hips.grad(loss_of)

        def hips_step() -> None:
            count[0] += 1
            for p, g, (m, v) in zip(weights, slope(weights), slots, strict=True):
                if optimizer == "adam":
                    m += 0.1 * (g - m)
                    v += 0.001 * (g * g - v)
                    root = np.sqrt(v / (1 - 0.999 ** count[0])) + 1e-8
                    p -= 0.001 * (m / (1 - 0.9 ** count[0])) / root
                elif optimizer == "momentum":
                    m *= 0.9
                    m += g
                    p -= 0.01 * m
                else:
                    p -= 0.01 * g

        yield "HIPS/autograd", hips_step, lambda: [p.copy() for p in ps]


def w1() -> Iterator[Any]:
    """W1 through nn and optim: MSE and plain gradient descent."""
    return _network([2, 16, 1], 32, "sgd", labels=False)


def w2() -> Iterator[Any]:
    """64-128-64-10, tanh, 64 rows, cross-entropy, Adam."""
    return _network([64, 128, 64, 10], 64, "adam", labels=True)


def w3(dropout: float = 0.5) -> Iterator[Any]:
    """784-1024-1024-10, batch norm, relu, dropout, 128 rows, cross-entropy, momentum."""
    sizes = [784, 1024, 1024, 10]
    return _network(sizes, 128, "momentum", labels=True, norm=True, dropout=dropout)


# --- W4: elementwise on a large array ---------------------------------------------------------


def w4() -> Iterator[Any]:
    """mean(tanh(x w) exp(-x x) + log1p(x x)) of 1,000,000 float32, and both gradients."""
    rng = np.random.default_rng(0)
    start = [rng.normal(size=1_000_000).astype(np.float32) for _ in range(2)]
    ours: list[Any] = [ag.tensor(p, requires_grad=True) for p in start]

    def gradproof() -> None:
        for p in ours:
            p.grad = None
        x, w = ours
        s = x * x
        ag.mean(ag.tanh(x * w) * ag.exp(-s) + ag.log1p(s)).backward()

    yield "gradproof", gradproof, lambda: [p.grad.numpy() for p in ours]
    if torch is not None:
        ps = [torch.tensor(p, requires_grad=True) for p in start]

        def pytorch() -> None:
            for p in ps:
                p.grad = None
            x, w = ps
            s = x * x
            (torch.tanh(x * w) * torch.exp(-s) + torch.log1p(s)).mean().backward()

        yield "PyTorch", pytorch, lambda: [p.grad.numpy() for p in ps]
    if mygrad is not None:
        ms = [mygrad.tensor(p) for p in start]

        def my_grad() -> None:
            x, w = ms
            s = x * x
            mygrad.mean(mygrad.tanh(x * w) * mygrad.exp(-s) + mygrad.log1p(s)).backward()

        yield "MyGrad", my_grad, lambda: [p.grad for p in ms]
    if hips is not None:

        def loss_of(x: Any, w: Any) -> Any:
            s = x * x
            return anp.mean(anp.tanh(x * w) * anp.exp(-s) + anp.log1p(s))

        slope = hips.grad(loss_of, (0, 1))
        yield "HIPS/autograd", lambda: slope(*start), lambda: list(slope(*start))


# --- W7: convolutions -------------------------------------------------------------------------


def _convolutional(
    images: tuple[int, ...], kernels: list[tuple[int, ...]], *, pooled: bool
) -> Iterator[Any]:
    """3x3 or 5x5 layers with relu that keep the size, pooled by 2 or not: mean square, all gradients."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=images).astype(np.float32)
    weights = [(rng.normal(size=k) / np.prod(k[1:]) ** 0.5).astype(np.float32) for k in kernels]
    biases = [np.zeros(k[0], np.float32) for k in kernels]
    tx = ag.tensor(x)
    ours: list[Any] = [ag.tensor(p, requires_grad=True) for p in (*weights, *biases)]

    def gradproof() -> None:
        for p in ours:
            p.grad = None
        h: Any = tx
        for w, b in zip(ours[: len(kernels)], ours[len(kernels) :], strict=True):
            h = ag.relu(nn.functional.conv2d(h, w, b, padding="same"))
            h = nn.functional.max_pool2d(h, 2) if pooled else h
        ag.mean(ag.square(h)).backward()

    yield "gradproof", gradproof, lambda: [p.grad.numpy() for p in ours]
    if torch is not None:
        ps = [torch.tensor(p, requires_grad=True) for p in (*weights, *biases)]
        hx = torch.tensor(x)

        def pytorch() -> None:
            for p in ps:
                p.grad = None
            h = hx
            for w, b in zip(ps[: len(kernels)], ps[len(kernels) :], strict=True):
                h = torch.relu(F.conv2d(h, w, b, padding="same"))
                h = F.max_pool2d(h, 2) if pooled else h
            h.square().mean().backward()

        yield "PyTorch", pytorch, lambda: [p.grad.numpy() for p in ps]


def w7() -> Iterator[Any]:
    """32 images 28x28, 1-16-32 channels, 3x3 and 5x5, relu, max-pooling by 2: mean square, gradients."""
    return _convolutional((32, 1, 28, 28), [(16, 1, 3, 3), (32, 16, 5, 5)], pooled=True)


def w7_five() -> Iterator[Any]:
    """16 images 16x16, five 3x3 layers of 16 channels, relu: mean square, gradients."""
    return _convolutional((16, 16, 16, 16), [(16, 16, 3, 3)] * 5, pooled=False)


# --- W6: scalars ------------------------------------------------------------------------------

_LINKS = 250  # of two operations each


def w6() -> Iterator[Any]:
    """v <- v a + b, 250 times on scalars: 500 operations and the gradients of a and b."""

    def chain(a: Any, b: Any) -> Any:
        v = a
        for _ in range(_LINKS):
            v = v * a + b
        return v

    ours: list[Any] = [ag.tensor(v, requires_grad=True) for v in (0.99, 0.01)]

    def gradproof() -> None:
        for p in ours:
            p.grad = None
        chain(*ours).backward()

    yield "gradproof", gradproof, lambda: [p.grad.numpy() for p in ours]
    if micrograd is not None:
        values: list[Any] = []

        def micro() -> None:
            values[:] = micrograd.Value(0.99), micrograd.Value(0.01)
            chain(*values).backward()

        yield "micrograd", micro, lambda: [v.grad for v in values]
    if torch is not None:
        ps = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.99, 0.01)]

        def pytorch() -> None:
            for p in ps:
                p.grad = None
            chain(*ps).backward()

        yield "PyTorch", pytorch, lambda: [p.grad.numpy() for p in ps]
    if mygrad is not None:
        ms = [mygrad.tensor(v) for v in (0.99, 0.01)]
        yield "MyGrad", lambda: chain(*ms).backward(), lambda: [p.grad for p in ms]
    if hips is not None:
        slope = hips.grad(chain, (0, 1))
        yield "HIPS/autograd", lambda: slope(0.99, 0.01), lambda: list(slope(0.99, 0.01))


WORKLOADS = {
    "W1": Workload("W1 lean", w1_lean, 1e-5, [("gradproof", ("PyTorch", "MyGrad"), 0.45)]),
    "W1nn": Workload("W1 nn, optim", w1, 1e-5, [("gradproof", ("PyTorch nn",), 0.35)]),
    "W2": Workload("W2 nn, optim", w2, 2e-3, [("gradproof", ("PyTorch nn",), 0.4)]),
    "W3": Workload("W3 nn, optim", w3, 1e-3,
                   [("gradproof", ("PyTorch nn",), 1.0), ("gradproof", ("HIPS/autograd",), 1.0)]),
    "W4": Workload("W4", w4, 1e-5,
                   [("gradproof", ("PyTorch",), 1.0), ("gradproof", ("HIPS/autograd",), 1.0)]),
    "W7": Workload("W7", w7, 1e-4, [("gradproof", ("PyTorch",), 1.5)]),
    "W7five": Workload("W7 five layers", w7_five, 1e-4, [("gradproof", ("PyTorch",), 1.5)]),
    "W6": Workload("W6, one operation", w6, 1e-10, [("gradproof", ("micrograd",), 1.0)],
                   2 * _LINKS),
}  # fmt: skip
OPERATIONS = 9  # recorded by W1 lean: 2 products, 2 sums, tanh, difference, square, sum, quotient


# --- measuring --------------------------------------------------------------------------------


def check(workload: Workload) -> None:
    """Compare every contender with the first, after three steps; SystemExit where they differ."""
    # Masks are everyone's own, so dropout is off while results are compared.
    contenders = list(w3(dropout=0.0) if workload.make is w3 else workload.make())
    results = {}
    for name, step, result in contenders:
        before = [np.array(v) for v in result()] if "optim" in workload.title else None
        for _ in range(3 if before else 1):
            step()
        # Of parameters the change is compared: they themselves would hide it.
        results[name] = [np.array(v) - (before[i] if before else 0) for i, v in enumerate(result())]
    first = next(iter(results.values()))
    size = max(np.abs(a).max() for a in first)
    for name, found in results.items():
        worst = max(np.abs(a - b).max() for a, b in zip(first, found, strict=True)) / size
        if not worst <= workload.tolerance:
            raise SystemExit(f"{workload.title}: {name} differs from gradproof by {worst:.1e}.")


def compare(key: str, seconds: float) -> None:
    """Check, time and print one workload."""
    workload = WORKLOADS[key]
    check(workload)
    steps = {name: step for name, step, _ in workload.make()}
    with measuring.frozen():
        times = measuring.sample(steps, seconds)
    medians = {name: statistics.median(t) / workload.per for name, t in times.items()}
    print(f"\n{workload.title}: {(workload.make.__doc__ or '').strip()}")
    print(f"  {'':<16}{'median':>12}{'minimum':>12}   gradproof / it")
    for name, median in medians.items():
        ratio = f"{medians['gradproof'] / median:10.2f}" if name != "gradproof" else ""
        print(
            f"  {name:<16}{duration(median):>12}{duration(min(times[name]) / workload.per):>12}{ratio}"
        )
    for ours, theirs, goal in workload.goals:
        there = [name for name in theirs if name in medians]
        if there:
            best = min(there, key=lambda name: medians[name])
            reached = medians[ours] / medians[best]
            verdict = "met" if reached <= goal else "MISSED"
            print(f"  goal: {goal} of {best}: {reached:.2f}, {verdict}")
    if key == "W1":
        overhead = (medians["gradproof"] - medians["NumPy by hand"]) / OPERATIONS
        print(f"  overhead: {duration(overhead)} an operation, forward and backward (goal 1 us)")


def chain() -> None:
    """Time and memory of one node in long chains, which nothing recursive would survive."""
    print("\nchain: v <- tanh(v), float64 scalars; time of one node")
    # Frozen for good: no collection walks the heaps of other libraries from here on.
    gc.collect()
    gc.freeze()
    for collector in (True, False):
        title = f"collector {'on' if collector else 'off'}"
        print(f"  {title:>14}{'forward':>12}{'backward':>12}{'drop':>12}{'total':>12}")
        totals = []
        for count in (100_000, 1_000_000):
            if not collector:
                gc.disable()
            best = [
                min(times) / count for times in zip(*(_link(count) for _ in range(3)), strict=True)
            ]
            gc.enable()
            totals.append(sum(best))
            print(f"  {count:>14,}" + "".join(f"{duration(t):>12}" for t in (*best, totals[-1])))
        verdict = "met" if totals[1] <= 1.3 * totals[0] else "MISSED"
        print(f"  1e6 against 1e5: {totals[1] / totals[0]:.2f} (goal 1.3, {verdict})")
    tracemalloc.start()
    v = ag.tensor(0.5, requires_grad=True)
    for _ in range(100_000):
        v = ag.tanh(v)
    print(f"  memory: {tracemalloc.get_traced_memory()[0] / 100_000:.0f} bytes a node (goal 1,000)")
    tracemalloc.stop()


def _link(count: int) -> tuple[float, float, float]:
    """Seconds of forward, backward and drop of one chain."""
    v = ag.tensor(0.5, requires_grad=True)
    start = time.perf_counter()
    for _ in range(count):
        v = ag.tanh(v)
    forward = time.perf_counter()
    v.backward(retain_graph=True)
    backward = time.perf_counter()
    del v
    return forward - start, backward - forward, time.perf_counter() - backward


def memory() -> None:
    """Peak memory of training steps beside PyTorch's, each in a process of its own."""
    print("\nmemory: what the process grows by at most in five steps, from the first on")
    if not measuring.can_read_memory():
        print(
            "  left out: it is read from Linux's /proc, and the GNU C library is asked to tidy up"
        )
        return
    for key, theirs in (("W3", "PyTorch nn"), ("W4", "PyTorch")):
        names = ["gradproof"] if torch is None else ["gradproof", theirs]
        found = {}
        for name in names:
            command = [sys.executable, __file__, "peak", key, name]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            found[name] = float(run.stdout)
            ratio = f"{found['gradproof'] / found[name]:10.2f}" if name != "gradproof" else ""
            print(f"  {key} {name:<16}{found[name]:9.1f} MB{ratio}")


def peak(key: str, contender: str) -> None:
    """Print by how many MB this process grows at most in five steps of one contender."""
    # A small network first: code that is loaded with the first step is not what is asked for.
    warm, step = (
        next(step for name, step, _ in WORKLOADS[k].make() if name.startswith(contender[:7]))
        for k in ("W1nn", key)
    )
    print(measuring.growth(warm, step))


def main(names: list[str]) -> None:
    """Run what is named, or everything."""
    if names[:1] == ["peak"]:
        peak(*names[1:])
        return
    known = [*WORKLOADS, "chain", "memory"]
    if any(name not in known for name in names):
        raise SystemExit(f"eager.py: expected names among {', '.join(known)}; received {names}.")
    measuring.pin()
    print(f"one thread; {measuring.environment()}; medians and minima of interleaved samples")
    print("\n".join(measuring.versions(("torch", "autograd", "mygrad", "micrograd"))))
    # micrograd and others recurse.
    sys.setrecursionlimit(20_000)
    for name in names or known:
        if name in ("chain", "memory"):
            {"chain": chain, "memory": memory}[name]()
        else:
            compare(name, seconds=15.0 if name in ("W3", "W4") else 4.0)


if __name__ == "__main__":
    main(sys.argv[1:])
