"""Decay along the inverse root of the count, after a warm-up."""

from __future__ import annotations

from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import COUNT, NON_NEGATIVE

from .schedule import Schedule

__all__ = ["InverseSqrt"]


class InverseSqrt(Schedule):
    """η_k = η0 min(s/w, √(w/s)) with s = k + 1: up a straight line, then down like 1/√s.

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the largest number; it is reached at the w-th update, k = w − 1.
    warmup : int, ≥ 1
        w, in updates; with 1 there is no warm-up: η_k = η0/√(k + 1).

    Notes
    -----
    The paper's d^(−½) min(s^(−½), s w^(−3/2)) is this with η0 = (d w)^(−½). Σ η_k² diverges: the
    second of the two conditions of [When does SGD work] fails, if only just.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, equation 3.

    Examples
    --------
    >>> [round(float(InverseSqrt(0.2, warmup=4)(k)), 3) for k in (0, 1, 3, 15, 399)]
    [0.05, 0.1, 0.2, 0.1, 0.02]
    """

    examples = ({"initial": 0.1}, {"initial": 0.1, "warmup": 4})

    initial: Annotated[float, NON_NEGATIVE]
    warmup: Annotated[int, COUNT] = 1

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        s = (k + 1) / self.warmup
        # Before the warm-up ends s is the smaller; the root is asked from there on alone.
        return self.initial * (ag.minimum(s, 1.0) / ag.sqrt(ag.maximum(s, 1.0)))
