"""In which dtype a function computes, where that is not its operand's own.

Integers wrap: what subtracts, negates, squares or exponentiates them must be a float first. And
float16 has 11 bits: a sum of it is kept in float32 and rounded once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["HOLDS", "accumulating", "floating", "of_ufuncs", "widened"]

HOLDS = frozenset("fdg")  # the characters of dtypes in which `widened` changes nothing
_DOUBLE, _SINGLE = np.dtype(np.float64), np.dtype(np.float32)
_REAL = {char: np.exp(np.zeros(0, char)).dtype for char in "?bBhHiIlLqQ"}
_WIDE = {char: np.add.reduce(np.zeros(0, char)).dtype for char in "?bBhHiIlLqQ"}


def floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which means, norms and exponentials of elements are: double for integers."""
    return dtype if dtype.kind == "f" else _DOUBLE


def of_ufuncs(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of NumPy's functions of reals, element by element: float16 for 8 bits, and so on."""
    return _REAL.get(dtype.char, dtype)


def accumulating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a sum or product over elements, as in NumPy: narrow integers widen."""
    return _WIDE.get(dtype.char, dtype)


def widened(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """`floating`, and float32 for float16: what a sum is kept in until it is rounded."""
    return _SINGLE if dtype.char == "e" else floating(dtype)
