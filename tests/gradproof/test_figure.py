"""`gradproof figure`: listed, drawn, refused."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from gradproof.cli import app
from viz import registry
from viz.drawing.renderers import svg_is_sound

pytest.importorskip("matplotlib")


def called(*words):
    return CliRunner().invoke(app, ["figure", *map(str, words)])


def test_all_are_listed_with_what_they_say():
    for words in ((), ("--list",)):
        done = called(*words)
        assert done.exit_code == 0
        text = " ".join(done.output.split())
        for figure in registry.FIGURES.values():
            assert f"{figure.name} {figure.statement}" in text
        assert f"{len(registry.FIGURES)} figures" in text


def test_one_is_drawn_where_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = called("history")
    assert done.exit_code == 0, done.output
    assert registry.named("history").statement in done.output
    assert "The picture: history.svg" in done.output
    drawn = (tmp_path / "history.svg").read_text()
    assert svg_is_sound(drawn.partition("?>\n")[2])
    assert "best epoch came early" in drawn
    page = tmp_path / "new" / "history.html"
    assert called("history", "--out", page).exit_code == 0
    assert "<svg" in page.read_text()


def test_what_cannot_be_is_refused_in_one_message(tmp_path):
    done = called("histry")
    assert done.exit_code == 1
    assert "Did you mean history?" in done.stderr
    done = called("history", "--out", tmp_path / "history.gif")
    assert done.exit_code == 1
    assert "expected a name that ends in .svg" in done.stderr
    assert not list(tmp_path.iterdir())
