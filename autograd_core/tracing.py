"""Recording: from functions and live graphs to Programs, without computing and without effect."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .abstract import Abstract
from .arrays import as_array
from .context import unveiled, within
from .effects import Capture
from .errors import ConfigError
from .graph import history, operands_of
from .kinds import Call
from .primitives import REGISTRY
from .program import Application, Atom, Literal, Program, Var
from .tensors import Tensor, leaf
from .trees import flatten, unflatten

__all__ = ["build", "names", "trace"]


def build(
    name: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[Any],
    structure: Any,
    writes: Sequence[tuple[Tensor, Tensor]] = (),
) -> Program[Any]:
    """The Program that computes ``outputs`` (and ``writes``) from ``inputs``, from their graph.

    Parameters
    ----------
    inputs : sequence of Tensor
        Become the inputs, in order; nothing behind them is looked at.
    outputs : sequence of Tensor or number
    structure : tree
        Nesting of the outputs.
    writes : sequence of (leaf, value)

    Notes
    -----
    What was computed under `no_grad` and read outside of it goes through a ``stop_gradient``: a
    program may be differentiated, and says itself where that ends.

    Raises
    ------
    GraphError
        If part of the graph was freed.
    """
    roots = [o for o in outputs if type(o) is Tensor] + [v for _, v in writes]
    ends = {id(t): None for t in inputs}
    nodes = history(roots, False, ends)
    applications: list[Application] = []
    variables: dict[int, Any] = {}
    made: dict[int, Var] = {}
    flows: set[Var] = set()  # what a gradient may be asked of
    stopped: dict[Var, Var] = {}
    written: dict[int, list[Any]] = {}  # outputs of programs that were taken as a whole
    number = itertools.count()

    def declare(t: Tensor) -> Var:
        var = variables[id(t)] = Var(next(number), t._value, t.name, t.role)
        if var.dtype.kind == "f" and (t._op is None or id(t) in ends):
            flows.add(var)
        return var

    def source(t: Tensor) -> tuple[Tensor, bool]:
        """The tensor that stands for one, and whether that was computed without recording."""
        silent = False
        while t._op is not None and id(t) not in ends:
            silent = silent or not t._context.recording
            if not t._op.same or t._op.stops:
                break
            (t,) = operands_of(t)  # type: ignore[misc]
        return t, silent

    input_vars = tuple(declare(t) for t in inputs)
    captured = [(declare(t), t) for t in nodes if t._op is None and id(t) not in variables]
    for target, _ in writes:
        if id(target) not in variables:
            captured.append((declare(target), target))

    def atom(value: Any, recording: bool) -> Atom:
        if type(value) is not Tensor:
            return Literal(value)
        t, silent = source(value)
        var = variables[id(t)]  # a number, where a program that was taken as a whole was given one
        if not (recording and silent and var in flows):
            return var
        if var not in stopped:  # as there, no gradient goes on where the program is differentiated
            data = Abstract(var.shape, var.dtype, var.weak)
            after = stopped[var] = Var(next(number), data, var.name, var.role)
            stop, scope = REGISTRY["stop_gradient"], t._context.scope
            applications.append(Application(stop, (var,), {}, after, scope))
        return stopped[var]

    def write_out(t: Tensor, operands: tuple[Atom, ...]) -> list[Any]:
        """The steps of a Program that was taken as a whole; its outputs."""
        body = t._params["body"]
        values: dict[Any, Any] = dict(zip(body.inputs, operands, strict=True))
        context = t._context
        phase = made.get(context.phase) if context.phase is not None else None
        for step in body.applications:
            old = step.result
            data = old.parts or Abstract(old.shape, old.dtype, old.weak)
            new = values[old] = Var(next(number), data, old.name, old.role)
            arguments = tuple([o if isinstance(o, Literal) else values[o] for o in step.operands])
            if (
                step.primitive.differentiable
                and new.dtype.kind == "f"
                and not flows.isdisjoint(arguments)
            ):
                flows.add(new)
            of = values.get(step.phase, phase)
            backward = step.backward or context.phase is not None
            scope = (*context.scope, *step.scope)
            applications.append(
                Application(
                    step.primitive, arguments, step.params, new, scope, of, t._line, backward
                )
            )
        return [values[o] for o in body.outputs]

    for t in nodes:
        if t._op is None or id(t) in variables or (t._op.same and not t._op.stops):
            continue
        context = t._context
        behind = operands_of(t) or ()
        if t._op.picks and id(behind[0]) in written:
            variables[id(t)] = written[id(behind[0])][t._params["index"]]
            continue
        operands = tuple([atom(a, context.recording) for a in behind])
        if type(t._op.kind) is Call:
            written[id(t)] = write_out(t, operands)
            continue
        result = declare(t)
        if t._op.differentiable and result.dtype.kind == "f" and not flows.isdisjoint(operands):
            flows.add(result)
        made[t._seq] = result
        phase = made.get(context.phase) if context.phase is not None else None
        applications.append(
            Application(
                t._op,
                operands,
                t._params,
                result,
                context.scope,
                phase,
                t._line,
                context.phase is not None,
            )
        )
    atoms = tuple([atom(o, True) for o in outputs])
    return Program(
        name,
        input_vars,
        tuple(captured),
        tuple(applications),
        atoms,
        structure,
        tuple((variables[id(target)], atom(value, False)) for target, value in writes),
    )


def trace(function: Callable[..., Any], name: str | None = None) -> Callable[..., Program[Any]]:
    """Record what a function does to its arguments, without computing and without effect.

    Parameters
    ----------
    function : callable
        Of tensors, arrays and nested lists, tuples and dicts of them, to the same. It may use
        `grad` and its kin, and call modules; what it assigns goes to the program's ``writes``.
    name : str, optional
        Default: the function's own.

    Returns
    -------
    callable
        Takes arguments like the function's and returns a Program. Arrays and Tensors (or
        `Abstract`, for a shape alone, sizes symbolic or not) become inputs, Python floats become
        number inputs; everything else (ints, bools, strings, None) is passed on as it is. Numbers
        that a step of an optimizer reads (learning rate, count of steps) are further inputs, at the
        end.

    Raises
    ------
    CaptureError
        If the function asks a traced array for its values (``if x > 0``, ``float(x)``).

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> print(ag.trace(lambda w: ag.sum(ag.exp(w)), "f")(np.ones(3)))
    program f(a: float64[3] ‹w›)
      forward
        b  float64[3]  = exp a
        c  float64[]   = sum b axis=(0,)
      return c
    """
    title = str(name or getattr(function, "__name__", type(function).__name__)).strip("<>")

    def record(*args: Any, **kwargs: Any) -> Program[Any]:
        leaves, structure = flatten((args, kwargs))
        labels = names(function, args, kwargs)
        inputs: list[Tensor] = []
        stand_ins: list[Any] = []
        for value, label in zip(leaves, labels, strict=True):
            data = _described(title, value)
            if data is None:
                stand_ins.append(value)
                continue
            t = leaf(data, False, label, "input" if label else None)
            inputs.append(t)
            stand_ins.append(t)
        abstract_args, abstract_kwargs = unflatten(structure, stand_ins)
        capture = Capture()
        outside = {
            "capture": capture,
            "recording": True,
            "transform": True,
            "scope": (),
            "phase": None,
        }
        with within(**outside), unveiled():
            result = function(*abstract_args, **abstract_kwargs)
        outputs, nesting = flatten(result)
        for o in outputs:
            if type(o) is not Tensor and not isinstance(o, (int, float, np.ndarray, np.generic)):
                raise ConfigError(
                    f"trace of {title}",
                    f"the function returned {type(o).__name__}. Expected tensors, or "
                    "nested lists, tuples and dicts of them.",
                )
        outputs = [
            leaf(np.asarray(o)) if isinstance(o, (np.ndarray, np.generic)) else o for o in outputs
        ]
        writes = list(capture.writes.values())
        roots = [o for o in outputs if type(o) is Tensor] + [value for _, value in writes]
        read = {id(t) for t in history(roots, False)}
        inputs += [t for t, _, _ in capture.scalars if id(t) in read]
        return build(title, inputs, outputs, nesting, writes)

    return record


def _described(operation: str, value: Any) -> Abstract | None:
    """An argument as an Abstract, or None where it is passed on as it is."""
    if isinstance(value, Abstract):
        return value
    if type(value) is Tensor:
        return Abstract(
            value.shape, value.dtype, isinstance(value._value, Abstract) and value._value.weak
        )
    if isinstance(value, (np.ndarray, np.generic)):
        array = as_array(operation, value)
        return Abstract(array.shape, array.dtype)
    if type(value) is float:
        return Abstract((), np.float64, weak=True)
    return None


def names(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str | None]:
    """A label for each leaf of the arguments: its parameter's name where it is a bare array."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    names: list[str | None] = []
    for i, a in enumerate(args):
        count = len(flatten(a)[0])
        label = positional[i] if i < len(positional) else None
        names += [label] * count
    for key, value in kwargs.items():
        names += [key] * len(flatten(value)[0])
    return names
