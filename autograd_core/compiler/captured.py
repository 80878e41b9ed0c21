"""A captured step: its Program, what is to be done around a run of it, and which others are the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..program import Program, Var
from ..tensors import Tensor

__all__ = ["Captured", "Carried", "CheckFailed", "Gradient", "identity_of", "whole"]


class CheckFailed(Exception):  # noqa: N818 - a signal to the caller of a runner, who knows the error
    """Raised by a runner where a check does not hold; nothing was written."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True)
class Gradient:
    """What becomes of a leaf's ``.grad`` after a step.

    Attributes
    ----------
    leaf : Tensor
    present : bool
        Whether there is one.
    output : int or None
        The output of the program that holds it, where gradients are kept.
    """

    leaf: Tensor
    present: bool
    output: int | None


@dataclass(frozen=True, eq=False)
class Carried:
    """The part of a step that gradients go through from outside, as a Program of its own.

    Attributes
    ----------
    body : Program
        Without captures and writes. Outputs: results that a gradient goes through.
    operands : tuple of (str, object)
        Where its inputs are: "array" and "scalar" with their number among the step's arguments and
        scalars, "grad" with the leaf whose ``.grad`` it is, "tensor" with a tensor that the step closes
        over, "copy" with one that it writes, whose values before the step count.
    asked : tuple of int
        Inputs that a gradient goes on to.
    """

    body: Program[Any]
    operands: tuple[tuple[str, Any], ...]
    asked: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Captured:
    """A step as a Program, and what is to be done around a run of it.

    Attributes
    ----------
    program : Program
        Inputs: the array arguments, the gradients that the step reads, computed tensors that it
        closes over, then scalars (weak), in order. Captures: every leaf that is read or written. Outputs: the step's, gradients to keep,
        conditions to count, then a boolean of shape () for each check. Writes: pairs of a captured
        leaf and its new value.
    arguments : int
        How many of ``program.inputs`` are arrays.
    scalars : tuple of callable
        Where the values of the scalar inputs come from, read at every call.
    increments : tuple of float
        By how much each scalar grows from one step to the next.
    checks : tuple of callable
        For each check what a runner raises where it is False: then nothing is written.
    effects : tuple of callable
        Told how many steps were made.
    counts : tuple of callable
        Told in how many steps a condition held, and of how many; in the order of their outputs.
    gradients : tuple of Gradient
    reads : tuple of (leaf, bool)
        Leaves whose ``.grad`` the step reads, and whether it was there; those are inputs, too.
    results : tuple
        What the step returned, flat: the number of an output as an int, anything else in a Literal.
    structure : tree
        Nesting of the results.
    numbers : list of float
        Where the values of float arguments are put before a run.
    serial : bool
        Whether the effects of one step must be done before the next begins.
    computed : tuple of Tensor
        Computed tensors that the step closes over: read as they are, like arguments.
    carried : Carried or None
        Where gradients go through the step from outside.
    ways : tuple
        For each result how it is handed out. An int: as that output of ``carried``. "spent": as what
        requires a gradient, and has none any more, since the step took its own. "leaf": as a leaf that
        requires one. None: without.
    """

    program: Program[Any]
    arguments: int
    scalars: tuple[Callable[[], float], ...]
    increments: tuple[float, ...]
    checks: tuple[Callable[[], Exception], ...]
    effects: tuple[Callable[[int], None], ...]
    counts: tuple[Callable[[int, int], None], ...]
    gradients: tuple[Gradient, ...]
    reads: tuple[tuple[Tensor, bool], ...]
    results: tuple[Any, ...]
    structure: Any
    numbers: list[float]
    serial: bool
    computed: tuple[Tensor, ...]
    carried: Carried | None
    ways: tuple[Any, ...]
    _errors: tuple[tuple[Callable[..., Exception], Program[Any]], ...]

    def error(self, number: int, arguments: Sequence[Any], scalars: Sequence[float]) -> Exception:
        """The error of a check that failed for these inputs: made by the values it was given."""
        make, program = self._errors[number]
        with np.errstate(all="ignore"):
            return make(*program(*arguments, *scalars))

    def held(self, found: Sequence[Any]) -> list[tuple[Callable[[int, int], None], int]]:
        """Who is to be told of a condition, and in how many steps it held, from the outputs."""
        start = len(self.program.outputs) - len(self.checks) - len(self.counts)
        values = found[start : start + len(self.counts)]
        return [(told, int(np.sum(v))) for told, v in zip(self.counts, values, strict=True)]

    @functools.cached_property
    def identity(self) -> Any:
        """What two captured steps have in common that the same runner can run."""
        return _identity(self)


def whole(body: Program[Any]) -> tuple[Captured, list[int], list[int]]:
    """A Program without captures as what a backend takes; which inputs are arrays, and which scalars."""
    arrays = [k for k, v in enumerate(body.inputs) if not v.weak]
    scalars = [k for k, v in enumerate(body.inputs) if v.weak]
    inputs = tuple([body.inputs[k] for k in (*arrays, *scalars)])
    program: Program[Any] = Program(body.name, inputs, (), body.applications, body.outputs, None)
    captured = Captured(
        program=program, arguments=len(arrays), scalars=tuple([float] * len(scalars)),
        increments=(0.0,) * len(scalars), checks=(), effects=(), counts=(), gradients=(), reads=(),
        results=tuple(range(len(body.outputs))), structure=None, numbers=[], serial=False, computed=(),
        carried=None, ways=(), _errors=(),
    )  # fmt: skip
    return captured, arrays, scalars


def _identity(captured: Captured) -> Any:
    """A tuple that is equal for steps that compute the same from the same memory."""
    program = captured.program

    def atom(o: Any) -> Any:
        if isinstance(o, Var):
            return o.number
        value = o.value
        return (type(value).__name__, repr(value))

    def held(t: Tensor) -> Any:
        data = t._value
        made_inside = t._context.capture is not None
        if made_inside:  # a constant: a number by its value, an array by the memory that is read
            return repr(data) if isinstance(data, np.generic) else id(data)
        return id(t)

    return (
        tuple((v.number, v.shape, v.dtype, v.weak) for v in program.inputs),
        tuple((v.number, v.shape, v.dtype, held(t)) for v, t in program.captures),
        tuple(
            (
                step.primitive.name,
                tuple(map(atom, step.operands)),
                tuple((k, _param(v)) for k, v in sorted(step.params.items())),
                step.result.number,
            )
            for step in program.applications
        ),
        tuple(map(atom, program.outputs)),
        tuple((target.number, atom(value)) for target, value in program.writes),
        captured.arguments,
        captured.increments,
        len(captured.checks),
    )


def identity_of(body: Program[Any]) -> Any:
    """A tuple that is equal for programs without captures that compute the same."""
    return _param(body)


def _param(value: Any) -> Any:
    if isinstance(value, Program):
        steps = tuple(
            (s.primitive.name, repr(s.operands), tuple((k, _param(v)) for k, v in s.params.items()))
            for s in value.applications
        )
        return (
            repr(value.inputs),
            steps,
            repr(value.outputs),
            tuple(id(t) for _, t in value.captures),
        )
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, tuple):
        return tuple(map(_param, value))
    return repr(value)
