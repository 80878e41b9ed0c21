"""Draws whose spread follows from the numbers of connections.

For a weight of shape (in, out), as `nn.Linear` keeps it, **fan_in = in** and **fan_out = out**.

=================  =========================================  ==========================
name               distribution                               keeps
=================  =========================================  ==========================
`he_normal`        N(0, 2/fan_in)                             E[y²] through ReLU
`he_uniform`       U(−a, a), a = √(6/fan_in)                  the same
`glorot_normal`    N(0, 2/(fan_in + fan_out))                 variance, both ways, tanh
`glorot_uniform`   U(−a, a), a = √(6/(fan_in + fan_out))      the same
=================  =========================================  ==========================

The normal forms are not truncated (Keras truncates at 2σ).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ShapeError
from autograd_core.randomness import source_of

__all__ = ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform"]


def he_normal(
    shape: tuple[int, ...], *, rng: RandomSource = None, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Draw from N(0, 2/fan_in): the second moment survives a ReLU.

    Also known as Kaiming initialization.

    Parameters
    ----------
    shape : tuple of int, (in, out)
        fan_in = in.
    rng : numpy.random.Generator or int, optional
        Source of the draw, or its seed. Left out, a fresh seed is drawn, which the logger
        ``"gradproof"`` notes at level INFO (an array cannot say it).
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray, shape (in, out)

    Raises
    ------
    ShapeError
        If ``shape`` is not (in, out) with positive sizes.
    ConfigError
        If ``rng`` is neither a generator nor a seed.

    References
    ----------
    He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, eq. 10. [Other tricks]
    """
    fan_in, _ = _fans(shape, "he_normal")
    return _normal(shape, math.sqrt(2 / fan_in), rng, dtype, "he_normal")


def he_uniform(
    shape: tuple[int, ...], *, rng: RandomSource = None, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Draw from U(−a, a) with a = √(6/fan_in); the variance of `he_normal`.

    Parameters, returns and raises: see `he_normal`.

    References
    ----------
    He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, eq. 10. [Other tricks]
    """
    fan_in, _ = _fans(shape, "he_uniform")
    return _uniform(shape, math.sqrt(6 / fan_in), rng, dtype, "he_uniform")


def glorot_normal(
    shape: tuple[int, ...], *, rng: RandomSource = None, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Draw from N(0, 2/(fan_in + fan_out)): a compromise of forward and backward variance.

    Also known as Xavier initialization. Parameters, returns and raises: see `he_normal`.

    References
    ----------
    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural
    networks, eq. 12. [Other tricks]
    """
    return _normal(
        shape, math.sqrt(2 / sum(_fans(shape, "glorot_normal"))), rng, dtype, "glorot_normal"
    )


def glorot_uniform(
    shape: tuple[int, ...], *, rng: RandomSource = None, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Draw from U(−a, a) with a = √(6/(fan_in + fan_out)); the variance of `glorot_normal`.

    Parameters, returns and raises: see `he_normal`.

    References
    ----------
    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural
    networks, eq. 16. [Other tricks]
    """
    return _uniform(
        shape, math.sqrt(6 / sum(_fans(shape, "glorot_uniform"))), rng, dtype, "glorot_uniform"
    )


def _fans(shape: tuple[int, ...], name: str) -> tuple[int, int]:
    if len(shape) != 2 or min(shape) < 1:
        raise ShapeError(
            name,
            "fan-in and fan-out are those of a weight. Expected shape (in, out), both "
            f"positive; received {tuple(shape)}. For biases use nn.initializers.zeros.",
        )
    return shape[0], shape[1]


def _normal(
    shape: tuple[int, ...],
    deviation: float,
    rng: RandomSource,
    dtype: npt.DTypeLike,
    name: str,
) -> Array:
    draw = source_of(rng, name).generator.standard_normal(shape)
    return (deviation * draw).astype(dtype)


def _uniform(
    shape: tuple[int, ...],
    limit: float,
    rng: RandomSource,
    dtype: npt.DTypeLike,
    name: str,
) -> Array:
    return source_of(rng, name).generator.uniform(-limit, limit, shape).astype(dtype)
