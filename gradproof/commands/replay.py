"""Check a file of records, as ``gradproof prove --json`` wrote it, again.

Every claim in it is run anew, and all that the file says but seconds is compared with what comes
out. What it says was decided is checked a second time, by code that shares nothing with the prover:
at random points modulo large primes and by intervals, and counterexamples on the engine. Exits with
1 if anything differs or falls.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import guard

__all__ = ["run"]


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written by prove --json.")],
    any_versions: Annotated[
        bool,
        typer.Option("--any-versions", help="Records made with other versions of tools may stand."),
    ] = False,
    without_prover: Annotated[
        bool,
        typer.Option("--without-prover", help="Run no claim: the second check alone, in seconds."),
    ] = False,
) -> None:
    """Print a line for each record, and under it what differs."""
    guard.check()
    from autograd_core.errors import CheckpointError
    from autograd_core.symbolic.claims import collected

    from .. import records
    from ..checker import AGREES, FALLS, OPEN
    from .prove import PACKAGES

    console = Console(highlight=False)
    stored = records.loaded(file)
    claims = collected(PACKAGES)
    unknown = [r.id for r in stored if r.id not in claims]
    if unknown:
        raise CheckpointError(
            "replay",
            f"{file} speaks of {records.shown(unknown[0])}, which is no claim of this version. "
            "Expected ids that `gradproof prove --list` shows; nothing was run.",
        )
    differ = 0
    notes: dict[str, None] = {}
    counts: Counter[str] = Counter()
    for record in stored:
        lines: list[str] = []
        seconds = ""
        if not without_prover:
            outcome = claims[record.id].run()
            replayed = records.differences(record, outcome, any_versions)
            notes |= dict.fromkeys(replayed.notes)
            lines += replayed.differences
            seconds = f"  {outcome.seconds:.2f} s"
        opinions = records.opinions(record)
        counts.update(opinion.status for _, opinion in opinions)
        falls = [
            records.printable(f"falls: {words}: {opinion.text}")
            for words, opinion in opinions
            if opinion.status == FALLS
        ]
        lines += falls
        differ += bool(lines)
        word, style = ("differs", "bold red") if lines else ("stands", "green")
        console.print(Text.assemble(f"{record.id:<6}", (word, style), seconds))
        for line in lines:
            console.print(Text(f"      {line}"), soft_wrap=True)
        for words, opinion in opinions:
            if opinion.status == OPEN:
                text = f"      not independently checked: {words}: {opinion.text}"
                console.print(Text(records.printable(text), "bold yellow"), soft_wrap=True)
            elif opinion.status == AGREES:
                text = f"      {words}: {opinion.text}"
                console.print(Text(records.printable(text), "dim"), soft_wrap=True)
    for note in notes:
        console.print(Text(f"Other tools: {note}", "yellow"), soft_wrap=True)
    second = ", ".join(f"{counts[s]} {s}" for s in (AGREES, FALLS, OPEN) if counts[s])
    console.print(f"{len(stored)} records: {len(stored) - differ} stand, {differ} differ.")
    console.print(f"{counts.total()} verdicts checked a second time: {second or 'none'}.")
    if without_prover:
        console.print(Text("No claim was run: the rest of the file was not compared.", "yellow"))
    if differ:
        raise typer.Exit(1)
