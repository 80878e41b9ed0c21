"""Numbers for expressions: an expression with indices as a NumPy array with an axis for each.

z[b, d] is an array with the axes (b, d). What does not hold an index has no axis for it; sums of
products are einsums, so that what they are sums of is not written out.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from .functions import CLASSES
from .places import indices_in, is_index, size_of
from .walks import parts_of

__all__ = ["Unreadable", "Values"]

MOST = 2.0**24  # elements of one array

Axes = tuple[sympy.Symbol, ...]


class Unreadable(Exception):  # noqa: N818 - an outcome, not an error
    """The expression has no value here: a symbol without one, or too many elements."""


class Values:
    """Expressions at one point.

    Parameters
    ----------
    symbols : mapping of Symbol to array
        What symbols of scalars and of arrays stand for, an axis for each index; sizes as well.
    largest : mapping of Symbol to (expression, indices, indices, number), optional
        Labels of largest elements: of what, over which indices, for which, and which coordinate.
    """

    def __init__(
        self,
        symbols: Mapping[sympy.Symbol, Any],
        largest: Mapping[sympy.Symbol, tuple[sympy.Expr, Axes, Axes, int]] | None = None,
    ) -> None:
        self.symbols = dict(symbols)
        self.largest = largest or {}
        self._known: dict[sympy.Expr, tuple[Axes, Any]] = {}

    def entries(self, e: sympy.Expr) -> Any:
        """The values of an expression for all of its free indices."""
        return np.asarray(self._value(e)[1], float)

    def apart(self, e: sympy.Expr) -> Any:
        """As `entries`, but nan where terms that index one axis of one array are the same number.

        Those are not what was written, as z[b] - z[b'] is not where b' is b.
        """
        axes, value = self._value(e)
        value = np.asarray(value, float)
        free = indices_in(e)
        places: dict[Any, set[sympy.Expr]] = {}
        for part in parts_of([e]):
            if isinstance(part, sympy.Indexed):
                for n, term in enumerate(part.indices):
                    if indices_in(term) <= free:
                        places.setdefault((part.base.label, n), set()).add(term)
        for terms in places.values():
            for a, b in itertools.combinations(terms, 2):
                same = np.equal(*(self._along(axes, *self._value(t)) for t in (a, b)))
                value = np.where(same, np.nan, value)
        return value

    def size(self, n: sympy.Expr) -> int:
        """A size as a number."""
        found = n.xreplace({s: sympy.Integer(int(self._symbol(s))) for s in n.free_symbols})
        return int(found)

    def _symbol(self, s: sympy.Symbol) -> Any:
        if s not in self.symbols:
            raise Unreadable(f"{s} has no value")
        return self.symbols[s]

    def _value(self, e: sympy.Expr) -> tuple[Axes, Any]:
        found = self._known.get(e)
        if found is None:
            found = self._known[e] = self._of(e)
        return found

    def _of(self, e: sympy.Expr) -> tuple[Axes, Any]:
        if e.is_number:
            return (), float(e)
        if is_index(e):
            return (e,), np.arange(float(self.size(size_of(e))))
        if isinstance(e, sympy.Symbol):
            return self._label(e, ()) if e in self.largest else ((), self._symbol(e))
        if isinstance(e, sympy.Indexed):
            return self._element(e)
        if isinstance(e, sympy.Sum):
            return self._sum(e)
        operands = [
            self._value(a) for a in (e.args[:2] if e.func is sympy.KroneckerDelta else e.args)
        ]
        axes = _together(axes for axes, _ in operands)
        self._check(axes)
        values = [self._along(axes, *o) for o in operands]
        if e.is_Add:
            return axes, functools.reduce(np.add, values)
        if e.is_Mul:
            return axes, functools.reduce(np.multiply, values)
        if e.is_Pow:
            return axes, np.power(*(np.asarray(v, float) for v in values))
        if e.func is sympy.KroneckerDelta:
            return axes, np.equal(*values) * 1.0
        record = CLASSES.get(e.func)
        function = None if record is None or record.condition else record.numpy
        if function is not None and record is not None and record.folds:
            return axes, functools.reduce(function, values)
        if function is None:  # one by one, by sympy
            function = np.vectorize(
                lambda *a: float(e.func(*map(sympy.Float, a))) if np.isfinite(a).all() else np.nan,
                otypes=[float],
            )
        return axes, function(*(np.asarray(v, float) for v in values))

    def _element(self, e: sympy.Indexed) -> tuple[Axes, Any]:
        if e.base.label in self.largest:
            return self._label(e.base.label, e.indices)
        array = np.asarray(self._symbol(e.base.label))
        if array.ndim == len(e.indices) and len(set(e.indices)) == array.ndim and all(
            is_index(i) and self.size(size_of(i)) == n for i, n in zip(e.indices, array.shape, strict=True)
        ):  # fmt: skip
            return tuple(e.indices), array
        terms = [self._value(i) for i in e.indices]
        axes = _together(axes for axes, _ in terms)
        self._check(axes)
        at = [self._along(axes, *t).astype(int) for t in terms]
        if any((i < 0).any() or (i >= n).any() for i, n in zip(at, array.shape, strict=True)):
            raise Unreadable(f"{e} is not there")
        return axes, array[tuple(at)]

    def _label(self, label: sympy.Symbol, terms: Sequence[sympy.Expr]) -> tuple[Axes, Any]:
        """The place of a largest element: one of its coordinates, at the indices that it is given."""
        x, folded, kept, n = self.largest[label]
        axes, value = self._value(x.xreplace(dict(zip(kept, terms, strict=True))))
        rest = tuple(i for i in axes if i not in folded)
        shape = [self.size(size_of(i)) for i in folded]
        value = np.broadcast_to(
            self._along((*rest, *folded), axes, value),
            [*(self.size(size_of(i)) for i in rest), *shape],
        )
        at = np.argmax(value.reshape(*value.shape[: len(rest)], -1), -1)
        return rest, np.asarray(np.unravel_index(at, shape)[n], float)

    def _sum(self, e: sympy.Sum) -> tuple[Axes, Any]:
        bound = {limit[0] for limit in e.limits}
        factors = e.function.args if e.function.is_Mul else (e.function,)
        operands = [self._value(f) for f in factors]
        axes = _together(axes for axes, _ in operands)
        free = tuple(i for i in axes if i not in bound)
        self._check(free)
        number = {i: n for n, i in enumerate(axes)}
        given: list[Any] = []
        for own, value in operands:
            given += [np.asarray(value, float), [number[i] for i in own]]
        total = np.einsum(*given, [number[i] for i in free], optimize="greedy")
        for i in bound - set(axes):
            total = total * self.size(size_of(i))
        return free, total

    def _check(self, axes: Axes) -> None:
        if np.prod([float(self.size(size_of(i))) for i in axes]) > MOST:
            raise Unreadable("it has too many elements")

    def _along(self, axes: Axes, own: Axes, value: Any) -> Any:
        """A value with its axes among ``axes``, of size 1 where it has none."""
        value = np.asarray(value)
        if not own:
            return value.reshape((1,) * len(axes))
        value = value.transpose([own.index(i) for i in axes if i in own])
        sizes = iter(value.shape)
        return value.reshape([next(sizes) if i in own else 1 for i in axes])


def _together(given: Any) -> Axes:
    return tuple(dict.fromkeys(i for axes in given for i in axes))
