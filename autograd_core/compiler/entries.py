"""One capture of a step, prepared: whether it still fits, how it is run, what is done around a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter, is_
from typing import Any

import numpy as np

from ..aliases import Array
from ..context import CONTEXT, Context
from ..graph import WRITES
from ..memory import SEQUENCE
from ..program import Literal, Program
from ..structure import STRUCTURE
from ..tensors import Tensor, leaf
from ..transforms.compiled import keeping
from ..trees import flatten, unflatten
from .backends import Compiled, Runner
from .captured import Captured, CheckFailed
from .guards import Watch
from .hot_path import MISS, written_call
from .results import Node, spent

__all__ = ["Entry", "always_miss", "frozen", "refusal_of"]

_REQUIRES = attrgetter("requires_grad")
_LEAF = flatten(0)[1]  # the nesting of one value


class Entry:
    """One capture of a step, prepared: what it was captured for, and how it is run.

    A call goes down three roads, the fastest first: `quick`, a function written as source for arguments
    like the last (`hot_path.written_call`), which asks all that `valid` asks, and runs; `run`, which does
    the same step by step; and, where an entry fits no more, a new capture (`Step._captured`).

    Parameters
    ----------
    count : int
        Of changes of structure, before it was captured.
    held : sequence
        The arguments, so that no other object gets an id that the key has.
    body : Program or None
        What is one operation in the graph outside; None where no gradient goes through.
    by : Compiled
        What runs the body's pullback.
    """

    def __init__(
        self,
        captured: Captured,
        runner: Runner,
        watch: Watch,
        count: int,
        held: Any,
        body: Any,
        by: Compiled,
    ) -> None:
        self.captured = captured
        self.runner = runner
        self.watch = watch
        self.count = count
        self.held = held
        program = captured.program
        leaves = [t for _, t in program.captures if t._context.capture is None]
        self.trained = [t for t in leaves if t.requires_grad]
        self.untrained = [
            t for t in leaves if not t.requires_grad and t.dtype.kind == "f" and t.role != "slot"
        ]
        tensors = dict(program.captures)
        self.written = [tensors[v] for v, _ in program.writes]
        self.consumed = [g.leaf for g in captured.gradients if g.present and g.output is None]
        # The rest of what is done after a run.
        self.gradients = [g for g in captured.gradients if not g.present or g.output is not None]
        self._quick: tuple[Context, Any, list[Any], Callable[[Any], Any]] | None = None
        self._flows = _flows(captured)
        # Gradients through it from outside.
        # (complete: its outputs hold all that the pullback reads, or nobody will ask; see `keep`.)
        self.body, self.by, self.complete = body, by, body is None
        self.node = None
        if body is not None:
            outputs = [
                o for o, w in zip(captured.results, captured.ways, strict=True) if type(w) is int
            ]
            self.node = Node(captured, body, outputs, by)
        afterwards = captured.counts or self.gradients or captured.structure is not _LEAF
        self.alone = not afterwards and body is not None  # nothing to do but to hand out one result
        self.refusal = {"refusal": refusal_of(program.name)}
        # No gradients and no graph: what is left is to nest the outputs, which the written call does itself.
        self.lean = not captured.counts and not self.gradients and body is None

    def fits_leaves(self) -> bool:
        """Whether the same leaves take part in gradients as when it was captured."""
        return all(map(_REQUIRES, self.trained)) and not any(map(_REQUIRES, self.untrained))

    def fits_structure(self) -> bool:
        """Whether no change of structure since it was captured is one of what it depends on."""
        count = STRUCTURE.count
        if self.count != count:
            if self.watch.restructured():
                return False
            self.count = count
        return True

    def valid(self) -> bool:
        """Whether nothing has changed that the capture depends on, arguments apart."""
        return (
            self.fits_structure()
            and self.watch.same()
            and self.fits_leaves()
            and all(
                (type(t._grad) is Tensor) == present and t._grad is not False
                for t, present in self.captured.reads
            )
            and _flows(self.captured) == self._flows
        )

    def keep(self, ready: Callable[[Captured], tuple[str, Runner]]) -> None:
        """From now on have the step keep what its pullback reads, if a gradient was asked for.

        Parameters
        ----------
        ready : callable
            Gives a backend and its runner of a captured step.
        """
        if self.complete or "pulled" not in self.body.memo:
            return
        captured = self.captured
        carried: Any = captured.carried
        self.complete = True
        longer = keeping(self.body, carried.asked)
        own = len(self.body.outputs)
        numbered = {v.number: v for v in _values(captured.program)}
        more = [numbered[v.number] for v in longer.outputs[own:]]  # type: ignore[union-attr]
        if not more:
            return
        old = captured.program
        place = len(old.outputs) - len(captured.checks) - len(captured.counts)
        outputs = (*old.outputs[:place], *more, *old.outputs[place:])
        program: Program[Any] = Program(
            old.name, old.inputs, old.captures, old.applications, outputs, old.structure, old.writes
        )
        self.captured = replace(captured, program=program)
        _, self.runner = ready(self.captured)
        kept = range(place, place + len(more))
        assert self.node is not None  # noqa: S101 - for mypy
        self.node = Node(self.captured, longer, [*self.node.outputs, *kept], self.by)
        self._quick = None

    def inputs(self, arrays: Sequence[Any]) -> list[Any]:
        """What a runner takes: arguments, gradients that the step reads, computed tensors."""
        captured = self.captured
        read = [t._grad._value for t, present in captured.reads if present]  # type: ignore[union-attr]
        return [*arrays, *read, *(t._value for t in captured.computed)]

    def run(self, arrays: Sequence[Any], handed: Sequence[Any]) -> Any:
        """Run once; the results in their nesting.

        Parameters
        ----------
        arrays : sequence
            The arguments that are arrays.
        handed : sequence
            The same, as they were given.
        """
        captured = self.captured
        inputs = self.inputs(arrays)
        scalars = [f() for f in captured.scalars]
        operands, number = None, 0
        if self.node is not None:
            operands, number = self.node.operands(handed, scalars), SEQUENCE()
        try:
            outputs = self.runner.run(inputs, scalars)
        except CheckFailed as failed:
            raise captured.error(failed.number, inputs, scalars) from None
        self.settle(1)
        if operands is not None:
            return self.joined(outputs, operands, number)
        return self.results(outputs, 1)

    def run_many(self, count: int, arrays: list[Array]) -> Any:
        """Run over the first axis of the arrays; the results stacked."""
        found = self.made_many(count, arrays, [f() for f in self.captured.scalars])
        self.settle(count)
        return self.results(found, count)

    def made_many(self, count: int, arrays: Sequence[Array], scalars: Sequence[float]) -> list[Any]:
        """The outputs of many steps; where one fails, those before it are settled."""
        captured = self.captured
        done, outputs, error = self.runner.many(count, arrays, scalars)
        if error is None:
            return outputs
        if done:
            self.settle(done)
        if isinstance(error, CheckFailed):
            grown = [s + done * g for s, g in zip(scalars, captured.increments, strict=True)]
            error = captured.error(error.number, [a[done] for a in arrays], grown)
        error.add_note(f"In step {done + 1} of {count} of one call; those before were made.")
        raise error

    def settle(self, steps: int) -> None:
        """Stamp what was written, mark the gradients that are used up, tell of the effects."""
        if self.written:
            now = WRITES.last = SEQUENCE()
            for t in self.written:
                t._written = now
        for t in self.consumed:
            t._grad = False
        for told in self.captured.effects:
            told(steps)

    def joined(self, found: Sequence[Any], operands: tuple[Any, ...], number: int) -> Any:
        """The results of a run as outputs of one operation in the graph outside."""
        node: Any = self.node
        carried = node.results(found, operands, number, CONTEXT.get())
        return carried[0] if self.alone else self.results(found, 1, carried)

    def results(self, outputs: Sequence[Any], steps: int, carried: Sequence[Tensor] = ()) -> Any:
        """Gradients and counts of a run, and its results in their nesting."""
        captured = self.captured
        for g in self.gradients:
            if g.output is None:
                g.leaf._grad = None
            else:
                value = outputs[g.output]
                g.leaf._grad = leaf(value[-1] if np.ndim(value) > g.leaf.ndim else value)
        for told, held in captured.held(outputs):
            told(held, steps)
        results: list[Any] = []
        for o, way in zip(captured.results, captured.ways, strict=True):
            if isinstance(o, Literal):
                results.append(o.value)
            elif type(way) is int:
                results.append(carried[way])
            elif way == "spent":
                results.append(spent(outputs[o], self.refusal, SEQUENCE(), CONTEXT.get()))
            else:
                results.append(leaf(outputs[o], way == "leaf"))
        return unflatten(captured.structure, results)

    def quick_many(self, context: Context, args: tuple[Any, ...]) -> Callable[..., Any]:
        """The hot path of `Step.many` for a first step's arguments like these."""
        return self._written(context, args, many=self.made_many) or always_miss

    def quick(self, context: Context, args: tuple[Any, ...]) -> Callable[[Any], Any]:
        """The hot path for arguments like these; see `written_call`."""
        leaves, nesting = flatten(args)
        like = (np.ndarray, np.generic, Tensor, float)
        fixed = [type(a) if isinstance(a, like) else a for a in leaves]
        key = context, (self.watch.version, frozen(nesting)), fixed
        known = self._quick
        if known is None or not (
            known[0] is context and known[1] == key[1] and _identical(known[2], fixed)
        ):
            call = self._written(context, args, node=self.node)
            known = self._quick = (*key, call or always_miss)
        return known[3]

    def _written(self, context: Context, args: tuple[Any, ...], **options: Any) -> Any:
        return written_call(
            self.captured,
            self.watch,
            self.count,
            context,
            args,
            run=self.runner.run,
            finish=self.results if self.node is None else self.joined,
            lean=self.lean,
            refusal=self.refusal,
            stale=None if self.complete else self.body.memo,
            leaves=(self.trained, self.untrained, self.written, self.consumed),
            **options,
        )


def _flows(captured: Captured) -> list[bool]:
    """Which of the gradients that a step reads carry a gradient themselves."""
    return [type(t._grad) is Tensor and t._grad.requires_grad for t, _ in captured.reads]


def _values(program: Program[Any]) -> list[Any]:
    given = [*program.inputs, *(v for v, _ in program.captures)]
    return [*given, *(step.result for step in program.applications)]


def refusal_of(title: str) -> str:
    """What an error says of a result that has no gradient any more."""
    return (
        f"backward: this is a result of the compiled step {title} (ag.jit), which took gradients or wrote "
        "parameters itself (backward, Optimizer.step, assign), or is of leaves that it made: no gradient "
        "goes through it from outside. Expected a function without such effects. Compile the forward and call "
        "backward outside, or take the gradient of all of it inside the step."
    )


def _identical(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(map(is_, a, b))


def always_miss(*args: Any) -> Any:
    """A hot path for arguments that are looked at each time."""
    return MISS


def frozen(structure: Any) -> Any:
    """A nesting as something that can be looked up."""
    if isinstance(structure, dict):
        return (dict, tuple((k, frozen(v)) for k, v in structure.items()))
    if isinstance(structure, (list, tuple)):
        return (type(structure), tuple(map(frozen, structure)))
    return None
