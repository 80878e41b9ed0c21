"""Random numbers as functions of random bits: masks, and normal numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.errors import DTypeError, ShapeError
from autograd_core.options import FLOATS, PROBABILITY

__all__ = ["bernoulli", "box_muller", "standard_normal"]

_BITS = 2**32  # random_bits gives uint32


def bernoulli(bits: Any, keep: float) -> ag.Tensor:
    """Success with probability α for each of given random bits.

    Parameters
    ----------
    bits : array_like of uint32
        See `autograd_core.random_bits`.
    keep : float, in [0, 1]
        α, to within 2⁻³³; below 1 it is at most 1 − 2⁻³², and 1 counts as that.

    Returns
    -------
    Tensor of bool, shape of bits

    Raises
    ------
    ConfigError
        If α is no probability.
    DTypeError
        If the bits are no uint32.

    References
    ----------
    [Dropout]: "set them to 0 according to the success of a Bernoulli random number generator"; there
    success, of probability 1 − α, is to be off, here it is to be on.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.bernoulli(np.array([0, 2**31, 2**32 - 1], np.uint32), 0.5).numpy().tolist()
    [True, False, False]
    """
    bits = _checked("bernoulli", bits)
    keep = PROBABILITY.check("bernoulli: keep", keep)
    # Below 2³², which no uint32 reaches and no uint32 can hold.
    return ag.less(bits, min(round(keep * _BITS), _BITS - 1))


def box_muller(u: Any, v: Any) -> ag.Tensor:
    """A normal number of mean 0 and variance 1 from two uniform ones: z = √(−2 log u) cos 2πv.

    Parameters
    ----------
    u : array_like, in (0, 1]
    v : array_like, in [0, 1], one shape with u

    Returns
    -------
    Tensor, of that shape

    References
    ----------
    Box and Muller (1958), A note on the generation of random normal deviates.

    Examples
    --------
    >>> import nn
    >>> float(nn.functional.box_muller(1.0, 0.3))
    0.0
    """
    return ag.sqrt(-2 * ag.log(u)) * ag.cos(ag.multiply(v, 2 * math.pi))


def standard_normal(bits: Any, dtype: npt.DTypeLike = np.float32) -> ag.Tensor:
    """Independent normal numbers of mean 0 and variance 1, two random bits each.

    By `box_muller`, with u = (bits[0] + ½)/2³² and v = bits[1]/2³².

    Parameters
    ----------
    bits : array_like of uint32, shape (2, …)
        See `autograd_core.random_bits`.
    dtype : dtype
        Of the result, a float dtype; computed in float32 at least.

    Returns
    -------
    Tensor, shape of bits without the first axis
        |z| ≤ 6.77, as 2⁻³³ is the smallest u; beyond that lies a share of 10⁻¹¹ of a normal variable.

    Raises
    ------
    DTypeError
        If the bits are no uint32, or ``dtype`` is no float dtype.
    ShapeError
        If the first axis is not of size 2.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> bits = ag.random_bits(np.array([1, 2], np.uint64), np.uint64(1), shape=(2, 10_000))
    >>> z = nn.functional.standard_normal(bits).numpy()
    >>> z.dtype.name, bool(abs(z.mean()) < 0.05), bool(abs(z.var() - 1) < 0.05)
    ('float32', True, True)
    """
    bits = _checked("standard_normal", bits)
    if not bits.shape or bits.shape[0] != 2:
        raise ShapeError(
            "standard_normal",
            f"expected bits of shape (2, …), two for each number; received {bits.shape}. Draw with "
            "shape=(2, *shape).",
        )
    dtype = FLOATS.check("standard_normal: dtype", dtype)
    within = np.result_type(dtype, np.float32)  # float16 holds no 2⁻³³
    u, v = (ag.cast(bits[k], within) for k in (0, 1))
    z = box_muller((u + 0.5) * (1 / _BITS), v * (1 / _BITS))
    return z if z.dtype == dtype else ag.cast(z, dtype)


def _checked(operation: str, bits: Any) -> Any:
    bits = bits if isinstance(bits, ag.Tensor) else np.asarray(bits)
    if bits.dtype != np.uint32:
        raise DTypeError(
            operation,
            f"expected random bits as uint32; received {bits.dtype}. Draw them with "
            "ag.random_bits(key, counter, shape=…).",
        )
    return bits
