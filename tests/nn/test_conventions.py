"""The table of conventions in nn/README.md: each row names a test that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (
    (ROOT / "nn/README.md").read_text("utf-8").partition("## Conventions")[2].partition("\n## ")[0]
)
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in TABLE.splitlines()
    if line.startswith("|")
]


def test_there_is_a_table():
    assert ROWS[0] == ["question", "here", "elsewhere", "asked by"]
    assert len(ROWS) > 8


@pytest.mark.parametrize("row", ROWS[2:], ids=lambda row: row[0])
def test_a_convention_is_asked_by_a_test(row):
    assert len(row) == 4
    assert row[1]
    named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", row[3])
    assert named
    for path, name in named:
        assert re.search(rf"^ *def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)
