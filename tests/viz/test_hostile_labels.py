"""Any text may name a tensor, a scope or a role: it is drawn as it reads, in every form, and never runs."""

from __future__ import annotations

import io
import json
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.markup import visible
from viz.drawing.renderers import svg_is_sound

LABELS = {
    "lambda": "<lambda>",
    "script": "</script><script>alert(1)</script>",
    "javascript": "javascript:alert(1)",
    "handler": "<img src=x onerror=alert(1)>",
    "backslash": "trailing \\",
    "control characters": "NUL\0 bell\x07 escape\x1b[31m",
    "surrogate": "\ud800 alone",
    "right to left": "\u202eevil\u202c\u2066",
    "20,000 characters": "x" * 20_000,
    "20,000 brackets": "<" * 20_000,
    "line ends": "one\r\ntwo\u2028three",
    "escapes of dot": "\\N \\G \\l {a|b} \"q\" 'p' -> [",
    "markup that ends": "]]> --> &amp; &#0; %s",
    "other scripts": "日本語 é 😀",
    "blank": " ",
}
FORMS = ("dot", "svg", "html", "json", "png")


def loss_named(label):
    """A recorded loss with the label in every place that a user can name."""
    x = ag.tensor([1.0, 2.0], requires_grad=True, name=label, role=label)
    with ag.named_scope(label), ag.named_scope("in " + label):
        h = ag.mark(ag.tanh(x * 2.0), role=label, name=label)
    return (h * h).sum()


def start_of(label):
    """So much of a label as every form must show."""
    return " ".join(visible(label[:16]).split())


class Page(HTMLParser):
    """Tags and attributes of a page, as a browser would find them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(params=["dot", "layered"])
def engine(request):
    if request.param == "dot" and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    return request.param


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_drawn_as_they_read_in_every_form(tmp_path, name, engine):
    label = LABELS[name]
    drawing = viz.draw_graph(loss_named(label), engine=engine)
    data = {}
    for form in FORMS[:-1]:
        data[form] = drawing.save(tmp_path / f"graph.{form}").read_text(encoding="utf-8")
    assert drawing.engine.startswith("dot" if engine == "dot" else "gradproof layered")
    assert "(" not in drawing.engine  # nobody had to step in
    wanted = start_of(label)

    svg = data["svg"].partition("?>\n")[2]
    assert svg_is_sound(svg)
    shown = " ".join(" ".join(e.text.split()) for e in ET.fromstring(svg).iter() if e.text)
    assert wanted in shown
    assert all(c.isprintable() for c in shown)

    page = Page(data["html"])
    assert "script" not in page.tags
    assert not [k for k, _ in page.attributes if k.startswith("on") or k in ("href", "src")]
    assert wanted in " ".join(" ".join(page.text).split())

    content = json.loads(data["json"])
    titles = [" ".join(node["title"].split()) for node in content["nodes"]]
    assert sum(wanted in title for title in titles) >= 2  # the leaf and the marked result
    assert len(content["clusters"]) == 2
    assert len(data["dot"]) < 40_000  # 20,000 characters are not written out over and over


@pytest.mark.parametrize("name", LABELS)
def test_pngs_show_something(tmp_path, name, engine):
    images = pytest.importorskip("PIL.Image")
    x = ag.tensor([1.0], requires_grad=True, name=LABELS[name])
    with ag.named_scope(LABELS[name]):
        y = x * 2.0
    path = viz.draw_graph(y, engine=engine).save(tmp_path / "graph.png")
    image = images.open(io.BytesIO(path.read_bytes())).convert("L")
    assert min(image.size) > 100
    assert max(image.size) < 4_000
    low, high = image.getextrema()
    assert low < 100 < 240 < high  # dark text on a light page


@pytest.mark.parametrize("view", ["forward", "combined"])
def test_parameters_and_modules_with_hostile_names(tmp_path, engine, view):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 2, rng=rng), nn.Tanh())
    for label, (_, parameter) in zip(
        ("</text><script>", "\ud800\0"), model.named_parameters(), strict=True
    ):
        parameter.name = label
    for drawn in (model, lambda x: model(x)):
        drawing = viz.draw_graph(drawn, ag.Abstract((3, 2), "f4"), engine=engine, view=view)
        assert svg_is_sound(drawing.to_svg())
        drawing.save(tmp_path / "graph.html").read_text(encoding="utf-8")
        if engine == "dot":
            assert drawing.engine.startswith("dot ")


def test_a_hostile_function_name_is_a_title(tmp_path):
    def f(x):
        return ag.tanh(x)

    f.__name__ = f.__qualname__ = "</title><script>alert(1)</script>\0"
    drawing = viz.draw_graph(f, np.ones(2), engine="layered")
    page = Page(drawing.save(tmp_path / "graph.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert repr(drawing).isprintable()
