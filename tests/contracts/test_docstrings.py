"""Examples in docstrings are true: each runs as it stands."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from gradproof.guard import PACKAGES


def modules():
    for package in map(importlib.import_module, (*PACKAGES, "gradproof")):
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples_in_docstrings(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0
