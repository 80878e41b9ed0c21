"""Divergences of one distribution from another."""

from __future__ import annotations

from typing import Literal

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import SWITCH, Choice

from ..inputs import as_pair, require_logarithms, require_within, rounded_up
from .reduction import reduced

__all__ = ["kl_div"]

Reduction = Literal["batchmean", "mean", "sum", "none"]
REDUCTION: Choice[Reduction] = Choice(("batchmean", "mean", "sum", "none"))


def kl_div(
    log_probabilities: ArrayLike,
    targets: ArrayLike,
    *,
    reduction: Reduction = "batchmean",
    log_target: bool = False,
) -> ag.Tensor:
    """Σ t (log t − log p), the divergence of p from t, in nats; the mean over the batch.

    Parameters
    ----------
    log_probabilities : array_like, shape (B, …)
        log p, such as `log_softmax` gives: never above 0.
    targets : array_like, of the same shape
        t in [0, 1]; or log t with ``log_target``.
    reduction : {"batchmean", "mean", "sum", "none"}
        "batchmean" divides the sum by B, which is the slides' mean over instances. "mean" divides it
        by the number of elements, which is no divergence; it is PyTorch's default. "none" gives
        each element's term.
    log_target : bool
        Whether targets are logarithms.

    Returns
    -------
    Tensor, shape (), or that of the targets for "none"

    Raises
    ------
    ShapeError
        If the shapes differ or are empty.
    DataError
        If log p is above 0, t outside [0, 1], log t above 0, or one is nan; in a compiled step, at
        each run.
    ConfigError
        If an option is none of its values.

    Notes
    -----
    0 log 0 = 0: a target of 0 has no part in it, whatever log p is there, −∞ among it. (PyTorch
    gives nan for a log target of −∞.)

    References
    ----------
    Kullback and Leibler (1951), On information and sufficiency.

    Examples
    --------
    >>> import numpy as np, nn
    >>> t = np.array([[0.5, 0.5, 0.0]])
    >>> p = np.array([[0.25, 0.25, 0.5]])
    >>> bool(np.isclose(nn.functional.kl_div(np.log(p), t).numpy(), np.log(2)))
    True
    """
    name = "kl_div"
    REDUCTION.check(f"{name}: reduction", reduction)
    SWITCH.check(f"{name}: log_target", log_target)
    log_p, t = (
        a if isinstance(a, ag.Tensor) else ag.tensor(a)
        for a in as_pair(log_probabilities, targets, name)
    )
    logs = "Pass logarithms of probabilities: log_softmax of scores, log of probabilities."
    require_logarithms(log_p, name, "log-probabilities", logs)
    if log_target:
        require_logarithms(t, name, "log targets", "They are logarithms of probabilities.")
        p = ag.exp(t)
        terms = ag.still(p * (t - log_p), p)
    else:
        require_within(t, 0, 1 + rounded_up(t), name, "targets", "They are probabilities.")
        terms = ag.xlogy(t, t) - ag.still(t * log_p, t)
    if reduction == "batchmean":
        return ag.mean(ag.sum(terms, axis=tuple(range(1, terms.ndim))) if terms.ndim > 1 else terms)
    return reduced(name, terms, reduction)
