"""A second pair of eyes: before a proof leaves the house, what it speaks of is run.

The normal form is thousands of lines, and a proof is as good as the worst of them. So both sides of
a statement that was found PROVED are run, as the engine runs them: the recorded program with
NumPy, the backward by the array walk of ``.backward()``, on which training rests. They are compared
with each other and with central differences of the forward, at sizes 1, 2 and 3 where sizes are
names, at points of both signs, with ties and zeros, that satisfy the facts.

A point where something is not finite is outside the domain, and one where differences find no limit
is too near a kink: both are passed over. What differs at a point has to differ at its neighbours as
well, which leaves out kinks, of which nothing is claimed, and accidents of rounding. What is left
contradicts the proof. That is an error of this library (or of a rule that is not the function of its
operands that it is read as): `DisagreementError`, and no verdict.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..context import within
from ..errors import AutogradError, DisagreementError
from ..graph import history, pullback, seed_for
from ..program import RECORDING, Application, Program, Var
from ..shapes import Dim, count
from ..shelves import ARRAYS
from ..tensors import Tensor, leaf
from .assumed import Fact
from .decide import PROBABLE, PROVED, Witness
from .exact import is_number
from .facts import Facts, SumsTo
from .indexed import POSITIVE
from .sizes import bounds_of, fitting
from .verdict import Verdict

__all__ = [
    "Equations",
    "Gradients",
    "Point",
    "Statement",
    "apart",
    "confirmed",
    "different",
    "overseen",
]

SHARE, SECONDS = 0.2, 0.5  # of the proof's time, or this long, whichever is more
BRIEF = 0.02  # what is beyond the first points takes no longer than this, or half the share
TRIES = 12  # points tried for one that can be compared, when the time is over
FIRST = 5  # points that are always looked at, unless they are dear

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
_FAILURES = (
    AutogradError, ArithmeticError, IndexError, ValueError, TypeError, np.linalg.LinAlgError,
)  # fmt: skip
# Of the differences; the second where the first meet kinks, as they do among thousands of units.
_STEPS = tuple(2.0**-k for k in (8, 10, 12, 14)), tuple(2.0**-k for k in (18, 20, 22))
_NEAR = 2.0**-9  # how far away neighbours are


# --- time -----------------------------------------------------------------------------------


@dataclass
class _Time:
    """Seconds of this thread since the question was asked, and those that went into looking."""

    start: float = field(default_factory=time.thread_time)
    spent: float = 0.0

    def left(self, brief: bool) -> float:
        """What may still be spent: the share of the proof's time, or so long; half, if ``brief``."""
        proof = time.thread_time() - self.start - self.spent
        return max(BRIEF, SHARE * proof / 2) - self.spent if brief else (
            max(SECONDS, SHARE * proof) - self.spent
        )  # fmt: skip


_TIME: ContextVar[_Time | None] = ContextVar("time of a proof", default=None)


@contextlib.contextmanager
def overseen() -> Iterator[None]:
    """Around a question: all that it asks on the way shares the time of one look."""
    if _TIME.get() is not None:
        yield
        return
    token = _TIME.set(_Time())
    try:
        yield
    finally:
        _TIME.reset(token)


# --- the one place --------------------------------------------------------------------------


def confirmed(verdict: Verdict, statement: Equations | Gradients) -> Verdict:
    """The verdict, with the number of points at which its statement was run and held.

    Raises
    ------
    DisagreementError
        If it was found PROVED, and what is run is not equal.
    """
    proved = [n for n, v in verdict.leaves.items() if v.status in (PROVED, PROBABLE)]
    if not proved:
        return verdict
    clock = _TIME.get() or _Time()
    before, compared = time.thread_time(), 0
    spent = clock.spent
    independent = {n for n in proved if Fact("independent", (n,)) in verdict.facts}
    random = np.random.default_rng(0)
    with np.errstate(all="ignore"), within(recording=True, capture=None, anomaly=False):
        longest = 0.0
        for n, point in enumerate(statement.points(random)):
            start = time.thread_time()
            clock.spent = spent + start - before
            brief = n >= FIRST and compared > 0
            cost = statement.cost(point)
            # A busy machine, or a collector that comes by, takes the time, not the look: points are tried
            # until one is compared, but for those that are dear.
            enough = compared or n >= TRIES or cost > SECONDS
            if enough and clock.left(brief) < max(longest, cost):
                break
            outcome = statement.look(point, proved, independent)
            longest = max(longest, time.thread_time() - start)
            if isinstance(outcome, _Difference) and (
                outcome.certain or _stays(statement, point, proved, independent, random)
            ):
                raise DisagreementError(_told(verdict, point, outcome))
            compared += outcome is True
    clock.spent = spent + time.thread_time() - before
    return replace(verdict, compared=compared)


def apart(statement: Equations, name: str, witness: Witness | None = None) -> bool:
    """Whether an output differs at a point, and beside it, where all that was captured is as it was recorded.

    The numbers that a witness has for inputs are a point, too.
    """
    random = np.random.default_rng(0)
    with np.errstate(all="ignore"), within(recording=True, capture=None, anomaly=False):
        return any(
            isinstance(statement.look(point, [name], set()), _Difference)
            and _stays(statement, point, [name], set(), random)
            for point in itertools.chain(
                statement.points(random, captured=False),
                () if witness is None else statement.at_witness(witness, random),
            )
        )


def different(statement: Gradients, name: str) -> tuple[str, int]:
    """How the gradient by a leaf differs from its derivative at a point, in words; or at how many it does not.

    What is captured is as it was recorded: a point is one of the statement itself.
    """
    random = np.random.default_rng(0)
    clock, start, agreed = _TIME.get() or _Time(), time.thread_time(), 0
    with np.errstate(all="ignore"), within(recording=True, capture=None, anomaly=False):
        for n, point in enumerate(statement.points(random, captured=False)):
            if n and time.thread_time() - start > SECONDS:
                break
            found = statement.look(point, [name], set())
            if isinstance(found, _Difference) and (
                found.certain or _stays(statement, point, [name], set(), random)
            ):
                clock.spent += time.thread_time() - start
                return f"{found} at {point}", agreed
            agreed += found is True
    clock.spent += time.thread_time() - start
    return "", agreed


def _stays(
    statement: Equations | Gradients,
    point: Point,
    proved: Sequence[str],
    independent: set[str],
    random: Any,
) -> bool:
    """Whether neighbours differ as well: off kinks, and beyond rounding."""
    found = [statement.look(point.moved(random, _NEAR), proved, independent) for _ in range(3)]
    return True not in found and sum(isinstance(f, _Difference) for f in found) > 1


def _told(verdict: Verdict, point: Point, found: _Difference) -> str:
    sizes = "".join(f", {name} = {n}" for name, n in point.sizes.items())
    return (
        f"prove: it was found that {verdict.claim} ({verdict.scope}), but what is run differs. "
        f"{found.name}: {found}, at {point}{sizes}. Nothing is claimed. Either the proof is wrong, or what is run is not what "
        "was proved (such as a rule that looks at sizes or at the kind of its operands). Please report it "
        "with this message and the program that was proved, as an error of gradproof."
    )


def _short(values: Any) -> str:
    return np.array2string(np.asarray(values), precision=6, separator=", ", threshold=12).replace(
        "\n", ""
    )


# --- points ---------------------------------------------------------------------------------


@dataclass
class _Difference:
    """What differs: of which leaf, between what, and both values; whether neighbours need not be asked."""

    name: str
    what: tuple[str, str]
    got: Any
    expected: Any
    certain: bool = False

    def __str__(self) -> str:
        one, other = self.what
        return f"{one} is {_short(self.got)}, {other} is {_short(self.expected)}"


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
        shown = [f"{name} = {_short(v)}" for name, v in self.inputs.items()]
        shown += [f"{name} = {_short(v)}" for name, v in self.captured.values()]
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


class Statement:
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
        except _FAILURES:
            return
        for top in (3, 2, 1):
            inputs: dict[str, Any] = {}
            for n, v in enumerate(programs[0].inputs):
                recorded = style == "recorded"
                inputs[self.names[n]] = (
                    _wide(self.at_hand[n]) if recorded else _for(v, style, random, top)
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
                    captured.setdefault(id(t), (v.name or v.letter, _wide(value)))
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
                except _FAILURES:
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

    def values(self, program: Program[Any], point: Point, run: _Run | None = None) -> Any:
        """Every value of a program at a point."""
        run = run or _Run(point.captured)
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


def _wide(value: Any) -> Any:
    """Floats in double precision."""
    value = np.asarray(value)
    return value.astype(np.float64) if value.dtype.kind == "f" else value


def _widened(program: Program[Any]) -> Program[Any]:
    """The program in double precision, where it names a narrower one: the statement is of reals."""

    def narrow(dtype: Any) -> bool:
        found = np.dtype(dtype)
        return found.kind == "f" and found.itemsize < 8

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


# --- runs -----------------------------------------------------------------------------------


class _Run:
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
            return self.captured[id(tensor)][1]
        return _wide(tensor._concrete("prove"))

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
        if self.watch:
            for part in result if isinstance(result, tuple) else (result,):
                array = np.abs(np.asarray(part, np.float64))
                if array.size:
                    top = float(array.max())
                    if not np.isfinite(top):
                        top = float(array[np.isfinite(array)].max(initial=0.0))
                    self.largest = max(self.largest, top)
        return float(result) if step.result.weak else result


class _Tensors:
    """The evaluator that records a program with the engine, as training does."""

    def __init__(self, captured: Mapping[int, tuple[str, Any]]) -> None:
        self.captured = captured

    def capture(self, var: Var, tensor: Tensor) -> Any:
        """A leaf that needs no gradient."""
        if id(tensor) in self.captured:
            return leaf(np.array(self.captured[id(tensor)][1]))
        return leaf(_wide(tensor._concrete("prove")))

    def literal(self, value: Any) -> Any:
        """A number."""
        return value

    def apply(self, step: Application, operands: tuple[Any, ...]) -> Any:
        """One step, recorded."""
        return RECORDING.apply(step, operands)


def _outputs(program: Program[Any], values: Mapping[Var, Any]) -> list[Any]:
    return [
        np.asarray(values[o] if isinstance(o, Var) else o.value, np.float64)
        for o in program.outputs
    ]


def _tolerance(a: Any, b: Any, moved: Any, largest: float) -> Any:
    """How far apart rounding may bring two values, entry by entry.

    ``moved`` is ``b`` a few roundings away: its difference says what rounding makes of ``b``.
    """
    finite = np.abs(np.where(np.isfinite(b), b, 0))
    scale = float(finite.max(initial=0.0))
    noise = 1e3 * np.abs(moved - b)
    relative = 1e-7 * np.maximum(np.abs(a), np.abs(b)) + 1e-9 * scale + 1e-12 * largest
    return np.where(np.isfinite(noise), noise, 0) + np.where(np.isfinite(relative), relative, 0)


def _differs(a: Any, b: Any, tolerance: Any) -> bool:
    """Whether an entry differs; one that is not finite differs from one that is."""
    return bool(
        (np.isfinite(a) != np.isfinite(b)).any()
        or (np.abs(np.where(np.isfinite(a), a - b, 0)) > tolerance).any()
    )


# --- statements -----------------------------------------------------------------------------


class Equations(Statement):
    """Two programs of the same inputs have the same outputs; parameters of `Statement`.

    Parameters
    ----------
    outputs : sequence of str
        Names of the outputs, as the verdict has them.
    """

    def __init__(self, outputs: Sequence[str], *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.outputs = outputs

    def look(
        self, point: Point, proved: Sequence[str], independent: set[str]
    ) -> bool | _Difference | None:
        """True where both sides are equal, the difference where not, None where nothing is said."""
        near = point.moved(np.random.default_rng(1), 1e-13)
        try:
            left, right = self.at(point.sizes)
            run = _Run(point.captured, watch=True)
            a = _outputs(left, self.values(left, point, run))
            b = _outputs(right, self.values(right, point, run))
            if run.outside:
                return None
            moved = _outputs(right, self.values(right, near))
            other = _outputs(left, self.values(left, near))
        except _FAILURES:
            return None
        compared = False
        for name, *values in zip(self.outputs, a, b, moved, other, strict=True):
            if name not in proved or not all(np.isfinite(v).all() for v in values):
                continue
            x, y, m, o = values
            tolerance = np.maximum(
                _tolerance(x, y, m, run.largest), _tolerance(y, x, o, run.largest)
            )
            if _differs(x, y, tolerance):
                return _Difference(name, ("the left side", "the right side"), x, y)
            compared = True
        return compared or None


class Gradients(Statement):
    """The gradient of a program is its derivative; parameters of `Statement`.

    Parameters
    ----------
    numbers : sequence of int
        The inputs that are meant.
    graph : tuple of (Tensor, sequence of Tensor), optional
        The loss itself and its leaves: a program has the bodies of compiled functions in their place,
        and what trains is the compiled function with a rule of its own.
    """

    runs = 12.0

    def __init__(
        self,
        numbers: Sequence[int],
        *given: Any,
        graph: tuple[Tensor, Sequence[Tensor]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*given, **options)
        self.numbers = numbers
        self.graph = graph
        bodies = [v for s in self.programs[0] for v in s.params.values() if isinstance(v, Program)]
        self._held_inside = any(s.primitive.stops for body in bodies for s in body.all_steps())

    def look(
        self, point: Point, proved: Sequence[str], independent: set[str]
    ) -> bool | _Difference | None:
        """True where the walk, the proved program and differences agree; see `Equations.look`."""
        program, *recorded = self.at(point.sizes)
        names = [self.names[n] for n in self.numbers]
        try:
            run = _Run(point.captured, watch=True)
            values = self.values(program, point, run)
            (loss,) = _outputs(program, values)
            if run.outside or not np.isfinite(loss).all():
                return None
            walked = dict(zip(names, self._walk(program, point), strict=True))
            if recorded:
                near = point.moved(np.random.default_rng(1), 1e-13)
                _, *proved_gradients = _outputs(recorded[0], self.values(recorded[0], point, run))
                _, *nearby = _outputs(recorded[0], self.values(recorded[0], near))
        except _FAILURES:
            return None
        if point.recorded and self.graph is not None:
            for name, g in zip(names, _of_the_graph(*self.graph), strict=True):
                w = walked[name]
                if name not in proved or g is None:
                    continue
                apart = np.linalg.norm(np.asarray(g, np.float64) - w)
                if apart > (1e-6 if g.dtype.itemsize == 8 else 1e-2) * (
                    np.linalg.norm(w) + 1e-9 * run.largest
                ):
                    what = ("the gradient of the graph itself", "that of the program that was read")
                    return _Difference(name, what, g, w, certain=True)
        if recorded:
            for name, a, b in zip(names, proved_gradients, nearby, strict=True):
                if name not in proved or not (np.isfinite(a).all() and np.isfinite(b).all()):
                    continue
                w = walked[name]
                if w.shape != a.shape or _differs(w, a, _tolerance(w, a, b, run.largest)):
                    what = ("the gradient by .backward()", "the gradient that was proved")
                    return _Difference(name, what, w, a)
        for name in independent:
            w = walked[name]
            if (np.abs(w) > 1e-9 * (1 + run.largest)).any():
                what = ("the gradient by .backward()", "what was found not to depend on it")
                return _Difference(name, what, w, 0.0)
        if self._held_inside:
            return True if recorded else None
        held = {s.result: values[s.result] for s in program if s.primitive.stops}
        finite = [n for n in proved if n in walked and np.isfinite(walked[n]).all()]
        if not finite or not all(np.isfinite(point.inputs[n]).all() for n in finite):
            return None

        def slopes(leaves: Sequence[str]) -> tuple[bool | None, float, float]:
            return _slope(
                lambda inputs: _outputs(
                    program,
                    self.values(
                        program,
                        Point(point.sizes, inputs, point.captured, ()),
                        _Run(point.captured, held),
                    ),
                )[0],
                point.inputs,
                {n: walked[n] for n in leaves},
                float(np.abs(loss).max()) * 1e-9 + run.largest * 1e-12,
                float(np.abs(loss).max()) + run.largest * 1e-6,
            )

        agrees, got, expected = slopes(finite)
        if agrees is not False:
            return agrees
        for name in finite:  # which of them?
            alone, along, quotient = slopes([name])
            if alone is False:
                finite, got, expected = [name], along, quotient
                break
        what = (
            f"the gradient by .backward(), {', '.join(_short(walked[n]) for n in finite)}, along a direction",
            "the difference quotient of the forward",
        )
        return _Difference(", ".join(finite), what, got, expected)

    def _walk(self, program: Program[Any], point: Point) -> list[Any]:
        """The gradients by the array walk, as ``.backward()`` leaves them."""
        leaves = [
            leaf(np.array(v), n in self.numbers and np.asarray(v).dtype.kind == "f")
            for n, v in enumerate(point.inputs.values())
        ]
        values = program.fold(_Tensors(point.captured), *leaves)
        (o,) = program.outputs
        loss = values[o] if isinstance(o, Var) else None
        if type(loss) is Tensor and loss.requires_grad:
            loss.backward()
        found = [leaves[n] for n in self.numbers]
        return [
            np.zeros(t.shape) if t.grad is None else np.asarray(t.grad._value, np.float64)
            for t in found
        ]


def _of_the_graph(loss: Tensor, leaves: Sequence[Tensor]) -> list[Any]:
    """What ``loss.backward()`` would give the leaves, None if they ask for none; the graph stays."""
    wanted = {id(t): t for t in leaves}
    with np.errstate(all="ignore"):
        nodes = history([loss], True, wanted)
        found = pullback([loss], [seed_for(loss, None, ARRAYS, "prove")], ARRAYS, nodes, wanted)
    zeros = {t: np.zeros(t.shape, t.dtype) for t in leaves}
    return [np.asarray((zeros | found)[t]) if t.requires_grad else None for t in leaves]


def _slope(
    function: Callable[[dict[str, Any]], Any],
    inputs: Mapping[str, Any],
    gradients: Mapping[str, Any],
    least: float,
    scale: float,
) -> tuple[bool | None, float, float]:
    """Whether gradients are those of a function along a direction, and both slopes.

    ``scale`` is of the numbers that are rounded on the way, and slopes below ``least`` are none. Steps
    of two sizes are taken before a difference counts: among many kinks the first may find a limit
    where there is none. None: there is no limit.
    """
    random = np.random.default_rng(2)
    direction = {}
    for name in gradients:
        x = np.asarray(inputs[name])
        sign = random.choice([-1.0, 1.0], x.shape)
        direction[name] = sign * random.uniform(0.5, 1, x.shape) * np.maximum(np.abs(x), 0.125)
    got = float(sum((gradients[n] * d).sum() for n, d in direction.items()))

    def at(t: float) -> float:
        moved = {n: x + t * direction[n] if n in direction else x for n, x in inputs.items()}
        return float(np.asarray(function(moved)).sum())

    limits: list[tuple[float, float]] = []
    for steps in _STEPS:
        try:
            quotients = [(at(h) - at(-h)) / (2 * h) for h in steps]
        except _FAILURES:
            return None, got, np.nan
        expected, error = _limit(quotients, steps, scale)
        size = max(abs(got), abs(expected))
        if max(abs(got), abs(expected)) <= 20 * error <= 2e-7 * scale:
            return True, got, expected  # both are 0
        if not (error * 20 <= 1e-3 * size + least):
            continue
        if abs(got - expected) <= 20 * error + 1e-5 * size + least:
            return True, got, expected
        limits.append((expected, error))
    if not limits:
        return None, got, np.nan
    (first, e), (last, f) = limits[0], limits[-1]
    if abs(first - last) > 20 * (e + f) + 1e-5 * abs(last) + least:
        return None, got, last
    return False, got, first


def _limit(quotients: Sequence[float], steps: Sequence[float], scale: float) -> tuple[float, float]:
    """The limit of central differences, each a quarter of the step before, and how well it is known.

    Pairs are extrapolated; where two in a row agree there is a limit.
    """
    better = [(16 * b - a) / 15 for a, b in itertools.pairwise(quotients)]
    best = np.nan, np.nan
    for (a, b), h in zip(itertools.pairwise(better), steps[2:], strict=True):
        error = abs(b - a) + 2.0**-46 * scale / h
        if np.isfinite(error) and not error >= best[1]:
            best = b, error
    return best
