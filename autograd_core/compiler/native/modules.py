"""A schedule as one module of LLVM text: a function for each kernel, and one that calls them.

The step takes a table of addresses: the arena, the arguments, the captured leaves, the scalars, the outputs.
Kernels become functions in `functions`, which `calling` calls in their order; `entries` are ways in from Python.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..kernels import Call, Kernel, Nest, Repeat, Schedule
from .calling import HEADER, Main, meeting
from .entries import GO, many
from .functions import Functions
from .machine import Machine
from .nests import shareable, workspace

__all__ = ["Module", "module"]


@dataclass
class Module:
    """Text and layout.

    Attributes
    ----------
    text : str
    segments : list of (int or Call)
        In order: functions ``run<n>`` by number, and what NumPy computes between them.
    table : dict of str to int
        Where the addresses of each place begin in the table.
    length : int
        Entries of the table.
    arena : int
        Bytes of scratch memory.
    functions : int
        How many different kernels there are.
    """

    text: str
    segments: list[int | Call]
    table: dict[str, int]
    length: int
    arena: int
    functions: int


def module(
    schedule: Schedule, machine: Machine, scratch: int, counts: dict[str, int], threads: int = 1
) -> Module:
    """The module of a schedule.

    Parameters
    ----------
    scratch : int
        Bytes of the memory plan.
    counts : dict
        How many buffers there are of each place: argument, state, output.
    threads : int
        With more than one, ``run<n>(table, part, parts)`` is called by each of them at the same time.
    """
    table = {"arena": 0, "scalar": 1, "argument": 2}
    table["state"] = table["argument"] + counts["argument"]
    table["output"] = table["state"] + counts["state"]
    length = table["output"] + counts["output"]
    extra = max(map(_workspace, schedule.kernels, [machine] * len(schedule.kernels)), default=0)
    functions = Functions(machine)
    segments: list[int | Call] = []
    mains: list[str] = []
    current: Main | None = None

    def close() -> None:
        nonlocal current
        if current is not None:
            segments.append(len(mains))
            mains.append(current.finish(len(mains)))
            current = None

    for number, kernel in enumerate(schedule.kernels):
        if number == schedule.barrier:
            current = current or Main(table, scratch, extra, threads)
            current.checks(schedule.checks)
        if isinstance(kernel, Call):
            close()
            segments.append(kernel)
            continue
        current = current or Main(table, scratch, extra, threads)
        shared = threads > 1 and isinstance(kernel, Nest) and shareable(kernel, machine)
        current.call(*functions.of(kernel, shared), shared)
    if schedule.barrier == len(schedule.kernels) or not schedule.kernels:
        current = current or Main(table, scratch, extra, threads)
        current.checks(schedule.checks if schedule.barrier >= 0 else [])
    close()
    parts = functions.texts()
    if threads > 1:
        parts.append(meeting())
    parts += mains
    if segments == [0] and threads == 1:
        parts += [GO, many(length)]
    arena = HEADER + scratch + threads * extra
    return Module("\n".join(parts), segments, table, length, arena, len(functions.made))


def _workspace(kernel: Kernel, machine: Machine) -> int:
    """Bytes that products of a kernel pack into; whole lines."""
    if isinstance(kernel, Repeat):
        return max((_workspace(k, machine) for k in kernel.body.kernels), default=0)
    size = workspace(kernel, machine) if isinstance(kernel, Nest) else 0
    return -(-size // 64) * 64
