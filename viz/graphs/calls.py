"""Module calls in a Program: runs of steps that share the beginning of their scope, nested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograd_core.program import Application

__all__ = ["BACKWARD", "Call", "Calls"]

BACKWARD = "backward"  # the box around all of the backward


@dataclass(slots=True)
class Call:
    """One call of a module.

    Attributes
    ----------
    entry : str
        Its entry in the scope path, such as "0:Linear".
    parent : int or None
        The call around it.
    level : int
        How deep it is nested; a call of the backward is as deep as the forward's, and the box
        around all of the backward has level -1.
    first, last : int
        Its steps.
    backward : bool
        Whether it is the backward of a call.
    again : int
        Which call of the same module this is, from 1.
    cluster : int or None
        The box drawn for it.
    """

    entry: str
    parent: int | None
    level: int
    first: int
    last: int
    backward: bool
    again: int
    cluster: int | None = None


class Calls:
    """The calls in a list of steps.

    A call is a run of steps in their order, so boxes drawn around calls never need each other in a
    circle. Two calls of one module without a step between them are one run.

    Parameters
    ----------
    steps : sequence of Application
    boxed : bool
        Whether there is one more box around all of the backward.
    """

    def __init__(self, steps: Sequence[Application], boxed: bool) -> None:
        self.steps = steps
        self.all: list[Call] = []
        self.of_step: list[int | None] = []
        stack: list[int] = []
        seen: Counter[tuple[bool, tuple[str, ...]]] = Counter()
        for k, step in enumerate(steps):
            backward = step.backward
            extra = backward and boxed
            path = (BACKWARD, *step.scope) if extra else step.scope
            same = 0
            for number, entry in zip(stack, path, strict=False):
                if (self.all[number].entry, self.all[number].backward) != (entry, backward):
                    break
                same += 1
            del stack[same:]
            for depth in range(same, len(path)):
                key = (backward, path[: depth + 1])
                seen[key] += 1
                parent = stack[-1] if stack else None
                level = depth - extra
                self.all.append(Call(path[depth], parent, level, k, k, backward, seen[key]))
                stack.append(len(self.all) - 1)
            for number in stack:
                self.all[number].last = k
            self.of_step.append(stack[-1] if stack else None)

    def chain(self, call: int | None) -> list[int]:
        """The call and those around it, outermost first."""
        chain = []
        while call is not None:
            chain.append(call)
            call = self.all[call].parent
        return chain[::-1]

    def at_level(self, step: int, level: int) -> int | None:
        """The call of a level that holds a step, if there is one."""
        return next((c for c in self.chain(self.of_step[step]) if self.all[c].level == level), None)

    @property
    def deepest(self) -> int:
        """How many levels there are."""
        return max((call.level for call in self.all), default=-1) + 1

    def path(self, call: int | None) -> tuple[str, ...]:
        """Names of the modules around a call's steps, as parameters are named: ("0",)."""
        entries = (self.all[k].entry for k in self.chain(call))
        return tuple(entry.partition(":")[0] for entry in entries if ":" in entry)

    def beginning(self, number: int) -> Application:
        """The first step of a call."""
        return self.steps[self.all[number].first]

    def forward_of(self, number: int, made: int | None) -> int:
        """The call itself; for the backward of a call, that call.

        Parameters
        ----------
        number : int
        made : int or None
            The step that computed the value whose backward the call begins with.
        """
        forward = None if made is None else self.at_level(made, self.all[number].level)
        return number if forward is None else forward
