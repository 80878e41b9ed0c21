"""What `draw_graph` was given, as a Program, with all that is known of what the Program stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import ConfigError, GraphError
from autograd_core.modes import mode
from autograd_core.program import Program, Var
from autograd_core.trees import flatten

__all__ = ["Source", "source_of"]

MOST = 200_000  # operations that are read in the seconds that anybody waits for a picture


@dataclass(slots=True)
class Source:
    """A Program together with what it stands for.

    Attributes
    ----------
    program : Program
    title : str
    arrays : list of array or None
        Values of the inputs, where known.
    leaves : dict of Var to Tensor
        The tensor behind a captured variable (its ``.grad`` can be shown).
    gradients : dict of Var to Var
        Which output is the gradient of which leaf or input.
    cotangents : dict of Var to Var
        Which input is the cotangent of which output.
    """

    program: Program[Any]
    title: str
    arrays: list[Any] | None = None
    leaves: dict[Var, ag.Tensor] = field(default_factory=dict)
    gradients: dict[Var, Var] = field(default_factory=dict)
    cotangents: dict[Var, Var] = field(default_factory=dict)

    @property
    def has_backward(self) -> bool:
        """Whether some step belongs to a backward."""
        return any(step.backward for step in self.program)


def source_of(subject: Any, inputs: tuple[Any, ...], training: bool | None) -> Source:
    """The Program of a model, a loss or a Program, with what is known of its inputs.

    Raises
    ------
    ConfigError
        If the subject cannot be drawn, or needs inputs.
    GraphError
        If a loss was not recorded or was freed, or the Program has more than 200,000 operations.
    """
    source = _source(subject, inputs, training)
    count = len(source.program.applications)
    if count > MOST:
        raise GraphError(
            "draw_graph",
            f"the program has {count:,} operations. Expected {MOST:,} at most. Draw a part of it: "
            "ag.trace of one of its functions.",
        )
    return source


def _source(subject: Any, inputs: tuple[Any, ...], training: bool | None) -> Source:
    if isinstance(subject, ag.Program):
        arrays = _arrays(inputs) if inputs or not subject.inputs else None
        return Source(subject, subject.name, arrays)
    if isinstance(subject, ag.Tensor):
        if inputs:
            raise ConfigError(
                "draw_graph",
                "a recorded tensor is drawn by itself. Expected no inputs beside it; "
                f"received {len(inputs)}.",
            )
        program = ag.introspect.program(subject, name=subject.name or "graph", limit=MOST)
        return Source(program, subject.name or subject.role or "recorded graph", [])
    if not callable(subject):
        raise ConfigError(
            "draw_graph",
            "expected a model or another callable with its inputs, a Tensor with a "
            f"history, or a Program; received {type(subject).__name__}.",
        )
    if not inputs:
        raise ConfigError(
            "draw_graph",
            f"{type(subject).__name__} needs inputs to be traced on. Expected "
            "draw_graph(model, x), with a batch x of the shape that the model takes.",
        )
    with mode(subject, training):
        program = ag.trace(subject)(*inputs)
    return Source(program, program.name, _arrays(inputs))


def _arrays(inputs: tuple[Any, ...]) -> list[Any] | None:
    """The values of what a trace turns into inputs; None if one of them is a mere shape."""
    arrays = []
    for value in flatten(inputs)[0]:
        if isinstance(value, ag.Abstract):
            return None
        if isinstance(value, (ag.Tensor, np.ndarray, np.generic)) or type(value) is float:
            arrays.append(value)
    return arrays
