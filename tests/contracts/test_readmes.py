"""Packages' READMEs tell of the files that there are; texts name functions that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.symbolic import prove

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("autograd_core", "nn", "optim", "analysis", "viz", "gradproof")
READMES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("README.md"))
HANDLES = {"ag": ag, "nn": nn, "optim": optim, "viz": viz, "prove": prove}


def _modules(folder):
    """The modules below a folder whose README it is, but for those that have a README nearer by."""
    nearer = [p.parent for p in READMES if p.parent != folder and folder in p.parent.parents]
    for path in sorted(folder.rglob("*.py")):
        if path.stem not in ("__init__", "__main__") and not set(nearer) & set(path.parents):
            yield path.relative_to(folder)


@pytest.mark.parametrize("readme", READMES, ids=lambda p: p.parent.name)
def test_every_file_that_a_readme_names_is_there(readme):
    folder, text = readme.parent, readme.read_text()
    named = re.findall(r"`([\w./]+\.(?:py|md))`", text) + re.findall(r"^ +([\w/]+\.py)", text, re.M)
    assert named
    package = ROOT / folder.relative_to(ROOT).parts[0]
    roots = [package, ROOT / "tests" / folder.relative_to(ROOT)]
    there = [f"/{p.relative_to(root).as_posix()}" for root in roots for p in root.rglob("*.*")]
    gone = [
        name
        for name in named
        if not (ROOT / name).exists() and not any(path.endswith(f"/{name}") for path in there)
    ]
    assert not gone
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("http") or (folder / target).exists(), target


def _roads():
    """Rows of tables that follow a thing from file to file: a file, and what to look for in it."""
    for readme in READMES:
        for table in re.findall(
            r"\| file \| what to look for \|.*\n\|.*\n((?:\|.*\n)+)", readme.read_text()
        ):
            for row in table.splitlines():
                _, file, names, *_ = row.split("|")
                for name in re.findall(r"`([^`]+)`", names):
                    yield readme, file.strip(" `"), name


@pytest.mark.parametrize(
    ("readme", "file", "name"), list(_roads()), ids=lambda v: str(v).rpartition("/")[2]
)
def test_a_road_names_what_stands_in_its_files(readme, file, name):
    path = ROOT / file if (ROOT / file).exists() else readme.parent / file
    assert re.search(rf"^ *(?:def|class) {re.escape(name)}\b", path.read_text("utf-8"), re.M)


@pytest.mark.parametrize("readme", READMES, ids=lambda p: p.parent.name)
def test_a_readme_says_what_every_file_is(readme):
    text = readme.read_text()
    silent = [
        path.as_posix()
        for path in _modules(readme.parent)
        if not re.search(rf"(?<!\w){re.escape(path.name)}", text)
        and not any(f"{parent.name}/" in text for parent in path.parents if parent.name)
    ]
    assert not silent, "name the file, or its folder, in the README"


def test_what_texts_tell_to_call_is_there():
    sources = (path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    named = set()
    for path in (*sources, *READMES):
        # As a reader of the text would type it: with its brackets.
        found = re.findall(
            r"(?<![\w./-])(ag|nn|optim|viz|prove)\.([A-Za-z]\w*)\(", path.read_text()
        )
        named |= {f"{handle}.{name}" for handle, name in found}
    assert {"ag.detect_anomaly", "optim.Adam", "nn.Module", "viz.draw_graph"} <= named
    absent = sorted(
        name
        for name in named
        if not hasattr(HANDLES[name.partition(".")[0]], name.partition(".")[2])
    )
    assert not absent
