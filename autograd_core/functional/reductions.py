"""Along axes: means, products, order statistics, differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike, Axis
from ..dtypes import HOLDS, accumulating, floating, widened
from ..errors import ConfigError, DTypeError, ShapeError
from ..frames import called
from ..ops.indexing import getitem
from ..ops.reductions import argsort as order_along, cumsum as along_axis
from ..ops.views import concatenate
from ..primitives import composite
from ..shapes import count
from ..tensors import Tensor
from .reshaping import _FOLDED
from .shared import answers, array_of, axes_of, axis_of, computed_in, real_of, shape_of

__all__ = [
    "all",
    "any",
    "argmin",
    "argsort",
    "average",
    "corrcoef",
    "cov",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "ediff1d",
    "gradient",
    "log_softmax",
    "mean",
    "median",
    "min",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
    "norm",
    "partition",
    "prod",
    "ptp",
    "sort",
    "std",
    "trapezoid",
    "var",
]


@composite
def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over axes: the sum over an exact count.

    Integers are summed in double precision, float16 in float32.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        Default: all axes.
    keepdims : bool
        Keep the folded axes with size 1.
    """
    dtype = getattr(x, "dtype", None)
    if dtype is None or dtype.char not in HOLDS:
        t = array_of("mean", x)
        if (dtype := t.dtype).char not in HOLDS:
            t = ops.cast(t, widened(dtype))
        return computed_in(floating(dtype), mean(t, axis, keepdims))
    total = ops.sum(x, axis, keepdims)
    shape = shape_of(x)
    return total / count(shape, None if axis is None else axes_of("mean", axis, shape))


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
    if t.dtype.kind != "f" and w.dtype.kind != "f":
        t, w = ops.cast(t, np.float64), ops.cast(w, np.float64)
    if w.shape != t.shape:
        if axis is None or len(w.shape) != 1:
            raise ShapeError(
                "average",
                f"weights of shape {w.shape} do not fit {t.shape}. Expected the same shape, "
                "or one dimension and axis=.",
            )
        along = axis_of("average", axis, t.shape)  # type: ignore[arg-type]
        if w.shape[0] != t.shape[along]:
            raise ShapeError(
                "average", f"{w.shape[0]} weights for size {t.shape[along]} of axis {axis}."
            )
        w = ops.reshape(w, tuple(n if i == along else 1 for i, n in enumerate(t.shape)))
        w = ops.broadcast_to(w, t.shape)
    return ops.sum(w * t, axis, keepdims) / ops.sum(w, axis, keepdims)


@composite
def var(
    x: ArrayLike,
    axis: Axis = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Variance over axes: the mean squared distance from the mean.

    Parameters
    ----------
    ddof : int or float
        The sum is divided by N - ddof; 0 is NumPy's default (PyTorch's is 1).
    correction : int or float, optional
        The array API's name for ``ddof``.

    Raises
    ------
    ConfigError
        If both names are given, or no number.
    """
    ddof = _less("var", ddof, correction)
    dtype = getattr(x, "dtype", None)
    if dtype is None or dtype.char not in HOLDS:  # the squares of float16 overflow from 256 on
        t = array_of("var", x)
        if (dtype := t.dtype).char not in HOLDS:
            t = ops.cast(t, widened(dtype))
        return computed_in(floating(dtype), var(t, axis, ddof, keepdims))
    shape = shape_of(x)
    centred = x - mean(x, axis, keepdims=True)
    n = count(shape, axes_of("var", axis, shape))
    if isinstance(n, int):
        n = ddof if n < ddof else n  # of too few elements it is nan, as in NumPy
    return ops.sum(ops.square(centred), axis, keepdims) / (n - ddof)


@composite
def std(
    x: ArrayLike,
    axis: Axis = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Standard deviation over axes; derivative 0 where it is 0, as for `norm`; see `var`."""
    return _root(var(x, axis, _less("std", ddof, correction), keepdims))


def _less(operation: str, ddof: Any, correction: Any) -> Any:
    """What is taken off the count of elements."""
    if correction is not None and ddof != 0:
        raise ConfigError(
            called(operation),
            f"ddof={ddof!r} and correction={correction!r} are one thing. Expected one of them.",
        )
    found = ddof if correction is None else correction
    if isinstance(found, (bool, str)) or not isinstance(found, (int, float, np.number)):
        raise ConfigError(called(operation), f"expected a number for ddof; received {found!r:.40}.")
    return found


@composite
@answers(np.amin)
def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes; tied elements share the derivative equally."""
    t = array_of("min", x)
    return _turned(ops.max(_turned(t), axis, keepdims))


def _turned(t: Tensor) -> Tensor:
    """The elements in reversed order of size: the negative, and of integers what does not wrap."""
    if t.dtype.kind == "f":
        return ops.negative(t)
    if t.dtype.kind == "b":
        return ops.logical_not(t)
    return ops.subtract(-1 if t.dtype.kind == "i" else int(np.iinfo(t.dtype).max), t)


@composite
def ptp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest less smallest element over axes ("peak to peak"); ties share as in `max`."""
    return ops.max(x, axis, keepdims) - min(x, axis, keepdims)


@composite
def nansum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum over axes of what is not nan; the derivative at a nan is 0."""
    t = array_of("nansum", x)
    return ops.sum(ops.where(ops.isnan(t), ops.cast(0, t.dtype), t), axis, keepdims)


@composite
def nanmax(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes of what is not nan; nan where there is nothing else."""
    t = array_of("nanmax", x)
    if t.dtype.kind != "f":
        return ops.max(t, axis, keepdims)
    missing = ops.isnan(t)
    largest = ops.max(ops.where(missing, -math.inf, t), axis, keepdims)
    return ops.where(all(missing, axis, keepdims), math.nan, largest)


@composite
def nanmin(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes of what is not nan; nan where there is nothing else."""
    t = array_of("nanmin", x)
    return _turned(nanmax(_turned(t), axis, keepdims))


@composite
def nanmean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean over axes of what is not nan; nan where there is nothing else."""
    t = array_of("nanmean", x)
    if t.dtype.kind != "f":
        return mean(t, axis, keepdims)
    if t.dtype.char == "e":
        return ops.cast(nanmean(ops.cast(t, widened(t.dtype)), axis, keepdims), t.dtype)
    found = ops.sum(ops.cast(ops.logical_not(ops.isnan(t)), t.dtype), axis, keepdims)
    return nansum(t, axis, keepdims) / found


@composite
def nanvar(x: ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """Variance over axes of what is not nan; nan where no more than ``ddof`` elements are left."""
    t = array_of("nanvar", x)
    if t.dtype.kind != "f":
        return var(t, axis, ddof, keepdims)
    if t.dtype.char == "e":
        return ops.cast(nanvar(ops.cast(t, widened(t.dtype)), axis, ddof, keepdims), t.dtype)
    missing, less = ops.isnan(t), _less("nanvar", ddof, None)
    centred = ops.where(missing, ops.cast(0, t.dtype), t - nanmean(t, axis, True))
    n = ops.sum(ops.cast(ops.logical_not(missing), t.dtype), axis, keepdims)
    total, n = ops.sum(ops.square(centred), axis, keepdims), n - less
    few = ops.less_equal(n, 0)
    return ops.where(few, math.nan, total / ops.where(few, ops.cast(1, t.dtype), n))


@composite
def nanstd(x: ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation over axes of what is not nan; see `nanvar`."""
    return _root(nanvar(x, axis, ddof, keepdims))


def _replaced(operation: str, x: ArrayLike, value: int) -> Tensor:
    """The operand with a number for nan."""
    t = array_of(operation, x)
    if t.dtype.kind != "f":
        return t
    return ops.where(ops.isnan(t), ops.cast(value, t.dtype), t)


@composite
def nanprod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Product over axes of what is not nan; the derivative at a nan is 0."""
    return prod(_replaced("nanprod", x, 1), axis, keepdims)


@composite
def nancumsum(x: ArrayLike, axis: int | None = None) -> Tensor:
    """Running sum along an axis, nan as 0; without an axis, of the flattened array."""
    return cumsum(_replaced("nancumsum", x, 0), axis)


@composite
def nancumprod(x: ArrayLike, axis: int | None = None) -> Tensor:
    """Running product along an axis, nan as 1; without an axis, of the flattened array."""
    return cumprod(_replaced("nancumprod", x, 1), axis)


@composite
def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index of the smallest element (the first of equals) along an axis; without a gradient."""
    return ops.argmax(_turned(array_of("argmin", x)), axis, keepdims)


@composite
def norm(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Euclidean norm over axes (all by default); derivative 0 where the norm is 0.

    Other norms: `autograd_core.linalg.norm`. Of integers it is in double precision.
    """
    t = real_of("norm", x)
    if t.dtype.char == "e":
        return ops.cast(norm(ops.cast(t, widened(t.dtype)), axis, keepdims), t.dtype)
    return _root(ops.sum(ops.square(t), axis, keepdims))


def _root(squares: Tensor) -> Tensor:
    """The root of a sum of squares, with derivative 0 where all of them are 0."""
    zero = ops.equal(squares, 0)
    return ops.where(zero, 0, ops.sqrt(ops.where(zero, 1, squares)))


@composite
def log_softmax(x: ArrayLike, axis: int = -1) -> Tensor:
    """``x - logsumexp(x)`` along an axis: logarithms of probabilities."""
    t = real_of("log_softmax", x)
    return ops.subtract(t, ops.logsumexp(t, axis, True))


@composite
def any(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether some element over axes is not 0: booleans, without a gradient."""
    return ops.greater(ops.sum(ops.not_equal(array_of("any", x), 0), axis, keepdims), 0)


@composite
def all(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether no element over axes is 0: booleans, without a gradient."""
    return ops.equal(ops.sum(ops.equal(array_of("all", x), 0), axis, keepdims), 0)


@composite
def cov(
    m: ArrayLike,
    y: ArrayLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
) -> Tensor:
    """Covariances of variables, from observations.

    Parameters
    ----------
    m : array_like, shape (variables, observations) or (observations,)
        Transposed where ``rowvar`` is False.
    y : array_like, optional
        Further variables, of as many observations.
    bias : bool
        Divide by the number N of observations rather than by N - 1.
    ddof : int, optional
        Divide by N - ddof, whatever ``bias`` says.
    fweights : array_like of int, shape (observations,), optional
        How often each was observed.
    aweights : array_like, shape (observations,), optional
        How much each counts.

    Raises
    ------
    ShapeError
        If there are more than two dimensions, or numbers of observations differ.
    DTypeError
        If ``fweights`` are no integers.

    Returns
    -------
    Tensor, shape (variables, variables), or () for one variable
        In double precision at least, as in NumPy.
    """
    rows = _variables("cov", m, rowvar)
    if y is not None:
        more = _variables("cov", y, rowvar)
        if more.shape[1] != rows.shape[1]:
            raise ShapeError(
                "cov",
                f"{rows.shape[1]} and {more.shape[1]} observations; expected as many of both.",
            )
        rows = concatenate([rows, more])
    if rows.shape[0] == 0:
        fweights = aweights = None  # of no variables nothing is weighed
    less: Any = (0 if bias else 1) if ddof is None else ddof
    weights: Any = None
    for option_name, option in (("fweights", fweights), ("aweights", aweights)):
        if option is None:
            continue
        counted = array_of("cov", option)
        if counted.shape != rows.shape[1:]:
            raise ShapeError(
                "cov",
                f"{option_name} of shape {counted.shape} for {rows.shape[1]} observations; expected one for each.",
            )
        if option_name == "fweights" and counted.dtype.kind not in "iu":
            raise DTypeError(
                "cov", f"expected integers for fweights; received dtype {counted.dtype}."
            )
        weights = counted if weights is None else weights * counted
    if weights is None:
        n = rows.shape[1] - less
        if isinstance(n, int) and n < 0:
            n = 0  # of too few observations it is nan
        centred = rows - mean(rows, 1, True)
        matrix = ops.matmul(centred, ops.transpose(centred)) / n
    else:
        weights = ops.cast(weights, np.result_type(weights.dtype, np.float64))
        total = ops.sum(weights)
        centred = rows - ops.sum(rows * weights, 1, True) / total
        if aweights is None or less == 0:
            n = total - less
        else:
            n = total - less * ops.sum(weights * array_of("cov", aweights)) / total
        matrix = ops.matmul(centred * weights, ops.transpose(centred)) / n
    return ops.reshape(matrix, ()) if matrix.shape == (1, 1) else matrix


def _variables(operation: str, x: ArrayLike, rowvar: bool) -> Tensor:
    """Variables as rows, in double precision at least."""
    t = array_of(operation, x)
    t = ops.cast(t, np.result_type(t.dtype, np.float64))
    if len(t.shape) > 2:
        raise ShapeError(operation, f"expected one or two dimensions; received shape {t.shape}.")
    return ops.reshape(t, (1, -1)) if len(t.shape) < 2 else t if rowvar else ops.transpose(t)


@composite
def corrcoef(x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True) -> Tensor:
    """Correlation coefficients of variables, from observations; shapes as in `cov`."""
    c = cov(x, y, rowvar)
    if c.shape == ():
        return c / c
    deviation = ops.sqrt(ops.einsum("ii->i", c))
    n = deviation.shape[0]
    return c / ops.reshape(deviation, (n, 1)) / deviation


# --- products -----------------------------------------------------------------------------------


def _of_scalar(axis: Any, t: Tensor) -> Any:
    """The axis; none where NumPy lets a scalar have an axis 0."""
    return None if not t.shape and type(axis) is int and axis in (0, -1) else axis


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
    """Product over axes; of booleans and narrow integers in NumPy's wider dtype.

    Halves are multiplied until one factor is left: no division, so that every derivative is right
    where factors are zero.
    """
    t = array_of("prod", x)
    t, axes = _rows("prod", computed_in(accumulating(t.dtype), t), _of_scalar(axis, t))
    if t.shape[-1] == 0:
        t = ops.broadcast_to(ops.cast(1, t.dtype), (*t.shape[:-1], 1))
    while (n := t.shape[-1]) > 1:
        half = n // 2
        pairs = t[..., :half] * t[..., half : 2 * half]
        t = concatenate([pairs, t[..., 2 * half :]], -1) if n % 2 else pairs
    return _kept(t[..., 0], x, axes, keepdims)


@composite
def cumsum(x: ArrayLike, axis: int | None = None) -> Tensor:
    """Running sum along an axis; without one, of the flattened array."""
    t = array_of("cumsum", x)
    axis = _of_scalar(axis, t)
    if axis is None:
        t, axis = ops.reshape(t, (count(t.shape),)), 0
    return along_axis(t, axis_of("cumsum", axis, t.shape))


@composite
def cumprod(x: ArrayLike, axis: int | None = None) -> Tensor:
    """Running product along an axis; without one, of the flattened array.

    Each round multiplies by what stands 1, 2, 4 … places before: every derivative is right where
    factors are zero.
    """
    t = array_of("cumprod", x)
    t, axis = computed_in(accumulating(t.dtype), t), _of_scalar(axis, t)
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


def _running(
    operation: str, function: Any, x: ArrayLike, axis: int | None, start: int, include_initial: bool
) -> Tensor:
    """A running fold as the array API has it: an axis is needed where there are several."""
    t = array_of(operation, x)
    t = t if t.shape else ops.reshape(t, (1,))
    if axis is None and len(t.shape) != 1:
        raise ShapeError(
            operation, f"expected an axis for shape {t.shape}; left out it is that of a vector."
        )
    along = axis_of(operation, 0 if axis is None else axis, t.shape)
    totals = function(t, along)
    if not include_initial:
        return totals
    edge = tuple(1 if i == along else n for i, n in enumerate(t.shape))
    return concatenate([ops.broadcast_to(ops.cast(start, totals.dtype), edge), totals], along)


@composite
def cumulative_sum(x: ArrayLike, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """Running sum along an axis, with the 0 before it where it is asked for; the array API's name.

    Raises
    ------
    ShapeError
        If the axis is left out and there is not exactly one.
    """
    return _running("cumulative_sum", cumsum, x, axis, 0, include_initial)


@composite
def cumulative_prod(x: ArrayLike, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """Running product along an axis, with the 1 before it where it is asked for; see `cumulative_sum`."""
    return _running("cumulative_prod", cumprod, x, axis, 1, include_initial)


def rows_of(
    operation: str, x: ArrayLike, axis: Axis, keepdims: bool
) -> tuple[Tensor, tuple[Any, ...]]:
    """``x`` with the folded axes flattened into the last one, and the shape of a result."""
    rows, axes = _rows(operation, x, axis)
    shape = enumerate(shape_of(x))
    if keepdims:
        return rows, tuple(1 if i in axes else n for i, n in shape)
    return rows, tuple(n for i, n in shape if i not in axes)


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
    return ops.indexing.take_along_axis(t, order_along(t, along), along)


@composite
@answers(np.argsort)
def argsort(x: ArrayLike, axis: int | None = -1) -> Tensor:
    """Indices that put elements in rising order along an axis (stable, nan last), without a gradient.

    Without an axis, of the flattened array.
    """
    t = array_of("argsort", x)
    if axis is None:
        t, axis = ops.reshape(t, (count(t.shape),)), 0
    return order_along(t, axis_of("argsort", axis, t.shape))


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
            raise ShapeError("partition", f"kth {k} is out of range for size {n} of axis {axis}.")
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
        raise ShapeError("median", "the median of no elements is not defined.")
    order = order_along(rows, -1)  # of which three are looked up, nan being the last
    places = concatenate([order[..., k : k + 1] for k in ((n - 1) // 2, n // 2, n - 1)], -1)
    picked = ops.indexing.take_along_axis(rows, places, -1)
    # Not in the dtype of the elements: the sum of two may be beyond it.
    low, high = (computed_in(widened(rows.dtype), picked[..., k]) for k in range(2))
    middle = computed_in(floating(rows.dtype), (low + high) / 2)
    last = picked[..., 2]
    return _kept(ops.where(ops.not_equal(last, last), last, middle), x, axes, keepdims)


@composite
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """Integral of samples along an axis by the trapezoidal rule.

    Parameters
    ----------
    y : array_like
    x : array_like, optional
        Where the samples stand: of one dimension, or of the shape of ``y``.
    dx : float
        The distance of the samples, where ``x`` is not given.

    Raises
    ------
    ShapeError
        If ``x`` does not fit.
    """
    t = array_of("trapezoid", y)
    along = axis_of("trapezoid", axis, t.shape)
    before = (slice(None),) * along
    width: Any = dx
    if x is not None:
        s = array_of("trapezoid", x)
        if len(s.shape) == 1:
            if s.shape[0] != t.shape[along]:
                raise ShapeError(
                    "trapezoid",
                    f"{s.shape[0]} places for size {t.shape[along]} of axis {axis}; "
                    "expected as many.",
                )
            width = ops.reshape(diff(s), (-1, *(1,) * (len(t.shape) - 1 - along)))
        else:
            width = diff(s, 1, along)
    pairs = getitem(t, (*before, slice(1, None))) + getitem(t, (*before, slice(None, -1)))
    return ops.sum(width * pairs / 2, along)


@composite
def gradient(f: ArrayLike, *varargs: ArrayLike, axis: Axis = None, edge_order: int = 1) -> Any:
    """Differences of neighbours over their distance: NumPy's numerical gradient of samples.

    Parameters
    ----------
    f : array_like
    *varargs : float or array_like of one dimension
        Distances, or coordinates, along the axes: none (1), one for all, or one for each.
    axis : int or tuple of int, optional
        Default: all axes.
    edge_order : int
        1 or 2: of the differences at both ends.

    Returns
    -------
    Tensor, or a tuple of them for several axes

    Raises
    ------
    ShapeError
        If an axis is too short, or distances do not fit.
    ConfigError
        If ``edge_order`` is not 1 or 2.
    """
    t = array_of("gradient", f)
    if edge_order not in (1, 2):
        raise ConfigError("gradient", f"expected edge_order 1 or 2; received {edge_order!r:.40}.")
    if isinstance(axis, (tuple, list)):
        axes = [axis_of("gradient", a, t.shape) for a in axis]
        axes_of("gradient", tuple(axes), t.shape)
    else:
        axes = list(axes_of("gradient", axis, t.shape))
    if len(varargs) not in (0, 1, len(axes)):
        raise ShapeError(
            "gradient",
            f"{len(varargs)} distances for {len(axes)} axes; expected none, one or as many.",
        )
    distances = list(varargs) * len(axes) if len(varargs) == 1 else list(varargs)
    distances = distances or [1.0] * len(axes)
    if t.dtype.kind != "f":
        t = ops.cast(t, np.float64)
    slopes = tuple(_slopes(t, h, a, edge_order) for h, a in zip(distances, axes, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slopes(t: Tensor, spacing: ArrayLike, axis: int, edge_order: int) -> Tensor:
    n = t.shape[axis]
    if n < edge_order + 1:
        raise ShapeError(
            "gradient", f"size {n} of axis {axis} is too small; expected {edge_order + 1} or more."
        )
    h = ops.cast(array_of("gradient", spacing), t.dtype)
    even = h.shape == ()
    if even:
        h = ops.broadcast_to(h, (n - 1,))
    elif h.shape == (n,):
        h = diff(h)
    else:
        raise ShapeError(
            "gradient",
            f"distances of shape {h.shape} do not fit size {n} of axis {axis}. Expected one "
            f"number, or {n} coordinates.",
        )
    before, after = (slice(None),) * axis, (1,) * (len(t.shape) - 1 - axis)

    def at(values: Tensor, start: int, stop: int | None) -> Tensor:
        return getitem(values, (*before, slice(start, stop)))

    def gap(start: int, stop: int | None) -> Tensor:
        part = getitem(h, slice(start, stop))
        return ops.reshape(part, (part.shape[0], *after))

    slope = (at(t, 1, None) - at(t, 0, -1)) / gap(0, None)
    # Between neighbours: the parabola through three samples. At equal distances it does not depend on
    # the one in the middle, which is not read.
    left, right = gap(0, -1), gap(1, None)
    if even:
        inner = (at(t, 2, None) - at(t, 0, -2)) / (2 * left)
    else:
        inner = (at(slope, 0, -1) * right + at(slope, 1, None) * left) / (left + right)
    first, last = at(slope, 0, 1), at(slope, n - 2, n - 1)
    if edge_order == 2:  # the same parabola, at its ends
        first = first + (first - at(slope, 1, 2)) * gap(0, 1) / (gap(0, 1) + gap(1, 2))
        last = last + (last - at(slope, n - 3, n - 2)) * gap(n - 2, n - 1) / (
            gap(n - 2, n - 1) + gap(n - 3, n - 2)
        )
    return concatenate([first, inner, last], axis)


@composite
def diff(
    x: ArrayLike,
    n: int = 1,
    axis: int = -1,
    prepend: ArrayLike | None = None,
    append: ArrayLike | None = None,
) -> Tensor:
    """Differences of neighbours along an axis, ``n`` times.

    Parameters
    ----------
    prepend, append : array_like, optional
        Joined to the ends first; a number is one element.

    Raises
    ------
    ConfigError
        If ``n`` is negative.
    ShapeError
        If what is joined does not fit.
    """
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ConfigError("diff", f"expected a count n of 0 or more; received {n!r:.40}.")
    t = array_of("diff", x)
    along = axis_of("diff", axis, t.shape)
    before, parts = (slice(None),) * along, [t]
    for place, end in ((0, prepend), (len(parts) + 1, append)):
        if end is not None:
            v = array_of("diff", end)
            if not v.shape:
                v = ops.broadcast_to(
                    v, tuple(1 if i == along else m for i, m in enumerate(t.shape))
                )
            parts.insert(place, v)
    t = concatenate(parts, along) if len(parts) > 1 else t
    # As in NumPy: of booleans whether neighbours differ.
    gap = ops.not_equal if t.dtype.kind == "b" else ops.subtract
    size = t.shape[along]
    for _ in range(n if not isinstance(size, int) or n < size else size):  # then nothing is left
        t = gap(getitem(t, (*before, slice(1, None))), getitem(t, (*before, slice(None, -1))))
    return t


@composite
def ediff1d(
    x: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None
) -> Tensor:
    """Differences of neighbours of the flattened array, with more numbers at both ends if given."""
    t = array_of("ediff1d", x)
    parts = [diff(ops.reshape(t, (count(t.shape),)))]
    for place, end in ((0, to_begin), (2, to_end)):
        if end is not None:
            v = ops.cast(array_of("ediff1d", end), t.dtype)
            parts.insert(place, ops.reshape(v, (count(v.shape),)))
    return concatenate(parts) if len(parts) > 1 else parts[0]


answers(np.amax)(ops.max)
_FOLDED.update(maximum=ops.max, mean=mean, median=median, minimum=min)


@answers(np.ndim)
def _ndim(x: Any) -> int:
    return len(shape_of(x))


@answers(np.shape)
def _shape(x: Any) -> Any:
    return shape_of(x)


@answers(np.size)
def _size(x: Any, axis: int | None = None) -> Any:
    return count(shape_of(x), None if axis is None else axes_of("size", axis, shape_of(x)))
