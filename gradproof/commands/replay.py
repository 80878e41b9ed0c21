"""Check a file of records, as ``gradproof prove --json`` wrote it, again.

Every claim in it is run anew, and what the file says is compared with what comes out: outcome,
scopes, facts, exclusions, rules and sources. Exits with 1 if anything differs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import guard

__all__ = ["run"]


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written by prove --json.")],
) -> None:
    """Print a line for each record, and under it what differs."""
    guard.check()
    from autograd_core.errors import CheckpointError
    from autograd_core.symbolic.claims import collected

    from .. import records
    from .prove import PACKAGES

    console = Console(highlight=False)
    found = records.loaded(file)
    claims = collected(PACKAGES)
    unknown = [r.id for r in found if r.id not in claims]
    if unknown:
        raise CheckpointError(
            f"replay: {file} speaks of {records.shown(unknown[0])}, which is no claim of this version. "
            "Expected ids that `gradproof prove --list` shows; nothing was run."
        )
    differ = 0
    notes: dict[str, None] = {}
    for record in found:
        replayed = records.differences(record, claims[record.id].run())
        differ += bool(replayed.differences)
        notes |= dict.fromkeys(replayed.notes)
        stands = ("differs", "bold red") if replayed.differences else ("stands", "green")
        seconds = f"  {replayed.outcome.seconds:.2f} s"
        console.print(Text.assemble(f"{record.id:<6}", stands, seconds))
        for line in replayed.differences:
            console.print(Text(f"      {line}"), soft_wrap=True)
    for note in notes:
        console.print(Text(f"Other tools: {note}", "yellow"), soft_wrap=True)
    console.print(f"{len(found)} records: {len(found) - differ} stand, {differ} differ.")
    if differ:
        raise typer.Exit(1)
