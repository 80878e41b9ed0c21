"""New tensors of given shape: zeros, ones, ranges, identity matrices, under NumPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..abstract import native
from ..aliases import ArrayLike
from ..arrays import check_dtype
from ..errors import ConfigError, DTypeError, ShapeError
from ..ops.contractions import eye as identity_matrix
from ..shapes import Dim
from ..tensors import Tensor, tensor
from .reshaping import stack
from .shared import array_of

__all__ = ["arange", "array", "eye", "full", "ones", "zeros"]


def array(
    values: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """A tensor of ``values``: as `tensor`, and lists that hold tensors are stacked.

    Parameters
    ----------
    values : array_like, or nested lists and tuples that hold tensors
        A stack of tensors is an operation, through which their gradients flow.
    dtype : dtype-like, optional
    requires_grad : bool
        Ask ``backward`` for its gradient: of a leaf of floats.

    Raises
    ------
    DTypeError, ShapeError
        As `tensor`.
    GraphError
        If a stack of tensors that carry a gradient is to be a leaf.
    """
    if not _holds_tensors(values):
        return tensor(values, dtype, requires_grad, name)
    joined = _stacked(values)
    joined = joined if dtype is None else ops.cast(joined, _dtype("array", dtype))
    if requires_grad:
        return tensor(joined, None, True, name)
    joined.name = name or joined.name
    return joined


def _holds_tensors(values: Any) -> bool:
    if isinstance(values, (list, tuple)):
        return any(type(v) is Tensor or _holds_tensors(v) for v in values)
    return False


def _stacked(values: Any) -> Tensor:
    if isinstance(values, (list, tuple)):
        return stack([_stacked(v) for v in values])
    return array_of("array", values)


def _dtype(operation: str, dtype: Any) -> np.dtype[Any]:
    try:
        found = native(dtype)
    except TypeError:
        raise DTypeError(
            operation,
            f"{dtype!r:.40} is no dtype. Expected one such as np.float32. Sizes are one "
            f"tuple: ag.{operation}((2, 3)).",
        ) from None
    check_dtype(operation, found, False)
    return found


def _sizes(operation: str, shape: Any) -> tuple[Any, ...]:
    sizes = tuple(shape) if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    for n in sizes:
        if isinstance(n, Dim):
            continue
        if not hasattr(n, "__index__") or isinstance(n, (bool, np.bool_)) or n.__index__() < 0:
            raise ShapeError(
                operation,
                f"{n!r:.40} is no size. Expected integers of 0 or more; received the shape "
                f"{shape!r:.60}.",
            )
    return tuple(n if isinstance(n, Dim) else n.__index__() for n in sizes)


def full(
    shape: Any,
    fill_value: ArrayLike,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """``fill_value`` broadcast to a shape.

    Parameters
    ----------
    shape : int or tuple of int
    fill_value : array_like
    dtype : dtype-like, optional
        Default: that of the value.
    requires_grad : bool
        Ask ``backward`` for its gradient; floats only.
    name : str, optional
        For drawings and states.

    Raises
    ------
    ShapeError
        If ``shape`` is none, or the value does not broadcast to it.
    DTypeError
        If the value or the dtype is not one of numbers.
    """
    sizes, value = _sizes("full", shape), array_of("full", fill_value)
    value = value if dtype is None else ops.cast(value, _dtype("full", dtype))
    return _made("full", ops.broadcast_to(value, sizes), requires_grad, name)


def _made(operation: str, t: Tensor, requires_grad: bool, name: str | None) -> Tensor:
    if requires_grad:
        check_dtype(operation, t.dtype, True)
        return tensor(t, None, True, name)
    t.name = name
    return t


def zeros(
    shape: Any, dtype: Any = float, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """Zeros of a shape, an int or a tuple; float64 unless told otherwise; see `full`."""
    return _alike("zeros", shape, 0, dtype, requires_grad, name)


def ones(
    shape: Any, dtype: Any = float, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """Ones of a shape, an int or a tuple; float64 unless told otherwise; see `full`."""
    return _alike("ones", shape, 1, dtype, requires_grad, name)


def _alike(
    operation: str, shape: Any, value: int, dtype: Any, requires_grad: bool, name: str | None
) -> Tensor:
    found, sizes = _dtype(operation, float if dtype is None else dtype), _sizes(operation, shape)
    made = ops.broadcast_to(ops.cast(value, found), sizes)
    return _made(operation, made, requires_grad, name)


def arange(
    start: Any,
    stop: Any = None,
    step: Any = 1,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Numbers from ``start`` up to, and without, ``stop``; ``arange(n)`` counts from 0.

    Parameters
    ----------
    start, stop, step : int or float
    dtype : dtype-like, optional
        Default: integers of integers, else float64.

    Raises
    ------
    ConfigError
        If bounds are no numbers, or the step is 0.
    """
    first, last = (0, start) if stop is None else (start, stop)
    for what, value in (("start", first), ("stop", last), ("step", step)):
        if not isinstance(value, (int, float, np.integer, np.floating)):
            raise ConfigError(
                "arange",
                f"expected a number for {what}; received {value!r:.40} ({type(value).__name__}).",
            )
    kind = None if dtype is None else _dtype("arange", dtype)
    try:
        values = np.arange(first, last, step, dtype=kind)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise ConfigError(
            "arange",
            f"numbers from {first} to {last} by {step}: {error}. Expected a step other than 0, "
            "and bounds that are finite.",
        ) from None
    return tensor(values, None, requires_grad, name)


def eye(
    n: Any,
    m: Any = None,
    k: int = 0,
    dtype: Any = float,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Ones on the diagonal ``k`` of a matrix of ``n`` rows and ``m`` (as many by default) columns.

    Raises
    ------
    ShapeError
        If sizes are none, or ``k`` is no integer.
    """
    sizes, resolved = _sizes("eye", (n, n if m is None else m)), _dtype("eye", dtype)
    if not hasattr(k, "__index__"):
        raise ShapeError("eye", f"expected an integer k; received {k!r:.40}.")
    if sizes[0] is sizes[1] and k == 0:  # which may be symbolic
        made = identity_matrix(sizes[0], resolved)
        return _made("eye", made, requires_grad, name)
    return tensor(
        np.eye(sizes[0], sizes[1], k.__index__(), dtype=resolved), None, requires_grad, name
    )
