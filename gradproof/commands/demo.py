"""Train a network on handwritten digits, draw it, prove its gradients; write a report.

The report is one HTML file that works offline. With one seed, two runs give the same bytes.
"""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import guard

__all__ = ["run"]


def run(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")] = Path(
        "report"
    ),
    epochs: Annotated[
        int, typer.Option(metavar="N", min=1, help="Epochs, at most; training may stop earlier.")
    ] = 200,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of everything random.")] = 0,
    data: Annotated[
        str, typer.Option(metavar="DATA", help="'digits', or a folder with the files of MNIST.")
    ] = "digits",
    show: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            metavar="",
            help="Show the report in a browser. Default: if there is a desktop to show it on.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Do the main job, see `gradproof.demo.run_demo`; leave with 1 if a gradient is refuted."""
    guard.check()
    from ..demo import run_demo

    console = Console(highlight=False)
    outcome = run_demo(out, epochs=epochs, seed=seed, data=data, console=console)
    console.print(Text.assemble("\nThe report: ", (str(outcome.page), "bold")), soft_wrap=True)
    if any(claim.verdict.status == "REFUTED" for claim in outcome.claims):
        console.print(Text("A gradient was refuted: see the report.", "bold red"))
        raise typer.Exit(1)
    if _desktop() if show is None else show:
        webbrowser.open(outcome.page.as_uri())


def _desktop() -> bool:
    """Whether a person sits before a screen that can show a browser."""
    if not sys.stdout.isatty():
        return False
    # Without a display a text browser would open here and keep the terminal.
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
