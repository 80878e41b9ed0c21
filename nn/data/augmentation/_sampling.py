"""Pictures read at places between their pixels."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

import autograd_core as ag
from autograd_core.errors import ConfigError

__all__ = ["Fill", "between", "centred", "checked_fill", "sampled"]

Fill = float | Literal["nearest"]


def checked_fill(where: str, fill: Fill) -> Fill:
    """A number, or "nearest"."""
    number = isinstance(fill, int | float | np.number) and not isinstance(fill, bool)
    if fill == "nearest" or (number and np.isfinite(fill)):
        return fill if fill == "nearest" else float(fill)
    raise ConfigError(where, f"fill: expected a finite number or 'nearest'; received {fill!r:.60}.")


def sampled(x: ag.Tensor, rows: Any, columns: Any, fill: Fill) -> ag.Tensor:
    """Pictures, shape (N, C, H, W), at places between pixels, shape (N, H, W) each, by their four neighbours.

    What lies beyond the edge is ``fill``, which the outermost pixels blend into, or the nearest pixel of it.

    Notes
    -----
    ``scipy.ndimage.map_coordinates`` of order 1 with the mode ``"grid-constant"`` or ``"nearest"``. Written in
    the engine's operations, it runs inside of a compiled step, and gradients pass to pictures and places.
    """
    n, channels, height, width = x.shape
    flat = ag.reshape(x, (n, channels, height * width))
    size = math.prod(rows.shape[1:])
    background = 0.0 if fill == "nearest" else fill
    if background:
        flat = flat - background
    above, left = ag.floor(rows), ag.floor(columns)
    down, right = rows - above, columns - left
    above, left = ag.cast(above, np.int64), ag.cast(left, np.int64)
    total: Any = 0.0
    for i, share in ((above, 1 - down), (above + 1, down)):
        up = share if fill == "nearest" else ag.where((i >= 0) & (i < height), share, 0.0)
        row = ag.clip(i, 0, height - 1) * width
        for j, other in ((left, 1 - right), (left + 1, right)):
            across = other if fill == "nearest" else ag.where((j >= 0) & (j < width), other, 0.0)
            weight = up * across
            place = ag.reshape(row + ag.clip(j, 0, width - 1), (n, 1, size))
            pixels = ag.take_along_axis(flat, place, axis=-1)
            weight = ag.reshape(weight, (n, 1, size))
            total = total + pixels * (
                weight if weight.dtype == x.dtype else ag.cast(weight, x.dtype)
            )
    result = ag.reshape(total, (n, channels, *rows.shape[1:]))
    return result + background if background else result


def centred(height: int, width: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of all pixels, shape (H, W) each, counted from the middle of the picture."""
    i, j = np.mgrid[:height, :width]
    return (i - (height - 1) / 2).astype(dtype), (j - (width - 1) / 2).astype(dtype)


def between(u: Any, low: float, high: float) -> Any:
    """Numbers in [0, 1] as numbers in [low, high]."""
    return low + (high - low) * u
