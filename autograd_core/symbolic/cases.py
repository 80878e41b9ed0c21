"""Small operands for each primitive, at which `prove.rule` decides its VJP rules.

Elementwise primitives get every broadcasting pattern of two axes from their kind alone; the others
need operands that fit, and have a row here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..kinds import Call, Elementwise, Loop
from ..ops import exp
from ..ops.indexing import Pattern
from ..ops.views import Index
from ..primitives import Primitive
from ..program import Program
from ..tracing import trace
from ..transforms import scan

__all__ = ["cases_of"]

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
    "identity_": [(_floats((2,)), {})],
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
