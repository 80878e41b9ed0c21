"""Sums weighted by parameters."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

__all__ = ["bilinear", "linear"]


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


def bilinear(
    x1: ArrayLike, x2: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None
) -> ag.Tensor:
    """Sums over pairs of inputs: y_o = Σ_ij x1_i W_oij x2_j + b_o.

    Parameters
    ----------
    x1, x2 : array_like, shapes (…, in1) and (…, in2)
    weight : array_like, shape (out, in1, in2)
        Laid out as PyTorch's.
    bias : array_like, shape (out,), optional

    Returns
    -------
    Tensor, shape (…, out)
    """
    y = ag.einsum("...i,oij,...j->...o", x1, weight, x2)
    return y if bias is None else y + bias
