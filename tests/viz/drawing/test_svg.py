from xml.etree import ElementTree as ET

from hypothesis import example, given, settings, strategies as st

from viz.drawing.picture import Cluster, Edge, Node, Picture
from viz.drawing.renderers import svg_is_sound
from viz.drawing.svg import to_svg

HOSTILE = (
    "<lambda>",
    "<b>x</b>",
    "a \"quoted\" 'label'",
    "trailing \\",
    "NUL \x00 and bell \x07",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "\u202ereversed",
    "]]>",
    "<!-- -->",
    "&lt;b&gt; &amp; &#0;",
    "x" * 20_000,
    "\ud800 alone",
    "\\N \\G \\l",
    "",
)
ANY = st.text(st.characters(exclude_categories=()), max_size=40)


def hostile_picture(text):
    nodes = (
        Node("input", text, (text,), 0, ((text, text),)),
        Node("operation", text, (text, text), 1, (("scope", text),)),
    )
    edges = (Edge(0, 1, 0, text[:5]), Edge(0, 1, 1))
    return Picture(text, nodes, edges, (Cluster(text), Cluster(text, 0)), notes=(text,))


@settings(max_examples=300)
@given(ANY)
def test_any_text_gives_sound_svg(text):
    assert svg_is_sound(to_svg(hostile_picture(text), text))


def test_hostile_text_is_shown_as_it_reads():
    for text in HOSTILE:
        svg = to_svg(hostile_picture(text), "test")
        assert svg_is_sound(svg), text
        shown = [element.text for element in ET.fromstring(svg).iter() if element.text]
        if text.isprintable() and text.strip():
            assert any(text in words for words in shown)


@example("1")
@given(st.text("0123456789.", min_size=1, max_size=5))
def test_numbers_have_one_decimal(text):
    import re

    svg = to_svg(Picture("p", (Node("operation", text),)), "test")
    paths = re.findall(r' d="([^"]*)"', svg)
    assert paths
    assert not re.search(r"\d\.\d\d|\de", "".join(paths))


def test_hovering_tells_everything():
    node = Node("operation", "tanh", ("(2,)",), details=(("dtype", "float32"),))
    svg = to_svg(Picture("p", (node,)), "test")
    assert "<title>tanh\ndtype: float32</title>" in svg


def test_equal_pictures_are_equal_text(picture):
    drawn = picture(12, [(k, k + 3) for k in range(9)], home=[0] * 12, parents=(None,))
    assert to_svg(drawn, "x") == to_svg(drawn, "x")
