"""What every layout of ours keeps, whatever the picture."""

import itertools
import time

import numpy as np
from hypothesis import given, settings, strategies as st

from viz.drawing.layout import lay_out
from viz.drawing.picture import Cluster, Edge, Node, Picture
from viz.drawing.places import CLUSTER_TITLE, PAD
from viz.drawing.text import text_width


@st.composite
def pictures(draw, most=24):
    """Random computations: nested calls in order, edges forwards, some tokens."""
    count = draw(st.integers(1, most))
    clusters, home, stack = [], [], []
    for _ in range(count):
        for _ in range(draw(st.integers(0, 2))):
            if stack:
                stack.pop()
        for _ in range(draw(st.integers(0, 2))):
            if len(stack) < 3:
                clusters.append(Cluster(f"box {len(clusters)}", stack[-1] if stack else None))
                stack.append(len(clusters) - 1)
        home.append(stack[-1] if stack else None)
    nodes, edges = [], []
    for k in range(count):
        kind = draw(st.sampled_from(["operation", "operation", "parameter", "mask", "output"]))
        nodes.append(Node(kind, "x" * draw(st.integers(1, 12)), ("(8, 8)",), home[k]))
        if k and kind != "parameter":
            sources = draw(st.lists(st.integers(max(0, k - 9), k - 1), max_size=3))
            edges += [Edge(source, k, slot) for slot, source in enumerate(sources)]
    direction = draw(st.sampled_from(["TB", "LR"]))
    return Picture("random", tuple(nodes), tuple(edges), tuple(clusters), direction)


def points(path, steps=12):
    """Points along a line, one in a row."""
    place, found = np.zeros(2), []
    t = np.linspace(0, 1, steps)[:, None]
    for letter, *numbers in path:
        ends = np.array(numbers, float).reshape(-1, 2)
        if letter == "C":
            a, b, c, d = place, *ends
            u = 1 - t
            found.append(u**3 * a + 3 * u * u * t * b + 3 * u * t * t * c + t**3 * d)
        else:
            found.append(place + t * (ends[-1] - place) if letter == "L" else ends[-1:])
        place = ends[-1]
    return np.concatenate(found)


def any_inside(line, left, top, right, bottom):
    """Whether any point of a line lies in a box."""
    x, y = line.T
    return bool(((left < x) & (x < right) & (top < y) & (y < bottom)).any())


def contains(outer, inner, by=0.5):
    return (
        outer.left <= inner.left + by
        and outer.right >= inner.right - by
        and outer.top <= inner.top + by
        and outer.bottom >= inner.bottom - by
    )


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_boxes_never_overlap_what_is_not_theirs(picture):
    layout = lay_out(picture)
    for a, b in itertools.combinations(layout.nodes, 2):
        assert not a.overlaps(b)
    for number, box in enumerate(layout.clusters):
        for node, place in zip(picture.nodes, layout.nodes, strict=True):
            mine = number in picture.ancestors(node.cluster)
            if box is not None:
                assert contains(box, place) if mine else not box.overlaps(place)
    for (i, a), (j, b) in itertools.combinations(enumerate(layout.clusters), 2):
        if a is not None and b is not None:
            if i in picture.ancestors(j):
                assert contains(a, b)
            else:
                assert not a.overlaps(b)


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_edges_lead_from_node_to_node_and_cross_no_other(picture):
    layout = lay_out(picture)
    sideways = picture.direction == "LR"
    for edge, path in zip(picture.edges, layout.edges, strict=True):
        a, b = layout.nodes[edge.source], layout.nodes[edge.target]
        start, end = path[0][1:], path[-1][-2:]
        if sideways:
            assert abs(start[0] - a.right) < 0.1
            assert abs(end[0] - b.left) < 0.1
        else:
            assert abs(start[1] - a.bottom) < 0.1
            assert abs(end[1] - b.top) < 0.1
        line = points(path)
        assert (line >= 0).all()
        assert (line <= (layout.width, layout.height)).all()
        for k, box in enumerate(layout.nodes):
            within = (box.left + 1, box.top + 1, box.right - 1, box.bottom - 1)
            assert not any_inside(line, *within), f"edge {edge} through node {k}"


@settings(max_examples=50, deadline=None)
@given(pictures())
def test_edges_go_down_and_not_through_titles(picture):
    layout = lay_out(picture)
    axis = 0 if picture.direction == "LR" else 1
    for edge, path in zip(picture.edges, layout.edges, strict=True):
        a, b = layout.nodes[edge.source], layout.nodes[edge.target]
        assert (a.x < b.x) if axis == 0 else (a.y < b.y)
        line = points(path)
        assert (np.diff(line[:, axis]) >= -1e-6).all()
        for cluster, box in zip(picture.clusters, layout.clusters, strict=True):
            if box is None:
                continue
            width = text_width(cluster.title, CLUSTER_TITLE, bold=True)
            left, top = box.left + PAD, box.top + 3
            title = (left, top + 1, left + width, top + CLUSTER_TITLE)
            assert not any_inside(line, *title), f"edge {edge} through the title of {cluster.title}"


@settings(max_examples=40, deadline=None)
@given(pictures())
def test_a_layout_is_the_same_every_time(picture):
    assert lay_out(picture) == lay_out(picture)


def test_operands_stand_in_order(picture):
    layout = lay_out(picture(3, [(0, 2), (1, 2)]))
    assert layout.nodes[0].x < layout.nodes[1].x
    swapped = lay_out(picture(3, [(1, 2), (0, 2)]))
    assert swapped.nodes[1].x < swapped.nodes[0].x
    turned = lay_out(picture(3, [(1, 2), (0, 2)], direction="LR"))
    assert turned.nodes[1].y < turned.nodes[0].y


def test_a_square_has_two_lines(picture):
    layout = lay_out(picture(2, [(0, 1), (0, 1)]))
    ends = {path[-1][-2:] for path in layout.edges}
    assert len(ends) == 2


def test_ten_thousand_nodes_are_laid_out_in_seconds(picture):
    rng = np.random.default_rng(0)
    edges = [(int(k - rng.integers(1, 150)), k) for k in range(200, 10_000) for _ in range(2)]
    begun = time.process_time()
    layout = lay_out(picture(10_000, edges))
    assert time.process_time() - begun < 10
    rows = {}
    for box in layout.nodes:
        rows.setdefault(round(box.y, 3), []).append(box)
    for row in rows.values():
        row.sort(key=lambda box: box.x)
        assert not any(a.overlaps(b) for a, b in itertools.pairwise(row))


def test_a_chain_of_fifty_thousand_needs_no_recursion(picture):
    layout = lay_out(picture(50_000, [(k, k + 1) for k in range(49_999)]))
    assert max(box.x for box in layout.nodes) - min(box.x for box in layout.nodes) < 1


def test_a_circle_is_drawn_with_an_edge_that_goes_up(picture):
    layout = lay_out(picture(3, [(0, 1), (1, 2), (2, 0)]))
    assert len({round(box.y) for box in layout.nodes}) == 3


def test_placed_nodes_stay_where_they_are_put():
    nodes = tuple(Node("kept", f"u{k}", at=(100.0 * k, 50.0 * k)) for k in range(3))
    layout = lay_out(Picture("p", nodes, (Edge(0, 1), Edge(1, 2))))
    a, b, c = layout.nodes
    assert (b.x - a.x, b.y - a.y, c.x - b.x) == (100, 50, 100)
