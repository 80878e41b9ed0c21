import sys

import numpy as np
import pytest

import viz
from autograd_core.errors import ConfigError, MissingDependencyError
from viz.figures import chart_dropout_mask
from viz.figures.dropout_mask import DROPPED, KEPT

pytest.importorskip("matplotlib")


def mask(rows, units, name="mask"):
    kept = np.random.default_rng(rows * units).random((rows, units)) < 0.5
    return viz.DropoutMask(name, kept)


def test_cells_are_the_masks_side_by_side(two, batch):
    masks = viz.read_dropout_masks(two, batch)
    (panel,) = chart_dropout_mask(masks).panels
    assert panel.x.words == ("0 · Dropout\n6 units", "3 · Dropout\n20 units")
    for cells, read, tick in zip(panel.marks, masks, panel.x.ticks, strict=True):
        np.testing.assert_array_equal(cells.kinds == KEPT, read.kept)
        np.testing.assert_array_equal(cells.kinds == DROPPED, ~read.kept)
        assert cells.label == read.name
        assert cells.x[1] - cells.x[0] == read.kept.shape[1], "a unit is as wide in every layer"
        assert sum(cells.x) / 2 == tick
    first, second = panel.marks
    assert second.x[0] >= first.x[1] + 1, "a gap between layers"
    assert panel.y.low > panel.y.high, "the first sample is on top"
    kept = sum(int(read.kept.sum()) for read in masks)
    assert panel.title == f"Dropout kept {kept} of 208 units ({kept / 2.08:.1f} %)"


def test_a_mask_of_one_row_is_that_of_all_samples():
    own, shared = mask(5, 4), mask(1, 3)
    _, second = chart_dropout_mask([own, shared]).panels[0].marks
    np.testing.assert_array_equal(second.kinds == KEPT, np.repeat(shared.kept, 5, axis=0))
    words = chart_dropout_mask([own, shared]).panels[0].x.words
    assert words == ("mask\n4 units", "mask\n3 units\none mask for all")
    assert chart_dropout_mask([shared]).panels[0].x.words == ("mask\n3 units",)


def test_the_statement_is_about_rates_and_about_samples_that_differ():
    from viz.registry import named

    figure = named("dropout-mask")
    masks = figure.example()
    assert figure.holds(figure.make(masks))
    alike = [viz.DropoutMask(m.name, np.repeat(m.kept[:1], len(m.kept), axis=0)) for m in masks]
    for wrong in (alike, masks[::-1], masks[:1], [masks[0], masks[0]]):
        assert not figure.holds(figure.make(wrong))


@pytest.mark.parametrize(
    ("masks", "parted"),
    [([mask(40, 50)], True), ([mask(41, 50)], False), ([mask(9, 101)] * 2, False)],
)  # fmt: skip
def test_cells_are_parted_where_they_can_be_told_apart(masks, parted):
    assert {cells.parted for cells in chart_dropout_mask(masks).panels[0].marks} == {parted}


@pytest.mark.parametrize(("units", "samples"), [(1, 1), (8, 8), (16, 3)])
def test_there_is_a_line_between_any_two_cells(units, samples):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.3, 0.8, 0.6))
    masks = [mask(samples, units), mask(samples, 4)]
    (panel,) = chart_dropout_mask(masks).panels
    chart_dropout_mask(masks).draw(axes)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3].astype(int)

    def lightest(x, y):  # of the pixels at a place of the data
        column, row = (int(n) for n in axes.transData.transform((x, y)))
        return pixels[row - 1 : row + 2, column - 1 : column + 2].min(axis=2).max()

    for cells in panel.marks:
        start, columns = int(cells.x[0] + 0.5), cells.kinds.shape[1]
        # A thin line over a kept cell (dark) is a shade darker than over dropped ones, which are light.
        for x in range(columns - 1):
            least = 230 if KEPT not in cells.kinds[0, x : x + 2] else 190
            assert lightest(start + x + 0.5, 0.25) > least, f"no line right of column {x}"
        for y in range(samples - 1):
            least = 230 if KEPT not in cells.kinds[y : y + 2, 0] else 190
            assert lightest(start + 0.25, y + 0.5) > least, f"no line below row {y}"
        assert min(lightest(start + x, 0) for x in range(columns)) < 220  # and cells between them


def test_it_is_plotted_on_axes_that_are_given(two, batch, tmp_path):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert viz.plot_dropout_mask(two, batch, ax=axes) is axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["kept", "dropped"]
    viz.plot_dropout_mask(two, batch).figure.savefig(tmp_path / "mask.png")
    assert (tmp_path / "mask.png").stat().st_size > 1000


def test_a_layer_may_be_chosen(two, batch):
    for layer, words in ((1, "3 · Dropout\n20 units"), (-2, "0 · Dropout\n6 units")):
        axes = viz.plot_dropout_mask(two, batch, layer=layer)
        assert [label.get_text() for label in axes.get_xticklabels()] == [words]
    for layer in (2, -3):
        with pytest.raises(ConfigError, match="layer from 0 to 1"):
            viz.plot_dropout_mask(two, batch, layer=layer)
    with pytest.raises(ConfigError, match="expected a mask or more"):
        chart_dropout_mask([])


def test_a_large_mask_is_a_small_file():
    chart = chart_dropout_mask([mask(64, 1024)])
    assert len(chart.to_svg()) < 4e6


def test_missing_matplotlib_names_the_extra(two, batch, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"gradproof\[plots\]"):
        viz.plot_dropout_mask(two, batch)
