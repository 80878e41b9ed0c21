"""Values that users hand over, as NumPy arrays that the engine computes with."""

from __future__ import annotations

from typing import Any

import numpy as np

from .abstract import native
from .aliases import Array
from .context import CONTEXT
from .errors import AutogradError, DTypeError, ShapeError
from .exchange import refuse_masked
from .frames import called
from .shapes import Dim

__all__ = ["as_array", "as_dtype", "check_dtype"]


def as_array(operation: str, values: Any, dtype: Any = None) -> Array:
    """``values`` as a NumPy array of real numbers or booleans; errors name the operation.

    In this machine's order of bytes. (Of what a captured function closes over, the program converts
    it at every run.)
    """
    if isinstance(values, Dim):
        return np.asarray(values.__index__())
    if type(values) is not np.ndarray:
        refuse_masked(operation, values)
    try:
        if dtype is not None and isinstance(values, (np.ndarray, np.generic)):
            array = as_dtype(np.asarray(values), dtype)
        else:
            array = np.asarray(values, dtype)
    except (ValueError, TypeError) as error:
        if isinstance(error, AutogradError):
            raise
        raise ShapeError(
            called(operation), f"the values do not form an array: {str(error).rstrip('.')}."
        ) from None
    check_dtype(operation, array.dtype, False)
    if not array.dtype.isnative:
        capture = CONTEXT.get().capture
        if capture is None or not capture.blind:  # there, memory is read where it is at every run
            array = array.astype(native(array.dtype))
    return array


def as_dtype(x: Array, dtype: Any) -> Array:
    """The same numbers in another dtype, as every evaluator has them.

    Floats become integers toward zero, and what does not fit the nearest integer that does; nan
    becomes 0. (NumPy and C leave that open: it depends on the machine.)
    """
    dtype = native(dtype)
    if x.dtype.kind != "f" or dtype.kind not in "iu" or not x.size:
        return x.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    end = 2.0 ** (limits.bits - (dtype.kind == "i"))  # the first float beyond
    with np.errstate(invalid="ignore"):
        converted = x.astype(dtype)
        if limits.min <= float(x.min()) and float(x.max()) < end:  # false where one is nan
            return converted
        wide = x.astype(np.result_type(x.dtype, np.float64))
        converted[wide >= end] = limits.max
        converted[wide < limits.min] = limits.min
        converted[np.isnan(x)] = 0
    return converted


def check_dtype(operation: str, dtype: np.dtype[Any], requires_grad: bool) -> None:
    """Refuse complex numbers and objects, and gradients of integers."""
    if dtype.kind not in "fiub":
        kind = "complex numbers are" if dtype.kind == "c" else f"dtype {dtype} is"
        raise DTypeError(
            called(operation), f"{kind} not supported. Expected real numbers or booleans."
        )
    if requires_grad and dtype.kind != "f":
        raise DTypeError(
            called(operation),
            f"a tensor of dtype {dtype} has no gradient. Expected a float dtype with "
            "requires_grad=True. Write 1.0 rather than 1, or pass dtype=np.float64.",
        )
