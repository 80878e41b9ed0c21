"""Nested lists, tuples and dicts of arrays, flattened and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["flatten", "map_tree", "unflatten"]

Tree = Any


class _Leaf:
    def __repr__(self) -> str:
        return "·"


_LEAF = _Leaf()


def flatten(tree: Tree) -> tuple[list[Any], Tree]:
    """Leaves in order, and the structure. Dicts keep their order; namedtuples their class."""
    leaves: list[Any] = []

    def note(leaf: Any) -> _Leaf:
        leaves.append(leaf)
        return _LEAF

    structure = map_tree(note, tree)
    return leaves, structure


def unflatten(structure: Tree, leaves: Any) -> Tree:
    """The inverse of `flatten`, with other leaves."""
    remaining = iter(leaves)
    return map_tree(lambda _: next(remaining), structure)


def map_tree(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """``function`` of every leaf, in the same nesting."""
    if isinstance(tree, dict):
        return {k: map_tree(function, v) for k, v in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tree(function, v) for v in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_tree(function, v) for v in tree)
    return function(tree)
