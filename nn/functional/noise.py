"""Noise that is given: what a layer does with the mask that it drew."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

__all__ = ["dropout"]


def dropout(x: ArrayLike, mask: ArrayLike, keep: ArrayLike | None = None) -> ag.Tensor:
    """Switch units off by a given mask: D x, or D x / α.

    Parameters
    ----------
    x : array_like
        Outputs of the units, after their activation; or the network's inputs.
    mask : array_like of bool or 0 and 1, broadcastable to x
        D: 1 keeps, 0 drops.
    keep : float, optional
        α, the probability to keep, in (0, 1]. Given, the kept values are divided by it (inverted
        dropout, nothing to scale at test time). None: the slide's form, to be scaled by α then.

    Returns
    -------
    Tensor, shape of x

    References
    ----------
    [What each neuron computes], [Dropout]. Srivastava et al. (2014), Dropout, section 4.

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.functional.dropout(np.array([1.0, 2.0]), np.array([True, False]), keep=0.5)
    >>> y.numpy().tolist()
    [2.0, 0.0]
    """
    dropped = ag.multiply(x, mask)
    return dropped if keep is None else dropped / keep
