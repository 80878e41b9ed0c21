"""Linear algebra under the names of ``numpy.linalg``; matrices are the last two axes.

``ag.linalg.norm`` takes an order, where ``ag.norm`` is the Euclidean one.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Literal

import numpy as np

from .. import ops
from ..aliases import ArrayLike, Axis
from ..dtypes import widened
from ..errors import ConfigError, NotDifferentiableError, ShapeError
from ..ops.linalg import (
    cofactor as cofactor,
    det as det,
    pinv as pinv,
    slogdet as slogdet,
    solve as solve,
    solve_sylvester as solve_sylvester,
)
from ..ops.views import Index, concatenate
from ..primitives import told
from ..shapes import count
from ..tensors import Tensor
from .indexing import diagonal as diagonal_of, tril, triu
from .products import cross as cross_of
from .reductions import norm as euclidean
from .reshaping import atleast_2d, moveaxis, swapaxes
from .shared import answers, array_of, axes_of, axis_of, real_of, sequence_of

__all__ = [
    "block_diag",
    "cholesky",
    "cofactor",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_sylvester",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vector_norm",
]


def _square(operation: str, a: ArrayLike) -> Tensor:
    t = array_of(operation, a)
    if len(t.shape) < 2 or t.shape[-1] != t.shape[-2]:
        raise ShapeError(operation, f"expected square matrices; received shape {t.shape}.")
    return t


@answers(np.linalg.cholesky)
def cholesky(a: ArrayLike, upper: bool = False) -> Tensor:
    """Lower triangle L with ``L @ L.T = a``, or the upper U with ``U.T @ U = a``; see `autograd_core.cholesky`.

    Parameters
    ----------
    a : array_like, shape (…, n, n)
    upper : bool
        Which triangle is given, and alone read.
    """
    t = array_of("cholesky", a)
    if not upper or len(t.shape) < 2:
        return ops.cholesky(t)
    return swapaxes(ops.cholesky(swapaxes(t, -1, -2)), -1, -2)


@answers(np.linalg.inv)
def inv(a: ArrayLike) -> Tensor:
    """Inverse of square matrices.

    Parameters
    ----------
    a : array_like, shape (…, n, n)

    Raises
    ------
    ShapeError
        If one is not square.
    SingularError
        If one is singular.
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
            "svd",
            f"full_matrices=True of shape {t.shape}: the vectors beyond the smaller size are "
            "arbitrary and have no derivative. Pass full_matrices=False.",
        )
    factors = ops.svd(t)
    return factors if compute_uv else factors[1]


@answers(np.linalg.svdvals)
def svdvals(a: ArrayLike) -> Tensor:
    """Singular values, falling, shape (…, min(n, m))."""
    found: Tensor = ops.svd(array_of("svdvals", a))[1]
    return found


@answers(np.linalg.qr)
def qr(a: ArrayLike, mode: str = "reduced") -> Any:
    """``a = q @ r``; see `autograd_core.qr`, which takes as many rows as columns, or more.

    With fewer rows the first columns are to be independent where a gradient is wanted.

    Raises
    ------
    NotDifferentiableError
        If the mode is not "reduced" or "r".
    """
    if mode not in ("reduced", "r"):
        raise NotDifferentiableError(
            "qr", f"mode {mode!r:.40} is not supported on a Tensor; expected 'reduced' or 'r'."
        )
    t = array_of("qr", a)
    rows = t.shape[-2] if len(t.shape) > 1 else 0
    if len(t.shape) > 1 and isinstance(rows, int) and rows < t.shape[-1]:
        # Of more columns than rows the first ones give q, and the others are written in it.
        q, r = ops.qr(t[..., :rows])
        r = concatenate([r, ops.matmul(swapaxes(q, -1, -2), t[..., rows:])], -1)
    else:
        q, r = ops.qr(t)
    return r if mode == "r" else (q, r)


@told
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
        If shapes do not fit.
    SingularError
        If there is a zero on the diagonal.

    Notes
    -----
    SciPy's name. The triangle is cut out and given to `solve`.
    """
    t = _square("solve_triangular", a)
    if trans not in (0, 1, "N", "T"):
        raise ConfigError(
            "solve_triangular", f"expected trans 0, 1, 'N' or 'T'; received {trans!r:.40}."
        )
    inside = (tril if lower else triu)(t, (-1 if lower else 1) if unit_diagonal else 0)
    if unit_diagonal:
        inside = inside + np.eye(t.shape[-1], dtype=t.dtype if t.dtype.kind == "f" else None)
    if trans in (1, "T"):
        inside = swapaxes(inside, -1, -2)
    return ops.solve(inside, array_of("solve_triangular", b))


@told
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
            "block_diag", f"expected matrices, vectors or numbers, one or more; received {shapes}."
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
        raise ConfigError("matrix_power", f"expected an integer power; received {n!r:.40}.")
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
    The derivative is 0 where the norm is 0, and for orders below 1 in each element that is 0; ties of
    a maximum share it.
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
        raise ShapeError("norm", f"expected one or two axes; received {len(axes)} of {t.shape}.")
    y = _matrix_norm(t, ord, axes)
    if not keepdims:
        return y
    return ops.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(t.shape)))


def _vector_norm(t: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if ord is None or ord == 2:
        return euclidean(t, axis, keepdims)
    size = ops.absolute(t)
    if isinstance(ord, str) or not isinstance(ord, (int, float, np.number)):
        raise ConfigError("norm", f"order {ord!r:.40} is not one of vectors; expected a number.")
    if ord == math.inf:
        return ops.max(size, axis, keepdims)
    if ord == -math.inf:
        return -ops.max(-size, axis, keepdims)
    if ord == 0:
        return ops.sum(ops.cast(ops.not_equal(t, 0), t.dtype), axis, keepdims)
    if ord == 1:
        return ops.sum(size, axis, keepdims)
    p = ord if isinstance(ord, (int, float)) else ord.item()
    return _rooted(ops.sum(_rooted(size, p), axis, keepdims), 1 / p)


def _rooted(size: Tensor, p: float) -> Tensor:
    """A power of what is not negative, with derivative 0 where it is 0."""
    zero = ops.equal(size, 0)
    return ops.where(zero, 0 if p > 0 else math.inf, ops.power(ops.where(zero, 1, size), p))


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
        "norm",
        f"order {ord!r:.40} is not one of matrices; expected 'fro', 'nuc', 1, -1, 2, -2, inf or "
        "-inf.",
    )


@answers(np.linalg.vector_norm)
def vector_norm(x: ArrayLike, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    """Norm of vectors along axes, of all elements by default; orders as in `norm` of one axis."""
    t = array_of("vector_norm", x)
    axes = axes_of("vector_norm", axis, t.shape)
    kept = [i for i in range(len(t.shape)) if i not in axes]
    sizes = tuple(t.shape[i] for i in kept)
    rows = ops.reshape(ops.transpose(t, (*kept, *axes)), (*sizes, count(t.shape, axes)))
    y = _vector_norm(rows, ord, len(kept), False)
    if not keepdims:
        return y
    return ops.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(t.shape)))


@answers(np.linalg.matrix_norm)
def matrix_norm(x: ArrayLike, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """Norm of matrices, the last two axes; orders as in `norm` of two axes."""
    t = array_of("matrix_norm", x)
    if len(t.shape) < 2:
        raise ShapeError(
            "matrix_norm", f"expected two dimensions or more; received shape {t.shape}."
        )
    return norm(t, ord, (-2, -1), keepdims)


@answers(np.linalg.diagonal)
def diagonal(x: ArrayLike, offset: int = 0) -> Tensor:
    """Diagonals of matrices, the last two axes."""
    return diagonal_of(x, offset, -2, -1)


@answers(np.linalg.trace)
def trace(x: ArrayLike, offset: int = 0, dtype: Any = None) -> Tensor:
    """Sum of the diagonals of matrices, the last two axes."""
    found = diagonal_of(x, offset, -2, -1)
    return ops.sum(found if dtype is None else ops.cast(found, dtype), -1)


@answers(np.linalg.cross)
def cross(x1: ArrayLike, x2: ArrayLike, axis: int = -1) -> Tensor:
    """Cross product of vectors of three components; see `autograd_core.cross`."""
    return cross_of(x1, x2, axis=axis)


@answers(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Tensor:
    """Product of a chain of matrices, in the order of fewest multiplications.

    The first may be a row, the last a column, each a vector.

    Raises
    ------
    ShapeError
        If there are fewer than two, or shapes do not fit.
    """
    chain = sequence_of("multi_dot", arrays)
    if len(chain) < 2:
        raise ShapeError("multi_dot", f"expected two arrays or more; received {len(chain)}.")
    ends = len(chain[0].shape) == 1, len(chain[-1].shape) == 1
    if ends[0]:
        chain[0] = ops.reshape(chain[0], (1, -1))
    if ends[1]:
        chain[-1] = ops.reshape(chain[-1], (-1, 1))
    if any(len(t.shape) != 2 for t in chain):
        shapes = ", ".join(str(t.shape) for t in chain)
        raise ShapeError(
            "multi_dot", f"expected matrices, and vectors at the ends alone; received {shapes}."
        )
    y = _product(chain)
    kept = tuple(n for n, end in zip(y.shape, ends, strict=True) if not end)
    return ops.reshape(y, kept) if any(ends) else y


def _product(chain: list[Tensor]) -> Tensor:
    """The product of matrices, in the order that the textbook's dynamic program finds."""
    sizes = [chain[0].shape[0], *(t.shape[1] for t in chain)]
    best: dict[tuple[int, int], tuple[Any, int]] = {(i, i): (0, i) for i in range(len(chain))}
    if not all(isinstance(n, int) for n in sizes):
        return functools.reduce(ops.matmul, chain)
    for length in range(1, len(chain)):
        for i in range(len(chain) - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def of(i: int, j: int) -> Tensor:
        if i == j:
            return chain[i]
        k = best[i, j][1]
        return ops.matmul(of(i, k), of(k + 1, j))

    return of(0, len(chain) - 1)


@answers(np.linalg.tensorinv)
def tensorinv(a: ArrayLike, ind: int = 2) -> Tensor:
    """Inverse of `tensordot` over the first ``ind`` axes: of the matrix whose columns they index.

    Raises
    ------
    ShapeError
        If the first and the last axes do not hold as many elements.
    ConfigError
        If ``ind`` is no positive integer.
    """
    t = array_of("tensorinv", a)
    if not hasattr(ind, "__index__") or not ind > 0:
        raise ConfigError("tensorinv", f"expected a positive integer ind; received {ind!r:.40}.")
    rows, columns = t.shape[:ind], t.shape[ind:]
    if not t.shape or count(rows) != count(columns):
        raise ShapeError(
            "tensorinv",
            f"expected as many elements in the first {ind} axes as in the others; received {t.shape}.",
        )
    square = ops.reshape(t, (count(rows), count(columns)))
    return ops.reshape(inv(square), (*columns, *rows))


@answers(np.linalg.tensorsolve)
def tensorsolve(a: ArrayLike, b: ArrayLike, axes: Any = None) -> Tensor:
    """Solution x of ``tensordot(a, x, x.ndim) = b``.

    Parameters
    ----------
    axes : sequence of int, optional
        Axes of ``a`` to move to the end first.

    Raises
    ------
    ShapeError
        If ``a`` is not square as a matrix of ``b``'s elements.
    """
    t, v = array_of("tensorsolve", a), array_of("tensorsolve", b)
    if axes is not None:
        chosen = [axis_of("tensorsolve", i, t.shape) for i in axes]
        t = ops.transpose(t, (*(i for i in range(len(t.shape)) if i not in chosen), *chosen))
    unknown = t.shape[len(v.shape) :]
    if count(unknown) != count(v.shape) or count(t.shape) != count(v.shape) ** 2:
        raise ShapeError(
            "tensorsolve",
            f"a of shape {t.shape} does not fit b of shape {v.shape}: expected as many elements of "
            "b as of the axes of a that come after those of b.",
        )
    n = count(v.shape)
    solution = ops.solve(ops.reshape(t, (n, n)), ops.reshape(v, (n,)))
    return ops.reshape(solution, unknown)


def _refusal(name: str, why: str) -> None:
    """NumPy's function of this name raises an error that says why it has no gradient here."""

    @answers(getattr(np.linalg, name))
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NotDifferentiableError(f"np.linalg.{name}", f"not supported on a Tensor: {why}.")


_refusal("eig", "eigenvalues may be complex. Use ag.linalg.eigh for symmetric matrices")
_refusal("eigvals", "eigenvalues may be complex. Use ag.linalg.eigvalsh for symmetric matrices")
_refusal("lstsq", "use ag.linalg.pinv(a) @ b, or ag.linalg.qr and ag.linalg.solve")
_refusal("matrix_rank", "a rank is an integer. Use t.detach().numpy()")
_refusal("cond", "use ag.linalg.norm(a, 2) * ag.linalg.norm(ag.linalg.inv(a), 2)")
