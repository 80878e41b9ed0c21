"""Whether a statement lies on what its own proof leaves out.

Arrays that a statement closes over and the constants that it writes are symbols in a proof: what is
proved holds for all of their values, off kinks and where every step is defined. The statement itself
has one value of each. Where two arrays are equal, {a - b = 0} is all that it speaks of; where one
holds a 0, so is {a x = 0}; where one holds a -1, log(a) is defined nowhere. Then nothing was proved of
the statement.

That is looked for at points where the inputs are what they may be, and what is closed over is as it
is: a kink that is met there is met by more than chance. Numbers can take a proof away here; they give
none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
import sympy

from ..program import Program
from .decide import PROBABLE, PROVED, UNDECIDED
from .domains import Condition
from .facts import Facts
from .indexed import IndexedArray
from .places import label_of, readable, size_of
from .points import Point, Runnable
from .values import Unreadable, Values
from .verdict import Part
from .walks import parts_of
from .zero_test import ASKED, EDGE, KINK, LeftOut, ZeroTest

__all__ = ["settled"]

STYLES = ("both", "inner", "positive", "negative", "small", "near 2", "far")
SIZES = ((2, 3), (3, 2), (2,), (3,), (5,), (1,))
NOISE = 1e-13  # how far numbers are moved to see what rounding makes of a value
NEAR = 2.0**-9  # and to see what is beside an edge


def settled(
    decide: Callable[[Set[sympy.Symbol]], tuple[Part, ZeroTest[Any]]],
    symbols: Any,
    programs: Sequence[Program[Any]],
    named: Mapping[str, Any],
    facts: Facts,
) -> Part:
    """What is decided of a statement with what it closes over as it is.

    What lies on a kink is decided again with the symbols of that kink *steady*: for each of their
    values, on the kink and off it. The others stay what they are elsewhere, so that data without a
    row of zeros need not be proved for data with one. What that leaves open says so.

    Parameters
    ----------
    decide : callable
        Takes the steady symbols; gives what was decided, and the test that knows what it left out.
    symbols : Symbols
    named : mapping of str to arrays of symbols
        The programs' inputs, in order.
    """
    fixed, steady, why = closed_over(symbols), set[sympy.Symbol](), ""
    while True:
        part, test = decide(steady)
        if not any(leaf.status in (PROVED, PROBABLE) for leaf in part.leaves.values()):
            break
        met, unmet = _resting(
            test.left_out, fixed - steady, fixed, (symbols, programs, named, facts)
        )
        why = unmet or why or next(iter(met.values()), "")
        if unmet:
            for name, leaf in part.leaves.items():
                if leaf.status in (PROVED, PROBABLE):
                    part.leaves[name] = replace(leaf, status=UNDECIDED, entries=0)
        if unmet or not met:
            break
        steady |= fixed & parts_of(met)
    for name, leaf in part.leaves.items():
        if why and leaf.status == UNDECIDED:
            part.leaves[name] = replace(leaf, reason=why)
    return part


def _resting(
    left_out: LeftOut, loose: Set[sympy.Symbol], fixed: Set[sympy.Symbol], where: Any
) -> tuple[dict[sympy.Expr, str], str]:
    """Kinks that hold one of ``loose`` and that are met, with what to say of each; what never holds."""
    free = _free(*where)
    groups = [
        (relation, e, loose)
        for relation in (KINK, EDGE)
        for e in left_out[relation]
        if not _moved_by_one(e, free)
    ]
    groups += [(relation, e, fixed) for relation, e in left_out[ASKED]]
    looked = [(relation, e) for relation, e, by in groups if not by.isdisjoint(parts_of([e]))]
    met: dict[sympy.Expr, str] = {}
    never: dict[Condition, Any] = {}
    for here, moved, near in _points(*where) if looked else ():
        for relation, e in looked:
            try:
                with np.errstate(all="ignore"):
                    value = (here.apart if relation in (KINK, EDGE) else here.entries)(e)
                    noise = 1e3 * np.abs(moved.entries(e) - value)
                    beside = near.entries(e) if relation == EDGE else 1.0
            except (Unreadable, RecursionError) as stop:
                told = f"{_shown(e)} may be 0 as what is closed over is: {stop}"
                if relation not in (KINK, EDGE):
                    return met, told
                met.setdefault(e, told)
                continue
            zero = np.isfinite(value) & (np.abs(value) <= noise)
            if relation in (KINK, EDGE):
                if (zero & (beside != 0)).any():
                    met.setdefault(e, _told(f"{_shown(e)} = 0"))
                continue
            holds = {"!=": value != 0, ">": value > 0, ">=": (value >= 0) | zero}[relation]
            holds &= zero <= (relation == ">=")
            never[relation, e] = never.get((relation, e), True) & ~holds
    for (relation, e), nowhere in never.items():
        if np.any(nowhere):
            return met, _told(f"{_shown(e)} {relation} 0 is never so")
    return met, ""


def _free(
    symbols: Any, programs: Sequence[Program[Any]], named: Mapping[str, Any], facts: Facts
) -> set[sympy.Symbol]:
    """Inputs whose entries are any floats, whatever the others are."""
    if facts:
        return set()
    pairs = zip(programs[0].inputs, named.values(), strict=True)
    return {
        label_of(array.body)
        for v, array in pairs
        if v.dtype.kind == "f" and isinstance(array, IndexedArray)
    }


def _moved_by_one(e: sympy.Expr, free: Set[sympy.Symbol]) -> bool:
    """Whether an expression is an entry of an input, or a multiple, and something without that input.

    As b_h + Σ_d w_dh x_d, which is 0 for one value of b_h whatever the rest is: by chance. The kink of
    every layer with a bias is of that kind, and need not be computed.
    """
    for term in sympy.Add.make_args(e):
        _, entry = term.as_coeff_Mul()
        if isinstance(entry, (sympy.Indexed, sympy.Symbol)) and label_of(entry) in free:
            others = parts_of(t for t in sympy.Add.make_args(e) if t is not term)
            if label_of(entry) not in others:
                return True
    return False


def _told(what: str) -> str:
    return (
        f"as it is, what the statement closes over lies where nothing is proved: {what}. Make it an "
        "argument, or a leaf of wrt, to have other values of it proved"
    )


def _shown(e: sympy.Expr) -> str:
    return str(readable(e))


def closed_over(symbols: Any) -> set[sympy.Symbol]:
    """The symbols of what has one value: constants that are written, captured arrays of floats."""
    found = {*symbols.constants, *symbols.recorded}
    for _, array in _captured(symbols):
        if isinstance(array, IndexedArray):
            found.add(label_of(array.body))
    return found


def _captured(symbols: Any) -> Iterator[tuple[Any, Any]]:
    """Captured arrays of floats that have values, and what stands for them."""
    for tensor, array in symbols.tensors.values():
        if isinstance(tensor._value, (np.ndarray, np.generic)) and tensor._value.dtype.kind == "f":
            yield tensor, array


def _points(
    symbols: Any, programs: Sequence[Program[Any]], named: Mapping[str, Any], facts: Facts
) -> Iterator[tuple[Values, Values, Values]]:
    """Values at points, at the same points but for rounding, and beside them."""
    statement = Runnable(programs, dict(enumerate(named)), facts)
    random = np.random.default_rng(0)
    for cycle in SIZES:
        sizes = statement.sizes(cycle)
        points = [p for s in STYLES for p in statement.at_style(sizes, s, random, False)]
        for point in points:
            yield (
                _at(symbols, named, point),
                _at(symbols, named, point.moved(random, NOISE, whole=True), 1 + NOISE),
                _at(symbols, named, point.moved(random, NEAR, whole=True), 1 + NEAR),
            )
        if points:
            return


def _at(symbols: Any, named: Mapping[str, Any], point: Point, scale: float = 1.0) -> Values:
    """What symbols are at a point; constants times ``scale``."""
    sizes = {sympy.Symbol(name, integer=True, positive=True): n for name, n in point.sizes.items()}
    numbers: dict[sympy.Symbol, Any] = {s: v * scale for s, v in symbols.constants.items()} | sizes
    largest = getattr(symbols, "largest", None)
    values = Values(numbers, largest)
    pairs = [(array, point.inputs[name]) for name, array in named.items()]
    for key, (tensor, array) in symbols.tensors.items():
        known = point.captured.get(key)
        pairs.append((array, tensor._value if known is None else known[1]))
    random = np.random.default_rng(0)
    pairs += [
        (bits, random.integers(0, 2**32, [values.size(sympy.sympify(n)) for n in _shape(bits)]))
        for bits in symbols.drawn.values()
    ]
    for array, value in pairs:
        if isinstance(array, IndexedArray):
            _put(values, array, np.asarray(value))
        elif isinstance(array, np.ndarray) and array.dtype == object:
            values.symbols |= {
                s: float(v)
                for s, v in zip(array.flat, np.asarray(value).flat, strict=True)
                if isinstance(s, sympy.Symbol)
            }
    return values


def _shape(array: Any) -> Sequence[Any]:
    return [size_of(i) for i in array.flat] if isinstance(array, IndexedArray) else array.shape


def _put(values: Values, array: IndexedArray, value: Any) -> None:
    """The value of an array's symbol, an axis for each index; a boolean is the step of a real."""
    s = label_of(array.body)
    if not isinstance(s, sympy.Symbol) or s.is_number:
        return
    if value.dtype.kind == "b":
        value = 2.0 * value - 1
    values.symbols[s] = value.reshape([values.size(size_of(i)) for i in array.flat])
