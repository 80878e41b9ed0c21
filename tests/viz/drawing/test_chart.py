import dataclasses
import io
import itertools
import re
import sys

import numpy as np
import pytest

import viz
from autograd_core.errors import ConfigError, MissingDependencyError
from viz.drawing.axes import rendered, shapes, standing
from viz.drawing.chart import Chart
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
)
from viz.drawing.plan import Axis, Panel
from viz.drawing.renderers import png_from_svg, svg_is_sound
from viz.drawing.shapes import Outline, Words

matplotlib = pytest.importorskip("matplotlib")
X = np.linspace(0.0, 1.0, 11)


def chart(*marks, x=None, y=None, count=1, **rest):
    panel = Panel(marks or (Line(X, X, "line"),), x or Axis("x"), y or Axis("y"))
    return Chart("test", "A title", (panel,) * count, **rest)


def cells(kinds, **changes):
    options = {"x": (0, 1), "y": (-1, 1), "words": ("on", "off"), "fills": ("#0072b2", "#c9ced6")}
    return Cells(kinds, **{**options, **changes})


def outlines(made):
    return [m for group in shapes(made).groups for m in group.marks if isinstance(m, Outline)]


def words(made):
    return [m for group in shapes(made).groups for m in group.marks if isinstance(m, Words)]


def test_numbers_are_its_own_and_stay_as_they_are():
    given = [1, 2, 3]
    line = Line(given, given)
    given[0] = 9
    assert line.x.tolist() == [1.0, 2.0, 3.0]
    assert line.x.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        line.x[0] = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        line.x = X


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Line(X, X[1:]),
            r"Line: expected arrays of one length; received x \(11,\), y \(10,\)",
        ),
        (lambda: Points([np.inf], [1.0]), "Points: expected numbers in 'x', nan for a gap"),
        (lambda: Band(X, X, X[:3]), "Band: expected arrays of one length"),
        (lambda: Arrows(X, X, X, X[:3]), "Arrows: expected arrays of one length"),
        (lambda: Grid(X, (0, 1), (0, 1)), r"Grid: expected values of shape \(rows, columns\)"),
        (lambda: cells(X), r"Cells: expected kinds of shape \(rows, columns\); received \(11,\)"),
        (lambda: cells([[0, 2]]), "Cells: expected kinds from 0 to 1, .* received 2"),
        (lambda: cells([[0, 0.5]]), "Cells: expected kinds from 0 to 1, .* received 0.5"),
        (lambda: cells([[-1]]), "Cells: expected kinds from 0 to 1, .* received -1"),
        (lambda: cells([[0]], words=("on",)), "Cells: expected a colour for each word; received 1"),
        (lambda: cells([[0]], fills="#0072b2"), "Cells: fills: expected colours, one for each"),
        (lambda: cells([[0]], fills=("blue", "red")), "Cells: fills: expected a colour such as"),
        (
            lambda: Contours(X, X, X, X),
            r"Contours: expected z of shape .*\(11, 11\); received \(11,\)",
        ),
        (
            lambda: Line([[1.0]], [[1.0]]),
            r"Line: expected arrays of one length; received x \(1, 1\)",
        ),
        (lambda: Line(X, X, dashes="wavy"), "Line: dashes: expected one of 'solid'"),
        (lambda: Line(X, X, colour="blue"), "Line: colour: expected a colour such as"),
        (lambda: Points(X, X, marker="?"), "Points: marker: expected one of"),
        (lambda: Note("here", np.nan), "Note: x: expected a finite number"),
        (lambda: Note("here", 0.0, side="top"), "Note: side: expected one of 'left'"),
        (lambda: Rule(np.inf), "Rule: at: expected a finite number"),
        (lambda: Contours(X, X, np.outer(X, X), [1.0, 0.5]), "1 or more ascending levels"),
        (lambda: Contours(X, X, np.outer(X, X), [1.0], filled=True), "2 or more ascending levels"),
        (lambda: Axis(scale="sqrt"), "Axis: scale: expected one of 'linear', 'log'"),
        (lambda: Axis(scale="log", low=0.0), r"Axis: low: expected a finite number in \(0"),
        (lambda: Axis(low=1.0, high=1.0), "expected two limits; received 1 for both"),
        (lambda: Axis(ticks=(1.0,), words=("a", "b")), "received 2 words for 1 ticks"),
        (
            lambda: Panel((Line(X, X),), y=Axis(scale="log")),
            "no 0. Expected y above it; received 0",
        ),
        (
            lambda: Panel((Arrows([1.0], [1.0], [1.0], [-2.0]),), y=Axis(scale="log")),
            "Expected y above it; received -1",
        ),
        (lambda: chart(columns=0), "test: columns: expected an integer of 1 or more"),
        (lambda: chart(joined="y"), "test: joined: expected one of"),
        (lambda: chart(size=(0, 1)), "test: size: expected a finite number"),
        (lambda: Chart("test", "t", ()), "test: expected something to draw"),
        (lambda: Chart("test", "t", (Panel(()),)), "test: expected something to draw"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_bars_share_a_base():
    assert Bars(X, X, 0.5).base.tolist() == [0.5] * 11


def test_gaps_are_left_and_the_rest_is_drawn():
    y = np.where(abs(X - 0.5) < 0.01, np.nan, X)
    (curve,) = [o for o in outlines(chart(Line(X, y, colour="#123456"))) if o.line == "#123456"]
    assert sum(part[0] == "M" for part in curve.path) == 2


def test_curves_end_at_the_edge_of_their_panel():
    made = chart(
        Line(X, 10 * X, colour="#123456"),
        Points(X, 10 * X, colour="#654321"),
        Band(X, 0 * X, 10 * X, colour="#abcdef"),
        y=Axis("y", low=0, high=2.5),
    )
    page = shapes(made)
    for group in page.groups:
        for mark in group.marks:
            if isinstance(mark, Outline):
                ys = [part[k] for part in mark.path for k in range(2, len(part), 2)]
                assert all(-1 <= y <= page.height + 1 for y in ys)
    drawn = outlines(made)
    assert sum(o.fill == "#654321" for o in drawn) == 3, "0, 1 and 2 are inside"
    line = next(o for o in drawn if o.line == "#123456" and o.fill == "none")
    band = next(o for o in drawn if o.fill == "#abcdef")
    for shape in (line, band):
        ends = [(part[-2], part[-1]) for part in shape.path if len(part) > 1]
        assert max(y for _, y in ends) - min(y for _, y in ends) > 200
        assert max(x for x, _ in ends) <= 700
    assert band.opacity == 0.25


NONE = np.full(5, np.nan)
FIVE = np.linspace(0, 1, 5)
ODD = {
    "gaps alone": Line(FIVE, NONE, "a"),
    "nothing": Line([], [], "a"),
    "a point": Line([1.0], [2.0], "a"),
    "level": Line(FIVE, 0 * FIVE, "a"),
    "huge": Line(FIVE, 1e300 * FIVE, "a"),
    "tiny": Line(FIVE, 1e-300 * FIVE, "a"),
    "an empty cell": Grid([[np.nan]], (0, 1), (0, 1), label="z"),
    "a grid of one value": Grid(np.ones((2, 3)), (0, 1), (0, 1), label="z"),
    "an empty table": cells([[np.nan, np.nan]]),
    "a table without rows": cells(np.ones((0, 3))),
    "cells of one kind": cells(np.ones((2, 3))),
    "no level is met": Contours(FIVE, FIVE, np.ones((5, 5)), [5.0, 6.0]),
    "contours of gaps": Contours(FIVE, FIVE, np.full((5, 5), np.nan), [0.5]),
    "arrows of no length": Arrows(FIVE, FIVE, 0 * FIVE, 0 * FIVE, "a"),
    "arrows of gaps": Arrows(NONE, NONE, NONE, NONE, "a"),
    "no bars": Bars([], []),
    "bars that hang": Bars(FIVE, -FIVE, label="a"),
    "a band of gaps": Band(FIVE, NONE, NONE, "a"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_numbers_give_a_sound_picture(name):
    places = [float(v) for o in outlines(chart(ODD[name])) for part in o.path for v in part[1:]]
    assert np.isfinite(places).all()


KINDS = {
    "line": Line(FIVE, FIVE**2, marker="s", width=3.0, size=9.0),
    "points": Points(FIVE, FIVE, "p", size=12.0, hollow=True),
    "bars": Bars(FIVE, FIVE, -0.5, 0.1),
    "band": Band(FIVE, -FIVE, FIVE, opacity=0.4),
    "grid": Grid(np.arange(12.0).reshape(3, 4), (0, 1), (-1, 1)),
    "cells": cells(np.arange(12).reshape(3, 4) % 5 % 2, parted=False),
    "parted cells": cells(np.arange(12).reshape(3, 4) % 5 % 2, x=(0, 0.7)),
    "contours": Contours(FIVE, FIVE, np.add.outer(FIVE, FIVE), [0.5, 1.0], width=3.0),
    "areas": Contours(FIVE, FIVE, np.add.outer(FIVE, FIVE), [0.0, 0.5, 1.0, 2.0], filled=True),
    "arrows": Arrows(FIVE[:2], FIVE[:2], FIVE[2:4], -FIVE[2:4], width=3.0),
    "rule": Rule(0.5, width=4.0, dashes="solid"),
}


@pytest.mark.parametrize("cut", [False, True])
def test_our_svg_shows_what_matplotlib_draws(cut):
    """Panels of both, as pixels: every kind of mark, inside its panel and cut off by it."""
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    y = Axis("y", low=-0.2, high=0.4) if cut else Axis("y", low=-1.5, high=1.5)
    x = Axis("x", low=0.2, high=0.6) if cut else Axis("x", low=-0.5, high=1.5)
    over = (
        ("grid", "band", "line", "arrows"),
        ("areas", "contours", "bars", "points", "rule"),
        ("cells",),
        ("parted cells",),
    )
    assert sorted(itertools.chain(*over)) == sorted(KINDS)
    panels = tuple(Panel(tuple(KINDS[kind] for kind in kinds), x, y) for kinds in over)
    made = Chart("test", "t", panels, size=(4.0, 10.0))
    figure = standing(made)
    seen = [
        image.open(io.BytesIO(data)).convert("L")
        for data in (png_from_svg(made.to_svg(), 2.0), rendered(made, "png"))
    ]
    for kinds, place in zip(over, figure.axes, strict=True):
        # Thick lines that are cut end square to themselves here, and along the edge there.
        left, low, right, high = place.bbox.padded(-4.0 if cut else 4.0).extents
        edges = (left, figure.bbox.height - high, right, figure.bbox.height - low)
        crops = [whole.crop([int(2 * edge) for edge in edges]) for whole in seen]
        small = [crop.resize((crop.width // 8, crop.height // 8)) for crop in crops]
        ours, theirs = (np.asarray(crop, float) for crop in small)
        assert np.ptp(theirs) > 30, "something is drawn"
        # Joins of thick lines differ a little.
        assert np.abs(ours - theirs).max() < 60, kinds
        assert np.abs(ours - theirs).mean() < 3, kinds


@pytest.mark.parametrize("parted", [False, True])
def test_each_cell_has_the_colour_of_its_kind(parted):
    kinds = np.array([[0, 0, 1, 2], [1, np.nan, 1, 0], [2, 2, 2, np.nan]])
    fills = {0: "#0072b2", 1: "#c9ced6", 2: "#111111"}
    mark = cells(kinds, words=("a", "b", "c"), fills=tuple(fills.values()), parted=parted)
    made = chart(mark, x=Axis("x", low=0, high=1), y=Axis("y", low=1, high=-1))
    place = standing(made).axes[0]
    seen = np.full(kinds.shape, np.nan)
    for kind, fill in fills.items():
        paths = [o.path for o in outlines(made) if o.fill == fill]
        corners = np.array([part[1:] for path in paths for part in path if len(part) == 3])
        for box in corners.reshape(-1, 4, 2):
            for row, column in np.ndindex(*kinds.shape):
                middle = place.transData.transform(((column + 0.5) / 4, -1 + (row + 0.5) * 2 / 3))
                x, y = middle[0], place.figure.bbox.height - middle[1]
                if (box.min(0) < [x, y]).all() and ([x, y] < box.max(0)).all():
                    assert np.isnan(seen[row, column]), "one colour a cell"
                    seen[row, column] = kind
    np.testing.assert_array_equal(seen, kinds)
    tops = [place.transData.transform((0, y))[1] for y in (-1, 1)]
    assert tops[0] > tops[1], "the axis is turned: row 0 is on top"


def test_a_legend_stands_below_the_words_at_the_ticks():
    ticks = Axis("x", ticks=(0.5,), words=("a\nword\nof lines",))
    made = standing(chart(Line(X, X, "line"), x=ticks))
    (place,) = made.axes
    measure = made.canvas.get_renderer()
    top = place.get_legend().get_window_extent(measure).y1
    assert top < place.xaxis.label.get_window_extent(measure).y0


def test_hostile_words_are_shown_as_they_read():
    hostile = "</script><script>alert(1)</script>\x00\u202e \ud800 $x$ ]]> &amp;"
    marks = (
        Line(FIVE, FIVE, hostile), Note(hostile, 0.2, 0.3),
        Grid(np.ones((2, 2)), (0, 1), (0, 1), label=hostile),
    )  # fmt: skip
    ticks = Axis(hostile, ticks=(0.5,), words=(hostile,))
    panel = Panel(marks, ticks, Axis(hostile), hostile)
    svg = Chart("test", hostile, (panel,), caption=hostile, size=(30.0, 30.0)).to_svg()
    assert svg_is_sound(svg)
    assert (
        svg.count("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\x00\\u202e \\ud800 $x$")
        >= 9
    )


def test_many_curves_have_a_legend_that_fits():
    made = chart(*(Line(FIVE, k + FIVE, f"curve number {k}") for k in range(30)), size=(7.2, 8.0))
    told = [w for w in words(made) if w.text.startswith("curve")]
    assert len(told) == 30
    assert len({round(w.y) for w in told}) >= 4, "in rows"
    assert all(0 <= w.x <= 7.2 * 96 for w in told)


def test_forms_in_which_curves_differ_reach_the_shapes():
    made = chart(Line(X, X, "a", dashes="dashed", colour="#111111", width=3.0), Line(X, -X, "b"))
    dashed = [o for o in outlines(made) if o.line == "#111111"]
    assert all(o.dashes for o in dashed)
    assert dashed[0].width == pytest.approx(4.0)  # pixels
    assert [w.text for w in words(made) if w.text in "ab"] == ["a", "b"]


def test_words_keep_their_place_and_are_never_read_as_formulas():
    made = chart(x=Axis("$x_1$"), y=Axis("y in kg"), caption="What it says. " * 20)
    found = {w.text: w for w in words(made)}
    assert found["$x_1$"].anchor == "middle"
    assert found["y in kg"].turn == 90
    assert found["A title"].bold
    assert sum(w.text.startswith("What it says.") for w in found.values()) > 0
    assert made.to_svg().count("rotate(-90 ") == 1


@pytest.mark.parametrize(
    ("side", "anchor"), [("left", "end"), ("right", "start"), ("above", "middle")]
)
def test_lines_of_one_text_end_where_it_is_aligned(side, anchor):
    """Whatever font shows them: in another one, each line has another width."""
    made = chart(Note("iiiiiiiiiiii\nMM\na line", 0.5, 0.5, side=side))
    lines = [w for w in words(made) if w.text in ("iiiiiiiiiiii", "MM", "a line")]
    assert [line.anchor for line in lines] == [anchor] * 3
    assert np.ptp([line.x for line in lines]) < 0.6  # a pixel's rounding


@pytest.mark.parametrize(
    ("low", "high", "shown"), [(0.1, 10, "0.2"), (1e-8, 1e3, "1e−6"), (1, 1e6, "100")]
)
def test_logarithmic_axes_have_plain_numbers(low, high, shown):
    y = np.geomspace(low, high, 11)
    found = [w.text for w in words(chart(Line(X, y), y=Axis("y", scale="log")))]
    assert shown in found
    assert not any("$" in text or "^" in text for text in found)


def test_ticks_may_be_given_with_words():
    axis = Axis("x", ticks=(0.0, 0.5), words=("left", "middle"))
    assert {"left", "middle"} <= {w.text for w in words(chart(x=axis))}
    plain = [w.text for w in words(chart(x=Axis("x", ticks=(0.25, -0.75))))]
    assert {"0.25", "−0.75"} <= set(plain)


@pytest.mark.parametrize("joined", ["", "x", "both"])
@pytest.mark.parametrize("columns", [1, 2])
def test_panels_stand_row_by_row(columns, joined):
    from matplotlib.figure import Figure

    made = chart(count=4, columns=columns, joined=joined)
    gridded = Figure(layout="constrained").subplots()
    free = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    for axes in (gridded, free):
        assert made.draw(axes) is axes
        axes.figure.draw_without_rendering()
        panels = axes.figure.axes[:4]
        boxes = [panel.get_position() for panel in panels]
        for k in range(1, 4):
            if k % columns:
                assert boxes[k].x0 > boxes[k - 1].x1
            else:
                assert boxes[k].y1 < boxes[k - columns].y0
        shared = [a.get_shared_x_axes().joined(a, panels[0]) for a in panels[1:]]
        assert shared == [bool(joined)] * 3
        named = [bool(panel.get_xlabel()) for panel in panels]
        last_row = [k + columns >= 4 for k in range(4)]
        assert named == ([True] * 4 if not joined else last_row)


def test_axes_for_each_panel_may_be_given():
    from matplotlib.figure import Figure

    grid = Figure().subplots(2, 2)
    assert chart(count=4, columns=2).draw(grid) is grid[0, 0]
    with pytest.raises(ConfigError, match="test: expected Axes for 4 panels; received 2"):
        chart(count=4).draw(list(grid[0]))


def test_files_have_the_form_of_their_names(tmp_path):
    made = chart()
    for form, head in (("svg", b"<?xml"), ("html", b"<!DOCTYPE html>"), ("png", b"\x89PNG")):
        path = made.save(tmp_path / f"chart.{form.upper()}")
        assert path.read_bytes().startswith(head)
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(
        ConfigError, match=r"ends in \.svg, \.png, \.pdf, \.html; received 'c\.gif'"
    ):
        made.save(tmp_path / "c.gif")
    assert set(made._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    assert repr(made) == "<Chart of A title: 1 panel, 1 mark>"


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    for ask in (chart().draw, chart().to_svg):
        with pytest.raises(MissingDependencyError, match=re.escape("gradproof[plots]")):
            ask()


def test_a_mark_is_found_by_its_label():
    panel = chart(Line(X, X, "a"), Line(X, -X, "b")).panels[0]
    assert panel.named("b").y[-1] == -1
    with pytest.raises(KeyError):
        panel.named("c")
    assert viz.Chart is Chart
