"""Draws of a spread that is given, whatever the shape."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE, POSITIVE, Interval
from autograd_core.randomness import source_of

from .initializer import Initializer, rounded

__all__ = ["normal", "truncated_normal", "uniform"]

_LEAST = 0.01  # of the draws that fall inside of the bounds; the others are drawn anew


def uniform(low: float = -0.05, high: float = 0.05) -> Initializer:
    """Make an initializer that draws from U(low, high).

    Parameters
    ----------
    low, high : float
        low ≤ high. The defaults are Keras's; PyTorch's are 0 and 1.

    Raises
    ------
    ConfigError
        If one is not finite, or they are the other way round.

    Examples
    --------
    >>> import numpy as np
    >>> weights = uniform(-1.0, 1.0)((300,), rng=0, dtype=np.float64)
    >>> bool(weights.min() < -0.9), bool(weights.max() > 0.9), bool((abs(weights) <= 1).all())
    (True, True, True)
    """
    low, high = (Interval().check(f"uniform: {n}", x) for n, x in (("low", low), ("high", high)))
    if low > high:
        raise ConfigError("uniform", f"high: expected at least low={low:g}; received {high:g}.")

    def drawn(
        shape: tuple[int, ...],
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Array:
        draw = source_of(rng, "uniform").generator.uniform(low, high, shape)
        return rounded(draw, dtype, "uniform")

    return drawn


def normal(mean: float = 0.0, std: float = 0.05) -> Initializer:
    """Make an initializer that draws from N(mean, std²).

    Parameters
    ----------
    mean : float
    std : float, ≥ 0
        The defaults are Keras's; PyTorch's is 1.

    Raises
    ------
    ConfigError
        If one is outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> bool(abs(normal(2.0, 0.5)((1000,), rng=0, dtype=np.float64).mean() - 2) < 0.05)
    True
    """
    mean, std = Interval().check("normal: mean", mean), NON_NEGATIVE.check("normal: std", std)

    def drawn(
        shape: tuple[int, ...],
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Array:
        draw = source_of(rng, "normal").generator.standard_normal(shape)
        return rounded(mean + std * draw, dtype, "normal")

    return drawn


def truncated_normal(
    mean: float = 0.0, std: float = 0.05, low: float | None = None, high: float | None = None
) -> Initializer:
    """Make an initializer that draws from N(mean, std²) given that the value is in [low, high].

    Parameters
    ----------
    mean : float
    std : float, > 0
        Of the normal distribution, before its tails are cut: with the default bounds what is drawn
        has a deviation of 0.88 std.
    low, high : float, optional
        Bounds. Default: mean ∓ 2 std, as in Keras; PyTorch's are −2 and 2, whatever ``std`` is.

    Raises
    ------
    ConfigError
        If an option is outside its range, or less than a hundredth of the distribution lies between
        the bounds.

    Examples
    --------
    >>> import numpy as np
    >>> weights = truncated_normal(std=1.0)((1000,), rng=0, dtype=np.float64)
    >>> bool((abs(weights) <= 2).all()), bool(abs(weights).max() > 1.9)
    (True, True)
    """
    mean = Interval().check("truncated_normal: mean", mean)
    std = POSITIVE.check("truncated_normal: std", std)
    low = mean - 2 * std if low is None else Interval().check("truncated_normal: low", low)
    high = mean + 2 * std if high is None else Interval().check("truncated_normal: high", high)
    left, right = (low - mean) / std, (high - mean) / std
    # By the tails, so that nothing is lost where both bounds are on one side.
    side = -1 if left > 0 else 1
    inside = side * (_below(side * right) - _below(side * left))
    if inside < _LEAST:
        raise ConfigError(
            "truncated_normal",
            f"low, high: expected bounds with at least {_LEAST:.0%} of N({mean:g}, {std:g}²) between "
            f"them; received {low:g} and {high:g}, with {inside:.2g} of it. Use uniform(low, high).",
        )

    def drawn(
        shape: tuple[int, ...],
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Array:
        generator = source_of(rng, "truncated_normal").generator
        z = np.asarray(generator.standard_normal(shape))
        while (outside := (z < left) | (z > right)).any():
            z = np.where(outside, generator.standard_normal(shape), z)
        return rounded(mean + std * z, dtype, "truncated_normal")

    return drawn


def _below(z: float) -> float:
    """The share of N(0, 1) below z."""
    return math.erfc(-z / math.sqrt(2)) / 2
