"""vmap: a function of one element as a function of many, by a rule for each kind of primitive.

The function is run once, on arrays of one element's shape without values. Its steps are then taken
again with one more axis in front of all that depends on a mapped argument. These are ordinary
primitives: derivatives, programs, drawings and proofs need nothing new.

=============  ===================================================================================
kind           with an axis in front
=============  ===================================================================================
Elementwise    itself, with axes of size 1 so that broadcasting finds the same partners
View           itself, with ``axis``, ``axes``, ``shape`` and ``index`` moved on by one
Reduce, Scan   itself, with ``axis`` moved on by one
Contract       one matrix product where the other operand has no such axis; einsum gets a letter
Gather         itself, with one more index array or slice in front
Loop, Call     the same over the body with an axis in front (`scan`, `compiled`)
Opaque         itself, where LAPACK's batches are leading axes
others         row by row: Random, ``solve_sylvester``, what users declare of other kinds
=============  ===================================================================================
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...abstract import Abstract
from ...arrays import as_array
from ...context import CONTEXT
from ...errors import ConfigError, ShapeError
from ...graph import NUMBERS, operands_of
from ...shelves import ARRAYS, TENSORS, Shelf
from ...tensors import Tensor, leaf, tensor
from ...trees import flatten, map_tree, unflatten
from ..recording import Dependents, run_blind, title_of
from .rules import Value, batch, spread

__all__ = ["evaluate", "vmap"]


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """A function that applies ``function`` to every element along an axis of its arguments, at once.

    Parameters
    ----------
    function : callable
        Of arrays and nested lists, tuples and dicts of them, to the same. It sees arrays without
        the mapped axis.
    in_axes : int, None, or a tuple or list with an entry for each positional argument
        The axis that is mapped, None for an argument that is the same for every element. An entry
        for a nested argument is one for all of it, or a nesting of entries. Keyword arguments are
        mapped along axis 0.
    out_axes : int, or a nesting of ints like the result's
        Where the mapped axis stands in the results. None: a result that is the same for every
        element, handed out once.

    Returns
    -------
    callable
        Takes the arguments with the mapped axis and returns Tensors with it. It may be nested, with
        itself and with `grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`, `scan` and `trace`.

    Raises
    ------
    ShapeError
        If an argument does not have the axis, or the mapped sizes differ.
    ConfigError
        If ``in_axes`` or ``out_axes`` do not fit, nothing is mapped, or the function assigns values
        that differ along the axis.
    CaptureError
        If the function asks a mapped array for its values (``if x > 0``, ``x.item()``).

    Notes
    -----
    Signature and meaning are JAX's. Where we differ: what the function assigns to a leaf is assigned
    once, if it does not depend on mapped arguments. Random bits of an unmapped key and counter are
    the same for every element, so a dropout layer has one mask for all; with mapped keys they are
    drawn row by row. Primitives without a rule for batches are run row by row, with the same result.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> dot = lambda a, b: ag.sum(a * b)
    >>> ag.vmap(dot, in_axes=(0, None))(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
    Tensor([21., 43.])
    >>> ag.vmap(ag.grad(lambda x: x**3))(np.array([1.0, 2.0]))
    Tensor([ 3., 12.])
    """
    if not callable(function):
        raise ConfigError(
            "vmap", f"expected a function; received {type(function).__name__}. Write ag.vmap(f)(x)."
        )
    title = title_of(function)

    @functools.wraps(function, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_axes, (tuple, list)):
            if len(in_axes) != len(args):
                raise ConfigError(
                    f"vmap of {title}",
                    f"in_axes has {len(in_axes)} entries. Expected one for each of the "
                    f"{len(args)} positional arguments; pass the others by keyword or close over them.",
                )
            wanted = [_axes(title, "in_axes", a, b) for a, b in zip(in_axes, args, strict=True)]
        else:
            wanted = [_axes(title, "in_axes", in_axes, a) for a in args]
        axes = [a for part in wanted for a in part] + [0] * len(flatten(kwargs)[0])
        leaves, structure = flatten((args, kwargs))
        # None is an argument that was left out.
        axes = [None if x is None else a for x, a in zip(leaves, axes, strict=True)]
        size, batches, arguments, inputs = _mapped_leaves(title, leaves, axes)
        blind_args, blind_kwargs = unflatten(structure, arguments)
        result, written, since = run_blind("vmap", function, blind_args, blind_kwargs)
        outputs, nesting = flatten(result)
        places = _axes(title, "out_axes", out_axes, result)
        batched_values = _evaluated(
            inputs, batches, [*outputs, *(v for _, v in written)], since, size
        )
        for (target, _), (value, batched) in zip(
            written, batched_values[len(outputs) :], strict=True
        ):
            if batched:
                name = f" {target.name!r}" if target.name else ""
                raise ConfigError(
                    f"vmap of {title}",
                    "the function assigned a value that differs along the mapped axis "
                    f"to the leaf{name} of shape {target.shape}. Expected one value for all; return it "
                    "instead, and assign outside.",
                )
            target.assign(value)
        parts = [
            _placed(title, value, axis, size)
            for value, axis in zip(batched_values[: len(outputs)], places, strict=True)
        ]
        return unflatten(nesting, parts)

    return mapped


def _axes(title: str, option: str, axes: Any, tree: Any) -> list[Any]:
    """An entry for every leaf of ``tree`` from a prefix of its nesting."""
    if axes is None or (isinstance(axes, (int, np.integer)) and not isinstance(axes, bool)):
        return [axes] * len(flatten(tree)[0])
    if isinstance(axes, dict) and isinstance(tree, dict) and axes.keys() == tree.keys():
        return [a for k in tree for a in _axes(title, option, axes[k], tree[k])]
    if (
        isinstance(axes, (tuple, list))
        and isinstance(tree, (tuple, list))
        and len(axes) == len(tree)
    ):
        return [a for x, t in zip(axes, tree, strict=True) for a in _axes(title, option, x, t)]
    shown = map_tree(lambda _: 0, tree)
    raise ConfigError(
        f"vmap of {title}",
        f"{option} {axes!r:.60} does not fit. Expected an int, None, or a nesting of them "
        f"such as {shown!r:.60}.",
    )


def _mapped_leaves(
    title: str, leaves: list[Any], axes: list[Any]
) -> tuple[Any, list[Any], list[Any], list[Tensor]]:
    """The mapped size; mapped leaves with the axis in front; what the function gets; its inputs."""
    size: Any = None
    first = ""
    batches, arguments, inputs = [], [], []
    for k, (x, axis) in enumerate(zip(leaves, axes, strict=True)):
        if axis is None:
            arguments.append(tensor(x) if isinstance(x, (Abstract, np.ndarray)) else x)
            continue
        t = leaf(x) if isinstance(x, Abstract) else x
        if type(t) is not Tensor:
            t = as_array(f"vmap of {title}", t)
        shape = tuple(t.shape)
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(
                f"vmap of {title}",
                f"argument leaf {k} has shape {shape}, without an axis {axis}. Expected an "
                "array with the mapped axis (a list is a nesting: pass np.asarray of it), or None in "
                "in_axes for what is the same for every element.",
            )
        axis = axis % len(shape)
        n = shape[axis]
        here = f"argument leaf {k} of shape {shape} has {n} on axis {axis}"
        if size is None:
            size, first = n, here
        elif n != size:
            raise ShapeError(
                f"vmap of {title}",
                f"the mapped sizes differ: {first}, {here}. Expected one size; give the "
                "axes by in_axes, and None for what is not mapped.",
            )
        if axis:
            order = (axis, *(i for i in range(len(shape)) if i != axis))
            t = (TENSORS if type(t) is Tensor else ARRAYS).transpose(t, axes=order)
        batches.append(t)
        inputs.append(leaf(Abstract((*shape[:axis], *shape[axis + 1 :]), t.dtype)))
        if type(x) is Tensor:
            inputs[-1].name, inputs[-1].role = x.name, x.role
        arguments.append(inputs[-1])
    if size is None:
        raise ConfigError(
            f"vmap of {title}",
            "nothing is mapped. Expected an argument with an axis that is not None in in_axes; "
            "call the function itself.",
        )
    return size, batches, arguments, inputs


def _evaluated(
    inputs: list[Tensor], batches: list[Any], outputs: list[Any], since: int, size: Any
) -> list[Value]:
    """The outputs for batches of the inputs: on plain arrays, unless something is to be recorded."""
    steps = Dependents(inputs, outputs, since)
    context = CONTEXT.get()
    handed = [o for o in outputs if type(o) is Tensor and o not in steps]
    read = [steps.outside(t) for t in (*batches, *steps.read, *handed) if type(t) is Tensor]
    watched = (
        not context.plain
        or any(t._op.random for t in steps.steps)
        or any(type(t._value) is Abstract for t in read)
        or (context.recording and any(t.requires_grad or t._op is not None for t in read))
    )
    if not watched:
        arrays = [t._value if type(t) is Tensor else t for t in batches]
        try:
            evaluated = evaluate(steps, ARRAYS, inputs, arrays, outputs, size)
        except Exception:  # noqa: BLE001 - what follows meets it again and explains it
            pass
        else:
            return [(leaf(_own(v, arrays)) if f else v, f) for v, f in evaluated]
    tensors = [t if type(t) is Tensor else leaf(np.array(t)) for t in batches]
    return evaluate(steps, TENSORS, inputs, tensors, outputs, size)


def _own(value: Any, given: list[Any]) -> Any:
    """A result in memory of its own."""
    if isinstance(value, np.ndarray) and (value.base is not None or any(value is a for a in given)):
        return value.copy()
    return value


def _placed(title: str, value: Value, axis: Any, size: Any) -> Any:
    """A result with the mapped axis where ``out_axes`` has it."""
    t, batched = value
    if t is None:
        return None
    if axis is None:
        if batched:
            raise ConfigError(
                f"vmap of {title}",
                f"out_axes is None for a result of shape {t.shape[1:]} that depends on mapped "
                "arguments. Expected an int there.",
            )
        return t
    if not batched:
        t = spread(TENSORS, t if type(t) is Tensor else leaf(np.array(as_array("vmap", t))), size)
    rank = len(t.shape)
    if not -rank <= axis < rank:
        raise ConfigError(
            f"vmap of {title}",
            f"out_axes {axis} is out of range for a result of {rank} dimensions, the mapped "
            f"one included. Expected -{rank} to {rank - 1}.",
        )
    if axis % rank:
        order = list(range(1, rank))
        order.insert(axis % rank, 0)
        t = TENSORS.transpose(t, axes=tuple(order))
    return t


# --- the evaluator ------------------------------------------------------------------------------


def evaluate(
    steps: Dependents,
    xp: Shelf,
    inputs: Sequence[Tensor],
    batches: Sequence[Any],
    outputs: Sequence[Any],
    size: Any,
) -> list[Value]:
    """Take recorded steps again on batches of their inputs.

    Parameters
    ----------
    xp : Shelf
        ARRAYS computes arrays; TENSORS records.
    inputs, batches : sequences of Tensor, of values with the mapped axis in front
    outputs : sequence
        Tensors; anything else is handed out as it is.
    size : int or Dim
        Of the mapped axis.

    Returns
    -------
    list of (value, bool)
        The outputs, and whether they have the mapped axis.
    """
    arrays = xp is ARRAYS
    values: dict[int, Value] = {id(t): (b, True) for t, b in zip(inputs, batches, strict=True)}
    last: dict[int, int] = {}
    for k, t in enumerate(steps.steps):
        last.update({id(a): k for a in operands_of(t) or ()})
    for o in outputs:
        last.pop(id(o), None)
    dying: dict[int, list[int]] = {}
    for key, k in last.items():
        dying.setdefault(k, []).append(key)

    def value(a: Any) -> Value:
        if id(a) in values:
            return values[id(a)]
        if type(a) in NUMBERS:
            return a, False
        a = steps.outside(a)
        data = a._value
        return (data if arrays else a), ((False,) * len(data) if type(data) is tuple else False)

    outer = CONTEXT.get()
    renumbered: dict[Any, Any] = {}
    entered: Any = None
    token = CONTEXT.set(outer)
    try:
        for k, t in enumerate(steps.steps):
            operands = [value(a) for a in operands_of(t) or ()]
            p = t._op
            if not arrays and t._context is not entered:
                entered = t._context
                phase = renumbered.get(entered.phase, entered.phase)
                recording = outer.recording and entered.recording  # as by no_grad inside
                CONTEXT.set(outer.replace(scope=entered.scope, phase=phase, recording=recording))
            if p.same and not p.stops:
                pair = operands[0]
            elif p.picks:
                (parts, flags), index = operands[0], t._params["index"]
                pair = parts[index], flags[index]
            else:
                pair = batch(xp, p, operands, t._params, size)
            values[id(t)] = pair
            made = pair[0]
            if not arrays and type(made) is Tensor:
                renumbered[t._seq] = made._seq
                if (t.name or t.role) and made.name is None and made.role is None:
                    made.name, made.role = t.name, t.role
            for key in dying.get(k, ()):
                values.pop(key, None)
    finally:
        CONTEXT.reset(token)
    return [value(o) if type(o) is Tensor else (o, False) for o in outputs]
