"""Check the lecture's claims by running the library's own code; list what the slides get wrong.

Words choose claims: a slide by number (91) or title ("Momentum Update"), an id (B4, X1), a package (nn, optim,
analysis), a class of errata (SIGN, INDEX, CLAIM …), or HOLDS, ERRATUM, CITED. Exits with 1 if a claim does not come out as it is declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import guard
from ..progress import bar

if TYPE_CHECKING:
    from autograd_core.symbolic.claims import Claim, Outcome

__all__ = ["run"]

PACKAGES = guard.PACKAGES  # whichever have a folder of claims
STYLES = {"HOLDS": "green", "ERRATUM": "yellow", "CITED": "cyan", "UNDECIDED": "bold yellow"}
WRONG = "bold red"


def run(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SLIDE|PACKAGE|ID|CLASS]...", help="Only these.", show_default=False
        ),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Show the claims; check none.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="Write a page, for use offline.", show_default=False
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write records, for `gradproof replay`.", show_default=False
        ),
    ] = None,
) -> None:
    """Print the table of claims and what came out of each."""
    guard.check()
    from autograd_core import files
    from autograd_core.symbolic.claims import collected

    from .. import errata, output, records
    from ..pages import claims as page
    from ..slides import numbered

    console = Console(highlight=False)
    claims = collected(PACKAGES)
    chosen = records.chosen(claims, words or [])
    if list_only:
        console.print(_listed(chosen))
        console.print(f"{len(chosen)} claims.")
        if not words:
            console.print(_missing(errata.unchecked(claims), len(errata.KNOWN)))
        return
    for path in (report, json):
        if path is not None:
            output.prepare(path.absolute().parent)
    outcomes = []
    with bar(console, len(chosen)) as begin:
        for claim in chosen:
            begin(f"{claim.id} {numbered(claim)}")
            outcomes.append(claim.run())
    console.print(_checked(outcomes))
    for outcome in outcomes:
        if not outcome.as_declared:
            text = f"{outcome.claim.id}: declared {outcome.claim.declared}, came out {outcome.status}. "
            console.print(Text(text + outcome.reason, WRONG), soft_wrap=True)
    console.print(_counted(outcomes))
    if report is not None:
        files.write(report, page.render(outcomes))
        console.print(Text.assemble("The page: ", (str(report), "bold")), soft_wrap=True)
    if json is not None:
        files.write(json, records.dumped(outcomes))
        console.print(Text.assemble("The records: ", (str(json), "bold")), soft_wrap=True)
    if not all(outcome.as_declared for outcome in outcomes):
        raise typer.Exit(1)


def _listed(claims: Sequence[Claim]) -> Table:
    table = _table()
    for claim in claims:
        table.add_row(claim.id, _kind(claim.declared, claim.kind), _statement(claim))
    return table


def _missing(unchecked: dict[str, str], known: int) -> Text:
    """The errata that no claim checks."""
    text = Text(f"\n{len(unchecked)} of {known} known errata are not yet checked:", "bold")
    width = max(map(len, unchecked), default=0)
    for name, words in unchecked.items():
        text.append(f"\n{name:<{width}}  {words}", "not bold")
    return text if unchecked else Text(f"\nAll {known} known errata are checked.")


def _checked(outcomes: Sequence[Outcome]) -> Table:
    table = _table()
    table.add_column("scope", overflow="fold", ratio=1)
    table.add_column("seconds", justify="right", no_wrap=True)
    for outcome in outcomes:
        claim = outcome.claim
        cited = outcome.status == "CITED"
        table.add_row(
            claim.id,
            _kind(outcome.status, claim.kind, "" if outcome.as_declared else WRONG),
            _statement(claim),
            Text("not checked" if cited else outcome.scope),
            "" if cited else f"{outcome.seconds:.2f}",
        )
    return table


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("id", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("slide, statement", overflow="fold", ratio=2)
    return table


def _statement(claim: Claim) -> Text:
    from ..slides import numbered

    return Text.assemble((f"[{numbered(claim)}]\n", "dim"), claim.words)


def _kind(status: str, kind: str, style: str = "") -> Text:
    """The outcome, with the class of an erratum or a note."""
    shown = f"{status}\n{kind}" if kind not in ("", "CITED") else status
    return Text(shown, style or STYLES.get(status, WRONG))


def _counted(outcomes: Sequence[Outcome]) -> str:
    counts = Counter(outcome.status for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    parts = ", ".join(f"{n} {status}" for status, n in counts.items())
    noun = "claim" if len(outcomes) == 1 else "claims"
    note = " CITED means cited, not checked." if counts["CITED"] else ""
    return f"{len(outcomes)} {noun} in {seconds:.1f} s: {parts}.{note}"
