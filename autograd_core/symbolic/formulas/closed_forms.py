"""Closed forms: what a program computes, as a formula in its own intermediate values.

`NamedValues` is the INDEXED evaluator with a fresh array in the place of chosen values, so that an
expression stops at them, and keeps what each is defined as. `gradient` writes a derived gradient in
these names. The shortest of several readings is taken:

- the expression as the backward wrote it;
- its normal form;
- its normal form in which an input is written through an intermediate that was made from it
  (z = mean + u s from u = (z - mean)/s);

each with the sums that are known of the intermediates (Σ_b u = 0, Σ_c p = 1, found by the normal
form), with common factors in front. How a reading was found is no matter of trust: with the
definitions put back, its difference from the engine's gradient has to vanish in the normal form, or
it is dropped.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

from ...program import Program, Var
from ...shapes import Shape
from ..indexed import IndexedArray, IndexedSymbols, inputs_of, known_sums
from ..places import label_of
from .intermediates import NamedValues, is_opaque, name_captures, names_of
from .readings import Readings
from .tidying import (
    cost,
    displayed,
    elements_of,
    labels_in,
    letter_of,
    renamed,
    tidied,
    written,
)

__all__ = ["ClosedForm", "Let", "gradient", "value"]

INLINED = 40  # nodes of a formula that is still read at a glance


@dataclass(frozen=True)
class Let:
    """A named value: what one element of it is.

    Attributes
    ----------
    symbol : sympy.Symbol
    indices : tuple of sympy.Symbol
    value : sympy.Expr
    """

    symbol: sympy.Symbol
    indices: tuple[sympy.Symbol, ...]
    value: sympy.Expr

    @property
    def element(self) -> sympy.Expr:
        """The element at the indices."""
        return sympy.IndexedBase(self.symbol)[self.indices] if self.indices else self.symbol


@dataclass(frozen=True)
class ClosedForm:
    """An array as a formula of its element, with the intermediate values that it speaks of.

    Attributes
    ----------
    name : str
        Of the leaf that the gradient is by, or of the value.
    shape : tuple of int or Dim
    indices : tuple of sympy.Symbol or None
        One for each axis; None for an axis of size 1.
    value : sympy.Expr
    lets : tuple of Let
        Those that ``value`` needs, each after what it is made of.
    arrays : dict of Symbol to shape
        The inputs that all this needs, in order.
    constants : dict of Symbol to float
        Float constants of the program.
    """

    name: str
    shape: Shape
    indices: tuple[sympy.Symbol | None, ...]
    value: sympy.Expr
    lets: tuple[Let, ...] = ()
    arrays: dict[sympy.Symbol, Shape] = field(default_factory=dict)
    constants: dict[sympy.Symbol, float] = field(default_factory=dict)


def gradient(
    program: Program[Any],
    combined: Program[Any],
    number: int,
    output: int,
    facts: Sequence[tuple[str, Any]] = (),
) -> ClosedForm:
    """The derived gradient by one input, in named intermediates.

    Parameters
    ----------
    program, combined : Program
        The forward; and the forward with its backward, of the same inputs.
    number, output : int
        The input, and the output of ``combined`` that is the gradient by it.
    facts : sequence of (name of an input, SumsTo)

    Raises
    ------
    ProofError
        If a primitive has no reading at symbolic sizes.
    """
    symbols = IndexedSymbols()
    named = inputs_of(program, symbols)
    inputs = list(named.values())
    captured = {var.name or var.letter for var, _ in combined.captures}
    names = names_of(combined, {*named, *captured}, automatic=True)
    evaluator = NamedValues(symbols, names)
    name_captures(combined, symbols, {*named, *names.values()})
    values = combined.fold(evaluator, *inputs)
    result = combined.outputs[output]
    raw = evaluator.value(
        values[result] if isinstance(result, Var) else evaluator.literal(result.value)
    )
    known = known_sums(facts, named)
    apart = {v for v in names if is_opaque(v, combined)}
    readings = Readings(
        evaluator, known, {evaluator.symbol_of[v] for v in apart if v in evaluator.symbol_of}
    )
    cotangents = {
        evaluator.symbol_of[step.result]
        for step in combined
        if step.backward and step.result in evaluator.symbol_of
    }
    best = readings.shortest(raw)
    pending = [best.body]
    done: set[sympy.Symbol] = set()
    while pending:
        for symbol in (labels_in(pending.pop()) & evaluator.lets.keys()) - done:
            done.add(symbol)
            if symbol in cotangents:
                evaluator.shown[symbol] = readings.shortest(evaluator.lets[symbol]).body
            pending.append(evaluator.shown.get(symbol, evaluator.lets[symbol].body))
    best = _inlined(best, evaluator, cotangents & done)
    leaf = list(named)[number]
    shapes = {label_of(a.body): a.shape for a in inputs}
    return _closed(leaf, best, evaluator, shapes, also=[label_of(inputs[number].body)])


def value(program: Program[Any], output: int = 0, name: str = "y") -> ClosedForm:
    """What a program computes, in the intermediates that were named.

    Raises
    ------
    ProofError
        If a primitive has no reading at symbolic sizes.
    """
    symbols = IndexedSymbols()
    named = inputs_of(program, symbols)
    captured = {var.name or var.letter for var, _ in program.captures}
    names = names_of(program, {*named, *captured}, automatic=False)
    result = program.outputs[output]
    if isinstance(result, Var):
        names.pop(result, None)
    evaluator = NamedValues(symbols, names)
    name_captures(program, symbols, {*named, *names.values()})
    values = program.fold(evaluator, *named.values())
    raw = evaluator.value(
        values[result] if isinstance(result, Var) else evaluator.literal(result.value)
    )
    shapes = {label_of(a.body): a.shape for a in named.values()}
    return _closed(name, raw, evaluator, shapes)


def _inlined(
    array: IndexedArray, evaluator: NamedValues, cotangents: set[sympy.Symbol]
) -> IndexedArray:
    """``array`` with the cotangents written out that are met once and make it no long formula."""
    shown = evaluator.shown
    for symbol in sorted(cotangents, key=lambda s: list(evaluator.lets).index(s), reverse=True):
        hosts = {None: array.body, **{s: shown[s] for s in cotangents if s in shown}}
        met = [host for host, e in hosts.items() for _ in elements_of(e, symbol)]
        if len(met) != 1:
            continue
        (host,) = met
        definition = (evaluator.lets[symbol].indices, shown[symbol])
        body = tidied(written(hosts[host], {symbol: definition}))
        if cost(body) > INLINED:
            continue
        del shown[symbol]
        if host is None:
            array = IndexedArray(array.shape, array.indices, body)
        else:
            shown[host] = body
    return array


def _closed(
    name: str,
    array: IndexedArray,
    evaluator: NamedValues,
    shapes: dict[sympy.Symbol, Shape],
    also: Sequence[sympy.Symbol] = (),
) -> ClosedForm:
    """The formula with the definitions that it needs, and with readable indices."""
    symbols = evaluator.symbols
    lets = {s: evaluator.shown.get(s) or tidied(a.body) for s, a in evaluator.lets.items()}
    lettered = {
        evaluator.symbol_of[v] for v in evaluator.names if not v.name and v in evaluator.symbol_of
    }
    needed: dict[sympy.Symbol, None] = {}  # each after what it is made of

    def visit(e: sympy.Expr) -> None:
        for symbol in sorted(labels_in(e) - needed.keys(), key=order):
            if symbol in lets:
                visit(lets[symbol])
            needed[symbol] = None

    place = {s: n for n, s in enumerate(lets)}

    def order(s: sympy.Symbol) -> tuple[int, str]:
        return place.get(s, -1), s.name

    visit(array.body)
    for _, tensor_value in symbols.tensors.values():
        if (
            isinstance(tensor_value, IndexedArray)
            and label_of(tensor_value.body) not in symbols.constants
        ):
            shapes.setdefault(label_of(tensor_value.body), tensor_value.shape)
    for drawn in symbols.drawn.values():
        shapes.setdefault(label_of(drawn.body), drawn.shape)
    shapes.update(evaluator.given)
    used = {s: shape for s, shape in shapes.items() if s in needed or s in also}

    definitions = []
    for symbol in needed:
        if symbol in lets:
            body, indices = renamed(lets[symbol], evaluator.lets[symbol].indices, letter_of)
            held = tuple(i for i in indices if i is not None)
            definitions.append(Let(symbol, held, displayed(body)))
    body, indices = renamed(array.body, array.indices, letter_of)
    constants = {s: v for s, v in symbols.constants.items() if s in needed}
    body = displayed(body)
    # Of the letters that were given, only some are left: these are numbered anew.
    groups: dict[str, list[sympy.Symbol]] = {}
    for symbol in (let.symbol for let in definitions if let.symbol in lettered):
        groups.setdefault(symbol.name.partition("_")[0], []).append(symbol)
    taken = {s.name for s in (*used, *(let.symbol for let in definitions))} - {
        s.name for group in groups.values() for s in group
    }
    into: dict[sympy.Symbol, sympy.Symbol] = {}
    for letter, group in groups.items():
        alone = len(group) == 1 and letter not in taken
        numbers = (f"{letter}_{n}" for n in itertools.count(1))
        texts = iter([letter]) if alone else (t for t in numbers if t not in taken)
        into |= {s: sympy.Symbol(next(texts), **s.assumptions0) for s in group}
    definitions = [
        Let(into.get(let.symbol, let.symbol), let.indices, let.value.xreplace(into))
        for let in definitions
    ]
    body = body.xreplace(into)
    return ClosedForm(name, array.shape, indices, body, tuple(definitions), used, constants)
