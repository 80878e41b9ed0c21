"""Chart: a figure of numbers as plain data, drawn on Axes or written as a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core import files

from . import pages
from .axes import draw, rendered, shapes
from .plan import Plan
from .svg import sheet_to_svg
from .text import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Chart"]

_FORMS = ("svg", "png", "pdf", "html")


@dataclass(frozen=True)
class Chart(Plan):
    """A figure of numbers, as `Plan` has them: panels of marks, with a title and a caption.

    Made by the ``chart_*`` functions of `viz.figures`; shown as a picture by notebooks.

    Examples
    --------
    >>> from viz import Chart
    >>> from viz.drawing.marks import Line
    >>> from viz.drawing.plan import Axis, Panel
    >>> falling = Line([1, 2, 3], [0.9, 0.5, 0.4], "training")
    >>> Chart("loss", "Loss of a run", (Panel((falling,), Axis("epoch"), Axis("loss")),))
    <Chart of Loss of a run: 1 panel, 1 mark>
    """

    # --- Axes -----------------------------------------------------------------------------------

    def draw(self, ax: Axes | Sequence[Axes] | None = None) -> Axes:
        """Draw by matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, or one for each panel, optional
            Where to draw; the place of single Axes is divided where there are several panels. Default:
            a new figure of pyplot's, which a notebook shows, and ``plt.show()`` on a desktop.

        Returns
        -------
        matplotlib Axes
            That of the first panel; the others follow it in ``ax.figure.axes``.

        Raises
        ------
        ConfigError
            If there are not as many Axes as panels.
        MissingDependencyError
            If matplotlib is not installed (extra ``plots``).
        """
        return draw(self, ax)

    # --- files ----------------------------------------------------------------------------------

    def to_svg(self) -> str:
        """The figure as an SVG document: plain shapes and words, no script and no reference.

        Raises
        ------
        MissingDependencyError
            If matplotlib, which places ticks and words, is not installed (extra ``plots``).
        """
        return sheet_to_svg(shapes(self), self.title, "gradproof and matplotlib")

    def to_html(self) -> str:
        """One offline page with the figure in it; nothing is fetched, nothing is run."""
        return pages.page(self.title, self.to_svg())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figure; the ending of the name says in which form. Equal charts are equal bytes.

        Parameters
        ----------
        path : path-like
            Ending in .svg, .png, .pdf or .html.

        Returns
        -------
        pathlib.Path
            The path written, whole or not at all.

        Raises
        ------
        ConfigError
            If the ending is another one.
        MissingDependencyError
            If matplotlib is not installed (extra ``plots``).
        """
        target, form = pages.target(path, _FORMS, self.name)
        if form in ("svg", "html"):
            data = pages.svg_file(self.to_svg()) if form == "svg" else self.to_html()
            files.write(target, data)
        else:
            files.write(target, rendered(self, form))
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"image/svg+xml": self.to_svg(), "text/plain": repr(self)}
        wanted = set(include or bundle) - set(exclude or ())
        return {key: value for key, value in bundle.items() if key in wanted}

    def __repr__(self) -> str:
        marks = sum(len(panel.marks) for panel in self.panels)
        title = shorten(self.title or self.name, 60)
        counts = ((len(self.panels), "panel"), (marks, "mark"))
        told = ", ".join(f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
        return f"<Chart of {title}: {told}>"
