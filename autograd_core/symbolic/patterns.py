"""Operands of symbolic shape for each primitive: every broadcasting pattern of its kind.

`prove.rule` decides a rule at these for every size at once, and at the fixed shapes of `cases`
what moves elements by an amount (slices, joins, scans) or is a call that only NumPy can make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..kinds import Elementwise
from ..ops.indexing import Pattern
from ..ops.views import Index
from ..primitives import Primitive
from ..shapes import Dim

__all__ = ["MOVES", "RULES", "Use", "patterns_of", "uses_of"]

RULES = (
    "the VJP rules of {} are its derivatives, for every cotangent"  # what is claimed of a primitive
)

Case = tuple[Sequence[Any], Mapping[str, Any]]

R, M, N, P = map(Dim.named, "RMNP")


def _floats(*shapes: tuple[Any, ...]) -> tuple[Abstract, ...]:
    return tuple(Abstract(shape) for shape in shapes)


def _labels(*shape: Any) -> Abstract:
    return Abstract(shape, np.dtype(np.int64))


# One operand: a scalar, an axis, an axis of size 1 beside another.
_ALONE = ((), (M,), (M, 1), (M, N))
# Two: equal shapes; missing axes; axes of size 1 on either side, on both, and as all there is.
_PAIRS = (
    ((M, N), (M, N)),
    ((M, N), (N,)),
    ((N,), (M, N)),
    ((M, N), (M, 1)),
    ((1, N), (M, N)),
    ((M, 1), (1, N)),
    ((), (M,)),
    ((M,), ()),
    ((M,), (1,)),
    ((R, M, N), (M, 1)),
    ((R, 1, N), (M, 1)),
)
_TRIPLES = (
    ((M, N), (M, N), (M, N)),
    ((M, 1), (N,), (M, N)),
    ((M, N), (), (M, 1)),
)
_MATRICES = (
    ((M, N), (N, P)),
    ((N,), (N,)),
    ((M, N), (N,)),
    ((N,), (N, P)),
    ((R, M, N), (R, N, P)),
    ((R, M, N), (N, P)),
    ((R, 1, N), (1, N, P)),
    ((M, 1), (1, P)),
    ((R, M, N), (N,)),
    ((N,), (R, N, P)),
)
_FOLDS = (
    ((M, N), {"axis": (0,), "keepdims": False}),
    ((M, N), {"axis": (1,), "keepdims": False}),
    ((M, N), {"axis": (1,), "keepdims": True}),
    ((M, N), {"axis": None, "keepdims": False}),
    ((M, N), {"axis": (), "keepdims": False}),
    ((M, 1), {"axis": (1,), "keepdims": True}),
    ((M, 1, N), {"axis": (0, 1), "keepdims": False}),
)

_PATTERNS: dict[str, list[Case]] = {
    "affine": [
        (_floats((M, N), (N, P), (P,)), {}),
        (_floats((N,), (N, P), (P,)), {}),
        (_floats((R, M, N), (N, P), (P,)), {}),
        (_floats((M, 1), (1, P), (P,)), {}),
    ],
    "broadcast_to": [
        (_floats((M, 1)), {"shape": (R, M, N)}),
        (_floats(()), {"shape": (M,)}),
        (_floats((N,)), {"shape": (M, N)}),
    ],
    "cast": [(_floats((M, N)), {"dtype": np.float32})],
    "concatenate_": [
        (_floats((M, N), (M, N)), {"axis": 1}),
        (_floats((M, N), (M, N), (M, N)), {"axis": 0}),
    ],
    "einsum_": [
        (_floats(*shapes), {"subscripts": subscripts})
        for subscripts, *shapes in (
            ("ij,jk->ik", (M, N), (N, P)),
            ("ii->", (M, M)),
            ("ii->i", (M, M)),
            ("iij->j", (M, M, N)),
            ("ij,i->j", (M, N), (M,)),
            ("i,j->", (M,), (N,)),
            ("i,j->ij", (M,), (N,)),
            ("ij,ij->", (M, N), (M, N)),
            ("ij,jk,k->i", (M, N), (N, P), (P,)),
            ("ij->ji", (M, N)),
            ("ij->", (M, N)),
            ("ij,ij->ij", (M, 1), (M, 1)),
        )
    ],
    "einsum_still": [
        (_floats(*shapes), {"subscripts": subscripts, "zeros": (0,)})
        for subscripts, *shapes in (
            ("ij,jk->ik", (M, N), (N, P)),
            ("i,j->ij", (M,), (N,)),
            ("ij,jk,k->i", (M, N), (N, P), (P,)),
        )
    ],
    "embed": [
        (_floats((N,)), {"index": Index.of((0,)), "shape": (M, N)}),
        (_floats((M, N)), {"index": Index.of((slice(None), slice(N, 2 * N))), "shape": (M, 3 * N)}),
    ],
    "gather": [
        ((*_floats((N,)), _labels(M)), {"pattern": Pattern(("#",))}),
        ((*_floats((N, P)), _labels(R, M)), {"pattern": Pattern(("#",))}),
        ((*_floats((N, P)), _labels(M), _labels(M)), {"pattern": Pattern(("#", "#"))}),
        ((*_floats((N, P)), _labels(R, 1), _labels(M)), {"pattern": Pattern(("#", "#"))}),
    ],
    "identity": [(_floats((M,)), {})],
    "logsumexp": [(_floats(shape), params) for shape, params in _FOLDS],
    "matmul": [(_floats(*shapes), {}) for shapes in _MATRICES],
    "matmul_still": [(_floats(*shapes), {"zeros": (1,)}) for shapes in _MATRICES],
    "max": [
        (_floats((M, N)), {"axis": (1,), "keepdims": False}),
        (_floats((M, N)), {"axis": (0,), "keepdims": True}),
        (_floats((M,)), {"axis": None, "keepdims": False}),
        (_floats((M, 1)), {"axis": (1,), "keepdims": False}),
    ],
    "ierfcx": [(_floats((M,)), {"n": n}) for n in (1, 2, 3)],
    "polygamma": [(_floats((M,)), {"n": n}) for n in (0, 1, 2)],
    "power": [(_floats(*shapes), {}) for shapes in _PAIRS]
    + [((*_floats((M,)), n), {}) for n in (2, 3, -2, 0.5, 0.3, 2.2)]
    + [((2, *_floats((M,))), {})],
    "put_along_axis": [
        ((*_floats((M, N)), _labels(M, N)), {"axis": 1, "size": P}),
        ((*_floats((M, 1)), _labels(M, 1)), {"axis": 1, "size": N}),
    ],
    "reshape": [
        (_floats((M, N)), {"shape": (M, 1, N)}),
        (_floats((1, M, 1)), {"shape": (M,)}),
        (_floats((M, N)), {"shape": (M, N)}),
        (_floats((M, N * P)), {"shape": (M * N, P)}),
    ],
    "scatter_add": [
        ((*_floats((M,)), _labels(M)), {"pattern": Pattern(("#",)), "shape": (N,)}),
        ((*_floats((R, M, P)), _labels(R, M)), {"pattern": Pattern(("#",)), "shape": (N, P)}),
        ((*_floats((M,)), _labels(M), _labels(M)), {"pattern": Pattern(("#", "#")), "shape": (N, P)}),
    ],
    "slice_": [
        (_floats((M, N)), {"index": Index.of((0,))}),
        (_floats((M, N)), {"index": Index.of((slice(None), None, 1))}),
        (_floats((M, N)), {"index": Index.of((Ellipsis, None))}),
        (_floats((M, 3 * N)), {"index": Index.of((slice(None), slice(N, 2 * N)))}),
    ],
    "softmax_cross_entropy": [((*_floats((M, N)), _labels(M)), {})],
    "squared_distance": [(_floats(*shapes), {}) for shapes in _PAIRS],
    "sum": [(_floats(shape), params) for shape, params in _FOLDS],
    "take_along_axis": [
        ((*_floats((M, N)), _labels(M, P)), {"axis": 1}),
        ((*_floats((M, N)), _labels(M, 1)), {"axis": 1}),
        ((*_floats((M, N)), _labels(R, N)), {"axis": 0}),
    ],
    "transpose": [
        (_floats((M, N)), {"axes": None}),
        (_floats((M, 1, N)), {"axes": (2, 0, 1)}),
    ],
    "where": [((_labels(*s[0]), *_floats(*s[1:])), {}) for s in _TRIPLES],
}  # fmt: skip

# The derivative in the order or in the first parameter has no closed form: those are whole numbers.
_PATTERNS |= {
    name: [((_labels(*s), *_floats(t)), {}) for s, t in _PAIRS]
    for name in ("gammainc", "gammaincc", "gammainccx", "gammaincx", "iv", "ive", "jv", "kv", "yv")
}
# Powers of the order's half: each whole order for itself.
_PATTERNS["stdtr"] = [((df, *_floats((M,))), {}) for df in (1, 2, 3, 4, 5)]
for _name in ("betainc", "betaincc", "betaincx"):
    _PATTERNS[_name] = [((_labels(*s), _labels(*t), *_floats(u)), {}) for s, t, u in _TRIPLES]


# These have cases at fixed shapes, too: they may merge axes, or take part of one.
MOVES = frozenset(["concatenate_", "embed", "reshape", "slice_"])


@dataclass(frozen=True)
class Use:
    """How a graph uses the rules of one operation.

    Attributes
    ----------
    asked : tuple of int
        The positions of the operands that a cotangent is wanted for.
    outputs : tuple of int
        The outputs that have a cotangent; a joint rule is given None for the others.
    """

    asked: tuple[int, ...]
    outputs: tuple[int, ...]

    def __str__(self) -> str:
        asked, outputs = (", ".join(map(str, part)) for part in (self.asked, self.outputs))
        return f" of outputs {outputs} by operands {asked}"


def uses_of(p: Primitive, operands: Sequence[Any], params: Mapping[str, Any]) -> list[Use]:
    """Uses of fewer than all operands and outputs, each of them alone, and all but each.

    Rules that are joint are told which operands are asked for, and may differ by that.
    """
    result = p.abstract(
        tuple(operands), p.prepare(operands, dict(params)) if p.prepare else dict(params)
    )
    count = len(result) if isinstance(result, tuple) else 1
    floats = [n for n, o in enumerate(operands) if isinstance(o, Abstract) and o.dtype.kind == "f"]
    every = tuple(floats), tuple(range(count))
    found = [Use(part, every[1]) for part in _parts(every[0])]
    return found + [Use(every[0], part) for part in _parts(every[1])]


def _parts(whole: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Each alone, and all but each."""
    if len(whole) < 2:
        return []
    rest = [tuple(n for n in whole if n != one) for one in whole]
    return list(dict.fromkeys([*((n,) for n in whole), *rest]))


def patterns_of(p: Primitive) -> list[Case]:
    """Operands of symbolic shape and params; empty where none are known."""
    if p.name in _PATTERNS:
        return _PATTERNS[p.name]
    if not isinstance(p.kind, Elementwise) or p.variadic:
        return []
    shapes: dict[int, Sequence[Any]] = {1: [(s,) for s in _ALONE], 2: _PAIRS, 3: _TRIPLES}
    return [(_floats(*s), {}) for s in shapes.get(p.arity, ())]
