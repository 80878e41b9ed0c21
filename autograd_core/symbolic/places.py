"""Indices, and places: what may stand between the brackets of an element.

An index runs over all of its axis and knows its size. A size is any positive integer.

A place may be computed, as i + j is, which a window at i has as its element j, or n - 1 - i behind a
flip: whole multiples of indices and of labels, and a polynomial in sizes.
Whether a place lies on an axis is asked of its least and of its largest value.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from .atoms import Step
from .walks import in_order

__all__ = [
    "Index",
    "Place",
    "binder",
    "bound_in",
    "free_indices",
    "index",
    "indices_in",
    "is_bound",
    "is_index",
    "is_label",
    "is_size",
    "label_of",
    "never_negative",
    "place_of",
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


# --- places that are computed -------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Whole multiples of indices and labels, and a polynomial in sizes.

    Attributes
    ----------
    terms : dict of index or label to int
    constant : sympy.Expr
    """

    terms: Mapping[sympy.Expr, int]
    constant: sympy.Expr

    @property
    def written(self) -> sympy.Expr:
        """As an expression, the same for all that are equal."""
        return sympy.Add(self.constant, *(c * t for t, c in self.terms.items()))

    def solved(self, i: sympy.Symbol) -> sympy.Expr | None:
        """What the index ``i`` is where the place is 0; None if that is not known to be whole.

        Nor is it known where ``i`` stands in a label.
        """
        c = self.terms.get(i, 0)
        if abs(c) != 1 or any(t != i and i in indices_in(t) for t in self.terms):
            return None
        others = {t: -c * d for t, d in self.terms.items() if t != i}
        return Place(others, -c * self.constant).written


@functools.lru_cache(maxsize=50_000)
def place_of(e: sympy.Expr) -> Place | None:
    """An expression as a place; None if it is none."""
    terms: dict[sympy.Expr, int] = {}
    constant = []
    for part in sympy.Add.make_args(sympy.expand(e)):
        c, factor = part.as_coeff_Mul()
        if is_index(factor) or is_label(factor):
            if not c.is_Integer:
                return None
            terms[factor] = terms.get(factor, 0) + int(c)
        elif c.is_Integer and all(map(_is_power_of_size, sympy.Mul.make_args(factor))):
            constant.append(part)
        else:
            return None
    ordered = sorted((t for t, c in terms.items() if c), key=sympy.default_sort_key)
    return Place({t: terms[t] for t in ordered}, sympy.expand(sympy.Add(*constant)))


def is_label(e: sympy.Expr) -> bool:
    """Whether an expression is an element of an integer array, or of the places of largest elements."""
    if not isinstance(e, (sympy.Symbol, sympy.Indexed)) or is_index(e):
        return False
    return bool(label_of(e).is_integer) and not label_of(e).is_positive


def _is_power_of_size(e: sympy.Expr) -> bool:
    base, exponent = e.as_base_exp()
    whole = exponent.is_Integer and exponent > 0
    return e == 1 or (whole and base.is_Symbol and is_size(base))


def is_size(s: sympy.Symbol) -> bool:
    """Whether a symbol is a name of a size."""
    return bool(s.is_integer and s.is_positive)


def never_negative(n: sympy.Expr, bounds: Iterable[sympy.Expr] = ()) -> bool:
    """Whether a polynomial in sizes is 0 or more at all sizes where ``bounds`` are, by its form."""
    return _never_negative(sympy.sympify(n), tuple(bounds))


@functools.lru_cache(maxsize=50_000)
def _never_negative(n: sympy.Expr, bounds: tuple[sympy.Expr, ...]) -> bool:
    least: dict[sympy.Symbol, sympy.Expr] = {}
    for bound in bounds:
        found = _least(bound)
        if found is not None:
            s, value = found
            least[s] = max(value, least.get(s, sympy.S.One))
    # What is left over is 0 or more, and so is what has no minus in it.
    return any(_without_minus(n - bound, least) for bound in (sympy.S.Zero, *bounds))


def _least(bound: sympy.Expr) -> tuple[sympy.Symbol, sympy.Expr] | None:
    """The least value of a size where a bound of it alone is 0 or more."""
    if len(bound.free_symbols) != 1:
        return None
    (s,) = bound.free_symbols
    slope = bound.coeff(s)
    rest = sympy.expand(bound - slope * s)
    if not (slope.is_Integer and slope > 0 and rest.is_Integer):
        return None
    return s, sympy.ceiling(-rest / slope)


def _without_minus(n: sympy.Expr, least: Mapping[sympy.Symbol, sympy.Expr]) -> bool:
    above = sympy.expand(n.xreplace({s: s + least.get(s, 1) for s in n.free_symbols}))
    return all(part.as_coeff_Mul()[0] >= 0 for part in sympy.Add.make_args(above))
