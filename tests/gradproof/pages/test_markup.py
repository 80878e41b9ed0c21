"""What stands inside of a page: images, addresses, drawings."""

import io

import numpy as np
from PIL import Image

from gradproof.pages.markup import data_uri, inline_svg, png


def test_a_png_shows_ink_as_dark():
    image = np.array([[0.0, 0.5, 1.0], [2.0, -1.0, np.nan]])
    with Image.open(io.BytesIO(png(image))) as read:
        assert read.mode == "L"
        assert np.asarray(read).tolist() == [[255, 128, 0], [0, 255, 255]]


def test_equal_images_give_equal_bytes():
    image = np.random.default_rng(0).random((28, 28), np.float32)
    assert png(image) == png(np.asfortranarray(image))


def test_a_data_uri_holds_the_file():
    assert data_uri("ẑ", "text/plain") == "data:text/plain;base64,4bqR"


def test_two_drawings_in_a_page_share_no_id():
    svg = '<?xml version="1.0"?>\n<svg id="top" role="x" aria-label="y"><g id="node1"/><text>an id="x"</text></svg>'
    found = inline_svg(svg, "graph-", 'of "a"')
    assert found.startswith("<svg")
    assert 'id="graph-node1"' in found
    assert 'id="graph-top"' in found
    assert found.count("role=") == found.count("aria-label=") == 1
    assert 'role="img" aria-label="of &quot;a&quot;"' in found
