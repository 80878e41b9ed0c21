"""First values that are not drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.options import FLOATS, Interval

from .initializer import Initializer, rounded

__all__ = ["constant", "ones", "zeros"]


def zeros(
    shape: tuple[int, ...],
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> Array:
    """Zeros of any shape: the start of biases. ``rng`` is not used."""
    return np.zeros(shape, FLOATS.check("zeros: dtype", dtype))


def ones(
    shape: tuple[int, ...],
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> Array:
    """Ones of any shape: the start of scales. ``rng`` is not used."""
    return np.ones(shape, FLOATS.check("ones: dtype", dtype))


def constant(value: float) -> Initializer:
    """Make an initializer that fills any shape with ``value``.

    Identical weights never part by training [Other tricks]: meant for biases and for experiments.

    Raises
    ------
    ConfigError
        If it is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> constant(0.5)((2,), rng=np.random.default_rng(0), dtype=np.float64)
    array([0.5, 0.5])
    """
    value = Interval().check("constant: value", value)

    def fill(
        shape: tuple[int, ...],
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Array:
        return rounded(np.full(shape, value), dtype, "constant")

    return fill
