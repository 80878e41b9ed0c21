"""Draws whose spread follows from the numbers of connections.

**fan_in** is how many inputs an output sums over, **fan_out** how many outputs an input goes into:
`fans` reads them off the shape of a weight.

=================  =========================================  ==========================
name               distribution                               keeps
=================  =========================================  ==========================
`he_normal`        N(0, 2/fan_in)                             E[y²] through ReLU
`he_uniform`       U(−a, a), a = √(6/fan_in)                  the same
`lecun_normal`     N(0, 1/fan_in)                             variance, linear and SELU
`lecun_uniform`    U(−a, a), a = √(3/fan_in)                  the same
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

from .initializer import rounded

__all__ = [
    "fans",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
]


def fans(shape: tuple[int, ...], operation: str = "fans") -> tuple[int, int]:
    """Read fan-in and fan-out off the shape of a weight.

    Parameters
    ----------
    shape : tuple of int, (in, out) or (out, in, *kernel)
        Of a weight as `nn.Linear` keeps it; or, with three axes or more, as convolutions do.
    operation : str
        Who asks, for messages.

    Returns
    -------
    tuple of two int
        (in, out); of a convolution in · ∏ kernel and out · ∏ kernel: at a place, with a stride of 1.

    Raises
    ------
    ShapeError
        If there are fewer than two axes, or one is empty.

    Notes
    -----
    * A convolution in groups is as many convolutions side by side, each with fans of its own: its
      layer asks for the values of each group, (out / groups, in / groups, *kernel). A depthwise one
      has a fan-in of ∏ kernel. (PyTorch reads in / groups and out, a fan-out ``groups`` times that.)
    * A transposed convolution keeps (in, out / groups, *kernel). An output sums over in / groups · ∏
      kernel terms, at a stride of 1: its layer asks for (out / groups, in / groups, *kernel) and turns
      the axes. (PyTorch reads the fans off the shape as it is kept, the wrong way round.)

    Examples
    --------
    >>> fans((300, 100)), fans((64, 16, 3, 3))
    ((300, 100), (144, 576))
    """
    if len(shape) < 2 or min(shape) < 1:
        raise ShapeError(
            operation,
            "fan-in and fan-out are those of a weight. Expected shape (in, out), or (out, in, "
            f"*kernel) of a convolution, all positive; received {tuple(shape)}. For biases use "
            "nn.initializers.zeros.",
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    places = math.prod(shape[2:])
    return shape[1] * places, shape[0] * places


def he_normal(
    shape: tuple[int, ...], *, rng: RandomSource = None, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Draw from N(0, 2/fan_in): the second moment survives a ReLU.

    Also known as Kaiming initialization.

    Parameters
    ----------
    shape : tuple of int
        Of a weight, see `fans`.
    rng : numpy.random.Generator or int, optional
        Source of the draw, or its seed. Left out, a fresh seed is drawn, which the logger
        ``"gradproof"`` notes at level INFO (an array cannot say it).
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray of that shape

    Raises
    ------
    ShapeError
        If it is no shape of a weight.
    ConfigError
        If ``rng`` is neither a generator nor a seed.

    References
    ----------
    He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, eq. 10. [Other tricks]
    """
    fan_in, _ = fans(shape, "he_normal")
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
    fan_in, _ = fans(shape, "he_uniform")
    return _uniform(shape, math.sqrt(6 / fan_in), rng, dtype, "he_uniform")


def lecun_normal(
    shape: tuple[int, ...], *, rng: RandomSource = None, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Draw from N(0, 1/fan_in): the variance survives a linear layer, and SELU.

    Parameters, returns and raises: see `he_normal`.

    References
    ----------
    LeCun, Bottou, Orr and Müller (1998), Efficient BackProp, section 4.6. Klambauer, Unterthiner, Mayr
    and Hochreiter (2017), Self-normalizing neural networks. [Other tricks]
    """
    fan_in, _ = fans(shape, "lecun_normal")
    return _normal(shape, math.sqrt(1 / fan_in), rng, dtype, "lecun_normal")


def lecun_uniform(
    shape: tuple[int, ...], *, rng: RandomSource = None, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Draw from U(−a, a) with a = √(3/fan_in); the variance of `lecun_normal`.

    Parameters, returns and raises: see `he_normal`.

    References
    ----------
    LeCun, Bottou, Orr and Müller (1998), Efficient BackProp, section 4.6. [Other tricks]
    """
    fan_in, _ = fans(shape, "lecun_uniform")
    return _uniform(shape, math.sqrt(3 / fan_in), rng, dtype, "lecun_uniform")


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
        shape, math.sqrt(2 / sum(fans(shape, "glorot_normal"))), rng, dtype, "glorot_normal"
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
        shape, math.sqrt(6 / sum(fans(shape, "glorot_uniform"))), rng, dtype, "glorot_uniform"
    )


def _normal(
    shape: tuple[int, ...],
    deviation: float,
    rng: RandomSource,
    dtype: npt.DTypeLike,
    name: str,
) -> Array:
    draw = source_of(rng, name).generator.standard_normal(shape)
    return rounded(deviation * draw, dtype, name)


def _uniform(
    shape: tuple[int, ...],
    limit: float,
    rng: RandomSource,
    dtype: npt.DTypeLike,
    name: str,
) -> Array:
    draw = source_of(rng, name).generator.uniform(-limit, limit, shape)
    return rounded(draw, dtype, name)
