import pytest

from viz.drawing.nesting import Nested
from viz.drawing.picture import Node
from viz.drawing.places import Box, curve, node_size, turned
from viz.drawing.style import KINDS
from viz.drawing.text import text_width


@pytest.mark.parametrize("kind", [k for k, look in KINDS.items() if look.shape != "circle"])
def test_a_node_holds_its_text(kind):
    node = Node(kind, "a rather long title", ("a line that is longer than the title, by far",))
    width, height = node_size(node)
    assert width >= text_width(node.lines[0], 10.5)
    assert height >= 2 * 13


def test_boxes_overlap_only_where_they_share_an_area():
    box = Box(0, 0, 10, 10)
    assert box.overlaps(Box(9, 9, 10, 10))
    assert not box.overlaps(Box(10, 0, 10, 10))
    assert (box.left, box.right, box.top, box.bottom) == (-5, 5, -5, 5)


def test_runs_above_each_other_become_one_line():
    assert curve([(5, 0, 10), (5.1, 20, 30)]) == (("M", 5, 0), ("L", 5, 30))


def test_a_run_without_length_leaves_the_direction_of_the_curve():
    path = curve([(0, 0, 0), (20, 10, 10 - 1e-12)])
    assert [part[0] for part in path] == ["M", "C"]


def test_an_edge_crosses_borders_through_one_port_per_value(picture):
    # 0 outside, read by 1 and 2 in a box in a box.
    drawn = picture(3, [(0, 1), (0, 2)], home=[None, 1, 1], parents=(None, 0))
    layout = Nested(drawn).layout()
    for box in layout.clusters:
        arriving = {x for runs in layout.runs for x, _, end in runs if abs(end - box.top) < 0.01}
        assert len(arriving) == 1


def test_empty_clusters_have_no_box(picture):
    layout = Nested(picture(1, [], home=[0], parents=(None, None))).layout()
    assert layout.clusters[0] is not None
    assert layout.clusters[1] is None


def test_turning_changes_width_and_height(picture):
    layout = Nested(picture(2, [(0, 1)])).layout()
    other = turned(layout)
    assert (other.width, other.height) == (layout.height, layout.width)
    assert other.nodes[1].x == layout.nodes[1].y
