"""The array API standard's extension ``linalg``, and what of it stands in the main namespace too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from .. import functional as _f, ops as _o
from ..aliases import ArrayLike, Axis
from ..errors import ConfigError, ShapeError
from ..functional import linalg as _l, outer as outer, tensordot as tensordot
from ..functional.linalg import (
    det as det,
    eigvalsh as eigvalsh,
    inv as inv,
    matrix_power as matrix_power,
    solve as solve,
)
from ..ops import matmul as matmul
from ..tensors import Tensor, leaf


class EighResult(NamedTuple):
    """Eigenvalues in rising order, and eigenvectors in columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """``Q @ R``: orthonormal columns, and an upper triangle."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """Sign and logarithm of the magnitude of a determinant."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """``(U * S[..., None, :]) @ Vh``."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def matrix_transpose(x: ArrayLike, /) -> Tensor:
    """The last two axes, exchanged.

    Raises
    ------
    ShapeError
        If there are fewer.
    """
    if len(x.shape if type(x) is Tensor else np.shape(x)) < 2:
        raise ShapeError(
            "matrix_transpose", f"expected two axes or more; received shape {np.shape(x)}."
        )
    return _f.swapaxes(x, -1, -2)


def vecdot(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Tensor:
    """Sum of products along an axis, the others broadcast."""
    a, b = _f.moveaxis(x1, axis, -1), _f.moveaxis(x2, axis, -1)
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(
            "vecdot", f"sizes along axis {axis} differ: {a.shape[-1]} and {b.shape[-1]}."
        )
    return _f.vecdot(a, b)


def cholesky(x: ArrayLike, /, *, upper: bool = False) -> Tensor:
    """Lower triangle L with ``L @ L.T = x``, or its transpose."""
    return matrix_transpose(_l.cholesky(x)) if upper else _l.cholesky(x)


def cross(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Tensor:
    """Cross product of vectors of three along an axis."""
    return _f.cross(x1, x2, axis=axis)


def diagonal(x: ArrayLike, /, *, offset: int = 0) -> Tensor:
    """The diagonal of each matrix."""
    return _f.diagonal(x, offset, -2, -1)


def trace(x: ArrayLike, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """Sum of the diagonal of each matrix."""
    found = _o.sum(diagonal(x if dtype is None else _o.cast(x, dtype), offset=offset), -1)
    return found if dtype is None else _o.cast(found, dtype)


def _plain(x: ArrayLike) -> Any:
    """The array of what asks for no gradient and is not square, None of the rest."""
    if type(x) is Tensor and x.requires_grad:
        return None
    shape = x.shape if type(x) is Tensor else np.shape(x)
    return np.asarray(x) if len(shape) > 1 and shape[-1] != shape[-2] else None


def eigh(x: ArrayLike, /) -> EighResult:
    """Eigenvalues and eigenvectors of symmetric matrices."""
    return EighResult(*_l.eigh(x))


def qr(x: ArrayLike, /, *, mode: Literal["reduced", "complete"] = "reduced") -> QRResult:
    """Orthonormal columns and an upper triangle whose product is ``x``.

    With a gradient only where there are as many rows as columns, or more and "reduced".
    """
    array = _plain(x)
    if array is not None:
        return QRResult(*map(leaf, np.linalg.qr(array, mode)))
    return QRResult(*_l.qr(x, mode))


def slogdet(x: ArrayLike, /) -> SlogdetResult:
    """Sign and logarithm of the magnitude of determinants."""
    return SlogdetResult(*_l.slogdet(x))


def svd(x: ArrayLike, /, *, full_matrices: bool = True) -> SVDResult:
    """Singular value decomposition, with a gradient if square or without ``full_matrices``."""
    array = _plain(x) if full_matrices else None
    if array is not None:
        return SVDResult(*map(leaf, np.linalg.svd(array)))
    return SVDResult(*_l.svd(x, full_matrices))


def svdvals(x: ArrayLike, /) -> Tensor:
    """Singular values, falling."""
    return _l.svd(x, False)[1]


def pinv(x: ArrayLike, /, *, rtol: ArrayLike | None = None) -> Tensor:
    """Moore-Penrose inverse, of matrices of full rank.

    Raises
    ------
    ConfigError
        If ``rtol`` is given: no singular value is taken for 0.
    """
    if rtol is not None:
        raise ConfigError("pinv", "rtol is not supported; the matrices must be of full rank.")
    return _l.pinv(x)


def matrix_rank(x: ArrayLike, /, *, rtol: ArrayLike | None = None) -> Tensor:
    """Number of singular values above ``rtol`` times the largest; no gradient."""
    array = x.data if type(x) is Tensor else np.asarray(x)
    if array.ndim < 2:
        raise ShapeError("matrix_rank", f"expected matrices; received shape {array.shape}.")
    values = np.linalg.svd(array, compute_uv=False)
    if rtol is None:
        rtol = max(array.shape[-2:]) * np.finfo(values.dtype).eps
    limit = values.max(-1, initial=0.0, keepdims=True) * np.asarray(rtol)[..., None]
    return leaf(np.asarray(np.count_nonzero(values > limit, axis=-1))[()])


def matrix_norm(
    x: ArrayLike, /, *, keepdims: bool = False, ord: Any = "fro"
) -> Tensor:  # fmt: skip
    """Norm of each matrix: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    return _l.norm(x, ord, (-2, -1), keepdims)


def vector_norm(
    x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """Norm of the vectors along axes, taken together as one vector each."""
    shape = x.shape if type(x) is Tensor else np.shape(x)
    axes = range(len(shape)) if axis is None else ((axis,) if isinstance(axis, int) else axis)
    joined = [a % len(shape) for a in axes]
    kept = [a for a in range(len(shape)) if a not in joined]
    moved = _o.transpose(x, (*kept, *joined)) if shape else x
    size = int(np.prod([shape[a] for a in joined]))
    found = _l.norm(_o.reshape(moved, (*(shape[a] for a in kept), size)), ord, -1)
    widened: Sequence[int] = [1 if a in joined else n for a, n in enumerate(shape)]
    return _o.reshape(found, tuple(widened)) if keepdims else found
