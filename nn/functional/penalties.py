"""What is added to the loss for the size of the weights."""

from __future__ import annotations

from collections.abc import Iterable

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError

__all__ = ["l2"]


def l2(weights: Iterable[ArrayLike]) -> ag.Tensor:
    """Half the sum of squares: ½ Σ_k ‖W_k‖²; its gradient is W_k.

    Parameters
    ----------
    weights : iterable of array_like
        Of any shapes; at least one.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ConfigError
        If there are no weights.

    References
    ----------
    [Smoothness through weight constraints]

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.l2([np.array([3.0]), np.array([4.0])]))
    12.5
    """
    squares = [ag.sum(ag.square(weight)) for weight in weights]
    if not squares:
        raise ConfigError(
            "l2", "there are no weights to penalize. Expected at least one array; received none."
        )
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return total / 2
