"""Checks of what constructors are given: one place, one form of message."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.errors import ConfigError, DTypeError

__all__ = ["check_dtype", "check_number", "check_size"]


def check_size(value: object, layer: str, option: str) -> int:
    """``value`` as an int from 1.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ConfigError(
            f"{layer}: {option} is no size. Expected an int from 1; received {value!r}."
        )
    return int(value)


def check_number(
    value: object,
    layer: str,
    option: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: bool = False,
) -> float:
    """``value`` as a float in [low, high], or in (low, high] if ``above``; never nan or infinite.

    Raises
    ------
    ConfigError
        If it is none.
    """
    ok = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    number = float(value) if ok else math.nan  # type: ignore[arg-type]
    if not math.isfinite(number) or not low <= number <= high or (above and number == low):
        bracket = "(" if above or low == -math.inf else "["
        close = ")" if high == math.inf else "]"
        raise ConfigError(
            f"{layer}: {option} is out of range. Expected a number in "
            f"{bracket}{low:g}, {high:g}{close}; received {value!r}."
        )
    return number


def check_dtype(dtype: npt.DTypeLike, layer: str) -> np.dtype[Any]:
    """``dtype`` as a NumPy float dtype.

    Raises
    ------
    DTypeError
        If it is none.
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if dtype is None or found.kind != "f":
        raise DTypeError(
            f"{layer}: parameters need a float dtype. Expected np.float32 or np.float64; "
            f"received {dtype!r}."
        )
    return found
