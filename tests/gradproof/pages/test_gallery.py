"""The gallery: all figures and all modules stand in it, by existing; the page is quiet, whatever stands in it."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from typer.testing import CliRunner

import viz
from gradproof.cli import app
from gradproof.pages import gallery
from nn.catalogue import public_modules
from nn.contract import example_of
from viz import registry
from viz.drawing.renderers import svg_is_sound

pytest.importorskip("matplotlib")

HOSTILE = """</style><script>alert(1)</script><img src=http://example.org/x onerror="x">' & \x00"""
MAKERS = dict(gallery.exhibits())
KINDS = {kind.__name__: kind for kind in public_modules()}


@functools.cache
def exhibit(name):
    return MAKERS[name]()


def test_no_two_exhibits_have_one_name():
    assert sorted(MAKERS) == sorted([*registry.FIGURES, *KINDS])


@pytest.mark.parametrize("name", [*registry.FIGURES, *KINDS])
def test_it_stands_in_the_gallery(name, quiet):
    shown = exhibit(name)
    page = quiet(gallery.render([shown]))
    assert {
        "id": shown.address,
        **({} if name in registry.FIGURES else {"class": "card"}),
    } in page.all("article")
    assert shown.words in page.text
    assert shown.code in page.text
    assert shown.caption in page.text
    if name in registry.FIGURES:
        assert shown.words == registry.named(name).statement
        assert shown.holds
    elif not list(example_of(KINDS[name]).cases()):
        assert "not called itself" in shown.caption
        assert page.all("svg") == []
        return
    else:
        assert f">{name}" in shown.svg
    (drawn,) = page.all("svg")
    assert svg_is_sound(shown.svg)
    assert drawn["role"] == "img"
    assert drawn["aria-label"].startswith(f"{name}: ")


def test_the_whole_page_is_one_quiet_file(quiet):
    shown = [exhibit(name) for name in MAKERS]
    made = gallery.render(shown)
    page = quiet(made)
    links = {a["href"] for a in page.all("a")}
    assert links >= {f"#{one.address}" for one in shown}
    assert len(page.all("svg")) == sum(bool(one.svg) for one in shown)
    assert len(page.all("h1")) == 1
    figures = len(registry.FIGURES)
    assert f"{figures} of their statements hold" in page.text
    assert gallery.render(list(shown)) == made


def drawing():
    picture = viz.draw_graph(lambda x: x * x, np.ones(2), engine="layered").picture
    nodes = tuple(dataclasses.replace(node, title=HOSTILE) for node in picture.nodes)
    return viz.Drawing(dataclasses.replace(picture, title=HOSTILE, nodes=nodes), "layered")


def test_hostile_words_do_nothing(quiet):
    words = dict.fromkeys(("words", "caption", "code", "source"), HOSTILE)
    svg = drawing().to_svg()
    shown = [
        gallery.Exhibit("Figures", "a", **words, svg=svg, holds=False),
        gallery.Exhibit("Layers", "b", **words, svg=svg),
        gallery.Exhibit("Layers", "c", **words, svg=""),
    ]
    page = quiet(gallery.render(shown))
    assert "The numbers drawn below do not show it." in page.text
    assert "0 of their statements hold" in page.text
    assert page.text.count("alert(1)") > 12


@pytest.mark.parametrize("holds", [True, False])
def test_the_command_writes_it_and_says_what_does_not_hold(tmp_path, monkeypatch, holds):
    shown = gallery.Exhibit(
        "Figures", "a-name", "Words.", "c", "code", "s", drawing().to_svg(), holds
    )
    monkeypatch.setattr(gallery, "exhibits", lambda: iter([("a-name", lambda: shown)]))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["gallery"])
    assert done.exit_code == (0 if holds else 1), done.output
    assert "The page: gallery/index.html" in done.output
    assert ("What a-name says does not hold" in done.output) == (not holds)
    assert (tmp_path / "gallery" / "index.html").read_text("utf-8") == gallery.render([shown])


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["gallery", "--out", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert "is a file. Expected a folder" in done.stderr
