"""Float code against what it is read as: values that NumPy computes, inside certified enclosures.

A ufunc, or code that calls LAPACK, cannot be run on symbols. What can be had is a comparison: at
stated points the float result is put beside an enclosure (Arb) of the formula. It agrees if it is
within a stated number of units in the last place of a value that the formula has within a few
units of the point: so what an argument's own rounding does to a result is no fault of the code.
This says nothing of other points, and is called COMPARED, never PROVED.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from ..abstract import Abstract
from ..cases import declared, small
from ..errors import AutogradError
from ..kinds import Elementwise
from ..primitives import Primitive, apply
from ..tracing import trace
from . import fixed_shape
from .assumed import Fact
from .decide import COMPARED, REFUTED, UNDECIDED, Witness
from .enclosures import Enclosure, Refused, arithmetics, precision
from .exact import Exact, Symbols, inputs_of, scalar_function
from .polynomials import Budget, Exhausted
from .verdict import LeafVerdict

__all__ = ["Comparison", "compared"]

ARB = "Arb"
PLACES = {
    True: 2**6,
    False: 2**26,
}  # units in the last place: of a ufunc; of the library's own code
AROUND = 4  # units in the last place of an argument
BITS = (256, 1200)  # of the enclosures; the second where a formula cancels
ORDINARY = (2.0**-10, 100.0)  # sizes of arguments at which the library's own code is not to give up
NEAR = Fraction(1, 2**36)  # of the largest entry: what sums and solutions may be off
_LARGEST = Fraction(float(np.finfo(np.float64).max))

# Both signs, zero, halves and whole numbers (where rounding turns), neighbours of 1, both ends.
_SIZES = (
    1e-300,
    2.0**-30,
    0.01,
    1 / 3,
    0.5,
    1.0,
    1 + 2.0**-52,
    1.5,
    2.0,
    2.5,
    3.0,
    10.0,
    60.0,
    745.0,
    1e10,
    1e300,
)
_PAIRS = (-1e10, -2.5, -1.0, -0.5, 0.0, 1e-3, 0.5, 1.0, 2.0, 1e10)
_TRIPLES = (-1.5, 0.0, 0.25, 0.5, 2.0)  # fmt: skip
_ONE = tuple(sorted({s * v for v in _SIZES for s in (-1.0, 1.0)} | {0.0}))


@dataclass
class Comparison:
    """What a comparison at points found.

    Attributes
    ----------
    leaves : dict of str to LeafVerdict
        COMPARED, REFUTED (a value is not what is claimed) or UNDECIDED.
    points : int
        At which both had a value.
    worst : float
        The largest distance, in units in the last place.
    places : bool
        Whether distances are counted so, and not by the largest entry.
    """

    leaves: dict[str, LeafVerdict] = field(default_factory=dict)
    points: int = 0
    worst: float = 0.0
    places: bool = True

    @property
    def fact(self) -> Fact:
        """What was found."""
        near = (
            f"{self.worst:.1f} units in the last place"
            if self.places
            else "2^-36 of the largest entry"
        )
        return Fact("floats", (near, str(self.points)))


def compared(p: Primitive, budget: Budget) -> Comparison:
    """Compare the float code of a primitive with what it is read as.

    Parameters
    ----------
    p : Primitive
    budget : Budget
        Points that there is no time for are left out, and not counted.
    """
    if isinstance(p.kind, Elementwise) and not p.variadic:
        return _elementwise(p, budget)
    return _others(p, budget)


def _without_arb() -> str:
    """Why nothing can be compared, if it cannot."""
    if arithmetics()[0].name == ARB:
        return ""
    return "its formula has certified values with python-flint alone, which is not installed"


# --- elementwise ----------------------------------------------------------------------------


def _elementwise(p: Primitive, budget: Budget) -> Comparison:
    """Compare with the formula, at a grid of points."""
    result = Comparison()
    for kinds, params in _signatures(p):
        name = "floats at " + ", ".join(k if isinstance(k, str) else str(k) for k in kinds)
        name += "".join(f" {k}={v}" for k, v in params.items())
        reason = _without_arb()
        if reason:
            result.leaves[name] = LeafVerdict(UNDECIDED, (), 0, reason)
            continue
        try:
            result.leaves[name] = _grid(p, kinds, params, budget, result)
        except (AutogradError, TypeError, ValueError, AttributeError, IndexError) as error:
            reason = f"the float code of {p.name} was not run at single numbers: {error}"
            result.leaves[name] = LeafVerdict(UNDECIDED, (), 0, reason)
    return result


Signature = tuple[tuple[Any, ...], dict[str, Any]]


def _signatures(p: Primitive) -> list[Signature]:
    """What the operands are (float, integers, or a number) and params, each once."""
    signatures: dict[Any, Signature] = {}
    fixed = small(p)
    for operands, params in declared(p):
        kinds: list[Any] = []
        for n, o in enumerate(operands):
            if isinstance(o, Abstract) and o.dtype.kind == "f":
                kinds.append("float64")
            elif isinstance(o, (int, float)):
                kinds.append(o)
            else:
                values = {v for ops, _ in fixed if n < len(ops) for v in _integers(ops[n])}
                kinds.append(tuple(sorted(values)) or (0, 1))
        signatures.setdefault((tuple(kinds), str(params)), (tuple(kinds), dict(params)))
    return list(signatures.values())


def _integers(operand: Any) -> list[Any]:
    array = np.asarray(operand) if isinstance(operand, np.ndarray) else np.zeros(0, int)
    return [v.item() for v in array.flat] if array.dtype.kind in "biu" else []


def _values(p: Primitive, floats: int) -> Sequence[float]:
    low, high = p.domain
    inside = [low + (high - low) * t for t in (0.03, 0.27, 0.51, 0.74, 0.96)]
    if floats == 1:
        return (*_ONE, *inside)
    return (*_PAIRS, *inside[1::2]) if floats == 2 else _TRIPLES


def _grid(
    p: Primitive,
    kinds: Sequence[Any],
    params: Mapping[str, Any],
    budget: Budget,
    result: Comparison,
) -> LeafVerdict:
    floats = sum(k == "float64" for k in kinds)
    axes = [
        _values(p, floats) if k == "float64" else k if isinstance(k, tuple) else (k,) for k in kinds
    ]
    points = list(itertools.product(*axes))
    options = dict(params)
    if p.prepare is not None:
        options = p.prepare([np.ones(1) for _ in kinds], options)
    columns = [
        k if isinstance(k, (int, float)) else np.array([point[n] for point in points])
        for n, k in enumerate(kinds)
    ]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = np.asarray(p.forward(*columns, **options))
        # Alone as well: code may branch on all that it is given.
        alone = [
            np.asarray(p.forward(*(_scalar(c, k) for c in columns), **options))
            for k in range(len(points))
        ]
        # A replay that writes into given memory calls the ufunc itself.
        replayed = together if p.ufunc is None else np.asarray(p.ufunc(*columns))
    symbols = [sympy.Symbol(f"x{n}", real=True) for n in range(len(kinds))]
    letters = tuple("f" if k == "float64" or isinstance(k, float) else "b" if k == (False, True) else "i" for k in kinds)  # fmt: skip
    formulas: dict[Any, sympy.Expr] = {}
    bound = PLACES[p.ufunc is not None]
    compared, outside, worst = 0, 0, 0.0
    beyond: list[Any] = []
    kinks: list[Any] = []
    single: list[Any] = []
    for place, point in enumerate(points):
        if not budget.left:
            break
        key = tuple(v for v, k in zip(point, kinds, strict=True) if k != "float64")
        if key not in formulas:
            scalars = [
                s if k == "float64" else _exactly(v)
                for s, v, k in zip(symbols, point, kinds, strict=True)
            ]
            formulas[key] = sympy.sympify(scalar_function(p, options, letters)(*scalars))
        at = {
            s: Fraction(v) for s, v, k in zip(symbols, point, kinds, strict=True) if k == "float64"
        }
        value = _enclosed(formulas[key], at)
        if value is None:
            continue
        inside = all(p.domain[0] < v < p.domain[1] for v in map(float, at.values()))
        values = map(float, (together.flat[place], alone[place], replayed.flat[place]))
        ways = {repr(v): v for v in values}  # once each, nan too
        for got in ways.values():
            if np.isnan(got) and not inside:
                outside += 1
                continue
            off = _off(got, together.dtype, value.low, value.high)
            if off > bound and not value.touched:
                off = min(off, _off(got, together.dtype, *_around(formulas[key], at, value)))
            if off <= bound:
                compared += 1
                worst = max(worst, float(off))
            elif value.touched and getattr(p.kind, "formula", None) is not None:
                kinks.append(point)  # what a function is at a kink is a convention
            elif p.ufunc is None and _out_of_range(got, at):
                beyond.append(point)
            elif len(ways) == 1 and _beside(
                p, options, kinds, point, formulas[key], symbols, bound
            ):
                single.append(point)
            else:
                return LeafVerdict(
                    REFUTED, (), compared, "a value that is not the formula's",
                    _witness(symbols, at, got, value),
                )  # fmt: skip
    result.points += compared
    result.worst = max(result.worst, worst)
    if not compared:
        return LeafVerdict(
            UNDECIDED, (), 0, "no point was found at which its formula has a certified value"
        )
    if single:
        reason = f"at single points it is not its formula, as beside them: {_written(single[0])}"
        return LeafVerdict(UNDECIDED, (), compared, reason)
    reason = f"within {worst:.1f} units in the last place of its formula (Arb) at {compared} values, not proved"
    for what, listed in (
        ("0, infinite or not a number at", beyond),
        ("at kinks otherwise:", kinks),
    ):
        if listed:
            reason += f"; {what} {', '.join(map(_written, listed[:2]))}"
            reason += f" and {len(listed) - 2} more" if len(listed) > 2 else ""
    reason += f"; not a number at {outside}" if outside else ""
    return LeafVerdict(COMPARED, (), compared, reason, method="FLOATS")


def _off(got: float, dtype: Any, low: Fraction, high: Fraction) -> Fraction:
    """How far a float is from an interval, in units in its last place."""
    place = Fraction(1, 2**52)
    if dtype.kind == "f" and np.isfinite(got):
        place = Fraction(float(np.spacing(dtype.type(abs(got)))))
    return _distance(got, low, high) / place


def _beside(
    p: Primitive,
    options: Mapping[str, Any],
    kinds: Sequence[Any],
    point: Sequence[Any],
    formula: sympy.Expr,
    symbols: Sequence[sympy.Symbol],
    bound: int,
) -> bool:
    """Whether the floats on both sides of a point are as the formula has it."""
    for end in (-np.inf, np.inf):
        near = [
            float(np.nextafter(v, end)) if k == "float64" else v
            for v, k in zip(point, kinds, strict=True)
        ]
        at = {
            s: Fraction(v) for s, v, k in zip(symbols, near, kinds, strict=True) if k == "float64"
        }
        value = _enclosed(formula, at)
        with np.errstate(all="ignore"):
            operands = [np.asarray(v) if not isinstance(k, (int, float)) else v for v, k in zip(near, kinds, strict=True)]  # fmt: skip
            got = np.asarray(p.forward(*operands, **options))
        if value is None or _off(float(got), got.dtype, value.low, value.high) > bound:
            return False
    return True


def _exactly(v: Any) -> sympy.Rational:
    """A number as it is."""
    exact = Fraction(v)
    return sympy.Rational(exact.numerator, exact.denominator)


def _written(point: Sequence[float]) -> str:
    return f"({', '.join(f'{v:.6g}' for v in point)})"


def _scalar(column: Any, place: int) -> Any:
    return column if isinstance(column, (int, float)) else column[place]


def _out_of_range(got: float, at: Mapping[Any, Fraction]) -> bool:
    """Whether code of the library's own gave up, at arguments that are very small or large."""
    ordinary = all(v == 0 or ORDINARY[0] <= abs(v) <= ORDINARY[1] for v in map(float, at.values()))
    return not ordinary and (got == 0 or not np.isfinite(got))


@dataclass
class _Value:
    """Certified bounds, and whether the point may be on a kink."""

    low: Fraction
    high: Fraction
    touched: bool


def _enclosed(expression: sympy.Expr, at: Mapping[sympy.Symbol, Fraction]) -> _Value | None:
    """A narrow enclosure of the value at a point; None where there is none, or none is certain."""
    arithmetic = arithmetics()[0]
    for bits in BITS:
        try:
            with precision(bits):
                enclosure = Enclosure(at, arithmetic, bits=bits)
                low, high = arithmetic.bounds(enclosure(expression))
        except (Refused, ValueError, OverflowError):
            continue
        if high - low <= min(abs(low), abs(high)) / 2**60 or low == high:
            return _Value(low, high, enclosure.touched)
    return None


def _around(
    expression: sympy.Expr, at: Mapping[sympy.Symbol, Fraction], value: _Value
) -> tuple[Fraction, Fraction]:
    """Bounds of the values within a few units in the last place of a point."""
    arithmetic = arithmetics()[0]
    try:
        with precision(BITS[1]):
            boxes = {
                s: arithmetic.around(v, abs(v) * Fraction(AROUND, 2**52)) for s, v in at.items()
            }
            enclosure = Enclosure({}, arithmetic, bits=BITS[1])
            enclosure.known(boxes)
            return arithmetic.bounds(enclosure(expression))
    except (Refused, ValueError, OverflowError):
        return value.low, value.high


def _distance(got: float, low: Fraction, high: Fraction) -> Fraction:
    """How far a float is from an interval; an infinity is the rounding of what is beyond floats."""
    if np.isnan(got):
        return _LARGEST
    if np.isinf(got):
        end = high if got > 0 else -low
        return Fraction(0) if end > _LARGEST else _LARGEST
    exact = Fraction(got)
    return max(low - exact, exact - high, Fraction(0))


def _witness(
    symbols: Sequence[sympy.Symbol], at: Mapping[sympy.Symbol, Fraction], got: float, value: _Value
) -> Witness:
    shown = Fraction(got) if np.isfinite(got) else _LARGEST * (-1 if got < 0 else 1)
    point = {s.name: at[s] for s in symbols if s in at}
    low, high = shown - value.high, shown - value.low
    return Witness(point, (shown, shown), (value.low, value.high), (low, high), ARB, "value")


# --- arrays ---------------------------------------------------------------------------------


def _others(p: Primitive, budget: Budget) -> Comparison:
    """Compare a primitive of another kind with its exact reading, entry by entry, at small shapes."""
    result = Comparison(places=False)
    for operands, params in small(p):
        name = "floats at " + " ".join(str(getattr(o, "shape", o)) for o in operands)
        while name in result.leaves:
            name += "'"
        reason = _without_arb()
        if not reason:
            try:
                result.leaves[name] = _arrays(p, operands, params, budget, result)
                continue
            except Exhausted as stop:
                reason = str(stop)
            except (AutogradError, TypeError, ValueError, AttributeError) as error:
                reason = f"its reading has no values at a point: {error}"
        result.leaves[name] = LeafVerdict(UNDECIDED, (), 0, reason)
    return result


def _arrays(
    p: Primitive,
    operands: Sequence[Any],
    params: Mapping[str, Any],
    budget: Budget,
    result: Comparison,
) -> LeafVerdict:
    variables = [o for o in operands if isinstance(o, Abstract)]

    def applied(*floats: Any) -> Any:
        remaining = iter(floats)
        return apply(
            p,
            tuple(next(remaining) if isinstance(o, Abstract) else o for o in operands),
            dict(params),
        )

    program = trace(applied, p.name)(*variables)
    symbols = Symbols()
    inputs = list(inputs_of(program, symbols).values())
    read = fixed_shape._outputs(program, Exact(symbols, budget=budget), inputs)
    if symbols.charts.all:
        reason = "the code calls LAPACK, and the factors are read by what they multiply to"
        return LeafVerdict(UNDECIDED, (), 0, reason)
    compared = 0
    for at, values in _draws(p, variables, inputs):
        budget.check()
        try:
            with np.errstate(all="ignore"):
                floats = program(*values)
        except np.linalg.LinAlgError:
            continue  # such as a matrix that is singular
        floats = floats if isinstance(floats, (tuple, list)) else (floats,)
        for expected, got in zip(read, floats, strict=True):
            near = _entry(expected, np.asarray(got, np.float64), at)
            if isinstance(near, Witness):
                return LeafVerdict(
                    REFUTED, expected.shape, compared, "a value that is not the formula's", near
                )
            compared += near
    result.points += compared
    if not compared:
        return LeafVerdict(UNDECIDED, (), 0, "no point was found at which its reading has values")
    reason = f"within 2^-36 of the largest entry of its exact reading (Arb) at {compared} entries, not proved"
    return LeafVerdict(COMPARED, read[0].shape, compared, reason, method="FLOATS")


def _draws(
    p: Primitive, variables: Sequence[Any], inputs: Sequence[Any]
) -> Iterator[tuple[dict[sympy.Symbol, Fraction], list[Any]]]:
    """A few points: in the domain, of both signs, with ties and zeros."""
    random = np.random.default_rng(0)
    draws: list[Callable[[Any], Any]] = [
        lambda shape: random.uniform(*p.domain, shape),
        lambda shape: random.uniform(-3, 3, shape),
        lambda shape: random.integers(-2, 3, shape) / 2.0,
        lambda shape: _definite(random.uniform(-1, 1, shape)),
    ]
    for draw in draws:
        values = [np.asarray(draw(o.shape)) for o in variables]
        yield (
            {
                s: Fraction(float(v))
                for a, x in zip(inputs, values, strict=True)
                for s, v in zip(a.flat, x.flat, strict=True)
            },
            values,
        )


def _definite(x: Any) -> Any:
    """Square matrices made positive definite, and the rest as it is."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        return x
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1])


def _entry(expected: Any, got: Any, at: Mapping[sympy.Symbol, Fraction]) -> int | Witness:
    """How many entries agree, or the first that does not."""
    largest, compared = Fraction(1), 0
    found = []
    for index in np.ndindex(*expected.shape):
        value = _enclosed(expected[index], at)
        if value is not None:
            found.append((value, float(got[index])))
            largest = max(largest, abs(value.low))
    for value, one in found:
        if _distance(one, value.low, value.high) <= NEAR * largest:
            compared += 1
        elif not value.touched:
            return _witness(sorted(at, key=str), at, one, value)
    return compared
