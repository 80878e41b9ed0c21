"""Draw a figure, from a result that the library computes now; list the figures.

Each makes a statement, which is printed and stands under the picture. The ending of FILE decides the
form: .svg, .png, .pdf, .html, for graphs .dot and .json, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from .. import guard

__all__ = ["run"]


def run(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Which one.", show_default=False)
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to; NAME.svg if left out.", show_default=False),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Show the figures; draw none.")] = False,
) -> None:
    """Draw `viz.registry.named` and save it."""
    guard.check()
    from viz import registry

    from .. import output

    console = Console(highlight=False)
    if list_only or not name:
        for entry in sorted(registry.FIGURES.values(), key=lambda figure: figure.name):
            console.print(Text(entry.name, "bold"))
            console.print(Padding(entry.statement, (0, 0, 0, 4)))
        console.print(f"{len(registry.FIGURES)} figures. To draw one: gradproof figure NAME")
        return
    figure = registry.named(name)
    place = (Path(f"{name}.svg") if out is None else out).absolute()
    output.prepare(place.parent)
    figure.picture().save(place)
    console.print(Text(figure.statement), soft_wrap=True)
    console.print(Text.assemble("The picture: ", (str(out or place.name), "bold")), soft_wrap=True)
