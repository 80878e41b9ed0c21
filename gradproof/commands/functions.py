"""List the functions: what each is, its gradient, its convention at a kink, its name in NumPy.

With ``--prove``, the gradient's verdict; a word narrows the list.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from .. import guard

__all__ = ["run"]

STYLES = {"PROVED": "green", "PROBABLE": "yellow", "UNDECIDED": "yellow", "REFUTED": "bold red"}


def run(
    word: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    prove: Annotated[
        bool, typer.Option("--prove", help="Decide the rules of each primitive (some seconds).")
    ] = False,
) -> None:
    """Print the table of `gradproof.functions.listed`."""
    guard.check()
    from .. import functions  # after the check: it loads the engine

    console = Console(highlight=False)
    found = [f for f in functions.listed() if word in f.name]
    # Nothing is cut in a narrow window: the last two columns fold.
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("function", "kind", "gradient"):
        table.add_column(heading, no_wrap=True)
    table.add_column("at a kink", overflow="fold")
    table.add_column("in NumPy", overflow="fold")
    reasons = []
    for f in found:
        gradient = "yes" if f.differentiable else "none"
        if prove and f.differentiable:
            status, reason = functions.verdict(f)
            gradient = f"[{STYLES[status]}]{status}[/]" if status in STYLES else status
            if reason:
                reasons.append(f"{f.name}: {reason}")
        named_alike = f.numpy == f"np.{f.name}"
        table.add_row(
            f.name, f.kind or f.made, gradient, f.kink, "same" if named_alike else f.numpy
        )
    console.print(table)
    for reason in reasons:
        console.print(reason, style="yellow", soft_wrap=True, markup=False)
    primitives = sum(f.made == "primitive" for f in found)
    console.print(f"{len(found)} functions: {primitives} primitives, the rest made of them.")
