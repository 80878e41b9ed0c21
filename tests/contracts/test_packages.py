"""What holds for the packages as a whole."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_importing_engine_layers_and_optimizers_loads_nothing_heavy():
    script = (
        "import sys, autograd_core, nn, optim\n"
        "heavy = {'sympy', 'matplotlib', 'graphviz', 'networkx', 'llvmlite', 'sklearn', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_there_is_no_init_file_under_tests():
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("package", ["autograd_core", "nn", "optim", "viz"])
def test_every_exported_name_exists_and_has_a_docstring(package):
    module = __import__(package)
    names = [n for n in dir(module) if not n.startswith("_")]
    assert names
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):  # a type alias has none
            assert value.__doc__, f"{package}.{name}"
