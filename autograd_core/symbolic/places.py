"""Indices, and places: what may stand between the brackets of an element.

An index runs over all of its axis and knows its size. A size is any positive integer.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy

from .atoms import Step
from .walks import in_order

__all__ = [
    "Index",
    "binder",
    "bound_in",
    "free_indices",
    "index",
    "indices_in",
    "is_bound",
    "is_index",
    "label_of",
    "readable",
    "size_of",
]


class Index(sympy.Symbol):  # type: ignore[misc]
    """An index: a symbol that knows the size of its axis."""

    __slots__ = ("size",)

    def __new__(cls, name: str, size: sympy.Expr) -> Index:
        """Make the symbol, with its size."""
        found = sympy.Symbol.__xnew__(cls, name, integer=True, nonnegative=True)
        found.size = size
        return found

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.size)


def index(name: str, size: sympy.Expr) -> sympy.Symbol:
    """An index 0 … size - 1; equal names and sizes are one index."""
    return Index(name, sympy.sympify(size))


class _Binder(Index):
    """An index that a sum binds, and that stands nowhere else."""

    __slots__ = ()


def binder(name: str, size: sympy.Expr) -> sympy.Symbol:
    """An index to be bound by one sum; ``name`` is to be new."""
    return _Binder(name, sympy.sympify(size))


def is_bound(i: sympy.Symbol) -> bool:
    """Whether an index is one that a sum binds."""
    return isinstance(i, _Binder)


def bound_in(e: sympy.Expr) -> frozenset[sympy.Symbol]:
    """The indices that sums in an expression bind."""
    found: set[sympy.Symbol] = set()
    seen, stack = {e}, [e]
    while stack:
        part = stack.pop()
        if isinstance(part, sympy.Sum):
            found.update(part.variables)
        new = set(part.args) - seen
        seen |= new
        stack += new
    return frozenset(found)


def is_index(e: sympy.Basic) -> bool:
    """Whether an expression is an index."""
    return isinstance(e, Index)


def size_of(i: sympy.Symbol) -> sympy.Expr:
    """How many values an index takes."""
    return i.size


def readable(e: sympy.Expr) -> sympy.Expr:
    """An expression with its indices named after their axes, free ones first: b, b'; i, j for numbers."""
    met = [s for s in sympy.preorder_traversal(e) if isinstance(s, Index)]
    free = indices_in(e)
    named: dict[sympy.Symbol, sympy.Symbol] = {}
    for i in dict.fromkeys([*(i for i in met if i in free), *met]):
        size = size_of(i)
        letters = [str(size).lower()] if size.is_Symbol else ["i", "j", "k", "l", "m", "n"]
        tries = (c + "'" * n for n in itertools.count() for c in letters)
        taken = {s.name for s in named.values()}
        named[i] = index(next(name for name in tries if name not in taken), size)
    return e.xreplace(named)


def label_of(element: sympy.Expr) -> sympy.Symbol:
    """The symbol of the array that an element belongs to; a scalar is its own.

    A boolean is the step of a real.
    """
    if isinstance(element, Step):
        element = element.args[0]
    return element.base.label if isinstance(element, sympy.Indexed) else element


def indices_in(e: sympy.Expr) -> frozenset[sympy.Symbol]:
    """The free indices of an expression."""
    return frozenset(s for s in e.free_symbols if isinstance(s, Index))


def free_indices(e: Any, known: dict[Any, frozenset[sympy.Symbol]]) -> frozenset[sympy.Symbol]:
    """As `indices_in`, in one walk; ``known`` holds those of its parts, for the next call."""
    if e not in known:
        for node in in_order(e):
            if node in known:
                continue
            if node.is_Symbol:
                known[node] = indices_in(node)
                continue
            held = frozenset().union(*(known[a] for a in node.args))
            bound = node.variables if isinstance(node, sympy.Sum) else ()
            known[node] = held.difference(bound)
    return known[e]
