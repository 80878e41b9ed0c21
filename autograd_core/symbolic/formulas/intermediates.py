"""The intermediate values of a program by name, and the evaluator that stops at them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy

from ...kinds import Contract, Random, View
from ...program import Application, Program, Var
from ...shapes import Shape
from ..indexed import Indexed, IndexedArray, IndexedSymbols
from ..places import indices_in, label_of
from ..polynomials import Budget
from .letters import LETTERED, value_letter
from .tidying import standing

__all__ = ["NamedValues", "is_opaque", "name_captures", "names_of"]

COTANGENT = "g"  # the letter of a gradient on its way back
_CALLED = {"f": "x", "i": "labels", "u": "labels"}


class NamedValues(Indexed):
    """The INDEXED evaluator, with an array of its own for every value that has a name.

    Parameters
    ----------
    symbols : IndexedSymbols
    names : mapping of Var to str
    budget : Budget, optional

    Attributes
    ----------
    lets : dict of Symbol to IndexedArray
        What the named values are made of.
    given : dict of Symbol to shape
        Named values that are drawn at random: these have no definition.
    symbol_of : dict of Var to Symbol
        Those with a definition.
    shown : dict of Symbol to sympy.Expr
        Definitions that read better than the evaluator's.
    """

    def __init__(
        self, symbols: IndexedSymbols, names: Mapping[Var, str], budget: Budget | None = None
    ) -> None:
        super().__init__(symbols, budget=budget)
        self.names = names
        self.lets: dict[sympy.Symbol, IndexedArray] = {}
        self.given: dict[sympy.Symbol, Shape] = {}
        self.shown: dict[sympy.Symbol, sympy.Expr] = {}
        self.symbol_of: dict[Var, sympy.Symbol] = {}
        self._same: dict[sympy.Expr, IndexedArray] = {}

    def apply(self, application: Application, operands: tuple[Any, ...]) -> Any:
        """The value of one step; its name, if it has one."""
        found = super().apply(application, operands)
        name = self.names.get(application.result)
        if name is None or not isinstance(found, IndexedArray):
            return found
        letter = LETTERED.of(application.primitive)
        array = self.let(name, found, positive=letter is not None and letter.positive)
        symbol = label_of(array.body)
        if symbol in self.lets:
            self.symbol_of[application.result] = symbol
            if letter is not None and letter.shown is not None:
                self.shown[symbol] = letter.shown(self.value(operands[0]), application.params)
        return array

    def let(self, name: str, value: IndexedArray, positive: bool = False) -> IndexedArray:
        """A name for a value; the one that an equal value has."""
        if not value.body.args or (
            isinstance(value.body, sympy.Indexed)
            and indices_in(value.body) == set(value.body.indices)
        ):
            return value  # a number, or an array that has a name
        key = standing(value.body, [i for i in value.indices if i is not None])
        known = self._same.get(key)
        if known is not None and len(known.indices) == len(value.indices):
            return known
        array = self.symbols.array(name, value.shape, **({"positive": True} if positive else {}))
        symbol = label_of(array.body)
        free = {label_of(e) for e in value.body.atoms(sympy.Indexed)} | {
            s for s in value.body.free_symbols if not indices_in(s)
        }
        if free & self.symbols.bits:
            self.given[symbol] = value.shape
        else:
            # As an array that has no axes of size 1.
            held = tuple(i for i in value.indices if i is not None)
            shape = tuple(n for n, i in zip(value.shape, value.indices, strict=True) if i)
            self.lets[symbol] = self._held[symbol] = IndexedArray(shape, held, value.body)
        self._same[key] = array
        return array


# --- names -----------------------------------------------------------------------------------------


def names_of(program: Program[Any], taken: Iterable[str], automatic: bool) -> dict[Var, str]:
    """Names for values of a program's forward.

    Parameters
    ----------
    program : Program
    taken : iterable of str
        Names that stand for something else.
    automatic : bool
        Also name, by a letter for what they are, the values that the backward reads, or those that
        these are plain sums, products and views of.
    """
    forward = {step.result: step for step in program if not step.backward}
    called: dict[Var, str] = {
        var: _identifier(var.name)
        for var in forward
        if var.name and not var.parts and not isinstance(forward[var].primitive.kind, Random)
    }
    letters: dict[Var, str] = {}
    if automatic:
        pending = [o for step in program if step.backward for o in step.operands]
        seen = set()
        while pending:
            var = pending.pop()
            if not isinstance(var, Var) or var in seen or var in called or var not in forward:
                continue
            seen.add(var)
            letter = value_letter(forward[var], forward)
            if letter:
                letters[var] = letter
            else:
                pending.extend(forward[var].operands)
        # Cotangents before and after a contraction, so that no formula holds a whole network.
        makers = {step.result: step for step in program if step.backward}
        read = {o for step in program for o in step.operands if isinstance(o, Var)}
        for step in makers.values():
            if isinstance(step.primitive.kind, Contract):
                around = [_behind_views(o, makers) for o in step.operands]
                around += [step.result] if step.result in read else []
                for var in around:
                    if var in makers and var not in program.outputs and var.dtype.kind == "f":
                        letters[var] = COTANGENT
    names_by_value: dict[Var, str] = {}
    used = set(taken)
    for names, qualified in ((called, True), (letters, False)):
        groups: dict[str, list[Var]] = {}
        for var in (step.result for step in program if step.result in names):
            groups.setdefault(names[var], []).append(var)
        for name, group in groups.items():
            alone = len(group) == 1 and name not in used
            for n, var in enumerate(group, 1):
                scope = _scope(forward[var]) if qualified else ""
                tries = itertools.chain(
                    [name] if alone else [],
                    [f"{name}_{scope}"] if scope else [],
                    (f"{name}_{k}" for k in itertools.count(n)),
                )
                names_by_value[var] = next(text for text in tries if text not in used)
                used.add(names_by_value[var])
    return names_by_value


def _behind_views(o: Any, makers: Mapping[Var, Application]) -> Any:
    while isinstance(o, Var) and o in makers and isinstance(makers[o].primitive.kind, View):
        o = makers[o].operands[0]
    return o


def _identifier(name: str) -> str:
    return name.replace(" ", "_")


def _scope(step: Application) -> str:
    """The path of modules, by their names in their parents: "1" for 1:BatchNorm1d."""
    parts = [part.partition(":")[0] for part in step.scope if ":" in part]
    return "_".join(parts) or (step.scope[-1] if step.scope else "")


def name_captures(program: Program[Any], symbols: IndexedSymbols, taken: set[str]) -> None:
    """Names x, labels, … for arrays without one, whose letters are those of indices."""
    taken = taken | {var.name for var, _ in program.captures if var.name}
    for var, tensor in program.captures:
        base = _CALLED.get(var.dtype.kind)
        if var.name or not var.shape or base is None or id(tensor) in symbols.tensors:
            continue
        if base == "labels" and (var.dtype == np.uint64 or _counts(tensor._value)):
            continue  # a random key; indices, which stand for themselves
        tries = itertools.chain([base], (f"{base}_{n}" for n in itertools.count(1)))
        name = next(text for text in tries if text not in taken)
        taken.add(name)
        symbols.tensors[id(tensor)] = (tensor, symbols.like(var, name))


def _counts(values: Any) -> bool:
    """Whether these are 0, 1, 2, …."""
    return isinstance(values, np.ndarray) and bool((values == np.arange(values.size)).all())


def is_opaque(var: Var, program: Program[Any]) -> bool:
    """Whether a proof may take the value as it is: what it is made of is of no matter to others."""
    return any(
        step.result is var and (step.backward or value_letter(step, {}) == "a") for step in program
    )
