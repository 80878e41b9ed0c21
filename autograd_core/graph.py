"""The one reverse walk, and what it needs to know of a graph.

Everything here is iterative and works on the tape alone: a node's primitive, ordered inputs,
params and data. Broadcasting is undone here and nowhere else.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Collection, Iterable, Sequence
from heapq import heapify, heappop, heappush, heappushpop
from typing import Any, Generic, NamedTuple

import numpy as np

from .aliases import Params
from .context import CONTEXT, within
from .errors import AnomalyError, ConfigError, GraphError, NotDifferentiableError, ShapeError
from .exchange import plain
from .kinds import Call, Elementwise, Loop, Opaque, Reduce
from .nodes import N, Node
from .shapes import Dim, Shape
from .shelves import ARRAYS, TENSORS, Shelf
from .zeros import has_nan, winning

__all__ = [
    "WRITES",
    "ZERO",
    "check_written",
    "connected",
    "history",
    "operands_of",
    "own",
    "pullback",
    "seed_for",
    "sum_to",
]


# What a node's inputs may be beside tensors.
NUMBERS = frozenset({bool, int, float, Dim})


class _Zero:
    """Marks an argument whose derivative is zero everywhere off its kinks (sign, step)."""

    def __repr__(self) -> str:
        return "ZERO"


ZERO = _Zero()


class _Writes:
    """When any leaf was last written, so that the walk need not ask every leaf."""

    last = 0


WRITES = _Writes()


def _named(node: Node) -> str:
    """What an error calls an operation."""
    if node._op.name == "compiled":
        return f"the compiled {node._params['body'].name} (ag.jit)"
    return str(node._op.name)


def where_made(node: Node) -> str:
    """The end of an error message: the operation's scope and, in anomaly mode, the user's line."""
    parts = []
    if node._context.scope:
        parts.append("in " + "/".join(node._context.scope))
    if node._line:
        parts.append("called from " + node._line)
    return ", ".join(parts)


def operands_of(node: Node) -> tuple[Any, ...] | None:
    """The operands of a node, in order; None once it was freed.

    One or two lie in the node itself. A tuple would be a second object for Python's collector,
    which walks all there are again and again while a graph grows: forward and backward of a million
    scalar operations took twice as long.
    """
    first = node._inputs
    if first is None or type(first) is tuple:
        return first
    return (first,) if node._op.arity == 1 else (first, node._second)


def behind(node: Node, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands that a gradient goes on to.

    Of one of several outputs those that it depends on, where the primitive can tell.
    """
    if not node._op.picks or not operands[0]._op.reach:
        return operands
    (whole,) = operands
    reached = whole._op.reach(**whole._params)[node._params["index"]]
    return tuple([a for i, a in enumerate(operands_of(whole) or ()) if i in reached])


def freed(node: Node) -> GraphError:
    """The error for a walk that meets a node without inputs."""
    if "refusal" in node._params:  # it never had any: see `compiler.results`
        return NotDifferentiableError(node._params["refusal"])
    return GraphError(
        "backward",
        f"the graph through {_named(node)} was freed by an earlier backward. Expected a "
        "graph that is walked once. Pass retain_graph=True to the earlier backward, or compute the "
        "value again.",
    )


def history(
    outputs: Iterable[N], differentiable: bool, stop: dict[int, Any] | None = None
) -> list[N]:
    """Every tensor that ``outputs`` were computed from, inputs before results.

    Parameters
    ----------
    differentiable : bool
        Follow only tensors that a gradient flows through.
    stop : mapping of id to anything, optional
        Tensors to include without looking behind them.
    """
    seen: set[int] = set()
    tensors: list[N] = []
    stack = list(outputs)
    while stack:
        t = stack.pop()
        key = id(t)
        if key in seen or (differentiable and not t.requires_grad):
            continue
        seen.add(key)
        tensors.append(t)
        if t._op is None or (stop is not None and key in stop):
            continue
        operands = operands_of(t)
        if operands is None:
            raise freed(t)
        if not differentiable:
            stack.extend([a for a in operands if type(a) not in NUMBERS])
        elif not t._op.reach:  # each of its outputs knows what is behind it
            stack.extend([a for a in operands if type(a) not in NUMBERS])
            further = behind(t, operands)
            if further is not operands:
                stack.extend([a for a in further if type(a) not in NUMBERS])
    tensors.sort(key=_ORDER)
    return tensors


_ORDER = operator.attrgetter("_seq")


def duplicate(result: N, memo: dict[int, Any]) -> N:
    """A copy of a tensor with all that it was computed from, and of gradients; see `Tensor.__deepcopy__`.

    Parameters
    ----------
    memo : dict
        Copies by the id of their originals, as `copy.deepcopy` has it: what is there is used.

    Raises
    ------
    GraphError
        If the graph was freed.
    """
    nodes = history([result], False, memo)
    known, gradients = {id(t) for t in nodes}, []
    for t in nodes:  # grows: a gradient may have a history of its own, through the same leaves
        g = t._grad
        if id(t) not in memo and type(g) is type(t):
            gradients.append(t)
            try:
                behind = history([g], False, memo)
            except GraphError:  # freed by a backward of its own: its values are left
                memo[id(g)] = g.detach()
                continue
            for n in behind:
                if id(n) not in known:
                    known.add(id(n))
                    nodes.append(n)
    nodes.sort(key=_ORDER)
    gradients = [t for t in gradients if id(t) not in memo]
    for t in nodes:
        if id(t) in memo:
            continue
        new = memo[id(t)] = type(t).__new__(type(t))
        data = t._value
        new._value = data.copy() if type(data) is np.ndarray else data
        new._op, new._params, new._context, new._line = t._op, t._params, t._context, t._line
        new._seq, new._grad = t._seq, t._grad
        new.name, new.role, new.requires_grad = t.name, t.role, t.requires_grad
        if t._op is None:
            new._inputs, new._written = (), t._written
            continue
        first = t._inputs
        if type(first) is tuple:
            new._inputs = tuple([memo.get(id(a), a) for a in first])
            continue
        new._inputs = memo.get(id(first), first)
        if t._op.arity != 1:
            new._second = memo.get(id(t._second), t._second)
    for t in gradients:
        memo[id(t)]._grad = memo[id(t._grad)]
    copied: N = memo[id(result)]
    return copied


def connected(nodes: Sequence[Node], wanted: dict[int, Any]) -> set[int]:
    """Ids of those ``nodes`` (inputs before results) that some wanted tensor leads to."""
    useful = set(wanted)
    for t in nodes:
        operands = operands_of(t)
        if t._op is None or id(t) in wanted or operands is None:
            continue
        # The walk stays on useful nodes, and would not see what was written behind the others.
        check_written(t)
        if any(id(a) in useful for a in behind(t, operands)):
            useful.add(id(t))
    return useful


@functools.lru_cache(maxsize=4096)
def _widened(wide: Shape, shape: Shape) -> tuple[int, ...]:
    """Axes of ``wide`` that broadcasting had added to ``shape``, or stretched from size 1."""
    lead = len(wide) - len(shape)
    return tuple(range(lead)) + tuple(
        i + lead for i, n in enumerate(shape) if n == 1 and wide[i + lead] != 1
    )


@functools.lru_cache(maxsize=64)
def _ones(rows: int, dtype: Any) -> Any:
    return np.ones(rows, dtype)


_ROWS = 4096  # beyond, memory for the ones, and NumPy's pairwise sum of one column is better


def sum_to(xp: Shelf, g: Any, shape: Shape) -> Any:
    """Undo broadcasting: sum ``g`` over the axes that broadcasting to its shape had added."""
    if xp is ARRAYS and len(g.shape) == 2 and g.shape[1:] == shape:
        # A bias. A product with ones takes a fifth to a half of the time of add.reduce and rounds
        # less. (Of a view it would be a copy first.)
        rows = len(g)
        if rows <= _ROWS and g.flags.c_contiguous and g.dtype.kind == "f":
            return _ones(rows, g.dtype).dot(g)
    lead = len(g.shape) - len(shape)
    if lead >= 0:
        axes = _widened(g.shape, shape)
        if axes:
            g = xp.sum(g, axis=axes, keepdims=False)
        return g if g.shape == shape else xp.reshape(g, shape=shape)
    return xp.broadcast_to(xp.reshape(g, shape=(1,) * -lead + g.shape), shape=shape)


def _fitted(xp: Shelf, part: Any, data: Any, op: Any) -> Any:
    """A cotangent, which a rule of ``op`` gave, in the shape and the dtype of what it belongs to."""
    if not hasattr(part, "shape"):
        raise ConfigError(
            op.name,
            f"a derivative rule gave {part!r:.40} ({type(part).__name__}). Expected a cotangent "
            f"of shape {tuple(data.shape)}, computed from g.",
        )
    if part.shape != data.shape:
        try:
            part = sum_to(xp, part, data.shape)
        except ValueError:
            raise ShapeError(
                op.name,
                f"a derivative rule gave a cotangent of shape {tuple(part.shape)}. Expected the "
                f"operand's own, {tuple(data.shape)}, or one that broadcasts with it.",
            ) from None
    return part if part.dtype == data.dtype else part.astype(data.dtype)


def pullback(
    outputs: Sequence[N],
    seeds: Sequence[Any],
    xp: Shelf,
    nodes: Sequence[N] = (),
    wanted: dict[int, N] | None = None,
    retain: bool = True,
    masked: bool = False,
) -> dict[N, Any]:
    """Walk the graph backwards from ``outputs`` with cotangents ``seeds``.

    A zero that a mask has put into a cotangent stays zero, whatever it is multiplied by on the way:
    behind what masks (`where`, a slice, seeds that somebody gave), each product goes through the
    primitive `still`, and each contraction is one in which the cotangent's zeros win
    (`zeros.winning`). The same holds of what such a walk has recorded, when it is walked itself: what
    was multiplied by a masked zero gets a cotangent of 0 (`_Between`). Arrays are walked without all
    this first: only a nan that reaches a wanted tensor says that it was missing, and the walk is taken
    again.

    Parameters
    ----------
    xp : Shelf
        ARRAYS computes cotangents as arrays; TENSORS records the walk itself.
    nodes : sequence of Tensor
        With ``wanted``: the differentiable `history` of the outputs, stopped there.
    wanted : mapping of id to Node, optional
        Tensors whose cotangents are asked for. Default: leaves, and tensors with ``retain_grad``.
    retain : bool
        Keep the graph; otherwise each node forgets its inputs once it is done, and at the end if the
        walk may have to be taken again from a mask before it.
    masked : bool
        Whether zeros in the seeds are meant: they stay zero, too.

    Returns
    -------
    dict of Node to cotangent
        Of the wanted tensors that a cotangent reached.

    Raises
    ------
    GraphError
        If the graph was freed, or a leaf was written after it was recorded.
    """
    useful = None if wanted is None else connected(nodes, wanted)
    careful = xp is not ARRAYS or CONTEXT.get().anomaly
    done: list[N] | None = None if retain else []
    cotangents, at_risk, first = _walk(outputs, seeds, xp, useful, wanted, done, masked, careful)
    if at_risk and not careful and any(map(has_nan, cotangents.values())):
        cotangents, _, _ = _walk(outputs, seeds, xp, useful, wanted, None, masked, True, first)
    if done is not None:
        for node in done:
            node._inputs = node._second = None
    return cotangents


class _Place(NamedTuple, Generic[N]):
    """A place on a walk, to go on from: what was found, what has arrived, who waits."""

    found: dict[N, Any]
    cotangents: dict[N, Any]
    waiting: list[tuple[int, N]]

    @classmethod
    def of(cls, found: Any, cotangents: Any, waiting: Any) -> _Place[N]:
        # What the walk goes on to change is copied. Arrays are not: only sums of slices are added to
        # in place, and slices are masks.
        parts = {t: dict(g) if type(g) is dict else g for t, g in cotangents.items()}
        heapify(waiting)
        return cls(dict(found), parts, waiting)


def _walk(
    outputs: Sequence[N],
    seeds: Sequence[Any],
    xp: Shelf,
    useful: set[int] | None,
    wanted: dict[int, N] | None,
    done: list[N] | None,
    masked: bool,
    careful: bool,
    first: _Place[N] | None = None,
) -> tuple[dict[N, Any], bool, _Place[N] | None]:
    """One walk for `pullback`.

    The cotangents found; whether `still` may have been missing; where the first mask was met.

    Parameters
    ----------
    useful : set of int, optional
        Ids of nodes that lead to a wanted tensor. Default: all.
    done : list of Node, optional
        Gets the nodes from the first mask on; those before it forget their inputs at once, so that
        memory is used again. None: nothing is forgotten.
    careful : bool
        Whether products behind a mask go through `still`.
    first : _Place, optional
        Where to go on from. Default: from the outputs.
    """
    arrays = xp is ARRAYS
    context = CONTEXT.get()
    watched = context.anomaly and arrays
    last_write = WRITES.last
    behind = set(map(id, outputs)) if masked else set()  # ids of what is reached through a mask
    products: dict[
        int, _Between
    ] = {}  # by the ids of products with a masked zero, recorded earlier
    at_risk = False
    gradients: dict[N, Any] = {}
    cotangents: dict[N, Any] = {}
    # Those whose cotangent is a sum that nobody else holds: parts of it are added in their place.
    # (Each in zeros of the whole size takes quadratic time where a tensor is cut into many.)
    gathered: set[N] = set()
    # Computed tensors that a cotangent has reached, newest first. All that uses a tensor is newer
    # than it, so when its turn comes its cotangent is complete. (A pass to find the nodes and sort
    # them first took a seventh of a small training step.) One of them stands outside the heap:
    # along a chain there is only ever one.
    waiting: list[tuple[int, N]] = []
    following: N | None = None
    if first is None:
        for output, seed in zip(outputs, seeds, strict=True):
            _add(cotangents, waiting, output, seed)
    else:
        gradients, cotangents, waiting = first
    first = None
    while following is not None or waiting:
        if following is None:
            node = heappop(waiting)[1]
        elif waiting:
            node = heappushpop(waiting, (-following._seq, following))[1]
        else:
            node = following
        following = None
        g = cotangents.pop(node)
        if wanted is None:
            if node._grad is not None:
                gradients[node] = g
        elif id(node) in wanted:
            gradients[node] = g
            continue
        op = node._op
        inputs = node._inputs
        if type(inputs) is not tuple:  # as `operands_of`, without a call
            if inputs is None:
                raise freed(node)
            inputs = (inputs,) if op.arity == 1 else (inputs, node._second)
        if node._seq < last_write:
            check_written(node)
        cotangent = g
        if op.outputs > 1:
            g = _complete(node, g, xp)
        params, count = node._params, len(inputs)
        hidden, token, between, shelf = False, None, None, xp
        if masked or op.wary:
            walks = op.joint and isinstance(op.kind, (Call, Loop))  # its rule is a walk of its own
            masks = op.masks or (walks and _masks_inside(params["body"]))
            if masked and (op.multiplies or walks):
                at_risk = True
            if masks and not masked:
                masked = True
                if done is not None and not careful:
                    first = _Place.of(
                        gradients, {**cotangents, node: cotangent}, [*waiting, (-node._seq, node)]
                    )
            if careful:
                hidden = id(node) in behind
                if hidden or masks:
                    behind.update(map(id, inputs))
                if hidden and walks and arrays:
                    token = CONTEXT.set(context.replace(masked=True))
                if op.name == "still":
                    _Between.note(products, node)
                between = products.get(id(node))
                if hidden and op.multiplies and not op.scales:
                    shelf = winning(xp, g)
        if not arrays:
            y, args = node, inputs
            inside = {"phase": node._seq, "scope": node._context.scope, "masked": hidden}
            token = CONTEXT.set(context.replace(**inside))
        else:
            y = node._value
            # Few operands are spelt out: a comprehension, and a star below, take 0.1 us longer.
            if count == 1:
                args = (inputs[0]._value,)
            elif count == 2:
                a, b = inputs
                args = (
                    a if type(a) in NUMBERS else a._value,
                    b if type(b) in NUMBERS else b._value,
                )
            else:
                args = tuple([a if type(a) in NUMBERS else a._value for a in inputs])
        try:
            for i, rule in op.pulls or op.rules(inputs, useful, shelf, g, y, args, params):
                a = inputs[i]
                if type(a) in NUMBERS or not a.requires_grad:
                    continue
                if useful is not None and id(a) not in useful:
                    continue
                data = a._value
                if type(data) is tuple:  # the node picks one of several outputs
                    _add(cotangents, waiting, a, (params["index"], g))
                    continue
                if params:
                    if op.into is not None and a in gathered and not watched:
                        op.into(cotangents[a], g, *args[1:], **params)
                        continue
                    part = rule(shelf, g, y, *args, **params)
                elif count == 1:
                    part = rule(shelf, g, y, args[0])
                elif count == 2:
                    part = rule(shelf, g, y, args[0], args[1])
                elif count == 3:
                    part = rule(shelf, g, y, args[0], args[1], args[2])
                else:
                    part = rule(shelf, g, y, *args)
                if hidden and op.scales:
                    part = _stilled(xp, op.kind, part, g, args, params)
                if between is not None:
                    part = between.stilled(xp, part, a)
                kind = type(part)  # of a NumPy scalar it says everything
                if kind is not type(data) or (
                    kind is np.ndarray
                    and (part.shape != data.shape or part.dtype is not data.dtype)
                ):
                    part = _fitted(xp, part, data, op)
                if watched:
                    if not np.isfinite(part).all():
                        raise _not_finite(node, a, "backward")
                    if op.scales and id(node) not in behind:
                        _check_convention(node, a, rule, g, y, args)
                # As `_add`, without a call for each edge of the graph.
                if op.into is not None and arrays and kind is np.ndarray:
                    gathered.add(a)
                if a in cotangents:
                    cotangents[a] = cotangents[a] + part
                else:
                    cotangents[a] = part
                    if a._op is not None:
                        if following is None:
                            following = a
                        else:
                            heappush(waiting, (-a._seq, a))
        finally:
            if token is not None:
                CONTEXT.reset(token)
        if done is not None:
            if masked and not careful:
                done.append(node)
            else:
                node._inputs = node._second = None
    # Leaves are left.
    if wanted is None:
        gradients.update(cotangents)
    else:
        gradients.update({t: g for t, g in cotangents.items() if id(t) in wanted})
    return gradients, at_risk, first


def _masks_inside(body: Any) -> bool:
    """Whether a step of a program puts zeros into cotangents."""
    if "masks" not in body.memo:
        body.memo["masks"] = any(step.primitive.masks for step in body.all_steps())
    found: bool = body.memo["masks"]
    return found


def _stilled(xp: Shelf, kind: Any, part: Any, g: Any, args: Sequence[Any], params: Params) -> Any:
    """A product with a cotangent behind a mask, still 0 where the cotangent is.

    Element by element, row by row where a reduction has folded axes, and matrix by matrix.
    """
    if xp is TENSORS and _by_a_number(part, g):
        return part
    rank, by = len(part.shape), g
    if isinstance(kind, Opaque):
        # (What has fewer axes is one for all of a stack.)
        stacked = rank if kind.core is None else max(len(a.shape) for a in args) - kind.core
        by = _sizes(xp, g, stacked if kind.core is not None and rank == stacked + kind.core else 0)
    if isinstance(kind, Reduce):
        axis = params["axis"]
        if not params["keepdims"] and 0 < len(axis) < rank:
            by = xp.reshape(g, shape=tuple(1 if i in axis else n for i, n in enumerate(part.shape)))
    elif not isinstance(kind, Elementwise):
        by = _columns(xp, by, rank)
    return xp.still(part, by)


class _Between:
    """What a rule has recorded between a cotangent behind a mask and its product with a derivative.

    All of it is a multiple of that cotangent. So is what a later walk gives to the other factors: where
    the cotangent is 0 they get 0, though the later walk's own cotangent may be infinite there.

    Attributes
    ----------
    by : Tensor
        The cotangent, as `still` has it.
    linear : set of int
        Ids of what depends on it, and of itself.
    """

    __slots__ = ("by", "linear")

    def __init__(self, by: Node, linear: set[int]) -> None:
        self.by, self.linear = by, linear

    @classmethod
    def note(cls, products: dict[int, _Between], still: Node) -> None:
        """Put what leads to ``still`` into ``products``, unless it is there."""
        part, by = operands_of(still) or (None, None)
        if type(part) in NUMBERS or type(by) in NUMBERS or part is None:
            return
        if not by.requires_grad:  # where it is 0 the product is, whatever else changes
            products[id(still)] = cls(by, set())
            return
        roots, linear = {id(by): by}, _dependents(part, [by])
        while not linear:  # the rule reads it as it came, before `_stilled` has
            roots = {id(a): a for t in roots.values() for a in _behind_a_size(t)}
            if not 0 < len(roots) < _FEW:
                return
            linear = _dependents(part, roots.values())
        between = cls(by, {*linear, *roots, id(by)})
        for key in linear:
            products.setdefault(key, between)

    def stilled(self, xp: Shelf, part: Any, a: Node) -> Any:
        """A cotangent of the operand ``a``; 0 where the recorded one is, if ``a`` is another factor."""
        if id(a) in self.linear:
            return part
        by = self.by if xp is TENSORS else self.by._value
        wide, shape = tuple(part.shape), tuple(by.shape)
        fits = len(shape) <= len(wide) and all(
            n in (1, m) for n, m in zip(reversed(shape), reversed(wide), strict=False)
        )
        if not fits:
            return part
        # What passes `still` on to a product with a constant is no multiple of it yet.
        return xp.still(part, by) if self.linear else xp.where(xp.equal(by, 0), 0, part)


_FEW = 256  # steps of a rule, at most: beyond, it is no rule that `still` ends


def _behind_a_size(t: Node) -> tuple[Node, ...]:
    """What `_sizes` and `_stilled` have made ``t`` of."""
    if t._op is None or t._op.name not in ("absolute", "add", "reshape", "sum"):
        return ()
    return tuple([a for a in operands_of(t) or () if type(a) not in NUMBERS])


def _dependents(t: Node, roots: Collection[Node]) -> set[int]:
    """Ids of what ``t`` was computed from, itself included, that depends on one of ``roots``."""
    oldest = min(root._seq for root in roots)
    newer: dict[int, Node] = {}
    stack = [t]
    while stack:
        node = stack.pop()
        if id(node) in newer or node._op is None or node._seq <= oldest:
            continue
        if len(newer) == _FEW:
            return set()
        newer[id(node)] = node
        stack.extend([a for a in operands_of(node) or () if type(a) not in NUMBERS])
    behind, dependents = set(map(id, roots)), set[int]()
    for node in sorted(newer.values(), key=_ORDER):
        if any(id(a) in behind for a in operands_of(node) or ()):
            behind.add(id(node))
            dependents.add(id(node))
    return dependents


def _by_a_number(part: Node, g: Node) -> bool:
    """Whether a recorded product is one with a number that is no pole."""
    if part._op is None or part._op.name not in ("multiply", "divide"):
        return False
    first, factor = operands_of(part) or (None, None)
    if first is not g or type(factor) not in NUMBERS:
        return False
    return type(factor) is Dim or (factor != 0 and math.isfinite(factor))


def _sizes(xp: Shelf, g: Any, batch: int) -> Any:
    """Sums of the absolute values of cotangents over all axes but the first ``batch``: 0 where all are."""
    total: Any = None
    for one in g if type(g) is tuple else (g,):
        axes = tuple(range(batch, len(one.shape)))
        size = xp.absolute(one)
        size = xp.sum(size, axis=axes, keepdims=False) if axes else size
        total = size if total is None else total + size
    return total


def _columns(xp: Shelf, t: Any, rank: int) -> Any:
    """``t`` with axes of size 1 behind its own, to be of ``rank``."""
    shape = tuple(t.shape)
    return xp.reshape(t, shape=(*shape, *(1,) * (rank - len(shape)))) if shape else t


def _check_convention(
    node: Node, argument: Node, rule: Any, g: Any, y: Any, args: Sequence[Any]
) -> None:
    """In anomaly mode: report a zero cotangent that no mask has made at an infinite derivative."""
    zero = np.equal(g, 0)
    if not isinstance(node._op.kind, Elementwise) or not zero.any():
        return
    slope = rule(ARRAYS, np.where(zero, np.ones((), g.dtype), g), y, *args, **node._params)
    if np.isfinite(slope).all() or np.isfinite(np.broadcast_to(slope, g.shape)[zero]).all():
        return
    made, place = where_made(node), _place(node, argument)
    raise AnomalyError(
        node._op.name,
        f"the backward met a cotangent of 0 at an infinite derivative (argument {place})"
        f"{', ' + made if made else ''}. Their product is not defined; without this mode it is 0 by "
        "convention. Expected a finite derivative, or a mask: ag.where(condition, x, 1) before the "
        "operation, or ag.where after it.",
    )


def _place(node: Node, argument: Node) -> int:
    return next(i for i, a in enumerate(operands_of(node) or ()) if a is argument)


def _add(cotangents: dict[N, Any], waiting: list[tuple[int, N]], t: N, part: Any) -> None:
    """Add one contribution; those to a tuple node are kept by the index of its output."""
    if t._op is not None and t not in cotangents:
        heappush(waiting, (-t._seq, t))
    if type(t._value) is tuple:
        index, g = part
        parts = cotangents.setdefault(t, {})
        parts[index] = parts[index] + g if index in parts else g
    elif t in cotangents:
        cotangents[t] = cotangents[t] + part
    else:
        cotangents[t] = part


def _complete(node: Node, parts: dict[int, Any], xp: Shelf) -> tuple[Any, ...]:
    """Cotangents of all outputs of a tuple node, zero for those that nothing reached."""
    if node._op.joint:
        return tuple([parts.get(i) for i in range(len(node._value))])
    return tuple(
        parts[i] if i in parts else xp.broadcast_to(xp.cast(0, dtype=d.dtype), shape=d.shape)
        for i, d in enumerate(node._value)
    )


def check_written(node: Node) -> None:
    """Refuse a node that recorded a leaf which has other values now.

    A rule reads the leaves beside the one that it differentiates by, too.
    """
    if node._seq < WRITES.last:
        for a in operands_of(node) or ():
            if type(a) not in NUMBERS and a._op is None and a._written > node._seq:
                raise _stale(node, a)


def _stale(node: Node, written: Node) -> GraphError:
    name = f" {written.name!r}" if written.name else ""
    return GraphError(
        "backward",
        f"the leaf{name} of shape {written.shape} was written after {_named(node)} "
        f"recorded it{', ' + where_made(node) if where_made(node) else ''}; what follows from it would be wrong. "
        "Call backward before the write (optimizer.step, assign, +=), or compute the value again.",
    )


def _not_finite(node: Node, argument: Node, direction: str) -> AnomalyError:
    made, place = where_made(node), _place(node, argument)
    return AnomalyError(
        _named(node),
        f"the {direction} gave the first non-finite value (argument {place})"
        f"{', ' + made if made else ''}. Expected finite numbers. Look at this operation's inputs: "
        "a logarithm or a division at 0, an overflow in exp.",
    )


def seed_for(output: Node, gradient: Any, xp: Shelf, operation: str) -> Any:
    """The cotangent to start from: 1 for one element, or ``gradient`` in the output's dtype."""
    if gradient is None and xp is ARRAYS and isinstance(output._value, np.generic):
        return type(output._value)(1)
    if xp is TENSORS:
        with within(phase=output._seq, scope=output._context.scope):
            return _seed(output, gradient, xp, operation)
    return _seed(output, gradient, xp, operation)


def _seed(output: Node, gradient: Any, xp: Shelf, operation: str) -> Any:
    shape, dtype = output.shape, output.dtype
    if gradient is None:
        if output.size != 1:
            raise ShapeError(
                operation,
                f"the tensor has shape {shape}, so there is no single gradient. Expected "
                f"a scalar; reduce it (t.sum(), t.mean()) or pass gradient=, of shape {shape}.",
            )
        if xp is ARRAYS:
            return np.ones(shape, dtype)
        unit = xp.cast(1, dtype=dtype)
        return unit if shape == () else xp.broadcast_to(unit, shape=shape)
    received = tuple(gradient.shape) if hasattr(gradient, "shape") else np.shape(gradient)
    if received != shape:
        raise ShapeError(
            operation, f"gradient has shape {received}. Expected the tensor's own shape, {shape}."
        )
    if xp is ARRAYS:
        values = gradient._value if hasattr(gradient, "_op") else plain(operation, gradient)
        return np.array(values, dtype)
    return xp.cast(gradient, dtype=dtype)


def own(part: Any, given: set[int]) -> Any:
    """A leaf's gradient must have memory of its own: no view, not handed out twice."""
    if type(part) is np.ndarray:
        if part.base is not None or id(part) in given:
            return part.copy()
        given.add(id(part))
    return part
