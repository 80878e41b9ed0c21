"""Quantiles over axes, by every one of NumPy's methods, of all elements or of those that are not nan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..abstract import Abstract
from ..aliases import ArrayLike, Axis
from ..context import CONTEXT
from ..dtypes import floating
from ..errors import ConfigError, ShapeError
from ..ops.indexing import getitem
from ..primitives import composite
from ..tensors import Tensor
from .elementwise import fmax, fmin
from .reductions import median, rows_of, sort
from .reshaping import moveaxis
from .shared import array_of, computed_in

__all__ = ["nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]


def _between(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


# Where the quantile q of n elements stands among them in rising order, counted from 0 and before it
# is held between the first and the last; between two places it is linear (Hyndman and Fan, 1996).
_PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "linear": lambda n, q: (n - 1) * q,
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.rint((n - 1) * q),
    "midpoint": lambda n, q: (np.floor((n - 1) * q) + np.ceil((n - 1) * q)) / 2,
    "inverted_cdf": lambda n, q: np.ceil(n * q) - 1,
    "averaged_inverted_cdf": lambda n, q: (np.ceil(n * q) - 1 + np.floor(n * q)) / 2,
    "closest_observation": lambda n, q: np.rint(n * q) - 1,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(1 / 2, 1 / 2),
    "weibull": _between(0, 0),
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
}
_CHOOSING = {"lower", "higher", "nearest", "inverted_cdf", "closest_observation"}


@composite
def quantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    keepdims: bool = False,
    *,
    method: str = "linear",
) -> Tensor:
    """Quantiles over axes; nan if one element is nan.

    Parameters
    ----------
    q : array_like
        In [0, 1]. Its axes come first in the result. Between two elements it has a derivative:
        their difference over the distance of their places.
    method : str
        Any of NumPy's: "linear" between the two elements around, "lower", "higher", "nearest",
        "midpoint", "inverted_cdf", "averaged_inverted_cdf", "closest_observation",
        "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased".

    Raises
    ------
    ShapeError
        If there are no elements.
    ConfigError
        If ``q`` is outside of [0, 1], or there is no such method.
    """
    return _quantile("quantile", x, q, 1, axis, keepdims, method, False)


@composite
def percentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    keepdims: bool = False,
    *,
    method: str = "linear",
) -> Tensor:
    """Percentiles over axes: `quantile` with ``q`` in [0, 100]."""
    return _quantile("percentile", x, q, 100, axis, keepdims, method, False)


@composite
def nanquantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    keepdims: bool = False,
    *,
    method: str = "linear",
) -> Tensor:
    """`quantile` of what is not nan; nan where there is nothing else."""
    return _quantile("nanquantile", x, q, 1, axis, keepdims, method, True)


@composite
def nanpercentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    keepdims: bool = False,
    *,
    method: str = "linear",
) -> Tensor:
    """`percentile` of what is not nan; nan where there is nothing else."""
    return _quantile("nanpercentile", x, q, 100, axis, keepdims, method, True)


@composite
def nanmedian(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Middle element over axes of what is not nan, the mean of the two middle ones for even counts."""
    t = array_of("nanmedian", x)
    if t.dtype.kind != "f":
        return median(t, axis, keepdims)
    return _quantile("nanmedian", t, 0.5, 1, axis, keepdims, "linear", True)


def _quantile(
    operation: str,
    x: ArrayLike,
    q: ArrayLike,
    highest: int,
    axis: Axis,
    keepdims: bool,
    method: str,
    without_nan: bool,
) -> Tensor:
    if not isinstance(method, str) or method not in _PLACES:
        raise ConfigError(
            operation, f"expected a method out of {', '.join(_PLACES)}; received {method!r:.40}."
        )
    t, wanted = array_of(operation, x), array_of(operation, q)
    weak = type(q) in (int, float) or (isinstance(wanted._value, Abstract) and wanted._value.weak)
    if not _varies(wanted):
        # Of numbers that stand, places are found once, and elements taken as by an index.
        wanted = np.asarray(wanted._value)  # type: ignore[assignment]
    if t.dtype.kind != "f" or weak:
        places: Any = wanted / highest
    else:
        places = wanted / t.dtype.type(highest)
    if type(places) is not Tensor and not np.all((places >= 0) & (places <= 1)):
        raise ConfigError(operation, f"expected q in [0, {highest}]; received {q!r:.40}.")
    shape = tuple(places.shape)
    rows, kept = rows_of(operation, t, axis, keepdims)
    n: Any = rows.shape[-1]
    if n == 0:
        raise ShapeError(operation, "of no elements it is not defined.")
    ordered = sort(rows, -1)
    last: Any = n - 1
    if without_nan and t.dtype.kind == "f":  # nan stands last
        n = ops.sum(ops.cast(ops.logical_not(ops.isnan(ordered)), np.int64), -1, True)
        n = ops.cast(n, places.dtype)
        last = ops.maximum(n - 1, 0)
    flat = places.reshape(-1)
    at = _PLACES[method](n, flat)
    if type(at) is Tensor:
        at = fmin(fmax(at, 0), last)
        floor = ops.floor(at)
        below = ops.cast(floor, np.int64)
        ahead = ops.minimum(below + 1, ops.cast(last, np.int64))
    else:
        at = np.clip(at, 0, last)
        floor = np.floor(at)
        below = floor.astype(int)
        ahead = np.minimum(below + 1, last)
    low = _chosen(ordered, below)
    if method in _CHOOSING:
        quantiles = low
    else:
        share = (at - floor).astype(t.dtype if weak and t.dtype.kind == "f" else places.dtype)
        # As floats: the difference of two integers may be beyond their dtype.
        low, high = (computed_in(floating(t.dtype), v) for v in (low, _chosen(ordered, ahead)))
        quantiles = _on_the_way(low, high, share)
    if not without_nan:
        bad = ordered[..., rows.shape[-1] - 1 :]
        quantiles = ops.where(ops.not_equal(bad, bad), bad, quantiles)
    return ops.reshape(moveaxis(quantiles, -1, 0), (*shape, *kept))


def _on_the_way(low: Tensor, high: Tensor, share: Any) -> Tensor:
    """A share of the way from one number to the other, which may be infinite or far off."""
    way = high - low
    near = ops.isfinite(way)
    far = ops.where(ops.equal(share, 0), low, low * (1 - share) + high * share)
    return ops.where(near, low + way * share, far)


def _varies(t: Tensor) -> bool:
    """Whether a tensor has a gradient, or other values at another run."""
    capture = CONTEXT.get().capture
    blind = capture is not None and capture.blind
    return blind or t.requires_grad or isinstance(t._value, Abstract)


def _chosen(ordered: Tensor, places: Any) -> Tensor:
    """Elements along the last axis, at the same places of every row or at each row's own."""
    if len(places.shape) == 1:
        return getitem(ordered, (..., places))
    rows = (*ordered.shape[:-1], places.shape[-1])
    return ops.indexing.take_along_axis(ordered, ops.broadcast_to(places, rows), -1)
