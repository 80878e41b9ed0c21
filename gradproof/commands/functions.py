"""List the functions: what each is, its gradient, its convention at a kink, its name in NumPy.

Piped, it is a line a function, for grep. With ``--prove``, the gradient's verdict, and for every primitive, public or not, how it is proved;
a word narrows the list. With ``--readings``, what vmap, proofs, native code and the other evaluators
have for each primitive: a rule of its own, that of its kind, or none for a reason.
"""

from __future__ import annotations

import collections
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import guard
from ..progress import bar

if TYPE_CHECKING:
    from ..functions import Proof

__all__ = ["run"]

STYLES = {
    "PROVED": "green",
    "PROBABLE": "yellow",
    "COMPARED": "yellow",
    "UNDECIDED": "yellow",
    "REFUTED": "bold red",
}


def run(
    word: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    prove: Annotated[
        bool, typer.Option("--prove", help="Decide the rules of each primitive (half a minute).")
    ] = False,
    readings: Annotated[
        bool, typer.Option("--readings", help="What each evaluator has for each primitive.")
    ] = False,
) -> None:
    """Print the table of `gradproof.functions.listed`."""
    guard.check()
    from .. import functions  # after the check: it loads the engine

    console = Console(highlight=False)
    if readings:
        headings, table = functions.readings()
        _print(console, headings, [row for row in table if word in row[0]], free=0)
        return
    matching = [f for f in functions.listed() if word in f.name]
    used = {f.primitive for f in matching}
    names = [n for n in functions.primitives() if word in n or n in used]
    proofs = _decided(names, console) if prove else {}
    rows = []
    for f in matching:
        gradient = "yes" if f.differentiable else "none"
        if prove and f.differentiable:
            gradient = proofs[f.primitive].status if f.primitive else "by its parts"
        rows.append((f.name, f.kind or f.made, gradient, f.numpy, f.kink))
    _print(console, ("function", "kind", "gradient", "in NumPy", "at a kink"), rows, free=2)
    made = sum(f.made == "primitive" for f in matching)
    console.print(f"{len(matching)} functions: {made} primitives, the rest made of them.")
    if prove:
        console.print()
        told = [
            (p.name, p.status, p.scope, "; ".join(filter(None, (p.reason, p.given))))
            for p in proofs.values()
        ]
        _print(console, ("primitive", "verdict", "scope", "why, and what is given"), told, free=1)
        console.print(_counted(proofs.values()))


def _print(
    console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]], free: int
) -> None:
    """A table: a line a row where it is piped, so that grep finds all of it; else as wide as the window.

    Parameters
    ----------
    free : int
        How many of the last columns are text: on a terminal they follow in lines of their own where
        they do not fit behind the others.
    """
    piped = not console.is_terminal
    shown = len(headings) - (1 if piped else free)
    columns = [max(map(len, column)) for column in zip(headings, *rows, strict=True)][:shown]
    for row in (headings, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, columns, strict=False)]
        head = Text("  ".join(cells).rstrip(), "bold" if row is headings else "")
        for word, style in STYLES.items():
            head.highlight_words([word], style)
        used, start = len(head), sum(columns) + 2 * len(columns)
        for text in filter(None, row[shown:]):
            place = max(start - used, 2)
            if piped or used + place + len(text) <= console.width:
                head.append(" " * place + text)
                used += place + len(text)
            else:
                lines = textwrap.wrap(text, console.width - 4, break_long_words=False)
                head.append("".join("\n    " + line for line in lines))
                used = 4 + len(lines[-1])
        console.print(head, soft_wrap=True)


def _decided(names: Sequence[str], console: Console) -> dict[str, Proof]:
    """The proof of each primitive, with a bar while they are found."""
    from .. import functions

    proofs = {}
    with bar(console, len(names)) as begin:
        for name in names:
            begin(name)
            proofs[name] = functions.proof(name)
    return proofs


def _counted(proofs: Iterable[Proof]) -> str:
    listed = list(proofs)
    counts = collections.Counter(
        f"{p.status} at {p.scope}" if p.status == "PROVED" else p.status for p in listed
    )
    parts = ", ".join(f"{n} {what}" for what, n in sorted(counts.items(), key=lambda c: -c[1]))
    return f"{len(listed)} primitives: {parts}; {sum(p.seconds for p in listed):.1f} s."
