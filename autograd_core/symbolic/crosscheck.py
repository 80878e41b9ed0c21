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
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..context import within
from ..errors import DisagreementError
from ..evaluators import RECORDING
from ..graph import history, pullback, seed_for
from ..primitives import ZERO
from ..program import Application, Program, Var
from ..shelves import ARRAYS
from ..tensors import Tensor, leaf
from .assumed import Fact
from .decide import PROBABLE, PROVED, Witness
from .differences import slope
from .points import FAILURES, Point, Run, Runnable, short, wide
from .verdict import Verdict

__all__ = ["Equations", "Gradients", "apart", "confirmed", "different", "overseen"]

SHARE, SECONDS = 0.2, 0.5  # of the proof's time, or this long, whichever is more
BRIEF = 0.02  # what is beyond the first points takes no longer than this, or half the share
TRIES = 12  # points tried for one that can be compared, when the time is over
FIRST = 5  # points that are always looked at, unless they are dear

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
        return f"{one} is {short(self.got)}, {other} is {short(self.expected)}"


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
            outcome = statement.look(point, [name], set())
            if isinstance(outcome, _Difference) and (
                outcome.certain or _stays(statement, point, [name], set(), random)
            ):
                clock.spent += time.thread_time() - start
                return f"{outcome} at {point}", agreed
            agreed += outcome is True
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


# --- runs -----------------------------------------------------------------------------------


class _Tensors:
    """The evaluator that records a program with the engine, as training does."""

    def __init__(self, captured: Mapping[int, tuple[str, Any]]) -> None:
        self.captured = captured

    def capture(self, var: Var, tensor: Tensor) -> Any:
        """A leaf that needs no gradient."""
        if id(tensor) in self.captured:
            return leaf(np.array(self.captured[id(tensor)][1]))
        return leaf(wide(tensor._concrete("prove")))

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


class Equations(Runnable):
    """Two programs of the same inputs have the same outputs; parameters of `Runnable`.

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
            run = Run(point.captured, watch=True)
            a = _outputs(left, self.values(left, point, run))
            b = _outputs(right, self.values(right, point, run))
            if run.outside:
                return None
            moved = _outputs(right, self.values(right, near))
            other = _outputs(left, self.values(left, near))
        except FAILURES:
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


# As many steps of a staircase lie within the longest difference, which moves numbers by 2^-8 of them.
_STEPS = 2.0**8


def _stairs(step: Application, value: Any) -> bool:
    """Whether a step is a staircase (floor and its kin) so high that differences see a slope of it.

    Where a step of it is shorter than a difference is long, all differences say what the slope of the
    argument is, and they agree: of such a point nothing can be said by differences.
    """
    p, kind = step.primitive, step.result.dtype.kind
    flat = isinstance(p.vjp, tuple) and any(rule is ZERO for rule in p.vjp)
    if not (flat or (p.converts and kind in "iu")) or kind not in "fiu":
        return False
    y = np.asarray(value)
    return bool((np.abs(y) > _STEPS).any() and (y == np.rint(y)).all())


class Gradients(Runnable):
    """The gradient of a program is its derivative; parameters of `Runnable`.

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
            run = Run(point.captured, watch=True)
            values = self.values(program, point, run)
            (loss,) = _outputs(program, values)
            if run.outside or not np.isfinite(loss).all():
                return None
            found, most = self._walk(program, point)
            walked = dict(zip(names, found, strict=True))
            if recorded:
                near = point.moved(np.random.default_rng(1), 1e-13)
                _, *proved_gradients = _outputs(recorded[0], self.values(recorded[0], point, run))
                _, *nearby = _outputs(recorded[0], self.values(recorded[0], near))
        except FAILURES:
            return None
        if point.recorded and self.graph is not None:
            for name, g in zip(names, _of_the_graph(*self.graph), strict=True):
                w = walked[name]
                if name not in proved or g is None:
                    continue
                apart = np.linalg.norm(np.asarray(g, np.float64) - w)
                # Where cotangents cancel, as behind a batch norm those that a bias adds up, what is due to be
                # 0 is what rounding leaves of each: 1e-8 in single precision.
                relative = (1e-6 if g.dtype.itemsize == 8 else 1e-2) * np.linalg.norm(w)
                rounding = 8 * np.finfo(g.dtype).eps * most * run.largest
                if apart > relative + rounding + 1e-15 * run.largest:
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
        if self._held_inside or any(_stairs(s, values[s.result]) for s in program):
            return True if recorded else None  # the walk was compared; differences tell nothing
        held = {s.result: values[s.result] for s in program if s.primitive.stops}
        finite = [n for n in proved if n in walked and np.isfinite(walked[n]).all()]
        if not finite or not all(np.isfinite(point.inputs[n]).all() for n in finite):
            return None

        def slopes(leaves: Sequence[str]) -> tuple[bool | None, float, float]:
            return slope(
                lambda inputs: _outputs(
                    program,
                    self.values(
                        program,
                        Point(point.sizes, inputs, point.captured, ()),
                        Run(point.captured, held),
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
            f"the gradient by .backward(), {', '.join(short(walked[n]) for n in finite)}, along a direction",
            "the difference quotient of the forward",
        )
        return _Difference(", ".join(finite), what, got, expected)

    def _walk(self, program: Program[Any], point: Point) -> tuple[list[Any], float]:
        """The gradients by the array walk, as ``.backward()`` leaves them.

        And how much a cotangent on the way adds up to at most, all its numbers taken as positive.
        """
        leaves = [
            leaf(np.array(v), n in self.numbers and np.asarray(v).dtype.kind == "f")
            for n, v in enumerate(point.inputs.values())
        ]
        values = program.fold(_Tensors(point.captured), *leaves)
        (o,) = program.outputs
        loss = values[o] if isinstance(o, Var) else None
        between = [t for t in values.values() if type(t) is Tensor and t.requires_grad]
        if type(loss) is Tensor and loss.requires_grad:
            for t in between:
                t.retain_grad()
            loss.backward()
        most = max(
            (float(np.abs(t.grad._value).sum()) for t in between if t.grad is not None), default=0.0
        )
        meant = [leaves[n] for n in self.numbers]
        found = [
            np.zeros(t.shape) if t.grad is None else np.asarray(t.grad._value, np.float64)
            for t in meant
        ]
        return found, most if np.isfinite(most) else 0.0


def _of_the_graph(loss: Tensor, leaves: Sequence[Tensor]) -> list[Any]:
    """What ``loss.backward()`` would give the leaves, None if they ask for none; the graph stays."""
    wanted = {id(t): t for t in leaves}
    with np.errstate(all="ignore"):
        nodes = history([loss], True, wanted)
        found = pullback([loss], [seed_for(loss, None, ARRAYS, "prove")], ARRAYS, nodes, wanted)
    zeros = {t: np.zeros(t.shape, t.dtype) for t in leaves}
    return [np.asarray((zeros | found)[t]) if t.requires_grad else None for t in leaves]
