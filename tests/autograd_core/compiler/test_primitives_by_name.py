"""What the compiler asks of a primitive is a fact of its declaration, or a rule registered for it: never its name."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import compiler

FILES = sorted(Path(compiler.__file__).parent.rglob("*.py"))


def _asked_by_name(tree):
    """Names of primitives that something's ``name`` is compared with, or that are looked up in the registry."""
    for node in ast.walk(tree):
        words = []
        if isinstance(node, ast.Compare) and any(
            isinstance(side, ast.Attribute) and side.attr == "name"
            for side in (node.left, *node.comparators)
        ):
            words = [w for side in (node.left, *node.comparators) for w in ast.walk(side)]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "REGISTRY":
            words = [node.slice]
        yield from (
            w.value for w in words if isinstance(w, ast.Constant) and w.value in ag.REGISTRY
        )


def test_the_search_finds_what_it_looks_for():
    text = 'p.name == "cast" or p.name in ("where", "exp") or REGISTRY["add"] or p.name == "index"'
    assert sorted(_asked_by_name(ast.parse(text))) == ["add", "cast", "exp", "where"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: "/".join(p.parts[-2:]))
def test_no_primitive_is_asked_for_its_name(path):
    assert not list(_asked_by_name(ast.parse(path.read_text(encoding="utf-8"))))


def test_what_converts_gives_its_operands_numbers_in_the_dtype():
    converting = [p for p in ag.REGISTRY.values() if p.converts]
    assert converting
    for p in converting:
        for dtype in (np.int8, np.float32, np.float64, bool):
            result = p.forward(np.array([0.0, 1.0]), dtype=np.dtype(dtype))
            assert result.dtype == dtype
            assert result.tolist() == [0, 1]
