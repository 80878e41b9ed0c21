"""Compiled training steps beside JAX, torch.compile, PyTorch, HIPS/autograd, MyGrad and tinygrad.

    python benchmarks/step.py                          # everything, with one thread and with two
    python benchmarks/step.py W1 W2 --threads 1        # some of it
    python benchmarks/step.py cold scaling             # first calls; how cost grows
    python benchmarks/step.py --quick                  # shorter samples
    python benchmarks/step.py W7 --processor           # time of the processor: for a busy machine

Peers that are not installed are left out, and a line says so; so is a contender whose numbers
differ from a float64 reference. Each row has a process of its own. README.md says what is measured
and how; workloads.py has the rows, contenders/ a file for each library.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import measuring

ROWS = ("W1", "W1f64", "W2", "W3", "W4", "W5a", "W5b", "W6", "W7", "W8", "W9")
SECTIONS = ("cold", "scaling")
PEERS = ("jax", "torch", "autograd", "mygrad", "tinygrad", "micrograd")
OURS = "gradproof jit"

Medians = dict[str, float]
Results = dict[tuple[str, int], Medians]  # by row and threads


class Goal(NamedTuple):
    """``ours`` takes at most ``bound`` of the time of ``theirs`` (None: the best peer)."""

    row: str
    ours: str
    theirs: str | None
    bound: float
    threads: int = 1


GOALS = (
    Goal("W1", OURS, "JAX jit", 0.1),
    Goal("W1", "gradproof jit, many", "JAX jit, many", 0.15),
    Goal("W1", "gradproof jit, NumPy", "JAX jit", 0.6),
    Goal("W1f64", OURS, "JAX jit", 0.1),
    Goal("W1f64", "gradproof jit, many", "JAX jit, many", 0.15),
    Goal("W2", OURS, None, 0.75),
    Goal("W2", "gradproof jit, NumPy", "JAX jit", 1.0),
    Goal("W3", OURS, None, 0.9),
    Goal("W3", "gradproof jit, 2 threads", None, 0.7, threads=2),
    Goal("W4", OURS, None, 0.4),
    Goal("W5a", OURS, None, 0.75),
    Goal("W5b", OURS, None, 0.2),
    Goal("W6", OURS, "JAX jit, scan", 0.4),
    Goal("W7", OURS, None, 0.5),
    Goal("W8", OURS, None, 0.5),
    Goal("W9", OURS, None, 0.5),
)


# --- one row, in a process of its own ---------------------------------------------------------


def run_row(name: str, threads: int, seconds: float, processor: bool = False) -> Medians:
    """Check, time and print one row; medians by contender."""
    if threads == 1:
        measuring.pin()  # before any library counts the cores
    from dataclasses import replace

    import contenders
    from workloads import WORK, without_dropout

    failures = list(contenders.gather())  # what is not installed has been said before
    sys.setrecursionlimit(20_000)  # micrograd and others recurse
    work = replace(WORK[name], threads=threads)
    load = f"; load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"\n{name}, {threads} thread{'s' * (threads > 1)}{load}: {work.title}")
    print("".join(f"  {line}\n" for line in failures), end="")
    ready: dict[str, contenders.Contender] = {}
    for entry in contenders.ENTRIES:
        if entry.row != work.row or not entry.enters(work):
            continue
        try:
            checked = without_dropout(work)
            made = entry.make(checked)
            if not entry.name.startswith("floor"):
                error = deviation(made, checked)
                if not error <= work.tolerance:
                    raise contenders.LeftOutError(
                        f"differs from the float64 reference by {error:.1e}, "
                        f"more than {work.tolerance:.0e}"
                    )
            if checked is not work:
                made = entry.make(work)
                if not entry.name.startswith("floor") and not drops(made, checked):
                    raise contenders.LeftOutError("its dropout drops nothing")
            ready[entry.name] = made
        except contenders.LeftOutError as reason:
            print(f"  left out: {entry.name}: {reason}", flush=True)
        except Exception as failure:  # noqa: BLE001 - one peer's failure does not end the others' row
            text = (str(failure).strip().splitlines() or [""])[0]
            print(f"  left out: {entry.name}: {type(failure).__name__}: {text}", flush=True)
    # With two threads, workers that have nothing to do spin for a while.
    pause = 0.03 if threads > 1 else 0.0
    with measuring.frozen():
        clock = time.process_time if processor else time.perf_counter
        times = measuring.sample({n: c.call for n, c in ready.items()}, seconds, pause, clock)
    per = {n: c.steps * work.per for n, c in ready.items()}
    medians = {n: statistics.median(t) / per[n] for n, t in times.items()}
    first = OURS if OURS in medians else "gradproof eager"
    print(f"  {'':<27}{'median':>12}{'minimum':>12}   {first} / it")
    for n, median in sorted(medians.items(), key=lambda item: item[1]):
        ratio = f"{medians[first] / median:10.2f}" if first in medians and n != first else ""
        low = measuring.duration(min(times[n]) / per[n])
        print(f"  {n:<27}{measuring.duration(median):>12}{low:>12}{ratio}")
    return medians


def deviation(made: Any, work: Any) -> float:
    """The largest difference from the float64 reference, each array relative to its own size.

    Networks: the losses of three steps (or of one call of many) and the *change* of parameters
    and running statistics, for they themselves would hide it. Else: three calls' results.
    """
    import numpy as np
    from contenders import arrays, by_hand

    exact = by_hand.reference(work)
    start, exact_start = made.state(), exact.state()
    calls = -(-3 // made.steps)
    found = [arrays(made.call()) for _ in range(calls)]
    expected = [arrays(exact.call()) for _ in range(calls * made.steps)]
    if exact_start:
        losses = np.concatenate([np.ravel(a) for call in found for a in call])
        found = [[losses], _change(start, made.state())]
        expected = [[np.ravel(expected)], _change(exact_start, exact.state())]
    worst = 0.0
    for some, true in zip(found, expected, strict=True):
        # A bias before batch norm has no gradient, only rounding: hence a floor of the size.
        floor = 1e-3 * max(np.abs(a).max() for a in true)
        for a, b in zip(some, true, strict=False):  # some keep no running statistics
            if a.size != b.size:
                return float("inf")
            size = max(np.abs(b).max(), floor if exact_start else 0.0)
            worst = max(worst, float(np.abs(a.ravel() - b.ravel()).max() / size))
            if not np.isfinite(a).all():
                return float("inf")
    return worst


def drops(made: Any, work: Any) -> bool:
    """Whether the first loss differs from that without dropout, and not by much."""
    import numpy as np
    from contenders import arrays, by_hand

    (loss,), (without,) = arrays(made.call()), arrays(by_hand.reference(work).call())
    return bool(1e-3 < np.abs(loss / without - 1) < 1)


def _change(before: list[Any], after: list[Any]) -> list[Any]:
    return [a.astype("float64") - b for a, b in zip(after, before, strict=True)]


# --- all of it --------------------------------------------------------------------------------


def environment(threads: int, row: str) -> dict[str, str]:
    """Variables of the process that runs a row; what holds OpenBLAS to another processor is left out."""
    set_here = {f"{name}_NUM_THREADS": str(threads) for name in ("OPENBLAS", "OMP", "MKL")}
    set_here["JAX_ENABLE_X64"] = str(row in ("W1f64", "W6"))
    set_here["DEFAULT_FLOAT"] = "FLOAT64" if row == "W1f64" else "FLOAT32"  # tinygrad's
    held = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    given = {name: value for name, value in os.environ.items() if name not in held}
    return {"PYTHONWARNINGS": "ignore", **given, **set_here}


def run(arguments: list[str], env: dict[str, str]) -> Any:
    """What this script returns in another process; None if that failed."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, __file__, "--answer", str(answer), *arguments]
        sys.stdout.flush()
        if subprocess.run(command, env=env, check=False).returncode or not answer.exists():
            print(f"  {' '.join(arguments)}: the process ended before its end")
            return None
        return json.loads(answer.read_text())


def judge(results: Results) -> None:
    """Print how each goal stands, and whether every peer is beaten."""
    print("\ngoals: median of ours over median of theirs, in one run")
    for goal in GOALS:
        medians = results.get((goal.row, goal.threads), {})
        peers = _peers(medians)
        theirs = goal.theirs or min(peers, key=lambda n: peers[n], default=None)
        if goal.ours in medians and theirs in medians:
            reached = medians[goal.ours] / medians[theirs]
            verdict = "met" if reached <= goal.bound else "MISSED"
            whom = theirs if goal.theirs else f"the best, {theirs}"
            print(f"  {goal.row}, {goal.threads} thread{'s' * (goal.threads > 1)}: {goal.ours} at "
                  f"{goal.bound:g} of {whom}: {reached:.2f}, {verdict}")  # fmt: skip
        elif medians:
            print(f"  {goal.row}: {goal.ours} over {theirs}: not measured")
    for (row, threads), medians in results.items():
        ours = {n: t for n, t in medians.items() if n.startswith("gradproof jit")}
        for ahead, median in _peers(medians).items():
            if ours and median < min(ours.values()):
                print(f"  {row}, {threads} thread{'s' * (threads > 1)}: BEATEN by {ahead}, "
                      f"{min(ours.values()) / median:.2f}")  # fmt: skip


def _peers(medians: Medians) -> Medians:
    return {n: t for n, t in medians.items() if not n.startswith(("gradproof", "floor"))}


def tabulate(results: Results, threads: int) -> None:
    """Print all medians as a Markdown table."""
    rows = [row for row, count in results if count == threads]
    if len(rows) < 2:
        return
    names = list(dict.fromkeys(n for row in rows for n in results[row, threads]))
    names.sort(key=lambda n: (not n.startswith("gradproof"), n.startswith("floor")))
    print(f"\nmedians, {threads} thread{'s' * (threads > 1)}\n")
    print("| contender | " + " | ".join(rows) + " |")
    print("| --- |" + " --- |" * len(rows))
    for name in names:
        cells = [results[row, threads].get(name) for row in rows]
        shown = [measuring.duration(c) if c is not None else "-" for c in cells]
        print(f"| {name} | " + " | ".join(shown) + " |")


def main() -> None:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help=f"some of {', '.join((*ROWS, *SECTIONS))}")
    parser.add_argument("--threads", type=int, choices=(1, 2), help="only one of the two rounds")
    parser.add_argument("--quick", action="store_true", help="shorter samples")
    parser.add_argument(
        "--processor", action="store_true", help="time of the processor, on a machine that is busy"
    )
    parser.add_argument("--answer", help=argparse.SUPPRESS)  # this is the process of one row
    given = parser.parse_args()
    unknown = [name for name in given.what if name not in (*ROWS, *SECTIONS)]
    if unknown:
        parser.error(f"expected names among {', '.join((*ROWS, *SECTIONS))}; received {unknown}")
    if given.answer:
        (name,) = given.what
        seconds = {"W3": 15.0, "W4": 10.0}.get(name, 6.0) * (0.2 if given.quick else given.threads)
        answer: Medians = {}
        if name == "scaling":
            import scaling

            scaling.run(given.quick)
        else:
            answer = run_row(name, given.threads, seconds, given.processor)
        Path(given.answer).write_text(json.dumps(answer))
        return

    print(f"{measuring.environment()}; medians and minima of interleaved samples")
    print("\n".join(measuring.versions(PEERS)))
    what = given.what or [*ROWS, *SECTIONS]
    quick = ["--quick"] * given.quick + ["--processor"] * given.processor
    rounds = [given.threads] if given.threads else [1, 2]
    results: Results = {}
    for threads in rounds:
        for row in (r for r in ROWS if r in what):
            arguments = [row, "--threads", str(threads), *quick]
            results[row, threads] = run(arguments, environment(threads, row)) or {}
    if results:
        judge(results)
        for threads in rounds:
            tabulate(results, threads)
    if "cold" in what:
        import cold

        cold.run(environment(1, "cold"), repeats=1 if given.quick else 3)
    if "scaling" in what:
        run(["scaling", "--threads", "1", *quick], environment(1, "scaling"))


if __name__ == "__main__":
    main()
