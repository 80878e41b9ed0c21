"""What a layer with parameters asks of its input: real numbers, of its width, in its dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import DTypeError, ShapeError
from autograd_core.exchange import plain

__all__ = ["as_features"]


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
    if not isinstance(x, ag.Tensor):
        x = plain(str(layer), x)
    if x.dtype.kind not in "fiub":
        raise DTypeError(
            f"{layer}: the input is not made of real numbers. Expected a real dtype, to be "
            f"computed in {dtype}; received {x.dtype}. Convert it first."
        )
    if x.ndim == 0 or x.shape[-1] != width:
        raise ShapeError(
            f"{layer}: the input does not fit. Expected shape (batch, {width}); received "
            f"{x.shape}. {_remedy(x.shape, width)}"
        )
    return x if x.dtype == dtype else ag.cast(x, dtype)


def _remedy(shape: tuple[Any, ...], width: int) -> str:
    if len(shape) == 2 and shape[0] == width:
        return "Transpose it: the batch is the first axis."
    if len(shape) > 2 and math.prod(shape[1:]) == width:
        return "Put nn.Flatten() before this layer."
    return "Reshape the input, or build the layer for its last axis."
