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
    width = max(len(finding.subject) for finding in findings)
    for section, heading in HEADINGS.items():
        console.print(Text(heading, "bold"))
        for finding in findings:
            if finding.section == section:
                status = (f"{finding.status:<9}", STYLES[finding.status])
                line = Text.assemble(f"  {finding.subject:<{width}}  ", status, finding.detail)
                # Wrapped by the terminal only, so that paths and commands can be copied whole.
                console.print(line, soft_wrap=True)
                if finding.remedy:
                    verb = "get it" if finding.status == "missing" else "mend it"
                    console.print(Text(f"    {verb}: {finding.remedy}", "cyan"), soft_wrap=True)
        console.print()
    if not doctor.healthy(findings):
        faults = [f.subject for f in findings if f.needed and f.status != "ok"]
        console.print(Text(f"Not ready: {', '.join(faults)}.", "bold red"))
        raise typer.Exit(1)
    console.print(Text("Ready: everything that is needed is there.", "bold green"))
