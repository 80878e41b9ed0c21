"""Units that are off."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike

__all__ = ["alpha_dropout", "dropout"]

# Where SELU ends for x → −∞, −λα of Klambauer et al.: what a unit that is off gives there.
SATURATED = -1.0507009873554805 * 1.6732632423543772


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


def alpha_dropout(
    x: ArrayLike, mask: ArrayLike, keep: Any = None, off: ArrayLike = SATURATED
) -> ag.Tensor:
    """Put units where SELU ends, by a given mask: D x + (1 − D) α', or a times that plus b.

    Parameters
    ----------
    x : array_like
        Outputs of SELU units.
    mask : array_like of bool or 0 and 1, broadcastable to x
        D: 1 keeps, 0 drops.
    keep : float or Tensor, optional
        q, the probability to keep, in (0, 1]. Given, the result is moved by
        a = (q + α'² q (1 − q))^(−1/2) and b = −a (1 − q) α', so that mean 0 and variance 1 stay.
    off : float or Tensor
        α', the value of a unit that is off; that of SELU, −1.7581, by default.

    Returns
    -------
    Tensor, shape of x

    Notes
    -----
    Of x with mean m and variance v, the result has, with ``keep``, the mean a q m and the variance
    a² (q v + q (1 − q) (m − α')²): 0 and 1 for 0 and 1.

    References
    ----------
    Klambauer et al. (2017), Self-normalizing neural networks, "New dropout technique".

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.functional.alpha_dropout(np.ones(2), np.array([True, False]))
    >>> y.numpy().round(4).tolist()
    [1.0, -1.7581]
    """
    shifted = ag.subtract(x, off) * mask + off
    if keep is None:
        return shifted
    variance = keep + off**2 * keep * (1 - keep)
    root = ag.sqrt(variance) if isinstance(variance, ag.Tensor) else math.sqrt(variance)
    return (shifted - (1 - keep) * off) / root
