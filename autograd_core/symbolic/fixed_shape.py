"""Proofs at a fixed shape: both sides entry by entry, by the EXACT evaluator."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from ..program import Program, Var
from .decide import PROVED, REFUTED, UNDECIDED, Decider, Decision, worst
from .exact import Exact, Symbols, exact_array, inputs_of
from .facts import SumsTo
from .polynomials import Budget, Exhausted, chosen
from .verdict import LeafVerdict, Part

__all__ = ["equations", "gradients"]

Facts = Sequence[tuple[str, SumsTo]]


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
    held = Exact(symbols, hold=True, budget=budget)
    try:
        forward = _outputs(program, held, inputs)[0].item()
        value, *found = _outputs(combined, Exact(symbols, budget=budget), inputs)
    except Exhausted as stop:
        reason = f"{stop} while the program was evaluated; prove it at a smaller shape"
        leaves = {names[n]: LeafVerdict(UNDECIDED, inputs[n].shape, 0, reason) for n in numbers}
        return Part(leaves)
    whole = held.released(forward)
    asked = {names[n]: (inputs[n], g) for n, g in zip(numbers, found, strict=True)}
    decider = _decider(symbols, budget, engine, whole)
    decider.prepare(
        whole.free_symbols.union(*(_free(g) for _, g in asked.values()), *map(_free, inputs))
    )
    given = _substitution(facts, named)
    part = Part()
    if value.item() != whole:
        part.leaves["(value)"] = _leaf(decider, "(value)", value, exact_array(whole), part, given)
    for name, (entries, gradient) in asked.items():

        def derivative(index: tuple[int, ...], entries: Any = entries) -> sympy.Expr:
            return held.released(sympy.diff(forward, entries[index]))

        part.leaves[name] = _leaf(decider, name, gradient, derivative, part, given)
    free = whole.free_symbols
    part.facts = [
        f"the loss does not depend on {name}"
        for name, (entries, _) in asked.items()
        if free.isdisjoint(entries.flat)
    ]
    return _completed(part, symbols, decider)


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
    sides = [_outputs(p, Exact(symbols, budget=budget), inputs) for p in (left, right)]
    decider = _decider(symbols, budget, engine, None)
    decider.prepare(set().union(*(_free(a) for side in sides for a in side), *map(_free, inputs)))
    given = _substitution(facts, named)
    part = Part()
    for name, a, b in zip(names, *sides, strict=True):
        part.leaves[name] = _leaf(decider, name, a, b, part, given)
    return _completed(part, symbols, decider)


def _substitution(facts: Facts, inputs: Mapping[str, Any]) -> dict[sympy.Expr, sympy.Expr]:
    """The last element along the axis, as the rest of the sum."""
    into: dict[sympy.Expr, sympy.Expr] = {}
    for name, fact in facts:
        rows = np.moveaxis(inputs[name], fact.axis, -1)
        for index in np.ndindex(*rows.shape[:-1]):
            *others, last = rows[index]
            into[last] = fact.value - sympy.Add(*others)
    return into


def _outputs(program: Program[Any], evaluator: Exact, inputs: Sequence[Any]) -> list[Any]:
    """The outputs as arrays of expressions, flat."""
    values = program.fold(evaluator, *inputs)
    return [
        exact_array(values[o] if isinstance(o, Var) else evaluator.literal(o.value))
        for o in program.outputs
    ]


def _decider(
    symbols: Symbols, budget: Budget, engine: str | None, forward: sympy.Expr | None
) -> Decider:
    return Decider(
        budget,
        constants=symbols.constants,
        recorded=symbols.recorded,
        bits=symbols.bits,
        forward=forward,
        engine=chosen(engine),
    )


def _leaf(
    decider: Decider,
    name: str,
    got: Any,
    expected: Any,
    part: Part,
    given: Mapping[sympy.Expr, sympy.Expr],
) -> LeafVerdict:
    """Decide an array of equations; ``expected`` is an array or a function of the index."""
    start = time.perf_counter()
    decisions: list[Decision] = []
    decision = Decision(PROVED)
    for index in np.ndindex(*got.shape):
        if not decider.budget.left:
            decisions.append(Decision(UNDECIDED, "the budget of seconds was exhausted"))
            break
        sides = (got[index], expected(index) if callable(expected) else expected[index])
        decision = decider.equal(*(e.xreplace(given) if given else e for e in sides))
        if decision.witness is not None:
            entry = name + (f"[{','.join(map(str, index))}]" if index else "")
            decision = Decision(
                decision.status, decision.reason, witness=decision.witness.of(entry)
            )
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
        status, got.shape, len(decisions), reason, shown.witness, time.perf_counter() - start
    )


def _completed(part: Part, symbols: Symbols, decider: Decider) -> Part:
    part.excluded, part.domain = decider.excluded, decider.domain
    part.constants = {symbol.name: value for symbol, value in symbols.constants.items()}
    if symbols.concrete:
        part.facts.append("taken at their values: " + ", ".join(symbols.concrete))
    if symbols.bits:
        part.facts.append(f"{len(symbols.bits)} random integers may be any")
    if part.decimal:
        part.facts.append("float constants are read as the decimals that were written")
    return part


def _free(values: Any) -> set[sympy.Symbol]:
    return set().union(*(e.free_symbols for e in values.flat)) if values.size else set()
