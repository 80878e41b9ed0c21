"""A primitive as a graph uses it, and what is decided of its rules in that pattern.

A pattern is a primitive, its params, its operands' shapes up to the names of their sizes, the operands
that are asked for and the outputs that have a cotangent.

A rule is decided off its kinks. In a model they may hold on an open set: a - b = 0 where both come
from dead units, and are one function. Where a kink holds an operand at a value it stands still
there, and a rule has only to be finite. Where it ties operands they move together, and the partials
must add up to the derivative along the tie: that is decided as well.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import ops
from ...abstract import Abstract
from ...errors import AutogradError, DisagreementError
from ...kinds import Contract, Elementwise, Gather, Loop, Reduce
from ...primitives import Primitive, apply
from ...program import Application, Literal, Program
from ...readings import record_of
from ...shapes import Dim
from ...tracing import trace
from ..decide import PROVED, REFUTED, UNDECIDED
from ..shrinking import small
from ..sizes import bounds_of_step, hold
from ..uses import RULES, Use
from ..verdict import LeafVerdict, Verdict
from .gradients import backward
from .remembered import Remembered
from .rules import decide_rule, rule

__all__ = ["Decided", "Pattern", "Remaining"]

LETTERS = "MNPQRSTUVWXYZABCDEFGHIJKL"


@dataclass(frozen=True)
class Remaining:
    """What remains for the questions that are asked on the way.

    Attributes
    ----------
    engine : str or None
    end : float
        By `time.thread_time`.
    """

    engine: str | None
    end: float

    @property
    def options(self) -> dict[str, Any]:
        """What is left, as keywords."""
        return {"seconds": max(0.0, self.end - time.thread_time()), "engine": self.engine}


@dataclass(frozen=True)
class Decided:
    """What was decided of a pattern.

    Attributes
    ----------
    primitive : str
    asked : tuple of int
    verdict : Verdict
    names : tuple of str
        Of the operands that were asked for, in the verdict; empty: all together.
    where : str
        At which shapes, unless at every size.
    tied : bool
        Whether the partials were found to add up where operands tie.
    open_ : str
        What is wrong at a tie.
    """

    primitive: str
    asked: tuple[int, ...]
    verdict: Verdict
    names: tuple[str, ...]
    where: str = ""
    tied: bool = False
    open_: str = ""

    def at(self, position: int) -> tuple[str, str]:
        """Status and reason for the operand at a position."""
        verdict = self.verdict
        status, reason = verdict.status, verdict.reason
        if len(self.names) == len(self.asked) and position in self.asked:
            leaf = verdict.leaves.get(self.names[self.asked.index(position)])
            wrong = verdict.leaves.get("(value)")
            if leaf is not None and wrong is None:
                status, reason = leaf.status, leaf.reason
        if status == PROVED and self.open_:
            status, reason = UNDECIDED, self.open_
        return status, f"the VJP rules of {self.primitive}: {reason or status}"


class Pattern:
    """A primitive as a program uses it: shapes up to the names of sizes."""

    def __init__(self, step: Application, use: Use, operands: Sequence[Any], params: Any) -> None:
        self.step = step
        self.primitive: Primitive = step.primitive
        self.use = use
        self.operands = operands
        self.params = params
        self.key: Any = None
        self.general = True

    @classmethod
    def of(cls, step: Application, use: Use, remembered: Remembered) -> Pattern:
        """The pattern of a step; equal sizes get one name, in order, and 1 stays 1.

        Of axes that a `reshape` merges, or takes apart, the whole is the product of the parts.
        """
        names: dict[Any, Dim] = {}
        wholes = _wholes(step) if step.primitive is record_of(ops.reshape) else {}

        def size(n: Any) -> Any:
            if n == 1:
                return 1
            if n in wholes:
                return math.prod(map(size, wholes[n]))
            if n not in names:
                names[n] = Dim.named(_letter(len(names)))
            return names[n]

        operands = [_operand(o, size) for o in step.operands]
        params = {k: _sized(k, v, size) for k, v in step.params.items()}
        pattern = cls(step, use, operands, params)
        sizes = {str(d): n for n, d in names.items()}
        pattern.general = _fits(step, operands, params, sizes, remembered)
        described = [
            ("array", str(o.shape), str(o.dtype)) if isinstance(o, Abstract) else (type(o), repr(o))
            for o in operands
        ]
        pattern.key = (
            step.primitive.name,
            str(described),
            str(use),
            pattern.general,
            remembered.of(
                step.primitive, sorted(params.items()), small(step) if _moves(step) else None
            ),
        )
        return pattern

    def decided(self, remaining: Remaining, remembered: Remembered) -> Decided:
        """The verdicts on the rules in this pattern."""
        return remembered.kept(
            self.key,
            lambda: self._decide(remaining),
            lambda decided: decided.verdict.status == PROVED and not decided.open_,
        )

    def _decide(self, remaining: Remaining) -> Decided:
        p, use = self.primitive, self.use
        tried: list[Decided] = []
        for operands, params, where in self._cases():
            try:
                verdict = decide_rule(p, operands, params, use, **remaining.options)
            except DisagreementError:
                raise
            except (AutogradError, ValueError, IndexError, TypeError) as error:
                # Sizes that depend on one another (axes merged, parts of axes) have no such names.
                verdict = _open(p, str(error))
            if not where and any(leaf.method == "EXACT" for leaf in verdict.leaves.values()):
                where = "at the shapes of the graph"
            names = tuple(verdict.leaves)  # the operands, and then the cotangents
            names = names[: len(names) - len(use.outputs)]
            decided = Decided(p.name, use.asked, verdict, names, where)
            if verdict.status == PROVED:
                return self._at_ties(decided, remaining)
            tried.append(decided)
            if verdict.status == REFUTED:
                return decided
        if isinstance(p.kind, Loop):
            # A loop's own body, if it is large, is decided step by step; the loop itself on small ones.
            verdict = rule(p, **remaining.options)
            if verdict.status != UNDECIDED:
                return Decided(p.name, use.asked, verdict, (), "on small bodies")
        return tried[-1] if tried else Decided(p.name, use.asked, _open(p, _NOWHERE), ())

    def _cases(self) -> Iterator[tuple[Sequence[Any], Any, str]]:
        """Where the pattern is tried: at every size, and at small sizes with the params of the graph."""
        if self.general:
            yield self.operands, self.params, ""
        found = small(self.step)
        if found is not None:
            yield *found, "at small fixed shapes"

    # --- ties -------------------------------------------------------------------------------

    def _at_ties(self, decided: Decided, remaining: Remaining) -> Decided:
        """Whether partials add up where operands tie, if the rules have kinks that tie them."""
        ties = list(self._ties()) if decided.verdict.excluded else []
        for n, (program, which) in enumerate(ties):
            try:
                verdict = backward(program, **remaining.options)
            except DisagreementError:
                raise
            except AutogradError as error:
                verdict = _open(self.primitive, str(error))
            if verdict.status != PROVED:
                reason = (
                    f"where {which} tie, its partials do not add up to the derivative along the tie "
                    f"({verdict.status}: {verdict.reason}); in a model that may be an open set. Prove this "
                    "model end to end, with prove.backward"
                )
                return replace(decided, open_=reason)
            decided = replace(decided, tied=n == len(ties) - 1)
        return decided

    def _ties(self) -> Iterator[tuple[Program[Any], str]]:
        """Programs in which operands, or elements of one, are one and the same."""
        p, kind = self.primitive, self.primitive.kind
        floats = [n for n in self.use.asked if isinstance(self.operands[n], Abstract)]
        (size,) = (Dim.named("M"),)
        if isinstance(kind, Elementwise):
            shapes = [
                Abstract((size,), o.dtype) if isinstance(o, Abstract) else o for o in self.operands
            ]
            groups = [
                g for r in range(2, len(floats) + 1) for g in itertools.combinations(floats, r)
            ]
            for group in groups:
                yield (
                    _tied(p, shapes, self.params, group),
                    f"operands {' and '.join(map(str, group))}",
                )
        elif isinstance(kind, Reduce):
            (x,) = self.operands
            axes = [a for a in self.params["axis"] if x.shape[a] != 1]
            if not axes:
                return
            shape = [1 if n == 1 else 3 if a == axes[0] else 2 for a, n in enumerate(x.shape)]
            for picked in ([0, 0, 0], [0, 0, 1]):
                yield _tied_along(p, tuple(shape), axes[0], picked, self.params), "elements"


def _tied(
    p: Primitive, shapes: Sequence[Any], params: Mapping[str, Any], group: Sequence[int]
) -> Program[Any]:
    """The sum of a primitive, weighted, with one array in the place of several operands."""

    def tied(g: Any, *given: Any) -> Any:
        remaining = iter(given[1:])
        full = [
            given[0] if n in group else next(remaining) if isinstance(o, Abstract) else o
            for n, o in enumerate(shapes)
        ]
        return ops.sum(g * apply(p, tuple(full), dict(params)))

    others = [o for n, o in enumerate(shapes) if n not in group and isinstance(o, Abstract)]
    shared = shapes[group[0]]
    return trace(tied, p.name)(Abstract(shared.shape), shared, *others)


def _tied_along(
    p: Primitive,
    shape: tuple[int, ...],
    axis: int,
    picked: Sequence[int],
    params: Mapping[str, Any],
) -> Program[Any]:
    """As `_tied`, with some of the elements along an axis."""
    distinct = max(picked) + 1
    shorter = tuple(distinct if a == axis else n for a, n in enumerate(shape))
    index = np.array(picked)
    result = p.abstract((Abstract(shape),), dict(params))

    def tied(g: Any, x: Any) -> Any:
        repeated = x[(*(slice(None),) * axis, index)]
        return ops.sum(g * apply(p, (repeated,), dict(params)))

    return trace(tied, p.name)(Abstract(result.shape), Abstract(shorter))


def _open(p: Primitive, reason: str) -> Verdict:
    """A verdict that says nothing, and why."""
    leaf = LeafVerdict(UNDECIDED, (), 0, reason)
    return Verdict(RULES.format(p.name), UNDECIDED, "", {"": leaf})


def _letter(n: int) -> str:
    return LETTERS[n] if n < len(LETTERS) else f"M{n}"


def _wholes(step: Application) -> dict[Any, tuple[Any, ...]]:
    """Sizes that are products in a `reshape`, with their factors, as far as its axes correspond."""
    x: Any = step.operands[0]
    old, new = ([n for n in shape if n != 1] for shape in (x.shape, step.params["shape"]))
    wholes: dict[Any, tuple[Any, ...]] = {}
    while old and new and 0 not in (*old, *new):
        several = [(1, k) for k in range(2, len(new) + 1)] + [
            (k, 1) for k in range(2, len(old) + 1)
        ]
        for a, b in ((1, 1), *several):
            if math.prod(old[:a]) == math.prod(new[:b]):
                break
        else:
            break
        if a != b:
            whole, parts = (old[0], new[:b]) if a == 1 else (new[0], old[:a])
            wholes.setdefault(whole, tuple(parts))
        del old[:a], new[:b]
    return wholes


def _operand(o: Any, size: Callable[[Any], Any]) -> Any:
    if isinstance(o, Literal):
        return o.value
    dtype = o.dtype if o.dtype.kind in "biu" else np.dtype(np.float64)
    return Abstract(tuple(map(size, o.shape)), dtype)


_NOWHERE = "no sizes were found at which its pattern can be decided. Prove it at a fixed shape"


def _fits(
    step: Application,
    operands: Sequence[Any],
    params: Any,
    sizes: Mapping[str, Any],
    remembered: Remembered,
) -> bool:
    """Whether a step is one of its pattern: not if a slice ends early for want of elements.

    Where the pattern has no shape there is nothing that could be proved of it.
    """
    shapes = [tuple(o.shape) for o in operands if isinstance(o, Abstract)]
    try:
        result = step.primitive.abstract(tuple(operands), dict(params))
    except (AutogradError, ValueError, IndexError, TypeError):
        return True
    parts = result if isinstance(result, tuple) else (result,)
    bounds = [
        b for x in parts for b in bounds_of_step(step.primitive, shapes, params, tuple(x.shape))
    ]
    return hold(bounds, sizes, remembered.bounds)


def _moves(step: Application) -> bool:
    """Whether a step may have to be decided at small sizes, and so its own numbers matter."""
    return not isinstance(step.primitive.kind, (Elementwise, Contract, Reduce, Gather))


def _sized(name: str, value: Any, size: Callable[[Any], Any]) -> Any:
    """A param with its sizes named."""
    if name == "shape" and isinstance(value, tuple):
        return tuple(map(size, value))
    if name == "size" and isinstance(value, int):
        return size(value)
    return value
