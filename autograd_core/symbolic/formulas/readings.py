"""Ways to write one expression with named values, and the shortest that is proved equal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import sympy

from ...shapes import Dim
from ..functions import CLASSES
from ..indexed import IndexedArray
from ..normal_form import Undefined, Unsupported
from ..places import indices_in, label_of, size_of
from ..polynomials import Budget, Exhausted, Polynomial
from ..sums import IndexedForm
from .intermediates import NamedValues
from .tidying import collected, cost, labels_in, standing, tidied, written

__all__ = ["Readings", "dimension"]

SECONDS = 10.0  # for one reading
TERMS = 20_000

_FAILED = (Undefined, Unsupported, Exhausted, RecursionError)


class Readings:
    """Ways to write one expression with named values, and the shortest that is proved equal."""

    def __init__(
        self,
        evaluator: NamedValues,
        known: dict[tuple[str, int, sympy.Expr], Any],
        apart: set[sympy.Symbol],
    ) -> None:
        self.evaluator = evaluator
        self.symbols = evaluator.symbols
        self.known = known
        self.apart = apart
        self.sums = dict(known)
        self._summed: set[sympy.Symbol] = set()
        self._opaque: dict[sympy.Expr, tuple[sympy.Symbol, sympy.Expr, tuple[Any, ...]]] = {}

    def shortest(self, raw: IndexedArray) -> IndexedArray:
        """The shortest reading of an array."""
        named = self._with_softmax(raw.body)
        self._add_sums()
        readings = [tidied(named)]
        hidden = self._hidden(named)
        for into in [{}, *self._eliminations(labels_in(named))]:
            try:
                form = self._form(self.sums)
                p = form.form(written(hidden, into))
                readings.append(self._shown(tidied(collected(form.expression(p), below=True))))
            except _FAILED:
                continue
        for e in sorted(readings, key=cost):
            if self._equal(e, raw.body):
                return IndexedArray(raw.shape, raw.indices, e)
        return raw

    def _form(self, sums: Mapping[tuple[str, int, sympy.Expr], Any]) -> IndexedForm:
        return IndexedForm(Budget(SECONDS, TERMS), sums_to=sums)

    def _equal(self, e: sympy.Expr, other: sympy.Expr) -> bool:
        """Whether the two are equal, with definitions put back: as few as will do."""
        for kept in (self.evaluator.lets.keys(), self.apart, set()):
            try:
                form = self._form(self.known)
                a, b = (form.form(self._released(part, kept)) for part in (e, other))
                if form.vanishes(form.difference(a, b)):
                    return True
            except _FAILED:
                continue
        return False

    def _released(self, e: sympy.Expr, kept: Iterable[sympy.Symbol]) -> sympy.Expr:
        """``e`` with the definitions put back, but for the values that are kept."""
        lets = {s: a for s, a in self.evaluator.lets.items() if s not in kept}
        while labels := labels_in(e) & lets.keys():
            e = e.xreplace({s: lets[s].body for s in labels if not lets[s].indices})
            e = written(e, {s: (lets[s].indices, lets[s].body) for s in labels if lets[s].indices})
        return e

    def _add_sums(self) -> None:
        """Find sums of named values over an axis that are numbers, as Σ_b u = 0."""
        for symbol, value in list(self.evaluator.lets.items()):
            if symbol in self._summed or symbol in self.apart:
                continue
            self._summed.add(symbol)
            for n, k in enumerate(value.indices):
                total = sympy.Sum(value.body, (k, 0, size_of(k) - 1))
                for e in (total, self._released(total, self.apart)):
                    try:
                        form = IndexedForm(Budget(2.0, 2_000), sums_to=self.known)
                        p = form.form(e)
                        number = sympy.S.Zero if form.vanishes(p) else form.expression(p)
                    except _FAILED:
                        continue
                    if number.is_Rational:
                        self.sums[str(symbol), n, size_of(k)] = number
                        break

    def _eliminations(
        self, met: set[sympy.Symbol]
    ) -> Iterable[dict[sympy.Symbol, tuple[Any, sympy.Expr]]]:
        """Inputs as what they are in terms of a value: z = mean + u s."""
        for symbol, value in list(self.evaluator.lets.items()):
            leaves = {
                leaf
                for leaf in value.body.atoms(sympy.Indexed)
                if leaf.base.label in met
                and set(leaf.indices) == set(value.indices)
                and len(leaf.indices) == len(value.indices)
            }
            if symbol in self.apart or not leaves:
                continue
            try:
                form = self._form(self.sums)
                p = form.form(self._hidden(value.body))
            except _FAILED:
                continue
            for leaf in sorted(leaves, key=str):
                solved = self._solved(form, p, leaf, sympy.IndexedBase(symbol)[value.indices])
                if solved is not None:
                    yield {leaf.base.label: (leaf.indices, solved)}

    def _solved(
        self, form: IndexedForm, p: Polynomial, leaf: sympy.Indexed, named: sympy.Expr
    ) -> sympy.Expr | None:
        """``leaf`` from ``named`` = p, where p is linear in it."""
        factor, rest = None, sympy.S.Zero
        for m, c in p.items():
            e = form.expression({m: c})
            if leaf.base.label not in e.free_symbols:
                rest += e
                continue
            coefficient = e / leaf
            if factor is not None or leaf.base.label in coefficient.free_symbols:
                return None
            factor = coefficient
        return None if factor is None else (named - rest) / factor

    # --- values that are recognised -------------------------------------------------------------------

    def _with_softmax(self, e: sympy.Expr) -> sympy.Expr:
        """``e`` with p_c for exp(z_c)/Σ_k exp(z_k)."""
        if not e.has(sympy.exp) or not e.args:
            return e
        if not isinstance(e, sympy.Sum):
            e = e.func(*map(self._with_softmax, e.args))
        else:
            e = sympy.Sum(self._with_softmax(e.function), *e.limits)
        for power in sympy.Mul.make_args(e):
            array = _softmax(e, power)
            if array is not None:
                p = self._softmaxes(self.symbols.unused("p"), array).at(array.indices)
                return self._with_softmax(e / array.body * p)
        return e

    def _softmaxes(self, name: str, array: IndexedArray) -> IndexedArray:
        """The name of a softmax: that which an equal value has."""
        form = self._form({})
        for symbol, value in self.evaluator.lets.items():
            for order in itertools.permutations([i for i in array.indices if i is not None]):
                if [size_of(i) for i in value.indices] != [size_of(i) for i in order]:
                    continue
                at = dict(zip(value.indices, order, strict=True))
                try:
                    body = value.body.xreplace(at)
                    gap = form.difference(form.form(body), form.form(array.body))
                except _FAILED:
                    continue
                if form.vanishes(gap):
                    return IndexedArray(
                        array.shape, array.indices, sympy.IndexedBase(symbol)[order]
                    )
        return self.evaluator.let(name, array, positive=True)

    # --- steps, which the normal form would rewrite off their kinks -----------------------------------

    def _hidden(self, e: sympy.Expr) -> sympy.Expr:
        """``e`` with an array in the place of each step."""
        opaque = tuple(c for c, f in CLASSES.items() if f.jumps)
        if not e.has(*opaque):
            return e
        if isinstance(e, opaque):
            free = tuple(sorted(indices_in(e), key=str))
            key = standing(e, free)
            if key not in self._opaque:
                self._opaque[key] = (sympy.Dummy("step", real=True), e, free)
            symbol = self._opaque[key][0]
            return sympy.IndexedBase(symbol)[free] if free else symbol
        return e.func(*(a if isinstance(a, sympy.Tuple) else self._hidden(a) for a in e.args))

    def _shown(self, e: sympy.Expr) -> sympy.Expr:
        """``e`` with the steps back in their places."""
        held = {symbol: (body, free) for symbol, body, free in self._opaque.values()}
        into = {}
        for a in (*e.atoms(sympy.Indexed), *e.free_symbols):
            symbol = label_of(a) if isinstance(a, (sympy.Indexed, sympy.Symbol)) else None
            if symbol in held and (isinstance(a, sympy.Indexed) or not held[symbol][1]):
                body, free = held[symbol]
                at = a.indices if isinstance(a, sympy.Indexed) else ()
                into[a] = body.xreplace(dict(zip(free, at, strict=True)))
        return e.xreplace(into) if into else e


def _softmax(e: sympy.Expr, power: sympy.Expr) -> IndexedArray | None:
    """exp(z_c)/Σ_k exp(z_k), if ``e`` has this factor, where ``power`` is 1/Σ_k exp(z_k)."""
    if not (power.is_Pow and power.exp == -1 and isinstance(power.base, sympy.Sum)):
        return None
    total = power.base
    k = total.limits[0][0]
    if len(total.limits) != 1 or not isinstance(total.function, sympy.exp):
        return None
    for factor in sympy.Mul.make_args(e):
        if not isinstance(factor, sympy.exp):
            continue
        logits = factor.args[0]
        for c in sorted(indices_in(logits), key=str):
            if size_of(c) == size_of(k) and total.function.args[0].xreplace({k: c}) == logits:
                free = sorted(indices_in(logits), key=str)
                if isinstance(logits, sympy.Indexed) and set(logits.indices) == set(free):
                    free = list(logits.indices)
                return IndexedArray(
                    tuple(dimension(size_of(i)) for i in free), tuple(free), factor * power
                )
    return None


def dimension(n: sympy.Expr) -> Any:
    """A size as shapes have it: an int, or a Dim."""
    if n.is_Symbol:
        return Dim.named(n.name)
    if n.is_Integer:
        return int(n)
    parts = [dimension(a) for a in n.args]
    return sum(parts) if n.is_Add else math.prod(parts) if n.is_Mul else parts[0] ** parts[1]
