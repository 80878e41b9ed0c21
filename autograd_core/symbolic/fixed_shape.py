"""Proofs at a fixed shape: both sides entry by entry, by the EXACT evaluator.

Programs become arrays of expressions (`exact`), the forward's derivative is sympy's, and `decide` proves
or refutes each entry. `every_size` comes first; this is for what that leaves open.
"""

from __future__ import annotations

import functools
import operator
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from ..errors import ProofError
from ..program import Program, Var
from .assumed import Fact
from .at_hand import settled
from .charts import Chart
from .decide import PROVED, REFUTED, UNDECIDED, Decider, Decision, Witness, worst
from .domains import Condition
from .exact import Exact, Symbols, exact_array, inputs_of
from .facts import Facts, solved
from .normal_form import NormalForm
from .polynomials import Budget, Exhausted, chosen
from .verdict import LeafVerdict, Part
from .walks import derivative, replaced, symbols_of
from .zero_test import ZeroTest

__all__ = ["equations", "gradients"]

# A name for it, both sides, and what is known of the chart that it speaks of (None: it is an entry).
Equation = tuple[str, Callable[[], tuple[sympy.Expr, sympy.Expr]], Any]


def gradients(
    program: Program[Any],
    combined: Program[Any],
    numbers: Sequence[int],
    budget: Budget,
    engine: str | None,
    facts: Facts = (),
) -> Part:
    """Compare each entry of each gradient with sympy's derivative of the forward.

    Parameters
    ----------
    program, combined : Program
        The forward, and the forward with its backward: value and gradients by all inputs.
    numbers : sequence of int
        The inputs that are meant.
    facts : sequence of (name, SumsTo)
        Of inputs, by the names that they have in the proof.
    """
    symbols = Symbols()
    named = inputs_of(program, symbols)
    names, inputs = list(named), list(named.values())
    held, walk = Exact(symbols, True, budget), Exact(symbols, budget=budget)
    try:
        forward = _outputs(program, held, inputs)[0].item()
        value, *derived = _outputs(combined, walk, inputs)
    except Exhausted as stop:
        reason = f"{stop} while the program was evaluated; prove it at a smaller shape"
        leaves = {names[n]: LeafVerdict(UNDECIDED, inputs[n].shape, 0, reason) for n in numbers}
        return Part(leaves)
    on = symbols.charts.entries
    forward = replaced(forward, on, budget=budget)
    released = replaced(held.released(forward), on, budget=budget)
    value, *derived = (_replaced(a, on, budget) for a in (value, *derived))
    sought = {names[n]: (inputs[n], g) for n, g in zip(numbers, derived, strict=True)}
    memo: dict[sympy.Expr, sympy.Expr] = {}
    asked = [(r, replaced(held.released(e), on, memo, budget)) for r, e in held.asked]
    known = set(asked)
    walked = ((r, replaced(e, on, memo, budget)) for r, e in walk.asked)
    further = [c for c in walked if c not in known]
    determined = _determined(facts, named, symbols)
    free = symbols_of([released, *(e for g in (*derived, *inputs) for e in np.ravel(g))], budget)

    def slope(by: sympy.Symbol) -> sympy.Expr:
        return replaced(held.released(derivative(forward, by, budget=budget)), on, budget=budget)

    def decided(steady: Iterable[sympy.Symbol] = ()) -> tuple[Part, Decider]:
        decider = _decider(symbols, budget, engine, released, asked, further, determined, steady)
        decider.prepare(free)
        part = Part()
        if value.item() != released:
            equal = _entries(value, exact_array(released))
            part.leaves["(value)"] = _leaf(decider, "(value)", (), equal, symbols, part)
        for name, (entries, gradient) in sought.items():
            equal = _derivatives(entries, gradient, slope, symbols)
            part.leaves[name] = _leaf(decider, name, entries.shape, equal, symbols, part)
        return part, decider

    part, decider = _settled(decided, symbols, (program, combined), facts, named)
    # By its value, or by its slope: y - stop(y) is 0 at every y, and its slope is 1.
    free = symbols_of([released, forward], budget)
    free = free.union(
        *(c.entries for c in symbols.charts.all if not free.isdisjoint(c.coordinates))
    )
    part.facts += [
        Fact("independent", (name,))
        for name, (entries, _) in sought.items()
        if free.isdisjoint(entries.flat)
    ]
    return _completed(part, symbols, decider, facts, named)


def equations(
    left: Program[Any],
    right: Program[Any],
    names: Sequence[str],
    budget: Budget,
    engine: str | None,
    facts: Facts = (),
) -> Part:
    """Compare the outputs of two programs of the same inputs, entry by entry."""
    symbols = Symbols()
    named = inputs_of(left, symbols)
    inputs = list(named.values())
    evaluator = Exact(symbols, budget=budget)
    sides = [_outputs(p, evaluator, inputs) for p in (left, right)]
    on = symbols.charts.entries
    sides = [[_replaced(a, on, budget) for a in side] for side in sides]
    asked = [(r, replaced(e, on, budget=budget)) for r, e in evaluator.asked]
    determined = _determined(facts, named, symbols)
    everything = [*sides[0], *sides[1], *inputs]
    free = symbols_of([e for a in everything for e in np.ravel(a)], budget)

    def decided(steady: Iterable[sympy.Symbol] = ()) -> tuple[Part, Decider]:
        decider = _decider(symbols, budget, engine, None, asked, (), determined, steady)
        decider.prepare(free)
        part = Part()
        for name, a, b in zip(names, *sides, strict=True):
            part.leaves[name] = _leaf(decider, name, a.shape, _entries(a, b), symbols, part)
        return part, decider

    part, decider = _settled(decided, symbols, (left, right), facts, named)
    return _completed(part, symbols, decider, facts, named)


def _determined(
    facts: Facts, named: Mapping[str, Any], symbols: Symbols
) -> dict[sympy.Symbol, sympy.Expr]:
    """What facts determine; see `facts.solved`.

    Raises
    ------
    ProofError
        If one speaks of a matrix that is read as the product of its factors.
    """
    for name, fact in facts:
        if not symbols.charts.entries.keys().isdisjoint(named[name].flat):
            raise ProofError(
                "prove",
                f"{fact}, a matrix that is factored. Its coordinates are those of its factors, in "
                "which the fact has no solution of a simple form. Leave the fact out.",
            )
    return solved(facts, named)


def _outputs(program: Program[Any], evaluator: Exact, inputs: Sequence[Any]) -> list[Any]:
    """The outputs as arrays of expressions, flat."""
    values = program.fold(evaluator, *inputs)
    return [
        exact_array(values[o] if isinstance(o, Var) else evaluator.literal(o.value))
        for o in program.outputs
    ]


def _decider(
    symbols: Symbols,
    budget: Budget,
    engine: str | None,
    forward: sympy.Expr | None,
    asked: Sequence[Condition],
    further: Sequence[Condition],
    determined: Mapping[sympy.Symbol, sympy.Expr],
    steady: Iterable[sympy.Symbol],
) -> Decider:
    return Decider(
        budget,
        constants=symbols.constants,
        recorded=symbols.recorded,
        bits=symbols.bits,
        steady={*symbols.charts.sides, *steady},
        forward=forward,
        asked=asked,
        further=further,
        determined=determined,
        engine=chosen(engine),
    )


def _entries(got: Any, expected: Any) -> Iterator[Equation]:
    """One equation for each entry of two arrays."""
    for index in np.ndindex(*got.shape):
        yield _label(index), functools.partial(_both, got[index], expected[index]), None


def _derivatives(
    entries: Any, gradient: Any, slope: Callable[[sympy.Symbol], sympy.Expr], symbols: Symbols
) -> Iterator[Equation]:
    """One equation for each entry, or for each coordinate of a matrix that is on a chart.

    Along a coordinate the derivative is the sum of the gradient's entries times theirs.
    """
    on = symbols.charts.entries
    place = {s: index for index, s in np.ndenumerate(entries)}
    for s, index in place.items():
        if s not in on:
            yield _label(index), functools.partial(_lazily, gradient[index], slope, s), None
    for chart in symbols.charts.all:
        if not place.keys() >= chart.entries.keys():
            if place.keys().isdisjoint(chart.entries):
                continue
            raise ProofError(
                "symbolic",
                "a matrix that is factored has entries of several inputs. Expected one "
                "input, as it is. Prove its parts, or the whole with prove.graph.",
            )
        parts = {_label(place[s]): gradient[place[s]] for s in chart.entries}
        for c, entries_along in chart.along.items():
            got = sympy.Add(*map(operator.mul, parts.values(), entries_along.values()))
            sides = functools.partial(_lazily, got, slope, c)
            yield f" along {c.name}", sides, (chart, parts, slope)


def _both(got: sympy.Expr, expected: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    return got, expected


def _lazily(
    got: sympy.Expr, slope: Callable[[sympy.Symbol], sympy.Expr], by: sympy.Symbol
) -> tuple[sympy.Expr, sympy.Expr]:
    return got, slope(by)


def _label(index: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, index))}]" if index else ""


def _leaf(
    decider: Decider,
    name: str,
    shape: tuple[int, ...],
    equations: Iterator[Equation],
    symbols: Symbols,
    part: Part,
) -> LeafVerdict:
    """Decide equations, one after the other, until one is refuted."""
    start = time.perf_counter()
    decisions: list[Decision] = []
    decision = Decision(PROVED)
    for label, sides, where in equations:
        if not decider.budget.left:
            decisions.append(Decision(UNDECIDED, "the budget of seconds was exhausted"))
            break
        try:
            decision = decider.equal(*sides())
            decider.budget.check()  # it may have been cut short on the way
        except Exhausted as stop:  # what was decided before stands
            decisions.append(Decision(UNDECIDED, str(stop)))
            break
        if decision.witness is not None:
            witness = decision.witness.of(name + label)
            if where is not None:
                witness = _at_an_entry(decider, witness, name, *where)
            if symbols.charts.all:
                point = {**symbols.charts.values(witness.point), **witness.point}
                witness = replace(witness, point=point)
            decision = Decision(decision.status, decision.reason, witness=witness)
        decisions.append(decision)
        part.decimal |= bool(decision.reading)
        if decision.status == REFUTED:
            break
    status = worst(d.status for d in decisions)
    shown = next((d for d in decisions if d.status == status), decision)
    reason = shown.reason
    if shown.probability is not None:
        reason = f"{reason}; {shown.probability}"
    return LeafVerdict(
        status, shape, len(decisions), reason, shown.witness, time.perf_counter() - start
    )


def _at_an_entry(
    decider: Decider,
    witness: Witness,
    name: str,
    chart: Chart,
    parts: Mapping[str, sympy.Expr],
    slope: Callable[[sympy.Symbol], sympy.Expr],
) -> Witness:
    """What is wrong along a coordinate is wrong at an entry; the same point shows it."""
    along = [slope(c) for c in chart.coordinates]
    sides = [*along, *parts.values(), decider.test.forward]
    free = symbols_of([*chart.coordinates, *(e for e in sides if e is not None)], decider.budget)
    # What the witness leaves out has no influence.
    point = {s: witness.point.get(s.name, Fraction(1)) for s in free}
    try:
        slopes = chart.slopes(point)
    except ValueError:
        return witness
    for n, (label, got) in enumerate(parts.items()):
        expected = sympy.Add(*(e * slopes[k, n] for k, e in enumerate(along)))
        at_entry = decider.at(point, got, expected)
        if at_entry is not None:
            return at_entry.of(name + label)
    return witness


def _replaced(values: Any, into: Mapping[sympy.Symbol, sympy.Expr], budget: Budget) -> Any:
    """An array of expressions with symbols replaced."""
    if not into:
        return values
    found = np.empty(values.shape, object)
    memo: dict[sympy.Expr, sympy.Expr] = {}
    for index in np.ndindex(*values.shape):
        found[index] = replaced(values[index], into, memo, budget)
    return found


def _settled(
    decided: Callable[..., tuple[Part, Decider]],
    symbols: Symbols,
    programs: Sequence[Program[Any]],
    facts: Facts,
    named: Mapping[str, Any],
) -> tuple[Part, Decider]:
    """What is decided of a statement with what it closes over as it is; see `at_hand.settled`."""
    deciders: list[Decider] = []

    def again(steady: Iterable[sympy.Symbol]) -> tuple[Part, ZeroTest[NormalForm]]:
        part, decider = decided(steady)
        deciders.append(decider)
        return part, decider.test

    return settled(again, symbols, programs, named, facts), deciders[-1]


def _completed(
    part: Part, symbols: Symbols, decider: Decider, facts: Facts, named: Mapping[str, Any]
) -> Part:
    part.facts += symbols.facts
    part.facts += [
        Fact("given", (str(f),))
        for name, f in facts
        if not decider.used.isdisjoint(named[name].flat)
    ]
    part.excluded, part.domain = decider.test.excluded, decider.test.domain
    part.constants = {symbol.name: value for symbol, value in symbols.constants.items()}
    if symbols.concrete:
        part.facts.append(Fact("values", (", ".join(symbols.concrete),)))
    if symbols.bits:
        part.facts.append(Fact("count of bits", (str(len(symbols.bits)),)))
    if part.decimal:
        part.facts.append(Fact("decimals"))
    return part
