"""Half waves of a cosine, one after the other."""

from __future__ import annotations

from math import pi
from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import COUNT, NON_NEGATIVE

from .schedule import Schedule

__all__ = ["WarmRestarts"]


class WarmRestarts(Schedule):
    """η_k = η1 + (η0 − η1) (1 + cos(π t/T)) / 2, t updates after the last restart, T to the next.

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0 and at each restart.
    updates : int, ≥ 1
        T of the first cycle, in updates.
    multiply : int, ≥ 1
        Each cycle is so many times as long as the one before it: the i-th restart is after
        n (m^i − 1)/(m − 1) updates.
    final : float, ≥ 0
        η1, to which a cycle comes close, and never comes: at its end the next one begins.

    Notes
    -----
    With one cycle it is `Cosine`. PyTorch's ``CosineAnnealingWarmRestarts`` has ``T_0``, ``T_mult``
    and ``eta_min``.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts.

    Examples
    --------
    >>> restarts = WarmRestarts(0.2, updates=2, multiply=2)  # again at 2, 6, 14, 30, …
    >>> [round(float(restarts(k)), 3) for k in range(7)]
    [0.2, 0.1, 0.2, 0.171, 0.1, 0.029, 0.2]
    """

    examples = (
        {"initial": 0.1, "updates": 5},
        {"initial": 0.1, "updates": 2, "multiply": 2, "final": 0.01},
        {"initial": 0.1, "updates": 1, "multiply": 3},
    )

    initial: Annotated[float, NON_NEGATIVE]
    updates: Annotated[int, COUNT]
    multiply: Annotated[int, COUNT] = 1
    final: Annotated[float, NON_NEGATIVE] = 0.0

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        n, m = self.updates, self.multiply
        if m == 1:
            share = k / n - ag.floor(k / n)
        else:

            def length(i: Any) -> Any:
                return (m + 0 * k) ** i  # of cycle i, over n

            def begin(i: Any) -> Any:
                return (length(i) - 1) / (m - 1)

            # The logarithm is rounded: at a restart it may be one cycle too early or too late.
            i = ag.floor(ag.log((m - 1) * (k / n) + 1) / ag.log(m + 0 * k))
            i = ag.where(k / n >= begin(i + 1), i + 1, i)
            i = ag.where(k / n < begin(i), i - 1, i)
            share = (k / n - begin(i)) / length(i)
        wave = (1 + ag.cos(pi * share)) / 2
        return wave * self.initial + (1 - wave) * self.final
