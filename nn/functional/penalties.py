"""What is added to the loss for the size of the weights, or for units that are seldom off."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError, DataError, ShapeError
from autograd_core.options import Interval

from ..inputs import as_dtype_of, as_quantities, require, require_within
from .binary import binary_cross_entropy

__all__ = ["elastic_net", "group_lasso", "kl_sparsity", "l1", "l2", "soft_threshold"]

_SHARE = Interval(0.0, 1.0, open_low=True)  # (0, 1)


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
    return _total("l2", weights, lambda w: ag.sum(ag.square(w))) / 2


def l1(weights: Iterable[ArrayLike]) -> ag.Tensor:
    """The sum of absolute values: Σ_k Σ |W_k|; its gradient is sign(W_k), with sign(0) = 0.

    Parameters, returns and raises: see `l2`.

    References
    ----------
    [l1 regularization], [Effect on gradient descent]

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.l1([np.array([3.0]), np.array([-4.0])]))
    7.0
    """
    return _total("l1", weights, lambda w: ag.sum(ag.absolute(w)))


def elastic_net(weights: Iterable[ArrayLike], beta: float | ag.Tensor = 1.0) -> ag.Tensor:
    """The slide's elastic net, Σ_k Σ (β W² + |W|): β is on the square alone.

    Parameters
    ----------
    weights : iterable of array_like
    beta : float, ≥ 0
        β. Its gradient is 2 β W + sign(W).

    Returns and raises: see `l2`.

    References
    ----------
    [Summary: Regularization]. Zou and Hastie (2005), Regularization and variable selection via the elastic
    net; scikit-learn's ``ElasticNet(alpha, l1_ratio)`` is λ = alpha · l1_ratio, β = (1 − l1_ratio) / (2 l1_ratio).

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.elastic_net([np.array([3.0, -1.0])], 0.5))
    9.0
    """
    return _total(
        "elastic_net",
        weights,
        lambda w: ag.sum(beta * ag.square(w) + ag.absolute(w)),
    )


def group_lasso(weights: Iterable[ArrayLike], axis: int | None = None) -> ag.Tensor:
    """√n times the norm of each unit's n weights, summed: whole units go to 0 together.

    Parameters
    ----------
    weights : iterable of array_like
    axis : int, optional
        The axis of the groups: one for each place along it. Left out: that of the outputs, the last
        of a matrix (in, out) and the first of kernels (out, in, …); a vector is one group.

    Returns and raises: see `l2`. The derivative of a group that is 0 is 0.

    References
    ----------
    Yuan and Lin (2006), Model selection and estimation in regression with grouped variables.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.group_lasso([np.array([[3.0, 0.0], [4.0, 0.0]])]).numpy().round(6))
    7.071068
    """

    def of(w: ArrayLike) -> ag.Tensor:
        w = as_quantities(w, "group_lasso")
        axes = incoming(w, axis)
        size = functools.reduce(operator.mul, (w.shape[a] for a in axes), 1)
        return ag.sum(ag.norm(w, axis=axes)) * ag.sqrt(ag.tensor(size, w.dtype))

    return _total("group_lasso", weights, of)


def incoming(w: Any, axis: int | None = None) -> tuple[int, ...]:
    """The axes of the weights that come into one unit; ``axis`` is that of the units."""
    if axis is None:
        axis = -1 if w.ndim == 2 else 0
    if w.ndim < 2:
        return tuple(range(w.ndim))
    if not -w.ndim <= axis < w.ndim:
        raise ShapeError(
            "axis",
            f"expected an axis of the units, of {w.ndim} axes; received {axis} for shape {w.shape}.",
        )
    return tuple(a for a in range(w.ndim) if a != axis % w.ndim)


def soft_threshold(x: ArrayLike, threshold: ArrayLike) -> ag.Tensor:
    """sign(x) max(|x| − t, 0): the proximal step of t |x|, and the optimum under an L1 penalty.

    Parameters
    ----------
    x : array_like
    threshold : array_like, ≥ 0, broadcastable to x
        t. With a step of size η and a penalty λ|x| it is η λ; with a quadratic of curvature H, α/H.

    Returns
    -------
    Tensor, shape of x
        Exactly 0 for |x| ≤ t.

    Raises
    ------
    DataError
        If t is negative or nan; in a compiled step, at each run.

    References
    ----------
    [Effect on the optimal solution], both forms. Donoho (1995), De-noising by soft-thresholding.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.soft_threshold(np.array([3.0, 0.5, -2.0]), 1.0).numpy().tolist()
    [2.0, 0.0, -1.0]
    """
    x = as_quantities(x, "soft_threshold")
    t = as_dtype_of(as_quantities(threshold, "soft_threshold"), x)

    def error(t: Any) -> DataError:
        return DataError(
            "soft_threshold", f"threshold: expected numbers of 0 or more; received {np.min(t)}."
        )

    require(lambda t: np.min(t) >= 0, error, t)
    return ag.sign(x) * ag.relu(ag.absolute(x) - t)


def kl_sparsity(activations: ArrayLike, rho: float = 0.05) -> ag.Tensor:
    """Σ_j KL(ρ ‖ ρ̂_j): how far the mean activation ρ̂_j of each unit over the batch is from ρ.

    KL(ρ ‖ ρ̂) = ρ log(ρ/ρ̂) + (1 − ρ) log((1 − ρ)/(1 − ρ̂)), in nats.

    Parameters
    ----------
    activations : array_like, shape (B, …)
        Outputs of units, in [0, 1]: after a sigmoid.
    rho : float, in (0, 1)
        ρ, the share of the examples for which a unit should be on.

    Returns
    -------
    Tensor, shape ()
        0 where every unit has the mean ρ.

    Raises
    ------
    ShapeError
        If there is no batch, or it is empty.
    DataError
        If an activation is outside [0, 1] or nan; in a compiled step, at each run.
    ConfigError
        If ρ is outside (0, 1).

    Notes
    -----
    A unit that is off, or on, for all examples costs what logarithms of −100 do, as in
    `binary_cross_entropy`, of which this is the excess over the entropy of ρ.

    References
    ----------
    Ng (2011), Sparse autoencoder (CS294A lecture notes), section 3. Srivastava et al. (2014), Dropout,
    table 9.

    Examples
    --------
    >>> import numpy as np, nn
    >>> bool(abs(nn.functional.kl_sparsity(np.full((4, 3), 0.05)).item()) < 1e-12)
    True
    """
    r = _SHARE.check("kl_sparsity: rho", rho)
    a = as_quantities(activations, "kl_sparsity")
    if a.ndim == 0 or 0 in a.shape:
        raise ShapeError(
            "kl_sparsity",
            f"expected activations of shape (batch, …), not empty; received {a.shape}.",
        )
    remedy = "Put a sigmoid before it: a share of the time is in [0, 1]."
    require_within(a, 0, 1, "kl_sparsity", "activations", remedy)
    mean = ag.mean(a, axis=0)
    flat = ag.reshape(mean, (1,)) if mean.ndim == 0 else mean
    due = flat * 0 + r
    return binary_cross_entropy(flat, due, reduction="sum") + ag.sum(
        due * ag.log(due) + (1 - due) * ag.log(1 - due)
    )


def _total(name: str, weights: Iterable[ArrayLike], of: Callable[[Any], ag.Tensor]) -> ag.Tensor:
    terms = [of(weight) for weight in weights]
    if not terms:
        raise ConfigError(
            name, "there are no weights to penalize. Expected at least one array; received none."
        )
    return functools.reduce(operator.add, terms)
