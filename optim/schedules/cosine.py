"""Half a wave of a cosine."""

from __future__ import annotations

from math import pi
from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import COUNT, NON_NEGATIVE

from .schedule import Schedule

__all__ = ["Cosine"]


class Cosine(Schedule):
    """η_k = η1 + (η0 − η1) (1 + cos(π min(k, n)/n)) / 2: from η0 to η1 in half a wave.

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0.
    updates : int, ≥ 1
        n: the number is η1 from k = n on.
    final : float, ≥ 0
        η1.

    Notes
    -----
    It begins and ends slowly. With η1 = 0 nothing moves any more after n updates; give as many as
    the run has.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts. The slides'
    own forms are `Linear`, `Quadratic` and `Exponential` [Decaying learning rate].

    Examples
    --------
    >>> [round(float(Cosine(0.2, updates=100)(k)), 3) for k in (0, 25, 50, 100, 200)]
    [0.2, 0.171, 0.1, 0.0, 0.0]
    """

    examples = ({"initial": 0.1, "updates": 8}, {"initial": 0.1, "updates": 5, "final": 0.01})

    initial: Annotated[float, NON_NEGATIVE]
    updates: Annotated[int, COUNT]
    final: Annotated[float, NON_NEGATIVE] = 0.0

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        wave = (1 + ag.cos(pi * (ag.minimum(k, self.updates) / self.updates))) / 2
        return wave * self.initial + (1 - wave) * self.final
