"""What a program uses between leaves and loss: each step's pattern, and the leaves behind it.

Forward, it is followed which values depend on a leaf; back, which have a cotangent. A step that has both
is used: for these operands, of these outputs. A loop uses its body as well, where what is carried comes
round again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...kinds import Loop
from ...program import Application, Program, Var
from ...tensors import Tensor
from ..flows import bodies, is_float, passes, through
from ..uses import Use
from .patterns import Pattern
from .remembered import Remembered

__all__ = ["PatternUse", "uses_in"]


@dataclass(frozen=True)
class PatternUse:
    """A pattern, and the leaves behind each operand that is asked for, by position."""

    pattern: Pattern
    leaves: Mapping[int, frozenset[int]]


def uses_in(
    program: Program[Any], leaves: Sequence[Tensor], remembered: Remembered
) -> Iterator[PatternUse]:
    """The patterns of the steps between leaves and outputs, with what is asked of each."""
    depends = {v: frozenset([n]) for n, v in enumerate(program.inputs)}
    trained = set(program.inputs) | {v for v, t in program.captures if t.requires_grad}
    reached = {o for o in program.outputs if isinstance(o, Var)}
    yield from _steps(program, depends, trained, reached, remembered)


def _steps(
    program: Program[Any],
    inputs: Mapping[Var, frozenset[int]],
    trained: set[Var],
    reached: set[Var],
    remembered: Remembered,
) -> Iterator[PatternUse]:
    """As `uses_in`, of a program or the body of a loop.

    Parameters
    ----------
    inputs : mapping of Var to set of int
        The leaves behind inputs.
    trained : set of Var
        What else the engine passes a cotangent to: leaves that nobody asks about.
    reached : set of Var
        Outputs that have a cotangent.
    """
    depends = dict(inputs)
    trained = set(trained)
    for step in program:
        if not through(step):
            continue
        floats = {n: o for n, o in enumerate(step.operands) if isinstance(o, Var) and is_float(o)}
        behind = [depends[o] for o in floats.values() if o in depends]
        # What is held constant is so by declaration; a rule that is missing is not.
        if behind and not step.primitive.stops:
            depends[step.result] = frozenset().union(*behind)
        if any(o in trained and not passes(step, n) for n, o in floats.items()):
            trained.add(step.result)
    reached = set(reached)
    outputs: dict[Var, set[int]] = {}
    for step in reversed(program.applications):
        if step.result not in reached or step.result not in depends:
            continue
        live = {n: o for n, o in enumerate(step.operands) if isinstance(o, Var) and o in depends}
        if step.primitive.picks:
            outputs.setdefault(live[0], set()).add(step.params["index"])
            reached.add(live[0])
            continue
        live = {n: o for n, o in live.items() if is_float(o)}
        asked = list(live)
        reached.update(o for n, o in live.items() if not passes(step, n))
        names = {n: depends[o] for n, o in live.items()}
        count = len(step.result.parts or (None,))
        parts = tuple(sorted(outputs.get(step.result, range(count))))
        also = [n for n, o in enumerate(step.operands) if isinstance(o, Var) and o in trained]
        each = [asked]
        if step.primitive.joint and set(also) - set(asked):
            each.append(sorted({*asked, *also}))
        for positions in each:
            pattern = Pattern.of(step, Use(tuple(positions), parts), remembered)
            yield PatternUse(pattern, names)
        if isinstance(step.primitive.kind, Loop):
            yield from _of_body(step, names, set(also), set(parts), remembered)


def _of_body(
    step: Application,
    names: Mapping[int, frozenset[int]],
    also: set[int],
    parts: set[int],
    remembered: Remembered,
) -> Iterator[PatternUse]:
    """The patterns of a loop's body, on which its rule relies: what is carried comes round again."""
    first, carries = step.params["consts"], step.params["carries"]
    for body in bodies(step):
        behind, trained, live = dict(names), set(also), set(parts)
        while True:
            inputs = {body.inputs[n]: leaves for n, leaves in behind.items()}
            again = {body.inputs[n] for n in trained}
            reached = {o for k, o in enumerate(body.outputs) if k in live and isinstance(o, Var)}
            uses = list(_steps(body, inputs, again, reached, remembered))
            depends = _closure(body, inputs)
            needed = _closure_back(body, reached)
            before = dict(behind), set(live)
            for k in range(carries):
                leaves = depends.get(body.outputs[k], frozenset())
                if leaves:
                    behind[first + k] = behind.get(first + k, frozenset()) | leaves
                if body.inputs[first + k] in needed:
                    live.add(k)
            if (behind, live) == before:
                break
        yield from uses


def _closure(
    program: Program[Any], inputs: Mapping[Var, frozenset[int]]
) -> dict[Any, frozenset[int]]:
    depends: dict[Any, frozenset[int]] = dict(inputs)
    for step in program:
        behind = [depends[o] for o in step.operands if isinstance(o, Var) and o in depends]
        if behind and through(step) and not step.primitive.stops:
            depends[step.result] = frozenset().union(*behind)
    return depends


def _closure_back(program: Program[Any], reached: set[Any]) -> set[Any]:
    needed = set(reached)
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(
                o for n, o in enumerate(step.operands) if isinstance(o, Var) and not passes(step, n)
            )
    return needed
