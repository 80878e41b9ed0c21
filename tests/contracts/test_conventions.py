"""The tables of conventions in packages' READMEs: each row is asked by a test that there is."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADING = "## Conventions"


def table(package):
    """The rows of a package's table, its head and the line under it among them."""
    text = (ROOT / package / "README.md").read_text("utf-8")
    part = text.partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in part.splitlines()
        if line.startswith("|")
    ]


TABLES = {
    path.parent.name: table(path.parent.name)
    for path in sorted(ROOT.glob("*/README.md"))
    if f"\n{HEADING}\n" in path.read_text("utf-8")
}
ROWS = [
    pytest.param(row, id=f"{package}-{row[0]}")
    for package, rows in TABLES.items()
    for row in rows[2:]
]


@functools.cache
def defined_in(path):
    """Names of the tests that a file defines, in classes too."""
    nodes = ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("package", ["nn", "optim"])
def test_there_is_a_table(package):
    rows = TABLES[package]
    assert rows[0] == ["question", "here", "elsewhere", "asked by"]
    assert len(rows) > 8
    questions = [row[0] for row in rows[2:]]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("row", ROWS)
def test_a_convention_is_asked_by_a_test(row):
    assert len(row) == 4
    assert row[1]
    assert row[2]
    named = re.findall(r"`(tests/[\w/.]+)::(test_\w+)`", row[3])
    assert named
    for path, name in named:
        assert name in defined_in(path)
