"""Small operands for each primitive, at which `prove.rule` decides its VJP rules.

Elementwise primitives get every broadcasting pattern of two axes from their kind alone; the others
need operands that fit, and have a row here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..errors import AutogradError
from ..kinds import Call, Elementwise, Loop, Opaque
from ..ops import exp
from ..ops.indexing import Pattern
from ..ops.views import Index
from ..primitives import Primitive
from ..program import Application, Program, Var
from ..tracing import trace
from ..transforms import scan

__all__ = ["cases_of", "small"]

Case = tuple[Sequence[Any], Mapping[str, Any]]


def _floats(*shapes: tuple[int, ...]) -> tuple[Abstract, ...]:
    return tuple(Abstract(shape) for shape in shapes)


_BROADCASTS = (((2,), (2,)), ((2, 2), (2,)), ((2, 1), (1, 2)), ((), (2,)), ((2,), (1,)))

_ORDERS = np.array([0, 2])

_CASES: dict[str, list[Case]] = {
    "affine": [(_floats((2, 3), (3, 2), (2,)), {}), (_floats((3,), (3, 2), (2,)), {})],
    "betainc": [((_ORDERS + 1, np.array([2, 1]), *_floats((2,))), {})],
    "betaincc": [((_ORDERS + 1, np.array([2, 1]), *_floats((2,))), {})],
    "betaincx": [((_ORDERS + 1, np.array([2, 1]), *_floats((2,))), {})],
    "broadcast_to": [(_floats((2, 1)), {"shape": (3, 2, 2)}), (_floats(()), {"shape": (2,)})],
    "cholesky": [(_floats((2, 2)), {}), (_floats((2, 1, 1)), {})],
    "cast": [(_floats((2,)), {"dtype": np.float32})],
    "cofactor": [(_floats((2, 2)), {}), (_floats((2, 1, 1)), {})],
    "concatenate_": [
        (_floats((2, 1), (2, 2), (2, 1)), {"axis": 1}),
        (_floats((1, 2), (2, 2)), {"axis": 0}),
    ],
    "cumsum": [(_floats((2, 3)), {"axis": 1}), (_floats((3,)), {"axis": 0})],
    "det": [(_floats((2, 2)), {}), (_floats((2, 1, 1)), {})],
    "einsum_": [
        (_floats((2, 3), (3, 2)), {"subscripts": "ij,jk->ik"}),
        (_floats((2, 2)), {"subscripts": "ii->"}),
        (_floats((2, 2)), {"subscripts": "ii->i"}),
        (_floats((2, 3), (2,)), {"subscripts": "ij,i->j"}),
        (_floats((2,), (3,)), {"subscripts": "i,j->"}),
        (_floats((2, 2), (2, 2), (2,)), {"subscripts": "ij,jk,k->i"}),
    ],
    "einsum_still": [
        (_floats((2, 3), (3, 2)), {"subscripts": "ij,jk->ik", "zeros": (0,)}),
        (_floats((2,), (2,)), {"subscripts": "i,i->i", "zeros": (0, 1)}),
        (_floats((2, 2), (2, 2), (2,)), {"subscripts": "ij,jk,k->i", "zeros": (1,)}),
    ],
    "embed": [(_floats((2,)), {"index": Index.of((slice(1, 3),)), "shape": (4,)})],
    "flip": [(_floats((2, 3)), {"axis": (1,)}), (_floats((3,)), {"axis": None})],
    "gather": [
        ((*_floats((3, 2)), np.array([0, 2, 0])), {"pattern": Pattern(("#",))}),
        (
            (*_floats((3, 2)), np.array([0, 2]), np.array([1, 1])),
            {"pattern": Pattern(("#", "#"))},
        ),
    ],
    "eigh": [
        (_floats((1, 1)), {"UPLO": "L"}),
        (_floats((2, 2)), {"UPLO": "L"}),
        (_floats((2, 2)), {"UPLO": "U"}),
        (_floats((3, 2, 2)), {"UPLO": "L"}),
    ],
    "identity": [(_floats((2,)), {})],
    "logsumexp": [
        (_floats((2, 3)), {"axis": 1, "keepdims": False}),
        (_floats((2, 2)), {"axis": None, "keepdims": True}),
        (_floats((2, 1)), {"axis": 1, "keepdims": True}),
    ],
    "matmul": [
        (_floats((2, 3), (3, 2)), {}),
        (_floats((3,), (3,)), {}),
        (_floats((2, 3), (3,)), {}),
        (_floats((3,), (3, 2)), {}),
        (_floats((2, 2, 2), (2, 1)), {}),
        (_floats((2, 1, 2), (1, 2, 1)), {}),
    ],
    "matmul_still": [
        (_floats((2, 3), (3, 2)), {"zeros": (0,)}),
        (_floats((3,), (3, 2)), {"zeros": (0, 1)}),
        (_floats((2, 1, 2), (1, 2, 1)), {"zeros": (1,)}),
    ],
    "max": [
        (_floats((2, 3)), {"axis": 1, "keepdims": False}),
        (_floats((3,)), {"axis": None, "keepdims": True}),
    ],
    "overlap_add": [(_floats((2, 3)), {"axis": 0}), (_floats((2, 1, 3)), {"axis": 0})],
    "pinv": [(_floats(shape), {}) for shape in ((2, 2), (3, 2), (2, 3), (2, 2, 1))],
    "ierfcx": [(_floats((2,)), {"n": n}) for n in (1, 2, 3)],
    "polygamma": [(_floats((2,)), {"n": n}) for n in (0, 1, 2)],
    "power": [
        (_floats((2,), (2,)), {}),
        (_floats((2, 1), (1, 2)), {}),
        ((*_floats((2,)), 3), {}),
        ((*_floats((2,)), -2), {}),
        ((*_floats((2,)), 0.5), {}),
        ((*_floats((2,)), 0.3), {}),
        ((*_floats((2,)), 2.2), {}),
        ((2, *_floats((2,))), {}),
    ],
    "put_along_axis": [((*_floats((2, 2)), np.array([[0, 2], [1, 1]])), {"axis": 1, "size": 3})],
    "qr": [(_floats(shape), {}) for shape in ((2, 2), (3, 2), (2, 1), (3, 2, 2))],
    "reshape": [(_floats((2, 3)), {"shape": (3, 2)}), (_floats((2,)), {"shape": (1, 2, 1)})],
    "scatter_add": [
        ((*_floats((3,)), np.array([0, 2, 0])), {"pattern": Pattern(("#",)), "shape": (3,)})
    ],
    "slice_": [
        (_floats((4,)), {"index": Index.of((slice(None, None, 2),))}),
        (_floats((2, 3)), {"index": Index.of((1, None, slice(0, 2)))}),
        (_floats((3,)), {"index": Index.of((slice(None, None, -1),))}),
    ],
    "stdtr": [((np.array([1, 4]), *_floats((2,))), {})],
    "slogdet": [(_floats((2, 2)), {})],
    "softmax_cross_entropy": [((*_floats((2, 3)), np.array([2, 0])), {})],
    "solve": [
        (_floats((2, 2), (2,)), {}),
        (_floats((2, 2), (2, 2)), {}),
        (_floats((2, 1, 1), (1, 2)), {}),
    ],
    "squared_distance": [(_floats(*shapes), {}) for shapes in _BROADCASTS],
    "solve_sylvester": [
        (_floats((2, 2), (1, 1), (2, 1)), {}),
        (_floats((1, 1), (2, 2), (1, 2)), {}),
    ],
    "sum": [
        (_floats((2, 3)), {"axis": (0,), "keepdims": False}),
        (_floats((2, 3)), {"axis": None, "keepdims": True}),
        (_floats((2, 1)), {"axis": (1,), "keepdims": True}),
    ],
    "svd": [
        (_floats(shape), {})
        for shape in ((1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 2, 1), (2, 1, 2))
    ],
    "take_along_axis": [((*_floats((2, 3)), np.array([[0, 2], [1, 1]])), {"axis": 1})],
    "transpose": [(_floats((2, 3)), {"axes": None}), (_floats((1, 2, 3)), {"axes": (2, 0, 1)})],
    "windows": [(_floats((4,)), {"axis": 0, "size": 2})],
    "where": [
        ((np.array([True, False]), *_floats((2,), (2,))), {}),
        ((np.array([[True], [False]]), *_floats((2,), ())), {}),
    ],
}


# The derivative in the order or in the first parameter has no closed form: those are whole numbers.
_CASES |= {
    name: [((_ORDERS + first, *_floats((2,))), {})]
    for name, first in (("gammainc", 1), ("gammaincc", 1), ("gammaincx", 1), ("gammainccx", 1), ("iv", 0), ("ive", 0), ("jv", 0), ("kv", 0), ("yv", 0))
}  # fmt: skip


def _loops() -> list[Case]:
    """Loops with a const, one and two carries, xs and ys, in both directions."""

    def case(function: Any, *shapes: Any, **options: Any) -> Case:
        operands = _floats(*shapes)
        program = trace(lambda *args: scan(*function(*args), **options)[0])(*operands)
        (step,) = (s for s in program if isinstance(s.primitive.kind, Loop))
        return operands, step.params

    return [
        case(lambda w, h, xs: (lambda h, x: (h * w + x, h * x), h, xs), (2,), (2,), (3, 2)),
        case(lambda h, xs: (lambda h, x: (exp(h * x), None), h, xs), (), (2,), reverse=True),
        case(lambda a, b: (lambda c, x: ((c[1], c[0] @ c[1]), None), (a, b)), (2, 2), (2, 2), length=2),
    ]  # fmt: skip


def _calls() -> list[Case]:
    """Programs as one operation: of several outputs, one that reads an output, one that is a loop."""

    def case(function: Any, *shapes: Any) -> Case:
        operands = _floats(*shapes)
        found = trace(function)(*operands)
        body: Program[Any] = Program(
            found.name,
            found.inputs,
            (),
            found.applications,
            found.outputs,
            [None] * len(found.outputs),
        )
        return operands, {"body": body, "by": None}

    return [
        case(lambda a, b: (exp(a * b), a @ b), (2,), (2,)),
        case(lambda a: (a * a,), (2, 2)),
        case(lambda h, w: (scan(lambda h, _: (h * w, None), h, length=2)[0],), (2,), (2,)),
    ]


def cases_of(p: Primitive) -> list[Case]:
    """Operands and params at which a primitive is tried; empty where none are known."""
    if p.name in _CASES:
        return _CASES[p.name]
    if isinstance(p.kind, Loop):
        return _loops() if p.name == "scan" else []
    if isinstance(p.kind, Call):
        return _calls() if p.name == "compiled" else []
    if not isinstance(p.kind, Elementwise) or p.variadic:
        return []
    if p.arity == 1:
        return [(_floats((2,)), {}), (_floats(()), {})]
    if p.arity == 2:
        return [(_floats(*shapes), {}) for shapes in _BROADCASTS]
    return [(_floats(*((2,),) * p.arity), {})]


# --- the cases of a graph -------------------------------------------------------------------

_FEW = 24  # elements: so many are decided as they are
_MOST = 512  # more are not tried


def small(step: Application) -> Case | None:
    """Operands and params of a step at small sizes, with the params that it has; None if none are found.

    Lengths of axes shrink, in their order, and offsets of slices with them. What is kept: how many
    operands there are, which axes are meant, which sizes are equal or 1, steps and directions, sizes
    of windows, the size of what is small anyway.
    """
    kind = step.primitive.kind
    own = [_given(o, tuple(o.shape)) if isinstance(o, Var) else o.value for o in step.operands]
    elements = sum(math.prod(o.shape) for o in own if hasattr(o, "shape"))
    params = step.params
    if isinstance(kind, (Loop, Call)):
        shorter = _shorter(step) if isinstance(kind, Loop) else (own, params)
        elements = sum(math.prod(o.shape) for o in shorter[0] if hasattr(o, "shape"))
        return shorter if elements <= _FEW else None
    if elements <= _FEW and not isinstance(kind, Opaque):
        return own, params
    for smallest in range(2, 12):
        try:
            operands, changed = _shrunk(step, smallest)
            prepared = step.primitive.prepare
            changed = prepared(tuple(operands), dict(changed)) if prepared else dict(changed)
            step.primitive.abstract(tuple(operands), changed)
        except (AutogradError, ValueError, IndexError, TypeError):
            continue
        return operands, changed
    return (own, params) if elements <= _MOST else None


def _given(var: Var, shape: tuple[Any, ...]) -> Any:
    """An operand: floats as symbols, and integers that are in range of whatever they index."""
    if var.dtype.kind == "f":
        return Abstract(shape)
    count = math.prod(shape)
    if var.dtype.kind == "b":
        return (np.arange(count) % 2 == 0).reshape(shape)
    return (np.arange(count) % 2).astype(var.dtype).reshape(shape)


def _shrunk(step: Application, smallest: int) -> Case:
    """A step with its sizes in their order, from ``smallest`` on."""
    name, params = step.primitive.name, dict(step.params)
    shapes = [tuple(o.shape) if isinstance(o, Var) else () for o in step.operands]
    sizes = {n for shape in (*shapes, params.get("shape") or ()) for n in shape if n > 1}
    into = {n: min(n, smallest + k) for k, n in enumerate(sorted(sizes))} | {1: 1, 0: 0}

    def of(shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(into[n] for n in shape)

    small_shapes = [of(shape) for shape in shapes]
    if name in ("slice_", "embed"):
        whole = shapes[0] if name == "slice_" else tuple(params["shape"])
        shrunk, params["index"] = _shorter_index(params["index"], whole, into)
        if name == "embed":
            params["shape"] = shrunk
            shrunk = params["index"].shape(shrunk)
        small_shapes[0] = shrunk
    elif name == "reshape":
        small_shapes[0], params["shape"] = _refined(shapes[0], tuple(params["shape"]), smallest)
    elif "shape" in params:
        params["shape"] = of(params["shape"])
    operands = [
        _given(o, shape) if isinstance(o, Var) else o.value
        for o, shape in zip(step.operands, small_shapes, strict=True)
    ]
    return operands, params


def _shorter_index(
    index: Index, shape: Sequence[int], into: Mapping[int, int]
) -> tuple[tuple[int, ...], Index]:
    """An index with shorter slices, and the shape that it is taken of."""
    entries = list(index.entries)
    used = len([e for e in entries if e is not None and e != "..."])
    dots = entries.index("...") if "..." in entries else len(entries)
    entries[dots : dots + 1] = [("slice", None, None, None)] * (len(shape) - used)
    found: list[Any] = []
    sizes: list[int] = []
    axes = iter(shape)
    for e in entries:
        if e is None:
            found.append(None)
            continue
        n = next(axes)
        if not isinstance(e, tuple):
            at = min(e % n, 1) if e >= 0 else max(e, -2)
            found.append(at)
            sizes.append(min(n, 3))
            continue
        where = range(*slice(*e[1:]).indices(n))
        if len(where) == n or not len(where):
            found.append(e)
            sizes.append(into[n])
            continue
        # Two of its elements, at most two before and two behind.
        low, high = min(where[0], where[-1]), max(where[0], where[-1])
        kept, step = min(len(where), 2), where.step
        first, last = min(low, 2), min(low, 2) + (kept - 1) * abs(step)
        sizes.append(last + 1 + min(n - 1 - high, 2))
        start, stop = (first, last + 1) if step > 0 else (last, first - 1 if first else None)
        found.append(("slice", start, stop, step))
    return tuple(sizes), Index(tuple(found))


def _refined(
    old: Sequence[int], new: Sequence[int], smallest: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of a `reshape` at small sizes: axes that merge, or come apart, do so in the same places."""
    groups: list[tuple[list[int], list[int]]] = []
    left, right = list(old), list(new)
    while left or right:
        a = [left.pop(0)] if left else []
        b = [right.pop(0)] if right else []
        while math.prod(a) != math.prod(b):
            side, rest = (a, left) if math.prod(a) < math.prod(b) else (b, right)
            side.append(rest.pop(0))
        groups.append((a, b))
    before: list[int] = []
    after: list[int] = []
    for a, b in groups:
        parts = max(a, b, key=len)
        names = {n: smallest + k for k, n in enumerate(sorted({n for n in parts if n > 1}))} | {
            1: 1
        }
        if len(a) > 1 and len(b) > 1 and sorted(a) != sorted(b):
            names = {n: n for n in (*a, *b)}
        for side, found in ((a, before), (b, after)):
            if len(side) == 1 and side != parts:
                found.append(math.prod(names[n] for n in parts))
            else:
                found += [names[n] for n in side]
    return tuple(before), tuple(after)


def _shorter(step: Application) -> Case:
    """A loop of at most two iterations."""
    length = step.params["length"]
    few = min(length, 2) if isinstance(length, int) else 2
    fixed = step.params["consts"] + step.params["carries"]
    operands = [
        o.value
        if not isinstance(o, Var)
        else _given(o, tuple(o.shape) if n < fixed else (few, *o.shape[1:]))
        for n, o in enumerate(step.operands)
    ]
    return operands, {**step.params, "length": few}
