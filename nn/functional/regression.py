"""Divergences of outputs that are quantities."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import NON_NEGATIVE, POSITIVE

from ..inputs import as_pair
from .reduction import REDUCTION, Reduction, reduced

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss", "squared_error"]


def mse_loss(output: ArrayLike, targets: ArrayLike, *, reduction: Reduction = "mean") -> ag.Tensor:
    """Mean of the squared error over **all elements**: 1/(B D) Σ (Y − d)².

    PyTorch's and Keras's mean squared error. The slides sum over the outputs of one instance and
    average over instances only: that is `squared_error`, D times as large.

    Parameters
    ----------
    output, targets : array_like, shape (B, …)
        Of one shape: nothing is broadcast.
    reduction : {"mean", "sum", "none"}
        "sum" gives Σ (Y − d)², "none" each (Y − d)². Beside a sum over n elements a penalty's λ has
        the weight that λ/n has beside their mean.

    Returns
    -------
    Tensor, shape (), or that of the output for "none"

    Raises
    ------
    ShapeError
        If the shapes differ (a column against a row would broadcast to a square in silence) or
        are empty.
    DTypeError
        If they are no real numbers.
    ConfigError
        If there is no such reduction.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.mse_loss(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """
    REDUCTION.check("mse_loss: reduction", reduction)
    output, targets = as_pair(output, targets, "mse_loss")
    if reduction == "none" or output.dtype == np.float16:  # whose sum overflows before its mean
        return reduced("mse_loss", ag.square(ag.subtract(output, targets)), reduction)
    total = ag.squared_distance(output, targets)
    return total if reduction == "sum" else total / output.size


def squared_error(
    output: ArrayLike, targets: ArrayLike, *, reduction: Reduction = "mean"
) -> ag.Tensor:
    """Mean over the batch of the slides' divergence: 1/B Σ_t ‖Y_t − d_t‖².

    Parameters, returns and raises: see `mse_loss`, which divides by all elements instead; "none"
    gives ‖Y_t − d_t‖² of each instance, shape (B,). The gradient of the mean is 2/B (Y − d).

    Notes
    -----
    [General approach to training] sums over the instances (``reduction="sum"``), [Objective function
    for neural networks] averages. So λ of a penalty beside the mean is T λ beside the sum, for the
    same minimiser with T instances.

    References
    ----------
    [General approach to training], [Objective function for neural networks], [Mini Batches]

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.squared_error(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    5.0
    """
    REDUCTION.check("squared_error: reduction", reduction)
    output, targets = as_pair(output, targets, "squared_error")
    if reduction == "none" or output.dtype == np.float16:  # whose sum overflows before its mean
        squares = ag.square(ag.subtract(output, targets))
        axes = tuple(range(1, squares.ndim))
        each = ag.sum(squares, axis=axes) if axes else squares
        return reduced("squared_error", each, reduction)
    total = ag.squared_distance(output, targets)
    return total if reduction == "sum" else total / output.shape[0]


def l1_loss(output: ArrayLike, targets: ArrayLike, *, reduction: Reduction = "mean") -> ag.Tensor:
    """Absolute error: the mean of |Y − d| over all elements; the derivative at 0 is 0.

    Parameters, returns and raises: see `mse_loss`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.l1_loss(np.array([[1.0, -2.0]]), np.zeros((1, 2))))
    1.5
    """
    REDUCTION.check("l1_loss: reduction", reduction)
    output, targets = as_pair(output, targets, "l1_loss")
    return reduced("l1_loss", ag.absolute(ag.subtract(output, targets)), reduction)


def huber_loss(
    output: ArrayLike, targets: ArrayLike, delta: float = 1.0, *, reduction: Reduction = "mean"
) -> ag.Tensor:
    """Huber's loss: ½ e² for |e| ≤ δ, and δ (|e| − ½ δ) beyond; the mean over all elements.

    Parameters
    ----------
    output, targets, reduction
        See `mse_loss`.
    delta : float, > 0
        δ, from where on an error counts in proportion.

    Returns
    -------
    Tensor, shape (), or that of the output for "none"

    Raises
    ------
    ShapeError, DTypeError, ConfigError
        As in `mse_loss`; and if δ is not above 0.

    References
    ----------
    Huber (1964), Robust estimation of a location parameter.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.huber_loss(
    ...     np.array([0.5, 3.0]), np.zeros(2), reduction="none"
    ... ).numpy().tolist()
    [0.125, 2.5]
    """
    d = POSITIVE.check("huber_loss: delta", delta)
    REDUCTION.check("huber_loss: reduction", reduction)
    output, targets = as_pair(output, targets, "huber_loss")
    size = ag.absolute(ag.subtract(output, targets))
    near = ag.minimum(size, d)  # never squared beyond δ, so nothing overflows
    return reduced("huber_loss", ag.square(near) / 2 + d * (size - near), reduction)


def smooth_l1_loss(
    output: ArrayLike, targets: ArrayLike, beta: float = 1.0, *, reduction: Reduction = "mean"
) -> ag.Tensor:
    """Huber's loss over its δ: ½ e²/β for |e| ≤ β, and |e| − ½ β beyond; for β = 0 |e|.

    Parameters, returns and raises: see `huber_loss`; β ≥ 0.

    References
    ----------
    Girshick (2015), Fast R-CNN, equation 3.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.smooth_l1_loss(
    ...     np.array([1.0, 3.0]), np.zeros(2), 2.0, reduction="none"
    ... ).numpy().tolist()
    [0.25, 2.0]
    """
    b = NON_NEGATIVE.check("smooth_l1_loss: beta", beta)
    REDUCTION.check("smooth_l1_loss: reduction", reduction)
    output, targets = as_pair(output, targets, "smooth_l1_loss")
    size = ag.absolute(ag.subtract(output, targets))
    if b == 0:
        return reduced("smooth_l1_loss", size, reduction)
    near = ag.minimum(size, b)
    return reduced("smooth_l1_loss", ag.square(near) / (2 * b) + (size - near), reduction)
