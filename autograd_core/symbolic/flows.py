"""Where derivatives go in a program, and where they end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..graph import ZERO
from ..kinds import Random
from ..program import Application, Program, Var
from .assumed import Fact

__all__ = ["Held", "behind", "bodies", "held", "is_float", "passes", "through"]


@dataclass(frozen=True)
class Held:
    """A value that a derivative is not taken through, though it depends on what is asked for.

    Attributes
    ----------
    step : Application
    number : int
        Of the step in its program, from 1.
    position : int
        Of the operand.
    how : str
        "stop_gradient", "no rule" or "ZERO".
    inside : str
        The loop in whose body it is; empty for none.
    """

    step: Application
    number: int
    position: int
    how: str
    inside: str = ""

    @property
    def fact(self) -> Fact:
        """The same as a fact of a proof."""
        operand = self.step.operands[self.position]
        what = (operand.name or operand.letter) if isinstance(operand, Var) else str(operand)
        scope = "/".join(self.step.scope)
        where = f"step {self.number}{f' of the body of {self.inside}' if self.inside else ''}"
        where += f", in {scope}" if scope else ""
        if self.how == "stop_gradient":
            return Fact("stopped", (what, where))
        name = self.step.primitive.name
        if self.how == "ZERO":
            return Fact("zero", (name, what, where))
        return Fact("no rule", (what, name, where))

    def __str__(self) -> str:
        return str(self.fact)


def is_float(var: Any) -> bool:
    """Whether a Var, or a part of it, holds floats: others are constant off their jumps."""
    parts = var.parts or (var,)
    return any(p.dtype.kind == "f" for p in parts)


def through(step: Application) -> bool:
    """Whether a result may change continuously with the operands of a step."""
    return is_float(step.result) and not isinstance(step.primitive.kind, Random)


def passes(step: Application, position: int) -> str:
    """What becomes of a cotangent at an operand: "" if it goes on, otherwise as `Held.how`."""
    p = step.primitive
    if p.stops:
        return "stop_gradient"
    if p.picks or p.same:
        return ""
    if p.variadic:
        return "" if p.vjp is not None else "no rule"
    rule = p.vjp[position]
    if rule is ZERO:
        return "ZERO"
    return "no rule" if rule is None else ""


def held(
    program: Program[Any],
    inputs: Iterable[Var],
    outputs: Iterable[Any] | None = None,
    wanted: Callable[[Application], bool] = lambda step: True,
    inside: str = "",
) -> list[Held]:
    """The steps at which derivatives by some inputs end on the way to the outputs.

    Parameters
    ----------
    inputs : iterable of Var
    outputs : iterable of Var, optional
        Default: the program's.
    wanted : callable
        The steps that are meant.
    """
    needed = behind(program, program.outputs if outputs is None else outputs)
    live = set(inputs)
    listed: list[Held] = []
    for number, step in enumerate(program, 1):
        if not through(step):
            continue
        positions = [n for n, o in enumerate(step.operands) if isinstance(o, Var) and o in live]
        ends = {n: passes(step, n) for n in positions if is_float(step.operands[n])}
        if any(not how for how in ends.values()):
            live.add(step.result)
        if step.result in needed and wanted(step):
            listed += [Held(step, number, n, how, inside) for n, how in ends.items() if how]
        for body in bodies(step):
            entered = _entered(body, step.params, {n for n, how in ends.items() if not how})
            listed += held(
                body, [body.inputs[n] for n in entered], None, wanted, step.primitive.name
            )
    return listed


def bodies(step: Application) -> Iterator[Program[Any]]:
    """The programs that a step runs."""
    return (v for v in step.params.values() if isinstance(v, Program))


def _entered(body: Program[Any], params: Mapping[str, Any], positions: set[int]) -> set[int]:
    """The inputs of a body that derivatives come to: what a loop carries comes back."""
    carries, first = params.get("carries", 0), params.get("consts", 0)
    while True:
        live = {body.inputs[n] for n in positions}
        for step in body:
            ends = [n for n, o in enumerate(step.operands) if isinstance(o, Var) and o in live]
            if through(step) and any(not passes(step, n) for n in ends):
                live.add(step.result)
        back = {first + k for k in range(carries) if body.outputs[k] in live} - positions
        if not back:
            return positions
        positions = positions | back


def behind(program: Program[Any], outputs: Iterable[Any]) -> set[Var]:
    """What outputs are computed from, by whatever steps."""
    needed = {o for o in outputs if isinstance(o, Var)}
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(o for o in step.operands if isinstance(o, Var))
    return needed
