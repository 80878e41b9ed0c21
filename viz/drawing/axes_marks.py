"""Marks on matplotlib's Axes, a function each: the only place that calls its plotting functions.

Each takes Axes and a mark, and gives what stands for it in a legend. Words are never read as mathtext.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.markup import visible

from .marks import Arrows, Band, Bars, Cells, Contours, Grid, Line, Note, Points, Rule
from .style import BACKGROUND, MUTED, SEQUENTIAL

__all__ = ["DRAWN", "plain"]

_DASHES = {"solid": "-", "dashed": (0, (5, 2)), "dotted": (0, (1, 2)), "dashdot": (0, (6, 2, 1, 2))}


def plain(words: str) -> str:
    """Words as they may stand in a picture, line by line: visible, whatever characters they hold."""
    return "\n".join(map(visible, words.split("\n")))


def _label(mark: Any) -> str:
    """What matplotlib calls it; without a name, nothing that a legend would show."""
    return plain(mark.label) or "_"


def _line(place: Any, mark: Line) -> Any:
    (drawn,) = place.plot(
        mark.x,
        mark.y,
        color=mark.colour,
        linewidth=mark.width,
        linestyle=_DASHES[mark.dashes],
        marker=mark.marker,
        markersize=mark.size,
        fillstyle="none" if mark.hollow else "full",
        label=_label(mark),
    )
    return drawn


def _points(place: Any, mark: Points) -> Any:
    (drawn,) = place.plot(
        mark.x,
        mark.y,
        linestyle="",
        color=mark.colour,
        marker=mark.marker,
        markersize=mark.size,
        fillstyle="none" if mark.hollow else "full",
        label=_label(mark),
    )
    return drawn


def _bars(place: Any, mark: Bars) -> Any:
    base = np.asarray(mark.base)
    return place.bar(mark.x, mark.y - base, mark.width, base, color=mark.colour, label=_label(mark))


def _band(place: Any, mark: Band) -> Any:
    return place.fill_between(
        mark.x, mark.low, mark.high,
        color=mark.colour, alpha=mark.opacity, linewidth=0, label=_label(mark),
    )  # fmt: skip


def _grid(place: Any, mark: Grid) -> None:
    rows, columns = mark.values.shape
    cells = place.pcolormesh(
        np.linspace(*mark.x, columns + 1),
        np.linspace(*mark.y, rows + 1),
        np.ma.masked_invalid(mark.values),
        cmap=_colours(mark.colours),
        vmin=mark.low,
        vmax=mark.high,
        # A line of the cell's own colour covers the seam between neighbours.
        edgecolors="face",
        linewidth=0.3,
    )
    if mark.label:
        _colour_bar(place, cells, mark.label)


def _colours(name: str) -> Any:
    """In as many steps as an eye tells apart: the bar beside a panel has a cell for each."""
    import matplotlib as mpl

    return mpl.colormaps[name].resampled(64)


def _cells(place: Any, mark: Cells) -> list[Any]:
    """An outline for each kind, around all of its cells: neighbours in a row are one rectangle.

    Where lines part the cells, each is a rectangle of its own.
    """
    from matplotlib.patches import Patch, PathPatch
    from matplotlib.path import Path

    rows, columns = mark.kinds.shape
    xs, ys = np.linspace(*mark.x, columns + 1), np.linspace(*mark.y, rows + 1)
    for kind, fill in enumerate(mark.fills):
        of_kind = np.pad(mark.kinds == kind, ((0, 0), (1, 1)))
        begins = of_kind[:, 1:] if mark.parted else of_kind[:, 1:] & ~of_kind[:, :-1]
        ends = of_kind[:, :-1] if mark.parted else of_kind[:, :-1] & ~of_kind[:, 1:]
        (row, left), right = np.nonzero(begins), np.nonzero(ends)[1]
        if not len(row):
            continue
        x = np.stack([xs[left], xs[right], xs[right], xs[left], xs[left]], axis=1)
        y = np.stack([ys[row], ys[row], ys[row + 1], ys[row + 1], ys[row]], axis=1)
        codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
        path = Path(np.stack([x.ravel(), y.ravel()], axis=1), codes * len(row))
        edge = BACKGROUND if mark.parted else fill  # a line of its own colour covers the seams
        # Not as a patch, whose limits matplotlib looks for corner by corner.
        place.add_artist(PathPatch(path, facecolor=fill, edgecolor=edge, linewidth=0.6))
    place.update_datalim([(mark.x[0], mark.y[0]), (mark.x[1], mark.y[1])])
    place.autoscale_view()
    return [Patch(color=fill) for fill in mark.fills]


def _contours(place: Any, mark: Contours) -> None:
    if mark.filled:
        areas = place.contourf(
            mark.x, mark.y, mark.z, levels=mark.levels, cmap=_colours(SEQUENTIAL)
        )
        if mark.label:
            _colour_bar(place, areas, mark.label)
    else:
        place.contour(
            mark.x, mark.y, mark.z,
            levels=mark.levels, colors=mark.colour, linewidths=mark.width,
        )  # fmt: skip


def _colour_bar(place: Any, cells: Any, label: str) -> None:
    bar = place.figure.colorbar(cells, ax=place, drawedges=False)
    bar.set_label(plain(label), color=MUTED, parse_math=False)
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set(edgecolor="face", linewidth=0.8)


def _arrows(place: Any, mark: Arrows) -> Any:
    # Arrows do not widen the limits by themselves.
    known = ~np.isnan(mark.x + mark.y + mark.dx + mark.dy)
    starts = np.column_stack([mark.x, mark.y])[known]
    ends = starts + np.column_stack([mark.dx, mark.dy])[known]
    if known.any():
        place.update_datalim(np.vstack([starts, ends]))
        place.autoscale_view()
    for (x, y), (end_x, end_y) in zip(starts, ends, strict=True):
        place.annotate(
            "",
            (end_x, end_y),
            (x, y),
            arrowprops={
                "arrowstyle": "-|>,head_width=0.22,head_length=0.45",
                "color": mark.colour,
                "linewidth": mark.width,
                "shrinkA": 0,
                "shrinkB": 0,
            },
            annotation_clip=False,
        )
    from matplotlib.lines import Line2D

    return Line2D([], [], color=mark.colour, linewidth=mark.width, marker=">", markersize=5)


def _rule(place: Any, mark: Rule) -> Any:
    across = place.axvline if mark.upright else place.axhline
    return across(
        mark.at,
        color=mark.colour,
        linewidth=mark.width,
        linestyle=_DASHES[mark.dashes],
        label=_label(mark),
    )


def _note(place: Any, mark: Note) -> None:
    top = mark.y is None
    sideways = {"left": -mark.gap, "right": mark.gap}.get(mark.side, 0.0)
    upwards = {"above": mark.gap, "below": -mark.gap}.get(mark.side, -4.0 if top else 0.0)
    place.annotate(
        plain(mark.text),
        (mark.x, 1.0 if top else mark.y),
        xycoords=("data", "axes fraction") if top else "data",
        xytext=(sideways, upwards),
        textcoords="offset points",
        ha={"left": "right", "right": "left"}.get(mark.side, "center"),
        va={"above": "bottom", "below": "top"}.get(mark.side, "top" if top else "center"),
        fontsize=mark.size,
        color=mark.colour,
        parse_math=False,
        annotation_clip=False,
    )


DRAWN: dict[type, Callable[[Any, Any], Any]] = {
    Line: _line,
    Points: _points,
    Bars: _bars,
    Band: _band,
    Grid: _grid,
    Cells: _cells,
    Contours: _contours,
    Arrows: _arrows,
    Rule: _rule,
    Note: _note,
}
