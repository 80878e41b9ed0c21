"""The first call of W2's step in a fresh process: import, capture, compilation, one step.

    python benchmarks/step.py cold

Each contender once from an empty cache folder, and once more from what that left on disk; modules
of Python as bytecode, which is what a second import of them finds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from measuring import duration

# File, and what makes the contender with what is in it.
CONTENDERS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "gradproof jit": ("ours", lambda file, work: file.network({})(work)),
    "JAX jit": ("with_jax", lambda file, work: file.network(work)),
    # Not through C++ here: that takes longer to compile.
    "torch.compile": ("with_torch", lambda file, work: file.network_compiled(work, None)),
}
GOALS = {"empty": 0.5, "warm": 0.010}  # seconds, of the first call


def caches(folder: str) -> dict[str, str]:
    """Where each keeps what it has compiled; JAX does so only if asked."""
    return {
        "GRADPROOF_CACHE": f"{folder}/gradproof",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/torch",
        "TRITON_CACHE_DIR": f"{folder}/triton",
    }


def run(env: dict[str, str], repeats: int) -> None:
    """Print the table and how the goals stand."""
    env = {k: v for k, v in env.items() if k != "PYTHONDONTWRITEBYTECODE"}
    print("\ncold: first call of W2's step in a fresh process; medians of", repeats)
    print(f"  {'':<16}{'cache':>8}{'import':>12}{'first call':>13}{'from start to loss':>21}")
    for name in CONTENDERS:
        found: dict[str, list[Any]] = {"empty": [], "warm": []}
        reason = None
        for n in range(repeats + 1):  # the first leaves bytecode, and does not count
            with tempfile.TemporaryDirectory() as folder:
                for times in found.values() if n else [[]]:
                    child = subprocess.run(
                        [sys.executable, __file__, name], env={**env, **caches(folder)},
                        capture_output=True, text=True, check=False,
                    )  # fmt: skip
                    if child.returncode:
                        reason = (child.stderr.strip().splitlines() or ["no reason given"])[-1]
                        break
                    times.append(json.loads(child.stdout.splitlines()[-1]))
            if reason:
                break
        if reason:
            print(f"  left out: {name}: {reason}")
            continue
        for cache, times in found.items():
            parts = [statistics.median(column) for column in zip(*times, strict=True)]
            verdict = ""
            if name == "gradproof jit":
                goal = GOALS[cache]
                verdict = f"   goal {duration(goal)}: {'met' if parts[1] <= goal else 'MISSED'}"
            print(f"  {name:<16}{cache:>8}{duration(parts[0]):>12}{duration(parts[1]):>13}"
                  f"{duration(parts[2]):>21}{verdict}")  # fmt: skip


def first(name: str) -> None:
    """In a process of its own: print seconds of import, of the first call, and of everything."""
    start = time.perf_counter()
    import importlib

    import measuring

    measuring.pin()
    file, make = CONTENDERS[name]
    begin = time.perf_counter()
    module = importlib.import_module(f"contenders.{file}")
    imported = time.perf_counter() - begin
    from workloads import WORK

    made = make(module, WORK["W2"])
    begin = time.perf_counter()
    made.call()
    end = time.perf_counter()
    print(json.dumps([imported, end - begin, end - start]))


if __name__ == "__main__":
    first(sys.argv[1])
