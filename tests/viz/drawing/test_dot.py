import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings, strategies as st

from viz.drawing.dot import quoted, to_dot
from viz.drawing.picture import Cluster, Edge, Node, Picture

ANY = st.text(st.characters(exclude_categories=()), max_size=30)
HOSTILE = [
    "<lambda>",
    "<b>x</b>",
    'a "quoted" label',
    "trailing \\",
    "NUL \x00 bell \x07",
    "</script>",
    "javascript:alert(1)",
    "\u202ereversed",
    "&lt;b&gt; &amp; &#0;",
    "x" * 20_000,
    "\ud800 alone",
    "\\N \\G \\l",
    "]]>",
    "",
    "<TABLE>",
    "#00",
    "strict graph { a -- b }",
]
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def many(texts):
    """A picture that holds each text in every place where text can stand."""
    nodes, edges, clusters = [], [], []
    for k, text in enumerate(texts):
        clusters.append(Cluster(text))
        nodes.append(Node("operation", text, (text,), k, ((text[:50], text),)))
        if k:
            edges.append(Edge(k - 1, k, 0, text[:8]))
    return Picture(texts[0], tuple(nodes), tuple(edges), tuple(clusters), notes=tuple(texts))


def rendered(picture):
    source = to_dot(picture, "dot")
    child = subprocess.run(
        ["dot", "-Tsvg"], input=source.encode(), capture_output=True, timeout=60, check=False
    )
    assert child.returncode == 0, child.stderr
    assert not child.stderr
    return child.stdout.decode()


def test_small_graph_as_text():
    picture = Picture(
        "f",
        (Node("input", "x", ("(2,)",)), Node("operation", "a − b", ("(2,)",), 0)),
        (Edge(0, 1, 0, "a"), Edge(0, 1, 1, "b")),
        (Cluster("0 · Layer"),),
    )
    lines = to_dot(picture).splitlines()
    assert lines[0] == "// f: drawn by gradproof; render with: dot -Tsvg"
    assert lines[1] == 'digraph "f" {'
    assert "  subgraph cluster_0 {" in lines
    assert "    label=<<B>0 · Layer</B>>; labeljust=l; labelloc=t; fontsize=9;" in lines
    assert [line for line in lines if "->" in line] == [
        "  n0 -> n1 [headlabel=<a>, minlen=2];",
        "  n0 -> n1 [headlabel=<b>, minlen=2];",
    ]
    assert lines[-1] == "}"
    (node,) = (line for line in lines if line.startswith("  n0 ["))
    assert "<B>x</B></FONT><BR/>(2,)>" in node
    assert "shape=ellipse" in node


def test_clusters_are_nested(picture):
    source = to_dot(picture(2, [(0, 1)], home=[0, 1], parents=(None, 0)))
    assert source.index("cluster_0") < source.index("cluster_1")
    assert source.count("{") == source.count("}") == 3


def test_deep_nesting_needs_no_recursion(picture):
    depth = 5000
    parents = (None, *range(depth - 1))
    source = to_dot(picture(1, [], home=[depth - 1], parents=parents))
    assert source.count("subgraph") == depth


@given(ANY)
def test_a_quoted_string_ends_where_it_should(text):
    inner = quoted(text)[1:-1]
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', inner, re.DOTALL)
    assert "\n" not in inner


def test_placed_nodes_keep_their_places():
    nodes = (Node("kept", "a", at=(0.0, 10.0)), Node("dropped", "b", at=(100.0, 0.0)))
    source = to_dot(Picture("p", nodes, (Edge(0, 1, style="faint"),)))
    assert "layout=neato" in source
    assert 'pos="75.00,-0.00!"' in source


@needs_dot
def test_dot_draws_hostile_text():
    svg = rendered(many(HOSTILE))
    root = ET.fromstring(svg)
    shown = "\n".join(element.text for element in root.iter() if element.text)
    for text in HOSTILE:
        if text.isprintable() and text.strip() and len(text) < 40:
            assert text in shown


@needs_dot
@settings(max_examples=12)
@given(st.lists(ANY, min_size=20, max_size=60))
def test_dot_draws_any_text(texts):
    ET.fromstring(rendered(many(texts)))
