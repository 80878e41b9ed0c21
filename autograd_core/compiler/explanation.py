"""What jit.explain gives: what a step was compiled to, as data that prints well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..markup import escaped
from ..program import Program

__all__ = ["Explanation", "KernelRecord"]

_ROWS = 200  # kernels that a notebook shows


@dataclass(frozen=True)
class KernelRecord:
    """One kernel: what is done in one pass over memory, or one call of NumPy.

    Attributes
    ----------
    name : str
        What kind it is ("product", "reduction", "elementwise", …), or NumPy's function.
    steps : tuple of str
        Names of the operations in it, in order; those of a fold as "sum over axes".
    loops : tuple of int
        Sizes of what it goes over; of a product batch, rows and columns.
    flops, bytes : int
        Operations on floats; bytes read and written, each buffer once. NumPy's calls of other than
        elementwise functions, sums and products count their memory alone.
    threads : int
        How many share it.
    scope : str
        The layers in which it was recorded, with slashes.
    depth : int
        0, or in how many loops' bodies it stands.
    text : str
        All that in a few words.
    """

    name: str
    steps: tuple[str, ...]
    loops: tuple[int, ...]
    flops: int
    bytes: int
    threads: int = 1
    scope: str = ""
    depth: int = 0
    text: str = field(default="", repr=False)


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a step was compiled to; printed, it is a page of text, in a notebook a table.

    Attributes
    ----------
    title : str
    backend : str
        "native" or "numpy".
    program : Program
        The step as it was captured.
    optimized : Program
        What the passes left of it.
    passes : tuple of (str, int)
        Each pass, and how many steps there were after it.
    kernels : tuple of KernelRecord
        In order; those of a loop's body below the loop.
    flops, bytes : int
        Of one run: sums over the kernels.
    memory : int
        Bytes that are allocated once, and used at every run.
    guards : str
        What is watched, so that a change is captured anew.
    numbers : dict of str to float
        Numbers that are read at every run, and what they are now.
    checks : int
        Conditions that are tested before anything is written.
    barrier : int
        Before which kernel they are tested; -1 if there are none.
    source : str
        What was compiled: Python source, or LLVM's text.
    threads : int
    seconds : dict of str to float
        What capturing and compiling took.
    captures : int
        How many captures of the step are kept.
    """

    title: str
    backend: str
    program: Program[Any]
    optimized: Program[Any]
    passes: tuple[tuple[str, int], ...]
    kernels: tuple[KernelRecord, ...]
    memory: int
    guards: str
    numbers: dict[str, float]
    checks: int
    barrier: int
    source: str
    threads: int
    seconds: dict[str, float]
    captures: int
    _said: tuple[tuple[str, str], ...]  # sections of the backend: titles and texts

    @property
    def flops(self) -> int:
        """Operations on floats in one run."""
        return sum(k.flops for k in self.kernels if k.depth == 0)

    @property
    def bytes(self) -> int:
        """Bytes read and written in one run."""
        return sum(k.bytes for k in self.kernels if k.depth == 0)

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Titles and texts, as they are printed."""
        numbers = "\n".join(f"{name} = {value!r}" for name, value in self.numbers.items())
        capture, prepare = (1e3 * self.seconds[name] for name in ("capture", "prepare"))
        kept = "1 capture is kept" if self.captures == 1 else f"{self.captures} captures are kept"
        return (
            ("program", str(self.program)),
            ("numbers read at every run", numbers or "none"),
            ("watched", self.guards),
            ("checks", f"{self.checks}, before anything is written"),
            *self._said,
            ("time", f"captured in {capture:.1f} ms, prepared in {prepare:.1f} ms; {kept}"),
        )

    def __str__(self) -> str:
        return "\n\n".join(f"--- {title} ---\n{text}" for title, text in self.sections)

    __repr__ = __str__

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        heads = ("kernel", "operations", "loops", "flops", "bytes", "threads", "in")
        rows = [
            (
                " " * 2 * k.depth + k.name, " ".join(k.steps), "×".join(map(str, k.loops)),
                f"{k.flops:,}", f"{k.bytes:,}", str(k.threads), k.scope,
            )
            for k in self.kernels[:_ROWS]
        ]  # fmt: skip
        body = "".join(
            f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>" for row in rows
        )
        more = len(self.kernels) - len(rows)
        said = (
            f"{self.title}, {self.backend}: {len(self.program)} steps in {len(self.kernels)} kernels, "
            f"{self.flops:,} flops, {self.bytes:,} bytes, {self.memory:,} bytes of memory"
        )
        details = "".join(
            f"<details><summary>{escaped(title)}</summary><pre>{body}</pre></details>"
            for title, body in ((t, escaped(text, keep="\n")) for t, text in self.sections)
        )
        return (
            f"<div><p>{escaped(said)}</p>"
            f"<table><tr>{''.join(f'<th>{h}</th>' for h in heads)}</tr>{body}</table>"
            + (f"<p>and {more:,} more</p>" if more > 0 else "")
            + f"{details}</div>"
        )
