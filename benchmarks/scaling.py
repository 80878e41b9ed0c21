"""How cost grows: a step with width, depth and batch; compilation with the program; memory.

python benchmarks/step.py scaling
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import contenders
import measuring
import numpy as np
from contenders import ours
from workloads import WORK, Network, Work, elementwise

import autograd_core as ag

BESIDE = ("gradproof jit", "gradproof eager", "JAX jit")


def run(quick: bool) -> None:
    """Print all tables. The environment is that of one thread."""
    measuring.pin()
    list(contenders.gather())
    seconds = 0.5 if quick else 2.0
    steps("width", {n: Network((64, n, n, 10), 64, "labels", "adam")
                    for n in (16, 64, 256, 1024)}, seconds)  # fmt: skip
    steps("depth", {n: Network((64,) * (n + 1) + (10,), 64, "labels", "adam")
                    for n in (1, 4, 16, 64)}, seconds)  # fmt: skip
    steps("batch", {n: Network((64, 128, 64, 10), n, "labels", "adam")
                    for n in (1, 8, 64, 512, 4096)}, seconds)  # fmt: skip
    sizes = (100, 300, 1000) if quick else (100, 300, 1000, 3000, 10_000)
    sys.setrecursionlimit(1000)  # Python's own; some peers raise it when they are imported
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADPROOF_CACHE"] = folder
        compilation("a chain of elementwise nodes on 8 numbers", chains(sizes))
        compilation("value and gradients of a deep network of width 8", deep_networks(sizes))
    memory()


# --- time of a step ---------------------------------------------------------------------------


def steps(what: str, networks: dict[int, Network], seconds: float) -> None:
    """A training step (tanh, cross-entropy, Adam, float32) at several sizes."""
    print(f"\nscaling: a step against {what}; medians")
    print(f"  {what:>8}" + "".join(f"{name:>18}" for name in BESIDE))
    times: dict[str, list[tuple[int, float]]] = {}
    for size, network in networks.items():
        work = Work(what, "", "network", "float32", 0.0, network=network)
        ready = {}
        for entry in contenders.ENTRIES:
            if entry.row == "network" and entry.name in BESIDE:
                try:
                    ready[entry.name] = entry.make(work).call
                except contenders.LeftOutError:
                    continue
        with measuring.frozen():
            samples = measuring.sample(ready, seconds)
        for name, found in samples.items():
            times.setdefault(name, []).append((size, statistics.median(found)))
        cells = [measuring.duration(times[n][-1][1]) if n in ready else "-" for n in BESIDE]
        print(f"  {size:>8}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    last = [f"{slope(times[n][-2:]):.2f}" if n in times else "-" for n in BESIDE]
    print(f"  {'slope':>8}" + "".join(f"{s:>18}" for s in last) + "   (last two, log-log)")


def slope(points: list[tuple[int, float]]) -> float:
    """Of the straight line through the logarithms: 1 is linear growth."""
    sizes, times = np.log(points).T
    return float(np.polyfit(sizes, times, 1)[0])


# --- time of compilation ----------------------------------------------------------------------

Programs = Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]


def chains(sizes: tuple[int, ...]) -> Programs:
    """v <- tanh(v) x, so long that the program has the nodes that are asked for."""
    for size in sizes:

        def chain(x: Any, links: int = size // 2) -> Any:
            v = x
            for _ in range(links):
                v = ag.tanh(v) * x
            return v

        yield chain, (np.linspace(0.5, 1.5, 8, dtype=np.float32),)


def deep_networks(sizes: tuple[int, ...]) -> Programs:
    """A layer takes about ten nodes, forward and backward."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 8)).astype(np.float32)

    def loss(weights: list[Any], x: Any) -> Any:
        h = x
        for W in weights:
            h = ag.tanh(h @ W)
        return ag.mean(h * h)

    for size in sizes:
        weights = [rng.normal(size=(8, 8)).astype(np.float32) for _ in range(size // 10)]
        yield ag.value_and_grad(loss), (weights, x)


def compilation(what: str, programs: Programs) -> None:
    """First calls against the number of recorded nodes, from an empty cache."""
    print(f"\nscaling: first call against program size, {what}")
    points, failed = [], False
    for function, arguments in programs:
        nodes = len(ag.trace(function)(*arguments))
        try:
            compiled = ours.jit(function, {})
        except contenders.LeftOutError as reason:
            print(f"  left out: {reason}")
            return
        try:
            with measuring.frozen():  # no collection walks what the peers have loaded
                start = time.perf_counter()
                compiled(*arguments)
                points.append((nodes, time.perf_counter() - start))
        except Exception as failure:  # noqa: BLE001 - a size that fails is a result too
            text = (str(failure).strip().splitlines() or [""])[0]
            print(f"  {nodes:>8} nodes: FAILED, {type(failure).__name__}: {text}", flush=True)
            failed = True
            continue
        seconds = points[-1][1]
        print(f"  {nodes:>8} nodes{measuring.duration(seconds):>12}"
              f"{measuring.duration(seconds / nodes):>12} a node", flush=True)  # fmt: skip
    if len(points) < 2:
        return
    grown = slope(points[-3:])
    # The same cost for each node is a slope of 1; timing is not exact.
    verdict = "met" if grown <= 1.1 and not failed else "MISSED"
    print(f"  log-log slope of the last three: {grown:.2f} (goal: no worse than linear, {verdict})")


# --- memory -----------------------------------------------------------------------------------


def memory() -> None:
    """Growth of the process in five compiled steps, beside the plan that `explain` gives."""
    print("\nscaling: peak memory of a compiled step beside its plan")
    if not hasattr(ag, "jit"):
        print("  left out: ag.jit is not there")
        return
    if not measuring.can_read_memory():
        print("  left out: it is read from Linux's /proc, with the GNU C library")
        return
    for name in ("W2", "W3", "W4"):
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, "GRADPROOF_CACHE": folder}
            for _ in range(2):  # compiled by the first, whose compiler would be measured with it
                child = subprocess.run(
                    [sys.executable, __file__, name], env=env, capture_output=True, text=True,
                    check=False,
                )  # fmt: skip
        if child.returncode:
            print(f"  left out: {name}: {(child.stderr.splitlines() or ['?'])[-1]}")
        else:
            print(f"  {name}: {child.stdout.strip()}")


def peak(name: str) -> None:
    """In a process of its own: print the growth and the plan."""
    work = WORK[name]
    warm = _compiled(WORK["W1"])[1]
    step, call = _compiled(work)
    grown = measuring.growth(warm, call)
    size = ag.jit.explain(step).memory
    print(f"grows by {grown:.1f} MB; plan: {size / 2**20:.2f} MB")


def _compiled(work: Work) -> tuple[Any, Callable[[], Any]]:
    """A compiled step or function, and a call of it."""
    arguments: tuple[Any, ...]
    if work.network is None:
        function, arguments = ours.slopes({}), elementwise(work.dtype)[0]
    else:
        _, function = ours.training(work.network, work.dtype, {})
        arguments = work.network.batches(work.dtype)[0]
    return function, lambda: function(*arguments)


if __name__ == "__main__":
    peak(sys.argv[1])
