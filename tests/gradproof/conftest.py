"""Runs of the command line in a process and a folder of their own; pages, read strictly."""

import functools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VOID = {"br", "hr", "img", "meta"}


def started(*arguments, folder, code=None, **environment):
    """``python -m gradproof …``, or ``code``, in a folder."""
    command = ["-c", code] if code else ["-m", "gradproof", *map(str, arguments)]
    return subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OPENBLAS_NUM_THREADS": "1",
            "COLUMNS": "100",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def run(tmp_path):
    """``run(*arguments)`` is ``python -m gradproof …`` in an empty folder."""
    return functools.partial(started, folder=tmp_path)


@pytest.fixture(scope="module")
def main_job(tmp_path_factory):
    """The main job as it is, twice, in processes with other hashes: folders and what was said."""
    runs = []
    for seed in ("1", "2"):
        folder = tmp_path_factory.mktemp("main")
        runs.append((folder, started("demo", "--out", folder, folder=folder, PYTHONHASHSEED=seed)))
    return runs


class Page(HTMLParser):
    """Reads a page strictly: every element is closed by its own end tag."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text = [], [], ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def check_quiet(page):
    """Nothing in the page runs, and nothing makes it ask for anything."""
    read = Page(page)
    names = {tag for tag, _ in read.tags}
    assert not names & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "foreignobject",
    }
    for _, attributes in read.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "srcset", "action"):
                assert re.match(r"#|data:image/png;base64,", value)
            if name == "style":
                assert "url(" not in value
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [m for m in read.all("meta") if m.get("http-equiv")]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'; ")
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for a in read.all("a") if "href" in a]
    assert set(links) <= set(ids)
    return read


@pytest.fixture
def read():
    """``read(page)``: its ``tags``, ``all(tag)`` and ``text``; fails if it is not well-formed."""
    return Page


@pytest.fixture
def quiet():
    """``quiet(page)``: the same; fails if anything in it runs, or asks for anything."""
    return check_quiet
