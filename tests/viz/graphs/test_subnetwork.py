import numpy as np
import pytest

import viz
from autograd_core.errors import ConfigError


def columns(drawing):
    """Kinds of the units, by their x."""
    found = {}
    for node in drawing.picture.nodes:
        if node.kind != "heading":
            found.setdefault(node.at[0], []).append(node.kind)
    return [found[x] for x in sorted(found)]


def test_the_sub_network_is_that_of_the_sample(two, batch):
    masks = [mask.kept for mask in viz.read_dropout_masks(two, batch)]
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


def test_options_are_checked(two, batch):
    with pytest.raises(ConfigError, match="sample from 0 to 7"):
        viz.draw_dropout_mask(two, batch, 8)
    with pytest.raises(ConfigError, match="max_units"):
        viz.draw_dropout_mask(two, batch, max_units=1)
