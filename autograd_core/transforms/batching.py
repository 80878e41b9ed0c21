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
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..context import CONTEXT, Capture, within
from ..dtypes import floating
from ..errors import CaptureError, ConfigError, ShapeError
from ..graph import NUMBERS, operands_of
from ..kinds import Call, Elementwise, Loop, Reduce, Scan
from ..ops import concatenate
from ..ops.indexing import Pattern
from ..ops.views import Index
from ..primitives import Primitive, apply
from ..program import Application
from ..shapes import Dim, count
from ..shelves import ARRAYS, TENSORS, Shelf
from ..tensors import Tensor, as_array, leaf, tensor
from ..trees import flatten, map_tree, unflatten
from ..zeros import winning
from .calls import taken
from .loops import enclosed, looped
from .recording import Dependents, run_blind, title_of

__all__ = ["vmap"]

# A value, and whether its axis 0 is the mapped one. Of a primitive with several outputs: a tuple of
# each.
Value = tuple[Any, Any]
_WHOLE = ("slice", None, None, None)


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
        size, whole, given, inputs = _mapped_leaves(title, leaves, axes)
        blind_args, blind_kwargs = unflatten(structure, given)
        result, written, since = run_blind("vmap", function, blind_args, blind_kwargs)
        outputs, nesting = flatten(result)
        places = _axes(title, "out_axes", out_axes, result)
        found = _evaluated(inputs, whole, [*outputs, *(v for _, v in written)], since, size)
        for (target, _), (value, batched) in zip(written, found[len(outputs) :], strict=True):
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
            for value, axis in zip(found[: len(outputs)], places, strict=True)
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
    whole, given, inputs = [], [], []
    for k, (x, axis) in enumerate(zip(leaves, axes, strict=True)):
        if axis is None:
            given.append(tensor(x) if isinstance(x, (Abstract, np.ndarray)) else x)
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
        whole.append(t)
        inputs.append(leaf(Abstract((*shape[:axis], *shape[axis + 1 :]), t.dtype)))
        if type(x) is Tensor:
            inputs[-1].name, inputs[-1].role = x.name, x.role
        given.append(inputs[-1])
    if size is None:
        raise ConfigError(
            f"vmap of {title}",
            "nothing is mapped. Expected an argument with an axis that is not None in in_axes; "
            "call the function itself.",
        )
    return size, whole, given, inputs


def _evaluated(
    inputs: list[Tensor], whole: list[Any], outputs: list[Any], since: int, size: Any
) -> list[Value]:
    """The outputs for batches of the inputs: on plain arrays, unless something is to be recorded."""
    steps = Dependents(inputs, outputs, since)
    context = CONTEXT.get()
    handed = [o for o in outputs if type(o) is Tensor and o not in steps]
    read = [steps.outside(t) for t in (*whole, *steps.read, *handed) if type(t) is Tensor]
    watched = (
        not context.plain
        or any(t._op.random for t in steps.steps)
        or any(type(t._value) is Abstract for t in read)
        or (context.recording and any(t.requires_grad or t._op is not None for t in read))
    )
    if not watched:
        arrays = [t._value if type(t) is Tensor else t for t in whole]
        try:
            found = evaluate(steps, ARRAYS, inputs, arrays, outputs, size)
        except Exception:  # noqa: BLE001 - what follows meets it again and explains it
            pass
        else:
            return [(leaf(_own(v, arrays)) if f else v, f) for v, f in found]
    tensors = [t if type(t) is Tensor else leaf(np.array(t)) for t in whole]
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
                found = operands[0]
            elif p.picks:
                (whole, flags), index = operands[0], t._params["index"]
                found = whole[index], flags[index]
            else:
                found = batch(xp, p, operands, t._params, size)
            values[id(t)] = found
            made = found[0]
            if not arrays and type(made) is Tensor:
                renumbered[t._seq] = made._seq
                if (t.name or t.role) and made.name is None and made.role is None:
                    made.name, made.role = t.name, t.role
            for key in dying.get(k, ()):
                values.pop(key, None)
    finally:
        CONTEXT.reset(token)
    return [value(o) if type(o) is Tensor else (o, False) for o in outputs]


def batch(xp: Shelf, p: Primitive, operands: Sequence[Value], params: Any, size: Any) -> Value:
    """A primitive of operands of which some have the mapped axis in front."""
    values, flags = [v for v, _ in operands], [f for _, f in operands]
    if not any(flags):
        found = call(xp, p, values, params)
        return found, ((False,) * len(found) if type(found) is tuple else False)
    rule = _BY_NAME.get(p.name) or _BY_KIND.get(type(p.kind)) or _one_by_one
    found = rule(xp, p, values, flags, params, size)
    if type(p.kind) in (Call, Loop):
        return found
    return found, ((True,) * len(found) if type(found) is tuple else True)


def call(xp: Shelf, p: Primitive, operands: Sequence[Any], params: Any) -> Any:
    """A primitive by name on a shelf."""
    if xp is ARRAYS:
        return p.forward(*operands, **params)
    return apply(p, tuple(operands), params)


def spread(xp: Shelf, x: Any, size: Any) -> Any:
    """A value without the mapped axis, repeated along it."""
    return xp.broadcast_to(x, shape=(size, *x.shape))


# --- rules: (xp, p, values, whether each has the mapped axis, params, size) to the result ----------

_Rule = Callable[[Shelf, Primitive, list[Any], list[bool], Any, Any], Any]


def _rank(x: Any, batched: bool) -> int:
    return len(getattr(x, "shape", ())) - batched


def _aligned(xp: Shelf, x: Any, rank: int) -> Any:
    """A batch with axes of size 1 put in, so that without the mapped axis it has ``rank``."""
    shape = x.shape
    missing = rank + 1 - len(shape)
    return xp.reshape(x, shape=(shape[0], *(1,) * missing, *shape[1:])) if missing > 0 else x


def _all(xp: Shelf, xs: list[Any], flags: list[bool], size: Any) -> list[Any]:
    """All operands as batches."""
    return [x if f else spread(xp, x, size) for x, f in zip(xs, flags, strict=True)]


def _elementwise(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    rank = max(_rank(x, f) for x, f in zip(xs, flags, strict=True))
    return call(
        xp, p, [_aligned(xp, x, rank) if f else x for x, f in zip(xs, flags, strict=True)], params
    )


def _moved(params: Any, size: Any) -> Any:
    """Params of views, reductions, scans and gathers with an axis in front."""
    found = dict(params)
    if "axis" in found:
        axis = found["axis"]
        found["axis"] = tuple(a + 1 for a in axis) if isinstance(axis, tuple) else axis + 1
    if "axes" in found:
        found["axes"] = (0, *(a + 1 for a in found["axes"]))
    if "shape" in found:
        found["shape"] = (size, *found["shape"])
    if "index" in found:
        found["index"] = Index((_WHOLE, *found["index"].entries))
    return found


def _along(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    return call(xp, p, _all(xp, xs, flags, size), _moved(params, size))


def _broadcast_to(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    shape = params["shape"]
    return xp.broadcast_to(_aligned(xp, xs[0], len(shape)), shape=(size, *shape))


def _argmax(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    x, axes, keepdims = xs[0], params["axis"], params["keepdims"]
    if len(axes) == 1:
        return call(xp, p, xs, _moved(params, size))
    flat = xp.reshape(x, shape=(size, count(x.shape[1:])))  # the position is that in the flat array
    found = call(xp, p, [flat], {"axis": (1,), "keepdims": False})
    return xp.reshape(found, shape=(size, *(1,) * (len(x.shape) - 1))) if keepdims else found


def _merged(xp: Shelf, x: Any, product: Callable[[Any], Any]) -> Any:
    """One product of all rows ``x[..., :]``."""
    lead = x.shape[:-1]
    if len(lead) == 1:
        return product(x)
    y = product(xp.reshape(x, shape=(count(lead), x.shape[-1])))
    return xp.reshape(y, shape=(*lead, *y.shape[1:]))


def _matmul(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    (a, b), (fa, fb) = xs, flags
    xp = winning(xp, *(xs[i] for i in params.get("zeros", ())))
    ra, rb = _rank(a, fa), _rank(b, fb)
    if fa and not fb and rb <= 2:
        return _merged(xp, a, lambda rows: xp.matmul(rows, b))
    if fb and not fa and rb == 1 and ra <= 2:
        return xp.matmul(b, xp.transpose(a, axes=(1, 0)) if ra == 2 else a)
    if ra == rb == 1:
        return xp.einsum_(a, b, subscripts="bi,bi->b")
    # As matrices, with their batches aligned behind the mapped axis.
    if ra == 1:
        a = xp.reshape(a, shape=(*a.shape[:-1], 1, a.shape[-1]))
    if rb == 1:
        b = xp.reshape(b, shape=(*b.shape, 1))
    rank = max(ra, rb, 2)
    y = xp.matmul(_aligned(xp, a, rank) if fa else a, _aligned(xp, b, rank) if fb else b)
    shape = y.shape
    kept = (*shape[:-2], *(() if ra == 1 else shape[-2:-1]), *(() if rb == 1 else shape[-1:]))
    return y if kept == shape else xp.reshape(y, shape=kept)


def _affine(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    (x, weight, bias), (fx, fw, fb) = xs, flags
    if fx and not fw and not fb:
        return _merged(xp, x, lambda rows: xp.affine(rows, weight, bias))
    if fx or fw:
        y = _matmul(xp, p, [x, weight], [fx, fw], params, size)
    else:
        y = xp.matmul(x, weight)
    return y + (_aligned(xp, bias, _rank(x, fx)) if fb else bias)


def _einsum(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    subscripts = params["subscripts"]
    spare = next((c for c in string.ascii_letters if c not in subscripts), None)
    if spare is None:
        return _one_by_one(xp, p, xs, flags, params, size)
    left, _, result = subscripts.partition("->")
    terms = [spare + t if f else t for t, f in zip(left.split(","), flags, strict=True)]
    xp = winning(xp, *(xs[i] for i in params.get("zeros", ())))
    return xp.einsum_(*xs, subscripts=",".join(terms) + "->" + spare + result)


def _squared_distance(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    rank = max(_rank(x, f) for x, f in zip(xs, flags, strict=True))
    a, b = (_aligned(xp, x, rank) if f else x for x, f in zip(xs, flags, strict=True))
    if a.dtype.kind != "f" and b.dtype.kind != "f":
        a = xp.cast(a, dtype=floating(a.dtype))
    return xp.sum(xp.square(a - b), axis=tuple(range(1, rank + 1)), keepdims=False)


def _cross_entropy(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    logits, labels = _all(xp, xs, flags, size)
    rows, classes = logits.shape[1], logits.shape[2]
    flat = xp.reshape(logits, shape=(size * rows, classes))
    y = call(xp, p, [flat, xp.reshape(labels, shape=(size * rows,))], params)
    return xp.reshape(y, shape=(size, rows))


@functools.lru_cache(maxsize=1024)
def _block(pattern: Pattern, rank: int) -> int:
    """Where the axes of the index arrays stand in ``x[pattern]``, ``x`` of ``rank``.

    NumPy's rules: in front where a slice, None or Ellipsis stands between two of them, and ints
    count as index arrays.
    """
    entries = pattern.entries
    chosen = [k for k, e in enumerate(entries) if e == "#" or isinstance(e, int)]
    before = entries[: chosen[0]]
    if chosen[-1] - chosen[0] + 1 > len(chosen):
        return 0
    used = len([e for e in entries if e is not None and e != "..."])
    return len(before) + (rank - used - 1 if "..." in before else 0)


def _numbers(xp: Shelf, size: Any) -> Any:
    """0, 1, …, size - 1."""
    if isinstance(size, Dim):
        ones = xp.broadcast_to(xp.cast(1, dtype=np.int64), shape=(size,))
        return xp.cumsum(ones, axis=0) - 1
    numbers = np.arange(size)
    return numbers if xp is ARRAYS else leaf(numbers)


def _order(start: int, length: int, to: int, rank: int) -> tuple[int, ...]:
    """Axes with those from ``start`` on, ``length`` of them, moved to stand at ``to``."""
    moved = list(range(start, start + length))
    rest = [i for i in range(rank) if i not in moved]
    return (*rest[:to], *moved, *rest[to:])


def _turned(xp: Shelf, x: Any, order: tuple[int, ...]) -> Any:
    return x if order == tuple(range(len(order))) else xp.transpose(x, axes=order)


def _indices(xp: Shelf, indices: list[Any], flags: list[bool]) -> tuple[list[Any], int]:
    """Index arrays of which some are batches, aligned, and the rank that they broadcast to."""
    rank = max(_rank(i, f) for i, f in zip(indices, flags, strict=True))
    return [_aligned(xp, i, rank) if f else i for i, f in zip(indices, flags, strict=True)], rank


def _gather(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    pattern: Pattern = params["pattern"]
    x, fx = xs[0], flags[0]
    block = _block(pattern, _rank(x, fx))
    indices, rank = _indices(xp, xs[1:], flags[1:])
    front = Pattern((_WHOLE, *pattern.entries))
    if not fx:  # the mapped axis is the first of those of the index arrays
        y = xp.gather(x, *indices, pattern=pattern)
        return _turned(xp, y, _order(block, 1, 0, len(y.shape)))
    if not any(flags[1:]) and (block or not _symbolic(x)):
        y = xp.gather(x, *indices, pattern=front)
        apart = _block(front, len(x.shape)) != block + 1  # then NumPy puts index axes first
        return _turned(xp, y, _order(rank, 1, 0, len(y.shape))) if apart else y
    numbers = xp.reshape(_numbers(xp, size), shape=(size, *(1,) * rank))
    y = xp.gather(x, numbers, *indices, pattern=Pattern(("#", *pattern.entries)))
    return _turned(xp, y, _order(1, rank, 1 + block, len(y.shape)))


def _symbolic(x: Any) -> bool:
    return any(isinstance(n, Dim) for n in x.shape)


def _scatter_add(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    pattern, shape = params["pattern"], params["shape"]
    block = _block(pattern, len(shape))
    indices, rank = _indices(xp, xs[1:], flags[1:])
    g = xs[0] if flags[0] else spread(xp, xs[0], size)
    whole = (size, *shape)
    if not any(flags[1:]) and not any(isinstance(n, Dim) for n in whole):
        front = Pattern((_WHOLE, *pattern.entries))
        if _block(front, len(whole)) != block + 1:
            g = _turned(xp, g, _order(0, 1, rank, len(g.shape)))
        return xp.scatter_add(g, *indices, pattern=front, shape=whole)
    g = _turned(xp, g, _order(1 + block, rank, 1, len(g.shape)))
    numbers = xp.reshape(_numbers(xp, size), shape=(size, *(1,) * rank))
    return xp.scatter_add(
        g, numbers, *indices, pattern=Pattern(("#", *pattern.entries)), shape=whole
    )


def _leading(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    """LAPACK's calls on stacks of matrices."""
    return call(xp, p, xs, params)


def _solve(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    (a, b), (fa, fb) = xs, flags
    ra, rb = _rank(a, fa), _rank(b, fb)
    column = rb == 1
    if column:
        if not fb:
            return xp.solve(a, b, **params)
        b = xp.reshape(b, shape=(*b.shape, 1))
    rank = max(ra, rb, 2)
    left = _aligned(xp, a, rank) if fa else a
    y = xp.solve(left, _aligned(xp, b, rank) if fb else b, **params)
    return xp.reshape(y, shape=y.shape[:-1]) if column else y


def _one_by_one(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    """Each row by itself, and the results joined: for what has no rule of its own."""
    if isinstance(size, Dim):
        raise CaptureError(
            "vmap",
            f"{p.name} is run row by row, and the mapped size {size} is symbolic. Expected a "
            "number of rows; trace with arrays of fixed shape.",
        )
    if size == 0:
        ones = [Abstract(x.shape[1:], x.dtype) if f else x for x, f in zip(xs, flags, strict=True)]
        ones = [o._value if type(o) is Tensor else o for o in ones]
        found = p.abstract(tuple(ones), params)
        empty = [
            np.zeros((0, *part.shape), part.dtype)
            for part in (found if type(found) is tuple else (found,))
        ]
        parts = empty if xp is ARRAYS else [leaf(e) for e in empty]
        return tuple(parts) if type(found) is tuple else parts[0]
    rows = []
    for i in range(size):
        row = [xp.slice_(x, index=Index((i,))) if f else x for x, f in zip(xs, flags, strict=True)]
        rows.append(call(xp, p, row, params))
    if type(rows[0]) is tuple:
        return tuple(_stacked(xp, column) for column in zip(*rows, strict=True))
    return _stacked(xp, rows)


def _stacked(xp: Shelf, rows: Sequence[Any]) -> Any:
    parts = [xp.reshape(r, shape=(1, *r.shape)) for r in rows]
    return np.concatenate(parts) if xp is ARRAYS else concatenate(parts, 0)


class _Batching:
    """The evaluator of programs that takes their steps on batches."""

    def __init__(self, size: Any) -> None:
        self._size = size

    def capture(self, var: Any, tensor: Tensor) -> Value:
        return tensor, False

    def literal(self, value: Any) -> Value:
        return value, False

    def apply(self, application: Application, operands: tuple[Value, ...]) -> Value:
        if application.primitive.picks:
            (whole, flags), index = operands[0], application.params["index"]
            return whole[index], flags[index]
        with within(scope=application.scope):
            return batch(TENSORS, application.primitive, operands, application.params, self._size)


def _loop(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Value:
    """A loop over the body on batches: of the carries as soon as one iteration makes them so."""
    body, consts, carries = params["body"], params["consts"], params["carries"]
    split = consts + carries
    flags = list(flags)
    with within(capture=Capture(), recording=True, scope=(), phase=None):
        while True:
            inputs = [
                leaf(Abstract((size, *v.shape) if f else v.shape, v.dtype, v.weak), False, v.name, v.role)
                for v, f in zip(body.inputs, flags, strict=True)
            ]  # fmt: skip
            values = body.fold(_Batching(size), *zip(inputs, flags, strict=True))
            outputs = [values[o] for o in body.outputs]
            after = [f or g for f, (_, g) in zip(flags[consts:split], outputs, strict=False)]
            if after == flags[consts:split]:
                break
            flags[consts:split] = after
        made = [
            spread(TENSORS, t, size) if k < carries and after[k] and not f else t
            for k, (t, f) in enumerate(outputs)
        ]
        batched, constants = enclosed(body.name, inputs[:consts], inputs[consts:], made)
    constants = [t._value if xp is ARRAYS else t for t in constants[consts:]]
    operands: list[Any] = list(xs[:consts]) + constants
    for k in range(consts, split):
        same = flags[k] == _has(xs[k], body.inputs[k].shape)
        operands.append(xs[k] if same else spread(xp, xs[k], size))
    for x, f in zip(xs[split:], flags[split:], strict=True):
        operands.append(xp.transpose(x, axes=(1, 0, *range(2, len(x.shape)))) if f else x)
    count = consts + len(constants)
    rest = carries, params["length"], params["reverse"]
    if xp is ARRAYS:
        found = p.forward(
            *operands, body=batched, consts=count, carries=carries, length=rest[1], reverse=rest[2]
        )
    else:
        found = looped(operands, batched, count, *rest)
    results, kinds = [], []
    for k, (t, (_, f)) in enumerate(zip(found, outputs, strict=True)):
        f = after[k] if k < carries else f
        turned = f and k >= carries
        results.append(xp.transpose(t, axes=(1, 0, *range(2, len(t.shape)))) if turned else t)
        kinds.append(f)
    return tuple(results), tuple(kinds)


def _call(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Value:
    """The body on batches."""
    body = params["body"]
    key = _call, tuple(flags), size
    if key not in body.memo:
        with within(capture=Capture(), recording=True, scope=(), phase=None):
            inputs = [
                leaf(Abstract((size, *v.shape) if f else v.shape, v.dtype, v.weak), False, v.name, v.role)
                for v, f in zip(body.inputs, flags, strict=True)
            ]  # fmt: skip
            values = body.fold(_Batching(size), *zip(inputs, flags, strict=True))
            outputs = [values[o] for o in body.outputs]
            batched, constants = enclosed(body.name, [], inputs, [t for t, _ in outputs])
        body.memo[key] = batched, constants, tuple([f for _, f in outputs])
    batched, constants, kinds = body.memo[key]
    constants = [t._value if xp is ARRAYS else t for t in constants]
    return taken(xp, [*constants, *xs], batched, params["by"]), kinds


def _has(x: Any, shape: Any) -> bool:
    """Whether an operand has the mapped axis in front of ``shape``."""
    return len(x.shape) > len(shape)


_BY_KIND: dict[type, _Rule] = {
    Call: _call,
    Elementwise: _elementwise,
    Loop: _loop,
    Reduce: _along,
    Scan: _along,
}

# Views, contractions, gathers and calls are each told apart by name: what a user declares as one may
# count axes from the front in its own way, and is run row by row.
_BY_NAME: dict[str, _Rule] = {
    **dict.fromkeys(
        ("stop_gradient", "reshape", "transpose", "concatenate_", "slice_", "embed", "flip",
         "windows", "overlap_add", "take_along_axis", "put_along_axis"),
        _along,
    ),
    **dict.fromkeys(("slogdet", "det", "cofactor", "cholesky", "eigh", "svd", "qr", "pinv"), _leading),
    "affine": _affine,
    "argmax": _argmax,
    "broadcast_to": _broadcast_to,
    "einsum_": _einsum,
    "einsum_still": _einsum,
    "gather": _gather,
    "matmul": _matmul,
    "matmul_still": _matmul,
    "scatter_add": _scatter_add,
    "softmax_cross_entropy": _cross_entropy,
    "solve": _solve,
    "squared_distance": _squared_distance,
}  # fmt: skip
