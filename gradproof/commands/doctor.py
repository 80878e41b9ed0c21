"""Say what is installed, what is missing and how to get it.

Exits with 0 if everything that is needed is there.
"""

from __future__ import annotations

import typer
from rich.console import Console
from rich.text import Text

from .. import doctor

__all__ = ["run"]

HEADINGS = {
    "required": "Needed",
    "extras": "Extras",
    "machine": "This machine",
    "names": "Packages found",
}
STYLES = {"ok": "green", "missing": "yellow", "fault": "bold red"}


def run() -> None:
    """Print what `gradproof.doctor.examine` found, a line each, and under it what mends it."""
    console = Console(highlight=False)
    findings = doctor.examine()
    width = max(len(found.subject) for found in findings)
    for section, heading in HEADINGS.items():
        console.print(Text(heading, "bold"))
        for found in findings:
            if found.section == section:
                status = (f"{found.status:<9}", STYLES[found.status])
                line = Text.assemble(f"  {found.subject:<{width}}  ", status, found.detail)
                # Wrapped by the terminal only, so that paths and commands can be copied whole.
                console.print(line, soft_wrap=True)
                if found.remedy:
                    verb = "get it" if found.status == "missing" else "mend it"
                    console.print(Text(f"    {verb}: {found.remedy}", "cyan"), soft_wrap=True)
        console.print()
    if not doctor.healthy(findings):
        faults = [f.subject for f in findings if f.needed and f.status != "ok"]
        console.print(Text(f"Not ready: {', '.join(faults)}.", "bold red"))
        raise typer.Exit(1)
    console.print(Text("Ready: everything that is needed is there.", "bold green"))
