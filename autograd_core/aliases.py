"""Type names used throughout."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["Array", "ArrayLike", "Axis", "Params", "RandomSource", "Size"]

Array: TypeAlias = np.ndarray[Any, Any]
# Anything that an operation accepts: Tensor, array, NumPy scalar, Python number, nested list.
ArrayLike: TypeAlias = Any
Axis: TypeAlias = int | tuple[int, ...] | None
Params: TypeAlias = dict[str, Any]
# What `rng` takes: a generator, a seed, or nothing, for a fresh seed (randomness.py).
RandomSource: TypeAlias = np.random.Generator | int | None
# One entry of a shape: an int, or a symbolic Dim (shapes.py).
Size: TypeAlias = Any
