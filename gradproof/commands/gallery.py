"""Draw every figure and every layer; write them as one page.

Figures are drawn from results that the library computes now, layers from their own examples. The page is one
HTML file that works offline.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import guard
from ..progress import bar

__all__ = ["run"]

PAGE = "index.html"


def run(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the page.")] = Path(
        "gallery"
    ),
) -> None:
    """Make `gradproof.pages.gallery` of what there is; leave with 1 if a statement does not hold."""
    guard.check()
    from autograd_core import files

    from .. import output
    from ..pages import gallery

    console = Console(highlight=False)
    folder = output.prepare(out)
    named = list(gallery.exhibits())
    shown = []
    with bar(console, len(named)) as begin:
        for name, make in named:
            begin(name)
            shown.append(make())
    files.write(folder / PAGE, gallery.render(shown))
    console.print(f"{len(shown)} exhibits.")
    console.print(Text.assemble("The page: ", (str(out / PAGE), "bold")), soft_wrap=True)
    wrong = [exhibit.name for exhibit in shown if not exhibit.holds]
    if wrong:
        text = f"What {', '.join(wrong)} says does not hold on the numbers that were drawn."
        console.print(Text(text, "bold red"), soft_wrap=True)
        raise typer.Exit(1)
