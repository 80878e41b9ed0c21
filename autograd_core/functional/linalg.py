"""Linear algebra under the names of ``numpy.linalg``; matrices are the last two axes.

``ag.linalg.norm`` takes an order, where ``ag.norm`` is the Euclidean one.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from .. import ops
from ..aliases import ArrayLike, Axis
from ..dtypes import widened
from ..errors import ConfigError, NotDifferentiableError, ShapeError
from ..ops.linalg import (
    cholesky as cholesky,
    cofactor as cofactor,
    det as det,
    pinv as pinv,
    slogdet as slogdet,
    solve as solve,
    solve_sylvester as solve_sylvester,
)
from ..ops.views import Index, concatenate
from ..tensors import Tensor
from .indexing import tril, triu
from .reductions import norm as euclidean
from .reshaping import atleast_2d, moveaxis, swapaxes
from .shared import answers, array_of, axes_of, axis_of, real_of

__all__ = [
    "block_diag",
    "cholesky",
    "cofactor",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "matrix_power",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_sylvester",
    "solve_triangular",
    "svd",
    "svdvals",
]


def _square(operation: str, a: ArrayLike) -> Tensor:
    t = array_of(operation, a)
    if len(t.shape) < 2 or t.shape[-1] != t.shape[-2]:
        raise ShapeError(f"{operation}: expected square matrices; received shape {t.shape}.")
    return t


@answers(np.linalg.inv)
def inv(a: ArrayLike) -> Tensor:
    """Inverse of square matrices.

    Parameters
    ----------
    a : array_like, shape (…, n, n)

    Raises
    ------
    ShapeError
        If one is not square or is singular.
    """
    t = _square("inv", a)
    eye = ops.cast(np.eye(t.shape[-1]), t.dtype) if t.dtype.kind == "f" else np.eye(t.shape[-1])
    return ops.solve(t, ops.broadcast_to(eye, t.shape))


@answers(np.linalg.eigh)
def eigh(a: ArrayLike, UPLO: Literal["L", "U"] = "L") -> Any:
    """Eigenvalues, rising, and eigenvectors of symmetric matrices; see `autograd_core.eigh`.

    Parameters
    ----------
    UPLO : str
        "L" or "U": the triangle that is read.
    """
    return ops.eigh(_square("eigh", a), UPLO)


@answers(np.linalg.eigvalsh)
def eigvalsh(a: ArrayLike, UPLO: Literal["L", "U"] = "L") -> Tensor:
    """Eigenvalues, rising, of symmetric matrices."""
    return eigh(a, UPLO)[0]


@answers(np.linalg.svd)
def svd(a: ArrayLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition ``a = u @ diag(s) @ vh``; see `autograd_core.svd`.

    Parameters
    ----------
    full_matrices : bool
        NumPy's default, True, has no derivative unless matrices are square: pass False.
    compute_uv : bool
        False: the singular values alone.

    Raises
    ------
    NotDifferentiableError
        If the full matrices are asked for of matrices that are not square.
    """
    t = array_of("svd", a)
    if compute_uv and full_matrices and len(t.shape) > 1 and t.shape[-1] != t.shape[-2]:
        raise NotDifferentiableError(
            f"svd: full_matrices=True of shape {t.shape}: the vectors beyond the smaller size are "
            "arbitrary and have no derivative. Pass full_matrices=False."
        )
    found = ops.svd(t)
    return found if compute_uv else found[1]


@answers(np.linalg.svdvals)
def svdvals(a: ArrayLike) -> Tensor:
    """Singular values, falling, shape (…, min(n, m))."""
    found: Tensor = ops.svd(array_of("svdvals", a))[1]
    return found


@answers(np.linalg.qr)
def qr(a: ArrayLike, mode: str = "reduced") -> Any:
    """``a = q @ r``; see `autograd_core.qr`.

    Raises
    ------
    NotDifferentiableError
        If the mode is not "reduced" or "r".
    """
    if mode not in ("reduced", "r"):
        raise NotDifferentiableError(
            f"qr: mode {mode!r:.40} is not supported on a Tensor; expected 'reduced' or 'r'."
        )
    q, r = ops.qr(array_of("qr", a))
    return r if mode == "r" else (q, r)


def solve_triangular(
    a: ArrayLike,
    b: ArrayLike,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
) -> Tensor:
    """Solution x of ``a @ x = b`` for a triangular ``a``; the other triangle is not read.

    Parameters
    ----------
    a : array_like, shape (…, n, n)
    b : array_like, shape (n,) or (…, n, m)
    trans : int or str
        0 or "N"; 1 or "T" for ``a.T @ x = b``.
    lower : bool
        Whether the lower triangle is meant.
    unit_diagonal : bool
        Take the diagonal as ones, without reading it.

    Raises
    ------
    ConfigError
        If ``trans`` is another.
    ShapeError
        If shapes do not fit, or there is a zero on the diagonal.

    Notes
    -----
    SciPy's name. The triangle is cut out and given to `solve`.
    """
    t = _square("solve_triangular", a)
    if trans not in (0, 1, "N", "T"):
        raise ConfigError(
            f"solve_triangular: expected trans 0, 1, 'N' or 'T'; received {trans!r:.40}."
        )
    inside = (tril if lower else triu)(t, (-1 if lower else 1) if unit_diagonal else 0)
    if unit_diagonal:
        inside = inside + np.eye(t.shape[-1], dtype=t.dtype if t.dtype.kind == "f" else None)
    if trans in (1, "T"):
        inside = swapaxes(inside, -1, -2)
    return ops.solve(inside, array_of("solve_triangular", b))


def block_diag(*arrays: ArrayLike) -> Tensor:
    """Matrices one after another on the diagonal, zeros elsewhere; vectors are rows (SciPy's name).

    Raises
    ------
    ShapeError
        If one has more than two dimensions, or there is none.
    """
    blocks = [atleast_2d(array_of("block_diag", a)) for a in arrays]
    if not blocks or any(len(b.shape) > 2 for b in blocks):
        shapes = ", ".join(str(b.shape) for b in blocks) or "none"
        raise ShapeError(
            f"block_diag: expected matrices, vectors or numbers, one or more; received {shapes}."
        )
    width, start, rows = sum(b.shape[1] for b in blocks), 0, []
    for b in blocks:
        n, m = b.shape
        rows.append(ops.embed(b, Index.of((slice(None), slice(start, start + m))), (n, width)))
        start += m
    return concatenate(rows)


@answers(np.linalg.matrix_power)
def matrix_power(a: ArrayLike, n: int) -> Tensor:
    """Square matrices to an integer power; negative powers are those of the inverse."""
    t = _square("matrix_power", a)
    if not hasattr(n, "__index__"):
        raise ConfigError(f"matrix_power: expected an integer power; received {n!r:.40}.")
    if n < 0:
        t, n = inv(t), -n
    if n == 0:
        eye = ops.cast(np.eye(t.shape[-1]), t.dtype)
        return ops.broadcast_to(eye, t.shape)
    while not n & 1:
        t, n = ops.matmul(t, t), n >> 1
    result = t
    while n := n >> 1:
        t = ops.matmul(t, t)
        if n & 1:
            result = ops.matmul(result, t)
    return result


@answers(np.linalg.norm)
def norm(x: ArrayLike, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Norm of vectors or matrices.

    Parameters
    ----------
    ord : int, float, inf, -inf, "fro" or "nuc", optional
        As in NumPy. Default: Euclidean (of all elements).
    axis : int or pair of int, optional
        One axis for vectors, two for matrices. Default: all axes, of which there are one or two.

    Raises
    ------
    ConfigError
        If there is no such norm.
    ShapeError
        If there are too many axes.

    Notes
    -----
    The derivative is 0 where the Euclidean norm is 0; ties of a maximum share it.
    """
    t = real_of("norm", x)
    if t.dtype.char == "e":  # its squares overflow from 256 on
        return ops.cast(norm(ops.cast(t, widened(t.dtype)), ord, axis, keepdims), t.dtype)
    if ord is None and axis is None:
        return euclidean(t, None, keepdims)
    axes: tuple[int, ...]
    if isinstance(axis, (tuple, list)):
        axes = tuple(axis_of("norm", a, t.shape) for a in axis)
        axes_of("norm", axes, t.shape)
    else:
        axes = axes_of("norm", axis, t.shape)
    if len(axes) == 1:
        return _vector_norm(t, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ShapeError(f"norm: expected one or two axes; received {len(axes)} of {t.shape}.")
    y = _matrix_norm(t, ord, axes)
    if not keepdims:
        return y
    return ops.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(t.shape)))


def _vector_norm(t: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if ord is None or ord == 2:
        return euclidean(t, axis, keepdims)
    size = ops.absolute(t)
    if isinstance(ord, str) or not isinstance(ord, (int, float, np.number)):
        raise ConfigError(f"norm: order {ord!r:.40} is not one of vectors; expected a number.")
    if ord == math.inf:
        return ops.max(size, axis, keepdims)
    if ord == -math.inf:
        return -ops.max(-size, axis, keepdims)
    if ord == 0:
        return ops.sum(ops.cast(ops.not_equal(t, 0), t.dtype), axis, keepdims)
    if ord == 1:
        return ops.sum(size, axis, keepdims)
    p = ord if isinstance(ord, (int, float)) else ord.item()
    return ops.power(ops.sum(ops.power(size, p), axis, keepdims), 1 / p)


def _matrix_norm(t: Tensor, ord: Any, axes: tuple[int, ...]) -> Tensor:
    rows, columns = axes
    if ord is None or ord == "fro":
        return euclidean(t, axes, False)
    if ord in (1, -1, math.inf, -math.inf):
        inner, outer = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = ops.sum(ops.absolute(t), inner)
        outer -= outer > inner
        return ops.max(sums, outer) if ord > 0 else -ops.max(-sums, outer)
    if ord in ("nuc", 2, -2):
        _, s, _ = ops.svd(moveaxis(t, axes, (-2, -1)))
        if ord == "nuc":
            return ops.sum(s, -1)
        return s[..., 0] if ord == 2 else s[..., -1]
    raise ConfigError(
        f"norm: order {ord!r:.40} is not one of matrices; expected 'fro', 'nuc', 1, -1, 2, -2, inf or "
        "-inf."
    )


def _refusal(name: str, why: str) -> None:
    """NumPy's function of this name raises an error that says why it has no gradient here."""

    @answers(getattr(np.linalg, name))
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NotDifferentiableError(f"np.linalg.{name}: not supported on a Tensor: {why}.")


_refusal("eig", "eigenvalues may be complex. Use ag.linalg.eigh for symmetric matrices")
_refusal("eigvals", "eigenvalues may be complex. Use ag.linalg.eigvalsh for symmetric matrices")
_refusal("lstsq", "use ag.linalg.pinv(a) @ b, or ag.linalg.qr and ag.linalg.solve")
_refusal("matrix_rank", "a rank is an integer. Use t.detach().numpy()")
_refusal("cond", "use ag.linalg.norm(a, 2) * ag.linalg.norm(ag.linalg.inv(a), 2)")
