"""Values moved to mean 0 and variance 1: by given statistics, or by their own, over some of the axes.

=====================  ==========================================================================
`batch_norm`           each unit, over the batch and its places: N, H, W
`layer_norm`           each instance, over the last axes
`group_norm`           each instance, over the channels of a group and its places
`instance_norm`        each channel of each instance, over its places
`normalize`            by statistics that are given
=====================  ==========================================================================

All divide by the root of the variance plus ε, and the variance divides by the number of values. In
float16 they compute in float32 and round once: a square of more than 65504 has no float16.
"""

from __future__ import annotations

from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.dtypes import widened
from autograd_core.errors import ShapeError
from autograd_core.options import COUNT

from ..inputs import as_numbers

__all__ = [
    "batch_norm",
    "batch_norm_with_statistics",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "normalize",
]


def normalize(
    z: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> ag.Tensor:
    """Normalize by given statistics, then scale and shift: γ (z − μ)/√(σ² + ε) + β.

    Parameters
    ----------
    z : array_like, shape (B, …)
    mean, variance : array_like, broadcastable to z
    gamma, beta : array_like, broadcastable to z, optional
        Scale and shift; left out if None.
    eps : float
        ε > 0, added to the variance, inside the root.

    Returns
    -------
    Tensor, shape of z

    References
    ----------
    [Batch normalization: Inference]
    """
    z = as_numbers(z)
    x = _wide(z)
    return _scaled((x - mean) / ag.sqrt(variance + eps), gamma, beta, z)


def batch_norm_with_statistics(
    z: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> tuple[ag.Tensor, ag.Tensor, ag.Tensor]:
    """Compute `batch_norm`, and the mean μ_B and variance σ²_B (divided by B) it used.

    Returns
    -------
    tuple of three Tensors, of shapes (B, C, …), (C,), (C,)

    Raises
    ------
    ShapeError
        As `batch_norm`.
    """
    z = as_numbers(z)
    axes = (0, *range(2, z.ndim))
    u, mean, variance = _standardized("batch_norm", z, axes, eps)
    return _by_channel("batch_norm", u, gamma, beta, z), mean, variance


def batch_norm(
    z: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> ag.Tensor:
    """Normalize each unit over the batch, then scale and shift it.

    μ_B = 1/B Σ z_i,   σ²_B = 1/B Σ (z_i − μ_B)²,   u_i = (z_i − μ_B)/√(σ²_B + ε),   ẑ_i = γ u_i + β

    Parameters
    ----------
    z : array_like, shape (B,), (B, C) or (B, C, …)
        Statistics are those of each unit, or channel, by itself: over the first axis, and over those
        behind the second. Of images N × C × H × W the sums run over N·H·W values.
    gamma, beta : array_like, shape (C,) or (), optional
        Scale and shift of each unit; left out if None.
    eps : float
        ε > 0, inside the root.

    Returns
    -------
    Tensor, shape of z

    Raises
    ------
    ShapeError
        If a unit has no values, or γ or β another shape.

    Notes
    -----
    The variance divides by B here, as on the slide. A batch of one gives u ≡ 0; the layer
    `nn.BatchNorm1d` refuses it. Since every output depends on the whole batch, the derivative of
    the batch's divergence is no mean of derivatives of single instances [A note on derivatives].

    References
    ----------
    [Batch normalization: Training]. Ioffe and Szegedy (2015), Batch normalization, algorithm 1, and
    section 3.2 for images.

    Examples
    --------
    >>> import numpy as np, nn
    >>> z = np.array([[1.0], [3.0]])
    >>> nn.functional.batch_norm(z, eps=3.0).numpy().tolist()
    [[-0.5], [0.5]]
    """
    return batch_norm_with_statistics(z, gamma, beta, eps)[0]


def layer_norm(
    x: ArrayLike,
    normalized_shape: int | tuple[int, ...],
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> ag.Tensor:
    """Normalize each instance over its last axes, then scale and shift each of their places.

    Parameters
    ----------
    x : array_like, shape (…, *normalized_shape)
    normalized_shape : int or tuple of int
        The sizes of the axes that are averaged over: the last ones.
    gamma, beta : array_like, of that shape, optional
        Scale and shift; left out if None.
    eps : float
        ε > 0, inside the root.

    Returns
    -------
    Tensor, shape of x

    Raises
    ------
    ConfigError
        If ``normalized_shape`` is no shape.
    ShapeError
        If the last axes of x are others, or γ or β have another shape.

    Notes
    -----
    A single instance does not depend on the rest of the batch, and training is as evaluation.

    References
    ----------
    Ba, Kiros and Hinton (2016), Layer normalization, eq. 4.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.layer_norm(np.array([1.0, 3.0]), 2, eps=3.0).numpy().tolist()
    [-0.5, 0.5]
    """
    x, shape = as_numbers(x), shape_of(normalized_shape, "layer_norm: normalized_shape")
    if tuple(x.shape[-len(shape) :]) != shape:
        raise ShapeError(
            "layer_norm",
            f"the input does not fit. Expected shape (…, {', '.join(map(str, shape))}); received "
            f"{x.shape}. Give the sizes of its last axes as normalized_shape.",
        )
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    u = _standardized("layer_norm", x, axes, eps)[0]
    gamma, beta = _of_shape("layer_norm", shape, gamma, beta)
    return _scaled(u, gamma, beta, x)


def group_norm(
    x: ArrayLike,
    num_groups: int,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> ag.Tensor:
    """Normalize each group of channels of each instance, then scale and shift each channel.

    Parameters
    ----------
    x : array_like, shape (N, C, …)
    num_groups : int
        How many groups of C / num_groups channels that follow one another. One is layer norm over
        everything but the batch; C is instance norm.
    gamma, beta : array_like, shape (C,), optional
        Scale and shift; left out if None.
    eps : float
        ε > 0, inside the root.

    Returns
    -------
    Tensor, shape of x

    Raises
    ------
    ConfigError
        If ``num_groups`` is no count.
    ShapeError
        If there are no channels, or they are no multiple of ``num_groups``, or no values; or γ or β have
        another shape.

    References
    ----------
    Wu and He (2018), Group normalization, eq. 7.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.array([[1.0, 3.0, 10.0, 30.0]])
    >>> nn.functional.group_norm(x, 2, eps=0.0).numpy().tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    x, groups = as_numbers(x), COUNT.check("group_norm: num_groups", num_groups)
    if x.ndim < 2 or x.shape[1] % groups:
        raise ShapeError(
            "group_norm",
            f"the channels cannot be cut into groups. Expected shape (batch, channels, …), with a "
            f"multiple of num_groups={groups} channels; received {x.shape}.",
        )
    each = (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    u = _standardized("group_norm", ag.reshape(x, each), tuple(range(2, len(each))), eps)[0]
    return _by_channel("group_norm", ag.reshape(u, x.shape), gamma, beta, x)


def instance_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> ag.Tensor:
    """Normalize each channel of each instance over its places, then scale and shift the channel.

    Parameters
    ----------
    x : array_like, shape (N, C, L, …)
    gamma, beta : array_like, shape (C,), optional
        Scale and shift; left out if None.
    eps : float
        ε > 0, inside the root.

    Returns
    -------
    Tensor, shape of x

    Raises
    ------
    ShapeError
        If there are no places to average over, or γ or β have another shape.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky (2016), Instance normalization: the missing ingredient for fast
    stylization, eq. 4.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.instance_norm(np.array([[[1.0, 3.0], [7.0, 5.0]]]), eps=0.0).numpy().tolist()
    [[[-1.0, 1.0], [1.0, -1.0]]]
    """
    x = as_numbers(x)
    if x.ndim < 3:
        raise ShapeError(
            "instance_norm",
            "there are no places to average over. Expected shape (batch, channels, length, …); "
            f"received {x.shape}.",
        )
    u = _standardized("instance_norm", x, tuple(range(2, x.ndim)), eps)[0]
    return _by_channel("instance_norm", u, gamma, beta, x)


def shape_of(value: int | tuple[int, ...], where: str) -> tuple[int, ...]:
    """``value``, a size or sizes, as a shape that is not empty.

    Raises
    ------
    ConfigError
        If it is no size of 1 or more, or a sequence of none or of something else.
    """
    sizes = tuple(value) if isinstance(value, tuple | list) and value else (value,)
    # A size that is a symbol is one of a proof for every size.
    return tuple(n if isinstance(n, ag.Dim) else COUNT.check(where, n) for n in sizes)


def _standardized(
    operation: str, x: Any, axes: tuple[int, ...], eps: float | ag.Tensor
) -> tuple[ag.Tensor, ag.Tensor, ag.Tensor]:
    """u, which has mean 0 and variance 1 over ``axes`` (for ε = 0), and the mean and the variance.

    The statistics are without those axes.

    Raises
    ------
    ShapeError
        If there is nothing to average over.
    """
    if x.ndim <= axes[-1] or (0 in x.shape and 0 in [x.shape[axis] for axis in axes]):
        raise ShapeError(
            operation,
            f"there are no values to average over. Expected some along the axes {axes}; received shape "
            f"{x.shape}. Pass data that is not empty.",
        )
    x = _wide(x)
    over = axes if len(axes) > 1 else axes[0]
    mean = ag.mark(ag.mean(x, axis=over), name="mean")
    centered = x - laid(mean, axes)
    variance = ag.mark(ag.mean(ag.square(centered), axis=over), name="variance")
    u = ag.mark(centered / ag.sqrt(laid(variance, axes) + eps), name="u")
    return u, mean, variance


def laid(statistic: Any, axes: tuple[int, ...]) -> Any:
    """A statistic without ``axes``, so that it broadcasts to what it is of.

    Axes of size 1 stand for those that are followed by one that was kept, or that follow one.
    """
    if statistic is None or axes[-1] < len(axes):  # the leading ones: by broadcasting
        return statistic
    statistic = as_numbers(statistic)
    first = next(i for i in range(len(axes) + 1) if i not in axes)
    # A number stands for all units.
    behind = tuple(axis - first for axis in axes if axis > first)
    return ag.expand_dims(statistic, behind) if statistic.ndim else statistic


def _wide(x: Any) -> Any:
    """x, in float32 if it is float16."""
    return ag.cast(x, widened(x.dtype)) if x.dtype.char == "e" else x


def _by_channel(
    operation: str, u: ag.Tensor, gamma: ArrayLike | None, beta: ArrayLike | None, like: Any
) -> ag.Tensor:
    """γ u + β, with numbers for each place of the second axis."""
    axes = (0, *range(2, like.ndim))
    gamma, beta = _of_shape(operation, like.shape[1:2], gamma, beta)
    return _scaled(u, laid(gamma, axes), laid(beta, axes), like)


def _of_shape(operation: str, shape: tuple[Any, ...], *given: ArrayLike | None) -> list[Any]:
    """γ and β, which have that shape, or are one number, or are left out.

    Raises
    ------
    ShapeError
        If they have another: nothing else is broadcast.
    """
    found = [None if t is None else as_numbers(t) for t in given]
    for t in found:
        if t is not None and t.shape != shape and t.ndim:
            raise ShapeError(
                operation,
                f"γ and β do not fit. Expected shape {shape}, or single numbers; received {t.shape}.",
            )
    return found


def _scaled(u: Any, gamma: ArrayLike | None, beta: ArrayLike | None, like: Any) -> ag.Tensor:
    """γ u + β; in float16, if ``like`` is."""
    scaled = u if gamma is None else gamma * u
    scaled = scaled if beta is None else scaled + beta
    narrow = like.dtype.char == "e" and scaled.dtype.char != "e"
    return ag.cast(scaled, like.dtype) if narrow else scaled
