"""CONTRIBUTING.md is true: what it quotes stands in the tree, its links lead somewhere, its commands are there.

Its examples of whole files are tried in `tests/contracts/test_dropped_in_files.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n# (\S+?)(, as it stands)?\n(.*?)```", TEXT, re.DOTALL)


def test_every_block_is_a_file_or_a_quotation():
    assert len(BLOCKS) == TEXT.count("```python")


def test_what_is_quoted_stands_in_the_tree():
    quoted = [(path, code) for path, quotation, code in BLOCKS if quotation]
    assert len(quoted) >= 4
    for path, code in quoted:
        assert code in (ROOT / path).read_text("utf-8"), path


def test_files_that_are_named_are_there():
    made = {path for path, quotation, _ in BLOCKS if not quotation}
    named = set(
        re.findall(r"`((?:tests|autograd_core|nn|optim|viz|gradproof|tools)/[\w/.]+)`", TEXT)
    )
    assert len(named) > 20
    assert not {name for name in named - made if not (ROOT / name).exists()}


def test_places_of_what_stays_by_hand_are_there():
    table = TEXT[TEXT.index("## What stays by hand") :]
    for row in re.findall(r"^\| .* \| (`.*`) \| .* \|$", table, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([^`]+)`", row):
            path = next(
                (
                    p
                    for p in (ROOT / name, ROOT / "autograd_core" / name, ROOT / folder / name)
                    if p.exists()
                ),
                None,
            )
            assert path is not None, name
            folder = str(path.parent.relative_to(ROOT))


def test_targets_of_make_are_there():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"`make ([\w-]+)`", TEXT))
    assert len(targets) >= 8
    assert not {t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)}


def test_links_lead_to_headings():
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
