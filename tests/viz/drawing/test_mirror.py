import itertools

import pytest

import autograd_core as ag
import viz
from viz.drawing.layout import lay_out
from viz.drawing.mirror import anchors
from viz.drawing.picture import Edge, Node, Picture


@pytest.fixture
def combined(model, batch):
    return viz.draw_graph(model, batch, view="combined").picture


def test_partners_stand_at_equal_height_around_the_middle(combined):
    layout = lay_out(combined)
    opposite = anchors(combined)
    bundles = {}
    for node, partner in opposite.items():
        bundles.setdefault(partner, []).append(layout.nodes[node])
    for partner, boxes in bundles.items():
        place = layout.nodes[partner]
        top, bottom = min(b.top for b in boxes), max(b.bottom for b in boxes)
        assert place.y == pytest.approx((top + bottom) / 2, abs=12)  # ports take a little
        assert all(place.right < box.left for box in boxes)


def test_backward_operations_stand_on_the_right_and_their_edges_go_up(combined):
    layout = lay_out(combined)
    opposite = anchors(combined)
    middle = layout.width / 2
    for number, box in enumerate(layout.nodes):
        assert (box.left > middle) == (number in opposite)
    for edge, path in zip(combined.edges, layout.edges, strict=True):
        if edge.source in opposite and edge.target in opposite:
            assert path[-1][-1] < path[0][2]


def test_nothing_overlaps(combined):
    layout = lay_out(combined)
    for a, b in itertools.combinations(layout.nodes, 2):
        assert not a.overlaps(b)
    boxes = [b for b in layout.mirrored if b is not None]
    for a, b in itertools.combinations(boxes, 2):
        nested = a.left <= b.left and b.right <= a.right and a.top <= b.top and b.bottom <= a.bottom
        assert nested or not a.overlaps(b)


def test_saved_values_go_straight_across(combined):
    saved = [edge for edge in combined.edges if edge.style == "saved"]
    assert saved
    layout = lay_out(combined)
    for edge, path in zip(combined.edges, layout.edges, strict=True):
        if edge.style == "saved":
            assert path[0][1] == layout.nodes[edge.source].right
            assert path[-1][-2] == layout.nodes[edge.target].left


def test_left_to_right_the_backward_stands_below(model, batch):
    drawn = viz.draw_graph(model, batch, view="combined", direction="LR").picture
    layout = lay_out(drawn)
    opposite = anchors(drawn)
    for number, box in enumerate(layout.nodes):
        assert (box.top > layout.height / 2) == (number in opposite)


def test_a_thousand_layers_are_laid_out_in_seconds():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = x
    for _ in range(1000):
        y = ag.tanh(y)
    drawn = viz.draw_graph(y.sum(), view="combined", max_nodes=10**6).picture
    assert len(drawn.nodes) > 4000
    layout = lay_out(drawn)
    assert len(layout.edges) == len(drawn.edges)


def test_an_operation_without_partner_joins_what_it_reads_from():
    nodes = (
        Node("operation", "f"),
        Node("adjoint", "g", partner=0),
        Node("adjoint", "h"),
        Node("adjoint", "of g", partner=1),
    )
    drawn = Picture("p", nodes, (Edge(1, 2, backward=True), Edge(2, 3, backward=True)))
    assert anchors(drawn) == {1: 0, 2: 0, 3: 0}
    lay_out(drawn)
