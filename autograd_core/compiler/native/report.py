"""What a step was compiled to, for `jit.explain`: kernels with their costs, memory, and what it took."""

from __future__ import annotations

from typing import Any

from ..costs import record, rows
from ..kernels import Nest
from .nests import shareable

__all__ = ["explained_step"]


def explained_step(runner: Any) -> dict[str, Any]:
    """What was made of a step, by its `NativeRunner`; see `Runner`."""
    kernels = [
        record(kernel, depth, _shared_by(runner, kernel)) for depth, kernel in rows(runner.schedule)
    ]
    lines = [f"{'':>4}{'flops':>14}{'bytes':>14}  kernel"]
    done = 0
    for n, k in enumerate(kernels):
        where = f"  in {k.scope}" if k.scope else ""
        lines.append(f"{n:>4}{k.flops:>14,}{k.bytes:>14,}  {'  ' * k.depth}{k.text}{where}")
        done += k.depth == 0
        if done == runner.schedule.barrier and (n + 1 == len(kernels) or kernels[n + 1].depth == 0):
            lines.append(f"{'':>34}checks: nothing is written before this")
    total = [sum(getattr(k, what) for k in kernels if k.depth == 0) for what in ("flops", "bytes")]
    lines.append(f"{'':>4}{total[0]:>14,}{total[1]:>14,}  in all")
    scratch = [b for b in runner.schedule.buffers if b.place == "scratch"]
    memory = (
        f"{runner.module.arena:,} bytes of scratch memory in one arena; {len(scratch)} values that would "
        f"take {sum(b.bytes for b in scratch):,} side by side"
    )
    seconds = runner.seconds
    how = "from the cache on disk" if runner.cached else "made"
    made = (
        f"{runner.module.functions} functions, {runner.code_bytes:,} bytes of object code, {how}; "
        f"vectors of {runner.machine.width} bytes; {runner.threads} thread{'s' * (runner.threads > 1)}\n"
        f"passes and schedule {seconds['schedule'] * 1e3:.1f} ms, native code "
        f"{seconds['native code'] * 1e3:.1f} ms"
    )
    return {
        "backend": "native",
        "optimized": runner.program,
        "passes": tuple(runner.passes),
        "kernels": tuple(kernels),
        "memory": runner.module.arena,
        "barrier": runner.schedule.barrier,
        "source": runner.module.text,
        "threads": runner.threads,
        "seconds": dict(seconds),
        "_said": (
            (
                "passes (steps after each)",
                "\n".join(f"{n:6}  {title}" for title, n in runner.passes),
            ),
            ("optimized program", str(runner.program)),
            ("kernels", "\n".join(lines)),
            ("memory", memory),
            ("native code", made),
        ),
    }


def _shared_by(runner: Any, kernel: Any) -> int:
    """How many threads take part in a kernel."""
    if runner.threads == 1 or not isinstance(kernel, Nest):
        return 1
    return runner.threads if shareable(kernel, runner.machine) else 1
