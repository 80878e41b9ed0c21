"""Charts on matplotlib's Axes: their places, axes, legends, files. Each mark is drawn by `axes_marks`.

The same function draws on Axes of the user's, on a figure of pyplot's, and on the figure that
becomes a file. Words are never read as mathtext: a label shows what it says.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.errors import ConfigError, MissingDependencyError

from .axes_marks import DRAWN, plain
from .marks import Cells, Contours, Grid, entries
from .plan import Axis, Panel, Plan
from .shapes import Sheet
from .sheets import sheet_of
from .style import BACKGROUND, FAINT, INK, MUTED
from .text import number, text_width, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "new_axes", "rendered", "shapes", "standing"]

_SMALL = 9.0  # points: ticks and legends
_ROUNDS = 4  # of laying out
_FEW = 2.5  # decades, up to which a logarithmic axis has ticks at 1, 2 and 5


def new_axes(operation: str, height: float = 4.2, width: float = 7.2) -> Axes:
    """Axes of a new figure of pyplot's: those are what a notebook and ``plt.show()`` show.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise _missing(operation) from None
    axes: Axes = plt.figure(figsize=(width, height), layout="constrained").subplots()
    return axes


def _missing(operation: str) -> MissingDependencyError:
    return MissingDependencyError(
        operation,
        "matplotlib is not installed. Install the extra that brings it: "
        "pip install 'gradproof[plots]'.",
    )


def draw(chart: Plan, ax: Axes | Sequence[Axes] | None = None) -> Axes:
    """Draw a chart; see `viz.Chart.draw`."""
    width, height = chart.size
    places, shelf = _places(chart, new_axes(chart.name, height, width) if ax is None else ax)
    handles: dict[str, Any] = {}
    for panel, place in zip(chart.panels, places, strict=True):
        _panel(chart, panel, place, handles)
    _outer_words(chart, places)
    if handles:
        words = chart.panels[-1].x.words or ()
        _legend(shelf or places[-1], handles, shelf is not None, words)
    return places[0]


def standing(chart: Plan) -> Figure:
    """A figure that stands alone: title above, caption below. It is no figure of pyplot's.

    Whatever the user's settings of matplotlib are, equal charts are equal figures.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise _missing(chart.name) from None
    with _settings():
        figure = Figure(figsize=chart.size, layout="constrained", facecolor=BACKGROUND, dpi=96)
        FigureCanvasAgg(figure)
        draw(chart, figure.subplots())
        if chart.title:
            words = {"fontsize": 12, "fontweight": "bold", "color": INK, "parse_math": False}
            figure.suptitle(plain(chart.title), x=0.012, ha="left", **words)
        if chart.caption:
            figure.supxlabel(
                "\n".join(wrapped(plain(chart.caption), 0.97 * chart.size[0] * 72, 9.5)),
                x=0.012, ha="left", fontsize=9.5, color=MUTED, parse_math=False,
            )  # fmt: skip
        _settle(figure)
    return figure


def _settle(figure: Any) -> None:
    """Give the panels their places, once, under these settings.

    The room that an axis needs depends on its ticks, and these on the room: until nothing moves.
    """
    engine, before = figure.get_layout_engine(), np.zeros(0)
    for _ in range(_ROUNDS):
        engine.execute(figure)
        places = np.array([place.get_position().extents for place in figure.axes])
        if before.shape == places.shape and np.abs(places - before).max() < 1e-3:
            break
        before = places
    figure.set_layout_engine("none")


def rendered(chart: Plan, form: str) -> bytes:
    """A chart as "png" or "pdf"."""
    figure = standing(chart)
    target = io.BytesIO()
    # No date and no version: equal charts are equal files.
    about: dict[str, Any] = {"Title": chart.title}
    about |= {"CreationDate": None, "Producer": None} if form == "pdf" else {"Software": None}
    with _settings():
        figure.savefig(target, format=form, dpi=192, metadata=about)
    return target.getvalue()


def shapes(chart: Plan) -> Sheet:
    """A chart as shapes, for our SVG writer."""
    figure = standing(chart)
    with _settings():
        return sheet_of(figure)


def _settings() -> Any:
    """Matplotlib's own settings, in place of the user's: parts of a figure are made when it is drawn."""
    import matplotlib.style

    return matplotlib.style.context("default")


# --- panels -----------------------------------------------------------------------------------------


def _places(chart: Plan, ax: Axes | Sequence[Axes]) -> tuple[list[Any], Any]:
    """As many Axes as there are panels, row by row, and one for the legend where that needs its own.

    Single Axes are divided. Under one column the legend hangs below the last panel; under several it
    is wider than one of them.
    """
    single: Any = ax
    count = len(chart.panels)
    if isinstance(single, list | tuple | np.ndarray):
        axes = list(np.ravel(np.array(single, object)))
        if len(axes) != count:
            raise ConfigError(
                chart.name,
                f"expected Axes for {count} panel{'s' if count > 1 else ''}; received "
                f"{len(axes)}. Pass as many, or single Axes, which are divided.",
            )
        return axes, None
    if count == 1:
        return [single], None
    columns = min(chart.columns, count)
    rows = -(-count // columns)
    figure, grid = single.figure, single.get_subplotspec()
    places = [single]
    shared = {
        "sharex": single if chart.joined else None,
        "sharey": single if chart.joined == "both" else None,
    }
    if grid is not None:
        wide = columns > 1 and any(entries(m) for panel in chart.panels for m in panel.marks)
        heights = [1.0] * rows + ([0.1 * rows] if wide else [])
        cells = grid.subgridspec(len(heights), columns, height_ratios=heights)
        single.set_subplotspec(cells[0, 0])
        others = [cells[k // columns, k % columns] for k in range(1, count)]
        places += [figure.add_subplot(cell, **shared) for cell in others]
        return places, figure.add_subplot(cells[rows, :]) if wide else None
    # Axes at a place of their own, which no grid manages.
    x, y, width, height = single.get_position().bounds
    gap = 0.06 if rows == 1 else 0.03
    wide, high = width / columns, height / rows
    for k in range(count):
        left, low = x + k % columns * wide, y + (rows - 1 - k // columns) * high
        inner = (
            left + (gap / 2 * width if k % columns else 0),
            low + (gap * height if k // columns < rows - 1 else 0),
            wide - (gap / 2 * width if columns > 1 else 0),
            high - (gap * height if rows > 1 else 0),
        )
        if k == 0:
            single.set_position(inner)
        else:
            places.append(figure.add_axes(inner, **shared))
    return places, None


def _panel(chart: Plan, panel: Panel, place: Any, handles: dict[str, Any]) -> None:
    for mark in panel.marks:
        drawn = DRAWN[type(mark)](place, mark)
        signs = drawn if isinstance(mark, Cells) else [drawn]
        for word, sign in zip(entries(mark), signs, strict=False):
            handles.setdefault(word, sign)
    if panel.title:
        place.set_title(plain(panel.title), fontsize=10, color=INK, parse_math=False)
    covered = any(
        isinstance(m, Grid | Cells) or (isinstance(m, Contours) and m.filled) for m in panel.marks
    )
    if not covered:
        place.grid(color=FAINT, linewidth=0.5, alpha=0.7)
    place.set_axisbelow(True)
    place.spines[["top", "right"]].set_visible(False)
    for name, axis in (("x", panel.x), ("y", panel.y)):
        _axis(place, name, axis)
    if any(isinstance(m, Cells) for m in panel.marks):  # their own edges are frame enough
        place.spines[["left", "bottom"]].set_visible(False)
        place.tick_params(length=0)
    if panel.square:
        place.set_aspect("equal", adjustable="box")


def _axis(place: Any, name: str, axis: Axis) -> None:
    on = getattr(place, f"{name}axis")
    if axis.label:
        getattr(place, f"set_{name}label")(plain(axis.label), color=MUTED, parse_math=False)
    if axis.scale == "log":
        getattr(place, f"set_{name}scale")("log")
    sides = ("left", "right") if name == "x" else ("bottom", "top")
    bounds = zip(sides, (axis.low, axis.high), strict=True)
    limits = {side: limit for side, limit in bounds if limit is not None}
    if limits:
        getattr(place, f"set_{name}lim")(**limits)
    if axis.ticks is not None:
        words = (
            [number(t) for t in axis.ticks]
            if axis.words is None
            else [plain(word) for word in axis.words]
        )
        on.set_ticks(axis.ticks, words, parse_math=False)
        on.minorticks_off()
    elif axis.scale == "log":
        _logarithmic(place, name, on)
    elif axis.whole:
        place.locator_params(axis=name, integer=True)


def _logarithmic(place: Any, name: str, on: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = sorted(getattr(place, f"get_{name}lim")())
    if not low > 0:  # there is no number to show
        low, high = getattr(place, f"set_{name}lim")(0.1, 1.0)
    few = np.log10(high / low) <= _FEW
    on.set_major_locator(LogLocator(subs=(1, 2, 5)) if few else LogLocator())
    on.set_major_formatter(FuncFormatter(lambda value, _: number(value)))  # 0.2, not 2 × 10⁻¹
    on.set_minor_formatter(NullFormatter())


def _outer_words(chart: Plan, places: list[Any]) -> None:
    """Of axes in common, only those at the edge have words."""
    count = len(places)
    for k, place in enumerate(places):
        below = places[k + chart.columns] if k + chart.columns < count else None
        left = places[k - 1] if k % chart.columns else None
        if below is not None and place.get_shared_x_axes().joined(place, below):
            place.set_xlabel("")
            place.tick_params(labelbottom=False)
        if left is not None and place.get_shared_y_axes().joined(place, left):
            place.set_ylabel("")
            place.tick_params(labelleft=False)


def _columns(place: Any, words: Sequence[str]) -> int:
    """How many entries of a legend fit side by side."""
    room = place.get_position().width * place.figure.bbox.width
    widest = max(text_width(word, _SMALL * place.figure.dpi / 72) for word in words)
    sign = 4.5 * _SMALL * place.figure.dpi / 72  # the line before a word, and the gap after it
    return min(len(words), max(1, int(room / (widest + sign))))


def _legend(place: Any, handles: dict[str, Any], shelf: bool, words: Sequence[str]) -> None:
    """On its own shelf, or under the axes and the words at their ticks: where no curve can pass."""
    from matplotlib.transforms import offset_copy

    if shelf:
        place.axis("off")
        where: dict[str, Any] = {"loc": "center"}
    else:
        lines = max((word.count("\n") for word in words), default=0)
        down = -34 - 1.3 * _SMALL * lines
        below = offset_copy(place.transAxes, place.figure, y=down, units="points")
        where = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": below}
    legend = place.legend(
        handles=list(handles.values()),
        labels=[plain(word) for word in handles],
        ncols=_columns(place, list(handles)),
        frameon=False,
        fontsize=_SMALL,
        borderaxespad=0.5 if not shelf else 0.0,
        **where,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
