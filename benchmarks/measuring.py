"""What the benchmarks share: interleaved samples, one core, resident memory, units."""

from __future__ import annotations

import ctypes
import gc
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Step = Callable[[], Any]


def pin() -> None:
    """Keep this process, and every thread that it will start, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextmanager
def frozen() -> Iterator[None]:
    """While timing, no collection walks the heaps of other libraries."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def sample(
    steps: Mapping[str, Step],
    seconds: float,
    pause: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds per call: rounds in which every contender has its turn.

    A pause before each turn lets the last one's idle threads, which wait spinning, go to sleep. The clock may be
    that of the processor's time, which other jobs of a busy machine have no part in.
    """
    repeats = {}
    for name, step in steps.items():
        step()
        start = time.perf_counter()
        step()
        repeats[name] = max(1, int(0.003 / (time.perf_counter() - start)))
    times: dict[str, list[float]] = {name: [] for name in steps}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(times))]) < 7:
        for name, step in steps.items():
            if pause:
                time.sleep(pause)
            start = clock()
            for _ in range(repeats[name]):
                step()
            times[name].append((clock() - start) / repeats[name])
    return times


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:,.2f} {unit}"
    return f"{seconds:,.2f} s"


def environment() -> str:
    """Versions that every result depends on."""
    numpy = importlib.metadata.version("numpy")
    return f"Python {platform.python_version()}, NumPy {numpy}"


def versions(packages: tuple[str, ...]) -> Iterator[str]:
    """A line for each peer: its version, or that it is left out."""
    for package in packages:
        try:
            yield f"beside: {package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"left out: {package} is not installed"


def can_read_memory() -> bool:
    """Whether `growth` works here: Linux's /proc, and the GNU C library, which tidies up."""
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


def growth(warm: Step, step: Step, calls: int = 5) -> float:
    """By how many MB the process grows at most in some calls of ``step``, from the first on.

    ``warm`` is called before: code that is loaded with the first step is not what is asked for.
    """

    def resident(field: str) -> float:
        with open("/proc/self/status") as status:
            return next(float(line.split()[1]) for line in status if line.startswith(field)) / 1024

    warm()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # gives back what only the set-up needed
    before = resident("VmRSS")
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")  # the high-water mark starts again from here
    for _ in range(calls):
        step()
    return resident("VmHWM") - before
