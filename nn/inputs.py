"""What layers and losses ask of what they are called with: real numbers, of a shape, in a dtype."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.context import CONTEXT
from autograd_core.errors import CaptureError, DataError, DTypeError, ShapeError
from autograd_core.exchange import plain

__all__ = [
    "as_channels",
    "as_dtype_of",
    "as_features",
    "as_floats",
    "as_numbers",
    "as_pair",
    "as_quantities",
    "as_reals",
    "as_units",
    "as_whole",
    "in_dtype",
    "require",
    "require_within",
]

_PLACES = ((), ("length",), ("height", "width"), ("depth", "height", "width"))


def as_features(x: ArrayLike, width: int, dtype: np.dtype[Any], layer: object) -> Any:
    """``x`` as an array or Tensor of shape (…, width) and of the layer's dtype.

    A layer computes in the dtype of its parameters; where the input has another, the cast is a
    recorded operation, to be seen in the program and in drawings.

    Parameters
    ----------
    x : array_like, shape (…, width)
        At least one axis; any real dtype.
    width : int
        What the last axis must be.
    dtype : numpy dtype
        The dtype of the layer's parameters.
    layer : object
        Whose text, such as ``Linear(64, 128)``, begins messages.

    Raises
    ------
    ShapeError
        If the last axis is not ``width``.
    DTypeError
        If the values are complex or not numbers.
    """
    x = as_reals(x, dtype, layer)
    if x.ndim == 0 or x.shape[-1] != width:
        raise ShapeError(
            str(layer),
            f"the input does not fit. Expected shape ({'…' if x.ndim > 2 else 'batch'}, {width}); "
            f"received {x.shape}. {_remedy(x.shape, width)}",
        )
    return in_dtype(x, dtype)


def as_channels(x: ArrayLike, channels: int, axes: int, dtype: np.dtype[Any], layer: object) -> Any:
    """``x`` as an array or Tensor of shape (batch, channels, length, …) and of the layer's dtype.

    Parameters
    ----------
    x : array_like
        With ``axes`` axes behind that of the channels; the batch may be left out.
    dtype, layer
        See `as_features`.

    Raises
    ------
    ShapeError
        If there are more or fewer axes, or other channels.
    DTypeError
        If the values are complex or not numbers.
    """
    x = as_reals(x, dtype, layer)
    if x.ndim not in (axes + 1, axes + 2) or x.shape[-axes - 1] != channels:
        lengths = ", ".join(["length"] * axes)
        fits = x.ndim in (axes + 1, axes + 2)
        if fits and x.shape[-1] == channels:
            remedy = "Transpose it: channels come first."
        elif channels == 1 and x.ndim == axes + 1:
            remedy = "Put an axis of one channel behind the batch: x[:, None]."
        elif channels == 1 and x.ndim == axes:
            remedy = "One without a batch is x[None]; flat ones are x.reshape(len(x), 1, …)."
        elif fits:
            remedy = (
                f"Build the layer for {x.shape[-axes - 1]} channels, or look which axis they are."
            )
        else:
            remedy = f"Reshape the input: x.reshape(len(x), {channels}, …)."
        raise ShapeError(
            str(layer),
            f"the input does not fit. Expected shape (batch, {channels}, {lengths}), or without "
            f"the batch; received {x.shape}. {remedy}",
        )
    return in_dtype(x, dtype)


def as_units(
    x: ArrayLike, units: int, places: tuple[int, ...], dtype: np.dtype[Any], layer: object
) -> Any:
    """``x`` as an array or Tensor of shape (batch, units, …) and of the layer's dtype.

    Parameters
    ----------
    x : array_like
        A batch; behind the units stand axes of places, none for a batch of rows.
    places : tuple of int
        The numbers of such axes that the layer takes.
    dtype, layer
        See `as_features`.

    Raises
    ------
    ShapeError
        If there are more or fewer axes, or other units.
    DTypeError
        If the values are complex or not numbers.
    """
    x = as_reals(x, dtype, layer)
    if x.ndim - 2 not in places or x.shape[1] != units:
        shapes = [f"({', '.join(('batch', str(units), *_PLACES[n]))})" for n in places]
        if x.ndim == 2 and x.shape[0] == units and 0 in places:
            remedy = "Transpose it: the batch is the first axis."
        elif x.ndim - 2 in places and x.shape[-1] == units:
            remedy = "Transpose it: channels come before places."
        elif x.ndim - 1 in places and x.shape[0] == units:
            remedy = "Put an axis of the batch before it."
        elif 0 in places and x.ndim > 2 and math.prod(x.shape[1:]) == units:
            remedy = "Put nn.Flatten() before this layer."
        else:
            remedy = "Reshape the input, or build the layer for its second axis."
        raise ShapeError(
            str(layer),
            f"the input does not fit. Expected shape {' or '.join(shapes)}; received "
            f"{x.shape}. {remedy}",
        )
    return in_dtype(x, dtype)


def in_dtype(x: Any, dtype: np.dtype[Any]) -> Any:
    """It in a dtype; itself, without another node, where it has that already."""
    return x if x.dtype == dtype else ag.cast(x, dtype)


def as_reals(x: ArrayLike, dtype: np.dtype[Any], layer: object) -> Any:
    """``x`` as an array or Tensor of real numbers, in the dtype that it has.

    Raises
    ------
    DTypeError
        If the values are complex or not numbers; ``dtype`` is what the layer computes in.
    """
    if not isinstance(x, ag.Tensor):
        _one(x, str(layer))
        x = plain(str(layer), x)
    if x.dtype.kind not in "fiub":
        raise DTypeError(
            str(layer),
            "the input is not made of real numbers. Expected a real dtype, to be "
            f"computed in {dtype}; received {x.dtype}. Convert it first.",
        )
    return x


def _remedy(shape: tuple[Any, ...], width: int) -> str:
    if len(shape) == 2 and shape[0] == width:
        return "Transpose it: the batch is the first axis."
    if len(shape) > 2 and math.prod(shape[1:]) == width:
        return "Put nn.Flatten() before this layer."
    return "Reshape the input, or build the layer for its last axis."


def as_floats(x: ArrayLike, layer: object) -> Any:
    """``x`` as an array or Tensor of floats, for layers that have no dtype of their own.

    Raises
    ------
    DTypeError
        If it is made of something else: there is nothing to say in which dtype it is meant.
    """
    if not isinstance(x, ag.Tensor):
        _one(x, str(layer))
        x = plain(str(layer), x)
    if x.dtype.kind != "f":
        raise DTypeError(
            str(layer),
            f"the input is not made of floats. Expected a float dtype; received {x.dtype}. Convert it "
            "first: x.astype(np.float32).",
        )
    return x


def _one(x: Any, name: str) -> None:
    """Refuse what a layer gave in several parts, which is no input as it is."""
    if isinstance(x, tuple) and any(isinstance(part, ag.Tensor) and part.ndim for part in x):
        parts = ", ".join(str(getattr(part, "shape", type(part).__name__)) for part in x)
        raise ShapeError(
            name,
            f"the input is a tuple of {len(x)} parts, such as recurrent layers and attention give. "
            f"Expected one array or Tensor; received ({parts}). Pass on the part that is meant, mostly "
            "the first, in a forward of your own; parts of one shape become one by ag.stack.",
        )


def as_numbers(x: ArrayLike) -> Any:
    """A Tensor, or an array that a recorder will copy if it has to."""
    return x if isinstance(x, (ag.Tensor, np.ndarray)) else ag.tensor(x)


def as_dtype_of(targets: Any, output: Any) -> Any:
    """Targets in the dtype of the output, so that a float32 model has a float32 loss."""
    return in_dtype(targets, output.dtype)


def as_pair(output: ArrayLike, targets: ArrayLike, name: str) -> tuple[Any, Any]:
    """Output and targets of one shape, not empty, in the dtype of the output.

    Raises
    ------
    ShapeError
        If the shapes differ: nothing is broadcast.
    """
    output, targets = as_quantities(output, name), as_numbers(targets)
    shape = output.shape
    if shape != targets.shape or not shape or 0 in shape:
        raise ShapeError(
            name,
            "output and targets do not fit. Expected one shape (batch, …), not empty; "
            f"received {shape} and {targets.shape}. "
            + (
                "Give the targets the last axis: targets[:, None]."
                if shape == (*targets.shape, 1)
                else "Reshape the targets."
            ),
        )
    if targets.dtype.kind not in "fiub":
        raise DTypeError(
            name, f"expected real numbers as targets; received {targets.dtype}. Convert them first."
        )
    return output, as_dtype_of(targets, output)


def as_quantities(x: ArrayLike, name: str) -> Any:
    """``x`` as a Tensor or array of floats; whole numbers in double precision.

    Raises
    ------
    DTypeError
        If the values are complex or not numbers.
    """
    _one(x, name)
    x = as_numbers(x)
    if x.dtype.kind not in "fiub":
        raise DTypeError(name, f"expected real numbers; received {x.dtype}. Convert them first.")
    return x if x.dtype.kind == "f" else ag.cast(x, np.float64)


def require(known: Callable[..., Any], error: Callable[..., Exception], *values: Any) -> None:
    """Refuse values for which ``known`` is False; in a compiled step, at each run of it.

    Not asked in a trace, where arrays have no values.

    Parameters
    ----------
    known : callable
        Of the values, arrays or Tensors, to one boolean; in NumPy's functions and operators.
    error : callable
        Of the values as arrays, to what is raised.
    """
    capture = CONTEXT.get().capture
    if capture is not None and capture.blind:
        tensors = tuple(v if isinstance(v, ag.Tensor) else ag.tensor(v) for v in values)
        capture.check(known(*tensors), error, tensors)
        return
    try:
        arrays = [v.detach().numpy() if isinstance(v, ag.Tensor) else v for v in values]
    except CaptureError:  # traced: the values will only be known when the program runs
        return
    if not known(*arrays):
        raise error(*arrays)


def require_within(
    values: Any, low: float, high: float, name: str, what: str, remedy: str = ""
) -> None:
    """Refuse values outside ``[low, high]``, nan among them.

    Raises
    ------
    DataError
        That names the first such value.
    """

    def known(x: Any) -> Any:
        return (np.min(x) >= low) & (np.max(x) <= high)

    def error(x: Any) -> DataError:
        bad = x[~((x >= low) & (x <= high))]
        bounds = f"numbers from {low:g} to {high:g}"
        if high >= float(np.finfo(np.float16).max):
            bounds = f"finite numbers of {low:g} or more"
        elif low == -math.inf:
            bounds = f"numbers of at most {high:g}"
        return DataError(
            name,
            f"{what}: expected {bounds}; received {bad[0]} in {bad.size} of {x.size} "
            f"places. {remedy}".rstrip(),
        )

    require(known, error, values)


def rounded_up(values: Any) -> float:
    """By how much a probability of 1 may be above it: rounding of what was divided by its sum."""
    return 8 * float(np.finfo(values.dtype).eps)


def require_logarithms(log_p: Any, name: str, what: str, remedy: str) -> None:
    """Refuse logarithms of what is above 1 by more than rounding, and nan.

    Raises
    ------
    DataError
        That names the first such value.
    """
    require_within(log_p, -math.inf, rounded_up(log_p), name, what, remedy)


def as_whole(values: ArrayLike, bound: Any, name: str, what: str, remedy: str = "") -> Any:
    """Integers from 0 to ``bound`` - 1, as an array or Tensor.

    Parameters
    ----------
    values : array_like of int
    bound : int or Dim
        A symbolic one is taken to be kept.
    name, what, remedy : str
        For messages: whose, such as ``Embedding``; of what, such as "an index"; what to do.

    Raises
    ------
    DTypeError
        If they are no integers.
    DataError
        If one is out of range; see `require`.
    """
    values = as_numbers(values)
    if values.dtype.kind not in "iu":
        raise DTypeError(
            name,
            f"{what} is no integer. Expected an integer dtype; received {values.dtype}. Convert with "
            ".astype(np.int64).",
        )
    if not isinstance(bound, ag.Dim) and 0 not in values.shape:
        require_within(values, 0, bound - 1, name, what, remedy)
    return values
