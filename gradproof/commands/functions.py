"""List every function that has a gradient or says why not, with NumPy's name and its kink.

With ``--prove``, also whether its rules are proved; a word narrows the list.
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
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("function", "made as", "kind", "NumPy", "gradient"):
        table.add_column(heading, no_wrap=True)
    table.add_column("at a kink")
    if prove:
        table.add_column("verdict")
    reasons = []
    for f in found:
        row = [f.name, f.made, f.kind, f.numpy, "yes" if f.differentiable else "no", f.kink]
        if prove:
            status, reason = functions.verdict(f)
            row.append(f"[{STYLES[status]}]{status}[/]" if status in STYLES else status)
            if reason:
                reasons.append(f"{f.name}: {reason}")
        table.add_row(*row)
    console.print(table)
    for reason in reasons:
        console.print(reason, style="yellow", soft_wrap=True, markup=False)
    primitives = sum(f.made == "primitive" for f in found)
    console.print(f"{len(found)} functions: {primitives} primitives, the rest made of them.")
