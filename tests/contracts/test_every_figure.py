"""Every figure: its statement holds on its data, and a reader can see it.

Measured on what is drawn: words lie inside and apart, legends beside the panels, curves of one panel
are told apart without their colours. That each of these can fail is seen on figures that are wrong.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import pkgutil
import re
import time

import numpy as np
import pytest

import viz
from autograd_core.errors import ConfigError
from viz import registry
from viz.drawing.axes import rendered, standing
from viz.drawing.chart import Chart
from viz.drawing.drawing import Drawing
from viz.drawing.layout import lay_out
from viz.drawing.marks import (
    Arrows,
    Band,
    Bars,
    Cells,
    Contours,
    Grid,
    Line,
    Note,
    Points,
    Rule,
    arrays,
)
from viz.drawing.plan import Axis, Panel
from viz.drawing.renderers import svg_is_sound
from viz.drawing.shapes import Words, compose
from viz.drawing.sheets import sheet_of

matplotlib = pytest.importorskip("matplotlib")

NAMES = sorted(registry.FIGURES)
PALE = 85.0  # CIE L*: on white, a line of it is not seen
DARKER = 20.0  # CIE L*, of 100: apart in grey
SECONDS = 6.0  # of CPU for an example; it is computed whenever somebody asks for the figure


class Drawn:
    """A figure's picture and what it looks like, each made once."""

    def __init__(self, picture, seconds=0.0):
        self.picture, self.seconds = picture, seconds

    @functools.cached_property
    def figure(self):
        """Of matplotlib, as it stands in a file."""
        return standing(self.picture)

    @functools.cached_property
    def sheet(self):
        """Shapes and words."""
        if isinstance(self.picture, Chart):
            return sheet_of(self.figure)
        picture = self.picture.picture
        return compose(picture, lay_out(picture), "test")


@functools.cache
def drawn(name):
    """A figure's picture, with the CPU seconds of its example."""
    start = time.process_time()
    result = registry.named(name).example()
    seconds = time.process_time() - start
    made = registry.named(name).make(result)
    return Drawn(registry.captioned(made, registry.named(name).statement), seconds)


# --- what is measured -------------------------------------------------------------------------------


@functools.cache
def agg():
    """What measures text."""
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(10, 10, 96)


def box(words):
    """The rectangle of a line of text: left, top, right, bottom in pixels."""
    from matplotlib.font_manager import FontProperties

    weight = "bold" if words.bold else "normal"
    font = FontProperties(family="DejaVu Sans", size=words.size * 0.75, weight=weight)
    width, height, descent = agg().get_text_width_height_descent(words.text, font, False)
    left = -width * {"start": 0, "middle": 0.5, "end": 1}[words.anchor]
    corners = [(left, descent - height), (left + width, descent)]
    if words.turn:
        assert words.turn == 90, "words are level or turned by a quarter"
        corners = [(y, -x) for x, y in corners]
    (a, b), (c, d) = corners
    return (
        words.x + min(a, c), words.y + min(b, d), words.x + max(a, c), words.y + max(b, d)
    )  # fmt: skip


def misplaced_words(page):
    """Words that are cut off, and pairs that run into each other."""
    words = [m for group in page.groups for m in group.marks if isinstance(m, Words)]
    placed = [(w.text, box(w)) for w in words if w.text.strip()]
    wrong = [
        f"{text!r} is cut"
        for text, (left, top, right, bottom) in placed
        if left < 0 or top < 0 or right > page.width or bottom > page.height
    ]
    for (text, a), (other, b) in itertools.combinations(placed, 2):
        # Lines of one text may touch; what stands side by side has a gap.
        if min(a[2], b[2]) - max(a[0], b[0]) > -2 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5:
            wrong.append(f"{text!r} runs into {other!r}")
    return wrong


def covered_data(chart, figure):
    """Legends over panels, notes that a curve crosses, points that their panel cuts."""
    from matplotlib.path import Path
    from matplotlib.transforms import Bbox

    measure = figure.canvas.get_renderer()
    wrong = []
    panels = figure.axes[: len(chart.panels)]
    for place in figure.axes:
        legend = place.get_legend()
        if legend is not None:
            around = legend.get_window_extent(measure)
            wrong += ["the legend lies on a panel" for p in panels if around.overlaps(p.bbox)]
    for panel, place in zip(chart.panels, panels, strict=True):
        curves = [
            Path(place.transData.transform(np.column_stack([m.x, m.y])[~np.isnan(m.x + m.y)]))
            for m in panel.marks
            if isinstance(m, Line)
        ]
        dots = [
            (place.transData.transform(np.column_stack([m.x, m.y])), m)
            for m in panel.marks
            if isinstance(m, Points)
        ]
        for text in place.texts:
            if not text.get_text():
                continue  # an arrow
            around = text.get_window_extent(measure)
            if any(curve.intersects_bbox(around, filled=False) for curve in curves):
                wrong.append(f"a curve crosses {text.get_text()!r}")
            if any(around.contains(x, y) for spots, _ in dots for x, y in spots):
                wrong.append(f"a point lies on {text.get_text()!r}")
        for spots, mark in dots:
            room = place.bbox.padded(-mark.size * figure.dpi / 72 / 2)
            if not all(Bbox([room.min, room.max]).contains(x, y) for x, y in spots):
                wrong.append(f"the panel cuts {mark.label!r}")
    return wrong


def lightness(colour):
    """CIE L* of ``#rrggbb``."""
    levels = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels)
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return 116 * (y ** (1 / 3) if y > 0.008856 else 7.787 * y + 16 / 116) - 16


def alike_in_grey(chart):
    """Pairs of marks of one panel, or of kinds of cells, that only their colours tell apart."""
    wrong = []
    for panel in chart.panels:
        kinds = {
            kind
            for m in panel.marks
            if isinstance(m, Cells)
            for kind in zip(m.words, m.fills, strict=True)
        }
        wrong += [
            f"{a[0]!r} and {b[0]!r}"
            for a, b in itertools.combinations(sorted(kinds), 2)
            if a[0] != b[0] and abs(lightness(a[1]) - lightness(b[1])) < DARKER
        ]
        explained = (Grid, Cells, Contours)  # by their own bars, or kind by kind
        named = [
            m
            for m in panel.marks
            if getattr(m, "label", "").strip("_") and not isinstance(m, explained)
        ]
        for a, b in itertools.combinations(named, 2):
            form = [
                (type(m), getattr(m, "dashes", ""), getattr(m, "marker", ""), getattr(m, "hollow", ""))
                for m in (a, b)
            ]  # fmt: skip
            if form[0] != form[1] or (a.key or a.label) == (b.key or b.label):
                continue
            widths = sorted(getattr(m, "width", 1.0) for m in (a, b))
            if (
                abs(lightness(a.colour) - lightness(b.colour)) < DARKER
                and widths[1] < 2 * widths[0]
            ):
                wrong.append(f"{a.label!r} and {b.label!r}")
    return wrong


def pale(chart):
    """Marks of the legend that hardly stand out from the page."""
    named = [m for panel in chart.panels for m in panel.marks if getattr(m, "label", "").strip("_")]
    fills = [
        kind
        for panel in chart.panels
        for m in panel.marks
        if isinstance(m, Cells)
        for kind in zip(m.words, m.fills, strict=True)
    ]
    wrong = [m.label for m in named if hasattr(m, "colour") and lightness(m.colour) > PALE]
    return wrong + [word for word, fill in fills if lightness(fill) > PALE]


def unlabelled(chart):
    """Panels at the edge without a word for an axis."""
    count = len(chart.panels)
    return [
        k
        for k, panel in enumerate(chart.panels)
        if not panel.x.label or not panel.y.label
        if k % chart.columns == 0 or k + chart.columns >= count or not chart.joined
    ]


def flattened(chart, k):
    """A chart one of whose panels shows nothing: every y its mean."""
    names = ("y", "low", "high", "values", "z", "dy")

    def flat(mark):
        if isinstance(mark, Cells):
            return dataclasses.replace(mark, kinds=0 * mark.kinds)
        found = {n: v for n, v in arrays(mark).items() if n in names and v.size}
        return dataclasses.replace(
            mark, **{n: np.full_like(v, np.nanmean(v)) for n, v in found.items()}
        )

    panels = list(chart.panels)
    panels[k] = dataclasses.replace(panels[k], marks=tuple(map(flat, panels[k].marks)))
    return dataclasses.replace(chart, panels=tuple(panels))


def turned(chart):
    """Upside down: every y and every value negated, every kind of cells another."""

    def other(mark):
        if isinstance(mark, Cells):
            return dataclasses.replace(mark, kinds=len(mark.words) - 1 - mark.kinds)
        height = "z" if isinstance(mark, Contours) else "values" if isinstance(mark, Grid) else "y"
        if height not in arrays(mark):
            return mark
        levels = {"levels": -mark.levels[::-1]} if isinstance(mark, Contours) else {}
        return dataclasses.replace(mark, **{height: -getattr(mark, height)}, **levels)

    panels = tuple(
        dataclasses.replace(panel, marks=tuple(map(other, panel.marks))) for panel in chart.panels
    )
    return dataclasses.replace(chart, panels=panels)


def rewired(drawing):
    """Graphs that are wrong: without edges, with all of them turned."""
    picture = drawing.picture
    back = tuple(dataclasses.replace(e, source=e.target, target=e.source) for e in picture.edges)
    for edges in ((), back):
        yield Drawing(dataclasses.replace(picture, edges=edges), "layered")


# --- every figure -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_statement_holds(name):
    figure = registry.named(name)
    assert figure.holds(drawn(name).picture)
    assert re.fullmatch(r"[^\n]{20,300}\.", figure.statement), "one sentence"
    assert drawn(name).seconds < SECONDS


@pytest.mark.parametrize("name", NAMES)
def test_the_statement_would_not_hold_on_other_data(name):
    picture = drawn(name).picture
    if isinstance(picture, Drawing):
        wrong = list(rewired(picture))
    else:
        wrong = [turned(picture), *(flattened(picture, k) for k in range(len(picture.panels)))]
    for other in wrong:
        assert not registry.named(name).holds(other)


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_can_see_it(name):
    found = drawn(name)
    picture = found.picture
    assert misplaced_words(found.sheet) == []
    if isinstance(picture, Chart):
        assert covered_data(picture, found.figure) == []
        assert alike_in_grey(picture) == []
        assert pale(picture) == []
        assert unlabelled(picture) == []
        assert picture.title
        assert picture.caption


@pytest.mark.parametrize("name", NAMES)
def test_files_are_the_same_each_time_and_safe(name):
    svg = drawn(name).picture.to_svg()
    assert svg_is_sound(svg)
    shapes = re.findall(r' (?:d|x|y|width|opacity|points|transform)="([^"]*)"', svg)
    assert shapes
    assert not re.search("nan|inf", "".join(shapes))
    # The user's settings of matplotlib are another matter.
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.facecolor": "red"}):
        assert registry.named(name).picture().to_svg() == svg


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_on_axes_that_are_given(name):
    picture = drawn(name).picture
    if isinstance(picture, Drawing):
        pytest.skip("a graph is drawn by our own writer")
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    open_before = plt.get_fignums()
    axes, other = Figure(figsize=(12, 5), layout="constrained").subplots(1, 2)
    assert picture.draw(axes) is axes
    assert not other.has_data()
    assert plt.get_fignums() == open_before


def test_a_figure_is_found_by_its_name():
    assert NAMES
    for name in NAMES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        make = registry.named(name).make
        assert getattr(viz.figures, make.__name__) is make
        assert make.__module__.rpartition(".")[2] == name.replace("-", "_"), (
            "a figure's file has its name"
        )
    files = pkgutil.walk_packages(viz.figures.__path__, "viz.figures.")
    homes = {registry.named(name).make.__module__ for name in NAMES}
    assert {f.name for f in files if not f.ispkg} == homes, "a file without a figure, or not listed"
    with pytest.raises(ConfigError, match=r"no figure 'histry'.*Did you mean history\?"):
        registry.named("histry")
    with pytest.raises(ConfigError, match="taken twice"):
        registry.figure(NAMES[0], statement="", example=dict, holds=bool)(lambda result: result)


# --- what is asked can fail -------------------------------------------------------------------------

X = np.linspace(0, 1, 20)
AXES = {"x": Axis("x"), "y": Axis("y")}


def chart(*marks, **rest):
    return Chart("test", rest.pop("title", "A title"), (Panel(marks, **AXES),), **rest)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (chart(Line(X, X), Note("here it is", 0.2, 0.8), Note("and here", 0.22, 0.81)), "runs into"),
        (Chart("test", "t", (Panel((Line(X, X),), Axis("x"), Axis("words " * 30)),)), "is cut"),
        (chart(Line(X, X), title="words " * 60), "is cut"),
    ],
)  # fmt: skip
def test_words_that_are_misplaced_are_seen(wrong, message):
    assert any(message in found for found in misplaced_words(Drawn(wrong).sheet))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (chart(Line(X, X), Note("the curve passes here", 0.4, 0.5)), "a curve crosses"),
        (chart(Points(X, X), Note("a point is here", 0.42, 0.47)), "a point lies on"),
        (
            Chart("test", "t", (Panel((Points(X, X, "p"),), Axis("x", low=0, high=1), Axis("y")),)),
            "the panel cuts 'p'",
        ),
    ],
)
def test_data_that_is_covered_is_seen(wrong, message):
    assert any(message in found for found in covered_data(wrong, standing(wrong)))


def test_curves_that_are_alike_in_grey_are_seen():
    blue, red, light = "#0072b2", "#d55e00", "#cfe3f2"
    assert alike_in_grey(chart(Line(X, X, "a", colour=blue), Line(X, -X, "b", colour=red)))
    for other in (
        Line(X, -X, "b", colour=red, dashes="dashed"),
        Line(X, -X, "b", colour=red, marker="s"),
        Line(X, -X, "b", colour=light),
        Points(X, -X, "b", colour=red),
    ):
        assert not alike_in_grey(chart(Line(X, X, "a", colour=blue), other))
    cells = Cells([[0, 1]], (0, 2), (0, 1), ("a", "b"), (blue, red))
    assert alike_in_grey(chart(cells)) == ["'a' and 'b'"]
    assert not alike_in_grey(chart(dataclasses.replace(cells, fills=(blue, light))))
    assert pale(chart(dataclasses.replace(cells, fills=(blue, light)))) == ["b"]
    assert math.isclose(lightness("#ffffff"), 100, abs_tol=1e-6)
    assert pale(chart(Line(X, X, "a", colour=light), Line(X, -X, "b", colour=red))) == ["a"]


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_other_files_are_the_same_each_time(form):
    made = chart(Line(X, X, "line"), Note("Σ", 0.2, 0.8))
    assert rendered(made, form) == rendered(made, form)


def test_axes_without_words_are_seen():
    bare = Chart("test", "t", (Panel((Line(X, X),), Axis("x")),))
    assert unlabelled(bare) == [0]
    assert unlabelled(chart(Line(X, X))) == []


def test_every_kind_of_mark_becomes_plain_shapes():
    z = np.add.outer(X, X)
    marks = (
        Grid(z[:4, :6], (0, 1), (0, 1), label="z"),
        Cells([[0, 1], [np.nan, 1]], (0, 1), (0, 1), ("on", "off"), ("#0072b2", "#c9ced6")),
        Contours(X, X, z, np.array([0.5, 1.0])),
        Contours(X, X, z, np.array([0.0, 1.0, 2.0]), filled=True, label="levels"),
        Band(X, X - 0.1, X + 0.1, "band"),
        Bars(X[::5], X[::5], width=0.1, label="bars", key="b"),
        Line(X, np.where(X > 0.5, np.nan, X), "line", marker="^"),
        Points(X, X, "points", hollow=True),
        Arrows(X[:2], X[:2], X[2:4], -X[2:4], "arrows"),
        Rule(0.5, upright=False, label="_rule"),
        Note("$x^2$ is not read & < shows", 0.5),
    )
    made = chart(*marks)
    svg = made.to_svg()
    assert svg_is_sound(svg)
    assert "$x^2$ is not read &amp; &lt; shows" in svg
    assert rendered(made, "png").startswith(b"\x89PNG")
    legend = [t.get_text() for t in made.draw().get_legend().get_texts()]
    assert legend == ["on", "off", "band", "b", "line", "points", "arrows"]
