"""List the functions: what each is, its gradient, its convention at a kink, its name in NumPy.

With ``--prove``, the gradient's verdict, and for every primitive, public or not, how it is proved;
a word narrows the list.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .. import guard

if TYPE_CHECKING:
    from ..functions import Proof

__all__ = ["run"]

STYLES = {"PROVED": "green", "PROBABLE": "yellow", "UNDECIDED": "yellow", "REFUTED": "bold red"}


def run(
    word: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    prove: Annotated[
        bool, typer.Option("--prove", help="Decide the rules of each primitive (half a minute).")
    ] = False,
) -> None:
    """Print the table of `gradproof.functions.listed`."""
    guard.check()
    from .. import functions  # after the check: it loads the engine

    console = Console(highlight=False)
    found = [f for f in functions.listed() if word in f.name]
    used = {f.primitive for f in found}
    names = [n for n in functions.primitives() if word in n or n in used]
    proofs = _decided(names, console) if prove else {}
    # Nothing is cut in a narrow window: the last two columns fold.
    table = _table("function", "kind", "gradient")
    table.add_column("at a kink", overflow="fold")
    table.add_column("in NumPy", overflow="fold")
    for f in found:
        gradient = Text("yes" if f.differentiable else "none")
        if prove and f.differentiable:
            gradient = _status(proofs[f.primitive].status if f.primitive else "by its parts")
        named_alike = f.numpy == f"np.{f.name}"
        table.add_row(
            f.name, f.kind or f.made, gradient, f.kink, "same" if named_alike else f.numpy
        )
    console.print(table)
    made = sum(f.made == "primitive" for f in found)
    console.print(f"{len(found)} functions: {made} primitives, the rest made of them.")
    if prove:
        console.print()
        console.print(_proved(proofs.values()))
        console.print(_counted(proofs.values()))


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _status(status: str) -> Text:
    return Text(status, STYLES.get(status, ""))


def _decided(names: Sequence[str], console: Console) -> dict[str, Proof]:
    """The proof of each primitive, with a bar while they are found."""
    from .. import functions

    proofs = {}
    with Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=len(names))
        for name in names:
            progress.update(task, description=name[:24])
            proofs[name] = functions.proof(name)
            progress.advance(task)
    return proofs


def _proved(proofs: Iterable[Proof]) -> Table:
    """How each primitive is proved."""
    table = _table("primitive", "verdict", "scope")
    table.add_column("why, and what is given", overflow="fold")
    for p in proofs:
        why = "; ".join(filter(None, (p.reason, p.given)))
        table.add_row(p.name, _status(p.status), p.scope, Text(why))
    return table


def _counted(proofs: Iterable[Proof]) -> str:
    listed = list(proofs)
    counts = collections.Counter(
        f"{p.status} at {p.scope}" if p.status == "PROVED" else p.status for p in listed
    )
    parts = ", ".join(f"{n} {what}" for what, n in sorted(counts.items(), key=lambda c: -c[1]))
    return f"{len(listed)} primitives: {parts}; {sum(p.seconds for p in listed):.1f} s."
