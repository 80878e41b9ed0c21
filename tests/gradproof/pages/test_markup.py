"""Markup by function calls: text stays text, whatever it holds."""

import io
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from gradproof.pages.markup import Markup, data_uri, element, inline_svg, join, png, text

HOSTILE = ["<b>x</b>", "</p><script>", '" onload="x', "'", "a & b", "]]>", "\x00\x1b[31m", "\ud800"]


class Reader(HTMLParser):
    """What a browser reads: tags with attributes, and text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.words = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_text_is_read_as_text(words):
    page = Reader(element("p", words))
    assert page.tags == [("p", {})]
    assert page.words == text_of(words)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_attributes_are_read_as_one_value(words):
    page = Reader(element("img", alt=words))
    assert page.tags == [("img", {"alt": text_of(words)})]


@given(st.text())
def test_any_text_is_read_as_text(words):
    markup = element("p", words, title=words)
    assert [tag for tag, _ in Reader(markup).tags] == ["p"]
    ET.fromstring(markup)
    markup.encode("utf-8")


def text_of(words):
    """With what HTML cannot hold replaced."""
    return "".join(
        "\ufffd" if (ord(c) < 32 and c not in "\t\n\r") or 0xD800 <= ord(c) < 0xE000 else c
        for c in words
    )


def test_markup_is_not_escaped_again():
    assert element("p", element("b", "<"), "<") == "<p><b>&lt;</b>&lt;</p>"
    assert text(text("<")) == "&lt;"
    assert join(["<", Markup("<br>")]) == "&lt;<br>"


def test_names_of_attributes_are_those_of_html():
    assert (
        element("meta", http_equiv="x", class_="y", alt=None) == '<meta http-equiv="x" class="y">'
    )


def test_children_that_are_none_are_left_out():
    assert element("p", None, 0) == "<p>0</p>"


def test_a_png_shows_ink_as_dark():
    image = np.array([[0.0, 0.5, 1.0], [2.0, -1.0, np.nan]])
    with Image.open(io.BytesIO(png(image))) as read:
        assert read.mode == "L"
        assert np.asarray(read).tolist() == [[255, 128, 0], [0, 255, 255]]


def test_equal_images_give_equal_bytes():
    image = np.random.default_rng(0).random((28, 28), np.float32)
    assert png(image) == png(np.asfortranarray(image))


def test_a_data_uri_holds_the_file():
    assert data_uri("text/plain", "ẑ") == "data:text/plain;base64,4bqR"


def test_two_drawings_in_a_page_share_no_id():
    svg = '<?xml version="1.0"?>\n<svg width="8pt" id="top"><g id="node1"/><text>an id="x"</text></svg>'
    found = inline_svg(svg, "graph-", width=None, role="img")
    assert found.startswith("<svg")
    assert 'id="graph-node1"' in found
    assert 'id="graph-top"' in found
    assert 'width="8pt"' not in found
    assert 'role="img"' in found
