"""Divergences of outputs that are quantities."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from ..inputs import as_pair

__all__ = ["mse_loss", "squared_error"]


def mse_loss(output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
    """Mean of the squared error over **all elements**: 1/(B D) Σ (Y − d)².

    PyTorch's and Keras's mean squared error. The slides sum over the outputs of one instance and
    average over instances only: that is `squared_error`, D times as large.

    Parameters
    ----------
    output, targets : array_like, shape (B, …)
        Of one shape: nothing is broadcast.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ShapeError
        If the shapes differ (a column against a row would broadcast to a square in silence) or
        are empty.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.mse_loss(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """
    output, targets = as_pair(output, targets, "mse_loss")
    return ag.squared_distance(output, targets) / output.size


def squared_error(output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
    """Mean over the batch of the slides' divergence: 1/B Σ_t ‖Y_t − d_t‖².

    Parameters, returns and raises: see `mse_loss`, which divides by all elements instead.
    The gradient is 2/B (Y − d).

    References
    ----------
    [General approach to training], [Objective function for neural networks], [Mini Batches]

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.squared_error(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    5.0
    """
    output, targets = as_pair(output, targets, "squared_error")
    return ag.squared_distance(output, targets) / output.shape[0]
