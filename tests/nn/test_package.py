"""The package as a whole: its names, its imports, its examples."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import docs
import pytest

import nn

FOLDER = Path(nn.__file__).parent
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(nn.__path__, "nn.")
    if not m.name.startswith("nn.derivations")  # found by walking, not by name
)

FILES = [name for name in MODULES if not hasattr(importlib.import_module(name), "__path__")]


def test_public_names_exist_are_sorted_and_are_all_that_a_star_gives():
    assert nn.__all__ == sorted(set(nn.__all__))
    for package in (nn, nn.data):
        assert all(hasattr(package, name) for name in package.__all__)


@pytest.mark.together
@pytest.mark.parametrize("name", FILES)
def test_each_file_lists_its_public_names_in_order(name):
    names = importlib.import_module(name).__all__
    assert list(names) == sorted(names, key=docs.in_order)  # ruff's: constants, classes, functions


def test_importing_nn_loads_no_heavy_library():
    code = (
        "import sys, nn; "
        "print([m for m in ('sklearn', 'scipy', 'sympy', 'matplotlib', 'graphviz', 'networkx', "
        "'rich') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parent
    )
    assert done.stdout.strip() == "[]"


def test_the_code_of_the_readme_runs_and_its_table_lists_every_part():
    pytest.importorskip("sklearn")
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    space = {}
    for code in re.findall(
        r"```python\n(.*?)```", text, re.DOTALL
    ):  # later pieces go on with names of earlier ones
        exec(code, space)
    assert space["model"][0].weight.grad is not None
    listed = set(re.findall(r"`(\w+\.py|\w+/)`", text))
    parts = {p.name for p in FOLDER.glob("*.py")} | {
        f"{p.parent.name}/" for p in FOLDER.glob("*/__init__.py")
    }
    assert parts - {"__init__.py"} <= listed


def test_the_tables_of_the_readme_name_everything_public():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = {
        name
        for row in text.splitlines()
        if row.startswith("| ")
        for name in re.findall(r"`(\w+)`", row)
    }
    public = {*nn.__all__, *nn.data.__all__, *nn.initializers.__all__}
    assert public - {"data", "functional", "initializers", "KeyMismatch"} <= table
