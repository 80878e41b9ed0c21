"""What kernels cost: floating-point operations and bytes, counted from the schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..program import Literal
from .fusion import Schedule
from .kernels import Bits, Call, Compute, Fold, Kernel, Repeat

__all__ = ["Cost", "cost", "described", "rows"]

# Operations that count as more than one: about as many additions as they take.
_WEIGHTS = {
    "cast": 0, "cos": 12, "divide": 4, "erf": 25, "exp": 10, "expm1": 12, "log": 12, "log1p": 14,
    "power": 30, "sigmoid": 14, "sin": 12, "softplus": 25, "sqrt": 4, "tanh": 14, "where": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Operations on floats, and bytes read and written, each buffer once a kernel."""

    flops: int
    bytes: int


def cost(kernel: Kernel) -> Cost:
    """What one kernel costs; NumPy's calls count their memory alone."""
    if isinstance(kernel, Repeat):
        once = [cost(k) for k in kernel.body.kernels]
        return Cost(
            kernel.length * sum(c.flops for c in once), kernel.length * sum(c.bytes for c in once)
        )
    if isinstance(kernel, Bits):
        return Cost(0, kernel.result.bytes)
    if isinstance(kernel, Call):
        memory = [o[0] for o in kernel.operands if not isinstance(o, Literal)]
        return Cost(0, sum(b.bytes for b in (*memory, *(b for b, _ in kernel.results))))
    points = math.prod(kernel.sizes)
    flops = sum(
        points * (_WEIGHTS.get(one.primitive.name, 1) if isinstance(one, Compute) else 1)
        for one in kernel.body
        if (isinstance(one, Compute) and one.working.kind == "f") or isinstance(one, Fold)
    )
    p = kernel.product
    if p is not None:
        flops += 2 * math.prod(p.batch) * p.m * p.n * p.k
    touched = {}
    for access, _ in kernel.accesses():
        reach = sum((n - 1) * abs(s) for n, s in zip(kernel.sizes, access.strides, strict=False))
        whole = access.buffer.size if p is not None else min(access.buffer.size, reach + 1)
        touched[id(access.buffer)] = whole * access.buffer.dtype.itemsize
    return Cost(flops, sum(touched.values()))


def described(kernel: Kernel) -> str:
    """What a kernel is, in a few words."""
    if isinstance(kernel, Repeat):
        return f"loop ×{kernel.length}" + (" backwards" if kernel.reverse else "")
    if isinstance(kernel, Bits):
        return f"random bits {kernel.result.size}"
    if isinstance(kernel, Call):
        return f"NumPy {kernel.step.primitive.name}"
    names = [one.primitive.name for one in kernel.body if isinstance(one, Compute)]
    names += [f"{one.how} over axes" for one in kernel.body if isinstance(one, Fold)]
    domain = "×".join(map(str, kernel.sizes)) or "1"
    p = kernel.product
    if p is not None:
        batch = "".join(f"{n}×" for n in p.batch)
        domain = f"{batch}({p.m}×{p.k})·({p.k}×{p.n})"
    shown = " ".join(names[:6]) + (f" … {len(names)} operations" if len(names) > 6 else "")
    return f"{domain}  {shown}".rstrip()


def rows(schedule: Schedule, depth: int = 0) -> Iterator[tuple[int, Kernel]]:
    """Kernels in order, with those of loops' bodies below them."""
    for kernel in schedule.kernels:
        yield depth, kernel
        if isinstance(kernel, Repeat):
            yield from rows(kernel.body, depth + 1)
