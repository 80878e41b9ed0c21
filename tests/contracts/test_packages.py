"""What holds for the packages as a whole."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autograd_core import frames
from gradproof.guard import PACKAGES

ROOT = Path(__file__).resolve().parents[2]


def test_importing_engine_layers_optimizers_and_analysis_loads_nothing_heavy():
    script = (
        "import sys, autograd_core, nn, optim, analysis\n"
        "heavy = {'sympy', 'matplotlib', 'graphviz', 'networkx', 'llvmlite', 'sklearn', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_there_is_no_init_file_under_tests():
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_exists_and_has_a_docstring(package):
    module = __import__(package)
    names = [n for n in dir(module) if not n.startswith("_")]
    assert names
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):  # a type alias has none
            assert value.__doc__, f"{package}.{name}"


def test_a_package_is_known_wherever_packages_are_listed():
    roots = {path.parent.name for path in ROOT.glob("*/py.typed")}
    assert roots == {*PACKAGES, "gradproof"}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tools = settings["tool"]
    listed = {
        "wheel": tools["hatch"]["build"]["targets"]["wheel"]["packages"],
        "isort": tools["ruff"]["lint"]["isort"]["known-first-party"],
        "floors": tools["importlinter"]["root_packages"],
        "mypy": [name for name in tools["mypy"]["files"] if name != "tools"],
        "layers": "|".join(tools["importlinter"]["contracts"][0]["layers"]).replace(" ", "").split("|"),
    }  # fmt: skip
    assert {name: set(found) for name, found in listed.items()} == dict.fromkeys(listed, roots)
    assert all(map(frames.library, PACKAGES))
