"""Along axes: means, products, order statistics, differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike, Axis
from ..errors import ConfigError, ShapeError
from ..ops.indexing import getitem
from ..ops.views import concatenate
from ..primitives import composite
from ..shapes import count
from ..tensors import Tensor
from .shared import answers, array_of, axes_of, axis_of, shape_of

__all__ = [
    "all",
    "any",
    "argmin",
    "average",
    "cumprod",
    "diff",
    "log_softmax",
    "mean",
    "median",
    "min",
    "norm",
    "partition",
    "prod",
    "sort",
    "std",
    "var",
]


@composite
def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over axes: the sum over an exact count.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        Default: all axes.
    keepdims : bool
        Keep the folded axes with size 1.
    """
    shape = shape_of(x)
    return ops.sum(x, axis, keepdims) / count(shape, axes_of("mean", axis, shape))


@composite
def average(
    x: ArrayLike, axis: Axis = None, weights: ArrayLike | None = None, keepdims: bool = False
) -> Tensor:
    """Mean over axes, weighted: ``sum(weights * x) / sum(weights)``.

    Parameters
    ----------
    weights : array_like, optional
        Of the shape of ``x``, or of one dimension along one axis. Default: all alike.

    Raises
    ------
    ShapeError
        If the weights do not fit.
    """
    if weights is None:
        return mean(x, axis, keepdims)
    t, w = array_of("average", x), array_of("average", weights)
    if w.shape != t.shape:
        if axis is None or len(w.shape) != 1:
            raise ShapeError(
                f"average: weights of shape {w.shape} do not fit {t.shape}. Expected the same shape, "
                "or one dimension and axis=."
            )
        along = axis_of("average", axis, t.shape)  # type: ignore[arg-type]
        if w.shape[0] != t.shape[along]:
            raise ShapeError(
                f"average: {w.shape[0]} weights for size {t.shape[along]} of axis {axis}."
            )
        w = ops.reshape(w, tuple(n if i == along else 1 for i, n in enumerate(t.shape)))
        w = ops.broadcast_to(w, t.shape)
    return ops.sum(w * t, axis, keepdims) / ops.sum(w, axis, keepdims)


@composite
def var(x: ArrayLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Variance over axes: the mean squared distance from the mean.

    Parameters
    ----------
    ddof : int
        The sum is divided by N - ddof; 0 is NumPy's default (PyTorch's is 1).
    """
    shape = shape_of(x)
    centred = x - mean(x, axis, keepdims=True)
    n = count(shape, axes_of("var", axis, shape))
    if isinstance(n, int):
        n = ddof if n < ddof else n  # of too few elements it is nan, as in NumPy
    return ops.sum(ops.square(centred), axis, keepdims) / (n - ddof)


@composite
def std(x: ArrayLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation over axes; derivative 0 where it is 0, as for `norm`."""
    return _root(var(x, axis, ddof, keepdims))


@composite
@answers(np.amin)
def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes; tied elements share the derivative equally."""
    return ops.negative(ops.max(ops.negative(x), axis, keepdims))


@composite
def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index of the smallest element (the first of equals) along an axis; without a gradient."""
    return ops.argmax(ops.negative(x), axis, keepdims)


@composite
def norm(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Euclidean norm over axes (all by default); derivative 0 where the norm is 0.

    Other norms: `autograd_core.linalg.norm`.
    """
    return _root(ops.sum(ops.square(x), axis, keepdims))


def _root(squares: Tensor) -> Tensor:
    """The root of a sum of squares, with derivative 0 where all of them are 0."""
    zero = ops.equal(squares, 0)
    return ops.where(zero, 0, ops.sqrt(ops.where(zero, 1, squares)))


@composite
def log_softmax(x: ArrayLike, axis: int = -1) -> Tensor:
    """``x - logsumexp(x)`` along an axis: logarithms of probabilities."""
    return ops.subtract(x, ops.logsumexp(x, axis, True))


@composite
def any(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether some element over axes is not 0: booleans, without a gradient."""
    return ops.greater(ops.sum(ops.not_equal(array_of("any", x), 0), axis, keepdims), 0)


@composite
def all(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether no element over axes is 0: booleans, without a gradient."""
    return ops.equal(ops.sum(ops.equal(array_of("all", x), 0), axis, keepdims), 0)


# --- products -----------------------------------------------------------------------------------


def _rows(operation: str, x: ArrayLike, axis: Axis) -> tuple[Tensor, tuple[int, ...]]:
    """``x`` with the folded axes flattened into the last one, and these axes."""
    t = array_of(operation, x)
    axes = axes_of(operation, axis, t.shape)
    kept = [i for i in range(len(t.shape)) if i not in axes]
    moved = ops.transpose(t, (*kept, *axes))
    sizes = tuple(t.shape[i] for i in kept)
    return ops.reshape(moved, (*sizes, count(t.shape, axes))), axes


def _kept(y: Tensor, x: ArrayLike, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if not keepdims:
        return y
    return ops.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(shape_of(x))))


@composite
def prod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Product over axes.

    Halves are multiplied until one factor is left: no division, so that every derivative is right
    where factors are zero.
    """
    t, axes = _rows("prod", x, axis)
    if t.shape[-1] == 0:
        t = ops.broadcast_to(ops.cast(1, t.dtype), (*t.shape[:-1], 1))
    while (n := t.shape[-1]) > 1:
        half = n // 2
        pairs = t[..., :half] * t[..., half : 2 * half]
        t = concatenate([pairs, t[..., 2 * half :]], -1) if n % 2 else pairs
    return _kept(t[..., 0], x, axes, keepdims)


@composite
def cumprod(x: ArrayLike, axis: int | None = None) -> Tensor:
    """Running product along an axis; without one, of the flattened array.

    Each round multiplies by what stands 1, 2, 4 … places before: every derivative is right where
    factors are zero.
    """
    t = array_of("cumprod", x)
    if axis is None:
        t, axis = ops.reshape(t, -1), 0
    along = axis_of("cumprod", axis, t.shape)
    n, shift = t.shape[along], 1
    before = (slice(None),) * along
    while shift < n:
        head = t[(*before, slice(0, shift))]
        tail = t[(*before, slice(shift, n))] * t[(*before, slice(0, n - shift))]
        t, shift = concatenate([head, tail], along), 2 * shift
    return t


# --- order --------------------------------------------------------------------------------------


@composite
def sort(x: ArrayLike, axis: int | None = -1) -> Tensor:
    """Elements in rising order along an axis (``None``: of the flattened array), nan last.

    Each place passes its derivative to the element that stands there; the order is stable.
    """
    t = array_of("sort", x)
    if axis is None:
        t, axis = ops.reshape(t, -1), 0
    along = axis_of("sort", axis, t.shape)
    return ops.take_along_axis(t, ops.argsort(t, along), along)


@composite
def partition(x: ArrayLike, kth: int | tuple[int, ...], axis: int | None = -1) -> Tensor:
    """Along an axis: the ``kth`` element in its sorted place, none larger before, none smaller after.

    Both sides are sorted as well, which NumPy leaves open.

    Raises
    ------
    ShapeError
        If ``kth`` is out of range.
    """
    t = sort(x, axis)
    n = t.shape[-1 if axis is None else axis]
    for k in kth if isinstance(kth, (tuple, list)) else (kth,):
        if not hasattr(k, "__index__") or not -n <= k < n:
            raise ShapeError(f"partition: kth {k} is out of range for size {n} of axis {axis}.")
    return t


@composite
def median(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Middle element over axes, the mean of the two middle ones for even counts; nan if one is nan.

    Raises
    ------
    ShapeError
        If there are no elements.
    """
    rows, axes = _rows("median", x, axis)
    n = rows.shape[-1]
    if n == 0:
        raise ShapeError("median: the median of no elements is not defined.")
    ordered = sort(rows, -1)
    middle = (ordered[..., (n - 1) // 2] + ordered[..., n // 2]) / 2
    last = ordered[..., n - 1]
    return _kept(ops.where(ops.not_equal(last, last), last, middle), x, axes, keepdims)


@composite
def diff(x: ArrayLike, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along an axis, ``n`` times.

    Raises
    ------
    ConfigError
        If ``n`` is negative.
    """
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ConfigError(f"diff: expected a count n of 0 or more; received {n!r:.40}.")
    t = array_of("diff", x)
    before = (slice(None),) * axis_of("diff", axis, t.shape)
    for _ in range(n):
        t = getitem(t, (*before, slice(1, None))) - getitem(t, (*before, slice(None, -1)))
    return t


answers(np.amax)(ops.max)


@answers(np.ndim)
def _ndim(x: Any) -> int:
    return len(shape_of(x))


@answers(np.shape)
def _shape(x: Any) -> Any:
    return shape_of(x)


@answers(np.size)
def _size(x: Any, axis: int | None = None) -> Any:
    return count(shape_of(x), None if axis is None else axes_of("size", axis, shape_of(x)))
