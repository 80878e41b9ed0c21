"""Products of arrays: dot in all its forms, outer, Kronecker and cross products."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike
from ..errors import ShapeError
from ..primitives import composite
from ..shapes import count
from ..tensors import Tensor
from .reshaping import expand_dims, moveaxis, stack
from .shared import answers, array_of, axis_of, shape_of

__all__ = [
    "cross",
    "dot",
    "inner",
    "kron",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]

composite(ops.einsum)
answers(np.linalg.matmul)(ops.matmul)


@composite
def dot(a: ArrayLike, b: ArrayLike) -> Tensor:
    """NumPy's dot: a scalar times, an inner or a matrix product.

    With more dimensions: over the last axis of ``a`` and the second to last of ``b``.
    """
    ranks = len(shape_of(a)), len(shape_of(b))
    if 0 in ranks:
        return ops.multiply(a, b)
    if ranks[0] > 2 or ranks[1] > 2:
        return tensordot(a, b, (-1, -2 if ranks[1] > 1 else -1))
    return ops.matmul(a, b)


@composite
@answers(np.linalg.outer)
def outer(a: ArrayLike, b: ArrayLike) -> Tensor:
    """All products ``a[i] * b[j]`` of two flattened operands."""
    return ops.multiply(ops.reshape(a, (-1, 1)), ops.reshape(b, (1, -1)))


@composite
def inner(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Sum of products over the last axes; for scalars, the product."""
    s, t = array_of("inner", a), array_of("inner", b)
    if not s.shape or not t.shape:
        return ops.multiply(s, t)
    return _contracted("inner", s, t, [len(s.shape) - 1], [len(t.shape) - 1])


@composite
def vdot(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Sum of products of two flattened operands."""
    flat = [ops.reshape(array_of("vdot", x), (count(shape_of(x)),)) for x in (a, b)]
    return _contracted("vdot", flat[0], flat[1], [0], [0])


@composite
@answers(np.linalg.vecdot)
def vecdot(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Inner products of vectors along the last axis; other axes broadcast."""
    s, t = array_of("vecdot", a), array_of("vecdot", b)
    return _lines("vecdot", _expanded(s, -2), _expanded(t, -1), (-1, -2))


@composite
def matvec(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Products of matrices (…, n, m) and vectors (…, m); leading axes broadcast."""
    s, t = array_of("matvec", a), array_of("matvec", b)
    return _lines("matvec", s, _expanded(t, -1), (-1,))


@composite
def vecmat(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Products of vectors (…, n) and matrices (…, n, m); leading axes broadcast."""
    s, t = array_of("vecmat", a), array_of("vecmat", b)
    return _lines("vecmat", _expanded(s, -2), t, (-2,))


def _expanded(t: Tensor, axis: int) -> Tensor:
    """A vector as a matrix of one column (-1) or row (-2); a scalar as it is, to be refused."""
    return expand_dims(t, axis) if t.shape else t


def _lines(operation: str, a: Tensor, b: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The product of matrices, less the axes that vectors were given."""
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise ShapeError(
            operation,
            "expected vectors of one dimension or more, and matrices of two; received "
            f"{a.shape} and {b.shape} as matrices.",
        )
    y = ops.matmul(a, b)
    rank = len(y.shape)
    return ops.reshape(y, tuple(n for i, n in enumerate(y.shape) if i - rank not in axes))


@composite
@answers(np.linalg.tensordot)
def tensordot(a: ArrayLike, b: ArrayLike, axes: Any = 2) -> Tensor:
    """Sum of products over pairs of axes.

    Parameters
    ----------
    axes : int or pair
        So many last axes of ``a`` with as many first axes of ``b``; or the axes of ``a`` and those of
        ``b``, each an int or a sequence.

    Raises
    ------
    ShapeError
        If axes or their sizes do not agree.
    """
    s, t = array_of("tensordot", a), array_of("tensordot", b)
    if hasattr(axes, "__index__"):
        n = axes.__index__()
        if not 0 <= n <= min(len(s.shape), len(t.shape)):
            raise ShapeError(
                "tensordot", f"{n} axes do not fit operands of shape {s.shape} and {t.shape}."
            )
        pairs: list[Any] = [list(range(len(s.shape) - n, len(s.shape))), list(range(n))]
    else:
        try:
            pairs = [[v] if hasattr(v, "__index__") else list(v) for v in axes]
            left, right = pairs
        except (TypeError, ValueError):
            raise ShapeError(
                "tensordot", f"expected a number of axes, or a pair of axes; received {axes!r:.60}."
            ) from None
        if len(left) != len(right):
            raise ShapeError(
                "tensordot", f"{len(left)} axes of a for {len(right)} axes of b; expected as many."
            )
        pairs = [
            [axis_of("tensordot", v, x.shape) for v in part] for part, x in ((left, s), (right, t))
        ]
    return _contracted("tensordot", s, t, *pairs)


def _contracted(operation: str, a: Tensor, b: Tensor, left: list[int], right: list[int]) -> Tensor:
    """One matrix product over pairs of axes."""
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j]:
            raise ShapeError(
                operation,
                f"sizes differ: {a.shape[i]} (axis {i} of shape {a.shape}) and "
                f"{b.shape[j]} (axis {j} of shape {b.shape}).",
            )
    rows = [i for i in range(len(a.shape)) if i not in left]
    columns = [j for j in range(len(b.shape)) if j not in right]
    size = count(a.shape, left)
    m = ops.reshape(ops.transpose(a, (*rows, *left)), (count(a.shape, rows), size))
    n = ops.reshape(ops.transpose(b, (*right, *columns)), (size, count(b.shape, columns)))
    shape = (*(a.shape[i] for i in rows), *(b.shape[j] for j in columns))
    return ops.reshape(ops.matmul(m, n), shape)


@composite
def kron(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Kronecker product: blocks of ``b``, each times an element of ``a``."""
    s, t = array_of("kron", a), array_of("kron", b)
    ndim = max(len(s.shape), len(t.shape))
    left, right = ((*(1,) * (ndim - len(x.shape)), *x.shape) for x in (s, t))
    wide = ops.reshape(s, tuple(v for n in left for v in (n, 1)))
    wide = wide * ops.reshape(t, tuple(v for n in right for v in (1, n)))
    return ops.reshape(wide, tuple(m * n for m, n in zip(left, right, strict=True)))


@composite
def cross(
    a: ArrayLike,
    b: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Tensor:
    """Cross product of vectors of three components; other axes broadcast.

    Raises
    ------
    ShapeError
        If vectors have another size. (NumPy's two components are deprecated there.)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    parts = []
    for x, along in ((a, axisa), (b, axisb)):
        t = array_of("cross", x)
        t = moveaxis(t, axis_of("cross", along, t.shape), 0)
        if t.shape[0] != 3:
            raise ShapeError("cross", f"expected vectors of size 3; received shape {shape_of(x)}.")
        parts.append((t[0], t[1], t[2]))
    (a0, a1, a2), (b0, b1, b2) = parts
    return stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axisc)
