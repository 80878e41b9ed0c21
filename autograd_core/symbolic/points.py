"""Points at which the programs of a statement are run: what stands for inputs and captured arrays.

A plan draws them, the most telling first: at sizes 1, 2 and 3 where sizes are names, of both signs, all
of one sign, with ties and zeros; each is moved onto the facts. `crosscheck` compares what is run there,
`at_hand` asks whether a kink is met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..errors import AutogradError
from ..program import Application, Program, Var
from ..shapes import Dim, count
from ..tensors import Tensor
from .decide import Witness
from .exact import is_number
from .facts import Facts, SumsTo
from .indexed import POSITIVE
from .sizes import bounds_of, fitting

__all__ = ["FAILURES", "Point", "Run", "Runnable", "short", "wide"]

# Sizes that the names take in turn, and how numbers are drawn. The first have one entry, then two
# and three; all of them of one sign, so that all units may be dead at once; with ties and zeros.
_PLAN = (
    ((1,), "both"), ((2, 3), "both"), ((3, 2), "negative"), ((2,), "positive"), ((2, 3), "ties"),
    ((1, 2), "inner"), ((3,), "inner"), ((2, 1), "both"), ((2,), "small"), ((1,), "positive"),
    ((3, 2), "far"), ((3,), "ties"),
)  # fmt: skip
_RANGES = {
    "both": (-2.0, 2.0), "negative": (-2.0, -0.5), "positive": (0.5, 1.5), "inner": (-0.9, 0.9),
    "small": (0.01, 0.3), "far": (-8.0, 8.0), "near 2": (1.5, 3.0),
}  # fmt: skip
# What a run may end with where a program is not defined, or has no such sizes.
FAILURES = (
    AutogradError, ArithmeticError, IndexError, ValueError, TypeError, np.linalg.LinAlgError,
)  # fmt: skip


@dataclass
class Point:
    """Numbers for the inputs of programs, by name, and for what they captured, by identity.

    What was captured with values that it has here is ``still``: it has no others nearby.
    """

    sizes: dict[str, int]
    inputs: dict[str, Any]
    captured: dict[int, tuple[str, Any]]
    facts: Facts
    recorded: bool = False
    still: frozenset[int] = frozenset()

    def __str__(self) -> str:
        shown = [f"{name} = {short(v)}" for name, v in self.inputs.items()]
        shown += [f"{name} = {short(v)}" for name, v in self.captured.values()]
        return ", ".join(shown[:8]) + (", …" if len(shown) > 8 else "")

    def moved(self, random: Any, far: float, whole: bool = False) -> Point:
        """A point nearby, at which the facts hold as well; ``whole``: also what is still moves."""

        def near(v: Any) -> Any:
            if np.asarray(v).dtype.kind != "f":
                return v
            by = far * random.uniform(0.5, 1, np.shape(v)) * random.choice([-1, 1], np.shape(v))
            return np.where(np.equal(v, 0), by, v * (1 + by))

        inputs = {name: near(v) for name, v in self.inputs.items()}
        still = frozenset() if whole else self.still
        captured = {
            key: (name, v if key in still else near(v)) for key, (name, v) in self.captured.items()
        }
        return Point(self.sizes, inputs, captured, self.facts, still=still).fitted()

    def fitted(self) -> Point:
        """The point, moved onto the facts: sums are made what they are to be, in turn."""
        for _ in range(1 if len(self.facts) < 2 else 60):
            for name, fact in self.facts:
                if isinstance(fact, SumsTo) and name in self.inputs:
                    x = self.inputs[name]
                    missing = fact.value - x.sum(fact.axis, keepdims=True)
                    self.inputs[name] = x + missing / x.shape[fact.axis]
        return self

    @property
    def holds(self) -> bool:
        """Whether the facts hold."""
        return all(
            isinstance(fact, SumsTo)
            and name in self.inputs
            and np.allclose(self.inputs[name].sum(fact.axis), fact.value, atol=1e-9)
            for name, fact in self.facts
        )


def _drawn(style: str, shape: Any, random: Any) -> Any:
    if style == "ties":
        return random.integers(-2, 3, shape) / 2.0
    return np.asarray(random.uniform(*_RANGES[style], shape))


class Runnable:
    """What two programs of the same inputs have in common: where they can be run.

    Parameters
    ----------
    programs : sequence of Program
    names : mapping of int to str
        Of the inputs, as the verdict has them.
    facts : Facts
    at_hand : mapping of int to array, optional
        Values that inputs had when the program was recorded.
    """

    def __init__(
        self,
        programs: Sequence[Program[Any]],
        names: Mapping[int, str],
        facts: Facts = (),
        at_hand: Mapping[int, Any] | None = None,
    ) -> None:
        self.programs = [_widened(p) for p in programs]
        self.names = names
        self.facts = facts
        self.at_hand = at_hand or {}
        dims = (
            n
            for p in programs
            for v in (*p.inputs, *(v for v, _ in p.captures), *(s.result for s in p))
            for n in v.shape
            if isinstance(n, Dim)
        )
        self.dims = list(dict.fromkeys(name for n in dims for name in sorted(n.names)))
        self._bounds = bounds_of(programs)
        self._at: dict[tuple[int, ...], list[Program[Any]]] = {}

    def sizes(self, cycle: Sequence[int]) -> dict[str, int]:
        """Sizes in turn, from the smallest on at which the programs are there."""
        wanted = {name: cycle[k % len(cycle)] for k, name in enumerate(self.dims)}
        return fitting(wanted, self._bounds)

    def at(self, sizes: Mapping[str, int]) -> list[Program[Any]]:
        """The programs at these sizes."""
        key = tuple(sizes.values())
        if key not in self._at:
            self._at[key] = [p.at(sizes) for p in self.programs]
        return self._at[key]

    def points(self, random: Any, captured: bool = True) -> Iterator[Point]:
        """Points, the most telling first; at every other one, if so asked, what is captured varies."""
        if not self.dims:
            inputs = self.programs[0].inputs
            if all(n in self.at_hand for n, v in enumerate(inputs)):
                yield from self.at_style({}, "recorded", random, False)
        styles = [s for n, (_, s) in enumerate(_PLAN) if s not in [t for _, t in _PLAN[:n]]]
        plan = _PLAN if self.dims else tuple(((), s) for s in styles)
        for n, (cycle, style) in enumerate((*plan, (plan[1][0], "near 2"))):
            yield from self.at_style(self.sizes(cycle), style, random, captured and n % 2 == 1)

    def at_style(
        self, sizes: dict[str, int], style: str, random: Any, free: bool
    ) -> Iterator[Point]:
        """A point, if the program has these sizes; labels are as large as they can be.

        ``free``: what is captured takes other values than it has.
        """
        try:
            programs = self.at(sizes)
        except FAILURES:
            return
        for top in (3, 2, 1):
            inputs: dict[str, Any] = {}
            for n, v in enumerate(programs[0].inputs):
                recorded = style == "recorded"
                inputs[self.names[n]] = (
                    wide(self.at_hand[n]) if recorded else _for(v, style, random, top)
                )
            captured: dict[int, tuple[str, Any]] = {}
            still = set()
            for p in programs:
                for v, t in p.captures:
                    value = t._value
                    if isinstance(value, Abstract):
                        value = _for(v, "both" if style == "recorded" else style, random, top)
                    elif v.dtype.kind != "f" or is_number(t):
                        continue
                    elif free and style != "recorded":
                        value = _for(v, style, random, top)
                    else:
                        still.add(id(t))
                    captured.setdefault(id(t), (v.name or v.letter, wide(value)))
            known = style == "recorded", frozenset(still)
            point = Point(sizes, inputs, captured, self.facts, *known).fitted()
            if not point.holds:
                return
            labelled = any(v.dtype.kind in "iu" for v in programs[0].inputs)
            if labelled and top > 1:
                try:
                    for p in programs:
                        self.values(p, point)
                except IndexError:
                    continue
                except FAILURES:
                    return
            yield point
            return

    def at_witness(self, witness: Witness, random: Any) -> Iterator[Point]:
        """The point of a witness, with what is captured as it was recorded, if the facts hold there."""
        if not witness.sizes.keys() >= set(self.dims):
            return
        for point in self.at_style(
            {name: witness.sizes[name] for name in self.dims}, "both", random, False
        ):
            for name, x in point.inputs.items():
                for index in np.ndindex(np.shape(x)) if x.dtype.kind == "f" else ():
                    label = name + (f"[{','.join(map(str, index))}]" if index else "")
                    if label in witness.point:
                        x[index] = float(witness.point[label])
            if point.holds:
                yield point

    def values(self, program: Program[Any], point: Point, run: Run | None = None) -> Any:
        """Every value of a program at a point."""
        run = run or Run(point.captured)
        for value in point.inputs.values():
            run.meet(value)
        return program.fold(run, *point.inputs.values())

    def cost(self, point: Point) -> float:
        """Roughly the seconds that a look takes."""
        programs = self.at(point.sizes)
        return self.runs * sum(map(_cost, programs)) / len(programs)

    runs = 4.0


def _for(v: Var, style: str, random: Any, top: int) -> Any:
    """Numbers for a variable."""
    shape = tuple(int(n) for n in v.shape)
    if v.dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    if v.dtype.kind in "iu":
        return random.integers(0, top, shape).astype(v.dtype)
    value = _drawn(style, shape, random)
    if v.role == POSITIVE:
        value = np.abs(value) + 2.0**-6
    return value


def wide(value: Any) -> Any:
    """Floats in double precision."""
    value = np.asarray(value)
    return value.astype(np.float64) if value.dtype.kind == "f" else value


def _widened(program: Program[Any]) -> Program[Any]:
    """The program in double precision, where it names a narrower one: the statement is of reals."""

    def narrow(dtype: Any) -> bool:
        kind = np.dtype(dtype)
        return kind.kind == "f" and kind.itemsize < 8

    if not any(s.params.get("dtype") is not None and narrow(s.params["dtype"]) for s in program):
        return program
    steps = tuple(
        Application(
            s.primitive, s.operands, {**s.params, "dtype": np.dtype(np.float64)}, s.result, s.scope,
            s.phase, s.line, s.backward,
        )
        if s.params.get("dtype") is not None and narrow(s.params["dtype"])
        else s
        for s in program
    )  # fmt: skip
    return Program(
        program.name, program.inputs, program.captures, steps, program.outputs, program.structure
    )


def _cost(program: Program[Any]) -> float:
    """Roughly the seconds of one run by NumPy."""
    seconds = 0.0
    for s in program:
        sizes = [count(o.shape) for o in s.operands if isinstance(o, Var)]
        sizes = [int(n) for n in (*sizes, count(s.result.shape)) if not isinstance(n, Dim)]
        work = float(np.sqrt(float(np.prod([float(n) for n in sizes])))) if len(sizes) == 3 else 0.0
        seconds += 4e-6 + 2e-9 * max([work, *sizes])
    return seconds


class Run:
    """The evaluator that runs a program by NumPy, in double precision.

    Attributes
    ----------
    largest : float
        The largest finite number that was met, if ``watch``.
    outside : bool
        Whether a step was met at operands of which nothing is claimed, though it is defined there.
    """

    def __init__(
        self,
        captured: Mapping[int, tuple[str, Any]],
        held: Mapping[Var, Any] | None = None,
        watch: bool = False,
    ) -> None:
        self.captured = captured
        self.held = held
        self.watch = watch
        self.largest = 0.0
        self.outside = False

    def capture(self, var: Var, tensor: Tensor) -> Any:
        """What stands for a captured tensor."""
        if id(tensor) in self.captured:
            value = self.captured[id(tensor)][1]
        else:
            value = wide(tensor._concrete("prove"))
        self.meet(value)
        return value

    def meet(self, value: Any) -> None:
        """Take a value of a step, an input or a capture for the largest, where that is asked for.

        Inputs too: numbers that add up to 0 leave rounding of their own size behind.
        """
        if not self.watch:
            return
        for part in value if isinstance(value, tuple) else (value,):
            array = np.abs(np.asarray(part, np.float64))
            if array.size:
                top = float(array.max())
                if not np.isfinite(top):
                    top = float(array[np.isfinite(array)].max(initial=0.0))
                self.largest = max(self.largest, top)

    def literal(self, value: Any) -> Any:
        """A number."""
        return value

    def apply(self, step: Application, operands: tuple[Any, ...]) -> Any:
        """One step; what passes `stop_gradient` keeps its value, if it is held."""
        name = step.primitive.name
        if self.held is not None and step.primitive.stops:
            return self.held[step.result]
        exponent = step.operands[1] if name == "power" else None
        if isinstance(exponent, Var) and exponent.dtype.kind == "f":
            # Read as of positive bases alone; the engine is defined at others as well.
            self.outside = self.outside or bool((np.asarray(operands[0]) <= 0).any())
        result = step.primitive.forward(*operands, **step.params)
        self.meet(result)
        return float(result) if step.result.weak else result


def short(values: Any) -> str:
    """Values as text, on one line."""
    return np.array2string(np.asarray(values), precision=6, separator=", ", threshold=12).replace(
        "\n", ""
    )
