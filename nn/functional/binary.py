"""Divergences of answers that are yes or no, one for each output."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ShapeError

from ..inputs import as_dtype_of, as_pair, as_quantities, require_within
from .reduction import REDUCTION, Reduction, reduced

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]

FLOOR = -100  # of a logarithm of a probability, as in PyTorch


def binary_cross_entropy(
    probabilities: ArrayLike,
    targets: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
) -> ag.Tensor:
    """−(y log p + (1 − y) log(1 − p)) of probabilities p, in nats.

    Parameters
    ----------
    probabilities : array_like, shape (B, …)
        p in [0, 1]: after a sigmoid. Of scores see `binary_cross_entropy_with_logits`, which loses
        nothing where the sigmoid is saturated.
    targets : array_like, of the same shape
        y in [0, 1].
    weight : array_like, broadcastable to the shape, optional
        A factor ≥ 0 of each loss.
    reduction : {"mean", "sum", "none"}
        The mean is over all elements, weights or not.

    Returns
    -------
    Tensor, shape (), or that of the probabilities for "none"

    Raises
    ------
    ShapeError
        If the shapes differ or are empty: nothing but the weight is broadcast.
    DataError
        If p or y is outside [0, 1] or nan, or a weight negative; in a compiled step, at each run.
    ConfigError
        If there is no such reduction.

    Notes
    -----
    A logarithm below −100 counts as −100, as in PyTorch, so that p = 0 with y = 1 costs 100 and not
    infinity; its derivative there is 0. Elsewhere the derivative is exact, also for p below 1e-12,
    where PyTorch's is cut off.

    Examples
    --------
    >>> import numpy as np, nn
    >>> p = np.array([0.5, 0.0])
    >>> nn.functional.binary_cross_entropy(p, np.array([1, 1]), reduction="none").numpy().round(
    ...     4
    ... ).tolist()
    [0.6931, 100.0]
    """
    name = "binary_cross_entropy"
    REDUCTION.check(f"{name}: reduction", reduction)
    p, y = _pair(probabilities, targets, name)
    require_within(
        p,
        0,
        1,
        name,
        "the output",
        "Put a sigmoid before it, or use binary_cross_entropy_with_logits.",
    )
    log_p, log_q = _log(p, ag.greater(p, 0), 1, ag.log), _log(p, ag.less(p, 1), 0, _log_of_rest)
    return reduced(name, _weighted(name, -(y * log_p + (1 - y) * log_q), weight), reduction)


def binary_cross_entropy_with_logits(
    logits: ArrayLike,
    targets: ArrayLike,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
) -> ag.Tensor:
    """−(w y log σ(z) + (1 − y) log(1 − σ(z))) of scores z, in nats.

    Parameters
    ----------
    logits : array_like, shape (B, …)
        Scores z before the sigmoid: any real numbers.
    targets : array_like, of the same shape
        y in [0, 1].
    weight : array_like, broadcastable to the shape, optional
        A factor ≥ 0 of each loss.
    pos_weight : array_like, broadcastable to the shape, optional
        w ≥ 0: how much a yes counts beside a no. The number of noes over that of yeses balances them.
    reduction : {"mean", "sum", "none"}
        The mean is over all elements, weights or not.

    Returns
    -------
    Tensor, shape (), or that of the logits for "none"

    Raises
    ------
    ShapeError, DataError, ConfigError
        As in `binary_cross_entropy`.

    Notes
    -----
    Computed as w y softplus(−z) + (1 − y) softplus(z): no exponential overflows, and nothing is lost
    where the sigmoid is saturated. A certain and right answer may have a score of ±∞.

    Examples
    --------
    >>> import numpy as np, nn
    >>> z = np.array([0.0, 1e4, -1e4])
    >>> F = nn.functional
    >>> F.binary_cross_entropy_with_logits(z, np.ones(3), reduction="none").numpy().round(
    ...     4
    ... ).tolist()
    [0.6931, 0.0, 10000.0]
    """
    name = "binary_cross_entropy_with_logits"
    REDUCTION.check(f"{name}: reduction", reduction)
    z, y = _pair(logits, targets, name)
    no = 1 - y
    yes = y if pos_weight is None else _factor(name, "pos_weight", pos_weight, y) * y
    # 0 times the cost of what is not asked is 0, also where that is infinite.
    losses = ag.still(yes * ag.softplus(-z), yes) + ag.still(no * ag.softplus(z), no)
    return reduced(name, _weighted(name, losses, weight), reduction)


def _pair(output: ArrayLike, targets: ArrayLike, name: str) -> tuple[Any, Any]:
    output, targets = as_pair(output, targets, name)
    output, targets = (t if isinstance(t, ag.Tensor) else ag.tensor(t) for t in (output, targets))
    require_within(targets, 0, 1, name, "targets", "They are probabilities of a yes.")
    return output, targets


def _log(p: Any, inside: Any, elsewhere: int, log: Any) -> Any:
    """A logarithm of p, and the floor below it and where p is at the pole."""
    return ag.where(inside, ag.maximum(log(ag.where(inside, p, elsewhere)), FLOOR), FLOOR)


def _log_of_rest(p: Any) -> Any:
    return ag.log1p(-p)


def _weighted(name: str, losses: Any, weight: Any) -> Any:
    return losses if weight is None else losses * _factor(name, "weight", weight, losses)


def _factor(name: str, what: str, given: ArrayLike, like: Any) -> Any:
    """A factor of every loss, that shapes do not grow by."""
    factor = as_quantities(given, name)
    fits = factor.ndim <= like.ndim and all(
        n == 1 or n == m for n, m in zip(factor.shape[::-1], like.shape[::-1], strict=False)
    )
    if not fits:
        raise ShapeError(
            name,
            f"{what}: expected a shape that broadcasts to {like.shape}; received {factor.shape}.",
        )
    require_within(factor, 0, float(np.finfo(factor.dtype).max), name, what)
    factor = as_dtype_of(factor, like)
    return factor if isinstance(factor, ag.Tensor) else ag.tensor(factor)
