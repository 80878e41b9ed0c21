"""The one reverse walk, and what it needs to know of a graph.

Everything here is iterative and works on the tape alone: a node's primitive, ordered inputs,
params and data. Broadcasting is undone here and nowhere else.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .context import CONTEXT, within
from .errors import AnomalyError, GraphError, ShapeError
from .shapes import Dim, Shape
from .shelves import ARRAYS, TENSORS, Shelf

if TYPE_CHECKING:
    from .tensors import Tensor

__all__ = ["ZERO", "connected", "history", "own", "pullback", "seed_for", "stale", "sum_to"]


# What a node's inputs may be beside tensors.
NUMBERS = frozenset({bool, int, float, Dim})


class _Zero:
    """Marks an argument whose derivative is zero everywhere off its kinks (sign, step)."""

    def __repr__(self) -> str:
        return "ZERO"


ZERO = _Zero()


def where_made(node: Tensor) -> str:
    """The end of an error message: the operation's scope and, in anomaly mode, the user's line."""
    parts = []
    if node._context.scope:
        parts.append("in " + "/".join(node._context.scope))
    if node._line:
        parts.append("called from " + node._line)
    return ", ".join(parts)


def freed(node: Tensor) -> GraphError:
    """The error for a walk that meets a node without inputs."""
    return GraphError(
        f"backward: the graph through {node._op.name} was freed by an earlier backward. Expected a "
        "graph that is walked once. Pass retain_graph=True to the earlier backward, or compute the "
        "value again."
    )


def history(
    outputs: Iterable[Tensor], differentiable: bool, stop: dict[int, Any] | None = None
) -> list[Tensor]:
    """Every tensor that ``outputs`` were computed from, inputs before results.

    Parameters
    ----------
    differentiable : bool
        Follow only tensors that a gradient flows through.
    stop : mapping of id to anything, optional
        Tensors to include without looking behind them.
    """
    seen: set[int] = set()
    found: list[Tensor] = []
    stack = list(outputs)
    while stack:
        t = stack.pop()
        key = id(t)
        if key in seen or (differentiable and not t.requires_grad):
            continue
        seen.add(key)
        found.append(t)
        if t._op is None or (stop is not None and key in stop):
            continue
        if t._inputs is None:
            raise freed(t)
        stack.extend([a for a in t._inputs if type(a) not in NUMBERS])
    found.sort(key=_ORDER)
    return found


_ORDER = operator.attrgetter("_seq")


def connected(nodes: Sequence[Tensor], wanted: dict[int, Any]) -> set[int]:
    """Ids of those ``nodes`` (inputs before results) that some wanted tensor leads to."""
    useful = set(wanted)
    for t in nodes:
        if t._op is not None and id(t) not in useful and t._inputs is not None:
            for a in t._inputs:
                if id(a) in useful:
                    useful.add(id(t))
                    break
    return useful


def sum_to(xp: Shelf, g: Any, shape: Shape) -> Any:
    """Undo broadcasting: sum ``g`` over the axes that broadcasting to its shape had added."""
    lead = len(g.shape) - len(shape)
    if lead >= 0:
        axes = tuple(range(lead)) + tuple(
            i + lead for i, n in enumerate(shape) if n == 1 and g.shape[i + lead] != 1
        )
        if axes:
            g = xp.sum(g, axis=axes, keepdims=False)
        return g if g.shape == shape else xp.reshape(g, shape=shape)
    return xp.broadcast_to(xp.reshape(g, shape=(1,) * -lead + g.shape), shape=shape)


def pullback(
    outputs: Sequence[Tensor],
    seeds: Sequence[Any],
    xp: Shelf,
    nodes: Sequence[Tensor],
    wanted: dict[int, Tensor] | None = None,
    retain: bool = True,
) -> dict[int, Any]:
    """Walk the graph backwards from ``outputs`` with cotangents ``seeds``.

    Parameters
    ----------
    xp : Shelf
        ARRAYS computes cotangents as arrays; TENSORS records the walk itself.
    nodes : sequence of Tensor
        The differentiable `history` of the outputs, stopped at ``wanted``.
    wanted : mapping of id to Tensor, optional
        Tensors whose cotangents are asked for. Default: leaves, and tensors with ``retain_grad``.
    retain : bool
        Keep the graph; otherwise each node forgets its inputs once it is done.

    Returns
    -------
    dict of id to cotangent
        Of the wanted tensors that a cotangent reached.

    Raises
    ------
    GraphError
        If the graph was freed, or a leaf was written after it was recorded.
    """
    useful = None if wanted is None else connected(nodes, wanted)
    arrays = xp is ARRAYS
    context = CONTEXT.get()
    anomaly = context.anomaly
    found: dict[int, Any] = {}
    cotangents: dict[int, Any] = {}
    for output, seed in zip(outputs, seeds, strict=True):
        _add(cotangents, output, seed)
    for node in reversed(nodes):
        key = id(node)
        g = cotangents.pop(key, None)
        op = node._op
        if g is None:
            if not retain and op is not None:
                node._inputs = None
            continue
        if wanted is None:
            if op is None or node._grad is not None:
                found[key] = g
            if op is None:
                continue
        elif key in wanted:
            found[key] = g
            continue
        elif op is None:
            continue
        inputs = node._inputs
        if inputs is None:
            raise freed(node)
        if type(node._data) is tuple:
            g = _complete(node, g, xp)
        if arrays:
            y = node._data
            args: Any = [a if type(a) in NUMBERS else a._data for a in inputs]
        else:
            y, args = node, inputs
            token = CONTEXT.set(context.replace(phase=node._seq, scope=node._context.scope))
        try:
            for i, a in enumerate(inputs):
                if type(a) in NUMBERS:
                    continue
                # A rule reads the leaves beside the one that it differentiates by, too.
                if a._op is None and a._written > node._seq:
                    raise stale(node, a)
                if not a.requires_grad or (useful is not None and id(a) not in useful):
                    continue
                rule = op.rule(i)
                if rule is None or rule is ZERO:
                    continue
                if op.name == "pick":
                    _add(cotangents, a, (node._params["index"], g))
                    continue
                part = rule(xp, g, y, *args, **node._params)
                shape = a._data.shape if type(a._data) is not tuple else ()
                if part.shape != shape:
                    part = sum_to(xp, part, shape)
                if part.dtype != a._data.dtype:
                    part = part.astype(a._data.dtype)
                if anomaly and arrays and not np.isfinite(part).all():
                    raise _not_finite(node, i, "backward")
                _add(cotangents, a, part)
        finally:
            if not arrays:
                CONTEXT.reset(token)
        if not retain:
            node._inputs = None
    return found


def _add(cotangents: dict[int, Any], t: Tensor, part: Any) -> None:
    """Add one contribution; those to a tuple node are kept by the index of its output."""
    key = id(t)
    if type(t._data) is tuple:
        index, g = part
        parts = cotangents.setdefault(key, {})
        parts[index] = parts[index] + g if index in parts else g
    elif key in cotangents:
        cotangents[key] = cotangents[key] + part
    else:
        cotangents[key] = part


def _complete(node: Tensor, parts: dict[int, Any], xp: Shelf) -> tuple[Any, ...]:
    """Cotangents of all outputs of a tuple node, zero for those that nothing reached."""
    return tuple(
        parts[i] if i in parts else xp.broadcast_to(xp.cast(0, dtype=d.dtype), shape=d.shape)
        for i, d in enumerate(node._data)
    )


def stale(node: Tensor, written: Tensor) -> GraphError:
    """The error for a graph whose leaf has other values now."""
    name = f" {written.name!r}" if written.name else ""
    return GraphError(
        f"backward: the leaf{name} of shape {written.shape} was written after {node._op.name} "
        f"recorded it{', ' + where_made(node) if where_made(node) else ''}; what follows from it would be wrong. "
        "Call backward before the write (optimizer.step, assign, +=), or compute the value again."
    )


def _not_finite(node: Tensor, argument: int, direction: str) -> AnomalyError:
    made = where_made(node)
    return AnomalyError(
        f"{node._op.name}: the {direction} gave the first non-finite value (argument {argument})"
        f"{', ' + made if made else ''}. Expected finite numbers. Look at this operation's inputs: "
        "a logarithm or a division at 0, an overflow in exp."
    )


def seed_for(output: Tensor, gradient: Any, xp: Shelf, operation: str) -> Any:
    """The cotangent to start from: 1 for one element, or ``gradient`` in the output's dtype."""
    if xp is TENSORS:
        with within(phase=output._seq, scope=output._context.scope):
            return _seed(output, gradient, xp, operation)
    return _seed(output, gradient, xp, operation)


def _seed(output: Tensor, gradient: Any, xp: Shelf, operation: str) -> Any:
    shape, dtype = output.shape, output.dtype
    if gradient is None:
        if output.size != 1:
            raise ShapeError(
                f"{operation}: the tensor has shape {shape}, so there is no single gradient. Expected "
                f"a scalar; reduce it (t.sum(), t.mean()) or pass gradient=, of shape {shape}."
            )
        one = xp.cast(1, dtype=dtype)
        return one if shape == () else xp.broadcast_to(one, shape=shape)
    given = tuple(gradient.shape) if hasattr(gradient, "shape") else np.shape(gradient)
    if given != shape:
        raise ShapeError(
            f"{operation}: gradient has shape {given}. Expected the tensor's own shape, {shape}."
        )
    if xp is ARRAYS:
        values = gradient._data if hasattr(gradient, "_op") else gradient
        return np.array(values, dtype)
    return xp.cast(gradient, dtype=dtype)


def own(part: Any, given: set[int]) -> Any:
    """A leaf's gradient must have memory of its own: no view, not handed out twice."""
    if isinstance(part, np.ndarray):
        if part.base is not None or id(part) in given:
            return part.copy()
        given.add(id(part))
    return part
