"""What every pass does: read a Program step by step, and write another that computes the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...primitives import REGISTRY, Primitive
from ...program import Application, Atom, Literal, Program, Var
from .inference import abstract_of, inferred

__all__ = ["Rewriter", "Shorthand"]


class Rewriter:
    """A Program that is being written while another is read.

    Attributes
    ----------
    steps : list of Application
        What has been written.
    values : dict of Var to (Var or Literal)
        What stands for each value of the old program.
    """

    def __init__(self, program: Program[Any]) -> None:
        self.program = program
        self.steps: list[Application] = []
        self.values: dict[Var, Atom] = {v: v for v in program.inputs}
        self.values.update((v, v) for v, _ in program.captures)
        self._next = 1 + max(
            (v.number for v in (*self.values, *(s.result for s in program.applications))), default=0
        )

    def atom(self, old: Atom) -> Atom:
        """What stands for a value of the old program."""
        return old if isinstance(old, Literal) else self.values[old]

    def keep(self, step: Application) -> Application:
        """Write a step as it was, on what stands for its operands; nothing is inferred anew."""
        operands = tuple([self.values[o] if type(o) is Var else o for o in step.operands])
        if operands != step.operands:
            step = Application(
                step.primitive, operands, step.params, step.result, step.scope, step.phase,
                step.line, step.backward,
            )  # fmt: skip
        self.steps.append(step)
        self.values[step.result] = step.result
        return step

    def emit(
        self, p: Primitive, operands: Iterable[Atom], params: dict[str, Any], like: Application
    ) -> Var:
        """Write a new step in the scope and the phase of an old one; returns its result."""
        given = tuple(operands)
        data = tuple(map(abstract_of, given))
        if p.prepare is not None:
            params = p.prepare(data, params)
        result = Var(self._next, inferred(p, data, params), None, None)
        self._next += 1
        self.steps.append(
            Application(p, given, params, result, like.scope, like.phase, like.line, like.backward)
        )
        return result

    def finish(self) -> Program[Any]:
        """The program that was written."""
        old = self.program
        written = {step.result for step in self.steps}
        for n, step in enumerate(self.steps):
            if step.phase is not None and step.phase not in written:
                # What it is the backward of has another form now, or is gone.
                phase = self.values.get(step.phase)
                self.steps[n] = Application(
                    step.primitive, step.operands, step.params, step.result, step.scope,
                    phase if isinstance(phase, Var) and phase in written else None, step.line, True,
                )  # fmt: skip
        return Program(
            old.name,
            old.inputs,
            old.captures,
            tuple(self.steps),
            tuple(map(self.atom, old.outputs)),
            old.structure,
            tuple((target, self.atom(value)) for target, value in old.writes),
        )


class Shorthand:
    """Primitives by name, as rules say them: ``xp.exp(x)`` writes a step.

    Results have no infix operators, so a rule here names each of its operations.
    """

    def __init__(self, rewriter: Rewriter, like: Application) -> None:
        self._rewriter = rewriter
        self._like = like

    @property
    def result(self) -> Var:
        """What the old step gave, whose dtype the new ones have to reach."""
        return self._like.result

    def __getattr__(self, name: str) -> Callable[..., Var]:
        p = REGISTRY[name]

        def write(*operands: Any, **params: Any) -> Var:
            atoms = [o if isinstance(o, (Var, Literal)) else Literal(o) for o in operands]
            return self._rewriter.emit(p, atoms, params, self._like)

        return write
