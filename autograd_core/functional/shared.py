"""What the families share: shapes and axes of operands, with errors that name the operation."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any, TypeVar

import numpy as np

from ..abstract import Abstract
from ..aliases import ArrayLike, Axis
from ..arrays import as_array
from ..dtypes import floating
from ..errors import DTypeError, ShapeError
from ..frames import called
from ..primitives import told
from ..shapes import Shape, normalise_axes
from ..shelves import TENSORS
from ..tensors import NUMPY, Tensor, leaf, tensor

__all__ = [
    "answers",
    "array_of",
    "axes_of",
    "axis_of",
    "computed_in",
    "real_of",
    "reals_of",
    "sequence_of",
    "shape_of",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def shape_of(x: ArrayLike) -> Shape:
    """Shape of an operand.

    Raises
    ------
    ShapeError, DTypeError
        If it is a ragged list, or no array of numbers.
    """
    return tuple(x.shape) if hasattr(x, "shape") else as_array("shape", x).shape


def axes_of(operation: str, axis: Axis, shape: Shape) -> tuple[int, ...]:
    """Axes as sorted non-negative ints.

    Raises
    ------
    ShapeError
        If one is out of range or given twice.
    """
    try:
        return normalise_axes(axis, len(shape))
    except ShapeError as error:
        raise type(error)(called(operation), f"{error} of shape {shape}.") from None


def axis_of(operation: str, axis: int, shape: Shape) -> int:
    """One axis as a non-negative int."""
    try:
        axis = index(axis)
    except TypeError:
        raise ShapeError(
            called(operation), f"expected one axis, an integer; received {axis!r:.40}."
        ) from None
    return axes_of(operation, axis, shape)[0]


def array_of(operation: str, x: ArrayLike) -> Tensor:
    """The operand as a Tensor.

    Raises
    ------
    DTypeError
        If it is no array of numbers.
    """
    if type(x) is Tensor:
        return x
    if isinstance(x, (str, bytes, dict, set)) or x is None or callable(x):
        raise DTypeError(
            called(operation),
            f"an operand is {x!r:.40} ({type(x).__name__}). Expected a Tensor, an array or "
            "a number.",
        )
    if isinstance(x, (list, tuple)) and any(type(v) is Tensor for v in x):
        raise DTypeError(
            called(operation),
            f"an operand is a {type(x).__name__} of tensors. Join them with ag.stack.",
        )
    if isinstance(x, Abstract):
        return leaf(x)
    return tensor(as_array(operation, x))  # a copy: a graph may hold it


def computed_in(dtype: Any, t: Tensor) -> Tensor:
    """The tensor in a dtype; itself, without another node, where it has that already."""
    return t if t.dtype is dtype or t.dtype == dtype else TENSORS.cast(t, dtype)


def real_of(operation: str, x: ArrayLike) -> Tensor:
    """The operand as a Tensor of floats: integers and booleans in double precision.

    What negates, subtracts or squares takes its operand so: narrow and unsigned integers would wrap.
    """
    t = array_of(operation, x)
    return computed_in(floating(t.dtype), t)


def reals_of(operation: str, *xs: ArrayLike) -> tuple[Tensor, ...]:
    """Operands that meet each other as Tensors of floats: numbers of Python's in the dtype of the rest."""
    found = [real_of(operation, x) for x in xs]
    numbers = [type(x) in (int, float) for x in xs]
    if all(numbers) or not any(numbers):
        return tuple(found)
    rest = [t.dtype for t, number in zip(found, numbers, strict=True) if not number]
    dtype = np.result_type(*rest)
    return tuple([computed_in(dtype, t) if n else t for t, n in zip(found, numbers, strict=True)])


def sequence_of(operation: str, xs: Any) -> list[Tensor]:
    """The operands of a sequence as Tensors.

    Raises
    ------
    DTypeError
        If it is no sequence of arrays.
    """
    if isinstance(xs, (str, bytes, dict, set)) or not hasattr(xs, "__iter__"):
        raise DTypeError(
            called(operation),
            f"expected a sequence of tensors or arrays; received {xs!r:.40} ({type(xs).__name__}).",
        )
    return [array_of(operation, x) for x in xs]


def answers(function: Any) -> Callable[[_F], _F]:
    """Make a function the answer to a NumPy function that has another name."""

    def mapped(ours: _F) -> _F:
        if not hasattr(ours, "__wrapped__"):  # primitives' errors have words of their own
            ours = told(ours)
        NUMPY[function] = ours
        return ours

    return mapped
