import numpy as np
import pytest

import nn
import viz
from autograd_core.errors import ConfigError, MissingDependencyError

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture
def two():
    rng = np.random.default_rng(3)
    return nn.Sequential(
        nn.Dropout(0.25, rng=rng), nn.Linear(6, 20, rng=rng), nn.Tanh(),
        nn.Dropout(0.5, rng=rng), nn.Linear(20, 3, rng=rng),
    )  # fmt: skip


def columns(drawing):
    """Kinds of the units, by their x."""
    found = {}
    for node in drawing.picture.nodes:
        if node.kind != "heading":
            found.setdefault(node.at[0], []).append(node.kind)
    return [found[x] for x in sorted(found)]


def test_the_matrix_is_the_mask_of_the_next_pass(two, batch):
    ax = viz.plot_dropout_mask(two, batch, layer=1)
    (image,) = ax.get_images()
    shown = np.asarray(image.get_array()) == 0
    hidden = nn.Sequential(two[0], two[1], two[2])
    activations = hidden(batch)
    dropped = two[3](activations).numpy()
    np.testing.assert_array_equal(shown, dropped != 0)


def test_drawing_has_no_effect(two, batch):
    before = {key: value.copy() for key, value in two.state_dict().items()}
    two.eval()
    viz.plot_dropout_mask(two, batch)
    viz.draw_dropout_mask(two, batch)
    assert not any(module.training for module in two.modules())
    for key, value in two.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_all_masks_stand_side_by_side(two, batch):
    ax = viz.plot_dropout_mask(two, batch)
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["0 · Dropout\n6 units", "3 · Dropout\n20 units"]
    (image,) = ax.get_images()
    assert image.get_array().shape == (8, 6 + 1 + 20)


def test_the_title_counts_what_was_kept(two, batch):
    ax = viz.plot_dropout_mask(two, batch, layer=0)
    kept = int((np.asarray(ax.get_images()[0].get_array()) == 0).sum())
    assert ax.get_title(loc="left") == f"Dropout kept {kept} of 48 units ({kept / 0.48:.1f} %)"


def test_given_axes_are_used(two, batch, tmp_path):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert viz.plot_dropout_mask(two, batch, ax=axes) is axes
    viz.plot_dropout_mask(two, batch).figure.savefig(tmp_path / "mask.png")
    assert (tmp_path / "mask.png").stat().st_size > 1000


def test_the_sub_network_is_that_of_the_sample(two, batch):
    masks = [
        np.asarray(viz.plot_dropout_mask(two, batch, layer=k).get_images()[0].get_array()) == 0
        for k in (0, 1)
    ]
    for sample in (0, 5, -1):
        drawing = viz.draw_dropout_mask(two, batch, sample, max_units=99)
        first, second, last = columns(drawing)
        assert first == ["kept" if on else "dropped" for on in masks[0][sample]]
        assert second == ["kept" if on else "dropped" for on in masks[1][sample]]
        assert last == ["unit"] * 3
        picture = drawing.picture
        for edge in picture.edges:
            ends = {picture.nodes[edge.source].kind, picture.nodes[edge.target].kind}
            assert (edge.style == "faint") == ("dropped" in ends)
        assert len(picture.edges) == 6 * 20 + 20 * 3


def test_lines_are_the_non_zero_pattern_of_the_weights_that_count(two, batch):
    # Lines that are not faint: exactly the weights whose change can change this sample's output.
    drawing = viz.draw_dropout_mask(two, batch, 2, max_units=99)
    nodes = drawing.picture.nodes
    alive = np.zeros((20, 3), bool)
    seconds = [k for k, n in enumerate(nodes) if n.title.startswith("1 · Linear, unit")]
    lasts = [k for k, n in enumerate(nodes) if n.title.startswith("4 · Linear, unit")]
    for edge in drawing.picture.edges:
        if edge.source in seconds:
            alive[seconds.index(edge.source), lasts.index(edge.target)] = edge.style == "solid"
    output = two(batch)
    output[2].sum().backward()
    np.testing.assert_array_equal(alive, two[4].weight.grad.numpy() != 0)


def test_units_beyond_the_limit_are_counted(two, batch):
    drawing = viz.draw_dropout_mask(two, batch, max_units=6)
    titles = [n.title for n in drawing.picture.nodes if n.kind == "heading"]
    assert "… 14 more" in titles
    assert [len(column) for column in columns(drawing)] == [6, 6, 3]


@pytest.mark.parametrize("engine", ["auto", "layered"])
def test_the_drawing_is_a_graphviz_source_and_a_picture(two, batch, engine, tmp_path):
    drawing = viz.draw_dropout_mask(two, batch, engine=engine)
    assert "layout=neato" in drawing.source
    assert "dropped unit" in drawing.to_svg()
    drawing.save(tmp_path / "mask.svg")


def test_batch_norm_and_activations_leave_units_in_their_column(model, batch):
    drawing = viz.draw_dropout_mask(model, batch)
    assert [len(column) for column in columns(drawing)] == [6, 5, 3]
    assert any(note.startswith("0 · Linear: ") for note in drawing.picture.notes)


@pytest.mark.parametrize("draw", [viz.plot_dropout_mask, viz.draw_dropout_mask])
def test_a_model_without_dropout_is_refused(draw, batch):
    model = nn.Sequential(nn.Linear(6, 2, rng=np.random.default_rng(0)))
    with pytest.raises(ConfigError, match=r"draws no dropout mask.*nn\.Dropout"):
        draw(model, batch)
    with pytest.raises(ConfigError, match="received int"):
        draw(3, batch)


def test_options_are_checked(two, batch):
    with pytest.raises(ConfigError, match="layer from 0 to 1"):
        viz.plot_dropout_mask(two, batch, layer=2)
    with pytest.raises(ConfigError, match="sample from 0 to 7"):
        viz.draw_dropout_mask(two, batch, 8)
    with pytest.raises(ConfigError, match="max_units"):
        viz.draw_dropout_mask(two, batch, max_units=1)


@pytest.mark.parametrize(("units", "samples"), [(1, 1), (7, 4), (8, 8), (16, 3)])
def test_there_is_a_line_between_any_two_cells(units, samples):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    model = nn.Sequential(
        nn.Dropout(0.5, rng=0), nn.Linear(units, 4, rng=0), nn.Dropout(0.5, rng=1)
    )
    figure = Figure(figsize=(6, 3), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.2, 0.8, 0.6))
    viz.plot_dropout_mask(model, np.ones((samples, units)), axes)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3].astype(int)

    def lightest(x, y):  # of the pixels at a place of the data
        column, row = (int(n) for n in axes.transData.transform((x, y)))
        return pixels[row - 1 : row + 2, column - 1 : column + 2].min(axis=2).max()

    image = np.asarray(axes.get_images()[0].get_array())
    rows, columns = image.shape
    assert columns > units + 4  # with the gap between the masks
    # A thin line over a kept cell (dark) is a shade darker than over dropped ones, which are light grey.
    for x in range(columns - 1):
        least = 240 if 0 not in image[0, x : x + 2] else 200
        assert lightest(x + 0.5, 0.25) > least, f"no line right of column {x}"
    for y in range(rows - 1):
        least = 240 if 0 not in image[y : y + 2, 0] else 200
        assert lightest(0.25, y + 0.5) > least, f"no line below row {y}"
    assert min(lightest(x, 0) for x in range(columns)) < 235  # and cells between them


def test_missing_matplotlib_names_the_extra(two, batch, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"gradproof\[plots\]"):
        viz.plot_dropout_mask(two, batch)
