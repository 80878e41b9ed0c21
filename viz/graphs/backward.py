"""The backward part of a forward Program, for drawing: both in one Program, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import GraphError
from autograd_core.program import Program, Var

from .source import Source

__all__ = ["with_backward"]


def with_backward(source: Source) -> Source:
    """The same, with the gradients of the outputs by parameters and float inputs as outputs too.

    The cotangent of the output is an input called "cotangent"; its value is 1.

    Raises
    ------
    GraphError
        If nothing in the Program can be differentiated by.
    """
    if source.has_backward:
        return source
    program = source.program
    wrt = [v for v, t in program.captures if t.requires_grad]
    variables = [*program.inputs, *wrt]
    floats = [k for k, v in enumerate(variables) if v.dtype.kind == "f" and not v.weak]
    outputs = [o for o in program.outputs if isinstance(o, Var) and o.dtype.kind == "f"]
    if not floats or not outputs:
        raise GraphError(
            "draw_graph",
            f"{source.title} has no backward to draw. Expected a float output that "
            'depends on parameters or float inputs. Draw it with view="forward".',
        )
    open_program: Program[Any] = Program(
        program.name,
        tuple(variables),
        tuple((v, t) for v, t in program.captures if not t.requires_grad),
        program.applications,
        tuple(outputs),
        [None] * len(outputs),
    )
    function = open_program.as_function()

    def both(arguments: list[Any], cotangents: list[Any]) -> Any:
        def of_floats(*values: Any) -> Any:
            operands = list(arguments)
            for k, value in zip(floats, values, strict=True):
                operands[k] = value
            return function(*operands)

        result, pull = ag.vjp(of_floats, *(arguments[k] for k in floats), unreachable="zero")
        return list(result), list(pull(cotangents))

    traced = ag.trace(both, name=program.name)(
        [ag.Abstract(v.shape, v.dtype, v.weak) for v in variables],
        [ag.Abstract(o.shape, o.dtype) for o in outputs],
    )
    tensors = dict(program.captures)
    leaves = dict(traced.captures)
    many = len(program.inputs)
    for k, (new, old) in enumerate(zip(traced.inputs, variables, strict=False)):
        unnamed = None if k >= many else "input" if many == 1 else f"input {k + 1}"
        new.name, new.role = old.name or unnamed, old.role
        if old in tensors:
            leaves[new] = tensors[old]
    cotangents = {}
    for new, output in zip(traced.inputs[len(variables) :], traced.outputs, strict=False):
        new.name, new.role = "cotangent", "input"
        if isinstance(output, Var):
            cotangents[new] = output
    gradients = {}
    for k, gradient in zip(floats, traced.outputs[len(outputs) :], strict=True):
        if isinstance(gradient, Var):
            gradients[gradient] = traced.inputs[k]
    arrays = None
    if source.arrays is not None:
        ones = [np.ones(o.shape, o.dtype) for o in outputs]
        arrays = [*source.arrays, *(tensors[v].numpy() for v in wrt), *ones]
    return Source(traced, source.title, arrays, leaves, gradients, cotangents)
