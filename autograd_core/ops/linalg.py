"""Linear algebra through LAPACK: opaque to every evaluator but NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..aliases import ArrayLike, Params
from ..errors import ShapeError
from ..kinds import Opaque, View, shape_of
from ..primitives import primitive
from ..shapes import Shape

__all__ = ["slogdet", "solve"]


def _square(shape: Shape) -> None:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"expected a square matrix; received shape {shape}")


def _solve_shape(a: Shape, b: Shape) -> Shape:
    _square(a)
    if len(b) not in (1, 2) or b[0] != a[0]:
        raise ShapeError(
            f"expected a right-hand side of shape ({a[0]},) or ({a[0]}, m); received {b}"
        )
    return b


def _check_solve(operands: Any, params: Params) -> Params:
    _solve_shape(*map(shape_of, operands))
    return params


def _transposed(xp: Any, a: Any) -> Any:
    return xp.transpose(a, axes=(1, 0))


def _solve_left(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    w = xp.solve(_transposed(xp, a), g)
    if len(b.shape) == 1:
        return -(xp.reshape(w, shape=(a.shape[0], 1)) * y)
    return -xp.matmul(w, _transposed(xp, y))


@primitive(
    Opaque(_solve_shape),
    vjp=(_solve_left, lambda xp, g, y, a, b: xp.solve(_transposed(xp, a), g)),
    prepare=_check_solve,
    numpy=np.linalg.solve,
)
def solve(a: ArrayLike, b: ArrayLike) -> Any:
    """Solution x of ``a @ x = b``.

    Parameters
    ----------
    a : array_like, shape (n, n)
        Not singular.
    b : array_like, shape (n,) or (n, m)

    Returns
    -------
    Tensor, shape of ``b``

    Raises
    ------
    ShapeError
        If shapes do not fit, or ``a`` is singular.
    """
    return np.linalg.solve(a, b)


def _check_square(operands: Any, params: Params) -> Params:
    _square(shape_of(operands[0]))
    return params


def _slogdet_rule(xp: Any, g: Any, y: Any, a: Any) -> Any:
    inverse = xp.solve(_transposed(xp, a), xp.eye(size=a.shape[0], dtype=g[1].dtype))
    return g[1] * inverse


@primitive(
    Opaque(lambda a: [(), ()]),
    vjp=_slogdet_rule,
    prepare=_check_square,
    numpy=np.linalg.slogdet,
    outputs=2,
)
def slogdet(a: ArrayLike) -> Any:
    """Sign and logarithm of the absolute value of a determinant.

    Parameters
    ----------
    a : array_like, shape (n, n)

    Returns
    -------
    sign, logabsdet : Tensor, shape ()
        The sign has derivative zero; that of the logarithm is the transposed inverse.
    """
    sign, logabsdet = np.linalg.slogdet(a)
    return np.asarray(sign), np.asarray(logabsdet)


# The walk collects the cotangents of a tuple node by index, so this rule is never called.
@primitive(View(lambda t, index: ()), vjp=lambda xp, g, y, t, index: g, label="output {index}")
def pick(t: ArrayLike, index: int) -> Any:
    """One output of a primitive that has several."""
    return t[index]
