"""What kernels cost: floating-point operations and bytes, counted from the schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..kinds import Elementwise, Loop, Reduce, Scan
from ..ops import contractions, elementary, losses, views
from ..primitives import REGISTRY
from ..program import Application, Atom, Literal, Var
from ..readings import Reading
from .explanation import KernelRecord
from .fusion.places import static
from .kernels import Bits, Call, Compute, Fold, Kernel, Nest, Repeat, Schedule

__all__ = ["Cost", "cost", "cost_of_call", "described", "record", "rows"]


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
        points * (step.primitive.flops if isinstance(step, Compute) else 1)
        for step in kernel.body
        if (isinstance(step, Compute) and step.working.kind == "f") or isinstance(step, Fold)
    )
    p = kernel.product
    if p is not None:
        flops += 2 * math.prod(p.batch) * p.m * p.n * p.k
    touched = {}
    for access, _ in kernel.accesses():
        reach = sum((n - 1) * abs(s) for n, s in zip(kernel.sizes, access.strides, strict=False))
        elements = access.buffer.size if p is not None else min(access.buffer.size, reach + 1)
        touched[id(access.buffer)] = elements * access.buffer.dtype.itemsize
    return Cost(flops, sum(touched.values()))


# rule(step) to operations on floats, of what is no elementwise function
FLOPS: Reading[Callable[[Application], int]] = Reading("cost of a call", optional=True)


def _shape(operand: Atom) -> tuple[int, ...]:
    return static(operand.shape) if isinstance(operand, Var) else ()


@FLOPS(contractions.matmul, contractions.matmul_still, contractions.affine)
def _product(step: Application) -> int:
    """A multiplication and an addition for each term, and the bias."""
    size = math.prod(static(step.result.shape))
    return size * (2 * _shape(step.operands[0])[-1] + (len(step.operands) == 3))


@FLOPS(contractions.einsum_, contractions.einsum_still)
def _einsum(step: Application) -> int:
    """As many products of all operands as indices have values, and as many sums if any index is summed."""
    shapes = [_shape(o) for o in step.operands]
    left, _, result = step.params["subscripts"].replace(" ", "").partition("->")
    terms = left.split(",")
    sizes = {
        label: n
        for term, shape in zip(terms, shapes, strict=True)
        for label, n in zip(term, shape, strict=True)
    }
    summed = set(sizes) - set(result)
    return math.prod(sizes.values()) * (len(terms) - 1 + bool(summed))


@FLOPS(losses.squared_distance)
def _distance(step: Application) -> int:
    """A difference, a square and a sum of each pair."""
    return 3 * math.prod(np.broadcast_shapes(*map(_shape, step.operands)))


@FLOPS(losses.softmax_cross_entropy)
def _cross_entropy(step: Application) -> int:
    """Of each logit a maximum, a difference, an exponential and a sum; of each row a logarithm and a difference."""
    rows = math.prod(static(step.result.shape))
    exp, log = (REGISTRY[f.__name__].flops for f in (elementary.exp, elementary.log))
    return math.prod(_shape(step.operands[0])) * (3 + exp) + rows * (1 + log)


@FLOPS(views.overlap_add)
@FLOPS.kind(Reduce, Scan)
def _fold(step: Application) -> int:
    return math.prod(_shape(step.operands[0]))


@FLOPS.kind(Loop)
def _loop(step: Application) -> int:
    body = step.params["body"]
    return int(step.params["length"]) * sum(cost_of_call(one).flops for one in body.applications)


def cost_of_call(step: Application) -> Cost:
    """What a call of NumPy for one step costs."""
    size = math.prod(static(step.result.shape))
    flops = 0
    if isinstance(step.primitive.kind, Elementwise):
        flops = size * step.primitive.flops if step.result.dtype.kind == "f" else 0
    elif (count := FLOPS.of(step.primitive)) is not None and step.operands:
        flops = count(step)
    places = [o for o in (*dict.fromkeys(step.operands), step.result) if isinstance(o, Var)]
    return Cost(flops, sum(math.prod(static(v.shape)) * v.dtype.itemsize for v in places))


def _steps(kernel: Kernel) -> list[str]:
    """Names of the operations in a kernel."""
    if isinstance(kernel, Repeat):
        return ["scan"]
    if isinstance(kernel, Bits):
        return ["random_bits"]
    if isinstance(kernel, Call):
        return [kernel.step.primitive.name]
    names = ["product"] if kernel.product is not None else []
    names += [one.primitive.name for one in kernel.body if isinstance(one, Compute)]
    return names + [f"{one.how} over axes" for one in kernel.body if isinstance(one, Fold)]


def _named(kernel: Kernel) -> str:
    """What kind of kernel it is."""
    if isinstance(kernel, Repeat):
        return "loop"
    if isinstance(kernel, Bits):
        return "random bits"
    if isinstance(kernel, Call):
        return f"NumPy {kernel.step.primitive.name}"
    if kernel.product is not None:
        return "product"
    if kernel.ordered is not None:
        return "running fold"
    if any(isinstance(one, Fold) for one in kernel.body):
        return "reduction"
    return "elementwise" if any(isinstance(one, Compute) for one in kernel.body) else "copy"


def record(kernel: Kernel, depth: int, threads: int) -> KernelRecord:
    """A kernel as `jit.explain` has it."""
    loops: tuple[int, ...] = ()
    if isinstance(kernel, Nest):
        loops = tuple(kernel.sizes)
    elif isinstance(kernel, Repeat):
        loops = (kernel.length,)
    elif isinstance(kernel, Bits):
        loops = (kernel.result.size,)
    else:
        loops = kernel.results[0][1] if kernel.results else ()
    priced = cost(kernel)
    return KernelRecord(
        _named(kernel), tuple(_steps(kernel)), loops, priced.flops, priced.bytes, threads,
        kernel.scope, depth, described(kernel),
    )  # fmt: skip


def described(kernel: Kernel) -> str:
    """What a kernel is, in a few words."""
    if isinstance(kernel, Repeat):
        return f"loop ×{kernel.length}" + (" backwards" if kernel.reverse else "")
    if isinstance(kernel, Bits):
        return f"random bits {kernel.result.size}"
    if isinstance(kernel, Call):
        return f"NumPy {kernel.step.primitive.name}"
    names = [name for name in _steps(kernel) if name != "product"]
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
