"""Composites: functions made of primitives, with no derivative of their own.

A composite appears everywhere (eager, traced, drawn, proved, compiled) because its parts do.
``@composite`` also makes it the answer to NumPy's function of the same name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ops
from .aliases import ArrayLike, Axis
from .errors import ConfigError, ShapeError
from .ops.indexing import Pattern, getitem
from .ops.views import Index, concatenate
from .primitives import composite
from .shapes import Shape, count, normalise_axes
from .tensors import Tensor, leaf

__all__ = [
    "clip",
    "dot",
    "expand_dims",
    "log_softmax",
    "logaddexp",
    "mean",
    "min",
    "moveaxis",
    "norm",
    "one_hot",
    "outer",
    "pad",
    "ravel",
    "reciprocal",
    "softmax",
    "squeeze",
    "stack",
    "std",
    "swapaxes",
    "take",
    "var",
]

composite(getitem)
composite(concatenate)
composite(ops.einsum)


def _shape(x: ArrayLike) -> Shape:
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


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
    shape = _shape(x)
    return ops.sum(x, axis, keepdims) / count(shape, _axes("mean", axis, shape))


def _axes(operation: str, axis: Axis, shape: Shape) -> tuple[int, ...]:
    try:
        return normalise_axes(axis, len(shape))
    except ShapeError as error:
        raise ShapeError(f"{operation}: {error} of shape {shape}.") from None


@composite
def var(x: ArrayLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Variance over axes: the mean squared distance from the mean.

    Parameters
    ----------
    ddof : int
        The sum is divided by N - ddof; 0 is NumPy's default (PyTorch's is 1).
    """
    shape = _shape(x)
    centred = x - mean(x, axis, keepdims=True)
    return ops.sum(ops.square(centred), axis, keepdims) / (
        count(shape, _axes("var", axis, shape)) - ddof
    )


@composite
def std(x: ArrayLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation over axes; derivative infinite where the variance is 0."""
    return ops.sqrt(var(x, axis, ddof, keepdims))


@composite
def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes; tied elements share the derivative equally."""
    return ops.negative(ops.max(ops.negative(x), axis, keepdims))


@composite
def clip(x: ArrayLike, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Tensor:
    """``x`` held between bounds; at a bound the derivative in ``x`` is 1.

    Raises
    ------
    ConfigError
        If both bounds are None.
    """
    if min is None and max is None:
        raise ConfigError("clip: expected at least one bound; received min=None and max=None.")
    if min is not None:
        x = ops.where(ops.less(x, min), min, x)
    if max is not None:
        x = ops.where(ops.greater(x, max), max, x)
    return x


@composite
def reciprocal(x: ArrayLike) -> Tensor:
    """``1 / x``, element by element."""
    return ops.divide(1, x)


@composite
def norm(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Euclidean norm over axes (all by default); derivative 0 where the norm is 0."""
    squares = ops.sum(ops.square(x), axis, keepdims)
    zero = ops.equal(squares, 0)
    return ops.where(zero, 0, ops.sqrt(ops.where(zero, 1, squares)))


@composite
def softmax(x: ArrayLike, axis: int = -1) -> Tensor:
    """``exp(x) / sum(exp(x))`` along an axis, without overflow; positive, and sums to 1."""
    return ops.exp(log_softmax(x, axis))


@composite
def log_softmax(x: ArrayLike, axis: int = -1) -> Tensor:
    """``x - logsumexp(x)`` along an axis: logarithms of probabilities."""
    return x - ops.logsumexp(x, axis, True)


@composite
def logaddexp(a: ArrayLike, b: ArrayLike) -> Tensor:
    """``log(exp(a) + exp(b))``, element by element, without overflow; shapes broadcast."""
    return a + ops.softplus(ops.subtract(b, a))


def one_hot(indices: ArrayLike, classes: int, dtype: Any = np.float64) -> Tensor:
    """Indicator rows: 1 at the index, 0 elsewhere.

    Parameters
    ----------
    indices : array_like of int, shape S, in [0, classes)
    classes : int
    dtype : dtype-like

    Returns
    -------
    Tensor, shape (*S, classes)

    Raises
    ------
    ShapeError
        If an index is out of range (checked where the values are at hand).
    """
    values = indices if type(indices) is Tensor else leaf(np.asarray(indices))
    if isinstance(values._data, np.ndarray) and values._data.size:
        low, high = values._data.min(), values._data.max()
        if low < 0 or high >= classes:
            raise ShapeError(
                f"one_hot: indices from {low} to {high}; expected them in [0, {classes})."
            )
    return ops.cast(ops.equal(expand_dims(values, -1), np.arange(classes)), dtype)


# --- shapes ---------------------------------------------------------------------------------


@composite
def ravel(x: ArrayLike) -> Tensor:
    """Flattened in C order."""
    return ops.reshape(x, (count(_shape(x)),))


@composite
def expand_dims(x: ArrayLike, axis: int) -> Tensor:
    """With an axis of size 1 inserted at ``axis``."""
    shape = list(_shape(x))
    (position,) = _axes("expand_dims", axis, (*shape, 1))
    return ops.reshape(x, (*shape[:position], 1, *shape[position:]))


@composite
def squeeze(x: ArrayLike, axis: Axis = None) -> Tensor:
    """Without axes of size 1 (all of them by default).

    Raises
    ------
    ShapeError
        If a named axis has another size.
    """
    shape = _shape(x)
    axes = _axes("squeeze", axis, shape)
    if axis is not None and any(shape[a] != 1 for a in axes):
        raise ShapeError(f"squeeze: axis {axis} of shape {shape} is not of size 1.")
    return ops.reshape(x, tuple(n for i, n in enumerate(shape) if i not in axes or n != 1))


@composite
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Tensor:
    """With two axes exchanged."""
    order = list(range(len(_shape(x))))
    (a,) = _axes("swapaxes", axis1, _shape(x))
    (b,) = _axes("swapaxes", axis2, _shape(x))
    order[a], order[b] = order[b], order[a]
    return ops.transpose(x, tuple(order))


@composite
def moveaxis(x: ArrayLike, source: int, destination: int) -> Tensor:
    """With one axis moved to another position; the rest keep their order."""
    (a,) = _axes("moveaxis", source, _shape(x))
    (b,) = _axes("moveaxis", destination, _shape(x))
    order = [i for i in range(len(_shape(x))) if i != a]
    order.insert(b, a)
    return ops.transpose(x, tuple(order))


@composite
def stack(xs: Any, axis: int = 0) -> Tensor:
    """Tensors or arrays of equal shape joined along a new axis.

    Raises
    ------
    ShapeError
        If shapes differ, or there is nothing to join.
    """
    shapes = {_shape(x) for x in xs}
    if len(shapes) != 1:
        listed = ", ".join(map(str, shapes)) or "none"
        raise ShapeError(f"stack: expected operands of one shape; received {listed}.")
    return concatenate(
        [expand_dims(x, axis) for x in xs], _axes("stack", axis, (*shapes.pop(), 1))[0]
    )


@composite
def pad(x: ArrayLike, pad_width: Any) -> Tensor:
    """With zeros added around.

    Parameters
    ----------
    pad_width : int, (before, after), or one (before, after) per axis
        Non-negative.
    """
    shape = _shape(x)
    try:
        widths = np.broadcast_to(np.asarray(pad_width, int), (len(shape), 2)).tolist()
    except ValueError:
        raise ShapeError(f"pad: pad_width {pad_width} does not fit {len(shape)} axes.") from None
    if any(w < 0 for pair in widths for w in pair):
        raise ShapeError(f"pad: widths must not be negative; received {pad_width}.")
    entries = tuple(slice(b, b + n) for (b, _), n in zip(widths, shape, strict=True))
    padded = tuple(b + n + a for (b, a), n in zip(widths, shape, strict=True))
    return ops.embed(x, Index.of(entries), padded)


@composite
def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Tensor:
    """Elements at integer ``indices`` along an axis (of the flattened array by default)."""
    if axis is None:
        x, axis = ravel(x), 0
    (position,) = _axes("take", axis, _shape(x))
    chosen = indices if type(indices) is Tensor else np.asarray(indices)
    entries = (("slice", None, None, None),) * position
    return ops.gather(x, chosen, pattern=Pattern((*entries, "#")))


# --- products -------------------------------------------------------------------------------


@composite
def dot(a: ArrayLike, b: ArrayLike) -> Tensor:
    """NumPy's dot for operands of at most two dimensions: a scalar times, an inner or a matrix product."""
    ranks = len(_shape(a)), len(_shape(b))
    if 0 in ranks:
        return ops.multiply(a, b)
    if ranks[0] > 2 or ranks[1] > 2:
        raise ShapeError(f"dot: operands of {ranks} dimensions. Use ag.matmul or ag.einsum.")
    return ops.matmul(a, b)


@composite
def outer(a: ArrayLike, b: ArrayLike) -> Tensor:
    """All products ``a[i] * b[j]`` of two flattened operands."""
    return ops.multiply(ops.reshape(a, (-1, 1)), ops.reshape(b, (1, -1)))
