"""Units moved to mean 0 and variance 1: by given statistics, or by those of the batch."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

__all__ = ["batch_norm", "batch_norm_with_statistics", "normalize"]


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
    return _scaled((z - mean) / ag.sqrt(variance + eps), gamma, beta)


def batch_norm_with_statistics(
    z: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> tuple[ag.Tensor, ag.Tensor, ag.Tensor]:
    """Compute `batch_norm`, and the mean μ_B and variance σ²_B (divided by B) it used.

    Returns
    -------
    tuple of three Tensors, of shapes (B, …), (…), (…)
    """
    mean = ag.mark(ag.mean(z, axis=0), name="mean")
    centered = z - mean
    variance = ag.mark(ag.mean(ag.square(centered), axis=0), name="variance")
    u = ag.mark(centered / ag.sqrt(variance + eps), name="u")
    return _scaled(u, gamma, beta), mean, variance


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
    z : array_like, shape (B, …)
        Statistics are taken over the first axis, for each unit by itself.
    gamma, beta : array_like, broadcastable to z, optional
        Scale and shift of each unit; left out if None.
    eps : float
        ε > 0, inside the root.

    Returns
    -------
    Tensor, shape (B, …)

    Notes
    -----
    The variance divides by B here, as on the slide. A batch of one gives u ≡ 0; the layer
    `nn.BatchNorm1d` refuses it. Since every output depends on the whole batch, the derivative of
    the batch's divergence is no mean of derivatives of single instances [A note on derivatives].

    References
    ----------
    [Batch normalization: Training]. Ioffe and Szegedy (2015), Batch normalization, algorithm 1.

    Examples
    --------
    >>> import numpy as np, nn
    >>> z = np.array([[1.0], [3.0]])
    >>> nn.functional.batch_norm(z, eps=3.0).numpy().tolist()
    [[-0.5], [0.5]]
    """
    return batch_norm_with_statistics(z, gamma, beta, eps)[0]


def _scaled(u: ag.Tensor, gamma: ArrayLike | None, beta: ArrayLike | None) -> ag.Tensor:
    scaled = u if gamma is None else gamma * u
    return scaled if beta is None else scaled + beta
