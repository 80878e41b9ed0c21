"""Sums weighted by parameters."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

__all__ = ["linear"]


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> ag.Tensor:
    """Weighted sums: x W + b.

    Parameters
    ----------
    x : array_like, shape (…, in)
    weight : array_like, shape (in, out)
        The transpose of PyTorch's.
    bias : array_like, shape (out,), optional

    Returns
    -------
    Tensor, shape (…, out)

    References
    ----------
    [What each neuron computes]
    """
    return ag.matmul(x, weight) if bias is None else ag.affine(x, weight, bias)
